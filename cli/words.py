"""Answers in words for people who do not know IAM: conditions, gaps, names."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from model.entities import Gap

if TYPE_CHECKING:
    pass

_OUTCOMES = {
    "denied": "access denied",
    "throttled": "throttled after all retries",
    "error": "failed",
    "skipped": "not collected",
    "unsupported": "not offered by the endpoint",
}


#: Why an import lacks what it lacks, as ``collectors.imports`` writes it.
NOT_IN_FILES = "the imported format cannot hold it"
_AREAS = {
    "organizations": "the organisation's guardrails (SCPs, RCPs)",
    "iam": "the credential report",
    "sso-admin": "Identity Center",
    "identitystore": "Identity Center",
    "account-access": "account access manager",
    "codebuild": "CodeBuild projects",
    "dynamodb": "DynamoDB tables",
    "ec2": "EC2 instances",
    "ecs": "ECS task definitions",
    "glue": "Glue jobs",
    "kms": "KMS keys",
    "lambda": "Lambda functions",
    "ram": "shares of AWS RAM",
    "s3": "S3 buckets",
    "s3control": "S3 buckets",
    "secretsmanager": "secrets",
    "sns": "SNS topics",
    "sqs": "SQS queues",
    "stepfunctions": "state machines",
}


def condition_lines(tree: dict[str, Any], name: Callable[[str], str] = str) -> list[str]:
    """A residual in words, in lines where it is long; ``name`` says how documents are called."""
    from policy.residual import from_json
    from policy.wording import in_lines

    return in_lines(from_json(tree), name)


def keys_of(tree: dict[str, Any]) -> list[str]:
    """The condition keys of a residual, in order."""
    if "key" in tree:
        return [tree["key"]]
    parts = tree.get("all") or tree.get("any") or ([tree["not"]] if "not" in tree else [])
    return [key for part in parts for key in keys_of(part)]


def gap_line(gap: Gap | dict[str, str]) -> str:
    """A gap in words: what could not be read, where, why."""
    raw = gap if isinstance(gap, dict) else {name: getattr(gap, name) for name in gap.__struct_fields__}
    where = f"account {raw['account']}" if raw["account"] not in ("", "none") else "no account"
    if raw["region"] not in ("", "global"):
        where += f", {raw['region']}"
    outcome = _OUTCOMES.get(raw["outcome"], raw["outcome"])
    return f"{raw['service']}:{raw['operation']} {outcome} for {raw['affects']} ({where})"


def grouped_gaps(skipped: Iterable[Gap]) -> list[str]:
    """What was not collected in few sentences: one a reason, with all that it left out."""
    calls: defaultdict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for gap in skipped:
        calls[gap.detail or _OUTCOMES.get(gap.outcome, gap.outcome)][gap.service, gap.operation] += 1
    return [_left_out(reason, found) for reason, found in sorted(calls.items())]


def _left_out(reason: str, calls: Counter[tuple[str, str]]) -> str:
    if reason == NOT_IN_FILES:
        return f"The files hold IAM only. Not in them: {', '.join(_areas(service for service, _ in calls))}."
    if set(calls) == {("sts", "AssumeRole")}:
        times = sum(calls.values())
        return f"Not collected: {counted(times, 'account')}. Reason: {reason}."
    listed = [f"{service}:{operation}{_times(count)}" for (service, operation), count in sorted(calls.items())]
    return f"Not collected: {', '.join(listed)}. Reason: {reason}."


def _times(count: int) -> str:
    return f" ({count:,} times)" if count > 1 else ""


def _areas(services: Iterable[str]) -> list[str]:
    """Services as people know them, each once."""
    return list(dict.fromkeys(_AREAS.get(service, service) for service in services))


def counted(count: int, one: str, many: str = "") -> str:
    """A number with its noun: ``1 gap``, ``2 gaps``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
