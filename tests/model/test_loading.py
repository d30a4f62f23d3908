"""Loading an inventory: what was built is what is loaded, gaps are not known, and odd pages are one clear error."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from graph.world import World
from model.entities import CustomerPolicyReference
from model.errors import InventoryError
from model.inventory import Inventory, InventoryData
from model.load_resources import LIST_CALLS
from model.loading import load_inventory
from model.providers import PROVIDER_CALLS, is_gone
from model.snapshot import CallRecord, Snapshot, open_snapshot
from policy.document import parse_document
from tests.graph.worlds import seeds

if TYPE_CHECKING:
    from collectors.demo import DemoOrganisation, EmulatedAws
    from collectors.demo.writer import Writer

Edit = Callable[[CallRecord], CallRecord | None]


class Edited(Snapshot):
    """A snapshot whose records pass through ``edit``; ``None`` leaves one out."""

    def __init__(self, of: Snapshot, edit: Edit) -> None:
        super().__init__(of.folder, of.manifest)
        self._edit = edit

    def records(self, account: str | None = None, collector: str | None = None) -> Iterator[CallRecord]:
        for record in super().records(account, collector):
            edited = self._edit(record)
            if edited is not None:
                yield edited


@pytest.fixture(scope="module")
def snapshot(demo_home: Path) -> Snapshot:
    return open_snapshot(demo_home)


@pytest.fixture(scope="module")
def loaded(snapshot: Snapshot) -> Inventory:
    return load_inventory(snapshot)


@pytest.fixture(scope="module")
def writer(demo: tuple[EmulatedAws, DemoOrganisation]) -> Writer:
    from collectors.demo.writer import Writer

    return Writer(demo[0].endpoint_url)


@pytest.fixture(scope="module")
def organisation(demo: tuple[EmulatedAws, DemoOrganisation]) -> DemoOrganisation:
    return demo[1]


def same(one: str | None, other: object) -> bool:
    """Whether two policy documents say the same, however they are written."""
    return one is not None and parse_document(one) is parse_document(other if isinstance(other, str) else dict(other))  # type: ignore[call-overload]


def clients(writer: Writer, organisation: DemoOrganisation, service: str) -> Iterator[tuple[str, Any]]:
    for name, account in organisation.accounts.items():
        yield account, writer.client(service, None if name == "management" else account)


def listed(client: Any, operation: str, name: str, **params: Any) -> list[Any]:
    if not client.can_paginate(operation):
        return list(getattr(client, operation)(**params)[name])
    return [item for page in client.get_paginator(operation).paginate(**params) for item in page[name]]


# -- what was built


def test_users_are_those_of_every_account(loaded: Inventory, writer: Writer, organisation: DemoOrganisation) -> None:
    seen = set()
    for account, iam in clients(writer, organisation, "iam"):
        for raw in listed(iam, "list_users", "Users"):
            name, user = raw["UserName"], loaded.users[raw["Arn"]]
            seen.add(user.arn)
            assert (user.id, user.name, user.path, user.account) == (raw["UserId"], name, raw["Path"], account)
            tags = {tag["Key"]: tag["Value"] for tag in iam.list_user_tags(UserName=name)["Tags"]}
            assert user.tags == tags
            groups = listed(iam, "list_groups_for_user", "Groups", UserName=name)
            assert set(user.groups) == {group["Arn"] for group in groups}
            attached = listed(iam, "list_attached_user_policies", "AttachedPolicies", UserName=name)
            assert set(user.attached) == {item["PolicyArn"] for item in attached}
            assert user.mfa is bool(listed(iam, "list_mfa_devices", "MFADevices", UserName=name))
            boundary = iam.get_user(UserName=name)["User"].get("PermissionsBoundary") or {}
            assert user.boundary == boundary.get("PermissionsBoundaryArn")
            keys = {
                key["AccessKeyId"]: key["Status"] == "Active"
                for key in listed(iam, "list_access_keys", "AccessKeyMetadata", UserName=name)
            }
            assert {key.id: key.active for key in user.keys} == keys
            names = listed(iam, "list_user_policies", "PolicyNames", UserName=name)
            assert {inline.name for inline in user.inline} == set(names)
            for inline in user.inline:
                document = iam.get_user_policy(UserName=name, PolicyName=inline.name)["PolicyDocument"]
                assert same(inline.document, document)
    assert seen == set(loaded.users)


def test_roles_are_those_of_every_account(loaded: Inventory, writer: Writer, organisation: DemoOrganisation) -> None:
    seen = set()
    for account, iam in clients(writer, organisation, "iam"):
        for raw in listed(iam, "list_roles", "Roles"):
            name, role = raw["RoleName"], loaded.roles[raw["Arn"]]
            seen.add(role.arn)
            detail = iam.get_role(RoleName=name)["Role"]
            assert (role.id, role.name, role.path, role.account) == (raw["RoleId"], name, raw["Path"], account)
            assert same(role.trust, detail["AssumeRolePolicyDocument"])
            assert role.boundary == (detail.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn")
            assert role.tags == {tag["Key"]: tag["Value"] for tag in iam.list_role_tags(RoleName=name)["Tags"]}
            attached = listed(iam, "list_attached_role_policies", "AttachedPolicies", RoleName=name)
            assert set(role.attached) == {item["PolicyArn"] for item in attached}
            names = listed(iam, "list_role_policies", "PolicyNames", RoleName=name)
            assert {inline.name for inline in role.inline} == set(names)
            for inline in role.inline:
                document = iam.get_role_policy(RoleName=name, PolicyName=inline.name)["PolicyDocument"]
                assert same(inline.document, document)
    assert seen == set(loaded.roles)


def test_groups_and_policies_are_those_of_every_account(
    loaded: Inventory, writer: Writer, organisation: DemoOrganisation
) -> None:
    groups, policies = set(), set()
    for _, iam in clients(writer, organisation, "iam"):
        for raw in listed(iam, "list_groups", "Groups"):
            group = loaded.groups[raw["Arn"]]
            groups.add(group.arn)
            attached = listed(iam, "list_attached_group_policies", "AttachedPolicies", GroupName=group.name)
            assert set(group.attached) == {item["PolicyArn"] for item in attached}
        for raw in listed(iam, "list_policies", "Policies", Scope="Local"):
            policy = loaded.policies[raw["Arn"]]
            policies.add(policy.arn)
            version = iam.get_policy_version(PolicyArn=policy.arn, VersionId=raw["DefaultVersionId"])["PolicyVersion"]
            assert policy.version == raw["DefaultVersionId"]
            assert same(policy.document, version["Document"])
            assert policy.tags == {
                tag["Key"]: tag["Value"] for tag in iam.list_policy_tags(PolicyArn=policy.arn)["Tags"]
            }
    assert groups == set(loaded.groups)
    assert policies == {arn for arn, policy in loaded.policies.items() if not policy.aws_managed}


def test_every_policy_that_somebody_holds_was_read(loaded: Inventory) -> None:
    holders = (*loaded.data.users, *loaded.data.roles, *loaded.data.groups)
    used = {arn for holder in holders for arn in holder.attached}
    used |= {user.boundary for user in loaded.data.users if user.boundary}
    used |= {role.boundary for role in loaded.data.roles if role.boundary}
    assert {arn for arn in used if loaded.policies[arn].document is None} == set()


def test_the_organisation_is_the_one_that_was_built(
    loaded: Inventory, writer: Writer, organisation: DemoOrganisation
) -> None:
    client = writer.client("organizations")
    found = loaded.organization
    assert found is not None
    assert (found.id, found.management_account) == (organisation.organization_id, organisation.accounts["management"])
    assert set(loaded.accounts) == set(organisation.accounts.values())
    for account in loaded.data.accounts:
        parents: list[str] = []
        child = account.id
        while not child.startswith("r-"):
            (parent,) = client.list_parents(ChildId=child)["Parents"]
            child = parent["Id"]
            parents.insert(0, child)
        assert account.path == tuple(parents), account.name
    for kind, short in (("SERVICE_CONTROL_POLICY", "scp"), ("RESOURCE_CONTROL_POLICY", "rcp")):
        mine = {policy.id: policy for policy in found.policies if policy.kind == short}
        raws = listed(client, "list_policies", "Policies", Filter=kind)
        assert set(mine) == {raw["Id"] for raw in raws}
        for raw in raws:
            targets = listed(client, "list_targets_for_policy", "Targets", PolicyId=raw["Id"])
            assert set(mine[raw["Id"]].targets) == {target["TargetId"] for target in targets}
            assert same(mine[raw["Id"]].document, client.describe_policy(PolicyId=raw["Id"])["Policy"]["Content"])


def test_assignments_and_people_are_those_that_were_made(loaded: Inventory, organisation: DemoOrganisation) -> None:
    fields = ("permission_set", "account", "principal_type", "principal_id")
    made = {tuple(getattr(item, field) for field in fields) for item in organisation.assignments}
    found = {tuple(getattr(item, field) for field in fields) for item in loaded.data.assignments}
    assert len(found) == len(loaded.data.assignments)
    names = {name: arn for arn, one in loaded.permission_sets.items() for name in (one.name, arn)}
    assert found == {(names[given], *rest) for given, *rest in made}
    assert len(loaded.orphans) == 1
    from collectors.demo.company import PEOPLE

    assert len(loaded.people) == len(PEOPLE)
    assert all(person.user.active is not None for person in loaded.people.values())
    assert {key for key, person in loaded.people.items() if person.user.active is False and person.grants} == set()


def test_permission_sets_hold_what_was_put_into_them(
    loaded: Inventory, writer: Writer, organisation: DemoOrganisation
) -> None:
    sso = writer.client("sso-admin")
    for arn, found in loaded.permission_sets.items():
        of = {"InstanceArn": found.instance, "PermissionSetArn": arn}
        assert found.name == sso.describe_permission_set(**of)["PermissionSet"]["Name"]
        attached = sso.list_managed_policies_in_permission_set(**of)["AttachedManagedPolicies"]
        assert set(found.attached) == {item["Arn"] for item in attached}
        raw = sso.list_customer_managed_policy_references_in_permission_set(**of)["CustomerManagedPolicyReferences"]
        assert set(found.customer_managed) == {
            CustomerPolicyReference(name=item["Name"], path=item.get("Path", "/")) for item in raw
        }


def test_buckets_and_queues_have_the_policies_that_were_put_on_them(
    loaded: Inventory, writer: Writer, organisation: DemoOrganisation
) -> None:
    seen = set()
    for account, s3 in clients(writer, organisation, "s3"):
        for raw in s3.list_buckets()["Buckets"]:
            bucket = loaded.buckets[raw["Name"]]
            seen.add(bucket.name)
            assert bucket.account == account
            if bucket.name == organisation.unreadable_bucket:
                assert bucket.policy is None
                continue
            try:
                policy = s3.get_bucket_policy(Bucket=bucket.name)["Policy"]
            except s3.exceptions.ClientError as error:
                assert error.response["Error"]["Code"] == "NoSuchBucketPolicy"
                assert bucket.policy == ""
            else:
                assert same(bucket.policy, policy)
    assert seen == set(loaded.buckets)


def test_what_is_loaded_can_be_stored_and_read_again(loaded: Inventory) -> None:
    assert Inventory.decode(loaded.encode()).data == loaded.data


# -- gaps


def refused(*operations: str) -> Edit:
    """The named operations answered nothing."""

    def edit(record: CallRecord) -> CallRecord:
        if record.operation not in operations:
            return record
        return msgspec.structs.replace(record, outcome="denied", response=[], pages=0, items=0)

    return edit


GAPS: list[tuple[str, Callable[[Inventory], list[object]]]] = [
    ("GetBucketPolicy", lambda found: [one.policy for one in found.buckets.values()]),
    ("GetBucketTagging", lambda found: [one.tags for one in found.buckets.values()]),
    ("GetBucketAbac", lambda found: [one.s3 and one.s3.abac for one in found.buckets.values()]),
    ("GetKeyPolicy", lambda found: [one.policy for one in of_type(found, "kms:key")]),
    ("ListGrants", lambda found: [one.grants for one in of_type(found, "kms:key")]),
    ("GetQueueAttributes", lambda found: [one.policy for one in of_type(found, "sqs:queue")]),
    ("GetTopicAttributes", lambda found: [one.policy for one in of_type(found, "sns:topic")]),
    ("GetPolicy", lambda found: [one.policy for one in of_type(found, "lambda:function")]),
    ("ListTags", lambda found: [one.tags for one in of_type(found, "lambda:function")]),
    ("ListQueueTags", lambda found: [one.tags for one in of_type(found, "sqs:queue")]),
    ("ListResourceTags", lambda found: [one.tags for one in of_type(found, "kms:key")]),
]


def of_type(found: Inventory, name: str) -> list[Any]:
    return [one for one in found.data.resources if one.type == name]


@pytest.mark.parametrize(("operation", "values"), GAPS, ids=[operation for operation, _ in GAPS])
def test_what_was_refused_is_not_known_and_never_empty(
    snapshot: Snapshot, operation: str, values: Callable[[Inventory], list[object]]
) -> None:
    found = values(load_inventory(Edited(snapshot, refused(operation))))
    assert found
    assert set(found) == {None}


def test_users_without_any_answer_about_mfa_have_it_unknown(snapshot: Snapshot) -> None:
    without = refused("ListMFADevices", "GetCredentialReport", "ListVirtualMFADevices")
    assert {user.mfa for user in load_inventory(Edited(snapshot, without)).data.users} == {None}


@pytest.mark.parametrize(("kind", "call"), LIST_CALLS.items(), ids=list(LIST_CALLS))
def test_a_refused_list_is_told_apart_from_an_empty_one(snapshot: Snapshot, kind: str, call: tuple[str, str]) -> None:
    found = load_inventory(Edited(snapshot, refused(call[1])))
    assert of_type(found, kind) == []
    accounts = {account.id for account in found.data.accounts if account.collected}
    assert {account for account, _, name in found.data.unread_lists if name == kind} >= accounts


@pytest.mark.parametrize(("kind", "call"), PROVIDER_CALLS.items(), ids=list(PROVIDER_CALLS))
def test_providers_that_were_not_listed_may_be_there(snapshot: Snapshot, kind: str, call: tuple[str, str]) -> None:
    whole, found = (load_inventory(Edited(snapshot, edit)) for edit in (refused(), refused(call[1])))
    read = next(account.id for account in whole.data.accounts if account.collected)
    arn = f"arn:aws:iam::{read}:{kind}-provider/nobody.example"
    assert (is_gone(whole, arn), is_gone(found, arn)) == (True, False)
    other = arn.replace(kind, "saml" if kind == "oidc" else "oidc")
    assert is_gone(found, other)
    assert not any(is_gone(whole, one) for one in (*whole.providers, arn.replace(read, "999999999999")))


def test_whatever_is_collected_has_a_list_that_can_be_refused(loaded: Inventory) -> None:
    assert {one.type for one in loaded.data.resources if not one.type.startswith("iam:")} <= LIST_CALLS.keys()


def test_an_account_whose_units_were_not_all_read_has_no_known_place(snapshot: Snapshot, loaded: Inventory) -> None:
    """Also where its own unit tells of it: what is above that unit is not known."""
    found = load_inventory(Edited(snapshot, refused("ListOrganizationalUnitsForParent"))).accounts
    assert {len(account.path) for account in found.values()} == {0, 1}
    assert all(account.path in ((), loaded.accounts[id].path) for id, account in found.items())


def test_accounts_whose_principals_were_refused_are_named(snapshot: Snapshot) -> None:
    found = load_inventory(Edited(snapshot, refused("GetAccountAuthorizationDetails")))
    assert set(found.data.unread_principals) == set(found.accounts)
    assert {role.arn for role in found.data.roles if not role.assumed_from_permission_set} == set()


def test_assignments_in_accounts_that_were_refused_still_open_a_role_that_hangs_on_what_was_not_read(
    snapshot: Snapshot,
) -> None:
    """L15, U6: the permission set's documents stand in, and nothing about them is certain."""
    world = World(load_inventory(Edited(snapshot, refused("GetAccountAuthorizationDetails"))))
    people = {step.source.key for step in world.steps.all if step.source.kind == "Person"}
    assert people == {key for key, person in world.inventory.people.items() if person.grants}
    assert people
    for role in world.inventory.data.roles:
        decided = world.decider.decide(world.subjects.by_key[role.arn], "sqs:ListQueues", "*").verdict
        assert str(decided) != "Allowed", role.arn


