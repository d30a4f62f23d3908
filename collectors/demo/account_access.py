"""Account access manager, which the emulator does not have: the three calls that read it, answered before it.

What they answer is told by the control call `access`: {"applications": [pages' entries], "details": {ARN: answer of
GetApplication}, "entitlements": {ARN: [entries]}}, in AWS's own shapes. Nothing told: no application. Tests check what
they tell against botocore's model of the service. Never the real network: a call of it that is not known here is an
unknown operation.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]

SERVICE = "account-access"

_SIGNED_FOR = re.compile(rf"Credential=[^/\s]+/\d+/[^/]*/{SERVICE}/aws4_request")
#: (method, path) of each operation, by botocore's model.
_PATHS = (
    ("POST", re.compile(r"/applications-list"), "ListApplications"),
    ("POST", re.compile(r"/entitlements-list"), "ListEntitlements"),
    ("GET", re.compile(r"/applications/(.+)"), "GetApplication"),
)
_PAGE = 2


def operation_of(environ: dict[str, Any]) -> tuple[str | None, str]:
    """(operation, what its path names) of a request for the service; ``None`` for one that is not answered here."""
    method, path = str(environ.get("REQUEST_METHOD", "")), str(environ.get("PATH_INFO", ""))
    for verb, pattern, name in _PATHS:
        found = pattern.fullmatch(path)
        if verb == method and found is not None:
            return name, unquote(found[1]) if found.groups() else ""
    return None, ""


class AccountAccess:
    """The WSGI layer."""

    def __init__(self, app: Wsgi) -> None:
        self._app = app
        self._told: dict[str, Any] = {}

    def tell(self, body: Any) -> None:
        """What there is from now on; ``None``: nothing."""
        self._told = body or {}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if _SIGNED_FOR.search(str(environ.get("HTTP_AUTHORIZATION", ""))) is None:
            return self._app(environ, start_response)
        operation, named = operation_of(environ)
        body = environ.get("wsgi.input", io.BytesIO()).read(int(environ.get("CONTENT_LENGTH") or 0))
        status, answer, kind = self._answer(operation, named, json.loads(body) if body else {})
        data = json.dumps(answer).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(data)))]
        start_response(status, [*headers, ("x-amzn-ErrorType", kind)] if kind else headers)
        return [data]

    def _answer(self, operation: str | None, named: str, asked: Any) -> tuple[str, Any, str]:
        """(status, body, error code)."""
        if operation is None:
            return "404 Not Found", {"message": "no such operation"}, "UnknownOperationException"
        if operation == "ListApplications":
            return "200 OK", _paged("applications", self._told.get("applications", []), asked), ""
        known = "details" if operation == "GetApplication" else "entitlements"
        found = self._told.get(known, {}).get(named or asked.get("applicationArn"))
        if found is None:
            return "404 Not Found", {"message": "application not found"}, "ResourceNotFoundException"
        return "200 OK", found if operation == "GetApplication" else _paged("entitlements", found, asked), ""


def _paged(key: str, entries: list[Any], asked: Any) -> dict[str, Any]:
    """A page; small ones, so that whoever reads only the first is found out."""
    begin = int(asked.get("nextToken") or 0)
    more = {"nextToken": str(begin + _PAGE)} if len(entries) > begin + _PAGE else {}
    return {key: entries[begin : begin + _PAGE], **more}
