"""A request that is not fully known: decide it under every completion, and fold.

To a case this adds two fields. `unknown`: context keys whose presence and value are not known. `alternatives`: a
field's name and the contents that it may have, for documents that could not be read.

Reading chosen: unknown keys are independent of one another (`aws:RequestTag/x` and `aws:TagKeys`, `aws:SourceVpc` and
`aws:SourceIp`).
"""

import ipaddress
import itertools
import re
from collections.abc import Callable
from typing import Any

from tests.oracle.evaluate import (
    ALLOWED,
    ALWAYS_DIFFERENT,
    DOCUMENT_FIELDS,
    EXPLICIT,
    IMPLICIT,
    VARIABLE,
    Case,
    Statement,
    action_applies,
    documents_of,
    evaluate,
    implied,
    is_multivalued,
    listed,
    lookup,
    read,
    statements,
    texts,
    variable,
)
from tests.oracle.organisation_points import names_of

CONDITIONAL = "Conditional"


def relevant(case: Case) -> list[Statement]:
    """Every statement about the action in any document of the case."""
    documents = [document for field in (*DOCUMENT_FIELDS, "shares") for document in documents_of(case, field)]
    point = case.get("settings", {}).get("s3", {}).get("accessPoint") or {}
    attached = [case.get("resource_policy"), point.get("policy")]
    attached += [other.get("resource_policy") for other in case.get("also", [])]
    documents += [document for document in attached if document]
    documents += conditioned(case)
    documents += [
        document for field in ("scps", "rcps") for level in case.get(field, []) for document in level["policies"]
    ]
    return [
        statement for document in documents for statement in statements(document) if action_applies(case, statement)
    ]


def conditioned(case: Case) -> list[Any]:
    """What hangs on keys beside policies, as policies: grants of keys, and an access point that is open to one VPC."""
    settings = case.get("settings", {})
    vpc = (settings.get("s3", {}).get("accessPoint") or {}).get("vpc")
    own = {"Effect": "Allow", "Action": "s3:*", "Condition": {"StringEquals": {"aws:SourceVpc": vpc}}}
    grants = [one for one in settings.get("grants") or [] if one.get("Condition") or ":assumed-role/" in one["grantee"]]
    return [*map(implied, grants), *([{"Statement": [own]}] if vpc else [])]


def neighbours(text: str) -> list[str]:
    """Values that a policy value tells apart: a match of its pattern; for numbers and dates also those beside it."""
    if "/" in text or text.count(".") == 3:
        try:
            network = ipaddress.ip_network(text, strict=False)
            return [str(network.network_address + (1 if network.num_addresses > 1 else 0))]
        except ValueError:
            pass
    moment = read("date", text)
    if moment is not None:
        return [text, str(int(moment) - 1), str(int(moment) + 1)]
    return [text]


def witness(case: Case, text: str, version: str, operator: str) -> str:
    """A text that a policy value matches: what stands for each variable and, for a pattern, `x` for each wildcard."""
    filled, wildcards = version == "2012-10-17", "like" in operator.lower() or "arn" in operator.lower()
    found = ""
    for token in re.split(f"({VARIABLE}|[*?])" if filled else "([*?])", text):
        if filled and re.fullmatch(VARIABLE, token):
            found += variable(case, token[2:-1]) or token
        else:
            found += "x" if wildcards and token in ("*", "?") else token
    return found


def candidates(case: Case, key: str) -> list[Any]:
    """Absent (None), each value that a statement mentions, a witness for each pattern, and another value."""
    if key.lower() == "aws:multifactorauthpresent":
        return [None, "true", "false"]
    values: list[str] = [ALWAYS_DIFFERENT]
    mentioned = False
    for statement in relevant(case):
        for operator, name, wanted, version in statement["_conditions"]:
            for text in texts(wanted):
                if name.lower() == key.lower():
                    mentioned = True
                    values += neighbours(witness(case, text, version, operator))
                elif "${" + key.lower() in text.lower():
                    mentioned = True
                    values += texts(lookup(case, name))
        for pattern in listed(statement.get("Resource")) + listed(statement.get("NotResource")):
            if "${" + key.lower() in pattern.lower():
                mentioned = True
                values += captured(case, pattern, key)
        if key == "session_name":
            found = re.findall(r"assumed-role/[^/\"]+/([^\"]+)\"", str(statement).replace("'", '"'))
            mentioned = mentioned or bool(found)
            values += found
    if not mentioned:
        return [None]
    if key.lower() == "aws:sourceip":
        values = [value for value in values if value != ALWAYS_DIFFERENT] + ["192.0.2.77"]
    distinct = sorted(set(values))
    if key == "session_name":
        return distinct
    if is_multivalued(key):
        return [None, [], *[[value] for value in distinct], distinct, [*distinct[:1], ALWAYS_DIFFERENT]]
    return [None, *distinct]


