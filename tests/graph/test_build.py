"""A build is whole or not at all, whatever interrupts it, and every failure is one clear error."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import pytest

from collectors.imports import import_paths
from graph import builder, generations, resolving
from graph.access import graph_rows
from graph.builder import build
from graph.builds import built_tables
from graph.earlier import plan
from graph.ladybug_store import LadybugStore
from graph.questions import Questions
from graph.store import StoreError, open_store
from graph.table_format import BUILD_FILE, INVENTORY_FOLDER, TABLES_VERSION
from graph.tables import Tables, TablesError
from graph.world import World
from model.errors import SnapshotError
from model.snapshot import open_snapshot
from tests.graph.worlds import ONE, allow, document, seeds, trust

#: A build that kills itself, as nobody can prevent, at the point that its first argument names.
KILLED = """
import os, signal, sys
from pathlib import Path
moment, home = sys.argv[1], Path(sys.argv[2])

def die(*_arguments, **_more):
    os.kill(os.getpid(), signal.SIGKILL)

from graph import builder, generations
from graph.table_writer import TableWriter
from model.snapshot import open_snapshot

def report(phase, done, of):
    if moment == phase and done == of:
        die()

if moment == "info":
    TableWriter.write_info = die
if moment == "sync":
    generations._sync = die
if moment == "moved":
    whole = Path.rename
    def rename(self, target):
        whole(self, target)
        if str(target).endswith(".old"):
            die()
    Path.rename = rename
if moment == "pointed":
    point = generations._point
    def pointing(folder, *names):
        point(folder, *names)
        die()
    generations._point = pointing
if moment == "published":
    point_last = generations._point
    def pointing_last(folder, *names):
        point_last(folder, *names)
        if len(names) == 1:
            die()
    generations._point = pointing_last
builder.build(open_snapshot(home), home, report)
"""

MOMENTS = ("read", "resolve", "rows", "tables", "graph", "info", "sync", "pointed", "moved", "published")
FEW = ("tables", "info", "pointed", "moved")


@pytest.fixture(scope="module")
def built_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small organisation's snapshot, imported and built: a build of it takes a second."""
    folder = tmp_path_factory.mktemp("small")
    roles = [
        {
            "Path": "/",
            "RoleName": f"r{number}",
            "RoleId": f"AROA{number}",
            "Arn": f"arn:aws:iam::{ONE}:role/r{number}",
            "AssumeRolePolicyDocument": json.loads(document(trust({"AWS": ONE}))),
            "RolePolicyList": [
                {"PolicyName": "p", "PolicyDocument": json.loads(document(allow(["sts:AssumeRole", "iam:Get*"])))}
            ],
            "AttachedManagedPolicies": [],
            "Tags": [],
        }
        for number in range(3)
    ]
    details = {"UserDetailList": [], "GroupDetailList": [], "RoleDetailList": roles, "Policies": []}
    (folder / "details.json").write_text(json.dumps(details))
    import_paths([folder / "details.json"], folder / "home")
    build(open_snapshot(folder / "home"), folder / "home")
    return folder / "home"


@pytest.fixture
def home(built_home: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built_home, tmp_path / "home"))


def test_inventory_and_tables_are_gone_when_the_graph_is_loaded(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[weakref.ref[Any]] = []
    load = LadybugStore.load

    def planned(*of: Any) -> Any:
        found = plan(*of)
        assert found is not None
        seen.append(weakref.ref(found.tables))  # the earlier build's
        return found

    def rows(world: World, tables: Tables, steps: Any) -> Any:
        made = graph_rows(world, tables, steps)
        seen.extend(map(weakref.ref, (world, world.inventory, world.subjects, tables)))
        seen.extend(map(weakref.ref, tables.partitions))
        return made

    def loaded(self: LadybugStore, *load_of: Any) -> Any:
        assert len(seen) == 6 and all(one() is None for one in seen)
        return load(self, *load_of)

    monkeypatch.setattr(resolving, "plan", planned)
    monkeypatch.setattr(builder, "graph_rows", rows)
    monkeypatch.setattr(LadybugStore, "load", loaded)
    info = build(open_snapshot(home), home)
    assert info == Tables(generations.current(home)).info
    assert info.nodes["Role"] == 3 and info.resource_classes and info.principal_classes and info.seconds["graph"]


def answers(home: Path) -> tuple[int, int]:
    """What a reader gets: rows of one question to the graph and one to the tables."""
    store = open_store(home)
    try:
        graph = len(store.query("MATCH (r:Role {snapshot: $snapshot}) RETURN r.key AS role ORDER BY role").rows)
    finally:
        store.close()
    tables = Questions(Tables(generations.current(home)))
    return graph, len(tables.steps.all)


@pytest.mark.parametrize("moment", MOMENTS if len(seeds(1, 2)) > 1 else FEW)
def test_a_killed_build_leaves_the_one_before_it_or_the_whole_new_one_answering(home: Path, moment: str) -> None:
    before = answers(home)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, moment, str(home)], check=False, capture_output=True, text=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]
    assert answers(home) == before
    current = generations.current(home)
    assert (current / BUILD_FILE).is_file()
    assert (current / generations.GRAPH_FILE).is_file()


def test_what_a_killed_build_left_is_tidied_by_the_next(home: Path) -> None:
    before = answers(home)
    subprocess.run([sys.executable, "-c", KILLED, "moved", str(home)], check=False, capture_output=True)
    build(open_snapshot(home), home)
    assert answers(home) == before
    left = {path.name for path in (home / "graphs").iterdir()}
    assert left == {open_snapshot(home).id, "current", ".lock"}


