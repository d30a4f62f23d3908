"""Whom a Deny with NotPrincipal spares, and why not a caller that it names (semantics P4, L8), in words."""

from __future__ import annotations

from collections.abc import Iterator

from policy.document import Statement
from policy.expression import FALSE, TRUE
from policy.request import Principal
from policy.verdicts import Because
from policy.wording import Namer

#: Callers that are spared only if more than their own name is listed.
_KINDS = {"user": "a user", "federated-user": "a federated session"}


def spared(
    principal: Principal, statement: Statement, reason: Because, name: Namer, *, has_boundary: bool
) -> Iterator[str]:
    """Sentences about the NotPrincipal of a Deny that applies to ``principal``; none for another statement."""
    element = statement.not_principals
    if element is None:
        return
    names = sorted(text for _, listed in element.listed for text in listed)
    yield f"It denies everybody but {', '.join(map(name, names)) or '`*`'}."
    reached = element.reach(principal, reason.layer, reason.policy or "", statement)
    if all(way is FALSE for way in reached):
        return
    of_role = principal.kind in ("role", "session")
    kind = "a session of a role" if of_role else _KINDS.get(principal.kind)
    if has_boundary and kind is not None and principal.kind != "federated-user":
        yield "The caller is among them, but a caller with a permissions boundary is never spared."
        return
    parts = {"it is itself": reached.direct, "its role is": reached.role, "its account is": reached.account}
    if not of_role:
        del parts["its role is"]
    lacking = " and ".join(text for text, way in parts.items() if way is not TRUE)
    if lacking and kind is not None:
        yield f"The caller is among them, but {kind} is spared only if {lacking} listed too."
