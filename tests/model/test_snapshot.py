"""Snapshots: what is written is read, what was changed is refused, what crashed can be resumed."""

from __future__ import annotations

import errno
import gzip
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

from model.entities import Gap
from model.errors import SnapshotError
from model.snapshot import (
    GLOBAL,
    CallError,
    CallRecord,
    Drift,
    Snapshot,
    SnapshotAccount,
    SnapshotWriter,
    list_snapshots,
    newest_incomplete,
    open_snapshot,
    prune,
)
from model.snapshot_format import encode_part

ACCOUNT = "123456789012"
REGION = "eu-west-1"


def record(operation: str = "ListKeys", **changes: Any) -> CallRecord:
    facts: dict[str, Any] = {
        "service": "kms",
        "operation": operation,
        "params": {},
        "outcome": "ok",
        "started": "2026-01-01T00:00:00.000Z",
        "ended": "2026-01-01T00:00:01.000Z",
        "pages": 1,
        "items": 1,
        "response": [{"Keys": [{"KeyId": "a"}]}],
    }
    return CallRecord(**(facts | changes))


def written(home: Path, *records: CallRecord) -> Snapshot:
    with SnapshotWriter(home) as writer:
        writer.write_unit(ACCOUNT, REGION, "kms", records or [record()])
        writer.finish(source="aws", accounts=[SnapshotAccount(id=ACCOUNT)], regions=[REGION])
    return open_snapshot(home)


def part_of(snapshot: Snapshot) -> Path:
    return snapshot.folder / snapshot.manifest.parts[0].path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    given = [
        record(request_ids=["r-1"], affects="kms:key"),
        record("GetKeyPolicy", outcome="denied", error=CallError(code="AccessDenied", message="no"), response=[]),
        record(region="us-east-1"),
    ]
    read = list(written(tmp_path, *given).records())
    for before, after in zip(given, read, strict=True):
        assert after == msgspec.structs.replace(
            before, account=ACCOUNT, collector="kms", region=before.region or REGION
        )


def test_records_are_chosen_by_account_and_collector(tmp_path: Path) -> None:
    with SnapshotWriter(tmp_path) as writer:
        for account in ("111111111111", "222222222222"):
            for collector in ("kms", "sqs"):
                writer.write_unit(account, REGION, collector, [record()])
        writer.finish(source="aws", accounts=[])
    snapshot = open_snapshot(tmp_path)
    assert len(list(snapshot.records())) == 4
    assert {each.account for each in snapshot.records(account="111111111111")} == {"111111111111"}
    assert [each.account for each in snapshot.records("222222222222", "sqs")] == ["222222222222"]


def test_the_manifest_counts_calls_and_names_gaps(tmp_path: Path) -> None:
    denied = CallError(code="AccessDenied", message="no")
    snapshot = written(
        tmp_path,
        record(items=3, pages=2),
        record(items=4),
        record("GetKeyPolicy", outcome="denied", error=denied, affects="arn:k", pages=0, items=0),
        record("ListGrants", outcome="unsupported", affects="arn:k", pages=0, items=0),
        record("ListGrants", outcome="unsupported", affects="arn:l", pages=0, items=0),
    )
    totals = {(each.operation, each.outcome): each for each in snapshot.manifest.parts[0].operations}
    assert (totals["ListKeys", "ok"].calls, totals["ListKeys", "ok"].pages, totals["ListKeys", "ok"].items) == (2, 3, 7)
    assert snapshot.gaps == [
        Gap(
            account=ACCOUNT,
            region=REGION,
            service="kms",
            operation="GetKeyPolicy",
            outcome="denied",
            affects="arn:k",
            detail="AccessDenied: no",
        )
    ]
    assert [(gap.operation, gap.affects) for gap in snapshot.skipped] == [("ListGrants", "kms:*")]


def test_equal_records_give_equal_bytes() -> None:
    parts = {encode_part([record()], ACCOUNT, REGION, "kms") for _ in range(2)}
    assert len(parts) == 1


