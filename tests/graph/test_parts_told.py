"""What ``reach`` tells of contents, as a person reads it: the row of the narrowest pattern that matches is true."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from graph.globs import fresh, spread
from graph.questions import Questions
from graph.reaching import Reached, reach
from graph.reaching_apart import Apart, Told
from policy.patterns import matcher, resource_parts
from policy.verdicts import Verdict
from tests.graph.worlds import ONE, Json, allow, bucket, deny, document, made_world, questions_of, user

BUCKET = "arn:aws:s3:::b"
ACTION = "s3:GetObject"
ANN, BOB = f"arn:aws:iam::{ONE}:user/ann", f"arn:aws:iam::{ONE}:user/bob"


def asked(tmp_path: Path, ann: list[Json], bob: list[Json], own: str = "") -> Questions:
    world = made_world(
        users=(user("ann", ONE, *ann), user("bob", ONE, *bob)), resources=(bucket("b", ONE, policy=own),)
    )
    return questions_of(world, Path(tempfile.mkdtemp(dir=tmp_path)))


def told(questions: Questions, principal: str) -> dict[str, Verdict]:
    """What is told of the bucket's contents, by what lies of the pattern behind its name."""
    rows = reach(questions, principal, action=ACTION)
    return {row.resource_class.pattern: row.verdict for row in rows if row.resource_class.contents}


def read_of(rows: list[Reached], key: str) -> set[bool]:
    """Whether the narrowest rows that match a key say that there is access; no row: there is none."""
    arn = f"{BUCKET}/{key}"
    matching = {}
    for row in rows:
        tests = [matcher(resource_parts(glob, variables=True)) for glob in row.resource_class.pattern.split(" ∩ ")]
        if row.resource_class.contents and all(test(arn) for test in tests):
            matching[row.resource_class.pattern] = (tests, row)
    narrowest = [
        row
        for tests, row in matching.values()
        if not any(
            other is not row
            and all(test(other.resource_class.representative) for test in tests)
            and not all(test(row.resource_class.representative) for test in others)
            for others, other in matching.values()
        )
    ]
    return {row.verdict is Verdict.ALLOWED for row in narrowest} or {False}


@pytest.mark.parametrize(
    ("mine", "others"),
    [
        ("in/*", ["in/"]), ("report*", ["report"]), ("*.csv", [".csv"]), ("a*b", ["ab"]), ("*/*", ["/*"]),
        ("*/x", ["/x"]), ("in/*", ["in/?"]), ("*x*", ["x", "x*"]), ("in/*", ["in/~*"]),
    ],
)  # fmt: skip
def test_a_part_is_not_called_by_the_narrower_pattern_of_somebody_else(
    tmp_path: Path, mine: str, others: list[str]
) -> None:
    questions = asked(
        tmp_path, [allow(ACTION, f"{BUCKET}/{mine}")], [allow(ACTION, [f"{BUCKET}/{other}" for other in others])]
    )
    assert told(questions, ANN) == {f"{BUCKET}/{mine}": Verdict.ALLOWED}
    assert f"{BUCKET}/{mine}" not in told(questions, BOB)


@pytest.mark.parametrize("by_bucket", [False, True])
def test_a_denial_inside_an_allowed_part_is_told(tmp_path: Path, by_bucket: bool) -> None:
    no = deny(ACTION, f"{BUCKET}/in/secret/*")
    own = document({**no, "Principal": "*"}) if by_bucket else ""
    yes = allow(ACTION, f"{BUCKET}/in/*")
    questions = asked(tmp_path, [yes] if by_bucket else [yes, no], [], own)
    assert told(questions, ANN) == {
        f"{BUCKET}/in/*": Verdict.ALLOWED,
        f"{BUCKET}/in/secret/*": Verdict.EXPLICITLY_DENIED,
    }


def test_what_is_allowed_inside_a_denied_part_is_told(tmp_path: Path) -> None:
    no = {"Effect": "Deny", "Action": ACTION, "NotResource": [f"{BUCKET}/in/x/*", f"{BUCKET}/out/*"]}
    questions = asked(tmp_path, [allow(ACTION, f"{BUCKET}/*"), no], [allow(ACTION, f"{BUCKET}/in/*")])
    assert told(questions, ANN) == {f"{BUCKET}/in/x/*": Verdict.ALLOWED, f"{BUCKET}/out/*": Verdict.ALLOWED}


@pytest.mark.parametrize("others", [[], ["in/deep/*"], ["x/*"]])
def test_a_star_that_may_hold_the_end_of_the_buckets_name_is_told_in_both_ways(
    tmp_path: Path, others: list[str]
) -> None:
    """``*/in/*`` is about ``in/`` in any bucket, and about any folder of that name deeper in it."""
    yes = allow(ACTION, "arn:aws:s3:::*/in/*")
    questions = asked(tmp_path, [yes], [allow(ACTION, f"{BUCKET}/{other}") for other in others])
    assert told(questions, ANN) == {f"{BUCKET}/in/*": Verdict.ALLOWED, f"{BUCKET}/*/in/*": Verdict.ALLOWED}


