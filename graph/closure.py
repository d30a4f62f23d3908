"""Reachability over steps: from a subject forward, or from roles backward, the best chain to each.

Better is: Allowed before Conditional, then fewer hops, then the names on the way. A chain is Allowed only if every
step is. Two searches in breadth give both kinds of best: the shortest chain of certain steps alone, and the shortest
of any steps; one search for both would lose short conditional chains behind long certain ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TypeVar

from graph.deciding import Tree
from graph.people import PeopleSteps
from graph.steps import Step
from graph.stored_steps import StoredSteps
from graph.subjects import Subject

_Item = TypeVar("_Item")


class Chain:
    """Steps from one subject to the session of the last role; no steps: the subject itself.

    A chain that a search makes is one ``step`` more than another, which many share: ways of a thousand steps are
    spelled out only for those who ask.
    """

    __slots__ = ("_conditions", "_rest", "_step", "_steps", "_via", "certain", "end", "length", "place")

    def __init__(self, steps: Iterable[Step] = ()) -> None:
        self._steps: tuple[Step, ...] | None = tuple(steps)
        self._via: tuple[str, ...] | None = tuple(step.target.key for step in self._steps)
        self._conditions: tuple[Tree, ...] | None = None
        self._step: Step | None = None
        self._rest: Chain = self
        #: The session that it leads to.
        self.end: Subject | None = self._steps[-1].target if self._steps else None
        self.length = len(self._steps)
        #: Whether every step is Allowed, the caller's own choices counting as theirs to make.
        self.certain: bool = all(step.certain for step in self._steps)
        #: Sorts the chains of one search, and of one length, as their ``via`` does.
        self.place = 0

    def longer(self, step: Step, place: int) -> Chain:
        """The chain with one step more: at its end."""
        return self._with(step, place, Chain, step.target)

    def _with(self, step: Step, place: int, kind: type[Chain], end: Subject) -> Chain:
        found = kind.__new__(kind)
        found.end = end
        found._steps = found._via = found._conditions = None
        found._step, found._rest, found.place = step, self, place
        found.length, found.certain = self.length + 1, self.certain and step.certain
        return found

    def _apart(self, known: Callable[[Chain], object]) -> tuple[list[Chain], Chain]:
        """The chain and shorter ones of it as far as something is not known of them, and the first where it is."""
        found, one = [], self
        while known(one) is None and one._step is not None:
            found.append(one)
            one = one._rest
        return found, one

    @property
    def steps(self) -> tuple[Step, ...]:
        if self._steps is None:
            more, known = self._apart(_steps)
            self._steps = self._put([_last(one) for one in more], known._steps or ())
        return self._steps

    @property
    def via(self) -> tuple[str, ...]:
        """ARNs of the roles assumed on the way, in order."""
        if self._via is None:
            more, known = self._apart(_via)
            self._via = self._put([_last(one).target.key for one in more], known._via or ())
        return self._via

    @property
    def conditions(self) -> tuple[Tree, ...]:
        """The residuals of steps that are not certain, in order, each once; an ``all`` is told as its parts."""
        if self._conditions is None:
            more, known = self._apart(_conditions)
            found = known._conditions
            if found is None:
                found = known._conditions = flat(step.outcome.residual for step in known.steps if not step.certain)
            for one in reversed(more):
                if not _last(one).certain:
                    found = self._joined(_last(one).outcome.residual, found)
                one._conditions = found
        assert self._conditions is not None
        return self._conditions

    @staticmethod
    def _put(new: list[_Item], known: tuple[_Item, ...]) -> tuple[_Item, ...]:
        """What the steps that are more tell, the last first, with what is told already."""
        return (*known, *reversed(new))

    @staticmethod
    def _joined(tree: Tree | None, known: tuple[Tree, ...]) -> tuple[Tree, ...]:
        return flat((tree,), known)


class _Backward(Chain):
    """A chain that a search from its end makes: one step more is one at its beginning."""

    __slots__ = ()

    def longer(self, step: Step, place: int) -> Chain:
        return self._with(step, place, _Backward, self.end or step.target)

    @property
    def via(self) -> tuple[str, ...]:
        """As ``Chain.via``; the shorter chains keep theirs, being somebody's who is told of beside this one."""
        if self._via is None:
            more, known = self._apart(_via)
            told = known._via or ()
            for one in reversed(more):
                told = one._via = (_last(one).target.key, *told)
        assert self._via is not None
        return self._via

    @staticmethod
    def _put(new: list[_Item], known: tuple[_Item, ...]) -> tuple[_Item, ...]:
        return (*new, *known)

    @staticmethod
    def _joined(tree: Tree | None, known: tuple[Tree, ...]) -> tuple[Tree, ...]:
        own = flat((tree,))
        return (*own, *(part for part in known if part not in own))


def _last(chain: Chain) -> Step:
    assert chain._step is not None
    return chain._step


_steps, _via, _conditions = attrgetter("_steps"), attrgetter("_via"), attrgetter("_conditions")


