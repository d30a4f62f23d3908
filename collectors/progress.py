"""What a person or a log sees while a collection runs; always on standard error."""

from __future__ import annotations

import json
import sys
import threading
from typing import IO, Protocol

from model.entities import GAP_OUTCOMES
from model.snapshot import CallRecord


class Progress(Protocol):
    """Told by many threads at once; no method may raise or block for long."""

    def begin(self, snapshot: str, /) -> None:
        """The run has its snapshot."""

    def expect(self, accounts: int, units: int, /) -> None:
        """So many accounts and units of work are known by now."""

    def called(self, record: CallRecord, /) -> None:
        """A call was answered or not."""

    def unit_done(self, account: str, region: str, collector: str, /) -> None:
        """A part lies in the snapshot."""

    def account_done(self, account: str, /) -> None:
        """All parts of an account do."""

    def end(self) -> None:
        """The run is over, well or not."""


class NoProgress:
    """Says nothing."""

    def begin(self, snapshot: str, /) -> None: ...

    def expect(self, accounts: int, units: int, /) -> None: ...

    def called(self, record: CallRecord, /) -> None: ...

    def unit_done(self, account: str, region: str, collector: str, /) -> None: ...

    def account_done(self, account: str, /) -> None: ...

    def end(self) -> None: ...


class _Counting(NoProgress):
    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self.snapshot = ""
        self.accounts = self.accounts_done = self.units = self.units_done = self.calls = self.gaps = 0

    def begin(self, snapshot: str, /) -> None:
        self.snapshot = snapshot

    def expect(self, accounts: int, units: int, /) -> None:
        with self._mutex:
            self.accounts, self.units = accounts, units

    def called(self, record: CallRecord, /) -> None:
        with self._mutex:
            self.calls += 1
            self.gaps += record.outcome in GAP_OUTCOMES

    def unit_done(self, _account: str, _region: str, _collector: str, /) -> None:
        with self._mutex:
            self.units_done += 1

    def account_done(self, _account: str, /) -> None:
        with self._mutex:
            self.accounts_done += 1


class LineProgress(_Counting):
    """One JSON object a line: the beginning, each gap, each account done, the end."""

    def __init__(self, stream: IO[str]) -> None:
        super().__init__()
        self._stream = stream

    def begin(self, snapshot: str, /) -> None:
        super().begin(snapshot)
        self._say("begin", snapshot=snapshot)

    def called(self, record: CallRecord, /) -> None:
        super().called(record)
        if record.outcome in GAP_OUTCOMES:
            self._say(
                "gap",
                account=record.account,
                region=record.region,
                service=record.service,
                operation=record.operation,
                outcome=record.outcome,
                affects=record.affects,
            )

    def account_done(self, account: str, /) -> None:
        super().account_done(account)
        self._say("account", account=account, done=self.accounts_done, of=self.accounts, calls=self.calls)

    def end(self) -> None:
        self._say("end", accounts=self.accounts_done, of=self.accounts, calls=self.calls, gaps=self.gaps)

    def _say(self, event: str, **facts: str | int) -> None:
        print(json.dumps({"event": event, **facts}), file=self._stream, flush=True)


class BarProgress(_Counting):
    """A bar: units done, accounts, calls, gaps."""

    def __init__(self, stream: IO[str]) -> None:
        super().__init__()
        # Most commands never collect; they should not pay for a progress bar.
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        self._bar = RichProgress(
            TextColumn("collecting"),
            BarColumn(),
            TextColumn("{task.fields[facts]}"),
            TimeElapsedColumn(),
            console=Console(file=stream),
            transient=True,
        )
        self._task = self._bar.add_task("collect", total=None, facts="")

    def begin(self, snapshot: str, /) -> None:
        super().begin(snapshot)
        self._bar.start()

    def expect(self, accounts: int, units: int, /) -> None:
        super().expect(accounts, units)
        self._show()

    def called(self, record: CallRecord, /) -> None:
        super().called(record)
        self._show()

    def unit_done(self, account: str, region: str, collector: str, /) -> None:
        super().unit_done(account, region, collector)
        self._show()

    def end(self) -> None:
        self._bar.stop()

    def _show(self) -> None:
        facts = f"{self.accounts_done}/{self.accounts} accounts, {self.calls} calls, {self.gaps} gaps"
        self._bar.update(self._task, completed=self.units_done, total=self.units or None, facts=facts)


def open_progress(stream: IO[str] | None = None) -> Progress:
    """A bar on a terminal, JSON lines elsewhere; ``None``: standard error."""
    stream = stream or sys.stderr
    return BarProgress(stream) if stream.isatty() else LineProgress(stream)
