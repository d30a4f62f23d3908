"""``findings``: what people read, the contract's JSON, filters, bad input."""

from __future__ import annotations

import re

import pytest

from graph.findings import FINDING_KINDS, NOT_READ
from tests.cli.conftest import Command
from tests.conftest import ROOT

SHAPE = {
    *("id", "kind", "technique", "principal", "target", "state", "conditions", "blocked_by", "severity", "because"),
    "first_seen",
}
UNREAD = "arn:aws:s3:::meridian-cardholder-vault-prod#policy"


def test_json_has_the_shape_of_the_contract(ask: Command) -> None:
    ran = ask("findings", "--json")
    assert (ran.status, ran.err) == (0, "")
    assert ran.json.keys() == {"findings"}
    found = ran.json["findings"]
    assert found
    assert all(item.keys() == SHAPE for item in found)
    (unread,) = (item for item in found if item["kind"] == NOT_READ)
    assert (unread["target"], unread["state"]) == (UNREAD, "conditional")


def test_text_tells_the_most_serious_first_and_ends_with_the_snapshot(ask: Command) -> None:
    ran = ask("findings")
    total = len(ask("findings", "--json").json["findings"])
    assert ran.out.startswith(f"{total} findings, the most serious first:\n")
    assert re.search(r"^From snapshot \S+\.$", ran.out.splitlines()[-1])
    assert "the policy of s3://meridian-cardholder-vault-prod" in ran.out
    headings = [line.split()[0] for line in ran.out.splitlines() if re.fullmatch(r"[A-Z][a-z]+ \([\d,]+\)", line)]
    order = ["Critical", "High", "Medium", "Low"]
    assert headings == [name for name in order if name in headings]
    assert sum(int(number) for number in re.findall(r"^[A-Z][a-z]+ \((\d+)\)$", ran.out, re.MULTILINE)) == total


def test_filters_leave_out_the_rest(ask: Command) -> None:
    everything = ask("findings", "--json").json["findings"]
    for option, field in (("--kind", "kind"), ("--state", "state")):
        for value in {item[field] for item in everything}:
            found = ask("findings", option, value, "--json").json["findings"]
            assert found == [item for item in everything if item[field] == value]
    ran = ask("findings", "--state", "blocked")
    assert ran.status == 0
    assert ran.out.startswith("No findings.\n")
    assert ask("findings", "--kind", NOT_READ, "--state", "dormant", "--json").json == {"findings": []}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--kind", "escalaton"), "unknown kind `escalaton`: expected action-without-resource, "),
        (("--kind", ""), "unknown kind ``: expected"),
        (("--state", "Dormant"), "unknown state `Dormant`: expected allowed, conditional, blocked, latent or dormant"),
        (("--snapshot", "yesterday"), "no snapshot `yesterday`"),
        (("--kind",), "requires an argument"),
        (("extra",), "unexpected extra argument"),
    ],
)
def test_bad_input_is_one_line(ask: Command, arguments: tuple[str, ...], words: str) -> None:
    ran = ask("findings", *arguments)
    assert (ran.status, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 1
    assert words in ran.err


def test_each_kind_is_explained_in_the_documentation() -> None:
    text = (ROOT / "docs" / "commands.md").read_text()
    section = text.split("\n## grantmap findings\n")[1].split("\n## ")[0]
    explained = re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE)
    assert explained == list(FINDING_KINDS)
