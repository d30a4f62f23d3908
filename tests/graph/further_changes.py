"""More changes of a random organisation: who and what is there, what was read of it, and when."""

from __future__ import annotations

import json
from collections.abc import Callable

from msgspec.structs import replace

from model.entities import Gap, IamGroup, InlinePolicy, Resource, Role, S3Grant, Share, SharePermission, User
from model.inventory import InventoryData
from tests.graph.changed_worlds import with_holder, with_resource
from tests.graph.worlds import FOREIGN, MANAGEMENT, ORG, Drawer, document, rcp, role, scp

#: The organisation after a change; ``None``: this one cannot be made here.
Change = Callable[[InventoryData, Drawer], InventoryData | None]

LATER = "2026-07-02T03:04:05+00:00"


def new_role(data: InventoryData, draw: Drawer) -> InventoryData:
    account = draw.random.choice(draw.accounts)
    own = role("newcomer", account, draw.statement(), trusts=draw.trust(list(data.providers)), tags=draw.tags())
    thing = Resource(arn=own.arn, type="iam:role", account=account, region="", name=own.name, tags=own.tags)
    place = draw.random.randrange(len(data.roles))
    roles = (*data.roles[:place], own, *data.roles[place:])
    return replace(data, roles=roles, resources=(*data.resources, thing))


def recreated_role(data: InventoryData, draw: Drawer) -> InventoryData:
    one = draw.random.choice(data.roles)
    return with_holder(data, replace(one, id=one.id + "AGAIN"))


def gone_role(data: InventoryData, draw: Drawer) -> InventoryData:
    one = draw.random.choice(data.roles)
    resources = tuple(item for item in data.resources if item.arn != one.arn)
    return replace(data, roles=tuple(item for item in data.roles if item is not one), resources=resources)


def edit_group(data: InventoryData, draw: Drawer) -> InventoryData:
    one = draw.random.choice(data.groups)
    return with_holder(data, replace(one, inline=(InlinePolicy(name="g", document=draw.identity()),)))


def gone_group(data: InventoryData, draw: Drawer) -> InventoryData:
    one = draw.random.choice(data.groups)
    return replace(data, groups=tuple(item for item in data.groups if item is not one))


def added_statement(data: InventoryData, draw: Drawer) -> InventoryData:
    one = draw.random.choice([*data.users, *data.roles])
    inline = InlinePolicy(name="more", document=document(draw.statement(0.1)))
    return with_holder(data, replace(one, inline=(*one.inline, inline)))


def unread_policy(data: InventoryData, draw: Drawer) -> InventoryData:
    one = draw.random.choice(data.policies)
    new = replace(one, document=None if one.document is not None else draw.identity())
    return replace(data, policies=tuple(new if item is one else item for item in data.policies))


def invalid_policy(data: InventoryData, draw: Drawer) -> InventoryData:
    one = draw.random.choice([*data.users, *data.roles])
    return with_holder(data, replace(one, inline=(InlinePolicy(name="own", document='{"Statement": 7}'),)))


def control_policy(data: InventoryData, draw: Drawer) -> InventoryData:
    assert data.organization is not None
    targets = (draw.random.choice(["r-1", "ou-1", *draw.accounts]),)
    statement = {**draw.statement(), "Effect": "Deny"}
    more = rcp("more", {**statement, "Principal": "*"}, targets=targets) if draw.chance(0.5) else None
    added = more or scp("more", statement, targets=targets)
    return _organized(data, policies=(*data.organization.policies, added))


def controls_unread(data: InventoryData, draw: Drawer) -> InventoryData:
    return _organized(data, **{draw.random.choice(["scps_known", "rcps_known"]): False})


def other_management_account(data: InventoryData, draw: Drawer) -> InventoryData:
    return _organized(data, management_account=draw.random.choice(draw.accounts))


def _organized(data: InventoryData, **fields: object) -> InventoryData:
    assert data.organization is not None
    return replace(data, organization=replace(data.organization, **fields))


def moved_account(data: InventoryData, draw: Drawer) -> InventoryData:
    chosen = draw.random.choice(draw.accounts)
    accounts = [replace(one, path=("r-1", "ou-2")) if one.id == chosen else one for one in data.accounts]
    return replace(data, accounts=tuple(accounts))


def left_out_account(data: InventoryData, draw: Drawer) -> InventoryData:
    chosen = draw.random.choice(draw.accounts)
    accounts = [replace(one, collected=False) if one.id == chosen else one for one in data.accounts]
    return replace(data, accounts=tuple(accounts))


