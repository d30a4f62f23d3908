"""Entitlements of account access manager: people become existing roles where the trust lets the service in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from graph.differences import diff
from graph.paths import paths
from graph.questions import Questions
from graph.reaching import reach
from graph.steps import ASSUME_ROLE, BY_ENTITLEMENT, WITH_SAML
from graph.whatif import what_if
from graph.whatif_names import revocation
from graph.world import World
from model.access_manager import AccessApplication, RoleEntitlement
from model.entities import DirectoryGroup, DirectoryUser, Gap, IdentityCenter, Role
from model.inventory import Inventory, InventoryData
from model.naming import Names
from policy.context import Overrides
from policy.verdicts import Verdict
from tests.graph.earlier_worlds import rebuilt, said, taken
from tests.graph.test_graph_rows import edges, graph_of
from tests.graph.worlds import (
    MANAGEMENT,
    ONE,
    ORG,
    TWO,
    Json,
    allow,
    document,
    made,
    questions_of,
    queue,
    role,
    trust,
    user,
)

APPLICATION = f"arn:aws:account-access:us-east-1:{MANAGEMENT}:application/1234567890abcdef"
OTHER = f"arn:aws:account-access:us-east-1:{MANAGEMENT}:application/another"
SERVICE = {"Service": "account-access.amazonaws.com"}
BOTH = ["sts:AssumeRole", "sts:SetContext"]
SEND = "sqs:SendMessage"
EVE, OLD = "person:eve@x.example", "person:old"


def trusting(**conditions: Any) -> str:
    """The trust that AWS's own page shows, with conditions."""
    more: Json = {"Condition": conditions} if conditions else {}
    return document({**trust(SERVICE, BOTH), **more})


def entitled(role: Role, principal: str = "d-1", id: str = "e-1", application: str = APPLICATION) -> RoleEntitlement:
    kind: Any = "GROUP" if principal.startswith("g-") else "USER"
    return RoleEntitlement(id=id, application=application, principal_type=kind, principal_id=principal, role=role.arn)


def data(one: Role, *items: RoleEntitlement, **fields: Any) -> InventoryData:
    """A role that sends to a queue of its account, with entitlements to it."""
    more: Json = {
        "roles": (one,),
        "resources": (queue("q"),),
        "centers": (IdentityCenter(instance="i", store="d", owner=MANAGEMENT),),
        "directory_users": (
            DirectoryUser(id="d-1", user_name="eve", emails=("eve@x.example",), active=True),
            DirectoryUser(id="d-2", user_name="old", active=False),
        ),
        "directory_groups": (DirectoryGroup(id="g-1", name="staff", members=("d-1", "d-2")),),
        "access_applications": (AccessApplication(arn=APPLICATION, status="ACTIVE"),),
        "entitlements": items or (entitled(one),),
    }
    return made(**{**more, **fields})


def sender(trusts: str, **more: Any) -> Role:
    return role("sender", ONE, allow(SEND), trusts=trusts, **more)


def asked(some: InventoryData, folder: Path) -> Questions:
    folder.mkdir(parents=True, exist_ok=True)
    return questions_of(World(Inventory(some)), folder)


def step(some: InventoryData, person: str = EVE) -> tuple[str, Any] | None:
    """(verdict, residual) of the person's one step."""
    world = World(Inventory(some))
    found = world.people.out(world.subjects.by_key[person].index)
    assert len(found) < 2
    return (str(found[0].outcome.verdict), found[0].outcome.residual) if found else None


ALLOWED = ("Allowed", None)


