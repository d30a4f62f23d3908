"""Subjects: everybody an answer can name as the one who has access, each in the sessions that decide differently.

A role is up to two subjects: asked directly (or assumed by a user with an MFA device) its session may carry MFA; after
a second role hop, from Identity Center, a service or a provider it cannot (semantics L14, U3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cached_property
from typing import NamedTuple

from model.arn import account_of, is_account_id
from model.entities import Resource
from model.inventory import Inventory, InventoryData
from policy.assemble import Assembler
from policy.conditions import Condition
from policy.context import Caller
from policy.document import Document, parse_document
from policy.errors import PolicyError, PrincipalError
from policy.jsontext import unescaped
from policy.principals import PrincipalElement
from policy.request import PLAIN_PROVIDERS, Principal, is_service, normal_service
from policy.s3 import LOG_DELIVERY, LOG_DELIVERY_GROUP
from policy.shares import shared_with

ANONYMOUS = "anonymous"

#: Kinds of those whom nobody collected: a build lists whom a policy names.
STRANGERS = ("Service", "Outsider")


class Subject:
    """``key`` is the name in answers and in the graph, ``kind`` the graph's node kind.

    ``caller`` is ``None`` for a person, who acts through roles alone; it may be given as what makes it when it is first
    asked for. ``lost`` marks the session without MFA of a role that also has one with.
    """

    __slots__ = ("_caller", "account", "index", "key", "kind", "lost")

    def __init__(
        self,
        index: int,
        key: str,
        kind: str,
        caller: Caller | Callable[[Subject], Caller] | None,
        lost: bool = False,
        account: str = "",
    ) -> None:
        self.index = index
        self.key = key
        self.kind = kind
        self.lost = lost
        self.account = account
        self._caller = caller

    @property
    def caller(self) -> Caller | None:
        if callable(self._caller):
            self._caller = self._caller(self)
        return self._caller

    @property
    def is_role(self) -> bool:
        return self.kind == "Role"

    def __repr__(self) -> str:
        return f"Subject({self.index}, {self.key!r}, {self.kind}{', lost' if self.lost else ''})"


class Listed(NamedTuple):
    """A subject as a build lists it."""

    key: str
    kind: str
    lost: bool
    account: str


class Subjects:
    """All subjects of an inventory, in a fixed order; ``by_key`` finds the one a direct question is about."""

    def __init__(self, assembler: Assembler, listed: Iterable[Listed] | None = None) -> None:
        self._assembler = assembler
        self.all: list[Subject] = []
        self.by_key: dict[str, Subject] = {}
        self._lost: dict[str, Subject] = {}
        self.splits_mfa = False
        if listed is None:
            listed = list_subjects(assembler, mentioned(assembler.inventory.all_resources()))
        for one in listed:
            caller = None if one.kind == "Person" else self._caller
            subject = Subject(len(self.all), one.key, one.kind, caller, one.lost, one.account)
            self.all.append(subject)
            if one.lost:
                self._lost[one.key] = subject
                self.splits_mfa = True
            else:
                self.by_key[one.key] = subject

    def _caller(self, subject: Subject) -> Caller:
        inventory = self._assembler.inventory
        entity = inventory.users.get(subject.key) or inventory.roles.get(subject.key)
        principal = Principal.parse(
            subject.key.removeprefix("account:"), unique_id=None if entity is None else entity.id
        )
        return self._assembler.caller(principal, mfa_lost=subject.lost)

    def session(self, role_arn: str, *, lost: bool) -> Subject:
        """The subject of a role's session that does, or does not, still have a chance of MFA."""
        if lost and role_arn in self._lost:
            return self._lost[role_arn]
        return self.by_key[role_arn]

    def roles(self) -> Iterator[Subject]:
        return (subject for subject in self.all if subject.is_role)

    def deciding(self) -> Iterator[Subject]:
        """Subjects that requests are decided for: all but people."""
        return (subject for subject in self.all if subject.kind != "Person")

    @cached_property
    def strangers(self) -> list[Subject]:
        """Services, and principals of accounts where nobody read them."""
        return [subject for subject in self.all if subject.kind in STRANGERS]

    def collected(self) -> Iterator[Subject]:
        """Principals of the organisation's own accounts: users, roles in each of their sessions, root users."""
        return (subject for subject in self.all if subject.kind in ("User", "Role", "RootUser"))


