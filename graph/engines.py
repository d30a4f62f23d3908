"""Who runs the tasks of a build: this process and others beside it. Other engines run the same functions elsewhere."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from graph.heap import settle
from graph.reading_accounts import Read, decode_read, encode_read, read_account
from graph.tasks import resolved
from model.errors import GrantmapError
from model.load_account import encode_resources
from model.snapshot import Snapshot, open_snapshot
from model.sources import resources_path

#: Accounts that are resolved together.
Task = tuple[str, ...]

#: So few resources are resolved before other processes have started.
FEW_PARTS = 8
_DIED = "a process died twice, killed or out of memory; what was done is kept: build again"


class EngineError(GrantmapError):
    """An engine that does not exist, cannot be reached or lost its workers. What a build has resolved is kept."""


class Engine(Protocol):
    """Runs the two kinds of tasks of a build. A folder is one of ``model.sources``."""

    def read(self, snapshot: Snapshot, folder: Path, partitions: dict[str, str]) -> Iterator[Read]:
        """Reads every account of a snapshot into the folder, in the order of ``Snapshot.part_accounts``."""

    def resolve(self, shared: bytes, folder: Path, tasks: Sequence[Task]) -> Iterator[tuple[str, bytes]]:
        """Resolves the accounts of tasks, in whatever order they are done: what ``graph.tasks.resolved`` answers for
        each.

        Raises ``EngineError`` when those who do the work are lost.
        """


def open_engine(url: str) -> Engine:
    """The engine of ``local`` or ``dask://HOST:PORT``; raises ``EngineError`` for another."""
    if url == "local":
        return LocalEngine()
    if url.startswith("dask://"):
        from graph.dask_engine import DaskEngine

        return DaskEngine(url)
    raise EngineError(f"unknown engine `{url}`: expected `local` or `dask://HOST:PORT`")


class LocalEngine:
    """This machine: as many processes as it has processors, none beside this one where there is little to do."""

    def __init__(self, processes: int | None = None) -> None:
        self.processes = processes or os.cpu_count() or 1
        #: Processes that have read, and are there to resolve: each takes seconds to start.
        self._idle: ProcessPoolExecutor | None = None

    def read(self, snapshot: Snapshot, folder: Path, partitions: dict[str, str]) -> Iterator[Read]:
        accounts = snapshot.part_accounts
        if self._few(len(accounts)):
            for account in accounts:
                yield read_account(snapshot, account, partitions.get(account, "aws"), folder)
            return
        home = snapshot.folder.parent.parent
        jobs = [(home, snapshot.id, account, partitions.get(account, "aws"), folder) for account in accounts]
        read = died = 0
        while read < len(jobs):
            try:
                with self._pooled() as pool:
                    with _unheard():
                        answers = pool.map(_read, jobs[read:], chunksize=4)
                    for path in answers:
                        answer = decode_read(_taken(path))
                        read += 1
                        yield answer
            except BrokenProcessPool as error:
                died += 1
                if died > 1:
                    raise EngineError(f"reading account `{accounts[read]}` or one soon after: {_DIED}") from error

    def resolve(self, shared: bytes, folder: Path, tasks: Sequence[Task]) -> Iterator[tuple[str, bytes]]:
        if self._few(sum(map(len, tasks))):
            self.dismiss()
            for task in tasks:
                yield from zip(task, resolved(shared, inputs(folder, task)), strict=True)
            return
        path = folder / "shared.input"
        path.write_bytes(shared)
        try:
            yield from self._in_pools(path, folder, tasks)
        finally:
            self.dismiss()
            path.unlink(missing_ok=True)

    @contextmanager
    def _pooled(self) -> Iterator[ProcessPoolExecutor]:
        """A pool of all processes, which stays for who needs one next."""
        pool, self._idle = self._idle, None
        with _ended(pool or _new_pool(self.processes)) as found:
            yield found
        self._idle = found

    def dismiss(self) -> None:
        """Ends the processes that have read, for who has nothing to resolve."""
        if self._idle is not None:
            self._idle.shutdown(wait=True)
            self._idle = None

    def _few(self, count: int) -> bool:
        return self.processes == 1 or count < FEW_PARTS

    def _in_pools(self, shared: Path, folder: Path, tasks: Sequence[Task]) -> Iterator[tuple[str, bytes]]:
        """Resolves in a pool, and in new ones when a process of it dies.

        Any task that was given out may have been the cause. They come next, one at a time: alone each has the most
        memory. Of one that takes its process with it again each account comes by itself, and the one that does so once
        more is known.
        """
        left, suspects = dict.fromkeys(tasks), dict[Task, None]()
        while left or suspects:
            given: dict[Task, None] = {}
            ahead = 1 if suspects else self.processes * 2
            try:
                with _alone() if suspects else self._pooled() as pool:
                    for task, answers in _unordered(pool, shared, folder, list(suspects or left), ahead, given):
                        left.pop(task, None)
                        suspects.pop(task, None)
                        yield from zip(task, answers, strict=True)
            except BrokenProcessPool as error:
                if not suspects:
                    suspects = given
                    left = {task: None for task in left if task not in given}
                    continue
                task = next(iter(given), next(iter(suspects)))
                if len(task) == 1:
                    raise EngineError(f"resolving account `{task[0]}`: {_DIED}") from error
                del suspects[task]
                suspects = {**{(account,): None for account in task}, **suspects}


