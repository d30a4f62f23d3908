"""Accounts of which it is known who beyond them may have access: one is resolved without looking through everybody.

What an earlier build found of it holds where nothing of the account changed but documents of principals, and who
changed since is looked at anew (``graph.earlier``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from graph.accounts import Accounts
from graph.allowing import Allowing
from graph.assume import Assuming
from graph.candidates import Beyond, Candidates
from graph.deciding import Decider
from graph.partition import Lent
from graph.subjects import Subject, Subjects
from model.inventory import Inventory, InventoryData
from policy.assemble import Assembler
from policy.targets import Place

NOBODY_BEYOND = Beyond()


class _Known(Candidates):
    def __init__(self, assembler: Assembler, subjects: Subjects, lent: Iterable[Lent]) -> None:
        super().__init__(assembler, subjects)
        self._lent = {row.arn: row for row in lent}

    def beyond(self, place: Place) -> Beyond:
        row = self._lent.get(place.target.arn)
        if row is None:
            return NOBODY_BEYOND
        reached = {index: self._subjects.all[index] for index in row.reached}
        return Beyond(reached, row.everyone, frozenset(row.names), row.unnamed)


class _Chosen(Allowing):
    """Whoever is named was chosen for what its policies may allow; there is nobody else."""

    def those(self, subjects: Iterable[Subject], arn: str, service: str, inside: str) -> Iterator[Subject]:  # noqa: ARG002 - the answer is known
        return iter(subjects)

    def on(self, arn: str, service: str, inside: str = "") -> dict[int, Subject]:  # noqa: ARG002 - as above
        return {}


def known_accounts(data: InventoryData, subjects: Subjects, lent: Iterable[Lent]) -> Accounts:
    """Accounts with what is lent in them, ``reached`` included; those alone may be resolved."""
    assembler = Assembler(Inventory(data))
    candidates, assuming = _Known(assembler, subjects, lent), Assuming(Decider(assembler), subjects)
    accounts = Accounts(assembler, subjects, candidates, assuming)
    accounts.shared.allowing = _Chosen(assembler, tuple)
    return accounts
