"""The conditions of a statement: those that can never hold, and those that hold where nobody expects it (C2-C5, M3).

Impossible is what the solver finds impossible with every key unknown; it never says so of what could hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations

from policy.actions import catalogue
from policy.conditions import Condition
from policy.context_values import ContextValue, Unknown
from policy.document import Statement
from policy.expression import TRUE, Where, conjunction
from policy.operators import instant, network, number, octets
from policy.patterns import Variable, arn_parts
from policy.remarks import Remark, Subject, remark, some
from policy.review_actions import expanded
from policy.solver import possible

_VARIABLE = re.compile(r"\$\{[^{}]+\}")
_MFA = "aws:multifactorauthpresent"
_MFA_AGE = "aws:multifactorauthage"


class _Anything:
    """The context of any request at all."""

    def get(self, _key: str, /) -> ContextValue:
        return Unknown("environment")


def review_conditions(subject: Subject) -> Iterator[Remark]:
    """The remarks on the conditions of a statement."""
    yield from _old_variables(subject)
    conditions = subject.statement.conditions
    if not conditions:
        return
    yield from _unreadable(subject)
    yield from _list_keys(subject)
    yield from _impossible(subject)
    yield from _sets(subject)
    yield from _mfa(subject)
    yield from _keys_of_others(subject)


def _said(condition: Condition) -> str:
    return f"`{condition.operator_text}` on `{condition.key_text}`"


def can_hold(*conditions: Condition) -> bool:
    """Whether some request meets all the conditions; false only when none does."""
    where = Where("", "", None, None)
    return possible(conjunction(condition.truth(_Anything(), where) for condition in conditions))[0]


def _impossible(subject: Subject) -> Iterator[Remark]:
    conditions = subject.statement.conditions
    if can_hold(*conditions):
        return
    for condition in conditions:
        if not can_hold(condition):
            kind, why = _why_not(condition)
            yield remark(subject, kind, f"{_said(condition)} {why}", never=True, keys=(condition.key_text,))
            return
    for one, other in combinations(conditions, 2):
        if not can_hold(one, other):
            keys = tuple(dict.fromkeys((one.key_text, other.key_text)))
            sentence = f"{_said(one)} and {_said(other)} can never both hold"
            yield remark(subject, "impossible-condition", sentence, never=True, keys=keys)
            return
    keys = tuple(dict.fromkeys(condition.key_text for condition in conditions))
    yield remark(subject, "impossible-condition", "its conditions can never all hold", never=True, keys=keys)


def _why_not(condition: Condition) -> tuple[str, str]:
    if not condition.values:
        return "empty-element", "has no values, so it never holds"
    if _needs_set_operator(condition):
        return "list-key", "never matches: the key holds a list, which only `ForAnyValue` or `ForAllValues` compares"
    if not any(_readable(condition, place) for place in range(len(condition.values))):
        return "unreadable-value", f"can never hold with {some(condition.values)}"
    return "impossible-condition", f"can never hold with {some(condition.values)}"


# -- values


def _unreadable(subject: Subject) -> Iterator[Remark]:
    """C4: a value that cannot be read matches nothing."""
    for condition in subject.statement.conditions:
        lost = [value for i, value in enumerate(condition.values) if not _readable(condition, i)]
        if not lost:
            continue
        what = {"arn": "ARN", "ip": "IP address", "bool": "true or false", "null": "true or false"}.get(
            condition.operator.family,
            {"numeric": "number", "date": "date"}.get(condition.operator.family, "base64 text"),
        )
        sentence = f"{_said(condition)}: {some(lost)} is no {what}, so it matches nothing"
        if condition.operator.negated and len(lost) == len(condition.values):
            sentence += " and the condition always holds"
        elif not condition.operator.negated and not can_hold(condition):
            sentence += " and the condition never holds"
        never = not can_hold(condition)
        yield remark(subject, "unreadable-value", sentence, never=never, keys=(condition.key_text,))


def _readable(condition: Condition, place: int) -> bool:
    text, parts = condition.values[place], condition.parts[place]
    match condition.operator.family:
        case "numeric":
            return number(text) is not None
        case "date":
            return instant(text) is not None
        case "ip":
            return network(text) is not None
        case "binary":
            return octets(text) is not None
        case "bool" | "null":
            return text.lower() in ("true", "false")
        case "arn":
            return any(isinstance(part, Variable) for part in parts) or arn_parts(parts) is not None
    return True


# -- keys with several values


def _needs_set_operator(condition: Condition) -> bool:
    return condition.multivalued and condition.set_operator == "" and condition.operator.family != "null"


def _list_keys(subject: Subject) -> Iterator[Remark]:
    """C3: a list that is compared without a set operator matches nothing, negated and IfExists included."""
    for condition in subject.statement.conditions:
        if _needs_set_operator(condition):
            absent = condition.when_absent is TRUE
            sentence = (
                f"{_said(condition)} never matches a request that carries the key: it holds a list, "
                "which only `ForAnyValue` or `ForAllValues` compares"
            )
            yield remark(subject, "list-key", sentence, never=not absent, keys=(condition.key_text,))


def _sets(subject: Subject) -> Iterator[Remark]:
    """`ForAllValues` holds for a request without the key; with a key of one value a set operator says nothing."""
    statement = subject.statement
    for condition in statement.conditions:
        if not condition.set_operator:
            continue
        absent = (
            condition.set_operator == "all" and statement.allows and not _asks_for_presence(statement, condition.key)
        )
        if not condition.multivalued and condition.key.startswith("aws:"):
            sentence = f"{_said(condition)}: the key has one value, for which AWS advises against a set operator"
            sentence += "; a request without the key is allowed" if absent else ""
            yield remark(subject, "set-operator-on-single-key", sentence, keys=(condition.key_text,))
        elif absent:
            sentence = f"{_said(condition)} also allows requests without the key: add `Null` with `false` on it"
            yield remark(subject, "for-all-values-absent", sentence, keys=(condition.key_text,))


def _asks_for_presence(statement: Statement, key: str) -> bool:
    return any(
        condition.key == key and condition.when_absent is not TRUE and condition.set_operator != "all"
        for condition in statement.conditions
    )


# -- multi-factor authentication


def _mfa(subject: Subject) -> Iterator[Remark]:
    """C2: a request signed with long-term keys carries no MFA key, and a `Deny` without IfExists passes it by.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html (aws:MultiFactorAuthPresent)
    """
    if subject.statement.allows:
        return
    for condition in subject.statement.conditions:
        asks = (condition.key == _MFA and condition.operator.family == "bool" and _says(condition, "false")) or (
            condition.key == _MFA_AGE and condition.operator.family == "numeric"
        )
        if asks and condition.when_absent is not TRUE and not _denied_without(subject):
            sentence = (
                f"{_said(condition)} does not deny requests without the key, which long-term access keys send: "
                f"use `{condition.operator_text}IfExists`"
            )
            yield remark(subject, "mfa-absent", sentence, keys=(condition.key_text,))


def _says(condition: Condition, text: str) -> bool:
    return text in {value.lower() for value in condition.values}


def _denied_without(subject: Subject) -> bool:
    """Whether another Deny of the document takes in requests without the MFA keys."""
    return any(
        condition.key in (_MFA, _MFA_AGE) and condition.when_absent is TRUE
        for statement in subject.document.statements
        if statement is not subject.statement and not statement.allows
        for condition in statement.conditions
    )


# -- keys and variables


def _keys_of_others(subject: Subject) -> Iterator[Remark]:
    """A service's key that the action data lists for none of the statement's actions; weak: the data has holes."""
    services = catalogue().services()
    asked = [one for one in subject.statement.conditions if one.key.partition(":")[0] in services]
    if not asked:
        return
    actions = [action for pattern in subject.statement.actions or ("*",) for action in _expanded(pattern)]
    if not actions or None in actions:
        return
    listed = {_shape(key) for action in actions if action for key in catalogue().condition_keys(action)}
    unused = [
        condition.key_text
        for condition in asked
        if not any(condition.key == shape or (whole and condition.key.startswith(shape)) for shape, whole in listed)
    ]
    if unused:
        sentence = f"{some(unused)}: AWS documents the key for none of the statement's actions"
        yield remark(subject, "key-not-used", sentence, keys=tuple(dict.fromkeys(unused)))


def _expanded(pattern: str) -> list[str | None]:
    service = pattern.partition(":")[0]
    if "*" in service or "?" in service:
        return [None]
    return list(expanded(pattern)) or [None]


@lru_cache(maxsize=1 << 14)
def _shape(key: str) -> tuple[str, bool]:
    """A key of the action data: its fixed beginning, and whether anything may follow (`s3:ExistingObjectTag/<key>`)."""
    fixed = re.split(r"\$\{|<", key.lower(), maxsplit=1)[0]
    return fixed, len(fixed) < len(key)


def _old_variables(subject: Subject) -> Iterator[Remark]:
    """M3: only version 2012-10-17 knows variables."""
    statement = subject.statement
    if subject.document.version == "2012-10-17":
        return
    texts = [*(statement.resources or ()), *(statement.not_resources or ())]
    texts += [v for c in statement.conditions if c.operator.takes_variables for v in c.values]
    found = [text for text in texts if _VARIABLE.search(text)]
    if found:
        written = f"version {subject.document.version}" if subject.document.version else "a document without a version"
        sentence = f"{some(found)}: {written} knows no variables, the text is taken literally"
        yield remark(subject, "old-version-variable", sentence)
