"""Who signs in to a role: providers under trusts in everyone, and under trusts that were not read (semantics L13)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from graph.assume_again import steps_again
from graph.paths import paths
from graph.questions import Questions
from graph.reaching import expanded, reach
from graph.steps import ASSUME_ROLE, WITH_SAML, WITH_WEB_IDENTITY, assume_action
from graph.world import World
from model.entities import Provider, S3Grant
from policy.context import Overrides
from policy.explain import explain
from tests.graph.earlier_worlds import rebuilt, said, taken
from tests.graph.worlds import (
    FOREIGN,
    ONE,
    TWO,
    allow,
    bucket,
    document,
    made,
    made_world,
    questions_of,
    queue,
    role,
    trust,
    user,
)
from tests.graph.worlds import OPEN as OPEN_ACLS

SAML = Provider(arn=f"arn:aws:iam::{ONE}:saml-provider/okta", account=ONE, kind="saml")
OIDC = Provider(arn=f"arn:aws:iam::{ONE}:oidc-provider/idp.example", account=ONE, kind="oidc", url="idp.example")
ABROAD = (
    Provider(arn=f"arn:aws:iam::{TWO}:saml-provider/okta", account=TWO, kind="saml"),
    Provider(arn=f"arn:aws:iam::{TWO}:oidc-provider/idp.example", account=TWO, kind="oidc", url="idp.example"),
)
PROVIDERS = (SAML, OIDC, *ABROAD)
GOOGLE, LAMBDA = "accounts.google.com", "lambda.amazonaws.com"
SEND = "sqs:SendMessage"
OFFICE = {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
QUEUE = queue("q")
#: Trusts that are about everybody in different words.
EVERYONE: dict[str, dict[str, Any]] = {
    "star": {"Principal": "*"},
    "aws": {"Principal": {"AWS": "*"}},
    "federated": {"Principal": {"Federated": "*"}},
    "all but one": {"NotPrincipal": {"AWS": f"arn:aws:iam::{ONE}:user/nobody"}},
}


def open_world(trusts: str, **more: Any) -> World:
    """A role that may send to a queue, and whom it trusts; another names a service, a foreigner and Google."""
    named = {"AWS": f"arn:aws:iam::{FOREIGN}:user/eve", "Service": LAMBDA}
    other = document(trust(named), trust({"Federated": GOOGLE}, WITH_WEB_IDENTITY))
    roles = (role("open", ONE, allow(SEND), trusts=trusts), role("other", TWO, trusts=other))
    fields: dict[str, Any] = {"roles": roles, "providers": PROVIDERS, "resources": (QUEUE,)} | more
    return made_world(**fields)


def everyone(word: str, action: Any = "sts:*") -> str:
    return document({"Effect": "Allow", "Action": action, **EVERYONE[word]})


def verdicts(questions: Questions, action: str, resource: str) -> dict[str, tuple[str, int]]:
    rows = questions.who_can(action, resource)["principals"]
    return {row["principal"]: (row["verdict"], len(row["via"])) for row in rows}


OPEN = f"arn:aws:iam::{ONE}:role/open"


@pytest.mark.parametrize("word", EVERYONE)
def test_a_trust_in_everyone_lets_in_the_providers_of_its_account_and_those_known_by_name(
    word: str, tmp_path: Path
) -> None:
    """The decision, who-can, chains, paths, reach and the build's steps say the same of each."""
    questions = questions_of(open_world(everyone(word)), tmp_path)
    calls = {SAML.arn: WITH_SAML, OIDC.arn: WITH_WEB_IDENTITY, GOOGLE: WITH_WEB_IDENTITY}
    for provider, call in calls.items():
        assert questions.can(provider, call, OPEN)["verdict"] == "Allowed"
        chains = questions.can(provider, SEND, QUEUE.arn)["chains"]
        assert [(one["via"], one["verdict"]) for one in chains] == [([OPEN], "Allowed")]
        assert [one["nodes"] for one in paths(questions, provider, OPEN)["paths"]] == [[provider, OPEN]]
        rows = [one for one in expanded(reach(questions, provider, action=SEND), None) if one["resource"] == QUEUE.arn]
        assert [(one["verdict"], one["via"]) for one in rows] == [("Allowed", [OPEN])]
    for call in (WITH_SAML, WITH_WEB_IDENTITY):
        assert verdicts(questions, call, OPEN) == {one: ("Allowed", 0) for one in calls if calls[one] == call}
    through = {one: way for one, way in verdicts(questions, SEND, QUEUE.arn).items() if "provider" in one}
    assert through == {SAML.arn: ("Allowed", 1), OIDC.arn: ("Allowed", 1)}
    assert verdicts(questions, SEND, QUEUE.arn)[GOOGLE] == ("Allowed", 1)


