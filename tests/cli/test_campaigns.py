"""A whole review by command: opened, decided, signed off, exported, verified; and what is refused on the way."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from model.snapshot import SnapshotWriter
from tests.cli.conftest import Command, Ran
from tests.cli.test_bad_input import one_line

OWNER = "eleanor.whitfield@meridian.example"
REVIEWER = "reviewer@meridian.example"
ITEM = {"id", "principal", "entitlement", "access", "path", "risk", "recommendation", "state", "version", "reviewer"}
GAP = {"service": "s3", "outcome": "denied", "reason": "sealed on purpose", "by": "ciso@meridian.example"}

Run = Callable[..., Ran]


@pytest.fixture
def review(grantmap: Command, demo_home: Path, tmp_path: Path) -> Run:
    """A command in a copy of the demo's home, without the demo's own review; ``gaps.json`` answers for its gap."""
    home = tmp_path / "copy"
    shutil.copytree(demo_home, home, symlinks=True)
    for left in home.glob("reviews.db*"):
        left.unlink()
    shutil.rmtree(home / "keys")
    (tmp_path / "gaps.json").write_text(json.dumps([GAP]))
    return lambda *arguments: grantmap(*arguments, home=home)


def opened(review: Run, *more: str, reviewers: str = f"named:{REVIEWER}", scope: str = "kind=password") -> Any:
    ran = review(
        *("campaign", "new", "--name", "Winter", "--template", "quarterly", "--scope", scope),
        *("--reviewers", reviewers, "--accept-gaps", "gaps.json", "--as", OWNER, "--json", *more),
    )
    assert ran.status == 0, ran.err
    return ran.json


def items_of(review: Run, campaign: str, *more: str) -> list[Any]:
    found: list[Any] = review("campaign", "items", campaign, "--json", *more).json
    return found


def decide(review: Run, campaign: str, item: Any, decision: str, *more: str, who: str = REVIEWER) -> Ran:
    version = str(item["version"])
    return review("campaign", "decide", campaign, item["id"], decision, "--as", who, "--version", version, *more)


def test_prune_leaves_the_snapshot_of_a_review_that_is_not_closed(review: Run, tmp_path: Path) -> None:
    home = tmp_path / "copy"
    kept = opened(review)["snapshot"]
    with SnapshotWriter(home) as newer:
        newer.finish(source="import", accounts=[], regions=[])
    pruned = review("snapshot", "prune", "--keep", "1", "--json").json
    assert pruned == {"removed": [], "graphs": []}
    assert {one["id"] for one in review("snapshot", "list", "--json").json["snapshots"]} == {kept, newer.id}
    said = review("snapshot", "prune", "--keep", "1").out
    assert said == f"Removed 0 snapshots and 0 builds; kept the 1 newest, and {kept}, which a review rests on.\n"
    for left in home.glob("reviews.db*"):
        left.unlink()
    assert review("snapshot", "prune", "--keep", "1", "--json").json["removed"] == [kept]
    assert not (home / "reviews.db").exists()


def test_a_whole_review_by_command(review: Run, tmp_path: Path) -> None:
    new = opened(review)
    assert set(new) == {"id", "snapshot", "items", "reviewers", "gaps"}
    assert new["reviewers"] == {REVIEWER: new["items"]}
    assert [gap["operation"] for gap in new["gaps"]] == ["GetBucketPolicy"]
    campaign = new["id"]
    assert [each["id"] for each in review("campaign", "list", "--json").json] == [campaign]
    rows = items_of(review, campaign)
    assert len(rows) == new["items"] > 3
    assert all(set(row) == ITEM and set(row["entitlement"]) == {"kind", "id", "in_words"} for row in rows)
    assert {row["state"] for row in rows} == {"open"}
    first, second, *rest = rows
    kept = decide(review, campaign, first, "attest", "--reason", "needed", "--json").json
    assert (kept["state"], kept["version"]) == ("attest", first["version"] + 1)
    assert decide(review, campaign, second, "revoke", "--reason", "left the team", "--json").json["state"] == "revoke"
    assert [row["id"] for row in items_of(review, campaign, "--state", "revoke")] == [second["id"]]
    one_line(review("campaign", "sign-off", campaign, "--as", OWNER), "not decided", f"of {new['items']} items")
    for row in rest:
        assert decide(review, campaign, row, "attest", "--reason", "needed").status == 0
    signed = review("campaign", "sign-off", campaign, "--as", OWNER, "--json").json
    assert (signed["phase"], signed["decided"]) == ("signed-off", new["items"])
    one_line(decide(review, campaign, kept, "revoke", "--reason", "late"), "signed off")
    assert "aws " in review("campaign", "remediation", campaign, "--format", "cli").out
    verified = review("campaign", "verify", campaign, "--head", signed["head"], "--json").json
    assert (verified["ok"], verified["failures"]) == (True, [])
    assert review("evidence", "keygen").status == 0
    assert review("evidence", "export", campaign, "--out", "pack").status == 0
    checked = review("evidence", "verify", "pack", "--json").json
    assert (checked["ok"], checked["failures"], checked["pinned"]) == (True, [], False)
    one_line(review("campaign", "check", campaign, "--snapshot", new["snapshot"]), "collect a new one")
    assert review("campaign", "close", campaign, "--as", OWNER, "--json").json["phase"] == "closed"


def test_a_decision_about_an_old_version_is_refused_and_says_who_was_first(review: Run) -> None:
    campaign = opened(review)["id"]
    item = items_of(review, campaign, "--limit", "1")[0]
    assert decide(review, campaign, item, "attest", "--reason", "needed").status == 0
    one_line(decide(review, campaign, item, "revoke", "--reason", "not needed"), REVIEWER, "version")
    assert items_of(review, campaign, "--state", "attest")[0]["version"] == item["version"] + 1


def test_the_same_key_decides_once(review: Run) -> None:
    campaign = opened(review)["id"]
    item = items_of(review, campaign, "--limit", "1")[0]
    for _ in range(2):
        ran = decide(review, campaign, item, "attest", "--reason", "needed", "--key", "k1", "--json")
        assert ran.json["version"] == item["version"] + 1
    one_line(decide(review, campaign, item, "revoke", "--reason", "other", "--key", "k1"), "key")


def test_items_are_handed_on_with_a_reason(review: Run) -> None:
    campaign = opened(review)["id"]
    item = items_of(review, campaign, "--limit", "1")[0]
    ran = review(
        *("campaign", "assign", campaign, item["id"], "other@meridian.example", "--reason", "knows it"),
        *("--as", OWNER, "--json"),
    )
    assert ran.json["reviewer"] == "other@meridian.example"
    one_line(decide(review, campaign, ran.json, "attest", "--reason", "needed"), "other@meridian.example")
    assert len(items_of(review, campaign, "--reviewer", "other@meridian.example")) == 1


@pytest.mark.parametrize("version", ["0", "-1", "x"])
def test_a_version_that_cannot_be_is_one_line(review: Run, version: str) -> None:
    campaign = opened(review)["id"]
    item = items_of(review, campaign, "--limit", "1")[0]
    one_line(decide(review, campaign, item | {"version": version}, "attest", "--reason", "needed"), "--version")


def test_nobody_acts_without_a_name(review: Run) -> None:
    arguments = ("--name", "x", "--reviewers", "a@b.example", "--accept-gaps", "gaps.json", "--as", " ")
    one_line(review("campaign", "new", *arguments), "--as")


def test_a_reviewer_without_an_address_gets_no_letter_and_is_named(review: Run, tmp_path: Path) -> None:
    campaign = opened(review, reviewers="named:the-night-shift")["id"]
    ran = review("campaign", "remind", campaign, "--as", OWNER)
    assert ran.status == 1
    assert "No letter to the-night-shift" in ran.out
    assert not list((tmp_path / "copy").glob("outbox/*"))


def test_an_item_is_shown_with_what_was_decided(review: Run) -> None:
    campaign = opened(review)["id"]
    item = items_of(review, campaign, "--limit", "1")[0]
    assert set(item) == ITEM
    decide(review, campaign, item, "attest", "--reason", "needed")
    shown = review("campaign", "item", campaign, item["id"], "--json").json
    assert (shown["decision"]["reason"], shown["by"]) == ("needed", REVIEWER)
    assert "decided" in [entry["kind"] for entry in shown["history"]]
    assert "If you remove it" in review("campaign", "item", campaign, item["id"]).out


def test_reminders_are_letters_in_the_home(review: Run, tmp_path: Path) -> None:
    campaign = opened(review)["id"]
    (letter,) = review("campaign", "remind", campaign, "--as", OWNER, "--json").json
    assert letter["reviewer"] == REVIEWER
    assert list((tmp_path / "copy" / "outbox").glob("*.eml"))
    assert review("campaign", "run-due").status == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("campaign", "show", "nope"), ("`nope`",)),
        (("campaign", "items", "nope"), ("`nope`",)),
        (("campaign", "verify", "nope"), ("`nope`",)),
        (("campaign", "new", "--name", "x", "--reviewers", "named:"), ("reviewer",)),
        (("campaign", "new", "--name", "x", "--reviewers", "magic"), ("magic",)),
        (("campaign", "new", "--name", "x", "--reviewers", "a@b.example", "--template", "y"), ("template", "`y`")),
        (("campaign", "new", "--name", "x", "--reviewers", "a@b.example", "--scope", "y"), ("KEY=VALUE",)),
        (("campaign", "new", "--name", "x", "--reviewers", "a@b.example", "--scope", "y=z"), ("scope", "`y`")),
        (("campaign", "new", "--name", "x", "--reviewers", "a@b.example", "--scope", "account=z"), ("`z`",)),
        (("campaign", "new", "--name", "x", "--reviewers", "a@b.example"), ("gap", "GetBucketPolicy")),
        (("campaign", "new", "--name", "x", "--reviewers", "a@b.example", "--accept-gaps", "none"), ("`none`",)),
        (("campaign", "new", "--name", "x", "--reviewers", "a@b.example", "--due", "soon"), ("due", "`soon`")),
    ],
)
def test_a_wrong_review_is_one_line(review: Run, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    gaps = () if "--accept-gaps" in arguments or "gap" in words or arguments[1] != "new" else ("gaps.json",)
    one_line(review(*arguments, *(("--accept-gaps", *gaps) if gaps else ())), *words)
    assert review("campaign", "list", "--json").json == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", ("gaps",)),
        ('[{"service": "s3"}]', ("outcome",)),
        ('[{"service": "s3", "outcome": "denied", "reason": " "}]', ("no reason",)),
        ('[{"service": "ec2", "outcome": "denied", "reason": "x"}]', ("ec2", "s3 denied")),
    ],
)
def test_a_wrong_file_of_accepted_gaps_is_one_line(
    review: Run, tmp_path: Path, text: str, words: tuple[str, ...]
) -> None:
    (tmp_path / "wrong.json").write_text(text)
    arguments = ("--name", "x", "--reviewers", "a@b.example", "--accept-gaps", "wrong.json")
    one_line(review("campaign", "new", *arguments), *words)


@pytest.mark.parametrize(
    ("decision", "words"),
    [
        (("approve",), ("`approve`", "attest")),
        (("exception", "--reason", "x", "--control", "y", "--until", "someday"), ("someday",)),
        (("exception", "--reason", "x"), ("exception",)),
        (("modify", "--reason", "x"), ("modify",)),
        (("attest", "--reason", "x\x1b[2J"), ("reason",)),
    ],
)
def test_a_wrong_decision_is_one_line(review: Run, decision: tuple[str, ...], words: tuple[str, ...]) -> None:
    campaign = opened(review)["id"]
    item = items_of(review, campaign, "--limit", "1")[0]
    one_line(decide(review, campaign, item, *decision), *words)
    assert items_of(review, campaign, "--limit", "1")[0]["version"] == item["version"]


def test_a_damaged_database_is_one_line(review: Run, tmp_path: Path) -> None:
    (tmp_path / "copy" / "reviews.db").write_text("no database at all, but long enough to have a header " * 20)
    one_line(review("campaign", "list"), "reviews.db")