def test_a_first_build_that_is_killed_leaves_no_half_graph(home: Path) -> None:
    shutil.rmtree(home / "graphs")
    subprocess.run([sys.executable, "-c", KILLED, "graph", str(home)], check=False, capture_output=True)
    with pytest.raises(StoreError, match="run `grantmap build`"):
        generations.current(home)
    assert generations.built(home) == ()
    assert built_tables(open_snapshot(home), home).info.snapshot == open_snapshot(home).id


def test_two_builds_at_once_are_refused(home: Path) -> None:
    with (
        generations.building(home, "other"),
        pytest.raises(StoreError, match="being built by another process"),
        generations.building(home, "third"),
    ):
        pytest.fail("a second build began")


#: A question of a process of its own: what the build that it finds, makes or waits for is of.
ASKS = """
import sys
from pathlib import Path
from graph.builds import built_tables
from graph.earlier import plan
from model.snapshot import open_snapshot
home = Path(sys.argv[1])
print(built_tables(open_snapshot(home), home).info.snapshot)
"""


def test_questions_that_come_while_nothing_is_built_wait_for_one_build(home: Path) -> None:
    shutil.rmtree(home / "graphs")
    with generations.building(home, "other"):
        asking = [
            subprocess.Popen([sys.executable, "-c", ASKS, str(home)], stdout=subprocess.PIPE, text=True)
            for _ in range(3)
        ]
        with pytest.raises(subprocess.TimeoutExpired):
            asking[0].wait(3)
    assert {process.communicate()[0].strip() for process in asking} == {open_snapshot(home).id}
    assert {process.returncode for process in asking} == {0}


def test_a_home_that_cannot_be_written_gives_one_clear_error(home: Path) -> None:
    shutil.rmtree(home / "graphs")
    (home / "graphs").write_text("in the way")
    with pytest.raises(StoreError, match="cannot write"):
        build(open_snapshot(home), home)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser writes anywhere")
def test_a_read_only_home_gives_one_clear_error(home: Path) -> None:
    shutil.rmtree(home / "graphs")
    home.chmod(0o500)
    try:
        with pytest.raises(StoreError, match="cannot write"):
            build(open_snapshot(home), home)
    finally:
        home.chmod(0o700)


def test_a_part_that_was_changed_is_named(home: Path) -> None:
    snapshot = open_snapshot(home)
    part = max(
        snapshot.manifest.parts, key=lambda entry: (home / "snapshots" / snapshot.id / entry.path).stat().st_size
    )
    path = home / "snapshots" / snapshot.id / part.path
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(SnapshotError, match=f"part `{part.path}` was changed"):
        build(open_snapshot(home), home)


def test_a_part_that_is_gone_is_named(home: Path) -> None:
    snapshot = open_snapshot(home)
    part = snapshot.manifest.parts[0]
    (home / "snapshots" / snapshot.id / part.path).unlink()
    with pytest.raises(SnapshotError, match=f"part `{part.path}` is missing"):
        build(open_snapshot(home), home)


TABLES = ("accounts", "actions", "classes", "contents", "grants", "holders", "sets", "steps", "subjects")


@pytest.mark.parametrize(
    "name", [f"{INVENTORY_FOLDER}/shared.msgpack", BUILD_FILE, *(f"{table}.arrow" for table in TABLES)]
)
@pytest.mark.parametrize("damage", ["gone", "cut", "text"])
def test_a_damaged_table_is_one_clear_error_that_says_what_to_do(home: Path, name: str, damage: str) -> None:
    path = generations.current(home) / name
    data = path.read_bytes()
    path.unlink()
    if damage == "cut":
        path.write_bytes(data[: len(data) // 2])
    if damage == "text":
        path.write_text("{}")
    with pytest.raises(TablesError, match="run `grantmap build`"):
        questions = Questions(Tables(generations.current(home)))
        questions.who_can("sts:AssumeRole", questions.world.inventory.data.roles[0].arn)
        _ = questions.tables.grants_of(0)
        _ = list(questions.tables.grants_where(lambda _: True))
        _ = questions.steps.all


def test_a_build_of_another_version_is_made_anew(home: Path) -> None:
    path = generations.current(home) / BUILD_FILE
    path.write_text(path.read_text().replace(f'"version": {TABLES_VERSION}', '"version": 0'))
    with pytest.raises(TablesError, match="version"):
        Tables(generations.current(home))
    assert built_tables(open_snapshot(home), home).info.version > 0


def test_a_build_says_what_is_in_the_graph(home: Path) -> None:
    info = Tables(generations.current(home)).info
    store = open_store(home)
    try:
        for kind, count in info.nodes.items():
            found = store.query(f"MATCH (n:{kind} {{snapshot: $snapshot}}) RETURN count(n) AS n").rows
            assert found[0][0] == count, kind
    finally:
        store.close()


def test_building_twice_gives_the_same_tables(home: Path) -> None:
    folder = generations.current(home)
    tables = sorted(path.name for path in folder.glob("*.arrow"))
    before = {name: (folder / name).read_bytes() for name in tables}
    build(open_snapshot(home), home)
    after = generations.current(home)
    assert {name for name in tables if (after / name).read_bytes() != before[name]} == set()
