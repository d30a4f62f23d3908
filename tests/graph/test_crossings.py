"""Contents on which patterns of several roles of one principal meet: the narrowest row is true of them, too."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from graph.classes import ResourceClass
from graph.crossings import crossed, crossing
from graph.differences import Difference, diff
from graph.questions import Questions
from graph.reaching import Reached, reach
from graph.whatif import what_if
from graph.whatif_names import revocation
from graph.world import World
from model.entities import InlinePolicy
from policy.patterns import matcher, resource_parts
from policy.verdicts import Verdict
from tests.graph.test_parts_told import ACTION, BUCKET, GLOBS, KEYS
from tests.graph.test_whatif import asked
from tests.graph.test_whatif_parts import of_contents, read_of
from tests.graph.worlds import (
    ONE,
    Json,
    allow,
    bucket,
    deny,
    document,
    made_world,
    questions_of,
    role,
    trust,
    user,
)

ANN = f"arn:aws:iam::{ONE}:user/ann"
ROLES = [f"arn:aws:iam::{ONE}:role/{name}" for name in ("A", "B", "C")]
LEVEL = "Read:data"
PUT = "s3:PutObject"

#: All but secrets, and a folder with whatever is in it.
SECRETS = [allow(ACTION, f"{BUCKET}/*"), deny(ACTION, f"{BUCKET}/*.secret")]
FOLDER = [allow(ACTION, f"{BUCKET}/in/*")]


def made(*roles: list[Json], own: list[Json] | None = None, policy: str = "", without: str = "") -> World:
    """Ann may assume roles A, B, … by a policy for each, called as they are; she is ``without`` one of these."""
    names = [arn.rpartition("/")[2] for arn in ROLES[: len(roles)]]
    ways = zip(names, ROLES, strict=False)
    inline = [(name, [allow("sts:AssumeRole", arn)]) for name, arn in ways if name != without]
    inline += [("own", own)] if own else []
    ann = user("ann", inline=tuple(InlinePolicy(name=name, document=document(*some)) for name, some in inline))
    holders = tuple(role(name, ONE, *some) for name, some in zip(names, roles, strict=True))
    return made_world(users=(ann,), roles=holders, resources=(bucket("b", policy=policy),))


def built(world: World, tmp_path: Path) -> Questions:
    return questions_of(world, Path(tempfile.mkdtemp(dir=tmp_path)))


def told(questions: Questions, principal: str = ANN, **more: str) -> dict[str, tuple[str, str]]:
    """Verdict and last role by what lies of the pattern behind the bucket's name."""
    return {
        row.resource_class.pattern.replace(BUCKET, ""): (str(row.verdict), row.via[-1].rpartition("/")[2])
        for row in reach(questions, principal, **more)
        if row.resource_class.contents
    }


# -- reach


@pytest.mark.parametrize("more", [{}, {"action": ACTION}, {"level": "Read"}, {"level": LEVEL, "action": ACTION}])
def test_what_one_role_gives_inside_what_another_is_denied_is_told(tmp_path: Path, more: dict[str, str]) -> None:
    questions = built(made(SECRETS, FOLDER), tmp_path)
    assert questions.can(ANN, ACTION, f"{BUCKET}/in/x.secret")["chains"][0]["via"] == [ROLES[1]]
    assert told(questions, **more) == {
        "/*": ("Allowed", "A"),
        "/*.secret": ("ExplicitlyDenied", "A"),
        "/*.secret ∩ /in/*": ("Allowed", "B"),
    }


def test_other_levels_and_actions_have_no_such_rows(tmp_path: Path) -> None:
    questions = built(made([*SECRETS, allow(PUT, f"{BUCKET}/out/*")], FOLDER), tmp_path)
    assert told(questions, level="Write") == {"/out/*": ("Allowed", "A")}
    assert told(questions, action=PUT) == {"/out/*": ("Allowed", "A")}


