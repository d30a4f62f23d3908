"""``snapshot list``, ``show`` and ``prune``."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.options import Json, StoreUrl
from cli.output import say, table, wrapped, write_json
from cli.state import graphs_home, home, server
from cli.state import snapshot as open_one
from cli.words import counted, gap_line, grouped_gaps


def register(app: typer.Typer) -> None:
    """Adds the group of commands of this module."""
    group = typer.Typer(help="List snapshots, show what one holds, remove old ones.", no_args_is_help=True)
    group.command("list")(list_all)
    group.command("show")(show)
    group.command("prune")(prune)
    app.add_typer(group, name="snapshot")


def list_all(as_json: Json = False) -> int:
    """List snapshots, newest first."""
    from model.snapshot import list_snapshots

    found = list_snapshots(home())
    if as_json:
        write_json(
            {
                "snapshots": [
                    {
                        "id": item.id,
                        "complete": item.complete,
                        "problem": item.problem or None,
                        "accounts": len(item.manifest.accounts) if item.manifest else None,
                        "gaps": len(item.manifest.gaps) if item.manifest else None,
                        "started": item.manifest.started if item.manifest else None,
                    }
                    for item in found
                ]
            }
        )
        return 0
    if not found:
        say("No snapshots yet: make one with `grantmap collect` or `grantmap import`.")
        return 0
    rows = []
    for item in found:
        manifest = item.manifest
        state = "complete" if manifest else item.problem or "incomplete: finish it with `grantmap collect --resume`"
        accounts = len(manifest.accounts) if manifest else None
        rows.append((item.id, accounts, len(manifest.gaps) if manifest else None, state))
    table(("SNAPSHOT", "ACCOUNTS", "GAPS", "STATE"), rows)
    return 0


def show(
    id: Annotated[str | None, typer.Argument(help="Snapshot; the newest by default.")] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Also check every part against its hash.")] = False,
    as_json: Json = False,
) -> int:
    """Show what a snapshot holds and what could not be read."""
    from graph.questions import gap_json

    found = open_one(id)
    parts = found.verify() if verify else None
    manifest = found.manifest
    if as_json:
        write_json(
            {
                "id": found.id,
                "started": manifest.started,
                "ended": manifest.ended,
                "source": manifest.source,
                "caller": manifest.caller,
                "organization": manifest.organization,
                "accounts": [
                    {"id": a.id, "name": a.name, "status": a.status, "collected": a.collected}
                    for a in manifest.accounts
                ],
                "regions": manifest.regions,
                "parts": len(manifest.parts),
                "verified": parts is not None,
                "gaps": [gap_json(gap) for gap in found.gaps],
                "skipped": [gap_json(gap) for gap in found.skipped],
                "drift": {
                    "added": manifest.drift.added,
                    "removed": manifest.drift.removed,
                    "changed": manifest.drift.changed,
                },
            }
        )
        return 0
    say(f"Snapshot {found.id}, {manifest.started} to {manifest.ended}")
    say(
        f"  read as {manifest.caller or 'files'}, {len(manifest.parts)} parts"
        + (", every hash right" if verify else "")
    )
    say()
    table(
        ("ACCOUNT", "NAME", "STATUS", "READ"),
        [(account.id, account.name, account.status, account.collected) for account in manifest.accounts],
    )
    say()
    if found.gaps:
        say(f"{counted(len(found.gaps), 'gap')}:")
        for gap in found.gaps:
            wrapped(gap_line(gap), "  ", "    ", 140)
    else:
        say("No gaps.")
    for line in grouped_gaps(found.skipped):
        wrapped(line, rest="  ", width=140)
    return 0


def prune(
    keep: Annotated[int, typer.Option(metavar="N", help="How many of the newest to keep.")] = 5,
    store: StoreUrl = None,
    as_json: Json = False,
) -> int:
    """Remove old snapshots and what was built from them.

    Those that a review rests on which is not closed stay.
    """
    from graph.generations import prune as prune_graphs
    from graph.store import open_store
    from model.snapshot import list_snapshots
    from model.snapshot import prune as run

    url = server(store)
    second = open_store(url) if url is not None else None
    try:
        # The server first: if it cannot be reached, nothing is removed anywhere.
        there = second.prune(keep) if second is not None else ()
    finally:
        if second is not None:
            second.close()
    spared = _under_review()
    removed = run(home(), keep, spared)
    here = prune_graphs(graphs_home(store), keep, spared)
    graphs = [*here, *(name for name in there if name not in here)]
    if as_json:
        write_json({"removed": removed, "graphs": graphs})
    else:
        kept = f"the {keep} newest"
        whole = [one.id for one in list_snapshots(home()) if one.manifest is not None]
        if older := [id for id in whole[keep:] if id in spared]:
            kept += f", and {', '.join(older)}, which a review rests on"
        say(f"Removed {counted(len(removed), 'snapshot')} and {counted(len(graphs), 'build')}; kept {kept}.")
    return 0


def _under_review() -> frozenset[str]:
    """The snapshots of reviews that are not closed."""
    from cli.campaigns import reviews, reviews_are_there

    if not reviews_are_there():
        return frozenset()
    with reviews() as opened:
        return frozenset(each.snapshot for each in opened.campaigns() if each.phase != "closed")
