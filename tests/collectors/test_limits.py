"""Token buckets: how fast AWS is asked."""

from __future__ import annotations

import threading
import time

import pytest

from collectors.limits import Limits, TokenBucket, is_loopback


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    bucket = TokenBucket(rate=100, burst=5)
    delays = [bucket.take() for _ in range(15)]
    assert delays[:5] == [0] * 5
    assert delays[-1] == pytest.approx(0.1, abs=0.02)


def test_a_bucket_fills_again() -> None:
    bucket = TokenBucket(rate=1000, burst=1)
    bucket.take()
    time.sleep(0.01)
    assert bucket.take() == 0


def test_accounts_regions_and_services_do_not_wait_for_each_other() -> None:
    limits, stop = Limits(), threading.Event()
    begin = time.monotonic()
    for account in ("1", "2"):
        for region in ("a", "b"):
            for _ in range(15):
                limits.wait(account, "kms", region, stop)
    assert time.monotonic() - begin < 0.2


def test_organisation_wide_services_share_one_bucket() -> None:
    limits, stop = Limits(), threading.Event()
    for account in ("1", "2"):
        for _ in range(5):
            limits.wait(account, "organizations", "us-east-1", stop)
    begin = time.monotonic()
    limits.wait("3", "organizations", "eu-west-1", stop)
    assert time.monotonic() - begin > 0.05


def test_a_stopped_run_waits_no_more() -> None:
    limits, stop = Limits(), threading.Event()
    stop.set()
    begin = time.monotonic()
    for _ in range(200):
        limits.wait("1", "dynamodb", "a", stop)
    assert time.monotonic() - begin < 1


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:5000", True),
        ("http://localhost", True),
        ("http://[::1]:1", True),
        ("https://aws.test", False),
    ],
)
def test_this_machine_needs_no_limit(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected
