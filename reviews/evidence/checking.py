"""Checks an evidence pack, as ``verify.py`` in it does, and the documents for people besides.

The script in a pack may have been altered like any other file; this is the same check by code that came another way.
"""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from reviews.errors import EvidenceError, ReviewError, SigningKeyError
from reviews.records import Entry

#: What a zip may unpack to, in bytes and files.
MOST_BYTES, MOST_FILES = 4 * 1024**3, 1_000


def verify(folder: Path, key: Path | None = None) -> dict[str, Any]:
    """``{ok, checked, failures, signer, pinned}``.

    The documents are made again only where grantmap and its libraries are those that made them: others may lay them
    out in another way.
    ``checked`` counts files, items, entries, decisions and documents; ``failures`` are sentences, the first thing that
    does not hold first; ``signer`` is the fingerprint of the key that signed, None where no signature holds;
    ``pinned``: whether it is the key of the file ``key``.

    Raises:
        EvidenceError: ``folder`` is none, or cannot be read.
        SigningKeyError: ``key`` is no public key.
    """
    from reviews.evidence import verify_pack
    from reviews.evidence.basics import Wrong
    from reviews.evidence.pack import made_with

    pin = _public(key) if key is not None else None
    try:
        found = verify_pack.verify(folder, pin)
    except (Wrong, OSError) as error:
        raise EvidenceError(str(error)) from error
    if found["ok"] and made_with() in (folder / "README.txt").read_text(errors="replace").splitlines():
        wrong = _documents(folder, found["signer"])
        found["checked"]["documents"] = 2
        found.update(ok=not wrong, failures=wrong)
    return found


def verify_zip(data: bytes, key: Path | None = None) -> dict[str, Any]:
    """``verify`` for a pack in a zip file, as the app hands it out; raises ``EvidenceError`` for what is no such."""
    with tempfile.TemporaryDirectory(prefix="grantmap-") as name:
        return verify(_unpacked(data, Path(name)), key)


def in_words(found: dict[str, Any]) -> str:
    """The result for people."""
    from reviews.evidence import verify_pack

    return verify_pack.in_words(found)


def _public(path: Path) -> Any:
    from reviews.evidence import verify_pack
    from reviews.evidence.basics import Wrong

    try:
        data = path.read_bytes()
    except OSError as error:
        raise SigningKeyError(f"key `{path}` cannot be read: {(error.strerror or str(error)).lower()}") from error
    if b"PRIVATE KEY" in data:
        raise SigningKeyError(f"key `{path}` is a private key: give the public one, and keep this one to its owner")
    try:
        return verify_pack.load_public(data)
    except Wrong as error:
        raise SigningKeyError(f"key `{path}` {error}") from error


def _documents(folder: Path, signer: str) -> list[str]:
    """What the PDF and the spreadsheet say other than the files that they are made from.

    Of the spreadsheet its parts are compared, not the bytes: another zlib packs the same content differently.
    """
    from reviews.evidence import dossier as dossiers
    from reviews.evidence.sheet import workbook
    from reviews.evidence.summary import summary

    frozen = (folder / "items.jsonl").read_bytes().split(b"\n")[:-1]
    entries = msgspec.json.decode(
        b"[" + b",".join((folder / "ledger.jsonl").read_bytes().split(b"\n")[:-1]) + b"]", type=list[Entry]
    )
    completeness = json.loads((folder / "completeness.json").read_bytes())
    try:
        dossier = dossiers.made(completeness, frozen, entries)
        made = {"population.xlsx": workbook(dossier), "summary.pdf": summary(dossier, signer)}
    except (ReviewError, KeyError, TypeError, ValueError) as error:
        return [f"`items.jsonl`: no documents can be made from it: {error}"]
    shown: dict[str, Callable[[bytes], Any]] = {"population.xlsx": _cells, "summary.pdf": bytes}
    return [
        f"`{name}`: does not show what the other files say"
        for name, data in made.items()
        if data != (there := (folder / name).read_bytes()) and shown[name](data) != shown[name](there)
    ]


def _cells(data: bytes) -> Any:
    """The parts of a spreadsheet, unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(info.file_size for info in archive.infolist()) > MOST_BYTES:
                return "larger than any"
            return {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, OSError) as error:
        return str(error)


def _unpacked(data: bytes, target: Path) -> Path:
    """The folder of the pack; names that would lead out of ``target`` are refused."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
            if len(infos) > MOST_FILES or sum(info.file_size for info in infos) > MOST_BYTES:
                raise EvidenceError("the zip file is larger than any evidence pack")
            if len({info.filename for info in infos}) < len(infos):
                raise EvidenceError("the zip file has a name twice")
            for info in infos:
                parts = PurePosixPath(info.filename).parts
                if len(parts) != 2 or ".." in parts or "\\" in info.filename or info.filename.startswith("/"):
                    raise EvidenceError(f"the zip file has `{info.filename[:80]}`: expected files in one folder")
                path = target / "pack" / parts[1]
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(archive.read(info))
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, OSError) as error:
        raise EvidenceError(f"no evidence pack: {error}") from error
    return target / "pack"
