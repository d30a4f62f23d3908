"""What a build gives its engine, and what an engine has to answer."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from bench.world import write_world
from bench.world_plan import Shape
from graph import engines, generations
from graph.builder import build
from graph.engines import Engine, LocalEngine, Task
from graph.reading_accounts import Read
from model.snapshot import Snapshot, open_snapshot

#: Large enough for a pool of processes, and to kill somebody in the middle.
SHAPE = Shape(accounts=12, principals=96, resources=60, regions=("us-east-1", "eu-west-1"), open=1)
#: The environment variable with the account whose process ``dying`` kills.
FATAL = "GRANTMAP_TEST_FATAL"
#: Seconds that ``slow`` takes over an account.
SLOW = 20.0


@dataclass
class Work:
    """An organisation, built by this process alone."""

    home: Path
    folder: Path
    shared: bytes = b""
    answers: dict[str, bytes] = field(default_factory=dict)

    @property
    def accounts(self) -> list[str]:
        return list(self.answers)

    @property
    def tasks(self) -> list[Task]:
        """Each account by itself."""
        return [(account,) for account in self.answers]


@dataclass
class Recording:
    """An engine that does what another does, and knows what it was asked."""

    engine: Engine
    asked: list[str] = field(default_factory=list)
    backwards: bool = False
    work: Work | None = None

    def read(self, snapshot: Snapshot, folder: Path, partitions: dict[str, str]) -> Iterator[Read]:
        return self.engine.read(snapshot, folder, partitions)

    def resolve(self, shared: bytes, folder: Path, tasks: Sequence[Task]) -> Iterator[tuple[str, bytes]]:
        self.asked += [account for task in tasks for account in task]
        if self.work is not None:
            self.work.shared = shared
            shutil.copytree(folder, self.work.folder)
        for account, answer in self.engine.resolve(shared, folder, tasks[::-1] if self.backwards else tasks):
            if self.work is not None:
                self.work.answers[account] = answer
            yield account, answer


@cache
def organisation(base: Path) -> Work:
    """Built once in a folder for the tests of a process. Do not write to it."""
    work = Work(base / "home", base / "inventory")
    write_world(SHAPE, work.home)
    build(open_snapshot(work.home), work.home, engine=Recording(LocalEngine(1), work=work))
    return work


def unbuilt(work: Work, folder: Path) -> Path:
    """A home in ``folder`` with the snapshot alone."""
    shutil.copytree(work.home / "snapshots", folder / "snapshots")
    return folder


def tables(home: Path) -> dict[str, bytes]:
    """Every table of the build that answers."""
    return {path.name: path.read_bytes() for path in generations.current(home).glob("*.arrow")}


def dying(shared: Path, folder: Path, task: Task) -> list[Path]:
    """What a process of a pool runs, but for one account that kills it."""
    if os.environ[FATAL] in task:
        os.kill(os.getpid(), signal.SIGKILL)
    return engines._resolve(shared, folder, task)


def killed(version: str, shared: bytes, accounts: dict[str, bytes]) -> list[bytes]:
    """What a worker of Dask runs, and does not live through."""
    os.kill(os.getpid(), signal.SIGKILL)
    return []


def interrupting(shared: Path, folder: Path, task: Task) -> list[Path]:
    """What a process of a pool runs, meeting Ctrl-C first."""
    os.kill(os.getpid(), signal.SIGINT)
    return engines._resolve(shared, folder, task)


def slow(shared: Path, folder: Path, task: Task) -> list[Path]:
    """What a process of a pool runs, taking its time over all but the first account."""
    if sorted(path.stem for path in folder.glob("*.resources"))[0] not in task:
        time.sleep(SLOW)
    return engines._resolve(shared, folder, task)
