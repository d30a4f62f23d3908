"""Account access manager, which no emulator has: answered in AWS's own shapes, collected over HTTP, loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import msgspec
import pytest
from botocore.stub import Stubber

from collectors.demo import DemoOrganisation, EmulatedAws
from collectors.run import CollectOptions, CollectResult, collect
from graph.builder import build
from graph.findings import NOT_READ, findings
from graph.generations import GRAPH_FILE
from graph.ladybug_store import LadybugStore
from graph.questions import Questions
from graph.steps import BY_ENTITLEMENT
from graph.tables import Tables
from model.access_manager import AccessApplication, RoleEntitlement
from model.inventory import Inventory
from model.loading import load_inventory
from model.snapshot import CallRecord, Snapshot, open_snapshot

APPLICATION = "arn:aws:account-access:eu-west-1:204718365590:application/1234567890abcdef"
MADE = 1774636279
INSTANCE = "arn:aws:sso:::instance/ssoins-1234567890abcdef"
SERVICE = "account-access"


def entry(id: str, role: str, **principal: str) -> dict[str, Any]:
    """An entry of ListEntitlements."""
    told = {"principal": {"identityCenter": principal}, "roleArn": role, "account": role.split(":")[4]}
    return {"entitlementId": id, "entitlement": {"principalRole": told}, "createdAt": MADE}


def told(organisation: DemoOrganisation) -> dict[str, Any]:
    """One application with three entitlements: a user's and a group's to one role, a user's to one that is not."""
    users, groups = list(organisation.directory.users.values()), list(organisation.directory.groups.values())
    role = organisation.role("prod", "payments-prod-data")
    entries = [
        entry("e-1", role, userId=users[0]),
        entry("e-2", role, groupId=groups[0]),
        entry("e-3", organisation.role("prod", "none-such"), userId=users[1]),
    ]
    details = {
        "identitySource": {"identityCenter": {"instanceArn": INSTANCE}},
        "status": "ACTIVE",
        "tenantId": "aa-gyxmap389",
        "createdAt": MADE,
        "updatedAt": MADE,
    }
    listed = {"applicationArn": APPLICATION, "tenantId": "aa-gyxmap389", "createdAt": MADE, "updatedAt": MADE}
    return {"applications": [listed], "details": {APPLICATION: details}, "entitlements": {APPLICATION: entries}}


def small(aws: EmulatedAws, home: Path) -> CollectResult:
    own = "123456789012"
    return collect(
        CollectOptions(endpoint_url=aws.endpoint_url, accounts=(own,), regions=("eu-west-1",), max_attempts=2), home
    )


def of(snapshot: Snapshot, operation: str) -> list[CallRecord]:
    return [each for each in snapshot.records() if (each.service, each.operation) == (SERVICE, operation)]


@pytest.fixture
def access(aws: EmulatedAws, organisation: DemoOrganisation) -> Iterator[EmulatedAws]:
    """The demo with account access manager in use."""
    aws.tell_access(told(organisation))
    yield aws
    aws.tell_access(None)


@pytest.fixture(scope="module")
def snapshot(
    shared_demo: tuple[EmulatedAws, DemoOrganisation], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Snapshot]:
    from tests.collectors.conftest import use_keys

    aws, organisation = shared_demo
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        use_keys(patch)
        aws.tell_access(told(organisation))
        result = small(aws, home)
        aws.tell_access(None)
    assert result.ok
    yield open_snapshot(home)


class Edited(Snapshot):
    def __init__(self, of: Snapshot, edit: Callable[[CallRecord], CallRecord | None]) -> None:
        super().__init__(of.folder, of.manifest)
        self._edit = edit

    def records(self, account: str | None = None, collector: str | None = None) -> Iterator[CallRecord]:
        edited = map(self._edit, super().records(account, collector))
        return (record for record in edited if record is not None)


def loaded(snapshot: Snapshot, edit: Callable[[CallRecord], CallRecord | None] = lambda record: record) -> Inventory:
    return load_inventory(Edited(snapshot, edit))


def without(snapshot: Snapshot, operation: str, outcome: Any) -> Inventory:
    def edit(record: CallRecord) -> CallRecord:
        if record.operation != operation:
            return record
        return msgspec.structs.replace(record, outcome=outcome, response=[], pages=0, items=0)

    return loaded(snapshot, edit)


def test_what_the_tests_tell_has_the_shapes_of_aws(organisation: DemoOrganisation) -> None:
    session: Any = boto3.session.Session()
    answers = deepcopy(told(organisation))
    client = session.client(SERVICE, region_name="eu-west-1", aws_access_key_id="none", aws_secret_access_key="none")
    moment = datetime.fromtimestamp(MADE, UTC)

    def timed(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: moment if key.endswith("edAt") else timed(item) for key, item in value.items()}
        return [timed(item) for item in value] if isinstance(value, list) else value

    with Stubber(client) as stubber:
        for operation, answer in (
            ("list_applications", {"applications": answers["applications"]}),
            ("get_application", answers["details"][APPLICATION]),
            ("list_entitlements", {"entitlements": answers["entitlements"][APPLICATION]}),
        ):
            stubber.add_response(operation, timed(answer))


def test_entitlements_are_read_page_by_page_in_the_region_of_identity_center(
    snapshot: Snapshot, organisation: DemoOrganisation
) -> None:
    (listed,), (described,), (given,) = (
        of(snapshot, name) for name in ("ListApplications", "GetApplication", "ListEntitlements")
    )
    assert (listed.region, listed.account, listed.collector) == (
        organisation.home_region,
        organisation.accounts["management"],
        "identity_center",
    )
    assert (described.affects, described.params) == (APPLICATION, {"applicationArn": APPLICATION})
    assert given.params == {"applicationArn": APPLICATION, "filter": {}}
    # The double's pages hold two entries.
    assert (given.pages, given.items, given.outcome) == (2, 3, "ok")


