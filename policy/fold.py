"""The records of one request, and the folds over them (semantics L2-L13, U6)."""

from __future__ import annotations

from collections.abc import Sequence

from policy.expression import (
    FALSE,
    TRUE,
    DocumentLeaf,
    Residual,
    both,
    disjunction,
    either,
)
from policy.grants import grants_side
from policy.inputs import NO_SETTINGS, Inputs, Level
from policy.layers import (
    NO_SIDE,
    Record,
    ResourceSide,
    is_account_only,
    layer_verdict,
    resource_side,
    scan,
    scan_level,
    scan_resource,
)
from policy.principals import EVERYBODY, NOBODY
from policy.request import WITHOUT_IDENTITY, Request
from policy.s3 import AclSide, acl_side, public_block
from policy.services import (
    FEDERATED_ACTIONS,
    KEPT_BY_ROOT,
    OWN_KEYS,
    RCP_EXEMPT_ACTIONS,
    RCP_SERVICES,
    is_awss,
    is_protected,
    is_role,
    needs_resource_policy,
    never_across_accounts,
    signs_in,
)


def within_account(
    side: ResourceSide, identity: Residual, limits: Residual, unseen: Residual, *, mandatory: bool = False
) -> Residual:
    """What the caller's policies (`identity`, inside its `limits`) and a resource of its own account give (L4-L6).

    `unseen`: the resource's policy was not read; `mandatory`: it must allow even here.
    """
    if unseen is not FALSE:
        # The document may grant by name, which nothing but guardrails limits, and may deny (U6, L5).
        return unseen
    named = either(side.direct, both(side.role, limits))
    if mandatory:
        return either(named, both(side.account, identity))
    return either(identity, named)


