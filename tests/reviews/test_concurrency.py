"""Many writers, killed writers, and a database that is locked, read-only, full, damaged, newer or gone."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from reviews import database
from reviews.errors import DatabaseError, StaleVersionError
from reviews.schema import METADATA
from reviews.service import Reviews
from tests.conftest import ROOT
from tests.reviews.conftest import Clock, opened
from tests.reviews.factories import ANA, ATTEST, OWNER, REVOKE, Everybody, item, plan, population

WRITERS, EACH = 20, 25

#: Decides on items FIRST, FIRST + 1 … as Ana, and prints the number of each that was acknowledged.
DECIDE = """
import os, sys
from pathlib import Path
from reviews.service import Reviews
from tests.reviews.factories import ANA, ATTEST, item
home, url, id, first, many = sys.argv[1:]
with Reviews.open(Path(home), url or None) as reviews:
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(int(first), int(first) + int(many)):
        reviews.decide(id, item(number).id, ATTEST, ANA, version=1, key=f"k{number}")
        print(number, flush=True)
"""


def start(*arguments: object, code: str = DECIDE) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def writers() -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that a test starts; none of them outlives it."""
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            assert stream is not None
            stream.close()


def go(writers: Sequence[subprocess.Popen[str]]) -> None:
    """Lets all of them loose at once."""
    for process in writers:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in writers:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()


# -- many writers


def test_every_decision_of_twenty_processes_arrives(
    reviews: Reviews, url: str | None, tmp_path: Path, writers: list[subprocess.Popen[str]]
) -> None:
    # The server takes its turns by itself; what is at stake is SQLite's file.
    total = (WRITERS if url is None else 5) * EACH
    campaign = opened(reviews, *(item(number) for number in range(total)))
    home = tmp_path / "home"
    writers += [start(home, url or "", campaign.id, first, EACH) for first in range(0, total, EACH)]
    go(writers)
    said = [process.communicate(timeout=300) for process in writers]
    assert [errors for _, errors in said if errors] == []
    assert sorted(int(number) for lines, _ in said for number in lines.split()) == list(range(total))
    view = reviews.campaign(campaign.id)
    assert view.states["attest"] == total
    assert view.entries == campaign.entries + total
    assert reviews.verify(campaign.id).failures == []


def test_of_many_decisions_on_one_version_one_counts(reviews: Reviews) -> None:
    campaign = opened(reviews, item(1))

    def decide(number: int) -> bool:
        decision = ATTEST if number % 2 else REVOKE
        try:
            reviews.decide(campaign.id, item(1).id, decision, ANA, version=1, key=f"k{number}")
        except StaleVersionError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(decide, range(16))) == 1
    assert reviews.item(campaign.id, item(1).id).version == 2
    assert len(reviews.history(campaign.id, item(1).id)) == 1


def test_of_many_submits_of_one_form_one_counts_and_all_are_answered(reviews: Reviews) -> None:
    campaign = opened(reviews, item(1))

    def decide(_: int) -> object:
        return reviews.decide(campaign.id, item(1).id, ATTEST, ANA, version=1, key="form")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(decide, range(16)))
    assert all(answer == answers[0] for answer in answers)
    assert len(reviews.history(campaign.id, item(1).id)) == 1


def test_of_many_openings_with_one_key_one_counts(reviews: Reviews) -> None:
    def open_it(_: int) -> str:
        return reviews.open_campaign(plan(), population(), Everybody(), OWNER, key="open").id

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(open_it, range(6)))) == 1
    assert len(reviews.campaigns()) == 1


# -- killed writers


def test_what_was_acknowledged_outlives_a_killed_writer(
    reviews: Reviews, url: str | None, tmp_path: Path, writers: list[subprocess.Popen[str]]
) -> None:
    campaign = opened(reviews, *(item(number) for number in range(400)))
    writers.append(start(tmp_path / "home", url or "", campaign.id, 0, 400))
    go(writers)
    (process,) = writers
    assert process.stdout is not None
    acknowledged = [int(process.stdout.readline()) for _ in range(20)]
    os.kill(process.pid, signal.SIGKILL)
    acknowledged += [int(line) for line in process.stdout if line.endswith("\n")]
    for number in acknowledged:
        assert reviews.item(campaign.id, item(number).id).state == "attest"
    assert reviews.verify(campaign.id).failures == []
    # The one in between may have arrived without a word; the next one follows on.
    assert reviews.campaign(campaign.id).decided - len(acknowledged) in (0, 1)
    reviews.decide(campaign.id, item(399).id, ATTEST, ANA, version=1, key="k399")
    assert reviews.verify(campaign.id).failures == []


#: Writes the entry of a decision, and dies before its transaction ends.
DIE = """
import os, signal, sys
from pathlib import Path
from reviews import once
from reviews.service import Reviews
from tests.reviews.factories import ANA, ATTEST, item
home, url, id = sys.argv[1:]
once.remember = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
print("ready", flush=True)
sys.stdin.readline()
with Reviews.open(Path(home), url or None) as reviews:
    reviews.decide(id, item(1).id, ATTEST, ANA, version=1, key="k")
"""


