"""Builds Meridian Pay, the demo's organisation, in an empty emulator.

The story to find in it: a payments developer's permission set in `payments-dev` may take `payments-dev-deployer`, which
the shared pipeline in `security-tooling` trusts, which `payments-prod-deploy` in `payments-prod` trusts, which
`payments-prod-data` trusts, and that role reads the cards in `meridian-card-data-prod`. The guardrail that keeps
development away from the bucket stops nobody who travels by roles: at the bucket the caller is a production role.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from collectors.demo import company
from collectors.demo.company import ACCOUNTS, HOME_REGION, PEOPLE, UNITS, UNREADABLE_BUCKET, VENDORS
from collectors.demo.documents import render
from collectors.demo.guardrails import DELEGATED, GUARDRAILS, SERVICE_ACCESS
from collectors.demo.iam_core import LOGS, MANAGEMENT, SANDBOX, SECURITY
from collectors.demo.iam_dev import DEVELOPMENT
from collectors.demo.iam_prod import PRODUCTION
from collectors.demo.server import control
from collectors.demo.specs import AccountIam
from collectors.demo.write_iam import tag_list, write_iam
from collectors.demo.write_people import Assignment, Directory, digest, write_directory, write_reserved_roles
from collectors.demo.write_resources import write_resources
from collectors.demo.writer import MEMBER_ROLE, Writer

IAM: Final[dict[str, AccountIam]] = {
    "management": MANAGEMENT,
    "security": SECURITY,
    "logs": LOGS,
    "prod": PRODUCTION,
    "dev": DEVELOPMENT,
    "sandbox": SANDBOX,
}
_ENVIRONMENTS: Final = {"prod": "production", "dev": "development", "sandbox": "sandbox"}


@dataclass(frozen=True, slots=True)
class DemoOrganisation:
    """The organisation as built: the ids and ARNs that AWS (the emulator) chose, by the names declared here.

    `accounts`: account key (`management`, `security`, `logs`, `prod`, `dev`, `sandbox`) to twelve digits.
    `units`: path (`Workloads/Prod`; the root is "") to id. `guardrails`: organisation policy name to id.
    `reserved_roles`: (permission set name, account id) to role ARN. `keys`: `account key/alias` to key ARN.
    `vendors`: account id outside the organisation to the name of the company that owns it.
    """

    endpoint_url: str
    home_region: str
    organization_id: str
    accounts: Mapping[str, str]
    units: Mapping[str, str]
    guardrails: Mapping[str, str]
    directory: Directory
    reserved_roles: Mapping[tuple[str, str], str]
    keys: Mapping[str, str]
    unreadable_bucket: str = UNREADABLE_BUCKET
    vendors: Mapping[str, str] = field(default_factory=lambda: dict(VENDORS))

    @property
    def assignments(self) -> tuple[Assignment, ...]:
        """Every account assignment, the orphan included."""
        return (*self.directory.assignments, self.directory.orphan)

    def role(self, account: str, name: str) -> str:
        """The ARN of a declared role without a path, e.g. `role("prod", "payments-prod-data")`."""
        return f"arn:aws:iam::{self.accounts[account]}:role/{name}"


def build(endpoint_url: str) -> DemoOrganisation:
    """Build the whole organisation in the empty emulator at `endpoint_url`, which must be one of this machine.

    One call after another: the emulator draws its ids from a seed, so the same order gives the same ids.
    """
    writer = Writer(endpoint_url, region=HOME_REGION)
    organization_id, accounts, units, guardrails = _write_organisation(writer)

    def places(key: str) -> dict[str, str]:
        found = dict(accounts) | {"org": organization_id, "self": accounts[key]}
        return found | {"idp": f"AWSSSO_{digest(accounts[key])}_DO_NOT_DELETE"}

    keys_of = {account: key for key, account in accounts.items()}

    def iam_of(account: str) -> Any:
        return writer.client("iam", None if keys_of[account] == "management" else account)

    history: list[dict[str, Any]] = []
    for key, declared in IAM.items():
        iam = iam_of(accounts[key])
        if key != "management":
            # AWS makes this role with its policy attached; the emulator leaves it without.
            iam.attach_role_policy(RoleName=MEMBER_ROLE, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
        history += write_iam(iam, declared, places(key))
    control(endpoint_url, "history", history)
    directory = write_directory(writer, accounts)
    reserved = write_reserved_roles(directory, iam_of, lambda account: places(keys_of[account]))
    keys = write_resources(writer, places)
    return DemoOrganisation(
        endpoint_url, HOME_REGION, organization_id, accounts, units, guardrails, directory, reserved, keys
    )


def people_csv() -> str:
    """The company's staff list as a personnel system would export it: email, manager, department, status."""
    rows = ["email,name,title,department,manager,status"]
    for person in PEOPLE:
        status = "left" if person.status == "DISABLED" else "active"
        title = f'"{person.title}"' if "," in person.title else person.title
        name = f"{person.given} {person.family}"
        rows.append(f"{person.user_name},{name},{title},{person.department},{person.manager},{status}")
    return "\n".join(rows) + "\n"


