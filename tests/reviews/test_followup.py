"""Decisions held against a later snapshot: what is gone, what is left, what came back, what nobody can tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from graph.questions import Questions
from model.entities import Gap
from reviews.errors import CampaignStateError
from reviews.followup import Checked, Left, Reaching, Remaining, compare, unread
from reviews.population import ItemMaker, items
from reviews.records import CampaignView, Decision, Entitlement, GapGroup, Item
from reviews.service import Reviews
from tests.graph import worlds
from tests.graph.worlds import made_world, questions_of
from tests.reviews.conftest import opened
from tests.reviews.factories import ANA, ATTEST, OWNER, REVOKE, access, completeness, gap, item, population, row

LATER: dict[str, Any] = {"snapshot": "2026-03-20T080000Z", "taken": "2026-03-20T08:00:00Z"}
LATEST: dict[str, Any] = {"snapshot": "2026-04-20T080000Z", "taken": "2026-04-20T08:00:00Z"}

NOTHING = Left(rows=(), unknown="")
LEFT = Remaining(resource="arn:aws:s3:::reports/*", levels=("Read:data",), expected=(), verdict="Allowed", via=())


@pytest.fixture
def revoked(file_reviews: Reviews) -> CampaignView:
    """One item revoked, one attested."""
    campaign = opened(file_reviews, item(1), item(2))
    file_reviews.decide(campaign.id, item(1).id, REVOKE, ANA, version=1, key="1")
    file_reviews.decide(campaign.id, item(2).id, ATTEST, ANA, version=1, key="2")
    return campaign


def checked(
    reviews: Reviews,
    campaign: CampaignView,
    *items: Item,
    left: Left = NOTHING,
    **later: Any,
) -> Checked:
    """The one decision to revoke or modify, against a later population."""
    here = population(*(items or (item(2),)), **{**LATER, **later})
    (found,) = compare(reviews, campaign.id, here, lambda _: left, OWNER)
    return found


def test_what_is_still_there_is_ordered(file_reviews: Reviews, revoked: CampaignView) -> None:
    found = checked(file_reviews, revoked, item(1), item(2))
    assert (found.state, found.decision, found.item, found.snapshot) == (
        "ordered",
        "revoke",
        item(1).id,
        LATER["snapshot"],
    )


def test_what_is_gone_with_its_access_is_verified(file_reviews: Reviews, revoked: CampaignView) -> None:
    assert checked(file_reviews, revoked).state == "verified"


def test_access_that_is_left_is_still_reachable_another_way(file_reviews: Reviews, revoked: CampaignView) -> None:
    found = checked(file_reviews, revoked, left=Left(rows=(LEFT,), unknown=""))
    assert (found.state, found.remaining) == ("still reachable another way", (LEFT,))


def test_access_that_was_shared_when_reviewed_is_expected_to_stay(file_reviews: Reviews) -> None:
    shared = row(levels=("Read:data", "Write"), shared=("Read:data",))
    campaign = opened(file_reviews, item(1, access=access(shared)))
    file_reviews.decide(campaign.id, item(1).id, REVOKE, ANA, version=1, key="1")
    stays = Remaining(**{**{name: getattr(LEFT, name) for name in LEFT.__struct_fields__}, "expected": ("Read:data",)})
    found = checked(file_reviews, campaign, left=Left(rows=(stays,), unknown=""))
    assert (found.state, found.remaining) == ("verified", (stays,))
    assert found.note == "what is left was given by something else already"


def test_gone_with_a_gap_behind_it_is_applied_not_verified(file_reviews: Reviews, revoked: CampaignView) -> None:
    found = checked(file_reviews, revoked, left=Left(rows=(), unknown="iam GetRole was denied in 444455556666"))
    assert found.state == "applied"
    assert "not known: iam GetRole was denied" in found.note


def test_what_was_gone_and_is_back_reappeared(file_reviews: Reviews, revoked: CampaignView) -> None:
    assert checked(file_reviews, revoked).state == "verified"
    found = checked(file_reviews, revoked, item(1), item(2), **LATEST)
    assert (found.state, found.note) == ("reappeared", f"it was gone in the snapshot {LATER['snapshot']}")
    assert checked(file_reviews, revoked, snapshot="last", taken="2026-05-20T08:00:00Z").state == "verified"


def test_what_was_never_gone_does_not_reappear(file_reviews: Reviews, revoked: CampaignView) -> None:
    checked(file_reviews, revoked, item(1), item(2))
    assert checked(file_reviews, revoked, item(1), item(2), **LATEST).state == "ordered"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"accounts_read": ()}, "account 111122223333 was not read"),
        (
            {"gaps": (gap(service="iam", operation="ListUsers", affects=("account:111122223333",)),)},
            "iam ListUsers was denied",
        ),
        (
            {"gaps": (gap(service="iam", operation="ListAttachedUserPolicies", affects=(item(1).principal,)),)},
            "iam ListAttached",
        ),
        (
            {"skipped": (gap(service="iam", operation="ListUsers", outcome="skipped", affects=()),)},
            "iam ListUsers was skipped",
        ),
    ],
)
def test_what_could_not_be_read_is_not_taken_for_gone(
    file_reviews: Reviews, revoked: CampaignView, changes: dict[str, Any], words: str
) -> None:
    found = checked(file_reviews, revoked, **changes)
    assert found.state == "ordered"
    assert found.note.startswith("not known whether it is gone: ")
    assert words in found.note


@pytest.mark.parametrize(
    "other",
    [
        gap(service="s3"),
        gap(service="iam", accounts=("444455556666",), affects=("account:444455556666",)),
        gap(service="iam", affects=("arn:aws:iam::111122223333:user/u7",)),
    ],
)
def test_a_gap_elsewhere_does_not_keep_it_from_being_gone(
    file_reviews: Reviews, revoked: CampaignView, other: GapGroup
) -> None:
    assert checked(file_reviews, revoked, gaps=(other,)).state == "verified"


@pytest.mark.parametrize(
    ("kind", "fix", "service", "known"),
    [
        ("assignment", {}, "sso-admin", False),
        ("directory-membership", {}, "identitystore", False),
        ("resource-statement", {"resource": "arn:aws:sqs:eu-west-1:111122223333:q"}, "sqs", False),
        ("resource-statement", {"resource": "arn:aws:sqs:eu-west-1:111122223333:q"}, "sns", True),
        ("kms-grant", {}, "kms", False),
        ("password", {}, "iam", False),
        ("password", {}, "kms", True),
    ],
)
def test_each_kind_is_read_from_its_service(kind: str, fix: dict[str, str], service: str, known: bool) -> None:
    one = item(1, entitlement=Entitlement(kind=kind, id="x", in_words="x"), fix=fix)
    holes = completeness(gaps=(gap(service=service, affects=("account:111122223333",)),))
    assert (unread(one, holes) == "") is known


@pytest.mark.parametrize(
    ("now", "state"),
    [
        (item(1), "ordered"),
        (item(1, access=access(row("arn:aws:s3:::reports/2026/*"))), "verified"),
        (item(1, access=access(row("arn:aws:s3:::*"))), "ordered"),
    ],
)
def test_a_modification_is_verified_when_less_is_left(file_reviews: Reviews, now: Item, state: str) -> None:
    campaign = opened(file_reviews, item(1))
    decision = Decision(kind="modify", to="this year's reports", reason="no need for old ones")
    file_reviews.decide(campaign.id, item(1).id, decision, ANA, version=1, key="1")
    assert checked(file_reviews, campaign, now).state == state
    gone = checked(file_reviews, campaign, item(2), left=Left(rows=(LEFT,), unknown=""), **LATEST)
    assert gone.state == "verified", "the lower grant is what is left"


def test_what_was_checked_is_on_record_once_for_each_snapshot(file_reviews: Reviews, revoked: CampaignView) -> None:
    for _ in range(3):
        checked(file_reviews, revoked)
    checked(file_reviews, revoked, **LATEST)
    entries = [entry for entry in file_reviews.entries(revoked.id) if entry.kind == "checked"]
    assert [(entry.body["snapshot"], entry.body["state"]) for entry in entries] == [
        (LATER["snapshot"], "verified"),
        (LATEST["snapshot"], "verified"),
    ]
    assert file_reviews.verify(revoked.id).ok


def test_a_snapshot_that_is_not_later_shows_nothing(file_reviews: Reviews, revoked: CampaignView) -> None:
    for taken in ("2026-03-01T08:00:00Z", "2026-01-01T08:00:00Z", "?"):
        with pytest.raises(CampaignStateError, match=r"was not taken after the one that was reviewed"):
            checked(file_reviews, revoked, taken=taken)


def test_a_new_decision_makes_earlier_checks_void(file_reviews: Reviews, revoked: CampaignView) -> None:
    checked(file_reviews, revoked)
    file_reviews.decide(revoked.id, item(1).id, ATTEST, ANA, version=2, key="3")
    file_reviews.decide(revoked.id, item(1).id, REVOKE, ANA, version=3, key="4")
    assert checked(file_reviews, revoked, item(1), item(2), **LATEST).state == "ordered"


# -- what is left, asked of a build


def of_world(folder: Path, **fields: Any) -> Questions:
    folder.mkdir()
    return questions_of(made_world(**fields), folder)


READS = worlds.allow("s3:GetObject", "arn:aws:s3:::reports/*")


@pytest.fixture
def own_policy(tmp_path: Path) -> Item:
    """A user's own policy that alone lets them read the objects of a bucket."""
    questions = of_world(
        tmp_path / "before",
        users=(worlds.user("ana", worlds.ONE, READS),),
        resources=(worlds.bucket("reports"),),
    )
    found = [each for each in items(ItemMaker(questions), {}) if each and each.entitlement.kind == "inline-policy"]
    assert len(found) == 1
    assert found[0].access.alone > 0
    return found[0]


