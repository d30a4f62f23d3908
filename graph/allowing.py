"""Whose own policies may allow something on an ARN: an index of Allow statements by what their patterns begin with.

A resource that everybody may use across accounts is used by those alone whose own policies allow it (semantics L4).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from itertools import islice, takewhile
from typing import NamedTuple

from graph.account_policies import deciding_service
from graph.contents import start_inside
from graph.globs import glob_of, remainders
from graph.naming import granted_by_name, names_of
from graph.subjects import Subject
from model.arn import account_of
from policy.assemble import Assembler
from policy.document import Document, Statement
from policy.inputs import PolicyRef
from policy.patterns import Parts, loosened, matcher, resource_parts

#: Users and roles need an Allow of their own to reach what lies in another account, but for grants of keys (L4, L7).
OWN_POLICIES = ("User", "Role")

#: Of more, where they are so large a share of everybody, the index tells sooner than their own policies.
_MANY = 64
_SHARE = 8


class Entry(NamedTuple):
    """One pattern of a statement, its variables loosened. ``services`` of the actions, ``None``: any; ``account`` of
    all that it can be about, empty: any, or none."""

    parts: Parts
    glob: str
    start: str
    services: frozenset[str] | None
    account: str

    def may_match(self, arn: str, service: str, inside: str) -> bool:
        """Whether it may be about an action of ``service`` on ``arn``, or on contents, which begin with ``inside``."""
        if self.services is not None and service not in self.services:
            return False
        if self.account and self.account != account_of(arn):
            return False
        # Few patterns are asked about more: they are compiled when one is.
        if arn.startswith(self.start) and matcher(self.parts)(arn):
            return True
        near = inside and (self.start.startswith(inside) or inside.startswith(self.start))
        return bool(near and remainders(self.glob, inside))


class Allowing:
    """Users and roles by the Allow statements of their own policies.

    Conditions, and variables whose values are not known, are taken to hold.
    """

    def __init__(self, assembler: Assembler, subjects: Callable[[], Iterable[Subject]]) -> None:
        self._assembler = assembler
        self._subjects = subjects
        self._entries: dict[Document, tuple[Entry, ...]] = {}

    def may(self, subject: Subject, arn: str, service: str, inside: str = "") -> bool:
        """Whether a subject's own policies may allow it an action of ``service`` on ``arn``, or on contents of it."""
        return next(self.those((subject,), arn, service, inside), None) is not None

    def may_use(self, subject: Subject, arn: str, kind: str) -> bool:
        """Whether a subject may use a resource of another account that lets it in, as far as its own policies tell."""
        if subject.kind not in OWN_POLICIES or (subject.caller and subject.caller.principal.kind == "federated-user"):
            return True
        if self.may(subject, arn, deciding_service(kind), start_inside(arn, kind)):
            return True
        key = self._assembler.inventory.container(arn) if kind == "kms:key" else None
        return key is not None and not granted_by_name(key).isdisjoint(names_of(subject))

    def those(self, subjects: Iterable[Subject], arn: str, service: str, inside: str) -> Iterator[Subject]:
        """Of users and roles those of whom ``may`` is true."""
        several = list(subjects)
        many = len(several) > _MANY and self._index.count < _SHARE * len(several)
        if many and all(one.index >= 0 for one in several):
            found = self.on(arn, service, inside)
            yield from (one for one in several if one.index in found)
            return
        known: dict[Document | None, bool] = {None: True}
        for subject in several:
            for ref in self._identity(subject):
                document = ref.document
                if document not in known:
                    known[document] = document is not None and self._allows(document, arn, service, inside)
                if known[document]:
                    yield subject
                    break

    def _identity(self, subject: Subject) -> tuple[PolicyRef, ...]:
        assert subject.caller is not None
        return self._assembler.identity(subject.caller.principal)[0]

    def _allows(self, document: Document, arn: str, service: str, inside: str) -> bool:
        return any(entry.may_match(arn, service, inside) for entry in self._of(document))

    def _of(self, document: Document) -> tuple[Entry, ...]:
        found = self._entries.get(document)
        if found is None:
            found = self._entries[document] = tuple(_entries(document))
        return found

    def on(self, arn: str, service: str, inside: str = "") -> dict[int, Subject]:
        """All users and roles whose own policies may allow them an action of ``service`` on ``arn``, or on contents."""
        index = self._index
        found = {subject.index: subject for subject in index.unread}
        documents: dict[Document, None] = {}
        for account in {"", account_of(arn)}:
            for entry, document in index.near(account, arn):
                if document not in documents and entry.may_match(arn, service, inside):
                    documents[document] = None
        for document in documents:
            found.update((subject.index, subject) for subject in index.holders[document])
        return found

    @cached_property
    def _index(self) -> _Index:
        found = _Index()
        for subject in self._subjects():
            found.count += 1
            documents = {ref.document for ref in self._identity(subject)}
            if None in documents:
                found.unread.append(subject)
            for document in documents:
                if document is not None:
                    found.holders[document].append(subject)
        for document in found.holders:
            for entry in self._of(document):
                found.take(entry, document)
        return found


class _Index:
    """Allow statements of everybody, by the account of a pattern (empty: any, or none) and what it begins with."""

    def __init__(self) -> None:
        self.count = 0
        self.holders: defaultdict[Document, list[Subject]] = defaultdict(list)
        self.unread: list[Subject] = []
        self._by_start: dict[str, defaultdict[str, list[tuple[Entry, Document]]]] = {}
        self._starts: dict[str, list[str]] = {}

    def take(self, entry: Entry, document: Document) -> None:
        self._by_start.setdefault(entry.account, defaultdict(list))[entry.start].append((entry, document))

    def near(self, account: str, arn: str) -> Iterator[tuple[Entry, Document]]:
        """Entries whose beginnings fit an ARN, or something behind it."""
        by_start = self._by_start.get(account)
        if by_start is None:
            return
        starts = self._starts.setdefault(account, sorted(by_start))
        deeper = takewhile(lambda start: start.startswith(arn), islice(starts, bisect_left(starts, arn), None))
        for start in (*(arn[:length] for length in range(len(arn))), *deeper):
            yield from by_start.get(start, ())


def _entries(document: Document) -> Iterator[Entry]:
    for statement in document.statements:
        if statement.allows:
            yield from entries_of(document, statement)


def entries_of(document: Document, statement: Statement) -> Iterator[Entry]:
    """The patterns of a statement of a document: all that it can be about, and maybe more."""
    services = _services(statement)
    for text in statement.resources or ("*",):
        parts = loosened(resource_parts(text, variables=document.version == "2012-10-17"))
        start = parts[0] if parts and isinstance(parts[0], str) else ""
        glob = glob_of(parts)
        yield Entry(parts, glob, start, services, account_of(glob) if _fixed_account(glob) else "")


def _fixed_account(glob: str) -> bool:
    """Whether a pattern is about one account: it names it, and a service whose names hold no colons (S3's keys may)."""
    parts = glob.split(":", 5)
    if len(parts) < 6 or not (len(parts[4]) == 12 and parts[4].isdigit()):
        return False
    return parts[2] != "s3" and "*" not in parts[2] and "?" not in parts[2]


def _services(statement: Statement) -> frozenset[str] | None:
    services = {pattern.partition(":")[0].lower() for pattern in statement.actions or ("*",)}
    return None if any("*" in service or "?" in service for service in services) else frozenset(services)
