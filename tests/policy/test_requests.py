"""Principals, context values, leaves and the reading of cases."""

from __future__ import annotations

import json
from typing import Any

import pytest

from policy.cases import read_case, run_cases
from policy.context_values import ABSENT, DictContext, Unknown, is_multivalued, key_owner
from policy.decide import Verdict, decide
from policy.document import parse_document
from policy.errors import PrincipalError
from policy.explain import explain
from policy.expression import KeyLeaf, Where
from policy.inputs import Inputs, Level, PolicyRef, Settings
from policy.patterns import Variable, parse_parts
from policy.request import Principal, Request, normal_service
from policy.residual import FALSE, TRUE, by_caller_only, conjunction, disjunction, negation
from policy.services import never_across_accounts

ACCOUNT = "111111111111"
HERE = Where("identity", "p", None, 0)


@pytest.mark.parametrize(
    ("text", "kind", "account"),
    [
        (f"arn:aws:iam::{ACCOUNT}:user/a/b", "user", ACCOUNT),
        (f"arn:aws-cn:iam::{ACCOUNT}:role/x/app", "role", ACCOUNT),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/app/s1", "session", ACCOUNT),
        (f"arn:aws:sts::{ACCOUNT}:federated-user/bob", "federated-user", ACCOUNT),
        (f"arn:aws-us-gov:iam::{ACCOUNT}:root", "root", ACCOUNT),
        (ACCOUNT, "account", ACCOUNT),
        ("lambda.amazonaws.com", "service", None),
        (f"arn:aws:iam::{ACCOUNT}:oidc-provider/gitlab.com", "oidc-provider", ACCOUNT),
        ("accounts.google.com", "oidc-provider", None),
        ("cognito-identity.amazonaws.com", "oidc-provider", None),
        (f"arn:aws:iam::{ACCOUNT}:saml-provider/x", "saml-provider", ACCOUNT),
        ("anonymous", "anonymous", None),
        ("arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1", "origin-access-identity", None),
    ],
)
def test_every_kind_of_principal_is_known_by_its_text(text: str, kind: str, account: str | None) -> None:
    found = Principal.parse(text)
    assert (found.kind, found.account, found.text) == (kind, account, text)


@pytest.mark.parametrize(
    "text",
    ["alice", "arn:aws:iam::1:group/x", "arn:aws:sts::1:assumed-role/app", "", "12345", "arn:aws:iam::11:user/a"],
)
def test_what_names_no_principal_is_an_error(text: str) -> None:
    with pytest.raises(PrincipalError, match="is no principal"):
        Principal.parse(text)


def test_a_context_tells_absent_unknown_and_empty_apart() -> None:
    context = DictContext({"aws:TagKeys": [], "A:b": "x"}, ["aws:SourceIp", "aws:RequestTag/Team"])
    assert context.get("AWS:tagkeys") == ()
    assert context.get("a:B") == ("x",)
    assert context.get("aws:other") is ABSENT
    assert context.get("aws:sourceip") == Unknown("environment")
    assert context.get("aws:requesttag/team") == Unknown("caller")


@pytest.mark.parametrize(
    ("key", "owner"),
    [
        ("aws:RequestTag/x", "caller"),
        ("s3:prefix", "caller"),
        ("kms:EncryptionContext:x", "caller"),
        ("aws:CalledViaFirst", "caller"),
        ("iam:PassedToService", "caller"),
        ("aws:SourceIp", "environment"),
        ("aws:MultiFactorAuthPresent", "environment"),
        ("sts:ExternalId", "environment"),
        ("token.actions.githubusercontent.com:sub", "environment"),
        ("saml:sub", "environment"),
        ("aws:ResourceTag/x", "environment"),
    ],
)
def test_the_owner_of_an_unknown_key(key: str, owner: str) -> None:
    assert key_owner(key) == owner


def test_arity_belongs_to_the_key() -> None:
    assert all(map(is_multivalued, ("aws:TagKeys", "aws:PrincipalOrgPaths", "kms:EncryptionContextKeys", "x.com:amr")))
    assert not any(map(is_multivalued, ("aws:SourceIp", "aws:PrincipalTag/x", "x.com:aud", "s3:prefix")))


def decided(condition: dict[str, Any], unknown: Unknown) -> Verdict:
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": condition}
    document = parse_document({"Version": "2012-10-17", "Statement": statement})
    context = DictContext({}, {"aws:userid": unknown})
    request = Request(Principal.parse(f"arn:aws:iam::{ACCOUNT}:role/app"), "s3:GetObject", "*", ACCOUNT, context)
    return decide(request, Inputs(identity=(PolicyRef("p", document),))).verdict


