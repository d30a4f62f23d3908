"""VPC endpoints in an organisation's questions (semantics L11)."""

from __future__ import annotations

from typing import Any

import pytest

from model.entities import VpcEndpoint
from model.inventory import Inventory
from policy.assemble import Assembler
from policy.context import Overrides
from policy.context_values import ABSENT, Unknown
from policy.explain import explain
from policy.verdicts import Because, Decision, Verdict
from tests.graph.worlds import ONE, allow, bucket, deny, document, made, user

DOOR = "vpce-0a1b2c3d"
OBJECT = "arn:aws:s3:::data/x"
KIM = user("kim", ONE, allow("s3:*"))


def door(*statements: dict[str, Any], **more: Any) -> VpcEndpoint:
    policy = document(*statements) if statements else ""
    return VpcEndpoint(id=DOOR, account=ONE, region="us-east-1", vpc="vpc-1", policy=policy, **more)


def assembler(*endpoints: VpcEndpoint, **fields: Any) -> Assembler:
    data = bucket("data", ONE, *fields.pop("statements", ()))
    return Assembler(Inventory(made(users=(KIM,), resources=(data,), endpoints=endpoints, **fields)))


def through(*endpoints: VpcEndpoint, overrides: Overrides | None = None, **fields: Any) -> Decision:
    of = assembler(*endpoints, **fields)
    said = Overrides.of({"aws:SourceVpce": [DOOR]}) if overrides is None else overrides
    return of.decide(of.caller(of.principal(KIM.arn)), "s3:GetObject", OBJECT, said)


ANYBODY = {"Principal": "*"}


def test_a_request_that_comes_through_an_endpoint_needs_its_policy() -> None:
    assert through(door(allow("s3:GetObject", **ANYBODY))).verdict is Verdict.ALLOWED
    found = through(door(allow("s3:PutObject", **ANYBODY)))
    assert found.verdict is Verdict.IMPLICITLY_DENIED
    assert found.because == (Because("vpce", None, None, None, "none"),)
    assert through(door(allow("*", **ANYBODY), deny("s3:*", **ANYBODY))).verdict is Verdict.EXPLICITLY_DENIED


def test_a_request_of_which_nobody_said_so_comes_through_none() -> None:
    locked = door(deny("*", **ANYBODY))
    assert through(locked, overrides=Overrides()).verdict is Verdict.ALLOWED
    assert through(locked, overrides=Overrides.of({"aws:SourceIp": ["203.0.113.7"]})).verdict is Verdict.ALLOWED
    assert through(locked, overrides=Overrides.of({}, absent=["aws:SourceVpce"])).verdict is Verdict.ALLOWED


def test_an_endpoint_that_was_not_read_is_what_the_answer_hangs_on() -> None:
    found = through()
    assert found.verdict is Verdict.CONDITIONAL
    assert found.residual is not None
    assert found.residual.to_json() == {"document": f"{DOOR}#policy"}


def test_an_endpoint_without_a_policy_limits_nothing() -> None:
    assert through(door()).verdict is Verdict.ALLOWED


def test_an_endpoint_policy_can_name_principals() -> None:
    assert through(door(allow("s3:*", Principal={"AWS": KIM.arn}))).verdict is Verdict.ALLOWED
    other = {"AWS": f"arn:aws:iam::{ONE}:user/lou"}
    assert through(door(allow("s3:*", Principal=other))).verdict is Verdict.IMPLICITLY_DENIED


def test_the_vpc_follows_from_the_endpoint() -> None:
    inside = {"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}
    mine: dict[str, Any] = {"statements": (deny("s3:*", "*", Principal="*", Condition=inside),)}
    way = door(allow("*", **ANYBODY))
    assert through(way, **mine).verdict is Verdict.ALLOWED
    assert through(way, overrides=Overrides(), **mine).verdict is Verdict.CONDITIONAL
    # Who says otherwise is believed.
    said = Overrides.of({"aws:SourceVpce": [DOOR], "aws:SourceVpc": ["vpc-2"]})
    assert through(way, overrides=said, **mine).verdict is Verdict.EXPLICITLY_DENIED


@pytest.mark.parametrize(
    ("overrides", "vpc"),
    [
        (Overrides.of({"aws:SourceVpce": [DOOR]}), ("vpc-1",)),
        (Overrides.of({"aws:SourceVpce": [DOOR]}, absent=["aws:SourceVpc"]), ABSENT),
        (Overrides.of({"aws:SourceVpce": [DOOR]}, unknown=["aws:SourceVpc"]), Unknown("environment")),
        (Overrides.of({"aws:SourceVpce": ["vpce-other"]}), Unknown("environment")),
        (Overrides.of({"aws:SourceVpce": [DOOR, "vpce-other"]}), Unknown("environment")),
    ],
)
def test_what_is_known_of_the_vpc(overrides: Overrides, vpc: object) -> None:
    of = assembler(door())
    request, _ = of.request(of.caller(of.principal(KIM.arn)), "s3:GetObject", OBJECT, overrides)
    assert request.context.get("aws:SourceVpc") == vpc


def test_the_explanation_names_the_endpoint_policy() -> None:
    of = assembler(door(allow("s3:PutObject", **ANYBODY)))
    caller, said = of.caller(of.principal(KIM.arn)), Overrides.of({"aws:SourceVpce": [DOOR]})
    request, inputs = of.request(caller, "s3:GetObject", OBJECT, said)
    lines = explain(request, inputs, of.decide(caller, "s3:GetObject", OBJECT, said))
    assert "No statement of the VPC endpoint policy allows it." in lines
