"""The answer of `diff`: rows of access that was gained, lost or changed, or of which that cannot be told, and why."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from graph.access_levels import LEVELS, by_level
from graph.causes import Cause
from graph.changes import Comparison, Moved
from graph.moves import Move, Way
from graph.questions import Questions
from graph.sides import Joint
from graph.why import Asked, Explainer
from model.errors import GrantmapError
from policy.verdicts import Verdict

#: More resources than this that changed alike are one row, with the pattern of their class, where it fits them alone.
MOST_ROWS = 20


class OtherOrganizationError(GrantmapError):
    """Snapshots of two organisations, which have no access in common that could differ."""


@dataclass(frozen=True)
class Difference:
    """One row. ``before`` and ``after`` are ``None`` where the principal or the resource is not in the snapshot.

    Equal verdicts: other actions of these levels, or other conditions. ``via`` is the way after, of what is lost the
    way before. ``count`` is how many resources it is about; ``came`` and ``went`` are the actions that became possible
    and impossible, ``other`` those that are possible otherwise.
    """

    principal: str
    resource: str
    levels: tuple[str, ...]
    before: Verdict | None
    after: Verdict | None
    via: tuple[str, ...]
    why: tuple[Cause, ...]
    account: str = ""
    count: int = 1
    came: tuple[str, ...] = ()
    went: tuple[str, ...] = ()
    other: tuple[str, ...] = ()

    @property
    def actions(self) -> tuple[str, ...]:
        """Every action that changed."""
        return (*self.came, *self.went, *self.other)

    def to_json(self) -> dict[str, Any]:
        return {
            "principal": self.principal,
            "resource": self.resource,
            "levels": list(self.levels),
            "before": None if self.before is None else str(self.before),
            "after": None if self.after is None else str(self.after),
            "via": list(self.via),
            "why": [item.to_json() for item in self.why],
        }


@dataclass
class Differences:
    """Every row, by what became of the access; ``unknown``: what one snapshot lacks could explain it."""

    gained: list[Difference] = field(default_factory=list)
    lost: list[Difference] = field(default_factory=list)
    changed: list[Difference] = field(default_factory=list)
    unknown: list[Difference] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """``{gained, lost, changed, unknown}``."""
        return {name: [row.to_json() for row in rows] for name, rows in self.named}

    @property
    def named(self) -> list[tuple[str, list[Difference]]]:
        return [("gained", self.gained), ("lost", self.lost), ("changed", self.changed), ("unknown", self.unknown)]


def diff(old: Questions, new: Questions) -> Differences:
    """Effective access that changed from one snapshot to another, and why.

    Access is what `reach` says: direct or through roles, by resource and level. A principal or a resource of one
    snapshot only is gained or lost with everything it has. Another way to the same access is no change.

    Raises ``OtherOrganizationError`` where each snapshot is of an organisation, and these are two.
    """
    both = [asked.world.inventory.data for asked in (old, new)]
    ids = [data.organization.id if data.organization is not None else None for data in both]
    of_one_organization((both[0].snapshot, ids[0]), (both[1].snapshot, ids[1]))
    comparison = Comparison(old, new)
    return _Rows(comparison).all()


def of_one_organization(old: tuple[str, str | None], new: tuple[str, str | None]) -> None:
    """Snapshots, each with its organisation's id (none: not known, or in none), can be compared.

    Raises ``OtherOrganizationError`` where they are of two organisations.
    """
    if old[1] and new[1] and old[1] != new[1]:
        raise OtherOrganizationError(
            f"snapshot `{old[0]}` is of organisation `{old[1]}` and snapshot `{new[0]}` of `{new[1]}`: "
            "give two snapshots of the same organisation; `grantmap snapshot show ID --json` says whose one is"
        )


@dataclass(frozen=True)
class _Told:
    """A move with what explains it."""

    move: Move
    causes: tuple[Cause, ...]
    unknown: bool


#: Of a row all but the resource and the levels: kind, before, after, via, causes.
_Shape = tuple[str, Verdict | None, Verdict | None, tuple[str, ...], tuple[Cause, ...]]

#: Levels by shape, with the actions that changed: those that came, went, and others.
_Shapes = dict[_Shape, tuple[list[str], tuple[set[str], set[str], set[str]]]]


class _Rows:
    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison
        self._inventories = (comparison.old.inventory, comparison.new.inventory)
        self._explainer = Explainer(*self._inventories)

    def all(self) -> Differences:
        found = Differences()
        for principal in self._comparison.principals():
            moved = [(item, self._shapes(item)) for item in self._comparison.moved(principal)]
            rest = {item.joint.container: shapes for item, shapes in moved if item.joint.rest}
            for item, shapes in moved:
                if item.joint.contents and not item.joint.rest and rest.get(item.joint.container) == shapes:
                    continue  # as all contents of the container that no pattern mentions
                if item.joint.crossed and any(_like(other, item) for other, same in moved if same == shapes):
                    continue
                for (kind, *_), row in self._rows(item, shapes):
                    getattr(found, kind).append(row)
        return found

    def _rows(self, item: Moved, shapes: _Shapes) -> Iterator[tuple[_Shape, Difference]]:
        joint = item.joint
        for shape, (levels, actions) in shapes.items():
            _, before, after, via, causes = shape
            for resource, count in self._resources(joint):
                row = Difference(
                    item.principal,
                    resource,
                    tuple(level for level in LEVELS if level in levels),
                    before,
                    after,
                    via,
                    causes,
                    joint.account,
                    count,
                    *(tuple(sorted(some)) for some in actions),
                )
                yield shape, row

    # -- one principal on one joint

    def _shapes(self, item: Moved) -> _Shapes:
        """The rows of a joint without their resource: levels that changed alike together."""
        told = [self._told(item, move) for move in item.moves]
        found: _Shapes = defaultdict(lambda: ([], (set(), set(), set())))
        for level, (old, new) in item.levels.items():
            for unknown in (False, True):
                some = [one for one in told if one.unknown is unknown and _at(one.move, level)]
                if not some:
                    continue
                shape = self._shape(item, level, some, (old, new), unknown=unknown)
                levels, actions = found[shape]
                levels.append(level)
                for one in some:
                    place = 0 if one.move.old is None else 1 if one.move.new is None else 2
                    actions[place].update(_at(one.move, level))
        return dict(found)

    def _shape(
        self, item: Moved, level: str, some: list[_Told], ways: tuple[Way | None, Way | None], *, unknown: bool
    ) -> _Shape:
        """How the moves of one level are told: by the level's best ways, where these are what changed."""
        old, new = ways
        first = min(some, key=lambda one: one.move.better.cost).move
        kind = "gained" if old is None else "lost" if new is None else "changed"
        shown = first.better
        if not unknown and (old is None or new is None or old.verdict is not new.verdict):
            shown = new or old or shown
        action = next((one for one in _at(first, level)), first.actions[0])
        before = old.verdict if old is not None else self._denied(item, action, first, new=False)
        after = new.verdict if new is not None else self._denied(item, action, first, new=True)
        causes = tuple(dict.fromkeys(cause for one in some for cause in one.causes))
        return "unknown" if unknown else kind, before, after, shown.via, causes

    def _denied(self, item: Moved, action: str, move: Move, *, new: bool) -> Verdict | None:
        return self._comparison.verdict(item.principal, item.joint, action, move.better, new=new)

    def _told(self, item: Moved, move: Move) -> _Told:
        joint = item.joint
        ways = (move.old.via if move.old else (), move.new.via if move.new else ())
        about = (joint.representative, joint.container, joint.account)
        stranger = self._comparison.stranger(item.principal)
        asked = Asked(item.principal, move.actions[0], *about, ways, stranger)
        explanation = self._explainer.explain(asked)
        return _Told(move, explanation.causes, explanation.unknown)

    # -- resources

    def _resources(self, joint: Joint) -> Iterable[tuple[str, int]]:
        """What the rows of a joint name: each resource, or many at once by a pattern that fits them alone."""
        if len(joint.members) > MOST_ROWS and self._fits(joint):
            return [(joint.pattern, len(joint.members))]
        return [(member, 1) for member in joint.members]

    def _fits(self, joint: Joint) -> bool:
        """Whether the pattern matches no other resource of either snapshot."""
        start = joint.pattern.removesuffix("*")
        members = set(joint.members)
        for arns in self._arns:
            for place in range(bisect_left(arns, start), len(arns)):
                if not arns[place].startswith(start):
                    break
                if arns[place] not in members:
                    return False
        return True

    @cached_property
    def _arns(self) -> tuple[list[str], ...]:
        return tuple(sorted(inventory.resources) for inventory in self._inventories)


def _like(other: Moved, crossed: Moved) -> bool:
    """Whether a row of another joint of the same container is about what a joint is about that one principal has."""
    one = other.joint
    return (
        one.contents
        and not one.crossed
        and one.container == crossed.joint.container
        and (one.covers(crossed.joint.representative))
    )


def _at(move: Move, level: str) -> list[str]:
    return by_level(move.actions).get(level, [])
