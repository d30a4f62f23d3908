"""What two snapshots say about the few things that one answer hangs on, as facts that can be exchanged one by one.

A *fact* is one thing somebody can change: an attachment, a document, a tag, a membership. ``Facts`` finds those of a
principal, a role, a resource or an account in both snapshots; ``inventory_of`` makes an inventory of facts, so that an
answer can be asked of the new snapshot with one change undone.

Who or what is in one snapshot only is one fact, with all that is its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from msgspec.structs import replace

from graph.entitled import entitlement_id
from graph.own_facts import Key, bare_holder, bare_resource, managed, own_facts, stands_in, tag_facts
from graph.people import assignment_id
from model.access_manager import RoleEntitlement
from model.entities import (
    AccessPoint,
    Assignment,
    DirectoryGroup,
    DirectoryUser,
    IamPrincipal,
    OrganizationPolicy,
)
from model.inventory import Inventory

#: Something that policies name and that alone decides nothing: a policy's frame, a group.
Context = dict[tuple[str, str], Any]


@dataclass
class Piece:
    """The facts of one thing in both snapshots, and what must be there for them to mean something."""

    old: dict[Key, Any] = field(default_factory=dict)
    new: dict[Key, Any] = field(default_factory=dict)
    context: Context = field(default_factory=dict)

    def put(self, key: Key, old: Any, new: Any) -> None:
        """A fact as both say it; ``ABSENT`` where one does not."""
        for facts, value in ((self.old, old), (self.new, new)):
            if value is not ABSENT:
                facts[key] = value

    def put_each(self, old: Mapping[Key, Any], new: Mapping[Key, Any]) -> None:
        self.old.update(old)
        self.new.update(new)

    @cached_property
    def differing(self) -> tuple[Key, ...]:
        """The facts that changed."""
        keys = dict.fromkeys((*self.old, *self.new))
        return tuple(key for key in keys if self.old.get(key, ABSENT) != self.new.get(key, ABSENT))


class _Absent:
    def __repr__(self) -> str:
        return "absent"


ABSENT: Any = _Absent()


class Facts:
    """The facts of two snapshots, piece by piece; a piece is made once."""

    def __init__(self, old: Inventory, new: Inventory) -> None:
        self.both = (old, new)
        self._pieces: dict[Hashable, Piece] = {}

    def _piece(self, key: Hashable, fill: Callable[[Piece], None]) -> Piece:
        found = self._pieces.get(key)
        if found is None:
            found = self._pieces[key] = Piece()
            fill(found)
        return found

    def principal(self, key: str) -> Piece:
        """A user with groups and policies, a role, a provider, or a person with memberships and assignments."""
        return self._piece(("principal", key), lambda piece: self._principal(piece, key))

    def resource(self, arn: str) -> Piece:
        """A resource with its policy, tags, grants and settings, its shares and access points."""
        return self._piece(("resource", arn), lambda piece: self._resource(piece, arn))

    def trust(self, arn: str) -> Piece:
        """A role as something that can be assumed."""
        return self._piece(("trust", arn), lambda piece: self._trust(piece, arn))

    def account(self, id: str) -> Piece:
        """An account with its guardrails and account-wide settings."""
        return self._piece(("account", id), lambda piece: self._account(piece, id))

    @cached_property
    def everywhere(self) -> Piece:
        """What every answer hangs on: the organisation, Identity Center's settings, the time."""
        piece = Piece()
        old, new = (inventory.data for inventory in self.both)
        for kind in ("scp", "rcp"):
            piece.put(("state", _id(new) or _id(old), kind), _state(old, kind), _state(new, kind))
        bare = [ABSENT if one is None else replace(one, units=(), policies=(), **_SWITCHES) for one in _orgs(self.both)]
        piece.put(("organization", _id(new) or _id(old)), *bare)
        piece.put(("alone", ""), old.alone, new.alone)
        piece.put(("time", "aws:CurrentTime"), old.taken, new.taken)
        piece.put(("regions", ""), old.regions, new.regions)
        for data, facts in ((old, piece.old), (new, piece.new)):
            facts.update({("center", one.instance): one for one in data.centers})
        return piece

    # -- principals

    def _principal(self, piece: Piece, key: str) -> None:
        old, new = self.both
        users = old.users.get(key), new.users.get(key)
        roles = old.roles.get(key), new.roles.get(key)
        self._holder(piece, "user", key, *users)
        self._holder(piece, "role", key, *roles)
        for group in dict.fromkeys(arn for user in users if user is not None for arn in user.groups):
            self._holder(piece, "group", group, old.groups.get(group), new.groups.get(group))
        if key in old.providers or key in new.providers:
            piece.put(("provider", key), old.providers.get(key, ABSENT), new.providers.get(key, ABSENT))
        if key in old.people or key in new.people:
            self._person(piece, key)

    def _holder(self, piece: Piece, sort: str, arn: str, old: IamPrincipal | None, new: IamPrincipal | None) -> None:
        for policy in dict.fromkeys(arn for one in (old, new) if one is not None for arn in managed(one)):
            self._policy(piece, policy)
        if old is None or new is None or stands_in(old) != stands_in(new):
            whole = [ABSENT if one is None else one for one in (old, new)]
            if sort == "group":  # joining it is the fact
                if old is not None or new is not None:
                    piece.context[sort, arn] = new or old
            elif old is not None or new is not None:
                piece.put((sort, arn), *whole)
            return
        bare = [bare_holder(one) for one in (old, new)]
        if sort == "group":
            piece.context[sort, arn] = bare[1]
        else:
            piece.put((sort, arn), *bare)
        piece.put_each(*(own_facts(one) for one in (old, new)))

    def _trust(self, piece: Piece, arn: str) -> None:
        old, new = (inventory.roles.get(arn) for inventory in self.both)
        if old is None or new is None or stands_in(old) != stands_in(new):
            if old is not None or new is not None:
                piece.put(("role", arn), *(ABSENT if one is None else one for one in (old, new)))
            return
        piece.put(("role", arn), *(bare_holder(one) for one in (old, new)))
        piece.put(("trust", f"{arn}#trust", arn), old.trust, new.trust)

    def _policy(self, piece: Piece, arn: str) -> None:
        old, new = (inventory.policies.get(arn) for inventory in self.both)
        either = new or old
        if either is None:
            return
        piece.context["policy", arn] = either
        if old is not None and new is not None:
            piece.put(("managed", arn), old.document, new.document)

    def _person(self, piece: Piece, key: str) -> None:
        users = [inventory.people[key].user if key in inventory.people else ABSENT for inventory in self.both]
        piece.put(("person", key), *users)
        ids = {user.id for user in users if isinstance(user, DirectoryUser)}
        for groups, facts in zip(self._groups, (piece.old, piece.new), strict=True):
            for member in sorted(ids):
                for group in groups.get(member, ()):
                    piece.context["directory-group", group.id] = group
                    facts["joined", group.id, member] = True
        holders = ids | {id for sort, id in piece.context if sort == "directory-group"}
        for inventory, facts in zip(self.both, (piece.old, piece.new), strict=True):
            for holder in sorted(holders):
                for item in self._assignments[inventory is self.both[1]].get(holder, ()):
                    facts["assignment", assignment_id(item)] = item
                    known = inventory.permission_sets.get(item.permission_set)
                    if known is not None and known.name:
                        piece.context["permission-set", known.arn] = known
                    else:  # AWS deletes no set that is assigned: it was not described
                        facts["unread-set", item.permission_set] = known
                for entitled in self._entitlements[inventory is self.both[1]].get(holder, ()):
                    facts["entitlement", entitlement_id(entitled), entitled.role] = entitled
                    self._application(piece, entitled.application)

    def _application(self, piece: Piece, arn: str) -> None:
        several = [{one.arn: one for one in inventory.data.access_applications}.get(arn) for inventory in self.both]
        known = [one for one in several if one is not None]
        if len(known) == 2:
            piece.put(("application", arn), *known)
        elif known:  # giving somebody a role by it is the fact
            piece.context["application", arn] = known[0]

    @cached_property
    def _groups(self) -> tuple[dict[str, list[DirectoryGroup]], ...]:
        """The directory's groups by member, in each snapshot."""
        both = (
            ((member, group) for group in inventory.data.directory_groups for member in group.members)
            for inventory in self.both
        )
        return tuple(_listed(pairs) for pairs in both)

    @cached_property
    def _assignments(self) -> tuple[dict[str, list[Assignment]], ...]:
        """Assignments by user or group, in each snapshot."""
        return tuple(
            _listed((item.principal_id, item) for item in inventory.data.assignments) for inventory in self.both
        )

    @cached_property
    def _entitlements(self) -> tuple[dict[str, list[RoleEntitlement]], ...]:
        """Entitlements by user or group, in each snapshot."""
        return tuple(
            _listed((item.principal_id, item) for item in inventory.data.entitlements) for inventory in self.both
        )

    @cached_property
    def _points(self) -> tuple[dict[str, list[AccessPoint]], ...]:
        """Access points by bucket, in each snapshot."""
        return tuple(
            _listed((point.bucket, point) for point in inventory.data.access_points) for inventory in self.both
        )

    # -- resources

    def _resource(self, piece: Piece, arn: str) -> None:
        old, new = (inventory.resources.get(arn) for inventory in self.both)
        self._shares(piece, arn)
        if old is None or new is None:
            if old is not None or new is not None:
                piece.put(("resource", arn), *(ABSENT if one is None else one for one in (old, new)))
            return
        piece.put(("resource", arn), *(bare_resource(one) for one in (old, new)))
        piece.put(("policy", f"{arn}#policy", arn), old.policy, new.policy)
        if old.tags is None or new.tags is None:
            piece.put(("tags", f"{arn}#tags", arn), old.tags, new.tags)
        else:
            piece.put_each(*(tag_facts(arn, one.tags or {}) for one in (old, new)))
        if old.grants is None or new.grants is None:
            piece.put(("grants", f"{arn}#grants", arn), old.grants, new.grants)
        else:
            for one, facts in ((old, piece.old), (new, piece.new)):
                facts.update({("grant", f"{arn}#grant:{grant.id}", arn): grant for grant in one.grants or ()})
        if old.s3 is not None and new.s3 is not None:
            for name, fields in S3_FIELDS.items():
                values = [tuple(getattr(one, field) for field in fields) for one in (old.s3, new.s3)]
                piece.put(("s3", f"{arn}#{name}", arn, name), *values)
        for points, facts in zip(self._points, (piece.old, piece.new), strict=True):
            for point in points.get(old.name, ()) if old.s3 is not None else ():
                facts["point", point.arn] = point

    def _shares(self, piece: Piece, arn: str) -> None:
        for inventory, facts in zip(self.both, (piece.old, piece.new), strict=True):
            for share in inventory.data.shares:
                if share.resources is None or arn in share.resources:
                    facts["share", share.arn] = share

    # -- accounts

    def _account(self, piece: Piece, id: str) -> None:
        accounts = [inventory.accounts.get(id) for inventory in self.both]
        if accounts == [None, None]:
            return
        bare = (ABSENT if one is None else replace(one, name="", email="", tags=None, alias="") for one in accounts)
        piece.put(("account", id), *bare)
        targets = {id, *(unit for one in accounts if one is not None for unit in one.path)}
        guards: list[dict[str, OrganizationPolicy]] = []
        for inventory, facts in zip(self.both, (piece.old, piece.new), strict=True):
            policies = inventory.organization.policies if inventory.organization else ()
            guards.append({policy.arn: policy for policy in policies})
            for policy in policies:
                for target in targets.intersection(policy.targets):
                    facts["target", policy.arn, target, policy.kind] = True
                    piece.context["guard", policy.arn] = replace(policy, targets=())
        for sort, arn in list(piece.context):
            if sort == "guard" and arn in guards[0] and arn in guards[1]:
                kind = guards[1][arn].kind
                piece.put(("guard", arn, kind), guards[0][arn].document, guards[1][arn].document)
        for sort, name in BY_ACCOUNT.items():
            values = [getattr(inventory.data, name).get(id) for inventory in self.both]
            piece.put((sort, f"account:{id}#{sort}", id), *values)
        for name in _UNREAD:
            for inventory, facts in zip(self.both, (piece.old, piece.new), strict=True):
                for entry in getattr(inventory.data, name):
                    told = (entry,) if isinstance(entry, str) else entry
                    if told[0] == id:
                        facts["unread", f"account:{id}", name, *told] = True


