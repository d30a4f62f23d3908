"""The vocabulary in which the graph is declared, and the checks that make a declaration fit for both stores."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

#: Words that one dialect or the other does not take as the name of a kind, an edge, a property, a variable, a column
#: or a parameter, found by trying every keyword of both grammars in each of these places; then words that begin or
#: divide a clause, which both take as names and people misread.
_REFUSED = (
    "ACYCLIC ALL AND ANY ASC ASCENDING CASE CAST COLUMN COMMIT_SKIP_CHECKPOINT CREATE DBTYPE DEFAULT DESC "
    "DESCENDING DISTINCT ELSE END ENDS EXISTS FALSE FOR GLOB GROUP HEADERS HINT IN INDEX INF INFINITY INSTALL "
    "JOIN MACRO MULTI_JOIN NAN NONE NOT NULL ON ONLY OPTIONAL OPTIONS OR ORDER PRIMARY PROFILE SHORTEST SINGLE "
    "STARTS TABLE THEN TRAIL TRUE UNION UNWIND WHEN WHERE WITH WSHORTEST XOR "
    "AS BY CALL DELETE DETACH FOREACH FROM IS LIMIT LOAD MATCH MERGE OF REMOVE RETURN SET SKIP TO USING YIELD"
)
RESERVED = frozenset(_REFUSED.split())

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class SchemaError(ValueError):
    """A declaration that a store could not hold: a reserved word, an unknown kind, a name declared twice."""


class Type(StrEnum):
    """Types of properties; each may be null, which means not known or not applicable."""

    STRING = "STRING"
    INT64 = "INT64"
    BOOL = "BOOL"
    STRINGS = "STRING[]"


@dataclass(frozen=True, slots=True)
class Property:
    """``doc`` says what the value means; values of a closed set are in ``values``."""

    name: str
    type: Type
    doc: str
    values: tuple[str, ...] = ()


#: Properties of every node. ``snapshot`` is filled by the store: it tells generations apart where one database holds
#: several, and every query anchors its patterns with ``{snapshot: $snapshot}``.
COMMON = (
    Property(
        "key",
        Type.STRING,
        "What the node is found by, unique in its kind: an ARN, an id, `person:<mail>`, `account:<id>`.",
    ),
    Property("kind", Type.STRING, "The node's label, readable in both dialects."),
    Property("name", Type.STRING, "What people call it."),
    Property("snapshot", Type.STRING, "The snapshot it was built from; filled by the store."),
)


@dataclass(frozen=True, slots=True)
class NodeKind:
    """``title`` is what people call it; ``properties`` come after the common ones (``COMMON``)."""

    name: str
    title: str
    doc: str
    properties: tuple[Property, ...] = ()

    @property
    def all_properties(self) -> tuple[Property, ...]:
        return COMMON + self.properties

    def property_names(self) -> frozenset[str]:
        return frozenset(p.name for p in self.all_properties)


@dataclass(frozen=True, slots=True)
class EdgeKind:
    """``pairs`` are the (from kind, to kind) that the edge may join."""

    name: str
    doc: str
    pairs: tuple[tuple[str, str], ...]
    properties: tuple[Property, ...] = ()

    def property_names(self) -> frozenset[str]:
        return frozenset(p.name for p in self.properties)

    def tables(self) -> tuple[EdgeTable, ...]:
        return tuple(EdgeTable(self.name, source, target) for source, target in self.pairs)


class EdgeTable(NamedTuple):
    """One homogeneous set of edges: what a load takes and a store keeps together."""

    kind: str
    source: str
    target: str

    def __str__(self) -> str:
        return f"({self.source})-[{self.kind}]->({self.target})"


@dataclass(frozen=True, slots=True)
class EdgeGroup:
    """Edge kinds that answer one question together."""

    name: str
    doc: str
    kinds: tuple[str, ...]


def check_name(name: str, what: str) -> None:
    """Raises ``SchemaError`` when ``name`` cannot stand unquoted in a query of either dialect."""
    if not _NAME.fullmatch(name):
        raise SchemaError(f"{what} `{name}` is no plain name")
    if name.upper() in RESERVED:
        raise SchemaError(f"{what} `{name}` is a reserved word")


def _check_properties(owner: str, properties: tuple[Property, ...]) -> None:
    seen: set[str] = set()
    for prop in properties:
        check_name(prop.name, f"property of {owner}")
        if prop.name in seen:
            raise SchemaError(f"property `{prop.name}` of {owner} is declared twice")
        seen.add(prop.name)


def check(nodes: tuple[NodeKind, ...], edges: tuple[EdgeKind, ...], groups: tuple[EdgeGroup, ...] = ()) -> None:
    """Raises ``SchemaError`` for a declaration that either store would refuse or read differently."""
    names: set[str] = set()
    for name in [n.name for n in nodes] + [e.name for e in edges] + [g.name for g in groups]:
        check_name(name, "kind")
        # Ladybug keeps labels and edge kinds in one catalogue and compares them without case.
        if name.upper() in names:
            raise SchemaError(f"kind `{name}` is declared twice")
        names.add(name.upper())
    known = {node.name for node in nodes}
    types: dict[str, tuple[Type, str]] = {}
    for node in nodes:
        _check_properties(node.name, node.all_properties)
    for edge in edges:
        _check_properties(edge.name, edge.properties)
        for end in (end for pair in edge.pairs for end in pair):
            if end not in known:
                raise SchemaError(f"edge `{edge.name}` joins the unknown kind `{end}`")
    for owner, prop in [(n.name, p) for n in nodes for p in n.all_properties] + [
        (e.name, p) for e in edges for p in e.properties
    ]:
        # A query over several labels reads one column: the property must have one type wherever it occurs.
        other, where = types.setdefault(prop.name, (prop.type, owner))
        if other is not prop.type:
            raise SchemaError(f"property `{prop.name}` is {other} in {where} and {prop.type} in {owner}")
    declared_edges = {edge.name for edge in edges}
    for group in groups:
        for kind in group.kinds:
            if kind not in declared_edges:
                raise SchemaError(f"group `{group.name}` holds the unknown edge `{kind}`")
