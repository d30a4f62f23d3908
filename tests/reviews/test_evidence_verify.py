"""Whatever is done to a pack, both verifiers notice, and name the first thing that does not hold."""

from __future__ import annotations

import base64
import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reviews.errors import EvidenceError, SigningKeyError
from reviews.evidence import checking
from reviews.evidence.keys import keygen
from reviews.evidence.pack import verifier, zipped
from tests.reviews.evidence_packs import (
    Made,
    chained,
    copied,
    edit,
    edit_lines,
    items,
    made,
    sign_again,
    verify_script,
)

NAMES = (
    *("README.txt", "blocks.jsonl", "campaign.json", "completeness.json", "decisions.jsonl", "evidence.pub"),
    *(
        "items.jsonl",
        "ledger.jsonl",
        "population.xlsx",
        "sample.json",
        "statement.dsse.json",
        "summary.pdf",
        "verify.py",
    ),
)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made(tmp_path_factory.mktemp("good"))


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The verifier as it is shipped, kept outside the packs that are altered."""
    path = tmp_path_factory.mktemp("script") / "verify.py"
    path.write_bytes(verifier())
    return path


@pytest.fixture
def pack(good: Made, tmp_path: Path) -> Path:
    return copied(good, tmp_path / "pack")


Both = Callable[..., list[str]]


@pytest.fixture
def failures(pack: Path, script: Path) -> Both:
    """What both verifiers say of the pack: they have to agree."""

    def both(key: Path | None = None) -> list[str]:
        found = checking.verify(pack, key)
        pinned = ("--key", key) if key else ()
        status, said = verify_script(script, pack, *pinned)
        assert said["failures"] == found["failures"]
        assert (said["ok"], said["signer"], said["pinned"]) == (found["ok"], found["signer"], found["pinned"])
        assert status == (0 if found["ok"] else 1)
        assert found["ok"] == (not found["failures"])
        return list(found["failures"])

    return both


def test_a_pack_as_it_was_written_holds(good: Made, pack: Path, script: Path) -> None:
    expected = {"files": 12, "items": len(items()), "entries": 18, "decisions": len(items())}
    found = checking.verify(pack)
    assert found == {
        "ok": True,
        "checked": {**expected, "documents": 2},
        "failures": [],
        "signer": good.keys.fingerprint,
        "pinned": False,
    }
    assert verify_script(script, pack) == (0, {**found, "checked": expected})
    assert verify_script(pack / "verify.py") == (0, {**found, "checked": expected})
    assert checking.verify(pack, good.keys.public) == {**found, "pinned": True}
    assert verify_script(script, pack, "--key", good.keys.public) == (0, {**found, "checked": expected, "pinned": True})
    assert checking.verify_zip(zipped(pack), good.keys.public) == {**found, "pinned": True}


# -- bytes


@pytest.mark.parametrize("name", NAMES)
def test_a_changed_byte_is_named_by_both(name: str, pack: Path, failures: Both) -> None:
    data = (pack / name).read_bytes()
    at = random.Random(name).randrange(len(data))
    (pack / name).write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    assert failures()[0].startswith(f"`{name}`: byte {at} ")


def test_the_bits_of_base64_that_say_nothing_are_part_of_the_pack_too(pack: Path, failures: Both) -> None:
    data = (pack / "statement.dsse.json").read_bytes()
    at = data.index(b'=="}]}') - 1  # of this character the signature has two bits, four say nothing
    assert data[at] in b"AQgw"
    (pack / "statement.dsse.json").write_bytes(data[:at] + bytes([data[at] + 1]) + data[at + 1 :])
    assert failures()[0].startswith(f"`statement.dsse.json`: byte {at} ")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(st.sampled_from(NAMES), st.data())
def test_any_changed_byte_of_any_file_is_named(pack: Path, name: str, data: st.DataObject) -> None:
    before = (pack / name).read_bytes()
    at = data.draw(st.integers(0, len(before) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != before[at]))
    try:
        (pack / name).write_bytes(before[:at] + bytes([byte]) + before[at + 1 :])
        found = checking.verify(pack)
        assert found["failures"][0].startswith(f"`{name}`: byte {at} ")
        assert " was " in found["failures"][0]
    finally:
        (pack / name).write_bytes(before)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(st.sampled_from(NAMES), st.data())
def test_whatever_else_is_done_to_a_file_is_noticed_first_there(pack: Path, name: str, data: st.DataObject) -> None:
    before = (pack / name).read_bytes()
    begin = data.draw(st.integers(0, len(before)))
    end = data.draw(st.integers(begin, min(len(before), begin + 300)))
    after = before[:begin] + data.draw(st.binary(max_size=100)) + before[end:]
    try:
        (pack / name).write_bytes(after)
        found = checking.verify(pack)
        assert found["ok"] == (after == before)
        if not found["ok"]:
            assert found["failures"][0].startswith(f"`{name}`: ")
    finally:
        (pack / name).write_bytes(before)


def test_several_changed_bytes_are_named_to_their_block_line_and_item(pack: Path, failures: Both) -> None:
    data = (pack / "items.jsonl").read_bytes()
    at = data.index(b"u3 can read")
    (pack / "items.jsonl").write_bytes(data.replace(b"u3 can read", b"u3 may read", 1))
    first = failures()[0]
    block = int(first.split()[2])
    assert block <= at + 3 < block + 64
    assert "(line 3, column" in first
    assert f"item `{items()[2].id}`), or one of the 63 after it, is the first that changed" in first


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_was_cut_off_is_named_by_both(name: str, pack: Path, failures: Both) -> None:
    data = (pack / name).read_bytes()
    (pack / name).write_bytes(data[: len(data) // 2])
    assert failures()[0].startswith(
        (
            f"`{name}`: ends at byte {len(data) // 2} ",
            f"`{name}`: ends at byte {len(data) // 2}:",
            f"`{name}`: at byte {len(data) // 2} ",
        )
    )


def test_bytes_that_were_put_in_are_named(pack: Path, failures: Both) -> None:
    data = (pack / "README.txt").read_bytes()
    (pack / "README.txt").write_bytes(data[:100] + b"\x01\x02\x03" + data[100:])
    assert failures()[0].startswith("`README.txt`: at byte 100 ")
    assert failures()[0].endswith("there are 3 bytes too many")


# -- files


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_file_is_named(name: str, pack: Path, failures: Both) -> None:
    (pack / name).unlink()
    assert failures()[0] == f"`{name}`: is missing"


def test_a_renamed_file_is_named_with_its_new_name(pack: Path, failures: Both) -> None:
    (pack / "items.jsonl").rename(pack / "items.json")
    assert failures()[:2] == [
        "`items.jsonl`: is missing; what it held is in `items.json`",
        "`items.json`: does not belong to a pack",
    ]


def test_two_files_that_changed_places_are_named(pack: Path, failures: Both) -> None:
    (pack / "README.txt").rename(pack / "x")
    (pack / "verify.py").rename(pack / "README.txt")
    (pack / "x").rename(pack / "verify.py")
    assert [failure.split(":")[0] for failure in failures()] == ["`README.txt`", "`verify.py`"]


@pytest.mark.parametrize("name", [".DS_Store", "extra.txt", "items.jsonl.bak"])
def test_an_extra_file_is_named(name: str, pack: Path, failures: Both) -> None:
    (pack / name).write_text("x")
    assert failures() == [f"`{name}`: does not belong to a pack"]


def test_links_folders_and_pipes_are_not_followed(pack: Path, failures: Both, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    shutil.copytree(pack, outside)
    (pack / "items.jsonl").unlink()
    (pack / "items.jsonl").symlink_to(outside / "items.jsonl")
    (pack / "more").symlink_to(outside)
    (pack / "folder").mkdir()
    (pack / "folder" / "x").write_text("x")
    os.mkfifo(pack / "pipe")
    found = failures()
    for name in ("items.jsonl", "more", "folder", "pipe"):
        assert f"`{name}`: is no plain file: no pack has such" in found
    assert "`folder/x`: does not belong to a pack" in found


def test_a_name_in_the_statement_never_leads_out_of_the_pack(pack: Path, good: Made, failures: Both) -> None:
    (pack.parent / "secret").write_text("secret")
    subject = {"name": "../secret", "digest": {"sha256": "00" * 32}}
    sign_again(pack, good.keys.private, lambda content: content["subject"].append(subject))
    assert failures() == ["`../secret`: is missing", "`../secret`: does not belong to a pack"]


# -- signatures


def test_a_pack_signed_again_with_another_key_is_named_and_fails_against_the_pin(
    pack: Path, good: Made, failures: Both, tmp_path: Path
) -> None:
    other = keygen(tmp_path / "other")
    (pack / "README.txt").write_text("All is well.\n")
    sign_again(pack, other.private)
    assert checking.verify(pack)["signer"] == other.fingerprint
    assert f"signed by {other.fingerprint}, not pinned" in checking.in_words(checking.verify(pack))
    assert failures(good.keys.public) == [
        f"`statement.dsse.json`: is signed by {other.fingerprint}, not by the key that was given, "
        f"{good.keys.fingerprint}"
    ]


def envelope(pack: Path, change: Callable[[dict[str, Any]], None]) -> None:
    edit(pack / "statement.dsse.json", change)


def test_a_signature_by_another_key_under_the_same_name_does_not_fit(
    pack: Path, good: Made, failures: Both, tmp_path: Path
) -> None:
    other = copied(good, tmp_path / "other")
    sign_again(other, keygen(tmp_path / "keys").private)
    forged = json.loads((other / "statement.dsse.json").read_bytes())["signatures"][0]["sig"]
    envelope(pack, lambda value: value["signatures"][0].update(sig=forged))
    assert failures() == [f"`statement.dsse.json`: the signature of {good.keys.fingerprint} does not fit"]


def test_an_altered_payload_is_named_to_the_byte(pack: Path, failures: Both) -> None:
    def claim(value: dict[str, Any]) -> None:
        payload = base64.b64decode(value["payload"]).replace(b'"items":11', b'"items":12')
        value["payload"] = base64.b64encode(payload).decode()

    envelope(pack, claim)
    assert failures()[0].startswith("`statement.dsse.json`: byte ")


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.update(payloadType="text/plain"),
        lambda value: value["signatures"].append(value["signatures"][0]),
        lambda value: value["signatures"].clear(),
        lambda value: value["signatures"][0].update(keyid="00" * 32),
        lambda value: value.update(more=1),
        lambda value: value.update(payload=7),
        lambda value: value.update(payload="e30="),
    ],
)
def test_an_envelope_of_another_form_does_not_hold(
    change: Callable[[dict[str, Any]], None], pack: Path, failures: Both
) -> None:
    envelope(pack, change)
    assert failures()[0].startswith("`statement.dsse.json`: ")
    assert checking.verify(pack)["signer"] is None


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"payload":1e999}'])
def test_what_is_no_statement_at_all_does_not_hold(text: bytes, pack: Path, failures: Both) -> None:
    (pack / "statement.dsse.json").write_bytes(text)
    assert failures()[0].startswith("`statement.dsse.json`: ")


# -- what the files say, by somebody who can sign


def resigned(pack: Path, good: Made, failures: Both) -> list[str]:
    """What is found in a pack that the right key signed, as it is now."""
    sign_again(pack, good.keys.private)
    return failures(good.keys.public)


def test_a_decision_that_nobody_made_is_named(pack: Path, good: Made, failures: Both) -> None:
    edit_lines(pack / "decisions.jsonl", lambda rows: rows[1].update(state="attest"))
    (first,) = resigned(pack, good, failures)
    assert first.startswith("`decisions.jsonl`: does not follow from the ledger: byte ")
    assert f"item `{items()[1].id}`" in first
    assert "was `r` and is `a`" in first


def test_the_first_broken_link_of_the_chain_is_named(pack: Path, good: Made, failures: Both) -> None:
    edit_lines(pack / "ledger.jsonl", lambda rows: rows[5].update(actor="mallory@example.com"))
    found = resigned(pack, good, failures)
    assert found[0] == "`ledger.jsonl`: entry 6 does not have the hash of its content: the chain is broken here"


def test_an_entry_that_was_taken_out_is_named(pack: Path, good: Made, failures: Both) -> None:
    edit_lines(pack / "ledger.jsonl", lambda rows: rows.pop(6))
    found = resigned(pack, good, failures)
    assert found[0] == "`ledger.jsonl`: entry 7 does not follow the entry before it: the chain is broken here"


def test_a_ledger_that_was_chained_anew_contradicts_what_follows_from_it(
    pack: Path, good: Made, failures: Both
) -> None:
    def forge(rows: list[Any]) -> None:
        next(row for row in rows if row["kind"] == "decided")["body"]["decision"]["reason"] = "forged"
        chained(rows)

    edit_lines(pack / "ledger.jsonl", forge)
    found = resigned(pack, good, failures)
    assert found[0].startswith("`campaign.json`: does not follow from the ledger: byte ")


def test_another_population_is_named_by_its_root(pack: Path, good: Made, failures: Both) -> None:
    edit_lines(pack / "items.jsonl", lambda rows: rows[0].update(sentence="u1 can do nothing"))
    found = resigned(pack, good, failures)
    assert found[0].startswith(f"`items.jsonl`: has {len(items())} items with the Merkle root ")
    assert "the ledger was opened with" in found[0]


def test_an_item_that_was_left_out_or_doubled_is_noticed(pack: Path, good: Made, failures: Both) -> None:
    edit_lines(pack / "items.jsonl", lambda rows: rows.append(rows[0]))
    assert (
        resigned(pack, good, failures)[0]
        == f"`items.jsonl`: line {len(items()) + 1} has the item `{items()[0].id}` again"
    )
    edit_lines(pack / "items.jsonl", lambda rows: rows.__delitem__(slice(-2, None)))
    assert resigned(pack, good, failures)[0].startswith(f"`items.jsonl`: has {len(items()) - 1} items with")


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("campaign.json", lambda value: value.update(signed_off_by="x"), "does not follow from the ledger"),
        ("campaign.json", lambda value: value["plan"].update(name="x"), "does not follow from the ledger"),
        (
            "completeness.json",
            lambda value: value.update(gaps=[]),
            "does not have the hash that the ledger was opened with",
        ),
        ("sample.json", lambda value: value["items"].reverse(), "does not follow from the ledger"),
        ("sample.json", lambda value: value.update(algorithm="trust me"), "does not follow from the ledger"),
        ("sample.json", lambda value: value.pop("seed"), "does not have the form that it should"),
    ],
)
def test_what_contradicts_the_ledger_is_named(
    name: str, change: Callable[[Any], None], says: str, pack: Path, good: Made, failures: Both
) -> None:
    edit(pack / name, change)
    found = resigned(pack, good, failures)
    assert found[0].startswith(f"`{name}`: {says}")


@pytest.mark.parametrize(
    "name", ["campaign.json", "completeness.json", "sample.json", "items.jsonl", "decisions.jsonl", "ledger.jsonl"]
)
@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.replace(b",", b", ", 1),
        lambda data: data.replace(b'{"', b'{"aa":1,"aa":1,"', 1),
        lambda data: data.replace(b'":"', b'":12345678901234567890,"z":"', 1),
        lambda data: data.replace(b'":"', b'":1.0,"z":"', 1),
        lambda data: data.replace(b'":"', b'":NaN,"z":"', 1),
        lambda data: data.replace(b'":"', b'":1e400,"z":"', 1),
        lambda data: data.replace(b'":"', b'":' + b"9" * 5_000 + b',"z":"', 1),
        lambda data: data.replace(b'":"', b'":"\\ud800', 1),
        lambda data: data.replace(b'":"', b'":"\xff', 1),
        lambda data: data.replace(b"{", b'{"a":' + b"[" * 50_000, 1),
        lambda data: data + b"\n",
        lambda data: data + b" ",
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: data.replace(b"\n", b"\r\n") if b"\n" in data else data + b"\r\n",
        lambda data: b"[]\n" if b"\n" in data else b"[]",
        lambda data: b"",
    ],
)
def test_json_that_is_not_canonical_never_holds_even_when_it_is_signed(
    name: str, change: Callable[[bytes], bytes], pack: Path, good: Made
) -> None:
    campaign = json.loads((pack / "campaign.json").read_bytes())
    before = (pack / name).read_bytes()
    assert change(before) != before
    (pack / name).write_bytes(change(before))
    sign_again(pack, good.keys.private, campaign=campaign)
    found = checking.verify(pack, good.keys.public)
    assert not found["ok"]
    assert found["signer"] == good.keys.fingerprint


def test_documents_that_show_something_else_are_named_where_grantmap_can_make_them(
    pack: Path, good: Made, script: Path
) -> None:
    data = (pack / "summary.pdf").read_bytes()
    (pack / "summary.pdf").write_bytes(data.replace(b"%PDF-1.", b"%PDF-2.", 1))
    sign_again(pack, good.keys.private)
    assert checking.verify(pack)["failures"] == ["`summary.pdf`: does not show what the other files say"]
    readme = (pack / "README.txt").read_text()
    (pack / "README.txt").write_text(readme.replace("Made with grantmap", "Made with another grantmap"))
    sign_again(pack, good.keys.private)
    found = checking.verify(pack)
    assert found["ok"]
    assert "documents" not in found["checked"]


def test_a_statement_that_says_more_than_the_files_does_not_hold(pack: Path, good: Made, failures: Both) -> None:
    sign_again(pack, good.keys.private, lambda content: content["predicate"].update(phase="closed"))
    assert failures() == ["`statement.dsse.json`: does not say of the pack what its files say"]


def test_blocks_that_are_not_those_of_the_files_are_named(pack: Path, good: Made, failures: Both) -> None:
    from reviews.canonical import sha256_hex

    edit_lines(pack / "blocks.jsonl", lambda rows: rows[0].update(size=1))
    lie = sha256_hex((pack / "blocks.jsonl").read_bytes())
    held = (pack / "blocks.jsonl").read_bytes()

    def change(content: dict[str, Any]) -> None:
        next(s for s in content["subject"] if s["name"] == "blocks.jsonl")["digest"]["sha256"] = lie

    sign_again(pack, good.keys.private, change)
    (pack / "blocks.jsonl").write_bytes(held)
    assert failures()[0].startswith("`blocks.jsonl`: ")


# -- what is no pack, no key, no zip


def test_there_has_to_be_something_to_check(tmp_path: Path, good: Made, script: Path) -> None:
    with pytest.raises(EvidenceError, match="no evidence pack"):
        checking.verify(tmp_path / "none")
    assert verify_script(script, tmp_path / "none")[0] == 2
    with pytest.raises(SigningKeyError, match="cannot be read"):
        checking.verify(good.pack, tmp_path / "none.pub")
    assert verify_script(script, good.pack, "--key", tmp_path / "none.pub")[0] == 2
    with pytest.raises(SigningKeyError, match="is a private key: give the public one"):
        checking.verify(good.pack, good.keys.private)
    (tmp_path / "text").write_text("hello")
    with pytest.raises(SigningKeyError, match="is no public key in PEM"):
        checking.verify(good.pack, tmp_path / "text")
    assert verify_script(script, good.pack, "--key", tmp_path / "text")[0] == 2
    other = generate_private_key(SECP256R1()).public_key()
    (tmp_path / "ec").write_bytes(other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    with pytest.raises(SigningKeyError, match="is no ed25519 key"):
        checking.verify(good.pack, tmp_path / "ec")


def test_an_empty_folder_lacks_everything(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    found = checking.verify(tmp_path / "empty")
    assert found["failures"][0] == "`statement.dsse.json`: is missing"
    assert (found["ok"], found["signer"], found["checked"]) == (False, None, {})


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/b/c", "x", "a\\..\\..\\x"])
def test_a_zip_that_leads_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    import io
    import zipfile

    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(name, "x")
    with pytest.raises(EvidenceError, match="expected files in one folder"):
        checking.verify_zip(target.getvalue())
    with pytest.raises(EvidenceError, match="no evidence pack"):
        checking.verify_zip(b"hello")


def test_the_shipped_verifier_needs_only_the_standard_library_and_cryptography() -> None:
    import ast
    import sys

    tree = ast.parse(verifier(), feature_version=(3, 9))
    names = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    names |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    foreign = {name for name in names if name.split(".")[0] not in {*sys.stdlib_module_names, "cryptography"}}
    assert foreign == set()
