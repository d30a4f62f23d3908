"""A third verifier, written from docs/evidence-format.md alone: it shares no code with grantmap and has to agree."""

from __future__ import annotations

import base64
import hashlib
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from reviews.evidence import checking
from tests.conftest import ROOT
from tests.reviews.evidence_packs import Made, chained, copied, edit, edit_lines, made, sign_again

ALWAYS = {
    *("README.txt", "summary.pdf", "population.xlsx", "campaign.json", "completeness.json", "items.jsonl"),
    *("decisions.jsonl", "ledger.jsonl", "blocks.jsonl", "evidence.pub", "verify.py"),
}
FIELDS = {"campaign", "seq", "at", "actor", "how", "kind", "item", "body", "previous", "hash"}
TYPE = b"application/vnd.in-toto+json"


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def read(data: bytes) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    def fraction(text: str) -> Any:
        raise AssertionError(text)

    value = json.loads(data.decode(), object_pairs_hook=once, parse_float=fraction, parse_constant=fraction)
    assert rfc8785.dumps(value) == data
    return value


def lines(data: bytes) -> list[Any]:
    assert data == b"" or data.endswith(b"\n")
    return [read(line) for line in data.split(b"\n")[:-1]]


def root(leaves: list[bytes]) -> bytes:
    if len(leaves) < 2:
        return hashlib.sha256(b"\x00" + leaves[0] if leaves else b"").digest()
    k = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hashlib.sha256(b"\x01" + root(leaves[:k]) + root(leaves[k:])).digest()


