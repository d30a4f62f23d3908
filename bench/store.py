"""How long a store takes to load and to answer: ``python -m bench.store [--nodes N] [--edges N] [--store URL]``.

The graph has the shape of a built one: users and roles in accounts, trusts with hubs, grants on resource classes,
resources in exactly one class. ``--store`` names a Neo4j server that is measured after the embedded store; its
graph `bench` stays there until it is pruned. It prints; nothing is asserted.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable

from cypher.library import load_queries, run_query
from graph.embedded import EmbeddedStore
from graph.generations import GRAPH_FILE, current
from graph.kinds import EdgeTable
from graph.store import NodeRef, Rows, Store, edge_rows, node_rows, open_store

LEVELS = ("List", "Read:metadata", "Read:data", "Write", "Tagging", "Permissions management")
BECAUSE = (
    '[{"layer":"identity","policy":"arn:aws:iam::aws:policy/ReadOnlyAccess","sid":"","statement":0,"effect":"Allow"}]'
)


Graph = tuple[dict[str, Rows], dict[EdgeTable, Rows]]
_WIDTH = 64


def build(nodes: int, edges: int) -> Graph:
    """A graph of about ``nodes`` nodes (70 % resources, 10 % principals, the rest grants and classes)."""
    random_ = random.Random(7)
    accounts = max(nodes // 1_000, 2)
    users, people = nodes // 40, nodes // 100
    roles = nodes // 10 - users - people
    classes, grants = nodes // 10, nodes // 10
    resources = nodes - accounts - users - people - roles - classes - grants - 1

    def account(i: int) -> str:
        return f"{100_000_000_000 + i % accounts}"

    keys = {
        "Account": [f"account:{account(i)}" for i in range(accounts)],
        "Person": [f"person:p{i}@example.com" for i in range(people)],
        "User": [f"arn:aws:iam::{account(i)}:user/team/u{i}" for i in range(users)],
        "Role": [f"arn:aws:iam::{account(i)}:role/app/r{i}" for i in range(roles)],
        "Grant": [f"grant:{i}" for i in range(grants)],
        "ResourceClass": [f"class:{i}" for i in range(classes)],
        "Resource": [f"arn:aws:s3:::bucket-{account(i)}-{i}" for i in range(resources)],
        "Anonymous": ["anonymous"],
    }

    def columns(kind: str) -> dict[str, list[object]]:
        size = len(keys[kind])
        owner: list[object] = [account(i) for i in range(size)]
        common: dict[str, list[object]] = {"key": [*keys[kind]], "name": [k.rsplit("/", 1)[-1] for k in keys[kind]]}
        more: dict[str, dict[str, list[object]]] = {
            "Account": {"account_id": owner, "status": ["ACTIVE"] * size},
            "User": {
                "arn": [*keys[kind]],
                "account_id": owner,
                "mfa": ["yes"] * size,
                "password": ["no"] * size,
                "key_age_days": [random_.randrange(-1, 100) for _ in range(size)],
            },
            "Role": {"arn": [*keys[kind]], "account_id": owner, "path": ["/app/"] * size, "last_used": [""] * size},
            "Grant": {
                "verdict": ["Allowed"] * size,
                "conditional": [i % 5 == 0 for i in range(size)],
                "levels": [random_.sample(LEVELS, 2) for _ in range(size)],
                "actions": [[f"s3:Get{i % 50}*", "s3:List*"] for i in range(size)],
                "because": [BECAUSE] * size,
            },
            "ResourceClass": {"pattern": ["arn:aws:s3:::bucket-*"] * size, "type": ["s3:bucket"] * size},
            "Resource": {
                "arn": [*keys[kind]],
                "type": ["s3:bucket"] * size,
                "account_id": owner,
                "tags": [["team=a", f"app=x{i % 99}"] for i in range(size)],
            },
        }
        return {**common, **more.get(kind, {})}

    tables = {kind: node_rows(kind, columns(kind)) for kind in keys}
    joined: dict[EdgeTable, Rows] = {}

    def join(kind: str, source: str, target: str, size: int, each: bool = False, **more: object) -> None:
        pick = random_.randrange
        sources = keys[source] if each else [keys[source][pick(len(keys[source]))] for _ in range(size)]
        targets = [keys[target][int(len(keys[target]) * random_.random() ** 2)] for _ in sources]
        table = EdgeTable(kind, source, target)
        values: dict[str, list[object]] = {name: [value] * len(sources) for name, value in more.items()}
        joined[table] = edge_rows(table, {"source": sources, "target": targets, **values})

    join("IN_ACCOUNT", "Resource", "Account", 0, each=True)
    join("IN_ACCOUNT", "Role", "Account", 0, each=True)
    belongs = EdgeTable("CONTAINS", "ResourceClass", "Resource")
    joined[belongs] = edge_rows(
        belongs, {"source": [keys["ResourceClass"][i % classes] for i in range(resources)], "target": keys["Resource"]}
    )
    join("HOLDS", "Anonymous", "Grant", 20)
    join("ADMIN_OF", "Role", "Account", accounts * 5, conditional=False, because=BECAUSE)
    rest = edges - sum(rows.num_rows for rows in joined.values())
    for kind, source, target, share in (
        ("CAN_ASSUME", "User", "Role", 10),
        ("CAN_ASSUME", "Role", "Role", 15),
        ("CAN_ASSUME", "Person", "Role", 5),
        ("HOLDS", "Role", "Grant", 40),
        ("COVERS", "Grant", "ResourceClass", 30),
    ):
        if kind == "CAN_ASSUME":
            join(kind, source, target, rest * share // 100, because=BECAUSE, conditional=False)
        else:
            join(kind, source, target, rest * share // 100)
    return tables, joined


def timed(what: str, begun: float) -> None:
    sys.stdout.write(f"{what:<{_WIDTH}}{time.perf_counter() - begun:8.3f} s\n")


def load_and_ask(store: Store, again: Callable[[], Store], graph: Graph) -> None:
    """Loads, opens anew, asks every query of the library and for paths."""
    tables, joined = graph
    begun = time.perf_counter()
    counts = store.load("bench", tables, joined)
    timed(f"load {sum(counts.nodes.values()):,} nodes, {sum(counts.edges.values()):,} edges", begun)
    store.close()
    begun = time.perf_counter()
    opened = again()
    opened.generation()
    timed("open", begun)
    target = tables["Resource"].column("key")[5].as_py()
    for name in load_queries():
        params = {"arn": target} if name == "holders" else {}
        begun = time.perf_counter()
        run_query(opened, name, params)
        first = time.perf_counter() - begun
        begun = time.perf_counter()
        rows = run_query(opened, name, params).rows
        timed(f"query {name} ({len(rows):,} rows; first {first:.3f} s)", begun)
    everyone = [NodeRef("Person", key) for key in tables["Person"].column("key").to_pylist()]
    kinds = ("CAN_ASSUME", "HOLDS", "COVERS", "CONTAINS")
    for what, sources in (("one person", everyone[:1]), ("everyone", everyone)):
        begun = time.perf_counter()
        paths = opened.shortest_paths(sources, [NodeRef("Resource", target)], kinds, 6, 100)
        timed(f"shortest paths of {what} ({len(paths)})", begun)
    opened.close()


def main() -> None:
    """Builds, loads, asks, prints."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--nodes", type=int, default=100_000)
    arguments.add_argument("--edges", type=int, default=500_000)
    arguments.add_argument("--store", metavar="URL", help="a Neo4j server to measure too")
    options = arguments.parse_args()
    graph = build(options.nodes, options.edges)
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write("embedded\n")
        load_and_ask(EmbeddedStore(folder), lambda: EmbeddedStore(folder), graph)
        size = (current(folder) / GRAPH_FILE).stat().st_size
        sys.stdout.write(f"{'file':<{_WIDTH}}{size / 1e6:8.1f} MB\n")
    if options.store:
        sys.stdout.write(f"{options.store}\n")
        load_and_ask(open_store(options.store), lambda: open_store(options.store), graph)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(f"{'peak memory':<{_WIDTH}}{peak:8.0f} MiB\n")


if __name__ == "__main__":
    main()
