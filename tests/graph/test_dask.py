"""The same build on the workers of a Dask cluster: identical answers, also when workers die, and clear errors."""

from __future__ import annotations

import os
import pickletools
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dask
import pytest
from distributed import LocalCluster
from distributed.protocol import pickle as transport
from distributed.security import Security

from cli.main import run
from graph import dask_engine, generations, versions
from graph.builder import build
from graph.dask_engine import DaskEngine, resolve_accounts
from graph.engines import EngineError, resources_in
from graph.versions import task_version
from model.snapshot import open_snapshot
from tests.graph.engine_work import Recording, Work, killed, organisation, tables, unbuilt


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Work:
    return organisation(tmp_path_factory.getbasetemp() / "organisation")


def started(workers: int, **more: Any) -> LocalCluster:
    return LocalCluster(
        n_workers=workers,
        processes=True,
        threads_per_worker=1,
        dashboard_address="127.0.0.1:0",
        silence_logs=50,
        **more,
    )


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with started(2) as found:
        yield found


def url_of(cluster: LocalCluster) -> str:
    return f"dask://{cluster.scheduler_address.split('://')[1]}"


def resolving(
    cluster: LocalCluster, work: Work, then: Callable[[], object] = lambda: None
) -> Iterator[tuple[str, bytes]]:
    """Answers of the cluster; ``then`` is done after the second."""
    for number, answer in enumerate(DaskEngine(url_of(cluster)).resolve(work.shared, work.folder, work.tasks)):
        yield answer
        if number == 1:
            then()


def kill(cluster: LocalCluster, count: int) -> None:
    for nanny in list(cluster.workers.values())[:count]:
        os.kill(nanny.pid, signal.SIGKILL)


def test_a_build_on_workers_is_the_build_of_this_machine(cluster: LocalCluster, work: Work, tmp_path: Path) -> None:
    home = unbuilt(work, tmp_path)
    engine = Recording(DaskEngine(url_of(cluster)))
    build(open_snapshot(home), home, engine=engine)
    assert sorted(engine.asked) == sorted(work.accounts)
    assert tables(home) == tables(work.home)


def test_nothing_travels_but_bytes_and_the_name_of_a_function() -> None:
    sent = transport.dumps(resolve_accounts)
    names = {argument for code, argument, _ in pickletools.genops(sent) if code.name == "SHORT_BINUNICODE"}
    assert names == {"graph.dask_engine", "resolve_accounts"}
    assert set(resolve_accounts.__annotations__.values()) == {"str", "bytes", "dict[str, bytes]", "list[bytes]"}


@pytest.mark.parametrize("count", [1, 2], ids=["one", "all"])
def test_what_killed_workers_had_is_resolved_by_others(cluster: LocalCluster, work: Work, count: int) -> None:
    assert dict(resolving(cluster, work, lambda: kill(cluster, count))) == work.answers


def test_an_account_whose_workers_died_too_often_is_named(
    cluster: LocalCluster, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster.scheduler, "allowed_failures", 0)
    monkeypatch.setattr(dask_engine, "resolve_accounts", killed)
    account = work.accounts[0]
    with pytest.raises(EngineError, match=rf"^account `{account}`: every worker that had it died \(1\)"):
        list(DaskEngine(url_of(cluster)).resolve(work.shared, work.folder, [(account,)]))
    several = tuple(work.accounts[:2])
    with pytest.raises(EngineError, match=rf"^account `({'|'.join(several)})`: every worker that had it died \(1\)"):
        list(DaskEngine(url_of(cluster)).resolve(work.shared, work.folder, [several]))


def test_accounts_that_are_resolved_together_are_answered_one_by_one(cluster: LocalCluster, work: Work) -> None:
    tasks = [tuple(work.accounts[:5]), tuple(work.accounts[5:])]
    assert dict(DaskEngine(url_of(cluster)).resolve(work.shared, work.folder, tasks)) == work.answers


