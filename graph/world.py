"""Everything a question needs of one inventory, made when it is first asked for."""

from __future__ import annotations

from functools import cached_property

from graph.assume import Assuming
from graph.candidates import Candidates
from graph.classes import ResourceClass, resource_classes
from graph.closure import Steps
from graph.deciding import Decider
from graph.resolver import Resolver
from graph.subjects import Subjects
from model.inventory import Inventory
from policy.assemble import Assembler


class World:
    """An inventory with its subjects, the engine that decides about them and the steps between them."""

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory
        self.assembler = Assembler(inventory)
        self.decider = Decider(self.assembler)

    @cached_property
    def subjects(self) -> Subjects:
        return Subjects(self.assembler)

    @cached_property
    def assuming(self) -> Assuming:
        return Assuming(self.decider, self.subjects)

    @cached_property
    def steps(self) -> Steps:
        return Steps(self.assuming.steps())

    @cached_property
    def classes(self) -> list[ResourceClass]:
        return resource_classes(self.assembler, self.subjects)

    @cached_property
    def candidates(self) -> Candidates:
        return Candidates(self.assembler, self.subjects)

    @cached_property
    def resolver(self) -> Resolver:
        return Resolver(self.decider, self.candidates, self.classes)
