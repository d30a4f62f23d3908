"""How fast AWS may be asked: token buckets, because its throttling hurts the account's own workloads too."""

from __future__ import annotations

import threading
import time
from urllib.parse import urlsplit

#: Calls a second per (account, service, region), well under what AWS documents or is known to bear.
RATES = {"s3": 50.0, "s3control": 10.0, "kms": 15.0, "lambda": 12.0, "dynamodb": 10.0, "iam": 15.0, "sqs": 30.0}
DEFAULT_RATE = 20.0

#: Services that throttle a whole organisation together: one bucket each, whoever asks and wherever.
GLOBAL_RATES = {"organizations": 10.0, "sso-admin": 15.0, "identitystore": 15.0}

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class TokenBucket:
    """At most ``rate`` calls a second in the long run, ``burst`` at once."""

    def __init__(self, rate: float, burst: float | None = None) -> None:
        self._rate = rate
        self._burst = burst if burst is not None else max(rate, 1.0)
        self._tokens = self._burst
        self._last = time.monotonic()
        self._mutex = threading.Lock()

    def take(self) -> float:
        """Take a token; returns the seconds to wait before using it (callers queue up fairly)."""
        with self._mutex:
            moment = time.monotonic()
            self._tokens = min(self._burst, self._tokens + (moment - self._last) * self._rate) - 1
            self._last = moment
            return max(0.0, -self._tokens / self._rate)


class Limits:
    """The buckets of a run; none for an endpoint on this machine, which is nobody's production."""

    def __init__(self, endpoint_url: str | None = None) -> None:
        self._off = endpoint_url is not None and is_loopback(endpoint_url)
        self._buckets: dict[tuple[str, str, str], TokenBucket] = {}
        self._mutex = threading.Lock()

    def wait(self, account: str, service: str, region: str, stop: threading.Event) -> None:
        """Sleep until the next call may be sent; returns early when the run is stopped."""
        if self._off:
            return
        shared = GLOBAL_RATES.get(service)
        key = ("", service, "") if shared else (account, service, region)
        with self._mutex:
            bucket = self._buckets.get(key)
            if bucket is None:
                bucket = self._buckets[key] = TokenBucket(shared or RATES.get(service, DEFAULT_RATE))
        delay = bucket.take()
        if delay:
            stop.wait(delay)


def is_loopback(url: str) -> bool:
    """Whether ``url`` names this machine."""
    return urlsplit(url).hostname in _LOOPBACK
