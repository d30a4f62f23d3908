"""Steps, chains and the questions over them, against searches that try everything."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

import pytest

from graph.closure import Chain, Steps
from graph.deciding import Outcome
from graph.questions import Questions
from graph.reaching import expanded, reach
from graph.steps import ASSUME_ROLE, WITH_SAML, WITH_WEB_IDENTITY, Step, assume_action
from graph.subjects import Subject
from graph.world import World
from model.entities import Provider
from model.inventory import Inventory
from policy.actions import catalogue
from policy.verdicts import Verdict
from tests.graph.worlds import (
    ONE,
    TWO,
    allow,
    bucket,
    deny,
    document,
    made_world,
    questions_of,
    queue,
    role,
    seeds,
    trust,
    user,
    world,
)

ALLOWED, CONDITIONAL = Verdict.ALLOWED, Verdict.CONDITIONAL
Cost = tuple[int, int, tuple[str, ...]]
Keys = dict[str, str]
FEDERATED = (WITH_SAML, WITH_WEB_IDENTITY)


# -- closure


def random_steps(seed: int) -> tuple[list[Subject], Steps]:
    """Seven sessions, two of them of one role, and random steps between them, cycles included.

    A session comes to a role by one step alone, as in an organisation.
    """
    draw = random.Random(seed)
    names = ["a", "b", "c", "d", "e", "f", "f"]
    subjects = [Subject(number, name, "Role", None, lost=number == 6) for number, name in enumerate(names)]
    steps: list[Step] = []
    taken = set()
    for _ in range(draw.randint(4, 24)):
        one, other = draw.sample(subjects, 2)
        if (one.index, other.key) in taken:
            continue
        taken.add((one.index, other.key))
        certain = draw.random() < 0.6
        verdict = ALLOWED if certain and draw.random() < 0.8 else CONDITIONAL
        residual = {"key": f"k{len(steps)}"} if verdict is CONDITIONAL else None
        steps.append(Step(one, other, ASSUME_ROLE, Outcome(verdict, residual, (), certain)))
    return subjects, Steps(steps)


def every_chain(steps: Steps, start: Subject) -> Iterable[tuple[Step, ...]]:
    """Every simple chain of one step or more."""
    stack: list[tuple[Subject, tuple[Step, ...]]] = [(start, ())]
    while stack:
        at, taken = stack.pop()
        if taken:
            yield taken
        visited = {start.index, *(step.target.index for step in taken)}
        stack += [
            (step.target, (*taken, step)) for step in steps.out.get(at.index, ()) if step.target.index not in visited
        ]


def cost_of(chain: tuple[Step, ...] | Chain, rank: int = 0) -> Cost:
    taken = chain.steps if isinstance(chain, Chain) else chain
    worst = max([rank, *(0 if step.outcome.certain else 1 for step in taken)])
    return worst, len(taken), tuple(step.target.key for step in taken)


def test_forward_finds_the_shortest_certain_and_the_shortest_of_all_ways_to_every_session() -> None:
    for seed in seeds(100, 5000):
        subjects, steps = random_steps(seed)
        start = subjects[seed % len(subjects)]
        certain: dict[int, Cost] = {}
        shortest: dict[int, int] = {}
        for chain in every_chain(steps, start):
            last, cost = chain[-1].target.index, cost_of(chain)
            shortest[last] = min(cost[1], shortest.get(last, cost[1]))
            if cost[0] == 0:
                certain[last] = min(cost, certain.get(last, cost))
        found = steps.forward(start)
        assert {index: cost_of(chain) for index, chain in found.certain.items()} == certain, f"seed {seed}"
        assert {index: cost_of(chain)[1] for index, chain in found.shortest.items()} == shortest, f"seed {seed}"


def test_backward_finds_the_best_verdict_and_then_the_shortest_way_to_a_goal() -> None:
    for seed in seeds(100, 5000):
        subjects, steps = random_steps(seed)
        draw = random.Random(-seed)
        goals = {subject.index: draw.randint(0, 1) for subject in draw.sample(subjects, draw.randint(1, 3))}
        # A goal is one without any step; a way round to itself is never better.
        direct = {index: (rank, 0) for index, rank in goals.items()}
        wanted, found = dict(direct), dict(direct)
        for start in subjects:
            for chain in every_chain(steps, start):
                if chain[-1].target.index in goals:
                    cost = cost_of(chain, goals[chain[-1].target.index])[:2]
                    wanted[start.index] = min(cost, wanted.get(start.index, cost))
        for index, best in steps.backward(goals).items():
            cost = cost_of(best, goals[best.steps[-1].target.index])[:2]
            found[index] = min(cost, found.get(index, cost))
        assert found == wanted, f"seed {seed}"


# -- steps


def every_step(built: World) -> Keys:
    """Who can assume what, by deciding every pair; people by their assignments.

    Services and outsiders count where the trust names them, as for resources.
    """
    found: Keys = {}
    for target in built.inventory.data.roles:
        named = {subject.index for subject in built.candidates.of(target.arn, target.account)}
        for subject in built.subjects.deciding():
            if subject.kind in ("Service", "Outsider") and subject.index not in named:
                continue
            outcome = built.decider.decide(subject, assume_action(subject), target.arn)
            if outcome.can and subject.key != target.arn and subject.kind != "RootUser":
                found[f"{subject.key}{'*' if subject.lost else ''} -> {target.arn}"] = str(outcome.verdict)
    for key, person in built.inventory.people.items():
        found.update({f"{key} -> {arn}": "Allowed" for arn in person.roles})
    return found


def listed_steps(built: World) -> Keys:
    return {
        f"{step.source.key}{'*' if step.source.lost else ''} -> {step.target.key}": str(step.outcome.verdict)
        for step in built.steps.all
        if step.source.key != step.target.key
    }


@pytest.mark.parametrize("seed", seeds(7, 500))
def test_the_index_of_trust_policies_loses_no_step(seed: int) -> None:
    built = World(Inventory(world(seed)))
    assert listed_steps(built) == every_step(built)


def test_a_trust_that_could_not_be_read_may_let_in_other_accounts_too() -> None:
    """U6: never "no access"; a cross-account decision about it is Conditional, and so is the step."""
    built = made_world(users=(user("ann", TWO, allow("sts:*")),), roles=(role("R", ONE, trusts="{"),))
    assert listed_steps(built) == every_step(built)


def test_a_trust_in_every_provider_is_open_to_those_that_were_collected() -> None:
    okta = Provider(arn=f"arn:aws:iam::{ONE}:saml-provider/okta", account=ONE, kind="saml")
    open_role = role("R", ONE, trusts=document(trust({"Federated": "*"}, "sts:AssumeRoleWithSAML")))
    built = made_world(roles=(open_role,), providers=(okta,))
    assert listed_steps(built) == every_step(built) == {f"{okta.arn} -> {open_role.arn}": "Allowed"}


def test_no_unsigned_request_assumes_a_role() -> None:
    """AssumeRole is a signed call: a trust in everyone is for everyone with an account, not for `anonymous`."""
    built = made_world(roles=(role("R", ONE, trusts=document(trust("*"))),))
    assert [step.source.key for step in built.steps.all if step.source.kind == "Anonymous"] == []


def test_everyone_is_also_the_services_and_outsiders_that_some_policy_names() -> None:
    """Who is listed is told of wherever it has access: a trust in everyone is one in them."""
    open_role = role("R", ONE, trusts=document(trust("*")))
    named = role("R2", ONE, trusts=document(trust({"Service": "lambda.amazonaws.com"})))
    built = made_world(roles=(open_role, named))
    found = {(step.source.key, step.target.key) for step in built.steps.all if step.source.kind == "Service"}
    assert found == {("lambda.amazonaws.com", open_role.arn), ("lambda.amazonaws.com", named.arn)}
    only_theirs = role("R", ONE, trusts=document(trust({"AWS": "*"})))
    assert [step for step in made_world(roles=(only_theirs,)).steps.all if step.source.kind == "Service"] == []


def test_root_users_assume_no_roles() -> None:
    """L10."""
    built = made_world(roles=(role("R", ONE, trusts=document(trust({"AWS": "*"}))),))
    assert [step for step in built.steps.all if step.source.kind == "RootUser"] == []


def test_a_second_hop_carries_no_mfa() -> None:
    """L14, U3: what asks for MFA can be had by a user with a device, directly or as the first role, and no further."""
    needs = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    ann, bob = user("ann", ONE, allow("sts:AssumeRole"), mfa=True), user("bob", ONE, allow("sts:AssumeRole"), mfa=False)
    first = role("First", ONE, allow("sts:AssumeRole"), allow("sqs:SendMessage", Condition=needs))
    second = role("Second", ONE, allow("sqs:SendMessage", Condition=needs), trusts=document(trust({"AWS": first.arn})))
    built = made_world(users=(ann, bob), roles=(first, second), resources=(queue("q"),))
    verdicts = {
        (start, index_key, lost): built.decider.decide(
            session, "sqs:SendMessage", f"arn:aws:sqs:us-east-1:{ONE}:q"
        ).verdict
        for start in (ann.arn, bob.arn)
        for index in built.steps.forward(built.subjects.by_key[start]).shortest
        for session in (built.subjects.all[index],)
        for index_key, lost in ((session.key, session.lost),)
    }
    assert verdicts[(ann.arn, first.arn, False)] is CONDITIONAL
    assert verdicts[(ann.arn, second.arn, True)] is Verdict.IMPLICITLY_DENIED
    assert {key: verdict for key, verdict in verdicts.items() if key[0] == bob.arn and verdict is CONDITIONAL} == {}


# -- who-can and reach


def test_a_service_that_is_known_is_told_where_only_trusts_that_do_not_name_it_let_it_in(tmp_path: Path) -> None:
    """``can``, ``reach`` and ``who-can`` say the same of it."""
    service, thing = "lambda.amazonaws.com", queue("q")
    named = queue("other", policy=document(trust({"Service": service}, "sqs:SendMessage", Resource="*")))
    open_role = role("R", ONE, allow("sqs:ReceiveMessage"), trusts=document(trust({"AWS": "*"})))
    questions = questions_of(made_world(roles=(open_role,), resources=(thing, named)), tmp_path)
    assert [row["via"] for row in questions.can(service, "sqs:ReceiveMessage", thing.arn)["chains"]] == [
        [open_role.arn]
    ]
    rows = questions.who_can("sqs:ReceiveMessage", thing.arn)["principals"]
    assert {row["principal"]: row["via"] for row in rows}[service] == [open_role.arn]


# -- who-can and reach


def who_can(built: World, action: str, resource: str) -> dict[str, tuple[str, int]]:
    """The best verdict and fewest roles of everybody: everybody decided, steps walked until nothing moves."""
    direct: dict[int, tuple[int, int]] = {}
    for subject in built.subjects.deciding():
        if subject.kind == "Provider" and action not in FEDERATED:
            continue
        outcome = built.decider.decide(subject, action, resource)
        if outcome.can:
            direct[subject.index] = (0 if outcome.verdict is ALLOWED else 1, 0)
    # By rank and hops; an Allowed chain beats a Conditional one however long it is, so ranks are kept apart.
    best: dict[tuple[int, int], int] = {(index, rank): 0 for index, (rank, _) in direct.items()}
    moved = True
    while moved:
        moved = False
        for step in built.steps.all:
            for rank in (0, 1):
                hops = best.get((step.target.index, rank))
                place = (step.source.index, max(rank, 0 if step.certain else 1))
                if hops is not None and hops + 1 < best.get(place, 99):
                    best[place] = hops + 1
                    moved = True
    found: dict[str, tuple[str, int]] = {}
    for subject in built.subjects.all:
        for rank in (1, 0):
            if not subject.lost and (subject.index, rank) in best:
                found[subject.key] = ("Conditional" if rank else "Allowed", best[(subject.index, rank)])
    for key, person in built.inventory.people.items():
        if action == WITH_SAML and resource in person.roles:
            found[key] = ("Allowed", 1)
    return found


def answered(questions: Questions, action: str, resource: str) -> dict[str, tuple[str, int]]:
    rows = questions.who_can(action, resource)["principals"]
    assert len({row["principal"] for row in rows}) == len(rows)
    assert all((row["residual"] is None) == (row["verdict"] == "Allowed") for row in rows)
    return {row["principal"]: (row["verdict"], len(row["via"])) for row in rows}


def questions_to_ask(built: World, draw: random.Random, count: int) -> list[tuple[str, str]]:
    resources = [one for one in built.inventory.data.resources if one.type != "iam:policy"]
    return [
        (draw.choice(catalogue().actions_for_resource(one.arn)), one.arn) for one in draw.choices(resources, k=count)
    ]


@pytest.mark.parametrize("seed", seeds(4, 150))
def test_services_and_outsiders_take_the_roles_that_are_decided(seed: int) -> None:
    """By trusts that name them and by those that do not, or were not read."""
    built = World(Inventory(world(seed)))
    pairs = [(one, role) for one in built.subjects.strangers for role in built.inventory.data.roles]
    decided = {
        (one.key, role.arn) for one, role in pairs if built.decider.decide(one, assume_action(one), role.arn).can
    }
    strangers = {one.key for one in built.subjects.strangers}
    assert {(s.source.key, s.target.key) for s in built.steps.all if s.source.key in strangers} == decided


@pytest.mark.parametrize("seed", seeds(4, 150))
def test_who_can_is_everybody_who_can(seed: int, tmp_path: Path) -> None:
    built = World(Inventory(world(seed)))
    questions = questions_of(built, tmp_path)
    draw = random.Random(seed)
    for action, resource in questions_to_ask(built, draw, 12):
        assert answered(questions, action, resource) == who_can(built, action, resource), (action, resource)


@pytest.mark.parametrize("seed", seeds(3, 150))
def test_reach_and_who_can_say_the_same(seed: int, tmp_path: Path) -> None:
    built = World(Inventory(world(seed)))
    questions = questions_of(built, tmp_path)
    draw = random.Random(seed)
    # An account id that is asked about is a principal there that may do everything; in a list it is Conditional.
    principals = [
        subject.key
        for subject in built.subjects.all
        if not subject.lost and subject.kind != "Provider" and not subject.key.startswith("account:")
    ]
    for action, resource in questions_to_ask(built, draw, 6):
        if action in FEDERATED:
            continue
        can = answered(questions, action, resource)
        for principal in draw.sample(principals, 8):
            rows = {row["resource"]: row for row in expanded(reach(questions, principal, action=action), None)}
            row = rows.get(resource)
            assert (row and (row["verdict"], len(row["via"]))) == can.get(principal), (principal, action, resource)


def test_reach_shows_where_a_narrower_deny_takes_everything_away(tmp_path: Path) -> None:
    """U5, contract: contents are split where a narrower Deny applies; what is denied there must be seen."""
    asker = user("ann", ONE, allow("s3:GetObject", "arn:aws:s3:::b/*"), deny("s3:GetObject", "arn:aws:s3:::b/secret/*"))
    questions = questions_of(made_world(users=(asker,), resources=(bucket("b"),)), tmp_path)
    rows = [(row.resource_class.pattern, str(row.verdict)) for row in reach(questions, asker.arn)]
    assert ("arn:aws:s3:::b/*", "Allowed") in rows
    assert "arn:aws:s3:::b/secret/*" in [pattern for pattern, _ in rows]


def test_reach_has_one_row_a_class_verdict_and_way(tmp_path: Path) -> None:
    """Contract: patterns shown for different parts of a container are different."""
    asker = user(
        "ann",
        ONE,
        allow("s3:GetObject", "arn:aws:s3:::b/home/*"),
        allow("s3:GetObject", "arn:aws:s3:::b/*/open/*", Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}),
        deny("s3:GetObject", "arn:aws:s3:::b/*/secret/*", Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}),
    )
    questions = questions_of(made_world(users=(asker,), resources=(bucket("b"),)), tmp_path)
    rows = [(row.resource_class.pattern, row.levels, row.via) for row in reach(questions, asker.arn)]
    assert len(set(rows)) == len(rows), rows


def test_reach_of_a_session_finds_what_only_its_own_name_opens(tmp_path: Path) -> None:
    """M3: `${aws:userid}` of a session is known; of its role it is not."""
    asker = role("R", ONE, allow("s3:GetObject", "arn:aws:s3:::b/home/${aws:userid}/*"))
    questions = questions_of(made_world(roles=(asker,), resources=(bucket("b"),)), tmp_path)
    session = f"arn:aws:sts::{ONE}:assumed-role/R/nightly"
    object_arn = f"arn:aws:s3:::b/home/{asker.id}:nightly/x"
    assert questions.can(session, "s3:GetObject", object_arn)["verdict"] == "Allowed"
    assert [str(row.verdict) for row in reach(questions, session, action="s3:GetObject")] == ["Allowed"]


def test_disabled_people_open_nothing(tmp_path: Path) -> None:
    """L15."""
    questions = questions_of(World(Inventory(world(1))), tmp_path)
    assert reach(questions, "person:old") == []
    assert questions.steps.out.get(questions.world.subjects.by_key["person:old"].index, []) == []


def test_a_person_comes_to_everything_through_an_assigned_role(tmp_path: Path) -> None:
    """Contract: a person's `via` begins with the reserved role; it is never empty."""
    questions = questions_of(World(Inventory(world(1))), tmp_path)
    (reserved,) = questions.world.inventory.people["person:eve@x.example"].roles
    assert {row.via[:1] for row in reach(questions, "eve")} <= {(reserved,)}


