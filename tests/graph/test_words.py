"""Words that a text has, of few and of many: as a look for each finds them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from graph.words import Words

WORDS = st.text("ab", min_size=0, max_size=7)


@given(st.lists(WORDS, max_size=12), st.integers(1, 9), st.text("ab1", max_size=30))
def test_the_words_that_a_text_has_are_found_whatever_their_number(words: list[str], times: int, text: str) -> None:
    several = words * times
    found = Words(several).within(text)
    assert found == [number for number, word in enumerate(several) if word in text]


def test_of_many_words_that_begin_alike_the_one_is_found() -> None:
    words = [f"-svc-{number}-" for number in range(1000)]
    assert [words[number] for number in Words(words).within("prod-svc-42-data/x-svc-7-/y")] == ["-svc-7-", "-svc-42-"]
