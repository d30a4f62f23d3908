"""Writes Identity Center: the directory, the permission sets, the assignments, and the roles AWS makes of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from collectors.demo.access import (
    GROUP_ASSIGNMENTS,
    ORPHAN_ASSIGNMENT,
    PERMISSION_SETS,
    SESSION_TAGS,
    USER_ASSIGNMENTS,
)
from collectors.demo.company import DOMAIN, GROUPS, HOME_REGION, LEAVER, PEOPLE
from collectors.demo.documents import policy, render, trust
from collectors.demo.server import control
from collectors.demo.specs import Person, RoleSpec
from collectors.demo.write_iam import tag_list, write_role, write_saml_provider
from collectors.demo.writer import Writer

RESERVED_PATH = f"/aws-reserved/sso.amazonaws.com/{HOME_REGION}/"


@dataclass(frozen=True, slots=True)
class Assignment:
    """One account assignment; `principal_type` is USER or GROUP, `account` twelve digits."""

    principal_type: str
    principal_id: str
    permission_set: str
    account: str


@dataclass(frozen=True, slots=True)
class Directory:
    """Identity Center as written: ids by user name, group name and permission set name."""

    instance_arn: str
    identity_store_id: str
    users: Mapping[str, str]
    groups: Mapping[str, str]
    permission_sets: Mapping[str, str]
    assignments: tuple[Assignment, ...]
    orphan: Assignment


def write_directory(writer: Writer, accounts: Mapping[str, str]) -> Directory:
    """Create the directory and its assignments. `accounts`: account key to id."""
    sso, store = writer.client("sso-admin"), writer.client("identitystore")
    instance = sso.list_instances()["Instances"][0]
    arn, store_id = instance["InstanceArn"], instance["IdentityStoreId"]
    users = {person.user_name: _write_user(store, store_id, person) for person in (*PEOPLE, LEAVER)}
    groups: dict[str, str] = {}
    for name, (description, members) in GROUPS.items():
        answer = store.create_group(IdentityStoreId=store_id, DisplayName=name, Description=description)
        groups[name] = answer["GroupId"]
        for member in members:
            store.create_group_membership(
                IdentityStoreId=store_id, GroupId=groups[name], MemberId={"UserId": users[member]}
            )
    permission_sets = dict(_write_permission_sets(sso, arn, accounts))
    attributes = [{"Key": key, "Value": {"Source": [source]}} for key, source in SESSION_TAGS.items()]
    sso.create_instance_access_control_attribute_configuration(
        InstanceArn=arn, InstanceAccessControlAttributeConfiguration={"AccessControlAttributes": attributes}
    )
    *assignments, orphan = _assignments(users, groups, accounts)
    for each in (*assignments, orphan):
        sso.create_account_assignment(
            InstanceArn=arn,
            TargetId=each.account,
            TargetType="AWS_ACCOUNT",
            PermissionSetArn=permission_sets[each.permission_set],
            PrincipalType=each.principal_type,
            PrincipalId=each.principal_id,
        )
    store.delete_user(IdentityStoreId=store_id, UserId=users.pop(LEAVER.user_name))
    control(writer.endpoint_url, "people", {users[person.user_name]: _facts(person) for person in PEOPLE})
    return Directory(arn, store_id, users, groups, permission_sets, tuple(assignments), orphan)


def write_reserved_roles(
    directory: Directory, iam_of: Callable[[str], Any], places_of: Callable[[str], Mapping[str, str]]
) -> dict[tuple[str, str], str]:
    """The role of every (permission set, account id) with an assignment, made as AWS makes it; returns their ARNs.

    The emulator does not make them by itself. `iam_of` and `places_of` take an account id.
    """
    wanted = sorted({(each.permission_set, each.account) for each in (*directory.assignments, directory.orphan)})
    declared = {each.name: each for each in PERMISSION_SETS}
    arns: dict[tuple[str, str], str] = {}
    for account in sorted({account for _, account in wanted}):
        write_saml_provider(iam_of(account), places_of(account)["idp"])
    federated = trust(
        {"Federated": "arn:aws:iam::@self@:saml-provider/@idp@"},
        action=["sts:AssumeRoleWithSAML", "sts:TagSession"],
        when={"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}},
    )
    for name, account in wanted:
        spec = declared[name]
        role = RoleSpec(
            f"AWSReservedSSO_{name}_{digest(account, name)}",
            policy(federated),
            managed=(*spec.managed, *(f"arn:aws:iam::@self@:policy/{each}" for each in spec.customer_managed)),
            inline={"AwsSSOInlinePolicy": spec.inline} if spec.inline else {},
            boundary=spec.boundary,
            path=RESERVED_PATH,
            description=spec.description,
        )
        write_role(iam_of(account), role, places_of(account))
        arns[name, account] = f"arn:aws:iam::{account}:role{RESERVED_PATH}{role.name}"
    return arns


def digest(*parts: str) -> str:
    """Sixteen hexadecimal digits that depend on nothing but `parts`: AWS's are random."""
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]


def _write_user(store: Any, store_id: str, person: Person) -> str:
    answer = store.create_user(
        IdentityStoreId=store_id,
        UserName=person.user_name,
        DisplayName=f"{person.given} {person.family}",
        Name={"GivenName": person.given, "FamilyName": person.family},
        Emails=[{"Value": person.user_name, "Type": "work", "Primary": True}],
        Title=person.title,
        UserType=person.kind,
        Locale="en-GB",
        Timezone="Europe/Dublin",
    )
    return str(answer["UserId"])


def _facts(person: Person) -> dict[str, Any]:
    """What the identity provider's synchronisation sets, which the API does not take."""
    external = {"Issuer": f"https://login.{DOMAIN}/scim/v2", "Id": f"00u{digest(person.user_name)}"}
    return {"ExternalIds": [external], "UserStatus": person.status}


def _write_permission_sets(sso: Any, instance_arn: str, accounts: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    for spec in PERMISSION_SETS:
        arn = sso.create_permission_set(
            InstanceArn=instance_arn,
            Name=spec.name,
            Description=spec.description,
            SessionDuration=spec.duration,
            Tags=tag_list(spec.tags),
        )["PermissionSet"]["PermissionSetArn"]
        which = {"InstanceArn": instance_arn, "PermissionSetArn": arn}
        for managed in spec.managed:
            sso.attach_managed_policy_to_permission_set(**which, ManagedPolicyArn=managed)
        for name in spec.customer_managed:
            sso.attach_customer_managed_policy_reference_to_permission_set(
                **which, CustomerManagedPolicyReference={"Name": name, "Path": "/"}
            )
        if spec.boundary:
            sso.put_permissions_boundary_to_permission_set(
                **which, PermissionsBoundary={"ManagedPolicyArn": spec.boundary}
            )
        if spec.inline:
            sso.put_inline_policy_to_permission_set(**which, InlinePolicy=render(spec.inline, accounts))
        yield spec.name, arn


def _assignments(
    users: Mapping[str, str], groups: Mapping[str, str], accounts: Mapping[str, str]
) -> Iterable[Assignment]:
    """Every declared assignment, the orphan last."""
    for group, permission_set, keys in GROUP_ASSIGNMENTS:
        for key in keys:
            yield Assignment("GROUP", groups[group], permission_set, accounts[key])
    for user_name, permission_set, key in (*USER_ASSIGNMENTS, ORPHAN_ASSIGNMENT):
        yield Assignment("USER", users[user_name], permission_set, accounts[key])
