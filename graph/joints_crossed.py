"""Joints that one principal alone has: where in the contents of a container what several of its roles give crosses.

Each role holds there what it holds on its own part (``graph.crossings``), in either build.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from graph.classes import ResourceClass
from graph.crossings import crossing, patterns_may_cross
from graph.deciding import Outcome
from graph.sides import Held, Joint

#: What is held before and after.
Both = tuple[list[Held], list[Held]]


def may_cross(parts: Sequence[Joint]) -> bool:
    """Whether patterns of some parts of one container may cross."""
    return len(parts) > 2 and patterns_may_cross(_classes(parts))


def crossed_joints(
    parts: Sequence[Joint], held: Iterable[tuple[bool, int, Held]], said: Callable[[Outcome], str]
) -> Iterator[tuple[Joint, Both]]:
    """Joints more with what is held there. ``parts`` are all of one container, ``held`` what a principal comes to: (in
    the new build, on which part, what); ``said`` tells outcomes apart."""
    regions: defaultdict[tuple[int, tuple[str, ...], str], int] = defaultdict(int)
    one_of: dict[tuple[int, tuple[str, ...], str], Held] = {}
    for new, place, one in held:
        key = (one.subject * 2 + new, one.actions, said(one.outcome))
        regions[key] |= 1 << place
        one_of.setdefault(key, one)
    whole = (1 << len(parts)) - 1
    some = [(who, bits) for (who, *_), bits in regions.items()]
    for part, there in crossing(_classes(parts), some):
        both: Both = ([], [])
        for key, bits in regions.items():
            if bits == whole or bits in there:
                both[key[0] % 2].append(one_of[key])
        joint = replace(
            parts[0],
            pattern=part.pattern,
            representative=part.representative,
            members=(part.pattern,),
            old=None,
            new=None,
            crossed=True,
        )
        yield joint, both


def _classes(parts: Sequence[Joint]) -> list[ResourceClass]:
    return [
        ResourceClass(
            place, one.pattern, one.representative, one.type, one.account, "", (), contents=True, owner=one.container
        )
        for place, one in enumerate(parts)
    ]
