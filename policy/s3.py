"""What only S3 has: Block Public Access with S3's meaning of "public", ACLs and object ownership (semantics L7).

Sources, all of https://docs.aws.amazon.com/AmazonS3/latest/userguide/: `acl-overview.html` (ACLs),
`about-object-ownership.html` (ownership), `access-control-block-public-access.html` (Block Public Access, "public").
What access points do is in `policy.access_points`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from policy.conditions import Condition
from policy.document import Statement
from policy.expression import FALSE, TRUE, DocumentLeaf, Residual, both, either, negation
from policy.inputs import AccessPoint, AclGrant, Inputs, PolicyRef, Settings
from policy.layers import NO_SIDE, ResourceSide
from policy.operators import network
from policy.request import WITHOUT_IDENTITY, Principal, Request, normal_service
from policy.services import BROADEST_PREFIX, S3_BUCKET_ACL, S3_NARROWING_KEYS, S3_OBJECT_ACL

#: The groups whose grants make an ACL public ("The meaning of public", ACLs).
PUBLIC_GROUPS = frozenset({"AllUsers", "AuthenticatedUsers"})
LOG_DELIVERY_GROUP = "LogDelivery"
GROUPS = PUBLIC_GROUPS | {LOG_DELIVERY_GROUP}
PERMISSIONS = frozenset({"READ", "WRITE", "READ_ACP", "WRITE_ACP", "FULL_CONTROL"})
OWNERSHIPS = frozenset({"BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"})
#: The service that writes as the Log Delivery group (enable-server-access-logging.html).
LOG_DELIVERY = "logging.s3.amazonaws.com"


# -- public


def is_public(statement: Statement, *, at_access_point: bool = False) -> bool:
    """S3's own definition of a public statement (L7): an Allow to everyone that no fixed value narrows.

    A fixed value has neither a wildcard nor a policy variable; in a bucket policy `s3:DataAccessPointArn` may leave the
    access point's name open if the account is fixed. `…IfExists` and `ForAllValues` do not narrow, nor do very broad
    blocks of addresses. Whom an identity provider vouches for is no fixed principal. Source: "The meaning of public".
    """
    if not statement.allows:
        return False
    element = statement.principal_element
    if element is None or not (element.anybody or element.federated or element.any_federated):
        return False
    return not any(_narrows(condition, at_access_point=at_access_point) for condition in statement.conditions)


def _narrows(condition: Condition, *, at_access_point: bool) -> bool:
    operator = condition.operator
    if operator.negated or condition.if_exists or condition.set_operator == "all":
        return False
    if condition.key not in S3_NARROWING_KEYS or not condition.values:
        return False
    if operator.family == "ip":
        return not any(_is_broad(value) for value in condition.values)
    if operator.family not in ("string", "arn"):
        return False
    if condition.key == "s3:dataaccesspointarn" and not at_access_point:
        return all(_is_fixed(value) or _fixes_account(value) for value in condition.values)
    return all(_is_fixed(value) for value in condition.values)


def _is_fixed(text: str) -> bool:
    return not any(mark in text for mark in ("*", "?", "${"))


def _fixes_account(arn: str) -> bool:
    parts = arn.split(":", 5)
    return len(parts) == 6 and _is_fixed(":".join(parts[:5])) and parts[5].startswith("accesspoint/")


def _is_broad(text: str) -> bool:
    block = network(text)
    return block is None or block[2] - block[1] + 1 > BROADEST_PREFIX[block[0]]


def strictest(*settings: bool | None) -> bool | None:
    """The effective setting of Block Public Access over all levels; ``None``: it hangs on one that is not known."""
    return True if any(settings) else None if None in settings else False


def public_block(request: Request, inputs: Inputs, given: Residual) -> Residual:
    """What RestrictPublicBuckets takes away of what the resource side gives: everybody's access but that of services
    and of the accounts of bucket and access point, as soon as one of their policies is public.
    """
    settings, point, principal = inputs.settings, inputs.settings.access_point, request.principal
    restrict = settings.restrict_public_buckets
    if point is not None:
        restrict = strictest(restrict, point.restrict_public_buckets)
    if restrict is False or principal.kind == "service":
        return FALSE
    if principal.account is not None:
        inside = (request.resource_account, None if point is None else point.account)
        if request.resource_account is None or principal.account in inside:
            return FALSE
    if not _any_public(inputs.resource, point):
        return FALSE
    return given if restrict else both(given, negation(DocumentLeaf(settings.bpa_document)))


def _any_public(policy: PolicyRef | None, point: AccessPoint | None) -> bool:
    if policy is not None and policy.document is not None and any(map(is_public, policy.document.statements)):
        return True
    # An access point with a VPC network origin is never public, whatever its policy says.
    if point is None or point.vpc or point.policy is None or point.policy.document is None:
        return False
    return any(is_public(statement, at_access_point=True) for statement in point.policy.document.statements)


# -- ACLs


class AclSide(NamedTuple):
    """What an ACL gives, by the way it reaches the principal, and the document that answers name it by."""

    side: ResourceSide
    document: str


def acl_side(request: Request, action: str, settings: Settings) -> AclSide | None:
    """What the ACL of bucket or object gives for an action (lower case); ``None`` where it has nothing to say.

    A grant to an account delegates, like an account in a bucket policy; one to everybody is like `Principal: *`.
    """
    if settings.object_ownership == "BucketOwnerEnforced":
        return None
    if action in S3_BUCKET_ACL:
        grants, needed, document = settings.acl, S3_BUCKET_ACL[action], settings.acl_document
    elif action in S3_OBJECT_ACL:
        grants, needed, document = settings.object_acl, S3_OBJECT_ACL[action], settings.object_acl_document
    else:
        return None
    if grants == ():
        return None
    public = _public_grants_count(settings)
    if grants is None:
        side = _unread(request.principal, DocumentLeaf(document), public)
    else:
        side = _granted(request.principal, (g for g in grants if g.permission in (needed, "FULL_CONTROL")), public)
        if settings.object_ownership is None:  # whether ACLs count at all is part of the same unread answer
            side = ResourceSide(*(both(part, DocumentLeaf(document)) for part in side))
    return None if side == NO_SIDE else AclSide(side, document)


def object_acl_may_allow(request: Request, settings: Settings) -> bool:
    """Whether an ACL of the object's own, which nobody asked for, could give what is asked."""
    if not settings.object_acls_unread or request.action.lower() not in S3_OBJECT_ACL:
        return False
    principal = request.principal
    # Beside what reaches everybody, an ACL reaches other accounts.
    foreign = principal.kind not in WITHOUT_IDENTITY and principal.account != request.resource_account
    return foreign or settings.ignore_public_acls is not True


