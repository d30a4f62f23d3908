"""Sets of actions as whole numbers (``graph.bits``), and the levels that they are of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from graph.bits import bits_of, members
from policy.actions import catalogue

if TYPE_CHECKING:
    from numpy.typing import NDArray


class _Numbers:
    """Actions by numbers, so that sets of them are whole numbers (``graph.bits``); threads may share it."""

    def __init__(self) -> None:
        self._next = count()
        self._numbers: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._order: tuple[NDArray[np.int32], dict[str, int]] = np.empty(0, dtype=np.int32), {}

    def bits(self, actions: Iterable[str]) -> int:
        found = []
        for action in actions:
            number = self._numbers.get(action)
            if number is None:
                number = self._numbers.setdefault(action, next(self._next))
                self._names[number] = action
            found.append(number)
        return bits_of(found)

    def named(self, bits: int) -> list[str]:
        return [self._names[number] for number in members(bits)]

    def first_of_levels(self, bits: int) -> dict[str, str]:
        """The levels of actions, each with the first of its actions by name."""
        ranks, levels = self._order
        if bits.bit_length() > len(ranks):
            ranks, levels = self._order = self._ordered()
        found = {}
        for level, every in levels.items():
            some = members(bits & every)
            if some:
                found[level] = self._names[some[int(ranks[some].argmin())]]
        return found

    def _ordered(self) -> tuple[NDArray[np.int32], dict[str, int]]:
        """The place of each action among all by name, and the actions of each level."""
        names = dict(self._names)
        ranks = np.full(max(names) + 1, len(names), dtype=np.int32)
        ranks[sorted(names, key=names.__getitem__)] = np.arange(len(names))
        levels: defaultdict[str, list[int]] = defaultdict(list)
        for number, name in names.items():
            for level in catalogue().levels(name):
                levels[level].append(number)
        return ranks, {level: bits_of(some) for level, some in levels.items()}


_ACTIONS = _Numbers()
action_bits = _ACTIONS.bits
"""The actions of these names, as a set."""
actions_named = _ACTIONS.named
"""The names of a set of actions."""
first_of_levels = lru_cache(maxsize=16384)(_ACTIONS.first_of_levels)
"""The levels of a set of actions, each with the first of its actions by name."""
