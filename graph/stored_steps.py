"""Steps as a build's tables hold them: an organisation may have millions, of whose outcomes a question reads a few."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from graph.columns import flags, numbers
from graph.deciding import Outcome
from graph.outcome_text import written
from graph.steps import Step
from graph.subjects import Subject
from graph.table_format import TablesError
from policy.verdicts import Verdict

if TYPE_CHECKING:
    from numpy.typing import NDArray


class StoredOutcome(Outcome):
    """An outcome whose residual and reasons are read from their columns when somebody asks for them."""

    __slots__ = ("_columns", "_place")

    @staticmethod
    def at(place: int, columns: tuple[Any, Any], verdict: Verdict, *, certain: bool) -> StoredOutcome:
        """The outcome in a row of the columns ``residual`` and ``because``, as texts."""
        found = object.__new__(StoredOutcome)
        put = object.__setattr__  # the fields of an outcome never change once they are there
        put(found, "verdict", verdict)
        put(found, "certain", certain)
        put(found, "_columns", columns)
        put(found, "_place", place)
        return found

    def __getattr__(self, name: str) -> Any:
        if name not in ("residual", "because"):  # every other field is there
            raise AttributeError(name)
        try:
            if name == "residual":
                told = self.residual_text
                found = None if told is None else msgspec.json.decode(told)
            else:
                found = tuple(msgspec.json.decode(self.because_text))
        except ValueError as error:  # no JSON, or not even a text
            raise _damaged(error) from error
        object.__setattr__(self, name, found)
        return found

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Outcome):
            return NotImplemented
        return _told(self) == _told(other)

    __hash__ = None  # type: ignore[assignment]  # a residual has none either

    @property
    def residual_text(self) -> str | None:
        """The residual as JSON."""
        return written(self.residual) if self._of_its_own else self._columns[0][self._place].as_py()

    @property
    def because_text(self) -> str:
        """The reasons as JSON."""
        return str(written(self.because) if self._of_its_own else self._columns[1][self._place].as_py())

    @property
    def _of_its_own(self) -> bool:
        """Whether it was copied from another one and is in no row."""
        return not hasattr(self, "_columns")


def _damaged(error: object) -> TablesError:
    return TablesError(f"the steps of the build are damaged ({error}): run `grantmap build`")


def _told(outcome: Outcome) -> tuple[object, ...]:
    return outcome.verdict, outcome.certain, outcome.residual, outcome.because


class StoredSteps:
    """The steps of all accounts, one after the other, as ``batches`` of the table ``steps`` hold them.

    Each step is made once, when somebody asks for it: a search comes to a few of an organisation's millions.
    """

    def __init__(self, batches: Iterable[Any], subjects: Sequence[Subject]) -> None:
        self._batches = list(batches)
        self._subjects = subjects
        self._starts: list[int] = [0, *accumulate(batch.num_rows for batch in self._batches)]
        self._accounts: dict[int, _Account] = {}
        self._made: dict[int, Step] = {}

    @cached_property
    def out(self) -> Mapping[int, list[Step]]:
        """The steps by the number of who takes them."""
        return self._by("source")

    @cached_property
    def into(self) -> Mapping[int, list[Step]]:
        """The steps by the number of the session that they lead to."""
        return self._by("target")

    def _by(self, name: str) -> Mapping[int, list[Step]]:
        return _ByEnd(self._ends[name], len(self._subjects), self._at)

    @cached_property
    def all(self) -> list[Step]:
        """Every step."""
        each = (step for batch in self._batches for step in _steps(batch, self._subjects))
        # Threads that ask for single ones meanwhile get the same.
        return [self._made.setdefault(place, step) for place, step in enumerate(each)]

    def __iter__(self) -> Iterator[Step]:
        return iter(self.all)

    def __len__(self) -> int:
        return self._starts[-1]

    @cached_property
    def _ends(self) -> dict[str, NDArray[Any]]:
        found = {name: self._whole(name, numbers) for name in ("source", "target")}
        for name, several in found.items():
            if len(several) and not 0 <= several.min() <= several.max() < len(self._subjects):
                raise _damaged(f"the column `{name}` has numbers of nobody")
        return found

    @cached_property
    def _certain(self) -> NDArray[Any]:
        return self._whole("certain", flags)

    def _whole(self, name: str, read: Callable[[Any], NDArray[Any]]) -> NDArray[Any]:
        """One column of all accounts."""
        found = [read(_column(batch, name)) for batch in self._batches]
        return np.concatenate(found) if found else np.empty(0, dtype=np.int32)

    def _at(self, place: int) -> Step:
        found = self._made.get(place)
        if found is None:
            found = self._made.setdefault(place, self._step(place))
        return found

    def _step(self, place: int) -> Step:
        number = bisect_right(self._starts, place) - 1
        row = place - self._starts[number]
        account = self._accounts.get(number)
        if account is None:
            account = self._accounts.setdefault(number, _Account(self._batches[number]))
        verdict, certain = _verdict(account.verdicts[row].as_py()), bool(self._certain[place])
        return Step(
            self._subjects[self._ends["source"][place]],
            self._subjects[self._ends["target"][place]],
            account.actions[row].as_py(),
            StoredOutcome.at(row, account.told, verdict, certain=certain),
        )


class _Account:
    """The columns of one account's steps that are no numbers."""

    __slots__ = ("actions", "told", "verdicts")

    def __init__(self, batch: Any) -> None:
        self.verdicts, self.actions = _column(batch, "verdict"), _column(batch, "action")
        self.told = _column(batch, "residual"), _column(batch, "because")


