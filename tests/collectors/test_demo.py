"""The demo: the emulator refuses what it should, the writer stays on this machine, the organisation is what it says."""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from collectors.demo import DemoError, DemoOrganisation, EmulatedAws, build, people_csv
from collectors.demo.access import GROUP_ASSIGNMENTS, PERMISSION_SETS, USER_ASSIGNMENTS
from collectors.demo.company import ACCOUNTS, GROUPS, LEAVER, PEOPLE, REGIONS
from collectors.demo.documents import allow, policy, render
from collectors.demo.gate import Rule
from collectors.demo.guardrails import GUARDRAILS
from collectors.demo.organisation import IAM
from collectors.demo.server import control
from collectors.demo.services import FUNCTIONS, QUEUES, SECRETS, TABLES, TOPICS
from collectors.demo.storage import BUCKETS, KEYS
from collectors.demo.writer import Writer, require_loopback
from tests.collectors.demo_fixtures import running_demo

ONCE = Config(retries={"mode": "standard", "total_max_attempts": 1})
Demo = tuple[EmulatedAws, DemoOrganisation]


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    yield from running_demo()


@pytest.fixture(scope="module")
def empty() -> Iterator[EmulatedAws]:
    with EmulatedAws() as aws:
        yield aws


@pytest.fixture
def writer(demo: Demo) -> Iterator[Writer]:
    aws, _ = demo
    yield Writer(aws.endpoint_url)
    aws.clear_rules()


def client(writer: Writer, service: str, account: str | None = None, region: str = "eu-west-1") -> Any:
    """A client that does not repeat what fails."""
    return writer._session.client(  # type: ignore[call-overload]
        service,
        region_name=region,
        endpoint_url=writer.endpoint_url,
        config=ONCE,
        **writer._credentials(account),
    )


def code(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    response = error.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


# --- the writer --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://iam.amazonaws.com",
        "http://127.0.0.1.example.com:5000",
        "http://127.0.0.1@iam.amazonaws.com",
        "http://localhost.example.com",
        "http://10.0.0.4:5000",
        "http://0.0.0.0:5000",
        "http://[::2]:5000",
        "http://[::ffff:8.8.8.8]:5000",
        "http://2130706433:5000",
        "ftp://127.0.0.1",
        "127.0.0.1:5000",
        "http://[::1",
        "",
    ],
)
def test_the_writer_refuses_every_endpoint_but_this_machines(endpoint: str) -> None:
    with pytest.raises(DemoError):
        Writer(endpoint)
    with pytest.raises(DemoError):
        build(endpoint)


@pytest.mark.parametrize(
    "endpoint", ["http://127.0.0.1:5000", "http://127.8.9.1", "http://localhost:1", "http://[::1]:5"]
)
def test_loopback_endpoints_are_accepted(endpoint: str) -> None:
    require_loopback(endpoint)


def test_the_writer_takes_nothing_from_the_machines_aws_configuration(
    monkeypatch: pytest.MonkeyPatch, empty: EmulatedAws
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "a-profile-that-does-not-exist")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://example.com")
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREALREALREALREAL")
    answer = Writer(empty.endpoint_url).client("sts").get_caller_identity()
    assert answer["Account"] == "123456789012"


def test_a_place_that_nobody_fills_is_an_error() -> None:
    with pytest.raises(DemoError, match="@nowhere@"):
        render(policy(allow("s3:*", "arn:aws:iam::@nowhere@:role/x")), {})


# --- the emulator ------------------------------------------------------------------------------------------------


def test_the_emulator_ends_when_it_is_closed_and_closing_twice_is_harmless() -> None:
    aws = EmulatedAws()
    aws.close()
    aws.close()
    assert aws._process.poll() is not None


def test_the_emulator_ends_when_the_process_that_started_it_dies() -> None:
    program = (
        "import os; from collectors.demo import EmulatedAws; "
        "aws = EmulatedAws(); print(aws._process.pid, flush=True); os._exit(9)"
    )
    started = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    child = int(started.stdout)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and _runs(child):
        time.sleep(0.05)
    assert not _runs(child)


