"""The engine of this machine: the same answers however many processes, and nothing lost when some die."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from graph import engines, generations, tasks
from graph.builder import build
from graph.dask_engine import DaskEngine
from graph.engines import EngineError, LocalEngine, open_engine, resources_in
from graph.reading_accounts import Read
from model.loading import load_partitions
from model.snapshot import open_snapshot
from tests.conftest import ROOT
from tests.graph import engine_work
from tests.graph.engine_work import FATAL, Recording, Work, organisation, tables, unbuilt

#: A build in two processes that a signal meets when some accounts are resolved; Ctrl-C meets all of them.
STOPPED = """
import multiprocessing, os, signal, sys
from pathlib import Path
from graph.builder import build
from graph.engines import LocalEngine
from model.snapshot import open_snapshot

def report(phase, done, of):
    if phase == "resolve" and done == int(sys.argv[3]):
        print(*(child.pid for child in multiprocessing.active_children()), flush=True)
        how = int(sys.argv[2])
        if how == signal.SIGINT:
            os.killpg(0, how)
        else:
            os.kill(os.getpid(), how)

if __name__ == "__main__":
    home = Path(sys.argv[1])
    build(open_snapshot(home), home, report, engine=LocalEngine(2))
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Work:
    return organisation(tmp_path_factory.getbasetemp() / "organisation")


def pool_processes() -> list[BaseProcess]:
    return [child for child in multiprocessing.active_children() if child.name.startswith("SpawnProcess")]


def resolving(work: Work, folder: Path | None = None) -> Iterator[tuple[str, bytes]]:
    return LocalEngine(2).resolve(work.shared, folder or work.folder, work.tasks)


def test_several_processes_answer_as_one_does_in_whatever_order(work: Work, tmp_path: Path) -> None:
    home = unbuilt(work, tmp_path)
    backwards = Recording(LocalEngine(2), backwards=True)
    build(open_snapshot(home), home, engine=backwards)
    assert sorted(backwards.asked) == sorted(work.accounts)
    assert tables(home) == tables(work.home)
    assert len(tables(home)) > 5


def test_a_task_answers_alike_whatever_was_done_before_it(work: Work) -> None:
    for account in (work.accounts[-1], work.accounts[0]):
        tasks._KEPT.clear()
        found = tasks.resolved(work.shared, {account: resources_in(work.folder, account)})
        assert found == [work.answers[account]]


def test_what_a_killed_process_had_is_resolved_in_another(work: Work) -> None:
    found = {}
    for number, (account, answer) in enumerate(resolving(work)):
        found[account] = answer
        if number == 1:
            victim = pool_processes()[0]
            assert victim.pid is not None
            os.kill(victim.pid, signal.SIGKILL)
    assert found == work.answers
    assert pool_processes() == []


