"""``diff``: the contract's JSON, what people read, what a gap explains, bad input."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cli.differing import diff
from model.snapshot import CallError, CallRecord, PartEntry, Snapshot, SnapshotWriter, open_snapshot
from model.snapshot_format import decode_part
from tests.cli.conftest import Command, Ran
from tests.graph.test_diff import asked as asked_of
from tests.graph.worlds import ONE, allow, made, queue, user

DATA_ROLE = "arn:aws:iam::471093822654:role/payments-prod-data"
CARD_DATA = "arn:aws:iam::471093822654:policy/CardDataRead"
BUCKET = "arn:aws:s3:::meridian-card-data-prod"
DEVELOPER = "person:sofia.almeida@meridian.example"
ROW = {"principal", "resource", "levels", "before", "after", "via", "why"}

Edit = Callable[[CallRecord], CallRecord]


def taken_again(home: Path, edit: Edit) -> tuple[str, str]:
    """A second snapshot of the demo's organisation, some answers edited; the ids of both."""
    old = open_snapshot(home)
    with SnapshotWriter(home) as writer:
        for part in old.manifest.parts:
            writer.write_unit(part.account, part.region, part.collector, map(edit, records_of(old, part)))
        manifest = old.manifest
        writer.finish(
            source=manifest.source,
            accounts=manifest.accounts,
            regions=manifest.regions,
            organization=manifest.organization,
            management_account=manifest.management_account,
        )
        return old.id, writer.id


def records_of(snapshot: Snapshot, part: PartEntry) -> list[CallRecord]:
    return decode_part((snapshot.folder / part.path).read_bytes(), part.account, part.region, part.collector)


def same(record: CallRecord) -> CallRecord:
    return record


def detached(record: CallRecord) -> CallRecord:
    """The policy on card data is no longer attached to the role that reads it."""
    if record.operation != "GetAccountAuthorizationDetails":
        return record
    pages: list[dict[str, Any]] = msgspec.json.decode(msgspec.json.encode(record.response))
    for page in pages:
        for role in page.get("RoleDetailList", []):
            if role["Arn"] == DATA_ROLE:
                held = role["AttachedManagedPolicies"]
                role["AttachedManagedPolicies"] = [one for one in held if one["PolicyArn"] != CARD_DATA]
    return msgspec.structs.replace(record, response=pages)


def unread(record: CallRecord) -> CallRecord:
    """The bucket's policy could not be read this time."""
    if record.operation != "GetBucketPolicy" or record.params != {"Bucket": "meridian-card-data-prod"}:
        return record
    error = CallError(code="AccessDenied", message="denied")
    return msgspec.structs.replace(record, outcome="denied", error=error, response=[], pages=0)


@pytest.fixture(scope="session")
def home_of_two(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Edit], tuple[Path, str, str]]:
    made: dict[str, tuple[Path, str, str]] = {}

    def make(edit: Edit) -> tuple[Path, str, str]:
        if edit.__name__ not in made:
            home = tmp_path_factory.mktemp(edit.__name__) / "home"
            shutil.copytree(demo_home, home)
            made[edit.__name__] = (home, *taken_again(home, edit))
        return made[edit.__name__]

    return make


@pytest.fixture
def asked(
    grantmap: Command, home_of_two: Callable[[Edit], tuple[Path, str, str]], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Ran]:
    """``diff`` of the demo's snapshot and one that was taken after an edit."""
    # Of a whole account that differs the first thousands of answers show what these tests read, in half the time.
    monkeypatch.setattr("graph.why.MOST_ANSWERS", 2_000)

    def call(edit: Edit, *options: str, back: bool = False) -> Ran:
        home, *ids = home_of_two(edit)
        return grantmap("diff", *(reversed(ids) if back else ids), *options, home=home)

    return call


def test_a_detached_policy_is_what_was_lost_and_why(asked: Callable[..., Ran]) -> None:
    ran = asked(detached, "--json")
    assert (ran.status, ran.err.count("Traceback")) == (0, 0)
    assert ran.json.keys() == {"gained", "lost", "changed", "unknown"}
    assert ran.json["gained"] == ran.json["unknown"] == []
    assert all(row.keys() == ROW for row in ran.json["lost"])
    assert all(row["why"] == [{"kind": "attachment", "id": CARD_DATA}] for row in ran.json["lost"])
    (own,) = (row for row in ran.json["lost"] if (row["principal"], row["resource"]) == (DATA_ROLE, f"{BUCKET}/*"))
    assert (own["before"], own["after"], own["via"]) == ("Allowed", "ImplicitlyDenied", [])
    assert "Read:data" in own["levels"]
    (chained,) = (row for row in ran.json["lost"] if (row["principal"], row["resource"]) == (DEVELOPER, f"{BUCKET}/*"))
    assert chained["via"][-1] == DATA_ROLE


def test_the_other_way_round_it_was_gained(asked: Callable[..., Ran]) -> None:
    lost, gained = asked(detached, "--json").json["lost"], asked(detached, "--json", back=True).json["gained"]
    assert [(row["principal"], row["resource"], row["before"], row["after"]) for row in gained] == [
        (row["principal"], row["resource"], row["after"], row["before"]) for row in lost
    ]


