"""Somebody with first steps to roles: what goes when some steps are taken away, and what the others still give."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from graph.closure import Chain
from graph.steps import Step
from graph.subjects import Subject
from reviews.effects import Bits, Cut, Effect, Effects


@dataclass(frozen=True)
class Passage:
    """The role sessions that an item leads somebody to, and those that are reached without it, each with whether for
    certain. ``own`` is the subject whose own policies count beside them, ``None`` for somebody who has none or loses
    all of them; ``cut`` what goes of those.
    """

    given: Mapping[Subject, bool]
    left: Mapping[Subject, bool]
    own: Subject | None = None
    cut: Cut | None = None

    @property
    def lost(self) -> list[Subject]:
        """Sessions that are no longer reached, or no longer for certain."""
        return [to for to, certain in self.given.items() if to not in self.left or (certain and not self.left[to])]


class Holder:
    """Somebody with first steps, each the start of a block of sessions; an item takes some of the steps away.

    ``own`` is the index of the subject whose direct grants count as well. Every block is followed once, and the
    sessions of all blocks are indexed by class once, however many items the holder has.
    """

    def __init__(self, effects: Effects, start: Subject, steps: Sequence[Step], own: int | None = None) -> None:
        self._effects = effects
        self.start = start
        self.steps = steps
        self._own = own

    @cached_property
    def _blocks(self) -> list[dict[int, list[Chain]]]:
        return [self._effects.ways(self.start, step) for step in self.steps]

    @cached_property
    def _reached_by(self) -> dict[int, list[int]]:
        """Session: the blocks that lead to it."""
        found: defaultdict[int, list[int]] = defaultdict(list)
        for number, block in enumerate(self._blocks):
            for session in block:
                found[session].append(number)
        return found

    @cached_property
    def _sessions_on(self) -> dict[int, list[int]]:
        """Class: the sessions that have something on it."""
        found: defaultdict[int, list[int]] = defaultdict(list)
        for session in self._reached_by:
            for index in self._effects.direct(session):
                found[index].append(session)
        return found

    def effect(
        self,
        gone: Collection[int],
        cut: tuple[Effect, dict[int, Bits]] | None = None,
        kept: Mapping[int, Step] | None = None,
    ) -> Effect:
        """What the steps of these numbers, and the grants that were cut, give, and what of it would go with them.

        ``kept`` are steps that remain in a weaker form in the place of those that go.
        """
        effect, left = cut or ({}, {})
        sessions: dict[int, list[Chain]] = {}
        for number in gone:
            for session, chains in self._blocks[number].items():
                sessions[session] = _best([*sessions.get(session, ()), *chains])
        self._effects.through(effect, sessions)
        weaker: dict[int, list[Chain]] = {}
        for step in (kept or {}).values():
            for session, chains in self._effects.ways(self.start, step).items():
                weaker[session] = [*weaker.get(session, ()), *chains]
        self._fill(effect, left, frozenset(gone), weaker)
        return effect

    def _fill(
        self, effect: Effect, left: Mapping[int, Bits], gone: frozenset[int], weaker: dict[int, list[Chain]]
    ) -> None:
        remaining: dict[int, bool | None] = {}
        own = {} if self._own is None else self._effects.direct(self._own)
        for index, found in effect.items():
            allowed = can = 0
            if index in own:
                cut = 0
                if index in left:
                    for way in found.ways:
                        cut |= way.can if not way.chain.steps else 0
                    allowed, can = left[index].allowed, left[index].can
                allowed, can = allowed | (own[index][0] & ~cut), can | (own[index][1] & ~cut)
            for session in self._sessions_on.get(index, ()):
                if session not in remaining:
                    remaining[session] = self._remains(session, gone, weaker)
                certain = remaining[session]
                if certain is not None:
                    held = self._effects.direct(session)[index]
                    allowed, can = allowed | (held[0] if certain else 0), can | held[1]
            conditional = found.given.can & ~found.given.allowed
            found.lost |= (found.given.allowed & ~allowed) | (conditional & ~can)

    def passage(
        self,
        gone: Collection[int],
        kept: Mapping[int, Step] | None = None,
        own: Subject | None = None,
        cut: Cut | None = None,
    ) -> Passage:
        """Where the steps of these numbers lead, and where the others, and those that are ``kept``, still do."""
        everyone = self._effects.subjects
        without = frozenset(gone)
        given: dict[Subject, bool] = {}
        for number in gone:
            for session, chains in self._blocks[number].items():
                to = everyone[session]
                given[to] = given.get(to, False) or any(chain.certain for chain in chains)
        weaker: dict[int, list[Chain]] = {}
        for step in (kept or {}).values():
            for session, chains in self._effects.ways(self.start, step).items():
                weaker[session] = [*weaker.get(session, ()), *chains]
        left: dict[Subject, bool] = {}
        for session in {**self._reached_by, **weaker}:
            certain = self._remains(session, without, weaker)
            if certain is not None:
                left[everyone[session]] = certain
        return Passage(given, left, own, cut)

    def _remains(self, session: int, gone: frozenset[int], weaker: dict[int, list[Chain]]) -> bool | None:
        """Whether the session is still reached for certain; ``None``: not at all."""
        chains = [
            chain
            for number in self._reached_by.get(session, ())
            if number not in gone
            for chain in self._blocks[number][session]
        ]
        chains += weaker.get(session, ())
        return any(chain.certain for chain in chains) if chains else None

    def givers(self, classes: Iterable[int], gone: Collection[int]) -> list[Step]:
        """The other first steps that lead to something on these classes, in order."""
        found: set[int] = set()
        for index in classes:
            for session in self._sessions_on.get(index, ()):
                found.update(self._reached_by[session])
        return [self.steps[number] for number in sorted(found.difference(gone))]


def _best(chains: list[Chain]) -> list[Chain]:
    """Of chains to one session the best certain one, and the shortest if that is better in length."""
    certain = min((chain for chain in chains if chain.certain), key=_cost, default=None)
    shortest = min(chains, key=_cost)
    if certain is None:
        return [shortest]
    return [certain] if _cost(certain) <= _cost(shortest) else [certain, shortest]


def _cost(chain: Chain) -> tuple[int, tuple[str, ...]]:
    return len(chain.steps), chain.via
