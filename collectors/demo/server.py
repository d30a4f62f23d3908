"""The emulator: an HTTP server on a loopback port, in a process of its own, that speaks AWS for many accounts.

It is a child process and not a thread: the emulator is slow pure Python that would hold the interpreter's lock while
the collectors' threads wait for it, its corrections (`faults`) patch modules for a whole process, and a process can be
ended whatever state it is in. The child ends by itself when its parent does (its standard input closes).
"""

from __future__ import annotations

import functools
import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from collectors.demo.company import UNREADABLE_BUCKETS
from collectors.demo.errors import DemoError
from collectors.demo.gate import CONTROL, Gate, Rule

# The dummy keys of the emulator; it takes an unknown key for the management account's.
ACCESS_KEY_ID = "AKIADEMODEMODEMODEMO"
SECRET_ACCESS_KEY = "demo"  # noqa: S105 - not a secret: the emulator checks no signature
START_SECONDS = 90.0

_LOOPBACK = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy must never see these calls


class EmulatedAws:
    """A running emulator (context manager).

    `endpoint_url` is what boto3 takes. `unreadable_buckets` are those whose own policy denies reading it to everyone
    but the break-glass role; the emulator does not evaluate policies, so the gate before it refuses in its place.
    """

    def __init__(self, *, unreadable_buckets: Iterable[str] = UNREADABLE_BUCKETS) -> None:
        rules = [
            {"effect": "deny", "service": "s3", "operation": operation, "path": f"^/{bucket}/?\\?"}
            for bucket in unreadable_buckets
            for operation in ("GetBucketPolicy", "GetBucketPolicyStatus")
        ]
        # A file, not a pipe: nobody reads the child's complaints unless it fails to start.
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and a constant program
            [sys.executable, "-c", "from collectors.demo.server import serve; serve()", json.dumps(rules)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=_environment(),
            cwd=tempfile.gettempdir(),
            # Ctrl-C is for the parent: it still has calls in flight to finish and a snapshot to keep resumable.
            start_new_session=True,
        )
        self.endpoint_url = f"http://127.0.0.1:{self._read_port()}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child; harmless when called twice."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._process.terminate()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def deny(
        self,
        service: str,
        operation: str | None = None,
        *,
        path: str | None = None,
        account: str | None = None,
        region: str | None = None,
        times: int | None = None,
    ) -> None:
        """Refuse matching calls as IAM does. `service` is the signing name (`sso`, `elasticloadbalancing`), `path` a
        regular expression over "/path?query", `times` how many calls are refused (None: all)."""
        self._add(Rule("deny", service, operation, path, account, region, times))

    def throttle(
        self,
        service: str,
        operation: str | None = None,
        *,
        times: int = 1,
        path: str | None = None,
        account: str | None = None,
        region: str | None = None,
    ) -> None:
        """Answer the next `times` matching calls with the service's throttling error."""
        self._add(Rule("throttle", service, operation, path, account, region, times))

    def expire(
        self,
        service: str,
        operation: str | None = None,
        *,
        path: str | None = None,
        account: str | None = None,
        region: str | None = None,
        times: int | None = None,
    ) -> None:
        """Answer matching calls with the error of an expired session token."""
        self._add(Rule("expire", service, operation, path, account, region, times))

    def tell_access(self, body: Any) -> None:
        """What account access manager answers from now on (`account_access`); ``None``: it has no application."""
        control(self.endpoint_url, "access", body)

    def clear_rules(self) -> None:
        """Forget the rules of `deny`, `throttle` and `expire`; the unreadable buckets stay unreadable."""
        control(self.endpoint_url, "clear")

    def reset(self) -> None:
        """An empty AWS again: no accounts, no resources, no rules; identifiers start anew from the seed."""
        self.clear_rules()
        control(self.endpoint_url, "access")
        control(self.endpoint_url, "reset")

    def _add(self, rule: Rule) -> None:
        control(self.endpoint_url, "rules", rule.to_json())

    def _read_port(self) -> int:
        assert self._process.stdout is not None
        timer = threading.Timer(START_SECONDS, self._process.kill)
        timer.start()
        try:
            line = self._process.stdout.readline()
        finally:
            timer.cancel()
        if not line.strip().isdigit():
            self._process.kill()
            self._process.wait()
            self._log.seek(0)
            complaint = self._log.read().decode(errors="replace").strip()
            self.close()
            if "No module named 'moto" in complaint or "moto[server]" in complaint:
                raise DemoError("the emulator is not installed: install grantmap with the extra `demo`")
            raise DemoError(f"the emulator did not start: `{complaint[-500:] or 'it said nothing'}`")
        return int(line)


def control(endpoint_url: str, name: str, body: Any = None) -> Any:
    """POST one of the emulator's own control calls (`faults.CONTROL`, `gate.Gate`) and return its JSON answer."""
    request = urllib.request.Request(  # noqa: S310 - callers pass the http:// URL of a loopback endpoint
        f"{endpoint_url}{CONTROL}{name}", data=json.dumps(body).encode(), method="POST"
    )
    try:
        with _LOOPBACK.open(request, timeout=60) as response:
            return json.load(response)
    except (urllib.error.URLError, ValueError) as error:
        reason = error.read().decode(errors="replace") if isinstance(error, urllib.error.HTTPError) else str(error)
        raise DemoError(f"the emulator at `{endpoint_url}` refused `{name}`: {reason[:300]}") from error


def _environment() -> dict[str, str]:
    """The child's environment: nothing of the caller's AWS configuration reaches it."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "MOTO_"))}
    root = str(Path(__file__).resolve().parents[2])
    return kept | {
        "PYTHONPATH": os.pathsep.join([root, *filter(None, [kept.get("PYTHONPATH")])]),
        "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
        "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",  # nobody asks for images; they cost 0.2 s an account and region
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def serve() -> None:
    """The child's program: print the port, serve until standard input closes. argv[1]: the permanent rules as JSON."""
    from moto.core.request import Request
    from moto.core.routing import get_service_router
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.exceptions import NotFound
    from werkzeug.serving import make_server

    from collectors.demo import account_access, faults

    def name_operation(service: str, environ: dict[str, Any]) -> str | None:
        if service == account_access.SERVICE:
            return account_access.operation_of(environ)[0]
        request = Request(environ | {"wsgi.input": None})  # the body must stay unread for the emulator
        try:
            return str(get_service_router(service).match(request)[0].name)
        except (NotFound, KeyError, ValueError):
            return None

    class Dispatcher(DomainDispatcherApplication):
        """Finds a host's service once; the emulator walks all its modules at every request."""

        @functools.cache  # noqa: B019 - one instance, which lives as long as the process
        def get_backend_for_host(self, host: str | None) -> Any:
            return super().get_backend_for_host(host)

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    faults.apply()
    access = account_access.AccountAccess(Dispatcher(create_backend_app))
    gate = Gate(
        access,
        permanent=[Rule(**rule) for rule in json.loads(sys.argv[1])],
        account_of=faults.account_of,
        name_operation=name_operation,
        control=faults.CONTROL | {"access": access.tell},
    )
    server = make_server("127.0.0.1", 0, gate, threaded=True, request_handler=MotoRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.buffer.read()
    os._exit(0)  # request threads may still be answering; nobody is left to read them
