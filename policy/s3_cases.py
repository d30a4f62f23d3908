"""`settings.s3` of a decision case: what S3 looks at beside the policies (semantics L7).

`blockPublicAccess` and `ignorePublicAcls` (effective settings), `objectOwnership`, `acl` (of what the case's `resource`
names; beside `objectAcl` it is the bucket's) and `accessPoint`. `null` is everywhere "not known", but for the policy of
an access point, where it is "none"; left out is the default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from policy.errors import CaseError
from policy.inputs import AccessPoint, AclGrant, PolicyRef, Settings
from policy.s3 import GROUPS, OWNERSHIPS, PERMISSIONS

#: From a policy as a case writes it and its name.
ReadPolicy = Callable[[Any, str], PolicyRef]


def s3_settings(raw: Any, policy: ReadPolicy) -> Settings:
    """Settings with the part of S3 filled in; raises ``CaseError``."""
    if raw is None:
        return Settings()
    if not isinstance(raw, Mapping):
        raise CaseError("`settings`: `s3` is not an object")
    ownership = raw.get("objectOwnership", "ObjectWriter")
    if ownership is not None and not (isinstance(ownership, str) and ownership in OWNERSHIPS):
        raise CaseError(f"`settings`: `objectOwnership`: `{ownership!r}` is none of {', '.join(sorted(OWNERSHIPS))}")
    acl = _acl(raw, "acl")
    point = raw.get("accessPoint")
    return Settings(
        restrict_public_buckets=_flag(raw, "blockPublicAccess"),
        ignore_public_acls=_flag(raw, "ignorePublicAcls"),
        acl=acl,
        object_acl=_acl(raw, "objectAcl") if "objectAcl" in raw else acl,
        object_ownership=ownership,
        access_point=None if point is None else _access_point(point, policy),
    )


def _flag(raw: Mapping[str, Any], name: str) -> bool | None:
    value = raw.get(name, False)
    if value is not None and not isinstance(value, bool):
        raise CaseError(f"`settings`: `{name}` is neither true, false nor null")
    return value


def _acl(raw: Mapping[str, Any], name: str) -> tuple[AclGrant, ...] | None:
    listed = raw.get(name, [])
    if listed is None:
        return None
    if not isinstance(listed, list):
        raise CaseError(f"`settings`: `{name}` is not a list")
    return tuple(_grant(name, item) for item in listed)


def _grant(name: str, raw: Any) -> AclGrant:
    if not isinstance(raw, Mapping) or not isinstance(raw.get("grantee"), str):
        raise CaseError(f"`settings`: `{name}`: a grant is an object with `grantee` and `permission`")
    grantee, permission = raw["grantee"], raw.get("permission")
    if not isinstance(permission, str) or permission not in PERMISSIONS:
        raise CaseError(f"`settings`: `{name}`: `{permission!r}` is no permission of an ACL")
    if grantee not in GROUPS and not (len(grantee) == 64 and set(grantee) <= set("0123456789abcdef")):
        raise CaseError(f"`settings`: `{name}`: `{grantee}` is neither a canonical user id nor a group of S3")
    return AclGrant(grantee, permission)


def _access_point(raw: Any, policy: ReadPolicy) -> AccessPoint:
    if not isinstance(raw, Mapping):
        raise CaseError("`settings`: `accessPoint` is not an object")
    arn, vpc = raw.get("arn"), raw.get("vpc")
    parts = arn.split(":", 5) if isinstance(arn, str) else []
    if len(parts) != 6 or parts[2] != "s3" or not parts[5].startswith("accesspoint/"):
        raise CaseError(f"`settings`: `accessPoint`: `{arn!r}` is no ARN of an access point")
    if vpc is not None and not isinstance(vpc, str):
        raise CaseError("`settings`: `accessPoint`: `vpc` is not a text")
    account = raw.get("account", parts[4])
    if not isinstance(account, str):
        raise CaseError("`settings`: `accessPoint`: `account` is not a text")
    own = raw.get("policy")
    return AccessPoint(
        arn=str(arn),
        account=account,
        policy=None if own is None else policy(own, "access-point"),
        vpc=vpc or "",
        restrict_public_buckets=_flag(raw, "blockPublicAccess"),
        ignore_public_acls=_flag(raw, "ignorePublicAcls"),
    )
