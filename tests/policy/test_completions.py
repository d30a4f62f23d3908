"""Unknown context judged from outside: keys are taken out of the decision cases, every completion is put back.

A request with unknown keys must agree with all its completions: a definite verdict with each of them, a residual by
what another program (`residual_judge`) finds when it evaluates it. Semantics U1, U2, U6, U7.
"""

from __future__ import annotations

import gzip
import itertools
import json
import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from policy.cases import run_cases
from tests.policy.completing import VARIABLE, Case, completions, said_of, texts, values_of, without_keys
from tests.policy.residual_judge import complaints, holds, leaves

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "conformance"
needs_cases = pytest.mark.skipif(not FOLDER.is_dir(), reason="the decision cases (../shared/conformance) are not here")
from_cases = pytest.mark.part("cases")

POLICIES = ("identity_policies", "permission_boundaries", "session_policies", "vpc_endpoint_policies")
Draw = Callable[[int, int], list[Case]]


@lru_cache
def all_cases() -> list[Case]:
    generated = gzip.decompress((FOLDER / "decisions.jsonl.gz").read_bytes()).decode().splitlines()
    written = (FOLDER / "documented.jsonl").read_text().splitlines()
    return list(map(json.loads, generated + written))


def sample(size: int, seed: int) -> list[Case]:
    """Cases whose verdict is sure."""
    return random.Random(seed).sample([case for case in all_cases() if case.get("trust") != "single"], size)


def mixed(size: int, seed: int) -> list[Case]:
    """Requests of cases under the policies of other cases about the same action: more statements that matter."""
    chance = random.Random(seed)
    alike: dict[str, list[Case]] = {}
    for case in all_cases():
        alike.setdefault(case["action"], []).append(case)
    found = []
    for number, case in enumerate(chance.sample(all_cases(), size)):
        fields = {name: chance.choice(alike[case["action"]]).get(name) for name in (*POLICIES, "scps", "rcps")}
        identity = [
            policy
            for other in chance.choices(alike[case["action"]], k=2)
            for policy in other.get("identity_policies", ())
        ]
        fields["identity_policies"] = [
            {"name": f"p{i}", "policy": policy.get("policy", policy)} for i, policy in enumerate(identity)
        ]
        found.append({**case, **fields, "id": f"mixed-{seed}-{number}"})
    return found


def decided(cases: list[Case]) -> list[dict[str, Any]]:
    return list(run_cases(json.dumps(case) for case in cases))


@dataclass
class Judged:
    """What became of a sample."""

    requests: int = 0
    one_answer: int = 0
    sizes: list[int] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    shapes: list[str] = field(default_factory=list)
    needlessly_open: list[str] = field(default_factory=list)

    def definite_share(self) -> float:
        """Of the requests whose completions all give one answer, those that got a definite verdict."""
        return 1 - len(self.needlessly_open) / self.one_answer


def judge(cases: list[Case], seed: int, limit: int = 64) -> Judged:
    chance, judged = random.Random(seed), Judged()
    for case in cases:
        said = said_of(case)
        opened = without_keys(case, said, chance)
        if not opened["unknown"]:
            continue
        values = [values_of(key, case, said, chance) for key in opened["unknown"]]
        if not judge_one(opened, completions(opened, values, limit, chance), judged):
            # Open, though all that were tried agree: try more before it is held against the verdict.
            judge_one(opened, completions(opened, values, 5_000, chance), judged, last=True)
    return judged


