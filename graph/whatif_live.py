"""Some containers of one account, decided anew for some subjects, before a change and after it.

Units are the same on both sides and as fine as the documents of these subjects need, before and after: a change can
make known a tag of which a pattern speaks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import cached_property

from graph.account_policies import policy_of
from graph.account_units import AccountUnits, Shared
from graph.candidates import Beyond
from graph.contents import ContentPatterns
from graph.resolver import AccountResolver
from graph.subjects import Subject
from graph.units import Unit, Units
from graph.whatif_held import Rights
from graph.whatif_sides import Sides
from graph.world import World
from model.entities import Resource


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


class _Place(AccountUnits):
    """Some containers of an account in one world; ``given`` are the units where another place has made them."""

    def __init__(
        self,
        shared: Shared,
        world: World,
        account: str,
        containers: Collection[str],
        holders: Sequence[Subject],
        given: Sequence[Unit] | None = None,
    ) -> None:
        self._holders = holders
        self._given = given
        view = world.inventory.partition_view(account)
        assembler = world.assembler.part(view)
        resources = [resource for resource in view.data.resources if resource.arn in containers]
        super().__init__(shared, assembler, account, resources)
        self._resolver = AccountResolver(assembler, self)
        self._rights: dict[int, Rights] = {}

    def held(self, subject: Subject, units: int) -> Iterator[tuple[Rights, int]]:
        """What a subject may do on which of these units."""
        found = self._resolver.held(self._resolver.asker(subject, self.ground, units))
        return ((self._of(content), bits) for content, bits in found.items())

    def _of(self, content: int) -> Rights:
        found = self._rights.get(content)
        if found is None:
            found = self._rights[content] = Rights.of(self._resolver.contents[content])
        return found

    def _others(self) -> dict[str, Beyond]:
        return {}  # who is asked about is told

    def _made(self) -> Iterator[Unit]:
        if self._given is None:
            yield from super()._made()
            return
        own = {resource.arn: resource for resource in self.resources}
        for unit in self._given:
            yield unit if unit.container is None else replace(unit, container=own[unit.container.arn])

    def _patterns(self) -> ContentPatterns:
        found = ContentPatterns(self._assembler.now)
        self._add(found, self._holders)
        for level in self._assembler.guardrails("rcp", self.account):
            for ref in level.policies:
                if ref.document is not None:
                    found.add(ref.document, self._holders, everybody=True)
        return found

    def _patterns_on(self, container: Resource) -> ContentPatterns | None:
        ref, _ = policy_of(self._assembler, container)
        if ref is None or ref.document is None:
            return None
        found = ContentPatterns(self._assembler.now)
        found.add(ref.document, self._holders, everybody=True)
        return found
