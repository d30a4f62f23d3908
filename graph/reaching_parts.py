"""Which parts of a container's contents an answer tells of: those of which a wider one's row would not be true."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import TypeVar

from graph.classes import ResourceClass
from graph.globs import globs_in, tested

#: What is told of a part, to be compared.
_Told = TypeVar("_Told")


def told_apart(around: Sequence[AbstractSet[int]], told: Sequence[_Told], nothing: _Told) -> dict[int, list[int]]:
    """The parts of one container to tell of, by place, the widest first, each with the narrowest wider ones that are
    told of too. ``around`` are the wider ones of each part; ``told`` says what is so of it. Of one that nothing wider
    covers, nothing is told where it is ``nothing``. A reader takes a pattern's row for all that it matches, but for
    narrower rows (U5).
    """
    shown: dict[int, list[int]] = {}
    for place in sorted(range(len(around)), key=lambda place: (len(around[place]), place)):
        wider = [other for other in around[place] if other in shown]
        nearest = [one for one in wider if not any(one in around[other] for other in wider)]
        if any(told[one] != told[place] for one in nearest) or (not nearest and told[place] != nothing):
            shown[place] = nearest
    return shown


def wider_parts(parts: Sequence[ResourceClass]) -> tuple[frozenset[int], ...]:
    """For each part of one container the wider ones: their patterns match what it is decided on, and not the other way
    round."""
    start = len(parts[0].owner)
    shape = [(tuple(glob[start:] for glob in one.pattern.split(" ∩ ")), one.representative[start:]) for one in parts]
    return _wider(tuple(shape))


#: An owner in place of all others: which parts are wider hangs on what lies behind it alone.
_OWNER = "arn:aws:s3:::b"


@lru_cache(maxsize=1 << 14)
def _wider(parts: tuple[tuple[tuple[str, ...], str], ...]) -> tuple[frozenset[int], ...]:
    tests = [[tested(glob) for rest in rests for glob in globs_in(_OWNER + rest)] for rests, _ in parts]
    texts = [_OWNER + text for _, text in parts]
    covers = [{place for place, text in enumerate(texts) if all(test(text) for test in some)} for some in tests]
    return tuple(
        frozenset(wide for wide in range(len(parts)) if place in covers[wide] and wide not in covers[place])
        for place in range(len(parts))
    )