def judge_one(opened: Case, completed: list[Case], judged: Judged, *, last: bool = False) -> bool:
    """Judges a request; false where more completions have to be tried first."""
    answer, *full = decided([opened, *completed])
    tree, verdicts = answer["residual"], {one["verdict"] for one in full}
    if tree and len({verdict == "Allowed" for verdict in verdicts}) == 1 and not last:
        return False

    def note(text: str, **more: Any) -> str:
        return f"{opened['id']}: {text} {json.dumps({'unknown': opened['unknown'], **more})}"

    judged.requests += 1
    if (tree is None) == (answer["verdict"] == "Conditional") or not verdicts <= DEFINITE:
        judged.differences.append(note(f"{answer['verdict']}, the completions {sorted(verdicts)}", residual=tree))
    for one, verdict in zip(completed, (one["verdict"] for one in full), strict=True):
        allowed = holds(tree, one["context"]) if tree else answer["verdict"] == "Allowed"
        if allowed != (verdict == "Allowed"):
            given = {key: one["context"].get(key) for key in opened["unknown"]}
            judged.differences.append(note(f"{answer['verdict']} {allowed}, completed {verdict}", given=given))
            break
    if len({verdict == "Allowed" for verdict in verdicts}) == 1:
        judged.one_answer += 1
        judged.needlessly_open += [note("one answer", residual=tree)] if tree else []
    if tree:
        judged.sizes.append(len(list(leaves(tree))))
        judged.shapes += [note(text, residual=tree) for text in complaints(tree)]
        judged.shapes += [note(text) for leaf in leaves(tree) for text in misplaced(leaf, opened)]
    return True


# -- where a leaf comes from


def documents(case: Case) -> dict[tuple[str, str], Any]:
    """The documents of a case by layer and name, as answers name them."""
    found: dict[tuple[str, str], Any] = {}
    for layer, name in LAYERS.items():
        for i, policy in enumerate(case.get(name) or ()):
            named = "policy" in policy
            found[layer, policy["name"] if named else f"{layer}[{i}]"] = policy["policy"] if named else policy
    for layer in ("scp", "rcp"):
        for level in case.get(f"{layer}s") or ():
            for i, policy in enumerate(level["policies"]):
                found[layer, f"{layer}/{level['level']}[{i}]"] = policy
    found["resource", "resource"] = case.get("resource_policy")
    return found


def misplaced(leaf: Mapping[str, Any], case: Case) -> Iterator[str]:
    """What is wrong with the place that a leaf names, and with its `by` (U7)."""
    written = documents(case)[leaf["layer"], leaf["policy"]]["Statement"]
    statement = (written if isinstance(written, list) else [written])[leaf["statement"]]
    if statement.get("Sid") != leaf["sid"]:
        yield f"sid {leaf['sid']!r}"
    if "matches" in leaf:
        patterns = texts(statement.get("Resource", [])) + texts(statement.get("NotResource", []))
        if not any(VARIABLE.search(pattern) for pattern in patterns):
            yield f"no pattern {leaf['matches']!r}"
        return
    found = statement.get("Condition", {}).get(leaf["operator"], {}).get(leaf["key"])
    if found is None:
        if leaf["key"] not in ("aws:PrincipalArn", "aws:userid", "sts:RoleSessionName") or "Principal" not in str(
            list(statement)
        ):
            yield f"no condition {leaf['operator']} {leaf['key']}"
    elif leaf["values"] != texts(found) and "${" not in str(found):
        yield f"values {leaf['values']} of {found}"
    unknown = {key.lower() for key in case.get("unknown", ())}
    kind = BY.get(leaf["key"].lower().partition("/")[0])
    if kind and leaf["key"].lower() in unknown and not VARIABLE.search(str(leaf["values"])) and leaf["by"] != kind:
        yield f"{leaf['key']} by {leaf['by']}"


LAYERS = dict(zip(("identity", "boundary", "session", "vpce"), POLICIES, strict=True))
DEFINITE = {"Allowed", "ImplicitlyDenied", "ExplicitlyDenied"}
# U7: the keys that the rule names.
BY = dict.fromkeys(
    ("aws:requesttag", "aws:tagkeys", "aws:calledvia", "s3:prefix", "iam:passedtoservice", "kms:viaservice"), "caller"
) | dict.fromkeys(("aws:sourceip", "aws:sourcevpce", "aws:multifactorauthpresent", "sts:externalid"), "environment")


# -- the judge itself


TAG = {"key": "k", "by": "caller", "layer": "identity", "policy": "p", "sid": None, "statement": 0}


