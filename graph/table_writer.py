"""Writes the tables of a build, account by account: each table is one Arrow file with one batch an account."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from graph.access_levels import level_bits
from graph.deciding import Outcome
from graph.partition import Partition
from graph.steps import Step
from graph.subjects import Subject
from graph.table_format import BUILD_FILE, SCHEMAS, BuildInfo, arrow


class TableWriter:
    """The tables of one build, in an empty folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writers: dict[str, tuple[Any, Any]] = {}
        self._actions: dict[tuple[str, ...], int] = {}
        self._where: dict[int, list[int]] = {}
        self._count = 0
        self._named: list[list[str]] = []
        for name in ("classes", "grants", "contents", "holders", "sets", "steps"):
            self._open(name)

    def _open(self, name: str) -> None:
        pa = arrow()
        schema = SCHEMAS(pa)[name]
        sink = pa.OSFile(str(self._folder / f"{name}.arrow"), "wb")
        self._writers[name] = sink, pa.ipc.new_file(sink, schema)

    def add(self, partition: Partition, steps: Sequence[Step]) -> None:
        """One account's classes, grants, and steps into its roles."""
        number = self._count
        self._count += 1
        self._named.append(list(partition.named))
        for subject in {subject for holders in partition.holders for subject in holders}:
            self._where.setdefault(subject, []).append(number)
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
                "actions": [self._action_set(content.actions) for content in contents],
                "levels": [level_bits(content.actions) for content in contents],
            },
        )
        self._batch("holders", {"subjects": [list(holders) for holders in partition.holders]})
        self._batch("sets", {"classes": partition.sets})
        self._batch(
            "steps",
            {
                "source": [step.source.index for step in steps],
                "target": [step.target.index for step in steps],
                "action": [step.action for step in steps],
                **_outcomes([step.outcome for step in steps]),
            },
        )

    def finish(self, subjects: Iterable[Subject], accounts: Sequence[str]) -> None:
        """The tables of everybody: subjects with the accounts they hold something in, sets of actions."""
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
                "where": [self._where.get(subject.index, []) for subject in everyone],
            },
        )
        self._whole("actions", {"actions": [list(actions) for actions in self._actions]})
        self._whole("accounts", {"account": list(accounts), "named": self._named})

    def write_info(self, info: BuildInfo) -> None:
        """``build.json``, last of all: a folder without it is no build."""
        (self._folder / BUILD_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(info), indent=1))

    def _action_set(self, actions: tuple[str, ...]) -> int:
        return self._actions.setdefault(actions, len(self._actions))

    def _batch(self, name: str, columns: Mapping[str, Any]) -> None:
        pa = arrow()
        schema = SCHEMAS(pa)[name]
        arrays = [pa.array(columns[field.name], field.type) for field in schema]
        self._writers[name][1].write_batch(pa.record_batch(arrays, schema=schema))

    def _whole(self, name: str, columns: Mapping[str, Any]) -> None:
        self._open(name)
        self._batch(name, columns)
        sink, writer = self._writers.pop(name)
        writer.close()
        sink.close()


def _outcomes(outcomes: Sequence[Outcome]) -> dict[str, list[Any]]:
    return {
        "verdict": [str(outcome.verdict) for outcome in outcomes],
        "certain": [outcome.certain for outcome in outcomes],
        "residual": [None if outcome.residual is None else _json(outcome.residual) for outcome in outcomes],
        "because": [_json(list(outcome.because)) for outcome in outcomes],
    }


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
