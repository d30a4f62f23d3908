"""How a campaign and its items stand, made from the entries of its ledger alone.

An act writes an entry and then applies it here, so that the tables and the ledger cannot say different things by
design; ``verify`` and a test make everything again from the entries and compare.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Any

import msgspec

from reviews.canonical import canonical
from reviews.errors import LedgerError
from reviews.ledger import FIRST
from reviews.records import Entry

#: Items in one `assigned` entry of an opening: an entry stays small enough to be read.
CHUNK = 1_000


@dataclass(frozen=True, slots=True)
class Standing:
    """How one item stands: a row of ``states`` without its keys. ``decision`` is canonical JSON, empty for none."""

    version: int
    state: str
    reviewer: str
    rule: str
    conflict: str
    decision: str = ""
    decided_by: str = ""
    decided_at: str = ""

    def row(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in FIELDS}


FIELDS = tuple(each.name for each in fields(Standing))


@dataclass
class Projection:
    """A campaign as its ledger tells it.

    ``opening`` is the body of the entry that opened it; ``changes`` how each item compares with the campaign before.
    """

    opening: dict[str, Any] = field(default_factory=dict)
    opened: str = ""
    opened_by: str = ""
    phase: str = "open"
    owner: str = ""
    signed_off: str = ""
    signed_off_by: str = ""
    closed: str = ""
    entries: int = 0
    head: str = FIRST
    changes: dict[str, str] = field(default_factory=dict)
    items: dict[str, Standing] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """The columns of ``campaigns`` that are a projection."""
        names = ("opened", "opened_by", "phase", "owner", "signed_off", "signed_off_by", "closed", "entries", "head")
        return {name: getattr(self, name) for name in names}


def project(entries: Iterable[Entry]) -> Projection:
    """Everything again from the entries; raises ``LedgerError`` for one that cannot be."""
    found = Projection()
    for entry in entries:
        try:
            _apply(found, entry)
        except (KeyError, TypeError, ValueError) as error:
            raise LedgerError(f"entry {entry.seq} (`{entry.kind}`) does not have the form of its kind") from error
        found.entries, found.head = entry.seq, entry.hash
    return found


def _apply(found: Projection, entry: Entry) -> None:
    body: dict[str, Any] = entry.body
    if entry.kind == "opened":
        found.opening, found.opened, found.opened_by, found.owner = body, entry.at, entry.actor, entry.actor
    elif entry.kind == "assigned" and not entry.item:
        for item, reviewer, rule, conflict, change in body["items"]:
            found.items[item] = Standing(1, "open", reviewer, rule, conflict)
            found.changes[item] = change
    elif entry.item:
        found.items[entry.item] = after(found.items[entry.item], entry)
    elif entry.kind == "signed-off":
        found.phase, found.signed_off, found.signed_off_by = "signed-off", entry.at, entry.actor
    elif entry.kind == "closed":
        found.phase, found.closed = "closed", entry.at


def after(standing: Standing, entry: Entry) -> Standing:
    """How an item stands after an entry about it; its version goes up with every act that changes something."""
    body: dict[str, Any] = entry.body
    if entry.kind == "decided":
        return replace(
            standing,
            version=standing.version + 1,
            state=body["decision"]["kind"],
            decision=canonical(body["decision"]).decode(),
            decided_by=entry.actor,
            decided_at=entry.at,
        )
    if entry.kind == "assigned":
        moved = replace(
            standing,
            version=standing.version + 1,
            reviewer=body["reviewer"],
            rule=body["rule"],
            conflict=body["conflict"],
        )
        # Who abstained is out of it; somebody else has to say something.
        return reopened(moved) if standing.state == "abstain" else moved
    if entry.kind == "expired" and body["reopened"]:
        return reopened(replace(standing, version=standing.version + 1))
    return standing


def reopened(standing: Standing) -> Standing:
    return replace(standing, state="open", decision="", decided_by="", decided_at="")


def assignment_bodies(rows: list[tuple[str, str, str, str, str]]) -> Iterable[tuple[str, dict[str, object]]]:
    """The bodies of the first `assigned` entries: rows of (item, reviewer, rule, conflict, change), in chunks."""
    for start in range(0, len(rows), CHUNK):
        yield "", {"items": [list(row) for row in rows[start : start + CHUNK]]}


def decision_of(text: str, type: type[msgspec.Struct]) -> Any:
    """The decision of a row, as a record; ``None`` for none."""
    return msgspec.json.decode(text, type=type) if text else None
