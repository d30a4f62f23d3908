"""An inventory account by account: the same as all at once, whatever one account tells of another's resources."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench.world import write_world
from bench.world_plan import Shape
from model.entities import Resource
from model.errors import InventoryError, SnapshotError
from model.inventory import Inventory, InventoryData
from model.load_account import load_account
from model.load_iam import load_iam
from model.load_resources import load_resources
from model.load_s3 import account_public_block, canonical_ids, load_access_points, unread_points
from model.load_sharing import load_endpoints, load_shares, unread_shares
from model.loading import load_each, load_inventory, load_partitions, load_resources_of, load_shared
from model.pages import Pages
from model.shared import Shared
from model.snapshot import CallRecord, PartEntry, Snapshot, SnapshotAccount, SnapshotWriter, open_snapshot
from model.sources import (
    FolderSource,
    open_inventory,
    read_resources,
    resources_path,
    store_account,
    store_shared,
    write_resources,
)

ONE, TWO, THREE = "111111111111", "222222222222", "333333333333"
REGION = "eu-west-1"
BUCKET, KEY = "arn:aws:s3:::cards", f"arn:aws:kms:{REGION}:{ONE}:key/k1"
TABLE = f"arn:aws:dynamodb:{REGION}:{TWO}:table/orders"


def call(service: str, operation: str, page: dict[str, Any] | None, **params: Any) -> CallRecord:
    moment = "2026-01-02T03:04:05Z"
    outcome: Any = "denied" if page is None else "ok"
    pages = [] if page is None else [page]
    return CallRecord(
        service=service,
        operation=operation,
        params=params,
        outcome=outcome,
        started=moment,
        ended=moment,
        response=pages,
    )


def aliased(alias: str) -> list[CallRecord]:
    """One key, as a service that knows no accounts lists it to each of them; each has an alias of its own for it."""
    return [
        call("kms", "ListKeys", {"Keys": [{"KeyId": "k1", "KeyArn": KEY}]}),
        call("kms", "ListAliases", {"Aliases": [{"AliasName": alias, "TargetKeyId": "k1"}]}),
    ]


def points(account: str, *buckets: str) -> list[CallRecord]:
    arn = f"arn:aws:s3:{REGION}:{account}:accesspoint/way"
    found = [{"Name": "way", "AccessPointArn": arn, "Bucket": bucket, "BucketAccountId": THREE} for bucket in buckets]
    return [call("s3control", "ListAccessPoints", {"AccessPointList": found})]


def bucket(name: str) -> list[CallRecord]:
    return [call("s3", "ListBuckets", {"Buckets": [{"Name": name, "BucketRegion": REGION}], "Owner": {"ID": name}})]


PARTS: dict[tuple[str, str, str], list[CallRecord]] = {
    (ONE, "global", "s3"): bucket("raw"),
    (ONE, REGION, "kms"): aliased("alias/one"),
    (TWO, "global", "s3"): bucket("logs"),
    (TWO, REGION, "dynamodb"): [call("dynamodb", "ListTables", {"TableNames": ["orders"]})],
    (TWO, REGION, "kms"): aliased("alias/two"),
    (TWO, REGION, "s3"): points(TWO, "cards", "unknown"),
    (THREE, "global", "s3"): bucket("cards"),
    (THREE, REGION, "kms"): [call("kms", "ListKeys", None)],
    (THREE, REGION, "s3"): points(THREE, "cards"),
}


@pytest.fixture(scope="module")
def crossed(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """Accounts that tell of each other's resources."""
    home = tmp_path_factory.mktemp("crossed")
    with SnapshotWriter(home) as writer:
        for unit, records in PARTS.items():
            writer.write_unit(*unit, records)
        accounts = [SnapshotAccount(id=account) for account in (ONE, TWO, THREE)]
        writer.finish(source="aws", accounts=accounts, regions=[REGION])
    return open_snapshot(home)


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    home = tmp_path_factory.mktemp("generated")
    return open_snapshot(home, write_world(Shape(accounts=4, principals=40, resources=160, seed=5), home))


@pytest.fixture(scope="module", params=["crossed", "generated", "demo"])
def snapshot(request: pytest.FixtureRequest) -> Snapshot:
    if request.param == "demo":
        return open_snapshot(request.getfixturevalue("demo_home"))
    found: Snapshot = request.getfixturevalue(request.param)
    return found


def stored(snapshot: Snapshot, folder: Path) -> Shared:
    partitions = load_partitions(snapshot)
    accounts = (
        store_account(snapshot, account, partitions.get(account, "aws"), folder) for account in snapshot.part_accounts
    )
    return store_shared(snapshot, accounts, folder)


# -- the same as all at once


