"""``what-if revoke``: what a change would take away, and what still reaches it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from cli.answers import say_unknown
from cli.asking import PrincipalName
from cli.naming import Names
from cli.options import Json, SnapshotId, StoreUrl
from cli.output import note, say, table, wrapped, write_json
from cli.state import questions
from cli.words import counted
from model.errors import GrantmapError

if TYPE_CHECKING:
    from graph.revoking import Revocation
    from graph.whatif import WhatIf
    from graph.whatif_found import Row
    from model.inventory import Inventory

#: Rows that people are shown of each table.
_MOST = 40
#: Levels, what matters most first.
_WEIGHTS = ("Read:data", "Permissions management", "Write", "Tagging", "Read:metadata", "List")
_WIDTH = 110


class OneChangeError(GrantmapError):
    """No change to think through, or several."""


def register(app: typer.Typer) -> None:
    """Adds the group of commands of this module."""
    group = typer.Typer(help="What a change would take away, before anybody makes it.", no_args_is_help=True)
    group.callback()(_nothing)  # keeps the name of the one command there is
    group.command("revoke")(revoke)
    app.add_typer(group, name="what-if")


def _nothing() -> None:
    """What a change would take away, before anybody makes it."""


def revoke(
    principal: PrincipalName,
    policy: Annotated[
        str | None,
        typer.Option(metavar="ARN|NAME", help="Detach a managed policy, or delete an inline one, of a user or role."),
    ] = None,
    assignment: Annotated[
        str | None,
        typer.Option(
            metavar="SET@ACCOUNT", help="Remove the assignment of a permission set that gives it to a person."
        ),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Leave a group: of IAM for a user, of Identity Center for a person."),
    ] = None,
    trust: Annotated[
        str | None,
        typer.Option(
            metavar="ROLE_ARN[#SID]", help="Take out the statements of a role's trust policy that let the principal in."
        ),
    ] = None,
    statement: Annotated[
        str | None,
        typer.Option(metavar="POLICY#SID", help="Take one statement out of a policy, of a principal or of a resource."),
    ] = None,
    snapshot: SnapshotId = None,
    store: StoreUrl = None,
    as_json: Json = False,
) -> int:
    """What somebody would lose, and what of it they reach in another way.

    Nothing is changed. A statement without a Sid is named by its number, from 1.
    """
    from graph.names import subject_of
    from graph.whatif import what_if
    from graph.whatif_names import revocation

    given = {"policy": policy, "assignment": assignment, "group": group, "trust": trust, "statement": statement}
    asked_for = [(kind, text) for kind, text in given.items() if text is not None]
    if len(asked_for) != 1:
        expected = ", ".join(f"--{kind}" for kind in list(given)[:-1])
        raise OneChangeError(f"expected one change, got {len(asked_for)}: give one of {expected} or --statement")
    asked = questions(snapshot, store)
    subject = subject_of(asked.world, principal)
    change = revocation(asked.world, subject, *asked_for[0])
    answer = what_if(asked, subject, change)
    if as_json:
        write_json(answer.to_json())
        if change.unseen:
            note(change.unseen)
        if answer.rows.gained:
            note(f"the change also gives access: {', '.join(row.spot.pattern for row in answer.rows.gained[:5])}")
        return 0
    _tell(Names(asked.world.inventory), asked.world.inventory, principal, answer)
    say_unknown(asked.deciding_gaps, f"grantmap snapshot show {asked.snapshot}")
    say()
    say(f"From snapshot {asked.snapshot}. Nothing was changed.")
    return 0


def _tell(names: Names, inventory: Inventory, principal: str, answer: WhatIf) -> None:
    """The answer for people: what changes, in a sentence what comes of it, then the rows."""
    rows, change = answer.rows, answer.revocation
    who = " ".join(principal.split())
    wrapped(f"If {_in_words(names, inventory, change)}, {_outcome(who, answer)}", width=_WIDTH)
    for sentence in (_same_set(names, change), *_others(inventory, change), _sentence(change.unseen)):
        if sentence:
            wrapped(sentence, width=_WIDTH)
    _table(names, "Lost, with how it is reached today:", rows.lost)
    _table(names, "Of what it gives today, still reached in another way:", rows.still)
    _table(names, "Gained, as what goes also forbids things:", rows.gained)
    words = []
    if any(row.part for row in rows.lost):
        words.append("in part: some actions of this level are lost, others are not.")
    if any(row.verdict == "Conditional" for row in (*rows.lost, *rows.still)):
        words.append(f"Conditional: only if something holds; today: grantmap can {who} ACTION RESOURCE")
    if _both(rows.lost, rows.still):
        words.append("In both tables: what goes is the better access, what stays hangs on more conditions.")
    if words:
        say()
        for word in words:
            wrapped(word, rest="  ", width=_WIDTH)


def _outcome(who: str, answer: WhatIf) -> str:
    """What comes of it, as the sentence goes on."""
    lost, still = _classes(answer.rows.lost), _classes(answer.rows.still)
    if lost:
        kept = f"keeps {counted(still, 'class', 'classes')} in another way" if still else "has no other way to it"
        return f"{who} loses access to {counted(lost, 'class', 'classes')} of resources and {kept}."
    if still:
        return f"{who} loses nothing and keeps {counted(still, 'class', 'classes')} of resources in another way."
    if answer.revocation.unseen:
        return f"nobody knows what {who} loses."
    return f"{who} loses nothing: it gives them no access to anything that was collected."


def _classes(rows: Sequence[Row]) -> int:
    """Of how many classes rows tell access."""
    shown = [row for row in _without_meetings(rows) if row.verdict in ("Allowed", "Conditional")]
    return len({(row.spot.pattern, row.spot.account) for row in shown})


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _both(lost: Sequence[Row], still: Sequence[Row]) -> bool:
    """Whether some level of some place is lost as Allowed and stays as Conditional."""
    sure = {(row.spot, level) for row in lost if row.verdict == "Allowed" for level in row.levels}
    return any((row.spot, level) in sure for row in still if row.verdict == "Conditional" for level in row.levels)


def _table(names: Names, title: str, rows: Sequence[Row]) -> None:
    """The rows by how they are reached, those that matter most first."""
    told = _without_meetings(rows)
    shown = sorted(told, key=_weight)[:_MOST]
    if not shown:
        return
    say()
    say(title)
    by_way: dict[tuple[str, ...], list[Row]] = {}
    for row in shown:
        by_way.setdefault(row.via, []).append(row)
    for via, several in by_way.items():
        say()
        wrapped(f"{names.way(via)}:", "  ", "    ", _WIDTH)
        cells = [(f"    {_resource(names, row)}", _levels(row), str(row.verdict)) for row in several]
        table(("    RESOURCE", "LEVELS", "VERDICT"), cells, widest=75)
    if len(told) > len(shown):
        say()
        say(f"  … and {counted(len(told) - len(shown), 'more row')}: add --json")
    if len(rows) > len(told):
        parts = counted(len(rows) - len(told), "narrower part")
        say()
        say(f"  … and {parts} with the same access as a pattern above: add --json")


def _resource(names: Names, row: Row) -> str:
    return names.reached(row.spot.pattern, row.spot.account, len(row.spot.members))


def _levels(row: Row) -> list[str]:
    return [f"{level} (in part)" if level in row.part else level for level in row.levels]


def _weight(row: Row) -> tuple[bool, int, str]:
    """Sorts data and what changes it before what only lists, and what was not collected last."""
    return row.spot.pattern == "*", min(_WEIGHTS.index(level) for level in row.levels), row.spot.pattern


def _without_meetings(rows: Sequence[Row]) -> list[Row]:
    """The rows without parts where several patterns meet, if the rows of one of them say the same."""
    said = {(row.spot.pattern, row.levels, row.verdict, row.via) for row in rows}
    return [
        row
        for row in rows
        if " ∩ " not in row.spot.pattern
        or not any((part, row.levels, row.verdict, row.via) in said for part in row.spot.pattern.split(" ∩ "))
    ]


# -- what changes, in words


def _in_words(names: Names, inventory: Inventory, change: Revocation) -> str:
    """The change, as it follows "if"."""
    if change.kind == "policy":
        told = names.document(change.id)
        return (
            f"{told} is deleted" if "#inline:" in change.id else f"{told} is detached from {names.who(change.holder)}"
        )
    if change.kind == "assignment":
        told = names.assignment(change.id).removeprefix("assigned ")
        direct = "direct " if told.endswith(" directly") else ""
        told = told.removesuffix(" directly").replace(" through group ", " to group ")
        return f"the {direct}assignment of {told} is removed"
    if change.kind == "group":
        return f"{names.who(change.holder)} leaves group {_group_name(inventory, change.group)}"
    several = len(change.marks) > 1
    statements = f"statement{'s' if several else ''} {' and '.join(change.marks)}"
    return f"{statements} of {names.document(change.id)} {'are' if several else 'is'} taken out"


def _same_set(names: Names, change: Revocation) -> str:
    """The other assignments that give somebody the permission set of the one that goes, in its account."""
    stay = [names.assignment(id).removeprefix("assigned ") for id in change.beside]
    return f"They keep {', and '.join(stay)}, which is another assignment." if stay else ""


def _group_name(inventory: Inventory, group: str) -> str:
    """An IAM group by its ARN, or one of Identity Center by its id, as people call it."""
    known = inventory.directory_groups.get(group)
    return known.name if known is not None else group.rpartition("/")[2]


def _others(inventory: Inventory, change: Revocation) -> list[str]:
    """Whom else the change is about."""
    if change.kind == "assignment" and change.assignment is not None and change.assignment.principal_type == "GROUP":
        group = inventory.directory_groups.get(change.assignment.principal_id)
        if group is not None and len(group.members) > 1:
            name = " ".join(group.name.split())
            return [f"It is given to group {name}: all of its {len(group.members):,} members would lose it."]
    if change.kind in ("trust", "statement"):
        if "#" in change.id and "#inline:" not in change.id:
            return ["A statement goes for everybody whom it is about; this answer is about one of them."]
        holders = [
            one
            for one in (*inventory.data.users, *inventory.data.roles, *inventory.data.groups)
            if change.id in one.attached
        ]
        if len(holders) > 1:
            return [f"The policy is attached to {len(holders):,} users, roles and groups, which it changes for all."]
    return []
