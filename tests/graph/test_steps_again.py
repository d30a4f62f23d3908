"""Steps under what the asker says of the context: those that are found on the way, against those of every pair."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from graph.assume_again import let_in, steps_again
from graph.closure import Steps
from graph.names import subject_of
from graph.questions import Questions
from graph.steps import Step
from graph.subjects import Subject
from graph.world import World
from model.inventory import Inventory
from policy.context import Overrides
from tests.graph.worlds import (
    FOREIGN,
    ONE,
    TWO,
    allow,
    bucket,
    deny,
    document,
    made_world,
    questions_of,
    role,
    seeds,
    trust,
    user,
    world,
)

OFFICE = {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
HOME = {"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}}
SAID = (
    Overrides.of({"aws:SourceIp": ["203.0.113.7"]}),
    Overrides.of({}, absent=["aws:SourceIp"]),
    Overrides.of({"aws:MultiFactorAuthPresent": ["true"]}),
    Overrides.of({}, unknown=["aws:MultiFactorAuthPresent", "aws:PrincipalTag/team"]),
    Overrides.of({"aws:PrincipalOrgID": ["o-other"]}),
    Overrides.of({"aws:PrincipalTag/team": ["blue"], "aws:RequestedRegion": ["us-east-1"]}),
    Overrides.of({"aws:username": ["ann"], "sts:ExternalId": ["x"]}),
    Overrides.of({"aws:SourceVpce": ["vpce-1"]}),
)
ANN = f"arn:aws:iam::{ONE}:user/ann"


def told(steps: list[Step]) -> list[tuple[str, bool, str, object]]:
    return [(step.target.key, step.target.lost, step.action, step.outcome) for step in steps]


def of_every_pair(built: World, overrides: Overrides) -> Steps:
    return Steps(built.assuming.steps(overrides), built.people.under(overrides))


def again(questions: Questions, overrides: Overrides) -> Steps:
    return steps_again(questions.world, questions.steps, overrides)


@pytest.mark.parametrize("seed", seeds(4, 200))
def test_steps_found_on_the_way_are_those_of_every_pair(seed: int, tmp_path: Path) -> None:
    questions = questions_of(World(Inventory(world(seed))), tmp_path)
    for overrides in SAID:
        expected, found = of_every_pair(questions.world, overrides), again(questions, overrides)
        for subject in questions.world.subjects.all:
            assert told(found.out[subject.index]) == told(expected.out[subject.index]), (subject, overrides)


@pytest.mark.parametrize("seed", seeds(4, 200))
def test_who_is_not_listed_is_decided_on_for_every_role_that_may_let_them_in(seed: int, tmp_path: Path) -> None:
    built = questions_of(World(Inventory(world(seed))), tmp_path).world
    roles = built.inventory.data.roles
    names = [f"arn:aws:sts::{one.account}:assumed-role/{one.name}/me" for one in roles]
    names += [FOREIGN, f"arn:aws:iam::{FOREIGN}:role/x", f"arn:aws:sts::{ONE}:federated-user/ann", "glue.amazonaws.com"]
    for subject in (one for one in (subject_of(built, name) for name in names) if one.index < 0):
        for overrides in (Overrides(), *SAID[:3]):
            steps = (built.assuming.step(subject, one, overrides) for one in roles)
            expected = [step for step in steps if step is not None]
            assert told(built.assuming.steps_from(subject, overrides)) == told(expected), (subject, overrides)


@pytest.mark.parametrize("seed", seeds(3, 60))
def test_many_steps_are_decided_like_few(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After many steps the roles alone are read, with their tags."""
    monkeypatch.setattr("graph.assume_again._MANY", 0)
    questions = questions_of(World(Inventory(world(seed))), tmp_path)
    for overrides in SAID:
        expected, found = of_every_pair(questions.world, overrides), again(questions, overrides)
        for subject in questions.world.subjects.all:
            assert told(found.out[subject.index]) == told(expected.out[subject.index]), (subject, overrides)


