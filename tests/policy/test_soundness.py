"""U2: whatever the unknown turns out to be, a definite verdict holds, and a residual tells the full evaluation."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policy.context_values import DictContext, Unknown, is_multivalued
from policy.decide import Decision, Verdict, decide
from policy.document import parse_document
from policy.inputs import Inputs, Level, PolicyRef
from policy.request import Principal, Request
from policy.residual import by_caller_only, conjunction, disjunction, evaluate, leaves, negation, settle

ACCOUNT, OTHER = "111111111111", "222222222222"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/app"
PRINCIPALS = [f"arn:aws:iam::{ACCOUNT}:user/alice", ROLE, f"arn:aws:sts::{ACCOUNT}:assumed-role/app/s1", "anonymous"]
LONG = "arn:aws:s3:::b/alice/team-zebra/00000000-1111-2222-3333-444444444444"
RESOURCES = ["arn:aws:s3:::b/alice/x", "arn:aws:s3:::b/s3/x", "arn:aws:s3:::c", LONG]
PATTERNS = [
    "*",
    "arn:aws:s3:::b/*",
    "arn:aws:s3:::b/${aws:username}/*",
    "arn:aws:s3:::${aws:PrincipalTag/team, 'b'}/*",
    "arn:aws:s3:::b/${aws:username}/${aws:PrincipalTag/team}",
    "arn:aws:s3:::c",
    "arn:aws:s3:::*${aws:username}*",
    "arn:aws:s3:::b*${aws:PrincipalTag/team, 'b'}*",
]
# Key → values that policies and requests use; the patterns overlap on purpose.
VALUES: dict[str, list[str]] = {
    "aws:username": ["alice", "bob", "a*", "AL?CE", "${aws:PrincipalTag/team}"],
    "aws:PrincipalTag/team": ["b", "x", "*", "alice/x", "${aws:username}"],
    "aws:TagKeys": ["team", "t*", "cost", "${aws:username}"],
    "aws:userid": ["AROAAPP:s1", "*:s2", "*:s*"],
    "aws:CalledVia": ["athena.amazonaws.com", "a*"],
    "aws:SourceIp": ["10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32", "203.0.113.7"],
    "s3:max-keys": ["5", "10", "10.5", "x"],
    "aws:CurrentTime": ["2025-01-01T00:00:00Z", "1700000000"],
    "aws:SecureTransport": ["true", "false"],
    "aws:PrincipalArn": [ROLE, "arn:aws:iam::*:role/*", "arn:aws:iam:*:role/app"],
}
FAMILIES = {
    "aws:SourceIp": ["IpAddress", "NotIpAddress"],
    "s3:max-keys": ["NumericEquals", "NumericLessThan", "NumericGreaterThanEquals", "NumericNotEquals"],
    "aws:CurrentTime": ["DateLessThan", "DateGreaterThanEquals", "DateEquals"],
    "aws:SecureTransport": ["Bool"],
    "aws:PrincipalArn": ["ArnLike", "ArnNotEquals", "StringLike", "StringNotEquals"],
}
TEXT = ["StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIgnoreCase"]
OTHERS = ["zebra", "10.200.0.1", "7", "2025-06-01T00:00:00Z", "ALICE", "s3", "c", "arn:aws:iam::1:role/app", ""]


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    built: dict[str, Any] = {}
    for _ in range(draw(st.integers(0, 2))):
        key = draw(st.sampled_from(sorted(VALUES)))
        operator = draw(st.sampled_from([*FAMILIES.get(key, TEXT), "Null"]))
        if operator == "Null":
            built.setdefault("Null", {})[key] = draw(st.sampled_from(["true", "false"]))
            continue
        operator = draw(st.sampled_from(["", "", "ForAllValues:", "ForAnyValue:"])) + operator
        operator += draw(st.sampled_from(["", "", "IfExists"]))
        built.setdefault(operator, {})[key] = draw(st.lists(st.sampled_from(VALUES[key]), min_size=1, max_size=2))
    return built


@st.composite
def statements(draw: st.DrawFn, *, named: bool) -> dict[str, Any]:
    built: dict[str, Any] = {"Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"]))}
    built[draw(st.sampled_from(["Action", "Action", "NotAction"]))] = draw(
        st.sampled_from(["s3:*", "s3:GetObject", "s3:Put*"])
    )
    built[draw(st.sampled_from(["Resource", "Resource", "NotResource"]))] = draw(
        st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=2)
    )
    condition = draw(conditions())
    if condition:
        built["Condition"] = condition
    if named:
        names = st.sampled_from(
            [*PRINCIPALS[:3], f"arn:aws:sts::{ACCOUNT}:assumed-role/app/s2", ACCOUNT, "AROAAPP", "*"]
        )
        kind = draw(st.sampled_from(["Principal", "Principal", "NotPrincipal"]))
        built[kind] = {"AWS": draw(st.lists(names, min_size=1, max_size=3))}
    return built


def policies(*, named: bool = False, seen: bool = False) -> st.SearchStrategy[dict[str, Any] | None]:
    """Documents; `None` is one that could not be collected."""
    document = st.lists(statements(named=named), min_size=1, max_size=3).map(
        lambda listed: {"Version": "2012-10-17", "Statement": listed}
    )
    return document if seen else st.one_of(document, document, document, st.none())


@dataclass(frozen=True)
class World:
    principal: str
    resource: str
    owner: str
    identity: list[dict[str, Any] | None]
    boundary: list[dict[str, Any] | None]
    scps: list[list[dict[str, Any] | None]]
    rcps: list[list[dict[str, Any] | None]]
    resource_policy: tuple[dict[str, Any] | None] | None
    context: dict[str, list[str]]
    unknown: list[str]


def values_of(key: str) -> st.SearchStrategy[list[str]]:
    plain = [value.replace("*", "").replace("?", "I") for value in VALUES[key] if "$" not in value]
    one = st.sampled_from([*(value.partition("/")[0] if key == "aws:SourceIp" else value for value in plain), *OTHERS])
    return st.lists(one, max_size=3) if is_multivalued(key) else st.lists(one, min_size=1, max_size=1)


CONTEXTS = st.fixed_dictionaries({}, optional={key: values_of(key) for key in VALUES})
WORLDS = st.builds(
    World,
    principal=st.sampled_from(PRINCIPALS),
    resource=st.sampled_from(RESOURCES),
    owner=st.sampled_from([ACCOUNT, ACCOUNT, OTHER]),
    identity=st.one_of(st.lists(policies(seen=True), max_size=2), st.tuples(policies()).map(list)),
    boundary=st.one_of(st.just([]), st.tuples(policies()).map(list)),
    scps=st.lists(st.tuples(policies()).map(list), max_size=2),
    rcps=st.lists(st.tuples(policies(named=True)).map(list), max_size=1),
    resource_policy=st.one_of(st.none(), st.tuples(policies(named=True))),
    context=CONTEXTS,
    unknown=st.lists(st.sampled_from(sorted(VALUES)), max_size=4, unique=True),
)


def answered(world: World, context: DictContext, documents: dict[str, bool] | None, session: str | None) -> Decision:
    """The decision; `documents` completes the uncollected ones with one that allows or denies everything."""

    def ref(name: str, raw: dict[str, Any] | None, named: bool = False) -> PolicyRef:
        if raw is None and documents is not None:
            raw = {"Effect": "Allow" if documents[name] else "Deny", "Action": "*", "Resource": "*"}
            raw = {"Version": "2012-10-17", "Statement": raw | ({"Principal": "*"} if named else {})}
        return PolicyRef(name, None if raw is None else parse_document(raw))

    def levels(name: str, listed: list[list[dict[str, Any] | None]], named: bool = False) -> tuple[Level, ...]:
        return tuple(
            Level(f"{name}{i}", tuple(ref(f"{name}{i}", raw, named) for raw in level)) for i, level in enumerate(listed)
        )

    principal = Principal.parse(world.principal, role_arn=ROLE if "assumed-role" in world.principal else None)
    if world.principal == ROLE and session is not None:
        principal = Principal.parse(f"arn:aws:sts::{ACCOUNT}:assumed-role/app/{session}", role_arn=ROLE)
    if principal.kind in ("role", "session"):
        principal = replace(principal, unique_id="AROAAPP")
    policy = None if world.resource_policy is None else ref("resource", world.resource_policy[0], named=True)
    inputs = Inputs(
        identity=tuple(ref(f"identity{i}", raw) for i, raw in enumerate(world.identity)),
        boundary=tuple(ref("boundary", raw) for raw in world.boundary),
        scps=levels("scp", world.scps),
        rcps=levels("rcp", world.rcps, named=True),
        resource=policy,
    )
    return decide(Request(principal, "s3:GetObject", world.resource, world.owner, context), inputs)


def partial(world: World) -> DictContext:
    known = {key: value for key, value in world.context.items() if key not in world.unknown}
    unknown = {key: Unknown(prefix="AROAAPP:" if key == "aws:userid" else "") for key in world.unknown}
    return DictContext(known, unknown)


def verdict(
    unknown: list[str], own: tuple[dict[str, Any], ...] = (), attached: tuple[dict[str, Any]] | None = None
) -> Verdict:
    """Of a role under its own policies and the resource's, where these keys are not known."""
    world = World(ROLE, RESOURCES[0], ACCOUNT, [*own], [], [], [], attached, {}, unknown)
    return answered(world, partial(world), None, None).verdict


