"""Campaigns with every kind of decision, their packs, and packs that somebody altered and signed again."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reviews.canonical import canonical, sha256_hex
from reviews.evidence.basics import blocks_line
from reviews.evidence.keys import KeyPair, keygen, load_private, public_pem
from reviews.evidence.pack import STATEMENT, export, predicate
from reviews.evidence.statement import signed, signer, statement
from reviews.records import AcceptedGap, Actor, Decision, Item
from reviews.service import Reviews
from tests.reviews.conftest import Clock
from tests.reviews.factories import ATTEST, OWNER, REVOKE, Everybody, gap, item, plan, population, privileged

#: Names as people and attackers choose them.
FORMULAS = ('=HYPERLINK("http://x","y")', "+1+1", "-2+3", "@SUM(1)")
MARKUP = '<b>bold</b> &amp; <font color="red">red</font> Łukasz 中文'

EXCEPTION = Decision(kind="exception", reason="until the migration", control="daily log review", until="2026-06-30")
MODIFY = Decision(kind="modify", reason="reading is enough", to="ReadOnlyAccess")


@dataclass(frozen=True)
class Made:
    """A pack, the key that signed it, and the home that it came from."""

    home: Path
    campaign: str
    keys: KeyPair
    pack: Path


def items() -> tuple[Item, ...]:
    odd = [item(20 + number, principal_name=name, sentence=name) for number, name in enumerate(FORMULAS)]
    return (
        *(item(number) for number in range(1, 5)),
        privileged(9, external=True),
        item(10, principal_name=MARKUP, sentence=MARKUP, risk="high", human=None, last_used=None),
        item(11, last_used="", human=False),
        *odd,
    )


def opened(reviews: Reviews) -> str:
    """A campaign over a gap that somebody answers for, with items of two reviewers, one of them not independent."""
    accepted = AcceptedGap(group=gap(), reason="sealed by the court", by=OWNER.name)
    conflicts = Everybody(
        {(items()[1].id, name): "they can reach it" for name in ("ana@example.com", "ben@example.com")}
    )
    content = population(
        *items(), gaps=(gap(),), skipped=(gap(outcome="skipped"),), excluded=("3 service-linked roles",)
    )
    return reviews.open_campaign(plan(accepted=(accepted,)), content, conflicts, OWNER, key="open").id


def decide(reviews: Reviews, clock: Clock, id: str, item_id: str, decision: Decision) -> None:
    clock.move(minutes=1)
    view = reviews.item(id, item_id)
    actor = Actor(name=view.reviewer, how="oidc", signed_in="2026-03-02T09:20:00Z")
    reviews.decide(id, item_id, decision, actor, version=view.version, key=f"{item_id}-{decision.kind}-{view.version}")


def some_decisions(reviews: Reviews, clock: Clock, id: str) -> None:
    """Every kind of decision; one is superseded, one abstains and is assigned again, one item stays open."""
    ids = [one.id for one in items()]
    view = reviews.item(id, ids[1])
    clock.move(minutes=1)
    reviews.assign(id, ids[1], "cleo@example.com", "she knows it", OWNER, version=view.version, key="a1")
    for place, decision in enumerate((ATTEST, REVOKE, EXCEPTION, MODIFY, ATTEST)):
        decide(reviews, clock, id, ids[place], decision)
    decide(reviews, clock, id, ids[0], REVOKE)
    decide(reviews, clock, id, ids[5], Decision(kind="abstain", reason="not mine"))
    view = reviews.item(id, ids[5])
    reviews.assign(id, ids[5], "cleo@example.com", "it is hers", OWNER, version=view.version, key="a2")


def finished(reviews: Reviews, clock: Clock, id: str) -> None:
    """Everything else attested, and signed off."""
    for view in reviews.items(id, states=("open",)):
        decide(reviews, clock, id, view.item.id, ATTEST)
    reviews.sign_off(id, "I have seen the result & acknowledge it.", OWNER, key="sign-off")


def made(folder: Path, *, signed_off: bool = True, sample: int | None = 3) -> Made:
    """A home with a campaign, and its pack."""
    clock, home = Clock(), folder / "home"
    with Reviews.open(home, clock=clock) as reviews:
        reviews.set_roles("cleo@example.com", ["reviewer"], OWNER)
        for name in ("ana@example.com", "ben@example.com"):
            reviews.set_roles(name, ["reviewer"], OWNER)
        id = opened(reviews)
        some_decisions(reviews, clock, id)
        if signed_off:
            finished(reviews, clock, id)
        pair = keygen(home / "keys")
        export(reviews, id, folder / "pack", pair.private, sample=sample, seed="audit" if sample else None)
    return Made(home, id, pair, folder / "pack")


def copied(made: Made, to: Path) -> Path:
    """A copy of the pack to break."""
    return Path(shutil.copytree(made.pack, to))


def sign_again(
    folder: Path,
    key: Path,
    change: Callable[[dict[str, Any]], None] = lambda _: None,
    campaign: dict[str, Any] | None = None,
) -> None:
    """Signs what is in the folder now, as somebody would who altered it; ``change`` alters the statement too.

    ``campaign`` is what the statement says of the campaign, where ``campaign.json`` itself cannot be read any more.
    """
    private = load_private(key)
    (folder / "evidence.pub").write_bytes(public_pem(private.public_key()))
    names = sorted(path.name for path in folder.iterdir() if path.name not in (STATEMENT, "blocks.jsonl"))
    files = {name: (folder / name).read_bytes() for name in names}
    files["blocks.jsonl"] = b"".join(blocks_line(name, files[name]) for name in names)
    (folder / "blocks.jsonl").write_bytes(files["blocks.jsonl"])
    campaign = campaign or json.loads((folder / "campaign.json").read_bytes())
    content = json.loads(
        statement({n: sha256_hex(data) for n, data in files.items()}, predicate(campaign, signer(private)))
    )
    change(content)
    (folder / STATEMENT).write_bytes(signed(canonical(content), private))


def edit_lines(path: Path, change: Callable[[list[Any]], None]) -> None:
    """Rewrites a file of canonical JSON lines."""
    rows = [json.loads(line) for line in path.read_bytes().splitlines()]
    change(rows)
    path.write_bytes(b"".join(canonical(row) + b"\n" for row in rows))


def edit(path: Path, change: Callable[[Any], None]) -> None:
    """Rewrites a file of canonical JSON."""
    value = json.loads(path.read_bytes())
    change(value)
    path.write_bytes(canonical(value))


def chained(entries: list[Any]) -> None:
    """Gives the entries of a ledger numbers and hashes that fit again."""
    previous = "0" * 64
    for number, entry in enumerate(entries, 1):
        entry.update(seq=number, previous=previous)
        del entry["hash"]
        entry["hash"] = previous = sha256_hex(bytes.fromhex(previous) + canonical(entry))


def verify_script(script: Path, *arguments: str | Path) -> tuple[int, dict[str, Any]]:
    """What ``verify.py`` says, run on its own in a Python without grantmap on its path."""
    done = subprocess.run(
        [sys.executable, "-I", str(script), *map(str, arguments), "--json"], capture_output=True, text=True, check=False
    )
    return done.returncode, json.loads(done.stdout) if done.stdout else {"error": done.stderr}
