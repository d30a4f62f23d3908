"""Canonical JSON: what RFC 8785 says, and what has no such form."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviews.canonical import canonical, sha256_hex
from reviews.errors import EvidenceError
from reviews.evidence import basics
from reviews.records import Decision

TEXTS = st.text(st.characters(codec="utf-8"))
NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


def test_keys_are_in_the_order_of_their_utf_16_code_units() -> None:
    # The example of RFC 8785, section 3.2.3.
    keys = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7}
    assert list(json.loads(canonical(keys)).values()) == [2, 4, 6, 7, 1, 5, 3]


def test_strings_have_the_shortest_escapes_and_stay_utf_8() -> None:
    # The string of RFC 8785, section 3.2.2.
    assert canonical('\u20ac$\u000f\nA\'B"\\\\"/') == '"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'.encode()


def test_records_are_written_with_every_field() -> None:
    written = json.loads(canonical(Decision(kind="attest")))
    assert set(written) == set(Decision.__struct_fields__)


@pytest.mark.parametrize("value", [2**53, -(2**53), float("nan"), {1: "a"}, "\ud800", {"\ud800": 1}, object()])
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(EvidenceError, match="no canonical JSON"):
        canonical(value)


def test_nesting_without_end_is_refused() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(EvidenceError, match="no canonical JSON"):
        canonical(deep)


@given(VALUES)
def test_the_verifier_reads_and_writes_the_same_form(value: object) -> None:
    written = canonical(value)
    assert basics.canonical(value) == written
    assert basics.parse(written) == value
    assert json.loads(written) == value


def test_a_hash_is_sha_256_in_hexadecimal() -> None:
    assert sha256_hex(b"abc") == hashlib.sha256(b"abc").hexdigest() == basics.sha256(b"abc")
