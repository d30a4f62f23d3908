"""The graph joins what many grants take together in wide classes, and loses and repeats nothing by it."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from graph import access_classes
from graph.world import World
from model.inventory import Inventory
from tests.graph.test_graph_rows import Graph, edges, graph_of, held_in_graph, held_in_tables, nodes, pairs
from tests.graph.worlds import ONE, allow, bucket, made_world, queue, user, world


@pytest.mark.parametrize("most", [0, 60, 400])
def test_sets_of_classes_that_are_not_looked_at_are_covered_all_the_same(
    most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_classes, "_MOST", most)
    monkeypatch.setattr(access_classes, "_AT_ONCE", 7)
    for number, some in enumerate((World(Inventory(world(5))), everything_on_queues(12))):
        questions, graph = graph_of(some, tmp_path / f"tables{number}")
        assert held_in_graph(some, graph) == held_in_tables(questions)
        nothing_twice(graph)


def nothing_twice(graph: Graph) -> dict[str, list[str]]:
    """The narrow classes that each grant covers, none of them twice."""
    classes = nodes(graph, "ResourceClass")
    inside: defaultdict[str, set[str]] = defaultdict(set)
    inside |= {key: {key} for key, node in classes.items() if not node["wide"]}
    for one, wide in pairs(graph, "WITHIN"):
        inside[wide].add(one)
    covered: defaultdict[str, list[str]] = defaultdict(list)
    for grant, one in pairs(graph, "COVERS"):
        covered[grant] += inside[one]
    assert all(len(several) == len(set(several)) for several in covered.values())
    return covered


def everything_on_queues(count: int) -> World:
    """Users with policies of their own for everything, and as many queues, each with a policy of its own."""
    users = [user(f"all{n}", ONE, allow(["sqs:SendMessage", "sqs:ListQueues"])) for n in range(count)]
    return made_world(
        users=tuple(users),
        resources=tuple(
            queue(f"q{n}", ONE, allow("sqs:ReceiveMessage", Principal={"AWS": one.arn})) for n, one in enumerate(users)
        ),
    )


def test_parts_of_contents_held_alike_are_one_class_of_several_containers(tmp_path: Path) -> None:
    names = ["logs-a", "logs-b", "logs-c", "other"]
    some = made_world(
        users=(user("u", ONE, allow("s3:GetObject", "arn:aws:s3:::logs-*/in/*")),),
        resources=tuple(bucket(name) for name in names),
    )
    _, graph = graph_of(some, tmp_path / "tables")
    grants = {key for key, node in nodes(graph, "Grant").items() if node["actions"] == ["s3:GetObject"]}
    (one,) = {target for source, target in pairs(graph, "COVERS") if source in grants}
    parts = {row["target"]: row["part"] for _, row in edges(graph, "INSIDE") if row["source"] == one}
    assert set(parts) == {f"arn:aws:s3:::{name}" for name in names[:3]}
    assert all(part.endswith("/in/*") for part in parts.values())


def test_grants_on_all_of_a_container_cover_wide_classes_and_nothing_twice(tmp_path: Path) -> None:
    """Forty users each with a folder of their own, forty more with policies of their own for everything."""
    many = range(40)
    some = made_world(
        users=(
            *(user(f"one{n}", ONE, allow("s3:GetObject", f"arn:aws:s3:::data/home-{n}/*")) for n in many),
            *(user(f"all{n}", ONE, allow("s3:GetObject", "arn:aws:s3:::data/*")) for n in many),
        ),
        resources=(bucket("data"),),
    )
    questions, graph = graph_of(some, tmp_path / "tables")
    assert held_in_graph(some, graph) == held_in_tables(questions)
    classes, covered = nodes(graph, "ResourceClass"), nothing_twice(graph)
    within = [row["source"] for _, row in edges(graph, "INSIDE") if classes[row["source"]]["wide"]]
    written = len(pairs(graph, "COVERS")) + len(pairs(graph, "WITHIN")) + len(within)
    assert written < sum(map(len, covered.values())) / 3


def test_grants_on_everything_cover_wide_classes_of_resources(tmp_path: Path) -> None:
    some = everything_on_queues(40)
    questions, graph = graph_of(some, tmp_path / "tables")
    assert held_in_graph(some, graph) == held_in_tables(questions)
    classes = nodes(graph, "ResourceClass")
    contained: defaultdict[str, set[str]] = defaultdict(set)
    for one, resource in pairs(graph, "CONTAINS"):
        contained[one].add(resource)
    wide = {key: node for key, node in classes.items() if node["wide"]}
    assert wide and all(node["size"] == len(contained[key]) for key, node in wide.items())
    for narrow, one in pairs(graph, "WITHIN"):
        assert contained[narrow] <= contained[one] and classes[narrow]["open"] == classes[one]["open"]
    nothing_twice(graph)
    written = len(pairs(graph, "COVERS")) + len(pairs(graph, "WITHIN")) + sum(len(contained[key]) for key in wide)
    assert written < 40 * 39 / 2


def test_a_wide_class_is_made_only_where_it_saves_edges(tmp_path: Path) -> None:
    some = made_world(
        users=tuple(user(f"one{n}", ONE, allow("s3:GetObject", f"arn:aws:s3:::data/home-{n}/*")) for n in range(20)),
        resources=(bucket("data"),),
    )
    _, graph = graph_of(some, tmp_path / "tables")
    assert not any(node["wide"] for node in nodes(graph, "ResourceClass").values())
