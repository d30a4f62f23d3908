"""What lies behind access points, as ``reach`` and ``who-can`` tell of it: where the names of the buckets give less."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any

import numpy as np

from graph.access_levels import level_bits
from graph.access_points import BEHIND, Door, Kind
from graph.bits import first, split
from graph.classes import ResourceClass
from graph.contents import ContentPatterns
from graph.deciding import Outcome
from graph.names import action_of, resource_of
from graph.open_to_accounts import ANY_ACCOUNT
from graph.questions import Questions
from graph.reaching_apart import MadeClasses, Row
from graph.reaching_ways import Ways
from graph.strangers import any_account
from graph.subjects import Subject
from graph.world import World
from policy.access_points import name_behind
from policy.buckets import access_point_of
from policy.inputs import PolicyRef
from policy.verdicts import Verdict

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: So many principals are named in a sentence.
_SHOWN = 3


class Behind:
    """What is behind one access point, for those who are asked about, as if it were an account of its own."""

    def __init__(self, door: Door, world: World, askers: Sequence[Subject], action: str | None) -> None:
        self.account = door.container.account
        self._door = door
        self._askers = askers
        self._action = action
        self._decide = world.decider.decide
        self._assembler = world.assembler
        self.classes = MadeClasses(self._made())
        self.contents: NDArray[np.bool_] = np.array([one.contents for one in self.classes], dtype=np.bool_)
        self.owners: NDArray[np.int32] = np.array([int(one.contents) for one in self.classes], dtype=np.int32)
        everything = f"{door.point.arn}{BEHIND}*"
        rest = next((place for place, one in enumerate(self.classes) if one.pattern == everything), -1)
        self.rests: NDArray[np.int32] = np.array([rest if one.contents else -1 for one in self.classes], dtype=np.int32)
        self._contents: list[tuple[str, ...]] = []

    def actions_of(self, content: int) -> tuple[str, ...]:
        """The actions of a content."""
        return self._contents[content]

    def _made(self) -> Iterator[ResourceClass]:
        """The access point, and the parts of what lies behind it: first what no pattern mentions."""
        door, point = self._door, self._door.point
        kind, account, region = "s3:accesspoint", self.account, door.container.region
        yield ResourceClass(0, point.arn, point.arn, kind, account, region, (point.arn,), owner=point.arn)
        start = point.arn + BEHIND
        target = self._assembler.place(door.name, "", account).target
        parts = self._patterns().parts(door.container, target, also=start)
        for number, part in enumerate(parts, 1):
            shown = " ∩ ".join([start + glob for glob in part.shown]) or f"{start}*"
            yield ResourceClass(
                number, shown, start + part.text, kind, account, region, (), contents=True, owner=point.arn
            )

    def _patterns(self) -> ContentPatterns:
        found = ContentPatterns(self._assembler.now)
        holders: defaultdict[PolicyRef, list[Subject]] = defaultdict(list)
        for subject in self._askers:
            for ref in self._door.limits(subject):
                holders[ref].append(subject)
        for ref, whose in holders.items():
            found.add_all((ref,), whose)
        found.add_all(self._door.policies, self._askers, everybody=True)
        return found

    def rows(self, ways: Ways) -> Iterator[Row]:
        """What the access point gives by the best ways that the bucket does not give by its own name."""
        for kind, places in ((self._door.whole, [0]), (self._door.objects, range(1, len(self.classes)))):
            given: list[tuple[Subject, int, dict[int, Outcome]]] = []
            more = 0
            # What somebody has everywhere by the best way for certain is not asked of those behind it.
            best = dict.fromkeys(places, 0)
            askers = [(ways.of(one.index, sure=True), one) for one in self._askers]
            for way, subject in sorted(askers, key=lambda item: item[0].rank):
                for actions in self._groups(subject, kind, ~reduce(and_, best.values())):
                    by_place = self._given(subject, kind.actions.actions[first(actions)], places)
                    given.append((subject, actions, by_place))
                    for place, outcome in by_place.items():
                        if way.sure and outcome.verdict is Verdict.ALLOWED:
                            best[place] |= actions
                    if any(self._is_more(subject, kind, actions, *item) for item in by_place.items()):
                        more |= actions
            for subject, actions, by_place in given:
                if actions & more:
                    yield from self._rows(ways, subject, kind.actions.named(actions & more), by_place)

    def _given(self, subject: Subject, action: str, places: Iterable[int]) -> dict[int, Outcome]:
        found = ((place, self._decide(subject, action, self.classes[place].representative)) for place in places)
        return {place: outcome for place, outcome in found if outcome.can}

    def _is_more(self, subject: Subject, kind: Kind, actions: int, place: int, outcome: Outcome) -> bool:
        if self._door.alone:
            return True
        behind = access_point_of(self._assembler.inventory, self.classes[place].representative)
        assert behind is not None
        name = behind[1]
        return outcome.rank < self._decide(subject, kind.actions.actions[first(actions)], name).rank

    def _rows(
        self, ways: Ways, subject: Subject, actions: tuple[str, ...], by_place: Mapping[int, Outcome]
    ) -> Iterator[Row]:
        for sure in (True, False):
            places = [place for place, one in by_place.items() if (one.verdict is Verdict.ALLOWED) is sure]
            if places:
                self._contents.append(actions)
                way = ways.of(subject.index, sure=sure)
                number = len(self._contents) - 1
                yield Row(way, level_bits(actions), number, np.array(places, dtype=np.int32))

    def _groups(self, subject: Subject, kind: Kind, left: int) -> list[int]:
        """Groups of actions that no decision tells apart, of those that are left and that it may give more of."""
        if not left & kind.both:
            return []
        wanted = kind.actions.all if self._door.alone else 0
        for one in (*self._door.opening, *self._door.of(subject)):
            wanted |= kind.actions.about(one)
        wanted &= kind.both & left
        if self._action is not None:
            wanted &= sum(1 << n for n, one in enumerate(kind.actions.actions) if one == self._action)
        found = [(some & wanted, 0) for _, some in kind.actions.ruled(tags=True, acl=True) if some & wanted]
        for ref in (*self._door.policies, *self._door.limits(subject)):
            for statement in ref.document.statements if ref.document is not None else ():
                found = split(found, kind.actions.about(statement))
        return [group for group, _ in found]


def others_through(
    questions: Questions, action: str, resource: str, rows: Sequence[dict[str, Any]]
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Who can do something to a bucket or an object only by the name that it has through an access point, or under
    other conditions: that name, and rows as in ``who-can``, with one for whoever has any AWS account. ``rows`` are
    those of the bucket's own name."""
    known = {row["principal"]: (row["verdict"], row["residual"]) for row in rows}
    by_bucket = any_account(questions, action, resource, rows)
    action, resource = action_of(action), resource_of(questions.world.inventory, resource, action)
    for door in questions.world.access_points.of(resource):
        kind = door.whole if resource == door.name else door.objects
        if action not in kind.actions.named(kind.both):
            continue
        name = name_behind(resource, door.point.arn)
        answer = questions.who_can(action, name)["principals"]
        there = ((row, known.get(row["principal"], ("", None))) for row in answer)
        more = [row for row, was in there if was[0] != "Allowed" and (row["verdict"], row["residual"]) != was]
        anyone = any_account(questions, action, name, answer)
        if anyone is not None and by_bucket not in (Verdict.ALLOWED, anyone):
            more.append({"principal": ANY_ACCOUNT, "verdict": str(anyone), "via": [], "residual": None})
        if more:
            yield name, more


def through_in_words(name: str, rows: Sequence[Mapping[str, Any]], who: Callable[[str], str]) -> str:
    """A sentence about one answer of ``others_through``; ``who`` names a principal."""
    point = name.partition(BEHIND)[0].rpartition("/")[2]
    shown = [one if one == ANY_ACCOUNT else who(one) for one in (row["principal"] for row in rows[:_SHOWN])]
    if len(rows) > _SHOWN:
        shown.append(f"{len(rows) - _SHOWN:,} more")
    sure = all(row["verdict"] == "Allowed" for row in rows)
    how = "can do this too, or under fewer conditions" if sure else "can or may do this too, or under other conditions"
    return f"By the name that access point `{point}` gives it, these {how}: {', '.join(shown)}"
