"""KMS grants (semantics L7): what they allow in addition to the key policy.

https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
"""

from __future__ import annotations

from policy.conditions import condition_of
from policy.expression import FALSE, DocumentLeaf, Residual, Where, conjunction, disjunction
from policy.inputs import Grant, Settings
from policy.layers import ResourceSide
from policy.principals import PrincipalElement, compile_principals
from policy.request import Request


def grants_side(request: Request, action: str, settings: Settings) -> ResourceSide:
    """How the key's grants reach the principal for an action in lower case."""
    if settings.kms_grants is None:
        return ResourceSide(DocumentLeaf(settings.grants_document), FALSE, FALSE)
    operation = action.partition(":")[2]
    sides = [_side(grant, request) for grant in settings.kms_grants if operation in _lowered(grant)]
    return ResourceSide(disjunction(side.direct for side in sides), disjunction(side.role for side in sides), FALSE)


def _lowered(grant: Grant) -> set[str]:
    return {operation.lower() for operation in grant.operations}


def _side(grant: Grant, request: Request) -> ResourceSide:
    where = Where("resource", grant.id, None, None)
    kind = "Service" if ".amazonaws." in grant.grantee and not grant.grantee.startswith("arn:") else "AWS"
    element: PrincipalElement = compile_principals({kind: grant.grantee}, negated=False)
    grasp = element.reach(request.principal, where)
    held = conjunction(_constraints(grant, request, where))
    return ResourceSide(conjunction((grasp.direct, held)), conjunction((grasp.role, held)), FALSE)


def _constraints(grant: Grant, request: Request, where: Where) -> list[Residual]:
    """A grant's constraints as conditions on the encryption context of the call."""
    pairs = (*grant.encryption_context_equals, *grant.encryption_context_subset)
    held = [
        condition_of("StringEquals", f"kms:EncryptionContext:{name}", (value,)).truth(request.context, where)
        for name, value in pairs
    ]
    if grant.encryption_context_equals:
        names = tuple(name for name, _ in grant.encryption_context_equals)
        keys = condition_of("ForAllValues:StringEquals", "kms:EncryptionContextKeys", names)
        held.append(keys.truth(request.context, where))
    return held
