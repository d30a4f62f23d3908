"""People of a review: their names, their roles, how fresh their login is."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa

from reviews.errors import CampaignPlanError, NotAllowedError
from reviews.records import ROLES, Actor, Item
from reviews.schema import members

#: How old a login may be when somebody signs off.
FRESH = timedelta(minutes=15)
LONGEST_NAME = 200
#: How a conflict begins that nobody can answer for: nobody decides on themselves, ever.
OWN = "it is their own access"
#: What the owner has to know when somebody was assigned without the graph at hand.
NOT_CHECKED = "whether they are independent was not checked"


def name_of(text: str) -> str:
    """A person's name as it is compared and kept: an address, in lower case; raises ``CampaignPlanError``."""
    name = _compared(text)
    if (
        not name
        or len(name) > LONGEST_NAME
        or any(unicodedata.category(char)[0] in "CZ" and char != " " for char in name)
    ):
        raise CampaignPlanError(f"wrong name of a person `{text[:60]}`: expected an e-mail address or a user name")
    return name


def actor_name(actor: Actor) -> str:
    """The name that an actor acts under; raises ``NotAllowedError`` for none."""
    try:
        return name_of(actor.name)
    except CampaignPlanError as error:
        raise NotAllowedError(f"nobody can act without a name: {error}") from error


def is_own(item: Item, name: str) -> bool:
    """Whether the item is this person's own access, as far as the item itself says.

    ``people`` are at most 50; who is beyond them is known to the graph alone (``Independence``).
    """
    own = {*item.people, item.principal.removeprefix("person:")}
    return name in {_compared(person) for person in own}


def _compared(name: str) -> str:
    """A name as ``name_of`` compares it; directories may write one letter in several ways."""
    return unicodedata.normalize("NFC", name).strip().casefold()


# -- time


def now_utc() -> datetime:
    """This moment; the clock of the service unless another is given."""
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment_of(text: str) -> datetime | None:
    """The moment that an RFC 3339 text means; ``None`` for another text, or one without an offset."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def day_of(text: str) -> date | None:
    """The date that ``YYYY-MM-DD`` means; ``None`` for another text."""
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


# -- roles


def all_roles(connection: sa.Connection) -> dict[str, tuple[str, ...]]:
    """Roles by name, in the order of ``ROLES``."""
    found: dict[str, set[str]] = {}
    for name, role in connection.execute(sa.select(members.c.name, members.c.role).order_by(members.c.name)):
        found.setdefault(name, set()).add(role)
    return {name: tuple(role for role in ROLES if role in roles) for name, roles in found.items()}


def roles_of(connection: sa.Connection, actor: Actor) -> frozenset[str]:
    """What an actor may be. Who sits at the machine and owns the database is its administrator."""
    name = actor_name(actor)
    found = connection.execute(sa.select(members.c.role).where(members.c.name == name)).scalars().all()
    return frozenset(found) | (frozenset(("admin",)) if at_the_machine(actor) else frozenset())


def at_the_machine(actor: Actor) -> bool:
    """Whether the actor came by the command line or the app's local mode rather than by a login of OIDC."""
    return actor.how in ("local", "command")


def give(connection: sa.Connection, names: Iterable[str], role: str, actor: Actor, at: str) -> None:
    """Gives a role to those who do not have it yet."""
    wanted = sorted(set(names))
    having = set(connection.execute(sa.select(members.c.name).where(members.c.role == role)).scalars())
    rows = [
        {"name": name, "role": role, "given_by": actor_name(actor), "given_at": at}
        for name in wanted
        if name not in having
    ]
    if rows:
        connection.execute(members.insert(), rows)


def set_roles(connection: sa.Connection, name: str, roles: Iterable[str], actor: Actor, at: str) -> None:
    """Makes ``roles`` the roles of ``name``; who has one keeps the note of who gave it."""
    wanted = set(roles)
    if wanted - set(ROLES):
        unknown = ", ".join(f"`{role}`" for role in sorted(wanted - set(ROLES)))
        raise NotAllowedError(f"unknown role {unknown}: expected {', '.join(ROLES)}")
    gone = members.delete().where(members.c.name == name)
    connection.execute(gone.where(members.c.role.not_in(wanted)) if wanted else gone)
    for role in sorted(wanted):
        give(connection, [name], role, actor, at)


def check_role(roles: frozenset[str], allowed: tuple[str, ...], actor: Actor, act: str) -> str:
    """The role by which ``actor`` may do ``act``, the first of ``allowed``; raises ``NotAllowedError`` for none."""
    for role in allowed:
        if role in roles:
            return role
    has = ", ".join(role for role in ROLES if role in roles) or "no role"
    raise NotAllowedError(f"`{actor.name}` may not {act}: it takes the role {' or '.join(allowed)}, they have {has}")


def check_fresh(actor: Actor, now: datetime) -> None:
    """Raises ``NotAllowedError`` for a login older than ``FRESH``; a command is run by whoever typed it, now."""
    if actor.how == "command":
        return
    signed_in = moment_of(actor.signed_in)
    if signed_in is None or not timedelta(minutes=-1) <= now - signed_in <= FRESH:
        minutes = int(FRESH.total_seconds() // 60)
        raise NotAllowedError(
            f"`{actor.name}` signed in more than {minutes} minutes ago, or it is not known when: sign in again"
        )