def test_entitlements_are_loaded_with_their_application(snapshot: Snapshot, organisation: DemoOrganisation) -> None:
    data = loaded(snapshot).data
    assert data.access_applications == (AccessApplication(arn=APPLICATION, instance=INSTANCE, status="ACTIVE"),)
    first, second, _ = data.entitlements
    users, groups = organisation.directory.users, organisation.directory.groups
    role = organisation.role("prod", "payments-prod-data")
    assert first == RoleEntitlement(
        id="e-1", application=APPLICATION, principal_type="USER", principal_id=next(iter(users.values())), role=role
    )
    assert (second.principal_type, second.principal_id) == ("GROUP", next(iter(groups.values())))
    assert (first.account, data.unread_entitlements) == (organisation.accounts["prod"], False)
    again = Inventory.decode(loaded(snapshot).encode()).data
    assert (again.entitlements, again.access_applications) == (data.entitlements, data.access_applications)


def test_a_role_of_an_account_that_was_not_read_is_there_and_nothing_is_known_of_it(
    snapshot: Snapshot, organisation: DemoOrganisation
) -> None:
    inventory = loaded(snapshot)  # of the management account alone
    role = inventory.roles[organisation.role("prod", "payments-prod-data")]
    assert role.assumed_from_permission_set
    assert (role.trust, role.path, role.name) == ("", "/", "payments-prod-data")
    person = next(one for one in inventory.people.values() if one.entitlements)
    assert role.arn in {item.role for item in person.entitlements}


def test_identity_center_s_own_roles_are_not_made_up_for_an_entitlement(
    snapshot: Snapshot, organisation: DemoOrganisation
) -> None:
    arn = "arn:aws:iam::471093822654:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Ops_0123456789abcdef"

    def edit(record: CallRecord) -> CallRecord:
        if record.operation != "ListEntitlements":
            return record
        return msgspec.structs.replace(record, response=[{"entitlements": [entry("e-9", arn, userId="u")]}])

    assert arn not in loaded(snapshot, edit).roles


def test_an_application_that_could_not_be_described_has_no_known_status(snapshot: Snapshot) -> None:
    assert [item.status for item in without(snapshot, "GetApplication", "denied").data.access_applications] == [""]


@pytest.mark.parametrize("operation", ["ListApplications", "ListEntitlements"])
@pytest.mark.parametrize("outcome", ["denied", "throttled", "unsupported", "error"])
def test_lists_that_were_not_answered_leave_entitlements_unknown(
    snapshot: Snapshot, operation: str, outcome: str
) -> None:
    assert without(snapshot, operation, outcome).data.unread_entitlements


def test_a_snapshot_that_never_asked_does_not_know_of_entitlements(snapshot: Snapshot) -> None:
    assert loaded(snapshot, lambda record: None if record.service == SERVICE else record).data.unread_entitlements
    # Without Identity Center there is nobody to have one.
    both = (SERVICE, "sso-admin")
    assert not loaded(snapshot, lambda record: None if record.service in both else record).data.unread_entitlements


def test_a_refusal_is_a_gap_and_no_application_is_none(access: EmulatedAws, tmp_path: Path) -> None:
    access.deny(SERVICE, "ListEntitlements")
    result = small(access, tmp_path)
    assert [(gap.service, gap.operation, gap.outcome, gap.affects) for gap in result.gaps] == [
        (SERVICE, "ListEntitlements", "denied", APPLICATION)
    ]
    access.clear_rules()
    access.tell_access(None)
    assert small(access, tmp_path).ok
    (listed,) = of(open_snapshot(tmp_path), "ListApplications")
    assert (listed.outcome, listed.items) == ("ok", 0)
    assert of(open_snapshot(tmp_path), "ListEntitlements") == []


def test_the_double_knows_no_other_call_of_the_service(aws: EmulatedAws) -> None:
    session: Any = boto3.session.Session()
    client = session.client(SERVICE, region_name="eu-west-1", endpoint_url=aws.endpoint_url)
    with pytest.raises(Exception, match="UnknownOperation"):
        client.delete_application(applicationArn=APPLICATION)


def test_a_build_shows_the_role_that_was_not_read_and_calls_nothing_wrong(
    snapshot: Snapshot, organisation: DemoOrganisation, tmp_path: Path
) -> None:
    info = build(snapshot, tmp_path)
    assert info.invalid == {}
    questions = Questions(Tables(tmp_path / "graphs" / snapshot.id))
    role = organisation.role("prod", "payments-prod-data")
    trust = f"{role}#trust"
    person = next(one for one in questions.world.inventory.people.values() if one.entitlements)
    steps = questions.world.people.out(questions.world.subjects.by_key[person.key].index)
    (step,) = (one for one in steps if one.target.key == role)
    assert (step.action, step.outcome.residual) == (BY_ENTITLEMENT, {"document": trust})
    kinds = {one.kind for one in findings(questions.world.assembler) if one.target == trust}
    assert kinds == {NOT_READ}
    with LadybugStore.open(tmp_path / "graphs" / snapshot.id / GRAPH_FILE) as store:
        for kind in ("ENTITLED", "CAN_ASSUME"):
            counting = f"MATCH ()-[e:{kind}]->(r:Role {{snapshot: $snapshot, key: $role}}) RETURN count(*) AS times"
            (row,) = store.query(counting, {"role": role}).rows
            assert isinstance(row[0], int) and row[0] >= 2, kind
