"""``who-can`` of what lies behind an access point lists everybody who ``can``; ``reach`` tells what its name gives."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from graph.access_levels import levels_of
from graph.behind_points import others_through, through_in_words
from graph.findings import findings
from graph.open_to_accounts import ANY_ACCOUNT
from graph.questions import Questions
from graph.reaching import Reached, reach, reach_json
from model.entities import AccessPoint, S3Grant
from policy.actions import catalogue
from policy.verdicts import Verdict
from tests.graph.worlds import (
    ONE,
    OPEN,
    TWO,
    Json,
    allow,
    bucket,
    deny,
    document,
    made_world,
    questions_of,
    role,
    trust,
    user,
)

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


BEHIND_SECRET = f"{DOOR}/object/secret/*"
PUBLIC_PART = f"{DOOR}/object/public/*"
CAROL = user("carol", ONE, allow(GET, PUBLIC_PART))
DAVE = user(
    "dave", ONE, allow("s3:ListBucket", DOOR), allow("s3:*Object", f"{DOOR}/object/*"), deny("*", BEHIND_SECRET)
)


def reached(asked: Questions, who: str, **more: str) -> dict[str, tuple[str, list[str]]]:
    """What is reached by the access point's name."""
    rows = reach_json(asked, reach(asked, who, **more), None)["resources"]
    return {row["resource"]: (row["verdict"], row["levels"]) for row in rows if ":accesspoint/" in row["resource"]}


def test_what_a_policy_about_the_access_point_alone_gives_is_reached(tmp_path: Path) -> None:
    behind = bucket("b", ONE, s3=replace(OPEN, point_accounts=(ONE,)))
    world = made_world(users=(ALICE, CAROL, DAVE), resources=(behind,), access_points=(point(ONE),))
    asked = questions_of(world, tmp_path)
    assert reached(asked, ALICE.arn) == {}  # she has as much by the bucket's own name
    assert reached(asked, CAROL.arn) == {PUBLIC_PART: ("Allowed", ["Read:data"])}
    assert reached(asked, CAROL.arn, action="s3:PutObject") == reached(asked, CAROL.arn, level="Write") == {}
    assert reached(asked, DAVE.arn) == {
        DOOR: ("Allowed", ["List"]),
        f"{DOOR}/object/*": ("Allowed", ["Read:data", "Write"]),
        f"{DOOR}/object/secret/*": ("ExplicitlyDenied", ["Read:data", "Write"]),
    }
    here = "arn:aws:s3:::b/public/x"
    rows = asked.who_can(GET, here)["principals"]
    assert {row["principal"] for row in rows} == {ALICE.arn, f"arn:aws:iam::{ONE}:root"}
    (name, others), *more = others_through(asked, GET, here, rows)
    assert (name, [row["principal"] for row in others]) == (f"{DOOR}/object/public/x", [CAROL.arn, DAVE.arn])
    assert not more
    assert not list(others_through(asked, "s3:PutBucketPolicy", "arn:aws:s3:::b", ()))
    told = through_in_words(name, others, lambda who: who.rpartition("/")[2])
    wanted = (
        "By the name that access point `door` gives it, these can do this too, or under fewer conditions: carol, dave"
    )
    assert told == wanted


def test_roles_on_the_way_tell_of_access_points(tmp_path: Path) -> None:
    opened = trust({"AWS": f"arn:aws:iam::{ONE}:user/taker"})
    reader = role("reader", ONE, opened, allow(GET, PUBLIC_PART))
    taker = user("taker", ONE, allow("sts:AssumeRole", reader.arn))
    world = made_world(users=(taker,), roles=(reader,), resources=(bucket("b", ONE),), access_points=(point(ONE),))
    rows = list(reach(questions_of(world, tmp_path), taker.arn))
    assert [row.via for row in rows if row.resource_class.pattern == PUBLIC_PART] == [(reader.arn,)]


#: What is said of a bucket and its access point, by whoever says it.
_RESOURCES = (
    "*", "arn:aws:s3:::b/*", "arn:aws:s3:::b", "arn:aws:s3:::b/x*", DOOR, f"{DOOR}/*", f"{DOOR}/object/x*",
    f"{DOOR}/object/*", "arn:aws:s3:*:*:accesspoint/*", "*x/y", "arn:aws:s3:us-east-1:*", "*/object/x*", "*object*",
    "arn:aws:s3:*/object/*", f"{DOOR}/object/??*", "arn:aws:s3:::b/?????*",
)  # fmt: skip
_CONDITIONS: tuple[Json, ...] = (
    {}, {}, TO_POINTS, {"StringLike": {"s3:DataAccessPointArn": "*door"}}, {"Null": {"s3:DataAccessPointArn": "true"}},
    {"StringEquals": {"s3:AccessPointNetworkOrigin": "VPC"}}, {"StringNotEquals": {"s3:DataAccessPointAccount": ONE}},
)  # fmt: skip
_ACTIONS = ("s3:*", GET, "s3:List*", "s3:PutObject", "s3:Get*")
_KEYS_ASKED = ("", "/x", "/xyz", "/x/y", "/other")


def some(draw: Random, **more: Json) -> Json:
    made = deny if draw.random() < 0.25 else allow
    told = made(draw.choice(_ACTIONS), draw.choice(_RESOURCES), Condition=draw.choice(_CONDITIONS), **more)
    if draw.random() < 0.1:
        told["NotResource"] = told.pop("Resource")
    return told


