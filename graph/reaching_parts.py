"""Which parts of a container's contents an answer tells of: those of which a wider one's row would not be true."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache, reduce
from itertools import chain
from operator import and_
from typing import TypeVar

import numpy as np

from graph.bits import members
from graph.classes import ResourceClass
from graph.covering import matching
from graph.globs import globs_in

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
        mine, above = told[place], [other for other in around[place] if other in shown]
        if all(told[other] == mine for other in above) and (above or mine == nothing):
            continue  # whichever of them are the narrowest
        wider = narrowest_parts(above, around)
        if any(told[one] != mine for one in wider) or not wider:
            shown[place] = wider
    return shown


def narrowest_parts(some: Sequence[int], around: Sequence[AbstractSet[int]]) -> list[int]:
    """Those of some parts that none of the others is inside of; ``around`` are the wider ones of each part."""
    further = frozenset().union(*[around[one] for one in some])
    return [one for one in some if one not in further]


#: Of each part of one container the patterns that people are shown for it, and what it is decided on, both as they lie
#: behind its ARN.
Shape = tuple[tuple[tuple[str, ...], str], ...]


def shape_of(parts: Sequence[ResourceClass]) -> Shape:
    """The parts of one container without its name."""
    start = len(parts[0].owner)
    return tuple(
        [(tuple(glob[start:] for glob in one.pattern.split(" ∩ ")), one.representative[start:]) for one in parts]
    )


def wider_parts(parts: Sequence[ResourceClass]) -> tuple[frozenset[int], ...]:
    """For each part of one container the wider ones: their patterns match what it is decided on, and not the other way
    round."""
    return wider(shape_of(parts))


#: An owner in place of all others: which parts are wider hangs on what lies behind it alone.
_OWNER = "arn:aws:s3:::b"


@lru_cache(maxsize=1 << 14)
def wider(shape: Shape) -> tuple[frozenset[int], ...]:
    """As ``wider_parts``."""
    globs = [globs_behind(rests) for rests, _ in shape]
    distinct = [*dict.fromkeys(chain.from_iterable(globs))]
    rows = np.packbits(matching(distinct, [text for _, text in shape]), axis=1, bitorder="little")
    raw, width = rows.tobytes(), rows.shape[1]
    matched = {
        glob: int.from_bytes(raw[row * width : (row + 1) * width], "little") for row, glob in enumerate(distinct)
    }
    inside = [reduce(and_, [matched[glob] for glob in some]) for some in globs]
    around: list[list[int]] = [[] for _ in shape]
    for place, bits in enumerate(inside):
        for other in members(bits & ~(1 << place)):
            if not inside[other] >> place & 1:
                around[other].append(place)
    return tuple(map(frozenset, around))


def globs_behind(rests: Iterable[str]) -> list[str]:
    """The globs of patterns as people are shown them, both as they lie behind the container's ARN."""
    return [glob for rest in rests for glob in _globs_behind(rest)]


@lru_cache(maxsize=1 << 16)
def _globs_behind(rest: str) -> list[str]:
    """The globs of a pattern as people are shown it, both as they lie behind the container's ARN."""
    return [glob[len(_OWNER) :] for glob in globs_in(_OWNER + rest)]
