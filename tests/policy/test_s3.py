"""What only S3 has: "public", ACLs, ownership, access points, in the engine and from the inventory (semantics L7)."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest

from graph.reaching import reach
from graph.world import World
from model.entities import AccessPoint, Resource, S3Grant, S3Settings
from model.inventory import Inventory, InventoryData
from policy.assemble import Assembler
from policy.cases import run_cases
from policy.context import Overrides
from policy.context_values import DictContext, Unknown
from policy.decide import Decision, decide
from policy.document import parse_document
from policy.explain import explain
from policy.inputs import AccessPoint as PointSettings
from policy.inputs import AclGrant, Inputs, PolicyRef, Settings
from policy.many import Side, decide_many
from policy.request import Principal, Request
from policy.s3 import is_public, strictest
from tests.graph.test_quotient import askers, granted, verdict_of
from tests.graph.worlds import (
    FOREIGN,
    ONE,
    OPEN,
    TWO,
    allow,
    bucket,
    deny,
    document,
    made,
    questions_of,
    rcp,
    scp,
    seeds,
    user,
    world,
)

ALICE, BOB = user("alice", ONE, allow("s3:*")), user("bob", TWO, allow("s3:*"))
NOBODY = user("nobody", ONE)
ID_ONE, ID_TWO, ID_OTHER = "1" * 64, "2" * 64, "f" * 64
OWNER = S3Grant(grantee=ID_ONE, permission="FULL_CONTROL")
POINT = f"arn:aws:s3:us-east-1:{ONE}:accesspoint/door"
DELEGATES = allow("*", Principal="*", Condition={"StringEquals": {"s3:DataAccessPointAccount": ONE}})


def settings(*grants: S3Grant, **more: Any) -> S3Settings:
    return msgspec.structs.replace(OPEN, acl=(OWNER, *grants), owner=ID_ONE, **more)


def assembler(*resources: Resource, **fields: Any) -> Assembler:
    given: dict[str, Any] = {
        "users": (ALICE, BOB, NOBODY),
        "account_public_block": {ONE: False, TWO: False},
        "account_ignores_acls": {ONE: False, TWO: False},
        "canonical_ids": {ONE: ID_ONE, TWO: ID_TWO},
        "regions": ("us-east-1",),
        "resources": resources,
        **fields,
    }
    return Assembler(Inventory(made(**given)))


def ask(
    source: Assembler, principal: str, action: str = "s3:ListBucket", resource: str = "arn:aws:s3:::b", **given: str
) -> Decision:
    overrides = Overrides.of({key.replace("__", ":"): (value,) for key, value in given.items()})
    return source.decide(source.caller(source.principal(principal)), action, resource, overrides)


def verdict(source: Assembler, principal: str, *more: str, **given: str) -> str:
    return ask(source, principal, *more, **given).verdict.value


def residual(decision: Decision) -> Any:
    return None if decision.residual is None else decision.residual.to_json()


# -- public

FIXED = {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}


@pytest.mark.parametrize(
    ("more", "public"),
    [
        ({"Principal": "*"}, True),
        ({"Principal": {"AWS": "*"}}, True),
        ({"Principal": {"AWS": ONE}}, False),
        ({"Principal": {"Service": "cloudtrail.amazonaws.com"}}, False),
        ({"Principal": {"Federated": "graph.facebook.com"}}, True),
        ({"NotPrincipal": {"AWS": ONE}}, True),
        ({"Principal": "*", "Effect": "Deny"}, False),
        ({"Principal": "*", "Condition": FIXED}, False),
        ({"Principal": "*", "Condition": {"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/x"}}}, True),
        ({"Principal": "*", "Condition": {"StringEquals": {"aws:userid": "${aws:userid}"}}}, True),
        ({"Principal": "*", "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}}, True),
        ({"Principal": "*", "Condition": {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}}, True),
        ({"Principal": "*", "Condition": {"ForAllValues:StringEquals": {"aws:PrincipalOrgPaths": "o-1/"}}}, True),
        ({"Principal": "*", "Condition": {"StringEquals": {"aws:Referer": "me"}}}, True),
        ({"Principal": "*", "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}, False),
        ({"Principal": "*", "Condition": {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "0.0.0.0/1"]}}}, True),
        ({"Principal": "*", "Condition": {"IpAddress": {"aws:SourceIp": "2001:db8::/31"}}}, True),
        ({"Principal": "*", "Condition": {"ArnLike": {"s3:DataAccessPointArn": f"{POINT[:-4]}*"}}}, False),
        ({"Principal": "*", "Condition": {"ArnLike": {"s3:DataAccessPointArn": "arn:aws:s3:*:*:accesspoint/a"}}}, True),
    ],
)
def test_public_is_what_s3_calls_public(more: dict[str, Any], public: bool) -> None:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **more}
    (compiled,) = parse_document({"Version": "2012-10-17", "Statement": [statement]}).statements
    assert is_public(compiled) is public


def test_at_an_access_point_an_open_name_is_public() -> None:
    text = document(allow("s3:*", Principal="*", Condition={"ArnLike": {"s3:DataAccessPointArn": f"{POINT[:-4]}*"}}))
    (compiled,) = parse_document(text).statements
    assert is_public(compiled, at_access_point=True)
    assert not is_public(compiled)


def test_the_strictest_setting_counts_and_what_is_not_known_is_no_no() -> None:
    assert strictest(False, None, True) is True
    assert strictest(False, None) is None
    assert strictest(False, False) is False


# -- ACLs

# "Mapping of ACL permissions and access policy permissions", acl-overview.html
BUCKET = {
    "READ": {"ListBucket", "ListBucketVersions", "ListBucketMultipartUploads"},
    "WRITE": {"PutObject"},
    "READ_ACP": {"GetBucketAcl"},
    "WRITE_ACP": {"PutBucketAcl"},
}
OBJECT = {
    "READ": {"GetObject", "GetObjectVersion"},
    "WRITE": set(),
    "READ_ACP": {"GetObjectAcl", "GetObjectVersionAcl"},
    "WRITE_ACP": {"PutObjectAcl", "PutObjectVersionAcl"},
}
ACTIONS = sorted({name for table in (BUCKET, OBJECT) for names in table.values() for name in names} | {"DeleteObject"})


@pytest.mark.parametrize("of", ["acl", "objectAcl"])
@pytest.mark.parametrize("permission", [*BUCKET, "FULL_CONTROL"])
def test_a_permission_gives_the_actions_of_the_table_and_no_other(of: str, permission: str) -> None:
    table = BUCKET if of == "acl" else OBJECT
    given = set().union(*table.values()) if permission == "FULL_CONTROL" else table[permission]
    s3 = {"acl": [], "objectAcl": [], of: [{"grantee": "AllUsers", "permission": permission}]}
    cases = [
        {
            "id": name,
            "principal": "anonymous",
            "action": f"s3:{name}",
            "resource": "arn:aws:s3:::b" if "Bucket" in name else "arn:aws:s3:::b/x",
            "resource_account": ONE,
            "settings": {"s3": s3},
        }
        for name in ACTIONS
    ]
    answers = run_cases([json.dumps(case) for case in cases])
    assert {answer["id"] for answer in answers if answer["verdict"] == "Allowed"} == given


def test_a_batch_tells_apart_what_an_acl_and_an_access_point_tell_apart() -> None:
    anyone, open_acl = Principal.parse("anonymous"), (AclGrant("AllUsers", "READ"), AclGrant("AllUsers", "READ_ACP"))
    actions = [f"s3:{name}" for name in ACTIONS]
    by_acl = Inputs(settings=Settings(acl=open_acl, object_acl=open_acl))
    policy = PolicyRef("p", parse_document(document(allow("s3:GetObject", f"{POINT}/object/x", Principal="*"))))
    lets_in = PolicyRef("b", parse_document(document(allow("s3:*", Principal="*"))))
    inside = Settings(access_point=PointSettings(POINT, ONE, policy, vpc="vpc-1"))
    through = Inputs(resource=lets_in, settings=inside)
    sides = [
        Side(f"arn:aws:s3:::b{rest}", ONE, inputs, DictContext({"aws:SourceVpc": vpc}))
        for inputs in (by_acl, through)
        for rest in ("", "/x", "/y")
        for vpc in ("vpc-1", "vpc-2")
    ]
    got = iter(decide_many(anyone, actions, sides))
    for action, side in itertools.product(actions, sides):
        alone = decide(Request(anyone, action, side.resource, side.account, side.context), side.inputs)
        assert next(got).verdict is alone.verdict, (action, side.resource)


UNKNOWN = ("blockPublicAccess", "ignorePublicAcls", "objectOwnership", "acl")
VALUES: dict[str, list[Any]] = {
    "blockPublicAccess": [True, False],
    "ignorePublicAcls": [True, False],
    "objectOwnership": ["BucketOwnerEnforced", "ObjectWriter"],
    "acl": [
        [],
        [{"grantee": "AllUsers", "permission": "READ"}],
        [{"grantee": "AuthenticatedUsers", "permission": "FULL_CONTROL"}],
        [{"grantee": ID_ONE, "permission": "READ"}],
    ],
}
CALLERS = ["anonymous", ALICE.arn, NOBODY.arn, f"arn:aws:iam::{TWO}:user/x", "cloudtrail.amazonaws.com"]


@pytest.mark.parametrize("unknown", [set(some) for n in range(1, 5) for some in itertools.combinations(UNKNOWN, n)])
def test_a_definite_answer_holds_whatever_the_unread_settings_are(unknown: set[str]) -> None:
    policies = [None, {"Version": "2012-10-17", "Statement": [allow("s3:ListBucket", Principal="*")]}]
    known = {"blockPublicAccess": False, "ignorePublicAcls": False, "objectOwnership": "ObjectWriter", "acl": []}
    for caller, action, policy in itertools.product(CALLERS, ("s3:ListBucket", "s3:PutObject"), policies):
        case = {
            "principal": caller,
            "principal_canonical_id": ID_ONE,
            "action": action,
            "resource": "arn:aws:s3:::b",
            "resource_account": ONE,
            "identity_policies": [json.loads(document(allow("s3:*")))] if caller.endswith(("alice", "x")) else [],
            "resource_policy": policy,
        }
        completions = [
            {**known, **dict(zip(sorted(unknown), values, strict=True))}
            for values in itertools.product(*(VALUES[name] for name in sorted(unknown)))
        ]
        lines = [{**case, "settings": {"s3": {**known, **dict.fromkeys(unknown)}}}]
        lines += [{**case, "settings": {"s3": s3}} for s3 in completions]
        first, *others = [answer["verdict"] for answer in run_cases([json.dumps(line) for line in lines])]
        allowed = {answer == "Allowed" for answer in others}
        assert first == "Conditional" if len(allowed) == 2 else (first == "Allowed") in allowed, (case, unknown)


@pytest.mark.parametrize(
    ("s3", "message"),
    [
        ([], "`s3` is not an object"),
        ({"ignorePublicAcls": 1}, "`ignorePublicAcls` is neither true, false nor null"),
        ({"objectOwnership": "Mine"}, "`objectOwnership`: `'Mine'` is none of"),
        ({"acl": {}}, "`acl` is not a list"),
        ({"acl": [{"permission": "READ"}]}, "a grant is an object with `grantee` and `permission`"),
        ({"acl": [{"grantee": "AllUsers", "permission": "read"}]}, "`'read'` is no permission of an ACL"),
        ({"objectAcl": [{"grantee": "me", "permission": "READ"}]}, "`me` is neither a canonical user id nor a group"),
        ({"accessPoint": POINT}, "`accessPoint` is not an object"),
        ({"accessPoint": {"arn": "arn:aws:s3:::b"}}, "is no ARN of an access point"),
        ({"accessPoint": {"arn": POINT, "vpc": 1}}, "`vpc` is not a text"),
        ({"accessPoint": {"arn": POINT, "account": 1}}, "`account` is not a text"),
        ({"accessPoint": {"arn": POINT, "policy": 1}}, "`access-point`: `int` is not a policy"),
    ],
)
def test_a_case_that_says_something_else_is_refused_in_one_line(s3: Any, message: str) -> None:
    case = {"principal": ALICE.arn, "action": "s3:ListBucket", "resource": "*", "settings": {"s3": s3}}
    (answer,) = run_cases([json.dumps(case)])
    assert answer["verdict"] == "Error"
    assert message in answer["error"]


# -- from the inventory


def test_everybody_may_do_what_a_public_acl_says() -> None:
    source = assembler(bucket("b", s3=settings(S3Grant(grantee="AllUsers", permission="READ"))))
    decision = ask(source, "anonymous")
    assert decision.verdict.value == "Allowed"
    assert [reason.policy for reason in decision.because] == ["arn:aws:s3:::b#acl"]
    assert verdict(source, "anonymous", "s3:PutObject", "arn:aws:s3:::b/x") == "ImplicitlyDenied"
    assert verdict(source, NOBODY.arn) == "Allowed"


def test_block_public_access_of_the_account_or_ownership_ends_it() -> None:
    public = S3Grant(grantee="AllUsers", permission="READ")
    blocked = assembler(bucket("b", s3=settings(public)), account_ignores_acls={ONE: True})
    enforced = assembler(bucket("b", s3=settings(public, ownership="BucketOwnerEnforced")))
    unread = assembler(bucket("b", s3=settings(public)), account_ignores_acls={})
    assert verdict(blocked, "anonymous") == "ImplicitlyDenied"
    assert verdict(enforced, "anonymous") == "ImplicitlyDenied"
    assert residual(ask(unread, "anonymous")) == {"document": "arn:aws:s3:::b#public-access-block"}


def test_an_acl_that_was_not_read_leaves_what_it_could_give_in_doubt() -> None:
    source = assembler(bucket("b", s3=msgspec.structs.replace(OPEN, acl=None)))
    assert residual(ask(source, "anonymous")) == {"document": "arn:aws:s3:::b#acl"}
    assert verdict(source, "anonymous", "s3:GetObject", "arn:aws:s3:::b/x") == "ImplicitlyDenied"
    assert verdict(source, ALICE.arn) == "Allowed"


def test_a_grant_to_another_account_lets_its_own_policies_give_it() -> None:
    source = assembler(bucket("b", s3=settings(S3Grant(grantee=ID_TWO, permission="READ"))))
    assert verdict(source, BOB.arn) == "Allowed"
    assert verdict(source, f"arn:aws:iam::{TWO}:root") == "Allowed"
    assert verdict(source, "anonymous") == "ImplicitlyDenied"
    assert verdict(assembler(bucket("b", s3=settings())), BOB.arn) == "ImplicitlyDenied"


def test_whose_canonical_id_it_is_may_not_be_known() -> None:
    source = assembler(bucket("b", s3=settings(S3Grant(grantee=ID_OTHER, permission="READ"))))
    stranger = ask(source, f"arn:aws:iam::{FOREIGN}:user/x")
    assert stranger.verdict.value == "Conditional"
    assert {"document": f"canonical-id:{FOREIGN}"} in residual(stranger)["all"]
    assert verdict(source, BOB.arn) == "ImplicitlyDenied"  # its account's id is known, and another


def test_the_owner_s_own_grant_adds_nothing() -> None:
    source = assembler(bucket("b", s3=settings()))
    assert verdict(source, NOBODY.arn) == "ImplicitlyDenied"
    assert residual(ask(source, f"arn:aws:iam::{FOREIGN}:user/x")) is None


def test_answers_say_that_objects_acls_are_not_read() -> None:
    def said(source: Assembler) -> str:
        caller = source.caller(source.principal("anonymous"))
        request, inputs = source.request(caller, "s3:GetObject", "arn:aws:s3:::b/x")
        return " ".join(explain(request, inputs, source.decide(caller, "s3:GetObject", "arn:aws:s3:::b/x")))

    sentence = "An access control list of the object's own may allow it"
    assert sentence in said(assembler(bucket("b", s3=settings())))
    assert sentence not in said(assembler(bucket("b", s3=settings(ownership="BucketOwnerEnforced"))))
    assert sentence not in said(assembler(bucket("b", s3=settings(ignore_public_acls=True))))


def test_who_can_lists_whom_an_acl_lets_in(tmp_path: Path) -> None:
    public = bucket("open", s3=settings(S3Grant(grantee="AllUsers", permission="READ")))
    shared = bucket("shared", s3=settings(S3Grant(grantee=ID_TWO, permission="READ")))
    private = bucket("private", s3=settings())
    questions = questions_of(World(assembler(public, shared, private).inventory), tmp_path)

    def who(resource: Resource, action: str = "s3:ListBucket") -> set[str]:
        return {row["principal"] for row in questions.who_can(action, resource.arn)["principals"] if not row["via"]}

    assert {"anonymous", ALICE.arn, BOB.arn, NOBODY.arn} <= who(public)
    assert "anonymous" not in who(public, "s3:PutBucketAcl")
    assert who(shared) >= {ALICE.arn, BOB.arn}
    assert not who(shared) & {"anonymous", NOBODY.arn}
    assert not who(private) & {"anonymous", BOB.arn}
    assert questions.can("anonymous", "s3:ListBucket", public.arn)["verdict"] == "Allowed"
    for action, arns in (("s3:ListBucketVersions", {public.arn}), ("s3:GetBucketAcl", set())):
        rows = reach(questions, "anonymous", action=action)
        assert {row.resource_class.representative for row in rows} == arns


# -- access points


def point(policy: str | None = "", **more: Any) -> AccessPoint:
    fields: dict[str, Any] = {
        "bucket": "b",
        "alias": "door-abc-s3alias",
        "restrict_public_buckets": True,
        "ignore_public_acls": True,
        **more,
    }
    return AccessPoint(arn=POINT, account=ONE, region="us-east-1", name="door", policy=policy, **fields)


LETS_NOBODY_IN = document(allow("s3:GetObject", f"{POINT}/object/*", Principal={"AWS": NOBODY.arn}))
BEHIND = [f"{POINT}/object/x/y", "arn:aws:s3:::door-abc-s3alias/x/y"]


@pytest.mark.parametrize("resource", BEHIND)
def test_a_request_through_an_access_point_asks_its_policy_and_the_bucket(resource: str) -> None:
    source = assembler(bucket("b", ONE, DELEGATES), access_points=(point(LETS_NOBODY_IN),))
    decision = ask(source, NOBODY.arn, "s3:GetObject", resource)
    assert decision.verdict.value == "Allowed"
    assert {reason.policy for reason in decision.because} == {"arn:aws:s3:::b#policy", f"{POINT}#policy"}
    closed = assembler(bucket("b"), access_points=(point(LETS_NOBODY_IN),))
    assert verdict(closed, NOBODY.arn, "s3:GetObject", resource) == "ImplicitlyDenied"
    assert verdict(closed, ALICE.arn, "s3:GetObject", resource) == "Allowed"


def test_an_access_point_from_its_vpc_alone_hangs_on_where_the_request_comes_from() -> None:
    source = assembler(bucket("b"), access_points=(point(vpc="vpc-1"),))
    asked = (ALICE.arn, "s3:ListBucket", POINT)
    assert residual(ask(source, *asked))["key"] == "aws:SourceVpc"
    assert verdict(source, *asked, aws__SourceVpc="vpc-1") == "Allowed"
    assert verdict(source, *asked, aws__SourceVpc="vpc-2") == "ImplicitlyDenied"


@pytest.mark.parametrize("resource", [*BEHIND, POINT, "arn:aws:s3:::door-abc-s3alias"])
def test_an_access_point_that_nobody_collected_is_not_known(resource: str) -> None:
    decision = ask(assembler(bucket("b")), ALICE.arn, "s3:ListBucket", resource)
    assert residual(decision) == {"document": f"{resource.partition('/object/')[0].partition('/x')[0]}#policy"}


@pytest.mark.parametrize("name", [NOBODY.arn, f"arn:aws:iam::{ONE}:root"])
@pytest.mark.parametrize("resource", [BEHIND[1], BEHIND[1].partition("/")[0], POINT, f"{POINT}/object/a:::b"])
def test_an_access_point_that_was_not_listed_may_be_the_callers_whatever_buckets_were(name: str, resource: str) -> None:
    """L7: the list of buckets has no access points, and what is behind one may be anybody's."""
    for elsewhere in ((), ((TWO, "", "s3:bucket"),)):
        unread = assembler(bucket("b"), regions=(), unread_lists=elsewhere, unread_points=((ONE, "us-east-1"),))
        for action in ("s3:ListBucket", "s3:PutBucketPolicy"):
            decision = ask(unread, name, action, resource)
            assert residual(decision) == {"document": f"{resource.partition('/x')[0].partition('/object/')[0]}#policy"}
        key = "aws:ResourceAccount"
        request, _ = unread.request(unread.caller(unread.principal(name)), "s3:ListBucket", resource)
        assert isinstance(request.context.get(key), Unknown)
    listed = assembler(bucket("b"), regions=(), unread_lists=((ONE, "", "s3:bucket"),))
    assert (verdict(listed, NOBODY.arn, "s3:ListBucket", resource) == "ImplicitlyDenied") == (":::door" in resource)