@pytest.mark.parametrize("trusts", ["{", everyone("star"), everyone("all but one"), everyone("federated")])
def test_the_steps_of_providers_are_what_is_decided(trusts: str, tmp_path: Path) -> None:
    built = open_world(trusts)
    wanted = {
        (subject.key, one.arn): str(outcome.verdict)
        for subject in built.subjects.all
        for one in built.inventory.data.roles
        if subject.kind == "Provider"
        and (outcome := built.decider.decide(subject, assume_action(subject), one.arn)).can
    }
    stored = questions_of(built, tmp_path).steps.stored
    for steps in (built.steps.all, stored):
        found = [(one.source.key, one.target.key) for one in steps if one.source.kind == "Provider"]
        assert len(found) == len(set(found))
        told = {(s.source.key, s.target.key): str(s.outcome.verdict) for s in steps if s.source.kind == "Provider"}
        assert told == wanted
    assert {key for key, _ in wanted} == {SAML.arn, OIDC.arn, GOOGLE}


def test_a_trust_that_was_not_read_may_let_in_providers_services_and_outsiders(tmp_path: Path) -> None:
    """U6: what is unknown is Conditional, never "no"."""
    eve = f"arn:aws:iam::{FOREIGN}:user/eve"
    questions = questions_of(open_world("{"), tmp_path)
    for one in (SAML.arn, OIDC.arn, GOOGLE, LAMBDA, eve):
        chains = questions.can(one, SEND, QUEUE.arn)["chains"]
        assert [(chain["via"], chain["verdict"]) for chain in chains] == [([OPEN], "Conditional")], one
        assert [way["nodes"] for way in paths(questions, one, OPEN)["paths"]] == [[one, OPEN]], one
    assert verdicts(questions, WITH_SAML, OPEN) == {SAML.arn: ("Conditional", 0)}
    assert verdicts(questions, SEND, QUEUE.arn)[OIDC.arn] == ("Conditional", 1)
    # Providers of other accounts cannot sign in to the role, whatever its trust says.
    assert questions.can(ABROAD[0].arn, WITH_SAML, OPEN)["verdict"] == "ImplicitlyDenied"
    assert questions.can(ABROAD[1].arn, SEND, QUEUE.arn)["chains"] == []


def test_what_a_service_comes_to_by_a_trust_that_does_not_name_it_is_told(tmp_path: Path) -> None:
    """Whether a policy names the service elsewhere makes no difference to the answer about it."""
    eve = f"arn:aws:iam::{FOREIGN}:user/eve"
    questions = questions_of(open_world(everyone("star")), tmp_path)
    for one in (LAMBDA, "states.amazonaws.com", eve):
        verdict = questions.can(one, ASSUME_ROLE, OPEN)["verdict"]
        chains = questions.can(one, SEND, QUEUE.arn)["chains"]
        assert [(chain["via"], chain["verdict"]) for chain in chains] == [([OPEN], verdict)], one
        assert [way["nodes"] for way in paths(questions, one, OPEN)["paths"]] == [[one, OPEN]], one
        rows = [row for row in expanded(reach(questions, one, action=SEND), None) if row["resource"] == QUEUE.arn]
        assert [(row["verdict"], row["via"]) for row in rows] == [(verdict, [OPEN])], one
    listed = {subject.key for subject in questions.world.subjects.strangers}
    assert {LAMBDA, eve} & listed
    assert {LAMBDA, eve} & {*verdicts(questions, ASSUME_ROLE, OPEN)} == {LAMBDA, eve} & listed
    assert {LAMBDA, eve} & {*verdicts(questions, SEND, QUEUE.arn)} == {LAMBDA, eve} & listed


EVE = f"arn:aws:iam::{FOREIGN}:user/eve"


def named_world(trusts: str, first: Any = None, **more: Any) -> World:
    """A service and a foreigner are named by the trust of one role, which may become the open one."""
    own = () if first is None else (first,)
    named = role("named", ONE, *own, trusts=document(trust({"AWS": EVE, "Service": LAMBDA})))
    return made_world(roles=(role("open", ONE, allow(SEND), trusts=trusts), named), resources=(QUEUE,), **more)


