"""The actions that requests on one kind of ARN can be, as bits: statements about them, and what rules tell apart.

A list is shared by every resource on which the same actions can act (all queues, all objects of buckets …). Sets of its
actions are whole numbers, bit ``n`` for the ``n``-th action, so that groups of actions are split and joined quickly.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable
from functools import cached_property, lru_cache

from graph.bits import members
from policy.actions import catalogue
from policy.availability import GLOBAL_SERVICES, WITHOUT_RESOURCE_ACCOUNT, WITHOUT_RESOURCE_TAGS
from policy.context import called_anywhere, carried
from policy.document import Statement
from policy.services import (
    FEDERATED_ACTIONS,
    KEPT_BY_ROOT,
    RCP_EXEMPT_ACTIONS,
    RCP_SERVICES,
    S3_BUCKET_ACL,
    is_protected,
    needs_resource_policy,
    never_across_accounts,
    resource_facts,
)

#: Actions that need no Allow (semantics L1).
FREE = frozenset({"sts:GetSessionToken", "sts:GetCallerIdentity"})

_FREE_LOWERED = frozenset(action.lower() for action in FREE)
_NAMES = re.compile(r"[^:/]+")
#: Where the service of an ARN begins at the earliest.
_PLACE = len("arn:aws:")


class ActionList:
    """The actions of one kind of ARN, sorted; ``arn`` is one of the kind."""

    def __init__(self, actions: tuple[str, ...], arn: str) -> None:
        self.actions = actions
        self.lowered = tuple(action.lower() for action in actions)
        self.all = (1 << len(actions)) - 1
        self.services = frozenset(action.partition(":")[0] for action in self.lowered)
        self.free = sum(1 << n for n, action in enumerate(self.lowered) if action in _FREE_LOWERED)
        self.by_acl = sum(1 << n for n, action in enumerate(self.lowered) if action in S3_BUCKET_ACL)
        self._arn = arn
        self._about: dict[int, int] = {}
        self._of_service: dict[str, int] = {}
        self._named: dict[int, tuple[str, ...]] = {}
        self._ruled: dict[tuple[bool, bool], tuple[tuple[Hashable, int], ...]] = {}

    def of_service(self, service: str) -> int:
        """The actions of one service."""
        found = self._of_service.get(service)
        if found is None:
            found = sum(1 << n for n, action in enumerate(self.lowered) if action.partition(":")[0] == service)
            self._of_service[service] = found
        return found

    @cached_property
    def roaming(self) -> int:
        """The actions that are called in a region of the caller's choice, whatever is said of the ARN's
        (``policy.context.called_anywhere``)."""
        owner = _owning_service(self._arn)
        return sum(self.of_service(service) for service in self.services if called_anywhere(service, owner))

    def about(self, statement: Statement) -> int:
        """The actions that a statement's action element takes in."""
        found = self._about.get(statement.acting)
        if found is None:
            found = self._about[statement.acting] = self._tested(statement)
        return found

    def _tested(self, statement: Statement) -> int:
        test = statement.acts
        if test is None:
            return self.all
        if statement.actions is not None and not self._may_be_about(statement.actions):
            return 0
        return sum(1 << n for n, action in enumerate(self.lowered) if test(action))

    def _may_be_about(self, patterns: Iterable[str]) -> bool:
        for pattern in patterns:
            service = pattern.partition(":")[0].lower()
            if service in self.services or "*" in service or "?" in service:
                return True
        return False

    def ruled(self, *, tags: bool, acl: bool) -> tuple[tuple[Hashable, int], ...]:
        """Groups of actions that the fixed rules cannot tell apart, each with what these read; ``tags``: which of them
        carry the target's tags counts, ``acl``: so does what an ACL of S3 gives (semantics L7)."""
        found = self._ruled.get((tags, acl))
        if found is None:
            groups: defaultdict[Hashable, int] = defaultdict(int)
            for number, action in enumerate(self.lowered):
                more = (_tag_keys(action) if tags else (), S3_BUCKET_ACL.get(action) if acl else None)
                groups[(*_facts(action, self._arn), *more)] |= 1 << number
            found = self._ruled[(tags, acl)] = tuple(groups.items())
        return found

    def named(self, bits: int) -> tuple[str, ...]:
        """The actions of a set."""
        found = self._named.get(bits)
        if found is None:
            found = self._named[bits] = tuple([self.actions[n] for n in members(bits)])
        return found


def shape_of(arn: str) -> str:
    """An ARN without its partition and service, every name in it alike: by what they are called no actions differ."""
    return _NAMES.sub("x", arn[arn.find(":", _PLACE) :])


class ActionLists:
    """The lists of an organisation, each made once."""

    def __init__(self) -> None:
        self._by_key: dict[tuple[tuple[str, ...], tuple[bool, ...]], ActionList] = {}
        self._by_shape: dict[tuple[str, str, tuple[bool, ...]], ActionList] = {}

    def of(self, kind: str, arn: str) -> ActionList:
        """The list of an ARN; ``kind`` is what is known of it, so that ARNs of a kind and a shape share the look-up."""
        key = (kind, shape_of(arn), resource_facts(arn))
        found = self._by_shape.get(key)
        if found is None:
            found = self._by_shape[key] = self._made(catalogue().actions_for_resource(arn), arn)
        return found

    @cached_property
    def unscoped(self) -> ActionList:
        """The actions that no type of resource has: those of ``*``."""
        return self._made(_unscoped_actions(), "*")

    def _made(self, actions: tuple[str, ...], arn: str) -> ActionList:
        key = (actions, resource_facts(arn))
        found = self._by_key.get(key)
        if found is None:
            found = self._by_key[key] = ActionList(actions, arn)
        return found


@lru_cache(maxsize=1)
def _unscoped_actions() -> tuple[str, ...]:
    book = catalogue()
    return tuple(sorted(action for action in book.expand("*") if book.wildcard_only(action)))


def _owning_service(arn: str) -> str:
    """The service that an ARN names, empty for ``*``."""
    return "".join(arn.split(":", 3)[2:3])


def _facts(action: str, arn: str) -> tuple[object, ...]:
    """What rules, rather than documents, read of an action (lower case)."""
    service = action.partition(":")[0]
    own = _owning_service(arn)
    return (
        # A policy, and S3's and KMS's settings, are asked about their own service; global ones are called elsewhere.
        service == own if own else service in ("s3", "kms"),
        called_anywhere(service, own),
        carried(action),
        service in GLOBAL_SERVICES,
        service in RCP_SERVICES,
        action in RCP_EXEMPT_ACTIONS,
        action in FEDERATED_ACTIONS,
        action in WITHOUT_RESOURCE_ACCOUNT,
        needs_resource_policy(action, arn),
        never_across_accounts(action),
        action in KEPT_BY_ROOT,
        is_protected(action, arn),
        action if action.startswith("sts:") else "",
    )


@lru_cache(maxsize=65536)
def _tag_keys(action: str) -> tuple[str, ...]:
    if action in WITHOUT_RESOURCE_TAGS:
        return ()
    return tuple(
        sorted({key.partition("/")[0].lower() for key in catalogue().condition_keys(action) if "esourceTag/" in key})
    )
