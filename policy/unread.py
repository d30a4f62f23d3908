"""What was not read and could give access that an answer, to be of use, does not count on: said beside a denial."""

from __future__ import annotations

from policy.grants import GRANTABLE
from policy.inputs import Settings
from policy.request import WITHOUT_IDENTITY, Request
from policy.s3 import object_acl_may_allow


def not_asked_for(request: Request, settings: Settings) -> list[str]:
    """Sentences about a request that is denied as far as was read (semantics L7): it is denied but for these.

    Objects' ACLs are not asked for; the grants of a key may not have been read, and were they to be thought of as open,
    everybody in the organisation would have access to the key.
    """
    sentences = []
    if object_acl_may_allow(request, settings):
        sentences.append("An access control list of the object's own may allow it: those are not read.")
    if settings.kms_grants is None and _may_be_granted(request):
        sentences.append("A KMS grant on the key that names this caller may allow it: its grants were not read.")
    return sentences


def _may_be_granted(request: Request) -> bool:
    """Whether a grant could give the action, which a caller of another account needs no policy for."""
    service, _, operation = request.action.lower().partition(":")
    principal = request.principal
    foreign = principal.kind not in WITHOUT_IDENTITY and principal.account != request.resource_account
    return foreign and service == "kms" and operation in GRANTABLE
