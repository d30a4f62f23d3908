"""The project as a whole: its version, its licence, its set-up, and words that must not be in it."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.conftest import NAMES, ROOT, required_parts

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def tracked() -> list[Path]:
    """The files of the project; what git knows, or all but what it ignores where there is no git."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]
    hidden = {".venv", ".git", ".grantmap", "__pycache__", "build", "dist"}
    return [
        path
        for path in ROOT.rglob("*")
        if path.is_file() and not any(part in hidden or part.endswith("_cache") for part in path.parts)
    ]


def test_the_newest_change_is_of_this_version() -> None:
    versions = re.findall(r"^## (\d+\.\d+\.\d+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert versions[0] == PROJECT["version"]
    assert versions == sorted(set(versions), key=lambda text: [int(part) for part in text.split(".")], reverse=True)


def test_the_installed_program_is_of_this_version() -> None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        assert version("grantmap") == PROJECT["version"]
    except PackageNotFoundError:
        pytest.skip("grantmap is not installed here: make setup")


def test_the_project_can_never_be_uploaded_and_says_what_it_runs_on() -> None:
    classifiers = PROJECT["classifiers"]
    assert "Private :: Do Not Upload" in classifiers
    assert "Typing :: Typed" in classifiers
    assert PROJECT["requires-python"] == ">=3.11"
    assert "Programming Language :: Python :: 3.11" in classifiers


def test_the_licence_is_apache_2() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert PROJECT["license"] == "Apache-2.0"
    assert text.lstrip().startswith("Apache License\n")
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_everything_that_is_installed_is_locked_with_hashes() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    packages = re.findall(r"^([a-z0-9.-]+)==\S+(?: ; [^\\\n]+)? \\\n    --hash=sha256:", lock, re.MULTILINE)
    assert len(packages) == len(re.findall(r"^[a-z0-9]", lock, re.MULTILINE)) > 50
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    asked = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["demo"], *groups["dev"]]
    wanted = {re.split(r"[\[<>=~! ]", item)[0].lower() for item in asked}
    assert wanted - set(packages) == set()


def test_every_dependency_is_used() -> None:
    imported = {"neo4j-rust-ext"}  # makes the driver faster by being there
    for path in tracked():
        if path.suffix == ".py":
            imported |= set(re.findall(r"^\s*(?:from|import) (\w+)", path.read_text(), re.MULTILINE))
    assert {re.split(r"[\[<>=]", item)[0] for item in PROJECT["dependencies"]} - imported == set()


def forbidden() -> re.Pattern[str]:
    """Machine paths, hosts of package indexes and leftovers. In pieces, so that this file is free of them."""
    words = (
        "/wor" + "k/",
        "/ro" + "ot/",
        "/home/" + r"(?!grantmap)\w+/",
        "/Us" + r"ers/\w+/",
        "/opt/" + "wheels",
        "pypi" + r"\.org",
        "python" + r"hosted\.org",
        "index" + "-url",
        "find" + "-links",
        "arti" + "factory",
        r"\bT" + r"ODO\b",
        r"\bFI" + r"XME\b",
        r"\bsub" + "agents?",
        r"\bLL" + r"Ms?\b",
        "Co-Auth" + "ored-By",
    )
    return re.compile("|".join(words))


def test_no_file_names_a_machine_a_package_index_or_unfinished_work() -> None:
    pattern = forbidden()
    wrong = []
    for path in tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        wrong += [
            f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
            for number, line in enumerate(text.splitlines(), 1)
            if pattern.search(line)
        ]
    assert wrong == []


def test_files_are_text_with_a_last_newline_or_declared_binary() -> None:
    kinds = {".py", ".md", ".toml", ".cypher", ".lock", ".json", ".jsonl", ""}
    wrong = [
        path.relative_to(ROOT)
        for path in tracked()
        if path.suffix in kinds and (data := path.read_bytes()) and not data.endswith(b"\n")
    ]
    assert wrong == []


def test_a_required_part_has_to_be_one_of_the_table() -> None:
    assert required_parts("") == frozenset()
    assert required_parts(" moto , ladybug") == {"moto", "ladybug"}
    with pytest.raises(pytest.UsageError, match="unknown part `mot`: expected " + ", ".join(NAMES)):
        required_parts("mot")


INNER = """
import pytest

@pytest.mark.part("moto")
def test_used(): pass

@pytest.mark.part("ladybug")
def test_skipped(): pytest.skip("no ladybug here")
"""


@pytest.mark.parametrize(
    ("required", "status", "words"),
    [
        ("", 0, "1 passed, 1 skipped"),
        ("moto", 0, "1 passed, 1 skipped"),
        ("moto,ladybug", 1, "needs ladybug, which GRANTMAP_REQUIRE names: no ladybug here"),
        ("oracle", 1, "GRANTMAP_REQUIRE names `oracle`, and no test used it"),
    ],
)
def test_a_part_that_is_required_may_not_be_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, required: str, status: int, words: str
) -> None:
    import sys

    (tmp_path / "test_inner.py").write_text(INNER)
    monkeypatch.setenv("GRANTMAP_REQUIRE", required)
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-c", str(ROOT / "pyproject.toml"), "-rA"]
    command += ["--rootdir", str(tmp_path), "-p", "no:cacheprovider", str(tmp_path / "test_inner.py")]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (run.returncode, words in run.stdout) == (status, True), run.stdout + run.stderr
    assert "Tested against:" in run.stdout
    assert "embedded store (ladybug)            1 " in run.stdout
    assert re.search(r"^\d+ (passed|failed).* in [\d.]+s", run.stdout.splitlines()[-1]), "pytest has the last word"
