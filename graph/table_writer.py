"""Writes the tables of a build, account by account: each table is one Arrow file with one batch an account.

An account is written anew, or taken over as it is from the tables of an earlier build.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from graph.access_levels import level_bits
from graph.action_sets import ActionSets
from graph.deciding import Outcome
from graph.partition import Lent, Partition
from graph.steps import Step
from graph.subjects import Subject
from graph.table_format import BUILD_FILE, BY_ACCOUNT, SCHEMAS, BuildInfo, arrow
from graph.tables import Tables

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from graph.stored import Numbers


class TableWriter:
    """The tables of one build, in an empty folder.

    ``earlier`` are the tables that accounts are taken over from; ``numbers`` says which number each of their subjects
    has here, -1 for none; ``None``: its own.
    """

    def __init__(self, folder: Path, earlier: Tables | None = None, numbers: Numbers | None = None) -> None:
        self._folder = folder
        self._earlier = earlier
        self._numbers = numbers
        self._writers: dict[str, tuple[Any, Any]] = {}
        self._actions = ActionSets(None if earlier is None else earlier.action_column)
        #: For each account the subjects that hold something there.
        self._holding: list[Numbers] = []
        #: For each account its row of `accounts`, as a column each.
        self._accounts: list[Any] = []
        for name in BY_ACCOUNT:
            self._open(name)

    def _open(self, name: str) -> None:
        pa = arrow()
        schema = SCHEMAS(pa)[name]
        sink = pa.OSFile(str(self._folder / f"{name}.arrow"), "wb")
        self._writers[name] = sink, pa.ipc.new_file(sink, schema)

    def add(self, partition: Partition, steps: Sequence[Step], invalid: Mapping[str, str] | None = None) -> None:
        """One account's classes, grants, and steps into its roles; ``invalid``: its policies that are none, why."""
        self._account(partition, invalid or {})
        holders = [np.array(held, dtype=np.int32) for held in partition.holders]
        self._holding.append(np.unique(_joined(holders)))
        fields = ("pattern", "representative", "type", "region", "contents", "open", "owner")
        columns: dict[str, Any] = {name: [getattr(row, name) for row in partition.classes] for name in fields}
        columns["account"] = [partition.account] * len(partition.classes)
        columns["members"] = [list(row.members) for row in partition.classes]
        self._batch("classes", columns)
        rows = np.array(sorted(partition.rows), dtype=np.int32).reshape(-1, 3)
        self._batch("grants", {name: rows[:, place] for place, name in enumerate(("holders", "content", "classes"))})
        contents = partition.contents
        self._batch(
            "contents",
            {
                **_outcomes([content.outcome for content in contents]),
                "related": [content.related for content in contents],
                "actions": [self._actions.number(content.actions) for content in contents],
                "levels": [level_bits(content.actions) for content in contents],
            },
        )
        self._batch("holders", {"subjects": _lists(holders)})
        self._batch("sets", {"classes": _lists(partition.sets)})
        self._batch(
            "steps",
            {
                "source": [step.source.index for step in steps],
                "target": [step.target.index for step in steps],
                "action": [step.action for step in steps],
                **_outcomes([step.outcome for step in steps]),
            },
        )
        self._batch("lent", {name: [getattr(row, name) for row in partition.lent] for name in Lent._fields})

    def take_over(self, number: int) -> dict[str, str]:
        """One account as the earlier build has it, there with this number; its policies that are none, why."""
        assert self._earlier is not None
        found = {name: self._earlier.batch(name, number) for name in BY_ACCOUNT}
        if self._numbers is not None:
            for name, columns in _OF_SUBJECTS.items():
                found[name] = _renumbered(found[name], columns, self._numbers)
        for name, batch in found.items():
            self._writers[name][1].write_batch(batch)
        self._holding.append(np.unique(found["holders"].column(0).values.to_numpy()))
        row = self._earlier.batch("accounts", 0).slice(number, 1)
        self._accounts.append(row)
        invalid: dict[str, str] = json.loads(row.column("invalid")[0].as_py())
        return invalid

    def finish(self, subjects: Iterable[Subject]) -> None:
        """The tables of everybody: subjects with the accounts they hold something in, sets of actions.

        Holds nothing of the tables from then on.
        """
        for sink, writer in self._writers.values():
            writer.close()
            sink.close()
        everyone = list(subjects)
        self._whole(
            "subjects",
            {
                "key": [subject.key for subject in everyone],
                "kind": [subject.kind for subject in everyone],
                "lost": [subject.lost for subject in everyone],
                "account": [subject.account for subject in everyone],
                "where": self._where(len(everyone)),
            },
        )
        self._whole("actions", {"actions": self._actions.column()})
        self._open("accounts")
        pa = arrow()
        rows = pa.Table.from_batches(self._accounts, SCHEMAS(pa)["accounts"]).combine_chunks()
        self._write("accounts", rows.to_batches()[0] if self._accounts else _empty("accounts"))
        self._close("accounts")
        self._earlier, self._actions = None, ActionSets()
        self._holding.clear()
        self._accounts.clear()

    def _where(self, count: int) -> Any:
        """For each subject the accounts, by number, that it holds something in."""
        pa = arrow()
        subjects = np.concatenate([np.empty(0, np.int32), *self._holding])
        accounts = np.repeat(np.arange(len(self._holding), dtype=np.int32), [len(some) for some in self._holding])
        order = np.argsort(subjects, kind="stable")
        offsets = np.searchsorted(subjects[order], np.arange(count + 1)).astype(np.int32)
        return pa.ListArray.from_arrays(pa.array(offsets), pa.array(accounts[order]))

    def _account(self, partition: Partition, invalid: Mapping[str, str]) -> None:
        row = {
            "account": [partition.account],
            "invalid": [_json(dict(invalid))],
            "clocked": [partition.clocked],
        }
        self._accounts.append(_made("accounts", row))

    def write_info(self, info: BuildInfo) -> None:
        """``build.json``, last of all: a folder without it is no build."""
        (self._folder / BUILD_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(info), indent=1))

    def _batch(self, name: str, columns: Mapping[str, Any]) -> None:
        self._write(name, _made(name, columns))

    def _write(self, name: str, batch: Any) -> None:
        self._writers[name][1].write_batch(batch)

    def _whole(self, name: str, columns: Mapping[str, Any]) -> None:
        self._open(name)
        self._batch(name, columns)
        self._close(name)

    def _close(self, name: str) -> None:
        sink, writer = self._writers.pop(name)
        writer.close()
        sink.close()