def test_an_account_that_kills_every_process_is_named_after_the_second(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    fatal = work.accounts[1]
    monkeypatch.setenv(FATAL, fatal)
    monkeypatch.setattr(engines, "_resolve", engine_work.dying)
    found: dict[str, bytes] = {}
    with pytest.raises(EngineError, match=f"resolving account `{fatal}`: a process died twice"):
        found.update(resolving(work))
    assert fatal not in found
    assert found.items() < work.answers.items()
    assert pool_processes() == []


def test_of_accounts_that_are_resolved_together_the_one_that_kills_is_named(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    fatal = work.accounts[1]
    monkeypatch.setenv(FATAL, fatal)
    monkeypatch.setattr(engines, "_resolve", engine_work.dying)
    found: dict[str, bytes] = {}
    with pytest.raises(EngineError, match=f"resolving account `{fatal}`: a process died twice"):
        for account, answer in LocalEngine(2).resolve(work.shared, work.folder, [tuple(work.accounts)]):
            found |= {account: answer}
    assert found == {work.accounts[0]: work.answers[work.accounts[0]]}
    assert pool_processes() == []


def test_accounts_that_are_resolved_together_are_answered_one_by_one(work: Work) -> None:
    tasks_ = [tuple(work.accounts[:5]), tuple(work.accounts[5:6]), tuple(work.accounts[6:])]
    for processes in (1, 2):
        assert dict(LocalEngine(processes).resolve(work.shared, work.folder, tasks_)) == work.answers


def test_reading_goes_on_after_a_process_was_killed(work: Work, tmp_path: Path) -> None:
    snapshot = open_snapshot(work.home)
    partitions = load_partitions(snapshot)
    expected = list(LocalEngine(1).read(snapshot, tmp_path, partitions))
    found: list[Read] = []
    engine = LocalEngine(2)
    try:
        for read in engine.read(snapshot, tmp_path, partitions):
            if not found:
                victim = pool_processes()[0]
                assert victim.pid is not None
                os.kill(victim.pid, signal.SIGKILL)
            found.append(read)
    finally:
        engine.dismiss()
    assert found == expected
    assert pool_processes() == []


def test_processes_that_have_read_wait_for_what_is_to_be_resolved(work: Work, tmp_path: Path) -> None:
    snapshot = open_snapshot(work.home)
    engine = LocalEngine(2)
    try:
        assert list(engine.read(snapshot, tmp_path, load_partitions(snapshot)))
        readers = {process.pid for process in pool_processes()}
        assert readers
        accounts = iter(engine.resolve(work.shared, work.folder, work.tasks))
        next(accounts)
        assert readers <= {process.pid for process in pool_processes()}
        assert dict(accounts)
    finally:
        engine.dismiss()
    assert pool_processes() == []


def test_ctrl_c_is_not_for_the_processes_of_a_pool(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "_resolve", engine_work.interrupting)
    account, answer = next(resolving(work))
    assert answer == work.answers[account]


def test_who_leaves_early_waits_for_no_process(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "_resolve", engine_work.slow)
    answers = resolving(work)
    next(answers)
    begun = time.monotonic()
    answers.close()  # type: ignore[attr-defined]
    assert time.monotonic() - begun < engine_work.SLOW / 2
    assert pool_processes() == []


def test_a_build_that_was_stopped_goes_on_where_it_was(work: Work, tmp_path: Path) -> None:
    home = unbuilt(work, tmp_path / "home")
    script = tmp_path / "stopped.py"
    script.write_text(STOPPED)
    for how, done in ((signal.SIGINT, 2), (signal.SIGKILL, 4)):
        stopped = subprocess.run(
            [sys.executable, str(script), str(home), str(int(how)), str(done)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            start_new_session=True,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert stopped.returncode == -how, stopped.stderr
        assert stopped.stderr.count("Traceback") == (how == signal.SIGINT), stopped.stderr  # of the build itself
        assert_gone([int(pid) for pid in stopped.stdout.split()])
        kept = list(generations.work_folder(home, open_snapshot(home).id).glob("*.resolved"))
        assert len(kept) == done
    again = Recording(LocalEngine(1))
    build(open_snapshot(home), home, engine=again)
    assert len(again.asked) == len(work.accounts) - len(kept)
    assert tables(home) == tables(work.home)


def assert_gone(pids: list[int], seconds: float = 10) -> None:
    """No process of a build that is over works on."""
    assert pids
    end = time.monotonic() + seconds
    while left := [pid for pid in pids if running(pid)]:
        assert time.monotonic() < end, left
        time.sleep(0.05)


def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        return not Path("/proc/self").exists()


def test_an_engine_is_opened_by_its_name() -> None:
    assert isinstance(open_engine("local"), LocalEngine)
    assert isinstance(open_engine("dask://scheduler:8786"), DaskEngine)


@pytest.mark.parametrize(
    "url",
    ["", "Local", "tcp://host:8786", "dask:", "dask://", "dask://host", "dask://:8786", "dask://host:x",
     "dask://host:70000", "dask://host:8786/path", "dask://user@host:8786", "dask://[::1:8786"],
)  # fmt: skip
def test_an_engine_that_does_not_exist_is_one_line(url: str) -> None:
    with pytest.raises(EngineError) as caught:
        open_engine(url)
    assert str(caught.value) == f"unknown engine `{url}`: expected `local` or `dask://HOST:PORT`"
