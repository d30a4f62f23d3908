"""The resolver: what every subject may do in one account, directly.

A task is one account: a pure function of the shared entities and the account's resources, so accounts can be resolved
anywhere. Nobody is decided about pair by pair. For one subject the account's units fall into groups that nothing a
decision reads tells apart: the statements of its own policies, boundary and guardrails that match, the policies that
may mean it, the tags that one of all these reads, settings, region and kind. One unit of each group is decided on, for
each group of actions that no matching statement tells apart. Subjects that are alike in all of this share the work.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence

from graph.account_units import AccountUnits
from graph.asker import ActionGroup, Asker
from graph.bits import first, places
from graph.felt import Felt
from graph.ground import Ground
from graph.outcomes import Contents
from graph.partition import Content, Grant, Partition
from graph.quotient import classes_of
from graph.subjects import Subject
from graph.units import Unit
from policy.aim import Aim
from policy.assemble import Assembler
from policy.decide import decide

#: What a subject holds: content (place in the partition) to units.
Held = dict[int, int]

__all__ = ["AccountResolver", "Grant", "GroundResolver"]


class GroundResolver:
    """Decides about subjects on some ground of one account."""

    def __init__(self, assembler: Assembler) -> None:
        #: What assembles requests here.
        self.assembler = assembler
        self._contents = Contents()
        #: Numbers of outcomes by all that the decisions read.
        self._known: dict[Hashable, int | None] = {}
        #: Contents of what may be done on a unit by all that decisions look at there.
        self._seen: dict[Hashable, tuple[int, ...]] = {}

    @property
    def contents(self) -> list[Content]:
        """The contents that ``held`` numbers."""
        return self._contents.all

    def asker(self, subject: Subject, ground: Ground, units: int) -> Asker:
        """A subject on some ground, ready to be decided about."""
        return Asker(self.assembler, ground, subject, units).read()

    def outcomes(self, asker: Asker) -> list[Content]:
        """What a subject may do on any of its ground."""
        return [self.contents[content] for content in self._held(asker)]

    def _held(self, asker: Asker) -> Held:
        """What one subject may do on its ground, group of units by group of units."""
        held: Held = {}
        for group, felt in asker.groups():
            for content in self._decided(asker, first(group), felt):
                held[content] = held.get(content, 0) | group
        return held

    def _decided(self, asker: Asker, place: int, felt: list[Felt]) -> tuple[int, ...]:
        """The contents of what a subject may do on one unit, that the statements ``felt`` are about."""
        unit = asker.ground.units.all[place]
        aim = asker.ground.aim(asker.caller, place)
        seen = asker.seen(unit, place, felt, aim)
        found = None if seen.alike is None else self._seen.get(seen.alike)
        if found is None:
            found = self._on(asker, unit, aim, asker.action_groups(unit, place, aim, seen))
            if seen.alike is not None:
                self._seen[seen.alike] = found
        return found

    def _on(self, asker: Asker, unit: Unit, aim: Aim, groups: Sequence[ActionGroup]) -> tuple[int, ...]:
        known = self._known
        by_outcome: dict[int, int] = {}
        for actions, alike in groups:
            if alike in known:
                outcome = known[alike]
            else:
                decision = decide(*aim.request(unit.actions.actions[first(actions)]), brief=True)
                outcome = known[alike] = self._contents.outcome(asker.subject, decision, unit)
            if outcome is not None:
                by_outcome[outcome] = by_outcome.get(outcome, 0) | actions
        return tuple([self._contents.content(outcome, unit.actions, bits) for outcome, bits in by_outcome.items()])


class AccountResolver(GroundResolver):
    """Resolves one account."""

    def __init__(self, assembler: Assembler, place: AccountUnits) -> None:
        super().__init__(assembler)
        self._place = place

    def partition(self) -> Partition:
        """Every grant on the account's resources."""
        alike: defaultdict[Hashable, list[Subject]] = defaultdict(list)
        askers: dict[Hashable, Asker] = {}
        before: dict[Hashable, Hashable] = {}
        asker, key = None, None
        for subject, ground, units in self._place.askers():
            if asker is not None and asker.speaks_for(subject, ground, units):
                alike[key].append(subject)
                continue
            asker = Asker(self.assembler, ground, subject, units)
            unread = asker.before_reading()
            key = None if unread is None else before.get(unread)
            if key is None:
                key = asker.read().signature
                askers.setdefault(key, asker)
                if unread is not None:
                    before[unread] = key
            alike[key].append(subject)
        sets: dict[int, int] = {}
        held = [(alike[key], self._once(sets, self.held(asker))) for key, asker in askers.items()]
        return self._written(held, list(sets))

    def held(self, asker: Asker) -> Held:
        """What one subject may do, as units of the account."""
        return {content: self._place.widened(asker.ground, units) for content, units in self._held(asker).items()}

    @staticmethod
    def _once(sets: dict[int, int], held: Held) -> Held:
        """The same, with sets of units that are equal as one number: of many units it is long."""
        return {content: sets.setdefault(bits, bits) for content, bits in held.items()}

    def _written(self, held: Sequence[tuple[Sequence[Subject], Held]], sets: Sequence[int]) -> Partition:
        """What was decided; ``sets`` are the sets of units in it, each once."""
        own = 0
        related = [one.related for one in self.contents]
        for bits in {id(bits): bits for _, mine in held for one, bits in mine.items() if related[one]}.values():
            own |= bits
        classes, number = classes_of(self._place.units, self._place.account, sets, own)
        found = Partition(self._place.account, classes, self._contents.all)
        of_units: dict[int, int] = {}
        of_classes: dict[int, int] = {}
        for bits in sets:
            covered = self._place.ground.classes_in(bits, number)
            of_units[id(bits)] = of_classes.setdefault(covered, len(of_classes))
        found.sets = [places(covered) for covered in of_classes]
        found.lent = list(self._place.lent_to())
        for subjects, mine in held:
            if not mine:
                continue
            found.holders.append(tuple(subject.index for subject in subjects))
            found.rows += [(len(found.holders) - 1, content, of_units[id(bits)]) for content, bits in mine.items()]
        return found
