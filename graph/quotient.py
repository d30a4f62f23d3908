"""From what every subject holds on the units of an account to its classes: units that all grants take alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from itertools import takewhile

import numpy as np

from graph.classes import ResourceClass
from graph.units import Unit, Units

#: Sets that are looked at together; more at once would take more memory, not less time.
_AT_ONCE = 2048


def classes_of(units: Units, account: str, sets: Iterable[int], own: int = 0) -> tuple[list[ResourceClass], list[int]]:
    """The classes of an account, and for each unit the number of its class.

    A part of a container's contents that is held like a wider part of it is in that one's class. Resources in ``own``
    are each in a class alone: what is granted on them rests on their own policies, which answers name.
    """
    alike = _alike(len(units.all), list(sets))
    groups: defaultdict[Hashable, list[int]] = defaultdict(list)
    for place, unit in enumerate(units.all):
        groups[_kept_apart(unit, alike[place], alone=bool(own >> place & 1))].append(place)
    classes: list[ResourceClass] = []
    number = [0] * len(units.all)
    for places in sorted(groups.values()):
        for some in _parts(units.all, places):
            found = _class(len(classes), account, [units.all[place] for place in some])
            classes.append(found)
            for place in some:
                number[place] = found.index
    return classes, number


def _kept_apart(unit: Unit, alike: int, *, alone: bool) -> Hashable:
    """Units in one class share this: of contents the container too, which nobody lists the members of."""
    container = unit.container
    if container is None:
        return "*"
    if unit.matched is not None:
        return container.arn, alike
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


def _parts(units: Sequence[Unit], places: list[int]) -> Iterable[list[int]]:
    """Units that are held alike, as classes: whole resources together, parts of contents with the widest of them."""
    if units[places[0]].matched is None:
        yield places
        return
    widest: dict[int, list[int]] = {}
    # The fewer patterns match a part, the wider it is: what no other one of these includes comes first.
    for place in sorted(places, key=lambda place: (len(units[place].matched or ()), place)):
        matched = units[place].matched or frozenset()
        home = next((wide for wide in widest if (units[wide].matched or frozenset()) <= matched), None)
        if home is None:
            widest[place] = [place]
        else:
            widest[home].append(place)
    yield from widest.values()


def _class(index: int, account: str, units: list[Unit]) -> ResourceClass:
    first = units[0]
    container = first.container
    if container is None:
        return ResourceClass(index, "*", "*", "", account, "", (), open=True, owner="*")
    if first.matched is not None:
        return ResourceClass(
            index, first.shown, first.arn, container.type, account, container.region, (), contents=True,
            owner=container.arn,
        )  # fmt: skip
    arns = tuple(unit.arn for unit in units)
    pattern = first.arn if len(arns) == 1 else _common_start(arns) + "*"
    return ResourceClass(index, pattern, first.arn, container.type, account, container.region, arns, owner=first.arn)


def _common_start(texts: tuple[str, ...]) -> str:
    same = takewhile(lambda characters: len(set(characters)) == 1, zip(*texts, strict=False))
    return "".join(characters[0] for characters in same)
