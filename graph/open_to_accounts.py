"""Resources that whoever has an AWS account is let at, though no policy names them: nobody's row of a graph tells it.

An ACL may be for all who are signed in, and a policy for everybody but the unsigned. What the unsigned may do as surely
is left to what is told of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from graph.contents import start_inside
from graph.globs import FILLER
from graph.subjects import ANONYMOUS
from graph.told import NO_WHERE, NOTHING, Told
from model.entities import Resource
from policy.actions import catalogue
from policy.assemble import Assembler
from policy.context import Caller
from policy.document import Statement
from policy.expression import FALSE, KeyLeaf, leaves
from policy.request import Principal
from policy.verdicts import Because, Decision, Verdict

#: The id of no account. What lets it in lets in all that no policy names.
NO_ACCOUNT = "000000000000"

_SIGNED_IN = "AuthenticatedUsers"
_RANKS = {Verdict.ALLOWED: 0, Verdict.CONDITIONAL: 1}

#: What nobody of another organisation has, or has otherwise.
_ORGANISATION = "aws:principalorgid"


class OpenTo(NamedTuple):
    """What whoever has an account may do at a resource: actions that are Allowed, or all of them Conditional; ``keys``
    are those that the first one hangs on, ``because`` what it rests on."""

    resource: Resource
    verdict: Verdict
    actions: tuple[str, ...]
    keys: tuple[str, ...]
    because: Because


def open_to_any_account(assembler: Assembler) -> Iterator[OpenTo]:
    """The resources of an inventory that any account is let at by more than the unsigned, in their order."""
    anybody = assembler.caller(Principal.parse(NO_ACCOUNT))
    unsigned = assembler.caller(Principal.parse(ANONYMOUS))
    for resource in assembler.inventory.all_resources():
        if _may_be_open(assembler, resource):
            found = _opened(assembler, resource, anybody, unsigned)
            if found is not None:
                yield found


def _may_be_open(assembler: Assembler, resource: Resource) -> bool:
    settings = resource.s3
    if settings is not None and any(one.grantee == _SIGNED_IN for one in settings.acl or ()):
        return True
    if not resource.policy or resource.type == "iam:role":
        return False
    document = assembler.ref(f"{resource.arn}#policy", resource.policy).document
    return document is not None and any(map(_is_for_strangers, document.statements))


def _is_for_strangers(statement: Statement) -> bool:
    element = statement.principal_element
    if element is None or not statement.allows or not (element.everyone or element.negated):
        return False
    told = Told(NOTHING, _ORGANISATION, ("o-0000000000",))
    return not any(one.key == _ORGANISATION and one.truth(told, NO_WHERE) is FALSE for one in statement.conditions)


def _opened(assembler: Assembler, resource: Resource, anybody: Caller, unsigned: Caller) -> OpenTo | None:
    found: list[tuple[str, Decision]] = []
    inside = start_inside(resource.arn, resource.type)
    for arn in (resource.arn, inside + FILLER) if inside else (resource.arn,):
        for action in catalogue().actions_for_resource(arn):
            decision = assembler.decide(anybody, action, arn)
            rank = _RANKS.get(decision.verdict, 2)
            if rank < 2 and rank < _RANKS.get(assembler.decide(unsigned, action, arn).verdict, 2):
                found.append((action, decision))
    if not found:
        return None
    verdict = min((decision.verdict for _, decision in found), key=_RANKS.__getitem__)
    some = {action: decision for action, decision in found if decision.verdict is verdict}
    first = next(iter(some.values()))
    keys = (
        ()
        if first.residual is None
        else tuple(sorted({leaf.key for leaf in leaves(first.residual) if isinstance(leaf, KeyLeaf)}))
    )
    because = next((one for one in first.because if one.effect == "Allow"), first.because[0])
    return OpenTo(resource, verdict, tuple(some), keys, because)
