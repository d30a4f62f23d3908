"""The sentence maker: every row of its tables says what it should, and what is not in them is counted."""

from __future__ import annotations

import pytest

from model.inventory import Inventory
from policy.actions import catalogue
from reviews.sentences import DANGER, DEEDS, VERBS, Deeds, Reach, deeds, doing, joined, things, unreadable
from reviews.words import NOUNS, Names, condition, counted, listed, some
from tests.graph.worlds import ONE, bucket, key, made

#: An action for each row of ``VERBS``: one that has this level on this type and no verb of its own.
EXAMPLES = {
    ("s3:bucket", "Write"): "s3:PutBucketVersioning",
    ("s3:bucket/*", "Read:data"): "s3:GetObject",
}


def example(type_name: str, level: str) -> str:
    """Some action of the type's own service with this as its worst level and without a verb of its own."""
    service = type_name.partition(":")[0]
    for action in sorted(catalogue().expand(f"{service}:*")):
        if (type_name, action) not in DEEDS and max(catalogue().levels(action), key=DANGER.__getitem__) == level:
            return action
    return ""


@pytest.mark.parametrize(("type_name", "level"), sorted(VERBS))
def test_each_level_on_each_type_has_its_verb(type_name: str, level: str) -> None:
    action = EXAMPLES.get((type_name, level)) or example(type_name, level)
    found = deeds(type_name, [action] if action else [], lambda _: (level,))
    if not action:
        found = deeds(type_name, [f"{type_name.partition(':')[0]}:Unknown"], lambda _: (level,))
    assert VERBS[type_name, level] in found.verbs
    assert found.counted == ()


@pytest.mark.parametrize(("type_name", "action"), sorted(DEEDS))
def test_each_deed_stands_in_the_place_of_its_level(type_name: str, action: str) -> None:
    assert catalogue().canonical(action) == action
    assert deeds(type_name, [action], catalogue().levels).verbs == (DEEDS[type_name, action],)


@pytest.mark.parametrize("type_name", sorted({type_name for type_name, _ in (*VERBS, *DEEDS)}))
def test_each_type_has_a_noun(type_name: str) -> None:
    assert type_name.removesuffix("/*") in NOUNS


def test_actions_that_no_verb_tells_are_counted_never_guessed() -> None:
    found = deeds("glue:job", ["glue:StartJobRun", "glue:UpdateJob"], catalogue().levels)
    assert found == Deeds((), (("glue", 2),))
    assert doing(found, "job x") == "use 2 permissions of AWS Glue on job x"


def test_the_principle_of_the_screens_reads_change_and_delete() -> None:
    found = deeds("s3:bucket/*", ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], catalogue().levels)
    assert doing(found, "every object in bucket x") == "read, change and delete every object in bucket x"


def test_looking_needs_no_word_where_more_can_be_done() -> None:
    found = deeds("sqs:queue", ["sqs:SendMessage", "sqs:GetQueueAttributes", "sqs:ListQueueTags"], catalogue().levels)
    assert doing(found, "queue q") == "send messages to queue q"


def reach(name: str, danger: float, **more: object) -> Reach:
    fields: dict[str, object] = {
        "account": ONE,
        "type": "sqs:queue",
        "deeds": Deeds(("read messages from",), ()),
        "objects": (name,),
        "count": 1,
        "danger": danger,
        **more,
    }
    return Reach(**fields)  # type: ignore[arg-type]


def account(_id: str) -> str:
    return "payments"


def test_resources_of_one_kind_are_named_up_to_two_and_counted_beyond() -> None:
    assert things([reach("a", 1), reach("b", 1)]) == "queues a and b"
    assert things([reach("a", 1), reach("b", 1), reach("c", 1)]) == "3 queues"


def test_the_most_dangerous_comes_first_and_the_rest_is_counted() -> None:
    verbs = [Deeds((verb,), ()) for verb in ("list", "delete", "empty")]
    several = [reach(f"q{n}", float(n), deeds=one) for n, one in enumerate(verbs)]
    assert joined(several, account, 1) == "empty queue q2 in payments; and 2 other kinds of access"
    assert joined(several, account, 1, "").count("other") == 1


def test_a_condition_follows_only_and_is_said_once() -> None:
    one = reach("a", 2, condition="with a second factor")
    assert joined([one], account) == "read messages from queue a in payments, only with a second factor"
    assert joined([one], account, given="with a second factor") == "read messages from queue a in payments"
    other = reach("b", 1, deeds=Deeds(("delete",), ()), condition="with a second factor")
    assert joined([one, other], account).count("second factor") == 1


def test_what_could_not_be_read_is_said_apart_never_as_access() -> None:
    one = reach("a", 2, unread=True)
    assert joined([one], account) == ""
    assert unreadable([one]) == "What is allowed on queue a could not be read."
    assert unreadable([reach("b", 1)]) == ""


def test_every_object_is_not_said_of_a_part() -> None:
    part = reach("every object under a", 3, type="s3:bucket/*", objects=("every object under a",), within="bucket x")
    assert things([part]) == "every object under a in bucket x"
    assert things([part, part]) == "some objects in bucket x"


NAMES = Names(Inventory(made(resources=(bucket("logs"), key("k1", aliases=("alias/cards",))))))


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        (None, ""),
        (
            {"key": "aws:MultiFactorAuthPresent", "operator": "Bool", "values": ["true"]},
            "when signed in with a second factor",
        ),
        ({"key": "aws:SourceIp", "operator": "IpAddress", "values": ["10.0.0.0/8"]}, "from 10.0.0.0/8"),
        ({"key": "aws:SourceIp", "operator": "NotIpAddress", "values": ["10.0.0.0/8"]}, "if not from 10.0.0.0/8"),
        ({"not": {"key": "aws:SourceIp", "operator": "NotIpAddress", "values": ["10.0.0.0/8"]}}, "from 10.0.0.0/8"),
        (
            {"not": {"key": "aws:SecureTransport", "operator": "Bool", "values": ["false"]}},
            "over an encrypted connection",
        ),
        ({"key": "sts:ExternalId", "operator": "StringEquals", "values": ["x"]}, "with the shared secret code"),
        ({"key": "glue:Odd", "operator": "StringEquals", "values": ["x"]}, "under a further condition of AWS Glue"),
        (
            {"document": "arn:aws:s3:::logs#policy"},
            "if the own rules of bucket logs, which could not be read, let it through",
        ),
        ({"document": "account:999999999999"}, "if the other company (999999999999) allows it on its side"),
        (
            {
                "key": "token.actions.githubusercontent.com:sub",
                "operator": "StringLike",
                "values": ["repo:acme/app:ref:refs/heads/main"],
            },
            "from main of repository acme/app",
        ),
    ],
)
def test_conditions_are_words_without_keys_or_operators(tree: dict[str, object] | None, words: str) -> None:
    if tree is not None and "key" in tree:
        tree = {"by": "environment", "layer": "identity", "policy": "p", "sid": None, "statement": 0, **tree}
    assert condition(tree, NAMES) == words


def test_lists_and_numbers_are_as_people_write_them() -> None:
    assert counted(1, "bucket") == "1 bucket" and counted(3902, "bucket") == "3,902 buckets"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert some(["a", "b", "c", "d"], 2) == "a, b and 2 more"


def test_a_key_goes_by_its_alias() -> None:
    assert NAMES.resource(f"arn:aws:kms:us-east-1:{ONE}:key/k1") == "encryption key cards"
