#!/usr/bin/env python3
"""Checks an evidence pack of grantmap. Needs Python 3.9 or newer and the library ``cryptography``, not grantmap.

    python3 verify.py [FOLDER] [--key evidence.pub] [--json]

FOLDER is the pack, by default the folder of this script. With ``--key`` it must be signed by that key; without, the
signer is only named. Take the key, and better this script too, from somewhere else than the pack: who could alter the
pack and sign it again could alter them as well. Exit status: 0 the pack holds · 1 it does not, the output names what ·
2 there is nothing to check. Bytes and columns count from 0, lines from 1. Checked in this order: which files there are,
the signature, the bytes of the files, what the files say of one another.
"""

from __future__ import annotations

import argparse
import base64
import json
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from reviews.evidence.basics import (
    PRINT,
    Json,
    Wrong,
    blocks_line,
    canonical,
    difference,
    merkle_root,
    need,
    one_off,
    parse,
    place,
    sha256,
)

STATEMENT, BLOCKS, SIGNER = "statement.dsse.json", "blocks.jsonl", "evidence.pub"
MADE = "README.txt campaign.json completeness.json decisions.jsonl items.jsonl ledger.jsonl population.xlsx summary.pdf"
FILES = {*MADE.split(), "verify.py", BLOCKS, SIGNER}
OPTIONAL = {"sample.json"}
SAMPLE = 'the first `size` items by SHA-256(seed + "|" + item id), as lower-case hexadecimal, ascending'
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:grantmap:access-review-evidence:1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATES = ("open", "attest", "revoke", "modify", "exception", "abstain")
ENTRY = {"campaign", "seq", "at", "actor", "how", "kind", "item", "body", "previous", "hash"}
BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
MALFORMED = (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError)


# -- the pack


