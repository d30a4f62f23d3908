"""Findings of an inventory: one a kind and a statement of a policy, whoever holds it; what is not read is one too."""

from __future__ import annotations

import json
from typing import Any

import pytest

from graph.findings import FINDING_KINDS, FINDING_STATES, NOT_PARSED, NOT_READ, OPEN_TO_ACCOUNTS, Finding, findings
from model.entities import AccessPoint, InlinePolicy, ManagedPolicy, VpcEndpoint
from policy.remarks import KINDS
from tests.graph.worlds import (
    ONE,
    TAKEN,
    TWO,
    allow,
    bucket,
    deny,
    document,
    key,
    made,
    made_world,
    rcp,
    role,
    scp,
    seeds,
    trust,
    user,
    world,
)

DEAD = deny("s3:DeleteObject", Condition={"StringEquals": {"aws:TagKeys": "keep"}}, Sid="Guard")
BAD = '{"Statement": [{"Effect": "Allow", "Effect": "Deny", "Action": "*"}]}'


def managed(name: str, text: str | None, owner: str = ONE) -> ManagedPolicy:
    arn = f"arn:aws:iam::{owner}:policy/{name}"
    return ManagedPolicy(arn=arn, id=name, name=name, account=ONE, document=text)


def found(**fields: Any) -> list[Finding]:
    return findings(made_world(**fields).assembler)


def test_a_statement_is_found_once_however_many_hold_its_policy() -> None:
    policy = managed("p", document(allow("s3:GetObject"), DEAD))
    roles = tuple(role(f"r{i}", attached=(policy.arn,)) for i in range(5))
    (finding,) = found(policies=(policy,), roles=roles, users=(user("u", attached=(policy.arn,)),))
    assert finding.to_json() == {
        "id": finding.id,
        "kind": "list-key",
        "technique": None,
        "principal": None,
        "target": policy.arn,
        "state": "dormant",
        "conditions": ["aws:TagKeys"],
        "blocked_by": [],
        "severity": "high",
        "because": [{"layer": "identity", "policy": policy.arn, "sid": "Guard", "statement": 1, "effect": "Deny"}],
        "first_seen": TAKEN,
    }
    assert "`aws:TagKeys` never matches" in finding.sentence


def test_an_id_is_the_same_in_every_snapshot_and_different_for_every_statement() -> None:
    policy = managed("p", document(DEAD, DEAD | {"Sid": "Other"}, allow("s3:GetObject")))
    one = found(policies=(policy,))
    more = found(policies=(policy, managed("q", document(DEAD))), roles=(role("r", ONE, DEAD),))
    assert len({finding.id for finding in one}) == len(one) == 3  # the second repeats the first
    assert {finding.id for finding in one} < {finding.id for finding in more}


def test_every_place_of_a_policy_is_looked_at() -> None:
    odd = allow("s3:Nothing")
    named = allow("kms:Nothing", Principal="*")
    point = AccessPoint(
        arn=f"arn:aws:s3:eu-west-1:{ONE}:accesspoint/a",
        account=ONE,
        region="eu-west-1",
        name="a",
        policy=document(named),
    )
    endpoint = VpcEndpoint(id="vpce-1", account=ONE, region="eu-west-1", vpc="vpc-1", policy=document(named))
    boundary = managed("limit", document(odd))
    reserved = [
        role(
            "AWSReservedSSO_Set_0123456789abcdef",
            account,
            path="/aws-reserved/sso.amazonaws.com/",
            inline=(InlinePolicy(name="AwsSSOInlinePolicy", document=document(odd)),),
        )
        for account in (ONE, TWO)
    ]
    holder = role("r", ONE, odd, boundary=boundary.arn, trusts=document(trust({"AWS": "AIDAGONE000000000000"})))
    listed = found(
        policies=(boundary, managed("p", document(odd))),
        users=(user("u", ONE, odd),),
        roles=(holder, *reserved),
        resources=(bucket("b", ONE, named), key("k", ONE, named)),
        access_points=(point,),
        endpoints=(endpoint,),
    )
    assert {(item.target, item.because["layer"], item.principal) for item in listed} == {
        (boundary.arn, "boundary", None),
        (f"arn:aws:iam::{ONE}:policy/p", "identity", None),
        (f"arn:aws:iam::{ONE}:user/u#inline:own", "identity", f"arn:aws:iam::{ONE}:user/u"),
        (f"{holder.arn}#inline:own", "identity", holder.arn),
        (f"{holder.arn}#trust", "resource", holder.arn),
        # Identity Center copies the policy of a permission set to every account: one policy.
        (f"{reserved[0].arn}#inline:AwsSSOInlinePolicy", "identity", reserved[0].arn),
        ("arn:aws:s3:::b#policy", "resource", None),
        (f"arn:aws:kms:us-east-1:{ONE}:key/k#policy", "resource", None),
        (f"{point.arn}#policy", "resource", None),
        ("vpce-1#policy", "vpce", None),
    }


