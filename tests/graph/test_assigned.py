"""Resource control policies over the sign-in of people of Identity Center (semantics L3, L15)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.acting import why_no_role
from graph.differences import diff
from graph.paths import paths
from graph.questions import Questions
from graph.reaching import reach
from graph.steps import WITH_SAML
from graph.world import World
from model.entities import DirectoryGroup, DirectoryUser, IdentityCenter, Organization, PermissionSet, Provider
from model.inventory import Inventory, InventoryData
from policy.context import Overrides
from tests.graph.earlier_worlds import rebuilt, said
from tests.graph.test_graph_rows import edges, graph_of
from tests.graph.test_unassigned import EVE, INSTANCE, MAIL, SEND, SENDER, Q, to
from tests.graph.worlds import MANAGEMENT, ONE, ORG, TWO, Json, allow, deny, made, questions_of, scp

PROVIDER = f"arn:aws:iam::{ONE}:saml-provider/x"
SOURCE = {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}
OFFICE = {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
ORG_ONLY = {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": ORG}}


def data(*statements: Json, target: str = ONE, holder: str = "d-1", **fields: Any) -> InventoryData:
    """Eve is assigned a role under a control policy."""
    guardrails = (scp("r", *statements, targets=(target,), kind="rcp"),) if statements else ()
    more: Json = {
        "roles": (SENDER,),
        "resources": (Q,),
        "providers": (Provider(arn=PROVIDER, account=ONE, kind="saml"),),
        "centers": (IdentityCenter(instance=INSTANCE, store="d", owner=MANAGEMENT),),
        "permission_sets": (PermissionSet(arn=MAIL, name="Mail", instance=INSTANCE),),
        "directory_users": (DirectoryUser(id="d-1", user_name="eve", emails=("eve@x.example",), active=True),),
        "directory_groups": (DirectoryGroup(id="g-1", name="staff", members=("d-1",)),),
        "assignments": (to(MAIL, holder),),
        "guardrails": guardrails,
    }
    return made(**{**more, **fields})


def asked(folder: Path, some: InventoryData) -> Questions:
    folder.mkdir(parents=True, exist_ok=True)
    return questions_of(World(Inventory(some)), folder)


def refusing(action: Any = WITH_SAML, **conditions: Any) -> Json:
    return deny(action, Principal="*", **({"Condition": conditions} if conditions else {}))


def who(questions: Questions, action: str, resource: str) -> dict[str, str]:
    return {row["principal"]: row["verdict"] for row in questions.who_can(action, resource)["principals"]}


KEPT_OUT: dict[str, Json] = {
    "the call": refusing(),
    "all of sts": refusing("sts:*"),
    "everything": refusing("*"),
    "the role": deny(WITH_SAML, SENDER.arn, Principal="*"),
    "a key without a value before the role": refusing(StringNotEquals={"aws:PrincipalOrgID": ORG}),
    "the role's tag": refusing(Null={"aws:ResourceTag/open": "true"}),
}


@pytest.mark.parametrize("case", KEPT_OUT)
@pytest.mark.parametrize("holder", ["d-1", "g-1"])
def test_a_denial_of_the_sign_in_keeps_people_out(case: str, holder: str, tmp_path: Path) -> None:
    questions = asked(tmp_path, data(KEPT_OUT[case], holder=holder))
    assert questions.can(PROVIDER, WITH_SAML, SENDER.arn)["verdict"] == "ExplicitlyDenied"
    answer = questions.can(EVE, SEND, Q.arn)
    assert (answer["verdict"], answer["chains"]) == ("ImplicitlyDenied", [])
    assert EVE not in {**who(questions, WITH_SAML, SENDER.arn), **who(questions, SEND, Q.arn)}
    assert reach(questions, EVE) == []
    assert paths(questions, EVE, SENDER.arn)["paths"] == []
    assert "resource control policies" in why_no_role(questions, EVE, "eve")
    _, graph = graph_of(questions.world, tmp_path / "graph")
    assert not [row for _, row in edges(graph, "CAN_ASSUME") if row["target"] == SENDER.arn]


@pytest.mark.parametrize("condition", [SOURCE, OFFICE])
@pytest.mark.parametrize("holder", ["d-1", "g-1"])
def test_a_denial_that_hangs_on_what_nobody_knows_is_told(condition: Json, holder: str, tmp_path: Path) -> None:
    questions = asked(tmp_path, data(refusing(**condition), holder=holder))
    wanted = questions.can(PROVIDER, WITH_SAML, SENDER.arn)
    answer = questions.can(EVE, SEND, Q.arn)
    assert (answer["verdict"], answer["residual"]) == ("Conditional", wanted["residual"])
    assert [item["layer"] for item in answer["because"]] == ["assignment", "rcp", "identity"]
    assert who(questions, WITH_SAML, SENDER.arn)[EVE] == who(questions, SEND, Q.arn)[EVE] == "Conditional"
    assert {str(row.verdict) for row in reach(questions, EVE)} == {"Conditional"}
    _, graph = graph_of(questions.world, tmp_path / "graph")
    (row,) = [row for _, row in edges(graph, "CAN_ASSUME") if row["source"] in (EVE, "g-1")]
    assert (row["verdict"], json.loads(row["residual"])) == ("Conditional", wanted["residual"])
    ((key, values),) = next(iter(condition.values())).items()
    said_so = Overrides(given={key.lower(): (values.replace("0/24", "7"),)})
    assert key not in json.dumps(questions.can(EVE, SEND, Q.arn, said_so))


OPEN: dict[str, InventoryData] = {
    "no control policy": data(),
    "another action": data(refusing("sts:AssumeRole")),
    "another service": data(refusing("sqs:DeleteQueue")),
    "another account": data(refusing(), target=TWO),
    "a key that nobody has before the role": data(
        refusing(**ORG_ONLY, BoolIfExists={"aws:PrincipalIsAWSService": "true"})
    ),
    "a service control policy": data(guardrails=(scp("s", allow("*"), deny(WITH_SAML)),)),
    "no provider": data(refusing("sts:AssumeRole"), providers=()),
}


@pytest.mark.parametrize("case", OPEN)
def test_what_does_not_deny_the_sign_in_changes_nothing(case: str, tmp_path: Path) -> None:
    questions = asked(tmp_path, OPEN[case])
    answer = questions.can(EVE, SEND, Q.arn)
    assert (answer["verdict"], [item["layer"] for item in answer["because"]]) == ("Allowed", ["assignment", "identity"])
    assert who(questions, WITH_SAML, SENDER.arn)[EVE] == "Allowed"


def test_a_control_policy_that_was_not_read_may_keep_people_out(tmp_path: Path) -> None:
    unread = Organization(id=ORG, management_account=MANAGEMENT, rcps_known=False)
    answer = asked(tmp_path, data(organization=unread)).can(EVE, SEND, Q.arn)
    assert (answer["verdict"], answer["residual"]) == ("Conditional", {"document": f"rcp:{ONE}"})


def test_so_it_is_of_what_may_be_assigned(tmp_path: Path) -> None:
    unread: Json = {"assignments": (), "unread_assignments": ((MAIL, ONE),)}
    assert asked(tmp_path / "a", data(refusing(), **unread)).can(EVE, SEND, Q.arn)["verdict"] == "ImplicitlyDenied"
    answer = asked(tmp_path / "b", data(refusing(**SOURCE), **unread)).can(EVE, SEND, Q.arn)
    assert answer["verdict"] == "Conditional"
    assert '"aws:SourceVpce"' in json.dumps(answer["residual"])
    assert f"{MAIL}@{ONE}" in json.dumps(answer["residual"])


def test_a_new_control_policy_is_why_people_lose_access(tmp_path: Path) -> None:
    old, new = asked(tmp_path / "old", data()), asked(tmp_path / "new", data(refusing()))
    (lost,) = [row for row in diff(old, new).to_json()["lost"] if row["principal"] == EVE and row["resource"] == Q.arn]
    assert {item["kind"] for item in lost["why"]} == {"rcp"}


@pytest.mark.parametrize("statements", [(), (refusing(),), (refusing(**SOURCE),)])
def test_a_build_that_takes_over_another_says_the_same(statements: tuple[Json, ...], tmp_path: Path) -> None:
    for before in (data(), data(refusing(**OFFICE))):
        folder = tmp_path / str(len(before.organization.policies if before.organization else ()))
        folder.mkdir()
        again, anew = rebuilt(before, data(*statements), folder)
        assert said(again) == said(anew)