def share(data: InventoryData, draw: Drawer) -> InventoryData:
    template = json.dumps({"Action": ["sqs:*", "secretsmanager:*"]})
    one = draw.random.choice([item for item in draw.resources if item.type == "secretsmanager:secret"])
    principal = draw.random.choice(
        [draw.random.choice(draw.accounts), FOREIGN, f"arn:aws:organizations::{MANAGEMENT}:organization/{ORG}"]
    )
    made = Share(
        arn=f"arn:aws:ram:us-east-1:{one.account}:resource-share/s",
        name="s",
        account=one.account,
        region="us-east-1",
        resources=(one.arn,),
        principals=(principal,),
        permissions=(SharePermission(arn="p", type="secretsmanager:Secret", template=template),),
    )
    return replace(data, shares=(*data.shares, made))


def shares_unread(data: InventoryData, draw: Drawer) -> InventoryData:
    return replace(data, unread_shares=((draw.random.choice(draw.accounts), ""),))


def lists_unread(data: InventoryData, draw: Drawer) -> InventoryData:
    return replace(data, unread_lists=((draw.random.choice(draw.accounts), "", "s3:bucket"),))


def acl(data: InventoryData, draw: Drawer) -> InventoryData:
    one = draw.random.choice([item for item in data.resources if item.s3 is not None])
    assert one.s3 is not None
    grantee = draw.random.choice(["c-1", "c-2", "AllUsers", "nobody-knows"])
    settings = replace(one.s3, acl=(S3Grant(grantee=grantee, permission="READ"),), owner="c-0")
    return with_resource(data, replace(one, s3=settings))


def canonical_ids(data: InventoryData, draw: Drawer) -> InventoryData:
    return replace(data, canonical_ids={**data.canonical_ids, draw.random.choice(draw.accounts): "c-1"})


def public_block(data: InventoryData, draw: Drawer) -> InventoryData:
    account = draw.random.choice(draw.accounts)
    found = dict(data.account_public_block)
    found[account] = not found.pop(account, False)
    return replace(data, account_public_block=found)


def policy_unread(data: InventoryData, draw: Drawer) -> InventoryData:
    one = draw.random.choice(draw.resources)
    return with_resource(data, replace(one, policy=None))


def later(data: InventoryData, draw: Drawer) -> InventoryData:
    """Half a year goes by: conditions on dates come out differently."""
    return replace(data, taken=LATER)


def a_little_later(data: InventoryData, draw: Drawer) -> InventoryData:
    return replace(data, taken="2026-01-02T04:04:05+00:00", snapshot="next")


def nothing_that_counts(data: InventoryData, draw: Drawer) -> InventoryData:
    """What no decision reads: when something was used, what could not be read elsewhere, names of people."""
    gap = Gap(account=MANAGEMENT, region="", service="sso", operation="X", outcome="denied", affects="x")
    people = tuple(replace(one, user_name=one.user_name + "-renamed") for one in data.directory_users)
    roles = tuple(replace(one, last_used=LATER) for one in data.roles)
    return replace(data, taken="2026-01-02T04:04:05+00:00", gaps=(gap,), directory_users=people, roles=roles)


def used_users(data: InventoryData, draw: Drawer) -> InventoryData:
    def used(one: User) -> User:
        return replace(one, password_last_used=LATER, password=True)

    return replace(data, users=tuple(map(used, data.users)))


def regions(data: InventoryData, draw: Drawer) -> InventoryData:
    return replace(data, regions=("us-east-1",))


def mfa(data: InventoryData, draw: Drawer) -> InventoryData:
    one = draw.random.choice(data.users)
    return with_holder(data, replace(one, mfa=not one.mfa))


def sessions(data: InventoryData, draw: Drawer) -> InventoryData:
    return replace(data, centers=tuple(replace(one, abac=not one.abac) for one in data.centers))


def renamed_group(data: InventoryData, draw: Drawer) -> InventoryData:
    """A group under another name, its members with it: what they may do comes of another policy."""
    one = draw.random.choice(data.groups)
    new: IamGroup = replace(one, arn=one.arn + "-2", name=one.name + "-2")
    users = tuple(
        replace(item, groups=tuple(new.arn if arn == one.arn else arn for arn in item.groups)) for item in data.users
    )
    return replace(data, users=users, groups=tuple(new if item is one else item for item in data.groups))


def emptied_role(data: InventoryData, draw: Drawer) -> InventoryData:
    one: Role = draw.random.choice(data.roles)
    return with_holder(data, replace(one, inline=(), attached=()))


FURTHER: tuple[Change, ...] = (
    new_role,
    recreated_role,
    gone_role,
    edit_group,
    gone_group,
    added_statement,
    unread_policy,
    invalid_policy,
    control_policy,
    controls_unread,
    other_management_account,
    moved_account,
    left_out_account,
    share,
    shares_unread,
    lists_unread,
    acl,
    canonical_ids,
    public_block,
    policy_unread,
    later,
    a_little_later,
    nothing_that_counts,
    used_users,
    regions,
    mfa,
    sessions,
    renamed_group,
    emptied_role,
)
