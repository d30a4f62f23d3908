"""Requests with unknown keys, and the completed requests that they stand for.

What a key may turn out to be is read from the case's own policies: the values that their conditions, variables and
Principal elements tell apart, one that they do not know, and no value at all.
"""

from __future__ import annotations

import itertools
import json
import math
import random
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

from tests.policy.residual_judge import MULTIVALUED, date

Case = dict[str, Any]
ABSENT = None


# -- what the policies of a case say of a key


@dataclass
class Said:
    """Per key (in lower case): its name as first written, and values worth trying."""

    names: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, None]] = field(default_factory=dict)
    kinds: dict[str, set[str]] = field(default_factory=dict)

    def add(self, key: str, values: Iterator[str] | list[str], kind: str = "string") -> None:
        self.names.setdefault(key.lower(), key)
        self.kinds.setdefault(key.lower(), set()).add(kind)
        self.values.setdefault(key.lower(), {}).update(dict.fromkeys(values))


def statements(node: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(node, dict):
        if "Effect" in node:
            yield node
        for child in node.values():
            yield from statements(child)
    elif isinstance(node, list):
        for child in node:
            yield from statements(child)


def texts(value: Any) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [str(item).lower() if isinstance(item, bool) else str(item) for item in items]


def said_of(case: Case) -> Said:
    said = Said()
    context = {key.lower(): value for key, value in case.get("context", {}).items()}
    for statement in statements(case):
        for operator, block in statement.get("Condition", {}).items():
            kind = re.sub(r"^.*:|ifexists$", "", operator.lower())
            for key, wanted in block.items():
                said.add(key, [], kind)
                for text in texts(wanted):
                    said.add(key, concrete(kind, text, context), kind)
                    for name in VARIABLE.findall(text):
                        held = texts(context.get(key.lower(), []))
                        said.add(name, [found for value in held for found in solve(text, name, value)] + [""])
        for pattern in texts(statement.get("Resource", [])) + texts(statement.get("NotResource", [])):
            for name in VARIABLE.findall(pattern):
                said.add(name, solve(pattern, name, case["resource"]))
        named = statement.get("Principal", statement.get("NotPrincipal", {}))
        for text in texts(named.get("AWS", [])) if isinstance(named, dict) else []:
            if ":role/" in text or ":user/" in text:
                said.add("aws:PrincipalArn", [text])
            elif text.startswith(("AIDA", "AROA")):
                said.add("aws:userid", [text, f"{text}:s1"])
    return said


VARIABLE = re.compile(r"\$\{([^},*?$]{2,})[^}]*\}")


def solve(pattern: str, name: str, value: str) -> list[str]:
    """Values of a variable with which a pattern matches a value: the longest and the shortest."""
    found: list[str] = []
    for inner in ("(.*)", "(.*?)"):
        parts = re.split(r"(\$\{[^}]*\}|\*|\?)", pattern)
        mine = (inner if part.startswith("${" + name) else ".*" for part in parts[1::2])
        regex = "".join(re.escape(part) + next(mine, "") for part in parts[::2])
        match = re.fullmatch(regex, value)
        found += match.groups() if match else []
    return found


def concrete(kind: str, text: str, context: Mapping[str, Any]) -> Iterator[str]:
    """Values that a condition's value tells apart."""

    def fill(match: re.Match[str]) -> str:
        value = context.get(match[1].lower())
        return value if isinstance(value, str) else "blue"

    written = re.sub(r"\$\{([*?$])\}", lambda match: "\0" + str(ord(match[1])) + "\0", text)
    filled = literal(VARIABLE.sub(fill, written))
    moment = date(text) if kind.startswith("date") else None
    if moment:
        yield from (text, str(moment.timestamp()))
        yield from ((moment + timedelta(seconds=shift)).isoformat() for shift in (-1, 1))
    elif kind.startswith("numeric") and re.fullmatch(r"-?\d+(\.\d+)?", text):
        yield from (text, str(float(text) - 1), str(float(text) + 1))
    elif kind.endswith("ipaddress"):
        with suppress(ValueError):
            network = ip_network(text, strict=False)
            yield from (str(network[0]), str(network[-1]))
    elif kind.startswith(("arn", "stringlike", "stringnotlike")):
        for text in ("", "x/y"):
            yield literal(VARIABLE.sub(fill, written).replace("*", text).replace("?", "q"))
    elif kind != "null":
        yield filled
        yield filled.swapcase()


def literal(text: str) -> str:
    return re.sub("\0(\\d+)\0", lambda match: chr(int(match[1])), text)


STRANGERS = (
    ("numeric", "424242"),
    ("date", "2031-01-01T00:00:00Z"),
    ("ipaddress", "198.18.7.7"),
    ("ipaddress", "2001:db8::7"),
    ("notipaddress", "198.18.7.7"),
    ("notipaddress", "2001:db8::7"),
    ("arn", "arn:aws:iam::999999999999:role/stranger"),
    ("bool", "true"),
    ("bool", "false"),
)


def values_of(key: str, case: Case, said: Said, chance: random.Random) -> list[Any]:
    """What an unknown key may turn out to be, the original first."""
    lowered = key.lower()
    kinds = said.kinds.get(lowered, set())
    mentioned = list(said.values.get(lowered, ()))
    strange = [value for prefix, value in STRANGERS if any(kind.startswith(prefix) for kind in kinds)]
    if not strange or any(kind.startswith("string") for kind in kinds):
        strange.append("stranger")
    original = case.get("context", {}).get(key, ABSENT)
    if lowered not in MULTIVALUED:
        return distinct([original, ABSENT, *mentioned, *strange])
    held = distinct([*texts([] if original is None else original), *mentioned])
    pairs = [list(pair) for pair in itertools.combinations([*held, "stranger"], 2)]
    chance.shuffle(pairs)
    return distinct([original, ABSENT, [], *([value] for value in [*held, *strange]), *pairs[:8], *pairs[:1]])


def distinct(values: list[Any]) -> list[Any]:
    return list({json.dumps(value): value for value in values}.values())


# -- one request with unknown keys, and its completions


def without_keys(case: Case, said: Said, chance: random.Random) -> Case:
    """The case with one to four keys unknown, most of them keys that its policies read."""
    context = dict(case.get("context", {}))
    lowered = {key.lower(): key for key in context}
    read = [lowered.get(key, name) for key, name in sorted(said.names.items())]
    keys: list[str] = []
    for _ in range(chance.randint(1, 4)):
        pool = read if read and chance.random() < 0.75 else sorted(context) or read
        keys += [chance.choice(pool)] if pool else []
    known = {key: value for key, value in context.items() if key not in keys}
    return {**case, "context": known, "unknown": list(dict.fromkeys(keys))}


def completions(opened: Case, values: list[list[Any]], limit: int, chance: random.Random) -> list[Case]:
    """Completed cases, the original first; all of them, or a sample where there are more than `limit`."""
    if math.prod(map(len, values)) <= limit:
        chosen = list(itertools.product(*values))
    else:
        chosen = [tuple(options[0] for options in values)]
        chosen += [tuple(map(chance.choice, values)) for _ in range(limit - 1)]
    found = []
    for combination in dict.fromkeys(map(json.dumps, chosen)):
        added = zip(opened["unknown"], json.loads(combination), strict=True)
        context = opened["context"] | {key: value for key, value in added if value is not ABSENT}
        found.append({**opened, "context": context, "unknown": []})
    return found