#: Those that speak of subjects, with the columns that do.
_OF_SUBJECTS = {"holders": ("subjects",), "steps": ("source", "target"), "lent": ("reached",)}


def _made(name: str, columns: Mapping[str, Any]) -> Any:
    pa = arrow()
    schema = SCHEMAS(pa)[name]
    found = [columns[field.name] for field in schema]
    arrays = [
        column if isinstance(column, pa.Array) else pa.array(column, field.type)
        for column, field in zip(found, schema, strict=True)
    ]
    return pa.record_batch(arrays, schema=schema)


def _lists(several: Sequence[NDArray[np.int32]]) -> Any:
    """Columns as one column of lists."""
    pa = arrow()
    offsets = np.cumsum([0, *map(len, several)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(_joined(several)))


def _joined(several: Sequence[NDArray[np.int32]]) -> NDArray[np.int32]:
    return np.concatenate([np.empty(0, np.int32), *several])


def _empty(name: str) -> Any:
    return _made(name, {field.name: [] for field in SCHEMAS(arrow())[name]})


def _renumbered(batch: Any, columns: Iterable[str], numbers: Numbers) -> Any:
    """A batch with other numbers of subjects, each of which must have one."""
    pa = arrow()
    for name in columns:
        place = batch.schema.get_field_index(name)
        column = batch.column(place)
        lists = isinstance(column, pa.ListArray)
        new = numbers[(column.values if lists else column).to_numpy()]
        assert (new >= 0).all(), "a subject that is gone holds something"
        array = pa.array(new, pa.int32())
        batch = batch.set_column(
            place, batch.schema.field(place), pa.ListArray.from_arrays(column.offsets, array) if lists else array
        )
    return batch


def _outcomes(outcomes: Sequence[Outcome]) -> dict[str, list[Any]]:
    return {
        "verdict": [str(outcome.verdict) for outcome in outcomes],
        "certain": [outcome.certain for outcome in outcomes],
        "residual": [None if outcome.residual is None else _json(outcome.residual) for outcome in outcomes],
        "because": [_json(list(outcome.because)) for outcome in outcomes],
    }


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
