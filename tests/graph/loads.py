"""Graphs to load in tests of stores: one small enough to read, odd strings, one large enough to interrupt."""

from __future__ import annotations

from graph.kinds import EdgeTable
from graph.store import Rows, edge_rows, node_rows

CAN_ASSUME = EdgeTable("CAN_ASSUME", "User", "Role")
CHAIN = EdgeTable("CAN_ASSUME", "Role", "Role")
HOLDS = EdgeTable("HOLDS", "Role", "Grant")
COVERS = EdgeTable("COVERS", "Grant", "ResourceClass")
CONTAINS = EdgeTable("CONTAINS", "ResourceClass", "Resource")
ASSIGNED = EdgeTable("ASSIGNED", "Person", "PermissionSet")
PROVISIONS = EdgeTable("PROVISIONS", "PermissionSet", "Role")

Load = tuple[dict[str, Rows], dict[EdgeTable, Rows]]

ODD = {
    "quotes": """it's "quoted" `ticked` \\ $name {x} [y] // no comment /* nor this""",
    "lines": "first\nsecond\r\n\ttabbed\x0b\x1f",
    "unicode": "Ångström 東京 🜁 \u202eright-to-left e\u0301 \u00e9",
    "long": "x" * 200_000,
    "comma": 'a,b;c|"d"\\N',
    "null": "NULL",
    "empty": "",
    "blank": "  both ends  ",
    "number": "007",
    "nul": "before\0after",
    "injection": "x'}) MATCH (n) DETACH DELETE n //",
}


def users(*keys: str) -> Rows:
    return node_rows("User", {"key": keys, "name": [key.upper() for key in keys]})


def small() -> Load:
    """u1 → r1 → r2 → r3 and u1 → r4 → r3; r3 holds a grant on bucket b; u2 can nothing."""
    nodes = {
        "User": users("u2", "u1"),
        "Role": node_rows("Role", {"key": ["r1", "r2", "r3", "r4"], "service_linked": [True, False, None, None]}),
        "Grant": node_rows("Grant", {"key": ["g"], "verdict": ["Allowed"], "levels": [["Read:data", "Write"]]}),
        "ResourceClass": node_rows("ResourceClass", {"key": ["c"], "size": [1]}),
        "Resource": node_rows("Resource", {"key": ["b"], "arn": ["arn:aws:s3:::b"], "tags": [["k=v", "a=b"]]}),
    }
    edges = {
        CAN_ASSUME: edge_rows(
            CAN_ASSUME, {"source": ["u1", "u1"], "target": ["r4", "r1"], "conditional": [True, False]}
        ),
        CHAIN: edge_rows(CHAIN, {"source": ["r1", "r2", "r4"], "target": ["r2", "r3", "r3"]}),
        HOLDS: edge_rows(HOLDS, {"source": ["r3"], "target": ["g"], "session": [""]}),
        COVERS: edge_rows(COVERS, {"source": ["g"], "target": ["c"]}),
        CONTAINS: edge_rows(CONTAINS, {"source": ["c"], "target": ["b"]}),
    }
    return nodes, edges


def large(users_: int, edges_: int) -> Load:
    """A load that takes a while, for those who interrupt or measure it."""
    roles = users_ // 2
    nodes = {
        "User": node_rows(
            "User",
            {
                "key": [f"arn:aws:iam::123456789012:user/team/u{i}" for i in range(users_ - roles)],
                "name": [f"u{i}" for i in range(users_ - roles)],
            },
        ),
        "Role": node_rows("Role", {"key": [f"arn:aws:iam::123456789012:role/r{i}" for i in range(roles)]}),
    }
    sources = [f"arn:aws:iam::123456789012:user/team/u{i * 7 % (users_ - roles)}" for i in range(edges_)]
    targets = [f"arn:aws:iam::123456789012:role/r{i * 13 % roles}" for i in range(edges_)]
    edge = edge_rows(CAN_ASSUME, {"source": sources, "target": targets, "because": ["[]"] * edges_})
    return nodes, {CAN_ASSUME: edge}
