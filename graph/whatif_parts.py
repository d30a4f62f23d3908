"""Which parts of containers' contents ``what-if`` tells of, worked out once for containers that are parted alike.

Thousands of containers of an organisation have the same parts but for the name of the container, and what becomes of
them differs in few ways: ``graph.reaching_parts.told_apart`` is asked once for each pair of these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from graph.classes import ResourceClass
from graph.keeping import Recent
from graph.reaching_parts import Shape, shape_of, told_apart, wider
from graph.stored import StoredPartition

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.int32]

#: Between the patterns that a part has to match all of.
_AND = " ∩ ".encode()

#: In place of a container's name.
_NAME = b"\0"


class Parted:
    """The parts of a container but for its name."""

    def __init__(self, around: Sequence[frozenset[int]]) -> None:
        self._around = around

    @cached_property
    def outermost(self) -> NDArray[np.int64]:
        """The parts to tell of where the same is so of all of them."""
        return np.array(sorted(told_apart(self._around, [1] * len(self._around), 0)), dtype=np.int64)

    def told(self, numbers: Numbers) -> Mapping[int, Sequence[int]]:
        """As ``told_apart``; what is so of each part is a number, 0 where that is nothing."""
        alike = _alike(numbers)
        return _ANSWERS.of((self, alike), lambda: told_apart(self._around, alike, 0))


def _alike(numbers: Numbers) -> tuple[int, ...]:
    """Equal for what is told apart alike: other numbers are counted in the order in which they come."""
    known = {0: 0}
    return tuple([known.setdefault(one, len(known)) for one in numbers.tolist()])


#: Shapes by the texts of their parts.
_SHAPES: Recent[tuple[bytes, bytes], Parted] = Recent(1 << 15)
_MADE: Recent[Shape, Parted] = Recent(1 << 12)
_ANSWERS: Recent[tuple[Parted, tuple[int, ...]], dict[int, list[int]]] = Recent(1 << 15)


class Shapes(Protocol):
    """The shapes of containers, each given by the places of its parts, which are sorted."""

    def of(self, places: Numbers, /) -> Parted: ...


class MadeShapes:
    """Of classes that are there."""

    def __init__(self, some: Callable[[Numbers], list[ResourceClass]]) -> None:
        self._some = some

    def of(self, places: Numbers) -> Parted:
        return _parted(self._some(places))


class StoredShapes:
    """Of the classes of an account of a build, where those of one container lie together. ``known`` are those that were
    asked for, by the first part and the last."""

    def __init__(self, partition: StoredPartition, known: dict[tuple[int, int], Parted]) -> None:
        self._partition = partition
        self._known = known

    @cached_property
    def _columns(self) -> list[_Texts]:
        return [_Texts(self._partition.column("classes", name)) for name in ("pattern", "representative", "owner")]

    def of(self, places: Numbers) -> Parted:
        first, last = int(places[0]), int(places[-1])
        if last - first + 1 != len(places):
            return self._made(places)
        found = self._known.get((first, last))
        if found is None:
            found = self._known[first, last] = self._read(places, first, last)
        return found

    def _read(self, places: Numbers, first: int, last: int) -> Parted:
        columns = self._columns
        patterns, texts, owner = *(one.between(first, last) for one in columns[:2]), columns[2].between(first, first)
        several = patterns.count(_AND)
        names = patterns.count(owner), patterns.count(_AND + owner), texts.count(owner)
        # Where a name is in its contents, too, it cannot be told from that of the container.
        if names != (len(places) + several, several, len(places)) or _NAME in patterns or _NAME in texts:
            return self._made(places)
        key = (patterns.replace(owner, _NAME), texts.replace(owner, _NAME))
        return _SHAPES.of(key, lambda: Parted(wider(_spelled(*key))))

    def _made(self, places: Numbers) -> Parted:
        return _parted(self._partition.classes.some(places))


def _parted(parts: Sequence[ResourceClass]) -> Parted:
    shape = shape_of(parts)
    return _MADE.of(shape, lambda: Parted(wider(shape)))


def _spelled(patterns: bytes, texts: bytes) -> Shape:
    """The shape that is written so."""
    rests = patterns.replace(_AND + _NAME, _AND).decode().split("\0")[1:]
    several = (tuple(rest.split(" ∩ ")) for rest in rests)
    return tuple(zip(several, texts.decode().split("\0")[1:], strict=True))


class _Texts:
    """A column of texts as they lie there."""

    def __init__(self, column: Any) -> None:
        _, offsets, data = column.buffers()
        first = column.offset
        self._offsets = np.frombuffer(offsets, dtype=np.int32)[first : first + len(column) + 1]
        self._data = memoryview(b"" if data is None else data)

    def between(self, first: int, last: int) -> bytes:
        """These and all between them, joined."""
        return self._data[self._offsets[first] : self._offsets[last + 1]].tobytes()
