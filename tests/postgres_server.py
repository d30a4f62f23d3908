"""A real PostgreSQL server for tests, started from the installed binaries; tests that need it are skipped without."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

_USER = "grantmap"


def binaries() -> Path | None:
    """The folder of ``initdb`` and ``postgres``; ``None`` where they are not installed."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    found = shutil.which("postgres")
    folders += [Path(found).resolve().parent] if found else []
    return next((folder for folder in reversed(folders) if (folder / "initdb").exists()), None)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Callable[[], str]]:
    """Makes a new, empty database each time it is called, and answers with its URL."""
    folder = binaries()
    if folder is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    pytest.importorskip("pg8000", reason="PostgreSQL needs the driver pg8000")
    home = Path(tempfile.mkdtemp(prefix="grantmap-postgresql-"))
    server = _start(folder, home)
    numbers = itertools.count(1)

    def new_database() -> str:
        name = f"reviews_{next(numbers)}"
        _run(folder / "createdb", "-h", "127.0.0.1", "-p", str(server.port), "-U", _USER, name)
        return f"postgresql+pg8000://{_USER}@127.0.0.1:{server.port}/{name}"

    try:
        yield new_database
    finally:
        # Immediate shutdown: nothing of it has to be kept.
        server.process.send_signal(signal.SIGQUIT)
        server.process.wait(30)
        shutil.rmtree(home, ignore_errors=True)


class _Server:
    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port


def _start(folder: Path, home: Path) -> _Server:
    data = home / "data"
    if (user := _somebody_else()) is not None:
        os.chown(home, user, -1)
    _run(folder / "initdb", "-D", str(data), "-U", _USER, "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command: list[str | Path] = [folder / "postgres", "-D", data, "-k", home, "-h", "127.0.0.1", "-p", str(port)]
    command += ["-c", "fsync=off"]
    log = (home / "log").open("wb")
    process = subprocess.Popen(command, stdout=log, stderr=log, user=user, cwd=home)
    for _ in range(300):
        ready = subprocess.run([folder / "pg_isready", "-h", "127.0.0.1", "-p", str(port)], capture_output=True)
        if ready.returncode == 0:
            return _Server(process, port)
        if process.poll() is not None:
            break
        time.sleep(0.1)
    process.kill()
    pytest.skip(f"PostgreSQL did not start: {(home / 'log').read_text()[-300:]}")


def _somebody_else() -> int | None:
    """PostgreSQL refuses to run as root: the user that it runs as then."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    return 65534


def _run(program: Path, *arguments: str) -> None:
    done = subprocess.run([program, *arguments], capture_output=True, text=True, user=_somebody_else(), cwd="/")
    if done.returncode != 0:
        pytest.skip(f"PostgreSQL: {program.name} failed: {done.stderr.strip()[-300:]}")
