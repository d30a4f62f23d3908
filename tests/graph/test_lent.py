"""Accounts that are resolved together: each as it is alone, and as every single decision says."""

from __future__ import annotations

from collections import deque
from typing import Any

import msgspec
import pytest

from graph.batches import batches, open_accounts
from graph.deciding import outcome_of
from graph.partition import Partition
from graph.subjects import mentioned
from graph.tasks import resolved_in, resolved_together
from graph.world import World
from model.entities import Account, ManagedPolicy, Resource, S3Grant
from model.inventory import Inventory
from policy.actions import catalogue
from policy.decide import decide
from tests.graph.worlds import (
    FOREIGN,
    MANAGEMENT,
    ONE,
    OPEN,
    ORG,
    THREE,
    TWO,
    allow,
    bucket,
    deny,
    document,
    key,
    made,
    queue,
    rcp,
    role,
    scp,
    seeds,
    trust,
    user,
    world,
)  # fmt: skip

OF_THE_ORGANISATION = {"StringEquals": {"aws:PrincipalOrgID": ORG}}
READ = ["s3:GetObject", "s3:ListBucket"]
ACTIONS = {
    "sns:Publish",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:PutObject",
    "sqs:SendMessage",
    "kms:Decrypt",
    "sts:AssumeRole",
}


def open_bucket(name: str, account: str, condition: Any = OF_THE_ORGANISATION, **more: Any) -> Any:
    arn = f"arn:aws:s3:::{name}"
    return bucket(name, account, allow(READ, [arn, f"{arn}/*"], Principal="*", Condition=condition), **more)


def together(some: World) -> list[Partition]:
    accounts = some.resolver.accounts
    return list(some.resolver.together(deque(some.resolver.opened(account)[0] for account in accounts)))


def assert_decided_alike(some: World) -> int:
    """Every grant of accounts resolved together against single decisions; answers with how many there are across
    accounts."""
    across = 0
    for partition in together(some):
        granted = {
            (one.subject, one.resource_class, action): one for one in partition.grants() for action in one.actions
        }
        for item in partition.classes:
            if item.open:
                continue
            for subject in some.candidates.anybody:
                assert subject.caller is not None
                for action in sorted(ACTIONS.intersection(catalogue().actions_for_resource(item.representative))):
                    request = some.assembler.request(subject.caller, action, item.representative)
                    wanted = outcome_of(subject, decide(*request))
                    got = granted.get((subject.index, item.index, action))
                    if got is None:
                        assert not wanted.can, (subject.key, action, item.representative)
                    else:
                        assert got.outcome.verdict == wanted.verdict, (subject.key, action, item.representative)
                        across += subject.account != item.account
    return across


@pytest.mark.parametrize("seed", seeds(6, 120))
def test_accounts_are_resolved_together_as_each_alone(seed: int) -> None:
    inventory = Inventory(world(seed))
    several = {one: tuple(inventory.resources_of(one)) for one in World(inventory).resolver.accounts}
    alone = [resolved_in(World(inventory).resolver, *each) for each in several.items()]
    assert resolved_together(World(inventory).resolver, several) == alone
    backwards = dict(reversed(several.items()))
    assert resolved_together(World(inventory).resolver, backwards) == alone[::-1]


def everything_open(**more: Any) -> World:
    """Three accounts, each with a bucket, a queue, a key and a role for the whole organisation."""
    accounts = (ONE, TWO, THREE)
    fields: dict[str, Any] = {
        "account_ids": (MANAGEMENT, *accounts),
        "users": tuple(
            one
            for account in accounts
            for one in (
                user("reader", account, allow([*READ, "sqs:*", "kms:Decrypt"])),
                user("assumes", account, allow("sts:AssumeRole"), mfa=None),
            )
        ),
        "roles": tuple(
            role("open", account, allow("s3:*"), trusts=document(trust("*", Condition=OF_THE_ORGANISATION)))
            for account in accounts
        ),
        "resources": tuple(
            one
            for account in accounts
            for one in (
                open_bucket(f"shared-{account[0]}", account, tags={"team": account[0]}),
                queue("jobs", account, allow("sqs:SendMessage", Principal="*", Condition=OF_THE_ORGANISATION)),
                key(f"k-{account[0]}", account, allow("kms:Decrypt", Principal="*", Condition=OF_THE_ORGANISATION)),
            )
        ),
        **more,
    }
    return World(Inventory(made(**fields)))