def follow(entries: list[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    undecided = {"state": "open", "decision": None, "decided_by": "", "decided_at": "", "entry": None}
    items: dict[str, Any] = {}
    campaign = {"phase": "open", "signed_off": "", "signed_off_by": "", "closed": ""}
    for entry in entries:
        kind, body, id = entry["kind"], entry["body"], entry["item"]
        if kind == "assigned" and id == "":
            for one, reviewer, rule, conflict, change in body["items"]:
                assigned = {"reviewer": reviewer, "rule": rule, "conflict": conflict, "change": change}
                items[one] = {"item": one, "version": 1, **assigned, **undecided}
        elif kind == "assigned":
            again = undecided if items[id]["state"] == "abstain" else {}
            items[id] |= {name: body[name] for name in ("reviewer", "rule", "conflict")} | again
            items[id]["version"] += 1
        elif kind == "decided":
            said = {"state": body["decision"]["kind"], "decision": body["decision"], "entry": entry["seq"]}
            items[id] |= {**said, "decided_by": entry["actor"], "decided_at": entry["at"]}
            items[id]["version"] += 1
        elif kind == "expired" and id and body["reopened"]:
            items[id] |= undecided
            items[id]["version"] += 1
        elif kind == "signed-off":
            campaign |= {"phase": kind, "signed_off": entry["at"], "signed_off_by": entry["actor"]}
        elif kind == "closed":
            campaign |= {"phase": kind, "closed": entry["at"]}
    return items, campaign


def third(folder: Path) -> None:
    """Raises whatever, when the pack does not hold."""
    assert all(path.is_file() and not path.is_symlink() for path in folder.iterdir())
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    envelope = read(files.pop("statement.dsse.json"))
    assert set(files) - {"sample.json"} == ALWAYS
    payload = base64.b64decode(envelope["payload"], validate=True)
    said = read(payload)
    entries, frozen = lines(files["ledger.jsonl"]), lines(files["items.jsonl"])

    head = "0" * 64
    for number, entry in enumerate(entries, 1):
        assert set(entry) == FIELDS
        assert (entry["seq"], entry["previous"]) == (number, head)
        rest = {name: value for name, value in entry.items() if name != "hash"}
        head = digest(bytes.fromhex(head) + rfc8785.dumps(rest))
        assert entry["hash"] == head
    first, opening = entries[0], entries[0]["body"]
    assert first["kind"] == "opened"
    top = root(files["items.jsonl"].split(b"\n")[:-1]).hex()
    assert (opening["items"], opening["root"]) == (len(frozen), top)
    assert opening["completeness_sha256"] == digest(files["completeness.json"])
    assert read(files["completeness.json"])

    standing, campaign = follow(entries)
    ids = [item["id"] for item in frozen]
    assert len(set(ids)) == len(ids) and set(ids) == set(standing)
    assert lines(files["decisions.jsonl"]) == [standing[id] for id in ids]
    states = ("open", "attest", "revoke", "modify", "exception", "abstain")
    campaign |= {name: opening[name] for name in ("plan", "snapshot", "taken", "scope_in_words", "completeness_sha256")}
    campaign |= {"format": 1, "id": first["campaign"], "opened": first["at"], "opened_by": first["actor"]}
    campaign |= {"owner": first["actor"], "items": len(ids), "root": top, "entries": len(entries), "head": head}
    campaign["states"] = {state: [row["state"] for row in standing.values()].count(state) for state in states}
    assert read(files["campaign.json"]) == campaign
    if "sample.json" in files:
        sample = read(files["sample.json"])
        drawn = sorted(ids, key=lambda id: digest(f"{sample['seed']}|{id}".encode()))[: sample["size"]]
        assert set(sample) == {"algorithm", "items", "seed", "size"} and sample["items"] == drawn
        words = " ".join((ROOT / "docs" / "evidence-format.md").read_text().split())
        assert sample["algorithm"] in words

    blocks = []
    for name in sorted(set(files) - {"blocks.jsonl"}):
        data = files[name]
        prints = b"".join(hashlib.sha256(data[at : at + 64]).digest()[:6] for at in range(0, len(data), 64))
        line = {"block": 64, "file": name, "hashes": base64.b64encode(prints).decode()}
        blocks.append({**line, "sha256": digest(data), "size": len(data)})
    assert lines(files["blocks.jsonl"]) == blocks

    public = bytes.fromhex(said["predicate"]["signer"]["public"])
    signer = {"algorithm": "ed25519", "keyid": digest(public), "public": public.hex()}
    key = load_pem_public_key(files["evidence.pub"])
    assert isinstance(key, Ed25519PublicKey) and key.public_bytes_raw() == public
    facts = {name: campaign[name] for name in ("items", "root", "entries", "head", "phase")}
    assert said == {
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": "urn:grantmap:access-review-evidence:1",
        "subject": [{"name": name, "digest": {"sha256": digest(files[name])}} for name in sorted(files)],
        "predicate": {**facts, "format": 1, "campaign": campaign["id"], "signer": signer},
    }
    (signature,) = envelope["signatures"]
    assert envelope == {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": TYPE.decode(),
        "signatures": [{"keyid": digest(public), "sig": signature["sig"]}],
    }
    raw = base64.b64decode(signature["sig"], validate=True)
    assert base64.b64encode(raw).decode() == signature["sig"]
    pae = b"DSSEv1 28 " + TYPE + b" " + str(len(payload)).encode() + b" " + payload
    Ed25519PublicKey.from_public_bytes(public).verify(raw, pae)


def agree(folder: Path) -> bool:
    """Whether the pack holds; both have to say so."""
    found = bool(checking.verify(folder)["ok"])
    try:
        third(folder)
    except Exception as error:  # noqa: BLE001  # whatever it stumbles over is a pack that does not hold
        assert not found, f"only the verifier written from the page found something: {error!r}"
        return False
    assert found, checking.verify(folder)["failures"]
    return True


@pytest.fixture(scope="module", params=[True, False], ids=["signed off", "open"])
def good(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made(tmp_path_factory.mktemp("good"), signed_off=request.param, sample=3 if request.param else None)


def test_a_verifier_written_from_the_page_accepts_packs(good: Made) -> None:
    assert agree(good.pack)


def test_it_and_grantmap_notice_the_same_bytes(good: Made, tmp_path: Path) -> None:
    pack, rolls = copied(good, tmp_path / "pack"), random.Random(7)
    for path in sorted(pack.iterdir()):
        before = path.read_bytes()
        for _ in range(4):
            at = rolls.randrange(len(before))
            path.write_bytes(before[:at] + bytes([before[at] ^ (1 << rolls.randrange(8))]) + before[at + 1 :])
            assert not agree(pack)
        path.write_bytes(before)
    assert agree(pack)


def rechain(rows: list[Any]) -> None:
    rows[-1]["actor"] = "mallory@example.com"
    chained(rows)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("items.jsonl", lambda rows: rows[0].update(sentence="x")),
        ("items.jsonl", lambda rows: rows.reverse()),
        ("decisions.jsonl", lambda rows: rows[0].update(state="attest")),
        ("decisions.jsonl", lambda rows: rows[0].update(entry=1)),
        ("decisions.jsonl", lambda rows: rows[2].update(more=1)),
        ("decisions.jsonl", lambda rows: rows.reverse()),
        ("ledger.jsonl", lambda rows: rows[3].update(at="2027-01-01T00:00:00Z")),
        ("ledger.jsonl", lambda rows: rows.pop()),
        ("ledger.jsonl", rechain),
        ("campaign.json", lambda value: value.update(closed="2026-03-03T00:00:00Z")),
        ("campaign.json", lambda value: value["states"].update(open=99)),
        ("completeness.json", lambda value: value.update(gaps=[])),
        ("blocks.jsonl", lambda rows: rows[0].update(size=1)),
    ],
)
def test_it_and_grantmap_notice_the_same_lies_of_somebody_who_can_sign(
    name: str, change: Callable[[Any], None], good: Made, tmp_path: Path
) -> None:
    pack = copied(good, tmp_path / "pack")
    (edit_lines if name.endswith("l") else edit)(pack / name, change)
    if name != "blocks.jsonl":
        sign_again(pack, good.keys.private)
    assert not agree(pack)


def test_what_is_signed_again_without_a_lie_holds_for_both(good: Made, tmp_path: Path) -> None:
    pack = copied(good, tmp_path / "pack")
    sign_again(pack, good.keys.private)
    assert agree(pack)


def test_the_page_names_every_file_and_field() -> None:
    text = (ROOT / "docs" / "evidence-format.md").read_text()
    for name in (*ALWAYS, *FIELDS, "sample.json", "statement.dsse.json"):
        assert name in text, name
    from reviews.records import Completeness, Decision, Item

    for record in (Item, Decision, Completeness):
        for field in record.__struct_fields__:
            assert f"`{field}`" in text, (record.__name__, field)
