"""JSON as IAM reads it: a key stands once in an object, numbers are finite, text is text; what is wrong has a place.

`json.loads` lets the last of two equal keys win and knows NaN, which no policy may hold ("Individual elements must not
contain multiple instances of the same key", numbers as in RFC 7159):
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from policy.errors import PolicyError

#: No number is longer: Python reads no more than 4,300 digits, and nothing that a policy compares counts that far.
_LONGEST_NUMBER = 400
_SURROGATE = re.compile(r"\\ud[89ab][0-9a-f]{2}(?!\\ud[c-f])|(?<!\\ud[89ab]..)\\ud[c-f]", re.IGNORECASE)
_LONE = re.compile("[\ud800-\udfff]")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_SHOWN = 80


def unescaped(text: str) -> str:
    """A JSON text to look for words in: any character of it may be written as its number."""
    return _ESCAPE.sub(lambda found: chr(int(found.group(1), 16)), text) if "\\u" in text else text


class _Flawed:
    """Stands in a loaded value for what is wrong with it, until its place is known."""

    __slots__ = ("key", "reason")

    def __init__(self, reason: str, key: str | None = None) -> None:
        self.reason = reason
        self.key = key


def load_json(raw: str | bytes, *, source: str) -> Any:
    """The value of a JSON text; raises `PolicyError` with line and column, or a pointer to what is wrong.

    A byte order mark and percent-encoding, as the IAM API returns policies, are taken off first.
    """
    flaws: list[_Flawed] = []

    def flawed(reason: str, key: str | None = None) -> _Flawed:
        flaws.append(_Flawed(reason, key))
        return flaws[-1]

    def pairs(items: list[tuple[str, Any]]) -> Any:
        found = dict(items)
        if len(found) == len(items):
            return found
        seen: set[str] = set()
        key = next(key for key, _ in items if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        return flawed(f"key {shown(key)} is there twice", key)

    def integer(text: str) -> Any:
        return int(text) if len(text) <= _LONGEST_NUMBER else flawed(f"a number of {len(text):,} digits is too long")

    def fraction(text: str) -> Any:
        return value if math.isfinite(value := float(text)) else flawed(f"number {shown(text)} is too large")

    try:
        written = _text(raw)
        value = json.loads(
            written,
            object_pairs_hook=pairs,
            parse_int=integer,
            parse_float=fraction,
            parse_constant=lambda text: flawed(f"`{text}` is no json number"),
        )
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise PolicyError(source, "", f"not json: {str(error).lower()}") from None
    except RecursionError:
        raise PolicyError(source, "", "not json: nested too deeply") from None
    if flaws:
        _complain(value, source)
    check_texts(value, written, source)
    return value


def _text(raw: str | bytes) -> str:
    text = raw.decode("utf-8-sig") if isinstance(raw, bytes) else raw.removeprefix("\ufeff")
    if text.lstrip().startswith("%"):
        text = unquote(text, errors="strict").removeprefix("\ufeff")
    return text


def _complain(value: Any, source: str) -> None:
    for path, item in _walk(value):
        if isinstance(item, _Flawed):
            place = path if item.key is None else (*path, item.key)
            raise PolicyError(source, pointer_of(place), item.reason)


def check_texts(value: Any, written: str, source: str) -> None:
    """Refuses half a character (a lone surrogate), which no text in UTF-8 can hold; `written` is the value as JSON."""
    if written.isascii() and ("\\u" not in written or not _SURROGATE.search(written)):
        return
    for path, item in _walk(value):
        for text in (item, *path[-1:]):
            if isinstance(text, str) and _LONE.search(text):
                raise PolicyError(source, pointer_of(path), f"{shown(text)} is no text: it holds half a character")


def _walk(value: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value inside a value with its path, in order; without recursion, as texts may be nested deeply."""
    waiting: list[tuple[tuple[str, ...], Any]] = [((), value)]
    while waiting:
        path, item = waiting.pop()
        yield path, item
        children: Iterable[tuple[object, Any]] = ()
        if isinstance(item, Mapping):
            children = item.items()
        elif isinstance(item, list):
            children = enumerate(item)
        waiting.extend(reversed([((*path, str(key)), child) for key, child in children]))


def pointer_of(path: Iterable[object]) -> str:
    """The JSON pointer (RFC 6901) of a path of keys and places."""
    return "".join("/" + _plain(str(part)).replace("~", "~0").replace("/", "~1") for part in path)


def shown(value: Any) -> str:
    """A value of a document in backticks, as JSON, short enough for one line; a text stands without quotes."""
    try:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        text = type(value).__name__
    text = _plain(text)
    return f"`{text if len(text) <= _SHOWN else text[: _SHOWN - 1] + '…'}`"


def _plain(text: str) -> str:
    """A text that can be written anywhere: half characters as escapes."""
    return _LONE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
