"""Deciding in the app: what a click does, and that the reviews refuse what a page should not have sent."""

from __future__ import annotations

import os
import shutil
import sqlite3
from functools import partial
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from model.snapshot import open_snapshot
from reviews.records import Decision, Recommendation, Signal
from reviews.service import Reviews
from tests.ui import parts
from tests.ui.conftest import app, choose, texts
from ui.words import shown

EVIL = "![x](https://evil.example/p.png) :red-badge[Approved] <b>x</b>"


def readable(text: str) -> str:
    return shown(text).replace("\\", "")


def opened(home: Path, count: int = 3, **changes: object) -> str:
    """A campaign of ``count`` items; the first one with ``changes``."""
    first = parts.item(0, **changes)
    items = [first, *(parts.item(number) for number in range(1, count))]
    return parts.opened(home, items, open_snapshot(home).id).id


def inbox(name: str = parts.REVIEWER) -> AppTest:
    at = app(name, "inbox")
    assert not at.exception
    return at


def test_keeping_new_access_asks_first_and_then_opens_the_next_item(home: Path) -> None:
    campaign = opened(home)
    at = inbox()
    at.button(key="do_attest").click().run()
    assert parts.states(home, campaign)["attest"] == 0
    at.button(key="decide_confirm").click().run()
    assert parts.states(home, campaign)["attest"] == 1
    assert "Saved: **Kept**" in texts(at)
    assert "User 1" in at.header[0].value
    assert "1 of 3 decided (33%)" in texts(at)


def test_a_reason_is_asked_for_where_the_reviews_need_one(home: Path) -> None:
    campaign = opened(home, risk="critical", privileged=True)
    at = inbox()
    at.button(key="do_attest").click().run()
    assert at.text_area(key="decide_reason").label == "Reason"
    at.button(key="decide_confirm").click().run()  # empty, as a forged form would send it
    assert "reason" in readable(at.error[0].value)
    assert parts.states(home, campaign)["attest"] == 0


def test_removing_records_the_reason(home: Path) -> None:
    campaign = opened(home)
    at = inbox()
    at.button(key="do_revoke").click().run()
    at.text_area(key="decide_reason").set_value("left the team")
    at.button(key="decide_confirm").click().run()
    assert parts.states(home, campaign)["revoke"] == 1
    choose(at, "inbox_filter", "Decided")
    assert "left the team" in readable(texts(at))


def test_cancelling_changes_nothing(home: Path) -> None:
    campaign = opened(home)
    at = inbox()
    at.button(key="do_revoke").click().run()
    at.button(key="decide_cancel").click().run()
    assert parts.states(home, campaign)["open"] == 3
    assert not at.text_area


def test_undo_leads_back_to_the_item_that_was_decided_last(home: Path) -> None:
    opened(home)
    at = inbox()
    at.button(key="do_revoke").click().run()
    at.text_area(key="decide_reason").set_value("left the team")
    at.button(key="decide_confirm").click().run()
    assert "User 1" in at.header[0].value
    at.button(key="undo").click().run()
    assert "User 0" in at.header[0].value
    assert not at.button(key="do_attest").disabled


def test_who_comes_second_is_told_who_decided_what(home: Path) -> None:
    campaign = opened(home)
    at = inbox()
    at.button(key="do_revoke").click().run()
    at.text_area(key="decide_reason").set_value("left the team")
    parts.decide(home, campaign, parts.item(0).id, Decision(kind="attest"), parts.REVIEWER)
    at.button(key="decide_confirm").click().run()
    assert not at.exception
    said = readable(at.error[0].value)
    assert parts.REVIEWER in said
    assert "attest" in said or "kept" in said.lower()
    assert parts.states(home, campaign)["revoke"] == 0


def test_who_comes_second_gets_back_what_was_typed_and_the_item(home: Path) -> None:
    campaign = opened(home)
    at = inbox()
    at.button(key="do_revoke").click().run()
    at.text_area(key="decide_reason").set_value("left the team")
    parts.decide(home, campaign, parts.item(0).id, Decision(kind="attest"), parts.REVIEWER)
    at.button(key="decide_confirm").click().run()
    assert "Kept" in at.error[0].value
    assert "left the team" in readable(at.error[0].value)
    assert "User 0" in at.header[0].value


