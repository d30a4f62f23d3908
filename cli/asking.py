"""``can``, ``who-can``, ``reach``, ``paths``: questions about access."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Annotated

import typer

from cli.acting import say_carried
from cli.answers import say_can, say_path, say_reach, say_unknown, say_who_can
from cli.naming import Names
from cli.options import Json, SnapshotId, StoreUrl
from cli.output import note, printable, say, write_json, write_lines
from cli.state import questions
from cli.words import counted
from model.errors import GrantmapError

if TYPE_CHECKING:
    from graph.questions import Questions
    from policy.context import Overrides

PrincipalName = Annotated[
    str,
    typer.Argument(
        help="ARN, ACCOUNT/NAME, a person's user name or e-mail, a service, an account id, anonymous; or the ARN of a "
        "resource that carries a role."
    ),
]
ActionName = Annotated[str, typer.Argument(help="One action, for example s3:GetObject.")]
ResourceArn = Annotated[str, typer.Argument(help="ARN of a resource, or * for actions without one.")]
Limit = Annotated[int | None, typer.Option(min=1, max=10**9, metavar="N", help="At most so many rows.")]


class OptionValueError(GrantmapError):
    """An option's value that cannot be read."""


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command("can")(can)
    app.command("who-can")(who_can)
    app.command("reach")(reach)
    app.command("paths")(paths)


def can(
    principal: PrincipalName,
    action: ActionName,
    resource: ResourceArn,
    context: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="What the request carries; one key repeated: a list.")
    ] = None,
    absent: Annotated[
        list[str] | None, typer.Option(metavar="KEY", help="A key that the request does not carry.")
    ] = None,
    unknown: Annotated[
        list[str] | None, typer.Option(metavar="KEY", help="A key to take as not known, also where it follows.")
    ] = None,
    snapshot: SnapshotId = None,
    store: StoreUrl = None,
    as_json: Json = False,
) -> int:
    """Can somebody do something: yes, no or only if; and why."""
    overrides = _overrides(context or [], absent or [], unknown or [])
    asked = questions(snapshot, store)
    answer = asked.answer(principal, action, resource, overrides)
    _not_a_pattern(resource)
    _misfit(asked, action, resource)
    if as_json:
        write_json(answer.to_json())
    else:
        say_can(asked, Names(asked.world.inventory), (principal, action, resource), overrides, answer)
        _source(asked, resource)
    return 0


def _overrides(context: list[str], absent: list[str], unknown: list[str]) -> Overrides:
    from policy.context import Overrides

    given: defaultdict[str, list[str]] = defaultdict(list)
    for text in context:
        key, equals, value = text.partition("=")
        if not equals or ":" not in key:
            raise OptionValueError(f"wrong context `{text}`: expected KEY=VALUE, for example aws:SourceIp=203.0.113.7")
        given[key].append(value)
    return Overrides.of(given, absent, unknown)


def _not_a_pattern(resource: str) -> None:
    """Says that a wildcard is read as a letter: a whole bucket may have parts with another answer (semantics U5)."""
    if resource != "*" and any(sign in resource for sign in "*?"):
        note(
            f"`{resource}` is taken as the name of one resource, not as a pattern; "
            "`grantmap reach PRINCIPAL` shows which parts of a bucket are allowed and which are denied"
        )


def _misfit(asked: Questions, action: str, resource: str) -> None:
    """Says that no request asks for an action on a resource of this type: a bucket's name for an object's, say."""
    from graph.names import resource_of
    from policy.actions import catalogue

    book = catalogue()
    names = book.resource_types(action)
    arn = resource_of(asked.world.inventory, resource, action)
    if arn == "*" or not names or book.canonical(action) in book.actions_for_resource(arn):
        return
    service = action.partition(":")[0].lower()
    shapes = [shape for name in names if (shape := book.arn_pattern(service, name))]
    such = f" but on such as {' or '.join(f'`{shape}`' for shape in shapes[:3])}" if shapes else ""
    note(f"no request asks for {book.canonical(action)} on `{arn}`,{such}; this is what policies would say of it")


def _source(asked: Questions, resource: str = "") -> None:
    say()
    missing = asked.not_collected(resource)
    if missing:
        say(f"Not collected, so not in this answer: {', '.join(missing)}.")
    say(f"From snapshot {asked.snapshot}.")


