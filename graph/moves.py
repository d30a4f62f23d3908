"""How access to one resource moved: the best ways to its actions before and after, and what of them counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from graph.access_levels import LEVELS, by_level, levels_of
from graph.sides import Identity
from policy.verdicts import Verdict

Cost = tuple[int, int, tuple[str, ...]]


class Way(NamedTuple):
    """The best way to an action on a resource: ``end`` is who has it there, ``given`` the actions it has it with."""

    cost: Cost
    condition: str
    end: Identity
    given: tuple[str, ...]

    @property
    def verdict(self) -> Verdict:
        return Verdict.CONDITIONAL if self.cost[0] else Verdict.ALLOWED

    @property
    def via(self) -> tuple[str, ...]:
        return self.cost[2]


#: Ways with the actions to which each is the best, the best ones first.
Access = list[tuple[Way, AbstractSet[str]]]


@dataclass(frozen=True)
class Move:
    """Actions on a joint that changed alike for a principal; ``old`` and ``new`` are ``None`` for no access."""

    actions: tuple[str, ...]
    old: Way | None
    new: Way | None

    @property
    def better(self) -> Way:
        """A way that there is: the new one first."""
        way = self.new or self.old
        assert way is not None
        return way


def best_ways(ways: Iterable[Way]) -> Access:
    """Of several ways the best to each action; of equal ones the first."""
    taken: set[str] = set()
    best: Access = []
    for way in sorted(ways, key=lambda way: way.cost):
        mine = _as_set(way.given) - taken
        if mine:
            taken |= mine
            best.append((way, mine))
    return best


def _counts(way: Way | None) -> tuple[Verdict, str] | None:
    """What of a way is access: verdict and condition, not who is on it."""
    return None if way is None else (way.verdict, way.condition)


@lru_cache(maxsize=1 << 10)
def _as_set(actions: tuple[str, ...]) -> frozenset[str]:
    return frozenset(actions)


def moves_between(old: Access, new: Access) -> Iterator[Move]:
    """The actions to which the best ways do not count the same, by what these are."""
    before, after = (frozenset[str]().union(*(actions for _, actions in side)) for side in (old, new))
    pairs: list[tuple[Way | None, Way | None, AbstractSet[str]]] = [
        (one, other, mine & theirs) for one, mine in old for other, theirs in new if _counts(one) != _counts(other)
    ]
    pairs += [(one, None, mine - after) for one, mine in old]
    pairs += [(None, other, theirs - before) for other, theirs in new]
    return (Move(tuple(sorted(actions)), one, other) for one, other, actions in pairs if actions)


def best_by_level(old: Access, new: Access) -> dict[str, tuple[Way | None, Way | None]]:
    """The best ways to each level, before and after."""
    best: list[dict[str, Way]] = [{}, {}]
    for side, found in zip((old, new), best, strict=True):
        for way, actions in side:
            whole = len(actions) == len(way.given)
            for level in by_level(way.given) if whole else levels_of(actions):
                found.setdefault(level, way)
    return {level: (best[0].get(level), best[1].get(level)) for level in LEVELS if level in best[0] | best[1]}
