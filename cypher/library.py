"""The query library: what a query file says of itself, and running one by its name.

A file ``cypher/<id>.cypher`` begins with comment lines ``// key: value`` (keys in ``HEADER``; ``parameters`` once for
each parameter, as ``name: type = default``, a parameter without default is required), then one Cypher statement in
the dialect that both stores answer alike. ``cypher/dialect.py`` checks the statement when the library is loaded.
``python -m cypher.library`` prints the page ``docs/queries.md``.
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import get_args

from cypher.dialect import check_statement
from cypher.errors import QueryError
from cypher.parameters import Parameter, ParameterType
from graph.store import Result, Store

FOLDER = Path(__file__).parent

#: The keys of a header, in their order; only ``parameters`` may occur more than once.
HEADER = ("id", "title", "answers", "parameters", "columns", "severity", "controls")
SEVERITIES = ("info", "low", "medium", "high", "critical")

_HEADER_LINE = re.compile(r"//\s*([a-z]+):\s*(.*?)\s*")
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_PARAMETER = re.compile(r"([a-z_]+):\s*([a-z]+)(?:\s*=\s*(.*))?")
_CONTROL = re.compile(r"(ISO 27001:2022 A\.\d+\.\d+|SOC 2 CC\d+\.\d+)")


@dataclass(frozen=True, slots=True)
class Query:
    """One file of the library. ``severity`` is that of a row of its answer; ``info``: a row is no finding."""

    id: str
    title: str
    answers: str
    parameters: tuple[Parameter, ...]
    columns: tuple[str, ...]
    severity: str
    controls: tuple[str, ...]
    text: str


def parse_query(text: str, where: str) -> Query:
    """The query in ``text``; raises ``QueryError`` that names ``where``, the line and what is wrong."""
    values: dict[str, list[str]] = {}
    last = -1
    for count, line in enumerate(text.splitlines(), 1):
        match = _HEADER_LINE.fullmatch(line)
        if match is None:
            if line.startswith("//"):
                raise QueryError(f"{where}, line {count}: expected `// key: value`")
            break
        key, value = match.groups()
        if key not in HEADER:
            raise QueryError(f"{where}, line {count}: unknown key `{key}`: one of {', '.join(HEADER)}")
        if key in values and key != "parameters":
            raise QueryError(f"{where}, line {count}: `{key}` is given twice")
        if HEADER.index(key) < last:
            raise QueryError(f"{where}, line {count}: `{key}` is out of order: {', '.join(HEADER)}")
        if not value:
            raise QueryError(f"{where}, line {count}: `{key}` is empty (write `none`)")
        last = HEADER.index(key)
        values.setdefault(key, []).append(value)
    if missing := [key for key in HEADER if key not in values]:
        raise QueryError(f"{where}: the header lacks `{missing[0]}`")
    query = Query(
        id=_checked_id(values["id"][0], where),
        title=values["title"][0],
        answers=values["answers"][0],
        parameters=_parameters(values["parameters"], where),
        columns=tuple(column.strip() for column in values["columns"][0].split(",")),
        severity=values["severity"][0],
        controls=_controls(values["controls"][0], where),
        text=text,
    )
    if query.severity not in SEVERITIES:
        raise QueryError(f"{where}: unknown severity `{query.severity}`: one of {', '.join(SEVERITIES)}")
    check_statement(text, query.columns, [p.name for p in query.parameters], where)
    return query


def _checked_id(value: str, where: str) -> str:
    if not _ID.fullmatch(value):
        raise QueryError(f"{where}: id `{value}` is not in small letters, digits and hyphens")
    return value


def _parameters(lines: Sequence[str], where: str) -> tuple[Parameter, ...]:
    if list(lines) == ["none"]:
        return ()
    found: dict[str, Parameter] = {}
    for line in lines:
        match = _PARAMETER.fullmatch(line)
        if match is None:
            raise QueryError(f"{where}: parameter `{line}` is not written `name: type = default`")
        name, type_name, default = match.groups()
        if name in found:
            raise QueryError(f"{where}: parameter `{name}` is declared twice")
        if type_name not in get_args(ParameterType):
            raise QueryError(
                f"{where}: parameter `{name}` has the unknown type `{type_name}`: "
                f"one of {', '.join(get_args(ParameterType))}"
            )
        found[name] = Parameter.declare(name, type_name, default, where)
    return tuple(found.values())


def _controls(value: str, where: str) -> tuple[str, ...]:
    if value == "none":
        return ()
    controls = tuple(control.strip() for control in value.split(","))
    for control in controls:
        if not _CONTROL.fullmatch(control):
            raise QueryError(f"{where}: control `{control}` is not `ISO 27001:2022 A.n.n` or `SOC 2 CCn.n`")
    return controls


def load_queries(folder: Path = FOLDER) -> dict[str, Query]:
    """The queries of ``folder`` by id, by alphabet; raises ``QueryError`` for the first file that is wrong."""
    found: dict[str, Query] = {}
    for path in sorted(folder.glob("*.cypher")):
        query = parse_query(path.read_text(encoding="utf-8"), path.name)
        if query.id != path.stem:
            raise QueryError(f"{path.name}: its id is `{query.id}`: the file must be named `{query.id}.cypher`")
        found[query.id] = query
    return found


@cache
def _shipped() -> Mapping[str, Query]:
    return load_queries()


def find_query(name: str) -> Query:
    """The query called ``name``; raises ``QueryError`` with the names that are near, or all of them."""
    queries = _shipped()
    if name in queries:
        return queries[name]
    near = [q for q in queries if name and name in q] or difflib.get_close_matches(name, queries, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(f'`{n}`' for n in near)}" if near else f"there are {', '.join(queries)}"
    raise QueryError(f"unknown query `{name}`: {hint}")


def run_query(store: Store, name: str, params: Mapping[str, object] | None = None) -> Result:
    """The answer of ``store`` to the query ``name``.

    ``params`` are values by name, as Python values or as the text that a person typed; defaults fill what is not
    given. Raises ``QueryError`` for an unknown query, an unknown, missing or wrong parameter, ``StoreError`` for the
    store's own failures.
    """
    query = find_query(name)
    given = dict(params or {})
    names = [p.name for p in query.parameters]
    for unknown in sorted(set(given) - set(names)):
        takes = f"it takes {', '.join(f'`{n}`' for n in names)}" if names else "it takes none"
        raise QueryError(f"query `{name}` has no parameter `{unknown}`: {takes}")
    values: dict[str, object] = {}
    for parameter in query.parameters:
        if parameter.name in given:
            values[parameter.name] = parameter.read(given[parameter.name], f"query `{name}`")
        elif parameter.required:
            raise QueryError(f"query `{name}` needs parameter `{parameter.name}` ({parameter.type})")
        else:
            values[parameter.name] = parameter.default
    return store.query(query.text, values)


def documentation() -> str:
    """The page ``docs/queries.md``, markdown."""
    queries = load_queries()
    lines = [
        "# The query library",
        "",
        "One file a query in `cypher/`, the same answer on every store. Made by `python -m cypher.library >",
        "docs/queries.md`. The words of the queries are explained in [the graph](graph.md).",
        "",
        "| query | title | a row is |",
        "|---|---|---|",
        *(f"| [`{q.id}`](#{q.id}) | {q.title} | {q.severity} |" for q in queries.values()),
        "",
    ]
    for query in queries.values():
        body = "\n".join(line for line in query.text.splitlines() if not line.startswith("//")).strip()
        lines += [f"## {query.id}", "", f"**{query.title}.** {query.answers}", ""]
        lines += [f"- Parameter `{p.name}`: {p.in_words()}" for p in query.parameters]
        lines += [f"- Columns: {', '.join(f'`{column}`' for column in query.columns)}"]
        lines += [f"- Severity: {query.severity}"]
        lines += [f"- Controls: {', '.join(query.controls)}"] if query.controls else []
        lines += ["", "```cypher", body, "```", ""]
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    sys.stdout.write(documentation())
