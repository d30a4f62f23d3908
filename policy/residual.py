"""What an answer hangs on, for those who read answers (grammar of the decision cases; semantics U1, U2, U6, U7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from policy.context_values import Unknown
from policy.expression import (
    FALSE,
    TRUE,
    All,
    DocumentLeaf,
    KeyLeaf,
    Leaf,
    Not,
    Residual,
    ResourceLeaf,
    Some,
    Where,
    disjunction,
    fold,
    leaves,
    negation,
)
from policy.expression import conjunction as _all_of
from policy.solver import caller_alone, evaluate_leaf, settle

__all__ = [
    "FALSE",
    "TRUE",
    "All",
    "DocumentLeaf",
    "KeyLeaf",
    "Leaf",
    "Not",
    "Residual",
    "ResourceLeaf",
    "Some",
    "Where",
    "by_caller_only",
    "conjunction",
    "disjunction",
    "evaluate",
    "from_json",
    "leaves",
    "negation",
    "settle",
]


def conjunction(residuals: Iterable[Residual | None]) -> Residual | None:
    """What must hold for all steps of a chain; `None` (nothing to hold) for none of them."""
    combined = _all_of(TRUE if residual is None else residual for residual in residuals)
    return None if combined is TRUE else combined


def from_json(tree: Mapping[str, Any]) -> Residual:
    """The residual of a tree that answers show.

    What a key may hold is not in the tree: anything. Where the values have variables nothing is assumed of it.
    """
    if "all" in tree:
        return All(tuple(from_json(item) for item in tree["all"]))
    if "any" in tree:
        return Some(tuple(from_json(item) for item in tree["any"]))
    if "not" in tree:
        return Not(from_json(tree["not"]))
    if "document" in tree:
        return DocumentLeaf(tree["document"])
    where = Where(tree["layer"], tree["policy"], tree["sid"], tree["statement"])
    if "matches" in tree:
        return ResourceLeaf(tree["resource"], tree["matches"], "environment", where)
    values = tuple(tree["values"])
    unknown = None if any("${" in value for value in values) else Unknown(tree["by"])
    return KeyLeaf(tree["key"], tree["operator"], values, tree["by"], where, unknown=unknown)


def evaluate(
    residual: Residual,
    values: Mapping[str, str | list[str] | tuple[str, ...]],
    documents: Mapping[str, bool] | None = None,
) -> bool:
    """The truth of a residual in a completed request.

    `values` is the complete context, the keys that were known included; `documents` says of each uncollected document
    whether it allows the request.
    """
    context = {key.lower(): (value,) if isinstance(value, str) else tuple(value) for key, value in values.items()}
    truths = {leaf: evaluate_leaf(leaf, context, documents or {}) for leaf in leaves(residual)}
    return fold(residual, truths) is True


def by_caller_only(residual: Residual) -> bool:
    """Whether the caller's own choices alone can make the residual true (U7).

    True exactly when some values of the keys whose leaves are all marked `caller` make it true while every leaf of the
    environment, and every document, may be true or false. Certain when it says yes.
    """
    return caller_alone(residual)
