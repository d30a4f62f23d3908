"""How dangerous an item is: fixed rules over what it gives, whom it is given to and how it is used.

``RULES`` is the whole of it: each signal with the risk it means by itself. An item has the highest risk of its
signals; ``CRITICAL_WITH_ADMIN`` are the signals that make full control of an account critical.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graph.federation import tenant_bound
from graph.questions import Questions
from policy.verdicts import Verdict
from reviews.access import Rows
from reviews.audience import Audience
from reviews.contributions import Contribution
from reviews.documents import Documents
from reviews.entitlements import Held
from reviews.records import RISKS, Risk, Signal
from reviews.sentences import DATA, PERMISSIONS, WRITE
from reviews.stories import Story
from reviews.usage import Usage
from reviews.words import Names, counted, days_between, listed

#: Days without use after which access counts as unused, and after which a key counts as old.
UNUSED_DAYS = 90
OLD_KEY_DAYS = 90

#: Signal: (risk by itself, what it is about). The documentation lists the same table.
RULES: dict[str, tuple[Risk, str]] = {
    "public-change": ("critical", "anyone on the internet can change something"),
    "open-provider": ("critical", "a shared sign-in provider lets in everybody who has an account there"),
    "admin": ("high", "full control of an account"),
    "leads-to-admin": ("high", "full control of an account at the end of a chain of roles"),
    "crown-jewel": ("high", "reads or changes a crown jewel"),
    "public": ("high", "anyone on the internet has access"),
    "external": ("high", "an outside company reads data or changes something"),
    "no-shared-secret": ("high", "an outside company may become a role without a shared secret code"),
    "leaver": ("high", "the person is disabled in the directory"),
    "old-key": ("high", "an access key that was not renewed for 90 days"),
    "no-mfa": ("high", "a password without a second factor"),
    "permissions": ("medium", "can change who may use something"),
    "orphaned": ("medium", "given to somebody who is no longer in the directory"),
    "unused": ("medium", "not used for 90 days"),
    "external-look": ("medium", "an outside company sees settings"),
    "unread": ("medium", "what it gives could not be read"),
    "not-in-data": ("medium", "what it allows is on resources that are not in the data"),
    "change": ("medium", "changes something"),
    "data": ("medium", "reads data"),
    "inactive-key": ("low", "an access key that is switched off"),
    "partly-unread": ("low", "part of what it may give could not be read"),
    "conditional": ("low", "only under conditions"),
    "empty": ("low", "gives nothing that we can see"),
    "forbids": ("low", "only forbids things"),
    "look": ("low", "sees settings only"),
}

#: With full control of an account each of these makes an item critical.
CRITICAL_WITH_ADMIN = frozenset({"public", "external", "leaver", "old-key", "no-mfa", "unused", "no-shared-secret"})


@dataclass(frozen=True)
class Assessed:
    """The risk of an item and why; ``privileged``: full control or the power to change who may use something."""

    risk: Risk
    signals: tuple[Signal, ...]
    privileged: bool

    @property
    def codes(self) -> frozenset[str]:
        return frozenset(signal.code for signal in self.signals)


class Risks:
    """Assesses items of one build."""

    def __init__(
        self, questions: Questions, names: Names, rows: Rows, audience: Audience, documents: Documents
    ) -> None:
        self._inventory = questions.world.inventory
        self._taken = questions.world.inventory.data.taken
        self._names = names
        self._rows = rows
        self._audience = audience
        self._documents = documents

    def of(self, held: Held, contribution: Contribution, story: Story, usage: Usage) -> Assessed:
        """The risk of one item, with its signals, the gravest first."""
        found = dict(self._signals(held, contribution, story, usage))
        codes = frozenset(found)
        risk: Risk = min((RULES[code][0] for code in codes), key=RISKS.index, default="low")
        if codes & {"admin", "leads-to-admin"} and codes & CRITICAL_WITH_ADMIN:
            risk = "critical"
        ordered = sorted(found.items(), key=lambda item: (RISKS.index(RULES[item[0]][0]), list(RULES).index(item[0])))
        signals = tuple(Signal(code=code, in_words=words) for code, words in ordered)
        return Assessed(risk, signals, bool(codes & {"admin", "leads-to-admin", "permissions"}))

    def _signals(self, held: Held, contribution: Contribution, story: Story, usage: Usage) -> Iterator[tuple[str, str]]:
        yield from self._of_access(held, contribution, story)
        yield from self._of_principal(held, contribution, story)
        yield from self._of_credentials(held)
        yield from self._of_usage(held, usage)

    # -- what it gives

    def _of_access(self, held: Held, contribution: Contribution, story: Story) -> Iterator[tuple[str, str]]:
        names, drafts = self._names, contribution.shown.drafts
        read = [draft for draft in drafts if not self._rows.unread(draft)]
        if not held.resource:  # what a resource lets everybody do is the item of that rule
            read = [draft for draft in read if draft.own]
        levels = {level for draft in read for level in draft.weighed}
        if story.admin_of:
            accounts = listed([names.account(account) for account in sorted(story.admin_of)])
            code = "admin" if story.directly else "leads-to-admin"
            words = "It gives full control of" if story.directly else "Through other roles it leads to full control of"
            yield code, f"{words} {accounts}."
        if PERMISSIONS in levels:
            yield "permissions", "It can change who may use something."
        jewels = [
            names.resource(draft.resource_class.representative)
            for draft in read
            if _matters(draft.weighed) and self._rows.precious(draft.resource_class.index)
        ]
        if jewels:
            several = list(dict.fromkeys(jewels))
            more = f" and {len(several) - 2} more" if len(several) > 2 else ""
            yield "crown-jewel", f"It reaches crown jewels: {', '.join(several[:2])}{more}."
        if WRITE in levels:
            yield "change", "It can change things."
        elif DATA in levels:
            yield "data", "It can read data."
        elif levels:
            yield "look", "It only sees lists and settings."
        yield from self._of_nothing(held, contribution, story)
        if held.unread or (drafts and not read and any(self._rows.unread(draft) for draft in drafts)):
            yield "unread", "What it gives could not be read."
        elif any(self._rows.unread(draft) for draft in drafts):
            yield "partly-unread", "Part of what it may give could not be read."
        if read and all(draft.verdict is Verdict.CONDITIONAL for draft in read):
            yield "conditional", "All of it holds only under conditions."

    def _of_nothing(self, held: Held, contribution: Contribution, story: Story) -> Iterator[tuple[str, str]]:
        """Of an item without rows: whether it gives nothing, or only nothing that was read."""
        if contribution.shown.drafts or held.unread:
            return
        if self._documents.only_forbids(held):
            yield "forbids", "It only forbids things."
        elif story.loss.beyond:
            yield "not-in-data", "What it allows is not in the data we read."
        elif not story.loss.role:
            yield "empty", "It gives nothing in the data we read."

    # -- whom it is given to

    def _of_principal(self, held: Held, contribution: Contribution, story: Story) -> Iterator[tuple[str, str]]:
        levels = {level for draft in contribution.shown.drafts for level in draft.levels}
        if held.principal == "anonymous" and story.external:
            change = {WRITE, PERMISSIONS} & levels
            if levels:
                code = "public-change" if change else "public"
                yield code, f"Anyone on the internet can {'change' if change else 'use'} it."
        elif story.external:
            who = self._names.principal(held.principal)
            code = "external" if levels & {DATA, WRITE, PERMISSIONS} else "external-look"
            yield code, f"It is given outside the organisation: {who}."
            if held.kind == "trust-statement" and contribution.steps and not self._asks_secret(contribution):
                yield (
                    "no-shared-secret",
                    "No shared secret code is asked: others could come in through the vendor.",
                )
        if held.principal_kind == "provider" and any(
            tenant_bound(self._inventory, held.principal, step.outcome.residual) is False for step in contribution.steps
        ):
            yield (
                "open-provider",
                f"Anybody with an account at {self._names.provider(held.principal)} can become the role.",
            )
        yield from self._of_people(held)

    def _asks_secret(self, contribution: Contribution) -> bool:
        return all("externalid" in str(step.outcome.residual).lower() for step in contribution.steps)

    def _of_people(self, held: Held) -> Iterator[tuple[str, str]]:
        id = held.assignment.principal_id if held.assignment is not None else held.id.rpartition("#user:")[2]
        if held.assignment is not None or held.kind == "directory-membership":
            user = self._inventory.directory_users.get(id)
            if user is not None and user.active is False:
                yield "leaver", "This person is disabled in the directory."
            elif user is None and id not in self._inventory.directory_groups:
                yield "orphaned", "It is given to somebody who is no longer in the directory."
        elif held.holder in self._inventory.users:
            address = self._audience.address(self._inventory.users[held.holder])
            for user in self._inventory.data.directory_users:
                if address and user.address == address and user.active is False:
                    yield "leaver", "The person behind this user is disabled in the directory."

    # -- credentials and use

    def _of_credentials(self, held: Held) -> Iterator[tuple[str, str]]:
        if held.key is not None:
            if not held.key.active:
                yield "inactive-key", "The key is switched off."
                return
            age = days_between(held.key.rotated, self._taken)
            if age is not None and age > OLD_KEY_DAYS:
                yield "old-key", f"The key was not renewed for {counted(age, 'day')}."
        if held.kind == "password" and self._inventory.users[held.holder].mfa is False:
            yield "no-mfa", "No second factor is asked when signing in."

    def _of_usage(self, held: Held, usage: Usage) -> Iterator[tuple[str, str]]:
        unused = unused_days(usage, self._taken)
        if unused is None or unused < UNUSED_DAYS or self._documents.only_forbids(held):
            return  # nobody uses what only forbids
        if held.key is None or held.key.active:
            words = "It was never used" if usage.last == "" else "It was not used"
            if usage.last == "" and usage.kept and unused > usage.kept:
                yield "unused", f"It was not used in the {usage.kept} days that AWS keeps."
            else:
                yield "unused", f"{words} in {counted(unused, 'day')}."


def _matters(levels: tuple[str, ...]) -> bool:
    return not {DATA, WRITE, PERMISSIONS}.isdisjoint(levels)


def unused_days(usage: Usage, taken: str) -> int | None:
    """Days since the last use, or since it was made where it was never used; ``None``: not known."""
    if usage.last is None:
        return None
    return days_between(usage.last or usage.since, taken)
