"""What time brings: reminders and their letters, due dates that pass, exceptions that end."""

from __future__ import annotations

import email
import email.policy
from pathlib import Path

import pytest

from reviews.errors import CampaignStateError, NotAllowedError
from reviews.records import CampaignView, Decision
from reviews.reminders import OutboxError
from reviews.service import Reviews
from tests.reviews.conftest import Clock, decide_all, opened
from tests.reviews.factories import ANA, ATTEST, BEN, OWNER, STRANGER, Everybody, item, plan, population

EXCEPTION = Decision(kind="exception", reason="migration", control="alarm on use", until="2026-03-10")


def letters(home: Path) -> list[Path]:
    return sorted((home / "outbox").glob("*")) if (home / "outbox").exists() else []


def test_who_has_items_left_is_reminded_by_letter_and_on_record(
    reviews: Reviews, campaign: CampaignView, tmp_path: Path
) -> None:
    for view in reviews.items(campaign.id, reviewer=BEN.name):
        reviews.decide(campaign.id, view.item.id, ATTEST, BEN, version=1, key=view.item.id)
    (reminder,) = reviews.remind(campaign.id, OWNER)
    assert (reminder.reviewer, reminder.left, reminder.items, reminder.overdue) == ("ana@example.com", 2, 2, False)
    (path,) = letters(tmp_path / "home")
    assert str(path) == reminder.letter
    assert path.stat().st_mode & 0o777 == 0o600
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert (message["To"], message["Subject"]) == ("ana@example.com", "Reminder: 2 items are left in First quarter")
    text = message.get_body().get_content()  # type: ignore[union-attr]
    assert "It is due on 2026-03-31." in text
    assert "snapshot 2026-03-01T080000Z, taken 2026-03-01T08:00:00Z" in text
    entry = list(reviews.entries(campaign.id))[-1]
    assert (entry.kind, entry.body) == (
        "reminded",
        {"reviewer": "ana@example.com", "left": 2, "due": "2026-03-31", "overdue": False, "mail": True},
    )


def test_a_name_that_is_no_address_gets_no_letter(file_reviews: Reviews, tmp_path: Path) -> None:
    campaign = opened(file_reviews, item(1), item(2), reviewers="named:ana,b@x.com <eve@x.com>")
    assert {reminder.letter for reminder in file_reviews.remind(campaign.id, OWNER)} == {""}
    assert letters(tmp_path / "home") == []


def test_only_the_owner_reminds_and_only_while_it_is_open(file_reviews: Reviews) -> None:
    campaign = opened(file_reviews, item(1))
    with pytest.raises(NotAllowedError, match=r"may not remind reviewers"):
        file_reviews.remind(campaign.id, ANA)
    with pytest.raises(NotAllowedError, match=r"may not run what is due"):
        file_reviews.run_due(actor=STRANGER)
    decide_all(file_reviews, campaign.id)
    file_reviews.sign_off(campaign.id, "done", OWNER, key="sign")
    with pytest.raises(CampaignStateError, match=r"nobody has anything left"):
        file_reviews.remind(campaign.id, OWNER)


def test_a_reminder_without_its_letter_is_not_on_record(file_reviews: Reviews, tmp_path: Path) -> None:
    campaign = opened(file_reviews, item(1))
    (tmp_path / "home" / "outbox").touch()
    with pytest.raises(OutboxError, match=r"cannot write the letter"):
        file_reviews.remind(campaign.id, OWNER)
    assert file_reviews.campaign(campaign.id) == campaign


def test_a_letter_whose_reminder_is_not_on_record_is_taken_back(
    file_reviews: Reviews, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = opened(file_reviews, item(1))
    path = tmp_path / "home" / "reviews.db"
    moved = path.with_name("moved.db")
    from reviews import reminders

    write = reminders.write
    monkeypatch.setattr("reviews.reminders.write", lambda *each: (write(*each), path.rename(moved)))
    with pytest.raises(Exception, match=r"was removed or replaced"):
        file_reviews.remind(campaign.id, OWNER)
    assert letters(tmp_path / "home") == []
    moved.rename(path)
    assert file_reviews.campaign(campaign.id) == campaign


def kinds(reviews: Reviews) -> list[str]:
    return [row.kind for row in reviews.run_due()]


def test_reminders_come_as_the_due_date_nears(reviews: Reviews, campaign: CampaignView, clock: Clock) -> None:
    found = []
    for _ in range(33):
        found += [(clock.now.day, kind) for kind in kinds(reviews)]
        assert kinds(reviews) == [], "run again on the same day it finds nothing more"
        clock.move(days=1)
    # Due on the 31st, two reviewers: from a week before, every three days, and every day when it is past.
    both = ["reminded", "reminded"]
    days: dict[int, list[str]] = {}
    for day, kind in found:
        days.setdefault(day, []).append(kind)
    assert days == {24: both, 27: both, 30: both, 1: ["overdue", *both], 2: both, 3: both}


def test_a_campaign_is_overdue_once_and_can_still_be_finished(
    reviews: Reviews, campaign: CampaignView, clock: Clock
) -> None:
    reviews.decide(campaign.id, item(1).id, ATTEST, ANA, version=1, key="1")
    clock.move(days=29)
    assert "overdue" not in kinds(reviews), "the due date itself is not past"
    clock.move(days=1)
    row = next(row for row in reviews.run_due() if row.kind == "overdue")
    assert row.in_words == "First quarter was due on 2026-03-31: 3 of 4 items are not decided"
    clock.move(days=1)
    assert "overdue" not in kinds(reviews)
    decide_all(reviews, campaign.id, actors=(ANA, BEN))
    assert reviews.sign_off(campaign.id, "late", OWNER, key="sign").phase == "signed-off"
    assert reviews.verify(campaign.id).ok


def test_an_exception_that_ended_is_open_again(reviews: Reviews, clock: Clock) -> None:
    campaign = reviews.open_campaign(plan(reviewers=ANA.name), population(item(1)), Everybody(), OWNER, key="open")
    reviews.decide(campaign.id, item(1).id, EXCEPTION, ANA, version=1, key="1")
    clock.move(days=8)
    assert kinds(reviews) == [], "its last day is part of it"
    clock.move(days=1)
    assert kinds(reviews) == ["exception-ended"]
    view = reviews.item(campaign.id, item(1).id)
    assert (view.state, view.version, view.decision, view.decided_by) == ("open", 3, None, "")
    assert kinds(reviews) == []
    assert reviews.verify(campaign.id).ok
    assert reviews.decide(campaign.id, item(1).id, ATTEST, ANA, version=3, key="2").state == "attest"


def test_an_exception_that_ended_after_sign_off_is_followed_up_once(reviews: Reviews, clock: Clock) -> None:
    campaign = reviews.open_campaign(plan(reviewers=ANA.name), population(item(1)), Everybody(), OWNER, key="open")
    reviews.decide(campaign.id, item(1).id, EXCEPTION, ANA, version=1, key="1")
    reviews.sign_off(campaign.id, "done", OWNER, key="sign")
    clock.move(days=9)
    (row,) = reviews.run_due()
    assert (row.kind, row.item) == ("exception-ended", item(1).id)
    assert "ana@example.com has to end it or ask anew" in row.in_words
    assert reviews.run_due() == []
    assert reviews.item(campaign.id, item(1).id).state == "exception", "what was signed off stays as it was"
    assert reviews.verify(campaign.id).ok
    # In the next campaign it has to be looked at again.
    later = population(item(1), taken="2026-03-11T08:00:00Z")
    assert reviews.open_campaign(plan(), later, Everybody(), OWNER, key="next").changes["new"] == 1
