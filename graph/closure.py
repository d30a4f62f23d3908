"""Reachability over steps: from a subject forward, or from roles backward, the best chain to each.

Better is: Allowed before Conditional, then fewer hops, then the names on the way. A chain is Allowed only if every
step is. Two searches in breadth give both kinds of best: the shortest chain of certain steps alone, and the shortest
of any steps; one search for both would lose short conditional chains behind long certain ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from graph.deciding import Tree, all_of
from graph.people import PeopleSteps
from graph.steps import Step
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


@dataclass(frozen=True)
class Chains:
    """Chains from one subject, by the index of the last session: certain ones, and the shortest of any kind."""

    certain: Mapping[int, Chain]
    shortest: Mapping[int, Chain]

    def best(self, index: int, *, allowed: bool) -> Chain:
        """The chain to a session that serves best an end that is Allowed, or one that is not whatever the way."""
        if allowed and index in self.certain:
            return self.certain[index]
        return self.shortest[index]


class _Ends(Mapping[int, list[Step]]):
    """Steps by the number of one of their ends: stored ones, and people's, which are made when asked for."""

    def __init__(self, people: Callable[[int], list[Step]] | None) -> None:
        self.stored: defaultdict[int, list[Step]] = defaultdict(list)
        self._people = people

    def __getitem__(self, index: int) -> list[Step]:
        own = self.stored.get(index, [])
        if self._people is None or index < 0:
            return own
        assigned = self._people(index)
        return [*own, *assigned] if own and assigned else own or assigned

    def get(self, index: int, default: object = None) -> list[Step]:  # noqa: ARG002  # nobody is without steps to speak of
        return self[index]

    def __iter__(self) -> Iterator[int]:
        return iter(self.stored)

    def __len__(self) -> int:
        return len(self.stored)


class Steps:
    """Steps indexed both ways: those given, and people's where ``people`` makes them."""

    def __init__(self, steps: Iterable[Step], people: PeopleSteps | None = None) -> None:
        self._stored = list(steps)
        self._people = people
        self.out = _Ends(None if people is None else people.out)
        self.into = _Ends(None if people is None else people.into)
        for step in self._stored:
            self.out.stored[step.source.index].append(step)
            self.into.stored[step.target.index].append(step)

    @property
    def all(self) -> list[Step]:
        """Every step; those of people may be many times the others."""
        return self._stored if self._people is None else [*self._stored, *self._people.all()]

    @property
    def stored(self) -> list[Step]:
        """The steps but people's."""
        return self._stored

    def forward(self, start: Subject, first: Iterable[Step] | None = None) -> Chains:
        """The best chains from ``start`` to every session it can get, by subject index; the start itself left out.

        ``first`` replaces the steps of a start that is not among the indexed subjects.
        """
        begin = self.out.get(start.index, ()) if first is None else list(first)
        return Chains(
            certain=self._forward(start, [step for step in begin if step.certain], certain=True),
            shortest=self._forward(start, begin, certain=False),
        )

    def _forward(self, start: Subject, begin: Sequence[Step], *, certain: bool) -> dict[int, Chain]:
        best: dict[int, Chain] = {}
        wave = [Chain((step,)) for step in begin]
        while wave:
            found = []
            for chain in sorted(wave, key=_order):
                session = chain.steps[-1].target
                if session.index not in best and session is not start:
                    best[session.index] = chain
                    found.append(chain)
            wave = [
                Chain((*chain.steps, step))
                for chain in found
                for step in self.out.get(chain.steps[-1].target.index, ())
                if (step.certain or not certain) and step.target.index not in best
            ]
        return best

    def backward(self, goals: Mapping[int, int]) -> dict[int, Chain]:
        """For every subject with a chain to a goal: the best one. ``goals`` maps goal indexes to their own rank.

        A goal's rank (0 Allowed, 1 Conditional) is the rank of the decision at the chain's end. Goals themselves
        appear only where a chain to another goal, or around to themselves, was found.
        """
        allowed = self._backward([index for index, rank in goals.items() if rank == 0], certain=True)
        return {**self._backward(list(goals), certain=False), **allowed}

    def _backward(self, goals: Sequence[int], *, certain: bool) -> dict[int, Chain]:
        best: dict[int, Chain] = {}
        wave = [Chain((step,)) for index in goals for step in self.into.get(index, ()) if step.certain or not certain]
        while wave:
            found = []
            for chain in sorted(wave, key=_order):
                source = chain.steps[0].source.index
                if source not in best:
                    best[source] = chain
                    found.append(chain)
            wave = [
                Chain((step, *chain.steps))
                for chain in found
                for step in self.into.get(chain.steps[0].source.index, ())
                if (step.certain or not certain) and step.source.index not in best
            ]
        return best


def _order(chain: Chain) -> tuple[tuple[str, ...], bool]:
    return chain.via, not chain.certain
