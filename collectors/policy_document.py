"""The least that a role must be allowed so that everything can be collected with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from collectors.declarations import Operation
from collectors.registry import ASSUME_ROLE, GET_CALLER, OPERATIONS
from collectors.session import DEFAULT_ROLE

# AWS answers it to everyone, and no policy can deny it.
_NEEDS_NOTHING = {GET_CALLER.iam_action}


def minimal_policy(role_name: str = DEFAULT_ROLE, partition: str = "aws") -> dict[str, Any]:
    """A policy document: what is read in every account, and the role to assume in members."""
    reading = sorted(_actions(OPERATIONS) - {ASSUME_ROLE.iam_action} - _NEEDS_NOTHING)
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "Read", "Effect": "Allow", "Action": reading, "Resource": "*"},
            {
                "Sid": "ReadMembers",
                "Effect": "Allow",
                "Action": [ASSUME_ROLE.iam_action],
                "Resource": f"arn:{partition}:iam::*:role/{role_name}",
            },
        ],
    }


def _actions(operations: Iterable[Operation]) -> set[str]:
    return {operation.iam_action for operation in operations}
