"""A WSGI layer before the emulator that answers for IAM: it refuses, throttles or expires the calls its rules name.

The emulator grants every call; AWS does not. A rule is one JSON object:

    {"effect": "deny" | "throttle" | "expire", "service": "s3", "operation": "GetBucketPolicy" | null,
     "path": regular expression over "/path?query" | null, "account": "123456789012" | null,
     "region": "eu-west-1" | null, "times": 3 | null}

A field that is null matches everything; `times` null means always. The layer also answers the emulator's own control
calls under `/_emulator/`, so that the process that started it needs no second channel.
"""

from __future__ import annotations

import io
import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

CONTROL = "/_emulator/"
Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]

_SCOPE = re.compile(r"Credential=([^/\s]+)/\d+/([^/]*)/([^/]*)/aws4_request")
_REQUEST_ID = "00000000-0000-4000-8000-000000000000"

# (code, HTTP status) per effect; AWS spells the same refusal differently per protocol.
_CODES: dict[str, dict[str, tuple[str, int]]] = {
    "deny": {
        "s3": ("AccessDenied", 403),
        "query": ("AccessDenied", 403),
        "ec2": ("UnauthorizedOperation", 403),
        "json": ("AccessDeniedException", 400),
        "rest": ("AccessDeniedException", 403),
    },
    "throttle": {
        "s3": ("SlowDown", 503),
        "query": ("Throttling", 400),
        "ec2": ("RequestLimitExceeded", 503),
        "json": ("ThrottlingException", 400),
        "rest": ("ThrottlingException", 400),
    },
    "expire": {
        "s3": ("ExpiredToken", 400),
        "query": ("ExpiredToken", 403),
        "ec2": ("RequestExpired", 400),
        "json": ("ExpiredTokenException", 400),
        "rest": ("ExpiredTokenException", 403),
    },
}
_MESSAGES = {"deny": "Access Denied", "throttle": "Rate exceeded", "expire": "The provided token has expired."}


@dataclass(frozen=True, slots=True)
class Rule:
    """One refusal (see the module's docstring)."""

    effect: str
    service: str
    operation: str | None = None
    path: str | None = None
    account: str | None = None
    region: str | None = None
    times: int | None = None

    def __post_init__(self) -> None:
        if self.effect not in _CODES:
            raise ValueError(f"unknown effect `{self.effect}`: one of {', '.join(sorted(_CODES))}")

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Call:
    """What the layer reads from a signed request."""

    service: str
    region: str
    operation: str | None
    path: str
    access_key: str
    protocol: str


class Gate:
    """The WSGI application.

    `account_of` maps an access key id to an account; `name_operation` names the operation of a REST request;
    `control` answers `POST /_emulator/<name>` with a JSON body by a JSON value.
    """

    def __init__(
        self,
        app: Wsgi,
        *,
        permanent: Iterable[Rule] = (),
        account_of: Callable[[str], str],
        name_operation: Callable[[str, dict[str, Any]], str | None],
        control: Mapping[str, Callable[[Any], Any]],
    ) -> None:
        self._app = app
        self._permanent = tuple(permanent)
        self._account_of = account_of
        self._name_operation = name_operation
        self._control = dict(control) | {"rules": self._add_rule, "clear": self._clear, "ping": lambda _: "pong"}
        self._rules: list[list[Any]] = []  # [rule, times left or None]
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = str(environ.get("PATH_INFO", ""))
        if path.startswith(CONTROL):
            return self._answer_control(path.removeprefix(CONTROL), environ, start_response)
        if self._permanent or self._rules:
            call = self._read(environ)
            rule = self._match(call) if call else None
            if call and rule:
                return _refuse(call, rule.effect, start_response)
        return self._app(environ, start_response)

    def _add_rule(self, body: Any) -> None:
        rule = Rule(**body)
        with self._lock:
            self._rules.append([rule, rule.times])

    def _clear(self, _: Any) -> None:
        with self._lock:
            self._rules.clear()

    def _answer_control(self, name: str, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        handler = self._control.get(name)
        status, answer = "404 Not Found", {"error": f"no control call `{name}`"}
        if handler is not None:
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            try:
                status, answer = "200 OK", handler(json.loads(body) if body else None)
            except (TypeError, ValueError, KeyError, AttributeError) as error:
                status, answer = "400 Bad Request", {"error": f"{type(error).__name__}: {error}"}
        data = json.dumps(answer).encode()
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(data)))])
        return [data]

    def _match(self, call: Call) -> Rule | None:
        for rule in self._permanent:
            if self._applies(rule, call):
                return rule
        with self._lock:
            for entry in self._rules:
                rule, left = entry
                if left == 0 or not self._applies(rule, call):
                    continue
                if left is not None:
                    entry[1] = left - 1
                return rule  # type: ignore[no-any-return]  # the list pairs a Rule with its counter
        return None

    def _applies(self, rule: Rule, call: Call) -> bool:
        return (
            rule.service == call.service
            and (rule.operation is None or rule.operation == call.operation)
            and (rule.path is None or re.search(rule.path, call.path) is not None)
            and (rule.region is None or rule.region == call.region)
            and (rule.account is None or rule.account == self._account_of(call.access_key))
        )

    def _read(self, environ: dict[str, Any]) -> Call | None:
        scope = _SCOPE.search(str(environ.get("HTTP_AUTHORIZATION", "")))
        if scope is None:
            return None
        access_key, region, service = scope.groups()
        query = str(environ.get("QUERY_STRING", ""))
        path = f"{environ.get('PATH_INFO', '')}?{query}"
        target = str(environ.get("HTTP_X_AMZ_TARGET", ""))
        form = str(environ.get("CONTENT_TYPE", "")).startswith("application/x-www-form-urlencoded")
        if target:
            protocol, operation = "json", target.rpartition(".")[2] or None
        elif form and service != "s3":
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = io.BytesIO(body)  # the emulator reads it again
            protocol = "ec2" if service == "ec2" else "query"
            operation = parse_qs(body.decode()).get("Action", [None])[0]
        else:
            protocol = "s3" if service == "s3" else "rest"
            operation = self._name_operation(service, environ)
        return Call(service, region, operation, path, access_key, protocol)


def _refuse(call: Call, effect: str, start_response: Any) -> Iterable[bytes]:
    code, status = _CODES[effect][call.protocol]
    message = _MESSAGES[effect]
    headers = [("x-amzn-RequestId", _REQUEST_ID)]
    if call.protocol == "s3":
        said = f"<Code>{code}</Code><Message>{escape(message)}</Message><RequestId>{_REQUEST_ID}</RequestId>"
        text = f"<Error>{said}</Error>"
    elif call.protocol == "query":
        text = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
            f"<RequestId>{_REQUEST_ID}</RequestId></ErrorResponse>"
        )
    elif call.protocol == "ec2":
        text = (
            f"<Response><Errors><Error><Code>{code}</Code><Message>{escape(message)}</Message></Error></Errors>"
            f"<RequestID>{_REQUEST_ID}</RequestID></Response>"
        )
    else:
        text = json.dumps({"__type": code, "message": message})
        headers.append(("x-amzn-ErrorType", code))
    kind = "application/x-amz-json-1.1" if call.protocol in {"json", "rest"} else "text/xml"
    data = text.encode()
    start_response(f"{status} {code}", [("Content-Type", kind), ("Content-Length", str(len(data))), *headers])
    return [data]
