"""The condition operators of IAM, one element against one value (semantics C1-C4).

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
Each operator compiles a policy value once into a test of one context value; what cannot be read (a malformed number,
date, address or base64 text) matches nothing.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

from policy.patterns import Parts, Test, arn_parts, matcher

Family = Literal["string", "arn", "bool", "numeric", "date", "ip", "binary", "null"]


@dataclass(frozen=True, slots=True)
class Operator:
    """A base operator: `negated` ones hold when none of the values matches (C5)."""

    name: str
    family: Family
    negated: bool = False
    wildcards: bool = False
    ignore_case: bool = False
    compare: str = "=="

    @property
    def takes_variables(self) -> bool:
        """Variables count in String and Arn operators only (M3)."""
        return self.family in ("string", "arn")


def _operators() -> dict[str, Operator]:
    listed = [
        Operator("StringEquals", "string"),
        Operator("StringNotEquals", "string", negated=True),
        Operator("StringEqualsIgnoreCase", "string", ignore_case=True),
        Operator("StringNotEqualsIgnoreCase", "string", negated=True, ignore_case=True),
        Operator("StringLike", "string", wildcards=True),
        Operator("StringNotLike", "string", negated=True, wildcards=True),
        Operator("Bool", "bool"),
        Operator("BinaryEquals", "binary"),
        Operator("IpAddress", "ip"),
        Operator("NotIpAddress", "ip", negated=True),
        Operator("ArnEquals", "arn", wildcards=True),
        Operator("ArnLike", "arn", wildcards=True),
        Operator("ArnNotEquals", "arn", negated=True, wildcards=True),
        Operator("ArnNotLike", "arn", negated=True, wildcards=True),
        Operator("Null", "null"),
    ]
    orders = {"Equals": "==", "LessThan": "<", "LessThanEquals": "<=", "GreaterThan": ">", "GreaterThanEquals": ">="}
    kinds: tuple[tuple[str, Family], ...] = (("Numeric", "numeric"), ("Date", "date"))
    for kind, family in kinds:
        listed.extend(Operator(kind + suffix, family, compare=sign) for suffix, sign in orders.items())
        listed.append(Operator(kind + "NotEquals", family, negated=True))
    return {operator.name.lower(): operator for operator in listed}


OPERATORS = _operators()

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "==": lambda a, b: a == b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def _never(_value: str) -> bool:
    return False


def compile_test(operator: Operator, parts: Parts) -> Test:
    """The test of one policy value, given as parts without variables."""
    if operator.family == "string":
        return matcher(parts, operator.ignore_case)
    if operator.family == "arn":
        segments = arn_parts(parts)
        return _never if segments is None else matcher(segments)
    text = "".join(part for part in parts if isinstance(part, str))
    return _PLAIN[operator.family](operator, text)


def _bool_test(_operator: Operator, text: str) -> Test:
    wanted = text.lower()
    if wanted not in ("true", "false"):
        return _never
    return lambda value: value.lower() == wanted


def _number_test(operator: Operator, text: str) -> Test:
    limit = number(text)
    compare = _COMPARE[operator.compare]
    if limit is None:
        return _never

    def test(value: str) -> bool:
        found = number(value)
        return found is not None and compare(found, limit)

    return test


def _date_test(operator: Operator, text: str) -> Test:
    limit = instant(text)
    compare = _COMPARE[operator.compare]
    if limit is None:
        return _never

    def test(value: str) -> bool:
        found = instant(value)
        return found is not None and compare(found, limit)

    return test


def _ip_test(_operator: Operator, text: str) -> Test:
    block = network(text)
    if block is None:
        return _never
    version, first, last = block

    def test(value: str) -> bool:
        found = address(value)
        return found is not None and found[0] == version and first <= found[1] <= last

    return test


def _binary_test(_operator: Operator, text: str) -> Test:
    wanted = octets(text)
    if wanted is None:
        return _never
    return lambda value: octets(value) == wanted


_PLAIN: dict[str, Callable[[Operator, str], Test]] = {
    "bool": _bool_test,
    "numeric": _number_test,
    "date": _date_test,
    "ip": _ip_test,
    "binary": _binary_test,
}


@lru_cache(maxsize=8192)
def number(text: str) -> float | None:
    """A number, or `None` if the text is no number as a whole (C4)."""
    return float(text) if _NUMBER.fullmatch(text.strip()) else None


@lru_cache(maxsize=8192)
def instant(text: str) -> float | None:
    """Seconds since 1970 of an ISO 8601 date or of epoch seconds: the two compare with one another (C4)."""
    seconds = number(text)
    if seconds is not None and math.isfinite(seconds):
        # Four digits alone are a year of ISO 8601, not a second of 1970.
        return _iso(text) if re.fullmatch(r"\d{4}", text) else seconds
    return _iso(text)


def _iso(text: str) -> float | None:
    written = text.strip()
    if re.fullmatch(r"\d{4}", written):
        written += "-01-01"
    elif re.fullmatch(r"\d{4}-\d{2}", written):
        written += "-01"
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


@lru_cache(maxsize=8192)
def address(text: str) -> tuple[int, int] | None:
    """(4 or 6, the address as a number); textual forms of one address are one (C4)."""
    try:
        found = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    return found.version, int(found)


@lru_cache(maxsize=8192)
def network(text: str) -> tuple[int, int, int] | None:
    """(4 or 6, first address, last address); a single address is its own block."""
    try:
        block = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        return None
    return block.version, int(block.network_address), int(block.broadcast_address)


@lru_cache(maxsize=1024)
def octets(text: str) -> bytes | None:
    """The bytes of a base64 text."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
