"""What every graph store can do, whichever database is behind it, and the neutral values that it answers with.

A store holds generations: one graph per snapshot, each loaded whole. A load that fails or is killed leaves the
generation before it answering; an open store keeps the generation it was opened on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path as FilePath
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from graph.kinds import EdgeTable, Property, Type
from graph.schema import EDGE_KINDS, EDGE_TABLES, NODE_KINDS
from model.errors import GrantmapError

#: A ``pyarrow.Table`` (untyped there). Nodes: the columns of the kind's properties but ``snapshot``. Edges:
#: ``source`` and ``target`` (keys), then the properties of the edge kind. Made by ``node_rows`` and ``edge_rows``.
Rows = Any

Parameters = Mapping[str, object]

_Key = TypeVar("_Key")

#: The parameter that the store fills with the generation it answers from.
SNAPSHOT_PARAMETER = "snapshot"

REMOTE_SCHEMES = ("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc")


class StoreError(GrantmapError):
    """A store that is missing, damaged or busy, a load or a query that it refuses; one line, lower case."""


class ReadAnew(Mapping[_Key, Rows], Generic[_Key]):
    """Rows by kind or table, made anew each time they are asked for: they go when who asked lets them go."""

    def __init__(self, makers: Mapping[_Key, Callable[[], Rows]]) -> None:
        self._makers = makers

    def __getitem__(self, key: _Key) -> Rows:
        return self._makers[key]()

    def __contains__(self, key: object) -> bool:
        return key in self._makers

    def __iter__(self) -> Iterator[_Key]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


class NodeRef(NamedTuple):
    """What finds one node."""

    kind: str
    key: str


@dataclass(frozen=True, slots=True)
class Node:
    """``properties`` holds what is not null, without ``key``, ``kind``, ``name`` and ``snapshot``."""

    kind: str
    key: str
    name: str | None = None
    properties: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Edge:
    """``source`` and ``target`` are keys; ``properties`` holds what is not null."""

    kind: str
    source: str
    target: str
    properties: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Path:
    """A walk: one node more than edges, ``edges[i]`` joins ``nodes[i]`` and ``nodes[i + 1]``."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


#: What a cell of a result can be.
Value = None | bool | int | float | str | list["Value"] | Path


