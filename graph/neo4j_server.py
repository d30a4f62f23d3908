"""A Neo4j server as stores talk to it: its address, its credentials, its transactions and its failures in one line."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from graph.store import StoreError

if TYPE_CHECKING:
    from neo4j import Driver, ManagedTransaction, Session, Transaction

# Its warnings of what it tries again are no output of a command.
logging.getLogger("neo4j").addHandler(logging.NullHandler())

T = TypeVar("T")
Values = list[list[Any]]

USERNAME, PASSWORD, DATABASE = "NEO4J_USERNAME", "NEO4J_PASSWORD", "NEO4J_DATABASE"
_OLDEST = (5, 0)
_CONNECT_SECONDS = 10.0
#: For how long a transaction that met a passing failure is tried again.
_RETRY_SECONDS = 15.0
QUERY_SECONDS = 120.0
#: One batch of a load takes seconds; a server that needs an hour for it has stopped.
_BATCH_SECONDS = 3_600.0
#: What every transaction of a load carries under this name, so that other loads see it in SHOW TRANSACTIONS.
METADATA = "grantmap"

_MEMORY = ("MemoryPoolOutOfMemoryError", "OutOfMemoryError", "TransactionMemoryLimit", "StackOverFlowError")
_TIMED_OUT = ("TransactionTimedOut", "TransactionTimedOutClientConfiguration")


class OutOfServerMemoryError(StoreError):
    """A transaction that is too large for the server; a smaller one may do."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is: ``uri`` for the driver, ``database`` (empty: the server's default), ``shown`` to people."""

    uri: str
    database: str
    shown: str

    @classmethod
    def read(cls, url: str) -> Address:
        """``SCHEME://HOST[:PORT][/DATABASE]``; raises ``StoreError`` for another form, or one with a password in it."""
        try:
            parts = urlsplit(url)
            _ = parts.port
        except ValueError as error:
            raise StoreError(f"wrong store address: {error}") from error
        # Said before anything is quoted: what stands there may be a password.
        if "@" in url:
            raise StoreError(f"a store address holds no credentials: set {USERNAME} and {PASSWORD} instead")
        if not parts.hostname or parts.fragment or parts.path.count("/") > 1:
            raise StoreError(f"wrong store address `{url}`: expected {parts.scheme}://HOST[:PORT][/DATABASE]")
        routing = f"?{parts.query}" if parts.query else ""
        database = parts.path.strip("/") or os.environ.get(DATABASE, "")
        return cls(
            f"{parts.scheme}://{parts.netloc}{routing}", database, f"{parts.scheme}://{parts.netloc}{parts.path}"
        )


