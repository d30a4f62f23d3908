"""Work that makes many objects and next to no cycles: it is done faster while the collector does not look at them."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Leaves cycles alone; measured on large accounts the collector takes a third of the time. What is not in cycles
    goes at once as ever, and afterwards the collector goes on."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
