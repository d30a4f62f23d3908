"""Collecting the demo over HTTP: what is asked, what each answer becomes, what a run does when it is refused."""

from __future__ import annotations

import base64
import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from collectors.demo import DemoOrganisation, EmulatedAws
from collectors.demo.writer import Writer
from collectors.errors import CollectError, CredentialsError
from collectors.progress import LineProgress, NoProgress, open_progress
from collectors.registry import OPERATIONS, SET_ACCOUNTS
from collectors.run import CollectOptions, CollectResult, collect
from model.snapshot import GLOBAL, CallRecord, list_snapshots, open_snapshot
from tests.collectors.conftest import Collected

BUCKET_POLICY = ("s3", "GetBucketPolicy")
#: Asked about things that the demo has none of: shares of AWS RAM (`test_sharing`), access points and policies of S3
#: (`test_s3`), account access manager (`test_access_manager`), tasks, jobs and state machines (`test_carriers`).
NOT_IN_THE_DEMO = {
    *("GetApplication", "ListEntitlements", "DescribeTaskDefinition", "BatchGetProjects", "DescribeStateMachine"),
    *("stepfunctions ListTagsForResource", "GetTags"),
    *("GetResourceShareAssociations", "ListResourceSharePermissions", "GetPermission"),
    *("GetAccessPoint", "GetAccessPointPolicy", "DescribeEffectivePolicy"),
}


def of(records: Iterator[CallRecord], service: str, operation: str) -> list[CallRecord]:
    return [each for each in records if (each.service, each.operation) == (service, operation)]


def small(aws: EmulatedAws, home: Path, *accounts: str, **options: object) -> CollectResult:
    """One region, the accounts named, few attempts: a second or two."""
    chosen = {"accounts": accounts, "regions": ("eu-west-1",), "max_attempts": 2} | options
    return collect(CollectOptions(endpoint_url=aws.endpoint_url, **chosen), home)  # type: ignore[arg-type]


def test_the_demo_has_its_one_planned_gap(collected: Collected, organisation: DemoOrganisation) -> None:
    result = collected.result
    assert [(gap.service, gap.operation, gap.outcome, gap.affects) for gap in result.gaps] == [
        (*BUCKET_POLICY, "denied", f"arn:aws:s3:::{organisation.unreadable_bucket}")
    ]
    assert (result.accounts, result.ok, result.skipped) == (6, False, [])
    assert collected.snapshot.verify() == len(collected.snapshot.manifest.parts)


def test_every_declared_operation_is_asked(collected: Collected) -> None:
    asked = {(each.collector, each.service, each.operation) for each in collected.snapshot.records()}
    declared = {(each.collector, each.service, each.name) for each in OPERATIONS if each is not SET_ACCOUNTS}
    assert asked == {each for each in declared if NOT_IN_THE_DEMO.isdisjoint({each[2], f"{each[1]} {each[2]}"})}


def test_every_account_is_entered_by_its_role_and_the_own_one_directly(collected: Collected) -> None:
    manifest = collected.snapshot.manifest
    roles = {account.id: account.role for account in manifest.accounts}
    own = manifest.caller.split(":")[4]
    assert all(account.collected for account in manifest.accounts)
    assert roles.pop(own) == ""
    assert all(role == f"arn:aws:iam::{id_}:role/OrganizationAccountAccessRole" for id_, role in roles.items())
    assert manifest.organization is not None
    assert manifest.organization.startswith("o-")
    assert manifest.management_account == own


def test_no_secret_is_stored(collected: Collected) -> None:
    for part in collected.snapshot.manifest.parts:
        text = gzip.decompress((collected.snapshot.folder / part.path).read_bytes())
        assert b'"SecretAccessKey":' not in text
        assert b'"SessionToken":' not in text
    for file in collected.snapshot.folder.glob("*.json"):
        assert "demo" not in json.loads(file.read_text()).get("choices", {}).values()


def test_pages_are_json_and_have_no_metadata(collected: Collected) -> None:
    for record in collected.snapshot.records():
        assert all("ResponseMetadata" not in page for page in record.response)
        assert record.account
        assert record.started <= record.ended
    users = of(collected.snapshot.records(), "iam", "GetAccountAuthorizationDetails")
    assert all(user["CreateDate"].endswith("Z") for each in users for user in each.response[0]["UserDetailList"])
    assert isinstance(users[0].response[0]["RoleDetailList"][0]["AssumeRolePolicyDocument"], dict)
    report = of(collected.snapshot.records(), "iam", "GetCredentialReport")[0]
    assert base64.b64decode(report.response[0]["Content"]).startswith(b"user,arn,")