def captured(case: Case, pattern: str, key: str) -> list[str]:
    """What a variable would have to be for its resource pattern to match the resource: as little as it can, and more
    than nothing."""
    found: list[str] = []
    point = case.get("settings", {}).get("s3", {}).get("accessPoint") or {}
    names = names_of(case["resource"], point if point.get("arn") else {})
    parts = re.split(r"(\$\{[^}]*\})", pattern)
    for taken in ("(.*?)", "(.+?)"):
        regex = ""
        for part in parts:
            if part.startswith("${"):
                regex += taken if part[2:-1].split(",")[0].strip().lower() == key.lower() else ".*?"
            else:
                regex += "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in part)
        for name in names:
            match = re.fullmatch(regex, name, re.DOTALL)
            found += match.groups() if match else []
    return found


def completed(case: Case, values: dict[str, Any]) -> Case:
    """The case with its unknown keys settled; a value of None leaves the key out."""
    context = {k: v for k, v in case.get("context", {}).items() if k.lower() not in {name.lower() for name in values}}
    context |= {key: value for key, value in values.items() if value is not None}
    return {**case, "context": context}


def combinations(choices: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(choices, row, strict=True)) for row in itertools.product(*choices.values())]


def choices(case: Case, keys: list[str]) -> dict[str, list[Any]]:
    """Candidates of each unknown key. Keys that meet in one variable see each other's candidates in a second round."""
    known = {key: found for key in keys if (found := candidates(case, key)) != [None]}
    extra: dict[str, list[Any]] = {}
    for key, values in known.items():
        for value in values:
            fuller = completed(case, {key: value if isinstance(value, str) else None})
            for other in known:
                if other != key:
                    extra.setdefault(other, []).extend(v for v in candidates(fuller, other) if v not in known[other])
    return {
        key: values + [v for i, v in enumerate(extra.get(key, [])) if v not in extra[key][:i]]
        for key, values in known.items()
    }


def unknown_keys(case: Case) -> list[str]:
    """The unknown keys that some statement about this action mentions."""
    text = " ".join(str(statement) for statement in relevant(case)).lower()
    return [key for key in case.get("unknown", []) if key.lower() in text or key == "session_name"]


def alternatives(case: Case) -> list[Case]:
    return [{**case, **fields} for fields in combinations(case.get("alternatives", {}))]


def fold(verdicts: set[str]) -> str:
    """U6: one answer for all completions."""
    if verdicts == {ALLOWED}:
        return ALLOWED
    if ALLOWED in verdicts:
        return CONDITIONAL
    return EXPLICIT if verdicts == {EXPLICIT} else IMPLICIT


def decide(case: Case, complete: Callable[[Case], str] = evaluate) -> str:
    """The verdict of a request whose context or documents are partly unknown; `complete` decides a completed one."""
    verdicts = set()
    for one in alternatives(case):
        for values in combinations(choices(one, unknown_keys(one))):
            verdicts.add(complete(completed(one, values)))
    return fold(verdicts)


def caller_can(case: Case, chosen_by_caller: set[str]) -> bool:
    """U7: whether some choice of the caller's own keys is allowed whatever the environment turns out to be."""
    cases = alternatives(case)
    keys = sorted({key for one in cases for key in unknown_keys(one)})
    options: dict[str, list[Any]] = {}
    for one in cases:
        for key, values in choices(one, keys).items():
            options[key] = options.get(key, []) + [v for v in values if v not in options.get(key, [])]
    mine = {key: values for key, values in options.items() if key.lower() in chosen_by_caller}
    rest = {key: values for key, values in options.items() if key not in mine}
    return any(
        all(evaluate(completed(one, ours | theirs)) == ALLOWED for one in cases for theirs in combinations(rest))
        for ours in combinations(mine)
    )
