"""The Merkle tree of RFC 6962: vectors that others publish, and a second implementation as the RFC writes it."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviews import merkle
from reviews.errors import EvidenceError
from reviews.evidence.basics import merkle_root

#: The leaves, roots and one path of the tests of certificate-transparency.
LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
PATH_OF_THE_FIRST = (
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
)


def naive(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + naive(leaves[:k]) + naive(leaves[k:])).digest()


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_the_published_vectors(size: int) -> None:
    assert merkle.root(LEAVES[:size]) == ROOTS[size - 1]


def test_a_path_is_that_of_the_published_vectors() -> None:
    assert merkle.proof(LEAVES, 0) == PATH_OF_THE_FIRST


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert merkle.root([]) == hashlib.sha256().hexdigest() == merkle_root([])


@given(st.lists(st.binary(max_size=6), max_size=70))
def test_three_implementations_give_one_root(leaves: list[bytes]) -> None:
    assert merkle.root(leaves) == naive(leaves).hex() == merkle_root(leaves)


@given(st.data())
def test_a_proof_holds_for_its_leaf_at_its_place_and_for_no_other(data: st.DataObject) -> None:
    leaves = data.draw(st.lists(st.binary(max_size=6), min_size=1, max_size=40, unique=True))
    at = data.draw(st.integers(0, len(leaves) - 1))
    way, root = merkle.proof(leaves, at), merkle.root(leaves)
    assert merkle.holds(leaves[at], at, len(leaves), way, root)
    assert not merkle.holds(leaves[at] + b"x", at, len(leaves), way, root)
    assert not merkle.holds(leaves[at], at, len(leaves), (*way, "00" * 32), root)
    assert not merkle.holds(leaves[at], at, len(leaves), way, merkle.root([*leaves, b"more"]))
    for other in {*range(len(leaves))} - {at}:
        assert not merkle.holds(leaves[at], other, len(leaves), way, root)
    if way:
        assert not merkle.holds(leaves[at], at, len(leaves), way[:-1], root)


def test_a_node_cannot_pass_for_a_leaf() -> None:
    node = merkle.leaf_hash(LEAVES[0]) + merkle.leaf_hash(LEAVES[1])
    assert merkle.root([node]) != merkle.root(LEAVES[:2])


@pytest.mark.parametrize("index", [-1, 8])
def test_there_is_no_proof_for_a_leaf_that_is_not_there(index: int) -> None:
    with pytest.raises(EvidenceError, match="not in a tree of 8"):
        merkle.proof(LEAVES, index)
    assert not merkle.holds(LEAVES[0], index, 8, PATH_OF_THE_FIRST, ROOTS[7])


def test_a_step_that_is_no_hash_does_not_hold() -> None:
    assert not merkle.holds(LEAVES[0], 0, 8, ("x", *PATH_OF_THE_FIRST[1:]), ROOTS[7])
