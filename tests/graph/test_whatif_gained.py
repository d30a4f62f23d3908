"""``what-if revoke`` where what goes forbids something, or only a way changes: enough is compared."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from graph.action_lists import ActionLists
from graph.trusts import mentions
from graph.whatif_where import Gone
from model.entities import InlinePolicy, KmsGrant, Resource, Role, S3Grant, User
from policy.document import parse_document
from tests.graph.test_whatif import ANN, CONTENT, DATA, OFFICE, READ, asked, policy
from tests.graph.worlds import ONE, OPEN, TWO, allow, bucket, deny, document, key, made_world, queue, role, trust, user

A, C = f"arn:aws:iam::{ONE}:role/A", f"arn:aws:iam::{TWO}:role/C"


def held_back(*statements: Any, by: dict[str, Any]) -> User:
    """Ann with what these statements give and with a policy that forbids."""
    inline = InlinePolicy(name="own", document=document(*statements))
    return user("ann", ONE, inline=(inline, InlinePolicy(name="no", document=document(by))))


def test_access_is_gained_where_nothing_was_held_before() -> None:
    ann = held_back(allow("s3:GetObject"), by=deny("s3:*"))
    built = made_world(users=(ann,), resources=(DATA,))
    assert asked(built, ANN, "policy", "no") == (set(), set(), {READ})


def test_access_is_gained_in_another_account_that_lets_the_principal_in() -> None:
    ann = held_back(allow("s3:GetObject"), by=deny("s3:*"))
    resources = [
        bucket("named", TWO, allow("s3:GetObject", "arn:aws:s3:::named/*", Principal={"AWS": ANN})),
        bucket("anyone", TWO, allow("s3:GetObject", "arn:aws:s3:::anyone/*", Principal="*")),
        bucket("other", TWO, allow("s3:GetObject", "arn:aws:s3:::other/*", Principal={"AWS": TWO})),
    ]
    built = made_world(users=(ann,), resources=resources)
    _, _, gained = asked(built, ANN, "policy", "no")
    assert {row[0] for row in gained} == {"arn:aws:s3:::named/*", "arn:aws:s3:::anyone/*"}


#: An id that AWS tells of no account of the organisation.
NOBODYS = "c" * 64
BY_ACL = replace(OPEN, acl=(S3Grant(grantee=NOBODYS, permission="READ"),), owner="f" * 64)
GRANT = KmsGrant(id="g", grantee=ANN, operations=("Decrypt",), constraints={}, name="")
CLOSED_KEY = allow("kms:*", Principal={"AWS": TWO})


@pytest.mark.parametrize(
    ("there", "action", "ids", "gained"),
    [
        (key("k", TWO, CLOSED_KEY, grants=(GRANT,)), "kms:Decrypt", {}, True),
        (key("k", TWO, CLOSED_KEY, grants=(replace(GRANT, grantee=f"{ANN}x"),)), "kms:Decrypt", {}, False),
        (bucket("b", TWO, s3=BY_ACL), "s3:ListBucket", {}, True),
        (bucket("b", TWO, s3=BY_ACL), "s3:ListBucket", {ONE: NOBODYS}, True),
        (bucket("b", TWO, s3=BY_ACL), "s3:ListBucket", {ONE: "a" * 64}, False),
        (bucket("b", TWO, policy=None), "s3:ListBucket", {}, True),
        (bucket("b", TWO, allow("s3:*", NotPrincipal={"AWS": TWO})), "s3:ListBucket", {}, True),
        (bucket("b", TWO, allow("s3:*", Principal={"AWS": "AIDAANN"})), "s3:ListBucket", {}, True),
        (bucket("b", TWO, allow("s3:*", Principal={"CanonicalUser": NOBODYS})), "s3:ListBucket", {ONE: NOBODYS}, True),
    ],
)
def test_access_is_gained_in_another_account_in_whatever_way_it_lets_in(
    there: Resource, action: str, ids: dict[str, str], gained: bool
) -> None:
    """L4, L7: by a grant, an ACL, a policy that nobody read, and by every name that somebody has."""
    ann = replace(held_back(allow(action), by=deny(action)), id="AIDAANN")
    _, _, found = asked(made_world(users=(ann,), resources=(there,), canonical_ids=ids), ANN, "policy", "no")
    assert bool(found) is gained


def test_a_role_is_gained_whose_assumption_was_forbidden() -> None:
    ann = held_back(allow("sts:AssumeRole"), by=deny("sts:AssumeRole"))
    there = trust({"AWS": ANN})
    reader = role("C", TWO, allow("s3:GetObject"), trusts=document(there))
    built = made_world(users=(ann,), roles=(reader,), resources=(bucket("data", TWO),))
    _, _, gained = asked(built, ANN, "policy", "no")
    assert (CONTENT, "Read:data", "Allowed", ("C",)) in gained


def chained(*statements: dict[str, Any]) -> tuple[User, Role, Role]:
    """Ann may become C, by a trust with these statements too; who is C may become A, Ann herself from the office."""
    ann = user("ann", ONE, allow("sts:AssumeRole"))
    by_c, by_ann = trust({"AWS": C}), trust({"AWS": ANN}, Condition=OFFICE)
    a = role("A", ONE, allow("s3:GetObject"), trusts=document(by_c, by_ann))
    c = role("C", TWO, allow("sts:AssumeRole"), trusts=document(trust({"AWS": ANN}), *statements))
    return ann, a, c


def test_a_way_without_conditions_is_gained_with_a_denial_in_a_trust() -> None:
    """The short way stays as it is; the longer one that opens has no condition."""
    closed = {**trust({"AWS": ANN}, Sid="Closed"), "Effect": "Deny"}
    ann, a, c = chained(closed)
    built = made_world(users=(ann,), roles=(a, c), resources=(DATA,))
    lost, _, gained = asked(built, ANN, "trust", f"{C}#Closed")
    assert lost == set()
    assert (CONTENT, "Read:data", "Allowed", ("C", "A")) in gained


def test_a_denial_of_a_bucket_that_goes_lets_in_whom_it_kept_out() -> None:
    ann = user("ann", ONE, allow("s3:GetObject"))
    kept = bucket("data", ONE, deny("s3:GetObject", CONTENT, Principal="*", Sid="Closed"))
    built = made_world(users=(ann,), resources=(kept,))
    assert asked(built, ANN, "statement", f"{kept.arn}#policy#Closed") == (set(), set(), {READ})


def test_a_part_that_the_role_behind_a_way_is_denied_is_told() -> None:
    """Semantics U5: nobody holds anything in that part, so no way to it changes."""
    sealed = f"{DATA.arn}/sealed/*"
    ann = user("ann", ONE, allow("sts:AssumeRole"))
    both = document(trust({"AWS": ANN}, Sid="ByName"), trust({"AWS": ONE}, Sid="ByAccount", Condition=OFFICE))
    a = role("A", ONE, allow("s3:GetObject"), deny("s3:*", sealed), trusts=both)
    built = made_world(users=(ann,), roles=(a,), resources=(DATA,))
    _, still, _ = asked(built, ANN, "trust", f"{A}#ByName")
    assert (CONTENT, "Read:data", "Conditional", ("A",)) in still
    assert (sealed, "Read:data", "ExplicitlyDenied", ("A",)) in still


def test_what_a_session_may_do_itself_stays_when_its_way_to_the_same_goes() -> None:
    reader = role("R", ONE, allow(["sts:AssumeRole", "s3:GetObject"]))
    a = role("A", ONE, allow(["s3:GetObject", "s3:PutObject"], CONTENT), trusts=document(trust({"AWS": ONE})))
    built = made_world(roles=(reader, a), resources=(DATA, queue("q")))
    session = f"arn:aws:sts::{ONE}:assumed-role/R/nightly"
    lost, still, _ = asked(built, session, "trust", f"{A}#1")
    assert {row for row in (*lost, *still) if row[0] == CONTENT} == {(CONTENT, "Write", "Allowed", ("A",)), READ}
    assert READ in still


def test_a_statement_that_forbids_leaves_what_is_nothing_of_its_business() -> None:
    """A policy that both holders of a bucket's statement have, in several accounts."""
    get = policy("get", allow("s3:GetObject", CONTENT), deny("sqs:*", Sid="No"))
    ann = user("ann", ONE, allow("sqs:SendMessage"), attached=(get.arn,))
    built = made_world(users=(ann,), policies=(get,), resources=(DATA, queue("q")))
    lost, still, gained = asked(built, ANN, "statement", "get#No")
    assert (lost, still) == (set(), set())
    assert {row[:2] for row in gained} == {(queue("q").arn, "Write")}