@pytest.mark.parametrize("seed", range(24))
def test_reach_tells_all_that_the_access_point_gives_beyond_its_bucket(seed: int, tmp_path: Path) -> None:
    draw = Random(seed)
    users = [user(f"u{number}", owner, *(some(draw) for _ in range(3))) for number, owner in enumerate((ONE, ONE, TWO))]
    whom: tuple[Any, ...] = ("*", {"AWS": ONE}, {"AWS": users[0].arn}, {"AWS": users[2].arn})
    on_both = [[some(draw, Principal=draw.choice(whom)) for _ in range(draw.randrange(3))] for _ in range(2)]
    owner = draw.choice((ONE, TWO))
    behind = bucket("b", owner, *on_both[0], s3=replace(OPEN, point_accounts=(ONE,)))
    world = made_world(users=users, resources=(behind,), access_points=(point(owner, *on_both[1]),))
    asked = questions_of(world, tmp_path)
    for who in users:
        rows = [row for row in reach(asked, who.arn) if ":accesspoint/" in row.resource_class.pattern]
        for key in _KEYS_ASKED:
            there = DOOR + (f"/object{key}" if key else "")
            for action in ("s3:ListBucket", "s3:GetBucketPolicy") if not key else (GET, "s3:PutObject"):
                by_point, by_bucket = (
                    Verdict(asked.can(who.arn, action, name)["verdict"]) for name in (there, f"arn:aws:s3:::b{key}")
                )
                if ORDER.index(by_point) < ORDER.index(by_bucket):
                    (level,) = levels_of((action,))
                    told = [row for row in rows if level in row.levels and covers(row, there)]
                    best = min((ORDER.index(row.verdict) for row in told), default=3)
                    assert best <= ORDER.index(by_point), (who.arn, action, key)
        for key in ("/x", "/x/y"):  # and whoever can is listed by that name
            listed = {one["principal"] for one in asked.who_can(GET, f"{DOOR}/object{key}")["principals"]}
            can = Verdict(asked.can(who.arn, GET, f"{DOOR}/object{key}")["verdict"])
            assert (who.arn in listed) is (ORDER.index(can) < 2), (who.arn, key)
        for row in rows:  # nothing is told that no action of the level has there
            name = row.resource_class.representative
            for level in row.levels:
                own = [one for one in catalogue().actions_for_resource(name) if level in levels_of((one,))]
                found = {asked.can(who.arn, one, name)["verdict"] for one in own}
                assert str(row.verdict) in found, (who.arn, row.resource_class.pattern, level)


ORDER = (Verdict.ALLOWED, Verdict.CONDITIONAL, Verdict.IMPLICITLY_DENIED, Verdict.EXPLICITLY_DENIED)


def covers(row: Reached, arn: str) -> bool:
    globs = row.resource_class.pattern.split(" ∩ ")
    return all(fnmatchcase(arn, glob) for glob in globs)


@pytest.mark.parametrize("more", [{}, {"bucket_account": ""}, {"bucket": "", "bucket_account": ""}])
def test_what_is_behind_buckets_that_nobody_collected_is_told_by_the_access_point(more: Json, tmp_path: Path) -> None:
    there = replace(point(ONE), **more)
    asked = questions_of(made_world(users=(ALICE, CAROL), access_points=(there,)), tmp_path)
    for who, name in ((ALICE.arn, f"{DOOR}/object/*"), (CAROL.arn, PUBLIC_PART)):
        assert asked.can(who, GET, name.replace("*", "x"))["verdict"] == "Conditional"
        verdict, levels = reached(asked, who)[name]
        assert verdict == "Conditional" and "Read:data" in levels


def test_shorter_keys_are_told_where_a_pattern_matches_nearly_all(tmp_path: Path) -> None:
    who = user("eve", ONE, allow("s3:Get*", f"{DOOR}/object/*"), allow("s3:Get*", f"{DOOR}/object/??*"))
    asked = questions_of(made_world(users=(who,), resources=(bucket("b", ONE),), access_points=(point(ONE),)), tmp_path)
    assert f"{DOOR}/object/*" in reached(asked, who.arn)


def test_whom_only_an_account_at_aws_lets_in_is_told_by_its_name(tmp_path: Path) -> None:
    signed = {"StringLike": {"aws:PrincipalArn": "*"}}
    opened = allow(GET, f"{DOOR}/object/public/*", Principal="*", Condition=signed)
    behind = bucket("b", ONE, allow("*", Principal="*", Condition={**TO_POINTS, **signed}), s3=OPEN)
    fields: Json = {"account_public_block": {ONE: False}, "account_ignores_acls": {ONE: False}}
    world = made_world(users=(CAROL,), resources=(behind,), access_points=(point(ONE, opened),), **fields)
    asked = questions_of(world, tmp_path)
    here = "arn:aws:s3:::b/public/x"
    assert asked.can(f"account:{FOREIGN}", GET, f"{DOOR}/object/public/x")["verdict"] == "Allowed"
    ((_, others),) = others_through(asked, GET, here, asked.who_can(GET, here)["principals"])
    assert ANY_ACCOUNT in {row["principal"] for row in others}
    assert (DOOR, "allowed") in {(one.target, one.state) for one in findings(world.assembler)}
