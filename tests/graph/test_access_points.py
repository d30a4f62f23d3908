"""``who-can`` of what lies behind an access point lists everybody who ``can``."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from model.entities import AccessPoint, S3Grant
from tests.graph.worlds import ONE, OPEN, TWO, Json, allow, bucket, document, made_world, questions_of, user

DOOR = f"arn:aws:s3:us-east-1:{ONE}:accesspoint/door"
OBJECT = f"{DOOR}/object/x"
GET = "s3:GetObject"
FOREIGN = "999999999999"
ALICE, BOB = user("alice", ONE, allow("s3:*")), user("bob", TWO, allow("s3:*"))
TO_POINTS = {"StringEquals": {"s3:DataAccessPointAccount": ONE}}
DELEGATES = allow("*", Principal="*", Condition=TO_POINTS)
PUBLIC = replace(OPEN, acl=(S3Grant(grantee="AllUsers", permission="READ"),), owner="f" * 64, ownership="ObjectWriter")


def point(owner: str, *statements: Json) -> AccessPoint:
    return AccessPoint(
        arn=DOOR,
        account=ONE,
        region="us-east-1",
        name="door",
        bucket="b",
        bucket_account=owner,
        alias="door-abc-s3alias",
        policy=document(*statements) if statements else "",
        ignore_public_acls=False,
        restrict_public_buckets=False,
    )


def let_in(who: Json) -> Json:
    return allow(GET, f"{DOOR}/object/*", Principal=who)


@pytest.mark.parametrize(
    ("who", "principal"),
    [
        ({"AWS": BOB.arn}, BOB.arn),
        ({"AWS": FOREIGN}, f"account:{FOREIGN}"),
        ({"AWS": f"arn:aws:iam::{FOREIGN}:role/partner"}, f"arn:aws:iam::{FOREIGN}:role/partner"),
        ({"Service": "cloudfront.amazonaws.com"}, "cloudfront.amazonaws.com"),
    ],
)
@pytest.mark.parametrize("owner", [ONE, TWO])
def test_whom_its_policy_names_is_listed(who: Json, principal: str, owner: str, tmp_path: Path) -> None:
    behind = bucket("b", owner, DELEGATES, s3=replace(OPEN, point_accounts=(ONE,)))
    asked = questions_of(
        made_world(users=(ALICE, BOB), resources=(behind,), access_points=(point(owner, let_in(who)),)), tmp_path
    )
    for resource in (OBJECT, "arn:aws:s3:::door-abc-s3alias/x"):
        can = asked.can(principal, GET, resource)["verdict"]
        rows = {row["principal"]: row["verdict"] for row in asked.who_can(GET, resource)["principals"]}
        assert can in ("Allowed", "Conditional")
        assert rows.get(principal) in (can, "Conditional")  # what a foreign account gives is not known (L18)


def test_whom_the_acl_of_its_bucket_lets_in_is_listed(tmp_path: Path) -> None:
    opened = allow("s3:ListBucket", DOOR, Principal="*")
    asked = questions_of(
        made_world(
            users=(ALICE, BOB),
            resources=(bucket("b", ONE, s3=replace(PUBLIC, point_accounts=(ONE,))),),
            access_points=(point(ONE, opened),),
        ),
        tmp_path,
    )
    rows = {row["principal"] for row in asked.who_can("s3:ListBucket", DOOR)["principals"]}
    able = {
        who
        for who in ("anonymous", ALICE.arn, BOB.arn)
        if "Denied" not in asked.can(who, "s3:ListBucket", DOOR)["verdict"]
    }
    assert able == {"anonymous", ALICE.arn, BOB.arn}
    assert able <= rows
