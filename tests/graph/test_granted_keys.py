"""A grant of a KMS key for a principal of another account: it needs no Allow of its own there (semantics L7)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from graph.reaching import reach
from graph.world import World
from model.entities import InlinePolicy, KmsGrant, ManagedPolicy, Resource
from tests.graph.earlier_worlds import rebuilt, said
from tests.graph.test_whatif import asked
from tests.graph.worlds import ONE, TWO, allow, deny, document, key, made, made_world, questions_of, role, scp, user

ANN = f"arn:aws:iam::{ONE}:user/ann"
BOUNDARY = f"arn:aws:iam::{ONE}:policy/b"
LINKED = f"arn:aws:iam::{ONE}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"


def granted(*grantees: str, **more: Any) -> Resource:
    """The key of another account."""
    grants = tuple(KmsGrant(id=name, grantee=name, operations=("Decrypt", "DescribeKey")) for name in grantees)
    return key("k", TWO, grants=grants, **more)


def linked(**more: Any) -> World:
    """Auto Scaling's role, whose own policy says nothing about KMS, and a key with a grant for it."""
    path = "/aws-service-role/autoscaling.amazonaws.com/"
    scaling = role("AWSServiceRoleForAutoScaling", ONE, allow("ec2:*"), path=path)
    return made_world(roles=(scaling,), users=(user("ann", ONE),), resources=(granted(LINKED),), **more)


def who(world: World, tmp_path: Path, action: str = "kms:Decrypt") -> dict[str, str]:
    found = questions_of(world, tmp_path).who_can(action, granted().arn)["principals"]
    return {row["principal"]: row["verdict"] for row in found if f":{ONE}:" in row["principal"]}


def test_a_role_reaches_the_key_by_the_grant_alone(tmp_path: Path) -> None:
    questions = questions_of(linked(), tmp_path)
    assert questions.can(LINKED, "kms:Decrypt", granted().arn)["verdict"] == "Allowed"
    assert questions.can(LINKED, "kms:Encrypt", granted().arn)["verdict"] == "ImplicitlyDenied"
    keys = [row for row in reach(questions, LINKED) if row.resource_class.representative == granted().arn]
    assert {row.levels for row in keys} == {("Read:metadata", "Write")}


@pytest.mark.parametrize("guardrails", [(), (scp("ec2", allow("ec2:*")),)], ids=["open", "closed"])
def test_the_build_and_the_key_say_the_same(guardrails: tuple[Any, ...], tmp_path: Path) -> None:
    """Service-linked roles are out of reach of service control policies (L2)."""
    assert who(linked(guardrails=guardrails), tmp_path) == {LINKED: "Allowed"}


def test_a_grant_to_the_account_is_not_one_to_its_principals(tmp_path: Path) -> None:
    world = made_world(users=(user("ann", ONE),), resources=(granted(f"arn:aws:iam::{ONE}:root"),))
    assert ANN not in who(world, tmp_path)


def test_what_forbids_somebody_the_granted_key_frees_it() -> None:
    no = InlinePolicy(name="no", document=document(deny("kms:*")))
    world = made_world(users=(user("ann", ONE, inline=(no,)),), resources=(granted(ANN),))
    _, _, gained = asked(world, ANN, "policy", "no")
    assert {(row[0], row[1]) for row in gained} >= {(granted().arn, "Write")}


@pytest.mark.parametrize("turned", [False, True], ids=["gone", "come"])
def test_a_policy_that_forbids_the_granted_key_is_felt_there(turned: bool, tmp_path: Path) -> None:
    """Of a build that takes over what did not change: nothing of Ann's policies is about KMS but what forbids it."""
    data = [made(users=(user("ann", ONE, *some),), resources=(granted(ANN),)) for some in ([deny("kms:*")], [])]
    before, then = data[:: -1 if turned else 1]
    again, anew = rebuilt(before, then, tmp_path)
    assert said(again) == said(anew)


UNREAD = {"policy": None}
EVERYBODY = {"policy": document(allow("kms:*", Principal="*"))}


@pytest.mark.parametrize(
    ("policy", "verdict"), [(UNREAD, "Conditional"), (EVERYBODY, "Allowed")], ids=["unread", "all"]
)
def test_a_key_policy_that_may_name_anybody_hides_no_grant(policy: Any, verdict: str, tmp_path: Path) -> None:
    world = made_world(users=(user("ann", ONE), user("bob", ONE)), resources=(granted(ANN, **policy),))
    assert {one: said for one, said in who(world, tmp_path).items() if ":user/" in one} == {ANN: verdict}


def test_grants_that_were_not_read_name_nobody_elsewhere_in_particular(tmp_path: Path) -> None:
    own = key("k", TWO, grants=None)
    world = made_world(users=(user("ann", ONE), user("cat", TWO)), resources=(own,))
    found = questions_of(world, tmp_path).who_can("kms:Decrypt", own.arn)["principals"]
    users = {row["principal"]: row["verdict"] for row in found if ":user/" in row["principal"]}
    assert users == {f"arn:aws:iam::{TWO}:user/cat": "Conditional"}


@pytest.mark.parametrize("turned", [False, True], ids=["gone", "come"])
@pytest.mark.parametrize("policy", [{}, UNREAD, EVERYBODY], ids=["delegating", "unread", "all"])
def test_whoever_comes_and_is_granted_the_key_is_felt_there(policy: Any, turned: bool, tmp_path: Path) -> None:
    data = [made(users=some, resources=(granted(ANN, **policy),)) for some in ((user("ann", ONE),), ())]
    before, then = data[:: -1 if turned else 1]
    again, anew = rebuilt(before, then, tmp_path)
    assert said(again) == said(anew)


def test_the_boundary_of_another_account_s_user_limits_the_grant(tmp_path: Path) -> None:
    """Across accounts boundaries always limit (L4)."""
    boundary = ManagedPolicy(arn=BOUNDARY, id="B", name="b", account=ONE, document=document(allow("s3:*")))
    ann = user("ann", ONE, boundary=BOUNDARY)
    assert ANN not in who(made_world(users=(ann,), policies=(boundary,), resources=(granted(ANN),)), tmp_path)
