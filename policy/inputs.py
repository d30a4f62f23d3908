"""The documents and settings that apply to one request, gathered by whoever asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from policy.document import Document

if TYPE_CHECKING:
    from policy.layers import Hit, Record


@dataclass(frozen=True, slots=True)
class PolicyRef:
    """A document with the name that answers give it. `document=None`: it exists or may exist, but could not be
    collected, and the answer hangs on the leaf `{"document": id}` (U6).

    `about` is where `policy.layers` keeps, by layer and action, the statements that are about an action; `only_allows`:
    one that was not collected is of a service whose policies cannot deny. `unlisted`: of a resource that may be there,
    in whose account nobody knows.
    """

    id: str
    document: Document | None
    only_allows: bool = False
    unlisted: bool = False
    about: dict[tuple[str, str], tuple[Hit, ...]] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Level:
    """One level of the organisation (root, an OU, the account) with the policies attached there.

    `settled` is where `policy.layers` keeps, by layer and action, what the level says whoever asks for whatever.
    """

    name: str
    policies: tuple[PolicyRef, ...]
    settled: dict[tuple[str, str], Record | None] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Grant:
    """A KMS grant (L7): `operations` as the API names them (`Decrypt`).

    `encryption_context_equals` and `encryption_context_subset` are its constraints, as (name, value) pairs, and
    `source_arn`.
    """

    grantee: str
    operations: frozenset[str]
    encryption_context_equals: tuple[tuple[str, str], ...] = ()
    encryption_context_subset: tuple[tuple[str, str], ...] = ()
    id: str = "grant"
    source_arn: str = ""


@dataclass(frozen=True, slots=True)
class AclGrant:
    """A grant of an S3 ACL (L7): `grantee` is a canonical user id or the name of one of S3's groups (`AllUsers`,
    `AuthenticatedUsers`, `LogDelivery`); `account` is whose canonical id it is, where that is known.
    """

    grantee: str
    permission: str
    account: str | None = None


@dataclass(frozen=True, slots=True)
class AccessPoint:
    """The S3 access point that a request goes through (L7).

    `policy` `None`: it has none. `vpc`: the only VPC that it takes requests from, empty for the internet. The two
    settings of Block Public Access are its own; `None`: not known.
    """

    arn: str
    account: str
    policy: PolicyRef | None = None
    vpc: str = ""
    restrict_public_buckets: bool | None = False
    ignore_public_acls: bool | None = False


@dataclass(frozen=True, slots=True)
class Settings:
    """What else the resource's service looks at.

    `restrict_public_buckets` is the effective setting of S3 Block Public Access (the strictest of access point, bucket,
    account and organisation); `None`: it could not be collected, and access through a public policy hangs on
    `bpa_document`. `kms_grants=None`: the key's grants could not be collected; they hang on `grants_document`.
    `ignore_public_acls` is effective alike. `acl` is the bucket's, `object_acl` the object's; `None`: not collected,
    what it could give hangs on its document. `object_acls_unread`: nobody asked for objects' ACLs, and answers say so.
    `object_ownership=None`: not known whether ACLs count. `access_point`: what the request goes through.
    `cross_account_limits`: whether to apply what AWS refuses across accounts whatever the policies say (L17).
    """

    restrict_public_buckets: bool | None = False
    bpa_document: str = "s3:PublicAccessBlock"
    ignore_public_acls: bool | None = False
    acl: tuple[AclGrant, ...] | None = ()
    acl_document: str = "s3:BucketAcl"
    object_acl: tuple[AclGrant, ...] | None = ()
    object_acl_document: str = "s3:ObjectAcl"
    object_acls_unread: bool = False
    object_ownership: str | None = "ObjectWriter"
    access_point: AccessPoint | None = None
    kms_grants: tuple[Grant, ...] | None = ()
    grants_document: str = "kms:Grants"
    cross_account_limits: bool = True


NO_SETTINGS = Settings()


@dataclass(frozen=True, slots=True)
class Inputs:
    """Every document that AWS would look at, by layer.

    `identity`: the principal's inline, attached and group policies. `boundary`: none or one. `session`: `None` when the
    session has no session policy. `scps`, `rcps`: root first, account last; empty when there are none or the caller is
    exempt (RCPFullAWSAccess is implied). `resource`: the resource's own policy or trust policy; `None`: known to have
    none. `shares`: what AWS RAM adds to it (L16). `vpce`: the endpoint's policies when the request comes through one.
    """

    identity: tuple[PolicyRef, ...] = ()
    boundary: tuple[PolicyRef, ...] = ()
    session: tuple[PolicyRef, ...] | None = None
    scps: tuple[Level, ...] = ()
    rcps: tuple[Level, ...] = ()
    resource: PolicyRef | None = None
    shares: tuple[PolicyRef, ...] = ()
    vpce: tuple[PolicyRef, ...] = ()
    settings: Settings = NO_SETTINGS

    def on(self, resource: PolicyRef | None, shares: tuple[PolicyRef, ...]) -> Inputs:
        """The same with what is on a resource."""
        return Inputs(
            self.identity, self.boundary, self.session, self.scps, self.rcps, resource, shares, self.vpce, self.settings
        )
