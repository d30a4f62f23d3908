"""Why access differs: beside what explains it, changes and gaps that decide nothing are not named."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from graph.differences import diff
from model.entities import InlinePolicy
from model.inventory import InventoryData
from tests.graph.test_diff import asked, policy
from tests.graph.worlds import (
    FOREIGN,
    ONE,
    TWO,
    Json,
    allow,
    bucket,
    deny,
    document,
    made,
    queue,
    role,
    scp,
    trust,
    user,
)

FULL = scp("full", allow("*"))
UNRELATED = scp("unrelated", deny("glue:*"))
UNTIL = {"DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}}
LATER = "2026-01-02T03:04:06+00:00"

Why = dict[tuple[str, str], set[str]]


def whys(before: InventoryData, after: InventoryData, folder: Path) -> dict[str, Why]:
    """Kinds and ids of causes by principal and resource, by what became of the access."""
    found: dict[str, Why] = {}
    for kind, rows in diff(asked(before, folder / "old"), asked(after, folder / "new")).named:
        told = found.setdefault(kind, {})
        for row in rows:
            told.setdefault((row.principal, row.resource), set()).update(f"{one.kind} {one.id}" for one in row.why)
    return found


def gone_beside_others() -> tuple[InventoryData, InventoryData, set[tuple[str, str]]]:
    """A queue and a bucket that go, a policy and a guardrail about other things that come, a second that passes; and
    who has what that goes."""
    dated = allow("sns:Publish", Condition=UNTIL)
    ann = user("ann", ONE, allow(["sqs:*", "s3:*"]), dated)
    more = replace(ann, inline=(*ann.inline, InlinePolicy(name="more", document=document(allow("dynamodb:GetItem")))))
    going = (queue("gone"), bucket("gone"))
    before = made(users=(ann,), resources=(*going, queue("stays")), guardrails=(FULL,))
    after = made(users=(more,), resources=(queue("stays"),), guardrails=(FULL, UNRELATED))
    went = [*(one.arn for one in going), f"{bucket('gone').arn}/*"]
    root = f"arn:aws:iam::{ONE}:root"
    return before, replace(after, taken=LATER), {(who, arn) for who in (ann.arn, root) for arn in went}


@pytest.mark.parametrize("back", [False, True])
def test_of_a_resource_that_came_or_went_nothing_else_that_changed_is_the_cause(tmp_path: Path, back: bool) -> None:
    before, after, gone = gone_beside_others()
    found = whys(*((after, before) if back else (before, after)), tmp_path)["gained" if back else "lost"]
    causes = {key: why for key, why in found.items() if key in gone}
    assert causes == {key: {f"resource {key[1].removesuffix('/*')}"} for key in gone}


def test_a_resource_that_went_is_lost_beside_a_gap_that_decides_nothing(tmp_path: Path) -> None:
    before, after, gone = gone_beside_others()
    assert after.organization is not None
    before = replace(before, organization=after.organization)
    unread = replace(after.organization, policies=(FULL, replace(UNRELATED, document=None)))
    after = replace(after, users=(replace(after.users[0], mfa=None),), organization=unread)
    found = whys(before, after, tmp_path)
    assert not found["unknown"].keys() & gone
    assert {key: found["lost"].get(key) for key in gone} == {
        key: {f"resource {key[1].removesuffix('/*')}"} for key in gone
    }


def test_a_resource_that_went_and_that_would_be_denied_has_two_causes(tmp_path: Path) -> None:
    """Making either change would have done."""
    ann, guard = user("ann", ONE, allow("sqs:*")), scp("no", deny("sqs:*"))
    before = made(users=(ann,), resources=(queue("gone"),), guardrails=(FULL,))
    after = made(users=(ann,), guardrails=(FULL, guard, UNRELATED))
    found = whys(before, after, tmp_path)["lost"]
    assert found[ann.arn, queue("gone").arn] == {f"resource {queue('gone').arn}", f"scp {guard.arn}"}


def test_an_action_on_several_resources_is_explained_as_reach_answers_it_for_each(tmp_path: Path) -> None:
    """ec2:AssociateEnclaveCertificateIamRole needs a certificate too, on which nothing is allowed."""
    all_of_roles = policy("roles", allow("*", f"arn:aws:iam::{ONE}:role/*"))
    own: Json = {"policies": (all_of_roles,), "roles": (role("Target", ONE),)}
    ann = user("ann", ONE, allow("sns:Publish", Condition=UNTIL))
    more = InlinePolicy(name="more", document=document(allow("dynamodb:GetItem")))
    before = made(users=(replace(ann, attached=(all_of_roles.arn,)),), guardrails=(FULL,), **own)
    detached = replace(ann, inline=(*ann.inline, more))
    for name, mfa, guards in (("changes", False, (FULL, UNRELATED)), ("gap", None, (FULL,))):
        after = made(users=(replace(detached, mfa=mfa),), guardrails=guards, **own)
        found = whys(before, replace(after, taken=LATER), tmp_path / name)
        assert found["lost"][ann.arn, role("Target", ONE).arn] == {f"attachment {all_of_roles.arn}"}
        assert found["unknown"] == {}


@pytest.mark.parametrize("named", [True, False])
def test_outsiders_whom_nothing_near_names_are_there_in_mixtures_too(tmp_path: Path, named: bool) -> None:
    """A trust in everyone lets in who is named elsewhere."""
    principal: Json = {"AWS": ["*", f"arn:aws:iam::{FOREIGN}:user/zoe"] if named else "*"}
    lets_in = queue("other", ONE, allow("sqs:GetQueueUrl", Principal={"AWS": f"arn:aws:iam::{FOREIGN}:user/zoe"}))
    open_role = role("Open", ONE, allow("sqs:SendMessage"), trusts=document(trust(principal)))
    more: Json = {"roles": (open_role,), "resources": (queue("q"), lets_in)}
    before = made(guardrails=(FULL,), **more)
    after = made(guardrails=(FULL, guard := scp("no", deny("sqs:SendMessage")), UNRELATED), **more)
    found = whys(before, after, tmp_path)["lost"]
    assert found[f"arn:aws:iam::{FOREIGN}:user/zoe", queue("q").arn] == {f"scp {guard.arn}"}


def test_what_needs_no_resource_is_asked_in_the_account_it_is_about(tmp_path: Path) -> None:
    """Ann may list buckets in her own account all the while, and lost it in the role's."""
    listing = allow("s3:ListAllMyBuckets")
    ann = user("ann", ONE, listing, allow("sts:AssumeRole"))
    away = role("Away", TWO, listing, trusts=document(trust({"AWS": ONE})))
    before = made(users=(ann,), roles=(away,), guardrails=(FULL,))
    after = made(users=(ann,), roles=(replace(away, inline=()),), guardrails=(FULL, UNRELATED))
    assert whys(before, after, tmp_path)["lost"][ann.arn, "*"] == {f"policy {away.arn}#inline:own"}
