"""Shortest paths by one breadth-first search from the targets backwards, a query a hop, the same on every store.

Neither dialect's own shortest path serves: Ladybug's and Neo4j's differ in syntax, in which of several shortest
paths they give and in their order, and Neo4j's slows down by a factor of a hundred where no path exists. Here the
store answers one-hop questions in the common dialect and the order is made in one place.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, pairwise, product
from typing import Protocol

from graph.schema import EDGE_KINDS, NODE_KINDS
from graph.store import Edge, Node, NodeRef, Parameters, Path, Result, StoreError

#: Keys a query takes at once.
_BATCH = 20_000

#: From a node to the nodes one step nearer to a target, and by which kinds of edges.
_Steps = dict[NodeRef, dict[NodeRef, set[str]]]


class Ask(Protocol):
    """``Store.query``."""

    def __call__(self, text: str, parameters: Parameters | None = None) -> Result: ...


def shortest_paths(
    ask: Ask,
    sources: Sequence[NodeRef],
    targets: Sequence[NodeRef],
    edge_kinds: Sequence[str],
    max_hops: int,
    limit: int,
) -> list[Path]:
    """``Store.shortest_paths`` by ``ask``; a source that is itself a target needs no path and gives none."""
    for ref in (*sources, *targets):
        if ref.kind not in NODE_KINDS:
            raise StoreError(f"unknown node kind `{ref.kind}`")
    for kind in edge_kinds:
        if kind not in EDGE_KINDS:
            raise StoreError(f"unknown edge kind `{kind}`: one of {', '.join(EDGE_KINDS)}")
    if max_hops < 1 or limit < 1:
        raise StoreError("shortest paths need one hop and one path at least")
    ends = set(targets)
    distance = dict.fromkeys(ends, 0)
    steps: _Steps = {}
    waiting = set(sources) - ends
    settled: list[NodeRef] = []
    frontier = ends
    for hop in range(1, max_hops + 1):
        reached: set[NodeRef] = set()
        for source, kind, target in _into(ask, frontier, edge_kinds):
            if distance.setdefault(source, hop) == hop:
                reached.add(source)
                steps.setdefault(source, {}).setdefault(target, set()).add(kind)
        settled += sorted(waiting & reached)
        waiting -= reached
        frontier = reached
        # Every settled source has one path at least, and none of the later ones is shorter.
        if not frontier or not waiting or len(settled) >= limit:
            break
    walks = (walk for source in settled for walk in _walks(source, steps, ends))
    return _filled(ask, list(islice(walks, limit)))


def _into(ask: Ask, frontier: set[NodeRef], edge_kinds: Sequence[str]) -> Iterator[tuple[NodeRef, str, NodeRef]]:
    """Every edge of the kinds that ends in the frontier: (source, kind, target)."""
    by_kind: dict[str, list[str]] = {}
    for ref in sorted(frontier):
        by_kind.setdefault(ref.kind, []).append(ref.key)
    for edge_kind in dict.fromkeys(edge_kinds):
        for kind, keys in by_kind.items():
            labels = "|".join(source for source, target in EDGE_KINDS[edge_kind].pairs if target == kind)
            if not labels:
                continue
            text = (
                f"UNWIND $keys AS wanted MATCH (a:{labels})-[:{edge_kind}]->"
                f"(b:{kind} {{key: wanted, snapshot: $snapshot}}) RETURN a.kind AS kind, a.key AS source, wanted"
            )
            for start in range(0, len(keys), _BATCH):
                for source_kind, source, target in ask(text, {"keys": keys[start : start + _BATCH]}).rows:
                    yield NodeRef(str(source_kind), str(source)), edge_kind, NodeRef(kind, str(target))


_Walk = tuple[tuple[NodeRef, ...], tuple[str, ...]]


def _walks(source: NodeRef, steps: _Steps, ends: set[NodeRef]) -> Iterator[_Walk]:
    """The shortest walks from ``source``: by the nodes first, then by the kinds of the edges between them."""

    def routes(prefix: tuple[NodeRef, ...]) -> Iterator[tuple[NodeRef, ...]]:
        if prefix[-1] in ends:
            yield prefix
            return
        for target in sorted(steps[prefix[-1]]):
            yield from routes((*prefix, target))

    for route in routes((source,)):
        choices = [sorted(steps[a][b]) for a, b in pairwise(route)]
        for kinds in product(*choices):
            yield route, kinds


def _filled(ask: Ask, walks: list[_Walk]) -> list[Path]:
    """The walks with the properties of their nodes and edges."""
    refs = {ref for route, _ in walks for ref in route}
    nodes = _nodes(ask, refs)
    wanted = {(a, kind, b) for route, kinds in walks for a, kind, b in zip(route, kinds, route[1:], strict=False)}
    edges = _edges(ask, wanted)
    return [
        Path(
            tuple(nodes[ref] for ref in route),
            tuple(edges[a, kind, b] for a, kind, b in zip(route, kinds, route[1:], strict=False)),
        )
        for route, kinds in walks
    ]


def _nodes(ask: Ask, refs: set[NodeRef]) -> dict[NodeRef, Node]:
    found: dict[NodeRef, Node] = {}
    for kind in sorted({ref.kind for ref in refs}):
        names = [p.name for p in NODE_KINDS[kind].properties]
        columns = ", ".join(f"n.{name} AS {name}" for name in ("key", "name", *names))
        text = f"UNWIND $keys AS wanted MATCH (n:{kind} {{key: wanted, snapshot: $snapshot}}) RETURN {columns}"
        for row in ask(text, {"keys": sorted(ref.key for ref in refs if ref.kind == kind)}).rows:
            key, name = str(row[0]), None if row[1] is None else str(row[1])
            found[NodeRef(kind, key)] = Node(kind, key, name, _present(names, row[2:]))
    return found


_Joint = tuple[NodeRef, str, NodeRef]


def _edges(ask: Ask, wanted: set[_Joint]) -> dict[_Joint, Edge]:
    found: dict[_Joint, Edge] = {}
    for source, edge_kind, target in sorted({(a.kind, kind, b.kind) for a, kind, b in wanted}):
        names = [p.name for p in EDGE_KINDS[edge_kind].properties]
        columns = ", ".join(["a.key AS a_key", "b.key AS b_key", *(f"e.{name} AS {name}" for name in names)])
        text = (
            f"UNWIND $keys AS wanted MATCH (a:{source} {{key: wanted, snapshot: $snapshot}})"
            f"-[e:{edge_kind}]->(b:{target}) WHERE b.key IN $others RETURN {columns}"
        )
        pairs = [(a.key, b.key) for a, kind, b in wanted if (a.kind, kind, b.kind) == (source, edge_kind, target)]
        parameters = {"keys": sorted({a for a, _ in pairs}), "others": sorted({b for _, b in pairs})}
        for row in ask(text, parameters).rows:
            joint = (NodeRef(source, str(row[0])), edge_kind, NodeRef(target, str(row[1])))
            edge = Edge(edge_kind, str(row[0]), str(row[1]), _present(names, row[2:]))
            # Of several edges of one kind between two nodes (assignments in two accounts) the first by its properties.
            if joint not in found or _order(edge) < _order(found[joint]):
                found[joint] = edge
    return found


def _present(names: Sequence[str], values: Sequence[object]) -> Mapping[str, object]:
    return {name: value for name, value in zip(names, values, strict=True) if value is not None}


def _order(edge: Edge) -> str:
    return json.dumps(edge.properties, sort_keys=True)
