"""Globs as sets of texts, against all short texts of a small alphabet."""

from __future__ import annotations

import re
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from graph.globs import common, remainders, specific, witness

ALPHABET = "ab/"
TEXTS = ["".join(letters) for length in range(5) for letters in product(ALPHABET, repeat=length)]

globs = st.text("ab/*?", max_size=5)


def matches(glob: str, text: str) -> bool:
    expression = "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in glob)
    return re.fullmatch(expression, text, re.DOTALL) is not None


@settings(max_examples=300, deadline=None)
@given(globs, st.text(ALPHABET, max_size=3))
def test_remainders_match_what_follows_the_prefix_and_nothing_else(glob: str, prefix: str) -> None:
    rests = remainders(glob, prefix)
    for text in TEXTS:
        assert matches(glob, prefix + text) == any(matches(rest, text) for rest in rests), text


@settings(max_examples=300, deadline=None)
@given(globs)
def test_a_witness_is_matched(glob: str) -> None:
    assert matches(glob, witness(glob))


@settings(max_examples=300, deadline=None)
@given(globs, globs)
def test_a_common_text_is_matched_by_both_and_found_where_there_is_one(one: str, other: str) -> None:
    found = common(one, other)
    if found is None:
        assert not any(matches(one, text) and matches(other, text) for text in TEXTS)
    else:
        assert matches(one, found)
        assert matches(other, found)


@settings(max_examples=300, deadline=None)
@given(globs, globs)
def test_a_common_text_is_a_shortest_one(one: str, other: str) -> None:
    found = common(one, other)
    both = [text for text in TEXTS if matches(one, text) and matches(other, text)]
    assert found is None or not both or len(found) <= min(map(len, both))


def test_the_narrowest_glob_sorts_first() -> None:
    assert sorted(["b/*", "b/home/*", "*", "b/home/ann", "b/h?me/ann"], key=specific) == [
        "b/home/ann",
        "b/h?me/ann",
        "b/home/*",
        "b/*",
        "*",
    ]
