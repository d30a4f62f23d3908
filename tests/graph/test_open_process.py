"""Answers of a process that stays open: read from the tables as far as needed, and the same however much is kept."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from graph import questions as asking
from graph import tables as reading
from graph.closure import Chain, Steps, joined
from graph.columns import Lists, StoredActions, flags
from graph.deciding import Outcome, Tree, all_of
from graph.keeping import Recent
from graph.reaching import reach
from graph.steps import ASSUME_ROLE, Step
from graph.subjects import Subject
from graph.world import World
from model.inventory import Inventory
from policy.verdicts import Verdict
from tests.graph.test_chains import every_chain, random_steps
from tests.graph.worlds import questions_of, seeds, world

# -- chains


def naive(steps: tuple[Step, ...], last: Tree | None) -> Tree | None:
    return all_of([*(step.outcome.residual for step in steps if not step.certain), last])


def test_of_ways_of_one_length_the_first_by_name_is_told() -> None:
    for seed in seeds(150, 3000):
        subjects, steps = random_steps(seed)
        start, goal = subjects[seed % 7], subjects[(seed + 3) % 7]
        first: dict[int, tuple[int, tuple[str, ...]]] = {}
        to_goal: dict[int, tuple[int, tuple[str, ...]]] = {}
        for one in subjects:
            for chain in every_chain(steps, one):
                way = len(chain), tuple(step.target.key for step in chain)
                if one is start:
                    last = chain[-1].target.index
                    first[last] = min(way, first.get(last, way))
                if chain[-1].target is goal and one is not goal:
                    to_goal[one.index] = min(way, to_goal.get(one.index, way))
        found = steps.forward(start).shortest
        assert {index: (chain.length, chain.via) for index, chain in found.items()} == first, f"seed {seed}"
        back = {index: chain for index, chain in steps.backward({goal.index: 1}).items() if index != goal.index}
        assert {index: (chain.length, chain.via) for index, chain in back.items()} == to_goal, f"seed {seed}"
        for told in (*found.values(), *back.values()):
            assert told.via == tuple(step.target.key for step in told.steps)
            assert told.certain == all(step.certain for step in told.steps)


def conditional(*leaves: str) -> Outcome:
    parts: list[Tree] = [{"document": leaf} for leaf in leaves]
    return Outcome(Verdict.CONDITIONAL, parts[0] if len(parts) == 1 else {"all": parts}, (), certain=False)


def test_a_way_of_thousands_of_steps_is_told_with_all_its_conditions_in_order() -> None:
    count = 3000
    subjects = [Subject(number, f"r{number:05}", "Role", None) for number in range(count)]
    sure = Outcome(Verdict.ALLOWED, None, (), certain=True)
    steps = Steps(
        Step(one, other, ASSUME_ROLE, conditional("x", f"d{one.index}") if one.index % 500 == 0 else sure)
        for one, other in pairwise(subjects)
    )
    there = steps.forward(subjects[0]).shortest[count - 1]
    back = steps.backward({count - 1: 0})[0]
    for chain in (there, back):
        # Asked of the whole first, and then of a shorter one that others share.
        assert joined(chain, {"document": "d500"}) == naive(chain.steps, {"document": "d500"})
        assert chain.via == tuple(one.key for one in subjects[1:])
        assert chain.end is subjects[-1]
        assert not chain.certain
    assert joined(steps.backward({count - 1: 0})[1500], None) == naive(there.steps[1500:], None)
    assert joined(Chain(), None) is None


# -- questions


def test_of_many_sessions_those_that_the_tables_leave_out_are_denied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`can` decides about a few sessions at once, and of many only about holders: chains are the same."""
    for seed in seeds(3, 60):
        built = World(Inventory(world(seed)))
        (tmp_path / str(seed)).mkdir()
        questions = questions_of(built, tmp_path / str(seed))
        draw = random.Random(seed)
        items = [item for partition in questions.tables.partitions for item in partition.classes]
        subjects = [one.key for one in built.subjects.all if not one.lost and one.kind != "Anonymous"]
        for _ in range(40):
            item, principal = draw.choice(items), draw.choice(subjects)
            resource = item.representative + ("" if item.open else draw.choice(("", "", "/no-such-part")))
            action = draw.choice(("s3:GetObject", "s3:ListBucket", "sqs:SendMessage", "sts:AssumeRole", "iam:GetRole"))
            answers = []
            for few in (0, 10**9):
                monkeypatch.setattr(asking, "_FEW", few)
                answers.append(questions.can(principal, action, resource))
            assert answers[0] == answers[1], (seed, principal, action, resource)


