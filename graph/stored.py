"""One account of a build, read from its tables as far as a question needs it."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from graph.columns import Lists, StoredActions, StoredClasses, compute, flags, numbers, places_of, text, texts
from graph.deciding import Outcome
from graph.partition import Grant, spelled
from policy.verdicts import Verdict

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.int32]

#: Gives the batch of a table by its name.
Batches = Callable[[str], Any]


class StoredPartition:
    """``start`` is the number of its first class among those of all accounts."""

    def __init__(self, account: str, start: int, batches: Batches, action_sets: StoredActions) -> None:
        self.account = account
        self.start = start
        self._batches = batches
        self._action_sets = action_sets
        self._spelled: dict[tuple[int, int], Outcome] = {}
        self._read: dict[str, Any] = {}

    def _column(self, table: str, name: str) -> Any:
        batch = self._read.get(table)
        if batch is None:
            batch = self._read[table] = self._batches(table)
        return batch.column(batch.schema.get_field_index(name))

    def column(self, table: str, name: str) -> Any:
        """One column of one of the account's tables (``graph.table_format``)."""
        return self._column(table, name)

    @cached_property
    def count(self) -> int:
        """How many classes it has."""
        return int(self._batches("classes").num_rows)

    @cached_property
    def classes(self) -> StoredClasses:
        """The classes, numbered through all accounts, read when asked for."""
        return StoredClasses(self._batches("classes"), self.start)

    def class_of(self, resource: str) -> int:
        """The number in this account of the class of a resource; raises ``KeyError``."""
        members = self._column("classes", "members")
        place = members.values.index(text(resource)).as_py()  # a scalar made by pyarrow imports pandas
        if place < 0:
            raise KeyError(resource)
        return int(np.searchsorted(numbers(members.offsets), place, side="right")) - 1

    def inside(self, container: str) -> list[int]:
        """The classes of the contents of a container."""
        own = flags(compute().equal(self._column("classes", "owner"), text(container)))
        found: list[int] = np.flatnonzero(self.contents & own).tolist()
        return found

    @cached_property
    def contents(self) -> NDArray[np.bool_]:
        """Of each class whether it is about contents."""
        return flags(self._column("classes", "contents"))

    @cached_property
    def owners(self) -> Numbers:
        """Of each class a number for its owner."""
        found: Numbers = numbers(self._column("classes", "owner").dictionary_encode().indices)
        return found

    @cached_property
    def rests(self) -> Numbers:
        """For each class of contents the one of what no narrower pattern tells apart of the same container; -1 for
        other classes, and where there is none."""
        pc = compute()
        owners, patterns = (self._column("classes", name) for name in ("owner", "pattern"))
        whole = flags(pc.equal(patterns, pc.binary_join_element_wise(owners, text("/*"), text(""))))
        rest = np.full(int(self.owners.max(initial=-1)) + 1, -1, dtype=np.int32)
        places = np.flatnonzero(whole & self.contents)
        rest[self.owners[places]] = places
        return np.where(self.contents, rest[self.owners], np.int32(-1))

    def about(self, arns: Collection[str]) -> dict[int, list[str]]:
        """The classes of some resources, or of contents of these, or of ``*``, by number: with the members that are
        among them."""
        pc = compute()
        wanted = texts(list(arns))
        members = self._column("classes", "members")
        offsets = numbers(members.offsets)
        found: dict[int, list[str]] = {}
        own = flags(pc.is_in(self._column("classes", "owner"), value_set=wanted))
        for place in np.flatnonzero(own & (offsets[1:] == offsets[:-1])).tolist():
            found[place] = []
        positions = np.flatnonzero(flags(pc.is_in(members.values, value_set=wanted)))
        places = np.searchsorted(offsets, positions, side="right") - 1
        names = members.values.take(places_of(positions)).to_pylist()
        for place, name in zip(places.tolist(), names, strict=True):
            found.setdefault(place, []).append(name)
        return found

    # -- grants

    @cached_property
    def _rows(self) -> tuple[Numbers, Numbers, Numbers]:
        """The columns of ``grants``, which are sorted by holders."""
        holders, content, classes = (
            numbers(self._column("grants", name)) for name in ("holders", "content", "classes")
        )
        return holders, content, classes

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
        found: Numbers = numbers(self._column("contents", "levels"))
        return found

    @cached_property
    def allowed(self) -> NDArray[np.bool_]:
        """Whether each content is Allowed."""
        verdicts = self._column("contents", "verdict")
        return flags(compute().equal(verdicts, text(str(Verdict.ALLOWED))))

    @cached_property
    def related(self) -> NDArray[np.bool_]:
        """Whether each content speaks of the resource itself."""
        return flags(self._column("contents", "related"))

    def action_set(self, content: int) -> int:
        """The number of a content's set of actions among those of the build."""
        return int(self._actions[content])

    @cached_property
    def _actions(self) -> Numbers:
        found: Numbers = numbers(self._column("contents", "actions"))
        return found

    def actions_of(self, content: int) -> tuple[str, ...]:
        return self._action_sets[int(self._actions[content])]

    def contents_with(self, action: str) -> NDArray[np.bool_]:
        """Of each content whether it has an action."""
        return self._action_sets.having(action)[self._actions]

    def held_by(self, subject: int) -> Iterator[tuple[int, Numbers]]:
        """(content, classes in this account) that a subject holds."""
        holders, contents, classes = self._rows
        for holder in self.holders.having(subject).tolist():
            first, last = holders.searchsorted([holder, holder + 1])
            for content, chosen in zip(contents[first:last].tolist(), classes[first:last].tolist(), strict=True):
                yield content, self.sets[chosen]

    def holding(self, action: str, classes: Sequence[int]) -> list[int]:
        """Who holds an action on one of these classes, sorted."""
        holders = self._rows[0][self._rows_with(action, classes)]
        found = [self.holders[holder] for holder in np.unique(holders).tolist()]
        every: list[int] = np.unique(np.concatenate(found)).tolist() if found else []
        return every

    def _rows_with(self, action: str, classes: Sequence[int]) -> NDArray[np.bool_]:
        """Of each row whether it is about an action on one of these classes."""
        _, contents, chosen = self._rows
        wanted = np.zeros(self.count, dtype=np.bool_)
        wanted[list(classes)] = True
        rows = self.contents_with(action)[contents]
        sets = np.zeros(len(self.sets), dtype=np.bool_)
        for place in np.unique(chosen[rows]).tolist():  # most sets are of other actions: they are many, and long
            sets[place] = wanted[self.sets[place]].any()
        found: NDArray[np.bool_] = rows & sets[chosen]
        return found

    def outcomes(self, action: str, place: int) -> dict[int, Outcome]:
        """What everybody gets who holds an action on a class, by index."""
        holders, contents, _ = self._rows
        found: dict[int, Outcome] = {}
        for row in np.flatnonzero(self._rows_with(action, [place])).tolist():
            outcome = self.outcome(int(contents[row]), place)
            found.update(dict.fromkeys(self.holders[holders[row]].tolist(), outcome))
        return dict(sorted(found.items()))

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