def test_guardrails_are_looked_at() -> None:
    guard = deny("s3:*", Condition={"NumericLessThan": {"s3:max-keys": "few"}})
    listed = found(guardrails=(scp("guard", guard), rcp("bound", allow("s3:GetObject", Principal="*"))))
    assert {(item.kind, item.because["layer"]) for item in listed} >= {
        ("unreadable-value", "scp"),
        ("allow-in-rcp", "rcp"),
    }


def test_what_is_no_policy_is_found_with_its_place() -> None:
    holder = role("r", inline=(InlinePolicy(name="i", document=BAD),), attached=(f"arn:aws:iam::{ONE}:policy/gone",))
    listed = found(
        policies=(managed("unread", None),), roles=(holder,), resources=(bucket("b", policy=None), key("k", policy="x"))
    )
    by_target = {item.target: item for item in listed}
    assert by_target.keys() == {
        f"{holder.arn}#inline:i",
        f"arn:aws:iam::{ONE}:policy/gone",
        f"arn:aws:iam::{ONE}:policy/unread",
        "arn:aws:s3:::b#policy",
        f"arn:aws:kms:us-east-1:{ONE}:key/k#policy",
    }
    broken = by_target[f"{holder.arn}#inline:i"]
    assert (broken.kind, broken.state, broken.severity) == (NOT_PARSED, "conditional", "high")
    assert "/Statement/0/Effect: key `Effect` is there twice" in broken.sentence
    assert broken.because == {
        "layer": "identity",
        "policy": broken.target,
        "sid": None,
        "statement": None,
        "effect": "none",
    }
    assert "not json" in by_target[f"arn:aws:kms:us-east-1:{ONE}:key/k#policy"].sentence
    assert {item.kind for item in listed} == {NOT_PARSED, NOT_READ}
    assert {item.state for item in listed} == {"conditional"}


def test_only_aws_can_change_its_own_policies() -> None:
    arn = "arn:aws:iam::aws:policy/Theirs"
    theirs = ManagedPolicy(arn=arn, id="x", name="Theirs", account="aws", document=document(DEAD))
    assert [(item.target, item.severity) for item in found(policies=(theirs,))] == [(arn, "low")]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "that was deleted; it matches nobody else"),
        ({"unread_principals": (TWO,)}, "nobody that was collected has the id"),
    ],
)
def test_an_id_that_nobody_has_is_of_a_deleted_entity(fields: dict[str, Any], words: str) -> None:
    names = ["AIDAGONE000000000000", user("alive").id]
    (finding,) = found(users=(user("alive"),), resources=(bucket("b", ONE, trust({"AWS": names}, "s3:*")),), **fields)
    assert finding.kind == "deleted-principal"
    assert words in finding.sentence
    assert names[1] not in finding.sentence


def test_the_most_serious_come_first() -> None:
    listed = found(roles=(role("r", ONE, DEAD, allow("s3:Nothing"), allow("xyz:*")),))
    assert [item.severity for item in listed] == ["high", "low", "low"]
    assert [item.kind for item in listed] == ["list-key", "unknown-action", "unknown-service"]


@pytest.mark.parametrize("seed", seeds(3, 30))
def test_findings_of_any_organisation_have_the_shape_of_the_contract(seed: int) -> None:
    from graph.world import World
    from model.inventory import Inventory

    listed = findings(World(Inventory(world(seed))).assembler)
    shape = {
        "id",
        "kind",
        "technique",
        "principal",
        "target",
        "state",
        "conditions",
        "blocked_by",
        "severity",
        "because",
    }
    for item in listed:
        raw = json.loads(json.dumps(item.to_json()))
        assert raw.keys() == shape | {"first_seen"}
        assert raw["kind"] in FINDING_KINDS and raw["state"] in FINDING_STATES
        assert raw["because"][0].keys() == {"layer", "policy", "sid", "statement", "effect"}
    assert len({item.id for item in listed}) == len(listed)
    assert listed == findings(World(Inventory(world(seed))).assembler)


def test_each_kind_has_one_name() -> None:
    assert set(FINDING_KINDS) == {*KINDS, NOT_PARSED, NOT_READ, OPEN_TO_ACCOUNTS}
    assert made().taken == TAKEN
