"""The Merkle tree of RFC 6962, section 2.1, with SHA-256: one hash for a list of byte strings, in their order.

A leaf is hashed as ``SHA-256(0x00 ‖ leaf)``, a node as ``SHA-256(0x01 ‖ left ‖ right)``; the left side of a node is
the largest full tree that leaves something for the right; the empty list has the hash of nothing. The two prefixes keep
a node from passing for a leaf. A proof is the list of hashes that a leaf needs to get to the root, lowest first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from reviews.errors import EvidenceError


def root(leaves: Sequence[bytes]) -> str:
    """The hash of the tree over ``leaves``, in hexadecimal. Memory: one hash for each level of the tree."""
    # What a binary counter does: two full trees of one height become one of the next.
    stack: list[tuple[int, bytes]] = []
    for leaf in leaves:
        height, node = 0, leaf_hash(leaf)
        while stack and stack[-1][0] == height:
            node = node_hash(stack.pop()[1], node)
            height += 1
        stack.append((height, node))
    if not stack:
        return hashlib.sha256().hexdigest()
    node = stack.pop()[1]
    while stack:
        node = node_hash(stack.pop()[1], node)
    return node.hex()


def proof(leaves: Sequence[bytes], index: int) -> tuple[str, ...]:
    """The hashes that lead from leaf ``index`` (from 0) to the root, in hexadecimal, lowest first.

    Raises:
        EvidenceError: there is no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise EvidenceError(f"leaf `{index}` is not in a tree of {len(leaves)}")
    way: list[str] = []
    level = [leaf_hash(leaf) for leaf in leaves]
    at = index
    while len(level) > 1:
        if at ^ 1 < len(level):
            way.append(level[at ^ 1].hex())
        # The last of an odd level has no sibling there: it goes up as it is.
        pairs = [node_hash(level[left], level[left + 1]) for left in range(0, len(level) - 1, 2)]
        level = pairs + level[2 * len(pairs) :]
        at //= 2
    return tuple(way)


def holds(leaf: bytes, index: int, size: int, way: Sequence[str], expected: str) -> bool:
    """Whether ``way`` leads from ``leaf``, the one at ``index`` of ``size``, to the root ``expected``."""
    if not 0 <= index < size:
        return False
    node, at, last = leaf_hash(leaf), index, size - 1
    for step in way:
        if last == 0:
            return False
        try:
            sibling = bytes.fromhex(step)
        except ValueError:
            return False
        if at & 1 or at == last:
            node = node_hash(sibling, node)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and node.hex() == expected


def leaf_hash(leaf: bytes) -> bytes:
    """The 32 bytes for one leaf."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The 32 bytes for two nodes."""
    return hashlib.sha256(b"\x01" + left + right).digest()
