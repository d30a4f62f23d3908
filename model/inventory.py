"""The inventory: the entities of one snapshot, indexed for the questions the other rooms ask of them.

``InventoryData`` is the plain, serialisable record; ``Inventory`` adds indexes. Loading from a snapshot's raw pages
is in ``model.loading``, resources that are opened account by account in ``model.sources``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from model.access_manager import AccessApplication, RoleEntitlement
from model.arn import Arn
from model.entities import (
    AccessPoint,
    Account,
    Assignment,
    DirectoryGroup,
    DirectoryUser,
    Entity,
    Gap,
    IamGroup,
    IdentityCenter,
    ManagedPolicy,
    Organization,
    OrganizationPolicy,
    PermissionSet,
    Provider,
    Resource,
    Role,
    Share,
    User,
    VpcEndpoint,
)
from model.errors import InventoryError
from model.lookup import AccountResources, Lookup, ResourceSource, Sources


class InventoryData(Entity, frozen=True, kw_only=True):
    """Everything a snapshot tells.

    ``organization`` ``None``: the account is in none, or (``alone`` false) nobody knows. ``regions`` are those that
    were read; empty: not said.

    ``account_public_block`` maps an account id to its account-wide RestrictPublicBuckets, and ``account_ignores_acls``
    to IgnorePublicAcls, the organisation's S3 policy included; a missing id: not known. ``canonical_ids`` maps an
    account id to its canonical user id, where it is known. ``unread_points`` are (account, region) whose access points
    could not be listed, region empty for all regions.
    ``unread_lists`` are (account, region, type) whose resources could not be listed, region empty for all regions.
    ``unread_principals`` are accounts whose IAM entities could not be read. ``unread_shares`` are (account, region)
    whose shares of AWS RAM were not listed, region empty for all regions. ``unread_entitlements``: those of account
    access manager were not all listed. ``unread_assignments`` are (permission set, account) whose assignments were not
    listed, account empty for all accounts; an instance in place of a set: its sets were not listed. ``unread_members``
    are ids of directory groups whose members were not listed. ``unread_providers``: (account, kind) not listed.
    """

    snapshot: str
    taken: str
    organization: Organization | None = None
    alone: bool = True
    regions: tuple[str, ...] = ()
    accounts: tuple[Account, ...] = ()
    users: tuple[User, ...] = ()
    roles: tuple[Role, ...] = ()
    groups: tuple[IamGroup, ...] = ()
    policies: tuple[ManagedPolicy, ...] = ()
    providers: tuple[Provider, ...] = ()
    centers: tuple[IdentityCenter, ...] = ()
    permission_sets: tuple[PermissionSet, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    access_applications: tuple[AccessApplication, ...] = ()
    entitlements: tuple[RoleEntitlement, ...] = ()
    unread_entitlements: bool = False
    directory_users: tuple[DirectoryUser, ...] = ()
    directory_groups: tuple[DirectoryGroup, ...] = ()
    unread_assignments: tuple[tuple[str, str], ...] = ()
    unread_members: tuple[str, ...] = ()
    resources: tuple[Resource, ...] = ()
    access_points: tuple[AccessPoint, ...] = ()
    account_public_block: dict[str, bool] = {}
    account_ignores_acls: dict[str, bool] = {}
    canonical_ids: dict[str, str] = {}
    unread_points: tuple[tuple[str, str], ...] = ()
    unread_lists: tuple[tuple[str, str, str], ...] = ()
    unread_principals: tuple[str, ...] = ()
    unread_providers: tuple[tuple[str, str], ...] = ()
    shares: tuple[Share, ...] = ()
    unread_shares: tuple[tuple[str, str], ...] = ()
    endpoints: tuple[VpcEndpoint, ...] = ()
    gaps: tuple[Gap, ...] = ()
    skipped: tuple[Gap, ...] = ()


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(InventoryData)


class Person(Entity, frozen=True, kw_only=True):
    """A directory user with the reserved roles that assignments open to them, and the assignments themselves.

    ``entitlements`` are those of account access manager, to roles that are known; whether one opens its role is
    decided by the role's trust.
    """

    key: str
    user: DirectoryUser
    grants: tuple[tuple[Assignment, str], ...] = ()
    entitlements: tuple[RoleEntitlement, ...] = ()

    @property
    def roles(self) -> tuple[str, ...]:
        """ARNs of the reserved roles, each once, in order."""
        return tuple(dict.fromkeys(role for _, role in self.grants))


if TYPE_CHECKING:
    _shared = cached_property
else:

    class _shared(cached_property):  # noqa: N801 - used as cached_property is
        """An index that no resource has a part in: the views of an inventory use the inventory's own."""

        def __get__(self, instance, owner=None):
            if instance is None or instance._whole is None:
                return super().__get__(instance, owner)
            return getattr(instance._whole, self.attrname)


