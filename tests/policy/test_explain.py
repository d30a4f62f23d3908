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
    trail, other = "cloudtrail.amazonaws.com", "222222222222"
    assert sparing({"AWS": [f"{ALICE}2", other], "Service": trail}) == [
        f"It denies everybody but {other}, {ALICE}2, {trail}."
    ]
    assert sparing({"Service": trail}) == [f"It denies everybody but {trail}."]


def sparing(names: dict[str, Any], **more: Any) -> list[str]:
    """What is said of whom a Deny with NotPrincipal spares."""
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*", "NotPrincipal": names}
    return said(resource_account=ACCOUNT, resource_policy={"Statement": deny}, **more)[2:]


SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/app/s1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/app"


@pytest.mark.parametrize(
    ("names", "more", "why"),
    [
        ([ALICE, ACCOUNT], {"permission_boundaries": [ALLOW]}, "a caller with a permissions boundary is never spared."),
        ([ALICE], {}, "a user is spared only if its account is listed too."),
        ([ACCOUNT], {}, "a user is spared only if it is itself listed too."),
        ([ROLE, ACCOUNT], {"principal": SESSION}, "a session of a role is spared only if it is itself listed too."),
        (
            [SESSION],
            {"principal": SESSION},
            "a session of a role is spared only if its role is and its account is listed too.",
        ),
        (
            [f"arn:aws:sts::{ACCOUNT}:federated-user/bob"],
            {"principal": f"arn:aws:sts::{ACCOUNT}:federated-user/bob", "session_policies": [ALLOW]},
            "a federated session is spared only if its account is listed too.",
        ),
    ],
)
def test_a_caller_that_a_not_principal_names_is_told_why_it_is_denied_all_the_same(
    names: list[str], more: dict[str, Any], why: str
) -> None:
    assert sparing({"AWS": names}, **more) == [
        f"It denies everybody but {', '.join(sorted(names))}.",
        f"The caller is among them, but {why}",
    ]


def test_a_list_compared_without_a_set_operator_is_told_by_whether_it_is_there() -> None:
    def paths(operator: str) -> KeyLeaf:
        return KeyLeaf("aws:PrincipalOrgPaths", operator, ("o/*",), "environment", HERE)

    for operator in ("StringNotEquals", "StringNotLike", "StringEqualsIfExists", "StringNotLikeIfExists"):
        assert in_words(paths(operator)) == "the request does not have aws:PrincipalOrgPaths"
        assert in_words(Not(paths(operator))) == "the request has aws:PrincipalOrgPaths"
    assert in_words(paths("ForAnyValue:StringNotLike")) == "some value of aws:PrincipalOrgPaths does not match `o/*`"
    condition = {"StringNotEquals": {"aws:PrincipalOrgPaths": "o/*"}}
    assert said(**denying(condition), unknown=["aws:PrincipalOrgPaths"])[-1] == (
        "Statement `Vpc` of guard (the caller's own policies) would deny it unless the request has "
        "aws:PrincipalOrgPaths."
    )
    assert said(**denying(condition))[-1] == "It does not apply where the request has aws:PrincipalOrgPaths."


