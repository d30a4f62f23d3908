"""Reachability over steps: from a subject forward, or from roles backward, the best chain to each.

Better is: Allowed before Conditional, then fewer hops, then the names on the way. A chain is Allowed only if every
step is; its cost (conditional, hops) never falls along the way, so Dijkstra's algorithm finds the best of each.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from graph.assume import Step
from graph.deciding import Tree, all_of
from graph.subjects import Subject


@dataclass(frozen=True)
class Chain:
    """Steps from one subject to the session of the last role; no steps: the subject itself."""

    steps: tuple[Step, ...] = ()

    @property
    def via(self) -> tuple[str, ...]:
        """ARNs of the roles assumed on the way, in order."""
        return tuple(step.target.key for step in self.steps)

    @property
    def certain(self) -> bool:
        """Whether every step is Allowed, the caller's own choices counting as theirs to make."""
        return all(step.certain for step in self.steps)


def joined(chain: Chain, last: Tree | None) -> Tree | None:
    """The residual of a whole chain and the decision at its end: all of them together."""
    return all_of([*(step.outcome.residual for step in chain.steps if not step.certain), last])


class Steps:
    """Steps indexed both ways."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self.all = list(steps)
        self.out: defaultdict[int, list[Step]] = defaultdict(list)
        self.into: defaultdict[int, list[Step]] = defaultdict(list)
        for step in self.all:
            self.out[step.source.index].append(step)
            self.into[step.target.index].append(step)

    def forward(self, start: Subject, first: Iterable[Step] | None = None) -> dict[int, Chain]:
        """The best chain from ``start`` to every session it can get, by subject index; the start itself left out.

        ``first`` replaces the steps of a start that is not among the indexed subjects.
        """
        best: dict[int, Chain] = {}
        queue: list[tuple[int, int, tuple[str, ...], int, Chain]] = []

        def offer(chain: Chain, steps: Iterable[Step]) -> None:
            for step in steps:
                if step.target.index not in best and step.target is not start:
                    longer = Chain((*chain.steps, step))
                    cost = (0 if longer.certain else 1, len(longer.steps), longer.via, step.target.index)
                    heapq.heappush(queue, (*cost, longer))

        offer(Chain(), self.out.get(start.index, ()) if first is None else first)
        while queue:
            _, _, _, index, chain = heapq.heappop(queue)
            if index not in best:
                best[index] = chain
                offer(chain, self.out.get(index, ()))
        return best

    def backward(self, goals: Mapping[int, int]) -> dict[int, Chain]:
        """For every subject with a chain to a goal: the best one. ``goals`` maps goal indexes to their own rank.

        A goal's rank (0 Allowed, 1 Conditional) is the rank of the decision at the chain's end. Goals themselves
        appear only where a chain to another goal, or around to themselves, was found.
        """
        best: dict[int, Chain] = {}
        queue: list[tuple[int, int, tuple[str, ...], int, Chain]] = []

        def offer(chain: Chain, rank: int, index: int) -> None:
            for step in self.into.get(index, ()):
                source = step.source.index
                if source in best:
                    continue
                longer = Chain((step, *chain.steps))
                worse = rank if step.certain else 1
                heapq.heappush(queue, (worse, len(longer.steps), longer.via, source, longer))

        for index, rank in goals.items():
            offer(Chain(), rank, index)
        while queue:
            rank, _, _, index, chain = heapq.heappop(queue)
            if index not in best:
                best[index] = chain
                offer(chain, rank, index)
        return best
