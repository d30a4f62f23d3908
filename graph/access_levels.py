"""Access levels of sets of actions, as AWS names them, Read split into metadata and data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache

from policy.actions import catalogue

LEVELS = ("List", "Read:metadata", "Read:data", "Write", "Tagging", "Permissions management")


def levels_of(actions: Iterable[str]) -> list[str]:
    """The access levels of a set of actions, in AWS's order."""
    found = {level for action in actions for level in _of_action(action)}
    return [level for level in LEVELS if level in found]


@lru_cache(maxsize=1 << 16)
def _of_action(action: str) -> tuple[str, ...]:
    return catalogue().levels(action)


@lru_cache(maxsize=1 << 10)
def by_level(actions: tuple[str, ...]) -> Mapping[str, list[str]]:
    """The actions of each level, in their order."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for action in actions:
        for level in _of_action(action):
            found[level].append(action)
    return dict(found)


@lru_cache(maxsize=1 << 16)
def level_bits(actions: tuple[str, ...]) -> int:
    """The levels of a set of actions, bit ``n`` for ``LEVELS[n]``."""
    return sum(1 << LEVELS.index(level) for level in levels_of(actions))


def levels_in(bits: int) -> list[str]:
    """The levels of ``level_bits``."""
    return [level for number, level in enumerate(LEVELS) if bits >> number & 1]


@lru_cache(maxsize=1 << 14)
def example_of_level(actions: tuple[str, ...]) -> dict[str, str]:
    """Levels of a set of actions, each with the first of its actions."""
    return {level: action for action in reversed(actions) for level in levels_of((action,))}
