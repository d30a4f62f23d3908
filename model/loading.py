"""A snapshot's raw pages to an inventory, account by account."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from model.entities import (
    RESERVED_SSO_PREFIX,
    AccessPoint,
    Account,
    Assignment,
    IamGroup,
    InlinePolicy,
    ManagedPolicy,
    PermissionSet,
    Provider,
    Resource,
    Role,
    Share,
    User,
    VpcEndpoint,
)
from model.inventory import Inventory, InventoryData
from model.load_access_manager import entitled_stand_ins, load_applications, load_entitlements, unread_entitlements
from model.load_account import AccountData, aws_shapes, load_account
from model.load_organization import (
    load_accounts,
    load_directory,
    load_identity_center,
    load_organization,
    unread_assignments,
    unread_members,
)
from model.load_resources import LIST_CALLS
from model.load_s3 import account_public_block, canonical_ids, unread_points
from model.load_sharing import unread_shares
from model.pages import ANSWERED, Pages
from model.providers import unread_providers
from model.shared import Shared, settled
from model.snapshot import CallRecord, Snapshot


def load_inventory(snapshot: Snapshot) -> Inventory:
    """The inventory of a complete snapshot, all resources of all accounts in memory.

    Raises ``SnapshotError`` when a part is missing or does not hash to its manifest, ``InventoryError`` when a page
    does not have the shape that its AWS operation documents.
    """
    resources: dict[str, tuple[Resource, ...]] = {}

    def kept(account: AccountData) -> AccountData:
        resources[account.account] = account.resources
        return account

    shared = assemble(snapshot, map(kept, load_each(snapshot)))
    whole = [one for account, found in resources.items() for one in settled(account, found, shared)]
    whole.sort(key=lambda resource: resource.arn)
    return Inventory(msgspec.structs.replace(shared.data, resources=tuple(whole)))


def load_shared(snapshot: Snapshot) -> Shared:
    """All of an inventory but the resources of accounts; holds the records of one account at a time."""
    return assemble(snapshot, load_each(snapshot))


def load_resources_of(snapshot: Snapshot, account: str, shared: Shared) -> tuple[Resource, ...]:
    """The resources of one account, sorted by ARN; reads its parts alone."""
    partition = next((item.partition for item in shared.data.accounts if item.id == account), "aws")
    return settled(account, load_account(snapshot, account, partition).resources, shared)


def load_each(snapshot: Snapshot) -> Iterator[AccountData]:
    """What each account's parts tell, one after another."""
    partitions = load_partitions(snapshot)
    for account in snapshot.part_accounts:
        yield load_account(snapshot, account, partitions.get(account, "aws"))


def load_partitions(snapshot: Snapshot) -> dict[str, str]:
    """The partition of each account, as Organizations tells it, else the manifest."""
    pages = Pages(snapshot.records(collector="organization"))
    with aws_shapes(snapshot):
        return {account.id: account.partition for account in load_accounts(pages, _listed(snapshot))}


def _listed(snapshot: Snapshot) -> dict[str, Account]:
    manifest = snapshot.manifest
    return {
        item.id: Account(
            id=item.id, name=item.name, status=item.status, collected=item.collected, partition=manifest.partition
        )
        for item in manifest.accounts
    }


def assemble(snapshot: Snapshot, accounts: Iterable[AccountData]) -> Shared:
    """What all accounts together tell; ``accounts`` in the order of ``Snapshot.part_accounts``.

    Their resources are not kept. Raises ``InventoryError``.
    """
    parts = _Parts(accounts)
    with aws_shapes(snapshot):
        # Read back as it will be stored: what is of another type than declared is found here, not by a question.
        data = msgspec.msgpack.encode(_data(snapshot, parts))
        decoded = msgspec.msgpack.decode(data, type=InventoryData)
    return Shared(
        data=decoded,
        accounts=tuple(sorted(parts.accounts)),
        points={name: tuple(sorted(found)) for name, found in parts.points.items()},
        places=parts.places,
    )


class _Parts:
    """What the accounts told, together: one list a kind."""

    def __init__(self, accounts: Iterable[AccountData]) -> None:
        self.accounts: list[str] = []
        self.users: list[User] = []
        self.roles: list[Role] = []
        self.groups: list[IamGroup] = []
        self.policies: dict[str, ManagedPolicy] = {}
        self.providers: list[Provider] = []
        self.access_points: list[AccessPoint] = []
        self.shares: list[Share] = []
        self.endpoints: list[VpcEndpoint] = []
        self.points: defaultdict[str, set[str]] = defaultdict(set)
        self.places: dict[str, str] = {}
        self.records: list[CallRecord] = []
        for account in accounts:
            self._add(account)

    def _add(self, account: AccountData) -> None:
        self.accounts.append(account.account)
        self.users += account.users
        self.roles += account.roles
        self.groups += account.groups
        for policy in account.policies:  # one of AWS's own is told by every account that uses it
            self.policies.setdefault(policy.arn, policy)
        self.providers += account.providers
        self.access_points += account.access_points
        self.shares += account.shares
        self.endpoints += account.endpoints
        for name in account.points:
            self.points[name].add(account.account)
        self.places.update(dict.fromkeys(account.strays, account.account))
        self.records += account.records


