"""A collection: one account or a whole organisation, read into one snapshot."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from collectors import iam, identity_center, organization, resources
from collectors.calls import Asking, Stopped, Unit, judge, plain
from collectors.errors import CollectError, CollectInterrupted
from collectors.limits import Limits
from collectors.organization import account_status, entries
from collectors.progress import NoProgress, Progress
from collectors.registry import ASSUME_ROLE, DESCRIBE_ORGANIZATION, GET_CALLER, LIST_ACCOUNTS, LIST_REGIONS
from collectors.resource_table import REGIONAL
from collectors.session import DEFAULT_ROLE, Caller, Sessions
from model.entities import Gap, Outcome
from model.errors import SnapshotError
from model.snapshot import (
    GLOBAL,
    CallError,
    CallRecord,
    Drift,
    SnapshotAccount,
    SnapshotWriter,
    newest_incomplete,
)
from model.snapshot_files import now

_GLOBAL_COLLECTORS: dict[str, Callable[[Unit], None]] = {"iam": iam.collect, "s3": resources.collect_buckets}

#: Work under way: whether it opens an account, and which account it counts for (none for Identity Center).
_Pending = dict[Future[Sequence[str] | None], tuple[bool, str]]


class CollectOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the person chose. Empty ``regions``: all enabled ones; empty ``accounts``: all; ``role_name`` ``None``: the
    default. ``resume`` takes up the newest incomplete snapshot, with the choices it was begun with."""

    profile: str | None = None
    role_name: str | None = None
    external_id: str | None = None
    regions: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    endpoint_url: str | None = None
    resume: bool = False
    threads: int = 24
    max_attempts: int = 10


class CollectResult(msgspec.Struct, frozen=True, kw_only=True):
    """What `collect` and `import` answer: the snapshot's id, how many accounts it names, whether nothing is missing."""

    snapshot: str
    accounts: int
    ok: bool
    gaps: list[Gap]
    skipped: list[Gap]


@dataclass(frozen=True)
class _Known:
    """An account that the run knows of, from the organisation's list or as the caller's own."""

    id: str
    name: str = ""
    status: str = "ACTIVE"


def collect(options: CollectOptions, home: Path, progress: Progress | None = None) -> CollectResult:
    """Read AWS into a new snapshot in ``home`` (or into the one that is resumed).

    Raises ``CredentialsError`` and ``CollectError`` before anything is written where the run cannot begin;
    ``CollectInterrupted`` on Ctrl-C, and ``CredentialsError`` when credentials expire, leave a snapshot to resume.
    """
    resumed = newest_incomplete(home) if options.resume else None
    if options.resume and resumed is None:
        raise CollectError(f"nothing to resume in `{home}`: every snapshot there is complete")
    writer = SnapshotWriter(home, resumed) if resumed else None
    try:
        if writer is not None:
            options = _same_choices(options, writer.choices)
        sessions = Sessions(
            profile=options.profile,
            endpoint_url=options.endpoint_url,
            role_name=options.role_name or DEFAULT_ROLE,
            external_id=options.external_id,
            connections=2 * options.threads + 4,
            max_attempts=options.max_attempts,
        )
        caller, identity = sessions.identify()
        if writer is None:
            writer = SnapshotWriter(home, choices=_choices(options, caller))
        elif writer.choices.get("account", caller.account) != caller.account:
            raise CollectError(
                f"snapshot `{writer.id}` was begun from account `{writer.choices['account']}`, "
                f"these credentials are of `{caller.account}`"
            )
        run = _Run(options, sessions, caller, identity, writer, progress or NoProgress())
        return run.collect()
    finally:
        if writer is not None:
            writer.close()


