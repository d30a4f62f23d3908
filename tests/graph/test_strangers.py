"""Where anybody with an AWS account is let in, an answer tells of it though no policy names them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from graph.findings import OPEN_TO_ACCOUNTS, findings
from graph.strangers import any_account, in_words
from model.entities import S3Grant
from tests.graph.worlds import ONE, OPEN, ORG, Json, allow, bucket, made_world, questions_of, queue, user

ALL, SIGNED_IN, NOBODYS = "AllUsers", "AuthenticatedUsers", "c" * 64


def by_acl(grantee: str) -> Json:
    grant = S3Grant(grantee=grantee, permission="READ")
    return {"s3": replace(OPEN, acl=(grant,), owner="f" * 64, ownership="ObjectWriter")}


def everybody(**condition: Any) -> Json:
    return allow("s3:ListBucket", "arn:aws:s3:::b", Principal="*", Condition=condition)


@pytest.mark.parametrize(
    ("statements", "more", "wanted"),
    [
        ((), {}, None),
        ((), by_acl(SIGNED_IN), "Allowed"),
        ((), by_acl(ALL), None),  # the row of whoever does not sign in says it
        ((), by_acl(NOBODYS), "Conditional"),
        ((everybody(),), {}, None),
        ((everybody(Null={"aws:PrincipalAccount": "false"}),), {}, "Allowed"),
        ((everybody(StringEquals={"aws:PrincipalOrgID": ORG}),), {}, None),
        ((everybody(StringLike={"aws:PrincipalTag/x": "y"}),), {}, "Conditional"),
    ],
)
def test_whoever_has_an_account_is_told_of(
    statements: tuple[Json, ...], more: Json, wanted: str, tmp_path: Path
) -> None:
    there = bucket("b", ONE, *statements, **more)
    fields: Json = {"account_public_block": {ONE: False}, "account_ignores_acls": {ONE: False}}
    asked = questions_of(made_world(users=(user("ann", ONE),), resources=(there,), **fields), tmp_path)
    rows = asked.who_can("s3:ListBucket", there.arn)["principals"]
    found = any_account(asked, "s3:listbucket", there.arn, rows)
    assert (None if found is None else str(found)) == wanted
    assert found is None or "any AWS account" in in_words(found)
    can = asked.can("account:123456789012", "s3:ListBucket", there.arn)["verdict"]
    assert (found is None) or can == wanted


@pytest.mark.parametrize(
    ("statements", "more", "wanted"),
    [
        ((), {}, None),
        ((), by_acl(ALL), None),
        ((), by_acl(SIGNED_IN), ("allowed", "s3:ListBucket, s3:ListBucketMultipartUploads, s3:ListBucketVersions")),
        ((everybody(),), {}, None),
        ((everybody(StringEquals={"aws:PrincipalOrgID": ORG}),), {}, None),
        ((everybody(IpAddress={"aws:SourceIp": "10.0.0.0/8"}),), {}, None),  # the unsigned may as well
        ((everybody(Null={"aws:PrincipalAccount": "false"}),), {}, ("allowed", "s3:ListBucket")),
        ((everybody(StringLike={"aws:PrincipalTag/x": "y"}),), {}, ("conditional", "s3:ListBucket")),
    ],
)
def test_what_whoever_has_an_account_may_do_is_a_finding(
    statements: tuple[Json, ...], more: Json, wanted: tuple[str, str] | None
) -> None:
    there = bucket("b", ONE, *statements, **more)
    fields: Json = {"account_public_block": {ONE: False}, "account_ignores_acls": {ONE: False}}
    built = made_world(users=(user("ann", ONE),), resources=(there,), **fields)
    found = [one for one in findings(built.assembler) if one.kind == OPEN_TO_ACCOUNTS]
    assert [(one.state, one.sentence.rpartition(" do ")[2]) for one in found] == ([] if wanted is None else [wanted])
    assert all(one.target == there.arn and one.because["effect"] == "Allow" for one in found)
    assert all(("aws:PrincipalTag/x" in one.conditions) is (one.state == "conditional") for one in found)


def test_one_that_only_the_account_owners_condition_opens_to_services_is_none() -> None:
    said = allow("sqs:SendMessage", "*", Principal="*", Condition={"ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{ONE}"}})
    built = made_world(users=(user("ann", ONE),), resources=(queue("q", ONE, said),))
    assert [one for one in findings(built.assembler) if one.kind == OPEN_TO_ACCOUNTS] == []


def test_what_is_open_in_part_is_a_finding() -> None:
    said = allow(
        "s3:GetObject", "arn:aws:s3:::b/public/*", Principal="*", Condition={"StringLike": {"aws:PrincipalArn": "*"}}
    )
    fields: Json = {"account_public_block": {ONE: False}, "account_ignores_acls": {ONE: False}}
    built = made_world(users=(user("ann", ONE),), resources=(bucket("b", ONE, said, s3=OPEN),), **fields)
    (found,) = (one for one in findings(built.assembler) if one.kind == OPEN_TO_ACCOUNTS)
    assert (found.state, found.sentence) == ("allowed", "whoever has any AWS account can do s3:GetObject")
