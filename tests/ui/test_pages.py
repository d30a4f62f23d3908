"""Every page on the emulated organisation: it opens, says what it is of, and shows what the graph and reviews say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cypher.library import load_queries
from graph.builds import built_tables
from graph.questions import Questions
from model.snapshot import open_snapshot
from tests.ui import parts
from tests.ui.conftest import app, texts
from ui.words import shown

#: Page: its title.
PAGES = {
    "home": "Home",
    "inbox": "My reviews",
    "campaigns": "Reviews",
    "start": "Start a review",
    "followup": "Follow-up",
    "evidence": "Evidence",
    "overview": "Overview",
    "paths": "Access paths",
    "findings": "What to fix",
    "questions": "Questions",
    "sources": "Data sources",
    "people": "People and roles",
    "campaign": "Review",
    "identity": "Who",
    "resource": "What",
}
OF_DATA = ("inbox", "home", "start", "overview", "paths", "findings", "questions", "sources", "identity", "resource")
CARD_DATA = "arn:aws:s3:::meridian-card-data-prod"


def readable(text: str) -> str:
    """What a person reads: without escapes."""
    return shown(text).replace("\\", "")


def snapshot_of(home: Path) -> str:
    return open_snapshot(home).id


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_without_an_error(home: Path, page: str) -> None:
    parts.opened(home, [parts.item(number) for number in range(3)], snapshot_of(home))
    at = app(parts.REVIEWER, page)
    assert [title.value for title in at.title] == [PAGES[page]]
    assert not at.error
    assert not at.exception
    if page in OF_DATA:
        assert "AWS read on" in texts(at)


@pytest.mark.parametrize("page", PAGES)
def test_without_data_a_page_says_what_to_do(bare_home: Path, page: str) -> None:
    at = app(parts.REVIEWER, page)
    assert not at.exception
    if page in ("home", "inbox", "campaigns", "evidence", "people", "campaign", "followup"):
        assert not at.error
    else:
        assert "grantmap collect" in readable(at.error[0].value)


def test_a_data_page_says_that_something_is_missing_and_which_permission(home: Path) -> None:
    at = app(parts.REVIEWER, "sources")
    assert "s3:GetBucketPolicy" in str(at.table[0].value.to_dict())
    assert "1 question to AWS had no answer" in texts(at)


def test_the_overview_counts_what_the_library_finds(home: Path) -> None:
    at = app(parts.REVIEWER, "overview")
    figures = {metric.label: metric.value for metric in at.metric}
    tables = built_tables(open_snapshot(home), home)
    assert figures["People"] == str(len(Questions(tables).world.inventory.people))
    assert set(figures) == {"People", "Can do everything", "Open to outsiders", "Open to anyone"}


def test_who_can_read_a_bucket_is_what_the_engine_says(home: Path) -> None:
    at = app(parts.REVIEWER, "resource", arn=CARD_DATA)
    asked = Questions(built_tables(open_snapshot(home), home))
    rows = asked.who_can("s3:GetObject", f"{CARD_DATA}/*")["principals"]
    sure = sum(row["verdict"] == "Allowed" for row in rows)
    assert f"{sure} identities can read its objects, {len(rows) - sure} more only" in texts(at)


def test_a_way_to_an_administrator_is_shown_in_words_and_as_a_table(home: Path) -> None:
    at = app(parts.REVIEWER, "paths", **{"from": "person:priya.raman@meridian.example", "to": "*admin"})
    assert not at.error
    assert at.subheader[0].value.startswith("Yes\\, ")
    assert len(at.get("echarts_chart")) == 1
    steps = at.table[0].value["Through"].tolist()
    assert all("priya" in step for step in steps)


def test_where_there_is_no_way_the_page_says_what_was_not_read(home: Path) -> None:
    at = app(parts.REVIEWER, "paths", **{"from": "anonymous", "to": "*admin"})
    assert "No way found in the data of" in texts(at)
    assert "had no answer" in texts(at)


def test_every_question_of_the_library_can_be_asked(home: Path) -> None:
    at = app(parts.REVIEWER, "questions")
    for name in load_queries():
        at.radio(key="questions_list").set_value(name).run()
        assert not at.error, name
        assert not at.exception, name


def test_a_wrong_parameter_is_named(home: Path) -> None:
    at = app(parts.REVIEWER, "questions")
    at.radio(key="questions_list").set_value("people-everywhere").run()
    at.text_input(key="q_people-everywhere_percent").set_value("many")
    at.button(key="go_people-everywhere").click().run()
    assert "expected a whole number" in readable(at.error[0].value)


def test_what_somebody_reaches_can_be_searched(home: Path) -> None:
    at = app(parts.REVIEWER, "identity", key="person:katarina.berg@meridian.example")
    every = len(at.table[0].value)
    at.text_input(key="identity_search").set_value("payments-ledger").run()
    assert 0 < len(at.table[0].value) < every


def test_somebody_nobody_knows_is_an_error_in_words(home: Path) -> None:
    at = app(parts.REVIEWER, "identity", key="person:nobody@meridian.example")
    assert "No principal" in readable(at.error[0].value)
    assert not at.exception


def test_data_that_went_away_while_a_page_is_open_is_said(home: Path) -> None:
    import shutil

    at = app(parts.REVIEWER, "identity", key="person:katarina.berg@meridian.example")
    shutil.rmtree(home / "graphs")
    at.run()
    assert "grantmap build" in readable(at.error[0].value)
    shutil.rmtree(home / "snapshots")
    at.run()
    assert "grantmap collect" in readable(at.error[0].value)


def test_a_review_opens_only_when_every_gap_is_accepted_with_a_reason(home: Path) -> None:
    at = app(parts.OWNER, "start", template="external")
    at.text_input(key="start_named").set_value("; nobody").run()
    assert at.error  # a rule of reviewers that cannot be read
    assert at.button(key="start_open").disabled
    at.text_input(key="start_named").set_value(f"{parts.REVIEWER}, {parts.OTHER}").run()
    assert not at.error
    assert at.button(key="start_open").disabled
    assert "accept 1 gap with a reason" in readable(texts(at))
    at.checkbox(key="gap_accept_0").check().run()
    assert at.button(key="start_open").disabled  # accepted, but nobody said why
    at.text_input(key="gap_reason_0").set_value("sealed on purpose").run()
    assert not at.button(key="start_open").disabled
    at.button(key="start_open").click().run()
    assert not at.error
    assert "Access from outside the organisation" in at.title[0].value
    assert sum(parts.only_campaign(home).states.values()) == parts.only_campaign(home).items > 0


def test_the_evidence_page_hands_out_a_pack_that_verifies(home: Path) -> None:
    from reviews.evidence.checking import verify_zip

    view = parts.opened(home, [parts.item(number) for number in range(3)], snapshot_of(home))
    at = app(parts.OWNER, "evidence")
    at.button(key=f"check_{view.id}").click().run()
    assert "Everything was computed again and holds" in texts(at)
    at.button(key=f"prepare_{view.id}").click().run()
    assert not at.error
    pack = at.session_state["_pack"][1]
    assert verify_zip(pack)["ok"]


def test_a_sample_that_is_no_number_is_said(home: Path) -> None:
    view = parts.opened(home, [parts.item(1)], snapshot_of(home))
    at = app(parts.OWNER, "evidence")
    at.text_input(key=f"sample_{view.id}").set_value("some").run()
    at.button(key=f"prepare_{view.id}").click().run()
    assert "no whole number" in readable(at.error[0].value)


def test_roles_are_given_by_an_administrator(home: Path) -> None:
    at = app(parts.OWNER, "people")
    pills: Any = at.get_by_key("roles_chosen")
    pills.set_value(["auditor"])
    at.text_input(key="roles_name").set_value("ada@meridian.example")
    at.button(key="roles_save").click().run()
    assert not at.error
    assert "ada" in str(at.table[0].value.to_dict())
