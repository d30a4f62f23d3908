"""Shares of AWS RAM in an organisation's questions (semantics L16)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from graph.reaching import reach
from graph.world import World
from model.entities import Account, Gap, Resource, Share, SharePermission
from model.inventory import Inventory
from policy.assemble import Assembler
from policy.shares import share_policy, shareable
from policy.verdicts import Decision, Verdict
from tests.graph.worlds import FOREIGN, MANAGEMENT, ONE, ORG, TWO, allow, made, questions_of, queue, role

IMAGE = f"arn:aws:imagebuilder:us-east-1:{ONE}:image/golden/1.0.0/1"
SUBNET = f"arn:aws:ec2:us-east-1:{ONE}:subnet/subnet-1"
GET, USE = "imagebuilder:GetImage", "ec2:ModifySubnetAttribute"
UNIT = f"arn:aws:organizations::{MANAGEMENT}:ou/{ORG}/ou-1"
WHOLE = f"arn:aws:organizations::{MANAGEMENT}:organization/{ORG}"
TEMPLATE = json.dumps({"Effect": "Allow", "Action": [GET, "imagebuilder:ListImages"]})


def share(*principals: str, **more: Any) -> Share:
    image = SharePermission(
        arn="arn:aws:ram::aws:permission/Image", type="imagebuilder:Image", template=more.pop("template", TEMPLATE)
    )
    fields: dict[str, Any] = {"resources": (IMAGE,), "permissions": (image,), "principals": principals, **more}
    return Share(
        arn=f"arn:aws:ram:us-east-1:{ONE}:resource-share/1", name="images", account=ONE, region="us-east-1", **fields
    )


def subnets(*principals: str) -> Share:
    use = SharePermission(arn="p", type="ec2:Subnet", template=json.dumps({"Effect": "Allow", "Action": ["ec2:*"]}))
    return share(*principals, resources=(SUBNET,), permissions=(use,))


LENT = role("Lent", TWO, allow("*"))
BARE = role("Bare", TWO)
OWN = role("Own", ONE)
ROLES = (LENT, BARE, OWN)


def decided(*shares: Share, who: str = LENT.arn, action: str = GET, resource: str = IMAGE, **fields: Any) -> Decision:
    given: dict[str, Any] = {"roles": ROLES, "shares": shares, **fields}
    assembler = Assembler(Inventory(made(**given)))
    return assembler.decide(assembler.caller(assembler.principal(who)), action, resource)


def verdict(*shares: Share, **more: Any) -> Verdict:
    return decided(*shares, **more).verdict


def test_without_a_share_another_account_s_resource_is_out_of_reach() -> None:
    assert verdict() is Verdict.IMPLICITLY_DENIED


@pytest.mark.parametrize("principal", [TWO, LENT.arn, UNIT, WHOLE])
def test_a_share_gives_what_the_caller_s_own_policies_allow(principal: str) -> None:
    assert verdict(share(principal)) is Verdict.ALLOWED
    assert verdict(share(principal), who=BARE.arn) is Verdict.IMPLICITLY_DENIED


@pytest.mark.parametrize(
    "principal", [FOREIGN, f"arn:aws:iam::{TWO}:role/Another", f"arn:aws:organizations::{MANAGEMENT}:ou/{ORG}/ou-2"]
)
def test_a_share_with_others_gives_nothing(principal: str) -> None:
    assert verdict(share(principal)) is Verdict.IMPLICITLY_DENIED


def test_a_share_gives_its_own_resources_and_actions_alone() -> None:
    assert verdict(share(TWO), action="imagebuilder:DeleteImage") is Verdict.IMPLICITLY_DENIED
    assert verdict(share(TWO), resource=IMAGE + "0") is Verdict.IMPLICITLY_DENIED


def test_an_ou_reaches_the_accounts_below_its_units_too() -> None:
    deep = (
        Account(id=ONE, path=("r-1",)),
        Account(id=TWO, path=("r-1", "ou-1", "ou-11")),
    )
    assert verdict(share(UNIT), accounts=deep) is Verdict.ALLOWED
    assert verdict(share(UNIT.replace("ou-1", "ou-11")), accounts=deep) is Verdict.ALLOWED
    assert verdict(share(UNIT.replace("ou-1", "ou-12")), accounts=deep) is Verdict.IMPLICITLY_DENIED


def test_the_ou_may_be_spelled_as_the_user_guide_does() -> None:
    assert verdict(share(f"arn:aws:organizations::{MANAGEMENT}:organization/{ORG}/ou-1")) is Verdict.ALLOWED


def test_a_share_with_the_organisation_opens_the_resource_to_all_of_the_sharing_account() -> None:
    """ "All principals in the sharing account automatically get access": the policy's principal is `*`."""
    assert verdict(share(WHOLE), who=OWN.arn) is Verdict.ALLOWED
    assert verdict(share(TWO), who=OWN.arn) is Verdict.IMPLICITLY_DENIED


