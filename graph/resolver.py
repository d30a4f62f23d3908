"""The resolver: what every subject may do to every resource class, directly.

A task is one account's resource classes against every subject that could matter there: a pure function of the shared
inventory, so accounts can be resolved anywhere. Actions that no statement, of the documents that apply to a pair, tells
apart are decided once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from graph.classes import ResourceClass
from graph.deciding import Decider, Outcome
from graph.subjects import Subject, Subjects, named_in
from policy.actions import catalogue
from policy.availability import WITHOUT_RESOURCE_ACCOUNT
from policy.document import Document
from policy.services import (
    FEDERATED_ACTIONS,
    RCP_EXEMPT_ACTIONS,
    RCP_SERVICES,
    is_protected,
    needs_resource_policy,
    never_across_accounts,
)


@dataclass(frozen=True, slots=True)
class Grant:
    """``subject`` (index) may do ``actions`` to the class (index) with this outcome: Allowed or Conditional."""

    subject: int
    resource_class: int
    outcome: Outcome
    actions: tuple[str, ...]


class Resolver:
    """Resolves the classes of one inventory; ``resolve`` is the task for one account."""

    def __init__(self, decider: Decider, subjects: Subjects, classes: Iterable[ResourceClass]) -> None:
        self._decider = decider
        self._assembler = decider.assembler
        self._subjects = subjects
        self._by_account: defaultdict[str, list[ResourceClass]] = defaultdict(list)
        for item in classes:
            self._by_account[item.account].append(item)
        self._masks: dict[tuple[int, tuple[str, ...]], tuple[int, ...]] = {}
        self._groups: dict[tuple[tuple[int, ...], tuple[object, ...], tuple[str, ...]], list[tuple[str, ...]]] = {}

    @property
    def accounts(self) -> list[str]:
        """The tasks: accounts with classes."""
        return sorted(self._by_account)

    def resolve(self, account: str) -> list[Grant]:
        """Every grant on the classes of ``account``."""
        return [
            grant
            for resource_class in self._by_account[account]
            for subject in self._candidates(resource_class)
            for grant in self._pair(subject, resource_class)
        ]

    def _candidates(self, resource_class: ResourceClass) -> Iterator[Subject]:
        """Subjects for whom a decision on the class is not denied from the start.

        Another account's principals need the resource's policy (L4), services, outsiders and anonymous callers have
        nothing but it.
        """
        reached = self._reached_by_policy(resource_class)
        for subject in self._subjects.deciding():
            if subject.kind == "Provider":
                continue  # providers act through roles alone
            if subject.account == resource_class.account or reached(subject):
                yield subject

    def _reached_by_policy(self, resource_class: ResourceClass) -> Callable[[Subject], bool]:
        """A test of subjects that the class's own policy could reach."""
        place = self._assembler.place(resource_class.representative, "s3:getobject", resource_class.account)
        container = place.container
        if container is None:
            return lambda _: False
        if container.type == "iam:role":
            role = self._assembler.inventory.roles.get(container.arn)
            ref = self._assembler.ref(f"{container.arn}#trust", role.trust) if role else None
        else:
            ref = self._assembler.resource_policy(place, "")
        grantees = {grant.grantee for grant in container.grants or ()}
        if ref is None:
            return lambda subject: subject.key in grantees
        if ref.document is None or container.grants is None:
            return lambda subject: subject.kind not in ("Service", "Outsider")
        if any(_reaches_anyone(ref.document)):
            names = {key for key, kind in named_in(ref.document) if kind in ("Service", "Outsider")}
            # Services and foreign accounts are listed where a policy names them; anyone is the anonymous subject.
            return lambda subject: subject.kind not in ("Service", "Outsider") or subject.key in names
        document = ref.document
        named = {key for key, _ in named_in(document)} | grantees
        accounts = {key.removeprefix("account:") for key in named}
        sessions = {
            pair for s in ref.document.statements if s.principal_element for pair in s.principal_element.sessions
        }
        return lambda subject: (
            subject.key in named or subject.account in accounts or _by_id_or_session(subject, document, sessions)
        )

    def _pair(self, subject: Subject, resource_class: ResourceClass) -> Iterator[Grant]:
        actions = actions_of(resource_class)
        for group in self._action_groups(subject, resource_class, actions):
            outcome = self._decider.decide(subject, group[0], resource_class.representative)
            if outcome.can:
                yield Grant(subject.index, resource_class.index, outcome, group)

    def _action_groups(
        self, subject: Subject, resource_class: ResourceClass, actions: tuple[str, ...]
    ) -> list[tuple[str, ...]]:
        """The actions of a class in groups that the documents of this pair cannot tell apart."""
        assert subject.caller is not None
        _, inputs = self._assembler.request(subject.caller, "sts:assumerole", resource_class.representative)
        refs = [*inputs.identity, *inputs.boundary]
        refs += [ref for level in (*inputs.scps, *inputs.rcps) for ref in level.policies]
        place = self._assembler.place(resource_class.representative, "", subject.account)
        refs += [ref for ref in (inputs.resource, self._assembler.resource_policy(place, "")) if ref is not None]
        documents = tuple(dict.fromkeys(ref.document for ref in refs if ref.document is not None))
        kms = inputs.settings.kms_grants
        alone = bool(kms) or kms is None
        key = (tuple(id(document) for document in documents), (alone, resource_class.representative[:40]), actions)
        found = self._groups.get(key)
        if found is None:
            found = self._grouped(documents, resource_class.representative, actions, alone=alone)
            self._groups[key] = found
        return found

    def _grouped(
        self, documents: tuple[Document, ...], arn: str, actions: tuple[str, ...], *, alone: bool
    ) -> list[tuple[str, ...]]:
        if alone:  # each KMS operation may have a grant of its own
            return [(action,) for action in actions]
        masks = [self._mask(document, actions) for document in documents]
        groups: defaultdict[tuple[object, ...], list[str]] = defaultdict(list)
        for number, action in enumerate(actions):
            groups[(_facts(action.lower(), arn), *(mask[number] for mask in masks))].append(action)
        return [tuple(group) for group in groups.values()]

    def _mask(self, document: Document, actions: tuple[str, ...]) -> tuple[int, ...]:
        """For each action, the statements of a document that are about it, as bits."""
        key = (id(document), actions)
        found = self._masks.get(key)
        if found is None:
            bits = [0] * len(actions)
            for number, statement in enumerate(document.statements):
                for place, action in enumerate(actions):
                    if statement.acts is None or statement.acts(action.lower()):
                        bits[place] |= 1 << number
            found = self._masks[key] = tuple(bits)
        return found


