"""Some containers of one account as units, for some who are asked about: as fine as the documents of these need.

What of an account somebody may have access to is often a few containers of thousands.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from graph.account_policies import policy_of
from graph.account_units import AccountUnits, Shared, take_in
from graph.candidates import Beyond
from graph.contents import ContentPatterns, Patterns
from graph.resolver import AccountResolver
from graph.subjects import Subject
from graph.units import Unit
from graph.world import World
from model.entities import Resource


class SomeUnits(AccountUnits):
    """``containers`` are ARNs of resources of the account; there is a unit of what has no resource, too. ``given`` are
    the units where another place has made them."""

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
        self.resolver = AccountResolver(assembler, self)

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
        found = ContentPatterns(self.assembler.now)
        take_in(found, self.assembler, self._holders)
        self._add_rcps(found, self._holders)
        return found

    def _patterns_on(self, container: Resource) -> Iterator[Patterns]:
        ref, _ = policy_of(self.assembler, container)
        if ref is not None and ref.document is not None:
            found = ContentPatterns(self.assembler.now)
            found.add(ref.document, self._holders, everybody=True)
            yield found
