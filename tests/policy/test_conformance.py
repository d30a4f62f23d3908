"""The decision cases that two independent engines, the documentation and live measurements answer."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from policy.cases import run_cases

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "conformance"
needs_cases = pytest.mark.skipif(not FOLDER.is_dir(), reason="the decision cases (../shared/conformance) are not here")

# Both engines skip a statement whose resource pattern holds a variable outside a path segment, and every NotResource
# whose variable is absent. AWS does not (semantics M3): a Deny skipped there is a false Allow. In these seven the
# request is denied either way; the Deny that fires makes it explicit.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
BY_RULE_M3 = {
    "gen-00854": "variable in a name without a slash",
    "gen-00886": "variable in a name without a slash",
    "gen-03643": "variable in a name without a slash",
    "gen-01540": "absent variable in NotResource excludes nothing",
    "gen-03054": "absent variable in NotResource excludes nothing",
    "gen-03698": "absent variable in NotResource excludes nothing",
    "gen-04344": "absent variable in NotResource excludes nothing",
}
# One engine takes the name that a GetFederationToken caller chose for the name of the IAM user who called. A name is
# not an identity: user/bob can name its session "alice".
# https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html
BY_FEDERATED_NAME = {"gen-03229", "gen-04127", "gen-04746", "gen-04824"}


def read(name: str) -> list[str]:
    data = (FOLDER / name).read_bytes()
    return (gzip.decompress(data) if name.endswith(".gz") else data).decode().splitlines()


def answered(name: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    lines = read(name)
    return zip(map(json.loads, lines), run_cases(lines), strict=True)


@needs_cases
def test_every_documented_case_gets_the_documented_verdict() -> None:
    wrong = {
        case["id"]: (case["expected"], got["verdict"])
        for case, got in answered("documented.jsonl")
        if got["verdict"] != case["expected"]
    }
    assert wrong == {}


@needs_cases
def test_disagreements_with_the_engines_are_exactly_those_that_an_aws_rule_decides() -> None:
    wrong = {
        case["id"]: (case["trust"], case["expected"], got["verdict"])
        for case, got in answered("decisions.jsonl.gz")
        if got["verdict"] != case["expected"]
    }
    assert wrong.keys() == BY_RULE_M3.keys() | BY_FEDERATED_NAME
    for name in BY_RULE_M3:
        assert wrong[name] == ("consensus", "ImplicitlyDenied", "ExplicitlyDenied")
    for name in BY_FEDERATED_NAME:
        assert wrong[name] == ("single", "Allowed", "ImplicitlyDenied")


@needs_cases
def test_the_verdict_of_each_layer_agrees_where_the_engines_agree() -> None:
    wrong = [
        (case["id"], case["layers"], got["layers"])
        for case, got in answered("decisions.jsonl.gz")
        if case["trust"] == "consensus" and case["layers"] != got["layers"]
    ]
    # Rule M3 again: what a pattern with a variable says shows in a layer even where it does not change the verdict.
    cases = case_index()
    assert all("${aws:" in json.dumps(cases[name]) for name, _, _ in wrong)
    assert len(wrong) <= 40


def case_index() -> dict[str, Any]:
    return {case["id"]: case for case in map(json.loads, read("decisions.jsonl.gz"))}


@needs_cases
def test_every_definite_answer_names_what_decided() -> None:
    for case, got in answered("decisions.jsonl.gz"):
        assert got["because"], case["id"]
        assert got["residual"] is None, case["id"]
