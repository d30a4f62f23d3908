"""What a process that answers questions for days keeps: for how long, and out of sight of the collector of cycles."""

from __future__ import annotations

import gc
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Generic, TypeVar

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


@contextmanager
def undisturbed() -> Iterator[None]:
    """Makes many objects that stay: the collector, which would look at all of them again and again, has to wait."""
    runs = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if runs:
            gc.enable()


def keep() -> None:
    """Keeps what there is from the collector: a look at a large organisation takes half a second of an answer.

    What was kept before is looked at once, so that a build which nobody asks any more goes when the next one comes.
    """
    if gc.get_freeze_count():
        gc.unfreeze()
        gc.collect()
    gc.freeze()


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
