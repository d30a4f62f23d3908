"""ACLs, ownership and access points of a real (emulated) account, as they are collected and loaded (semantics L7)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from collectors.demo import EmulatedAws
from collectors.demo.writer import Writer
from collectors.organization import S3_POLICY
from collectors.registry import EFFECTIVE_POLICY
from collectors.run import CollectOptions, collect
from model.entities import Account, Organization, S3Grant
from model.inventory import Inventory
from model.load_s3 import account_public_block, canonical_ids
from model.loading import load_inventory
from model.pages import Pages
from model.snapshot import CallRecord, Snapshot, open_snapshot
from policy.assemble import Assembler
from tests.collectors.conftest import use_keys

OTHER = "e" * 64
REGION = "eu-west-1"


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    home = tmp_path_factory.mktemp("home")
    with EmulatedAws() as aws, pytest.MonkeyPatch.context() as patch:
        use_keys(patch)
        _write(Writer(aws.endpoint_url))
        collect(CollectOptions(endpoint_url=aws.endpoint_url, regions=(REGION,)), home)
    yield open_snapshot(home)


def _write(writer: Writer) -> None:
    s3, control = writer.client("s3", None, REGION), writer.client("s3control", None, REGION)
    account = writer.client("sts").get_caller_identity()["Account"]
    where = {"CreateBucketConfiguration": {"LocationConstraint": REGION}}
    s3.create_bucket(Bucket="plain-bucket", **where)
    s3.create_bucket(Bucket="open-bucket", ACL="public-read", ObjectOwnership="ObjectWriter", **where)
    s3.create_bucket(Bucket="shared-bucket", ObjectOwnership="BucketOwnerPreferred", **where)
    s3.put_bucket_acl(Bucket="shared-bucket", GrantRead=f'id="{OTHER}"')
    s3.create_bucket(Bucket="enforced-bucket", ObjectOwnership="BucketOwnerEnforced", **where)
    control.create_access_point(AccountId=account, Name="door", Bucket="plain-bucket")
    control.create_access_point(
        AccountId=account,
        Name="inside",
        Bucket="plain-bucket",
        VpcConfiguration={"VpcId": "vpc-1"},
        PublicAccessBlockConfiguration={"RestrictPublicBuckets": False, "IgnorePublicAcls": False},
    )
    control.put_access_point_policy(AccountId=account, Name="door", Policy=json.dumps({"Statement": []}))


@pytest.fixture(scope="module")
def inventory(snapshot: Snapshot) -> Inventory:
    return load_inventory(snapshot)


def test_acl_owner_and_ownership_are_loaded(inventory: Inventory) -> None:
    found = {name: bucket.s3 for name, bucket in inventory.buckets.items() if bucket.s3 is not None}
    owner = found["plain-bucket"].owner
    own = S3Grant(grantee=owner, permission="FULL_CONTROL")
    assert len(owner) == 64
    assert found["plain-bucket"].acl == (own,)
    assert set(found["open-bucket"].acl or ()) == {own, S3Grant(grantee="AllUsers", permission="READ")}
    assert S3Grant(grantee=OTHER, permission="READ") in (found["shared-bucket"].acl or ())
    assert {name: item.ownership for name, item in found.items()} == {
        "plain-bucket": "ObjectWriter",  # as AWS reads a bucket without ownership controls
        "open-bucket": "ObjectWriter",
        "shared-bucket": "BucketOwnerPreferred",
        "enforced-bucket": "BucketOwnerEnforced",
    }


def test_access_points_are_loaded_with_policy_vpc_and_block(inventory: Inventory) -> None:
    door, inside = inventory.data.access_points
    assert (door.name, door.bucket, door.region, door.vpc) == ("door", "plain-bucket", REGION, "")
    assert json.loads(door.policy or "") == {"Statement": []}
    assert (door.restrict_public_buckets, door.ignore_public_acls) == (True, True)
    assert (inside.name, inside.vpc, inside.policy) == ("inside", "vpc-1", "")
    assert (inside.restrict_public_buckets, inside.ignore_public_acls) == (False, False)
    assert door.alias.startswith("door-") and inventory.access_points[door.alias] is inventory.access_points[door.arn]
    own = inventory.buckets["plain-bucket"].s3
    assert own is not None and own.point_accounts == (door.account,)
    assert inventory.data.unread_points == ()


def test_an_owner_grant_adds_nothing_and_a_public_one_lets_everybody_list(inventory: Inventory) -> None:
    source = Assembler(inventory)
    anyone = source.caller(source.principal("anonymous"))

    def verdict(name: str) -> str:
        return source.decide(anyone, "s3:ListBucket", f"arn:aws:s3:::{name}").verdict.value

    assert verdict("open-bucket") == "Allowed"
    assert {verdict(name) for name in ("plain-bucket", "shared-bucket", "enforced-bucket")} == {"ImplicitlyDenied"}


# -- what was not answered


class _Edited(Snapshot):
    def __init__(self, of: Snapshot, edit: Callable[[CallRecord], CallRecord]) -> None:
        super().__init__(of.folder, of.manifest)
        self._edit = edit

    def records(self, account: str | None = None, collector: str | None = None) -> Iterator[CallRecord]:
        return map(self._edit, super().records(account, collector))


def _without(snapshot: Snapshot, operation: str, outcome: str = "denied") -> Inventory:
    def edit(record: CallRecord) -> CallRecord:
        if record.operation != operation:
            return record
        return msgspec.structs.replace(record, outcome=outcome, response=[], pages=0, items=0)

    return load_inventory(_Edited(snapshot, edit))


@pytest.mark.parametrize("outcome", ["denied", "unsupported", "error"])
def test_what_was_not_answered_is_not_known_and_never_none(snapshot: Snapshot, outcome: str) -> None:
    def settings(operation: str) -> list[Any]:
        return [bucket.s3 for bucket in _without(snapshot, operation, outcome).buckets.values()]

    assert {item.acl for item in settings("GetBucketAcl")} == {None}
    assert {item.ownership for item in settings("GetBucketOwnershipControls")} == {None}
    unlisted = _without(snapshot, "ListAccessPoints", outcome)
    assert unlisted.data.access_points == ()
    assert unlisted.data.unread_points == tuple((account, REGION) for account in unlisted.accounts)
    undescribed = _without(snapshot, "GetAccessPoint", outcome).data.access_points
    assert {point.restrict_public_buckets for point in undescribed} == {None}
    unread = _without(snapshot, "GetAccessPointPolicy", outcome).data.access_points
    assert {point.policy for point in unread} == {None}


# -- the organisation's S3 policies, canonical ids


def _record(service: str, operation: str, page: dict[str, Any], account: str = "1" * 12, **params: str) -> CallRecord:
    return CallRecord(
        service=service,
        operation=operation,
        params=params,
        outcome="ok",
        started="",
        ended="",
        pages=1,
        items=1,
        affects="",
        response=[page],
        account=account,
        region="global",
        collector="organization",
    )


ONE, TWO = "1" * 12, "2" * 12
ACCOUNTS = (Account(id=ONE), Account(id=TWO))
ORGANIZATION = Organization(id="o-1", management_account=ONE)
OPEN_ACCOUNTS = [
    _record("s3control", "GetPublicAccessBlock", {"PublicAccessBlockConfiguration": {}}, account)
    for account in (ONE, TWO)
]


def _roots(*types: str) -> CallRecord:
    listed = [{"Type": each, "Status": "ENABLED"} for each in types]
    return _record("organizations", "ListRoots", {"Roots": [{"Id": "r-1", "PolicyTypes": listed}]})


def _effective(account: str, content: object) -> CallRecord:
    page = {"EffectivePolicy": {"PolicyContent": json.dumps(content)}}
    return _record("organizations", EFFECTIVE_POLICY.name, page, PolicyType=S3_POLICY, TargetId=account)


@pytest.mark.parametrize(
    ("records", "known"),
    [
        ([_roots("SERVICE_CONTROL_POLICY")], {ONE: False, TWO: False}),
        ([], {}),
        ([_roots(S3_POLICY)], {}),
        (
            [
                _roots(S3_POLICY),
                _effective(ONE, {"s3_attributes": {"public_access_block_configuration": "all"}}),
                _effective(TWO, {"s3_attributes": {"public_access_block_configuration": {"@@assign": "none"}}}),
            ],
            {ONE: True, TWO: False},
        ),
        ([_roots(S3_POLICY), _effective(ONE, {"else": 1})], {}),
    ],
)
def test_the_organisation_s_s3_policy_blocks_for_its_accounts(
    records: list[CallRecord], known: dict[str, bool]
) -> None:
    pages = Pages([*OPEN_ACCOUNTS, *records])
    assert account_public_block(pages, ORGANIZATION, ACCOUNTS) == known
    assert account_public_block(pages, None, ACCOUNTS) == {ONE: False, TWO: False}


def test_a_canonical_id_that_two_accounts_call_their_own_tells_nothing() -> None:
    def buckets(account: str, owner: str) -> CallRecord:
        return _record("s3", "ListBuckets", {"Buckets": [], "Owner": {"ID": owner}}, account)

    assert canonical_ids(Pages([buckets(ONE, "a"), buckets(TWO, "b")])) == {ONE: "a", TWO: "b"}
    assert canonical_ids(Pages([buckets(ONE, "a"), buckets(TWO, "a")])) == {}
