"""Compute that carries roles: it reaches what its role does, where the role's trust lets the service in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from graph.carriers import SERVICES
from graph.names import UnknownNameError, subject_of
from graph.paths import paths
from graph.questions import Questions
from graph.reaching import carried_by, expanded, reach, reach_json
from graph.world import World
from model.entities import Resource, Role
from model.errors import ArnError
from model.inventory import Inventory
from policy.context import Overrides
from tests.graph.worlds import ONE, TWO, allow, document, made, questions_of, queue, role, trust, user

SEND = "sqs:SendMessage"
FUNCTION = f"arn:aws:lambda:us-east-1:{ONE}:function:f"
LAMBDA = {"Service": "lambda.amazonaws.com"}
GUARDED = {"StringEquals": {"aws:SourceArn": FUNCTION}}
MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


def function(carries: str, **more: Any) -> Resource:
    fields = {"type": "lambda:function", "account": ONE, "region": "us-east-1", "name": "f", **more}
    return Resource(arn=fields.pop("arn", FUNCTION), role=carries, **fields)


def sender(trusts: str = "", **more: Any) -> Role:
    return role("sender", ONE, allow(SEND), trusts=trusts or document(trust(LAMBDA)), **more)


def asked(folder: Path, *resources: Resource, roles: tuple[Role, ...] = (), **fields: Any) -> Questions:
    folder.mkdir(exist_ok=True)
    data = made(roles=roles, resources=(queue("q"), queue("q", TWO), *resources), **fields)
    return questions_of(World(Inventory(data)), folder)


def test_it_reaches_what_its_role_does_and_says_by_which(tmp_path: Path) -> None:
    one = sender()
    questions = asked(tmp_path, function(one.arn), roles=(one,))
    answer = reach_json(questions, reach(questions, FUNCTION), None)
    rows = {row["resource"]: row for row in answer["resources"]}
    assert (rows[queue("q").arn]["verdict"], rows[queue("q").arn]["via"]) == ("Allowed", [one.arn])
    assert {tuple(row["via"]) for row in answer["resources"]} == {(one.arn,)}
    carried = answer["carried"]
    assert (carried["role"], carried["service"], carried["verdict"]) == (one.arn, "lambda.amazonaws.com", "Allowed")
    assert {item["policy"] for item in carried["because"]} == {f"{one.arn}#trust"}
    assert queue("q").arn in {row["resource"] for row in expanded(reach(questions, FUNCTION), None)}
    as_role = {row.resource_class.pattern for row in reach(questions, one.arn)}
    assert as_role == set(rows)


def test_can_is_answered_through_the_carried_role(tmp_path: Path) -> None:
    one = sender()
    questions = asked(tmp_path, function(one.arn), roles=(one,))
    answer = questions.can(FUNCTION, SEND, queue("q").arn)
    assert (answer["verdict"], [chain["via"] for chain in answer["chains"]]) == ("Allowed", [[one.arn]])
    assert {f"{one.arn}#trust", f"{one.arn}#inline:own"} == {item["policy"] for item in answer["because"]}
    assert answer["carried"]["role"] == one.arn
    assert questions.can(FUNCTION, "sqs:PurgeQueue", queue("q").arn)["verdict"] == "ImplicitlyDenied"
    assert "carried" not in questions.can(one.arn, SEND, queue("q").arn)


def test_chains_go_on_from_the_carried_role_without_mfa(tmp_path: Path) -> None:
    door = role("door", ONE, allow("sts:AssumeRole"), trusts=document(trust(LAMBDA)))
    vault = role("vault", TWO, allow(SEND), trusts=document(trust({"AWS": door.arn})))
    locked = role("locked", TWO, allow("sqs:*"), trusts=document(trust({"AWS": door.arn}, Condition=MFA)))
    questions = asked(tmp_path, function(door.arn), roles=(door, vault, locked))
    assert [row["via"] for row in questions.can(FUNCTION, SEND, queue("q", TWO).arn)["chains"]] == [
        [door.arn, vault.arn]
    ]
    assert {row.via for row in reach(questions, FUNCTION)} == {(door.arn,), (door.arn, vault.arn)}
    (path,) = paths(questions, FUNCTION, vault.arn)["paths"]
    assert path["nodes"] == [FUNCTION, door.arn, vault.arn]
    assert [step["kind"] for step in path["steps"]] == ["CARRIES", "CAN_ASSUME"]


@pytest.mark.parametrize(
    "trusts",
    [
        document(trust({"Service": "ec2.amazonaws.com"})),
        document(trust({"AWS": ONE})),
        document(trust(LAMBDA), trust("*", effect="Deny")),
        document(trust(LAMBDA, Condition={"StringEquals": {"aws:PrincipalIsAWSService": "false"}})),
    ],
)
def test_a_trust_that_keeps_the_service_out_is_a_no_with_its_reason(trusts: str, tmp_path: Path) -> None:
    one = sender(trusts)
    questions = asked(tmp_path, function(one.arn), roles=(one,))
    answer = reach_json(questions, reach(questions, FUNCTION), None)
    assert answer["resources"] == []
    assert answer["carried"]["verdict"] in ("ImplicitlyDenied", "ExplicitlyDenied")
    can = questions.can(FUNCTION, SEND, queue("q").arn)
    assert (can["verdict"], can["chains"]) == (answer["carried"]["verdict"], [])
    assert can["because"] == answer["carried"]["because"]


def test_what_nobody_knows_of_the_service_s_call_makes_it_conditional(tmp_path: Path) -> None:
    one = sender(document(trust(LAMBDA, Condition=GUARDED)))
    questions = asked(tmp_path, function(one.arn), roles=(one,))
    assert {str(row.verdict) for row in reach(questions, FUNCTION)} == {"Conditional"}
    answer = questions.can(FUNCTION, SEND, queue("q").arn)
    assert answer["verdict"] == "Conditional"
    assert "aws:SourceArn" in json.dumps(answer["residual"])
    verdicts = [
        questions.can(FUNCTION, SEND, queue("q").arn, Overrides.of({"aws:SourceArn": [said]}))["verdict"]
        for said in (FUNCTION, f"{FUNCTION}2")
    ]
    assert verdicts == ["Allowed", "ImplicitlyDenied"]


def test_a_role_that_was_not_collected_is_unknown_where_its_account_was_not_read(tmp_path: Path) -> None:
    gone, far = f"arn:aws:iam::{ONE}:role/gone", f"arn:aws:iam::{TWO}:role/far"
    own = function(far, arn=f"{FUNCTION}2")
    questions = asked(tmp_path, function(gone), own, unread_principals=(TWO,))
    assert questions.can(FUNCTION, SEND, queue("q").arn)["verdict"] == "ImplicitlyDenied"
    answer = questions.can(own.arn, SEND, queue("q").arn)
    assert (answer["verdict"], answer["residual"]) == ("Conditional", {"document": f"{far}#trust"})
    assert answer["carried"]["residual"] == answer["residual"]


def test_a_role_that_was_not_told_is_unknown_too(tmp_path: Path) -> None:
    profile = f"arn:aws:iam::{ONE}:instance-profile/p"
    machine = Resource(
        arn=f"arn:aws:ec2:us-east-1:{ONE}:instance/i-1",
        type="ec2:instance",
        account=ONE,
        region="us-east-1",
        unread_role=profile,
    )
    questions = asked(tmp_path, machine)
    carried = carried_by(reach(questions, machine.arn))
    assert carried is not None
    assert (carried.role, str(carried.outcome.verdict), carried.outcome.residual) == (
        "",
        "Conditional",
        {"document": profile},
    )
    assert questions.can(machine.arn, SEND, queue("q").arn)["verdict"] == "Conditional"


@pytest.mark.parametrize(("kind", "service"), SERVICES.items())
def test_each_kind_has_the_service_that_its_role_must_trust(kind: str, service: str, tmp_path: Path) -> None:
    right, wrong = (sender(document(trust({"Service": name}))) for name in (service, "sns.amazonaws.com"))
    for number, (one, expected) in enumerate(((right, "Allowed"), (wrong, "ImplicitlyDenied"))):
        carrier = function(one.arn, type=kind)
        questions = asked(tmp_path / str(number), carrier, roles=(one,))
        assert questions.can(carrier.arn, SEND, queue("q").arn)["verdict"] == expected


def test_people_and_roles_have_no_way_through_what_carries_a_role(tmp_path: Path) -> None:
    one, ann = sender(), user("ann", ONE, allow("lambda:*"))
    questions = asked(tmp_path, function(one.arn), roles=(one,), users=(ann,))
    who = {row["principal"]: row["via"] for row in questions.who_can(SEND, queue("q").arn)["principals"]}
    assert FUNCTION not in who and ann.arn not in who
    assert who["lambda.amazonaws.com"] == [one.arn]
    assert paths(questions, ann.arn, one.arn)["paths"] == []


def test_what_carries_no_role_is_no_principal(tmp_path: Path) -> None:
    one = sender()
    bare = function("", arn=f"{FUNCTION}2")
    questions = asked(tmp_path, function(one.arn), bare, roles=(one,))
    # A version of a function may have another role than the function has now.
    for arn in (bare.arn, f"{FUNCTION}:7", f"{FUNCTION}3"):
        with pytest.raises(UnknownNameError, match="that carries a role in snapshot"):
            questions.can(arn, SEND, queue("q").arn)
    with pytest.raises(ArnError, match="wrong principal"):
        questions.can(queue("q").arn, SEND, queue("q").arn)
    # Nothing but `can`, `reach` and the beginning of `paths` takes one.
    with pytest.raises(ArnError, match="wrong principal"):
        subject_of(questions.world, FUNCTION)


INSTANCE, CHINESE = "ec2.amazonaws.com", "ec2.amazonaws.com.cn"


@pytest.mark.parametrize(
    ("partition", "trusted", "verdict", "service"),
    [
        ("aws-cn", CHINESE, "Allowed", CHINESE),
        ("aws-cn", INSTANCE, "Allowed", INSTANCE),
        ("aws-cn", "lambda.amazonaws.com", "ImplicitlyDenied", CHINESE),
        ("aws", INSTANCE, "Allowed", INSTANCE),
        ("aws", CHINESE, "ImplicitlyDenied", INSTANCE),
        ("aws-us-gov", INSTANCE, "Allowed", INSTANCE),
    ],
)
def test_in_china_ec2_has_a_name_of_its_own_beside_the_usual_one(
    partition: str, trusted: str, verdict: str, service: str, tmp_path: Path
) -> None:
    one = sender(document(trust({"Service": trusted})))
    one = replace(one, arn=one.arn.replace("arn:aws:", f"arn:{partition}:"))
    arn = f"arn:{partition}:ec2:cn-north-1:{ONE}:instance/i-1"
    instance = Resource(arn=arn, type="ec2:instance", account=ONE, region="cn-north-1", name="i-1", role=one.arn)
    questions = asked(tmp_path, instance, roles=(one,))
    answer = questions.can(arn, SEND, queue("q").arn)
    assert (answer["verdict"], answer["carried"]["service"]) == (verdict, service)
    rows = [row["verdict"] for row in expanded(reach(questions, arn), None) if row["resource"] == queue("q").arn]
    assert rows == ([verdict] if verdict == "Allowed" else [])
