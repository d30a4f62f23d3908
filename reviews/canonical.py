"""One way to write a value as bytes, so that equal values have equal hashes: the JSON of RFC 8785.

Keys in the order of their UTF-16 code units, no white space, shortest escapes, UTF-8. Everything that is hashed or
signed goes through :func:`canonical`: frozen items, entries of the ledger, the files of an evidence pack.
"""

from __future__ import annotations

import hashlib

import msgspec
import rfc8785

from reviews.errors import EvidenceError


def canonical(value: object) -> bytes:
    """The RFC 8785 JSON of plain data, or of records of ``msgspec``; without a newline at the end.

    Raises:
        EvidenceError: the value has no such form: a number beyond ±(2^53 - 1), a key that is not text, half a
            surrogate pair.
    """
    try:
        return rfc8785.dumps(msgspec.to_builtins(value))
    except (ValueError, TypeError, RecursionError) as error:
        raise EvidenceError(f"value has no canonical JSON: {error}") from error


def sha256_hex(data: bytes) -> str:
    """SHA-256 as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()
