"""Loading one generation into Neo4j: beside those that are there, then published in one transaction.

A *load* has an id of its own, the snapshot's name and a random end: it stands in the property ``snapshot`` of its
nodes, so that a snapshot loaded again never mixes with the load before it. A ``Generation`` node tells what became of
it: ``loading``, then ``whole`` (one a snapshot; the one with the highest number answers), ``replaced`` by a later load
of its snapshot (stores that are open on it still answer), ``gone`` while it is removed.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from graph.kinds import EdgeTable
from graph.neo4j_send import UID, send
from graph.neo4j_server import METADATA, Server, Values
from graph.schema import EDGE_KINDS, GRAPH_VERSION, NODE_KINDS
from graph.store import Counts, Rows, StoreError, counted

_REMOVED_AT_ONCE = 10_000
#: For how long a load waits for another one: the server needs a moment to notice that a process was killed.
_PATIENCE_SECONDS = 5.0

Run = Callable[[str, Mapping[str, object]], Values]


def new_id(snapshot: str) -> str:
    """An id that no other load has."""
    return f"{snapshot}#{secrets.token_hex(8)}"


def load(server: Server, snapshot: str, nodes: Mapping[str, Rows], edges: Mapping[EdgeTable, Rows]) -> str:
    """Loads rows that ``normalised`` gave, publishes them and answers with the id of the load.

    One load at a time: raises ``StoreError`` while another one runs. What killed ones left is removed first.
    """
    load_id = new_id(snapshot)
    counts = counted(nodes, edges)
    with one_writer(server, load_id) as still_held:
        _declare(server, load_id)
        remove_leftovers(server, load_id)
        _begin(server, load_id, snapshot, counts)
        send(server, load_id, nodes, edges, still_held)
        _publish(server, load_id, snapshot)
    return load_id


@contextmanager
def one_writer(server: Server, load_id: str) -> Iterator[Callable[[], object]]:
    """Holds the database against other loads; gives a function that raises ``StoreError`` once the hold is lost.

    The hold is an open transaction that others see by its metadata, because the server ends it when our process dies:
    a lock that is data would stay. Of two that begin at once the one with the lower transaction number goes on.
    """
    metadata = {METADATA: "load", "load": load_id}
    with server.held_open(metadata) as run:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while _others(run, load_id):
            if time.monotonic() > deadline:
                raise StoreError(f"`{server.address.shown}` is being loaded by another process: wait for it")
            time.sleep(0.1)
        yield lambda: run("RETURN 1 AS held", {})


def _others(run: Run, load_id: str) -> bool:
    """Whether another load holds the database, or a transaction of a killed one has not ended yet."""
    rows = run(
        f"SHOW TRANSACTIONS YIELD transactionId, metaData WHERE metaData.{METADATA} IS NOT NULL "
        f"RETURN transactionId AS id, metaData.{METADATA} AS role, metaData.load AS load",
        {},
    )
    numbers = {load: _place(id_) for id_, role, load in rows if role == "load"}
    mine = numbers.get(load_id)
    if mine is None:
        raise StoreError("the server does not show its transactions: the user must be allowed SHOW TRANSACTIONS")
    # The server lists the transactions of all its databases.
    before = any(database == mine[0] and number < mine[1] for database, number in numbers.values())
    orphans = (id_ for id_, role, load in rows if role == "batch" and load not in numbers)
    return before or any(_place(id_)[0] == mine[0] for id_ in orphans)


def _place(transaction: str) -> tuple[str, int]:
    """Database and number of ``neo4j-transaction-12``."""
    database, _, number = transaction.rpartition("-transaction-")
    return database, int(number)


def _declare(server: Server, load_id: str) -> None:
    """Constraints and indexes, before any data."""
    statements = ["CREATE CONSTRAINT generation_key IF NOT EXISTS FOR (n:Generation) REQUIRE n.key IS UNIQUE"]
    for kind in NODE_KINDS:
        name = f"grantmap_{kind.lower()}"
        statements += [
            f"CREATE CONSTRAINT {name}_{UID} IF NOT EXISTS FOR (n:{kind}) REQUIRE n.{UID} IS UNIQUE",
            f"CREATE INDEX {name}_snapshot IF NOT EXISTS FOR (n:{kind}) ON (n.snapshot)",
        ]
    held = {str(row[0]) for row in server.rows("SHOW INDEXES YIELD name RETURN name AS name", {})}
    for statement in statements:
        if statement.split()[2] not in held:
            server.run_apart(statement, {}, load_id)
    server.run_apart("CALL db.awaitIndexes(120)", {}, load_id)


def _begin(server: Server, load_id: str, snapshot: str, counts: Counts) -> None:
    """The ``Generation`` of a load, before its data: who removes what is left of it must know of it."""
    server.write(
        "CREATE (g:Generation {key: $key, snapshot: $snapshot, state: 'loading', version: $version, nodes: $nodes, "
        "edges: $edges}) RETURN count(g) AS made",
        {
            "key": load_id,
            "snapshot": snapshot,
            "version": GRAPH_VERSION,
            "nodes": json.dumps(dict(counts.nodes)),
            "edges": json.dumps(dict(counts.edges)),
        },
        load_id,
    )


def _publish(server: Server, load_id: str, snapshot: str) -> None:
    """The last transaction: from here on stores that are opened answer from this load."""
    rows = server.write(
        "MATCH (g:Generation {key: $key, state: 'loading'}) "
        "OPTIONAL MATCH (o:Generation) WHERE o.number IS NOT NULL "
        "WITH g, coalesce(max(o.number), 0) + 1 AS next SET g.state = 'whole', g.number = next "
        "WITH g OPTIONAL MATCH (p:Generation {snapshot: $snapshot, state: 'whole'}) WHERE p.key <> g.key "
        "SET p.state = 'replaced' RETURN count(DISTINCT g) AS done",
        {"key": load_id, "snapshot": snapshot},
        load_id,
    )
    if rows != [[1]]:
        raise StoreError(f"`{server.address.shown}`: another load took the place of this one")


def remove_leftovers(server: Server, load_id: str) -> None:
    """Removes loads that never ended, were replaced, or whose removal was cut off. Only for who is the one writer."""
    left = server.rows("MATCH (g:Generation) WHERE g.state <> 'whole' RETURN g.key AS key ORDER BY key", {})
    remove(server, [str(row[0]) for row in left if row[0] != load_id], load_id)


def remove(server: Server, keys: Sequence[str], load_id: str) -> None:
    """Removes loads by their ids, in transactions of bounded size; stores open on one of them answer no more."""
    if not keys:
        return
    # First of all the sign that stores look for after each answer, so that none is given from half a graph.
    rows = server.write(
        "MATCH (g:Generation) WHERE g.key IN $keys SET g.state = 'gone' "
        "RETURN g.key AS key, g.nodes AS nodes, g.edges AS edges ORDER BY key",
        {"keys": list(keys)},
        load_id,
    )
    for key, nodes, edges in rows:
        held = counts_of(nodes, edges)
        for name in held.edges:
            for kind in dict.fromkeys(source for source, _ in EDGE_KINDS[name].pairs if source in held.nodes):
                _in_batches(server, f"MATCH (:{kind} {{snapshot: $key}})-[e:{name}]->()", "e", key, load_id)
        for kind in held.nodes:
            _in_batches(server, f"MATCH (n:{kind} {{snapshot: $key}})", "n", key, load_id)
        server.write("MATCH (g:Generation {key: $key}) DELETE g RETURN 0 AS n", {"key": key}, load_id)


def _in_batches(server: Server, match: str, name: str, key: str, load_id: str) -> None:
    detach = "DETACH DELETE" if name == "n" else "DELETE"
    text = f"{match} CALL {{ WITH {name} {detach} {name} }} IN TRANSACTIONS OF {_REMOVED_AT_ONCE} ROWS"
    server.run_apart(text, {"key": key}, load_id)


def counts_of(nodes: str, edges: str) -> Counts:
    """The counts that ``_begin`` stored."""
    return Counts(json.loads(nodes), json.loads(edges))
