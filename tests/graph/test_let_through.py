"""Outsiders and services that no Principal names, but a condition on the caller or what a denial spares."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from graph.differences import diff
from graph.questions import Questions
from graph.reaching import expanded, reach
from graph.subjects import list_subjects, mentioned
from graph.world import World
from model.inventory import Inventory
from policy.request import is_service
from tests.graph.worlds import (
    ONE,
    ORG,
    TWO,
    Json,
    allow,
    deny,
    document,
    made,
    questions_of,
    queue,
    rcp,
    role,
    trust,
    user,
)

X = "999999999999"
SEND = "sqs:SendMessage"
ACCOUNT, ROOT, THEIRS, EVE = (
    f"account:{X}",
    f"arn:aws:iam::{X}:root",
    f"arn:aws:iam::{X}:role/p",
    f"arn:aws:iam::{X}:user/e",
)
CONFIG = "config.amazonaws.com"


def when(operator: str, key: str, *values: str) -> Json:
    return {"Principal": "*", "Condition": {operator: {key: list(values)}}}


#: Who is let in, and by which words beside ``Principal: *``.
ASKED: list[tuple[str, Json]] = [
    (ACCOUNT, when("StringEquals", "aws:PrincipalAccount", X)),
    (ACCOUNT, when("StringLikeIfExists", "AWS:principalaccount", ONE, X)),
    (ACCOUNT, when("NumericEquals", "aws:PrincipalAccount", X)),
    (ACCOUNT, when("StringEquals", "aws:SourceOwner", X)),
    (ACCOUNT, when("StringEquals", "kms:CallerAccount", X)),
    (ACCOUNT, when("ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{X}:role/*")),
    (ACCOUNT, when("StringLike", "aws:PrincipalArn", f"arn:*:iam::{X}:*")),
    (ACCOUNT, when("ArnEquals", "aws:PrincipalArn", ROOT)),
    *[
        (THEIRS, when(operator, "aws:PrincipalArn", THEIRS))
        for operator in ("ArnEquals", "ArnLike", "StringEquals", "StringLike", "StringEqualsIgnoreCase")
    ],
]
SERVICES: list[tuple[str, Json]] = [
    (CONFIG, when("StringEquals", "aws:PrincipalServiceName", CONFIG)),
    (
        "states.eu-west-1.amazonaws.com",
        when("StringEquals", "aws:PrincipalServiceName", "states.eu-west-1.amazonaws.com"),
    ),
    (
        "states.amazonaws.com",
        when("ForAnyValue:StringEquals", "aws:PrincipalServiceNamesList", "states.eu-west-1.amazonaws.com"),
    ),
]
#: Who is spared by a denial beside an Allow to everybody.
SPARED: list[tuple[str, Json]] = [
    (CONFIG, {"NotPrincipal": {"Service": CONFIG}}),
    (EVE, {"NotPrincipal": {"AWS": [EVE, X]}}),
    (ACCOUNT, {"NotPrincipal": {"AWS": ROOT}}),
    (ACCOUNT, when("StringNotEquals", "aws:PrincipalAccount", X)),
    (THEIRS, when("ArnNotLikeIfExists", "aws:PrincipalArn", THEIRS)),
    (CONFIG, when("StringNotEquals", "aws:PrincipalServiceName", CONFIG)),
]
POLICIES = [
    *[(who, (allow(SEND, **words),)) for who, words in (*ASKED, *SERVICES)],
    *[(who, (allow(SEND, Principal="*"), deny(SEND, **words))) for who, words in SPARED],
]


def asked(folder: Path, **fields: Any) -> Questions:
    folder.mkdir(exist_ok=True)
    return questions_of(World(Inventory(made(**fields))), folder)


def who_can(questions: Questions, action: str, resource: str) -> dict[str, list[str]]:
    return {row["principal"]: row["via"] for row in questions.who_can(action, resource)["principals"]}


def answers(questions: Questions, who: str, arn: str) -> tuple[bool, bool, bool]:
    """Whether ``who-can``, ``reach`` and ``can`` tell of somebody's access."""
    reached = {row["resource"] for row in expanded(reach(questions, who, action=SEND), None)}
    can = questions.can(who, SEND, arn)
    return (
        who in who_can(questions, SEND, arn),
        arn in reached,
        can["verdict"] in ("Allowed", "Conditional") or bool(can["chains"]),
    )


@pytest.mark.parametrize(("who", "says"), POLICIES)
def test_whom_a_policy_lets_in_by_other_words_than_a_principal_is_listed(
    who: str, says: tuple[Json, ...], tmp_path: Path
) -> None:
    thing = queue("q", ONE, *says)
    assert answers(asked(tmp_path, resources=(thing,)), who, thing.arn) == (True, True, True)


@pytest.mark.parametrize(("who", "words"), ASKED)
def test_a_trust_lets_them_in_alike(who: str, words: Json, tmp_path: Path) -> None:
    entry = role("R", ONE, allow(SEND), trusts=document(trust(words["Principal"], Condition=words["Condition"])))
    questions = asked(tmp_path, roles=(entry,), resources=(queue("q", ONE),))
    assert who_can(questions, "sts:AssumeRole", entry.arn)[who] == []
    assert who_can(questions, SEND, queue("q", ONE).arn)[who] == [entry.arn]


