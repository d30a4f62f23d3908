"""The words of an answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from policy.expression import Residual


class Verdict(StrEnum):
    """The four verdicts."""

    ALLOWED = "Allowed"
    CONDITIONAL = "Conditional"
    IMPLICITLY_DENIED = "ImplicitlyDenied"
    EXPLICITLY_DENIED = "ExplicitlyDenied"


class Because(NamedTuple):
    """One thing that decided; `statement` is the index in the policy, `effect` is `Allow`, `Deny` or `none`."""

    layer: str
    policy: str | None
    sid: str | None
    statement: int | None
    effect: str

    def to_json(self) -> dict[str, Any]:
        return {
            "layer": self.layer,
            "policy": self.policy,
            "sid": self.sid,
            "statement": self.statement,
            "effect": self.effect,
        }


@dataclass(slots=True)
class Decision:
    """The answer to one request.

    `layers` maps each layer that has something to say to its own verdict (the words of the decision cases;
    `Conditional` when it hangs on something unknown). `residual` is what must hold for the request to be allowed, and
    `None` unless the verdict is Conditional.
    """

    verdict: Verdict
    layers: dict[str, str] = field(default_factory=dict)
    because: tuple[Because, ...] = ()
    residual: Residual | None = None
