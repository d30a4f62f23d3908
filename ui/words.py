"""Text on the screen: foreign text made harmless, names, numbers, dates, and the words for what the records call.

Everything that came from AWS or that somebody typed goes through ``plain`` before it meets markdown.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

#: Joins without a break and without a width: splits what markdown extensions look for in text.
_JOINER = "\u2060"
_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
#: After these Streamlit looks for links, emoji, icons, arrows and dashes, also where they were escaped.
_ACTIVE = frozenset(":@<>-~=+")
_WWW = re.compile(r"(?i)www(?=\\\.)")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def printable(text: str) -> str:
    """``text`` on one line; what is invisible or turns the direction of writing is shown as an escape."""
    shown = (
        f"\\u{ord(each):04x}" if unicodedata.category(each) in ("Cc", "Cf", "Cn", "Co", "Cs") else each
        for each in " ".join(text.split())
    )
    return "".join(shown)


def plain(text: str) -> str:
    """Foreign text for a place that reads markdown: it shows as ``printable(text)`` and does nothing else."""
    out: list[str] = []
    line = printable(text)
    for place, each in enumerate(line):
        out.append(f"\\{each}" if each in _PUNCTUATION else each)
        if each in _ACTIVE and place + 1 < len(line):
            out.append(_JOINER)
    return _WWW.sub(lambda match: match.group(0)[0] + _JOINER + match.group(0)[1:], "".join(out))


def shown(text: str) -> str:
    """What a reader sees of a rendered ``plain``: the same without the joiners. For tests and for searching."""
    return text.replace(_JOINER, "")


# -- numbers and times


def number(count: int) -> str:
    """``3,902``."""
    return f"{count:,}"


def counted(count: int, one: str, many: str = "") -> str:
    """A number with its noun: ``1 gap``, ``2 gaps``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def percent(part: int, whole: int) -> str:
    """``64%``; never 100% before all is done."""
    return f"{part * 100 // whole}%" if whole else "0%"


def day(text: str, *, weekday: bool = False) -> str:
    """``2 Dec 2026`` of an ISO date or time; what is none is returned as it is."""
    try:
        when = date.fromisoformat(text[:10])
    except ValueError:
        return text
    shown_day = f"{when.day} {_MONTHS[when.month - 1]} {when.year}"
    return f"{_DAYS[when.weekday()]} {shown_day}" if weekday else shown_day


def moment(text: str) -> str:
    """``21 Nov 2026, 06:00 UTC`` of an RFC 3339 time in UTC."""
    return f"{day(text)}, {text[11:16]} UTC" if len(text) >= 16 else day(text)


def days_left(due: str, today: date | None = None) -> int:
    """Days from today to a date; negative: late."""
    return (date.fromisoformat(due[:10]) - (today or datetime.now(UTC).date())).days


def left_in_words(days: int) -> str:
    """``9 days left``, ``due today``, ``3 days late``."""
    if days == 0:
        return "Due today"
    return f"{counted(days, 'day')} left" if days > 0 else f"{counted(-days, 'day')} late"


# -- the words of the screen for those of the records

