"""An auditor's sample that anybody can draw again: the items whose hashes with the seed are the smallest."""

from __future__ import annotations

from collections.abc import Iterable

from reviews.canonical import sha256_hex
from reviews.errors import EvidenceError

ALGORITHM = 'the first `size` items by SHA-256(seed + "|" + item id), as lower-case hexadecimal, ascending'


def sample(ids: Iterable[str], size: int, seed: str) -> dict[str, object]:
    """``{algorithm, seed, size, items}``: ids in the order that they were drawn; all of them where ``size`` is larger.

    Hashing each id on its own makes the sample independent of the order of the population, and lets a larger sample
    with the same seed begin with the smaller one.

    Raises:
        EvidenceError: ``size`` is less than 1, or the seed is empty.
    """
    if size < 1:
        raise EvidenceError(f"sample of `{size}` items: give 1 or more")
    if not seed:
        raise EvidenceError("a sample needs a seed: any text that the auditor chooses")
    drawn = sorted(ids, key=lambda id: (sha256_hex(f"{seed}|{id}".encode()), id))[:size]
    return {"algorithm": ALGORITHM, "seed": seed, "size": size, "items": drawn}
