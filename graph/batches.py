"""Which accounts are resolved together: those that have something for everybody, who is then decided about once."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence

from graph.engines import FEW_PARTS
from graph.naming import named_by
from graph.subjects import Mentioned
from graph.trusts import hides
from graph.world import World
from model.entities import Role

#: So many accounts are held in memory at once, and so many bytes of their resources.
_MOST = 32
_ROOM = 1 << 24
#: An account of so many is resolved by itself.
_LARGE = _ROOM // 8
#: Towards the end batches become smaller, so that no process is left with a long one: each is so small a share of what
#: is left.
_SHARE = 4


def open_accounts(world: World, of_resources: Mentioned) -> frozenset[str]:
    """The accounts with a resource or role that everybody may be let at, as far as texts tell."""
    return of_resources.everybody | {role.account for role in world.inventory.data.roles if _is_open(world, role)}


def _is_open(world: World, role: Role) -> bool:
    if not hides(role.trust):
        return False
    document = world.assembler.ref(f"{role.arn}#trust", role.trust).document
    return document is None or (named_by(document).everyone and world.candidates.serves_members(document))


def batches(
    accounts: Sequence[str], together: Collection[str], alike: Callable[[str], Hashable], size: Callable[[str], int]
) -> Iterator[tuple[str, ...]]:
    """Accounts, those that are better resolved ``together`` first and in batches, where ``alike`` ones are next to each
    other; ``size`` is an account's, in bytes."""
    together = {account for account in together if size(account) <= _LARGE}
    groups: defaultdict[Hashable, list[str]] = defaultdict(list)
    for account in accounts:
        if account in together:
            groups[alike(account)].append(account)
    left = deque(account for group in groups.values() for account in group)
    few = len(accounts) < FEW_PARTS  # which one process resolves
    while left:
        most = len(left) if few else max(1, min(_MOST, len(left) // _SHARE))
        batch = [left.popleft()]
        room = _ROOM - size(batch[0])
        while len(batch) < most and size(left[0]) <= room:
            batch.append(left.popleft())
            room -= size(batch[-1])
        yield tuple(batch)
    yield from ((account,) for account in accounts if account not in together)