def test_a_changed_part_is_refused_before_anything_of_it_is_read(tmp_path: Path) -> None:
    snapshot = written(tmp_path)
    forged = encode_part([record(), record("GetKeyPolicy")], ACCOUNT, REGION, "kms")
    part_of(snapshot).write_bytes(forged)
    with pytest.raises(SnapshotError, match=r"part `parts/123456789012/eu-west-1/kms.jsonl.gz` was changed.*collect"):
        next(snapshot.records())
    with pytest.raises(SnapshotError, match="was changed"):
        snapshot.verify()


def test_a_truncated_part_is_refused(tmp_path: Path) -> None:
    snapshot = written(tmp_path)
    part = part_of(snapshot)
    part.write_bytes(part.read_bytes()[:-5])
    with pytest.raises(SnapshotError, match="was changed"):
        next(snapshot.records())


def test_a_truncated_part_is_refused_also_where_its_hash_is_right(tmp_path: Path) -> None:
    import hashlib

    snapshot = written(tmp_path)
    part = part_of(snapshot)
    cut = part.read_bytes()[:-5]
    part.write_bytes(cut)
    manifest = snapshot.folder / "manifest.json"
    old = snapshot.manifest.parts[0].sha256
    manifest.write_text(manifest.read_text().replace(old, hashlib.sha256(cut).hexdigest()))
    with pytest.raises(SnapshotError, match="cannot be read: not a whole gzip file"):
        open_snapshot(tmp_path).verify()


def test_a_missing_part_is_named(tmp_path: Path) -> None:
    snapshot = written(tmp_path)
    part_of(snapshot).unlink()
    with pytest.raises(SnapshotError, match=r"part `.*kms.jsonl.gz` is missing"):
        snapshot.verify()


def test_a_part_outside_the_snapshot_is_refused(tmp_path: Path) -> None:
    snapshot = written(tmp_path)
    manifest = snapshot.folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace("parts/123456789012", "../../elsewhere"))
    with pytest.raises(SnapshotError, match="outside"):
        open_snapshot(tmp_path).verify()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m | {"format": "other"}, "format is `other`"),
        (lambda m: m | {"version": 2}, "version is 2, this grantmap reads version 1"),
        (lambda m: m | {"parts": 3}, "Expected `array`"),
        (lambda m: m | {"id": "20200101T000000Z-000000"}, "folders keep their names"),
    ],
)
def test_a_manifest_of_another_kind_is_refused(tmp_path: Path, change: Any, message: str) -> None:
    snapshot = written(tmp_path)
    manifest = snapshot.folder / "manifest.json"
    manifest.write_text(json.dumps(change(json.loads(manifest.read_text()))))
    with pytest.raises(SnapshotError, match=message):
        open_snapshot(tmp_path)
    assert list_snapshots(tmp_path)[0].problem


def test_without_a_manifest_a_snapshot_is_incomplete(tmp_path: Path) -> None:
    with SnapshotWriter(tmp_path) as writer:
        writer.write_unit(ACCOUNT, REGION, "kms", [record()])
    for asked in (None, writer.id):
        with pytest.raises(SnapshotError, match=f"`{writer.id}` is incomplete; resume it with"):
            open_snapshot(tmp_path, asked)
    assert newest_incomplete(tmp_path) == writer.id


def test_an_unknown_id_lists_the_known_ones(tmp_path: Path) -> None:
    snapshot = written(tmp_path)
    with pytest.raises(SnapshotError, match=f"no snapshot `../x`; known: {snapshot.id}"):
        open_snapshot(tmp_path, "../x")


def test_an_empty_home_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="grantmap collect"):
        open_snapshot(tmp_path / "nowhere")
    assert list_snapshots(tmp_path) == []


def test_ids_sort_by_time_also_within_a_second(tmp_path: Path) -> None:
    ids = [written(tmp_path).id for _ in range(5)]
    assert ids == sorted(ids)
    assert open_snapshot(tmp_path).id == ids[-1]