def test_guardrails_over_the_account_of_a_bucket_that_was_not_listed_are_over_what_its_access_points_let_in() -> None:
    """L3: an access point tells whose bucket it is of."""
    denying = rcp("none", deny("*", Principal="*"), targets=(TWO,))
    door = point(bucket="unseen", bucket_account=TWO)
    some = assembler(access_points=(door,), guardrails=(scp("all", allow("*")), denying))
    assert verdict(some, ALICE.arn, "s3:GetObject", BEHIND[0]) == "ExplicitlyDenied"


def test_what_was_not_read_of_an_access_point_is_not_known() -> None:
    unread = assembler(bucket("b", ONE, DELEGATES), access_points=(point(None),))
    assert residual(ask(unread, NOBODY.arn, "s3:GetObject", BEHIND[0])) == {"document": f"{POINT}#policy"}
    elsewhere = assembler(access_points=(point(bucket="foreign", bucket_account=FOREIGN),))
    decision = ask(elsewhere, ALICE.arn, "s3:GetObject", BEHIND[0])
    assert residual(decision) == {"document": "arn:aws:s3:::foreign#policy"}


def test_only_a_bucket_that_delegates_hangs_on_access_points_that_were_not_listed() -> None:
    plain, delegating = bucket("plain"), bucket("b", ONE, DELEGATES)
    unlisted = assembler(plain, delegating, unread_points=((ONE, ""), (TWO, "")))
    assert verdict(unlisted, "anonymous", "s3:ListBucket", plain.arn) == "ImplicitlyDenied"
    assert residual(ask(unlisted, "anonymous"))["key"] == "s3:DataAccessPointAccount"
    assert verdict(assembler(delegating), "anonymous") == "ImplicitlyDenied"  # it is known to have none
    having = bucket("b", ONE, DELEGATES, s3=msgspec.structs.replace(OPEN, point_accounts=(ONE,)))
    assert verdict(assembler(having, access_points=(point(),)), "anonymous") == "Conditional"
    unread_region = assembler(delegating, regions=("eu-west-1",))
    assert verdict(unread_region, "anonymous") == "Conditional"


