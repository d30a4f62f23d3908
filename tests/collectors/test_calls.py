"""One call: who may be asked what, and what each kind of answer becomes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from collectors.calls import GONE_NOTE, Asking, Unit, judge, plain
from collectors.demo import DemoOrganisation, EmulatedAws
from collectors.errors import CredentialsError, ReadOnlyError
from collectors.limits import Limits
from collectors.progress import NoProgress
from collectors.registry import ACCOUNT_SUMMARY, LIST_SETS, OPERATIONS
from collectors.resource_table import BUCKET_DETAILS, LIST_BUCKETS, REGIONAL
from collectors.resources import ROWS
from collectors.session import Sessions
from tests.collectors.conftest import Stub

OWN = "123456789012"


@contextmanager
def asking(sessions: Sessions) -> Iterator[Asking]:
    with ThreadPoolExecutor(4) as pool:
        yield Asking(sessions, Limits(sessions.endpoint_url), NoProgress(), pool, threading.Event())


def sessions_of(aws: EmulatedAws) -> Sessions:
    sessions = Sessions(endpoint_url=aws.endpoint_url, max_attempts=1)
    sessions.identify()
    return sessions


def at_stub(stub: Stub, sessions: Sessions) -> Sessions:
    """The same session, its clients from now on at the stub."""
    sessions.endpoint_url = stub.url
    sessions._clients.clear()
    return sessions


@pytest.mark.parametrize(
    ("service", "method", "params"),
    [
        ("s3", "put_object", {"Bucket": "b", "Key": "k", "Body": b""}),
        ("s3", "get_object", {"Bucket": "b", "Key": "k"}),
        ("iam", "create_user", {"UserName": "u"}),
        ("lambda", "get_function", {"FunctionName": "f"}),
        ("secretsmanager", "get_secret_value", {"SecretId": "s"}),
        ("sts", "get_session_token", {}),
    ],
)
def test_what_is_not_declared_is_refused_before_it_is_sent(
    aws: EmulatedAws, stub: Stub, service: str, method: str, params: dict[str, object]
) -> None:
    sessions = at_stub(stub, sessions_of(aws))
    client = sessions.client(service, "eu-west-1")
    with sessions.acting_in(OWN), pytest.raises(ReadOnlyError, match=f"refused `{service}:"):
        getattr(client, method)(**params)
    assert stub.requests == []


def test_a_presigned_link_to_data_is_refused_too(aws: EmulatedAws) -> None:
    sessions = sessions_of(aws)
    client = sessions.client("s3", "eu-west-1")
    with sessions.acting_in(OWN), pytest.raises(ReadOnlyError):
        client.generate_presigned_url("get_object", {"Bucket": "b", "Key": "k"})  # type: ignore[attr-defined]


def test_a_thread_that_acts_as_nobody_signs_nothing(aws: EmulatedAws) -> None:
    sessions = sessions_of(aws)
    with (
        pytest.raises(CredentialsError, match="no credentials for account `999999999999`"),
        sessions.acting_in("999999999999"),
    ):
        pass
    from botocore.exceptions import NoCredentialsError

    with pytest.raises(NoCredentialsError):
        sessions.client("s3", "us-east-1").list_buckets()  # type: ignore[attr-defined]


def test_one_client_serves_all_accounts(aws: EmulatedAws, organisation: DemoOrganisation) -> None:
    sessions = sessions_of(aws)
    answers = {}
    for account in organisation.accounts.values():
        if account != OWN:
            sessions.assume(account)
        with sessions.acting_in(account):
            answers[account] = sessions.client("sts", "us-east-1").get_caller_identity()["Account"]  # type: ignore[attr-defined]
    assert answers == {account: account for account in organisation.accounts.values()}
    assert len(sessions._clients) == 1


def test_a_bucket_gone_since_it_was_listed_is_empty_with_a_note(aws: EmulatedAws) -> None:
    with asking(sessions_of(aws)) as shared:
        record = Unit(shared, OWN, "global", "s3").ask(BUCKET_DETAILS[0], Bucket="was-here-a-moment-ago")
    assert (record.outcome, record.note) == ("empty", GONE_NOTE)
    assert record.error is not None
    assert record.error.code == "NoSuchBucket"


@pytest.mark.parametrize("status", [200, 404, 500, 501])
@pytest.mark.parametrize("operation", [LIST_BUCKETS, REGIONAL[0].list, LIST_SETS, REGIONAL[1].list, REGIONAL[3].list])
def test_an_endpoint_that_answers_html_does_not_support_the_operation(
    aws: EmulatedAws, stub: Stub, status: int, operation: object
) -> None:
    stub.status, stub.body = status, b"<!doctype html>\n<html lang=en><title>no</title>"
    with asking(at_stub(stub, sessions_of(aws))) as shared:
        shared.sessions._max_attempts = 5
        unit = Unit(shared, OWN, "eu-west-1", "any")
        params = {"InstanceArn": "arn:aws:sso:::instance/ssoins-1234567890abcdef"} if operation is LIST_SETS else {}
        record = unit.ask(operation, **params)  # type: ignore[arg-type]
    assert record.outcome == "unsupported"
    assert len(stub.requests) == 1


def test_html_from_aws_itself_is_no_missing_operation() -> None:
    sessions = Sessions.__new__(Sessions)
    sessions.endpoint_url = None
    answer = {"status_code": 500, "body": b"<html>we are sorry</html>", "headers": {}}
    sessions._recognize_unknown_operation(response_dict=answer)
    assert answer["status_code"] == 500


def test_an_endpoint_that_is_not_there_is_an_error(aws: EmulatedAws) -> None:
    sessions = sessions_of(aws)
    sessions.endpoint_url = "http://127.0.0.1:1"
    with asking(sessions) as shared:
        record = Unit(shared, OWN, "eu-west-1", "kms").ask(REGIONAL[0].list)
    assert record.outcome == "error"
    assert record.error is not None
    assert record.error.code == "EndpointConnectionError"


def test_environment_variables_of_functions_are_not_recorded(aws: EmulatedAws, stub: Stub) -> None:
    function = {"FunctionName": "f", "Environment": {"Variables": {"PASSWORD": "hunter2"}}, "Role": "r"}
    stub.body, stub.kind = json.dumps({"Functions": [function]}).encode(), "application/json"
    with asking(at_stub(stub, sessions_of(aws))) as shared:
        record = Unit(shared, OWN, "eu-west-1", "lambda").ask(ROWS["lambda"].list)
    assert record.response == [{"Functions": [{"FunctionName": "f", "Role": "r"}]}]


def test_an_answer_that_is_not_aws_s_is_an_error_of_its_call(aws: EmulatedAws, stub: Stub) -> None:
    stub.body, stub.kind = b"<Odd/>", "text/xml"
    with asking(at_stub(stub, sessions_of(aws))) as shared:
        record = Unit(shared, OWN, "global", "iam").ask(ACCOUNT_SUMMARY)
    assert record.outcome == "error"
    assert record.error is not None
    assert record.error.code == "MalformedAnswer"


@pytest.mark.parametrize(
    ("code", "status", "outcome"),
    [
        ("AccessDenied", 403, "denied"),
        ("AccessDeniedException", 400, "denied"),
        ("UnauthorizedOperation", 403, "denied"),
        ("AuthorizationError", 403, "denied"),
        ("ThrottlingException", 400, "throttled"),
        ("TooManyRequestsException", 429, "throttled"),
        ("RequestLimitExceeded", 503, "throttled"),
        ("UnknownOperationException", 400, "unsupported"),
        ("InvalidAction", 400, "unsupported"),
        ("ValidationException", 400, "error"),
        ("InternalFailure", 500, "error"),
        ("NoSuchBucketPolicy", 404, "empty"),
    ],
)
def test_error_codes_become_outcomes(code: str, status: int, outcome: str) -> None:
    answer = {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    error = ClientError(answer, "GetBucketPolicy")  # type: ignore[arg-type]
    assert judge(BUCKET_DETAILS[0], error)[0] == outcome


@pytest.mark.parametrize("code", ["ExpiredToken", "ExpiredTokenException", "RequestExpired"])
def test_expired_credentials_end_the_run(code: str) -> None:
    with pytest.raises(CredentialsError, match="expired credentials"):
        judge(LIST_BUCKETS, ClientError({"Error": {"Code": code, "Message": ""}}, "ListBuckets"))


def test_pages_become_plain() -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    there = noon.astimezone(timezone(timedelta(hours=5, minutes=30)))
    given = {"a": noon, "b": [there, datetime(2026, 1, 1, 12)], "c": {"d": b"x", "e": 1, "f": None}}
    said = "2026-01-01T12:00:00Z"
    assert plain(given) == {"a": said, "b": [said, said], "c": {"d": b"x", "e": 1, "f": None}}


def test_an_unknown_profile_is_named(keys: None) -> None:
    with pytest.raises(CredentialsError, match="unknown profile `nobody`; known: none"):
        Sessions(profile="nobody")


def test_missing_credentials_say_what_to_do(keys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(CredentialsError, match=r"no AWS credentials: name a profile with `--profile`"):
        Sessions()


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "nonsense"])
def test_an_unreachable_endpoint_is_named(keys: None, url: str) -> None:
    with pytest.raises(CredentialsError, match=url) as caught:
        Sessions(endpoint_url=url).identify()
    assert "\n" not in str(caught.value)


def test_a_web_page_is_no_aws(keys: None, stub: Stub) -> None:
    stub.body = b"<html>hello</html>"
    with pytest.raises(CredentialsError) as caught:
        Sessions(endpoint_url=stub.url).identify()
    assert "\n" not in str(caught.value)


def test_member_credentials_are_refreshed(aws: EmulatedAws, organisation: DemoOrganisation) -> None:
    sessions = sessions_of(aws)
    account = organisation.accounts["sandbox"]
    sessions.assume(account)
    member = sessions._members[account]
    before = member.access_key
    member._expiry_time = datetime.now(UTC) + timedelta(seconds=10)  # type: ignore[attr-defined]
    with sessions.acting_in(account):
        assert sessions.client("sts", "us-east-1").get_caller_identity()["Account"] == account  # type: ignore[attr-defined]
    assert member.access_key != before


def test_the_external_id_is_sent_and_never_recorded(
    aws: EmulatedAws, organisation: DemoOrganisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = Sessions(endpoint_url=aws.endpoint_url, external_id="wq-77")
    sessions.identify()
    sent: list[object] = []
    client = sessions.client("sts", "us-east-1")
    client.meta.events.register("before-call", lambda **event: sent.append(event["params"]["body"]))
    answer = sessions.assume(organisation.accounts["sandbox"])
    assert "wq-77" in str(sent)
    assert "wq-77" not in str(sessions.assume_params(organisation.accounts["sandbox"]))
    assert "Credentials" not in answer


def test_regions_that_lack_a_service_are_known(aws: EmulatedAws) -> None:
    sessions = sessions_of(aws)
    assert not sessions.lacks("kms", "eu-west-1")
    assert not sessions.lacks("kms", "xx-new-1")
    assert any(sessions.lacks("apprunner", region) for region in sessions.default_regions())
    assert len(sessions.default_regions()) == 17


def test_collectors_import_no_room_but_the_model() -> None:
    for file in (Path(__file__).parents[2] / "collectors").glob("*.py"):
        for room in ("policy", "graph", "cypher", "reviews", "ui", "cli"):
            assert f"from {room}" not in file.read_text()
            assert f"import {room}" not in file.read_text()
    assert OPERATIONS
