"""Foreign text on the screen: it reads as it is and does nothing."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as some
from markdown_it import MarkdownIt

from ui import words
from ui.naming import kind_in_words

#: What names are made of when somebody means harm.
PIECES = some.sampled_from(
    ["![x](https://evil.example/p.png)",
     "[go](http://a.example)", ":red-badge[Approved]", ":star:", ":material/check:",
     ":streamlit:", "www.evil.example", "a@b.example", "https://a.example", "->", "--", "<-", ">=", "<b>", "&amp;",
     "`x`",
     "$x$", "**b**", "_i_", "~~s~~", "# h", "- l", "1. l", "| a |", "\\", "\n", "\t", " ", "=cmd()", ":", "é", "数", "‮"]
)  # fmt: skip
TEXTS = some.lists(some.one_of(PIECES, some.text(max_size=6)), max_size=8).map("".join)
PARSER = MarkdownIt("gfm-like", {"html": True, "linkify": False})


def rendered(markdown: str) -> tuple[str, set[str]]:
    """The text that a reader of markdown shows, and the kinds of everything else in it."""
    text, kinds = [], set()
    for block in PARSER.parse(f"x{markdown}x"):
        if block.type == "inline":
            for token in block.children or []:
                text.append(token.content)
                kinds.add(token.type)
        else:
            kinds.add(block.type)
    return "".join(text)[1:-1], kinds


@given(TEXTS)
def test_foreign_text_is_shown_as_it_is_and_nothing_else_comes_of_it(text: str) -> None:
    shown, kinds = rendered(words.plain(text))
    assert words.shown(shown) == words.printable(text).strip()
    assert kinds <= {"text", "text_special", "paragraph_open", "paragraph_close"}


@given(TEXTS)
def test_nothing_is_left_that_streamlit_looks_for_in_text(text: str) -> None:
    shown, _ = rendered(words.plain(text))
    active = r"://|www\.|:[a-z]+:|:(material|streamlit)/|->|<-|--|>=|<=|~=|:\w+\[|\w@\w"
    assert not re.search(active, shown, re.IGNORECASE)


@given(some.text())
def test_text_never_hides_or_turns_round_other_text(text: str) -> None:
    assert words.printable(text).isprintable()


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("2026-12-02", "2 Dec 2026"),
        ("2026-12-02T06:00:00Z", "2 Dec 2026"),
        ("", ""),
        ("soon", "soon"),
    ],
)
def test_dates_are_written_for_people(raw: str, said: str) -> None:
    assert words.day(raw) == said


def test_times_name_their_zone_and_due_dates_their_weekday() -> None:
    assert words.moment("2026-11-21T06:00:00Z") == "21 Nov 2026, 06:00 UTC"
    assert words.day("2026-12-02", weekday=True) == "Wed 2 Dec 2026"


def test_what_is_not_finished_is_never_all() -> None:
    assert words.percent(999, 1000) == "99%"
    assert words.percent(0, 0) == "0%"


def test_a_due_date_is_said_in_days() -> None:
    today = date(2026, 12, 2)
    assert words.left_in_words(words.days_left("2026-12-11", today)) == "9 days left"
    assert words.left_in_words(words.days_left("2026-12-02", today)) == "Due today"
    assert words.left_in_words(words.days_left("2026-12-01", today)) == "1 day late"


def test_a_condition_that_nobody_has_words_for_is_named() -> None:
    assert "aws:Nonsense" in words.conditions_in_words(["aws:Nonsense"])
    assert words.conditions_in_words([]) == ""


def test_keys_of_a_residual_are_found_at_any_depth_and_once() -> None:
    leaf = {"key": "aws:SourceIp", "operator": "IpAddress", "values": ["x"]}
    assert words.keys_of({"all": [{"any": [leaf, {"not": leaf}]}, {"document": "arn:aws:s3:::b#policy"}]}) == [
        "aws:SourceIp",
        "arn:aws:s3:::b#policy",
    ]


def test_a_member_whose_identities_were_not_read_is_not_outside_the_organisation() -> None:
    assert kind_in_words("Outsider") == "Outside the organisation"
    assert "could not be read" in kind_in_words("Outsider", member=True)
    assert kind_in_words("Role", member=True) == "Role"


def test_what_people_use_is_not_said_to_be_changed_alone() -> None:
    assert words.levels_in_words(["Write"], "iam:role") == "become or change"
    assert words.levels_in_words(["Read:data", "Write"], "s3:bucket") == "read and change"
