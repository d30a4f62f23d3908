"""Named cases, one or more a rule: `tests/cases/policy/*.json`, each citing its AWS source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from policy.cases import read_case, run_cases
from policy.decide import decide
from policy.explain import explain

FOLDER = Path(__file__).resolve().parents[1] / "cases" / "policy"
CASES = [case for path in sorted(FOLDER.glob("*.json")) for case in json.loads(path.read_text())]
NAMED = pytest.mark.parametrize("case", CASES, ids=[f"{case['rule']}: {case['name']}" for case in CASES])


@NAMED
def test_the_rule_decides(case: dict[str, Any]) -> None:
    (got,) = run_cases([json.dumps(case["case"])])
    assert got["verdict"] == case["expected"], got
    if "residual" in case:
        assert got["residual"] == case["residual"]
    if "because" in case:
        assert got["because"] == case["because"]


@NAMED
def test_every_answer_can_be_explained(case: dict[str, Any]) -> None:
    request, inputs = read_case(case["case"])
    sentences = explain(request, inputs, decide(request, inputs))
    assert sentences
    assert all(sentence.endswith(".") and "None" not in sentence for sentence in sentences)


def test_every_case_cites_its_source() -> None:
    assert all(case["source"].startswith("https://docs.aws.amazon.com/") for case in CASES)
    assert len({case["name"] for case in CASES}) == len(CASES)
