"""Grants of KMS keys: whom they give what, and under which constraints (semantics L7)."""

from __future__ import annotations

from typing import Any

import pytest

from model.entities import KmsGrant, Resource
from model.inventory import Inventory
from model.load_resources import _kms_grants
from policy.assemble import Assembler
from policy.context import NO_OVERRIDES, Overrides
from tests.graph.worlds import ONE, TWO, allow, key, made, user
from tests.model.test_snapshot import record

ANN, BOB = user("ann", ONE), user("bob", TWO)
ALL = ("Decrypt", "Encrypt", "DescribeKey", "CreateGrant", "RetireGrant", "Sign")
CLOSED = allow("kms:*", Principal={"AWS": ONE})
BUCKET = "arn:aws:s3:::b"


def granted(**fields: Any) -> Resource:
    grant = KmsGrant(**{"id": "g", "grantee": ANN.arn, "operations": ALL, **fields})
    return key("k", ONE, CLOSED, grants=(grant,))


def verdict(resource: Resource, who: str, action: str, overrides: Overrides = NO_OVERRIDES) -> str:
    source = Assembler(Inventory(made(users=(ANN, BOB), resources=(resource,))))
    caller = source.caller(source.principal(who))
    return source.decide(caller, f"kms:{action}", resource.arn, overrides).verdict.value


@pytest.mark.parametrize("kind", ["EncryptionContextEquals", "EncryptionContextSubset"])
@pytest.mark.parametrize(
    ("action", "wanted"),
    [
        ("Decrypt", "Conditional"),
        ("Encrypt", "Conditional"),
        ("DescribeKey", "Allowed"),
        ("CreateGrant", "Allowed"),
        ("RetireGrant", "Allowed"),
        ("Sign", "Allowed"),
        ("GetPublicKey", "ImplicitlyDenied"),
    ],
)
def test_constraints_on_the_context_are_about_operations_that_have_one(kind: str, action: str, wanted: str) -> None:
    assert verdict(granted(constraints={kind: {"app": "x"}}), ANN.arn, action) == wanted
    assert verdict(granted(), ANN.arn, action) == ("ImplicitlyDenied" if action == "GetPublicKey" else "Allowed")


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("app", "x", "Allowed"),
        ("App", "x", "Allowed"),
        ("app", "X", "ImplicitlyDenied"),
        ("other", "x", "ImplicitlyDenied"),
    ],
)
def test_names_in_constraints_are_of_any_case_and_values_are_not(name: str, value: str, wanted: str) -> None:
    overrides = Overrides.of({f"kms:EncryptionContext:{name}": (value,), "kms:EncryptionContextKeys": (name,)})
    constraints = {"EncryptionContextEquals": {"app": "x"}}
    if name == "other":
        overrides = Overrides.of({"kms:EncryptionContextKeys": ("app", "other")})
    assert verdict(granted(constraints=constraints), ANN.arn, "Decrypt", overrides) == wanted


@pytest.mark.parametrize(
    ("action", "wanted"), [("Decrypt", "Conditional"), ("DescribeKey", "Conditional"), ("RetireGrant", "Allowed")]
)
def test_a_service_uses_the_key_for_the_resource_that_it_was_granted_for(action: str, wanted: str) -> None:
    resource = granted(grantee="s3.amazonaws.com", source_arn=BUCKET)
    assert verdict(resource, "s3.amazonaws.com", action) == wanted
    assert verdict(resource, "s3.amazonaws.com", "Decrypt", Overrides.of({"aws:SourceArn": (BUCKET,)})) == "Allowed"
    other = Overrides.of({"aws:SourceArn": (f"{BUCKET}x",)})
    assert verdict(resource, "s3.amazonaws.com", "Decrypt", other) == "ImplicitlyDenied"


def test_whoever_may_retire_a_grant_may_do_that_alone() -> None:
    resource = granted(operations=("Decrypt",), retiring=BOB.arn, constraints={"EncryptionContextEquals": {"a": "b"}})
    assert verdict(resource, BOB.arn, "RetireGrant") == "Allowed"
    assert verdict(resource, BOB.arn, "Decrypt") == "ImplicitlyDenied"
    assert verdict(resource, ANN.arn, "RetireGrant") == "ImplicitlyDenied"


def test_grants_are_read_with_all_that_aws_says_of_them() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantListEntry.html"""
    constraints = {"SourceArn": BUCKET, "EncryptionContextSubset": {"a": "b"}}
    items = [
        {"GrantId": "1", "GranteePrincipal": ANN.arn, "Operations": ["Decrypt"], "RetiringPrincipal": BOB.arn},
        {
            "GrantId": "2",
            "GranteeServicePrincipal": "s3.amazonaws.com",
            "RetiringServicePrincipal": "s3.amazonaws.com",
            "Operations": ["Encrypt"],
            "Constraints": constraints,
        },
    ]
    found = _kms_grants(record("ListGrants", response=[{"Grants": items}]))
    assert found is not None
    assert [(one.grantee, one.retiring, one.source_arn, one.constraints) for one in found] == [
        (ANN.arn, BOB.arn, "", {}),
        ("s3.amazonaws.com", "s3.amazonaws.com", BUCKET, {"EncryptionContextSubset": {"a": "b"}}),
    ]
