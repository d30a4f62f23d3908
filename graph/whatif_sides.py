"""The two sides of a change: whom a principal can act as before and after it, and whose decisions it touches.

Steps are those that the build stored; after the change only those are decided anew that it can alter, and only as far
as a way leads to them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

from graph.closure import Chain, Chains, Steps, joined
from graph.deciding import Outcome
from graph.names import subject_of
from graph.questions import Questions
from graph.revoking import Revocation, changed_inventory, touched
from graph.steps import Step, assume_action, loses_mfa
from graph.subjects import Subject
from graph.trusts import marks_of, mentions
from graph.whatif_held import Rights
from graph.whatif_names import owner_of
from graph.whatif_rows import Way
from graph.whatif_where import Gone
from graph.world import World
from policy.document import Statement
from policy.inputs import PolicyRef
from policy.request import Principal


class Side:
    """One of the two: the ways of a principal to those whom it can act as."""

    def __init__(
        self, world: World, subject: Subject, first: list[Step], steps: Steps, change: Revocation | None
    ) -> None:
        self.world = world
        self._subject = subject
        self._change = change
        self.chains: Chains = steps.forward(subject, first)
        self._every = first + [step for index in self.chains.shortest for step in steps.out.get(index, ())]
        self.given = self._behind(steps)
        """Sessions to which some chain leads that has a step given by what is taken away."""

    def _rests(self, outcome: Outcome, subject: Subject) -> bool:
        return self._change is not None and self._change.gives(outcome, owner_of(subject))

    def _behind(self, steps: Steps) -> set[int]:
        if self._change is None:
            return set()
        left = [step.target.index for step in self._every if self._rests(step.outcome, step.source)]
        found: set[int] = set()
        while left:
            index = left.pop()
            if index not in found:
                found.add(index)
                left += [step.target.index for step in steps.out.get(index, ())]
        return found

    @cached_property
    def spoken(self) -> frozenset[str]:
        """The resources of which the conditions of the ways speak, by themselves or by their documents."""
        outcomes = {id(step.outcome): step.outcome for step in self._every if not step.certain}
        return frozenset(text.partition("#")[0] for one in outcomes.values() for text in _texts(one.residual))

    def standing(self, index: int) -> tuple[object, ...]:
        """How a session is reached: equal where it makes no difference to what is reached through it."""
        certain, shortest = self.chains.certain.get(index), self.chains.shortest.get(index)
        if shortest is None:
            return ()
        residual = json.dumps(joined(shortest, None), sort_keys=True)
        return certain and certain.via, shortest.via, shortest.certain, residual

    def way(self, holder: Subject, rights: Rights) -> Way | None:
        """The best way to what ``holder`` may do, ``None`` where none leads to it."""
        direct = holder.index == self._subject.index
        if not direct and holder.index not in self.chains.shortest:
            return None
        chain = Chain() if direct else self.chains.best(holder.index, allowed=rights.sure)
        allowed = rights.sure and chain.certain
        given = (not direct and holder.index in self.given) or self._rest(rights, holder)
        residual = None if allowed else joined(chain, None if rights.sure else rights.outcome.residual)
        return Way(rights.actions, allowed, chain.via, residual, given, holder)

    def _rest(self, rights: Rights, holder: Subject) -> bool:
        """As ``_rests``; most outcomes need not be read for it."""
        if self._change is None or self._change.holder not in ("", owner_of(holder)):
            return False
        return rights.names and self._rests(rights.outcome, holder)

    def marks(self, holders: Iterable[Subject]) -> tuple[str, ...]:
        """What a text that names something of what is taken from one of these holds; ids that JSON writes in another
        way: any text."""
        change = self._change
        if change is None or (change.holder and change.holder not in map(owner_of, holders)):
            return ()
        return tuple(sorted({one if one.isascii() and json.dumps(one) == f'"{one}"' else "" for one in change.ids}))


class Sides:
    """Both sides. Subjects are those of before; ``after_of`` gives who they are after the change."""

    def __init__(self, questions: Questions, subject: Subject, revocation: Revocation) -> None:
        self.subject = subject
        self.revocation = revocation
        self._steps = questions.steps
        world = questions.world
        self._world = world
        self._after = World(changed_inventory(world.inventory, revocation), world.listed)
        self._alone = subject_of(self._after, subject.key) if subject.index < 0 else None
        self._touched = touched(world.inventory, revocation)
        self._tells: dict[int, bool] = {}
        own = world.assuming.first_steps(subject)
        first = list(self._steps.out[subject.index]) if own is None else own
        self.before = Side(world, subject, first, self._steps, revocation)
        first = list(self._out(subject, first))
        self.after = Side(self._after, subject, first, self._steps_after(first), None)

    def after_of(self, subject: Subject) -> Subject:
        """Somebody as they are after the change."""
        if subject.index < 0:
            assert self._alone is not None
            return self._alone
        return self._after.subjects.all[subject.index]

    # -- whom the change is about

    @cached_property
    def holders(self) -> dict[int, Subject]:
        """Everybody whom the principal can act as on either side, itself included unless it only acts through roles."""
        found = {} if self.subject.caller is None else {self.subject.index: self.subject}
        for index in sorted({*self.before.chains.shortest, *self.after.chains.shortest}):
            found.setdefault(index, self._world.subjects.all[index])
        return found

    @cached_property
    def moved(self) -> set[int]:
        """Those to whom another way leads than before, or one that rests on what is taken away."""
        return self.rerouted | (self.before.given - {self.subject.index})

    @cached_property
    def rerouted(self) -> set[int]:
        """Those to whom another way leads than before."""
        everybody = {*self.before.chains.shortest, *self.after.chains.shortest} - {self.subject.index}
        return {index for index in everybody if self.before.standing(index) != self.after.standing(index)}

    @cached_property
    def touched(self) -> dict[int, Subject]:
        """Those whose own documents or tags change."""
        return {index: holder for index, holder in self.holders.items() if self._changes(holder)}

    @property
    def changed(self) -> tuple[str, ...]:
        """The resource whose policy or trust changes, if there is one."""
        found = self._touched.resource or self._touched.role
        return (found,) if found in self._world.inventory.resources else ()

    def _changes(self, subject: Subject) -> bool:
        if owner_of(subject) not in self._touched.principals or subject.caller is None:
            return False
        if not self._touched.role:
            return True
        # A role's trust says whether its sessions may bring tags, and nothing else about the role (semantics U3).
        then = self.after_of(subject).caller
        return then is None or then.tags != subject.caller.tags

    def gone(self, subject: Subject) -> Gone:
        """What is taken away from somebody's own documents, also where they have the same by a group."""
        lists = self._world.resolver.shared.lists
        if self._touched.role:
            return Gone(lists, (), unread=True)  # tags change, which any statement may read
        cut = list(self._cut(subject))
        statements = (one for _, statements, _ in cut for one in statements)
        return Gone(lists, statements, unread=any(ref.document is None for ref, _, _ in cut))

    def frees(self, subject: Subject, action: str | None = None) -> bool:
        """Whether a statement goes that forbids somebody something (``action``), so that access may be gained."""
        return any(
            left and not one.allows and (action is None or one.acts is None or one.acts(action))
            for _, statements, left in self._cut(subject)
            for one in statements
        )

    def _cut(self, subject: Subject) -> Iterator[tuple[PolicyRef, Sequence[Statement], bool]]:
        """(document, what of it is taken away, whether that has left the documents) of somebody's own documents."""
        assert subject.caller is not None
        was, now = (self._documents(world, subject.caller.principal) for world in (self._world, self._after))
        places = self.revocation.statements
        for key, ref in was.items():
            statements = ref.document.statements if ref.document is not None else ()
            if key not in now:
                yield ref, statements, True
            elif ref.id in self.revocation.ids:
                some = [one for one in statements if places is None or one.index in places]
                yield ref, some, places is not None

    @staticmethod
    def _documents(world: World, principal: Principal) -> dict[tuple[int, str], PolicyRef]:
        return {(layer, ref.id): ref for layer, refs in enumerate(world.assembler.identity(principal)) for ref in refs}

    # -- steps after

    def _steps_after(self, first: list[Step]) -> Steps:
        """The steps of everybody to whom these lead."""
        found: list[Step] = []
        seen: set[int] = set()
        left = [self._world.subjects.all[step.target.index] for step in first]
        while left:
            subject = left.pop()
            if subject.index not in seen:
                seen.add(subject.index)
                steps = list(self._out(subject, self._steps.out.get(subject.index)))
                found += steps
                # People's steps after the change are told of the subjects of then.
                left += [self._world.subjects.all[step.target.index] for step in steps]
        return Steps(found)

    def _out(self, subject: Subject, before: list[Step]) -> Iterator[Step]:
        """The steps of one subject after the change, from those before."""
        if subject.kind == "Person":
            # An entitlement opens what the role's trust says.
            same = self.revocation.kind not in ("assignment", "group") and not self._touched.role
            yield from before if same else self._after.people.out(subject.index)
            return
        again: dict[str, None] = {}
        changes = self._changes(subject)
        for step in before:
            if changes or step.target.key == self._touched.role:
                again[step.target.key] = None
            else:
                yield step
        if changes and self.frees(subject, "sts:assumerole"):
            roles = self._world.inventory.data.roles
            again.update((role.arn, None) for role in roles if mentions(role.trust, marks_of(subject)))
        if self._opens and subject.kind not in ("RootUser", "Anonymous"):
            again[self._touched.role] = None
        for role in again:
            found = self._step(subject, role)
            if found is not None:
                yield found

    def _step(self, subject: Subject, role: str) -> Step | None:
        then, action = self.after_of(subject), assume_action(subject)
        outcome = self._after.decider.decide(then, action, role)
        target = self._world.subjects.session(role, lost=loses_mfa(then))
        return Step(subject, target, action, outcome) if outcome.can and target.index != subject.index else None

    @cached_property
    def _opens(self) -> bool:
        """Whether the trust that changes loses a statement that forbids."""
        role = self._world.inventory.roles.get(self._touched.role)
        document = None if role is None else self._world.assembler.ref(f"{role.arn}#trust", role.trust).document
        places = self.revocation.statements or frozenset()
        return document is not None and any(not one.allows for one in document.statements if one.index in places)


def _texts(value: Any) -> Iterator[str]:
    """Every text in plain data."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for item in value.values() for text in _texts(item))
    elif isinstance(value, list):
        yield from (text for item in value for text in _texts(item))