def test_the_newest_complete_snapshot_is_the_default(tmp_path: Path) -> None:
    complete = written(tmp_path)
    with SnapshotWriter(tmp_path) as later:
        later.write_unit(ACCOUNT, REGION, "kms", [record()])
    assert open_snapshot(tmp_path).id == complete.id
    assert [each.complete for each in list_snapshots(tmp_path)] == [False, True]


def test_a_resumed_writer_knows_what_is_there(tmp_path: Path) -> None:
    with SnapshotWriter(tmp_path, choices={"region": "x"}) as first:
        first.write_unit(ACCOUNT, REGION, "kms", [record()])
    with SnapshotWriter(tmp_path, first.id) as second:
        assert (second.choices, second.started) == ({"region": "x"}, first.started)
        assert second.has_unit(ACCOUNT, REGION, "kms")
        assert not second.has_unit(ACCOUNT, REGION, "sqs")
        assert second.read_unit(ACCOUNT, REGION, "kms")[0].operation == "ListKeys"
        second.finish(source="aws", accounts=[], drift=Drift(added=["1"]))
    snapshot = open_snapshot(tmp_path)
    assert snapshot.verify() == 1
    assert snapshot.manifest.drift.added == ["1"]


def test_a_part_that_does_not_decode_counts_as_missing(tmp_path: Path) -> None:
    with SnapshotWriter(tmp_path) as first:
        first.write_unit(ACCOUNT, REGION, "kms", [record()])
    part = first.folder / f"parts/{ACCOUNT}/{REGION}/kms.jsonl.gz"
    part.write_bytes(part.read_bytes()[:-3])
    with SnapshotWriter(tmp_path, first.id) as second:
        assert not second.has_unit(ACCOUNT, REGION, "kms")
        assert not part.exists()


def test_leftovers_of_a_killed_writer_are_cleaned(tmp_path: Path) -> None:
    with SnapshotWriter(tmp_path) as first:
        first.write_unit(ACCOUNT, REGION, "kms", [record()])
    leftover = first.folder / f"parts/{ACCOUNT}/{REGION}/.part-1234"
    leftover.write_bytes(b"half")
    SnapshotWriter(tmp_path, first.id).close()
    assert not leftover.exists()


def test_one_process_writes_a_snapshot(tmp_path: Path) -> None:
    with SnapshotWriter(tmp_path) as first, pytest.raises(SnapshotError, match="being written by another process"):
        SnapshotWriter(tmp_path, first.id)


@pytest.mark.parametrize("id_", ["nonsense", "20200101T000000Z-000000"])
def test_only_what_exists_can_be_resumed(tmp_path: Path, id_: str) -> None:
    with pytest.raises(SnapshotError, match=f"no snapshot `{id_}` to resume; known: none"):
        SnapshotWriter(tmp_path, id_)


def test_a_complete_snapshot_is_not_written_again(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="complete; there is nothing to resume"):
        SnapshotWriter(tmp_path, written(tmp_path).id)


def test_a_home_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    home = tmp_path / "file"
    home.write_text("")
    with pytest.raises(SnapshotError, match=r"cannot write snapshot at `.*file") as caught:
        SnapshotWriter(home)
    assert "\n" not in str(caught.value)


def test_a_part_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with SnapshotWriter(tmp_path) as writer:
        (writer.folder / "parts").write_text("in the way")
        with pytest.raises(SnapshotError, match="cannot write snapshot at"):
            writer.write_unit(ACCOUNT, REGION, "kms", [record()])


@pytest.mark.parametrize("name", ["..", "a/b", "", "A b"])
def test_parts_have_plain_names(tmp_path: Path, name: str) -> None:
    with SnapshotWriter(tmp_path) as writer, pytest.raises(SnapshotError, match="wrong name"):
        writer.write_unit(ACCOUNT, name, "kms", [record()])