def at_once(snapshot: Snapshot, data: InventoryData) -> dict[str, Any]:
    """What is read from all records of all accounts together, by field."""
    pages = Pages(snapshot.records())
    iam = load_iam(pages)
    principals: list[Any] = [*iam.users, *iam.roles, *iam.groups, *data.permission_sets]
    held = {arn for one in principals for arn in one.attached} | {getattr(one, "boundary", None) for one in principals}
    found: dict[str, Any] = {
        "users": sorted(iam.users, key=lambda user: user.arn),
        "roles": sorted(iam.roles, key=lambda role: role.arn),
        "groups": sorted(iam.groups, key=lambda group: group.arn),
        "policies": [one for arn, one in sorted(iam.policies.items()) if arn in held or not one.aws_managed],
        "providers": sorted(iam.providers, key=lambda provider: provider.arn),
        "access_points": load_access_points(pages),
        "account_public_block": account_public_block(pages, data.organization, data.accounts),
        "account_ignores_acls": account_public_block(pages, data.organization, data.accounts, "IgnorePublicAcls"),
        "canonical_ids": canonical_ids(pages),
        "unread_points": unread_points(pages, data.accounts),
        "shares": load_shares(pages),
        "unread_shares": unread_shares(pages, data.accounts),
        "endpoints": load_endpoints(pages),
    }
    partitions = {account.id: account.partition for account in data.accounts}
    resources = sorted(load_resources(pages, partitions), key=lambda resource: resource.arn)
    return {name: tuple(value) if not isinstance(value, dict) else value for name, value in found.items()} | {
        "resources": tuple(resources)
    }


def test_the_inventory_is_that_of_all_records_together(snapshot: Snapshot) -> None:
    data = load_inventory(snapshot).data
    for name, expected in at_once(snapshot, data).items():
        found = getattr(data, name)
        if name == "resources":
            found = tuple(one for one in found if not one.type.startswith("iam:"))
        elif name == "roles":
            found = tuple(one for one in found if not one.assumed_from_permission_set)
        assert found == expected, name


def test_every_iam_entity_is_a_resource_of_its_account(snapshot: Snapshot) -> None:
    data = load_inventory(snapshot).data
    entities = (*data.users, *(one for one in data.roles if not one.assumed_from_permission_set), *data.groups)
    wanted = {one.arn: one.account for one in entities}
    wanted |= {one.arn: one.account for one in data.policies if not one.aws_managed}
    assert {one.arn: one.account for one in data.resources if one.type.startswith("iam:")} == wanted


def test_accounts_one_by_one_make_the_whole(snapshot: Snapshot) -> None:
    whole, shared = load_inventory(snapshot).data, load_shared(snapshot)
    assert shared.data == msgspec.structs.replace(whole, resources=())
    found = [one for account in shared.accounts for one in load_resources_of(snapshot, account, shared)]
    assert sorted(found, key=lambda one: one.arn) == list(whole.resources)
    for account in shared.accounts:
        arns = [one.arn for one in load_resources_of(snapshot, account, shared)]
        assert arns == sorted(arns)
        assert {shared.account_of(arn) for arn in arns} <= {account}


def test_lists_that_were_not_answered_or_not_asked_are_told_of_every_account(crossed: Snapshot) -> None:
    data = load_shared(crossed).data
    unread = {
        kind: {(account, region) for account, region, name in data.unread_lists if name == kind}
        for kind in ("kms:key", "s3:bucket", "dynamodb:table")
    }
    assert unread == {
        "kms:key": {(THREE, REGION)},
        "s3:bucket": set(),
        "dynamodb:table": {(ONE, ""), (THREE, "")},
    }
    assert data.unread_principals == (ONE, TWO, THREE)


