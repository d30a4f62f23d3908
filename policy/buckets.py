"""From a bucket and its access points as they were collected to what the engine looks at (semantics L7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from model import entities
from model.inventory import Inventory
from policy.inputs import AccessPoint, AclGrant, PolicyRef, Settings
from policy.s3 import OWNERSHIPS, PERMISSIONS, strictest
from policy.targets import key_settings

_ALIAS = "-s3alias"


def settings_of(inventory: Inventory, container: entities.Resource) -> Settings:
    """What the service of a bucket or a key looks at beside policies."""
    return bucket_settings(inventory, container) if container.type == "s3:bucket" else key_settings(container)


def bucket_settings(inventory: Inventory, bucket: entities.Resource) -> Settings:
    """A bucket's settings: Block Public Access over all levels, ACL, ownership; what was not read is named by it.

    The owner's own grants are left out: they give its principals nothing that its policies do not.
    """
    own = bucket.s3 if bucket.s3 is not None else entities.S3Settings(acl=None, ownership=None)
    data = inventory.data
    enforced = own.ownership == "BucketOwnerEnforced"
    return Settings(
        restrict_public_buckets=strictest(own.restrict_public_buckets, data.account_public_block.get(bucket.account)),
        bpa_document=f"{bucket.arn}#public-access-block",
        ignore_public_acls=strictest(own.ignore_public_acls, data.account_ignores_acls.get(bucket.account)),
        acl=() if enforced else _acl(inventory, bucket.account, own),
        acl_document=f"{bucket.arn}#acl",
        object_acls_unread=not enforced,
        object_ownership=own.ownership if own.ownership in OWNERSHIPS else None,
    )


def _acl(inventory: Inventory, account: str, own: entities.S3Settings) -> tuple[AclGrant, ...] | None:
    if own.acl is None:
        return None
    owners = {id: account for account, id in inventory.data.canonical_ids.items()}
    if own.owner:
        owners[own.owner] = account
    grants = (AclGrant(grant.grantee, grant.permission, owners.get(grant.grantee)) for grant in own.acl)
    return tuple(grant for grant in grants if grant.account != account and grant.permission in PERMISSIONS)


def without_points(inventory: Inventory, bucket: entities.Resource) -> frozenset[str]:
    """The accounts that are known to have no access point of a bucket, which would have to be in its region."""
    data = inventory.data
    if not bucket.region or (data.regions and bucket.region not in data.regions):
        return frozenset()
    unread = {account for account, region in data.unread_points if region in ("", bucket.region)}
    having = bucket.s3.point_accounts if bucket.s3 is not None else ()
    return frozenset(inventory.accounts) - unread - frozenset(having)


def is_access_point(resource: str) -> bool:
    """Whether an ARN is that of an access point or what is behind it, or has an access point's alias for its bucket."""
    parts = resource.split(":", 5)
    if len(parts) != 6 or parts[2] != "s3":
        return False
    return parts[5].startswith("accesspoint/") or parts[5].partition("/")[0].endswith(_ALIAS)


def access_point_of(inventory: Inventory, resource: str) -> tuple[entities.AccessPoint, str] | None:
    """The collected access point that an ARN goes through, with the ARN of the bucket or object behind it.

    `arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME[/object/KEY]`, or an alias where a bucket's name would stand.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-naming.html
    """
    if not is_access_point(resource):
        return None
    parts = resource.split(":", 5)
    if parts[5].startswith("accesspoint/"):
        _, name, *rest = parts[5].split("/", 3)
        point = inventory.access_points.get(":".join((*parts[:5], f"accesspoint/{name}")))
        key = rest[1] if len(rest) == 2 and rest[0] == "object" else None
    else:
        alias, slash, behind = parts[5].partition("/")
        point = inventory.access_points.get(alias)
        key = behind if slash else None
    if point is None:
        return None
    bucket = f"arn:{parts[1]}:s3:::{point.bucket}"
    return point, bucket if key is None else f"{bucket}/{key}"


def through_point(
    settings: Settings, point: entities.AccessPoint, ref: Callable[[str, str | None], PolicyRef]
) -> Settings:
    """The settings of a request through an access point; `ref` makes a reference of a name and a text."""
    return replace(
        settings,
        access_point=AccessPoint(
            arn=point.arn,
            account=point.account,
            policy=None if point.policy == "" else ref(f"{point.arn}#policy", point.policy),
            vpc=point.vpc,
            restrict_public_buckets=point.restrict_public_buckets,
            ignore_public_acls=point.ignore_public_acls,
        ),
    )
