"""What the room says when it is given something it cannot read."""

from __future__ import annotations


class PolicyError(ValueError):
    """A policy document that IAM would not accept: where it is wrong, and why.

    `source` names the document, `pointer` is a JSON pointer into it (`""` is the whole document) and `reason`
    is one lower-case phrase with the offending value in backticks.
    """

    def __init__(self, source: str, pointer: str, reason: str) -> None:
        super().__init__(f"{source}: {pointer or '/'}: {reason}")
        self.source = source
        self.pointer = pointer
        self.reason = reason


class CaseError(ValueError):
    """A decision case whose shape cannot be read; the message names the field."""


class PrincipalError(ValueError):
    """A text that names no principal of AWS."""


class UnknownActionError(ValueError):
    """An action that the catalogue does not know, or a text that is no action."""

    def __init__(self, action: str) -> None:
        super().__init__(f"action `{action}` is not in the catalogue")
        self.action = action
