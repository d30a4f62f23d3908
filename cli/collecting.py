"""``collect`` and ``import``: from AWS, or from files, to a snapshot."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import Json
from cli.output import say, wrapped, write_json
from cli.state import home
from cli.words import counted, gap_line, grouped_gaps

if TYPE_CHECKING:
    from collectors.options import CollectResult

IMPORTED = "imported"

Regions = Annotated[
    str | None, typer.Option(metavar="REGION,...", help="Only these regions, comma-separated; all by default.")
]
Accounts = Annotated[
    str | None, typer.Option(metavar="ID,...", help="Only these accounts, comma-separated; all by default.")
]


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command("collect")(collect)
    app.command("import")(import_files)


def collect(
    profile: Annotated[str | None, typer.Option(envvar="GRANTMAP_PROFILE", help="AWS profile to begin with.")] = None,
    role_name: Annotated[
        str | None, typer.Option(envvar="GRANTMAP_ROLE_NAME", help="Role to assume in member accounts.")
    ] = None,
    external_id: Annotated[
        str | None, typer.Option(envvar="GRANTMAP_EXTERNAL_ID", help="ExternalId that the role asks for.")
    ] = None,
    regions: Regions = None,
    accounts: Accounts = None,
    endpoint_url: Annotated[
        str | None, typer.Option(envvar="GRANTMAP_ENDPOINT_URL", help="Endpoint in place of AWS's own.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Finish the newest incomplete snapshot.")] = False,
    print_policy: Annotated[
        bool, typer.Option("--print-policy", help="Print the least policy that collecting needs, and stop.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Read an organisation, or one account, into a snapshot.

    It only reads: no call of it changes anything in AWS.
    """
    from collectors.options import CollectOptions
    from collectors.policy_document import minimal_policy
    from collectors.progress import open_progress
    from collectors.run import collect as run
    from collectors.session import DEFAULT_ROLE

    if print_policy:
        write_json(minimal_policy(role_name or DEFAULT_ROLE))
        return 0
    options = CollectOptions(
        profile=profile,
        role_name=role_name,
        external_id=external_id,
        regions=_split(regions),
        accounts=_split(accounts),
        endpoint_url=endpoint_url,
        resume=resume,
    )
    return _answer(run(options, home(), open_progress()), as_json, verb="collected")


def import_files(
    # Hidden, since the list of arguments would show it as a Python type; the text above the options describes it.
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", hidden=True)],
    keep_going: Annotated[bool, typer.Option("--keep-going", help="Leave out files that cannot be read.")] = False,
    as_json: Json = False,
) -> int:
    """Make a snapshot from exported files.

    PATH is a file of `aws iam get-account-authorization-details` (JSON), a folder of them or of iam-collect, or
    people.csv.
    """
    from collectors.imports import import_paths

    result = import_paths(paths, home(), keep_going)
    return _answer(result, as_json, verb=IMPORTED)


def _split(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def _answer(result: CollectResult, as_json: bool, *, verb: str) -> int:
    from graph.questions import gap_json

    if as_json:
        write_json(
            {
                "snapshot": result.snapshot,
                "accounts": result.accounts,
                "ok": result.ok,
                "gaps": [gap_json(gap) for gap in result.gaps],
                "skipped": [gap_json(gap) for gap in result.skipped],
            }
        )
    else:
        _say(result, verb)
    return 1 if result.gaps else 0


def _say(result: CollectResult, verb: str) -> None:
    from model.snapshot import open_snapshot

    accounts = open_snapshot(home(), result.snapshot).manifest.accounts
    read = sum(account.collected for account in accounts)
    how_many = counted(read, "account") if read == len(accounts) else f"{read:,} of {counted(len(accounts), 'account')}"
    say(f"Snapshot {result.snapshot}: {how_many} {verb}.")
    if result.gaps:
        say(f"{counted(len(result.gaps), 'gap')}. What is hidden there is shown as unknown, never as no access:")
        for gap in result.gaps[:20]:
            wrapped(gap_line(gap), "  ", "    ", 140)
        if len(result.gaps) > 20:
            say(f"  … and {len(result.gaps) - 20} more: grantmap snapshot show {result.snapshot}")
    elif verb == IMPORTED:
        say("No gaps: every file could be read.")
    else:
        say("No gaps: every call that was made was answered.")
    for line in grouped_gaps(result.skipped):
        wrapped(line, rest="  ", width=140)
    say(f"Next: grantmap build {result.snapshot}")