#: Settings of a whole account: sorts of facts, and the mapping of the inventory that holds them.
BY_ACCOUNT = {
    "public-access-block": "account_public_block",
    "ignore-public-acls": "account_ignores_acls",
    "canonical-id": "canonical_ids",
}
_UNREAD = ("unread_principals", "unread_providers", "unread_points", "unread_lists", "unread_shares")
_SWITCHES: dict[str, Any] = {
    "scps_known": True,
    "rcps_known": True,
    "scps_enabled": None,
    "rcps_enabled": None,
    "delegates": None,
}
#: The settings of a bucket that change together, by the name that answers show.
S3_FIELDS = {
    "public-access-block": (
        "block_public_acls",
        "ignore_public_acls",
        "block_public_policy",
        "restrict_public_buckets",
    ),
    "acl": ("acl", "owner", "ownership"),
    "abac": ("abac",),
    "access-points": ("point_accounts",),
}


_Item = TypeVar("_Item")


def _listed(pairs: Iterable[tuple[str, _Item]]) -> dict[str, list[_Item]]:
    found: defaultdict[str, list[_Item]] = defaultdict(list)
    for key, item in pairs:
        found[key].append(item)
    return dict(found)


def _orgs(both: tuple[Inventory, Inventory]) -> list[Any]:
    return [inventory.organization for inventory in both]


def _id(data: Any) -> str:
    return data.organization.id if data.organization is not None else ""


def _state(data: Any, kind: str) -> Any:
    organization = data.organization
    if organization is None:
        return ABSENT
    return getattr(organization, f"{kind}s_known"), getattr(organization, f"{kind}s_enabled")


def merged(pieces: Iterable[Piece]) -> Piece:
    """Several pieces as one."""
    found = Piece()
    for piece in pieces:
        found.put_each(piece.old, piece.new)
        found.context.update(piece.context)
    return found
