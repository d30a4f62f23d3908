"""Answers about access as people read them: who first, how, only if; names in place of ids."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cli.naming import Names
from cli.output import printable, say, table, wrapped
from cli.words import condition, counted

if TYPE_CHECKING:
    from graph.questions import Questions
    from graph.subjects import Subject
    from policy.context import Overrides

#: Headings of ``who-can``, in order.
_PEOPLE, _INSIDE, _WORKLOADS, _OUTSIDE = (
    "People",
    "Roles and users",
    "Services and identity providers",
    "Outside the organisation and anyone",
)
#: No column is padded further; what is longer sticks out.
_WIDEST = 60
_WIDTH = 140
#: A condition that so many rows share is said once.
_OFTEN = 4
_CHAINS_SHOWN = 10


def say_who_can(names: Names, action: str, answer: dict[str, Any]) -> None:
    """The answer of ``who-can``: a sentence, then its rows under headings, people first."""
    rows = answer["principals"]
    sure = sum(row["verdict"] == "Allowed" for row in rows)
    people = sum(_heading(names, row["principal"]) == _PEOPLE for row in rows)
    more = len(rows) - sure
    what = f"{action} on {answer['resource']}"
    if not rows:
        say(f"Nobody can {what}.")
    elif not sure:
        say(f"Nobody can {what} for certain; {more:,} can under conditions.")
    else:
        say(f"{sure:,} can {what}" + (f"; {more:,} more can under conditions." if more else "."))
    if people:
        say(f"{people:,} of these {len(rows):,} {'is a person' if people == 1 else 'are people'}.")
    if not answer["collected"]:
        say("This resource was not collected: the answer is what policies give on one of that name.")
    common = _common(rows)
    if common is not None:
        told = condition(common, names.document)
        wrapped(f"Conditional, where a row says no more, means: only if {told}.", rest="  ")
    for heading in (_PEOPLE, _INSIDE, _WORKLOADS, _OUTSIDE):
        shown = [row for row in rows if _heading(names, row["principal"]) == heading]
        if shown:
            say()
            _group(names, f"{heading} ({len(shown):,})", shown, common)


def _group(names: Names, heading: str, rows: list[dict[str, Any]], common: dict[str, Any] | None) -> None:
    """The rows under one heading, which heads their first column too."""
    titles = (heading, "VERDICT", "HOW")
    cells = [("  " + printable(names.who(row["principal"])), row["verdict"], names.way(row["via"])) for row in rows]
    widths = [max(min(_WIDEST, len(row[place])) for row in (titles, *cells)) for place in (0, 1)]
    _row(titles, widths)
    for row, texts in zip(rows, cells, strict=True):
        _row(texts, widths)
        if row["residual"] is not None and row["residual"] != common:
            wrapped(f"only if {condition(row['residual'], names.document)}", "      ", "        ")


def _row(cells: tuple[str, str, str], widths: Sequence[int]) -> None:
    """Two columns, and a last one that is never padded but folded under itself."""
    who, verdict, how = cells
    start = f"{who.ljust(widths[0])}  {verdict.ljust(widths[1])}  "
    wrapped(how, start, " " * (widths[0] + widths[1] + 4), _WIDTH)


def _common(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The condition that most rows hang on, ``None`` when few share one."""
    times = Counter(str(row["residual"]) for row in rows if row["residual"] is not None)
    text, count = max(times.items(), key=lambda item: item[1], default=("", 0))
    if count < _OFTEN:
        return None
    return next(row["residual"] for row in rows if str(row["residual"]) == text)  # type: ignore[no-any-return]


def _heading(names: Names, key: str) -> str:
    if key.startswith("person:"):
        return _PEOPLE
    parts = key.split(":", 5)
    if len(parts) != 6:
        return _OUTSIDE if key == "anonymous" or ":" in key else _WORKLOADS
    if not names.collected(parts[4]):
        return _OUTSIDE
    return _WORKLOADS if parts[5].partition("/")[0].endswith("-provider") else _INSIDE


