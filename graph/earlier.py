"""What a build takes over from an earlier one: accounts whose resolution cannot have changed.

An account is taken over when nothing that its task reads differs: its resources (their files, byte by byte), what all
tasks read, what is its own of the organisation (``graph.inputs``), and every principal that may have access in it. Of
other accounts those are who changed since and whom something here lets in, by their old documents or by their new ones.
What lets whom in is in the table ``lent``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from graph import generations
from graph.allowing import OWN_POLICIES
from graph.clock import tells_apart
from graph.engines import resources_in
from graph.inputs import Comparison, Difference
from graph.lending import Lending
from graph.partition import Lent
from graph.store import StoreError
from graph.subjects import Listed
from graph.table_format import BY_ACCOUNT, INVENTORY_FOLDER, TablesError
from graph.tables import Tables
from graph.touched import Touched
from graph.versions import maker
from graph.world import World
from model.errors import InventoryError
from model.load_account import decode_resources

if TYPE_CHECKING:
    from graph.stored import Numbers


@dataclass(frozen=True)
class Plan:
    """``taken`` are the accounts that are taken over, with their numbers in ``tables``.

    ``known`` are accounts in which documents of principals changed alone: what is lent in them, with who is reached
    now. ``numbers``: the new number of each subject of ``tables``, -1 for none; ``None``: they have the same.
    """

    tables: Tables
    taken: Mapping[str, int]
    known: Mapping[str, list[Lent]]
    numbers: Numbers | None


def earlier_build(home: Path) -> Tables | None:
    """The build of a home to take over from: the current one, else the newest that this version made."""
    try:
        folders = [generations.current(home)]
    except StoreError:
        folders = []
    folders += [generations.folder_of(home, name) for name in reversed(generations.built(home))]
    for folder in dict.fromkeys(folders):
        try:
            tables = Tables(folder)
        except TablesError:
            continue
        if tables.info.maker == maker():
            return tables
    return None


def plan(home: Path, world: World, listed: list[Listed], folder: Path) -> Plan | None:
    """What a build may take over, ``None`` for nothing. ``folder`` has its resources, ``world`` all the rest.

    An earlier build that is damaged is none.
    """
    tables = earlier_build(home)
    if tables is None:
        return None
    try:
        for name in BY_ACCOUNT:  # now, while there is another way
            tables.batch(name, len(tables.accounts) - 1)
        tables.batch("actions", 0)
        return _Planning(tables, world, listed, folder).plan()
    except (TablesError, InventoryError, OSError):
        return None


class _Planning:
    def __init__(self, tables: Tables, world: World, listed: list[Listed], folder: Path) -> None:
        self._tables = tables
        self._folder = folder
        self._listed = tables.listed(), listed
        self._old, self._new = World(tables.inventory, self._listed[0]), world
        self._accounts = world.resolver.accounts

    def plan(self) -> Plan | None:
        difference = Comparison(self._old, self._new, self._listed).difference()
        if difference is None:
            return None
        lending = Lending(self._tables)
        touched = Touched(lending, self._old, self._new, self._listed, difference)
        if touched.too_many:
            return None
        known: dict[str, list[Lent]] = {}
        taken: dict[str, int] = {}
        numbers = self._numbers()
        for account, number in self._alike(difference):
            several = touched.by_account.get(account)
            if several is None:
                if numbers is None or self._all_there(number, numbers):
                    taken[account] = number
            elif all(one.kind in OWN_POLICIES for one in several):
                known[account] = list(touched.lent(number, numbers))
        return Plan(self._tables, taken, known, numbers)

    def _alike(self, difference: Difference) -> Iterator[tuple[str, int]]:
        """The accounts of which nothing changed but documents of principals, with their numbers in the old tables."""
        numbers = {account: number for number, account in enumerate(self._tables.accounts)}
        moments = self._old.assembler.now, self._new.assembler.now
        clocked = self._tables.batch("accounts", 0).column("clocked").to_pylist()
        left = [one for one in self._accounts if one in numbers and one not in difference.accounts]
        with ThreadPoolExecutor() as pool:  # most of this is waiting for the disk
            same = list(pool.map(self._same_resources, left))
        for account in (account for account, alike in zip(left, same, strict=True) if alike):
            number = numbers[account]
            resources = decode_resources(resources_in(self._folder, account)) if clocked[number] else ()
            if not any(one.policy and tells_apart(one.policy, *moments) for one in resources):
                yield account, number

    def _same_resources(self, account: str) -> bool:
        old = self._tables.folder / INVENTORY_FOLDER
        return resources_in(self._folder, account) == resources_in(old, account)

    # -- other numbers of subjects

    def _numbers(self) -> Numbers | None:
        before, after = self._listed
        if before == after:
            return None
        new = {one: number for number, one in enumerate(after)}
        return np.array([new.get(one, -1) for one in before], dtype=np.int32)

    def _all_there(self, number: int, numbers: Numbers) -> bool:
        """Whether everybody who is in the tables of an account has a number still."""
        columns = [
            self._tables.batch("holders", number).column("subjects").values,
            self._tables.batch("lent", number).column("reached").values,
            *(self._tables.batch("steps", number).column(name) for name in ("source", "target")),
        ]
        return all(bool((numbers[column.to_numpy()] >= 0).all()) for column in columns)
