"""Remarks on policies: each kind where it belongs, none where all is well, and "never" only where it is certain."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.actions import catalogue
from policy.context_values import DictContext
from policy.document import parse_document
from policy.inputs import PolicyRef
from policy.layers import scan, scan_resource
from policy.principals import NOBODY
from policy.remarks import KINDS, SEVERITIES, DocumentKind, Remark, some
from policy.request import Principal, Request
from policy.review import review
from policy.review_actions import RETIRED_SERVICES
from policy.solver import possible

ACCOUNT = "1" * 12
ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
DENY = ALLOW | {"Effect": "Deny"}
KEY_POLICY = {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}


def remarks(*statements: Any, kind: DocumentKind = "identity", version: str | None = "2012-10-17") -> list[Remark]:
    raw: dict[str, Any] = {"Statement": list(statements)} | ({"Version": version} if version else {})
    return list(review(parse_document(raw), kind, {"AIDALIVING0000000000": True, "AROADEAD000000000000": False}.get))


def when(**operators: dict[str, Any]) -> dict[str, Any]:
    """A Condition element; the keyword is the operator, `__` in it a colon."""
    return {"Condition": {name.replace("__", ":"): keys for name, keys in operators.items()}}


NEVER = [
    ("empty-element", ALLOW | {"Action": []}),
    ("empty-element", ALLOW | {"Resource": []}),
    ("empty-element", ALLOW | when(StringEquals={"aws:username": []})),
    ("impossible-condition", ALLOW | when(StringEquals={"aws:username": "a"}, StringLike={"AWS:UserName": ["b*"]})),
    ("impossible-condition", ALLOW | when(Null={"aws:username": "true"}, StringEquals={"aws:username": "a"})),
    ("impossible-condition", DENY | when(NumericLessThan={"s3:max-keys": "1"}, NumericEquals={"s3:max-keys": "9"})),
    ("impossible-condition", ALLOW | when(IpAddress={"a:b": "10.0.0.0/8"}, NotIpAddress={"a:b": "10.0.0.0/7"})),
    ("unreadable-value", DENY | when(NumericEquals={"s3:max-keys": "many"})),
    ("unreadable-value", DENY | when(IpAddress={"aws:SourceIp": ["10.0.0.256", "office"]})),
    ("unreadable-value", DENY | when(DateLessThan={"aws:CurrentTime": "tomorrow"})),
    ("unreadable-value", DENY | when(Bool={"aws:SecureTransport": "no"})),
    ("unreadable-value", ALLOW | when(Null={"aws:SourceVpc": "maybe"})),
    ("unreadable-value", ALLOW | when(ArnLike={"aws:PrincipalArn": "role/*"})),
    ("list-key", DENY | when(StringEquals={"aws:TagKeys": "cost"})),
    ("list-key", DENY | when(StringLike={"aws:PrincipalOrgPaths": "o-1/*"})),
    ("resource-mismatch", ALLOW | {"Resource": "arn:aws:s3:bucket"}),
]  # fmt: skip
OTHERWISE = [
    ("list-key", DENY | when(StringNotEquals={"aws:TagKeys": "cost"})),
    ("unreadable-value", DENY | when(NumericEquals={"s3:max-keys": ["7", "many"]})),
    ("unreadable-value", DENY | when(NotIpAddress={"aws:SourceIp": "office"})),
    ("unknown-action", ALLOW | {"Action": ["s3:GetObject", "s3:GetObjekt"]}),
    ("unknown-action", ALLOW | {"Action": "*:Frobnicate*"}),
    ("unknown-action", {"Effect": "Deny", "NotAction": "iam:Nothing", "Resource": "*"}),
    ("unknown-service", ALLOW | {"Action": "sss:Get*"}),
    ("retired-service", ALLOW | {"Action": "deeplens:*"}),
    ("action-without-resource", ALLOW | {"Action": "s3:ListAllMyBuckets", "Resource": "arn:aws:s3:::b"}),
    ("resource-mismatch", ALLOW | {"Resource": "arn:aws:sqs:eu-west-1:1:q"}),
    ("resource-mismatch", ALLOW | {"Resource": ["arn:aws:s3:::bucket", "arn:aws:s3:::bucket/*"]}),
    ("resource-mismatch", ALLOW | {"Action": "s3:ListBucket", "Resource": "arn:aws:s3:::bucket/*"}),
    ("resource-mismatch", DENY | {"Resource": ["arn:aws:s3:x", "arn:aws:s3:::bucket/*"]}),
    ("for-all-values-absent", ALLOW | when(ForAllValues__StringEquals={"aws:TagKeys": "cost"})),
    ("set-operator-on-single-key", ALLOW | when(ForAnyValue__StringEquals={"aws:PrincipalOrgID": "o-1"})),
    ("set-operator-on-single-key", ALLOW | when(ForAllValues__StringEquals={"aws:SourceVpc": "vpc-1"})),
    ("mfa-absent", DENY | when(Bool={"aws:MultiFactorAuthPresent": "false"})),
    ("mfa-absent", DENY | when(NumericGreaterThan={"aws:MultiFactorAuthAge": "3600"})),
    ("key-not-used", ALLOW | when(StringEquals={"ec2:Owner": "amazon"})),
    ("repeated-statement", ALLOW),
    ("sid-twice", ALLOW | {"Sid": "A"}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "statement"), NEVER)
def test_a_statement_that_can_never_act_is_named(kind: str, statement: dict[str, Any]) -> None:
    found = remarks(statement)
    assert (kind, True) in [(item.kind, item.never) for item in found], found
    assert all(item.statement.index == 0 and item.sentence for item in found)


@pytest.mark.parametrize(("kind", "statement"), OTHERWISE)
def test_a_statement_that_acts_otherwise_than_it_reads_is_named(kind: str, statement: dict[str, Any]) -> None:
    twice = kind in ("repeated-statement", "sid-twice")
    found = remarks(statement, statement | {"Action": "s3:*"}, statement) if twice else remarks(statement)
    assert kind in [item.kind for item in found], found
    assert not any(item.never for item in found), found


@pytest.mark.parametrize(
    "statement",
    [
        ALLOW,
        DENY,
        {"Effect": "Deny", "NotAction": ["iam:*"], "NotResource": ["arn:aws:s3:::b/*"]},
        ALLOW | {"Action": ["s3:*", "*"], "Resource": "arn:aws:s3:::b"},
        ALLOW | {"Action": ["s3:GetObject", "s3:ListBucket"], "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]},
        ALLOW | {"Action": "s3:List*", "Resource": "arn:aws:s3:::b"},
        ALLOW | {"Resource": "arn:aws:s3:::${aws:username}/*"},
        ALLOW | {"Resource": "arn:*"},
        ALLOW | {"Action": "s3:ListAllMyBuckets", "Resource": "arn:aws:s3:::*"},
        ALLOW | {"Resource": "arn:aws:s3:eu-west-1:1:accesspoint/a/object/*"},
        ALLOW | {"Action": "iam:PassRole", "Resource": "arn:aws:iam::*:role/x/*"},
        ALLOW | {"Action": "execute-api:Invoke", "Resource": "execute-api:/prod/*"},
        DENY | when(ForAllValues__StringEquals={"aws:TagKeys": "cost"}),
        DENY | when(BoolIfExists={"aws:MultiFactorAuthPresent": "false"}),
        ALLOW | when(Bool={"aws:MultiFactorAuthPresent": "true"}),
        ALLOW | when(ForAllValues__StringEquals={"aws:TagKeys": "x"}, Null={"aws:TagKeys": "false"}),
        ALLOW | when(StringEquals={"aws:username": ["a", "b"]}, StringNotEquals={"aws:username": "b"}),
        ALLOW | when(StringEquals={"s3:ExistingObjectTag/team": "x", "aws:PrincipalTag/team": "${aws:username}"}),
        ALLOW | when(ForAnyValue__StringLike={"aws:PrincipalOrgPaths": "o-1/*"}),
        ALLOW | when(StringEquals={"saml:aud": "x", "token.example.com:sub": "y"}),
        ALLOW | when(Bool={"aws:SecureTransport": True}, NumericLessThan={"s3:signatureAge": 5}),
    ],
)  # fmt: skip
def test_nothing_is_said_of_a_statement_in_which_nothing_is_odd(statement: dict[str, Any]) -> None:
    assert [(item.kind, item.sentence) for item in remarks(statement)] == []


@pytest.mark.parametrize(
    ("layer", "principal", "kind", "never"),
    [
        ("resource", {"Principal": {"AWS": "AROADEAD000000000000"}}, "deleted-principal", True),
        ("resource", {"Principal": {"AWS": ["AROADEAD000000000000", ACCOUNT]}}, "deleted-principal", False),
        ("resource", {"Principal": {"AWS": "AIDAUNKNOWN000000000"}}, "deleted-principal", False),
        ("resource", {"Principal": {"AWS": "AIDALIVING0000000000"}}, None, False),
        ("resource", {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/*"}}, "principal-wildcard", True),
        ("resource", {"Principal": {"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/a/*"}}, "principal-wildcard", False),
        ("resource", {"NotPrincipal": {"AWS": "AROADEAD000000000000"}, "Effect": "Deny"}, "deleted-principal", False),
        ("resource", {"NotPrincipal": {"AWS": "arn:aws:iam::*:root"}, "Effect": "Deny"}, "principal-wildcard", False),
        ("resource", {"NotPrincipal": {"AWS": "me"}, "Effect": "Deny"}, "unknown-principal", False),
        ("resource", {"NotPrincipal": {}, "Effect": "Deny"}, None, False),
        ("resource", {"Principal": {"AWS": "me"}}, "unknown-principal", True),
        ("resource", {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:group/g"}}, "unknown-principal", True),
        ("resource", {"NotPrincipal": {"AWS": ACCOUNT}}, "not-principal-allow", False),
        ("resource", {"Principal": {}}, "empty-element", True),
        ("resource", {"Principal": {"AWS": []}}, "empty-element", True),
        ("resource", {}, "principal-missing", True),
        ("trust", {"Action": "sts:AssumeRole"}, "principal-missing", True),
        ("identity", {"Principal": "*"}, "principal-misplaced", False),
        ("scp", {"Principal": "*"}, "principal-misplaced", False),
        ("rcp", {"Principal": "*", "Resource": "arn:aws:kms:*:*:key/*"}, "allow-in-rcp", False),
        ("rcp", {"Principal": "*", "Action": "*"}, None, False),
        (
            "resource",
            {"Principal": {"AWS": "*", "Service": "sns.amazonaws.com", "CanonicalUser": "a" * 64}},
            None,
            False,
        ),
        ("trust", {"Principal": "*"}, "not-of-trust", False),
        ("trust", {"Principal": {"Federated": "accounts.google.com"}, "Action": "sts:AssumeRole*"}, None, False),
        ("vpce", {"Principal": "*"}, None, False),
        ("vpce", {}, None, False),
    ],
)
def test_principals_are_looked_at_by_the_layer(
    layer: DocumentKind, principal: dict[str, Any], kind: str | None, never: bool
) -> None:
    found = remarks(KEY_POLICY | principal, kind=layer)
    assert [(item.kind, item.never) for item in found] == ([(kind, never)] if kind else [])


@pytest.mark.parametrize("version", ["2008-10-17", None])
def test_variables_in_an_old_version_are_literal_text(version: str | None) -> None:
    resource = ALLOW | {"Resource": "arn:aws:s3:::${aws:username}/*"}
    value = ALLOW | when(StringLike={"aws:userid": "${aws:username}*"})
    for statement in (resource, value):
        assert [item.kind for item in remarks(statement, version=version)] == ["old-version-variable"]
    assert remarks(ALLOW | when(NumericEquals={"s3:signatureAge": "1"}), version=version) == []


def test_another_statement_may_deny_requests_without_mfa() -> None:
    bare = DENY | when(Bool={"aws:MultiFactorAuthPresent": "false"})
    rest = DENY | when(Null={"aws:MultiFactorAuthPresent": "true"})
    assert [item.kind for item in remarks(bare, rest)] == []
    assert [item.kind for item in remarks(bare, DENY)] == ["mfa-absent"]


def test_a_deny_that_does_not_act_is_more_serious_than_an_allow() -> None:
    for kind, statement in NEVER:
        both = [
            next(item for item in remarks(statement | {"Effect": effect}) if item.kind == kind)
            for effect in ("Deny", "Allow")
        ]
        assert SEVERITIES.index(both[0].severity) < SEVERITIES.index(both[1].severity)


def test_each_kind_of_remark_is_tested_and_has_its_rule() -> None:
    tested = {kind for kind, _ in (*NEVER, *OTHERWISE)}
    tested |= {"deleted-principal", "principal-wildcard", "unknown-principal", "not-principal-allow", "not-of-trust"}
    tested |= {"principal-missing", "principal-misplaced", "allow-in-rcp", "old-version-variable"}
    assert set(KINDS) == tested
    assert all(rule.source for rule in KINDS.values())


def test_services_that_were_closed_are_none_that_aws_documents() -> None:
    assert not RETIRED_SERVICES.keys() & catalogue().services()


def test_many_texts_are_counted() -> None:
    assert some(["a"]) == "`a`"
    assert some(["a", "b", "b"]) == "`a` and `b`"
    assert some(["a", "b", "c", "d", "e"]) == "`a`, `b`, `c` and 2 more"


# -- soundness: what is called certain, is


_CONDITIONS = st.sampled_from(
    [
        *(item for _, item in (*NEVER, *OTHERWISE) if "Condition" in item),
        when(StringEquals={"aws:username": "a"}),
        when(StringNotEqualsIfExists={"aws:username": ["a", "b"]}),
        when(StringLike={"aws:username": "${aws:userid}"}),
        when(Null={"aws:username": "false"}),
        when(Null={"aws:TagKeys": ["true", "false"]}),
        when(ForAnyValue__StringEqualsIfExists={"aws:TagKeys": []}),
        when(ForAllValues__StringEquals={"aws:TagKeys": []}),
        when(NumericLessThan={"s3:max-keys": "9"}),
        when(BinaryEquals={"a:b": "!"}),
    ]
)
_PRINCIPALS: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {},
        {"Principal": "*"},
        {"Principal": {}},
        {"Principal": {"AWS": ["AROADEAD000000000000"]}},
        {"Principal": {"AWS": [f"arn:aws:iam::{ACCOUNT}:user/*", "me"]}},
        {"Principal": {"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/r/*"}},
        {"NotPrincipal": {"AWS": ["AROADEAD000000000000", f"arn:aws:iam::{ACCOUNT}:role/?"]}},
        {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root", "Service": "sns.amazonaws.com"}},
    ]
)


@st.composite
def _statements(draw: st.DrawFn) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": draw(st.sampled_from(["Allow", "Deny"])), **draw(_PRINCIPALS)}
    actions = st.lists(st.sampled_from(["s3:GetObject", "*", "s3:Get*", "sts:AssumeRole", "x:y"]), max_size=2)
    statement[draw(st.sampled_from(["Action", "NotAction"]))] = draw(actions)
    listed = ["*", "arn:aws:s3", "arn:aws:s3:::b/*", "arn:aws:s3*", "?", "a:b", "arn:aws:s3:::${aws:username}/*"]
    statement[draw(st.sampled_from(["Resource", "NotResource"]))] = draw(st.lists(st.sampled_from(listed), max_size=2))
    conditions: dict[str, Any] = {}
    for item in draw(st.lists(_CONDITIONS, max_size=3)):
        for operator, keys in item["Condition"].items():
            conditions.setdefault(operator, {}).update(keys)
    return statement | ({"Condition": conditions} if conditions else {})


_KEYS = ["aws:username", "aws:userid", "aws:TagKeys", "s3:max-keys", "aws:SourceIp", "aws:PrincipalOrgPaths", "a:b"]
_REQUESTS = [
    Request(Principal.parse(who), action, resource, ACCOUNT, DictContext(context, unknown))
    for who in (f"arn:aws:iam::{ACCOUNT}:user/a", f"arn:aws:iam::{ACCOUNT}:role/r", "anonymous", "sns.amazonaws.com")
    for action, resource in (("s3:GetObject", "arn:aws:s3:::b/x"), ("s3:ListAllMyBuckets", "*"))
    for context, unknown in (
        ({}, ()),
        ({}, _KEYS),
        ({"aws:username": "a", "aws:userid": "a", "aws:TagKeys": ["cost"], "s3:max-keys": "5"}, ["aws:SourceIp"]),
        ({"aws:username": "b", "aws:TagKeys": [], "s3:max-keys": "many", "aws:SourceIp": "::1"}, ["aws:userid"]),
    )
]


@settings(max_examples=400)
@given(statement=_statements(), version=st.sampled_from(["2012-10-17", "2008-10-17"]))
def test_no_request_makes_a_statement_act_of_which_never_is_said(statement: dict[str, Any], version: str) -> None:
    resource = any(name.endswith("Principal") for name in statement)
    layer: DocumentKind = "resource" if resource else "identity"
    never = any(item.never for item in remarks(statement, kind=layer, version=version))
    refs = [PolicyRef("p", parse_document({"Version": version, "Statement": statement}))]
    for request in _REQUESTS if never else ():
        action = request.action.lower()
        record = (
            scan_resource(layer, refs, request, action, has_boundary=False, default=NOBODY)
            if resource
            else scan(layer, refs, request, action)
        )
        acting = [hit for hit in (*record.allows, *record.denies) if possible(hit.truth)[0]]
        assert not acting, (statement, request)
