"""Answers about access as people read them: who first, how, only if; names in place of ids."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cli.acting import GIVEN, assigned, carried_line, how_given, why_no_role
from cli.naming import Names
from cli.output import printable, say, table, wrapped
from cli.words import condition_lines, counted, gap_line, keys_of

if TYPE_CHECKING:
    from graph.deciding import Outcome, Tree
    from graph.questions import Answer, Questions, Row
    from graph.subjects import Subject
    from model.entities import Gap
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
#: How somebody has the only role that they have: it is carried, or assigned.
_GIVING = ("carried", "assigned")
#: A condition that so many rows share is said once.
_OFTEN = 4
_CHAINS_SHOWN = 10
#: So many of the ways through roles are told step by step.
_CHAINS_TOLD = 3


def say_who_can(names: Names, action: str, answer: dict[str, Any]) -> None:
    """The answer of ``who-can``: a sentence, then its rows under headings, people first."""
    from policy.outside import outside

    rows = answer["principals"]
    sure = sum(row["verdict"] == "Allowed" for row in rows)
    people = sum(_heading(names, row["principal"]) == _PEOPLE for row in rows)
    more = len(rows) - sure
    what = _one_line(f"{action} on {answer['resource']}")
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
        head, *more = condition_lines(common, names.document)
        _say_lines("\n".join([f"Conditional, where a row says no more, means: only if {head}", *more]) + ".")
    for heading in (_PEOPLE, _INSIDE, _WORKLOADS, _OUTSIDE):
        shown = [row for row in rows if _heading(names, row["principal"]) == heading]
        if shown:
            say()
            _group(names, f"{heading} ({len(shown):,})", shown, common)
    if told := outside(action):
        say()
    for sentence in told:
        wrapped(sentence, rest="  ", width=_WIDTH)


def _group(names: Names, heading: str, rows: list[dict[str, Any]], common: dict[str, Any] | None) -> None:
    """The rows under one heading, which heads their first column too."""
    titles = (heading, "VERDICT", "HOW")
    cells = [("  " + printable(names.who(row["principal"])), row["verdict"], names.way(row["via"])) for row in rows]
    widths = [max(min(_WIDEST, len(row[place])) for row in (titles, *cells)) for place in (0, 1)]
    _row(titles, widths)
    for row, texts in zip(rows, cells, strict=True):
        _row(texts, widths)
        if row["residual"] is not None and row["residual"] != common:
            head, *more = condition_lines(row["residual"], names.document)
            _say_lines("\n".join([f"only if {head}", *more]), "      ", "        ")


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
        if key.startswith("account:") and names.collected(key.removeprefix("account:")):
            return _INSIDE  # a member whose principals were not read
        return _OUTSIDE if key == "anonymous" or ":" in key else _WORKLOADS
    if not names.collected(parts[4]):
        return _OUTSIDE
    return _WORKLOADS if parts[5].partition("/")[0].endswith("-provider") else _INSIDE


def say_can(
    asked: Questions, names: Names, request: tuple[str, str, str], overrides: Overrides, answer: Answer
) -> None:
    """The answer of ``can``: the direct request explained, the ways through other roles, and what the words mean."""
    from graph.names import acting_subject

    subject = acting_subject(asked.world, request[0])
    sentences, words = explained(asked, names, request, overrides, answer)
    for sentence in sentences:
        _say_lines(sentence)
    # A person's own answer covers the roles assigned to them.
    chains = [row for row in answer.chains if subject.caller is not None or len(row.via) > 1]
    if chains:
        say()
        _say_chains(names, request, answer, chains, whose="it" if subject.caller is not None else "those")
        words |= _words_of(chains)
    if words:
        say()
        say("In other words:")
        for word, meaning in words.items():
            wrapped(f"{word}: {meaning}", "  ", "    ", _WIDTH)


def _words_of(chains: list[Row]) -> dict[str, str]:
    """The words of the chains that are told step by step."""
    from policy.glossary import ROLE, meanings

    outcomes = [outcome for row in chains[:_CHAINS_TOLD] for outcome in (*(s.outcome for s in row.steps), row.end)]
    trees = [outcome.residual for outcome in outcomes if outcome is not None and outcome.residual is not None]
    return ROLE | meanings(key for tree in trees for key in keys_of(tree))


def _one_line(text: str) -> str:
    """A text that somebody chose, which must not begin a line of its own."""
    return printable(text).replace("\n", "\\x0a")


def _say_lines(sentence: str, first: str = "", rest: str = "  ") -> None:
    """A sentence that may hold a list: its lines keep their indents."""
    head, *more = sentence.split("\n")
    wrapped(head, first, rest, _WIDTH)
    for line in more:
        indent = " " * (len(line) - len(line.lstrip()))
        wrapped(line.lstrip(), rest[2:] + indent, rest + indent, _WIDTH)


def _say_chains(names: Names, request: tuple[str, str, str], answer: Answer, chains: list[Row], *, whose: str) -> None:
    """The ways through roles: the first ones step by step, the others in a line each."""
    start = "Through" if answer.direct.can else "But through"
    say(f"{start} roles that {whose} can assume:")
    told = _Conditions(names, answer.direct.residual)
    for number, row in enumerate(chains[:_CHAINS_SHOWN], 1):
        wrapped(f"{number}. {row.verdict.lower()} {names.way(row.via)}", "  ", "     ", _WIDTH)
        if number <= _CHAINS_TOLD:
            _say_chain(names, request, row, told)
        else:
            told.say(row.residual, certain=False, indent="     ")
    if len(chains) > _CHAINS_SHOWN:
        say(f"  … and {len(chains) - _CHAINS_SHOWN} more ways: add --json")


class _Conditions:
    """Says conditions, a repeated one but once."""

    def __init__(self, names: Names, said: Tree | None) -> None:
        self._names, self._said = names, said

    def say(self, tree: Tree | None, *, certain: bool, indent: str) -> None:
        """A condition below what it conditions; ``certain``: the caller alone can make it hold."""
        if tree is None:
            return
        head, *more = ["the same holds"] if tree == self._said else condition_lines(tree, self._names.document)
        start = "by choosing so that" if certain else "only if"
        _say_lines("\n".join([f"{start} {head}", *more]), indent, f"{indent}  ")
        self._said = tree


def _say_chain(names: Names, request: tuple[str, str, str], row: Row, told: _Conditions) -> None:
    """One way: each role with what lets the one before take it, then what allows the last role the action."""
    assert row.end is not None
    place = ""
    for step in row.steps:
        target = step.target.key
        here = target.split(":", 5)[4]
        how = assigned(names, step) or _allowing(names, step.source.key, target, [*step.outcome.because])
        _say_step(names.who(target, place=here != place), step.outcome, how, told)
        place = here
    unread = _documents(row.end.residual)
    read = [item for item in row.end.because if item["statement"] is not None or item["policy"] not in unread]
    how = _allowing(names, row.via[-1], request[2], read)
    _say_step(request[1], row.end, how, told)


def _documents(tree: Tree | None) -> set[str]:
    """The documents that nobody read and that a condition names."""
    if tree is None:
        return set()
    parts = tree.get("all") or tree.get("any") or ([tree["not"]] if "not" in tree else [])
    return {tree["document"]} if "document" in tree else {id for part in parts for id in _documents(part)}


def _say_step(goal: str, outcome: Outcome, how: str, told: _Conditions) -> None:
    if outcome.residual is not None and how.startswith("no policy"):
        how = "nothing that was read allows it"
    wrapped(f"→ {goal}: {how}", "     ", "       ", _WIDTH)
    told.say(outcome.residual, certain=outcome.certain, indent="         ")


def explained(
    asked: Questions, names: Names, request: tuple[str, str, str], overrides: Overrides, answer: Answer
) -> tuple[list[str], dict[str, str]]:
    """The direct request in sentences, and what their words mean; for a person, through the assigned role that
    decides best, for a resource through the role that it carries."""
    from graph.names import acting_subject, action_of, resource_of

    principal, action, resource = request
    subject = acting_subject(asked.world, principal)
    what = action_of(action), resource_of(asked.world.inventory, resource, action)
    if subject.caller is not None:
        return _sentences(asked, names, subject, what, overrides)
    person = names.who(subject.key) if answer.carried is None else names.thing(subject.key)
    if answer.step is None:
        why = carried_line(names, subject.key, answer.carried) or why_no_role(asked, subject.key, person)
        return [why], {}
    acting = names.who(answer.step.target.key)
    (first, *more), words = _sentences(asked, names, answer.step.target, what, overrides, person)
    first = first.removesuffix(".")
    if acting.startswith("permission set "):
        words["permission set"] = (
            "a role that Identity Center, the company's sign-in, gives to the people assigned to it"
        )
    given = [how_given(names, person, answer)]
    if not answer.step.certain and answer.step.outcome.residual is not None:
        head, *rest = condition_lines(answer.step.outcome.residual, names.document)
        given.append("\n".join([f"That role is given only if {head}", *rest]) + ".")
    if answer.direct.can:
        unsure = "" if answer.step.certain else ", if it gets that role"
        return [f"{first}, as {acting}{unsure}.", *given, *more], words
    steps = [] if answer.carried is not None else asked.steps.out.get(subject.index, [])
    if len(steps) < 2:
        return [f"{first} to {acting}, the only one {_GIVING[answer.carried is None]}.", *given, *more], words
    kind = "permission set" if all("/aws-reserved/" in step.target.key for step in steps) else "role"
    opening = f"{first} to any of the {counted(len(steps), kind)} assigned."
    return [opening, f"What stops {acting}, which comes nearest:", *more], words


def _sentences(
    asked: Questions,
    names: Names,
    subject: Subject,
    what: tuple[str, str],
    overrides: Overrides,
    who: str | None = None,
) -> tuple[list[str], dict[str, str]]:
    from policy.explain import explain, words_of
    from policy.outside import outside

    assert subject.caller is not None
    request, inputs = asked.world.assembler.request(subject.caller, *what, overrides)
    decision = asked.world.assembler.decide(subject.caller, *what, overrides)
    told = explain(request, inputs, decision, who=who, name=names.document)
    told += outside(request.action, decision.verdict, inputs.identity)
    return told, words_of(request, inputs, decision)


def say_reach(
    names: Names, principal: str, rows: list[tuple[dict[str, Any], str]], what: str, *, cut: bool = False
) -> None:
    """The answer of ``reach``: rows with the account of each; ``cut``: there are more of them.

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
    access = [(row["resource"], account) for row, account in shown if row["verdict"] in ("Allowed", "Conditional")]
    if not access:
        say(f"{_one_line(principal)} reaches nothing that was collected.")
        return
    one, _, rest = what.partition(" ")
    plural = "classes" if one == "class" else f"{one}s"
    number = f"{'at least ' if cut else ''}{counted(len({*access}), one, plural)}{f' {rest}' if rest else ''}"
    only = f" (of the rows only the first {len(rows):,})" if cut else ""
    say(f"{_one_line(principal)} reaches {number}{only}:")
    say()
    table(
        ("RESOURCE", "LEVELS", "VERDICT", "HOW"),
        [
            (
                names.reached(row["resource"], account, row["count"]),
                row["levels"],
                row["verdict"],
                names.way(row["via"]),
            )
            for row, account in shown
        ],
        widest=75,
    )
    if told:
        say(f"… and {counted(len(told), 'narrower part')} with the same access as a pattern above: add --json")
    if any(row["verdict"] == "Conditional" for row, _ in shown):
        say()
        say(f"What a Conditional row hangs on: grantmap can {_one_line(principal)} ACTION RESOURCE")


