"""Asking one operation and recording what came: every page, or why there is none."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from botocore import xform_name
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    SSOTokenLoadError,
    TokenRetrievalError,
)

from collectors.declarations import Operation
from collectors.errors import CredentialsError
from collectors.limits import Limits
from collectors.progress import Progress
from collectors.session import EXPIRED_CODES, Sessions, refused_credentials
from model.entities import Outcome
from model.snapshot import GLOBAL, CallError, CallRecord
from model.snapshot_files import now

DENIED_CODES = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AllAccessDisabled",
        "AuthFailure",
        "AuthorizationError",
        "AuthorizationErrorException",
        "InvalidClientTokenId",
        "NotAuthorized",
        "OptInRequired",
        "SignatureDoesNotMatch",
        "SubscriptionRequiredException",
        "UnauthorizedException",
        "UnauthorizedOperation",
        "UnrecognizedClientException",
    }
)
THROTTLED_CODES = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottledException",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
UNSUPPORTED_CODES = frozenset(
    {"501", "InvalidAction", "NotImplemented", "UnknownOperation", "UnknownOperationException", "UnsupportedOperation"}
)
GONE_NOTE = "gone since it was listed"


class Stopped(Exception):  # noqa: N818 - not an error: the unit is left for the next run
    """The run was stopped; the unit at hand is not recorded."""


@dataclass(frozen=True)
class Question:
    """One operation with its parameters; ``region`` only where it is not the unit's."""

    operation: Operation
    params: dict[str, Any] = field(default_factory=dict)
    affects: str = ""
    region: str = ""


@dataclass(frozen=True)
class Asking:
    """What all units of a run share."""

    sessions: Sessions
    limits: Limits
    progress: Progress
    pool: ThreadPoolExecutor
    stop: threading.Event


class Unit:
    """The unit of work: one collector in one account and region, with the records it has so far."""

    def __init__(self, asking: Asking, account: str, region: str, collector: str) -> None:
        self.asking = asking
        self.account = account
        self.region = region
        self.collector = collector
        self.records: list[CallRecord] = []

    @property
    def partition(self) -> str:
        return self.asking.sessions.partition

    def ask(self, operation: Operation, affects: str = "", region: str = "", **params: Any) -> CallRecord:
        """Ask, record, return the record; raises ``CredentialsError`` and ``Stopped`` only."""
        return self.ask_each([Question(operation, params, affects, region)])[0]

    def ask_each(self, questions: Iterable[Question]) -> list[CallRecord]:
        """Ask many questions at once; records are kept in the order of the questions, whatever the order of answers."""
        waiting: Sequence[Question] = list(questions)
        alone = len(waiting) == 1
        answers = [self._answer(waiting[0])] if alone else list(self.asking.pool.map(self._answer, waiting))
        self.records += answers
        return answers

    def keep(self, record: CallRecord) -> None:
        """Keep a record made elsewhere."""
        self.asking.progress.called(record)
        self.records.append(record)

    def _answer(self, question: Question) -> CallRecord:
        sessions, operation = self.asking.sessions, question.operation
        where = question.region or (sessions.home_region if self.region == GLOBAL else self.region)
        if self.asking.stop.is_set():
            raise Stopped
        started = now()
        pages: list[dict[str, Any]] = []
        request_ids: list[str] = []
        failure: tuple[Outcome, CallError | None, str] = ("ok", None, "")
        try:
            with sessions.acting_in(self.account):
                self._read_pages(question, where, pages, request_ids)
        except ClientError as error:
            failure = judge(operation, error)
        except (NoCredentialsError, CredentialRetrievalError, TokenRetrievalError, SSOTokenLoadError) as error:
            raise CredentialsError(f"no usable AWS credentials any more: {error}") from error
        except BotoCoreError as error:
            failure = ("error", CallError(code=type(error).__name__, message=str(error)), "")
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            # What botocore's parsers raise on an answer that is not AWS's; one such answer should not end the run.
            failure = ("error", CallError(code="MalformedAnswer", message=repr(error)), "")
        outcome, problem, note = failure
        record = CallRecord(
            service=operation.service,
            operation=operation.name,
            params=question.params,
            outcome=outcome,
            error=problem,
            started=started,
            ended=now(),
            pages=len(pages),
            items=sum(len(page.get(key) or ()) for page in pages for key in operation.items),
            request_ids=request_ids,
            affects=question.affects or operation.affects,
            note=note,
            response=pages,
            account=self.account,
            region=question.region or self.region,
            collector=self.collector,
        )
        self.asking.progress.called(record)
        return record

    def _read_pages(self, question: Question, region: str, pages: list[dict[str, Any]], request_ids: list[str]) -> None:
        """Fill ``pages`` as they come, so that what came before a failure is kept."""
        operation = question.operation
        client = self.asking.sessions.client(operation.service, region)
        method = xform_name(operation.name)
        if client.can_paginate(method):
            config = {"PageSize": operation.page_size} if operation.page_size else {}
            answers = iter(client.get_paginator(method).paginate(**question.params, PaginationConfig=config))
        else:
            answers = _by_token(getattr(client, method), question)
        while True:
            self.asking.limits.wait(self.account, operation.service, region, self.asking.stop)
            if self.asking.stop.is_set():
                raise Stopped
            answer = next(answers, None)
            if answer is None:
                return
            request_ids.append(answer.get("ResponseMetadata", {}).get("RequestId", ""))
            pages.append(plain(answer, operation.drops | {"ResponseMetadata"}))


def _by_token(ask: Callable[..., dict[str, Any]], question: Question) -> Iterator[dict[str, Any]]:
    """The answers of an operation that botocore cannot page: one, or as many as its token leads to."""
    token, params = question.operation.next_page, question.params
    while True:
        answer = ask(**params)
        yield answer
        if not token or not answer.get(token):
            return
        params = question.params | {token: answer[token]}


def judge(operation: Operation, error: ClientError) -> tuple[Outcome, CallError | None, str]:
    """(outcome, error, note) of an error answer; expired credentials are no outcome but end the run."""
    problem = error.response.get("Error", {})
    code, message = str(problem.get("Code", "")), str(problem.get("Message", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    said = CallError(code=code, message=message)
    if code in EXPIRED_CODES:
        raise refused_credentials(code, f"{operation.service}:{operation.name}", error) from error
    if code in operation.absent:
        return "empty", said, ""
    if code in operation.gone:
        return "empty", said, GONE_NOTE
    if code in THROTTLED_CODES or status == 429:
        return "throttled", said, ""
    if code in DENIED_CODES or code.startswith("AccessDenied") or status == 403:
        return "denied", said, ""
    if code in UNSUPPORTED_CODES or status == 501:
        return "unsupported", said, ""
    return "error", said, ""


def plain(value: Any, drops: frozenset[str] = frozenset()) -> Any:
    """A page as JSON can hold it, without the keys in ``drops``; times in UTC with ``Z``.

    Bytes stay bytes here and become base64 text when they are encoded.
    """
    if isinstance(value, dict):
        return {str(key): plain(each, drops) for key, each in value.items() if key not in drops}
    if isinstance(value, list | tuple):
        return [plain(each, drops) for each in value]
    if isinstance(value, datetime):
        return utc(value)
    if isinstance(value, date):
        return value.isoformat()
    return value


def utc(moment: datetime) -> str:
    """ISO 8601 in UTC with ``Z``; a time without a zone is UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat().replace("+00:00", "Z")