# -- where anything may change


@pytest.mark.parametrize(
    ("statement", "near"),
    [
        (allow("s3:GetObject", "*"), {"data", "logs"}),
        (allow("s3:GetObject", CONTENT), {"data"}),
        (allow("s3:GetObject", f"{DATA.arn}/${{aws:username}}/*"), {"data"}),
        (allow("s3:ListBucket", "arn:aws:s3:::d*"), {"data"}),
        (deny("*", "arn:aws:s3:::${aws:PrincipalTag/team}"), {"data", "logs"}),
        ({"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::logs"}, {"data", "logs", "*"}),
        ({"Effect": "Deny", "NotAction": "sqs:*", "Resource": "*"}, {"data", "logs", "*"}),
        (allow("sqs:*", "*"), {"q", "*"}),
        (allow("ec2:DescribeInstances", "*"), {"*"}),
        (allow("iam:PassRole", "*"), set()),
    ],
)
def test_a_statement_may_be_about_what_its_action_and_its_patterns_take_in(
    statement: dict[str, Any], near: set[str]
) -> None:
    gone = Gone(ActionLists(), parse_document(document(statement), source="policy").statements, unread=False)
    several = [("s3:bucket", "arn:aws:s3:::data"), ("s3:bucket", "arn:aws:s3:::logs"), ("sqs:queue", queue("q").arn)]
    found = {arn.rpartition(":")[2] for kind, arn in (*several, ("*", "*")) if gone.may_be_about(kind, arn)}
    assert found == near


@pytest.mark.parametrize(
    ("text", "may"),
    [
        (None, True),
        ("", False),
        ("not json", True),
        ('{"Principal": {"AWS": "222222222222"}}', False),
        ('{"Principal": {"AWS": "arn:aws:iam::111111111111:root"}}', True),
        ('{"Principal": "*"}', True),
        ('{"Principal": {"AWS": "222222222222"}, "Action": ["*"], "resource" : "*"}', False),
        ('{"Principal": {"AWS": ["*"]}, "Action": ["*"], "Resource" : "*"}', True),
        ('{"Principal": "*", "Resource": "*"}', True),
        ('{"Principal": {"AWS": "222222222222"}, "Resource": ["*", "arn:aws:s3:::b"]}', True),
        ('{"NotPrincipal": {"AWS": "222222222222"}}', True),
        ('{"Principal": {"AWS": "\\u0031111"}}', True),
    ],
)
def test_the_text_of_a_policy_tells_whom_it_cannot_name(text: str | None, may: bool) -> None:
    assert mentions(text, ("111111111111",)) is may
