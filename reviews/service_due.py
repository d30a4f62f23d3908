"""What time brings: reminders, due dates that pass, exceptions that end. Run from cron, never inside the app."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Literal

import sqlalchemy as sa

from reviews import reminders, views
from reviews.errors import CampaignStateError, NotAllowedError
from reviews.people import day_of, moment_of
from reviews.projection import decision_of
from reviews.records import Actor, Decision, Record
from reviews.reminders import OUTBOX, Reminder
from reviews.schema import campaigns, entries, states
from reviews.service_base import Act
from reviews.service_reading import Reading

#: Who acts when cron does.
CLOCKWORK = Actor(name="grantmap", how="command")
#: Days before the due date from which ``run_due`` reminds, and days between two reminders: before it, and after it.
REMIND_FROM = 7
REMIND_EVERY = (3, 1)


class Due(Record, frozen=True, kw_only=True):
    """Something that time brought. ``item`` is empty where it is about the whole campaign."""

    campaign: str
    kind: Literal["overdue", "exception-ended", "reminded"]
    item: str
    in_words: str


class Clockwork(Reading):
    """Reminders and ends."""

    def remind(self, id: str, actor: Actor) -> list[Reminder]:
        """Reminds everybody who has items left: one entry and one letter each, the letters in ``<home>/outbox``."""
        reminded: list[Reminder] = []
        try:
            with self._act(id, actor) as act:
                act.owner_role("remind reviewers")
                if act.campaign.phase != "open":
                    raise CampaignStateError(f"campaign `{id}` is signed off: nobody has anything left")
                reminded += self._remind(act)
        except BaseException:
            reminders.remove(reminded)
            raise
        return reminded

    def run_due(self, now: datetime | None = None, actor: Actor = CLOCKWORK) -> list[Due]:
        """Everything that is due in every campaign; run again it finds nothing more on the same day.

        Campaigns past their due date are marked once; exceptions that ended are opened again where the campaign still
        is, and put on record as a follow-up where it was signed off; reviewers are reminded as the due date nears.
        """
        moment = now or self._clock()
        with self._database.read() as connection:
            ids = connection.execute(sa.select(campaigns.c.id).order_by(campaigns.c.opened, campaigns.c.id)).scalars()
            found = list(ids)
        return [row for id in found for row in self._run_due(id, moment, actor)]

    def _run_due(self, id: str, now: datetime, actor: Actor) -> list[Due]:
        reminded: list[Reminder] = []
        try:
            with self._act(id, actor, now) as act:
                if act.name != act.campaign.owner and "admin" not in act.roles:
                    raise NotAllowedError(f"`{actor.name}` may not run what is due: it takes the role admin")
                rows = [*_ended_exceptions(act), *_overdue(act)]
                if _reminder_due(act):
                    reminded += self._remind(act)
                    rows += [_reminded(one) for one in reminded]
        except BaseException:
            reminders.remove(reminded)
            raise
        return rows

    def _remind(self, act: Act) -> list[Reminder]:
        view = views.campaign_view(act.connection, act.campaign)
        found = reminders.reminders(view, act.now.date().isoformat(), self._home / OUTBOX, act.at)
        bodies = [
            (
                "",
                {
                    "reviewer": one.reviewer,
                    "left": one.left,
                    "due": one.due,
                    "overdue": one.overdue,
                    "mail": bool(one.letter),
                },
            )
            for one in found
        ]
        act.ledger.add_all("reminded", bodies)
        try:
            reminders.write(found, view, act.at)
        except BaseException:
            reminders.remove(found)
            raise
        return found


def _overdue(act: Act) -> Iterator[Due]:
    """Marks a campaign once whose due date has passed."""
    if act.campaign.phase != "open" or act.now.date().isoformat() <= act.campaign.due:
        return
    if _newest(act, "expired", "") is not None:
        return
    view = views.campaign_view(act.connection, act.campaign)
    left = {name: items - decided for name, (items, decided) in view.reviewers.items() if items > decided}
    act.ledger.add("expired", "", {"due": view.due, "left": sum(left.values()), "reviewers": left})
    words = f"{view.name} was due on {view.due}: {sum(left.values())} of {view.items} items are not decided"
    yield Due(campaign=act.id, kind="overdue", item="", in_words=words)


def _ended_exceptions(act: Act) -> Iterator[Due]:
    """Opens exceptions again that have ended; after sign-off it only puts them on record, once each."""
    today = act.now.date()
    standing = states.c.campaign == act.id
    rows = act.connection.execute(sa.select(states.c.item).where(standing, states.c.state == "exception")).scalars()
    for item in sorted(rows):
        frozen, _, found = views.one_item(act.connection, act.id, item)
        decision: Decision = decision_of(found.decision, Decision)
        until = day_of(decision.until)
        if until is None or until >= today:
            continue
        reopened = act.campaign.phase == "open"
        if not reopened and _newest(act, "expired", item) is not None:
            continue
        body = {"until": decision.until, "owner": decision.owner, "reopened": reopened, "version": found.version}
        act.on_item("expired", item, found, body)
        then = "it has to be decided again" if reopened else f"{decision.owner} has to end it or ask anew"
        words = f"the exception for {frozen.sentence} ended on {decision.until}: {then}"
        yield Due(campaign=act.id, kind="exception-ended", item=item, in_words=words)


def _reminder_due(act: Act) -> bool:
    """Whether it is time to remind: from a week before the due date every three days, after it every day."""
    due = day_of(act.campaign.due)
    if act.campaign.phase != "open" or due is None or (due - act.now.date()).days > REMIND_FROM:
        return False
    last = _newest(act, "reminded", "")
    if last is None:
        return True
    return (act.now.date() - last).days >= REMIND_EVERY[act.now.date() > due]


def _newest(act: Act, kind: str, item: str) -> date | None:
    """The day of the newest entry of a kind about an item; ``None``: there is none."""
    query = sa.select(sa.func.max(entries.c.at)).where(
        entries.c.campaign == act.id, entries.c.kind == kind, entries.c.item == item
    )
    at: Any = act.connection.execute(query).scalar()
    moment = moment_of(at) if at else None
    return moment.date() if moment is not None else None


def _reminded(reminder: Reminder) -> Due:
    how = f"by a letter in {reminder.letter}" if reminder.letter else "on record only: the name is no address"
    words = f"{reminder.reviewer} was reminded of {reminder.left} of {reminder.items} items, {how}"
    return Due(campaign=reminder.campaign, kind="reminded", item="", in_words=words)
