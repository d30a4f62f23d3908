"""One random change of a random organisation, and how `diff` must name it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

from msgspec.structs import replace

from model.entities import IamPrincipal, KmsGrant, Resource, Role, User
from model.inventory import InventoryData
from tests.graph.worlds import Drawer

#: The organisation after the change, with (kind, id) of the change; ``None``: this one cannot be made here.
Changed = tuple[InventoryData, tuple[str, str]] | None


def drawer(data: InventoryData, seed: int) -> Drawer:
    """Draws policies about the names of an organisation that is there already."""
    accounts = tuple(account.id for account in data.accounts[1:])
    resources = [one for one in data.resources if not one.type.startswith("iam:")]
    users, roles = [one.arn for one in data.users], [one.arn for one in data.roles]
    return Drawer(random.Random(seed), accounts, users, roles, resources)


def with_holder(data: InventoryData, one: IamPrincipal) -> InventoryData:
    """The organisation with one user, role or group as given; its tags are those of the resource too."""
    for name in ("users", "roles", "groups"):
        several = tuple(one if item.arn == one.arn else item for item in getattr(data, name))
        data = replace(data, **{name: several})
    tags = one.tags if isinstance(one, User | Role) else None
    resources = [replace(item, tags=tags) if item.arn == one.arn else item for item in data.resources]
    return replace(data, resources=tuple(resources))


def with_resource(data: InventoryData, one: Resource) -> InventoryData:
    return replace(data, resources=tuple(one if item.arn == one.arn else item for item in data.resources))


def attach(data: InventoryData, draw: Drawer) -> Changed:
    one = draw.random.choice([*data.users, *data.roles, *data.groups])
    own = [item.arn for item in data.policies if item.account == one.account and item.arn not in one.attached]
    if not own:
        return None
    arn = draw.random.choice(own)
    return with_holder(data, replace(one, attached=(*one.attached, arn))), ("attachment", arn)


def detach(data: InventoryData, draw: Drawer) -> Changed:
    held = [(one, arn) for one in (*data.users, *data.roles, *data.groups) for arn in one.attached]
    if not held:
        return None
    one, arn = draw.random.choice(held)
    return with_holder(data, replace(one, attached=tuple(a for a in one.attached if a != arn))), ("attachment", arn)


def edit_inline(data: InventoryData, draw: Drawer) -> Changed:
    one = draw.random.choice([*data.users, *data.roles, *data.groups])
    if not one.inline:
        return None
    inline = replace(one.inline[0], document=draw.identity())
    return with_holder(data, replace(one, inline=(inline,))), ("policy", f"{one.arn}#inline:{inline.name}")


def edit_managed(data: InventoryData, draw: Drawer) -> Changed:
    one = draw.random.choice([item for item in data.policies if item.document is not None])
    new = replace(one, document=draw.identity())
    return replace(data, policies=tuple(new if p is one else p for p in data.policies)), ("policy", one.arn)


def tag(data: InventoryData, draw: Drawer) -> Changed:
    holders: list[User | Role] = [*data.users, *data.roles]
    one = draw.random.choice(holders)
    if one.tags.get("team") == "green":
        return None
    return with_holder(data, replace(one, tags={**one.tags, "team": "green"})), ("tag", f"{one.arn}#tag:team")


def tag_resource(data: InventoryData, draw: Drawer) -> Changed:
    one = draw.random.choice(draw.resources)
    if one.tags is None:
        return None
    return with_resource(data, replace(one, tags={**one.tags, "team": "green"})), ("tag", f"{one.arn}#tag:team")


def trust(data: InventoryData, draw: Drawer) -> Changed:
    one = draw.random.choice(data.roles)
    return with_holder(data, replace(one, trust=draw.trust(list(data.providers)))), ("trust", f"{one.arn}#trust")


def boundary(data: InventoryData, draw: Drawer) -> Changed:
    holders: list[User | Role] = [*data.users, *data.roles]
    one = draw.random.choice(holders)
    own = [item.arn for item in data.policies if item.account == one.account]
    arn = one.boundary or draw.random.choice(own)
    return with_holder(data, replace(one, boundary=None if one.boundary else arn)), ("boundary", arn)


def membership(data: InventoryData, draw: Drawer) -> Changed:
    one = draw.random.choice(data.users)
    (group,) = (item.arn for item in data.groups if item.account == one.account)
    return with_holder(data, replace(one, groups=() if one.groups else (group,))), ("membership", group)


def guardrail(data: InventoryData, draw: Drawer) -> Changed:
    assert data.organization is not None
    policies = list(data.organization.policies)
    one = draw.random.choice(policies)
    if one.name == "full" or draw.chance(0.5):
        statement = {**draw.statement(), "Effect": "Deny", **({"Principal": "*"} if one.kind == "rcp" else {})}
        text = (one.document or "").replace('"Statement": [', f'"Statement": [{json.dumps(statement)}, ')
        new = replace(one, document=text)
    else:
        new = replace(one, targets=())
    policies[policies.index(one)] = new
    return replace(data, organization=replace(data.organization, policies=tuple(policies))), (one.kind, one.arn)


def resource_policy(data: InventoryData, draw: Drawer) -> Changed:
    one = draw.random.choice(draw.resources)
    text = draw.resource_policy(one)
    if text is None or one.policy is None:
        return None
    return with_resource(data, replace(one, policy=text)), ("policy", f"{one.arn}#policy")


def grant(data: InventoryData, draw: Drawer) -> Changed:
    one = draw.random.choice([item for item in data.resources if item.type == "kms:key"])
    if one.grants is None:
        return None
    added = KmsGrant(id="more", grantee=draw.random.choice(draw.roles), operations=("Decrypt",))
    return with_resource(data, replace(one, grants=(*one.grants, added))), ("grant", f"{one.arn}#grant:more")


def assignment(data: InventoryData, draw: Drawer) -> Changed:
    one = data.assignments[0]
    id = f"{one.permission_set}@{one.account}#user:{one.principal_id}"
    return replace(data, assignments=data.assignments[1:]), ("assignment", id)


def new_resource(data: InventoryData, draw: Drawer) -> Changed:
    one = draw.random.choice(draw.resources)
    arn = one.arn.replace(one.name, f"{one.name}-more")
    new = replace(one, arn=arn, name=f"{one.name}-more")
    return replace(data, resources=(*data.resources, new)), ("resource", arn)


def gone_resource(data: InventoryData, draw: Drawer) -> Changed:
    one = draw.random.choice(draw.resources)
    return replace(data, resources=tuple(item for item in data.resources if item is not one)), ("resource", one.arn)


def gone_user(data: InventoryData, draw: Drawer) -> Changed:
    one = draw.random.choice(data.users)
    resources = tuple(item for item in data.resources if item.arn != one.arn)
    users = tuple(item for item in data.users if item is not one)
    return replace(data, users=users, resources=resources), ("principal", one.arn)


CHANGES: tuple[Callable[[InventoryData, Drawer], Changed], ...] = (
    attach,
    detach,
    edit_inline,
    edit_managed,
    tag,
    tag_resource,
    trust,
    boundary,
    membership,
    guardrail,
    resource_policy,
    grant,
    assignment,
    new_resource,
    gone_resource,
    gone_user,
)
