"""The records of one request, and the folds over them (semantics L2-L13, U6)."""

from __future__ import annotations

from policy.expression import (
    FALSE,
    TRUE,
    DocumentLeaf,
    Residual,
    both,
    disjunction,
    either,
    negation,
)
from policy.grants import grants_side
from policy.inputs import Inputs
from policy.layers import (
    NO_SIDE,
    Record,
    ResourceSide,
    is_account_only,
    is_public,
    resource_side,
    scan,
    scan_resource,
)
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

# Callers without policies of their own: the resource side alone decides (L13), and SCPs do not reach them (L2).
WITHOUT_IDENTITY = frozenset({"service", "anonymous", "oidc-provider", "saml-provider"})


class Fold:
    """One request's records, in the order of the layers."""

    __slots__ = (
        "action",
        "boundary",
        "crosses",
        "grants_allow",
        "identity",
        "inputs",
        "kind",
        "public_block",
        "rcps",
        "records",
        "request",
        "resource",
        "scps",
        "session",
        "side",
        "vpce",
    )

    def __init__(self, request: Request, inputs: Inputs, action: str) -> None:
        self.request, self.inputs, self.action = request, inputs, action
        principal = request.principal
        self.kind = kind = principal.kind
        has_identity = kind not in WITHOUT_IDENTITY
        self.crosses = (
            has_identity
            and request.resource_account is not None
            and principal.account is not None
            and principal.account != request.resource_account
        )
        has_boundary = bool(inputs.boundary)
        self.identity = scan("identity", inputs.identity, request, action)
        self.boundary = scan("boundary", inputs.boundary, request, action) if has_boundary else None
        self.session = scan("session", inputs.session, request, action) if inputs.session is not None else None
        self.scps: list[Record] = []
        if inputs.scps and has_identity and not principal.service_linked:
            self.scps = [scan("scp", level.policies, request, action) for level in inputs.scps]
        self.rcps = self._scan_rcps(has_boundary) if inputs.rcps else []
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
        listed = (self.identity, self.boundary, self.session, *self.scps, *self.rcps, self.resource, self.vpce)
        self.records: list[Record] = [record for record in listed if record is not None]
        self.grants_allow = False
        self.side = self._resource_side()
        self.public_block: Residual = (
            FALSE if inputs.settings.restrict_public_buckets is False else self._public_block()
        )

    def _scan_rcps(self, has_boundary: bool) -> list[Record]:
        """L3: which requests RCPs look at."""
        request, action = self.request, self.action
        if request.principal.service_linked or action in RCP_EXEMPT_ACTIONS:
            return []
        if action.partition(":")[0] not in RCP_SERVICES:
            return []
        return [
            scan_resource("rcp", level.policies, request, action, has_boundary=has_boundary, default=EVERYBODY)
            for level in self.inputs.rcps
        ]

    def _resource_side(self) -> ResourceSide:
        side = NO_SIDE if self.resource is None else resource_side(self.resource)
        settings = self.inputs.settings
        if settings.kms_grants == () or not self.action.startswith("kms:"):
            return side
        given = grants_side(self.request, self.action, settings)
        self.grants_allow = given.direct is not FALSE or given.role is not FALSE
        return ResourceSide(
            either(side.direct, given.direct),
            either(side.role, given.role),
            either(side.account, given.account),
        )

    def _public_block(self) -> Residual:
        """L7: what RestrictPublicBuckets takes away from outsiders when the bucket policy is public."""
        settings, resource = self.inputs.settings, self.inputs.resource
        if not self.action.startswith("s3:") or self.kind == "service":
            return FALSE
        if not (self.crosses or self.request.principal.account is None):
            return FALSE
        if resource is None or resource.document is None or not any(map(is_public, resource.document.statements)):
            return FALSE
        given = disjunction(self.side)
        if settings.restrict_public_buckets is None:
            return both(given, negation(DocumentLeaf(settings.bpa_document)))
        return given

    def deny(self) -> Residual:
        """Whether any layer denies explicitly (L1)."""
        found: list[Residual] = []
        for record in self.records:
            if record.deny is TRUE:
                return TRUE
            if record.deny is not FALSE:
                found.append(record.deny)
        if self.public_block is not FALSE:
            found.append(self.public_block)
        return disjunction(found) if found else FALSE

    def allow(self) -> Residual:
        """Whether everything that must allow does, explicit denials left aside."""
        guardrails = self._guardrails()
        if guardrails is FALSE:
            return FALSE
        return both(both(self.grant(), guardrails), self._unseen())

    def _unseen(self) -> Residual:
        """That no policy of the caller which could not be collected denies (U6).

        A grant by name passes by what these do not allow, never by what they deny (L5).
        """
        held: Residual = TRUE
        for record in (self.identity, self.boundary, self.session):
            if record is not None and record.missing:
                held = both(held, record.allow if self.side == NO_SIDE else record.unseen())
        return held

    def refused_by_rule(self) -> str | None:
        """L12, L17: what AWS refuses whatever the policies say."""
        if self.action.startswith("iam:") and is_protected(self.action, self.request.resource):
            return "L12"
        if self.crosses and self.inputs.settings.cross_account_limits and never_across_accounts(self.action):
            return "L17"
        return None

    def _guardrails(self) -> Residual:
        """SCPs level by level, RCPs that could not be collected, endpoint policies (L2, L3, L11)."""
        held: Residual = TRUE
        for level in self.scps:
            if level.allow is not TRUE:
                held = both(held, level.allow)
        for level in self.rcps:
            if level.missing:
                held = both(held, level.unseen())
        return held if self.vpce is None else both(held, self.vpce.allow)

    def identity_allow(self) -> Residual:
        """What the principal's own policies say; root and "some principal of the account" have everything (L10)."""
        if self.kind in ("root", "account"):
            return TRUE
        return self.identity.allow

    def _limits(self) -> Residual:
        """Boundary and session policy; a GetFederationToken session without session policy may do nothing (L9)."""
        boundary = TRUE if self.boundary is None else self.boundary.allow
        if self.session is not None:
            return both(boundary, self.session.allow)
        return FALSE if self.kind == "federated-user" else boundary

    def grant(self) -> Residual:
        """Whether identity and resource side together give the access (L4-L6, L13)."""
        resource, side = self.inputs.resource, self.side
        unseen: Residual = FALSE
        if resource is not None and resource.document is None:
            unseen = DocumentLeaf(resource.id)
        if self.kind in WITHOUT_IDENTITY or self.action in FEDERATED_ACTIONS:
            return either(side.direct, unseen)
        if self.action == "sts:getsessiontoken":
            return TRUE if self.kind in ("user", "root", "account") else FALSE
        limits = self._limits()
        identity = both(self.identity_allow(), limits)
        if self.crosses:
            return both(identity, disjunction((*side, unseen)))
        if unseen is not FALSE:
            # The document may grant by name, which nothing but guardrails limits, and may deny (U6, L5).
            return unseen
        named = either(side.direct, both(side.role, limits))
        if needs_resource_policy(self.action, self.request.resource):
            return either(named, both(side.account, identity))
        return either(identity, named)

    def layers(self) -> dict[str, str]:
        """Each layer's own verdict."""
        layers = {"identity": layer_verdict(self.identity.allow, self.identity.deny)}
        if self.boundary is not None:
            layers["boundary"] = layer_verdict(self.boundary.allow, self.boundary.deny)
        if self.session is not None:
            layers["session"] = layer_verdict(self.session.allow, self.session.deny)
        layers["scp"] = self._scp_verdict() if self.scps else "Allowed"
        layers["rcp"] = self._rcp_verdict() if self.rcps else "Allowed"
        layers["resource"] = "NotApplicable" if self.resource is None else self._resource_verdict(self.resource)
        if self.vpce is not None:
            layers["vpce"] = layer_verdict(self.vpce.allow, self.vpce.deny)
        return layers

    def _scp_verdict(self) -> str:
        allow: Residual = TRUE
        deny: Residual = FALSE
        for record in self.scps:
            allow, deny = both(allow, record.allow), either(deny, record.deny)
        return layer_verdict(allow, deny)

    def _rcp_verdict(self) -> str:
        allow: Residual = TRUE
        deny: Residual = FALSE
        for record in self.rcps:
            allow, deny = (both(allow, record.unseen()) if record.missing else allow), either(deny, record.deny)
        return layer_verdict(allow, deny)

    def _resource_verdict(self, record: Record) -> str:
        deny, side = record.deny, self.side
        if deny is TRUE:
            certain = [hit for hit in record.denies if hit.truth is TRUE]
            only = bool(certain) and all(is_account_only(hit) for hit in certain)
            return "DeniedForAccount" if only else "ExplicitlyDenied"
        if side.direct is FALSE and side.role is FALSE and side.account is TRUE and deny is FALSE:
            return "AllowedForAccount"
        given = record.unseen() if record.missing else disjunction(side)
        return layer_verdict(given, deny)


def layer_verdict(allow: Residual, deny: Residual) -> str:
    """One layer's word: its Deny wins, then its Allow; what hangs on the unknown is `Conditional`."""
    if deny is TRUE:
        return "ExplicitlyDenied"
    if allow is FALSE and deny is FALSE:
        return "ImplicitlyDenied"
    return "Allowed" if allow is TRUE and deny is FALSE else "Conditional"
