"""The tasks of a build on the workers of a Dask cluster, for organisations that outgrow one machine.

Workers need this version of grantmap, and neither disk nor snapshot: a task is bytes. The shared entities are sent to
every worker once, the resources of an account with its task; Dask finds the function by its name. A task whose worker
dies is given to another by Dask's scheduler, ``distributed.scheduler.allowed-failures`` times. The snapshot is read
here, where it lies.

Encryption and certificates are Dask's own configuration (``DASK_DISTRIBUTED__COMM__TLS__...``, ``distributed.yaml``).
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from graph.engines import EngineError, LocalEngine, Task, inputs
from graph.reading_accounts import Read
from graph.tasks import resolved
from graph.versions import task_version
from model.snapshot import Snapshot

# distributed has types for a part of its names only, and is imported late: only who uses this engine needs it.
Client = Any
Future = Any

#: Seconds to wait for the scheduler, and for a first worker.
CONNECT, FIRST_WORKER = 10.0, 10.0
#: Seconds without any worker after which a build gives up: as long as restarting a machine may take.
NO_WORKER = 120.0
#: Seconds between two looks whether anybody is still working.
LOOK = 5.0
#: How often the shared entities are sent again after all workers that had them died.
SENT = 3
_KEPT = "what was done is kept: build again"


class DaskEngine:
    """The workers of the scheduler at ``dask://HOST:PORT``. Raises ``EngineError`` for what is no such address."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._place = _place(url)

    def read(self, snapshot: Snapshot, folder: Path, partitions: dict[str, str]) -> Iterator[Read]:
        """As ``Engine.read``, on this machine; a scheduler or workers that cannot be used are told of before."""
        with self._client():
            pass
        local = LocalEngine()
        yield from local.read(snapshot, folder, partitions)
        local.dismiss()

    def resolve(self, shared: bytes, folder: Path, tasks: Sequence[Task]) -> Iterator[tuple[str, bytes]]:
        """As ``Engine.resolve``. The answers are those of ``LocalEngine``, byte for byte."""
        if not tasks:
            return
        with self._client() as client:
            yield from _Run(client, self.url, shared, folder, tasks).answers()

    @contextmanager
    def _client(self) -> Iterator[Client]:
        """A client of a scheduler with workers of this version."""
        dask, distributed = _library()
        # An account's resources go through the scheduler by design; Dask would warn of each large one.
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 GiB"}), _quiet():
            transport = "tls" if _encrypted(dask.config.get) else "tcp"
            address = f"{transport}://{self._place}"
            security = distributed.Security()
            try:
                asyncio.run(_greet(address, security))
                client = distributed.Client(
                    address, timeout=CONNECT, security=security, set_as_default=False, name="grantmap"
                )
            except (OSError, ImportError, RuntimeError, ValueError, TypeError) as error:
                why = _first_line(error)
                raise EngineError(f"no Dask scheduler answers at `{self.url}` over {transport}: {why}") from error
            try:
                _check_workers(client, self.url)
                yield client
            finally:
                client.close(timeout=CONNECT)


class _Run:
    """The tasks of one build on their way. Dask tells in its own threads what is done; it is acted on in ours."""

    def __init__(self, client: Client, url: str, shared: bytes, folder: Path, tasks: Sequence[Task]) -> None:
        self._client = client
        self._url = url
        self._shared = shared
        self._folder = folder
        self._left = iter(tasks)
        self._running: dict[Task, Future] = {}
        self._done: queue.SimpleQueue[tuple[Task, Future]] = queue.SimpleQueue()
        self._worked = time.monotonic()
        self._sent = 0
        self._scattered = self._send()

    def answers(self) -> Iterator[tuple[str, bytes]]:
        """Answers as they come; no more tasks are given out than keep every worker busy."""
        self._give()
        while self._running:
            try:
                task, future = self._done.get(timeout=LOOK)
            except queue.Empty:
                self._look()
                continue
            if self._running.get(task) is not future:
                continue  # given out anew meanwhile
            answers = self._answers(task, future)
            if answers is not None:
                del self._running[task], future
                self._give()
                yield from zip(task, answers, strict=True)

    def _give(self) -> None:
        while len(self._running) < max(4, 2 * self._workers()):
            task = next(self._left, None)
            if task is None:
                return
            self._submit(task)

    def _submit(self, task: Task) -> None:
        future = self._client.submit(
            resolve_accounts,
            task_version(),
            self._scattered,
            inputs(self._folder, task),
            key=f"{task[0]}-{uuid4().hex}",  # never the answer of another build
            pure=False,
        )
        self._running[task] = future
        future.add_done_callback(lambda done: self._done.put((task, done)))

    def _answers(self, task: Task, future: Future) -> list[bytes] | None:
        """The answers, or None for a task that is still on its way after all."""
        from distributed import CancelledError, KilledWorker

        if future.status == "lost":
            self._again()
            return None
        try:
            answers: list[bytes] = future.result(timeout=LOOK)
        except CancelledError:  # also one whose status said otherwise a moment ago
            self._again()
            return None
        except TimeoutError:  # its worker died before the answer was fetched: Dask does it again
            self._look()
            future.add_done_callback(lambda done: self._done.put((task, done)))
            return None
        except KilledWorker as error:
            died = error.allowed_failures + 1
            if len(task) > 1:  # one of them may be the cause: each by itself, that one is known
                del self._running[task]
                for account in task:
                    self._submit((account,))
                return None
            raise EngineError(f"account `{task[0]}`: every worker that had it died ({died}); {_KEPT}") from error
        except (ImportError, AttributeError) as error:
            raise EngineError(f"a worker of `{self._url}` has no such grantmap: {_first_line(error)}") from error
        return answers

    def _send(self) -> Future:
        """The shared entities to every worker. Workers that come later get them from the others."""
        self._sent += 1
        if self._sent > SENT:
            raise EngineError(f"the workers of `{self._url}` died {SENT} times, all of them; {_KEPT}")
        with self._reached():
            self._client.wait_for_workers(1, timeout=NO_WORKER)
            return self._client.scatter(self._shared, broadcast=True, hash=False)

    def _again(self) -> None:
        """Dask gave up tasks: it lost the scheduler, or every worker that had the shared entities."""
        self._workers()
        self._scattered = self._send()
        for task in list(self._running):
            self._submit(task)

    def _look(self) -> None:
        if self._workers():
            self._worked = time.monotonic()
        elif time.monotonic() - self._worked > NO_WORKER:
            raise EngineError(f"`{self._url}` has had no worker for {NO_WORKER:.0f} s; {_KEPT}")

    def _workers(self) -> int:
        with self._reached():
            return len(self._client.nthreads())

    @contextmanager
    def _reached(self) -> Iterator[None]:
        from distributed import CancelledError

        try:
            yield
        except TimeoutError as error:
            raise EngineError(f"`{self._url}` has had no worker for {NO_WORKER:.0f} s; {_KEPT}") from error
        except (OSError, CancelledError, RuntimeError, ValueError) as error:
            raise EngineError(f"lost the Dask scheduler at `{self._url}`; {_KEPT}") from error


