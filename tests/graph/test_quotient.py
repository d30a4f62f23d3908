"""The quotient is exact: what was decided once for a class is what one decision says about each member."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from itertools import chain
from urllib.parse import quote

import pytest

from graph.account_units import AccountUnits
from graph.asker import Asker
from graph.classes import ResourceClass
from graph.deciding import Outcome, outcome_of
from graph.lent_ground import grounds
from graph.partition import spelled
from graph.resolver import AccountResolver
from graph.subjects import Subject
from graph.world import World
from model.entities import InlinePolicy, KmsGrant, Resource, Share, SharePermission
from model.inventory import Inventory
from policy.actions import catalogue
from policy.decide import decide
from policy.layers import resource_truth
from policy.verdicts import Verdict
from tests.graph.worlds import (
    CONTENTS,
    LONG,
    ONE,
    TWO,
    allow,
    bucket,
    deny,
    document,
    key,
    made_world,
    queue,
    rcp,
    role,
    scp,
    seeds,
    trust,
    user,
    world,
)

Granted = dict[tuple[int, int, str], Outcome]


def granted(world: World) -> Granted:
    """Every grant of every account by (subject, class, action); an action granted twice is an error."""
    found: Granted = {}
    for account in world.resolver.accounts:
        for grant in world.resolver.resolve(account):
            for action in grant.actions:
                place = (grant.subject, grant.resource_class, action)
                assert place not in found, f"granted twice: {place}"
                found[place] = grant.outcome
    return found


def verdict_of(outcome: Outcome | None) -> Verdict | None:
    """The verdict of access, ``None`` for none of any kind."""
    return None if outcome is None or not outcome.can else outcome.verdict


def decided(world: World, subject: Subject, action: str, arn: str) -> Outcome:
    """The decision about one resource alone: what else an action needs (semantics M6) is no matter of classes."""
    assert subject.caller is not None
    return outcome_of(subject, decide(*world.assembler.request(subject.caller, action, arn)))


def askers(world: World, item: ResourceClass) -> Iterator[Subject]:
    """Who may be listed: providers ask for nothing themselves; ``*`` is one's own."""
    for subject in world.subjects.deciding():
        if subject.kind == "Provider":
            continue
        if not item.open or subject.account == item.account:
            yield subject


def questions(world: World) -> Iterator[tuple[ResourceClass, str, Subject, tuple[str, ...]]]:
    """Every member of every class with everybody who may be listed there, and the actions that there are on it."""
    for item in world.classes:
        for arn in item.members or (item.representative,):
            actions = (
                world.resolver.shared.lists.unscoped.actions if item.open else catalogue().actions_for_resource(arn)
            )
            for subject in askers(world, item):
                yield item, arn, subject, actions


def differences(world: World, seed: int, *, contents: bool) -> list[str]:
    """Decisions one by one that the grants of a class do not say, for a sample of each type's actions; in a long run
    for all of them."""
    draw = random.Random(seed)
    grants = granted(world)
    found = []
    for item, arn, subject, actions in questions(world):
        if item.contents is not contents:
            continue
        most = len(actions) if LONG and not item.open else 6
        for action in draw.sample(actions, min(len(actions), most)):
            wanted = verdict_of(decided(world, subject, action, arn))
            got = verdict_of(grants.get((subject.index, item.index, action)))
            if wanted != got:
                found.append(f"{subject.key} {action} {arn}: decided {wanted}, granted {got}")
    return found


def naming_themselves(principal: dict[str, str], operator: str, tail: str = "") -> list[Resource]:
    """Queues whose policies each ask for their own queue."""
    return [
        queue(
            name,
            ONE,
            allow(
                "sqs:SendMessage",
                "*",
                Principal=principal,
                Condition={operator: {"aws:SourceArn": f"arn:aws:sqs:us-east-1:{ONE}:{name}{tail}"}},
            ),
        )
        for name in ("q1", "q2")
    ]


