"""The documentation: what it shows is what the commands print, all of them are there, and its links lead somewhere."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
import typer

from collectors.demo import DemoOrganisation, EmulatedAws
from tests.conftest import ROOT
from tests.demo_shell import Shell


def _make() -> Any:
    spec = importlib.util.spec_from_file_location("docs_make", ROOT / "docs" / "make.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


make = _make()
FILES: list[Path] = make.files()
COMMANDS = ROOT / "docs" / "commands.md"


def names(files: list[Path]) -> list[str]:
    return [str(file.relative_to(ROOT)) for file in files]


@pytest.fixture(scope="module")
def shell(
    demo: tuple[EmulatedAws, DemoOrganisation], demo_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Shell:
    return Shell(demo[0].endpoint_url, demo_folder, tmp_path_factory.mktemp("scratch"))


@pytest.mark.parametrize("file", FILES, ids=names(FILES))
def test_documents_show_what_the_commands_print(file: Path, shell: Shell) -> None:
    for line, output in make.commands(file.read_text()):
        assert make.plain(output) == make.plain(shell.run(line)), f"`{line}` prints something else now: make docs"


def every_command() -> dict[str, Any]:
    """Commands by the words that call them."""
    from cli.main import app

    found: dict[str, Any] = {}

    def visit(command: Any, words: str) -> None:
        subcommands = getattr(command, "commands", None)
        if subcommands is None:
            found[words] = command
        else:
            for name, item in subcommands.items():
                visit(item, f"{words} {name}")

    visit(typer.main.get_command(app), "grantmap")
    return found


@pytest.mark.parametrize("words", every_command())
def test_every_command_and_option_is_documented_with_an_example(words: str) -> None:
    text = COMMANDS.read_text()
    assert re.search(rf"^##+ {words}$", text, re.MULTILINE), f"`{words}` has no heading"
    shown = [line for line, _ in make.commands(text)]
    assert f"{words} --help" in shown
    examples = [line for line in shown if line.startswith(words) and "--help" not in line]
    assert examples, f"`{words}` has no example"
    for option in (name for item in every_command()[words].params for name in item.opts if name.startswith("--")):
        everywhere = shown if option in ("--snapshot", "--store") else examples
        assert any(option in line.split() for line in everywhere), f"`{words} {option}` has no example"


def test_commands_that_are_gone_are_not_documented() -> None:
    headings = re.findall(r"^##+ (grantmap .+)$", COMMANDS.read_text(), re.MULTILINE)
    groups = {words.rsplit(" ", 1)[0] for words in every_command()} - {"grantmap"}
    assert set(headings) == set(every_command()) | groups


def test_grantmap_is_never_shown_without_being_run() -> None:
    for file in FILES:
        for kind, body in re.findall(r"^```(\w*)\n(.*?)^```$", file.read_text(), re.MULTILINE | re.DOTALL):
            if kind != "console":
                assert not re.search(r"^(\$ )?(grantmap|\.venv/bin/grantmap) ", body, re.MULTILINE), (file.name, body)


@pytest.mark.parametrize("file", [*FILES, ROOT / "CHANGELOG.md"], ids=[*names(FILES), "CHANGELOG.md"])
def test_links_lead_to_files_and_headings_that_exist(file: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", file.read_text(), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        aim = file.parent / path if path else file
        assert aim.exists(), f"{file.name} links to `{target}`"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", aim.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", item).lower().replace(" ", "-") for item in headings}, target


def test_every_document_can_be_found_from_the_first() -> None:
    text = (ROOT / "README.md").read_text()
    assert [name for name in names(FILES)[1:] if f"]({name})" not in text] == []


def test_the_readmes_commands_for_make_exist() -> None:
    goals = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    asked = {goal for file in FILES for goal in re.findall(r"^\$? ?make ([a-z-]+)", file.read_text(), re.MULTILINE)}
    assert {"demo", "test"} <= asked <= goals