def acl_actions(settings: Settings) -> Mapping[str, str]:
    """The actions (lower case) that a bucket's ACL may give somebody, each with the permission that gives it."""
    if settings.object_ownership == "BucketOwnerEnforced" or settings.acl == ():
        return {}
    return S3_BUCKET_ACL


def _public_grants_count(settings: Settings) -> Residual:
    """IgnorePublicAcls: grants to everybody count for nothing. An access point's own acts as the bucket's does."""
    point = settings.access_point
    ignore = strictest(settings.ignore_public_acls, False if point is None else point.ignore_public_acls)
    return DocumentLeaf(settings.bpa_document) if ignore is None else FALSE if ignore else TRUE


def _unread(principal: Principal, leaf: Residual, public: Residual) -> ResourceSide:
    direct = both(leaf, public)
    if principal.kind == "service" and normal_service(principal.text) == LOG_DELIVERY:
        direct = leaf
    return ResourceSide(direct, FALSE, FALSE if principal.kind in WITHOUT_IDENTITY else leaf)


def _granted(principal: Principal, grants: Iterable[AclGrant], public: Residual) -> ResourceSide:
    direct: Residual = FALSE
    account: Residual = FALSE
    for grant in grants:
        if grant.grantee in PUBLIC_GROUPS:
            if grant.grantee == "AllUsers" or principal.kind != "anonymous":
                direct = either(direct, public)
        elif grant.grantee == LOG_DELIVERY_GROUP:
            if principal.kind == "service" and normal_service(principal.text) == LOG_DELIVERY:
                direct = TRUE
        elif principal.kind not in WITHOUT_IDENTITY:
            account = either(account, _is_grantee(principal, grant))
    return ResourceSide(direct, FALSE, account)


def _is_grantee(principal: Principal, grant: AclGrant) -> Residual:
    """Whether a canonical id is that of the principal's account, which only the account itself can tell."""
    if grant.account is not None:
        return TRUE if grant.account == principal.account else FALSE
    if principal.canonical_id is None:
        return DocumentLeaf(f"canonical-id:{principal.account}")
    return TRUE if principal.canonical_id == grant.grantee else FALSE
