"""Actions that need an Allow on several resources at once (semantics M6)."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from model.entities import OrganizationPolicy, Resource
from model.inventory import Inventory
from policy.assemble import Assembler
from policy.cases import run_cases
from policy.context import Overrides
from policy.decide import decide
from policy.explain import explain
from policy.globs import covers, meet, meeting, template
from policy.patterns import matcher, resource_parts
from policy.required import with_required
from policy.together import together
from policy.verdicts import Because, Decision, Verdict
from tests.graph.worlds import MANAGEMENT, ONE, TWO, allow, deny, document, key, made, role, seeds, user

RUN = "ec2:RunInstances"
HERE = f"arn:aws:ec2:eu-west-1:{ONE}:"
INSTANCE = f"{HERE}instance/i-1"
SUBNET_OF = {"StringEquals": {"aws:ResourceTag/stage": "test"}}


def ec2(*kinds: str, region: str = "*") -> list[str]:
    return [f"arn:aws:ec2:{region}:*:{kind}/*" for kind in kinds]


ALL = ec2("instance", "image", "network-interface", "security-group", "subnet")
REST = [pattern for pattern in ALL if "subnet" not in pattern]


def decided(
    *statements: dict[str, Any],
    action: str = RUN,
    resource: str = INSTANCE,
    overrides: Overrides | None = None,
    of: str = "",
    **fields: Any,
) -> Decision:
    kim = user("kim", ONE, *statements, **fields.pop("kim", {}))
    assembler = Assembler(Inventory(made(users=(kim,), **fields)))
    caller = assembler.caller(assembler.principal(of or kim.arn))
    return assembler.decide(caller, action, resource, overrides or Overrides())


def said(*statements: dict[str, Any], resource: str = INSTANCE, **fields: Any) -> list[str]:
    kim = user("kim", ONE, *statements)
    assembler = Assembler(Inventory(made(users=(kim,), **fields)))
    caller = assembler.caller(assembler.principal(kim.arn))
    request, inputs = assembler.request(caller, RUN, resource)
    return explain(request, inputs, assembler.decide(caller, RUN, resource))


@pytest.mark.parametrize("pattern", ["*", "arn:aws:ec2:*", f"arn:aws:ec2:eu-*:{ONE}:*/*"])
def test_an_allow_on_everything_is_an_allow_on_each(pattern: str) -> None:
    assert decided(allow(RUN, pattern), allow(RUN, ec2("image"))).verdict is Verdict.ALLOWED


def test_an_allow_on_each_type_is_enough() -> None:
    assert decided(allow(RUN, ALL)).verdict is Verdict.ALLOWED
    assert decided(allow(RUN, [*REST, f"{HERE}subnet/subnet-0a1b"])).verdict is Verdict.ALLOWED


def test_without_an_allow_on_one_of_the_types_it_is_denied_and_the_type_is_named() -> None:
    found = decided(allow(RUN, REST))
    assert found.verdict is Verdict.IMPLICITLY_DENIED
    assert found.because == (Because("rule", "M6", "subnet", None, "none"),)
    assert "ec2:RunInstances also needs an Allow on a subnet; none of the caller's policies gives it." in said(
        allow(RUN, REST)
    )
    assert any("on an image" in line for line in said(allow(RUN, ec2("instance", "subnet"))))


@pytest.mark.parametrize("kind", ["image", "instance", "network-interface", "security-group", "subnet"])
def test_asked_about_any_of_the_types_the_others_are_needed(kind: str) -> None:
    place = "arn:aws:ec2:eu-west-1::" if kind == "image" else HERE
    assert decided(allow(RUN, ALL), resource=f"{place}{kind}/x").verdict is Verdict.ALLOWED
    assert decided(allow(RUN, ec2(kind)), resource=f"{place}{kind}/x").verdict is Verdict.IMPLICITLY_DENIED


def test_an_allow_elsewhere_is_none_here() -> None:
    assert decided(allow(RUN, [*REST, *ec2("subnet", region="us-east-1")])).verdict is Verdict.IMPLICITLY_DENIED


def test_a_subnet_of_another_account_may_be_shared_with_the_caller() -> None:
    """What is not proven is not denied: the pattern can match, and who owns the subnet decides the rest."""
    shared = f"arn:aws:ec2:eu-west-1:{TWO}:subnet/subnet-0a1b"
    assert decided(allow(RUN, [*REST, shared])).verdict in (Verdict.ALLOWED, Verdict.CONDITIONAL)


def test_a_deny_on_all_of_a_type_denies() -> None:
    found = decided(allow(RUN, ALL), deny(RUN, ec2("subnet")))
    assert found.verdict is Verdict.EXPLICITLY_DENIED
    assert [(item.layer, item.policy, item.sid, item.effect) for item in found.because] == [
        ("rule", "M6", "subnet", "Deny"),
        ("identity", f"arn:aws:iam::{ONE}:user/kim#inline:own", None, "Deny"),
    ]


def test_a_deny_on_some_of_a_type_denies_nothing() -> None:
    """The pattern of the Allow made concrete is denied; other subnets are not."""
    fresh = [f"{HERE}subnet/made-up", f"{HERE}subnet/x"]
    assert decided(allow(RUN, ALL), deny(RUN, fresh)).verdict is Verdict.ALLOWED
    but = deny(RUN, NotResource=[*REST, f"{HERE}subnet/subnet-0a1b"])
    del but["Resource"]
    assert decided(allow(RUN, ALL), but).verdict is Verdict.ALLOWED


def test_a_deny_under_a_known_condition_counts_and_one_about_the_resource_does_not() -> None:
    known = {"StringEquals": {"aws:PrincipalAccount": ONE}}
    assert decided(allow(RUN, ALL), deny(RUN, ec2("subnet"), Condition=known)).verdict is Verdict.EXPLICITLY_DENIED
    tagged = {"StringNotEquals": {"aws:ResourceTag/stage": "test"}}
    found = decided(allow(RUN, ALL), deny(RUN, ec2("subnet"), Condition=tagged))
    assert found.verdict is Verdict.CONDITIONAL


def test_a_deny_that_may_spare_a_resource_of_another_account_proves_nothing() -> None:
    """Every subnet that was thought of is denied; one that another account shares would not be."""
    own = {"StringEquals": {"aws:ResourceAccount": ONE}}
    assert decided(allow(RUN, ALL), deny(RUN, ec2("subnet"), Condition=own)).verdict is Verdict.ALLOWED


def test_what_may_have_a_policy_of_its_own_that_nobody_read_proves_nothing() -> None:
    read, table = "glue:GetTable", f"arn:aws:glue:eu-west-1:{ONE}:table/db/t"
    assert decided(allow(read, table), action=read, resource=table).verdict is Verdict.ALLOWED
    catalog = "arn:aws:glue:*:*:catalog"
    denied = decided(allow(read), deny(read, catalog), action=read, resource=table)
    assert denied.because[0] == Because("rule", "M6", "rootcatalog", None, "Deny")


def test_what_the_other_resource_must_be_hangs_on_there_being_one() -> None:
    """A tag asked of the subnet is not the tag of the instance: both conditions can hold at once."""
    mine = {"StringEquals": {"aws:ResourceTag/stage": "prod"}}
    found = decided(
        allow(RUN, ec2("instance"), Condition=mine),
        allow(RUN, ec2("image", "network-interface", "security-group")),
        allow(RUN, ec2("subnet"), Condition=SUBNET_OF),
    )
    assert found.verdict is Verdict.CONDITIONAL
    assert found.residual is not None
    tree = found.residual.to_json()
    assert {"document": f"{HERE}subnet/*"} in tree["all"]
    assert [leaf["values"] for leaf in tree["all"] if "key" in leaf] == [["prod"]]


def test_what_was_said_of_the_resource_asked_about_says_nothing_of_the_others() -> None:
    statements = (allow(RUN, REST), allow(RUN, ec2("subnet"), Condition=SUBNET_OF))
    for said in (Overrides.of({"aws:ResourceTag/stage": ["test"]}), Overrides.of({}, absent=["aws:ResourceTag/stage"])):
        assert decided(*statements, overrides=said).verdict is Verdict.CONDITIONAL


def test_the_policy_of_a_key_that_nobody_named_hangs_on_there_being_one() -> None:
    alias = f"arn:aws:kms:us-east-1:{ONE}:alias/a"
    found = decided(allow("kms:CreateAlias", alias), action="kms:CreateAlias", resource=alias)
    assert found.residual is not None
    assert found.residual.to_json() == {"document": f"arn:aws:kms:us-east-1:{ONE}:key/*"}


def test_a_condition_on_the_request_is_kept_as_it_is() -> None:
    inside = {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
    statements = (allow(RUN, REST), allow(RUN, ec2("subnet"), Condition=inside))
    found = decided(*statements)
    assert found.verdict is Verdict.CONDITIONAL
    assert found.residual is not None
    assert found.residual.to_json()["key"] == "aws:SourceIp"
    given = Overrides.of({"aws:SourceIp": ["203.0.113.7"]})
    assert decided(*statements, overrides=given).verdict is Verdict.ALLOWED
    elsewhere = Overrides.of({"aws:SourceIp": ["198.51.100.1"]})
    assert decided(*statements, overrides=elsewhere).verdict is Verdict.IMPLICITLY_DENIED


def test_conditions_of_the_request_that_exclude_each_other_deny() -> None:
    found = decided(
        allow(RUN, REST, Condition={"StringEquals": {"aws:SourceVpc": "vpc-1"}}),
        allow(RUN, ec2("subnet"), Condition={"StringEquals": {"aws:SourceVpc": "vpc-2"}}),
    )
    assert found.verdict is Verdict.IMPLICITLY_DENIED


@pytest.mark.parametrize("region", ["eu-west-1", "us-east-1"])
@pytest.mark.parametrize("operator", ["StringEquals", "StringNotEquals"])
def test_one_request_is_made_in_one_region(region: str, operator: str) -> None:
    """A certificate's region is that of the request; of the role, which has none, nothing else is to be known."""
    certificate = f"arn:aws:acm:{region}:{ONE}:certificate/1234"
    limit = guardrail(allow("*"), deny("*", Condition={operator: {"aws:RequestedRegion": region}}))
    found = decided(
        allow("*"), resource=certificate, action="ec2:AssociateEnclaveCertificateIamRole", guardrails=(limit,)
    )
    denied = operator == "StringEquals"
    assert found.verdict is (Verdict.EXPLICITLY_DENIED if denied else Verdict.ALLOWED)


