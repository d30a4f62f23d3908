"""Letters to reviewers who have items left, as files that a mail program or a mail server takes: ``.eml``."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from pathlib import Path

from reviews.errors import ReviewError
from reviews.people import moment_of
from reviews.records import CampaignView, Record

OUTBOX = "outbox"

_ADDRESS = re.compile(r"[^\s@<>(),:;\"\\\[\]]+@[^\s@<>(),:;\"\\\[\]]+\.[^\s@<>(),:;\"\\\[\]]+")


class OutboxError(ReviewError):
    """The folder of letters cannot be written."""


class Reminder(Record, frozen=True, kw_only=True):
    """Who was reminded of what. ``letter`` is the file of the e-mail; empty for a name that is no address."""

    campaign: str
    reviewer: str
    left: int
    items: int
    due: str
    overdue: bool
    letter: str


def reminders(view: CampaignView, today: str, outbox: Path, at: str) -> list[Reminder]:
    """One for each reviewer who has items left, in the order of their names."""
    found = []
    for number, (reviewer, (items, decided)) in enumerate(view.reviewers.items(), 1):
        if items > decided:
            name = f"{re.sub('[^0-9TZ]', '', at)}-{view.id}-{number}.eml"
            found.append(
                Reminder(
                    campaign=view.id,
                    reviewer=reviewer,
                    left=items - decided,
                    items=items,
                    due=view.due,
                    overdue=today > view.due,
                    letter=str(outbox / name) if _ADDRESS.fullmatch(reviewer) else "",
                )
            )
    return found


def write(reminded: Sequence[Reminder], view: CampaignView, at: str) -> None:
    """Writes the letters, each whole or not at all; raises ``OutboxError``."""
    for reminder in reminded:
        if not reminder.letter:
            continue
        path = Path(reminder.letter)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_whole(path, bytes(letter(reminder, view, at)))
        except OSError as error:
            raise OutboxError(f"cannot write the letter `{path}`: {error.strerror or error}") from error


def remove(reminded: Sequence[Reminder]) -> None:
    """Takes back letters of reminders that did not come to be on record."""
    for reminder in reminded:
        if reminder.letter:
            with suppress(OSError):
                Path(reminder.letter).unlink()


def letter(reminder: Reminder, view: CampaignView, at: str) -> EmailMessage:
    """The e-mail: plain text, with what was read from AWS left out of it."""
    message = EmailMessage(policy=SMTP)
    message["To"] = reminder.reviewer
    message["From"] = "grantmap <grantmap@localhost>"
    moment = moment_of(at)
    if moment is not None:
        message["Date"] = format_datetime(moment)
    message["Message-ID"] = make_msgid(domain="grantmap.localhost")
    left = "1 item is" if reminder.left == 1 else f"{reminder.left} items are"
    message["Subject"] = f"{'Overdue' if reminder.overdue else 'Reminder'}: {left} left in {view.name}"
    message["Auto-Submitted"] = "auto-generated"
    when = f"It was due on {view.due}." if reminder.overdue else f"It is due on {view.due}."
    message.set_content(
        f"{left} waiting for your decision in the access review\n"
        f"{view.name} ({view.id}), out of {reminder.items} that are yours.\n\n"
        f"{when} The review is of the snapshot {view.snapshot}, taken {view.taken}.\n"
        f"What you cannot judge, hand back: choose that you abstain, and {view.owner}\n"
        "assigns somebody else.\n"
    )
    return message


def _write_whole(path: Path, data: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
