"""What a principal reaches: its own grants and those of every role it can become, merged to one row a class."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graph.access import LEVELS, levels_of
from graph.classes import ResourceClass
from graph.closure import Chain
from graph.names import action_of, subject_of
from graph.questions import Questions, gap_json
from graph.resolver import Grant
from graph.subjects import Subject
from model.errors import GrantmapError
from policy.verdicts import Verdict


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


def reach(
    questions: Questions, principal: str, *, level: str | None = None, action: str | None = None
) -> list[Reached]:
    """Everything ``principal`` reaches, one row per (class, verdict, via), by ARN.

    ``level`` (``Read`` means both kinds) and ``action`` narrow it. Parts of a container are shown where the answer
    for them differs from the rest of its contents. Raises the errors of ``graph.names`` and ``BadLevelError``.
    """
    wanted = _wanted_levels(level)
    chosen = action_of(action) if action is not None else None
    subject = subject_of(questions.world, principal)
    best: defaultdict[int, dict[str, Cost]] = defaultdict(dict)
    for grant, chain in _grants(questions, subject):
        if chosen is not None and chosen not in grant.actions:
            continue
        certain = chain.certain and grant.outcome.verdict is Verdict.ALLOWED
        cost = (0 if certain else 1, len(chain.steps), chain.via)
        held = best[grant.resource_class]
        for found in levels_of((chosen,) if chosen is not None else grant.actions):
            if (wanted is None or found in wanted) and (found not in held or cost < held[found]):
                held[found] = cost
    return list(_rows(questions, best))


def reach_json(questions: Questions, rows: list[Reached], limit: int | None) -> dict[str, Any]:
    """The answer in the contract's shape, one row a class."""
    shown = rows if limit is None else rows[:limit]
    return {"resources": [row.to_json() for row in shown], "unknown": unknown(questions)}


def expanded(rows: list[Reached], limit: int | None) -> Iterator[dict[str, Any]]:
    """One row a resource; the contents of containers stay patterns, and ARNs nobody collected are left out."""
    count = 0
    for row in rows:
        item = row.resource_class
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


def _grants(questions: Questions, subject: Subject) -> Iterator[tuple[Grant, Chain]]:
    """Every grant on the way: the subject's own, then those of each session it can get."""
    tables, world = questions.tables, questions.world
    first = None
    if subject.index >= 0:
        for grant in tables.grants_of(subject.index):
            yield grant, Chain()
    else:
        first = world.assuming.steps_from(subject)
        for resource_class in world.classes:
            for grant in world.resolver.pair(subject, resource_class):
                yield grant, Chain()
    chains = questions.steps.forward(subject, first)
    for index in chains.shortest:
        for grant in tables.grants_of(index):
            yield grant, chains.best(index, allowed=grant.outcome.rank == 0)


def _rows(questions: Questions, best: dict[int, dict[str, Cost]]) -> Iterator[Reached]:
    classes = questions.tables.classes
    whole: dict[str, dict[str, Cost]] = {}
    for index, held in best.items():
        item = classes[index]
        if item.contents and item.pattern == _rest(item, questions):
            whole[item.pattern] = held
    order = sorted(best, key=lambda index: (classes[index].pattern, classes[index].representative))
    for index in order:
        item = classes[index]
        rest = _rest(item, questions) if item.contents else ""
        if item.contents and item.pattern != rest and _same_access(whole.get(rest, {}), best[index]):
            continue
        by_way: defaultdict[Cost, list[str]] = defaultdict(list)
        for level in LEVELS:
            if level in best[index]:
                by_way[best[index][level]].append(level)
        for cost in sorted(by_way):
            verdict = Verdict.ALLOWED if cost[0] == 0 else Verdict.CONDITIONAL
            yield Reached(item, tuple(by_way[cost]), verdict, cost[2])


def _same_access(whole: dict[str, Cost], part: dict[str, Cost]) -> bool:
    """Whether a part of a container's contents has the levels and verdicts of the whole, by whichever way."""
    return {level: cost[0] for level, cost in whole.items()} == {level: cost[0] for level, cost in part.items()}


def _rest(item: ResourceClass, questions: Questions) -> str:
    """The pattern of the contents of a container that no narrower pattern tells apart."""
    container = questions.world.inventory.container(item.representative)
    return f"{container.arn}/*" if container is not None else item.pattern
