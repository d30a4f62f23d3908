"""A star that a pattern means as a character (``${*}``): contents whose names hold it, and no others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from graph.changes import Comparison
from graph.differences import diff
from graph.questions import Questions
from graph.reaching import reach
from graph.revoking import Revocation
from graph.whatif import what_if
from model.entities import InlinePolicy
from tests.graph.worlds import ONE, TWO, allow, bucket, deny, document, made_world, questions_of, role, trust, user

BUCKET = "arn:aws:s3:::b"
ACTION = "s3:GetObject"


def asked(tmp_path: Path, account: str, *statements: Any, policy: str | None = "") -> tuple[Questions, str]:
    ann = user("ann", account, *statements)
    tmp_path.mkdir(exist_ok=True)
    return questions_of(made_world(users=(ann,), resources=(bucket("b", ONE, policy=policy),)), tmp_path), ann.arn


def who(questions: Questions, resource: str) -> dict[str, str]:
    rows = questions.who_can(ACTION, resource)["principals"]
    return {row["principal"]: row["verdict"] for row in rows if ":user/" in row["principal"]}


def contents(questions: Questions, principal: str) -> dict[str, str]:
    rows = reach(questions, principal, action=ACTION)
    return {row.resource_class.pattern: str(row.verdict) for row in rows if row.resource_class.contents}


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [("${*}/x", "*/x", "a/x"), ("a${?}", "a?", "ab"), ("${*}", "*", "a"), ("${*}${*}/*", "**/x", "*/x"),
     ("a${$}{*}", "a${b}", "a{b}")],
)  # fmt: skip
def test_who_can_finds_those_of_another_account_where_the_buckets_policy_was_not_read(
    tmp_path: Path, pattern: str, yes: str, no: str
) -> None:
    questions, ann = asked(tmp_path, TWO, allow(ACTION, f"{BUCKET}/{pattern}"), policy=None)
    assert who(questions, f"{BUCKET}/{yes}") == {ann: "Conditional"}
    assert who(questions, f"{BUCKET}/{no}") == {}
    assert contents(questions, ann) == {f"{BUCKET}/{pattern}": "Conditional"}


def test_a_pattern_is_shown_as_policy_text(tmp_path: Path) -> None:
    yes, no = allow(ACTION, f"{BUCKET}/a*"), deny(ACTION, f"{BUCKET}/*${{*}}")
    questions, ann = asked(tmp_path, ONE, yes, no)
    assert contents(questions, ann) == {
        f"{BUCKET}/a*": "Allowed",
        f"{BUCKET}/*${{*}} ∩ {BUCKET}/a*": "ExplicitlyDenied",
    }
    assert who(questions, f"{BUCKET}/ab*") == {}
    assert who(questions, f"{BUCKET}/a*b") == {ann: "Allowed"}


def test_in_an_older_document_it_is_a_wildcard_between_other_characters(tmp_path: Path) -> None:
    old = InlinePolicy(name="old", document=document(allow(ACTION, f"{BUCKET}/${{*}}"), version="2008-10-17"))
    ann = user("ann", ONE, inline=(old,))
    questions = questions_of(made_world(users=(ann,), resources=(bucket("b", ONE),)), tmp_path)
    assert contents(questions, ann.arn) == {f"{BUCKET}/${{$}}{{*}}": "Allowed"}
    assert who(questions, f"{BUCKET}/${{x}}") == {ann.arn: "Allowed"}


def test_the_values_that_a_condition_names_for_a_variable_may_hold_wildcards_and_stars(tmp_path: Path) -> None:
    """The tag of a role's session is not known; it must begin with the value, or be just that."""
    like = {"StringLike": {"aws:PrincipalTag/team": "red*"}}
    just = {"StringEquals": {"aws:PrincipalTag/team": "blue*"}}
    mine = [allow(ACTION, f"{BUCKET}/${{aws:PrincipalTag/team}}/x", Condition=one) for one in (like, just)]
    may_tag = document(trust({"AWS": ONE}, ["sts:AssumeRole", "sts:TagSession"]))
    reader = role("Reader", ONE, *mine, trusts=may_tag)
    questions = questions_of(made_world(roles=(reader,), resources=(bucket("b", ONE),)), tmp_path)
    found = contents(questions, reader.arn)
    assert {f"{BUCKET}/red*/x", f"{BUCKET}/blue${{*}}/x"} <= found.keys()


def test_what_a_change_takes_away_is_told_in_policy_text(tmp_path: Path) -> None:
    questions, ann = asked(tmp_path, ONE, allow(ACTION, f"{BUCKET}/${{*}}/x"))
    subject = questions.world.subjects.by_key[ann]
    rows = what_if(questions, subject, Revocation("policy", frozenset({f"{ann}#inline:own"}), ann)).rows
    assert [(row.spot.pattern, row.spot.representative) for row in rows.lost] == [
        (f"{BUCKET}/${{*}}/x", f"{BUCKET}/*/x")
    ]


def test_what_changed_between_two_builds_is_told_in_policy_text(tmp_path: Path) -> None:
    """Each build tells parts apart that the other does not."""
    old, ann = asked(tmp_path / "old", ONE, allow(ACTION, f"{BUCKET}/a/*"))
    new, _ = asked(tmp_path / "new", ONE, allow(ACTION, f"{BUCKET}/*${{*}}"))
    found = diff(old, new)
    gained, lost = ({row.resource for row in rows if row.principal == ann} for rows in (found.gained, found.lost))
    assert gained == {f"{BUCKET}/*${{*}}"}
    assert lost == {f"{BUCKET}/a/*"}
    moved = [*Comparison(old, new).moved(ann)]
    assert {one.joint.pattern: one.joint.representative[-1] for one in moved} == {
        f"{BUCKET}/*${{*}}": "*",
        f"{BUCKET}/a/*": "~",
    }