def _new_pool(processes: int) -> ProcessPoolExecutor:
    # Started afresh rather than forked: a process with threads (a progress bar, Arrow) is not safely forked.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(processes, mp_context=context, initializer=_end_with_parent)


@contextmanager
def _alone() -> Iterator[ProcessPoolExecutor]:
    """A process by itself."""
    with _ended(_new_pool(1)) as pool:
        yield pool
    pool.shutdown(wait=True)


@contextmanager
def _ended(pool: ProcessPoolExecutor) -> Iterator[ProcessPoolExecutor]:
    """Processes to give tasks to; who leaves early, by an error or Ctrl-C, waits for none of them."""
    try:
        yield pool
    except BaseException:
        # No public way before Python 3.14. The pool's own thread sees that they are gone and ends too.
        for process in list((pool._processes or {}).values()):
            process.kill()
        pool.shutdown(wait=True, cancel_futures=True)
        raise


def _unordered(
    pool: ProcessPoolExecutor, shared: Path, folder: Path, tasks: Sequence[Task], ahead: int, given: dict[Task, None]
) -> Iterator[tuple[Task, list[bytes]]]:
    """Answers as they come; no more than ``ahead`` tasks are given out, so that answers do not pile up.

    ``given`` has those tasks, also after an error.
    """
    left = iter(tasks)
    running: dict[Future[list[Path]], Task] = {}
    while True:
        while len(running) < ahead and (task := next(left, None)) is not None:
            given[task] = None
            with _unheard():
                running[pool.submit(_resolve, shared, folder, task)] = task
        if not running:
            return
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in sorted(done, key=lambda one: one.exception() is not None):  # what is there is not lost
            answers, task = [_taken(path) for path in future.result()], running.pop(future)
            del given[task]
            yield task, answers


def _taken(path: Path) -> bytes:
    """An answer out of its file: a process killed while it sends one of any size would leave a pool waiting."""
    answer = path.read_bytes()
    path.unlink()
    return answer


@contextmanager
def _unheard() -> Iterator[None]:
    """Processes that are started meanwhile never hear of Ctrl-C, which is this process's to act on."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with_parent() -> None:
    """A process whose parent was killed would wait for tasks forever."""

    def end() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=end, daemon=True).start()


@lru_cache(maxsize=1)
def _opened(home: Path, snapshot: str) -> Snapshot:
    return open_snapshot(home, snapshot)


def _read(job: tuple[Path, str, str, str, Path]) -> Path:
    """Reads one account; its answer is in the file."""
    home, snapshot, account, partition, folder = job
    path = folder / f"{account}.read"
    path.write_bytes(encode_read(read_account(_opened(home, snapshot), account, partition, folder)))
    return path


_SHARED: dict[Path, bytes] = {}


def _resolve(shared: Path, folder: Path, task: Task) -> list[Path]:
    """Resolves some accounts; their answers are in the files."""
    if shared not in _SHARED:
        _SHARED.clear()
        _SHARED[shared] = shared.read_bytes()
    paths = [folder / f"{account}.answer" for account in task]
    for path, answer in zip(paths, resolved(_SHARED[shared], inputs(folder, task)), strict=True):
        path.write_bytes(answer)
    settle()
    return paths


def inputs(folder: Path, task: Task) -> dict[str, bytes]:
    """The resources of the accounts of a task."""
    return {account: resources_in(folder, account) for account in task}


def resources_in(folder: Path, account: str) -> bytes:
    """The resources of an account as tasks take them; an account may have none."""
    path = resources_path(folder, account)
    return path.read_bytes() if path.exists() else encode_resources(())
