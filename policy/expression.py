"""The expression over what is unknown: leaves, and, or, not (grammar of the decision cases; semantics U1, U6).

Every truth in the engine is one of these: `TRUE`, `FALSE`, or something between that names what it hangs on. The
constructors simplify as they build: they flatten, drop duplicates, fold constants, absorb (`a or (a and b)` is `a`) and
cancel a leaf against its opposite. Two leaves are equal when they ask the same question, whichever statement asks it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, NamedTuple

from policy.context_values import By, Unknown, is_multivalued


class Where(NamedTuple):
    """The statement that a leaf comes from."""

    layer: str
    policy: str
    sid: str | None
    statement: int | None


class Residual:
    """The base of all nodes."""

    __slots__ = ()

    def to_json(self) -> dict[str, Any]:
        """The node as the tree that anybody can evaluate."""
        raise NotImplementedError


class Constant(Residual):
    """`TRUE` or `FALSE`, the only two."""

    __slots__ = ("value",)

    def __init__(self, value: bool) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "TRUE" if self.value else "FALSE"

    def to_json(self) -> dict[str, Any]:
        return {"all": []} if self.value else {"any": []}


TRUE = Constant(True)
FALSE = Constant(False)


@dataclass(frozen=True, slots=True)
class KeyLeaf(Residual):
    """One condition: true if `operator` holds between the request's `key` and `values`.

    `unknown` is what is known about the key; `None` when the key is known to be `present` and a variable in `values` is
    what is not known. `variables` maps the unknown keys inside `values`. `session` marks the caller's own session name
    (L18), which is another thing than the name that an AssumeRole call asks for.
    """

    key: str = field(compare=False)
    operator: str = field(compare=False)
    values: tuple[str, ...]
    by: By = field(compare=False)
    where: Where = field(compare=False)
    unknown: Unknown | None = field(default=None, compare=False)
    present: tuple[str, ...] = field(default=(), compare=False)
    variables: tuple[tuple[str, Unknown], ...] = field(default=(), compare=False)
    session: bool = False
    question: tuple[str, str] = field(init=False)
    """Key and operator in lower case: they match without case (C1), so equality looks at these."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "question", (self.key.lower(), self.operator.lower()))

    def to_json(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "operator": self.operator,
            "values": list(self.values),
            "by": self.by,
            **_origin(self.where),
        }


@dataclass(frozen=True, slots=True)
class ResourceLeaf(Residual):
    """True if the resource matches a pattern that holds a variable whose key is unknown (M3)."""

    resource: str
    pattern: str
    by: By
    where: Where = field(compare=False)
    variables: tuple[tuple[str, Unknown], ...] = field(default=(), compare=False)

    def to_json(self) -> dict[str, Any]:
        return {"resource": self.resource, "matches": self.pattern, **_origin(self.where)}


@dataclass(frozen=True, slots=True)
class DocumentLeaf(Residual):
    """True if a document that could not be collected allows the request (U6)."""

    document: str

    def to_json(self) -> dict[str, Any]:
        return {"document": self.document}


@dataclass(frozen=True, slots=True)
class All(Residual):
    items: tuple[Residual, ...]

    def to_json(self) -> dict[str, Any]:
        return {"all": [item.to_json() for item in self.items]}


@dataclass(frozen=True, slots=True)
class Some(Residual):
    """The grammar's `any`."""

    items: tuple[Residual, ...]

    def to_json(self) -> dict[str, Any]:
        return {"any": [item.to_json() for item in self.items]}


@dataclass(frozen=True, slots=True)
class Not(Residual):
    item: Residual

    def to_json(self) -> dict[str, Any]:
        return {"not": self.item.to_json()}


Leaf = KeyLeaf | ResourceLeaf | DocumentLeaf


def _origin(where: Where) -> dict[str, Any]:
    return {"layer": where.layer, "policy": where.policy, "sid": where.sid, "statement": where.statement}


def negation(node: Residual) -> Residual:
    """`not node`, pushed down to the leaves so that opposites meet."""
    if isinstance(node, Constant):
        return FALSE if node.value else TRUE
    if isinstance(node, Not):
        return node.item
    if isinstance(node, All):
        return disjunction(negation(item) for item in node.items)
    if isinstance(node, Some):
        return conjunction(negation(item) for item in node.items)
    return Not(node)


def conjunction(nodes: Iterable[Residual]) -> Residual:
    """All of them: `TRUE` for none, `FALSE` as soon as one is."""
    return _combine(nodes, All, Some, TRUE, FALSE)


