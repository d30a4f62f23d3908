"""What a principal reaches: its own grants and those of every role it can become, merged to one row a class."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from graph.access_levels import LEVELS, example_of_level, level_bits
from graph.bits import members
from graph.classes import ResourceClass
from graph.closure import Chain, Chains
from graph.names import action_of, subject_of
from graph.questions import Questions, gap_json
from graph.quotient import classes_of
from graph.subjects import Subject
from model.errors import GrantmapError
from policy.verdicts import Verdict

if TYPE_CHECKING:
    from numpy.typing import NDArray


class BadLevelError(GrantmapError):
    """A level that does not exist."""


Cost = tuple[int, int, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Reached:
    """A class with the levels that one verdict and one way give."""

    resource_class: ResourceClass
    levels: tuple[str, ...]
    verdict: Verdict
    via: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "resource": self.resource_class.pattern,
            "count": len(self.resource_class.members),
            "levels": list(self.levels),
            "verdict": str(self.verdict),
            "via": list(self.via),
        }


class _Way(NamedTuple):
    """How somebody comes to hold something: what it costs, the session that holds it, by which actions."""

    cost: Cost
    holder: Subject
    actions: tuple[str, ...]


class _Account(Protocol):
    """What is held in one account: classes, and contents by number."""

    @property
    def account(self) -> str: ...
    @property
    def classes(self) -> Sequence[ResourceClass]: ...
    @property
    def levels(self) -> Sequence[int] | NDArray[np.int32]: ...
    @property
    def allowed(self) -> Sequence[bool] | NDArray[np.bool_]: ...
    def actions_of(self, content: int) -> tuple[str, ...]: ...


class _Live:
    """What a subject that no build lists holds in one account, decided now, and with it what ``others`` hold there.

    It may tell resources apart that nobody else does, so that the classes of the build are not fine enough for it.
    """

    def __init__(self, questions: Questions, subject: Subject, account: str, others: Iterable[Subject]) -> None:
        self.account = account
        resolver, place, own = questions.world.resolver.held(subject, account)
        everything = place.units.everything
        held = {subject: own}
        held.update((one, resolver.held(resolver.asker(one, place.ground, everything))) for one in others)
        sets = dict.fromkeys(units for mine in held.values() for units in mine.values())
        self.classes, number = classes_of(place.units, account, sets)
        classes = {bits: np.array(members(place.ground.classes_in(bits, number)), dtype=np.int32) for bits in sets}
        self._contents = resolver.contents
        self.levels = [level_bits(content.actions) for content in resolver.contents]
        self.allowed = [content.outcome.verdict is Verdict.ALLOWED for content in resolver.contents]
        self._held = {one: [(content, classes[units]) for content, units in mine.items()] for one, mine in held.items()}

    def held_by(self, subject: Subject) -> list[tuple[int, NDArray[np.int32]]]:
        return self._held.get(subject, [])

    def actions_of(self, content: int) -> tuple[str, ...]:
        return self._contents[content].actions


def reach(
    questions: Questions, principal: str, *, level: str | None = None, action: str | None = None
) -> list[Reached]:
    """Everything ``principal`` reaches, one row per (class, verdict, via), by ARN.

    ``level`` (``Read`` means both kinds) and ``action`` narrow it. Parts of a container are shown where the answer for
    them differs from the rest of its contents, also where it is a denial: a wildcard must not hide the exception
    (semantics U5). Raises the errors of ``graph.names`` and ``BadLevelError``.
    """
    wanted = _wanted_levels(level)
    chosen = action_of(action) if action is not None else None
    subject = subject_of(questions.world, principal)
    return sorted(_Reach(questions, subject, wanted, chosen).rows(), key=_order)


def _order(row: Reached) -> tuple[str, str]:
    return row.resource_class.pattern, row.resource_class.representative


class _Reach:
    """One answer on its way: what is held, best ways first, account by account."""

    def __init__(
        self, questions: Questions, subject: Subject, wanted: frozenset[str] | None, action: str | None
    ) -> None:
        self._questions = questions
        self._wanted = sum(1 << n for n, level in enumerate(LEVELS) if wanted is None or level in wanted)
        self._action = action
        self._ways: list[_Way] = []
        self._found: defaultdict[str, list[tuple[int, int, NDArray[np.int32]]]] = defaultdict(list)
        self._accounts: dict[str, _Account] = {}
        self._gather(subject)

    def _gather(self, subject: Subject) -> None:
        """Every grant on the way: the subject's own, then those of its sessions."""
        questions = self._questions
        everyone = questions.world.subjects.all
        listed = subject.index >= 0
        chains = questions.steps.forward(subject, None if listed else questions.world.assuming.steps_from(subject))
        live = {}
        for account in () if listed else questions.tables.accounts_for(subject):
            live[account] = _Live(questions, subject, account, (everyone[index] for index in chains.shortest))
        self._take(subject, lambda _: Chain(), live)
        for index in chains.shortest:
            self._take(everyone[index], partial(_best, chains, index), live)

    def _take(self, holder: Subject, chain: Callable[[bool], Chain], live: Mapping[str, _Live]) -> None:
        """What one holder has, in the build's classes, or in an account's that is decided now."""
        for where in live.values():
            for content, classes in where.held_by(holder):
                self._add(where, content, classes, chain(where.allowed[content]), holder)
        for partition in self._questions.tables.with_grants_of(holder.index) if holder.index >= 0 else ():
            for content, classes in partition.held_by(holder.index) if partition.account not in live else ():
                self._add(partition, content, classes, chain(bool(partition.allowed[content])), holder)

    def _add(self, where: _Account, content: int, classes: NDArray[np.int32], chain: Chain, holder: Subject) -> None:
        actions = where.actions_of(content)
        if self._action is not None:
            if self._action not in actions:
                return
            actions = (self._action,)
        levels = (int(where.levels[content]) if self._action is None else level_bits(actions)) & self._wanted
        if levels:
            self._accounts[where.account] = where
            cost = (0 if chain.certain and where.allowed[content] else 1, len(chain.steps), chain.via)
            self._found[where.account].append((len(self._ways), levels, classes))
            self._ways.append(_Way(cost, holder, actions))

    def rows(self) -> Iterator[Reached]:
        """The rows, account by account."""
        for account, found in self._found.items():
            yield from self._of_account(self._accounts[account], found)

    def _of_account(self, where: _Account, found: list[tuple[int, int, NDArray[np.int32]]]) -> Iterator[Reached]:
        # By level and class the number of the best way, -1 for none.
        best = np.full((len(LEVELS), len(where.classes)), -1, dtype=np.int64)
        for way, levels, classes in sorted(found, key=lambda item: self._ways[item[0]].cost):
            for level in range(len(LEVELS)):
                if levels >> level & 1:
                    free = classes[best[level, classes] < 0]
                    best[level, free] = way
        rests = {
            item.owner: place
            for place, item in enumerate(where.classes)
            if item.contents and item.pattern == f"{item.owner}/*" and (best[:, place] >= 0).any()
        }
        known: dict[tuple[int, ...], list[tuple[Cost, Verdict, tuple[str, ...]]]] = {}
        for place, item in enumerate(where.classes):
            ways = tuple(best[:, place].tolist())
            rest = rests.get(item.owner) if item.contents else None
            if rest is not None and rest != place:
                yield from self._part(item, ways, tuple(best[:, rest].tolist()))
            elif max(ways) >= 0:
                if ways not in known:
                    known[ways] = self._by_way(ways)
                for cost, verdict, given in known[ways]:
                    yield Reached(item, given, verdict, cost[2])

    def _by_way(self, ways: tuple[int, ...]) -> list[tuple[Cost, Verdict, tuple[str, ...]]]:
        """Levels together that one verdict and one way give."""
        groups: defaultdict[tuple[Cost, Verdict], list[str]] = defaultdict(list)
        for level, way in zip(LEVELS, ways, strict=True):
            if way >= 0:
                cost = self._ways[way].cost
                groups[cost, Verdict.ALLOWED if cost[0] == 0 else Verdict.CONDITIONAL].append(level)
        return [(cost, verdict, tuple(levels)) for (cost, verdict), levels in sorted(groups.items())]

    def _part(self, item: ResourceClass, ways: tuple[int, ...], rest: tuple[int, ...]) -> Iterator[Reached]:
        """The rows of a part of a container, where they are not those of the rest of its contents."""
        if [self._cost(way) for way in ways] == [self._cost(way) for way in rest]:
            return
        groups: defaultdict[tuple[Cost, Verdict], list[str]] = defaultdict(list)
        for level, way, general in zip(LEVELS, ways, rest, strict=True):
            if way >= 0:
                cost = self._ways[way].cost
                groups[cost, Verdict.ALLOWED if cost[0] == 0 else Verdict.CONDITIONAL].append(level)
            elif general >= 0:
                found = self._ways[general]
                example = example_of_level(found.actions)[level]
                outcome = self._questions.world.decider.decide(found.holder, example, item.representative)
                if not outcome.can:
                    groups[found.cost, outcome.verdict].append(level)
        for (cost, verdict), levels in sorted(groups.items()):
            yield Reached(item, tuple(levels), verdict, cost[2])

    def _cost(self, way: int) -> Cost | None:
        return self._ways[way].cost if way >= 0 else None


