"""What ``what-if`` tells of contents, as a person reads both tables: the narrowest pattern that matches is true."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from graph.whatif import what_if
from graph.whatif_found import Row
from graph.whatif_names import revocation
from graph.world import World
from model.entities import InlinePolicy
from policy.patterns import matcher, resource_parts
from policy.verdicts import Verdict
from tests.graph.test_parts_told import ACTION, BUCKET, KEYS
from tests.graph.test_whatif import asked
from tests.graph.worlds import ONE, Json, allow, bucket, deny, document, made_world, questions_of, role, user

ANN = f"arn:aws:iam::{ONE}:user/ann"
READER, OTHER = (f"arn:aws:iam::{ONE}:role/{name}" for name in ("Reader", "Other"))
LEVEL = "Read:data"
#: Of two of these one is inside the other, or they have nothing in common: where patterns of one principal meet those
#: of another there are no parts of their own.
GLOBS = st.builds("".join, st.tuples(st.text("ab/", max_size=3), st.sampled_from(["*", "*", "*", ""]))).filter(bool)
STATEMENTS = st.lists(st.tuples(st.sampled_from(["Allow", "Allow", "Deny"]), GLOBS), max_size=4)


def made(whole: list[Json], left: list[Json], *, through: bool) -> World:
    """Ann has some access by the policy ``gone``, or by a role that it lets her become; other access by a role."""
    gone = [allow("sts:AssumeRole", OTHER)] if through else whole
    inline = [("gone", gone), ("stays", [allow("sts:AssumeRole", READER)])]
    ann = user("ann", inline=tuple(InlinePolicy(name=name, document=document(*some)) for name, some in inline if some))
    roles = (role("Reader", ONE, *left), role("Other", ONE, *(whole if through else [])))
    return made_world(users=(ann,), roles=roles, resources=(bucket("b"),))


def of_contents(rows: set[tuple[str, str, str, tuple[str, ...]]]) -> set[tuple[str, str, tuple[str, ...]]]:
    return {(one[0].removeprefix(BUCKET), one[2], one[3]) for one in rows if one[0].startswith(f"{BUCKET}/")}


@pytest.mark.parametrize("through", [False, True])
def test_a_loss_inside_what_stays_inside_what_is_lost_is_told(through: bool) -> None:
    left = [allow(ACTION, f"{BUCKET}/in/*"), deny(ACTION, f"{BUCKET}/in/x/*")]
    built = made([allow(ACTION, f"{BUCKET}/*")], left, through=through)
    lost, still, _ = asked(built, ANN, "policy", "gone")
    by = ("Other",) if through else ()
    assert of_contents(lost) == {("/*", "Allowed", by), ("/in/x/*", "Allowed", by)}
    assert of_contents(still) == {("/in/*", "Allowed", ("Reader",)), ("/in/x/*", "ExplicitlyDenied", ("Reader",))}


@pytest.mark.parametrize("through", [False, True])
def test_what_stays_inside_a_loss_inside_what_stays_is_told(through: bool) -> None:
    """A boundary of the role as NotResource: all but one folder, and of that one folder more."""
    left = [
        allow(ACTION, f"{BUCKET}/*"),
        {"Effect": "Deny", "Action": ACTION, "NotResource": [f"{BUCKET}/in/x/*", f"{BUCKET}/out/*"]},
    ]
    built = made([allow(ACTION, f"{BUCKET}/in/*")], left, through=through)
    lost, still, _ = asked(built, ANN, "policy", "gone")
    by = ("Other",) if through else ()
    assert of_contents(lost) == {("/in/*", "Allowed", by)}
    assert of_contents(still) == {("/in/x/*", "Allowed", ("Reader",))}


def read_of(rows: Sequence[tuple[str, Row]], key: str) -> set[str]:
    """What the narrowest rows that match a key say: ``lost``, ``still``, or nothing (a denial)."""
    arn = f"{BUCKET}/{key}"
    found = []
    for name, row in rows:
        tests = [matcher(resource_parts(glob, variables=True)) for glob in row.spot.pattern.split(" ∩ ")]
        if row.spot.container and all(test(arn) for test in tests):
            found.append((name, row, tests))
    return {
        name if row.verdict is Verdict.ALLOWED else ""
        for name, row, tests in found
        if not any(
            all(test(other.spot.representative) for test in tests)
            and not all(test(row.spot.representative) for test in others)
            for _, other, others in found
        )
    }


@settings(
    max_examples=30, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(gone=STATEMENTS.filter(bool), left=STATEMENTS, through=st.booleans())
@example(gone=[("Allow", "*")], left=[("Allow", "a*"), ("Deny", "a/*"), ("Allow", "b*")], through=True)
def test_what_is_lost_and_what_stays_is_read_of_the_narrowest_rows(
    tmp_path: Path, gone: list[tuple[str, str]], left: list[tuple[str, str]], through: bool
) -> None:
    some = [
        [{"Effect": effect, "Action": ACTION, "Resource": f"{BUCKET}/{glob}"} for effect, glob in whose]
        for whose in (gone, left)
    ]
    questions = questions_of(made(some[0], some[1], through=through), Path(tempfile.mkdtemp(dir=tmp_path)))
    ann = questions.world.subjects.by_key[ANN]
    change = revocation(questions.world, ann, "policy", "gone")
    rows = what_if(questions, ann, change).rows
    told = [(name, row) for name, several in (("lost", rows.lost), ("still", rows.still)) for row in several]
    told = [(name, row) for name, row in told if LEVEL in row.levels]
    whose = [questions.world.subjects.by_key[one] for one in (OTHER if through else ANN, READER)]
    for key in KEYS:
        decided = [questions.world.decider.decide(one, ACTION, f"{BUCKET}/{key}").can for one in whose]
        read = read_of(told, key)
        if decided == [True, False]:
            assert "lost" in read and "still" not in read, (key, told)
        elif decided == [True, True]:
            assert read == {"still"}, (key, told)
        elif decided == [False, False]:
            assert "still" not in read, (key, told)
