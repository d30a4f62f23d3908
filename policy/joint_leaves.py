"""Leaves of a residual by the unknown keys that they hang on: one, or several that are compared with one another."""

from __future__ import annotations

from collections.abc import Iterable

from policy.conditions import condition_of
from policy.context_values import Unknown
from policy.expression import FALSE, TRUE, DocumentLeaf, KeyLeaf, Leaf
from policy.patterns import Parts, Variable

#: What stands for the name of a session, which no key holds, and the key that ends with it.
SESSION, USER_ID = "session name", "aws:userid"


def unknowns(leaf: Leaf) -> dict[str, Unknown]:
    """The unknown keys that a leaf hangs on, with what is known of each."""
    if isinstance(leaf, DocumentLeaf):
        return {}
    found = dict(leaf.variables)
    if isinstance(leaf, KeyLeaf):
        if leaf.session:
            return {SESSION: Unknown("caller")}
        if leaf.unknown is not None:
            found[leaf.question[0]] = leaf.unknown
    return found


def sole_key(leaf: Leaf) -> tuple[str | None, Unknown | None]:
    """The one unknown key that a leaf hangs on; `None` for a leaf of none or several."""
    found = unknowns(leaf)
    return next(iter(found.items())) if len(found) == 1 else (None, None)


def names_of(leaf: Leaf) -> set[str]:
    """The unknown keys whose values say what a leaf is: the id of a session ends with its name."""
    found = set(unknowns(leaf))
    return found | {USER_ID} if SESSION in found else found


#: Keys that hold a text of whoever calls, any letters and digits at all: a value of one may be that of another.
#: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html
_FREE_TEXT = ("aws:requesttag/", "aws:tagkeys", "sts:rolesessionname", "sts:sourceidentity")


def may_be_either(leaf: Leaf) -> bool:
    """Whether a leaf of several keys, all of them the caller's, is true for some values of these and false for others:
    a text that may be anything is compared with others that may be, and with nothing else."""
    if not isinstance(leaf, KeyLeaf) or leaf.session or leaf.unknown is None:
        return False
    if any(one.by != "caller" or one.prefix or one.excludes for one in unknowns(leaf).values()):
        return False
    condition = condition_of(leaf.operator, leaf.key, leaf.values)
    if condition.operator.family != "string" or condition.if_exists or condition.set_operator:
        return False  # of several values, or of none, such a condition may be true or false whatever the texts are
    if condition.multivalued and not condition.operator.negated:
        return False  # several values match nothing without a set operator (C3)
    return condition.key.startswith(_FREE_TEXT) and all(_other_text(parts, condition.key) for parts in condition.parts)


def _other_text(parts: Parts, key: str) -> bool:
    """Whether a value is the text of another key that may be anything, and that alone."""
    one = parts[0] if len(parts) == 1 else None
    return isinstance(one, Variable) and one.key != key and one.key.startswith(_FREE_TEXT)


#: Keys that the caller sends or not, as they please.
_OPTIONAL = ("aws:requesttag/", "sts:sourceidentity", "sts:externalid")


def omittable(leaf: Leaf) -> list[str]:
    """The unknown keys that a leaf hangs on and that the caller may leave out."""
    return [name for name, one in unknowns(leaf).items() if name.startswith(_OPTIONAL) and one.by == "caller"]


def settled_without(several: Iterable[Leaf], name: str) -> tuple[tuple[Leaf, bool], ...]:
    """Those of these leaves that are one thing in every request without a key, with what they are."""
    return tuple((leaf, truth) for leaf in several if (truth := without_key(leaf, name)) is not None)


def without_key(leaf: Leaf, name: str) -> bool | None:
    """What a leaf of several keys is in every request without one of them: its own, or one that all its values have a
    variable of, so that they match nothing (semantics M3). ``None``: it hangs on the others."""
    if not isinstance(leaf, KeyLeaf) or leaf.session:
        return None
    condition = condition_of(leaf.operator, leaf.key, leaf.values)
    negated = condition.operator.negated
    if condition.operator.family == "null" or condition.when_absent is not (TRUE if negated else FALSE):
        return None
    if name == leaf.question[0]:
        return negated if leaf.unknown is not None else None
    if negated and (condition.multivalued or condition.set_operator == "any"):
        return None  # of several values, or of none, it is false all the same (C3)
    wanted = (
        any(isinstance(one, Variable) and one.key == name and one.default is None for one in parts)
        for parts in condition.parts
    )
    return negated if all(wanted) else None