def _best(chains: Chains, index: int, allowed: bool) -> Chain:
    return chains.best(index, allowed=allowed)


def reach_json(questions: Questions, rows: list[Reached], limit: int | None) -> dict[str, Any]:
    """The answer in the contract's shape, one row a class."""
    shown = rows if limit is None else rows[:limit]
    return {"resources": [row.to_json() for row in shown], "unknown": unknown(questions)}


def expanded(rows: list[Reached], limit: int | None) -> Iterator[dict[str, Any]]:
    """One row a resource that is reached: contents stay patterns, ARNs nobody collected are left out."""
    count = 0
    for row in rows:
        item = row.resource_class
        if row.verdict not in (Verdict.ALLOWED, Verdict.CONDITIONAL):
            continue
        for arn in item.members or (() if item.open else (item.pattern,)):
            if limit is not None and count >= limit:
                return
            count += 1
            yield {**row.to_json(), "resource": arn, "count": 1}


def unknown(questions: Questions) -> list[dict[str, str]]:
    """Gaps that could change what somebody reaches."""
    return [gap_json(gap) for gap in questions.deciding_gaps]


def _wanted_levels(level: str | None) -> frozenset[str] | None:
    if level is None:
        return None
    names = {name.lower(): frozenset({name}) for name in LEVELS}
    names["read"] = frozenset({"Read:metadata", "Read:data"})
    if level.lower() not in names:
        raise BadLevelError(f"unknown level `{level}`: one of {', '.join((*LEVELS, 'Read'))}")
    return names[level.lower()]
