"""A real Neo4j server for tests, with a login: the one of ``NEO4J_URI``, one of our own in Java, or one in Docker.

Our own comes from Maven Central once (213 jars, 123 MB) and lies in a cache folder outside the checkout. It runs as a
child process that ends when the tests' process does, however that ends; its data are gone with the temporary folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

VERSION = "5.26.30"
IMAGE = "neo4j:5-community"
_HERE = Path(__file__).parent / "neo4j"
_OPENS = ("java.nio", "java.io", "sun.nio.ch", "java.lang")
_START_SECONDS = 90


class NoServerError(Exception):
    """Why there is no server; begins with ``Neo4j``."""


class Neo4jServer:
    """A running server. ``address`` is for ``open_store``, which takes user and password from the environment."""

    def __init__(self, address: str, username: str, password: str) -> None:
        self.address = address
        self.username = username
        self.password = password

    def environment(self) -> dict[str, str]:
        """What ``open_store`` and the driver read."""
        return {"NEO4J_USERNAME": self.username, "NEO4J_PASSWORD": self.password}

    def run(self, text: str, **parameters: object) -> list[list[object]]:
        """The rows of any statement, past the store."""
        import neo4j

        with (
            neo4j.GraphDatabase.driver(
                self.address, auth=(self.username, self.password), notifications_min_severity="OFF"
            ) as driver,
            driver.session() as session,
        ):
            return session.run(text, parameters).values()

    def empty(self) -> None:
        """Removes every node; constraints stay."""
        self.run("MATCH ()-[e]->() CALL { WITH e DELETE e } IN TRANSACTIONS OF 20000 ROWS")
        self.run("MATCH (n) CALL { WITH n DELETE n } IN TRANSACTIONS OF 20000 ROWS")


class OwnServer(Neo4jServer):
    """A server in Java that this process started, and may kill."""

    def __init__(self, jars: Path, folder: Path) -> None:
        self._jars, self._folder = jars, folder
        self._port = free_port()
        super().__init__(f"bolt://127.0.0.1:{self._port}", "neo4j", secrets.token_urlsafe(12))
        self.start()
        self._first_login()

    def start(self, **settings: str) -> None:
        """Starts the process on the data that are there and waits until it answers; ``a_b`` is the setting ``a.b``."""
        file = self._folder / "settings"
        file.write_text("".join(f"{name.replace('_', '.')}={value}\n" for name, value in settings.items()))
        command = [
            *(
                "java",
                "-Xmx768m",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                *(f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in _OPENS),
            ),
            *("-cp", f"{self._jars}/*", str(_HERE / "Neo4jServer.java")),
            *(str(self._folder / "home"), str(self._port), str(file)),
        ]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=self._folder
            )
        assert self._process.stdout is not None
        if self._process.stdout.readline() != b"ready\n":
            self.kill()
            raise NoServerError(f"Neo4j did not start: {(self._folder / 'log').read_text()[-500:]}")

    def _first_login(self) -> None:
        import neo4j

        with (
            neo4j.GraphDatabase.driver(self.address, auth=("neo4j", "neo4j")) as driver,
            driver.session(database="system") as session,
        ):
            session.run("ALTER CURRENT USER SET PASSWORD FROM 'neo4j' TO $new", new=self.password).consume()

    def kill(self) -> None:
        """SIGKILL, as a machine that loses power."""
        self._process.kill()
        self._wait()

    def restart(self, **settings: str) -> None:
        """Another process on the same data and the same port."""
        if self._process.poll() is None:
            self._process.terminate()
            self._wait()
        self.start(**settings)

    def _wait(self) -> None:
        self._process.wait(30)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def cache_folder() -> Path:
    """Where the jars of this version are, outside the checkout."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "grantmap" / f"neo4j-{VERSION}"


def jars() -> Path:
    """The folder of jars, fetched by Maven when it is not there; raises ``NoServerError`` when they cannot be had."""
    folder = cache_folder()
    if shutil.which("java") is None:
        raise NoServerError("Neo4j needs Java 17, Docker or NEO4J_URI, and there is none")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not any(folder.glob("neo4j-*.jar")):
            if shutil.which("mvn") is None:
                raise NoServerError(f"Neo4j is not in {folder} and there is no Maven to fetch it")
            with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
                fetch(Path(scratch) / "jars", Path(scratch) / "build")
                shutil.rmtree(folder, ignore_errors=True)
                (Path(scratch) / "jars").rename(folder)
    return folder


