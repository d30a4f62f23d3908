"""``findings``: what is wrong with policies, the most serious first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli.naming import Names
from cli.options import Json, SnapshotId, StoreUrl
from cli.output import say, wrapped, write_json
from cli.state import questions
from cli.words import counted
from model.errors import GrantmapError

if TYPE_CHECKING:
    from graph.findings import Finding


class FindingFilterError(GrantmapError):
    """A ``--kind`` or ``--state`` that no finding can have."""


def register(app: typer.Typer) -> None:
    """Adds the command of this module."""
    app.command("findings")(findings)


def findings(
    kind: Annotated[str | None, typer.Option(metavar="KIND", help="Only findings of this kind.")] = None,
    state: Annotated[
        str | None, typer.Option(metavar="STATE", help="Only this state: allowed, conditional, latent or dormant.")
    ] = None,
    snapshot: SnapshotId = None,
    store: StoreUrl = None,
    as_json: Json = False,
) -> int:
    """What is wrong with policies, and what is open to everybody.

    Statements that can never act, statements that act otherwise than they read, documents that could not be read, and
    resources that whoever has an AWS account is let at.
    """
    from graph.findings import FINDING_KINDS, FINDING_STATES
    from graph.findings import findings as run

    _one_of("kind", kind, FINDING_KINDS)
    _one_of("state", state, FINDING_STATES)
    asked = questions(snapshot, store)
    found = [
        finding
        for finding in run(asked.world.assembler)
        if kind in (None, finding.kind) and state in (None, finding.state)
    ]
    if as_json:
        write_json({"findings": [finding.to_json() for finding in found]})
        return 0
    _tell(Names(asked.world.inventory), found)
    say()
    say(f"From snapshot {asked.snapshot}.")
    return 0


def _one_of(option: str, value: str | None, known: tuple[str, ...]) -> None:
    if value is not None and value not in known:
        raise FindingFilterError(f"unknown {option} `{value}`: expected {', '.join(known[:-1])} or {known[-1]}")


def _tell(names: Names, found: list[Finding]) -> None:
    if not found:
        say("No findings.")
        return
    say(f"{counted(len(found), 'finding')}, the most serious first:")
    severity = ""
    for finding in found:
        if finding.severity != severity:
            severity = finding.severity
            say()
            say(f"{severity.capitalize()} ({sum(item.severity == severity for item in found):,})")
        where = names.document(finding.target)
        statement = finding.because["statement"]
        if statement is not None:
            sid = finding.because["sid"]
            where += f", statement {sid}" if sid else f", statement {statement + 1}"
        wrapped(f"{finding.kind} ({finding.state}): {where}", "  ", "    ", 140)
        wrapped(f"{finding.sentence}.", "      ", "      ", 140)
