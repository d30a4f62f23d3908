"""Makes definite what is definite: can an expression still be true, can it still be false? (semantics U1, U2)

The unknown keys range over everything a request could hold. For each key the solver finds *witnesses*: absence and
values that between them give every combination of truths that the leaves on that key can have. For texts these come
from walking all patterns at once through their joint automaton; for numbers, dates and addresses from the borders
between them. A leaf whose truth cannot be covered that way (two unknown keys in one comparison, a document nobody
collected, patterns too many to walk) is *free*: it may be true or false on its own. Covering too much only leaves an
answer Conditional; covering too little would be unsound, so every limit below widens.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, pairwise, product

from policy.conditions import Condition, condition_of, leaf_holds, pattern_holds
from policy.context_values import Unknown, is_multivalued
from policy.expression import (
    FALSE,
    TRUE,
    Constant,
    DocumentLeaf,
    KeyLeaf,
    Leaf,
    Residual,
    ResourceLeaf,
    fold,
    leaves,
)
from policy.joint_leaves import SESSION, USER_ID, may_be_either, names_of, omittable, settled_without, sole_key
from policy.operators import instant, network, number
from policy.patterns import Parts, Variable, arn_parts, matcher, parse_parts
from policy.witnesses import TooManyStates, text_witnesses

_BUDGET = 4000
_SUBSET_WITNESSES = 7
#: Of so many patterns with more solutions than can be listed every combination is looked at.
_MOST_LOOSE = 6
Values = tuple[str, ...] | None
"""What a key is given: its values, or `None` for absent."""


@dataclass(frozen=True, slots=True)
class _Key:
    """One unknown key with every different combination of truths of its leaves."""

    choices: tuple[dict[Leaf, bool], ...]


def possible(node: Residual) -> tuple[bool, bool]:
    """(whether some completion makes the node true, whether some makes it false)."""
    if isinstance(node, Constant):
        return node.value, not node.value
    if isinstance(node, (KeyLeaf, ResourceLeaf, DocumentLeaf)) and not _constrained(node):
        return True, True
    keys = _keys(node)
    found = [False, False]
    budget = [_BUDGET]
    _search(node, keys, leaves(node), {}, found, budget)
    return (True, True) if budget[0] <= 0 else (found[0], found[1])


def settle(node: Residual) -> Residual:
    """The node, or TRUE or FALSE when it is that under every completion."""
    if isinstance(node, Constant):
        return node
    can_hold, can_fail = possible(node)
    if not can_fail:
        return TRUE
    return node if can_hold else FALSE


def caller_alone(node: Residual) -> bool:
    """Whether some choice of the caller's keys makes the node true whatever the rest turns out to be.

    The leaves marked `environment` and the documents stay open (each may be true or false on its own) while the keys
    whose leaves are all the caller's range over their witnesses. So `True` is certain; `False` also covers nodes
    that hold only by an interplay of environment leaves that this does not look for.
    """
    if isinstance(node, Constant):
        return node.value
    budget = [_BUDGET]
    return _reach(node, _keys(node, chosen=True), {}, budget)


def _by_caller(leaf: Leaf) -> bool:
    return not isinstance(leaf, DocumentLeaf) and leaf.by == "caller"


def _reach(node: Residual, keys: list[_Key], truths: dict[Leaf, bool], budget: list[int]) -> bool:
    budget[0] -= 1
    known = fold(node, truths)
    if known is not None or budget[0] <= 0 or not keys:
        return known is True
    return any(_reach(node, keys[1:], truths | choice, budget) for choice in keys[0].choices)


def _search(
    node: Residual,
    keys: list[_Key],
    listed: list[Leaf],
    truths: dict[Leaf, bool],
    found: list[bool],
    budget: list[int],
) -> None:
    """Try the choices key by key, then the free leaves, until both answers are seen."""
    budget[0] -= 1
    if budget[0] <= 0 or all(found):
        return
    known = fold(node, truths)
    if known is not None:
        found[0 if known else 1] = True
        return
    if keys:
        for choice in keys[0].choices:
            _search(node, keys[1:], listed, truths | choice, found, budget)
        return
    free = next(leaf for leaf in listed if leaf not in truths)
    for truth in (True, False):
        _search(node, keys, listed, truths | {free: truth}, found, budget)


def _constrained(leaf: Leaf) -> bool:
    """Whether a single leaf may be constant: values that leave no choice, or a key about which something is known."""
    if isinstance(leaf, DocumentLeaf):
        return False
    if isinstance(leaf, ResourceLeaf):
        return True
    if leaf.session:
        return False
    if is_multivalued(leaf.key):
        return True
    plain = leaf.unknown is not None and not leaf.unknown.prefix and not leaf.unknown.excludes
    operator = leaf.question[1]
    if not plain or not leaf.values or operator not in ("stringequals", "arnlike", "arnequals", "ipaddress"):
        return True
    return operator != "stringequals" and not any(_may_match(operator, text) for text in leaf.values)


def _may_match(operator: str, text: str) -> bool:
    """Whether a value of `IpAddress`, `ArnLike` or `ArnEquals` can be read, so that something matches it (C4)."""
    return network(text) is not None if operator == "ipaddress" else text == "*" or text.count(":") >= 5 or "${" in text


def _keys(node: Residual, *, chosen: bool = False) -> list[_Key]:
    """The unknown keys; absence of one also settles leaves of several that fail without it. ``chosen``: only those that
    are the caller's in all their leaves."""
    by_key: dict[str, list[Leaf]] = {}
    constraint: dict[str, Unknown] = {}
    several: list[Leaf] = []
    for leaf in leaves(node):
        name, unknown = sole_key(leaf)
        if name is None:
            several.append(leaf)
            continue
        by_key.setdefault(name, []).append(leaf)
        if unknown is not None:
            constraint[name] = unknown
    if SESSION in by_key and USER_ID in constraint and constraint[USER_ID].prefix:
        by_key[USER_ID] += by_key.pop(SESSION)  # which ends with the session's name
    found = []
    for name, group in by_key.items():
        if chosen and not all(map(_by_caller, group)):
            continue
        found.append(
            _choices(name, tuple(group), settled_without(several, name), constraint.get(name, Unknown()), not chosen)
        )
    if chosen:
        mine = {name for leaf in several for name in omittable(leaf)}
        absent = (settled_without(several, name) for name in sorted(mine - by_key.keys()))
        found += [_Key((dict(without), {})) for without in absent if without]
        taken = Counter(name for leaf in leaves(node) for name in names_of(leaf))
        free = (leaf for leaf in several if may_be_either(leaf) and all(taken[name] == 1 for name in names_of(leaf)))
        found += [_Key(({leaf: True}, {leaf: False})) for leaf in free]
    return sorted((key for key in found if key is not None), key=lambda key: len(key.choices))


