"""A share of AWS RAM that was not read, or not whole, may let a service in: it is Conditional, never a no (U6, L16).

RAM shares with services by their names: https://docs.aws.amazon.com/ram/latest/APIReference/API_CreateResourceShare.html
("principals": "A service principal name, for example: service-id.amazonaws.com").
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from model.entities import Share, SharePermission
from tests.graph.worlds import ONE, TWO, allow, made_world, questions_of, role

SERVICE = "pca-connector-ad.amazonaws.com"
ISSUE = "acm-pca:IssueCertificate"
AUTHORITY = f"arn:aws:acm-pca:us-east-1:{ONE}:certificate-authority/1"
ADMIN = role("Admin", TWO, allow("*"))
PERMISSION = SharePermission(
    arn="p", type="acm-pca:CertificateAuthority", template=json.dumps({"Effect": "Allow", "Action": [ISSUE]})
)


def share(**more: Any) -> Share:
    fields: dict[str, Any] = {"principals": (SERVICE, TWO), "resources": (AUTHORITY,), "permissions": (PERMISSION,)}
    arn = f"arn:aws:ram:us-east-1:{ONE}:resource-share/1"
    return Share(arn=arn, name="ca", account=ONE, region="us-east-1", **{**fields, **more})


@pytest.mark.parametrize("who", [ADMIN.arn, SERVICE])
@pytest.mark.parametrize(
    "world",
    [
        {"shares": (share(),)},
        {"shares": (share(principals=None),)},
        {"shares": (share(permissions=None),)},
        {"shares": (share(resources=None),)},
        {"unread_shares": ((ONE, "us-east-1"),)},
    ],
    ids=["read", "principals unread", "permissions unread", "resources unread", "shares unread"],
)
def test_what_was_not_read_of_a_share_is_no_denial_of_a_service(world: Any, who: str, tmp_path: Path) -> None:
    asked = questions_of(made_world(roles=(ADMIN,), **world), tmp_path)
    verdict = asked.can(who, ISSUE, AUTHORITY)["verdict"]
    assert verdict in ("Allowed", "Conditional")


def test_a_service_that_an_unread_share_names_is_listed(tmp_path: Path) -> None:
    asked = questions_of(made_world(roles=(ADMIN,), shares=(share(permissions=None),)), tmp_path)
    assert SERVICE in {row["principal"] for row in asked.who_can(ISSUE, AUTHORITY)["principals"]}
