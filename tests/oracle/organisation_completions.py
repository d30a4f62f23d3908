"""A request of which not everything is known, under every completion of it.

To what `tests.oracle.unknown` completes this adds `limits`: a key that begins with what is known of it (`aws:userid` of
a role, `aws:PrincipalArn` of somebody in an account), or values that a key is known not to have.
"""

import re
from collections.abc import Iterable
from itertools import product
from typing import Any

from tests.oracle.evaluate import ALLOWED, ALWAYS_DIFFERENT, Case, evaluate
from tests.oracle.expect import CALLER_KEYS
from tests.oracle.organisation_facts import UNREAD_ROLE
from tests.oracle.unknown import choices, completed

#: Keys of which the beginning may be known.
PREFIXED = ("aws:userid", "aws:principalarn")
MOST = 20_000  # completions of one request


class TooManyError(Exception):
    """A request with more completions than anybody wants to wait for."""


def contents(case: Case) -> list[Case]:
    """The case with each content of what could not be read."""
    return [{**case, **fields} for fields in combined(case["alternatives"])]


def combined(options: dict[str, list[Any]]) -> Iterable[dict[str, Any]]:
    return (dict(zip(options, row, strict=True)) for row in product(*options.values()))


def values_of(case: Case) -> dict[str, list[Any]]:
    """The values that each unknown key may have, as far as the case tells them apart."""
    keys = [key for key in case["unknown"] if key not in PREFIXED]
    found = choices(case, keys)
    found = {key: [one for one in values if one not in case["limits"].get(key, ())] for key, values in found.items()}
    for key in PREFIXED:
        if key in case["unknown"]:
            found[key] = beginning(case, key) if key in case["limits"] else []
            if not found[key] or case["limits"].get(key) == UNREAD_ROLE:
                found[key] += choices(case, [key]).get(key, [None])
    return found


def beginning(case: Case, key: str) -> list[str]:
    """Values of a key that is there and begins with what is known of it: an id or an account; of a role whose path is
    not known (`*`) the end is known, too."""
    start, unknown, end = case["limits"][key].partition("*")
    if unknown:
        paths = [str(one).rpartition("/")[0].partition(":role")[2] for one in choices(case, [key]).get(key, [])]
        named = re.findall(rf"{re.escape(start)}[\w/]*{re.escape(end)}\b", str(case.get("resource_policy")))
        return sorted({*named, *(start + path + end for path in [*paths, "", "/" + ALWAYS_DIFFERENT])})
    names = (
        choices(case, ["session_name"]).get("session_name", []) if key == "aws:userid" else ["user/" + ALWAYS_DIFFERENT]
    )
    found = [start + name for name in [*names, ALWAYS_DIFFERENT]]
    for one in choices(case, [key]).get(key, []):
        text = str(one or "")
        # A pattern such as `*:ann` is matched by this id and then that name, too.
        likely = (text, start + text.rpartition(":")[2], start + text)
        found += [value for value in likely if value.startswith(start) and value != start]
    return sorted(set(found))


def settled(case: Case, values: dict[str, Any]) -> Case:
    """The case with its unknown keys settled; a session is named as its `aws:userid` ends."""
    values = dict(values)
    if "aws:userid" in case["limits"] and values.get("aws:userid"):
        values["session_name"] = values["aws:userid"].partition(":")[2]
    return completed(case, values)


def outcomes(case: Case) -> Iterable[str]:
    """The verdicts of all completions, until it is known that they differ."""
    seen: set[str] = set()
    for one in contents(case):
        options = values_of(one)
        size = 1
        for values in options.values():
            size *= len(values)
        if size > MOST:
            raise TooManyError(f"{size} completions of {case['principal']} {case['action']} {case['resource']}")
        for values_ in combined(options):
            seen.add(evaluate(settled(one, values_)))
            if ALLOWED in seen and len(seen) > 1:
                return seen
    return seen


def by_choice(case: Case) -> bool:
    """U7: whether some choice of the caller's own keys is allowed whatever the surroundings are."""
    options = [(one, values_of(one)) for one in contents(case)]
    keys = {key for _, values in options for key in values}
    # Calls of STS carry no keys of other services: nobody chooses those.
    others = r"(s3|kms|iam|dynamodb):.*" if case["action"].startswith("sts:") else "-"
    mine = sorted(
        key
        for key in keys
        if (re.fullmatch(CALLER_KEYS, key) and not re.fullmatch(others, key))
        or (key == "aws:userid" and key in case["limits"])
    )
    own = {key: list({str(v): v for _, values in options for v in values.get(key, [])}.values()) for key in mine}
    return any(
        all(
            evaluate(settled(one, ours | theirs)) == ALLOWED
            for one, values in options
            for theirs in combined({key: found for key, found in values.items() if key not in own})
        )
        for ours in combined(own)
    )