def unlike_evidence(world: World, seed: int) -> list[str]:
    """Grants that tell another reason or condition than the decision about a member, for a sample of members."""
    draw = random.Random(seed)
    found = []
    for partition in map(world.resolver.partition, world.resolver.accounts):
        for holders, number, classes in partition.rows:
            content = partition.contents[number]
            for item in (partition.classes[place] for place in partition.sets[classes].tolist()):
                if item.open:
                    continue
                arn = draw.choice(item.members or (item.representative,))
                said = spelled(content.outcome, arn if item.members else item.owner, arn)
                subject = world.subjects.all[draw.choice(partition.holders[holders])]
                action = draw.choice(content.actions)
                wanted = decided(world, subject, action, arn)
                if (wanted.because, wanted.residual) != (said.because, said.residual):
                    found.append(f"{subject.key} {action} {arn}: decided {wanted}, granted {said}")
    return found


@pytest.mark.parametrize("seed", seeds(2, 200))
def test_a_grant_tells_what_the_decision_about_each_of_its_members_tells(seed: int) -> None:
    assert unlike_evidence(World(Inventory(world(seed))), seed) == []


def test_own_policies_of_who_may_do_something_to_itself_are_its_own_elsewhere_too() -> None:
    lets_in = document(trust({"Service": "ec2.amazonaws.com"}))
    app = role("App", ONE, allow(["iam:GetRole", "iam:PassRole"]), trusts=lets_in)
    built = made_world(roles=(app, role("Ci", ONE, trusts=lets_in)))
    assert [unlike_evidence(built, seed) for seed in range(4)] == [[]] * 4


def test_conditions_that_name_a_resource_in_its_own_policy_are_told_of_each_by_its_name() -> None:
    several = naming_themselves({"Service": "sns.amazonaws.com"}, "ArnLike", "/*")
    built = made_world(resources=tuple(several))
    assert len([one for one in built.resolver.partition(ONE).contents if one.actions == ("sqs:SendMessage",)]) == 1
    assert [unlike_evidence(built, seed) for seed in range(4)] == [[]] * 4


@pytest.mark.parametrize("seed", seeds(3, 200))
def test_a_class_is_granted_what_each_of_its_members_is_decided(seed: int) -> None:
    assert differences(World(Inventory(world(seed))), seed, contents=False) == []


@pytest.mark.parametrize("seed", seeds(3, 200))
def test_a_part_of_a_container_is_granted_what_is_decided_on_it(seed: int) -> None:
    assert differences(World(Inventory(world(seed))), seed, contents=True) == []


def truths(world: World, asker: Asker, arn: str, action: str) -> list[str]:
    """What each statement about an action, of an asker's own or of others', says of an ARN."""
    request, inputs = world.assembler.request(asker.caller, "s3:GetObject", arn)
    context, policy = request.context, (inputs.resource,) if inputs.resource is not None else ()
    guardrails = (ref for level in (*inputs.scps, *inputs.rcps) for ref in level.policies)
    return [
        str(resource_truth(statement, "", ref, arn, context))
        for ref in (*inputs.identity, *inputs.boundary, *guardrails, *policy)
        for statement in (() if ref.document is None else ref.document.statements)
        if statement.tests_resource and (statement.acts is None or statement.acts(action.lower()))
    ]


def verdict_on(resolver: AccountResolver, held: dict[int, int], unit: int, action: str) -> Verdict | None:
    """The verdict on a unit that a subject's holdings tell."""
    contents = [resolver.contents[content] for content, units in held.items() if units >> unit & 1]
    found = [content.outcome for content in contents if action in content.actions]
    assert len(found) <= 1
    return verdict_of(found[0] if found else None)


def parts_of(place: AccountUnits, container: Resource) -> list[int]:
    return [n for n, unit in enumerate(place.units.all) if unit.container is container and unit.matched is not None]


