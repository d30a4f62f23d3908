"""Writing a snapshot: parts as they come, the manifest last."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path
from types import TracebackType

import msgspec

from model.entities import Gap
from model.errors import SnapshotError
from model.snapshot_files import (
    MANIFEST,
    clean,
    disk_errors,
    lock,
    new_id,
    now,
    snapshot_ids,
    snapshots_folder,
    write_whole,
)
from model.snapshot_format import (
    CallRecord,
    Drift,
    Manifest,
    PartEntry,
    SnapshotAccount,
    Source,
    decode_part,
    describe_part,
    encode_manifest,
    encode_part,
    holes,
    part_path,
)

_RUN = "run.json"

Unit = tuple[str, str, str]


class _Run(msgspec.Struct, frozen=True, kw_only=True):
    """What a resumed run must know of the one that began: when, and with which choices."""

    started: str
    choices: dict[str, str]


class SnapshotWriter:
    """One snapshot being written by one process; threads may call every method.

    ``id`` ``None`` begins a new snapshot, else the incomplete one of that id is resumed. ``choices`` are what must not
    change between the two (endpoint, caller …): texts, never credentials. Raises ``SnapshotError`` when the folder
    cannot be written, the id is unknown or complete, or another process is writing it.
    """

    def __init__(self, home: Path, id: str | None = None, choices: dict[str, str] | None = None) -> None:
        self._mutex = threading.Lock()
        self._units: dict[Unit, PartEntry] = {}
        self._holes: dict[Unit, tuple[list[Gap], list[Gap]]] = {}
        self.resumed = id is not None
        if id is None:
            self._begin(home, choices or {})
        else:
            self._resume(home, id)

    def _begin(self, home: Path, choices: dict[str, str]) -> None:
        self.id = new_id(snapshot_ids(home))
        self.folder = snapshots_folder(home) / self.id
        self.started, self.choices = now(), choices
        with disk_errors("write", self.folder):
            home.mkdir(parents=True, exist_ok=True)
            # Policies and people's names are nobody else's business on a shared machine.
            self.folder.parent.mkdir(mode=0o700, exist_ok=True)
            self.folder.mkdir(mode=0o700)
        self._lock = lock(self.folder)
        write_whole(self.folder / _RUN, msgspec.json.encode(_Run(started=self.started, choices=choices)))

    def _resume(self, home: Path, id: str) -> None:
        known = snapshot_ids(home)
        if id not in known:
            raise SnapshotError(f"no snapshot `{id}` to resume; known: {', '.join(known) or 'none'}")
        self.id, self.folder = id, snapshots_folder(home) / id
        if (self.folder / MANIFEST).exists():
            raise SnapshotError(f"snapshot `{id}` is complete; there is nothing to resume")
        self._lock = lock(self.folder)
        clean(self.folder)
        try:
            run = msgspec.json.decode((self.folder / _RUN).read_bytes(), type=_Run)
        except (OSError, msgspec.DecodeError):
            # Killed before its first file was whole: nothing is lost.
            run = _Run(started=now(), choices={})
        self.started, self.choices = run.started, run.choices

    @property
    def units(self) -> int:
        """How many units lie there, as far as this run has looked."""
        return len(self._units)

    def write_unit(self, account: str, region: str, collector: str, records: Iterable[CallRecord]) -> None:
        """Write the part of one unit of work; a unit is written once, whole."""
        kept = list(records)
        data = encode_part(kept, account, region, collector)
        write_whole(self.folder / part_path(account, region, collector), data)
        self._keep((account, region, collector), data, kept)

    def has_unit(self, account: str, region: str, collector: str) -> bool:
        """Whether the unit's part lies there whole; one that does not decode is removed and counts as missing."""
        with self._mutex:
            if (account, region, collector) in self._units:
                return True
        path = self.folder / part_path(account, region, collector)
        if not path.exists():
            return False
        try:
            self.read_unit(account, region, collector)
        except SnapshotError:
            with disk_errors("write", path):
                path.unlink(missing_ok=True)
            return False
        return True

    def read_unit(self, account: str, region: str, collector: str) -> list[CallRecord]:
        """The records of a unit that was written, by this run or the one it resumes."""
        path = self.folder / part_path(account, region, collector)
        with disk_errors("read", path):
            data = path.read_bytes()
        try:
            records = decode_part(data, account, region, collector)
        except ValueError as error:
            raise SnapshotError(f"part `{path}` cannot be read: {error}") from error
        self._keep((account, region, collector), data, records)
        return records

    def drop_unit(self, account: str, region: str, collector: str) -> None:
        """Forget a unit that must be done again."""
        path = self.folder / part_path(account, region, collector)
        with disk_errors("write", path):
            path.unlink(missing_ok=True)
        with self._mutex:
            self._units.pop((account, region, collector), None)
            self._holes.pop((account, region, collector), None)

    def _keep(self, unit: Unit, data: bytes, records: Sequence[CallRecord]) -> None:
        entry = describe_part(data, records, *unit)
        found = holes(records, unit[0], unit[1])
        with self._mutex:
            self._units[unit] = entry
            self._holes[unit] = found

    def holes(self) -> tuple[list[Gap], list[Gap]]:
        """(gaps, skipped) of all units so far, in the order of their parts."""
        with self._mutex:
            ordered = [self._holes[unit] for unit in sorted(self._holes)]
        return [gap for gaps, _ in ordered for gap in gaps], [gap for _, skipped in ordered for gap in skipped]

    def finish(
        self,
        *,
        source: Source,
        accounts: Sequence[SnapshotAccount],
        regions: Sequence[str] = (),
        caller: str = "",
        partition: str = "aws",
        organization: str | None = None,
        management_account: str | None = None,
        skipped: Sequence[Gap] = (),
        gaps: Sequence[Gap] = (),
        drift: Drift | None = None,
    ) -> Manifest:
        """Write the manifest, which makes the snapshot complete. ``skipped`` and ``gaps`` add to those of the parts."""
        found, passed_over = self.holes()
        manifest = Manifest(
            id=self.id,
            started=self.started,
            ended=now(),
            grantmap=_grantmap_version(),
            caller=caller,
            partition=partition,
            organization=organization,
            management_account=management_account,
            source=source,
            accounts=sorted(accounts, key=lambda account: account.id),
            regions=sorted(regions),
            parts=sorted(self._units.values(), key=lambda part: part.path),
            gaps=[*gaps, *found],
            skipped=[*skipped, *passed_over],
            drift=drift or Drift(),
        )
        clean(self.folder)
        write_whole(self.folder / MANIFEST, encode_manifest(manifest))
        self.close()
        return manifest

    def discard(self) -> None:
        """Remove a snapshot that never got a part, so that a run that could not begin leaves nothing."""
        self.close()
        if not (self.folder / MANIFEST).exists():
            shutil.rmtree(self.folder, ignore_errors=True)

    def close(self) -> None:
        """Give the snapshot free for another process; it can be resumed until it is finished."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> SnapshotWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _grantmap_version() -> str:
    try:
        return metadata.version("grantmap")
    except metadata.PackageNotFoundError:
        return "0"
