"""The decision: records of all layers, folded (semantics L1-L18, U1, U2, U6).

`decide` scans each layer once and folds: what the layers allow against the explicit denials of all of them. Nothing on
the way is a boolean: every term is TRUE, FALSE or a residual, and the verdict is read off at the end.
"""

from __future__ import annotations

from policy.access_points import AccessPointFold
from policy.expression import FALSE, TRUE, Constant, both, negation
from policy.fold import Fold
from policy.inputs import Inputs
from policy.reasons import of_allowance, of_condition, of_denial, of_nothing, rule
from policy.request import Request
from policy.services import asks_for
from policy.solver import possible
from policy.verdicts import Because, Decision, Verdict

__all__ = ["Because", "Decision", "Verdict", "decide"]


ALLOWED, CONDITIONAL = Verdict.ALLOWED, Verdict.CONDITIONAL
IMPLICITLY_DENIED, EXPLICITLY_DENIED = Verdict.IMPLICITLY_DENIED, Verdict.EXPLICITLY_DENIED


def decide(request: Request, inputs: Inputs, *, brief: bool = False) -> Decision:
    """Decide one request: the same request and inputs always give the same answer; ``brief``: without ``layers``."""
    action = request.action.lower()
    if request.principal.gone or not asks_for(request.principal.kind, action):
        return Decision(IMPLICITLY_DENIED, {}, (rule("L13", "none"),))
    if action == "sts:getcalleridentity" and request.principal.kind != "anonymous":
        return Decision(ALLOWED, {}, (rule("L1", "Allow"),))
    point = inputs.settings.access_point
    if point is not None and action.startswith("s3:") and request.resource != "*":
        fold: Fold = AccessPointFold(request, inputs, action, point)
    else:
        fold = Fold(request, inputs, action)
    layers = {} if brief else fold.layers()
    deny = fold.deny()
    if deny is TRUE:
        return Decision(EXPLICITLY_DENIED, layers, of_denial(fold))
    refused = fold.refused_by_rule()
    allow = FALSE if refused else fold.allow()
    outcome = allow if deny is FALSE else both(allow, negation(deny))
    if not isinstance(outcome, Constant):
        can_hold, can_fail = possible(outcome)
        if can_hold and can_fail:
            return Decision(CONDITIONAL, layers, of_condition(fold), outcome)
        outcome = TRUE if can_hold else FALSE
    if outcome is TRUE:
        return Decision(ALLOWED, layers, of_allowance(fold))
    # U6: denied under every completion; explicitly if a Deny fires under every one of them.
    if deny is not FALSE and not possible(deny)[1]:
        return Decision(EXPLICITLY_DENIED, layers, of_denial(fold))
    return Decision(IMPLICITLY_DENIED, layers, of_nothing(fold, refused))
