"""IAM of one account: one call for who holds what, and one a user for what that call does not tell."""

from __future__ import annotations

import time

from collectors.calls import Question, Unit
from collectors.organization import entries
from collectors.registry import (
    ACCOUNT_SUMMARY,
    AUTHORIZATION_DETAILS,
    GENERATE_REPORT,
    GET_LOGIN_PROFILE,
    GET_OIDC,
    GET_REPORT,
    KEY_LAST_USED,
    LIST_ALIASES,
    LIST_INSTANCE_PROFILES,
    LIST_KEYS,
    LIST_MFA,
    LIST_OIDC,
    LIST_POLICY_TAGS,
    LIST_SAML,
    LIST_VIRTUAL_MFA,
)
from model.snapshot import CallRecord

_REPORT_SECONDS = 60.0


def collect(unit: Unit) -> None:
    generated = _generate(unit)
    details, *_ = unit.ask_each(
        [
            Question(AUTHORIZATION_DETAILS),
            Question(LIST_ALIASES),
            Question(ACCOUNT_SUMMARY),
            Question(LIST_VIRTUAL_MFA, {"AssignmentStatus": "Assigned"}),
            Question(LIST_SAML),
            Question(LIST_INSTANCE_PROFILES),
        ]
    )
    providers = unit.ask(LIST_OIDC)
    unit.ask_each(
        Question(GET_OIDC, {"OpenIDConnectProviderArn": provider["Arn"]}, provider["Arn"])
        for provider in entries([providers], "OpenIDConnectProviderList")
    )
    _users(unit, details)
    unit.ask_each(
        Question(LIST_POLICY_TAGS, {"PolicyArn": policy["Arn"]}, policy["Arn"])
        for policy in entries([details], "Policies")
        # Policies of AWS have no tags of the account's.
        if policy["Arn"].split(":", 5)[4] != "aws"
    )
    unit.records.append(_settle(unit, generated))
    unit.ask(GET_REPORT)


def _users(unit: Unit, details: CallRecord) -> None:
    users = {user["UserName"]: user["Arn"] for user in entries([details], "UserDetailList")}
    answers = unit.ask_each(
        Question(operation, {"UserName": name}, arn)
        for name, arn in users.items()
        for operation in (LIST_KEYS, LIST_MFA, GET_LOGIN_PROFILE)
    )
    keys = [record for record in answers if record.operation == LIST_KEYS.name]
    unit.ask_each(
        Question(KEY_LAST_USED, {"AccessKeyId": key["AccessKeyId"]}, record.affects)
        for record in keys
        for key in entries([record], "AccessKeyMetadata")
    )


def _generate(unit: Unit) -> CallRecord:
    """Begin the credential report early: AWS takes seconds to make it."""
    record = unit.ask(GENERATE_REPORT)
    unit.records.remove(record)
    return record


def _settle(unit: Unit, record: CallRecord) -> CallRecord:
    """Ask until the report is made; returns the last answer only, which stands for all of them."""
    deadline = time.monotonic() + _REPORT_SECONDS
    pause = 0.05
    while record.outcome == "ok" and record.response[0].get("State") != "COMPLETE" and time.monotonic() < deadline:
        unit.asking.stop.wait(pause)
        pause = min(pause * 2, 2.0)
        record = _generate(unit)
    return record