LEADS = worlds.trust({"AWS": f"arn:aws:iam::{worlds.ONE}:user/ana"})


@pytest.mark.parametrize(
    ("fields", "ways"),
    [
        ({"users": (worlds.user("ana", worlds.ONE, READS),)}, [()]),
        ({"users": (worlds.user("ana"),)}, []),
        ({"users": (worlds.user("eve", worlds.ONE, READS),)}, []),
        ({"users": (worlds.user("ana", worlds.ONE, worlds.allow("s3:GetObject", "arn:aws:s3:::other/*")),)}, []),
        ({"users": (worlds.user("ana", worlds.ONE, worlds.allow("s3:PutObject", "arn:aws:s3:::reports/*")),)}, []),
        ({"users": (worlds.user("ana", worlds.ONE, worlds.allow("s3:GetObject", "arn:aws:s3:::reports/a/*")),)}, [()]),
        ({"users": (worlds.user("ana", worlds.ONE, worlds.allow("*")),)}, [()]),
        (
            {
                "users": (worlds.user("ana"),),
                "roles": (worlds.role("reader", worlds.ONE, READS, trusts=worlds.document(LEADS)),),
            },
            [(f"arn:aws:iam::{worlds.ONE}:role/reader",)],
        ),
    ],
    ids=["the same", "nothing", "gone", "another bucket", "writes", "a part", "everything", "by a role"],
)
def test_what_is_left_is_asked_of_the_later_build(
    own_policy: Item, tmp_path: Path, fields: dict[str, Any], ways: list[tuple[str, ...]]
) -> None:
    resources = (worlds.bucket("reports"), worlds.bucket("other"))
    later = of_world(tmp_path / "later", **{"resources": resources, **fields})
    found = Reaching(later).left(own_policy)
    assert sorted({each.via for each in found.rows}) == ways
    assert all(each.levels and each.verdict == "Allowed" for each in found.rows)
    assert found.unknown == ""


def test_a_gap_that_could_hide_what_is_left_is_said(own_policy: Item, tmp_path: Path) -> None:
    def later(name: str, service: str, affects: str) -> Left:
        hole = Gap(account=worlds.ONE, region="", service=service, operation="Ask", outcome="denied", affects=affects)
        fields = {"users": (worlds.user("ana"),), "resources": (worlds.bucket("reports"),), "gaps": (hole,)}
        return Reaching(of_world(tmp_path / name, **fields)).left(own_policy)

    assert later("iam", "iam", f"account:{worlds.ONE}").unknown == f"iam Ask was denied in {worlds.ONE}"
    assert later("bucket", "s3", "arn:aws:s3:::reports").unknown == f"s3 Ask was denied in {worlds.ONE}"
    assert later("another", "s3", "arn:aws:s3:::other").unknown == ""
    assert later("service", "sqs", f"account:{worlds.ONE}").unknown == ""