def test_a_bucket_is_asked_in_its_own_region(collected: Collected) -> None:
    records = list(collected.snapshot.records(collector="s3"))
    regions = {
        each.params["Bucket"]: each.response[0].get("LocationConstraint") or "us-east-1"
        for each in of(iter(records), "s3", "GetBucketLocation")
    }
    assert len(set(regions.values())) > 1
    for record in of(iter(records), *BUCKET_POLICY):
        assert record.region == regions[record.params["Bucket"]]


def test_absence_is_empty_and_keeps_its_error(collected: Collected) -> None:
    empty = [each for each in collected.snapshot.records() if each.outcome == "empty"]
    codes = {(each.operation, each.error.code) for each in empty if each.error}
    assert ("GetBucketPolicy", "NoSuchBucketPolicy") in codes
    assert ("GetLoginProfile", "NoSuchEntity") in codes
    assert all(not each.response for each in empty)


def test_assignments_keep_set_account_and_principal(collected: Collected, organisation: DemoOrganisation) -> None:
    found = {
        (row["PermissionSetArn"], row["AccountId"], row["PrincipalId"])
        for record in of(collected.snapshot.records(), "sso-admin", "ListAccountAssignments")
        for page in record.response
        for row in page["AccountAssignments"]
    }
    assert len(found) == len(organisation.assignments)


