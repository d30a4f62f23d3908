"""The ledger: its chain, what was frozen, the projection, and what is found when somebody changes the file."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import rfc8785
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from reviews import frozen, ledger, merkle, views
from reviews.canonical import canonical
from reviews.errors import DatabaseError, LedgerError
from reviews.projection import project
from reviews.records import Actor, CampaignView, Decision, Entry, Item
from reviews.schema import entries, items, states
from reviews.service import Reviews
from tests.reviews.conftest import Clock, decide_all, opened
from tests.reviews.factories import ANA, ATTEST, BEN, OWNER, REVOKE, Everybody, access, item, row


def lived(reviews: Reviews, clock: Clock) -> CampaignView:
    """A campaign in which everything happened that can."""
    campaign = opened(reviews, *(item(number) for number in range(1, 6)))
    id = campaign.id
    reviews.decide(id, item(1).id, ATTEST, ANA, version=1, key="1")
    reviews.decide(id, item(1).id, REVOKE, ANA, version=2, key="2")
    exception = Decision(kind="exception", reason="migration", control="alarm", until="2026-03-10")
    reviews.decide(id, item(2).id, exception, ANA, version=1, key="3")
    reviews.decide(id, item(3).id, Decision(kind="abstain"), ANA, version=1, key="4")
    reviews.assign(id, item(3).id, BEN.name, "his", OWNER, version=2, key="5", independence=Everybody())
    clock.move(days=30)
    reviews.run_due()
    decide_all(reviews, id, actors=(ANA, BEN))
    reviews.sign_off(id, "done", OWNER, key="sign")
    reviews.record(id, "ordered", item(1).id, {"format": "cli"}, OWNER)
    reviews.record(id, "checked", item(1).id, {"state": "verified"}, OWNER)
    reviews.record(id, "exported", "", {}, OWNER)
    return reviews.close_campaign(id, OWNER, key="close")


def test_a_campaign_in_which_everything_happened_verifies(reviews: Reviews, clock: Clock) -> None:
    campaign = lived(reviews, clock)
    found = reviews.verify(campaign.id)
    assert (found.ok, found.failures) == (True, [])
    assert found.checked == {"entries": campaign.entries, "items": 5, "states": 5}
    assert (found.root, found.head) == (campaign.root, campaign.head)
    assert {entry.kind for entry in reviews.entries(campaign.id)} == set(ledger.KINDS)


def test_a_hash_can_be_computed_without_grantmap(reviews: Reviews, clock: Clock) -> None:
    campaign = lived(reviews, clock)
    previous = "0" * 64
    for number, entry in enumerate(reviews.entries(campaign.id), 1):
        content = json.loads(msgspec.json.encode(entry))
        shown = content.pop("hash")
        assert (content["seq"], content["previous"]) == (number, previous)
        previous = hashlib.sha256(bytes.fromhex(previous) + rfc8785.dumps(content)).hexdigest()
        assert shown == previous
    assert campaign.head == previous


def test_the_tables_are_what_the_ledger_makes_them(reviews: Reviews, clock: Clock) -> None:
    campaign = lived(reviews, clock)
    made = project(reviews.entries(campaign.id))
    with reviews._database.read() as connection:
        rows = connection.execute(sa.select(states).where(states.c.campaign == campaign.id)).all()
        facts = views.campaign_row(connection, campaign.id)
    assert {row.item: views.standing_of(row) for row in rows} == made.items
    assert {name: getattr(facts, name) for name in made.facts()} == made.facts()
    assert made.changes == {view.item.id: view.change for view in reviews.items(campaign.id)}


def test_two_campaigns_have_a_chain_each(reviews: Reviews) -> None:
    one, two = opened(reviews, item(1), key="1"), opened(reviews, item(1), key="2")
    reviews.decide(one.id, item(1).id, ATTEST, ANA, version=1, key="k")
    reviews.decide(two.id, item(1).id, REVOKE, ANA, version=1, key="k")
    assert [[entry.seq for entry in reviews.entries(each.id)] for each in (one, two)] == [[1, 2, 3]] * 2
    assert reviews.verify(one.id).ok
    assert reviews.verify(two.id).ok


def test_the_first_reviewers_of_many_items_are_in_more_than_one_entry(file_reviews: Reviews) -> None:
    campaign = opened(file_reviews, *(item(number) for number in range(1, 2_102)))
    sizes = [len(entry.body["items"]) for entry in file_reviews.entries(campaign.id) if entry.kind == "assigned"]  # type: ignore[arg-type]
    assert sizes == [1_000, 1_000, 101]
    assert file_reviews.verify(campaign.id).checked["states"] == 2_101


def test_a_noted_head_has_to_be_in_the_chain(reviews: Reviews, clock: Clock) -> None:
    campaign = lived(reviews, clock)
    assert reviews.verify(campaign.id, head=campaign.head.upper()).ok
    signed = next(entry.hash for entry in reviews.entries(campaign.id) if entry.kind == "signed-off")
    assert reviews.verify(campaign.id, head=signed).ok
    found = reviews.verify(campaign.id, head="ab" * 32)
    assert found.failures == [
        f"no entry of the ledger has the hash `{'ab' * 32}` that was noted: the chain is another one"
    ]


# -- written once


@pytest.mark.parametrize("table", [entries, items], ids=["entries", "items"])
@pytest.mark.parametrize("act", ["update", "delete"])
def test_what_is_written_once_cannot_be_changed_or_removed(
    reviews: Reviews, campaign: CampaignView, table: sa.Table, act: str
) -> None:
    before = list(reviews.entries(campaign.id)), reviews.frozen(campaign.id)
    statement = table.update().values(campaign="x") if act == "update" else table.delete()
    with (
        pytest.raises(DatabaseError, match=r"refused to change what is written once"),
        reviews._database.write() as each,
    ):
        each.execute(statement)
    assert (list(reviews.entries(campaign.id)), reviews.frozen(campaign.id)) == before


def test_what_is_written_once_cannot_be_replaced(file_reviews: Reviews, tmp_path: Path) -> None:
    opened(file_reviews, item(1))
    raw = sqlite3.connect(tmp_path / "home" / "reviews.db")
    for table in ("entries", "items"):
        with pytest.raises(sqlite3.IntegrityError, match=f"{table} is written once"):
            raw.execute(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")
    raw.close()


# -- tampering

Tamper = Callable[[sqlite3.Connection], None]


def _unguarded(raw: sqlite3.Connection) -> None:
    for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        raw.execute(f"DROP TRIGGER {name}")


def _sql(*statements: str) -> Tamper:
    def run(raw: sqlite3.Connection) -> None:
        _unguarded(raw)
        for statement in statements:
            assert raw.execute(statement).rowcount > 0, statement

    return run


def _shift(raw: sqlite3.Connection) -> None:
    """Removes an entry and closes the gap in the numbers."""
    _unguarded(raw)
    raw.execute("DELETE FROM entries WHERE seq = 4")
    for seq in range(5, 100):
        raw.execute("UPDATE entries SET seq = ? WHERE seq = ?", (seq - 1, seq))
    raw.execute("UPDATE campaigns SET entries = entries - 1")


def _rewrite_item(raw: sqlite3.Connection) -> None:
    """A frozen item with another sentence, in canonical form and with all its columns right."""
    _unguarded(raw)
    text = raw.execute("SELECT canonical FROM items WHERE position = 2").fetchone()[0]
    other = msgspec.structs.replace(frozen.read(text), sentence="u3 can do nothing")
    columns = frozen.columns(other)
    names = ", ".join(f"{name} = ?" for name in columns)
    raw.execute(
        f"UPDATE items SET canonical = ?, {names} WHERE position = 2", (frozen.leaf(other).decode(), *columns.values())
    )


@pytest.mark.parametrize(
    ("tamper", "words"),
    [
        (
            _sql("UPDATE entries SET body = replace(body, 'left the team', 'never there') WHERE seq = 4"),
            r"entry 4 \(`decided` on `0000000000000001` by `ana@example.com` at 2026-03-02T09:30:00Z\) was changed",
        ),
        (_sql("UPDATE entries SET at = '2026-03-01T00:00:00Z' WHERE seq = 3"), "entry 3 .* was changed"),
        (_sql("UPDATE entries SET actor = 'ben@example.com' WHERE seq = 3"), "entry 3 .* was changed"),
        (
            _sql("UPDATE entries SET hash = substr(hash, 2) || substr(hash, 1, 1) WHERE seq = 3"),
            "entry 3 .* was changed",
        ),
        (_sql("UPDATE entries SET previous = 'zz' WHERE seq = 3"), "entry 3 .* does not follow"),
        (_sql("UPDATE entries SET body = 'x' WHERE seq = 3"), "entry 3 of campaign .* cannot be read"),
        (_sql("DELETE FROM entries WHERE seq = 4"), "entry 4 is missing: after 3 comes 5"),
        (_shift, "entry 4 .* does not follow the entry before it"),
        (
            _sql(
                "DELETE FROM entries WHERE kind = 'closed'",
                "UPDATE campaigns SET phase = 'signed-off', closed = ''",
            ),
            r"the ledger has \d+ entries, the campaign counts \d+",
        ),
        (_sql("DELETE FROM entries"), "the ledger has 0 entries"),
        (_rewrite_item, "the frozen items hash to `[0-9a-f]{64}`, the opening has"),
        (_sql("DELETE FROM items WHERE position = 4"), "there are 4 frozen items, the opening has 5|hash to"),
        (_sql("UPDATE items SET canonical = '{}' WHERE position = 1"), "hash to|cannot be read"),
        (_sql("UPDATE items SET risk_rank = 3, risk = 'critical' WHERE position = 1"), "listed with another risk"),
        (_sql("UPDATE items SET haystack = '' WHERE position = 1"), "listed with another haystack"),
        (_sql("UPDATE items SET change = 'unchanged' WHERE position = 1"), "listed with another change"),
        (
            _sql("UPDATE states SET state = 'attest' WHERE item = '0000000000000001'"),
            "the state of item `0000000000000001` is `attest`, its ledger makes it `revoke`",
        ),
        (
            _sql("UPDATE states SET reviewer = 'ben@example.com' WHERE item = '0000000000000001'"),
            "the reviewer of item",
        ),
        (_sql("DELETE FROM states WHERE item = '0000000000000001'"), "is in the ledger and has no state"),
        (_sql("UPDATE campaigns SET completeness = replace(completeness, '120', '999')"), "completeness"),
        (_sql("UPDATE campaigns SET plan = replace(plan, '2026-03-31', '2026-04-30')"), "campaign's plan"),
        (_sql("UPDATE campaigns SET due = '2026-04-30'"), "the campaign's due is `2026-04-30`, its plan has"),
        (_sql("UPDATE campaigns SET name = 'Other'"), "the campaign's name is `Other`"),
        (_sql("UPDATE campaigns SET snapshot = 'other'"), "the campaign's snapshot is not the one"),
        (_sql("UPDATE campaigns SET root = 'ab'"), "the campaign's root is not the one"),
        (_sql("UPDATE campaigns SET head = 'ab'"), "the head of the ledger is"),
        (_sql("UPDATE campaigns SET phase = 'open'"), "the campaign's phase is `open`, its ledger makes it `closed`"),
        (_sql("UPDATE campaigns SET owner = 'eve'"), "the campaign's owner is `eve`"),
        (_sql("UPDATE campaigns SET opened = '2026-01-01T00:00:00Z'"), "the campaign's opened is"),
        (_sql("UPDATE campaigns SET signed_off_by = 'eve'"), "the campaign's signed_off_by|signed off by"),
    ],
)
def test_a_change_of_the_file_is_found_and_named(
    file_reviews: Reviews, clock: Clock, tmp_path: Path, tamper: Tamper, words: str
) -> None:
    campaign = lived(file_reviews, clock)
    raw = sqlite3.connect(tmp_path / "home" / "reviews.db")
    with raw:
        tamper(raw)
    raw.close()
    found = file_reviews.verify(campaign.id)
    assert not found.ok
    assert any(re.search(words, failure) for failure in found.failures), found.failures
    assert all("\n" not in failure for failure in found.failures)


def test_a_ledger_that_does_not_have_the_form_of_its_kinds_is_refused() -> None:
    entry = Entry(campaign="c", seq=1, at="", actor="", how="", kind="decided", item="x", body={}, previous="", hash="")
    with pytest.raises(LedgerError, match=r"entry 1 .* does not have the form of its kind"):
        project([entry])


# -- frozen items

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
_ITEMS = st.builds(
    item,
    st.integers(0, 2**40),
    sentence=_TEXT,
    principal_name=_TEXT,
    fix=st.dictionaries(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=9), _TEXT, max_size=5),
    access=st.builds(access, st.builds(row, _TEXT, st.lists(_TEXT, max_size=3), count=st.integers(0, 2**53 - 1))),
    last_used=st.none() | _TEXT,
    human=st.none() | st.booleans(),
)


@given(_ITEMS)
def test_the_fast_form_of_an_item_is_its_canonical_form(one: Item) -> None:
    assert frozen.leaf(one) == canonical(one)
    assert frozen.read(frozen.leaf(one).decode()) == one


def test_the_root_is_that_of_the_frozen_items(reviews: Reviews, campaign: CampaignView) -> None:
    assert merkle.root(reviews.frozen(campaign.id)) == campaign.root
    assert merkle.root([canonical(view.item) for view in reviews.items(campaign.id)]) == campaign.root


def test_an_actor_is_kept_as_they_signed_in(reviews: Reviews, campaign: CampaignView) -> None:
    how = [entry.how for entry in reviews.entries(campaign.id)]
    assert how == ["command", "command"]
    local = Actor(name="Owner@example.com", how="local", signed_in="2026-03-02T09:29:00Z")
    entry = reviews.record(campaign.id, "exported", "", {}, local)
    assert (entry.how, entry.actor) == ("local", "owner@example.com")
