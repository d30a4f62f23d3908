"""A build: one snapshot to tables and graph, whole or not at all."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from graph import generations
from graph.access import add_access
from graph.builds import Report, no_report
from graph.kinds import EdgeTable
from graph.ladybug_store import LadybugStore
from graph.places import add_places
from graph.resolver import Grant
from graph.rows import GraphRows
from graph.schema import GRAPH_VERSION
from graph.store import Rows, Store, StoreError
from graph.tables import TABLES_VERSION, BuildInfo, TableWriter
from graph.world import World
from model.loading import load_inventory
from model.snapshot import Snapshot


def build(snapshot: Snapshot, home: Path, report: Report = no_report, second: Store | None = None) -> BuildInfo:
    """Builds tables and graph of ``snapshot`` in ``home/graphs/<snapshot>/`` and makes them the current ones.

    Until the last moment everything is written beside: a build that fails or is killed leaves the one before it
    answering. The same graph is loaded into the store ``second`` when the build is in its place, so that no store
    answers from what the home could not explain. Raises ``SnapshotError``, ``InventoryError``, ``StoreError``.
    """
    clock = _Clock(report)
    if second is not None:
        second.generations()  # one that cannot be reached is told of now rather than after all the work
    # Held from the beginning: who comes second is told of it now, and so is a home that cannot be written.
    with _writing(home, snapshot.id) as folder:
        built = _decided(snapshot, clock, report)
        with clock.phase("tables"):
            writer = TableWriter(folder)
            world = built.world
            writer.write_all(world.inventory, world.subjects.all, world.classes, built.grants, world.steps.all)
        with clock.phase("graph"):
            store = LadybugStore.create(folder / generations.GRAPH_FILE)
            try:
                counts = store.load(snapshot.id, built.nodes, built.edges)
            finally:
                store.close()
        info = BuildInfo(
            version=TABLES_VERSION,
            graph_version=GRAPH_VERSION,
            snapshot=snapshot.id,
            nodes=dict(counts.nodes),
            edges=dict(counts.edges),
            principal_classes=len({subject.key for subject in world.subjects.deciding()}),
            resource_classes=len(world.classes),
            seconds=clock.seconds,
            invalid=world.assembler.invalid,
            gaps=list(world.inventory.data.gaps),
        )
        writer.write_info(info)
    if second is not None:
        with clock.phase("store"):
            second.load(snapshot.id, built.nodes, built.edges)
    return info


@dataclass(frozen=True)
class _Built:
    """What was decided about a world, and the rows of its graph."""

    world: World
    grants: list[Grant]
    nodes: Mapping[str, Rows]
    edges: Mapping[EdgeTable, Rows]


def _decided(snapshot: Snapshot, clock: _Clock, report: Report) -> _Built:
    with clock.phase("read"):
        world = World(load_inventory(snapshot))
    with clock.phase("steps"):
        world.steps.all  # noqa: B018  # worked out when asked for
    with clock.phase("classes"):
        world.classes  # noqa: B018
    grants: list[Grant] = []
    with clock.phase("resolve"):
        accounts = world.resolver.accounts
        for done, account in enumerate(accounts):
            report("resolve", done, len(accounts))
            grants += world.resolver.resolve(account)
    rows = GraphRows()
    with clock.phase("rows"):
        add_places(rows, world)
        add_access(rows, world, grants)
        return _Built(world, grants, rows.nodes(), rows.edges())


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
        self._report = report

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        self._report(name, 0, 1)
        begun = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - begun, 3)
        self._report(name, 1, 1)
