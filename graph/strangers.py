"""Whoever has an account at AWS: nobody lists them where no policy names them, and an answer must tell all the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graph.deciding import rank_of
from graph.direct import FEDERATED
from graph.names import action_of, resource_of, subject_of
from graph.open_to_accounts import NO_ACCOUNT, anybody_may
from graph.questions import Questions
from graph.subjects import ANONYMOUS
from policy.verdicts import Verdict


def any_account(questions: Questions, action: str, resource: str, rows: Sequence[dict[str, Any]]) -> Verdict | None:
    """Whether somebody of any AWS account can do something, by an ACL for all who are signed in or a policy for
    everybody: Allowed, Conditional or ``None``. ``rows`` are those of ``who-can``: also ``None`` where they say as much
    of anybody unsigned."""
    action, resource = action_of(action), resource_of(questions.world.inventory, resource, action)
    if action in FEDERATED:
        return None
    found = questions.world.decider.decide(subject_of(questions.world, NO_ACCOUNT), action, resource).verdict
    unsigned = min((rank_of(Verdict(row["verdict"])) for row in rows if row["principal"] == ANONYMOUS), default=2)
    return found if rank_of(found) < unsigned else None


def in_words(found: Verdict) -> str:
    """A sentence about what ``any_account`` found."""
    return f"Beyond whom the answer lists, {anybody_may(found)} do this"
