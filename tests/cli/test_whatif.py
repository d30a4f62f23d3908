"""``what-if revoke``: the contract's JSON, what people read, bad input."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Command

SOFIA = "sofia.almeida@meridian.example"
BATCH = "471093822654/settlement-batch"
SHARED = "arn:aws:iam::204718365590:role/shared-tooling"
CARDS = "arn:aws:s3:::meridian-card-data-prod/*"
ROW = {"resource", "count", "levels", "verdict", "via"}

CHANGES = [
    (BATCH, "--policy", "CardDataRead"),
    (SOFIA, "--assignment", "PaymentsDeveloper@payments-dev"),
    ("562017739418/igor.petrenko", "--group", "contractors"),
    ("562017739418/payments-dev-deployer", "--trust", SHARED),
    ("anonymous", "--statement", "arn:aws:s3:::meridian-status-page#policy#Website"),
    ("562017739418/igor.petrenko", "--statement", "TeamResources#OwnTeam"),
]


@pytest.mark.parametrize("change", CHANGES, ids=[" ".join(change) for change in CHANGES])
def test_json_has_the_shape_of_the_contract(ask: Command, change: tuple[str, ...]) -> None:
    ran = ask("what-if", "revoke", *change, "--json")
    assert ran.status == 0
    assert ran.json.keys() == {"lost", "still_reachable"}
    rows = [*ran.json["lost"], *ran.json["still_reachable"]]
    assert rows
    assert all(row.keys() == ROW for row in rows)


def test_what_is_lost_was_reached_and_what_stays_is_reached_in_another_way(ask: Command) -> None:
    """The only way to the card data begins with the assignment; sandbox does not."""
    reached = ask("reach", SOFIA, "--json").json["resources"]
    answer = ask("what-if", "revoke", SOFIA, "--assignment", "PaymentsDeveloper@payments-dev", "--json").json
    (cards,) = (row for row in answer["lost"] if row["resource"] == CARDS)
    assert cards in reached
    assert cards["via"][0].rsplit("/", 1)[-1].startswith("AWSReservedSSO_PaymentsDeveloper_")
    assert not any(row["resource"] == CARDS for row in answer["still_reachable"])
    assert not any("PaymentsDeveloper" in (row["via"] or [""])[0] for row in answer["still_reachable"])


def test_text_tells_the_change_the_outcome_and_the_snapshot(ask: Command) -> None:
    ran = ask("what-if", "revoke", SOFIA, "--assignment", "PaymentsDeveloper@payments-dev")
    assert (ran.status, ran.err) == (0, "")
    text = " ".join(ran.out.split())
    assert text.startswith(
        "If the assignment of PaymentsDeveloper in payments-dev to group payments-developers is removed, "
        f"{SOFIA} loses access to "
    )
    assert "It is given to group payments-developers: all of its 10 members would lose it." in text
    assert ran.out.index("Lost, with how") < ran.out.index(CARDS) < ran.out.index("still reached in another way")
    assert ran.out.splitlines()[-1].startswith("From snapshot ")
    assert ran.out.splitlines()[-1].endswith(". Nothing was changed.")


def test_text_says_that_nothing_is_lost(ask: Command) -> None:
    ran = ask("what-if", "revoke", "562017739418/igor.petrenko", "--group", "contractors")
    text = " ".join(ran.out.split())
    assert text.startswith(
        "If user igor.petrenko in payments-dev leaves group contractors, "
        "562017739418/igor.petrenko loses nothing and keeps "
    )
    assert "Lost, with" not in text


def test_text_says_what_allowed_becoming_conditional_means(ask: Command) -> None:
    ran = ask("what-if", "revoke", "562017739418/igor.petrenko", "--statement", "TeamResources#1")
    assert ran.out.startswith("If statement OwnTeam of policy TeamResources in payments-dev is taken out, ")
    assert "The policy is attached to 2 users, roles and groups, which it changes for all." in ran.out
    assert "In both tables: what goes is the better access, what stays hangs on more conditions." in ran.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((SOFIA,), "expected one change, got 0: give one of --policy, --assignment, --group, --trust or --statement"),
        ((SOFIA, "--group", "a", "--policy", "b"), "expected one change, got 2"),
        ((), "missing argument"),
        (("nobody@x.example", "--group", "a"), "no principal `nobody@x.example`"),
        ((SOFIA, "--policy", "x"), "give --assignment `PowerUserAccess@sandbox#group:payments-developers`"),
        ((SOFIA, "--group", "x"), "they are in `payments-developers`"),
        ((SOFIA, "--assignment", "x"), "wrong assignment `x`: expected SET@ACCOUNT"),
        ((SOFIA, "--trust", SHARED), "is a person: no trust policy names people"),
        ((BATCH, "--policy", ""), "has no policy ``: it has"),
        ((BATCH, "--trust", ""), "no principal ``"),
        ((BATCH, "--statement", "CardDataRead#nope"), "has no statement `nope`: it has"),
        ((BATCH, "--group", "legacy-batch", "--snapshot", "yesterday"), "no snapshot `yesterday`"),
    ],
)
def test_bad_input_is_one_line(ask: Command, arguments: tuple[str, ...], words: str) -> None:
    ran = ask("what-if", "revoke", *arguments)
    assert (ran.status, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 1
    assert words in ran.err
