"""What lies in a snapshot's folder: the records, the manifest, and how they become bytes (`docs/snapshot.md`)."""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec

from model.entities import GAP_OUTCOMES, Gap, Outcome
from model.errors import SnapshotError

FORMAT = "grantmap-snapshot"
VERSION = 1

#: Where a part lies that belongs to no region, or to no account.
GLOBAL = "global"
NO_ACCOUNT = "none"

Source = Literal["aws", "import"]

# Level 6 doubles the time for 4 % of the size.
_COMPRESSION = 4
_NAME = re.compile(r"[a-z0-9_-]{1,40}")


class CallError(msgspec.Struct, frozen=True, kw_only=True):
    """The error that AWS (or the road to it) answered: its code and its message."""

    code: str
    message: str


class CallRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One operation asked with one set of parameters, all its pages, and how that ended.

    ``response`` holds the pages in order: each is the answer without ``ResponseMetadata``, times as ISO 8601 in UTC
    with ``Z``, bytes as base64 text. It may hold the first pages of a call whose outcome is not ``ok``. ``affects`` is
    the ARN or the area that the answer tells about. ``account``, ``region`` and ``collector`` are the part's; a line
    gives ``region`` itself only where the call went to another region than the part's.
    """

    service: str
    operation: str
    params: dict[str, Any]
    outcome: Outcome
    error: CallError | None = None
    started: str
    ended: str
    pages: int = 0
    items: int = 0
    request_ids: list[str] = []
    affects: str = ""
    note: str = ""
    response: list[dict[str, Any]] = []
    account: str = ""
    region: str = ""
    collector: str = ""

    @property
    def answered(self) -> bool:
        """Whether absence may be believed: the call was answered to its end."""
        return self.outcome in {"ok", "empty"}


class OperationTotals(msgspec.Struct, frozen=True, kw_only=True):
    """All calls of one operation with one outcome in one part."""

    service: str
    operation: str
    outcome: Outcome
    calls: int
    pages: int
    items: int
    started: str
    ended: str


class PartEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One part file; ``path`` is relative to the snapshot, ``sha256`` in hex, ``bytes`` its size as it lies there."""

    path: str
    sha256: str
    bytes: int
    account: str
    region: str
    collector: str
    operations: list[OperationTotals] = []


class SnapshotAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account and how it was read; ``role`` is the ARN assumed in it, empty when read directly or not at all."""

    id: str
    name: str = ""
    status: str = "ACTIVE"
    collected: bool = True
    role: str = ""


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """Account ids that came, went or changed (name or status) in the organisation while it was being read."""

    added: list[str] = []
    removed: list[str] = []
    changed: list[str] = []


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The table of contents, written last: a snapshot without it is incomplete and is never read."""

    format: str = FORMAT
    version: int = VERSION
    id: str
    started: str
    ended: str
    grantmap: str
    caller: str = ""
    partition: str = "aws"
    organization: str | None = None
    management_account: str | None = None
    source: Source
    accounts: list[SnapshotAccount]
    regions: list[str] = []
    parts: list[PartEntry]
    gaps: list[Gap] = []
    skipped: list[Gap] = []
    drift: Drift = Drift()


_record_decoder = msgspec.json.Decoder(CallRecord)
_manifest_decoder = msgspec.json.Decoder(Manifest)
_encoder = msgspec.json.Encoder()


def part_path(account: str, region: str, collector: str) -> str:
    """The part's path inside its snapshot; raises ``SnapshotError`` for a name that is not a plain word."""
    for name in (account, region, collector):
        if not _NAME.fullmatch(name):
            raise SnapshotError(f"wrong name `{name}` for a part: letters, digits, `_` and `-` only")
    return f"parts/{account}/{region}/{collector}.jsonl.gz"


def encode_part(records: Iterable[CallRecord], account: str, region: str, collector: str) -> bytes:
    """The part's bytes: equal records give equal bytes."""
    lines = bytearray()
    for record in records:
        elsewhere = record.region if record.region != region else ""
        if (record.account or account) != account or (record.collector or collector) != collector:
            raise SnapshotError(f"record of `{record.account}` in the part of `{account}` {collector}")
        lines += _encoder.encode(msgspec.structs.replace(record, account="", region=elsewhere, collector=""))
        lines += b"\n"
    return gzip.compress(bytes(lines), _COMPRESSION, mtime=0)


def decode_part(data: bytes, account: str, region: str, collector: str) -> list[CallRecord]:
    """The records of a part; raises ``ValueError`` with what is wrong (cut short, no JSON, wrong shape)."""
    try:
        text = gzip.decompress(data)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"not a whole gzip file ({error})") from error
    records = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            record = _record_decoder.decode(line)
        except msgspec.DecodeError as error:
            raise ValueError(f"line {number}: {error}") from error
        records.append(
            msgspec.structs.replace(record, account=account, region=record.region or region, collector=collector)
        )
    return records


def describe_part(data: bytes, records: Sequence[CallRecord], account: str, region: str, collector: str) -> PartEntry:
    """The manifest's entry for a part of these bytes and records."""
    return PartEntry(
        path=part_path(account, region, collector),
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
        account=account,
        region=region,
        collector=collector,
        operations=total(records),
    )


def total(records: Iterable[CallRecord]) -> list[OperationTotals]:
    """Calls, pages and items per (service, operation, outcome), sorted."""
    groups: dict[tuple[str, str, Outcome], list[CallRecord]] = {}
    for record in records:
        groups.setdefault((record.service, record.operation, record.outcome), []).append(record)
    return [
        OperationTotals(
            service=service,
            operation=operation,
            outcome=outcome,
            calls=len(group),
            pages=sum(record.pages for record in group),
            items=sum(record.items for record in group),
            started=min(record.started for record in group),
            ended=max(record.ended for record in group),
        )
        for (service, operation, outcome), group in sorted(groups.items())
    ]


def holes(records: Iterable[CallRecord], account: str, region: str) -> tuple[list[Gap], list[Gap]]:
    """(gaps, skipped): one gap a call not answered, one ``skipped`` an operation that cannot be asked there."""
    gaps: list[Gap] = []
    skipped: dict[tuple[str, str, str, str], Gap] = {}
    for record in records:
        if record.answered:
            continue
        gap = Gap(
            account=account,
            region=record.region or region,
            service=record.service,
            operation=record.operation,
            outcome=record.outcome,
            affects=record.affects,
            detail=f"{record.error.code}: {record.error.message}" if record.error else record.note,
        )
        if record.outcome in GAP_OUTCOMES:
            gaps.append(gap)
        else:
            # What an endpoint does not know it knows for no resource: one line says it for all of them.
            key = (gap.region, gap.service, gap.operation, gap.outcome)
            first = skipped.get(key)
            skipped[key] = gap if first is None else msgspec.structs.replace(first, affects=f"{gap.service}:*")
    return gaps, list(skipped.values())


def encode_manifest(manifest: Manifest) -> bytes:
    return msgspec.json.format(_encoder.encode(manifest), indent=1) + b"\n"


def decode_manifest(data: bytes) -> Manifest:
    """The manifest; raises ``ValueError`` for another format, a newer version or a wrong shape."""
    try:
        manifest = _manifest_decoder.decode(data)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from error
    if manifest.format != FORMAT:
        raise ValueError(f"format is `{manifest.format}`, expected `{FORMAT}`")
    if manifest.version != VERSION:
        raise ValueError(f"version is {manifest.version}, this grantmap reads version {VERSION}")
    return manifest
