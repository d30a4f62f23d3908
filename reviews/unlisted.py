"""What entitlements allow beyond the resources that were collected: never to be taken for "nothing".

A build decides about collected resources. What a policy allows on others, on log groups say, on a bucket of another
company or on what is only made tomorrow, is in no row of an item. Here the policies themselves are compared: what the
item's allow, and the ones that remain without it do not.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from graph.questions import Questions
from graph.subjects import Subject
from model.load_resources import LIST_CALLS
from policy.actions import catalogue
from policy.document import Document, Statement
from reviews.contributions import Contribution
from reviews.coverage import expression, patterns, services, uncovered
from reviews.documents import Documents, Papers
from reviews.entitlements import Held
from reviews.holders import Passage
from reviews.words import Names, listed, noun, some

#: Services of which only what carries a role is collected.
_IN_PART = frozenset({"ec2", "ecs", "codebuild", "glue", "states"})
#: Types of the resources that are collected, by service, where these are what the service has.
_TYPES: defaultdict[str, set[str]] = defaultdict(set)
for _name in LIST_CALLS:
    if _name.partition(":")[0] not in _IN_PART:
        _TYPES[_name.partition(":")[0]].add(_name)
_LISTED = frozenset({"iam", "sts", *_TYPES})
#: More than so many services: whoever may use these may use nearly everything.
_MANY = 12
_NOUNS = {"sts": "iam:role", **{service: sorted(types)[0] for service, types in _TYPES.items()}}


@dataclass(frozen=True)
class Beyond:
    """``services``: AWS's names of those whose resources were not listed. ``named``: in words, resources that a policy
    names and that are not in the data. ``broad``: patterns that may match more than what was collected.
    """

    services: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()
    broad: bool = False

    def __bool__(self) -> bool:
        return bool(self.services or self.named or self.broad)

    def __or__(self, other: Beyond) -> Beyond:
        return Beyond(self.services | other.services, self.named | other.named, self.broad or other.broad)

    @property
    def said(self) -> bool:
        """Whether there is something that can be told by name."""
        return bool(self.services or self.named)

    def _services(self) -> str:
        names = sorted(self.services)
        return listed(names) if len(names) <= _MANY else f"{len(names)} further services"

    def unseen(self) -> tuple[str, ...]:
        """What is not in the item's rows, as sentences; what is only broad is not said."""
        found = []
        if self.services:
            found.append(f"What it allows on resources of {self._services()} is not shown: those were not listed.")
        if self.named:
            found.append(f"It names resources that are not in the data we read: {some(sorted(self.named), 3)}.")
        return tuple(found)

    def goes(self) -> str:
        """What of it would go, as a sentence; empty for nothing."""
        parts = [f"resources of {self._services()}"] if self.services else []
        if self.named:
            parts.append(f"{some(sorted(self.named), 3)}, not in the data we read")
        if not parts and self.broad:
            parts.append("resources that are not in the data we read")
        if not parts:
            return ""
        what = " and on ".join(parts) + ("," if self.named else "")
        return f"What it allows on {what} goes too, as far as nothing else gives it."


@dataclass(frozen=True)
class _Holder:
    """An identity with policies; ``plain``: nothing that limits it is written on it."""

    arn: str
    account: str
    papers: Papers
    plain: bool = False

    @property
    def key(self) -> tuple[str, tuple[str, ...]]:
        return self.arn, tuple(id for id, _ in self.papers)


