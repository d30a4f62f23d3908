"""What a person chooses for a collection, and what they get."""

from __future__ import annotations

import msgspec

from collectors.errors import CollectError
from model.entities import Gap


class CollectOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Empty ``regions``: all enabled ones; empty ``accounts``: all; ``role_name`` ``None``: the default one.

    ``resume`` takes up the newest incomplete snapshot, with the choices it was begun with. ``max_attempts`` counts the
    first try of a call and its retries.
    """

    profile: str | None = None
    role_name: str | None = None
    external_id: str | None = None
    regions: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    endpoint_url: str | None = None
    resume: bool = False
    threads: int = 24
    max_attempts: int = 10


class CollectResult(msgspec.Struct, frozen=True, kw_only=True):
    """What collecting and importing answer: the snapshot's id, how many accounts it names, whether it has no gaps."""

    snapshot: str
    accounts: int
    ok: bool
    gaps: list[Gap]
    skipped: list[Gap]


def choices(options: CollectOptions) -> dict[str, str]:
    """What a resumed run must repeat. Never the external id, which to some stands in for a password."""
    return {
        "profile": options.profile or "",
        "endpoint_url": options.endpoint_url or "",
        "role_name": options.role_name or "",
        "regions": ",".join(options.regions),
        "accounts": ",".join(options.accounts),
    }


def resumed_options(options: CollectOptions, begun: dict[str, str]) -> CollectOptions:
    """The choices the snapshot was begun with; raises ``CollectError`` where one is now given another value."""
    for name, value in choices(options).items():
        before = begun.get(name, "")
        # Another profile may be the same caller with fresh credentials; whose account it is, is checked with AWS.
        if value and value != before and name != "profile":
            raise CollectError(
                f"cannot resume with {name.replace('_', ' ')} `{value}`: the run was begun with `{before or 'none'}`"
            )
    return msgspec.structs.replace(
        options,
        profile=options.profile or begun.get("profile") or None,
        endpoint_url=begun.get("endpoint_url") or None,
        role_name=begun.get("role_name") or None,
        regions=_split(begun.get("regions", "")),
        accounts=_split(begun.get("accounts", "")),
    )


def _split(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(",") if part)
