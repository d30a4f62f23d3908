"""Two answers about one place compared action by action, and told as rows: lost, still reachable, gained.

A *spot* is a group of resources, or a part of a container's contents, that policies tell apart neither before nor after
the change. On each the ways of before and of after are compared. An action is *lost* where its best verdict is worse
after the change, or where both are Conditional and there are requests that only before were allowed. It is *still
reachable* where the thing that is taken away gives it before and it is Allowed or Conditional after. So an action that
was Allowed and becomes Conditional is in both: lost as Allowed, still reachable as Conditional.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import count
from typing import Any

from graph.access import LEVELS
from graph.bits import bits_of, members
from graph.deciding import Tree
from policy.actions import catalogue
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

Cost = tuple[int, int, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Spot:
    """``pattern`` is shown, ``representative`` decided on. ``container``: the ARN whose contents it is a part of."""

    pattern: str
    representative: str
    account: str
    members: tuple[str, ...] = ()
    container: str = ""

    @property
    def rest(self) -> bool:
        """Whether it is what no narrower pattern tells apart of a container's contents."""
        return bool(self.container) and self.pattern == f"{self.container}/*"


@dataclass(frozen=True, slots=True)
class Way:
    """Actions that are done on a spot in one way.

    ``allowed``: Allowed at every step, else Conditional on ``residual``. ``given``: by what is taken away. ``holder``
    is who acts at the end of the way.
    """

    actions: tuple[str, ...]
    allowed: bool
    via: tuple[str, ...]
    residual: Tree | None = None
    given: bool = False
    holder: Any = None

    @property
    def cost(self) -> Cost:
        """Sorts the best first, as in ``reach``: Allowed before Conditional, then the shortest way."""
        return (0 if self.allowed else 1, len(self.via), self.via)


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of the actions on a spot: each with its best way before (``lost``) or after (the others).

    ``hangs``: on what conditions say, which differ before and after.
    """

    spot: Spot
    lost: dict[str, Way]
    still: dict[str, Way]
    gained: dict[str, Way]
    after: dict[str, Way]
    hangs: bool = False

    def at(self, spot: Spot) -> Change:
        """The same change on another spot."""
        return Change(spot, self.lost, self.still, self.gained, self.after, self.hangs)


def compared(spot: Spot, before: Sequence[Way], after: Sequence[Way]) -> Change:
    """The change on one spot, from all ways of before and of after."""
    before, after = sorted(before, key=_cost), sorted(after, key=_cost)
    given = {action for way in before if way.given for action in way.actions}
    found = Change(spot, {}, {}, {}, {})
    hangs = False
    for old, new, actions in _alike((way.actions for way in before), (way.actions for way in after)):
        lost, doubtful = _worse([before[place] for place in old], [after[place] for place in new])
        hangs = hangs or doubtful
        if lost:
            found.lost.update(dict.fromkeys(actions, before[old[0]]))
        if not new:
            continue
        best = after[new[0]]
        found.after.update(dict.fromkeys(actions, best))
        found.still.update(dict.fromkeys(actions if lost else given.intersection(actions), best))
        if not old or best.allowed > before[old[0]].allowed:
            found.gained.update(dict.fromkeys(actions, best))
    return replace(found, hangs=True) if hangs else found


#: Places in a list of ways, the best first.
_Places = tuple[int, ...]
_Actions = tuple[str, ...]


def _cost(way: Way) -> Cost:
    return way.cost


class _Numbers:
    """Actions by numbers, so that sets of them are whole numbers (``graph.bits``); threads may share it."""

    def __init__(self) -> None:
        self._next = count()
        self._numbers: dict[str, int] = {}
        self._names: dict[int, str] = {}

    def bits(self, actions: Iterable[str]) -> int:
        found = []
        for action in actions:
            number = self._numbers.get(action)
            if number is None:
                number = self._numbers.setdefault(action, next(self._next))
                self._names[number] = action
            found.append(number)
        return bits_of(found)

    def named(self, bits: int) -> _Actions:
        return tuple([self._names[number] for number in members(bits)])


_ACTIONS = _Numbers()
_bits = lru_cache(maxsize=8192)(_ACTIONS.bits)
_named = lru_cache(maxsize=8192)(_ACTIONS.named)


def _alike(before: Iterable[_Actions], after: Iterable[_Actions]) -> list[tuple[_Places, _Places, _Actions]]:
    """Actions together that the same ways give, before and after; ``before``, ``after`` are the actions of each way."""
    groups = _split(tuple(map(_bits, before)), tuple(map(_bits, after)))
    return [(was, now, _named(bits)) for was, now, bits in groups]


@lru_cache(maxsize=4096)
def _split(before: tuple[int, ...], after: tuple[int, ...]) -> list[tuple[_Places, _Places, int]]:
    """As ``_alike``, of bits."""
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


def _worse(before: Sequence[Way], after: Sequence[Way]) -> tuple[bool, bool]:
    """Whether all ways of after together give less of an action than all ways of before, and whether that hangs on
    what conditions say."""
    if not before or not after:
        return bool(before), False
    if before[0].allowed or after[0].allowed:
        return before[0].allowed and not after[0].allowed, False
    was, now = _conditions(before), _conditions(after)
    return (False, False) if set(was) <= set(now) else (_narrower(was, now), True)


def _conditions(ways: Iterable[Way]) -> tuple[str, ...]:
    """What ways hang on, each once, as texts that can be compared."""
    return tuple(sorted({json.dumps(way.residual, sort_keys=True) for way in ways}))


@lru_cache(maxsize=16384)
def _narrower(before: tuple[str, ...], after: tuple[str, ...]) -> bool:
    """Whether some request fulfils a condition of before and none of after; where that is not known, it may."""
    was = disjunction(from_json(json.loads(text)) for text in before)
    now = disjunction(from_json(json.loads(text)) for text in after)
    only_before = both(was, negation(now))
    return only_before is not FALSE and (isinstance(only_before, Constant) or possible(only_before)[0])


# -- rows


@dataclass(frozen=True, slots=True)
class Row:
    """A row as in ``reach``; ``part``: of these levels only some actions, others of the same level stay as they are."""

    spot: Spot
    levels: tuple[str, ...]
    verdict: Verdict
    via: tuple[str, ...]
    part: frozenset[str] = field(default_factory=frozenset)

    def to_json(self) -> dict[str, Any]:
        """``{resource, count, levels, verdict, via}``."""
        return {
            "resource": self.spot.pattern,
            "count": len(self.spot.members),
            "levels": list(self.levels),
            "verdict": str(self.verdict),
            "via": list(self.via),
        }


#: Who acts, what, where: its verdict after the change.
Decide = Callable[[Any, str, str], Verdict]

_ByLevel = dict[str, tuple[Cost, str, Way]]


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of all changes, by ARN."""

    lost: tuple[Row, ...]
    still: tuple[Row, ...]
    gained: tuple[Row, ...]


