"""What may be there although nobody collected it, and in which accounts."""

from __future__ import annotations

from functools import cached_property

from model.inventory import Inventory
from policy.context import Target
from policy.targets import MANDATORY

#: Services with ARNs that do not name the account, of things that other accounts may have: buckets; images and
#: snapshots (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html, "Resource types").
WHOEVER_OWNS = frozenset({"ec2", "s3"})


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
