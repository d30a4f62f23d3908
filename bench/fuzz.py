"""Throws hostile policies at the parser and the engine; anything but `PolicyError` is a crash.

Usage: `python -m bench.fuzz [--minutes 10] [--seed N]`. Inputs are AWS managed policies with something changed (in
their JSON, in their text, in their bytes), random JSON in the words of policies, and random bytes. What is accepted is
written again, reviewed and decided about; every tenth input is a whole decision case instead. Prints each crash with
its input and, at the end, how many inputs there were.
"""

from __future__ import annotations

import argparse
import json
import random
import string
import sys
import time
import traceback
from collections import Counter
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data

from policy import document as documents
from policy.cases import run_cases
from policy.context_values import DictContext
from policy.decide import decide
from policy.document import Document, parse_document
from policy.errors import PolicyError
from policy.inputs import Inputs, Level, PolicyRef
from policy.operators import OPERATORS
from policy.remarks import DocumentKind
from policy.request import Principal, Request
from policy.review import review

ACCOUNT = "111122223333"
ELEMENTS = [
    "Version",
    "Id",
    "Statement",
    "Sid",
    "Effect",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
]
ACTIONS = [
    "*",
    "**",
    "*:*",
    "s3:*",
    "S3:get*",
    "s3:Get?bject",
    "sts:AssumeRole",
    "x-y:z",
    "s3:",
    "iotevents:*",
    "*:Get*",
]
RESOURCES = [
    "*",
    "arn:aws:s3:::b/*",
    "arn:aws:s3:::${aws:PrincipalTag/a}*",
    "arn:*",
    "a:b",
    "/1/q",
    "arn:aws:s3:::${*}",
]
RESOURCES += ["arn:aws:s3:::b/${aws:username, 'x'}", "arn:aws:s3:::${", "arn:aws:s3:::${${a}}", ":" * 9, "*" * 99 + "x"]
PRINCIPALS = ["*", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:role/a/b", f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s", "AROAX", ""]
PRINCIPALS += [f"arn:aws:iam::{ACCOUNT}:user/*", "sns.amazonaws.com", "me", "a" * 64, f"arn:aws:iam::{ACCOUNT}:root"]
KEYS = [
    "aws:username",
    "aws:TagKeys",
    "aws:SourceIp",
    "s3:max-keys",
    "aws:CurrentTime",
    "aws:PrincipalTag/a",
    "a:b",
    "",
]
VALUES: list[Any] = [
    *("a", "x*", "${aws:username}", "${aws:TagKeys}", "${aws:username, '*'}", "${$}", "10.0.0.0/8", "::/0", "", "AA=="),
    *(
        "2020-01-01T00:00:00Z",
        "1e400",
        "-1",
        "true",
        "9" * 50,
        "arn:aws:iam::*:role/?",
        "é\u0000\u2028",
        "\U0001f600" * 9,
    ),
    *(True, False, 0, 1.5, -1e300, 10**30),
]
OPERATOR_NAMES = [
    prefix + operator.name + suffix
    for prefix in ("", "ForAllValues:", "foranyvalue:")
    for operator in OPERATORS.values()
    for suffix in ("", "IfExists")
]
WORDS: list[Any] = [
    *(
        *ELEMENTS,
        "Allow",
        "Deny",
        "2012-10-17",
        "2008-10-17",
        "AWS",
        "Service",
        "Federated",
        "CanonicalUser",
        "Principal",
    ),
    *(*ACTIONS, *RESOURCES, *PRINCIPALS, *KEYS, *VALUES, *OPERATOR_NAMES),
    *(None, [], {}, [[]], [{}], "\ud800", "%7b"),
]
ROGUE = ["NaN", "1e999", "9" * 5000, '"\\ud800"', "[" * 2000, '{"a":1,"a":2}', "\\u0000", "\x00", "\ufeff", "%"]
ASKED = [
    Request(Principal.parse(who), action, resource, ACCOUNT, DictContext(context, unknown))
    for who in (f"arn:aws:iam::{ACCOUNT}:user/a", f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s", "sns.amazonaws.com")
    for action, resource in (("s3:GetObject", "arn:aws:s3:::b/x"), ("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/r"))
    for context, unknown in (
        ({"aws:username": "a", "aws:TagKeys": ["x"], "aws:SourceIp": "10.1.1.1", "s3:max-keys": "5"}, ()),
        ({}, ("aws:username", "aws:TagKeys", "aws:SourceIp", "s3:max-keys", "aws:CurrentTime", "aws:PrincipalTag/a")),
    )
]


def mutated(value: Any, draw: random.Random) -> Any:
    """A JSON value with something changed somewhere."""
    if isinstance(value, dict) and value and draw.random() < 0.9:
        changed = dict(value)
        key = draw.choice(list(value))
        match draw.randrange(6):
            case 0:
                changed[str(draw.choice(WORDS))] = changed.pop(key)
            case 1:
                del changed[key]
            case 2:
                changed[str(draw.choice(WORDS))] = draw.choice(WORDS)
            case _:
                changed[key] = mutated(value[key], draw)
        return changed
    if isinstance(value, list) and value and draw.random() < 0.9:
        place = draw.randrange(len(value))
        return [*value[:place], mutated(value[place], draw), *value[place + draw.randrange(2) :]]
    if isinstance(value, str) and draw.random() < 0.7:
        return garbled(value, draw)
    return draw.choice(WORDS) if draw.random() < 0.7 else invented(draw, 3)


def garbled(text: str, draw: random.Random) -> str:
    """A text with letters taken out, put in or doubled."""
    for _ in range(draw.randrange(1, 4)):
        start, end = sorted(draw.randrange(len(text) + 1) for _ in range(2))
        bit = draw.choice([str(draw.choice(WORDS)), draw.choice(ROGUE), draw.choice(string.printable), text[start:end]])
        text = text[:start] + bit + text[draw.choice([start, end, min(start + 1, len(text))]) :]
    return text[:50_000]


def invented(draw: random.Random, depth: int) -> Any:
    """Random JSON in the words of policies."""
    if depth == 0 or draw.random() < 0.3:
        return draw.choice(WORDS)
    if draw.random() < 0.6:
        return {str(draw.choice(WORDS)): invented(draw, depth - 1) for _ in range(draw.randrange(5))}
    return [invented(draw, depth - 1) for _ in range(draw.randrange(4))]


def statement(draw: random.Random) -> dict[str, Any]:
    """A statement that is right more often than not."""

    def some(words: list[Any]) -> Any:
        words = words if draw.random() < 0.98 else WORDS
        listed = [draw.choice(words) for _ in range(draw.randrange(4))]
        return draw.choice(words) if draw.random() < 0.4 else listed

    found: dict[str, Any] = {"Effect": draw.choice(["Allow", "Deny"])}
    found[draw.choice(["Action", "NotAction"])] = some(ACTIONS)
    if draw.random() < 0.9:
        found[draw.choice(["Resource", "NotResource"])] = some(RESOURCES)
    if draw.random() < 0.6:
        kinds = draw.sample(["AWS", "AWS", "Service", "Federated", "CanonicalUser", "*"], draw.randrange(3))
        found[draw.choice(["Principal", "NotPrincipal"])] = {kind: some(PRINCIPALS) for kind in kinds} or "*"
    if draw.random() < 0.7:
        operators = draw.sample(OPERATOR_NAMES, draw.randrange(4))
        found["Condition"] = {
            name: {draw.choice(KEYS): some(VALUES) for _ in range(draw.randrange(4))} for name in operators
        }
    return found


def statements(draw: random.Random) -> dict[str, Any]:
    """A policy of such statements."""
    return {"Version": "2012-10-17", "Statement": [statement(draw) for _ in range(draw.randrange(1, 4))]}


def hostile(policies: list[Any], draw: random.Random) -> Any:
    """One input: an object, a text or bytes."""
    match draw.randrange(8):
        case 0 | 1 | 2:
            value = draw.choice(policies)
            for _ in range(draw.randrange(1, 5)):
                value = mutated(value, draw)
            return value if draw.random() < 0.5 else json.dumps(value)
        case 3 | 4:
            return statements(draw)
        case 5:
            return garbled(json.dumps(draw.choice(policies))[:4000], draw)
        case 6:
            return json.dumps(invented(draw, 6))
        case _:
            data = bytearray(json.dumps(draw.choice(policies))[:2000].encode())
            for _ in range(draw.randrange(1, 20)):
                data[draw.randrange(len(data))] = draw.randrange(256)
            return bytes(data) if draw.random() < 0.7 else draw.randbytes(draw.randrange(200))


def attempt(raw: Any) -> bool:
    """Whether an input is accepted; an accepted one is written again, reviewed and decided about."""
    try:
        document = parse_document(raw, source="fuzz")
    except PolicyError as error:
        assert str(error).encode(), "an error is text that can be printed"
        return False
    use(document)
    return True


def attempt_case(line: str | bytes) -> bool:
    """Whether a line of decision cases is decided; it is answered in any case, by an answer that can be printed."""
    answers = list(run_cases([line]))
    for answer in answers:
        json.dumps(answer, ensure_ascii=False).encode()
    return bool(answers) and answers[0]["verdict"] != "Error"


def case(policies: list[Any], draw: random.Random) -> str | bytes:
    """A line of decision cases, mostly with something wrong."""
    value: Any = {
        "id": "fuzz",
        "principal": draw.choice(PRINCIPALS),
        "action": "s3:GetObject",
        "resource": "arn:aws:s3:::b/x",
        "resource_account": ACCOUNT,
        "context": {"aws:username": "a", draw.choice(KEYS): draw.choice(VALUES)},
        "unknown": draw.sample(KEYS, 2),
        "identity_policies": [{"name": "p", "policy": statements(draw)}, draw.choice(policies)],
        "scps": [{"level": "root", "policies": [statements(draw)]}],
        "resource_policy": statements(draw),
        "settings": {"s3": {"blockPublicAccess": True}, "grants": [{"grantee": ACCOUNT, "operations": ["Decrypt"]}]},
    }
    for _ in range(draw.randrange(4)):
        value = mutated(value, draw)
    text = json.dumps(value)
    return garbled(text, draw) if draw.random() < 0.2 else text


def use(document: Document) -> None:
    """Whatever the program does with a document."""
    written = document.to_json()
    again = parse_document(json.dumps(written), source="again")
    if again.to_json() != written:
        raise AssertionError("what was written reads otherwise")
    kinds: tuple[DocumentKind, ...] = ("identity", "resource", "rcp")
    for kind in kinds:
        review(document, kind)
    for inputs in inputs_of(document):
        for request in ASKED:
            answer = decide(request, inputs)
            json.dumps([answer.layers, [item.to_json() for item in answer.because]])
            json.dumps(answer.residual.to_json() if answer.residual is not None else None)


def inputs_of(document: Document) -> list[Inputs]:
    """The document in each layer."""
    ref = PolicyRef("fuzz", document)
    level = Level("root", (ref,))
    return [Inputs(identity=(ref,), boundary=(ref,), scps=(level,)), Inputs(resource=ref, rcps=(level,), vpce=(ref,))]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    draw = random.Random(options.seed)
    policies = [item["Document"] for item in json.loads(aws_managed_policies_data).values()]
    counts: Counter[str] = Counter()
    seen: set[str] = set()
    until = time.monotonic() + options.minutes * 60
    while time.monotonic() < until:
        whole = draw.random() < 0.1
        raw = case(policies, draw) if whole else hostile(policies, draw)
        counts["inputs"] += 1
        try:
            counts["accepted" if (attempt_case(raw) if whole else attempt(raw)) else "refused"] += 1
        except Exception as error:  # noqa: BLE001  # a crash of any kind is what this looks for
            counts["crashes"] += 1
            place = traceback.extract_tb(error.__traceback__)[-1]
            name = f"{type(error).__name__} in {place.filename}:{place.lineno}"
            if name not in seen:
                seen.add(name)
                print(f"crash: {name}: {str(error)[:200]!r}\n  input: {repr(raw)[:2000]}", flush=True)
        if counts["inputs"] % 5_000 == 0:
            documents._INTERNED.clear()
    listed = ", ".join(f"{counts[name]:,} {name}" for name in ("inputs", "accepted", "refused", "crashes"))
    print(f"seed {options.seed}, {options.minutes:g} minutes: {listed}")
    return 1 if counts["crashes"] else 0


if __name__ == "__main__":
    sys.exit(main())