def test_policies_that_were_not_read_may_hold_the_allow() -> None:
    lent = f"arn:aws:iam::{ONE}:policy/unread"
    assert decided(allow(RUN, REST), kim={"attached": (lent,)}).verdict is Verdict.CONDITIONAL


def guardrail(*statements: dict[str, Any], kind: Any = "scp") -> OrganizationPolicy:
    arn = f"arn:aws:organizations::{MANAGEMENT}:policy/o-abc/service_control_policy/p-1"
    return OrganizationPolicy(
        id="p-1", arn=arn, name="limit", kind=kind, document=document(*statements), targets=("ou-1",)
    )


def test_guardrails_that_never_allow_a_type_deny_and_are_named() -> None:
    found = decided(allow("*"), guardrails=(guardrail(allow(RUN, REST)),))
    assert found.because == (
        Because("rule", "M6", "subnet", None, "none"),
        Because("scp", "ou-1", None, None, "none"),
    )
    lines = said(allow("*"), guardrails=(guardrail(allow(RUN, REST)),))
    assert "ec2:RunInstances also needs an Allow on a subnet." in lines
    assert any(line.startswith("No service control policy") for line in lines)
    denied = decided(allow("*"), guardrails=(guardrail(allow("*"), deny(RUN, ec2("subnet"))),))
    assert denied.verdict is Verdict.EXPLICITLY_DENIED