class Counted:
    """How many steps are decided."""

    def __init__(self, questions: Questions, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        step = questions.world.assuming.step

        def counted(*said: Any) -> Step | None:
            self.count += 1
            return step(*said)

        monkeypatch.setattr(questions.world.assuming, "step", counted)


@pytest.mark.parametrize(
    ("said", "steps", "decided"),
    [
        # What Ann has anyway, so that her steps are the build's.
        ({"aws:PrincipalAccount": [ONE]}, ["B"], 0),
        # The trust asks for what the asker says that it is not: nobody gets in.
        ({"aws:PrincipalAccount": [TWO]}, [], 0),
        ({"aws:PrincipalAccount": [ONE], "aws:SourceIp": ["203.0.113.7"]}, ["B", "C"], 1),
        ({"aws:PrincipalAccount": [ONE], "aws:SourceIp": ["198.51.100.7"]}, ["B"], 0),
    ],
)
def test_only_steps_are_decided_that_what_is_said_can_change_and_does_not_close(
    said: dict[str, list[str]], steps: list[str], decided: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = user("ann", ONE, allow("sts:AssumeRole"))
    mine = trust({"AWS": ANN}, Condition={"StringEquals": {"aws:PrincipalAccount": ONE}})
    office = trust({"AWS": ANN}, Condition=OFFICE)
    roles = (role("B", ONE, trusts=document(mine)), role("C", ONE, trusts=document(office)))
    questions = questions_of(made_world(users=(ann,), roles=roles), tmp_path)
    counted = Counted(questions, monkeypatch)
    found = again(questions, Overrides.of(said)).out[subject_of(questions.world, ANN).index]
    certain = [step.target.key.rsplit("/", 1)[-1] for step in found if step.outcome.residual is None]
    assert (certain, counted.count) == (steps, decided)


def test_a_trust_that_was_not_read_is_not_closed_by_what_is_said(tmp_path: Path) -> None:
    ann = user("ann", ONE, allow("sts:AssumeRole"))
    there = role("B", ONE, trusts="no policy")
    questions = questions_of(made_world(users=(ann,), roles=(there,)), tmp_path)
    found = again(questions, SAID[4]).out[subject_of(questions.world, ANN).index]
    assert [step.target.key for step in found] == [there.arn]


def chains(questions: Questions, said: Overrides) -> list[list[str]]:
    found = questions.can(ANN, "s3:GetBucketPolicy", "arn:aws:s3:::data", said)["chains"]
    return [[arn.rsplit("/", 1)[-1] for arn in one["via"]] for one in found]


def test_what_is_said_opens_a_step_that_the_build_has_not(tmp_path: Path) -> None:
    """In the build a tag that Ann has keeps her out of B; from the second role on nothing reads it."""
    away = {"StringNotEquals": {"aws:PrincipalTag/team": "red"}}
    ann = user("ann", ONE, allow("sts:AssumeRole"), tags={"team": "red"})
    one = role("B", TWO, allow("sts:AssumeRole"), trusts=document(trust({"AWS": ANN}, Condition=away)))
    other = role("C", ONE, allow("s3:GetBucketPolicy"), trusts=document(trust({"AWS": TWO})))
    built = made_world(users=(ann,), roles=(one, other), resources=(bucket("data", ONE),))
    questions = questions_of(built, tmp_path)
    assert chains(questions, Overrides()) == []
    assert chains(questions, Overrides.of({"aws:PrincipalTag/team": ["blue"]})) == [["B", "C"]]


@pytest.mark.parametrize(
    ("own", "trusting"),
    [
        (deny("sts:AssumeRole", Condition=HOME), trust({"AWS": ANN})),
        (deny("s3:Delete*"), trust({"AWS": ANN}, Condition=OFFICE)),
    ],
)
def test_what_is_said_closes_a_step_by_own_policies_and_by_trust(
    own: dict[str, Any], trusting: dict[str, Any], tmp_path: Path
) -> None:
    ann = user("ann", ONE, allow("sts:AssumeRole"), own)
    there = role("B", ONE, allow("s3:GetBucketPolicy"), trusts=document(trusting))
    questions = questions_of(made_world(users=(ann,), roles=(there,), resources=(bucket("data", ONE),)), tmp_path)
    assert chains(questions, Overrides.of({"aws:SourceIp": ["203.0.113.7"]})) == [["B"]]
    assert chains(questions, Overrides.of({"aws:SourceIp": ["198.51.100.7"]})) == []


def test_sessions_that_a_resource_may_let_in_are_asked(tmp_path: Path) -> None:
    """A bucket's policy may mean more than the tables say, which are of another context."""
    opened = bucket("data", ONE, allow("s3:GetObject", "arn:aws:s3:::data/*", Principal={"AWS": TWO}))
    roles = [role(f"r{n}", account, allow("s3:*")) for n, account in enumerate((ONE, TWO, "444444444444"))]
    built = questions_of(made_world(roles=roles, resources=(opened,)), tmp_path).world
    sessions = [one.index for one in built.subjects.roles()]
    found = let_in(built, sessions, "arn:aws:s3:::data/x", SAID[0])
    assert {built.subjects.all[index].account for index in found} >= {ONE, TWO}
    everyone: list[Subject] = [built.subjects.all[index] for index in let_in(built, sessions, "*", SAID[0])]
    assert [one.index for one in everyone] == sessions
