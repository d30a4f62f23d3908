"""What a build stores of those whom a principal can act as, in one account: by class, and no more ways than count.

Somebody can act as thousands of roles. Of those to whom the way stays, only the best that has some actions for certain
counts; what another one has of the same is neither lost nor shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from graph.bits import members
from graph.columns import Lists, compute, flags, places_of
from graph.stored import StoredPartition
from graph.whatif_actions import action_bits
from graph.whatif_held import Held, Rights
from graph.whatif_sides import Sides

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.int32]
    Flags = NDArray[np.bool_]

#: So many sets are told apart by the bits of a number.
_BITS = 62

#: Behind every way that there is.
_NONE = np.iinfo(np.int64).max


class _Counting(NamedTuple):
    """Those of a set of holders who count: to whom the way changes, and of the others the best for certain, or else
    one for each condition of the way. ``first`` is one of all."""

    first: int
    moved: tuple[int, ...]
    best: int
    rank: int
    others: tuple[int, ...]


class Stored(NamedTuple):
    """What is held on some classes: for each class the number of one of ``lists``. ``rows`` tell it another way, as
    (one who holds it, on which classes); ``listed`` says what several rows give together."""

    places: Numbers
    which: Numbers
    lists: list[list[Held]]
    rows: list[tuple[int, Numbers]]
    listed: Callable[[Sequence[int]], list[Held]]


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
        self._marks = sides.before.marks(self._holders.values())
        self._actions: dict[int, int] = {}
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
            some = partition.holders[number]
            found.update(some[self._mine[some]].tolist())
        return found

    def _rows(self, partition: StoredPartition, wanted: Flags) -> NDArray[np.intp]:
        holders, _, classes = partition.grants
        rows = np.flatnonzero(_any(partition.holders, self._mine)[holders])
        chosen = np.zeros(len(partition.sets), dtype=np.bool_)
        for number in np.unique(classes[rows]).tolist():  # sets are long, and most are of others
            chosen[number] = wanted[partition.sets[number]].any()
        return rows[chosen[classes[rows]]]

    # -- what

    def on(self, partition: StoredPartition, wanted: Flags) -> Stored:
        """What is held on each of the flagged classes, as far as it counts."""
        holders, contents, classes = partition.grants
        rows = self._rows(partition, wanted)
        counting: dict[tuple[int, bool], _Counting] = {}
        told = self._rights(partition, contents[rows])
        count: list[tuple[_Counting, int]] = []
        for holder, content in zip(holders[rows].tolist(), contents[rows].tolist(), strict=True):
            key = (holder, told[content].sure)
            if key not in counting:
                counting[key] = self._counting(partition.holders[holder], sure=key[1])
            count.append((counting[key], content))
        which, several = _by_rows(partition, classes[rows], wanted)

        def listed(some: Sequence[int]) -> list[Held]:
            return self._ways([count[row] for row in some], told)

        held = [
            (one.first, partition.sets[number]) for (one, _), number in zip(count, classes[rows].tolist(), strict=True)
        ]
        return Stored(np.flatnonzero(wanted).astype(np.int32), which, [*map(listed, several)], held, listed)

    def _counting(self, several: Numbers, *, sure: bool) -> _Counting:
        mine = several[self._mine[several]]
        moved = self._moved[mine]
        same, first = mine[~moved], int(mine[0])
        if sure and len(same):
            place = int(np.argmin(self._rank[same]))
            best = int(same[place])
            if self._rank[best] < _NONE:
                return _Counting(first, tuple(mine[moved].tolist()), best, int(self._rank[best]), ())
        by_condition: dict[int, int] = {}
        for index in sorted(same.tolist(), key=lambda index: self._length.get(index, (0, ()))):
            by_condition.setdefault(self._condition[index], index)
        return _Counting(first, tuple(mine[moved].tolist()), -1, -1, tuple(by_condition.values()))

    def _ways(self, rows: Sequence[tuple[_Counting, int]], told: dict[int, Rights]) -> list[Held]:
        found: list[tuple[int, int]] = []
        covered = 0
        for _, best, content in sorted((one.rank, one.best, content) for one, content in rows if one.best >= 0):
            actions = told[content].actions
            if actions & ~covered:
                covered |= actions
                found.append((best, content))
        for one, content in rows:
            found += [(index, content) for index in one.moved]
            if one.others and told[content].actions & ~covered:
                found += [(index, content) for index in one.others]
        return [Held(self._holders[index], told[content]) for index, content in found]

    def _rights(self, partition: StoredPartition, contents: Numbers) -> dict[int, Rights]:
        """What these contents say, by their numbers."""
        numbers = np.unique(contents)
        related, names = partition.related[numbers], self._names(partition, numbers)
        return {
            number: Rights(
                self._actions_of(partition, number),
                partial(partition.outcome, number),
                sure=bool(partition.allowed[number]),
                related=speaks,
                names=named,
            )
            for number, speaks, named in zip(numbers.tolist(), related.tolist(), names.tolist(), strict=True)
        }

    def _names(self, partition: StoredPartition, contents: Numbers) -> Flags:
        """Whether each of these contents may name something of what is taken away."""
        found = np.full(len(contents), "" in self._marks)
        if self._marks and not found.any():
            chosen = places_of(contents)
            for column in ("because", "residual"):
                texts = partition.column("contents", column).take(chosen)
                there = flags(compute().is_valid(texts))
                for mark in self._marks:
                    found |= flags(compute().match_substring(texts, mark)) & there
        return found

    def _actions_of(self, partition: StoredPartition, content: int) -> int:
        number = partition.action_set(content)
        found = self._actions.get(number)
        if found is None:
            found = self._actions[number] = action_bits(partition.actions_of(content))
        return found


def _by_rows(partition: StoredPartition, rows: Numbers, wanted: Flags) -> tuple[Numbers, list[list[int]]]:
    """Which of the sets of these rows each of the wanted classes is in: (for each of them the number of a list, lists
    of rows)."""
    numbers, of = np.unique(rows, return_inverse=True)
    order, ends = np.argsort(of, kind="stable"), np.cumsum(np.bincount(of, minlength=len(numbers)))
    rows_of = [some.tolist() for some in np.split(order, ends[:-1])] if len(numbers) else []
    places = np.flatnonzero(wanted)
    groups, several = np.zeros(len(places), dtype=np.int64), [list[int]()]
    for start in range(0, len(numbers), _BITS):
        bits = np.zeros(partition.count, dtype=np.int64)
        for place, number in enumerate(numbers[start : start + _BITS].tolist()):
            bits[partition.sets[number]] |= 1 << place
        keys, inside = np.unique(bits[places], return_inverse=True)
        told = [[start + place for place in members(key)] for key in keys.tolist()]
        if not start:
            groups, several = inside, told
            continue
        pairs, groups = np.unique(groups * len(keys) + inside, return_inverse=True)
        several = [[*several[pair // len(keys)], *told[pair % len(keys)]] for pair in pairs.tolist()]
    lists = [sorted(chain.from_iterable(rows_of[one] for one in some)) for some in several]
    return groups.astype(np.int32), lists


def _flags(count: int, places: Iterable[int]) -> Flags:
    found = np.zeros(count, dtype=np.bool_)
    found[list(places)] = True
    return found


def _any(lists: Lists, flags: Flags) -> Flags:
    """Of each list whether one of its numbers is flagged."""
    total = np.concatenate(([0], np.cumsum(flags[lists.values])))
    found: Flags = total[lists.offsets[1:]] > total[lists.offsets[:-1]]
    return found
