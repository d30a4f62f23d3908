"""What could give access beside policies, said with a denial: what was not read, and grants across accounts."""

from __future__ import annotations

from collections.abc import Sequence

from policy.grants import GRANTABLE
from policy.inputs import Settings
from policy.request import WITHOUT_IDENTITY, Request
from policy.s3 import object_acl_may_allow
from policy.verdicts import Because


def not_asked_for(request: Request, settings: Settings, because: Sequence[Because]) -> list[str]:
    """Sentences about a request that is denied ``because`` of this, as far as was read; it is but for these (L7).

    Objects' ACLs are not asked for; the grants of a key may not have been read, and were they to be thought of as open,
    everybody in the organisation would have access to the key.
    """
    sentences = []
    if object_acl_may_allow(request, settings):
        sentences.append("An access control list of the object's own may allow it: those are not read.")
    # A guardrail, a boundary or a fixed rule that stops it stops what a grant gives, too.
    lacking = all(reason.layer in ("identity", "resource") for reason in because)
    if settings.kms_grants is None and lacking and _may_be_granted(request):
        sentences.append("A KMS grant on the key that names this caller may allow it: its grants were not read.")
    return sentences


def both_sides(what: str, request: Request) -> str:
    """A sentence about a request on what is in another account (L4)."""
    grant = ", or a grant on the key must name the caller" if _may_be_granted(request) else ""
    return f"The {what} is in another account: both the caller's policies and the {what}'s own must allow it{grant}."


def _may_be_granted(request: Request) -> bool:
    """Whether a grant could give the action, which a caller of another account needs no policy for."""
    service, _, operation = request.action.lower().partition(":")
    principal = request.principal
    foreign = principal.kind not in WITHOUT_IDENTITY and principal.account != request.resource_account
    return foreign and service == "kms" and operation in GRANTABLE
