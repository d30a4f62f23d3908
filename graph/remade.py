"""A small inventory made of facts: the few entities that one answer hangs on, as some mix of two snapshots has them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from graph.facts import BY_ACCOUNT, S3_FIELDS, Context
from graph.own_facts import Key
from model.entities import InlinePolicy, Organization, Resource
from model.inventory import Inventory, InventoryData

Facts = Mapping[Key, Any]

#: Sorts of facts that are entities of their own, and the list of the inventory that holds them.
_LISTS = {
    "provider": "providers",
    "person": "directory_users",
    "assignment": "assignments",
    "entitlement": "entitlements",
    "application": "access_applications",
    "center": "centers",
    "account": "accounts",
    "point": "access_points",
    "share": "shares",
}


def inventory_of(facts: Facts, context: Context, snapshot: str) -> Inventory:
    """The inventory that these facts describe; what they say nothing of is not in it."""
    by_sort: defaultdict[str, dict[Key, Any]] = defaultdict(dict)
    for key, value in facts.items():
        by_sort[key[0]][key] = value
    fields: dict[str, Any] = {name: tuple(by_sort[sort].values()) for sort, name in _LISTS.items()}
    holders = _holders(by_sort, context)
    fields |= {"users": tuple(holders["user"]), "roles": tuple(holders["role"]), "groups": tuple(holders["group"])}
    documents = {key[1]: value for key, value in by_sort["managed"].items()}
    fields["policies"] = tuple(
        replace(policy, document=documents[arn]) if arn in documents else policy
        for (sort, arn), policy in context.items()
        if sort == "policy"
    )
    fields["resources"] = tuple(_resource(arn, one, by_sort) for (_, arn), one in by_sort["resource"].items())
    fields["organization"] = _organization(by_sort, context)
    fields["access_applications"] += tuple(one for (sort, _), one in context.items() if sort == "application")
    unread = {arn: one for (_, arn), one in by_sort["unread-set"].items()}
    sets = {arn: one for (sort, arn), one in context.items() if sort == "permission-set"} | unread
    fields["permission_sets"] = tuple(one for one in sets.values() if one is not None)
    members: defaultdict[str, list[str]] = defaultdict(list)
    for _, group, member in by_sort["joined"]:
        members[group].append(member)
    fields["directory_groups"] = tuple(
        replace(one, members=tuple(members[id])) for (sort, id), one in context.items() if sort == "directory-group"
    )
    for sort, name in BY_ACCOUNT.items():
        fields[name] = {key[2]: value for key, value in by_sort[sort].items() if value is not None}
    for _, _, name, *told in by_sort["unread"]:
        entry: Any = told[0] if name == "unread_principals" else tuple(told)
        fields[name] = (*fields.get(name, ()), entry)
    for sort, name in (("alone", "alone"), ("time", "taken"), ("regions", "regions")):
        for value in by_sort[sort].values():
            fields[name] = value
    return Inventory(InventoryData(snapshot=snapshot, **fields))


def _holders(by_sort: Mapping[str, Mapping[Key, Any]], context: Context) -> dict[str, list[Any]]:
    """Users, roles and groups with what facts say they have, beside what they come with."""
    own: defaultdict[str, dict[str, Any]] = defaultdict(lambda: {"inline": (), "attached": (), "tags": {}})
    for (_, _, arn, name), document in by_sort["inline"].items():
        own[arn]["inline"] += (InlinePolicy(name=name, document=document),)
    for _, policy, arn in by_sort["attached"]:
        own[arn]["attached"] += (policy,)
    for (_, _, arn, name), value in by_sort["tag"].items():
        own[arn]["tags"][name] = value
    for _, group, arn in by_sort["member"]:
        own[arn]["groups"] = (*own[arn].get("groups", ()), group)
    for sort, name in (("trust", "trust"), ("mfa", "mfa")):
        for (_, _, arn), value in _keyed(by_sort[sort]):
            own[arn][name] = value
    for (_, arn), value in by_sort["boundary"].items():
        own[arn]["boundary"] = value
    found: dict[str, list[Any]] = {"user": [], "role": [], "group": []}
    frames = [(key[0], key[1], value) for sort in ("user", "role") for key, value in by_sort[sort].items()]
    frames += [(sort, arn, value) for (sort, arn), value in context.items() if sort == "group"]
    for sort, arn, frame in frames:
        more = own.get(arn, {})
        fields = {name: value for name, value in more.items() if value and hasattr(frame, name)}
        if "mfa" in more and sort == "user":
            fields["mfa"] = more["mfa"]
        found[sort].append(replace(frame, **fields) if fields else frame)
    return found


def _keyed(facts: Mapping[Key, Any]) -> list[tuple[tuple[str, str, str], Any]]:
    return [((key[0], key[1], key[2]), value) for key, value in facts.items()]


def _resource(arn: str, frame: Resource, by_sort: Mapping[str, Mapping[Key, Any]]) -> Resource:
    fields: dict[str, Any] = {}
    tags = {key[3]: value for key, value in by_sort["tag"].items() if key[2] == arn}
    if tags:
        fields["tags"] = tags
    grants = tuple(value for key, value in by_sort["grant"].items() if key[2] == arn)
    if grants:
        fields["grants"] = grants
    for sort in ("policy", "tags", "grants"):
        for key, value in by_sort[sort].items():
            if key[2] == arn:
                fields[sort] = value
    settings: dict[str, Any] = {}
    for key, values in by_sort["s3"].items():
        if key[2] == arn:
            settings |= dict(zip(S3_FIELDS[key[3]], values, strict=True))
    if settings and frame.s3 is not None:
        fields["s3"] = replace(frame.s3, **settings)
    return replace(frame, **fields) if fields else frame


def _organization(by_sort: Mapping[str, Mapping[Key, Any]], context: Context) -> Organization | None:
    frame: Organization | None = next(iter(by_sort["organization"].values()), None)
    if frame is None:
        return None
    states: dict[str, Any] = {}
    for key, (known, enabled) in by_sort["state"].items():
        states |= {f"{key[2]}s_known": known, f"{key[2]}s_enabled": enabled}
    targets: defaultdict[str, list[str]] = defaultdict(list)
    for key in by_sort["target"]:
        targets[key[1]].append(key[2])
    documents = {key[1]: value for key, value in by_sort["guard"].items()}
    policies = tuple(
        replace(policy, targets=tuple(targets[arn]), document=documents.get(arn, policy.document))
        for (sort, arn), policy in context.items()
        if sort == "guard"
    )
    return replace(frame, policies=policies, **states)