#: A worker may have several threads, and the tables that ``graph.tasks`` keeps between tasks are one thread's.
_ONE = threading.Lock()


def resolve_accounts(version: str, shared: bytes, accounts: dict[str, bytes]) -> list[bytes]:
    """What a worker runs, ``graph.tasks.resolved``; raises ``EngineError`` on one of another version, which might
    answer otherwise."""
    if version != task_version():
        raise EngineError(f"a worker has {task_version()}, this is {version}: install the same everywhere")
    with _ONE:
        return resolved(bytes(shared), accounts)


async def _greet(address: str, security: Any) -> None:
    """Raises ``OSError`` where no scheduler is: ``Client`` waits forever for one that listens and says nothing."""
    from distributed.comm.core import connect

    greeting = connect(address, timeout=CONNECT, **security.get_connection_args("client"))
    try:
        comm = await asyncio.wait_for(greeting, 2 * CONNECT)
    except TimeoutError as error:
        raise OSError("what listens there does not speak Dask's protocol") from error
    comm.abort()


def _check_workers(client: Client, url: str) -> None:
    """Raises ``EngineError`` unless there is a worker, and every one is of this version."""
    try:
        client.wait_for_workers(1, timeout=FIRST_WORKER)
        found: dict[str, Any] = client.run(task_version, on_error="return")
    except (OSError, RuntimeError, ValueError) as error:
        if isinstance(error, TimeoutError):
            raise EngineError(f"`{url}` has no worker: start one with `dask worker`") from error
        raise EngineError(f"the workers of `{url}` cannot be asked: {_first_line(error)}") from error
    for worker, version in sorted(found.items()):
        if isinstance(version, BaseException):
            raise EngineError(f"worker `{worker}` cannot run grantmap: {_first_line(version)}")
        if version != task_version():
            raise EngineError(f"worker `{worker}` has {version}, this is {task_version()}: install the same everywhere")


def _place(url: str) -> str:
    """HOST:PORT of ``dask://HOST:PORT``."""
    wrong = EngineError(f"unknown engine `{url}`: expected `local` or `dask://HOST:PORT`")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise wrong from None
    if parts.scheme != "dask" or not host or not port or "@" in parts.netloc or parts.path.strip("/") or parts.query:
        raise wrong
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _library() -> tuple[Any, Any]:
    try:
        import dask
        import distributed
    except ImportError as error:
        raise EngineError("the engine `dask://` needs Dask: pip install 'grantmap[dask]'") from error
    return dask, distributed


def _encrypted(configured: Any) -> bool:
    """Whether Dask is configured to talk TLS."""
    return bool(
        configured("distributed.comm.require-encryption", None) or configured("distributed.comm.tls.ca-file", None)
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """What goes wrong is one line of ours: Dask logs it too, over many lines."""
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client", "asyncio")]
    before = [one.level for one in loggers]
    for one in loggers:
        one.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"distributed\b")
            yield
    finally:
        for one, level in zip(loggers, before, strict=True):
            one.setLevel(level)


def _first_line(error: BaseException) -> str:
    with suppress(IndexError):
        return str(error).strip().splitlines()[0].rstrip(".:")
    return type(error).__name__
