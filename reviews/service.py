"""The service of reviews: what commands and screens call. They check nothing; everything is checked here."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from reviews.database import PATIENCE, Database
from reviews.opening import Preview
from reviews.people import all_roles, check_role, name_of, now_utc, roles_of, set_roles, stamp
from reviews.records import Actor
from reviews.reminders import Reminder
from reviews.service_base import Clock
from reviews.service_campaigns import Campaigns
from reviews.service_deciding import Deciding
from reviews.service_due import Clockwork, Due
from reviews.verifying import Verification

__all__ = ["Due", "Preview", "Reminder", "Reviews", "Verification"]


class Reviews(Campaigns, Deciding, Clockwork):
    """All campaigns of one database. Threads may share it; nothing is kept between calls but connections."""

    @classmethod
    def open(cls, home: Path, url: str | None = None, *, patience: float = PATIENCE, clock: Clock = now_utc) -> Reviews:
        """The reviews of ``url`` (``postgresql+pg8000://…``), else of ``<home>/reviews.db``; made when not there.

        ``patience``: seconds that an act waits for its turn. Raises ``DatabaseError``.
        """
        return cls(Database.open(home, url, patience=patience), home, clock)

    def close(self) -> None:
        """Lets go of the database."""
        self._database.close()

    def __enter__(self) -> Reviews:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- people and roles

    def members(self) -> dict[str, tuple[str, ...]]:
        """Everybody who has a role, with their roles."""
        with self._database.read() as connection:
            return all_roles(connection)

    def roles_of(self, actor: Actor) -> frozenset[str]:
        """The roles of an actor; who sits at the machine is ``admin`` too, an unknown login has none."""
        with self._database.read() as connection:
            return roles_of(connection, actor)

    def set_roles(self, user: str, roles: Iterable[str], actor: Actor) -> None:
        """Makes ``roles`` all that ``user`` has; for an admin. Raises ``NotAllowedError``."""
        with self._database.write() as connection:
            self._database.alone(connection)
            check_role(roles_of(connection, actor), ("admin",), actor, "give roles")
            set_roles(connection, name_of(user), roles, actor, stamp(self._clock()))
