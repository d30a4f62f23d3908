"""``ui``: the app in a browser, served on this machine by a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from cli.output import note, say
from cli.state import home
from model.errors import GrantmapError

PORT = 8501
#: Seconds until a server that does not answer is given up, and for it to end.
_START, _STOP = 60.0, 10.0


class PortError(GrantmapError):
    """A port that something else listens on, or that is none."""


class SignInError(GrantmapError):
    """Nobody could sign in: neither local mode nor OpenID Connect was asked for."""


class ServerError(GrantmapError):
    """The app's server did not start."""


def register(app: typer.Typer) -> None:
    """Adds the command of this module."""
    app.command("ui")(ui)


def ui(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.")] = PORT,
    local: Annotated[
        bool, typer.Option("--local", help="For you alone, on this machine: choose who you act as, no sign-in.")
    ] = False,
    browser: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> int:
    """Open the app in a browser.

    Reviews, evidence, and who can reach what.
    """
    if not local and not oidc_configured():
        raise SignInError(
            "nobody could sign in: give `--local` to use the app alone on this machine, or configure OpenID Connect in "
            "`.streamlit/secrets.toml` (docs/app.md says how)"
        )

    def said(url: str) -> None:
        say(f"grantmap is at {url}")
        if browser:
            import webbrowser

            webbrowser.open(url)

    serve(port, local=local, said=said)
    return 0


def serve(port: int, *, local: bool, said: Callable[[str], None]) -> None:
    """Runs the app until Ctrl-C or SIGTERM; ``said`` is told its address once it answers.

    Raises ``PortError`` and ``ServerError``.
    """
    port = free_port(port)
    server = start(port, local=local)
    previous = signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        wait_until_ready(server, port)
        said(f"http://127.0.0.1:{port}")
        sys.stdout.flush()
        note("Ctrl-C stops it.")
        code = server.wait()
        raise ServerError(f"the app's server ended by itself with status {code}; start it again")
    except KeyboardInterrupt:
        note("stopped")
    finally:
        signal.signal(signal.SIGTERM, previous)
        stop(server)


def _as_interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def oidc_configured() -> bool:
    """Whether a secrets file that Streamlit reads has a table ``[auth]``."""
    import tomllib

    places = (Path.home() / ".streamlit", Path(".streamlit"))
    for path in (place / "secrets.toml" for place in places):
        try:
            if "auth" in tomllib.loads(path.read_text()):
                return True
        except FileNotFoundError:
            continue
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SignInError(f"`{path}` cannot be read: {str(error).splitlines()[0].lower()}") from error
    return False


def free_port(port: int) -> int:
    """``port`` if nothing listens on it, for 0 a free one. Raises ``PortError``."""
    if not 0 <= port <= 65_535:
        raise PortError(f"port `{port}` is none: give a number from 1 to 65535, or 0 for a free one")
    with socket.socket() as probe:
        # As the server binds: a port whose last connections are still closing is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError as error:
            raise PortError(
                f"port `{port}` is in use or not allowed: stop what uses it, or give another with `--port`, 0 for a "
                "free one (`make demo ARGS='--port 0'`)"
            ) from error
        return int(probe.getsockname()[1])


def start(port: int, *, local: bool) -> subprocess.Popen[bytes]:
    """The server, starting. It ends when this process does: its standard input is a pipe that we hold open."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("STREAMLIT_")}
    passed = {"GRANTMAP_HOME": str(home().resolve()), "GRANTMAP_UI_LOCAL": "1" if local else "0"}
    return subprocess.Popen(  # noqa: S603  # our own module by this interpreter; the port is a number
        [sys.executable, "-m", "ui.server", str(port)],
        env={**inherited, **passed},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )


def wait_until_ready(server: subprocess.Popen[bytes], port: int) -> None:
    """Returns when the server answers. Raises ``ServerError`` when it ended, or does not."""
    until = time.monotonic() + _START
    while time.monotonic() < until:
        if server.poll() is not None:
            raise ServerError(f"the app's server ended with status {server.returncode} before it answered; see above")
        if answers(port):
            return
        time.sleep(0.1)
    raise ServerError(f"the app's server did not answer on port `{port}` within {_START:.0f} seconds")


def answers(port: int) -> bool:
    """Whether an app answers on the port."""
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/_stcore/health")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def stop(server: subprocess.Popen[bytes]) -> None:
    """Ends the server and waits for it."""
    if server.poll() is None:
        server.terminate()
    try:
        server.wait(_STOP)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