def _choices(
    name: str, group: tuple[Leaf, ...], without: tuple[tuple[Leaf, bool], ...], unknown: Unknown, widened: bool
) -> _Key | None:
    about = tuple((leaf.present, leaf.unknown is None) if isinstance(leaf, KeyLeaf) else () for leaf in group)
    return _choices_of(name, group, without, about, unknown, widened)


@lru_cache(maxsize=16384)
def _choices_of(
    name: str,
    group: tuple[Leaf, ...],
    without: tuple[tuple[Leaf, bool], ...],
    _about: tuple[object, ...],
    unknown: Unknown,
    widened: bool,
) -> _Key | None:
    """`_about` is what the leaves hold beyond their equality; `without` what others are where the key is absent. A
    pattern with more solutions than can be listed is told for absence and for texts that another leaf names; for what
    stands for many texts it may be either where that is `widened`, and else there is no such choice."""
    loose = tuple(leaf for leaf in group if isinstance(leaf, ResourceLeaf) and not _has_short_list(leaf, name))
    told = tuple(leaf for leaf in group if leaf not in loose)
    if len(loose) > _MOST_LOOSE:
        return None
    try:
        values = [*_values(name, told, unknown)] if told else []
    except TooManyStates:
        return None
    sole = _sole_texts(told) if loose else frozenset()
    distinct: dict[tuple[bool, ...], dict[Leaf, bool]] = {}
    for value in values:
        truths = {leaf: _holds(leaf, name, value) for leaf in told}
        if value is None:
            truths |= dict(without)
        either = (True, False) if widened else ()
        fixed = value is None or sole.issuperset(value)
        for some in product(*([_holds(leaf, name, value)] if fixed else either for leaf in loose)):
            every = truths | dict(zip(loose, some, strict=True))
            distinct[tuple(every.values())] = every
    return _Key(tuple(distinct.values())) if distinct else None


