"""Documents: everything IAM accepts is accepted, and what is wrong is named with its place."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from policy.document import parse_document
from policy.errors import PolicyError

STATEMENT = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}


def document(statement: Any = STATEMENT, **more: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": statement, **more}


@pytest.mark.parametrize(
    "raw",
    [
        document(),
        document([STATEMENT, STATEMENT | {"Sid": "a"}, STATEMENT | {"Sid": "a"}]),
        {"Statement": [STATEMENT]},
        {"Version": "2008-10-17", "Id": "x", "Statement": STATEMENT},
        document(STATEMENT | {"Sid": "Zürich-东京"}),
        document({"Effect": "Deny", "NotAction": ["iam:*"], "NotResource": ["*"]}),
        document(
            STATEMENT | {"Condition": {"Bool": {"aws:SecureTransport": True}, "NumericEquals": {"s3:max-keys": 5}}}
        ),
        document({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ["1" * 12], "Service": "x.aws"}}),
        document([]),
    ],
)
def test_iam_accepts_it(raw: dict[str, Any]) -> None:
    text = json.dumps(raw)
    parsed = parse_document(raw)
    assert parsed is parse_document(text) is parse_document(text.encode()) is parse_document(quote(text))


def test_equal_content_is_one_object() -> None:
    spaced = '{ "Statement" : [' + json.dumps(STATEMENT) + '], "Version":"2012-10-17" }'
    assert parse_document(spaced) is parse_document(document([STATEMENT]))
    assert parse_document(document()) is not parse_document(document(STATEMENT | {"Sid": "b"}))


@pytest.mark.parametrize(
    ("raw", "pointer", "reason"),
    [
        ("{", "", "not json"),
        ("[]", "", "`list` is not a policy object"),
        (document(Version="2020-01-01"), "/Version", "version `2020-01-01`"),
        ({"Version": "2012-10-17"}, "", "needs a `Statement`"),
        (document("x"), "/Statement", "neither a statement nor a list"),
        (document(["x"]), "/Statement/0", "is not a statement"),
        (document([STATEMENT, STATEMENT | {"Effect": "allow"}]), "/Statement/1/Effect", "effect `allow`"),
        (document({"Action": "*"}), "/Statement", "needs an `Effect`"),
        (document({"Effect": "Allow"}), "/Statement", "needs `Action` or `NotAction`"),
        (document(STATEMENT | {"NotAction": "*"}), "/Statement", "not both"),
        (document(STATEMENT | {"Action": ["s3:*", 5]}), "/Statement/Action/1", "`5` is not a text"),
        (document(STATEMENT | {"Action": "s3"}), "/Statement/Action", "action `s3` has no service"),
        (document(STATEMENT | {"Principle": "*"}), "/Statement/Principle", "`Principle` is no element"),
        (document(Statment=[]), "/Statment", "`Statment` is no element"),
        (document(STATEMENT | {"Principal": "me"}), "/Statement/Principal", "neither `*` nor an object"),
        (document(STATEMENT | {"Principal": {"Aws": "*"}}), "/Statement/Principal/Aws", "no kind of principal"),
        (
            document(STATEMENT | {"Condition": {"StringIs": {"a:b": "c"}}}),
            "/Statement/Condition/StringIs",
            "`StringIs`",
        ),
        (
            document(STATEMENT | {"Condition": {"NullIfExists": {"a:b": "c"}}}),
            "/Statement/Condition/NullIfExists",
            "Null",
        ),
        (document(STATEMENT | {"Condition": {"Bool": "x"}}), "/Statement/Condition/Bool", "not an object of keys"),
        (
            document(STATEMENT | {"Condition": {"Bool": {"a:b/c": [None]}}}),
            "/Statement/Condition/Bool/a:b~1c/0",
            "`None` is no condition value",
        ),
    ],
)
def test_what_iam_would_not_accept_is_named_with_its_place(raw: Any, pointer: str, reason: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_document(raw, source="inline:x")
    assert caught.value.source == "inline:x"
    assert caught.value.pointer == pointer
    assert reason in caught.value.reason
    assert str(caught.value).startswith("inline:x: ")


def test_a_hostile_pattern_costs_no_more_than_a_friendly_one() -> None:
    statement = parse_document(document(STATEMENT | {"Resource": ["a*" * 60 + "b", "x"]})).statements[0]
    test = statement.resource_patterns.plain
    assert test is not None
    assert not test("a" * 20_000)
    assert test("a" * 60 + "b")


def test_a_long_list_of_actions_is_dispatched_by_service() -> None:
    listed = [f"s3:Get{i}" for i in range(300)] + ["ec2:*", "*:List*"]
    statement = parse_document(document(STATEMENT | {"Action": listed})).statements[0]
    assert statement.acts is not None
    assert statement.acts("s3:get7")
    assert statement.acts("ec2:anything")
    assert statement.acts("iam:listusers")
    assert not statement.acts("s3:put7")
    assert not statement.acts("iam:getuser")
