"""Every command answers with the JSON of the contract, and says the same to people."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.main import app
from tests.cli.conftest import Command

CARDS = "arn:aws:s3:::meridian-card-data-prod/2026/cards.csv"
BUCKET = "arn:aws:s3:::meridian-card-data-prod"
UNREADABLE = "arn:aws:s3:::meridian-cardholder-vault-prod"
DEVELOPER = "sofia.almeida@meridian.example"
DATA_ROLE = "arn:aws:iam::471093822654:role/payments-prod-data"
VERDICTS = {"Allowed", "Conditional", "ImplicitlyDenied", "ExplicitlyDenied"}
LEVELS = {"List", "Read:metadata", "Read:data", "Write", "Tagging", "Permissions management"}
REASON = {"layer", "policy", "sid", "statement", "effect"}
GAP = {"account", "region", "service", "operation", "outcome", "affects"}


def test_can_answers_in_the_contracts_shape(ask: Command) -> None:
    ran = ask("can", DATA_ROLE, "s3:GetObject", CARDS, "--json")
    assert ran.status == 0
    assert set(ran.json) == {"verdict", "because", "residual", "chains"}
    assert ran.json["verdict"] == "Allowed"
    assert ran.json["residual"] is None
    assert all(set(item) == REASON for item in ran.json["because"])
    assert ran.json["because"][0]["policy"] == "arn:aws:iam::471093822654:policy/CardDataRead"


def test_a_person_is_answered_by_the_assigned_roles_and_the_longer_chains(ask: Command) -> None:
    answer = ask("can", DEVELOPER, "s3:GetObject", CARDS, "--json").json
    assert answer["verdict"] == "ImplicitlyDenied"
    (chain,) = answer["chains"]
    assert set(chain) == {"via", "verdict", "residual", "because"}
    assert chain["verdict"] == "Allowed"
    assert [arn.rsplit("/", 1)[-1].split("_")[0] for arn in chain["via"]] == [
        "AWSReservedSSO",
        "payments-dev-deployer",
        "shared-tooling",
        "payments-prod-deploy",
        "payments-prod-data",
    ]


def test_one_name_for_a_person_is_as_good_as_another(ask: Command) -> None:
    by_mail = ask("can", DEVELOPER, "s3:GetObject", CARDS, "--json").json
    assert ask("can", f"person:{DEVELOPER}", "s3:getobject", CARDS, "--json").json == by_mail
    assert ask("can", DEVELOPER.upper(), "s3:GetObject", CARDS, "--json").json == by_mail


def test_a_role_is_found_by_account_id_or_name(ask: Command) -> None:
    by_arn = ask("can", DATA_ROLE, "s3:GetObject", CARDS, "--json").json
    for account in ("471093822654", "payments-prod"):
        assert ask("can", f"{account}/payments-prod-data", "s3:GetObject", CARDS, "--json").json == by_arn


def test_who_can_answers_in_the_contracts_shape(ask: Command) -> None:
    answer = ask("who-can", "s3:GetObject", CARDS, "--json").json
    assert set(answer) == {"resource", "collected", "principals", "unknown"}
    assert answer["resource"] == CARDS
    assert answer["collected"] is True
    assert all(set(row) == {"principal", "verdict", "via", "residual"} for row in answer["principals"])
    assert {row["verdict"] for row in answer["principals"]} <= {"Allowed", "Conditional"}
    assert all((row["residual"] is None) == (row["verdict"] == "Allowed") for row in answer["principals"])
    by_name = {row["principal"]: row for row in answer["principals"]}
    assert by_name[DATA_ROLE]["via"] == []
    assert by_name[f"person:{DEVELOPER}"]["via"][-1] == DATA_ROLE
    assert "arn:aws:iam::471093822654:root" in by_name
    assert answer["unknown"] == []


def test_a_person_never_has_access_without_a_role(ask: Command) -> None:
    rows = ask("who-can", "s3:GetObject", CARDS, "--json").json["principals"]
    people = [row for row in rows if row["principal"].startswith("person:")]
    assert people
    assert all("/AWSReservedSSO_" in row["via"][0] for row in people)


def test_a_bucket_policy_that_could_not_be_read_makes_answers_conditional_never_silent(ask: Command) -> None:
    answer = ask("who-can", "s3:GetObject", f"{UNREADABLE}/x", "--json").json
    assert answer["principals"]
    assert {row["verdict"] for row in answer["principals"]} == {"Conditional"}
    assert all(f"{UNREADABLE}#policy" in json.dumps(row["residual"]) for row in answer["principals"])
    (gap,) = answer["unknown"]
    assert set(gap) == GAP
    assert (gap["operation"], gap["outcome"], gap["affects"]) == ("GetBucketPolicy", "denied", UNREADABLE)


def test_the_gap_of_one_bucket_is_not_said_of_another(ask: Command) -> None:
    assert ask("who-can", "s3:GetObject", CARDS, "--json").json["unknown"] == []


def test_a_resource_nobody_collected_is_said_to_be_so(ask: Command) -> None:
    answer = ask("who-can", "sqs:SendMessage", "arn:aws:sqs:eu-west-1:471093822654:no-such-queue", "--json").json
    assert answer["collected"] is False
    assert any(row["principal"].endswith(":root") for row in answer["principals"])


def test_people_are_listed_under_the_call_by_which_they_come(ask: Command) -> None:
    prod = ask("who-can", "s3:GetObject", CARDS, "--json").json["principals"]
    role = next(row["via"][0] for row in prod if row["principal"].startswith("person:"))
    with_saml = ask("who-can", "sts:AssumeRoleWithSAML", role, "--json").json["principals"]
    assert any(row["principal"].startswith("person:") and row["via"] == [role] for row in with_saml)
    plainly = ask("who-can", "sts:AssumeRole", role, "--json").json["principals"]
    assert not any(row["principal"].startswith("person:") and row["via"] == [role] for row in plainly)


def test_reach_answers_in_the_contracts_shape(ask: Command) -> None:
    answer = ask("reach", DEVELOPER, "--json").json
    assert set(answer) == {"resources", "unknown"}
    for row in answer["resources"]:
        assert set(row) == {"resource", "count", "levels", "verdict", "via"}
        assert set(row["levels"]) <= LEVELS
        assert row["verdict"] in {"Allowed", "Conditional"}
        assert row["via"]
    assert any(row["resource"] == f"{BUCKET}/*" and "Read:data" in row["levels"] for row in answer["resources"])


def test_reach_agrees_with_who_can(ask: Command) -> None:
    rows = ask("reach", DATA_ROLE, "--action", "s3:GetObject", "--expand", "--json").lines[:-1]
    assert rows
    for row in rows:
        concrete = row["resource"].replace("*", "zz")
        answer = ask("who-can", "s3:GetObject", concrete, "--json").json
        (found,) = [item for item in answer["principals"] if item["principal"] == DATA_ROLE]
        assert (found["verdict"], found["via"]) == (row["verdict"], row["via"])


def test_expanded_rows_are_lines_and_the_last_says_what_is_unknown(ask: Command) -> None:
    *rows, last = ask("reach", DATA_ROLE, "--expand", "--json").lines
    assert set(last) == {"unknown"}
    assert all(row["count"] == 1 for row in rows)
    assert len(ask("reach", DATA_ROLE, "--expand", "--limit", "3", "--json").lines) == 4


def test_levels_narrow_what_is_reached(ask: Command) -> None:
    for level in ("Write", "Read", "read:DATA"):
        rows = ask("reach", DATA_ROLE, "--level", level, "--json").json["resources"]
        wanted = {"Read:metadata", "Read:data"} if level == "Read" else {"Write", "Read:data"}
        assert rows
        assert all(set(row["levels"]) <= wanted for row in rows)


def test_paths_are_simple_and_shortest_first(ask: Command) -> None:
    answer = ask("paths", DEVELOPER, BUCKET, "--max-hops", "8", "--json").json
    lengths = [len(path["steps"]) for path in answer["paths"]]
    assert lengths == sorted(lengths)
    for path in answer["paths"]:
        assert set(path) == {"nodes", "steps", "conditional"}
        assert len(set(path["nodes"])) == len(path["nodes"]) == len(path["steps"]) + 1
        for step, start, end in zip(path["steps"], path["nodes"], path["nodes"][1:], strict=False):
            assert set(step) == {"kind", "technique", "from", "to", "because"}
            assert (step["from"], step["to"]) == (start, end)
            assert step["because"] and all(set(item) == REASON for item in step["because"])
    assert answer["paths"][0]["nodes"][0] == f"person:{DEVELOPER}"


def test_paths_end_at_administrators(ask: Command) -> None:
    answer = ask("paths", "123456789012/break-glass", "--to-admin", "--limit", "3", "--json").json
    assert len(answer["paths"]) == 3
    assert ask("paths", DEVELOPER, CARDS, "--max-hops", "2", "--json").json == {"paths": []}


def test_context_that_is_given_decides(ask: Command) -> None:
    bastion = "arn:aws:iam::471093822654:role/bastion"
    asked = ("can", bastion, "sts:AssumeRole", "arn:aws:iam::471093822654:role/dispute-case", "--json")
    unknown = ask(*asked).json
    assert unknown["verdict"] == "Conditional"
    assert (unknown["residual"]["key"], unknown["residual"]["values"]) == ("sts:ExternalId", ["dispute-desk"])
    assert ask(*asked, "--context", "sts:ExternalId=dispute-desk").json["verdict"] == "Allowed"
    assert ask(*asked, "--context", "sts:ExternalId=guessed").json["verdict"] == "ImplicitlyDenied"
    assert ask(*asked, "--absent", "sts:externalid").json["verdict"] == "ImplicitlyDenied"


def test_context_decides_the_steps_of_chains_too(ask: Command) -> None:
    asked = ("can", "arn:aws:iam::471093822654:role/bastion", "s3:GetObject", CARDS, "--json")
    assert {chain["verdict"] for chain in ask(*asked).json["chains"]} == {"Conditional"}
    given = ask(*asked, "--context", "sts:ExternalId=dispute-desk").json["chains"]
    assert "Allowed" in {chain["verdict"] for chain in given}
    assert ask(*asked, "--absent", "sts:ExternalId").json["chains"] == []


def test_a_derived_key_can_be_taken_as_unknown(ask: Command) -> None:
    asked = ("can", DATA_ROLE, "s3:GetObject", CARDS, "--unknown", "aws:SecureTransport", "--json")
    answer = ask(*asked).json
    assert answer["verdict"] == "Conditional"
    assert "aws:SecureTransport" in json.dumps(answer["residual"])


def test_decide_writes_a_line_a_case_and_goes_on_after_a_bad_one(grantmap: Command, tmp_path: Path) -> None:
    case = {
        "id": "one",
        "principal": "arn:aws:iam::111111111111:user/alice",
        "action": "s3:GetObject",
        "resource": "arn:aws:s3:::b/x",
        "resource_account": "111111111111",
        "context": {},
        "identity_policies": [
            {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
        ],
    }
    file = tmp_path / "cases.jsonl"
    file.write_text("\n".join((json.dumps(case), "{not json", json.dumps(case | {"id": "two", "action": 7}))))
    ran = grantmap("decide", str(file))
    assert ran.status == 1
    first, second, third = ran.lines
    assert set(first) == {"id", "verdict", "layers", "because", "residual"}
    assert first["verdict"] == "Allowed"
    assert second["verdict"] == third["verdict"] == "Error"
    assert third["id"] == "two" and third["error"]


def test_queries_answer_with_columns_and_rows(ask: Command) -> None:
    listed = ask("queries", "--json").json
    assert listed["columns"] == ["id", "title", "severity"]
    assert len(listed["rows"]) >= 10
    answer = ask("query", "admins", "--json").json
    assert set(answer) == {"columns", "rows"}
    assert all(len(row) == len(answer["columns"]) for row in answer["rows"])


def test_snapshots_are_listed_and_their_gaps_shown(ask: Command) -> None:
    (snapshot,) = ask("snapshot", "list", "--json").json["snapshots"]
    assert snapshot["complete"] is True
    shown = ask("snapshot", "show", snapshot["id"], "--verify", "--json").json
    assert shown["verified"] is True
    assert [set(gap) for gap in shown["gaps"]] == [GAP]


@pytest.mark.parametrize(
    "question",
    [
        ("can", DATA_ROLE, "s3:GetObject", CARDS),
        ("who-can", "s3:GetObject", f"{UNREADABLE}/x"),
        ("reach", DATA_ROLE, "--limit", "5"),
        ("paths", DEVELOPER, BUCKET),
        ("query", "admins"),
    ],
)
def test_every_answer_for_people_names_its_snapshot(ask: Command, question: tuple[str, ...]) -> None:
    (snapshot,) = ask("snapshot", "list", "--json").json["snapshots"]
    ran = ask(*question)
    assert ran.status == 0
    assert f"From snapshot {snapshot['id']}." in ran.out


def test_verdicts_are_the_four_words(ask: Command) -> None:
    found = {
        ask("can", who, "s3:GetObject", where, "--json").json["verdict"]
        for who in (DATA_ROLE, "anonymous", DEVELOPER)
        for where in (CARDS, f"{UNREADABLE}/x", "*")
    }
    assert found <= VERDICTS


def test_every_command_says_what_it_does() -> None:
    assert all(command.callback and command.callback.__doc__ for command in app.registered_commands)
