"""Shares of AWS RAM and VPC endpoints, collected over HTTP from an emulator that has no permissions of shares."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from collectors.demo import EmulatedAws
from collectors.run import CollectOptions, collect
from model.inventory import Inventory
from model.loading import load_inventory
from model.snapshot import open_snapshot
from policy.assemble import Assembler
from policy.verdicts import Verdict
from tests.collectors.conftest import use_keys

REGION = "us-east-1"
SHARED = "222222222222"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}],
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Inventory, list[Any], str]]:
    """(inventory, records, endpoint id) of an account with one share and one endpoint."""
    import boto3

    with EmulatedAws() as aws, pytest.MonkeyPatch.context() as patch:
        use_keys(patch)

        session: Any = boto3.Session()

        def client(service: str) -> Any:
            return session.client(service, endpoint_url=aws.endpoint_url, region_name=REGION)

        own = client("sts").get_caller_identity()["Account"]
        vpc = client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        endpoint = client("ec2").create_vpc_endpoint(
            VpcId=vpc, ServiceName=f"com.amazonaws.{REGION}.s3", PolicyDocument=json.dumps(POLICY)
        )["VpcEndpoint"]
        client("ram").create_resource_share(
            name="nets", principals=[SHARED], resourceArns=[f"arn:aws:ec2:{REGION}:{own}:subnet/subnet-1"]
        )
        home = tmp_path_factory.mktemp("home")
        collect(CollectOptions(endpoint_url=aws.endpoint_url, regions=(REGION, "eu-west-1")), home)
    snapshot = open_snapshot(home)
    yield load_inventory(snapshot), list(snapshot.records()), endpoint["VpcEndpointId"]


def test_a_share_is_read_with_its_principals_and_resources(made: tuple[Inventory, list[Any], str]) -> None:
    inventory, records, _ = made
    (share,) = inventory.data.shares
    assert (share.name, share.region, share.principals) == ("nets", REGION, (SHARED,))
    assert share.resources == (f"arn:aws:ec2:{REGION}:{share.account}:subnet/subnet-1",)
    assert inventory.data.unread_shares == ()
    # Where there is no share, nothing more is asked.
    assert [each.operation for each in records if each.service == "ram" and each.region == "eu-west-1"] == [
        "GetResourceShares"
    ]


def test_permissions_that_the_endpoint_does_not_offer_are_not_known(made: tuple[Inventory, list[Any], str]) -> None:
    inventory, records, _ = made
    (asked,) = [each for each in records if each.operation == "ListResourceSharePermissions"]
    assert asked.outcome == "unsupported"
    (share,) = inventory.data.shares
    assert share.permissions is None
    assembler = Assembler(inventory)
    verdicts = [
        assembler.decide(
            assembler.caller(assembler.principal(account)), "ec2:CreateSecurityGroup", (share.resources or ("",))[0]
        ).verdict
        for account in (SHARED, "333333333333")
    ]
    assert verdicts == [Verdict.CONDITIONAL, Verdict.IMPLICITLY_DENIED]


def test_an_endpoint_is_read_with_its_policy(made: tuple[Inventory, list[Any], str]) -> None:
    inventory, _, id = made
    endpoint = inventory.endpoints[id]
    assert (endpoint.region, json.loads(endpoint.policy)) == (REGION, POLICY)
    assert endpoint.vpc.startswith("vpc-")


def test_what_was_collected_is_stored_and_read_again(made: tuple[Inventory, list[Any], str]) -> None:

    inventory, _, _ = made
    again = Inventory.decode(inventory.encode())
    assert again.data.shares == inventory.data.shares
    assert again.data.endpoints == inventory.data.endpoints
