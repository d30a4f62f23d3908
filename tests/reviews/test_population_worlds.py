"""What an item says would go is what goes: each entitlement is removed from the data and everything decided anew."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from graph.names import subject_of
from graph.questions import Questions
from graph.subjects import Subject
from graph.world import World
from model.arn import is_account_id
from model.inventory import Inventory, InventoryData
from policy.actions import catalogue
from reviews.access import Draft, Rows
from reviews.contributions import Contributions
from reviews.effects import Effects
from reviews.entitlements import Entitlements, Held
from reviews.words import Names
from tests.graph.worlds import questions_of, world

SEEDS = range(4)
Lost = dict[int, set[str]]


def changed(data: InventoryData, field: str, arn: str, change: Callable[[Any], Any]) -> InventoryData:
    """The inventory with one of its things changed."""
    things = [change(one) if one.arn == arn else one for one in getattr(data, field)]
    return msgspec.structs.replace(data, **{field: tuple(things)})


def holders(held: Held) -> str:
    return {"user": "users", "role": "roles", "group": "groups"}[held.principal_kind]


def removed(data: InventoryData, held: Held) -> InventoryData:
    """The inventory as AWS would answer after somebody took the entitlement away."""
    replace = msgspec.structs.replace
    if held.kind == "assignment":
        left = tuple(one for one in data.assignments if one != held.assignment)
        return replace(data, assignments=left)
    if held.kind == "policy-attachment":
        return changed(
            data,
            holders(held),
            held.holder,
            lambda one: replace(one, attached=tuple(arn for arn in one.attached if arn != held.policy)),
        )
    if held.kind == "inline-policy":
        name = held.id.partition("#inline:")[2]
        return changed(
            data,
            holders(held),
            held.holder,
            lambda one: replace(one, inline=tuple(inline for inline in one.inline if inline.name != name)),
        )
    if held.kind == "group-membership":
        return changed(
            data,
            "users",
            held.holder,
            lambda one: replace(one, groups=tuple(group for group in one.groups if group != held.group)),
        )
    if held.kind == "trust-statement":
        return changed(
            data, "roles", held.role, lambda one: replace(one, trust=unnamed(one.trust, held.statement, held.named[1]))
        )
    if held.kind == "resource-statement":
        return changed(
            data,
            "resources",
            held.resource,
            lambda one: replace(one, policy=unnamed(one.policy, held.statement, held.named[1])),
        )
    assert held.kind == "kms-grant" and held.grant is not None
    id = held.grant.id
    return changed(
        data,
        "resources",
        held.resource,
        lambda one: replace(one, grants=tuple(grant for grant in one.grants if grant.id != id)),
    )


def unnamed(text: str, statement: int, name: str) -> str:
    """A policy text whose statement no longer names somebody."""
    raw = json.loads(text)
    one = raw["Statement"][statement]
    element = one["Principal"]

    def is_it(other: str) -> bool:
        return other == name or (is_account_id(name) and other == f"arn:aws:iam::{name}:root")

    if isinstance(element, dict):
        lists = {kind: [value] if isinstance(value, str) else value for kind, value in element.items()}
        left = {kind: [other for other in names if not is_it(other)] for kind, names in lists.items()}
        one["Principal"] = {kind: names for kind, names in left.items() if names}
    if not isinstance(element, dict) or not one["Principal"]:
        del raw["Statement"][statement]
    return json.dumps(raw)


def reached(old: Questions, now: World, who: str) -> dict[tuple[int, str], int]:
    """(class, action) to 0 Allowed or 1 Conditional: all that somebody can do, directly and through chains."""
    found: dict[tuple[int, str], int] = {}

    def add(subject: Subject, *, certain: bool) -> None:
        if subject.caller is None:
            return
        for resource_class in old.tables.classes:
            if resource_class.open and resource_class.account != subject.account:
                continue  # what is about no resource is about the caller's own account
            for grant in now.resolver.pair(subject, resource_class):
                rank = grant.outcome.rank if certain else 1
                for action in grant.actions:
                    key = (resource_class.index, action)
                    found[key] = min(rank, found.get(key, 1))

    start = subject_of(now, who)  # also an outsider whom no policy names any more
    add(start, certain=True)
    chains = now.steps.forward(start, None if start.index >= 0 else now.assuming.steps_from(start))
    for index in chains.shortest:
        add(now.subjects.all[index], certain=index in chains.certain)
    return found


def first(old: Questions, who: str) -> dict[tuple[int, str], int]:
    """``reached`` in the world as it was drawn, once for all items of somebody."""
    if who not in old.__dict__.setdefault("reached", {}):
        old.__dict__["reached"][who] = reached(old, old.world, who)
    found: dict[tuple[int, str], int] = old.__dict__["reached"][who]
    return found


def lost(old: Questions, data: InventoryData, held: Held, who: str) -> Lost:
    """Access levels that go, by class: decided in the world with the entitlement and in the one without."""
    before = first(old, who)
    after = reached(old, World(Inventory(removed(data, held))), who)
    found: Lost = {}
    for (index, action), rank in before.items():
        if action.startswith("sts:") and old.tables.classes[index].representative == held.role:
            continue  # a trust is shown by what the role can do, not by becoming it
        if after.get((index, action), 2) > rank:
            found.setdefault(index, set()).update(catalogue().levels(action))
    return found


def said(drafts: tuple[Draft, ...]) -> Lost:
    found: Lost = {}
    for draft in drafts:
        gone = set(draft.levels) - set(draft.shared)
        if gone:
            found.setdefault(draft.resource_class.index, set()).update(gone)
    return found


def opens_steps(old: World, data: InventoryData, held: Held, who: str) -> bool:
    """Whether removing it, which lifts what it forbids, opens a new way: what goes is then less than what is said."""
    now = World(Inventory(removed(data, held)))
    if who not in now.subjects.by_key:
        return False
    before = {step.target.key for step in old.steps.out.get(old.subjects.by_key[who].index, ())}
    return any(step.target.key not in before for step in now.steps.out.get(now.subjects.by_key[who].index, ()))


@pytest.fixture(params=SEEDS)
def drawn(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[InventoryData, Questions]:
    data = world(request.param)
    return data, questions_of(World(Inventory(data)), tmp_path)


def contributions(questions: Questions) -> Contributions:
    effects = Effects(questions)
    rows = Rows(questions, effects, Names(questions.world.inventory))
    rows.__dict__["_rest"] = {}  # parts of a container are shown apart, so that every class can be compared
    return Contributions(questions, effects, rows)


def single(held: Held, questions: Questions) -> str:
    """The one subject that an entitlement is about; empty where it is about many."""
    if held.principal_kind in ("user", "role", "person") and not held.unread:
        found = questions.world.subjects.by_key.get(held.principal)
        return found.key if found is not None else ""
    return ""


def test_what_an_item_would_take_away_is_what_is_lost_without_it(drawn: tuple[InventoryData, Questions]) -> None:
    data, questions = drawn
    judge = contributions(questions)
    checked = 0
    everything = Entitlements(questions.world.assembler).all()
    Random(0).shuffle(everything)
    for held in everything:
        who = single(held, questions)
        if not who or checked >= 12:
            continue
        checked += 1
        ours, theirs = said(judge.of(held).shown.drafts), lost(questions, data, held, who)
        if opens_steps(questions.world, data, held, who):
            assert all(theirs[index] <= ours.get(index, set()) for index in theirs), held.id
        else:
            assert ours == theirs, held.id
    assert checked >= 8
