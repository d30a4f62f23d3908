"""Sets of small numbers as whole numbers, bit ``n`` for the number ``n``: joined, met and split a machine word at a
time."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


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
    if bits.bit_length() <= 64 or bits.bit_count() <= 8:
        found = []
        while bits:
            low = bits & -bits
            found.append(low.bit_length() - 1)
            bits ^= low
        return found
    raw = np.frombuffer(bits.to_bytes((bits.bit_length() + 7) // 8, "little"), dtype=np.uint8)
    numbers: list[int] = np.flatnonzero(np.unpackbits(raw, bitorder="little")).tolist()
    return numbers


def first(bits: int) -> int:
    """The smallest number of a set that is not empty."""
    return (bits & -bits).bit_length() - 1


def split(groups: list[int], bits: int) -> list[int]:
    """Each group cut in what is in ``bits`` and what is not, empty parts left out."""
    if not bits:
        return groups
    found: list[int] = []
    for group in groups:
        inside = group & bits
        if inside and inside != group:
            found += (inside, group ^ inside)
        else:
            found.append(group)
    return found
