"""The policies on the resources of some ground, with trusts and grants: what concerns only whom it names.

For a subject, resources whose policies do not mean it are like resources without one.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from typing import NamedTuple

from graph.naming import Name, grantee, named_in_statement, names_of
from graph.partition import SELF
from graph.subjects import Subject
from graph.units import Units
from model.entities import Resource
from policy.assemble import Assembler
from policy.document import Document, Statement
from policy.inputs import PolicyRef
from policy.patterns import loosened


class Said(NamedTuple):
    """A statement of the policies on some units, their own ARNs aside the same on each, that is about them."""

    number: int
    statement: Statement
    units: int
    #: Whether it is about somebody by another name than the account's.
    by_name: bool


class AccountPolicies:
    """What resources say of subjects, by whom it names."""

    def __init__(
        self, assembler_of: Callable[[Resource], Assembler], units: Units, resources: Iterable[Resource]
    ) -> None:
        self._assembler_of = assembler_of
        self._units = units
        self._statements: list[Statement] = []
        self._where: list[int] = []
        self._numbers: dict[Hashable, int] = {}
        self._everyone: dict[int, None] = {}
        self._by_name: defaultdict[Name, dict[int, None]] = defaultdict(dict)
        self._granted: defaultdict[Name, int] = defaultdict(int)
        #: Units that hang on what could not be read, or on an ACL or a share: anybody may have access there.
        self.unread = 0
        #: Units for which a variable in their own policy decides.
        self.alone = 0
        for resource in resources:
            self._take(resource)

    def concerning(self, subject: Subject) -> list[Said]:
        """The statements that may mean a subject."""
        found = dict.fromkeys(self._everyone, False)
        for name in names_of(subject):
            by_name = not isinstance(name, tuple) or name[0] != "account"
            for number in self._by_name.get(name, ()):
                found[number] = found.get(number, False) or by_name
        return [Said(number, self._statements[number], self._where[number], found[number]) for number in sorted(found)]

    def granted(self, subject: Subject) -> int:
        """The keys on which a grant may be for a subject."""
        found = 0
        for name in names_of(subject) if self._granted else ():
            found |= self._granted.get(name, 0)
        return found

    def _take(self, resource: Resource) -> None:
        bits = self._units.of_container(resource.arn)
        ref, _ = policy_of(self._assembler_of(resource), resource)
        if ref is not None:
            if ref.document is None:
                self.unread |= bits
            else:
                for statement in ref.document.statements:
                    self._say(resource, ref.document, statement, bits)
        if resource.grants is None:
            self.unread |= bits
        for principal in resource.granted_to:
            for name in grantee(principal).names:
                self._granted[name] |= bits

    def _say(self, resource: Resource, document: Document, statement: Statement, bits: int) -> None:
        where = bits & self._matched(document, statement)
        if not where:
            return
        text = json.dumps(statement.to_json())
        plain = text.replace(resource.arn, SELF)
        # A role's trust may mean the role itself, and a condition compare with an ARN: it is then no other resource's.
        # Answers tell a statement by its place.
        itself = plain != text and (resource.type == "iam:role" or resource.arn in _conditions(statement))
        own = resource.arn if itself else ""
        key = (statement.index, document.version, plain, own)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._statements)
            self._statements.append(statement)
            self._where.append(0)
            named = named_in_statement(statement)
            if named.everyone:
                self._everyone[number] = None
            for name in named.names:
                self._by_name[name][number] = None
        self._where[number] |= where

    def _matched(self, document: Document, statement: Statement) -> int:
        """The units that a statement's patterns match, or may where a variable decides."""
        element, loose = self._units.element(statement, document), 0
        for _, parts, _ in statement.resource_patterns.variable:
            loose |= self._units.matching(loosened(parts))
        self.alone |= loose & ~element
        if statement.resource_patterns.negated:
            return ~element
        return element | loose


def _conditions(statement: Statement) -> str:
    return json.dumps(statement.to_json().get("Condition", ""))


def deciding_service(type_name: str) -> str:
    """The service whose actions a resource's own policy decides: of a role the calls that its trust is about."""
    return "sts" if type_name == "iam:role" else type_name.partition(":")[0]


def policy_of(assembler: Assembler, resource: Resource) -> tuple[PolicyRef | None, str]:
    """The policy on a resource or the trust of a role, with its text; ``None``: it is known to have none."""
    if resource.type == "iam:role":
        role = assembler.inventory.roles.get(resource.arn)
        return (None, "") if role is None else (assembler.ref(f"{role.arn}#trust", role.trust), role.trust)
    if resource.policy == "":
        return None, ""
    return assembler.ref(f"{resource.arn}#policy", resource.policy), resource.policy or ""
