"""Progress of a build: a bar on a terminal, JSON lines otherwise; nothing for one that is over at once."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from graph.builds import Report

#: Phases in the order of a build, in words.
_WORDS = {
    "wait": "waiting for another process, which builds",
    "read": "reading the snapshot",
    "steps": "finding who can assume which role",
    "classes": "sorting resources into classes",
    "resolve": "deciding access",
    "rows": "drawing the graph",
    "tables": "writing the tables",
    "graph": "loading the graph",
    "store": "loading it into the server",
}


@contextmanager
def build_report() -> Iterator[Report]:
    """A report for ``graph.builder.build`` that shows itself on standard error."""
    if sys.stderr.isatty():
        with _bar() as report:
            yield report
    else:
        yield _lines()


@contextmanager
def _bar() -> Iterator[Report]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("building", total=len(_WORDS), visible=False)
        order = list(_WORDS)

        def report(phase: str, done: int, of: int) -> None:
            part = done / of if of else 1.0
            progress.update(task, description=_WORDS[phase], completed=order.index(phase) + part, visible=True)

        yield report


def _lines() -> Report:
    begun = time.monotonic()

    def report(phase: str, done: int, of: int) -> None:
        seconds = round(time.monotonic() - begun, 1)
        line = {"event": "build", "phase": phase, "done": done, "of": of, "seconds": seconds}
        print(json.dumps(line), file=sys.stderr)

    return report