class _Run:
    def __init__(
        self,
        options: CollectOptions,
        sessions: Sessions,
        caller: Caller,
        identity: dict[str, object],
        writer: SnapshotWriter,
        progress: Progress,
    ) -> None:
        self.options, self.sessions, self.caller, self.writer, self.progress = (
            options,
            sessions,
            caller,
            writer,
            progress,
        )
        self.identity = identity
        self.stop = threading.Event()
        self.units = ThreadPoolExecutor(options.threads, "unit")
        self.asking = Asking(
            sessions, Limits(options.endpoint_url), progress, ThreadPoolExecutor(options.threads, "call"), self.stop
        )
        self.accounts: dict[str, SnapshotAccount] = {}
        self.regions: set[str] = set()
        self.expected = 0

    def collect(self) -> CollectResult:
        self.progress.begin(self.writer.id)
        try:
            return self._collect()
        except KeyboardInterrupt:
            raise CollectInterrupted(
                f"stopped; snapshot `{self.writer.id}` keeps what was read, go on with `grantmap collect --resume`"
            ) from None
        finally:
            self.stop.set()
            self.units.shutdown(cancel_futures=True)
            self.asking.pool.shutdown(cancel_futures=True)
            self.progress.end()

    def _collect(self) -> CollectResult:
        listed = self._records(self.caller.account, GLOBAL, "organization", organization.collect)
        known = self._known_accounts(listed)
        chosen = self._choose(known)
        skipped = [_passed_over(account, why) for account, why in self._not_asked(known, chosen)]
        for account in known.values():
            self.accounts[account.id] = SnapshotAccount(
                id=account.id, name=account.name, status=account.status, collected=False
            )
        self._read_accounts(chosen, list(known))
        organization_id, management = _organization_ids(listed)
        manifest = self.writer.finish(
            source="aws",
            accounts=list(self.accounts.values()),
            regions=sorted(self.regions),
            caller=self.caller.arn,
            partition=self.caller.partition,
            skipped=skipped,
            drift=self._drift(listed),
            organization=organization_id,
            management_account=management,
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
        accounts.setdefault(self.caller.account, _Known(self.caller.account))
        # The caller's own account first: Identity Center waits for its regions.
        return {self.caller.account: accounts.pop(self.caller.account)} | dict(sorted(accounts.items()))

    def _choose(self, known: dict[str, _Known]) -> list[str]:
        unknown = [account for account in self.options.accounts if account not in known]
        if unknown:
            self._discard()
            raise CollectError(f"unknown account `{unknown[0]}`; known: {', '.join(known)}")
        wanted = set(self.options.accounts) or set(known)
        return [account.id for account in known.values() if account.id in wanted and account.status == "ACTIVE"]

    def _discard(self) -> None:
        if not self.writer.resumed:
            self.writer.discard()

    def _not_asked(self, known: dict[str, _Known], chosen: Sequence[str]) -> Iterator[tuple[str, str]]:
        for account in known.values():
            if account.status != "ACTIVE":
                yield account.id, f"account is {account.status}"
            elif account.id not in chosen:
                yield account.id, "account was not chosen"

    def _read_accounts(self, chosen: Sequence[str], known: Sequence[str]) -> None:
        """Every account's own unit opens it and tells its regions; its other units follow."""
        left: dict[str, int] = {}
        pending: _Pending = {self.units.submit(self._open, account): (True, account) for account in chosen}
        self.expected = len(pending)
        own = self.caller.account
        if own not in chosen:
            # Identity Center is the caller's to read even where its own account was not chosen.
            pending[self.units.submit(self._open, own)] = (True, "")
        while pending:
            self.progress.expect(len(chosen), self.expected)
            done, _ = wait(pending, return_when=FIRST_COMPLETED)
            for future in done:
                opening, account = pending.pop(future)
                enabled = future.result()
                if opening and account in {"", own}:
                    pending[self._submit_identity_center(enabled or (), known)] = (False, "")
                if opening and account:
                    tasks = [] if enabled is None else list(self._tasks(account, enabled))
                    left[account] = len(tasks) + 1
                    for region, collector, work in tasks:
                        pending[self.units.submit(self._unit, account, region, collector, work)] = (False, account)
                    self.expected += len(tasks)
                self._count_down(left, account)

    def _count_down(self, left: dict[str, int], account: str) -> None:
        if account:
            left[account] -= 1
            if not left[account]:
                self.progress.account_done(account)

    def _submit_identity_center(self, regions: Sequence[str], known: Sequence[str]) -> Future[Sequence[str] | None]:
        self.expected += 1

        def work(unit: Unit) -> None:
            identity_center.collect(unit, regions, known)

        return self.units.submit(self._unit, self.caller.account, GLOBAL, "identity_center", work)

    def _tasks(self, account: str, enabled: Sequence[str]) -> Iterator[tuple[str, str, Callable[[Unit], None]]]:
        """(region, collector, work) of an account, the longest first."""
        for collector, work in _GLOBAL_COLLECTORS.items():
            yield GLOBAL, collector, work
        regions = sorted(self.options.regions or enabled)
        self.regions.update(regions)
        for region in regions:
            for row in REGIONAL:
                if not self.sessions.lacks(row.list.service, region):
                    yield region, row.collector, resources.collect

    def _open(self, account: str) -> Sequence[str] | None:
        """Act in the account; returns its enabled regions, ``None`` where it cannot be entered."""
        direct = account == self.caller.account
        assumed = None if direct else self._assume(account)
        if assumed is not None and not assumed.answered:
            self._write(account, [assumed])
            return None

        def work(unit: Unit) -> None:
            unit.keep(assumed or self._identity_record())
            unit.ask(LIST_REGIONS, affects=f"account:{account}")

        if self.writer.has_unit(account, GLOBAL, "account") and not self._was_open(account):
            # Refused then, let in now: what the earlier run wrote of it is that it was refused.
            self.writer.drop_unit(account, GLOBAL, "account")
        records = self._records(account, GLOBAL, "account", work)
        known = self.accounts.get(account, SnapshotAccount(id=account))
        role = "" if direct else self.sessions.role_arn(account)
        self.accounts[account] = msgspec.structs.replace(known, collected=account in self.accounts, role=role)
        answered = [record for record in _of(records, LIST_REGIONS.name) if record.answered]
        if not answered:
            return self.sessions.default_regions()
        return [
            region["RegionName"]
            for region in entries(answered, "Regions")
            if region.get("OptInStatus") != "not-opted-in"
        ]

    def _was_open(self, account: str) -> bool:
        return any(
            record.operation == LIST_REGIONS.name for record in self.writer.read_unit(account, GLOBAL, "account")
        )

    def _assume(self, account: str) -> CallRecord:
        started = now()
        page: dict[str, object] | None = None
        outcome: Outcome = "ok"
        problem: CallError | None = None
        self.asking.limits.wait(self.caller.account, "sts", self.sessions.home_region, self.stop)
        if self.stop.is_set():
            raise Stopped
        try:
            page = self.sessions.assume(account)
        except ClientError as error:
            outcome, problem, _ = judge(ASSUME_ROLE, error)
        except BotoCoreError as error:
            outcome, problem = "error", CallError(code=type(error).__name__, message=str(error))
        return self._access_record(ASSUME_ROLE.name, account, page, outcome, problem, started)

    def _identity_record(self) -> CallRecord:
        return self._access_record(GET_CALLER.name, self.caller.account, self.identity, "ok", None, now())

    def _access_record(
        self,
        operation: str,
        account: str,
        page: dict[str, object] | None,
        outcome: Outcome,
        problem: CallError | None,
        started: str,
    ) -> CallRecord:
        metadata = (page or {}).get("ResponseMetadata")
        request_id = metadata.get("RequestId", "") if isinstance(metadata, dict) else ""
        kept = {key: plain(value) for key, value in (page or {}).items() if key != "ResponseMetadata"}
        return CallRecord(
            service="sts",
            operation=operation,
            params=self.sessions.assume_params(account) if operation == ASSUME_ROLE.name else {},
            outcome=outcome,
            error=problem,
            started=started,
            ended=now(),
            pages=1 if page else 0,
            request_ids=[request_id] if page else [],
            affects=f"account:{account}",
            response=[kept] if page else [],
            account=account,
            region=GLOBAL,
            collector="account",
        )

    def _write(self, account: str, records: Sequence[CallRecord]) -> None:
        for record in records:
            self.progress.called(record)
        if not self.writer.has_unit(account, GLOBAL, "account"):
            self.writer.write_unit(account, GLOBAL, "account", records)
            self.progress.unit_done(account, GLOBAL, "account")

    def _unit(self, account: str, region: str, collector: str, work: Callable[[Unit], None]) -> Sequence[str] | None:
        """Do a unit of work unless its part lies there; returns nothing of interest."""
        if self.stop.is_set():
            raise Stopped
        if not self.writer.has_unit(account, region, collector):
            unit = Unit(self.asking, account, region, collector)
            try:
                work(unit)
            except BaseException:
                # Nobody should wait for a thousand units more to hear of it.
                self.stop.set()
                raise
            self.writer.write_unit(account, region, collector, unit.records)
        self.progress.unit_done(account, region, collector)
        return None

    def _records(self, account: str, region: str, collector: str, work: Callable[[Unit], None]) -> list[CallRecord]:
        self._unit(account, region, collector, work)
        return self.writer.read_unit(account, region, collector)

    def _drift(self, listed: Sequence[CallRecord]) -> Drift:
        """What became of the accounts while they were read; nothing where the list is not to be had."""
        before = _of(listed, LIST_ACCOUNTS.name)
        if not any(record.answered for record in before):
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


def _passed_over(account: str, why: str) -> Gap:
    return Gap(
        account=account,
        region=GLOBAL,
        service=ASSUME_ROLE.service,
        operation=ASSUME_ROLE.name,
        outcome="skipped",
        affects=f"account:{account}",
        detail=why,
    )


def _choices(options: CollectOptions, caller: Caller) -> dict[str, str]:
    """What a resumed run must repeat. Never the external id, which stands in for a password."""
    return {
        "account": caller.account,
        "profile": options.profile or "",
        "endpoint_url": options.endpoint_url or "",
        "role_name": options.role_name or "",
        "regions": ",".join(options.regions),
        "accounts": ",".join(options.accounts),
    }


def _same_choices(options: CollectOptions, begun: dict[str, str]) -> CollectOptions:
    """The choices the snapshot was begun with; one that is now another is a ``CollectError``."""
    given = {
        "profile": options.profile or "",
        "endpoint_url": options.endpoint_url or "",
        "role_name": options.role_name or "",
        "regions": ",".join(options.regions),
        "accounts": ",".join(options.accounts),
    }
    for name, value in given.items():
        before = begun.get(name, "")
        # Another profile may be the same caller with fresh credentials; which account it is, is checked later.
        if value and value != before and name != "profile":
            raise CollectError(
                f"cannot resume with {name.replace('_', ' ')} `{value}`: begun with `{before or 'none'}`"
            )
    return msgspec.structs.replace(
        options,
        profile=options.profile or begun.get("profile") or None,
        endpoint_url=begun.get("endpoint_url") or None,
        role_name=begun.get("role_name") or None,
        regions=_split(begun.get("regions", "")),
        accounts=_split(begun.get("accounts", "")),
    )


def _split(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(",") if part)


__all__ = ["CollectOptions", "CollectResult", "SnapshotError", "collect"]