def _data(snapshot: Snapshot, parts: _Parts) -> InventoryData:
    manifest, pages = snapshot.manifest, Pages(parts.records)
    accounts = load_accounts(pages, _listed(snapshot))
    centers, permission_sets, assignments = load_identity_center(pages)
    directory_users, directory_groups = load_directory(pages)
    applications, entitlements = load_applications(pages), load_entitlements(pages)
    partitions = {account.id: account.partition for account in accounts}
    organization = load_organization(pages)
    unread = tuple(_unread_principals(pages, accounts))
    # Assignments and entitlements also tell of accounts that nobody listed.
    named = {item.account for item in assignments} | {item.account for item in entitlements}
    unseen = (*unread, *sorted(named - {account.id for account in accounts}))
    stand_ins = _stand_ins(unseen, permission_sets, assignments, partitions)
    stand_ins += entitled_stand_ins(unseen, entitlements, {role.arn for role in parts.roles})
    return InventoryData(
        snapshot=manifest.id,
        taken=manifest.started,
        organization=organization,
        alone=pages.answered("organizations", "DescribeOrganization"),
        regions=tuple(manifest.regions),
        accounts=accounts,
        users=tuple(sorted(parts.users, key=lambda user: user.arn)),
        roles=tuple(sorted((*parts.roles, *stand_ins), key=lambda role: role.arn)),
        groups=tuple(sorted(parts.groups, key=lambda group: group.arn)),
        policies=tuple(_used_policies(parts, {arn for item in permission_sets for arn in item.attached})),
        providers=tuple(sorted(parts.providers, key=lambda provider: provider.arn)),
        centers=centers,
        permission_sets=permission_sets,
        assignments=assignments,
        access_applications=applications,
        entitlements=entitlements,
        unread_entitlements=unread_entitlements(pages, applications),
        directory_users=directory_users,
        directory_groups=directory_groups,
        unread_assignments=tuple(unread_assignments(pages, accounts)),
        unread_members=tuple(unread_members(pages, assignments)),
        access_points=tuple(sorted(parts.access_points, key=lambda point: point.arn)),
        account_public_block=account_public_block(pages, organization, accounts),
        account_ignores_acls=account_public_block(pages, organization, accounts, "IgnorePublicAcls"),
        canonical_ids=canonical_ids(pages),
        unread_points=tuple(unread_points(pages, accounts)),
        unread_lists=tuple(_unread_lists(pages, accounts)),
        unread_principals=unread,
        unread_providers=tuple(unread_providers(pages, accounts)),
        shares=tuple(sorted(parts.shares, key=lambda share: share.arn)),
        unread_shares=tuple(unread_shares(pages, accounts)),
        endpoints=tuple(parts.endpoints),
        gaps=tuple(snapshot.gaps),
        skipped=tuple(snapshot.skipped),
    )


def _used_policies(parts: _Parts, extra: set[str]) -> Iterator[ManagedPolicy]:
    """Customer managed policies, and the AWS managed ones that something uses.

    AWS returns only attached ones with authorization details; an emulator may return its whole catalogue.
    """
    used = set(extra)
    for holder in (*parts.users, *parts.roles, *parts.groups):
        used.update(holder.attached)
    used.update(user.boundary for user in parts.users if user.boundary)
    used.update(role.boundary for role in parts.roles if role.boundary)
    for arn in sorted(parts.policies):
        if arn in used or not parts.policies[arn].aws_managed:
            yield parts.policies[arn]


#: The trust of every reserved role: Identity Center's own provider in the account, and nobody else.
_RESERVED_TRUST = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:AssumeRoleWithSAML","sts:TagSession"],'
    '"Principal":{"Federated":"arn:%s:iam::%s:saml-provider/AWSSSO_DO_NOT_DELETE"}}]}'
)


def _stand_ins(
    unread: Iterable[str],
    permission_sets: Iterable[PermissionSet],
    assignments: Iterable[Assignment],
    partitions: Mapping[str, str],
) -> list[Role]:
    """Reserved roles of accounts that could not be read, from the documents of their permission sets (semantics L15).

    Their real ARNs end in a hash that only the account tells; ``?`` stands for it.
    """
    sets = {item.arn: item for item in permission_sets}
    wanted = {(item.account, item.permission_set) for item in assignments if item.account in set(unread)}
    found = []
    for account, arn in sorted(pair for pair in wanted if pair[1] in sets):
        item = sets[arn]
        name = f"{RESERVED_SSO_PREFIX}{item.name}_{'?' * 16}"
        path = "/aws-reserved/sso.amazonaws.com/"
        inline = (InlinePolicy(name="AwsSSOInlinePolicy", document=item.inline),) if item.inline else ()
        found.append(
            Role(
                arn=f"arn:{partitions.get(account, 'aws')}:iam::{account}:role{path}{name}",
                id="",
                name=name,
                path=path,
                account=account,
                inline=inline,
                attached=item.attached,
                trust=_RESERVED_TRUST % (partitions.get(account, "aws"), account),
                assumed_from_permission_set=True,
            )
        )
    return found


def _unread_lists(pages: Pages, accounts: Iterable[Account]) -> Iterator[tuple[str, str, str]]:
    """Lists that were not answered, or not asked for: absence is believed on ``ok`` and ``empty`` alone."""
    for type_name, (service, operation) in LIST_CALLS.items():
        asked = set()
        for call in pages.calls(service, operation):
            asked.add(call.account)
            if call.outcome not in ANSWERED:
                yield call.account, "" if call.region == "global" else call.region, type_name
        for account in accounts:
            if account.id not in asked:
                yield account.id, "", type_name


def _unread_principals(pages: Pages, accounts: tuple[Account, ...]) -> Iterator[str]:
    outcomes: dict[str, bool] = {}
    for call in pages.calls("iam", "GetAccountAuthorizationDetails"):
        outcomes[call.account] = call.outcome in ("ok", "empty") and outcomes.get(call.account, True)
    for account in accounts:
        if not outcomes.get(account.id, False) and account.status == "ACTIVE":
            yield account.id