@pytest.mark.parametrize(
    ("operator", "values", "given", "expected"),
    [
        ("StringEquals", ["a"], {}, False),
        ("StringNotEquals", ["a"], {}, True),
        ("StringEqualsIfExists", ["a"], {}, True),
        ("StringLike", ["a*"], {"K": "ab"}, True),
        ("StringLike", ["a${*}"], {"k": "ab"}, False),
        ("StringEquals", ["${t}-x"], {"k": "b-x", "T": "b"}, True),
        ("StringEquals", ["${t}"], {"k": "b"}, False),
        ("StringNotEquals", ["${t}"], {"k": "b"}, True),
        ("StringEquals", ["${t, 'b'}"], {"k": "b"}, True),
        ("StringEquals", ["${$}{t}"], {"k": "${t}"}, True),
        ("ArnLike", ["arn:aws:iam::*:role/x*"], {"k": "arn:aws:iam::1:role/x/y"}, True),
        ("ArnLike", ["arn:aws:*:role/x"], {"k": "arn:aws:iam::1:role/x"}, False),
        ("DateLessThan", ["1735689600"], {"k": "2024-12-31T23:59:59Z"}, True),
        ("NumericEquals", ["5.0"], {"k": "5"}, True),
        ("NumericEquals", ["5"], {"k": "5abc"}, False),
        ("IpAddress", ["10.0.0.0/8"], {"k": "10.1.2.3"}, True),
        ("NotIpAddress", ["10.0.0.0/8"], {"k": "2001:db8::1"}, True),
        ("Bool", ["True"], {"k": "true"}, True),
        ("Null", ["true"], {}, True),
        ("ForAllValues:StringEquals", ["a"], {}, True),
        ("ForAllValues:StringEquals", ["a"], {"k": ["a", "b"]}, False),
        ("ForAnyValue:StringEquals", ["a"], {"k": ["a", "b"]}, True),
        ("ForAnyValue:StringNotEquals", ["a"], {}, False),
        ("ForAnyValue:StringEqualsIfExists", ["a"], {}, True),
    ],
)
def test_the_judge_knows_the_operators(operator: str, values: list[str], given: Case, expected: bool) -> None:
    leaf = {**TAG, "operator": operator, "values": values}
    assert holds(leaf, given) is expected
    assert holds({"not": leaf}, given) is not expected
    assert list(complaints(leaf)) == []


def test_the_judge_takes_a_list_without_set_operator_for_no_match() -> None:
    leaf = {**TAG, "key": "aws:TagKeys", "operator": "StringNotEquals", "values": ["a"]}
    assert not holds(leaf, {"aws:TagKeys": ["b"]})
    assert holds(leaf, {})


def test_the_judge_sees_what_is_superfluous() -> None:
    one, two, three = ({**TAG, "operator": "StringEquals", "values": [value]} for value in "abc")
    trees: list[Case] = [
        {"all": []},
        {"any": [one]},
        {"all": [one, one]},
        {"all": [one, {"all": [two, three]}]},
        {"all": [one, {"any": [one, two]}]},
        {"any": [{"all": [one, two]}, {"all": [one, two, three]}]},
        {"not": {"not": one}},
        {"not": {**one, "operator": "Equals"}},
        {**one, "note": ""},
    ]
    for tree in trees:
        assert list(complaints(tree)), tree
    assert list(complaints({"any": [{"all": [one, two]}, {"all": [one, {"not": two}]}, three]})) == []


# -- the judgement


