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
        document(STATEMENT | {"Action": [], "Resource": [], "Condition": {}}),
        document(STATEMENT | {"Condition": {"StringEquals": {"a:b": []}, "Bool": {}}}),
        document(
            STATEMENT | {"Action": ["*", "**", "*:*", "s3:*Object?", "S3:GETOBJECT", "elasticloadbalancing-v2:*"]}
        ),
        document(STATEMENT | {"Resource": ["arn:*:s3:::b", "arn:aws:s3:::b/${aws:username}/*", "/1/queue", "*"]}),
        document(STATEMENT | {"Principal": "*"}),
        document(STATEMENT | {"Principal": {"AWS": "*"}}),
        document(STATEMENT | {"Principal": {"*": "*"}}),
        document(STATEMENT | {"Principal": {}}),
        document(STATEMENT | {"NotPrincipal": {"AWS": [], "Federated": ["x.com"], "CanonicalUser": "a" * 64}}),
        document(STATEMENT | {"Condition": {"foranyvalue:stringlikeifexists": {"AWS:TagKeys": ["a", 'ü"\n/~']}}}),
        document(STATEMENT | {"Condition": {"NumericLessThan": {"a:b": [1, -1.5, 10**30], "a:c": False}}}),
        document([STATEMENT | {"Sid": f"s{i}", "Resource": [f"arn:aws:s3:::bucket-{i}/*"]} for i in range(90)]),
        document(STATEMENT | {"Sid": "", "Effect": "Deny"}, Id="😀 and spaces"),
    ],
)
def test_iam_accepts_it(raw: dict[str, Any]) -> None:
    text = json.dumps(raw)
    parsed = parse_document(raw)
    assert parsed is parse_document(text) is parse_document(text.encode()) is parse_document(quote(text))
    assert parsed is parse_document(b"\xef\xbb\xbf" + text.encode()) is parse_document("\ufeff" + text)
    assert parsed is parse_document(json.dumps(raw, indent=2, ensure_ascii=False))
    assert parsed is parse_document(quote(f"\n {text}\n")), "white space is percent-encoded too"
    assert parsed is parse_document(f"\r\n\t{text} ")


def test_equal_content_is_one_object() -> None:
    spaced = '{ "Statement" : [' + json.dumps(STATEMENT) + '], "Version":"2012-10-17" }'
    assert parse_document(spaced) is parse_document(document([STATEMENT]))
    assert parse_document(document()) is not parse_document(document(STATEMENT | {"Sid": "b"}))


