"""Everything a question needs of one inventory, made when it is first asked for."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from graph.access_points import AccessPoints
from graph.accounts import Accounts
from graph.assume import Assuming
from graph.candidates import Candidates
from graph.classes import ResourceClass
from graph.closure import Steps
from graph.deciding import Decider
from graph.people import PeopleSteps
from graph.subjects import Listed, Subjects
from graph.unassigned import Unassigned
from model.inventory import Inventory
from policy.assemble import Assembler
from policy.document import Parsed


class World:
    """An inventory with its subjects, the engine that decides about them and the steps between them.

    ``listed`` are its subjects where a build has listed them, so that not every resource must be read for it;
    ``documents`` is as for ``Assembler``.
    """

    def __init__(
        self, inventory: Inventory, listed: Iterable[Listed] | None = None, documents: Parsed | None = None
    ) -> None:
        self.inventory = inventory
        self.assembler = Assembler(inventory, documents)
        self.decider = Decider(self.assembler)
        self._listed = listed

    @property
    def listed(self) -> list[Listed]:
        """The subjects as a build lists them."""
        if isinstance(self._listed, list):
            return self._listed
        return [Listed(one.key, one.kind, one.lost, one.account) for one in self.subjects.all]

    @cached_property
    def subjects(self) -> Subjects:
        return Subjects(self.assembler, self._listed)

    @cached_property
    def assuming(self) -> Assuming:
        return Assuming(self.decider, self.subjects)

    @cached_property
    def steps(self) -> Steps:
        return Steps(self.assuming.steps(), self.people)

    @cached_property
    def people(self) -> PeopleSteps:
        return PeopleSteps(self.inventory, self.subjects)

    @cached_property
    def unassigned(self) -> Unassigned:
        return Unassigned(self.assembler, self.subjects)

    @cached_property
    def candidates(self) -> Candidates:
        return Candidates(self.assembler, self.subjects)

    @cached_property
    def resolver(self) -> Accounts:
        return Accounts(self.assembler, self.subjects, self.candidates, self.assuming)

    @cached_property
    def access_points(self) -> AccessPoints:
        return AccessPoints(self)

    @cached_property
    def classes(self) -> list[ResourceClass]:
        """Every class of every account, numbered through."""
        return self.resolver.classes