def test_large_products_of_sets_and_accounts_are_asked_where_provisioned(
    aws: EmulatedAws, tmp_path: Path, collected: Collected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collectors.identity_center._PAIRS_ASKED_OUTRIGHT", 0)
    own = collected.snapshot.manifest.management_account or ""
    small(aws, tmp_path, own)

    def rows(records: Iterator[CallRecord]) -> set[str]:
        return {
            json.dumps(row, sort_keys=True)
            for each in of(records, "sso-admin", "ListAccountAssignments")
            for page in each.response
            for row in page["AccountAssignments"]
        }

    cheap = open_snapshot(tmp_path)
    assert of(cheap.records(), "sso-admin", "ListAccountsForProvisionedPermissionSet")
    assert rows(cheap.records()) == rows(collected.snapshot.records())


def test_a_member_that_lets_nobody_in_is_one_gap_and_the_run_goes_on(
    aws: EmulatedAws, organisation: DemoOrganisation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.exceptions import ClientError

    from collectors.session import Sessions

    closed, open_ = organisation.accounts["prod"], organisation.accounts["sandbox"]
    real = Sessions._assume

    def refuse(self: Sessions, account: str) -> dict[str, object]:
        if account == closed:
            error = {"Error": {"Code": "AccessDenied", "Message": "not authorized to perform: sts:AssumeRole"}}
            raise ClientError(error, "AssumeRole")  # type: ignore[arg-type]
        return real(self, account)

    monkeypatch.setattr(Sessions, "_assume", refuse)
    result = small(aws, tmp_path, closed, open_)
    assert [(gap.account, gap.service, gap.operation, gap.outcome, gap.affects) for gap in result.gaps] == [
        (closed, "sts", "AssumeRole", "denied", f"account:{closed}")
    ]
    manifest = open_snapshot(tmp_path).manifest
    collected = {account.id: account.collected for account in manifest.accounts}
    assert (collected[closed], collected[open_]) == (False, True)
    assert [part.collector for part in manifest.parts if part.account == closed] == ["account"]


def test_members_that_all_refuse_leave_the_own_account(
    aws: EmulatedAws, organisation: DemoOrganisation, tmp_path: Path
) -> None:
    aws.deny("sts", "AssumeRole")
    result = small(aws, tmp_path)
    members = set(organisation.accounts.values()) - {"123456789012"}
    assert {(gap.operation, gap.outcome, gap.affects) for gap in result.gaps} == {
        ("AssumeRole", "denied", f"account:{member}") for member in members
    }
    assert len(result.gaps) == len(members)
    assert [each.id for each in open_snapshot(tmp_path).manifest.accounts if each.collected] == ["123456789012"]


def test_an_account_refused_before_is_entered_when_the_run_is_resumed(
    aws: EmulatedAws, organisation: DemoOrganisation, tmp_path: Path
) -> None:
    account = organisation.accounts["sandbox"]
    aws.deny("sts", "AssumeRole")
    aws.expire("identitystore", "ListUsers")
    with pytest.raises(CredentialsError):
        small(aws, tmp_path, account)
    aws.clear_rules()
    result = collect(CollectOptions(resume=True), tmp_path)
    assert result.ok
    assert [each.id for each in open_snapshot(tmp_path).manifest.accounts if each.collected] == [account]


def test_accounts_that_were_not_chosen_are_skipped(
    aws: EmulatedAws, organisation: DemoOrganisation, tmp_path: Path
) -> None:
    result = small(aws, tmp_path, organisation.accounts["sandbox"])
    manifest = open_snapshot(tmp_path).manifest
    assert [each.id for each in manifest.accounts if each.collected] == [organisation.accounts["sandbox"]]
    assert "identity_center" in {part.collector for part in manifest.parts}
    assert result.accounts == 6
    assert {(gap.account, gap.outcome, gap.detail) for gap in result.skipped} == {
        (id_, "skipped", "account was not chosen") for key, id_ in organisation.accounts.items() if key != "sandbox"
    }
    assert result.ok


def test_a_service_that_throttles_to_the_end_is_throttled(
    aws: EmulatedAws, organisation: DemoOrganisation, tmp_path: Path
) -> None:
    account = organisation.accounts["sandbox"]
    aws.throttle("sqs", "ListQueues", times=100, account=account)
    result = small(aws, tmp_path, account)
    assert [(gap.operation, gap.outcome, gap.affects) for gap in result.gaps] == [
        ("ListQueues", "throttled", "sqs:queue")
    ]


def test_a_service_that_throttles_a_little_is_asked_again(
    aws: EmulatedAws, organisation: DemoOrganisation, tmp_path: Path
) -> None:
    aws.throttle("sqs", "ListQueues", times=1)
    assert small(aws, tmp_path, organisation.accounts["sandbox"], max_attempts=5).ok


def test_a_region_that_is_denied_is_denied_and_not_empty(
    aws: EmulatedAws, organisation: DemoOrganisation, tmp_path: Path
) -> None:
    account = organisation.accounts["sandbox"]
    aws.deny("kms", region="eu-west-1", account=account)
    result = small(aws, tmp_path, account)
    assert {(gap.region, gap.operation, gap.outcome) for gap in result.gaps} == {
        ("eu-west-1", "ListKeys", "denied"),
        ("eu-west-1", "ListAliases", "denied"),
    }


def test_without_the_organisation_the_own_account_is_read(aws: EmulatedAws, tmp_path: Path) -> None:
    aws.deny("organizations")
    result = small(aws, tmp_path)
    manifest = open_snapshot(tmp_path).manifest
    assert [(account.id, account.collected) for account in manifest.accounts] == [("123456789012", True)]
    assert {(gap.service, gap.operation) for gap in result.gaps} == {
        ("organizations", "DescribeOrganization"),
        ("organizations", "ListAccounts"),
    }
    assert manifest.organization is None


def test_without_regions_the_always_enabled_ones_are_read(
    aws: EmulatedAws, organisation: DemoOrganisation, tmp_path: Path
) -> None:
    aws.deny("ec2", "DescribeRegions")
    result = small(aws, tmp_path, organisation.accounts["sandbox"])
    assert {gap.operation for gap in result.gaps} == {"DescribeRegions"}
    assert open_snapshot(tmp_path).manifest.regions == ["eu-west-1"]


def test_a_region_that_is_not_enabled_is_skipped(
    aws: EmulatedAws, organisation: DemoOrganisation, tmp_path: Path
) -> None:
    result = small(aws, tmp_path, organisation.accounts["sandbox"], regions=("eu-west-1", "ap-east-1"))
    assert [gap.region for gap in result.skipped if "not enabled" in gap.detail] == ["ap-east-1"]
    assert open_snapshot(tmp_path).manifest.regions == ["eu-west-1"]


@pytest.mark.parametrize(
    ("options", "message"),
    [({"accounts": ("000000000000",)}, "unknown account `000000000000`"), ({"regions": ("mars-1",)}, "`mars-1`")],
)
def test_what_does_not_exist_cannot_be_chosen(
    aws: EmulatedAws, tmp_path: Path, options: dict[str, tuple[str, ...]], message: str
) -> None:
    with pytest.raises(CollectError, match=message):
        small(aws, tmp_path, **options)
    assert list_snapshots(tmp_path) == []


def test_accounts_that_came_meanwhile_are_drift(
    aws: EmulatedAws, organisation: DemoOrganisation, tmp_path: Path
) -> None:
    class Newcomer(NoProgress):
        id = ""

        def account_done(self, _account: str, /) -> None:
            client = Writer(aws.endpoint_url).client("organizations")
            made = client.create_account(AccountName="newcomer", Email="newcomer@meridian.example")
            self.id = made["CreateAccountStatus"]["AccountId"]
            self.client = client

    progress = Newcomer()
    options = CollectOptions(
        endpoint_url=aws.endpoint_url, accounts=(organisation.accounts["sandbox"],), regions=("eu-west-1",)
    )
    collect(options, tmp_path, progress)
    try:
        drift = open_snapshot(tmp_path).manifest.drift
        assert (drift.added, drift.removed, drift.changed) == ([progress.id], [], [])
        progress.client.close_account(AccountId=progress.id)
        result = small(aws, tmp_path, progress.id)
        closed = next(gap for gap in result.skipped if gap.account == progress.id)
        assert closed.detail in {"account is SUSPENDED", "account is CLOSED", "account is PENDING_CLOSURE"}
    finally:
        progress.client.remove_account_from_organization(AccountId=progress.id)


def test_expired_credentials_leave_nothing_when_the_run_has_not_begun(aws: EmulatedAws, tmp_path: Path) -> None:
    aws.expire("sts")
    with pytest.raises(CredentialsError, match=r"expired credentials.*sign in again"):
        small(aws, tmp_path)
    assert list_snapshots(tmp_path) == []


def test_credentials_that_expire_in_mid_run_leave_a_snapshot_to_resume(
    aws: EmulatedAws, organisation: DemoOrganisation, tmp_path: Path
) -> None:
    account = organisation.accounts["sandbox"]
    aws.expire("kms")
    with pytest.raises(CredentialsError, match=r"expired.*; snapshot `.*` keeps what was read, go on with"):
        small(aws, tmp_path, account)
    begun = list_snapshots(tmp_path)[0]
    assert not begun.complete
    aws.clear_rules()
    result = collect(CollectOptions(resume=True, max_attempts=2), tmp_path)
    assert (result.snapshot, result.ok) == (begun.id, True)
    manifest = open_snapshot(tmp_path).manifest
    assert manifest.regions == ["eu-west-1"]
    assert {part.collector for part in manifest.parts if part.account == account} >= {"iam", "kms", "s3", "ec2"}


def test_resuming_needs_something_to_resume_and_the_same_choices(aws: EmulatedAws, tmp_path: Path) -> None:
    with pytest.raises(CollectError, match="nothing to resume"):
        small(aws, tmp_path, resume=True)
    aws.expire("organizations", "ListRoots")
    with pytest.raises(CredentialsError):
        small(aws, tmp_path)
    assert list_snapshots(tmp_path) == []
    aws.clear_rules()
    aws.expire("iam")
    with pytest.raises(CredentialsError):
        small(aws, tmp_path)
    with pytest.raises(CollectError, match="cannot resume with regions `eu-central-1`: the run was begun with"):
        small(aws, tmp_path, resume=True, regions=("eu-central-1",))


def test_lines_of_progress_are_json(aws: EmulatedAws, organisation: DemoOrganisation, tmp_path: Path) -> None:
    stream = io.StringIO()
    account = organisation.accounts["prod"]
    options = CollectOptions(endpoint_url=aws.endpoint_url, accounts=(account,), regions=("eu-west-1",))
    result = collect(options, tmp_path, LineProgress(stream))
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert lines[0] == {"event": "begin", "snapshot": result.snapshot}
    assert [line["operation"] for line in lines if line["event"] == "gap"] == ["GetBucketPolicy"]
    assert (lines[-1]["event"], lines[-1]["accounts"], lines[-1]["gaps"]) == ("end", 1, 1)


def test_a_terminal_gets_a_bar_and_a_file_gets_lines(
    aws: EmulatedAws, organisation: DemoOrganisation, tmp_path: Path
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert isinstance(open_progress(io.StringIO()), LineProgress)
    stream = Terminal()
    bar = open_progress(stream)
    options = CollectOptions(
        endpoint_url=aws.endpoint_url, accounts=(organisation.accounts["sandbox"],), regions=("eu-west-1",)
    )
    collect(options, tmp_path, bar)
    assert "collecting" in stream.getvalue()
    assert "1/1 accounts" in stream.getvalue()


def test_regional_parts_lie_in_their_region(collected: Collected) -> None:
    places = {(part.collector, part.region == GLOBAL) for part in collected.snapshot.manifest.parts}
    everywhere = {"account", "organization", "identity_center", "iam", "s3"}  # buckets; access points have a region
    assert {collector for collector, of_all in places if of_all} == everywhere
    assert {collector for collector, of_all in places if not of_all} & everywhere == {"s3"}