@pytest.mark.parametrize("seed", seeds(3, 100))
def test_any_content_is_decided_like_the_part_that_the_same_patterns_match(seed: int) -> None:
    drawn, draw = World(Inventory(world(seed))), random.Random(seed)
    found = []
    for account in drawn.resolver.accounts:
        resolver, place = drawn.resolver.opened(account)
        lent = (one.askers() for one, _ in grounds(drawn.assembler, [place]))
        asking = chain(place.askers(), *lent)
        held = {one.index: resolver.asker(one, place.ground, place.units.everything) for one, _, _ in asking}
        holdings = {index: resolver.held(asker) for index, asker in held.items()}
        for resource in (one for one in place.resources if one.type == "s3:bucket"):
            for tail in draw.sample(CONTENTS, 4):
                arn = f"{resource.arn}/{tail}"
                actions = draw.sample(catalogue().actions_for_resource(arn), 3)
                for subject in drawn.candidates.of(arn, resource.account):
                    wanted = {action: verdict_of(decided(drawn, subject, action, arn)) for action in actions}
                    if subject.index not in held:
                        assert not any(wanted.values()), f"{subject.key} on {arn} was not asked about"
                        continue
                    for action in actions:
                        mine = truths(drawn, held[subject.index], arn, action)
                        if any(truth not in ("TRUE", "FALSE") for truth in mine):
                            continue  # which contents those match is not known before the question
                        home = [
                            unit
                            for unit in parts_of(place, resource)
                            if truths(drawn, held[subject.index], place.units.all[unit].arn, action) == mine
                        ]
                        got = {verdict_on(resolver, holdings[subject.index], unit, action) for unit in home}
                        # Whose own policies allow nothing in a bucket elsewhere has no part of it to itself.
                        if (got or {None}) != {wanted[action]}:
                            found.append(f"{subject.key} {action} {arn}: {wanted[action]}, granted {got or 'no part'}")
    assert found == []


def on(world: World, subject_key: str, action: str) -> dict[str, Verdict | None]:
    """What classes grant a subject for one action, by member or, for contents, representative."""
    grants = granted(world)
    subject = world.subjects.by_key[subject_key]
    return {
        arn: verdict_of(grants.get((subject.index, item.index, action)))
        for item in world.classes
        for arn in item.members or (item.representative,)
    }


def classes_of(world: World, container: Resource) -> list[ResourceClass]:
    return [item for item in world.classes if item.contents and item.representative.startswith(container.arn + "/")]


RED, BLUE = queue("q-red", tags={"team": "red"}), queue("q-blue", tags={"team": "blue"})


@pytest.mark.parametrize(
    "text",
    [
        document(allow("sqs:*", Condition={"StringEquals": {"aws:ResourceTag/team": "red"}})),
        document(allow("sqs:*", Condition={"StringEquals": {"AWS:resourcetag/TEAM": "red"}})),
        document(allow("sqs:*", Condition={"StringEquals": {"aws:PrincipalTag/team": "${aws:ResourceTag/team}"}})),
        document(allow("sqs:*", Condition={"StringEquals": {"aws:PrincipalTag/team": "${aws:ResourceTag/team, 'x'}"}})),
        document(allow("sqs:*", Condition={"StringEquals": {"aws:PrincipalTag/team": "${ aws:ResourceTag/team }"}})),
        document(allow("sqs:*", Condition={"StringEquals": {"aws:ResourceTag/team": "red"}})).replace("/", "\\/"),
        document(allow("sqs:*", Condition={"StringEquals": {"aws:ResourceTag/team": "red"}})).replace("R", "\\u0052"),
        quote(document(allow("sqs:*", Condition={"StringEquals": {"aws:ResourceTag/team": "red"}}))),
    ],
    ids=["plain", "case", "variable", "default", "spaces", "escaped-slash", "escaped-letter", "percent-encoded"],
)
def test_a_tag_that_a_condition_reads_tells_resources_apart_however_it_is_written(text: str) -> None:
    someone = user("ann", ONE, inline=(InlinePolicy(name="p", document=text),), tags={"team": "red"})
    found = on(made_world(users=(someone,), resources=(RED, BLUE)), someone.arn, "sqs:SendMessage")
    assert found[RED.arn] is Verdict.ALLOWED
    assert found[BLUE.arn] is None


def test_a_tag_key_with_letters_that_json_escapes_tells_resources_apart() -> None:
    text = document(allow("sqs:*", Condition={"StringEquals": {"aws:ResourceTag/équipe": "red"}}))
    assert "\\u00e9" in text
    someone = user("ann", ONE, inline=(InlinePolicy(name="p", document=text),))
    one, other = queue("q1", tags={"équipe": "red"}), queue("q2", tags={"équipe": "blue"})
    found = on(made_world(users=(someone,), resources=(one, other)), someone.arn, "sqs:SendMessage")
    assert (found[one.arn], found[other.arn]) == (Verdict.ALLOWED, None)


