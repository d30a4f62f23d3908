"""What the reasons of a decision rest on: policies of an identity, a statement of a trust."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from graph.deciding import Outcome, Reason
from reviews.access import documents
from reviews.entitlements import Held


def rests(outcome: Outcome, policies: Collection[str]) -> bool:
    """Whether an identity policy of these is among the reasons, or could not be read and may be one."""
    if any(item["layer"] == "identity" and item["policy"] in policies for item in outcome.because):
        return True
    return outcome.residual is not None and not documents(outcome.residual).isdisjoint(policies)


def names_statement(because: Iterable[Reason], held: Held) -> bool:
    """Whether the statement of an entitlement is among the reasons."""
    return any(item["policy"] == held.policy and item["statement"] == held.statement for item in because)