def test_a_value_known_to_start_with_something_is_present_and_narrowed() -> None:
    userid = Unknown("caller", prefix="AROAX:")
    assert decided({"StringLike": {"aws:userid": "AROAX:*"}}, userid) is Verdict.ALLOWED
    assert decided({"StringLike": {"aws:userid": ["AIDAY", "AROAY:*"]}}, userid) is Verdict.IMPLICITLY_DENIED
    assert decided({"StringLike": {"aws:userid": "AROAX:admin*"}}, userid) is Verdict.CONDITIONAL
    assert decided({"Null": {"aws:userid": "true"}}, userid) is Verdict.IMPLICITLY_DENIED
    assert (
        decided({"StringEquals": {"aws:userid": "a"}}, Unknown(excludes=frozenset({"a"}))) is Verdict.IMPLICITLY_DENIED
    )
    assert (
        decided({"StringEquals": {"aws:userid": ["a", "b"]}}, Unknown(excludes=frozenset({"a"}))) is Verdict.CONDITIONAL
    )


def leaf(key: str, by: Any, operator: str = "StringEquals") -> KeyLeaf:
    return KeyLeaf(key, operator, ("x",), by, HERE, Unknown(by))


def test_a_residual_is_simplified_as_it_is_built() -> None:
    mine, yours = leaf("s3:prefix", "caller"), leaf("aws:SourceVpc", "environment")
    assert conjunction([mine, conjunction([mine, yours]), None]) == conjunction([mine, yours])
    assert disjunction([mine, conjunction([mine, yours]) or mine]) == mine
    assert conjunction([mine, negation(mine)]) is FALSE
    assert disjunction([mine, leaf("S3:PREFIX", "caller", "stringNotEquals")]) is TRUE
    assert conjunction([]) is None


TEAM = "${aws:RequestTag/team}"


@pytest.mark.parametrize(
    ("key", "operator", "values", "other", "can"),
    [
        ("aws:RequestTag/owner", "StringEquals", [TEAM], "caller", True),
        ("sts:RoleSessionName", "StringNotLike", [TEAM], "caller", True),
        ("aws:TagKeys", "StringNotEquals", [TEAM], "caller", True),
        ("aws:TagKeys", "StringEquals", [TEAM], "caller", False),  # several values match nothing without a set operator
        ("aws:TagKeys", "ForAllValues:StringEquals", [TEAM], "caller", False),
        ("aws:TagKeys", "ForAnyValue:StringNotLike", ["*", TEAM], "caller", False),  # false whatever they are
        ("aws:RequestTag/owner", "StringLikeIfExists", ["*", TEAM], "caller", False),  # true whatever they are
        ("aws:RequestTag/owner", "StringLike", ["?*", TEAM], "caller", False),
        ("aws:RequestTag/team", "StringEquals", [f"{TEAM}-x"], "caller", False),  # no text is itself and more
        ("sts:RoleSessionName", "StringEquals", [f"a/{TEAM}"], "caller", False),  # no session's name has a slash
        ("aws:RequestedRegion", "StringEquals", [TEAM], "caller", False),  # not any text is a region
        ("aws:RequestTag/owner", "StringEquals", ["${s3:prefix}"], "caller", False),
        ("aws:RequestTag/owner", "StringEquals", [TEAM], "environment", False),
        ("aws:RequestTag/owner", "ArnLike", [TEAM], "caller", False),  # nothing says that it can be an ARN
    ],
)
def test_who_can_bring_about_that_two_unknown_keys_agree(
    key: str, operator: str, values: list[str], other: Any, can: bool
) -> None:
    """U7: the caller, where both are theirs and any text at all, and neither is asked for elsewhere."""
    keys = {
        part.key
        for text in values
        for part in parse_parts(text, variables=True, wildcards=True)
        if isinstance(part, Variable)
    }
    variables = tuple((name, Unknown(other)) for name in keys)
    both = KeyLeaf(key, operator, tuple(values), other, HERE, Unknown("caller"), variables=variables)
    assert by_caller_only(both) is can
    # Without a tag that is compared nothing agrees.
    plain = "Not" not in operator and ":S" not in operator and "IfExists" not in operator
    assert by_caller_only(negation(both)) is (can or (plain and keys != {key.lower()}))
    again = leaf("aws:RequestTag/team", "caller")
    assert not by_caller_only(conjunction([both, again]) or both)
    assert not by_caller_only(conjunction([both, leaf("aws:SourceVpc", "environment")]) or both)


