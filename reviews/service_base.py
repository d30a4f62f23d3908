"""What every part of the service shares: the database, the clock, and an act inside its transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from reviews import ledger, once, views
from reviews.database import Database
from reviews.errors import NotAllowedError
from reviews.people import actor_name, now_utc, roles_of, stamp
from reviews.projection import Standing, after
from reviews.records import Actor, Entry

Clock = Callable[[], datetime]


class Act:
    """One act on one campaign, in a transaction that holds the campaign's row: nobody else writes to it meanwhile."""

    def __init__(self, connection: sa.Connection, id: str, actor: Actor, now: datetime) -> None:
        self.connection = connection
        self.id = id
        self.actor = actor
        self.name = actor_name(actor)
        self.now = now
        self.at = stamp(now)
        self.ledger = ledger.Writer(connection, id, actor, self.at)
        self.campaign = views.campaign_row(connection, id)
        self.roles = roles_of(connection, actor)

    def owner_role(self, act: str) -> str:
        """``owner`` or ``admin``, by which the actor may; raises ``NotAllowedError``."""
        if self.name == self.campaign.owner:
            return "owner"
        if "admin" in self.roles:
            return "admin"
        raise NotAllowedError(
            f"`{self.actor.name}` may not {act}: that is for the owner of the campaign, `{self.campaign.owner}`"
        )

    def on_item(self, kind: str, item: str, standing: Standing, body: Mapping[str, object]) -> Standing:
        """Adds the entry and brings the item to where the entry puts it."""
        entry = self.ledger.add(kind, item, body)
        moved = after(standing, entry)
        if moved != standing:
            views.save(self.connection, self.id, item, moved)
        return moved

    def replay(self, key: str, digest: str) -> bytes | None:
        return once.answered(self.connection, self.id, key, digest)

    def remember(self, key: str, digest: str, answer: Any) -> None:
        once.remember(self.connection, self.id, key, digest, answer, self.at)

    def last_change(self, item: str) -> Entry:
        """The newest entry that brought an item to its version; there is one for every version but the first."""
        changing = ("decided", "assigned", "expired")
        return [entry for entry in ledger.read(self.connection, self.id, item) if entry.kind in changing][-1]


class Base:
    """The database that a service works on. Its parts are put together in ``reviews.service``."""

    def __init__(self, database: Database, home: Path, clock: Clock = now_utc) -> None:
        self._database = database
        self._home = home
        self._clock = clock

    @contextmanager
    def _act(self, id: str, actor: Actor, now: datetime | None = None) -> Iterator[Act]:
        actor_name(actor)
        with self._database.write() as connection:
            yield Act(connection, id, actor, now or self._clock())