def _write_organisation(writer: Writer) -> tuple[str, dict[str, str], dict[str, str], dict[str, str]]:
    """The organisation, its units, accounts and policies: (id, accounts by key, units by path, policies by name)."""
    client = writer.client("organizations")
    organization = client.create_organization(FeatureSet="ALL")["Organization"]
    root = client.list_roots()["Roots"][0]["Id"]
    for kind in ("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY", "TAG_POLICY"):
        client.enable_policy_type(RootId=root, PolicyType=kind)
    units = {"": root}
    for path in UNITS:
        parent, _, name = path.rpartition("/")
        answer = client.create_organizational_unit(ParentId=units[parent], Name=name)
        units[path] = answer["OrganizationalUnit"]["Id"]
    accounts = {"management": organization["MasterAccountId"]}
    for key, (name, path) in ACCOUNTS.items():
        if key == "management":
            continue
        tags = {"environment": _ENVIRONMENTS.get(key, "shared")} | ({"owner": _owner(key)} if _owner(key) else {})
        answer = client.create_account(
            AccountName=name, Email=f"aws+{name}@{company.DOMAIN}", RoleName=MEMBER_ROLE, Tags=tag_list(tags)
        )
        accounts[key] = answer["CreateAccountStatus"]["AccountId"]
        client.move_account(AccountId=accounts[key], SourceParentId=root, DestinationParentId=units[path])
    client.tag_resource(
        ResourceId=accounts["management"], Tags=tag_list({"environment": "shared", "owner": _owner("management")})
    )
    name = ACCOUNTS["management"][0]
    facts = {accounts["management"]: {"name": name, "email": f"aws+{name}@{company.DOMAIN}"}}
    control(writer.endpoint_url, "accounts", facts)
    guardrails = {}
    for each in GUARDRAILS:
        places = dict(accounts) | {"org": organization["Id"]}
        guardrails[each.name] = client.create_policy(
            Name=each.name, Type=each.kind, Description=each.description, Content=render(each.document, places)
        )["Policy"]["PolicySummary"]["Id"]
        for target in each.targets:
            found = accounts[target.removeprefix("account:")] if target.startswith("account:") else units[target]
            client.attach_policy(PolicyId=guardrails[each.name], TargetId=found)
    for service in SERVICE_ACCESS:
        client.enable_aws_service_access(ServicePrincipal=service)
    for key, service in DELEGATED:
        client.register_delegated_administrator(AccountId=accounts[key], ServicePrincipal=service)
    return organization["Id"], accounts, units, guardrails


def _owner(account: str) -> str:
    """The address of who answers for an account; nobody was ever named for the log archive."""
    if account == "logs":
        return ""
    names = {"prod": "hannah.fischer", "dev": "hannah.fischer", "sandbox": "priya.raman"}
    return f"{names.get(account, 'marcus.lindholm')}@{company.DOMAIN}"