def test_types_without_resource_policies_give_nothing_to_the_sharing_account() -> None:
    assert verdict(subnets(WHOLE), who=OWN.arn, action=USE, resource=SUBNET) is Verdict.IMPLICITLY_DENIED
    assert verdict(subnets(WHOLE), action=USE, resource=SUBNET) is Verdict.ALLOWED


def test_a_permission_s_condition_holds_besides_the_one_on_the_principal() -> None:
    asked = {"StringEquals": {"aws:PrincipalTag/team": "red"}}
    template = json.dumps({"Effect": "Allow", "Action": [GET], "Condition": asked})
    assert verdict(share(WHOLE, template=template)) is Verdict.IMPLICITLY_DENIED
    red = role("Red", TWO, allow("*"), tags={"team": "red"})
    found = decided(share(WHOLE, template=template), who=red.arn, roles=(red,))
    assert found.verdict is Verdict.ALLOWED


def test_a_service_is_let_in_for_the_sharing_account() -> None:
    text = share_policy(share("pca-connector-ad.amazonaws.com"))
    assert text is not None
    (statement,) = json.loads(text)["Statement"]
    assert statement["Principal"] == {"Service": ["pca-connector-ad.amazonaws.com"]}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": ONE}}


def test_each_resource_has_the_permission_of_its_own_type() -> None:
    two = share(
        TWO,
        resources=(SUBNET, f"arn:aws:ec2:us-east-1:{ONE}:transit-gateway/tgw-1", IMAGE),
        permissions=(
            SharePermission(arn="a", type="ec2:Subnet", template='{"Effect":"Allow","Action":["ec2:RunInstances"]}'),
            SharePermission(
                arn="b", type="ec2:TransitGateway", template='[{"Effect":"Allow","Action":"ec2:CreateTransitGateway*"}]'
            ),
        ),
    )
    statements = json.loads(share_policy(two) or "")["Statement"]
    assert [(one["Action"], one["Resource"]) for one in statements] == [
        (["ec2:RunInstances"], [SUBNET]),
        ("ec2:CreateTransitGateway*", [f"arn:aws:ec2:us-east-1:{ONE}:transit-gateway/tgw-1"]),
    ]


UNREAD_SHARES = [
    share(TWO, permissions=None),
    share(TWO, template=None),
    share(TWO, template="{"),
    share(TWO, template='{"Effect": "Allow"}'),
    share(principals=None),
    share(TWO, resources=None),
    share(TWO, template=json.dumps({"Action": GET, "Condition": {"NoSuchOperator": {"a": "b"}}})),
]


