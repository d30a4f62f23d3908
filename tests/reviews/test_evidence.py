"""Packs: the same bytes each time, whole or not there, and what is in them."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import openpyxl
import pytest
from pypdf import PdfReader
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]

from reviews.errors import EvidenceError, LedgerError, SigningKeyError, UnknownCampaignError
from reviews.evidence import checking
from reviews.evidence.keys import keygen, load_private
from reviews.evidence.pack import export, zipped
from reviews.evidence.sampling import sample
from reviews.records import AcceptedGap
from reviews.service import Reviews
from tests.conftest import ROOT
from tests.reviews.evidence_packs import FORMULAS, Made, items, made
from tests.reviews.factories import OWNER, Everybody, gap, item, plan, population

FILES = {
    *("README.txt", "summary.pdf", "population.xlsx", "campaign.json", "completeness.json", "items.jsonl"),
    *("decisions.jsonl", "ledger.jsonl", "sample.json", "blocks.jsonl", "evidence.pub", "verify.py"),
    "statement.dsse.json",
}

EXPORT = """
import sys
from pathlib import Path
from reviews.evidence.pack import export
from reviews.records import AcceptedGap
from reviews.service import Reviews
home, campaign, out = sys.argv[1:4]
with Reviews.open(Path(home)) as reviews:
    export(reviews, campaign, Path(out), Path(home) / "keys" / "evidence.key", sample=3, seed="audit")
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made(tmp_path_factory.mktemp("done"))


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made(tmp_path_factory.mktemp("unfinished"), signed_off=False)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def pdf_pages(folder: Path) -> list[str]:
    return [page.extract_text() for page in PdfReader(folder / "summary.pdf").pages]


def run(code: str, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_pack_has_exactly_the_files_of_the_format(done: Made) -> None:
    assert set(contents(done.pack)) == FILES


def test_another_process_with_another_time_zone_and_hash_seed_writes_the_same_bytes(done: Made, tmp_path: Path) -> None:
    again = run(
        EXPORT,
        done.home,
        done.campaign,
        tmp_path / "deep" / "again",
        PYTHONHASHSEED="4242",
        TZ="Asia/Kathmandu",
        LC_ALL="C",
    )
    assert again.returncode == 0, again.stderr
    assert contents(tmp_path / "deep" / "again") == contents(done.pack)


def test_a_zip_of_a_pack_is_the_same_bytes_each_time(done: Made, tmp_path: Path) -> None:
    other = tmp_path / done.pack.name
    shutil.copytree(done.pack, other)
    os.utime(other / "README.txt", (0, 0))
    (other / "README.txt").chmod(0o600)
    assert zipped(other) == zipped(done.pack)
    with zipfile.ZipFile(io.BytesIO(zipped(done.pack))) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            f"pack/{name}": data for name, data in contents(done.pack).items()
        }
    (other / "link").symlink_to("/etc/hostname")
    with pytest.raises(EvidenceError, match="is no file"):
        zipped(other)


def test_an_export_leaves_no_entry_in_the_ledger(done: Made, tmp_path: Path) -> None:
    with Reviews.open(done.home) as reviews:
        before = [entry.hash for entry in reviews.entries(done.campaign)]
        export(reviews, done.campaign, tmp_path / "pack", done.keys.private)
        assert [entry.hash for entry in reviews.entries(done.campaign)] == before


def test_a_folder_with_something_in_it_is_left_alone_and_an_empty_one_is_used(done: Made, tmp_path: Path) -> None:
    full, empty, file = tmp_path / "full", tmp_path / "empty", tmp_path / "file"
    full.mkdir()
    (full / "mine").write_text("mine")
    empty.mkdir()
    file.write_text("mine")
    with Reviews.open(done.home) as reviews:
        for taken in (full, file):
            with pytest.raises(EvidenceError, match=f"`{taken}` is there already and not empty"):
                export(reviews, done.campaign, taken, done.keys.private)
        export(reviews, done.campaign, empty, done.keys.private)
    assert contents(full) == {"mine": b"mine"}
    assert set(contents(empty)) == FILES - {"sample.json"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "file", "full"]


