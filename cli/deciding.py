"""``decide``: decision cases in, verdicts out, as JSON lines."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from cli.output import write_json
from model.errors import GrantmapError


class CaseFileError(GrantmapError):
    """A file of cases that cannot be read."""


def register(app: typer.Typer) -> None:
    """Adds the command of this module."""
    app.command("decide")(decide)


def decide(
    file: Annotated[str, typer.Argument(help="Cases, one JSON object a line; .gz is read too; - is standard input.")],
) -> int:
    """Decide cases of a file, one JSON line each.

    A malformed case gives an Error line and the run goes on.
    """
    from policy.cases import run_cases

    failed = False
    for answer in run_cases(_lines(file)):
        failed = failed or answer["verdict"] == "Error"
        write_json(answer)
    return 1 if failed else 0


def _lines(file: str) -> Iterator[bytes]:
    if file == "-":
        yield from sys.stdin.buffer
        return
    path = Path(file)
    try:
        with path.open("rb") as raw:
            if raw.read(2) == b"\x1f\x8b":
                raw.seek(0)
                with gzip.GzipFile(fileobj=raw) as lines:
                    yield from lines
            else:
                raw.seek(0)
                yield from raw
    except OSError as error:
        raise CaseFileError(f"cases `{file}` cannot be read: {(error.strerror or str(error)).lower()}") from error
    except (EOFError, zlib.error) as error:
        raise CaseFileError(f"cases `{file}` cannot be read: {error}") from error
