"""What a change would take away from somebody, and what still reaches it: ``reach`` before and after, compared.

``graph.revoking`` makes the changed inventory, ``graph.whatif_sides`` says who is reached in another way, and
``graph.whatif_rows`` compares. Here stands between them where there is anything to compare: resources on which somebody
whose documents change may do something, and those behind a way that changes. Everything else is equal on both sides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec.structs import replace

from graph.bits import bits_of, members
from graph.classes import ResourceClass
from graph.crossings import Crossed, crossed
from graph.heap import uncollected
from graph.partition import ITSELF, SELF
from graph.questions import Questions
from graph.quotient import classes_of
from graph.revoking import Revocation
from graph.stored import StoredPartition
from graph.subjects import Subject
from graph.whatif_found import Found, Rows, tabled
from graph.whatif_held import Held, Rights
from graph.whatif_items import Items, MadeItems, StoredItems
from graph.whatif_live import Live
from graph.whatif_outdone import Outdone
from graph.whatif_rows import Change, Difference, Spot, Way, compared, kept
from graph.whatif_sides import Sides
from graph.whatif_stored import Stored, StoredWays
from graph.whatif_where import openings
from policy.verdicts import Verdict

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The answer of ``what-if revoke``; rows as in ``reach``."""

    revocation: Revocation
    rows: Rows

    def to_json(self) -> dict[str, Any]:
        """``{lost, still_reachable}``."""
        with uncollected():
            return {"lost": self.rows.lost.to_json(), "still_reachable": self.rows.still.to_json()}


def what_if(questions: Questions, subject: Subject, revocation: Revocation) -> WhatIf:
    """What ``subject`` would lose by the change, and what of it is reached in another way."""
    with uncollected():
        return _what_if(questions, subject, revocation)


def _what_if(questions: Questions, subject: Subject, revocation: Revocation) -> WhatIf:
    sides = Sides(questions, subject, revocation)

    def decide(holder: Subject, action: str, arn: str) -> Verdict:
        return sides.after.world.decider.decide(sides.after_of(holder), action, arn).verdict

    return WhatIf(revocation, tabled(_Spots(questions, sides).found(), decide))


def spots_compared(questions: Questions, subject: Subject, revocation: Revocation) -> Iterator[Change]:
    """The change on every spot where there can be one, by account; of a container's contents every part or none."""
    for found in _Spots(questions, Sides(questions, subject, revocation)).found():
        for item, which in zip(found.items.some(found.places), found.which.tolist(), strict=True):
            container = item.owner if item.contents else ""
            spot = Spot(item.pattern, item.representative, item.account, item.members, container)
            yield Change(spot, found.differences[which])


#: What is held on a spot, before and after.
_Both = tuple[list[Held], list[Held]]


