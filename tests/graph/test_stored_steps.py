"""Steps as the tables of a build hold them, made one by one or all at once."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import replace
from operator import attrgetter
from pathlib import Path

import pytest

from graph.deciding import Outcome
from graph.steps import Step
from graph.stored_steps import StoredOutcome, StoredSteps
from graph.table_format import TablesError, arrow
from graph.world import World
from model.inventory import Inventory
from tests.graph.worlds import questions_of, seeds, world

Told = list[tuple[str, bool, str, str, Outcome]]


def told(steps: Iterable[Step]) -> Told:
    """What steps say, their outcomes as plain ones."""
    some = [(one.source.key, one.target.lost, one.target.key, one.action, plainly(one.outcome)) for one in steps]
    return sorted(some, key=lambda one: (*one[:4], repr(one[4])))


def plainly(outcome: Outcome) -> Outcome:
    return Outcome(outcome.verdict, outcome.residual, outcome.because, outcome.certain)


def stored(built: World, folder: Path) -> StoredSteps:
    return questions_of(built, folder).tables.steps(built.subjects)


@pytest.mark.parametrize("seed", seeds(4, 30))
def test_steps_made_one_by_one_are_those_made_at_once_and_those_decided(seed: int, tmp_path: Path) -> None:
    built = World(Inventory(world(seed)))
    decided = [step for step in built.steps.stored if step.source.kind != "Person"]
    steps = stored(built, tmp_path)
    assert len(steps) == len(decided)
    draw = random.Random(seed)
    for by_end, end in ((steps.out, "source"), (steps.into, "target")):
        wanted: dict[int, list[Step]] = {}
        for step in decided:
            wanted.setdefault(attrgetter(f"{end}.index")(step), []).append(step)
        assert set(by_end) == set(wanted)
        for index in draw.sample(sorted(wanted), len(wanted) // 2):
            assert told(by_end[index]) == told(wanted[index])
        assert missing(by_end) == []
    some = {id(step) for end in (steps.out, steps.into) for index in end for step in end[index]}
    assert told(steps) == told(decided)
    assert some == {id(step) for step in steps.all}, "a step is the same one whoever comes to it"


def missing(by_end: Mapping[int, list[Step]]) -> list[Step]:
    with pytest.raises(KeyError):
        by_end[-1]
    return by_end.get(1_000_000, [])


def test_an_outcome_of_the_tables_is_like_any_other(tmp_path: Path) -> None:
    steps = stored(World(Inventory(world(1))), tmp_path)
    found = [step.outcome for step in steps if step.outcome.residual is not None and step.outcome.because]
    assert found
    for one in found:
        assert isinstance(one, StoredOutcome)
        plain = plainly(one)
        assert one == plain
        assert plain == one
        assert one != replace(plain, because=())
        copied = replace(one, certain=not one.certain)
        assert copied == replace(plain, certain=not plain.certain)
        assert isinstance(copied, StoredOutcome)
        assert (copied.residual_text, copied.because_text) == (one.residual_text, one.because_text)
        assert one.can and one.rank == plain.rank
        with pytest.raises(AttributeError, match="reason"):
            one.reason  # noqa: B018


def test_a_question_makes_the_steps_that_it_comes_to(tmp_path: Path) -> None:
    built = World(Inventory(world(1)))
    questions = questions_of(built, tmp_path)
    kept = questions.steps._stored
    assert isinstance(kept, StoredSteps)
    questions.can(built.inventory.data.roles[0].arn, "s3:GetObject", "arn:aws:s3:::b/x")
    assert len(kept._made) < len(kept) == questions.steps.count


def damaged(steps: StoredSteps, column: str, value: object) -> StoredSteps:
    """The same steps with one column of the first account that has some filled with something else."""
    pa, batches = arrow(), list(steps._batches)
    at = next(place for place, batch in enumerate(batches) if batch.num_rows)
    place = batches[at].schema.get_field_index(column)
    field = batches[at].schema.field(place)
    batches[at] = batches[at].set_column(place, field, pa.array([value] * batches[at].num_rows, field.type))
    return StoredSteps(batches, steps._subjects)


@pytest.mark.parametrize(
    ("column", "value"),
    [("because", "["), ("residual", "{"), ("verdict", "Perhaps"), ("source", -1), ("target", 1_000_000)],
)
def test_damaged_steps_are_told_of(column: str, value: object, tmp_path: Path) -> None:
    found = damaged(stored(World(Inventory(world(1))), tmp_path), column, value)
    with pytest.raises(TablesError, match="damaged"):
        for index in found.out:
            told(found.out[index])