def test_who_can_bring_it_about() -> None:
    mine, yours = leaf("s3:prefix", "caller"), leaf("aws:SourceVpc", "environment")
    assert by_caller_only(mine)
    assert by_caller_only(negation(mine))
    assert by_caller_only(disjunction([mine, yours]))
    assert not by_caller_only(yours)
    assert not by_caller_only(conjunction([mine, yours]) or yours)
    other = KeyLeaf("s3:prefix", "StringEquals", ("y",), "caller", HERE, Unknown("caller"))
    assert not by_caller_only(conjunction([mine, disjunction([other, yours])]) or yours)


def test_what_aws_refuses_across_accounts_is_applied_unless_the_case_leaves_it_out() -> None:
    assert Settings().cross_account_limits
    case = {"principal": ACCOUNT, "action": "sqs:DeleteQueue", "resource": "arn:aws:sqs:us-east-1:2:q"}
    policy = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": {"AWS": ACCOUNT}}}
    given = case | {"resource_account": "222222222222", "resource_policy": policy}
    request, inputs = read_case(given)
    assert decide(request, inputs).verdict is Verdict.ALLOWED
    request, inputs = read_case(given | {"settings": {"crossAccountLimits": True}})
    decision = decide(request, inputs)
    assert decision.verdict is Verdict.IMPLICITLY_DENIED
    assert any("outside the resource's account" in sentence for sentence in explain(request, inputs, decision))


@pytest.mark.parametrize(
    ("action", "resource", "verdict"),
    [
        ("s3:PutBucketPolicy", "arn:aws:s3:::b", Verdict.IMPLICITLY_DENIED),
        ("sqs:DeleteQueue", "arn:aws:sqs:us-east-1:222222222222:q", Verdict.IMPLICITLY_DENIED),
        ("s3:GetObject", "arn:aws:s3:::b/x", Verdict.ALLOWED),
        ("sqs:SendMessage", "arn:aws:sqs:us-east-1:222222222222:q", Verdict.ALLOWED),
    ],
)
def test_nobody_unsigned_does_what_the_own_account_alone_may(action: str, resource: str, verdict: Verdict) -> None:
    """L17; "the calling identity must belong to the bucket owner's account", says S3's reference of PutBucketPolicy."""
    policy = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": "*"}}
    case = {"principal": "anonymous", "action": action, "resource": resource, "resource_account": "222222222222"}
    public = {"crossAccountLimits": True, "restrictPublicBuckets": False}
    request, inputs = read_case(case | {"resource_policy": policy, "settings": public})
    assert decide(request, inputs).verdict is verdict


@pytest.mark.parametrize(
    ("action", "refused"),
    [
        ("s3:putbucketpolicy", True),
        ("s3:getobject", False),
        ("sqs:setqueueattributes", True),
        ("sqs:sendmessage", False),
        ("dynamodb:updatetimetolive", True),
        ("dynamodb:deletetable", False),  # the one list of DynamoDB says "Cross-account support: Yes"
        ("dynamodb:partiqlselect", True),
        ("sns:createtopic", True),
        ("sns:publish", False),
        ("kms:schedulekeydeletion", True),
        ("kms:decrypt", False),
        ("lambda:invokefunction", False),
    ],
)
def test_what_cannot_be_given_to_another_account(action: str, refused: bool) -> None:
    assert never_across_accounts(action) is refused


