"""The accounts of an inventory, each resolved when it is asked for, in this process."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property

from msgspec import structs

from graph.account_units import AccountUnits, Shared
from graph.assume import Assuming
from graph.candidates import Candidates
from graph.classes import ResourceClass
from graph.deciding import Decider, Outcome
from graph.ground import Ground
from graph.keeping import Recent
from graph.lent_ground import grounds
from graph.partition import Content, Grant, Partition, outcome_on, spelled
from graph.resolver import AccountResolver, GroundResolver, Held, Holding
from graph.steps import ASSUME_ROLE, Step, loses_mfa
from graph.subjects import Subject, Subjects
from graph.units import Unit
from model.entities import Resource
from policy.assemble import Assembler

#: Who becomes no role by AssumeRole: root users may not (semantics L10), providers and people have other calls.
_NOT_ASSUMING = ("RootUser", "Provider", "Person")

#: A process answers questions for days: so many accounts, and ARNs, stay open.
_OPEN_ACCOUNTS = 64
_OPEN_ARNS = 2048


class _Opened:
    """An account that somebody's access is decided in, with what was decided: it speaks of the resolver's contents."""

    def __init__(self, resolver: AccountResolver, units: AccountUnits) -> None:
        self.resolver = resolver
        self.units = units
        self._held: dict[Subject, Held] = {}

    def held(self, subject: Subject) -> Held:
        found = self._held.get(subject)
        if found is None:
            asker = self.resolver.asker(subject, self.units.ground, self.units.units.everything)
            found = self._held[subject] = self.resolver.held(asker)
        return found


class Accounts:
    """Resolves accounts; numbers of subjects are those of ``subjects``."""

    def __init__(self, assembler: Assembler, subjects: Subjects, candidates: Candidates, assuming: Assuming) -> None:
        self.shared = Shared(assembler, candidates)
        self._assembler = assembler
        self._subjects = subjects
        self._assuming = assuming
        self._done: dict[str, Partition] = {}
        self._open: Recent[tuple[str, Subject | None], _Opened] = Recent(_OPEN_ACCOUNTS)
        self._single: Recent[tuple[str, str], tuple[GroundResolver, Ground]] = Recent(_OPEN_ARNS)

    @cached_property
    def accounts(self) -> list[str]:
        """The tasks: accounts of the organisation, and others that resources were found in."""
        inventory = self._assembler.inventory
        return sorted({*(account.id for account in inventory.data.accounts), *inventory.resource_accounts()})

    def partition(self, account: str) -> Partition:
        """One account, resolved, and kept."""
        found = self._done.get(account)
        if found is None:
            found = self._done[account] = self.resolved(account)
        return found

    def resolved(self, account: str) -> Partition:
        """One account, resolved: a pure function of the shared entities and the account's resources."""
        resolver, _ = self.opened(account)
        return next(self.together(deque([resolver])))

    def together(self, several: deque[AccountResolver]) -> Iterator[Partition]:
        """Accounts that are opened, resolved in their order: each as it is alone, and sooner where all lend something
        to everybody. ``several`` is emptied: what an account was resolved with goes before the next one needs room."""
        lent = self._lent([one.place for one in several])
        while several:
            resolver = several.popleft()
            yield resolver.partition(lent.pop(resolver.place.account, []))

    def _lent(self, several: Iterable[AccountUnits]) -> dict[str, list[Holding]]:
        """What principals of other accounts may do in each account."""
        found: defaultdict[str, list[Holding]] = defaultdict(list)
        for ground, accounts in grounds(self._assembler, several):
            holding = GroundResolver(self._assembler).holding(ground.askers())
            for one, held in zip(accounts, ground.holdings(holding), strict=True):
                found[one.account].append(held)
        return found

    def opened(
        self, account: str, resources: tuple[Resource, ...] | None = None, also: Subject | None = None
    ) -> tuple[AccountResolver, AccountUnits]:
        """An account ready to be resolved, and its units; ``resources`` are its, where the caller has them.

        ``also`` is somebody whom no inventory lists and a question is about.
        """
        inventory = self._assembler.inventory.partition_view(account, resources)
        assembler = self._assembler.part(inventory)
        place = AccountUnits(self.shared, assembler, account, inventory.data.resources, also)
        return AccountResolver(assembler, place), place

    # -- steps

    def steps(self, partition: Partition, assembler: Assembler | None = None) -> Iterator[Step]:
        """The steps into the roles of an account: of those who hold AssumeRole on them, and of providers.

        ``assembler`` is one that knows the account's resources, where this world may not.
        """
        for holders, content, classes in partition.rows:
            found = partition.contents[content]
            if ASSUME_ROLE not in found.actions:
                continue
            subjects = [self._subjects.all[index] for index in partition.holders[holders]]
            assuming = [subject for subject in subjects if subject.kind not in _NOT_ASSUMING]
            for item in (partition.classes[place] for place in partition.sets[classes].tolist()):
                for role in item.members if item.type == "iam:role" else ():
                    outcome = spelled(found.outcome, role, role) if found.related else found.outcome
                    for subject in assuming:
                        target = self._subjects.session(role, lost=loses_mfa(subject))
                        if target is not subject:
                            yield Step(subject, target, ASSUME_ROLE, outcome)
        yield from self._assuming.by_providers(partition.account, Decider(assembler or self._assembler))

    # -- one subject

    def held(self, subject: Subject, account: str) -> tuple[AccountResolver, AccountUnits, Held]:
        """What one subject, listed or not, holds in an account, decided afresh."""
        also = None if subject.index >= 0 else subject
        place = self._open.of((account, also), lambda: _Opened(*self.opened(account, also=also)))
        return place.resolver, place.units, place.held(subject)

    def pair(self, subject: Subject, item: ResourceClass) -> Iterator[Grant]:
        """The grants of one subject, listed or not, on one class, of this world or of another."""
        for found in self._contents_on(subject, item.representative, item.account):
            yield Grant(subject.index, item.index, outcome_on(found, item), found.actions)

    def outcomes_on(self, subject: Subject, arn: str, account: str) -> Iterator[Outcome]:
        """The decisions of one subject about every action on one ARN, alike ones once; denials are left out."""
        container = self._assembler.inventory.container(arn)
        owner = arn if container is None else container.arn
        for found in self._contents_on(subject, arn, account):
            yield spelled(found.outcome, owner, arn) if found.related else found.outcome

    def _contents_on(self, subject: Subject, arn: str, account: str) -> list[Content]:
        key = (arn, account)
        resolver, ground = self._single.of(key, lambda: self._alone(arn, account))
        return resolver.outcomes(resolver.asker(subject, ground, ground.units.everything))

    def _alone(self, arn: str, account: str) -> tuple[GroundResolver, Ground]:
        """One ARN as all the ground there is."""
        container = None if arn == "*" else self._assembler.inventory.container(arn)
        resources = () if container is None else (container,)
        inventory = self._assembler.inventory.partition_view(account, resources)
        assembler = self._assembler.part(inventory)
        lists = self.shared.lists
        if arn == "*":
            unit = Unit("*", "*", None, lists.unscoped)
        else:
            kind = "" if container is None else container.type if container.arn == arn else f"{container.type}/"
            unit = Unit(arn, arn, container, lists.of(kind, arn))
        places = {one.arn: assembler.place(one.arn, "", account) for one in resources}
        ground = Ground(assembler, account, resources, places, [unit])
        return GroundResolver(assembler), ground

    # -- all at once, for small worlds

    @cached_property
    def _starts(self) -> dict[str, int]:
        starts, count = {}, 0
        for account in self.accounts:
            starts[account] = count
            count += len(self.partition(account).classes)
        return starts

    @cached_property
    def classes(self) -> list[ResourceClass]:
        """Every class, numbered through all accounts."""
        return [
            structs.replace(item, index=self._starts[account] + item.index)
            for account in self.accounts
            for item in self.partition(account).classes
        ]

    def resolve(self, account: str) -> Iterator[Grant]:
        """Every grant on the classes of an account, one a subject and class, classes numbered through all accounts."""
        start = self._starts[account]
        for grant in self.partition(account).grants():
            yield replace(grant, resource_class=start + grant.resource_class)