def rows_of(changes: Sequence[Change], decide: Decide) -> Rows:
    """One row per (spot, verdict, via), sorted as in ``reach``.

    A part of a container's contents has rows where they differ from those of the rest of the contents. Of what is still
    reachable a denial in a part is a row too: a wildcard must not hide the exception (semantics U5).
    """
    ordered = sorted(changes, key=lambda change: (change.spot.pattern, change.spot.representative))
    rests = {change.spot.container: change for change in ordered if change.spot.rest}
    levels_of = _Levels()

    def table(of: Callable[[Change], Mapping[str, Way]], *, denials: bool = False, parts: bool = False) -> list[Row]:
        found: list[Row] = []
        for change in ordered:
            levels = levels_of(of(change))
            rest = rests.get(change.spot.container)
            whole = levels_of(of(rest)) if rest is not None and rest is not change else {}
            if not levels and not (denials and whole):
                continue
            if levels and _same(levels, whole):
                continue
            denied = _denied(change, whole, levels_of(change.after), decide) if denials and whole else {}
            found += _rows(change, levels, denied, _kept(change, levels) if parts else frozenset())
        return found

    return Rows(
        lost=tuple(table(lambda change: change.lost, parts=True)),
        still=tuple(table(lambda change: change.still, denials=True)),
        gained=tuple(table(lambda change: change.gained)),
    )


class _Levels:
    """The best way to each level, with one of its actions; spots where the same changes share the work."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Mapping[str, Way], _ByLevel]] = {}

    def __call__(self, ways: Mapping[str, Way]) -> _ByLevel:
        known = self._known.get(id(ways))
        if known is None:
            known = self._known[id(ways)] = (ways, _by_level(ways))  # kept, so that no other gets its id
        return known[1]


def _by_level(ways: Mapping[str, Way]) -> _ByLevel:
    found: _ByLevel = {}
    costs = {id(way): way.cost for way in ways.values()}
    for action in sorted(ways):
        way = ways[action]
        cost = costs[id(way)]
        for level in _levels(action):
            if level not in found or cost < found[level][0]:
                found[level] = (cost, action, way)
    return found


@lru_cache(maxsize=65536)
def _levels(action: str) -> tuple[str, ...]:
    return tuple(catalogue().levels(action))


def _same(one: _ByLevel, other: _ByLevel) -> bool:
    return {level: item[0] for level, item in one.items()} == {level: item[0] for level, item in other.items()}


def _kept(change: Change, levels: _ByLevel) -> frozenset[str]:
    """Which of some levels have an action that is not lost."""
    left = change.after.keys() - change.lost.keys()
    return frozenset(level for level in levels if any(level in _levels(action) for action in left))


_Denied = dict[tuple[Verdict, tuple[str, ...]], list[str]]


def _denied(change: Change, whole: _ByLevel, has: _ByLevel, decide: Decide) -> _Denied:
    """Levels that the rest of the contents keeps and nobody ``has`` in this part, by the verdict there and the way."""
    found: defaultdict[tuple[Verdict, tuple[str, ...]], list[str]] = defaultdict(list)
    for level in LEVELS:
        if level in whole and level not in has:
            _, action, way = whole[level]
            verdict = decide(way.holder, action, change.spot.representative)
            if verdict not in (Verdict.ALLOWED, Verdict.CONDITIONAL):
                found[verdict, way.via].append(level)
    return found


def _rows(change: Change, levels: _ByLevel, denied: _Denied, kept: frozenset[str]) -> Iterable[Row]:
    by_way: defaultdict[Cost, list[str]] = defaultdict(list)
    for level in LEVELS:
        if level in levels:
            by_way[levels[level][0]].append(level)
    for cost, names in sorted(by_way.items()):
        verdict = Verdict.ALLOWED if cost[0] == 0 else Verdict.CONDITIONAL
        yield Row(change.spot, tuple(names), verdict, cost[2], kept & frozenset(names))
    for (verdict, via), names in denied.items():
        yield Row(change.spot, tuple(names), verdict, via)
