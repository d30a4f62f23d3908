"""The app at the end of the demo: in front on a terminal, behind where nobody could press Ctrl-C."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from cli.serving import answers, free_port, serve, wait_until_ready

#: Where a demo that nobody watches notes the app that it left running.
_NOTE = "app.json"


def running(home: Path) -> tuple[str, int] | None:
    """(address, process) of the app that an earlier demo left running in this home; ``None`` when there is none."""
    try:
        found = json.loads((home / _NOTE).read_text())
        port, process = int(found["port"]), int(found["process"])
        os.kill(process, 0)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return (f"http://127.0.0.1:{port}", process) if answers(port) else None


def show(home: Path, port: int, tell: Callable[[str], None]) -> None:
    """Starts the app, has ``tell`` say its address, and on a terminal stays until Ctrl-C."""
    if sys.stdout.isatty():
        serve(port, local=True, said=tell)
        return
    found = running(home)
    if found is None:
        found = _left_running(home, free_port(port))
    tell(found[0])
    sys.stderr.write(f"The app goes on by itself; `kill {found[1]}` stops it.\n")


def _left_running(home: Path, port: int) -> tuple[str, int]:
    """The app as a process that outlives this one and holds none of its streams."""
    with (home / "app.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603  # our own command by this interpreter; the port is a number
            [sys.executable, "-m", "cli.main", "ui", "--local", "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    wait_until_ready(process, port)
    (home / _NOTE).write_text(json.dumps({"port": port, "process": process.pid}) + "\n")
    return f"http://127.0.0.1:{port}", process.pid