def test_the_callers_own_choices_do_not_condition_a_chain_but_the_last_request_keeps_its_verdict(
    tmp_path: Path,
) -> None:
    """Contract, fine print: a step that only the caller's choices condition counts as Allowed."""
    named = document(trust({"AWS": ONE}, Condition={"StringEquals": {"sts:RoleSessionName": "nightly"}}))
    ann = user("ann", ONE, allow("sts:AssumeRole"))
    free = role("R", ONE, allow("sqs:SendMessage"), trusts=named)
    bound = role("R2", ONE, allow("sqs:SendMessage", Condition={"StringLike": {"s3:prefix": "x"}}), trusts=named)
    one, other = queue("q1"), queue("q2", ONE)
    questions = questions_of(made_world(users=(ann,), roles=(free,), resources=(one,)), tmp_path)
    assert answered(questions, "sqs:SendMessage", one.arn)[ann.arn] == ("Allowed", 1)
    second = tmp_path / "second"
    second.mkdir()
    questions = questions_of(made_world(users=(ann,), roles=(bound,), resources=(other,)), second)
    assert answered(questions, "sqs:SendMessage", other.arn)[ann.arn] == ("Conditional", 1)


@pytest.mark.parametrize(
    ("key", "certain"),
    [
        ("sts:RoleSessionName", True),
        ("sts:SourceIdentity", True),
        ("aws:RequestTag/team", True),
        ("sts:ExternalId", False),
        ("sts:ExternalID2", False),
        ("corp:Badge", False),
        ("s3:prefix", False),
        ("iam:PassedToService", False),
    ],
)
def test_a_step_is_certain_where_its_caller_chooses_what_it_hangs_on_and_the_call_carries_it(
    key: str, certain: bool
) -> None:
    someone = user("ann", ONE, allow("sts:AssumeRole"))
    lets_in = document(trust({"AWS": ONE}, Condition={"StringEquals": {key: "x"}}))
    built = made_world(users=(someone,), roles=(role("app", ONE, trusts=lets_in),))
    steps = [step for step in built.steps.all if step.source.key == someone.arn]
    assert [(step.outcome.verdict, step.certain) for step in steps] == [(CONDITIONAL, certain)]