@from_cases
@needs_cases
@pytest.mark.parametrize(("draw", "size"), [(sample, 1_000), (mixed, 300)])
def test_requests_with_unknown_keys_agree_with_every_completion(draw: Draw, size: int) -> None:
    judged = judge(draw(size, 5), 5, limit=48)
    assert judged.differences == []
    assert judged.shapes == []
    assert judged.definite_share() >= 0.98, judged.needlessly_open
    assert len(judged.sizes) > size / 8
    assert sorted(judged.sizes)[len(judged.sizes) * 95 // 100] <= 5
    assert max(judged.sizes) <= 12


@from_cases
@needs_cases
@pytest.mark.long
@pytest.mark.parametrize("seed", range(6))
def test_all_requests_with_unknown_keys_agree_with_every_completion(seed: int) -> None:
    for cases in (all_cases(), mixed(2_000, seed)):
        judged = judge(cases, seed)
        assert judged.differences == []
        assert judged.shapes == []
        assert judged.definite_share() >= 0.99, judged.needlessly_open


@from_cases
@needs_cases
def test_a_role_is_reached_under_the_session_names_that_its_residual_allows() -> None:
    """L18: the role's answer, completed with a session name, is the answer of that session."""
    open_ones = 0
    for case in all_cases():
        found = re.fullmatch(r"arn:aws:sts::\d+:assumed-role/([^/]+)/(.+)", case["principal"])
        role, context = case.get("context", {}).get("aws:PrincipalArn"), case.get("context", {})
        if not found or not role or "sts:RoleSessionName" in context or "/s1" not in str(case.get("resource_policy")):
            continue
        sessions = [found[2], "stranger", *re.findall(rf"assumed-role/{found[1]}/([\w-]+)", str(case))]
        named = [case["principal"].removesuffix(found[2]) + name for name in sessions]
        asked, *full = decided([{**case, "principal": principal} for principal in (role, *named)])
        open_ones += asked["verdict"] == "Conditional"
        for name, one in zip(sessions, full, strict=True):
            given = context | {"sts:RoleSessionName": name}
            allowed = holds(asked["residual"], given) if asked["residual"] else asked["verdict"] == "Allowed"
            assert allowed == (one["verdict"] == "Allowed"), (case["id"], name, asked, one["verdict"])
    assert open_ones > 20


# -- documents that could not be collected


def places(case: Case) -> list[tuple[str, tuple[Any, ...]]]:
    """Layer and path of each document."""
    found: list[tuple[str, tuple[Any, ...]]] = []
    for layer, name in LAYERS.items():
        for i, policy in enumerate(case.get(name) or ()):
            found.append((layer, (name, i, "policy") if "policy" in policy else (name, i)))
    for layer in ("scp", "rcp"):
        for i, level in enumerate(case.get(f"{layer}s") or ()):
            found += [(layer, (f"{layer}s", i, "policies", j)) for j in range(len(level["policies"]))]
    return found + [("resource", ("resource_policy",))] * (case.get("resource_policy") is not None)


def with_document(case: Case, path: tuple[Any, ...], document: Any) -> Case:
    copied: Case = json.loads(json.dumps(case))
    node: Any = copied
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = document
    return copied


def everything(effect: str, layer: str) -> Case:
    statement = {"Effect": effect, "Action": "*", "Resource": "*"}
    named = {"Principal": "*"} if layer in ("resource", "rcp", "vpce") else {}
    return {"Version": "2012-10-17", "Statement": [statement | named]}


@from_cases
@needs_cases
@pytest.mark.parametrize("count", [1, 2])
def test_documents_that_were_not_collected_agree_with_documents_that_allow_or_deny_everything(count: int) -> None:
    """U6: the leaf is true of a document that allows the request and false of one that denies it."""
    chance, conditional = random.Random(count), 0
    for case in sample(300, count):
        layers = dict(chance.sample(places(case), len(places(case))))
        conditional += documents_agree(case, list(layers.items())[:count])
    assert conditional > 40


def documents_agree(case: Case, chosen: list[tuple[str, tuple[Any, ...]]]) -> bool:
    """Whether the answer without the chosen documents is Conditional; it must agree with every completion."""
    opened, context = case, case.get("context", {})
    for number, (_, path) in enumerate(chosen):
        opened = with_document(opened, path, {"document": f"x{number}"})
    answer = decided([opened])[0]
    tree = answer["residual"]
    assert not tree or list(complaints(tree)) == [], answer
    for truths in itertools.product((True, False), repeat=len(chosen)):
        completed = case
        for (layer, path), truth in zip(chosen, truths, strict=True):
            completed = with_document(completed, path, everything("Allow" if truth else "Deny", layer))
        known = {f"x{number}": truth for number, truth in enumerate(truths)}
        verdict = decided([completed])[0]["verdict"]
        said = holds(tree, context, known) if tree else answer["verdict"] == "Allowed"
        assert said == (verdict == "Allowed"), (case["id"], chosen, truths, answer, verdict)
    return tree is not None
