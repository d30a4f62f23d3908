"""The graph's rows say what the tables and the inventory say: seeded random organisations, and one with groups."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import networkx as nx
import pytest

from graph.access import admin_tests, admins, graph_rows
from graph.access_rows import ASKED_DIRECTLY, CHAINED, _spelled
from graph.access_steps import add_components
from graph.kinds import EdgeTable
from graph.partition import ITSELF
from graph.patterns import minimal
from graph.questions import Questions
from graph.rows import Pieces
from graph.steps import ASSUME_ROLE
from graph.store import Rows, normalised
from graph.world import World
from model.entities import Assignment, DirectoryGroup, DirectoryUser, IdentityCenter, PermissionSet
from model.inventory import Inventory
from policy.request import Principal
from policy.verdicts import Verdict
from tests.graph.worlds import (
    ONE,
    TWO,
    allow,
    bucket,
    document,
    made_world,
    questions_of,
    role,
    seeds,
    trust,
    user,
    world,
)

Graph = tuple[Mapping[str, Rows], Mapping[EdgeTable, Rows]]


def graph_of(some: World, folder: Path) -> tuple[Questions, Graph]:
    """The rows of a world, checked as a load checks them."""
    folder.mkdir()
    questions = questions_of(some, folder)
    steps = [step for step in some.steps.all if step.source.kind != "Person"]
    return questions, normalised(*graph_rows(some, questions.tables, steps))


def nodes(graph: Graph, kind: str) -> dict[str, dict[str, Any]]:
    return {row["key"]: row for row in graph[0][kind].to_pylist()} if kind in graph[0] else {}


def edges(graph: Graph, kind: str) -> Iterator[tuple[EdgeTable, dict[str, Any]]]:
    for table, rows in graph[1].items():
        if table.kind == kind:
            for row in rows.to_pylist():
                yield table, row


def pairs(graph: Graph, kind: str) -> set[tuple[str, str]]:
    return {(row["source"], row["target"]) for _, row in edges(graph, kind)}


def places(graph: Graph) -> dict[str, set[str]]:
    """What is in each class: resources, and parts of containers by their patterns; open ones by their account."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for one, other in pairs(graph, "CONTAINS"):
        found[one].add(other)
    classes = nodes(graph, "ResourceClass")
    for _, row in edges(graph, "INSIDE"):
        assert (row["part"] is None) == classes[row["source"]]["wide"]
        if row["part"] is not None:
            found[row["source"]].add(f"{row['target']} {row['part']}")
    for key, node in classes.items():
        if node["open"]:
            found[key].add(f"open {node['account_id']}")
    for one, wide in pairs(graph, "WITHIN"):
        assert classes[wide]["wide"] and not classes[one]["wide"]
        found[wide] |= found[one]
    for key, several in found.items():
        inside = {target for source, target in pairs(graph, "INSIDE") if source == key}
        assert inside == {place.partition(" ")[0] for place in several if " " in place and "open" not in place}
    return found


Held = set[tuple[str, bool, str, str, tuple[str, ...]]]


def held_in_tables(questions: Questions) -> Held:
    """(principal, whether in the session without MFA, place, verdict, patterns) of every direct grant."""
    classes = questions.tables.classes
    found: Held = set()
    for subject in questions.world.subjects.deciding():
        for grant in questions.tables.grants_of(subject.index):
            item = classes[grant.resource_class]
            here = {f"{item.owner} {item.pattern}"} if item.contents else set(item.members)
            for place in {f"open {item.account}"} if item.open else here:
                said = str(grant.outcome.verdict), minimal(grant.actions)
                found.add((subject.key, subject.lost, place, *said))
    return found


def held_in_graph(some: World, graph: Graph) -> Held:
    inside, grants = places(graph), nodes(graph, "Grant")
    covered: defaultdict[str, set[str]] = defaultdict(set)
    for source, target in pairs(graph, "COVERS"):
        covered[source] |= inside[target]
    two = {subject.key for subject in some.subjects.all if subject.lost}
    found: Held = set()
    for _, row in edges(graph, "HOLDS"):
        who, grant = row["source"], grants[row["target"]]
        sessions = {ASKED_DIRECTLY: [False], CHAINED: [True]}.get(row["session"], [False, True])
        for lost in sessions if who in two else [False]:
            for place in covered[row["target"]]:
                found.add((who, lost, place, grant["verdict"], tuple(grant["actions"])))
    return found


