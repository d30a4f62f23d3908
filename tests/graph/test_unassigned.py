"""What people can where nobody read who is assigned what: never a definite no, and never more than could be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cli.acting import how_given, why_no_role
from graph.questions import Answer, Questions
from graph.reaching import reach
from graph.whatif_names import NotHeldError, revocation
from graph.world import World
from model.entities import Assignment, DirectoryGroup, DirectoryUser, IdentityCenter, PermissionSet, Role
from model.inventory import Inventory
from model.naming import Names
from policy.verdicts import Verdict
from tests.graph.worlds import MANAGEMENT, ONE, TWO, Json, allow, document, made, questions_of, queue, role, trust

EVE = "person:eve@x.example"
SEND = "sqs:SendMessage"
MAIL, AUDIT = "arn:aws:sso:::permissionSet/ssoins-1/ps-mail", "arn:aws:sso:::permissionSet/ssoins-1/ps-audit"
INSTANCE = "arn:aws:sso:::instance/ssoins-1"
NAMED = tuple(PermissionSet(arn=arn, name=name, instance=INSTANCE) for arn, name in ((MAIL, "Mail"), (AUDIT, "Audit")))
Q, P = queue("q"), queue("p", TWO)


def reserved(name: str, account: str, *statements: Any) -> Role:
    saml = trust({"Federated": f"arn:aws:iam::{account}:saml-provider/x"}, "sts:AssumeRoleWithSAML")
    path, full = "/aws-reserved/sso.amazonaws.com/", f"AWSReservedSSO_{name}_0123456789abcdef"
    return role(full, account, *statements, trusts=document(saml), path=path)


SENDER = reserved("Mail", ONE, allow([SEND, "sts:AssumeRole"]))
READER = reserved("Audit", ONE, allow("sqs:ReceiveMessage"))
FURTHER = role("further", ONE, allow("sqs:PurgeQueue"), trusts=document(trust({"AWS": SENDER.arn})))


def to(permission_set: str, holder: str, account: str = ONE) -> Assignment:
    kind: Any = "GROUP" if holder.startswith("g-") else "USER"
    return Assignment(permission_set=permission_set, account=account, principal_type=kind, principal_id=holder)


def asked(folder: Path, **fields: Any) -> Questions:
    more = {
        "roles": (SENDER, READER, FURTHER),
        "resources": (Q, P),
        "centers": (IdentityCenter(instance=INSTANCE, store="d", owner=MANAGEMENT),),
        "permission_sets": NAMED,
        "directory_users": (
            DirectoryUser(id="d-1", user_name="eve", emails=("eve@x.example",), active=True),
            DirectoryUser(id="d-2", user_name="old", active=False),
        ),
    }
    return questions_of(World(Inventory(made(**{**more, **fields}))), folder)


def answer(asked: Questions, action: str = SEND, resource: str = Q.arn, person: str = EVE) -> tuple[str, Any]:
    found = asked.can(person, action, resource)
    return found["verdict"], found["residual"]


def listed(asked: Questions, action: str, resource: str = Q.arn) -> dict[str, tuple[Any, ...]]:
    """The people among those who can."""
    rows = asked.who_can(action, resource)["principals"]
    return {
        row["principal"]: (row["verdict"], row["via"], row["residual"])
        for row in rows
        if row["principal"].startswith("person:")
    }


DENIED = ("ImplicitlyDenied", None)
CASES: dict[str, tuple[Json, str]] = {
    "assignments of a set in an account": ({"unread_assignments": ((MAIL, ONE),)}, f"{MAIL}@{ONE}"),
    "assignments of a set anywhere": ({"unread_assignments": ((MAIL, ""),)}, f"{MAIL}@*"),
    "which sets there are": (
        {"unread_assignments": ((INSTANCE, ""),), "permission_sets": NAMED[1:]},
        INSTANCE,
    ),
    "a set's name": (
        {"assignments": (to(MAIL, "d-1"),), "permission_sets": NAMED[1:]},
        MAIL,
    ),
    "the name of a set of a group": (
        {
            "assignments": (to(MAIL, "g-1"),),
            "permission_sets": (),
            "directory_groups": (DirectoryGroup(id="g-1", name="staff", members=("d-1",)),),
        },
        MAIL,
    ),
    "members of a group": (
        {
            "assignments": (to(MAIL, "g-1"),),
            "directory_groups": (DirectoryGroup(id="g-1", name="staff", members=()),),
            "unread_members": ("g-1",),
        },
        "identitystore:group/g-1",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_was_not_read_of_assignments_makes_the_answer_hang_on_it(case: str, tmp_path: Path) -> None:
    fields, unread = CASES[case]
    one = asked(tmp_path, **fields)
    assert answer(one) == ("Conditional", {"document": unread})
    assert [row["via"] for row in one.can(EVE, SEND, Q.arn)["chains"]] == [[SENDER.arn]]
    # Through the role to another one.
    assert answer(one, "sqs:PurgeQueue") == DENIED
    (row,) = one.can(EVE, "sqs:PurgeQueue", Q.arn)["chains"]
    assert (row["via"], row["residual"]) == ([SENDER.arn, FURTHER.arn], {"document": unread})
    # No role that may be hers could do this, nor any of another account's.
    assert answer(one, "sqs:SetQueueAttributes") == DENIED
    assert answer(one, SEND, P.arn) == DENIED
    assert answer(one, person="person:old") == DENIED


@pytest.mark.parametrize("case", CASES)
def test_whoever_may_have_a_role_by_what_was_not_read_is_listed(case: str, tmp_path: Path) -> None:
    fields, unread = CASES[case]
    one, hangs = asked(tmp_path, **fields), {"document": unread}
    assert listed(one, SEND) == {EVE: ("Conditional", [SENDER.arn], hangs)}
    assert listed(one, "sqs:PurgeQueue") == {EVE: ("Conditional", [SENDER.arn, FURTHER.arn], hangs)}
    assert listed(one, "sqs:SetQueueAttributes") == listed(one, SEND, P.arn) == {}
    (row,) = [row for row in reach(one, EVE, action=SEND) if row.resource_class.pattern == Q.arn]
    assert (row.verdict, row.via) == (Verdict.CONDITIONAL, (SENDER.arn,))
    (row,) = [row for row in reach(one, EVE, action="sqs:PurgeQueue") if row.resource_class.pattern == Q.arn]
    assert row.via == (SENDER.arn, FURTHER.arn)
    assert not list(reach(one, "person:old"))


def test_who_is_known_to_have_a_role_is_listed_beside_those_who_may(tmp_path: Path) -> None:
    names = (("d-1", "eve"), ("d-2", "bob"), ("d-3", "una"))
    users = tuple(DirectoryUser(id=id, user_name=name, active=True) for id, name in names)
    unread = {"unread_assignments": ((AUDIT, ONE),), "unread_members": ("g-1",)}
    group = DirectoryGroup(id="g-1", name="staff", members=("d-2",))
    given = (to(MAIL, "g-1"), to(AUDIT, "d-3"))
    one = asked(tmp_path, directory_users=users, directory_groups=(group,), assignments=given, **unread)
    may = ("Conditional", [SENDER.arn], {"document": "identitystore:group/g-1"})
    assert listed(one, SEND) == {
        "person:bob": ("Allowed", [SENDER.arn], None),
        "person:eve": may,
        "person:una": may,
    }
    may = ("Conditional", [READER.arn], {"document": f"{AUDIT}@{ONE}"})
    assert listed(one, "sqs:ReceiveMessage") == {
        "person:bob": may,
        "person:eve": may,
        "person:una": ("Allowed", [READER.arn], None),
    }


def test_to_leave_a_group_whose_members_were_not_read_takes_away_what_nobody_knows(tmp_path: Path) -> None:
    one = asked(tmp_path, **CASES["members of a group"][0])
    with pytest.raises(NotHeldError, match="who is in group `staff` was not read"):
        revocation(one.world, one.world.subjects.by_key[EVE], "group", "staff")


def test_what_is_known_stays_and_what_is_unread_widens_a_condition(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    known = asked(tmp_path / "a", assignments=(to(MAIL, "d-1"),), unread_assignments=((MAIL, ONE), (AUDIT, ONE)))
    assert answer(known) == ("Allowed", None)
    assert answer(known, "sqs:ReceiveMessage") == ("Conditional", {"document": f"{AUDIT}@{ONE}"})
    assert listed(known, SEND) == {EVE: ("Allowed", [SENDER.arn], None)}
    some = allow("sqs:*", Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}})
    office = reserved("Audit", ONE, some)
    one = asked(
        tmp_path / "b",
        roles=(SENDER, office, FURTHER),
        assignments=(to(AUDIT, "d-1"),),
        unread_assignments=((MAIL, ONE),),
    )
    verdict, residual = answer(one)
    assert verdict == "Conditional" and len(residual["any"]) == 2
    assert {"document": f"{MAIL}@{ONE}"} in residual["any"]


def test_a_set_without_a_role_in_an_account_that_was_read_gives_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    unread = ((MAIL, TWO),)
    assert answer(asked(tmp_path / "a", unread_assignments=unread), resource=P.arn) == DENIED
    one = asked(tmp_path / "b", unread_assignments=unread, unread_principals=(TWO,))
    verdict, residual = answer(one, resource=P.arn)
    assert verdict == "Conditional" and {"document": f"{MAIL}@{TWO}"} in residual["all"]
    assert answer(one) == DENIED
    (found,) = listed(one, SEND, P.arn).values()
    assert found[0] == "Conditional" and {"document": f"{MAIL}@{TWO}"} in found[2]["all"]
    assert listed(one, SEND) == {}


def told(one: Questions, action: str) -> str:
    found: Answer = one.answer(EVE, action, Q.arn)
    if found.step is None:
        return why_no_role(one, EVE, "Eve")
    return how_given(Names(one.world.inventory), "Eve", found)


def test_people_are_told_that_an_assignment_was_not_read(tmp_path: Path) -> None:
    one = asked(tmp_path, unread_assignments=((MAIL, ONE),))
    assert told(one, SEND) == "Whether Eve has this permission set was not read."
    assert told(one, "sqs:SetQueueAttributes") == (
        "No permission set is known to be assigned to Eve, and none that may be lets Eve do this."
    )
    names = Names(one.world.inventory)
    assert names.document(f"{MAIL}@{ONE}") == "the list of assignments of permission set Mail in name-1 (111111111111)"
    assert names.document(f"{MAIL}@*") == "the list of assignments of permission set Mail"
    assert names.document(MAIL) == "the description of permission set Mail"
    assert names.document(INSTANCE) == "the list of permission sets of Identity Center"
    assert names.document("identitystore:group/g-9") == "the list of members of group g-9"
