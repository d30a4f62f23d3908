"""What an evidence pack is made of, read once: the campaign, its frozen items, its ledger and what follows from it.

The documents for people (``sheet``, ``summary``) are made from this and from nothing else, so that they can be made
again from the files of a pack and compared.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from reviews import merkle
from reviews.errors import EvidenceError, LedgerError
from reviews.projection import Projection, project
from reviews.records import STATES, Entry

if TYPE_CHECKING:
    from reviews.service import Reviews

FORMAT = 1
#: How often to begin again when people decide while the campaign is read.
TRIES = 5


class _Id(msgspec.Struct):
    id: str


_ID = msgspec.json.Decoder(_Id)


@dataclass(frozen=True)
class Dossier:
    """Plain data, as it stands in the files. ``frozen``: the canonical JSON of each item, in population order."""

    campaign: dict[str, Any]
    completeness: dict[str, Any]
    frozen: Sequence[bytes]
    decisions: list[dict[str, Any]]
    entries: list[Entry]

    def items(self) -> Iterator[dict[str, Any]]:
        """The items, decoded one by one: a large population is not held in memory twice."""
        return (msgspec.json.decode(line) for line in self.frozen)


def read(reviews: Reviews, id: str) -> Dossier:
    """The campaign at one moment.

    Raises:
        LedgerError: the ledger or the frozen population does not hold: there is no evidence to be had from it.
        EvidenceError: the campaign kept changing while it was read.
    """
    for _ in range(TRIES):
        verification = reviews.verify(id)
        if not verification.ok:
            raise LedgerError(f"campaign `{id}` cannot be exported: {verification.failures[0]}")
        entries = list(reviews.entries(id))
        # Decisions may be made meanwhile; items and completeness were frozen and stay.
        if entries and entries[-1].hash == verification.head:
            return made(reviews.completeness(id), reviews.frozen(id), entries)
    raise EvidenceError(f"campaign `{id}` changed while it was read: export it when nobody is deciding")


def made(completeness: dict[str, Any], frozen: Sequence[bytes], entries: list[Entry]) -> Dossier:
    """The dossier of a ledger and of what was frozen when it was opened."""
    ids = [_ID.decode(line).id for line in frozen]
    standing = project(entries)
    rows = list(decisions(ids, standing, entries))
    first, opened = entries[0], entries[0].body
    campaign = {
        "format": FORMAT,
        "id": first.campaign,
        "plan": opened["plan"],
        "scope_in_words": opened["scope_in_words"],
        "snapshot": opened["snapshot"],
        "taken": opened["taken"],
        "completeness_sha256": opened["completeness_sha256"],
        "opened": first.at,
        "opened_by": first.actor,
        "owner": standing.owner,
        "phase": standing.phase,
        "signed_off": standing.signed_off,
        "signed_off_by": standing.signed_off_by,
        "closed": standing.closed,
        "items": len(ids),
        "root": merkle.root(frozen),
        "entries": standing.entries,
        "head": standing.head,
        "states": {state: sum(row["state"] == state for row in rows) for state in STATES},
    }
    return Dossier(campaign, completeness, frozen, rows, entries)


def decisions(ids: Sequence[str], standing: Projection, entries: Sequence[Entry]) -> Iterator[dict[str, Any]]:
    """How each item stands at the end of the ledger; ``entry`` is the number of the entry that decided it, or null."""
    decided = {entry.item: entry.seq for entry in entries if entry.kind == "decided"}
    for id in ids:
        item = standing.items[id]
        said = json.loads(item.decision) if item.decision else None
        yield {
            "item": id,
            "version": item.version,
            "state": item.state,
            "reviewer": item.reviewer,
            "rule": item.rule,
            "conflict": item.conflict,
            "change": standing.changes[id],
            "decision": said,
            "decided_by": item.decided_by,
            "decided_at": item.decided_at,
            "entry": decided[id] if said is not None else None,
        }


# -- words that several documents share


def status(campaign: dict[str, Any]) -> str:
    """Whether somebody answers for the campaign, in words."""
    if not campaign["signed_off"]:
        return "NOT SIGNED OFF"
    closed = f", closed {campaign['closed']}" if campaign["closed"] else ""
    return f"signed off by {campaign['signed_off_by']} at {campaign['signed_off']}{closed}"


def status_line(campaign: dict[str, Any]) -> str:
    """One line for the top of a page: which campaign, which snapshot, which state."""
    return (
        f"Access review {campaign['plan']['name']} ({campaign['id']}), snapshot {campaign['snapshot']} "
        f"taken {campaign['taken']}: {status(campaign)}"
    )


def count(number: int, noun: str) -> str:
    """``1 item``, ``2 items``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def matrix(dossier: Dossier) -> Counter[tuple[str, str]]:
    """Items by (risk, state)."""
    rows = zip(dossier.items(), dossier.decisions, strict=True)
    return Counter((item["risk"], row["state"]) for item, row in rows)
