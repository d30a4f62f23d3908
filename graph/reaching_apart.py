"""The rows of ``reach`` about containers of which not all contents are held alike, where a wider row would not be true
of a part."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from msgspec.structs import replace

from graph.access_levels import LEVELS, example_of_level
from graph.classes import ResourceClass
from graph.closure import Chain
from graph.crossings import crossed
from graph.deciding import Decider
from graph.reaching_parts import told_apart, wider_parts
from graph.reaching_ways import NONE, Way
from policy.verdicts import Verdict

if TYPE_CHECKING:
    from numpy.typing import NDArray


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


class _Part(NamedTuple):
    """A part of a container: its class by number (or behind them all, by its place among those made here), the rank of
    the best way to each level, and of one made here the rows that hold there."""

    place: int
    item: ResourceClass
    ranks: list[int]
    rows: Sequence[Row] | None = None


class Apart:
    """The parts to tell of; ``made`` are those that are no classes of the account, numbered behind these."""

    def __init__(self, where: Account, rows: Sequence[Row], decider: Decider, action: str | None) -> None:
        self._where = where
        self._rows = rows
        self._decider = decider
        self._action = action
        self._how = {row.way.rank: row.way for row in rows}
        self.made: list[ResourceClass] = []

    def told(self, places: NDArray[np.int32], best: NDArray[np.int32]) -> Iterator[tuple[int, Given]]:
        """The rows about these classes, all parts of each container; ``best`` by level and class the rank of a way."""
        items = self._where.classes.some(places.tolist())
        owners = self._where.owners[places]
        ranks = best[:, places].T.tolist()
        of_container: defaultdict[int, list[_Part]] = defaultdict(list)
        for owner, *part in zip(owners.tolist(), places.tolist(), items, ranks, strict=True):
            of_container[owner].append(_Part(*part))
        known = dict(zip(places.tolist(), items, strict=True))
        held = [(row.way.holder.index, row.classes) for row in self._rows]
        for one in crossed(held, places, owners, lambda some: [known[place] for place in some]):
            owner = int(self._where.owners[one.parts[0]])
            of_container[owner] += [self._made(item, [self._rows[row] for row in rows]) for item, rows in one.more]
        for parts in of_container.values():
            yield from self._container(parts)

    def _made(self, item: ResourceClass, rows: Sequence[Row]) -> _Part:
        ranks = [NONE] * len(LEVELS)
        for row in rows:
            for level in range(len(LEVELS)):
                if row.levels >> level & 1:
                    ranks[level] = min(ranks[level], row.way.rank)
        self.made.append(replace(item, index=-len(self.made) - 1))
        return _Part(len(self._where.classes) + len(self.made) - 1, self.made[-1], ranks, rows)

    def _container(self, parts: Sequence[_Part]) -> Iterator[tuple[int, Given]]:
        nothing = [NONE] * len(LEVELS)
        around = wider_parts([part.item for part in parts])
        for one, wider in told_apart(around, [part.ranks for part in parts], nothing).items():
            yield from self._part(parts[one], [parts[other] for other in wider])

    def _part(self, part: _Part, wider: Sequence[_Part]) -> Iterator[tuple[int, Given]]:
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
            yield part.place, Given(tuple(levels), verdict, self._how[rank].chain)

    def _giving(self, part: _Part, level: int) -> Row:
        """A row that gives the best way to a level of a part."""
        rank = part.ranks[level]
        if part.rows is not None:
            return next(row for row in part.rows if row.gives(rank, level))
        return next(row for row in self._rows if row.gives(rank, level) and part.place in row.classes)


def by_way(ranks: Sequence[int], how: Mapping[int, Way]) -> list[Given]:
    """Levels together that one verdict and one way give."""
    groups: defaultdict[int, list[str]] = defaultdict(list)
    for level, rank in zip(LEVELS, ranks, strict=True):
        if rank < NONE:
            groups[rank].append(level)
    return [Given(tuple(levels), how[rank].verdict, how[rank].chain) for rank, levels in sorted(groups.items())]