def test_guardrails_that_were_refused_are_not_known(snapshot: Snapshot) -> None:
    for operation in ("ListPolicies", "ListTargetsForPolicy"):
        organization = load_inventory(Edited(snapshot, refused(operation))).organization
        assert organization is not None
        assert (organization.scps_known, organization.rcps_known) == (False, False), operation


def test_an_organisation_that_cannot_be_described_is_named_by_the_arns_of_what_is_in_it(
    snapshot: Snapshot, loaded: Inventory
) -> None:
    """L2: its policies do not bind its management account, which is known without asking for it."""
    found = load_inventory(Edited(snapshot, refused("DescribeOrganization"))).organization
    assert found is not None and loaded.organization is not None
    assert (found.id, found.management_account) == (loaded.organization.id, loaded.organization.management_account)
    assert found.management_account


PLACES = ("ListAccountsForParent", "ListParents", "ListOrganizationalUnitsForParent", "ListRoots")


@pytest.mark.parametrize("operations", [PLACES, ("ListAccountsForParent", "ListParents"), ("ListRoots",)], ids=str)
def test_guardrails_are_not_known_of_an_account_whose_place_was_refused(
    snapshot: Snapshot, operations: tuple[str, ...]
) -> None:
    """U6: an SCP on a unit that the account may be in is not "no SCP"."""
    whole, found = World(load_inventory(snapshot)), World(load_inventory(Edited(snapshot, refused(*operations))))
    roles = [role.arn for role in whole.inventory.data.roles][::7]
    for arn in roles:
        for action in ("iam:CreateUser", "s3:DeleteBucket", "organizations:LeaveOrganization"):
            sure = whole.decider.decide(whole.subjects.by_key[arn], action, "*").verdict
            now = found.decider.decide(found.subjects.by_key[arn], action, "*").verdict
            same_side = (str(now) == "Allowed") == (str(sure) == "Allowed")
            assert str(now) == "Conditional" or same_side, (arn, action, sure, now)