MAY_TAG = document(trust({"AWS": ONE}, ["sts:AssumeRole", "sts:TagSession"]))


def test_resources_that_a_pattern_of_unknown_value_may_match_are_decided_apart() -> None:
    asker = role(
        "R",
        ONE,
        allow("sqs:SendMessage", "arn:aws:sqs:*:*:q-${aws:PrincipalTag/team}"),
        deny("*", Condition={"StringEquals": {"aws:PrincipalTag/team": "red"}}),
        trusts=MAY_TAG,
    )
    found = on(made_world(roles=(asker,), resources=(RED, BLUE)), asker.arn, "sqs:SendMessage")
    assert (found[RED.arn], found[BLUE.arn]) == (None, Verdict.CONDITIONAL)


def test_contents_under_a_pattern_of_unknown_value_are_not_denied_for_want_of_the_made_up_name() -> None:
    asker = role(
        "R",
        ONE,
        allow(
            "s3:GetObject",
            "arn:aws:s3:::b/${aws:PrincipalTag/team}/*",
            Condition={"StringEquals": {"aws:PrincipalTag/team": ["red", "blue"]}},
        ),
        trusts=MAY_TAG,
    )
    built = made_world(roles=(asker,), resources=(bucket("b"),))
    subject = built.subjects.by_key[asker.arn]
    assert built.decider.decide(subject, "s3:GetObject", "arn:aws:s3:::b/red/x").verdict is Verdict.CONDITIONAL
    assert Verdict.CONDITIONAL in on(built, asker.arn, "s3:GetObject").values()


@pytest.mark.parametrize("tail", ["?", "??", "*/?", "~", "~/*", "????????"])
def test_what_no_pattern_mentions_has_a_part_of_its_own_beside_patterns_of_single_characters(tail: str) -> None:
    data, other = bucket("data"), bucket("aaa")
    narrow = user("ann", ONE, allow("s3:GetObject", f"{data.arn}/{tail}"))
    wide = user("bob", ONE, allow("s3:GetObject", f"{other.arn}/*"))
    built = made_world(users=(narrow, wide), resources=(other, data))
    parts = classes_of(built, data)
    assert f"{data.arn}/*" in {item.pattern for item in parts}
    bob, ann = on(built, wide.arn, "s3:GetObject"), on(built, narrow.arn, "s3:GetObject")
    assert {bob[item.representative] for item in parts} == {None}, "another bucket's grants"
    assert {ann[item.representative] for item in parts} == {None, Verdict.ALLOWED}


def test_where_three_patterns_meet_is_a_part_of_its_own() -> None:
    """Access that needs identity policy, boundary and control policy at once exists only where all three match."""
    asker = role("R", ONE, allow("s3:GetObject", "arn:aws:s3:::b/a*"), trusts=MAY_TAG)
    limited = role("R", ONE, boundary="arn:aws:iam::111111111111:policy/edge", inline=asker.inline)
    edge = document(allow("s3:GetObject", "arn:aws:s3:::*/*b*"))
    from model.entities import ManagedPolicy

    policy = ManagedPolicy(arn=limited.boundary or "", id="P", name="edge", account=ONE, document=edge)
    guard = (scp("only", allow("s3:GetObject", "arn:aws:s3:::b/*c")),)
    built = made_world(roles=(limited,), policies=(policy,), resources=(bucket("b"),), guardrails=guard)
    subject = built.subjects.by_key[limited.arn]
    assert built.decider.decide(subject, "s3:GetObject", "arn:aws:s3:::b/abc").verdict is Verdict.ALLOWED
    assert Verdict.ALLOWED in on(built, limited.arn, "s3:GetObject").values()


