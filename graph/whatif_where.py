"""On which resources a change of somebody's own documents can alter anything: those that a statement which goes may be
about, and of these, where nothing forbids any more, those that may let them in at all.

What is told here may be too much, never too little: everything is decided anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from graph.account_policies import deciding_service
from graph.account_units import Shared
from graph.action_lists import ActionLists
from graph.contents import CONTENTS
from graph.globs import remainders
from graph.naming import Name, named_by, names_of
from graph.subjects import Subject
from model.entities import Resource
from model.inventory import Inventory
from policy.document import Document, Statement, parse_document
from policy.errors import PolicyError
from policy.patterns import Parts, Wild, loosened, matcher, resource_parts
from policy.shares import shareable


@dataclass(frozen=True, slots=True)
class _Gone:
    """A statement that goes, with its patterns as far as they can be told without who asks; none: everything."""

    statement: Statement
    patterns: tuple[Parts, ...] | None


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
        lists = [self._lists.unscoped() if arn == "*" else self._lists.of(kind, arn)]
        if inside:
            lists.append(self._lists.of(f"{kind}/", f"{inside}x"))
        return any(
            (one.patterns is None or any(_near(parts, arn, inside) for parts in one.patterns))
            and any(actions.about(one.statement) for actions in lists)
            for one in self._gone
        )


def _patterns(statement: Statement) -> tuple[Parts, ...] | None:
    patterns = statement.resource_patterns
    if patterns.texts is None or patterns.negated:
        return None
    return tuple(loosened(resource_parts(text, variables=True)) for text in patterns.texts)


def _near(parts: Parts, arn: str, inside: str) -> bool:
    if matcher(parts)(arn):
        return True
    if not inside:
        return False
    glob = "".join(part if isinstance(part, str) else "*" if part is Wild.STAR else "?" for part in parts)
    return bool(list(remainders(glob, inside)))


# -- who may be let in


def open_to(inventory: Inventory, shared: Shared, subject: Subject, account: str) -> Iterator[tuple[str, str]]:
    """(type, ARN) of the resources of an account that somebody may have access to once nothing forbids it.

    In their own account all, and ``*``; elsewhere those that their own policies may be about and whose policy may name
    them, or that are given in another way (semantics L4).
    """
    resources = inventory.resources_of(account)
    own = account == subject.account
    if own:
        yield "*", "*"
    names = {*names_of(subject)}
    marks = marks_of(subject)
    for resource in resources:
        inside = resource.arn + CONTENTS[resource.type] if resource.type in CONTENTS else ""
        if own or (
            _lets_in(inventory, resource, names, marks)
            and shared.allowing.may(subject, resource.arn, deciding_service(resource.type), inside)
        ):
            yield resource.type, resource.arn


def _lets_in(inventory: Inventory, resource: Resource, names: set[Name], marks: tuple[str, ...]) -> bool:
    if resource.grants != () or _by_acl(resource):
        return True
    if (inventory.data.shares or inventory.data.unread_shares) and shareable(resource.arn):
        return True
    role = inventory.roles.get(resource.arn) if resource.type == "iam:role" else None
    text = resource.policy if role is None else role.trust
    if not mentions(text, marks):
        return False
    document = None if text is None else _parsed(text)
    if document is None:
        return True
    named = named_by(document)
    return named.everyone or not names.isdisjoint(named.names)


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


def mentions(text: str | None, marks: Iterable[str]) -> bool:
    """Whether the text of a policy may name somebody by one of these words, or anybody, or in a hidden way; one that
    was not collected, or that is none, may."""
    if not text:
        return text is None
    hidden = ('"*"', "NotPrincipal", "\\u", "\\/")
    return any(mark in text for mark in (*marks, *hidden)) or not text.lstrip().startswith("{")
