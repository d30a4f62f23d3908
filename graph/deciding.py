"""One decision about one subject, as plain data, with what is not known of outsiders put in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from graph.subjects import Subject
from policy.assemble import Assembler
from policy.context import NO_OVERRIDES, Overrides
from policy.decide import decide
from policy.residual import by_caller_only
from policy.verdicts import Decision, Verdict

#: A residual as the tree that answers show.
Tree = dict[str, Any]

#: One entry of ``because``: ``{layer, policy, sid, statement, effect}``.
Reason = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """``residual`` is ``None`` unless the verdict is Conditional.

    ``certain``: as a step of a chain it counts as Allowed, nothing but the caller's own choices conditions it.
    """

    verdict: Verdict
    residual: Tree | None
    because: tuple[Reason, ...]
    certain: bool

    @property
    def can(self) -> bool:
        """Whether this is access: Allowed, or allowed under some condition."""
        return self.verdict in (Verdict.ALLOWED, Verdict.CONDITIONAL)

    @property
    def rank(self) -> int:
        """0 Allowed, 1 Conditional, 2 denied: smaller is better."""
        return rank_of(self.verdict)


_RANKS = {Verdict.ALLOWED: 0, Verdict.CONDITIONAL: 1}


def rank_of(verdict: Verdict) -> int:
    """0 Allowed, 1 Conditional, 2 denied: smaller is better."""
    return _RANKS.get(verdict, 2)


class Decider:
    """Decisions of one inventory, for subjects."""

    def __init__(self, assembler: Assembler) -> None:
        self.assembler = assembler

    def decide(self, subject: Subject, action: str, resource: str, overrides: Overrides = NO_OVERRIDES) -> Outcome:
        """The decision for a subject that makes requests itself; people act through roles and have none."""
        assert subject.caller is not None
        return outcome_of(subject, self.assembler.decide(subject.caller, action, resource, overrides))

    def decide_alone(self, subject: Subject, action: str, resource: str) -> Outcome:
        """The decision about one resource for itself, as tables hold it: whatever else the action touches."""
        assert subject.caller is not None
        return outcome_of(subject, decide(*self.assembler.request(subject.caller, action, resource)))


def outcome_of(subject: Subject, decision: Decision) -> Outcome:
    """A decision as plain data.

    What a foreign account gives its own principals is not known: Conditional on its documents (semantics L18).
    """
    residual = decision.residual
    tree = None if residual is None else residual.to_json()
    verdict = decision.verdict
    certain = verdict is Verdict.ALLOWED or (residual is not None and by_caller_only(residual))
    foreign = subject.kind == "Outsider" and subject.caller is not None and subject.caller.principal.kind == "account"
    if foreign and verdict in _RANKS:
        verdict, certain, tree = Verdict.CONDITIONAL, False, all_of([{"document": subject.key}, tree])
    return Outcome(verdict, tree, tuple(item.to_json() for item in decision.because), certain)


def all_of(trees: Iterable[Tree | None]) -> Tree | None:
    """The conjunction of residuals, ``None`` standing for no condition; flat and without repetitions."""
    parts: list[Tree] = []
    for tree in trees:
        for part in () if tree is None else tree["all"] if set(tree) == {"all"} else (tree,):
            if part not in parts:
                parts.append(part)
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else {"all": parts}


def reason(layer: str, policy: str) -> Reason:
    """A reason that is not a statement: an assignment, a rule."""
    return {"layer": layer, "policy": policy, "sid": None, "statement": None, "effect": "Allow"}