@pytest.mark.parametrize(
    ("trusts", "expected"),
    [
        (trusting(), ALLOWED),
        (trusting(StringEquals={"aws:SourceAccount": MANAGEMENT, "aws:SourceArn": APPLICATION}), ALLOWED),
        (trusting(StringEquals={"aws:SourceOrgID": ORG}), ALLOWED),
        (trusting(**{"ForAnyValue:StringLike": {"aws:SourceOrgPaths": f"{ORG}/r-1/*"}}), ALLOWED),
        (trusting(StringEquals={"aws:SourceAccount": ONE}), None),
        (trusting(StringEquals={"aws:SourceArn": OTHER}), None),
        (document(trust(SERVICE)), None),  # without sts:SetContext
        (document(trust(SERVICE, "sts:SetContext")), None),
        (document(trust(SERVICE, [*BOTH, "sts:TagSession"])), ALLOWED),
        (document(trust({"Service": "lambda.amazonaws.com"}, BOTH)), None),
        (document(trust({"AWS": ONE}, BOTH)), None),
        (document(trust(SERVICE, BOTH), trust("*", "sts:SetContext", effect="Deny")), None),
    ],
)
def test_the_role_s_trust_decides_about_the_service(trusts: str, expected: tuple[str, Any] | None) -> None:
    assert step(data(sender(trusts))) == expected


def test_what_nobody_knows_of_the_call_makes_it_conditional() -> None:
    found = step(data(sender(trusting(IpAddress={"aws:SourceIp": "203.0.113.0/24"}))))
    assert found is not None
    assert found[0] == "Conditional"
    assert '"aws:SourceIp"' in json.dumps(found[1])


