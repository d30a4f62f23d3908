"""`diff` against brute force: every principal, action and resource decided in both snapshots, chains included."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from msgspec.structs import replace

from graph.access_levels import levels_of
from graph.changes import Comparison
from graph.differences import MOST_ROWS, Difference, Differences, diff
from graph.questions import Questions
from graph.sides import Joint
from graph.world import World
from model.entities import ManagedPolicy, Resource
from model.inventory import Inventory, InventoryData
from model.load_resources import LIST_CALLS
from policy.actions import catalogue
from tests.graph.changed_worlds import CHANGES, Changed, drawer
from tests.graph.test_chains import FEDERATED, who_can
from tests.graph.worlds import (
    ONE,
    OPEN,
    ORG,
    TWO,
    Drawer,
    Json,
    allow,
    deny,
    document,
    made,
    questions_of,
    queue,
    role,
    scp,
    seeds,
    trust,
    user,
    world,
)

Change = Callable[[InventoryData, Drawer], Changed]


def asked(data: InventoryData, folder: Path) -> Questions:
    folder.mkdir(parents=True)
    return questions_of(World(Inventory(data)), folder)


def changed(change: Change, data: InventoryData, seed: int) -> tuple[InventoryData, tuple[str, str]]:
    """The first change of that sort that can be made."""
    for more in range(50):
        found = change(data, drawer(data, 1000 * seed + more))
        if found is not None and found[0] != data:
            return found
    pytest.skip("no such change can be made here")


def brute(built: World, action: str, joint: Joint, *, there: bool) -> dict[str, str]:
    """Verdicts of everybody who can, decided one by one."""
    if not there or built.inventory.container(joint.representative) is None:
        return {}
    found = who_can(built, action, joint.representative)
    return {key: verdict for key, (verdict, _) in found.items()}


def not_listed(old: Questions, new: Questions) -> set[str]:
    """Outsiders and services that policies of one of the two name: there in both, but listed in one alone."""
    before, after = ({one.key for one in questions.world.subjects.strangers} for questions in (old, new))
    return before ^ after


def sample(joints: Iterable[Joint], draw: random.Random, count: int) -> list[Joint]:
    several = [joint for joint in joints if joint.representative != "*"]
    return draw.sample(several, min(count, len(several)))


@pytest.mark.parametrize("change", CHANGES, ids=[change.__name__ for change in CHANGES])
@pytest.mark.parametrize("seed", seeds(1, 40))
def test_what_moved_is_what_decisions_one_by_one_say_differently(change: Change, seed: int, tmp_path: Path) -> None:
    """Also what moved alike for no reason: Conditional in both, under other conditions, may be told; nothing else."""
    data = world(seed)
    after, _ = changed(change, data, seed)
    old, new = asked(data, tmp_path / "old"), asked(after, tmp_path / "new")
    comparison = Comparison(old, new)
    told: dict[tuple[str, int, str], bool] = {}
    for principal in comparison.principals():
        for moved in comparison.moved(principal):
            told |= {(principal, id(moved.joint), action): True for one in moved.moves for action in one.actions}
    draw, outside = random.Random(seed), not_listed(old, new)
    touched = {place for _, place, _ in told}
    everything = [joint for account in comparison.changed_accounts() for joint in comparison.joints(account)]
    some = sample([joint for joint in everything if id(joint) in touched], draw, 5) + sample(everything, draw, 3)
    for joint in some:
        actions = list(catalogue().actions_for_resource(joint.representative))
        likely = [action for _, place, action in told if place == id(joint) and action in actions]
        for action in {*draw.sample(actions, min(len(actions), 6)), *likely[:4]} - set(FEDERATED):
            was = brute(old.world, action, joint, there=joint.there[0])
            now = brute(new.world, action, joint, there=joint.there[1])
            for principal in (was.keys() | now.keys()) - outside:
                one, other = was.get(principal), now.get(principal)
                said = told.get((principal, id(joint), action), False)
                alike = one == other == "Conditional"
                assert said == (one != other) or (said and alike), (principal, action, joint.pattern, one, other)


def rows_of(found: Differences) -> list[Difference]:
    return [row for _, rows in found.named for row in rows]


@pytest.mark.parametrize("change", CHANGES, ids=[change.__name__ for change in CHANGES])
@pytest.mark.parametrize("seed", seeds(2, 40))
def test_every_row_names_the_change_that_was_made(change: Change, seed: int, tmp_path: Path) -> None:
    data = world(seed)
    after, named = changed(change, data, seed)
    old, new = asked(data, tmp_path / "old"), asked(after, tmp_path / "new")
    found = diff(old, new)
    assert found.unknown == []
    assert {(item.kind, item.id) for row in rows_of(found) for item in row.why} <= {named}
    assert all(row.why for row in rows_of(found))
    back = diff(new, old)
    assert [len(rows) for _, rows in back.named] == [len(found.lost), len(found.gained), len(found.changed), 0]


@pytest.mark.parametrize("seed", seeds(1, 40))
def test_levels_are_gained_and_lost_as_reach_would_show_them(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    data = world(seed)
    after = data
    for number, change in enumerate(draw.sample(CHANGES[:11], 3)):
        after, _ = changed(change, after, seed + number)
    old, new = asked(data, tmp_path / "old"), asked(after, tmp_path / "new")
    found = diff(old, new)
    arns = draw.sample([one.arn for one in data.resources if one.type in ("sqs:queue", "kms:key", "s3:bucket")], 4)
    for arn in arns:
        best: list[dict[tuple[str, str], str]] = [{}, {}]
        for questions, levels in zip((old, new), best, strict=True):
            for action in catalogue().actions_for_resource(arn):
                for principal, (verdict, _) in who_can(questions.world, action, arn).items():
                    for level in levels_of((action,)):
                        levels[principal, level] = min(verdict, levels.get((principal, level), verdict))
        outside = not_listed(old, new)
        best = [{key: verdict for key, verdict in one.items() if key[0] not in outside} for one in best]
        gained = {key for key in best[1] if key not in best[0]}
        lost = {key for key in best[0] if key not in best[1]}
        other = {key for key in best[0] if best[1].get(key, best[0][key]) != best[0][key]}
        assert {key for key in cells(found.gained, arn) if key[0] not in outside} == gained
        assert {key for key in cells(found.lost, arn) if key[0] not in outside} == lost
        moved = {key for key in cells(found.changed, arn) if key[0] not in outside}
        assert {key for key in moved if best[0][key] != best[1][key]} == other
        for row in (*found.gained, *found.lost, *found.changed):
            for level in row.levels if row.resource == arn else ():
                said = (str(row.before), str(row.after))
                assert said[0] == best[0].get((row.principal, level), said[0])
                assert said[1] == best[1].get((row.principal, level), said[1])


def cells(rows: Iterable[Difference], arn: str) -> set[tuple[str, str]]:
    return {(row.principal, level) for row in rows if row.resource == arn for level in row.levels}


def test_a_snapshot_does_not_differ_from_itself(tmp_path: Path) -> None:
    one, other = asked(world(2), tmp_path / "one"), asked(world(2), tmp_path / "other")
    assert diff(one, other).to_json() == {"gained": [], "lost": [], "changed": [], "unknown": []}


# -- what explains it, where several things changed or something was not read

SEND = "sqs:SendMessage"


#: The last part of an ARN, by the type of the resource.
_NAMES = {
    "s3:bucket": "x",
    "kms:key": "key/x",
    "sqs:queue": "x",
    "sns:topic": "x",
    "lambda:function": "function:x",
    "secretsmanager:secret": "secret:x",
    "dynamodb:table": "table/x",
    "ec2:instance": "instance/i-1",
    "ecs:task-definition": "task-definition/x:1",
    "codebuild:project": "project/x",
    "glue:job": "job/x",
    "states:stateMachine": "stateMachine:x",
}


def one_of(kind: str) -> Resource:
    """A resource of that type."""
    place = "::" if kind == "s3:bucket" else f":us-east-1:{ONE}"
    arn = f"arn:aws:{kind.partition(':')[0]}{place}:{_NAMES[kind]}"
    trusts = document(allow("kms:*", Principal={"AWS": ONE})) if kind == "kms:key" else ""
    s3 = OPEN if kind == "s3:bucket" else None
    return Resource(arn=arn, type=kind, account=ONE, region="us-east-1", name="x", tags={}, policy=trusts, s3=s3)


def policy(name: str, *statements: Json) -> ManagedPolicy:
    arn = f"arn:aws:iam::{ONE}:policy/{name}"
    return ManagedPolicy(arn=arn, id=name, name=name, account=ONE, document=document(*statements))


def told(before: InventoryData, after: InventoryData, folder: Path) -> dict[str, list[tuple[str, str, set[str]]]]:
    """Rows about queues: (principal, resource, kinds and ids of the causes), by what became of the access."""
    found = diff(asked(before, folder / "old"), asked(after, folder / "new"))
    return {
        kind: [
            (row.principal, row.resource, {f"{item.kind} {item.id}" for item in row.why})
            for row in rows
            if ":sqs:" in row.resource
        ]
        for kind, rows in found.named
    }


def test_of_two_changes_that_are_both_needed_both_are_named(tmp_path: Path) -> None:
    send, nothing = policy("send", allow(SEND)), policy("nothing", allow("s3:ListAllMyBuckets"))
    more: Json = {"policies": (send, nothing), "resources": (queue("q"),)}
    before = made(users=(user("ann", ONE, boundary=nothing.arn),), **more)
    after = made(users=(user("ann", ONE, attached=(send.arn,)),), **more)
    (row,) = told(before, after, tmp_path)["gained"]
    assert row[2] == {f"attachment {send.arn}", f"boundary {nothing.arn}"}


def test_of_two_changes_of_which_each_would_have_done_both_are_named_and_no_third(tmp_path: Path) -> None:
    """Detached and denied: undoing one of them changes nothing, making one of them does."""
    send, other = policy("send", allow(SEND)), policy("other", allow("s3:ListAllMyBuckets"))
    more: Json = {"policies": (send, other), "resources": (queue("q"),)}
    before = made(users=(user("ann", ONE, attached=(send.arn,)),), guardrails=(scp("full", allow("*")),), **more)
    guard = scp("full", allow("*"), deny(SEND))
    after = made(users=(user("ann", ONE, attached=(other.arn,)),), guardrails=(guard,), **more)
    row = next(row for row in told(before, after, tmp_path)["lost"] if row[0].endswith(":user/ann"))
    assert row[2] == {f"attachment {send.arn}", f"scp {guard.arn}"}


def test_a_new_version_of_an_aws_managed_policy_is_awss_own_change(tmp_path: Path) -> None:
    arn = "arn:aws:iam::aws:policy/Queues"
    versions = [
        ManagedPolicy(arn=arn, id="A", name="Queues", account="aws", document=document(*statements))
        for statements in ((allow("sqs:GetQueueUrl"),), (allow(["sqs:GetQueueUrl", SEND]),))
    ]
    both = [
        made(users=(user("ann", ONE, attached=(arn,)),), policies=(version,), resources=(queue("q"),))
        for version in versions
    ]
    (row,) = told(both[0], both[1], tmp_path)["gained"]
    assert row[2] == {f"aws-managed {arn}"}


def test_an_account_moved_to_another_unit_is_the_cause(tmp_path: Path) -> None:
    guards = (scp("full", allow("*")), scp("no", deny(SEND), targets=("ou-2",)))
    before = made(users=(user("ann", ONE, allow(SEND)),), resources=(queue("q"),), guardrails=guards)
    moved = tuple(replace(one, path=("r-1", "ou-2")) if one.id == ONE else one for one in before.accounts)
    rows = told(before, replace(before, accounts=moved), tmp_path)["lost"]
    assert {row[0].rsplit("/")[-1] for row in rows} >= {"ann"}
    assert all(row[2] == {f"account account:{ONE}"} for row in rows)


def test_a_condition_on_the_date_is_time_that_passed(tmp_path: Path) -> None:
    until = {"DateLessThan": {"aws:CurrentTime": "2026-06-01T00:00:00Z"}}
    before = made(users=(user("ann", ONE, allow(SEND, Condition=until)),), resources=(queue("q"),))
    (row,) = told(before, replace(before, taken="2026-07-01T00:00:00+00:00"), tmp_path)["lost"]
    assert row[2] == {"time aws:CurrentTime"}


def test_who_or_what_came_or_went_is_the_cause(tmp_path: Path) -> None:
    ann, bob = user("ann", ONE, allow(SEND)), user("bob", ONE, allow(SEND))
    before = made(users=(ann,), resources=(queue("q"),))
    after = made(users=(ann, bob), resources=(queue("q"), queue("q2")))
    found = told(before, after, tmp_path)
    causes = {(row[0], row[1].rsplit(":")[-1]): row[2] for row in found["gained"]}
    assert causes[ann.arn, "q2"] == {f"resource {queue('q2').arn}"}
    assert causes[bob.arn, "q"] == {f"principal {bob.arn}"}
    rows = diff(asked(before, tmp_path / "a"), asked(after, tmp_path / "b")).gained
    assert {row.before for row in rows if row.principal == bob.arn or row.resource.endswith("q2")} == {None}


def test_a_policy_that_one_snapshot_could_not_read_is_unknown_either_way(tmp_path: Path) -> None:
    known = queue("q", ONE, allow(SEND, Principal={"AWS": f"arn:aws:iam::{TWO}:user/ann"}))
    both = [
        made(users=(user("ann", TWO, allow(SEND)),), resources=(one,)) for one in (known, replace(known, policy=None))
    ]
    for number, (before, after) in enumerate((both, both[::-1])):
        found = told(before, after, tmp_path / str(number))
        assert found["gained"] == found["lost"] == found["changed"] == []
        assert (f"arn:aws:iam::{TWO}:user/ann", known.arn, {f"policy {known.arn}#policy"}) in found["unknown"]


def test_principals_of_an_account_that_could_not_be_read_are_not_lost(tmp_path: Path) -> None:
    ann, other = user("ann", TWO, allow(SEND)), user("bob", ONE, allow(SEND))
    own = queue("q", TWO)
    before = made(users=(ann, other), resources=(own, queue("q", ONE)))
    after = made(users=(other,), resources=(own, queue("q", ONE)), unread_principals=(TWO,))
    found = told(before, after, tmp_path)
    assert found["lost"] == found["gained"] == found["changed"] == []
    assert ann.arn in {row[0] for row in found["unknown"]}


def test_resources_whose_list_could_not_be_read_are_not_lost(tmp_path: Path) -> None:
    several = {kind: one_of(kind) for kind in LIST_CALLS}
    ann = user("ann", ONE, allow(sorted(f"{kind.partition(':')[0]}:*" for kind in several)))
    unread = tuple((ONE, "us-east-1", kind) for kind in several)
    both = made(users=(ann,), resources=tuple(several.values())), made(users=(ann,), unread_lists=unread)
    for number, (before, after) in enumerate((both, both[::-1])):
        found = diff(*(asked(data, tmp_path / f"{number}{name}") for name, data in (("a", before), ("b", after))))
        assert found.lost == found.gained == found.changed == []
        rows = {row.resource: {item.id for item in row.why} for row in found.unknown if row.principal == ann.arn}
        assert all(one.arn in rows[one.arn] for one in several.values())


def test_a_gap_that_decides_nothing_leaves_lost_what_was_lost(tmp_path: Path) -> None:
    send = policy("send", allow(SEND))
    before = made(users=(user("ann", ONE, attached=(send.arn,)),), policies=(send,), resources=(queue("q"),))
    unread = replace(queue("q"), tags=None)
    after = made(users=(user("ann", ONE),), policies=(send,), resources=(unread,))
    found = told(before, after, tmp_path)
    assert found["unknown"] == []
    assert [row[2] for row in found["lost"]] == [{f"attachment {send.arn}"}]


def test_people_lose_what_their_assignment_gave(tmp_path: Path) -> None:
    data = world(2)
    after = replace(data, assignments=())
    found = diff(asked(data, tmp_path / "old"), asked(after, tmp_path / "new"))
    assert {row.principal for row in found.lost} == {"person:eve@x.example"}
    assert {item.kind for row in found.lost for item in row.why} == {"assignment"}
    assert all(row.via and row.after is not None for row in found.lost)


def test_many_resources_that_changed_alike_are_one_row_if_their_pattern_fits_them_alone(tmp_path: Path) -> None:
    many = tuple(queue(f"jobs-{number}") for number in range(10, 11 + MOST_ROWS))
    for name, more, rows in (("alone", (), 1), ("beside", (queue("jobs-"),), len(many))):
        both = [
            made(users=(user("ann", ONE, allow(SEND, resource)),), resources=(*many, *more))
            for resource in ("arn:aws:sqs:us-east-1:*:none", "arn:aws:sqs:us-east-1:*:jobs-??")
        ]
        found = diff(asked(both[0], tmp_path / name / "old"), asked(both[1], tmp_path / name / "new"))
        assert sum(row.count for row in found.gained) == len(many)
        assert len(found.gained) == rows


@pytest.mark.parametrize("still_named", [True, False])
def test_a_service_that_a_trust_in_everyone_lets_in_all_the_same_has_not_lost_that(
    tmp_path: Path, still_named: bool
) -> None:
    """It came by two roles, of which one named it; what lies behind that one alone is lost."""
    named = document(trust({"Service": "lambda.amazonaws.com"}))
    send, drop = allow("sqs:SendMessage"), allow("sqs:TagQueue")
    roles = [role("Open", ONE, send, trusts=document(trust("*")))]
    if still_named:
        roles.append(role("Other", TWO, trusts=named))
    found = []
    for name, trusts in (("old", named), ("new", document(trust({"AWS": ONE})))):
        first = role("First", ONE, send, drop, trusts=trusts)
        found.append(asked(made(roles=(first, *roles), resources=(queue("q", ONE),)), tmp_path / name))
    there, back = diff(*found), diff(*reversed(found))
    for rows, others, actions in ((there.lost, there.gained, "went"), (back.gained, back.lost, "came")):
        mine = [row for row in rows if row.principal == "lambda.amazonaws.com" and ":sqs:" in row.resource]
        assert [getattr(row, actions) for row in mine] == [("sqs:TagQueue",)]
        assert [row for row in others if row.principal == "lambda.amazonaws.com"] == []


def test_whom_a_policy_names_for_the_first_time_has_not_gained_what_everybody_has(tmp_path: Path) -> None:
    """It was there before, and let in by the same policies: only the one that names it now is news."""
    eve = "arn:aws:iam::999999999999:user/eve"
    abroad = {"StringNotEquals": {"aws:PrincipalOrgID": ORG}}
    everybody = [
        queue(name, TWO, allow("sqs:SendMessage", Principal="*", **more))
        for name, more in (("public", {}), ("others", {"Condition": abroad}))
    ]
    first = role("Open", ONE, allow("sqs:ListQueueTags"), trusts=document(trust({"AWS": "*"})))
    found = []
    for name, says in (("old", ()), ("new", (allow("sqs:SendMessage", Principal={"AWS": eve}),))):
        resources = (*everybody, queue("theirs", ONE, *says))
        found.append(asked(made(roles=(first,), resources=resources), tmp_path / name))
    there, back = diff(*found), diff(*reversed(found))
    news, gone = (there.gained, back.lost), (*there.lost, *there.changed, *back.gained, *back.changed)
    for rows in news:
        assert [row.resource.rpartition(":")[2] for row in rows if row.principal == eve] == ["theirs"]
    assert [row for row in gone if row.principal == eve] == []


@pytest.mark.parametrize("named_in", ["old", "new", "both"])
@pytest.mark.parametrize("opens", [True, False])
def test_what_everybody_gains_or_loses_is_told_of_whom_one_snapshot_alone_names(
    named_in: str, opens: bool, tmp_path: Path
) -> None:
    eve = "arn:aws:iam::999999999999:user/eve"
    found = []
    for name in ("old", "new"):
        names = (allow("sqs:ReceiveMessage", Principal={"AWS": eve}),) if named_in in (name, "both") else ()
        public = (allow("sqs:SendMessage", Principal="*"),) if opens is (name == "new") else ()
        found.append(asked(made(resources=(queue("q", ONE, *public), queue("named", TWO, *names))), tmp_path / name))
    told = diff(*found)
    for principal in (eve, "anonymous"):
        rows = [row for row in (told.gained if opens else told.lost) if row.principal == principal]
        assert ["q" for row in rows if row.resource.endswith(":q")] == ["q"], principal
        others = told.lost if opens else told.gained
        assert [row for row in others if row.principal == principal and row.resource.endswith(":q")] == []
