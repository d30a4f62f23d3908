"""How somebody who acts through roles alone comes to one: people by what was given, compute by what it carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.naming import Names
from cli.output import say, wrapped
from cli.words import condition_lines

if TYPE_CHECKING:
    from graph.carriers import Carried
    from graph.questions import Answer, Questions
    from graph.steps import Step

#: Layers of reasons that say who gave somebody a role.
GIVEN = ("assignment", "entitlement")


def assigned(names: Names, step: Step) -> str:
    """How a person comes to have a permission set, or an entitled role; empty for other steps."""
    name = names.who(step.target.key).removeprefix("permission set ")
    ways = [names.assignment(item["policy"]) for item in step.outcome.because if item["layer"] in GIVEN]
    return ", and ".join(dict.fromkeys(way.replace(f"assigned {name}", "assigned") for way in ways))


def how_given(names: Names, person: str, answer: Answer) -> str:
    """How somebody who acts through roles alone comes to the one that decides."""
    assert answer.step is not None
    if answer.carried is not None:
        return f"It carries this role, which {answer.carried.service} assumes for it."
    if any(item["layer"] == "entitlement" for item in answer.step.outcome.because):
        return f"By account access manager {person} is {assigned(names, answer.step)}."
    if not answer.step.outcome.because:
        return f"Whether {person} has this permission set was not read."
    return f"This permission set is {assigned(names, answer.step)}."


def why_no_role(asked: Questions, key: str, person: str) -> str:
    """Why a person opens no role: never "no access" where an assignment could not be followed."""
    known = asked.world.inventory.people[key]
    user = known.user
    if user.active is False:
        return f"{person} is disabled in Identity Center, and so has no access now; assignments may remain."
    groups = {group.id for group in asked.world.inventory.data.directory_groups if user.id in group.members}
    if known.roles:
        return f"{person} has assignments, but the organisation's resource control policies let nobody sign in to them."
    if any(item.principal_id in {user.id, *groups} for item in asked.world.inventory.data.assignments):
        return f"{person} has assignments, but none of their roles was found: what they open is not known."
    if asked.world.unassigned.steps(asked.world.subjects.by_key[key]):
        return f"No permission set is known to be assigned to {person}, and none that may be lets {person} do this."
    if any(item.principal_id in {user.id, *groups} for item in asked.world.inventory.data.entitlements):
        return f"{person} is entitled to roles by account access manager, but none that is there lets it in."
    return f"{person} has no permission set assigned, and so no access."


def carried_line(names: Names, arn: str, carries: Carried | None) -> str:
    """Which role a resource carries, and whether it gets it; empty for what is no such resource."""
    if carries is None:
        return ""
    what = f"{names.thing(arn)} carries {names.who(carries.role) if carries.role else 'a role that was not read'}"
    if carries.outcome.residual is not None:
        head, *more = condition_lines(carries.outcome.residual, names.document)
        return "\n".join([f"{what}, which {carries.service} may assume for it only if {head}", *more]) + "."
    if carries.outcome.can:
        return f"{what}, which {carries.service} may assume for it."
    why = "there is no such role" if carries.missing else f"its trust does not let {carries.service} assume it"
    return f"{what}, but {why}: it reaches nothing by it."


def say_carried(names: Names, arn: str, carries: Carried | None) -> None:
    """Which role a resource carries, above what it reaches by it; says nothing of what is no such resource."""
    lines = carried_line(names, arn, carries).split("\n")
    for line in lines:
        if line:
            wrapped(line.strip(), "  " if line is not lines[0] else "", "  ")
    if lines != [""]:
        say()
