"""Orders: what each kind of entitlement is undone by, and that nothing from AWS gets out of its quotes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reviews.errors import DecisionError, NotAllowedError
from reviews.orders import steps
from reviews.records import CampaignView, Decision, Entitlement, Item
from reviews.remediation import FORMATS, hcl, remediation
from reviews.service import Reviews
from tests.reviews.conftest import opened
from tests.reviews.factories import ANA, OWNER, REVOKE, STRANGER, item

ACCOUNT = "111122223333"

#: Stands in for the AWS CLI: says whose credentials these are, and writes down every call as it arrived.
AWS = f"""#!{sys.executable}
import json, os, sys
if sys.argv[1:3] == ["sts", "get-caller-identity"]:
    print(os.environ["ACCOUNT"])
elif "get-group-membership-id" in sys.argv:
    print("membership 1")
with open(os.environ["CALLS"], "a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
"""


def of(kind: str, fix: dict[str, str], **changes: Any) -> Item:
    entitlement = Entitlement(kind=kind, id="what AWS names", in_words="the entitlement")
    return item(1, **{"entitlement": entitlement, "fix": fix, **changes})


def revoked(reviews: Reviews, *items: Item) -> CampaignView:
    campaign = opened(reviews, *items)
    for one in items:
        reviews.decide(campaign.id, one.id, REVOKE, ANA, version=1, key=one.id)
    return campaign


def run(script: str, tmp_path: Path, account: str = ACCOUNT) -> tuple[list[list[str]], str]:
    """The calls that the script makes, and what it says to people."""
    program, calls = tmp_path / "bin" / "aws", tmp_path / "calls"
    program.parent.mkdir(exist_ok=True)
    program.write_text(AWS)
    program.chmod(0o755)
    calls.write_text("")
    (tmp_path / "script.sh").write_text(script)
    environment = {"PATH": f"{program.parent}:{os.environ['PATH']}", "CALLS": str(calls), "ACCOUNT": account}
    done = subprocess.run(
        ["/bin/sh", tmp_path / "script.sh"], capture_output=True, text=True, env=environment, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    made = [json.loads(line) for line in calls.read_text().splitlines()]
    return [call for call in made if call[0] != "sts"], done.stderr


ASSIGNMENT = {
    "instance-arn": "arn:aws:sso:::instance/ssoins-1",
    "permission-set-arn": "arn:aws:sso:::permissionSet/ssoins-1/ps-1",
    "principal-id": "u-1",
    "principal-type": "USER",
    "target-id": ACCOUNT,
    "target-type": "AWS_ACCOUNT",
}


@pytest.mark.parametrize(
    ("kind", "fix", "calls"),
    [
        (
            "assignment",
            ASSIGNMENT,
            [
                "sso-admin delete-account-assignment --instance-arn arn:aws:sso:::instance/ssoins-1 "
                f"--target-id {ACCOUNT} --target-type AWS_ACCOUNT "
                "--permission-set-arn arn:aws:sso:::permissionSet/ssoins-1/ps-1 "
                "--principal-type USER --principal-id u-1"
            ],
        ),
        (
            "directory-membership",
            {"identity-store-id": "d-1", "group-id": "g-1", "member-id": "u-1"},
            [
                "identitystore get-group-membership-id --identity-store-id d-1 --group-id g-1 "
                '--member-id {"UserId":_"u-1"}'
                " --query MembershipId --output text",
                "identitystore delete-group-membership --identity-store-id d-1 --membership-id membership_1",
            ],
        ),
        (
            "group-membership",
            {"group-name": "ops", "user-name": "ana"},
            ["iam remove-user-from-group --group-name ops --user-name ana"],
        ),
        (
            "policy-attachment",
            {"role-name": "r", "policy-arn": "p"},
            ["iam detach-role-policy --role-name r --policy-arn p"],
        ),
        (
            "policy-attachment",
            {"group-name": "g", "policy-arn": "p"},
            ["iam detach-group-policy --group-name g --policy-arn p"],
        ),
        (
            "inline-policy",
            {"user-name": "u", "policy-name": "p"},
            ["iam delete-user-policy --user-name u --policy-name p"],
        ),
        (
            "access-key",
            {"user-name": "u", "access-key-id": "AKIAEXAMPLE000000001"},
            ["iam update-access-key --user-name u --access-key-id AKIAEXAMPLE000000001 --status Inactive"],
        ),
        ("password", {"user-name": "u"}, ["iam delete-login-profile --user-name u"]),
        ("password", {"user-name": "-u"}, ["iam delete-login-profile --user-name=-u"]),
        (
            "kms-grant",
            {"key-id": f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/k", "grant-id": "g"},
            [f"kms revoke-grant --key-id arn:aws:kms:eu-west-1:{ACCOUNT}:key/k --grant-id g --region eu-west-1"],
        ),
        (
            "resource-statement",
            {
                "resource": f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:f",
                "sid": "s",
                "principal": "*",
                "statement": "0",
            },
            [
                f"lambda remove-permission --function-name arn:aws:lambda:eu-west-1:{ACCOUNT}:function:f "
                "--statement-id s --region eu-west-1"
            ],
        ),
        ("policy-attachment", {"user-name": "u"}, []),
        ("policy-attachment", {"policy-arn": "p"}, []),
        ("access-key", {"user-name": "u", "access-key-id": "1"}, []),
        ("trust-statement", {"role-name": "r", "sid": "s", "statement": "0", "principal": "*"}, []),
        ("something-new", {}, []),
    ],
)
def test_each_kind_is_undone_by_its_call(
    file_reviews: Reviews, tmp_path: Path, kind: str, fix: dict[str, str], calls: list[str]
) -> None:
    campaign = revoked(file_reviews, of(kind, fix))
    made, _ = run(remediation(file_reviews, campaign.id, "cli", OWNER), tmp_path)
    assert [" ".join(word.replace(" ", "_") for word in call) for call in made] == calls


@pytest.mark.parametrize(
    ("arn", "read", "write"),
    [
        ("arn:aws:s3:::b", "s3api get-bucket-policy --bucket b", "s3api put-bucket-policy --bucket b --policy"),
        (
            f"arn:aws:sqs:eu-west-1:{ACCOUNT}:q",
            f"sqs get-queue-attributes --queue-url https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/q",
            "--attributes",
        ),
        (f"arn:aws:sns:eu-west-1:{ACCOUNT}:t", "sns get-topic-attributes --topic-arn", "--attribute-value"),
        (f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/k", "kms get-key-policy --key-id", "kms put-key-policy"),
        (
            f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:s",
            "get-resource-policy --secret-id",
            "--resource-policy",
        ),
        (f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/t", "get-resource-policy --resource-arn", "put-resource-policy"),
    ],
)
def test_a_statement_of_a_resource_is_an_edit_that_says_what_goes(
    file_reviews: Reviews, arn: str, read: str, write: str
) -> None:
    fix = {"resource": arn, "sid": "Open", "statement": "2", "principal": "arn:aws:iam::999988887777:root"}
    campaign = revoked(file_reviews, of("resource-statement", fix))
    found = steps(file_reviews.items(campaign.id)[0])
    assert all(step.by_hand for step in found)
    assert read in found[0].line
    edit = '{"remove": {"Sid": "Open", "Statement": 2, "Principal": "arn:aws:iam::999988887777:root"}}'
    assert edit in found[1].line
    assert write in found[2].line
    assert "file://EDITED.json" in found[2].line


def test_changes_of_another_account_are_skipped_and_named(file_reviews: Reviews, tmp_path: Path) -> None:
    campaign = revoked(file_reviews, of("password", {"user-name": "u"}))
    made, said = run(remediation(file_reviews, campaign.id, "cli", OWNER), tmp_path, account="444455556666")
    assert made == []
    assert said == f"skipped: changes of account {ACCOUNT}, which these credentials are not of\n"


EVIL = (
    "'; touch injected; '",
    "$(touch injected)",
    "`touch injected`",
    "a\ntouch injected\n",
    "a\r\ntouch injected",
    "x\u2028touch injected",
    '"; touch injected; "',
    "\\'; touch injected #",
    "${file('/etc/passwd')} %{ for x in y }",
    "*/ -- --profile=other",
)


@pytest.mark.parametrize("evil", EVIL)
def test_no_name_from_aws_gets_out_of_its_place(file_reviews: Reviews, tmp_path: Path, evil: str) -> None:
    membership = {"identity-store-id": evil, "group-id": evil, "member-id": evil}
    items = [
        of("password", {"user-name": evil}, sentence=evil, if_removed=evil, account_name=evil, principal_name=evil),
        of("directory-membership", membership, id="2", sentence=evil),
        of("trust-statement", {"role-name": evil, "principal": evil, "sid": evil, "statement": "0"}, id="3"),
        of("resource-statement", {"resource": f"arn:aws:s3:::{evil}", "principal": evil, "sid": evil}, id="4"),
        of("access-key", {"user-name": evil, "access-key-id": evil}, id="5"),
        of("something-new", {}, id="6", entitlement=Entitlement(kind=evil, id=evil, in_words=evil)),
        of("password", {"user-name": evil}, id="7", account=evil),
    ]
    campaign = revoked(file_reviews, *items)
    made, _ = run(remediation(file_reviews, campaign.id, "cli", OWNER), tmp_path)
    assert not (tmp_path / "injected").exists()
    assert [call for call in made if call[:2] == ["iam", "delete-login-profile"]] == [
        ["iam", "delete-login-profile", "--user-name", evil]
    ] * 2
    member = next(call for call in made if "get-group-membership-id" in call)
    assert json.loads(member[member.index("--member-id") + 1]) == {"UserId": evil}
    terraform = remediation(file_reviews, campaign.id, "terraform", OWNER)
    for line in terraform.splitlines():
        assert re.fullmatch(r'#.*|import \{|  to = \w+\.\w+|  id = "([^"\\]|\\.)*"|\}|', line), line
        assert not re.search(r"(?<!\$)\$\{|(?<!%)%\{", line) or line.startswith("#")
    for line in remediation(file_reviews, campaign.id, "text", OWNER).splitlines():
        assert not line.startswith("touch")


def test_a_string_of_terraform_is_itself() -> None:
    assert hcl('a"b\\c') == '"a\\"b\\\\c"'
    assert hcl("${x} %{y} $x") == '"$${x} %%{y} $x"'
    assert hcl("ü\n") == '"ü "'


@pytest.mark.parametrize(
    ("kind", "fix", "block"),
    [
        ("policy-attachment", {"user-name": "u", "policy-arn": "p"}, ("aws_iam_user_policy_attachment", "u/p")),
        ("inline-policy", {"role-name": "r", "policy-name": "p"}, ("aws_iam_role_policy", "r:p")),
        ("group-membership", {"user-name": "u", "group-name": "g"}, ("aws_iam_user_group_membership", "u/g")),
        ("password", {"user-name": "u"}, ("aws_iam_user_login_profile", "u")),
        (
            "access-key",
            {"user-name": "u", "access-key-id": "AKIAEXAMPLE000000001"},
            ("aws_iam_access_key", "AKIAEXAMPLE000000001"),
        ),
        ("kms-grant", {"key-id": "k", "grant-id": "g"}, ("aws_kms_grant", "k:g")),
        (
            "assignment",
            ASSIGNMENT,
            (
                "aws_ssoadmin_account_assignment",
                f"u-1,USER,{ACCOUNT},AWS_ACCOUNT,arn:aws:sso:::permissionSet/ssoins-1/ps-1,arn:aws:sso:::instance/ssoins-1",
            ),
        ),
    ],
)
def test_terraform_imports_what_is_to_go(
    file_reviews: Reviews, kind: str, fix: dict[str, str], block: tuple[str, str]
) -> None:
    campaign = revoked(file_reviews, of(kind, fix))
    text = remediation(file_reviews, campaign.id, "terraform", OWNER)
    assert f'import {{\n  to = {block[0]}.revoked_{item(1).id}\n  id = "{block[1]}"\n}}' in text


def test_a_modification_says_what_to_give_first(file_reviews: Reviews) -> None:
    campaign = opened(file_reviews, item(1))
    decision = Decision(kind="modify", to="ReportsOfThisYear", reason="old ones are not needed")
    file_reviews.decide(campaign.id, item(1).id, decision, ANA, version=1, key="1")
    for format in FORMATS:
        text = remediation(file_reviews, campaign.id, format, OWNER)
        assert "first give the lower access that was decided on: ReportsOfThisYear" in text
        assert "modify decided by ana@example.com at 2026-03-02T09:30:00Z: old ones are not needed" in text


def test_only_what_is_to_go_is_ordered(file_reviews: Reviews) -> None:
    campaign = opened(file_reviews, item(1), item(2), item(3))
    file_reviews.decide(campaign.id, item(1).id, Decision(kind="attest"), ANA, version=1, key="1")
    file_reviews.decide(campaign.id, item(2).id, REVOKE, ANA, version=1, key="2")
    text = remediation(file_reviews, campaign.id, "text", OWNER)
    assert item(2).id in text
    assert item(1).id not in text
    assert item(3).id not in text
    assert "not signed off: decisions may still change" in text
    assert "snapshot 2026-03-01T080000Z, taken 2026-03-01T08:00:00Z" in text


def test_an_order_is_on_record_once_for_each_decision_and_format(file_reviews: Reviews) -> None:
    campaign = revoked(file_reviews, item(1), item(2))
    first = remediation(file_reviews, campaign.id, "cli", OWNER)
    assert remediation(file_reviews, campaign.id, "cli", OWNER) == first
    remediation(file_reviews, campaign.id, "text", OWNER)
    ordered = [entry for entry in file_reviews.entries(campaign.id) if entry.kind == "ordered"]
    assert [(entry.item, entry.body["format"]) for entry in ordered] == [
        (item(1).id, "cli"),
        (item(2).id, "cli"),
        (item(1).id, "text"),
        (item(2).id, "text"),
    ]
    assert file_reviews.verify(campaign.id).ok


def test_who_may_not_order_is_given_nothing(file_reviews: Reviews) -> None:
    campaign = revoked(file_reviews, item(1))
    with pytest.raises(NotAllowedError, match=r"may not put on record what was ordered"):
        remediation(file_reviews, campaign.id, "cli", STRANGER)
    with pytest.raises(DecisionError, match=r"unknown format `ansible`: expected cli, terraform, text"):
        remediation(file_reviews, campaign.id, "ansible", OWNER)
