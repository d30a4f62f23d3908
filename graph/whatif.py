"""What a change would take away from somebody, and what still reaches it: ``reach`` before and after, compared.

``graph.revoking`` makes the changed inventory, ``graph.whatif_sides`` says who is reached in another way, and
``graph.whatif_rows`` compares. Here stands between them where there is anything to compare: resources on which somebody
whose documents change may do something, and those behind a way that changes. Everything else is equal on both sides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np

from graph.bits import bits_of, members
from graph.classes import ResourceClass
from graph.partition import ITSELF, outcome_on
from graph.questions import Questions
from graph.quotient import classes_of
from graph.revoking import Revocation
from graph.stored import StoredPartition
from graph.subjects import Subject
from graph.whatif_live import Live
from graph.whatif_rows import Change, Rows, Spot, Way, compared, rows_of
from graph.whatif_sides import Side, Sides
from graph.whatif_stored import Held, StoredWays
from graph.whatif_where import open_to
from policy.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The answer of ``what-if revoke``; rows as in ``reach``."""

    revocation: Revocation
    rows: Rows

    def to_json(self) -> dict[str, Any]:
        """``{lost, still_reachable}``."""
        return {
            "lost": [row.to_json() for row in self.rows.lost],
            "still_reachable": [row.to_json() for row in self.rows.still],
        }


def what_if(questions: Questions, subject: Subject, revocation: Revocation) -> WhatIf:
    """What ``subject`` would lose by the change, and what of it is reached in another way."""
    sides = Sides(questions, subject, revocation)
    changes = list(_Spots(questions, sides).compared())

    def decide(holder: Subject, action: str, arn: str) -> Verdict:
        return sides.after.world.decider.decide(sides.after_of(holder), action, arn).verdict

    return WhatIf(revocation, rows_of(changes, decide))


def spots_compared(questions: Questions, subject: Subject, revocation: Revocation) -> Iterator[Change]:
    """The change on every spot where there can be one, by account; of a container's contents every part or none."""
    return _Spots(questions, Sides(questions, subject, revocation)).compared()


#: By what a way is made: equal keys on two spots make equal ways.
_Key = tuple[Hashable, ...]