def who_can(
    action: ActionName,
    resource: ResourceArn,
    snapshot: SnapshotId = None,
    store: StoreUrl = None,
    as_json: Json = False,
) -> int:
    """Who can do something, directly or through roles."""
    from graph.behind_points import others_through, through_in_words
    from graph.names import action_of
    from graph.strangers import any_account, in_words

    asked = questions(snapshot, store)
    answer = asked.who_can(action, resource)
    _not_a_pattern(resource)
    _misfit(asked, action, resource)
    if as_json:
        write_json(answer)
        return 0
    names = Names(asked.world.inventory)
    say_who_can(names, action_of(action), answer)
    strangers = any_account(asked, action, resource, answer["principals"])
    if strangers is not None:
        say(f"{in_words(strangers)}: `grantmap can account:ID` asks about one.")
    for name, rows in others_through(asked, action, resource, answer["principals"]):
        say(
            printable(
                f"{through_in_words(name, rows, names.who)}. `grantmap who-can {action_of(action)} {name}` lists all."
            )
        )
    say_unknown(answer["unknown"])
    _source(asked, resource)
    return 0


def reach(
    principal: PrincipalName,
    level: Annotated[
        str | None, typer.Option(metavar="LEVEL", help="Only this access level, for example Write or Read.")
    ] = None,
    action: Annotated[str | None, typer.Option(metavar="ACTION", help="Only by this action.")] = None,
    expand: Annotated[bool, typer.Option("--expand", help="One row a resource instead of one a class.")] = False,
    limit: Limit = None,
    snapshot: SnapshotId = None,
    store: StoreUrl = None,
    as_json: Json = False,
) -> int:
    """What somebody reaches, directly or through roles."""
    from graph.reaching import carried_by, expanded, reach_json, unknown
    from graph.reaching import reach as run

    asked = questions(snapshot, store)
    rows = run(asked, principal, level=level, action=action)
    gaps = unknown(asked)
    if as_json and expand:
        write_lines(expanded(rows, limit))
        write_json({"unknown": gaps})
        return 0
    if as_json:
        write_json(reach_json(asked, rows, limit))
        return 0
    names = Names(asked.world.inventory)
    say_carried(names, principal, carried_by(rows))
    # One more than is shown tells whether there are more.
    most = None if limit is None else limit + 1
    if expand:
        what, told = "resource", [(row, "") for row in expanded(rows, most)]
    else:
        shown = rows if most is None else rows[:most]
        what, told = "class of resources", [(row.to_json(), row.resource_class.account) for row in shown]
    say_reach(names, principal, told[:limit], what, cut=limit is not None and len(told) > limit)
    say_unknown(gaps)
    _source(asked)
    return 0


def paths(
    start: Annotated[str, typer.Argument(metavar="FROM", help="Who: as for `can`.")],
    end: Annotated[str | None, typer.Argument(metavar="TO", help="A principal or a resource.")] = None,
    to_admin: Annotated[bool, typer.Option("--to-admin", help="To whoever is administrator of an account.")] = False,
    max_hops: Annotated[int, typer.Option(max=100, metavar="N", help="Longest path to look for, in steps.")] = 6,
    limit: Annotated[int, typer.Option(metavar="N", help="At most so many paths.")] = 10,
    snapshot: SnapshotId = None,
    store: StoreUrl = None,
    as_json: Json = False,
) -> int:
    """Ways to a role, a resource or an administrator.

    Shortest first, each step with the policies that allow it.
    """
    from graph.paths import paths as run

    asked = questions(snapshot, store)
    answer = run(asked, start, end, to_admin=to_admin, max_hops=max_hops, limit=limit)
    if as_json:
        write_json(answer)
        return 0
    found = answer["paths"]
    goal = "an administrator" if to_admin else end
    if not found:
        say(f"No way found from {start} to {goal} in {max_hops} steps.")
        gaps = asked.deciding_gaps
        if gaps:
            note(f"{counted(len(gaps), 'gap')} in the snapshot could hide one: grantmap snapshot show {asked.snapshot}")
    else:
        order = ", the shortest first:" if len(found) > 1 else ":"
        say(f"{counted(len(found), 'way')} from {start} to {goal}{order}")
    names = Names(asked.world.inventory)
    for number, path in enumerate(found, 1):
        say()
        say_path(names, number, path)
    _source(asked)
    return 0