# -- many buckets at once


def _with_acls(data: InventoryData, seed: int) -> InventoryData:
    """A drawn world whose buckets have drawn ACLs, ownership and settings, and whose accounts mostly have known ids."""
    draw = random.Random(seed)
    ids = {account.id: account.id[0] * 64 for account in data.accounts}
    grantees = [*ids.values(), ID_OTHER, "AllUsers", "AuthenticatedUsers"]

    def drawn(one: Resource) -> Resource:
        if one.s3 is None:
            return one
        grants = tuple(
            S3Grant(grantee=draw.choice(grantees), permission=draw.choice(["READ", "WRITE", "FULL_CONTROL"]))
            for _ in range(draw.randint(0, 2))
        )
        changed = msgspec.structs.replace(
            one.s3,
            acl=None if draw.random() < 0.15 else grants,
            owner=ids[one.account],
            ownership=draw.choice(["ObjectWriter", "BucketOwnerPreferred", "BucketOwnerEnforced", None]),
            ignore_public_acls=draw.choice([True, False, None]),
        )
        return msgspec.structs.replace(one, s3=changed)

    return msgspec.structs.replace(
        data,
        resources=tuple(map(drawn, data.resources)),
        canonical_ids={account: id for account, id in ids.items() if draw.random() < 0.8},
        account_ignores_acls={account.id: False for account in data.accounts},
    )


