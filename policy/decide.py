"""The decision: records of all layers, folded (semantics L1-L18, U1, U2, U6).

`decide` scans each layer once and folds: explicit denials of every layer against what the layers allow. Nothing on the way is
a boolean: every term is TRUE, FALSE or a residual, and the verdict is read off at the end.

What `because` says. `Allowed`: the Allow statements that gave the access. `ExplicitlyDenied`: every Deny that fires for certain
(where only their union is certain, all that may). `Conditional`: the Allows and Denies that the answer hangs on.
`ImplicitlyDenied`: each layer that gave no Allow where one was needed, with `effect: "none"` and neither sid nor statement.
A rule of AWS that no document states is `{"layer": "rule", "policy": "<number>"}` with the number of the semantics: `L1` (needs no
permission), `L7` (KMS grant, effect Allow; Block Public Access, effect Deny), `L10` (root user), `L12`, `L17`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from policy.expression import (
    FALSE,
    TRUE,
    Constant,
    DocumentLeaf,
    Residual,
    Where,
    conjunction,
    disjunction,
    negation,
)
from policy.grants import grants_side
from policy.inputs import Inputs
from policy.layers import Hit, Record, ResourceSide, is_account_only, is_public, resource_side, scan, scan_resource
from policy.principals import EVERYBODY, NOBODY
from policy.request import Request
from policy.services import (
    FEDERATED_ACTIONS,
    RCP_EXEMPT_ACTIONS,
    RCP_SERVICES,
    is_protected,
    needs_resource_policy,
    never_across_accounts,
)
from policy.solver import possible


class Verdict(StrEnum):
    """The four verdicts."""

    ALLOWED = "Allowed"
    CONDITIONAL = "Conditional"
    IMPLICITLY_DENIED = "ImplicitlyDenied"
    EXPLICITLY_DENIED = "ExplicitlyDenied"


@dataclass(frozen=True, slots=True)
class Because:
    """One thing that decided; `statement` is the index in the policy, `effect` is `Allow`, `Deny` or `none`."""

    layer: str
    policy: str | None
    sid: str | None
    statement: int | None
    effect: str

    def to_json(self) -> dict[str, Any]:
        return {
            "layer": self.layer,
            "policy": self.policy,
            "sid": self.sid,
            "statement": self.statement,
            "effect": self.effect,
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one request. `layers` maps each layer that has something to say to its own verdict; `residual` is what
    must hold for the request to be allowed, and `None` unless the verdict is Conditional.
    """

    verdict: Verdict
    layers: dict[str, str] = field(default_factory=dict)
    because: tuple[Because, ...] = ()
    residual: Residual | None = None


def decide(request: Request, inputs: Inputs) -> Decision:
    """Decide one request."""
    action = request.action.lower()
    fixed = _free_of_policies(request, action)
    if fixed is not None:
        return fixed
    case = _Case(request, inputs, action)
    return case.decision()


def _free_of_policies(request: Request, action: str) -> Decision | None:
    """L1, L10: what no policy decides."""
    if action == "sts:getcalleridentity":
        return Decision(Verdict.ALLOWED, {}, (_rule("L1", "Allow"),))
    if action.startswith("sts:assumerole") and request.principal.kind == "root":
        return Decision(Verdict.IMPLICITLY_DENIED, {}, (_rule("L10", "none"),))
    return None


def _rule(number: str, effect: str) -> Because:
    return Because("rule", number, None, None, effect)


def _of(hit: Hit, layer: str) -> Because:
    return Because(layer, hit.ref.id, hit.statement.sid, hit.statement.index, hit.statement.effect)