class Mentioned(NamedTuple):
    """What resources tell of subjects: (key, node kind) of whom their policies name, whether one asks about MFA, the
    accounts with one that may let in everybody."""

    names: frozenset[tuple[str, str]]
    mfa: bool
    everybody: frozenset[str] = frozenset()

    def __or__(self, other: Mentioned) -> Mentioned:
        return Mentioned(self.names | other.names, self.mfa or other.mfa, self.everybody | other.everybody)


NOTHING = Mentioned(frozenset(), mfa=False)


def mentioned(resources: Iterable[Resource]) -> Mentioned:
    """Whom the policies, ACLs and KMS grants of resources name, inside the organisation or out of it."""
    found: set[tuple[str, str]] = set()
    mfa = False
    everybody: set[str] = set()
    for resource in resources:
        if resource.policy is None:
            everybody.add(resource.account)
        elif resource.policy:
            mfa = mfa or mentions_mfa(resource.policy)
            # One that is no policy names nobody; whose it is is said where it is decided about.
            with suppress(PolicyError):
                document = parse_document(resource.policy)
                found.update(whom_it_names(document))
                if any(statement.lets_in_anybody for statement in document.statements):
                    everybody.add(resource.account)
        if resource.s3 is not None and any(one.grantee == LOG_DELIVERY_GROUP for one in resource.s3.acl or ()):
            found.add((LOG_DELIVERY, "Service"))
        for principal in resource.granted_to:
            if not principal.startswith("arn:"):
                found.add((normal_service(principal), "Service"))
            elif account_of(principal):
                found.add((principal, "Outsider"))
    return Mentioned(frozenset(found), mfa, frozenset(everybody))


def list_subjects(assembler: Assembler, of_resources: Mentioned) -> list[Listed]:
    """Every subject: users, roles (in both sessions where a policy asks about MFA), root users, providers, whom
    policies name beyond them, anybody unsigned, people."""
    inventory = assembler.inventory
    data = inventory.data
    splits = of_resources.mfa or any(map(mentions_mfa, texts_beside_resources(data)))
    found = [Listed(user.arn, "User", False, user.account) for user in data.users]
    for role in data.roles:
        found.append(Listed(role.arn, "Role", False, role.account))
        if splits and role.permission_set_name is None:
            found.append(Listed(role.arn, "Role", True, role.account))
    found += [Listed(account.root_arn, "RootUser", False, account.id) for account in data.accounts]
    found += [Listed(provider.arn, "Provider", False, account_of(provider.arn)) for provider in data.providers]
    known = {one.key for one in found}
    for key, kind in sorted(_beyond(assembler, of_resources.names)):
        if key not in known:
            known.add(key)
            found.append(Listed(key, kind, False, Principal.parse(key.removeprefix("account:")).account or ""))
    found.append(Listed(ANONYMOUS, "Anonymous", False, ""))
    return found + [Listed(key, "Person", False, "") for key in sorted(inventory.people)]


