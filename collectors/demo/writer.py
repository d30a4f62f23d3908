"""The project's only AWS client that writes. It talks to an emulator on this machine and to nothing else."""

from __future__ import annotations

import ipaddress
import os
import threading
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config

from collectors.demo.errors import DemoError
from collectors.demo.server import ACCESS_KEY_ID, SECRET_ACCESS_KEY

MEMBER_ROLE = "OrganizationAccountAccessRole"


def require_loopback(endpoint_url: str) -> None:
    """Refuse every endpoint but this machine's (127.0.0.0/8, `localhost`, ::1) with `DemoError`.

    By the text alone, without a name lookup: a name that resolves to loopback now may resolve elsewhere a moment later.
    """
    try:
        parts = urlsplit(endpoint_url)
        host = parts.hostname or ""
    except ValueError as error:
        raise DemoError(f"`{endpoint_url}` is not an endpoint") from error
    if parts.scheme not in {"http", "https"} or parts.username is not None:
        raise DemoError(f"`{endpoint_url}` is not a plain http endpoint")
    if host == "localhost":
        return
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if address is None or not (
        address == ipaddress.ip_address("::1") or address in ipaddress.ip_network("127.0.0.0/8")
    ):
        raise DemoError(f"the demo writes to an emulator on this machine only, not to `{host or endpoint_url}`")


class Writer:
    """boto3 clients for the emulated accounts, from one session; thread safe.

    The management account is reached with the emulator's dummy keys, a member account by assuming MEMBER_ROLE in it.
    """

    def __init__(self, endpoint_url: str, *, region: str = "eu-west-1") -> None:
        require_loopback(endpoint_url)
        self.endpoint_url = endpoint_url
        self.region = region
        # No profile, no files, no proxy: nothing of the machine's AWS configuration has a say in where this writes.
        nothing: dict[str, Any] = {
            "profile": (None, None, None, None),
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
        }
        self._session = boto3.session.Session(
            aws_access_key_id=ACCESS_KEY_ID,
            aws_secret_access_key=SECRET_ACCESS_KEY,
            region_name=region,
            botocore_session=botocore.session.Session(session_vars=nothing),
        )
        self._config = Config(
            proxies={},
            retries={"mode": "standard", "max_attempts": 3},
            s3={"addressing_style": "path"},
            parameter_validation=False,  # the calls are constants that the tests exercise; it costs a tenth of the time
        )
        self._keys: dict[str | None, dict[str, str]] = {None: {}}
        self._clients: dict[tuple[str, str | None, str], Any] = {}
        self._lock = threading.RLock()

    def client(self, service: str, account: str | None = None, region: str | None = None) -> Any:
        """A client of `service` in `account` (twelve digits; None: the management account)."""
        key = (service, account, region or self.region)
        with self._lock:
            if key not in self._clients:
                self._clients[key] = client = self._session.client(
                    service,  # type: ignore[call-overload]  # the stubs want a literal
                    region_name=key[2],
                    endpoint_url=self.endpoint_url,
                    config=self._config,
                    **self._credentials(account),
                )
                if service == "s3control":
                    # botocore puts the account before the host, where no loopback name resolves.
                    client.meta.events.register("before-call.s3-control", self._keep_host)
            return self._clients[key]

    def _keep_host(self, params: dict[str, Any], **_: Any) -> None:
        params["url"] = self.endpoint_url + urlsplit(params["url"]).path

    def _credentials(self, account: str | None) -> dict[str, str]:
        if account not in self._keys:
            answer = self.client("sts").assume_role(
                RoleArn=f"arn:aws:iam::{account}:role/{MEMBER_ROLE}", RoleSessionName="demo-build"
            )["Credentials"]
            self._keys[account] = {
                "aws_access_key_id": answer["AccessKeyId"],
                "aws_secret_access_key": answer["SecretAccessKey"],
                "aws_session_token": answer["SessionToken"],
            }
        return self._keys[account]
