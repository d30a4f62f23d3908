"""Amazon Resource Names: six parts, of which the last may hold anything.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
"""

from __future__ import annotations

import re
from typing import NamedTuple

from model.errors import ArnError

PARTITIONS = ("aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc")

ACCOUNT_ID = re.compile(r"[0-9]{12}")


class Arn(NamedTuple):
    """``arn:partition:service:region:account:resource``; parts that AWS leaves out are empty strings."""

    partition: str
    service: str
    region: str
    account: str
    resource: str

    @classmethod
    def parse(cls, text: str) -> Arn:
        """The parts of ``text``; raises ``ArnError`` when it has not six of them or no resource."""
        parts = text.split(":", 5)
        if len(parts) != 6 or parts[0] != "arn":
            raise ArnError(f"wrong arn `{text}`: expected arn:partition:service:region:account:resource")
        if parts[1] not in PARTITIONS:
            raise ArnError(f"wrong arn `{text}`: unknown partition `{parts[1]}`")
        if not parts[2] or not parts[5]:
            raise ArnError(f"wrong arn `{text}`: service and resource must not be empty")
        account = parts[4]
        if account and account != "aws" and not ACCOUNT_ID.fullmatch(account):
            raise ArnError(f"wrong arn `{text}`: account `{account}` is not a 12-digit number")
        return cls(*parts[1:])

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"

    @property
    def name(self) -> str:
        """The last path element of the resource: ``x`` of ``role/team/x``."""
        return self.resource.rsplit("/", 1)[-1]


def is_account_id(text: str) -> bool:
    """Whether ``text`` is an AWS account id: twelve digits."""
    return ACCOUNT_ID.fullmatch(text) is not None


def account_of(arn: str) -> str:
    """The account that an ARN names; empty where it names none, and for what is no ARN."""
    parts = arn.split(":", 5)
    return parts[4] if len(parts) == 6 else ""


def root_arn(account: str, partition: str = "aws") -> str:
    """The ARN of an account's root user."""
    return f"arn:{partition}:iam::{account}:root"
