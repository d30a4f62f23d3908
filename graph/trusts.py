"""Roles by whom their trust policies may let in, and whose own policies may allow it: who might ever take a step.

Only texts are read until a document matters: an organisation has a trust policy a role. What is told may be too much,
never too little, but for ``lets_in``, which is exact.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from graph.allowing import Entry, entries_of
from graph.subjects import STRANGERS, Subject
from model.arn import is_account_id
from model.entities import Role
from model.inventory import Inventory
from policy.assemble import Assembler
from policy.document import Document
from policy.request import Principal, normal_service

#: By what a text can name a principal of an account: the account, or a unique id.
_NAMES = re.compile(r"\d{12}|(?<=\")A[A-Z]{3}[^\"]*")
#: Where a text may be about anybody without saying so by ``"*"``, or name somebody in a hidden way.
HIDDEN = ("NotPrincipal", "\\u", "\\/")
#: What the text of a trust holds that is about those who are no principals of an account.
_KINDS = {"Service": '"service"', "Provider": '"federated"'}
#: Whom a build decides about where a trust is about everybody, or was not read.
_ANYBODY = ("User", "Role", "Provider", *STRANGERS)
#: What the text of a policy holds that says something of AssumeRole, once what is about all resources is left out.
_ASSUMES = re.compile(r'"(?:\*|\?|s[*?t])|"notaction"|\\u|\\/')
_EVERYWHERE = re.compile(r'"resource"\s*:\s*(?:"\*"|\[\s*"\*"\s*\])')


class Trusts:
    """The trust policies of an inventory's roles."""

    def __init__(self, assembler: Assembler) -> None:
        self._assembler = assembler
        self._inventory: Inventory = assembler.inventory
        self._assuming: dict[str, bool] = {}
        self._entries: dict[Document, tuple[Entry, ...]] = {}

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        """The place of each role among all, by ARN."""
        return {role.arn: place for place, role in enumerate(self._inventory.data.roles)}

    def near(self, subject: Subject) -> list[Role]:
        """The roles whose trust may let in somebody, listed or not, by its text; in their order."""
        if subject.kind in _KINDS:
            listed = subject.kind == "Provider" and subject.index >= 0
            word = subject.key.lower() if listed else _KINDS[subject.kind]
            return [role for role in self._inventory.data.roles if hides(role.trust) or word in role.trust.lower()]
        assert subject.caller is not None
        if not is_account_id(subject.account):  # a principal of AWS's own
            return [role for role in self._inventory.data.roles if hides(role.trust) or subject.key in role.trust]
        found = {*self._by_name.get(subject.account, ()), *self._hidden}
        if subject.index < 0:
            found.update(self._by_id)  # what a session, or a federated user, is named by is told by the decision
        else:
            found.update(self._by_name.get(subject.caller.user_id, ()))
        roles = self._inventory.data.roles
        return [roles[place] for place in sorted(found)]

    @cached_property
    def _texts(self) -> tuple[dict[str, list[int]], list[int], list[int]]:
        """Places of roles by name; those that name somebody by a unique id, and those that may be about anybody."""
        by_name: defaultdict[str, list[int]] = defaultdict(list)
        by_id, hidden = [], []
        for place, role in enumerate(self._inventory.data.roles):
            if hides(role.trust):
                hidden.append(place)
                continue
            names = set(_NAMES.findall(role.trust))
            for name in names:
                by_name[name].append(place)
            if any(name.startswith("A") for name in names):
                by_id.append(place)
        return dict(by_name), by_id, hidden

    @property
    def _by_name(self) -> Mapping[str, list[int]]:
        return self._texts[0]

    @property
    def _by_id(self) -> list[int]:
        return self._texts[1]

    @property
    def _hidden(self) -> list[int]:
        return self._texts[2]

    def document(self, role: Role) -> Document | None:
        return self._assembler.ref(f"{role.arn}#trust", role.trust).document

    def lets_in(self, subject: Subject, role: Role) -> bool:
        """Whether a listed subject is among those whom a build decides about for a role (``graph.assume``)."""
        if subject.kind in ("RootUser", "Person"):
            return False
        document = self.document(role)
        if document is None:
            return subject.kind in _ANYBODY
        names = _names(subject)
        return any(_named(subject, names, document))

    # -- own policies

    def may_assume(self, subject: Subject, role: Role) -> bool:
        """Whether somebody's own policies, where AWS asks them for it, may allow to assume a role: elsewhere than in
        their own account both sides must allow (semantics L4, L10)."""
        assert subject.caller is not None
        principal = subject.caller.principal
        if principal.kind not in ("user", "role", "session") or principal.account == role.account:
            return True
        if principal.account not in self._inventory.accounts:
            return True
        texts = list(self.texts(principal, boundary=False))
        if None not in texts and not any(text is not None and self._assumes(text) for text in texts):
            return False
        refs, _ = self._assembler.identity(principal)
        return any(
            ref.document is None or any(one.may_match(role.arn, "sts", "") for one in self._of(ref.document))
            for ref in refs
        )

    def _of(self, document: Document) -> tuple[Entry, ...]:
        found = self._entries.get(document)
        if found is None:
            allowing = (one for one in document.statements if one.allows and (one.acts is None or one.acts(_ASSUME)))
            entries = (entry for one in allowing for entry in entries_of(document, one))
            found = self._entries[document] = tuple(entries)
        return found

    def _assumes(self, text: str) -> bool:
        found = self._assuming.get(text)
        if found is None:
            found = bool(_ASSUMES.search(_EVERYWHERE.sub("", text.lower())))
            self._assuming[text] = found
        return found

    def texts(self, principal: Principal, *, boundary: bool) -> Iterator[str | None]:
        """The texts of the policies somebody of the inventory has; ``None``: one that is not known."""
        arn = principal.role_arn or principal.text
        user, role = self._inventory.users.get(arn), self._inventory.roles.get(arn)
        holder = user or role
        if holder is None or (role is not None and role.assumed_from_permission_set):
            yield None
            return
        groups = [self._inventory.groups.get(group) for group in user.groups] if user is not None else []
        if None in groups:
            yield None
        attached: Iterable[str] = [arn for one in (holder, *groups) if one is not None for arn in one.attached]
        yield from (one.document for some in (holder, *groups) if some is not None for one in some.inline)
        for arn in (*attached, *((holder.boundary,) if boundary and holder.boundary else ())):
            policy = self._inventory.policies.get(arn)
            yield None if policy is None else policy.document