def disjunction(nodes: Iterable[Residual]) -> Residual:
    """At least one of them: `FALSE` for none, `TRUE` as soon as one is."""
    return _combine(nodes, Some, All, FALSE, TRUE)


def both(left: Residual, right: Residual) -> Residual:
    """The conjunction of two, quick when one is constant."""
    if left is TRUE:
        return right
    if right is TRUE:
        return left
    if left is FALSE or right is FALSE:
        return FALSE
    return conjunction((left, right))


def either(left: Residual, right: Residual) -> Residual:
    """The disjunction of two, quick when one is constant."""
    if left is FALSE:
        return right
    if right is FALSE:
        return left
    if left is TRUE or right is TRUE:
        return TRUE
    return disjunction((left, right))


def _combine(
    nodes: Iterable[Residual],
    kind: type[All] | type[Some],
    other: type[All] | type[Some],
    neutral: Constant,
    dominant: Constant,
) -> Residual:
    seen: dict[Residual, None] = {}
    for node in nodes:
        if node is neutral:
            continue
        if node is dominant:
            return dominant
        for item in node.items if isinstance(node, kind) else (node,):
            seen[item] = None
    if len(seen) > 1 and any(opposite(item) in seen or complement(item) in seen for item in seen):
        return dominant
    kept = [item for item in seen if not (isinstance(item, other) and any(part in seen for part in item.items))]
    if len(kept) > 1:
        kept = _absorbed(kept, other)
    if not kept:
        return neutral
    return kept[0] if len(kept) == 1 else kind(tuple(kept))


def _absorbed(items: list[Residual], kind: type[All] | type[Some]) -> list[Residual]:
    """The items without those that say all that another one says, and more: `(a and b) or (a and b and c)`."""
    parts = [frozenset(item.items) if isinstance(item, kind) else None for item in items]
    return [
        item
        for item, mine in zip(items, parts, strict=True)
        if mine is None or not any(other is not None and other < mine for other in parts)
    ]


# Operators that are each other's denial whatever a single-valued key turns out to be, absence included.
_DENIALS = {
    "stringequals": "StringNotEquals",
    "stringlike": "StringNotLike",
    "stringequalsignorecase": "StringNotEqualsIgnoreCase",
    "numericequals": "NumericNotEquals",
    "dateequals": "DateNotEquals",
    "ipaddress": "NotIpAddress",
    "arnequals": "ArnNotEquals",
    "arnlike": "ArnNotLike",
}
_OPPOSITE = {**_DENIALS, **{denial.lower(): positive for positive, denial in _DENIALS.items()}}


def opposite(item: Residual) -> Residual:
    """The node whose truth is always this one's denial."""
    return item.item if isinstance(item, Not) else Not(item)


@lru_cache(maxsize=1 << 14)
def complement(item: Residual) -> Residual | None:
    """The same denial said by an operator: `StringNotEquals` for `StringEquals` on the same key and values, to compare
    others with it: which statement it is from is not said.

    Only where the two deny each other whatever the key turns out to be: `…IfExists`, set operators and keys with
    several values are no such pair (C2, C3).
    """
    if isinstance(item, Not):
        inner = complement(item.item)
        return None if inner is None else Not(inner)
    if not isinstance(item, KeyLeaf) or item.session:
        return None
    operator = _OPPOSITE.get(item.operator.lower())
    if operator is None or is_multivalued(item.key):
        return None
    return replace(item, operator=operator)


def leaves(node: Residual) -> list[Leaf]:
    """The different leaves of a node, in order."""
    found: dict[Leaf, None] = {}
    _collect(node, found)
    return list(found)


def _collect(node: Residual, found: dict[Leaf, None]) -> None:
    if isinstance(node, (KeyLeaf, ResourceLeaf, DocumentLeaf)):
        found[node] = None
    elif isinstance(node, (All, Some)):
        for item in node.items:
            _collect(item, found)
    elif isinstance(node, Not):
        _collect(node.item, found)


def fold(node: Residual, truths: Mapping[Leaf, bool]) -> bool | None:
    """The truth of a node when some leaves are decided; `None` while it still hangs on the others."""
    if isinstance(node, Constant):
        return node.value
    if isinstance(node, Not):
        inner = fold(node.item, truths)
        return None if inner is None else not inner
    if isinstance(node, (All, Some)):
        stop = isinstance(node, Some)
        open_ended = False
        for item in node.items:
            part = fold(item, truths)
            if part is stop:
                return stop
            open_ended = open_ended or part is None
        return None if open_ended else not stop
    if isinstance(node, (KeyLeaf, ResourceLeaf, DocumentLeaf)):
        return truths.get(node)
    raise TypeError(f"no node of a residual: `{node!r}`")