def test_what_is_open_to_all_is_decided_about_once_for_all() -> None:
    assert assert_decided_alike(everything_open()) >= 3 * 2 * (4 + 2)


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:ResourceAccount": ONE}},
        {"StringNotEquals": {"s3:ResourceAccount": [ONE, TWO]}},
        {"StringEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"}},
        {"StringEquals": {"aws:PrincipalAccount": "${aws:ResourceAccount}"}},
        {"StringEquals": {"aws:ResourceOrgID": ORG}},
        {"ForAnyValue:StringLike": {"aws:ResourceOrgPaths": f"{ORG}/r-1/ou-1/*"}},
        {"StringEquals": {"aws:ResourceTag/team": ONE[0]}},
        {"StringEquals": {"aws:PrincipalTag/team": "${aws:ResourceTag/team}"}},
    ],
    ids=str,
)
@pytest.mark.parametrize("effect", [allow, deny])
def test_conditions_on_the_account_of_the_resource_tell_accounts_apart(condition: Any, effect: Any) -> None:
    accounts = tuple(
        Account(id=id, name=id[0], path=("r-1",) if id == MANAGEMENT else ("r-1", f"ou-{place}"))
        for place, id in enumerate((MANAGEMENT, ONE, TWO, THREE))
    )
    statements = (*(() if effect is allow else (allow("*"),)), effect("*", Condition=condition))
    some = everything_open(
        accounts=accounts,
        users=tuple(user("u", account, *statements, tags={"team": ONE[0]}) for account in (ONE, TWO, THREE)),
        guardrails=(scp("all", allow("*")),),
    )
    assert_decided_alike(some)


def test_patterns_that_name_an_account_tell_accounts_apart() -> None:
    patterns = [
        f"arn:aws:sqs:*:{TWO}:*",
        f"arn:aws:s3:::shared-{ONE[0]}*",
        f"arn:aws:iam::{THREE}:role/*",
        "arn:*:kms:*",
    ]
    some = everything_open(users=tuple(user("u", account, allow("*", patterns)) for account in (ONE, TWO, THREE)))
    assert assert_decided_alike(some)


@pytest.mark.parametrize("blocked", [ONE, TWO, THREE])
def test_settings_of_an_account_are_its_own(blocked: str) -> None:
    """Block Public Access of an account, ACLs that name somebody."""
    signed = {"Bool": {"aws:SecureTransport": "true"}}
    public = [open_bucket(f"public-{one[0]}", one, signed) for one in (ONE, TWO, THREE)]
    some = everything_open(
        resources=(*public, replace_acl(open_bucket("named", THREE, signed))),
        account_public_block={one: one == blocked for one in (MANAGEMENT, ONE, TWO, THREE)},
        canonical_ids={ONE: "c1", TWO: "c2", THREE: "c3"},
    )
    assert assert_decided_alike(some)


def replace_acl(one: Any) -> Any:
    settings = msgspec.structs.replace(OPEN, acl=(S3Grant(grantee="c1", permission="READ"),), owner="c3")
    return msgspec.structs.replace(one, s3=settings)


def test_accounts_under_other_resource_control_policies_share_no_ground() -> None:
    accounts = tuple(
        Account(id=id, name=id[0], path=("r-1",) if id == MANAGEMENT else ("r-1", f"ou-{place}"))
        for place, id in enumerate((MANAGEMENT, ONE, TWO, THREE))
    )
    keeps_out = rcp("out", deny("s3:*", Principal="*", Condition={"StringNotEquals": {"aws:PrincipalAccount": TWO}}))
    some = everything_open(
        accounts=accounts,
        guardrails=(scp("all", allow("*")), msgspec.structs.replace(keeps_out, targets=("ou-2",))),
    )
    assert assert_decided_alike(some)


def test_who_is_of_none_of_the_accounts_is_asked_about_too() -> None:
    everybody = [
        bucket(f"b-{one[0]}", one, allow(READ, f"arn:aws:s3:::b-{one[0]}*", Principal=whom))
        for one, whom in ((ONE, "*"), (TWO, {"AWS": FOREIGN}), (THREE, {"Service": "events.amazonaws.com"}))
    ]
    assert assert_decided_alike(everything_open(resources=tuple(everybody)))


def test_batches_become_smaller_and_have_what_is_alike() -> None:
    accounts = [f"{number:012}" for number in range(100)]
    wide = set(accounts[::2])
    found = list(batches(accounts, wide, lambda account: account in accounts[:50], lambda _: 1))
    sizes = [len(batch) for batch in found]
    assert sorted(account for batch in found for account in batch) == accounts
    assert sizes[0] > 8 and sizes == sorted(sizes, reverse=True)
    assert all(wide.issuperset(batch) or len(batch) == 1 for batch in found)
    assert len(list(batches(accounts[:5], set(accounts), lambda _: 0, lambda _: 1))) == 1  # one process does them all
    assert list(batches(accounts, (), lambda _: 0, lambda _: 1)) == [(account,) for account in accounts]


def test_large_accounts_are_not_held_in_memory_together() -> None:
    accounts = [f"{number:012}" for number in range(40)]
    sizes = {account: 10 << 20 if number % 4 == 0 else 2 << 20 for number, account in enumerate(accounts)}
    found = list(batches(accounts, set(accounts), lambda _: 0, sizes.__getitem__))
    assert sorted(account for batch in found for account in batch) == accounts
    assert max(sum(map(sizes.__getitem__, batch)) for batch in found) <= 16 << 20
    assert sum(len(batch) == 1 for batch in found) >= 10
    assert max(map(len, found)) > 4