def test_answers_are_the_same_with_one_account_open_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = World(Inventory(world(2)))
    folder = tmp_path / "tables"
    folder.mkdir()
    many = questions_of(built, folder)
    monkeypatch.setattr(reading, "_OPEN_ACCOUNTS", 1)
    one = asking.Questions(reading.Tables.unfinished(folder))
    for subject in many.world.subjects.all:
        if subject.kind in ("User", "Role", "Person", "Anonymous"):
            rows = [[row.to_json() for row in reach(questions, subject.key)] for questions in (many, one)]
            assert rows[0] == rows[1], subject.key
    assert len(one.tables._partitions) == 1
    assert len(many.tables._partitions) > 1


def test_rows_of_reach_can_be_counted_and_asked_for_by_place(tmp_path: Path) -> None:
    questions = questions_of(World(Inventory(world(2))), tmp_path)
    widest = max(
        (one.key for one in questions.world.subjects.all if one.kind == "User"),
        key=lambda key: len(reach(questions, key)),
    )
    rows = [row.to_json() for row in reach(questions, widest)]
    asked = reach(questions, widest)
    assert len(asked) == len(rows) > 3
    assert bool(asked)
    assert [row.to_json() for row in asked[:2]] == rows[:2]
    assert [row.to_json() for row in asked[1:]] == rows[1:]
    assert [row.to_json() for row in asked[-2:]] == rows[-2:]
    assert asked[2].to_json() == rows[2]
    assert asked[-1].to_json() == rows[-1]
    with pytest.raises(IndexError):
        asked[len(rows)]


# -- what is kept, and read


def test_what_was_not_asked_for_longest_goes() -> None:
    made: list[int] = []

    def number(value: int) -> int:
        made.append(value)
        return value

    recent: Recent[int, int] = Recent(2)
    for key in (1, 2, 1, 3, 1, 2):
        assert recent.of(key, lambda key=key: number(key)) == key  # type: ignore[misc]
    assert made == [1, 2, 3, 2]
    assert len(recent) == 2


def test_columns_are_read_where_they_lie() -> None:
    truths = pa.array([draw % 3 == 0 for draw in range(50)])
    assert flags(truths[11:31]).tolist() == truths[11:31].to_pylist()
    assert flags(pa.array([], pa.bool_())).tolist() == []
    lists = Lists(pa.array([[9], [], [2, 1], [], [0, 3]], pa.list_(pa.int32()))[1:])
    assert [lists[place].tolist() for place in range(len(lists))] == [[], [2, 1], [], [0, 3]]
    assert lists.least(np.array([5, 6, 7, 8, 0, 0, 0, 0, 0, 0], dtype=np.int32), 99).tolist() == [99, 6, 99, 5]
    assert lists.having(1).tolist() == [1]


def test_sets_of_actions_are_found_by_an_action() -> None:
    column = pa.array([["a:X"], ["a:Y", "a:X"], [], ["b:Z"]], pa.list_(pa.string()))
    sets = StoredActions(column)
    assert sets.having("a:X").tolist() == [True, True, False, False]
    assert sets.having("b:Z").tolist() == [False, False, False, True]
    assert sets.having("c:W").tolist() == [False] * 4
    assert sets[:] == [("a:X",), ("a:Y", "a:X"), (), ("b:Z",)]
    assert sets == StoredActions(column)
    assert sets != StoredActions(column[1:])
