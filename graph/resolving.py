"""The tables of a build: accounts that cannot have changed are taken over from an earlier one, the others resolved."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import partial
from pathlib import Path

from graph.batches import batches
from graph.builds import Report, no_report
from graph.earlier import plan
from graph.engines import FEW_PARTS, Engine, resources_in
from graph.known import known_accounts
from graph.lent_ground import alike
from graph.progress import Done
from graph.table_format import INVENTORY_FOLDER
from graph.table_writer import TableWriter
from graph.tasks import decode, encode_shared, resolved_in
from graph.world import World
from model.load_account import decode_resources
from model.sources import resources_path


class Resolving:
    """``folder`` has the inventory and gets the tables; ``work`` keeps what is done until the build is there.
    ``together`` are accounts that are sooner resolved together (``graph.batches``)."""

    def __init__(
        self,
        world: World,
        home: Path,
        folder: Path,
        work: Path,
        report: Report = no_report,
        *,
        together: Collection[str] = (),
    ) -> None:
        self._world = world
        self._together = together
        self._folder = folder
        self._inventory = folder / INVENTORY_FOLDER
        self._report = report
        self._accounts = world.resolver.accounts
        self._listed = world.listed
        self._plan = plan(home, world, self._listed, self._inventory)
        self.done = Done(work, self._listed, self._inventory)
        #: Policies that are none, with why.
        self.invalid: dict[str, str] = {}

    @property
    def taken(self) -> Mapping[str, int]:
        """The accounts that are taken over, with their numbers in the earlier build."""
        return {} if self._plan is None else self._plan.taken

    @property
    def earlier(self) -> str:
        """The snapshot of the earlier build, empty where nothing is taken over from one."""
        return "" if self._plan is None else self._plan.tables.info.snapshot

    def resolve(self, engine: Engine) -> None:
        """Resolves every account but those that are taken over; those of an interrupted build not again."""
        left = [account for account in self._accounts if account not in self.taken and account not in self.done]
        count, finished = len(self._accounts) + 1, len(self._accounts) - len(left)
        self._report("resolve", finished, count)
        for account, answer in self._resolved(engine, left):
            self.done.keep(account, answer)
            finished += 1
            self._report("resolve", finished, count)

    def _resolved(self, engine: Engine, left: list[str]) -> Iterator[tuple[str, bytes]]:
        data = self._world.inventory.data
        known = [] if self._plan is None else [account for account in left if account in self._plan.known]
        if self._plan is not None and 0 < len(known) < FEW_PARTS:
            lent = (row for account in known for row in self._plan.known[account])
            accounts = known_accounts(data, self._world.subjects, lent)
            for account in known:
                resources = decode_resources(resources_in(self._inventory, account))
                yield account, resolved_in(accounts, account, resources)
            left = [account for account in left if account not in known]
        if left:
            tasks = list(batches(left, self._together, partial(alike, self._world.assembler), self._size))
            yield from engine.resolve(encode_shared(data, self._listed), self._inventory, tasks)

    def _size(self, account: str) -> int:
        path = resources_path(self._inventory, account)
        return path.stat().st_size if path.exists() else 0

    def write(self) -> TableWriter:
        """The tables of all accounts, in the order of their numbers; whoever resolved each."""
        earlier = () if self._plan is None else (self._plan.tables, self._plan.numbers)
        writer = TableWriter(self._folder, *earlier)
        for number, account in enumerate(self._accounts):
            if account in self.taken:
                self.invalid.update(writer.take_over(self.taken[account]))
            else:
                partition, steps, invalid = decode(self.done.answer(account), self._world.subjects.all)
                self.invalid.update(invalid)
                writer.add(partition, steps, invalid)
            self._report("tables", number, len(self._accounts))
        writer.finish(self._world.subjects.all)
        return writer