PROFILE = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@PROFILE
@given(world=WORLDS, data=st.data())
def test_a_definite_verdict_holds_and_a_residual_predicts_every_completion(world: World, data: st.DataObject) -> None:
    decision = answered(world, partial(world), None, None)
    assert (decision.residual is None) == (decision.verdict is not Verdict.CONDITIONAL)
    for _ in range(4):
        completed = {key: value for key, value in world.context.items() if key not in world.unknown}
        session = data.draw(st.sampled_from(["s1", "s2", "x"]))
        for key in world.unknown:
            if key == "aws:userid":
                own = session if world.principal == ROLE else data.draw(st.sampled_from(["s1", "s2", "x"]))
                completed[key] = ["AROAAPP:" + own]
            else:
                value = data.draw(st.one_of(st.none(), values_of(key)))
                completed.update({} if value is None else {key: value})
        names = ["identity0", "boundary", "scp0", "scp1", "rcp0", "resource"]
        documents = {name: data.draw(st.booleans()) for name in names}
        full = answered(world, DictContext(completed), documents, session)
        assert full.verdict is not Verdict.CONDITIONAL
        allowed = full.verdict is Verdict.ALLOWED
        if decision.residual is None:
            assert allowed == (decision.verdict is Verdict.ALLOWED)
            if decision.verdict is Verdict.EXPLICITLY_DENIED:
                assert full.verdict is Verdict.EXPLICITLY_DENIED
        else:
            values = dict(completed) | {"sts:RoleSessionName": [session]}
            assert evaluate(decision.residual, values, documents) == allowed, json.dumps(decision.residual.to_json())


