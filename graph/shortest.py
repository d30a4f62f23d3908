"""Shortest paths by breadth-first search from both ends, a query a hop, the same on every store.

Neither dialect's own shortest path serves: Ladybug's and Neo4j's differ in syntax, in which of several shortest
paths they give and in their order, and Neo4j's slows down by a factor of a hundred where no path exists. Here the
store answers one-hop questions in the common dialect and the order is made in one place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise, product
from typing import Protocol

from graph.schema import EDGE_KINDS, NODE_KINDS
from graph.store import SNAPSHOT_PARAMETER, Edge, Node, NodeRef, Parameters, Path, Result, StoreError

#: Keys a query takes at once.
_BATCH = 20_000

#: From a node to the nodes one step away, and by which kinds of edges.
_Steps = dict[NodeRef, dict[NodeRef, set[str]]]


class Ask(Protocol):
    """``Store.query``."""

    def __call__(self, text: str, parameters: Parameters | None = None) -> Result: ...


@dataclass(frozen=True, slots=True)
class Found:
    """How a store finds a node by its key at once: the properties to match, and what ``wanted`` is for a key."""

    properties: str = f"key: wanted, snapshot: ${SNAPSHOT_PARAMETER}"
    wanted: Callable[[str], str] = str


def shortest_paths(
    ask: Ask,
    sources: Sequence[NodeRef],
    targets: Sequence[NodeRef],
    edge_kinds: Sequence[str],
    max_hops: int,
    limit: int,
    found: Found = Found(),
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
    starts = set(sources) - ends
    into: _Steps = {}
    back, forth = ends, starts
    seen_back, seen_forth = set(ends), set(starts)
    settled: list[NodeRef] = []
    towards: _Steps = {}
    for _ in range(max_hops):
        # After b hops backwards and f forwards every path of b + f edges lies in what was recorded: the first f edges
        # were met going forth, the last b going back. So each hop goes from the side that has less to ask.
        backwards = len(back) <= len(forth)
        reached: set[NodeRef] = set()
        for source, kind, target in _hop(ask, found, back if backwards else forth, edge_kinds, backwards=backwards):
            into.setdefault(target, {}).setdefault(source, set()).add(kind)
            reached.add(source if backwards else target)
        if backwards:
            back = reached - seen_back
            seen_back |= reached
        else:
            forth = reached - seen_forth
            seen_forth |= reached
        if not seen_back.isdisjoint(seen_forth):
            settled, towards = _settled(starts, ends, into, max_hops)
        # Every settled source has one path at least, and what is met later is not shorter.
        if not back or not forth or len(settled) >= min(limit, len(starts)):
            break
    walks = (walk for source in settled for walk in _walks(source, towards, ends))
    return _filled(ask, found, list(islice(walks, limit)))


def _settled(starts: set[NodeRef], ends: set[NodeRef], into: _Steps, max_hops: int) -> tuple[list[NodeRef], _Steps]:
    """The sources that reach a target over the recorded edges, nearest first, and the steps that lead nearer."""
    distance = dict.fromkeys(ends, 0)
    towards: _Steps = {}
    frontier = ends
    for hop in range(1, max_hops + 1):
        reached: set[NodeRef] = set()
        for target in frontier:
            for source, kinds in into.get(target, {}).items():
                if distance.setdefault(source, hop) == hop:
                    reached.add(source)
                    towards.setdefault(source, {})[target] = kinds
        frontier = reached
    return sorted((s for s in starts if s in distance), key=lambda s: (distance[s], s)), towards


def _hop(
    ask: Ask, found: Found, frontier: set[NodeRef], edge_kinds: Sequence[str], *, backwards: bool
) -> Iterator[tuple[NodeRef, str, NodeRef]]:
    """Every edge of the kinds that ends (``backwards``) or begins in the frontier: (source, kind, target)."""
    by_kind: dict[str, list[str]] = {}
    for ref in sorted(frontier):
        by_kind.setdefault(ref.kind, []).append(ref.key)
    for edge_kind in dict.fromkeys(edge_kinds):
        for kind, keys in by_kind.items():
            pairs = EDGE_KINDS[edge_kind].pairs
            others = [a if backwards else b for a, b in pairs if (b if backwards else a) == kind]
            if not others:
                continue
            here, there = f"(n:{kind} {{{found.properties}}})", f"(m:{'|'.join(others)})"
            pattern = f"{there}-[:{edge_kind}]->{here}" if backwards else f"{here}-[:{edge_kind}]->{there}"
            text = f"UNWIND $keys AS wanted MATCH {pattern} RETURN m.kind AS kind, m.key AS key, n.key AS from_key"
            for first in range(0, len(keys), _BATCH):
                wanted = [found.wanted(key) for key in keys[first : first + _BATCH]]
                for other_kind, other, own in ask(text, {"keys": wanted}).rows:
                    met, known = NodeRef(str(other_kind), str(other)), NodeRef(kind, str(own))
                    yield (met, edge_kind, known) if backwards else (known, edge_kind, met)


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


def _filled(ask: Ask, found: Found, walks: list[_Walk]) -> list[Path]:
    """The walks with the properties of their nodes and edges."""
    refs = {ref for route, _ in walks for ref in route}
    nodes = _nodes(ask, found, refs)
    wanted = {(a, kind, b) for route, kinds in walks for a, kind, b in zip(route, kinds, route[1:], strict=False)}
    edges = _edges(ask, found, wanted)
    return [
        Path(
            tuple(nodes[ref] for ref in route),
            tuple(edges[a, kind, b] for a, kind, b in zip(route, kinds, route[1:], strict=False)),
        )
        for route, kinds in walks
    ]


def _nodes(ask: Ask, found: Found, refs: set[NodeRef]) -> dict[NodeRef, Node]:
    whole: dict[NodeRef, Node] = {}
    for kind in sorted({ref.kind for ref in refs}):
        names = [p.name for p in NODE_KINDS[kind].properties]
        columns = ", ".join(f"n.{name} AS {name}" for name in ("key", "name", *names))
        text = f"UNWIND $keys AS wanted MATCH (n:{kind} {{{found.properties}}}) RETURN {columns}"
        keys = sorted(ref.key for ref in refs if ref.kind == kind)
        for row in ask(text, {"keys": [found.wanted(key) for key in keys]}).rows:
            key, name = str(row[0]), None if row[1] is None else str(row[1])
            whole[NodeRef(kind, key)] = Node(kind, key, name, _present(names, row[2:]))
    return whole


_Joint = tuple[NodeRef, str, NodeRef]


def _edges(ask: Ask, found: Found, wanted: set[_Joint]) -> dict[_Joint, Edge]:
    whole: dict[_Joint, Edge] = {}
    for source, edge_kind, target in sorted({(a.kind, kind, b.kind) for a, kind, b in wanted}):
        names = [p.name for p in EDGE_KINDS[edge_kind].properties]
        columns = ", ".join(["a.key AS a_key", "b.key AS b_key", *(f"e.{name} AS {name}" for name in names)])
        text = (
            f"UNWIND $keys AS wanted MATCH (a:{source} {{{found.properties}}})"
            f"-[e:{edge_kind}]->(b:{target}) WHERE b.key IN $others RETURN {columns}"
        )
        pairs = [(a.key, b.key) for a, kind, b in wanted if (a.kind, kind, b.kind) == (source, edge_kind, target)]
        parameters = {
            "keys": [found.wanted(a) for a in sorted({a for a, _ in pairs})],
            "others": sorted({b for _, b in pairs}),
        }
        for row in ask(text, parameters).rows:
            joint = (NodeRef(source, str(row[0])), edge_kind, NodeRef(target, str(row[1])))
            edge = Edge(edge_kind, str(row[0]), str(row[1]), _present(names, row[2:]))
            # Of several edges of one kind between two nodes (assignments in two accounts) the first by its properties.
            if joint not in whole or _order(edge) < _order(whole[joint]):
                whole[joint] = edge
    return whole


def _present(names: Sequence[str], values: Sequence[object]) -> Mapping[str, object]:
    return {name: value for name, value in zip(names, values, strict=True) if value is not None}


def _order(edge: Edge) -> str:
    return json.dumps(edge.properties, sort_keys=True)
