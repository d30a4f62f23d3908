"""Opening a build, and making it first where there is none.

Apart from the builder, because a question that finds its build should not load what builds one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from graph import generations
from graph.schema import GRAPH_VERSION
from graph.tables import Tables, TablesError
from model.snapshot import Snapshot

#: Told what is being done and how much of it: (phase, done, of).
Report = Callable[[str, int, int], None]


def no_report(_phase: str, _done: int, _of: int) -> None:
    """Progress for nobody."""


def built_tables(snapshot: Snapshot, home: Path, report: Report = no_report) -> Tables:
    """The tables of ``snapshot``, built first where there are none or they are of another version."""
    folder = generations.folder_of(home, snapshot.id)
    tables = _whole(folder)
    while tables is None:
        from graph.builder import build

        try:
            build(snapshot, home, report)
        except generations.BuildingError:
            # Several questions at once, and nothing built yet: one builds, the others wait for it.
            report("wait", 0, 1)
            generations.await_builder(home)
            tables = _whole(folder)
        else:
            tables = Tables(folder)
    return tables


def _whole(folder: Path) -> Tables | None:
    """The tables in ``folder``, ``None`` where there are none, or none that this version reads."""
    if not folder.is_dir():
        return None
    try:
        tables = Tables(folder)
    except TablesError:
        return None  # damaged or of another version: a derived index is always made anew
    return tables if tables.info.graph_version == GRAPH_VERSION else None
