"""What a change does, account by account, as numbers; rows are made when they are read.

A change can be about a million resources, of which somebody reads a screen, or a sum.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, overload

import numpy as np

from graph.classes import ResourceClass
from graph.reaching_parts import told_apart, wider_parts
from graph.stored import StoredPartition
from graph.table_format import arrow
from graph.tables import Tables
from graph.whatif_rows import Decide, Difference, Levels, Spot, Told, costs, denials, rows_of
from policy.verdicts import Verdict

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.int32]

#: What becomes of access.
_TABLES = ("lost", "still", "gained")

#: Rows that are made at a time.
_SOME = 4096


class Items(Protocol):
    """Classes of one account, by number."""

    @property
    def account(self) -> str: ...
    def some(self, places: Sequence[int] | Numbers, /) -> list[ResourceClass]: ...
    def text(self, name: str, places: Sequence[int] | Numbers, /) -> list[str]:
        """One of their texts: ``pattern``, ``representative``, ``owner``."""
        ...

    def counts(self, places: Sequence[int] | Numbers, /) -> list[int]:
        """How many members they have."""
        ...

    def contents(self, places: Sequence[int] | Numbers, /) -> NDArray[np.bool_]:
        """Whether they are about contents."""
        ...

    def owners(self, places: Sequence[int] | Numbers, /) -> Numbers:
        """A number for the resource, or the container, of each."""
        ...


class StoredItems:
    """The classes of an account of a build; nothing of them is kept."""

    def __init__(self, tables: Tables, account: str) -> None:
        self._tables = tables
        self.account = account

    @property
    def _partition(self) -> StoredPartition:
        found = self._tables.of_account(self.account)
        assert found is not None
        return found

    def some(self, places: Sequence[int] | Numbers) -> list[ResourceClass]:
        return self._partition.classes.some(places)

    def text(self, name: str, places: Sequence[int] | Numbers) -> list[str]:
        pa = arrow()
        found: list[str] = self._partition.column("classes", name).take(pa.array(places, pa.int32())).to_pylist()
        return found

    def counts(self, places: Sequence[int] | Numbers) -> list[int]:
        offsets = self._partition.column("classes", "members").offsets.to_numpy()
        found: list[int] = np.diff(offsets)[places].tolist()
        return found

    def contents(self, places: Sequence[int] | Numbers) -> NDArray[np.bool_]:
        return self._partition.contents[places]

    def owners(self, places: Sequence[int] | Numbers) -> Numbers:
        return self._partition.owners[places]


class MadeItems:
    """Classes that are there."""

    def __init__(self, account: str, items: Sequence[ResourceClass]) -> None:
        self.account = account
        self._items = items

    def some(self, places: Sequence[int] | Numbers) -> list[ResourceClass]:
        return [self._items[place] for place in places]

    def text(self, name: str, places: Sequence[int] | Numbers) -> list[str]:
        return [getattr(self._items[place], name) for place in places]

    def counts(self, places: Sequence[int] | Numbers) -> list[int]:
        return [len(self._items[place].members) for place in places]

    def contents(self, places: Sequence[int] | Numbers) -> NDArray[np.bool_]:
        return np.array([self._items[place].contents for place in places], dtype=np.bool_)

    def owners(self, places: Sequence[int] | Numbers) -> Numbers:
        known: dict[str, int] = {}
        return np.array([known.setdefault(self._items[place].owner, len(known)) for place in places], dtype=np.int32)


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
    def patterns(self) -> list[str]:
        return [pattern for items, places in self._several for pattern in items.text("pattern", places)]

    @cached_property
    def counts(self) -> list[int]:
        return [count for items, places in self._several for count in items.counts(places)]

    @cached_property
    def ranks(self) -> Numbers:
        """The place of each among all of them by pattern, then by representative."""
        patterns = self.patterns
        order = sorted(range(len(patterns)), key=patterns.__getitem__)
        same = [patterns[one] == patterns[other] for one, other in pairwise(order)]
        tied = [
            one for one, before, after in zip(order, [False, *same], [*same, False], strict=True) if before or after
        ]
        if tied:
            named = dict(zip(tied, (spot.representative for spot in self.spots(tied)), strict=True))
            order.sort(key=lambda number: (patterns[number], named.get(number, "")))
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


class _Parts(NamedTuple):
    """The parts of one container, as places among the spots, with their representatives; each with the wider ones."""

    places: list[int]
    representatives: list[str]
    around: tuple[frozenset[int], ...]


class _Here:
    """One account's spots, by level."""

    def __init__(self, found: Found, decide: Decide) -> None:
        self.levels = [Levels.of(one) for one in found.differences]
        self._ways = {name: [costs(getattr(one, name)) for one in self.levels] for name in _TABLES}
        self._known: dict[tuple[str, int], dict[int, list[int]]] = {}
        self.which = found.which
        self.items, self.places = found.items, found.places
        self.decide = decide
        owners = found.items.owners(found.places)
        several = np.flatnonzero(found.items.contents(found.places))
        _, inside, counts = np.unique(owners[several], return_inverse=True, return_counts=True)
        several = several[counts[inside] > 1]
        self.whole = np.ones(len(self.places), dtype=np.bool_)
        """The spots that have nothing to be compared with."""
        self.whole[several] = False
        self.parts = [*self._parts(several, owners[several])]

    def told_apart(self, name: str, parts: _Parts, own: Sequence[int]) -> dict[int, list[int]]:
        """The parts of a container to tell of in one table. Of what is lost and what stays also those of which the
        other table tells nothing, within what it does tell of: people read both."""
        other = {"lost": "still", "still": "lost"}.get(name)
        apart = self._apart(name, parts, own)
        if other is None:
            return apart
        ways = self._ways[other]
        return {part: [] for part in self._apart(other, parts, own) if not ways[own[part]]} | apart

    def _apart(self, name: str, parts: _Parts, own: Sequence[int]) -> dict[int, list[int]]:
        key = (name, parts.places[0])
        if key not in self._known:
            self._known[key] = told_apart(parts.around, [self._ways[name][one] for one in own], frozenset())
        return self._known[key]

    def _parts(self, several: NDArray[Any], owners: Numbers) -> Iterator[_Parts]:
        """Parts of contents by container."""
        items = self.items.some(self.places[several])
        of_container: defaultdict[int, list[int]] = defaultdict(list)
        for number, owner in enumerate(owners.tolist()):
            of_container[owner].append(number)
        places = several.tolist()
        for numbers in of_container.values():
            some = [items[number] for number in numbers]
            yield _Parts([places[one] for one in numbers], [one.representative for one in some], wider_parts(some))


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
        """(spot of the account, number of what is told) of each row."""
        lost = self._name == "lost"
        by_level = [getattr(one, self._name) for one in here.levels]
        rows = [
            [self._number(told) for told in rows_of(levels, here.levels[at].kept if lost else frozenset())]
            for at, levels in enumerate(by_level)
        ]
        counts = np.array([len(some) for some in rows], dtype=np.int32)
        whole = np.flatnonzero(here.whole)
        chosen = whole[counts[here.which[whole]] > 0]
        where, which = (
            [np.repeat(chosen, counts[here.which[chosen]])],
            [number for one in here.which[chosen].tolist() for number in rows[one]],
        )
        numbers = here.which.tolist()
        more = []
        for parts in here.parts:
            own = [numbers[place] for place in parts.places]
            for part, wider in here.told_apart(self._name, parts, own).items():
                told = rows[own[part]]
                if self._name == "still":
                    general = {level: best for one in reversed(wider) for level, best in by_level[own[one]].items()}
                    after = here.levels[own[part]].after
                    denied = denials(general, after, parts.representatives[part], here.decide)
                    told = [*told, *map(self._number, denied)]
                more += [parts.places[part]] * len(told)
                which += told
        where.append(np.array(more, dtype=np.int64))
        return np.concatenate(where), np.array(which, dtype=np.int32)

    def take(self, where: NDArray[Any], which: Numbers) -> None:
        self._parts.append((where.astype(np.int32), which))

    def done(self, places: _Places) -> Table:
        empty = np.empty(0, dtype=np.int32)
        where = np.concatenate([empty, *(one for one, _ in self._parts)])
        which = np.concatenate([empty, *(one for _, one in self._parts)])
        return Table(places, self._told, which, where)
