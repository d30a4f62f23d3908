"""One generation in one file of LadybugDB, the embedded database; ``graph/embedded.py`` keeps several.

Measured with 0.22: ``COPY … FROM`` an Arrow table loads 200,000 nodes and 1,000,000 edges in 2 s, row by row it is
50 s. A page of data that was overwritten is not noticed by the database (its checksums are of the log only); header,
catalogue and length are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path as FilePath
from typing import Any

from graph.cyphertext import bound
from graph.kinds import EdgeTable, Property
from graph.schema import EDGE_KINDS, GRAPH_VERSION, NODE_KINDS
from graph.shortest import shortest_paths
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
    counted,
    normalised,
    number,
)

#: The database reserves its largest size as address space, 8 TiB unless told: a process that opens many would run out.
_LARGEST = 1 << 38
_TIMEOUT_MS = 120_000
_INTERNAL = ("_ID", "_LABEL", "_SRC", "_DST")
_COMMON = ("key", "kind", "name", "snapshot")


def _open(path: FilePath, *, read_only: bool) -> Any:
    import ladybug  # 0.1 s to import: only those who open a graph pay it

    try:
        return ladybug.Database(str(path), read_only=read_only, max_db_size=_LARGEST)
    except (RuntimeError, IndexError, MemoryError) as error:
        raise _damaged(path, error) from error


def _damaged(path: FilePath, error: object) -> StoreError:
    return StoreError(f"graph `{path}` is damaged ({_told(error)}): run `grantmap build`")


def _told(error: object) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:1].lower() + text[1:]


class LadybugStore:
    """A graph in one file: made by ``create`` and one ``load``, or opened for reading by ``open``."""

    def __init__(self, path: FilePath, database: Any, generation: str = "", counts: Counts | None = None) -> None:
        self.path = path
        self._database = database
        self._generation = generation
        self._counts = counts

    @classmethod
    def create(cls, path: str | FilePath) -> LadybugStore:
        """A new empty file, to be loaded once; raises ``StoreError`` when the file exists or cannot be written."""
        file = FilePath(path)
        if file.exists():
            raise StoreError(f"graph `{file}` exists already")
        if not file.parent.is_dir():
            raise StoreError(f"folder `{file.parent}` does not exist")
        return cls(file, _open(file, read_only=False))

    @classmethod
    def open(cls, path: str | FilePath, read_only: bool = True) -> LadybugStore:
        """The graph in an existing file; raises ``StoreError`` unless it is whole and of this ``GRAPH_VERSION``."""
        file = FilePath(path)
        if not file.is_file():
            raise StoreError(f"no graph in `{file}`: run `grantmap build`")
        store = cls(file, _open(file, read_only=read_only))
        try:
            store._recognise()
        except BaseException:
            store.close()
            raise
        return store

    def _recognise(self) -> None:
        try:
            rows = self._run("MATCH (g:Generation) RETURN g.key, g.version, g.nodes, g.edges", {}).rows
        except StoreError as error:
            # An empty file is a database without tables to Ladybug.
            raise _damaged(self.path, error) from error
        if not rows:
            raise StoreError(f"graph `{self.path}` was not loaded to its end: run `grantmap build`")
        key, version, nodes, edges = rows[0]
        if version != GRAPH_VERSION:
            raise StoreError(
                f"graph `{self.path}` has version {version}, this grantmap reads {GRAPH_VERSION}: run `grantmap build`"
            )
        self._generation = str(key)
        self._counts = Counts(json.loads(str(nodes)), json.loads(str(edges)))

    def load(self, generation: str, nodes: Mapping[str, Rows], edges: Mapping[EdgeTable, Rows]) -> Counts:
        """See ``Store.load``; the file of one generation takes one load, and what fails leaves it without a graph."""
        if self._generation or self._counts is not None:
            raise StoreError(f"graph `{self.path}` is loaded already")
        if not generation:
            raise StoreError("a generation needs a name")
        whole_nodes, whole_edges = normalised(nodes, edges)
        counts = counted(whole_nodes, whole_edges)
        for statement in _ddl():
            self._run(statement, {})
        # No name here holds rows: those of one table would stay while the next are copied.
        for kind in whole_nodes:
            self._copy(kind, _with_snapshot(whole_nodes[kind], generation), "")
        for table in whole_edges:
            self._copy(table.kind, whole_edges[table], f" (from='{table.source}', to='{table.target}')")
        self._run(
            "CREATE (:Generation {key: $key, version: $version, nodes: $nodes, edges: $edges})",
            {
                "key": generation,
                "version": GRAPH_VERSION,
                "nodes": json.dumps(counts.nodes),
                "edges": json.dumps(counts.edges),
            },
        )
        self._run("CHECKPOINT", {})
        # Reopened for reading only: from here on nothing changes the file, and others may read it.
        self.close()
        self._database = _open(self.path, read_only=True)
        self._recognise()
        return counts

    def _copy(self, table: str, rows: Rows, ends: str) -> None:
        if not rows.num_rows:
            return
        names = ", ".join(name for name in rows.column_names if name not in ("source", "target"))
        columns = f"({names})" if names else ""
        connection = self._connection()
        connection.set_query_timeout(0)  # none: on a slow disk a large table takes longer than a question may
        try:
            # The scan finds the Arrow table by the name of the local variable.
            connection.execute(f"COPY {table}{columns} FROM rows{ends}")
        except RuntimeError as error:
            raise StoreError(f"loading {table}: {_told(error)}") from error
        finally:
            connection.close()

    def generation(self) -> str:
        """See ``Store.generation``."""
        self._connection().close()
        if not self._generation:
            raise StoreError(f"graph `{self.path}` is not loaded yet")
        return self._generation

    def counts(self) -> Counts:
        """See ``Store.counts``."""
        self.generation()
        return self._counts or Counts()

    def query(self, text: str, parameters: Parameters | None = None) -> Result:
        """See ``Store.query``."""
        return self._run(text, bound(text, parameters, self.generation()))

    def shortest_paths(
        self,
        sources: Sequence[NodeRef],
        targets: Sequence[NodeRef],
        edge_kinds: Sequence[str],
        max_hops: int,
        limit: int,
    ) -> list[Path]:
        """See ``Store.shortest_paths``."""
        return shortest_paths(self.query, sources, targets, edge_kinds, max_hops, limit)

    def generations(self) -> tuple[str, ...]:
        """The one generation of the file."""
        return (self.generation(),)

    def prune(self, keep: int) -> tuple[str, ...]:
        """Nothing: a file holds one generation."""
        if keep < 1:
            raise StoreError(f"cannot keep {keep} graphs: keep 1 at least")
        return ()

    def close(self) -> None:
        """See ``Store.close``."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def __enter__(self) -> LadybugStore:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _connection(self) -> Any:
        """A connection of its own for each statement (40 µs), so that threads do not wait for one another."""
        import ladybug

        if self._database is None:
            raise StoreError(f"graph `{self.path}` is closed")
        connection = ladybug.Connection(self._database)
        connection.set_query_timeout(_TIMEOUT_MS)
        return connection

    def _run(self, text: str, parameters: Mapping[str, object]) -> Result:
        connection = self._connection()
        try:
            answer = connection.execute(text, dict(parameters))
            if isinstance(answer, list):
                raise StoreError("a query is one statement")
            columns = tuple(answer.get_column_names())
            rows = tuple(
                tuple(_value(cell, name) for cell, name in zip(row, columns, strict=True)) for row in answer.get_all()
            )
        except RuntimeError as error:
            if str(error).strip() == "Interrupted.":
                raise StoreError(f"the query took longer than {_TIMEOUT_MS // 1000} s: narrow it") from error
            raise StoreError(f"query refused: {_told(error)}") from error
        finally:
            connection.close()
        return Result(columns, rows)


