"""What a process that answers questions for days keeps of what it was asked."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class Recent(Generic[_Key, _Value]):
    """What was asked for last, so many of them; threads may share it."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._lock = Lock()
        self._known: OrderedDict[_Key, _Value] = OrderedDict()

    def of(self, key: _Key, make: Callable[[], _Value]) -> _Value:
        """What ``key`` stands for, made where it is not there; the one that was not asked for longest goes."""
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        made = make()
        with self._lock:
            found = self._known.setdefault(key, made)  # another thread may have been quicker
            self._known.move_to_end(key)
            while len(self._known) > self._count:
                self._known.popitem(last=False)
        return found

    def __len__(self) -> int:
        return len(self._known)