def flat(trees: Iterable[Tree | None], known: Iterable[Tree] = ()) -> tuple[Tree, ...]:
    """The parts of a conjunction, each once, after those that are known; ``None`` stands for no condition."""
    parts = list(known)
    for tree in trees:
        for part in () if tree is None else tree["all"] if set(tree) == {"all"} else (tree,):
            if part not in parts:
                parts.append(part)
    return tuple(parts)


def joined(chain: Chain, last: Tree | None) -> Tree | None:
    """The residual of a whole chain and the decision at its end: all of them together."""
    parts = flat((last,), chain.conditions)
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else {"all": list(parts)}


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

    def __init__(self, stored: Mapping[int, list[Step]], people: Callable[[int], list[Step]] | None) -> None:
        self.stored = stored
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


class _Given:
    """Steps that are there already, both ways."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self.all = list(steps)
        self.out: defaultdict[int, list[Step]] = defaultdict(list)
        self.into: defaultdict[int, list[Step]] = defaultdict(list)
        for step in self.all:
            self.out[step.source.index].append(step)
            self.into[step.target.index].append(step)

    def __len__(self) -> int:
        return len(self.all)


class Steps:
    """Steps indexed both ways: those given, and people's where ``people`` makes them."""

    def __init__(self, steps: Iterable[Step] | StoredSteps, people: PeopleSteps | None = None) -> None:
        self._stored = steps if isinstance(steps, StoredSteps) else _Given(steps)
        self._people = people
        self.out = _Ends(self._stored.out, None if people is None else people.out)
        self.into = _Ends(self._stored.into, None if people is None else people.into)

    @classmethod
    def searched(cls, out: Mapping[int, list[Step]], people: PeopleSteps) -> Steps:
        """Steps that are made when a search forward comes to who takes them; nothing else is to be asked of these."""
        found = cls((), people)
        found.out = _Ends(out, people.out)
        return found

    @property
    def all(self) -> list[Step]:
        """Every step; those of people may be many times the others."""
        return self.stored if self._people is None else [*self.stored, *self._people.all()]

    @property
    def count(self) -> int:
        """How many steps there are but people's."""
        return len(self._stored)

    @property
    def stored(self) -> list[Step]:
        """The steps but people's."""
        return self._stored.all

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
        none = Chain()
        wave = [(none, step) for step in begin]
        while wave:
            found = []
            for chain, step, place in _sorted(wave, ahead=False):
                session = step.target
                if session.index not in best and session is not start:
                    best[session.index] = longer = chain.longer(step, place)
                    found.append(longer)
            wave = [
                (chain, step)
                for chain in found
                for step in self.out[_last(chain).target.index]
                if (step.certain or not certain) and step.target.index not in best
            ]
        return best

    def backward(self, goals: Mapping[int, int]) -> dict[int, Chain]:
        """For every subject with a chain to a goal: the best one. ``goals`` maps goal indexes to their own rank.

        A goal's rank (0 Allowed, 1 Conditional) is the rank of the decision at the chain's end. Goals themselves
        appear only where a chain to another goal, or around to themselves, was found.
        """
        every, sure = self._backward(list(goals), certain=False)
        if sure and not any(goals.values()):
            return every  # all of them are chains of certain steps to what is Allowed
        allowed, _ = self._backward([index for index, rank in goals.items() if rank == 0], certain=True)
        return {**every, **allowed}

    def _backward(self, goals: Sequence[int], *, certain: bool) -> tuple[dict[int, Chain], bool]:
        """The best chains, and whether no step was looked at that is not certain."""
        best: dict[int, Chain] = {}
        end: Chain = _Backward()
        wave = [(end, step) for index in goals for step in self.into[index] if step.certain or not certain]
        sure = True
        while wave:
            found = []
            sure = sure and all(step.certain for _, step in wave)
            for chain, step, place in _sorted(wave, ahead=True):
                source = step.source.index
                if source not in best:
                    best[source] = longer = chain.longer(step, place)
                    found.append(longer)
            wave = [
                (chain, step)
                for chain in found
                for step in self.into[_last(chain).source.index]
                if (step.certain or not certain) and step.source.index not in best
            ]
        return best, sure


def _sorted(wave: Sequence[tuple[Chain, Step]], *, ahead: bool) -> Iterator[tuple[Chain, Step, int]]:
    """Chains of one length, each a step more than another (``ahead``: before it), by their ``via``, certain ones of
    the same first; with their places.

    The shorter chains have their places: nothing but these and the steps are compared.
    """
    some: list[tuple[str | int, str | int, bool]]
    if ahead:
        some = [(step.target.key, chain.place, not (chain.certain and step.certain)) for chain, step in wave]
    else:
        some = [(chain.place, step.target.key, not (chain.certain and step.certain)) for chain, step in wave]
    before: tuple[object, ...] = ()
    place = -1
    for number in sorted(range(len(some)), key=some.__getitem__):
        if some[number][:2] != before:
            before, place = some[number][:2], place + 1
        yield (*wave[number], place)
