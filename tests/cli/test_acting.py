"""What people read of those who act through roles alone: by entitlements, and by the role that a resource carries."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.acting import say_carried
from cli.answers import say_can, say_path
from cli.naming import Names
from graph.paths import paths
from graph.questions import Questions
from graph.reaching import carried_by, reach
from model.access_manager import AccessApplication
from policy.context import NO_OVERRIDES
from tests.graph.test_carriers import FUNCTION, GUARDED, LAMBDA, function, sender
from tests.graph.test_carriers import asked as asked_of_resources
from tests.graph.test_entitled import APPLICATION, EVE, SEND, asked, data, entitled, trusting
from tests.graph.test_entitled import sender as entitled_sender
from tests.graph.worlds import ONE, document, queue, trust

Captured = pytest.CaptureFixture[str]
QUEUE = queue("q").arn


def told(questions: Questions, who: str, capsys: Captured) -> str:
    capsys.readouterr()
    names, answer = Names(questions.world.inventory), questions.answer(who, SEND, QUEUE)
    say_can(questions, names, (who, SEND, QUEUE), NO_OVERRIDES, answer)
    return " ".join(capsys.readouterr().out.split())


def carrying(questions: Questions, capsys: Captured) -> str:
    capsys.readouterr()
    say_carried(Names(questions.world.inventory), FUNCTION, carried_by(reach(questions, FUNCTION)))
    return " ".join(capsys.readouterr().out.split())


def test_an_entitlement_is_told_with_the_group_that_has_it(tmp_path: Path, capsys: Captured) -> None:
    one = entitled_sender(trusting())
    questions = asked(data(one, entitled(one, "g-1")), tmp_path)
    text = told(questions, EVE, capsys)
    assert "By account access manager eve@x.example is entitled to role sender in name-1" in text
    assert "through group staff." in text
    assert "permission set" not in text
    (path,) = paths(questions, EVE, QUEUE)["paths"]
    say_path(Names(questions.world.inventory), 1, path)
    assert "→ entitled to role sender in name-1" in " ".join(capsys.readouterr().out.split())


def test_an_entitlement_that_is_not_sure_says_what_it_hangs_on(tmp_path: Path, capsys: Captured) -> None:
    some = data(entitled_sender(trusting()), access_applications=(AccessApplication(arn=APPLICATION),))
    text = told(asked(some, tmp_path), EVE, capsys)
    assert "if it gets that role." in text
    assert "That role is given only if account-access application/1234567890abcdef" in text


def test_an_entitlement_that_the_trust_does_not_know_is_no_absence_of_entitlements(
    tmp_path: Path, capsys: Captured
) -> None:
    some = data(entitled_sender(document(trust({"AWS": ONE}))))
    text = told(asked(some, tmp_path), EVE, capsys)
    assert text == "eve@x.example is entitled to roles by account access manager, but none that is there lets it in."


def test_a_resource_is_told_to_act_as_the_role_that_it_carries(tmp_path: Path, capsys: Captured) -> None:
    one = sender()
    questions = asked_of_resources(tmp_path, function(one.arn), roles=(one,))
    text = told(questions, FUNCTION, capsys)
    assert text.startswith("lambda function:f in name-1")
    assert "It carries this role, which lambda.amazonaws.com assumes for it." in text
    assert carrying(questions, capsys).endswith("which lambda.amazonaws.com may assume for it.")


def test_what_keeps_a_resource_from_its_role_is_told(tmp_path: Path, capsys: Captured) -> None:
    guarded, shut = sender(document(trust(LAMBDA, Condition=GUARDED))), sender(document(trust({"AWS": ONE})))
    unsure = asked_of_resources(tmp_path / "a", function(guarded.arn), roles=(guarded,))
    assert "if it gets that role. It carries" in told(unsure, FUNCTION, capsys)
    assert "may assume for it only if aws:SourceArn is" in carrying(unsure, capsys)
    closed = asked_of_resources(tmp_path / "b", function(shut.arn), roles=(shut,))
    for text in (told(closed, FUNCTION, capsys), carrying(closed, capsys)):
        assert text.endswith("its trust does not let lambda.amazonaws.com assume it: it reaches nothing by it.")
    gone = asked_of_resources(tmp_path / "c", function(shut.arn))
    assert "but there is no such role" in carrying(gone, capsys)


def test_of_who_is_no_resource_nothing_is_said(tmp_path: Path, capsys: Captured) -> None:
    one = sender()
    questions = asked_of_resources(tmp_path, roles=(one,))
    say_carried(Names(questions.world.inventory), one.arn, carried_by(reach(questions, one.arn)))
    assert capsys.readouterr().out == ""
