"""Identity Center: permission sets, who is assigned which in which account, and the people and groups behind.

With it goes account access manager, which gives existing roles to these people and groups.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from collectors.calls import Question, Unit
from collectors.declarations import Operation
from collectors.organization import entries
from collectors.registry import (
    DESCRIBE_ABAC,
    DESCRIBE_SET,
    GET_APPLICATION,
    LIST_APPLICATIONS,
    LIST_ASSIGNMENTS,
    LIST_ENTITLEMENTS,
    LIST_GROUPS,
    LIST_INSTANCES,
    LIST_MEMBERSHIPS,
    LIST_SETS,
    LIST_USERS,
    SET_ACCOUNTS,
    SET_BOUNDARY,
    SET_CUSTOMER,
    SET_INLINE,
    SET_MANAGED,
    SET_TAGS,
)
from collectors.session import ALWAYS_ON

_OF_A_SET: tuple[Operation, ...] = (DESCRIBE_SET, SET_INLINE, SET_MANAGED, SET_CUSTOMER, SET_BOUNDARY)

# At the rate that AWS bears, half a minute of calls.
_PAIRS_ASKED_OUTRIGHT = 500


def collect(unit: Unit, regions: Sequence[str], accounts: Sequence[str]) -> None:
    """``regions``: all that the account has, since the instance lives in one of them, whatever was chosen to be read.

    ``accounts``: all of the organisation, whatever their status: an assignment outlives a suspension.
    """
    found = unit.ask_each(
        Question(LIST_INSTANCES, region=region)
        for region in regions
        if not unit.asking.sessions.lacks(LIST_INSTANCES.service, region)
    )
    instances: dict[str, tuple[dict[str, Any], str]] = {}
    for record in found:
        for instance in entries([record], "Instances"):
            # A replicated instance is answered in several regions; its first one knows everything.
            home = instance.get("PrimaryRegion") or record.region
            instances.setdefault(instance["InstanceArn"], (instance, home))
    for instance, region in instances.values():
        _permission_sets(unit, instance["InstanceArn"], region, accounts)
        _directory(unit, instance["IdentityStoreId"], region)
    _account_access(unit, sorted({region for _, region in instances.values()}))


def _account_access(unit: Unit, regions: Sequence[str]) -> None:
    """Applications and entitlements of account access manager, which lives in the region of its Identity Center.

    "You must do this in the same AWS account and Region as your IAM Identity Center instance"; "Opt-in Commercial
    Regions, GovCloud (US), China, and other non-commercial Regions are not supported". botocore's list of regions does
    not know the service. https://docs.aws.amazon.com/IAM/latest/UserGuide/account-access-manager-getting-started.html
    """
    offering = [region for region in regions if unit.partition == "aws" and region in ALWAYS_ON]
    listed = unit.ask_each(Question(LIST_APPLICATIONS, region=region) for region in offering)
    found = [(each["applicationArn"], record.region) for record in listed for each in entries([record], "applications")]
    unit.ask_each(Question(GET_APPLICATION, {"applicationArn": arn}, arn, region) for arn, region in found)
    # The filter must be there; an empty one leaves nothing out.
    unit.ask_each(
        Question(LIST_ENTITLEMENTS, {"applicationArn": arn, "filter": {}}, arn, region) for arn, region in found
    )


def _permission_sets(unit: Unit, instance: str, region: str, accounts: Sequence[str]) -> None:
    listed = unit.ask(LIST_SETS, affects=instance, region=region, InstanceArn=instance)
    unit.ask(DESCRIBE_ABAC, affects=instance, region=region, InstanceArn=instance)
    sets = list(entries([listed], "PermissionSets"))
    unit.ask_each(
        Question(operation, {"InstanceArn": instance, "PermissionSetArn": each}, each, region)
        for each in sets
        for operation in _OF_A_SET
    )
    unit.ask_each(Question(SET_TAGS, {"InstanceArn": instance, "ResourceArn": each}, each, region) for each in sets)
    unit.ask_each(
        Question(
            LIST_ASSIGNMENTS,
            {"InstanceArn": instance, "PermissionSetArn": each, "AccountId": account},
            each,
            region,
        )
        for each, account in _pairs(unit, instance, region, sets, accounts)
    )


def _pairs(
    unit: Unit, instance: str, region: str, sets: Sequence[str], accounts: Sequence[str]
) -> Iterable[tuple[str, str]]:
    """The (permission set, account) pairs to ask for assignments.

    A small product is asked outright: that is complete whatever the state of provisioning, which may be under way. A
    large one is mostly empty pairs, so each set is asked first where it is provisioned (AWS provisions a set before an
    assignment of it works); a set that does not tell is asked in all accounts.
    """
    if len(sets) * len(accounts) <= _PAIRS_ASKED_OUTRIGHT:
        return [(each, account) for each in sets for account in accounts]
    provisioned = unit.ask_each(
        Question(SET_ACCOUNTS, {"InstanceArn": instance, "PermissionSetArn": each}, each, region) for each in sets
    )
    return [
        (each, account)
        for each, record in zip(sets, provisioned, strict=True)
        for account in (sorted(set(entries([record], "AccountIds"))) if record.answered else accounts)
    ]


def _directory(unit: Unit, store: str, region: str) -> None:
    unit.ask(LIST_USERS, region=region, IdentityStoreId=store)
    groups = unit.ask(LIST_GROUPS, region=region, IdentityStoreId=store)
    unit.ask_each(
        Question(
            LIST_MEMBERSHIPS,
            {"IdentityStoreId": store, "GroupId": group["GroupId"]},
            f"identitystore:group/{group['GroupId']}",
            region,
        )
        for group in entries([groups], "Groups")
    )