PIECES = st.sampled_from(["*", "a", "b", "/", "a/", "?"])
GLOBS = st.lists(PIECES, min_size=1, max_size=4).map("".join).map(lambda glob: re.sub(r"\*+", "*", glob))
STATEMENTS = st.lists(st.tuples(st.sampled_from(["Allow", "Allow", "Deny"]), GLOBS), max_size=4)
KEYS = ["//", "a", "b", "ab", "a/", "a/b", "ba", "a/a/", "x", "a/x", "xa", "axb", "/a", "b/b", "aab", "a/xb/y", "x/y"]
KEYS += ["a*", "*", "?b", "a/*", "a?", "b/a", "x/ab"]


@settings(
    max_examples=40, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(ann=STATEMENTS, bob=STATEMENTS, bucket_denies=st.lists(GLOBS, max_size=1))
@example(ann=[("Allow", "a/*")], bob=[("Allow", "a/?*")], bucket_denies=[])
@example(ann=[("Allow", "a/*")], bob=[("Allow", "a/??*"), ("Allow", "a/")], bucket_denies=[])
@example(ann=[("Allow", "??")], bob=[], bucket_denies=["*/"])
@example(ann=[], bob=[("Allow", "*?")], bucket_denies=["a"])
@example(ann=[("Allow", "a*"), ("Deny", "a/*")], bob=[("Allow", "a/b*")], bucket_denies=[])
@example(ann=[("Allow", "a*"), ("Deny", "a${*}")], bob=[("Allow", "${?}*")], bucket_denies=["*/${*}"])
@example(ann=[("Allow", "${*}")], bob=[("Allow", "a${?}")], bucket_denies=[])
def test_the_narrowest_row_that_matches_is_what_is_decided(
    tmp_path: Path, ann: list[tuple[str, str]], bob: list[tuple[str, str]], bucket_denies: list[str]
) -> None:
    statements = [
        [{"Effect": effect, "Action": ACTION, "Resource": f"{BUCKET}/{glob}"} for effect, glob in whose]
        for whose in (ann, bob)
    ]
    no = [{**deny(ACTION, f"{BUCKET}/{glob}"), "Principal": "*"} for glob in bucket_denies]
    questions = asked(tmp_path, statements[0], statements[1], document(*no) if no else "")
    for principal in (ANN, BOB):
        rows = list(reach(questions, principal, action=ACTION))
        assert len({row.resource_class.key for row in rows}) == len({row.resource_class.index for row in rows})
        for key in KEYS:
            can = questions.can(principal, ACTION, f"{BUCKET}/{key}")["verdict"] == "Allowed"
            assert read_of(rows, key) == {can}, (principal, key, told(questions, principal))


def test_the_first_rows_are_told_without_a_look_at_the_containers_behind_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A bucket whose name goes on where another's contents begin: `b/` lies behind `b-2/`, and before `b2/`.
    names = ["b", "b-2", "b2", "c"]
    some = [f"arn:aws:s3:::{name}" for name in names]
    mine = [allow("s3:*", some + [f"{arn}/*" for arn in some]), deny("s3:*", [f"{arn}/*.secret" for arn in some])]
    world = made_world(users=(user("ann", ONE, *mine),), resources=tuple(bucket(name, ONE) for name in names))
    whole = [row.to_json() for row in reach(questions_of(world, tmp_path), ANN)]
    told = [row["resource"] for row in whole]
    assert told == sorted(told)
    assert sum(".secret" in pattern for pattern in told) == len(names)
    looked_at: list[int] = []
    original = Apart.told

    def counted(apart: Apart, number: int) -> list[Told]:
        looked_at.append(number)
        return original(apart, number)

    monkeypatch.setattr(Apart, "told", counted)
    rows = reach(questions_of(world, Path(tempfile.mkdtemp(dir=tmp_path))), ANN)
    first = next(place for place, pattern in enumerate(told) if ".secret" in pattern) + 1
    assert [row.to_json() for row in rows[:first]] == whole[:first]
    assert len(looked_at) == 1
    assert len(rows) == len(whole)
    assert [row.to_json() for row in rows] == whole


@given(GLOBS, st.lists(GLOBS, max_size=4))
def test_what_matches_a_glob_spread_matches_all_that_the_glob_does(glob: str, others: list[str]) -> None:
    run = fresh([glob, *others])
    shortest = glob.replace("*", "").replace("?", run[0])
    text = spread(shortest, [glob], run)
    for other in others:
        if matcher(resource_parts(other, variables=False))(text):
            for key in KEYS:
                if matcher(resource_parts(glob, variables=False))(key):
                    assert matcher(resource_parts(other, variables=False))(key)
