"""What a change would take away from somebody, and what still reaches it: ``reach`` before and after, compared.

``graph.revoking`` makes the changed inventory, ``graph.whatif_sides`` says who is reached in another way, and
``graph.whatif_rows`` compares. Here stands between them where there is anything to compare: resources on which somebody
whose documents change may do something, and those behind a way that changes. Everything else is equal on both sides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from graph.bits import bits_of, members
from graph.classes import ResourceClass
from graph.partition import outcome_on
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
            for place in {place for _, classes in partition.held_by(holder.index) for place in classes.tolist()}:
                item = partition.classes[place]
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
        places = self._ways.moved_on(partition)
        for place in list(places):
            if partition.classes[place].contents:
                places.update(partition.inside[partition.classes[place].owner])
        alone = self._sides.subject
        if alone.index < 0 and places and partition.account in self._questions.tables.accounts_for(alone):
            live.update(arn for place in places for arn in _containers(partition.classes[place]))
            return
        items = {place: item for place in places if (item := _without(partition.classes[place], live)) is not None}
        held = self._ways.on(partition, set(items))
        rests = {item.owner: held[place] for place, item in items.items() if _rest(item)}
        yield from self._spots(
            [
                (items[place], some, some)
                for place, some in held.items()
                # A part that is held like the rest of the contents has no rows of its own.
                if _rest(items[place]) or not items[place].contents or rests.get(items[place].owner) is not some
            ]
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
            places = [place for place, item in enumerate(partition.classes) if not live.isdisjoint(_containers(item))]
            there = self._ways.holding(partition, places)
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

        def way(side: Side, held: Held, item: ResourceClass) -> list[Way]:
            key = (id(side), held.holder.index, id(held.content))
            if held.content.related:
                return list(_way(side, held, item))
            if key not in ways:
                ways[key] = list(_way(side, held, item))
            return ways[key]

        for item, *both in chosen:
            container = item.owner if item.contents else ""
            spot = Spot(item.pattern, item.representative, item.account, item.members, container)
            alike = (id(both[0]), id(both[1]))
            if alike in same:
                yield replace(same[alike], spot=spot)
                continue
            own = item.representative if any(one.content.related for some in both for one in some) else ""
            key = (own, *(tuple((one.holder.index, id(one.content)) for one in some) for some in both))
            found = known.get(key)
            if found is None:
                before, after = (
                    [found for one in some for found in way(side, one, item)]
                    for side, some in zip((self._sides.before, self._sides.after), both, strict=True)
                )
                found = known[key] = compared(spot, before, after)
            if not own:
                same[alike] = found
            yield replace(found, spot=spot)


def _way(side: Side, held: Held, item: ResourceClass) -> Iterator[Way]:
    """What is held as it stands for one class, with the best way to it; nothing where no way leads to who holds it."""
    outcome = outcome_on(held.content, item)
    found = side.way(held.holder, outcome)
    if found is not None:
        yield replace(found, actions=held.content.actions)


def _rest(item: ResourceClass) -> bool:
    """Whether it is what no narrower pattern tells apart of a container's contents."""
    return item.contents and item.pattern == f"{item.owner}/*"


def _containers(item: ResourceClass) -> tuple[str, ...]:
    """The resources of a class, or the one that it is about the contents of; ``*`` for what has none."""
    return item.members or (item.owner,)


def _without(item: ResourceClass, live: Collection[str]) -> ResourceClass | None:
    """A class without some of its resources."""
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
    for item in partition.classes:
        some = [arn for arn in item.members if arn in known]
        if some:
            yield some