def test_the_root_user_needs_no_policy_but_guardrails_bind_it() -> None:
    root = f"arn:aws:iam::{ONE}:root"
    assert decided(of=root).verdict is Verdict.ALLOWED
    assert decided(of=root, guardrails=(guardrail(allow(RUN, REST)),)).verdict is Verdict.IMPLICITLY_DENIED


def test_a_boundary_must_allow_each_type_too() -> None:
    from model.entities import ManagedPolicy

    arn = f"arn:aws:iam::{ONE}:policy/limit"
    limit = ManagedPolicy(arn=arn, id="x", name="limit", account=ONE, document=document(allow(RUN, REST)))
    found = decided(allow(RUN), kim={"boundary": arn}, policies=(limit,))
    assert found.because[1] == Because("boundary", arn, None, None, "none")


def test_a_role_decides_alike() -> None:
    short = role("Short", ONE, allow(RUN, REST))
    assert decided(roles=(short,), of=short.arn).verdict is Verdict.IMPLICITLY_DENIED


def test_a_collected_resource_may_be_the_one() -> None:
    tagged = Resource(
        arn=f"{HERE}instance/i-9", type="ec2:instance", account=ONE, region="eu-west-1", tags={"stage": "test"}
    )
    attach, volume = "ec2:AttachVolume", f"{HERE}volume/v"
    given = (allow(attach, ec2("volume")), allow(attach, ec2("instance"), Condition=SUBNET_OF))
    assert decided(*given, action=attach, resource=volume).verdict is Verdict.CONDITIONAL
    assert decided(*given, action=attach, resource=volume, resources=(tagged,)).verdict is Verdict.ALLOWED


