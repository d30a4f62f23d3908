"""Whom Principal elements, grants and shares name, as an index: who is concerned without asking everybody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass

from graph.subjects import STRANGERS, Subject
from model.entities import Resource
from policy.document import Document, Statement
from policy.principals import PrincipalElement
from policy.request import normal_service

#: A name: an ARN, an id or a service; ("account", id); ("role", account, name); ("federated",); ``STRANGER``.
Name = Hashable

#: The name that all services and principals of foreign accounts have.
STRANGER: Name = ("stranger",)


@dataclass(frozen=True, slots=True)
class Named:
    """Whom something names; ``everyone``: it may be about anybody."""

    names: frozenset[Name]
    everyone: bool = False

    def __or__(self, other: Named) -> Named:
        return Named(self.names | other.names, self.everyone or other.everyone)


NOBODY = Named(frozenset())


def names_of(subject: Subject) -> Iterator[Name]:
    """Every name under which an element can mean a subject."""
    yield subject.key
    if subject.kind in STRANGERS:
        yield STRANGER
    if subject.account:
        yield "account", subject.account
    if subject.caller is None:
        return
    principal = subject.caller.principal
    if principal.unique_id:
        yield principal.unique_id
    if principal.canonical_id:
        yield principal.canonical_id
    if principal.account and principal.role_name:
        yield "role", principal.account, principal.role_name
    if principal.kind in ("role", "session") and principal.role_arn:
        yield principal.role_arn
    if principal.kind == "service":
        yield normal_service(principal.text)
    elif principal.kind in ("oidc-provider", "saml-provider"):
        yield ("federated",)
    if principal.kind == "federated-user":
        yield "federated-user", principal.account


def named_by(document: Document) -> Named:
    """Whom the Allow statements of a document with Principal elements may be about."""
    found = NOBODY
    for statement in document.statements:
        if statement.allows:
            found |= named_in_statement(statement)
    return found


def named_in_statement(statement: Statement) -> Named:
    """Whom a statement's Principal element may be about; without one it is about nobody."""
    element = statement.principal_element
    if element is None:
        return NOBODY
    return Named(frozenset(_names_in(element)), element.anybody)


def _names_in(element: PrincipalElement) -> Iterator[Name]:
    for account in element.accounts:
        yield "account", account
    yield from element.names
    yield from element.unique_ids
    yield from element.canonical
    for account, name in (*element.role_names, *element.sessions):
        yield "role", account, name
    for service in element.services:
        yield normal_service(service)
    yield from element.federated
    if element.any_federated:
        yield ("federated",)
    # A federated user's session may be that of any user of its account that is named (L5).
    for name in element.names:
        parts = name.split(":", 5)
        if len(parts) == 6 and parts[5].startswith("user/"):
            yield "federated-user", parts[4]


def granted_by_name(resource: Resource) -> frozenset[Name]:
    """Names of whom the grants of a KMS key are for, who need no Allow of their own, wherever they are (semantics L7).

    A grant to an account leaves that to the account.
    """
    named = (name for principal in resource.granted_to for name in grantee(principal).names)
    return frozenset(name for name in named if not isinstance(name, tuple) or name[0] != "account")


def grantee(name: str) -> Named:
    """Whom a KMS grant is for: services are meant without their region (P3), a session's ARN by its role."""
    parts = name.split(":", 5)
    if len(parts) != 6:
        return Named(frozenset({name, normal_service(name)}))
    names: set[Name] = {name}
    kind, _, rest = parts[5].partition("/")
    if kind == "root":
        names.add(("account", parts[4]))
    if kind == "assumed-role":
        names.add(("role", parts[4], rest.partition("/")[0]))
    elif kind == "role":
        names.add(("role", parts[4], rest.rpartition("/")[2]))
    elif kind == "user":
        names.add(("federated-user", parts[4]))
    return Named(frozenset(names))


def written(name: Name) -> str:
    """A name as text, for tables."""
    return name if isinstance(name, str) else ":".join(map(str, name)) if isinstance(name, tuple) else str(name)


class SubjectIndex:
    """Subjects by every name they have."""

    def __init__(self, subjects: Iterable[Subject]) -> None:
        self._by_name: defaultdict[Name, list[Subject]] = defaultdict(list)
        for subject in subjects:
            for name in dict.fromkeys(names_of(subject)):
                self._by_name[name].append(subject)

    def named(self, names: Iterable[Name]) -> dict[int, Subject]:
        """The subjects that have one of these names, by index."""
        return {subject.index: subject for name in names for subject in self._by_name.get(name, ())}
