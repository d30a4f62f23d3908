"""What commands say to people: names in place of ids, people first, conditions in full, nothing from AWS unescaped."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cli.answers import say_reach, say_who_can
from cli.naming import Names
from cli.words import NOT_IN_FILES, grouped_gaps
from collectors import imports
from model.entities import Account, Gap
from model.inventory import Inventory, InventoryData
from tests.cli.conftest import Command

CARDS = "arn:aws:s3:::meridian-card-data-prod/2026/cards.csv"
VAULT = "arn:aws:s3:::meridian-cardholder-vault-prod/x"
DEVELOPER = "sofia.almeida@meridian.example"
COMMANDS = (
    "",
    "demo",
    "collect",
    "import",
    "build",
    "decide",
    "can",
    "who-can",
    "reach",
    "paths",
    "query",
    "snapshot",
    "ui",
    "campaign",
    "evidence",
)


def names(*accounts: Account) -> Names:
    return Names(Inventory(InventoryData(snapshot="s", taken="", accounts=accounts)))


def test_who_can_tells_people_first_and_names_accounts(ask: Command) -> None:
    text = ask("who-can", "s3:GetObject", CARDS).out
    order = ["People (", "Roles and users (", "Services and identity providers (", "Outside the organisation"]
    places = [text.index(heading) for heading in order]
    assert places == sorted(places)
    assert "  role payments-prod-data in payments-prod  " in text
    assert f"  {DEVELOPER} " in text and "person:" not in text
    assert "      only if sts:ExternalId is `dispute-desk`\n" in text
    assert max(map(len, text.splitlines())) <= 140


def test_a_condition_that_most_rows_share_is_told_once_and_whole(ask: Command) -> None:
    text = " ".join(ask("who-can", "s3:GetObject", VAULT).out.split())
    told = "the policy of s3://meridian-cardholder-vault-prod, which was not read, allows it"
    assert f"only if {told}." in text
    assert text.count(told) < 20
    assert "…" not in text


def test_a_path_is_told_in_words(ask: Command) -> None:
    text = ask("paths", DEVELOPER, CARDS).out
    assert "→ assigned PaymentsDeveloper in payments-dev through group payments-developers\n" in text
    assert "→ role payments-prod-data: its trust policy and policy DeployPayments allow it\n" in text
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-|AWSReservedSSO|#", text)


def test_can_speaks_of_a_person(ask: Command) -> None:
    text = ask("can", "mateo.vargas@meridian.example", "ec2:RunInstances", "*").out
    assert text.startswith("mateo.vargas@meridian.example can do ec2:RunInstances on *, as permission set Power")
    denied = ask("can", DEVELOPER, "s3:GetObject", CARDS).out
    assert "it is not allowed to any of the 3 permission sets assigned." in " ".join(denied.split())
    assert "But through roles that those can assume:\n  1. allowed through PaymentsDeveloper in payments-dev" in denied
    vault = ask("can", DEVELOPER, "s3:GetObject", VAULT).out
    assert vault.count("which was not read") == 1


def test_a_deny_that_the_caller_can_avoid_is_told_by_how(ask: Command) -> None:
    text = " ".join(ask("can", "685340917726/old-poc-admin", "ec2:RunInstances", "*").out.split())
    assert "SCP approved-regions" in text
    assert "would deny it unless aws:RequestedRegion (the caller's choice) is `eu-central-1`, `eu-west-1` or" in text
    assert "it is not so that" not in text


def test_reach_names_keys_by_alias_and_queries_have_headings_for_people(ask: Command) -> None:
    assert "KMS key alias/card-data in payments-prod, eu-west-1" in ask("reach", "471093822654/payments-settlement").out
    text = ask("query", "people-everywhere").out
    assert "Of accounts" in text and "person:" not in text
    assert not re.search(r"\b[0-9a-f]{24}\b", ask("query", "outside-grants").out)


def test_an_import_names_what_files_do_not_hold_in_one_sentence(grantmap: Command, tmp_path: Path) -> None:
    group = '{"Path": "/", "GroupName": "g", "GroupId": "AGPA1", "Arn": "arn:aws:iam::111111111111:group/g"}'
    file = tmp_path / "d.json"
    file.write_text(f'{{"UserDetailList": [], "GroupDetailList": [{group}], "RoleDetailList": [], "Policies": []}}')
    for command in (("import", str(file)), ("snapshot", "show")):
        text = " ".join(grantmap(*command).out.split())
        assert text.count("Not in them") == 1
        assert "The files hold IAM only. Not in them: the organisation's guardrails (SCPs, RCPs), " in text
        assert "Not collected" not in text
    assert NOT_IN_FILES in Path(imports.__file__).read_text()


def test_accounts_that_were_left_out_are_counted_once() -> None:
    gaps = [
        Gap(
            account=str(number),
            region="global",
            service="sts",
            operation="AssumeRole",
            outcome="skipped",
            affects="x",
            detail="account was not chosen",
        )
        for number in range(5)
    ]
    assert grouped_gaps(gaps) == ["Not collected: 5 accounts. Reason: account was not chosen."]


def test_a_wrong_endpoint_is_called_so(grantmap: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    ran = grantmap("collect", "--endpoint-url", "not-a-url")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("grantmap: wrong endpoint `not-a-url`: expected a URL")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_no_types_of_python_and_no_cut_sentences(grantmap: Command, command: str) -> None:
    text = grantmap(*command.split(), "--help").out
    assert not re.search(r"list\[|range>", text)
    assert not re.search(r"\w\.\.\.$", text, re.MULTILINE)


def test_accounts_of_one_name_are_told_apart() -> None:
    same = names(Account(id="111111111111", name="prod"), Account(id="222222222222", name="prod"))
    assert same.account("111111111111") == "prod (111111111111)"
    assert names(Account(id="111111111111", name="a\nb")).account("111111111111") == "a b"
    assert names().account("111111111111") == "111111111111"


def test_names_from_aws_stay_on_their_line(capsys: pytest.CaptureFixture[str]) -> None:
    role = "arn:aws:iam::111111111111:role/x"
    row = {"principal": role, "verdict": "Allowed", "via": [role], "residual": None}
    answer = {"resource": "*", "collected": True, "principals": [row], "unknown": []}
    say_who_can(names(Account(id="111111111111", name="a\n\x1b[2Jb")), "s3:ListBuckets", answer)
    assert "role x in a \\x1b[2Jb" in capsys.readouterr().out


def test_parts_that_say_nothing_new_are_left_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def row(resource: str, verdict: str) -> tuple[dict[str, object], str]:
        return {"resource": resource, "count": 1, "levels": ["Write"], "verdict": verdict, "via": []}, "1"

    bucket = "arn:aws:s3:::b"
    denied = "ExplicitlyDenied"
    rows = [
        row(f"{bucket}/*", "Allowed"),
        row(f"{bucket}/a* ∩ {bucket}/b/*", denied),
        row(f"{bucket}/b/*", denied),
        row(f"{bucket}/c* ∩ {bucket}/d/*", denied),
        row(f"{bucket}/e/*", "ImplicitlyDenied"),
    ]
    say_reach(names(), "anonymous", rows, "class of resources")
    text = capsys.readouterr().out
    assert text.startswith("anonymous reaches 1 class of resources:\n")
    assert "a*" not in text and "… and 1 narrower part with the same access" in text
    assert f"{bucket}/c* ∩ d/*  " in text


def test_what_limit_leaves_out_is_not_said_to_be_all(ask: Command) -> None:
    who = "471093822654/payments-settlement"
    whole = ask("reach", who, "--json").json["resources"]
    assert ask("reach", who, "--limit", str(len(whole))).out == ask("reach", who).out
    first = ask("reach", who, "--limit", "2").out.splitlines()[0]
    assert first == f"{who} reaches at least 2 classes of resources (of the rows only the first 2):"
    assert "reaches at least 1 resource (" in ask("reach", who, "--expand", "--limit", "1").out


def test_a_wildcard_is_said_to_be_read_as_a_name(ask: Command) -> None:
    for question in (("can", "anonymous"), ("who-can",)):
        ran = ask(*question, "s3:GetObject", "arn:aws:s3:::meridian-card-data-prod/*", "--json")
        assert ran.status == 0
        assert "taken as the name of one resource" in ran.err
        assert ran.json
    assert "taken as" not in ask("who-can", "s3:ListAllMyBuckets", "*", "--json").err
