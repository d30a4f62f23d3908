"""What a build stores of those whom a principal can act as, in one account: by class, and no more ways than count.

Somebody can act as thousands of roles. Of those to whom the way stays, only the best that has some actions for certain
counts; what another one has of the same is neither lost nor shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from graph.columns import Lists
from graph.partition import Content
from graph.stored import StoredPartition
from graph.subjects import Subject
from graph.whatif_sides import Sides

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.int32]
    Flags = NDArray[np.bool_]

#: Behind every way that there is.
_NONE = np.iinfo(np.int64).max


class Held(NamedTuple):
    """Who may do what somewhere."""

    holder: Subject
    content: Content


class _Counting(NamedTuple):
    """Those of a set of holders who count: to whom the way changes, and of the others the best for certain, or else
    one for each condition of the way."""

    moved: tuple[int, ...]
    best: int
    rank: int
    others: tuple[int, ...]


class StoredWays:
    """Reads accounts of a build for one change. ``count`` is how many subjects the build lists."""

    def __init__(self, sides: Sides, count: int) -> None:
        self._holders = {index: holder for index, holder in sides.holders.items() if index >= 0}
        self._mine = _flags(count, self._holders)
        self._moved = _flags(count, sides.moved)
        chains, own = sides.before.chains, sides.subject.index
        ranked = sorted((len(chain.via), chain.via, index) for index, chain in chains.certain.items())
        #: Place among the ways without conditions: the principal's own access comes first.
        self._rank: NDArray[np.int64] = np.full(count, _NONE, dtype=np.int64)
        for rank, (_, _, index) in enumerate(ranked):
            self._rank[index] = rank + 1
        if own >= 0:
            self._rank[own] = 0
        conditions: dict[object, int] = {}
        self._condition = {
            index: conditions.setdefault(sides.before.standing(index)[-1:], len(conditions))
            for index in self._holders
            if index not in sides.moved
        }
        self._length = {index: (len(chain.via), chain.via) for index, chain in chains.shortest.items()}

    # -- where

    def moved_on(self, partition: StoredPartition) -> Flags:
        """The classes on which somebody has access to whom the way changes, as flags."""
        holders, _, classes = partition.grants
        chosen = classes[_any(partition.holders, self._moved)[holders]]
        found = np.zeros(partition.count, dtype=np.bool_)
        for number in np.unique(chosen).tolist():
            found[partition.sets[number]] = True
        return found

    def holding(self, partition: StoredPartition, places: Iterable[int]) -> set[int]:
        """Who of those whom the principal can act as has access to one of these classes."""
        found: set[int] = set()
        rows = self._rows(partition, _flags(partition.count, places))
        for number in np.unique(partition.grants[0][rows]).tolist():
            members = partition.holders[number]
            found.update(members[self._mine[members]].tolist())
        return found

    def _rows(self, partition: StoredPartition, wanted: Flags) -> NDArray[np.intp]:
        holders, _, classes = partition.grants
        return np.flatnonzero(_any(partition.holders, self._mine)[holders] & _any(partition.sets, wanted)[classes])

    # -- what

    def on(self, partition: StoredPartition, wanted: Flags) -> dict[int, list[Held]]:
        """What is held on each of the flagged classes, as far as it counts; one list where it is the same."""
        holders, contents, classes = partition.grants
        related = partition.column("contents", "related")
        counting: dict[tuple[int, bool], _Counting] = {}
        told: dict[int, Content] = {}
        count: dict[int, tuple[_Counting, int]] = {}
        rows = self._rows(partition, wanted)
        for row in rows.tolist():
            content, key = int(contents[row]), (int(holders[row]), bool(partition.allowed[contents[row]]))
            if key not in counting:
                counting[key] = self._counting(partition.holders[key[0]], sure=key[1])
            if content not in told:
                outcome = partition.outcome(content)
                told[content] = Content(outcome, partition.actions_of(content), related[content].as_py())
            count[row] = (counting[key], content)
        ways: dict[bytes, list[Held]] = {}
        found = {}
        for place, some in _by_class(partition.sets, classes, rows, wanted):
            key_ = some.tobytes()
            if key_ not in ways:
                ways[key_] = self._ways([count[row] for row in some.tolist()], told)
            found[place] = ways[key_]
        return found

    def _counting(self, members: Numbers, *, sure: bool) -> _Counting:
        mine = members[self._mine[members]]
        moved = self._moved[mine]
        same = mine[~moved]
        if sure and len(same):
            place = int(np.argmin(self._rank[same]))
            best = int(same[place])
            if self._rank[best] < _NONE:
                return _Counting(tuple(mine[moved].tolist()), best, int(self._rank[best]), ())
        by_condition: dict[int, int] = {}
        for index in sorted(same.tolist(), key=lambda index: self._length.get(index, (0, ()))):
            by_condition.setdefault(self._condition[index], index)
        return _Counting(tuple(mine[moved].tolist()), -1, -1, tuple(by_condition.values()))

    def _ways(self, rows: Sequence[tuple[_Counting, int]], told: dict[int, Content]) -> list[Held]:
        found: list[tuple[int, int]] = []
        covered: set[str] = set()
        seen: set[tuple[str, ...]] = set()
        for _, best, content in sorted((one.rank, one.best, content) for one, content in rows if one.best >= 0):
            actions = told[content].actions
            if actions not in seen:
                seen.add(actions)
                if not covered.issuperset(actions):
                    covered.update(actions)
                    found.append((best, content))
        for one, content in rows:
            found += [(index, content) for index in one.moved]
            if one.others and not covered.issuperset(told[content].actions):
                found += [(index, content) for index in one.others]
        return [Held(self._holders[index], told[content]) for index, content in found]


def _by_class(
    sets: Lists, classes: Numbers, rows: NDArray[np.intp], wanted: Flags
) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Each of the wanted classes, with the rows that are about it."""
    places = np.flatnonzero(wanted)
    if not len(places):
        return
    members = [sets[number] for number in classes[rows].tolist()]
    where = np.concatenate([*members, places])
    # Each wanted class stands at the end once more, so that those without a row are told too.
    what = np.concatenate([np.repeat(rows, [len(some) for some in members]), np.full(len(places), -1)])
    chosen = wanted[where]
    where, what = where[chosen], what[chosen]
    order = np.argsort(where, kind="stable")
    what = what[order]
    ends = np.searchsorted(where[order], places, side="right")
    for place, begin, end in zip(places.tolist(), [0, *ends[:-1].tolist()], ends.tolist(), strict=True):
        yield place, what[begin : end - 1]


def _flags(count: int, places: Iterable[int]) -> Flags:
    found = np.zeros(count, dtype=np.bool_)
    found[list(places)] = True
    return found


def _any(lists: Lists, flags: Flags) -> Flags:
    """Of each list whether one of its numbers is flagged."""
    total = np.concatenate(([0], np.cumsum(flags[lists.values])))
    found: Flags = total[lists.offsets[1:]] > total[lists.offsets[:-1]]
    return found
