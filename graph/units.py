"""What requests in one account are decided about: its resources, the parts of their contents, and ``*``.

Units are numbered in the order of their ARNs, so that a pattern's literal beginning is an interval of them, and sets of
units are whole numbers (``graph.bits``). What a document says of units is worked out once a document, whoever holds it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TypeVar

from graph.action_lists import ActionList
from graph.bits import bits_of
from model.entities import Resource
from policy.context_values import ABSENT, ContextValue, Unknown
from policy.document import Document, Statement
from policy.patterns import Parts, Variable, Wild, brief_matcher, matcher, resource_parts

Key = TypeVar("Key")

#: A shorter word is in nearly every ARN.
_WORTH_SEARCHING = 3

#: A pattern that is asked about so many ARNs is compiled.
_WORTH_COMPILING = 128


@dataclass(slots=True, eq=False)
class Unit:
    """``arn`` is decided on; ``shown`` is what people are shown for it. ``matched`` are the patterns that match
    a part of ``container``'s contents, ``None``: this is the container itself. No container: ``*``."""

    arn: str
    shown: str
    container: Resource | None
    actions: ActionList
    matched: frozenset[str] | None = None

    @property
    def open(self) -> bool:
        """Whether it stands for what nobody collected."""
        return self.container is None


#: A statement with the units that it can be about, whatever the action.
Felt = tuple[Statement, int]


