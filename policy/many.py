"""Many decisions about one principal at once: `decide` for every different pair, whatever makes no difference shared.

Two pairs of action and resource get one decision where nothing that deciding reads tells them apart: the same
documents, the same statements of them about the action and about the resource, the same values of every context key
that a statement asks for, and the same facts of the fixed rules. That is exact, not an approximation, and it makes a
table of a million pairs cost a few hundred decisions (the design's quotient, for one principal).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

import numpy as np

from policy.context_values import Context
from policy.decide import decide
from policy.document import Document, Statement
from policy.inputs import NO_SETTINGS, Inputs, PolicyRef
from policy.layers import resource_truth
from policy.patterns import Variable
from policy.request import Principal, Request
from policy.services import S3_BUCKET_ACL, S3_OBJECT_ACL, action_facts, resource_facts
from policy.verdicts import Decision, Verdict

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Side:
    """A resource of a batch: all that a request on it holds beside the caller and the action.

    `inputs` are all documents for a request on it, the caller's included; sides that share one object are sorted
    together, so share it where the documents are the same. `context` holds for every action of the batch.
    """

    resource: str
    account: str | None
    inputs: Inputs
    context: Context


class Decisions(Sequence[Decision]):
    """The decisions of a batch, in the order of its pairs; alike ones are one object.

    `distinct` are the different ones, `numbers` says for each pair which of them it has.
    """

    __slots__ = ("distinct", "numbers")

    def __init__(self, distinct: list[Decision], numbers: Numbers) -> None:
        self.distinct = distinct
        self.numbers = numbers

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, place: int) -> Decision: ...
    @overload
    def __getitem__(self, place: slice) -> Decisions: ...
    def __getitem__(self, place: int | slice) -> Decision | Decisions:
        if isinstance(place, slice):
            return Decisions(self.distinct, self.numbers[place])
        return self.distinct[int(self.numbers[place])]

    def __iter__(self) -> Iterator[Decision]:
        return map(self.distinct.__getitem__, self.numbers.tolist())

    def are(self, *verdicts: Verdict) -> NDArray[np.bool_]:
        """For each pair, whether its verdict is one of these."""
        return np.array([decision.verdict in verdicts for decision in self.distinct], dtype=bool)[self.numbers]


def decide_many(
    principal: Principal,
    actions: Sequence[str],
    sides: Sequence[Side],
    pairs: tuple[Sequence[int], Sequence[int]] | None = None,
) -> Decisions:
    """The decisions for pairs of (place in `actions`, place in `sides`), given as two sequences of one length.

    `pairs` left out: every action on every side, in the order of the actions.
    """
    if pairs is None:
        places = np.repeat(np.arange(len(actions)), len(sides)), np.tile(np.arange(len(sides)), len(actions))
    else:
        places = np.asarray(pairs[0], dtype=np.int64), np.asarray(pairs[1], dtype=np.int64)
        if len(places[0]) != len(places[1]):
            raise ValueError(f"{len(places[0])} actions are paired with {len(places[1])} sides")
    return _Batch(principal, actions, sides).decisions(*places)


class _Batch:
    """One principal's batch: what is worked out once for an action, a document or a side."""

    def __init__(self, principal: Principal, actions: Sequence[str], sides: Sequence[Side]) -> None:
        self._principal = principal
        self._actions = actions
        self._lowered = [action.lower() for action in actions]
        self._facts = _numbered(map(action_facts, self._lowered))
        self._sides = sides
        self._masks: dict[int, Numbers] = {}
        self._marks: dict[int, _Marks] = {}
        self._bitmaps: dict[tuple[tuple[str, ...] | None, tuple[str, ...] | None], NDArray[np.bool_]] = {}
        self._joined: dict[tuple[int, ...], Numbers] = {}

    def decisions(self, actions: Numbers, sides: Numbers) -> Decisions:
        """Group by group of sides with the same documents."""
        groups = _numbered(id(side.inputs) for side in self._sides)
        distinct: list[Decision] = []
        numbers = np.zeros(len(actions), dtype=np.int64)
        of_pair = groups[sides]
        order = np.argsort(of_pair, kind="stable")
        starts = np.flatnonzero(np.diff(of_pair[order], prepend=-1))
        for chosen in np.split(order, starts[1:]) if len(order) else ():
            self._group(chosen, actions[chosen], sides[chosen], distinct, numbers)
        return Decisions(distinct, numbers)

    def _group(
        self, chosen: Numbers, actions: Numbers, sides: Numbers, distinct: list[Decision], numbers: Numbers
    ) -> None:
        """The pairs `chosen`, whose sides have one and the same documents."""
        inputs = self._sides[sides[0]].inputs
        refs = _refs(inputs)
        asked = np.unique(sides)
        kinds = self._side_kinds(inputs, refs, asked)
        acts = self._action_kinds(tuple(ref.document for ref in refs if ref.document is not None))
        if inputs.settings.acl != () or inputs.settings.object_acl != ():  # an ACL gives actions by a table of its own
            given = [(S3_BUCKET_ACL.get(action), S3_OBJECT_ACL.get(action)) for action in self._lowered]
            acts = _numbered(zip(acts.tolist(), given, strict=True))
        keys = acts[actions] * len(asked) + kinds[np.searchsorted(asked, sides)]
        first, places = _distinct(keys, int(acts.max()) + 1, len(asked))
        numbers[chosen] = places + len(distinct)
        for place in first.tolist():
            side = self._sides[sides[place]]
            request = Request(self._principal, self._actions[actions[place]], side.resource, side.account, side.context)
            distinct.append(decide(request, side.inputs))

    def _side_kinds(self, inputs: Inputs, refs: tuple[PolicyRef, ...], asked: Numbers) -> Numbers:
        """For each side asked about, a number that sides share which nothing in the documents tells apart."""
        if len(asked) == 1:
            return np.zeros(1, dtype=np.int64)
        marks = [self._marks_of(ref) for ref in refs if ref.document is not None]
        # Settings of the resource's service may look at anything in its name, and at keys that no statement reads.
        whole = inputs.settings is not NO_SETTINGS
        return _numbered(
            (
                side.account,
                (side.resource, id(side.context)) if whole else resource_facts(side.resource),
                tuple([mark.of(side) for mark in marks]),
            )
            for side in map(self._sides.__getitem__, asked.tolist())
        )

    def _marks_of(self, ref: PolicyRef) -> _Marks:
        assert ref.document is not None
        found = self._marks.get(id(ref.document))
        if found is None:
            found = self._marks[id(ref.document)] = _Marks(ref.document, ref)
        return found

    def _action_kinds(self, documents: tuple[Document, ...]) -> Numbers:
        """For each action of the batch, a number that actions share which no statement and no rule tells apart."""
        key = tuple(map(id, documents))
        found = self._joined.get(key)
        if found is None:
            if not documents:
                return self._facts
            rest, mask = self._action_kinds(documents[:-1]), self._mask(documents[-1])
            found = self._joined[key] = np.unique(rest * (mask.max(initial=0) + 1) + mask, return_inverse=True)[1]
        return found

    def _mask(self, document: Document) -> Numbers:
        """For each action, a number for the set of the document's statements that are about it."""
        found = self._masks.get(id(document))
        if found is None:
            found = np.zeros(len(self._lowered), dtype=np.int64)
            for place, statement in enumerate(document.statements):
                found = found * 2 + self._about(statement)
                if place % 32 == 31:  # before the numbers grow out of their 64 bits
                    found = np.unique(found, return_inverse=True)[1]
            found = self._masks[id(document)] = np.unique(found, return_inverse=True)[1]
        return found

    def _about(self, statement: Statement) -> NDArray[np.bool_]:
        """For each action, whether the statement is about it: the bitmap of its action element."""
        key = (statement.actions, statement.not_actions)
        found = self._bitmaps.get(key)
        if found is None:
            test = statement.acts
            found = self._bitmaps[key] = np.array([test is None or bool(test(action)) for action in self._lowered])
        return found


