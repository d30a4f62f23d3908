"""The classes that the graph shows of one account, and which of them each set of classes of the tables covers.

Every pattern that one subject holds tells apart the contents of a thousand buckets, and a grant on all contents would
be on each of these parts. Two things keep its edges few. Parts that every grant takes alike are one class, of however
many containers: a *narrow* one. Narrow classes that many grants take together are also joined in *wide* ones, eight at
a time, and those again; a grant covers the widest that lie in it. A part is in one narrow class and in every wide class
that this one is within, so whoever goes from a grant over one class to a container arrives where the grant holds.
"""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True)
class Wide:
    """``narrow`` are the narrow classes in it, by the numbers of the tables; ``containers`` their containers' places
    among ``GraphClasses.containers``."""

    narrow: Numbers
    containers: Numbers


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

    @cached_property
    def contents(self) -> Flags:
        """Whether each class of the tables is a part of a container."""
        found: Flags = self._partition.column("classes", "contents").to_numpy(zero_copy_only=False)
        return found

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
    def _order(self) -> Numbers:
        """The narrow classes, those that are in the same sets near one another."""
        narrow = np.unique(self.first[self.contents])
        by_set = self._held_in(narrow, np.arange(len(self._sets)))
        score = by_set.sum(axis=1) * self._uses
        rows = np.packbits(by_set[np.argsort(-score, kind="stable")], axis=0)
        # The last key is the first to sort by.
        order: Numbers = narrow[np.lexsort(rows[::-1])] if len(rows) else narrow
        return order

    @cached_property
    def _uses(self) -> Numbers:
        """How many grants, told apart by their contents, are on each set."""
        _, contents, sets = self._partition.grants
        pairs = np.unique(contents.astype(np.int64) * len(self._sets) + sets)
        found: Numbers = np.bincount(pairs % max(len(self._sets), 1), minlength=len(self._sets))
        return found

    def _held_in(self, narrow: Numbers, sets: Numbers) -> Flags:
        """Which sets (rows) hold which narrow classes (columns)."""
        column = np.full(self.count, -1)
        column[narrow] = np.arange(len(narrow))
        flags: Flags = np.zeros((len(sets), len(narrow)), dtype=bool)
        for row, chosen in enumerate(sets.tolist()):
            places = column[self.first[self._sets[chosen]]]
            flags[row, places[places >= 0]] = True
        return flags

    @cached_property
    def _inside(self) -> tuple[Numbers, Numbers]:
        """(place in the order, container) of every part."""
        place = np.zeros(self.count, dtype=np.int64)
        place[self._order] = np.arange(len(self._order))
        number = {arn: index for index, arn in enumerate(self.containers)}
        owners = self._partition.column("classes", "owner").to_pylist()
        parts = np.flatnonzero(self.contents)
        containers = np.array([number[owners[index]] for index in parts.tolist()], dtype=np.int64)
        return place[self.first[parts]], containers

    def _holding(self, span: int) -> tuple[Numbers, Numbers]:
        """(run, container), each once: the containers of the parts in each run of ``span`` narrow classes."""
        place, container = self._inside
        pairs = np.unique(place // span * max(len(self.containers), 1) + container)
        run, held = np.divmod(pairs, max(len(self.containers), 1))
        return run, held

    @cached_property
    def _levels(self) -> list[_Level]:
        """Runs of narrow classes, eight times longer at each level, from single ones to one run of all.

        A run becomes a wide class where that saves more edges than the class itself has: grants that hold all of it,
        and not of a longer run, have one edge in place of one to each class that they would cover in it.
        """
        full = self._held_in(self._order, np.arange(len(self._sets)))
        levels = [_Level(1, full, np.ones(full.shape[1], dtype=bool))]
        cost = np.ones(full.shape[1], dtype=np.int64)
        while full.shape[1] > 1:
            span = levels[-1].span * _JOINED
            full = _joined(full, fill=True).all(axis=2)
            cost = _joined(cost[np.newaxis], fill=False).sum(axis=2)[0]
            beyond = np.repeat(_joined(full, fill=True).all(axis=2), _JOINED, axis=1)[:, : full.shape[1]]
            if full.shape[1] == 1:
                beyond = np.zeros_like(full)
            used = self._uses @ (full & ~beyond)
            run, _ = self._holding(span)
            own = np.bincount(run, minlength=full.shape[1]) + np.minimum(span, len(self._order))
            kept = used * (cost - 1) > own
            cost = np.where(kept, 1, cost)
            levels.append(_Level(span, full, kept))
        return levels

    @cached_property
    def _chosen(self) -> tuple[list[Wide], Numbers, Numbers]:
        """The wide classes, and (set, class) for every class that a set covers."""
        wide: list[Wide] = []
        covers: list[tuple[Numbers, Numbers]] = []
        blocked = np.zeros((len(self._sets), 1), dtype=bool)
        for level in reversed(self._levels):
            width = level.full.shape[1]
            blocked = np.repeat(blocked, _JOINED, axis=1)[:, :width] if width > 1 else blocked[:, :width]
            use = level.full & level.kept & ~blocked
            blocked = blocked | use
            row, run = np.nonzero(use)
            if level.span == 1:
                covers.append((row, self._order[run]))
                continue
            runs, number = np.unique(run, return_inverse=True)
            covers.append((row, number + self.count + len(wide)))
            of_run, containers = self._holding(level.span)
            for one in runs.tolist():
                narrow = self._order[one * level.span : (one + 1) * level.span]
                wide.append(Wide(narrow, containers[of_run == one]))
        own = ~self.contents[self._sets.values]
        row = np.repeat(np.arange(len(self._sets)), np.diff(self._sets.offsets))[own]
        covers.append((row, self._sets.values[own].astype(np.int64)))
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


def _joined(table: Any, *, fill: bool) -> Any:
    """A table with its columns in groups of eight, the last one filled up."""
    more = -table.shape[1] % _JOINED
    return np.pad(table, ((0, 0), (0, more)), constant_values=fill).reshape(len(table), -1, _JOINED)


def each(lists: Lists) -> list[Any]:
    """The lists of a column of lists."""
    return [lists.values[begin:end] for begin, end in pairwise(lists.offsets.tolist())]