def test_prune_keeps_the_newest_complete_ones(tmp_path: Path) -> None:
    ids = [written(tmp_path).id for _ in range(3)]
    with SnapshotWriter(tmp_path) as begun:
        begun.write_unit(ACCOUNT, REGION, "kms", [record()])
    assert prune(tmp_path, 2) == ids[:1]
    assert sorted(each.id for each in list_snapshots(tmp_path)) == [*ids[1:], begun.id]
    with pytest.raises(SnapshotError, match="at least 1"):
        prune(tmp_path, 0)


def test_prune_spares_what_it_is_told_to(tmp_path: Path) -> None:
    ids = [written(tmp_path).id for _ in range(3)]
    assert prune(tmp_path, 1, ids[:1]) == [ids[1]]
    assert sorted(each.id for each in list_snapshots(tmp_path)) == [ids[0], ids[2]]


def test_prune_removes_what_was_given_up_and_leaves_what_is_being_written(tmp_path: Path) -> None:
    with SnapshotWriter(tmp_path) as given_up:
        pass
    busy = SnapshotWriter(tmp_path)
    written(tmp_path)
    assert prune(tmp_path, 1) == [given_up.id]
    busy.close()
    assert prune(tmp_path, 1) == [busy.id]


def test_prune_says_so_where_it_may_not_remove(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [written(tmp_path).id for _ in range(2)]

    def refuse(path: str | Path, *_: object, **__: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    with monkeypatch.context() as patched:
        patched.setattr("model.snapshot_files.os.open", refuse)
        with pytest.raises(SnapshotError, match="Permission denied"):
            prune(tmp_path, 1)
    assert sorted(each.id for each in list_snapshots(tmp_path)) == ids


def test_many_threads_write_units_at_once(tmp_path: Path) -> None:
    with SnapshotWriter(tmp_path) as writer:

        def write(number: int) -> None:
            for region in range(10):
                writer.write_unit(f"{number:012}", f"r-{region}", "kms", [record(items=number)])

        threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        writer.finish(source="aws", accounts=[])
    snapshot = open_snapshot(tmp_path)
    assert snapshot.verify() == 80
    assert [part.path for part in snapshot.manifest.parts] == sorted(part.path for part in snapshot.manifest.parts)


def test_a_kill_at_any_moment_leaves_whole_parts_only(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from tests.model.test_snapshot import record; from model.snapshot import SnapshotWriter\n"
        "w = SnapshotWriter(pathlib.Path(sys.argv[1])); n = 0\n"
        "while True:\n"
        "    w.write_unit('123456789012', f'r-{n}', 'kms', [record() for _ in range(200)]); n += 1\n"
        "    print(n, flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert process.stdout is not None
    written_by_then = [int(process.stdout.readline()) for _ in range(25)][-1]
    process.kill()
    process.wait()
    process.stdout.close()
    id_ = newest_incomplete(tmp_path)
    assert id_ is not None
    with SnapshotWriter(tmp_path, id_) as writer:
        assert all(writer.has_unit(ACCOUNT, f"r-{number}", "kms") for number in range(written_by_then))
        assert not list(writer.folder.rglob(".part-*"))


def test_snapshots_are_for_their_owner_only(tmp_path: Path) -> None:
    snapshot = written(tmp_path)
    assert snapshot.folder.stat().st_mode & 0o077 == 0


def test_a_part_is_gzip_without_a_time(tmp_path: Path) -> None:
    data = part_of(written(tmp_path)).read_bytes()
    assert data[4:8] == b"\0\0\0\0"
    assert json.loads(gzip.decompress(data))["operation"] == "ListKeys"


def test_account_parts_may_be_global(tmp_path: Path) -> None:
    with SnapshotWriter(tmp_path) as writer:
        writer.write_unit(ACCOUNT, GLOBAL, "s3", [record(region=REGION), record()])
        writer.finish(source="aws", accounts=[])
    assert [each.region for each in open_snapshot(tmp_path).records()] == [REGION, GLOBAL]