def say_can(
    asked: Questions, names: Names, request: tuple[str, str, str], overrides: Overrides, answer: dict[str, Any]
) -> None:
    """The answer of ``can``: the direct request explained, then the ways through other roles."""
    from graph.names import subject_of

    for line in explained(asked, names, request, overrides):
        wrapped(line, rest="  ", width=_WIDTH)
    chains = [chain for chain in answer["chains"] if not _is_direct(request[0], asked, chain)]
    if not chains:
        return
    say()
    start = "Through" if answer["verdict"] in ("Allowed", "Conditional") else "But through"
    whose = "it" if subject_of(asked.world, request[0]).caller is not None else "those"
    say(f"{start} roles that {whose} can assume:")
    said = str(answer["residual"])
    for chain in chains[:_CHAINS_SHOWN]:
        wrapped(f"{chain['verdict'].lower()} {names.way(chain['via'])}", "  ", "    ", _WIDTH)
        if chain["residual"] is not None:
            same = str(chain["residual"]) == said
            told = "the same holds" if same else condition(chain["residual"], names.document)
            wrapped(f"only if {told}", "      ", "        ")
            said = str(chain["residual"])
    if len(chains) > _CHAINS_SHOWN:
        say(f"  … and {len(chains) - _CHAINS_SHOWN} more ways: add --json")


def _is_direct(principal: str, asked: Questions, chain: dict[str, Any]) -> bool:
    """Whether a chain is but an assigned role, which a person's own answer covers."""
    from graph.names import subject_of

    return len(chain["via"]) == 1 and subject_of(asked.world, principal).caller is None


def explained(asked: Questions, names: Names, request: tuple[str, str, str], overrides: Overrides) -> list[str]:
    """The direct request in sentences; for a person, through the assigned role that decides best."""
    from graph.names import action_of, resource_of, subject_of

    principal, action, resource = request
    subject = subject_of(asked.world, principal)
    action, resource = action_of(action), resource_of(resource)
    if subject.caller is not None:
        return _sentences(asked, names, subject, (action, resource), overrides)
    roles = [step.target for step in asked.steps.out.get(subject.index, ())]
    person = names.who(subject.key)
    if not roles:
        return [_why_no_role(asked, subject.key, person)]
    best = min(roles, key=lambda role: asked.world.decider.decide(role, action, resource, overrides).rank)
    acting = names.who(best.key)
    first, *more = _sentences(asked, names, best, (action, resource), overrides, person)
    if asked.world.decider.decide(best, action, resource, overrides).can:
        return [f"{first.removesuffix('.')}, as {acting}.", *more]
    if len(roles) == 1:
        return [f"{first.removesuffix('.')} to {acting}, the only one assigned.", *more]
    return [
        f"{first.removesuffix('.')} to any of the {counted(len(roles), 'permission set')} assigned.",
        f"What stops {acting}, which comes nearest:",
        *more,
    ]


def _sentences(
    asked: Questions,
    names: Names,
    subject: Subject,
    what: tuple[str, str],
    overrides: Overrides,
    who: str | None = None,
) -> list[str]:
    from policy.decide import decide
    from policy.explain import explain

    assert subject.caller is not None
    request, inputs = asked.world.assembler.request(subject.caller, *what, overrides)
    return explain(request, inputs, decide(request, inputs), who=who, name=names.document)


