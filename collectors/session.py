"""The way to AWS: one botocore session, read-only by construction, acting in many accounts.

Clients are made once per (service, region) and serve every account: which account's credentials sign a request is
decided when it is signed, in the thread that asks. A client costs some 15 ms and 1 MB, so that one per account would
take half an hour and 100 GB in an organisation of 1,000 accounts with 17 regions.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import botocore.session
from botocore.client import BaseClient
from botocore.config import Config
from botocore.credentials import Credentials, ReadOnlyCredentials, RefreshableCredentials
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    HTTPClientError,
    NoCredentialsError,
    ProfileNotFound,
)

from collectors.errors import CredentialsError, ReadOnlyError
from collectors.registry import ALLOWED
from model.arn import Arn

DEFAULT_ROLE = "OrganizationAccountAccessRole"
SESSION_NAME = "grantmap"

EXPIRED_CODES = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_WRONG_KEY_CODES = frozenset({"InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClientException"})
_HOME_REGIONS = {
    "aws": "us-east-1",
    "aws-cn": "cn-north-1",
    "aws-us-gov": "us-gov-west-1",
    "aws-iso": "us-iso-east-1",
    "aws-iso-b": "us-isob-east-1",
    "aws-iso-e": "eu-isoe-west-1",
    "aws-iso-f": "us-isof-south-1",
    "aws-eusc": "eusc-de-east-1",
}

_acting: ContextVar[Credentials] = ContextVar("acting")


class _ActingCredentials(Credentials):
    """The credentials of whoever the asking thread acts as; a thread that acts as nobody cannot sign."""

    def __init__(self) -> None:
        super().__init__("acting", "acting", method="grantmap")

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        try:
            return _acting.get().get_frozen_credentials()
        except LookupError:
            raise NoCredentialsError from None


@dataclass(frozen=True)
class Caller:
    """Who asks: account, ARN, partition."""

    account: str
    arn: str
    partition: str


class Sessions:
    """Clients for every account that the caller can act in."""

    def __init__(
        self,
        *,
        profile: str | None = None,
        endpoint_url: str | None = None,
        role_name: str = DEFAULT_ROLE,
        external_id: str | None = None,
        connections: int = 64,
        max_attempts: int = 10,
    ) -> None:
        # botocore reads the variable too; what differs for an endpoint given by hand must know of it.
        self.endpoint_url = endpoint_url or os.environ.get("AWS_ENDPOINT_URL") or None
        self.role_name = role_name
        self._external_id = external_id
        self._connections = connections
        self._max_attempts = max_attempts
        self._clients: dict[tuple[str, str], BaseClient] = {}
        self._members: dict[str, Credentials] = {}
        self._mutex = threading.Lock()
        self._profile = profile
        self._session = botocore.session.Session(profile=profile)
        self._session.user_agent_extra = "grantmap"
        for event in ("before-parameter-build", "before-call"):
            self._session.register(event, refuse_undeclared, unique_id=f"grantmap-guard-{event}")
        self._session.register("before-parse", self._recognize_unknown_operation, unique_id="grantmap-html")
        self._base = self._own_credentials()
        self._start_region = self._session.get_config_variable("region") or "us-east-1"
        self._session._credentials = _ActingCredentials()  # type: ignore[attr-defined]  # as botocore's own plugins do

    def _own_credentials(self) -> Credentials:
        try:
            found = self._session.get_credentials()
        except ProfileNotFound:
            known = ", ".join(self._session.available_profiles) or "none"
            raise CredentialsError(f"unknown profile `{self._profile}`; known: {known}") from None
        except (BotoCoreError, ClientError) as error:
            raise _credentials_error("own credentials", error) from error
        if found is None:
            raise CredentialsError(
                "no AWS credentials: name a profile with `--profile`, or set `AWS_ACCESS_KEY_ID` and "
                "`AWS_SECRET_ACCESS_KEY`"
            )
        return found

    def identify(self) -> dict[str, Any]:
        """Find out who the caller is (``caller``); returns the answer that says so, raises ``CredentialsError``."""
        # Few attempts: a wrong endpoint should not take a minute to be told.
        config = self._config(max_attempts=2)
        try:
            client = self._create("sts", self._start_region, config)
            with self._act(self._base):
                answer: dict[str, Any] = client._make_api_call("GetCallerIdentity", {})  # type: ignore[attr-defined]
        except (BotoCoreError, ClientError) as error:
            raise _credentials_error(self.endpoint_url or "AWS STS", error) from error
        except ValueError as error:
            raise _unusable(self.endpoint_url, error) from error
        arn = Arn.parse(answer["Arn"])
        self.partition = arn.partition
        self.home_region = _HOME_REGIONS.get(arn.partition, self._start_region)
        self.caller = Caller(answer["Account"], answer["Arn"], arn.partition)
        self._members[self.caller.account] = self._base
        return answer

    def role_arn(self, account: str) -> str:
        """The role to assume in a member account."""
        return f"arn:{self.partition}:iam::{account}:role/{self.role_name}"

    def assume_params(self, account: str) -> dict[str, Any]:
        """Parameters of AssumeRole, the external id (which is as good as a password to some) left out."""
        return {"RoleArn": self.role_arn(account), "RoleSessionName": SESSION_NAME}

    def assume(self, account: str) -> dict[str, Any]:
        """Act in ``account`` from now on; returns AssumeRole's answer without credentials, raises ``ClientError``."""
        answer = self._assume(account)
        self._members[account] = RefreshableCredentials.create_from_metadata(
            metadata=_metadata(answer),
            refresh_using=lambda: _metadata(self._assume(account)),
            method="assume-role",
        )
        return {key: value for key, value in answer.items() if key != "Credentials"}

    def _assume(self, account: str) -> dict[str, Any]:
        params = self.assume_params(account)
        if self._external_id:
            params["ExternalId"] = self._external_id
        client = self.client("sts", self.home_region)
        with self._act(self._base):
            answer: dict[str, Any] = client._make_api_call("AssumeRole", params)  # type: ignore[attr-defined]
        return answer

    @contextmanager
    def acting_in(self, account: str) -> Iterator[None]:
        """Sign this thread's requests as ``account``; one that was not assumed is a ``CredentialsError``."""
        credentials = self._members.get(account)
        if credentials is None:
            raise CredentialsError(f"no credentials for account `{account}`: its role was not assumed")
        with self._act(credentials):
            yield

    @contextmanager
    def _act(self, credentials: Credentials) -> Iterator[None]:
        token = _acting.set(credentials)
        try:
            yield
        finally:
            _acting.reset(token)

    def client(self, service: str, region: str) -> BaseClient:
        """The client for a service in a region, shared by all accounts and threads."""
        with self._mutex:
            client = self._clients.get((service, region))
            if client is None:
                client = self._clients[service, region] = self._create(service, region, self._config())
            return client

    def close(self) -> None:
        """Close all connections; the next client opens its own."""
        with self._mutex:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def lacks(self, service: str, region: str) -> bool:
        """Whether botocore knows the region and knows that the service is not there."""
        regions = self._session.get_available_regions("ec2", self.partition)
        return region in regions and region not in self._session.get_available_regions(service, self.partition)

    def knows(self, region: str) -> bool:
        """Whether the region is one of the partition's, as far as the installed botocore knows."""
        return region in self._session.get_available_regions("ec2", self.partition)

    def default_regions(self) -> list[str]:
        """What to fall back on where DescribeRegions is denied: the regions that nobody has to opt into."""
        known = set(self._session.get_available_regions("ec2", self.partition))
        return sorted(known & ALWAYS_ON) if self.partition == "aws" else sorted(known)

    def _config(self, max_attempts: int | None = None) -> Config:
        local = self.endpoint_url is not None
        return Config(
            retries={"mode": "adaptive", "total_max_attempts": max_attempts or self._max_attempts},
            max_pool_connections=self._connections,
            connect_timeout=10,
            read_timeout=120,
            inject_host_prefix=False if local else None,
            s3={"addressing_style": "path"} if local else None,
            # The endpoint must not depend on who signs.
            account_id_endpoint_mode="disabled",
        )

    def _create(self, service: str, region: str, config: Config) -> BaseClient:
        client: BaseClient = self._session.create_client(
            service, region_name=region, endpoint_url=self.endpoint_url, config=config
        )
        # Under the client's own event name, since handlers of the general one run after it has been decided to retry.
        event = f"needs-retry.{client.meta.service_model.service_id.hyphenize()}"
        client.meta.events.register_first(event, _never_retry_unknown_operation)
        if self.endpoint_url and service == "s3control":
            client.meta.events.register("before-call", self._keep_host)
        return client

    def _keep_host(self, **event: Any) -> None:
        """S3 Control puts the account before the host, which leads nowhere for an endpoint given by hand."""
        asked, given = urlsplit(event["params"]["url"]), urlsplit(self.endpoint_url or "")
        event["params"]["url"] = urlunsplit((given.scheme, given.netloc, asked.path, asked.query, ""))

    def _recognize_unknown_operation(self, **event: Any) -> None:
        """An HTML page instead of an answer is an endpoint that has no such operation: say so in AWS's terms.

        AWS itself answers HTML 500 when it is broken, which is worth a retry; an endpoint given by hand is an emulator.
        """
        response_dict: dict[str, Any] = event["response_dict"]
        status = response_dict["status_code"]
        if status != 404 and not (status in {200, 500} and self.endpoint_url):
            return
        body = response_dict["body"]
        if isinstance(body, bytes) and body.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html")):
            # An empty body with status 501 is the one form that every protocol's parser reads as an error.
            response_dict["status_code"], response_dict["body"] = 501, b""