@pytest.mark.parametrize(
    ("raw", "pointer", "reason"),
    [
        ("{", "", "not json"),
        ("", "", "not json: expecting value: line 1 column 1"),
        ('{"Version":\n "2012-10-17",}', "", "line 2 column 15"),
        ('{"Statement": []} {}', "", "extra data: line 1 column 19"),
        (b"\xff\xfe{\x00}\x00", "", "not json: 'utf-8' codec"),
        ("%7B%22Statement%22:%20[%ff]%7D", "", "not json: 'utf-8' codec"),
        ("[" * 100_000, "", "not json: nested too deeply"),
        ("[]", "", "`[]` is not a policy object"),
        ("null", "", "`null` is not a policy object"),
        ('{"Statement": [], "Statement": []}', "/Statement", "key `Statement` is there twice"),
        (
            '{"Statement": [{"Effect": "Allow", "Action": "*", "Condition": {"Bool": {"a:b/c": "", "a:b/c": ""}}}]}',
            "/Statement/0/Condition/Bool/a:b~1c",
            "key `a:b/c` is there twice",
        ),
        ('{"Statement": NaN}', "/Statement", "`NaN` is no json number"),
        ('{"Statement": [-Infinity]}', "/Statement/0", "`-Infinity` is no json number"),
        ('{"Statement": [1e999]}', "/Statement/0", "number `1e999` is too large"),
        ('{"Statement": ' + "9" * 5000 + "}", "/Statement", "a number of 5,000 digits is too long"),
        (r'{"Statement": [], "Id": "\ud83d"}', "/Id", "half a character"),
        (r'{"Statement": [], "\ude00": ""}', r"/\ude00", "half a character"),
        ({"Statement": [], "Id": "\ud800"}, "/Id", "half a character"),
        ({1: 2, "Statement": []}, "", "not json"),
        (document({"Effect": float("nan")}), "", "not json"),
        (document(Version=None), "/Version", "version `null`"),
        (document(Version=20121017), "/Version", "version `20121017`"),
        (document(Id=7), "/Id", "`7` is not a text"),
        ({"version": "2012-10-17", "Statement": []}, "/version", "`version` is no element of a policy"),
        (document(Version="2020-01-01"), "/Version", "version `2020-01-01`"),
        ({"Version": "2012-10-17"}, "", "needs a `Statement`"),
        (document("x"), "/Statement", "neither a statement nor a list"),
        (document(["x"]), "/Statement/0", "is not a statement"),
        (document([STATEMENT, STATEMENT | {"Effect": "allow"}]), "/Statement/1/Effect", "effect `allow`"),
        (document({"Action": "*"}), "/Statement", "needs an `Effect`"),
        (document({"Action": "*", "Effect": None}), "/Statement/Effect", "effect `null`"),
        (document(STATEMENT | {"Effect": ["Allow"]}), "/Statement/Effect", 'effect `["Allow"]`'),
        (document(STATEMENT | {"Sid": None}), "/Statement/Sid", "`null` is not a text"),
        (document(STATEMENT | {"effect": "Allow"}), "/Statement/effect", "`effect` is no element"),
        (document(STATEMENT | {"a/b~": 1}), "/Statement/a~1b~0", "`a/b~` is no element"),
        (document(STATEMENT | {"Action": None}), "/Statement/Action", "`null` is neither a text nor a list"),
        (document(STATEMENT | {"NotResource": "*"}), "/Statement", "has `Resource` or `NotResource`, not both"),
        (document(STATEMENT | {"Action": [""]}), "/Statement/Action/0", "action `` has no service"),
        (document(STATEMENT | {"Action": ":Get"}), "/Statement/Action", "action `:Get` has no service"),
        (document(STATEMENT | {"Action": "s3:Get:x"}), "/Statement/Action", "more than one colon"),
        (document(STATEMENT | {"Action": "my s3:Get"}), "/Statement/Action", "does not begin with a service"),
        (document(STATEMENT | {"Resource": "foo"}), "/Statement/Resource", "resource `foo` is neither an ARN nor `*`"),
        (document(STATEMENT | {"Resource": ["*", ""]}), "/Statement/Resource/1", "neither an ARN nor `*`"),
        (document(STATEMENT | {"Resource": ["*", {}]}), "/Statement/Resource/1", "`{}` is not a text"),
        (document(STATEMENT | {"Principal": None}), "/Statement/Principal", "`null` is neither `*` nor an object"),
        (document(STATEMENT | {"Principal": {"AWS": ["*", 12]}}), "/Statement/Principal/AWS/1", "`12` is not a text"),
        (document(STATEMENT | {"Principal": {"AWS": 12}}), "/Statement/Principal/AWS", "neither a text nor a list"),
        (
            document(STATEMENT | {"Principal": "*", "NotPrincipal": "*"}),
            "/Statement",
            "has `Principal` or `NotPrincipal`, not both",
        ),
        (document(STATEMENT | {"Condition": None}), "/Statement/Condition", "`null` is not an object of operators"),
        (document(STATEMENT | {"Condition": []}), "/Statement/Condition", "`[]` is not an object of operators"),
        (document(STATEMENT | {"Condition": {"Bool": {"a:b": {}}}}), "/Statement/Condition/Bool/a:b", "`{}` is no"),
        (
            document(STATEMENT | {"Condition": {"ForSome:Bool": {"a:b": ""}}}),
            "/Statement/Condition/ForSome:Bool",
            "`ForSome:Bool` is no condition operator",
        ),
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
            "`null` is no condition value",
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


def test_an_error_is_one_line_however_long_the_value() -> None:
    with pytest.raises(PolicyError) as caught:
        parse_document(document(STATEMENT | {"Action": "x" * 100_000}))
    assert len(str(caught.value)) < 200
    assert caught.value.reason.encode()


def test_an_object_nested_too_deeply_is_an_error_and_no_crash() -> None:
    deep: Any = "x"
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(PolicyError, match="nested too deeply"):
        parse_document(document(STATEMENT | {"Action": deep}))


@pytest.mark.parametrize(
    ("statement", "normal"),
    [
        (STATEMENT | {"Action": ["s3:Get*"]}, STATEMENT | {"Action": "s3:Get*"}),
        (STATEMENT | {"Action": ["s3:Get*", "s3:Put*"], "Sid": ""}, None),
        ({"Effect": "Deny", "NotAction": [], "NotResource": ["*", "*"], "NotPrincipal": {"AWS": ["b", "a"]}}, None),
        (STATEMENT | {"Principal": "*"}, None),
        (STATEMENT | {"Principal": {"AWS": "*"}}, None),
        (
            STATEMENT | {"Principal": {"Service": ["SNS.eu-west-1.amazonaws.com"], "AWS": "1" * 12}},
            STATEMENT | {"Principal": {"Service": "SNS.eu-west-1.amazonaws.com", "AWS": "1" * 12}},
        ),
        (STATEMENT | {"Principal": "1" * 12}, STATEMENT | {"Principal": {"AWS": "1" * 12}}),
        (
            STATEMENT | {"Condition": {"Bool": {"aws:SecureTransport": [True]}, "NumericEquals": {"a:b": [1, 2.5]}}},
            STATEMENT
            | {"Condition": {"Bool": {"aws:SecureTransport": "true"}, "NumericEquals": {"a:b": ["1", "2.5"]}}},
        ),
        (
            STATEMENT | {"Condition": {"StringLike": {"a:b": "x", "A:B": []}, "stringlike": {"a:b": ["${a:c, 'd'}"]}}},
            STATEMENT | {"Condition": {"StringLike": {"a:b": "x", "A:B": []}, "stringlike": {"a:b": "${a:c, 'd'}"}}},
        ),
    ],
)
def test_a_document_writes_what_it_was_compiled_from(statement: dict[str, Any], normal: Any) -> None:
    parsed = parse_document(document(statement, Id="x"))
    assert parsed.to_json() == document([normal or statement], Id="x")
    assert parse_document(parsed.to_json()).to_json() == parsed.to_json()
    assert "Version" not in parse_document({"Statement": statement}).to_json()


def test_a_hostile_pattern_costs_no_more_than_a_friendly_one() -> None:
    statement = parse_document(document(STATEMENT | {"Resource": ["a*" * 60 + "b", "x:y"]})).statements[0]
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