def test_accounts_with_something_for_everybody_are_known_by_their_texts() -> None:
    data = made(
        account_ids=(MANAGEMENT, ONE, TWO, THREE, FOREIGN),
        roles=(
            role("open", TWO, trusts=document(trust("*", Condition=OF_THE_ORGANISATION))),
            role("own", THREE),
            role(
                "partner", THREE, trusts=document(trust("*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-x"}}))
            ),
        ),
        resources=(
            open_bucket("b", ONE),
            bucket("kept", THREE, deny("s3:*", "*", Principal="*")),
            replace_policy(queue("unread", FOREIGN), None),
        ),
    )
    assert open_accounts(World(Inventory(data)), mentioned(data.resources)) == {ONE, TWO, FOREIGN}


def replace_policy(one: Any, policy: str | None) -> Any:
    return msgspec.structs.replace(one, policy=policy)


@pytest.mark.parametrize("condition", ["kms:CallerAccount", "AWS:SourceOwner"])
def test_conditions_on_the_account_of_the_caller_tell_askers_apart(condition: str) -> None:
    """What a request has for these keys hangs on its action."""
    may = allow(["kms:Decrypt", "sns:Publish"], Principal="*", Condition={"StringEquals": {condition: [ONE, TWO]}})
    topic = Resource(
        arn=f"arn:aws:sns:us-east-1:{ONE}:t", type="sns:topic", account=ONE, region="us-east-1", name="t",
        policy=document(may), tags={},
    )  # fmt: skip
    denied = deny(["kms:*", "sns:*"], Condition={"StringNotEquals": {condition: [TWO]}})
    users = tuple(user("u", account, allow("*")) for account in (ONE, TWO, THREE))
    some = everything_open(users=users, resources=(key("k", ONE, may), topic))
    assert assert_decided_alike(some)
    open_key = key("k", ONE, allow("kms:Decrypt", Principal="*"))
    some = everything_open(
        users=users, resources=(open_key, topic), guardrails=(scp("all", allow("*")), scp("d", denied))
    )
    assert assert_decided_alike(some)


@pytest.mark.parametrize("alone", [True, False])
def test_guardrails_over_accounts_without_users_tell_contents_apart(alone: bool) -> None:
    statement = deny("s3:GetObject", "arn:aws:s3:::shared/secret/*")
    some = everything_open(
        users=(user("u", ONE, allow("*")), *(() if alone else (user("q", THREE, allow("sqs:*", "*")),))),
        roles=tuple(role(f"r{number}", TWO, allow("s3:*")) for number in range(0 if alone else 300)),
        resources=(open_bucket("shared", ONE, {"Bool": {"aws:SecureTransport": "true"}}),),
        guardrails=(scp("all", allow("*"), targets=("r-1", THREE)), scp("d", statement, targets=(THREE,))),
    )
    partition = next(one for one in together(some) if one.account == ONE)
    assert "arn:aws:s3:::shared/secret/*" in {item.pattern for item in partition.classes}
    assert assert_decided_alike(some)


def test_conditions_that_name_a_resource_are_its_own() -> None:
    def own(name: str, account: str) -> Any:
        return open_bucket(name, account, {"StringEquals": {"aws:PrincipalTag/b": f"arn:aws:s3:::{name}"}})

    names = {"sh-1": ONE, "sh-2": ONE, "sh-3": TWO, "sh-4": THREE}
    tagged = tuple(
        user(f"u{place}", account, allow("*"), tags={"b": f"arn:aws:s3:::{name}"})
        for place, name in enumerate(names)
        for account in (ONE, TWO, THREE)
    )
    some = everything_open(users=tagged, resources=tuple(own(*each) for each in names.items()))
    assert_decided_alike(some)
    several = {one: tuple(some.inventory.resources_of(one)) for one in some.resolver.accounts}
    alone = [resolved_in(World(some.inventory).resolver, *each) for each in several.items()]
    assert resolved_together(World(some.inventory).resolver, several) == alone


def test_reasons_are_told_in_the_order_of_each_holders_documents() -> None:
    first, second = (
        ManagedPolicy(arn=f"arn:aws:iam::aws:policy/P{n}", id=f"ANPA{n}", name=f"P{n}", account="aws", document=text)
        for n, text in enumerate(
            (document(allow("s3:*", Condition=OF_THE_ORGANISATION)), document(allow("s3:*"))),
        )
    )
    some = everything_open(
        policies=(first, second),
        users=(
            user("a", ONE, attached=(second.arn, first.arn)),
            user("b", TWO, attached=(first.arn, second.arn)),
        ),
        resources=(open_bucket("sh-1", ONE), open_bucket("sh-3", THREE)),
    )
    several = {one: tuple(some.inventory.resources_of(one)) for one in some.resolver.accounts}
    alone = [resolved_in(World(some.inventory).resolver, *each) for each in several.items()]
    assert resolved_together(World(some.inventory).resolver, several) == alone
    assert_decided_alike(some)


def test_what_went_from_one_account_to_another_meanwhile_is_in_both() -> None:
    some = everything_open(resources=(open_bucket("same", ONE), open_bucket("same", TWO, tags={"team": "2"})))
    several = {one: tuple(some.inventory.resources_of(one)) for one in some.resolver.accounts}
    alone = [resolved_in(World(some.inventory).resolver, *each) for each in several.items()]
    assert resolved_together(World(some.inventory).resolver, several) == alone
