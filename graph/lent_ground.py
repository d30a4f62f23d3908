"""What several accounts lend to principals of others, as one ground: whoever may use it is decided about once for all
of these accounts, not once for each.

Where many accounts have something for the whole organisation, everybody would otherwise be asked about in every one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence

import numpy as np

from graph.account_units import AccountUnits
from graph.bits import bits_of, places
from graph.ground import Ground
from graph.resolver import Held, Holding
from graph.subjects import Subject
from policy.assemble import Assembler


def alike(assembler: Assembler, account: str) -> Hashable:
    """Accounts that share this share a ground: members under the same RCPs, or one that is no member."""
    levels = assembler.guardrails("rcp", account)
    policies = tuple([tuple([ref.id for ref in level.policies]) for level in levels])
    return policies, "" if account in assembler.inventory.accounts else account


class LentGround:
    """The units of ``several`` accounts, which are ``alike``, that others may have access to. ``assembler`` knows
    whoever asks; what belongs to resources their own account's tells."""

    def __init__(self, assembler: Assembler, several: Sequence[AccountUnits]) -> None:
        self._several = several
        self.ground = Ground(
            assembler,
            several[0].account,
            [resource for one in several for resource in one.lent_resources],
            {arn: place for one in several for arn, place in one.places.items()},
            [one.units.all[place] for one in several for place in one.lent],
            assemblers={one.account: one.assembler for one in several},
        )
        own = {id(one.units.all[place]): (number, place) for number, one in enumerate(several) for place in one.lent}
        found = np.array([own[id(unit)] for unit in self.ground.units.all], dtype=np.int64).reshape(-1, 2)
        self._account, self._place = found[:, 0], found[:, 1]
        self._known: dict[int, dict[int, int]] = {}

    def askers(self) -> Iterator[tuple[Subject, Ground, int]]:
        """Whoever may have access, with the units where that may be: of other accounts than their own."""
        found: dict[int, tuple[Subject, int]] = {}
        for one in self._several:
            for arn, subjects in one.others():
                bits = self.ground.units.of_container(arn)
                for subject in subjects:
                    found[subject.index] = (subject, found.get(subject.index, (subject, 0))[1] | bits)
        for _, (subject, bits) in sorted(found.items()):
            yield subject, self.ground, bits

    def _by_account(self, units: int) -> dict[int, int]:
        """Units of the ground as those of each account that has some of them, by its place among the accounts."""
        found = self._known.get(units)
        if found is None:
            found = self._known[units] = self._divided(units)
        return found

    def _divided(self, units: int) -> dict[int, int]:
        if len(self._several) == 1:
            return {0: bits_of(self._place[places(units)].tolist())}
        chosen = places(units)
        each: defaultdict[int, list[int]] = defaultdict(list)
        for number, place in zip(self._account[chosen].tolist(), self._place[chosen].tolist(), strict=True):
            each[number].append(place)
        return {number: bits_of(some) for number, some in each.items()}

    def holdings(self, holding: Holding) -> list[Holding]:
        """What is held on the ground as what is held in each account, in their order."""
        found: list[list[tuple[list[Subject], Held]]] = [[] for _ in self._several]
        sets: list[dict[int, int]] = [{} for _ in self._several]
        for subjects, held in holding.held:
            here: defaultdict[int, Held] = defaultdict(dict)
            for content, bits in held.items():
                for number, own in self._by_account(bits).items():
                    here[number][content] = sets[number].setdefault(own, own)
            for number, mine in here.items():
                found[number].append((subjects, mine))
        return [Holding(holding.contents, one) for one in found]


def grounds(assembler: Assembler, several: Iterable[AccountUnits]) -> Iterator[tuple[LentGround, list[AccountUnits]]]:
    """The grounds of some accounts, each with those that share it; accounts that lend nothing are on none."""
    groups: defaultdict[Hashable, list[AccountUnits]] = defaultdict(list)
    taken: defaultdict[Hashable, set[str]] = defaultdict(set)
    for one in several:
        arns, number = {resource.arn for resource in one.lent_resources}, 0
        # What went from one account to another while these were read is in both.
        while not arns.isdisjoint(taken[alike(assembler, one.account), number]):
            number += 1
        if arns:
            taken[alike(assembler, one.account), number] |= arns
            groups[alike(assembler, one.account), number].append(one)
    for accounts in groups.values():
        yield LentGround(assembler, accounts), accounts
