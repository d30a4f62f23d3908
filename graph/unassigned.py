"""Roles that people may have by what nobody read: who is assigned a permission set, who is in a group, or how the role
of a permission set is called.

None of it is known to be so, and none is known not to be: it is a step that hangs on what was not read (semantics U6).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property

from graph.assigned import Assigned
from graph.closure import Chain
from graph.deciding import Outcome, all_of
from graph.steps import WITH_SAML, Step
from graph.subjects import Subject, Subjects
from model.entities import RESERVED_SSO_PREFIX, Assignment, PermissionSet, Role
from policy.assemble import Assembler
from policy.request import Principal
from policy.verdicts import Verdict

#: Documents by the role that they may give.
_Hanging = Mapping[str, Iterable[str]]

#: Stands for what is not known of a role's name.
_UNKNOWN = "?"


class Unassigned:
    """Steps of people that may be there."""

    def __init__(self, assembler: Assembler, subjects: Subjects) -> None:
        self._assembler = assembler
        self._inventory = assembler.inventory
        self._subjects = subjects
        self._assigned = Assigned(assembler.inventory)

    def steps(self, person: Subject) -> list[Step]:
        """The steps that a person may have besides the known ones, each Conditional on what was not read."""
        if person.kind != "Person" or not self._is_active(person.key):
            return []
        own = self._by_role(self._own(person))
        known = set(self._inventory.people[person.key].roles)
        roles = (role for role in dict.fromkeys((*own, *self._of_everybody)) if role not in known)
        return list(self._steps(person, {role: self._documents(role, own) for role in roles}))

    def _steps(self, person: Subject, roles: _Hanging) -> Iterator[Step]:
        steps = (self._step(person, role, documents) for role, documents in roles.items())
        return (step for step in steps if step is not None)

    def _documents(self, role: str, own: _Hanging) -> tuple[str, ...]:
        """What it hangs on whether somebody has a role, who may have it by ``own``."""
        return (*own.get(role, ()), *self._of_everybody.get(role, ()))

    def _is_active(self, person: str) -> bool:
        return self._inventory.people[person].user.active is not False

    def chains(
        self, held: Mapping[int, Outcome], onward: Mapping[int, Chain], decide: Callable[[Subject], Outcome]
    ) -> Iterator[tuple[Subject, Chain, Outcome]]:
        """The ways that people may have to some access: (who, the roles on the way, what the last one may do).

        ``held`` says what roles may do, by index, and ``onward`` is the best way from a role to another that may;
        ``decide`` tells it of a role that nobody read.
        """
        if not self._any:
            return

        def ways(person: Subject, roles: _Hanging) -> Iterator[tuple[Chain, Outcome]]:
            for step in self._steps(person, roles):
                index = step.target.index
                outcome = decide(step.target) if index < 0 else held.get(index)
                if outcome is not None and outcome.can:
                    yield Chain((step,)), outcome
                further = onward.get(index)
                if further is not None and further.end is not None:
                    yield Chain((step, *further.steps)), held[further.end.index]

        people = [self._subjects.by_key[key] for key in self._inventory.people if self._is_active(key)]
        # What anybody may have is the same for all of them: it is looked for once.
        shared = list(ways(people[0], self._of_everybody)) if people else []
        best = min(shared, key=lambda way: (way[0].length, way[0].via), default=None)
        for person in people:
            own = self._by_role(self._own(person))
            for chain, outcome in ways(person, {role: self._documents(role, own) for role in own}):
                yield person, chain, outcome
            if best is not None:
                yield person, *best

    @cached_property
    def _any(self) -> bool:
        """Whether there is anything that was not read, of which somebody's roles hang."""
        data = self._inventory.data
        return bool(data.unread_assignments or data.unread_members) or any(
            item.permission_set not in self._sets for item in data.assignments
        )

    def _step(self, person: Subject, role: str, documents: Iterable[str]) -> Step | None:
        opened = self._assigned.opens(role)
        if not opened.can:
            return None
        parts = [{"document": document} for document in dict.fromkeys(documents)]
        residual = all_of([parts[0] if len(parts) == 1 else {"any": parts}, opened.residual])
        return Step(person, self._session(role), WITH_SAML, Outcome(Verdict.CONDITIONAL, residual, (), certain=False))

    def _session(self, role: str) -> Subject:
        """Of a role that nobody read, a subject that no build lists."""
        if role in self._inventory.roles:
            return self._subjects.session(role, lost=True)
        caller = self._assembler.caller(Principal.parse(role), mfa_lost=True)
        return Subject(-1, role, "Role", replace(caller, mfa=False), account=role.split(":", 5)[4])

    # -- what was not read

    @cached_property
    def _of_everybody(self) -> _Hanging:
        """What anybody may have: assignments that were not listed."""
        return self._by_role(
            (f"{told}@{account or '*'}" if ":permissionSet/" in told else told, told, account)
            for told, account in self._inventory.data.unread_assignments
        )

    def _own(self, person: Subject) -> Iterator[tuple[str, str, str]]:
        """(document, permission set, account): what a person has if it is in groups that were not read, and what is
        assigned to it of sets whose name was not read."""
        user = self._inventory.people[person.key].user.id
        for item in (
            *self._by_holder.get(user, ()),
            *(one for group in self._groups_of.get(user, ()) for one in group),
        ):
            if item.permission_set not in self._sets:
                yield item.permission_set, item.permission_set, item.account
        for group in self._inventory.data.unread_members:
            for item in self._by_holder.get(group, ()):
                yield f"identitystore:group/{group}", item.permission_set, item.account

    @cached_property
    def _by_holder(self) -> Mapping[str, list[Assignment]]:
        found: defaultdict[str, list[Assignment]] = defaultdict(list)
        for item in self._inventory.data.assignments:
            found[item.principal_id].append(item)
        return found

    @cached_property
    def _groups_of(self) -> Mapping[str, list[list[Assignment]]]:
        """The assignments of the groups that somebody is known to be in."""
        found: defaultdict[str, list[list[Assignment]]] = defaultdict(list)
        for group in self._inventory.data.directory_groups:
            for member in dict.fromkeys(group.members):
                found[member].append(self._by_holder.get(group.id, []))
        return found

    # -- the roles that it may give

    def _by_role(self, ways: Iterable[tuple[str, str, str]]) -> _Hanging:
        found: defaultdict[str, dict[str, None]] = defaultdict(dict)
        for document, permission_set, account in ways:
            for place in (account,) if account else self._inventory.accounts:
                for role in self._roles(permission_set, place):
                    found[role][document] = None
        return found

    def _roles(self, permission_set: str, account: str) -> Iterator[str]:
        """The role of a set in an account; of a set without a name, all that may be it."""
        known = self._sets.get(permission_set)
        if known is not None:
            role = self._inventory.permission_set_role(account, permission_set)
            if role is not None:
                yield role.arn
                return
        else:
            yield from (role.arn for role in self._nameless.get(account, ()))
        if account in self._unread or account not in self._inventory.accounts:
            yield self._unseen(account, known.name if known is not None else _UNKNOWN)

    def _unseen(self, account: str, name: str) -> str:
        """The ARN that the role of a set has in an account that was not read; ``?`` stands for what only that tells."""
        found = self._inventory.accounts.get(account)
        partition = self._inventory.partition if found is None else found.partition
        path = "aws-reserved/sso.amazonaws.com"
        return f"arn:{partition}:iam::{account}:role/{path}/{RESERVED_SSO_PREFIX}{name}_{_UNKNOWN * 16}"

    @cached_property
    def _sets(self) -> Mapping[str, PermissionSet]:
        return self._inventory.permission_sets

    @cached_property
    def _unread(self) -> frozenset[str]:
        return frozenset(self._inventory.data.unread_principals)

    @cached_property
    def _nameless(self) -> Mapping[str, list[Role]]:
        """By account the reserved roles of sets that were not described."""
        names = {item.name for item in self._inventory.data.permission_sets}
        found: defaultdict[str, list[Role]] = defaultdict(list)
        for role in self._inventory.data.roles:
            if role.permission_set_name is not None and role.permission_set_name not in names:
                found[role.account].append(role)
        return found
