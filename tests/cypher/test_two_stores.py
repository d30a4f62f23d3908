"""The query library on both stores: the same rows in the same order, of a small graph and of the demo's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from cypher.library import load_queries, run_query
from graph.kinds import EdgeTable
from graph.schema import EDGE_KINDS, EDGE_TABLES, NODE_KINDS
from graph.store import NodeRef, Rows, Store, edge_rows, node_rows, open_store
from tests.cypher.small_organisation import ALICE, ANA, DATA, SITE, organisation
from tests.cypher.test_library import EXPECTED
from tests.neo4j_server import Neo4jServer

Both = tuple[Store, Store]

#: More than the defaults: every query, and those with parameters in several ways.
SMALL: list[tuple[str, Mapping[str, object]]] = [
    *((name, params) for name, (params, _) in sorted(EXPECTED.items())),
    *(("holders", {"arn": arn, "level": level}) for arn in (DATA, SITE, "nothing") for level in ("List", "Read:data")),
    *(("people-everywhere", {"percent": percent}) for percent in (0, 100)),
    ("weak-credentials", {"days": 0}),
]
CARDS = "arn:aws:s3:::meridian-card-data-prod"
DEMO: list[tuple[str, Mapping[str, object]]] = [
    *((name, {"arn": CARDS} if name == "holders" else {}) for name in sorted(load_queries())),
    *(("holders", {"arn": CARDS, "level": level}) for level in ("List", "Write", "Permissions management")),
    *(("people-everywhere", {"percent": percent}) for percent in (0, 20, 50)),
    ("weak-credentials", {"days": 0}),
]


def read_back(store: Store) -> tuple[dict[str, Rows], dict[EdgeTable, Rows]]:
    """All that a store holds, as it went in, by asking it."""
    nodes: dict[str, Rows] = {}
    for kind, node in NODE_KINDS.items():
        names = [p.name for p in node.all_properties if p.name != "snapshot"]
        columns = ", ".join(f"n.{name} AS {name}" for name in names)
        rows = store.query(f"MATCH (n:{kind} {{snapshot: $snapshot}}) RETURN {columns} ORDER BY n.key").rows
        nodes[kind] = node_rows(kind, {name: [row[place] for row in rows] for place, name in enumerate(names)})
    edges: dict[EdgeTable, Rows] = {}
    for table in EDGE_TABLES:
        names = ["source", "target", *(p.name for p in EDGE_KINDS[table.kind].properties)]
        columns = ", ".join(["a.key AS source", "b.key AS target", *(f"e.{name} AS {name}" for name in names[2:])])
        text = f"MATCH (a:{table.source} {{snapshot: $snapshot}})-[e:{table.kind}]->(b:{table.target}) RETURN {columns}"
        joined = sorted(store.query(text).rows, key=repr)
        edges[table] = edge_rows(table, {name: [row[place] for row in joined] for place, name in enumerate(names)})
    return nodes, edges


def opened(
    neo4j: Neo4jServer, folder: Path, generation: str, load: tuple[dict[str, Rows], dict[EdgeTable, Rows]]
) -> Iterator[Both]:
    """Two stores that hold the same graph; the server's holds another one beside it."""
    neo4j.empty()
    embedded, server = open_store(folder), open_store(neo4j.address)
    server.load("before", *organisation())
    for store in (embedded, server):
        store.load(generation, *load)
    yield embedded, server
    for store in (embedded, server):
        store.close()


@pytest.fixture(scope="module")
def demo_graph(demo_home: Path) -> tuple[dict[str, Rows], dict[EdgeTable, Rows]]:
    store = open_store(demo_home)
    found = read_back(store)
    store.close()
    return found


@pytest.fixture(scope="module")
def small(neo4j: Neo4jServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    yield from opened(neo4j, tmp_path_factory.mktemp("home"), "small", organisation())


@pytest.mark.parametrize(("name", "params"), SMALL)
def test_the_small_graph_is_answered_alike(small: Both, name: str, params: Mapping[str, object]) -> None:
    embedded, server = (run_query(store, name, params) for store in small)
    assert embedded == server
    if name in EXPECTED and params == EXPECTED[name][0]:
        assert list(server.rows) == EXPECTED[name][1]


def test_paths_of_the_small_graph_are_the_same(small: Both) -> None:
    kinds = ["CAN_ASSUME", "HOLDS", "COVERS", "CONTAINS"]
    sources = [NodeRef("Person", ANA), NodeRef("User", ALICE)]
    embedded, server = (store.shortest_paths(sources, [NodeRef("Resource", DATA)], kinds, 6, 50) for store in small)
    assert embedded == server != []


# The demo's graph takes the server's database over: from here on the small one is not asked again.


@pytest.fixture(scope="module")
def demo_stores(
    neo4j: Neo4jServer,
    tmp_path_factory: pytest.TempPathFactory,
    demo_graph: tuple[dict[str, Rows], dict[EdgeTable, Rows]],
) -> Iterator[Both]:
    yield from opened(neo4j, tmp_path_factory.mktemp("demo"), "demo", demo_graph)


@pytest.mark.parametrize(("name", "params"), DEMO)
def test_the_demo_is_answered_alike(demo_stores: Both, name: str, params: Mapping[str, object]) -> None:
    embedded, server = (run_query(store, name, params) for store in demo_stores)
    assert embedded == server


def test_both_hold_the_same_by_count_and_by_content(
    demo_stores: Both, demo_graph: tuple[dict[str, Rows], dict[EdgeTable, Rows]]
) -> None:
    embedded, server = demo_stores
    assert embedded.counts() == server.counts()
    assert sum(server.counts().nodes.values()) > 1_000
    nodes, edges = read_back(server)
    assert {kind: rows for kind, rows in nodes.items() if rows != demo_graph[0][kind]} == {}
    assert {table: rows.num_rows for table, rows in edges.items() if rows != demo_graph[1][table]} == {}


def test_paths_of_the_demo_are_the_same(demo_stores: Both) -> None:
    kinds = ["MEMBER_OF", "CAN_ASSUME", "HOLDS", "COVERS", "CONTAINS"]
    people = "MATCH (p:Person {snapshot: $snapshot}) RETURN p.key AS key ORDER BY key LIMIT 5"
    sources = [NodeRef("Person", str(row[0])) for row in demo_stores[0].query(people).rows]
    embedded, server = (
        store.shortest_paths(sources, [NodeRef("Resource", CARDS)], kinds, 6, 50) for store in demo_stores
    )
    assert embedded == server != []
