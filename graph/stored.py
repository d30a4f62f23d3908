"""One account of a build, read from its tables as far as a question needs it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from graph.classes import ResourceClass
from graph.deciding import Outcome
from graph.partition import Grant, spelled
from policy.verdicts import Verdict

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.int32]

#: Gives the batch of a table by its name.
Batches = Callable[[str], Any]


class Lists:
    """A column of lists of numbers."""

    def __init__(self, column: Any) -> None:
        self.offsets: Numbers = column.offsets.to_numpy()
        self.values: Numbers = column.values.to_numpy(zero_copy_only=False)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, place: int) -> Numbers:
        return self.values[self.offsets[place] : self.offsets[place + 1]]

    def having(self, value: int) -> Numbers:
        """The places of the lists that hold a number."""
        found = np.flatnonzero(self.values == value)
        return np.unique(np.searchsorted(self.offsets, found, side="right") - 1).astype(np.int32)


class StoredPartition:
    """``start`` is the number of its first class among those of all accounts."""

    def __init__(self, account: str, start: int, batches: Batches, action_sets: Sequence[tuple[str, ...]]) -> None:
        self.account = account
        self.start = start
        self._batches = batches
        self._action_sets = action_sets
        self._spelled: dict[tuple[int, int], Outcome] = {}

    def _column(self, table: str, name: str) -> Any:
        batch = self._batches(table)
        return batch.column(batch.schema.get_field_index(name))

    def column(self, table: str, name: str) -> Any:
        """One column of one of the account's tables (``graph.table_format``)."""
        return self._column(table, name)

    @cached_property
    def count(self) -> int:
        """How many classes it has."""
        return int(self._batches("classes").num_rows)

    @cached_property
    def classes(self) -> list[ResourceClass]:
        """The classes, numbered through all accounts."""
        rows = self._batches("classes").to_pylist()
        return [
            ResourceClass(self.start + index, **{**row, "members": tuple(row["members"])})
            for index, row in enumerate(rows)
        ]

    @cached_property
    def class_of(self) -> dict[str, int]:
        """The number in this account of the class of each resource."""
        members = self._column("classes", "members")
        offsets = members.offsets.to_numpy()
        places = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets)).tolist()
        return dict(zip(members.values.to_pylist(), places, strict=True))

    @cached_property
    def inside(self) -> dict[str, list[int]]:
        """The classes of the contents of each container."""
        found: dict[str, list[int]] = {}
        owners = self._column("classes", "owner")
        for place in np.flatnonzero(self._column("classes", "contents").to_numpy(zero_copy_only=False)).tolist():
            found.setdefault(owners[place].as_py(), []).append(place)
        return found

    # -- grants

    @cached_property
    def _rows(self) -> tuple[Numbers, Numbers, Numbers]:
        """The columns of ``grants``, which are sorted by holders."""
        return tuple(self._column("grants", name).to_numpy() for name in ("holders", "content", "classes"))

    @property
    def grants(self) -> tuple[Numbers, Numbers, Numbers]:
        """The columns of ``grants``: holders, content, classes."""
        return self._rows

    @cached_property
    def holders(self) -> Lists:
        return Lists(self._column("holders", "subjects"))

    @cached_property
    def sets(self) -> Lists:
        return Lists(self._column("sets", "classes"))

    @cached_property
    def levels(self) -> Numbers:
        """The levels of each content, as bits."""
        found: Numbers = self._column("contents", "levels").to_numpy()
        return found

    @cached_property
    def allowed(self) -> NDArray[np.bool_]:
        """Whether each content is Allowed."""
        verdicts = self._column("contents", "verdict").to_pylist()
        return np.array([verdict == Verdict.ALLOWED for verdict in verdicts], dtype=bool)

    @cached_property
    def _actions(self) -> list[int]:
        found: list[int] = self._column("contents", "actions").to_pylist()
        return found

    def actions_of(self, content: int) -> tuple[str, ...]:
        return self._action_sets[self._actions[content]]

    def contents_with(self, action: str) -> Numbers:
        """The contents that have an action."""
        return np.array(
            [place for place, chosen in enumerate(self._actions) if action in self._action_sets[chosen]], dtype=np.int32
        )

    def held_by(self, subject: int) -> Iterator[tuple[int, Numbers]]:
        """(content, classes in this account) that a subject holds."""
        holders, contents, classes = self._rows
        for holder in self.holders.having(subject).tolist():
            first, last = holders.searchsorted([holder, holder + 1])
            for content, chosen in zip(contents[first:last].tolist(), classes[first:last].tolist(), strict=True):
                yield content, self.sets[chosen]

    def holding(self, action: str, classes: Sequence[int]) -> dict[int, set[tuple[int, int]]]:
        """Who holds an action on one of these classes: subject to (content, class)."""
        holders, contents, chosen = self._rows
        wanted = np.unique(np.concatenate([self.sets.having(place) for place in classes] or [np.empty(0, np.int32)]))
        found: dict[int, set[tuple[int, int]]] = {}
        rows = np.flatnonzero(np.isin(contents, self.contents_with(action)) & np.isin(chosen, wanted))
        places = set(classes)
        for row in rows.tolist():
            here = places.intersection(self.sets[chosen[row]].tolist())
            for subject in self.holders[holders[row]].tolist():
                found.setdefault(subject, set()).update((int(contents[row]), place) for place in here)
        return found

    # -- outcomes

    @cached_property
    def _outcomes(self) -> list[Any]:
        return [self._column("contents", name) for name in ("verdict", "residual", "because", "certain", "related")]

    def outcome(self, content: int, place: int | None = None) -> Outcome:
        """The outcome of a content, as it stands for one class where ``place`` says which."""
        verdict, residual, because, certain, related = (column[content].as_py() for column in self._outcomes)
        key = (content, place if related and place is not None else -1)
        found = self._spelled.get(key)
        if found is None:
            found = Outcome(
                Verdict(verdict),
                None if residual is None else json.loads(residual),
                tuple(json.loads(because)),
                certain,
            )
            if key[1] >= 0:
                item = self.classes[key[1]]
                found = spelled(found, item.owner, item.representative)
            self._spelled[key] = found
        return found

    def grants_of(self, subject: int) -> Iterator[Grant]:
        """The grants of a subject, one a class, classes numbered through all accounts."""
        for content, classes in self.held_by(subject):
            for place in classes.tolist():
                yield Grant(subject, self.start + place, self.outcome(content, place), self.actions_of(content))

    def grants_where(self, wanted: Callable[[Outcome], bool]) -> Iterator[Grant]:
        """The grants of anybody whose outcome is wanted; it is asked about outcomes that speak of ``ITSELF``."""
        holders, contents, chosen = self._rows
        some = [content for content in range(len(self._actions)) if wanted(self.outcome(content))]
        for row in np.flatnonzero(np.isin(contents, np.array(some, dtype=np.int32))).tolist():
            content = int(contents[row])
            for place in self.sets[chosen[row]].tolist():
                for subject in self.holders[holders[row]].tolist():
                    yield Grant(subject, self.start + place, self.outcome(content, place), self.actions_of(content))
