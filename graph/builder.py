"""A build: one snapshot to tables and graph, whole or not at all."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from graph import generations
from graph.access import graph_rows
from graph.batches import open_accounts
from graph.builds import Report, no_report
from graph.engines import Engine, LocalEngine
from graph.heap import collect, uncollected
from graph.kinds import EdgeTable
from graph.ladybug_store import LadybugStore
from graph.progress import Done
from graph.resolving import Resolving
from graph.schema import GRAPH_VERSION
from graph.store import Rows, Store, StoreError
from graph.subjects import NOTHING, list_subjects
from graph.table_format import INVENTORY_FOLDER, TABLES_VERSION, BuildInfo
from graph.table_writer import TableWriter
from graph.tables import Tables
from graph.versions import maker
from graph.world import World
from model.inventory import Inventory
from model.load_account import AccountData
from model.loading import load_partitions
from model.snapshot import Snapshot
from model.sources import FolderSource, store_shared


def build(
    snapshot: Snapshot,
    home: Path,
    report: Report = no_report,
    second: Store | None = None,
    engine: Engine | None = None,
) -> BuildInfo:
    """Builds tables and graph of ``snapshot`` in ``home/graphs/<snapshot>/`` and makes them the current ones.

    Until the last moment everything is written beside: a build that fails or is killed leaves the one before it
    answering. Accounts whose resolution cannot have changed since an earlier build of the home are taken over from it,
    and accounts that were resolved before an interruption are not resolved again. The same graph is loaded into
    the store ``second`` when the build is in its place, so that no store answers from what the home could not explain.
    Raises ``SnapshotError``, ``InventoryError``, ``StoreError``, ``EngineError``.
    """
    clock = _Clock(report)
    if second is not None:
        second.generations()  # one that cannot be reached is told of now rather than after all the work
    # Held from the beginning: who comes second is told of it now, and so is a home that cannot be written.
    with _writing(home, snapshot.id) as folder:
        work = _Build(snapshot, home, folder, clock, engine or LocalEngine())
        info, nodes, edges = work.run()
    if second is not None:
        with clock.phase("store"):
            second.load(snapshot.id, nodes, edges)
    return info


class _Tabled(NamedTuple):
    """A build of which only the graph is missing, and its figures; it holds no inventory and no tables."""

    info: BuildInfo
    writer: TableWriter
    done: Done
    nodes: Mapping[str, Rows]
    edges: Mapping[EdgeTable, Rows]


class _Build:
    """One build on its way. ``folder`` becomes the build; what is done until it has is kept in another."""

    def __init__(self, snapshot: Snapshot, home: Path, folder: Path, clock: _Clock, engine: Engine) -> None:
        self._snapshot = snapshot
        self._home = home
        self._folder = folder
        self._work = generations.work_folder(home, snapshot.id)
        self._clock = clock
        self._engine = engine

    def run(self) -> tuple[BuildInfo, Mapping[str, Rows], Mapping[EdgeTable, Rows]]:
        tabled = self._tabled()
        with self._clock.phase("graph"):
            # Inventory and tables are in cycles, which the phases before left alone: a load needs their room.
            collect()
            store = LadybugStore.create(self._folder / generations.GRAPH_FILE)
            try:
                counts = store.load(self._snapshot.id, tabled.nodes, tabled.edges)
            finally:
                store.close()
        info = msgspec.structs.replace(
            tabled.info, nodes=dict(counts.nodes), edges=dict(counts.edges), seconds=self._clock.seconds
        )
        tabled.writer.write_info(info)
        tabled.done.clear()
        return info, tabled.nodes, tabled.edges

    def _tabled(self) -> _Tabled:
        """All but the graph."""
        with self._clock.phase("read"):
            world, together = self._read()
        with self._clock.phase("resolve"):
            report = self._clock.report
            resolving = Resolving(world, self._home, self._folder, self._work, report, together=together)
            resolving.resolve(self._engine)
        with self._clock.phase("tables"):
            writer = resolving.write()
        with self._clock.phase("rows"):
            tables = Tables.unfinished(self._folder)
            nodes, edges = graph_rows(world, tables, tables.steps(world.subjects))
        info = BuildInfo(
            version=TABLES_VERSION,
            graph_version=GRAPH_VERSION,
            snapshot=self._snapshot.id,
            nodes={},
            edges={},
            principal_classes=tables.holder_sets,
            resource_classes=len(tables.classes),
            seconds={},
            maker=maker(),
            taken_over=len(resolving.taken),
            earlier=resolving.earlier,
            invalid={**_invalid_guardrails(world), **_collected(resolving.invalid, world)},
            gaps=list(world.inventory.data.gaps),
        )
        return _Tabled(info, writer, resolving.done, nodes, edges)

    def _read(self) -> tuple[World, frozenset[str]]:
        """The inventory, account by account into its files, and its subjects; accounts to resolve together."""
        folder = self._folder / INVENTORY_FOLDER
        folder.mkdir()
        found = NOTHING
        count = len(self._snapshot.part_accounts)

        def noted() -> Iterator[AccountData]:
            nonlocal found
            for number, read in enumerate(self._engine.read(self._snapshot, folder, load_partitions(self._snapshot))):
                found |= read.mentioned
                self._clock.report("read", number, count)
                yield read.data

        shared = store_shared(self._snapshot, noted(), folder)
        inventory = Inventory(shared.data, FolderSource(folder, shared))
        bare = World(inventory, ())
        world = World(inventory, list_subjects(bare.assembler, found))
        return world, open_accounts(world, found)


def _collected(invalid: Mapping[str, str], world: World) -> dict[str, str]:
    """Without the trusts of roles that only an entitlement names: nobody read them."""
    unread = {f"{role.arn}#trust" for role in world.inventory.data.roles if not role.trust}
    return {policy: why for policy, why in invalid.items() if policy not in unread}


def _invalid_guardrails(world: World) -> dict[str, str]:
    """The organisation's policies that are none: every account under them meets them, and none has them."""
    organization = world.inventory.organization
    policies = organization.policies if organization is not None else ()
    for policy in policies:
        world.assembler.ref(policy.arn, policy.document)
    found = world.assembler.invalid
    return {policy.arn: found[policy.arn] for policy in policies if policy.arn in found}


@contextmanager
def _writing(home: Path, snapshot: str) -> Iterator[Path]:
    try:
        with generations.building(home, snapshot) as folder:
            yield folder
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise StoreError(f"cannot write `{error.filename or home}`: {why}") from error


class _Clock:
    """Seconds by phase."""

    def __init__(self, report: Report) -> None:
        self.seconds: dict[str, float] = {}
        self.report = report

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        self.report(name, 0, 1)
        begun = time.monotonic()
        with uncollected():
            yield
        self.seconds[name] = round(time.monotonic() - begun, 3)
        self.report(name, 1, 1)