def test_a_key_policy_may_allow_what_no_policy_of_the_caller_does() -> None:
    alias = f"arn:aws:kms:us-east-1:{ONE}:alias/a"
    mine = key("k1", ONE, allow("kms:*", Principal={"AWS": f"arn:aws:iam::{ONE}:user/kim"}))
    on_alias = allow("kms:CreateAlias", f"arn:aws:kms:*:{ONE}:alias/*")
    assert decided(on_alias, action="kms:CreateAlias", resource=alias, resources=(mine,)).verdict is Verdict.ALLOWED
    # The other way round the alias has no policy that could: the caller's own must allow.
    found = decided(action="kms:CreateAlias", resource=mine.arn, resources=(mine,))
    assert found.because == (Because("rule", "M6", "alias", None, "none"),)


def test_alternatives_that_the_action_data_calls_required_are_none() -> None:
    assert together("bedrock:invokemodel") == ()
    assert together("dynamodb:tagresource") == ()
    assert together("rds:deletedbcluster") == ()
    assert together("nosuch:action") == ()
    assert together("ec2:attachvolume") == ("instance", "volume")
    table = f"arn:aws:dynamodb:us-east-1:{ONE}:table/t"
    assert decided(allow("dynamodb:TagResource", table), action="dynamodb:TagResource", resource=table).verdict is (
        Verdict.ALLOWED
    )


def test_the_answers_of_who_can_agree() -> None:
    from graph.world import World

    whole, short = role("Whole", ONE, allow(RUN, ALL)), role("Short", ONE, allow(RUN, REST))
    world = World(Inventory(made(roles=(whole, short))))
    can = {subject.key for subject in world.subjects.roles() if world.decider.decide(subject, RUN, INSTANCE).can}
    assert can == {whole.arn}


POOL = {
    kind: [f"arn:aws:ec2:eu-west-1:{place}:{kind}/{name}" for place in places for name in ("a", "ab", "b-1", "x")]
    for kind, places in {"image": ("",), "subnet": (ONE, TWO), "security-group": (ONE,), "instance": (ONE,)}.items()
}
PIECES = ("*", "arn:aws:ec2:*", f"arn:aws:ec2:*:{ONE}:*", "arn:aws:ec2:*:*:{}/*", "arn:aws:ec2:eu-*:*:{}/a?", "*/b-*")


def drawn(seed: int) -> list[dict[str, Any]]:
    """Some statements about starting instances, of which each allows or denies parts of the types."""
    draw = random.Random(seed)
    made_up = []
    for _ in range(draw.randint(2, 5)):
        patterns = [draw.choice(PIECES).format(draw.choice([*POOL, "network-interface"])) for _ in range(2)]
        effect = allow if draw.random() < 0.7 else deny
        statement = effect(RUN, patterns)
        if draw.random() < 0.2:
            statement["NotResource"] = statement.pop("Resource")
        if draw.random() < 0.3:
            key, value = draw.choice(
                [("aws:PrincipalAccount", ONE), ("aws:PrincipalAccount", TWO), ("aws:SourceIp", "x")]
            )
            statement["Condition"] = {"StringEquals": {key: value}}
        made_up.append(statement)
    return made_up


