"""Writes the evidence pack of a campaign: a folder that anybody can check, the same bytes each time.

Nothing in a pack comes from the clock, the machine or the folder it is written to: only from the campaign, the key and
the sample asked for. That is why an export leaves no entry in the ledger: the next one would be another pack.
"""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reviews.canonical import canonical, sha256_hex
from reviews.errors import EvidenceError
from reviews.evidence import dossier as dossiers
from reviews.evidence.dossier import Dossier, count, status
from reviews.evidence.keys import fingerprint, load_private, public_pem
from reviews.evidence.sampling import sample as draw
from reviews.evidence.statement import signed, signer, statement

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from reviews.service import Reviews

STATEMENT = "statement.dsse.json"
#: What stands in front of the path of a file in a zip, and its time: the earliest that the format has.
ZIP_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Exported:
    """A pack that was written: where, its files, what pins it, and whether the campaign was signed off."""

    folder: Path
    files: tuple[str, ...]
    items: int
    entries: int
    root: str
    head: str
    signer: str
    signed_off: bool


def export(
    reviews: Reviews, id: str, out: Path, key: Path, *, sample: int | None = None, seed: str | int | None = None
) -> Exported:
    """Writes the pack of campaign ``id`` to the folder ``out``, signed with the private key of the file ``key``.

    ``sample`` items are drawn with the text ``seed`` for an auditor. The folder appears whole or not at all.

    Raises:
        EvidenceError: ``out`` has something in it, or the sample cannot be drawn.
        LedgerError: the campaign's ledger or population does not hold.
        SigningKeyError: the key is missing, readable by others, or no ed25519 key.
        UnknownCampaignError: there is no such campaign.
    """
    private = load_private(key)
    _check_empty(out)
    if (sample is None) != (seed is None):
        raise EvidenceError("a sample needs both its size and its seed (`--sample N --seed TEXT`)")
    dossier = dossiers.read(reviews, id)
    files = contents(dossier, private, sample, seed)
    _write(out, files)
    campaign = dossier.campaign
    return Exported(
        folder=out,
        files=tuple(sorted(files)),
        items=campaign["items"],
        entries=campaign["entries"],
        root=campaign["root"],
        head=campaign["head"],
        signer=fingerprint(private.public_key()),
        signed_off=bool(campaign["signed_off"]),
    )


def contents(
    dossier: Dossier, key: Ed25519PrivateKey, sample: int | None = None, seed: str | int | None = None
) -> dict[str, bytes]:
    """Every file of a pack by its name."""
    from reviews.evidence.basics import blocks_line
    from reviews.evidence.sheet import workbook
    from reviews.evidence.summary import summary
    from reviews.evidence.verify_pack import BLOCKS

    files = {
        "campaign.json": canonical(dossier.campaign),
        "completeness.json": canonical(dossier.completeness),
        "items.jsonl": _lines(dossier.frozen),
        "decisions.jsonl": _lines(canonical(row) for row in dossier.decisions),
        "ledger.jsonl": _lines(canonical(entry) for entry in dossier.entries),
        "population.xlsx": workbook(dossier),
        "summary.pdf": summary(dossier, fingerprint(key.public_key())),
        "evidence.pub": public_pem(key.public_key()),
        "verify.py": verifier(),
        "README.txt": _readme(dossier, fingerprint(key.public_key()), sample is not None).encode(),
    }
    if sample is not None and seed is not None:
        files["sample.json"] = canonical(draw((row["item"] for row in dossier.decisions), sample, str(seed)))
    files[BLOCKS] = b"".join(blocks_line(name, files[name]) for name in sorted(files))
    files[STATEMENT] = signed(statement(_hashes(files), predicate(dossier.campaign, signer(key))), key)
    return files


def predicate(campaign: Mapping[str, Any], signed_by: Mapping[str, str]) -> dict[str, Any]:
    """What the statement says besides the hashes of the files: which campaign, in which state, and who signs."""
    taken = {name: campaign[name] for name in ("entries", "format", "head", "items", "phase", "root")}
    return {**taken, "campaign": campaign["id"], "signer": dict(signed_by)}


def verifier() -> bytes:
    """The text of ``verify.py``: one file, with the module that it imports from this package put in its place."""
    here = Path(__file__).parent
    script = (here / "verify_pack.py").read_text()
    part = (here / "basics.py").read_text()
    before, start, after = script.partition("from reviews.evidence.basics import (\n")
    _, end, rest = after.partition(")\n")
    _, mark, body = part.partition("# -- the text from here on is a part of verify.py\n\n")
    constants, seam, checks = rest.partition("# -- the pack\n")
    assert start and end and mark and seam and "import re\n" in part
    imports = before.replace("import json\n", "import hashlib\nimport json\nimport re\n").rstrip()
    return f"{imports}\n\n{constants.strip()}\n{body}\n\n{seam}{checks}".encode()


