"""``build``: from a snapshot to tables and graph."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.options import Json, StoreUrl
from cli.output import note, say, write_json
from cli.state import graphs_home, server
from cli.state import snapshot as open_snapshot
from cli.words import counted


def register(app: typer.Typer) -> None:
    """Adds the command of this module."""
    app.command("build")(build)


def build(
    snapshot: Annotated[str | None, typer.Argument(help="Snapshot to build; the newest by default.")] = None,
    store: StoreUrl = None,
    engine: Annotated[str, typer.Option(help="Where to resolve: local, or dask://HOST:PORT.")] = "local",
    as_json: Json = False,
) -> int:
    """Decide all access of a snapshot and store it as a graph."""
    from cli.progress import build_report
    from graph.builder import build as run
    from graph.engines import open_engine
    from graph.store import open_store

    resolving = open_engine(engine)
    url = server(store)
    second = open_store(url) if url is not None else None
    try:
        with build_report() as report:
            info = run(open_snapshot(snapshot), graphs_home(store), report, second, resolving)
    finally:
        if second is not None:
            second.close()
    if as_json:
        write_json(
            {
                "snapshot": info.snapshot,
                "nodes": info.nodes,
                "edges": info.edges,
                "classes": {"principals": info.principal_classes, "resources": info.resource_classes},
                "seconds": info.seconds,
            }
        )
    else:
        seconds = sum(info.seconds.values())
        say(f"Built snapshot {info.snapshot} in {seconds:.1f} s.")
        say(f"  {sum(info.nodes.values()):,} nodes, {sum(info.edges.values()):,} edges")
        say(f"  {info.principal_classes:,} classes of principals, {info.resource_classes:,} of resources")
        if info.taken_over:
            say(f"  {counted(info.taken_over, 'account')} unchanged since the build of snapshot {info.earlier}")
        if url is not None:
            say(f"  the graph is in {url} too")
        say(f"  {counted(len(info.gaps), 'gap')} in the snapshot" if info.gaps else "  no gaps in the snapshot")
        say("Next: grantmap ui --local, or ask: grantmap who-can ACTION RESOURCE")
    for policy, reason in info.invalid.items():
        note(f"invalid policy: {policy}: {reason}; answers that hang on it are conditional")
    return 1 if info.invalid else 0
