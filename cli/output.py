"""What commands write: JSON in the contract's shapes, or text for people. Names from AWS are printed as plain text."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any


def write_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")


def write_lines(values: Iterable[Any]) -> None:
    """JSON lines on standard output."""
    for value in values:
        write_json(value)


def say(text: str = "") -> None:
    """A line for people, without anything that a terminal would take for a command."""
    sys.stdout.write(printable(text) + "\n")


def note(text: str) -> None:
    """A line beside the answer, on standard error."""
    sys.stderr.write(printable(text) + "\n")


def printable(text: str) -> str:
    """``text`` with control characters, which could move a cursor or hide a line, shown as escapes."""
    return "".join(
        character if character.isprintable() or character in "\n\t" else f"\\x{ord(character):02x}"
        for character in text
    )


def wrapped(text: str, first: str = "", rest: str = "", width: int = 110) -> None:
    """A long line for people, folded between words; ``first`` and ``rest`` begin its lines. Nothing is cut."""
    lines = textwrap.wrap(
        printable(text),
        width,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
    sys.stdout.write("\n".join(lines) + "\n")


def table(headings: Sequence[str], rows: Iterable[Sequence[Any]], widest: int | None = None) -> None:
    """Columns for people, as wide as their content but no wider than ``widest``; the last is never padded."""
    texts = [[printable(_cell(value)).replace("\n", " ") for value in row] for row in rows]
    everything = [list(headings), *texts]
    widths = [max(len(row[place]) for row in everything) for place in range(len(headings))]
    if widest is not None:
        widths = [min(width, widest) for width in widths]
    for row in everything:
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths[:-1], strict=True)]
        sys.stdout.write("  ".join([*cells, row[-1]]).rstrip() + "\n")


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(_cell(item) for item in value)
    return str(value)
