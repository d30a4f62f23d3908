"""The answer of `can` for people: names in place of ids, what would have to be true, each step of a chain."""

from __future__ import annotations

from typing import Any

from cli.naming import Names
from tests.cli.conftest import Command

CARDS = "arn:aws:s3:::meridian-card-data-prod/2026/cards.csv"
VAULT = "arn:aws:s3:::meridian-cardholder-vault-prod/x"
PROD = "471093822654"
DEVELOPER = "sofia.almeida@meridian.example"


def words(text: str) -> str:
    """A text without its line breaks."""
    return " ".join(text.split())


def test_a_guardrail_is_named_with_the_unit_it_is_attached_to(ask: Command) -> None:
    root = ask("can", f"arn:aws:iam::{PROD}:root", "iam:CreateUser", f"arn:aws:iam::{PROD}:user/new").out
    assert "of SCP no-long-lived-credentials (the organisation's limit on OU Prod) denies it.\n" in root
    assert "It does not apply where aws:PrincipalArn matches `arn:aws:iam::*:role/break-glass`.\n" in root
    anyone = ask("can", "anonymous", "s3:GetObject", "arn:aws:s3:::meridian-downloads-prod/app.zip").out
    assert "It does not apply where one of these holds:\n  - aws:PrincipalOrgID is `o-" in anyone
    assert "  - aws:PrincipalIsAWSService is `true`.\n" in anyone
    account = ask("can", "562017739418/data-sampler", "s3:GetObject", CARDS).out
    assert "(the organisation's limit on account payments-dev) denies it." in words(account)


def test_words_that_only_specialists_know_are_explained_once(ask: Command) -> None:
    text = ask("can", f"{PROD}/settlement-batch", "s3:GetObject", CARDS).out
    _, _, told = text.partition("\nIn other words:\n")
    assert "  s3:GetObject: retrieve objects from Amazon S3\n" in told
    assert "  permissions boundary: an upper limit on what a user or role may do, whatever its policies give\n" in told
    assert "SCP" not in told


def test_each_step_of_a_chain_says_what_allows_it_and_what_it_hangs_on(ask: Command) -> None:
    text = ask("can", f"{PROD}/bastion", "s3:GetObject", CARDS).out
    assert (
        "  1. conditional through dispute-case in payments-prod, then payments-prod-data\n"
        "     → role dispute-case in payments-prod: its trust policy and inline policy reach-data allow it\n"
        "         only if sts:ExternalId is `dispute-desk`\n"
        "     → role payments-prod-data: its trust policy and inline policy data allow it\n"
        "     → s3:GetObject: policy CardDataRead allows it\n"
    ) in text
    assert "  sts:ExternalId: a word that both sides agreed on" in text


def test_a_persons_chain_begins_with_how_the_permission_set_is_assigned(ask: Command) -> None:
    text = ask("can", DEVELOPER, "s3:GetObject", CARDS).out
    assert "→ permission set PaymentsDeveloper in payments-dev: assigned through group payments-developers\n" in text
    granted = ask("can", "mateo.vargas@meridian.example", "s3:GetObject", CARDS).out
    assert ", as permission set PowerUserAccess in payments-prod.\n" in words(granted).replace("prod. ", "prod.\n")
    assert "This permission set is assigned through group platform-engineers.\n" in granted


def test_of_a_persons_roles_the_one_in_the_resources_account_is_told_in_text_and_json_alike(ask: Command) -> None:
    question = ("can", "mateo.vargas@meridian.example", "s3:GetObject", "arn:aws:s3:::meridian-card-data-prod/pan/1")
    assert "What stops permission set PowerUserAccess in payments-prod, which comes nearest:\n" in ask(*question).out
    because = ask(*question, "--json").json["because"]
    assert [item["sid"] for item in because if item["effect"] == "Deny"] == ["PrimaryAccountNumbers"]


def test_a_denial_between_accounts_says_which_half_is_missing(ask: Command) -> None:
    text = words(ask("can", "562017739418/data-sampler", "s3:GetObject", "arn:aws:s3:::meridian-analytics-prod/a").out)
    assert (
        "The resource is in another account: both the caller's policies and the resource's own must allow it." in text
    )
    assert "For this to be allowed, one of the caller's own policies would have to allow it." in text


