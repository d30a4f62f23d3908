"""A snapshot's raw pages to an inventory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from model.entities import (
    RESERVED_SSO_PREFIX,
    Account,
    Assignment,
    InlinePolicy,
    ManagedPolicy,
    PermissionSet,
    Resource,
    Role,
)
from model.errors import ArnError, InventoryError
from model.inventory import Inventory, InventoryData
from model.load_iam import IamEntities, load_iam
from model.load_organization import (
    load_accounts,
    load_directory,
    load_identity_center,
    load_organization,
)
from model.load_resources import LIST_CALLS, load_resources
from model.load_s3 import account_public_block, canonical_ids, load_access_points, unread_points
from model.load_sharing import load_endpoints, load_shares, unread_shares
from model.pages import ANSWERED, Pages
from model.snapshot import Snapshot


def load_inventory(snapshot: Snapshot) -> Inventory:
    """The inventory of a complete snapshot.

    Raises ``SnapshotError`` when a part is missing or does not hash to its manifest, ``InventoryError`` when a page
    does not have the shape that its AWS operation documents.
    """
    pages = Pages(snapshot.records())
    try:
        # Read back as it will be stored: what is of another type than declared is found here, not by a question.
        data = msgspec.msgpack.encode(_data(snapshot, pages))
        return Inventory(msgspec.msgpack.decode(data, type=InventoryData))
    except (KeyError, IndexError, ValueError, TypeError, AttributeError, ArnError, msgspec.MsgspecError) as error:
        raise InventoryError(
            f"snapshot `{snapshot.manifest.id}`: a page has not the shape that aws documents: {error!r}; collect again"
        ) from error


def _data(snapshot: Snapshot, pages: Pages) -> InventoryData:
    manifest = snapshot.manifest
    listed = {
        item.id: Account(
            id=item.id, name=item.name, status=item.status, collected=item.collected, partition=manifest.partition
        )
        for item in manifest.accounts
    }
    iam = load_iam(pages)
    accounts = load_accounts(pages, listed)
    centers, permission_sets, assignments = load_identity_center(pages)
    directory_users, directory_groups = load_directory(pages)
    partitions = {account.id: account.partition for account in accounts}
    resources = (*load_resources(pages, partitions), *_iam_resources(iam))
    organization = load_organization(pages)
    unread = tuple(_unread_principals(pages, accounts))
    # Assignments also tell of accounts that nobody listed.
    unlisted = {item.account for item in assignments} - {account.id for account in accounts}
    stand_ins = _stand_ins((*unread, *sorted(unlisted)), permission_sets, assignments, partitions)
    return InventoryData(
        snapshot=manifest.id,
        taken=manifest.started,
        organization=organization,
        alone=pages.answered("organizations", "DescribeOrganization"),
        regions=tuple(manifest.regions),
        accounts=accounts,
        users=tuple(sorted(iam.users, key=lambda user: user.arn)),
        roles=tuple(sorted((*iam.roles, *stand_ins), key=lambda role: role.arn)),
        groups=tuple(sorted(iam.groups, key=lambda group: group.arn)),
        policies=tuple(_used_policies(iam, {arn for item in permission_sets for arn in item.attached})),
        providers=tuple(sorted(iam.providers, key=lambda provider: provider.arn)),
        centers=centers,
        permission_sets=permission_sets,
        assignments=assignments,
        directory_users=directory_users,
        directory_groups=directory_groups,
        resources=tuple(sorted(resources, key=lambda resource: resource.arn)),
        access_points=load_access_points(pages),
        account_public_block=account_public_block(pages, organization, accounts),
        account_ignores_acls=account_public_block(pages, organization, accounts, "IgnorePublicAcls"),
        canonical_ids=canonical_ids(pages),
        unread_points=tuple(unread_points(pages, accounts)),
        unread_lists=tuple(_unread_lists(pages, accounts)),
        unread_principals=unread,
        shares=tuple(load_shares(pages)),
        unread_shares=tuple(unread_shares(pages, accounts)),
        endpoints=tuple(load_endpoints(pages)),
        gaps=tuple(snapshot.gaps),
        skipped=tuple(snapshot.skipped),
    )


def _used_policies(iam: IamEntities, extra: set[str]) -> Iterator[ManagedPolicy]:
    """Customer managed policies, and the AWS managed ones that something uses.

    AWS returns only attached ones with authorization details; an emulator may return its whole catalogue.
    """
    used = set(extra)
    for holder in (*iam.users, *iam.roles, *iam.groups):
        used.update(holder.attached)
    used.update(user.boundary for user in iam.users if user.boundary)
    used.update(role.boundary for role in iam.roles if role.boundary)
    for arn in sorted(iam.policies):
        if arn in used or not iam.policies[arn].aws_managed:
            yield iam.policies[arn]


def _iam_resources(iam: IamEntities) -> Iterator[Resource]:
    """IAM entities as what requests act on; they have no resource policy but a role's trust, which is the role's."""
    tags_of = {user.arn: user.tags for user in iam.users} | {role.arn: role.tags for role in iam.roles}
    for kind, entities in (("user", iam.users), ("role", iam.roles), ("group", iam.groups)):
        for entity in entities:
            yield Resource(
                arn=entity.arn,
                type=f"iam:{kind}",
                account=entity.account,
                region="",
                name=entity.name,
                tags=tags_of.get(entity.arn, {}),
            )
    for policy in iam.policies.values():
        if not policy.aws_managed:
            yield Resource(
                arn=policy.arn, type="iam:policy", account=policy.account, region="", name=policy.name, tags=policy.tags
            )


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
