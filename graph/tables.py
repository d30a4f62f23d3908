"""The tables of a finished build, read when asked for (``graph.table_format`` says what they are)."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import msgspec
import numpy as np

from graph.classes import ResourceClass
from graph.columns import Lists, StoredActions
from graph.deciding import Outcome
from graph.keeping import Recent
from graph.partition import Grant
from graph.stored import StoredPartition
from graph.stored_steps import StoredSteps
from graph.subjects import Listed, Subjects
from graph.table_format import BUILD_FILE, INVENTORY_FOLDER, TABLES_VERSION, BuildInfo, TablesError, arrow
from model.errors import InventoryError
from model.inventory import Inventory
from model.sources import open_inventory

#: What was read of the tables of so many accounts stays.
_OPEN_ACCOUNTS = 128

__all__ = ["BuildInfo", "Tables", "TablesError"]


class Tables:
    """The tables of a finished build; damaged ones raise ``TablesError``, at the latest when they are needed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.info = self._info()
        self._files: dict[str, Any] = {}
        self._partitions: Recent[int, StoredPartition] = Recent(_OPEN_ACCOUNTS)

    @classmethod
    def unfinished(cls, folder: Path) -> Tables:
        """The tables of a build that is being made: all but what ``build.json`` says."""
        found = cls.__new__(cls)
        found.folder = folder
        found._files = {}
        found._partitions = Recent(_OPEN_ACCOUNTS)
        return found

    def _info(self) -> BuildInfo:
        path = self.folder / BUILD_FILE
        try:
            info = msgspec.json.decode(path.read_bytes(), type=BuildInfo)
        except (OSError, msgspec.MsgspecError) as error:
            raise TablesError(f"the build in `{self.folder}` cannot be read: {error}; run `grantmap build`") from error
        if info.version != TABLES_VERSION:
            raise TablesError(
                f"the build in `{self.folder}` is of version {info.version}, not {TABLES_VERSION}: run `grantmap build`"
            )
        return info

    @cached_property
    def inventory(self) -> Inventory:
        folder = self.folder / INVENTORY_FOLDER
        try:
            return open_inventory(folder)
        except (OSError, InventoryError) as error:
            raise TablesError(f"`{folder}` cannot be read: {error}; run `grantmap build`") from error

    # -- files

    def batch(self, name: str, number: int) -> Any:
        """The batch of a table (``graph.table_format``) with this number."""
        pa = arrow()
        try:
            if name not in self._files:
                self._files[name] = pa.ipc.open_file(pa.memory_map(str(self.folder / f"{name}.arrow")))
            return self._files[name].get_batch(number)
        except (OSError, ValueError, pa.ArrowException) as error:
            path = self.folder / f"{name}.arrow"
            raise TablesError(f"table `{path}` cannot be read: {error}; run `grantmap build`") from error

    # -- accounts

    @cached_property
    def parted(self) -> defaultdict[str, dict[tuple[int, int], Any]]:
        """What ``what-if`` knows of the containers of each account (``graph.whatif_parts``): little, and for good."""
        return defaultdict(dict)

    @cached_property
    def accounts(self) -> list[str]:
        """The accounts, in the order of their numbers."""
        found: list[str] = self.batch("accounts", 0).column(0).to_pylist()
        return found

    @cached_property
    def _number(self) -> dict[str, int]:
        return {account: number for number, account in enumerate(self.accounts)}

    @cached_property
    def _starts(self) -> list[int]:
        """The number of each account's first class; at the end how many there are."""
        counts = [self.batch("classes", number).num_rows for number in range(len(self.accounts))]
        return [0, *np.cumsum(counts).tolist()]

    @cached_property
    def action_sets(self) -> StoredActions:
        return StoredActions(self.batch("actions", 0).column(0))

    @property
    def action_column(self) -> Any:
        """As ``action_sets``, unread."""
        return self.batch("actions", 0).column(0)

    def partition(self, number: int) -> StoredPartition:
        """The account with this number."""
        return self._partitions.of(number, lambda: self._opened(number))

    def _opened(self, number: int) -> StoredPartition:
        return StoredPartition(
            self.accounts[number], self._starts[number], lambda name: self.batch(name, number), self.action_sets
        )

    def of_account(self, account: str) -> StoredPartition | None:
        """The partition of an account, ``None`` where the build has none."""
        number = self._number.get(account)
        return None if number is None else self.partition(number)

    @property
    def partitions(self) -> Iterator[StoredPartition]:
        return map(self.partition, range(len(self.accounts)))

    @cached_property
    def classes(self) -> Sequence[ResourceClass]:
        """Every class of every account, read when asked for."""
        return Classes(self)

    @property
    def holder_sets(self) -> int:
        """How many classes of principals there are: subjects of an account's partition that are decided alike."""
        return sum(len(partition.holders) for partition in self.partitions)

    # -- subjects

    @cached_property
    def _where(self) -> Lists:
        batch = self.batch("subjects", 0)
        return Lists(batch.column(batch.schema.get_field_index("where")))

    def with_grants_of(self, subject: int) -> Iterator[StoredPartition]:
        """The accounts that a subject holds something in directly."""
        return map(self.partition, self._where[subject].tolist())

    def accounts_with_grants_of(self, subjects: Iterable[int]) -> list[str]:
        """The accounts that some of these subjects hold something in directly."""
        found = [self._where[subject] for subject in subjects]
        return [self.accounts[number] for number in np.unique(np.concatenate(found)).tolist()] if found else []

    def grants_of(self, subject: int) -> list[Grant]:
        """The direct grants of one subject, one a class."""
        return [grant for partition in self.with_grants_of(subject) for grant in partition.grants_of(subject)]

    def grants_where(self, wanted: Callable[[Outcome], bool]) -> Iterator[Grant]:
        """The grants of anybody whose outcome is wanted, one a subject and class.

        ``wanted`` is asked about outcomes in which the resource itself is ``graph.partition.ITSELF``.
        """
        return (grant for partition in self.partitions for grant in partition.grants_where(wanted))

    def listed(self) -> list[Listed]:
        """The subjects, in the order of their numbers."""
        batch = self.batch("subjects", 0)
        columns = [batch.column(batch.schema.get_field_index(name)).to_pylist() for name in Listed._fields]
        return [Listed(*row) for row in zip(*columns, strict=True)]

    # -- steps

    def steps(self, subjects: Subjects) -> StoredSteps:
        """The steps between subjects; raises ``TablesError`` when they are not the subjects of this build."""
        keys = self.batch("subjects", 0).column(0).to_pylist()
        if keys != [subject.key for subject in subjects.all]:
            raise TablesError(f"the build in `{self.folder}` is of another version of grantmap: run `grantmap build`")
        return StoredSteps((self.batch("steps", number) for number in range(len(self.accounts))), subjects.all)


class Classes(Sequence[ResourceClass]):
    """The classes of a build, account by account."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def __len__(self) -> int:
        return self._tables._starts[-1]

    @overload
    def __getitem__(self, place: int) -> ResourceClass: ...
    @overload
    def __getitem__(self, place: slice) -> list[ResourceClass]: ...
    def __getitem__(self, place: int | slice) -> ResourceClass | list[ResourceClass]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        place %= len(self)
        partition = self._tables.partition(bisect_right(self._tables._starts, place) - 1)
        return partition.classes[place - partition.start]

    def __iter__(self) -> Iterator[ResourceClass]:
        for partition in self._tables.partitions:
            yield from partition.classes
