"""What a principal reaches: its own grants and those of every role it can become, merged to one row a class."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from graph.access_levels import LEVELS, level_bits
from graph.account_units import AccountUnits
from graph.behind_points import Behind
from graph.bits import members
from graph.carriers import Carried, carried
from graph.classes import ResourceClass
from graph.heap import uncollected
from graph.names import acting_subject, action_of
from graph.questions import Questions, gap_json
from graph.quotient import classes_of
from graph.reaching_apart import Account, Apart, Given, MadeClasses, Row, Told, by_way
from graph.reaching_ways import NONE, Way, Ways
from graph.resolver import AccountResolver, Held
from graph.some_units import SomeUnits
from graph.stored import StoredPartition
from graph.subjects import Subject
from model.errors import GrantmapError
from policy.verdicts import Verdict

if TYPE_CHECKING:
    from numpy.typing import NDArray


class BadLevelError(GrantmapError):
    """A level that does not exist."""


@dataclass(frozen=True, slots=True)
class Reached:
    """A class with the levels that one verdict and one way give."""

    resource_class: ResourceClass
    levels: tuple[str, ...]
    verdict: Verdict
    via: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "resource": self.resource_class.pattern,
            "count": len(self.resource_class.members),
            "levels": list(self.levels),
            "verdict": str(self.verdict),
            "via": list(self.via),
        }


class _Live:
    """What a subject that no build lists holds in one account, decided now, and what others hold there: ``held`` by
    each, as units of ``place`` and contents of ``resolver``.

    It may tell resources apart that nobody else does, so that the classes of the build are not fine enough for it.
    """

    def __init__(
        self, account: str, place: AccountUnits, resolver: AccountResolver, held: Mapping[Subject, Held]
    ) -> None:
        self.account = account
        sets = dict.fromkeys(units for mine in held.values() for units in mine.values())
        classes, number = classes_of(place.units, account, sets)
        self.classes = MadeClasses(classes)
        rest = {one.owner: at for at, one in enumerate(classes) if one.contents and one.pattern == f"{one.owner}/*"}
        places = [rest.get(one.owner, -1) if one.contents else -1 for one in classes]
        self.rests: NDArray[np.int32] = np.array(places, dtype=np.int32)
        self.contents: NDArray[np.bool_] = np.array([one.contents for one in classes], dtype=np.bool_)
        known = {owner: number for number, owner in enumerate(dict.fromkeys(one.owner for one in classes))}
        self.owners: NDArray[np.int32] = np.array([known[one.owner] for one in classes], dtype=np.int32)
        numbers = {bits: np.array(members(place.ground.classes_in(bits, number)), dtype=np.int32) for bits in sets}
        self._contents = resolver.contents
        self._held = {one: [(content, numbers[units]) for content, units in mine.items()] for one, mine in held.items()}

    def rows(self, ways: Ways, action: str | None) -> Iterator[Row]:
        """What is held, by the best way."""
        for one, mine in self._held.items():
            for content, classes in mine:
                actions = self.actions_of(content)
                if action is None or action in actions:
                    way = ways.of(one.index, sure=self._contents[content].outcome.verdict is Verdict.ALLOWED)
                    yield Row(way, level_bits(actions if action is None else (action,)), content, classes)

    def actions_of(self, content: int) -> tuple[str, ...]:
        return self._contents[content].actions


@uncollected()
def reach(
    questions: Questions, principal: str, *, level: str | None = None, action: str | None = None
) -> Sequence[Reached]:
    """Everything ``principal`` reaches, one row per (class, verdict, via): by account, and by ARN in each.

    ``level`` (``Read`` means both kinds) and ``action`` narrow it. Parts of a container are shown where the answer for
    them differs from the rest of its contents, also where it is a denial: a wildcard must not hide the exception
    (semantics U5). Somebody can reach a million resources: accounts are looked at when their rows are asked for.
    Raises the errors of ``graph.names`` and ``BadLevelError``.
    """
    wanted = _wanted_levels(level)
    chosen = action_of(action) if action is not None else None
    subject = acting_subject(questions.world, principal)
    return _Reach(questions, subject, wanted, chosen)


def _in_all(questions: Questions, subject: Subject, account: str, others: Iterable[Subject]) -> _Live:
    """In the whole of an account, with the others."""
    resolver, place, own = questions.world.resolver.held(subject, account)
    held = {subject: own}
    held.update((one, resolver.held(resolver.asker(one, place.ground, place.units.everything))) for one in others)
    return _Live(account, place, resolver, held)


def _let_in(questions: Questions, subject: Subject, account: str, containers: Collection[str]) -> _Live:
    """In an account where none of the others holds anything, and these containers may let in the subject."""
    world = questions.world
    place = SomeUnits(world.resolver.shared, world, account, containers, (subject,))
    asker = place.resolver.asker(subject, place.ground, place.units.everything)
    return _Live(account, place, place.resolver, {subject: place.resolver.held(asker)})


class _Reach(Sequence[Reached]):
    """One answer, worked out account by account as it is read."""

    def __init__(
        self, questions: Questions, subject: Subject, wanted: frozenset[str] | None, action: str | None
    ) -> None:
        self._questions = questions
        self._wanted = sum(1 << n for n, level in enumerate(LEVELS) if wanted is None or level in wanted)
        self._action = action
        self._ways = ways = Ways(questions, subject)
        tables = questions.tables
        # A resource has nothing but what the role that it carries has.
        unlisted = subject.index < 0 and subject.caller is not None
        self.carried = carried(questions.world.inventory, questions.world.decider, subject.key)
        self._numbers = ways.by_subject(len(questions.world.subjects.all))
        listed = [one.index for one in ways.holders if one.index >= 0]
        self._stored_in = frozenset(tables.accounts_with_grants_of(listed))
        #: Where the subject itself is decided about: in its own account, and on what lets it in elsewhere.
        self._there = questions.lending.elsewhere(subject, questions.world) if unlisted else {}
        if unlisted and tables.of_account(subject.account) is not None:
            self._there[subject.account] = []
        self._subject = subject
        self._live: dict[str, _Live] = {}
        self._accounts = sorted({*self._there, *self._stored_in})
        self._known: dict[str, _Told] = {}

    def __len__(self) -> int:
        return sum(len(self._of(account)) for account in self._places())

    def __iter__(self) -> Iterator[Reached]:
        for account in self._places():
            yield from self._shown(account)

    def __bool__(self) -> bool:
        return any(map(self._of, self._places()))

    def _places(self) -> Iterator[str]:
        """Where something may be reached: accounts, and by their ARNs access points, which are looked at after all."""
        yield from self._accounts
        yield from self._behind

    @cached_property
    def _behind(self) -> dict[str, Behind]:
        """What may be reached by the names of access points alone."""
        world = self._questions.world
        serving = world.access_points.serving(self._ways.holders)
        return {door.point.arn: Behind(door, world, served, self._action) for door, served in serving}

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    @overload
    def __getitem__(self, place: int) -> Reached: ...
    @overload
    def __getitem__(self, place: slice) -> list[Reached]: ...
    @uncollected()
    def __getitem__(self, place: int | slice) -> Reached | list[Reached]:
        if isinstance(place, slice):
            if (place.start or 0) < 0 or place.stop is None or place.stop < 0 or (place.step or 1) < 0:
                return list(self)[place]
            return list(islice(self, place.start, place.stop, place.step))
        if place < 0:
            place += len(self)
        found = next(islice(self, place, None), None) if place >= 0 else None
        if found is None:
            raise IndexError(place)
        return found

    def _where(self, account: str) -> Account:
        if account not in self._there and account not in self._stored_in:
            return self._behind[account]
        if account not in self._there:
            found = self._questions.tables.of_account(account)
            assert found is not None
            return found
        if account not in self._live:
            self._live[account] = self._decided(account)
        return self._live[account]

    def _decided(self, account: str) -> _Live:
        if account == self._subject.account or account in self._stored_in:
            return _in_all(self._questions, self._subject, account, self._ways.holders[1:])
        containers = {arn for _, arn in self._there[account]}
        return _let_in(self._questions, self._subject, account, containers)

    def _shown(self, account: str) -> Iterator[Reached]:
        """The rows of one account, by ARN."""
        told = self._of(account)
        items = dict(zip(told.places.tolist(), self._where(account).classes.some(told.places.tolist()), strict=True))
        rows = (_row(items[place], given) for place, given in told.rows())
        entries: list[tuple[tuple[str, str], Reached | int]] = [(_order(row), row) for row in rows]
        if told.apart is not None:
            # A container is looked at where it begins.
            entries += [((begin, ""), number) for begin, number in told.apart.containers]
        begun: deque[Reached] = deque()
        for key, entry in sorted(entries, key=itemgetter(0)):
            while begun and _order(begun[0]) <= key:
                yield begun.popleft()
            if isinstance(entry, Reached):
                yield entry
            else:
                assert told.apart is not None
                parts = (_row(item, given) for item, given in told.apart.told(entry))
                begun = deque(sorted([*begun, *parts], key=_order))
        yield from begun

    @uncollected()
    def _of(self, account: str) -> _Told:
        found = self._known.get(account)
        if found is None:
            found = self._known[account] = self._told(self._where(account))
        return found

    def _rows(self, where: Account) -> list[Row]:
        """What is held in an account by the best way, the best ways first."""
        if isinstance(where, _Live):
            found = where.rows(self._ways, self._action)
        elif isinstance(where, Behind):
            found = where.rows(self._ways)
        else:
            assert isinstance(where, StoredPartition)
            found = self._stored(where)
        rows = [row._replace(levels=row.levels & self._wanted) for row in found if row.levels & self._wanted]
        return sorted(rows, key=lambda row: row.way.rank)

    def _stored(self, partition: StoredPartition) -> Iterator[Row]:
        holders, contents, chosen = partition.grants
        best = np.stack([partition.holders.least(numbers, NONE) for numbers in self._numbers])
        sure = partition.allowed[contents]
        # What is Allowed is held by the best way of certain steps, if there is one, before any other.
        ways = np.where(sure & (best[0][holders] < NONE), best[0][holders], best[1][holders])
        may = ways < NONE
        if self._action is not None:
            may &= partition.contents_with(self._action)[contents]
            levels = np.full(len(contents), level_bits((self._action,)), dtype=np.int32)
        else:
            levels = partition.levels[contents].astype(np.int32)
        for row in np.flatnonzero(may & (levels & self._wanted != 0)).tolist():
            classes = partition.sets[int(chosen[row])]
            yield Row(self._ways.all[int(ways[row])], int(levels[row]), int(contents[row]), classes)

    def _told(self, where: Account) -> _Told:
        rows = self._rows(where)
        # By level and class the rank of the best way.
        best = np.full((len(LEVELS), len(where.classes)), NONE, dtype=np.int32)
        how: dict[int, Way] = {}
        for row in reversed(rows):
            how[row.way.rank] = row.way
            for level in range(len(LEVELS)):
                if row.levels >> level & 1:
                    best[level, row.classes] = row.way.rank
        some: NDArray[np.bool_] = np.any(best < NONE, axis=0)
        rests, contents = where.rests, where.contents
        # Contents of which all is told by one row, and those of which parts are to be told apart; so it is where no
        # part is what no pattern mentions.
        odd = contents & np.where(rests >= 0, np.any(best != best[:, rests], axis=0), some)
        apart = contents & np.isin(where.owners, np.unique(where.owners[odd]))
        single = ~contents | (rests == np.arange(len(rests), dtype=np.int32))
        whole = np.flatnonzero(some & single & ~apart).astype(np.int32)
        combinations, which = np.unique(best[:, whole], axis=1, return_inverse=True)
        ways = [by_way(combinations[:, one].tolist(), how) for one in range(combinations.shape[1])]
        parts = None
        if odd.any():
            places = np.flatnonzero(apart).astype(np.int32)
            parts = Apart(where, rows, self._questions.world.decider, self._action, places, best)
        return _Told(whole, which.reshape(-1).astype(np.int32), ways, parts)


@dataclass(frozen=True, slots=True)
class _Told:
    """The rows about one account: classes by number, which of ``ways`` each has, and the containers of whose contents
    parts are told of."""

    places: NDArray[np.int32]
    which: NDArray[np.int32]
    ways: list[list[Given]]
    apart: Apart | None

    def __len__(self) -> int:
        counts = np.bincount(self.which, minlength=len(self.ways)).tolist()
        whole = sum(int(count) * len(some) for count, some in zip(counts, self.ways, strict=True))
        return whole + sum(map(len, self._parts()))

    def __bool__(self) -> bool:
        return bool(len(self.places)) or any(self._parts())

    def _parts(self) -> Iterator[list[Told]]:
        """What is told of each container, in the order of rows."""
        if self.apart is not None:
            yield from (self.apart.told(number) for _, number in self.apart.containers)

    def rows(self) -> Iterator[tuple[int, Given]]:
        """The number of a class with what is given there."""
        for place, one in zip(self.places.tolist(), self.which.tolist(), strict=True):
            for given in self.ways[one]:
                yield place, given


def _row(item: ResourceClass, given: Given) -> Reached:
    return Reached(item, given.levels, given.verdict, given.chain.via)


def _order(row: Reached) -> tuple[str, str]:
    return row.resource_class.pattern, row.resource_class.representative


def reach_json(questions: Questions, rows: Sequence[Reached], limit: int | None) -> dict[str, Any]:
    """The answer in the contract's shape, one row a class; of a resource also which role it carries."""
    shown = rows if limit is None else rows[:limit]
    carries = carried_by(rows)
    more = {} if carries is None else {"carried": carries.to_json()}
    return {"resources": [row.to_json() for row in shown], "unknown": unknown(questions), **more}


