"""The entities of an AWS organisation, as plain immutable records.

Two conventions hold everywhere. A policy document is its JSON text, so that the policy room can intern it. ``None``
means *not known* (the call that would tell was not answered) in every field whose docstring says "``None``: not
known"; what is known to be absent is an empty value. "Not known" is never read as "absent".
"""

from __future__ import annotations

from typing import Literal

import msgspec

from model.arn import root_arn

Tags = dict[str, str]

Outcome = Literal["ok", "empty", "denied", "throttled", "unsupported", "error", "skipped"]

#: Outcomes that leave a hole in the answers; ``unsupported`` and ``skipped`` are listed apart.
GAP_OUTCOMES = ("denied", "throttled", "error")

RESERVED_SSO_PREFIX = "AWSReservedSSO_"


class Entity(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of all records: immutable, keyword-only, encoded by msgspec."""


class Gap(Entity, frozen=True, kw_only=True):
    """An operation whose answer is missing; ``affects`` names what it would have told (an ARN or an area)."""

    account: str
    region: str
    service: str
    operation: str
    outcome: Outcome
    affects: str
    detail: str = ""


class InlinePolicy(Entity, frozen=True, kw_only=True):
    name: str
    document: str


class ManagedPolicy(Entity, frozen=True, kw_only=True):
    """A customer or AWS managed policy, its default version; ``document`` ``None``: not known."""

    arn: str
    id: str
    name: str
    account: str
    document: str | None
    version: str = ""
    created: str = ""
    tags: Tags = {}

    @property
    def aws_managed(self) -> bool:
        return self.arn.split(":", 5)[4] == "aws"


class AccessKey(Entity, frozen=True, kw_only=True):
    """``id`` of a key named by the credential report alone is its ordinal (``1``, ``2``)."""

    id: str
    active: bool
    rotated: str = ""
    last_used: str = ""


class IamPrincipal(Entity, frozen=True, kw_only=True):
    """What users, roles and groups share; ``attached`` are ARNs of managed policies."""

    arn: str
    id: str
    name: str
    path: str
    account: str
    created: str = ""
    inline: tuple[InlinePolicy, ...] = ()
    attached: tuple[str, ...] = ()


class User(IamPrincipal, frozen=True, kw_only=True):
    """An IAM user; ``mfa`` and ``password``: ``None``: not known. ``groups`` are group ARNs."""

    tags: Tags = {}
    groups: tuple[str, ...] = ()
    boundary: str | None = None
    mfa: bool | None = None
    password: bool | None = None
    password_last_used: str = ""
    keys: tuple[AccessKey, ...] = ()


class IamGroup(IamPrincipal, frozen=True, kw_only=True):
    """An IAM group; it holds policies and is never a principal."""


class Role(IamPrincipal, frozen=True, kw_only=True):
    """An IAM role; ``trust`` is its trust policy, ``boundary`` a managed policy's ARN or ``None`` for none.

    An empty ``trust`` is not known: every role has one.
    """

    trust: str
    tags: Tags = {}
    boundary: str | None = None
    last_used: str = ""
    max_session: int = 3600
    instance_profiles: tuple[str, ...] = ()
    #: It stands in for a role whose account could not be read: with the documents of its permission set (semantics
    #: L15), or without any where an entitlement of account access manager names it. What it has hangs on the account.
    assumed_from_permission_set: bool = False

    @property
    def service_linked(self) -> bool:
        return self.path.startswith("/aws-service-role/")

    @property
    def permission_set_name(self) -> str | None:
        """Name of the Identity Center permission set this reserved role was made from, or ``None``.

        Reserved roles are ``AWSReservedSSO_<set>_<hash>`` under ``/aws-reserved/sso.amazonaws.com/`` (semantics L15).
        """
        if not self.path.startswith("/aws-reserved/sso.amazonaws.com/"):
            return None
        if not self.name.startswith(RESERVED_SSO_PREFIX):
            return None
        head, _, _ = self.name[len(RESERVED_SSO_PREFIX) :].rpartition("_")
        return head or None


class Provider(Entity, frozen=True, kw_only=True):
    """An IAM identity provider; ``url`` is the issuer's host and path for OIDC, empty for SAML."""

    arn: str
    account: str
    kind: Literal["oidc", "saml"]
    url: str = ""
    client_ids: tuple[str, ...] = ()


class Account(Entity, frozen=True, kw_only=True):
    """A member of the organisation, or the one account of a snapshot without one.

    ``path`` is the chain of organisation ids from the root to the account's parent: ``("r-x", "ou-x-a")``.
    ``collected`` is false where the account's own APIs could not be reached.
    """

    id: str
    name: str = ""
    email: str = ""
    status: str = "ACTIVE"
    path: tuple[str, ...] = ()
    tags: Tags | None = None
    collected: bool = True
    partition: str = "aws"
    alias: str = ""

    @property
    def root_arn(self) -> str:
        return root_arn(self.id, self.partition)


class OrganizationalUnit(Entity, frozen=True, kw_only=True):
    """An OU or the root (``parent`` empty)."""

    id: str
    arn: str
    name: str
    parent: str = ""


class OrganizationPolicy(Entity, frozen=True, kw_only=True):
    """A service or resource control policy and the ids it is attached to; ``document`` ``None``: not known."""

    id: str
    arn: str
    name: str
    kind: Literal["scp", "rcp"]
    document: str | None
    targets: tuple[str, ...] = ()
    aws_managed: bool = False


class Organization(Entity, frozen=True, kw_only=True):
    """``scps_known``/``rcps_known``: whether the policies of that kind and their targets were all read.

    ``scps_enabled``/``rcps_enabled``: whether the policy type is switched on at the root; ``None``: not known.
    ``delegates``: (account, service principal) of delegated administrators, the service empty where it was not told;
    ``None``: not known.
    """

    id: str
    management_account: str
    units: tuple[OrganizationalUnit, ...] = ()
    policies: tuple[OrganizationPolicy, ...] = ()
    scps_known: bool = True
    rcps_known: bool = True
    scps_enabled: bool | None = None
    rcps_enabled: bool | None = None
    delegates: tuple[tuple[str, str], ...] | None = None


class CustomerPolicyReference(Entity, frozen=True, kw_only=True):
    """A customer managed policy that a permission set names; every assigned account must have its own."""

    name: str
    path: str = "/"


class PermissionSet(Entity, frozen=True, kw_only=True):
    """``inline`` ``None``: not known, empty text: none. ``boundary`` is an ARN or a reference, ``None`` for none."""

    arn: str
    name: str
    instance: str
    description: str = ""
    session_duration: str = ""
    inline: str | None = ""
    attached: tuple[str, ...] = ()
    customer_managed: tuple[CustomerPolicyReference, ...] = ()
    boundary: str | CustomerPolicyReference | None = None
    tags: Tags = {}


class Assignment(Entity, frozen=True, kw_only=True):
    """(principal, permission set, account): the triple is whole, dropping the account would invent access."""

    permission_set: str
    account: str
    principal_type: Literal["USER", "GROUP"]
    principal_id: str


class DirectoryUser(Entity, frozen=True, kw_only=True):
    """A user of Identity Center's identity store; ``active`` ``None``: not known."""

    id: str
    user_name: str
    display_name: str = ""
    emails: tuple[str, ...] = ()
    active: bool | None = None
    external_ids: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """The name people know this user by: primary e-mail, else user name."""
        return self.emails[0] if self.emails else self.user_name


class DirectoryGroup(Entity, frozen=True, kw_only=True):
    """A group of the identity store; ``members`` are user ids."""

    id: str
    name: str
    members: tuple[str, ...] = ()


class IdentityCenter(Entity, frozen=True, kw_only=True):
    """One Identity Center instance; ``abac`` says whether access-control attributes are on, ``None``: not known."""

    instance: str
    store: str
    owner: str
    abac: bool | None = None


class KmsGrant(Entity, frozen=True, kw_only=True):
    """A grant on a KMS key: who may do what in addition to the key policy (semantics L7).

    ``constraints`` are those on the encryption context, by their kind; ``source_arn`` is the one on behalf of what the
    call is made. ``retiring`` may retire the grant, whatever else it may.
    """

    id: str
    grantee: str
    operations: tuple[str, ...]
    constraints: dict[str, dict[str, str]] = {}
    name: str = ""
    source_arn: str = ""
    retiring: str = ""


class S3Grant(Entity, frozen=True, kw_only=True):
    """A grant of a bucket's ACL; ``grantee`` is a canonical user id or the name of one of S3's groups."""

    grantee: str
    permission: str


class S3Settings(Entity, frozen=True, kw_only=True):
    """Settings of a bucket that decide beside its policy; each ``None``: not known.

    The four flags of Block Public Access are the bucket's own; the account's are in ``Inventory.account_public_block``
    and ``account_ignores_acls``. ``owner`` is the owner's canonical user id, as the ACL says it, and ``ownership`` one
    of S3's object ownership settings. ``point_accounts`` are the accounts with access points of this bucket.
    """

    block_public_acls: bool | None = None
    ignore_public_acls: bool | None = None
    block_public_policy: bool | None = None
    restrict_public_buckets: bool | None = None
    abac: bool | None = None
    acl: tuple[S3Grant, ...] | None = ()
    owner: str = ""
    ownership: str | None = "ObjectWriter"
    point_accounts: tuple[str, ...] = ()


class AccessPoint(Entity, frozen=True, kw_only=True):
    """An S3 access point: another way to a bucket, with a policy of its own.

    ``bucket`` is a name, ``bucket_account`` who owns it, empty where that is not known. ``policy`` is as in
    ``Resource``. ``vpc`` is the only VPC that it takes requests from, empty for the internet. The flags are its own
    Block Public Access; ``None``: not known.
    """

    arn: str
    account: str
    region: str
    name: str
    bucket: str = ""
    bucket_account: str = ""
    alias: str = ""
    policy: str | None = ""
    vpc: str = ""
    ignore_public_acls: bool | None = None
    restrict_public_buckets: bool | None = None


class Resource(Entity, frozen=True, kw_only=True):
    """Something that an ARN names and a request can act on.

    ``type`` is ``service:kind`` (``s3:bucket``, ``kms:key``, ``lambda:function``). ``policy`` is the resource policy's
    text, empty when it is known to have none, ``None``: not known. ``tags`` ``None``: not known. ``role`` is the ARN
    of the role that the resource carries (a function's execution role), empty for none. ``unread_role`` is what would
    tell it where that was not read: an instance profile, or the resource itself.
    """

    arn: str
    type: str
    account: str
    region: str
    name: str = ""
    tags: Tags | None = None
    policy: str | None = ""
    role: str = ""
    unread_role: str = ""
    s3: S3Settings | None = None
    grants: tuple[KmsGrant, ...] | None = ()
    aliases: tuple[str, ...] = ()
    key_manager: str = ""

    @property
    def granted_to(self) -> tuple[str, ...]:
        """Whom its grants give something, as AWS writes them."""
        return tuple(one for grant in self.grants or () for one in (grant.grantee, grant.retiring) if one)


class SharePermission(Entity, frozen=True, kw_only=True):
    """What an AWS RAM share permits on one type of resource (``ec2:Subnet``).

    ``template`` is a statement's JSON without principal and resource, ``None``: not known.
    """

    arn: str
    type: str
    template: str | None = None


class Share(Entity, frozen=True, kw_only=True):
    """A resource share of AWS RAM that is in force (semantics L16), in the account that owns the resources.

    ``principals`` are account ids, ARNs of organisations, OUs, roles and users, and names of services, as far as they
    have accepted. Each of the three lists ``None``: not known.
    """

    arn: str
    name: str
    account: str
    region: str
    resources: tuple[str, ...] | None = None
    principals: tuple[str, ...] | None = None
    permissions: tuple[SharePermission, ...] | None = None


class VpcEndpoint(Entity, frozen=True, kw_only=True):
    """A VPC endpoint (semantics L11); ``policy`` empty: it is of a kind that has none."""

    id: str
    account: str
    region: str
    vpc: str
    service: str = ""
    policy: str = ""