def test_the_plain_part_where_two_patterns_meet_is_not_taken_for_a_literal_exception() -> None:
    """`a/*` and `*/x` meet in `a/x` first, of all texts; a Deny on that one object must not stand for the others."""
    arn = "arn:aws:s3:::b"
    asker = user("ann", ONE, allow("s3:GetObject", f"{arn}/a/*"), deny("s3:GetObject", f"{arn}/a/x"))
    shared = bucket("b", ONE, deny("s3:PutObject", f"{arn}/*/x", Principal="*"))
    built = made_world(users=(asker,), resources=(shared,))
    both = {
        item.representative
        for item in classes_of(built, shared)
        if item.representative.startswith(f"{arn}/a/") and item.representative.endswith("/x")
    }
    assert both - {f"{arn}/a/x"}


def test_passing_a_role_never_surely_hangs_on_its_tags() -> None:
    """U3: roles with other tags are told apart for what carries tags, and passing them is not known to."""
    red = {"StringEquals": {"iam:ResourceTag/team": "red"}}
    asker = user("ann", ONE, allow(["iam:PassRole", "iam:GetRole"], Condition=red))
    kept = user("bob", ONE, allow(["iam:PassRole", "iam:GetRole"]), deny("iam:*", Condition=red))
    roles = tuple(role(name, ONE, tags={"team": name}) for name in ("red", "blue"))
    built = made_world(users=(asker, kept), roles=roles)
    for someone, got in ((asker, (Verdict.ALLOWED, None)), (kept, (None, Verdict.ALLOWED))):
        found = on(built, someone.arn, "iam:PassRole")
        assert [found[one.arn] for one in roles] == [Verdict.CONDITIONAL] * 2
        found = on(built, someone.arn, "iam:GetRole")
        assert tuple(found[one.arn] for one in roles) == got


def test_session_tokens_are_not_granted_for_being_asked_who_one_is() -> None:
    """L1: everybody may call GetCallerIdentity; GetSessionToken needs no Allow, and a role session cannot call it."""
    asker = role("R", ONE, allow("sqs:*"))
    built = made_world(roles=(asker,))
    grants = granted(built)
    subject = built.subjects.by_key[asker.arn]
    (item,) = (one for one in built.classes if one.open and one.account == ONE)
    assert verdict_of(grants.get((subject.index, item.index, "sts:GetCallerIdentity"))) is Verdict.ALLOWED
    assert verdict_of(grants.get((subject.index, item.index, "sts:GetSessionToken"))) is None


def test_a_kms_grant_to_a_session_of_another_account_reaches_its_role() -> None:
    """L7, L18: the role can choose the session's name."""
    asker = role("R", TWO, allow("kms:*"))
    grant = KmsGrant(id="g", grantee=f"arn:aws:sts::{TWO}:assumed-role/R/nightly", operations=("Decrypt",))
    held = key("k", ONE, grants=(grant,))
    built = made_world(roles=(asker,), resources=(held,))
    subject = built.subjects.by_key[asker.arn]
    assert built.decider.decide(subject, "kms:Decrypt", held.arn).verdict is Verdict.CONDITIONAL
    assert on(built, asker.arn, "kms:Decrypt")[held.arn] is Verdict.CONDITIONAL


def test_a_kms_grant_to_a_service_lists_the_service() -> None:
    """Contract: who-can includes services; P3: with or without region."""
    held = key(
        "k", ONE, grants=(KmsGrant(id="g", grantee="dynamodb.us-east-1.amazonaws.com", operations=("Decrypt",)),)
    )
    built = made_world(resources=(held,))
    assert "dynamodb.amazonaws.com" in built.subjects.by_key
    assert on(built, "dynamodb.amazonaws.com", "kms:Decrypt")[held.arn] is Verdict.ALLOWED


def test_keys_with_different_grants_are_classes_of_their_own() -> None:
    someone = user("ann", ONE)
    policy = allow("kms:Describe*", Principal={"AWS": ONE})
    grant = KmsGrant(id="g", grantee=someone.arn, operations=("Decrypt",))
    one, other = key("k1", ONE, policy, grants=(grant,)), key("k2", ONE, policy)
    found = on(made_world(users=(someone,), resources=(one, other)), someone.arn, "kms:Decrypt")
    assert (found[one.arn], found[other.arn]) == (Verdict.ALLOWED, None)


