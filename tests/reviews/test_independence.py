"""Nobody decides on themselves, nor on a role that they can become."""

from __future__ import annotations

from pathlib import Path

import pytest

from graph.questions import Questions
from graph.world import World
from model.entities import Assignment, DirectoryGroup, DirectoryUser, IdentityCenter, PermissionSet
from model.inventory import Inventory
from reviews.independence import Independence
from reviews.people import OWN as OWN_ACCESS
from reviews.population import ItemMaker
from reviews.records import Item
from tests.graph.worlds import MANAGEMENT, ONE, allow, document, made, questions_of, role, trust, user

SET = "arn:aws:sso:::permissionSet/i/ps-1"
PATH = "/aws-reserved/sso.amazonaws.com/"


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> Questions:
    """Ana and Ben are in group ops, which may become `deploy`, which may become `vault`; Cy is in no group."""
    reserved = role("AWSReservedSSO_Ops_0123456789abcdef", ONE, allow("sts:AssumeRole"), path=PATH, trusts=document())
    deploy = role("deploy", ONE, allow("sts:AssumeRole"), trusts=document(trust({"AWS": reserved.arn})))
    vault = role("vault", ONE, allow("s3:GetObject"), trusts=document(trust({"AWS": deploy.arn})))
    data = made(
        users=(user("ana", ONE, allow("s3:ListAllMyBuckets"), tags={"email": "ana@x.example"}),),
        roles=(reserved, deploy, vault, role("alone", ONE, allow("s3:GetObject"), trusts=document())),
        centers=(IdentityCenter(instance="i", store="d", owner=MANAGEMENT),),
        permission_sets=(PermissionSet(arn=SET, name="Ops", instance="i"),),
        directory_users=tuple(
            DirectoryUser(id=name, user_name=name, emails=(f"{name}@x.example",), active=True)
            for name in ("ana", "ben", "cy")
        ),
        directory_groups=(DirectoryGroup(id="g", name="ops", members=("ana", "ben")),),
        assignments=(Assignment(permission_set=SET, account=ONE, principal_type="GROUP", principal_id="g"),),
    )
    folder: Path = tmp_path_factory.mktemp("tables")
    return questions_of(World(Inventory(data)), folder)


def item(questions: Questions, kind: str, words: str) -> Item:
    maker = ItemMaker(questions)
    found = [maker.item(held) for held in maker.entitlements.all() if held.kind == kind]
    return next(each for each in found if words in each.entitlement.in_words or words in each.principal)


def test_a_member_of_the_group_has_the_assignment_as_their_own(questions: Questions) -> None:
    assigned, judge = item(questions, "assignment", "Ops"), Independence(questions)
    assert judge.conflict(assigned, "ana@x.example") == judge.conflict(assigned, "BEN@x.example") == OWN_ACCESS
    assert judge.conflict(assigned, "cy@x.example") == ""


def test_a_membership_is_its_persons_own_and_reachable_for_who_is_in_the_group_too(questions: Questions) -> None:
    membership, judge = item(questions, "directory-membership", "person:ana"), Independence(questions)
    assert judge.conflict(membership, "ana@x.example") == OWN_ACCESS
    assert judge.conflict(membership, "ben@x.example").startswith("they can reach the access under review")
    assert judge.conflict(membership, "cy@x.example") == ""


def test_the_user_that_a_person_has_is_the_persons_own(questions: Questions) -> None:
    policy, judge = item(questions, "inline-policy", "user/ana"), Independence(questions)
    assert judge.conflict(policy, "ana@x.example") == OWN_ACCESS
    assert judge.conflict(policy, "ben@x.example") == ""


def test_who_can_become_a_role_by_any_chain_cannot_decide_on_it(questions: Questions) -> None:
    vault, alone, judge = (
        item(questions, "inline-policy", "role/vault"),
        item(questions, "inline-policy", "role/alone"),
        Independence(questions),
    )
    assert vault.people == ("ana@x.example", "ben@x.example")
    trusted = item(questions, "trust-statement", "vault")
    assert judge.conflict(trusted, "ben@x.example") != ""
    assert judge.conflict(vault, "cy@x.example") == ""
    assert judge.conflict(alone, "ben@x.example") == ""


def test_somebody_whom_the_snapshot_does_not_know_is_independent(questions: Questions) -> None:
    assert Independence(questions).conflict(item(questions, "assignment", "Ops"), "auditor@elsewhere.example") == ""