def test_a_writer_killed_in_its_transaction_leaves_nothing_of_it(
    reviews: Reviews, url: str | None, tmp_path: Path, writers: list[subprocess.Popen[str]]
) -> None:
    campaign = opened(reviews, item(1), item(2))
    writers.append(start(tmp_path / "home", url or "", campaign.id, code=DIE))
    go(writers)
    assert writers[0].wait(60) == -signal.SIGKILL
    assert reviews.campaign(campaign.id) == campaign
    assert reviews.verify(campaign.id).failures == []
    assert reviews.decide(campaign.id, item(1).id, ATTEST, ANA, version=1, key="k").state == "attest"


def test_an_error_in_a_transaction_undoes_all_of_it(reviews: Reviews, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = opened(reviews, item(1))
    with monkeypatch.context() as patched:
        patched.setattr("reviews.once.remember", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            reviews.decide(campaign.id, item(1).id, ATTEST, ANA, version=1, key="k")
    assert reviews.campaign(campaign.id) == campaign


# -- the file


def test_the_file_and_its_folder_are_for_its_owner_alone(tmp_path: Path, clock: Clock) -> None:
    home = tmp_path / "new" / "home"
    with Reviews.open(home, clock=clock) as reviews:
        opened(reviews, item(1))
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (home, *home.iterdir())}
    assert modes == {"home": 0o700, "reviews.db": 0o600, "reviews.db-wal": 0o600, "reviews.db-shm": 0o600}


def test_a_file_that_others_could_read_is_made_private(tmp_path: Path) -> None:
    (tmp_path / "reviews.db").touch(0o644)
    Reviews.open(tmp_path).close()
    assert stat.S_IMODE((tmp_path / "reviews.db").stat().st_mode) == 0o600


def test_what_is_written_is_on_the_disk_before_it_is_acknowledged(file_reviews: Reviews) -> None:
    with file_reviews._database.write() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def failing(reviews: Reviews, id: str) -> str:
    """What a decision is refused with."""
    with pytest.raises(DatabaseError) as raised:
        reviews.decide(id, item(1).id, ATTEST, ANA, version=1, key="k")
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_locked_database_is_said_so(tmp_path: Path, clock: Clock) -> None:
    with Reviews.open(tmp_path, clock=clock, patience=0.05) as reviews:
        campaign = opened(reviews, item(1))
        raw = sqlite3.connect(tmp_path / "reviews.db", isolation_level=None)
        raw.execute("BEGIN IMMEDIATE")
        said = failing(reviews, campaign.id)
        assert said == (
            f"the reviews database `{tmp_path / 'reviews.db'}` is locked by another process: "
            "nothing was written; try again"
        )
        assert reviews.campaign(campaign.id) == campaign, "who reads does not wait"
        raw.close()
        assert reviews.decide(campaign.id, item(1).id, ATTEST, ANA, version=1, key="k").state == "attest"


def test_a_full_disk_is_said_so_and_loses_nothing(file_reviews: Reviews) -> None:
    campaign = opened(file_reviews, item(1), item(2))
    file_reviews.decide(campaign.id, item(2).id, ATTEST, ANA, version=1, key="before")
    before = file_reviews.campaign(campaign.id)
    with file_reviews._database.read() as connection:
        # SQLite's own limit of pages stands in for the disk: it raises the very same error.
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
    long = "x" * 3_900
    for number in range(40):
        try:
            decision = type(ATTEST)(kind="attest", reason=long)
            version = file_reviews.item(campaign.id, item(1).id).version
            file_reviews.decide(campaign.id, item(1).id, decision, ANA, version=version, key=f"{number}")
        except DatabaseError as error:
            assert str(error).endswith("cannot grow: the disk is full; nothing was written")
            break
    else:
        pytest.fail("the database grew beyond its limit")
    assert file_reviews.campaign(campaign.id).decided >= before.decided
    assert file_reviews.verify(campaign.id).failures == []


def test_a_file_that_was_taken_away_is_said_so(file_reviews: Reviews, tmp_path: Path) -> None:
    campaign = opened(file_reviews, item(1))
    path = tmp_path / "home" / "reviews.db"
    path.rename(path.with_name("moved.db"))
    assert "was removed or replaced while it was open" in failing(file_reviews, campaign.id)
    with pytest.raises(DatabaseError, match=r"was removed or replaced"):
        file_reviews.campaigns()
    path.touch()
    assert "was removed or replaced while it was open" in failing(file_reviews, campaign.id)


def test_a_file_taken_away_between_reading_and_writing_takes_no_decision(
    file_reviews: Reviews, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = opened(file_reviews, item(1))
    path = tmp_path / "home" / "reviews.db"
    monkeypatch.setattr("reviews.once.remember", lambda *_: path.rename(path.with_name("moved.db")))
    assert "was removed or replaced" in failing(file_reviews, campaign.id)


@pytest.mark.parametrize(
    "content", [b"not a database, but long enough to have a header" * 40, b"SQLite format 3\0" + b"x" * 4_080]
)
def test_a_file_that_is_no_database_is_said_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "reviews.db").write_bytes(content)
    with pytest.raises(DatabaseError, match=r"is not a database of reviews, or it is damaged|is damaged"):
        Reviews.open(tmp_path)
    assert (tmp_path / "reviews.db").read_bytes() == content


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    raw = sqlite3.connect(tmp_path / "reviews.db")
    with raw:
        raw.execute("CREATE TABLE songs (title TEXT)")
    with pytest.raises(DatabaseError, match=r"is a database of something else: nothing was changed in it"):
        Reviews.open(tmp_path)
    assert [name for (name,) in raw.execute("SELECT name FROM sqlite_master")] == ["songs"]
    raw.close()


def test_a_folder_that_cannot_be_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseError, match=r"cannot write the reviews database `.*`: (Not a directory|File exists)"):
        Reviews.open(tmp_path / "file")