def _reaches_anyone(document: Document) -> Iterator[bool]:
    for statement in document.statements:
        element = statement.principal_element
        yield element is not None and statement.allows and (element.everyone or element.negated)


def _by_id_or_session(subject: Subject, document: Document, sessions: set[tuple[str, str]]) -> bool:
    assert subject.caller is not None
    principal = subject.caller.principal
    if (principal.account or "", principal.role_name or "") in sessions:
        return True
    return any(
        principal.unique_id in statement.principal_element.names
        for statement in document.statements
        if statement.principal_element is not None and principal.unique_id
    )


def actions_of(resource_class: ResourceClass) -> tuple[str, ...]:
    """The actions that requests on the class can be: those without resource type for an open class."""
    if resource_class.open:
        return _unscoped_actions()
    return _actions_for(resource_class.type, resource_class.representative)


@lru_cache(maxsize=4096)
def _actions_for(_type: str, arn: str) -> tuple[str, ...]:
    return catalogue().actions_for_resource(arn)


@lru_cache(maxsize=1)
def _unscoped_actions() -> tuple[str, ...]:
    book = catalogue()
    return tuple(sorted(action for action in book.expand("*") if book.wildcard_only(action)))


def _facts(action: str, arn: str) -> tuple[object, ...]:
    """What rules, rather than documents, read of an action."""
    return (
        action.partition(":")[0],
        action.partition(":")[0] in RCP_SERVICES,
        action in RCP_EXEMPT_ACTIONS,
        action in FEDERATED_ACTIONS,
        action in WITHOUT_RESOURCE_ACCOUNT,
        needs_resource_policy(action, arn),
        never_across_accounts(action),
        is_protected(action, arn),
        action in ("sts:assumerole", "sts:getsessiontoken", "sts:getcalleridentity"),
        _tag_keys(action),
    )


@lru_cache(maxsize=65536)
def _tag_keys(action: str) -> tuple[str, ...]:
    return tuple(
        sorted({key.partition("/")[0].lower() for key in catalogue().condition_keys(action) if "esourceTag/" in key})
    )
