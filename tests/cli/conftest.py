"""Running a command in this process, as the installed one would."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.main import run


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


Command = Callable[..., Ran]


@pytest.fixture
def grantmap(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    """A command with an empty home in an empty folder; ``home=`` gives it another one."""
    monkeypatch.chdir(tmp_path)
    for name in ("GRANTMAP_SNAPSHOT", "GRANTMAP_STORE", "GRANTMAP_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: str, home: Path | None = None) -> Ran:
        monkeypatch.setenv("GRANTMAP_HOME", str(home or tmp_path / "home"))
        capsys.readouterr()
        status = run(list(arguments))
        captured = capsys.readouterr()
        return Ran(status, captured.out, captured.err)

    return call


@pytest.fixture
def ask(grantmap: Command, demo_home: Path) -> Command:
    """A command that asks the demo's organisation."""

    def call(*arguments: str) -> Ran:
        return grantmap(*arguments, home=demo_home)

    return call
