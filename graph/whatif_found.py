"""What a change does, account by account, as numbers; rows are made when they are read.

A change can be about a million resources, of which somebody reads a screen, or a sum.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, overload

import numpy as np

from graph.columns import compute, flags, numbers, places_of, texts
from graph.table_format import arrow
from graph.whatif_items import Items
from graph.whatif_parts import Parted, Shapes
from graph.whatif_rows import Decide, Difference, Levels, Spot, Told, costs, denials, rows_of
from policy.verdicts import Verdict

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.int32]

#: What becomes of access.
_TABLES = ("lost", "still", "gained")

#: A table that is read together with another one.
_READ_WITH = {"lost": "still", "still": "lost"}

#: Rows that are made at a time.
_SOME = 4096


class Found(NamedTuple):
    """What changes in one account: classes by number, and for each the number of a difference."""

    items: Items
    places: Numbers
    which: Numbers
    differences: Sequence[Difference]


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
        return _json(self.spot.pattern, len(self.spot.members), self)


def _json(pattern: str, count: int, told: Row | Told) -> dict[str, Any]:
    return {
        "resource": pattern,
        "count": count,
        "levels": list(told.levels),
        "verdict": str(told.verdict),
        "via": list(told.via),
    }


class _Places:
    """The classes that have rows, of all accounts, numbered through; in order of their ARNs when that is asked for."""

    def __init__(self) -> None:
        self._several: list[tuple[Items, Numbers]] = []
        self._starts = [0]

    def take(self, items: Items, places: Numbers) -> int:
        """Takes in classes of an account; the number of the first."""
        self._several.append((items, places))
        self._starts.append(self._starts[-1] + len(places))
        return self._starts[-2]

    @cached_property
    def _texts(self) -> Any:
        """The pattern of each, as a column."""
        pa = arrow()
        parts = [items.column("pattern", places).cast(pa.large_string()) for items, places in self._several]
        return pa.concat_arrays(parts) if parts else texts([]).cast(pa.large_string())

    @cached_property
    def patterns(self) -> list[str]:
        found: list[str] = self._texts.to_pylist()
        return found

    @cached_property
    def counts(self) -> list[int]:
        return [count for items, places in self._several for count in items.counts(places)]

    @cached_property
    def ranks(self) -> Numbers:
        """The place of each among all of them by pattern, then by representative."""
        pc = compute()
        # UTF-8 sorts as the texts of Python do: by code points.
        order = numbers(pc.sort_indices(self._texts)).astype(np.int64)
        sorted_texts = self._texts.take(places_of(order))
        same = np.concatenate(([False], flags(pc.equal(sorted_texts[1:], sorted_texts[:-1])), [False]))
        tied = order[same[1:] | same[:-1]].tolist()
        names = dict(zip(tied, (spot.representative for spot in self.spots(tied)), strict=True))
        for first, last in _runs(same):
            order[first:last] = sorted(order[first:last].tolist(), key=lambda number: (names[number], number))
        found = np.empty(len(order), dtype=np.int32)
        found[order] = np.arange(len(order), dtype=np.int32)
        return found

    def spots(self, numbers: Sequence[int]) -> Iterator[Spot]:
        """These, in this order; members are read when they are asked for."""
        several = np.searchsorted(self._starts, numbers, side="right") - 1
        found: dict[int, Spot] = {}
        for one in np.unique(several).tolist():
            items, places = self._several[one]
            mine = [number for number, of in zip(numbers, several.tolist(), strict=True) if of == one]
            here = places[np.array(mine) - self._starts[one]]
            texts = [items.text(name, here) for name in ("pattern", "representative", "owner")]
            inside = items.contents(here).tolist()
            for number, place, pattern, arn, owner, part in zip(mine, here.tolist(), *texts, inside, strict=True):
                members = lambda items=items, place=place: items.some([place])[0].members  # noqa: E731
                found[number] = Spot(pattern, arn, items.account, members, owner if part else "")
        return (found[number] for number in numbers)


def _runs(same: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """From where to where things are equal; ``same`` says of each whether it is equal to the one before it, and last
    of all that nothing is."""
    changes = np.flatnonzero(same[1:] != same[:-1]).tolist()
    yield from ((first, last + 1) for first, last in zip(changes[::2], changes[1::2], strict=True))


class Table(Sequence[Row]):
    """Rows by ARN, made as they are read."""

    def __init__(self, places: _Places, told: Sequence[Told], which: Numbers, where: Numbers) -> None:
        self._places = places
        self._told = told
        self._unsorted = which, where

    @cached_property
    def _rows(self) -> tuple[Numbers, Numbers]:
        which, where = self._unsorted
        order = np.argsort(self._places.ranks[where], kind="stable") if len(where) else where
        return which[order], where[order]

    def __len__(self) -> int:
        return len(self._unsorted[0])

    def __iter__(self) -> Iterator[Row]:
        for start in range(0, len(self), _SOME):
            yield from self._made(slice(start, start + _SOME))

    def _made(self, chosen: slice) -> list[Row]:
        which, where = (column[chosen].tolist() for column in self._rows)
        spots = dict(zip(dict.fromkeys(where), self._places.spots(list(dict.fromkeys(where))), strict=True))
        told = (self._told[one] for one in which)
        return [
            Row(spots[place], one.levels, one.verdict, one.via, one.part)
            for place, one in zip(where, told, strict=True)
        ]

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        if isinstance(place, slice):
            return self._made(place)
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        place %= len(self)
        return self._made(slice(place, place + 1))[0]

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def to_json(self) -> list[dict[str, Any]]:
        """As of each row."""
        which, where = (column.tolist() for column in self._rows)
        patterns, counts, told = self._places.patterns, self._places.counts, self._told
        return [_json(patterns[at], counts[at], told[one]) for at, one in zip(where, which, strict=True)]


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of all changes, by ARN."""

    lost: Table
    still: Table
    gained: Table