DECISION_WORDS = {
    "open": "To decide",
    "attest": "Kept",
    "revoke": "Removed",
    "modify": "Reduced",
    "exception": "Kept until",
    "abstain": "Handed over",
}
RISK_WORDS = {"critical": "Critical", "high": "High", "medium": "Medium", "low": "Low"}
CHANGE_WORDS = {"new": "New", "wider": "Wider", "narrower": "Narrower", "unchanged": "Unchanged"}
VERDICT_WORDS = {
    "Allowed": "Allowed",
    "Conditional": "Only if …",
    "ImplicitlyDenied": "Not allowed",
    "ExplicitlyDenied": "Forbidden by a rule",
}
SUGGESTION_WORDS = {"keep": "Keep", "remove": "Remove", "look": "Look closely"}
LEVEL_WORDS = {
    "List": "list",
    "Read:metadata": "see settings of",
    "Read:data": "read",
    "Write": "change",
    "Tagging": "label",
    "Permissions management": "change who may use",
}
LAYER_WORDS = {
    "assignment": "given by a job role in AWS",
    "identity": "a rule of its own",
    "trust": "who may become it",
    "resource": "the resource's own rules",
    "scp": "organisation limit",
    "rcp": "organisation limit on resources",
    "boundary": "personal upper limit",
    "session": "limit of the session",
    "group": "a rule of its group",
}
OUTCOME_WORDS = {
    "denied": "reading was refused",
    "throttled": "AWS was too busy",
    "error": "reading failed",
    "skipped": "was not asked for",
    "unsupported": "is not offered there",
}
PHASE_WORDS = {"open": "Open", "signed-off": "Signed off", "closed": "Closed"}
ROLE_WORDS = {
    "admin": "Administrator",
    "owner": "Review owner",
    "reviewer": "Reviewer",
    "engineer": "Engineer",
    "auditor": "Auditor",
}
SERVICE_WORDS = {
    "s3": "S3 buckets",
    "s3control": "S3 buckets",
    "iam": "Users and roles",
    "sso-admin": "Identity Center",
    "identitystore": "People of Identity Center",
    "organizations": "Organisation",
    "kms": "Keys (KMS)",
    "lambda": "Lambda functions",
    "dynamodb": "DynamoDB tables",
    "secretsmanager": "Secrets",
    "sns": "SNS topics",
    "sqs": "SQS queues",
    "ec2": "EC2 machines",
    "account-access": "Account access manager",
    "codebuild": "CodeBuild projects",
    "ecs": "ECS task definitions",
    "glue": "Glue jobs",
    "stepfunctions": "State machines",
    "sts": "Sign-in",
}


#: What Write may be on resources that people use rather than change.
_WRITE_WORDS = {
    "iam:role": "become or change",
    "kms:key": "use or change",
    "lambda:function": "run or change",
    "sns:topic": "send to or change",
    "sqs:queue": "send to or change",
    "states:stateMachine": "run or change",
}


def levels_in_words(levels: Iterable[str], type_name: str = "") -> str:
    """``read, change and label``, on a type of resources."""
    found = list(levels)
    if "Read:data" in found:  # who reads something also sees that it is there
        found = [level for level in found if level not in ("List", "Read:metadata")]
    words = {**LEVEL_WORDS, "Write": _WRITE_WORDS.get(type_name, LEVEL_WORDS["Write"])}
    return listed([words.get(level, level.lower()) for level in found])


def listed(parts: Sequence[str], last: str = "and") -> str:
    """``a, b and c``."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}"


# -- conditions

_KEYS = {
    "aws:MultiFactorAuthPresent": "a second factor was used",
    "aws:SourceIp": "the request comes from certain network addresses",
    "aws:SourceVpc": "the request comes from a certain private network",
    "aws:SourceVpce": "the request comes through a certain private network",
    "aws:SecureTransport": "the connection is encrypted",
    "aws:RequestedRegion": "it is in certain regions",
    "aws:PrincipalTag": "its labels fit",
    "aws:ResourceTag": "the resource's labels fit",
    "aws:RequestTag": "the request's labels fit",
    "aws:PrincipalOrgID": "it belongs to the organisation",
    "aws:CurrentTime": "it happens at certain times",
    "sts:ExternalId": "the shared secret code with the vendor is given",
    "aws:SourceArn": "a certain resource asks for it",
    "aws:SourceAccount": "a certain account asks for it",
    "kms:ViaService": "it is used through a certain AWS service",
}


def key_in_words(key: str) -> str:
    """One thing that a condition hangs on; unknown keys are named, not guessed."""
    if key.startswith(("arn:", "account:")):
        return "rules that could not be read allow it"
    name, _, part = key.partition("/")
    if name in _KEYS:
        return f"{_KEYS[name]} ({part})" if part else _KEYS[name]
    if key.endswith(":sub"):
        return "it comes from a certain repository or branch"
    return f"the condition on {key} holds"


def conditions_in_words(keys: Iterable[str]) -> str:
    """``only if a second factor was used and …``; empty for none."""
    found = list(dict.fromkeys(key_in_words(key) for key in keys))
    return f"only if {listed(found)}" if found else ""


def keys_of(tree: Any) -> list[str]:
    """The keys and documents that a residual (contract) hangs on, each once."""
    if isinstance(tree, list):
        return list(dict.fromkeys(key for item in tree for key in keys_of(item)))
    if not isinstance(tree, Mapping):
        return []
    for name in ("key", "document", "matches"):
        if name in tree:
            return [str(tree[name])]
    return keys_of(list(tree.values()))