@pytest.mark.parametrize("seed", seeds(200, 3000))
def test_it_is_denied_only_where_no_resource_of_a_type_can_be_allowed(seed: int) -> None:
    kim = user("kim", ONE, *drawn(seed))
    assembler = Assembler(Inventory(made(users=(kim,))))
    caller = assembler.caller(assembler.principal(kim.arn))

    def alone(arn: str) -> Verdict:
        return decide(*assembler.request(caller, RUN, arn)).verdict

    whole = assembler.decide(caller, RUN, INSTANCE)
    if whole.because and whole.because[0].policy == "M6" and whole.because[0].sid in POOL:
        assert {alone(arn) for arn in POOL[whole.because[0].sid]} <= {
            Verdict.IMPLICITLY_DENIED,
            Verdict.EXPLICITLY_DENIED,
        }
    if whole.verdict in (Verdict.ALLOWED, Verdict.CONDITIONAL):
        assert alone(INSTANCE) in (Verdict.ALLOWED, Verdict.CONDITIONAL)


# -- `also` of a case


CASE = {"id": "c", "principal": f"arn:aws:iam::{ONE}:user/kim", "action": RUN, "resource": INSTANCE}


def answered(*statements: dict[str, Any], also: Any, **more: Any) -> dict[str, Any]:
    policies = [{"name": "own", "policy": json.loads(document(*statements))}]
    (found,) = run_cases([json.dumps({**CASE, "identity_policies": policies, "also": also, **more})])
    return found


def test_a_wrong_further_resource_is_an_error_of_the_case() -> None:
    assert "`also`" in answered(allow("*"), also=["x"])["error"]
    assert answered(allow("*"), also=[{}])["error"] == "`resource` is missing"


def test_the_layers_are_those_of_the_first_resource() -> None:
    got = answered(allow(RUN, ALL), also=[{"resource": f"{HERE}subnet/s", "resource_policy": None}])
    assert (got["verdict"], got["layers"]["identity"]) == ("Allowed", "Allowed")


def test_with_required_leaves_other_actions_alone() -> None:
    assembler = Assembler(Inventory(made(users=(user("kim", ONE, allow("s3:*")),))))
    caller = assembler.caller(assembler.principal(f"arn:aws:iam::{ONE}:user/kim"))
    request, _ = assembler.request(caller, "s3:GetObject", "arn:aws:s3:::b/x")
    decision = Decision(Verdict.ALLOWED)
    assert with_required(assembler, caller, request, decision, Overrides()) is decision


# -- patterns against each other


@pytest.mark.parametrize(
    ("left", "right", "meets"),
    [
        ("*", "arn:aws:ec2:eu:1:subnet/x", True),
        ("arn:aws:ec2:*:*:subnet/*", "arn:aws:ec2:eu:*:subnet/s-?", True),
        ("arn:*:instance/*", "arn:aws:ec2:eu:1:subnet/x", False),
        ("a*b", "a", False),
        ("a*b*c", "*x*", True),
        ("?", "", False),
        ("a?", "?b", True),
        ("arn:aws:s3:::b", "arn:aws:ec2:*", False),
    ],
)
def test_two_patterns_meet_in_a_text_that_both_match(left: str, right: str, meets: bool) -> None:
    one, two = resource_parts(left, variables=False), resource_parts(right, variables=False)
    found = meeting(one, two)
    assert (found is not None) is meets
    assert meet(one, two) is meets
    if found is not None:
        assert matcher(one)(found)
        assert matcher(two)(found)


def test_a_name_in_an_arn_holds_no_colon() -> None:
    subnets = template("arn:${Partition}:ec2:${Region}:${Account}:subnet/${SubnetId}", "aws")
    assert meeting(resource_parts("arn:aws:ec2:*:*:instance/*", variables=False), subnets) is None
    assert not covers(resource_parts("arn:aws:ec2:*:*:subnet/s-?", variables=False), subnets)
    assert not covers(resource_parts(f"arn:aws:ec2:*:{ONE}:subnet/*", variables=False), subnets)
    assert covers(resource_parts("arn:aws:ec2:*:subnet/*", variables=False), subnets)
