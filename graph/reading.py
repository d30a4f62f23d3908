"""What statements read of a target: its tags, region and account, and patterns whose variables are not known.

Units that differ in a value are told apart only where some condition says one thing of the one and another of the
other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from graph.told import NO_WHERE, Told
from graph.units import Units
from policy.conditions import Condition
from policy.context import MFA_KEYS, OF_ACCOUNT, is_of_caller, is_of_request
from policy.context_values import Context, ContextValue, Unknown
from policy.document import Document, Statement
from policy.expression import FALSE, TRUE
from policy.patterns import Parts, Variable, Wild, loosened, resolve

if TYPE_CHECKING:
    from graph.felt import Felt
    from graph.ground import Ground

REGION = "aws:requestedregion"

#: Keys that are the account of who asks, in requests of one service alone: before an action is known nothing tells it.
_ACCOUNT_OF_CALLER = frozenset({"kms:calleraccount", "aws:sourceowner"})

#: A statement with the units that it can be about.
About = tuple[Statement, int]


@dataclass(frozen=True, slots=True)
class Reads:
    """What a statement reads of the target: ``tags``, its account with them, and ``region`` as (key of the request's
    context, condition); no condition: a variable holds the value."""

    tags: tuple[tuple[str, Condition | None], ...] = ()
    region: tuple[tuple[str, Condition | None], ...] = ()
    #: All the keys.
    keys: tuple[str, ...] = ()


@lru_cache(maxsize=1 << 18)
def reads_of_target(statement: Statement) -> Reads:
    """What a statement reads of the target."""
    found: dict[tuple[str, Condition | None], None] = {}
    for condition in statement.conditions:
        found[condition.key, condition] = None
        found.update(((key, None), None) for key in _keys(condition.parts))
    for _, parts, _ in statement.resource_patterns.variable:
        found.update(((key, None), None) for key in _keys((parts,)))
    tags = tuple(read for read in found if _of_target(read[0]) and read[0] != REGION)
    region = tuple(read for read in found if read[0] == REGION)
    return Reads(tags, region, tuple(dict.fromkeys(key for key, _ in (*tags, *region))))


def _of_target(key: str) -> bool:
    """Whether a key is about the target alone, whoever asks and whatever else the action is."""
    return key == REGION or key in OF_ACCOUNT or ":resourcetag/" in key


def surely_on(ground: Ground, statement: Statement, units: int, context: Context) -> int:
    """Of the units that a statement without Principal is about, those on which it holds in any request of who asks in
    ``context`` for an action it is about; calls left aside of which the caller picks the region."""
    if statement.resource_patterns.variable:
        return 0
    for condition in statement.conditions:
        if condition.key == REGION and condition.tests is not None:
            units &= ground.units_where(condition)
        elif condition.truth(context, NO_WHERE) is not TRUE:
            return 0
    return units


def _keys(patterns: Iterable[Parts]) -> Iterator[str]:
    return (part.key for parts in patterns for part in parts if isinstance(part, Variable))


def divided_by_target(ground: Ground, statements: Iterable[About], context: Context) -> Iterator[int]:
    """Sets of units that conditions on tags and region tell from the others, for who asks in ``context``."""
    conditions: defaultdict[str, dict[Condition | None, None]] = defaultdict(dict)
    where: defaultdict[str, int] = defaultdict(int)
    for statement, units in statements:
        reads = reads_of_target(statement)
        for key, condition in (*reads.tags, *reads.region):
            conditions[key][condition] = None
            where[key] |= units
    for key, asked in conditions.items():
        parts = [units & where[key] for units in _divided(ground, key, tuple(asked), context) if units & where[key]]
        if len(parts) > 1:
            yield from parts


def _divided(ground: Ground, key: str, asked: tuple[Condition | None, ...], context: Context) -> list[int]:
    """All units, divided by what conditions on a key say of its value there."""
    alike = all(condition is not None and condition.tests is not None for condition in asked)  # whoever asks
    found = ground.divided.get((key, asked)) if alike else None
    if found is None:
        merged: defaultdict[Hashable, int] = defaultdict(int)
        named = _texts_named(asked, key, context)
        for value, counts, units in ground.values_of(key) if named is None else ground.values_beside(key, named):
            merged[_says(asked, key, value, context), counts] |= units
        found = list(merged.values())
        if alike:
            ground.divided[key, asked] = found
    return found


def _texts_named(asked: Iterable[Condition | None], key: str, context: Context) -> frozenset[str] | None:
    """The texts that conditions on a key may tell from others, for who asks in ``context``; None where they look for
    more than whether a text is one of some."""
    found = set()
    for condition in asked:
        if condition is None or condition.operator.family != "string" or condition.operator.ignore_case:
            return None
        for parts in condition.parts:
            filled = resolve(parts, context)
            if filled.unknown or any(name == key for name in _keys((parts,))):
                return None
            if filled.parts is None:
                continue
            texts = [part for part in filled.parts if isinstance(part, str)]
            if len(texts) < len(filled.parts):
                return None
            found.add("".join(texts))
    return frozenset(found)


def _says(asked: Iterable[Condition | None], key: str, value: ContextValue, context: Context) -> Hashable:
    """What all conditions on a key say of one value of it; by the value itself where that is not all there is."""
    told = Told(context, key, value)
    found = []
    for condition in asked:
        truth = None if condition is None else condition.truth(told, NO_WHERE)
        if truth is not TRUE and truth is not FALSE:
            return repr(value)
        found.append(truth is TRUE)
    return tuple(found)


class Marks:
    """Numbers for statements in their places: equal for subjects of whom the statement reads the same."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        #: What conditions say of values, which many who ask share.
        self._said: dict[tuple[Condition, ContextValue], Hashable] = {}

    def of(self, place: Hashable, statement: Statement, context: Context | None) -> int:
        """The mark of a statement that stands in a place, for who asks in ``context``; of one that reads nothing of who
        asks there may be none."""
        if context is None:
            return self._numbers.setdefault((place, ()), len(self._numbers))
        conditions, keys = read_of_asker(statement)
        read = [self._of_condition(condition, context) for condition in conditions]
        read += [context.get(key) for key in keys]
        return self._numbers.setdefault((place, tuple(read)), len(self._numbers))

    def silent(self, statement: Statement, context: Context) -> bool:
        """Whether a statement says nothing in any request of who asks in ``context``: it is for others than them."""
        conditions, _ = read_of_asker(statement)
        return any(is_of_caller(one.key) and self._of_condition(one, context) is FALSE for one in conditions)

    def _of_condition(self, condition: Condition, context: Context) -> Hashable:
        """Whether a condition without variables holds, which hangs on the value of its key alone."""
        value = context.get(condition.key)
        found = self._said.get((condition, value))
        if found is None:
            truth = condition.truth(context, NO_WHERE)
            # Not settled by who asks alone: by the value then, which the rest of the answer may hang on.
            found = self._said[condition, value] = truth if truth is TRUE or truth is FALSE else value
        return found