def test_an_account_reads_its_own_parts_alone(crossed: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def noted(_: Snapshot, part: PartEntry) -> list[CallRecord]:
        read.append(part.account)
        return []

    monkeypatch.setattr(Snapshot, "_read", noted)
    load_account(crossed, TWO)
    assert set(read) == {TWO}


def test_what_an_account_tells_can_go_to_another_process(snapshot: Snapshot) -> None:
    for data in load_each(snapshot):
        assert pickle.loads(pickle.dumps(data)) == data


def test_a_bucket_knows_the_access_points_of_other_accounts(crossed: Snapshot) -> None:
    (alone,) = (one for one in load_account(crossed, THREE).resources if one.arn == BUCKET)
    (whole,) = (one for one in load_resources_of(crossed, THREE, load_shared(crossed)) if one.arn == BUCKET)
    assert alone.s3 is not None
    assert whole.s3 is not None
    assert (alone.s3.point_accounts, whole.s3.point_accounts) == ((THREE,), (TWO, THREE))


def test_what_several_accounts_list_is_one_resource_of_one_of_them(crossed: Snapshot) -> None:
    shared = load_shared(crossed)
    holders = [
        account
        for account in shared.accounts
        if KEY in {one.arn for one in load_resources_of(crossed, account, shared)}
    ]
    assert holders == [TWO] == [shared.account_of(KEY)]
    assert load_inventory(crossed).resources[KEY].aliases == ("alias/two",)


def test_a_part_that_was_changed_is_refused_by_the_account_it_is_of(crossed: Snapshot, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(crossed.folder.parent, home / "snapshots")
    copy = open_snapshot(home)
    (part,) = (part for part in copy.manifest.parts if part.account == TWO and part.collector == "dynamodb")
    other = next(part for part in copy.manifest.parts if part.account == THREE)
    shutil.copyfile(copy.folder / other.path, copy.folder / part.path)
    assert load_account(copy, ONE).resources
    for load in (lambda: load_account(copy, TWO), lambda: load_shared(copy), lambda: load_inventory(copy)):
        with pytest.raises(SnapshotError, match="was changed"):
            load()


def test_the_partition_of_an_account_is_the_one_that_organizations_tells(tmp_path: Path) -> None:
    """Names of buckets and tables become ARNs of that partition, wherever the account is read."""
    listed = {"Id": TWO, "Arn": f"arn:aws-us-gov:organizations::{ONE}:account/o-1/{TWO}"}
    with SnapshotWriter(tmp_path) as writer:
        writer.write_unit(
            ONE, "global", "organization", [call("organizations", "ListAccounts", {"Accounts": [listed]})]
        )
        for unit, records in PARTS.items():
            writer.write_unit(*unit, records)
        writer.finish(source="aws", accounts=[SnapshotAccount(id=account) for account in (ONE, TWO, THREE)])
    snapshot = open_snapshot(tmp_path)
    whole, shared = load_inventory(snapshot), stored(snapshot, tmp_path)
    opened = open_inventory(tmp_path)
    for found in (whole, opened):
        assert found.buckets["logs"].arn == "arn:aws-us-gov:s3:::logs"
        assert found.buckets["cards"].arn == "arn:aws:s3:::cards"
        assert found.resources[TABLE.replace("arn:aws:", "arn:aws-us-gov:")].name == "orders"
    own = sorted(one.arn for one in whole.resources_of(TWO))
    assert [one.arn for one in load_resources_of(snapshot, TWO, shared) if one.arn != KEY] == [
        arn for arn in own if arn != KEY
    ]


# -- on disk


def test_stored_accounts_make_the_whole(snapshot: Snapshot, tmp_path: Path) -> None:
    whole, shared = load_inventory(snapshot), stored(snapshot, tmp_path)
    assert shared == load_shared(snapshot)
    source = FolderSource(tmp_path, shared)
    for account in source.accounts():
        assert source.of(account) == load_resources_of(snapshot, account, shared)
    opened = open_inventory(tmp_path)
    assert opened.data == shared.data
    assert sorted(opened.all_resources(), key=lambda one: one.arn) == list(whole.data.resources)


def test_a_file_is_as_it_was_when_its_writing_was_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = resources_path(tmp_path, ONE)
    first = (Resource(arn=BUCKET, type="s3:bucket", account=ONE, region=REGION),)
    write_resources(path, first)
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write_resources(path, ())
    assert read_resources(path) == first
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("damage", ["lost", "cut", "other"])
def test_a_file_that_cannot_be_read_is_an_error_and_never_no_resources(
    crossed: Snapshot, tmp_path: Path, damage: str
) -> None:
    stored(crossed, tmp_path)
    path, opened = resources_path(tmp_path, TWO), open_inventory(tmp_path)
    if damage == "lost":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1] if damage == "cut" else msgspec.msgpack.encode([{"arn": 7}]))
    with pytest.raises(InventoryError, match="cannot be read"):
        opened.resources.get(TABLE)
    assert opened.resources[BUCKET].account == THREE
    (tmp_path / "shared.msgpack").unlink()
    with pytest.raises(InventoryError, match="cannot be read"):
        open_inventory(tmp_path)


@pytest.mark.parametrize("name", ["../1", "", "a/b", "/etc/x"])
def test_an_account_is_never_a_file_elsewhere(tmp_path: Path, name: str) -> None:
    with pytest.raises(InventoryError, match="wrong account"):
        resources_path(tmp_path, name)


# -- looked up


class Counted(FolderSource):
    """A source that notes which accounts were opened."""

    def __init__(self, folder: Path, shared: Shared) -> None:
        super().__init__(folder, shared)
        self.opened: list[str] = []

    def of(self, account: str) -> tuple[Resource, ...]:
        self.opened.append(account)
        return super().of(account)


