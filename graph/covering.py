"""Which globs match which texts, each pair asked once for all containers of an organisation.

Thousands of containers are parted by the same few patterns in other combinations.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from graph.globs import plain, start_of, tested

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: So many pairs are kept, a byte each.
_MOST = 1 << 24


class _Known:
    """Pairs that were asked: 1 where the glob matches the text, 0 where not, -1 where nobody asked."""

    def __init__(self) -> None:
        self.globs: dict[str, int] = {}
        self.texts: dict[str, int] = {}
        self.pairs: NDArray[np.int8] = np.empty((0, 0), dtype=np.int8)

    def take_in(self, globs: Sequence[str], texts: Sequence[str]) -> tuple[list[int], list[int]]:
        """The rows of these globs and the columns of these texts."""
        rows = [self.globs.setdefault(glob, len(self.globs)) for glob in globs]
        columns = [self.texts.setdefault(text, len(self.texts)) for text in texts]
        height, width = self.pairs.shape
        if len(self.globs) > height or len(self.texts) > width:
            larger = max(height, 2 * len(self.globs)), max(width, 2 * len(self.texts))
            pairs = np.full(larger, -1, dtype=np.int8)
            pairs[:height, :width] = self.pairs
            self.pairs = pairs
        return rows, columns

    @property
    def full(self) -> bool:
        return len(self.globs) * len(self.texts) > _MOST


_known = _Known()
_lock = Lock()


def matching(globs: Sequence[str], texts: Sequence[str]) -> NDArray[np.bool_]:
    """Of each glob, in a row, which texts it matches."""
    numbers = {glob: number for number, glob in enumerate(dict.fromkeys(globs))}
    return _matching([*numbers], texts)[[numbers[glob] for glob in globs]]


def _matching(globs: Sequence[str], texts: Sequence[str]) -> NDArray[np.bool_]:
    """As ``matching``, of globs of which each is there once."""
    global _known
    with _lock:
        if _known.full:
            _known = _Known()
        rows, columns = _known.take_in(globs, texts)
        found = _known.pairs[np.ix_(rows, columns)]
        unknown = found < 0
        if unknown.any():
            order = sorted(range(len(texts)), key=texts.__getitem__)
            ordered = [texts[column] for column in order]
            for row in np.flatnonzero(unknown.any(axis=1)).tolist():
                asked = unknown[row]
                found[row, asked] = 0
                test, first, last = tested(globs[row]), *_beginning(ordered, plain(start_of(globs[row])))
                for column in order[first:last]:
                    if asked[column] and test(texts[column]):
                        found[row, column] = 1
            _known.pairs[np.ix_(rows, columns)] = found
    return found.astype(np.bool_)


def _beginning(ordered: Sequence[str], start: str) -> tuple[int, int]:
    """Where the texts lie that begin with ``start``, among texts in order."""
    first = bisect_left(ordered, start)
    return first, bisect_left(ordered, True, first, key=lambda text: not text.startswith(start))
