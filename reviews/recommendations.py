"""What we suggest about an item: keep, remove, or look; fixed rules with the reasons cited.

A suggestion is to remove where nobody can use it, nobody did, or nothing would go with it; to look where a person must
judge; to keep else. What could not be taken into account is always said with it.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property

from graph.questions import Questions
from model.arn import is_account_id
from reviews.contributions import Contribution
from reviews.documents import Documents
from reviews.entitlements import Held
from reviews.losses import Loss
from reviews.records import Recommendation, Signal
from reviews.risks import UNUSED_DAYS, Assessed, unused_days
from reviews.sentences import unreadable
from reviews.usage import Usage
from reviews.words import Names, counted, some

#: Signals that are by themselves a reason to remove.
REMOVE = ("orphaned", "leaver", "unused", "inactive-key")

#: Signals that ask for a person's judgement.
LOOK = (
    "public-change",
    "open-provider",
    "admin",
    "leads-to-admin",
    "public",
    "external",
    "no-shared-secret",
    "external-look",
    "old-key",
    "no-mfa",
    "crown-jewel",
    "permissions",
    "unread",
    "not-in-data",
)


class Recommendations:
    """Suggestions about items of one build."""

    def __init__(self, questions: Questions, names: Names, documents: Documents) -> None:
        self._questions = questions
        self._inventory = questions.world.inventory
        self._taken = questions.world.inventory.data.taken
        self._names = names
        self._documents = documents

    def of(
        self, held: Held, contribution: Contribution, assessed: Assessed, usage: Usage, loss: Loss
    ) -> Recommendation:
        """The suggestion about one item."""
        unseen = (*self._unseen(held, contribution, usage), *loss.unseen(contribution))
        if self._documents.only_forbids(held):
            words = "It only forbids things: removing it would lift those limits."
            return Recommendation(verdict="keep", reasons=(Signal(code="forbids", in_words=words),), unseen=unseen)
        removing = [signal for signal in assessed.signals if signal.code in REMOVE]
        credential = held.kind in ("access-key", "password")  # of two, the one in use may be the one that is needed
        redundant = contribution.shown.drafts and not contribution.unsure and loss.nothing(contribution)
        if redundant and (removing or not credential):
            removing.append(Signal(code="redundant", in_words="All of it is given another way as well."))
        unread = self._unread(held)
        empty = not contribution.shown.drafts and held.kind != "password"
        if empty and not (held.unread or unread or loss.beyond or loss.role):
            removing.append(Signal(code="empty", in_words="It gives nothing in the data we read."))
        if removing:
            return Recommendation(verdict="remove", reasons=tuple(removing), unseen=unseen)
        looking = [signal for signal in assessed.signals if signal.code in LOOK]
        if empty and (unread or loss.beyond):
            words = "It gives nothing in the data we read, but what it allows is not all there."
            looking.append(Signal(code="maybe-empty", in_words=words))
        if looking:
            return Recommendation(verdict="look", reasons=tuple(looking), unseen=unseen)
        return Recommendation(verdict="keep", reasons=tuple(self._for_keeping(assessed, usage)), unseen=unseen)

    def _unread(self, held: Held) -> bool:
        """Whether something that decides about an item could not be read: of its account, or of whom it is for."""
        accounts = {held.account}
        if held.principal_kind == "account":
            accounts.add(held.principal.removeprefix("account:"))
        elif held.principal.startswith("arn:"):
            accounts.add(held.principal.split(":")[4])
        ours = {id for id in accounts if is_account_id(id) and id in self._inventory.accounts}
        unread = self._inventory.data.unread_principals
        return held.account in self._gaps or any(id in unread for id in (held.account, *ours))

    def _for_keeping(self, assessed: Assessed, usage: Usage) -> list[Signal]:
        found = []
        days = unused_days(usage, self._taken)
        if usage.last and days is not None and days < UNUSED_DAYS:
            found.append(Signal(code="used", in_words=f"It was used {counted(days, 'day')} before this data was read."))
        elif usage.last is None:
            found.append(Signal(code="not-recorded", in_words="Nothing speaks against it; its use is not recorded."))
        elif days is None or usage.last == "":
            found.append(Signal(code="too-new", in_words="It is too new to call it unused."))
        return [*found, *(signal for signal in assessed.signals if signal.code in ("look", "data", "change"))]

    def _unseen(self, held: Held, contribution: Contribution, usage: Usage) -> list[str]:
        found = [usage.in_words] if usage.last is None else []
        words = unreadable(contribution.shown.reaches)
        if words:
            found.append(words)
        if any(reach.type == "s3:bucket/*" for reach in contribution.shown.reaches[:5]):
            found.append(
                "Reads of single objects are not recorded here, so nobody can tell from it whether they happened."
            )
        gaps = self._gaps.get(held.account)
        if gaps and not words:
            found.append(f"In {self._names.account(held.account)} could not be read: {some(gaps, 3)}.")
        return found

    @cached_property
    def _gaps(self) -> dict[str, list[str]]:
        """By account, in words, what decisions would have read."""
        found: defaultdict[str, dict[str, None]] = defaultdict(dict)
        for gap in self._questions.deciding_gaps:
            about = self._names.resource(gap.affects) if gap.affects.startswith("arn:") else f"some of {gap.service}"
            found[gap.account][about] = None
        return {account: list(words) for account, words in found.items()}
