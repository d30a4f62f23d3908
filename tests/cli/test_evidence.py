"""``evidence keygen``, ``export`` and ``verify``: exit statuses, JSON, and one clear line for what is wrong."""

from __future__ import annotations

import json
import stat
import zipfile
from pathlib import Path

import pytest

from reviews.evidence.pack import zipped
from tests.cli.conftest import Command
from tests.reviews.evidence_packs import Made, copied, made, sign_again

SHAPE = {"ok", "checked", "failures", "signer", "pinned"}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made(tmp_path_factory.mktemp("good"))


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made(tmp_path_factory.mktemp("unfinished"), signed_off=False)


def test_keygen_makes_one_key_and_never_a_second(grantmap: Command, tmp_path: Path) -> None:
    ran = grantmap("evidence", "keygen", "--json")
    assert ran.status == 0
    key = tmp_path / "home" / "keys" / "evidence.key"
    assert ran.json["key"] == str(key)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(ran.json["fingerprint"]) == 64
    again = grantmap("evidence", "keygen")
    assert (again.status, again.out) == (2, "")
    assert "is there already" in again.err
    assert len(again.err.splitlines()) == 1


def test_the_private_key_is_never_printed(grantmap: Command, tmp_path: Path) -> None:
    ran = grantmap("evidence", "keygen")
    assert ran.status == 0
    assert "PRIVATE" not in ran.out + ran.err
    body = (tmp_path / "home" / "keys" / "evidence.key").read_text().splitlines()[1]
    assert body not in ran.out + ran.err


def test_export_writes_a_pack_that_verifies(grantmap: Command, good: Made, tmp_path: Path) -> None:
    out = tmp_path / "pack"
    ran = grantmap(
        "evidence",
        "export",
        good.campaign,
        "--out",
        str(out),
        "--sample",
        "3",
        "--seed",
        "audit",
        "--json",
        home=good.home,
    )
    assert ran.status == 0
    assert set(ran.json) >= SHAPE
    assert set(ran.json) == SHAPE
    assert (ran.json["ok"], ran.json["signer"]) == (True, good.keys.fingerprint)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == {
        path.name: path.read_bytes() for path in good.pack.iterdir()
    }
    found = grantmap("evidence", "verify", str(out), "--key", str(good.keys.public), "--json")
    assert found.status == 0
    assert set(found.json) == SHAPE
    assert found.json["pinned"] is True


def test_export_says_that_a_campaign_is_not_signed_off(grantmap: Command, unfinished: Made, tmp_path: Path) -> None:
    ran = grantmap("evidence", "export", unfinished.campaign, "--out", str(tmp_path / "p"), home=unfinished.home)
    assert ran.status == 0
    assert "NOT SIGNED OFF" in ran.out


