"""One account as it is decided about: its units, the policies on them, and who may have access to which of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property

from graph.account_policies import deciding_service, policy_of
from graph.action_lists import ActionList, ActionLists, shape_of
from graph.allowing import OWN_POLICIES, Allowing
from graph.candidates import Beyond, Candidates
from graph.contents import CONTENTS, Among, ContentPatterns, Patterns, start_inside
from graph.ground import Ground
from graph.naming import granted_by_name, names_of, written
from graph.partition import Lent
from graph.subjects import Subject
from graph.units import Unit, Units
from model.entities import Resource
from policy.assemble import Assembler
from policy.inputs import PolicyRef

#: Of so many of other accounts the patterns are looked up among everybody's.
_MANY = 256


class Shared:
    """What all accounts of a world are resolved with."""

    def __init__(self, assembler: Assembler, candidates: Candidates) -> None:
        self.assembler = assembler
        self.candidates = candidates
        self.lists = ActionLists()

    @cached_property
    def patterns(self) -> ContentPatterns:
        """What the own policies of everybody say of contents."""
        found = ContentPatterns(self.assembler.now)
        add_own(found, self.assembler, self.candidates.anybody)
        return found

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
        self.assembler = assembler
        self.resources = resources
        self.places = {resource.arn: assembler.place(resource.arn, "", account) for resource in resources}
        self._lending: dict[str, Beyond] = {}
        self._known: dict[str, tuple[Subject, ...]] = {}
        self._about: dict[tuple[int, ...], ContentPatterns] = {}
        self._beyond = self._others()
        self.ground = Ground(assembler, account, resources, self.places, self._made())

    @property
    def units(self) -> Units:
        return self.ground.units

    @cached_property
    def lent(self) -> list[int]:
        """The places among all units of those that others may have access to: few, so that what others' documents say
        is soon told of them (``graph.lent_ground``)."""
        return [
            place for place, unit in enumerate(self.units.all) if unit.container and unit.container.arn in self._beyond
        ]

    @property
    def lent_resources(self) -> list[Resource]:
        return [one for one in self.resources if one.arn in self._beyond]

    def _others(self) -> dict[str, Beyond]:
        found = {}
        for arn, place in self.places.items():
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
                target = self.places[resource.arn].target
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
        found = ContentPatterns(self.assembler.now)
        inside = self._shared.candidates.inside(self.account)
        take_in(found, self.assembler, inside if self._also is None else [*inside, self._also])
        self._add_rcps(found, inside)
        return found

    def _add_rcps(self, patterns: ContentPatterns, subjects: Sequence[Subject]) -> None:
        for level in self.assembler.guardrails("rcp", self.account):
            patterns.add_all(level.policies, subjects, everybody=True)

    def _patterns_on(self, container: Resource) -> Iterator[Patterns]:
        """The patterns of a container's own policy, and of those whom it lets in from elsewhere."""
        others: tuple[Subject, ...] = ()
        beyond = self._beyond.get(container.arn)
        if beyond is not None:
            others = self._elsewhere(beyond, container.arn)
        if len(others) > _MANY:
            yield Among(self._shared.patterns, frozenset([one.index for one in others]))
            over = ContentPatterns(self.assembler.now)
            add_guardrails(over, self._shared.assembler, others)
            yield over
        elif others:
            yield self._patterns_of(others)
        ref, _ = policy_of(self.assembler, container)
        if ref is not None and ref.document is not None:
            found = ContentPatterns(self.assembler.now)
            found.add(ref.document, (*self._shared.candidates.inside(self.account), *others), everybody=True)
            yield found

    def _patterns_of(self, others: tuple[Subject, ...]) -> ContentPatterns:
        """The patterns of some of other accounts, whom one container often lets in as another does."""
        key = tuple([one.index for one in others])
        found = self._about.get(key)
        if found is None:
            found = self._about[key] = ContentPatterns(self.assembler.now)
            take_in(found, self._shared.assembler, others)
        return found

    # -- who asks

    def askers(self) -> Iterator[tuple[Subject, Ground, int]]:
        """The account's own, with the ground and the units of it where they may have access: everywhere."""
        for subject in self._shared.candidates.inside(self.account):
            yield subject, self.ground, self.units.everything

    def others(self) -> Iterator[tuple[str, tuple[Subject, ...]]]:
        """Whom a policy, a share or an ACL lets in from elsewhere, by ARN of the resource."""
        for arn, beyond in self._beyond.items():
            yield arn, self._elsewhere(beyond, arn)

    def _elsewhere(self, beyond: Beyond, arn: str) -> tuple[Subject, ...]:
        """Of those whom a resource lets in, the principals of other accounts."""
        return tuple([one for one in self._reached(beyond, arn) if one.account != self.account])

    def _reached(self, beyond: Beyond, arn: str) -> tuple[Subject, ...]:
        """Whom a resource lets in from elsewhere: of users and roles those whose own policies may allow it (L4), and
        those whom a grant of a key names (L7)."""
        found = self._known.get(arn)
        if found is None:
            found = self._known[arn] = tuple(self._let_in(beyond, arn))
        return found

    def _let_in(self, beyond: Beyond, arn: str) -> Iterator[Subject]:
        container = self.places[arn].container
        assert container is not None
        return self._shared.let_in(beyond, container, arn, start_inside(arn, container.type))

    def lent_to(self) -> Iterator[Lent]:
        """What hangs here on principals of other accounts: a build that follows looks only at those."""
        for arn, beyond in self._lending.items():
            container = self.places[arn].container
            assert container is not None
            reached = {one.index for one in self._elsewhere(beyond, arn)}
            names = tuple(sorted(map(written, beyond.names)))
            yield Lent(arn, container.type, names, beyond.everyone, beyond.unnamed, tuple(sorted(reached)))


def take_in(patterns: ContentPatterns, assembler: Assembler, subjects: Collection[Subject]) -> None:
    """Adds what the policies of subjects, and the guardrails over them, say of contents."""
    add_own(patterns, assembler, subjects)
    add_guardrails(patterns, assembler, subjects)


def add_own(patterns: ContentPatterns, assembler: Assembler, subjects: Iterable[Subject]) -> None:
    """Adds what the policies of subjects, with their boundaries, say of contents."""
    holders: defaultdict[PolicyRef, list[Subject]] = defaultdict(list)
    for subject in subjects:
        assert subject.caller is not None
        for ref in (ref for refs in assembler.identity(subject.caller.principal) for ref in refs):
            holders[ref].append(subject)
    for ref, whose in holders.items():
        patterns.add_all((ref,), whose)


def add_guardrails(patterns: ContentPatterns, assembler: Assembler, subjects: Iterable[Subject]) -> None:
    """Adds what the guardrails over subjects say of contents."""
    inside: defaultdict[str, list[Subject]] = defaultdict(list)
    for subject in subjects:
        inside[subject.account].append(subject)
    guardrails: defaultdict[PolicyRef, list[Subject]] = defaultdict(list)
    for account, several in inside.items():
        for level in assembler.guardrails("scp", account):
            for ref in level.policies:
                guardrails[ref] += several
    for ref, whose in guardrails.items():
        patterns.add_all((ref,), whose, everybody=True)