class Units:
    """The units of one account."""

    def __init__(self, units: Iterable[Unit]) -> None:
        self.all: Sequence[Unit] = sorted(units, key=lambda unit: unit.arn)
        self._arns = [unit.arn for unit in self.all]
        self.everything = (1 << len(self._arns)) - 1
        #: All ARNs as one text, and where each begins in it; no pattern holds what stands between them.
        self._text = "".join(f"{arn}\n" for arn in self._arns)
        self._starts = [0, *accumulate(len(arn) + 1 for arn in self._arns)]
        self._by_actions: dict[ActionList, int] = _grouped(unit.actions for unit in self.all)
        self._matching: dict[Parts, int] = {}
        self._sets: dict[int, int] = {}
        self._elements: dict[tuple[tuple[str, ...], bool], int] = {}
        self._acting: dict[int, int] = {}
        self._felt: dict[Document, tuple[list[Felt], list[Statement]]] = {}
        self._tagged: dict[str, list[tuple[ContextValue, bool, int]]] = {}

    def of_container(self, arn: str) -> int:
        """The units of a container: itself and the parts of its contents; of ``*`` that one."""
        return bits_of(self._containers.get(arn, ()))

    @cached_property
    def _containers(self) -> dict[str, list[int]]:
        found: defaultdict[str, list[int]] = defaultdict(list)
        for place, unit in enumerate(self.all):
            found["*" if unit.container is None else unit.container.arn].append(place)
        return dict(found)

    def matching(self, parts: Parts) -> int:
        """The units whose ARN a pattern without variables matches."""
        found = self._matching.get(parts)
        if found is None:
            found = self._matching[parts] = self._once(self._matched(parts))
        return found

    def _once(self, units: int) -> int:
        """The same set, as one number wherever it is kept: of many units it is long."""
        return self._sets.setdefault(units, units)

    def _matched(self, parts: Parts) -> int:
        start = parts[0] if parts and isinstance(parts[0], str) else ""
        if parts == (start,):
            place = bisect_left(self._arns, start)
            return 1 << place if place < len(self._arns) and self._arns[place] == start else 0
        first, last = self._interval(start)
        if parts in ((start, Wild.STAR), (Wild.STAR,)):
            return (1 << last) - (1 << first)
        places = list(self._having(self._rarest(parts[1:], first, last), first, last))
        test = brief_matcher(parts) if len(places) < _WORTH_COMPILING else matcher(parts)
        return bits_of(place for place in places if test(self._arns[place]))

    def _rarest(self, parts: Parts, first: int, last: int) -> str:
        """Of the words of a pattern, of which every ARN that it matches has all, the one that fewest ARNs have."""
        words = {part for part in parts if isinstance(part, str) and len(part) >= _WORTH_SEARCHING}
        if len(words) < 2:
            return min(words, default="")
        at, end = self._starts[first], self._starts[last]
        return min(sorted(words), key=lambda word: self._text.count(word, at, end))

    def _having(self, word: str, first: int, last: int) -> Iterable[int]:
        """The places of an interval whose ARNs hold a word: searching one long text is far faster than many short."""
        if not word:
            yield from range(first, last)
            return
        at, end = self._starts[first], self._starts[last]
        while (at := self._text.find(word, at, end)) >= 0:
            place = bisect_right(self._starts, at) - 1
            yield place
            at = self._starts[place + 1]

    def _interval(self, start: str) -> tuple[int, int]:
        """The places of the ARNs that begin with ``start``."""
        if not start:
            return 0, len(self._arns)
        # Nothing that begins with `start` sorts behind `start` with its last character's successor.
        return bisect_left(self._arns, start), bisect_left(self._arns, start[:-1] + chr(ord(start[-1]) + 1))

    def about(self, statement: Statement) -> int:
        """The units with an action that the statement's action element takes in."""
        found = self._acting.get(statement.acting)
        if found is None:
            found = 0
            for actions, units in self._by_actions.items():
                if actions.about(statement):
                    found |= units
            self._acting[statement.acting] = found
        return found

    def element(self, statement: Statement, document: Document) -> int:
        """The units that the patterns without variables of a statement match, NotResource not yet turned round."""
        texts = statement.resource_patterns.texts
        if texts is None:
            return self.everything
        key = (texts, document.version == "2012-10-17")
        found = self._elements.get(key)
        if found is None:
            found = 0
            for text in texts:
                parts = resource_parts(text, variables=key[1])
                if not any(isinstance(part, Variable) for part in parts):
                    found |= self.matching(parts)
            found = self._elements[key] = self._once(found)
        return found

    def felt(self, document: Document) -> tuple[list[Felt], list[Statement]]:
        """The statements of a document that can be about some unit, each with these units; then the statements whose
        patterns have variables, of which who asks must be known."""
        found = self._felt.get(document)
        if found is None:
            fixed: list[Felt] = []
            varying: list[Statement] = []
            for statement in document.statements:
                units = self.about(statement)
                if units and statement.resource_patterns.variable:
                    varying.append(statement)
                    continue
                element = self.element(statement, document)
                units &= ~element if statement.resource_patterns.negated else element
                if units:
                    fixed.append((statement, self._once(units)))
            found = self._felt[document] = (fixed, varying)
        return found

    def tagged(self, key: str) -> list[tuple[ContextValue, bool, int]]:
        """The units in groups by the value of a tag (its key in lower case), as conditions read it (semantics U3).

        Also by whether tags count there at all: where they do, actions that are not said to carry them do not know it.
        """
        found = self._tagged.get(key)
        if found is None:
            groups = self.grouped(lambda container: (_tag(container, key), _counts(container)))
            found = self._tagged[key] = [(value, counts, units) for (value, counts), units in groups.items()]
        return found

    def grouped(self, key: Callable[[Resource | None], Key]) -> dict[Key, int]:
        """The units in groups by something of their containers."""
        groups: defaultdict[Key, list[int]] = defaultdict(list)
        for places in self._containers.values():
            groups[key(self.all[places[0]].container)] += places
        return {one: bits_of(places) for one, places in groups.items()}


def _tag(container: Resource | None, key: str) -> ContextValue:
    """The value of a tag of a target, for actions that carry it."""
    if container is None or (container.s3 is not None and container.s3.abac is False):
        return ABSENT
    if container.tags is None or (container.s3 is not None and container.s3.abac is None):
        return Unknown("environment")
    return next(((value,) for name, value in container.tags.items() if name.lower() == key), ABSENT)


def _counts(container: Resource | None) -> bool:
    """Whether the tags of a target may count."""
    return container is not None and (container.s3 is None or container.s3.abac is not False)


def _grouped(keys: Iterable[Key]) -> dict[Key, int]:
    groups: defaultdict[Key, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        groups[key].append(place)
    return {key: bits_of(places) for key, places in groups.items()}
