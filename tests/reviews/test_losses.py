"""What an item says of its removal and suggests is never more than is known: full control, "nothing", "never"."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from graph.builds import built_tables
from graph.names import subject_of
from graph.questions import Questions
from graph.world import World
from model.entities import (
    AccessKey,
    Assignment,
    DirectoryGroup,
    DirectoryUser,
    Gap,
    IamGroup,
    InlinePolicy,
    PermissionSet,
)
from model.inventory import Inventory, InventoryData
from model.snapshot import open_snapshot
from policy.actions import catalogue
from reviews.admins import Admins
from reviews.entitlements import Held
from reviews.population import ItemMaker
from reviews.records import Item
from tests.graph.worlds import (
    ONE,
    TAKEN,
    TWO,
    allow,
    bucket,
    deny,
    document,
    made,
    questions_of,
    queue,
    role,
    trust,
    user,
)
from tests.reviews.test_population_worlds import removed

OLD = "2020-01-01T00:00:00Z"
SAML = trust({"Federated": f"arn:aws:iam::{ONE}:saml-provider/sso"}, ["sts:AssumeRoleWithSAML", "sts:TagSession"])


def maker_of(data: InventoryData, folder: Path) -> ItemMaker:
    folder.mkdir(parents=True, exist_ok=True)
    return ItemMaker(questions_of(World(Inventory(data)), folder))


def items_of(data: InventoryData, folder: Path) -> list[tuple[Held, Item]]:
    maker = maker_of(data, folder)
    return [(held, maker.item(held)) for held in maker.entitlements.all()]


def the(found: list[tuple[Held, Item]], kind: str, words: str) -> Item:
    several = [item for held, item in found if held.kind == kind and words in held.id]
    assert len(several) == 1, [held.id for held, _ in found]
    return several[0]


def codes(item: Item) -> set[str]:
    return {signal.code for signal in (*item.recommendation.reasons, *item.signals)}


def own(name: str, *statements: Any) -> InlinePolicy:
    return InlinePolicy(name=name, document=document(*statements))


def without(data: InventoryData, held: Held) -> InventoryData:
    """As ``removed``, of memberships in the directory too."""
    if held.kind != "directory-membership":
        return removed(data, held)
    member = held.id.rpartition("#user:")[2]
    groups = tuple(
        msgspec.structs.replace(group, members=tuple(one for one in group.members if one != member))
        if group.id == held.group
        else group
        for group in data.directory_groups
    )
    return msgspec.structs.replace(data, directory_groups=groups)


def still_admin(data: InventoryData, who: str) -> set[str]:
    """Accounts of which somebody has full control, by themselves or through roles: decided anew from the data."""
    world = World(Inventory(data))
    start = subject_of(world, who)
    admins = Admins(SimpleNamespace(world=world))  # type: ignore[arg-type]
    chains = world.steps.forward(start, None if start.index >= 0 else world.assuming.steps_from(start))
    reached = [start, *(world.subjects.all[index] for index in chains.shortest)]
    return {subject.account for subject in reached if subject.caller is not None and admins.of(subject)}


def told(item: Item, names: dict[str, str]) -> set[str]:
    """The accounts that the sentence of removing it says are no longer under full control."""
    _, _, text = item.if_removed.partition("do everything in ")
    clause = text.partition(";")[0].partition(".")[0].partition(", only")[0]
    return {id for id, name in names.items() if name in clause.replace(" and ", ", ").split(", ")}


def wrong_claims(data: InventoryData, found: list[tuple[Held, Item]]) -> Iterator[str]:
    names = {account.id: account.name for account in data.accounts}
    for held, item in found:
        claimed = told(item, names)
        if (
            claimed
            and held.kind not in ("access-key", "password")
            and held.principal_kind in ("person", "user", "role")
        ):
            kept = claimed & still_admin(without(data, held), held.principal)
            if kept:
                yield f"{item.if_removed} {sorted(kept)}"


# -- full control


@pytest.fixture(scope="module")
def judged(demo_folder: Path) -> tuple[InventoryData, list[tuple[Held, Item]]]:
    home = demo_folder / ".grantmap"
    maker = ItemMaker(Questions(built_tables(open_snapshot(home), home)))
    data = msgspec.structs.replace(maker.inventory.data, resources=tuple(maker.inventory.all_resources()))
    return data, [(held, maker.item(held)) for held in maker.entitlements.all()]


Demo = tuple[InventoryData, list[tuple[Held, Item]]]


def test_no_item_of_the_demo_says_that_full_control_goes_while_it_stays(judged: Demo) -> None:
    data, found = judged
    claims = [(held, item) for held, item in found if "do everything in" in item.if_removed]
    people = [one for one in claims if one[0].person.startswith(("person:priya", "person:hannah"))]
    others = [one for one in claims if one[0].principal_kind in ("user", "role")]
    assert people and others
    assert list(wrong_claims(data, [*people, *others])) == []


def test_a_person_whom_another_role_leads_to_full_control_does_not_lose_it(judged: Demo) -> None:
    item = next(item for held, item in judged[1] if held.item_id == "251284646271bd92")
    assert "everything in" in item.sentence
    assert "sandbox" not in item.if_removed.partition("do everything in ")[2].partition(";")[0].partition(".")[0]


def test_no_policy_of_the_demo_that_is_called_empty_or_redundant_allows_an_action_that_no_other_does(
    judged: Demo,
) -> None:
    inventory = Inventory(judged[0])

    def allowed(texts: Iterable[str | None]) -> set[str]:
        statements = [
            one for text in texts if text for one in json.loads(text)["Statement"] if one["Effect"] == "Allow"
        ]
        found: set[str] = set()
        for one in statements:
            actions = one.get("Action", "*")
            for pattern in [actions] if isinstance(actions, str) else actions:
                found |= catalogue().expand(pattern)
        return found

    def texts(holder: Any, but: str) -> list[str | None]:
        inline = [one.document for one in holder.inline if f"{holder.arn}#inline:{one.name}" != but]
        return [*inline, *(inventory.policies[arn].document for arn in holder.attached if arn != but)]

    checked = 0
    for held, item in judged[1]:
        if held.kind in ("policy-attachment", "inline-policy") and held.principal_kind != "group" and lossless(item):
            holder = inventory.users.get(held.holder) or inventory.roles[held.holder]
            groups = [inventory.groups[arn] for arn in getattr(holder, "groups", ())]
            left = allowed([*texts(holder, held.policy), *(text for group in groups for text in texts(group, ""))])
            mine = allowed(set(texts(holder, "")) - set(texts(holder, held.policy)))
            gone = {action for action in mine - left if catalogue().resource_types(action)}
            assert not gone or _on_collected(inventory, held), (item.if_removed, sorted(gone)[:5])
            checked += 1
    assert checked


def _on_collected(inventory: Inventory, held: Held) -> bool:
    """Whether an inline policy is about collected resources alone, which its rows then tell all of."""
    holder = inventory.users.get(held.holder) or inventory.roles[held.holder]
    text = next((one.document for one in holder.inline if held.policy.endswith(f"#inline:{one.name}")), None)
    patterns = [one["Resource"] for one in json.loads(text or '{"Statement": []}')["Statement"]]
    flat = [one for each in patterns for one in ([each] if isinstance(each, str) else each)]
    return bool(flat) and all(inventory.container(one) is not None for one in flat)


def test_nothing_of_the_demo_is_to_be_removed_for_what_is_not_known(judged: Demo) -> None:
    for _, item in judged[1]:
        reasons = {signal.code for signal in item.recommendation.reasons}
        if item.recommendation.verdict == "remove":
            assert "unused" not in reasons or item.last_used is not None
            assert reasons <= {"unused", "orphaned", "leaver", "inactive-key", "redundant", "empty"}
            assert "redundant" not in reasons or not any("not listed" in words for words in item.recommendation.unseen)


@pytest.mark.parametrize("second", [(), (allow("*"),), (allow("iam:*"),)], ids=["alone", "everything", "iam"])
def test_full_control_goes_only_when_no_policy_that_remains_gives_it(second: tuple[Any, ...], tmp_path: Path) -> None:
    more = (own("second", *second),) if second else ()
    data = made(users=(user("ann", inline=(own("first", allow("*")), *more)),), resources=(bucket("b"),))
    found = items_of(data, tmp_path)
    assert ("do everything in" in the(found, "inline-policy", "#inline:first").if_removed) == (not second)
    assert list(wrong_claims(data, found)) == []


def test_an_administrator_who_may_also_become_one_loses_the_role_alone(tmp_path: Path) -> None:
    ann = user("ann", ONE, allow("*"))
    root = role("root", ONE, allow("*"), trusts=document(trust({"AWS": ann.arn})))
    data = made(users=(ann,), roles=(root,), resources=(bucket("b"),))
    found = items_of(data, tmp_path)
    item = the(found, "trust-statement", "#trust")
    assert "can no longer become root" in item.if_removed and "do everything" not in item.if_removed
    assert "redundant" not in codes(item) and list(wrong_claims(data, found)) == []


# -- nothing is lost


def lossless(item: Item) -> bool:
    return "Nothing is lost" in item.if_removed or bool(codes(item) & {"redundant", "empty"})


LOGS = allow("logs:GetLogEvents")
READ = allow("s3:GetObject", "arn:aws:s3:::b/*")


@pytest.mark.parametrize(
    ("first", "second", "nothing"),
    [
        ((READ,), (READ,), True),
        ((READ, LOGS), (READ,), False),
        ((READ, LOGS), (allow("*"),), True),
        ((READ, LOGS), (READ, allow("logs:Get*")), True),
        ((READ, LOGS), (READ, allow("logs:*", "arn:aws:logs:*:*:log-group:mine")), False),
        ((READ, LOGS), (READ, allow("logs:*", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})), False),
        ((READ, allow("sqs:SendMessage")), (READ,), False),
        ((READ, allow("s3:PutObject", "arn:aws:s3:::partner/*")), (READ,), False),
        ((READ, allow("newservice:DoIt")), (READ,), False),
        ((allow("s3:GetObject"),), (READ,), False),
    ],
)
def test_nothing_is_lost_only_when_the_other_policy_allows_all_of_it(
    first: tuple[Any, ...], second: tuple[Any, ...], nothing: bool, tmp_path: Path
) -> None:
    ann = user("ann", inline=(own("first", *first), own("second", *second)))
    item = the(items_of(made(users=(ann,), resources=(bucket("b"),)), tmp_path), "inline-policy", "#inline:first")
    assert lossless(item) == nothing, item.if_removed
    if not nothing:
        assert "goes too" in item.if_removed


def test_a_trust_says_what_its_role_gives_on_services_that_were_not_listed(tmp_path: Path) -> None:
    ann = user("ann", ONE, READ)
    reader = role("reader", ONE, READ, LOGS, trusts=document(trust({"AWS": ann.arn})))
    item = the(
        items_of(made(users=(ann,), roles=(reader,), resources=(bucket("b"),)), tmp_path), "trust-statement", "#"
    )
    assert not lossless(item) and "CloudWatch Logs goes too" in item.if_removed
    assert any("CloudWatch Logs" in words for words in item.recommendation.unseen)


def test_becoming_a_role_is_lost_even_where_all_that_it_gives_is_held(tmp_path: Path) -> None:
    ann = user("ann", ONE, READ)
    reader = role("reader", ONE, READ, trusts=document(trust({"AWS": ann.arn})))
    item = the(
        items_of(made(users=(ann,), roles=(reader,), resources=(bucket("b"),)), tmp_path), "trust-statement", "#"
    )
    assert not lossless(item) and "can no longer become reader" in item.if_removed


def test_a_policy_that_leads_to_a_role_counts_what_the_role_allows(tmp_path: Path) -> None:
    assume = allow("sts:AssumeRole", f"arn:aws:iam::{TWO}:role/reader")
    ann = user("ann", inline=(own("first", assume), own("second", READ)))
    reader = role("reader", TWO, READ, LOGS, trusts=document(trust({"AWS": ann.arn})))
    found = items_of(made(users=(ann,), roles=(reader,), resources=(bucket("b"),)), tmp_path)
    item = the(found, "inline-policy", "#inline:first")
    assert not lossless(item) and "CloudWatch Logs goes too" in item.if_removed


# -- empty


@pytest.mark.parametrize(
    ("statement", "unread"),
    [
        (allow("s3:GetObject", "arn:aws:s3:::b/*"), ((ONE, "", "s3:bucket"),)),
        (allow("s3:PutObject", "arn:aws:s3:::some-partner-bucket/*"), ()),
        (allow("sqs:SendMessage", f"arn:aws:sqs:eu-west-1:{TWO}:gone"), ()),
        (allow("sqs:SendMessage"), ()),
        (LOGS, ()),
    ],
)
def test_what_is_on_resources_that_were_not_read_is_not_nothing(
    statement: Any, unread: tuple[tuple[str, str, str], ...], tmp_path: Path
) -> None:
    data = made(users=(user("ann", ONE, statement),), unread_lists=unread)
    item = the(items_of(data, tmp_path), "inline-policy", "#inline:own")
    assert item.recommendation.verdict == "look" and not lossless(item)


def test_a_resource_that_a_policy_names_and_nobody_read_is_said(tmp_path: Path) -> None:
    statement = allow("s3:PutObject", "arn:aws:s3:::some-partner-bucket/*")
    data = made(users=(user("ann", ONE, statement),), resources=(bucket("b"),))
    item = the(items_of(data, tmp_path), "inline-policy", "#inline:own")
    assert (
        "It names resources that are not in the data we read: bucket some-partner-bucket." in item.recommendation.unseen
    )


def test_a_group_without_policies_gives_nothing(tmp_path: Path) -> None:
    group = IamGroup(arn=f"arn:aws:iam::{ONE}:group/g", id="AGPA", name="g", path="/", account=ONE)
    data = made(users=(user("ann", groups=(group.arn,)),), groups=(group,))
    assert the(items_of(data, tmp_path), "group-membership", "group/g").recommendation.verdict == "remove"


# -- limits


def test_what_only_forbids_is_kept_and_its_limits_are_said(tmp_path: Path) -> None:
    limits = own("limits", deny("s3:*"))
    group = IamGroup(arn=f"arn:aws:iam::{ONE}:group/g", id="AGPA", name="g", path="/", account=ONE, inline=(limits,))
    ann = user("ann", groups=(group.arn,), inline=(limits,), created=OLD, password=False)
    found = items_of(made(users=(ann,), groups=(group,)), tmp_path)
    for item in (item for _, item in found):
        assert item.recommendation.verdict == "keep", item.entitlement
        assert "It also forbids things, and those limits would go." in item.if_removed
        assert not codes(item) & {"empty", "unused", "redundant"}


# -- unknown is no reason to remove


def key(name: str = "AKIAEXAMPLE1") -> AccessKey:
    return AccessKey(id=name, active=True, rotated=TAKEN, last_used=TAKEN)


@pytest.mark.parametrize(("password", "nothing"), [(None, False), (False, False), (True, True)])
def test_a_password_that_may_be_there_is_not_another_way(password: bool | None, nothing: bool, tmp_path: Path) -> None:
    ann = user("ann", ONE, READ, keys=(key(),), password=password)
    item = the(items_of(made(users=(ann,), resources=(bucket("b"),)), tmp_path), "access-key", "AKIA")
    assert ("Nothing is lost" in item.if_removed) == nothing and "redundant" not in codes(item)
    assert ("could not be read" in item.if_removed) == (password is None)


def credentials_missing(account: str = ONE) -> Gap:
    return Gap(
        account=account,
        region="global",
        service="iam",
        operation="GenerateCredentialReport",
        outcome="skipped",
        affects="iam:credential-report",
    )


def test_users_whose_credentials_were_not_read_are_not_called_unused(tmp_path: Path) -> None:
    data = made(
        users=(user("ann", ONE, READ, created=OLD),), resources=(bucket("b"),), skipped=(credentials_missing(),)
    )
    for _, item in items_of(data, tmp_path):
        assert item.last_used is None and "never" not in item.usage and "unused" not in codes(item)
        assert item.recommendation.verdict != "remove"


def test_a_password_that_could_not_be_read_is_not_said_to_be_there(tmp_path: Path) -> None:
    data = made(users=(user("ann", ONE, READ, created=OLD),), resources=(bucket("b"),))
    item = the(items_of(data, tmp_path), "password", "#password")
    assert "has a password could not be read" in item.sentence and item.last_used is None
    assert "could not be read" in item.usage and item.recommendation.verdict != "remove"


def test_roles_are_called_unused_for_no_longer_than_aws_keeps_their_use(tmp_path: Path) -> None:
    data = made(roles=(role("old", ONE, READ, created="2022-01-01T00:00:00Z"),), resources=(bucket("b"),))
    item = the(items_of(data, tmp_path), "inline-policy", "role/old")
    said = next(signal.in_words for signal in item.signals if signal.code == "unused")
    assert said == "It was not used in the 400 days that AWS keeps."


def test_a_rule_of_a_bucket_that_could_not_be_read_may_be_for_the_lost_role_alone(tmp_path: Path) -> None:
    both = allow("s3:GetObject", "arn:aws:s3:::b/*")
    ann = user("ann", inline=(own("first", both), own("second", both)))
    item = the(items_of(made(users=(ann,), resources=(bucket("b", policy=None),)), tmp_path), "inline-policy", "first")
    assert "redundant" not in codes(item) and "Nothing is lost" not in item.if_removed


# -- many rows


def test_what_goes_is_said_of_all_rows_not_of_those_that_are_kept(tmp_path: Path) -> None:
    several = tuple(bucket(f"b{number}", tags={"n": str(number)}) for number in range(210))
    shared = [allow("s3:*", f"{one.arn}*", Sid=f"s{number}") for number, one in enumerate(several)]
    ann = user(
        "ann", inline=(own("first", *shared, allow("sqs:ReceiveMessage", queue("q").arn)), own("second", *shared))
    )
    item = the(items_of(made(users=(ann,), resources=(*several, queue("q"))), tmp_path), "inline-policy", "first")
    assert item.access.more > 0 and item.access.alone == 1
    assert "can no longer read messages from queue q" in item.if_removed


# -- people


def test_a_group_does_not_lose_what_each_member_may_keep(tmp_path: Path) -> None:
    path = "/aws-reserved/sso.amazonaws.com/"
    sets = tuple(
        PermissionSet(
            arn=f"arn:aws:sso:::permissionSet/ssoins-1/ps-{name}", name=name, instance="arn:aws:sso:::instance/ssoins-1"
        )
        for name in ("Admin", "Owner")
    )
    roles = tuple(
        role(f"AWSReservedSSO_{one.name}_0123456789abcdef", ONE, allow("*"), trusts=document(SAML), path=path)
        for one in sets
    )
    people = DirectoryUser(id="u1", user_name="ann", display_name="Ann", active=True)
    group = DirectoryGroup(id="g1", name="team", members=("u1",))
    given = (
        Assignment(account=ONE, permission_set=sets[0].arn, principal_type="GROUP", principal_id="g1"),
        Assignment(account=ONE, permission_set=sets[1].arn, principal_type="USER", principal_id="u1"),
    )
    data = made(
        roles=roles,
        permission_sets=sets,
        directory_users=(people,),
        directory_groups=(group,),
        assignments=given,
        resources=(bucket("b"),),
    )
    found = items_of(data, tmp_path)
    assert all("do everything in name-1" in item.sentence for _, item in found)
    assert not any("do everything in" in item.if_removed for _, item in found)
    assert list(wrong_claims(data, found)) == []


def test_what_a_permission_set_without_a_role_opens_is_not_known(tmp_path: Path) -> None:
    """Neither the assignment nor a membership of its group is called empty where the role it makes was not found."""
    arn = "arn:aws:sso:::permissionSet/ssoins-1/ps-reader"
    instance = "arn:aws:sso:::instance/ssoins-1"
    data = made(
        permission_sets=(PermissionSet(arn=arn, name="Reader", instance=instance),),
        directory_users=(DirectoryUser(id="u1", user_name="ann", display_name="Ann", active=True),),
        directory_groups=(DirectoryGroup(id="g1", name="team", members=("u1",)),),
        assignments=(Assignment(account=ONE, permission_set=arn, principal_type="GROUP", principal_id="g1"),),
    )
    found = items_of(data, tmp_path)
    for kind in ("assignment", "directory-membership"):
        item = the(found, kind, "g1")
        assert "could not be read" in item.sentence
        assert "not known" in item.if_kept and "not known" in item.if_removed
        assert item.recommendation.verdict == "look"
