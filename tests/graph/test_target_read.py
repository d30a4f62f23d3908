"""Units told apart by what conditions say of their tags and region: looked up where conditions ask for texts, and the
same as tried."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from graph.reading import _texts_named
from graph.told import NOTHING
from graph.world import World
from model.entities import Resource
from policy.conditions import condition_of
from policy.verdicts import Verdict
from tests.graph.test_quotient import decided, differences, granted, questions, verdict_of
from tests.graph.worlds import (
    ONE,
    OPEN,
    Json,
    allow,
    bucket,
    deny,
    key,
    made_world,
    queue,
    role,
    scp,
    secret,
    seeds,
    table,
    user,
)

TEAMS = ("red", "Red", "blue", "", "r*d", "other", "others", "${aws:PrincipalTag/team}")
VALUES: tuple[Any, ...] = (
    "${aws:PrincipalTag/team}",
    "${aws:PrincipalTag/team, 'blue'}",
    "${aws:ResourceTag/team}",
    "${aws:PrincipalTag/team}-x",
    "red",
    "r*d",
    "",
    ["red", "${aws:PrincipalTag/team}"],
    ["other", "others", "blue"],
)
OPERATORS = (
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIfExists",
    "StringNotEqualsIfExists",
    "ForAnyValue:StringEquals",
    "ForAllValues:StringEquals",
    "StringLike",
    "StringEqualsIgnoreCase",
)


def _conditions(draw: random.Random) -> Json:
    keys = ("aws:ResourceTag/team", "aws:ResourceTag/Team", "aws:ResourceTag/env")
    some = {draw.choice(OPERATORS): {draw.choice(keys): draw.choice(VALUES)} for _ in range(draw.choice((1, 1, 2)))}
    return {"Condition": some}


@pytest.mark.parametrize("seed", seeds(8, 400))
def test_many_who_have_tags_hold_what_single_decisions_say(seed: int) -> None:
    draw = random.Random(seed)
    some = made_world(
        users=tuple(
            user(
                f"u{number}",
                ONE,
                allow(["sqs:*", "secretsmanager:*", "s3:*"], **_conditions(draw)),
                *([deny("sqs:Send*", **_conditions(draw))] if draw.random() < 0.5 else []),
                tags=draw.choice([{}, *({"team": team} for team in TEAMS)]),
            )
            for number in range(5)
        ),
        resources=(
            *(queue(f"q{n}", tags={"team": team}) for n, team in enumerate(TEAMS)),
            *(secret(f"s{n}", tags={"Team": draw.choice(TEAMS), "env": draw.choice(TEAMS)}) for n in range(4)),
            *(queue("plain"), queue("unread", tags=None), bucket("b", tags={"team": "red"})),
        ),
    )
    assert granted(some)
    assert differences(some, seed, contents=False) == []


def test_what_asks_for_more_than_texts_is_tried() -> None:
    def named(operator: str, value: str) -> frozenset[str] | None:
        return _texts_named([condition_of(operator, "aws:ResourceTag/t", (value,))], "aws:resourcetag/t", NOTHING)

    assert named("StringEquals", "red") == frozenset({"red"})
    assert named("StringLike", "red") == frozenset({"red"})
    assert named("StringEquals", "${aws:PrincipalTag/none}") is None
    for operator, value in (
        *(("StringLike", "r*d"), ("StringEqualsIgnoreCase", "red"), ("NumericEquals", "1"), ("Null", "true")),
        ("StringEquals", "${aws:ResourceTag/t}"),
    ):
        assert named(operator, value) is None
    assert _texts_named([None], "aws:resourcetag/t", NOTHING) is None


def agreed(some: World) -> list[tuple[str, str, Verdict | None]]:
    """(type, action, verdict) of what user u may do on each thing: single decisions say so of every member, too."""
    grants, found = granted(some), []
    for item, arn, subject, actions in questions(some):
        if subject.key.endswith("user/u") and not item.open:
            for action in actions:
                verdict = verdict_of(grants.get((subject.index, item.index, action)))
                assert verdict == verdict_of(decided(some, subject, action, arn)), (action, arn)
                found.append((item.type, action, verdict))
    return found


@pytest.mark.parametrize("operator", ["StringEquals", "StringNotEquals"])
def test_what_regional_services_do_with_a_role_has_a_region_of_the_callers_choice(operator: str) -> None:
    """Calls of IAM are made in us-east-1, as a guardrail that denies a region reads them; those of EC2 and Systems
    Manager about a role anywhere."""
    some = made_world(
        users=(user("u", ONE, allow("*")),),
        roles=(role("r", ONE),),
        guardrails=(
            scp("all", allow("*")),
            scp("regions", deny("*", Condition={operator: {"aws:RequestedRegion": "us-east-1"}})),
        ),
    )
    grants = granted(some)
    (item,) = [one for one in some.classes if role("r", ONE).arn in one.members]
    (subject,) = [one for one in some.subjects.deciding() if one.key.endswith("user/u")]
    found = {}
    for action in (
        "iam:GetRole",
        "iam:PassRole",
        "ssm:UpdateManagedInstanceRole",
        "ec2:AssociateEnclaveCertificateIamRole",
    ):
        found[action] = verdict_of(grants.get((subject.index, item.index, action)))
        assert found[action] == verdict_of(decided(some, subject, action, role("r", ONE).arn))
    assert found["iam:GetRole"] == (None if operator == "StringEquals" else Verdict.ALLOWED)
    assert (
        found["ssm:UpdateManagedInstanceRole"] == found["ec2:AssociateEnclaveCertificateIamRole"] == Verdict.CONDITIONAL
    )


@pytest.mark.parametrize("effect", [allow, deny])
@pytest.mark.parametrize("operator", ["StringEquals", "StringNotEquals"])
@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_other_services_act_on_regional_things_where_these_are_and_on_roles_anywhere(
    region: str, operator: str, effect: Callable[..., Json]
) -> None:
    """Each is decided for itself, also where nothing but this tells an action on a role from one on a table there."""
    topic = replace(queue("q"), arn=f"arn:aws:sns:us-east-1:{ONE}:topic", type="sns:topic")
    asks = {"Condition": {operator: {"aws:RequestedRegion": region}}}
    some = made_world(
        users=(user("u", ONE, *([] if effect is allow else [allow("*")]), effect("*", **asks)),),
        resources=(queue("q"), bucket("b"), table("t"), topic),
        roles=(role("r", ONE),),
    )
    held = agreed(some)
    found = {(kind, said) for kind, action, said in held if action.partition(":")[0] != kind.partition(":")[0]}
    assert ("iam:role", Verdict.CONDITIONAL) in found


@pytest.mark.parametrize("effect", [allow, deny])
@pytest.mark.parametrize("operator", ["StringEquals", "StringNotEquals"])
@pytest.mark.parametrize("name", ["kms:CallerAccount", "s3:ResourceAccount", "aws:SourceOwner"])
def test_keys_of_one_service_say_nothing_sure_in_requests_of_others(
    name: str, operator: str, effect: Callable[..., Json]
) -> None:
    """Also where both are about one thing, as EventBridge and KMS are about a key."""
    asks = {"Condition": {operator: {name: ONE}}}
    own = allow("kms:*", Principal={"AWS": f"arn:aws:iam::{ONE}:root"})
    some = made_world(
        users=(user("u", ONE, *([] if effect is allow else [allow("*")]), effect("*", **asks)),),
        resources=(queue("q"), bucket("b"), key("k", ONE, own)),
        roles=(role("r", ONE),),
    )
    found = {action: verdict for _, action, verdict in agreed(some)}
    known = {"kms:CallerAccount": "kms:Decrypt", "s3:ResourceAccount": "s3:ListBucket"}.get(name)
    sure = Verdict.ALLOWED if (operator == "StringEquals") is (effect is allow) else None
    for action in ("kms:Decrypt", "events:CreateArchive", "s3:ListBucket", "sqs:SendMessage"):
        assert found[action] == (sure if action == known else Verdict.CONDITIONAL), action


OWN_KEY = allow("kms:*", Principal={"AWS": f"arn:aws:iam::{ONE}:root"})
#: Patterns with variables that hang on what is asked for, and things with such names and others.
VARYING = [
    (
        "kms:*",
        "arn:aws:kms:*:*:key/${kms:CallerAccount}*",
        [key(name, ONE, OWN_KEY) for name in ("k", ONE, ONE + "-x")],
    ),
    *(
        ("s3:*", f"arn:aws:s3:::logs-${{{account}}}{tail}", [bucket(name) for name in ("logs-" + ONE, "logs-foo", "b")])
        for account in ("aws:ResourceAccount", "s3:ResourceAccount", "aws:PrincipalAccount")
        for tail in ("", "/*")
    ),
    ("s3:*", "arn:aws:s3:::b/${aws:ResourceAccount}/*", [bucket("b"), bucket("c")]),
    ("s3:*", "arn:aws:s3:::b/${aws:RequestedRegion}/*", [bucket("b"), bucket("c")]),
    ("s3:*", "arn:aws:s3:::b/${s3:ResourceAccount}/*", [bucket("b"), bucket("c")]),
    (
        "s3:*",
        "arn:aws:s3:::*/${aws:ResourceTag/team}/*",
        [replace(bucket("b", tags={"team": "red"}), s3=replace(OPEN, abac=True)), bucket("c", tags={"team": "red"})],
    ),
    ("dynamodb:*", "arn:aws:dynamodb:*:*:table/*/index/${aws:ResourceTag/team}", [table("t", tags={"team": "red"})]),
    ("sqs:*", "arn:aws:sqs:*:*:q-${aws:ResourceAccount}", [queue(name) for name in ("q-" + ONE, "q-z", "x")]),
    ("sqs:*", "arn:aws:sqs:*:*:q-${aws:RequestedRegion}", [queue(name) for name in ("q-us-east-1", "q-z", "x")]),
    (
        "sqs:*",
        "arn:aws:sqs:*:*:q-${aws:ResourceTag/team}",
        [queue("q-red", tags={"team": "red"}), queue("q-blue", tags={"team": "red"}), queue("q-", tags={})],
    ),
]


@pytest.mark.parametrize("denied", [False, True])
@pytest.mark.parametrize(("actions", "pattern", "things"), VARYING, ids=[one[1] for one in VARYING])
def test_patterns_are_about_what_their_variables_say_in_each_request(
    actions: str, pattern: str, things: list[Resource], *, denied: bool
) -> None:
    """Of who asks alone the value is not known: two that it might name are not alike for that."""
    own = [allow(actions), deny(actions, pattern)] if denied else [allow(actions, pattern)]
    some = made_world(users=(user("u", ONE, *own),), resources=tuple(things))
    seen = {verdict for _, _, verdict in agreed(some)}
    assert {None, Verdict.ALLOWED} <= seen


@pytest.mark.parametrize("key_of", ["aws:ResourceAccount", "s3:ResourceAccount", "aws:RequestedRegion"])
def test_a_folder_by_a_variable_that_hangs_on_the_bucket_is_a_part_of_its_own(key_of: str) -> None:
    folder = "us-east-1" if key_of == "aws:RequestedRegion" else ONE
    pattern = f"arn:aws:s3:::b/${{{key_of}}}/*"
    some = made_world(users=(user("u", ONE, allow("s3:*", pattern)),), resources=(bucket("b"),))
    assert f"arn:aws:s3:::b/{folder}/*" in [item.pattern for item in some.classes]
