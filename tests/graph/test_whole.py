"""Whole organisations that nobody planned: every answer is that of brute force by an evaluator that shares no code, and
what was decided once for many is what single decisions say of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from graph.world import World
from model.loading import load_inventory
from model.snapshot import open_snapshot
from tests.graph.test_quotient import decided, granted, questions, verdict_of
from tests.graph.worlds import LONG
from tests.oracle.organisation_pages import write
from tests.oracle.organisations import organisation
from tests.oracle.whole import judge

#: Seeds of every run, and of a long one where ``GRANTMAP_TEST_ALL`` is set.
#: From 2000 on they have access points, shares, grants with constraints and trusts in everybody, too.
FEW, MANY = (1, 2, 14, 2003), (*range(1, 61), *range(2000, 2031))
#: As above, of the comparison with single decisions: some whose grants were taken for alike by too little.
ALIKE = (3, 1012)


@pytest.mark.parametrize("seed", MANY if LONG else FEW)
def test_every_answer_about_a_random_organisation_is_that_of_brute_force(seed: int, tmp_path: Path) -> None:
    counts, disagreements = judge(seed, 0.15 if LONG else 0.04, tmp_path)
    assert not disagreements, "\n\n".join(map(str, disagreements[:3]))
    assert counts["who-can rows"] and counts["reach triples"] and counts["can Allowed"]


@pytest.mark.parametrize("seed", [*ALIKE, *(MANY if LONG else ())])
def test_everything_on_everything_for_everybody_is_what_single_decisions_say(seed: int, tmp_path: Path) -> None:
    """No decision is shared by requests that something tells apart: every action on every member of every class."""
    world = World(load_inventory(open_snapshot(tmp_path, write(organisation(seed), tmp_path))))
    grants = granted(world)
    wrong, compared = [], 0
    for item, arn, subject, actions in questions(world):
        for action in actions[:: 40 if item.open else 1]:
            single, told = decided(world, subject, action, arn), grants.get((subject.index, item.index, action))
            compared += 1
            certain = None if told is None or not told.can else told.certain
            if (verdict_of(single), single.certain if single.can else None) != (verdict_of(told), certain):
                wrong.append(f"{subject.key} {action} {arn}: decided {single}, granted {told}")
    assert not wrong, "\n\n".join(wrong[:3])
    assert compared > 1_000