def test_only_what_was_answered_is_believed_for_groups_of_users(snapshot: Snapshot) -> None:
    """U6: a user's group whose policies were not read may allow."""

    def edit(record: CallRecord) -> CallRecord:
        if record.operation != "GetAccountAuthorizationDetails":
            return record
        pages = [{**page, "GroupDetailList": []} for page in deepcopy(record.response)]
        return msgspec.structs.replace(record, outcome="throttled", response=pages)

    world = World(load_inventory(Edited(snapshot, edit)))
    members = [user for user in world.inventory.data.users if user.groups and not user.boundary]
    assert members
    for user in members:
        decided = world.decider.decide(world.subjects.by_key[user.arn], "glue:GetTable", "*").verdict
        assert str(decided) != "ImplicitlyDenied", user.arn


# -- odd pages


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in a page."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        yield (*path, name)
        yield from leaves(item, (*path, name))


ODD: tuple[Any, ...] = (None, 7, "odd", [], {}, ["x"], [7], {"x": 1}, True)


def test_a_page_of_another_shape_is_an_inventory_error_and_no_traceback(snapshot: Snapshot) -> None:
    """Every value of every kind of page in turn is missing or of another type."""
    records = list(snapshot.records())
    draw = random.Random(11)
    kinds: dict[tuple[str, str, tuple[Any, ...]], tuple[int, int, tuple[Any, ...]]] = {}
    for number, record in enumerate(records):
        for place, page in enumerate(record.response):
            for path in leaves(page):
                shape = tuple("*" if isinstance(step, int) else step for step in path)
                kinds.setdefault((record.service, record.operation, shape), (number, place, path))
    tried = sorted(kinds, key=str)
    if len(seeds(1, 2)) == 1:
        tried = draw.sample(tried, 60)
    failures: dict[str, str] = {}
    for kind in tried:
        number, place, path = kinds[kind]
        for odd in (*draw.sample(ODD, 2), "missing"):
            edited = deepcopy(records[number])
            holder: Any = edited.response[place]
            for step in path[:-1]:
                holder = holder[step]
            if odd == "missing":
                del holder[path[-1]]
            else:
                holder[path[-1]] = odd
            changed = [*records[:number], edited, *records[number + 1 :]]
            try:
                found = load_inventory(_Given(snapshot, changed))
                Inventory.decode(found.encode())
            except InventoryError as error:
                if "stored inventory" in str(error):
                    failures.setdefault(f"{kind[0]}:{kind[1]} {'.'.join(kind[2])}", f"{odd!r}: loaded, not readable")
            except Exception as error:  # noqa: BLE001 - whatever else it is, it is the finding
                failures.setdefault(f"{kind[0]}:{kind[1]} {'.'.join(kind[2])}", f"{odd!r}: {error!r}"[:150])
    assert failures == {}


