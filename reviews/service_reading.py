"""What can be asked of campaigns: they change nothing and need no role."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from reviews import ledger, verifying, views
from reviews.errors import CampaignPlanError
from reviews.records import CHANGES, RISKS, STATES, Actor, CampaignView, Entry, ItemView
from reviews.schema import campaigns, items
from reviews.service_base import Base
from reviews.verifying import Verification


class Reading(Base):
    """The questions. Every answer is plain data of one state of the database."""

    def campaigns(self) -> list[CampaignView]:
        """All campaigns, the newest first; of those opened in the same second, by name."""
        with self._database.read() as connection:
            rows = connection.execute(
                sa.select(campaigns).order_by(campaigns.c.opened.desc(), campaigns.c.name, campaigns.c.id)
            ).all()
            return [views.campaign_view(connection, row) for row in rows]

    def campaign(self, id: str) -> CampaignView:
        """Raises ``UnknownCampaignError``, as everything here that takes an id does."""
        with self._database.read() as connection:
            return views.campaign_view(connection, views.campaign_row(connection, id))

    def items(
        self,
        id: str,
        actor: Actor | None = None,
        *,
        reviewer: str | None = None,
        states: Sequence[str] = (),
        risks: Sequence[str] = (),
        changes: Sequence[str] = (),
        search: str = "",
        order: str = "risk",
        offset: int = 0,
        limit: int | None = None,
    ) -> list[ItemView]:
        """Items that fit every filter; empty: all. ``search``: words that all occur in names, ARNs or the sentence.

        ``order``: ``risk`` (worst first), ``person``, ``resource`` or ``account``. Raises ``CampaignPlanError`` for a
        filter or an order that does not exist.
        """
        if order not in views.ORDERS:
            raise CampaignPlanError(f"unknown order `{order}`: expected {', '.join(views.ORDERS)}")
        if offset < 0 or (limit is not None and limit < 0):
            raise CampaignPlanError("offset and limit count from 0")
        _check_filters(states, risks, changes)
        with self._database.read() as connection:
            phase = views.campaign_row(connection, id).phase
            condition = views.selected(id, reviewer, states, risks, changes, search)
            asking = views.Asking(connection, actor)
            return views.item_views(connection, condition, phase, asking, order=order, offset=offset, limit=limit)

    def count(
        self,
        id: str,
        *,
        reviewer: str | None = None,
        states: Sequence[str] = (),
        risks: Sequence[str] = (),
        changes: Sequence[str] = (),
        search: str = "",
    ) -> int:
        """How many items ``items`` gives with these filters."""
        _check_filters(states, risks, changes)
        with self._database.read() as connection:
            views.campaign_row(connection, id)
            return views.count(connection, views.selected(id, reviewer, states, risks, changes, search))

    def item(self, id: str, item: str, actor: Actor | None = None) -> ItemView:
        with self._database.read() as connection:
            phase = views.campaign_row(connection, id).phase
            return views.item_view(
                *views.one_item(connection, id, item), phase=phase, asking=views.Asking(connection, actor)
            )

    def history(self, id: str, item: str) -> list[Entry]:
        """The entries about one item, oldest first; its first reviewer stands in an entry about many."""
        with self._database.read() as connection:
            views.campaign_row(connection, id)
            views.one_item(connection, id, item)
            return list(ledger.read(connection, id, item))

    def entries(self, id: str) -> Iterator[Entry]:
        """The whole ledger, in order."""
        with self._database.read() as connection:
            views.campaign_row(connection, id)
            found = list(ledger.read(connection, id))
        return iter(found)

    def frozen(self, id: str) -> tuple[bytes, ...]:
        """The canonical JSON of each item, in the order of the population: the leaves of the Merkle tree."""
        with self._database.read() as connection:
            views.campaign_row(connection, id)
            query = sa.select(items.c.canonical).where(items.c.campaign == id).order_by(items.c.position)
            return tuple(text.encode() for text in connection.execute(query).scalars())

    def completeness(self, id: str) -> dict[str, Any]:
        """The record ``Completeness`` that the campaign opened with, as plain data."""
        return self._stored(id, "completeness")

    def plan(self, id: str) -> dict[str, Any]:
        """The record ``Plan`` that the campaign opened with, as plain data."""
        return self._stored(id, "plan")

    def _stored(self, id: str, column: str) -> dict[str, Any]:
        with self._database.read() as connection:
            found: dict[str, Any] = json.loads(getattr(views.campaign_row(connection, id), column))
            return found

    def verify(self, id: str, head: str = "") -> Verification:
        """Computes everything again: hashes, chain, Merkle root, items, and the projection from the ledger.

        ``head``: a hash noted elsewhere (at sign-off it is printed) that the chain has to contain: who can write the
        whole database could also write a whole new chain.
        """
        with self._database.read() as connection:
            return verifying.verify(connection, views.campaign_row(connection, id), head)


def _check_filters(states: Sequence[str], risks: Sequence[str], changes: Sequence[str]) -> None:
    for what, values, known in (("state", states, STATES), ("risk", risks, RISKS), ("change", changes, CHANGES)):
        for value in values:
            if value not in known:
                raise CampaignPlanError(f"unknown {what} `{value}`: expected {', '.join(known)}")