def test_importing_the_demo_does_not_import_the_emulator() -> None:
    program = "import sys, collectors.demo; raise SystemExit(any(n.split('.')[0] == 'moto' for n in sys.modules))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_reset_gives_an_empty_aws_with_the_same_identifiers_again(empty: EmulatedAws) -> None:
    def start() -> tuple[str, str, str]:
        organizations = Writer(empty.endpoint_url).client("organizations")
        organization = organizations.create_organization(FeatureSet="ALL")["Organization"]["Id"]
        account = organizations.create_account(AccountName="one", Email="one@meridian.example")
        account_id = account["CreateAccountStatus"]["AccountId"]
        user = Writer(empty.endpoint_url).client("iam", account_id).create_user(UserName="somebody")
        return organization, account_id, user["User"]["UserId"]

    empty.reset()
    first = start()
    empty.reset()
    assert start() == first
    assert first[2].startswith("AIDA")
    empty.reset()


def test_denied_calls_answer_in_each_services_own_words(demo: Demo, writer: Writer) -> None:
    aws, organisation = demo
    prod = organisation.accounts["prod"]
    aws.deny("iam", "ListRoles", account=prod)
    with pytest.raises(ClientError) as error:
        client(writer, "iam", prod).list_roles()
    assert code(error) == ("AccessDenied", 403)
    client(writer, "iam", organisation.accounts["dev"]).list_roles()

    aws.deny("kms", region="us-east-1")
    with pytest.raises(ClientError) as error:
        client(writer, "kms", prod, "us-east-1").list_keys()
    assert code(error) == ("AccessDeniedException", 400)
    client(writer, "kms", prod).list_keys()

    aws.deny("lambda", path="/functions/payments-api/policy")
    with pytest.raises(ClientError) as error:
        client(writer, "lambda", prod).get_policy(FunctionName="payments-api")
    assert code(error) == ("AccessDeniedException", 403)
    client(writer, "lambda", prod).get_policy(FunctionName="payments-settlement")

    aws.deny("ec2", "DescribeInstances")
    with pytest.raises(ClientError) as error:
        client(writer, "ec2", prod).describe_instances()
    assert code(error) == ("UnauthorizedOperation", 403)


def test_a_throttled_call_succeeds_after_its_refusals(demo: Demo, writer: Writer) -> None:
    aws, _ = demo
    aws.throttle("organizations", "ListRoots", times=2)
    organizations = client(writer, "organizations")
    for _attempt in range(2):
        with pytest.raises(ClientError) as error:
            organizations.list_roots()
        assert code(error) == ("ThrottlingException", 400)
    assert organizations.list_roots()["Roots"]


def test_an_expired_token_is_named_as_such_until_the_rules_are_cleared(demo: Demo, writer: Writer) -> None:
    aws, organisation = demo
    aws.expire("sqs", account=organisation.accounts["prod"])
    sqs = client(writer, "sqs", organisation.accounts["prod"])
    with pytest.raises(ClientError) as error:
        sqs.list_queues()
    assert "ExpiredToken" in code(error)[0]
    aws.clear_rules()
    assert sqs.list_queues()["QueueUrls"]


def test_an_unknown_effect_or_control_call_is_an_error(empty: EmulatedAws) -> None:
    with pytest.raises(ValueError, match="unknown effect"):
        Rule("shrug", "s3")
    with pytest.raises(DemoError, match=r"refused `rules`: .*shrug"):
        control(empty.endpoint_url, "rules", {"effect": "shrug", "service": "s3"})
    with pytest.raises(DemoError, match="no control call"):
        control(empty.endpoint_url, "nothing")


def test_without_the_emulators_packages_the_error_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "moto.py").write_text("raise ModuleNotFoundError(\"No module named 'moto'\", name='moto')")
    monkeypatch.setattr("collectors.demo.server._environment", lambda: {**os.environ, "PYTHONPATH": _path(tmp_path)})
    with pytest.raises(DemoError, match="extra `demo`"):
        EmulatedAws()


# --- the organisation --------------------------------------------------------------------------------------------


def test_there_are_six_accounts_in_their_units(demo: Demo, writer: Writer) -> None:
    _, organisation = demo
    organizations = writer.client("organizations")
    found = {each["Name"]: each["Id"] for each in organizations.list_accounts()["Accounts"]}
    assert found == {name: organisation.accounts[key] for key, (name, _) in ACCOUNTS.items()}
    assert len(found) == 6
    for key, (_, path) in ACCOUNTS.items():
        parents = organizations.list_parents(ChildId=organisation.accounts[key])["Parents"]
        assert [each["Id"] for each in parents] == [organisation.units[path]]


