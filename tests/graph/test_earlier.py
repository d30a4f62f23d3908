"""A build takes over what cannot have changed: its tables say what those of a build from nothing say."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from graph import earlier
from graph.changes import Comparison
from graph.clock import reads_clock, tells_apart
from graph.engines import EngineError, LocalEngine, Task
from graph.questions import Questions
from graph.table_format import BUILD_FILE
from graph.tables import Tables
from model.entities import (
    InlinePolicy,
    Role,
)
from model.inventory import InventoryData
from tests.graph.changed_worlds import CHANGES, drawer
from tests.graph.earlier_worlds import built, rebuilt, said, taken
from tests.graph.further_changes import FURTHER, LATER, later, nothing_that_counts
from tests.graph.worlds import (
    ONE,
    ORG,
    TAKEN,
    TWO,
    Drawer,
    Json,
    allow,
    bucket,
    deny,
    document,
    made,
    queue,
    rcp,
    role,
    scp,
    seeds,
    trust,
    user,
    world,
)

Change = Callable[[InventoryData, Drawer], InventoryData | None]


def _alone(change: Callable[[InventoryData, Drawer], object]) -> Change:
    """A change without the name that `diff` would give it."""

    def changing(data: InventoryData, draw: Drawer) -> InventoryData | None:
        found = change(data, draw)
        return found[0] if isinstance(found, tuple) else found  # type: ignore[return-value]

    changing.__name__ = change.__name__
    return changing


EVERY: tuple[Change, ...] = tuple(map(_alone, (*CHANGES, *FURTHER)))


def changed(change: Change, data: InventoryData, seed: int) -> InventoryData:
    """The first change of that sort that can be made."""
    for more in range(50):
        found = change(data, drawer(data, 1000 * seed + more))
        if found is not None and found != data:
            return found
    pytest.skip("no such change can be made here")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """The home with the first build of each world."""

    @cache
    def home(seed: int) -> Path:
        folder = tmp_path_factory.mktemp(f"world{seed}")
        built(world(seed), folder, "one")
        return folder

    return home


@pytest.mark.parametrize("seed", seeds(1, 25))
@pytest.mark.parametrize("change", EVERY, ids=[change.__name__ for change in EVERY])
def test_what_is_built_after_a_change_is_what_is_built_from_nothing(
    change: Change, seed: int, first: Callable[[int], Path], tmp_path: Path
) -> None:
    after = changed(change, world(seed), seed)
    home = Path(shutil.copytree(first(seed), tmp_path / "home"))
    again, anew = built(after, home, "two"), built(after, tmp_path / "fresh", "two")
    assert said(again) == said(anew)
    assert taken(anew) == 0


@pytest.mark.parametrize("seed", seeds(2, 40))
def test_builds_that_follow_each_other_go_on_being_right(seed: int, tmp_path: Path) -> None:
    """Numbers of subjects and of sets of actions shift, and what is taken over was taken over before."""
    data, draw = world(seed), random.Random(seed)
    built(data, tmp_path / "home", "0")
    for number, change in enumerate(draw.sample(EVERY, 4), 1):
        data = change(data, drawer(data, seed + number)) or data
        again, anew = built(data, tmp_path / "home", str(number)), built(data, tmp_path / f"fresh{number}", "x")
        assert said(again) == said(anew), change.__name__


# -- how much is taken over, in worlds where it can be seen

SEND = "sqs:SendMessage"


def two(role_says: Json, **more: object) -> InventoryData:
    """A role of one account, and another account with a queue that lets in the first and a bucket that does not."""
    lends = queue("lent", TWO, allow(SEND, Principal={"AWS": f"arn:aws:iam::{ONE}:root"}))
    fields: Json = {
        "roles": (role("app", ONE, role_says, allow("s3:GetObject")), role("theirs", TWO, allow("sqs:*"))),
        "resources": (lends, bucket("own", TWO), queue("mine", ONE)),
        **more,
    }
    return made(**fields)


def test_nothing_new_is_taken_over_whole(tmp_path: Path) -> None:
    data = two(allow(SEND))
    again, anew = rebuilt(data, nothing_that_counts(data, drawer(world(1), 1)), tmp_path)
    assert (taken(again), again.info.earlier) == (3, "one")
    assert said(again) == said(anew)


def test_a_policy_that_lets_nobody_at_anything_elsewhere_is_its_accounts_alone(tmp_path: Path) -> None:
    again, anew = rebuilt(two(allow("sns:Publish")), two(allow("ec2:RunInstances")), tmp_path)
    assert taken(again) == 2
    assert said(again) == said(anew)


@pytest.mark.parametrize("turned", [False, True])
def test_a_policy_that_lets_somebody_at_what_another_account_lends_is_that_ones_too(
    turned: bool, tmp_path: Path
) -> None:
    before, then = two(allow(SEND)), two(allow("ec2:RunInstances"))
    again, anew = rebuilt(*((then, before) if turned else (before, then)), tmp_path)
    assert taken(again) == 1
    assert said(again) == said(anew)


def test_a_statement_about_something_else_is_not_what_another_account_lends(tmp_path: Path) -> None:
    """The role may send to the queue as before: of what changed nothing can be about it."""
    both = (allow(SEND), allow("ec2:RunInstances"))
    changed_role = role("app", ONE, *both, allow("s3:GetObject"))
    data, then = two(allow(SEND)), two(allow(SEND))
    kept = InlinePolicy(name="own", document=document(allow(SEND), allow("s3:GetObject")))
    more = InlinePolicy(name="more", document=document(both[1]))
    then = replace(then, roles=(replace(changed_role, inline=(kept, more)), *then.roles[1:]))
    again, anew = rebuilt(data, then, tmp_path)
    assert taken(again) == 2
    assert said(again) == said(anew)


def test_a_denial_is_of_the_accounts_that_let_its_holder_in(tmp_path: Path) -> None:
    data = two(allow(SEND))
    denied = InlinePolicy(name="no", document=document(deny("sqs:*")))
    app = data.roles[0]
    then = replace(data, roles=(replace(app, inline=(*app.inline, denied)), *data.roles[1:]))
    again, anew = rebuilt(data, then, tmp_path)
    assert taken(again) == 1
    assert said(again) == said(anew)


def test_a_boundary_without_statements_about_a_resource_counts_there(tmp_path: Path) -> None:
    data = two(allow(SEND))
    app: Role = replace(data.roles[0], boundary=f"arn:aws:iam::{ONE}:policy/none")
    again, anew = rebuilt(data, replace(data, roles=(app, *data.roles[1:])), tmp_path)
    assert taken(again) == 1
    assert said(again) == said(anew)


def test_a_control_policy_is_of_the_accounts_under_it_and_of_those_that_let_them_in(tmp_path: Path) -> None:
    full = scp("full", allow("*"))
    data = two(allow(SEND), guardrails=(full,))
    then = two(allow(SEND), guardrails=(full, scp("no", deny(SEND), targets=(ONE,))))
    again, anew = rebuilt(data, then, tmp_path)
    assert taken(again) == 1
    assert said(again) == said(anew)


def test_a_new_subject_shifts_the_numbers_of_what_is_taken_over(tmp_path: Path) -> None:
    data = two(allow(SEND))
    then = two(allow(SEND), users=(user("ann", ONE, allow("s3:GetObject")),))
    again, anew = rebuilt(data, then, tmp_path)
    assert taken(again) == 2
    assert again.listed() != Tables(tmp_path / "home" / "graphs" / "one").listed()
    assert said(again) == said(anew)


def test_a_bucket_policy_that_is_none_is_told_of_until_it_is_mended(tmp_path: Path) -> None:
    """Its ARN names no account; another account, which is taken over, has nothing to tell of it."""
    bad, good = (
        two(allow(SEND), resources=(replace(bucket("b", ONE), policy=text), queue("q", TWO))) for text in ("{", "")
    )
    again, anew = rebuilt(bad, good, tmp_path)
    assert [*Tables(tmp_path / "home" / "graphs" / "one").info.invalid] == ["arn:aws:s3:::b#policy"]
    assert taken(again) == 2
    assert again.info.invalid == anew.info.invalid == {}


FAR = "999999999999"
ELSEWHERE = {"StringNotEquals": {"aws:PrincipalOrgID": ORG}}


@pytest.mark.parametrize("says", [{"Principal": "*"}, {"Principal": "*", "Condition": ELSEWHERE}])
@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("events.amazonaws.com", allow(SEND, Principal={"Service": "events.amazonaws.com"})),
        (f"arn:aws:iam::{FAR}:user/eve", allow(SEND, Principal={"AWS": f"arn:aws:iam::{FAR}:user/eve"})),
        (f"account:{FAR}", allow(SEND, Principal="*", Condition={"StringEquals": {"aws:PrincipalAccount": FAR}})),
        ("events.amazonaws.com", deny(SEND, NotPrincipal={"Service": "events.amazonaws.com"})),
        (f"account:{FAR}", deny(SEND, Principal="*", Condition={"StringNotEquals": {"aws:PrincipalAccount": FAR}})),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_whom_a_policy_names_for_the_first_time_is_looked_for_where_everybody_is_let_in(
    says: Json, name: str, names: Json, turned: bool, tmp_path: Path
) -> None:
    """Services and outsiders are listed where some policy names them; then they are part of everybody elsewhere."""
    open_queue = queue("open", TWO, allow(SEND, **says))
    data = two(allow(SEND), resources=(open_queue, queue("mine", ONE)))
    then = two(allow(SEND), resources=(open_queue, queue("mine", ONE, names)))
    again, anew = rebuilt(*((then, data) if turned else (data, then)), tmp_path)
    assert taken(again) == 1
    assert said(again) == said(anew)
    questions = Questions(again)
    listed = {row["principal"] for row in questions.who_can(SEND, open_queue.arn)["principals"]}
    assert (name in listed) is not turned
    if not turned:
        assert questions.can(name, SEND, open_queue.arn)["verdict"] in ("Allowed", "Conditional")


@pytest.mark.parametrize("turned", [False, True])
def test_whom_a_resource_control_policy_spares_is_looked_for_elsewhere_too(turned: bool, tmp_path: Path) -> None:
    spares = {"StringNotEquals": {"aws:PrincipalAccount": FAR}}
    before, then = (
        two(
            allow(SEND),
            guardrails=(scp("f", allow("*")), *more),
            resources=(queue("open", TWO, allow(SEND, Principal="*")), queue("mine", ONE)),
        )
        for more in ((), (rcp("r", deny(SEND, Principal="*", Condition=spares), targets=(ONE,)),))
    )
    again, anew = rebuilt(*((then, before) if turned else (before, then)), tmp_path)
    assert taken(again) == 1
    assert said(again) == said(anew)
    listed = {row["principal"] for row in Questions(again).who_can(SEND, queue("open", TWO).arn)["principals"]}
    assert (f"account:{FAR}" in listed) is not turned


# -- the time

UNTIL = {"DateLessThan": {"aws:CurrentTime": "2026-06-01T00:00:00Z"}}


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        (two(allow(SEND)), 3),
        (two(allow(SEND, Condition=UNTIL)), 1),
        (two(allow("sns:Publish", Condition=UNTIL)), 2),
        (two(allow(SEND), guardrails=(scp("f", allow("*")), scp("d", deny(SEND, Condition=UNTIL), targets=(TWO,)))), 2),
        (two(allow(SEND), resources=(queue("q", TWO, allow(SEND, Principal="*", Condition=UNTIL)),)), 2),
        (two(allow(SEND, Condition={"DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}})), 3),
        (two(allow(SEND, Condition={"NumericLessThan": {"aws:EpochTime": "1780000000"}})), 1),
        (two(allow("s3:GetObject", "arn:aws:s3:::own/${aws:CurrentTime}")), 2),
    ],
)
def test_a_later_snapshot_is_resolved_where_a_policy_tells_the_times_apart(
    data: InventoryData, kept: int, tmp_path: Path
) -> None:
    again, anew = rebuilt(data, replace(data, taken=LATER), tmp_path)
    assert taken(again) == kept
    assert said(again) == said(anew)


def test_a_trust_that_has_run_out_is_told(tmp_path: Path) -> None:
    until = role("until", TWO, trusts=document(trust({"AWS": ONE}, Condition=UNTIL)))
    data = two(allow("sts:AssumeRole"), roles=(role("app", ONE, allow("sts:AssumeRole")), until))
    again, anew = rebuilt(data, later(data, drawer(world(1), 1)), tmp_path)
    assert said(again) == said(anew)
    assert said(again)["steps"] != said(Tables(tmp_path / "home" / "graphs" / "one"))["steps"]


BEFORE, AFTER = (TAKEN, "1767323045"), (LATER, "1782961445")


@pytest.mark.parametrize(
    ("text", "apart"),
    [
        (document(allow("*")), False),
        (document(allow("*", Condition=UNTIL)), True),
        (document(allow("*", Condition={"DateLessThan": {"AWS:CURRENTTIME": "2026-06-01T00:00:00Z"}})), True),
        (document(allow("*", Condition=UNTIL)).replace("Current", "Curr\\u0065nt"), True),
        (document(allow("*", Condition={"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}})), False),
        (document(allow("*", Condition={"StringEquals": {"aws:userid": "${aws:EpochTime}"}})), True),
        (document(allow("*", Condition={"StringEquals": {"aws:CurrentTime": "${aws:PrincipalTag/until}"}})), True),
        (document(allow("*", Sid="CurrentTime")), True),
        ('{"Statement": "aws:CurrentTime"}', False),
    ],
)
def test_a_policy_tells_two_times_apart_unless_it_is_proven_not_to(text: str, apart: bool) -> None:
    assert tells_apart(text, BEFORE, AFTER) is apart
    assert reads_clock(text) or not apart
    assert not tells_apart(text, BEFORE, BEFORE)


# -- whose tables they are


def test_tables_of_another_version_are_not_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built(two(allow(SEND)), tmp_path, "one")
    monkeypatch.setattr(earlier, "maker", lambda: "another")
    assert taken(built(two(allow(SEND)), tmp_path, "two")) == 0


@pytest.mark.parametrize("name", ["lent", "holders", "accounts", "actions"])
def test_a_damaged_build_is_none(name: str, tmp_path: Path) -> None:
    path = built(two(allow(SEND)), tmp_path, "one").folder / f"{name}.arrow"
    path.write_bytes(path.read_bytes()[:-100])
    again = built(two(allow(SEND)), tmp_path, "two")
    assert taken(again) == 0
    assert said(again) == said(built(two(allow(SEND)), tmp_path / "fresh", "two"))


def test_a_build_from_before_all_this_is_none(tmp_path: Path) -> None:
    path = built(two(allow(SEND)), tmp_path, "one").folder / BUILD_FILE
    old = msgspec.json.decode(path.read_bytes())
    del old["maker"]
    path.write_bytes(msgspec.json.encode(old))
    assert taken(built(two(allow(SEND)), tmp_path, "two")) == 0


# -- interrupted


class Stopping(LocalEngine):
    """Stops after some accounts; ``asked`` for these."""

    def __init__(self, most: int) -> None:
        super().__init__(1)
        self.most = most
        self.asked: list[str] = []

    def resolve(self, shared: bytes, folder: Path, tasks: Sequence[Task]) -> Iterator[tuple[str, bytes]]:
        for account, answer in super().resolve(shared, folder, tasks):
            if len(self.asked) == self.most:
                raise EngineError("stopped")
            self.asked.append(account)
            yield account, answer


def test_a_build_that_was_stopped_takes_over_and_goes_on(tmp_path: Path) -> None:
    data = two(allow(SEND))
    things = [replace(one, policy="") if one.type == "sqs:queue" else one for one in data.resources]
    things = [replace(one, tags={"a": "b"}) if one.name == "mine" else one for one in things]
    then = replace(data, resources=tuple(things))
    built(data, tmp_path / "home", "one")
    with pytest.raises(EngineError):
        built(then, tmp_path / "home", "two", Stopping(1))
    engine = Stopping(9)
    again = built(then, tmp_path / "home", "two", engine)
    assert (engine.asked, taken(again)) == ([TWO], 1)
    assert said(again) == said(built(then, tmp_path / "fresh", "two"))


# -- what `diff` makes of it


def test_of_a_build_that_took_over_the_rest_only_what_was_resolved_anew_is_compared(tmp_path: Path) -> None:
    one = built(two(allow("sns:Publish")), tmp_path, "one")
    other = built(two(allow("sqs:GetQueueUrl", f"arn:aws:sqs:us-east-1:{ONE}:mine")), tmp_path, "two")
    assert len(other.action_sets) > len(one.action_sets)
    assert Comparison(Questions(one), Questions(other)).changed_accounts() == [ONE]


def test_every_policy_that_is_none_is_told_of_by_its_own_account(tmp_path: Path) -> None:
    data = world(3)
    wrong = (InlinePolicy(name="own", document='{"Statement": 7}'),)
    data = replace(
        data,
        users=tuple(replace(one, inline=wrong) for one in data.users),
        roles=tuple(replace(one, inline=wrong) for one in data.roles),
    )
    told = built(data, tmp_path, "one")
    wanted = {f"{one.arn}#inline:own" for one in (*data.users, *data.roles) if one.account in told.accounts}
    assert wanted <= told.info.invalid.keys()
    for row in told.batch("accounts", 0).to_pylist():
        assert {policy.split(":")[4] for policy in json.loads(row["invalid"])} <= {row["account"], ""}
