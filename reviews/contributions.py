"""The effect of each kind of entitlement: which subjects have it, which grants and steps go with it.

A group's assignment is judged for a member who has nothing else, a whole account's and everybody's trust or statement
for somebody who has nothing else; all others for the very identity that holds them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from graph.deciding import reason
from graph.people import assignment_id
from graph.questions import Questions
from graph.resolver import Grant
from graph.steps import WITH_SAML, Step
from graph.subjects import Subject
from model.entities import Assignment, IamPrincipal, User
from policy.inputs import PolicyRef
from reviews.access import Rows, Shown
from reviews.effects import (
    Bits,
    Cut,
    Effect,
    Effects,
    merge,
    with_resource_policy,
    without_kms_grant,
    without_policies,
)
from reviews.entitlements import ANONYMOUS, Held
from reviews.holders import Holder, Passage
from reviews.reasons import names_statement, rests
from reviews.statements import without_principal
from reviews.usage import keys_known

#: Kinds of principals that stand for many identities, of which nothing else is known.
_CROWDS = frozenset({"account", ANONYMOUS, "service", "provider"})


@dataclass(frozen=True)
class Contribution:
    """What an entitlement gives. ``subjects`` are those of the snapshot that have it today."""

    shown: Shown
    subjects: tuple[Subject, ...] = ()
    steps: tuple[Step, ...] = ()
    holder: Holder | None = None
    gone: tuple[int, ...] = ()
    #: Ids of policies that the same identity holds elsewhere, in another group say.
    also: frozenset[str] = frozenset()
    #: Where it leads each of the subjects, or the one who stands for a crowd.
    passages: tuple[Passage, ...] = ()
    #: Whether it could not be read if another credential gives the same.
    unsure: bool = False


class Contributions:
    """Contributions of entitlements in one build; what several items share is worked out once."""

    def __init__(self, questions: Questions, effects: Effects, rows: Rows) -> None:
        self._questions = questions
        self._world = questions.world
        self._inventory = questions.world.inventory
        self._effects = effects
        self._rows = rows
        self._holders: dict[object, Holder] = {}
        self._shown: dict[object, Shown] = {}

    def of(self, held: Held) -> Contribution:
        """The contribution of one entitlement; of one that could not be read what is known of it."""
        kinds: dict[str, Callable[[Held], Contribution]] = {
            "assignment": self._assignment,
            "directory-membership": self._directory_membership,
            "group-membership": self._group_membership,
            "policy-attachment": self._policy,
            "inline-policy": self._policy,
            "trust-statement": self._trust,
            "access-key": self._credential,
            "password": self._credential,
            "resource-statement": self._resource_statement,
            "kms-grant": self._kms_grant,
        }
        return kinds[held.kind](held)

    def _nothing(self) -> Contribution:
        return Contribution(self._rows.shown({}))

    # -- people

    @cached_property
    def _assignments(self) -> dict[str, list[Assignment]]:
        """Assignments whose role is known and lets people sign in, by the id of the user or group."""
        found: dict[str, list[Assignment]] = {}
        for assignment in dict.fromkeys(self._inventory.data.assignments):
            role = self._inventory.permission_set_role(assignment.account, assignment.permission_set)
            if role is not None and self._world.people.assigned.opens(role.arn).can:
                found.setdefault(assignment.principal_id, []).append(assignment)
        return found

    @cached_property
    def groups_of(self) -> dict[str, list[str]]:
        """Ids of directory groups by member."""
        found: dict[str, list[str]] = {}
        for group in self._inventory.data.directory_groups:
            for member in dict.fromkeys(group.members):
                found.setdefault(member, []).append(group.id)
        return found

    def _given(self, sources: Sequence[str]) -> tuple[Holder, dict[str, list[int]], dict[str, int]]:
        """Somebody whom these users and groups give their assignments: steps by source, and by assignment."""
        holder = self._holders.get(sources)
        by_source: dict[str, list[int]] = {}
        by_assignment: dict[str, int] = {}
        steps: list[Step] = []
        start = Subject(-1, "", "Person", None) if holder is None else holder.start
        for source in sources:
            for assignment in self._assignments.get(source, ()):
                by_source.setdefault(source, []).append(len(steps))
                by_assignment[assignment_id(assignment)] = len(steps)
                steps.append(self._opened(start, assignment))
        if holder is None:
            holder = self._holders[sources] = Holder(self._effects, start, steps)
        return holder, by_source, by_assignment

    def _opened(self, start: Subject, assignment: Assignment) -> Step:
        role = self._inventory.permission_set_role(assignment.account, assignment.permission_set)
        assert role is not None
        outcome = self._world.people.assigned.opens(role.arn, [reason("assignment", assignment_id(assignment))])
        return Step(start, self._world.subjects.session(role.arn, lost=True), WITH_SAML, outcome)

    def _assignment(self, held: Held) -> Contribution:
        assert held.assignment is not None
        id = held.assignment.principal_id
        if held.unread or not self._acts(id):
            return self._nothing()
        sources = (id,) if held.group else (id, *self.groups_of.get(id, ()))
        holder, _, by_assignment = self._given(sources)
        if (number := by_assignment.get(held.id)) is None:
            return self._nothing()
        shown = self._from(holder, sources, (number,))
        passages = (holder.passage((number,)),)
        return Contribution(shown, (), (holder.steps[number],), holder, (number,), passages=passages)

    def _acts(self, id: str) -> bool:
        """Whether a user who is in the directory and not disabled, or a group, has this id."""
        user = self._inventory.directory_users.get(id)
        return id in self._inventory.directory_groups if user is None else user.active is not False

    def _directory_membership(self, held: Held) -> Contribution:
        user = held.id.rpartition("#user:")[2]
        if not self._acts(user):
            return self._nothing()
        sources = self._sources(user)  # everybody in the same groups, with nothing of their own, is alike
        holder, by_source, _ = self._given(sources)
        gone = tuple(by_source.get(held.group, ()))
        steps = tuple(holder.steps[number] for number in gone)
        shown = self._from(holder, sources, gone)
        return Contribution(shown, (), steps, holder, gone, passages=(holder.passage(gone),))

    def _from(self, holder: Holder, key: object, gone: tuple[int, ...]) -> Shown:
        if (key, gone) not in self._shown:
            self._shown[key, gone] = self._rows.shown(holder.effect(gone))
        return self._shown[key, gone]

    # -- policies of IAM

    def _subject(self, subject: Subject) -> Holder:
        """A subject with its own grants and steps."""
        found = self._holders.get(subject.index)
        if found is None:
            steps = self._questions.steps.out.get(subject.index, [])
            found = self._holders[subject.index] = Holder(self._effects, subject, steps, subject.index)
        return found

    def held_by(self, holder: IamPrincipal) -> list[str]:
        """Ids, as ``because`` names them, of the policies that a user, role or group holds itself."""
        return [*(f"{holder.arn}#inline:{inline.name}" for inline in holder.inline), *holder.attached]

    def _through_groups(self, user: User, but: str = "") -> set[str]:
        found = set()
        for arn in user.groups:
            group = self._inventory.groups.get(arn)
            if arn != but:
                found.update([f"{arn}#policies"] if group is None else self.held_by(group))
        return found

    def _policy(self, held: Held) -> Contribution:
        if held.principal_kind == "group":
            members = [user for user in self._inventory.data.users if held.holder in user.groups]
            effect: Effect = {}
            passages = []
            for member in members:
                lost, passage = self._without(member.arn, {held.policy}, self._other(member, held))
                merge(effect, lost)
                passages.append(passage)
            return self._shown_of((effect, *passages), [member.arn for member in members])
        user = self._inventory.users.get(held.holder)
        other = self._through_groups(user) if user is not None else set()
        found = self._shown_of(self._without(held.holder, {held.policy}, other), [held.holder])
        return replace(found, also=frozenset(other & {held.policy}))

    def _other(self, member: User, held: Held) -> set[str]:
        return {*self.held_by(member), *self._through_groups(member, but=held.holder)}

    def _group_membership(self, held: Held) -> Contribution:
        user, group = self._inventory.users[held.holder], self._inventory.groups.get(held.group)
        given = {f"{held.group}#policies"} if group is None else set(self.held_by(group))
        other = {*self.held_by(user), *self._through_groups(user, but=held.group)}
        found = self._shown_of(self._without(user.arn, given, other), [user.arn])
        return replace(found, also=frozenset(given & other))

    def _shown_of(self, found: tuple[Effect, *tuple[Passage, ...]], holders: Iterable[str]) -> Contribution:
        subjects = tuple(self._world.subjects.by_key[arn] for arn in holders)
        return Contribution(self._rows.shown(found[0]), subjects, passages=found[1:])

    def _without(self, holder: str, ids: set[str], other: set[str]) -> tuple[Effect, Passage]:
        """The effect of policies on a user or role that holds those in ``other`` as well."""
        subject = self._world.subjects.by_key[holder]
        left = ids - other
        cut = without_policies(left) if left else None
        grants = [grant for grant in self._questions.tables.grants_of(subject.index) if rests(grant.outcome, ids)]
        who = self._subject(subject)
        gone = [number for number, step in enumerate(who.steps) if rests(step.outcome, ids)]
        kept = self._kept(who, gone, cut)
        effect = who.effect(gone, self._effects.cut_grants(subject, grants, cut), kept)
        return effect, who.passage(gone, kept, subject, cut)

    def _kept(self, who: Holder, gone: Iterable[int], cut: Cut | None) -> dict[int, Step]:
        """The steps that remain possible without what is cut."""
        kept = {}
        for number in gone:
            step = who.steps[number]
            after = step.outcome
            if cut is not None:
                after = self._effects.again(step.source, step.action, step.target.key, cut)
            if after.can:
                kept[number] = Step(step.source, step.target, step.action, after)
        return kept

    # -- credentials

    def _credential(self, held: Held) -> Contribution:
        user = self._inventory.users[held.holder]
        if held.key is not None and not held.key.active:
            return self._nothing()
        others = [key for key in user.keys if key.active and (held.key is None or key.id != held.key.id)]
        if held.key is not None:
            known, unsure = bool(others) or user.password is True, user.password is None
        else:
            known, unsure = bool(others), not keys_known(self._inventory, user)
        subject = self._world.subjects.by_key[held.holder]
        who = self._subject(subject)
        key = (held.holder, known)
        if key not in self._shown:
            grants = self._questions.tables.grants_of(subject.index)
            given, _ = self._effects.cut_grants(subject, grants, None)
            effect = who.effect(range(len(who.steps)), (given, {}))
            for found in effect.values():
                found.lost = 0 if known else found.given.can
            self._shown[key] = self._rows.shown(effect)
        there = who.passage(range(len(who.steps))).given
        passage = Passage(there, there if known else {}, subject if known else None)
        return Contribution(self._shown[key], (subject,), passages=(passage,), unsure=unsure and not known)

    # -- trusts

    def _trust(self, held: Held) -> Contribution:
        steps = [
            step
            for session in self._sessions(held.role)
            for step in self._questions.steps.into.get(session.index, ())
            if self._of(held, step.source) and (held.unread or names_statement(step.outcome.because, held))
        ]
        if not steps:
            return self._nothing()
        sources = tuple(dict.fromkeys(step.source for step in steps))
        cut = self._statement_cut(held)
        if held.unread or (held.principal_kind in _CROWDS and not self._is_known_outsider(held)):
            effect, passage = self._of_a_crowd(steps, cut)
            shown = self._rows.shown(effect)
        else:
            who = self._subject(sources[0])
            gone = [number for number, step in enumerate(who.steps) if step in steps]
            kept = self._kept(who, gone, cut)
            shown = self._rows.shown(who.effect(gone, None, kept))
            passages = (who.passage(gone, kept, sources[0]),)
            return Contribution(shown, sources, tuple(steps), who, tuple(gone), passages=passages)
        return Contribution(shown, sources, tuple(steps), passages=(passage,))

    def of_each(self, held: Held, contribution: Contribution) -> Iterator[Passage]:
        """Where each of a crowd or group gets without the item: they may hold other ways of their own."""
        if held.assignment is not None:
            group = self._inventory.directory_groups.get(held.group)
            members = [user for user in group.members if self._acts(user)] if group is not None else []
            for sources in dict.fromkeys(self._sources(user) for user in members):
                holder, _, by_assignment = self._given(sources)
                yield holder.passage((by_assignment[held.id],))
        elif contribution.steps and contribution.holder is None:
            for subject in contribution.subjects:
                who = self._subject(subject)
                gone = [number for number, step in enumerate(who.steps) if step in contribution.steps]
                yield who.passage(gone, None, subject)

    def _sources(self, user: str) -> tuple[str, ...]:
        """A user, where something is given to them alone, and their groups."""
        groups = tuple(self.groups_of.get(user, ()))
        return (user, *groups) if user in self._assignments else groups

    def _is_known_outsider(self, held: Held) -> bool:
        return held.principal_kind == "account" and held.principal in self._world.subjects.by_key

    def _sessions(self, role: str) -> list[Subject]:
        subjects = self._world.subjects
        return list(dict.fromkeys((subjects.by_key[role], subjects.session(role, lost=True))))

    def _of(self, held: Held, subject: Subject) -> bool:
        """Whether a subject is the principal that a statement names, or one of those."""
        if held.unread or held.principal == ANONYMOUS:
            return True
        if subject.key == held.principal:
            return True
        if held.principal_kind == "account":
            return subject.account == held.principal.removeprefix("account:") and subject.kind != "Provider"
        caller = subject.caller
        return caller is not None and caller.user_id == held.principal

    def _of_a_crowd(self, steps: Sequence[Step], cut: Cut | None) -> tuple[Effect, Passage]:
        """The effect for somebody who has this one way only; what another statement gives as well does not go."""
        best: dict[int, Step] = {}
        for step in steps:
            known = best.get(step.target.index)
            if known is None or (step.outcome.rank, step.source.key) < (known.outcome.rank, known.source.key):
                best[step.target.index] = step
        start = Subject(-1, "", "Person", None)
        holder = Holder(self._effects, start, list(best.values()))
        gone = range(len(holder.steps))
        kept = self._kept(holder, gone, cut) if cut is not None else None
        return holder.effect(gone, None, kept), holder.passage(gone, kept)

    def _statement_cut(self, held: Held) -> Cut | None:
        """Leaves a principal out of a statement; ``None`` for a document that could not be read."""
        if held.unread:
            return None
        text = self._inventory.roles[held.role].trust if held.role else self._inventory.resources[held.resource].policy
        ref = self._world.assembler.ref(held.policy, text)
        assert ref.document is not None and text is not None
        document = without_principal(ref.document, text, held.statement, held.named)
        return with_resource_policy(PolicyRef(held.policy, document))

    # -- resources

    def _resource_statement(self, held: Held) -> Contribution:
        if held.unread:
            return self._nothing()
        grants = [
            grant
            for grant in self._effects.resting_on(held.policy, held.statement)
            if self._of(held, self._world.subjects.all[grant.subject])
        ]
        return self._on_resource(held, grants, self._statement_cut(held))

    def _kms_grant(self, held: Held) -> Contribution:
        if held.grant is None:
            return self._nothing()
        operations = {f"kms:{operation}" for operation in held.grant.operations}
        grants = [
            grant
            for grant in self._effects.by_kms_grants(held.resource)
            if self._of(held, self._world.subjects.all[grant.subject]) and not operations.isdisjoint(grant.actions)
        ]
        return self._on_resource(held, grants, without_kms_grant(held.id))

    def _on_resource(self, held: Held, grants: Sequence[Grant], cut: Cut | None) -> Contribution:
        everyone = self._world.subjects.all
        # Of a role's two kinds of session the one asked directly stands for it.
        subjects = tuple(dict.fromkeys(everyone[grant.subject] for grant in grants if not everyone[grant.subject].lost))
        if held.principal_kind in _CROWDS and not self._is_known_outsider(held):
            return Contribution(self._rows.shown(self._crowd_grants(grants, cut)), subjects)
        effect: Effect = {}
        for subject in subjects:
            own = [grant for grant in grants if grant.subject == subject.index]
            merge(effect, self._subject(subject).effect((), self._effects.cut_grants(subject, own, cut)))
        return Contribution(self._rows.shown(effect), subjects)

    def _crowd_grants(self, grants: Sequence[Grant], cut: Cut | None) -> Effect:
        """Grants of many, decided again once for all that are alike."""
        alike: dict[tuple[int, tuple[str, ...], int], Grant] = {}
        for grant in grants:
            alike.setdefault((grant.resource_class, grant.actions, id(grant.outcome)), grant)
        effect: Effect = {}
        for grant in alike.values():
            subject = self._world.subjects.all[grant.subject]
            given, left = self._effects.cut_grants(subject, [grant], cut)
            for index, found in given.items():
                bits, has = left.get(index, Bits()), found.given
                found.lost = (has.allowed & ~bits.allowed) | (has.can & ~has.allowed & ~bits.can)
            merge(effect, given)
        return effect
