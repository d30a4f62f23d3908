"""Into an account: the first unit of each, which says whether and how it was entered and which regions it has."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from collectors.calls import Asking, Stopped, judge, plain
from collectors.declarations import Operation
from collectors.registry import ASSUME_ROLE, GET_CALLER
from model.entities import Outcome
from model.snapshot import GLOBAL, CallError, CallRecord
from model.snapshot_files import now


def enter(asking: Asking, account: str, identity: dict[str, Any]) -> CallRecord:
    """Act in the account from now on; returns the record of how that went, without any credentials.

    The caller's own account is entered already: ``identity`` is GetCallerIdentity's answer.
    """
    sessions = asking.sessions
    if account == sessions.caller.account:
        return _record(GET_CALLER, account, {}, identity, now())
    params, started = sessions.assume_params(account), now()
    page: dict[str, Any] | None = None
    outcome: Outcome = "ok"
    problem: CallError | None = None
    asking.limits.wait(sessions.caller.account, "sts", sessions.home_region, asking.stop)
    if asking.stop.is_set():
        raise Stopped
    try:
        page = sessions.assume(account)
    except ClientError as error:
        outcome, problem, _ = judge(ASSUME_ROLE, error)
    except BotoCoreError as error:
        outcome, problem = "error", CallError(code=type(error).__name__, message=str(error))
    return _record(ASSUME_ROLE, account, params, page, started, outcome, problem)


def _record(
    operation: Operation,
    account: str,
    params: dict[str, Any],
    page: dict[str, Any] | None,
    started: str,
    outcome: Outcome = "ok",
    problem: CallError | None = None,
) -> CallRecord:
    request_ids = [page.get("ResponseMetadata", {}).get("RequestId", "")] if page else []
    pages = [plain(page, frozenset({"ResponseMetadata"}))] if page else []
    return CallRecord(
        service=operation.service,
        operation=operation.name,
        params=params,
        outcome=outcome,
        error=problem,
        started=started,
        ended=now(),
        pages=len(pages),
        request_ids=request_ids,
        affects=f"account:{account}",
        response=pages,
        account=account,
        region=GLOBAL,
        collector=operation.collector,
    )