def key_policy(principal: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Principal": {"AWS": principal}}
    return KEY | {"resource_policy": {"Statement": statement}}


def because(**case: Any) -> list[tuple[str, str | None, str]]:
    request, inputs = read_case({"principal": ALICE, "resource_account": ACCOUNT} | case)
    return [(reason.layer, reason.policy, reason.effect) for reason in decide(request, inputs).because]


L7 = ("rule", "L7", "Allow")


def test_grants_that_nobody_read_are_no_reason_of_an_allowance() -> None:
    named = key_policy(ALICE)
    assert because(**named, settings={"grants": None}) == [("resource", "resource", "Allow")]
    assert said(**named, identity_policies=[], settings={"grants": None})[1:] == [
        "Statement 1 of resource (the resource's own policy) allows it."
    ]
    given = [{"grantee": ALICE, "operations": ["Decrypt"]}]
    assert because(**KEY, settings={"grants": given}) == [L7]
    assert said(**KEY, identity_policies=[], settings={"grants": given})[1:] == ["A KMS grant on the key allows it."]


def test_grants_that_nobody_read_may_allow() -> None:
    assert because(**KEY, settings={"grants": None}) == [("resource", "kms:Grants", "Allow")]
    assert said(**KEY, identity_policies=[], settings={"grants": None})[1:] == [
        "A KMS grant on the key may allow it: its grants were not read.",
        "It is allowed exactly when kms:Grants, which was not read, allows it.",
    ]


def test_grants_that_nobody_read_are_said_to_be_where_another_account_asks() -> None:
    """They are not taken to be for everybody: the answer is a denial, with what is not known beside it."""
    unread = "A KMS grant on the key that names this caller may allow it: its grants were not read."
    case = KEY | {"resource_account": "222222222222", "identity_policies": [], "settings": {"grants": None}}
    assert unread in said(**case)
    assert unread not in said(**case | {"settings": {"grants": []}})
    assert unread not in said(**case | {"action": "kms:DisableKey"})
    shut = {
        "scps": [
            {
                "level": "root",
                "policies": [ALLOW | {"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}],
            }
        ]
    }
    assert unread not in said(**case | shut)
    assert any("or a grant on the key must name the caller" in sentence for sentence in said(**case))


def test_a_grant_that_is_not_certain_is_named() -> None:
    role = {"principal": SESSION, "unknown": ["aws:PrincipalArn"], "identity_policies": []}
    case = KEY | role | {"settings": {"grants": [{"grantee": ROLE, "operations": ["Decrypt"]}]}}
    assert because(**case) == [("resource", "grant[0]", "Allow")]
    assert "A KMS grant on the key (grant[0]) may allow it." in said(**case)


def test_an_access_control_list_that_nobody_read_may_allow() -> None:
    anyone = {"principal": "anonymous", "resource_account": ACCOUNT, "identity_policies": []}
    assert said(**anyone, settings={"s3": {"acl": None}})[1] == "The access control list s3:ObjectAcl may allow it."
    public = [{"grantee": "AllUsers", "permission": "READ"}]
    assert said(**anyone, settings={"s3": {"acl": public}})[1] == "The access control list s3:ObjectAcl allows it."


POINT = "arn:aws:s3:eu-west-1:222222222222:accesspoint/ap"


def test_an_access_point_is_named_where_it_is_what_does_not_allow() -> None:
    point: dict[str, Any] = {"s3": {"accessPoint": {"arn": POINT}}}
    assert said(resource_account=ACCOUNT, settings=point)[1:] == [
        f"The access point {POINT} has no policy of its own that would allow it.",
        "The access point is in another account: both the caller's policies and the access point's own must allow it.",
        "For this to be allowed, the access point's own policy would have to allow it.",
    ]
    assert because(identity_policies=[ALLOW], action="s3:GetObject", resource="arn:aws:s3:::b/x", settings=point) == [
        ("resource", POINT, "none")
    ]
    point["s3"]["accessPoint"]["policy"] = {"Statement": []}
    assert said(resource_account=ACCOUNT, settings=point)[1] == (
        "No statement of the access point's own policy (access-point) allows it."
    )


def test_the_policy_of_an_access_point_is_one_of_the_documents() -> None:
    deny = EVERYTHING | {"Effect": "Deny", "Principal": "*", "Condition": {"Bool": {"aws:ViaAWSService": "false"}}}
    point = {"arn": POINT, "policy": {"Statement": deny}}
    denied = said(
        resource_account=ACCOUNT, settings={"s3": {"accessPoint": point}}, context={"aws:ViaAWSService": "false"}
    )
    assert denied[1:] == [
        "Statement 1 of access-point (the access point's own policy) denies it.",
        "It does not apply where aws:ViaAWSService is not `false`.",
    ]
    unread = {"arn": POINT, "policy": {"document": "point-policy"}}
    told = said(resource_account=ACCOUNT, settings={"s3": {"accessPoint": unread}}, identity_policies=[])
    assert told[-1] == "point-policy was not read."


def test_a_federated_session_without_session_policy_is_told_that_it_has_no_permissions() -> None:
    bob = {"principal": f"arn:aws:sts::{ACCOUNT}:federated-user/bob", "resource_account": ACCOUNT}
    sentence = "A federated session without a session policy has no permissions of its own."
    assert said(**bob)[1:] == [
        sentence,
        "The resource has no policy of its own that would allow it.",
        "For this to be allowed, a session policy (or the resource's own policy, naming the caller itself) "
        "would have to allow it.",
    ]
    assert sentence not in said(**bob, session_policies=[{"Statement": []}])


SECURE = {"aws:SecureTransport": "true"}
ENCRYPTED = "Requests are taken to be encrypted in transit."


@pytest.mark.parametrize(
    ("effect", "value", "told"), [("Allow", "true", True), ("Deny", "false", True), ("Allow", "false", False)]
)
def test_an_answer_that_rests_on_encryption_says_so(effect: str, value: str, *, told: bool) -> None:
    statement = EVERYTHING | {"Effect": effect, "Condition": {"Bool": {"aws:SecureTransport": value}}}
    policy = {"Statement": [EVERYTHING, statement] if effect == "Deny" or value == "false" else statement}
    assert (ENCRYPTED in said(identity_policies=[policy], context=SECURE)) is told


def test_an_answer_that_another_statement_decides_does_not_rest_on_encryption() -> None:
    tls = EVERYTHING | {"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    denied = {"Statement": [EVERYTHING, tls, EVERYTHING | {"Effect": "Deny"}]}
    assert ENCRYPTED not in said(identity_policies=[denied], context=SECURE)
    assert ENCRYPTED not in said(context=SECURE)
    # Denied either way, if by another word.
    assert ENCRYPTED not in said(identity_policies=[{"Statement": tls}], context=SECURE)


def test_names_with_a_line_break_stay_on_one_line() -> None:
    allow = EVERYTHING | {"Sid": "a\nb", "Condition": {"StringEquals": {"aws:SourceVpc": "v\nw"}}}
    lines = said(
        resource="arn:aws:s3:::b/x\ny",
        identity_policies=[{"name": "p\nq", "policy": {"Statement": allow}}],
        unknown=["aws:SourceVpc"],
    )
    assert not any("\n" in line for line in lines)
    assert "b/x\\x0ay" in lines[0] and "`a\\x0ab` of p\\x0aq" in lines[1] and "`v\\x0aw`" in lines[2]


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
        "Only an IAM user and the root user can ask for this, with keys of their own."
    ]
    assert because(principal=role, action="sts:GetSessionToken", resource="*") == [("rule", "L1", "none")]
    assert said(principal=root, action="sts:AssumeRoot", resource="arn:aws:iam::222222222222:root")[1:] == [
        "AWS lets users and roles of the management account and of delegated administrators do this in other accounts, "
        "never a root user."
    ]
    # A user may ask; here the endpoint does not let it through.
    endpoint = {"vpc_endpoint_policies": [{"Statement": []}], "action": "sts:GetSessionToken", "resource": "*"}
    assert said(**endpoint)[1:] == [
        "No statement of the VPC endpoint policy allows it.",
        "For this to be allowed, the VPC endpoint policy would have to allow it.",
    ]
    assert said(principal="anonymous", action="sts:GetCallerIdentity", resource="*")[1:] == [
        "Nobody can do this without signing in."
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
