"""Attack paths: simple ways from a principal to a role, a resource or an administrator, shortest first."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from graph.access import admins
from graph.carriers import CARRIER
from graph.closure import Steps
from graph.deciding import Outcome, Reason
from graph.names import acting_subject, resource_of, subject_of
from graph.questions import Questions
from graph.steps import Step
from graph.subjects import Subject
from model.arn import account_of
from model.errors import GrantmapError
from policy.verdicts import Verdict


class BadPathError(GrantmapError):
    """A path question without a usable end or with a senseless limit."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of a path: ``kind`` is the graph's edge kind; ``technique`` is ``None`` for role assumption."""

    kind: str
    source: str
    target: str
    outcome: Outcome
    technique: str | None = None

    def to_json(self) -> dict[str, Any]:
        because: list[Reason] = list(self.outcome.because)
        return {
            "kind": self.kind,
            "technique": self.technique,
            "from": self.source,
            "to": self.target,
            "because": because,
        }


def paths(
    questions: Questions, start: str, end: str | None, *, to_admin: bool = False, max_hops: int = 6, limit: int = 10
) -> dict[str, Any]:
    """``{paths: [{nodes, steps, conditional}]}``: simple paths of at most ``max_hops`` steps, shortest first.

    ``end`` is a principal or a resource; the last step to a resource is the access itself (``HOLDS``). With
    ``to_admin`` every administrator of an account is an end. ``conditional`` lists the keys that conditions on the way
    read and nobody knows. Raises ``BadPathError`` and the errors of ``graph.names``.
    """
    if max_hops < 1 or limit < 1:
        raise BadPathError(f"`--max-hops` and `--limit` must be at least 1, not `{min(max_hops, limit)}`")
    subject = acting_subject(questions.world, start)
    steps = questions.steps
    more = questions.world.assuming.first_steps(subject)
    if more:
        steps = Steps([*steps.all, *more])
    if to_admin and end is not None:
        raise BadPathError(f"two ends: `{end}` and `--to-admin`; give one")
    goals, ends = _admin_goals(questions) if to_admin else (_goals(questions, end), {})
    found = _shortest(steps, subject, goals, max_hops, limit)
    return {"paths": [_path_json(subject.key, hops, ends) for hops in found]}


def _goals(questions: Questions, end: str | None) -> dict[int, Hop | None]:
    """Sessions at which a path is complete: with the access as last hop, or ``None`` where the session is the end."""
    if end is None:
        raise BadPathError("no end: give a principal or a resource, or `--to-admin`")
    world = questions.world
    if end in world.inventory.roles or not end.startswith("arn:") or end in world.subjects.by_key:
        target = subject_of(world, end)
        return {item.index: None for item in world.subjects.all if item.key == target.key}
    resource = resource_of(world.inventory, end, "")
    return {
        index: Hop("HOLDS", world.subjects.all[index].key, resource, outcome)
        for index, outcome in _holders(questions, resource).items()
    }


def _holders(questions: Questions, resource: str) -> dict[int, Outcome]:
    """The best direct access of any kind that each subject has to a resource."""
    world = questions.world
    container = world.inventory.container(resource)
    known = world.subjects.collected() if container is None else world.candidates.of(resource, container.account)
    account = container.account if container is not None else account_of(resource)
    best: dict[int, Outcome] = {}
    for subject in known:
        for outcome in world.resolver.outcomes_on(subject, resource, account):
            if outcome.can and (subject.index not in best or outcome.rank < best[subject.index].rank):
                best[subject.index] = outcome
    return best


def _admin_goals(questions: Questions) -> tuple[dict[int, Hop | None], dict[str, Outcome]]:
    """The sessions of administrators, and by name how each is one."""
    found = {subject.key: outcome for subject, _, outcome in admins(questions.world) if subject.kind != "RootUser"}
    return {item.index: None for item in questions.world.subjects.all if item.key in found}, found


def _shortest(steps: Steps, start: Subject, goals: dict[int, Hop | None], max_hops: int, limit: int) -> list[list[Hop]]:
    """Simple paths by length; a node is a principal, whichever of its sessions is on the way."""
    distance = _distances(steps, goals)
    found: list[list[Hop]] = []
    seen: set[tuple[str, ...]] = set()
    for length in range(max_hops + 1):
        for hops in _of_length(steps, start, goals, distance, length):
            nodes = (start.key, *(hop.target for hop in hops))
            if nodes not in seen:
                seen.add(nodes)
                found.append(hops)
                if len(found) == limit:
                    return found
    return found


def _distances(steps: Steps, goals: dict[int, Hop | None]) -> dict[int, int]:
    """Fewest steps from each subject to the end of a path, so that a search never enters what leads nowhere."""
    distance = {index: 0 if hop is None else 1 for index, hop in goals.items()}
    queue = deque(sorted(distance, key=lambda index: distance[index]))
    while queue:
        index = queue.popleft()
        for step in steps.into.get(index, ()):
            if step.source.index not in distance:
                distance[step.source.index] = distance[index] + 1
                queue.append(step.source.index)
    return distance


def _of_length(
    steps: Steps, start: Subject, goals: dict[int, Hop | None], distance: dict[int, int], length: int
) -> Iterator[list[Hop]]:
    stack: list[tuple[Subject, tuple[Step, ...], frozenset[str]]] = [(start, (), frozenset({start.key}))]
    while stack:
        subject, taken, visited = stack.pop()
        if subject.index in goals:
            last = goals[subject.index]
            hops = [*(_hop(step) for step in taken), *((last,) if last is not None else ())]
            if len(hops) == length:
                yield hops
        for step in sorted(_next(steps, subject), key=_order, reverse=True):
            left = length - len(taken) - 1
            if step.target.key not in visited and distance.get(step.target.index, left + 1) <= left:
                stack.append((step.target, (*taken, step), visited | {step.target.key}))


def _next(steps: Steps, subject: Subject) -> Iterable[Step]:
    return steps.out.get(subject.index, ())


def _order(step: Step) -> tuple[bool, str]:
    """Certain steps first, then by name."""
    return (not step.certain, step.target.key)


def _hop(step: Step) -> Hop:
    kind = "CARRIES" if step.source.kind == CARRIER else "CAN_ASSUME"
    return Hop(kind, step.source.key, step.target.key, step.outcome)


def _path_json(start: str, hops: list[Hop], ends: dict[str, Outcome]) -> dict[str, Any]:
    """A path in the contract's shape; ``ends`` tells what its end, as an administrator, hangs on."""
    end = ends.get(hops[-1].target if hops else start)
    outcomes = [*(hop.outcome for hop in hops), *((end,) if end is not None else ())]
    keys = {key for outcome in outcomes if outcome.verdict is Verdict.CONDITIONAL for key in _keys(outcome.residual)}
    return {
        "nodes": [start, *(hop.target for hop in hops)],
        "steps": [hop.to_json() for hop in hops],
        "conditional": sorted(keys),
    }


def _keys(tree: Any) -> Iterator[str]:
    """The keys, and the documents, that a residual hangs on."""
    if isinstance(tree, list):
        for item in tree:
            yield from _keys(item)
    elif isinstance(tree, dict):
        if "key" in tree:
            yield tree["key"]
        elif "document" in tree:
            yield tree["document"]
        elif "matches" in tree:
            yield tree["matches"]
        else:
            yield from _keys(list(tree.values()))