@pytest.fixture
def counted(crossed: Snapshot, tmp_path: Path) -> Iterator[tuple[Counted, Inventory]]:
    shared = stored(crossed, tmp_path)
    source = Counted(tmp_path, shared)
    yield source, Inventory(shared.data, source)


LOOKUPS: list[tuple[str, Any, list[str]]] = [
    ("bucket", lambda found: found.resources.get(BUCKET), [THREE]),
    ("bucket-by-name", lambda found: found.buckets.get("cards"), [THREE]),
    ("object", lambda found: found.container(f"{BUCKET}/2026/x"), [THREE]),
    ("index", lambda found: found.container(f"{TABLE}/index/by-day"), [TWO]),
    ("alias", lambda found: found.key_aliases.get(f"arn:aws:kms:{REGION}:{ONE}:alias/two"), [TWO]),
    ("stray", lambda found: found.resources.get(KEY), [TWO]),
    ("no-bucket", lambda found: found.container("arn:aws:s3:::nobodys/x"), []),
    ("no-account", lambda found: found.container("*"), []),
    ("unknown-account", lambda found: found.resources.get(TABLE.replace(TWO, "999999999999")), ["999999999999"]),
    ("present", lambda found: TABLE in found.resources, [TWO]),
]


@pytest.mark.parametrize(("ask", "opened"), [case[1:] for case in LOOKUPS], ids=[case[0] for case in LOOKUPS])
def test_a_lookup_opens_one_account_and_answers_as_from_memory(
    counted: tuple[Counted, Inventory], crossed: Snapshot, ask: Any, opened: list[str]
) -> None:
    source, inventory = counted
    first = ask(inventory)
    assert first == ask(inventory)
    assert source.opened == opened
    assert first == ask(load_inventory(crossed))


def test_every_lookup_from_files_is_that_from_memory(snapshot: Snapshot, tmp_path: Path) -> None:
    stored(snapshot, tmp_path)
    whole, opened = load_inventory(snapshot), open_inventory(tmp_path)
    assert dict(opened.resources) == whole.resources
    assert dict(opened.buckets) == whole.buckets
    assert dict(opened.key_aliases) == whole.key_aliases
    assert len(opened.resources) == len(whole.resources)
    for arn in whole.resources:
        for text in (arn, f"{arn}/x", f"{arn}:x"):
            assert opened.container(text) == whole.container(text), text
    for kind in {one.type for one in whole.data.resources}:
        by_arn = sorted(opened.of_type(kind), key=lambda one: one.arn)
        assert by_arn == list(whole.of_type(kind)) == [one for one in whole.data.resources if one.type == kind]


def test_the_resources_of_a_type_are_read_no_further_than_asked(counted: tuple[Counted, Inventory]) -> None:
    source, inventory = counted
    assert next(inventory.of_type("s3:bucket")).name == "raw"
    assert source.opened == [ONE]


# -- one partition


def test_a_partition_has_the_resources_of_one_account_and_the_indexes_of_all(generated: Snapshot) -> None:
    whole = load_inventory(generated)
    _ = whole.resources, whole.buckets, whole.key_aliases, whole.resources_of(ONE)  # what the view must not inherit
    seen: list[Resource] = []
    for account in whole.accounts:
        view = whole.partition_view(account)
        own = whole.resources_of(account)
        seen += own
        assert view.data.resources == own == tuple(view.all_resources()) == view.resources_of(account)
        assert list(view.resources) == [one.arn for one in own]
        assert set(view.buckets) == {one.name for one in own if one.type == "s3:bucket"}
        assert len(view.key_aliases) == sum(len(one.aliases) for one in own)
        assert [one.arn for one in view.of_type("kms:key")] == [one.arn for one in own if one.type == "kms:key"]
        assert (view.people, view.role_by_session_name, view.roles) == (
            whole.people,
            whole.role_by_session_name,
            whole.roles,
        )
        assert view.people is whole.people
        assert view.role_by_session_name is whole.role_by_session_name
    assert sorted(seen, key=lambda one: one.arn) == list(whole.data.resources)
    assert len(whole.resources) == len(whole.data.resources)


def test_a_partition_of_stored_accounts_is_that_from_memory(generated: Snapshot, tmp_path: Path) -> None:
    stored(generated, tmp_path)
    whole, opened = load_inventory(generated), open_inventory(tmp_path)
    for account in whole.accounts:
        from_file, from_memory = opened.partition_view(account), whole.partition_view(account)
        assert from_file.data == from_memory.data
        assert from_file.resources == from_memory.resources
        given = opened.partition_view(account, whole.resources_of(account)[:1])
        assert given.data.resources == whole.resources_of(account)[:1]