@dataclass(frozen=True, slots=True)
class Result:
    """``rows`` in the order of the query's ORDER BY, each as long as ``columns``."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """Nodes by kind and edges by kind; kinds without any are left out."""

    nodes: Mapping[str, int] = field(default_factory=dict)
    edges: Mapping[str, int] = field(default_factory=dict)


class Store(Protocol):
    """A graph database that holds generations. Every method raises ``StoreError`` and nothing else."""

    def load(self, generation: str, nodes: Mapping[str, Rows], edges: Mapping[EdgeTable, Rows]) -> Counts:
        """Stores a whole graph and makes it the one that stores opened from now on (and this one) answer from.

        Kinds and tables left out are empty. Refuses unknown kinds and columns, a key that is null or occurs twice in
        its kind, and an edge whose end is missing; after a refusal the generation before it still answers. Rows are
        asked for several times and let go each time: given as ``ReadAnew`` a large graph does not fill the memory.
        """

    def generation(self) -> str:
        """The snapshot this store answers from."""

    def counts(self) -> Counts:
        """How much the generation holds, as counted when it was loaded."""

    def query(self, text: str, parameters: Parameters | None = None) -> Result:
        """The answer to one reading Cypher statement; values come in by ``$name`` only.

        ``$snapshot`` is the store's own to fill. A parameter that the text does not use, or lacks, is an error.
        """

    def shortest_paths(
        self,
        sources: Sequence[NodeRef],
        targets: Sequence[NodeRef],
        edge_kinds: Sequence[str],
        max_hops: int,
        limit: int,
    ) -> list[Path]:
        """For each source that reaches a target in 1..``max_hops`` edges: its shortest paths to the nearest ones.

        Ordered by length, then by the (kind, key) of the nodes from the first on, then by the kinds of the edges; at
        most ``limit`` in all. Nodes and edges carry their properties. Unknown sources and targets reach nothing.
        """

    def generations(self) -> tuple[str, ...]:
        """The snapshots whose graphs are held whole, oldest load first."""

    def prune(self, keep: int) -> tuple[str, ...]:
        """Removes all but the ``keep`` newest generations and never the current one; answers with what went."""

    def close(self) -> None:
        """Lets go of the database; a second call does nothing."""


def _arrow_types() -> tuple[Any, Mapping[str, Any]]:
    import pyarrow as pa  # 0.1 s to import: only those who load pay it

    return pa, {"STRING": pa.string(), "INT64": pa.int64(), "BOOL": pa.bool_(), "STRING[]": pa.list_(pa.string())}


def _column(pa: Any, arrow_type: Any, values: Any, size: int) -> Any:
    """An Arrow array, chunked if it came so: joined, the texts of a large column would pass the 2 GiB of one array."""
    if values is None:
        return pa.nulls(size, arrow_type)
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values if values.type == arrow_type else values.cast(arrow_type)
    return pa.array(values, arrow_type)


def _table(what: str, properties: Sequence[Property], columns: Mapping[str, object], size: int) -> Rows:
    """An Arrow table of the declared columns in their order; those not given are null."""
    pa, types = _arrow_types()
    import pyarrow.compute as pc

    names = [p.name for p in properties]
    unknown = sorted(set(columns) - set(names))
    if unknown:
        raise StoreError(f"{what} has no property `{unknown[0]}`: it has {', '.join(names)}")
    arrays = []
    for prop in properties:
        values = columns.get(prop.name)
        try:
            array = _column(pa, types[prop.type], values, size)
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise StoreError(f"{what}: column `{prop.name}` is not {prop.type}: {_line(error)}") from error
        if prop.type is Type.STRINGS and pc.list_flatten(array).null_count:
            raise StoreError(f"{what}: column `{prop.name}` has a list that holds a null")
        if len(array) != size:
            raise StoreError(f"{what}: column `{prop.name}` has {len(array)} values, expected {size}")
        arrays.append(array)
    return pa.Table.from_arrays(arrays, names=names)


def node_rows(kind: str, columns: Mapping[str, Sequence[object]]) -> Rows:
    """Rows of one node kind from columns (lists or Arrow arrays); ``key`` is required, ``kind`` is filled.

    Columns of the kind that are not given are null. Raises ``StoreError`` for an unknown kind or column, a value of
    another type, or columns of different lengths.
    """
    if kind not in NODE_KINDS:
        raise StoreError(f"unknown node kind `{kind}`")
    if "key" not in columns:
        raise StoreError(f"{kind}: column `key` is missing")
    size = len(columns["key"])
    properties = [p for p in NODE_KINDS[kind].all_properties if p.name != "snapshot"]
    return _table(kind, properties, columns if "kind" in columns else {"kind": [kind] * size, **columns}, size)


def edge_rows(table: EdgeTable, columns: Mapping[str, Sequence[object]]) -> Rows:
    """Rows of one edge table from columns; ``source`` and ``target`` (keys) are required, the rest as ``node_rows``."""
    if table not in EDGE_TABLES:
        raise StoreError(f"unknown edge table {EdgeTable(*table)}")
    for end in ("source", "target"):
        if end not in columns:
            raise StoreError(f"{EdgeTable(*table)}: column `{end}` is missing")
    return _table(str(EdgeTable(*table)), edge_properties(table.kind), columns, len(columns["source"]))


def edge_properties(kind: str) -> tuple[Property, ...]:
    """The columns of an edge kind's rows: both ends first."""
    ends = (Property("source", Type.STRING, "key"), Property("target", Type.STRING, "key"))
    return ends + EDGE_KINDS[kind].properties


def normalised(
    nodes: Mapping[str, Rows], edges: Mapping[EdgeTable, Rows]
) -> tuple[Mapping[str, Rows], Mapping[EdgeTable, Rows]]:
    """The rows of a load with exactly the declared columns, types and order; every backend's load begins with it.

    They are checked now and arranged each time they are read, without copying what was right as it came. Raises
    ``StoreError`` as ``node_rows`` and ``edge_rows`` do, and for keys that are null or occur twice.
    """
    kinds = [kind for kind in (*NODE_KINDS, *sorted(set(nodes) - set(NODE_KINDS))) if kind in nodes]
    whole_nodes = ReadAnew({kind: partial(_arranged_nodes, nodes, kind) for kind in kinds})
    for kind in kinds:
        _check_keys(kind, whole_nodes[kind])
    tables = [t for t in (*EDGE_TABLES, *sorted({EdgeTable(*t) for t in edges} - set(EDGE_TABLES))) if t in edges]
    whole_edges = ReadAnew({table: partial(_arranged_edges, edges, table) for table in tables})
    for table in tables:
        _check_ends(table, whole_edges[table], whole_nodes)
    return whole_nodes, whole_edges