def _has_short_list(leaf: Leaf, name: str) -> bool:
    try:
        _solutions(leaf, name)
    except TooManyStates:
        return False
    return True


def _sole_texts(group: Iterable[Leaf]) -> frozenset[str]:
    """Texts that some leaf tells from every other text."""
    found: set[str] = set()
    for leaf in group:
        if isinstance(leaf, KeyLeaf) and not leaf.session and leaf.unknown is not None:
            condition = condition_of(leaf.operator, leaf.key, leaf.values)
            if condition.operator.family == "string" and not condition.operator.ignore_case:
                found.update(one for parts in condition.parts if len(parts) == 1 and isinstance(one := parts[0], str))
    return frozenset(found)


def _holds(leaf: Leaf, name: str, value: Values) -> bool:
    if isinstance(leaf, DocumentLeaf):
        raise TypeError("a document has no value")
    context = {} if value is None else {name: value}
    if isinstance(leaf, ResourceLeaf):
        return pattern_holds(leaf.pattern, leaf.resource, context)
    if leaf.session:
        own = value[0] if value is not None else ""
        return (own if name == SESSION else own.partition(":")[2]) in leaf.values
    if leaf.unknown is None:
        context[leaf.question[0]] = leaf.present
    return leaf_holds(leaf.operator, leaf.key, leaf.values, context)


def _values(name: str, group: tuple[Leaf, ...], unknown: Unknown) -> Iterator[Values]:
    session = name == SESSION
    if not unknown.prefix and not session:
        yield None
    texts = _texts(name, group, unknown)
    allowed = [text for text in texts if unknown.may_be(text)]
    if session or not is_multivalued(name):
        for text in allowed:
            yield (text,)
        return
    if len(allowed) > _SUBSET_WITNESSES:
        raise TooManyStates
    for size in range(len(allowed) + 1):
        yield from combinations(allowed, size)


def _texts(name: str, group: tuple[Leaf, ...], unknown: Unknown) -> tuple[str, ...]:
    """Values that tell every combination of the leaves' truths apart."""
    patterns: dict[tuple[Parts, bool], None] = {}
    families: set[str] = set()
    borders: list[str] = []
    for leaf in group:
        if isinstance(leaf, KeyLeaf) and not leaf.session and leaf.unknown is not None:
            condition = condition_of(leaf.operator, leaf.key, leaf.values)
            families.add(
                "text" if condition.operator.family in ("string", "arn", "bool") else condition.operator.family
            )
            patterns.update(dict.fromkeys(_condition_patterns(condition)))
            borders.extend(leaf.values)
        else:
            families.add("text")
            start = unknown.prefix if isinstance(leaf, KeyLeaf) and leaf.session else ""
            patterns.update(dict.fromkeys(((start + text,) if text else (), False) for text in _solutions(leaf, name)))
    families.discard("null")
    if len(families) > 1:
        raise TooManyStates  # two families of operators on one key: no list of values covers both
    kind = next(iter(families), "text")
    if kind != "text":
        if unknown.prefix or unknown.excludes:
            raise TooManyStates
        return _border_witnesses(kind, tuple(borders))
    return text_witnesses((*patterns, *_bounds(unknown)))


def _bounds(unknown: Unknown) -> Iterator[tuple[Parts, bool]]:
    """Patterns that tell the values that a key may have from others."""
    anything = parse_parts("*", variables=False, wildcards=True)
    if unknown.last:
        yield (unknown.prefix + unknown.last,), False
        yield (unknown.prefix, *anything, f"/{unknown.last}"), False
    elif unknown.prefix:
        yield (unknown.prefix, *anything), False
    yield from (((text,) if text else (), False) for text in sorted(unknown.excludes))