def zipped(folder: Path) -> bytes:
    """The files of a pack as one zip file, the same bytes each time; inside, they are in a folder of its name.

    Raises:
        EvidenceError: ``folder`` is none, or holds something else than files.
    """
    from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

    if not folder.is_dir():
        raise EvidenceError(f"no evidence pack `{folder}`: there is no such folder")
    target = io.BytesIO()
    with ZipFile(target, "w") as archive:
        for path in sorted(folder.iterdir()):
            if path.is_symlink() or not path.is_file():
                raise EvidenceError(f"`{path}` is no file: it does not belong to an evidence pack")
            info = ZipInfo(f"{folder.resolve().name}/{path.name}", ZIP_TIME)
            info.compress_type, info.create_system, info.external_attr = ZIP_DEFLATED, 3, 0o644 << 16
            archive.writestr(info, path.read_bytes())
    return target.getvalue()


def made_with() -> str:
    """The versions on which the layout of the documents depends; a line of ``README.txt``."""
    from importlib.metadata import PackageNotFoundError, version

    def named(name: str) -> str:
        try:
            return f"{name} {version(name)}"
        except PackageNotFoundError:  # run from a checkout that nobody installed
            return f"{name} of no version"

    return "Made with " + ", ".join(named(name) for name in ("grantmap", "reportlab", "xlsxwriter"))


def _lines(values: Any) -> bytes:
    return b"".join(value + b"\n" for value in values)


def _hashes(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: sha256_hex(data) for name, data in files.items()}


def _check_empty(out: Path) -> None:
    if os.path.lexists(out) and (out.is_symlink() or not out.is_dir() or any(out.iterdir())):
        raise EvidenceError(f"`{out}` is there already and not empty: give a new folder")


def _write(out: Path, files: Mapping[str, bytes]) -> None:
    """A folder beside, then a rename: whoever sees ``out`` sees all of it, whatever happens on the way."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
        try:
            for name, data in files.items():
                with (temporary / name).open("wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
            temporary.chmod(0o755)
            _sync(temporary)
            temporary.rename(out)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        _sync(out.parent)
    except OSError as error:
        raise EvidenceError(
            f"evidence pack `{out}` cannot be written: {(error.strerror or str(error)).lower()}"
        ) from error


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _readme(dossier: Dossier, key: str, sampled: bool) -> str:
    campaign = dossier.campaign
    files = [
        ("summary.pdf", "the campaign on a few pages"),
        ("population.xlsx", "population, decisions and completeness as tables"),
        ("items.jsonl", "what was reviewed: one line an item, in the order of the Merkle tree"),
        ("decisions.jsonl", "how each item stands at the end, in the same order"),
        ("ledger.jsonl", "who did what and when: the chain of entries"),
        ("completeness.json", "what the population was made from, and what could not be read"),
        ("campaign.json", "the plan, the state, and the numbers that pin the rest"),
        *([("sample.json", "the auditor's sample, and how to draw it again")] if sampled else []),
        ("blocks.jsonl", "hashes of small blocks, by which a changed byte is found"),
        ("statement.dsse.json", "the signed hashes of all files"),
        ("evidence.pub", "the public key that signed"),
        ("verify.py", "checks all of it"),
    ]
    state = status(campaign)
    return "\n".join(
        [
            f"Evidence of an access review: {' '.join(campaign['plan']['name'].split())}",
            "",
            f"Campaign    {campaign['id']}",
            f"State       {state}",
            f"Snapshot    {campaign['snapshot']}, taken {campaign['taken']}",
            f"Population  {count(campaign['items'], 'item')}, Merkle root {campaign['root']}",
            f"Ledger      {campaign['entries']:,} entries, head {campaign['head']}",
            f"Signed by   {key}",
            "",
            *(f"{name:<20}  {words}" for name, words in files),
            "",
            "To check it, with Python 3.9 or newer and its library `cryptography`:",
            "",
            "    python3 verify.py --key KEY",
            "",
            "KEY is the public key of whoever made this pack; get it from them, in another way than this pack. Without",
            "--key the check tells only that the files belong together, and which key signed them. The format is",
            "documented with grantmap (docs/evidence-format.md), well enough to write a verifier of your own.",
            "",
            made_with(),
            "",
        ]
    )