def _arranged_nodes(nodes: Mapping[str, Rows], kind: str) -> Rows:
    return node_rows(kind, _columns(nodes[kind]))


def _arranged_edges(edges: Mapping[EdgeTable, Rows], table: EdgeTable) -> Rows:
    return edge_rows(table, _columns(edges[table]))


def _columns(rows: Rows) -> dict[str, Any]:
    return {name: rows.column(name) for name in rows.column_names if name != "snapshot"}


def _check_keys(kind: str, rows: Rows) -> None:
    pa, _ = _arrow_types()
    import pyarrow.compute as pc

    keys = rows.column("key")
    if keys.null_count:
        raise StoreError(f"{kind}: a key is null")
    if pc.count_distinct(keys).as_py() != len(keys):
        counted = pc.value_counts(keys)
        twice = counted.filter(pc.greater(counted.field("counts"), pa.scalar(1)))[0]["values"].as_py()
        raise StoreError(f"{kind}: key `{twice}` occurs twice")


def _check_ends(table: EdgeTable, rows: Rows, nodes: Mapping[str, Rows]) -> None:
    pa, _ = _arrow_types()
    import pyarrow.compute as pc

    for end, kind in (("source", table.source), ("target", table.target)):
        keys = nodes[kind].column("key") if kind in nodes else pa.array([], pa.string())
        found = pc.is_in(rows.column(end), value_set=keys)
        if not pc.all(found, min_count=0).as_py():
            missing = rows.column(end).filter(pc.invert(found))[0].as_py()
            raise StoreError(f"{table}: its {end} `{missing}` is no {kind}")


def counted(nodes: Mapping[str, Rows], edges: Mapping[EdgeTable, Rows]) -> Counts:
    """What a load holds, by kind."""
    by_kind: dict[str, int] = {}
    for table, rows in edges.items():
        by_kind[table.kind] = by_kind.get(table.kind, 0) + rows.num_rows
    return Counts(
        {kind: rows.num_rows for kind, rows in nodes.items() if rows.num_rows},
        {kind: size for kind, size in by_kind.items() if size},
    )


def number(value: Decimal | float) -> int | float:
    """A database's number as Python's: whole decimals become int (Ladybug sums to Decimal)."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if math.isnan(value):
        raise StoreError("the answer holds a number that is not one")
    return value


def _line(error: object) -> str:
    """The first line of a foreign message."""
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__


def is_remote(where: str | FilePath) -> bool:
    """Whether ``where`` is the address of a server and not a folder."""
    return str(where).partition("://")[0] in REMOTE_SCHEMES and "://" in str(where)


def open_store(where: str | FilePath, generation: str | None = None) -> Store:
    """The store at ``where``: a URL (``neo4j://``, ``bolt://``), a home, its folder ``graphs``, or one ``.lbug`` file.

    It answers from ``generation``, or from the current one. Files are opened for reading only. Raises ``StoreError``
    for an address of no store, at once; a folder without a whole graph, or a server that cannot be reached, says so,
    and what to do, at the first question.
    """
    text = str(where)
    scheme = text.partition("://")[0] if "://" in text else ""
    if is_remote(text):
        from graph.neo4j_store import Neo4jStore

        return Neo4jStore(text, generation)
    if scheme:
        raise StoreError(f"unknown store `{scheme}://`: give a folder, neo4j:// or bolt://")
    from graph.embedded import EmbeddedStore
    from graph.ladybug_store import LadybugStore

    path = FilePath(text)
    if path.suffix != ".lbug" and not path.is_file():
        return EmbeddedStore(path, generation)
    store = LadybugStore.open(path)
    if generation is not None and store.generation() != generation:
        held = store.generation()
        store.close()
        raise StoreError(f"graph `{path}` is of snapshot `{held}`, not `{generation}`")
    return store