class _Given(Snapshot):
    """A snapshot with these records."""

    def __init__(self, of: Snapshot, records: list[CallRecord]) -> None:
        super().__init__(of.folder, of.manifest)
        self._records = records

    def records(self, account: str | None = None, collector: str | None = None) -> Iterator[CallRecord]:
        return iter(self._records)


def test_delegated_administrators_are_known_as_far_as_they_were_listed(snapshot: Snapshot) -> None:
    records = [one for one in snapshot.records() if "Delegated" not in one.operation]
    asked = next(one for one in snapshot.records() if one.operation == "ListDelegatedAdministrators")

    def answered(**more: Any) -> CallRecord:
        return msgspec.structs.replace(asked, **{"outcome": "ok", **more})

    listed = answered(response=[{"DelegatedAdministrators": [{"Id": "1"}, {"Id": "2"}]}])
    services = "ListDelegatedServicesForAccount"
    told = answered(
        operation=services, params={"AccountId": "1"}, response=[{"DelegatedServices": [{"ServicePrincipal": "s"}]}]
    )
    denied = answered(operation=services, params={"AccountId": "2"}, response=[], outcome="denied")
    for calls, wanted in (
        ([], None),
        ([answered(outcome="denied", response=[])], None),
        ([answered(outcome="empty", response=[])], ()),
        ([listed, told, denied], (("1", "s"), ("2", ""))),
        ([listed, told], (("1", "s"), ("2", ""))),
    ):
        organization = load_inventory(_Given(snapshot, [*records, *calls])).organization
        assert organization is not None
        assert organization.delegates == wanted