def test_every_guardrail_is_attached_where_it_is_declared(demo: Demo, writer: Writer) -> None:
    _, organisation = demo
    organizations = writer.client("organizations")
    for each in GUARDRAILS:
        policy_id = organisation.guardrails[each.name]
        targets = organizations.list_targets_for_policy(PolicyId=policy_id)["Targets"]
        assert len(targets) == len(each.targets) > 0
        content = organizations.describe_policy(PolicyId=policy_id)["Policy"]["Content"]
        assert len(json.dumps(json.loads(content), separators=(",", ":"))) <= 5_120
        assert "@" not in content


def test_forty_people_of_whom_one_is_disabled_all_linked_to_the_identity_provider(demo: Demo, writer: Writer) -> None:
    _, organisation = demo
    store = writer.client("identitystore")
    users = store.list_users(IdentityStoreId=organisation.directory.identity_store_id)["Users"]
    assert len(users) == len(PEOPLE) == 40
    assert [each["UserName"] for each in users if each["UserStatus"] == "DISABLED"] == [
        "stefan.krause@meridian.example"
    ]
    assert all(each["ExternalIds"] and each["Emails"] and each["DisplayName"] for each in users)
    assert len(set(organisation.directory.users.values())) == 40
    assert set(organisation.directory.groups) == set(GROUPS)


def test_groups_name_people_of_the_company(demo: Demo) -> None:
    names = {person.user_name for person in PEOPLE}
    assert len(names) == 40
    assert all(set(members) <= names for _, members in GROUPS.values())
    assert {person.manager for person in PEOPLE} - {""} <= names


def test_the_staff_list_has_a_row_for_everyone() -> None:
    rows = list(csv.DictReader(io.StringIO(people_csv())))
    assert len(rows) == 40
    assert {row["status"] for row in rows} == {"active", "left"}
    assert all(None not in row and None not in row.values() for row in rows)


def test_one_assignment_is_orphaned(demo: Demo, writer: Writer) -> None:
    _, organisation = demo
    directory = organisation.directory
    assert LEAVER.user_name not in directory.users
    found = [
        row for row in _assignment_rows(writer, organisation) if row["PrincipalId"] == directory.orphan.principal_id
    ]
    assert [(row["AccountId"], row["PrincipalType"]) for row in found] == [(organisation.accounts["prod"], "USER")]
    with pytest.raises(ClientError) as error:
        writer.client("identitystore").describe_user(
            IdentityStoreId=directory.identity_store_id, UserId=directory.orphan.principal_id
        )
    assert code(error)[0] == "ResourceNotFoundException"
    known = {*directory.users.values(), *directory.groups.values()}
    assert {each.principal_id for each in organisation.assignments} - known == {directory.orphan.principal_id}


def test_one_direct_assignment_repeats_what_a_group_gives() -> None:
    by_group = {
        (member, permission_set, account)
        for group, permission_set, accounts in GROUP_ASSIGNMENTS
        for member in GROUPS[group][1]
        for account in accounts
    }
    repeated = [each for each in USER_ASSIGNMENTS if each in by_group]
    assert repeated == [("hannah.fischer@meridian.example", "PaymentsDeveloper", "dev")]


def test_every_assignment_has_its_reserved_role_and_no_other_exists(demo: Demo, writer: Writer) -> None:
    _, organisation = demo
    names = {arn: name for name, arn in organisation.directory.permission_sets.items()}
    rows = _assignment_rows(writer, organisation)
    assert len(rows) == len(organisation.assignments)
    wanted = {(names[row["PermissionSetArn"]], row["AccountId"]) for row in rows}
    assert set(organisation.reserved_roles) == wanted
    collected = {
        role["Arn"]
        for account in organisation.accounts.values()
        for role in _details(writer, organisation, account)["RoleDetailList"]
        if "/aws-reserved/" in role["Arn"]
    }
    assert collected == set(organisation.reserved_roles.values())


def test_reserved_roles_trust_the_accounts_own_provider(demo: Demo, writer: Writer) -> None:
    _, organisation = demo
    for (_, account), arn in organisation.reserved_roles.items():
        iam = writer.client("iam", None if account == organisation.accounts["management"] else account)
        role = iam.get_role(RoleName=arn.rpartition("/")[2])["Role"]
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        providers = [each["Arn"] for each in iam.list_saml_providers()["SAMLProviderList"]]
        assert [statement["Principal"]["Federated"]] == providers
        assert statement["Action"] == ["sts:AssumeRoleWithSAML", "sts:TagSession"]