class Unlisted:
    """Compares the policies of one build's items."""

    def __init__(self, questions: Questions, names: Names, documents: Documents) -> None:
        self._inventory = questions.world.inventory
        self._names = names
        self._documents = documents
        self._found: dict[object, Beyond] = {}
        self._matching: dict[str, bool] = {}
        self._roles: dict[str, _Holder | None] = {}

    def of(self, held: Held, contribution: Contribution) -> tuple[Beyond, Beyond]:
        """(what it gives, asked only of an item without rows; what would go with it), beyond the rows of the item."""
        if held.key is not None and not held.key.active:
            return Beyond(), Beyond()
        mine = self._documents.of(held)
        given, lost = Beyond(), Beyond()
        if not contribution.passages or not contribution.shown.drafts:
            given = self._of(_Holder(held.holder, held.account, mine), ())
            for role in self._acting(to for passage in contribution.passages for to in passage.given):
                given |= self._of(role, ())
        if not contribution.passages:
            lost = given
        for passage in contribution.passages:
            certain = [to for to, always in passage.left.items() if always]
            left = [*self._own_left(held, contribution, passage), *self._acting(certain)]
            gone = list(self._acting(passage.lost))
            if held.kind not in ("access-key", "password") or passage.own is None:
                gone.append(_Holder(held.holder, held.account, mine))
            for holder in gone:
                lost |= self._of(holder, [one for one in left if _comparable(one, holder)])
        return given, lost

    def _own_left(self, held: Held, contribution: Contribution, passage: Passage) -> Iterator[_Holder]:
        """What the identity itself holds without the item."""
        if passage.own is None:
            return
        arn = passage.own.key
        by_group = held.principal_kind == "group"
        gone = {id for id, _ in self._documents.of(held)} - contribution.also
        without = held.group if held.kind == "group-membership" else held.holder if by_group else ""
        papers = [
            (id, document)
            for id, document in self._documents.of_user(arn, but=without)
            if id not in gone or (without and self._holds(arn, id, without))
        ]
        if by_group:  # the other policies of the same group stay
            group = self._documents.holder(held.holder)
            papers += [paper for paper in self._documents.held_by(group) if paper[0] not in gone] if group else []
        limited = any(document is None or _forbids(document) for _, document in papers)
        holder = self._inventory.users.get(arn) or self._inventory.roles.get(arn)
        plain = holder is not None and not holder.boundary and not limited
        # Policies of a group apply to its members: what limits those limits both alike.
        yield _Holder(held.holder if by_group else arn, passage.own.account, tuple(papers), plain)

    def _holds(self, arn: str, policy: str, but: str) -> bool:
        return any(id == policy for id, _ in self._documents.of_user(arn, but=but))

    def _acting(self, sessions: Iterable[Subject]) -> Iterator[_Holder]:
        """The roles behind sessions, once each."""
        for arn in dict.fromkeys(session.key for session in sessions):
            found = self._role(arn)
            if found is not None:
                yield found

    def _role(self, arn: str) -> _Holder | None:
        if arn not in self._roles:
            role = self._inventory.roles.get(arn)
            if role is None:
                self._roles[arn] = None
            else:
                papers = self._documents.held_by(role)
                limited = any(document is None or _forbids(document) for _, document in papers)
                self._roles[arn] = _Holder(arn, role.account, papers, not limited and not role.boundary)
        return self._roles[arn]

    # -- one identity

    def _of(self, holder: _Holder, left: Collection[_Holder]) -> Beyond:
        """What the policies of an identity allow that those of the others do not."""
        key = (holder.key, frozenset(one.key for one in left))
        found = self._found.get(key)
        if found is None:
            others = [s for one in left for _, doc in one.papers if doc is not None for s in doc.statements if s.allows]
            found = Beyond()
            for _, document in holder.papers:
                if document is None:
                    found |= Beyond(broad=True)
                    continue
                for statement in document.statements:
                    if statement.allows:
                        found |= self._statement(statement, holder.account, others)
            self._found[key] = found
        return found

    def _statement(self, statement: Statement, account: str, others: Collection[Statement]) -> Beyond:
        found = Beyond()
        for pattern in patterns(statement):
            actions = uncovered(statement, pattern, others)
            if actions:
                found |= self._pattern(pattern, services(actions), account)
        return found

    def _pattern(self, pattern: str, prefixes: Collection[str], account: str) -> Beyond:
        """What actions of services on a pattern are beyond what was collected."""
        parts = pattern.split(":", 5)
        service = parts[2].lower() if len(parts) == 6 and not re.search(r"[*?$]", parts[2]) else ""
        wanted = set(prefixes)
        if service in _LISTED:
            wanted &= {service, "sts"} if service == "iam" else {service}
        elif service and service in wanted:
            wanted = {service}
        unlisted = {prefix for prefix in wanted if not self._was_listed(prefix, account)}
        further = frozenset(catalogue().service_name(prefix) for prefix in unlisted)
        if wanted <= unlisted or not service:
            return Beyond(further, broad=bool(wanted - unlisted))
        text = re.sub(r"\$\{[^}]*\}", "*", pattern)
        if self._inventory.container(text) is not None:
            return Beyond(further)
        if self._matches(text, service):
            return Beyond(further, broad=True)
        words = self._words(text, service)
        return Beyond(further, frozenset((words,)) if words else frozenset(), broad=True)

    def _was_listed(self, prefix: str, account: str) -> bool:
        """Whether all of a service's resources in an account were read."""
        if prefix in ("iam", "sts"):
            return account not in self._inventory.data.unread_principals
        return prefix in _LISTED and _TYPES[prefix].isdisjoint(self._unread.get(account, ()))

    @cached_property
    def _unread(self) -> dict[str, set[str]]:
        """Types that could not be listed, by account."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for account, _, type_name in self._inventory.data.unread_lists:
            found[account].add(type_name)
        return dict(found)

    @cached_property
    def _arns(self) -> dict[str, str]:
        """The ARNs of collected resources, a line each, by service."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for arn in self._inventory.resources:
            found[arn.split(":")[2]].append(arn)
        return {service: "\n".join(arns) for service, arns in found.items()}

    def _matches(self, pattern: str, service: str) -> bool:
        """Whether a pattern matches a collected resource or something inside of one."""
        if pattern not in self._matching:
            start = len(":".join(pattern.split(":", 5)[:5])) + 1
            heads = [pattern[:place] for place in range(start, len(pattern)) if pattern[place] in "/:"]
            tests = "|".join(expression(text) for text in (pattern, *heads))
            found = re.search(f"^(?:{tests})$", self._arns.get(service, ""), re.MULTILINE)
            self._matching[pattern] = found is not None
        return self._matching[pattern]

    def _words(self, pattern: str, service: str) -> str:
        """What a pattern names, without its ARN; empty where it names nothing in particular."""
        account, rest = pattern.split(":", 5)[4:]
        kind = f"iam:{rest.partition('/')[0]}" if service == "iam" else _NOUNS[service]
        name = rest.partition("/")[0] if service == "s3" else re.split(r"[/:]", rest.removesuffix("/*"))[-1]
        if service == "dynamodb":
            name = rest.partition("/")[2].partition("/")[0]
        if not re.search(r"\w", name):
            return ""
        where = f" in {self._names.account(account)}" if account.isdigit() else ""
        return f"{noun(kind)} {name}{where}"


def _comparable(left: _Holder, gone: _Holder) -> bool:
    """Whether what one identity may do can stand in for what another may."""
    return left.account == gone.account and (left.arn == gone.arn or left.plain)


def _forbids(document: Document) -> bool:
    return any(not statement.allows for statement in document.statements)
