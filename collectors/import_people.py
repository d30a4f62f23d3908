"""`people.csv`: who works here, for whom, where, and whether still; what AWS does not know."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from collectors.errors import ImportFileError
from collectors.import_files import read_text

COLUMNS = ("email", "manager", "department", "status")


def read_people(path: Path) -> list[dict[str, str]]:
    """One mapping a line, column names in lower case: ``email`` always, the other three empty where there is no column.

    ``manager`` is an e-mail. Columns beyond the four are kept as they are. Raises ``ImportFileError`` naming the line.
    """
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    try:
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise ImportFileError(f"`{path}` line {reader.line_num}: not CSV: {error}") from error
    if not rows:
        raise ImportFileError(f"`{path}` is empty")
    header = [name.strip().lower() for name in rows[0][1]]
    if "email" not in header:
        raise ImportFileError(f"`{path}` line {rows[0][0]}: no column `email`; found {', '.join(header)}")
    if len(set(header)) != len(header):
        raise ImportFileError(f"`{path}` line {rows[0][0]}: a column is named twice")
    people: list[dict[str, str]] = []
    seen: dict[str, int] = {}
    for line, row in rows[1:]:
        if len(row) != len(header):
            raise ImportFileError(f"`{path}` line {line}: {len(row)} values for {len(header)} columns")
        person = dict.fromkeys(COLUMNS, "") | dict(zip(header, (cell.strip() for cell in row), strict=True))
        email = person["email"].lower()
        if not email:
            raise ImportFileError(f"`{path}` line {line}: `email` is empty")
        if email in seen:
            raise ImportFileError(f"`{path}` line {line}: `{person['email']}` is already on line {seen[email]}")
        seen[email] = line
        people.append(person)
    return people
