"""The signing key: made once, for its owner only."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_public_key,
)

from reviews.errors import SigningKeyError
from reviews.evidence.keys import keygen, load_private, public_pem


def test_only_the_owner_can_read_the_private_key(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        pair = keygen(tmp_path / "keys")
    finally:
        os.umask(before)
    assert stat.S_IMODE(pair.private.stat().st_mode) == 0o600
    assert stat.S_IMODE(pair.private.parent.stat().st_mode) == 0o700
    assert sorted(path.name for path in pair.private.parent.iterdir()) == ["evidence.key", "evidence.pub"]


def test_the_two_halves_belong_together_and_the_fingerprint_is_of_the_raw_public_bytes(tmp_path: Path) -> None:
    pair = keygen(tmp_path)
    public = load_private(pair.private).public_key()
    assert pair.public.read_bytes() == public_pem(public)
    assert load_pem_public_key(pair.public.read_bytes()) == public
    assert pair.fingerprint == hashlib.sha256(public.public_bytes_raw()).hexdigest()


@pytest.mark.parametrize("name", ["evidence.key", "evidence.pub"])
def test_a_key_is_never_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(SigningKeyError, match=f"`{tmp_path / name}` is there already"):
        keygen(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_a_link_where_the_key_would_be_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "evidence.key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SigningKeyError, match="is there already"):
        keygen(tmp_path)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610])
def test_a_key_that_others_can_use_is_refused(tmp_path: Path, mode: int) -> None:
    pair = keygen(tmp_path)
    pair.private.chmod(mode)
    with pytest.raises(SigningKeyError, match="can be read by others"):
        load_private(pair.private)


def private_file(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    path.chmod(0o600)
    return path


def test_what_is_no_ed25519_key_is_refused(tmp_path: Path) -> None:
    pair = keygen(tmp_path)
    with pytest.raises(SigningKeyError, match="make one with `grantmap evidence keygen`"):
        load_private(tmp_path / "none")
    with pytest.raises(SigningKeyError, match="no private key in PEM"):
        load_private(private_file(tmp_path / "text", b"hello"))
    with pytest.raises(SigningKeyError, match="no private key in PEM"):
        load_private(private_file(tmp_path / "public", pair.public.read_bytes()))
    other = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(SigningKeyError, match="no ed25519 key"):
        load_private(private_file(tmp_path / "ec", other))
    locked = load_private(pair.private).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"password")
    )
    with pytest.raises(SigningKeyError, match="without a password"):
        load_private(private_file(tmp_path / "locked", locked))
    with pytest.raises(SigningKeyError, match="cannot be read"):
        load_private(tmp_path)
