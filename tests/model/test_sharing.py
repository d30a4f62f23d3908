"""Shares of AWS RAM and VPC endpoints from raw pages: what is in force, and what was not read."""

from __future__ import annotations

import json
from typing import Any

from model.entities import Account, SharePermission
from model.load_sharing import load_endpoints, load_shares, unread_shares
from model.pages import Pages
from model.snapshot import CallRecord

ONE, TWO = "111111111111", "222222222222"
ARN = f"arn:aws:ram:us-east-1:{ONE}:resource-share/1"
SUBNET = f"arn:aws:ec2:us-east-1:{ONE}:subnet/subnet-1"
TEMPLATE = '{"Effect":"Allow","Action":["ec2:RunInstances"]}'
PERMISSION = "arn:aws:ram::aws:permission/AWSRAMDefaultPermissionSubnet"


def record(
    operation: str, page: dict[str, Any] | None, params: dict[str, Any] | None = None, **more: Any
) -> CallRecord:
    fields: dict[str, Any] = {
        "service": "ram",
        "operation": operation,
        "params": params or {},
        "outcome": "denied" if page is None else "ok",
        "started": "2026-01-02T03:04:05Z",
        "ended": "2026-01-02T03:04:05Z",
        "affects": "ram:resource-share",
        "response": [] if page is None else [page],
        "account": ONE,
        "region": "us-east-1",
        "collector": "ram",
        **more,
    }
    return CallRecord(**fields)


def listed(**more: Any) -> CallRecord:
    share = {"resourceShareArn": ARN, "name": "nets", "status": "ACTIVE", **more}
    return record("GetResourceShares", {"resourceShares": [share]}, {"resourceOwner": "SELF"})


def associated(kind: str, *entities: tuple[str, str]) -> CallRecord:
    found = [{"resourceShareArn": ARN, "associatedEntity": one, "status": status} for one, status in entities]
    return record("GetResourceShareAssociations", {"resourceShareAssociations": found}, {"associationType": kind})


SHARED = [
    associated("PRINCIPAL", (TWO, "ASSOCIATED"), ("333333333333", "ASSOCIATING"), ("444444444444", "DISASSOCIATED")),
    associated("RESOURCE", (SUBNET, "ASSOCIATED"), (SUBNET + "0", "FAILED")),
]
PERMITTED = record(
    "ListResourceSharePermissions",
    {"permissions": [{"arn": PERMISSION, "version": "2", "resourceType": "ec2:Subnet"}]},
    {"resourceShareArn": ARN},
)


def template(version: int, text: str) -> CallRecord:
    page = {"permission": {"arn": PERMISSION, "version": str(version), "permission": text}}
    return record("GetPermission", page, {"permissionArn": PERMISSION, "permissionVersion": version})


def loaded(*records: CallRecord) -> Any:
    (share,) = load_shares(Pages(records))
    return share


def test_a_share_has_who_accepted_it_what_is_in_it_and_what_that_permits() -> None:
    share = loaded(listed(), *SHARED, PERMITTED, template(1, "{}"), template(2, TEMPLATE))
    assert (share.name, share.account, share.region) == ("nets", ONE, "us-east-1")
    assert share.principals == (TWO,)
    assert share.resources == (SUBNET,)
    assert share.permissions == (SharePermission(arn=PERMISSION, type="ec2:Subnet", template=TEMPLATE),)


def test_a_share_that_was_deleted_is_none() -> None:
    assert list(load_shares(Pages([listed(status="DELETED"), *SHARED]))) == []


def test_what_was_not_answered_is_not_known() -> None:
    share = loaded(listed(), record("GetResourceShareAssociations", None, {"associationType": "PRINCIPAL"}))
    assert (share.principals, share.resources, share.permissions) == (None, None, None)
    refused = record("ListResourceSharePermissions", None, {"resourceShareArn": ARN}, outcome="unsupported")
    assert loaded(listed(), *SHARED, refused).permissions is None
    untold = loaded(listed(), *SHARED, PERMITTED, template(1, TEMPLATE))
    assert untold.permissions == (SharePermission(arn=PERMISSION, type="ec2:Subnet", template=None),)
    refused = record("GetPermission", None, {"permissionArn": PERMISSION, "permissionVersion": 2})
    assert loaded(listed(), *SHARED, PERMITTED, refused).permissions[0].template is None


def test_an_account_without_answer_has_unread_shares() -> None:
    accounts = [Account(id=ONE), Account(id=TWO)]
    assert list(unread_shares(Pages([listed()]), accounts)) == [(TWO, "")]
    denied = record("GetResourceShares", None, region="eu-west-1")
    assert list(unread_shares(Pages([listed(), denied]), accounts[:1])) == [(ONE, "eu-west-1")]
    unsupported = record("GetResourceShares", None, outcome="unsupported")
    assert list(unread_shares(Pages([unsupported]), accounts[:1])) == [(ONE, "us-east-1")]


def test_endpoints_carry_their_policy_and_the_ones_without_say_so() -> None:
    policy = {"Version": "2012-10-17", "Statement": []}
    endpoints = [
        {"VpcEndpointId": "vpce-1", "VpcId": "vpc-1", "State": "available", "PolicyDocument": json.dumps(policy)},
        {"VpcEndpointId": "vpce-2", "VpcId": "vpc-1", "State": "Available"},
        {"VpcEndpointId": "vpce-3", "VpcId": "vpc-1", "State": "deleted", "PolicyDocument": "{}"},
    ]
    pages = Pages([record("DescribeVpcEndpoints", {"VpcEndpoints": endpoints}, service="ec2")])
    assert [(one.id, one.vpc, one.policy) for one in load_endpoints(pages)] == [
        ("vpce-1", "vpc-1", json.dumps(policy)),
        ("vpce-2", "vpc-1", ""),
    ]
