"""A change that takes something away from somebody, and the inventory after it.

Nothing is decided here. Entities are immutable: the changed inventory shares with the old one all but what changed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import msgspec

from graph.deciding import Outcome, Reason, Tree
from model.entities import Assignment, Entity, InlinePolicy, Resource, Role, User
from model.inventory import Inventory, InventoryData
from model.lookup import ResourceSource, Sources
from policy.jsontext import load_json

Kind = Literal["policy", "assignment", "group", "trust", "statement"]
_Holder = TypeVar("_Holder", User, Role)
_Entity = TypeVar("_Entity", bound=Entity)


@dataclass(frozen=True, slots=True)
class Revocation:
    """What is taken away.

    ``ids`` are the documents or assignments that go with it, as ``because`` names them (a group: all it gives).
    ``holder`` is the ARN of the user or role, or the person, from whom alone it goes; empty: from everybody who has it.
    ``group`` is the group that is left, an ARN or an id of Identity Center, and ``member`` who leaves it, by the same
    kind of name. ``statements`` are the places of the statements that go (``None``: the document goes as a whole), and
    ``marks`` what people call them, by Sid or number.
    ``beside`` are the ids of the assignments that give the same permission set in the same account and stay.
    ``unseen`` says in words why nobody knows what it gives, empty where that is known.
    """

    kind: Kind
    ids: frozenset[str]
    holder: str = ""
    group: str = ""
    member: str = ""
    assignment: Assignment | None = None
    statements: frozenset[int] | None = None
    marks: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    unseen: str = ""

    @property
    def id(self) -> str:
        """The one document or assignment that goes; of a group any, of an empty one nothing."""
        return min(self.ids, default="")

    def gives(self, outcome: Outcome, key: str) -> bool:
        """Whether a decision about the subject called ``key`` rests on what is taken away.

        A document that could not be read is no reason, but a leaf of the residual (semantics U6).
        """
        if self.holder not in ("", key):
            return False
        if any(self._names(reason) for reason in outcome.because):
            return True
        return outcome.residual is not None and not self.ids.isdisjoint(_documents(outcome.residual))

    def _names(self, reason: Reason) -> bool:
        if reason["policy"] not in self.ids or reason["effect"] != "Allow":
            return False
        return self.statements is None or reason["statement"] in self.statements


def _documents(tree: Tree) -> set[str]:
    """The documents that a residual hangs on."""
    if "document" in tree:
        return {tree["document"]}
    parts = tree.get("all") or tree.get("any") or ([tree["not"]] if "not" in tree else [])
    return {name for part in parts for name in _documents(part)}


def changed_inventory(inventory: Inventory, revocation: Revocation, source: ResourceSource | None = None) -> Inventory:
    """The inventory as it is once the change is made.

    ``source`` is where its resources lie if not in its data; without one they are those of the inventory, and what of
    them is open stays so.
    """
    if source is None and inventory._sources is not None:
        source = _Open(inventory, inventory._sources)
    changes: dict[Kind, Callable[[InventoryData, Revocation], dict[str, Any]]] = {
        "policy": _without_policy,
        "assignment": _without_assignment,
        "group": _without_membership,
        "trust": _without_statements,
        "statement": _without_statements,
    }
    changed = changes[revocation.kind](inventory.data, revocation)
    data = msgspec.structs.replace(inventory.data, **changed)
    return Inventory(data, None if source is None else _Changed(source, revocation))


class _Open:
    """The resources of an inventory that opens them account by account."""

    def __init__(self, inventory: Inventory, sources: Sources) -> None:
        self.accounts = sources.accounts
        self.account_of = sources.account_of
        self.of = inventory.resources_of


class _Changed:
    """The resources of a source, the policy of one of them changed."""

    def __init__(self, source: ResourceSource, revocation: Revocation) -> None:
        self.accounts = source.accounts
        self.account_of = source.account_of
        self._of = source.of
        self._revocation = revocation

    def of(self, account: str) -> tuple[Resource, ...]:
        """The resources of one account, sorted by ARN."""
        return _resources(self._of(account), self._revocation)


@dataclass(frozen=True, slots=True)
class Touched:
    """What a change can alter; every other decision stays as it was.

    ``principals``: ARNs of the users and roles whose own documents or session tags change, and people, by key.
    ``role``: whose trust policy changes. ``resource``: whose policy changes.
    """

    principals: frozenset[str]
    role: str = ""
    resource: str = ""


def touched(inventory: Inventory, revocation: Revocation) -> Touched:
    """Whose decisions must be made anew once the change is made.

    The trust of a role says, too, whether its sessions may bring tags (semantics U3): the role itself is touched.
    """
    if revocation.kind == "assignment":
        assert revocation.assignment is not None
        id = revocation.assignment.principal_id
        group = inventory.directory_groups.get(id)
        users = {id} if group is None else set(group.members)
        return Touched(frozenset(key for key, person in inventory.people.items() if person.user.id in users))
    if revocation.holder:
        return Touched(frozenset({revocation.holder}))
    owner, _, part = revocation.id.partition("#")
    if part == "trust":
        return Touched(frozenset({owner}), role=owner)
    if part == "policy":
        return Touched(frozenset(), resource=owner)
    return Touched(frozenset(_having(inventory, owner, whole=not part)))


def _having(inventory: Inventory, owner: str, *, whole: bool) -> Iterator[str]:
    """Users and roles with a managed policy (``whole``), be it as boundary, or with the inline policies of a holder."""
    groups = {one.arn for one in inventory.data.groups if one.arn == owner or (whole and owner in one.attached)}
    everyone: Iterable[User | Role] = (*inventory.data.users, *inventory.data.roles)
    for one in everyone:
        mine = one.groups if isinstance(one, User) else ()
        if one.arn == owner or (whole and owner in (*one.attached, one.boundary)) or not groups.isdisjoint(mine):
            yield one.arn


def _without_policy(data: InventoryData, revocation: Revocation) -> dict[str, Any]:
    """A managed policy detached from one user or role, or an inline policy of it deleted."""

    def change(holder: _Holder) -> _Holder:
        attached = tuple(arn for arn in holder.attached if arn != revocation.id)
        inline = tuple(one for one in holder.inline if f"{holder.arn}#inline:{one.name}" != revocation.id)
        return msgspec.structs.replace(holder, attached=attached, inline=inline)

    return {
        "users": _changed(data.users, revocation.holder, change),
        "roles": _changed(data.roles, revocation.holder, change),
    }


def _without_assignment(data: InventoryData, revocation: Revocation) -> dict[str, Any]:
    return {"assignments": tuple(item for item in data.assignments if item != revocation.assignment)}


def _without_membership(data: InventoryData, revocation: Revocation) -> dict[str, Any]:
    """A user who leaves an IAM group, or a person who leaves a group of Identity Center."""
    users = _changed(
        data.users,
        revocation.member,
        lambda user: msgspec.structs.replace(
            user, groups=tuple(group for group in user.groups if group != revocation.group)
        ),
    )
    groups = tuple(
        msgspec.structs.replace(group, members=tuple(one for one in group.members if one != revocation.member))
        if group.id == revocation.group
        else group
        for group in data.directory_groups
    )
    return {"users": users, "directory_groups": groups}


def _without_statements(data: InventoryData, revocation: Revocation) -> dict[str, Any]:
    """Statements taken out of a managed, inline, trust or resource policy, for everybody it is about."""
    places = revocation.statements or frozenset()
    owner, _, part = revocation.id.partition("#")
    if part == "trust":
        return {
            "roles": _changed(
                data.roles, owner, lambda role: msgspec.structs.replace(role, trust=without(role.trust, places))
            )
        }
    if part == "policy":
        return {"resources": _resources(data.resources, revocation)}
    if part:
        name = part.removeprefix("inline:")
        return {
            field: tuple(
                msgspec.structs.replace(one, inline=_edited(one.inline, name, places)) if one.arn == owner else one
                for one in getattr(data, field)
            )
            for field in ("users", "roles", "groups")
        }
    return {
        "policies": _changed(
            data.policies,
            owner,
            lambda one: msgspec.structs.replace(one, document=without(one.document or "", places)),
        )
    }


def _resources(resources: tuple[Resource, ...], revocation: Revocation) -> tuple[Resource, ...]:
    """Resources, of the one whose policy changes with the policy that is left."""
    owner, _, part = revocation.id.partition("#")
    if part != "policy" or revocation.statements is None:
        return resources
    places = revocation.statements
    return _changed(
        resources, owner, lambda one: msgspec.structs.replace(one, policy=without(one.policy or "", places))
    )


def _edited(inline: Iterable[InlinePolicy], name: str, places: Collection[int]) -> tuple[InlinePolicy, ...]:
    return tuple(
        msgspec.structs.replace(one, document=without(one.document, places)) if one.name == name else one
        for one in inline
    )


def without(text: str, places: Collection[int]) -> str:
    """A policy's text without the statements at these places; the others move up. Raises ``PolicyError``."""
    raw = load_json(text, source="policy")
    listed = raw["Statement"]
    statements = listed if isinstance(listed, list) else [listed]
    return json.dumps({**raw, "Statement": [one for place, one in enumerate(statements) if place not in places]})


def _changed(entities: tuple[_Entity, ...], arn: str, change: Callable[[_Entity], _Entity]) -> tuple[_Entity, ...]:
    """The entities with one, the one of this ARN, changed."""
    return tuple(change(one) if one.arn == arn else one for one in entities)  # type: ignore[attr-defined]
