"""The sets of actions of a build, each once and numbered; they may go on from those of another build."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from graph.table_format import SCHEMAS, arrow


class ActionSets:
    """``earlier`` is the column of another build: its sets keep their numbers, whether they are still used or not."""

    def __init__(self, earlier: Any = None) -> None:
        self._earlier = earlier
        self._first = 0 if earlier is None else len(earlier)
        self._new: dict[tuple[str, ...], int] = {}
        self._known: dict[tuple[str, ...], int] = {}

    def number(self, actions: tuple[str, ...]) -> int:
        """The number of a set, a new one where it is new."""
        found = self._known.get(actions)
        if found is None:
            found = self._known[actions] = self._found(actions)
        return found

    def _found(self, actions: tuple[str, ...]) -> int:
        for place in self._alike.get((len(actions), sum(len(action.encode()) for action in actions)), ()):
            if tuple(self._earlier[place].as_py()) == actions:
                return place
        return self._first + self._new.setdefault(actions, len(self._new))

    @cached_property
    def _alike(self) -> Mapping[tuple[int, int], list[int]]:
        """The earlier sets by the numbers of their actions and of the bytes of these: few are ever read as text."""
        found: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        if self._first:
            offsets = self._earlier.offsets.to_numpy()
            texts = self._earlier.values
            bounds = np.frombuffer(texts.buffers()[1], dtype=np.int32)[texts.offset :][offsets]
            pairs = zip(np.diff(offsets).tolist(), np.diff(bounds).tolist(), strict=True)
            for place, pair in enumerate(pairs):
                found[pair].append(place)
        return found

    def column(self) -> Any:
        """All of them, in the order of their numbers."""
        pa = arrow()
        new = pa.array([list(actions) for actions in self._new], SCHEMAS(pa)["actions"].field(0).type)
        return new if self._earlier is None else pa.concat_arrays([self._earlier, new])
