"""Sets of small numbers as whole numbers, bit ``n`` for the number ``n``: joined, met and split a machine word at a
time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

#: A group of numbers, with the sum of the numbers (powers of two) of those sets that it was cut by and is in.
Told = tuple[int, int]

#: Fewer are handled one by one.
_FEW = 8


def bits_of(numbers: Iterable[int]) -> int:
    """The set of these numbers."""
    listed = list(numbers)
    if len(listed) > 64:
        flags = np.zeros(max(listed) + 1, dtype=bool)
        flags[listed] = True
        return int.from_bytes(np.packbits(flags, bitorder="little").tobytes(), "little")
    found = 0
    for number in listed:
        found |= 1 << number
    return found


def members(bits: int) -> list[int]:
    """The numbers of a set, in order."""
    if bits.bit_length() <= 64 or bits.bit_count() <= _FEW:
        found = []
        while bits:
            low = bits & -bits
            found.append(low.bit_length() - 1)
            bits ^= low
        return found
    numbers: list[int] = _numbers(bits).tolist()
    return numbers


def places(bits: int) -> NDArray[np.int32]:
    """The numbers of a set, in order, as a column: lists of them take nine times the memory."""
    if bits.bit_length() <= 64 or bits.bit_count() <= _FEW:
        return np.array(members(bits), dtype=np.int32)
    return _numbers(bits).astype(np.int32)


def images(bits: int, of: NDArray[np.int64]) -> int:
    """The set of what ``of`` has for each number of a set."""
    if bits.bit_count() <= _FEW:
        return bits_of({int(of[number]) for number in members(bits)})
    flags = np.zeros(int(of.max()) + 1, dtype=bool)
    flags[of[_numbers(bits)]] = True
    return int.from_bytes(np.packbits(flags, bitorder="little").tobytes(), "little")


def _numbers(bits: int) -> NDArray[np.int64]:
    raw = np.frombuffer(bits.to_bytes((bits.bit_length() + 7) // 8, "little"), dtype=np.uint8)
    return np.flatnonzero(np.unpackbits(raw, bitorder="little"))


def first(bits: int) -> int:
    """The smallest number of a set that is not empty."""
    return (bits & -bits).bit_length() - 1


def split(groups: list[Told], bits: int, number: int = 0) -> list[Told]:
    """Each group cut in what is in ``bits``, which ``number`` tells of it, and what is not; empty parts left out."""
    if not bits:
        return groups
    found: list[Told] = []
    for group, told in groups:
        inside = group & bits
        if not inside:
            found.append((group, told))
        elif inside == group:
            found.append((group, told | number))
        else:
            found += ((inside, told | number), (group ^ inside, told))
    return found


def refined(groups: list[Told], sets: Mapping[int, int]) -> list[Told]:
    """Each group cut by all of these sets, which their numbers tell of the parts. Sets of few are not looked for in
    every group: there can be thousands of both."""
    of_member: dict[int, int] = {}
    for bits, number in sets.items():
        if bits.bit_count() > _FEW:
            groups = split(groups, bits, number)
        else:
            for member in members(bits):
                of_member[member] = of_member.get(member, 0) | number
    few = bits_of(of_member)
    found: list[Told] = []
    for group, told in groups:
        inside = group & few
        if group != inside:
            found.append((group ^ inside, told))
        parts: dict[int, int] = {}
        for member in members(inside):
            number = of_member[member]
            parts[number] = parts.get(number, 0) | 1 << member
        found += [(bits, told | number) for number, bits in parts.items()]
    return found


def singled(groups: list[Told], bits: int) -> list[Told]:
    """Each group without what is in ``bits``, and each of these by itself."""
    found: list[Told] = []
    for group, told in groups:
        inside = group & bits
        if group != inside:
            found.append((group ^ inside, told))
        found += [(1 << member, told) for member in members(inside)]
    return found
