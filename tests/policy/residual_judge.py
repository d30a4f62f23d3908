"""Judges residuals: an evaluator of the trees that `grantmap decide` writes, sharing no code with `policy/`.

Written from AWS's documentation of condition operators, multivalued keys and policy variables, and from the rules
C1-C5 and M3 of the project's semantics. `holds` completes a tree with a request's context; `complaints` says what
in a tree is not of the grammar or could be left out.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

import base64
import ipaddress
import json
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

Context = Mapping[str, Any]
Test = Callable[[str, str], bool]

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html, and the service reference.
MULTIVALUED = frozenset(
    "aws:" + name
    for name in ("calledvia", "principalorgpaths", "principalservicenameslist", "resourceorgpaths", "sourceorgpaths")
) | {
    *("aws:tagkeys", "aws:vpceorgpaths", "dynamodb:attributes", "dynamodb:leadingkeys", "kms:encryptioncontextkeys"),
    *("kms:grantoperations", "kms:resourcealiases", "sts:transitivetagkeys"),
}
LEAVES = (
    {"key", "operator", "values", "by", "layer", "policy", "sid", "statement"},
    {"resource", "matches", "layer", "policy", "sid", "statement"},
    {"document"},
)
VARIABLE = re.compile(r"\$\{([^},]*)(?:,\s*'([^']*)'\s*)?\}")


def holds(tree: Mapping[str, Any], context: Context, documents: Mapping[str, bool] | None = None) -> bool:
    """Whether a residual is true of a request whose context is complete; `documents`: which ids allow it."""
    given = {key.lower(): value for key, value in context.items()}
    return _holds(tree, given, documents or {})


def _holds(tree: Mapping[str, Any], context: Context, documents: Mapping[str, bool]) -> bool:
    if "all" in tree:
        return all(_holds(branch, context, documents) for branch in tree["all"])
    if "any" in tree:
        return any(_holds(branch, context, documents) for branch in tree["any"])
    if "not" in tree:
        return not _holds(tree["not"], context, documents)
    if "document" in tree:
        return documents[tree["document"]]
    if "matches" in tree:
        pattern = _resolved(tree["matches"], context)
        return pattern is not None and _like(tree["resource"], pattern)
    return _condition(tree["key"].lower(), tree["operator"], tree["values"], context)


# -- condition operators


def _condition(key: str, written: str, wanted: list[str], context: Context) -> bool:
    quantifier, _, name = written.lower().rpartition(":")
    if_exists = name.endswith("ifexists")
    name = name.removesuffix("ifexists")
    value = context.get(key)
    items = value if isinstance(value, list) else [] if value is None else [value]
    if name == "null":
        return any((not items) == (text.lower() == "true") for text in wanted)
    negated, test = OPERATORS[name]
    if value is None:
        return if_exists or quantifier == "forallvalues" or (negated and not quantifier)
    if name.startswith(("string", "arn")):
        wanted = [text for raw in wanted if (text := _resolved(raw, context)) is not None]

    def one(item: Any) -> bool:
        text = str(item).lower() if isinstance(item, bool) else str(item)
        return any(test(text, want) for want in wanted) != negated

    if quantifier:
        return all(map(one, items)) if quantifier == "forallvalues" else any(map(one, items))
    return key not in MULTIVALUED and len(items) == 1 and one(items[0])


def _both(read: Callable[[str], Any], compare: Callable[[Any, Any], bool]) -> Test:
    """A comparison of what two texts mean; one that means nothing compares with nothing (rule C4)."""

    def test(value: str, wanted: str) -> bool:
        left, right = read(value), read(wanted)
        return left is not None and right is not None and compare(left, right)

    return test


def date(text: str) -> datetime | None:
    """The moment that an ISO 8601 date or a number of seconds since 1970 names."""
    try:
        if re.fullmatch(r"-?\d+(\.\d+)?", text) and not re.fullmatch(r"\d{4}", text):
            return datetime.fromtimestamp(float(text), UTC)
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _ip(value: str, wanted: str) -> bool:
    address = _or_nothing(ipaddress.ip_address)(value)
    network = _or_nothing(lambda text: ipaddress.ip_network(text, strict=False))(wanted)
    return address is not None and network is not None and address in network


def _arn(value: str, wanted: str) -> bool:
    parts, patterns = value.split(":", 5), wanted.split(":", 5)
    return wanted == "*" or (len(parts) == len(patterns) == 6 and all(map(_like, parts, patterns)))


def _like(value: str, wanted: str) -> bool:
    return _glob(wanted).fullmatch(value) is not None


def _or_nothing(read: Callable[[str], Any]) -> Callable[[str], Any]:
    def reader(text: str) -> Any:
        try:
            return read(text)
        except ValueError:
            return None

    return reader


def _truth(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text.lower())


ORDER = {
    "equals": (False, operator.eq),
    "notequals": (True, operator.eq),
    "lessthan": (False, operator.lt),
    "lessthanequals": (False, operator.le),
    "greaterthan": (False, operator.gt),
    "greaterthanequals": (False, operator.ge),
}
# Whether an operator is a negated one, and its test.
OPERATORS: dict[str, tuple[bool, Test]] = {
    "stringequals": (False, lambda value, wanted: value == _plain(wanted)),
    "stringequalsignorecase": (False, lambda value, wanted: value.lower() == _plain(wanted).lower()),
    "stringlike": (False, _like),
    "arnequals": (False, _arn),
    "arnlike": (False, _arn),
    "bool": (False, _both(_truth, operator.eq)),
    "ipaddress": (False, _ip),
    "notipaddress": (True, _ip),
    "binaryequals": (False, _both(_or_nothing(base64.b64decode), operator.eq)),
}
for _name in ("equals", "equalsignorecase", "like"):
    OPERATORS["stringnot" + _name] = (True, OPERATORS["string" + _name][1])
for _name in ("equals", "like"):
    OPERATORS["arnnot" + _name] = (True, _arn)
for _name, (_negated, _compare) in ORDER.items():
    OPERATORS["numeric" + _name] = (_negated, _both(_or_nothing(float), _compare))
    OPERATORS["date" + _name] = (_negated, _both(date, _compare))


# -- patterns and variables

# `${*}`, `${?}` and `${$}` are the characters themselves; while a pattern is made they stand as these.
LITERAL = {"*": "\ue000", "?": "\ue001", "$": "\ue002"}
PLAIN = str.maketrans({mark: character for character, mark in LITERAL.items()})


def _resolved(text: str, context: Context) -> str | None:
    """A text with its variables filled in, or nothing where one has no value (rule M3)."""
    missing = False

    def fill(match: re.Match[str]) -> str:
        nonlocal missing
        name, default = match[1].strip(), match[2]
        if name in LITERAL:
            return LITERAL[name]
        value = context.get(name.lower(), default)
        missing = missing or not isinstance(value, str)
        return "".join(LITERAL.get(character, character) for character in value) if isinstance(value, str) else ""

    filled = VARIABLE.sub(fill, text)
    return None if missing else filled


def _plain(text: str) -> str:
    return text.translate(PLAIN)


@lru_cache(maxsize=65536)
def _glob(pattern: str) -> re.Pattern[str]:
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(_plain(c)) for c in pattern)
    return re.compile("".join(parts), re.DOTALL)


# -- the shape of a tree


def leaves(tree: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The leaves of a residual, from left to right."""
    for name in ("all", "any"):
        for branch in tree.get(name, ()):
            yield from leaves(branch)
    if "not" in tree:
        yield from leaves(tree["not"])
    elif not tree.keys() & {"all", "any"}:
        yield tree


