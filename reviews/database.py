"""The database of reviews: where it is, how it is opened, and what can go wrong with it, said in one line.

SQLite in ``<home>/reviews.db``, or PostgreSQL by URL. Every write is one transaction that holds the lock from its
beginning (``BEGIN IMMEDIATE``; on PostgreSQL the campaign's row), so that what it read is still so when it writes: with
SQLite's own default, which locks at the first write, 38 of 500 decisions of 20 processes arrived, with this all do.
What is acknowledged is on the disk: ``synchronous=FULL``.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.pool import QueuePool

from reviews.errors import DatabaseError

FILE = "reviews.db"
#: The form of the database that this version reads and writes: the newest step of ``reviews/migrations``.
VERSION = "0001"
#: Seconds that a write waits for its turn.
PATIENCE = 30.0

_MIGRATIONS = Path(__file__).parent / "migrations"
#: Names the lock under which PostgreSQL is migrated and campaigns are opened: "grantmap" as a number.
_LOCK = 0x6772616E746D6170
_WRITING = "grantmap_writing"


class Database:
    """One database, open; threads may share it. Every failure of it is a ``DatabaseError``."""

    def __init__(self, engine: sa.Engine, place: str, path: Path | None) -> None:
        self._engine = engine
        self._place = place
        self._path = path
        self._file = _identity(path) if path is not None else None

    @classmethod
    def open(cls, home: Path, url: str | None = None, *, patience: float = PATIENCE) -> Database:
        """The database of ``url``, else ``<home>/reviews.db``; made when it is not there, brought up to date.

        ``patience``: seconds to wait for another writer. Raises ``DatabaseError``.
        """
        database = cls._postgresql(url) if url else cls._sqlite(home / FILE, patience)
        try:
            database._migrate()
        except BaseException:
            database.close()
            raise
        return database

    @classmethod
    def _sqlite(cls, path: Path, patience: float) -> Database:
        try:
            _make_private(path)
        except OSError as error:
            raise DatabaseError(f"cannot write the reviews database `{path}`: {error.strerror or error}") from error
        engine = sa.create_engine(
            "sqlite://",
            creator=lambda: sqlite3.connect(
                # A URI in mode rw never makes a new, empty file where the old one was taken away.
                f"{path.resolve().as_uri()}?mode=rw",
                uri=True,
                timeout=patience,
                isolation_level=None,  # transactions begin as `_begin` says, not as the module guesses
                check_same_thread=False,
            ),
            poolclass=QueuePool,
            max_overflow=-1,
        )
        sa.event.listen(engine, "connect", _settings)
        sa.event.listen(engine, "begin", _begin)
        return cls(engine, str(path), path)

    @classmethod
    def _postgresql(cls, url: str) -> Database:
        try:
            parsed = sa.make_url(url)
        except exc.ArgumentError:
            raise DatabaseError("wrong URL of the reviews database: expected postgresql+pg8000://HOST/NAME") from None
        if parsed.drivername not in ("postgresql", "postgresql+pg8000"):
            raise DatabaseError(f"unknown kind of reviews database `{parsed.drivername}`: expected postgresql+pg8000")
        parsed = parsed.set(drivername="postgresql+pg8000")
        place = parsed.render_as_string(hide_password=True)
        try:
            engine = sa.create_engine(parsed, pool_pre_ping=True)
        except ImportError:
            raise DatabaseError("PostgreSQL needs the extra: pip install 'grantmap[postgres]'") from None
        return cls(engine, place, None)

    def close(self) -> None:
        self._engine.dispose()

    # -- transactions

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection that sees one state of the database."""
        with _said(self._place), self._engine.connect() as connection:
            self._still_there()
            if self._path is None:
                connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A connection in a transaction that is alone in writing; an error of any kind undoes all of it."""
        with _said(self._place), self._engine.connect() as connection:
            self._still_there()
            with connection.execution_options(**{_WRITING: True}).begin():
                yield connection
                self._still_there()

    def alone(self, connection: sa.Connection) -> None:
        """Until the transaction ends nobody else migrates or opens a campaign (SQLite: nobody else writes)."""
        if self._path is None:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))

    def _still_there(self) -> None:
        """A file that was removed or replaced takes writes without an error, and they are lost."""
        if self._path is not None and _identity(self._path) != self._file:
            raise DatabaseError(f"the reviews database `{self._place}` was removed or replaced while it was open")

    # -- migrations

    def _migrate(self) -> None:
        with self.read() as connection:
            if _version(connection) == VERSION:
                return
        with self.write() as connection:
            self.alone(connection)
            found = _version(connection)
            if found == VERSION:  # another process was faster
                return
            if found is not None and found > VERSION:
                raise DatabaseError(
                    f"the reviews database `{self._place}` is of a newer version (`{found}`, this one knows "
                    f"`{VERSION}`): update grantmap"
                )
            if found is None and sa.inspect(connection).get_table_names():
                raise DatabaseError(f"`{self._place}` is a database of something else: nothing was changed in it")
            _upgrade(connection)


def _settings(connection: sqlite3.Connection, _record: object) -> None:
    cursor = connection.cursor()
    for setting in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {setting}").fetchall()
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    writing = connection.get_execution_options().get(_WRITING)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _version(connection: sa.Connection) -> str | None:
    """The step of migration that the database is at; ``None``: it has none."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


# -- files


def _make_private(path: Path) -> None:
    """The file is there and nobody but its owner reads it: names, mails and reasons are in it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        found = os.fstat(descriptor)
        if stat.S_IMODE(found.st_mode) & 0o077 and found.st_uid == os.geteuid():
            os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def _identity(path: Path) -> tuple[int, int] | None:
    with suppress(OSError):
        found = path.stat()
        return (found.st_dev, found.st_ino)
    return None


# -- failures

#: Part of a driver's message: what is said instead. The first that fits counts.
_WORDS = (
    ("database is locked", "is locked by another process: nothing was written; try again"),
    ("database table is locked", "is locked by another process: nothing was written; try again"),
    ("readonly database", "cannot be written: the file or its folder is read-only"),
    ("database or disk is full", "cannot grow: the disk is full; nothing was written"),
    ("disk i/o error", "could not be read or written (disk error or no space); nothing was written"),
    ("file is not a database", "is not a database of reviews, or it is damaged"),
    ("malformed", "is damaged: restore it from a copy"),
    ("unable to open database file", "cannot be opened: is its folder there, and may you write in it?"),
    ("no such table", "lacks a table: it is damaged or of something else"),
    ("is written once", "refused to change what is written once"),
    ("can't create a connection", "cannot be reached"),
    ("network error", "cannot be reached any more"),
    ("password authentication failed", "refused the user or the password"),
)


@contextmanager
def _said(place: str) -> Iterator[None]:
    """Turns what a driver raises into one line."""
    try:
        yield
    except (exc.SQLAlchemyError, sqlite3.Error) as error:
        raise DatabaseError(f"the reviews database `{place}` {_in_words(error)}") from error


def _in_words(error: Exception) -> str:
    inner = getattr(error, "orig", None) or error
    arguments = inner.args[0] if inner.args and isinstance(inner.args[0], dict) else {}
    message = str(arguments.get("M") or inner)
    lower = message.lower()
    for part, words in _WORDS:
        if part in lower:
            return words
    return f"failed: {message.splitlines()[0] if message else type(inner).__name__}"
