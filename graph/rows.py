"""Rows of the graph, gathered kind by kind and checked against ``graph.schema`` when they become tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from graph.kinds import EdgeTable
from graph.store import Rows, edge_rows, node_rows


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

    def nodes(self) -> dict[str, Rows]:
        """Arrow tables by node kind."""
        return {kind: node_rows(kind, _columns(list(rows.values()))) for kind, rows in self._nodes.items() if rows}

    def edges(self) -> dict[EdgeTable, Rows]:
        """Arrow tables by (edge kind, from, to)."""
        return {table: edge_rows(table, _columns(list(rows.values()))) for table, rows in self._edges.items() if rows}


def _columns(rows: list[Mapping[str, object]]) -> dict[str, list[object]]:
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}