ASKED = {
    False: ("s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketAcl", "s3:PutBucketAcl", "s3:GetBucketTagging"),
    True: ("s3:PutObject", "s3:GetObject", "s3:GetObjectAcl"),
}


@pytest.mark.parametrize("seed", seeds(6, 200))
def test_classes_of_buckets_with_acls_answer_as_each_bucket_does(seed: int) -> None:
    built = World(Inventory(_with_acls(world(seed), seed)))
    grants = granted(built)
    wrong = []
    for item in built.classes:
        if item.type != "s3:bucket":
            continue
        for arn in item.members or (item.representative,):
            for subject, action in itertools.product(askers(built, item), ASKED[item.contents]):
                wanted = verdict_of(built.decider.decide(subject, action, arn))
                got = verdict_of(grants.get((subject.index, item.index, action)))
                if wanted != got:
                    wrong.append(f"{subject.key} {action} {arn}: decided {wanted}, granted {got}")
    assert wrong == []


def test_the_drawn_buckets_let_other_accounts_in_by_their_acls() -> None:
    found = set()
    for seed in range(6):
        built = World(Inventory(_with_acls(world(seed), seed)))
        for account in built.resolver.accounts:
            for grant in built.resolver.resolve(account):
                found |= {str(reason["policy"]).rpartition("#")[2] for reason in grant.outcome.because}
    assert "acl" in found
