"""Account access manager (2026): roles that exist, given to users and groups of Identity Center."""

from __future__ import annotations

from typing import Literal

from model.entities import Entity


class AccessApplication(Entity, frozen=True, kw_only=True):
    """Account access manager of an Identity Center instance, which holds its entitlements.

    ``status`` is AWS's (``ACTIVE``, ``DELETE_IN_PROGRESS`` …), empty: not known.
    https://docs.aws.amazon.com/account-access/latest/APIReference/API_GetApplication.html
    """

    arn: str
    instance: str = ""
    status: str = ""

    @property
    def account(self) -> str:
        return self.arn.split(":", 5)[4]


class RoleEntitlement(Entity, frozen=True, kw_only=True):
    """An entitlement of account access manager: a user or group of Identity Center may become an existing role.

    AWS calls it an assignment too: "a single assignment is a triplet consisting of the user or group ID, the account
    ID, and the IAM role ARN". The role's own trust decides whether it works (semantics L6).
    https://docs.aws.amazon.com/IAM/latest/UserGuide/aam-assign-remove-access.html
    """

    id: str
    application: str
    principal_type: Literal["USER", "GROUP"]
    principal_id: str
    role: str

    @property
    def account(self) -> str:
        """The account of the role."""
        return self.role.split(":", 5)[4]