#: As somebody to whom permissions apply, opens the database and decides; prints what is said.
AS_SOMEBODY = """
import os, sys
from pathlib import Path
import alembic.command, alembic.config, sqlalchemy.dialects.sqlite.pysqlite
from reviews.errors import DatabaseError
from reviews.service import Reviews
from tests.reviews.factories import ANA, ATTEST, item
home, id = sys.argv[1:]
if os.geteuid() == 0:
    os.setgroups([]), os.setgid(65534), os.setuid(65534)
try:
    reviews = Reviews.open(Path(home))
    reviews.decide(id, item(1).id, ATTEST, ANA, version=1, key="k")
    print("decided")
except DatabaseError as error:
    print(error)
"""


@pytest.fixture
def shared_home() -> Iterator[Path]:
    """A home that somebody else than root can get to; pytest's own folders are for one user alone."""
    with tempfile.TemporaryDirectory(prefix="grantmap-test-") as name:
        home = Path(name)
        home.chmod(0o755)
        yield home
        home.chmod(0o755)


def give_away(home: Path) -> None:
    if os.geteuid() == 0:
        for path in (home, *home.iterdir()):
            os.chown(path, 65534, 65534)


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_read_only_file_or_folder_is_said_so(
    shared_home: Path, clock: Clock, what: str, writers: list[subprocess.Popen[str]]
) -> None:
    with Reviews.open(shared_home, clock=clock) as reviews:
        campaign = opened(reviews, item(1))
    give_away(shared_home)
    if what == "file":
        (shared_home / "reviews.db").chmod(0o400)
    else:
        shared_home.chmod(0o555)
    writers.append(start(shared_home, campaign.id, code=AS_SOMEBODY))
    said, errors = writers[0].communicate("\n", timeout=60)
    assert errors == ""
    assert said.count("\n") == 1
    assert said.startswith(("cannot write the reviews database", "the reviews database"))
    assert "ermission denied" in said or "read-only" in said or "may you write in it" in said
    shared_home.chmod(0o755)
    (shared_home / "reviews.db").chmod(0o600)
    with Reviews.open(shared_home, clock=clock) as reviews:
        assert reviews.campaign(campaign.id) == campaign


# -- migrations


def test_the_tables_are_those_that_the_migrations_make(reviews: Reviews) -> None:
    with reviews._database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_the_version_is_that_of_the_newest_migration() -> None:
    assert ScriptDirectory(str(database._MIGRATIONS)).get_current_head() == database.VERSION


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    Reviews.open(tmp_path).close()
    raw = sqlite3.connect(tmp_path / "reviews.db")
    with raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.close()
    with pytest.raises(
        DatabaseError, match=r"is of a newer version \(`9999`, this one knows `0001`\): update grantmap"
    ):
        Reviews.open(tmp_path)


OPEN = """
import sys
from pathlib import Path
from reviews.service import Reviews
home, url = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
with Reviews.open(Path(home), url or None) as reviews:
    print(reviews.members())
"""


def test_processes_that_make_the_database_at_once_make_one(
    url: str | None, tmp_path: Path, writers: list[subprocess.Popen[str]]
) -> None:
    writers += [start(tmp_path / "home", url or "", code=OPEN) for _ in range(4)]
    go(writers)
    assert [process.communicate(timeout=60) for process in writers] == [("{}\n", "")] * 4


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://host/name", "unknown kind of reviews database `mysql`"),
        ("nonsense", "wrong URL of the reviews database"),
        ("postgresql+pg8000://user:secret@127.0.0.1:1/name", "cannot be reached"),
    ],
)
def test_a_url_that_leads_nowhere_is_said_so_without_its_password(tmp_path: Path, url: str, words: str) -> None:
    with pytest.raises(DatabaseError, match=words) as raised:
        Reviews.open(tmp_path, url)
    assert "secret" not in str(raised.value)
    assert "\n" not in str(raised.value)
