"""Idempotency: the same act with the same key is done once, and answered the same each time."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from reviews.canonical import canonical, sha256_hex
from reviews.errors import KeyReusedError
from reviews.schema import keys

_LONGEST = 200


def digest_of(content: dict[str, Any]) -> str:
    """What an act is about, as one hash."""
    return sha256_hex(canonical(content))


def answered(connection: sa.Connection, campaign: str, key: str, digest: str) -> bytes | None:
    """The answer that the act got before, as JSON; ``None``: it is new. Raises ``KeyReusedError``."""
    if not key.strip() or len(key) > _LONGEST:
        raise KeyReusedError(
            f"wrong idempotency key `{key[:60]}`: expected 1 to {_LONGEST} characters, new for each act"
        )
    row = connection.execute(sa.select(keys).where(keys.c.campaign == campaign, keys.c.key == key)).first()
    if row is None:
        return None
    if row.digest != digest:
        raise KeyReusedError(f"the idempotency key `{key}` was used at {row.at} for something else: take a new one")
    return str(row.answer).encode()


def remember(connection: sa.Connection, campaign: str, key: str, digest: str, answer: Any, at: str) -> None:
    connection.execute(
        keys.insert().values(
            campaign=campaign, key=key, digest=digest, answer=msgspec.json.encode(answer).decode(), at=at
        )
    )
