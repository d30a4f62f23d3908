"""What somebody holds somewhere, read of a build's tables no further than an answer needs it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from graph.classes import ResourceClass
from graph.deciding import Outcome
from graph.partition import Content, spelled
from graph.subjects import Subject
from graph.whatif_actions import action_bits
from policy.verdicts import Verdict

_bits = lru_cache(maxsize=1 << 15)(action_bits)


class Rights:
    """Actions (as a set) with one outcome, which is made when it is asked for; ``sure``: it is Allowed.

    ``related``: it speaks of the resource itself. ``names``: it may name something of what is taken away.
    """

    __slots__ = ("_outcome", "actions", "names", "related", "sure")

    def __init__(
        self, actions: int, outcome: Outcome | Callable[[], Outcome], *, sure: bool, related: bool, names: bool = True
    ) -> None:
        self.actions = actions
        self._outcome = outcome
        self.sure = sure
        self.related = related
        self.names = names

    @classmethod
    def of(cls, content: Content) -> Rights:
        sure = content.outcome.verdict is Verdict.ALLOWED
        return cls(_bits(content.actions), content.outcome, sure=sure, related=content.related)

    @property
    def outcome(self) -> Outcome:
        if not isinstance(self._outcome, Outcome):
            self._outcome = self._outcome()
        return self._outcome

    def on(self, item: ResourceClass) -> Rights:
        """As they stand for one class."""
        if not self.related:
            return self
        return Rights(
            self.actions, spelled(self.outcome, item.owner, item.representative), sure=self.sure, related=True
        )


class Held(NamedTuple):
    """Who may do what somewhere."""

    holder: Subject
    rights: Rights
