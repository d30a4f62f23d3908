"""The graph's rows, made of a build's finished tables and the inventory, account by account."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping

from graph.access_admins import add_admins, add_open_trusts, admin_tests, admins
from graph.access_levels import LEVELS, levels_of
from graph.access_rows import AccountRows, ActionPatterns, Holders
from graph.access_steps import add_assigned, add_components, add_steps
from graph.kinds import EdgeTable
from graph.outcome_text import under_conditions
from graph.places import add_places
from graph.rows import GraphRows, Pieces
from graph.steps import Step
from graph.store import Rows
from graph.tables import Tables
from graph.world import World

__all__ = ["LEVELS", "admin_tests", "admins", "graph_rows", "levels_of", "under_conditions"]

#: Where rows lie on their way, in the folder of the tables.
_FOLDER = "rows"


def graph_rows(
    world: World, tables: Tables, steps: Iterable[Step]
) -> tuple[Mapping[str, Rows], Mapping[EdgeTable, Rows]]:
    """(nodes, edges) for ``Store.load``.

    ``tables`` are of the world's inventory, their subjects those of ``world.subjects``; ``steps`` are all but people's,
    which assignments and entitlements tell. Of resources only one account is in memory at a time, and the rows lie in
    files until they are read; ``tables.folder`` must be one to write in.
    """
    folder = tables.folder / _FOLDER
    folder.mkdir()
    try:
        return _rows(world, tables, steps, Pieces(folder))
    finally:
        shutil.rmtree(folder)


def _rows(
    world: World, tables: Tables, steps: Iterable[Step], pieces: Pieces
) -> tuple[Mapping[str, Rows], Mapping[EdgeTable, Rows]]:
    inventory, small = world.inventory, GraphRows()
    add_places(small, world)
    add_open_trusts(small, world)
    add_admins(small, world)
    assigned = add_assigned(small, inventory, world.people)
    taken = add_steps(pieces, inventory, (step for step in steps if step.source.kind != "Person"))
    add_components(pieces, taken | assigned)
    holders, patterns = Holders(world.subjects), ActionPatterns(tables.action_sets)
    for partition in tables.partitions:
        resources = inventory.resources_of(partition.account)
        AccountRows(partition, resources, holders, patterns, small.has).add_to(pieces)
    small.into(pieces)
    return pieces.whole()