def refuse_undeclared(**event: Any) -> None:
    """The guard: botocore calls it before it builds and before it sends; raises ``ReadOnlyError``."""
    model = event["model"]
    service, operation = model.service_model.service_name, model.name
    if (service, operation) not in ALLOWED:
        raise ReadOnlyError(f"refused `{service}:{operation}`: not one of the operations that grantmap reads with")


def _never_retry_unknown_operation(**event: Any) -> None:
    response = event["response"]
    if response is not None and response[1].get("ResponseMetadata", {}).get("HTTPStatusCode") == 501:
        response[0].status_code = 501


def _metadata(answer: dict[str, Any]) -> dict[str, str]:
    credentials = answer["Credentials"]
    expiration: datetime = credentials["Expiration"]
    return {
        "access_key": credentials["AccessKeyId"],
        "secret_key": credentials["SecretAccessKey"],
        "token": credentials["SessionToken"],
        "expiry_time": expiration.isoformat(),
    }


def _unusable(endpoint_url: str | None, error: ValueError) -> CredentialsError:
    """Before a call botocore refuses an endpoint by ``ValueError``, and nothing else."""
    if endpoint_url is None:
        return CredentialsError(f"no usable AWS credentials: {error}")
    return CredentialsError(f"wrong endpoint `{endpoint_url}`: expected a URL, for example `https://aws.example:8443`")


