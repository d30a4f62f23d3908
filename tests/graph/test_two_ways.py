"""Ten questions about the demo's organisation, answered from the tables and from the graph: the answers are one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from graph.access import admins, levels_of, under_conditions
from graph.deciding import Outcome
from graph.generations import current
from graph.questions import Questions
from graph.store import Store, open_store
from graph.tables import Tables
from model.entities import Resource

#: Who can become a role: by itself, or as a member, not disabled, of a group of the directory.
ASSUMING = (
    "MATCH (p {snapshot: $snapshot})-[e:CAN_ASSUME]->(r:Role) WHERE p.kind <> 'DirectoryGroup'",
    "MATCH (p:Person {snapshot: $snapshot})-[:MEMBER_OF]->(:DirectoryGroup)-[e:CAN_ASSUME]->(r:Role) "
    "WHERE p.active <> 'no'",
)
HOLDERS = "(p:Person|User|Role|RootUser|Provider|Service|Outsider|Anonymous)"


@pytest.fixture(scope="module")
def questions(demo_home: Path) -> Questions:
    return Questions(Tables(current(demo_home)))


@pytest.fixture(scope="module")
def store(demo_home: Path) -> Iterator[Store]:
    opened = open_store(demo_home)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def cards(questions: Questions) -> Resource:
    return next(one for name, one in questions.world.inventory.buckets.items() if "card-data-prod" in name)


def rows(store: Store, text: str, **parameters: str) -> set[tuple[object, ...]]:
    return {tuple(row) for row in store.query(text, parameters).rows}


def assuming(store: Store, more: str) -> set[tuple[object, ...]]:
    ordered = "RETURN DISTINCT p.key, r.key ORDER BY p.key, r.key"
    return {row for text in ASSUMING for row in rows(store, f"{text} {more} {ordered}")}


def held(questions: Questions) -> Iterator[tuple[str, str, tuple[str, ...], str]]:
    """(principal, class key, actions, verdict) of every direct grant in the tables."""
    classes = questions.tables.classes
    for subject in questions.world.subjects.deciding():
        for grant in questions.tables.grants_of(subject.index):
            yield subject.key, classes[grant.resource_class].key, grant.actions, str(grant.outcome.verdict)


def test_who_reads_data_of_a_bucket_directly(questions: Questions, store: Store, cards: Resource) -> None:
    classes = {item.key: item for item in questions.tables.classes}
    wanted = {
        (principal, verdict)
        for principal, key, actions, verdict in held(questions)
        if "Read:data" in levels_of(actions)
        and (cards.arn in classes[key].members or classes[key].representative.startswith(cards.arn + "/"))
    }
    found = rows(
        store,
        "MATCH (r:Resource {arn: $arn, snapshot: $snapshot})<-[:CONTAINS|INSIDE]-(c:ResourceClass)<-[:COVERS]-(g:Grant)"
        f"<-[:HOLDS]-{HOLDERS} WHERE 'Read:data' IN g.levels "
        "RETURN DISTINCT p.key, g.verdict ORDER BY p.key, g.verdict",
        arn=cards.arn,
    )
    assert wanted
    assert found == wanted


def test_who_can_get_objects_directly_is_who_holds_it(questions: Questions, store: Store, cards: Resource) -> None:
    arn = f"{cards.arn}/zzz-nobody-mentions-this"
    wanted = {row["principal"] for row in questions.who_can("s3:GetObject", arn)["principals"] if not row["via"]}
    found = rows(
        store,
        "MATCH (:Resource {snapshot: $snapshot})<-[i:INSIDE]-(:ResourceClass)-[:WITHIN*0..1]->(c:ResourceClass)"
        f"<-[:COVERS]-(g:Grant)<-[:HOLDS]-{HOLDERS} WHERE i.part = $pattern AND 'Read:data' IN g.levels "
        "RETURN DISTINCT p.key ORDER BY p.key",
        pattern=f"{cards.arn}/*",
    )
    assert wanted <= {str(key) for (key,) in found}


def test_who_can_assume_each_role_directly(questions: Questions, store: Store) -> None:
    wanted = {(step.source.key, step.target.key) for step in questions.steps.all}
    found = assuming(store, "")
    assert wanted
    assert found == wanted


def test_which_assumptions_are_conditional(questions: Questions, store: Store) -> None:
    best: dict[tuple[str, str], Outcome] = {}
    for step in questions.steps.all:
        pair = (step.source.key, step.target.key)
        if pair not in best or step.outcome.rank < best[pair].rank:
            best[pair] = step.outcome
    found = assuming(store, "AND e.conditional")
    assert found == {pair for pair, outcome in best.items() if under_conditions(outcome)}


def test_roles_that_somebody_reaches_are_those_of_the_components_after_its_own(
    questions: Questions, store: Store
) -> None:
    """Components join a role's two sessions: they say what steps between principals lead to, and lose no chain."""
    onward: defaultdict[str, set[str]] = defaultdict(set)
    for one, other in rows(
        store, "MATCH (a:Component {snapshot: $snapshot})-[:LEADS_TO]->(b:Component) RETURN a.key, b.key ORDER BY a.key"
    ):
        onward[str(one)].add(str(other))
    members: defaultdict[str, set[str]] = defaultdict(set)
    component: dict[str, str] = {}
    for key, name in rows(
        store,
        "MATCH (p {snapshot: $snapshot})-[:IN_COMPONENT]->(c:Component) RETURN p.key, c.key ORDER BY p.key, c.key",
    ):
        members[str(name)].add(str(key))
        component[str(key)] = str(name)
    roles = set(questions.world.inventory.roles)
    shown = 0
    for subject in questions.world.subjects.all:
        if subject.lost:
            continue
        after: set[str] = set()
        left = [component[subject.key]] if subject.key in component else []
        seen = set(left)
        while left:
            name = left.pop()
            after |= members[name]
            left += [other for other in onward[name] if other not in seen]
            seen |= onward[name]
        everyone = questions.world.subjects.all
        chained = {everyone[index].key for index in questions.steps.forward(subject).shortest} - {subject.key}
        shown += len(chained)
        assert chained <= (after & roles) - {subject.key}, subject.key
        assert (after & roles) - {subject.key} == _walked(questions, subject.key) - {subject.key}, subject.key
    assert shown


