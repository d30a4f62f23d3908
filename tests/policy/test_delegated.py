"""What AWS lets an organisation's administrators do in other accounts (semantics L4, L10)."""

from __future__ import annotations

from pathlib import Path

import pytest

from graph.world import World
from model.entities import IdentityCenter, Organization
from model.inventory import Inventory
from policy.assemble import Assembler
from policy.verdicts import Verdict
from tests.graph.worlds import FOREIGN, MANAGEMENT, ONE, ORG, TWO, allow, made, questions_of, role, user

ALLOWED, CONDITIONAL, DENIED = Verdict.ALLOWED, Verdict.CONDITIONAL, Verdict.IMPLICITLY_DENIED
IAM, SSO = "iam.amazonaws.com", "sso.amazonaws.com"
CENTER = "arn:aws:sso:::instance/ssoins-1"
ENTITIES = {
    "users": tuple(user("all", account, allow("*")) for account in (MANAGEMENT, ONE, TWO)),
    "roles": (role("All", MANAGEMENT, allow("*")), role("None", MANAGEMENT), role("All", TWO, allow("*"))),
    "centers": (IdentityCenter(instance=CENTER, store="s", owner=MANAGEMENT),),
}


def inventory(delegates: tuple[tuple[str, str], ...] | None = (), **fields: object) -> Inventory:
    organization = Organization(id=ORG, management_account=MANAGEMENT, scps_enabled=False, delegates=delegates)
    return Inventory(made(**{**ENTITIES, "organization": organization, **fields}))


def verdict(of: Inventory, principal: str, action: str, resource: str) -> Verdict:
    assembler = Assembler(of)
    return assembler.decide(assembler.caller(assembler.principal(principal)), action, resource).verdict


def all_of(account: str) -> str:
    return f"arn:aws:iam::{account}:user/all"


def root_of(account: str) -> str:
    return f"arn:aws:iam::{account}:root"


@pytest.mark.parametrize(
    ("principal", "target", "wanted"),
    [
        (all_of(MANAGEMENT), ONE, ALLOWED),
        (f"arn:aws:iam::{MANAGEMENT}:role/All", ONE, ALLOWED),
        (f"arn:aws:iam::{MANAGEMENT}:role/None", ONE, DENIED),
        (root_of(MANAGEMENT), ONE, DENIED),
        (all_of(ONE), ONE, DENIED),
        (root_of(ONE), ONE, DENIED),
        (all_of(TWO), ONE, DENIED),
        (all_of(MANAGEMENT), MANAGEMENT, DENIED),
        (all_of(MANAGEMENT), FOREIGN, DENIED),
        (f"arn:aws:iam::{FOREIGN}:user/all", ONE, DENIED),
        ("lambda.amazonaws.com", ONE, DENIED),
    ],
)
def test_who_may_act_as_the_root_user_of_a_member(principal: str, target: str, wanted: Verdict) -> None:
    assert verdict(inventory(), principal, "sts:AssumeRoot", root_of(target)) is wanted


@pytest.mark.parametrize(
    ("delegates", "to_root", "to_center"),
    [
        ((), DENIED, DENIED),
        (None, CONDITIONAL, CONDITIONAL),
        (((TWO, ""),), CONDITIONAL, CONDITIONAL),
        (((TWO, IAM),), ALLOWED, DENIED),
        (((TWO, SSO),), DENIED, CONDITIONAL),
        (((MANAGEMENT, IAM), (ONE, SSO)), DENIED, DENIED),
    ],
)
def test_delegated_administrators_are_let_in_as_far_as_they_are_known(
    delegates: tuple[tuple[str, str], ...] | None, to_root: Verdict, to_center: Verdict
) -> None:
    """U6: what was not read is no no; a delegated administrator of Identity Center may not do everything in it."""
    of = inventory(delegates)
    assert verdict(of, all_of(TWO), "sts:AssumeRoot", root_of(ONE)) is to_root
    assert verdict(of, all_of(TWO), "sts:AssumeRoot", root_of(MANAGEMENT)) is DENIED
    assert verdict(of, all_of(TWO), "sso:CreateAccountAssignment", CENTER) is to_center
    assert verdict(of, root_of(TWO), "sts:AssumeRoot", root_of(ONE)) is DENIED


@pytest.mark.parametrize("arn", [CENTER, "arn:aws:sso:::permissionSet/ssoins-1/ps-1"])
def test_identity_center_is_its_owners(arn: str) -> None:
    of = inventory()
    assert verdict(of, all_of(MANAGEMENT), "sso:PutInlinePolicyToPermissionSet", arn) is ALLOWED
    for principal in (all_of(ONE), root_of(ONE), f"arn:aws:iam::{FOREIGN}:user/all"):
        assert verdict(of, principal, "sso:PutInlinePolicyToPermissionSet", arn) is DENIED


def test_an_instance_of_a_member_has_no_delegated_administrators() -> None:
    of = inventory(None, centers=(IdentityCenter(instance=CENTER, store="s", owner=ONE),))
    found = [verdict(of, all_of(account), "sso:DeleteInstance", CENTER) for account in (MANAGEMENT, ONE, TWO)]
    assert found == [DENIED, ALLOWED, DENIED]


def test_without_a_known_organisation_anybody_listed_may_administer_it() -> None:
    of = inventory(organization=None, alone=False)
    assert verdict(of, all_of(TWO), "sso:CreateAccountAssignment", CENTER) is CONDITIONAL
    assert verdict(of, all_of(TWO), "sts:AssumeRoot", root_of(ONE)) is CONDITIONAL
    assert verdict(of, all_of(ONE), "sts:AssumeRoot", root_of(ONE)) is DENIED


def test_what_names_no_collected_instance_stays_the_askers_own() -> None:
    of = inventory()
    for arn in ("arn:aws:sso:::instance/ssoins-2", f"arn:aws:sso:::account/{ONE}", "arn:aws:route53:::hostedzone/Z1"):
        assert verdict(of, all_of(ONE), "sso:CreateAccountAssignment", arn) is ALLOWED


def test_a_list_of_who_can_has_the_administrators_of_other_accounts(tmp_path: Path) -> None:
    questions = questions_of(World(inventory(((TWO, SSO),))), tmp_path)

    def who(action: str, resource: str) -> dict[str, str]:
        return {row["principal"]: row["verdict"] for row in questions.who_can(action, resource)["principals"]}

    here = f"arn:aws:iam::{MANAGEMENT}:role/All"
    assert who("sts:AssumeRoot", root_of(ONE)) == {all_of(MANAGEMENT): "Allowed", here: "Allowed"}
    found = who("sso:CreateAccountAssignment", CENTER)
    assert found.pop(root_of(MANAGEMENT)) == found.pop(all_of(MANAGEMENT)) == found.pop(here) == "Allowed"
    assert found == dict.fromkeys([all_of(TWO), root_of(TWO), f"arn:aws:iam::{TWO}:role/All"], "Conditional")
