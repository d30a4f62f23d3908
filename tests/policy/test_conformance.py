"""The decision cases that two independent engines, the documentation and live measurements answer."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from policy.cases import run_cases
from policy.rules import DISAGREEMENTS

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "conformance"
needs_cases = pytest.mark.skipif(not FOLDER.is_dir(), reason="the decision cases (../shared/conformance) are not here")


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
def test_the_verdict_agrees_wherever_an_engine_could_tell() -> None:
    wrong = {
        case["id"]: case["trust"] for case, got in answered("decisions.jsonl.gz") if got["verdict"] != case["expected"]
    }
    # Where both engines agree there is nothing to explain away; where one alone could tell, a rule of AWS has to.
    assert wrong == dict.fromkeys([case for item in DISAGREEMENTS for case in item.cases], "single")


@needs_cases
def test_the_verdict_of_each_layer_agrees_where_the_engines_agree() -> None:
    wrong = [
        (case["id"], case["layers"], got["layers"])
        for case, got in answered("decisions.jsonl.gz")
        if case["trust"] == "consensus" and case["layers"] != got["layers"]
    ]
    # Rule M3 (`policy.readings`): a pattern with a variable shows in a layer even where it does not change the verdict.
    cases = case_index()
    assert all("${aws:" in json.dumps(cases[name]) for name, _, _ in wrong)
    assert len(wrong) <= 20


def case_index() -> dict[str, Any]:
    return {case["id"]: case for case in map(json.loads, read("decisions.jsonl.gz"))}


@needs_cases
def test_every_definite_answer_names_what_decided() -> None:
    for case, got in answered("decisions.jsonl.gz"):
        assert got["because"], case["id"]
        assert got["residual"] is None, case["id"]