SETS, ASSIGNED = ("sso-admin", "ListPermissionSets"), ("sso-admin", "ListAccountAssignments")
PLACED, MEMBERS = ("sso-admin", "ListAccountsForProvisionedPermissionSet"), ("identitystore", "ListGroupMemberships")


def lacking(snapshot: Snapshot, call: tuple[str, str], *values: str, asked: bool = True) -> InventoryData:
    """What is loaded where calls with these parameters were denied, or not made."""

    def edit(record: CallRecord) -> CallRecord | None:
        if (record.service, record.operation) != call or not {*values} <= {*map(str, record.params.values())}:
            return record
        return msgspec.structs.replace(record, outcome="denied", response=[]) if asked else None

    return load_inventory(Edited(snapshot, edit)).data


@pytest.mark.parametrize("asked", [True, False])
def test_assignments_and_members_that_were_not_listed_are_known_to_be_unread(
    snapshot: Snapshot, loaded: Inventory, asked: bool
) -> None:
    data = loaded.data
    assert (data.unread_assignments, data.unread_members) == ((), ())
    one = next(item for item in data.assignments if item.principal_type == "GROUP")
    pair = (one.permission_set, one.account)
    assert lacking(snapshot, ASSIGNED, *pair, asked=asked).unread_assignments == (pair,)
    assert lacking(snapshot, ASSIGNED, pair[0], asked=asked).unread_assignments == ((pair[0], ""),)
    everything = lacking(snapshot, ASSIGNED, asked=asked).unread_assignments
    assert {*everything} == {(item.arn, "") for item in data.permission_sets}
    (instance,) = (item.instance for item in data.centers)
    assert (instance, "") in lacking(snapshot, SETS, asked=asked).unread_assignments
    assert lacking(snapshot, MEMBERS, one.principal_id, asked=asked).unread_members == (one.principal_id,)


