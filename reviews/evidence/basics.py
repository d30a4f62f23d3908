"""What ``verify.py`` in packs stands on: canonical JSON, hashes, and which byte of a file changed.

Standard library only. The text of this module is put into ``verify.py`` in place of its import, so that the script is
one file; nothing here is shared with what writes packs, but for the hashes of blocks.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

# -- the text from here on is a part of verify.py

BLOCK, PRINT = 64, 6  # bytes in a block; bytes of its SHA-256 that are kept
LARGEST = 2**53 - 1
Json = Any


class Wrong(ValueError):  # noqa: N818
    """Something that does not hold, in words."""


def need(right: bool, otherwise: str) -> None:
    if not right:
        raise Wrong(otherwise)


# -- canonical JSON (RFC 8785) without fractions, and hashes


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def merkle_root(leaves: list[bytes]) -> str:
    """RFC 6962, section 2.1."""
    level = [hashlib.sha256(b"\x00" + leaf).digest() for leaf in leaves]
    while len(level) > 1:
        pairs = [level[at : at + 2] for at in range(0, len(level), 2)]
        level = [hashlib.sha256(b"\x01" + b"".join(two)).digest() if len(two) == 2 else two[0] for two in pairs]
    return level[0].hex() if level else sha256(b"")


def blocks_line(name: str, data: bytes) -> bytes:
    """The line of a file in ``blocks.jsonl``."""
    hashes = base64.b64encode(b"".join(prints(data))).decode()
    line = {"block": BLOCK, "file": name, "hashes": hashes, "sha256": sha256(data), "size": len(data)}
    return canonical(line) + b"\n"


def canonical(value: Json) -> bytes:
    def ordered(part: Json) -> Json:
        if isinstance(part, dict):
            return {key: ordered(part[key]) for key in sorted(part, key=lambda name: name.encode("utf-16-be"))}
        return [ordered(entry) for entry in part] if isinstance(part, list) else part

    def written(part: Json, sort: bool) -> str:
        return json.dumps(part, ensure_ascii=False, separators=(",", ":"), allow_nan=False, sort_keys=sort)

    quick = written(value, sort=True)  # the order of UTF-16 is another one only beyond ASCII
    return (quick if quick.isascii() else written(ordered(value), sort=False)).encode()


def parse(data: bytes) -> Json:
    """The value of canonical JSON; anything that is not exactly that is wrong."""

    def pairs(found: list[tuple[str, Json]]) -> dict[str, Json]:
        keys = [key for key, _ in found]
        if len(set(keys)) < len(keys):
            raise Wrong(f"has the key `{max(keys, key=keys.count)[:80]}` twice in one object")
        return dict(found)

    def number(text: str) -> int:
        whole = text.lstrip("-").isdigit() and len(text) <= 17
        need(whole and abs(int(text)) <= LARGEST, f"has the number `{text[:40]}`: not whole, or beyond 2^53 - 1")
        return int(text)

    try:
        value = json.loads(
            data.decode(), object_pairs_hook=pairs, parse_int=number, parse_float=number, parse_constant=number
        )
        again = canonical(value)
    except Wrong:
        raise
    except (ValueError, RecursionError) as error:
        raise Wrong(f"is not JSON: {error}") from error
    if again != data:
        raise Wrong(f"is not canonical JSON (RFC 8785) from byte {first_difference(again, data)} on")
    return value


# -- which byte changed


def first_difference(one: bytes, two: bytes) -> int:
    return next((at for at, (a, b) in enumerate(zip(one, two)) if a != b), min(len(one), len(two)))  # noqa: B905


def prints(data: bytes) -> list[bytes]:
    """The first bytes of the hash of each block."""
    return [hashlib.sha256(data[at : at + BLOCK]).digest()[:PRINT] for at in range(0, len(data), BLOCK)]


def place(data: bytes, size: int, hashes: list[bytes]) -> str:
    """Where ``data`` first departs from the ``size`` bytes whose blocks have these hashes.

    To the byte where one byte of a block was replaced, where bytes were put in, and where the end is missing; else to
    the block.
    """
    now, more = prints(data), len(data) - size
    first = next((at for at in range(len(now) + 1) if now[at : at + 1] != hashes[at : at + 1]), 0)
    start, wanted = first * BLOCK, hashes[first] if first < len(hashes) else b""
    block, length = data[start : start + BLOCK], min(BLOCK, size - start)
    if more == 0:
        then = next((old for old in one_off(block, bytes(range(256))) if prints(old) == [wanted]), None)
        if then is not None:
            return difference(data, data[:start] + then + data[start + BLOCK :])
    for at in range(start, start + length + 1) if more > 0 else ():
        if length <= 0 or prints(data[start:at] + data[at + more : start + length + more]) == [wanted]:
            return difference(data, data[:at] + data[at + more :] if length > 0 else data[:start])
    if more < 0 and start + BLOCK > len(data):
        return f"ends at {position(data, len(data))}: {-more} of {size} bytes are missing"
    amount = f"; there were {size} bytes, there are {len(data)}" if more else ""
    return f"{position(data, start)}, or one of the {BLOCK - 1} after it, is the first that changed{amount}"


def one_off(text: bytes, alphabet: bytes) -> Iterator[bytes]:
    """The text, and all that differ from it in one byte."""
    yield text
    for at in range(len(text)):
        yield from (text[:at] + bytes([byte]) + text[at + 1 :] for byte in alphabet)


def difference(now: bytes, then: bytes) -> str:
    """The first byte where ``now`` departs from ``then``, which is known."""
    at, more = first_difference(now, then), len(now) - len(then)
    if more > 0:
        return f"at {position(now, at)} there are {more} bytes too many"
    if more < 0:
        return f"at {position(now, at)} {-more} of {len(then)} bytes are missing"
    return f"{position(now, at)} was {shown(then[at])} and is {shown(now[at])}"


def position(data: bytes, at: int) -> str:
    """``byte 70 (line 2, column 3, item `ab`)``; without lines where the file is not text."""
    if b"\x00" in data[:4096] or data[:4] in (b"%PDF", b"PK\x03\x04"):
        return f"byte {at}"
    begin = data.rfind(b"\n", 0, at) + 1
    line = data[begin:].split(b"\n", 1)[0]
    found = re.search(rb'"item":"([^"]+)"|"id":"([^"]+)","if_kept"', line)
    item = f", item `{(found[1] or found[2]).decode(errors='replace')}`" if found else ""
    return f"byte {at} (line {data.count(bytes([10]), 0, at) + 1}, column {at - begin}{item})"


def shown(byte: int) -> str:
    return f"`{chr(byte)}`" if 0x20 < byte < 0x7F and byte != 0x60 else f"0x{byte:02x}"
