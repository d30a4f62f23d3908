"""Shortest paths against networkx, an independent answer, on seeded random graphs."""

from __future__ import annotations

import random
from pathlib import Path as FilePath

import networkx as nx
import pytest

from graph.embedded import EmbeddedStore
from graph.kinds import EdgeTable
from graph.store import NodeRef, edge_rows, node_rows

TABLE = EdgeTable("CAN_ASSUME", "Role", "Role")


@pytest.mark.parametrize("seed", range(6))
def test_paths_are_all_the_shortest_to_the_nearest_target_in_order(tmp_path: FilePath, seed: int) -> None:
    pick = random.Random(seed)
    names = [f"r{i:02}" for i in range(30)]
    edges = sorted({(pick.choice(names), pick.choice(names)) for _ in range(50)})
    rows = edge_rows(TABLE, {"source": [a for a, _ in edges], "target": [b for _, b in edges]})
    with EmbeddedStore(tmp_path) as store:
        store.load("s1", {"Role": node_rows("Role", {"key": names})}, {TABLE: rows})
        graph = nx.DiGraph(edges)
        graph.add_nodes_from(names)
        for hops, how_many, targets in ((6, 1, 3), (6, 20, 1), (2, 10, 2), (1, 30, 30), (4, 5, 5)):
            sources, ends = pick.sample(names, how_many), set(pick.sample(names, targets))
            expected = []
            for source in set(sources) - ends:
                lengths = nx.single_source_shortest_path_length(graph, source)
                near = min((lengths[end] for end in ends if end in lengths), default=hops + 1)
                if near <= hops:
                    for end in ends:
                        if lengths.get(end) == near:
                            expected += list(nx.all_shortest_paths(graph, source, end))
            expected.sort(key=lambda path: (len(path), path))
            for limit in (1, 4, 1_000):
                found = store.shortest_paths(
                    [NodeRef("Role", s) for s in sources],
                    [NodeRef("Role", e) for e in ends],
                    ["CAN_ASSUME"],
                    hops,
                    limit,
                )
                assert [[node.key for node in path.nodes] for path in found] == expected[:limit]
