"""Gaps that somebody answers for: a campaign opens over what could not be read only when it is said who accepts it.

A file of acceptances is a JSON list of ``{service, outcome, reason, by}``, each optionally with ``operation`` and
``accounts`` (a list of ids) to narrow it. One acceptance answers for every group of gaps that it fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from reviews.errors import GapsError
from reviews.records import AcceptedGap, GapGroup

_EXAMPLE = '[{"service": "s3", "outcome": "denied", "reason": "sealed on purpose", "by": "ciso@example.com"}]'


class Acceptance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of the file; ``operation`` empty and ``accounts`` empty: any."""

    service: str
    outcome: str
    reason: str
    by: str = ""
    operation: str = ""
    accounts: tuple[str, ...] = ()

    def fits(self, group: GapGroup) -> bool:
        """Whether this answers for a whole group of gaps."""
        return (
            self.service == group.service
            and self.outcome == group.outcome
            and self.operation in ("", group.operation)
            and (not self.accounts or set(group.accounts) <= set(self.accounts))
        )


def read_acceptances(path: Path) -> list[Acceptance]:
    """The acceptances in a file; raises ``GapsError`` naming what is wrong with it and what one looks like."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=list[Acceptance])
    except OSError as error:
        raise GapsError(f"accepted gaps `{path}` cannot be read: {(error.strerror or str(error)).lower()}") from error
    except msgspec.MsgspecError as error:
        raise GapsError(f"accepted gaps `{path}`: {error}; expected {_EXAMPLE}") from error
    for number, item in enumerate(found, 1):
        if not item.reason.strip():
            raise GapsError(f"accepted gaps `{path}`: entry {number} has no reason")
    return found


def accepted(groups: Sequence[GapGroup], answers: Sequence[Acceptance], by: str) -> tuple[AcceptedGap, ...]:
    """The groups of gaps that some answer fits, each with the first one's reason; ``by`` where it names nobody.

    Raises ``GapsError`` for an answer that fits no gap: it was meant for something that is not so.
    """
    for answer in answers:
        if not any(answer.fits(group) for group in groups):
            known = ", ".join(f"{group.service} {group.outcome}" for group in groups) or "none"
            raise GapsError(f"no gap is `{answer.service} {answer.outcome}`: the snapshot's gaps are {known}")
    found = []
    for group in groups:
        fitting = next((answer for answer in answers if answer.fits(group)), None)
        if fitting is not None:
            found.append(AcceptedGap(group=group, reason=fitting.reason.strip(), by=fitting.by or by))
    return tuple(found)