@pytest.mark.parametrize("seed", seeds(4, 200))
def test_rows_say_what_the_tables_say(seed: int, tmp_path: Path) -> None:
    some = World(Inventory(world(seed)))
    questions, graph = graph_of(some, tmp_path / "tables")
    assert held_in_graph(some, graph) == held_in_tables(questions)
    resources = {resource.arn for resource in some.inventory.all_resources()}
    parts = [row["part"] for _, row in edges(graph, "INSIDE") if row["part"] is not None]
    assert sorted(parts) == sorted(item.pattern for item in questions.tables.classes if item.contents)
    classes = nodes(graph, "ResourceClass")
    contained = [row["target"] for _, row in edges(graph, "CONTAINS") if not classes[row["source"]]["wide"]]
    assert sorted(contained) == sorted(resources) == sorted(nodes(graph, "Resource"))
    assert {key: row["public"] for key, row in nodes(graph, "Resource").items() if row["public"] != "no"} == public(
        questions
    )
    _roles_and_admins(some, graph)


def public(questions: Questions) -> dict[str, str]:
    """Resources on which, or in which, anyone is granted something: for certain, or perhaps."""
    classes = questions.tables.classes
    found: dict[str, str] = {}
    for grant in questions.tables.grants_of(questions.world.subjects.by_key["anonymous"].index):
        item = classes[grant.resource_class]
        for arn in (item.owner,) if item.contents else item.members:
            sure = grant.outcome.verdict is Verdict.ALLOWED or found.get(arn) == "yes"
            found[arn] = "yes" if sure else "unknown"
    return found


def _roles_and_admins(some: World, graph: Graph) -> None:
    """Against every decision, none left out."""
    stranger = some.assembler.caller(Principal.parse("000000000000"))
    said = {Verdict.ALLOWED: "yes", Verdict.CONDITIONAL: "conditional"}
    for arn, node in nodes(graph, "Role").items():
        verdict = some.assembler.decide(stranger, ASSUME_ROLE, arn).verdict
        assert node["open_trust"] == said.get(verdict, "no"), arn
    wanted = {
        (subject.key, f"account:{subject.account}")
        for subject in some.subjects.collected()
        if not subject.lost
        and all(
            some.decider.decide(subject, action, arn).can
            for action, arn in admin_tests(subject.account, some.inventory.partition)
        )
    }
    assert {(subject.key, f"account:{account}") for subject, account, _ in admins(some)} == wanted
    assert pairs(graph, "ADMIN_OF") == wanted


def test_a_bucket_is_public_if_any_part_of_it_is(tmp_path: Path) -> None:
    asked = {"Condition": {"StringEquals": {"aws:Referer": "https://x.example/"}}}
    some = made_world(
        resources=(
            bucket("part", ONE, allow("s3:GetObject", "arn:aws:s3:::part/open/*", Principal="*")),
            bucket("perhaps", ONE, allow("s3:GetObject", "arn:aws:s3:::perhaps/*", Principal="*", **asked)),
            bucket(
                "both",
                ONE,
                allow("s3:GetObject", "arn:aws:s3:::both/a/*", Principal="*"),
                allow("s3:GetObject", "arn:aws:s3:::both/b/*", Principal="*", **asked),
            ),
            bucket("own", ONE, allow("s3:GetObject", "arn:aws:s3:::own/*", Principal={"AWS": ONE})),
        )
    )
    _, graph = graph_of(some, tmp_path / "tables")
    found = {node["name"]: node["public"] for node in nodes(graph, "Resource").values() if node["type"] == "s3:bucket"}
    assert found == {"part": "yes", "perhaps": "unknown", "both": "yes", "own": "no"}


