"""A graph's rows are in memory only while somebody reads them: else those of a large organisation would fill it."""

from __future__ import annotations

import mmap
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import graph.rows
from graph.heap import uncollected
from graph.kinds import EdgeTable
from graph.ladybug_store import LadybugStore
from graph.rows import Pieces
from graph.store import Counts, ReadAnew, Rows, StoreError, edge_rows, node_rows, normalised
from tests.graph.loads import CAN_ASSUME, CHAIN, HOLDS, Load, small, users

Graph = tuple[Mapping[str, Rows], Mapping[EdgeTable, Rows]]


class Mapped:
    """The files that are in memory, as far as ``graph.rows`` brought them there."""

    def __init__(self) -> None:
        self._made: list[weakref.ref[mmap.mmap]] = []

    def map(self, *arguments: Any, **more: Any) -> mmap.mmap:
        made = mmap.mmap(*arguments, **more)
        self._made.append(weakref.ref(made))
        return made

    def __len__(self) -> int:
        return sum(one() is not None for one in self._made)

    @property
    def times(self) -> int:
        return len(self._made)


@pytest.fixture
def mapped(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mapped]:
    """What only cycles hold counts: builds run without the collector."""
    found = Mapped()

    class Noted:
        ACCESS_READ = mmap.ACCESS_READ
        mmap = staticmethod(found.map)

    monkeypatch.setattr(graph.rows, "mmap", Noted)
    with uncollected():
        yield found


def pieces_of(load: Load, folder: Path) -> Graph:
    """A load as a build makes it: each table in two batches."""
    folder.mkdir()
    pieces = Pieces(folder)
    for kind, rows in load[0].items():
        for part in (rows.slice(0, 1), rows.slice(1)):
            pieces.nodes(kind, **{name: part.column(name) for name in part.column_names if name != "kind"})
    for table, rows in load[1].items():
        for part in (rows.slice(0, 1), rows.slice(1)):
            columns = {name: part.column(name) for name in part.column_names}
            pieces.edges(table, columns.pop("source"), columns.pop("target"), **columns)
    return pieces.whole()


def listed(graph: Graph) -> dict[object, list[dict[str, Any]]]:
    return {key: rows.to_pylist() for part in graph for key, rows in part.items()}


def test_pieces_are_read_again_and_again_of_files_without_names(tmp_path: Path, mapped: Mapped) -> None:
    open_before = len(list(Path("/dev/fd").iterdir()))
    found = pieces_of(small(), tmp_path / "rows")
    assert list((tmp_path / "rows").iterdir()) == []
    assert len(mapped) == 0
    for _ in range(2):
        assert listed(found) == listed(small())
        assert len(mapped) == 0
    held = found[0]["Role"]
    assert len(mapped) == 1
    assert found[0]["Role"].equals(held)
    part = held.column("key").slice(1, 2)
    del held
    assert len(mapped) == 1  # a part of a column is enough
    assert part.to_pylist() == ["r2", "r3"]
    del part
    assert len(mapped) == 0
    del found
    assert len(list(Path("/dev/fd").iterdir())) == open_before


def test_pieces_that_were_read_outlive_the_mapping_they_came_of(tmp_path: Path, mapped: Mapped) -> None:
    rows = pieces_of(small(), tmp_path / "rows")[0]["User"]
    assert sorted(rows.column("key").to_pylist()) == ["u1", "u2"]
    assert len(mapped) == 1


def test_asking_what_there_is_reads_nothing(tmp_path: Path, mapped: Mapped) -> None:
    nodes, edges = pieces_of(small(), tmp_path / "rows")
    assert "Role" in nodes and "Person" not in nodes and set(nodes) == set(small()[0])
    assert nodes.get("Person") is None
    assert tuple(HOLDS) in edges and len(edges) == len(small()[1])
    assert mapped.times == 0


def test_checked_rows_are_arranged_when_they_are_read_and_not_held(tmp_path: Path, mapped: Mapped) -> None:
    found = normalised(*pieces_of(small(), tmp_path / "rows"))
    assert len(mapped) == 0
    wanted = listed(normalised(*small()))
    assert [listed(found) for _ in range(2)] == [wanted] * 2
    assert len(mapped) == 0


def test_checked_rows_are_arranged_alike_each_time() -> None:
    keys = pa.table({"name": pa.array(["x"], pa.large_string()), "snapshot": ["other"], "key": ["k"]})
    found, _ = normalised({"User": keys}, {})
    declared = node_rows("User", {"key": ["k"], "name": ["x"]})
    assert found["User"].equals(declared) and found["User"].equals(declared)
    assert found["User"] is not found["User"]
    ends = {"source": ["k"], "target": ["r"]}
    nodes = {"User": users("k"), "Role": node_rows("Role", {"key": ["r"]})}
    _, edges = normalised(nodes, {CAN_ASSUME: pa.table({"target": ["r"], "source": ["k"]})})
    assert edges[CAN_ASSUME].equals(edge_rows(CAN_ASSUME, ends))
    with pytest.raises(StoreError, match="its target `k` is no Role"):
        normalised(nodes, {CHAIN: pa.table({"target": ["k"], "source": ["r"]})})


def test_a_load_holds_one_table_at_a_time(tmp_path: Path, mapped: Mapped, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []
    copy, run = LadybugStore._copy, LadybugStore._run

    def copied(self: LadybugStore, table: str, rows: Rows, ends: str) -> None:
        held.append(len(mapped))
        copy(self, table, rows, ends)

    def ran(self: LadybugStore, text: str, parameters: Mapping[str, object]) -> Any:
        assert len(mapped) == 0, text
        return run(self, text, parameters)

    monkeypatch.setattr(LadybugStore, "_copy", copied)
    monkeypatch.setattr(LadybugStore, "_run", ran)
    nodes, edges = pieces_of(small(), tmp_path / "rows")
    with LadybugStore.create(tmp_path / "graph.lbug") as store:
        counts = store.load("s1", nodes, edges)
        assert counts == Counts(
            {"User": 2, "Role": 4, "Grant": 1, "ResourceClass": 1, "Resource": 1},
            {"CAN_ASSUME": 5, "HOLDS": 1, "COVERS": 1, "CONTAINS": 1},
        )
        assert held == [1] * (len(nodes) + len(edges))
        assert len(mapped) == 0


def test_rows_made_anew_are_a_mapping() -> None:
    made: list[str] = []

    def make() -> Rows:
        made.append("User")
        return users("u")

    rows = ReadAnew({"User": make})
    assert (list(rows), len(rows), "User" in rows, "Role" in rows, made) == (["User"], 1, True, False, [])
    seen = weakref.ref(rows["User"])
    assert seen() is None and made == ["User"]
    with pytest.raises(KeyError):
        rows["Role"]
