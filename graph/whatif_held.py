"""What somebody holds somewhere, read of a build's tables no further than an answer needs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from graph.classes import ResourceClass
from graph.deciding import Outcome
from graph.partition import Content, spelled
from graph.subjects import Subject
from graph.whatif_rows import action_bits
from policy.verdicts import Verdict

_bits = lru_cache(maxsize=1 << 15)(action_bits)


class Rights:
    """Actions (as a set) with one outcome, which is made when it is asked for; ``sure``: it is Allowed.

    ``related``: it speaks of the resource itself. ``text`` holds all that it names, as it is written in JSON; ``None``:
    that is not known.
    """

    __slots__ = ("_outcome", "_text", "actions", "related", "sure")

    def __init__(
        self,
        actions: Sequence[str],
        outcome: Outcome | Callable[[], Outcome],
        *,
        sure: bool,
        related: bool,
        text: str | None = None,
    ) -> None:
        self.actions = _bits(tuple(actions))
        self._outcome = outcome
        self.sure = sure
        self.related = related
        self._text = text

    @classmethod
    def of(cls, content: Content) -> Rights:
        sure = content.outcome.verdict is Verdict.ALLOWED
        return cls(content.actions, content.outcome, sure=sure, related=content.related)

    @property
    def outcome(self) -> Outcome:
        if not isinstance(self._outcome, Outcome):
            self._outcome = self._outcome()
        return self._outcome

    def on(self, item: ResourceClass) -> Rights:
        """As they stand for one class."""
        if not self.related:
            return self
        found = Rights.__new__(Rights)
        found.actions, found.sure, found.related, found._text = self.actions, self.sure, True, None
        found._outcome = spelled(self.outcome, item.owner, item.representative)
        return found

    def may_name(self, marks: Sequence[str]) -> bool:
        """Whether one of these may be among what they name."""
        return self._text is None or any(mark in self._text for mark in marks)


class Held(NamedTuple):
    """Who may do what somewhere."""

    holder: Subject
    rights: Rights