@pytest.mark.parametrize(
    ("operator", "value", "wanted"),
    [
        ("StringLike", "*:s1", Verdict.CONDITIONAL),
        ("StringLike", "*:s2", Verdict.IMPLICITLY_DENIED),
        ("StringEquals", "AROAAPP:s1", Verdict.CONDITIONAL),
        ("StringEquals", "AROAELSE:s1", Verdict.IMPLICITLY_DENIED),
        ("StringNotLike", "*:s1", Verdict.IMPLICITLY_DENIED),
        ("StringNotLike", "*:s2", Verdict.CONDITIONAL),
    ],
)
def test_a_session_has_one_name(operator: str, value: str, wanted: Verdict) -> None:
    """``aws:userid`` of a session ends with the name that a principal is known by (L18): no session is called both."""
    named = {"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/app/s1"}
    statement = {"Effect": "Allow", "Principal": named, "Action": "s3:GetObject", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": statement | {"Condition": {operator: {"aws:userid": value}}}}
    assert verdict(["aws:userid"], attached=(policy,)) is wanted


@pytest.mark.parametrize(
    ("operator", "key", "wanted"),
    [
        # Without the tag the values are nothing, and nothing is unlike anything.
        ("StringNotEquals", "aws:ResourceTag/team", Verdict.EXPLICITLY_DENIED),
        ("StringNotLikeIfExists", "aws:ResourceTag/team", Verdict.EXPLICITLY_DENIED),
        ("ForAllValues:StringNotEquals", "aws:TagKeys", Verdict.CONDITIONAL),
        # Two values, and no values, are false however they compare (C3).
        ("StringNotEquals", "aws:TagKeys", Verdict.CONDITIONAL),
        ("ForAnyValue:StringNotEqualsIfExists", "aws:TagKeys", Verdict.CONDITIONAL),
        ("StringEquals", "aws:ResourceTag/team", Verdict.CONDITIONAL),
    ],
)
def test_a_denial_unless_two_keys_agree_beside_one_where_the_second_is_there(
    operator: str, key: str, wanted: Verdict
) -> None:
    """M3: a variable without a value matches nothing."""
    everything = {"Action": "s3:*", "Resource": "*"}
    statements = [
        everything | {"Effect": "Allow"},
        everything | {"Effect": "Deny", "Condition": {"Null": {"aws:RequestTag/team": "false"}}},
        everything | {"Effect": "Deny", "Condition": {operator: {key: "${aws:RequestTag/team}"}}},
    ]
    policy = {"Version": "2012-10-17", "Statement": statements}
    assert verdict([key, "aws:RequestTag/team"], own=(policy,)) is wanted


@pytest.mark.parametrize(
    ("pattern", "condition", "wanted"),
    [
        ("arn:aws:s3:::*${aws:username}*", {"StringEquals": {"aws:username": "alice"}}, Verdict.CONDITIONAL),
        ("arn:aws:s3:::*${aws:username}*", {"StringEquals": {"aws:username": "bob"}}, Verdict.IMPLICITLY_DENIED),
        (
            "arn:aws:s3:::*${aws:username}*",
            {"StringEquals": {"aws:username": ["bob", "carol"]}},
            Verdict.IMPLICITLY_DENIED,
        ),
        (
            "arn:aws:s3:::*${aws:username}*",
            {"StringLike": {"aws:username": ["bob", "team-?ebra"]}},
            Verdict.CONDITIONAL,
        ),
        ("arn:aws:s3:::*${aws:username}*", {"Null": {"aws:username": "true"}}, Verdict.IMPLICITLY_DENIED),
        ("arn:aws:s3:::*${aws:username, 'none'}*", {"Null": {"aws:username": "true"}}, Verdict.IMPLICITLY_DENIED),
        ("arn:aws:s3:::*${aws:username, 'alice'}*", {"Null": {"aws:username": "true"}}, Verdict.CONDITIONAL),
        ("arn:aws:s3:::*${aws:username}*", {"StringNotEquals": {"aws:username": "alice"}}, Verdict.CONDITIONAL),
    ],
)
def test_a_variable_in_the_midst_of_a_long_name(pattern: str, condition: dict[str, Any], wanted: Verdict) -> None:
    """A value that a condition asks for is in the name or not, however many others would be in it (semantics U2)."""
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": pattern, "Condition": condition}
    world = World(ROLE, LONG, ACCOUNT, [{"Version": "2012-10-17", "Statement": statement}], [], [], [], None, {}, [])
    decision = answered(world, DictContext({}, {"aws:username": Unknown("caller")}), None, None)
    assert decision.verdict is wanted
    if decision.residual is not None:  # the caller can only where a text is known that does it
        named = "alice" in json.dumps(condition.get("StringEquals", {})) or "Null" in condition
        assert by_caller_only(decision.residual) is named


def test_very_many_variables_in_the_midst_of_a_long_name_are_open() -> None:
    patterns = [f"{LONG[:place]}*${{aws:username}}*" for place in range(13, 43)]
    condition = {"StringNotEquals": {"aws:username": "bob"}}
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": patterns, "Condition": condition}
    world = World(ROLE, LONG, ACCOUNT, [{"Version": "2012-10-17", "Statement": statement}], [], [], [], None, {}, [])
    decision = answered(world, DictContext({}, {"aws:username": Unknown("caller")}), None, None)
    assert decision.verdict is Verdict.CONDITIONAL


@PROFILE
@given(world=WORLDS)
def test_simplification_keeps_the_meaning(world: World) -> None:
    decision = answered(world, partial(world), None, None)
    if decision.residual is None:
        return
    residual = decision.residual
    assert settle(residual) is residual
    assert conjunction([residual, residual]) == residual
    assert disjunction([residual, residual]) == residual
    assert settle(conjunction([residual, negation(residual)]) or residual).to_json() == {"any": []}
    assert settle(disjunction([residual, negation(residual)])).to_json() == {"all": []}


@PROFILE
@given(world=WORLDS, data=st.data())
def test_what_the_caller_can_bring_about_needs_nothing_of_the_environment(world: World, data: st.DataObject) -> None:
    owners: dict[str, Any] = {key: data.draw(st.sampled_from(["caller", "environment"])) for key in world.unknown}
    known = {key: value for key, value in world.context.items() if key not in world.unknown}
    context = DictContext(known, {key: Unknown(owner) for key, owner in owners.items()})
    residual = answered(world, context, None, None).residual
    if residual is None or not by_caller_only(residual):
        return
    # If every leaf of the environment could make it false, the caller alone could not make it true.
    listed = leaves(residual)
    assert any(getattr(leaf, "by", "environment") == "caller" for leaf in listed)
