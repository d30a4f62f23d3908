"""Rows of the graph: small kinds one by one, large ones in columns, checked against ``graph.schema`` as they come."""

from __future__ import annotations

import mmap
import weakref
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from graph.kinds import EdgeTable
from graph.store import ReadAnew, Rows, edge_rows, node_rows
from graph.table_format import arrow


class GraphRows:
    """Nodes by (kind, key) and edges by table; a node or edge given twice keeps its first properties."""

    def __init__(self) -> None:
        self._nodes: defaultdict[str, dict[str, Mapping[str, object]]] = defaultdict(dict)
        self._edges: defaultdict[EdgeTable, dict[tuple[str, str, object], Mapping[str, object]]] = defaultdict(dict)

    def node(self, kind: str, key: str, name: str, **properties: object) -> None:
        """A node of ``kind``; properties left out are null."""
        self._nodes[kind].setdefault(key, {"key": key, "name": name, **properties})

    def extend(self, kind: str, key: str, **properties: object) -> None:
        """Adds properties to a node that is there."""
        self._nodes[kind][key] = {**self._nodes[kind][key], **properties}

    def edge(
        self, kind: str, source: tuple[str, str], target: tuple[str, str], apart: object = None, **properties: object
    ) -> None:
        """An edge between (kind, key) pairs; ``apart`` tells several edges between one pair from one another."""
        table = EdgeTable(kind, source[0], target[0])
        row = {"source": source[1], "target": target[1], **properties}
        self._edges[table].setdefault((source[1], target[1], apart), row)

    def has(self, kind: str, key: str) -> bool:
        return key in self._nodes[kind]

    def into(self, pieces: Pieces) -> None:
        """Adds all of them to pieces, and holds none from then on."""
        while self._nodes:
            kind, nodes = self._nodes.popitem()
            pieces.nodes(kind, **_columns(list(nodes.values())))
        while self._edges:
            table, edges = self._edges.popitem()
            columns = _columns(list(edges.values()))
            if columns:
                pieces.edges(table, columns.pop("source"), columns.pop("target"), **columns)


class Pieces:
    """Arrow tables by kind, put together of pieces that share nothing: who adds them sees to that.

    The pieces lie in files in ``folder``: a large organisation's graph would fill the memory. What ``whole`` gives
    reads a table from its file each time it is asked for it, without copying it, and holds none: the pages go with the
    last reader of the table. From then on the files have no names, so that nothing is left of them, whatever happens;
    they take their room on the disk as long as somebody holds what ``whole`` gave.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._nodes: dict[str, _File] = {}
        self._edges: dict[EdgeTable, _File] = {}

    def nodes(self, kind: str, **columns: Sequence[object] | Any) -> None:
        """Nodes of one kind, in columns (lists or Arrow arrays)."""
        if columns and len(columns["key"]):
            if kind not in self._nodes:
                self._nodes[kind] = _File(self._folder / f"{kind}.arrow")
            self._nodes[kind].add(node_rows(kind, columns))

    def edges(
        self, table: EdgeTable, source: Sequence[object] | Any, target: Sequence[object] | Any, **columns: Any
    ) -> None:
        """Edges of one table, in columns; ends are keys."""
        if len(source):
            if table not in self._edges:
                self._edges[table] = _File(self._folder / f"{'-'.join(table)}.arrow")
            self._edges[table].add(edge_rows(table, {"source": source, "target": target, **columns}))

    def whole(self) -> tuple[ReadAnew[str], ReadAnew[EdgeTable]]:
        """What was added, as ``Store.load`` takes it; nothing can be added any more."""
        nodes = {kind: file.written() for kind, file in self._nodes.items()}
        edges = {table: file.written() for table, file in self._edges.items()}
        return ReadAnew(nodes), ReadAnew(edges)


class _File:
    """One table, on its way through a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sink = arrow().OSFile(str(path), "wb")
        self._writer: Any = None

    def add(self, rows: Rows) -> None:
        if self._writer is None:
            self._writer = arrow().ipc.new_file(self._sink, rows.schema)
        self._writer.write_table(rows)

    def written(self) -> Callable[[], Rows]:
        """What reads the table, once it is all there."""
        self._writer.close()
        self._sink.close()
        return _Unnamed(self._path).read


class _Unnamed:
    """A file that goes with the last who holds this."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        weakref.finalize(self, self._file.close)
        path.unlink()

    def read(self) -> Rows:
        """The table in it; its memory is the file's, and mapped as long as somebody holds any of it."""
        pa = arrow()
        pages = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        return pa.ipc.open_file(pa.py_buffer(pages)).read_all()


def _columns(rows: list[Mapping[str, object]]) -> dict[str, list[object]]:
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}