def _ddl() -> list[str]:
    """The tables of the schema, and the node that says the load came to its end."""

    def columns(properties: Sequence[Property]) -> str:
        return ", ".join(f"{p.name} {p.type}{' PRIMARY KEY' if p.name == 'key' else ''}" for p in properties)

    statements = ["CREATE NODE TABLE Generation(key STRING PRIMARY KEY, version INT64, nodes STRING, edges STRING)"]
    statements += [f"CREATE NODE TABLE {node.name}({columns(node.all_properties)})" for node in NODE_KINDS.values()]
    for edge in EDGE_KINDS.values():
        pairs = ", ".join(f"FROM {source} TO {target}" for source, target in edge.pairs)
        more = f", {columns(edge.properties)}" if edge.properties else ""
        statements.append(f"CREATE REL TABLE {edge.name}({pairs}{more})")
    return statements


def _with_snapshot(rows: Rows, generation: str) -> Rows:
    import pyarrow as pa

    return rows.append_column("snapshot", pa.repeat(pa.scalar(generation, pa.string()), rows.num_rows))


def _value(cell: Any, column: str) -> Value:
    if cell is None or isinstance(cell, bool | int | str):
        return cell
    if isinstance(cell, float | Decimal):
        return number(cell)
    if isinstance(cell, list):
        return [_value(item, column) for item in cell]
    if isinstance(cell, dict) and "_NODES" in cell:
        return _path(cell)
    if isinstance(cell, date):  # datetime too
        return cell.isoformat()
    raise StoreError(f"column `{column}` is no scalar, list or path: return properties")


def _path(cell: Mapping[str, Any]) -> Path:
    keys = {_internal_id(node["_ID"]): node["key"] for node in cell["_NODES"]}
    nodes = tuple(
        Node(node["_LABEL"], node["key"], node.get("name"), _properties(node, _COMMON)) for node in cell["_NODES"]
    )
    edges = tuple(
        Edge(edge["_LABEL"], keys[_internal_id(edge["_SRC"])], keys[_internal_id(edge["_DST"])], _properties(edge, ()))
        for edge in cell["_RELS"]
    )
    return Path(nodes, edges)


def _internal_id(value: Mapping[str, int]) -> tuple[int, int]:
    return value["table"], value["offset"]


def _properties(record: Mapping[str, Any], common: Sequence[str]) -> dict[str, object]:
    """What is declared and not null: a path over several kinds gives every node the columns of all of them."""
    return {k: v for k, v in record.items() if v is not None and k not in common and k not in _INTERNAL}