def test_permission_sets_are_provisioned_where_they_are_assigned(demo: Demo, writer: Writer) -> None:
    _, organisation = demo
    sso, directory = writer.client("sso-admin"), organisation.directory
    for each in PERMISSION_SETS:
        arn = directory.permission_sets[each.name]
        which = {"InstanceArn": directory.instance_arn, "PermissionSetArn": arn}
        accounts = sso.list_accounts_for_provisioned_permission_set(**which)["AccountIds"]
        assert set(accounts) == {row.account for row in organisation.assignments if row.permission_set == each.name}
        tags = sso.list_tags_for_resource(InstanceArn=directory.instance_arn, ResourceArn=arn)["Tags"]
        assert {tag["Key"]: tag["Value"] for tag in tags} == dict(each.tags)
    assert sso.describe_instance_access_control_attribute_configuration(InstanceArn=directory.instance_arn)
    elsewhere = writer.client("sso-admin", None, "us-east-1").list_instances()["Instances"]
    assert elsewhere == []


def test_every_attached_policy_exists_and_is_in_the_details(demo: Demo, writer: Writer) -> None:
    _, organisation = demo
    for account in organisation.accounts.values():
        details = _details(writer, organisation, account)
        documents = {each["Arn"] for each in details["Policies"]}
        entities = [*details["UserDetailList"], *details["RoleDetailList"], *details["GroupDetailList"]]
        attached = {each["PolicyArn"] for entity in entities for each in entity["AttachedManagedPolicies"]}
        boundaries = {
            entity["PermissionsBoundary"]["PermissionsBoundaryArn"]
            for entity in entities
            if "PermissionsBoundary" in entity
        }
        assert attached | boundaries <= documents
        assert {each["PolicyName"] for each in details["Policies"]}
        assert len([arn for arn in documents if ":iam::aws:" in arn]) < 100


def test_declared_entities_exist_with_their_boundaries(demo: Demo, writer: Writer) -> None:
    _, organisation = demo
    for key, declared in IAM.items():
        details = _details(writer, organisation, organisation.accounts[key])
        users = {each["UserName"]: each for each in details["UserDetailList"]}
        assert set(users) == {each.name for each in declared.users}
        for user in declared.users:
            assert users[user.name]["UserId"].startswith("AIDA")
            assert ("PermissionsBoundary" in users[user.name]) == bool(user.boundary)
        assert {each.name for each in declared.roles} <= {each["RoleName"] for each in details["RoleDetailList"]}


def test_the_break_glass_user_has_an_old_key_and_no_second_factor(demo: Demo, writer: Writer) -> None:
    iam = writer.client("iam")
    iam.generate_credential_report()
    text = iam.get_credential_report()["Content"].decode()
    rows = {row["user"]: row for row in csv.DictReader(io.StringIO(text))}
    assert {"<root_account>", "break-glass", "charlotte.meier"} <= set(rows)
    assert rows["break-glass"]["mfa_active"] == "false"
    assert rows["break-glass"]["password_enabled"] == "true"
    assert rows["charlotte.meier"]["mfa_active"] == "true"
    assert rows["break-glass"]["access_key_1_last_rotated"] < rows["invoice-export"]["access_key_1_last_rotated"]
    keys = iam.list_access_keys(UserName="break-glass")["AccessKeyMetadata"]
    age = iam.get_user(UserName="charlotte.meier")["User"]["PasswordLastUsed"] - keys[0]["CreateDate"]
    assert age.days > 365


def test_the_planned_gap_is_one_bucket_whose_own_policy_hides_itself(demo: Demo, writer: Writer) -> None:
    _, organisation = demo
    s3 = client(writer, "s3", organisation.accounts["prod"])
    for ask in (s3.get_bucket_policy, s3.get_bucket_policy_status):
        with pytest.raises(ClientError) as error:
            ask(Bucket=organisation.unreadable_bucket)
        assert code(error) == ("AccessDenied", 403)
    assert s3.get_bucket_acl(Bucket=organisation.unreadable_bucket)["Owner"]
    refused = []
    for bucket in BUCKETS:
        account = None if bucket.account == "management" else organisation.accounts[bucket.account]
        try:
            found = client(writer, "s3", account).get_bucket_policy(Bucket=bucket.name)["Policy"]
            assert json.loads(found)["Statement"]
            assert bucket.policy
        except ClientError as failure:
            refused.append((bucket.name, failure.response["Error"]["Code"]))
    without = {(bucket.name, "NoSuchBucketPolicy") for bucket in BUCKETS if not bucket.policy}
    assert set(refused) == without | {(organisation.unreadable_bucket, "AccessDenied")}


