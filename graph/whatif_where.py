"""On which resources a change of somebody's own documents can alter anything: those that a statement which goes may be
about, and of these, where nothing forbids any more, those that may let them in at all.

What is told here may be too much, never too little: everything is decided anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from graph.account_policies import deciding_service
from graph.account_units import Shared
from graph.action_lists import ActionLists
from graph.contents import CONTENTS
from graph.globs import glob_of, remainders
from graph.naming import Name, Named, granted_by_name, named_by, names_of
from graph.subjects import Subject
from graph.trusts import HIDDEN
from model.entities import Resource
from model.inventory import Inventory
from policy.document import Document, Statement, parse_document
from policy.errors import PolicyError
from policy.patterns import Test, loosened, matcher, resource_parts
from policy.shares import shareable


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A pattern of a statement as far as it can be told without who asks: its test, and the same as a glob."""

    test: Test
    glob: str

    def near(self, arn: str, inside: str) -> bool:
        """Whether it takes in an ARN, or something that begins with ``inside``."""
        return bool(self.test(arn) or (inside and remainders(self.glob, inside)))


@dataclass(frozen=True, slots=True)
class _Gone:
    """A statement that goes; no patterns: it may be about everything."""

    statement: Statement
    patterns: tuple[_Pattern, ...] | None


class Gone:
    """Statements that somebody's documents lose; ``unread``: a document goes that could not be read."""

    def __init__(self, lists: ActionLists, statements: Iterable[Statement], *, unread: bool) -> None:
        self._lists = lists
        self._all = unread
        self._gone = [_Gone(one, _patterns(one)) for one in statements]

    def only_forbidding(self) -> Gone:
        """Those that forbid something alone."""
        found = Gone(self._lists, (), unread=self._all)
        found._gone = [one for one in self._gone if not one.statement.allows]
        return found

    def may_be_about(self, kind: str, arn: str) -> bool:
        """Whether one of them may be about a resource of a type, or about something inside of it; ``*``: about what
        has no resource."""
        if self._all:
            return True
        inside = arn + CONTENTS[kind] if kind in CONTENTS else ""
        near = [
            one.statement
            for one in self._gone
            if one.patterns is None or any(pattern.near(arn, inside) for pattern in one.patterns)
        ]
        if not near:
            return False
        if any(map((self._lists.unscoped if arn == "*" else self._lists.of(kind, arn)).about, near)):
            return True
        return bool(inside) and any(map(self._lists.of(f"{kind}/", f"{inside}x").about, near))


def _patterns(statement: Statement) -> tuple[_Pattern, ...] | None:
    patterns = statement.resource_patterns
    if patterns.texts is None or patterns.negated:
        return None
    # Of what version the document is is not told here, which is what a text means by `${…}`.
    read = [resource_parts(text, variables=variables) for text in patterns.texts for variables in (True, False)]
    several = dict.fromkeys(map(loosened, read))
    return tuple(_Pattern(matcher(parts), glob_of(parts)) for parts in several)


# -- who may be let in


class Openings:
    """The resources of one account that somebody may have access to once nothing forbids it."""

    def __init__(self, inventory: Inventory, shared: Shared, account: str) -> None:
        self._shared = shared
        self._account = account
        self._resources = inventory.resources_of(account)
        self._named: dict[str, Named | None] = {}
        shares = bool(inventory.data.shares or inventory.data.unread_shares)
        #: (resource, text of its policy, whether something else lets in others) of those that others may use at all.
        self._to_others: list[tuple[Resource, str | None, bool]] = []
        for one in self._resources:
            # An account has many resources and few that others may use.
            if one.policy == "" and one.grants == () and one.s3 is None and one.type != "iam:role" and not shares:
                continue
            text, otherwise = _text(inventory, one), _by_acl(one) or one.grants != ()
            otherwise = otherwise or (shares and shareable(one.arn))
            if otherwise or text != "":
                self._to_others.append((one, text, otherwise))

    def to(self, subject: Subject, gone: Gone) -> Iterator[str]:
        """The ARNs of those that a statement which goes may be about, too.

        In somebody's own account all, and ``*``; elsewhere those that their own policies may be about and whose policy
        may name them, or that are given in another way (semantics L4, L7).
        """
        if subject.account == self._account:
            own = (("*", "*"), *((one.type, one.arn) for one in self._resources))
            yield from (arn for kind, arn in own if gone.may_be_about(kind, arn))
            return
        names = {*names_of(subject)}
        marks = marks_of(subject)
        for one, text, otherwise in self._to_others:  # what is soon told comes first, policies are read last
            if not (otherwise or mentions(text, marks)) or not gone.may_be_about(one.type, one.arn):
                continue
            inside = one.arn + CONTENTS[one.type] if one.type in CONTENTS else ""
            may = self._shared.allowing.may(subject, one.arn, deciding_service(one.type), inside)
            if not may and (not one.grants or granted_by_name(one).isdisjoint(names)):
                continue
            if otherwise or self._may_name(text, names):
                yield one.arn

    def _may_name(self, text: str | None, names: set[Name]) -> bool:
        """Whether a policy may be about somebody of these names; one that is not known may."""
        if text is None:
            return True
        if text not in self._named:  # several ask of each: a principal's sessions, all who hold what goes
            document = _parsed(text)
            self._named[text] = None if document is None else named_by(document)
        named = self._named[text]
        return named is None or named.everyone or not names.isdisjoint(named.names)


def _text(inventory: Inventory, resource: Resource) -> str | None:
    """The text of the policy that says who may use a resource."""
    role = inventory.roles.get(resource.arn) if resource.type == "iam:role" else None
    return resource.policy if role is None else role.trust


def _by_acl(resource: Resource) -> bool:
    own = resource.s3
    if own is None or own.ownership == "BucketOwnerEnforced":
        return False
    return own.acl is None or any(grant.grantee != own.owner for grant in own.acl)


def _parsed(text: str) -> Document | None:
    try:
        return parse_document(text, source="policy")
    except PolicyError:
        return None


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
