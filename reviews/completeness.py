"""How complete the data behind a population is: what was listed, read, not answered and left out."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime

from model.entities import Gap
from model.inventory import Inventory
from model.snapshot import Snapshot
from model.snapshot_files import MANIFEST, disk_errors
from reviews.records import Completeness, GapGroup
from reviews.words import counted


def completeness(snapshot: Snapshot, inventory: Inventory, left_out: Counter[str], outside: int) -> Completeness:
    """What the manifest of a snapshot tells. ``left_out`` counts what nobody can take away, ``outside`` the items that
    the scope leaves out. Raises ``SnapshotError`` when the manifest cannot be read.
    """
    manifest, path = snapshot.manifest, snapshot.folder / MANIFEST
    with disk_errors("read", path):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    calls: Counter[str] = Counter()
    for part in manifest.parts:
        for operation in part.operations:
            calls[operation.outcome] += operation.calls
    unread = set(inventory.data.unread_principals)
    caller = f" as {manifest.caller}" if manifest.caller else ""
    how = "read from AWS" if manifest.source == "aws" else "imported from files"
    when = f"{rfc3339(manifest.started)} to {rfc3339(manifest.ended)}"
    return Completeness(
        snapshot=manifest.id,
        taken=rfc3339(manifest.ended),
        snapshot_sha256=digest,
        collector=f"grantmap {manifest.grantmap}, {how}{caller}, {when}",
        accounts_listed=tuple(sorted(account.id for account in inventory.data.accounts)),
        accounts_read=tuple(
            sorted(account.id for account in inventory.data.accounts if account.collected and account.id not in unread)
        ),
        calls=dict(sorted(calls.items())),
        gaps=grouped(manifest.gaps),
        skipped=grouped(manifest.skipped),
        excluded=tuple(_excluded(inventory, left_out, outside)),
    )


def _excluded(inventory: Inventory, left_out: Counter[str], outside: int) -> Iterable[str]:
    for words, count in sorted(left_out.items()):
        if count:
            yield f"{count:,} {words}"
    unread = [account for account in inventory.data.accounts if not account.collected]
    if unread:
        yield f"whatever is held in {counted(len(unread), 'account')} that could not be read"
    if outside:
        yield f"{counted(outside, 'entitlement')} outside the scope of this review"


def grouped(gaps: Iterable[Gap]) -> tuple[GapGroup, ...]:
    """Gaps of one service, operation and outcome together, sorted."""
    found: defaultdict[tuple[str, str, str], list[Gap]] = defaultdict(list)
    for gap in gaps:
        found[(gap.service, gap.operation, gap.outcome)].append(gap)
    return tuple(
        GapGroup(
            service=service,
            operation=operation,
            outcome=outcome,
            accounts=tuple(sorted({gap.account for gap in several})),
            affects=tuple(sorted({gap.affects for gap in several})),
        )
        for (service, operation, outcome), several in sorted(found.items())
    )


def rfc3339(text: str) -> str:
    """A time in UTC, to the second, ending in ``Z``; the text itself where it is no time."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    return found.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
