"""What all tests share: the emulated organisation, a home built from it, and the account of what was tested for real.

A *part* is something real that tests run against. The table at the end of a run says which were used and why others
were not; ``GRANTMAP_REQUIRE=moto,ladybug`` turns a test skipped for want of such a part into a failure, and a run
that never used it too.
"""

from __future__ import annotations

import fcntl
import os
from collections import defaultdict
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collectors.demo import DemoOrganisation, EmulatedAws
    from tests.neo4j_server import Neo4jServer

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Part:
    """Something real; a test is of it by its module, by a fixture that it uses, or by ``@pytest.mark.part(name)``.

    ``lack``: words in a skip's reason that say that this part, and no other of the test's, is not there.
    """

    name: str
    title: str
    lack: str
    modules: frozenset[str] = frozenset()
    fixtures: frozenset[str] = frozenset()


PARTS = (
    Part(
        "moto",
        "emulated AWS (moto)",
        "moto",
        frozenset({"tests/oracle/test_rehearsal.py"}),
        frozenset({"demo", "demo_folder", "shared_demo", "empty"}),
    ),
    Part(
        "ladybug",
        "embedded store (ladybug)",
        "ladybug",
        frozenset(
            {f"tests/{name}.py" for name in ("graph/test_ladybug_store", "graph/test_shortest", "cypher/test_library")}
        ),
        frozenset({"demo_folder"}),
    ),
    Part(
        "neo4j",
        "Neo4j server",
        "Neo4j",
        frozenset({"tests/graph/test_neo4j_store.py"}),
        frozenset({"neo4j"}),
    ),
    Part("browser", "headless Chromium", "browser", fixtures=frozenset({"browser_page", "chromium"})),
    Part("postgresql", "PostgreSQL", "PostgreSQL", fixtures=frozenset({"postgresql"})),
    Part("cases", "shared decision cases", "decision cases", frozenset({"tests/policy/test_conformance.py"})),
    Part(
        "oracle",
        "oracle (a second, naive evaluator)",
        "oracle",
        frozenset(f"tests/oracle/test_{name}.py" for name in ("oracle", "rehearsal", "worlds")),
    ),
)
NAMES = [part.name for part in PARTS]


# -- fixtures


@pytest.fixture(scope="session")
def demo() -> Iterator[tuple[EmulatedAws, DemoOrganisation]]:
    """The emulated organisation, running."""
    from tests.collectors.demo_fixtures import running_demo

    yield from running_demo()


@pytest.fixture(scope="session")
def demo_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``tests.demo_shell.make_home`` makes, once for all worker processes."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "demo"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "said.json").exists():
            from tests.demo_shell import make_home

            make_home(request.getfixturevalue("demo"), folder)
    return folder


@pytest.fixture(scope="session")
def demo_home(demo_folder: Path) -> Path:
    """A ``GRANTMAP_HOME`` with the emulated organisation collected and built. Do not write to it: copy it."""
    return demo_folder / ".grantmap"


@pytest.fixture(scope="session")
def neo4j() -> Iterator[Neo4jServer]:
    """A Neo4j server with a login, for this test process alone; use ``empty`` before a test that counts on it."""
    from tests.neo4j_server import neo4j_server

    yield from neo4j_server()


# -- parts


@dataclass
class Used:
    """What a run did with one part."""

    ran: int = 0
    failed: int = 0
    skipped: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))


class PartsPlugin:
    """Marks tests with their parts, counts what became of them, fails what is required and was not there."""

    def __init__(self, required: frozenset[str]) -> None:
        self.required = required
        self.used = {name: Used() for name in NAMES}

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, Any, None]:
        outcome = yield
        report: pytest.TestReport = outcome.get_result()
        parts = parts_of(item)
        report.user_properties.append(("parts", ",".join(parts)))
        missing = [name for name in lacking(report, parts) if name in self.required]
        if report.skipped and missing and not hasattr(report, "wasxfail"):
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid} needs {', '.join(missing)}, which GRANTMAP_REQUIRE names: {_why(report)}"

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not (report.when == "call" or report.failed or report.skipped):
            return
        parts = [name for name in str(dict(report.user_properties).get("parts", "")).split(",") if name]
        for name in lacking(report, parts):
            self.used[name].skipped[_why(report)] += 1
        for used in () if report.skipped else (self.used[name] for name in parts):
            if report.failed:
                used.failed += 1
            else:
                used.ran += 1

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A module that skips itself as a whole."""
        for name in lacking(report, [part.name for part in PARTS if report.nodeid in part.modules]):
            self.used[name].skipped[_why(report)] += 1

    def unmet(self) -> list[str]:
        """Required parts that no test used."""
        return sorted(name for name in self.required if not self.used[name].ran and not self.used[name].failed)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.unmet() and session.exitstatus == 0 and "PYTEST_XDIST_WORKER" not in os.environ:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        width = max(len(part.title) for part in PARTS)
        terminalreporter.write_line("")
        terminalreporter.write_line("Tested against:")
        for part in PARTS:
            terminalreporter.write_line(f"  {part.title.ljust(width)}  {self._in_words(part.name)}")
        for name in self.unmet():
            terminalreporter.write_line(f"GRANTMAP_REQUIRE names `{name}`, and no test used it", red=True)

    def _in_words(self, name: str) -> str:
        used = self.used[name]
        words = [f"used by {used.ran} tests"] if used.ran else [] if used.failed or used.skipped else ["not used"]
        words += [f"{used.failed} failed"] if used.failed else []
        words += [f"{count} skipped: {why}" for why, count in sorted(used.skipped.items())]
        return "; ".join(words)


def parts_of(item: pytest.Item) -> list[str]:
    """The parts that a test is of, in the table's order."""
    marked = {name for mark in item.iter_markers("part") for name in mark.args}
    module = item.nodeid.split("::")[0]
    fixtures = set(getattr(item, "fixturenames", ()))
    return [part.name for part in PARTS if part.name in marked or module in part.modules or part.fixtures & fixtures]


def lacking(report: pytest.TestReport | pytest.CollectReport, parts: list[str]) -> list[str]:
    """The parts for want of which a test was skipped: those that the reason names, else all of the test's."""
    if not report.skipped:
        return []
    reason = _why(report)
    return [part.name for part in PARTS if part.lack in reason] or parts


def _why(report: pytest.TestReport | pytest.CollectReport) -> str:
    """The reason of a skip, without where it was raised."""
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


def required_parts(text: str) -> frozenset[str]:
    """The parts of ``GRANTMAP_REQUIRE``; raises ``pytest.UsageError`` for one that does not exist."""
    names = frozenset(filter(None, (name.strip() for name in text.split(","))))
    if names - set(NAMES):
        raise pytest.UsageError(
            f"GRANTMAP_REQUIRE: unknown part `{', '.join(sorted(names - set(NAMES)))}`: expected {', '.join(NAMES)}"
        )
    return names


# Generated cases are the same in every run of `make test`, so that a failure is never luck; `make test-all` draws anew.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("all", max_examples=2_000, deadline=None)
settings.load_profile("all" if os.environ.get("GRANTMAP_TEST_ALL") else "same")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what is marked ``long``, unless everything is to be run."""
    if os.environ.get("GRANTMAP_TEST_ALL"):
        return
    long = [item for item in items if item.get_closest_marker("long")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: takes a minute or more, and is run by `make test-all` alone")
    config.addinivalue_line("markers", f"part(name): runs against a real part ({', '.join(NAMES)})")
    config.pluginmanager.register(PartsPlugin(required_parts(os.environ.get("GRANTMAP_REQUIRE", ""))), "grantmap-parts")