@pytest.mark.parametrize("who", [LAMBDA, EVE])
@pytest.mark.parametrize("trusts", ["{", everyone("star"), everyone("all but one")])
@pytest.mark.parametrize("first", [allow("*"), allow("sts:*"), allow(SEND, Condition=OFFICE), allow(SEND)])
def test_who_can_tells_the_same_way_as_can_of_whom_it_lists(who: str, trusts: str, first: Any, tmp_path: Path) -> None:
    """By a trust, or a policy, that does not name who comes, too."""
    questions = questions_of(named_world(trusts, first), tmp_path)
    for action, resource in ((SEND, QUEUE.arn), (ASSUME_ROLE, OPEN), ("sqs:DeleteQueue", QUEUE.arn)):
        answer = questions.can(who, action, resource)
        ways = [(one["verdict"] != "Allowed", len(one["via"]), one["via"], one["verdict"]) for one in answer["chains"]]
        if answer["verdict"] in ("Allowed", "Conditional"):
            ways.append((answer["verdict"] != "Allowed", 0, [], answer["verdict"]))
        rows = questions.who_can(action, resource)["principals"]
        told = [(row["via"], row["verdict"]) for row in rows if row["principal"] == who]
        assert told == [way[2:] for way in sorted(ways)[:1]], (action, resource)


def test_a_service_that_a_resource_lets_in_without_naming_it_is_listed_as_direct_where_it_is_listed(
    tmp_path: Path,
) -> None:
    public = queue("q", ONE, allow(SEND, Principal="*"))
    named = role("named", ONE, allow(SEND), trusts=document(trust({"Service": LAMBDA})))
    questions = questions_of(made_world(roles=(named,), resources=(public,)), tmp_path)
    assert questions.can(LAMBDA, SEND, public.arn)["verdict"] == "Allowed"
    assert verdicts(questions, SEND, public.arn)[LAMBDA] == ("Allowed", 0)


def test_nobody_but_a_provider_of_its_kind_signs_in(tmp_path: Path) -> None:
    """L13: the calls are unsigned, and who makes them is the user of a provider: of SAML for one, of OIDC for the
    other. No other principal does, whatever it may do and whomever the trust names."""
    ann = user("ann", ONE, allow("*"))
    named = {"AWS": [f"arn:aws:iam::{ONE}:root", ann.arn, FOREIGN], "Service": LAMBDA}
    trusts = document(trust("*", "sts:*"), trust(named, "sts:*"))
    questions = questions_of(open_world(trusts, users=(ann,)), tmp_path)
    nobody = ("anonymous", ann.arn, f"arn:aws:iam::{ONE}:root", f"arn:aws:iam::{TWO}:role/other", LAMBDA, FOREIGN)
    for call, mine, other in ((WITH_SAML, SAML, OIDC), (WITH_WEB_IDENTITY, OIDC, SAML)):
        abroad = [one.arn for one in ABROAD]
        for one in (*nobody, other.arn, *abroad):
            assert questions.can(one, call, OPEN)["verdict"] == "ImplicitlyDenied", (one, call)
        assert questions.can(mine.arn, call, OPEN)["verdict"] == "Allowed"
        names = {*verdicts(questions, call, OPEN)}
        assert names == {mine.arn, *((GOOGLE,) if call == WITH_WEB_IDENTITY else ())}
        for one in (ann.arn, f"arn:aws:iam::{ONE}:role/open"):
            assert list(expanded(reach(questions, one, action=call), None)) == []
    assert questions.can(SAML.arn, ASSUME_ROLE, OPEN)["verdict"] == "ImplicitlyDenied"


def test_the_tags_of_a_session_are_the_providers_to_give() -> None:
    built = open_world(document(trust({"Federated": SAML.arn}, [WITH_SAML, "sts:TagSession"])))
    assert built.decider.decide(built.subjects.by_key[SAML.arn], "sts:TagSession", OPEN).can


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_a_provider_asks_for_nothing_but_to_sign_in(effect: str, tmp_path: Path) -> None:
    everybodys = {"Effect": effect, "Principal": "*", "Action": ["sqs:*"], "Resource": "*"}
    built = open_world(everyone("star"), resources=(queue("q", ONE, everybodys),))
    questions = questions_of(built, tmp_path)
    for one in (SAML.arn, OIDC.arn, ABROAD[0].arn, ABROAD[1].arn, GOOGLE):
        for action, resource in ((SEND, QUEUE.arn), (ASSUME_ROLE, OPEN), ("sts:GetCallerIdentity", "*")):
            answer = questions.can(one, action, resource)
            assert (answer["verdict"], answer["residual"]) == ("ImplicitlyDenied", None), (one, action)
    through = {one: [row["via"] for row in questions.can(one, SEND, QUEUE.arn)["chains"]] for one in (SAML.arn, GOOGLE)}
    assert through == {SAML.arn: [[OPEN]], GOOGLE: [[OPEN]]} if effect == "Allow" else {SAML.arn: [], GOOGLE: []}