class Inventory:
    """Indexes over ``InventoryData``. All mappings are by ARN unless their name says otherwise.

    With a ``source`` the resources are not in ``data``: looking one up opens the account that it lies in, and going
    over all of them opens one account after another, in the source's order.
    """

    def __init__(self, data: InventoryData, source: ResourceSource | None = None) -> None:
        self.data = data
        self._sources = None if source is None else Sources(source)
        #: The inventory that this one is a view of.
        self._whole: Inventory | None = None
        self.accounts: Mapping[str, Account] = {account.id: account for account in data.accounts}
        self.users: Mapping[str, User] = {user.arn: user for user in data.users}
        self.roles: Mapping[str, Role] = {role.arn: role for role in data.roles}
        self.groups: Mapping[str, IamGroup] = {group.arn: group for group in data.groups}
        self.policies: Mapping[str, ManagedPolicy] = {policy.arn: policy for policy in data.policies}
        self.providers: Mapping[str, Provider] = {provider.arn: provider for provider in data.providers}

    @classmethod
    def decode(cls, raw: bytes) -> Inventory:
        """The inventory that ``encode`` wrote; raises ``InventoryError`` when it is not one."""
        try:
            return cls(_DECODER.decode(raw))
        except msgspec.MsgspecError as error:
            raise InventoryError(f"the stored inventory cannot be read: {error}") from error

    def encode(self) -> bytes:
        return _ENCODER.encode(self.data)

    @property
    def organization(self) -> Organization | None:
        return self.data.organization

    @_shared
    def role_by_session_name(self) -> Mapping[tuple[str, str], Role]:
        """Roles by (account, name): a session's ARN names its role without the path."""
        return {(role.account, role.name): role for role in self.data.roles}

    @_shared
    def endpoints(self) -> Mapping[str, VpcEndpoint]:
        """VPC endpoints by id."""
        return {endpoint.id: endpoint for endpoint in self.data.endpoints}

    @_shared
    def access_points(self) -> Mapping[str, AccessPoint]:
        """S3 access points by ARN and by alias, which stands for a bucket's name."""
        points = self.data.access_points
        return {point.arn: point for point in points} | {point.alias: point for point in points if point.alias}

    # -- resources

    @cached_property
    def _held(self) -> AccountResources:
        """The resources of ``data``."""
        return AccountResources(self.data.resources)

    @cached_property
    def resources(self) -> Mapping[str, Resource]:
        if self._sources is None:
            return self._held.by_arn
        return Lookup(self._sources, self._sources.account_of, lambda account: account.by_arn)

    @cached_property
    def key_aliases(self) -> Mapping[str, str]:
        """The ARNs of KMS keys by those of their aliases."""
        if self._sources is None:
            return self._held.key_aliases
        return Lookup(self._sources, self._sources.account_of, lambda account: account.key_aliases)

    @cached_property
    def buckets(self) -> Mapping[str, Resource]:
        """S3 buckets by name: their ARNs name no account."""
        if self._sources is None:
            return self._held.buckets
        return Lookup(self._sources, self._account_of_bucket, lambda account: account.buckets)

    def _account_of_bucket(self, name: str) -> str | None:
        assert self._sources is not None
        arns = (f"arn:{partition}:s3:::{name}" for partition in self._partitions)
        return next((found for found in map(self._sources.account_of, arns) if found is not None), None)

    @_shared
    def _partitions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*(account.partition for account in self.data.accounts), "aws")))

    def all_resources(self) -> Iterator[Resource]:
        """Every resource, with a source account by account."""
        if self._sources is None:
            return iter(self.data.resources)
        return self._sources.everything()

    def resources_of(self, account: str) -> tuple[Resource, ...]:
        """The resources of one account, sorted by ARN."""
        if self._sources is None:
            return self._by_account.get(account, ())
        return self._sources.account(account).all

    def resource_accounts(self) -> Sequence[str]:
        """The accounts that have resources."""
        return sorted(self._by_account) if self._sources is None else self._sources.accounts()

    def of_type(self, type_name: str) -> Iterator[Resource]:
        """The resources of a type, such as ``ec2:instance``; reads no further than it is asked."""
        if self._sources is None:
            return iter(self._held.by_type.get(type_name, ()))
        return (one for account in self._sources.each() for one in account.by_type.get(type_name, ()))

    @cached_property
    def _by_account(self) -> Mapping[str, tuple[Resource, ...]]:
        found: defaultdict[str, list[Resource]] = defaultdict(list)
        for resource in self.data.resources:
            found[resource.account].append(resource)
        return {account: tuple(resources) for account, resources in found.items()}

    def partition_view(self, account: str, resources: tuple[Resource, ...] | None = None) -> Inventory:
        """This inventory with the resources of one account alone; the indexes of everything else are the same ones.

        ``resources`` are the account's, where the caller has them already.
        """
        view = Inventory.__new__(Inventory)
        view.__dict__.update((name, self.__dict__[name]) for name in _BY_ARN)
        own = self.resources_of(account) if resources is None else resources
        view.data = msgspec.structs.replace(self.data, resources=own)
        view._sources, view._whole = None, self
        return view

    def container(self, arn: str) -> Resource | None:
        """The collected resource that ``arn`` names or lies inside of: the bucket of an object, the table of an index.

        ``None`` when nothing collected contains it.
        """
        found = self.resources.get(arn)
        if found is not None:
            return found
        parts = arn.split(":", 5)
        if len(parts) != 6:
            return None
        if parts[2] == "s3":
            return self.buckets.get(parts[5].partition("/")[0])
        # arn:…:table/x/index/y, arn:…:function:x:alias, arn:…:topic:subscription-id, arn:…:log-group:x:*
        for separator in ("/", ":"):
            head = arn
            while separator in head[len("arn:aws:s:r:a:") :]:
                head = head.rpartition(separator)[0]
                found = self.resources.get(head)
                if found is not None and _may_contain(found.type, separator):
                    return found
        return None

    def permission_set_role(self, account: str, permission_set: str) -> Role | None:
        """The reserved role of a permission set (by ARN) in an account, or ``None`` when there is none."""
        return self._reserved_roles.get((account, permission_set))

    @_shared
    def permission_sets(self) -> Mapping[str, PermissionSet]:
        return {item.arn: item for item in self.data.permission_sets}

    @_shared
    def _reserved_roles(self) -> Mapping[tuple[str, str], Role]:
        arn_by_name = {item.name: item.arn for item in self.data.permission_sets}
        found: dict[tuple[str, str], Role] = {}
        for role in self.data.roles:
            name = role.permission_set_name
            if name is not None and name in arn_by_name:
                found[(role.account, arn_by_name[name])] = role
        return found

    @_shared
    def directory_groups(self) -> Mapping[str, DirectoryGroup]:
        return {group.id: group for group in self.data.directory_groups}

    @_shared
    def directory_users(self) -> Mapping[str, DirectoryUser]:
        return {user.id: user for user in self.data.directory_users}

    @_shared
    def people(self) -> Mapping[str, Person]:
        """People by ``person:<address>``, with what their own and their groups' assignments and entitlements open.

        Disabled people are listed and open nothing (semantics L15).
        """
        groups_of: defaultdict[str, set[str]] = defaultdict(set)
        for group in self.data.directory_groups:
            for member in group.members:
                groups_of[member].add(group.id)
        by_principal: defaultdict[str, list[Assignment]] = defaultdict(list)
        for assignment in self.data.assignments:
            by_principal[assignment.principal_id].append(assignment)
        opened: dict[str, tuple[tuple[Assignment, str], ...]] = {
            principal: tuple(self._opened(assignments)) for principal, assignments in by_principal.items()
        }
        entitled: defaultdict[str, list[RoleEntitlement]] = defaultdict(list)
        for item in self.data.entitlements:
            if item.role in self.roles:
                entitled[item.principal_id].append(item)
        people: dict[str, Person] = {}
        for user in self.data.directory_users:
            grants: list[tuple[Assignment, str]] = []
            entitlements: list[RoleEntitlement] = []
            if user.active is not False:
                for principal in (user.id, *sorted(groups_of[user.id])):
                    grants += opened.get(principal, ())
                    entitlements += entitled.get(principal, ())
            key = f"person:{user.address}"
            if key in people:  # two directory users with one address stay two people
                key = f"person:{user.user_name}"
            people[key] = Person(key=key, user=user, grants=tuple(grants), entitlements=tuple(entitlements))
        return people

    def _opened(self, assignments: Iterable[Assignment]) -> list[tuple[Assignment, str]]:
        opened = []
        for assignment in assignments:
            role = self.permission_set_role(assignment.account, assignment.permission_set)
            if role is not None:
                opened.append((assignment, role.arn))
        return opened

    @_shared
    def orphans(self) -> tuple[Assignment, ...]:
        """Assignments whose user or group the identity store no longer has."""
        if not self.data.centers:
            return ()
        known = {user.id for user in self.data.directory_users} | {group.id for group in self.data.directory_groups}
        return tuple(item for item in self.data.assignments if item.principal_id not in known)

    @_shared
    def _policies_by_target(self) -> Mapping[tuple[str, str], tuple[OrganizationPolicy, ...]]:
        found: defaultdict[tuple[str, str], list[OrganizationPolicy]] = defaultdict(list)
        organization = self.data.organization
        for policy in organization.policies if organization else ():
            for target in policy.targets:
                found[(policy.kind, target)].append(policy)
        return {key: tuple(sorted(items, key=lambda item: item.arn)) for key, items in found.items()}

    def guardrails(self, kind: str, account: str) -> tuple[tuple[str, tuple[OrganizationPolicy, ...]], ...]:
        """The chain (target id, policies attached there) of SCPs or RCPs over an account, root first, account last."""
        found = self.accounts.get(account)
        if found is None:
            return ()
        return tuple((target, self._policies_by_target.get((kind, target), ())) for target in (*found.path, found.id))

    def organization_path(self, account: str) -> str:
        """``aws:PrincipalOrgPaths`` of an account: ``o-x/r-y/ou-z/``; empty text when it is in no organisation."""
        organization = self.data.organization
        found = self.accounts.get(account)
        if organization is None or found is None or not organization.id:
            return ""
        return "/".join((organization.id, *found.path)) + "/"

    @_shared
    def partition(self) -> str:
        for collection in (self.data.roles, self.data.users):
            for principal in collection:
                return Arn.parse(principal.arn).partition
        return next((account.partition for account in self.data.accounts), "aws")


_CONTAINERS: Mapping[str, str] = {"dynamodb:table": "/", "lambda:function": ":", "sns:topic": ":"}


def _may_contain(type_name: str, separator: str) -> bool:
    return _CONTAINERS.get(type_name) == separator


_BY_ARN = ("accounts", "users", "roles", "groups", "policies", "providers")
