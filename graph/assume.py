"""Who can become which role: the steps that chains are made of (CAN_ASSUME).

Trust policies are the index: only subjects that a trust can reach are decided, never all pairs. A step to a role of
Identity Center is the assignment itself (semantics L15); every other step is a decision of the policy engine about
``sts:AssumeRole`` or its kin, identity side and trust side, across accounts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from graph.deciding import Decider, Outcome, Reason, reason
from graph.subjects import Subject, Subjects
from model.entities import Assignment, Role
from policy.context import NO_OVERRIDES, Overrides
from policy.document import Document
from policy.request import normal_service
from policy.verdicts import Verdict

ASSUME_ROLE = "sts:AssumeRole"
WITH_SAML = "sts:AssumeRoleWithSAML"
WITH_WEB_IDENTITY = "sts:AssumeRoleWithWebIdentity"


@dataclass(frozen=True)
class Step:
    """``source`` can become ``target`` (a role's session) by ``action``."""

    source: Subject
    target: Subject
    action: str
    outcome: Outcome

    @property
    def certain(self) -> bool:
        """Whether the step counts as Allowed in a chain."""
        return self.outcome.certain


def assume_action(subject: Subject) -> str:
    """The STS call by which this kind of subject becomes a role."""
    if subject.kind == "Person":
        return WITH_SAML
    if subject.kind == "Provider":
        assert subject.caller is not None
        return WITH_SAML if subject.caller.principal.kind == "saml-provider" else WITH_WEB_IDENTITY
    return ASSUME_ROLE


def loses_mfa(subject: Subject) -> bool:
    """Whether the session that this subject assumes can carry no MFA (semantics L14, U3)."""
    if subject.kind in ("Role", "Person", "Service", "Provider"):
        return True
    return subject.caller is not None and subject.caller.mfa is False


class Assuming:
    """Steps of one inventory, from and to subjects."""

    def __init__(self, decider: Decider, subjects: Subjects) -> None:
        self._decider = decider
        self._subjects = subjects
        self._inventory = decider.assembler.inventory

    def steps(self, overrides: Overrides = NO_OVERRIDES) -> list[Step]:
        """Every step that is Allowed or Conditional, by role then source."""
        found: list[Step] = []
        for role in self._inventory.data.roles:
            for subject in self._candidates(role):
                step = self._step(subject, role, overrides)
                if step is not None:
                    found.append(step)
        found.extend(self._assignments())
        return found

    def steps_from(self, subject: Subject, overrides: Overrides = NO_OVERRIDES) -> list[Step]:
        """The steps of a subject that the inventory does not list: a session, a federated user, an account."""
        return [
            step for role in self._inventory.data.roles if (step := self._step(subject, role, overrides)) is not None
        ]

    def _step(self, subject: Subject, role: Role, overrides: Overrides) -> Step | None:
        action = assume_action(subject)
        outcome = self._decider.decide(subject, action, role.arn, overrides)
        if not outcome.can:
            return None
        target = self._subjects.session(role.arn, lost=loses_mfa(subject))
        return None if target is subject else Step(subject, target, action, outcome)

    def _assignments(self) -> Iterator[Step]:
        for key, person in self._inventory.people.items():
            by_role: defaultdict[str, list[Reason]] = defaultdict(list)
            for assignment, role in person.grants:
                by_role[role].append(reason("assignment", assignment_id(assignment)))
            for role, because in by_role.items():
                target = self._subjects.session(role, lost=True)
                yield Step(
                    self._subjects.by_key[key],
                    target,
                    WITH_SAML,
                    Outcome(Verdict.ALLOWED, None, tuple(because), certain=True),
                )

    def _candidates(self, role: Role) -> list[Subject]:
        """Subjects that the role's trust could reach; everybody known where the trust could not be read."""
        document = self._decider.assembler.ref(f"{role.arn}#trust", role.trust).document
        if document is None:
            return [subject for subject in self._signed if subject.kind != "RootUser"]
        found: dict[int, Subject] = {}
        for subject in self._reached(document):
            if subject.kind not in ("RootUser", "Person"):  # root users assume no roles (L10)
                found[subject.index] = subject
        return [found[index] for index in sorted(found)]

    def _reached(self, document: Document) -> Iterator[Subject]:
        for statement in document.statements:
            element = statement.principal_element
            if element is None or not statement.allows:
                continue
            if element.everyone or element.negated:
                yield from self._signed
                continue
            if element.any_federated:
                yield from (subject for subject in self._subjects.deciding() if subject.kind == "Provider")
            for account in element.accounts:
                yield from self._by_account.get(account, ())
            for name in element.names:
                yield from self._by_name.get(name, ())
            for account, role_name in element.sessions:
                yield from self._by_name.get(f"{account}/{role_name}", ())
            for service in element.services:
                yield from self._by_name.get(normal_service(service), ())
            for provider in element.federated:
                yield from self._by_name.get(provider, ())

    @cached_property
    def _signed(self) -> list[Subject]:
        """Who a trust in everybody is about: principals that were collected. Nobody assumes a role unsigned, and
        services and outsiders are listed where the trust names them.
        """
        return list(self._subjects.collected())

    @cached_property
    def _by_account(self) -> dict[str, list[Subject]]:
        found: defaultdict[str, list[Subject]] = defaultdict(list)
        for subject in self._subjects.deciding():
            if subject.account and subject.kind != "Provider":
                found[subject.account].append(subject)
        return found

    @cached_property
    def _by_name(self) -> dict[str, list[Subject]]:
        """Subjects by every name that a Principal element may have for them: ARN, unique id, account/role name."""
        found: defaultdict[str, list[Subject]] = defaultdict(list)
        for subject in self._subjects.deciding():
            assert subject.caller is not None
            names: Iterable[str] = {subject.key, subject.caller.user_id}
            principal = subject.caller.principal
            if principal.kind == "role":
                names = {*names, f"{principal.account}/{principal.role_name}"}
            if principal.kind == "service":
                names = {*names, normal_service(principal.text)}
            for name in names:
                if name:
                    found[name].append(subject)
        return found


def assignment_id(assignment: Assignment) -> str:
    """The name of an Identity Center assignment in explanations: set, account and whom it is given to."""
    kind = assignment.principal_type.lower()
    return f"{assignment.permission_set}@{assignment.account}#{kind}:{assignment.principal_id}"
