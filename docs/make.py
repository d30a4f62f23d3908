"""Writes the output of every `console` block of README.md and docs/ anew: `python docs/make.py`, or `make docs`.

A block holds commands, each on a line that begins with `$ `, and what they print. Each is run against the emulated
organisation. A block whose text differs only in what differs from run to run (ids of snapshots, times) is left alone.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ID = re.compile(r"\b\d{8}T\d{6}Z-[0-9a-f]{6}\b")
#: One snapshot for the whole documentation, so that a reader can follow its id from command to command.
_EXAMPLE = "20261124T031227Z-710107"
_CAMPAIGN = re.compile(r"\b\d{4}-\d\d-\d\d-[0-9a-f]{6}\b")
#: A review as documents name it; `tests/demo_shell.py` knows which one it is.
_EXAMPLE_CAMPAIGN = "2026-11-24-710107"
_VARYING = (
    (_ID, "SNAPSHOT"),
    (_CAMPAIGN, "CAMPAIGN"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "TIME"),
    (re.compile(r"\b\d{4}-\d\d-\d\d\b"), "DATE"),
    (re.compile(r"\b\d{1,2} [A-Z][a-z]{2} \d{4}\b"), "DATE"),
    (re.compile(r"\bDATE \d\d:\d\d\b"), "DATE TIME"),
    (re.compile(r"\b\d+ days?\b"), "DAYS"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "HASH"),
    (re.compile(r"\b[0-9a-f]{16}\b"), "ITEM"),
    (re.compile(r"\b\d+(\.\d+)? s\b"), "SECONDS"),
    (re.compile(r'("seconds": )\{[^}]*\}'), r"\1SECONDS"),
)


def files() -> list[Path]:
    """The documentation, in the order in which people read it."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands(text: str) -> Iterator[tuple[str, str]]:
    """(command, output) of every command of every block."""
    for block in _BLOCK.finditer(text):
        for part in re.split(r"^\$ ", block[1], flags=re.MULTILINE)[1:]:
            line, _, output = part.partition("\n")
            yield line.strip(), output.rstrip("\n")


def plain(output: str) -> str:
    """An output without what differs from run to run."""
    for pattern, name in _VARYING:
        output = pattern.sub(name, output)
    return output.rstrip("\n")


def renewed(text: str, run: Callable[[str], str]) -> str:
    """A document with the output of its commands as it is today."""

    def block(found: re.Match[str]) -> str:
        told = []
        for line, output in commands(found[0]):
            now = run(line)
            kept = output if plain(output) == plain(now) else now
            told.append(f"$ {line}\n{_with_one_id(kept, line)}".rstrip("\n"))
        return "```console\n" + "\n\n".join(told) + "\n```"

    return _BLOCK.sub(block, text)


def _with_one_id(output: str, line: str) -> str:
    """An output in which every snapshot and review is the example, save those that the command itself names."""
    output = _ID.sub(lambda found: found[0] if found[0] in line else _EXAMPLE, output)
    named = _CAMPAIGN.search(line)
    return _CAMPAIGN.sub(named[0] if named is not None else _EXAMPLE_CAMPAIGN, output)


def main() -> None:
    """Renews every document."""
    sys.path.insert(0, str(ROOT))
    from tests.collectors.demo_fixtures import running_demo
    from tests.demo_shell import Shell, make_home

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "scratch").mkdir()
        for demo in running_demo():
            make_home(demo, folder)
            shell = Shell(demo[0].endpoint_url, folder, folder / "scratch")
            for file in files():
                text = file.read_text()
                if (after := renewed(text, shell.run)) != text:
                    file.write_text(after)
                    print(f"renewed {file.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
