"""Requests are taken to be encrypted in transit, and an answer that rests on it says so (semantics U3)."""

from __future__ import annotations

from dataclasses import replace

from policy.context_values import Context, ContextValue
from policy.decide import decide
from policy.inputs import Inputs
from policy.request import Request
from policy.verdicts import Verdict

_KEY = "aws:securetransport"
_CAN = (Verdict.ALLOWED, Verdict.CONDITIONAL)


class _Unencrypted:
    """A request's context, had it come in the clear."""

    __slots__ = ("_context",)

    def __init__(self, context: Context) -> None:
        self._context = context

    def get(self, key: str, /) -> ContextValue:
        return ("false",) if key.lower() == _KEY else self._context.get(key)


def rests_on_encryption(request: Request, inputs: Inputs) -> bool:
    """Whether the answer would be another one in the clear: decided twice, since a Deny that does not apply to
    encrypted requests is no reason of the answer, and yet it rests on it."""
    if request.context.get(_KEY) != ("true",):
        return False
    encrypted, clear = decide(request, inputs), decide(replace(request, context=_Unencrypted(request.context)), inputs)
    if encrypted.verdict not in _CAN and clear.verdict not in _CAN:
        return False
    return (encrypted.verdict, encrypted.residual) != (clear.verdict, clear.residual)