def test_what_could_not_be_read_is_unknown_and_never_lost(asked: Callable[..., Ran]) -> None:
    for back in (False, True):
        found = asked(unread, "--json", back=back).json
        assert found["lost"] == found["gained"] == found["changed"] == []
        assert found["unknown"]
        assert all(row["why"] == [{"kind": "policy", "id": f"{BUCKET}#policy"}] for row in found["unknown"])


def unplaced(record: CallRecord) -> CallRecord:
    """Which accounts are in which unit could not be read this time."""
    if record.operation != "ListAccountsForParent":
        return record
    error = CallError(code="AccessDenied", message="denied")
    return msgspec.structs.replace(record, outcome="denied", error=error, response=[], pages=0)


def test_an_account_whose_place_could_not_be_read_was_not_moved(asked: Callable[..., Ran]) -> None:
    ran = asked(unplaced)
    assert ran.status == 0
    assert "the place of account payments-prod in the organisation could not be read in one of the two" in ran.out
    assert "moved" not in ran.out and "Changed" not in ran.out


def undescribed(record: CallRecord) -> CallRecord:
    """A permission set could not be read this time."""
    if record.operation != "DescribePermissionSet" or "PaymentsDeveloper" not in str(record.response):
        return record
    error = CallError(code="AccessDenied", message="denied")
    return msgspec.structs.replace(record, outcome="denied", error=error, response=[], pages=0)


def test_a_permission_set_that_could_not_be_read_is_named(asked: Callable[..., Ran]) -> None:
    ran = asked(undescribed)
    assert ran.status == 0
    assert "permission set PaymentsDeveloper could not be read in one of the two snapshots" in ran.out
    assert "Lost" not in ran.out


def elsewhere(record: CallRecord) -> CallRecord:
    """Another organisation of the same shape."""
    if record.operation != "DescribeOrganization":
        return record
    pages: list[dict[str, Any]] = msgspec.json.decode(msgspec.json.encode(record.response))
    pages[0]["Organization"]["Id"] = "o-elsewhere1"
    return msgspec.structs.replace(record, response=pages)


def test_snapshots_of_two_organisations_are_bad_input(asked: Callable[..., Ran]) -> None:
    ran = asked(elsewhere)
    assert (ran.status, ran.out) == (2, "")
    (line,) = [line for line in ran.err.splitlines() if "organisation" in line]
    assert "is of organisation `o-" in line and "of `o-elsewhere1`: give two snapshots of the same" in line


def test_equal_snapshots_do_not_differ(asked: Callable[..., Ran]) -> None:
    assert asked(same, "--json").json == {"gained": [], "lost": [], "changed": [], "unknown": []}
    ran = asked(same)
    assert ran.status == 0
    assert ran.out.startswith("No access changed from snapshot ")


def test_people_read_what_changed_first_and_then_who_lost_what(
    asked: Callable[..., Ran], home_of_two: Callable[[Edit], tuple[Path, str, str]]
) -> None:
    ran = asked(detached)
    _, old, new = home_of_two(detached)
    first, summary, *rest = ran.out.splitlines()
    assert old in first and new in first
    assert " lost" in summary and "gained" not in ran.out
    text = "\n".join(rest)
    assert "policy CardDataRead in payments-prod was detached from role payments-prod-data in payments-prod:" in text
    assert f"    {BUCKET}/*: Read:data, Allowed → no access\n" in text
    assert (
        "      sofia.almeida@meridian.example, through PaymentsDeveloper in payments-dev … payments-prod-data in"
        in text
    )
    assert text.index(f"{BUCKET}/*") < text.index("sofia.almeida")


def test_a_setting_that_could_not_be_read_is_told_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_mfa = allow("sqs:*", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})
    ann = user("ann", ONE, with_mfa, mfa=False)
    both = {
        name: asked_of(made(users=(one,), resources=(queue("q"),)), tmp_path / name)
        for name, one in (("old", ann), ("new", msgspec.structs.replace(ann, mfa=None)))
    }
    monkeypatch.setattr("cli.differing.questions", lambda name, _store: both[name])
    monkeypatch.setattr("cli.differing.server", lambda _store: "elsewhere")  # no snapshots here to look into first
    assert diff("old", "new") == 0
    told = "  setting mfa of user ann in name-1 (111111111111) could not be read in one of the two snapshots:\n"
    assert told in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("yesterday", "today"), "no snapshot `yesterday`"),
        (("OLD", "today"), "no snapshot `today`"),
        (("OLD",), "missing argument"),
        ((), "missing argument"),
        (("OLD", "OLD", "more"), "unexpected extra argument"),
        (("../x", "OLD"), "no snapshot `../x`"),
    ],
)
def test_bad_input_is_one_line(ask: Command, arguments: tuple[str, ...], words: str) -> None:
    (snapshot,) = ask("snapshot", "list", "--json").json["snapshots"]
    ran = ask("diff", *(snapshot["id"] if one == "OLD" else one for one in arguments))
    assert (ran.status, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 1
    assert words in ran.err


def test_a_snapshot_does_not_differ_from_itself(ask: Command) -> None:
    (snapshot,) = ask("snapshot", "list", "--json").json["snapshots"]
    ran = ask("diff", snapshot["id"], snapshot["id"], "--json")
    assert (ran.status, ran.json) == (0, {"gained": [], "lost": [], "changed": [], "unknown": []})
