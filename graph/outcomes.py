"""Decisions as outcomes, alike ones one object, and contents of grants, each once."""

from __future__ import annotations

import json
from dataclasses import replace

from graph.action_lists import ActionList
from graph.deciding import Outcome, outcome_of
from graph.partition import Content, related, related_document
from graph.subjects import Subject
from graph.units import Unit
from policy.residual import by_caller_only
from policy.verdicts import Decision, Verdict

_CAN = (Verdict.ALLOWED, Verdict.CONDITIONAL)


class Contents:
    """The contents of one partition's grants."""

    def __init__(self) -> None:
        self.all: list[Content] = []
        self._outcomes: dict[object, int] = {}
        self._known: list[tuple[Outcome, bool]] = []
        self._contents: dict[tuple[int, ActionList, int], int] = {}

    def outcome(self, subject: Subject, decision: Decision, unit: Unit) -> int | None:
        """The number of a decision's outcome on a unit, what belongs to the unit said of the resource itself;
        ``None``: no access."""
        if decision.verdict not in _CAN:
            return None
        owner = "*" if unit.container is None else unit.container.arn
        because = tuple([item._replace(policy=related_document(item.policy, owner)) for item in decision.because])
        own = because != decision.because
        residual, by_choice = None, False
        written = ""
        if decision.residual is not None:
            by_choice = by_caller_only(decision.residual)  # which is not in what is shown of it
            plain = decision.residual.to_json()
            residual = related(plain, owner, unit.arn)
            own = own or residual != plain
            written = json.dumps(residual)
        key = (decision.verdict, because, written, by_choice, subject.key if subject.kind == "Outsider" else None)
        found = self._outcomes.get(key)
        if found is None:
            outcome = outcome_of(subject, decision)
            said = replace(
                outcome,
                residual=related(outcome.residual, owner, unit.arn),
                because=tuple(item.to_json() for item in because),
            )
            found = self._outcomes[key] = len(self._known)
            self._known.append((said, own))
        return found

    def content(self, outcome: int, actions: ActionList, bits: int) -> int:
        """The number of a content: an outcome with the actions of a list that have it."""
        key = (outcome, actions, bits)
        found = self._contents.get(key)
        if found is None:
            found = self._contents[key] = len(self.all)
            said, own = self._known[outcome]
            self.all.append(Content(said, actions.named(bits), own))
        return found