def test_where_a_set_is_not_provisioned_nobody_has_to_ask_who_has_it(snapshot: Snapshot, loaded: Inventory) -> None:
    one = loaded.data.assignments[0]
    places = sorted({item.account for item in loaded.data.assignments if item.permission_set == one.permission_set})

    def records(provisioned: list[str]) -> list[CallRecord]:
        kept = []
        for record in snapshot.records():
            mine = record.params.get("PermissionSetArn") == one.permission_set
            if (record.service, record.operation) != ASSIGNED or not mine or record.params["AccountId"] in places:
                kept.append(record)
            if (record.service, record.operation) == ("sso-admin", "DescribePermissionSet") and mine:
                page = {"AccountIds": provisioned}
                kept.append(msgspec.structs.replace(record, operation=PLACED[1], response=[page]))
        return kept

    assert load_inventory(_Given(snapshot, records(places))).data.unread_assignments == ()
    missing = load_inventory(_Given(snapshot, records([*places, "999988887777"]))).data.unread_assignments
    assert missing == ((one.permission_set, "999988887777"),)


def test_an_invalid_document_leaves_answers_conditional_and_is_named(snapshot: Snapshot) -> None:
    """U6; every holder of a broken text is named, not the first alone."""
    broken = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Perhaps", "Action": "*", "Resource": "*"}]})

    def edit(record: CallRecord) -> CallRecord:
        if record.operation != "GetAccountAuthorizationDetails":
            return record
        pages = deepcopy(record.response)
        for page in pages:
            for role in page.get("RoleDetailList") or ():
                for inline in role.get("RolePolicyList") or ():
                    inline["PolicyDocument"] = broken
        return msgspec.structs.replace(record, response=pages)

    world = World(load_inventory(Edited(snapshot, edit)))
    holders = [role for role in world.inventory.data.roles if role.inline]
    assert len(holders) > 1
    _ = world.steps, world.classes
    assert {f"{role.arn}#inline:{inline.name}" for role in holders for inline in role.inline} <= set(
        world.assembler.invalid
    )
    bare = next(role for role in holders if not role.boundary and not role.attached)
    decided = world.decider.decide(world.subjects.by_key[bare.arn], "glue:GetTable", "*")
    assert str(decided.verdict) in ("Conditional", "ExplicitlyDenied")