def _walked(questions: Questions, start: str) -> set[str]:
    """Roles that steps lead to, whichever session of a role takes them."""
    steps = {(step.source.key, step.target.key) for step in questions.steps.all}
    found: set[str] = set()
    left = {start}
    while left:
        found |= left
        left = {target for source, target in steps if source in left} - found
    return found


def test_public_resources(questions: Questions, store: Store) -> None:
    inventory = questions.world.inventory
    wanted = set()
    for principal, key, _actions, _verdict in held(questions):
        if principal == "anonymous":
            item = next(one for one in questions.tables.classes if one.key == key)
            holder = inventory.container(item.representative)
            wanted |= set(item.members) or ({holder.arn} if holder is not None else set())
    found = rows(store, "MATCH (r:Resource {snapshot: $snapshot}) WHERE r.public <> 'no' RETURN r.arn ORDER BY r.arn")
    assert wanted
    assert found == {(arn,) for arn in wanted}


def test_administrators(questions: Questions, store: Store) -> None:
    wanted = {(subject.key, f"account:{account}") for subject, account, _ in admins(questions.world)}
    found = rows(
        store, "MATCH (p {snapshot: $snapshot})-[:ADMIN_OF]->(a:Account) RETURN p.key, a.key ORDER BY p.key, a.key"
    )
    assert wanted
    assert found == wanted


def test_every_grant_is_in_the_graph_with_its_place_and_verdict(questions: Questions, store: Store) -> None:
    classes = {item.key: item for item in questions.tables.classes}
    wanted = set()
    for principal, key, _actions, verdict in held(questions):
        item = classes[key]
        places = {item.pattern} if item.contents else {item.account} if item.open else set(item.members)
        wanted |= {(principal, place, verdict) for place in places}
    grants = f"MATCH {HOLDERS}-[:HOLDS]->(g:Grant)-[:COVERS]->(c:ResourceClass)"
    text = f"{grants}-[:CONTAINS]->(r:Resource {{snapshot: $snapshot}}) "
    found = rows(store, f"{text}RETURN DISTINCT p.key, r.key, g.verdict ORDER BY p.key, r.key, g.verdict")
    text = f"{grants}<-[:WITHIN*0..1]-(n:ResourceClass)-[i:INSIDE]->(r:Resource {{snapshot: $snapshot}}) "
    text += "WHERE i.part IS NOT NULL "
    found |= rows(store, f"{text}RETURN DISTINCT p.key, i.part, g.verdict ORDER BY p.key, i.part, g.verdict")
    text = f"MATCH {HOLDERS}-[:HOLDS]->(g:Grant)-[:COVERS]->(c:ResourceClass {{snapshot: $snapshot}}) WHERE c.open "
    found |= rows(
        store, f"{text}RETURN DISTINCT p.key, c.account_id, g.verdict ORDER BY p.key, c.account_id, g.verdict"
    )
    assert found == wanted


def test_every_resource_is_in_exactly_one_narrow_class(questions: Questions, store: Store) -> None:
    found = store.query(
        "MATCH (c:ResourceClass {snapshot: $snapshot, wide: false})-[:CONTAINS]->(r:Resource) "
        "RETURN r.arn, c.key ORDER BY r.arn, c.key"
    ).rows
    assert sorted(str(row[0]) for row in found) == sorted(questions.world.inventory.resources)


def test_people_and_the_roles_assigned_to_them(questions: Questions, store: Store) -> None:
    people = questions.world.inventory.people
    wanted = {(key, role) for key, person in people.items() for role in person.roles}
    found = rows(
        store,
        "MATCH (p:Person {snapshot: $snapshot})-[:MEMBER_OF*0..1]->(who:Person|DirectoryGroup)-[:CAN_ASSUME]->(r:Role) "
        "WHERE p.active <> 'no' RETURN DISTINCT p.key, r.key ORDER BY p.key, r.key",
    )
    assert wanted
    assert found == wanted


def test_what_functions_and_instances_run_as(questions: Questions, store: Store) -> None:
    wanted = {(one.arn, one.role) for one in questions.world.inventory.all_resources() if one.role}
    found = rows(
        store, "MATCH (r:Resource {snapshot: $snapshot})-[:CARRIES]->(o:Role) RETURN r.arn, o.arn ORDER BY r.arn, o.arn"
    )
    assert wanted
    assert found == {pair for pair in wanted if pair[1] in questions.world.inventory.roles}


def test_the_story_of_the_demo_is_found(questions: Questions, cards: Resource) -> None:
    """Somebody in development reads the cards in production by a chain of roles."""
    answer = questions.who_can("s3:GetObject", f"{cards.arn}/2026/x")["principals"]
    assert max(len(row["via"]) for row in answer) >= 4
