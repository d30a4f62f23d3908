"""Globs as sets of texts, against all short texts of a small alphabet."""

from __future__ import annotations

import re
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from graph.globs import cells, covers, fresh, globs_in, literal, remainders, shown, specific
from graph.globs import tested as said_by

ALPHABET = "a/*"
TEXTS = ["".join(letters) for length in range(5) for letters in product(ALPHABET, repeat=length)]

globs = st.text(["a", "/", "*", "?", literal("*"), literal("?")], max_size=5)


def matches(glob: str, text: str) -> bool:
    plain = {literal("*"): "*", literal("?"): "?"}
    expression = "".join(".*" if c == "*" else "." if c == "?" else re.escape(plain.get(c, c)) for c in glob)
    return re.fullmatch(expression, text, re.DOTALL) is not None


@settings(max_examples=300, deadline=None)
@given(globs, st.text(ALPHABET, max_size=3))
def test_remainders_match_what_follows_the_prefix_and_nothing_else(glob: str, prefix: str) -> None:
    rests = remainders(glob, prefix)
    for text in TEXTS:
        assert matches(glob, prefix + text) == any(matches(rest, text) for rest in rests), text


@settings(max_examples=300, deadline=None)
@given(st.lists(globs, min_size=1, max_size=4, unique=True).map(tuple))
def test_cells_are_the_sets_of_globs_that_some_text_matches_together(several: tuple[str, ...]) -> None:
    found = dict(cells(several))
    for numbers, text in found.items():
        assert numbers == {number for number, glob in enumerate(several) if matches(glob, text)}
    for text in filter(None, TEXTS):
        assert frozenset(number for number, glob in enumerate(several) if matches(glob, text)) in found, text


@settings(max_examples=300, deadline=None)
@given(globs, globs)
def test_what_covers_a_glob_matches_whatever_it_does(wide: str, glob: str) -> None:
    run = fresh([wide, glob])
    if covers(wide, glob, run):
        assert all(matches(wide, text) for text in TEXTS if matches(glob, text))


@settings(max_examples=300, deadline=None)
@given(st.text(["a", "$", "{", "}", "*", "?", literal("*"), literal("?")], max_size=6))
def test_what_is_shown_of_a_glob_is_policy_text_that_means_the_same(glob: str) -> None:
    arn = f"arn:aws:s3:::b/{glob}"
    assert globs_in(shown(arn)) == [re.sub(r"\*+", "*", arn)]
    for text in TEXTS:
        assert bool(said_by(glob)(text)) == matches(glob, text)


def test_the_narrowest_glob_sorts_first() -> None:
    assert sorted(["b/*", "b/home/*", "*", "b/home/ann", "b/h?me/ann"], key=specific) == [
        "b/home/ann",
        "b/h?me/ann",
        "b/home/*",
        "b/*",
        "*",
    ]
