"""Files that are whole or absent: the disk under a snapshot."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from model.errors import SnapshotBusyError, SnapshotError

MANIFEST = "manifest.json"
LOCK = "lock"
TEMPORARY = ".part-"

_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}")
_STAMP = "%Y%m%dT%H%M%SZ"


def now() -> str:
    """The time as snapshots write it: ISO 8601, UTC, milliseconds, ``Z``."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def is_snapshot_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


def snapshots_folder(home: Path) -> Path:
    return home / "snapshots"


def snapshot_ids(home: Path) -> list[str]:
    """Ids of all snapshots in ``home``, complete or not, oldest first."""
    folder = snapshots_folder(home)
    with disk_errors("read", folder):
        try:
            return sorted(entry.name for entry in folder.iterdir() if is_snapshot_id(entry.name))
        except (FileNotFoundError, NotADirectoryError):
            return []


def new_id(existing: list[str]) -> str:
    """A new id after all existing ones: two snapshots of one second would otherwise sort by lot."""
    moment = datetime.now(UTC).replace(microsecond=0)
    if existing:
        newest = datetime.strptime(existing[-1].split("-")[0], _STAMP).replace(tzinfo=UTC)
        moment = max(moment, newest + timedelta(seconds=1))
    return f"{moment.strftime(_STAMP)}-{secrets.token_hex(3)}"


def write_whole(path: Path, data: bytes) -> None:
    """Write ``path`` so that after a crash at any moment it is absent or whole."""
    with disk_errors("write", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.parent / f"{TEMPORARY}{secrets.token_hex(4)}"
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def clean(folder: Path) -> None:
    """Remove temporary files that a killed run left."""
    with disk_errors("write", folder):
        for leftover in folder.rglob(f"{TEMPORARY}*"):
            leftover.unlink(missing_ok=True)


def lock(folder: Path) -> int:
    """Take the snapshot for this process until it ends; returns the descriptor to close."""
    with disk_errors("write", folder):
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise SnapshotBusyError(
                f"snapshot `{folder.name}` is being written by another process; wait for it"
            ) from None
        return descriptor


@contextmanager
def disk_errors(act: str, path: Path) -> Iterator[None]:
    """Turn what the disk refuses into one line that says what, where and why."""
    try:
        yield
    except OSError as error:
        where = error.filename or path
        raise SnapshotError(f"cannot {act} snapshot at `{where}`: {error.strerror or error}") from error
