"""Requests through an S3 access point (semantics L7): the access point and its bucket must both allow.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-policies.html ("both the access point and
the underlying bucket must permit the request"; condition keys; delegation) and access-points-vpc.html beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from policy.conditions import condition_of
from policy.context_values import ABSENT, Context, ContextValue
from policy.expression import FALSE, TRUE, DocumentLeaf, Residual, Where, both, disjunction, either
from policy.fold import Fold, within_account
from policy.inputs import AccessPoint, Inputs, PolicyRef
from policy.layers import Hit, Record, ResourceSide, resource_side, scan, scan_resource
from policy.principals import EVERYBODY, NOBODY
from policy.request import WITHOUT_IDENTITY, Principal, Request
from policy.s3 import public_block


class AccessPointFold(Fold):
    """The records of a request through an access point, each layer's matched against both names of the resource.

    AWS does not document which of the two an identity policy has to name, so either will do, to allow and to deny.
    Endpoint policies must allow both (access-points-vpc.html).
    """

    __slots__ = ("from_its_vpc", "legs")

    def __init__(self, request: Request, inputs: Inputs, action: str, point: AccessPoint) -> None:
        self.from_its_vpc = _from_its_vpc(request, point)
        request = replace(request, context=_Context(request.context, point))
        super().__init__(request, inputs, action)
        there = replace(request, resource=name_behind(request.resource, point.arn), resource_account=point.account)
        self.identity = _also(self.identity, inputs.identity, there, action)
        if self.boundary is not None:
            self.boundary = _also(self.boundary, inputs.boundary, there, action)
        if self.session is not None:
            self.session = _also(self.session, inputs.session or (), there, action)
        self.scps = [_also(one, level.policies, there, action) for one, level in zip(self.scps, inputs.scps)]  # noqa: B905 - no records for exempt callers
        limited = bool(inputs.boundary)
        self.rcps = [
            _also(one, level.policies, there, action, has_boundary=limited)
            for one, level in zip(self.rcps, inputs.rcps)  # noqa: B905
        ]
        if self.vpce is not None:
            self.vpce = _also(self.vpce, inputs.vpce, there, action, has_boundary=limited)
        refs = () if point.policy is None else (point.policy,)
        own = scan_resource("resource", refs, there, action, has_boundary=limited, default=NOBODY)
        bucket = _leg(self.side, request.resource_account, inputs.resource)
        self.legs = (bucket, _leg(resource_side(own), point.account, point.policy))
        self.side = _joined(*(leg.side for leg in self.legs))
        self.resource = own if self.resource is None else _merged(self.resource, own)
        listed = (self.identity, self.boundary, self.session, *self.scps, *self.rcps, self.resource, self.vpce)
        self.records = [record for record in listed if record is not None]
        self.public_block = public_block(request, inputs, disjunction(self.side))

    def _grant(self) -> Residual:
        """Both legs, each by the caller's own policies or by what its owner gives (L4, L5)."""
        limits = self._limits()
        identity = both(self.identity_allow(), limits)
        bucket, point = (leg.grant(self.request.principal, identity, limits) for leg in self.legs)
        return both(bucket, point)

    def allow(self) -> Residual:
        return both(self.from_its_vpc, super().allow())

    def refused_by_rule(self) -> str | None:
        return "L7" if self.from_its_vpc is FALSE else super().refused_by_rule()

    def ungranted_policies(self) -> Iterator[str | None]:
        """The policies, of bucket and access point, that gave no Allow where one was needed.

        An access point without policy is named itself; a bucket without policy is ``None``.
        """
        point = self.inputs.settings.access_point
        limits = self._limits()
        identity = both(self.identity_allow(), limits)
        for leg, itself in zip(self.legs, (None, None if point is None else point.arn), strict=True):
            if leg.grant(self.request.principal, identity, limits) is FALSE:
                yield itself if leg.policy is None else leg.policy.id


class _Leg(NamedTuple):
    """One of the two that must allow: what the resource's own side gives, whose it is, and what was not read of it."""

    side: ResourceSide
    owner: str | None
    policy: PolicyRef | None
    unread: Residual

    def grant(self, principal: Principal, identity: Residual, limits: Residual) -> Residual:
        if principal.kind in WITHOUT_IDENTITY:
            return either(self.side.direct, self.unread)
        if self.owner is not None and principal.account != self.owner:
            return both(identity, disjunction((*self.side, self.unread)))
        return within_account(self.side, identity, limits, self.unread)


def _leg(side: ResourceSide, owner: str | None, policy: PolicyRef | None) -> _Leg:
    unread = DocumentLeaf(policy.id) if policy is not None and policy.document is None else FALSE
    return _Leg(side, owner, policy, unread)


def _joined(bucket: ResourceSide, point: ResourceSide) -> ResourceSide:
    """What both give, by the weaker of the ways in which they name the principal."""
    named = both(either(bucket.direct, bucket.role), either(point.direct, point.role))
    return ResourceSide(both(bucket.direct, point.direct), named, both(disjunction(bucket), disjunction(point)))


class _Context:
    """The request's context, with what the access point adds to it.

    `aws:SourceVpc` is the VPC of an access point that takes requests from nowhere else, unless the request says more.
    """

    __slots__ = ("_context", "_keys")

    def __init__(self, context: Context, point: AccessPoint) -> None:
        self._context = context
        self._keys: dict[str, ContextValue] = {
            "s3:dataaccesspointarn": (point.arn,),
            "s3:dataaccesspointaccount": (point.account,),
            "s3:accesspointnetworkorigin": ("VPC" if point.vpc else "Internet",),
        }
        if point.vpc and context.get("aws:sourcevpc") is ABSENT:
            self._keys["aws:sourcevpc"] = (point.vpc,)

    def get(self, key: str, /) -> ContextValue:
        found = self._keys.get(key.lower())
        return self._context.get(key) if found is None else found


def _from_its_vpc(request: Request, point: AccessPoint) -> Residual:
    """Whether the request comes from the only VPC that the access point takes requests from."""
    if not point.vpc:
        return TRUE
    where = Where("resource", point.arn, None, None)
    condition = condition_of("StringEquals", "aws:SourceVpc", (point.vpc,))
    return condition.truth(_Context(request.context, point), where)


def name_behind(resource: str, point: str) -> str:
    """Bucket or object as the policy of the access point with this ARN speaks of it: `ARN` and `ARN/object/KEY`."""
    _, slash, key = resource.partition("/")
    return f"{point}/object/{key}" if slash else point


def _also(
    record: Record, refs: Iterable[PolicyRef], there: Request, action: str, *, has_boundary: bool = False
) -> Record:
    """A layer's record that takes in what it says of the access point's name for the resource, too."""
    if record.layer in ("rcp", "vpce"):
        other = scan_resource(record.layer, refs, there, action, has_boundary=has_boundary, default=EVERYBODY)
    else:
        other = scan(record.layer, refs, there, action)
    found = _merged(record, other)
    if record.layer == "vpce":
        found.allow = both(record.allow, other.allow)
    return found


def _merged(one: Record, other: Record) -> Record:
    missing = list(dict.fromkeys((*one.missing, *other.missing)))
    return Record(one.layer, _once((*one.allows, *other.allows)), _once((*one.denies, *other.denies)), missing)


def _once(hits: Iterable[Hit]) -> list[Hit]:
    """Hits without those that the same statement gives by both names."""
    kept: list[Hit] = []
    for hit in hits:
        if not any(hit.statement is old.statement and hit.ref is old.ref and hit.truth == old.truth for old in kept):
            kept.append(hit)
    return kept
