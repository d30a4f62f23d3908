"""Call records as a collector would have made them, always of the same moment."""

from __future__ import annotations

from typing import Any

from model.snapshot import CallError, CallRecord

#: When everything was asked: equal seeds give equal parts.
MOMENT = "2026-01-05T08:00:00.000Z"


def called(
    service: str,
    operation: str,
    page: dict[str, Any],
    *,
    affects: str,
    key: str = "",
    region: str = "",
    params: dict[str, Any] | None = None,
) -> CallRecord:
    """A call that was answered with one page; ``key`` names its list."""
    return CallRecord(
        service=service,
        operation=operation,
        params=params or {},
        outcome="ok",
        started=MOMENT,
        ended=MOMENT,
        pages=1,
        items=len(page.get(key, ())) if key else 0,
        affects=affects,
        region=region,
        response=[page],
    )


def absent(
    service: str, operation: str, code: str, *, affects: str, region: str = "", params: dict[str, Any] | None = None
) -> CallRecord:
    """A call that was answered: there is none."""
    return CallRecord(
        service=service,
        operation=operation,
        params=params or {},
        outcome="empty",
        error=CallError(code=code, message="there is none"),
        started=MOMENT,
        ended=MOMENT,
        affects=affects,
        region=region,
    )


def pairs(tags: dict[str, str], prefix: str = "") -> list[dict[str, str]]:
    """Tags as most services give them; KMS: ``TagKey`` and ``TagValue``."""
    return [{f"{prefix}Key": key, f"{prefix}Value": value} for key, value in tags.items()]