def _beyond(assembler: Assembler, of_resources: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Who is named beyond what was collected: services, known providers, accounts whose principals were not read
    (foreign ones, and members that refused) and their principals."""
    inventory = assembler.inventory
    read = inventory.accounts.keys() - inventory.data.unread_principals
    named = set(of_resources)
    for id, text in _unplaced(inventory.data):
        document = assembler.ref(id, text).document
        if document is not None:
            named.update(whom_it_names(document))
    for key, kind in named:
        account = key.removeprefix("account:") if is_account_id(key.removeprefix("account:")) else account_of(key)
        if kind == "Outsider" and account in read:
            continue
        if kind == "Provider" and account and account not in inventory.accounts:
            continue
        if _parses(key):
            yield key, kind
    for key in (name for share in inventory.data.shares for name in shared_with(share)):
        account = account_of(key) or key.removeprefix("account:")
        if _parses(key) and account not in read:
            yield key, "Outsider" if is_account_id(account) else "Service"


def _unplaced(data: InventoryData) -> Iterator[tuple[str, str | None]]:
    """The policies beside those on resources that say who is let in: trusts, those of access points, and resource
    control policies."""
    yield from ((f"{role.arn}#trust", role.trust) for role in data.roles)
    yield from ((f"{point.arn}#policy", point.policy) for point in data.access_points if point.policy)
    for policy in data.organization.policies if data.organization else ():
        if policy.kind == "rcp":
            yield policy.arn, policy.document


def whom_it_names(document: Document) -> Iterator[tuple[str, str]]:
    """(key, node kind) of everybody whom a document lets in by name: by the Principals of allowing statements, by
    conditions of those that are about everybody, and whom denials spare."""
    for statement in document.statements:
        element = statement.principal_element
        if element is None:
            continue
        if statement.allows is not element.negated:
            yield from _listed_in(element)
        # Beside a Principal that is a name conditions narrow down who is listed already. Denials spare whom the values
        # of operators such as StringNotEquals name.
        if not statement.allows or element.anybody:
            for condition in statement.conditions:
                if condition.operator.negated is not statement.allows:
                    yield from _asked_for(condition)


def _listed_in(element: PrincipalElement) -> Iterator[tuple[str, str]]:
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


#: Keys of the account that calls.
_CALLING_ACCOUNT = frozenset({"aws:principalaccount", "kms:calleraccount", "aws:sourceowner"})


def _asked_for(condition: Condition) -> Iterator[tuple[str, str]]:
    """Whom the values of a condition on the caller name; patterns of ARNs name the account that they are about."""
    key = condition.key
    for value in condition.values:
        if key in _CALLING_ACCOUNT and is_account_id(value):
            yield f"account:{value}", "Outsider"
        elif key == "aws:principalarn":
            account = account_of(value)
            if any(mark in value for mark in "*?$") or value.endswith(":root"):
                if is_account_id(account):
                    yield f"account:{account}", "Outsider"
            elif account and value.startswith("arn:"):
                yield value, "Outsider"
        elif key == "aws:principalservicename" and is_service(value):
            yield value, "Service"
        elif key == "aws:principalservicenameslist" and is_service(value):
            yield normal_service(value), "Service"


def _parses(key: str) -> bool:
    try:
        Principal.parse(key.removeprefix("account:"))
    except PrincipalError:
        return False
    return True


def mentions_mfa(text: str) -> bool:
    """Whether a policy asks about MFA; where none does, a role's two sessions decide alike."""
    return "multifactorauth" in unescaped(text).lower()


def texts(inventory: Inventory) -> Iterator[str]:
    """The text of every policy document of an inventory."""
    yield from texts_beside_resources(inventory.data)
    yield from (resource.policy or "" for resource in inventory.all_resources())


def texts_beside_resources(data: InventoryData) -> Iterator[str]:
    """The texts of policies that are not on resources."""
    for holder in (*data.users, *data.roles, *data.groups):
        for inline in holder.inline:
            yield inline.document
    for role in data.roles:
        yield role.trust
    for policy in data.policies:
        yield policy.document or ""
    for point in data.access_points:
        yield point.policy or ""
    for share in data.shares:
        yield from (permission.template or "" for permission in share.permissions or ())
    for guardrail in data.organization.policies if data.organization else ():
        yield guardrail.document or ""
