"""The store in a Neo4j server: every generation in one database, told apart by the property ``snapshot``.

That property holds the id of a load (``graph/neo4j_load.py``) and not the snapshot's name, so that a snapshot loaded
again is another generation until it is whole. The store fills ``$snapshot`` with the id and gives the name wherever an
answer holds the id; nothing else is rewritten.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from graph import neo4j_load
from graph.cyphertext import bound
from graph.kinds import EdgeTable
from graph.neo4j_send import UID, short_key
from graph.neo4j_server import Address, Server
from graph.schema import GRAPH_VERSION
from graph.shortest import Found, shortest_paths
from graph.store import (
    Counts,
    Edge,
    Node,
    NodeRef,
    Parameters,
    Path,
    Result,
    Rows,
    StoreError,
    Value,
    normalised,
    number,
)

#: Properties of a node that ``Node`` has under another name, or not at all.
_COMMON = ("key", "kind", "name", "snapshot", UID)
#: A node by its key, over the index.
_BY_UID = Found(f"{UID}: $snapshot + '|' + wanted", short_key)


class _Generation(NamedTuple):
    """``key`` is the id of the load, ``snapshot`` the name that people know it by."""

    key: str
    snapshot: str
    version: int
    counts: Counts


class Neo4jStore:
    """The graphs of one database. Connects at the first question, to the current generation or the one asked for."""

    def __init__(self, url: str, generation: str | None = None) -> None:
        self.address = Address.read(url)
        self._url = url
        self._wanted = generation
        self._server: Server | None = None
        self._generation: _Generation | None = None
        self._closed = False
        self._opening = threading.Lock()

    def _connected(self) -> Server:
        with self._opening:
            if self._closed:
                raise StoreError(f"graph `{self.address.shown}` is closed")
            if self._server is None:
                self._server = Server(self._url)
            return self._server

    def _held(self) -> _Generation:
        server = self._connected()
        with self._opening:
            if self._generation is None:
                self._generation = self._found(server)
            return self._generation

    def _found(self, server: Server) -> _Generation:
        held = _whole(server)
        if not held:
            raise StoreError(f"no graph in `{self.address.shown}`: run `grantmap build` with this store")
        if self._wanted is None:
            found = held[-1]
        else:
            by_name = {generation.snapshot: generation for generation in held}
            if self._wanted not in by_name:
                known = ", ".join(f"`{name}`" for name in by_name)
                raise StoreError(
                    f"no graph of snapshot `{self._wanted}` in `{self.address.shown}` (there are: {known}): "
                    "run `grantmap build` with this store"
                )
            found = by_name[self._wanted]
        if found.version != GRAPH_VERSION:
            raise StoreError(
                f"graph of snapshot `{found.snapshot}` in `{self.address.shown}` has version {found.version}, this "
                f"grantmap reads {GRAPH_VERSION}: run `grantmap build` with this store"
            )
        return found

    def load(self, generation: str, nodes: Mapping[str, Rows], edges: Mapping[EdgeTable, Rows]) -> Counts:
        """See ``Store.load``; refused while another process loads into the same database."""
        if not generation:
            raise StoreError("a generation needs a name")
        whole_nodes, whole_edges = normalised(nodes, edges)
        server = self._connected()
        key = neo4j_load.load(server, generation, whole_nodes, whole_edges)
        with self._opening:
            self._wanted = None
            self._generation = next(g for g in reversed(_whole(server)) if g.key == key)
            return self._generation.counts

    def generation(self) -> str:
        """See ``Store.generation``."""
        return self._held().snapshot

    def counts(self) -> Counts:
        """See ``Store.counts``."""
        return self._held().counts

    def query(self, text: str, parameters: Parameters | None = None) -> Result:
        """See ``Store.query``; in a session that may only read. Fails if its generation is removed meanwhile."""
        held = self._held()
        sent = bound(text, parameters, held.key)

        def work(transaction: Any) -> tuple[tuple[str, ...], list[list[Any]], bool]:
            answer = transaction.run(text, sent)
            columns, rows = tuple(answer.keys()), answer.values()
            # Asked after the answer is complete: what is there now was all there then.
            there = transaction.run(
                "MATCH (g:Generation {key: $key}) WHERE g.state <> 'gone' RETURN count(g) AS n", {"key": held.key}
            ).single(strict=True)[0]
            return columns, rows, bool(there)

        columns, rows, there = self._connected().read(work)
        if not there:
            raise StoreError(
                f"graph of snapshot `{held.snapshot}` was removed from `{self.address.shown}` meanwhile: ask again"
            )
        return Result(
            columns,
            tuple(tuple(_value(cell, name, held) for cell, name in zip(row, columns, strict=True)) for row in rows),
        )

    def shortest_paths(
        self,
        sources: Sequence[NodeRef],
        targets: Sequence[NodeRef],
        edge_kinds: Sequence[str],
        max_hops: int,
        limit: int,
    ) -> list[Path]:
        """See ``Store.shortest_paths``."""
        return shortest_paths(self.query, sources, targets, edge_kinds, max_hops, limit, _BY_UID)

    def generations(self) -> tuple[str, ...]:
        """See ``Store.generations``."""
        return tuple(generation.snapshot for generation in _whole(self._connected()))

    def prune(self, keep: int) -> tuple[str, ...]:
        """See ``Store.prune``; removes what failed loads left too. A store open on what went answers no more."""
        if keep < 1:
            raise StoreError(f"cannot keep {keep} graphs: keep 1 at least")
        server = self._connected()
        writer = neo4j_load.new_id("prune")
        with neo4j_load.one_writer(server, writer):
            neo4j_load.remove_leftovers(server, writer)
            gone = _whole(server)[:-keep]
            neo4j_load.remove(server, [generation.key for generation in gone], writer)
        return tuple(generation.snapshot for generation in gone)

    def close(self) -> None:
        """See ``Store.close``."""
        with self._opening:
            if self._server is not None:
                self._server.close()
                self._server = None
            self._closed = True

    def __enter__(self) -> Neo4jStore:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _whole(server: Server) -> list[_Generation]:
    """What the database holds whole, oldest load first: the last one answers."""
    rows = server.rows(
        "MATCH (g:Generation {state: 'whole'}) RETURN g.key AS key, g.snapshot AS snapshot, g.version AS version, "
        "g.nodes AS nodes, g.edges AS edges ORDER BY g.number",
        {},
    )
    return [
        _Generation(key, snapshot, version, neo4j_load.counts_of(nodes, edges))
        for key, snapshot, version, nodes, edges in rows
    ]


def _value(cell: Any, column: str, held: _Generation) -> Value:
    if isinstance(cell, str):
        return held.snapshot if cell == held.key else cell
    if cell is None or isinstance(cell, bool | int):
        return cell
    if isinstance(cell, float):
        return number(cell)
    if isinstance(cell, list):
        return [_value(item, column, held) for item in cell]
    if hasattr(cell, "relationships") and hasattr(cell, "start_node") and hasattr(cell, "end_node"):
        return _path(cell)
    if isinstance(cell, date):
        return cell.isoformat()
    if hasattr(cell, "iso_format"):
        return str(cell.iso_format())
    raise StoreError(f"column `{column}` is no scalar, list or path: return properties")


def _path(cell: Any) -> Path:
    nodes = tuple(
        Node(next(iter(node.labels)), node["key"], node.get("name"), _properties(node, _COMMON)) for node in cell.nodes
    )
    edges = tuple(
        Edge(edge.type, edge.start_node["key"], edge.end_node["key"], _properties(edge, ()))
        for edge in cell.relationships
    )
    return Path(nodes, edges)


def _properties(record: Any, common: Sequence[str]) -> dict[str, object]:
    return {name: value for name, value in record.items() if name not in common}
