"""The ledger of a campaign: entries that are only ever added, each holding the hash of the one before.

The hash of an entry is SHA-256 over the 32 bytes of the previous hash, followed by the RFC 8785 JSON of the entry
without its own hash. The first one's ``previous`` is 64 zeros. The campaign's row has the head, which the writer of the
next entry locks.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping

import msgspec
import sqlalchemy as sa

from reviews.canonical import canonical
from reviews.errors import LedgerError, UnknownCampaignError
from reviews.people import actor_name
from reviews.records import Actor, Entry
from reviews.schema import campaigns, entries

FIRST = "0" * 64

KINDS = (
    "opened",
    "assigned",
    "decided",
    "reminded",
    "expired",
    "signed-off",
    "ordered",
    "checked",
    "exported",
    "closed",
)


def hash_of(entry: Entry) -> str:
    """What the hash of an entry has to be, whatever ``entry.hash`` says."""
    content = msgspec.to_builtins(entry)
    del content["hash"]
    return hashlib.sha256(bytes.fromhex(entry.previous) + canonical(content)).hexdigest()


class Writer:
    """Adds entries to one campaign inside a transaction; it holds the campaign's row until the transaction ends."""

    def __init__(self, connection: sa.Connection, campaign: str, actor: Actor, at: str) -> None:
        row = connection.execute(
            sa.select(campaigns.c.entries, campaigns.c.head).where(campaigns.c.id == campaign).with_for_update()
        ).first()
        if row is None:
            raise UnknownCampaignError(f"no campaign `{campaign}`: see `grantmap campaign list`")
        self._connection = connection
        self._campaign = campaign
        self._actor, self._how = actor_name(actor), actor.how
        self._at = at
        self._seq, self._head = int(row.entries), str(row.head)

    def add(self, kind: str, item: str, body: Mapping[str, object]) -> Entry:
        """One entry, written; ``body`` is plain data or records."""
        return self.add_all(kind, [(item, body)])[0]

    def add_all(self, kind: str, content: Iterable[tuple[str, Mapping[str, object]]]) -> list[Entry]:
        """Entries of one kind, in order."""
        assert kind in KINDS, kind
        added, rows = [], []
        for item, body in content:
            text = canonical(body).decode()
            entry = Entry(
                campaign=self._campaign,
                seq=self._seq + 1,
                at=self._at,
                actor=self._actor,
                how=self._how,
                kind=kind,
                item=item,
                # As it will be read again: lists, not tuples, and no records.
                body=json.loads(text),
                previous=self._head,
                hash="",
            )
            entry = msgspec.structs.replace(entry, hash=hash_of(entry))
            added.append(entry)
            rows.append({**{name: getattr(entry, name) for name in Entry.__struct_fields__}, "body": text})
            self._seq, self._head = entry.seq, entry.hash
        if added:
            self._connection.execute(entries.insert(), rows)
            self._connection.execute(
                campaigns.update().where(campaigns.c.id == self._campaign).values(entries=self._seq, head=self._head)
            )
        return added


def read(connection: sa.Connection, campaign: str, item: str | None = None, kind: str = "") -> Iterator[Entry]:
    """The entries of a campaign in their order, or those about one item (empty: about the campaign), of one kind.

    Raises ``LedgerError`` for a damaged one.
    """
    query = sa.select(entries).where(entries.c.campaign == campaign).order_by(entries.c.seq)
    if item is not None:
        query = query.where(entries.c.item == item)
    if kind:
        query = query.where(entries.c.kind == kind)
    for row in connection.execute(query):
        try:
            body = json.loads(row.body)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise LedgerError(f"entry {row.seq} of campaign `{campaign}` cannot be read: its body is no JSON object")
        yield Entry(**{**row._mapping, "body": body})


def broken_link(entry: Entry, seq: int, previous: str) -> str:
    """Why an entry is not the one with number ``seq`` after ``previous``; empty when it is."""
    if entry.seq != seq:
        return f"entry {seq} is missing: after {seq - 1} comes {entry.seq}"
    what = f"entry {seq} (`{entry.kind}`{f' on `{entry.item}`' if entry.item else ''} by `{entry.actor}` at {entry.at})"
    if entry.previous != previous:
        return f"{what} does not follow the entry before it"
    try:
        right = hash_of(entry)
    except ValueError:
        right = ""
    return "" if entry.hash == right else f"{what} was changed: its content does not have the hash that it was given"