def carried_by(rows: Sequence[Reached]) -> Carried | None:
    """The role of the resource that an answer is about; ``None`` for everybody else."""
    return rows.carried if isinstance(rows, _Reach) else None


def expanded(rows: Sequence[Reached], limit: int | None) -> Iterator[dict[str, Any]]:
    """One row a resource that is reached: contents stay patterns, ARNs nobody collected are left out."""
    count = 0
    for row in rows:
        item = row.resource_class
        if row.verdict not in (Verdict.ALLOWED, Verdict.CONDITIONAL):
            continue
        for arn in item.members or (() if item.open else (item.pattern,)):
            if limit is not None and count >= limit:
                return
            count += 1
            yield {**row.to_json(), "resource": arn, "count": 1}


def unknown(questions: Questions) -> list[dict[str, str]]:
    """Gaps that could change what somebody reaches."""
    return [gap_json(gap) for gap in questions.deciding_gaps]


def _wanted_levels(level: str | None) -> frozenset[str] | None:
    if level is None:
        return None
    names = {name.lower(): frozenset({name}) for name in LEVELS}
    names["read"] = frozenset({"Read:metadata", "Read:data"})
    if level.lower() not in names:
        raise BadLevelError(f"unknown level `{level}`: one of {', '.join((*LEVELS, 'Read'))}")
    return names[level.lower()]
