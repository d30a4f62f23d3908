"""Two answers about one place compared action by action, and told by level: lost, still reachable, gained.

A *spot* is a group of resources, or a part of a container's contents, that policies tell apart neither before nor after
the change. On each the ways of before and of after are compared. An action is *lost* where its best verdict is worse
after the change, or where both are Conditional and there are requests that only before were allowed. It is *still
reachable* where the thing that is taken away gives it before and it is Allowed or Conditional after. So an action that
was Allowed and becomes Conditional is in both: lost as Allowed, still reachable as Conditional.

Sets of actions are whole numbers here (``graph.bits``): somebody can have thousands of actions on thousands of spots.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from graph.access import LEVELS
from graph.deciding import Tree
from graph.whatif_actions import actions_named, first_of_levels
from policy.expression import (
    FALSE,
    Constant,
    both,
    disjunction,
    negation,
)
from policy.residual import from_json
from policy.solver import possible
from policy.verdicts import Verdict

if TYPE_CHECKING:
    pass

Cost = tuple[int, int, tuple[str, ...]]


# -- ways


@dataclass(frozen=True, eq=False)
class Way:
    """Actions (as a set) that are done on a spot in one way.

    ``allowed``: Allowed at every step, else Conditional on ``residual``. ``given``: by what is taken away. ``holder``
    is who acts at the end of the way.
    """

    actions: int
    allowed: bool
    via: tuple[str, ...]
    residual: Tree | None = None
    given: bool = False
    holder: Any = None

    @cached_property
    def cost(self) -> Cost:
        """Sorts the best first, as in ``reach``: Allowed before Conditional, then the shortest way."""
        return (0 if self.allowed else 1, len(self.via), self.via)

    @cached_property
    def condition(self) -> str:
        """What it hangs on, as a text that can be compared."""
        return json.dumps(self.residual, sort_keys=True)


#: Actions with their best way.
Given = Sequence[tuple[int, Way]]


@dataclass(frozen=True, slots=True)
class Difference:
    """What becomes of the actions on a spot: some with their best way before (``lost``) or after (the others).

    ``hangs``: on what conditions say, which differ before and after.
    """

    lost: Given
    still: Given
    gained: Given
    after: Given
    hangs: bool


def compared(before: Iterable[Way], after: Iterable[Way]) -> Difference:
    """The change on one spot, from all ways of before and of after."""
    before, after = sorted(before, key=_cost), sorted(after, key=_cost)
    given, sure_before, sure_after = done_by(way for way in before if way.given), _sure(before), _sure(after)
    was, best_before = _covered(before)
    now, best_after = _covered(after)
    # Where a way of one side is Allowed, and where only one side has any, conditions do not matter.
    gone = was & ~now | sure_before & ~sure_after
    doubtful, hangs = _narrowed(before, after, was & now & ~sure_before & ~sure_after)
    gone |= doubtful
    return Difference(
        _within(best_before, gone),
        _within(best_after, gone | given),
        _within(best_after, now & ~was | sure_after & ~sure_before),
        best_after,
        hangs,
    )


def done_by(ways: Iterable[Way]) -> int:
    """The actions that are done in any of these ways, as a set."""
    found = 0
    for way in ways:
        found |= way.actions
    return found


def _sure(ways: Iterable[Way]) -> int:
    return done_by(way for way in ways if way.allowed)


def _covered(ways: Iterable[Way]) -> tuple[int, list[tuple[int, Way]]]:
    """The actions of ways, the best of which come first, and the best way to each."""
    covered = 0
    found: list[tuple[int, Way]] = []
    for way in ways:
        new = way.actions & ~covered
        if new:
            found.append((new, way))
            covered |= new
    return covered, found


def _within(given: Given, actions: int) -> list[tuple[int, Way]]:
    return [(bits & actions, way) for bits, way in given if bits & actions]


def _narrowed(before: Sequence[Way], after: Sequence[Way], actions: int) -> tuple[int, bool]:
    """Those of ``actions``, which all ways give under conditions alone, that all ways of after together give less of
    than all ways of before; and whether conditions differ."""
    if not actions:
        return 0, False
    before, after = ([way for way in ways if way.actions & actions] for ways in (before, after))
    lost, hangs = 0, False
    sides = (tuple([way.actions & actions for way in ways]) for ways in (before, after))
    for old, new, some in _split(*sides):
        was, now = _conditions(before[place] for place in old), _conditions(after[place] for place in new)
        if not was <= now:
            hangs = True
            if _narrower(tuple(sorted(was)), tuple(sorted(now))):
                lost |= some
    return lost, hangs


def kept(ways: Iterable[Way]) -> Difference:
    """As ``compared`` where the same ways lead there before and after: nothing is lost."""
    ways = sorted(ways, key=_cost)
    _, after = _covered(ways)
    return Difference([], _within(after, done_by(way for way in ways if way.given)), [], after, hangs=False)


#: Places in a list of ways, the best first.
_Places = tuple[int, ...]


def _cost(way: Way) -> Cost:
    return way.cost


@lru_cache(maxsize=4096)
def _split(before: tuple[int, ...], after: tuple[int, ...]) -> list[tuple[_Places, _Places, int]]:
    """Actions together that the same ways give, before and after; these are the actions of each way."""
    every = 0
    for bits in (*before, *after):
        every |= bits
    groups: list[tuple[_Places, _Places, int]] = [((), (), every)] if every else []
    for sets, now in ((before, False), (after, True)):
        for place, bits in enumerate(sets):
            apart = []
            for old, new, group in groups:
                if group & bits:
                    apart.append((old, (*new, place), group & bits) if now else ((*old, place), new, group & bits))
                if group & ~bits:
                    apart.append((old, new, group & ~bits))
            groups = apart
    return groups


def _conditions(ways: Iterable[Way]) -> set[str]:
    return {way.condition for way in ways}


@lru_cache(maxsize=16384)
def _narrower(before: tuple[str, ...], after: tuple[str, ...]) -> bool:
    """Whether some request fulfils a condition of before and none of after; where that is not known, it may."""
    was = disjunction(from_json(json.loads(text)) for text in before)
    now = disjunction(from_json(json.loads(text)) for text in after)
    only_before = both(was, negation(now))
    return only_before is not FALSE and (isinstance(only_before, Constant) or possible(only_before)[0])


# -- spots


class Spot:
    """``pattern`` is shown, ``representative`` decided on. ``container``: the ARN whose contents it is a part of.

    ``members`` may be given as what reads them when they are first asked for.
    """

    __slots__ = ("_members", "account", "container", "pattern", "representative")

    def __init__(
        self,
        pattern: str,
        representative: str,
        account: str,
        members: tuple[str, ...] | Callable[[], tuple[str, ...]] = (),
        container: str = "",
    ) -> None:
        self.pattern = pattern
        self.representative = representative
        self.account = account
        self.container = container
        self._members = members

    @property
    def members(self) -> tuple[str, ...]:
        if callable(self._members):
            self._members = self._members()
        return self._members

    def _key(self) -> tuple[str, ...]:
        return self.account, self.pattern, self.representative, self.container

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, Spot) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"Spot({self.pattern!r} of {self.account})"


class Change:
    """A difference on one spot; each action that is ``lost``, ``still`` reachable, … with its best way."""

    def __init__(self, spot: Spot, difference: Difference) -> None:
        self.spot = spot
        self._difference = difference

    @cached_property
    def lost(self) -> dict[str, Way]:
        return _by_action(self._difference.lost)

    @cached_property
    def still(self) -> dict[str, Way]:
        return _by_action(self._difference.still)

    @cached_property
    def gained(self) -> dict[str, Way]:
        return _by_action(self._difference.gained)

    @cached_property
    def after(self) -> dict[str, Way]:
        return _by_action(self._difference.after)


def _by_action(given: Given) -> dict[str, Way]:
    return {action: way for bits, way in given for action in actions_named(bits)}


# -- levels


class Told(NamedTuple):
    """A row but for where it is; ``part``: of these levels only some actions, others of the same level stay."""

    levels: tuple[str, ...]
    verdict: Verdict
    via: tuple[str, ...]
    part: frozenset[str] = frozenset()


class _Best(NamedTuple):
    """The best way to a level, with one of its actions."""

    cost: Cost
    action: str
    way: Way


@dataclass(frozen=True, slots=True)
class Levels:
    """A difference by level: the best way to each, and what of the lost ones stays in part."""

    lost: Mapping[str, _Best]
    still: Mapping[str, _Best]
    gained: Mapping[str, _Best]
    kept: frozenset[str]
    best: Given

    @property
    def after(self) -> Mapping[str, _Best]:
        """The best way to each level after the change; few are asked for it."""
        return _by_level(self.best)

    @classmethod
    def of(cls, found: Difference) -> Levels:
        lost = _by_level(found.lost)
        left = 0
        for bits, _ in found.after:
            left |= bits
        for bits, _ in found.lost:
            left &= ~bits
        kept = frozenset(lost.keys() & first_of_levels(left).keys()) if lost and left else frozenset()
        return cls(lost, _by_level(found.still), _by_level(found.gained), kept, found.after)


def _by_level(given: Given) -> dict[str, _Best]:
    found: dict[str, _Best] = {}
    for bits, way in given:
        for level, action in first_of_levels(bits).items():
            best = found.get(level)
            if best is None or (way.cost, action) < best[:2]:
                found[level] = _Best(way.cost, action, way)
    return found


def costs(levels: Mapping[str, _Best]) -> frozenset[tuple[str, Cost]]:
    """By which ways which levels are reached: equal where the same ways lead to the same ones."""
    return frozenset((level, best.cost) for level, best in levels.items())


#: Who acts, what, where: its verdict after the change.
Decide = Callable[[Any, str, str], Verdict]


def rows_of(levels: Mapping[str, _Best], kept: frozenset[str] = frozenset()) -> list[Told]:
    """One row per (verdict, via), the best first."""
    by_way: defaultdict[Cost, list[str]] = defaultdict(list)
    for level in LEVELS:
        if level in levels:
            by_way[levels[level].cost].append(level)
    return [
        Told(tuple(names), Verdict.CONDITIONAL if cost[0] else Verdict.ALLOWED, cost[2], kept & frozenset(names))
        for cost, names in sorted(by_way.items())
    ]


def denials(whole: Mapping[str, _Best], has: Mapping[str, _Best], representative: str, decide: Decide) -> list[Told]:
    """Levels that the rest of the contents keeps and nobody ``has`` in one part, by the verdict there and the way."""
    found: defaultdict[tuple[Verdict, tuple[str, ...]], list[str]] = defaultdict(list)
    for level in LEVELS:
        if level in whole and level not in has:
            _, action, way = whole[level]
            verdict = decide(way.holder, action, representative)
            if verdict not in (Verdict.ALLOWED, Verdict.CONDITIONAL):
                found[verdict, way.via].append(level)
    return [Told(tuple(names), verdict, via) for (verdict, via), names in found.items()]
