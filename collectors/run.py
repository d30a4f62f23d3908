"""A collection: one account or a whole organisation, read into one snapshot."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from collectors import iam, identity_center, organization, resources, shares
from collectors.access import enter
from collectors.calls import Asking, Stopped, Unit
from collectors.errors import CollectError, CollectInterrupted, CredentialsError
from collectors.limits import Limits
from collectors.options import CollectOptions, CollectResult, choices, resumed_options
from collectors.organization import account_status, entries
from collectors.progress import NoProgress, Progress
from collectors.registry import ASSUME_ROLE, DESCRIBE_ORGANIZATION, GET_SHARES, LIST_ACCOUNTS, LIST_REGIONS
from collectors.resource_table import REGIONAL
from collectors.session import DEFAULT_ROLE, Sessions
from model.entities import Gap
from model.errors import SnapshotError
from model.snapshot import GLOBAL, CallRecord, Drift, SnapshotAccount, SnapshotWriter, newest_incomplete

__all__ = ["CollectOptions", "CollectResult", "collect"]

_Work = Callable[[Unit], None]

_GLOBAL_COLLECTORS: dict[str, _Work] = {"iam": iam.collect, "s3": resources.collect_buckets}

#: Work under way: whether it opens an account, and which account it counts for (none for Identity Center).
_Pending = dict[Future[Sequence[str] | None], tuple[bool, str]]


@dataclass(frozen=True)
class _Known:
    """An account that the run knows of, from the organisation's list or as the caller's own."""

    id: str
    name: str = ""
    status: str = "ACTIVE"


def collect(options: CollectOptions, home: Path, progress: Progress | None = None) -> CollectResult:
    """Read AWS into a new snapshot in ``home`` (or into the one that is resumed).

    Raises ``CredentialsError``, ``CollectError`` or ``SnapshotError`` where the run cannot begin, and leaves nothing.
    ``CollectInterrupted`` on Ctrl-C, and the others later on, leave a snapshot to resume, as their message says.
    """
    resumed = newest_incomplete(home) if options.resume else None
    if options.resume and resumed is None:
        raise CollectError(f"nothing to resume in `{home}`: every snapshot there is complete")
    writer = SnapshotWriter(home, resumed) if resumed else None
    try:
        if writer is not None:
            options = resumed_options(options, writer.choices)
        sessions = Sessions(
            profile=options.profile,
            endpoint_url=options.endpoint_url,
            role_name=options.role_name or DEFAULT_ROLE,
            external_id=options.external_id,
            connections=2 * options.threads + 4,
            max_attempts=options.max_attempts,
        )
        identity = sessions.identify()
        account = sessions.caller.account
        for region in options.regions:
            if not sessions.knows(region):
                raise CollectError(f"unknown region `{region}` in partition `{sessions.partition}`")
        if writer is None:
            writer = SnapshotWriter(home, choices=choices(options) | {"account": account})
        elif writer.choices.get("account", account) != account:
            raise CollectError(
                f"snapshot `{writer.id}` was begun from account `{writer.choices['account']}`, "
                f"these credentials are of `{account}`"
            )
        return _Run(options, sessions, identity, writer, progress or NoProgress()).collect()
    finally:
        if writer is not None:
            writer.close()


class _Run:
    def __init__(
        self,
        options: CollectOptions,
        sessions: Sessions,
        identity: dict[str, Any],
        writer: SnapshotWriter,
        progress: Progress,
    ) -> None:
        self.options = options
        self.sessions = sessions
        self.caller = sessions.caller
        self.identity = identity
        self.writer = writer
        self.progress = progress
        self.stop = threading.Event()
        self.units = ThreadPoolExecutor(options.threads, "unit")
        # Units wait for their calls, so the calls have a pool that no unit can fill.
        calls = ThreadPoolExecutor(options.threads, "call")
        self.asking = Asking(sessions, Limits(sessions.endpoint_url), progress, calls, self.stop)
        self.accounts: dict[str, SnapshotAccount] = {}
        self.regions: set[str] = set()
        self.skipped: list[Gap] = []
        self.expected = 0
        self.chosen: set[str] = set()
        self.failure: BaseException | None = None

    def collect(self) -> CollectResult:
        self.progress.begin(self.writer.id)
        try:
            return self._collect()
        except KeyboardInterrupt:
            self._end()
            raise CollectInterrupted(f"stopped{self._what_is_kept()}") from None
        except (CredentialsError, SnapshotError) as error:
            self._end()
            raise type(error)(f"{error}{self._what_is_kept()}") from error
        finally:
            self._end()
            self.progress.end()

    def _end(self) -> None:
        self.stop.set()
        self.units.shutdown(cancel_futures=True)
        self.asking.pool.shutdown(cancel_futures=True)
        self.sessions.close()

    def _what_is_kept(self) -> str:
        if not self.writer.resumed and not self.writer.units:
            self.writer.discard()
            return ""
        return f"; snapshot `{self.writer.id}` keeps what was read, go on with `grantmap collect --resume`"

    def _collect(self) -> CollectResult:
        listed = self._records(self.caller.account, "organization", organization.collect)
        known = self._known_accounts(listed)
        self._read_accounts(self._choose(known), list(known))
        organization_id, management = _organization_ids(listed)
        manifest = self.writer.finish(
            source="aws",
            accounts=list(self.accounts.values()),
            regions=sorted(self.regions),
            caller=self.caller.arn,
            partition=self.caller.partition,
            organization=organization_id,
            management_account=management,
            skipped=self.skipped,
            drift=self._drift(listed),
        )
        return CollectResult(
            snapshot=manifest.id,
            accounts=len(manifest.accounts),
            ok=not manifest.gaps,
            gaps=manifest.gaps,
            skipped=manifest.skipped,
        )

    def _known_accounts(self, listed: Sequence[CallRecord]) -> dict[str, _Known]:
        accounts = {
            entry["Id"]: _Known(entry["Id"], entry.get("Name", ""), account_status(entry))
            for entry in entries(_of(listed, LIST_ACCOUNTS.name), "Accounts")
        }
        # The caller's own account first: Identity Center waits for its regions.
        own = accounts.pop(self.caller.account, _Known(self.caller.account))
        return {own.id: own} | dict(sorted(accounts.items()))

    def _choose(self, known: dict[str, _Known]) -> list[str]:
        """The accounts to read; the others are noted as skipped."""
        for account in self.options.accounts:
            if account not in known:
                self._end()
                if not self.writer.resumed:
                    self.writer.discard()
                raise CollectError(f"unknown account `{account}`; known: {', '.join(known)}")
        chosen = []
        for each in known.values():
            self.accounts[each.id] = SnapshotAccount(id=each.id, name=each.name, status=each.status, collected=False)
            if each.status != "ACTIVE":
                self.skipped.append(_passed_over(each.id, f"account is {each.status}"))
            elif self.options.accounts and each.id not in self.options.accounts:
                self.skipped.append(_passed_over(each.id, "account was not chosen"))
            else:
                chosen.append(each.id)
        self.chosen = set(chosen)
        return chosen

    def _read_accounts(self, chosen: Sequence[str], known: Sequence[str]) -> None:
        """Every account's own unit opens it and tells its regions; its other units follow."""
        own = self.caller.account
        left: dict[str, int] = {}
        pending: _Pending = {self.units.submit(self._open, account): (True, account) for account in chosen}
        self.expected = len(pending)
        if own not in chosen:
            # Identity Center is the caller's to read even where its own account was not chosen.
            pending[self.units.submit(self._open, own)] = (True, "")
        while pending:
            self.progress.expect(len(chosen), self.expected)
            done, _ = wait(pending, return_when=FIRST_COMPLETED)
            for future in done:
                opening, account = pending.pop(future)
                enabled = self._result(future)
                if opening and account in {"", own}:
                    pending[self._submit_identity_center(enabled or (), known)] = (False, "")
                if opening and account:
                    tasks = [] if enabled is None else list(self._tasks(account, enabled))
                    left[account] = len(tasks) + 1
                    for region, collector, work in tasks:
                        pending[self.units.submit(self._unit, account, region, collector, work)] = (False, account)
                    self.expected += len(tasks)
                if account:
                    left[account] -= 1
                    if not left[account]:
                        self.progress.account_done(account)

    def _result(self, future: Future[Sequence[str] | None]) -> Sequence[str] | None:
        """What the work answered; where it was stopped, what stopped it is raised."""
        try:
            return future.result()
        except (Stopped, CancelledError):
            raise self.failure or KeyboardInterrupt from None

    def _submit_identity_center(self, regions: Sequence[str], known: Sequence[str]) -> Future[Sequence[str] | None]:
        self.expected += 1

        def work(unit: Unit) -> None:
            identity_center.collect(unit, regions, known)

        return self.units.submit(self._unit, self.caller.account, GLOBAL, "identity_center", work)

    def _tasks(self, account: str, enabled: Sequence[str]) -> Iterator[tuple[str, str, _Work]]:
        """(region, collector, work) of an account, the longest first."""
        for collector, work in _GLOBAL_COLLECTORS.items():
            yield GLOBAL, collector, work
        for region in sorted(self.options.regions or enabled):
            if region not in enabled:
                self.skipped.append(_passed_over(account, "region is not enabled in the account", region))
                continue
            self.regions.add(region)
            for row in REGIONAL:
                if not self.sessions.lacks(row.list.service, region):
                    yield region, row.collector, resources.collect
            if not self.sessions.lacks(GET_SHARES.service, region):
                yield region, GET_SHARES.collector, shares.collect

    def _open(self, account: str) -> Sequence[str] | None:
        """Act in the account; returns its enabled regions, ``None`` where it cannot be entered."""
        try:
            return self._enter(account)
        except BaseException as error:
            self._fail(error)
            raise

    def _enter(self, account: str) -> Sequence[str] | None:
        if self.stop.is_set():
            raise Stopped
        entered = enter(self.asking, account, self.identity)
        if self.writer.has_unit(account, GLOBAL, "account"):
            before = _of(self.writer.read_unit(account, GLOBAL, "account"), LIST_REGIONS.name)
            if not (before and entered.answered):
                # Refused then or now: what was written of it is no longer true.
                self.writer.drop_unit(account, GLOBAL, "account")

        def work(unit: Unit) -> None:
            unit.keep(entered)
            if entered.answered:
                unit.ask(LIST_REGIONS, affects=f"account:{account}")

        records = self._records(account, "account", work)
        if not entered.answered:
            return None
        if account in self.chosen:
            role = "" if account == self.caller.account else self.sessions.role_arn(account)
            self.accounts[account] = msgspec.structs.replace(self.accounts[account], collected=True, role=role)
        answered = [record for record in _of(records, LIST_REGIONS.name) if record.answered]
        if not answered:
            return list(self.options.regions) or self.sessions.default_regions()
        return [
            region["RegionName"]
            for region in entries(answered, "Regions")
            if region.get("OptInStatus") != "not-opted-in"
        ]

    def _unit(self, account: str, region: str, collector: str, work: _Work) -> Sequence[str] | None:
        """Do a unit of work unless its part lies there; returns nothing of interest."""
        try:
            if self.stop.is_set():
                raise Stopped
            if not self.writer.has_unit(account, region, collector):
                unit = Unit(self.asking, account, region, collector)
                work(unit)
                self.writer.write_unit(account, region, collector, unit.records)
        except BaseException as error:
            self._fail(error)
            raise
        self.progress.unit_done(account, region, collector)
        return None

    def _fail(self, error: BaseException) -> None:
        """Stop all units: nobody should wait for a thousand more to hear of the first that failed."""
        if self.failure is None and not isinstance(error, Stopped | CancelledError):
            self.failure = error
        self.stop.set()

    def _records(self, account: str, collector: str, work: _Work) -> list[CallRecord]:
        self._unit(account, GLOBAL, collector, work)
        return self.writer.read_unit(account, GLOBAL, collector)

    def _drift(self, listed: Sequence[CallRecord]) -> Drift:
        """What became of the accounts while they were read; nothing where the list is not to be had."""
        before = _of(listed, LIST_ACCOUNTS.name)
        if not any(record.answered and record.response for record in before):
            return Drift()
        again = Unit(self.asking, self.caller.account, GLOBAL, "organization").ask(LIST_ACCOUNTS)
        if not again.answered:
            return Drift()
        old, new = _statuses(before), _statuses([again])
        return Drift(
            added=sorted(new.keys() - old.keys()),
            removed=sorted(old.keys() - new.keys()),
            changed=sorted(account for account in old.keys() & new.keys() if old[account] != new[account]),
        )


def _of(records: Iterable[CallRecord], operation: str) -> list[CallRecord]:
    return [record for record in records if record.operation == operation]


def _statuses(records: Iterable[CallRecord]) -> dict[str, tuple[str, str]]:
    return {entry["Id"]: (entry.get("Name", ""), account_status(entry)) for entry in entries(records, "Accounts")}


def _organization_ids(listed: Sequence[CallRecord]) -> tuple[str | None, str | None]:
    """(organisation, management account), ``None`` where not answered or not in one."""
    for record in _of(listed, DESCRIBE_ORGANIZATION.name):
        for page in record.response:
            found = page.get("Organization", {})
            return found.get("Id"), found.get("ManagementAccountId") or found.get("MasterAccountId")
    return None, None


def _passed_over(account: str, why: str, region: str = GLOBAL) -> Gap:
    return Gap(
        account=account,
        region=region,
        service=ASSUME_ROLE.service,
        operation=ASSUME_ROLE.name,
        outcome="skipped",
        affects=f"account:{account}",
        detail=why,
    )