@pytest.mark.parametrize("writes", [1, 7, 14])
def test_a_killed_export_leaves_nothing_under_the_final_name(done: Made, tmp_path: Path, writes: int) -> None:
    dying = (
        f"import os, signal\nreal, left = os.fsync, [{writes}]\n"
        "def fsync(file):\n    left[0] -= 1\n"
        "    os.kill(os.getpid(), signal.SIGKILL) if left[0] == 0 else real(file)\n"
        "os.fsync = fsync\n"
    )
    killed = run(dying + EXPORT, done.home, done.campaign, tmp_path / "pack")
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "pack").exists()
    assert run(EXPORT, done.home, done.campaign, tmp_path / "pack").returncode == 0
    assert contents(tmp_path / "pack") == contents(done.pack)


def test_a_campaign_whose_ledger_does_not_hold_is_not_exported(done: Made, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(done.home, home)
    with sqlite3.connect(home / "reviews.db") as database:
        for (name,) in database.execute("select name from sqlite_master where type = 'trigger'").fetchall():
            database.execute(f'drop trigger "{name}"')
        database.execute("update entries set actor = 'mallory@example.com' where seq = 4")
    with Reviews.open(home) as reviews, pytest.raises(LedgerError, match="cannot be exported: entry 4"):
        export(reviews, done.campaign, tmp_path / "pack", done.keys.private)
    assert not (tmp_path / "pack").exists()


def test_what_cannot_be_exported_says_why(done: Made, tmp_path: Path) -> None:
    with Reviews.open(done.home) as reviews:
        with pytest.raises(UnknownCampaignError):
            export(reviews, "none", tmp_path / "pack", done.keys.private)
        with pytest.raises(SigningKeyError, match="no signing key"):
            export(reviews, done.campaign, tmp_path / "pack", tmp_path / "none.key")
        with pytest.raises(EvidenceError, match="both its size and its seed"):
            export(reviews, done.campaign, tmp_path / "pack", done.keys.private, sample=2)
        with pytest.raises(EvidenceError, match="give 1 or more"):
            export(reviews, done.campaign, tmp_path / "pack", done.keys.private, sample=0, seed="x")
        (tmp_path / "file").write_text("")
        with pytest.raises(EvidenceError, match="cannot be written"):
            export(reviews, done.campaign, tmp_path / "file" / "pack", done.keys.private)
    assert not (tmp_path / "pack").exists()


# -- signed off or not


def test_everything_says_that_a_campaign_is_not_signed_off(unfinished: Made) -> None:
    pages = pdf_pages(unfinished.pack)
    assert len(pages) >= 2
    assert all("NOT SIGNED OFF" in page for page in pages)
    book = openpyxl.load_workbook(unfinished.pack / "population.xlsx")
    assert all("NOT SIGNED OFF" in sheet["A1"].value for sheet in book)
    assert "NOT SIGNED OFF" in (unfinished.pack / "README.txt").read_text()
    assert json.loads((unfinished.pack / "campaign.json").read_bytes())["phase"] == "open"
    payload = Envelope.from_dict(json.loads((unfinished.pack / "statement.dsse.json").read_bytes())).payload
    assert json.loads(payload)["predicate"]["phase"] == "open"


def test_a_signed_off_campaign_says_by_whom_everywhere(done: Made) -> None:
    text = "\n".join(pdf_pages(done.pack))
    book = openpyxl.load_workbook(done.pack / "population.xlsx")
    readme = (done.pack / "README.txt").read_text()
    for said in (text, readme, *(sheet["A1"].value for sheet in book)):
        assert "NOT SIGNED OFF" not in said
        assert "signed off by owner@example.com at 2026-03-02T" in " ".join(said.split()).replace("Signed", "signed")
    assert json.loads((done.pack / "campaign.json").read_bytes())["phase"] == "signed-off"
    assert "I have seen the result & acknowledge it." in text


# -- the documents


def test_names_that_look_like_formulas_stay_text(done: Made) -> None:
    book = openpyxl.load_workbook(done.pack / "population.xlsx")
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n", "inlineStr"}
    assert not any(cell.hyperlink for cell in cells)
    names = [row[1].value for row in book["items"].iter_rows(min_row=3)]
    assert set(FORMULAS) <= set(names)


def test_the_workbook_has_a_row_for_every_item_and_its_decision(done: Made) -> None:
    book = openpyxl.load_workbook(done.pack / "population.xlsx")
    decided = [json.loads(line) for line in (done.pack / "decisions.jsonl").read_bytes().splitlines()]
    rows = list(book["decisions"].iter_rows(min_row=3, values_only=True))
    headings = [cell.value for cell in book["decisions"][2]]
    assert [row[0] for row in rows] == [one["item"] for one in decided] == [one.id for one in items()]
    assert [row[headings.index("Decision")] for row in rows] == [one["state"] for one in decided]
    assert [row[headings.index("Ledger entry")] for row in rows] == [one["entry"] for one in decided]
    used = [
        row[[cell.value for cell in book["items"][2]].index("Last used")]
        for row in book["items"].iter_rows(min_row=3, values_only=True)
    ]
    assert {"never", "not recorded", "2026-02-20"} == set(used)
    facts = [" ".join(str(cell) for cell in row) for row in book["completeness"].iter_rows(values_only=True)]
    for said in ("Accepted gap s3 GetBucketPolicy", "sealed by the court", "3 service-linked roles", "Calls ok 120"):
        assert any(said in fact for fact in facts), said


def test_the_summary_shows_what_an_auditor_looks_for(done: Made) -> None:
    text = " ".join(" ".join(pdf_pages(done.pack)).split())
    campaign = json.loads((done.pack / "campaign.json").read_bytes())
    joined = text.replace(" ", "")
    for pinned in (campaign["root"], campaign["head"], done.keys.fingerprint):
        assert pinned in joined
    for said in (
        "2026-03-01T08:00:00Z",  # the snapshot that every figure is from
        "whose reviewer is not independent",
        "cleo@example.com",
        "accepted by owner@example.com: sealed by the court",
        "3 service-linked roles",
        "daily log review",
        "2026-06-30",
        "change to ReadOnlyAccess",
        "PCI DSS 7.2.4",
    ):
        assert said in text, said


def test_markup_in_names_is_shown_and_characters_without_a_glyph_are_named(done: Made) -> None:
    text = " ".join(" ".join(pdf_pages(done.pack)).split())
    assert "<b>bold</b> &amp;" in text
    assert "Łukasz <U+4E2D><U+6587>" in text


def test_no_text_is_too_long_or_too_odd_for_the_documents(tmp_path: Path) -> None:
    odd = "W" * 40_000 + "\n\t\x00\x1f\ufffe\u202e" + "<para>" * 100
    hostile = item(1, principal_name=odd, sentence=odd, usage=odd, account_name=odd, risk="high")
    with Reviews.open(tmp_path / "home") as reviews:
        due = (datetime.now(UTC) + timedelta(days=9)).date().isoformat()
        named = plan(name="=1+1 <b> & Łukasz 中文", due=due, stale_reason="a test")
        gaps = (gap(operation="W" * 3_000),)
        accepted = (AcceptedGap(group=gaps[0], reason=odd[-300:], by="x" * 200),)
        content = population(hostile, gaps=gaps, excluded=(odd,))
        asked = msgspec.structs.replace(named, accepted=accepted)
        id = reviews.open_campaign(asked, content, Everybody({(hostile.id, "ana@example.com"): odd}), OWNER, key="o").id
        export(reviews, id, tmp_path / "pack", keygen(tmp_path / "keys").private)
    assert checking.verify(tmp_path / "pack")["ok"]
    assert "cut: the files have all of it" in " ".join(" ".join(pdf_pages(tmp_path / "pack")).split())
    book = openpyxl.load_workbook(tmp_path / "pack" / "population.xlsx")
    assert str(book["items"]["B3"].value).endswith("… (cut: the whole text is in the .jsonl files)")


# -- the statement and the sample


def test_the_statement_is_one_that_other_tools_verify(done: Made) -> None:
    envelope = Envelope.from_dict(json.loads((done.pack / "statement.dsse.json").read_bytes()))
    public = load_private(done.keys.private).public_key()
    key = SSlibKey.from_crypto(public, keyid=done.keys.fingerprint)
    assert envelope.verify([key], 1) == {done.keys.fingerprint: key}
    content = json.loads(envelope.payload)
    assert content["_type"] == "https://in-toto.io/Statement/v1"
    names = [subject["name"] for subject in content["subject"]]
    assert names == sorted(FILES - {"statement.dsse.json"})


def test_a_sample_is_the_same_with_the_same_seed_and_a_larger_one_begins_with_the_smaller() -> None:
    ids = [f"{number:016x}" for number in range(50)]
    small, large = sample(ids, 5, "audit"), sample(reversed(ids), 20, "audit")
    assert list(large["items"])[:5] == small["items"]  # type: ignore[call-overload]
    assert sample(ids, 5, "another")["items"] != small["items"]
    assert set(sample(ids, 500, "audit")["items"]) == set(ids)  # type: ignore[call-overload]
    with pytest.raises(EvidenceError, match="needs a seed"):
        sample(ids, 5, "")
