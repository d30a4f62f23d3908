"""Groups of numbers cut by many sets at once are what they are cut by one after the other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from graph.bits import Told, bits_of, members, refined, singled, split

NUMBERS = st.integers(0, 40)
SETS = st.lists(st.frozensets(NUMBERS, min_size=1), max_size=12, unique=True)
#: Groups have nothing in common.
GROUPS = st.lists(NUMBERS, max_size=30, unique=True).flatmap(
    lambda several: st.lists(st.integers(0, 3), min_size=len(several), max_size=len(several)).map(
        lambda places: [
            (bits_of(one for one, place in zip(several, places, strict=True) if place == group), 0)
            for group in set(places)
        ]
    )
)


@given(GROUPS, SETS)
def test_groups_are_refined_by_all_sets_as_by_each(groups: list[Told], several: list[frozenset[int]]) -> None:
    sets = {bits_of(one): 1 << number for number, one in enumerate(several)}
    wanted = groups
    for bits, number in sets.items():
        wanted = split(wanted, bits, number)
    assert sorted(refined(groups, sets)) == sorted(wanted)


@given(GROUPS, st.frozensets(NUMBERS))
def test_what_is_singled_out_is_by_itself(groups: list[Told], alone: frozenset[int]) -> None:
    wanted = groups
    for number in alone:
        wanted = split(wanted, 1 << number)
    found = singled(groups, bits_of(alone))
    assert sorted(found) == sorted(wanted)
    assert sorted(number for group, _ in found for number in members(group)) == sorted(
        number for group, _ in groups for number in members(group)
    )