def say_unknown(gaps: Sequence[Gap | dict[str, str]], more: str = "add --json") -> None:
    """The gaps that could change an answer, ten of them; ``more`` says where the others are."""
    if gaps:
        say()
        say("Not known, and it could change this answer:")
        for gap in gaps[:10]:
            say(f"  {gap_line(gap)}")
        if len(gaps) > 10:
            say(f"  … and {len(gaps) - 10} more: {more}")


def say_path(names: Names, number: int, path: dict[str, Any]) -> None:
    """One path: where it begins, then each step with what allows it."""
    steps = path["steps"]
    say(f"{number}. {names.who(path['nodes'][0])}, {counted(len(steps), 'step')}:")
    place = ""
    for step in steps:
        here = step["to"].split(":", 5)[4] if step["to"].count(":") >= 5 else ""
        policies = [item["policy"] or "" for item in step["because"] if item["layer"] in GIVEN]
        if policies:
            ways = ", and ".join(dict.fromkeys(names.assignment(policy) for policy in policies))
            wrapped(f"→ {ways}", "   ", "     ", _WIDTH)
        else:
            role = step["kind"] in ("CAN_ASSUME", "CARRIES")
            goal = names.who(step["to"], place=here != place) if role else names.thing(step["to"])
            told = _allowing(names, step["from"], step["to"], step["because"])
            wrapped(f"→ {goal}: {told}", "   ", "     ", _WIDTH)
        place = here
    if path["conditional"]:
        keys = [names.document(key) if "#" in key or key.startswith("account:") else key for key in path["conditional"]]
        wrapped(f"only under conditions on {', '.join(keys)}", "   ", "     ")