class _Spots:
    """Where something may change, account by account."""

    def __init__(self, questions: Questions, sides: Sides) -> None:
        self._questions = questions
        self._sides = sides
        self._inventory = questions.world.inventory
        self._tells: dict[int, tuple[Rights, bool]] = {}

    def found(self) -> Iterator[Found]:
        """What changes, by account."""
        moved = self._questions.tables.accounts_with_grants_of(self._sides.moved)
        for account in sorted({*self._touched, *self._freed, *moved}):
            live = self._live(account)
            stored = self._questions.tables.of_account(account)
            if stored is not None:
                yield from self._stored(stored, live)
            if live:
                yield from self._decided(account, live, stored)

    # -- where

    def _live(self, account: str) -> set[str]:
        """The containers of an account on which decisions must be made anew: those that somebody has access to whose
        own documents change, those that they may have it to once nothing forbids it, and those whose policy changes."""
        return {*self._touched.get(account, ()), *self._freed.get(account, ())}

    @cached_property
    def _touched(self) -> dict[str, set[str]]:
        """Of each account the containers that somebody has access to whose documents change, or whose policy does."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for holder in self._sides.touched.values():
            gone = self._sides.gone(holder)
            for account, kind, arn in self._where(holder):
                if arn not in found[account] and gone.may_be_about(kind, arn):
                    found[account].add(arn)
        for arn in self._sides.changed:
            found[self._inventory.resources[arn].account].add(arn)
        return {account: containers for account, containers in found.items() if containers}

    @cached_property
    def _freed(self) -> dict[str, set[str]]:
        """Of each account the containers that somebody may have access to once nothing forbids it."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for holder in self._sides.touched.values():
            if self._sides.frees(holder):
                gone = self._sides.gone(holder).only_forbidding()
                for account, arns in openings(self._questions, holder, gone).items():
                    found[account] |= arns
        return {account: containers for account, containers in found.items() if containers}

    def _where(self, holder: Subject) -> Iterator[tuple[str, str, str]]:
        """(account, type, ARN) of the containers that somebody has access to before the change."""
        if holder.index < 0:
            for account, several in self._elsewhere.items():
                yield from ((account, kind, arn) for kind, arn in several)
            if self._questions.tables.of_account(holder.account) is not None:
                _, place, held = self._questions.world.resolver.held(holder, holder.account)
                for unit in (place.units.all[one] for bits in held.values() for one in members(bits)):
                    of = ("*", "*") if unit.container is None else (unit.container.type, unit.container.arn)
                    yield holder.account, *of
            return
        for partition in self._questions.tables.with_grants_of(holder.index):
            places = {place for _, classes in partition.held_by(holder.index) for place in classes.tolist()}
            for item in partition.classes.some(sorted(places)):
                yield from ((partition.account, item.type, arn) for arn in _containers(item))

    @cached_property
    def _elsewhere(self) -> dict[str, list[tuple[str, str]]]:
        """What may let in the principal of the question in accounts of others."""
        return self._questions.lending.elsewhere(self._sides.subject, self._questions.world)

    @cached_property
    def _ways(self) -> StoredWays:
        return StoredWays(self._sides, len(self._questions.world.subjects.all))

    # -- what is stored

    def _stored(self, partition: StoredPartition, live: set[str]) -> Iterator[Found]:
        """The spots behind ways that change, but for containers that are decided anew; adds to these what is stored
        of nobody: what a principal that no build lists may have access to."""
        wanted = self._ways.moved_on(partition)
        # Of a container's contents every part or none.
        parts = np.unique(partition.owners[wanted & partition.contents])
        wanted |= partition.contents & np.isin(partition.owners, parts)
        if not wanted.any():
            return
        alone = self._sides.subject
        if alone.index < 0 and (partition.account == alone.account or partition.account in self._elsewhere):
            live.update(
                arn for item in partition.classes.some(np.flatnonzero(wanted).tolist()) for arn in _containers(item)
            )
            return
        stored = self._ways.on(partition, wanted)
        places, which = stored.places, stored.which
        both = [(held, held) for held in stored.lists]
        lists_of = np.full(partition.count, -1, dtype=np.int32)
        lists_of[places] = which
        # Where all parts of some contents are held like the rest of them, that is told of the rest alone.
        rests, owners, inside = partition.rests[places], partition.owners[places], partition.contents[places]
        odd = inside & ((rests < 0) | (which != lists_of[rests]))
        apart = inside & np.isin(owners, owners[odd])
        chosen = ~inside | (rests == places) | apart
        cut = np.isin(places, list(partition.about(live))) if live else np.zeros(len(places), dtype=np.bool_)
        counting = Outdone(self._sides, stored.listed).left
        crossing = [*crossed(stored.rows, places[apart & ~cut], owners[apart & ~cut], partition.classes.some, counting)]
        if crossing:
            yield self._crossed(partition, crossing, lists_of, stored)
        whole = chosen & ~cut & ~np.isin(places, [place for one in crossing for place in one.parts])
        yield self._spots(StoredItems(self._questions.tables, partition.account), places[whole], which[whole], both)
        if cut.any():
            items = zip(partition.classes.some(places[chosen & cut]), which[chosen & cut].tolist(), strict=True)
            left = [(item, one) for before, one in items if (item := _without(before, live)) is not None]
            made = MadeItems(partition.account, [item for item, _ in left])
            yield self._spots(made, np.arange(len(left)), np.array([one for _, one in left], dtype=np.int32), both)

    def _crossed(
        self, partition: StoredPartition, several: Sequence[Crossed], lists_of: NDArray[np.int32], stored: Stored
    ) -> Found:
        """The spots in the containers where what several hold crosses."""
        parts = [place for one in several for place in one.parts]
        more = [(item, tuple(rows)) for one in several for item, rows in one.more]
        alike = {rows: number for number, rows in enumerate(dict.fromkeys(rows for _, rows in more))}
        lists = [*stored.lists, *map(stored.listed, alike)]
        which = [*lists_of[parts].tolist(), *(len(stored.lists) + alike[rows] for _, rows in more)]
        made = MadeItems(partition.account, [*partition.classes.some(parts), *(item for item, _ in more)])
        places, both = np.arange(len(which), dtype=np.int32), [(held, held) for held in lists]
        return self._spots(made, places, np.array(which, dtype=np.int32), both)

    # -- what is decided anew

    def _decided(self, account: str, live: set[str], partition: StoredPartition | None) -> Iterator[Found]:
        """The spots in some containers, decided for everybody whom the principal can act as and who may have access."""
        sides = self._sides
        holders = [*self._asking(live, partition)]
        place = Live(sides, account, live, holders)
        before, after = [], []
        for holder in holders:
            was, now = place.held(holder)
            before += [(Held(holder, rights), units) for rights, units in was]
            after += [(Held(holder, rights), units) for rights, units in now]
        units = place.units
        number = {unit.arn: at for at, unit in enumerate(units.all)}
        told = [] if partition is None else [bits_of(number[arn] for arn in some) for some in _apart(partition, number)]
        sets = dict.fromkeys((*told, *(bits for _, bits in (*before, *after))))
        classes, _ = classes_of(units, account, sets)
        here = [item for item in classes if 1 << number[item.representative] & place.within]
        both: dict[tuple[tuple[int, ...], tuple[int, ...]], int] = {}
        which = []
        for item in here:
            bit = 1 << number[item.representative]
            one, other = (tuple([n for n, (_, bits) in enumerate(some) if bits & bit]) for some in (before, after))
            which.append(both.setdefault((one, other), len(both)))
        rows = [[*one, *(len(before) + n for n in other)] for one, other in both]
        who = [held.holder.index for held, _ in (*before, *after)]
        for part, held in [*_crossing(here, [rows[one] for one in which], who)]:
            key = (tuple(n for n in held if n < len(before)), tuple(n - len(before) for n in held if n >= len(before)))
            here.append(part)
            which.append(both.setdefault(key, len(both)))
        lists = [([before[n][0] for n in one], [after[n][0] for n in other]) for one, other in both]
        places = np.arange(len(here), dtype=np.int32)
        yield self._spots(MadeItems(account, here), places, np.array(which, dtype=np.int32), lists)

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

    def _spots(self, items: Items, places: NDArray[Any], which: NDArray[np.int32], both: Sequence[_Both]) -> Found:
        """The change on each of these classes; ``which`` of ``both`` each has. Alike ones are compared once."""
        ways: dict[tuple[int, int, int], Way | None] = {}
        known: dict[tuple[tuple[tuple[int, int], ...], ...], int] = {}
        found: list[Difference] = []
        number = np.full(len(both), -1, dtype=np.int32)
        singly = np.zeros((2, len(both)), dtype=np.bool_)
        for one in np.unique(which).tolist():
            key = tuple(tuple([(held.holder.index, id(held.rights)) for held in some]) for some in both[one])
            if key not in known:
                known[key] = len(found)
                found.append(self._compared(both[one], ways))
            number[one] = known[key]
            related = [held.rights for held in chain(*both[one]) if held.rights.related]
            singly[0, one] = bool(related)
            singly[1, one] = found[number[one]].hangs and any(map(self._names_itself, related))
        differences = number[which]
        own = singly[1][which]
        if self._speaks and singly[0].any():
            some = np.flatnonzero(singly[0][which])
            _, firsts, owners = np.unique(items.owners(places[some]), return_index=True, return_inverse=True)
            spoken = [owner in self._speaks for owner in items.text("owner", places[some[firsts]])]
            own[some] |= np.array(spoken, dtype=np.bool_)[owners]
        alone = np.flatnonzero(own)
        for at, item in zip(alone.tolist(), items.some(places[alone]), strict=True):
            differences[at] = len(found)
            found.append(self._compared(both[which[at]], {}, item))
        return Found(items, places, differences, found)

    def _compared(
        self, both: _Both, ways: dict[tuple[int, int, int], Way | None], item: ResourceClass | None = None
    ) -> Difference:
        """One spot, for one class where that is told."""
        sides = (self._sides.before, self._sides.after)

        def of(which: int, several: Iterable[Held]) -> Iterator[Way]:
            for held in several:
                key = (which, held.holder.index, id(held.rights))
                if key not in ways:
                    rights = held.rights if item is None else held.rights.on(item)
                    ways[key] = sides[which].way(held.holder, rights)
                found = ways[key]
                if found is not None:
                    yield found

        if both[0] is both[1] and self._sides.rerouted.isdisjoint(held.holder.index for held in both[0]):
            return kept(of(0, both[0]))
        return compared(of(0, both[0]), of(1, both[1]))

    @cached_property
    def _speaks(self) -> frozenset[str]:
        """The resources of which a way, or the change, speaks by name: there the conditions of what is held are
        compared for each resource by its name.

        All ways on one resource speak of it as ``ITSELF`` alike. That is as good as its name where nothing but the
        names of documents hang on it, and no other way knows them.
        """
        changed = (id.partition("#")[0] for id in (*self._sides.changed, *self._sides.revocation.ids))
        return self._sides.before.spoken | self._sides.after.spoken | frozenset(changed)

    def _names_itself(self, rights: Rights) -> bool:
        """Whether the conditions say more of the resource than the names of its documents."""
        found = self._tells.get(id(rights))
        if found is None:
            # With the rights, so that no others get their id.
            found = self._tells[id(rights)] = (rights, _tells_itself(rights.outcome.residual))
        return found[1]


