"""``grantmap ui``: one process that serves on this machine, and ends with the one that started it."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.ui.conftest import clean_environment


def command(home: Path, *arguments: str, cwd: Path | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "cli.main", "ui", *arguments],
        env={**clean_environment(home), "HOME": str(home)},
        cwd=cwd or home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def serving(home: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The command, serving, and its port."""
    process = command(home, "--local", "--port", "0")
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("grantmap is at http://127.0.0.1:"), line
        yield process, int(line.rsplit(":", 1)[1])
    finally:
        process.kill()
        process.wait()


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/_stcore/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def ends(port: int) -> bool:
    """Whether the server goes away; waits for it."""
    for _ in range(150):
        if not answers(port):
            return True
        time.sleep(0.1)
    return False


def failed(process: subprocess.Popen[str]) -> str:
    """The one line of a command that must have failed."""
    out, said = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert len(said.strip().splitlines()) == 1, said
    return said


def test_a_port_in_use_is_named_with_what_to_do(bare_home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        port = taken.getsockname()[1]
        said = failed(command(bare_home, "--local", "--port", str(port)))
    assert f"port `{port}`" in said
    assert "--port" in said


def test_a_port_that_is_none_is_refused(bare_home: Path) -> None:
    assert "`70000`" in failed(command(bare_home, "--local", "--port", "70000"))


def test_without_local_mode_or_openid_connect_it_says_what_to_do(bare_home: Path) -> None:
    said = failed(command(bare_home, "--port", "0"))
    assert "--local" in said
    assert "OpenID Connect" in said


def test_a_secrets_file_that_cannot_be_read_is_named(bare_home: Path) -> None:
    (bare_home / ".streamlit").mkdir()
    (bare_home / ".streamlit" / "secrets.toml").write_text("[auth\n")
    assert "secrets.toml" in failed(command(bare_home, "--port", "0"))


def test_without_data_it_still_opens(bare_home: Path) -> None:
    with serving(bare_home) as (_, port):
        assert answers(port)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_server_ends_with_the_command_however_that_ends(bare_home: Path, how: signal.Signals) -> None:
    with serving(bare_home) as (process, port):
        os.kill(process.pid, how)
        assert ends(port)
        assert process.wait(20) == (0 if how is not signal.SIGKILL else -how)


def test_it_listens_on_this_machine_only(bare_home: Path) -> None:
    with serving(bare_home) as (_, port):
        listening = [
            line.split()[1]
            for table in ("/proc/net/tcp", "/proc/net/tcp6")
            if Path(table).exists()
            for line in Path(table).read_text().splitlines()[1:]
            if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"
        ]
        assert listening == [f"0100007F:{port:04X}"]
