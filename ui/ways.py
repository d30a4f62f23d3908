"""Ways from somebody to something: what ``graph.paths`` found, as steps in words and as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graph.names import subject_of
from graph.paths import paths
from graph.questions import Questions
from model.errors import GrantmapError
from model.inventory import Inventory
from ui.naming import ScreenNames, glyph_of
from ui.picture import Line, LineState, Node
from ui.words import conditions_in_words, counted

MOST = 20
#: What one looks for instead of a thing: any administrator.
ANY_ADMIN = "*admin"


@dataclass(frozen=True)
class Step:
    """One step: ``verb`` says what the first can do to the second; ``because`` are the contract's reasons."""

    source: str
    target: str
    verb: str
    state: LineState
    because: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Way:
    """One way, shortest first in a list; ``conditional``: keys of conditions on it that nobody knows."""

    nodes: tuple[str, ...]
    steps: tuple[Step, ...]
    conditional: tuple[str, ...]


def ways(asked: Questions, start: str, end: str, limit: int = MOST) -> list[Way]:
    """The shortest ways to a principal or resource, or to ``ANY_ADMIN``. Raises the errors of ``graph.paths``."""
    to_admin = end == ANY_ADMIN
    found = paths(asked, start, None if to_admin else end, to_admin=to_admin, limit=limit)
    return [_way(asked, raw) for raw in found["paths"]]


def _way(asked: Questions, raw: dict[str, Any]) -> Way:
    steps = tuple(_step(asked, step) for step in raw["steps"])
    keys = tuple(raw["conditional"])
    if keys and steps and all(step.state == "allowed" for step in steps):
        # The steps are certain, so it is the access at the end that hangs on something.
        last = steps[-1]
        steps = (*steps[:-1], Step(last.source, last.target, last.verb, "conditional", last.because))
    return Way(tuple(raw["nodes"]), steps, keys)


def _step(asked: Questions, raw: dict[str, Any]) -> Step:
    state: LineState = "allowed"
    if raw["technique"]:
        state = "gains"
    elif raw["kind"] == "CAN_ASSUME" and not _certain(asked, raw["from"], raw["to"]):
        state = "conditional"
    return Step(raw["from"], raw["to"], _verb(raw), state, tuple(raw["because"]))


def _certain(asked: Questions, source: str, target: str) -> bool:
    """Whether some stored step between the two needs nothing that is not known."""
    subject = subject_of(asked.world, source)
    taken = asked.steps.out.get(subject.index, ())
    between = [step.certain for step in taken if step.target.key == target]
    return any(between) or not between


def _verb(raw: dict[str, Any]) -> str:
    if raw["technique"]:
        return f"can gain rights by {raw['technique']}"
    if raw["kind"] == "HOLDS":
        return "can use"
    return "is given" if raw["from"].startswith("person:") else "can become"


def answer_in_words(found: list[Way], limit: int = MOST) -> str:
    """The answer in one sentence; ``found`` is not empty."""
    shortest = found[0]
    length = counted(len(shortest.steps), "step")
    need = conditions_in_words(shortest.conditional)
    many = f"{limit} or more ways" if len(found) >= limit else counted(len(found), "way")
    if not shortest.steps:
        return "Yes: already there, without any step."
    return f"Yes, {many}. The shortest has {length} and {'needs no condition' if not need else f'works {need}'}."


def steps_in_words(way: Way, names: ScreenNames) -> str:
    """``Priya → permission set Admin in prod → bucket card-data``."""
    return " → ".join(name_of(key, names) for key in way.nodes)


def name_of(key: str, names: ScreenNames) -> str:
    """A principal or a resource on the way."""
    parts = key.split(":", 5)
    return names.resource(key) if len(parts) == 6 and parts[2] not in ("iam", "sts") else names.who(key)


def drawn(asked: Questions, found: list[Way], names: ScreenNames) -> tuple[list[Node], list[Line]]:
    """Discs and lines of all ways together, each once."""
    inventory = asked.world.inventory
    nodes: dict[str, Node] = {}
    lines: dict[tuple[str, str], Line] = {}
    for way in found:
        for key in way.nodes:
            nodes.setdefault(key, _node(asked, inventory, key, names))
        for step in way.steps:
            lines.setdefault((step.source, step.target), Line(step.source, step.target, step.verb, step.state))
    return list(nodes.values()), list(lines.values())


def _node(asked: Questions, inventory: Inventory, key: str, names: ScreenNames) -> Node:
    parts = key.split(":", 5)
    if len(parts) == 6 and parts[2] not in ("iam", "sts"):
        found = inventory.container(key)
        place = names.account(found.account) if found is not None else ""
        label = names.resource(key).removesuffix(f" in {place}")
        return Node(key, label, place, "key" if parts[2] in ("kms", "secretsmanager") else "data")
    place = names.account(parts[4]) if len(parts) == 6 and parts[4] else ""
    label = names.who(key, place=False).removeprefix("permission set ").removeprefix("role ")
    if key.startswith("person:"):
        label = label.partition("@")[0]
    role = inventory.roles.get(key)
    if role is not None and role.permission_set_name is not None:
        return Node(key, label, place, "permission-set")
    try:
        return Node(key, label, place, glyph_of(subject_of(asked.world, key).kind))
    except GrantmapError:
        return Node(key, label, place, "thing")
