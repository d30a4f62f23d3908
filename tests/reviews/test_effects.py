"""What an entitlement gives alone and what it shares, on organisations small enough to see it."""

from __future__ import annotations

from pathlib import Path

from graph.world import World
from model.entities import AccessKey, IamGroup, InlinePolicy, ManagedPolicy
from model.inventory import Inventory, InventoryData
from reviews.population import ItemMaker
from reviews.records import AccessRow, Item
from tests.graph.worlds import ONE, allow, bucket, deny, document, made, questions_of, queue, user

READ = ManagedPolicy(
    arn=f"arn:aws:iam::{ONE}:policy/read",
    id="ANPA1",
    name="read",
    account=ONE,
    document=document(allow("s3:GetObject", "arn:aws:s3:::logs/*")),
)

GROUP = IamGroup(arn=f"arn:aws:iam::{ONE}:group/g", id="AGPA", name="g", path="/", account=ONE, attached=(READ.arn,))


def items(data: InventoryData, folder: Path) -> dict[str, Item]:
    """Items by kind and entitlement in words."""
    maker = ItemMaker(questions_of(World(Inventory(data)), folder))
    found = [maker.item(held) for held in maker.entitlements.all()]
    return {f"{item.entitlement.kind}: {item.entitlement.in_words}": item for item in found}


def row(item: Item, resource: str) -> AccessRow:
    return next(row for row in item.access.rows if row.resource == resource)


def test_what_one_policy_gives_alone_goes_with_it(tmp_path: Path) -> None:
    ann = user("ann", ONE, allow("s3:GetObject", "arn:aws:s3:::logs/*"))
    found = items(made(users=(ann,), resources=(bucket("logs"),)), tmp_path)
    item = found["inline-policy: own policy own in name-1"]
    assert row(item, "arn:aws:s3:::logs/*").levels == ("Read:data",)
    assert row(item, "arn:aws:s3:::logs/*").shared == ()
    assert item.if_removed.endswith("We know of no other way to it.")


def test_what_two_policies_give_is_shared_and_the_other_is_named(tmp_path: Path) -> None:
    ann = user("ann", ONE, allow("s3:GetObject", "arn:aws:s3:::logs/*"), attached=(READ.arn,))
    found = items(made(users=(ann,), policies=(READ,), resources=(bucket("logs"),)), tmp_path)
    item = found["inline-policy: own policy own in name-1"]
    assert row(item, "arn:aws:s3:::logs/*").shared == ("Read:data",)
    assert item.if_removed == "Nothing is lost: all of it is still given by policy read."


def test_a_policy_held_directly_and_through_a_group_is_all_shared(tmp_path: Path) -> None:
    ann = user("ann", ONE, attached=(READ.arn,), groups=(GROUP.arn,), password=False)
    found = items(made(users=(ann,), groups=(GROUP,), policies=(READ,), resources=(bucket("logs"),)), tmp_path)
    for item in found.values():
        assert (item.access.alone, item.access.shared) == (0, 1), item.entitlement


def test_a_level_of_which_some_action_goes_is_not_shared(tmp_path: Path) -> None:
    more = InlinePolicy(name="more", document=document(allow(["s3:PutObject", "s3:DeleteObject"], "*")))
    less = InlinePolicy(name="less", document=document(allow("s3:PutObject", "*")))
    ann = user("ann", ONE, inline=(more, less))
    found = items(made(users=(ann,), resources=(bucket("logs"),)), tmp_path)
    assert row(found["inline-policy: own policy more in name-1"], "arn:aws:s3:::logs/*").shared == ()
    assert row(found["inline-policy: own policy less in name-1"], "arn:aws:s3:::logs/*").shared == ("Write",)


def test_conditional_stays_conditional_with_words(tmp_path: Path) -> None:
    office = {"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}}
    ann = user("ann", ONE, allow("sqs:SendMessage", "*", Condition=office))
    found = items(made(users=(ann,), resources=(queue("q"),)), tmp_path)
    item = found["inline-policy: own policy own in name-1"]
    assert item.access.rows[0].verdict == "Conditional"
    assert item.sentence == (
        "User ann in name-1, by its own policy own, can send messages to queue q in name-1, only from 198.51.100.0/24."
    )


def test_a_policy_that_only_forbids_says_so(tmp_path: Path) -> None:
    found = items(made(users=(user("ann", ONE, deny("s3:*")),)), tmp_path)
    item = found["inline-policy: own policy own in name-1"]
    assert item.sentence == "Policy own gives ann in name-1 nothing: it only forbids."
    assert "forbids things, and those limits would go" in item.if_removed


def test_a_policy_that_was_not_collected_could_not_be_read(tmp_path: Path) -> None:
    ann = user("ann", ONE, attached=(f"arn:aws:iam::{ONE}:policy/gone",))
    found = items(made(users=(ann,), resources=(bucket("logs"),)), tmp_path)
    item = found["policy-attachment: policy gone in name-1"]
    assert "could not be read" in item.sentence
    assert {row.verdict for row in item.access.rows} == {"Conditional"}
    assert item.recommendation.verdict == "look"


def test_a_key_opens_what_its_user_may_and_a_second_one_shares_it(tmp_path: Path) -> None:
    keys = (AccessKey(id="AKIAONE1", active=True), AccessKey(id="AKIATWO2", active=False))
    ann = user("ann", ONE, allow("sqs:SendMessage"), keys=keys, password=False)
    found = items(made(users=(ann,), resources=(queue("q"),)), tmp_path)
    active, switched_off = (
        found["access-key: access key …ONE1 in name-1"],
        found["access-key: access key …TWO2 in name-1"],
    )
    assert active.access.alone > 0 and active.access.shared == 0
    assert switched_off.access.rows == () and "switched off" in switched_off.sentence


def test_access_of_a_group_of_nobody_is_nothing_today(tmp_path: Path) -> None:
    found = items(made(groups=(GROUP,), policies=(READ,), resources=(bucket("logs"),)), tmp_path)
    assert found["policy-attachment: policy read in name-1"].access.rows == ()
