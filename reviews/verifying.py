"""Whether a campaign is what was frozen and what people decided: everything computed again from its parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import sqlalchemy as sa

from reviews import frozen, ledger, merkle, views
from reviews.canonical import sha256_hex
from reviews.errors import LedgerError
from reviews.projection import Projection, project
from reviews.records import Entry, Record
from reviews.schema import items, states

#: Failures that are named; the first is what to look at.
MOST_FAILURES = 20


class Verification(Record, frozen=True, kw_only=True):
    """``checked`` counts entries, items and states; ``root`` and ``head`` are those computed."""

    ok: bool
    checked: dict[str, int]
    failures: list[str]
    root: str
    head: str


def verify(connection: sa.Connection, campaign: Any, head: str = "") -> Verification:
    """The campaign of a row of ``campaigns``, in one read."""
    failures, entries = _chain(connection, campaign, head)
    projection = Projection()
    try:
        projection = project(entries)
    except LedgerError as error:
        failures.append(str(error))
    leaves, wrong = _items(connection, campaign, projection)
    root = merkle.root(leaves)
    failures += [*_opening(campaign, projection, root, len(leaves)), *wrong]
    standing, count = _states(connection, campaign, projection)
    failures += standing
    return Verification(
        ok=not failures,
        checked={"entries": len(entries), "items": len(leaves), "states": count},
        failures=failures[:MOST_FAILURES],
        root=root,
        head=projection.head,
    )


def _chain(connection: sa.Connection, campaign: Any, head: str) -> tuple[list[str], list[Entry]]:
    """The first place where the chain breaks, and the entries that can be read."""
    failures: list[str] = []
    entries: list[Entry] = []
    previous = ledger.FIRST
    try:
        for entry in ledger.read(connection, campaign.id):
            if not failures and (why := ledger.broken_link(entry, len(entries) + 1, previous)):
                failures.append(why)
            entries.append(entry)
            previous = entry.hash
    except LedgerError as error:
        failures.append(str(error))
    if not failures and len(entries) != campaign.entries:
        failures.append(f"the ledger has {len(entries)} entries, the campaign counts {campaign.entries}")
    if not failures and previous != campaign.head:
        failures.append(f"the head of the ledger is `{previous}`, the campaign has `{campaign.head}`")
    if head and head.strip().lower() not in {entry.hash for entry in entries}:
        failures.append(f"no entry of the ledger has the hash `{head}` that was noted: the chain is another one")
    return failures, entries


def _opening(campaign: Any, projection: Projection, root: str, count: int) -> Iterator[str]:
    """What the first entry says was frozen, against what is there."""
    opened = projection.opening
    if not opened:
        yield "the ledger does not begin with an opening"
        return
    if root != opened.get("root"):
        yield f"the frozen items hash to `{root}`, the opening has `{opened.get('root')}`"
    if count != opened.get("items"):
        yield f"there are {count} frozen items, the opening has {opened.get('items')}"
    if sha256_hex(campaign.completeness.encode()) != opened.get("completeness_sha256"):
        yield "the completeness of the population is not the one that was frozen"
    plan = msgspec.json.decode(campaign.plan)
    facts = {"plan": plan, "root": campaign.root, "items": campaign.items, "snapshot": campaign.snapshot}
    facts |= {"taken": campaign.taken, "scope_in_words": campaign.scope_in_words}
    for name, value in facts.items():
        if value != opened.get(name):
            yield f"the campaign's {name.replace('_', ' ')} is not the one that the ledger opened with"
    for name in ("name", "template", "due"):
        if getattr(campaign, name) != plan.get(name):
            yield f"the campaign's {name} is `{getattr(campaign, name)}`, its plan has `{plan.get(name)}`"
    for name, value in projection.facts().items():
        if value != getattr(campaign, name):
            words = name.replace("_", " ")
            yield f"the campaign's {words} is `{getattr(campaign, name)}`, its ledger makes it `{value}`"


def _items(connection: sa.Connection, campaign: Any, projection: Projection) -> tuple[list[bytes], list[str]]:
    """The leaves in their order, and what lists show that is not so in the frozen item."""
    leaves: list[bytes] = []
    failures = []
    query = sa.select(items).where(items.c.campaign == campaign.id).order_by(items.c.position)
    for row in connection.execute(query):
        leaves.append(row.canonical.encode())
        try:
            item = frozen.read(row.canonical)
        except LedgerError as error:
            failures.append(f"item `{row.item}`: {error}")
            continue
        if frozen.leaf(item) != leaves[-1]:
            failures.append(f"item `{row.item}` is not in its canonical form")
        columns = {**frozen.columns(item), "change": projection.changes.get(row.item)}
        wrong = [name for name, value in columns.items() if getattr(row, name) != value]
        if wrong:
            failures.append(f"item `{row.item}` is listed with another {wrong[0].replace('_', ' ')} than was frozen")
    return leaves, failures


def _states(connection: sa.Connection, campaign: Any, projection: Projection) -> tuple[list[str], int]:
    failures = []
    left = dict(projection.items)
    count = 0
    query = sa.select(states).where(states.c.campaign == campaign.id).order_by(states.c.item)
    for row in connection.execute(query):
        count += 1
        right = left.pop(row.item, None)
        found = views.standing_of(row)
        if right is None:
            failures.append(f"item `{row.item}` has a state and no assignment in the ledger")
        elif found != right:
            wrong = next(name for name, value in right.row().items() if getattr(found, name) != value)
            failures.append(
                f"the {wrong.replace('_', ' ')} of item `{row.item}` is `{getattr(found, wrong)}`, "
                f"its ledger makes it `{getattr(right, wrong)}`"
            )
    failures += [f"item `{item}` is in the ledger and has no state" for item in left]
    return failures, count
