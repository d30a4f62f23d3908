"""What decides outside IAM is named where it could change the answer, and nowhere else (semantics L16)."""

from __future__ import annotations

import pytest

from policy.actions import catalogue
from policy.document import parse_document
from policy.inputs import PolicyRef
from policy.outside import NOT_READ, OUTSIDE, POLICIES_NOT_READ, outside
from policy.verdicts import Verdict

DENIED, ALLOWED, CONDITIONAL = Verdict.IMPLICITLY_DENIED, Verdict.ALLOWED, Verdict.CONDITIONAL


def policy(action: str, effect: str = "Allow") -> PolicyRef:
    raw = {"Version": "2012-10-17", "Statement": {"Effect": effect, "Action": action, "Resource": "*"}}
    return PolicyRef("p", parse_document(raw))


@pytest.mark.parametrize("row", OUTSIDE, ids=[row.actions.pattern[:30] for row in OUTSIDE])
def test_each_row_is_about_actions_that_exist_and_cites_aws(row: object) -> None:
    found = next(each for each in OUTSIDE if each is row)
    book = catalogue()
    service = found.actions.pattern.strip("(").partition(":")[0].split("|")[0].strip("(")
    assert any(found.actions.fullmatch(action.lower()) for action in book.expand(f"{service}:*"))
    assert found.page.startswith("https://docs.aws.amazon.com/")
    assert found.gives or found.limits
    assert found.sentence.endswith(".")
    assert all(book.is_known(action) for action in found.by)


def test_most_answers_stay_short() -> None:
    for action in ("s3:PutBucketPolicy", "iam:PassRole", "sqs:SendMessage", "kms:Decrypt", "ec2:RunInstances"):
        assert outside(action) == []


def test_what_limits_is_said_of_access_and_what_gives_of_its_lack() -> None:
    assert outside("glue:GetTable", ALLOWED)
    assert outside("glue:GetTable", CONDITIONAL)
    assert outside("glue:GetTable", DENIED) == [NOT_READ]
    assert outside("execute-api:Invoke", DENIED)
    assert outside("execute-api:Invoke", ALLOWED) == [NOT_READ]
    assert outside("rds-db:connect", ALLOWED) == outside("RDS-DB:Connect", DENIED)


def test_data_in_buckets_is_given_to_those_who_may_ask_for_it() -> None:
    assert not outside("s3:GetObject", DENIED, [policy("s3:GetObject")])
    assert not outside("s3:GetObject", DENIED, [policy("s3:*", "Deny")])
    assert outside("s3:GetObject", DENIED, [policy("s3:GetDataAccess")])
    assert outside("s3:GetObject", DENIED, [policy("lakeformation:*")])
    assert outside("s3:GetObject", DENIED, [PolicyRef("unread", None)])
    assert not outside("s3:GetObject", ALLOWED, [policy("s3:*")])
    assert outside("s3:GetObject")


@pytest.mark.parametrize("service", POLICIES_NOT_READ)
def test_a_policy_that_is_not_read_is_named_for_what_acts_on_a_resource(service: str) -> None:
    book = catalogue()
    assert book.is_known(POLICIES_NOT_READ[service])
    actions = book.expand(f"{service}:*")
    assert actions
    told = {action: NOT_READ in outside(action) for action in actions}
    assert told == {action: not book.wildcard_only(action) for action in actions}


def test_a_policy_that_is_not_read_can_change_any_answer() -> None:
    for verdict in (DENIED, CONDITIONAL, ALLOWED):
        assert outside("ECR:BatchGetImage", verdict) == [NOT_READ]
    assert outside("ecr:GetAuthorizationToken", DENIED) == []


@pytest.mark.parametrize("service", ["s3", "kms", "sqs", "sns", "lambda", "secretsmanager", "dynamodb", "iam", "sts"])
def test_services_whose_policies_are_read_are_not_named(service: str) -> None:
    assert not any(NOT_READ in outside(action) for action in catalogue().expand(f"{service}:*"))
