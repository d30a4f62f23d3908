"""Items and populations made up by hand for tests of reviews: nothing of them was read from AWS."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from reviews.records import (
    Access,
    AccessRow,
    Actor,
    Completeness,
    Decision,
    Entitlement,
    GapGroup,
    Item,
    Plan,
    Population,
    Recommendation,
    Signal,
)

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

OWNER = Actor(name="owner@example.com", how="command")
ANA = Actor(name="ana@example.com", how="oidc", signed_in="2026-03-02T09:20:00Z")
BEN = Actor(name="ben@example.com", how="oidc", signed_in="2026-03-02T09:20:00Z")
STRANGER = Actor(name="stranger@example.com", how="oidc", signed_in="2026-03-02T09:29:00Z")

ATTEST = Decision(kind="attest", reason="needed for the monthly close")
REVOKE = Decision(kind="revoke", reason="left the team")


class Everybody:
    """Everybody is independent but those named: ``{(item, reviewer): why}``."""

    def __init__(self, conflicts: dict[tuple[str, str], str] | None = None) -> None:
        self.conflicts = conflicts or {}

    def conflict(self, item: Item, reviewer: str) -> str:
        return self.conflicts.get((item.id, reviewer), "")


def row(resource: str = "arn:aws:s3:::reports/*", levels: Sequence[str] = ("Read:data",), **changes: Any) -> AccessRow:
    values: dict[str, Any] = {
        "resource": resource,
        "type": "s3:object",
        "account": "111122223333",
        "count": 1,
        "levels": tuple(levels),
        "shared": (),
        "verdict": "Allowed",
        "via": (),
        "in_words": "read what is in reports",
    }
    return AccessRow(**{**values, **changes})


def access(*rows: AccessRow, more: int = 0) -> Access:
    text = repr([(each.resource, each.levels, each.verdict) for each in rows]) + str(more)
    return Access(
        rows=rows,
        more=more,
        alone=len(rows),
        shared=0,
        fingerprint=hashlib.sha256(text.encode()).hexdigest(),
    )


def item(number: int = 1, **changes: Any) -> Item:
    """An attached policy of the user ``u<number>``, of low risk, to keep."""
    user = f"arn:aws:iam::111122223333:user/u{number}"
    values: dict[str, Any] = {
        "id": f"{number:016x}",
        "principal": user,
        "principal_kind": "user",
        "principal_name": f"u{number}",
        "account": "111122223333",
        "account_name": "payments",
        "entitlement": Entitlement(
            kind="policy-attachment",
            id=f"arn:aws:iam::111122223333:policy/Reports@{user}",
            in_words="the policy Reports",
        ),
        "sentence": f"u{number} can read what is in reports",
        "access": access(row()),
        "path": (),
        "if_kept": "u1 goes on reading reports",
        "if_removed": "u1 no longer reads reports",
        "last_used": "2026-02-20",
        "usage": "last used 10 days before the snapshot",
        "risk": "low",
        "signals": (),
        "recommendation": Recommendation(verdict="keep", reasons=(), unseen=()),
        "owners": ("", ""),
        "people": (f"u{number}@example.com",),
        "human": True,
        "privileged": False,
        "external": False,
        "fix": {"user-name": f"u{number}", "policy-arn": "arn:aws:iam::111122223333:policy/Reports"},
    }
    return Item(**{**values, **changes})


def privileged(number: int = 9, **changes: Any) -> Item:
    """An item on which keeping needs a reason, and which the recommendation wants removed."""
    recommendation = Recommendation(
        verdict="remove", reasons=(Signal(code="unused", in_words="not used for 200 days"),), unseen=()
    )
    return item(number, **{"risk": "critical", "privileged": True, "recommendation": recommendation, **changes})


def completeness(**changes: Any) -> Completeness:
    values: dict[str, Any] = {
        "snapshot": "2026-03-01T080000Z",
        "taken": "2026-03-01T08:00:00Z",
        "snapshot_sha256": "ab" * 32,
        "collector": "arn:aws:sts::111122223333:assumed-role/audit/grantmap",
        "accounts_listed": ("111122223333",),
        "accounts_read": ("111122223333",),
        "calls": {"ok": 120, "empty": 8},
        "gaps": (),
        "skipped": (),
        "excluded": (),
    }
    return Completeness(**{**values, **changes})


def gap(**changes: Any) -> GapGroup:
    values: dict[str, Any] = {
        "service": "s3",
        "operation": "GetBucketPolicy",
        "outcome": "denied",
        "accounts": ("111122223333",),
        "affects": ("arn:aws:s3:::sealed",),
    }
    return GapGroup(**{**values, **changes})


def population(*items: Item, **changes: Any) -> Population:
    """These items, else four of low risk."""
    made = items or tuple(item(number) for number in range(1, 5))
    return Population(items=made, completeness=completeness(**changes))


def plan(**changes: Any) -> Plan:
    values: dict[str, Any] = {
        "name": "First quarter",
        "template": "quarterly",
        "scope": {},
        "reviewers": "named:ana@example.com,ben@example.com",
        "due": "2026-03-31",
    }
    return Plan(**{**values, **changes})