class _Spots:
    """Where something may change, account by account."""

    def __init__(self, questions: Questions, sides: Sides) -> None:
        self._questions = questions
        self._sides = sides
        self._inventory = questions.world.inventory
        self._names_itself: dict[int, tuple[Any, bool]] = {}

    def compared(self) -> Iterator[Change]:
        """The change on each spot."""
        accounts = {*self._live, *(account for index in self._sides.moved for account in self._accounts_of(index))}
        for account in sorted(accounts):
            live = set(self._live.get(account, ()))
            stored = self._questions.tables.of_account(account)
            if stored is not None:
                yield from self._stored(stored, live)
            if live:
                yield from self._decided(account, live, stored)

    # -- where

    @cached_property
    def _live(self) -> dict[str, set[str]]:
        """The containers of each account on which decisions must be made anew: those that somebody has access to
        whose own documents change, and the one whose policy changes."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        shared = self._questions.world.resolver.shared
        for holder in self._sides.touched.values():
            gone = self._sides.gone(holder)
            for account, kind, arn in self._where(holder):
                if arn not in found[account] and gone.may_be_about(kind, arn):
                    found[account].add(arn)
            if self._sides.frees(holder):
                gone = gone.only_forbidding()
                for account in self._questions.tables.accounts_for(holder):
                    there = open_to(self._inventory, shared, holder, account)
                    found[account].update(arn for kind, arn in there if gone.may_be_about(kind, arn))
        for arn in self._sides.changed:
            found[self._inventory.resources[arn].account].add(arn)
        return {account: containers for account, containers in found.items() if containers}

    def _where(self, holder: Subject) -> Iterator[tuple[str, str, str]]:
        """(account, type, ARN) of the containers that somebody has access to before the change."""
        if holder.index < 0:
            for account in self._questions.tables.accounts_for(holder):
                _, place, held = self._questions.world.resolver.held(holder, account)
                for unit in (place.units.all[one] for bits in held.values() for one in members(bits)):
                    yield (
                        account,
                        *(("*", "*") if unit.container is None else (unit.container.type, unit.container.arn)),
                    )
            return
        for partition in self._questions.tables.with_grants_of(holder.index):
            places = {place for _, classes in partition.held_by(holder.index) for place in classes.tolist()}
            for item in partition.classes.some(sorted(places)):
                yield from ((partition.account, item.type, arn) for arn in _containers(item))

    def _accounts_of(self, index: int) -> list[str]:
        return [partition.account for partition in self._questions.tables.with_grants_of(index)]

    @cached_property
    def _ways(self) -> StoredWays:
        return StoredWays(self._sides, len(self._questions.world.subjects.all))

    # -- what is stored

    def _stored(self, partition: StoredPartition, live: set[str]) -> Iterator[Change]:
        """The spots behind ways that change, but for containers that are decided anew; adds to these what is stored
        of nobody: what a principal that no build lists may have access to."""
        wanted = self._ways.moved_on(partition)
        # Of a container's contents every part or none.
        parts = np.unique(partition.owners[wanted & partition.contents])
        wanted |= partition.contents & np.isin(partition.owners, parts)
        places = np.flatnonzero(wanted).tolist()
        alone = self._sides.subject
        if alone.index < 0 and places and partition.account in self._questions.tables.accounts_for(alone):
            live.update(arn for item in partition.classes.some(places) for arn in _containers(item))
            return
        held = self._ways.on(partition, wanted)
        # A part that is held like the rest of the contents has no rows of its own.
        rests = dict(zip(places, partition.rests[places].tolist(), strict=True))
        chosen = [place for place in places if rests[place] in (-1, place) or held[place] is not held[rests[place]]]
        items = zip(chosen, partition.classes.some(chosen), strict=True)
        yield from self._spots(
            [(left, held[place], held[place]) for place, item in items if (left := _without(item, live)) is not None]
        )

    # -- what is decided anew

    def _decided(self, account: str, live: set[str], partition: StoredPartition | None) -> Iterator[Change]:
        """The spots in some containers, decided for everybody whom the principal can act as and who may have access."""
        sides = self._sides
        holders = [*self._asking(live, partition)]
        place = Live(sides, account, live, holders)
        before, after = [], []
        for holder in holders:
            was, now = place.held(holder)
            before += [(Held(holder, content), units) for content, units in was]
            after += [(Held(holder, content), units) for content, units in now]
        units = place.units
        number = {unit.arn: at for at, unit in enumerate(units.all)}
        told = [] if partition is None else [bits_of(number[arn] for arn in some) for some in _apart(partition, number)]
        sets = dict.fromkeys((*told, *(bits for _, bits in (*before, *after))))
        classes, _ = classes_of(units, account, sets)
        chosen = []
        for item in classes:
            bit = 1 << number[item.representative]
            if not bit & place.within:
                continue
            ways = [[one for one, bits in some if bits & bit] for some in (before, after)]
            chosen.append((item, ways[0], ways[1]))
        yield from self._spots(chosen)

    def _asking(self, live: set[str], partition: StoredPartition | None) -> Iterator[Subject]:
        """Who may have access to these containers, before or after."""
        sides = self._sides
        there: set[int] = set()
        if partition is not None:
            there = self._ways.holding(partition, partition.about(live))
        # A policy without a statement can be one that lets in others: a bucket's that is not public any more (L6).
        everybody = not live.isdisjoint(sides.changed)
        for index, holder in sides.holders.items():
            asks = holder.kind in ("User", "Role", "RootUser", "Anonymous")
            if index < 0 or index in there or index in sides.touched or (everybody and asks):
                yield holder

    # -- spots

    def _spots(self, chosen: Sequence[tuple[ResourceClass, list[Held], list[Held]]]) -> Iterator[Change]:
        """The change on each of these, with what is held there before and after; alike ones are compared once."""
        known: dict[_Key, Change] = {}
        #: By the lists themselves, which many spots share.
        same: dict[_Key, Change] = {}
        ways: dict[_Key, list[Way]] = {}

        def way(side: Side, held: Held) -> list[Way]:
            key = (id(side), held.holder.index, id(held.content))
            if key not in ways:
                ways[key] = list(_way(side, held, None))
            return ways[key]

        for item, *both in chosen:
            container = item.owner if item.contents else ""
            spot = Spot(item.pattern, item.representative, item.account, item.members, container)
            alike = (id(both[0]), id(both[1]), item.type.startswith("iam:"))
            if alike in same:
                yield same[alike].at(spot)
                continue
            key = tuple(tuple((one.holder.index, id(one.content)) for one in some) for some in both)
            found = known.get(key)
            if found is None:
                found = known[key] = self._compared(spot, both, way)
            own = (found.hangs or self._sides.changed) and any(self._own(one, item) for one in chain(*both))
            if own:
                found = self._compared(spot, both, lambda side, one, item=item: [*_way(side, one, item)])  # type: ignore[misc]
            else:
                same[alike] = found
            yield found.at(spot)

    def _compared(self, spot: Spot, both: Sequence[list[Held]], way: Callable[[Side, Held], list[Way]]) -> Change:
        sides = (self._sides.before, self._sides.after)
        before, after = (
            [found for one in some for found in way(side, one)] for side, some in zip(sides, both, strict=True)
        )
        return compared(spot, before, after)

    def _own(self, held: Held, item: ResourceClass) -> bool:
        """Whether conditions of what is held must be compared for each resource by its name.

        All ways on one resource speak of it as ``ITSELF`` alike. That is as good as its name where nothing but the
        names of documents hang on it, no other way knows them (those of steps know what is IAM's), and none changes.
        """
        content = held.content
        if not content.related:
            return False
        if self._sides.changed or item.type.startswith("iam:"):
            return True
        found = self._names_itself.get(id(content.outcome.residual))
        if found is None:
            # With the residual, so that no other one gets its id.
            found = (content.outcome.residual, _tells_itself(content.outcome.residual))
            self._names_itself[id(content.outcome.residual)] = found
        return found[1]


def _tells_itself(value: Any) -> bool:
    """Whether plain data speaks of the resource in another way than by the name of a document."""
    if isinstance(value, dict):
        return any(_tells_itself(item) for name, item in value.items() if name not in ("policy", "document"))
    if isinstance(value, list):
        return any(map(_tells_itself, value))
    return isinstance(value, str) and ITSELF in value


def _way(side: Side, held: Held, item: ResourceClass | None) -> Iterator[Way]:
    """What is held, as it stands for one class where that is told, with the best way to it; nothing where no way leads
    to who holds it."""
    outcome = held.content.outcome if item is None else outcome_on(held.content, item)
    found = side.way(held.holder, outcome)
    if found is not None:
        yield replace(found, actions=held.content.actions)


def _containers(item: ResourceClass) -> tuple[str, ...]:
    """The resources of a class, or the one that it is about the contents of; ``*`` for what has none."""
    return item.members or (item.owner,)


def _without(item: ResourceClass, live: Collection[str]) -> ResourceClass | None:
    """A class without some of its resources."""
    if not live:
        return item
    if not item.members:
        return None if item.owner in live else item
    left = tuple(arn for arn in item.members if arn not in live)
    if len(left) == len(item.members):
        return item
    if not left:
        return None
    pattern = left[0] if len(left) == 1 else item.pattern
    return replace(item, pattern=pattern, representative=left[0], owner=left[0], members=left)


def _apart(partition: StoredPartition, known: Collection[str]) -> Iterator[list[str]]:
    """The resources of each stored class that are known here: rows are told by class, as in ``reach``."""
    yield from filter(None, partition.about(known).values())