def _tells_itself(value: Any) -> bool:
    """Whether plain data speaks of the resource in another way than by the name of a document."""
    if isinstance(value, dict):
        return any(_tells_itself(item) for name, item in value.items() if name not in ("policy", "document"))
    if isinstance(value, list):
        return any(map(_tells_itself, value))
    return isinstance(value, str) and (ITSELF in value or SELF in value)


def _crossing(
    items: list[ResourceClass], rows: Sequence[Sequence[int]], who: Sequence[int]
) -> Iterator[tuple[ResourceClass, list[int]]]:
    """Parts of contents that are none of these classes, where what several hold crosses, with the rows that hold there;
    ``rows`` are those of each class, ``who`` holds each row."""
    inside = [place for place, item in enumerate(items) if item.contents]
    places: defaultdict[int, list[int]] = defaultdict(list)
    for place in inside:
        for row in rows[place]:
            places[row].append(place)
    held = [(one, np.array(places[row], dtype=np.int32)) for row, one in enumerate(who)]
    known: dict[str, int] = {}
    owners = [known.setdefault(items[place].owner, len(known)) for place in inside]
    for one in crossed(
        held, np.array(inside, dtype=np.int32), np.array(owners, dtype=np.int32), lambda some: [items[n] for n in some]
    ):
        yield from one.more


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