def test_what_was_typed_stays_when_the_reviews_refuse_it(home: Path) -> None:
    opened(home, risk="critical", privileged=True)
    at = inbox()
    at.button(key="do_modify").click().run()
    at.text_area(key="decide_reason").set_value("checked with the team")
    at.button(key="decide_confirm").click().run()  # without what should remain, as a forged form would send it
    assert at.error
    assert at.text_area(key="decide_reason").value == "checked with the team"


def test_what_is_handed_over_is_no_longer_to_be_decided(home: Path) -> None:
    opened(home)
    at = inbox()
    at.session_state["_dialog"] = ("decide", ("abstain", parts.only_campaign(home).id, parts.item(0).id, 1))
    at.run()
    at.button(key="decide_confirm").click().run()
    assert "User 1" in at.header[0].value
    choose(at, "inbox_filter", "Decided")
    assert "User 0" in at.header[0].value


def test_a_link_opens_its_item_also_when_it_is_decided(home: Path) -> None:
    campaign = opened(home)
    parts.decide(home, campaign, parts.item(2).id, Decision(kind="revoke", reason="left the team"))
    at = app(parts.REVIEWER, "inbox", item=parts.item(2).id)
    assert "User 2" in at.header[0].value


def test_a_review_goes_on_without_the_data_it_came_from(home: Path) -> None:
    opened(home)
    shutil.rmtree(home / "snapshots" / open_snapshot(home).id)
    at = inbox()
    assert "User 0" in at.header[0].value
    assert "not on this machine any more" in texts(at)


def test_a_forged_item_or_decision_is_refused(home: Path) -> None:
    campaign = opened(home)
    at = inbox()
    for forged in (("attest", campaign, "f" * 32, 1), ("approve-all", campaign, parts.item(0).id, 1)):
        at.session_state["_dialog"] = ("decide", forged)
        at.run()
        for button in at.button:
            if button.key == "decide_confirm":
                button.click().run()
        assert parts.states(home, campaign)["open"] == 3


def test_somebody_elses_item_cannot_be_decided(home: Path) -> None:
    campaign = opened(home)
    at = inbox(parts.OTHER)
    assert "Nothing is waiting for you" in texts(at)
    at.session_state["_dialog"] = ("decide", ("revoke", campaign, parts.item(0).id, 1))
    at.run()
    assert parts.states(home, campaign)["open"] == 3


def test_nobody_decides_on_their_own_access(home: Path) -> None:
    opened(home, people=(parts.REVIEWER,))
    at = inbox()
    at.radio(key="inbox_list").set_value(parts.item(0).id).run()
    assert "You cannot decide this" in texts(at)
    assert at.button(key="do_attest").disabled
    assert at.button(key="do_revoke").disabled


def test_names_from_aws_are_shown_and_do_nothing(home: Path) -> None:
    opened(home, principal_name=EVIL, sentence=EVIL, if_kept=EVIL, if_removed=EVIL, usage=EVIL,
           recommendation=Recommendation(verdict="look", reasons=(Signal(code="x", in_words=EVIL),), unseen=(EVIL,)),
           risk="critical")  # fmt: skip
    at = inbox()
    written = texts(at) + "".join(at.radio(key="inbox_list").options)
    assert "![x](" not in written
    assert ":red-badge[Approved]" not in written
    assert EVIL in readable(at.header[0].value)


def test_one_item_and_none_are_said_in_the_singular_and_in_words(home: Path) -> None:
    campaign = opened(home, count=1)
    at = inbox()
    assert "0 of 1 decided" in texts(at)
    parts.decide(home, campaign, parts.item(0).id, Decision(kind="attest"))
    at.run()
    assert "All 1 decided" in texts(at)


