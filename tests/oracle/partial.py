"""Random cases of which something was forgotten: what the product then says, against every completion.

A definite verdict must hold whatever was forgotten, and a residual must say exactly when the completed case is allowed.
"""

import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from policy.cases import run_cases
from tests.oracle.cases import world
from tests.oracle.evaluate import ALLOWED, Case, caller, evaluate
from tests.oracle.pools import VALUES
from tests.oracle.residual import holds
from tests.oracle.unknown import choices, combinations, completed, relevant

COMPLETIONS = 48  # as many of a case's completions are looked at, drawn by its seed if there are more
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
# What a document that was not read may turn out to be; an empty one neither allows nor denies.
CONTENTS = {"allow": [EVERYTHING], "deny": [{**EVERYTHING, "Effect": "Deny"}], "empty": []}
PLAIN = ("identity_policies", "permission_boundaries", "session_policies")
NAMING = ("vpc_endpoint_policies", "shares")
KEYS = [*VALUES, "aws:PrincipalArn", "aws:userid"]


class Forgotten(NamedTuple):
    """A case with unknown keys and unread documents, and the whole case with a place for each such document."""

    case: Case
    keys: list[str]
    places: dict[str, tuple[tuple[str | int, ...], bool]]
    whole: Case


def document_places(case: Case) -> Iterator[tuple[tuple[str | int, ...], bool]]:
    """Where the documents of a case stand, and whether they name principals."""
    # RAM shares a resource with others: what was not read of it gives nothing to the resource's own account (L16).
    own = caller(case)["account"] == case["resource_account"]
    for field in PLAIN + (NAMING[:1] if own else NAMING):
        for i in range(len(case.get(field, []))):
            yield (field, i), field in NAMING
    for field in ("scps", "rcps"):
        for i, level in enumerate(case.get(field, [])):
            for j in range(len(level["policies"])):
                yield (field, i, "policies", j), field == "rcps"
    # Nothing that a bucket policy may say lets unsigned callers in where public policies are blocked.
    if "resource_policy" in case and not (case["principal"] == "anonymous" and is_blocked(case)):
        yield ("resource_policy",), True


def put(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    """A copy of nested lists and objects with one place changed."""
    if not path:
        return new
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[path[0]] = put(copied[path[0]], path[1:], new)  # type: ignore[index]
    return copied


def forget(seed: int) -> Forgotten:
    """The case of a seed without one to three of its keys and, one time in three, without a document."""
    draw, whole = random.Random(seed), world(seed)
    text = json.dumps(relevant(whole)).lower()
    mentioned = [key for key in KEYS if key.lower() in text]
    keys = draw.sample(mentioned, min(len(mentioned), draw.choice([1, 1, 2, 3])))
    places = {}
    listed = list(document_places(whole))
    if listed and draw.random() < 0.33:
        places = {f"d{i}": place for i, place in enumerate(draw.sample(listed, 1))}
    case = whole
    for name, (path, _) in places.items():
        case = put(case, path, {"document": name})
    context = {key: value for key, value in whole["context"].items() if key.lower() not in map(str.lower, keys)}
    return Forgotten({**case, "context": context, "unknown": keys}, keys, places, {**whole, "context": context})


class Checked(NamedTuple):
    """What one forgetful case showed: `same` if all its completions get one answer, and whether all were looked at."""

    seed: int
    verdict: str
    same: bool
    exhaustive: bool
    wrong: list[str]


def contents(name: str, naming: bool, case: Case) -> dict[str, Any]:
    """A document that allows the request, denies it, or says nothing.

    It allows everybody, save where S3 would block a public policy: there it names the caller.
    """
    kind = "Service" if caller(case)["kind"] == "service" else "AWS"
    principal: Any = {kind: case["principal"]} if is_blocked(case) else "*"
    found = [{**statement, "Principal": principal} if naming else statement for statement in CONTENTS[name]]
    return {"Version": "2012-10-17", "Statement": found}


def is_blocked(case: Case) -> bool:
    return '"blockPublicAccess": true' in json.dumps(case.get("settings"))


def completions(forgotten: Forgotten) -> list[tuple[dict[str, Any], dict[str, str]]]:
    """The values of the unknown keys and the contents of the unread documents, in every combination."""
    keys = [*forgotten.keys, "session_name"] if ":role/" in forgotten.case["principal"] else forgotten.keys
    # What RAM adds to a resource never denies (L16).
    states = {
        name: [*CONTENTS] if path[0] != "shares" else ["allow", "empty"] for name, (path, _) in forgotten.places.items()
    }
    documents = combinations(states)
    return [(values, read) for values in combinations(choices(forgotten.whole, keys)) for read in documents]


def check(seed: int) -> Checked:
    """One forgetful case: its verdict against each completion, and its residual against each as well."""
    forgotten = forget(seed)
    answer = next(run_cases([json.dumps(forgotten.case)]))
    everything = completions(forgotten)
    looked_at = random.Random(seed).sample(everything, min(len(everything), COMPLETIONS))
    outcomes, wrong = set(), []
    for values, read in looked_at:
        case = completed(forgotten.whole, values)
        for name, (path, naming) in forgotten.places.items():
            case = put(case, path, contents(read[name], naming, case))
        allowed = evaluate(case) == ALLOWED
        outcomes.add(allowed)
        says = answer["verdict"] == ALLOWED
        if answer["verdict"] == "Conditional":
            if "empty" in read.values():
                continue  # of such a document the grammar does not say whether it allows the request
            says = holds(answer["residual"], as_judged(case), {name: state == "allow" for name, state in read.items()})
        if says != allowed:
            wrong.append(f"{values} {read}: {allowed}")
    return Checked(seed, answer["verdict"], len(outcomes) == 1, len(looked_at) == len(everything), wrong)


def as_judged(case: Case) -> Case:
    """A role's own choice of a session name is the key `sts:RoleSessionName` of a residual (L18)."""
    name = case["context"].get("session_name")
    return case if name is None else {**case, "context": {**case["context"], "sts:RoleSessionName": name}}


def check_all(seeds: Iterable[int]) -> tuple[Counter[str], list[Checked]]:
    """Counts (`same`, of these `definite`, and verdicts), and the cases with something wrong."""
    counts: Counter[str] = Counter()
    wrong = []
    for checked in map(check, seeds):
        counts[checked.verdict] += 1
        if checked.same and checked.exhaustive:
            counts["same"] += 1
            counts["definite"] += checked.verdict != "Conditional"
        if checked.wrong:
            wrong.append(checked)
    return counts, wrong
