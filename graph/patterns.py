"""Sets of actions as the few patterns that say the same: a Grant shows these, never thousands of names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache

from policy.actions import catalogue


def minimal(actions: Iterable[str]) -> tuple[str, ...]:
    """The patterns that, among all actions of AWS, match exactly ``actions``: few and short, sorted.

    A service whose every action is in the set is ``service:*``; otherwise words shared by all actions that begin with
    them become ``service:Get*``.
    """
    by_service: defaultdict[str, set[str]] = defaultdict(set)
    for action in actions:
        service, _, name = action.partition(":")
        by_service[service].add(name)
    return tuple(
        pattern for service in sorted(by_service) for pattern in _of_service(service, frozenset(by_service[service]))
    )


@lru_cache(maxsize=4096)
def _of_service(service: str, names: frozenset[str]) -> tuple[str, ...]:
    others = _names(service) - names
    if not others:
        return (f"{service}:*",)
    found: list[str] = []
    left = sorted(names)
    while left:
        prefix = _widest(left[0], others)
        covered = {name for name in left if name.startswith(prefix)} or {left[0]}
        found.append(f"{service}:{prefix}*" if len(covered) > 1 else f"{service}:{left[0]}")
        left = [name for name in left if name not in covered]
    return tuple(found)


def _widest(name: str, others: frozenset[str]) -> str:
    """The shortest beginning of ``name`` that ends before a capital letter and no other action shares."""
    for length in range(1, len(name)):
        if name[length].isupper() and not any(other.startswith(name[:length]) for other in others):
            return name[:length]
    # Nothing begins with this: the name itself, alone.
    return name + "\0"


@lru_cache(maxsize=512)
def _names(service: str) -> frozenset[str]:
    return frozenset(action.partition(":")[2] for action in catalogue().expand(f"{service}:*"))
