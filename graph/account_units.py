"""One account as it is decided about: its units, the policies on them, and who may have access to which of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property

from graph.account_policies import deciding_service, policy_of
from graph.action_lists import ActionList, ActionLists, shape_of
from graph.allowing import OWN_POLICIES, Allowing
from graph.bits import bits_of, members
from graph.candidates import Beyond, Candidates
from graph.contents import CONTENTS, ContentPatterns, start_inside
from graph.ground import Ground
from graph.naming import granted_by_name, names_of, written
from graph.partition import Lent
from graph.subjects import Subject
from graph.units import Unit, Units
from model.entities import Resource
from policy.assemble import Assembler
from policy.inputs import PolicyRef


class Shared:
    """What all accounts of a world are resolved with."""

    def __init__(self, assembler: Assembler, candidates: Candidates) -> None:
        self.assembler = assembler
        self.candidates = candidates
        self.lists = ActionLists()

    @cached_property
    def allowing(self) -> Allowing:
        return Allowing(
            self.assembler,
            lambda: (one for one in self.candidates.anybody if one.kind in OWN_POLICIES),
        )

    def let_in(self, beyond: Beyond, container: Resource, arn: str, inside: str = "") -> Iterator[Subject]:
        """Whom a resource lets at ``arn``, itself or in it, or at what begins with ``inside``, of those ``beyond``;
        where it is for everyone, some of its own account, too."""
        service = deciding_service(container.type)
        others = []
        granted = granted_by_name(container) if container.grants else frozenset()
        for subject in beyond.named.values():
            without = subject.kind not in OWN_POLICIES  # they need no Allow of their own
            if without or (granted and not granted.isdisjoint(names_of(subject))):
                yield subject
            else:
                others.append(subject)
        yield from self.allowing.those(others, arn, service, inside)
        if beyond.everyone:
            yield from (one for one in self.candidates.anybody if one.kind not in OWN_POLICIES)
            found = self.allowing.on(arn, service, inside)
            yield from (one for one in found.values() if one.index not in beyond.named)


class AccountUnits:
    """The units of an account. ``assembler`` knows the account's own resources."""

    def __init__(
        self,
        shared: Shared,
        assembler: Assembler,
        account: str,
        resources: Sequence[Resource],
        also: Subject | None = None,
    ) -> None:
        self.account = account
        #: Somebody whom no inventory lists and a question is about.
        self._also = also
        self._shared = shared
        self._assembler = assembler
        self.resources = resources
        self._places = {resource.arn: assembler.place(resource.arn, "", account) for resource in resources}
        self._lending: dict[str, Beyond] = {}
        self._known: dict[str, tuple[Subject, ...]] = {}
        self._about: dict[tuple[int, ...], ContentPatterns] = {}
        self._beyond = self._others()
        self.ground = Ground(assembler, account, resources, self._places, self._made())
        lent = [unit for unit in self.units.all if unit.container and unit.container.arn in self._beyond]
        #: What others may have access to: few of the units, so that what others' documents say is soon told of them.
        self.lent = Ground(
            assembler, account, [one for one in resources if one.arn in self._beyond], self._places, lent
        )

    @property
    def units(self) -> Units:
        return self.ground.units

    @cached_property
    def _of_lent(self) -> list[int]:
        """The places among all units of the lent ones."""
        return [
            place for place, unit in enumerate(self.units.all) if unit.container and unit.container.arn in self._beyond
        ]

    def widened(self, ground: Ground, bits: int) -> int:
        """Units of a ground here as units of the account."""
        if ground is self.ground:
            return bits
        return bits_of([self._of_lent[place] for place in members(bits)])

    def _others(self) -> dict[str, Beyond]:
        found = {}
        for arn, place in self._places.items():
            beyond = self._shared.candidates.beyond(place)
            if beyond or beyond.names or beyond.unnamed:
                self._lending[arn] = beyond
            if beyond:
                found[arn] = beyond
        return found

    # -- units

    def _made(self) -> Iterator[Unit]:
        lists = self._shared.lists
        patterns = self._patterns()
        inside: defaultdict[tuple[str, str], dict[str, ActionList]] = defaultdict(dict)
        for resource in self.resources:
            yield Unit(resource.arn, resource.arn, resource, lists.of(resource.type, resource.arn))
            if resource.type in CONTENTS:
                start = resource.arn + CONTENTS[resource.type]
                known = inside[resource.type, shape_of(start)]
                target = self._places[resource.arn].target
                for part in patterns.parts(resource, target, *self._patterns_on(resource)):
                    shown = " ∩ ".join([start + glob for glob in part.shown]) or f"{resource.arn}/*"
                    arn = start + part.text
                    actions = known.get(part.text)
                    if actions is None:
                        actions = known[part.text] = lists.of(f"{resource.type}/", arn)
                    yield Unit(arn, shown, resource, actions, part.matched)
        yield Unit("*", "*", None, lists.unscoped)

    def _patterns(self) -> ContentPatterns:
        """The patterns about contents that may meet in a decision here: the account's own and the guardrails'."""
        found = ContentPatterns(self._assembler.now)
        inside = self._shared.candidates.inside(self.account)
        self._add(found, inside if self._also is None else [*inside, self._also])
        self._add_rcps(found, inside)
        return found

    def _add_rcps(self, patterns: ContentPatterns, subjects: Sequence[Subject]) -> None:
        for level in self._assembler.guardrails("rcp", self.account):
            patterns.add_all(level.policies, subjects, everybody=True)

    def _add(self, patterns: ContentPatterns, subjects: Sequence[Subject]) -> None:
        holders: defaultdict[PolicyRef, list[Subject]] = defaultdict(list)
        guardrails: defaultdict[PolicyRef, list[Subject]] = defaultdict(list)
        for subject in subjects:
            assert subject.caller is not None
            for ref in (ref for refs in self._assembler.identity(subject.caller.principal) for ref in refs):
                holders[ref].append(subject)
            for level in self._assembler.guardrails("scp", subject.account):
                for ref in level.policies:
                    guardrails[ref].append(subject)
        for ref, whose in holders.items():
            patterns.add_all((ref,), whose)
        for ref, whose in guardrails.items():
            patterns.add_all((ref,), whose, everybody=True)

    def _patterns_on(self, container: Resource) -> Iterator[ContentPatterns]:
        """The patterns of a container's own policy, and of those whom it lets in from elsewhere."""
        others: tuple[Subject, ...] = ()
        beyond = self._beyond.get(container.arn)
        if beyond is not None:
            others = tuple(one for one in self._reached(beyond, container.arn) if one.account != self.account)
        if others:
            yield self._patterns_of(others)
        ref, _ = policy_of(self._assembler, container)
        if ref is not None and ref.document is not None:
            found = ContentPatterns(self._assembler.now)
            found.add(ref.document, (*self._shared.candidates.inside(self.account), *others), everybody=True)
            yield found

    def _patterns_of(self, others: tuple[Subject, ...]) -> ContentPatterns:
        """The patterns of some of other accounts, whom one container often lets in as another does."""
        key = tuple([one.index for one in others])
        found = self._about.get(key)
        if found is None:
            found = self._about[key] = ContentPatterns(self._assembler.now)
            self._add(found, others)
        return found

    # -- who asks

    def askers(self) -> Iterator[tuple[Subject, Ground, int]]:
        """Everybody who may have access here, with the ground and the units of it where that may be: the account's own
        everywhere, others where a policy, a share or an ACL lets them in."""
        inside = self._shared.candidates.inside(self.account)
        own = {subject.index for subject in inside}
        for subject in inside:
            yield subject, self.ground, self.units.everything
        others: dict[int, tuple[Subject, int]] = {}
        for arn, beyond in self._beyond.items():
            bits = self.lent.units.of_container(arn)
            for subject in self._reached(beyond, arn):
                if subject.index not in own:
                    others[subject.index] = (subject, others.get(subject.index, (subject, 0))[1] | bits)
        for _, (subject, bits) in sorted(others.items()):
            yield subject, self.lent, bits

    def _reached(self, beyond: Beyond, arn: str) -> tuple[Subject, ...]:
        """Whom a resource lets in from elsewhere: of users and roles those whose own policies may allow it (L4), and
        those whom a grant of a key names (L7)."""
        found = self._known.get(arn)
        if found is None:
            found = self._known[arn] = tuple(self._let_in(beyond, arn))
        return found

    def _let_in(self, beyond: Beyond, arn: str) -> Iterator[Subject]:
        container = self._places[arn].container
        assert container is not None
        return self._shared.let_in(beyond, container, arn, start_inside(arn, container.type))

    def lent_to(self) -> Iterator[Lent]:
        """What hangs here on principals of other accounts: a build that follows looks only at those."""
        for arn, beyond in self._lending.items():
            container = self._places[arn].container
            assert container is not None
            reached = {one.index for one in self._reached(beyond, arn) if one.account != self.account}
            names = tuple(sorted(map(written, beyond.names)))
            yield Lent(arn, container.type, names, beyond.everyone, beyond.unnamed, tuple(sorted(reached)))
