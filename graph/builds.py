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
    if folder.is_dir():
        try:
            tables = Tables(folder)
            if tables.info.graph_version == GRAPH_VERSION:
                return tables
        except TablesError:
            pass  # damaged or of another version: a derived index is always made anew
    from graph.builder import build

    build(snapshot, home, report)
    return Tables(folder)