def test_a_trust_in_all_but_some_lets_in_strangers(tmp_path: Path) -> None:
    spared = {"Effect": "Allow", "NotPrincipal": {"AWS": f"arn:aws:iam::{TWO}:root"}, "Action": "sts:AssumeRole"}
    roles = (role("all-but", ONE, trusts=document(spared)), role("named", ONE, trusts=document(trust({"AWS": TWO}))))
    some = made_world(roles=roles)
    _, graph = graph_of(some, tmp_path / "tables")
    assert [node["open_trust"] for _, node in sorted(nodes(graph, "Role").items())] == ["yes", "no"]
    _roles_and_admins(some, graph)


def test_reasons_name_the_resource_where_a_grant_is_on_one_alone(tmp_path: Path) -> None:
    shared = allow("s3:ListBucket", "arn:aws:s3:::*", Principal={"AWS": TWO})
    some = made_world(
        users=(user("u", TWO, allow("s3:ListBucket")),),
        resources=(
            bucket("alone", ONE, allow("s3:GetBucketAcl", "arn:aws:s3:::*", Principal={"AWS": TWO})),
            *(bucket(name, ONE, shared) for name in ("x", "y")),
        ),
    )
    _, graph = graph_of(some, tmp_path / "tables")
    policies = {reason["policy"] for node in nodes(graph, "Grant").values() for reason in json.loads(node["because"])}
    assert "arn:aws:s3:::alone#policy" in policies
    assert f"{ITSELF}#policy" in policies
    assert "arn:aws:s3:::x#policy" not in policies


@pytest.mark.parametrize("seed", seeds(4, 200))
def test_reasons_of_grants_on_one_class_are_spelled_as_questions_spell_them(seed: int, tmp_path: Path) -> None:
    some = World(Inventory(world(seed)))
    questions, graph = graph_of(some, tmp_path / "tables")
    classes = questions.tables.classes
    wanted = {
        (json.dumps(grant.outcome.residual), json.dumps(list(grant.outcome.because)))
        for subject in some.subjects.deciding()
        for grant in questions.tables.grants_of(subject.index)
        if len(classes[grant.resource_class].members) <= 1
    }
    inside = places(graph)
    covered: defaultdict[str, list[str]] = defaultdict(list)
    for source, target in pairs(graph, "COVERS"):
        covered[source] += inside[target]
    shown = 0
    for key, node in nodes(graph, "Grant").items():
        if len(covered[key]) == 1:
            residual = json.loads(node["residual"]) if node["residual"] is not None else None
            assert (json.dumps(residual), json.dumps(json.loads(node["because"]))) in wanted
            assert ITSELF not in (node["residual"] or "") + node["because"]
            shown += 1
    assert shown


def test_only_texts_that_are_the_resource_are_spelled() -> None:
    said = [{"policy": f"{ITSELF}#policy", "sid": f'a "{ITSELF}# b', "values": [ITSELF, f"x{ITSELF}"]}]
    found = json.loads(_spelled(json.dumps(said), "own/er", 'a"rn') or "")
    assert found == [{"policy": "own/er#policy", "sid": f'a "{ITSELF}# b', "values": ['a"rn', f"x{ITSELF}"]}]
    assert _spelled(None, "owner", "arn") is None


# -- people


