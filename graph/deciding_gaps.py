"""Gaps in what was collected that could change an answer about access."""

from __future__ import annotations

from collections.abc import Iterable

from model.entities import Gap
from policy.shares import shareable

#: Calls whose answers no decision reads: a gap in them changes no answer about access.
_NOT_DECIDING = frozenset(
    {
        "DescribeVpcEndpoints",  # only where the asker names one, and then the answer says so
        "GenerateCredentialReport",
        "GetAccessKeyLastUsed",
        "GetAccountSummary",
        "GetCredentialReport",
        "GetLoginProfile",
        "ListAccessKeys",
        "ListAccountAliases",
        "ListAWSServiceAccessForOrganization",
        "ListDelegatedAdministrators",  # only about Identity Center and other accounts' root users, as answers say
        "ListDelegatedServicesForAccount",  # likewise
        "ListPolicyTags",
    }
)

#: Services whose answers tell of principals, who may be about any resource.
_OF_PRINCIPALS = ("iam", "organizations", "sso-admin", "identitystore", "account-access")


def deciding(gaps: Iterable[Gap]) -> list[Gap]:
    """Gaps in what decisions read."""
    return [gap for gap in gaps if gap.operation not in _NOT_DECIDING]


def matters(gap: Gap, arns: set[str], account: str, service: str, *, collected: bool) -> bool:
    """Whether what the gap would have told can change the answer about these ARNs."""
    if gap.affects in arns:
        return True
    if gap.service == "ram":
        return gap.account == account and any(map(shareable, arns))
    if gap.affects.startswith("arn:"):
        # Another resource's own policy says nothing here; a principal's policies and a role's trust may.
        return gap.service in _OF_PRINCIPALS
    if gap.service in (*_OF_PRINCIPALS, "sts"):
        return True
    if gap.service in (service, "s3control" if service == "s3" else service):
        return not collected or gap.account == account
    return gap.affects == f"account:{gap.account}"
