"""Some containers of one account, decided anew for some subjects, before a change and after it.

Units are the same on both sides and as fine as the documents of these subjects need, before and after: a change can
make known a tag of which a pattern speaks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cached_property

from graph.some_units import SomeUnits
from graph.subjects import Subject
from graph.units import Units
from graph.whatif_held import Rights
from graph.whatif_sides import Sides


class Live:
    """``containers`` are ARNs, and ``*`` for what has none; ``holders`` those who may be asked about, as of before."""

    def __init__(self, sides: Sides, account: str, containers: Collection[str], holders: Sequence[Subject]) -> None:
        self._sides = sides
        after = [sides.after_of(holder) for holder in holders]
        for world, several in ((sides.before.world, holders), (sides.after.world, after)):
            for one in several:
                if one.caller is not None:
                    world.assembler.identity(one.caller.principal)  # parsed once, not once an account
        shared = sides.before.world.resolver.shared
        both = (*holders, *after) if sides.touched else holders
        self._was = _Place(shared, sides.before.world, account, containers, both)
        self._shared, self._account, self._containers = shared, account, containers
        units = self.units
        #: The units of the containers.
        self.within = 0
        for arn in containers:
            self.within |= units.of_container(arn)
        self._changed = 0
        for arn in sides.changed:
            self._changed |= units.of_container(arn) & self.within

    @property
    def units(self) -> Units:
        return self._was.units

    @cached_property
    def _now(self) -> _Place:
        return _Place(self._shared, self._sides.after.world, self._account, self._containers, (), self.units.all)

    def held(self, holder: Subject) -> tuple[list[tuple[Rights, int]], list[tuple[Rights, int]]]:
        """What one of the holders may do on which units, before and after."""
        was = list(self._was.held(holder, self.within))
        anew = self.within if holder.index in self._sides.touched else self._changed
        now = [(content, units & ~anew) for content, units in was if units & ~anew]
        if anew:
            now += self._now.held(self._sides.after_of(holder), anew)
        return was, now


class _Place(SomeUnits):
    """Some containers of an account in one world, with what is held there."""

    @cached_property
    def _rights(self) -> dict[int, Rights]:
        return {}

    def held(self, subject: Subject, units: int) -> Iterator[tuple[Rights, int]]:
        """What a subject may do on which of these units."""
        found = self.resolver.held(self.resolver.asker(subject, self.ground, units))
        return ((self._of(content), bits) for content, bits in found.items())

    def _of(self, content: int) -> Rights:
        found = self._rights.get(content)
        if found is None:
            found = self._rights[content] = Rights.of(self.resolver.contents[content])
        return found
