"""Whole organisations that nobody planned: every answer is that of brute force by an evaluator that shares no code."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.graph.worlds import LONG
from tests.oracle.whole import judge

#: Seeds of every run, and of a long one where ``GRANTMAP_TEST_ALL`` is set.
FEW, MANY = (1, 2, 14), tuple(range(1, 61))


@pytest.mark.parametrize("seed", MANY if LONG else FEW)
def test_every_answer_about_a_random_organisation_is_that_of_brute_force(seed: int, tmp_path: Path) -> None:
    counts, disagreements = judge(seed, 0.15 if LONG else 0.04, tmp_path)
    assert not disagreements, "\n\n".join(map(str, disagreements[:3]))
    assert counts["who-can rows"] and counts["reach triples"] and counts["can Allowed"]