class _ByEnd(Mapping[int, list[Step]]):
    """Steps by the number of one of their ends, in their order: ``ends`` of each, all less than ``count``; ``at`` makes
    the step in a place."""

    def __init__(self, ends: NDArray[Any], count: int, at: Callable[[int], Step]) -> None:
        self._at = at
        self._order = np.argsort(ends, kind="stable")
        counted = np.bincount(ends, minlength=count)
        self._bounds: list[int] = [0, *np.cumsum(counted).tolist()]
        self._found: dict[int, list[Step]] = {}

    def __getitem__(self, index: int) -> list[Step]:
        if not self._has(index):
            raise KeyError(index)
        found = self._found.get(index)
        if found is None:
            places = self._order[self._bounds[index] : self._bounds[index + 1]]
            found = self._found.setdefault(index, [self._at(place) for place in places.tolist()])
        return found

    def get(self, index: int, default: Any = None) -> Any:
        """As ``__getitem__``, which searches ask of thousands who have none."""
        if not self._has(index):
            return default
        return self[index]

    def __contains__(self, index: object) -> bool:
        return self._has(index)

    def _has(self, index: Any) -> bool:
        return bool(0 <= index < len(self._bounds) - 1 and self._bounds[index] < self._bounds[index + 1])

    def __iter__(self) -> Iterator[int]:
        return filter(self._has, range(len(self._bounds) - 1))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _verdict(text: str) -> Verdict:
    try:
        return Verdict(text)
    except ValueError as error:
        raise _damaged(error) from error


def _column(batch: Any, name: str) -> Any:
    place = batch.schema.get_field_index(name)
    if place < 0:
        raise _damaged(f"they have no column `{name}`")
    return batch.column(place)


def _steps(batch: Any, subjects: Sequence[Subject]) -> Iterator[Step]:
    """All steps into the roles of one account; equal outcomes are one."""
    columns = _column(batch, "residual"), _column(batch, "because")
    verdicts = _column(batch, "verdict").to_pylist()
    told = zip(flags(_column(batch, "certain")).tolist(), verdicts, *map(_encoded, columns), strict=True)
    ends = zip(*(numbers(_column(batch, name)).tolist() for name in ("source", "target")), strict=True)
    known: dict[tuple[Any, ...], StoredOutcome] = {}
    for place, ((source, target), action, key) in enumerate(
        zip(ends, _column(batch, "action").to_pylist(), told, strict=True)
    ):
        outcome = known.get(key)
        if outcome is None:
            certain, verdict = key[:2]
            outcome = known[key] = StoredOutcome.at(place, columns, _verdict(verdict), certain=certain)
        yield Step(subjects[source], subjects[target], action, outcome)


def _encoded(column: Any) -> list[int]:
    """The texts of a column as numbers, the same for equal ones."""
    found: list[int] = numbers(column.dictionary_encode(null_encoding="encode").indices).tolist()
    return found
