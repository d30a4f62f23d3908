"""Statements with the units of some ground that they can be about, worked out once for all askers that have them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from graph.reading import Marks, read_of_asker, reads_of_target
from graph.units import Units
from policy.context_values import Context
from policy.document import Document, Statement
from policy.inputs import Level, PolicyRef

#: Whose a statement is: the asker's own policies', a boundary's or guardrail's, or the resource's side's.
OWN, LIMIT, SIDE = "own", "limit", "side"


class Felt(NamedTuple):
    """A statement with the units that it can be about; ``part``: whose it is.

    ``mark``: askers for whom a statement has one mark have it from the same place, and it reads the same of them.
    ``reads``: the keys of the target that it asks for. ``place`` is where it stands.
    """

    statement: Statement
    units: int
    part: str
    mark: int
    reads: tuple[str, ...]
    place: tuple[Any, ...]


class Open(NamedTuple):
    """A statement of which who asks must be known; ``units`` ``None``: also for what it can be about."""

    layer: int
    policy: str
    document: Document
    statement: Statement
    units: int | None

    @property
    def place(self) -> tuple[Any, ...]:
        """Where it stands."""
        return self.layer, self.policy, self.statement.index


class Ready(NamedTuple):
    """What documents say on the ground: alike of everybody, and what hangs on who asks. ``unread``: the documents that
    could not be collected, with their layers."""

    same: tuple[Felt, ...]
    open: tuple[Open, ...]
    unread: tuple[tuple[int, str], ...]

    @classmethod
    def joined(cls, several: Iterable[Ready]) -> Ready:
        """All of them, in their order."""
        same: list[Felt] = []
        hanging: list[Open] = []
        unread: list[tuple[int, str]] = []
        for one in several:
            same += one.same
            hanging += one.open
            unread += one.unread
        return cls(tuple(same), tuple(hanging), tuple(unread))


class Statements:
    """What documents say on some units. Layers are numbered: 0 is the asker's own, 1 a boundary, others guardrails."""

    def __init__(self, units: Units) -> None:
        self._units = units
        self.marks = Marks()
        #: Actions divided by statements with these marks (``graph.asker``).
        self.divided: dict[Hashable, list[tuple[int, Hashable]]] = {}
        #: By layer and reference, which is kept so that its id stays its own.
        self._ready: dict[tuple[int, int], tuple[PolicyRef, Ready]] = {}
        self._guardrails: dict[tuple[int, int], tuple[tuple[tuple[Level, ...], ...], Ready]] = {}

    def of(self, layer: int, ref: PolicyRef) -> Ready:
        """What one document says."""
        found = self._ready.get((layer, id(ref)))
        if found is None:
            found = self._ready[layer, id(ref)] = ref, self._made(layer, ref)
        return found[1]

    def of_all(self, layer: int, refs: Iterable[PolicyRef]) -> Ready:
        """What some documents of a layer say."""
        return Ready.joined(self.of(layer, ref) for ref in refs)

    def guardrails(self, scps: tuple[Level, ...], rcps: tuple[Level, ...]) -> Ready:
        """What the guardrails over an asker and over the account say; each level is a layer."""
        key = id(scps), id(rcps)
        found = self._guardrails.get(key)
        if found is None:
            levels = enumerate((*scps, *rcps), 2)
            ready = Ready.joined(self.of_all(number, level.policies) for number, level in levels)
            found = self._guardrails[key] = (scps, rcps), ready
        return found[1]

    def _made(self, layer: int, ref: PolicyRef) -> Ready:
        if ref.document is None:
            return Ready((), (), ((layer, ref.id),))
        fixed, varying = self._units.felt(ref.document)
        same: list[Felt] = []
        hanging = [Open(layer, ref.id, ref.document, statement, None) for statement in varying]
        for statement, units in fixed:
            if hangs_on_asker(statement):
                hanging.append(Open(layer, ref.id, ref.document, statement, units))
            else:
                place = layer, ref.id, statement.index
                mark = self.marks.of(place, statement, None)
                same.append(Felt(statement, units, part_of(layer), mark, reads_of_target(statement).keys, place))
        return Ready(tuple(same), tuple(hanging), ())

    def felt(
        self, place: tuple[Any, ...], statement: Statement, units: int, part: str, key: str, context: Context
    ) -> Felt:
        """A statement that stands in a place, for the asker with this key, who asks in ``context``."""
        # It may spare the asker, or mean it, by its own name.
        mark = self.marks.of((place, key) if names_some(statement) else place, statement, context)
        return Felt(statement, units, part, mark, reads_of_target(statement).keys, place)


def part_of(layer: int) -> str:
    """Whose the statements of a layer are."""
    return OWN if layer == 0 else LIMIT


@lru_cache(maxsize=1 << 17)
def names_some(statement: Statement) -> bool:
    """Whether a statement may tell principals apart that have one account and one kind, by their names."""
    element = statement.principal_element
    return element is not None and (element.negated or bool(element.sessions))


def means_everybody(statement: Statement) -> bool:
    """Whether a statement's Principal is everybody, whoever asks."""
    element = statement.principal_element
    return element is not None and element.everyone and not element.negated


def hangs_on_asker(statement: Statement) -> bool:
    """Whether who asks must be known for what a statement says: it reads something of them, or may name them."""
    return names_some(statement) or any(read_of_asker(statement))