def test_a_scheduler_that_goes_away_loses_nothing(work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_engine, "CONNECT", 3.0)
    home = unbuilt(work, tmp_path)
    with started(1) as alone:

        def report(phase: str, done: int, of: int) -> None:
            if phase == "resolve" and done == 2:
                alone.close()

        with pytest.raises(EngineError, match=r"lost the Dask scheduler at `dask://127.0.0.1:.*build again"):
            build(open_snapshot(home), home, report, engine=DaskEngine(url_of(alone)))
    kept = list(generations.work_folder(home, open_snapshot(home).id).glob("*.resolved"))
    assert 2 <= len(kept) < len(work.accounts)


def test_workers_of_another_version_are_refused(
    cluster: LocalCluster, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = task_version()
    monkeypatch.setattr(versions, "TABLES_VERSION", 0)
    with pytest.raises(EngineError) as caught:
        next(resolving(cluster, work))
    assert f"has {theirs}, this is {task_version()}: install the same everywhere" in str(caught.value)

    monkeypatch.setattr(dask_engine, "_check_workers", lambda client, url: None)  # as for one that came later
    with pytest.raises(EngineError, match=r"^a worker has grantmap"):
        next(resolving(cluster, work))


def test_a_worker_without_grantmap_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "graph.py").write_text("")  # what it finds under our name is something else
    with started(0) as cluster:
        worker = subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_worker", cluster.scheduler_address, "--no-nanny",
             "--no-dashboard", "--nthreads", "1", "--local-directory", str(tmp_path)],
            cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)}, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            with pytest.raises(EngineError, match=r"^worker `tcp://.*` cannot run grantmap: .*graph"):
                list(DaskEngine(url_of(cluster)).resolve(b"", tmp_path, [("1",)]))
        finally:
            worker.kill()
            worker.wait()


def test_a_scheduler_without_workers_is_one_line(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_engine, "FIRST_WORKER", 0.5)
    with started(0) as empty, pytest.raises(EngineError, match="has no worker: start one with `dask worker`"):
        list(resolving(empty, work))


@pytest.mark.parametrize("listening", [False, True], ids=["nobody", "something else"])
def test_no_scheduler_is_one_line_and_status_2(
    work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], listening: bool
) -> None:
    monkeypatch.setattr(dask_engine, "CONNECT", 1.0)
    monkeypatch.setenv("GRANTMAP_HOME", str(unbuilt(work, tmp_path)))
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        if listening:
            other.listen()
        assert run(["build", "--engine", f"dask://127.0.0.1:{port}"]) == 2
    out, err = capsys.readouterr()
    lines = [line for line in err.splitlines() if not line.startswith('{"event"')]
    assert out == ""
    assert len(lines) == 1, err
    assert f"no Dask scheduler answers at `dask://127.0.0.1:{port}` over tcp: " in lines[0]


def test_without_the_library_the_line_says_what_to_install(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(EngineError, match=r"needs Dask: pip install 'grantmap\[dask\]'"):
        list(DaskEngine("dask://127.0.0.1:1").resolve(work.shared, work.folder, work.tasks))


def test_the_configuration_of_dask_turns_encryption_on(work: Work, tmp_path: Path) -> None:
    keys = Security.temporary()
    files = {"ca-file": keys.tls_ca_file, "cert": keys.tls_client_cert, "key": keys.tls_client_key}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    settings = {
        "distributed.comm.require-encryption": True,
        "distributed.comm.tls.ca-file": str(tmp_path / "ca-file"),
        "distributed.comm.tls.client.cert": str(tmp_path / "cert"),
        "distributed.comm.tls.client.key": str(tmp_path / "key"),
    }
    account = work.accounts[0]
    with started(1, protocol="tls", security=keys) as encrypted:
        engine = DaskEngine(url_of(encrypted))
        assert encrypted.scheduler_address.startswith("tls://")
        with dask.config.set(settings):
            assert dict(engine.resolve(work.shared, work.folder, [(account,)])) == {account: work.answers[account]}


def test_a_worker_answers_what_a_process_here_does(work: Work) -> None:
    account = work.accounts[0]
    resources = {account: resources_in(work.folder, account)}
    assert resolve_accounts(task_version(), work.shared, resources) == [work.answers[account]]
