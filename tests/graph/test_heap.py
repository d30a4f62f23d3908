"""Freeing memory and Ctrl-C."""

from __future__ import annotations

import gc
import os
import signal
import threading
import weakref

import pytest

from graph.heap import collect, uncollected


class _Ring:
    """Something in a cycle."""

    def __init__(self) -> None:
        self.me = self


def interrupting() -> weakref.ref[_Ring]:
    """A weak reference that interrupts this process when the collector frees what it is to."""
    gc.collect()
    return weakref.ref(_Ring(), lambda _: os.kill(os.getpid(), signal.SIGINT))


def test_ctrl_c_while_memory_is_freed_is_acted_on_afterwards() -> None:
    before = signal.getsignal(signal.SIGINT)
    reference = interrupting()
    with pytest.raises(KeyboardInterrupt):
        collect()
    assert reference() is None
    assert signal.getsignal(signal.SIGINT) is before


def test_nothing_happens_without_ctrl_c_nor_in_another_thread() -> None:
    collect()
    thread = threading.Thread(target=collect)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_collector_goes_on_after_the_last_of_those_that_work_without_it() -> None:
    seen: list[bool] = []
    first_ended, second_began = threading.Event(), threading.Event()

    @uncollected()
    def second() -> None:
        second_began.set()
        first_ended.wait(10)
        seen.append(gc.isenabled())

    thread = threading.Thread(target=second)
    with uncollected():
        thread.start()
        second_began.wait(10)
        with pytest.raises(ValueError, match="within"), uncollected():
            raise ValueError("within")
        seen.append(gc.isenabled())
    first_ended.set()
    thread.join()
    assert (seen, gc.isenabled()) == ([False, False], True)


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with uncollected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
