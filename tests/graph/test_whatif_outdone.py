"""What others outdo in a container is left out of the search for patterns that cross, and of no answer."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from graph import whatif
from graph.crossings import Crossed, crossed
from graph.questions import Questions
from graph.whatif import what_if
from graph.whatif_names import revocation
from graph.world import World
from model.entities import InlinePolicy
from tests.graph.test_crossings import ANN, ANY, LEVEL, ROLES, STATEMENTS, built, written
from tests.graph.test_parts_told import ACTION, BUCKET, KEYS
from tests.graph.test_whatif import asked
from tests.graph.test_whatif_parts import of_contents, read_of
from tests.graph.worlds import ONE, Json, allow, bucket, document, made_world, role, user


def made(*roles: list[Json], chained: bool = False) -> World:
    """Ann may assume roles A, B, … by one policy, or the first by it and each by the one before."""
    arns = ROLES[: len(roles)]
    ways = [allow("sts:AssumeRole", arn) for arn in (arns[:1] if chained else arns)]
    ann = user("ann", inline=(InlinePolicy(name="ways", document=document(*ways)),))
    steps = {one: [allow("sts:AssumeRole", other)] for one, other in pairwise(arns)} if chained else {}
    holders = tuple(
        role(arn.rpartition("/")[2], ONE, *some, *steps.get(arn, ())) for arn, some in zip(arns, roles, strict=True)
    )
    return made_world(users=(ann,), roles=holders, resources=(bucket("b"),))


@ANY
@given(roles=st.lists(STATEMENTS, min_size=2, max_size=3), chained=st.booleans())
@example(roles=[[("Allow", "*"), ("Deny", "*b")], [("Allow", "a*")]], chained=False)
@example(roles=[[("Allow", "*"), ("Deny", "*b")], [("Allow", "a*")], [("Allow", "*")]], chained=True)
@example(roles=[[("Allow", "*a*")], [("Allow", "*")], [("Allow", "a*"), ("Deny", "*b")]], chained=False)
def test_all_that_is_lost_is_told_by_its_best_way(
    tmp_path: Path, roles: list[list[tuple[str, str]]], chained: bool
) -> None:
    questions = built(made(*map(written, roles), chained=chained), tmp_path)
    subjects = questions.world.subjects.by_key
    rows = what_if(questions, subjects[ANN], revocation(questions.world, subjects[ANN], "policy", "ways")).rows
    assert not [row for row in rows.still if row.spot.container]
    listed = [(str(len(row.via)) + row.via[-1], row) for row in rows.lost if row.via and LEVEL in row.levels]
    for key in KEYS:
        can = [arn for arn in ROLES if arn in subjects and _can(questions, arn, key)]
        if can:
            assert read_of(listed, key) == {f"{ROLES.index(can[0]) + 1 if chained else 1}{can[0]}"}, (key, listed)


def _can(questions: Questions, arn: str, key: str) -> bool:
    world = questions.world
    return world.decider.decide(world.subjects.by_key[arn], ACTION, f"{BUCKET}/{key}").can


def test_where_a_better_way_gives_all_nothing_crosses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Role A reads everything: what B and C read in it is lost without a row, and nobody looks where they cross."""
    looked: list[Crossed] = []

    def counted(*arguments: Any) -> list[Crossed]:
        found = list(crossed(*arguments))
        looked.extend(found)
        return found

    monkeypatch.setattr(whatif, "crossed", counted)
    several = [written([("Allow", glob)]) for glob in ("*", "a*", "*b")]
    lost, _, _ = asked(made(*several), ANN, "policy", "ways")
    assert of_contents(lost) == {("/*", "Allowed", ("A",))}
    assert not looked
    lost, _, _ = asked(made(*several[1:]), ANN, "policy", "ways")
    assert len(looked) == 1
    assert of_contents(lost) == {
        ("/a*", "Allowed", ("A",)),
        ("/*b", "Allowed", ("B",)),
        (f"/*b ∩ {BUCKET}/a*", "Allowed", ("A",)),
    }
