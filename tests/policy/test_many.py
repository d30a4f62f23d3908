"""A table of decisions has in each cell what `decide` says of that pair alone."""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.cases import read_case
from policy.context_values import DictContext
from policy.decide import Verdict, decide
from policy.document import parse_document
from policy.inputs import Grant, Inputs, Level, PolicyRef, Settings
from policy.many import Decisions, Side, decide_many
from policy.request import Principal, Request
from tests.policy.test_conformance import FOLDER, needs_cases
from tests.policy.test_soundness import ACCOUNT, CONTEXTS, OTHER, PATTERNS, PRINCIPALS, PROFILE, RESOURCES, policies

ACTIONS = ["s3:GetObject", "s3:PutObject", "S3:getobject", "kms:Decrypt", "sts:AssumeRole", "sts:GetCallerIdentity"]
ACTIONS += ["iam:PutRolePolicy", "iam:ListRoles", "sqs:DeleteQueue", "ec2:DescribeInstances"]
KEY, ROLE = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1", f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/x"
ARNS = [*RESOURCES, "*", KEY, ROLE, f"arn:aws:iam::{ACCOUNT}:role/app", f"arn:aws:sqs:eu-west-1:{ACCOUNT}:q"]


def same(found: Decisions, principal: Principal, actions: list[str], sides: list[Side]) -> None:
    pairs = [(action, side) for action in actions for side in sides]
    assert len(found) == len(pairs)
    for got, (action, side) in zip(found, pairs, strict=True):
        request = Request(principal, action, side.resource, side.account, side.context)
        assert got == decide(request, side.inputs), (action, side.resource)


def refs(name: str, listed: list[dict[str, Any] | None]) -> tuple[PolicyRef, ...]:
    return tuple(PolicyRef(f"{name}{i}", None if raw is None else parse_document(raw)) for i, raw in enumerate(listed))


@PROFILE
@given(data=st.data())
def test_every_cell_is_the_decision_of_its_pair(data: st.DataObject) -> None:
    principal = Principal.parse(data.draw(st.sampled_from(PRINCIPALS)))
    unknown = data.draw(st.lists(st.sampled_from(["aws:username", "aws:PrincipalTag/team", "aws:TagKeys"]), max_size=2))
    context = DictContext(data.draw(CONTEXTS), unknown)
    base = Inputs(
        identity=refs("identity", data.draw(st.lists(policies(), max_size=3))),
        boundary=refs("boundary", data.draw(st.lists(policies(), max_size=1))),
        scps=(Level("root", refs("scp", data.draw(st.lists(policies(), max_size=2)))),),
    )
    named = data.draw(st.lists(policies(named=True), min_size=1, max_size=2))
    grants = Settings(kms_grants=(Grant(principal.text, frozenset({"Decrypt"})),))
    with_policies = [replace(base, resource=ref) for ref in refs("resource", named)]
    every = [base, *with_policies, replace(base, settings=grants)]
    sides = [
        Side(arn, data.draw(st.sampled_from([ACCOUNT, OTHER, None])), data.draw(st.sampled_from(every)), context)
        for arn in data.draw(st.lists(st.sampled_from(ARNS), min_size=1, max_size=8))
    ]
    same(decide_many(principal, ACTIONS, sides), principal, ACTIONS, sides)


@needs_cases
def test_the_shared_cases_decide_alike_in_a_table_and_alone() -> None:
    draw = random.Random(5)
    lines = gzip.decompress((FOLDER / "decisions.jsonl.gz").read_bytes()).decode().splitlines()
    for line in draw.sample(lines, 150):
        request, inputs = read_case(json.loads(line))
        actions = [request.action, *draw.sample(ACTIONS, 3)]
        arns = [request.resource, *draw.sample(ARNS, 3), request.resource + "/deeper"]
        other = replace(inputs, identity=inputs.identity[:1], resource=None)
        sides = [Side(arn, request.resource_account, draw.choice([inputs, other]), request.context) for arn in arns]
        same(decide_many(request.principal, actions, sides), request.principal, actions, sides)


def test_what_nothing_tells_apart_is_decided_once() -> None:
    principal = Principal.parse(f"arn:aws:iam::{ACCOUNT}:user/alice")
    statement = {"Effect": "Allow", "Action": "s3:Get*", "Resource": PATTERNS[1]}
    inputs = Inputs(identity=refs("i", [{"Version": "2012-10-17", "Statement": statement}]))
    sides = [Side(f"arn:aws:s3:::b/{i}", ACCOUNT, inputs, DictContext()) for i in range(500)]
    sides += [Side(f"arn:aws:s3:::c/{i}", ACCOUNT, inputs, DictContext()) for i in range(500)]
    found = decide_many(principal, ["s3:GetObject", "s3:GetObjectAcl", "s3:PutObject"], sides)
    assert len(found) == 3000
    assert len(found.distinct) == 4
    assert int(found.are(Verdict.ALLOWED).sum()) == 1000
    assert [decision.verdict for decision in found[498:502]] == [Verdict.ALLOWED] * 2 + [Verdict.IMPLICITLY_DENIED] * 2


def test_pairs_may_be_any_and_none() -> None:
    principal = Principal.parse(f"arn:aws:iam::{ACCOUNT}:root")
    sides = [Side("arn:aws:s3:::b", ACCOUNT, Inputs(), DictContext()), Side("*", OTHER, Inputs(), DictContext())]
    found = decide_many(principal, ["s3:ListBucket", "sts:AssumeRole"], sides, ([1, 0, 0], [1, 1, 0]))
    assert [decision.verdict for decision in found] == [
        Verdict.IMPLICITLY_DENIED,
        Verdict.IMPLICITLY_DENIED,
        Verdict.ALLOWED,
    ]
    assert len(decide_many(principal, [], sides)) == 0
    assert len(decide_many(principal, ["s3:ListBucket"], [])) == 0
    with pytest.raises(ValueError, match="2 actions are paired with 1 sides"):
        decide_many(principal, ["s3:ListBucket"], sides, ([0, 0], [1]))


def test_a_document_of_many_statements_keeps_them_apart() -> None:
    """The bits of more statements than a number has are renumbered on the way."""
    principal = Principal.parse(f"arn:aws:iam::{ACCOUNT}:user/alice")
    listed = [{"Effect": "Allow", "Action": f"s3:Get{i}", "Resource": f"arn:aws:s3:::b{i}"} for i in range(100)]
    inputs = Inputs(identity=refs("i", [{"Version": "2012-10-17", "Statement": listed}]))
    sides = [Side(f"arn:aws:s3:::b{i}", ACCOUNT, inputs, DictContext()) for i in range(100)]
    found = decide_many(principal, [f"s3:Get{i}" for i in range(100)], sides)
    table = found.are(Verdict.ALLOWED).reshape(100, 100)
    assert np.array_equal(table, np.eye(100, dtype=bool))
