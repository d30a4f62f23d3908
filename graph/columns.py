"""Columns of a build's tables, of which a question reads what it needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from graph.classes import ResourceClass
from graph.table_format import arrow

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.int32]


def compute() -> Any:
    import pyarrow.compute

    return pyarrow.compute


# pyarrow's own ways to and from NumPy and lists import pandas, for half a second of the first answer.


def flags(column: Any) -> NDArray[np.bool_]:
    """A column of truths."""
    if not len(column):
        return np.empty(0, dtype=np.bool_)
    bits = np.frombuffer(column.buffers()[1], dtype=np.uint8)
    found = np.unpackbits(bits, count=column.offset + len(column), bitorder="little")[column.offset :]
    return found.astype(np.bool_)


def numbers(column: Any) -> Numbers:
    """A column of numbers, as they lie there."""
    kind = column.type.to_pandas_dtype()  # a type of NumPy
    if not len(column):
        return np.empty(0, dtype=kind)
    return np.frombuffer(column.buffers()[1], dtype=kind)[column.offset : column.offset + len(column)]


def places_of(numbers: Sequence[int] | NDArray[Any]) -> Any:
    """Numbers as a column to take others by."""
    pa, lying = arrow(), np.ascontiguousarray(numbers, dtype=np.int32)
    return pa.Array.from_buffers(pa.int32(), len(lying), [None, pa.py_buffer(lying)])


def texts(several: Sequence[str]) -> Any:
    """A column of texts."""
    pa, encoded = arrow(), [text.encode() for text in several]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(encoded), buffers)


def text(one: str) -> Any:
    """A text to compare a column with."""
    return texts([one])[0]


class Lists:
    """A column of lists of numbers."""

    def __init__(self, column: Any) -> None:
        self.offsets: Numbers = numbers(column.offsets)
        self.values: Numbers = numbers(column.values)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, place: int) -> Numbers:
        return self.values[self.offsets[place] : self.offsets[place + 1]]

    def least(self, by_value: Numbers, none: int) -> Numbers:
        """Of each list the least of what ``by_value`` has for its numbers; ``none`` for empty lists."""
        found = np.full(len(self), none, dtype=by_value.dtype)
        full = self.offsets[1:] > self.offsets[:-1]
        if full.any():
            starts = self.offsets[:-1][full] - self.offsets[0]
            found[full] = np.minimum.reduceat(by_value[self.values[self.offsets[0] : self.offsets[-1]]], starts)
        return found

    def having(self, value: int) -> Numbers:
        """The places of the lists that hold a number."""
        found = np.flatnonzero(self.values == value)
        return np.unique(np.searchsorted(self.offsets, found, side="right") - 1).astype(np.int32)


class StoredActions(Sequence[tuple[str, ...]]):
    """The sets of actions of a build, each told when asked for; the names are shared."""

    def __init__(self, column: Any) -> None:
        self._offsets: Numbers = numbers(column.offsets)
        self._column = column
        self._known: dict[int, tuple[str, ...]] = {}
        self._having: dict[str, NDArray[np.bool_]] = {}

    @cached_property
    def _values(self) -> tuple[Numbers, list[str]]:
        """The actions of all sets, by number, and the names of these."""
        found = self._column.values.dictionary_encode()
        return numbers(found.indices), found.dictionary.to_pylist()

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self._values[1])}

    def __eq__(self, other: object) -> bool:
        return self._column.equals(other._column) if isinstance(other, StoredActions) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return len(self._offsets) - 1

    @overload
    def __getitem__(self, place: int) -> tuple[str, ...]: ...
    @overload
    def __getitem__(self, place: slice) -> list[tuple[str, ...]]: ...
    def __getitem__(self, place: int | slice) -> tuple[str, ...] | list[tuple[str, ...]]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        found = self._known.get(place)
        if found is None:
            numbers, names = self._values
            some = numbers[self._offsets[place] : self._offsets[place + 1]].tolist()
            found = self._known[place] = tuple([names[number] for number in some])
        return found

    def having(self, action: str) -> NDArray[np.bool_]:
        """Of each set whether it holds an action."""
        found = self._having.get(action)
        if found is None:
            found = np.zeros(len(self), dtype=np.bool_)
            number = self._numbers.get(action)
            if number is not None:
                places = np.flatnonzero(self._values[0] == number)
                found[np.searchsorted(self._offsets, places, side="right") - 1] = True
            self._having[action] = found
        return found


class StoredClasses(Sequence[ResourceClass]):
    """The classes of one account; each time that one is asked for it is made anew."""

    def __init__(self, batch: Any, start: int) -> None:
        self._batch = batch
        self._start = start

    def __len__(self) -> int:
        return int(self._batch.num_rows)

    @overload
    def __getitem__(self, place: int) -> ResourceClass: ...
    @overload
    def __getitem__(self, place: slice) -> list[ResourceClass]: ...
    def __getitem__(self, place: int | slice) -> ResourceClass | list[ResourceClass]:
        if isinstance(place, slice):
            return self.some(range(*place.indices(len(self))))
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        return self.some([place % len(self)])[0]

    def some(self, places: Sequence[int] | Numbers) -> list[ResourceClass]:
        """The classes with these numbers."""
        return self._made(self._batch.take(places_of(places)), places)

    def __iter__(self) -> Iterator[ResourceClass]:
        return iter(self._made(self._batch, range(len(self))))

    def _made(self, batch: Any, places: Iterable[int]) -> list[ResourceClass]:
        columns = {name: batch.column(place).to_pylist() for place, name in enumerate(batch.schema.names)}
        columns["members"] = [tuple(some) for some in columns["members"]]
        names = [name for name in ResourceClass.__struct_fields__ if name != "index"]
        return [
            ResourceClass(self._start + int(place), *row)
            for place, *row in zip(places, *(columns[name] for name in names), strict=True)
        ]
