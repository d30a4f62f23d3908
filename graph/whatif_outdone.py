"""Of the rows that somebody's holders have in one container, those that make a difference to what a change does there.

Where a role may read all of a bucket, and the principal comes to it by a way that is no worse, it says nothing that
another role may read ``in/*``: neither before the change nor after it. Such rows are left out before it is looked for
where patterns cross, which takes the longer the more different patterns there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from graph.whatif_held import Held
from graph.whatif_rows import Cost, done_by
from graph.whatif_sides import Side, Sides


class _Gives(NamedTuple):
    """What a row gives on one side: actions, those of what is taken away, and those that are Allowed; the cost of the
    best of all its ways, and of the best that is Allowed."""

    actions: int
    given: int
    sure: int
    sure_given: int
    best: Cost
    best_sure: Cost


#: Behind every way that there is.
_LAST: Cost = (2, 0, ())
_NOTHING = _Gives(0, 0, 0, 0, _LAST, _LAST)


class _Row(NamedTuple):
    """A row, before and after. ``plain``: which of its ways are of what is taken away hangs on no resource's name."""

    before: _Gives
    after: _Gives
    holders: tuple[int, ...]
    plain: bool


class Outdone:
    """Tells rows that others outdo. ``listed`` says what rows give together (``graph.whatif_stored``)."""

    def __init__(self, sides: Sides, listed: Callable[[Sequence[int]], list[Held]]) -> None:
        self._sides = sides
        self._listed = listed
        self._rows: dict[int, _Row] = {}
        self._known: dict[tuple[int, frozenset[tuple[int, int]]], dict[int, int]] = {}

    def left(self, by_row: Mapping[int, int], whole: int) -> dict[int, int]:
        """Of the rows of a container, given with the parts where they hold as a set, those that are not outdone;
        ``whole`` are all parts."""
        key = (whole, frozenset(by_row.items()))
        found = self._known.get(key)
        if found is None:
            rows = [(number, bits, self._row(number)) for number, bits in by_row.items()]
            found = self._known[key] = {one[0]: one[1] for one in rows if not _outdone(one, rows, whole)}
        return found

    def _row(self, number: int) -> _Row:
        found = self._rows.get(number)
        if found is None:
            held = self._listed((number,))
            before, after = (_gives(side, held) for side in (self._sides.before, self._sides.after))
            holders = tuple([one.holder.index for one in held])
            plain = not any(one.rights.related and one.rights.names for one in held)
            found = self._rows[number] = _Row(before, after, holders, plain)
        return found


def _gives(side: Side, held: Sequence[Held]) -> _Gives:
    found = [side.way(one.holder, one.rights) for one in held]
    ways = [way for way in found if way is not None]
    if not ways:
        return _NOTHING
    sure = [way for way in ways if way.allowed]
    return _Gives(
        done_by(ways),
        done_by(way for way in ways if way.given),
        done_by(sure),
        done_by(way for way in sure if way.given),
        min(way.cost for way in ways),
        min((way.cost for way in sure), default=_LAST),
    )


#: A row by its number, with the parts where it holds.
_Placed = tuple[int, int, _Row]


def _outdone(one: _Placed, rows: Sequence[_Placed], whole: int) -> bool:
    """Whether others, which hold in all of the contents, give the same on both sides, for certain by better ways.

    One that has a part less is not wider: it may be denied something that crosses all parts where this one holds.
    """
    row = one[2]
    if not row.plain:
        return False
    wider = [other for other in rows if other is not one and other[1] == whole and other[2].plain]
    return _covered(one, [(other, other[2].before) for other in wider], row.before) and _covered(
        one, [(other, other[2].after) for other in wider], row.after
    )


def _covered(one: _Placed, wider: Iterable[tuple[_Placed, _Gives]], mine: _Gives) -> bool:
    """Whether on one side all that a row gives there is given by others of these, better."""
    actions, given = mine.actions, mine.given
    for other, theirs in wider:
        if (actions & theirs.sure or given & theirs.sure_given) and _before(other, theirs, one, mine):
            actions &= ~theirs.sure
            given &= ~theirs.sure_given
    return not actions and not given


def _before(other: _Placed, theirs: _Gives, one: _Placed, mine: _Gives) -> bool:
    """Whether the best way of one row comes before all ways of another; of the same ways the row that holds in more
    parts, or has the lower number, does."""
    if theirs.best_sure != mine.best:
        return theirs.best_sure < mine.best
    return other[2].holders == one[2].holders and (other[1] != one[1] or other[0] < one[0])