class Fold:
    """One request's records, in the order of the layers."""

    __slots__ = (
        "_granted",
        "acl",
        "action",
        "boundary",
        "crosses",
        "given",
        "identity",
        "inputs",
        "kind",
        "policy",
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
            and not is_awss(request.resource_account)
        )
        has_boundary = bool(inputs.boundary)
        self.identity = scan("identity", inputs.identity, request, action)
        self.records = records = [self.identity]
        self.boundary = self.session = self.resource = self.vpce = None
        if has_boundary:
            self.boundary = scan("boundary", inputs.boundary, request, action)
            records.append(self.boundary)
        if inputs.session is not None:
            self.session = scan("session", inputs.session, request, action)
            records.append(self.session)
        self.scps: Sequence[Record] = ()
        if inputs.scps and has_identity and not principal.service_linked:
            self.scps = self._guarding("scp", inputs.scps, has_boundary)
            records += self.scps
        self.rcps: Sequence[Record] = self._scan_rcps(has_boundary) if inputs.rcps else ()
        records += self.rcps
        self.policy = inputs.resource
        if self.policy is not None and action.startswith("iam:") and is_role(request.resource):
            self.policy = None  # a trust policy says nothing about changing or passing the role (L6)
        elif (
            kind == "root"
            and action in KEPT_BY_ROOT
            and not (self.crosses or (self.policy is not None and self.policy.unlisted))
        ):
            self.policy = None  # nobody locks the owner out of a bucket's policy (L10)
        attached = (self.policy, *inputs.shares) if self.policy is not None else inputs.shares
        if attached:
            self.resource = scan_resource(
                "resource", attached, request, action, has_boundary=has_boundary, default=NOBODY
            )
            records.append(self.resource)
        if inputs.vpce:
            self.vpce = scan_resource(
                "vpce", inputs.vpce, request, action, has_boundary=has_boundary, default=EVERYBODY
            )
            records.append(self.vpce)
        self._granted: Residual | None = None
        self.given = NO_SIDE
        self.acl: AclSide | None = None
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
        return self._guarding("rcp", self.inputs.rcps, has_boundary)

    def _guarding(self, layer: str, levels: Sequence[Level], has_boundary: bool) -> list[Record]:
        about = (layer, self.action)
        # Most levels say one thing of an action, whoever asks.
        return [
            level.settled.get(about) or scan_level(about, level, self.request, has_boundary=has_boundary)
            for level in levels
        ]

    def _resource_side(self) -> ResourceSide:
        side = NO_SIDE if self.resource is None else resource_side(self.resource)
        settings = self.inputs.settings
        if settings is NO_SETTINGS:
            return side
        if self.action.startswith("s3:"):
            return self._with_acl(side)
        if settings.kms_grants == () or not self.action.startswith("kms:"):
            return side
        self.given = given = grants_side(self.request, self.action, settings)
        return ResourceSide(
            either(side.direct, given.direct),
            either(side.role, given.role),
            either(side.account, given.account),
        )

    @property
    def grants_allow(self) -> Residual:
        """What the key's grants give the caller, in whichever way they name it (L7)."""
        return disjunction(self.given)

    def _public_block(self) -> Residual:
        """L7: what RestrictPublicBuckets takes away from outsiders when the bucket policy is public."""
        if not self.action.startswith("s3:"):
            return FALSE
        return public_block(self.request, self.inputs, disjunction(self.side))

    def _with_acl(self, side: ResourceSide) -> ResourceSide:
        """L7: what an ACL gives beside the bucket policy. A policy that was not read could take it back (U6)."""
        attached = self.inputs.resource
        if attached is not None and attached.document is None:
            return side
        self.acl = found = acl_side(self.request, self.action, self.inputs.settings)
        if found is None:
            return side
        if self.resource is None:
            self.resource = Record("resource", [], [], [])
        return ResourceSide(*map(either, side, found.side))

    def deny(self) -> Residual:
        """Whether any layer denies explicitly (L1)."""
        denied: Residual = self.public_block
        for record in self.records:
            deny = record.deny
            if deny is not FALSE:
                if deny is TRUE:
                    return TRUE
                denied = either(denied, deny)
        return denied

    def allow(self) -> Residual:
        """Whether everything that must allow does, explicit denials left aside."""
        held: Residual = TRUE
        if self.scps or self.rcps or self.vpce is not None:
            held = self._guardrails()
            if held is FALSE:
                return FALSE
        granted = self.grant()
        if granted is FALSE:
            return FALSE
        if self.identity.missing or self.boundary is not None or self.session is not None:
            held = both(held, self._unseen())
        return both(granted, held)

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
        """L10, L12, L13, L17: what AWS refuses whatever the policies say."""
        if self.action.startswith("sts:"):
            if self.kind == "root" and self.action.startswith("sts:assumerole"):
                return "L10"
            if not self._signed():
                return "L13"
            if self.action in OWN_KEYS and self.kind not in ("user", "root", "account"):
                return "L1"
            if self.action == "sts:assumeroot" and (self.kind == "root" or not self._elsewhere()):
                return "L10"
        elif self.action.startswith("iam:") and is_protected(self.action, self.request.resource):
            return "L12"
        outside = self.crosses or self.kind == "anonymous"  # unsigned, nobody is of the account
        if outside and self.inputs.settings.cross_account_limits and never_across_accounts(self.action):
            return "L17"
        return None

    def _signed(self) -> bool:
        """L13: whether a call of STS comes from somebody who can sign it, or who brings the token that it goes by."""
        request = self.request
        if self.action in FEDERATED_ACTIONS:
            return signs_in(self.kind, request.principal.account, self.action, request.resource_account)
        return self.kind != "anonymous"

    def _elsewhere(self) -> bool:
        """L10: whether the root user that somebody wants to act as is another account's."""
        return self.crosses or self.request.resource == "*"

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
        if self._granted is None:
            self._granted = self._grant()
        return self._granted

    def _grant(self) -> Residual:
        policy, side = self.policy, self.side
        unseen: Residual = FALSE
        if policy is not None and policy.document is None:
            unseen = DocumentLeaf(policy.id)
        shared = self._unseen_shares() if self.inputs.shares else FALSE
        if self.kind in WITHOUT_IDENTITY or self.action in FEDERATED_ACTIONS:
            # A document that was not read may also deny what grants and shares give (U6).
            return either(side.direct, shared) if unseen is FALSE else unseen
        if self.action == "sts:getsessiontoken":
            return TRUE
        limits = self._limits()
        identity = both(self.identity_allow(), limits)
        if self.crosses:
            lets_in = disjunction((*side, shared)) if unseen is FALSE else unseen
            return either(both(identity, lets_in), self._given_abroad(limits, unseen))
        if policy is not None and policy.only_allows:
            return either(identity, unseen)
        mandatory = needs_resource_policy(self.action, self.request.resource)
        found = within_account(side, identity, limits, unseen, mandatory=mandatory)
        return either(found, shared) if unseen is FALSE else found

    def _given_abroad(self, limits: Residual, unseen: Residual) -> Residual:
        """What a grant of a KMS key gives its grantee in another account, who needs no Allow of its own (L7).

        Auto Scaling's service-linked role, whose policy says nothing about KMS, starts volumes encrypted with a key of
        another account by a grant alone:
        https://docs.aws.amazon.com/autoscaling/ec2/userguide/key-policy-requirements-EBS-encryption.html
        Grants that were not read leave what another account's principal needs as it is: answers say so.
        """
        if self.inputs.settings.kms_grants is None:
            return FALSE
        # Across accounts boundary and session policy always limit (L4).
        named = both(either(self.given.direct, self.given.role), limits)
        return named if unseen is FALSE else both(named, unseen)

    def _unseen_shares(self) -> Residual:
        """Shares that could not be collected: they can only add access (L16)."""
        return disjunction(DocumentLeaf(share.id) for share in self.inputs.shares if share.document is None)

    def layers(self) -> dict[str, str]:
        """Each layer's own verdict."""
        layers = {"identity": self.identity.verdict()}
        if self.boundary is not None:
            layers["boundary"] = self.boundary.verdict()
        if self.session is not None:
            layers["session"] = self.session.verdict()
        layers["scp"] = self._scp_verdict() if self.scps else "Allowed"
        layers["rcp"] = self._rcp_verdict() if self.rcps else "Allowed"
        layers["resource"] = "NotApplicable" if self.resource is None else self._resource_verdict(self.resource)
        if self.vpce is not None:
            layers["vpce"] = self.vpce.verdict()
        return layers

    def _scp_verdict(self) -> str:
        first = self.scps[0]
        if len(self.scps) == 1:
            return first.verdict()
        allow, deny = first.allow, first.deny
        for record in self.scps[1:]:
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
