"""Who can do everything in an account, asked only of those whom a review is about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from graph.access import admin_tests
from graph.deciding import Outcome
from graph.questions import Questions
from graph.subjects import Subject
from graph.world import World

#: Whoever cannot do this is no administrator; policies that never mention it need no decision.
_NEEDED = "iam:attachrolepolicy"


class Admins:
    """Administrators as ``graph.access`` defines them: full management of IAM's permissions in their account."""

    def __init__(self, questions: Questions) -> None:
        self._world: World = questions.world
        self.of = lru_cache(maxsize=None)(self._of)

    def _of(self, subject: Subject) -> tuple[Outcome, ...]:
        """The decisions that make the subject an administrator of its account; empty when it is none."""
        if subject.kind not in ("User", "Role", "RootUser") or subject.caller is None:
            return ()
        if subject.kind != "RootUser" and not self._may(subject):
            return ()
        outcomes = []
        for action, resource in admin_tests(subject.account, self._world.inventory.partition):
            outcome = self._world.decider.decide(subject, action, resource)
            if not outcome.can:
                return ()
            outcomes.append(outcome)
        return tuple(outcomes)

    def _may(self, subject: Subject) -> bool:
        assert subject.caller is not None
        identity, _ = self._world.assembler.identity(subject.caller.principal)
        for ref in identity:
            if ref.document is None:
                return True
            for statement in ref.document.statements:
                if statement.allows and (statement.acts is None or statement.acts(_NEEDED)):
                    return True
        return False

    def by_policies(self, subject: Subject, policies: Iterable[str]) -> bool:
        """Whether the subject is an administrator and every part of that rests on one of these policies."""
        wanted = set(policies)
        outcomes = self.of(subject)
        return bool(outcomes) and all(
            any(item["policy"] in wanted and item["effect"] == "Allow" for item in outcome.because)
            for outcome in outcomes
        )

    def accounts(self, subjects: Sequence[Subject]) -> dict[str, bool]:
        """Accounts of which some of these are administrators, with whether that is without any condition."""
        found: dict[str, bool] = {}
        for subject in subjects:
            outcomes = self.of(subject)
            if outcomes:
                certain = all(outcome.certain for outcome in outcomes)
                found[subject.account] = found.get(subject.account, False) or certain
        return found