def _credentials_error(where: str, error: Exception) -> CredentialsError:
    """One line: what failed, where, what to do."""
    if isinstance(error, ClientError):
        code = error.response.get("Error", {}).get("Code", "")
        return refused_credentials(code, where, error)
    if isinstance(error, ConnectionError | HTTPClientError):
        return CredentialsError(f"cannot reach `{where}`: {error}; look at `--endpoint-url`, the proxy and the network")
    return CredentialsError(f"no usable AWS credentials: {error}")


def refused_credentials(code: str, where: str, error: Exception) -> CredentialsError:
    """What to tell the person when AWS refuses the credentials themselves."""
    if code in EXPIRED_CODES:
        return CredentialsError(f"expired credentials, says `{where}` ({code}): sign in again and repeat")
    if code in _WRONG_KEY_CODES:
        return CredentialsError(f"wrong credentials, says `{where}` ({code}): look at the profile or the access key")
    return CredentialsError(f"cannot tell who the caller is, says `{where}`: {error}")


#: Regions enabled in every account: those launched before opt-in began in 2019.
ALWAYS_ON = frozenset(
    {
        *(f"ap-northeast-{number}" for number in (1, 2, 3)),
        *("ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1", "sa-east-1"),
        *("eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3"),
        *("us-east-1", "us-east-2", "us-west-1", "us-west-2"),
    }
)

__all__ = ["DEFAULT_ROLE", "EXPIRED_CODES", "Caller", "Sessions", "refuse_undeclared", "refused_credentials"]
