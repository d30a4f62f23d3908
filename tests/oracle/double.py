"""The emulated cloud as a child process: moto, with two of its gaps closed at the door.

`python -m tests.oracle.double PORT` serves on the loopback. moto cannot refuse a call and cannot disable a person, so:
the policy of a bucket whose name is in `SEALED` (comma-separated, environment) answers AccessDenied; identity store
users whose name is in `DISABLED` are reported as such.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from typing import Any

Environ = dict[str, Any]
Respond = Callable[..., Any]
DENIED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message><RequestId>sealed</RequestId></Error>"


def door(application: Any, sealed: set[str], disabled: set[str]) -> Callable[[Environ, Respond], Iterable[bytes]]:
    def answer(environ: Environ, respond: Respond) -> Iterable[bytes]:
        bucket = environ.get("PATH_INFO", "").strip("/")
        query = environ.get("QUERY_STRING", "").split("&")[0]
        if environ["REQUEST_METHOD"] == "GET" and bucket in sealed and query in ("policy", "policy=", "policyStatus"):
            respond("403 Forbidden", [("Content-Type", "application/xml"), ("Content-Length", str(len(DENIED)))])
            return [DENIED]
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if disabled and target in ("AWSIdentityStore.ListUsers", "AWSIdentityStore.DescribeUser"):
            return disabling(application, environ, respond, disabled)
        return list(application(environ, respond))

    return answer


def disabling(application: Any, environ: Environ, respond: Respond, disabled: set[str]) -> Iterable[bytes]:
    start: list[Any] = []
    body = b"".join(application(environ, lambda status, headers, *_: start.extend([status, headers])))
    with contextlib.suppress(ValueError):
        found = json.loads(body)
        for user in found.get("Users", [found]):
            if "UserName" in user:
                user["UserStatus"] = "DISABLED" if user["UserName"] in disabled else "ENABLED"
        body = json.dumps(found).encode()
    headers = [(name, value) for name, value in start[1] if name.lower() != "content-length"]
    respond(start[0], [*headers, ("Content-Length", str(len(body)))])
    return [body]


def serve(port: int) -> None:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import run_simple

    sealed, disabled = (set(filter(None, os.environ.get(name, "").split(","))) for name in ("SEALED", "DISABLED"))
    application = door(DomainDispatcherApplication(create_backend_app), sealed, disabled)
    run_simple("127.0.0.1", port, application, threaded=True)


@contextlib.contextmanager
def running(port: int, sealed: Iterable[str] = (), disabled: Iterable[str] = ()) -> Iterator[str]:
    """The double in a child process; gives its endpoint."""
    environment = dict(os.environ, MOTO_IAM_LOAD_MANAGED_POLICIES="true")
    environment |= {"SEALED": ",".join(sealed), "DISABLED": ",".join(disabled)}
    command = [sys.executable, "-m", "tests.oracle.double", str(port)]
    child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    endpoint = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{endpoint}/moto-api/", timeout=5).close()
                break
            except (urllib.error.URLError, OSError) as error:
                if child.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"the double did not start on `{endpoint}`") from error
                time.sleep(0.2)
        yield endpoint
    finally:
        child.terminate()
        child.wait(timeout=30)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