def test_ten_thousand_items_are_paged_by_the_database(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(home, count=10_000)
    asked: list[int | None] = []
    items = Reviews.items

    def counting(self: Reviews, *args: object, **options: object) -> object:
        asked.append(options.get("limit"))  # type: ignore[arg-type]
        return items(self, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Reviews, "items", counting)
    at = inbox()
    assert "0 of 10,000 decided" in texts(at)
    assert len(at.radio(key="inbox_list").options) == 20
    at.pagination(key="inbox_page").set_value(500).run()
    assert "9,981 of 10,000" in texts(at)
    assert asked
    assert all(limit is not None and limit <= 50 for limit in asked)


def test_a_locked_database_is_said_and_nothing_is_lost(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = opened(home)
    monkeypatch.setattr(Reviews, "open", partial(Reviews.open, patience=0.2))
    at = inbox()
    at.button(key="do_revoke").click().run()
    at.text_area(key="decide_reason").set_value("left the team")
    lock = sqlite3.connect(home / "reviews.db", isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    try:
        at.button(key="decide_confirm").click().run(timeout=90)
        assert not at.exception
        assert at.error
    finally:
        lock.execute("ROLLBACK")
        lock.close()
    assert parts.states(home, campaign)["open"] == 3


def test_a_database_that_is_none_is_said(home: Path) -> None:
    (home / "reviews.db").write_bytes(b"no database" * 100)
    at = app()
    assert not at.exception
    assert at.error


def test_sign_off_waits_for_every_decision_and_then_asks_what_is_confirmed(home: Path) -> None:
    campaign = opened(home, count=2)
    at = app(parts.OWNER, "campaign", campaign=campaign)
    assert at.button(key="sign_off").disabled
    assert "Sign-off waits for 2 decisions" in texts(at)
    for number in range(2):
        parts.decide(home, campaign, parts.item(number).id, Decision(kind="attest"))
    at.run()
    at.button(key="sign_off").click().run()
    at.button(key="sign_off_go").click().run()
    assert not at.error
    assert parts.only_campaign(home).signed_off_by == parts.OWNER
    at.button(key="close").click().run()
    assert parts.only_campaign(home).phase == "closed"


def test_sign_off_with_an_old_sign_in_asks_to_sign_in_again(home: Path) -> None:
    campaign = opened(home, count=1)
    parts.decide(home, campaign, parts.item(0).id, Decision(kind="attest"))
    at = app(parts.OWNER, "campaign", campaign=campaign)
    at.session_state["_signed_in_at"] = "2026-01-01T00:00:00Z"
    at.run()
    at.button(key="sign_off").click().run()
    assert "Sign in again" in texts(at)
    at.button(key="sign_in_again").click().run()
    assert at.title[0].value == "Who are you?"
    assert parts.only_campaign(home).phase == "open"


def test_an_item_is_handed_to_somebody_else_with_a_reason(home: Path) -> None:
    campaign = opened(home, count=1)
    at = app(parts.OWNER, "campaign", campaign=campaign)
    next(box for box in at.text_input if box.label.startswith("New reviewer")).set_value(parts.OTHER)
    next(box for box in at.text_area if box.label == "Reason").set_value("knows the team")
    at.button(key="reassign_go").click().run()
    assert not at.error
    assert set(parts.only_campaign(home).reviewers) == {parts.OTHER}


def test_unchanged_low_risk_items_are_kept_together_with_one_reason(home: Path) -> None:
    first = opened(home)
    for number in range(3):
        parts.decide(home, first, parts.item(number).id, Decision(kind="attest"))
    with Reviews.open(home) as reviews:
        reviews.sign_off(first, "seen", parts.owner(), key="off")
    items = [parts.item(number) for number in range(3)]
    second = parts.opened(home, items, open_snapshot(home).id, name="Next quarter", key="second").id
    at = inbox()
    choose(at, "inbox_filter", "Unchanged, low risk")
    at.button(key="bulk").click().run()
    next(box for box in at.text_area if box.label.startswith("Reason")).set_value("the same as last quarter")
    at.button(key="decide_many_go").click().run()
    assert not at.error
    assert parts.states(home, second)["attest"] == 3


def test_unchanged_low_risk_access_is_kept_by_one_click(home: Path) -> None:
    first = opened(home, count=1)
    parts.decide(home, first, parts.item(0).id, Decision(kind="attest"))
    with Reviews.open(home) as reviews:
        reviews.sign_off(first, "seen", parts.owner(), key="off")
    second = parts.opened(home, [parts.item(0)], open_snapshot(home).id, name="Next quarter", key="second").id
    at = inbox()
    at.button(key="do_attest").click().run()
    assert parts.states(home, second)["attest"] == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to act as another user")
def test_a_database_that_cannot_be_written_is_said(home: Path) -> None:
    campaign = opened(home)
    at = inbox()
    at.button(key="do_revoke").click().run()
    at.text_area(key="decide_reason").set_value("left the team")
    with sqlite3.connect(home / "reviews.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
        )
    at.button(key="decide_confirm").click().run()
    assert at.error
    assert parts.states(home, campaign)["open"] == 3
