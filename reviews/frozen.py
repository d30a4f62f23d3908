"""Items as they are frozen: their canonical bytes, the columns that lists use, and how they compare with last time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import translate
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa

from reviews.errors import LedgerError
from reviews.records import RISKS, AccessRow, Change, Item
from reviews.schema import campaigns, items, states

#: Characters of an item's texts that a search looks through.
_SEARCHED = 4_000
#: Ids asked for in one query.
_BATCH = 500

#: Sorted keys, no white space, shortest escapes: what RFC 8785 asks for where keys are ASCII and numbers whole, as in
#: every item; 50 times as fast as `reviews.canonical`. A test compares the two.
_ENCODER = msgspec.json.Encoder(order="sorted")
_DECODER = msgspec.json.Decoder(Item)


def leaf(item: Item) -> bytes:
    """The RFC 8785 JSON of an item: the leaf of the Merkle tree."""
    return _ENCODER.encode(item)


def read(canonical: str) -> Item:
    """The item that was frozen; raises ``LedgerError`` for what is none."""
    try:
        return _DECODER.decode(canonical)
    except msgspec.MsgspecError as error:
        raise LedgerError(f"a frozen item cannot be read: {error}") from error


def columns(item: Item) -> dict[str, Any]:
    """What lists filter and order by, from the item alone."""
    return {
        "item": item.id,
        "fingerprint": item.access.fingerprint,
        "risk": item.risk,
        "risk_rank": RISKS.index(item.risk),
        "person": _sortable(item.principal_name or item.principal),
        "resource": _sortable(item.access.rows[0].resource if item.access.rows else item.entitlement.in_words),
        "account": _sortable(item.account_name or item.account),
        "haystack": _haystack(item),
    }


def _sortable(text: str) -> str:
    return text.replace("\0", "").casefold()[:200]


def _haystack(item: Item) -> str:
    texts = [item.id, item.principal_name, item.principal, item.account_name, item.account]
    texts += [item.entitlement.in_words, item.entitlement.id, item.sentence]
    texts += [row.resource for row in item.access.rows]
    return "\n".join(texts).replace("\0", "").casefold()[:_SEARCHED]


# -- compared with last time


def changes(connection: sa.Connection, population: Sequence[Item]) -> dict[str, Change]:
    """How each item compares with the last signed-off campaign that decided on it."""
    last = _last_decided(connection, [item.id for item in population])
    return {item.id: _change(connection, item, last.get(item.id)) for item in population}


def _last_decided(connection: sa.Connection, ids: Sequence[str]) -> dict[str, Any]:
    """Rows (campaign, item, state, fingerprint) of the newest campaign that has a final decision on each item."""
    found: dict[str, Any] = {}
    # In the order in which they were signed off: what people said last is what counts.
    signed = sa.select(campaigns.c.id).where(campaigns.c.phase != "open")
    for campaign in connection.execute(signed.order_by(campaigns.c.signed_off, campaigns.c.id)).scalars().all():
        for start in range(0, len(ids), _BATCH):
            query = (
                sa.select(items.c.campaign, items.c.item, states.c.state, items.c.fingerprint)
                .join(states, (states.c.campaign == items.c.campaign) & (states.c.item == items.c.item))
                .where(items.c.campaign == campaign, items.c.item.in_(ids[start : start + _BATCH]))
                .where(states.c.state.not_in(("open", "abstain")))
            )
            found.update((row.item, row) for row in connection.execute(query))
    return found


def _change(connection: sa.Connection, item: Item, before: Any) -> Change:
    """``new`` too where the last decision was not to keep it as it is: it has to be looked at afresh."""
    if before is None:
        return "new"
    if before.fingerprint == item.access.fingerprint:
        return "unchanged" if before.state == "attest" else "new"
    query = sa.select(items.c.canonical).where(items.c.campaign == before.campaign, items.c.item == before.item)
    return compared(read(connection.execute(query).scalar_one()), item)


def compared(before: Item, now: Item) -> Change:
    """``wider`` when access grew, also when that cannot be ruled out because rows were cut; else ``narrower``."""
    grown = any(not _covered(row, level, before.access.rows) for row in now.access.rows for level in row.levels)
    if grown or now.access.more or before.access.more:
        return "wider"
    lost = any(not _covered(row, level, now.access.rows) for row in before.access.rows for level in row.levels)
    return "narrower" if lost else "wider"


def _covered(row: AccessRow, level: str, rows: Sequence[AccessRow]) -> bool:
    """Whether some of ``rows`` gives this level on this pattern, as surely."""
    return any(
        level in other.levels
        and (other.account, other.type) == (row.account, row.type)
        and (other.verdict == "Allowed" or row.verdict != "Allowed")
        and matches(other.resource, row.resource)
        for other in rows
    )


def matches(pattern: str, resource: str) -> bool:
    """Whether ``pattern`` covers all of ``resource``, itself a pattern or an ARN."""
    if pattern == resource:
        return True
    return ("*" in pattern or "?" in pattern) and _compiled(pattern).match(resource) is not None


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    # A policy's pattern has no character classes: `[` is itself.
    return re.compile(translate(pattern.replace("[", "[[]")))