@pytest.mark.parametrize("unread", UNREAD_SHARES)
def test_what_was_not_read_of_a_share_is_never_none(unread: Share) -> None:
    found = decided(unread)
    assert found.verdict is Verdict.CONDITIONAL
    assert found.residual is not None
    assert found.residual.to_json() == {"document": f"{unread.arn}#share:images"}
    assert verdict(unread, who=BARE.arn) is Verdict.IMPLICITLY_DENIED
    # For the account itself it adds only where the whole organisation may be meant.
    own = Verdict.CONDITIONAL if unread.principals is None else Verdict.IMPLICITLY_DENIED
    assert verdict(unread, who=OWN.arn) is own


@pytest.mark.parametrize(
    ("unread", "document"),
    [
        *(
            ({"shares": (share(*whom, **fields),)}, f"{share().arn}#share:images")
            for whom in ((WHOLE,), (UNIT,))
            for fields in ({"permissions": None}, {"template": None}, {"resources": None}, {"principals": None})
        ),
        ({"unread_shares": ((ONE, "us-east-1"),)}, f"ram:{ONE}"),
    ],
)
def test_what_may_be_shared_with_the_organisation_may_be_open_to_the_sharing_account(
    unread: dict[str, Any], document: str, tmp_path: Path
) -> None:
    """U2, L16: with the whole of it read, a share with the organisation opens the resource to whoever shares it."""
    found = decided(who=OWN.arn, **{"shares": (), **unread})
    assert found.verdict is Verdict.CONDITIONAL and found.residual is not None
    assert found.residual.to_json() == {"document": document}
    able = role("Own", ONE, allow(GET))
    assert verdict(who=OWN.arn, **{"roles": (able,), "shares": (), **unread}) is Verdict.ALLOWED
    image = Resource(arn=IMAGE, type="imagebuilder:image", account=ONE, region="us-east-1", name="x", policy="")
    one = questions_of(World(Inventory(made(roles=ROLES, resources=(image,), **unread))), tmp_path)
    rows = {row["principal"]: row["verdict"] for row in one.who_can(GET, IMAGE)["principals"]}
    assert rows[OWN.arn] == "Conditional"
    (row,) = [row for row in reach(one, OWN.arn, action=GET) if row.resource_class.pattern == IMAGE]
    assert str(row.verdict) == "Conditional"


def test_what_was_not_read_of_a_share_gives_the_sharing_account_nothing_that_no_share_could() -> None:
    unread = {"permissions": None}
    assert verdict(share(TWO, **unread), who=OWN.arn) is Verdict.IMPLICITLY_DENIED
    subnet = share(WHOLE, resources=(SUBNET,), **unread)
    assert verdict(subnet, who=OWN.arn, action=USE, resource=SUBNET) is Verdict.IMPLICITLY_DENIED
    alone = verdict(unread_shares=((ONE, ""),), who=OWN.arn, organization=None, alone=True)
    assert alone is Verdict.IMPLICITLY_DENIED


def test_an_unread_permission_leaves_those_alone_with_whom_nothing_is_shared() -> None:
    assert verdict(share(FOREIGN, permissions=None)) is Verdict.IMPLICITLY_DENIED


def test_shares_of_one_region_say_nothing_of_another() -> None:
    elsewhere = IMAGE.replace("us-east-1", "eu-west-1")
    assert verdict(share(TWO, resources=None), resource=elsewhere) is Verdict.IMPLICITLY_DENIED


def test_where_ram_was_not_asked_another_account_s_shareable_resources_hang_on_it() -> None:
    unread: dict[str, Any] = {"unread_shares": ((ONE, "us-east-1"),)}
    found = decided(**unread)
    assert found.residual is not None
    assert found.residual.to_json() == {"document": f"ram:{ONE}"}
    assert verdict(who=BARE.arn, **unread) is Verdict.IMPLICITLY_DENIED
    assert verdict(resource=IMAGE.replace("us-east-1", "eu-west-1"), **unread) is Verdict.IMPLICITLY_DENIED
    # Neither is what RAM cannot share, nor another service's action, made conditional.
    mine = queue("q", ONE)
    assert verdict(action="sqs:SendMessage", resource=mine.arn, resources=(mine,), **unread) is (
        Verdict.IMPLICITLY_DENIED
    )
    assert verdict(action="ssm:SendCommand", **unread) is Verdict.IMPLICITLY_DENIED
    assert verdict(resource=IMAGE, unread_shares=((ONE, ""),)) is Verdict.CONDITIONAL


