"""What a statement allows that no other statement does: compared by what is written, not by what was collected.

A statement covers another's pattern when its own patterns match all that the other's does, and all that it asks the
other asks as well. What statements forbid is left aside here: see ``reviews.unlisted`` for whose may be compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from policy.actions import catalogue
from policy.document import Statement


def uncovered(statement: Statement, pattern: str, others: Iterable[Statement]) -> frozenset[str]:
    """The actions that a statement allows on a resource pattern of its own and none of the others does."""
    left = acting(statement)
    for other in others:
        if left and _covers(other, statement, pattern):
            left -= acting(other)
    return left


def patterns(statement: Statement) -> tuple[str, ...]:
    """The resource patterns of a statement; all but some, and none, are ``*``."""
    return statement.resources or ("*",)


def acting(statement: Statement) -> frozenset[str]:
    """The actions of a statement that are about resources; unknown ones, which nobody can decide, as written."""
    return _acting(statement.actions, statement.not_actions)


@lru_cache(maxsize=4096)
def _acting(actions: tuple[str, ...] | None, excepted: tuple[str, ...] | None) -> frozenset[str]:
    if actions is None:
        return _acting(("*",), None).difference(*(_acting((pattern,), None) for pattern in excepted or ()))
    book = catalogue()
    found: set[str] = set()
    for pattern in actions:
        known = book.expand(pattern)
        found.update(action for action in known if not book.wildcard_only(action))
        if not known and ":" in pattern:
            found.add(pattern.lower())
    return frozenset(found)


@lru_cache(maxsize=4096)
def services(actions: frozenset[str]) -> frozenset[str]:
    """The prefixes of actions."""
    return frozenset(action.partition(":")[0] for action in actions)


def _covers(other: Statement, statement: Statement, pattern: str) -> bool:
    if not other.allows or other.resources is None or not _asked(other) <= _asked(statement):
        return False
    return any(mine in ("*", pattern) or _matches(mine, pattern) for mine in other.resources)


def _matches(mine: str, pattern: str) -> bool:
    """Whether a pattern matches all that another does: the other's own wildcards count as themselves."""
    if "${" in mine or not ("*" in mine or "?" in mine):
        return False
    return _glob(mine).fullmatch(pattern) is not None


def _asked(statement: Statement) -> frozenset[tuple[str, str, tuple[str, ...]]]:
    return frozenset((test.operator_text, test.key, tuple(test.values)) for test in statement.conditions)


@lru_cache(maxsize=4096)
def _glob(pattern: str) -> re.Pattern[str]:
    """A resource pattern as an expression that never goes beyond a line."""
    return re.compile(expression(pattern))


def expression(pattern: str) -> str:
    """The source of that expression."""
    return "".join({"*": "[^\n]*", "?": "[^\n]"}.get(character, re.escape(character)) for character in pattern)
