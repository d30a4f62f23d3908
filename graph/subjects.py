"""Subjects: everybody an answer can name as the one who has access, each in the sessions that decide differently.

A role is up to two subjects: asked directly (or assumed by a user with an MFA device) its session may carry MFA; after
a second role hop, from Identity Center, a service or a provider it cannot (semantics L14, U3).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from model.arn import is_account_id
from model.inventory import InventoryData
from policy.assemble import Assembler
from policy.context import Caller
from policy.document import Document
from policy.errors import PrincipalError
from policy.request import PLAIN_PROVIDERS, Principal, normal_service
from policy.shares import shared_with

ANONYMOUS = "anonymous"


@dataclass(frozen=True, eq=False)
class Subject:
    """``key`` is the name in answers and in the graph, ``kind`` the graph's node kind.

    ``caller`` is ``None`` for a person, who acts through roles alone. ``lost`` marks the session without MFA of a role
    that also has one with.
    """

    index: int
    key: str
    kind: str
    caller: Caller | None
    lost: bool = False
    account: str = ""

    @property
    def is_role(self) -> bool:
        return self.kind == "Role"


class Subjects:
    """All subjects of an inventory, in a fixed order; ``by_key`` finds the one a direct question is about."""

    def __init__(self, assembler: Assembler) -> None:
        self._assembler = assembler
        self.all: list[Subject] = []
        self.by_key: dict[str, Subject] = {}
        self._lost: dict[str, Subject] = {}
        self.splits_mfa = _reads_mfa(assembler)
        inventory = assembler.inventory
        for user in inventory.data.users:
            self._add(user.arn, "User", Principal.parse(user.arn, unique_id=user.id))
        for role in inventory.data.roles:
            principal = Principal.parse(role.arn, unique_id=role.id)
            self._add(role.arn, "Role", principal)
            if self.splits_mfa and role.permission_set_name is None:
                caller = assembler.caller(principal, mfa_lost=True)
                lost = Subject(len(self.all), role.arn, "Role", caller, lost=True, account=role.account)
                self.all.append(lost)
                self._lost[role.arn] = lost
        for account in inventory.data.accounts:
            self._add(account.root_arn, "RootUser", Principal.parse(account.root_arn))
        for provider in inventory.data.providers:
            self._add(provider.arn, "Provider", Principal.parse(provider.arn))
        for key, kind in sorted(_named(assembler)):
            if key not in self.by_key:
                self._add(key, kind, Principal.parse(key.removeprefix("account:")))
        self._add(ANONYMOUS, "Anonymous", Principal.parse(ANONYMOUS))
        for key in sorted(inventory.people):
            self._place(Subject(len(self.all), key, "Person", None))

    def _add(self, key: str, kind: str, principal: Principal) -> None:
        caller = self._assembler.caller(principal)
        self._place(Subject(len(self.all), key, kind, caller, account=principal.account or ""))

    def _place(self, subject: Subject) -> None:
        self.all.append(subject)
        self.by_key[subject.key] = subject

    def session(self, role_arn: str, *, lost: bool) -> Subject:
        """The subject of a role's session that does, or does not, still have a chance of MFA."""
        if lost and role_arn in self._lost:
            return self._lost[role_arn]
        return self.by_key[role_arn]

    def roles(self) -> Iterator[Subject]:
        return (subject for subject in self.all if subject.is_role)

    def deciding(self) -> Iterator[Subject]:
        """Subjects that requests are decided for: all but people."""
        return (subject for subject in self.all if subject.caller is not None)

    def collected(self) -> Iterator[Subject]:
        """Principals of the organisation's own accounts: users, roles in each of their sessions, root users."""
        return (subject for subject in self.all if subject.kind in ("User", "Role", "RootUser"))


def _documents(assembler: Assembler) -> Iterator[tuple[str, Document]]:
    """Every resource and trust policy that could be parsed, with the account it is in."""
    for role in assembler.inventory.data.roles:
        ref = assembler.ref(f"{role.arn}#trust", role.trust)
        if ref.document is not None:
            yield role.account, ref.document
    for resource in assembler.inventory.data.resources:
        if resource.policy:
            ref = assembler.ref(f"{resource.arn}#policy", resource.policy)
            if ref.document is not None:
                yield resource.account, ref.document


def named_in(document: Document) -> Iterator[tuple[str, str]]:
    """(key, node kind) of the services, providers and principals that allowing statements name."""
    for statement in document.statements:
        element = statement.principal_element
        if element is None or not statement.allows or element.negated:
            continue
        for service in element.services:
            yield service, "Service"
        for provider in element.federated:
            if provider in PLAIN_PROVIDERS or provider.startswith("arn:"):
                yield provider, "Provider"
        for account in element.accounts:
            yield f"account:{account}", "Outsider"
        for name in element.names:
            # A root ARN means its account, which is there already.
            if name.startswith("arn:") and not name.endswith(":root"):
                yield name, "Outsider"


def _named(assembler: Assembler) -> set[tuple[str, str]]:
    """Who policies name beyond what was collected: services, known providers, foreign accounts and their principals."""
    inventory = assembler.inventory
    found: set[tuple[str, str]] = set()
    for _, document in _documents(assembler):
        for key, kind in named_in(document):
            account = key.removeprefix("account:") if is_account_id(key.removeprefix("account:")) else _account_of(key)
            if kind == "Outsider" and account in inventory.accounts:
                continue
            if kind == "Provider" and account and account not in inventory.accounts:
                continue
            if _parses(key):
                found.add((key, kind))
    for key in (name for share in inventory.data.shares for name in shared_with(share)):
        account = _account_of(key) or key.removeprefix("account:")
        if _parses(key) and account not in inventory.accounts:
            found.add((key, "Outsider" if is_account_id(account) else "Service"))
    for resource in inventory.data.resources:
        for grant in resource.grants or ():
            account = _account_of(grant.grantee)
            if not grant.grantee.startswith("arn:") and _parses(normal_service(grant.grantee)):
                found.add((normal_service(grant.grantee), "Service"))
            elif account and account not in inventory.accounts and _parses(grant.grantee):
                found.add((grant.grantee, "Outsider"))
    return found


def _account_of(key: str) -> str:
    parts = key.split(":", 5)
    return parts[4] if len(parts) == 6 else ""


def _parses(key: str) -> bool:
    try:
        Principal.parse(key.removeprefix("account:"))
    except PrincipalError:
        return False
    return True


def _reads_mfa(assembler: Assembler) -> bool:
    """Whether any policy asks about MFA; where none does, a role's two sessions decide alike."""
    return any("multifactorauth" in text.lower() for text in texts(assembler.inventory.data))


def texts(data: InventoryData) -> Iterable[str]:
    """The text of every policy document of an inventory."""
    for holder in (*data.users, *data.roles, *data.groups):
        for inline in holder.inline:
            yield inline.document
    for role in data.roles:
        yield role.trust
    for policy in data.policies:
        yield policy.document or ""
    for resource in data.resources:
        yield resource.policy or ""
    for share in data.shares:
        yield from (permission.template or "" for permission in share.permissions or ())
    for guardrail in data.organization.policies if data.organization else ():
        yield guardrail.document or ""
