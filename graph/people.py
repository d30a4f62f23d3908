"""The steps of people: an Identity Center assignment opens a role to a person, or to everybody in a group; and so does
an entitlement of account access manager, where the role's trust lets the service in.

Pairs of people and roles can be many times more than assignments, so they are made for one person, or one role, when
asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property

from graph.assigned import Assigned
from graph.deciding import Outcome, Reason, reason
from graph.entitled import Entitled, entitlement_id
from graph.steps import BY_ENTITLEMENT, WITH_SAML, Step
from graph.subjects import Subject, Subjects
from model.access_manager import RoleEntitlement
from model.entities import Assignment
from model.inventory import Inventory
from policy.context import NO_OVERRIDES, Overrides


class PeopleSteps:
    """Steps from people, by either end (semantics L15: an active assignment is all that the role asks for).

    ``overrides`` are what the asker says of the context in which people sign in.
    """

    def __init__(self, inventory: Inventory, subjects: Subjects, overrides: Overrides = NO_OVERRIDES) -> None:
        self._inventory = inventory
        self._subjects = subjects
        self.assigned = Assigned(inventory, overrides)
        self.entitled = Entitled(inventory, overrides)
        self._out: dict[int, list[Step]] = {}
        self._into: dict[int, list[Step]] = {}
        self._reasons: dict[str, Reason] = {}
        self._outcomes: dict[tuple[int, ...], Outcome] = {}
        self._opened: dict[tuple[str, ...], Outcome] = {}

    def under(self, overrides: Overrides) -> PeopleSteps:
        """The same steps with what the asker says of the context."""
        return PeopleSteps(self._inventory, self._subjects, overrides) if overrides else self

    def ready(self) -> None:
        """Reads the assignments, which every question about many needs."""
        self._opening  # noqa: B018  # read and kept
        self._people  # noqa: B018

    def out(self, index: int) -> list[Step]:
        """The steps of the person with this number; none for anybody else."""
        subject = self._subjects.all[index]
        if subject.kind != "Person":
            return []
        found = self._out.get(index)
        if found is None:
            by_role: defaultdict[str, list[Reason]] = defaultdict(list)
            for assignment, role in self._inventory.people[subject.key].grants:
                by_role[role].append(self._reason(assignment))
            found = self._out[index] = []
            for role, because in by_role.items():
                found += self._assigned(subject, role, because)
            entitled: defaultdict[str, list[RoleEntitlement]] = defaultdict(list)
            for item in self._inventory.people[subject.key].entitlements:
                entitled[item.role].append(item)
            found += (step for items in entitled.values() for step in self._entitled(subject, items))
        return found

    def into(self, index: int) -> list[Step]:
        """The steps of people into the session with this number: that of a reserved role, or of an entitled one."""
        found = self._into.get(index)
        if found is None:
            role = self._subjects.all[index]
            found = self._into[index] = []
            if role.is_role and self._subjects.session(role.key, lost=True) is role:
                by_person: defaultdict[str, list[Reason]] = defaultdict(list)
                for assignment in self._opening.get(role.key, ()):
                    for person in self._people.get(assignment.principal_id, ()):
                        by_person[person].append(self._reason(assignment))
                for person, because in sorted(by_person.items()):
                    found += self._assigned(self._subjects.by_key[person], role.key, because)
                entitled: defaultdict[str, list[RoleEntitlement]] = defaultdict(list)
                for item in self._entitling.get(role.key, ()):
                    for person in self._people.get(item.principal_id, ()):
                        entitled[person].append(item)
                for person, items in sorted(entitled.items()):
                    found += self._entitled(self._subjects.by_key[person], items)
        return found

    def all(self) -> Iterator[Step]:
        """Every step of everybody."""
        for subject in self._subjects.all:
            if subject.kind == "Person":
                yield from self.out(subject.index)

    def _assigned(self, person: Subject, role: str, because: list[Reason]) -> Iterator[Step]:
        """The step by assignments of one role, unless the organisation keeps everybody from signing in to it."""
        # Many people come by the same assignments, which are told once.
        key = tuple([id(one) for one in because])
        outcome = self._outcomes.get(key)
        if outcome is None:
            outcome = self._outcomes[key] = self.assigned.opens(role, because)
        if outcome.can:
            yield Step(person, self._subjects.session(role, lost=True), WITH_SAML, outcome)

    def _entitled(self, person: Subject, items: list[RoleEntitlement]) -> Iterator[Step]:
        """The step by entitlements to one role, unless its trust keeps account access manager out."""
        key = tuple(sorted(map(entitlement_id, items)))
        outcome = self._opened.get(key)
        if outcome is None:
            outcome = self._opened[key] = opened(self.entitled, items)
        if outcome.can:
            yield Step(person, self._subjects.session(items[0].role, lost=True), BY_ENTITLEMENT, outcome)

    def _reason(self, assignment: Assignment) -> Reason:
        id = assignment_id(assignment)
        found = self._reasons.get(id)
        if found is None:
            found = self._reasons[id] = reason("assignment", id)
        return found

    @cached_property
    def _opening(self) -> Mapping[str, list[Assignment]]:
        """Assignments by the reserved role that they open."""
        found: defaultdict[str, list[Assignment]] = defaultdict(list)
        for assignment in self._inventory.data.assignments:
            role = self._inventory.permission_set_role(assignment.account, assignment.permission_set)
            if role is not None:
                found[role.arn].append(assignment)
        return found

    @cached_property
    def _entitling(self) -> Mapping[str, list[RoleEntitlement]]:
        """Entitlements by their role."""
        found: defaultdict[str, list[RoleEntitlement]] = defaultdict(list)
        for item in self._inventory.data.entitlements:
            found[item.role].append(item)
        return found

    @cached_property
    def _people(self) -> Mapping[str, list[str]]:
        """People who may sign in, by their own id and by those of their groups."""
        by_user = {}
        for key, person in self._inventory.people.items():
            if person.user.active is not False:  # disabled people open nothing
                by_user[person.user.id] = key
        found: defaultdict[str, list[str]] = defaultdict(list)
        for user, key in by_user.items():
            found[user].append(key)
        for group in self._inventory.data.directory_groups:
            for member in dict.fromkeys(group.members):
                if member in by_user:
                    found[group.id].append(by_user[member])
        return found


def opened(entitled: Entitled, items: Iterable[RoleEntitlement]) -> Outcome:
    """What several entitlements to one role open: the best of them, of which those that give no less are told."""
    some = sorted(items, key=entitlement_id)
    outcomes = [entitled.outcome(item) for item in some]
    best = min(outcomes, key=lambda outcome: (outcome.rank, not outcome.certain))
    reasons = [
        reason("entitlement", entitlement_id(item)) for item, one in zip(some, outcomes, strict=True) if one is best
    ]
    return replace(best, because=(*reasons, *best.because))


def assignment_id(assignment: Assignment) -> str:
    """The name of an Identity Center assignment in explanations: set, account and whom it is given to."""
    kind = assignment.principal_type.lower()
    return f"{assignment.permission_set}@{assignment.account}#{kind}:{assignment.principal_id}"