def fetch(into: Path, scratch: Path) -> None:
    """Copies the server and all that it needs from Maven Central into a folder."""
    arguments = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={into}"]
    command = ["mvn", "-q", "-B", "-f", str(_HERE / "pom.xml"), f"-DbuildDirectory={scratch}", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    except subprocess.TimeoutExpired as error:
        raise NoServerError("Neo4j could not be fetched from Maven Central in five minutes") from error
    if done.returncode:
        raise NoServerError(f"Neo4j could not be fetched from Maven Central: {done.stdout.strip()[:300]}")


@contextlib.contextmanager
def own_server() -> Iterator[OwnServer]:
    """A server in Java on a fresh folder."""
    found = jars()
    with tempfile.TemporaryDirectory(prefix="neo4j-", ignore_cleanup_errors=True) as folder:
        server = OwnServer(found, Path(folder))
        try:
            yield server
        finally:
            server.kill()  # nobody wants its data: no time is spent on an orderly end


@contextlib.contextmanager
def docker_server() -> Iterator[Neo4jServer]:
    """A server in a container, which ends with the client that holds its standard input."""
    if shutil.which("docker") is None or subprocess.run(["docker", "info"], capture_output=True).returncode:
        raise NoServerError("Neo4j needs Java 17 with Maven, Docker or NEO4J_URI, and there is none")
    port, password = free_port(), secrets.token_urlsafe(12)
    inside = 'docker-entrypoint.sh neo4j & while read -r line; do :; done; kill "$!"; wait'
    process = subprocess.Popen(
        [
            *("docker", "run", "--rm", "-i", "--entrypoint", "/bin/bash", "-p", f"127.0.0.1:{port}:7687"),
            *("-e", "NEO4J_AUTH", IMAGE, "-c", inside),
        ],
        env=os.environ | {"NEO4J_AUTH": f"neo4j/{password}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    server = Neo4jServer(f"bolt://127.0.0.1:{port}", "neo4j", password)
    try:
        _wait_until_it_answers(server)
        yield server
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(60)


def _wait_until_it_answers(server: Neo4jServer) -> None:
    from neo4j.exceptions import DriverError, Neo4jError

    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            server.run("RETURN 1 AS one")
        except (DriverError, Neo4jError) as error:
            if time.monotonic() > deadline:
                raise NoServerError(f"Neo4j did not answer in {_START_SECONDS} s: {error}") from error
            time.sleep(1)
        else:
            return


@contextlib.contextmanager
def given_server() -> Iterator[Neo4jServer]:
    """The server of ``NEO4J_URI``, for one test process at a time; it must be empty, because tests empty it."""
    address = os.environ["NEO4J_URI"]
    username = os.environ.get("NEO4J_USERNAME", "neo4j")
    server = Neo4jServer(address, username, os.environ.get("NEO4J_PASSWORD", ""))
    with (Path(tempfile.gettempdir()) / f"grantmap-neo4j-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if server.run("MATCH (n) RETURN n LIMIT 1"):
            raise NoServerError(f"Neo4j at {address} is not empty: tests remove all that is in it")
        try:
            yield server
        finally:
            server.empty()


@contextlib.contextmanager
def running() -> Iterator[Neo4jServer]:
    """The first server that can be had; raises ``NoServerError`` that says why there is none."""
    server: Neo4jServer
    with contextlib.ExitStack() as stack:
        if os.environ.get("NEO4J_URI"):
            yield stack.enter_context(given_server())
            return
        try:
            server = stack.enter_context(own_server())
        except NoServerError as first:
            try:
                server = stack.enter_context(docker_server())
            except NoServerError:
                raise first from None
        yield server


def neo4j_server() -> Iterator[Neo4jServer]:
    """The body of the fixture ``neo4j``: a server for this test process, its login in the environment."""
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(running())
        except NoServerError as error:
            pytest.skip(str(error))
        stack.enter_context(mock.patch.dict(os.environ, server.environment()))
        yield server
