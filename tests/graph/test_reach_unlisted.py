"""Whoever no inventory lists is decided about where policies may let them in, and says there what ``can`` says."""

from __future__ import annotations

from pathlib import Path

import pytest

from graph.questions import Questions
from graph.reaching import reach
from tests.graph.worlds import (
    ONE,
    TWO,
    Json,
    allow,
    bucket,
    deny,
    document,
    made_world,
    questions_of,
    role,
    trust,
    user,
)

GET = "s3:GetObject"
X = "999999999999"
PARTNER, SESSION = f"arn:aws:iam::{X}:role/partner", f"arn:aws:sts::{X}:assumed-role/partner/bob"
#: Who is let in at the bucket of this name.
LET_IN: dict[str, Json] = {
    "role": {"Principal": {"AWS": PARTNER}},
    "session": {"Principal": {"AWS": SESSION}},
    "federated": {"Principal": {"AWS": f"arn:aws:sts::{X}:federated-user/bob"}},
    "account": {"Principal": {"AWS": X}},
    "others": {"NotPrincipal": {"AWS": ONE}},
    "id": {"Principal": {"AWS": "AROA1234567890ABCDEFG"}},
    "anybody": {"Principal": "*", "Condition": {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{X}:role/*"}}},
    "member": {"Principal": {"AWS": f"arn:aws:sts::{ONE}:federated-user/bob"}},
}
BUCKETS = [bucket(name, TWO, allow(GET, f"arn:aws:s3:::{name}/*", **who)) for name, who in LET_IN.items()]
CLOSED = [
    bucket("closed", TWO),
    bucket("shut", TWO, deny(GET, "arn:aws:s3:::shut/*", Principal="*")),
    bucket("own", ONE),
]
#: Who becomes it holds something where nobody lets in the others.
READER = role("reader", TWO, allow(GET, "arn:aws:s3:::closed/*"), trusts=document(trust({"AWS": PARTNER})))


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> Questions:
    people = (user("ann", ONE, allow("*")), user("bob", ONE, allow("*")))
    built = made_world(users=people, roles=(READER,), resources=(*BUCKETS, *CLOSED))
    folder: Path = tmp_path_factory.mktemp("unlisted")
    return questions_of(built, folder)


@pytest.mark.parametrize(
    ("who", "direct"),
    [
        (f"account:{X}", {"account", "others", "anybody"}),
        (f"arn:aws:iam::{X}:root", {"account", "others"}),
        (PARTNER, {"role", "session", "account", "others", "anybody"}),
        (SESSION, {"role", "session", "account", "others", "anybody"}),
        (f"arn:aws:iam::{X}:role/other", {"account", "others", "anybody"}),
        (f"arn:aws:sts::{X}:federated-user/bob", {"federated", "account", "others"}),
        (f"arn:aws:sts::{ONE}:federated-user/bob", {"member", "own"}),
    ],
)
def test_it_reaches_what_it_can(questions: Questions, who: str, direct: set[str]) -> None:
    can = {one.name: questions.can(who, GET, f"{one.arn}/x") for one in (*BUCKETS, *CLOSED)}
    rows = [row for row in reach(questions, who, action=GET) if row.verdict in ("Allowed", "Conditional")]
    told = {(row.resource_class.owner.rpartition(":")[2], str(row.verdict)) for row in rows if not row.via}
    assert told == {(name, one["verdict"]) for name, one in can.items() if "Denied" not in one["verdict"]}
    assert {name for name, _ in told} == direct
    through = {row.resource_class.owner.rpartition(":")[2] for row in rows if row.via}
    assert through <= {name for name, one in can.items() if one["chains"]}
    assert ("closed" in through) == (who in (PARTNER, SESSION))


@pytest.mark.parametrize(
    ("pattern", "verdict"),
    [
        ("arn:aws:iam::*:role/partne?", "Conditional"),
        ("arn:aws:iam::*:role/app/*", "Conditional"),
        (f"arn:aws:iam::{X}:role/app/partner", "Conditional"),
        ("arn:aws:iam::*:role/*", "Allowed"),
        (f"arn:aws:iam::{X}:role*partner", "Allowed"),
        (f"arn:aws:iam::{X}:role/other", "ImplicitlyDenied"),
        ("arn:aws:iam::*:role/*/other", "ImplicitlyDenied"),
        (f"arn:aws:iam::{X}:role/app/xpartner", "ImplicitlyDenied"),
        (SESSION, "ImplicitlyDenied"),
    ],
)
@pytest.mark.parametrize("operator", ["ArnLike", "StringLike"])
def test_a_session_is_known_by_its_role_of_which_the_path_is_not_known(
    pattern: str, operator: str, verdict: str, tmp_path: Path
) -> None:
    """C6: ``aws:PrincipalArn`` is the role's ARN with its path, which the session's own ARN does not tell."""
    allowed = allow(GET, "arn:aws:s3:::a/*", Principal={"AWS": X}, Condition={operator: {"aws:PrincipalArn": pattern}})
    spared = deny(
        GET, "arn:aws:s3:::b/*", Principal="*", Condition={f"{operator[:-4]}NotLike": {"aws:PrincipalArn": pattern}}
    )
    both = bucket("a", TWO, allowed), bucket("b", TWO, allow(GET, "arn:aws:s3:::b/*", Principal={"AWS": X}), spared)
    asked = questions_of(made_world(resources=both), tmp_path)
    # What the session's own policies say is not known: what would be Allowed hangs on them.
    wanted = "Conditional" if verdict == "Allowed" else verdict
    assert asked.can(SESSION, GET, "arn:aws:s3:::a/x")["verdict"] == wanted
    residual = asked.can(SESSION, GET, "arn:aws:s3:::a/x")["residual"]
    assert ("aws:PrincipalArn" in str(residual)) == (verdict == "Conditional")
    denied = "ExplicitlyDenied" if verdict == "ImplicitlyDenied" else "Conditional"
    assert asked.can(SESSION, GET, "arn:aws:s3:::b/x")["verdict"] == denied


@pytest.mark.parametrize("again", [True, False])
def test_a_session_takes_its_role_again_by_the_name_that_is_let_in(again: bool, tmp_path: Path) -> None:
    """L18: the caller chooses the name of its session, one that is there already that of the next."""
    own = role(
        "night", ONE, allow("sts:AssumeRole" if again else "sts:TagSession"), trusts=document(trust({"AWS": ONE}))
    )
    session = f"arn:aws:sts::{ONE}:assumed-role/night"
    there = bucket("b", ONE, allow(GET, "arn:aws:s3:::b/*", Principal={"AWS": f"{session}/nightly"}))
    asked = questions_of(made_world(roles=(own,), resources=(there,)), tmp_path)
    assert asked.can(f"{session}/nightly", GET, "arn:aws:s3:::b/x")["verdict"] == "Allowed"
    assert asked.can(f"{session}/nightly", GET, "arn:aws:s3:::b/x")["chains"] == []
    chains = asked.can(f"{session}/daily", GET, "arn:aws:s3:::b/x")["chains"]
    assert [(one["via"], one["verdict"]) for one in chains] == ([([own.arn], "Conditional")] if again else [])
    rows = reach(asked, f"{session}/daily", action=GET)
    assert [(row.via, str(row.verdict)) for row in rows] == ([((own.arn,), "Conditional")] if again else [])
