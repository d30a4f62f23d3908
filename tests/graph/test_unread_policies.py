"""Policies that nobody reads, of parts of a resource that have their own: what hangs on them is no plain no."""

from __future__ import annotations

from pathlib import Path

import pytest

from graph.questions import Questions
from model.entities import Resource
from policy.explain import explain
from tests.graph.worlds import FOREIGN, ONE, TWO, allow, document, made_world, questions_of, role, table, trust, user

FUNCTION = f"arn:aws:lambda:us-east-1:{ONE}:function:f"
LAYER = f"arn:aws:lambda:us-east-1:{ONE}:layer:l"
TABLE = table("t")
STREAM = f"{TABLE.arn}/stream/2026-01-01T00:00:00.000"
#: What lies in a resource, an action on it, and whether a policy of its service may deny.
OWN = [
    (f"{FUNCTION}:live", "lambda:InvokeFunction", False),
    (f"{FUNCTION}:3", "lambda:InvokeFunction", False),
    (f"{LAYER}:1", "lambda:GetLayerVersion", False),
    (STREAM, "dynamodb:GetRecords", True),
]
#: What has no policy beside the one that was read.
OTHERS = [
    (FUNCTION, "lambda:InvokeFunction"),
    (f"{FUNCTION}:$LATEST", "lambda:InvokeFunction"),
    (f"{FUNCTION}-gone:live", "lambda:InvokeFunction"),
    (f"{LAYER}", "lambda:ListLayerVersions"),
    (TABLE.arn, "dynamodb:GetItem"),
    (f"{TABLE.arn}/index/i", "dynamodb:Query"),
    (f"{TABLE.arn}-gone/stream/x", "dynamodb:GetRecords"),
]
MAY = allow(["lambda:*", "dynamodb:*"])
HERE, THERE = user("here", ONE, MAY), user("there", TWO, MAY)
IDLE, FAR = user("idle", ONE), user("far", TWO)


def asked(folder: Path) -> Questions:
    function = Resource(arn=FUNCTION, type="lambda:function", account=ONE, region="us-east-1", name="f", tags={})
    trusts = document(trust({"AWS": FOREIGN, "Service": "x.amazonaws.com"}))
    users, roles = (HERE, THERE, IDLE, FAR), (role("r", TWO, MAY, trusts=trusts),)
    return questions_of(made_world(users=users, roles=roles, resources=(function, TABLE)), folder)


@pytest.mark.parametrize(("arn", "action", "denies"), OWN)
def test_an_answer_hangs_on_the_policy_of_a_part_that_nobody_reads(
    arn: str, action: str, denies: bool, tmp_path: Path
) -> None:
    questions = asked(tmp_path)
    unread = ("Conditional", {"document": f"{arn}#policy"})
    sure = unread if denies else ("Allowed", None)
    for one, wanted in ((HERE, sure), (THERE, unread), (IDLE, unread), (FAR, ("ImplicitlyDenied", None))):
        answer = questions.can(one.arn, action, arn)
        assert (answer["verdict"], answer["residual"]) == wanted, one.name
    assert questions.can("x.amazonaws.com", action, arn)["verdict"] == "Conditional"


@pytest.mark.parametrize(("arn", "action", "denies"), OWN)
def test_who_can_is_what_each_can_where_such_a_policy_decides(
    arn: str, action: str, denies: bool, tmp_path: Path
) -> None:
    questions = asked(tmp_path)
    rows = {row["principal"]: row for row in questions.who_can(action, arn)["principals"]}
    for subject in questions.world.subjects.all:
        answer = questions.can(subject.key, action, arn)
        verdicts = {answer["verdict"], *(row["verdict"] for row in answer["chains"])}
        best = next((one for one in ("Allowed", "Conditional") if one in verdicts), None)
        if subject.kind == "Outsider" and best:
            best = "Conditional"  # what the account gives its own principals is not known
        assert rows.get(subject.key, {"verdict": None})["verdict"] == best, subject.key
    assert {HERE.arn, THERE.arn, IDLE.arn, "x.amazonaws.com"} <= rows.keys()


@pytest.mark.parametrize(("arn", "action"), OTHERS)
def test_what_has_no_policy_of_its_own_is_decided_by_what_was_read(arn: str, action: str, tmp_path: Path) -> None:
    questions = asked(tmp_path)
    said = [questions.can(one.arn, action, arn)["verdict"] for one in (HERE, THERE, IDLE, FAR)]
    assert said == ["Allowed", *["ImplicitlyDenied"] * 3]


def test_such_a_policy_is_named(tmp_path: Path) -> None:
    assembler = asked(tmp_path).world.assembler
    caller = assembler.caller(assembler.principal(THERE.arn))
    request, inputs = assembler.request(caller, "lambda:InvokeFunction", f"{FUNCTION}:live")
    decision = assembler.decide(caller, "lambda:InvokeFunction", f"{FUNCTION}:live")
    assert any(f"{FUNCTION}:live#policy" in sentence for sentence in explain(request, inputs, decision))
