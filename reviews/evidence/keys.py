"""The key that signs evidence: made once, kept outside every pack, readable by its owner only.

``<home>/keys/evidence.key`` is an ed25519 private key (PKCS #8, PEM, not encrypted: its mode protects it),
``evidence.pub`` its public half (PEM), which auditors keep to pin the signer. The *fingerprint* of a key is the SHA-256
of its 32 raw public bytes, in hexadecimal; it is the key id in signatures.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reviews.errors import SigningKeyError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PRIVATE, PUBLIC = "evidence.key", "evidence.pub"


@dataclass(frozen=True)
class KeyPair:
    """Where a pair of keys is, and its fingerprint."""

    private: Path
    public: Path
    fingerprint: str


def keygen(folder: Path) -> KeyPair:
    """A new pair of keys in ``folder``, which is made when it is not there.

    Raises:
        SigningKeyError: one of the two files is there already; a key is never overwritten.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    pair = folder / PRIVATE, folder / PUBLIC
    for path in pair:
        if os.path.lexists(path):
            raise _there_already(path)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = Ed25519PrivateKey.generate()
    _create(pair[0], private_pem(key), 0o600)
    _create(pair[1], public_pem(key.public_key()), 0o644)
    return KeyPair(*pair, fingerprint(key.public_key()))


def load_private(path: Path) -> Ed25519PrivateKey:
    """The private key of a file.

    Raises:
        SigningKeyError: there is none, others can read it, or it is no ed25519 key.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if stat.S_IMODE(mode) & 0o077:
                raise SigningKeyError(
                    f"signing key `{path}` can be read by others: make it so that only you can (0600)"
                )
            data = file.read(65_536)
    except FileNotFoundError as error:
        raise SigningKeyError(f"no signing key `{path}`: make one with `grantmap evidence keygen`") from error
    except OSError as error:
        raise SigningKeyError(f"signing key `{path}` cannot be read: {(error.strerror or '').lower()}") from error
    try:
        key = load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SigningKeyError(f"signing key `{path}` is no private key in PEM without a password") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningKeyError(f"signing key `{path}` is no ed25519 key")
    return key


def private_pem(key: Ed25519PrivateKey) -> bytes:
    """PKCS #8 in PEM."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_pem(key: Ed25519PublicKey) -> bytes:
    """SubjectPublicKeyInfo in PEM."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def fingerprint(key: Ed25519PublicKey) -> str:
    """SHA-256 of the 32 raw bytes, 64 hexadecimal digits."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()


def _create(path: Path, data: bytes, mode: int) -> None:
    """Writes a new file, whole or not at all; a link, unlike a rename, never replaces one that is there."""
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)
    except FileExistsError as error:
        raise _there_already(path) from error
    finally:
        temporary.unlink()


def _there_already(path: Path) -> SigningKeyError:
    return SigningKeyError(f"signing key `{path}` is there already: move it away first, packs it signed need it")
