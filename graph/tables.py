"""The tables of a build: memory-mapped Arrow files beside the embedded graph.

``inventory.msgpack``  the inventory
``subjects.arrow``     key, kind, lost, account; a subject's index is its row
``classes.arrow``      pattern, representative, type, account, region, members, contents, open
``outcomes.arrow``     verdict, certain, residual (JSON or null), because (JSON); each once
``actions.arrow``      sets of actions; each once
``grants.arrow``       subject, class, outcome, actions: row numbers of the others
``steps.arrow``        source, target (subjects), action, outcome
``build.json``         what was built, from which snapshot, in which version of these tables

Every figure is of the one snapshot that ``build.json`` names.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from graph.assume import Step
from graph.classes import ResourceClass
from graph.deciding import Outcome
from graph.resolver import Grant
from graph.subjects import Subject, Subjects
from model.entities import Gap
from model.errors import GrantmapError, InventoryError
from model.inventory import Inventory
from policy.verdicts import Verdict

#: Goes up with every change of the tables or of what their figures mean; a build of another version is made anew.
TABLES_VERSION = 2

INVENTORY_FILE = "inventory.msgpack"
BUILD_FILE = "build.json"


class TablesError(GrantmapError):
    """Tables of a build that are missing, damaged or of another version."""


class BuildInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a build holds; ``invalid`` maps each policy that is no valid document to the reason."""

    version: int
    graph_version: int
    snapshot: str
    nodes: dict[str, int]
    edges: dict[str, int]
    principal_classes: int
    resource_classes: int
    seconds: dict[str, float]
    invalid: dict[str, str] = {}
    gaps: list[Gap] = []


def _arrow() -> Any:
    import pyarrow  # 0.1 s to import: only those who read or write tables pay it

    return pyarrow


