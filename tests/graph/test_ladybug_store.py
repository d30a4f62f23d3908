"""The embedded store: the suite of all stores, then what only files and folders can do wrong."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from graph import generations, ladybug_store
from graph.embedded import EmbeddedStore
from graph.ladybug_store import LadybugStore
from graph.schema import GRAPH_VERSION
from graph.store import StoreError, node_rows, open_store
from tests.graph.loads import large, small, users
from tests.graph.store_suite import ROOT, StoreSuite

USERS = "MATCH (n:User {snapshot: $snapshot}) RETURN n.key AS key ORDER BY key"


class TestEmbeddedStore(StoreSuite):
    @pytest.fixture
    def address(self, tmp_path: Path) -> str:
        return str(tmp_path / "home")


def built(home: Path, snapshot: str = "s1") -> Path:
    EmbeddedStore(home).load(snapshot, *small())
    return generations.current(home) / generations.GRAPH_FILE


def test_a_file_is_made_loaded_once_and_opened_again(tmp_path: Path) -> None:
    file = tmp_path / "graph.lbug"
    with LadybugStore.create(file) as store:
        with pytest.raises(StoreError, match="not loaded yet"):
            store.generation()
        store.load("s1", *small())
        assert store.query(USERS).rows == (("u1",), ("u2",))
        with pytest.raises(StoreError, match="loaded already"):
            store.load("s2", *small())
    with pytest.raises(StoreError, match="exists already"):
        LadybugStore.create(file)
    opened = open_store(file)
    assert opened.generations() == ("s1",)
    assert opened.prune(1) == ()
    opened.close()
    assert [path.name for path in tmp_path.iterdir()] == ["graph.lbug"]


def test_a_load_takes_the_time_it_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = {"User": node_rows("User", {"key": [f"u{n:06}" for n in range(300_000)]})}
    run = LadybugStore._run

    def ran(self: LadybugStore, text: str, parameters: Mapping[str, object]) -> Any:
        with monkeypatch.context() as questions:
            questions.setattr(ladybug_store, "_TIMEOUT_MS", 120_000)
            return run(self, text, parameters)

    monkeypatch.setattr(LadybugStore, "_run", ran)
    monkeypatch.setattr(ladybug_store, "_TIMEOUT_MS", 1)
    with LadybugStore.create(tmp_path / "graph.lbug") as store:
        assert store.load("s1", many, {}).nodes == {"User": 300_000}


def test_a_missing_or_damaged_file_says_what_to_do(tmp_path: Path) -> None:
    file = built(tmp_path)
    whole = file.read_bytes()
    for damage in (b"", whole[: len(whole) // 2], b"\0" * 4096 + whole[4096:], whole[:-200_000], b"no database"):
        file.write_bytes(damage)
        with pytest.raises(StoreError, match="run `grantmap build`") as caught:
            open_store(tmp_path).generation()
        assert "\n" not in str(caught.value)
    file.unlink()
    with pytest.raises(StoreError, match="run `grantmap build`"):
        open_store(tmp_path).generation()
    with pytest.raises(StoreError, match="run `grantmap build`"):
        open_store(tmp_path / "nowhere.lbug")


def test_a_load_that_did_not_end_is_no_graph(tmp_path: Path) -> None:
    store = LadybugStore.create(tmp_path / "graph.lbug")
    with pytest.raises(StoreError, match="occurs twice"):
        store.load("s1", {"User": users("a", "a")}, {})
    store.close()
    with pytest.raises(StoreError, match="run `grantmap build`"):
        LadybugStore.open(tmp_path / "graph.lbug")


def test_a_graph_of_another_version_is_built_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = built(tmp_path)
    monkeypatch.setattr("graph.ladybug_store.GRAPH_VERSION", 99)
    with pytest.raises(StoreError, match=rf"has version {GRAPH_VERSION}, this grantmap reads 99: run `grantmap build`"):
        LadybugStore.open(file)


def test_a_store_can_be_asked_for_an_older_generation(tmp_path: Path) -> None:
    built(tmp_path, "s1")
    EmbeddedStore(tmp_path).load("s2", {"User": users("u9")}, {})
    assert EmbeddedStore(tmp_path, "s1").query(USERS).rows == (("u1",), ("u2",))
    assert EmbeddedStore(tmp_path).query(USERS).rows == (("u9",),)
    file = tmp_path / "graphs" / "s1" / "graph.lbug"
    for opened in (open_store(tmp_path, "s1"), open_store(tmp_path / "graphs", "s1"), open_store(file, "s1")):
        assert opened.generation() == "s1"
        opened.close()
    with pytest.raises(StoreError, match="is of snapshot `s1`, not `s2`"):
        open_store(file, "s2")
    with pytest.raises(StoreError, match=r"no graph of snapshot `s3` \(there are: `s1`, `s2`\)"):
        EmbeddedStore(tmp_path, "s3").counts()


def test_an_open_store_outlives_the_removal_of_its_generation(tmp_path: Path) -> None:
    built(tmp_path)
    reader = EmbeddedStore(tmp_path)
    assert reader.generation() == "s1"
    EmbeddedStore(tmp_path).load("s2", {}, {})
    assert EmbeddedStore(tmp_path).prune(1) == ("s1",)
    assert reader.query(USERS).rows == (("u1",), ("u2",))


def test_readers_in_several_processes_and_threads_do_not_hinder_one_another(tmp_path: Path) -> None:
    built(tmp_path)
    code = (
        "import sys; from graph.store import open_store; s = open_store(sys.argv[1]); print(s.counts().nodes['User'])"
    )
    reader = EmbeddedStore(tmp_path)
    answers: list[object] = []
    threads = [threading.Thread(target=lambda: answers.append(reader.query(USERS).rows)) for _ in range(8)]
    for thread in threads:
        thread.start()
    other = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    for thread in threads:
        thread.join()
    assert other.stdout == "2\n", other.stderr
    assert answers == [(("u1",), ("u2",))] * 8


def test_one_build_at_a_time(tmp_path: Path) -> None:
    with generations.building(tmp_path, "s1"):
        with pytest.raises(StoreError, match="being built by another process"):
            EmbeddedStore(tmp_path).load("s2", {}, {})
        LadybugStore.create(tmp_path / "graphs" / ".s1.part" / "graph.lbug").load("s1", *small())
    assert generations.built(tmp_path) == ("s1",)


def test_a_build_that_fails_leaves_nothing(tmp_path: Path) -> None:
    built(tmp_path)
    with pytest.raises(ZeroDivisionError), generations.building(tmp_path, "s2") as folder:
        (folder / "table").write_text("half")
        raise ZeroDivisionError
    assert generations.built(tmp_path) == ("s1",)
    assert sorted(path.name for path in (tmp_path / "graphs").iterdir()) == [".lock", "current", "s1"]


@pytest.mark.parametrize("step", range(8))
def test_a_build_killed_at_any_step_of_its_publishing_leaves_a_whole_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    built(tmp_path)
    left = step

    class Killed(BaseException):
        pass

    def counting(name: str) -> None:
        real = getattr(Path, name)

        def act(self: Path, target: Path) -> Path:
            nonlocal left
            if left == 0:
                raise Killed
            left -= 1
            return Path(real(self, target))

        monkeypatch.setattr(Path, name, act)

    counting("rename")
    counting("replace")
    final = tmp_path / "graphs" / "s1"
    part = final.with_name(".s1.part")
    part.mkdir()
    store = LadybugStore.create(part / "graph.lbug")
    store.load("s1", {"User": users("new")}, {})
    store.close()
    try:
        generations.publish(part, final)
        assert step >= 4, "every rename is a step"
    except Killed:
        assert step < 4
    monkeypatch.undo()
    assert EmbeddedStore(tmp_path).query(USERS).rows in ((("u1",), ("u2",)), (("new",),))
    EmbeddedStore(tmp_path).load("s2", {}, {})
    assert set(generations.built(tmp_path)) >= {"s2"}
    assert not [p for p in (tmp_path / "graphs").iterdir() if p.name.endswith((".part", ".old"))]
    expected = (("new",),) if step > 0 else (("u1",), ("u2",))
    assert EmbeddedStore(tmp_path, "s1").query(USERS).rows == expected


@pytest.mark.parametrize("name", ["", "current", ".hidden", "a/b", "../x", "a\nb", "x" * 300])
def test_a_snapshot_id_is_a_plain_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError, match="wrong snapshot id"):
        EmbeddedStore(tmp_path).load(name, {}, {})


def test_importing_the_stores_does_not_import_the_database() -> None:
    code = "import sys, graph.embedded, graph.store; print([m for m in ('ladybug', 'pyarrow') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert run.stdout == "[]\n", run.stderr


def test_an_address_of_no_store_is_refused() -> None:
    with pytest.raises(StoreError, match="unknown store"):
        open_store("ftp://x")


def test_a_large_load_is_counted_in_the_database_too(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path)
    counts = store.load("s1", *large(2_000, 10_000))
    assert (counts.nodes, counts.edges) == ({"User": 1_000, "Role": 1_000}, {"CAN_ASSUME": 10_000})
    edges = "MATCH (a:User {snapshot: $snapshot})-[e:CAN_ASSUME]->(b:Role) RETURN count(*) AS n"
    assert store.query(edges).rows == ((10_000,),)
