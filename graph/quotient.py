"""From what every subject holds on the units of an account to its classes: units that all grants take alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from functools import lru_cache
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from graph.bits import members
from graph.classes import ResourceClass, pattern_of
from graph.subsets import Subsets
from graph.units import Unit, Units

#: Sets that are looked at together; more at once would take more memory, not less time.
_AT_ONCE = 2048


def classes_of(
    units: Units, account: str, sets: Iterable[int], own: int = 0
) -> tuple[list[ResourceClass], NDArray[np.int64]]:
    """The classes of an account, and for each unit the number of its class.

    A part of a container's contents that is held like a wider part of it is in that one's class. Resources in ``own``
    are each in a class alone: what is granted on them rests on their own policies, which answers name.
    """
    alike = _alike(len(units.all), list(sets))
    home = _homes(units.all, alike)
    alone = set(members(own))
    groups: defaultdict[Hashable, list[int]] = defaultdict(list)
    for place, unit in enumerate(units.all):
        key = home.get(place)
        groups[_kept_apart(unit, alike[place], alone=place in alone) if key is None else key].append(place)
    classes: list[ResourceClass] = []
    number = [0] * len(units.all)
    for places in sorted(groups.values()):
        first = units.all[home.get(places[0], places[0])]
        found = _class(len(classes), account, first, tuple(units.all[place].arn for place in places))
        classes.append(found)
        for place in places:
            number[place] = found.index
    return classes, np.array(number, dtype=np.int64)


def _kept_apart(unit: Unit, alike: int, *, alone: bool) -> Hashable:
    """Units in one class share this; parts of contents have one of their own."""
    container = unit.container
    if container is None:
        return "*"
    return container.type, container.region, unit.actions, alike, container.arn if alone else ""


def _alike(count: int, sets: Sequence[int]) -> list[int]:
    """For each unit a number that it shares with those which are in the same sets."""
    numbers = np.zeros(count, dtype=np.int64)
    width = (count + 7) // 8
    for begin in range(0, len(sets), _AT_ONCE):
        some = sets[begin : begin + _AT_ONCE]
        raw = b"".join(bits.to_bytes(width, "little") for bits in some)
        table = np.frombuffer(raw, dtype=np.uint8).reshape(len(some), width)
        flags = np.unpackbits(table, axis=1, count=count, bitorder="little")
        columns = np.ascontiguousarray(np.packbits(flags, axis=0).T)
        keys = columns.view(np.dtype((np.void, columns.shape[1]))).ravel()
        _, here = np.unique(keys, return_inverse=True)
        _, numbers = np.unique(numbers * (here.max() + 1) + here, return_inverse=True)
    found: list[int] = numbers.tolist()
    return found


def _homes(units: Sequence[Unit], alike: Sequence[int]) -> dict[int, int]:
    """For each part of a container's contents the wider one that it is in one class with, or itself.

    Its wider ones are those of which no more patterns match than of it. Where one between it and the one held alike is
    held otherwise, it is an exception to that one, and nobody would find it in the wider.
    """
    of_container: defaultdict[str, list[tuple[int, int, frozenset[str]]]] = defaultdict(list)
    for place, unit in enumerate(units):
        if unit.matched is not None and unit.container is not None:
            of_container[unit.container.arn].append((len(unit.matched), place, unit.matched))
    home: dict[int, int] = {}
    for parts in of_container.values():
        parts.sort(key=_WIDEST_FIRST)
        places = [place for _, place, _ in parts]
        for place, (wider, nearest) in zip(places, _around(tuple([matched for _, _, matched in parts])), strict=True):
            mine = alike[place]
            joined = all(alike[places[other]] == mine for other in wider)
            same = wider if joined else nearest
            joined = joined or all(alike[places[other]] == mine for other in nearest)
            home[place] = home[places[same[0]]] if same and joined else place
    return home


_WIDEST_FIRST = itemgetter(0, 1)


@lru_cache(maxsize=1 << 10)
def _around(parts: tuple[frozenset[str], ...]) -> tuple[tuple[list[int], list[int]], ...]:
    """For each part of some container those around it, and of these the ones that hold none of the others.

    Parts are the patterns that match them, fewer first; many containers have the same.
    """
    subsets = Subsets(parts)
    found = []
    for matched in parts:
        wider = [other for other in subsets.within(matched) if parts[other] != matched]
        nearest = [other for other in wider if not any(parts[other] < parts[one] for one in wider)]
        found.append((wider, nearest))
    return tuple(found)


def _class(index: int, account: str, first: Unit, arns: tuple[str, ...]) -> ResourceClass:
    """The class of units with these ARNs, called by one of them: of parts of contents the widest."""
    container = first.container
    if container is None:
        return ResourceClass(index, "*", "*", "", account, "", (), open=True, owner="*")
    if first.matched is not None:
        return ResourceClass(
            index, first.shown, first.arn, container.type, account, container.region, (), contents=True,
            owner=container.arn,
        )  # fmt: skip
    return ResourceClass(
        index, pattern_of(arns), first.arn, container.type, account, container.region, tuple(arns), owner=first.arn
    )
