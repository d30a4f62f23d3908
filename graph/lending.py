"""What the accounts of a build lend to others, and by what name: the table ``lent`` as an index."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator
from typing import Any

import numpy as np

from graph.allowing import OWN_POLICIES, Allowing
from graph.columns import flags, numbers, places_of, texts
from graph.naming import STRANGER, names_of, written
from graph.partition import Lent
from graph.subjects import STRANGERS, Subject
from graph.table_format import arrow
from graph.tables import Tables
from graph.world import World

#: Whom "everybody" means (``Candidates.anybody``). An account as who asks is any of its principals.
_ANYBODY = (*OWN_POLICIES, "RootUser", "Anonymous", "Account", *STRANGERS)


class Lending:
    """What the accounts of a build lend, by whom it may be used. Rows are numbered through all accounts."""

    def __init__(self, tables: Tables) -> None:
        pa = arrow()
        batches = [tables.batch("lent", number) for number in range(len(tables.accounts))]
        self._table = pa.Table.from_batches(batches).combine_chunks()
        self._starts = np.concatenate([[0], np.cumsum([batch.num_rows for batch in batches])])
        self._of = np.repeat(np.arange(len(batches)), np.diff(self._starts))
        self._accounts = tables.accounts
        #: Rows that are for everybody, and those for whoever is of an account without a known canonical id.
        self.everyone, self.unnamed = (
            frozenset(np.flatnonzero(flags(self._column(name))).tolist()) for name in ("everyone", "unnamed")
        )

    def _column(self, name: str) -> Any:
        column = self._table.column(name)
        return column.chunk(0) if column.num_chunks else column.combine_chunks()

    def naming(self, names: Iterable[str]) -> dict[str, list[int]]:
        """The rows with each of these names."""
        import pyarrow.compute as pc

        column = self._column("names")
        places = np.flatnonzero(flags(pc.is_in(column.values, value_set=texts(list(names)))))
        rows = np.searchsorted(numbers(column.offsets), places, side="right") - 1
        found: defaultdict[str, list[int]] = defaultdict(list)
        for name, row in zip(column.values.take(places_of(places)).to_pylist(), rows.tolist(), strict=True):
            found[name].append(row)
        return found

    def unnaming(self, subject: Subject, known: Container[str]) -> set[int]:
        """The rows by which a subject may be let in without a name; ``known`` are accounts of known canonical ids."""
        if subject.kind not in _ANYBODY:
            return set()
        nameless = subject.account and subject.account not in known
        return {*self.everyone, *(self.unnamed if nameless else ())}

    def letting_in(self, subject: Subject, known: Container[str]) -> set[int]:
        """The rows that may let in a subject, of whatever account; ``known`` as for ``unnaming``."""
        names = {*names_of(subject), *((STRANGER,) if subject.kind == "Account" else ())}
        named = self.naming({*map(written, names)}).values()
        return self.unnaming(subject, known).union(*named)

    def elsewhere(self, subject: Subject, world: World) -> dict[str, list[tuple[str, str]]]:
        """By account what may let in a subject, listed or not, of another one: (type, ARN) of each resource that its
        policy, grants, shares or ACL may let it use, and that its own policies may let it (semantics L4, L7)."""
        found: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        rows = self.letting_in(subject, world.inventory.data.canonical_ids)
        for row in sorted(self.usable(rows, subject, world.resolver.shared.allowing)):
            arn, kind = self.resource(row)
            found[self.account(row)].append((kind, arn))
        return found

    def usable(self, rows: Iterable[int], subject: Subject, allowing: Allowing) -> set[int]:
        """Of some rows those of other accounts that a subject's own policies may let it use."""
        return {
            row
            for row in rows
            if self.account(row) != subject.account and allowing.may_use(subject, *self.resource(row))
        }

    def account(self, row: int) -> str:
        return self._accounts[int(self._of[row])]

    def resource(self, row: int) -> tuple[str, str]:
        """ARN and type."""
        return self._column("arn")[row].as_py(), self._column("type")[row].as_py()

    def of_account(self, number: int) -> Iterator[tuple[int, Lent]]:
        start = int(self._starts[number])
        several = self._table.slice(start, int(self._starts[number + 1]) - start).to_pylist()
        for row, one in enumerate(several, start):
            yield row, Lent(**{**one, "names": tuple(one["names"]), "reached": tuple(one["reached"])})