def tabled(several: Iterable[Found], decide: Decide) -> Rows:
    """One row per (spot, verdict, via), sorted by ARN.

    A part of a container's contents has rows where a wider one's, which are told, would not be true of it. Of what is
    still reachable a denial in a part is a row too: a wildcard must not hide the exception (semantics U5).
    """
    places = _Places()
    tables = [_Writer(name) for name in _TABLES]
    for found in several:
        if not len(found.places):
            continue
        here = _Here(found, decide)
        written = [table.written(here) for table in tables]
        used = np.unique(np.concatenate([where for where, _ in written]))
        start = places.take(found.items, found.places[used])
        for table, (where, which) in zip(tables, written, strict=True):
            table.take(start + np.searchsorted(used, where), which)
    lost, still, gained = (table.done(places) for table in tables)
    return Rows(lost, still, gained)


class _Here:
    """One account's spots, by level."""

    def __init__(self, found: Found, decide: Decide) -> None:
        self.levels = [Levels.of(one) for one in found.differences]
        self.which = found.which
        self.items, self.places = found.items, found.places
        self.decide = decide
        inside = np.flatnonzero(found.items.contents(found.places))
        owners = found.items.owners(found.places[inside])
        order = np.argsort(owners, kind="stable")
        _, sizes = np.unique(owners, return_counts=True)
        several = np.repeat(sizes > 1, sizes)
        self._inside = inside[order][several]
        """The parts of containers of which there are several, container by container."""
        self._ends = np.cumsum(sizes[sizes > 1])
        self._starts = self._ends - sizes[sizes > 1]
        self._shapes: dict[int, Parted] = {}
        self._told: dict[str, Numbers] = {}
        whole = np.ones(len(self.places), dtype=np.bool_)
        whole[self._inside] = False
        self.whole = np.flatnonzero(whole)
        """The spots that have nothing to be compared with."""

    @cached_property
    def _shapes_of(self) -> Shapes:
        return self.items.shapes()

    def _shape(self, container: int) -> Parted:
        found = self._shapes.get(container)
        if found is None:
            parts = self._inside[self._starts[container] : self._ends[container]]
            found = self._shapes[container] = self._shapes_of.of(self.places[parts])
        return found

    def told(self, name: str) -> Numbers:
        """For each difference a number for what a table tells of it, 0 where that is nothing."""
        found = self._told.get(name)  # two tables ask
        if found is None:
            known: dict[frozenset[Any], int] = {frozenset(): 0}
            numbers = [known.setdefault(costs(getattr(one, name)), len(known)) for one in self.levels]
            found = self._told[name] = np.array(numbers, dtype=np.int32)
        return found

    def apart(self, name: str) -> tuple[NDArray[np.intp], list[tuple[int, list[int]]]]:
        """The parts to tell of in a table, and those of them that are within others that are told of, with the
        narrowest of these. Of what is lost and what stays also those of which the other table tells nothing, within
        what it does tell of: people read both."""
        if not len(self._inside):
            return self._inside, []
        numbers, beside = (self.told(one)[self.which[self._inside]] for one in (name, _READ_WITH.get(name, name)))
        both = [
            (np.minimum.reduceat(one, self._starts), np.maximum.reduceat(one, self._starts))
            for one in (numbers, beside)
        ]
        (least, most), (low, high) = both
        shown: list[NDArray[np.intp]] = []
        narrower: list[tuple[int, list[int]]] = []
        for container in np.flatnonzero(most).tolist():
            start, end = self._starts[container], self._ends[container]
            shape = self._shape(container)
            if least[container] == most[container] and low[container] == high[container]:
                shown.append(self._inside[start + shape.outermost])
                continue
            parts = self._inside[start:end]
            found = shape.told(numbers[start:end])
            shown.append(parts[list(found)])
            own = parts.tolist()
            narrower += [(own[part], [own[one] for one in wider]) for part, wider in found.items() if wider]
            if low[container] != high[container]:
                more = [
                    part for part in shape.told(beside[start:end]) if not beside[start + part] and part not in found
                ]
                shown.append(parts[more])
        return np.concatenate((np.empty(0, dtype=np.intp), *shown)), narrower


