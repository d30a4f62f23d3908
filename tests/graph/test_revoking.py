"""What can be taken away from whom: the names people type, the inventory after the change, whom it touches."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest

from graph.names import subject_of
from graph.revoking import Revocation, Touched, changed_inventory, touched, without
from graph.whatif_names import BadRevocationError, NotHeldError, WhichOneError, revocation
from graph.world import World
from model.entities import DirectoryGroup, DirectoryUser, IdentityCenter, InlinePolicy, ManagedPolicy, Resource
from model.errors import GrantmapError
from model.inventory import Inventory
from policy.actions import catalogue
from tests.graph.test_whatif import ANN, CONTENT, EVE, OPS, SETS, A, assigned, drawn, group, policy, reserved
from tests.graph.worlds import MANAGEMENT, ONE, allow, bucket, document, made_world, role, seeds, user

# -- the changed inventory


def test_a_policy_without_a_statement_keeps_the_others() -> None:
    text = document(allow("s3:GetObject", Sid="A"), allow("s3:PutObject", Sid="B"))
    assert without(text, {0}) == document(allow("s3:PutObject", Sid="B"))
    single = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'
    assert without(single, {0}) == '{"Version": "2012-10-17", "Statement": []}'


class OneAccount:
    """A source of resources with one account."""

    def __init__(self, *resources: Resource) -> None:
        self._resources = resources

    def accounts(self) -> Sequence[str]:
        return [ONE]

    def of(self, account: str) -> tuple[Resource, ...]:
        return self._resources if account == ONE else ()

    def account_of(self, arn: str) -> str | None:
        return ONE


def test_resources_outside_of_the_data_change_where_they_lie() -> None:
    opened = bucket("data", ONE, allow("s3:GetObject", CONTENT, Principal="*", Sid="In"))
    built = made_world(users=(user("ann", ONE),), resources=(opened,))
    change = revocation(built, subject_of(built, "anonymous"), "statement", f"{opened.arn}#policy#In")
    changed = changed_inventory(Inventory(built.inventory.data), change, OneAccount(opened, bucket("other")))
    assert changed.resources[opened.arn].policy == document()


# -- what people type


def typed() -> World:
    """One of everything that can be named."""
    get = policy("get", allow("s3:GetObject", CONTENT, Sid="Get"), allow("s3:PutObject", CONTENT))
    edge = policy("edge", allow("*"))
    aws = ManagedPolicy(
        arn="arn:aws:iam::aws:policy/ReadOnlyAccess", id="P", name="R", account="aws", document=document(allow("s3:*"))
    )
    broken = InlinePolicy(name="broken", document="{")
    staff = group("staff", allow("sqs:*"), attached=(aws.arn,))
    ann = user("ann", ONE, allow("s3:*"), attached=(get.arn,), groups=(staff.arn,), boundary=edge.arn)
    twin = user("twin", ONE, attached=(get.arn,), inline=(InlinePolicy(name="get", document=document()), broken))
    service = role("AWSServiceRoleForX", ONE, path="/aws-service-role/x.amazonaws.com/")
    return made_world(
        users=(ann, twin, user("bare")),
        roles=(role("R", ONE, trusts="{"), service, reserved("Ops", ONE)),
        groups=(staff,),
        policies=(get, edge, aws),
        resources=(bucket("data", ONE, allow("s3:*", Principal="*", Sid="Open")), bucket("none")),
        centers=(IdentityCenter(instance="i", store="d", owner=MANAGEMENT, abac=False),),
        permission_sets=SETS,
        directory_users=(DirectoryUser(id="d-1", user_name="eve", emails=(EVE,), active=True),),
        directory_groups=tuple(DirectoryGroup(id=f"g-{n}", name="Twins", members=("d-1",)) for n in (1, 2)),
        assignments=(assigned("Ops", ONE, "d-1"),),
    )


@pytest.mark.parametrize(
    ("principal", "kind", "text", "error", "words"),
    [
        ("ann", "policy", "nope", NotHeldError, "has no policy `nope`: it has `{ann}#inline:own`, `{get}`"),
        ("bare", "policy", "nope", NotHeldError, "has no policy `nope`: it has none"),
        ("ann", "policy", "g", NotHeldError, "through group `staff`: ask about the membership with --group staff"),
        ("ann", "policy", "ReadOnlyAccess", NotHeldError, "comes to `{ann}` through group `staff`"),
        ("ann", "policy", "edge", NotHeldError, "is the permissions boundary of `{ann}`, which gives no access"),
        ("twin", "policy", "get", WhichOneError, "several policies `get`: `{twin}#inline:get`, `{get}`; give one"),
        (EVE, "policy", "x", NotHeldError, "people act through permission sets, give --assignment `Ops@name-1`"),
        ("lambda.amazonaws.com", "policy", "x", NotHeldError, "give --trust or --statement"),
        ("ann", "assignment", "Ops@1", NotHeldError, "`{ann}` is not a person"),
        (EVE, "assignment", "Ops", BadRevocationError, "wrong assignment `Ops`: expected SET@ACCOUNT"),
        (EVE, "assignment", "@", BadRevocationError, "wrong assignment `@`: expected SET@ACCOUNT"),
        (EVE, "assignment", "Look@name-1", NotHeldError, "has no assignment `Look@name-1`: they have `Ops@name-1`"),
        (EVE, "assignment", "Ops@name-1#group:x", NotHeldError, "they have `Ops@name-1`"),
        ("ann", "group", "admins", NotHeldError, "is not in group `admins`: it is in `staff`"),
        ("bare", "group", "staff", NotHeldError, "is not in group `staff`: it is in none"),
        ("R", "group", "staff", NotHeldError, "is in no group"),
        (EVE, "group", "staff", NotHeldError, "is not in group `staff`: they are in `Twins`, `Twins`"),
        (EVE, "group", "twins", WhichOneError, "several groups `twins`: `g-1`, `g-2`; give one of these ids"),
        ("ann", "trust", "nobody", GrantmapError, "no principal `nobody`"),
        ("ann", "trust", "twin", NotHeldError, "`twin` is not a role: only roles have a trust policy"),
        ("ann", "trust", "R", NotHeldError, "the statements of `{R}#trust` are not known: /: not json"),
        ("ann", "trust", "AWSServiceRoleForX", NotHeldError, "made by AWS for a service and cannot be changed"),
        (EVE, "trust", OPS, NotHeldError, "made by Identity Center and cannot be changed: give --assignment"),
        ("ann", "statement", "get", BadRevocationError, "wrong statement `get`: expected POLICY#SID"),
        ("ann", "statement", "get#", BadRevocationError, "wrong statement `get#`: expected POLICY#SID"),
        ("ann", "statement", "{bucket}#policy", BadRevocationError, "expected POLICY#SID"),
        ("ann", "statement", "{ann}#inline:own", BadRevocationError, "expected POLICY#SID"),
        ("ann", "statement", "get#Put", NotHeldError, "`{get}` has no statement `Put`: it has `Get`, `2`"),
        ("ann", "statement", "get#3", NotHeldError, "`{get}` has no statement `3`: it has `Get`, `2`"),
        ("ann", "statement", "get#²", NotHeldError, "`{get}` has no statement `²`"),
        ("ann", "statement", "nope#1", NotHeldError, "no policy `nope` with statements that can be taken away"),
        ("ann", "statement", "{none}#policy#1", NotHeldError, "no policy `{none}#policy` with statements"),
        ("ann", "statement", "ReadOnlyAccess#1", NotHeldError, "is a policy of AWS, which cannot be edited"),
        ("twin", "statement", "get#1", WhichOneError, "`get` may be `{twin}#inline:get`, `{get}`; give one of them"),
        ("twin", "statement", "broken#1", NotHeldError, "the statements of `{twin}#inline:broken` are not known"),
        ("ann", "statement", "{bucket}#Closed", NotHeldError, "has no statement `Closed`: it has `Open`"),
    ],
)
def test_a_name_of_nothing_tells_what_there_is(
    principal: str, kind: str, text: str, error: type[GrantmapError], words: str
) -> None:
    iam = f"arn:aws:iam::{ONE}"
    names = {"ann": f"{iam}:user/ann", "twin": f"{iam}:user/twin", "get": f"{iam}:policy/get", "R": f"{iam}:role/R"}
    names |= {"bucket": "arn:aws:s3:::data", "none": "arn:aws:s3:::none"}
    built = typed()
    with pytest.raises(error) as caught:
        revocation(built, subject_of(built, principal), kind, text.format(**names))
    assert words.format(**names) in str(caught.value)
    assert "\n" not in str(caught.value)


# -- whom a change touches


@pytest.mark.parametrize("seed", seeds(6, 400))
def test_what_a_change_does_not_touch_is_decided_as_before(seed: int) -> None:
    built, _, change = drawn(seed)
    after, found = World(changed_inventory(built.inventory, change)), touched(built.inventory, change)
    draw = random.Random(seed)
    everyone = [one for one in built.subjects.deciding() if one.key not in found.principals]
    wrong = []
    for resource in built.inventory.data.resources:
        for subject in draw.sample(everyone, 4):
            same = after.subjects.by_key.get(subject.key)
            if subject.lost:
                same = after.subjects.session(subject.key, lost=True)
            if same is None:
                continue  # no policy names this outsider or service any more
            for action in draw.sample(catalogue().actions_for_resource(resource.arn), 4):
                trusted = resource.arn == found.role and action.startswith("sts:")
                if resource.arn != found.resource and not trusted:
                    old = built.decider.decide(subject, action, resource.arn)
                    new = after.decider.decide(same, action, resource.arn)
                    if (old.verdict, old.residual) != (new.verdict, new.residual):
                        wrong.append(f"{subject.key} {action} {resource.arn}: {old.verdict}, {new.verdict}")
    persons = set(built.inventory.people) - found.principals
    wrong += [key for key in persons if built.inventory.people[key].roles != after.inventory.people[key].roles]
    assert wrong == [], f"{change} {found}"


def test_a_change_touches_everybody_with_the_policy_and_the_role_of_a_trust() -> None:
    built = typed()
    get, own, staff = f"arn:aws:iam::{ONE}:policy/get", f"{ANN}#inline:own", f"arn:aws:iam::{ONE}:group/staff"
    twin, bucket_arn = f"arn:aws:iam::{ONE}:user/twin", "arn:aws:s3:::data"

    def of(kind: Any, id: str, **more: Any) -> Touched:
        return touched(built.inventory, Revocation(kind, frozenset({id}), **more))

    def principals(kind: Any, id: str, **more: Any) -> frozenset[str]:
        return of(kind, id, **more).principals

    assert principals("statement", get) == {ANN, twin}
    assert principals("statement", f"arn:aws:iam::{ONE}:policy/edge") == {ANN}
    assert principals("statement", own) == {ANN}
    assert principals("statement", f"{staff}#inline:g") == {ANN}
    assert principals("policy", get, holder=twin) == {twin}
    assert principals("assignment", "x", assignment=assigned("Ops", ONE, "d-1")) == {f"person:{EVE}"}
    assert principals("assignment", "x", assignment=assigned("Ops", ONE, "g-1")) == {f"person:{EVE}"}
    assert of("trust", f"{A}#trust") == Touched(frozenset({A}), role=A)
    assert of("statement", f"{bucket_arn}#policy") == Touched(frozenset(), resource=bucket_arn)
