"""What two snapshots tell the tasks of a build differently: whose accesses have to be decided anew.

A task reads of the shared entities what is listed here. Each field of the inventory is in one of three groups: what is
of one account or one principal, compared by it; what all tasks read, of which nothing may differ; and what no task
reads. A field that nobody put in a group is of the second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from msgspec.structs import replace

from graph.clock import reads_clock, tells_apart
from graph.subjects import Listed, texts_beside_resources
from graph.world import World
from model.entities import Account, IamGroup, ManagedPolicy, Organization, Role, User
from model.inventory import Inventory, InventoryData

#: Fields that are compared by account or by principal.
_APART = frozenset(
    {"organization", "accounts", "users", "roles", "groups", "policies", "account_public_block", "account_ignores_acls"}
)
#: Fields that no task reads. The snapshot's time is read by policies alone (``graph.clock``), resources are compared as
#: files, and who is behind a role of Identity Center or an entitled one is told beside the tables.
_UNREAD = frozenset(
    {"snapshot", "taken", "resources", "gaps", "skipped", "permission_sets", "assignments"}
    | {"directory_users", "directory_groups", "access_applications", "entitlements", "unread_entitlements"}
    | {"unread_assignments", "unread_members"}
)

_Named = TypeVar("_Named")


@dataclass(frozen=True)
class Difference:
    """``accounts`` are those of which something else changed than documents of principals; ``subjects`` those listed
    in either that changed, came or went. Of those with keys ``by_documents`` nothing changed but which documents apply
    to them, and what these say."""

    accounts: frozenset[str]
    subjects: tuple[Listed, ...]
    by_documents: frozenset[str]


class Comparison:
    """Two worlds, with whom they list; neither is asked about resources."""

    def __init__(self, old: World, new: World, listed: tuple[list[Listed], list[Listed]]) -> None:
        self._old, self._new = old, new
        self._before, self._after = old.inventory, new.inventory
        self._listed = listed
        self._moved = frozenset(self._moved_texts())
        self._accounts: set[str] = set()
        #: Accounts all of whose principals changed.
        self._wholly: set[str] = set()

    def _moved_texts(self) -> Iterator[str]:
        """Policies, but for those on resources, that say something else at the other snapshot's time."""
        if self._before.data.taken != self._after.data.taken:
            moments = self._old.assembler.now, self._new.assembler.now
            for text in (*texts_beside_resources(self._after.data), *_of_all(self._after.data)):
                if reads_clock(text) and tells_apart(text, *moments):
                    yield text

    def difference(self) -> Difference | None:
        """What differs; ``None``: something that all tasks read."""
        if self._all_differs():
            return None
        self._compare_accounts()
        changed = self._principals()
        several = (*self._of_changed(changed), *self._listed_once())
        # People never ask for themselves.
        subjects = tuple(one for one in dict.fromkeys(several) if one.kind != "Person")
        if any(one.kind == "Provider" and not one.account for one in subjects):
            return None  # one that AWS knows by name may take a role of any account (semantics L13)
        return Difference(frozenset(self._accounts), subjects, self._by_documents(subjects))

    # -- what all tasks read

    def _all_differs(self) -> bool:
        before, after = self._before, self._after
        if any(
            getattr(before.data, name) != getattr(after.data, name)
            for name in InventoryData.__struct_fields__
            if name not in _APART and name not in _UNREAD
        ):
            return True
        if before.partition != after.partition or _common(before.organization) != _common(after.organization):
            return True
        if [_general(one) for one in before.data.accounts] != [_general(one) for one in after.data.accounts]:
            return True
        return bool(self._moved) and any(text in self._moved for text in _of_all(after.data))

    # -- what is of an account

    def _compare_accounts(self) -> None:
        before, after = self._before, self._after
        for field in ("account_public_block", "account_ignores_acls"):
            self._accounts.update(_differing(getattr(before.data, field), getattr(after.data, field)))
        for account in after.accounts:
            place = _differs(before.accounts[account].path, after.accounts[account].path)
            if place or self._levels_differ("scp", account):
                self._wholly.add(account)
            if place or self._levels_differ("rcp", account):
                self._accounts.add(account)
        self._accounts |= self._wholly

    def _levels_differ(self, kind: str, account: str) -> bool:
        one, other = (_levels(side, kind, account) for side in (self._before, self._after))
        return one != other or self._has_moved(text for _, level in other for _, text in level)

    def _has_moved(self, several: Iterable[str | None]) -> bool:
        return bool(self._moved) and any(text in self._moved for text in several)

    # -- what is of a principal

    def _principals(self) -> set[str]:
        """The users and roles that changed, came or went, by ARN."""
        before, after = self._before, self._after
        policies = set(_differing(before.policies, after.policies, self._same_policy))
        same_group = partial(self._same_group, policies)
        groups = set(_differing(before.groups, after.groups, same_group))
        found: set[str] = set()
        for user in _differing(before.users, after.users, partial(self._same_user, policies, groups)):
            found.add(user)
            self._note(before.users.get(user), after.users.get(user))
        for role in _differing(before.roles, after.roles, partial(self._same_role, policies)):
            found.add(role)
            self._note(before.roles.get(role), after.roles.get(role))
        return found

    def _note(self, before: User | Role | None, after: User | Role | None) -> None:
        """Of an account hangs on who is there, and whom a role trusts, more than on what is in its documents."""
        if isinstance(before, Role) and isinstance(after, Role):
            if before.trust == after.trust and after.trust not in self._moved:
                return
        elif before is not None and after is not None:
            return
        self._accounts.update(one.account for one in (before, after) if one is not None)

    def _same_policy(self, before: ManagedPolicy, after: ManagedPolicy) -> bool:
        return before.document == after.document and not self._has_moved((after.document,))

    def _same_group(self, policies: set[str], before: IamGroup, after: IamGroup) -> bool:
        if before.inline != after.inline or before.attached != after.attached:
            return False
        return policies.isdisjoint(after.attached) and not self._has_moved(item.document for item in after.inline)

    def _same_user(self, policies: set[str], groups: set[str], before: User, after: User) -> bool:
        if before != after and _read_of_user(before) != _read_of_user(after):
            return False
        if after.boundary in policies or not groups.isdisjoint(after.groups):
            return False
        return policies.isdisjoint(after.attached) and not self._has_moved(item.document for item in after.inline)

    def _same_role(self, policies: set[str], before: Role, after: Role) -> bool:
        if before == after:
            if not policies and not self._moved:
                return True
        elif _read_of_role(before) != _read_of_role(after):
            return False
        if after.boundary in policies or not policies.isdisjoint(after.attached):
            return False
        return not self._has_moved((after.trust, *(item.document for item in after.inline)))

    def _by_documents(self, subjects: Iterable[Listed]) -> frozenset[str]:
        """Who changed by documents alone; nobody where one says something else without being another."""
        before, after = self._before, self._after
        found = set()
        for one in subjects if not self._moved else ():
            if one.account in self._wholly:
                continue
            pairs = (
                (before.users.get(one.key), after.users.get(one.key)),
                (
                    before.roles.get(one.key),
                    after.roles.get(one.key),
                ),
            )
            if any(old is not None and new is not None and _bare(old) == _bare(new) for old, new in pairs):
                found.add(one.key)
        # Of a role with two sessions in one alone, one came or went.
        return frozenset(found - {one.key for one in self._listed_once()})

    # -- who is listed

    def _of_changed(self, changed: set[str]) -> Iterator[Listed]:
        wholly = self._wholly
        if changed or wholly:
            for listed in self._listed:
                yield from (one for one in listed if one.key in changed or one.account in wholly)

    def _listed_once(self) -> Iterator[Listed]:
        old, new = self._listed
        if old != new:
            found = set(old) ^ set(new)
            yield from (one for one in (*old, *new) if one in found)