class Server:
    """A connection to one server, checked when it is made. Every method raises ``StoreError`` and nothing else."""

    def __init__(self, url: str) -> None:
        """Connects with ``NEO4J_USERNAME`` (default ``neo4j``) and ``NEO4J_PASSWORD``; without one, without login."""
        import neo4j  # 0.2 s to import: only those who use a server pay it

        self.address = Address.read(url)
        password = os.environ.get(PASSWORD)
        auth = (os.environ.get(USERNAME) or "neo4j", password) if password else None
        with self._failures():
            self._driver: Driver = neo4j.GraphDatabase.driver(
                self.address.uri,
                auth=auth,
                connection_timeout=_CONNECT_SECONDS,
                connection_acquisition_timeout=_CONNECT_SECONDS * 2,
                max_transaction_retry_time=_RETRY_SECONDS,
                notifications_min_severity="OFF",
                user_agent="grantmap",
            )
        try:
            with self._failures(), self._session(neo4j.READ_ACCESS) as session:
                summary = session.run("RETURN 1 AS one").consume()
            self._check_version(summary.server.agent)
        except BaseException:
            self._driver.close()
            raise

    def _check_version(self, agent: str) -> None:
        product, _, version = agent.partition("/")
        numbers = tuple(int(n) for n in version.split("-")[0].split(".")[:2] if n.isdigit())
        if product == "Neo4j" and numbers and numbers < _OLDEST:
            raise StoreError(f"`{self.address.shown}` is Neo4j {version}: grantmap needs Neo4j 5 or newer")

    def close(self) -> None:
        """Lets go of the connection."""
        self._driver.close()

    def read(self, work: Callable[[ManagedTransaction], T]) -> T:
        """What ``work`` answers in one reading transaction, tried again after a passing failure."""
        from neo4j import READ_ACCESS, unit_of_work

        with self._failures(), self._session(READ_ACCESS) as session:
            return session.execute_read(unit_of_work(timeout=QUERY_SECONDS)(work))

    def rows(self, text: str, parameters: Mapping[str, object]) -> Values:
        """The rows of one reading statement."""
        return self.read(lambda transaction: transaction.run(text, dict(parameters)).values())

    def write(self, text: str, parameters: Mapping[str, object], load: str) -> Values:
        """The rows of one writing statement of a load, in a transaction tried again after a passing failure.

        Raises ``OutOfServerMemoryError`` at once. The driver's own ``execute_write`` takes that for passing, and meets
        it at the commit too, so that it would fail for as long as it tries.
        """
        from neo4j.exceptions import DriverError, Neo4jError

        deadline = time.monotonic() + _RETRY_SECONDS
        for attempt in count():
            with self._failures():
                try:
                    return self._written(text, parameters, load)
                except (DriverError, Neo4jError) as error:
                    if _is(error, _MEMORY) or not error.is_retryable() or time.monotonic() > deadline:
                        raise
            time.sleep(min(0.1 * 2**attempt, 2.0))
        raise AssertionError("unreachable")

    def _written(self, text: str, parameters: Mapping[str, object], load: str) -> Values:
        from neo4j import WRITE_ACCESS

        metadata = {METADATA: "batch", "load": load}
        with (
            self._session(WRITE_ACCESS) as session,
            session.begin_transaction(metadata=metadata, timeout=_BATCH_SECONDS) as transaction,
        ):
            values = transaction.run(text, dict(parameters)).values()
            transaction.commit()
        return values

    def run_apart(self, text: str, parameters: Mapping[str, object], load: str) -> None:
        """One statement that manages its own transactions: of the schema, or CALL … IN TRANSACTIONS."""
        from neo4j import WRITE_ACCESS, Query

        query = Query(text, metadata={METADATA: "batch", "load": load})
        with self._failures(), self._session(WRITE_ACCESS) as session:
            session.run(query, dict(parameters)).consume()

    @contextmanager
    def held_open(self, metadata: Mapping[str, str]) -> Iterator[Callable[[str, Mapping[str, object]], Values]]:
        """A transaction that stays open while the block runs and changes nothing; the server ends it with our process.

        Gives a function that runs a statement in it, and raises ``StoreError`` once the server has ended it.
        """
        from neo4j import WRITE_ACCESS

        with self._failures():
            session = self._session(WRITE_ACCESS)
            transaction: Transaction = session.begin_transaction(metadata=dict(metadata))

        def run(text: str, parameters: Mapping[str, object]) -> Values:
            with self._failures():
                return transaction.run(text, dict(parameters)).values()

        try:
            yield run
        finally:
            try:
                with self._failures():
                    transaction.close()
                    session.close()
            except StoreError:
                pass  # the server is gone, and with it the transaction

    def _session(self, mode: str) -> Session:
        return self._driver.session(database=self.address.database or None, default_access_mode=mode)

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """The driver's errors as one line each."""
        from neo4j.exceptions import DriverError, Neo4jError

        try:
            yield
        except (DriverError, Neo4jError) as error:
            raise self._in_words(error) from error
        except (OSError, ValueError, OverflowError) as error:
            # A name that no host can have, a value that cannot be sent.
            raise StoreError(f"`{self.address.shown}`: {_line(error)}") from error

    def _in_words(self, error: Exception) -> StoreError:
        from neo4j import exceptions

        shown = self.address.shown
        code = str(getattr(error, "code", "") or "")
        if isinstance(error, exceptions.AuthError | exceptions.ClientError) and ".Security." in code:
            return StoreError(_refusal(shown, code))
        if (
            code.endswith(("DatabaseNotFound", "DatabaseUnavailable"))
            or "database does not exist" in str(error).lower()
        ):
            return StoreError(f"`{shown}` has no database `{self.address.database or 'neo4j'}`, or it is not running")
        if _is(error, _MEMORY):
            return OutOfServerMemoryError(f"`{shown}` ran out of memory: give it a larger heap ({_line(error)})")
        if _is(error, _TIMED_OUT):
            return StoreError(f"the query took longer than {QUERY_SECONDS:.0f} s: narrow it")
        if isinstance(error, exceptions.SessionExpired | exceptions.ServiceUnavailable | exceptions.IncompleteCommit):
            return StoreError(f"cannot reach `{shown}`: {_why_unreachable(error)}")
        if isinstance(error, exceptions.ConfigurationError):
            return StoreError(f"wrong store address `{shown}`: {_line(error)}")
        if isinstance(error, exceptions.ClientError) and ".Statement." in code:
            return StoreError(f"query refused: {_line(error)}")
        return StoreError(f"`{shown}`: {_line(error)}")


def _is(error: Exception, names: Sequence[str]) -> bool:
    return str(getattr(error, "code", "") or "").rpartition(".")[2] in names


def _refusal(shown: str, code: str) -> str:
    if code.endswith("AuthenticationRateLimit"):
        return f"`{shown}` refuses logins after too many wrong passwords: wait, then check {USERNAME} and {PASSWORD}"
    if code.endswith("CredentialsExpired"):
        return f"`{shown}` wants its first password changed before anything else"
    if code.endswith("Forbidden"):
        return f"`{shown}`: the user of {USERNAME} may not do this"
    if not os.environ.get(PASSWORD):
        return f"`{shown}` asks for a password: set {USERNAME} and {PASSWORD}"
    return f"`{shown}` refuses the user name or the password: check {USERNAME} and {PASSWORD}"


def _why_unreachable(error: BaseException) -> str:
    """The reason at the bottom of a failure to connect, as the system gives it."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.strerror:
            return seen.strerror.lower()
        seen = seen.__cause__ or seen.__context__
    # A routing table that cannot be had is told of without its cause.
    return "no server answers there" if "routing information" in str(error) else _line(error)


def _line(error: BaseException) -> str:
    """A foreign message as one line without its beginning capital."""
    text = " ".join(str(getattr(error, "message", "") or error).split()) or type(error).__name__
    text = text.rstrip(".")
    return text[:1].lower() + text[1:]