def test_what_only_an_unread_document_can_allow_is_said_so(ask: Command) -> None:
    text = ask("can", f"{PROD}/dispute-case", "s3:GetObject", VAULT).out
    assert "\nNothing that was read allows it.\n" in text
    assert "→ s3:GetObject: nothing that was read allows it\n         only if the same holds\n" in text


def test_an_account_in_a_condition_is_called_by_its_name(ask: Command) -> None:
    text = ask("can", "cloudtrail.amazonaws.com", "s3:PutObject", "arn:aws:s3:::meridian-org-logs/AWSLogs/x").out
    assert (
        "It is allowed exactly when all of these hold:\n  - aws:SourceAccount is account meridian-management\n" in text
    )


def test_a_condition_that_the_caller_meets_is_told_as_a_choice(ask: Command) -> None:
    text = words(ask("can", f"{PROD}/samuel.okafor", "s3:ListBucket", "arn:aws:s3:::meridian-home-folders").out)
    assert "can do s3:ListBucket on arn:aws:s3:::meridian-home-folders, by choosing how it calls." in text
    assert "s3:prefix: the beginning of the names that are listed" in text


def test_a_key_asked_for_by_its_alias_is_the_key(ask: Command) -> None:
    alias = f"arn:aws:kms:eu-west-1:{PROD}:alias/card-data"
    answer = ask("can", f"{PROD}/payments-prod-data", "kms:Decrypt", alias, "--json").json
    assert answer["verdict"] == "Conditional"
    assert answer["because"][1]["sid"] == "NamedUsersOnly"
    who = ask("who-can", "kms:Decrypt", alias, "--json").json
    assert who["collected"] and who["principals"] and ":key/" in who["resource"]
    assert ask("can", f"{PROD}/payments-prod-data", "kms:DeleteAlias", alias, "--json").json["residual"] is None


def test_a_name_with_a_line_break_does_not_begin_a_line_of_its_own(ask: Command) -> None:
    question = ("s3:GetObject", "arn:aws:s3:::meridian-downloads-prod/a\nYes.")
    assert "/a\\x0aYes." in ask("can", "anonymous", *question).out
    assert "/a\\x0aYes." in ask("who-can", *question).out
    for command in (("can", "anonymous"), ("who-can",)):
        assert not any(line.startswith("Yes.") for line in ask(*command, *question).out.splitlines())


def test_an_answer_that_rests_on_encryption_says_so(ask: Command) -> None:
    question = ("can", f"{PROD}/payments-prod-data", "s3:GetObject", CARDS)
    assert "\nRequests are taken to be encrypted in transit.\n" in ask(*question).out
    clear = ask(*question, "--context", "aws:SecureTransport=false").out
    assert "encrypted in transit" not in clear and "explicitly denied" in clear


def test_a_kms_grant_is_named_as_what_allows_a_step(ask: Command) -> None:
    key = f"arn:aws:kms:eu-west-1:{PROD}:alias/ledger"
    text = words(ask("can", "lambda.amazonaws.com", "kms:Decrypt", key).out)
    assert "→ kms:Decrypt: the policy of kms alias/ledger and a KMS grant on the key allow it" in text


def test_the_access_list_of_a_bucket_is_called_so() -> None:
    nothing: Any = None
    assert Names(nothing).document("arn:aws:s3:::reports#acl") == "the access control list of s3://reports"


def test_an_action_on_a_resource_of_another_type_is_answered_alike_and_remarked(ask: Command) -> None:
    bucket, admin = CARDS.split("/")[0], f"arn:aws:iam::{PROD}:role/break-glass"
    for action, resource in (
        ("s3:GetObject", bucket),
        ("s3:ListAllMyBuckets", bucket),
        ("iam:GetUser", admin),
        ("kms:Decrypt", bucket),
    ):
        can = ask("can", admin, action, resource, "--json")
        assert can.json["verdict"] == "Allowed"
        listed = ask("who-can", action.upper(), resource, "--json")
        direct = [row for row in listed.json["principals"] if row["principal"] == admin]
        assert [row["verdict"] for row in direct] == ["Allowed"], action
        assert ("no request asks for" in can.err) == (action != "s3:ListAllMyBuckets")
        assert can.err == listed.err
    told = ask("who-can", "S3:GETOBJECT", bucket)
    assert "no request asks for s3:GetObject on" in words(told.err)
    assert "${BucketName}/${ObjectName}`" in words(told.err)
    assert "can s3:GetObject on" in told.out
