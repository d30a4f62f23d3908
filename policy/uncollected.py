"""What may be there although nobody collected it, and in which accounts."""

from __future__ import annotations

from functools import cached_property

from model.inventory import Inventory
from policy.buckets import is_access_point
from policy.context import Target
from policy.targets import MANDATORY

#: Services whose ARNs name no account, since all that they name is of the account that asks
#: (https://docs.aws.amazon.com/apigateway/latest/developerguide/arn-format-reference.html,
#: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonroute53.html, "Resource types").
_OWN_ALONE = frozenset({"apigateway", "route53"})


def may_be_anybodys(parts: list[str]) -> bool:
    """Whether an ARN in six parts that nobody collected leaves open whose thing it is, or what is behind it.

    Buckets, and access points, whose bucket may be in any account. ARNs without account are of things that AWS or
    others may have beside the account that asks: images and snapshots, documents and parameters of Systems Manager,
    models of Bedrock (https://docs.aws.amazon.com/service-authorization/latest/reference/
    reference_policies_actions-resources-contextkeys.html, "Resource types" of each service).
    """
    if parts[2] == "s3":
        return not parts[4] or is_access_point(":".join(parts))
    return not parts[4] and parts[2] not in _OWN_ALONE


class Uncollected:
    """What an inventory tells of things that it does not hold."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    @cached_property
    def buckets_in(self) -> frozenset[str]:
        """The accounts where a bucket may exist that was not listed: its ARN does not say in which account it is."""
        accounts = self._inventory.data.accounts
        left_out = {account.id for account in accounts if account.status == "ACTIVE" and not account.collected}
        return frozenset(left_out | {account for account, _, kind in self._unread if kind == "s3:bucket"})

    @cached_property
    def _points_in(self) -> frozenset[str]:
        """The accounts where an access point may exist that was not listed: each region lists its own."""
        if self._regions:
            return frozenset(self._inventory.accounts)
        return frozenset(account for account, _ in self._inventory.data.unread_points)

    def may_be_in(self, account: str, arn: str) -> bool:
        """Whether a bucket, or what an alias of an access point names, may be in an account without our knowing."""
        if account not in self._inventory.accounts:
            return True
        return account in (self._points_in if is_access_point(arn) else self.buckets_in)

    def may_have_policy(self, target: Target, type_name: str) -> bool:
        """Whether an ARN of an account of the organisation may have a policy of its own without our knowing."""
        account = self._inventory.accounts[target.account]
        unread = (
            type_name in MANDATORY
            or not account.collected
            or (target.account, target.region or "", type_name) in self._unread
            or (target.account, "", type_name) in self._unread
            or (bool(target.region) and bool(self._regions) and target.region not in self._regions)
        )
        return unread and bool(type_name)

    @cached_property
    def _regions(self) -> frozenset[str]:
        return frozenset(self._inventory.data.regions)

    @cached_property
    def _unread(self) -> frozenset[tuple[str, str, str]]:
        return frozenset(self._inventory.data.unread_lists)