@lru_cache(maxsize=1 << 18)
def read_of_asker(statement: Statement) -> tuple[tuple[Condition, ...], tuple[str, ...]]:
    """What a statement reads of who asks: conditions without variables, and keys that are read as they are.

    Conditions on tags and region of the target read nothing of it.
    """
    plain: list[Condition] = []
    keys: dict[str, None] = {}
    for condition in statement.conditions:
        variables = list(_keys(condition.parts))
        if variables:
            keys.update(dict.fromkeys((condition.key, *variables)))
        elif not _of_target(condition.key):
            plain.append(condition)
    keys.update((key, None) for _, parts, _ in statement.resource_patterns.variable for key in _keys((parts,)))
    if not _ACCOUNT_OF_CALLER.isdisjoint((*keys, *(condition.key for condition in plain))):
        keys["aws:principalaccount"] = None
    return tuple(plain), tuple(keys)


@lru_cache(maxsize=1 << 18)
def asks_mfa(statement: Statement) -> bool:
    """Whether a statement asks about MFA (semantics U3)."""
    conditions, keys = read_of_asker(statement)
    return not MFA_KEYS.isdisjoint((*keys, *(condition.key for condition in conditions)))


class Unsure:
    """Patterns with variables, for one who asks: which units they match, and which hang on what is not known."""

    def __init__(self, units: Units, context: Context) -> None:
        self._units = units
        self.context = context
        #: Sets of units that one statement matches if its variable has some value: alike in that, unless the variable
        #: is asked for elsewhere too.
        self._same: list[tuple[Statement, str, int]] = []
        self._apart = 0

    def at(self, bit: int, felt: Iterable[Felt]) -> Iterator[tuple[int, bool]]:
        """(mark, whether some value that is not empty matches) of the statements that are unsure about a unit."""
        marks = {one.statement: one.mark for one in felt} if self._same else {}
        for number, (statement, _, units) in enumerate(self._same):
            if units & bit and statement in marks:
                yield marks[statement], number % 2 == 0

    @property
    def apart(self) -> list[int]:
        """What is unsure and what is not is to be kept apart."""
        return [units for _, _, units in self._same]

    def felt(self, statement: Statement, document: Document) -> int:
        """The units that a statement can be about."""
        units = self._units
        sure, loose = units.element(statement, document), 0
        patterns = []
        for _, parts, _ in statement.resource_patterns.variable:
            resolved = resolve(parts, self.context)
            if resolved.parts is None:
                continue
            found = units.matching(loosened(resolved.parts))
            if resolved.unknown:
                loose |= found
                patterns.append((resolved.parts, resolved.unknown))
            else:
                sure |= found
        about = units.about(statement)
        loose &= about & ~sure
        if loose:
            self._keep(statement, loose, patterns)
        if statement.resource_patterns.negated:
            return about & ~sure
        return about & (sure | loose)

    def _keep(
        self, statement: Statement, loose: int, patterns: Sequence[tuple[Parts, tuple[tuple[Variable, Unknown], ...]]]
    ) -> None:
        if len(patterns) == 1 and len(patterns[0][1]) == 1 and not statement.resource_patterns.negated:
            parts, ((variable, unknown),) = patterns[0]
            plain = variable.default is None and not unknown.prefix and not unknown.excludes
            if plain and not is_of_request(variable.key):
                # Some value matches: nothing more can be known of it than whether it has to be the empty one.
                some = (part if part != variable else (Wild.ONE, Wild.STAR) for part in parts)
                flat = tuple(piece for part in some for piece in (part if isinstance(part, tuple) else (part,)))
                filled = self._units.matching(flat)
                self._same += [(statement, variable.key, loose & filled), (statement, variable.key, loose & ~filled)]
                return
        self._apart |= loose

    def alone(self, felt: Iterable[About]) -> int:
        """The units that must be decided one by one: where an unknown variable counts in more than one place."""
        found = self._apart
        statements = list(felt)
        for statement, key, units in self._same:
            for other, about in statements:
                if other is not statement and about & units and key in all_keys(other):
                    found |= about & units
        return found


@lru_cache(maxsize=1 << 18)
def all_keys(statement: Statement) -> frozenset[str]:
    """Every key that a statement asks for, or reads a value of."""
    found = {condition.key for condition in statement.conditions}
    found.update(key for condition in statement.conditions for key in _keys(condition.parts))
    found.update(key for _, parts, _ in statement.resource_patterns.variable for key in _keys((parts,)))
    return frozenset(found)
