"""Snapshots: what an AWS organisation answered at one time, immutable, complete about its gaps.

`docs/snapshot.md` specifies the folder; `SnapshotWriter` writes it, `open_snapshot` reads it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from model.entities import Gap
from model.errors import SnapshotBusyError, SnapshotError
from model.snapshot_files import (
    MANIFEST,
    disk_errors,
    lock,
    snapshot_ids,
    snapshots_folder,
)
from model.snapshot_format import (
    GLOBAL,
    NO_ACCOUNT,
    CallError,
    CallRecord,
    Drift,
    Manifest,
    OperationTotals,
    PartEntry,
    SnapshotAccount,
    decode_manifest,
    decode_part,
)
from model.snapshot_writer import SnapshotWriter

__all__ = [
    "GLOBAL",
    "NO_ACCOUNT",
    "CallError",
    "CallRecord",
    "Drift",
    "Manifest",
    "OperationTotals",
    "PartEntry",
    "Snapshot",
    "SnapshotAccount",
    "SnapshotListing",
    "SnapshotWriter",
    "list_snapshots",
    "newest_incomplete",
    "open_snapshot",
    "prune",
]


class Snapshot:
    """A complete snapshot; nothing of a part is given out before the part's SHA-256 was found right."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest

    @property
    def id(self) -> str:
        return self.manifest.id

    @property
    def gaps(self) -> list[Gap]:
        """What was asked and not answered: denied, throttled, error."""
        return self.manifest.gaps

    @property
    def skipped(self) -> list[Gap]:
        """What was not asked, or cannot be asked there: skipped, unsupported."""
        return self.manifest.skipped

    def records(self, account: str | None = None, collector: str | None = None) -> Iterator[CallRecord]:
        """Call records in the order of the manifest's parts; ``SnapshotError`` for a part that is not as written."""
        parts = self.manifest.parts if account is None else self._parts_of.get(account, ())
        for part in parts:
            if collector in {None, part.collector}:
                yield from self._read(part)

    @property
    def part_accounts(self) -> tuple[str, ...]:
        """The accounts that have parts, in the manifest's order; ``none`` stands for what belongs to no account."""
        return tuple(self._parts_of)

    @cached_property
    def _parts_of(self) -> dict[str, list[PartEntry]]:
        found: dict[str, list[PartEntry]] = {}
        for part in self.manifest.parts:
            found.setdefault(part.account, []).append(part)
        return found

    def verify(self) -> int:
        """Read every part; returns how many there are, raises ``SnapshotError`` at the first that is not as written."""
        for part in self.manifest.parts:
            self._read(part)
        return len(self.manifest.parts)

    def _read(self, part: PartEntry) -> list[CallRecord]:
        # A part outside the snapshot would be somebody else's file.
        path = (self.folder / part.path).resolve()
        advice = f"snapshot `{self.id}` cannot be trusted: collect again, or restore it from a copy"
        if not path.is_relative_to(self.folder.resolve()):
            raise SnapshotError(f"part `{part.path}` lies outside its snapshot; {advice}")
        try:
            with disk_errors("read", path):
                data = path.read_bytes()
        except SnapshotError as error:
            if path.exists():
                raise
            raise SnapshotError(f"part `{part.path}` is missing; {advice}") from error
        found = hashlib.sha256(data).hexdigest()
        if found != part.sha256:
            raise SnapshotError(
                f"part `{part.path}` was changed: sha-256 is `{found[:12]}…`, "
                f"the manifest says `{part.sha256[:12]}…`; {advice}"
            )
        try:
            return decode_part(data, part.account, part.region, part.collector)
        except ValueError as error:
            raise SnapshotError(f"part `{part.path}` cannot be read: {error}; {advice}") from error


@dataclass(frozen=True)
class SnapshotListing:
    """A snapshot as `grantmap snapshot list` shows it; ``manifest`` ``None``: incomplete. ``problem``: unreadable."""

    id: str
    manifest: Manifest | None
    problem: str = ""

    @property
    def complete(self) -> bool:
        return self.manifest is not None


def open_snapshot(home: Path, id: str | None = None) -> Snapshot:
    """The snapshot of that id; ``None``: the newest complete one. Raises ``SnapshotError`` saying what there is."""
    known = snapshot_ids(home)
    folder = snapshots_folder(home)
    if id is None:
        for each in reversed(known):
            if (folder / each / MANIFEST).is_file():
                return Snapshot(folder / each, _manifest(folder / each))
        if known:
            raise _incomplete(known[-1])
        raise SnapshotError(f"no snapshot in `{folder}`; make one with `grantmap collect` or `grantmap import`")
    if id not in known:
        raise SnapshotError(f"no snapshot `{id}`; known: {', '.join(known) or 'none'}")
    if not (folder / id / MANIFEST).is_file():
        raise _incomplete(id)
    return Snapshot(folder / id, _manifest(folder / id))


def list_snapshots(home: Path) -> list[SnapshotListing]:
    """All snapshots, newest first, with what is wrong with those that cannot be read."""
    listings = []
    for each in reversed(snapshot_ids(home)):
        folder = snapshots_folder(home) / each
        if not (folder / MANIFEST).is_file():
            listings.append(SnapshotListing(each, None))
            continue
        try:
            listings.append(SnapshotListing(each, _manifest(folder)))
        except SnapshotError as error:
            listings.append(SnapshotListing(each, None, str(error)))
    return listings


def newest_incomplete(home: Path) -> str | None:
    """Id of the newest snapshot that was begun and not finished, or ``None``."""
    folder = snapshots_folder(home)
    return next((each for each in reversed(snapshot_ids(home)) if not (folder / each / MANIFEST).exists()), None)


def prune(home: Path, keep: int, spared: Collection[str] = ()) -> list[str]:
    """Remove all but the ``keep`` newest complete snapshots, and incomplete ones older than the newest complete one.

    ``spared`` are the ids of others that stay. Returns the ids removed. A snapshot that a process is writing stays.
    Raises ``SnapshotError`` for ``keep`` < 1.
    """
    if keep < 1:
        raise SnapshotError(f"cannot keep `{keep}` snapshots: at least 1")
    folder = snapshots_folder(home)
    known = snapshot_ids(home)
    complete = [each for each in known if (folder / each / MANIFEST).is_file()]
    newest = complete[-1] if complete else ""
    removed = []
    for each in known:
        if each in spared or each in complete[-keep:] or (each not in complete and each > newest):
            continue
        try:
            descriptor = lock(folder / each)
        except SnapshotBusyError:
            continue
        with disk_errors("remove", folder / each):
            # Without its manifest a half-removed snapshot is never mistaken for a whole one.
            (folder / each / MANIFEST).unlink(missing_ok=True)
            shutil.rmtree(folder / each)
        os.close(descriptor)
        removed.append(each)
    return removed


def _manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    with disk_errors("read", path):
        data = path.read_bytes()
    try:
        manifest = decode_manifest(data)
    except ValueError as error:
        raise SnapshotError(f"manifest `{path}` cannot be read: {error}") from error
    if manifest.id != folder.name:
        raise SnapshotError(f"manifest `{path}` is that of snapshot `{manifest.id}`; folders keep their names")
    return manifest


def _incomplete(id: str) -> SnapshotError:
    return SnapshotError(f"snapshot `{id}` is incomplete; resume it with `grantmap collect --resume`")
