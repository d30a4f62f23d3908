"""By which ways a principal comes to what others hold, the best first."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from graph.closure import Chain
from graph.questions import Questions
from graph.subjects import Subject
from policy.verdicts import Verdict

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Behind every way that there is.
NONE = int(np.iinfo(np.int32).max)


class Way(NamedTuple):
    """How somebody comes to hold something: its place among all ways (the best first), and which they are."""

    rank: int
    sure: bool
    chain: Chain
    holder: Subject

    @property
    def verdict(self) -> Verdict:
        return Verdict.ALLOWED if self.sure else Verdict.CONDITIONAL


class Ways:
    """The best way to everybody whom a principal can act as, itself included, in two kinds: for what is Allowed at
    its end, and for what is not."""

    def __init__(self, questions: Questions, subject: Subject) -> None:
        everyone = questions.world.subjects.all
        chains = questions.steps.forward(subject, questions.first_steps(subject, questions.steps))
        self.holders = [subject, *(everyone[index] for index in chains.shortest)]
        number = {one.index: place for place, one in enumerate(self.holders)}
        found = [(True, subject, Chain()), (False, subject, Chain())]
        for sure, some in ((True, chains.certain), (False, chains.shortest)):
            found += [(sure, self.holders[number[index]], chain) for index, chain in some.items()]
        found.sort(key=lambda item: (not item[0], item[2].length, item[2].place))
        self.all: list[Way] = []
        #: By holder, the number of the way for what is Allowed (or behind all: none), and of the one for what is not.
        self._numbers = {index: [NONE, NONE] for index in number}
        before: object = None
        rank = -1
        for sure, holder, chain in found:
            key = (sure, chain.length, chain.place)
            rank, before = rank + (key != before), key
            self._numbers[holder.index][not sure] = len(self.all)
            self.all.append(Way(rank, sure, chain, holder))
        self.ranks: NDArray[np.int32] = np.array([way.rank for way in self.all], dtype=np.int32)

    def of(self, index: int, *, sure: bool) -> Way:
        """The best way to what somebody holds, which is Allowed there (``sure``) or not."""
        certain, shortest = self._numbers[index]
        return self.all[certain if sure and certain < NONE else shortest]

    def by_subject(self, count: int) -> NDArray[np.int32]:
        """The numbers of ways, by kind and subject."""
        found = np.full((2, count), NONE, dtype=np.int32)
        for index, numbers in self._numbers.items():
            if index >= 0:
                found[:, index] = numbers
        return found
