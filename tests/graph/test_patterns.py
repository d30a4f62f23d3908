"""A grant's patterns say exactly its actions: no fewer, no more."""

from __future__ import annotations

import random

from graph.patterns import minimal
from policy.actions import catalogue
from tests.graph.worlds import seeds

BOOK = catalogue()


def expanded(patterns: tuple[str, ...]) -> frozenset[str]:
    return frozenset().union(*(BOOK.expand(pattern) for pattern in patterns))


def test_patterns_expand_to_exactly_the_set_whatever_the_service_calls_its_actions() -> None:
    draw = random.Random(7)
    services = sorted(BOOK.services())
    if len(seeds(1, 2)) == 1:
        services = [*draw.sample(services, 60), "s3", "iam", "sts", "execute-api", "dynamodb"]
    for service in services:
        actions = sorted(BOOK.expand(f"{service}:*"))
        for _ in range(4):
            chosen = frozenset(draw.sample(actions, draw.randint(0, len(actions))))
            assert expanded(minimal(chosen)) == chosen, service


def test_all_but_one_action_is_never_shown_as_all() -> None:
    for service in ("s3", "sqs", "kms", "iam"):
        actions = sorted(BOOK.expand(f"{service}:*"))
        for missing in actions:
            assert missing not in expanded(minimal(set(actions) - {missing}))


def test_sets_of_several_services_are_the_patterns_of_each() -> None:
    draw = random.Random(3)
    actions = sorted(BOOK.expand("s3:*") | BOOK.expand("sqs:*") | BOOK.expand("kms:*"))
    chosen = frozenset(draw.sample(actions, 90)) | BOOK.expand("sqs:*")
    found = minimal(chosen)
    assert expanded(found) == chosen
    assert "sqs:*" in found
    assert list(found) == sorted(found, key=lambda pattern: pattern.partition(":")[0])
    assert len(set(found)) == len(found)


def test_nothing_is_no_pattern() -> None:
    assert minimal(()) == ()


def test_a_common_beginning_is_one_pattern() -> None:
    chosen = {action for action in BOOK.expand("s3:*") if action.startswith("s3:Get")}
    assert minimal(chosen) == ("s3:Get*",)
