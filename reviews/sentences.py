"""The sentence maker: what somebody can do to what, in words that need no knowledge of AWS.

Two tables say it: ``VERBS`` by (resource type, access level) and ``DEEDS`` by single actions that people must know by
name. What neither knows is counted ("use 7 other AWS Lambda permissions on"), never guessed. The contents of a
container have a type of their own, with ``/*``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from reviews.words import counted, listed, noun, service, some

LIST, METADATA, DATA = "List", "Read:metadata", "Read:data"
WRITE, TAGGING, PERMISSIONS = "Write", "Tagging", "Permissions management"

#: How much harm a level can do; the order of everything that is cut short.
DANGER = {PERMISSIONS: 6, WRITE: 5, DATA: 4, TAGGING: 2, METADATA: 1, LIST: 0}

_SEES = "see the settings of"
_SHARES = "change who may use"
_LABELS = "relabel"

#: (type, level) to the verb for whatever actions of that level somebody has; levels that are missing are counted.
VERBS: dict[tuple[str, str], str] = {
    ("s3:bucket", LIST): "list",
    ("s3:bucket", METADATA): _SEES,
    ("s3:bucket", WRITE): "change the settings of",
    ("s3:bucket", TAGGING): _LABELS,
    ("s3:bucket", PERMISSIONS): _SHARES,
    ("s3:bucket/*", LIST): "list",
    ("s3:bucket/*", METADATA): "see the details of",
    ("s3:bucket/*", DATA): "read",
    ("s3:bucket/*", TAGGING): _LABELS,
    ("s3:bucket/*", PERMISSIONS): _SHARES,
    ("dynamodb:table", LIST): "list",
    ("dynamodb:table", METADATA): _SEES,
    ("dynamodb:table", DATA): "read",
    ("dynamodb:table", WRITE): "change the settings of",
    ("dynamodb:table", TAGGING): _LABELS,
    ("dynamodb:table", PERMISSIONS): _SHARES,
    ("dynamodb:table/*", METADATA): "see the details of",
    ("dynamodb:table/*", DATA): "read",
    ("lambda:function", LIST): "list",
    ("lambda:function", METADATA): _SEES,
    ("lambda:function", DATA): "read the code of",
    ("lambda:function", WRITE): "change the settings of",
    ("lambda:function", TAGGING): _LABELS,
    ("lambda:function", PERMISSIONS): _SHARES,
    ("sqs:queue", LIST): "list",
    ("sqs:queue", METADATA): _SEES,
    ("sqs:queue", DATA): "read messages from",
    ("sqs:queue", WRITE): "change the settings of",
    ("sqs:queue", TAGGING): _LABELS,
    ("sqs:queue", PERMISSIONS): _SHARES,
    ("sns:topic", LIST): "list",
    ("sns:topic", METADATA): _SEES,
    ("sns:topic", WRITE): "change the settings of",
    ("sns:topic", TAGGING): _LABELS,
    ("sns:topic", PERMISSIONS): _SHARES,
    ("kms:key", LIST): "list",
    ("kms:key", METADATA): _SEES,
    ("kms:key", DATA): "read what is locked with",
    ("kms:key", WRITE): "change the settings of",
    ("kms:key", TAGGING): _LABELS,
    ("kms:key", PERMISSIONS): _SHARES,
    ("secretsmanager:secret", LIST): "list",
    ("secretsmanager:secret", METADATA): "see the details of",
    ("secretsmanager:secret", DATA): "read",
    ("secretsmanager:secret", WRITE): "change",
    ("secretsmanager:secret", TAGGING): _LABELS,
    ("secretsmanager:secret", PERMISSIONS): _SHARES,
    ("ec2:instance", LIST): "list",
    ("ec2:instance", METADATA): _SEES,
    ("ec2:instance", DATA): "read the screen or password of",
    ("ec2:instance", WRITE): "change",
    ("ec2:instance", TAGGING): _LABELS,
    ("ec2:instance", PERMISSIONS): _SHARES,
    ("iam:role", LIST): "list",
    ("iam:role", METADATA): _SEES,
    ("iam:role", WRITE): "change the settings of",
    ("iam:role", TAGGING): _LABELS,
    ("iam:role", PERMISSIONS): "change what is allowed to",
    ("iam:user", LIST): "list",
    ("iam:user", METADATA): _SEES,
    ("iam:user", WRITE): "change the sign-in of",
    ("iam:user", TAGGING): _LABELS,
    ("iam:user", PERMISSIONS): "change what is allowed to",
    ("iam:group", LIST): "list",
    ("iam:group", METADATA): _SEES,
    ("iam:group", WRITE): "change the members of",
    ("iam:group", PERMISSIONS): "change what is allowed to",
    ("iam:policy", LIST): "list",
    ("iam:policy", METADATA): _SEES,
    ("iam:policy", TAGGING): _LABELS,
    ("iam:policy", PERMISSIONS): "rewrite",
}

#: (type, action) to the verb of an action that must be named; it stands in the place of its level's.
DEEDS: dict[tuple[str, str], str] = {
    ("s3:bucket", "s3:DeleteBucket"): "delete",
    ("s3:bucket/*", "s3:PutObject"): "change",
    ("s3:bucket/*", "s3:DeleteObject"): "delete",
    ("s3:bucket/*", "s3:DeleteObjectVersion"): "delete",
    ("dynamodb:table", "dynamodb:PutItem"): "change",
    ("dynamodb:table", "dynamodb:UpdateItem"): "change",
    ("dynamodb:table", "dynamodb:BatchWriteItem"): "change",
    ("dynamodb:table", "dynamodb:DeleteItem"): "delete records of",
    ("dynamodb:table", "dynamodb:DeleteTable"): "delete",
    ("lambda:function", "lambda:InvokeFunction"): "run",
    ("lambda:function", "lambda:UpdateFunctionCode"): "change the code of",
    ("lambda:function", "lambda:DeleteFunction"): "delete",
    ("sqs:queue", "sqs:SendMessage"): "send messages to",
    ("sqs:queue", "sqs:DeleteQueue"): "delete",
    ("sqs:queue", "sqs:DeleteMessage"): "remove messages from",
    ("sqs:queue", "sqs:PurgeQueue"): "empty",
    ("sns:topic", "sns:Publish"): "send messages to",
    ("sns:topic", "sns:Subscribe"): "receive messages from",
    ("sns:topic", "sns:DeleteTopic"): "delete",
    ("kms:key", "kms:Decrypt"): "read what is locked with",
    ("kms:key", "kms:Encrypt"): "lock data with",
    ("kms:key", "kms:GenerateDataKey"): "lock data with",
    ("kms:key", "kms:ScheduleKeyDeletion"): "destroy",
    ("secretsmanager:secret", "secretsmanager:GetSecretValue"): "read",
    ("secretsmanager:secret", "secretsmanager:PutSecretValue"): "change",
    ("secretsmanager:secret", "secretsmanager:DeleteSecret"): "delete",
    ("ec2:instance", "ec2:TerminateInstances"): "delete",
    ("ec2:instance", "ec2:StartInstances"): "start",
    ("ec2:instance", "ec2:StopInstances"): "stop",
    ("ec2:instance", "ec2:RebootInstances"): "restart",
    ("ec2:instance", "ssm:StartSession"): "sign in to",
    ("ec2:instance", "ssm:SendCommand"): "run commands on",
    ("iam:role", "sts:AssumeRole"): "become",
    ("iam:role", "iam:PassRole"): "hand over",
    ("iam:role", "iam:DeleteRole"): "delete",
    ("iam:role", "iam:UpdateAssumeRolePolicy"): "change who may become",
    ("iam:user", "iam:CreateAccessKey"): "make access keys for",
    ("iam:user", "iam:DeleteUser"): "delete",
}


@dataclass(frozen=True, slots=True)
class Deeds:
    """What can be done: verbs, the most dangerous first, and the actions that no verb tells, by service."""

    verbs: tuple[str, ...]
    counted: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """Deeds on one class of resources, for a sentence: ``type`` with ``/*`` for contents, ``objects`` how they are
    called. ``danger`` sorts; ``condition`` is what must hold, empty for nothing.
    """

    account: str
    type: str
    deeds: Deeds
    objects: tuple[str, ...]
    count: int
    danger: float
    condition: str = ""
    #: Of contents, what they are in: ``bucket logs``.
    within: str = ""
    #: Whether it hangs on a document that could not be read: it may be access, and it may not.
    unread: bool = False


def deeds(type_name: str, actions: Iterable[str], levels_of: Callable[[str], Sequence[str]]) -> Deeds:
    """The verbs for a set of actions on a type; ``levels_of`` gives an action's levels."""
    by_level: defaultdict[str, list[str]] = defaultdict(list)
    for action in actions:
        by_level[max(levels_of(action), key=DANGER.__getitem__)].append(action)
    if not type_name:
        return _unscoped(by_level)
    verbs: dict[str, None] = {}
    left: Counter[str] = Counter()
    for level in sorted(by_level, key=DANGER.__getitem__, reverse=True):
        named = [DEEDS[type_name, action] for action in by_level[level] if (type_name, action) in DEEDS]
        other = [action for action in by_level[level] if (type_name, action) not in DEEDS]
        verbs.update(dict.fromkeys(named))
        general = VERBS.get((type_name, level))
        if other and general is not None:
            if not (named and level == WRITE and general == "change"):
                verbs[general] = None
        elif other and not named:
            left.update(action.partition(":")[0] for action in other)
    return Deeds(tuple(verbs), tuple(sorted(left.items())))


def _unscoped(by_level: dict[str, list[str]]) -> Deeds:
    """Actions about no single resource: the verb of the worst level, the services of the actions of that level."""
    worst = max(by_level, key=DANGER.__getitem__)
    verb = {PERMISSIONS: "change who may use", WRITE: "change", TAGGING: "relabel"}.get(worst, "look at")
    told = by_level[worst] if verb != "look at" else [action for some in by_level.values() for action in some]
    services = Counter(action.partition(":")[0] for action in told)
    return Deeds((f"{verb} account-wide settings of",), tuple(sorted(services.items())))


#: Verbs that need no word of their own in a sentence where more can be done, least telling first.
_LESSER = (
    "list",
    _SEES,
    "see the details of",
    _LABELS,
    "delete records of",
    "change the settings of",
    "change the sign-in of",
    "change who may become",
    "remove messages from",
    "start",
    "stop",
    "restart",
)
_MOST_VERBS = 4
#: Verbs in the order in which people expect them; others stand between.
_FIRST = ("list", _SEES, "see the details of", "read", "read messages from", "read what is locked with")
_LAST = ("delete", "destroy", _SHARES)


def doing(found: Deeds, what: str) -> str:
    """``read, change and delete bucket x``; what has no verb is counted with its service."""
    verbs = list(found.verbs)
    looking = [verb for verb in verbs if verb in _LESSER[:4]]
    if len(looking) < len(verbs):
        verbs = [verb for verb in verbs if verb not in looking]
    for lesser in _LESSER:
        if len(verbs) >= _MOST_VERBS and lesser in verbs:
            verbs.remove(lesser)
    verbs.sort(key=lambda verb: (verb not in _FIRST, _LAST.index(verb) if verb in _LAST else -1))
    if verbs:
        return f"{listed(verbs)} {what}"
    total = sum(count for _, count in found.counted)
    names = some([service(name) for name, _ in found.counted], 2, "other services")
    return f"use {counted(total, 'permission')} of {names} on {what}"


def _account_wide(found: Deeds) -> str:
    """What can be done that is about no single resource: there are thousands of such actions, told by service."""
    names = [service(name) for name, _ in found.counted]
    where = listed(names) if len(names) <= 2 else counted(len(names), "service")
    return f"{listed(found.verbs)} {where}"


def things(reaches: Sequence[Reach]) -> str:
    """The objects of several reaches with the same deeds: named up to two, else counted."""
    type_name = reaches[0].type
    if type_name.endswith("/*"):
        return _contents(reaches, type_name.removesuffix("/*"))
    names = [name for reach in reaches for name in reach.objects]
    total = sum(reach.count for reach in reaches)
    if len(names) == total and total <= 2:
        return f"{noun(type_name, total)} {listed(names)}"
    return counted(total, noun(type_name), noun(type_name, 2))


def _contents(reaches: Sequence[Reach], container: str) -> str:
    """Contents by what they are in: one part of a container is named, several are "part of" it."""
    within: defaultdict[str, list[str]] = defaultdict(list)
    for reach in reaches:
        within[reach.within].extend(reach.objects)
    if len(within) > 2:
        whole = all(any(_is_whole(part) for part in parts) for parts in within.values())
        return f"{'what is in' if whole else 'objects in'} {counted(len(within), noun(container), noun(container, 2))}"
    said = []
    for name, parts in within.items():
        whole_parts = [part for part in parts if _is_whole(part)]
        said.append(f"{whole_parts[0] if whole_parts else parts[0] if len(parts) == 1 else 'some objects'} in {name}")
    return listed(said)


def _is_whole(part: str) -> bool:
    return " under " not in part


def joined(reaches: Sequence[Reach], account: Callable[[str], str], most: int = 3, given: str = "") -> str:
    """The clause after "can": the most dangerous first, at most ``most`` parts, then how many there are besides.

    What hangs on something that could not be read is left out; ``unreadable`` says it. Empty where nothing is left.
    ``given`` is a condition that was said already.
    """
    groups: defaultdict[tuple[str, str, Deeds, str], list[Reach]] = defaultdict(list)
    for reach in reaches:
        if not reach.unread:
            groups[(reach.account, reach.type, reach.deeds, reach.condition)].append(reach)
    ordered = sorted(groups.values(), key=lambda group: (-max(reach.danger for reach in group), group[0].type))
    if not ordered:
        return ""
    shown = ordered[:most]
    only = [_besides(group[0].condition, given) for group in shown]
    everywhere = only[0] if len(shown) > 1 and len(set(only)) == 1 else ""
    parts: list[str] = []
    for place, group in enumerate(shown):
        first, condition = group[0], "" if everywhere else only[place]
        said = _account_wide(first.deeds) if not first.type else doing(first.deeds, things(group))
        after = shown[place + 1][0] if place + 1 < len(shown) else None
        if after is None or after.account != first.account or condition:
            said += f" in {account(first.account)}"
        parts.append(said + (f", only {condition}" if condition else ""))
    rest = len(ordered) - len(shown)
    joint = "; " if any(", " in part for part in parts) else ", "
    last = f"{joint if joint == '; ' else ' '}and {parts[-1]}" if len(parts) > 1 else parts[0]
    text = joint.join(parts[:-1]) + last
    text += f"; all of it only {everywhere}" if everywhere else ""
    return text + (f"; and {counted(rest, 'other kind')} of access" if rest else "")


def _besides(condition: str, given: str) -> str:
    """What of a condition was not said yet."""
    if not given or condition == given:
        return "" if condition == given else condition
    for joint in (" and ", ", "):
        if condition.startswith(given + joint):
            return condition.removeprefix(given + joint)
    return condition


def unreadable(reaches: Sequence[Reach]) -> str:
    """A sentence on what may be access besides, if only we could have read it; empty where there is nothing."""
    names = dict.fromkeys(
        reach.within or (f"{noun(reach.type)} {reach.objects[0]}" if reach.objects else "some settings")
        for reach in reaches
        if reach.unread
    )
    if not names:
        return ""
    return f"What is allowed on {some(list(names), 2)} could not be read."