class TableWriter:
    """Writes the tables of one build into an empty folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._outcomes: dict[tuple[str, bool, str | None, str], int] = {}
        self._actions: dict[tuple[str, ...], int] = {}

    def write_all(
        self,
        inventory: Inventory,
        subjects: Iterable[Subject],
        classes: Iterable[ResourceClass],
        grants: Sequence[Grant],
        steps: Sequence[Step],
    ) -> None:
        """Every table but ``build.json``, which ``write_info`` writes last."""
        (self._folder / INVENTORY_FILE).write_bytes(inventory.encode())
        everyone = list(subjects)
        self._write(
            "subjects",
            {
                "key": [subject.key for subject in everyone],
                "kind": [subject.kind for subject in everyone],
                "lost": [subject.lost for subject in everyone],
                "account": [subject.account for subject in everyone],
            },
        )
        rows = list(classes)
        fields = ("pattern", "representative", "type", "account", "region", "members", "contents", "open")
        columns = {name: [getattr(row, name) for row in rows] for name in fields}
        columns["members"] = [list(members) for members in columns["members"]]
        self._write("classes", columns, {"members": "texts"})
        self._write(
            "grants",
            {
                "subject": [grant.subject for grant in grants],
                "class": [grant.resource_class for grant in grants],
                "outcome": [self._outcome(grant.outcome) for grant in grants],
                "actions": [self._actions.setdefault(grant.actions, len(self._actions)) for grant in grants],
            },
        )
        self._write(
            "steps",
            {
                "source": [step.source.index for step in steps],
                "target": [step.target.index for step in steps],
                "action": [step.action for step in steps],
                "outcome": [self._outcome(step.outcome) for step in steps],
            },
        )
        outcomes = list(self._outcomes)
        names = ("verdict", "certain", "residual", "because")
        self._write("outcomes", {name: [row[place] for row in outcomes] for place, name in enumerate(names)})
        self._write("actions", {"actions": [list(actions) for actions in self._actions]}, {"actions": "texts"})

    def write_info(self, info: BuildInfo) -> None:
        (self._folder / BUILD_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(info), indent=1))

    def _outcome(self, outcome: Outcome) -> int:
        residual = None if outcome.residual is None else json.dumps(outcome.residual, separators=(",", ":"))
        key = (str(outcome.verdict), outcome.certain, residual, json.dumps(outcome.because, separators=(",", ":")))
        return self._outcomes.setdefault(key, len(self._outcomes))

    def _write(self, name: str, columns: Mapping[str, Sequence[Any]], special: Mapping[str, str] | None = None) -> None:
        pa = _arrow()
        types = {"texts": pa.list_(pa.string())}
        fixed = {"residual": pa.string(), "because": pa.string(), "verdict": pa.string(), "key": pa.string()}
        for number in ("subject", "class", "outcome", "actions", "source", "target"):
            fixed[number] = pa.int32()
        arrays = []
        for column, values in columns.items():
            kind = types[special[column]] if special and column in special else fixed.get(column)
            arrays.append(pa.array(values, kind if values or kind else pa.string()))
        table = pa.Table.from_arrays(arrays, names=list(columns))
        with (
            pa.OSFile(str(self._folder / f"{name}.arrow"), "wb") as sink,
            pa.ipc.new_file(sink, table.schema) as writer,
        ):
            writer.write_table(table)


class Tables:
    """The tables of a finished build, read when asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.info = self._info()

    def _info(self) -> BuildInfo:
        path = self.folder / BUILD_FILE
        try:
            info = msgspec.json.decode(path.read_bytes(), type=BuildInfo)
        except (OSError, msgspec.MsgspecError) as error:
            raise TablesError(f"the build in `{self.folder}` cannot be read: {error}; run `grantmap build`") from error
        if info.version != TABLES_VERSION:
            raise TablesError(
                f"the build in `{self.folder}` is of version {info.version}, not {TABLES_VERSION}: run `grantmap build`"
            )
        return info

    @cached_property
    def inventory(self) -> Inventory:
        path = self.folder / INVENTORY_FILE
        try:
            return Inventory.decode(path.read_bytes())
        except (OSError, InventoryError) as error:
            raise TablesError(f"`{path}` cannot be read: {error}; run `grantmap build`") from error

    def _table(self, name: str) -> Any:
        pa = _arrow()
        path = self.folder / f"{name}.arrow"
        try:
            with pa.memory_map(str(path)) as source:
                return pa.ipc.open_file(source).read_all()
        except (OSError, pa.ArrowException) as error:
            raise TablesError(f"table `{path}` cannot be read: {error}; run `grantmap build`") from error

    @cached_property
    def outcomes(self) -> list[Outcome]:
        table = self._table("outcomes").to_pydict()
        rows = zip(table["verdict"], table["certain"], table["residual"], table["because"], strict=True)
        return [
            Outcome(
                Verdict(verdict),
                None if residual is None else json.loads(residual),
                tuple(json.loads(because)),
                certain,
            )
            for verdict, certain, residual, because in rows
        ]

    @cached_property
    def classes(self) -> list[ResourceClass]:
        rows = self._table("classes").to_pylist()
        return [ResourceClass(index, **{**row, "members": tuple(row["members"])}) for index, row in enumerate(rows)]

    @cached_property
    def action_sets(self) -> list[tuple[str, ...]]:
        return [tuple(actions) for actions in self._table("actions").column("actions").to_pylist()]

    @cached_property
    def _grants(self) -> Any:
        """Grants by subject: (order of rows, start of each subject's rows, the columns)."""
        import numpy as np  # beside pyarrow it costs nothing more

        table = self._table("grants")
        columns = {name: table.column(name).to_numpy() for name in ("subject", "class", "outcome", "actions")}
        order = np.argsort(columns["subject"], kind="stable")
        return {name: values[order] for name, values in columns.items()}

    def grants_of(self, subject: int) -> list[Grant]:
        """The direct grants of one subject."""
        columns = self._grants
        first, last = columns["subject"].searchsorted([subject, subject + 1])
        classes, outcomes, actions = (columns[name][first:last].tolist() for name in ("class", "outcome", "actions"))
        return [
            Grant(subject, item, self.outcomes[outcome], self.action_sets[chosen])
            for item, outcome, chosen in zip(classes, outcomes, actions, strict=True)
        ]

    def grants_with(self, outcomes: Collection[int]) -> list[Grant]:
        """The grants, of anybody, whose outcome is one of these (row numbers of ``outcomes``)."""
        import numpy as np

        columns = self._grants
        found = np.isin(columns["outcome"], list(outcomes)).nonzero()[0]
        names = ("subject", "class", "outcome", "actions")
        rows = zip(*(columns[name][found].tolist() for name in names), strict=True)
        return [
            Grant(subject, item, self.outcomes[outcome], self.action_sets[chosen])
            for subject, item, outcome, chosen in rows
        ]

    def steps(self, subjects: Subjects) -> list[Step]:
        """The steps between subjects; raises ``TablesError`` when they are not the subjects of this build."""
        keys = self._table("subjects").column("key").to_pylist()
        if keys != [subject.key for subject in subjects.all]:
            raise TablesError(f"the build in `{self.folder}` is of another version of grantmap: run `grantmap build`")
        table = self._table("steps").to_pydict()
        rows = zip(table["source"], table["target"], table["action"], table["outcome"], strict=True)
        return [
            Step(subjects.all[source], subjects.all[target], action, self.outcomes[outcome])
            for source, target, action, outcome in rows
        ]
