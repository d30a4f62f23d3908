"""Outcomes as the graph holds them: JSON, and whether anything conditions them."""

from __future__ import annotations

import json
from typing import Any

from graph.deciding import Outcome


def under_conditions(outcome: Outcome) -> bool:
    """Whether something must hold beside what a foreign account gives its own principals (semantics L18)."""
    return outcome.residual is not None and beyond_an_account(outcome.residual)


def beyond_an_account(residual: Any) -> bool:
    """Whether a residual asks for more than what a foreign account gives its own principals (semantics L18)."""
    return not (set(residual) == {"document"} and residual["document"].startswith("account:"))


def text_under_conditions(residual: str | None) -> bool:
    """As ``under_conditions``, of a residual as it is written."""
    return residual is not None and beyond_an_account(json.loads(residual))


def written(value: Any) -> str | None:
    """Plain data as JSON, ``None`` for none."""
    return None if value is None else json.dumps(value, separators=(",", ":"))