def test_every_declared_resource_exists(demo: Demo, writer: Writer) -> None:
    _, organisation = demo

    def names(service: str, operation: str, key: str, pick: str = "") -> set[tuple[str, str]]:
        found: set[tuple[str, str]] = set()
        for name, account in organisation.accounts.items():
            for region in REGIONS:
                api = writer.client(service, None if name == "management" else account, region)
                rows = getattr(api, operation)().get(key, [])
                found |= {(name, (row[pick] if pick else row).rpartition("/")[2].rpartition(":")[2]) for row in rows}
        return found

    assert names("sqs", "list_queues", "QueueUrls") == {(each.account, each.name) for each in QUEUES}
    assert names("sns", "list_topics", "Topics", "TopicArn") == {(each.account, each.name) for each in TOPICS}
    assert names("lambda", "list_functions", "Functions", "FunctionName") == {(e.account, e.name) for e in FUNCTIONS}
    assert names("dynamodb", "list_tables", "TableNames") == {(each.account, each.name) for each in TABLES}
    secrets = {(each.account, each.name.rpartition("/")[2]) for each in SECRETS}
    assert names("secretsmanager", "list_secrets", "SecretList", "Name") == secrets
    assert set(organisation.keys) == {f"{each.account}/{each.name}" for each in KEYS}


def test_an_account_lists_only_the_approved_regions(demo: Demo, writer: Writer) -> None:
    regions = writer.client("ec2").describe_regions()["Regions"]
    assert sorted(each["RegionName"] for each in regions) == sorted(REGIONS)


def test_functions_and_instances_carry_roles_that_exist(demo: Demo, writer: Writer) -> None:
    _, organisation = demo
    prod = organisation.accounts["prod"]
    roles = {role["Arn"] for role in _details(writer, organisation, prod)["RoleDetailList"]}
    functions = writer.client("lambda", prod).list_functions()["Functions"]
    assert {each["Role"] for each in functions} <= roles
    reservations = writer.client("ec2", prod).describe_instances()["Reservations"]
    profiles = {each["IamInstanceProfile"]["Arn"] for group in reservations for each in group["Instances"]}
    assert profiles == {f"arn:aws:iam::{prod}:instance-profile/bastion"}


def test_a_payments_developer_reaches_the_card_data_by_roles(demo: Demo, writer: Writer) -> None:
    _, organisation = demo
    accounts = organisation.accounts
    developer = organisation.reserved_roles["PaymentsDeveloper", accounts["dev"]]
    hops = [
        developer,
        organisation.role("dev", "payments-dev-deployer"),
        organisation.role("security", "shared-tooling"),
        organisation.role("prod", "payments-prod-deploy"),
        organisation.role("prod", "payments-prod-data"),
    ]
    documents = {
        role["Arn"]: (role["AssumeRolePolicyDocument"], _own_documents(role, details))
        for account in accounts.values()
        for details in [_details(writer, organisation, account)]
        for role in details["RoleDetailList"]
    }
    for source, target in itertools.pairwise(hops):
        trusted = json.dumps(documents[target][0])
        assert source in trusted or f"{source.split(':')[4]}:root" in trusted
        assert f'"{target}"' in json.dumps(documents[source][1])
    assert "arn:aws:s3:::meridian-card-data-prod/*" in json.dumps(documents[hops[-1]][1])


def _own_documents(role: Any, details: Any) -> list[Any]:
    """The role's inline documents and the default versions of its managed policies."""
    attached = {each["PolicyArn"] for each in role["AttachedManagedPolicies"]}
    return [each["PolicyDocument"] for each in role["RolePolicyList"]] + [
        version["Document"]
        for each in details["Policies"]
        if each["Arn"] in attached
        for version in each["PolicyVersionList"]
        if version["IsDefaultVersion"]
    ]


def _runs(pid: int) -> bool:
    """Whether the process lives; one that ended and is not yet reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _path(first: Path) -> str:
    return os.pathsep.join([str(first), str(Path(__file__).resolve().parents[2])])


def _details(writer: Writer, organisation: DemoOrganisation, account: str) -> Any:
    member = None if account == organisation.accounts["management"] else account
    return writer.client("iam", member).get_account_authorization_details()


def _assignment_rows(writer: Writer, organisation: DemoOrganisation) -> list[dict[str, str]]:
    sso, directory = writer.client("sso-admin"), organisation.directory
    return [
        row
        for arn in directory.permission_sets.values()
        for account in organisation.accounts.values()
        for row in sso.list_account_assignments(
            InstanceArn=directory.instance_arn, AccountId=account, PermissionSetArn=arn
        )["AccountAssignments"]
    ]
