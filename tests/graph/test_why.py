"""Why access differs: beside what explains it, changes and gaps that decide nothing are not named."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from graph.differences import diff
from model.entities import InlinePolicy
from model.inventory import InventoryData
from tests.graph.test_diff import asked, policy
from tests.graph.worlds import ONE, Json, allow, deny, document, made, role, scp, user

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
