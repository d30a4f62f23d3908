"""The resolver: what every subject may do in one account, directly.

A task is one account: a pure function of the shared entities and the account's resources, so accounts can be resolved
anywhere. Nobody is decided about pair by pair. For one subject the account's units fall into groups that nothing a
decision reads tells apart: the statements of its own policies, boundary and guardrails that match, the policies that
may mean it, the tags that one of all these reads, settings, region and kind. One unit of each group is decided on, for
each group of actions that no matching statement tells apart. Subjects that are alike in all of this share the work.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import NamedTuple

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

#: What a subject holds: content (by number) to units.
Held = dict[int, int]


class Holding(NamedTuple):
    """What some subjects may do on some ground: ``held`` is by number of ``contents``; equal sets of units are mostly
    one number, for of many units it is long."""

    contents: Sequence[Content]
    held: list[tuple[list[Subject], Held]]


__all__ = ["AccountResolver", "Grant", "GroundResolver", "Holding"]


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
        return [self.contents[content] for content in self.held(asker)]

    def holding(self, askers: Iterable[tuple[Subject, Ground, int]]) -> Holding:
        """What each of some subjects may do on the units that are named with it; alike ones are decided about once."""
        alike: defaultdict[Hashable, list[Subject]] = defaultdict(list)
        chosen: dict[Hashable, Asker] = {}
        before: dict[Hashable, Hashable] = {}
        asker, key = None, None
        for subject, ground, units in askers:
            if asker is not None and asker.speaks_for(subject, ground, units):
                alike[key].append(subject)
                continue
            asker = Asker(self.assembler, ground, subject, units)
            unread = asker.before_reading()
            key = None if unread is None else before.get(unread)
            if key is None:
                key = asker.read().signature
                chosen.setdefault(key, asker)
                if unread is not None:
                    before[unread] = key
            alike[key].append(subject)
        sets: dict[int, int] = {}
        return Holding(self.contents, [(alike[key], _once(sets, self.held(asker))) for key, asker in chosen.items()])

    def held(self, asker: Asker) -> Held:
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
        self.place = place

    def partition(self, lent: Iterable[Holding]) -> Partition:
        """Every grant on the account's resources. ``lent`` is what principals of other accounts may do on its units:
        the same whichever accounts that was decided for together with it."""
        place = self.place
        parts = [self.holding(place.askers()), *lent]
        sets = {id(bits): bits for part in parts for _, held in part.held for bits in held.values()}
        classes, number = classes_of(place.units, place.account, list(sets.values()), _related(parts))
        found = Partition(place.account, classes)
        found.lent = list(place.lent_to())
        covered = {one: place.ground.classes_in(bits, number) for one, bits in sets.items()}
        of_classes: dict[int, int] = {}
        for part in parts:
            numbers: dict[int, int] = {}
            for subjects, held in _merged(part):
                found.holders.append(tuple(subjects))
                for content, bits in held:
                    if content not in numbers:
                        numbers[content] = len(found.contents)
                        found.contents.append(part.contents[content])
                    chosen = of_classes.setdefault(covered[id(bits)], len(of_classes))
                    found.rows.append((len(found.holders) - 1, numbers[content], chosen))
        found.sets = [places(classes) for classes in of_classes]
        return found


def _once(sets: dict[int, int], held: Held) -> Held:
    """The same, with sets of units that are equal as one number."""
    return {content: sets.setdefault(bits, bits) for content, bits in held.items()}


def _related(parts: Iterable[Holding]) -> int:
    """The units on which something is granted that speaks of the resource itself."""
    found = 0
    for part in parts:
        related = [one.related for one in part.contents]
        for bits in {id(bits): bits for _, held in part.held for one, bits in held.items() if related[one]}.values():
            found |= bits
    return found


def _merged(part: Holding) -> Iterator[tuple[list[int], list[tuple[int, int]]]]:
    """Who holds the same, in their order, with what that is: by units, then actions, of which none is in two."""
    groups: dict[Hashable, tuple[list[int], Held]] = {}
    for subjects, held in part.held:
        if held:
            key = tuple(sorted((content, id(bits)) for content, bits in held.items()))
            groups.setdefault(key, ([], held))[0].extend([subject.index for subject in subjects])
    for indexes, held in groups.values():
        yield sorted(indexes), sorted(held.items(), key=lambda each: (each[1], part.contents[each[0]].actions))
