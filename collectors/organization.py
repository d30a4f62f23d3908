"""The organisation: its tree, its accounts, the policies that bound them, who administers what for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from collectors.calls import Question, Unit
from collectors.registry import (
    DESCRIBE_ORGANIZATION,
    DESCRIBE_POLICY,
    EFFECTIVE_POLICY,
    LIST_ACCOUNT_TAGS,
    LIST_ACCOUNTS,
    LIST_CHILD_ACCOUNTS,
    LIST_DELEGATED,
    LIST_DELEGATED_SERVICES,
    LIST_POLICIES,
    LIST_ROOTS,
    LIST_SERVICE_ACCESS,
    LIST_TARGETS,
    LIST_UNITS,
)
from model.snapshot import CallRecord

S3_POLICY = "S3_POLICY"
POLICY_TYPES = ("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY")


def collect(unit: Unit) -> None:
    """Everything, unless there is no organisation or the caller may not see it: then the account stands alone."""
    described = unit.ask(DESCRIBE_ORGANIZATION)
    if described.outcome == "empty":
        return
    accounts = unit.ask(LIST_ACCOUNTS)
    if accounts.outcome == "denied":
        # A member account sees its organisation and nothing of it: one gap says so, twenty say no more.
        return
    roots = unit.ask(LIST_ROOTS)
    _tree(unit, roots)
    unit.ask_each(
        Question(LIST_ACCOUNT_TAGS, {"ResourceId": account["Id"]}, account.get("Arn", ""))
        for account in entries([accounts], "Accounts")
    )
    policies = unit.ask_each(
        Question(LIST_POLICIES, {"Filter": kind}, f"organizations:{kind.lower()}") for kind in POLICY_TYPES
    )
    unit.ask_each(
        Question(operation, {"PolicyId": policy["Id"]}, policy.get("Arn", ""))
        for policy in entries(policies, "Policies")
        for operation in (DESCRIBE_POLICY, LIST_TARGETS)
    )
    if _enabled(roots, S3_POLICY):
        unit.ask_each(
            Question(EFFECTIVE_POLICY, {"PolicyType": S3_POLICY, "TargetId": account["Id"]}, account.get("Arn", ""))
            for account in entries([accounts], "Accounts")
        )
    delegated = unit.ask(LIST_DELEGATED)
    unit.ask_each(
        Question(LIST_DELEGATED_SERVICES, {"AccountId": account["Id"]}, account.get("Arn", ""))
        for account in entries([delegated], "DelegatedAdministrators")
    )
    unit.ask(LIST_SERVICE_ACCESS)


def _enabled(roots: CallRecord, kind: str) -> bool:
    """Whether a policy type is on; where the roots were not answered, nobody knows, and asking would not help."""
    return any(
        each.get("Type") == kind and each.get("Status") == "ENABLED"
        for root in entries([roots], "Roots")
        for each in root.get("PolicyTypes") or ()
    )


def _tree(unit: Unit, roots: CallRecord) -> None:
    """Units and accounts level by level."""
    parents = list(entries([roots], "Roots"))
    while parents:
        level = unit.ask_each(
            Question(operation, {"ParentId": parent["Id"]}, parent.get("Arn", ""))
            for parent in parents
            for operation in (LIST_UNITS, LIST_CHILD_ACCOUNTS)
        )
        parents = list(entries(level, "OrganizationalUnits"))


def account_status(account: dict[str, Any]) -> str:
    """``State`` where AWS sends it (it replaces ``Status``), else ``Status``."""
    return str(account.get("State") or account.get("Status") or "ACTIVE")


def entries(records: Iterable[CallRecord], key: str) -> Iterator[Any]:
    """The entries of a list over all pages of all records."""
    for record in records:
        for page in record.response:
            yield from page.get(key) or ()
