"""Conditions and denials in words: no double negative, nothing said twice."""

from __future__ import annotations

from typing import Any

import pytest

from policy.cases import read_case
from policy.decide import decide
from policy.explain import explain, in_words
from policy.expression import DocumentLeaf, KeyLeaf, Not, Where

HERE = Where("scp", "p", None, 0)
ALICE = "arn:aws:iam::111111111111:user/alice"
ALLOW = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}


def leaf(operator: str, *values: str) -> KeyLeaf:
    return KeyLeaf("aws:SourceVpc", operator, values, "environment", HERE)


@pytest.mark.parametrize(
    ("operator", "holds", "fails"),
    [
        ("StringEquals", "aws:SourceVpc is `a` or `b`", "aws:SourceVpc is not any of `a`, `b`"),
        ("StringNotEquals", "aws:SourceVpc is not any of `a`, `b`", "aws:SourceVpc is `a` or `b`"),
        ("StringNotLike", "aws:SourceVpc does not match any of `a`, `b`", "aws:SourceVpc matches `a` or `b`"),
        ("NotIpAddress", "aws:SourceVpc is not in any of `a`, `b`", "aws:SourceVpc is in `a` or `b`"),
        (
            "StringEqualsIfExists",
            "aws:SourceVpc is `a` or `b`, if it is there at all",
            "aws:SourceVpc is not any of `a`, `b`, and is there",
        ),
        (
            "StringNotEqualsIfExists",
            "aws:SourceVpc is not any of `a`, `b`, if it is there at all",
            "aws:SourceVpc is `a` or `b`",
        ),
        (
            "ForAnyValue:StringEquals",
            "some value of aws:SourceVpc is `a` or `b`",
            "no value of aws:SourceVpc is `a` or `b`",
        ),
        (
            "ForAllValues:StringNotEquals",
            "every value of aws:SourceVpc is not any of `a`, `b`",
            "not every value of aws:SourceVpc is not any of `a`, `b`",
        ),
    ],
)
def test_a_denial_is_said_by_the_opposite_word(operator: str, holds: str, fails: str) -> None:
    assert in_words(leaf(operator, "a", "b")) == holds
    assert in_words(Not(leaf(operator, "a", "b"))) == fails


def test_a_key_that_must_be_absent_is_said_so() -> None:
    assert in_words(leaf("Null", "true")) == "the request does not have aws:SourceVpc"
    assert in_words(Not(leaf("Null", "true"))) == "the request has aws:SourceVpc"


def test_what_was_not_read_is_called_by_its_name() -> None:
    def name(_: str) -> str:
        return "the policy of s3://b"

    assert in_words(DocumentLeaf("x"), name) == "the policy of s3://b, which was not read, allows it"
    assert in_words(Not(DocumentLeaf("b#public-access-block"))) == (
        "b#public-access-block, which was not read, does not stop it"
    )


def said(**more: Any) -> list[str]:
    case = {
        "principal": ALICE,
        "action": "s3:GetObject",
        "resource": "arn:aws:s3:::b/x",
        "identity_policies": [{"name": "all", "policy": ALLOW}],
    }
    request, inputs = read_case(case | more)
    return explain(request, inputs, decide(request, inputs))


def denying(condition: dict[str, Any] | None) -> dict[str, Any]:
    statement: dict[str, Any] = {"Sid": "Vpc", "Effect": "Deny", "Action": "*", "Resource": "*"}
    deny = {"Statement": statement | ({"Condition": condition} if condition else {})}
    return {"identity_policies": [{"name": "all", "policy": ALLOW}, {"name": "guard", "policy": deny}]}


def test_a_deny_that_hangs_on_something_unknown_would_deny_unless() -> None:
    lines = said(**denying({"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}), unknown=["aws:SourceVpc"])
    assert lines == [
        f"{ALICE} can do s3:GetObject on arn:aws:s3:::b/x, but only under conditions.",
        "Statement 1 of all (the caller's own policies) allows it.",
        "Statement `Vpc` of guard (the caller's own policies) would deny it unless aws:SourceVpc is `vpc-1`.",
    ]


def test_a_deny_that_applies_denies() -> None:
    lines = said(**denying({"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}), context={"aws:SourceVpc": "vpc-2"})
    assert lines[-1] == "Statement `Vpc` of guard (the caller's own policies) denies it."
    assert said(**denying(None))[-1] == lines[-1]