def staffed() -> World:
    """Two sets in two accounts: groups of several, of nobody enabled, of nobody; one person assigned twice over."""
    sets = [PermissionSet(arn=f"arn:aws:sso:::permissionSet/i/ps-{name}", name=name, instance="i") for name in "ab"]

    def reserved(name: str, account: str) -> Any:
        provider = {"Federated": f"arn:aws:iam::{account}:saml-provider/x"}
        trusts = document(trust(provider, "sts:AssumeRoleWithSAML"))
        path = "/aws-reserved/sso.amazonaws.com/"
        return role(f"AWSReservedSSO_{name}_0123456789abcdef", account, path=path, trusts=trusts)

    def given(name: str, account: str, kind: Any, who: str) -> Assignment:
        chosen = sets["ab".index(name)].arn
        return Assignment(permission_set=chosen, account=account, principal_type=kind, principal_id=who)

    people = [("1", True), ("2", None), ("3", False), ("4", True)]
    return made_world(
        roles=(
            *(reserved(name, account) for name in "ab" for account in (ONE, TWO)),
            role("next", ONE, trusts=document(trust({"AWS": ONE}))),
        ),
        centers=(IdentityCenter(instance="i", store="d", owner=ONE),),
        permission_sets=tuple(sets),
        directory_users=tuple(
            DirectoryUser(id=f"d-{id}", user_name=f"p{id}", emails=(), active=active) for id, active in people
        ),
        directory_groups=(
            DirectoryGroup(id="g-all", name="all", members=("d-1", "d-2", "d-3")),
            DirectoryGroup(id="g-left", name="left", members=("d-3",)),
            DirectoryGroup(id="g-none", name="none", members=()),
        ),
        assignments=(
            given("a", ONE, "GROUP", "g-all"),
            given("a", TWO, "GROUP", "g-all"),
            given("b", ONE, "GROUP", "g-left"),
            given("b", TWO, "GROUP", "g-none"),
            given("a", ONE, "USER", "d-1"),
            given("b", ONE, "USER", "d-1"),
            given("b", TWO, "USER", "d-3"),
            given("a", ONE, "GROUP", "g-deleted"),
        ),
    )


def test_members_come_to_what_their_groups_open_and_the_disabled_to_nothing(tmp_path: Path) -> None:
    some = staffed()
    _, graph = graph_of(some, tmp_path / "tables")
    opens = pairs(graph, "CAN_ASSUME")
    members = pairs(graph, "MEMBER_OF")
    for key, person in some.inventory.people.items():
        groups = {group for who, group in members if who == key}
        found = {target for source, target in opens if source == key or source in groups}
        assert person.user.active is False or found == set(person.roles), key
    assert {source for source, _ in opens if source.startswith("g-")} == {"g-all"}
    assert ("person:p3", "g-all") in members
    assert not any(source == "person:p3" for source, _ in opens)
    shown = {row["source"]: row["because"] for _, row in edges(graph, "CAN_ASSUME") if row["source"] == "g-all"}
    assert "#group:g-all" in shown["g-all"]


def test_components_of_people_lead_where_their_steps_do(tmp_path: Path) -> None:
    some = staffed()
    _, graph = graph_of(some, tmp_path / "tables")
    of = {row["source"]: row["target"] for _, row in edges(graph, "IN_COMPONENT")}
    leads = nx.DiGraph(pairs(graph, "LEADS_TO"))
    steps = nx.DiGraph((step.source.key, step.target.key) for step in some.steps.all if step.source is not step.target)
    for key, person in some.inventory.people.items():
        reached = nx.descendants(steps, key) if key in steps else set()
        after = nx.descendants(leads, of[key]) if key in of and of[key] in leads else set()
        assert {who for who, name in of.items() if name in after} & set(some.inventory.roles) == reached, key
        assert reached or not person.roles


@pytest.mark.parametrize("seed", range(20))
def test_the_condensation_is_its_transitive_reduction(seed: int, tmp_path: Path) -> None:
    pick = random.Random(seed)
    names = [("Role", f"r{n:02}") for n in range(pick.choice([4, 12, 40]))]
    steps = {(pick.choice(names), pick.choice(names)) for _ in range(pick.choice([10, 60]))}
    pieces = Pieces(tmp_path)
    add_components(pieces, steps)
    _, found = pieces.whole()
    drawn: Any = nx.DiGraph([(a[1], b[1]) for a, b in steps if a != b])
    condensed = nx.condensation(drawn)
    name = {place: f"component:{min(condensed.nodes[place]['members'])}" for place in condensed}
    wanted = {(name[a], name[b]) for a, b in nx.transitive_reduction(condensed).edges}
    rows = found.get(EdgeTable("LEADS_TO", "Component", "Component"))
    assert {(row["source"], row["target"]) for row in (rows.to_pylist() if rows is not None else [])} == wanted
    inside = found[EdgeTable("IN_COMPONENT", "Role", "Component")].to_pylist()
    assert {(row["source"], row["target"]) for row in inside} == {
        (member, name[place]) for place in condensed for member in condensed.nodes[place]["members"]
    }