def _condition_patterns(condition: Condition) -> Iterator[tuple[Parts, bool]]:
    operator = condition.operator
    for text, parts in zip(condition.values, condition.parts, strict=True):
        if operator.family == "string":
            yield parts, operator.ignore_case
        elif operator.family == "bool":
            yield (text.lower(),), True
        elif operator.family == "arn":
            segments = arn_parts(parts)
            if segments is None and any(isinstance(part, Variable) for part in parts):
                raise TooManyStates  # the key compared with itself
            if segments is not None:
                yield segments, False


def _solutions(leaf: Leaf, name: str) -> Iterable[str]:
    """The values of the one variable in a leaf that make one of its patterns match: all of them, as texts."""
    if isinstance(leaf, KeyLeaf) and leaf.session:
        return leaf.values
    if isinstance(leaf, ResourceLeaf):
        parts = parse_parts(leaf.pattern, variables=True, wildcards=True)
        return _variable_values(parts, leaf.resource, False)
    if isinstance(leaf, DocumentLeaf):
        return ()
    condition = condition_of(leaf.operator, leaf.key, leaf.values)
    found: set[str] = set()
    if condition.operator.ignore_case or condition.operator.family == "arn":
        # The value may differ in case, or bring colons of its own: not a short list of texts.
        raise TooManyStates
    for parts in condition.parts:
        if any(isinstance(part, Variable) and part.key == name for part in parts):
            for item in leaf.present:
                found.update(_variable_values(parts, item, condition.operator.ignore_case))
    return found


def _variable_values(parts: Parts, text: str, ignore_case: bool) -> set[str]:
    places = [i for i, part in enumerate(parts) if isinstance(part, Variable)]
    if len(places) != 1 or len(text) > 400:
        raise TooManyStates
    before, after = matcher(parts[: places[0]], ignore_case), matcher(parts[places[0] + 1 :], ignore_case)
    starts = [i for i in range(len(text) + 1) if before(text[:i])]
    ends = [i for i in range(len(text) + 1) if after(text[i:])]
    found = {text[i:j] for i in starts for j in ends if i <= j}
    if len(found) > 200:
        raise TooManyStates
    return found


@lru_cache(maxsize=8192)
def _border_witnesses(kind: str, limits: tuple[str, ...]) -> tuple[str, ...]:
    if kind == "ip":
        return _address_witnesses(limits)
    if kind == "binary":
        return (*limits, "", "AAAA", "not base64")
    read = number if kind == "numeric" else instant
    points = sorted({value for text in limits if (value := read(text)) is not None})
    gaps = [b - a for a, b in pairwise(points)]
    if any(abs(point) > 1e12 for point in points) or any(gap < 1e-3 for gap in gaps):
        raise TooManyStates  # too large or too close for a written number between two of them
    between = [(a + b) / 2 for a, b in pairwise(points)]
    edges = [points[0] - 1, points[-1] + 1] if points else []
    written = [f"{value:.6f}" for value in [*between, *edges]]
    return (*written, "unreadable", *limits)


def _address_witnesses(limits: tuple[str, ...]) -> tuple[str, ...]:
    points: set[tuple[int, int]] = {(4, 0), (6, 0)}
    for text in limits:
        block = network(text)
        if block is not None:
            version, first, last = block
            points.update((version, place) for place in (first - 1, first, last, last + 1))
    top = {4: 2**32, 6: 2**128}
    written = [_written(version, place) for version, place in sorted(points) if 0 <= place < top[version]]
    return (*written, "unreadable")


def _written(version: int, place: int) -> str:
    if version == 4:
        return ".".join(str(place >> shift & 255) for shift in (24, 16, 8, 0))
    return ":".join(f"{place >> shift & 0xFFFF:x}" for shift in range(112, -1, -16))


def evaluate_leaf(leaf: Leaf, context: Mapping[str, tuple[str, ...]], documents: Mapping[str, bool]) -> bool:
    """The truth of a leaf in a completed request (`context` in lower case)."""
    if isinstance(leaf, DocumentLeaf):
        return documents[leaf.document]
    if isinstance(leaf, ResourceLeaf):
        return pattern_holds(leaf.pattern, leaf.resource, dict(context))
    return leaf_holds(leaf.operator, leaf.key, leaf.values, dict(context))