class _Writer:
    """Writes the rows of one table as numbers."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._told: list[Told] = []
        self._numbers: dict[Told, int] = {}
        self._parts: list[tuple[Numbers, Numbers]] = []

    def _number(self, told: Told) -> int:
        found = self._numbers.get(told)
        if found is None:
            found = self._numbers[told] = len(self._told)
            self._told.append(told)
        return found

    def written(self, here: _Here) -> tuple[Numbers, Numbers]:
        """(spot of the account, number of what is told) of each row; those of one spot in the order of the answer."""
        lost = self._name == "lost"
        by_level = [getattr(one, self._name) for one in here.levels]
        rows = [
            [self._number(told) for told in rows_of(levels, here.levels[at].kept if lost else frozenset())]
            for at, levels in enumerate(by_level)
        ]
        apart, narrower = here.apart(self._name)
        where, which = _spread(np.concatenate((here.whole, apart)), here.which, rows)
        if self._name != "still" or not narrower:
            return where, which
        denied = [*self._denied(here, by_level, narrower)]
        more = np.array(denied, dtype=np.int32).reshape(len(denied), 2)
        return np.concatenate((where, more[:, 0])), np.concatenate((which, more[:, 1]))

    def _denied(
        self, here: _Here, by_level: Sequence[Mapping[str, Any]], narrower: Sequence[tuple[int, list[int]]]
    ) -> Iterator[tuple[int, int]]:
        """The rows of parts of which what is told of wider ones is not so."""
        texts = here.items.text("representative", here.places[[part for part, _ in narrower]])
        for (part, wider), text in zip(narrower, texts, strict=True):
            general = {level: best for one in reversed(wider) for level, best in by_level[here.which[one]].items()}
            after = here.levels[here.which[part]].after
            yield from ((part, self._number(one)) for one in denials(general, after, text, here.decide))

    def take(self, where: NDArray[Any], which: Numbers) -> None:
        self._parts.append((where.astype(np.int32), which))

    def done(self, places: _Places) -> Table:
        empty = np.empty(0, dtype=np.int32)
        where = np.concatenate([empty, *(one for one, _ in self._parts)])
        which = np.concatenate([empty, *(one for _, one in self._parts)])
        return Table(places, self._told, which, where)


def _spread(chosen: NDArray[np.intp], which: Numbers, rows: Sequence[Sequence[int]]) -> tuple[Numbers, Numbers]:
    """The rows of chosen spots as (spot, row); ``which`` of ``rows`` each spot has."""
    counts = np.array([len(some) for some in rows], dtype=np.int32)
    flat = np.array([*chain.from_iterable(rows)], dtype=np.int32)
    own = counts[which[chosen]]
    firsts = (np.cumsum(counts) - counts)[which[chosen]] - (np.cumsum(own) - own)
    return np.repeat(chosen, own).astype(np.int32), flat[np.repeat(firsts, own) + np.arange(own.sum())]
