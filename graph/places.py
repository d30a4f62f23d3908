"""What the inventory says outright, as graph rows: accounts, people, principals, their policies and where they are."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import datetime

from graph.entitled import entitlement_id
from graph.rows import GraphRows
from graph.subjects import Subject
from graph.world import World
from model.entities import IamPrincipal, Role, User
from model.inventory import Inventory

_NOT_HUMAN = re.compile(r"(^|[-_.@])(svc|service|bot|ci|cd|automation|robot|system|app)([-_.@\d]|$)", re.IGNORECASE)


def add_places(rows: GraphRows, world: World) -> None:
    """Adds every node and edge that needs no decision; resources and their policies come account by account."""
    inventory = world.inventory
    _organization(rows, inventory)
    _policies(rows, inventory)
    _principals(rows, inventory)
    for subject in world.subjects.all:
        _subject(rows, inventory, subject)
    _directory(rows, inventory)


def known(value: bool | None) -> str:
    """Three-valued truth in words: what is not known is never a no."""
    return "unknown" if value is None else "yes" if value else "no"


def _organization(rows: GraphRows, inventory: Inventory) -> None:
    organization = inventory.organization
    for account in inventory.data.accounts:
        unit = account.path[-1] if account.path else ""
        rows.node(
            "Account",
            f"account:{account.id}",
            account.name or account.alias or account.id,
            account_id=account.id,
            email=account.email,
            status=account.status,
            unit=unit,
            collected=account.collected and account.id not in inventory.data.unread_principals,
        )
    units = organization.units if organization else ()
    for unit_ in units:
        rows.node("OrgUnit", unit_.id, unit_.name or unit_.id, unit_id=unit_.id)
    for unit_ in units:
        if unit_.parent and rows.has("OrgUnit", unit_.parent):
            rows.edge("IN_UNIT", ("OrgUnit", unit_.id), ("OrgUnit", unit_.parent))
    for account in inventory.data.accounts:
        if account.path and rows.has("OrgUnit", account.path[-1]):
            rows.edge("IN_UNIT", ("Account", f"account:{account.id}"), ("OrgUnit", account.path[-1]))


def _policies(rows: GraphRows, inventory: Inventory) -> None:
    for policy in inventory.data.policies:
        rows.node("Policy", policy.arn, policy.name, arn=policy.arn, type="managed", aws_managed=policy.aws_managed)
    organization = inventory.organization
    for guardrail in organization.policies if organization else ():
        rows.node(
            "Policy",
            guardrail.arn,
            guardrail.name,
            arn=guardrail.arn,
            type=guardrail.kind,
            aws_managed=guardrail.aws_managed,
        )
        for target in guardrail.targets:
            if rows.has("OrgUnit", target):
                rows.edge("GUARDS", ("Policy", guardrail.arn), ("OrgUnit", target))
            elif rows.has("Account", f"account:{target}"):
                rows.edge("GUARDS", ("Policy", guardrail.arn), ("Account", f"account:{target}"))


def _principals(rows: GraphRows, inventory: Inventory) -> None:
    for group in inventory.data.groups:
        rows.node("UserGroup", group.arn, group.name, arn=group.arn, account_id=group.account)
        _in_account(rows, ("UserGroup", group.arn), group.account)
        _holds(rows, "UserGroup", group)
    for user in inventory.data.users:
        rows.node(
            "User",
            user.arn,
            user.name,
            arn=user.arn,
            account_id=user.account,
            mfa=known(user.mfa),
            password=known(user.password),
            key_age_days=_key_age(user, inventory.data.taken),
            path=user.path,
        )
        _holds(rows, "User", user)
        _bounded(rows, "User", user)
        for group_arn in user.groups:
            if rows.has("UserGroup", group_arn):
                rows.edge("MEMBER_OF", ("User", user.arn), ("UserGroup", group_arn))
    for role in inventory.data.roles:
        rows.node(
            "Role",
            role.arn,
            role.name,
            arn=role.arn,
            account_id=role.account,
            path=role.path,
            service_linked=role.service_linked,
            permission_set=role.permission_set_name or "",
            last_used=role.last_used,
        )
        _holds(rows, "Role", role)
        _bounded(rows, "Role", role)
        trust = f"{role.arn}#trust"
        rows.node("Policy", trust, f"trust of {role.name}", arn=trust, type="trust", aws_managed=False)


def _in_account(rows: GraphRows, node: tuple[str, str], account: str) -> None:
    if rows.has("Account", f"account:{account}"):
        rows.edge("IN_ACCOUNT", node, ("Account", f"account:{account}"))


def _holds(rows: GraphRows, kind: str, holder: IamPrincipal) -> None:
    for inline in holder.inline:
        key = f"{holder.arn}#inline:{inline.name}"
        rows.node("Policy", key, inline.name, arn=key, type="inline", aws_managed=False)
        rows.edge("HAS_POLICY", (kind, holder.arn), ("Policy", key), how="inline")
    for arn in holder.attached:
        _managed(rows, arn)
        rows.edge("HAS_POLICY", (kind, holder.arn), ("Policy", arn), how="attached")


def _managed(rows: GraphRows, arn: str) -> None:
    """A managed policy that something uses, also where its document was not read."""
    rows.node("Policy", arn, arn.rsplit("/", 1)[-1], arn=arn, type="managed", aws_managed=":aws:policy/" in arn)


def _bounded(rows: GraphRows, kind: str, holder: User | Role) -> None:
    if holder.boundary:
        _managed(rows, holder.boundary)
        rows.edge("BOUNDED_BY", (kind, holder.arn), ("Policy", holder.boundary))


def _key_age(user: User, taken: str) -> int | None:
    """Days since the oldest active key was made; -1 for no active key, ``None``: when is not known."""
    active = [key for key in user.keys if key.active]
    if not active:
        return -1
    dates = [key.rotated for key in active if key.rotated]
    if not dates:
        return None
    now = datetime.fromisoformat(taken)
    return max((now - datetime.fromisoformat(date)).days for date in dates)


def _subject(rows: GraphRows, inventory: Inventory, subject: Subject) -> None:
    key, kind = subject.key, subject.kind
    if kind == "RootUser":
        rows.node("RootUser", key, f"root user of {subject.account}", arn=key, account_id=subject.account)
    elif kind == "Provider":
        provider = inventory.providers.get(key)
        saml = provider.kind == "saml" if provider else ":saml-provider/" in key
        name = (provider.url if provider else "") or key.rsplit("/", 1)[-1]
        rows.node("Provider", key, name, arn=key, account_id=subject.account, type="saml" if saml else "oidc")
    elif kind == "Service":
        rows.node("Service", key, key)
    elif kind == "Outsider":
        rows.node("Outsider", key, key, account_id=subject.account)
    elif kind == "Anonymous":
        rows.node("Anonymous", key, "anyone on the internet")
    if kind in ("User", "Role", "RootUser", "Provider") and not subject.lost and subject.account:
        _in_account(rows, (kind, key), subject.account)


def _directory(rows: GraphRows, inventory: Inventory) -> None:
    data = inventory.data
    people = {person.user.id: key for key, person in inventory.people.items()}
    present = {*people, *(group.id for group in data.directory_groups)}
    for key, person in inventory.people.items():
        user = person.user
        rows.node(
            "Person",
            key,
            user.display_name or user.user_name,
            email=user.emails[0] if user.emails else "",
            user_name=user.user_name,
            active=known(user.active),
            human=not _NOT_HUMAN.search(user.user_name),
        )
    for group in data.directory_groups:
        rows.node("DirectoryGroup", group.id, group.name)
        for member in group.members:
            if member in people:
                rows.edge("MEMBER_OF", ("Person", people[member]), ("DirectoryGroup", group.id))
    for item in data.permission_sets:
        rows.node("PermissionSet", item.arn, item.name, arn=item.arn)
        for arn in item.attached:
            _managed(rows, arn)
            rows.edge("HAS_POLICY", ("PermissionSet", item.arn), ("Policy", arn), how="attached")
    orphans = set(inventory.orphans)
    for assignment in data.assignments:
        source = _assignee(rows, people, assignment.principal_type, assignment.principal_id)
        if rows.has("PermissionSet", assignment.permission_set):
            rows.edge(
                "ASSIGNED",
                source,
                ("PermissionSet", assignment.permission_set),
                apart=assignment.account,
                account_id=assignment.account,
                orphan=assignment in orphans,
            )
    for entitlement in data.entitlements:
        source = _assignee(rows, people, entitlement.principal_type, entitlement.principal_id)
        if rows.has("Role", entitlement.role):
            rows.edge(
                "ENTITLED",
                source,
                ("Role", entitlement.role),
                apart=entitlement_id(entitlement),
                application=entitlement.application,
                entitlement=entitlement.id,
                orphan=bool(data.centers) and entitlement.principal_id not in present,
            )
    by_name: defaultdict[str, list[str]] = defaultdict(list)
    for item in data.permission_sets:
        by_name[item.name].append(item.arn)
    for role in data.roles:
        for arn in by_name.get(role.permission_set_name or "", ()):
            rows.edge("PROVISIONS", ("PermissionSet", arn), ("Role", role.arn))


def _assignee(rows: GraphRows, people: dict[str, str], kind: str, id: str) -> tuple[str, str]:
    """The node of an assignment's principal; one the identity store no longer has is named by its id."""
    if kind == "USER":
        key = people.get(id, f"person:{id}")
        rows.node("Person", key, f"deleted user {id}", email="", user_name=id, active="unknown", human=True)
        return "Person", key
    rows.node("DirectoryGroup", id, f"deleted group {id}")
    return "DirectoryGroup", id
