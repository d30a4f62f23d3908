"""A step: somebody becomes a role. The words of chains, and by which call each kind of subject takes it."""

from __future__ import annotations

from dataclasses import dataclass

from graph.deciding import Outcome
from graph.subjects import Subject

ASSUME_ROLE = "sts:AssumeRole"
WITH_SAML = "sts:AssumeRoleWithSAML"
WITH_WEB_IDENTITY = "sts:AssumeRoleWithWebIdentity"
#: What a person asks of account access manager, which assumes the role for them (``graph.entitled``).
BY_ENTITLEMENT = "account-access-runtime:GetRoleCredentials"


@dataclass(frozen=True, slots=True)
class Step:
    """``source`` can become ``target`` (a role's session) by ``action``."""

    source: Subject
    target: Subject
    action: str
    outcome: Outcome

    @property
    def certain(self) -> bool:
        """Whether the step counts as Allowed in a chain."""
        return self.outcome.certain


def assume_action(subject: Subject) -> str:
    """The STS call by which this kind of subject becomes a role."""
    if subject.kind == "Person":
        return WITH_SAML
    if subject.kind == "Provider":
        assert subject.caller is not None
        return WITH_SAML if subject.caller.principal.kind == "saml-provider" else WITH_WEB_IDENTITY
    return ASSUME_ROLE


def loses_mfa(subject: Subject) -> bool:
    """Whether the session that this subject assumes can carry no MFA (semantics L14, U3)."""
    if subject.kind in ("Role", "Person", "Service", "Provider"):
        return True
    if subject.caller is None:
        return False
    # A role of a foreign account is a role all the same.
    return subject.caller.mfa is False or subject.caller.principal.kind in ("role", "session")
