"""What a principal reaches: its own grants and those of every role it can become, merged to one row a class."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graph.access import LEVELS, levels_of
from graph.classes import ResourceClass, resource_classes
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


@dataclass(frozen=True, slots=True)
class _Held:
    """The best way to a level on a class, and who has it there by which action."""

    cost: Cost
    subject: Subject
    action: str


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
    classes = _classes(questions, subject)
    best: defaultdict[str, dict[str, _Held]] = defaultdict(dict)
    for key, grant, chain, holder in _grants(questions, subject, classes):
        if chosen is not None and chosen not in grant.actions:
            continue
        certain = chain.certain and grant.outcome.verdict is Verdict.ALLOWED
        cost = (0 if certain else 1, len(chain.steps), chain.via)
        held = best[key]
        for found, shown in _shown(grant.actions if chosen is None else (chosen,)).items():
            if (wanted is None or found in wanted) and (found not in held or cost < held[found].cost):
                held[found] = _Held(cost, holder, shown)
    by_key = {item.key: item for item in (*questions.tables.classes, *classes)}
    return list(_rows(questions, by_key, best))


def _classes(questions: Questions, subject: Subject) -> list[ResourceClass]:
    """The build's classes; for a subject that the inventory does not list, with the parts that only it tells apart."""
    if subject.index >= 0:
        return questions.tables.classes
    world = questions.world
    return resource_classes(world.assembler, world.subjects, (subject,))


@lru_cache(maxsize=4096)
def _shown(actions: tuple[str, ...]) -> dict[str, str]:
    """Levels of a set of actions, each with one of its actions."""
    return {level: action for action in reversed(actions) for level in levels_of((action,))}


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


def _grants(
    questions: Questions, subject: Subject, classes: list[ResourceClass]
) -> Iterator[tuple[str, Grant, Chain, Subject]]:
    """Every grant on the way with its class's key and who has it: the subject's own, then those of its sessions."""
    tables, world = questions.tables, questions.world
    first = None
    if subject.index >= 0:
        for grant in tables.grants_of(subject.index):
            yield classes[grant.resource_class].key, grant, Chain(), subject
    else:
        first = world.assuming.steps_from(subject)
        for resource_class in classes:
            for grant in world.resolver.pair(subject, resource_class):
                yield resource_class.key, grant, Chain(), subject
    chains = questions.steps.forward(subject, first)
    for index in chains.shortest:
        holder = world.subjects.all[index]
        for grant in tables.grants_of(index):
            chain = chains.best(index, allowed=grant.outcome.rank == 0)
            yield tables.classes[grant.resource_class].key, grant, chain, holder


def _rows(
    questions: Questions, classes: dict[str, ResourceClass], best: dict[str, dict[str, _Held]]
) -> Iterator[Reached]:
    contents = {item.key: _rest(item, questions) for item in classes.values() if item.contents}
    whole = {rest: best[key] for key, rest in contents.items() if key in best and classes[key].pattern == rest}
    shown = [item for item in classes.values() if item.key in best or contents.get(item.key, "") in whole]
    for item in sorted(shown, key=lambda item: (item.pattern, item.representative)):
        held = best.get(item.key, {})
        rest = whole.get(contents.get(item.key, ""), {})
        if rest is not held and _same_access(rest, held):
            continue
        by_way: defaultdict[tuple[Cost, Verdict], list[str]] = defaultdict(list)
        for level in LEVELS:
            if level in held:
                cost = held[level].cost
                by_way[(cost, Verdict.ALLOWED if cost[0] == 0 else Verdict.CONDITIONAL)].append(level)
            elif level in rest:
                outcome = questions.world.decider.decide(rest[level].subject, rest[level].action, item.representative)
                if not outcome.can:
                    by_way[(rest[level].cost, outcome.verdict)].append(level)
        for (cost, verdict), levels in sorted(by_way.items()):
            yield Reached(item, tuple(levels), verdict, cost[2])


def _same_access(whole: dict[str, _Held], part: dict[str, _Held]) -> bool:
    """Whether a part of a container's contents has the levels, verdicts and ways of the whole."""
    return {level: held.cost for level, held in whole.items()} == {level: held.cost for level, held in part.items()}


def _rest(item: ResourceClass, questions: Questions) -> str:
    """The pattern of the contents of a container that no narrower pattern tells apart."""
    container = questions.world.inventory.container(item.representative)
    return f"{container.arn}/*" if container is not None else item.pattern