def _differs(one: object, other: object) -> bool:
    return one != other


def _differing(
    before: Mapping[str, _Named], after: Mapping[str, _Named], same: Callable[[_Named, _Named], bool] | None = None
) -> Iterator[str]:
    """The names under which two mappings say different things."""
    for name, new in after.items():
        old = before.get(name)
        if old is None or not (old == new if same is None else same(old, new)):
            yield name
    yield from (name for name in before if name not in after)


def _common(organization: Organization | None) -> Organization | None:
    """What of an organisation is no account's alone; names of units are in no decision."""
    return None if organization is None else replace(organization, units=(), policies=(), delegates=None)


def _general(account: Account) -> Account:
    """What of an account others read too: its place in the organisation is compared apart, its name is unread."""
    return replace(account, name="", email="", path=(), tags=None, alias="")


def _read_of_user(user: User) -> User:
    return replace(user, created="", password=None, password_last_used="", keys=())


def _read_of_role(role: Role) -> Role:
    return replace(role, created="", last_used="", max_session=0, instance_profiles=())


def _bare(one: User | Role) -> User | Role:
    """A principal without its documents."""
    if isinstance(one, Role):
        return replace(_read_of_role(one), inline=(), attached=(), boundary=None)
    return replace(_read_of_user(one), inline=(), attached=(), boundary=None, groups=())


def _levels(inventory: Inventory, kind: str, account: str) -> list[tuple[str, list[tuple[str, str | None]]]]:
    return [
        (target, [(policy.arn, policy.document) for policy in policies])
        for target, policies in inventory.guardrails(kind, account)
    ]


def _of_all(data: InventoryData) -> Iterator[str]:
    """The texts of policies that are neither a principal's nor a guardrail."""
    for share in data.shares:
        yield from (permission.template or "" for permission in share.permissions or ())
    yield from (endpoint.policy for endpoint in data.endpoints)
