"""Whatever is thrown at the parser: it is a document that the program can use, or a `PolicyError`. Nothing else.

`bench/fuzz.py` does the same for as long as one likes.
"""

from __future__ import annotations

import json
import random
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto.iam.aws_managed_policies import aws_managed_policies_data

from bench.fuzz import ELEMENTS, WORDS, attempt, attempt_case, case, garbled, mutated, statement
from policy.cases import run_cases
from policy.document import parse_document
from policy.errors import PolicyError

POLICIES = [item["Document"] for item in json.loads(aws_managed_policies_data).values()]
SHORT = [raw for raw in POLICIES if len(json.dumps(raw)) < 2_000]

_WORDS = st.sampled_from([word for word in WORDS if isinstance(word, str)])
_ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | _WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_WORDS | st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=250)
@given(_ANY_JSON)
def test_any_json(value: Any) -> None:
    assert attempt(value) is attempt(json.dumps(value))


@settings(max_examples=250)
@given(st.dictionaries(st.sampled_from(ELEMENTS), _ANY_JSON, max_size=6))
def test_any_json_under_the_names_of_elements(value: dict[str, Any]) -> None:
    attempt({"Statement": [value]})
    attempt({"Statement": value, **value})


@settings(max_examples=300)
@given(st.text(max_size=60) | st.binary(max_size=60))
def test_any_text_and_any_bytes(raw: str | bytes) -> None:
    attempt(raw)
    if isinstance(raw, str):
        attempt(f'{{"Statement": [], "Id": "{raw}"}}')
        attempt(f"%7B{raw}")


@settings(max_examples=100)
@given(st.randoms(use_true_random=False))
def test_statements_that_are_nearly_right(draw: random.Random) -> None:
    raw = {"Version": "2012-10-17", "Statement": [statement(draw), statement(draw)]}
    if attempt(raw):
        text = json.dumps(raw)
        assert parse_document(raw) is parse_document(text) is parse_document(quote(text))


@settings(max_examples=100)
@given(st.randoms(use_true_random=False))
def test_aws_policies_with_something_changed(draw: random.Random) -> None:
    value = mutated(draw.choice(SHORT), draw)
    attempt(value)
    attempt(garbled(json.dumps(draw.choice(SHORT)), draw))


@settings(max_examples=100)
@given(st.randoms(use_true_random=False))
def test_decision_cases_with_something_changed_are_answered(draw: random.Random) -> None:
    attempt_case(case(SHORT, draw))


@pytest.mark.parametrize("raw", SHORT[:3])
def test_every_beginning_of_a_policy_is_refused(raw: Any) -> None:
    text = json.dumps(raw)
    for end in range(len(text)):
        with pytest.raises(PolicyError, match="not json"):
            parse_document(text[:end])


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (r'{"id": "\ud800"}', "line 1: /id: `\\ud800` is no text: it holds half a character"),
        ('{"id": "x", "action": "a:b", "action": "c:d"}', "line 1: /action: key `action` is there twice"),
        ('{"identity_policies": [{"Statement": [], "Statement": 1}]}', "line 1: /identity_policies/0/Statement: key"),
        ('{"context": {"a:b": NaN}}', "line 1: /context/a:b: `NaN` is no json number"),
        ('{"context": {"a:b": ' + "1" * 5000 + "}}", "line 1: /context/a:b: a number of 5,000 digits is too long"),
        ("[" * 10_000, "line 1: /: not json: nested too deeply"),
        (b"\xff", "line 1: /: not json: 'utf-8' codec"),
    ],
)
def test_a_line_that_is_no_case_is_an_error_with_its_place(line: str | bytes, error: str) -> None:
    (answer,) = run_cases([line])
    assert (answer["id"], answer["verdict"]) == ("line 1", "Error")
    assert answer["error"].startswith(error)
