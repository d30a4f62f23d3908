"""Rules of reviewers: how they are read, and how they share out a population."""

from __future__ import annotations

from collections import Counter

import pytest

from model.entities import Account, Resource
from model.inventory import Inventory, InventoryData
from reviews.assignment import Rule, parse, share_out
from reviews.errors import CampaignPlanError
from reviews.opening import TagOwners
from reviews.people import OWN
from reviews.records import Assigned, Item
from tests.reviews.factories import Everybody, item


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("named:a@x.com,b@x.com", Rule("named", named=("a@x.com", "b@x.com"))),
        ("A@x.com", Rule("named", named=("a@x.com",))),
        ("a@x.com, b@x.com, a@X.com", Rule("named", named=("a@x.com", "b@x.com"))),
        ("account-owner", Rule("account-owner")),
        ("account-owner:team:owner", Rule("account-owner", tag="team:owner")),
        ("resource-owner; fallback:c@x.com", Rule("resource-owner", fallback=("c@x.com",))),
        ("named:a@x.com ; fallback: c@x.com,d@x.com", Rule("named", ("a@x.com",), fallback=("c@x.com", "d@x.com"))),
    ],
)
def test_a_rule_is_read(text: str, rule: Rule) -> None:
    assert parse(text) == rule


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "names nobody"),
        ("named:", "names nobody"),
        ("named:,", "names nobody"),
        ("boss:a@x.com", "unknown rule of reviewers `boss:a@x.com`: expected named:a@x,b@y, account-owner"),
        ("account-owner:", "no tag key"),
        ("account-owner; c@x.com", "unknown part `c@x.com`"),
        ("account-owner; fallback:", "names nobody"),
        ("account-owner; fallback:a@x.com; fallback:b@x.com", "unknown rule"),
        ("named:a\nb@x.com", "wrong name of a person"),
        ("named:" + "a" * 201, "wrong name of a person"),
    ],
)
def test_a_rule_that_cannot_be_read_is_refused(text: str, words: str) -> None:
    with pytest.raises(CampaignPlanError, match=words):
        parse(text)


def shared(rule: str, *items: Item, independence: Everybody | None = None) -> list[Assigned | None]:
    return share_out(parse(rule), items, independence or Everybody())


def reviewers(found: list[Assigned | None]) -> list[str]:
    return [each.reviewer if each is not None else "" for each in found]


def test_named_reviewers_share_evenly() -> None:
    found = reviewers(shared("named:a@x.com,b@x.com,c@x.com", *(item(number) for number in range(10))))
    assert sorted(Counter(found).values()) == [3, 3, 4]


def test_all_items_of_an_identity_go_to_one_reviewer() -> None:
    items = [item(number, principal=f"p{number % 3}") for number in range(12)]
    found = reviewers(shared("named:a@x.com,b@x.com,c@x.com", *items))
    of = {
        each.principal: {name for one, name in zip(items, found, strict=True) if one.principal == each.principal}
        for each in items
    }
    assert all(len(names) == 1 for names in of.values())
    assert sorted(Counter(found).values()) == [4, 4, 4]


def test_a_large_identity_is_made_up_for() -> None:
    items = [item(number, principal="big") for number in range(6)]
    items += [item(number) for number in range(10, 16)]
    assert Counter(reviewers(shared("named:a@x.com,b@x.com", *items))) == {"a@x.com": 6, "b@x.com": 6}


def test_sharing_out_again_gives_the_same() -> None:
    items = [item(number) for number in range(20)]
    assert shared("named:a@x.com,b@x.com", *items) == shared("named:a@x.com,b@x.com", *items)


def test_who_is_not_independent_is_passed_over_for_the_next() -> None:
    one = item(1)
    independence = Everybody({(one.id, "a@x.com"): "they can reach it"})
    assert shared("named:a@x.com,b@x.com", one, independence=independence) == [
        Assigned(reviewer="b@x.com", rule="named", conflict="")
    ]


def test_an_identity_is_split_only_when_nobody_is_independent_of_all_of_it() -> None:
    one, two = item(1, principal="p"), item(2, principal="p")
    independence = Everybody({(one.id, "a@x.com"): "x", (two.id, "b@x.com"): "x"})
    found = shared("named:a@x.com,b@x.com", one, two, independence=independence)
    assert reviewers(found) == ["b@x.com", "a@x.com"]
    assert [each.conflict for each in found if each] == ["", ""]


def test_the_fallback_comes_when_no_named_one_is_independent() -> None:
    one = item(1, people=("a@x.com",))
    assert shared("named:a@x.com; fallback:c@x.com", one) == [
        Assigned(reviewer="c@x.com", rule="fallback", conflict="")
    ]


def test_where_nobody_is_independent_the_conflict_is_said() -> None:
    one = item(1, people=("a@x.com",))
    independence = Everybody({(one.id, "b@x.com"): "they can reach it", (one.id, "c@x.com"): "they can reach it"})
    found = shared("named:a@x.com,b@x.com; fallback:c@x.com", one, independence=independence)
    assert found == [Assigned(reviewer="b@x.com", rule="named", conflict="they can reach it")], "never their own"
    assert shared("named:a@x.com", one) == [Assigned(reviewer="a@x.com", rule="named", conflict=OWN)]


def test_owners_are_read_off_the_item() -> None:
    one = item(1, owners=("Acc@x.com", "res@x.com"))
    assert reviewers(shared("account-owner", one)) == ["acc@x.com"]
    assert reviewers(shared("resource-owner", one)) == ["res@x.com"]
    none, odd = item(2, owners=()), item(3, owners=("Team\nPlatform", "x" * 300))
    assert shared("account-owner", none, odd) == [None, None]
    assert reviewers(shared("resource-owner; fallback:c@x.com", none, odd)) == ["c@x.com", "c@x.com"]


def test_an_owner_who_is_not_independent_gives_way_to_the_fallback() -> None:
    one = item(1, owners=("acc@x.com", ""), people=("acc@x.com",))
    assert shared("account-owner; fallback:c@x.com", one) == [
        Assigned(reviewer="c@x.com", rule="fallback", conflict="")
    ]


def test_another_tag_key_is_looked_up_in_the_inventory() -> None:
    inventory = Inventory(
        InventoryData(
            snapshot="s",
            taken="2026-03-01T08:00:00Z",
            accounts=(Account(id="111122223333", tags={"lead": "lead@x.com"}),),
            resources=(
                Resource(
                    arn="arn:aws:s3:::b",
                    type="s3:bucket",
                    account="111122223333",
                    region="",
                    name="b",
                    policy="",
                    tags={"steward": "st@x.com"},
                ),
            ),
        )
    )
    items = [item(1), item(2, account="444455556666", fix={"resource": "arn:aws:s3:::b"})]
    owners = TagOwners(inventory)
    assert reviewers(share_out(parse("account-owner:lead"), items, Everybody(), owners)) == ["lead@x.com", ""]
    assert reviewers(share_out(parse("resource-owner:steward"), items, Everybody(), owners)) == ["", "st@x.com"]
    with pytest.raises(CampaignPlanError, match=r"no tags to look for `lead` in: use `account-owner`"):
        shared("account-owner:lead", *items)
