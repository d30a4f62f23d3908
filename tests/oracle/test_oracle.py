"""The naive evaluator against the decision cases that lie beside the project."""

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.oracle.disputed import labelled
from tests.oracle.evaluate import ALLOWED, IMPLICIT, evaluate
from tests.oracle.unknown import CONDITIONAL, decide
from tests.oracle.world import generate

CASES = Path(__file__).parents[2].parent / "shared" / "conformance"


AN_ALLOW = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}


def cases(name: str) -> list[dict[str, Any]]:
    path = CASES / name
    if not path.exists():
        pytest.skip(f"`{path}` is absent: the decision cases lie beside the project in ../shared/conformance")
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    return [json.loads(line) for line in text.splitlines()]


def disagreements(found: list[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    return {c["id"]: (c["expected"], got) for c in found if (got := labelled(c)) != c["expected"]}


def test_every_documented_case_is_decided_as_documented() -> None:
    assert disagreements(cases("documented.jsonl")) == {}


def test_every_case_that_an_engine_could_decide_is_decided_alike() -> None:
    assert disagreements(cases("decisions.jsonl.gz")) == {}


def asked(*statements: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "principal": "arn:aws:iam::111111111111:user/alice",
        "action": "s3:GetObject",
        "resource": "arn:aws:s3:::b/alice/x",
        "resource_account": "111111111111",
        "identity_policies": [{"Version": "2012-10-17", "Statement": list(statements)}],
        **more,
    }


def test_an_allow_that_depends_on_an_unknown_key_is_conditional() -> None:
    allow = {**AN_ALLOW, "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}
    assert decide(asked(allow, unknown=["aws:SourceIp"])) == CONDITIONAL
    assert decide(asked(allow, AN_ALLOW, unknown=["aws:SourceIp"])) == ALLOWED


def test_a_deny_that_depends_on_an_unknown_key_is_never_dropped() -> None:
    deny = {**AN_ALLOW, "Effect": "Deny", "Condition": {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}
    assert decide(asked(AN_ALLOW, deny, unknown=["aws:SourceIp"])) == CONDITIONAL
    assert decide(asked(deny, unknown=["aws:SourceIp"])) == IMPLICIT


def test_a_resource_pattern_with_an_unknown_variable_is_conditional() -> None:
    allow = {**AN_ALLOW, "Resource": "arn:aws:s3:::b/${aws:PrincipalTag/home}/*"}
    assert decide(asked(allow, unknown=["aws:PrincipalTag/home"])) == CONDITIONAL
    assert (
        decide(
            asked({**allow, "Resource": "arn:aws:s3:::c/${aws:PrincipalTag/home}/*"}, unknown=["aws:PrincipalTag/home"])
        )
        == IMPLICIT
    )


def test_a_document_that_could_not_be_read_makes_the_answer_conditional() -> None:
    everything = {"Version": "2012-10-17", "Statement": {**AN_ALLOW, "Effect": "Deny", "Principal": "*"}}
    assert decide(asked(AN_ALLOW, alternatives={"resource_policy": [None, everything]})) == CONDITIONAL


def test_a_definite_answer_holds_for_the_request_as_it_really_was() -> None:
    """U2: forget two keys of a decided request; an answer that is still definite must not be wrong."""
    draw = random.Random(1)
    definite = 0
    for case in draw.sample(cases("decisions.jsonl.gz"), 500):
        forgotten = draw.sample(sorted(case["context"]), 2)
        if {"aws:PrincipalArn", "aws:PrincipalOrgPaths"} & set(forgotten):
            continue  # what the caller is called decides about Principal elements too
        kept = {key: value for key, value in case["context"].items() if key not in forgotten}
        verdict = decide({**case, "context": kept, "unknown": forgotten})
        definite += verdict != CONDITIONAL
        assert verdict == CONDITIONAL or (verdict == ALLOWED) == (evaluate(case) == ALLOWED), case["id"]
    assert definite > 300


def test_one_seed_draws_one_world() -> None:
    assert generate(7) == generate(7)
    assert generate(7) != generate(8)