_ASSUME = "sts:assumerole"


def hides(text: str) -> bool:
    """Whether a trust may be about whom its text does not name; one that is cut off, or no policy, is not read."""
    whole = text.lstrip().startswith("{") and text.rstrip().endswith("}") and '"Statement"' in text
    return not whole or any(mark in text for mark in ('"*"', *HIDDEN))


def _names(subject: Subject) -> set[str]:
    """Every name that a Principal element may have for somebody."""
    assert subject.caller is not None
    principal = subject.caller.principal
    found = {subject.key, subject.caller.user_id}
    if principal.kind == "role":
        found.add(f"{principal.account}/{principal.role_name}")
    if principal.kind == "service":
        found.add(normal_service(principal.text))
    return found - {""}


def _named(subject: Subject, names: set[str], document: Document) -> Iterator[bool]:
    """Of each Allow statement whether it may be about somebody."""
    provider = subject.kind == "Provider"
    for statement in document.statements:
        element = statement.principal_element
        if element is None or not statement.allows:
            continue
        if element.anybody:
            yield subject.kind in _ANYBODY
            continue
        yield provider and element.any_federated
        yield bool(subject.account) and not provider and subject.account in element.accounts
        yield not names.isdisjoint(element.names)
        yield any(f"{account}/{name}" in names for account, name in element.sessions)
        yield any(normal_service(service) in names for service in element.services)
        yield not names.isdisjoint(element.federated)


# -- one text


def marks_of(subject: Subject) -> tuple[str, ...]:
    """Words of which a policy that names somebody holds one."""
    assert subject.caller is not None
    return tuple(filter(None, (subject.account, subject.caller.user_id, subject.caller.principal.canonical_id)))


#: What says of everything that it may be done, or done with, and nothing of whom it lets in.
_EVERYTHING = re.compile(r'"(?:action|resource)"\s*:\s*(?:"\*"|\[\s*"\*"\s*\])', re.IGNORECASE)


def mentions(text: str | None, marks: Iterable[str]) -> bool:
    """Whether the text of a policy may name somebody by one of these words, or anybody, or in a hidden way; one that
    was not collected, or that is none, may."""
    if not text:
        return text is None
    if any(mark in text for mark in (*marks, *HIDDEN)) or not text.lstrip().startswith("{"):
        return True
    return '"*"' in text and '"*"' in _EVERYTHING.sub("", text)
