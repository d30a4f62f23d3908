"""What is done for one account, as functions of bytes: whoever runs them, here or on another machine, answers alike.

``resolved`` is the task of the resolver. It is pure: the shared entities and the resources of an account, or of a few,
go in, each account's partition and the steps into its roles come out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from graph.accounts import Accounts
from graph.classes import ResourceClass
from graph.clock import reads_clock
from graph.deciding import Outcome
from graph.heap import uncollected
from graph.partition import Content, Lent, Partition
from graph.steps import Step
from graph.subjects import Listed, Subject
from graph.world import World
from model.entities import Resource
from model.inventory import Inventory, InventoryData
from model.load_account import decode_resources
from policy.assemble import Assembler
from policy.verdicts import Verdict


class SharedInput(msgspec.Struct, frozen=True):
    """What every task reads: the inventory without resources, and its subjects."""

    data: InventoryData
    subjects: list[Listed]


class _Content(msgspec.Struct, array_like=True):
    verdict: str
    residual: dict[str, object] | None
    because: list[dict[str, object]]
    certain: bool
    actions: int
    related: bool


class _Class(msgspec.Struct, array_like=True):
    pattern: str
    representative: str
    type: str
    region: str
    members: tuple[str, ...]
    contents: bool
    open: bool
    owner: str


class _Step(msgspec.Struct, array_like=True):
    source: int
    target: int
    action: str
    outcome: int


class Resolved(msgspec.Struct):
    """A partition as it travels; action sets and outcomes of steps each once. ``invalid``: policies that are none."""

    account: str
    classes: list[_Class]
    action_sets: list[tuple[str, ...]]
    contents: list[_Content]
    holders: list[tuple[int, ...]]
    sets: list[bytes]
    rows: list[tuple[int, int, int]]
    steps: list[_Step]
    outcomes: list[_Content]
    invalid: dict[str, str]
    lent: list[Lent]
    clocked: bool


#: Places of classes as they travel.
_PLACES = np.dtype("<i4")

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Resolved).decode
_decode_shared = msgspec.msgpack.Decoder(SharedInput).decode


def encode_shared(data: InventoryData, subjects: Sequence[Listed]) -> bytes:
    """The input that all tasks share."""
    return _encode(SharedInput(msgspec.structs.replace(data, resources=()), list(subjects)))


def resolved(shared: bytes, accounts: Mapping[str, bytes]) -> list[bytes]:
    """Accounts resolved, each as it is alone; ``decode`` reads an answer. Their resources are encoded as
    ``model.load_account`` does.

    Raises ``msgspec.MsgspecError`` for what is no input.
    """
    with uncollected():
        several = {account: decode_resources(resources) for account, resources in accounts.items()}
        return resolved_together(_world(shared).resolver, several)


#: The world that this process made of some shared input last: tasks of one build come one after another.
_KEPT: list[tuple[bytes, World]] = []


def _world(shared: bytes) -> World:
    if not _KEPT or (_KEPT[0][0] is not shared and _KEPT[0][0] != shared):
        found = _decode_shared(shared)
        _KEPT[:] = [(shared, World(Inventory(found.data), found.subjects))]
    return _KEPT[0][1]


def resolved_in(accounts: Accounts, account: str, resources: tuple[Resource, ...]) -> bytes:
    """As ``resolved``, with accounts that are there already."""
    return resolved_together(accounts, {account: resources})[0]


def resolved_together(accounts: Accounts, several: Mapping[str, tuple[Resource, ...]]) -> list[bytes]:
    """As ``resolved_in``, of accounts with their resources."""
    resolvers = deque(accounts.opened(account, resources)[0] for account, resources in several.items())
    assemblers = [resolver.assembler for resolver in resolvers]
    partitions = accounts.together(resolvers)
    return [
        _answer(accounts, assembler, partition, resources)
        for assembler, partition, resources in zip(assemblers, partitions, several.values(), strict=True)
    ]


def _answer(accounts: Accounts, assembler: Assembler, partition: Partition, resources: tuple[Resource, ...]) -> bytes:
    partition.clocked = any(reads_clock(one.policy) for one in resources if one.policy)
    # The world's assembler may have met a principal's policies first; those of others are for their tasks to tell.
    invalid = {**accounts.shared.assembler.invalid, **assembler.invalid}
    held = {one.arn for one in resources}  # the ARN of a bucket names no account
    own = {
        policy: why
        for policy, why in invalid.items()
        # Those of the organisation are told of once for all accounts (``graph.builder``).
        if (policy.split(":", 5)[4:5] == [partition.account] and ":organizations:" not in policy)
        or policy.partition("#")[0] in held
    }
    return _encode(_travelling(partition, list(accounts.steps(partition, assembler)), own))


def _travelling(partition: Partition, steps: Sequence[Step], invalid: dict[str, str]) -> Resolved:
    sets: dict[tuple[str, ...], int] = {}
    contents = [
        _content(one.outcome, sets.setdefault(one.actions, len(sets)), one.related) for one in partition.contents
    ]
    numbers: dict[int, int] = {}
    outcomes: list[_Content] = []
    travelling = []
    for step in steps:
        number = numbers.get(id(step.outcome))
        if number is None:
            number = numbers[id(step.outcome)] = len(outcomes)
            outcomes.append(_content(step.outcome, 0, False))
        travelling.append(_Step(step.source.index, step.target.index, step.action, number))
    return Resolved(
        account=partition.account,
        classes=[
            _Class(
                one.pattern, one.representative, one.type, one.region, one.members, one.contents, one.open, one.owner
            )
            for one in partition.classes
        ],
        action_sets=list(sets),
        contents=contents,
        holders=partition.holders,
        sets=[some.astype(_PLACES).tobytes() for some in partition.sets],
        rows=partition.rows,
        steps=travelling,
        outcomes=outcomes,
        invalid=invalid,
        lent=partition.lent,
        clocked=partition.clocked,
    )


def _content(outcome: Outcome, actions: int, related: bool) -> _Content:
    return _Content(str(outcome.verdict), outcome.residual, list(outcome.because), outcome.certain, actions, related)


def decode(answer: bytes, subjects: Sequence[Subject]) -> tuple[Partition, list[Step], dict[str, str]]:
    """(Partition, steps into its roles, policies that are none with why) of what ``resolved`` answered."""
    found = _decode(answer)
    classes = [
        ResourceClass(
            number, one.pattern, one.representative, one.type, found.account, one.region, one.members,
            one.contents, one.open, one.owner,
        )
        for number, one in enumerate(found.classes)
    ]  # fmt: skip
    contents = [Content(_outcome(one), found.action_sets[one.actions], one.related) for one in found.contents]
    partition = Partition(
        found.account,
        classes,
        contents,
        found.holders,
        [np.frombuffer(some, dtype=_PLACES) for some in found.sets],
        found.rows,
        found.lent,
        found.clocked,
    )
    outcomes = [_outcome(one) for one in found.outcomes]
    steps = [Step(subjects[one.source], subjects[one.target], one.action, outcomes[one.outcome]) for one in found.steps]
    return partition, steps, found.invalid


def _outcome(content: _Content) -> Outcome:
    return Outcome(Verdict(content.verdict), content.residual, tuple(content.because), content.certain)
