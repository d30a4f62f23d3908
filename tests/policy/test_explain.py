"""Conditions and denials in words: no double negative, nothing said twice."""

from __future__ import annotations

from typing import Any

import pytest

from policy.cases import read_case
from policy.decide import decide
from policy.explain import explain, in_words, words_of
from policy.expression import All, DocumentLeaf, KeyLeaf, Not, Some, Where
from policy.wording import in_lines

HERE = Where("scp", "p", None, 0)
ACCOUNT = "111111111111"
ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"
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

    assert in_words(DocumentLeaf("arn:aws:ec2:*:1:subnet/*")) == "the policies allow it on arn:aws:ec2:*:1:subnet/* too"
    assert in_words(DocumentLeaf("x"), name) == "the policy of s3://b, which was not read, allows it"
    # A document is true if it allows the request: what has to hold is that the block does not stop it.
    assert in_words(DocumentLeaf("b#public-access-block")) == (
        "b#public-access-block, which was not read, does not stop it"
    )
    assert in_words(Not(DocumentLeaf("b#public-access-block"))) == (
        "b#public-access-block, which was not read, stops it"
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
    assert lines[1:] == [
        "Statement `Vpc` of guard (the caller's own policies) denies it.",
        "It does not apply where aws:SourceVpc is `vpc-1`.",
    ]
    assert said(**denying(None))[1:] == lines[1:2]


def test_a_long_condition_is_told_in_lines() -> None:
    three = All((leaf("StringEquals", "a"), leaf("StringLike", "b*"), Some((leaf("Null", "true"), leaf("IpAddress")))))
    assert in_lines(three) == [
        "all of these hold:",
        "  - aws:SourceVpc is `a`",
        "  - aws:SourceVpc matches `b*`",
        "  - the request does not have aws:SourceVpc or aws:SourceVpc is in nothing",
    ]
    assert in_lines(Not(three))[0] == "one of these holds:"
    nested = Some((three, leaf("StringEquals", "c")))
    assert in_lines(nested)[:2] == ["one of these holds:", "  - all of these hold:"]
    assert in_lines(nested)[2] == "    - aws:SourceVpc is `a`"
    assert in_lines(All((leaf("StringEquals", "a"), leaf("StringLike", "b*")))) == [
        "aws:SourceVpc is `a` and aws:SourceVpc matches `b*`"
    ]


def test_a_condition_of_several_parts_stays_one_sentence_of_several_lines() -> None:
    keys = {"aws:SourceVpc": "vpc-1", "aws:SourceAccount": ACCOUNT, "aws:RequestedRegion": "eu-west-1"}
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringEquals": keys}}
    policies = [{"name": "p", "policy": {"Statement": statement}}]
    assert said(identity_policies=policies, unknown=list(keys))[-1] == (
        "It is allowed exactly when all of these hold:\n"
        "  - aws:SourceVpc is `vpc-1`\n"
        "  - aws:SourceAccount is `111111111111`\n"
        "  - aws:RequestedRegion (the caller's choice) is `eu-west-1`."
    )


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("2026-01-01T00:00:00Z", "aws:SourceVpc is before 1 January 2026"),
        ("2026-01-01T13:30:00+01:00", "aws:SourceVpc is before 1 January 2026, 12:30:00 UTC"),
        ("1767225600", "aws:SourceVpc is before 1 January 2026"),
        ("soon", "aws:SourceVpc is before `soon`"),
    ],
)
def test_dates_are_written_as_people_write_them(value: str, told: str) -> None:
    assert in_words(leaf("DateLessThan", value)) == told


def test_the_arn_of_one_thing_is_called_by_its_name_and_a_pattern_is_not() -> None:
    def name(text: str) -> str:
        return {ALICE: "user alice", ACCOUNT: "account prod"}.get(text, text)

    assert in_words(leaf("ArnLike", ALICE), name) == "aws:SourceVpc matches user alice"
    assert in_words(leaf("StringEquals", ACCOUNT), name) == "aws:SourceVpc is account prod"
    assert in_words(leaf("ArnLike", "arn:aws:iam::*:user/x"), name) == "aws:SourceVpc matches `arn:aws:iam::*:user/x`"


def limited(level: str, policy: dict[str, Any], kind: str = "scps") -> dict[str, Any]:
    return {kind: [{"level": level, "policies": [{"name": "guard", "policy": policy}]}]}


EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def test_a_guardrail_is_told_with_the_place_it_is_set_on() -> None:
    deny = {"Statement": [EVERYTHING, EVERYTHING | {"Sid": "No", "Effect": "Deny"}]}
    assert said(**limited("OU Prod", deny))[1:] == [
        "Statement `No` of guard (the organisation's limit on OU Prod) denies it."
    ]
    silent = said(**limited("OU Prod", {"Statement": EVERYTHING | {"Action": "ec2:*"}}))
    assert silent[1:] == [
        "No service control policy on OU Prod allows it, and each level of the organisation has to.",
        "For this to be allowed, a service control policy on OU Prod would have to allow it.",
    ]


def test_a_deny_whose_condition_is_mixed_with_another_statements_is_told_by_its_own() -> None:
    both = {"StringEquals": {"aws:SourceVpc": "vpc-1"}}
    allow = EVERYTHING | {"Resource": "arn:aws:s3:::b/${aws:PrincipalTag/team}/*", "Condition": both}
    deny = EVERYTHING | {"Sid": "No", "Effect": "Deny", "Resource": "arn:aws:s3:::b/${aws:PrincipalTag/team}/*"}
    policy = {"Version": "2012-10-17", "Statement": [EVERYTHING, allow, deny | {"Condition": both}]}
    unknown = ["aws:SourceVpc", "aws:PrincipalTag/team"]
    lines = said(identity_policies=[{"name": "p", "policy": policy}], unknown=unknown, resource="arn:aws:s3:::b/a/x")
    assert any(line.startswith("Statement `No` of p (the caller's own policies) would deny it") for line in lines)
    assert not any("under conditions" in line for line in lines[1:])


def test_a_not_principal_is_told_by_whom_it_spares() -> None:
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*", "NotPrincipal": {"AWS": [f"{ALICE}2", ACCOUNT]}}
    assert said(resource_account=ACCOUNT, resource_policy={"Statement": deny})[-1] == (
        f"It denies everybody but {ACCOUNT}, {ALICE}2."
    )


BUCKET = {"resource_account": "222222222222", "resource_policy": {"Statement": []}}
KEY = {"action": "kms:Decrypt", "resource": f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1", "resource_account": ACCOUNT}


@pytest.mark.parametrize(
    ("more", "needed"),
    [
        ({}, "one of the caller's own policies (or the resource's own policy, naming the caller itself)"),
        (
            {"permission_boundaries": [{"Statement": []}]},
            "one of the caller's own policies and the permissions boundary "
            "(or the resource's own policy, naming the caller itself)",
        ),
        (BUCKET, "one of the caller's own policies and the resource's own policy"),
        (KEY, "the resource's own policy, naming the caller itself,"),
        ({"action": "ec2:DescribeVpcs", "resource": "*"}, "one of the caller's own policies"),
        ({"principal": "anonymous", **BUCKET}, "the resource's own policy"),
        ({"identity_policies": [ALLOW], **BUCKET}, "the resource's own policy"),
        ({"identity_policies": [ALLOW], "session_policies": [{"Statement": []}], **BUCKET}, "the session policy and"),
    ],
)
def test_what_is_missing_is_said_where_nothing_allows(more: dict[str, Any], needed: str) -> None:
    lines = said(**({"identity_policies": [], "resource_account": ACCOUNT} | more))
    assert lines[-1].startswith(f"For this to be allowed, {needed}"), lines
    assert lines[-1].endswith(" would have to allow it.")
    foreign = more.get("resource_account") == "222222222222" and "principal" not in more
    assert any("another account" in line for line in lines) is foreign


def test_nothing_is_suggested_where_a_rule_of_aws_refuses() -> None:
    root = f"arn:aws:iam::{ACCOUNT}:root"
    role = f"arn:aws:iam::{ACCOUNT}:role/r"
    assert said(principal=root, action="sts:AssumeRole", resource=role)[1:] == [
        "The root user of an account cannot assume roles."
    ]
    assert said(principal=role, action="sts:GetSessionToken", resource="*")[1:] == [
        "Only an IAM user and the root user can ask for a session token of their own."
    ]


def test_words_that_need_explaining_are_explained() -> None:
    case: dict[str, Any] = {"principal": ALICE, "action": "s3:GetObject", "resource": "arn:aws:s3:::b/x"}
    case |= {"resource_account": ACCOUNT, "identity_policies": [ALLOW], "unknown": ["aws:MultiFactorAuthPresent"]}
    case |= limited("OU Prod", {"Statement": [EVERYTHING, DENY_WITHOUT_MFA]})
    request, inputs = read_case(case)
    assert words_of(request, inputs, decide(request, inputs)) == {
        "s3:GetObject": "retrieve objects from Amazon S3",
        "SCP": "a service control policy, the organisation's limit on what its accounts may do",
        "aws:MultiFactorAuthPresent": "whether the caller signed in with a second factor (MFA)",
    }


DENY_WITHOUT_MFA = EVERYTHING | {"Effect": "Deny", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}}
