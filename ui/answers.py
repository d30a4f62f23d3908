"""Answers as cells and lists: what the pages make of rows of the graph."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

from cypher.library import Query, load_queries
from graph.questions import Questions
from graph.store import Path, Result
from model.arn import is_account_id
from ui import session
from ui.naming import ScreenNames
from ui.words import LEVEL_WORDS, day, number

SEVERITIES = ("critical", "high", "medium", "low")
#: Up to here one list is searched in the browser; beyond, the server gives the best matches.
LISTED = 500
MATCHES = 20

_HASH = re.compile(r"[0-9a-f]{24,}")
_DATE = re.compile(r"\d{4}-\d\d-\d\d(T[0-9:.]+Z)?")
#: Spreadsheets take a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def cell(value: Any, names: ScreenNames) -> str:
    """A value of a row in words, as plain text."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return number(value)
    if isinstance(value, Path):
        return " → ".join(node.name or cell(node.key, names) for node in value.nodes)
    if isinstance(value, list):
        return ", ".join(cell(item, names) for item in value)
    text = str(value)
    if text in LEVEL_WORDS:
        return LEVEL_WORDS[text]
    if is_account_id(text):
        return names.account(text)
    if text.startswith("arn:"):
        return names.resource(text)
    if text.startswith(("person:", "account:")) or text == "anonymous":
        return names.who(text)
    return day(text) if _DATE.fullmatch(text) else text


def shown_columns(result: Result) -> list[int]:
    """Columns that tell people something: all but keys of the graph, and names where the account is shown by name."""
    twice = "account_name" if "account" in result.columns else ""
    return [
        place
        for place in range(len(result.columns))
        if result.columns[place] != twice
        and not (
            result.rows and all(isinstance(row[place], str) and _HASH.fullmatch(str(row[place])) for row in result.rows)
        )
    ]


def heading(column: str) -> str:
    """``Account name`` of ``account_name``."""
    return column.replace("_", " ").capitalize()


def table(result: Result, names: ScreenNames) -> tuple[list[str], list[list[str]]]:
    """Headings and cells in words, plain text."""
    columns = shown_columns(result)
    return (
        [heading(result.columns[place]) for place in columns],
        [[cell(row[place], names) for place in columns] for row in result.rows],
    )


def csv_of(result: Result) -> bytes:
    """Everything as it is, for a spreadsheet, which must not take a name for a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(result.columns)
    for row in result.rows:
        writer.writerow([_safe(value) for value in row])
    return out.getvalue().encode()


def _safe(value: Any) -> Any:
    text = "; ".join(map(str, value)) if isinstance(value, list) else value
    return f"'{text}" if isinstance(text, str) and text.startswith(_FORMULA) else text


def findings(id: str) -> list[tuple[Query, Result]]:
    """Every query of the library whose rows are findings and that has any, the worst first."""
    found = [
        (query, session.answer(id, query.id))
        for query in load_queries().values()
        if query.severity != "info" and not any(parameter.required for parameter in query.parameters)
    ]
    told = [(query, result) for query, result in found if result.rows]
    return sorted(told, key=lambda item: (SEVERITIES.index(item[0].severity), item[0].id))


def principals(asked: Questions, names: ScreenNames) -> dict[str, str]:
    """Everybody to choose from: label by key, labels unique. People first."""
    subjects = [subject for subject in asked.world.subjects.all if not subject.lost]
    ordered = sorted(subjects, key=lambda subject: (subject.kind != "Person", subject.kind, subject.key))
    return _unique({subject.key: names.who(subject.key) for subject in ordered})


def resources(asked: Questions, names: ScreenNames) -> dict[str, str]:
    """Every collected resource: label by ARN, labels unique."""
    return _unique({arn: names.resource(arn) for arn in sorted(asked.world.inventory.resources)})


def _unique(labels: dict[str, str]) -> dict[str, str]:
    seen: dict[str, int] = {}
    for label in labels.values():
        seen[label] = seen.get(label, 0) + 1
    return {key: label if seen[label] == 1 else f"{label} ({key})" for key, label in labels.items()}


def matching(labels: dict[str, str], text: str) -> list[str]:
    """Keys whose label or key holds every word of ``text``, at most ``MATCHES``."""
    wanted = text.lower().split()
    found = (key for key, label in labels.items() if all(word in f"{label} {key}".lower() for word in wanted))
    return [key for key, _ in zip(found, range(MATCHES), strict=False)]
