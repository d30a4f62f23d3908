"""The store in a Neo4j server: the suite of all stores, then what only a server can do wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from graph import neo4j_load, neo4j_send
from graph.neo4j_server import OutOfServerMemoryError, Server
from graph.neo4j_store import Neo4jStore
from graph.schema import GRAPH_VERSION
from graph.store import Counts, StoreError, open_store
from tests.graph.loads import large, small, users
from tests.graph.store_suite import ROOT, StoreSuite
from tests.neo4j_server import Neo4jServer, OwnServer, free_port

USERS = "MATCH (n:User {snapshot: $snapshot}) RETURN n.key AS key ORDER BY key"
MANY = (30_000, 120_000)

_LOADER = (
    "import sys; from tests.graph.loads import large; from graph.store import open_store;"
    "store, load = open_store(sys.argv[1]), large(*map(int, sys.argv[3:])); print('loading', flush=True);"
    "store.load(sys.argv[2], *load); print('loaded', flush=True)"
)


@pytest.fixture
def address(neo4j: Neo4jServer) -> str:
    """An empty database."""
    neo4j.empty()
    return neo4j.address


class TestNeo4jStore(StoreSuite):
    @pytest.fixture
    def address(self, neo4j: Neo4jServer) -> str:
        neo4j.empty()
        return neo4j.address


def one_line(address: str, message: str) -> None:
    """Asking the store fails in one clear line, which never holds the password."""
    store = open_store(address)
    for ask in (store.generation, store.generations, lambda: store.load("s9", *small()), lambda: store.prune(1)):
        with pytest.raises(StoreError, match=message) as caught:
            ask()
        assert "\n" not in str(caught.value)
        assert str(caught.value)[0] in "`abcdefghijklmnopqrstuvwxyz"
        assert os.environ["NEO4J_PASSWORD"] not in str(caught.value)
    store.close()


def nodes_held(neo4j: Neo4jServer) -> int:
    return int(str(neo4j.run("MATCH (n) WHERE NOT n:Generation RETURN count(n) AS n")[0][0]))


# -- what cannot be reached


def test_a_server_that_does_not_run_is_one_line(neo4j: Neo4jServer) -> None:
    one_line(f"bolt://127.0.0.1:{free_port()}", "cannot reach `bolt://.*`: connection refused")
    one_line(f"neo4j://127.0.0.1:{free_port()}", "cannot reach `neo4j://.*`: (connection refused|no server answers)")


def test_an_unknown_host_is_one_line(neo4j: Neo4jServer) -> None:
    one_line("bolt://no-such-host.invalid", "cannot reach `bolt://no-such-host.invalid`: ")


def test_a_wrong_password_is_one_line(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO4J_USERNAME", "nobody")
    monkeypatch.setenv("NEO4J_PASSWORD", "not-the-password")
    one_line(address, "refuses (the user name or the password|logins after too many).*check NEO4J_USERNAME and NEO4J_P")


def test_a_missing_password_is_asked_for(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEO4J_PASSWORD")
    with pytest.raises(StoreError, match="asks for a password: set NEO4J_USERNAME and NEO4J_PASSWORD"):
        open_store(address).generation()


@pytest.mark.parametrize("url", ["bolt://neo4j:hunter2@127.0.0.1", "neo4j://hunter2@db", "bolt://db/x@hunter2"])
def test_a_password_in_the_address_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(StoreError, match="a store address holds no credentials: set NEO4J_USERNAME") as caught:
        open_store(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["bolt://", "bolt://:7687", "bolt://host:many", "bolt://host/a/b", "bolt://host#x"])
def test_an_address_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(StoreError, match="wrong store address"):
        open_store(url)


def test_a_database_that_is_not_there_is_one_line(address: str) -> None:
    one_line(f"{address}/nowhere", "has no database `nowhere`")


def test_the_database_is_named_by_the_address_or_the_environment(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    open_store(address).load("s1", *small())
    assert open_store(f"{address}/neo4j").generation() == "s1"
    monkeypatch.setenv("NEO4J_DATABASE", "nowhere")
    with pytest.raises(StoreError, match="has no database `nowhere`"):
        open_store(address).generation()
    assert open_store(f"{address}/neo4j").generation() == "s1"


def test_the_routing_scheme_answers_alike(address: str) -> None:
    routed = open_store(address.replace("bolt://", "neo4j://"))
    routed.load("s1", *small())
    assert (routed.generation(), routed.query(USERS).rows) == ("s1", (("u1",), ("u2",)))
    routed.close()


def test_an_old_server_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graph.neo4j_server._OLDEST", (99, 0))
    one_line(address, r"is Neo4j 5\.\d+.*: grantmap needs Neo4j 5 or newer")


# -- generations


def test_a_graph_of_another_version_is_built_anew(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    open_store(address).load("s1", *small())
    monkeypatch.setattr("graph.neo4j_store.GRAPH_VERSION", 99)
    with pytest.raises(StoreError, match=rf"has version {GRAPH_VERSION}, this grantmap reads 99: run `grantmap build`"):
        open_store(address).generation()


def test_a_store_can_be_asked_for_an_older_generation(address: str) -> None:
    open_store(address).load("s1", *small())
    open_store(address).load("s2", {"User": users("u9")}, {})
    assert open_store(address, "s1").query(USERS).rows == (("u1",), ("u2",))
    assert open_store(address).query(USERS).rows == (("u9",),)
    with pytest.raises(StoreError, match=r"no graph of snapshot `s3` in `.*` \(there are: `s1`, `s2`\)"):
        open_store(address, "s3").counts()


def test_an_open_store_outlives_one_reload_of_its_snapshot_and_then_says_that_it_is_gone(address: str) -> None:
    open_store(address).load("s1", *small())
    reader = open_store(address)
    assert reader.query(USERS).rows == (("u1",), ("u2",))
    open_store(address).load("s1", {"User": users("new")}, {})
    assert reader.query(USERS).rows == (("u1",), ("u2",))
    assert open_store(address).generations() == ("s1",)
    open_store(address).load("s2", {}, {})
    with pytest.raises(StoreError, match=r"graph of snapshot `s1` was removed from `.*` meanwhile: ask again"):
        reader.query(USERS)


def test_a_pruned_generation_is_gone_whole_and_its_readers_are_told(neo4j: Neo4jServer, address: str) -> None:
    store = open_store(address)
    store.load("s1", *small())
    reader = open_store(address)
    assert reader.query(USERS).rows
    store.load("s2", {"User": users("u9")}, {})
    assert store.prune(1) == ("s1",)
    with pytest.raises(StoreError, match="was removed"):
        reader.shortest_paths([], [], ["CAN_ASSUME"], 1, 1) or reader.query(USERS)
    assert nodes_held(neo4j) == 1


def test_readers_never_see_half_of_a_snapshot_that_is_loaded_again(address: str) -> None:
    whole = [large(2_000, 8_000), large(3_000, 9_000)]
    sizes = {(1_000, 8_000), (1_500, 9_000)}
    open_store(address).load("s1", *whole[0])
    seen: set[tuple[object, ...]] = set()
    done = threading.Event()
    text = (
        "MATCH (n:User {snapshot: $snapshot}) WITH count(n) AS users "
        "MATCH (:User {snapshot: $snapshot})-[e:CAN_ASSUME]->() RETURN users, count(e) AS edges"
    )

    def ask() -> None:
        while not done.is_set():
            reader = open_store(address)
            seen.add(reader.query(text).rows[0])
            reader.close()

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        for load in (whole[1], whole[0], whole[1]):
            open_store(address).load("s1", *load)
    finally:
        done.set()
        thread.join()
    assert seen and seen <= sizes


def test_sessions_that_answer_may_not_write_whatever_the_text(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(address)
    store.load("s1", *small())
    monkeypatch.setattr("graph.cyphertext.check_reads", lambda _: None)
    with pytest.raises(StoreError, match=r"(?i)access mode|not allowed"):
        store.query("MATCH (n:User {snapshot: $snapshot}) DETACH DELETE n")
    assert store.query(USERS).rows == (("u1",), ("u2",))


# -- loads that do not end


@contextmanager
def loading(address: str, generation: str = "s2", size: tuple[int, int] = MANY) -> Iterator[subprocess.Popen[str]]:
    """Another process that has begun to load."""
    command = [sys.executable, "-c", _LOADER, address, generation, *map(str, size)]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "loading\n"
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def until(neo4j: Neo4jServer, text: str) -> None:
    """Waits until a statement gives a row."""
    deadline = time.monotonic() + 300
    while not neo4j.run(text):
        assert time.monotonic() < deadline, text
        time.sleep(0.02)


MOMENTS = {
    "nodes": "MATCH (g:Generation {snapshot: 's2'}) MATCH (n:User {snapshot: g.key}) RETURN n.key LIMIT 1",
    "edges": "MATCH (g:Generation {snapshot: 's2'}) MATCH (:User {snapshot: g.key})-[e]->() RETURN e LIMIT 1",
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_loader_killed_in_the_middle_changes_nothing_and_the_next_one_tidies_up(
    neo4j: Neo4jServer, address: str, moment: str
) -> None:
    counts = open_store(address).load("s1", *small())
    reader = open_store(address)
    assert reader.generation() == "s1"
    with loading(address) as child:
        until(neo4j, MOMENTS[moment])
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    assert nodes_held(neo4j) > sum(counts.nodes.values())
    late = open_store(address)
    for store in (reader, late):
        assert (store.generation(), store.counts(), store.generations()) == ("s1", counts, ("s1",))
        assert store.query(USERS).rows == (("u1",), ("u2",))
    assert late.load("s2", {"User": users("u9")}, {}) == Counts({"User": 1}, {})
    assert late.generations() == ("s1", "s2")
    assert nodes_held(neo4j) == sum(counts.nodes.values()) + 1


def test_what_a_killed_load_left_goes_with_the_next_prune_too(neo4j: Neo4jServer, address: str) -> None:
    store = open_store(address)
    counts = store.load("s1", *small())
    with loading(address):
        until(neo4j, MOMENTS["nodes"])
    assert store.prune(1) == ()
    assert nodes_held(neo4j) == sum(counts.nodes.values())


def test_one_load_at_a_time(neo4j: Neo4jServer, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neo4j_load, "_PATIENCE_SECONDS", 0.3)
    store = open_store(address)
    store.load("s1", *small())
    with loading(address) as child:
        until(neo4j, MOMENTS["nodes"])
        for act in (lambda: store.load("s3", *small()), lambda: store.prune(1)):
            with pytest.raises(StoreError, match="is being loaded by another process: wait for it"):
                act()
        out, err = child.communicate(timeout=120)
    assert (out, err) == ("loaded\n", "")
    assert open_store(address).counts().edges == {"CAN_ASSUME": MANY[1]}


def test_a_load_whose_hold_was_taken_away_ends(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(address)
    store.load("s1", *small())
    real = neo4j_send.node_batches

    def ended(rows: object) -> Iterator[neo4j_send.Batch]:
        other = Server(address)
        (id_,) = other.rows(
            "SHOW TRANSACTIONS YIELD transactionId AS id, metaData AS m WHERE m.grantmap = 'load' RETURN id", {}
        )[0]
        other.run_apart(f"TERMINATE TRANSACTION '{id_}'", {}, "other")
        other.close()
        yield from real(rows)

    monkeypatch.setattr(neo4j_send, "node_batches", ended)
    with pytest.raises(StoreError) as caught:
        store.load("s2", {"User": users("u9")}, {})
    assert "\n" not in str(caught.value)
    assert open_store(address).generations() == ("s1",)


def test_an_edge_that_finds_no_node_ends_the_load(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(address)
    store.load("s1", *small())
    monkeypatch.setattr(neo4j_send, "node_batches", lambda rows: iter(()))
    with pytest.raises(StoreError, match=r"took 0 of [12] rows: another process changes its graph"):
        store.load("s2", *small())
    assert open_store(address).generations() == ("s1",)


def own(neo4j: Neo4jServer) -> OwnServer:
    """The server, if it is ours to kill."""
    if not isinstance(neo4j, OwnServer):
        pytest.skip("Neo4j of NEO4J_URI or in Docker is not ours to kill")
    return neo4j


def test_a_server_killed_in_the_middle_of_a_load_comes_back_with_the_generation_before_it(
    neo4j: Neo4jServer, address: str
) -> None:
    server = own(neo4j)
    counts = open_store(address).load("s1", *small())
    reader = open_store(address)
    assert reader.query(USERS).rows
    with loading(address) as child:
        until(neo4j, MOMENTS["edges"])
        server.kill()
        _, err = child.communicate(timeout=120)
    assert err.strip().splitlines()[-1].startswith("graph.store.StoreError: cannot reach `bolt://127.0.0.1")
    with pytest.raises(StoreError, match=r"cannot reach `bolt://127.0.0.1:.*: connection refused"):
        open_store(address).generation()
    server.restart()
    for store in (reader, open_store(address)):
        assert (store.generation(), store.counts()) == ("s1", counts)
        assert store.query(USERS).rows == (("u1",), ("u2",))
    assert nodes_held(neo4j) > sum(counts.nodes.values())
    open_store(address).load("s2", {"User": users("u9")}, {})
    assert nodes_held(neo4j) == sum(counts.nodes.values()) + 1


@pytest.mark.long
def test_batches_are_halved_when_the_server_runs_out_of_memory(
    neo4j: Neo4jServer, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = own(neo4j)
    asked: list[int] = []
    real = Server.write

    def write(self: Server, text: str, parameters: dict[str, object], load: str) -> object:
        try:
            return real(self, text, parameters, load)
        except OutOfServerMemoryError as error:
            asked.append(len(str(error)))
            assert "\n" not in str(error)
            raise

    monkeypatch.setattr(Server, "write", write)
    server.restart(db_memory_transaction_max="24m")
    try:
        store = Neo4jStore(address)
        assert store.load("s1", *large(16_000, 8_000)).edges == {"CAN_ASSUME": 8_000}
        text = "MATCH (:User {snapshot: $snapshot})-[e:CAN_ASSUME]->(:Role) RETURN count(e) AS n"
        assert store.query(text).rows == ((8_000,),)
        assert asked, "the limit was never met"
        monkeypatch.setattr(neo4j_send, "_halves", lambda rows: None)
        with pytest.raises(StoreError, match="ran out of memory: give it a larger heap"):
            store.load("s2", *large(16_000, 0))
        assert open_store(address).generation() == "s1"
    finally:
        server.restart()


def test_a_batch_of_one_source_is_halved_by_its_targets() -> None:
    assert neo4j_send._halves([["a", [["b"], ["c"], ["d"]]]]) == ([["a", [["b"]]]], [["a", [["c"], ["d"]]]])
    assert neo4j_send._halves([["a", [["b"]]]]) is None
    assert neo4j_send._halves([["a"], ["b"], ["c"]]) == ([["a"]], [["b"], ["c"]])


def test_importing_the_store_does_not_import_the_driver() -> None:
    code = "import sys, graph.neo4j_store; print([m for m in ('neo4j', 'pyarrow') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert run.stdout == "[]\n", run.stderr
