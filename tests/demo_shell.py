"""The commands as a reader of the documentation types them, run against the emulated organisation.

`docs/make.py` writes their output into the documentation, `tests/test_docs.py` compares it.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import boto3

from cli.demo_review import made, mark
from collectors.demo import DemoOrganisation, EmulatedAws, people_csv
from collectors.demo.server import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from collectors.options import CollectResult
from reviews.evidence.keys import PRIVATE
from reviews.evidence.pack import export
from reviews.gaps import accepted, read_acceptances
from reviews.independence import Independence
from reviews.population import population
from reviews.records import Actor, Decision, Plan
from reviews.service import Reviews
from reviews.templates import template_of

PROFILE = "audit"
HOME = ".grantmap"
FILES = ("details.json", "people.csv", "cases.jsonl", "gaps.json", "pack")
#: What runs for long is run once, when the home is made.
COLLECT = "grantmap collect --profile audit"
BUILD = "grantmap build"
DEMO = "grantmap demo --no-ui"
#: What a reader may type for the same thing.
SAME = {"make demo ARGS=--no-ui": DEMO}
#: Commands that make or remove snapshots: they get a home of their own, so that later examples see the first one.
_ALONE = ("collect", "import", "snapshot prune")
#: Commands about reviews, most of which change one: each gets a copy of the home, as the examples' reviews are in it.
_REVIEWING = ("campaign", "evidence")
#: The reviews of the examples by the ids that documents have for them: the demo's, one of which everything is decided,
#: and one that is signed off.
SNAPSHOT = "20261124T031227Z-710107"
OPEN, DECIDED, SIGNED = "2026-11-24-710107", "2026-11-24-5b09f2", "2026-11-24-0c41de"
_OWNER = "eleanor.whitfield@meridian.example"
_REVIEWER = "katarina.berg@meridian.example"
_GAPS = [
    {
        "service": "s3",
        "outcome": "denied",
        "reason": "sealed on purpose: only the break-glass role may read it",
        "by": "marcus.lindholm@meridian.example",
    }
]
_CASES = """\
{"id": "own account", "principal": "arn:aws:iam::111122223333:user/alice", "action": "s3:GetObject", \
"resource": "arn:aws:s3:::reports/2026.pdf", "resource_account": "111122223333", "identity_policies": [{"Version": \
"2012-10-17", "Statement": {"Sid": "Reports", "Effect": "Allow", "Action": "s3:Get*", "Resource": \
"arn:aws:s3:::reports/*"}}]}
{"id": "only from the office", "principal": "arn:aws:iam::111122223333:user/alice", "action": "s3:GetObject", \
"resource": "arn:aws:s3:::reports/2026.pdf", "resource_account": "111122223333", "unknown": ["aws:SourceIp"], \
"identity_policies": [{"Version": "2012-10-17", "Statement": {"Sid": "Office", "Effect": "Allow", "Action": "s3:Get*", \
"Resource": "*", "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}}]}
"""


def run(line: str, folder: Path) -> str:
    """What a command prints in a folder, its notes too, progress for machines left out; simple filters may follow."""
    command, *filters = line.split(" | ")
    words = shlex.split(command)
    if words[0] == "cat":
        text = "".join((folder / name).read_text() for name in words[1:])
    else:
        assert words[0] == "grantmap", f"cannot run `{line}`"
        text = _grantmap(words[1:], folder)
    lines = [item.rstrip() for item in text.splitlines() if not item.startswith('{"event"')]
    return filtered(filters, lines)


def filtered(filters: list[str], lines: list[str]) -> str:
    """Lines after `head -n N`, `cut -c 1-N` and `python3 -m json.tool`."""
    for text in filters:
        lines = _filtered(shlex.split(text), lines)
    return "\n".join(lines)


def _filtered(words: list[str], lines: list[str]) -> list[str]:
    match words:
        case ["head", "-n", number]:
            return lines[: int(number)]
        case ["cut", "-c", span]:
            return [item[: int(span.removeprefix("1-"))].rstrip() for item in lines]
        case ["python3", "-m", "json.tool"]:
            return json.dumps(json.loads("".join(lines)), indent=4).splitlines()
    raise AssertionError(f"cannot run `{shlex.join(words)}`")


def _grantmap(arguments: list[str], folder: Path) -> str:
    from cli.main import run as grantmap

    said = io.StringIO()
    before = Path.cwd()
    os.chdir(folder)
    try:
        with (
            mock.patch.object(sys, "argv", [str(folder / ".venv/bin/grantmap"), *arguments]),
            mock.patch.dict(os.environ, {"COLUMNS": "100"}),
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(said),
        ):
            grantmap(arguments)
    finally:
        os.chdir(before)
    return said.getvalue()


@contextlib.contextmanager
def aws_environment(endpoint_url: str, folder: Path) -> Iterator[None]:
    """A profile that leads to the emulator, and nothing of this machine's own configuration."""
    file = folder / "aws-credentials"
    file.write_text(
        f"[{PROFILE}]\naws_access_key_id = {ACCESS_KEY_ID}\naws_secret_access_key = {SECRET_ACCESS_KEY}\n"
        "region = eu-west-1\n"
    )
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "GRANTMAP_"))}
    ours = {
        "AWS_SHARED_CREDENTIALS_FILE": str(file),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "GRANTMAP_ENDPOINT_URL": endpoint_url,
    }
    with mock.patch.dict(os.environ, kept | ours, clear=True):
        yield


def make_home(demo: tuple[EmulatedAws, DemoOrganisation], folder: Path) -> Path:
    """`folder/.grantmap`, collected and built by the commands; what they said lies beside it in `said.json`."""
    home = folder / HOME
    with aws_environment(demo[0].endpoint_url, folder):
        said = {line: run(line, folder) for line in (COLLECT, BUILD)}
        mark(home)  # what was collected is the demo's own, so that it adds its review here
        said |= {line: _done(demo, line, folder) for line in (DEMO, f"{BUILD} --json")}
        _write_files(demo[0].endpoint_url, folder)
    (folder / "said.json").write_text(json.dumps(said))
    (folder / "reviews.json").write_text(json.dumps(_review(home, folder)))
    return home


def _review(home: Path, folder: Path) -> dict[str, str]:
    """Two more reviews, of passwords and keys, and the evidence of the second; ids in documents by the true ones."""
    ids = {OPEN: made(home)["campaign"], SNAPSHOT: made(home)["snapshot"]}
    for example in (DECIDED, SIGNED):
        time.sleep(1.1)  # lists have the newest first, to the second: each is opened in one of its own
        ids[example] = _decided(home, example)
    with Reviews.open(home) as reviews:
        reviews.sign_off(
            ids[SIGNED], "Carried out as planned.", Actor(name=_OWNER, how="command"), key=f"sign {SIGNED}"
        )
        export(reviews, ids[SIGNED], folder / "pack", home / "keys" / PRIVATE)
    return ids


def _decided(home: Path, key: str) -> str:
    from graph.builds import built_tables
    from graph.questions import Questions
    from model.snapshot import open_snapshot

    snapshot = open_snapshot(home, None)
    asked = Questions(built_tables(snapshot, home))
    template = template_of("credentials")
    found = population(asked, snapshot, template.scope)
    groups = found.completeness.gaps
    plan = Plan(
        name="Passwords and keys",
        template=template.name,
        scope=dict(template.scope),
        reviewers=f"named:{_REVIEWER}",
        due=(datetime.now(UTC).date() + timedelta(days=template.days)).isoformat(),
        accepted=accepted(groups, read_acceptances(home.parent / "gaps.json"), _OWNER),
    )
    with Reviews.open(home) as reviews:
        view = reviews.open_campaign(
            plan, found, Independence(asked), Actor(name=_OWNER, how="command"), key=f"open {key}"
        )
        for item in reviews.items(view.id):
            decision = Decision(kind="revoke" if item.item.risk == "critical" else "attest", reason="as agreed")
            reviews.decide(
                view.id,
                item.item.id,
                decision,
                Actor(name=_REVIEWER, how="command"),
                version=item.version,
                key=f"{key} {item.item.id}",
            )
    return view.id


def _done(demo: tuple[EmulatedAws, DemoOrganisation], line: str, folder: Path) -> str:
    """A command over the emulator that runs, the snapshot and the build that there are: what it says alone is new."""
    from graph.generations import folder_of
    from graph.tables import Tables
    from model.snapshot import open_snapshot

    snapshot = open_snapshot(folder / HOME, None)
    tables = Tables(folder_of(folder / HOME, snapshot.id))
    gaps = list(snapshot.gaps)
    result = CollectResult(
        snapshot=snapshot.id, accounts=len(snapshot.manifest.accounts), ok=not gaps, gaps=gaps, skipped=[]
    )
    with (
        mock.patch("collectors.demo.EmulatedAws", lambda: contextlib.nullcontext(demo[0])),
        mock.patch("collectors.demo.build", lambda _url: demo[1]),
        mock.patch("collectors.run.collect", lambda *_: result),
        mock.patch("graph.builder.build", lambda *_, **__: tables.info),
    ):
        return run(line, folder)


def _write_files(endpoint_url: str, folder: Path) -> None:
    """The files that examples read: one account's authorization details, the staff list, two cases."""
    session = boto3.Session(profile_name=PROFILE)
    iam = session.client("iam", endpoint_url=endpoint_url)
    pages = iam.get_paginator("get_account_authorization_details").paginate()
    details: dict[str, Any] = {}
    for page in pages:
        for name, rows in page.items():
            if isinstance(rows, list):
                details.setdefault(name, []).extend(rows)
    (folder / "details.json").write_text(json.dumps(details, default=lambda value: value.isoformat()))
    (folder / "people.csv").write_text(people_csv())
    (folder / "cases.jsonl").write_text(_CASES)
    (folder / "gaps.json").write_text(json.dumps(_GAPS, indent=1) + "\n")


class Shell:
    """Runs the lines of the documentation in the home that `make_home` made."""

    def __init__(self, endpoint_url: str, folder: Path, scratch: Path) -> None:
        self._folder, self._scratch, self._endpoint_url = folder, scratch, endpoint_url
        self._numbers = itertools.count()
        self._said: dict[str, str] = json.loads((folder / "said.json").read_text())
        self._reviews: dict[str, str] = json.loads((folder / "reviews.json").read_text())

    def run(self, line: str) -> str:
        """The text that a line prints."""
        line = SAME.get(line, line)
        command, *filters = line.split(" | ")
        if command in self._said:
            return filtered(filters, self._said[command].splitlines())
        folder = self._folder
        if line.startswith(tuple(f"grantmap {name}" for name in _ALONE)):
            folder = self._scratch / str(next(self._numbers))
            folder.mkdir()
            for name in FILES:
                (folder / name).symlink_to(self._folder / name)
            if "snapshot prune" in line:
                shutil.copytree(self._folder / HOME, folder / HOME, symlinks=True)
        if line.startswith(tuple(f"grantmap {name}" for name in _REVIEWING)):
            folder = self._copy(line)
            for example, true in self._reviews.items():
                line = line.replace(example, true)
        line = line.replace(SNAPSHOT, self._reviews[SNAPSHOT])
        with (
            aws_environment(self._endpoint_url, self._folder),
            mock.patch("cli.serving.serve", _served),
            mock.patch("webbrowser.open"),
        ):
            return run(line, folder)

    def _copy(self, line: str) -> Path:
        """A folder with a copy of the home; what never changes in it is linked."""
        folder = self._scratch / str(next(self._numbers))
        shutil.copytree(self._folder / HOME, folder / HOME, symlinks=True, copy_function=_linked)
        for name in FILES:
            (folder / name).symlink_to(self._folder / name)
        if "keygen" in line:
            shutil.rmtree(folder / HOME / "keys")
        return folder


def _served(port: int, *, said: Callable[[str], None], **_: object) -> None:
    """In place of the app, which would run until somebody stops it: it says where it is."""
    said(f"http://127.0.0.1:{port}")


def _linked(source: str, target: str) -> None:
    if Path(source).name.startswith("reviews.db"):
        shutil.copy2(source, target)
    else:
        os.link(source, target)