def test_export_takes_another_signing_key(grantmap: Command, good: Made, tmp_path: Path) -> None:
    other = grantmap("evidence", "keygen", "--json").json
    out = str(tmp_path / "pack")
    ran = grantmap("evidence", "export", good.campaign, "--out", out, "--signing-key", other["key"], home=good.home)
    assert ran.status == 0
    assert grantmap("evidence", "verify", out, "--json").json["signer"] == other["fingerprint"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("export", "none", "--out", "p"), "no campaign `none`"),
        (("export", "CAMPAIGN", "--out", "full"), "`full` is there already and not empty"),
        (("export", "CAMPAIGN", "--out", "p", "--sample", "3"), "needs both its size and its seed"),
        (("export", "CAMPAIGN", "--out", "p", "--seed", "x"), "needs both its size and its seed"),
        (("export", "CAMPAIGN", "--out", "p", "--sample", "0", "--seed", "x"), "give 1 or more"),
        (("export", "CAMPAIGN", "--out", "p", "--signing-key", "none"), "no signing key `none`"),
        (("export", "CAMPAIGN", "--out", "full/file/p"), "cannot be written"),
        (("export", "CAMPAIGN"), "missing option '--out'"),
        (("verify", "none"), "no evidence pack `none`"),
        (("verify", "full/file"), "no evidence pack `full/file`"),
        (("verify", "PACK", "--key", "none"), "key `none` cannot be read"),
        (("verify", "PACK", "--key", "full/file"), "is no public key in PEM"),
        (("verify", "PACK", "--key", "PRIVATE"), "is a private key"),
        (("verify",), "missing argument 'DIR'"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    arguments: tuple[str, ...], says: str, grantmap: Command, good: Made, tmp_path: Path
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("hello")
    named = {"CAMPAIGN": good.campaign, "PACK": str(good.pack), "PRIVATE": str(good.keys.private)}
    ran = grantmap("evidence", *(named.get(word, word) for word in arguments), home=good.home)
    assert (ran.status, ran.out) == (2, "")
    assert says in ran.err
    assert len(ran.err.splitlines()) == 1
    assert not (tmp_path / "p").exists()


def test_export_without_a_key_says_how_to_make_one(grantmap: Command, good: Made, tmp_path: Path) -> None:
    import shutil

    home = tmp_path / "other"
    shutil.copytree(good.home, home)
    shutil.rmtree(home / "keys")
    ran = grantmap("evidence", "export", good.campaign, "--out", "p", home=home)
    assert ran.status == 2
    assert "make one with `grantmap evidence keygen`" in ran.err


def test_verify_names_the_changed_byte_and_exits_with_1(grantmap: Command, good: Made, tmp_path: Path) -> None:
    pack = copied(good, tmp_path / "pack")
    data = (pack / "ledger.jsonl").read_bytes()
    at = data.index(b"owner@example.com")
    (pack / "ledger.jsonl").write_bytes(data[:at] + b"O" + data[at + 1 :])
    ran = grantmap("evidence", "verify", str(pack), "--json")
    assert ran.status == 1
    assert set(ran.json) == SHAPE
    assert ran.json["ok"] is False
    assert ran.json["failures"][0] == f"`ledger.jsonl`: byte {at} (line 1, column {at}) was `o` and is `O`"
    said = grantmap("evidence", "verify", str(pack))
    assert said.status == 1
    assert f"byte {at} " in said.out
    assert said.err == ""


def test_without_a_pin_the_signer_is_named_and_with_one_another_signer_fails(
    grantmap: Command, good: Made, tmp_path: Path
) -> None:
    other = grantmap("evidence", "keygen", "--json").json
    pack = str(tmp_path / "pack")
    grantmap("evidence", "export", good.campaign, "--out", pack, "--signing-key", other["key"], home=good.home)
    ran = grantmap("evidence", "verify", pack)
    assert ran.status == 0
    assert f"signed by {other['fingerprint']}, not pinned" in " ".join(ran.out.split())
    pinned = grantmap("evidence", "verify", pack, "--key", str(good.keys.public), "--json")
    assert pinned.status == 1
    assert pinned.json["signer"] == other["fingerprint"]
    assert pinned.json["pinned"] is False
    assert "not by the key that was given" in pinned.json["failures"][0]


def test_who_signs_a_pack_again_contradicts_the_fingerprint_that_its_summary_shows(
    grantmap: Command, good: Made, tmp_path: Path
) -> None:
    pack = copied(good, tmp_path / "pack")
    other = grantmap("evidence", "keygen", "--json").json
    sign_again(pack, Path(other["key"]))
    ran = grantmap("evidence", "verify", str(pack), "--json")
    assert ran.status == 1
    assert ran.json["signer"] == other["fingerprint"]
    assert ran.json["failures"] == ["`summary.pdf`: does not show what the other files say"]


def test_a_zip_of_a_pack_is_verified_too(grantmap: Command, good: Made, tmp_path: Path) -> None:
    (tmp_path / "pack.zip").write_bytes(zipped(good.pack))
    assert grantmap("evidence", "verify", "pack.zip", "--json").json["ok"] is True
    (tmp_path / "other.zip").write_text("hello")
    ran = grantmap("evidence", "verify", "other.zip")
    assert (ran.status, ran.out) == (2, "")
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("../../evil", "x")
    assert grantmap("evidence", "verify", "evil.zip").status == 2
    assert json.loads(grantmap("evidence", "verify", "pack.zip", "--json").out)["pinned"] is False


def test_names_from_a_pack_cannot_steer_the_terminal(grantmap: Command, good: Made, tmp_path: Path) -> None:
    pack = copied(good, tmp_path / "pack")
    (pack / "\x1b[2Jx").write_text("x")
    ran = grantmap("evidence", "verify", str(pack))
    assert ran.status == 1
    assert "\x1b" not in ran.out