@pytest.mark.parametrize(
    ("arn", "may"),
    [
        (SUBNET, True),
        (IMAGE, True),
        (f"arn:aws:rds:us-east-1:{ONE}:cluster:c", True),
        (f"arn:aws:rds:us-east-1:{ONE}:db:d", False),
        (f"arn:aws:ec2:us-east-1:{ONE}:instance/i-1", False),
        (f"arn:aws:sqs:us-east-1:{ONE}:q", False),
        (f"arn:aws:ssm:us-east-1:{ONE}:parameter/a/b", True),
        ("arn:aws:s3:::b", False),
        ("*", False),
    ],
)
def test_what_ram_can_share(arn: str, may: bool) -> None:
    assert shareable(arn) is may


# -- in whole answers


def world(*shares: Share, **fields: Any) -> World:
    return World(Inventory(made(roles=ROLES, shares=shares, **fields)))


def test_who_can_names_the_accounts_outside_with_which_something_is_shared(tmp_path: Path) -> None:
    answer = questions_of(world(share(TWO, FOREIGN)), tmp_path).who_can(GET, IMAGE)
    found = {row["principal"]: row["verdict"] for row in answer["principals"]}
    assert found[f"account:{FOREIGN}"] == "Conditional"
    assert found[LENT.arn] == "Allowed"
    assert BARE.arn not in found


def test_who_can_names_them_where_what_is_permitted_was_not_read(tmp_path: Path) -> None:
    guest = f"arn:aws:iam::{FOREIGN}:role/Guest"
    answer = questions_of(world(share(guest, permissions=None)), tmp_path).who_can(GET, IMAGE)
    (row,) = [row for row in answer["principals"] if row["principal"] == guest]
    assert row["verdict"] == "Conditional"


def test_a_collected_resource_that_is_shared_is_reached_from_other_accounts(tmp_path: Path) -> None:
    image = Resource(arn=IMAGE, type="imagebuilder:image", account=ONE, region="us-east-1", tags={})
    other = Resource(arn=IMAGE + "0", type="imagebuilder:image", account=ONE, region="us-east-1", tags={})
    of = world(share(TWO, FOREIGN), resources=(image, other))
    asked = questions_of(of, tmp_path)
    found = {row["principal"]: row["verdict"] for row in asked.who_can(GET, IMAGE)["principals"]}
    assert (found[LENT.arn], found[f"account:{FOREIGN}"]) == ("Allowed", "Conditional")
    assert LENT.arn not in {row["principal"] for row in asked.who_can(GET, other.arn)["principals"]}
    # The tables agree: the two images are two classes, with a grant on the shared one alone.
    granted = {
        of.classes[grant.resource_class].pattern: grant.actions
        for grant in of.resolver.resolve(ONE)
        if of.subjects.all[grant.subject].key == LENT.arn
        and of.classes[grant.resource_class].type == "imagebuilder:image"
    }
    assert granted == {IMAGE: (GET,)}


def test_what_ram_did_not_answer_is_named_where_it_could_change_the_answer(tmp_path: Path) -> None:
    refused = Gap(
        account=ONE,
        region="us-east-1",
        service="ram",
        operation="GetResourceShares",
        outcome="denied",
        affects="ram:resource-share",
    )
    asked = questions_of(world(unread_shares=((ONE, "us-east-1"),), gaps=(refused,)), tmp_path)
    assert [gap["service"] for gap in asked.who_can(GET, IMAGE)["unknown"]] == ["ram"]
    assert asked.who_can("sqs:SendMessage", queue("q", ONE).arn)["unknown"] == []
