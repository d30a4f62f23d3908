"""``evidence keygen``, ``export`` and ``verify``: the pack that auditors can check without grantmap."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.options import Json
from cli.output import say, wrapped, write_json
from cli.state import home

KEYS = "keys"


def register(app: typer.Typer) -> None:
    """Adds the group of commands of this module."""
    group = typer.Typer(help="Export the evidence of a campaign, signed, and check it.", no_args_is_help=True)
    for command in (keygen, export, verify):
        group.command(command.__name__)(command)
    app.add_typer(group, name="evidence")


def keygen(as_json: Json = False) -> int:
    """Make the key that signs evidence, once.

    It stays in the home, readable by you only.
    """
    from reviews.evidence.keys import keygen as make

    pair = make(home() / KEYS)
    if as_json:
        write_json({"key": str(pair.private), "public": str(pair.public), "fingerprint": pair.fingerprint})
        return 0
    say(f"Made {pair.private}, which signs: keep it to yourself, and keep a copy.")
    say(f"Give auditors {pair.public}, in another way than the packs. Its fingerprint is")
    say(f"  {pair.fingerprint}")
    return 0


def export(
    campaign: Annotated[str, typer.Argument(metavar="CAMPAIGN", help="Campaign, see `grantmap campaign list`.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to write: new, or empty.")],
    sample: Annotated[
        int | None,
        typer.Option("--sample", metavar="N", help="Draw a sample of N items for the auditor; needs --seed."),
    ] = None,
    seed: Annotated[
        str | None, typer.Option("--seed", metavar="S", help="Any text; with the same one the sample is the same.")
    ] = None,
    signing_key: Annotated[
        Path | None, typer.Option("--signing-key", metavar="FILE", help="Private key; the home's by default.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Write the evidence pack of a campaign, and check what was written."""
    from cli.campaigns import reviews
    from reviews.evidence import checking, pack
    from reviews.evidence.keys import PRIVATE

    with reviews() as opened:
        done = pack.export(
            opened, campaign, out, signing_key or home() / KEYS / PRIVATE, sample=sample, seed=seed or None
        )
    found = checking.verify(done.folder)
    if as_json:
        write_json(found)
        return 0 if found["ok"] else 1
    say(f"Wrote {done.folder}: {len(done.files)} files, {done.items} items, {done.entries} ledger entries.")
    say(f"  population {done.root}")
    say(f"  ledger     {done.head}")
    say(f"  signed by  {done.signer}")
    if not done.signed_off:
        say("The campaign is NOT SIGNED OFF: everything in the pack says so.")
    _say_failures(found)
    return 0 if found["ok"] else 1


def verify(
    pack: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the pack, or the zip file of one.")],
    key: Annotated[
        Path | None, typer.Option("--key", metavar="FILE", help="Public key that must have signed the pack.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Check an evidence pack.

    Its signature, every byte, the chain of the ledger, and what the files say of one another.
    """
    from reviews.errors import EvidenceError
    from reviews.evidence import checking
    from reviews.evidence.pack import STATEMENT

    if pack.suffix == ".zip" and pack.is_file():
        found = checking.verify_zip(pack.read_bytes(), key)
    elif pack.exists() and not pack.is_dir():
        raise EvidenceError(f"no evidence pack `{pack}`: expected a folder or a zip file")
    elif pack.is_dir() and not (pack / STATEMENT).exists() and not (pack / "ledger.jsonl").exists():
        raise EvidenceError(f"no evidence pack in `{pack}`: neither `{STATEMENT}` nor `ledger.jsonl` is there")
    else:
        found = checking.verify(pack, key)
    if as_json:
        write_json(found)
    else:
        _say_result(found, key)
    return 0 if found["ok"] else 1


def _say_result(found: dict[str, Any], key: Path | None) -> None:
    unpinned = "not by the key given with --key" if key else "not pinned: give the signer's public key with --key"
    pinned = "as pinned" if found["pinned"] else unpinned
    signed = f"signed by {found['signer']}, {pinned}" if found["signer"] else "no signature holds"
    wrapped(f"{'The pack holds' if found['ok'] else 'The pack does NOT hold'}: {signed}", rest="  ")
    say("Checked: " + (", ".join(f"{number} {what}" for what, number in found["checked"].items()) or "nothing"))
    _say_failures(found)


def _say_failures(found: dict[str, Any]) -> None:
    for failure in found["failures"]:
        wrapped(failure, "  ", "    ")