def say_reach(names: Names, principal: str, rows: list[tuple[dict[str, Any], str]], what: str) -> None:
    """The answer of ``reach``: rows with the account of each.

    What is denied inside something reached is a row too. A part where several patterns meet is left out when the rows
    of one of them, which are shown, say the same.
    """
    whole: defaultdict[str, list[str]] = defaultdict(list)
    for row, _ in rows:
        whole[row["resource"]].append(str([row["levels"], row["verdict"], row["via"]]))
    told = {
        pattern
        for pattern, access in whole.items()
        if " ∩ " in pattern and any(whole.get(part) == access for part in pattern.split(" ∩ "))
    }
    shown = [item for item in rows if item[0]["resource"] not in told]
    reached = {(row["resource"], account) for row, account in shown if row["verdict"] != "ExplicitlyDenied"}
    if not reached:
        say(f"{principal} reaches nothing that was collected.")
        return
    one, _, rest = what.partition(" ")
    plural = "classes" if one == "class" else f"{one}s"
    say(f"{principal} reaches {counted(len(reached), one, plural)}{f' {rest}' if rest else ''}:")
    say()
    table(
        ("RESOURCE", "LEVELS", "VERDICT", "HOW"),
        [
            (names.reached(row["resource"], account), row["levels"], row["verdict"], names.way(row["via"]))
            for row, account in shown
        ],
        widest=75,
    )
    if told:
        say(f"… and {counted(len(told), 'narrower part')} with the same access as a pattern above: add --json")
    if any(row["verdict"] == "Conditional" for row, _ in shown):
        say()
        say(f"What a Conditional row hangs on: grantmap can {principal} ACTION RESOURCE")


def say_path(names: Names, number: int, path: dict[str, Any]) -> None:
    """One path: where it begins, then each step with what allows it."""
    steps = path["steps"]
    say(f"{number}. {names.who(path['nodes'][0])}, {counted(len(steps), 'step')}:")
    place = ""
    for step in steps:
        here = step["to"].split(":", 5)[4] if step["to"].count(":") >= 5 else ""
        policies = [item["policy"] or "" for item in step["because"] if item["layer"] == "assignment"]
        if policies:
            ways = ", and ".join(dict.fromkeys(names.assignment(policy) for policy in policies))
            wrapped(f"→ {ways}", "   ", "     ", _WIDTH)
        else:
            goal = (
                names.who(step["to"], place=here != place) if step["kind"] == "CAN_ASSUME" else names.thing(step["to"])
            )
            wrapped(f"→ {goal}: {_allowing(names, step)}", "   ", "     ", _WIDTH)
        place = here
    if path["conditional"]:
        keys = [names.document(key) if "#" in key or key.startswith("account:") else key for key in path["conditional"]]
        wrapped(f"only under conditions on {', '.join(keys)}", "   ", "     ")


def _allowing(names: Names, step: dict[str, Any]) -> str:
    """The policies behind a step: its own trust policy first, those of who takes it by their own name."""
    allow: dict[str, None] = {}
    deny: dict[str, None] = {}
    for item in sorted(step["because"], key=lambda item: item["layer"] != "resource"):
        policy = item["policy"] or ""
        if item["effect"] == "none" or not policy or item["layer"] == "rule":
            continue
        (allow if item["effect"] == "Allow" else deny)[_own(names, policy, step)] = None
    said = f"{' and '.join(allow)} {'allows' if len(allow) == 1 else 'allow'} it" if allow else "no policy is needed"
    return f"{said}; {' and '.join(deny)} may deny it" if deny else said


def _own(names: Names, policy: str, step: dict[str, Any]) -> str:
    """A policy without the name of the role that it plainly belongs to."""
    owner, _, part = policy.partition("#")
    if owner == step["to"] and part in ("trust", "policy"):
        return "its trust policy" if part == "trust" else "its own policy"
    told = names.document(policy)
    if owner == step["from"]:
        return told.removesuffix(f" of {names.who(owner)}")
    return told.removesuffix(f" in {names.account(policy.split(':')[4])}") if policy.count(":") >= 5 else told


def _why_no_role(asked: Questions, key: str, person: str) -> str:
    """Why a person opens no role: never "no access" where an assignment could not be followed."""
    user = asked.world.inventory.people[key].user
    if user.active is False:
        return f"{person} is disabled in Identity Center, and so has no access now; assignments may remain."
    groups = {group.id for group in asked.world.inventory.data.directory_groups if user.id in group.members}
    if any(item.principal_id in {user.id, *groups} for item in asked.world.inventory.data.assignments):
        return f"{person} has assignments, but none of their roles was found: what they open is not known."
    return f"{person} has no permission set assigned, and so no access."
