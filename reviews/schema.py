"""The tables of the reviews database, as queries name them; ``reviews/migrations`` makes them.

``items`` and ``entries`` are written once: triggers refuse to change or remove a row. ``states`` and the last columns
of ``campaigns`` are a projection, which the entries make again at any time (``reviews.projection``).
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, MetaData, Table, Text

METADATA = MetaData()

#: One row a campaign. ``plan`` and ``completeness`` are canonical JSON. From ``phase`` on: the projection.
campaigns = Table(
    "campaigns",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("template", Text, nullable=False),
    Column("plan", Text, nullable=False),
    Column("completeness", Text, nullable=False),
    Column("scope_in_words", Text, nullable=False),
    Column("snapshot", Text, nullable=False),
    Column("taken", Text, nullable=False),
    Column("opened", Text, nullable=False),
    Column("opened_by", Text, nullable=False),
    Column("due", Text, nullable=False),
    Column("items", Integer, nullable=False),
    Column("root", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("signed_off", Text, nullable=False),
    Column("signed_off_by", Text, nullable=False),
    Column("closed", Text, nullable=False),
    Column("entries", Integer, nullable=False),
    Column("head", Text, nullable=False),
)

#: One row a frozen item: its canonical JSON, and what lists filter and order by.
items = Table(
    "items",
    METADATA,
    Column("campaign", Text, ForeignKey("campaigns.id"), primary_key=True),
    Column("item", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("canonical", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("change", Text, nullable=False),
    Column("risk", Text, nullable=False),
    Column("risk_rank", Integer, nullable=False),
    Column("person", Text, nullable=False),
    Column("resource", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("haystack", Text, nullable=False),
    Index("items_by_position", "campaign", "position", unique=True),
    Index("items_by_risk", "campaign", "risk_rank", "position"),
    Index("items_by_person", "campaign", "person", "position"),
    Index("items_by_resource", "campaign", "resource", "position"),
    Index("items_by_account", "campaign", "account", "position"),
    Index("items_by_item", "item"),
)

#: The ledger. ``body`` is canonical JSON; ``item`` is empty where the entry is about the whole campaign.
entries = Table(
    "entries",
    METADATA,
    Column("campaign", Text, ForeignKey("campaigns.id"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("how", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Index("entries_by_item", "campaign", "item", "seq"),
)

#: How each item stands. ``decision`` is the JSON of the decision that holds, empty for none.
states = Table(
    "states",
    METADATA,
    Column("campaign", Text, ForeignKey("campaigns.id"), primary_key=True),
    Column("item", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("reviewer", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("conflict", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("decided_at", Text, nullable=False),
    Index("states_by_reviewer", "campaign", "reviewer", "state"),
)

#: Idempotency: what an act was about (SHA-256) and what it was answered with, as JSON; an opening has no ``campaign``.
keys = Table(
    "keys",
    METADATA,
    Column("campaign", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("at", Text, nullable=False),
)

#: Who may what. ``given_by`` and ``given_at`` say who said so, and when.
members = Table(
    "members",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("role", Text, primary_key=True),
    Column("given_by", Text, nullable=False),
    Column("given_at", Text, nullable=False),
)
