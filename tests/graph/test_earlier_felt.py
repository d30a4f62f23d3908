"""One change each that is felt where the changed thing does not lie: what is taken over is not what feels it."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from graph.tables import Tables
from model.entities import (
    IamGroup,
    IdentityCenter,
    InlinePolicy,
    ManagedPolicy,
    Organization,
    Resource,
    S3Grant,
    S3Settings,
    Share,
    SharePermission,
)
from model.inventory import InventoryData
from tests.graph.earlier_worlds import rebuilt, said
from tests.graph.worlds import (
    FOREIGN,
    MANAGEMENT,
    ONE,
    ORG,
    TWO,
    Json,
    allow,
    bucket,
    deny,
    document,
    made,
    queue,
    rcp,
    role,
    scp,
    trust,
    user,
)

ORGANIZED = {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": f"{ORG}/r-1/ou-1/*"}}
GUARD, DEVELOPERS = f"arn:aws:iam::{ONE}:policy/guard", f"arn:aws:iam::{ONE}:group/developers"


def lent(*statements: Json, **more: object) -> InventoryData:
    """A user and a role of one account who may do all, and another account that lends what statements say."""
    fields: Json = {
        "users": (user("ann", ONE, allow("*")),),
        "roles": (role("app", ONE, allow("*")),),
        "resources": (queue("lent", TWO, *statements), bucket("mine", ONE)),
        "account_public_block": {},
        **more,
    }
    return made(**fields)


def to(whom: object = ONE, **more: object) -> Json:
    return allow("*", Principal={"AWS": whom}, **more)


def guard(*statements: Json) -> ManagedPolicy:
    return ManagedPolicy(arn=GUARD, id="G", name="guard", account=ONE, document=document(*statements))


def developers(*statements: Json, attached: tuple[str, ...] = ()) -> IamGroup:
    inline = (InlinePolicy(name="g", document=document(*statements)),) if statements else ()
    return IamGroup(arn=DEVELOPERS, id="D", name="developers", path="/", account=ONE, inline=inline, attached=attached)


def moved(data: InventoryData) -> InventoryData:
    accounts = [replace(one, path=("r-1", "ou-2")) if one.id == ONE else one for one in data.accounts]
    return replace(data, accounts=tuple(accounts))


def shared(*principals: str) -> Share:
    template = document(allow("*")).replace('"Resource": "*"', '"Sid": "x"')
    return Share(
        arn=f"arn:aws:ram:us-east-1:{TWO}:resource-share/s",
        name="s",
        account=TWO,
        region="us-east-1",
        resources=(f"arn:aws:ssm:us-east-1:{TWO}:parameter/p",),
        principals=principals,
        permissions=(SharePermission(arn="p", type="ssm:Parameter", template=template),),
    )


PARAMETER = Resource(
    arn=f"arn:aws:ssm:us-east-1:{TWO}:parameter/p", type="ssm:parameter", account=TWO, region="us-east-1", tags={}
)
ANN, APP = user("ann", ONE, allow("*")), role("app", ONE, allow("*"))
RED = {"StringEquals": {"aws:PrincipalTag/team": "red"}}
RESERVED = role("AWSReservedSSO_Ops_0123456789abcdef", ONE, allow("*"), path="/aws-reserved/sso.amazonaws.com/")
EVERYWHERE = scp("full", allow("*"), targets=("r-1", "ou-1", ONE, TWO))
LISTED = S3Settings(acl=(S3Grant(grantee="c-1", permission="READ"),), owner="c-0")
ALL_READ = lent(to(), guardrails=(EVERYWHERE,))
FELT: dict[str, tuple[InventoryData, InventoryData]] = {
    "the document of a boundary": (
        lent(to(), roles=(replace(APP, boundary=GUARD),), policies=(guard(allow("*")),)),
        lent(to(), roles=(replace(APP, boundary=GUARD),), policies=(guard(allow("s3:*")),)),
    ),
    "the document of a user's boundary": (
        lent(to(), users=(replace(ANN, boundary=GUARD),), policies=(guard(allow("*")),)),
        lent(to(), users=(replace(ANN, boundary=GUARD),), policies=(guard(allow("s3:*")),)),
    ),
    "a boundary that says nothing of it": (
        lent(to(), policies=(guard(allow("s3:*")),)),
        lent(to(), roles=(replace(APP, boundary=GUARD),), policies=(guard(allow("s3:*")),)),
    ),
    "whether sessions of people bring tags": (
        lent(
            to(Condition=RED),
            roles=(RESERVED,),
            centers=(IdentityCenter(instance="i", store="d", owner=ONE, abac=False),),
        ),
        lent(
            to(Condition=RED),
            roles=(RESERVED,),
            centers=(IdentityCenter(instance="i", store="d", owner=ONE, abac=True),),
        ),
    ),
    "control policies that could not be read": (
        ALL_READ,
        replace(ALL_READ, organization=replace(ALL_READ.organization, scps_known=False)),  # type: ignore[type-var]
    ),
    "whom a role trusts": (
        lent(to(), roles=(APP, role("theirs", TWO, trusts=document(trust({"AWS": TWO}))))),
        lent(to(), roles=(APP, role("theirs", TWO, trusts=document(trust({"AWS": ONE}))))),
    ),
    "the document of a policy that a role holds": (
        lent(to(), roles=(role("app", ONE, attached=(GUARD,)),), policies=(guard(allow("s3:*")),)),
        lent(to(), roles=(role("app", ONE, attached=(GUARD,)),), policies=(guard(allow("sqs:*")),)),
    ),
    "the policy of a group": (
        lent(to(), users=(user("ann", ONE, groups=(DEVELOPERS,)),), groups=(developers(allow("sqs:*")),)),
        lent(to(), users=(user("ann", ONE, groups=(DEVELOPERS,)),), groups=(developers(allow("s3:*")),)),
    ),
    "the document of a policy that a group holds": (
        lent(
            to(),
            users=(user("ann", ONE, groups=(DEVELOPERS,)),),
            groups=(developers(attached=(GUARD,)),),
            policies=(guard(allow("s3:*")),),
        ),
        lent(
            to(),
            users=(user("ann", ONE, groups=(DEVELOPERS,)),),
            groups=(developers(attached=(GUARD,)),),
            policies=(guard(allow("sqs:*")),),
        ),
    ),
    "a policy that could not be read": (
        lent(to(), roles=(role("app", ONE, attached=(GUARD,)),), policies=(guard(allow("s3:*")),)),
        lent(to(), roles=(role("app", ONE, attached=(GUARD,)),)),
    ),
    "a group that is gone": (
        lent(to(), users=(user("ann", ONE, groups=(DEVELOPERS,)),), groups=(developers(allow("s3:*")),)),
        lent(to(), users=(user("ann", ONE, groups=(DEVELOPERS,)),)),
    ),
    "a role made anew": (lent(to("AROA1111APP")), lent(to("AROA1111APP"), roles=(replace(APP, id="AROAANEW"),))),
    "a tag of a principal": (
        lent(to(Condition=RED)),
        lent(
            to(Condition=RED),
            roles=(replace(APP, tags={"team": "red"}),),
        ),
    ),
    "whether a user has MFA": (
        lent(to(Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})),
        lent(to(Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}), users=(replace(ANN, mfa=True),)),
    ),
    "whom a role trusts to bring tags": (
        lent(to(Condition=RED)),
        lent(
            to(Condition=RED),
            roles=(role("app", ONE, allow("*"), trusts=document(trust({"AWS": ONE}, "sts:*"))),),
        ),
    ),
    "a control policy over those who are let in": (
        lent(to(), guardrails=(EVERYWHERE, scp("no", deny("s3:*"), targets=(ONE,)))),
        lent(to(), guardrails=(EVERYWHERE, scp("no", deny("sqs:*"), targets=(ONE,)))),
    ),
    "a resource control policy": (
        lent(to(), guardrails=(rcp("no", deny("s3:*", Principal="*"), targets=(TWO,)),)),
        lent(to(), guardrails=(rcp("no", deny("sqs:*", Principal="*"), targets=(TWO,)),)),
    ),
    "a place in the organisation": (lent(to(Condition=ORGANIZED)), moved(lent(to(Condition=ORGANIZED)))),
    "somebody new": (lent(to()), lent(to(), users=(ANN, user("bob", ONE, allow("sqs:*"))))),
    "somebody who is gone": (lent(to()), lent(to(), users=())),
    "somebody new among everybody": (
        lent(to("*")),
        lent(to("*"), users=(ANN, user("bob", ONE, allow("sqs:*")))),
    ),
    "a policy of one of everybody": (lent(to("*")), lent(to("*"), roles=(role("app", ONE, allow("s3:*")),))),
    "an outsider whom another account names": (
        lent(to(FOREIGN)),
        lent(
            to(FOREIGN),
            resources=(queue("lent", TWO, to(FOREIGN)), bucket("mine", ONE, to(f"arn:aws:iam::{FOREIGN}:role/x"))),
        ),
    ),
    "a share": (
        lent(to(), resources=(PARAMETER,), shares=(shared(ONE),)),
        lent(to(), resources=(PARAMETER,), shares=(shared(MANAGEMENT),)),
    ),
    "shares that could not be read": (
        lent(to(), resources=(PARAMETER,)),
        lent(to(), resources=(PARAMETER,), unread_shares=((TWO, ""),)),
    ),
    "a policy of one whom a share lets in": (
        lent(to(), resources=(PARAMETER,), shares=(shared(ONE),)),
        lent(to(), resources=(PARAMETER,), shares=(shared(ONE),), roles=(role("app", ONE, allow("s3:*")),)),
    ),
    "whose a canonical id is": (
        lent(to(), resources=(bucket("listed", TWO, s3=LISTED),), canonical_ids={TWO: "c-0"}),
        lent(to(), resources=(bucket("listed", TWO, s3=LISTED),), canonical_ids={TWO: "c-0", ONE: "c-1"}),
    ),
    "a policy of one whom an access list may mean": (
        lent(to(), resources=(bucket("listed", TWO, s3=LISTED),)),
        lent(to(), resources=(bucket("listed", TWO, s3=LISTED),), roles=(role("app", ONE, allow("sqs:*")),)),
    ),
    "what an account keeps from the public": (
        lent(to(), resources=(bucket("open", TWO, allow("s3:*", Principal="*")),), account_public_block={TWO: False}),
        lent(to(), resources=(bucket("open", TWO, allow("s3:*", Principal="*")),), account_public_block={TWO: True}),
    ),
    "the account that controls do not apply to": (
        lent(to(), guardrails=(scp("full", allow("*")), scp("no", deny("sqs:*")))),
        replace(
            (data := lent(to(), guardrails=(scp("full", allow("*")), scp("no", deny("sqs:*"))))),
            organization=replace(
                data.organization or Organization(id="", management_account=""), management_account=ONE
            ),
        ),
    ),
}


@pytest.mark.parametrize("turned", [False, True], ids=["made", "unmade"])
@pytest.mark.parametrize("what", FELT)
def test_what_is_felt_elsewhere_is_resolved_there(what: str, turned: bool, tmp_path: Path) -> None:
    before, then = FELT[what][:: -1 if turned else 1]
    again, anew = rebuilt(before, then, tmp_path)
    assert said(again) == said(anew)
    first = said(Tables(tmp_path / "home" / "graphs" / "one"))
    assert first[f"grants of {TWO}"] != said(anew)[f"grants of {TWO}"], "it is not felt"
