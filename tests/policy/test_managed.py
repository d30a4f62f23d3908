"""All AWS managed policies that the emulator ships: each parses, compiles, is written again and decides alike."""

from __future__ import annotations

import json
from typing import Any

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

from policy.actions import catalogue
from policy.document import Document, parse_document
from policy.review import review
from policy.review_actions import RETIRED_SERVICES

#: As many as the emulator's newest release has; an older one has fewer.
COUNT = 1_582


@pytest.fixture(scope="module")
def policies() -> dict[str, Any]:
    return {name: item["Document"] for name, item in json.loads(aws_managed_policies_data).items()}


@pytest.fixture(scope="module")
def documents(policies: dict[str, Any]) -> dict[str, Document]:
    return {name: parse_document(raw, source=name) for name, raw in policies.items()}


def normal(value: Any) -> Any:
    """A policy in one form: one statement as a list, one text as itself, numbers and booleans as text."""
    if isinstance(value, dict):
        return {
            key: [normal(item) for item in ([inner] if isinstance(inner, dict) else inner)]
            if key == "Statement"
            else normal(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return normal(value[0]) if len(value) == 1 else [normal(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def test_every_policy_parses_and_is_written_again(policies: dict[str, Any], documents: dict[str, Document]) -> None:
    assert len(documents) >= COUNT
    for name, document in documents.items():
        written = document.to_json()
        assert written == normal(policies[name]), name
        again = parse_document(json.dumps(written), source=name)
        assert again.to_json() == written
        assert again is parse_document(written)


def test_what_is_written_again_matches_the_same_actions(documents: dict[str, Document]) -> None:
    asked = ["s3:getobject", "iam:passrole", "ec2:runinstances", "sts:assumerole", "iotevents:listinputs", "x:y"]
    for document in documents.values():
        again = parse_document(document.to_json())
        for one, other in zip(document.statements, again.statements, strict=True):
            assert (one.sid, one.effect, one.actions, one.not_actions) == (
                other.sid,
                other.effect,
                other.actions,
                other.not_actions,
            )
            assert one.resource_patterns.texts == other.resource_patterns.texts
            for action in asked:
                assert bool(one.acts is None or one.acts(action)) is bool(other.acts is None or other.acts(action))
            assert [(c.operator_text, c.key_text, c.values, c.parts) for c in one.conditions] == [
                (c.operator_text, c.key_text, c.values, c.parts) for c in other.conditions
            ]


def test_actions_that_match_nothing_are_reported_and_none_is_dropped(documents: dict[str, Document]) -> None:
    patterns: set[str] = set()
    for document in documents.values():
        for statement in document.statements:
            patterns.update(statement.actions or statement.not_actions or ())
    lost = {pattern for pattern in patterns if pattern.strip("*:") and not catalogue().expand(pattern)}
    assert len(patterns) > 16_000
    assert 0 < len(lost) < len(patterns) // 50
    statements = {
        (name, statement.index)
        for name, document in documents.items()
        for statement in document.statements
        if lost.intersection(statement.actions or statement.not_actions or ())
    }
    reported = {
        (name, item.statement.index)
        for name, document in documents.items()
        if any(name == other for other, _ in statements)
        for item in review(document, "identity")
        if item.kind in ("unknown-action", "unknown-service", "retired-service")
    }
    assert reported == statements
    assert {pattern.partition(":")[0] for pattern in lost} >= RETIRED_SERVICES.keys() - {"deepcomposer"}
