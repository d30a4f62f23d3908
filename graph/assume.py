"""Who can become which role: the steps that chains are made of (CAN_ASSUME).

Trust policies are the index: only subjects that a trust can reach are decided, never all pairs. A step to a role of
Identity Center is the assignment itself (semantics L15); every other step is a decision of the policy engine about
``sts:AssumeRole`` or its kin, identity side and trust side, across accounts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property

from graph.carriers import CARRIER, carrying_steps
from graph.deciding import Decider
from graph.steps import Step, assume_action, loses_mfa
from graph.subjects import Subject, Subjects
from graph.trusts import Trusts
from model.entities import Role
from policy.context import NO_OVERRIDES, Overrides
from policy.document import Document
from policy.request import normal_service


class Assuming:
    """Steps of one inventory, from and to subjects."""

    def __init__(self, decider: Decider, subjects: Subjects) -> None:
        self._decider = decider
        self._subjects = subjects
        self._inventory = decider.assembler.inventory

    def steps(self, overrides: Overrides = NO_OVERRIDES) -> list[Step]:
        """Every step that is Allowed or Conditional, by role then source; those of people are ``graph.people``'s."""
        found: list[Step] = []
        for role in self._inventory.data.roles:
            for subject in self._candidates(role):
                step = self.step(subject, role, overrides)
                if step is not None:
                    found.append(step)
        return found

    def by_providers(self, account: str, decider: Decider) -> Iterator[Step]:
        """The steps of identity providers into the roles of an account; ``decider`` knows the account's resources, and
        with them the tags of its roles."""
        for role in self._roles.get(account, ()):
            for subject in self._providers(role):
                step = self.step(subject, role, NO_OVERRIDES, decider)
                if step is not None:
                    yield step

    def _providers(self, role: Role) -> list[Subject]:
        """The providers that a role's trust could let in, all there are where it was not read: those of its account,
        and those that AWS knows by name (semantics L13)."""
        near = [*self._by_owner.get(role.account, ()), *self._by_owner.get("", ())]
        document = self._decider.assembler.ref(f"{role.arn}#trust", role.trust).document
        if document is None:
            return near
        named: set[str] = set()
        for statement in document.statements:
            element = statement.principal_element
            if element is None or not statement.allows:
                continue
            if element.anybody or element.any_federated:
                return near
            named |= element.federated
        return [subject for subject in near if subject.key in named]

    @cached_property
    def _by_owner(self) -> dict[str, list[Subject]]:
        """Providers by their account."""
        found: defaultdict[str, list[Subject]] = defaultdict(list)
        for subject in self._subjects.all:
            if subject.kind == "Provider":
                found[subject.account].append(subject)
        return found

    @cached_property
    def _roles(self) -> dict[str, list[Role]]:
        found: defaultdict[str, list[Role]] = defaultdict(list)
        for role in self._inventory.data.roles:
            found[role.account].append(role)
        return found

    def steps_from(self, subject: Subject, overrides: Overrides = NO_OVERRIDES) -> list[Step]:
        """The steps of a subject that the inventory does not list: a session, a federated user, an account, or a
        resource that carries a role."""
        if subject.kind == CARRIER:
            return list(carrying_steps(subject, self._inventory, self._decider, self._subjects, overrides))
        may = (role for role in self.trusts.near(subject) if self.trusts.may_assume(subject, role))
        return [step for role in may if (step := self.step(subject, role, overrides)) is not None]

    def first_steps(self, subject: Subject, overrides: Overrides = NO_OVERRIDES) -> list[Step] | None:
        """The steps of somebody whom the inventory does not list; ``None``: those of the build are all there are."""
        return self.steps_from(subject, overrides) if subject.index < 0 else None

    @cached_property
    def trusts(self) -> Trusts:
        """The roles by whom their trust may let in."""
        return Trusts(self._decider.assembler)

    def step(self, subject: Subject, role: Role, overrides: Overrides, decider: Decider | None = None) -> Step | None:
        """The step of a subject to a role, where there is one."""
        action = assume_action(subject)
        outcome = (decider or self._decider).decide(subject, action, role.arn, overrides)
        if not outcome.can:
            return None
        target = self._subjects.session(role.arn, lost=loses_mfa(subject))
        return None if target is subject else Step(subject, target, action, outcome)

    def _candidates(self, role: Role) -> list[Subject]:
        """Subjects that the role's trust could reach; everybody known where the trust could not be read."""
        document = self._decider.assembler.ref(f"{role.arn}#trust", role.trust).document
        found = {subject.index: subject for subject in self._providers(role)}
        for subject in self._signed if document is None else self._reached(document):
            if subject.kind not in ("RootUser", "Person"):  # root users assume no roles (L10)
                found[subject.index] = subject
        return [found[index] for index in sorted(found)]

    def _reached(self, document: Document) -> Iterator[Subject]:
        """Whom the Allow statements of a trust could be about, providers aside."""
        for statement in document.statements:
            element = statement.principal_element
            if element is None or not statement.allows:
                continue
            if element.anybody:
                yield from self._signed
                continue
            for account in element.accounts:
                yield from self._by_account.get(account, ())
            for name in element.names:
                yield from self._by_name.get(name, ())
            for account, role_name in element.sessions:
                yield from self._by_name.get(f"{account}/{role_name}", ())
            for service in element.services:
                yield from self._by_name.get(normal_service(service), ())

    @cached_property
    def _signed(self) -> list[Subject]:
        """Who a trust in everybody is about, providers aside: nobody assumes a role unsigned."""
        return [*self._subjects.collected(), *self._subjects.strangers]

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