@pytest.mark.parametrize(
    ("principal", "action", "expected"),
    [
        (f"arn:aws:iam::{ACCOUNT}:root", "s3:PutBucketPolicy", Verdict.ALLOWED),
        (f"arn:aws:iam::{ACCOUNT}:root", "s3:GetBucketPolicy", Verdict.ALLOWED),
        (f"arn:aws:iam::{ACCOUNT}:root", "s3:DeleteBucketPolicy", Verdict.ALLOWED),
        (f"arn:aws:iam::{ACCOUNT}:root", "s3:ListBucket", Verdict.EXPLICITLY_DENIED),
        (f"arn:aws:iam::{ACCOUNT}:user/a", "s3:PutBucketPolicy", Verdict.EXPLICITLY_DENIED),
        ("arn:aws:iam::210987654321:root", "s3:GetBucketPolicy", Verdict.EXPLICITLY_DENIED),
    ],
)
def test_a_bucket_policy_locks_its_owners_root_user_out_of_nothing_about_itself(
    principal: str, action: str, expected: Verdict
) -> None:
    """L10."""
    no = parse_document({"Statement": {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}})
    request = Request(Principal.parse(principal), action, "arn:aws:s3:::b", ACCOUNT, DictContext({}, {}))
    assert decide(request, Inputs(resource=PolicyRef("b#policy", no))).verdict is expected
    # Guardrails still bind it: "Root principals can only be blocked … by VPC endpoint policies and AWS Organizations".
    scp = parse_document({"Statement": {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}})
    inputs = Inputs(resource=PolicyRef("b#policy", no), scps=(Level("root", (PolicyRef("scp", scp),)),))
    assert decide(request, inputs).verdict is Verdict.EXPLICITLY_DENIED


GOOD = {"id": "g", "principal": f"arn:aws:iam::{ACCOUNT}:user/a", "action": "s3:GetObject", "resource": "*"}


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("{", "not json"),
        ("[]", "a case is an object"),
        (json.dumps(GOOD | {"principal": None}), "`principal` is missing"),
        (json.dumps(GOOD | {"principal": "alice"}), "`principal`: `alice` is no principal"),
        (json.dumps(GOOD | {"action": "GetObject"}), "`action`: `GetObject` is no action"),
        (json.dumps(GOOD | {"context": []}), "`context` is not an object"),
        (json.dumps(GOOD | {"context": {"a:b": {}}}), "`context`: the value of `a:b`"),
        (json.dumps(GOOD | {"unknown": "x"}), "`unknown` is not a list"),
        (json.dumps(GOOD | {"identity_policies": {}}), "`identity_policies` is not a list"),
        (json.dumps(GOOD | {"identity_policies": [5]}), "`identity[0]`: `int` is not a policy"),
        (json.dumps(GOOD | {"identity_policies": [{"name": "n", "policy": {}}]}), "n: /: a policy needs a `Statement`"),
        (json.dumps(GOOD | {"scps": [{}]}), "`scps`: a level is an object"),
        (json.dumps(GOOD | {"settings": {"grants": [{}]}}), "a grant is an object"),
    ],
)
def test_a_malformed_case_is_an_error_and_the_run_goes_on(line: str, error: str) -> None:
    wrong, right = run_cases([line, json.dumps(GOOD)])
    assert wrong["verdict"] == "Error"
    assert error in wrong["error"]
    assert set(wrong) == {"id", "verdict", "error"}
    assert right == {
        "id": "g",
        "verdict": "ImplicitlyDenied",
        "layers": {"identity": "ImplicitlyDenied", "scp": "Allowed", "rcp": "Allowed", "resource": "NotApplicable"},
        "because": [
            {"layer": "identity", "policy": None, "sid": None, "statement": None, "effect": "none"},
            {"layer": "resource", "policy": None, "sid": None, "statement": None, "effect": "none"},
        ],
        "residual": None,
    }


def test_an_explanation_says_it_in_words() -> None:
    condition = {"StringEquals": {"aws:RequestTag/team": "red"}, "Bool": {"aws:MultiFactorAuthPresent": "true"}}
    statement = {"Sid": "Tags", "Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": condition}
    case = GOOD | {
        "identity_policies": [{"name": "team", "policy": {"Statement": statement}}],
        "unknown": ["aws:RequestTag/team", "aws:MultiFactorAuthPresent"],
    }
    request, inputs = read_case(case)
    assert explain(request, inputs, decide(request, inputs)) == [
        f"arn:aws:iam::{ACCOUNT}:user/a can do s3:GetObject on *, but only under conditions.",
        "Statement `Tags` of team (the caller's own policies) allows it.",
        "It is allowed exactly when aws:RequestTag/team (the caller's choice) is `red` "
        "and aws:MultiFactorAuthPresent is `true`.",
    ]


@pytest.mark.parametrize("region", ["eu-west-1", "us-gov-west-1", "cn-northwest-1", "eusc-de-east-1", "us-isob-east-1"])
def test_a_service_is_one_whichever_region_its_name_has(region: str) -> None:
    assert normal_service(f"states.{region}.amazonaws.com") == "states.amazonaws.com"
    assert normal_service(f"{region}.amazonaws.com") == f"{region}.amazonaws.com"
