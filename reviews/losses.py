"""What really goes with an item: full control of accounts, roles, and what lies beyond the data that was read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graph.access import admin_tests
from graph.questions import Questions
from reviews.admins import Admins
from reviews.contributions import Contribution, Contributions
from reviews.effects import Effects
from reviews.entitlements import Held
from reviews.holders import Passage
from reviews.unlisted import Beyond, Unlisted


@dataclass(frozen=True)
class Loss:
    """``admin_of``: accounts of which full control goes, with whether it was there for certain. ``role``: whether
    becoming the role of a trust goes. ``beyond`` is what the item gives, and ``beyond_lost`` what of it goes, that is
    in no row; ``unread``: whether rows hang on what could not be read, which may be for the lost identity alone.
    """

    admin_of: dict[str, bool]
    role: bool
    beyond: Beyond
    beyond_lost: Beyond
    unread: bool

    def nothing(self, contribution: Contribution) -> bool:
        """Whether all that the item gives is given another way as well, for certain."""
        return not (contribution.shown.access.alone or self.admin_of or self.role or self.beyond_lost or self.unread)

    def unseen(self, contribution: Contribution) -> tuple[str, ...]:
        """What is not in the rows; of an item with rows only what goes with it."""
        return (self.beyond_lost if contribution.shown.drafts else self.beyond).unseen()


class Losses:
    """Works out the losses of items of one build."""

    def __init__(
        self, questions: Questions, effects: Effects, contributions: Contributions, admins: Admins, unlisted: Unlisted
    ) -> None:
        self._partition = questions.world.inventory.partition
        self._effects = effects
        self._contributions = contributions
        self._admins = admins
        self._unlisted = unlisted

    def of(self, held: Held, contribution: Contribution, admin_of: dict[str, bool]) -> Loss:
        """The loss of one item that gives full control of the accounts ``admin_of``."""
        beyond, lost = self._unlisted.of(held, contribution)
        left = dict(admin_of)
        for passage in self._passages(held, contribution) if left else ():
            for account in [account for account in left if self._stays(passage, account)]:
                del left[account]
            if not left:
                break
        role = held.kind == "trust-statement" and any(passage.lost for passage in contribution.passages)
        credential = held.kind in ("access-key", "password")
        replaced = any(passage.lost for passage in contribution.passages) or not contribution.passages
        changed = replaced or (held.holder != "" and not credential)
        return Loss(left, role, beyond, lost, changed and any(reach.unread for reach in contribution.shown.reaches))

    def _passages(self, held: Held, contribution: Contribution) -> Iterator[Passage]:
        yield from contribution.passages
        yield from self._contributions.of_each(held, contribution)

    def _stays(self, passage: Passage, account: str) -> bool:
        """Whether somebody has full control of an account without the item, be it under conditions."""
        if any(to.account == account and self._admins.of(to) for to in passage.left):
            return True
        own = passage.own
        if own is None or own.account != account or not self._admins.of(own):
            return False
        cut = passage.cut
        return cut is None or all(
            self._effects.again(own, action, resource, cut).can
            for action, resource in admin_tests(account, self._partition)
        )
