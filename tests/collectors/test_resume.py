"""A run that is killed or stopped, in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from collectors.demo import EmulatedAws
from collectors.run import CollectOptions, collect
from model.snapshot import list_snapshots, newest_incomplete, open_snapshot

PROGRAM = """
import pathlib, sys
from collectors.errors import CollectError
from collectors.run import CollectOptions, collect
try:
    collect(CollectOptions(endpoint_url=sys.argv[1], threads=2), pathlib.Path(sys.argv[2]))
except CollectError as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


def begin(aws: EmulatedAws, home: Path) -> subprocess.Popen[str]:
    """A collection that has written some parts and is not done."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, aws.endpoint_url, str(home)],
        cwd=Path(__file__).parents[2],
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 240
    while len(list(home.rglob("*.jsonl.gz"))) < 12:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process


def parts(home: Path) -> dict[Path, tuple[int, int]]:
    """Each part's inode and time of change: a part that is written again has others."""
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in home.rglob("*.jsonl.gz")}


def test_a_killed_run_is_resumed_and_does_only_what_is_missing(aws: EmulatedAws, tmp_path: Path) -> None:
    process = begin(aws, tmp_path)
    process.kill()
    process.communicate()
    kept = parts(tmp_path)
    id_ = newest_incomplete(tmp_path)
    assert id_ is not None
    result = collect(CollectOptions(resume=True), tmp_path)
    assert result.snapshot == id_
    assert len(result.gaps) == 1
    snapshot = open_snapshot(tmp_path)
    assert snapshot.verify() == len(snapshot.manifest.parts) > len(kept)
    after = parts(tmp_path)
    assert {path: after[path] for path in kept} == kept
    assert not list(tmp_path.rglob(".part-*"))


def test_a_resumed_snapshot_has_the_parts_of_one_made_at_once(aws: EmulatedAws, tmp_path: Path) -> None:
    process = begin(aws, tmp_path)
    process.kill()
    process.communicate()
    collect(CollectOptions(resume=True), tmp_path)
    resumed = open_snapshot(tmp_path).manifest
    collect(CollectOptions(endpoint_url=aws.endpoint_url), tmp_path)
    at_once = open_snapshot(tmp_path).manifest
    assert [part.path for part in resumed.parts] == [part.path for part in at_once.parts]
    assert (resumed.accounts, resumed.regions, resumed.gaps) == (at_once.accounts, at_once.regions, at_once.gaps)


def test_ctrl_c_keeps_what_was_read_and_says_how_to_go_on(aws: EmulatedAws, tmp_path: Path) -> None:
    process = begin(aws, tmp_path)
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=240)
    assert process.returncode == 1
    listed = list_snapshots(tmp_path)[0]
    assert not listed.complete
    assert said.strip() == (
        f"CollectInterrupted: stopped; snapshot `{listed.id}` keeps what was read, "
        "go on with `grantmap collect --resume`"
    )
    assert collect(CollectOptions(resume=True), tmp_path).snapshot == listed.id