def test_a_trust_spares_them_alike(tmp_path: Path) -> None:
    spares = {**trust("*", effect="Deny"), "NotPrincipal": {"Service": CONFIG}}
    del spares["Principal"]
    entry = role("R", ONE, trusts=document(trust("*"), spares))
    assert who_can(asked(tmp_path, roles=(entry,)), "sts:AssumeRole", entry.arn) == {CONFIG: []}


@pytest.mark.parametrize("excepts", [True, False])
def test_whom_a_resource_control_policy_spares_has_what_everybody_is_given(excepts: bool, tmp_path: Path) -> None:
    operator = "StringNotEquals" if excepts else "StringEquals"
    guardrails = (
        rcp("f", allow("*", Principal="*")),
        rcp("d", deny("sqs:*", **when(operator, "aws:PrincipalAccount", X))),
    )
    questions = asked(tmp_path, guardrails=guardrails, resources=(queue("q", ONE, allow(SEND, Principal="*")),))
    assert (ACCOUNT in who_can(questions, SEND, queue("q", ONE).arn)) is excepts


@pytest.mark.parametrize(("who", "says"), POLICIES)
def test_a_statement_that_lets_them_in_is_a_difference(who: str, says: tuple[Json, ...], tmp_path: Path) -> None:
    # The denial is there before; whom it spares has nothing yet.
    before = asked(tmp_path / "old", resources=(queue("q", ONE, *(one for one in says if one["Effect"] == "Deny")),))
    after = asked(tmp_path / "new", resources=(queue("q", ONE, *says),))
    there, back = diff(before, after), diff(after, before)
    for rows in (there.gained, back.lost):
        assert [row.resource for row in rows if row.principal == who] == [queue("q", ONE).arn]
    assert [row for row in (*there.lost, *back.gained) if row.principal == who] == []


def test_members_that_were_not_read_are_named_by_conditions_too(tmp_path: Path) -> None:
    theirs = f"arn:aws:iam::{TWO}:role/zz"
    thing = queue("q", ONE, allow(SEND, **when("ArnEquals", "aws:PrincipalArn", theirs)))
    accounts = [replace(one, collected=one.id != TWO) for one in made().accounts]
    questions = asked(tmp_path, accounts=tuple(accounts), unread_principals=(TWO,), resources=(thing,))
    assert answers(questions, theirs, thing.arn) == (True, True, True)


@pytest.mark.parametrize(
    "says",
    [
        allow(SEND, **when("StringNotEquals", "aws:PrincipalAccount", X)),
        deny(SEND, **when("StringEquals", "aws:PrincipalAccount", X)),
        deny(SEND, Principal={"AWS": EVE}),
        allow(SEND, NotPrincipal={"AWS": EVE}),
        allow(SEND, Principal={"AWS": ONE}, Condition={"ArnLike": {"aws:PrincipalArn": EVE}}),
        allow(
            SEND,
            **when(
                "ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/p", "*", f"{X}", f"arn:aws:iam::{X[:-1]}?:user/e"
            ),
        ),
        allow(SEND, **when("StringLike", "aws:PrincipalAccount", f"{X[:-1]}*", "${aws:ResourceAccount}")),
        allow(SEND, **when("StringLike", "aws:PrincipalServiceName", "*.amazonaws.com", X, "anonymous")),
        allow(SEND, **when("StringEquals", "aws:SourceAccount", X)),
        allow(
            SEND, **when("ArnEquals", "aws:PrincipalArn", f"arn:aws:iam::{ONE}:user/gone", f"arn:aws:iam::{ONE}:root")
        ),
        allow(SEND, **when("StringEquals", "aws:PrincipalAccount", ONE, TWO)),
        allow(SEND, **when("StringEquals", "aws:PrincipalOrgID", ORG)),
    ],
)
def test_nobody_else_is_listed(says: Json) -> None:
    world = World(Inventory(made(users=(user("ann"),), resources=(queue("q", ONE, says),))))
    listed = list_subjects(world.assembler, mentioned(world.inventory.all_resources()))
    assert {one.kind for one in listed} == {"User", "RootUser", "Anonymous"}


def test_a_service_in_a_region_has_what_the_service_is_given_by_name(tmp_path: Path) -> None:
    regional = "states.eu-west-1.amazonaws.com"
    named = queue("named", TWO, allow(SEND, Principal={"Service": "states.amazonaws.com"}))
    by_region = queue("q", ONE, allow(SEND, **when("StringEquals", "aws:PrincipalServiceName", regional)))
    questions = asked(tmp_path, resources=(named, by_region))
    assert answers(questions, regional, named.arn) == (True, True, True)
    assert answers(questions, "states.amazonaws.com", by_region.arn) == (False, False, False)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (CONFIG, True),
        ("accounts.google.com", False),
        ("anonymous", False),
        (X, False),
        (EVE, False),
        ("*.amazonaws.com", False),
    ],
)
def test_the_name_of_a_service_is_told_from_others(text: str, wanted: bool) -> None:
    assert is_service(text) is wanted