class _Case:
    """The records of one request and the folds over them."""

    __slots__ = (
        "account_side",
        "action",
        "boundary",
        "crosses",
        "identity",
        "inputs",
        "kind",
        "public_block",
        "rcps",
        "request",
        "resource",
        "rule",
        "scps",
        "session",
        "side",
        "vpce",
    )

    def __init__(self, request: Request, inputs: Inputs, action: str) -> None:
        self.request, self.inputs, self.action = request, inputs, action
        principal = request.principal
        self.kind = principal.kind
        self.rule: list[Because] = []
        self.crosses = principal.account is not None and self.kind not in ("oidc-provider", "saml-provider") and (
            request.resource_account is not None and principal.account != request.resource_account
        )
        has_boundary = bool(inputs.boundary)
        self.identity = scan("identity", inputs.identity, request, action)
        self.boundary = scan("boundary", inputs.boundary, request, action) if has_boundary else None
        self.session = scan("session", inputs.session, request, action) if inputs.session is not None else None
        exempt = principal.service_linked or self.kind in ("service", "anonymous", "oidc-provider", "saml-provider")
        self.scps = [] if exempt else [scan("scp", level.policies, request, action) for level in inputs.scps]
        self.rcps = self._scan_rcps(has_boundary)
        self.resource = (
            scan_resource("resource", (inputs.resource,), request, action, has_boundary=has_boundary, default=NOBODY)
            if inputs.resource is not None
            else None
        )
        self.vpce = (
            scan_resource("vpce", inputs.vpce, request, action, has_boundary=False, default=EVERYBODY)
            if inputs.vpce
            else None
        )
        self.side = self._resource_side()
        self.public_block: Residual = self._public_block()

    def _scan_rcps(self, has_boundary: bool) -> list[Record]:
        """L3: which requests RCPs look at."""
        request, levels = self.request, self.inputs.rcps
        if not levels or request.principal.service_linked or self.action in RCP_EXEMPT_ACTIONS:
            return []
        if self.action.partition(":")[0] not in RCP_SERVICES:
            return []
        return [
            scan_resource(
                "rcp", level.policies, request, self.action, has_boundary=has_boundary, default=EVERYBODY
            )
            for level in levels
        ]

    def _resource_side(self) -> ResourceSide:
        side = resource_side(self.resource) if self.resource is not None else ResourceSide(FALSE, FALSE, FALSE)
        if not self.action.startswith("kms:") or not (
            self.inputs.settings.kms_grants is None or self.inputs.settings.kms_grants
        ):
            return side
        given = grants_side(self.request, self.action, self.inputs.settings)
        if given.direct is not FALSE or given.role is not FALSE:
            self.rule.append(_rule("L7", "Allow"))
        return ResourceSide(
            disjunction((side.direct, given.direct)),
            disjunction((side.role, given.role)),
            disjunction((side.account, given.account)),
        )

    def _public_block(self) -> Residual:
        """L7: whether RestrictPublicBuckets takes away what a public bucket policy gives to outsiders."""
        settings, resource = self.inputs.settings, self.inputs.resource
        if settings.restrict_public_buckets is False or not self.action.startswith("s3:"):
            return FALSE
        if self.kind == "service" or not (self.crosses or self.request.principal.account is None):
            return FALSE
        if resource is None or resource.document is None or not any(map(is_public, resource.document.statements)):
            return FALSE
        given = disjunction(self.side)
        if settings.restrict_public_buckets is None:
            return conjunction((given, negation(DocumentLeaf(settings.bpa_document))))
        return given

    def deny(self) -> Residual:
        """Whether any layer denies explicitly (L1)."""
        records = [self.identity, self.boundary, self.session, *self.scps, *self.rcps, self.resource, self.vpce]
        found: list[Residual] = []
        for record in records:
            if record is not None and record.denies:
                truth = record.deny()
                if truth is TRUE:
                    return TRUE
                found.append(truth)
        if self.public_block is not FALSE:
            found.append(self.public_block)
        return disjunction(found) if found else FALSE

    def guardrails(self) -> Residual:
        """SCPs level by level, RCPs that could not be collected, endpoint policies (L2, L3, L11)."""
        terms: list[Residual] = []
        for level in self.scps:
            truth = level.allow()
            if truth is FALSE:
                return FALSE
            if truth is not TRUE:
                terms.append(truth)
        for level in self.rcps:
            terms.extend(DocumentLeaf(name) for name in level.missing)
        if self.vpce is not None:
            terms.append(conjunction((self.vpce.allow(), self._vpce_reach())) if self.vpce.allows else self.vpce.allow())
        return conjunction(terms) if terms else TRUE

    def _vpce_reach(self) -> Residual:
        assert self.vpce is not None
        if self.vpce.missing:
            return TRUE
        return disjunction(conjunction((hit.truth, disjunction(hit.grasp))) for hit in self.vpce.allows)

    def identity_allow(self) -> Residual:
        """What the principal's own policies say; root and "some principal of the account" have everything (L10)."""
        if self.kind in ("root", "account"):
            return TRUE
        return self.identity.allow()

    def limits(self) -> Residual:
        """Boundary and session policy; a GetFederationToken session without session policy may do nothing (L9)."""
        boundary = TRUE if self.boundary is None else self.boundary.allow()
        if self.session is not None:
            return conjunction((boundary, self.session.allow()))
        return FALSE if self.kind == "federated-user" else boundary

    def grant(self) -> Residual:
        """Whether identity and resource side together give the access (L4-L6, L13)."""
        resource = self.inputs.resource
        unseen = DocumentLeaf(resource.id) if resource is not None and resource.document is None else None
        if self.kind in ("service", "anonymous", "oidc-provider", "saml-provider"):
            return disjunction((self.side.direct, *([unseen] if unseen else [])))
        if self.action in FEDERATED_ACTIONS:
            return disjunction((disjunction(self.side), *([unseen] if unseen else [])))
        if self.action == "sts:getsessiontoken":
            return TRUE if self.kind in ("user", "root", "account") else FALSE
        limits = self.limits()
        identity = conjunction((self.identity_allow(), limits))
        if self.crosses:
            given = disjunction(self.side)
            return conjunction((identity, disjunction((given, unseen)) if unseen else given))
        if unseen is not None:
            # The document may grant by name, which nothing but guardrails limits, and may deny (U6, L5).
            return unseen
        named = disjunction((self.side.direct, conjunction((self.side.role, limits))))
        if needs_resource_policy(self.action, self.request.resource):
            return disjunction((named, conjunction((self.side.account, identity))))
        return disjunction((identity, named))

    def decision(self) -> Decision:
        deny = self.deny()
        layers = self._layers()
        if deny is TRUE:
            return Decision(Verdict.EXPLICITLY_DENIED, layers, self._because_denied(), None)
        refused = self._refused_by_rule()
        allow = FALSE if refused else conjunction((self.grant(), self.guardrails()))
        return self._verdict(allow, deny, layers, refused)

    def _verdict(self, allow: Residual, deny: Residual, layers: dict[str, str], refused: str | None) -> Decision:
        outcome = allow if deny is FALSE else conjunction((allow, negation(deny)))
        if not isinstance(outcome, Constant):
            can_hold, can_fail = possible(outcome)
            if can_hold and can_fail:
                return Decision(Verdict.CONDITIONAL, layers, self._because_conditional(), outcome)
            outcome = TRUE if can_hold else FALSE
        if outcome is TRUE:
            return Decision(Verdict.ALLOWED, layers, self._because_allowed())
        if deny is not FALSE and not possible(deny)[1]:
            return Decision(Verdict.EXPLICITLY_DENIED, layers, self._because_denied())
        return Decision(Verdict.IMPLICITLY_DENIED, layers, self._because_nothing(refused))

    def _refused_by_rule(self) -> str | None:
        """L12, L17: what AWS refuses whatever the policies say."""
        if self.action.startswith("iam:") and is_protected(self.action, self.request.resource):
            return "L12"
        if self.crosses and self.inputs.settings.cross_account_limits and never_across_accounts(self.action):
            return "L17"
        return None

    def _because_denied(self) -> tuple[Because, ...]:
        listed = [
            (hit, record.layer)
            for record in (self.identity, self.boundary, self.session, *self.scps, *self.rcps, self.resource, self.vpce)
            if record is not None
            for hit in record.denies
        ]
        certain = [_of(hit, layer) for hit, layer in listed if hit.truth is TRUE]
        if self.public_block is TRUE:
            certain.append(_rule("L7", "Deny"))
        return tuple(certain or [_of(hit, layer) for hit, layer in listed])

    def _because_allowed(self) -> tuple[Because, ...]:
        if self.action == "sts:getsessiontoken":
            return (_rule("L1", "Allow"),)
        found = [_of(hit, "identity") for hit in self.identity.allows if hit.truth is TRUE]
        if self.kind in ("root", "account"):
            found = [_rule("L10" if self.kind == "root" else "account", "Allow")]
        if self.resource is not None:
            delegates = self.crosses or needs_resource_policy(self.action, self.request.resource)
            found += [
                _of(hit, "resource")
                for hit in self.resource.allows
                if hit.truth is TRUE and (delegates or not is_account_only(hit))
            ]
        found += self.rule
        return tuple(found) or self._because_conditional()

    def _because_conditional(self) -> tuple[Because, ...]:
        allows = [_of(hit, record.layer) for record in (self.identity, self.resource) if record for hit in record.allows]
        records = (self.identity, self.boundary, self.session, *self.scps, *self.rcps, self.resource, self.vpce)
        denies = [_of(hit, record.layer) for record in records if record for hit in record.denies]
        limits = (self.boundary, self.session, *self.scps, self.vpce)
        open_limits = [
            _of(hit, record.layer)
            for record in limits
            if record is not None and not isinstance(record.allow(), Constant)
            for hit in record.allows
        ]
        return tuple(dict.fromkeys([*allows, *open_limits, *denies, *self.rule]))

    def _because_nothing(self, refused: str | None) -> tuple[Because, ...]:
        if refused is not None:
            return (_rule(refused, "none"),)
        found: list[Because] = []
        if self.kind not in ("service", "anonymous", "oidc-provider", "saml-provider", "root", "account"):
            if self.identity.allow() is FALSE:
                found.append(Because("identity", None, None, None, "none"))
            limiting = ((self.boundary, self.inputs.boundary), (self.session, self.inputs.session or ()))
            for record, refs in limiting:
                if record is not None and record.allow() is FALSE:
                    found.append(Because(record.layer, refs[0].id if len(refs) == 1 else None, None, None, "none"))
        for record, level in zip(self.scps, self.inputs.scps, strict=False):
            if record.allow() is FALSE:
                found.append(Because("scp", level.name, None, None, "none"))
        if all(part is FALSE for part in self.side):
            resource = self.inputs.resource
            found.append(Because("resource", None if resource is None else resource.id, None, None, "none"))
        if self.vpce is not None and self.vpce.allow() is FALSE:
            found.append(Because("vpce", None, None, None, "none"))
        return tuple(found)

    def _layers(self) -> dict[str, str]:
        layers = {"identity": _layer_verdict(self.identity.allow(), self.identity.deny())}
        if self.boundary is not None:
            layers["boundary"] = _layer_verdict(self.boundary.allow(), self.boundary.deny())
        if self.session is not None:
            layers["session"] = _layer_verdict(self.session.allow(), self.session.deny())
        layers["scp"] = self._levels(self.scps, implied=False)
        layers["rcp"] = self._levels(self.rcps, implied=True)
        layers["resource"] = self._resource_verdict()
        if self.vpce is not None:
            layers["vpce"] = _layer_verdict(self.vpce.allow(), self.vpce.deny())
        return layers

    def _levels(self, records: list[Record], *, implied: bool) -> str:
        if not records:
            return "Allowed"
        deny = disjunction(record.deny() for record in records)
        if implied:
            unseen = [DocumentLeaf(name) for record in records for name in record.missing]
            return _layer_verdict(conjunction(unseen), deny)
        return _layer_verdict(conjunction(record.allow() for record in records), deny)

    def _resource_verdict(self) -> str:
        record = self.resource
        if record is None:
            return "NotApplicable"
        deny = record.deny()
        if deny is TRUE:
            certain = [hit for hit in record.denies if hit.truth is TRUE]
            only = bool(certain) and all(is_account_only(hit) for hit in certain)
            return "DeniedForAccount" if only else "ExplicitlyDenied"
        named = disjunction((self.side.direct, self.side.role))
        if named is FALSE and self.side.account is TRUE and deny is FALSE:
            return "AllowedForAccount"
        if record.missing:
            return _layer_verdict(DocumentLeaf(record.missing[0]), deny)
        return _layer_verdict(disjunction(self.side), deny)


def _layer_verdict(allow: Residual, deny: Residual) -> str:
    if deny is FALSE and isinstance(allow, Constant):
        return "Allowed" if allow is TRUE else "ImplicitlyDenied"
    if deny is TRUE:
        return "ExplicitlyDenied"
    return "ImplicitlyDenied" if allow is FALSE else "Conditional"


__all__ = ["Because", "Decision", "Verdict", "Where", "decide"]
