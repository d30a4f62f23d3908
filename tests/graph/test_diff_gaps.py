"""`diff` of snapshots of which one was refused an answer: where nothing else differs, nothing is gained or lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from graph.differences import Differences, OtherOrganizationError, diff
from model.entities import Gap, Organization, Resource, Role, Share, SharePermission
from model.inventory import InventoryData
from tests.graph.test_diff import SEND, asked, policy
from tests.graph.worlds import MANAGEMENT, ONE, ORG, TWO, allow, deny, made, queue, scp, user, world

GUARDS = (
    scp("full", allow("*"), targets=("r-1", "ou-1")),
    scp("no", deny("sqs:PurgeQueue"), targets=("ou-1",)),
)
INSIDE = {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": f"{ORG}/r-1/ou-1/*"}}
OURS = {"StringEquals": {"aws:PrincipalOrgID": ORG}}


def both_ways(known: InventoryData, refused: InventoryData, folder: Path) -> list[Differences]:
    one, other = asked(known, folder / "known"), asked(refused, folder / "refused")
    return [diff(one, other), diff(other, one)]


def causes(found: Differences) -> set[tuple[str, str, str]]:
    return {(item.kind, item.id, item.how) for row in found.unknown for item in row.why}


def only_unknown(found: Differences) -> bool:
    return found.gained == found.lost == found.changed == [] and bool(found.unknown)


def organised() -> InventoryData:
    """A user in one account; queues in another, open to a unit and to the organisation."""
    queues = (
        queue("unit", TWO, allow(SEND, Principal="*", Condition=INSIDE)),
        queue("ours", TWO, allow(SEND, Principal="*", Condition=OURS)),
        queue("own", ONE),
    )
    return made(users=(user("ann", ONE, allow("sqs:*")),), resources=queues, guardrails=GUARDS)


def unplaced(data: InventoryData, *ids: str) -> InventoryData:
    """Without the place of accounts: `ListAccountsForParent` or what it is asked by was refused."""
    return replace(data, accounts=tuple(replace(one, path=()) if one.id in ids else one for one in data.accounts))


def test_an_account_whose_place_was_not_read_was_not_moved(tmp_path: Path) -> None:
    data = organised()
    for found in both_ways(data, unplaced(data, MANAGEMENT, ONE, TWO), tmp_path):
        assert only_unknown(found)
        assert causes(found) == {("account", f"account:{id}", "unread") for id in (MANAGEMENT, ONE, TWO)}


def test_an_organisation_that_was_not_described_is_no_other_one(tmp_path: Path) -> None:
    data = organised()
    assert data.organization is not None
    refused = replace(data, organization=replace(data.organization, id="", management_account=""))
    for found in both_ways(data, refused, tmp_path):
        assert only_unknown(found)
        assert causes(found) == {("account", ORG, "unread")}


def test_an_organisation_that_nobody_asked_for_is_not_known(tmp_path: Path) -> None:
    data = organised()
    unasked = replace(unplaced(data, MANAGEMENT, ONE, TWO), organization=None, alone=False)
    assert all(only_unknown(found) for found in both_ways(replace(data, alone=True), unasked, tmp_path))


def test_who_is_in_an_account_that_was_not_listed_is_not_lost(tmp_path: Path) -> None:
    data = organised()
    gap = Gap(
        account=MANAGEMENT,
        region="global",
        service="organizations",
        operation="ListAccounts",
        outcome="denied",
        affects="organizations:account",
    )
    ids = {MANAGEMENT, TWO}
    refused = replace(
        data,
        accounts=tuple(one for one in data.accounts if one.id in ids),
        users=(),
        resources=tuple(one for one in data.resources if one.account in ids),
        gaps=(gap,),
    )
    assert all(only_unknown(found) for found in both_ways(data, refused, tmp_path))


def test_what_was_detached_is_lost_also_where_the_account_s_place_was_not_read(tmp_path: Path) -> None:
    send = policy("send", allow(SEND))
    more: dict[str, Any] = {"policies": (send,), "resources": (queue("q"),), "guardrails": GUARDS}
    before = made(users=(user("ann", ONE, attached=(send.arn,)),), **more)
    after = unplaced(made(users=(user("ann", ONE),), **more), ONE)
    found = diff(asked(before, tmp_path / "old"), asked(after, tmp_path / "new"))
    ann = [row for row in found.lost if row.principal.endswith("user/ann")]
    assert {(item.kind, item.id) for row in ann for item in row.why} == {("attachment", send.arn)}
    assert ann


# -- shares

PERMISSION = "arn:aws:ram::aws:permission/AWSRAMDefaultPermissionCodeBuildProject"
TEMPLATE = json.dumps({"Effect": "Allow", "Action": ["codebuild:StartBuild"]})


def sharing(template: str | None) -> InventoryData:
    """A build project that is shared with the organisation."""
    arn = f"arn:aws:codebuild:us-east-1:{ONE}:project/build"
    project = Resource(arn=arn, type="codebuild:project", account=ONE, region="us-east-1", name="build", tags={})
    share = Share(
        arn=f"arn:aws:ram:us-east-1:{ONE}:resource-share/abc",
        name="s",
        account=ONE,
        region="us-east-1",
        resources=(arn,),
        principals=(f"arn:aws:organizations::{MANAGEMENT}:organization/{ORG}",),
        permissions=(SharePermission(arn=PERMISSION, type="codebuild:Project", template=template),),
    )
    users = (user("ann", ONE), user("bob", TWO, allow("codebuild:*")))
    return made(users=users, resources=(project,), shares=(share,))


def test_a_share_whose_permission_was_not_read_gives_no_more_and_no_less(tmp_path: Path) -> None:
    known = sharing(TEMPLATE)
    for found in both_ways(known, sharing(None), tmp_path):
        assert only_unknown(found)
        assert causes(found) == {("share", known.shares[0].arn, "unread")}


# -- permission sets


def reserved(data: InventoryData) -> list[Role]:
    return [one for one in data.roles if one.permission_set_name is not None]


def test_whom_a_permission_set_that_was_not_described_is_assigned_to_has_not_lost_it(tmp_path: Path) -> None:
    data = world(2)
    assert reserved(data) and data.assignments
    arns = {item.permission_set for item in data.assignments}
    for found in both_ways(data, replace(data, permission_sets=()), tmp_path):
        assert only_unknown(found)
        assert {row.principal for row in found.unknown} == {"person:eve@x.example"}
        assert causes(found) <= {("assignment", arn, "unread") for arn in arns}
        assert all(row.why for row in found.unknown)


def test_an_assignment_that_went_is_lost_also_where_another_set_was_not_described(tmp_path: Path) -> None:
    data = world(2)
    (first, *_) = data.assignments
    other = replace(first, permission_set=f"{first.permission_set}-other")
    before, after = replace(data, assignments=(first,)), replace(data, assignments=(other,))
    found = diff(asked(before, tmp_path / "old"), asked(after, tmp_path / "new"))
    assert found.lost and found.unknown == []


# -- organisations


def of_organisation(id: str | None) -> InventoryData:
    organization = None if id is None else Organization(id=id, management_account=MANAGEMENT, scps_enabled=True)
    return made(users=(user("ann", ONE, allow("sqs:*")),), resources=(queue("q"),), organization=organization)


def test_snapshots_of_two_organisations_cannot_be_compared(tmp_path: Path) -> None:
    one, other = asked(of_organisation(ORG), tmp_path / "one"), asked(of_organisation("o-other"), tmp_path / "other")
    with pytest.raises(OtherOrganizationError, match=f"`{ORG}`.*`o-other`"):
        diff(one, other)


@pytest.mark.parametrize("id", ["", None])
def test_an_organisation_that_is_not_known_or_none_is_compared_with_any(id: str | None, tmp_path: Path) -> None:
    both_ways(of_organisation(ORG), of_organisation(id), tmp_path)
