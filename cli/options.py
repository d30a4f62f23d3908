"""Options that many commands share."""

from __future__ import annotations

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")]
SnapshotId = Annotated[
    str | None,
    typer.Option(
        "--snapshot", metavar="ID", envvar="GRANTMAP_SNAPSHOT", help="Snapshot to ask; the newest by default."
    ),
]
StoreUrl = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URL",
        envvar="GRANTMAP_STORE",
        help="A Neo4j server (neo4j://…, bolt://…) or a folder of builds; the home by default.",
    ),
]
