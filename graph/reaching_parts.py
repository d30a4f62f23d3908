"""Which parts of a container's contents an answer tells of: those of which a wider one's row would not be true."""

from __future__ import annotations

from collections.abc import Sequence

from graph.classes import ResourceClass
from graph.globs import globs_in, tested

#: What a class tells by level, to be compared.
Told = Sequence[int]


def told_apart(parts: Sequence[ResourceClass], told: Sequence[Told], nothing: Told) -> dict[int, list[int]]:
    """The parts of one container to tell of, by place in ``parts``, the widest first, each with the narrowest wider
    ones that are told of too. ``told`` says what is so of each part; of one that nothing wider covers, nothing is told
    where it is ``nothing``. A reader takes a pattern's row for all that it matches, but for narrower rows (U5).
    """
    around = _around(parts)
    shown: dict[int, list[int]] = {}
    for place in sorted(range(len(parts)), key=lambda place: (len(around[place]), place)):
        wider = [other for other in around[place] if other in shown]
        nearest = [one for one in wider if not any(one in around[other] for other in wider)]
        if any(told[one] != told[place] for one in nearest) or (not nearest and told[place] != nothing):
            shown[place] = nearest
    return shown


def _around(parts: Sequence[ResourceClass]) -> list[set[int]]:
    """For each part the wider ones: their patterns match what it is decided on, and not the other way round."""
    tests = [[tested(glob) for glob in globs_in(part.pattern)] for part in parts]
    covers = [
        {other for other, part in enumerate(parts) if all(test(part.representative) for test in some)} for some in tests
    ]
    return [
        {wide for wide in range(len(parts)) if place in covers[wide] and wide not in covers[place]}
        for place in range(len(parts))
    ]