def _allowing(names: Names, source: str, target: str, because: list[dict[str, Any]]) -> str:
    """The policies behind a step: the target's own policy first, those of who takes it by their own name."""
    allow: dict[str, None] = {}
    deny: dict[str, None] = {}
    for item in sorted(because, key=lambda item: item["layer"] != "resource"):
        policy = item["policy"] or ""
        if item["layer"] == "rule" and policy == "L7" and item["effect"] == "Allow":
            allow["a KMS grant on the key"] = None
        if item["effect"] == "none" or not policy or item["layer"] == "rule":
            continue
        (allow if item["effect"] == "Allow" else deny)[_own(names, policy, source, target)] = None
    said = f"{' and '.join(allow)} {'allows' if len(allow) == 1 else 'allow'} it" if allow else "no policy is needed"
    return f"{said}; {' and '.join(deny)} may deny it" if deny else said


def _own(names: Names, policy: str, source: str, target: str) -> str:
    """A policy without the name of the role that it plainly belongs to."""
    owner, _, part = policy.partition("#")
    if owner == target and part in ("trust", "policy"):
        return "its trust policy" if part == "trust" else "its own policy"
    told = names.document(policy)
    if owner == source:
        return told.removesuffix(f" of {names.who(owner)}")
    return told.removesuffix(f" in {names.account(policy.split(':')[4])}") if policy.count(":") >= 5 else told
