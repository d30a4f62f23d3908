"""What the collectors' tests share: the demo, keys for it, a collection of it, a server that answers nonsense."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from collectors.demo import DemoOrganisation, EmulatedAws
from collectors.demo.server import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from collectors.run import CollectOptions, CollectResult, collect
from model.snapshot import Snapshot, open_snapshot
from tests.collectors.demo_fixtures import running_demo

KEYS = {"AWS_ACCESS_KEY_ID": ACCESS_KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY}


def use_keys(patch: pytest.MonkeyPatch) -> None:
    """The emulator's keys and nothing else of this machine's AWS configuration."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        patch.delenv(name)
    for name, value in KEYS.items():
        patch.setenv(name, value)
    patch.setenv("AWS_CONFIG_FILE", os.devnull)
    patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    patch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    use_keys(monkeypatch)


@dataclass(frozen=True)
class Collected:
    """The demo, collected once."""

    home: Path
    result: CollectResult
    snapshot: Snapshot


@pytest.fixture(scope="session")
def shared_demo() -> Iterator[tuple[EmulatedAws, DemoOrganisation]]:
    yield from running_demo()


@pytest.fixture(scope="session")
def collected(shared_demo: tuple[EmulatedAws, DemoOrganisation], tmp_path_factory: pytest.TempPathFactory) -> Collected:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        use_keys(patch)
        result = collect(CollectOptions(endpoint_url=shared_demo[0].endpoint_url), home)
    return Collected(home, result, open_snapshot(home))


@pytest.fixture
def aws(shared_demo: tuple[EmulatedAws, DemoOrganisation], keys: None) -> Iterator[EmulatedAws]:
    """The demo's emulator with keys in the environment; rules that a test adds end with it."""
    yield shared_demo[0]
    shared_demo[0].clear_rules()


@pytest.fixture
def organisation(shared_demo: tuple[EmulatedAws, DemoOrganisation]) -> DemoOrganisation:
    return shared_demo[1]


@dataclass
class Stub:
    """A server that gives every request one answer and counts them."""

    url: str
    status: int = 200
    body: bytes = b""
    kind: str = "text/html"
    requests: list[str] = field(default_factory=list)


@pytest.fixture
def stub() -> Iterator[Stub]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            said.requests.append(f"{self.command} {self.path}")
            self.send_response(said.status)
            self.send_header("Content-Type", said.kind)
            self.send_header("Content-Length", str(len(said.body)))
            self.end_headers()
            self.wfile.write(said.body)

        do_GET = do_POST = do_PUT = answer  # noqa: N815 - the names that the server calls

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the test reports."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    said = Stub(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield said
    server.shutdown()
    server.server_close()
    thread.join()
