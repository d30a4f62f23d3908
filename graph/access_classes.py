"""The classes that the graph shows of one account, and which of them each set of classes of the tables covers.

Every pattern that one subject holds tells apart the contents of a thousand buckets, and a grant on all contents would
be on each of these parts; every resource with a policy of its own is a class, and each of a thousand roles' own grants
on `*` would be on each. Two things keep the edges few. Parts that every grant takes alike are one class, of however
many containers: a *narrow* one. Narrow classes that many grants take together are also joined in *wide* ones, eight at
a time, and those again; a grant covers the widest that lie in it. A part or a resource is in one narrow class and in
every wide class that this one is within, so whoever goes from a grant over one class to a container or to a resource
arrives where the grant holds. Parts, resources and what nobody collected are joined each with their like.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from graph.columns import Lists
from graph.stored import StoredPartition

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]
    Flags = NDArray[np.bool_]

#: How many classes a wide one joins at most.
_JOINED = 8


#: So many flags, of which set holds which class, are looked at; those sets first that have most edges.
_MOST = 1 << 26

#: So many of them are looked at together at once.
_AT_ONCE = 1 << 22


@dataclass(frozen=True, slots=True)
class Wide:
    """``narrow`` are the narrow classes in it, by the numbers of the tables; ``inside`` is what is in these: containers
    by their places among ``GraphClasses.containers`` if they are ``contents``, else resources by their places among all
    members of classes."""

    narrow: Numbers
    inside: Numbers
    contents: bool


@dataclass(frozen=True, slots=True)
class _Level:
    """Equal runs of narrow classes, ``span`` long: which sets hold all of each, and which runs become wide classes."""

    span: int
    full: Flags
    kept: Flags


class GraphClasses:
    """Numbers below ``count`` are those of the tables' classes, others those of ``wide`` plus ``count``."""

    def __init__(self, partition: StoredPartition) -> None:
        self._partition = partition
        self._sets = partition.sets
        self.count = partition.count

    def _flags(self, name: str) -> Flags:
        found: Flags = self._partition.column("classes", name).to_numpy(zero_copy_only=False)
        return found

    @cached_property
    def contents(self) -> Flags:
        """Whether each class of the tables is a part of a container."""
        return self._flags("contents")

    @cached_property
    def first(self) -> Numbers:
        """For each class of the tables the first one that is in the same class of the graph."""
        place = np.repeat(np.arange(len(self._sets)), np.diff(self._sets.offsets))
        order = np.lexsort((place, self._sets.values))
        place = place[order].astype(np.int32)
        ends = np.searchsorted(self._sets.values[order], np.arange(self.count + 1)).tolist()
        kinds, regions = (self._partition.column("classes", name).to_pylist() for name in ("type", "region"))
        known: dict[tuple[str, str, bytes], int] = {}
        first: Numbers = np.arange(self.count)
        for index in np.flatnonzero(self.contents).tolist():
            held = place[ends[index] : ends[index + 1]].tobytes()
            first[index] = known.setdefault((kinds[index], regions[index], held), index)
        return first

    @cached_property
    def containers(self) -> list[str]:
        """The containers, each once."""
        owners = self._partition.column("classes", "owner").to_pylist()
        return list(dict.fromkeys(owners[index] for index in np.flatnonzero(self.contents).tolist()))

    @cached_property
    def _uses(self) -> Numbers:
        """How many grants, told apart by their contents, are on each set."""
        _, contents, sets = self._partition.grants
        pairs = _distinct(contents.astype(np.int64) * len(self._sets) + sets)
        found: Numbers = np.bincount(pairs % max(len(self._sets), 1), minlength=len(self._sets))
        return found

    def _parts(self) -> tuple[Numbers, Numbers]:
        """(class, container) of every part."""
        number = {arn: index for index, arn in enumerate(self.containers)}
        owners = self._partition.column("classes", "owner").to_pylist()
        parts = np.flatnonzero(self.contents)
        return self.first[parts], np.array([number[owners[index]] for index in parts.tolist()], dtype=np.int64)

    def _resources(self) -> tuple[Numbers, Numbers]:
        """(class, place among all members) of every resource."""
        sizes = np.diff(self._partition.column("classes", "members").offsets.to_numpy())
        return np.repeat(np.arange(self.count), sizes), np.arange(int(sizes.sum()))

    def _joinings(self) -> Iterator[_Joining]:
        opened = self._flags("open")
        nothing: tuple[Numbers, Numbers] = (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
        several = (
            (np.unique(self.first[self.contents]), self._parts(), True),
            (np.flatnonzero(~self.contents & ~opened), self._resources(), False),
            (np.flatnonzero(~self.contents & opened), nothing, False),
        )
        return (_Joining(self._sets, self._uses, self.first, *one) for one in several)

    @cached_property
    def _chosen(self) -> tuple[list[Wide], Numbers, Numbers]:
        """The wide classes, and (set, class) for every class that a set covers."""
        wide: list[Wide] = []
        covers = [found for joining in self._joinings() for found in joining.chosen(wide, self.count)]
        return wide, np.concatenate([row for row, _ in covers]), np.concatenate([item for _, item in covers])

    @property
    def wide(self) -> list[Wide]:
        """The wide classes."""
        return self._chosen[0]

    @cached_property
    def covered(self) -> list[Numbers]:
        """For each set of classes of the tables, the classes of the graph that a grant on it covers."""
        _, row, item = self._chosen
        order = np.lexsort((item, row))
        ends = np.searchsorted(row[order], np.arange(len(self._sets) + 1)).tolist()
        listed = item[order]
        return [listed[begin:end] for begin, end in pairwise(ends)]


class _Joining:
    """Joins ``narrow`` classes of one sort; ``pairs`` say what lies in them: (class, what)."""

    def __init__(
        self,
        sets: Lists,
        uses: Numbers,
        first: Numbers,
        narrow: Numbers,
        pairs: tuple[Numbers, Numbers],
        contents: bool,
    ) -> None:
        self._first, self._order, self._contents = first, narrow, contents
        row, found = np.repeat(np.arange(len(sets)), np.diff(sets.offsets)), first[sets.values]
        mine = self._places()[found] >= 0
        #: (set, class) for each of the classes in each set.
        self._pairs = np.divmod(_distinct(row[mine] * len(first) + found[mine]), max(len(first), 1))
        sizes = np.bincount(self._pairs[0], minlength=len(sets))
        several = np.flatnonzero(sizes > 1)
        several = several[np.argsort(-(uses * sizes)[several], kind="stable")]
        #: The sets that are looked at.
        self._rows = several[: _MOST // max(len(narrow), 1)]
        self._uses = uses[self._rows]
        row_of = np.full(len(sets), -1)
        row_of[self._rows] = np.arange(len(self._rows))
        #: For each pair the row of its set, -1 for sets that are not looked at.
        self._row: Numbers = row_of[self._pairs[0]]
        # Which sets (rows) hold which narrow classes (columns), those that are in the same sets near one another.
        held: Flags = np.zeros((len(self._rows), len(narrow)), dtype=bool)
        held[self._row[self._row >= 0], self._places()[self._pairs[1][self._row >= 0]]] = True
        if len(held):  # the last key is the first to sort by
            near = np.lexsort(np.packbits(held, axis=0)[::-1])
            self._order, held = narrow[near], held[:, near]
        self._held = held
        place = self._places()[pairs[0]]
        self._inside = place[place >= 0], pairs[1][place >= 0]

    def _places(self) -> Numbers:
        """For each class of the tables its place in the order, -1 for those of another sort."""
        found: Numbers = np.full(len(self._first), -1)
        found[self._order] = np.arange(len(self._order))
        return found

    def _holding(self, span: int) -> tuple[Numbers, Numbers]:
        """(run, what), each once: what lies in each run of ``span`` narrow classes."""
        place, what = self._inside
        many = int(what.max(initial=0)) + 1
        run, held = np.divmod(_distinct(place // span * many + what), many)
        return run, held

    def _levels(self) -> list[_Level]:
        """Runs of narrow classes, eight times longer at each level, from single ones to one run of all.

        A run becomes a wide class where that saves more edges than the class itself has: grants that hold all of it,
        and not of a longer run, have one edge in place of one to each class that they would cover in it.
        """
        full = self._held
        levels = [_Level(1, full, np.ones(full.shape[1], dtype=bool))]
        cost = np.ones(full.shape[1], dtype=np.int64)
        while full.shape[1] > 1:
            span = levels[-1].span * _JOINED
            full = _joined(full, fill=True).all(axis=2)
            cost = _joined(cost[np.newaxis], fill=False).sum(axis=2)[0]
            used = self._used(full)
            run, _ = self._holding(span)
            own = np.bincount(run, minlength=full.shape[1]) + np.minimum(span, len(self._order))
            kept = used * (cost - 1) > own
            cost = np.where(kept, 1, cost)
            levels.append(_Level(span, full, kept))
        return levels

    def _used(self, full: Flags) -> Numbers:
        """How many grants hold all of each run, and not of the longer one that it is in."""
        used: Numbers = np.zeros(full.shape[1], dtype=np.int64)
        rows = max(_AT_ONCE // full.shape[1], 1)
        for start in range(0, len(full), rows):
            some = full[start : start + rows]
            if full.shape[1] > 1:
                some = some & ~np.repeat(_joined(some, fill=True).all(axis=2), _JOINED, axis=1)[:, : full.shape[1]]
            used += self._uses[start : start + rows] @ some
        return used

    def chosen(self, wide: list[Wide], count: int) -> Iterator[tuple[Numbers, Numbers]]:
        """Adds the wide classes to ``wide``, and tells (set, class) for every class that a set covers."""
        others = self._row < 0
        yield self._pairs[0][others], self._pairs[1][others]
        if not len(self._rows):
            return
        blocked = np.zeros((len(self._rows), 1), dtype=bool)
        for level in reversed(self._levels()):
            width = level.full.shape[1]
            blocked = np.repeat(blocked, _JOINED, axis=1)[:, :width] if width > 1 else blocked[:, :width]
            use = level.full & level.kept & ~blocked
            blocked = blocked | use
            row, run = np.nonzero(use)
            if level.span == 1:
                yield self._rows[row], self._order[run]
                continue
            runs, number = np.unique(run, return_inverse=True)
            yield self._rows[row], number + count + len(wide)
            of_run, inside = self._holding(level.span)
            firsts, ends = np.searchsorted(of_run, runs), np.searchsorted(of_run, runs, side="right")
            for one, begin, end in zip(runs.tolist(), firsts.tolist(), ends.tolist(), strict=True):
                narrow = self._order[one * level.span : (one + 1) * level.span]
                wide.append(Wide(narrow, inside[begin:end], self._contents))


def _distinct(numbers: Numbers) -> Numbers:
    """The numbers, each once, in order: far quicker than to look each up where they are almost in order."""
    ordered = np.sort(numbers, kind="stable")
    return ordered[np.concatenate(([True], ordered[1:] != ordered[:-1]))] if len(ordered) else ordered


def _joined(table: Any, *, fill: bool) -> Any:
    """A table with its columns in groups of eight, the last one filled up."""
    more = -table.shape[1] % _JOINED
    return np.pad(table, ((0, 0), (0, more)), constant_values=fill).reshape(len(table), -1, _JOINED)


def each(lists: Lists) -> list[Any]:
    """The lists of a column of lists."""
    return [lists.values[begin:end] for begin, end in pairwise(lists.offsets.tolist())]


def common(patterns: list[str]) -> str:
    """A pattern for several: what they begin with."""
    first, last = min(patterns), max(patterns)
    if first == last:
        return first
    same = next(
        (place for place, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first)
    )
    return first[:same].rstrip("*") + "*"


def only(texts: set[str]) -> str:
    """The one text of a set, empty where there are several."""
    return texts.pop() if len(texts) == 1 else ""
