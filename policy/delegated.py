"""What AWS lets an organisation's administrators do in other accounts, whose own policies say nothing of it (L4)."""

from __future__ import annotations

import json

from model.inventory import Inventory
from policy.context import Target
from policy.document import parse_document
from policy.inputs import PolicyRef
from policy.request import WITHOUT_IDENTITY, Principal

_ROOT = "sts:assumeroot"
#: A leaf's name: whether an account is a delegated administrator, or what it may do as one.
DELEGATED = "organizations:delegated-administrator"


def instance_of(arn: list[str]) -> str:
    """The Identity Center instance that an ARN (in six parts) is or lies in, empty for none: it names no account.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsiamidentitycenter.html
    """
    kind, *names = arn[5].split("/") if len(arn) == 6 and arn[2] == "sso" and not arn[4] else [""]
    return names[0] if names and kind in ("instance", "permissionSet") else ""


class Delegated:
    """Administration across the accounts of one organisation."""

    def __init__(self, inventory: Inventory) -> None:
        self._accounts = inventory.accounts
        organization = inventory.organization
        #: Empty where nobody knows it, or the account is in no organisation.
        self._management = organization.management_account if organization is not None else ""
        self._alone = organization is None and inventory.data.alone
        delegates = organization.delegates if organization is not None else None
        self._known = delegates is not None
        self._delegates = frozenset(delegates or ())
        self._centers = {one.instance.rpartition("/")[2]: one.owner for one in inventory.data.centers if one.owner}

    def owner(self, arn: list[str]) -> str:
        """The account that owns what an ARN (in six parts) of Identity Center names, empty where it is not known."""
        return self._centers.get(instance_of(arn), "")

    def concern(self, target: Target) -> bool:
        """Whether a resource is one that other accounts may administer."""
        return self._is_members_root(target) or self._is_organizations_center(target)

    def of(self, target: Target, caller: Principal, action: str) -> tuple[PolicyRef, ...]:
        """As policies of the resource: what a caller of another account is let in by, without document where that is
        not known.

        "You must use credentials from an AWS Organizations management account or a delegated administrator account for
        IAM to call AssumeRoot": https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoot.html
        A delegated administrator does in Identity Center most, not all, of what the management account does:
        https://docs.aws.amazon.com/singlesignon/latest/userguide/delegated-admin.html
        """
        account = caller.account
        if account is None or account == target.account or caller.kind in WITHOUT_IDENTITY:
            return ()
        if account not in self._accounts:
            return ()
        if action == _ROOT:
            if not self._is_members_root(target):
                return ()
            if account == self._management or (account, "iam.amazonaws.com") in self._delegates:
                return (_root_access(account, target.partition),)
            return self._unknown(account)
        if not action.startswith("sso:") or not self._is_organizations_center(target):
            return ()
        if (account, "sso.amazonaws.com") in self._delegates:
            return (PolicyRef(DELEGATED, None),)
        return self._unknown(account)

    def _unknown(self, account: str) -> tuple[PolicyRef, ...]:
        told = self._known and (account, "") not in self._delegates
        return () if told and self._management else (PolicyRef(DELEGATED, None),)

    def _is_members_root(self, target: Target) -> bool:
        if self._alone or not target.arn.endswith(":root") or target.service != "iam":
            return False
        return target.account in self._accounts and target.account != self._management

    def _is_organizations_center(self, target: Target) -> bool:
        """Instances of the organisation are the management account's; a member's own has no other administrators."""
        if self._alone or target.service != "sso" or not self.owner(target.arn.split(":", 5)):
            return False
        return self._management in ("", target.account)


def _root_access(account: str, partition: str) -> PolicyRef:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{partition}:iam::{account}:root"},
        "Action": "sts:AssumeRoot",
        "Resource": "*",
    }
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return PolicyRef("organizations:root-access", parse_document(text))
