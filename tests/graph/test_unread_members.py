"""Members whose principals could not be read: whom a policy names of them has a row, as of a foreign account."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from graph.questions import Questions
from graph.subjects import list_subjects, mentioned
from graph.world import World
from model.entities import Resource
from tests.graph.worlds import (
    ONE,
    TWO,
    allow,
    bucket,
    document,
    made,
    made_world,
    questions_of,
    queue,
    role,
    trust,
    user,
)

GET = "s3:GetObject"
ZZ, ROOT = f"arn:aws:iam::{TWO}:role/zz", f"arn:aws:iam::{TWO}:root"
MEMBER = f"account:{TWO}"
NAMED = bucket("named", ONE, allow(GET, Principal={"AWS": ZZ}))
WHOLE = bucket("whole", ONE, allow(GET, Principal={"AWS": TWO}))
SHUT, OWN = bucket("shut", ONE), bucket("own", TWO)
BUCKETS = (NAMED, WHOLE, SHUT, OWN)
FAR = role("far", ONE, allow("s3:*"), trusts=document(trust({"AWS": TWO})))
NEAR = role("near", ONE, allow("sqs:*"), trusts=document(trust({"AWS": ZZ})))
UNREAD = {"document": MEMBER}
POLICIES = {"document": f"{ZZ}#policies"}


def closed(*, collected: bool = False) -> World:
    """An organisation where nobody told the principals of account TWO; ``collected``: its resources they did."""
    fields = {"roles": (FAR, NEAR), "resources": (*BUCKETS, queue("q")), "unread_principals": (TWO,)}
    accounts = [replace(one, collected=collected or one.id != TWO) for one in made().accounts]
    return made_world(accounts=tuple(accounts), **fields)


def rows(questions: Questions, action: str, resource: str) -> dict[str, tuple[str, list[str], object]]:
    answer = questions.who_can(action, resource)["principals"]
    return {row["principal"]: (row["verdict"], row["via"], row["residual"]) for row in answer}


@pytest.mark.parametrize("collected", [False, True])
def test_who_can_lists_members_that_were_not_read_as_a_policy_names_them(collected: bool, tmp_path: Path) -> None:
    questions = questions_of(closed(collected=collected), tmp_path)
    named, whole, shut, own = (rows(questions, GET, f"{one.arn}/x") for one in BUCKETS)
    assert named[ZZ] == ("Conditional", [], POLICIES)
    assert whole[ZZ] == ("Conditional", [], POLICIES)
    assert whole[MEMBER] == ("Conditional", [], UNREAD)
    assert whole[ROOT] == ("Allowed", [], None)
    # The role that trusts the account.
    assert shut[MEMBER] == named[MEMBER] == ("Conditional", [FAR.arn], UNREAD)
    assert shut[ZZ] == ("Conditional", [FAR.arn], POLICIES)
    assert ROOT not in shut and ROOT not in named
    assert own[MEMBER] == ("Conditional", [], UNREAD)
    # Who is named by a trust alone.
    assert rows(questions, "sqs:SendMessage", queue("q").arn)[ZZ][:2] == ("Conditional", [NEAR.arn])


@pytest.mark.parametrize("one", BUCKETS)
def test_who_can_says_of_them_what_can_says(one: Resource, tmp_path: Path) -> None:
    questions = questions_of(closed(), tmp_path)
    answer, row = questions.can(ZZ, GET, f"{one.arn}/x"), rows(questions, GET, f"{one.arn}/x")[ZZ]
    if row[1]:
        assert answer["verdict"] == "ImplicitlyDenied"
        assert [(each["verdict"], each["via"]) for each in answer["chains"]] == [row[:2]]
    else:
        assert (answer["verdict"], answer["residual"]) == (row[0], row[2])


def test_of_a_member_that_was_read_nobody_is_listed_but_its_own_principals() -> None:
    ghost = bucket("b", ONE, allow(GET, Principal={"AWS": [ZZ, TWO, f"arn:aws:iam::{TWO}:user/there"]}))
    for unread, wanted in (((), {f"arn:aws:iam::{TWO}:user/there"}), ((TWO,), {ZZ, MEMBER})):
        users = (user("there", TWO),) if not unread else ()
        world = made_world(users=users, resources=(ghost,), unread_principals=unread)
        listed = list_subjects(world.assembler, mentioned(world.inventory.all_resources()))
        found = {one.key for one in listed if TWO in one.key and one.kind != "RootUser"}
        assert found == wanted | ({f"arn:aws:iam::{TWO}:user/there"} if unread else set())
