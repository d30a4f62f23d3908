"""The rows of ``reach`` about containers of which not all contents are held alike, where a wider row would not be true
of a part."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from msgspec.structs import replace

from graph.access_levels import LEVELS, example_of_level
from graph.classes import ResourceClass
from graph.closure import Chain
from graph.crossings import crossed_in, of_several
from graph.deciding import Decider
from graph.reaching_parts import told_apart, wider_parts
from graph.reaching_ways import NONE, Way
from policy.verdicts import Verdict

if TYPE_CHECKING:
    from numpy.typing import NDArray


#: The classes of so many containers are read at once.
_AT_ONCE = 16


class Row(NamedTuple):
    """What one way gives on some classes of an account: levels as bits, by a content."""

    way: Way
    levels: int
    content: int
    classes: NDArray[np.int32]

    def gives(self, rank: int, level: int) -> bool:
        """Whether it gives a level, by a way of this rank."""
        return self.way.rank == rank and bool(self.levels >> level & 1)


class Given(NamedTuple):
    """Levels that one way gives, or is denied at its end."""

    levels: tuple[str, ...]
    verdict: Verdict
    chain: Chain


class Account(Protocol):
    """What is held in one account: classes, and contents by number."""

    @property
    def account(self) -> str: ...
    @property
    def classes(self) -> Classes: ...
    @property
    def contents(self) -> NDArray[np.bool_]: ...
    @property
    def owners(self) -> NDArray[np.int32]: ...
    @property
    def rests(self) -> NDArray[np.int32]: ...
    def actions_of(self, content: int) -> tuple[str, ...]: ...


class Classes(Protocol):
    def __len__(self) -> int: ...
    def some(self, places: list[int], /) -> list[ResourceClass]: ...


class MadeClasses(list[ResourceClass]):
    """Classes that are there."""

    def some(self, places: list[int], /) -> list[ResourceClass]:
        return [self[place] for place in places]


class _Part(NamedTuple):
    """A part of a container, the rank of the best way to each level, and the rows that may hold there: ``place`` is its
    class by number, ``None`` of one that is no class of the account, where all of these rows hold."""

    place: int | None
    item: ResourceClass
    ranks: list[int]
    rows: Sequence[Row]


#: What is told of a part.
Told = tuple[ResourceClass, Given]


class Apart:
    """Containers with parts to tell of, each looked at when it is asked for: they can be thousands, and a first page
    tells of few. ``places`` are the classes to look at, all parts of each container; ``best`` by level and class the
    rank of a way."""

    def __init__(
        self,
        where: Account,
        rows: Sequence[Row],
        decider: Decider,
        action: str | None,
        places: NDArray[np.int32],
        best: NDArray[np.int32],
    ) -> None:
        self._where = where
        self._rows = rows
        self._decider = decider
        self._action = action
        self._best = best
        self._how = {row.way.rank: row.way for row in rows}
        self._held = [(row.way.holder.index, row.classes) for row in rows]
        owners = where.owners[places]
        self._several = {
            int(where.owners[parts[0]]): by_row for parts, by_row in of_several(self._held, places, owners)
        }
        order = np.argsort(owners, kind="stable")
        _, starts = np.unique(owners[order], return_index=True)
        self._parts: list[list[int]] = [some.tolist() for some in np.split(places[order], starts[1:])]
        self._read: dict[int, list[ResourceClass]] = {}
        self._made = 0
        self._known: dict[int, list[Told]] = {}

    @cached_property
    def containers(self) -> list[tuple[str, int]]:
        """(What the patterns of its parts begin with, its number) of each container, in their order."""
        firsts = self._where.classes.some([parts[0] for parts in self._parts])
        return sorted((f"{first.owner}/", number) for number, first in enumerate(firsts))

    def told(self, number: int) -> list[Told]:
        """What is told of the parts of a container."""
        found = self._known.get(number)
        if found is None:
            found = self._known[number] = list(self._told(self._parts[number], self._items(number)))
        return found

    def _items(self, number: int) -> list[ResourceClass]:
        """The classes of a container: read with those of others, which takes little longer."""
        if number not in self._read:
            begin = number - number % _AT_ONCE
            several = self._parts[begin : begin + _AT_ONCE]
            items = iter(self._where.classes.some([place for parts in several for place in parts]))
            self._read = {one: list(islice(items, len(parts))) for one, parts in enumerate(several, begin)}
        return self._read[number]

    def _told(self, places: list[int], items: list[ResourceClass]) -> Iterator[Told]:
        ranks = self._best[:, places].T.tolist()
        parts = [_Part(*one, self._rows) for one in zip(places, items, ranks, strict=True)]
        by_row = self._several.get(int(self._where.owners[places[0]]))
        if by_row is not None:
            more = crossed_in(items, self._held, by_row)
            parts += [self._more(item, [self._rows[row] for row in rows]) for item, rows in more]
        nothing = [NONE] * len(LEVELS)
        around = wider_parts([part.item for part in parts])
        for one, wider in told_apart(around, [part.ranks for part in parts], nothing).items():
            yield from self._part(parts[one], [parts[other] for other in wider])

    def _more(self, item: ResourceClass, rows: Sequence[Row]) -> _Part:
        ranks = [NONE] * len(LEVELS)
        for row in rows:
            for level in range(len(LEVELS)):
                if row.levels >> level & 1:
                    ranks[level] = min(ranks[level], row.way.rank)
        self._made += 1
        return _Part(None, replace(item, index=-self._made), ranks, rows)

    def _part(self, part: _Part, wider: Sequence[_Part]) -> Iterator[Told]:
        """What is given on a part of a container, and which of what wider ones are given is denied on it."""
        groups: defaultdict[tuple[int, Verdict], list[str]] = defaultdict(list)
        for level, name in enumerate(LEVELS):
            own = part.ranks[level]
            general = [one for one in wider if one.ranks[level] < NONE]
            if own < NONE:
                groups[own, self._how[own].verdict].append(name)
            elif general:
                row = self._giving(general[0], level)
                actions = self._where.actions_of(row.content) if self._action is None else (self._action,)
                example = example_of_level(actions)[name]
                outcome = self._decider.decide(row.way.holder, example, part.item.representative)
                if not outcome.can:
                    groups[row.way.rank, outcome.verdict].append(name)
        for (rank, verdict), levels in sorted(groups.items()):
            yield part.item, Given(tuple(levels), verdict, self._how[rank].chain)

    def _giving(self, part: _Part, level: int) -> Row:
        """A row that gives the best way to a level of a part."""
        rank, place = part.ranks[level], part.place
        return next(row for row in part.rows if row.gives(rank, level) and (place is None or place in row.classes))


def by_way(ranks: Sequence[int], how: Mapping[int, Way]) -> list[Given]:
    """Levels together that one verdict and one way give."""
    groups: defaultdict[int, list[str]] = defaultdict(list)
    for level, rank in zip(LEVELS, ranks, strict=True):
        if rank < NONE:
            groups[rank].append(level)
    return [Given(tuple(levels), how[rank].verdict, how[rank].chain) for rank, levels in sorted(groups.items())]