def test_own_policies_that_name_themselves_alike_make_one_class_and_decide_alike() -> None:
    someone = user("ann", TWO, allow("sqs:*"))
    several = naming_themselves({"AWS": TWO}, "ArnEquals")
    built = made_world(users=(someone,), resources=tuple(several))
    assert len([item for item in built.classes if item.type == "sqs:queue"]) == 1
    assert set(on(built, someone.arn, "sqs:SendMessage").values()) == {None}


def test_an_rcp_does_not_limit_aws_managed_keys() -> None:
    """L3."""
    someone = user("ann", ONE, allow("kms:Decrypt"))
    own, amazons = key("k1"), key("k2", key_manager="AWS")
    guard = (rcp("no", deny("kms:*", Principal="*")),)
    found = on(made_world(users=(someone,), resources=(own, amazons), guardrails=guard), someone.arn, "kms:Decrypt")
    assert (found[own.arn], found[amazons.arn]) == (None, Verdict.ALLOWED)


@pytest.mark.parametrize("letter", ["F", r"\u0046"])
@pytest.mark.parametrize("operator", ["Bool", "BoolIfExists"])
@pytest.mark.parametrize("value", ["true", "false"])
def test_a_share_that_asks_about_mfa_tells_the_sessions_of_a_role_apart(operator: str, value: str, letter: str) -> None:
    """L14, L16: the permission of a share is looked at where it is decided about, so nothing else says that it asks."""
    asks = allow("*", Condition={operator: {"aws:MultiFactorAuthPresent": value}})
    parameter = Resource(
        arn=f"arn:aws:ssm:us-east-1:{TWO}:parameter/p", type="ssm:parameter", account=TWO, region="us-east-1", tags={}
    )
    template = json.dumps({"Statement": [asks]}).replace("MultiFactor", f"Multi{letter}actor")
    share = Share(
        arn=f"arn:aws:ram:us-east-1:{TWO}:resource-share/s",
        name="s",
        account=TWO,
        region="us-east-1",
        resources=(parameter.arn,),
        principals=(ONE,),
        permissions=(SharePermission(arn="p", type="ssm:Parameter", template=template),),
    )
    made = made_world(roles=(role("app", ONE, allow("ssm:*")),), resources=(parameter,), shares=(share,))
    place = next(item.index for item in made.resolver.classes if item.representative == parameter.arn)
    found = granted(made)
    for session in made.subjects.roles():
        outcome = decided(made, session, "ssm:GetParameter", parameter.arn)
        assert verdict_of(found.get((session.index, place, "ssm:GetParameter"))) is verdict_of(outcome), session
    assert [session.lost for session in made.subjects.roles()] == [False, True]


@pytest.mark.parametrize(
    "condition",
    [
        {"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{ONE}:role/other"}},
        {"StringEquals": {"aws:PrincipalAccount": TWO}},
        {"StringEquals": {"aws:PrincipalTag/team": "other"}},
        {"Bool": {"aws:PrincipalIsAWSService": "true"}},
        {"StringEquals": {"aws:username": "other"}},
    ],
    ids=json.dumps,
)
@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_what_policies_say_to_others_tells_nothing_apart(condition: dict[str, object], effect: str) -> None:
    def policy(name: str) -> str:
        arn = f"arn:aws:sqs:us-east-1:{ONE}:{name}"
        # By its Sid each is a statement of its own.
        for_others = {"Principal": "*", "Condition": condition}
        return document({"Sid": name, "Effect": effect, "Action": "sqs:*", "Resource": arn, **for_others})

    names = [f"q{number}" for number in range(9)]
    made = made_world(
        users=(user("ann", ONE, allow("sqs:*", "*")),),
        resources=tuple(queue(name, ONE, policy=policy(name)) for name in names),
    )
    resolver, place = made.resolver.opened(ONE)
    subject = made.subjects.by_key[f"arn:aws:iam::{ONE}:user/ann"]
    queues = sum(1 << at for at, unit in enumerate(place.units.all) if unit.container is not None)
    assert len(resolver.asker(subject, place.ground, queues).groups()) == 1
