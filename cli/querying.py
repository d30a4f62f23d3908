"""``query`` and ``queries``: the Cypher library."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

from cli.options import Json, SnapshotId, StoreUrl
from cli.output import say, table, write_json
from cli.state import store as open_graph
from cli.words import counted
from model.errors import GrantmapError

#: Keys of nodes such as grants.
_HASH = re.compile(r"[0-9a-f]{24,}")


class ParameterTextError(GrantmapError):
    """A ``--param`` that is not KEY=VALUE."""


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command("query")(query)
    app.command("queries")(queries)


def queries(as_json: Json = False) -> int:
    """List the questions of the query library."""
    from cypher.library import load_queries

    found = load_queries()
    if as_json:
        write_json(
            {"columns": ["id", "title", "severity"], "rows": [[q.id, q.title, q.severity] for q in found.values()]}
        )
        return 0
    table(("NAME", "SEVERITY", "QUESTION"), [(q.id, q.severity, q.title) for q in found.values()])
    say()
    say("Ask one: grantmap query NAME [--param KEY=VALUE]")
    return 0


def query(
    name: Annotated[str, typer.Argument(help="Name of the query, see `grantmap queries`.")],
    param: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="A parameter of the query.")] = None,
    snapshot: SnapshotId = None,
    store: StoreUrl = None,
    as_json: Json = False,
) -> int:
    """Run one query of the library on the graph."""
    from cypher.library import find_query, run_query

    chosen = find_query(name)
    values = dict(_pair(text) for text in param or [])
    graph = open_graph(snapshot, store)
    try:
        result = run_query(graph, name, values)
        generation = graph.generation()
    finally:
        graph.close()
    rows = [[_plain(value) for value in row] for row in result.rows]
    if as_json:
        write_json({"columns": list(result.columns), "rows": rows})
        return 0
    say(f"{chosen.title}: {counted(len(rows), 'row')}")
    say()
    shown = [place for place in range(len(result.columns)) if not _is_hash([row[place] for row in rows])]
    if rows:
        table(
            [_heading(result.columns[place]) for place in shown],
            [[_cell(row[place]) for place in shown] for row in rows],
        )
    say()
    say(f"From snapshot {generation}.")
    return 0


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ParameterTextError(f"wrong parameter `{text}`: expected KEY=VALUE")
    return key, value


def _plain(value: Any) -> Any:
    """A value of a row as JSON: a path becomes its nodes and edges."""
    from graph.store import Path

    if isinstance(value, Path):
        return {
            "nodes": [{"kind": node.kind, "key": node.key, "name": node.name} for node in value.nodes],
            "edges": [{"kind": edge.kind, "from": edge.source, "to": edge.target} for edge in value.edges],
        }
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _heading(column: str) -> str:
    return column.replace("_", " ").capitalize()


def _is_hash(values: list[Any]) -> bool:
    """Whether a column holds keys of the graph that tell people nothing."""
    return bool(values) and all(isinstance(value, str) and _HASH.fullmatch(value) for value in values)


def _cell(value: Any) -> Any:
    if isinstance(value, dict) and "nodes" in value:
        return " → ".join(node["name"] or _cell(node["key"]) for node in value["nodes"])
    if isinstance(value, list):
        return [_cell(item) for item in value]
    if isinstance(value, str):
        return value.removeprefix("person:")
    return value