class _Marks:
    """What one document tells sides apart by."""

    def __init__(self, document: Document, ref: PolicyRef) -> None:
        statements = document.statements
        self._ref = ref
        self._plain = list({s.resources: s.only_on for s in statements if s.only_on is not None}.values())
        self._other = [s for s in statements if s.only_on is None and s.tests_resource]
        self._keys = sorted(_keys(statements))

    def of(self, side: Side) -> Hashable:
        """What the document reads of a side, whatever the action."""
        resource, context = side.resource, side.context
        return (
            tuple([bool(test(resource)) for test in self._plain]),
            tuple([resource_truth(statement, "", self._ref, resource, context) for statement in self._other]),
            tuple([context.get(key) for key in self._keys]),
        )


def _refs(inputs: Inputs) -> tuple[PolicyRef, ...]:
    """Every document of a request, once."""
    listed = [*inputs.identity, *inputs.boundary, *(inputs.session or ()), *inputs.shares, *inputs.vpce]
    listed += [ref for level in (*inputs.scps, *inputs.rcps) for ref in level.policies]
    if inputs.resource is not None:
        listed.append(inputs.resource)
    point = inputs.settings.access_point
    if point is not None and point.policy is not None:
        listed.append(point.policy)
    return tuple({id(ref.document): ref for ref in listed}.values())


def _keys(statements: Iterable[Statement]) -> set[str]:
    """The context keys that statements read, in lower case: their conditions', and those of variables in values."""
    found: set[str] = set()
    for statement in statements:
        for condition in statement.conditions:
            found.add(condition.key)
            found.update(part.key for parts in condition.parts for part in parts if isinstance(part, Variable))
    return found


def _numbered(things: Iterable[Hashable]) -> Numbers:
    """Each thing's number, equal things sharing one."""
    seen: dict[Hashable, int] = {}
    return np.array([seen.setdefault(thing, len(seen)) for thing in things], dtype=np.int64)


def _distinct(keys: Numbers, actions: int, sides: int) -> tuple[Numbers, Numbers]:
    """(the place of one pair with each key, for each pair the number of its key); keys are below `actions * sides`."""
    if actions * sides > 4 * len(keys):  # few of the keys that could be are: sorting is shorter than a table of all
        _, first, numbers = np.unique(keys, return_index=True, return_inverse=True)
        return first, numbers
    place_of = np.full(actions * sides, -1, dtype=np.int64)
    place_of[keys] = np.arange(len(keys))
    there = np.flatnonzero(place_of >= 0)
    number_of = np.zeros(actions * sides, dtype=np.int64)
    number_of[there] = np.arange(len(there))
    return place_of[there], number_of[keys]
