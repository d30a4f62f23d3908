"""KMS grants (semantics L7): what they allow in addition to the key policy.

https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from policy.conditions import condition_of
from policy.expression import FALSE, DocumentLeaf, Residual, Where, conjunction, disjunction
from policy.inputs import Grant, Settings
from policy.layers import ResourceSide
from policy.principals import PrincipalElement, compile_principals
from policy.request import Request

#: The operations that a grant can give (GrantOperation of the KMS API, which has no others).
#: https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
GRANTABLE = frozenset(
    "createGrant decapsulate decrypt deriveSharedSecret describeKey encapsulate encrypt generateDataKey "
    "generateDataKeyPair generateDataKeyPairWithoutPlaintext generateDataKeyWithoutPlaintext generateMac getPublicKey "
    "reEncryptFrom reEncryptTo retireGrant sign verify verifyMac".lower().split()
)


#: Those of them that carry an encryption context, on symmetric keys: constraints on it are about no others. A grant
#: that is made under such a constraint has one as strict, which whoever makes it can see to.
#: https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantConstraints.html
_WITH_CONTEXT = frozenset(
    "decrypt encrypt generateDataKey generateDataKeyPair generateDataKeyPairWithoutPlaintext "
    "generateDataKeyWithoutPlaintext reEncryptFrom reEncryptTo".lower().split()
)


def grants_side(request: Request, action: str, settings: Settings) -> ResourceSide:
    """How the key's grants reach the principal for an action in lower case."""
    if settings.kms_grants is None:
        if action.partition(":")[2] not in GRANTABLE or request.principal.kind == "anonymous":
            return ResourceSide(FALSE, FALSE, FALSE)
        return ResourceSide(DocumentLeaf(settings.grants_document), FALSE, FALSE)
    operation = action.partition(":")[2]
    sides = [_side(grant, operation, request) for grant in settings.kms_grants if operation in _lowered(grant)]
    return ResourceSide(
        disjunction(side.direct for side in sides),
        disjunction(side.role for side in sides),
        disjunction(side.account for side in sides),
    )


def _lowered(grant: Grant) -> set[str]:
    return {operation.lower() for operation in grant.operations}


def _side(grant: Grant, operation: str, request: Request) -> ResourceSide:
    where = Where("resource", grant.id, None, None)
    grasp = _element(grant.grantee).reach(request.principal, "resource", grant.id, _NO_STATEMENT)
    held = conjunction(_constraints(grant, operation, request, where))
    # A grant to an account lets its own policies give the operations, as a key policy does (L5).
    return ResourceSide(*(conjunction((way, held)) for way in grasp))


@lru_cache(maxsize=65536)
def _element(grantee: str) -> PrincipalElement:
    kind = "Service" if ".amazonaws." in grantee and not grantee.startswith("arn:") else "AWS"
    return compile_principals({kind: grantee}, negated=False)


@dataclass(frozen=True, slots=True)
class _NoStatement:
    """A grant is no statement of a policy."""

    sid: str | None = None
    index: int | None = None
    allows: bool = True


_NO_STATEMENT = _NoStatement()


def _constraints(grant: Grant, operation: str, request: Request, where: Where) -> list[Residual]:
    """A grant's constraints as conditions on the call: on its encryption context, of which names are compared in any
    case here, and on what it is made on behalf of, which is not asked of RetireGrant."""
    held: list[Residual] = []
    if grant.source_arn and operation != "retiregrant":
        held.append(condition_of("ArnEquals", "aws:SourceArn", (grant.source_arn,)).truth(request.context, where))
    if operation not in _WITH_CONTEXT:
        return held
    for name, value in (*grant.encryption_context_equals, *grant.encryption_context_subset):
        context = condition_of("StringEquals", f"kms:EncryptionContext:{name}", (value,))
        held.append(context.truth(request.context, where))
    if grant.encryption_context_equals:
        names = tuple(name for name, _ in grant.encryption_context_equals)
        keys = condition_of("ForAllValues:StringEqualsIgnoreCase", "kms:EncryptionContextKeys", names)
        held.append(keys.truth(request.context, where))
    return held
