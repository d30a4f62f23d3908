"""The resolver: what every subject may do to every resource class, directly.

A task is one account's resource classes against every subject that could matter there: a pure function of the shared
inventory, so accounts can be resolved anywhere. Actions that no statement, of the documents that apply to a pair, tells
apart are decided once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from graph.candidates import Candidates
from graph.classes import ResourceClass
from graph.deciding import Decider, Outcome, outcome_of
from graph.subjects import Subject
from model.entities import Resource
from policy.actions import catalogue
from policy.aim import Aim
from policy.availability import WITHOUT_RESOURCE_ACCOUNT
from policy.decide import decide
from policy.document import Document
from policy.s3 import acl_actions
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

    def __init__(self, decider: Decider, candidates: Candidates, classes: Iterable[ResourceClass]) -> None:
        self._decider = decider
        self._assembler = decider.assembler
        self._candidates = candidates
        self._by_account: defaultdict[str, list[ResourceClass]] = defaultdict(list)
        for item in classes:
            self._by_account[item.account].append(item)
        self._masks: dict[tuple[int, tuple[str, ...]], tuple[int, ...]] = {}
        self._groups: dict[tuple[object, ...], list[tuple[str, ...]]] = {}
        self._alike: dict[tuple[int, int, tuple[str, ...]], Outcome] = {}

    @property
    def accounts(self) -> list[str]:
        """The tasks: accounts with classes."""
        return sorted(self._by_account)

    def resolve(self, account: str) -> list[Grant]:
        """Every grant on the classes of ``account``."""
        grants: list[Grant] = []
        whole: dict[int, list[Grant]] = {}
        of: Resource | None = None
        for resource_class in self._by_account[account]:
            container = self._assembler.inventory.container(resource_class.representative)
            if container is not of:
                whole, of = {}, container
            rest = container is not None and resource_class.pattern == f"{container.arn}/*"
            for subject in self._candidates.of(resource_class.representative, resource_class.account):
                found = self._grants(subject, resource_class, whole)
                if resource_class.contents and rest and resource_class.felt_by is None:
                    whole.setdefault(subject.index, found)
                grants += found
        return grants

    def _grants(self, subject: Subject, resource_class: ResourceClass, whole: dict[int, list[Grant]]) -> list[Grant]:
        """The grants of a pair. Who is not told apart by a part of a container has there what it has on the whole."""
        felt_by = resource_class.felt_by
        if felt_by is not None and subject.index not in felt_by and subject.index in whole:
            return [
                Grant(subject.index, resource_class.index, grant.outcome, grant.actions)
                for grant in whole[subject.index]
            ]
        return list(self.pair(subject, resource_class))

    def pair(self, subject: Subject, resource_class: ResourceClass) -> Iterator[Grant]:
        """The grants of one subject on one class, decided afresh."""
        assert subject.caller is not None
        actions = actions_of(resource_class)
        aim = self._assembler.aim(subject.caller, resource_class.representative, "")
        for group in self._action_groups(aim, resource_class.representative, actions):
            outcome = self._outcome(subject, resource_class, aim, group)
            if outcome.can:
                yield Grant(subject.index, resource_class.index, outcome, group)

    def outcomes_on(self, subject: Subject, arn: str) -> Iterator[Outcome]:
        """The decisions of one subject about every action on one ARN, alike ones once."""
        assert subject.caller is not None
        aim = self._assembler.aim(subject.caller, arn, "")
        for group in self._action_groups(aim, arn, catalogue().actions_for_resource(arn)):
            yield outcome_of(subject, decide(*aim.request(group[0])))

    def _outcome(self, subject: Subject, resource_class: ResourceClass, aim: Aim, group: tuple[str, ...]) -> Outcome:
        """The decision for a group of actions; where no policy of the resource's own is asked, once for all alike."""
        request, inputs = aim.request(group[0])
        if inputs.resource is not None or inputs.shares or inputs.settings.acl != () or not resource_class.plain:
            return outcome_of(subject, decide(request, inputs))
        key = (subject.index, resource_class.plain, group)
        found = self._alike.get(key)
        if found is None:
            found = self._alike[key] = outcome_of(subject, decide(request, inputs))
        return found

    def _action_groups(self, aim: Aim, arn: str, actions: tuple[str, ...]) -> list[tuple[str, ...]]:
        """Actions on an ARN in groups that the documents of this pair cannot tell apart.

        Groups that no statement could allow are left out.
        """
        inputs = aim.inputs("sts:assumerole")
        policy = inputs.resource or aim.inputs("").resource
        granting = [*inputs.identity, *((policy,) if policy is not None else ()), *inputs.shares]
        limiting = [*inputs.boundary, *(ref for level in (*inputs.scps, *inputs.rcps) for ref in level.policies)]
        documents = tuple(dict.fromkeys(ref.document for ref in (*granting, *limiting) if ref.document is not None))
        kms = inputs.settings.kms_grants
        alone = bool(kms) or kms is None
        anything = alone or aim.caller.principal.kind in ("root", "account")
        if anything or any(ref.document is None for ref in granting):
            givers = None
        else:
            givers = frozenset(id(ref.document) for ref in granting)
        shape = _shape(arn)
        by_acl = acl_actions(inputs.settings)
        key = (tuple(id(document) for document in documents), givers, alone, bool(by_acl), shape, actions)
        found = self._groups.get(key)
        if found is None:
            found = self._groups[key] = self._grouped(documents, givers, shape, actions, by_acl, alone=alone)
        return found

    def _grouped(
        self,
        documents: tuple[Document, ...],
        givers: frozenset[int] | None,
        arn: str,
        actions: tuple[str, ...],
        by_acl: Mapping[str, str],
        *,
        alone: bool,
    ) -> list[tuple[str, ...]]:
        if alone:  # each KMS operation may have a grant of its own
            return [(action,) for action in actions]
        masks = [self._mask(document, actions) for document in documents]
        allowing = [
            (mask, _allow_bits(document))
            for document, mask in zip(documents, masks, strict=True)
            if givers is not None and id(document) in givers
        ]
        groups: defaultdict[tuple[object, ...], list[str]] = defaultdict(list)
        for number, action in enumerate(actions):
            permission = by_acl.get(action.lower())
            given = permission is not None or any(mask[number] & bits for mask, bits in allowing)
            if givers is not None and action not in _FREE and not given:
                continue
            groups[(_facts(action.lower(), arn), permission, *(mask[number] for mask in masks))].append(action)
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


#: Actions that need no Allow (semantics L1).
_FREE = frozenset({"sts:GetSessionToken", "sts:GetCallerIdentity"})


def _allow_bits(document: Document) -> int:
    return sum(1 << number for number, statement in enumerate(document.statements) if statement.allows)


def _shape(arn: str) -> str:
    """What the fixed rules read of an ARN: whether AWS or a service protects it, and its type."""
    head, separator, rest = arn.partition("/")
    return (
        head + separator + next((mark for mark in ("aws-reserved/", "aws-service-role/") if rest.startswith(mark)), "")
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
        action if action in ("sts:assumerole", "sts:getsessiontoken", "sts:getcalleridentity") else "",
        _tag_keys(action),
    )


@lru_cache(maxsize=65536)
def _tag_keys(action: str) -> tuple[str, ...]:
    return tuple(
        sorted({key.partition("/")[0].lower() for key in catalogue().condition_keys(action) if "esourceTag/" in key})
    )
