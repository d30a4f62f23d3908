"""Classes of one account by number: those of a build, of which nothing is kept, or those that a question makes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from graph.classes import ResourceClass
from graph.columns import numbers, places_of, texts
from graph.stored import StoredPartition
from graph.tables import Tables
from graph.whatif_parts import MadeShapes, Shapes, StoredShapes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.int32]


class Items(Protocol):
    """Classes of one account, by number."""

    @property
    def account(self) -> str: ...
    def some(self, places: Sequence[int] | Numbers, /) -> list[ResourceClass]: ...
    def text(self, name: str, places: Sequence[int] | Numbers, /) -> list[str]:
        """One of their texts: ``pattern``, ``representative``, ``owner``."""
        ...

    def column(self, name: str, places: Sequence[int] | Numbers, /) -> Any:
        """As ``text``, as a column."""
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

    def shapes(self) -> Shapes:
        """What parts of containers are alike."""
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
        found: list[str] = self.column(name, places).to_pylist()
        return found

    def column(self, name: str, places: Sequence[int] | Numbers) -> Any:
        return self._partition.column("classes", name).take(places_of(places))

    def counts(self, places: Sequence[int] | Numbers) -> list[int]:
        offsets = numbers(self._partition.column("classes", "members").offsets)
        found: list[int] = np.diff(offsets)[places].tolist()
        return found

    def contents(self, places: Sequence[int] | Numbers) -> NDArray[np.bool_]:
        return self._partition.contents[places]

    def owners(self, places: Sequence[int] | Numbers) -> Numbers:
        return self._partition.owners[places]

    def shapes(self) -> Shapes:
        return StoredShapes(self._partition, self._tables.parted[self.account])


class MadeItems:
    """Classes that are there."""

    def __init__(self, account: str, items: Sequence[ResourceClass]) -> None:
        self.account = account
        self._items = items

    def some(self, places: Sequence[int] | Numbers) -> list[ResourceClass]:
        return [self._items[place] for place in places]

    def text(self, name: str, places: Sequence[int] | Numbers) -> list[str]:
        return [getattr(self._items[place], name) for place in places]

    def column(self, name: str, places: Sequence[int] | Numbers) -> Any:
        return texts(self.text(name, places))

    def counts(self, places: Sequence[int] | Numbers) -> list[int]:
        return [len(self._items[place].members) for place in places]

    def contents(self, places: Sequence[int] | Numbers) -> NDArray[np.bool_]:
        return np.array([self._items[place].contents for place in places], dtype=np.bool_)

    def owners(self, places: Sequence[int] | Numbers) -> Numbers:
        known: dict[str, int] = {}
        return np.array([known.setdefault(self._items[place].owner, len(known)) for place in places], dtype=np.int32)

    def shapes(self) -> Shapes:
        return MadeShapes(self.some)
