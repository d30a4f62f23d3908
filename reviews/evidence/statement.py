"""What is signed: an in-toto Statement v1 over every file of a pack, in a DSSE envelope with one ed25519 signature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from reviews.canonical import canonical
from reviews.evidence.keys import fingerprint

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:grantmap:access-review-evidence:1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"


def statement(hashes: Mapping[str, str], predicate: Mapping[str, object]) -> bytes:
    """The canonical JSON of the statement. ``hashes``: SHA-256 of each file by its name."""
    return canonical(
        {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": name, "digest": {"sha256": hashes[name]}} for name in sorted(hashes)],
            "predicateType": PREDICATE_TYPE,
            "predicate": dict(predicate),
        }
    )


def signer(key: Ed25519PrivateKey) -> dict[str, str]:
    """Who signs, as it stands in the predicate: the signed text names its own signer."""
    public = key.public_key()
    return {"algorithm": "ed25519", "keyid": fingerprint(public), "public": public.public_bytes_raw().hex()}


def signed(payload: bytes, key: Ed25519PrivateKey) -> bytes:
    """The canonical JSON of the envelope with ``payload`` and its signature; the same each time, as ed25519 is."""
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import CryptoSigner, SSlibKey  # type: ignore[attr-defined]  # exported by its documentation

    public = SSlibKey.from_crypto(key.public_key(), keyid=fingerprint(key.public_key()))
    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    envelope.sign(CryptoSigner(key, public))
    return canonical(envelope.to_dict())