def complaints(tree: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """What is not of the grammar, and what says nothing: constants, doubles, branches that another contains."""
    if len(tree) == 1 and tree.keys() <= {"all", "any"}:
        ((name, branches),) = tree.items()
        if len(branches) < 2:
            yield f"`{name}` of {len(branches)}"
        if above == name:
            yield f"`{name}` in `{name}`"
        said = [_members(branch, "any" if name == "all" else "all") for branch in branches]
        for i, one in enumerate(said):
            if any(other <= one for j, other in enumerate(said) if i != j):
                yield f"a branch of `{name}` that another makes superfluous"
        for branch in branches:
            yield from complaints(branch, name)
    elif tree.keys() == {"not"}:
        if above == "not":
            yield "`not` in `not`"
        yield from complaints(tree["not"], "not")
    elif tree.keys() not in LEAVES:
        yield f"fields {sorted(tree)}"
    elif "key" in tree:
        values, name = tree["values"], tree["operator"].lower().rpartition(":")[2].removesuffix("ifexists")
        if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
            yield f"values {values!r}"
        if tree["by"] not in ("caller", "environment"):
            yield f"by {tree['by']!r}"
        if name not in OPERATORS and name != "null":
            yield f"operator {tree['operator']!r}"
    elif "matches" in tree and not VARIABLE.search(tree["matches"]):
        yield f"pattern {tree['matches']!r} without a variable"


def _members(tree: Mapping[str, Any], name: str) -> set[str]:
    return {json.dumps(branch, sort_keys=True) for branch in tree.get(name, [tree])}
