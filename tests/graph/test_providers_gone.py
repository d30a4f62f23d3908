"""Trusts to identity providers that do not exist: nobody signs in at them (semantics L13)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from graph.differences import diff
from graph.paths import paths
from graph.questions import Questions
from graph.reaching import reach
from graph.steps import WITH_SAML, WITH_WEB_IDENTITY
from graph.world import World
from model.entities import Provider
from policy.explain import explain
from tests.graph.worlds import ONE, TWO, allow, document, made_world, questions_of, queue, role, trust

OKTA = Provider(arn=f"arn:aws:iam::{ONE}:saml-provider/okta", account=ONE, kind="saml")
SEND, QUEUE = "sqs:SendMessage", queue("q")
GONE = f"arn:aws:iam::{ONE}:saml-provider/gone"


def verdicts(questions: Questions, action: str, resource: str) -> dict[str, tuple[str, int]]:
    rows = questions.who_can(action, resource)["principals"]
    return {row["principal"]: (row["verdict"], len(row["via"])) for row in rows}


def dangling(provider: str, action: str = WITH_SAML, **more: Any) -> World:
    one = role("one", ONE, allow(SEND), trusts=document(trust({"Federated": provider}, action)))
    return made_world(**{"roles": (one,), "providers": (OKTA,), "resources": (QUEUE,), **more})


@pytest.mark.parametrize(
    ("provider", "action"), [(GONE, WITH_SAML), (f"arn:aws:iam::{ONE}:oidc-provider/gone.example", WITH_WEB_IDENTITY)]
)
def test_nobody_signs_in_at_a_provider_that_does_not_exist(provider: str, action: str, tmp_path: Path) -> None:
    world = dangling(provider, action)
    questions = questions_of(world, tmp_path)
    target = f"arn:aws:iam::{ONE}:role/one"
    assert verdicts(questions, action, target) == {}
    assert provider not in verdicts(questions, SEND, QUEUE.arn)
    assert questions.can(provider, action, target)["verdict"] == "ImplicitlyDenied"
    assert questions.can(provider, SEND, QUEUE.arn)["chains"] == []
    assert reach(questions, provider) == []
    assert paths(questions, provider, target)["paths"] == []
    assert not [step for step in world.assuming.steps() if step.source.kind == "Provider"]
    assembler, asking = world.assembler, world.subjects.by_key[provider].caller
    assert asking is not None
    decision = assembler.decide(asking, action, target)
    assert "no such identity provider" in explain(*assembler.request(asking, action, target), decision)[1]


@pytest.mark.parametrize(
    ("provider", "more"),
    [
        (OKTA.arn, {}),
        (OKTA.arn.replace("okta", "Okta"), {}),  # the name of one that is there
        (GONE, {"unread_providers": ((ONE, "saml"),)}),
        (GONE, {"unread_principals": (ONE,)}),
    ],
)
def test_a_provider_that_may_exist_lets_people_sign_in(provider: str, more: dict[str, Any], tmp_path: Path) -> None:
    questions = questions_of(dangling(provider, **more), tmp_path)
    assert verdicts(questions, WITH_SAML, f"arn:aws:iam::{ONE}:role/one")[provider] == ("Allowed", 0)


def test_the_other_list_of_providers_says_nothing_of_a_kind(tmp_path: Path) -> None:
    questions = questions_of(dangling(GONE, unread_providers=((ONE, "oidc"), (TWO, "saml"))), tmp_path)
    assert verdicts(questions, WITH_SAML, f"arn:aws:iam::{ONE}:role/one") == {}


def test_a_provider_that_was_deleted_is_what_changed(tmp_path: Path) -> None:
    before, after = dangling(GONE, providers=(Provider(arn=GONE, account=ONE, kind="saml"),)), dangling(GONE)
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    found = diff(questions_of(before, tmp_path / "old"), questions_of(after, tmp_path / "new")).to_json()
    (lost,) = [row for row in found["lost"] if row["principal"] == GONE and row["resource"] == QUEUE.arn]
    assert lost["why"] == [{"kind": "principal", "id": GONE}]