@pytest.mark.parametrize(
    ("principal", "action", "words"),
    [
        (OIDC.arn, WITH_SAML, "at a SAML provider of the role's account"),
        (ABROAD[1].arn, WITH_WEB_IDENTITY, "at an OIDC provider of the role's account"),
        ("anonymous", ASSUME_ROLE, "without signing in"),
        (SAML.arn, ASSUME_ROLE, "asks for nothing itself"),
    ],
)
def test_why_nobody_signs_in_so_is_explained(principal: str, action: str, words: str) -> None:
    assembler = open_world(everyone("star")).assembler
    caller = assembler.caller(assembler.principal(principal))
    decision = assembler.decide(caller, action, OPEN)
    assert [(one.layer, one.policy) for one in decision.because] == [("rule", "L13")]
    assert words in explain(*assembler.request(caller, action, OPEN), decision)[1]


def test_a_denial_of_the_trust_keeps_providers_out(tmp_path: Path) -> None:
    shut = {"Effect": "Deny", "Principal": {"Federated": SAML.arn}, "Action": "sts:*"}
    questions = questions_of(open_world(document(trust("*", "sts:*"), shut)), tmp_path)
    assert {*verdicts(questions, WITH_SAML, OPEN)} == set()
    assert questions.can(SAML.arn, SEND, QUEUE.arn)["chains"] == []
    assert [one["via"] for one in questions.can(OIDC.arn, SEND, QUEUE.arn)["chains"]] == [[OPEN]]


def test_a_claim_that_the_asker_gives_opens_a_trust_in_everyone_to_a_provider(tmp_path: Path) -> None:
    claim = {"StringEquals": {"idp.example:sub": "ann"}}
    trusts = document({"Effect": "Allow", "Principal": "*", "Action": WITH_WEB_IDENTITY, "Condition": claim})
    questions = questions_of(open_world(trusts), tmp_path)
    provider = questions.world.subjects.by_key[OIDC.arn]
    for given, wanted in (("ann", "Allowed"), ("bob", None)):
        overrides = Overrides(given={"idp.example:sub": (given,)})
        steps = steps_again(questions.world, questions.steps, overrides).out[provider.index]
        assert [str(step.outcome.verdict) for step in steps] == ([wanted] if wanted else [])
        chains = questions.can(OIDC.arn, SEND, QUEUE.arn, overrides)["chains"]
        assert [one["verdict"] for one in chains] == ([wanted] if wanted else [])


def test_a_provider_known_by_name_that_is_new_is_let_in_by_trusts_that_did_not_change(tmp_path: Path) -> None:
    """Nothing of the account of the open role changed, and all the same somebody new may take the role."""
    roles = (role("open", ONE, allow(SEND), trusts=everyone("star")),)
    before = made(roles=(*roles, role("other", TWO, trusts=document(trust({"Service": LAMBDA})))))
    naming = document(trust({"Service": LAMBDA}), trust({"Federated": GOOGLE}, WITH_WEB_IDENTITY))
    again, anew = rebuilt(before, made(roles=(*roles, role("other", TWO, trusts=naming))), tmp_path)
    assert said(again) == said(anew)
    assert taken(again) == 0


def test_an_acl_lets_in_the_service_of_its_log_delivery_group(tmp_path: Path) -> None:
    """L7: whether a policy names the service or not."""
    acl = (S3Grant(grantee="LogDelivery", permission="WRITE"),)
    logs = bucket("logs", ONE, s3=replace(OPEN_ACLS, acl=acl, owner="o" * 64))
    questions = questions_of(made_world(resources=(logs,)), tmp_path)
    service = "logging.s3.amazonaws.com"
    assert questions.can(service, "s3:PutObject", f"{logs.arn}/x")["verdict"] == "Allowed"
    assert verdicts(questions, "s3:PutObject", f"{logs.arn}/x")[service] == ("Allowed", 0)
    rows = expanded(reach(questions, service, action="s3:PutObject"), None)
    assert [(row["resource"], row["verdict"]) for row in rows] == [(f"{logs.arn}/*", "Allowed")]


@pytest.mark.parametrize("says", [{"Principal": "*"}, {"NotPrincipal": {"Service": LAMBDA}}])
def test_an_acl_with_a_canonical_id_that_is_not_known_lets_in_no_provider(says: Any, tmp_path: Path) -> None:
    acl = (S3Grant(grantee="d" * 64, permission="READ"),)
    listed = replace(OPEN_ACLS, acl=acl, owner="o" * 64)
    public = bucket("b", TWO, allow("s3:GetObject", "arn:aws:s3:::b/*", **says), s3=listed)
    questions = questions_of(made_world(resources=(public,), providers=PROVIDERS), tmp_path)
    assert not {one.arn for one in PROVIDERS} & {*verdicts(questions, "s3:GetObject", "arn:aws:s3:::b/x")}