def test_what_is_allowed_under_a_condition_where_patterns_cross_is_conditional(tmp_path: Path) -> None:
    office = {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
    questions = built(made(SECRETS, [allow(ACTION, f"{BUCKET}/in/*", Condition=office)]), tmp_path)
    assert told(questions)["/*.secret ∩ /in/*"] == ("Conditional", "B")


def test_a_better_way_in_what_is_conditional_around_it_is_told(tmp_path: Path) -> None:
    office = {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
    hours = {**allow(ACTION, f"{BUCKET}/*.csv", Condition=office)}
    questions = built(made([allow(ACTION, f"{BUCKET}/a*"), deny(ACTION, f"{BUCKET}/*b")], [hours]), tmp_path)
    assert told(questions) == {
        "/a*": ("Allowed", "A"),
        "/*.csv": ("Conditional", "B"),
        "/*.csv ∩ /a*": ("Allowed", "A"),
        "/*b ∩ /a*": ("ExplicitlyDenied", "A"),
    }


def test_three_roles_cross(tmp_path: Path) -> None:
    more = [allow(ACTION, f"{BUCKET}/*a*")]
    questions = built(made([*SECRETS, deny(ACTION, f"{BUCKET}/in/*")], FOLDER, more), tmp_path)
    assert_told_as_decided(questions, ANN, ["in/x", "in/a", "in/a.secret", "in/x.secret", "a.secret", "x.secret", "x"])


def test_patterns_that_meet_in_two_ways_are_told_in_both_where_another_s_pattern_matches_one(tmp_path: Path) -> None:
    """``*/*`` and ``??`` meet in ``x/`` and in ``/x``; somebody else has ``*/``, which makes a part of one of them."""
    short = [allow(ACTION, f"{BUCKET}/*"), deny(ACTION, f"{BUCKET}/??")]
    world = made(short, [allow(ACTION, f"{BUCKET}/*/*")])
    bob = user("bob", ONE, allow(ACTION, f"{BUCKET}/*/"), allow(ACTION, f"{BUCKET}/??"))
    data = world.inventory.data
    both = made_world(users=(*data.users, bob), roles=data.roles, resources=(bucket("b"),))
    assert_told_as_decided(built(both, tmp_path), ANN, ["/x", "x/", "//", "xx", "x", "x/x", "xxx"])


def test_the_roles_alone_are_told_as_before(tmp_path: Path) -> None:
    questions = built(made(SECRETS, FOLDER), tmp_path)
    rows = [row.resource_class for row in reach(questions, ROLES[0])]
    assert [row.pattern.replace(BUCKET, "") for row in rows if row.contents] == ["/*", "/*.secret"]


def test_a_session_that_no_build_lists_is_told_of_it(tmp_path: Path) -> None:
    one = role("A", ONE, *SECRETS, allow("sts:AssumeRole", ROLES[1]))
    other = role("B", ONE, *FOLDER, trusts=document(trust({"AWS": ROLES[0]})))
    world = made_world(roles=(one, other), resources=(bucket("b"),))
    questions = built(world, tmp_path)
    session = f"arn:aws:sts::{ONE}:assumed-role/A/ann"
    assert_told_as_decided(questions, session, ["in/x.secret", "in/x", "x.secret", "x"])


# -- any patterns


#: What a key is read as: the way of what is Allowed, ``None`` for a denial or no row.
Way = tuple[str, ...] | None


def reads(rows: list[Reached], key: str) -> set[Way]:
    """What the narrowest rows say that match a key."""
    arn = f"{BUCKET}/{key}"
    tests = [
        [matcher(resource_parts(one, variables=True)) for one in row.resource_class.pattern.split(" ∩ ")]
        for row in rows
    ]
    texts = [row.resource_class.representative for row in rows]
    inside = [{place for place, text in enumerate(texts) if all(test(text) for test in some)} for some in tests]
    mine = [at for at, row in enumerate(rows) if row.resource_class.contents and all(test(arn) for test in tests[at])]
    nearest = [at for at in mine if not any(other in inside[at] and at not in inside[other] for other in mine)]
    return {rows[at].via if rows[at].verdict is Verdict.ALLOWED else None for at in nearest} or {None}


def decided(questions: Questions, principal: str, key: str) -> Way:
    """The best way by which there is access, decided for this key alone."""
    answer = questions.can(principal, ACTION, f"{BUCKET}/{key}")
    ways: list[tuple[str, ...]] = [tuple(one["via"]) for one in answer["chains"] if one["verdict"] == "Allowed"]
    ways += [()] if answer["verdict"] == "Allowed" else []
    return min(ways, key=lambda way: (len(way), way), default=None)


def assert_told_as_decided(questions: Questions, principal: str, keys: list[str]) -> None:
    rows = list(reach(questions, principal, action=ACTION))
    for key in keys:
        assert reads(rows, key) == {decided(questions, principal, key)}, (
            key,
            told(questions, principal, action=ACTION),
        )


STATEMENTS = st.lists(st.tuples(st.sampled_from(["Allow", "Allow", "Deny"]), GLOBS), max_size=3)


def written(some: list[tuple[str, str]]) -> list[Json]:
    return [{"Effect": effect, "Action": ACTION, "Resource": f"{BUCKET}/{glob}"} for effect, glob in some]


ANY = settings(
    max_examples=40, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


@ANY
@given(own=STATEMENTS, roles=st.lists(STATEMENTS, min_size=2, max_size=3), denied=st.lists(GLOBS, max_size=1))
@example(own=[], roles=[[("Allow", "*"), ("Deny", "*b")], [("Allow", "a*")]], denied=[])
@example(own=[("Allow", "a/*"), ("Deny", "*x*")], roles=[[("Allow", "a*b"), ("Allow", "*/b")], []], denied=["a/b"])
@example(own=[], roles=[[("Allow", "??"), ("Deny", "*x*")], [("Allow", "*/*")]], denied=[])
@example(own=[("Allow", "a*")], roles=[[("Allow", "*b")], [("Deny", "?/*"), ("Allow", "*/?")]], denied=["*a"])
@example(own=[], roles=[[("Allow", "*a*")], [("Allow", "?/*"), ("Deny", "a*")], [("Allow", "a/*")]], denied=[])
@example(own=[], roles=[[("Allow", "?/*"), ("Deny", "a*")], [("Allow", "a/*")], [("Allow", "*a*")]], denied=[])
def test_the_narrowest_row_says_what_the_best_of_all_roles_is(
    tmp_path: Path, own: list[tuple[str, str]], roles: list[list[tuple[str, str]]], denied: list[str]
) -> None:
    no = [{**deny(ACTION, f"{BUCKET}/{glob}"), "Principal": "*"} for glob in denied]
    world = made(*map(written, roles), own=written(own), policy=document(*no) if no else "")
    assert_told_as_decided(built(world, tmp_path), ANN, KEYS)


# -- what-if


def test_a_loss_where_patterns_cross_is_told() -> None:
    """Without role B nothing is lost of `in/*` but the secrets, which A is denied."""
    lost, still, _ = asked(made(SECRETS, FOLDER), ANN, "policy", "B")
    assert of_contents(lost) == {(f"/*.secret ∩ {BUCKET}/in/*", "Allowed", ("B",))}
    assert of_contents(still) == {
        ("/in/*", "Allowed", ("A",)),
        (f"/*.secret ∩ {BUCKET}/in/*", "ExplicitlyDenied", ("A",)),
    }


def test_what_stays_where_patterns_cross_is_told() -> None:
    lost, still, _ = asked(made(SECRETS, FOLDER), ANN, "policy", "A")
    assert of_contents(lost) == {("/*", "Allowed", ("A",))}
    assert of_contents(still) == {("/in/*", "Allowed", ("B",))}


@ANY
@given(gone=STATEMENTS.filter(bool), left=st.lists(STATEMENTS, min_size=1, max_size=2), own=st.booleans())
@example(gone=[("Allow", "a*")], left=[[("Allow", "*"), ("Deny", "*b")]], own=False)
@example(gone=[("Allow", "a*")], left=[[("Allow", "*"), ("Deny", "*b")]], own=True)
@example(gone=[("Allow", "*"), ("Deny", "*b")], left=[[("Allow", "a*")], [("Allow", "*a*")]], own=False)
def test_what_is_lost_and_what_stays_is_read_of_the_narrowest_rows(
    tmp_path: Path, gone: list[tuple[str, str]], left: list[list[tuple[str, str]]], own: bool
) -> None:
    """By the principal's own policy, or by the policy that lets it become the first role."""
    if own:
        world, change = made(*map(written, left), own=written(gone)), "own"
    else:
        world, change = made(written(gone), *map(written, left)), "A"
    questions = built(world, tmp_path)
    subjects = questions.world.subjects.by_key
    rows = what_if(questions, subjects[ANN], revocation(questions.world, subjects[ANN], "policy", change)).rows
    listed = [(name, row) for name, several in (("lost", rows.lost), ("still", rows.still)) for row in several]
    listed = [(name, row) for name, row in listed if LEVEL in row.levels]
    first, *others = [ANN, *ROLES[: len(left)]] if own else ROLES[: len(left) + 1]
    for key in KEYS:
        was, *now = (
            questions.world.decider.decide(subjects[one], ACTION, f"{BUCKET}/{key}").can for one in (first, *others)
        )
        read = read_of(listed, key)
        if was and not any(now):
            assert "lost" in read and "still" not in read, (key, listed)
        elif was:
            assert read == {"still"}, (key, listed)
        elif not any(now):
            assert "still" not in read, (key, listed)


# -- diff


def gone_and_come(old: World, new: World, tmp_path: Path) -> list[tuple[str, Difference]]:
    """What Ann has lost and gained of the bucket's contents."""
    found = diff(built(old, tmp_path), built(new, tmp_path))
    rows = [("lost", row) for row in found.lost] + [("gained", row) for row in found.gained]
    return [(kind, row) for kind, row in rows if row.principal == ANN and row.resource.startswith(f"{BUCKET}/")]


def test_what_is_lost_and_gained_where_patterns_cross_is_told(tmp_path: Path) -> None:
    both, one = made(SECRETS, FOLDER), made(SECRETS, FOLDER, without="B")
    cell = f"{BUCKET}/*.secret ∩ {BUCKET}/in/*"
    for old, new, kind in ((both, one, "lost"), (one, both, "gained")):
        rows = gone_and_come(old, new, tmp_path)
        assert [(name, row.resource, row.via) for name, row in rows] == [(kind, cell, (ROLES[1],))]


def test_what_is_lost_as_around_it_where_patterns_cross_is_one_row(tmp_path: Path) -> None:
    more = [*FOLDER, allow(ACTION, f"{BUCKET}/*x*")]
    rows = gone_and_come(made(SECRETS, more), made(SECRETS, more, without="A"), tmp_path)
    assert [(name, row.resource) for name, row in rows] == [("lost", f"{BUCKET}/*")]


@ANY
@given(roles=st.lists(STATEMENTS, min_size=2, max_size=3), without=st.sampled_from("AB"))
@example(roles=[[("Allow", "*"), ("Deny", "*b")], [("Allow", "a*")]], without="B")
@example(roles=[[("Allow", "a*"), ("Allow", "*/b")], [("Allow", "*"), ("Deny", "*b")], [("Deny", "?/*")]], without="A")
def test_each_loss_has_a_row(tmp_path: Path, roles: list[list[tuple[str, str]]], without: str) -> None:
    worlds = made(*map(written, roles)), made(*map(written, roles), without=without)
    old, new = (built(one, tmp_path) for one in worlds)
    rows = [row for row in diff(old, new).lost if row.principal == ANN and row.resource.startswith(f"{BUCKET}/")]
    for key in KEYS:
        was, now = (decided(one, ANN, key) is not None for one in (old, new))
        tests = [[matcher(resource_parts(one, variables=True)) for one in row.resource.split(" ∩ ")] for row in rows]
        if was and not now:
            assert any(all(test(f"{BUCKET}/{key}") for test in some) for some in tests), (key, rows)


# -- parts


def parts(*patterns: str) -> list[ResourceClass]:
    """Parts of a bucket, the text of each as its pattern with something for its stars."""
    texts = [f"{BUCKET}{pattern.split(' ∩ ')[0].replace('*', '~~~')}" for pattern in patterns]
    names = [" ∩ ".join(BUCKET + one for one in pattern.split(" ∩ ")) for pattern in patterns]
    return [
        ResourceClass(at, name, text, "s3:bucket", ONE, "", (), contents=True, owner=BUCKET)
        for at, (name, text) in enumerate(zip(names, texts, strict=True))
    ]


def crossings(some: list[ResourceClass], *held: tuple[int, int]) -> list[tuple[str, frozenset[int]]]:
    return [(part.pattern.replace(BUCKET, ""), there) for part, there in crossing(some, held)]


def test_what_one_holder_tells_apart_is_not_looked_for() -> None:
    some = parts("/*", "/in/*", "/*.secret")
    assert crossings(some, (1, 0b011), (2, 0b010)) == [("/*.secret ∩ /in/*", frozenset({0b010}))]
    assert crossings(some, (1, 0b011), (1, 0b010)) == []
    assert crossings(some, (1, 0b011), (2, 0b111)) == []
    assert crossings(some, (1, 0b011), (2, 0b011)) == []


def test_beginnings_do_not_cross() -> None:
    assert crossings(parts("/*", "/in/*", "/in/a/*"), (1, 0b011), (2, 0b100)) == []


def test_containers_of_one_holder_are_not_read() -> None:
    def none(places: list[int]) -> list[ResourceClass]:
        raise AssertionError(places)

    places, owners = np.array([4, 7, 9], dtype=np.int32), np.array([1, 1, 1], dtype=np.int32)
    rows = [(1, np.array([4, 7], dtype=np.int32)), (2, np.array([4, 7, 9], dtype=np.int32))]
    assert list(crossed(rows, places, owners, none)) == []


def test_the_rows_that_hold_where_patterns_cross_are_told() -> None:
    some = dict(zip((4, 7, 9), parts("/*", "/in/*", "/*.secret"), strict=True))
    places, owners = np.array([9, 4, 7], dtype=np.int32), np.array([1, 1, 1], dtype=np.int32)
    held = [(1, [4, 7, 30]), (2, [7]), (3, [4, 7, 9]), (4, [2])]
    rows = [(who, np.array(classes, dtype=np.int32)) for who, classes in held]
    (found,) = crossed(rows, places, owners, lambda chosen: [some[place] for place in chosen])
    assert sorted(found.parts) == [4, 7, 9]
    assert [(part.pattern.replace(BUCKET, ""), there) for part, there in found.more] == [("/*.secret ∩ /in/*", [1, 2])]