@pytest.mark.parametrize("status", ["", "CREATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "CREATE_FAILED", "DELETE_FAILED"])
def test_an_application_that_is_not_known_to_be_active_opens_nothing_for_sure(status: str) -> None:
    some = data(sender(trusting()), access_applications=(AccessApplication(arn=APPLICATION, status=status),))
    assert step(some) == ("Conditional", {"document": APPLICATION})
    # A trust that keeps the service out keeps it out whatever the application does.
    kept_out = data(sender(document(trust({"AWS": ONE}))), access_applications=some.access_applications)
    assert step(kept_out) is None


def test_a_role_that_was_not_read_is_conditional_and_never_a_no(tmp_path: Path) -> None:
    unread = role("sender", TWO, trusts="", assumed_from_permission_set=True)
    some = data(unread, unread_principals=(TWO,), resources=(queue("q", TWO),))
    assert step(some) == ("Conditional", {"document": f"{unread.arn}#trust"})
    answer = asked(some, tmp_path).can(EVE, SEND, queue("q", TWO).arn)
    assert answer["verdict"] == "Conditional"
    assert {"document": f"account:{TWO}"} in answer["residual"].get("all", [answer["residual"]])


def test_a_conditional_entitlement_makes_the_person_s_own_answer_conditional(tmp_path: Path) -> None:
    some = data(sender(trusting()), access_applications=(AccessApplication(arn=APPLICATION),))
    answer = asked(some, tmp_path).can(EVE, SEND, queue("q").arn)
    assert (answer["verdict"], answer["residual"]) == ("Conditional", {"document": APPLICATION})
    assert [chain["verdict"] for chain in answer["chains"]] == ["Conditional"]


def test_a_role_that_does_not_exist_is_nobody_s() -> None:
    gone = role("gone", ONE, trusts=trusting())
    assert step(data(sender(trusting()), entitled(gone))) is None


def test_a_group_s_entitlement_is_its_members_and_disabled_people_open_nothing() -> None:
    some = data(sender(trusting()), entitled(sender(trusting()), "g-1"))
    assert step(some) == ALLOWED
    assert step(some, OLD) is None
    assert step(data(sender(trusting()), entitled(sender(trusting()), "d-2")), OLD) is None


def test_the_best_of_several_entitlements_is_told_with_its_reasons() -> None:
    one = sender(trusting(StringEquals={"aws:SourceArn": OTHER}))
    items = (entitled(one), entitled(one, "g-1", "e-2", OTHER), entitled(one, "d-1", "e-3", OTHER))
    active = tuple(AccessApplication(arn=arn, status="ACTIVE") for arn in (APPLICATION, OTHER))
    world = World(Inventory(data(one, *items, access_applications=active)))
    (found,) = world.people.out(world.subjects.by_key[EVE].index)
    assert (found.action, found.outcome.verdict) == (BY_ENTITLEMENT, Verdict.ALLOWED)
    given = [item["policy"] for item in found.outcome.because if item["layer"] == "entitlement"]
    assert given == [f"{OTHER}#entitlement:e-2", f"{OTHER}#entitlement:e-3"]
    assert {item["policy"] for item in found.outcome.because if item["layer"] == "resource"} == {f"{one.arn}#trust"}
    assert [step.source.key for step in world.people.into(found.target.index)] == [EVE]
    names = Names(world.inventory)
    assert names.assignment(given[0]) == "entitled to role sender in name-1 (111111111111) through group staff"
    assert names.assignment(given[1]) == "entitled to role sender in name-1 (111111111111) directly"


def test_people_can_reach_and_are_found_through_the_entitled_role(tmp_path: Path) -> None:
    one = sender(trusting(StringEquals={"aws:SourceArn": APPLICATION}))
    questions = asked(data(one, entitled(one, "g-1")), tmp_path)
    answer = questions.can(EVE, SEND, queue("q").arn)
    assert answer["verdict"] == "Allowed"
    assert [chain["via"] for chain in answer["chains"]] == [[one.arn]]
    layers = {item["layer"] for item in answer["because"]}
    assert {"entitlement", "resource", "identity"} <= layers
    who = {row["principal"]: row for row in questions.who_can(SEND, queue("q").arn)["principals"]}
    assert (who[EVE]["verdict"], who[EVE]["via"]) == ("Allowed", [one.arn])
    assert OLD not in who
    rows = {row.resource_class.pattern: row for row in reach(questions, EVE)}
    assert rows[queue("q").arn].via == (one.arn,)
    (path,) = paths(questions, EVE, queue("q").arn)["paths"]
    assert path["nodes"] == [EVE, one.arn, queue("q").arn]
    assert questions.can(OLD, SEND, queue("q").arn)["verdict"] == "ImplicitlyDenied"


def test_a_chain_goes_on_from_the_entitled_role(tmp_path: Path) -> None:
    door = role("door", ONE, allow("sts:AssumeRole"), trusts=trusting())
    vault = role("vault", TWO, allow(SEND), trusts=document(trust({"AWS": door.arn})))
    some = data(door, roles=(door, vault), resources=(queue("q", TWO),))
    who = {row["principal"]: row for row in asked(some, tmp_path).who_can(SEND, queue("q", TWO).arn)["principals"]}
    assert who[EVE]["via"] == [door.arn, vault.arn]


def test_what_the_asker_says_of_the_context_counts_for_the_entitlement(tmp_path: Path) -> None:
    one = sender(trusting(IpAddress={"aws:SourceIp": "203.0.113.0/24"}))
    questions = asked(data(one), tmp_path)
    verdicts = [
        questions.can(EVE, SEND, queue("q").arn, Overrides.of({"aws:SourceIp": [ip]}))["verdict"]
        for ip in ("203.0.113.7", "198.51.100.7")
    ]
    assert verdicts == ["Allowed", "ImplicitlyDenied"]
    # What is known of the service's call is no matter of opinion.
    bound = asked(data(sender(trusting(StringEquals={"aws:SourceArn": APPLICATION}))), tmp_path / "bound")
    said = Overrides.of({"aws:SourceArn": [OTHER]}, absent=["aws:SourceAccount"])
    assert bound.can(EVE, SEND, queue("q").arn, said)["verdict"] == "Allowed"


def test_who_can_names_people_under_the_call_that_is_theirs(tmp_path: Path) -> None:
    one = sender(trusting())
    questions = asked(data(one), tmp_path)
    # Account access manager makes the call, not the person.
    assert [row["principal"] for row in questions.who_can(ASSUME_ROLE, one.arn)["principals"]] == [
        "account-access.amazonaws.com"
    ]
    assert questions.who_can(WITH_SAML, one.arn)["principals"] == []


def test_a_gap_in_the_entitlements_could_change_any_answer(tmp_path: Path) -> None:
    gap = Gap(
        account=MANAGEMENT,
        region="global",
        service="account-access",
        operation="ListEntitlements",
        outcome="denied",
        affects=APPLICATION,
    )
    questions = asked(data(sender(trusting()), gaps=(gap,)), tmp_path)
    assert [item["affects"] for item in questions.who_can(SEND, queue("q").arn)["unknown"]] == [APPLICATION]
    skipped = replace(gap, operation="ListApplications", outcome="unsupported")
    told = asked(data(sender(trusting()), skipped=(skipped,)), tmp_path / "skipped").not_collected()
    assert told == ["entitlements of account access manager"]


def test_the_graph_shows_who_is_entitled_and_what_it_opens(tmp_path: Path) -> None:
    one, shut = sender(trusting()), role("shut", ONE, trusts=document(trust({"AWS": ONE})))
    items = (
        entitled(one, "g-1"),
        entitled(one, "d-1", "e-2"),
        entitled(shut, "d-1", "e-3"),
        entitled(one, "d-9", "e-4"),
    )
    world = World(Inventory(data(one, *items, roles=(one, shut))))
    _, graph = graph_of(world, tmp_path / "graph")
    given = {(row["source"], row["target"], row["entitlement"], row["orphan"]) for _, row in edges(graph, "ENTITLED")}
    assert given == {
        ("g-1", one.arn, "e-1", False),
        (EVE, one.arn, "e-2", False),
        (EVE, shut.arn, "e-3", False),
        ("person:d-9", one.arn, "e-4", True),
    }
    opened = {
        (row["source"], row["target"], row["verdict"])
        for _, row in edges(graph, "CAN_ASSUME")
        if row["action"] == BY_ENTITLEMENT
    }
    assert opened == {("g-1", one.arn, "Allowed"), (EVE, one.arn, "Allowed")}
    together = {row["source"] for _, row in edges(graph, "IN_COMPONENT")}
    assert {EVE, "g-1", one.arn} <= together


def test_a_new_entitlement_is_seen_and_nothing_is_decided_anew_for_it(tmp_path: Path) -> None:
    one = sender(trusting())
    before = data(one, entitlements=())
    tables, fresh = rebuilt(before, data(one), tmp_path)
    assert taken(tables) == len(tables.accounts)
    assert said(tables) == said(fresh)
    who = {row["principal"] for row in Questions(tables).who_can(SEND, queue("q").arn)["principals"]}
    assert EVE in who


def test_diff_names_the_entitlement_as_the_reason(tmp_path: Path) -> None:
    one = sender(trusting())
    before, after = asked(data(one, entitlements=()), tmp_path / "a"), asked(data(one), tmp_path / "b")
    for found in (diff(before, after).gained, diff(after, before).lost):
        assert {row.principal for row in found} == {EVE}
        assert {(why.kind, why.id) for row in found for why in row.why} == {
            ("assignment", f"{APPLICATION}#entitlement:e-1")
        }
        assert {row.via for row in found} == {(one.arn,)}


def test_diff_names_the_trust_that_let_account_access_manager_in(tmp_path: Path) -> None:
    one, shut = sender(trusting()), sender(document(trust({"AWS": ONE})))
    found = diff(asked(data(shut), tmp_path / "a"), asked(data(one), tmp_path / "b"))
    why = {(item.kind, item.id) for row in found.gained if row.principal == EVE for item in row.why}
    assert why == {("trust", f"{one.arn}#trust")}


def test_entitlements_that_one_snapshot_did_not_read_are_unknown_and_not_lost(tmp_path: Path) -> None:
    one = sender(trusting())
    unread = data(one, entitlements=(), access_applications=(), unread_entitlements=True)
    found = diff(asked(data(one), tmp_path / "a"), asked(unread, tmp_path / "b"))
    assert (found.lost, found.gained) == ([], [])
    assert {row.principal for row in found.unknown} == {EVE}


def test_what_if_the_trust_no_longer_let_the_service_in(tmp_path: Path) -> None:
    ann = user("ann", ONE, allow("sts:AssumeRole"))
    one = sender(document(trust(SERVICE, BOTH, Sid="access"), trust({"AWS": ann.arn}, Sid="ann")))
    questions = asked(data(one, users=(ann,)), tmp_path)
    eve = questions.world.subjects.by_key[EVE]
    lost = {
        sid: {
            row["resource"]
            for row in what_if(questions, eve, revocation(questions.world, eve, "trust", id)).to_json()["lost"]
        }
        for sid in ("access", "ann")
        for id in (f"{one.arn}#{sid}",)
    }
    assert queue("q").arn in lost["access"]
    assert lost["ann"] == set()
