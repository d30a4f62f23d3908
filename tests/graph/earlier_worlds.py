"""Builds of one home after another, each made of an inventory that a test made up, and what their tables say."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Hashable, Iterator
from pathlib import Path

from msgspec.structs import replace

from graph import generations
from graph.engines import Engine, LocalEngine
from graph.resolving import Resolving
from graph.schema import GRAPH_VERSION
from graph.subjects import list_subjects, mentioned
from graph.table_format import INVENTORY_FOLDER, TABLES_VERSION, BuildInfo
from graph.tables import Tables
from graph.versions import maker
from graph.world import World
from model.inventory import Inventory, InventoryData
from model.sources import open_inventory, store_inventory


def built(data: InventoryData, home: Path, name: str, engine: Engine | None = None) -> Tables:
    """The next build of a home, which is then the current one; what it can it takes over.

    One that was interrupted is begun again by its name.
    """
    # Tasks keep a world as long as the shared entities are the same ones, and those of two snapshots never are.
    data = replace(data, snapshot=f"{home}/{name}")
    folder = generations.folder_of(home, name)
    shutil.rmtree(folder, ignore_errors=True)
    (folder / INVENTORY_FOLDER).mkdir(parents=True)
    store_inventory(Inventory(data), folder / INVENTORY_FOLDER)
    inventory = open_inventory(folder / INVENTORY_FOLDER)
    world = World(inventory, list_subjects(World(inventory).assembler, mentioned(inventory.all_resources())))
    resolving = Resolving(world, home, folder, generations.work_folder(home, name))
    resolving.resolve(engine or LocalEngine(1))
    resolving.write().write_info(
        BuildInfo(
            version=TABLES_VERSION,
            graph_version=GRAPH_VERSION,
            snapshot=name,
            nodes={},
            edges={},
            principal_classes=0,
            resource_classes=0,
            seconds={},
            maker=maker(),
            taken_over=len(resolving.taken),
            earlier=resolving.earlier,
            invalid=resolving.invalid,
        )
    )
    resolving.done.clear()
    (generations.graphs_folder(home) / "current").write_text(f"{name}\n")
    return Tables(folder)


def rebuilt(data: InventoryData, then: InventoryData, folder: Path) -> tuple[Tables, Tables]:
    """What a home has after two builds, and what the second is from nothing."""
    built(data, folder / "home", "one")
    return built(then, folder / "home", "two"), built(then, folder / "fresh", "two")


def taken(tables: Tables) -> int:
    """How many accounts were taken over."""
    return tables.info.taken_over


def said(tables: Tables) -> dict[str, Counter[Hashable]]:
    """All that the tables say, spelled out: nothing in it is numbered."""
    return {
        **{f"grants of {account}": Counter(_grants(tables, number)) for number, account in enumerate(tables.accounts)},
        **{f"lent by {account}": Counter(_lent(tables, number)) for number, account in enumerate(tables.accounts)},
        "steps": Counter(_steps(tables)),
        "subjects": Counter(_subjects(tables)),
        "accounts": Counter(
            (row["account"], row["clocked"], *sorted(json.loads(row["invalid"]).items()))
            for row in tables.batch("accounts", 0).to_pylist()
        ),
    }


def _grants(tables: Tables, number: int) -> Iterator[Hashable]:
    partition, listed = tables.partition(number), tables.listed()
    everyone = sorted({int(one) for one in partition.holders.values})
    yield from ((one.pattern, one.representative, one.type, one.members, one.owner) for one in partition.classes)
    for subject in everyone:
        for grant in partition.grants_of(subject):
            item = partition.classes[grant.resource_class - partition.start]
            outcome = grant.outcome
            because = tuple(sorted(json.dumps(one, sort_keys=True) for one in outcome.because))
            residual = json.dumps(outcome.residual, sort_keys=True)
            yield (
                listed[subject],
                item.representative,
                outcome.verdict,
                residual,
                because,
                outcome.certain,
                grant.actions,
            )


def _lent(tables: Tables, number: int) -> Iterator[Hashable]:
    listed = tables.listed()
    for row in tables.batch("lent", number).to_pylist():
        reached = tuple(listed[one] for one in row.pop("reached"))
        yield reached, json.dumps(row, sort_keys=True)


def _steps(tables: Tables) -> Iterator[Hashable]:
    world = World(tables.inventory, tables.listed())
    listed = tables.listed()
    for step in tables.steps(world.subjects):
        outcome = json.dumps([step.outcome.residual, step.outcome.because, step.outcome.certain], sort_keys=True)
        yield listed[step.source.index], listed[step.target.index], step.action, step.outcome.verdict, outcome


def _subjects(tables: Tables) -> Iterator[Hashable]:
    for subject, listed in enumerate(tables.listed()):
        yield listed, tuple(partition.account for partition in tables.with_grants_of(subject))
