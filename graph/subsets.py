"""Which of thousands of small sets of patterns lie within another, without a look at each."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain


class Subsets:
    """Some sets, each found by that one of its patterns which is in fewest of them."""

    def __init__(self, sets: Sequence[Collection[str]]) -> None:
        self._sets = sets
        often = Counter(chain.from_iterable(sets))
        self._under: defaultdict[str | None, list[int]] = defaultdict(list)
        for number, one in enumerate(sets):
            self._under[min(one, key=lambda pattern: (often[pattern], pattern), default=None)].append(number)

    def within(self, whole: AbstractSet[str]) -> list[int]:
        """The numbers of the sets of which ``whole`` has everything, in order."""
        near = chain.from_iterable(self._under.get(pattern, ()) for pattern in (None, *whole))
        return sorted(number for number in near if all(pattern in whole for pattern in self._sets[number]))