class Pack:
    """What was found so far: ``failures`` in the order of the checks, ``checked`` counts what was looked at."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.failures, self.there = folder, list[str](), set[str]()
        self.checked: dict[str, int] = {}
        self.signer: str | None = None
        self.broken = True  # until the ledger was seen to hold
        self.items: list[bytes] = []
        self.entries: list[Json] = []

    def fail(self, name: str, what: object) -> None:
        if f"`{name}`: {what}" not in self.failures:
            self.failures.append(f"`{name}`: {what}")

    def read(self, name: str) -> bytes:
        need(name in self.there, "is missing")
        return (self.folder / name).read_bytes()

    def lines(self, name: str) -> Iterator[tuple[int, bytes, Json]]:
        """(number, bytes, value) of each line of a file of JSON lines."""
        data = self.read(name)
        need(not data or data.endswith(b"\n"), "does not end with a line feed")
        for number, line in enumerate(data.split(b"\n")[:-1], 1):
            try:
                yield number, line, parse(line)
            except Wrong as error:
                raise Wrong(f"line {number} {error}") from error


def verify(folder: Path, pin: Ed25519PublicKey | None = None) -> dict[str, Json]:
    """``{ok, checked, failures, signer, pinned}``; ``signer`` is None where no signature holds."""
    if not folder.is_dir():
        raise Wrong(f"no evidence pack `{folder}`: there is no such folder")
    pack = Pack(folder)
    for path in sorted(folder.rglob("*")):
        if stat.S_ISREG(path.lstat().st_mode):
            pack.there.add(path.relative_to(folder).as_posix())
        else:  # a link is not followed: it could lead anywhere
            pack.fail(path.relative_to(folder).as_posix(), "is no plain file: no pack has such")
    for name, check in CHECKS.items():
        try:
            check(pack, pin)
        except Wrong as error:
            pack.fail(name, error)
        except MALFORMED as error:
            pack.fail(name, f"does not have the form that it should: {type(error).__name__} {error}"[:300])
    found = {"checked": pack.checked, "failures": pack.failures, "signer": pack.signer}
    return {"ok": not pack.failures, **found, "pinned": pin is not None and pack.signer == fingerprint(pin)}


# -- the statement and its signature


def check_statement(pack: Pack, pin: Ed25519PublicKey | None) -> None:
    raw = pack.read(STATEMENT)
    try:
        envelope = parse(raw)
        (signature,) = envelope["signatures"]
        payload = unbase64(envelope["payload"])
        form = {"payload", "payloadType", "signatures"}, {"keyid", "sig"}, PAYLOAD_TYPE
        need((set(envelope), set(signature), envelope["payloadType"]) == form, "is no DSSE envelope of a statement")
        statement = parse(payload)
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(statement["predicate"]["signer"]["public"]))
        pack.signer = fingerprint(public)
        need(signature["keyid"] == pack.signer, f"names the key {signature['keyid']}, holds the key {pack.signer}")
        need(fits(public, payload, signature["sig"]), f"the signature of {pack.signer} does not fit")
    except MALFORMED as error:
        pack.signer = None
        changed = statement_changed(pack, raw, pin)
        raise Wrong(changed or (str(error) if isinstance(error, Wrong) else f"is no statement: {error}")) from error
    if pin is not None and pack.signer != fingerprint(pin):
        pack.fail(STATEMENT, f"is signed by {pack.signer}, not by the key that was given, {fingerprint(pin)}")
    before = len(pack.failures)
    check_files(pack, {subject["name"]: subject["digest"]["sha256"] for subject in statement["subject"]})
    if len(pack.failures) == before:
        need(payload == expected_statement(pack, public), "does not say of the pack what its files say")
        need(fingerprint(load_public(pack.read(SIGNER))) == pack.signer, f"`{SIGNER}` is not the key that signed")


def fits(public: Ed25519PublicKey, payload: bytes, signature: str) -> bool:
    kind = PAYLOAD_TYPE.encode()
    try:
        public.verify(unbase64(signature), b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload))
    except (InvalidSignature, ValueError):
        return False
    return True


def unbase64(text: str) -> bytes:
    data = base64.b64decode(text, validate=True)
    need(base64.b64encode(data).decode() == text, "has base64 with bits that say nothing")
    return data


def fingerprint(public: Ed25519PublicKey) -> str:
    return sha256(raw_bytes(public))


def raw_bytes(public: Ed25519PublicKey) -> bytes:
    """The 32 bytes of a key, as old versions of the library give them too."""
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw)


def load_public(pem: bytes) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Wrong("is no public key in PEM") from error
    if not isinstance(key, Ed25519PublicKey):
        raise Wrong("is no ed25519 key")
    return key


def expected_statement(pack: Pack, public: Ed25519PublicKey) -> bytes:
    """The statement that belongs to the files as they are."""
    campaign = parse(pack.read("campaign.json"))
    signer = {"algorithm": "ed25519", "keyid": fingerprint(public), "public": raw_bytes(public).hex()}
    predicate = {key: campaign[key] for key in ("entries", "format", "head", "items", "phase", "root")}
    predicate.update(campaign=campaign["id"], signer=signer)
    subject = [{"name": n, "digest": {"sha256": sha256(pack.read(n))}} for n in sorted(pack.there - {STATEMENT})]
    types = {"_type": STATEMENT_TYPE, "predicateType": PREDICATE_TYPE}
    return canonical({**types, "subject": subject, "predicate": predicate})


def statement_changed(pack: Pack, raw: bytes, pin: Ed25519PublicKey | None) -> str:
    """Which byte of the envelope changed; it can be made again when the other files are as they were."""
    try:
        public = pin or load_public(pack.read(SIGNER))
        payload = expected_statement(pack, public)
    except MALFORMED:
        return ""
    named = {"payload": base64.b64encode(payload).decode(), "payloadType": PAYLOAD_TYPE}
    before, after = canonical({**named, "signatures": [{"keyid": fingerprint(public), "sig": "@"}]}).split(b"@")
    if before.startswith(raw):  # cut off before its signature
        return difference(raw, before + bytes(88) + after)
    for at in {len(before), max(0, len(raw) - len(after) - 88)}:
        for signature in one_off(raw[at : at + 88], BASE64):
            if fits(public, payload, signature.decode(errors="replace")):
                return difference(raw, before + signature + after)
    return ""


def check_files(pack: Pack, signed: dict[str, str]) -> None:
    """Which files there are, and that they are those that were signed."""
    found = {name: sha256(pack.read(name)) for name in sorted(pack.there - {STATEMENT})}
    pack.checked["files"] = len(found)
    for name in sorted({*signed, *FILES} - set(found)):
        moved = next((other for other in found if other not in signed and found[other] == signed.get(name)), None)
        pack.fail(name[:200], f"is missing; what it held is in `{moved}`" if moved else "is missing")
    for name in sorted({*found, *signed} - FILES - OPTIONAL):
        pack.fail(name[:200], "does not belong to a pack")
    for name in sorted(set(found) & FILES - set(signed)):
        pack.fail(name, "is not in the statement")
    same = {name for name in found if found[name] == signed.get(name)}
    lines = b"".join(blocks_line(name, pack.read(name)) for name in sorted(same - {BLOCKS}))
    if same >= set(found) - {BLOCKS} and BLOCKS in found:  # all others are: so it can be made again from them
        if pack.read(BLOCKS) != lines:
            pack.fail(BLOCKS, difference(pack.read(BLOCKS), lines))
        return
    blocks = {line["file"]: line for _, _, line in pack.lines(BLOCKS)} if BLOCKS in same else {}
    for name in sorted(set(found) & set(signed) - same):
        kept = unbase64(blocks[name]["hashes"]) if name in blocks else b""
        hashes = [kept[at : at + PRINT] for at in range(0, len(kept), PRINT)]
        unknown = f"was changed; where cannot be told without `{BLOCKS}` as it was"
        pack.fail(name, place(pack.read(name), blocks[name]["size"], hashes) if name in blocks else unknown)


# -- what the files say of one another


def check_items(pack: Pack, _: object) -> None:
    seen = set()
    for number, line, item in pack.lines("items.jsonl"):
        need(item["id"] not in seen, f"line {number} has the item `{item['id']}` again")
        seen.add(item["id"])
        pack.items.append(line)
    pack.checked["items"] = len(pack.items)


def check_ledger(pack: Pack, _: object) -> None:
    """The chain: each entry holds the hash of the one before and has its own."""
    head = "0" * 64
    for number, _line, entry in pack.lines("ledger.jsonl"):
        need(set(entry) == ENTRY, f"line {number} does not have the fields of an entry")
        follows = entry["seq"] == number and entry["previous"] == head
        need(follows, f"entry {number} does not follow the entry before it: the chain is broken here")
        content = {key: entry[key] for key in ENTRY - {"hash"}}
        head = sha256(bytes.fromhex(head) + canonical(content))
        need(entry["hash"] == head, f"entry {number} does not have the hash of its content: the chain is broken here")
        pack.entries.append(entry)
        pack.checked["entries"] = number
    need(bool(pack.entries) and pack.entries[0]["kind"] == "opened", "does not begin with an entry `opened`")
    pack.broken = False


def follow(entries: list[Json], standing: dict[str, Json], campaign: dict[str, Json]) -> None:
    """What the entries make of the items and of the campaign, from the first to the last."""
    undecided = {"state": "open", "decision": None, "decided_by": "", "decided_at": "", "entry": None}
    for entry in entries:
        kind, body = entry["kind"], entry["body"]
        if entry["item"]:
            follow_item(standing[entry["item"]], entry, undecided)
        elif kind == "assigned":
            for id, reviewer, rule, conflict, change in body["items"]:
                given = {"reviewer": reviewer, "rule": rule, "conflict": conflict, "change": change}
                standing[id] = {"item": id, "version": 1, **given, **undecided}
        elif kind == "signed-off":
            campaign.update(phase="signed-off", signed_off=entry["at"], signed_off_by=entry["actor"])
        elif kind == "closed":
            campaign.update(phase="closed", closed=entry["at"])


def follow_item(item: dict[str, Json], entry: Json, undecided: dict[str, Json]) -> None:
    kind, body = entry["kind"], entry["body"]
    if kind == "assigned":
        item.update(undecided if item["state"] == "abstain" else {})
        item.update({key: body[key] for key in ("reviewer", "rule", "conflict")})
    elif kind == "decided":
        item.update(state=body["decision"]["kind"], decision=body["decision"], entry=entry["seq"])
        item.update(decided_by=entry["actor"], decided_at=entry["at"])
    elif kind == "expired" and body["reopened"]:
        item.update(undecided)
    else:
        return
    item["version"] += 1


def check_contents(pack: Pack, _: object) -> None:
    """The decisions, the campaign and the hashes of what was frozen follow from the ledger."""
    need(not pack.broken, "cannot be compared: the ledger does not hold")
    first, last, ids = pack.entries[0], pack.entries[-1], ids_of(pack)
    frozen, found = (first["body"]["items"], first["body"]["root"]), (len(ids), merkle_root(pack.items))
    if frozen != found:
        now = f"has {found[0]} items with the Merkle root {found[1]}"
        pack.fail("items.jsonl", f"{now}; the ledger was opened with {frozen[0]} and {frozen[1]}")
    if sha256(pack.read("completeness.json")) != first["body"]["completeness_sha256"]:
        pack.fail("completeness.json", "does not have the hash that the ledger was opened with")
    standing: dict[str, Json] = {}
    campaign: dict[str, Json] = {"phase": "open", "signed_off": "", "signed_off_by": "", "closed": ""}
    follow(pack.entries, standing, campaign)
    opened = {key: first["body"][key] for key in ("plan", "snapshot", "taken", "scope_in_words", "completeness_sha256")}
    campaign.update(opened, format=1, id=first["campaign"], opened=first["at"], opened_by=first["actor"])
    campaign.update(owner=first["actor"], entries=len(pack.entries), head=last["hash"], items=frozen[0], root=frozen[1])
    campaign["states"] = {state: sum(row["state"] == state for row in standing.values()) for state in STATES}
    compare(pack, "campaign.json", canonical(campaign))
    need(
        set(standing) == set(ids), "cannot be compared: `items.jsonl` does not have the items that the ledger assigned"
    )
    compare(pack, "decisions.jsonl", b"".join(canonical(standing[id]) + b"\n" for id in ids))
    pack.checked["decisions"] = len(ids)


def check_sample(pack: Pack, _: object) -> None:
    if "sample.json" in pack.there:
        sample = parse(pack.read("sample.json"))
        drawn = sorted(ids_of(pack), key=lambda id: (sha256(f"{sample['seed']}|{id}".encode()), id))
        again = {"algorithm": SAMPLE, "items": drawn[: sample["size"]], "seed": sample["seed"], "size": sample["size"]}
        compare(pack, "sample.json", canonical(again))


def ids_of(pack: Pack) -> list[str]:
    return [json.loads(line)["id"] for line in pack.items]


def compare(pack: Pack, name: str, expected: bytes) -> None:
    if pack.read(name) != expected:
        pack.fail(name, f"does not follow from the ledger: {difference(pack.read(name), expected)}")


CHECKS: dict[str, Callable[[Pack, Any], None]] = {
    STATEMENT: check_statement,
    "items.jsonl": check_items,
    "ledger.jsonl": check_ledger,
    "decisions.jsonl": check_contents,
    "sample.json": check_sample,
}


def main() -> int:
    parser = argparse.ArgumentParser(description="Checks an evidence pack of grantmap.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent, help="the pack")
    parser.add_argument("--key", type=Path, help="public key (PEM) that must have signed the pack")
    parser.add_argument("--json", action="store_true", help="write JSON")
    arguments = parser.parse_args()
    try:
        found = verify(arguments.folder, load_public(arguments.key.read_bytes()) if arguments.key else None)
    except (Wrong, OSError) as error:
        sys.stderr.write(f"verify: {f'`{arguments.key}`: ' if arguments.key else ''}{error}\n")
        return 2
    sys.stdout.write((json.dumps(found) if arguments.json else in_words(found)) + "\n")
    return 0 if found["ok"] else 1


def in_words(found: dict[str, Json]) -> str:
    """The result for people, without anything that a terminal would take for a command."""
    verdict = "The pack holds" if found["ok"] else "The pack does NOT hold"
    signed = f"signed by {found['signer']}, {'as pinned' if found['pinned'] else 'not pinned'}"
    checked = ", ".join(f"{number} {what}" for what, number in found["checked"].items())
    lines = [f"{verdict}: {signed if found['signer'] else 'no signature holds'}", f"Checked: {checked or 'nothing'}"]
    text = "\n".join([*lines, *found["failures"]])
    return "".join(char if char == "\n" or " " <= char <= "~" else f"\\u{ord(char):04x}" for char in text)


if __name__ == "__main__":
    sys.exit(main())
