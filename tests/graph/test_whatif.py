"""``what-if revoke``: what is lost and what is still reachable, by hand and against decisions one by one."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from graph.deciding import Outcome
from graph.names import subject_of
from graph.people import assignment_id
from graph.revoking import Revocation, changed_inventory
from graph.steps import assume_action, loses_mfa
from graph.subjects import Subject
from graph.whatif import WhatIf, spots_compared, what_if
from graph.whatif_found import Row
from graph.whatif_names import NotHeldError, WhichOneError, owner_of, revocation
from graph.whatif_rows import Change
from graph.world import World
from model.entities import (
    Assignment,
    DirectoryGroup,
    DirectoryUser,
    IamGroup,
    IdentityCenter,
    InlinePolicy,
    ManagedPolicy,
    PermissionSet,
)
from model.errors import GrantmapError
from model.inventory import Inventory
from policy.actions import catalogue
from policy.together import together
from policy.verdicts import Verdict
from tests.graph.worlds import (
    FOREIGN,
    MANAGEMENT,
    ONE,
    TWO,
    allow,
    bucket,
    deny,
    document,
    made_world,
    questions_of,
    queue,
    role,
    seeds,
    trust,
    user,
    world,
)

OFFICE = {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
DATA = bucket("data")
CONTENT = f"{DATA.arn}/*"


def policy(name: str, *statements: Any, account: str = ONE, text: str | None = "") -> ManagedPolicy:
    arn = f"arn:aws:iam::{account}:policy/{name}"
    written = document(*statements) if text == "" else text
    return ManagedPolicy(arn=arn, id=f"ANPA{name}", name=name, account=account, document=written)


def group(name: str, *statements: Any, **more: Any) -> IamGroup:
    inline = (InlinePolicy(name="g", document=document(*statements)),) if statements else ()
    arn = f"arn:aws:iam::{ONE}:group/{name}"
    return IamGroup(arn=arn, id=f"AGPA{name}", name=name, path="/", account=ONE, inline=inline, **more)


#: Actions that need no resource, among them those that everybody may do: rows of no interest to most tests.
OPEN = "*"
Told = set[tuple[str, str, str, tuple[str, ...]]]


def told(rows: Sequence[Row]) -> Told:
    """(resource, level, verdict, via) of the rows about resources; via by role names."""
    return {
        (row.spot.pattern, level, str(row.verdict), tuple(arn.rsplit("/", 1)[-1] for arn in row.via))
        for row in rows
        for level in row.levels
        if row.spot.pattern != OPEN
    }


def answer(built: World, principal: str, kind: str, text: str) -> WhatIf:
    """The answer from a build of this organisation."""
    with TemporaryDirectory() as folder:
        questions = questions_of(built, Path(folder))
        subject = subject_of(questions.world, principal)
        return what_if(questions, subject, revocation(questions.world, subject, kind, text))


def asked(built: World, principal: str, kind: str, text: str) -> tuple[Told, Told, Told]:
    """(lost, still reachable, gained) of a question, but for actions that need no resource."""
    rows = answer(built, principal, kind, text).rows
    return told(rows.lost), told(rows.still), told(rows.gained)


READ = (CONTENT, "Read:data", "Allowed", ())


# -- policies


def test_a_detached_policy_takes_what_it_alone_gives() -> None:
    both = (policy("get", allow("s3:GetObject", CONTENT)), policy("put", allow("s3:PutObject", CONTENT)))
    ann = user("ann", attached=tuple(one.arn for one in both))
    built = made_world(users=(ann,), policies=both, resources=(DATA,))
    assert asked(built, ann.arn, "policy", "get") == ({READ}, set(), set())
    assert asked(built, ann.arn, "policy", both[1].arn) == ({(CONTENT, "Write", "Allowed", ())}, set(), set())


def test_a_level_of_which_some_actions_stay_is_in_both_and_marked() -> None:
    both = (policy("one", allow(["s3:PutObject", "s3:DeleteObject"], CONTENT)), policy("two", allow("s3:P*", CONTENT)))
    ann = user("ann", attached=tuple(one.arn for one in both))
    built = made_world(users=(ann,), policies=both, resources=(DATA,))
    rows = answer(built, ann.arn, "policy", "one").rows
    write = (CONTENT, "Write", "Allowed", ())
    assert (told(rows.lost), told(rows.still)) == ({write}, {write})
    assert [row.part for row in rows.lost] == [{"Write"}]


def test_what_the_same_policy_gives_through_a_group_stays() -> None:
    get = policy("get", allow("s3:GetObject", CONTENT))
    staff = group("staff", attached=(get.arn,))
    ann = user("ann", attached=(get.arn,), groups=(staff.arn,))
    built = made_world(users=(ann,), groups=(staff,), policies=(get,), resources=(DATA,))
    assert asked(built, ann.arn, "policy", "get") == (set(), {READ}, set())
    assert asked(built, ann.arn, "group", "staff") == (set(), {READ}, set())


def test_a_policy_goes_from_the_one_that_is_named_alone() -> None:
    """Its second holder, a role that the first can become, keeps it."""
    get = policy("get", allow("s3:GetObject", CONTENT))
    ann = user("ann", ONE, allow("sts:AssumeRole"), attached=(get.arn,))
    reader = role("Reader", ONE, attached=(get.arn,))
    built = made_world(users=(ann,), roles=(reader,), policies=(get,), resources=(DATA,))
    lost, still, _ = asked(built, ann.arn, "policy", "get")
    assert (lost, still) == (set(), {(CONTENT, "Read:data", "Allowed", ("Reader",))})
    lost, _, _ = asked(built, reader.arn, "policy", "get")
    assert lost == {READ}


def test_the_permission_to_assume_takes_what_lies_behind_the_role() -> None:
    ann = user("ann", ONE, allow("sts:AssumeRole"), attached=())
    reader = role("Reader", ONE, allow("s3:GetObject", CONTENT))
    built = made_world(users=(ann,), roles=(reader,), resources=(DATA,))
    lost, still, _ = asked(built, ann.arn, "policy", "own")
    assert (CONTENT, "Read:data", "Allowed", ("Reader",)) in lost
    assert (reader.arn, "Write", "Allowed", ()) in lost
    assert still == set()


def test_a_boundary_stays_when_the_same_policy_is_detached() -> None:
    get = policy("get", allow("s3:GetObject", CONTENT))
    ann = user("ann", ONE, allow("s3:*", CONTENT), attached=(get.arn,), boundary=get.arn)
    built = made_world(users=(ann,), policies=(get,), resources=(DATA,))
    assert asked(built, ann.arn, "policy", "get") == (set(), {READ}, set())
    assert asked(built, ann.arn, "policy", "own") == (set(), {READ}, set())


def test_a_policy_that_was_not_read_may_take_anything() -> None:
    lost_text = policy("dark", text=None)
    ann = user("ann", attached=(lost_text.arn,))
    built = made_world(users=(ann,), policies=(lost_text,), resources=(DATA,))
    lost, still, _ = asked(built, ann.arn, "policy", "dark")
    assert (CONTENT, "Read:data", "Conditional", ()) in lost
    assert still == set()


def test_what_a_policy_that_was_not_read_may_give_through_a_group_stays() -> None:
    dark = policy("dark", text=None)
    staff = group("staff", attached=(dark.arn,))
    ann = user("ann", attached=(dark.arn,), groups=(staff.arn,))
    built = made_world(users=(ann,), groups=(staff,), policies=(dark,), resources=(DATA,))
    lost, still, _ = asked(built, ann.arn, "policy", "dark")
    assert lost == set()
    assert (CONTENT, "Read:data", "Conditional", ()) in still


def test_what_a_role_has_by_the_same_policy_is_not_given_by_the_one_that_goes() -> None:
    """The boundary leaves the user nothing of it; the role never had it from the user."""
    get, edge = policy("get", allow("s3:GetObject", CONTENT)), policy("edge", allow("sts:*"))
    ann = user("ann", ONE, allow("sts:AssumeRole"), attached=(get.arn,), boundary=edge.arn)
    reader = role("Reader", ONE, attached=(get.arn,))
    built = made_world(users=(ann,), roles=(reader,), policies=(get, edge), resources=(DATA,))
    assert asked(built, ann.arn, "policy", "get") == (set(), set(), set())


def test_a_session_loses_with_its_role() -> None:
    put = InlinePolicy(name="put", document=document(allow("s3:PutObject", CONTENT)))
    both = InlinePolicy(name="both", document=document(allow(["s3:PutObject", "s3:GetObject"], CONTENT)))
    reader = role("Reader", ONE, inline=(put, both))
    built = made_world(roles=(reader,), resources=(DATA,))
    session = f"arn:aws:sts::{ONE}:assumed-role/Reader/nightly"
    assert asked(built, session, "policy", "both") == ({READ}, {(CONTENT, "Write", "Allowed", ())}, set())


def test_resources_that_the_policy_told_apart_are_rows_of_their_own() -> None:
    """Without the policy the two queues are one class; only one of them is lost."""
    several = tuple(queue(f"q-{name}") for name in ("a", "b", "c"))
    ann = user("ann", ONE, attached=(f"arn:aws:iam::{ONE}:policy/some",))
    some = policy("some", allow("sqs:SendMessage", [several[0].arn, several[1].arn]))
    built = made_world(users=(ann,), policies=(some,), resources=several)
    rows = answer(built, ann.arn, "policy", "some").rows
    assert {arn for row in rows.lost for arn in row.spot.members} == {one.arn for one in several[:2]}
    assert sum(row.to_json()["count"] for row in rows.lost) == 2


# -- conditions


def test_what_was_allowed_and_becomes_conditional_is_in_both_tables() -> None:
    ann = user("ann", ONE, allow("s3:GetObject", CONTENT), mfa=None)
    ann = user("ann", ONE, inline=(*ann.inline, InlinePolicy(name="office", document=_office())))
    built = made_world(users=(ann,), resources=(DATA,))
    assert asked(built, ann.arn, "policy", "own") == (
        {READ},
        {(CONTENT, "Read:data", "Conditional", ())},
        set(),
    )


def _office() -> str:
    return document(allow("s3:GetObject", CONTENT, Condition=OFFICE))


def test_a_condition_that_goes_while_another_stays_is_in_both_tables() -> None:
    by_mfa = document(allow("s3:GetObject", CONTENT, Condition=MFA))
    inline = (InlinePolicy(name="office", document=_office()), InlinePolicy(name="mfa", document=by_mfa))
    ann = user("ann", ONE, inline=inline, mfa=None)
    built = made_world(users=(ann,), resources=(DATA,))
    row = (CONTENT, "Read:data", "Conditional", ())
    assert asked(built, ann.arn, "policy", "mfa") == ({row}, {row}, set())


def test_a_condition_that_another_policy_has_as_well_is_not_lost() -> None:
    wider = document(allow("s3:Get*", CONTENT, Condition={"IpAddress": {"aws:SourceIp": "203.0.0.0/16"}}))
    inline = (InlinePolicy(name="office", document=_office()), InlinePolicy(name="wider", document=wider))
    ann = user("ann", ONE, inline=inline)
    built = made_world(users=(ann,), resources=(DATA,))
    lost, still, _ = asked(built, ann.arn, "policy", "office")
    assert (lost, still) == (set(), {(CONTENT, "Read:data", "Conditional", ())})
    lost, _, _ = asked(built, ann.arn, "policy", "wider")
    assert (CONTENT, "Read:data", "Conditional", ()) in lost


# -- contents


def test_a_part_that_another_policy_gives_stays_by_its_own_pattern() -> None:
    logs = f"{DATA.arn}/logs/*"
    inline = (
        InlinePolicy(name="all", document=document(allow("s3:GetObject", CONTENT))),
        InlinePolicy(name="logs", document=document(allow("s3:GetObject", logs))),
    )
    ann = user("ann", ONE, inline=inline)
    built = made_world(users=(ann,), resources=(DATA,))
    assert asked(built, ann.arn, "policy", "all") == ({READ}, {(logs, "Read:data", "Allowed", ())}, set())


def test_a_part_that_is_denied_in_what_stays_is_told() -> None:
    """Semantics U5: a wildcard must not hide the exception."""
    sealed = f"{DATA.arn}/sealed/*"
    inline = (
        InlinePolicy(name="one", document=document(allow("s3:Get*", CONTENT))),
        InlinePolicy(name="two", document=document(allow("s3:GetObject", CONTENT), deny("s3:*", sealed))),
    )
    ann = user("ann", ONE, inline=inline)
    built = made_world(users=(ann,), resources=(DATA,))
    _, still, _ = asked(built, ann.arn, "policy", "one")
    assert still == {READ, (sealed, "Read:data", "ExplicitlyDenied", ())}


def test_what_a_deny_of_the_policy_held_back_is_gained() -> None:
    inline = (
        InlinePolicy(name="mixed", document=document(allow("s3:PutObject", CONTENT), deny("s3:GetObject", CONTENT))),
        InlinePolicy(name="get", document=document(allow("s3:GetObject", CONTENT))),
    )
    ann = user("ann", ONE, inline=inline)
    built = made_world(users=(ann,), resources=(DATA,))
    assert asked(built, ann.arn, "policy", "mixed") == ({(CONTENT, "Write", "Allowed", ())}, set(), {READ})


# -- people


SETS = tuple(PermissionSet(arn=f"arn:aws:sso:::permissionSet/i/ps-{n}", name=n, instance="i") for n in ("Ops", "Look"))
EVE = "eve@x.example"


def reserved(name: str, account: str, *statements: Any) -> Any:
    saml = document(trust({"Federated": f"arn:aws:iam::{account}:saml-provider/sso"}, "sts:AssumeRoleWithSAML"))
    path = "/aws-reserved/sso.amazonaws.com/"
    return role(f"AWSReservedSSO_{name}_0123456789abcdef", account, *statements, trusts=saml, path=path)


def assigned(name: str, account: str, to: str) -> Assignment:
    kind: Any = "USER" if to.startswith("d-") else "GROUP"
    arn = f"arn:aws:sso:::permissionSet/i/ps-{name}"
    return Assignment(permission_set=arn, account=account, principal_type=kind, principal_id=to)


def people(*assignments: Assignment, groups: tuple[DirectoryGroup, ...] = ()) -> World:
    """Eve, two permission sets in one account: Ops reads and writes the bucket, Look reads it."""
    return made_world(
        roles=(
            reserved("Ops", ONE, allow(["s3:GetObject", "s3:PutObject"], CONTENT)),
            reserved("Look", ONE, allow("s3:GetObject", CONTENT)),
        ),
        resources=(DATA,),
        centers=(IdentityCenter(instance="i", store="d", owner=MANAGEMENT, abac=False),),
        permission_sets=SETS,
        directory_users=(DirectoryUser(id="d-1", user_name="eve", emails=(EVE,), active=True),),
        directory_groups=groups,
        assignments=assignments,
    )


OPS, LOOK = "AWSReservedSSO_Ops_0123456789abcdef", "AWSReservedSSO_Look_0123456789abcdef"
READ_BY_LOOK = (CONTENT, "Read:data", "Allowed", (LOOK,))


@pytest.mark.parametrize("text", ["Ops@111111111111", "ops@NAME-1", "arn:aws:sso:::permissionSet/i/ps-Ops@name-1"])
def test_an_assignment_takes_what_no_other_one_gives(text: str) -> None:
    built = people(assigned("Ops", ONE, "d-1"), assigned("Look", ONE, "d-1"))
    lost, still, gained = asked(built, EVE, "assignment", text)
    assert (lost, still, gained) == ({(CONTENT, "Write", "Allowed", (OPS,))}, {READ_BY_LOOK}, set())


def test_an_own_assignment_goes_and_that_of_a_group_stays() -> None:
    staff = DirectoryGroup(id="g-1", name="Staff", members=("d-1",))
    built = people(assigned("Look", ONE, "d-1"), assigned("Look", ONE, "g-1"), groups=(staff,))
    assert asked(built, EVE, "assignment", "Look@name-1") == (set(), {READ_BY_LOOK}, set())
    assert asked(built, EVE, "assignment", "Look@name-1#group:staff") == (set(), {READ_BY_LOOK}, set())
    assert asked(built, EVE, "group", "staff") == (set(), {READ_BY_LOOK}, set())


def test_an_assignment_that_comes_through_one_group_goes_from_the_group() -> None:
    staff = DirectoryGroup(id="g-1", name="Staff", members=("d-1",))
    built = people(assigned("Look", ONE, "g-1"), groups=(staff,))
    assert asked(built, EVE, "assignment", "Look@name-1") == ({READ_BY_LOOK}, set(), set())
    assert asked(built, EVE, "group", "g-1") == ({READ_BY_LOOK}, set(), set())


def test_an_assignment_through_several_groups_must_be_chosen() -> None:
    several = tuple(DirectoryGroup(id=f"g-{n}", name=f"Staff {n}", members=("d-1",)) for n in (1, 2))
    built = people(assigned("Look", ONE, "g-1"), assigned("Look", ONE, "g-2"), groups=several)
    with pytest.raises(WhichOneError, match="`Look@name-1#group:Staff 1`, `Look@name-1#group:Staff 2`; give one"):
        asked(built, EVE, "assignment", "Look@name-1")
    assert asked(built, EVE, "assignment", "Look@name-1#group:Staff 1")[0] == set()


def test_an_assignment_whose_role_was_not_found_is_not_said_to_give_nothing() -> None:
    built = people(assigned("Look", TWO, "d-1"))
    subject = subject_of(built, EVE)
    found = revocation(built, subject, "assignment", "Look@name-2")
    assert found.unseen == "what `Look@name-2` opens is not known: no role of it was found in that account"


# -- trusts and statements


def chained(**more: Any) -> World:
    """Ann becomes A by name and by account; A becomes B; B reads."""
    ann = user("ann", ONE, allow("sts:AssumeRole"))
    by_name = trust({"AWS": ann.arn}, Sid="ByName")
    by_account = trust({"AWS": ONE}, Sid="ByAccount", Condition=OFFICE)
    a = role("A", ONE, allow("sts:AssumeRole"), trusts=document(by_name, by_account))
    b = role("B", TWO, allow("s3:GetObject", CONTENT), trusts=document(trust({"AWS": a.arn})))
    return made_world(users=(ann,), roles=(a, b), resources=(bucket("data", TWO),), **more)


ANN, A, B = f"arn:aws:iam::{ONE}:user/ann", f"arn:aws:iam::{ONE}:role/A", f"arn:aws:iam::{TWO}:role/B"


def test_a_trust_goes_with_every_statement_that_lets_the_principal_in() -> None:
    lost, still, _ = asked(chained(), ANN, "trust", A)
    assert (CONTENT, "Read:data", "Allowed", ("A", "B")) in lost
    assert not {row for row in still if row[0] == CONTENT}


def test_one_statement_of_a_trust_leaves_what_another_lets_in_under_a_condition() -> None:
    lost, still, _ = asked(chained(), ANN, "trust", f"{A}#ByName")
    assert (CONTENT, "Read:data", "Allowed", ("A", "B")) in lost
    assert (CONTENT, "Read:data", "Conditional", ("A", "B")) in still


def test_a_trust_further_on_is_named_by_its_statement() -> None:
    built = chained()
    with pytest.raises(NotHeldError, match=f"no statement of the trust policy of `{B}` lets in `{ANN}`; it has `1`"):
        asked(built, ANN, "trust", B)
    for kind, text in (("trust", f"{B}#1"), ("trust", f"{B}#trust#1"), ("statement", f"{B}#trust#1")):
        lost, _, _ = asked(built, ANN, kind, text)
        assert (CONTENT, "Read:data", "Allowed", ("A", "B")) in lost


def test_a_statement_of_a_managed_policy_goes_from_everybody_who_has_it() -> None:
    get = policy("get", allow("s3:GetObject", CONTENT, Sid="Get"), allow("s3:PutObject", CONTENT, Sid="Put"))
    ann = user("ann", ONE, allow("sts:AssumeRole"), attached=(get.arn,))
    reader = role("Reader", ONE, attached=(get.arn,))
    built = made_world(users=(ann,), roles=(reader,), policies=(get,), resources=(DATA,))
    for text in ("get#Get", f"{get.arn}#Get", "get#1"):
        assert asked(built, ann.arn, "statement", text) == ({READ}, set(), set())


def test_a_statement_of_a_resource_policy_goes_for_whom_it_names() -> None:
    ann, bob = user("ann", TWO, allow("s3:*")), user("bob", ONE, allow("s3:GetObject"))
    opened = bucket("data", ONE, allow("s3:GetObject", CONTENT, Principal={"AWS": [ann.arn, bob.arn]}, Sid="In"))
    built = made_world(users=(ann, bob), resources=(opened,))
    for text in (f"{opened.arn}#policy#In", f"{opened.arn}#In", f"{opened.arn}#policy#1"):
        assert asked(built, ann.arn, "statement", text) == ({READ}, set(), set())
        assert asked(built, bob.arn, "statement", text) == (set(), {READ}, set())


def test_one_of_several_resources_with_one_policy_is_lost_alone() -> None:
    ann = user("ann", TWO, allow("sqs:*"))
    several = tuple(queue(f"q{n}", ONE, allow("sqs:SendMessage", Principal={"AWS": ann.arn})) for n in (1, 2, 3))
    built = made_world(users=(ann,), resources=several)
    rows = answer(built, ann.arn, "statement", f"{several[1].arn}#1").rows
    assert [row.spot.members for row in rows.lost] == [(several[1].arn,)]
    assert told(rows.lost) == {(several[1].arn, "Write", "Allowed", ())}


def test_a_session_that_may_not_be_tagged_any_more_loses_what_hangs_on_another_tag() -> None:
    """Whoever may tag the session can bring the tag; without that the role's own tag counts (semantics U3)."""
    by_tag = allow("s3:GetObject", CONTENT, Condition={"StringEquals": {"aws:PrincipalTag/team": "blue"}})
    by_place = allow("s3:GetObject", CONTENT, Condition=OFFICE)
    tagging = trust({"AWS": TWO}, ["sts:AssumeRole", "sts:TagSession"], Sid="Partner")
    reader = role("Reader", ONE, by_tag, by_place, trusts=document(tagging), tags={"team": "red"})
    built = made_world(roles=(reader,), resources=(DATA,))
    row = (CONTENT, "Read:data", "Conditional", ())
    assert asked(built, reader.arn, "trust", f"{reader.arn}#Partner") == ({row}, {row}, set())


def test_a_part_of_contents_that_only_the_change_tells_apart_is_a_row() -> None:
    """Once nobody may tag the session its folder is known to be the one of the role's own tag."""
    own = allow("s3:GetObject", f"{DATA.arn}/${{aws:PrincipalTag/team}}/*")
    tagging = trust({"AWS": TWO}, ["sts:AssumeRole", "sts:TagSession"], Sid="Partner")
    reader = role("Reader", ONE, own, trusts=document(tagging), tags={"team": "red"})
    built = made_world(roles=(reader,), resources=(DATA,))
    lost, _, gained = asked(built, reader.arn, "trust", f"{reader.arn}#Partner")
    assert lost == {(f"{DATA.arn}/*/*", "Read:data", "Conditional", ())}
    assert gained == {(f"{DATA.arn}/red/*", "Read:data", "Allowed", ())}


@pytest.mark.parametrize("who", ["lambda.amazonaws.com", f"arn:aws:iam::{FOREIGN}:user/eve"])
def test_a_service_and_an_outsider_keep_what_they_come_to_by_a_trust_that_does_not_name_them(who: str) -> None:
    """The direct way goes, and one through a role whose trust is in everyone stays; so does what it alone leads to."""
    named = trust({"AWS": f"arn:aws:iam::{FOREIGN}:user/eve", "Service": "lambda.amazonaws.com"}, Sid="Named")
    first = role("First", ONE, allow(["s3:GetObject", "s3:PutObject"], CONTENT), trusts=document(named))
    opened = role("Open", ONE, allow("s3:GetObject", CONTENT), trusts=document(trust("*", Sid="Any")))
    built = made_world(roles=(first, opened), resources=(DATA,))
    of_data = [{row for row in rows if row[0] == CONTENT} for rows in asked(built, who, "trust", f"{first.arn}#Named")]
    verdict = "Allowed" if who.startswith("lambda") else "Conditional"
    assert of_data == [{(CONTENT, "Write", verdict, ("First",))}, {(CONTENT, "Read:data", verdict, ("Open",))}, set()]
    of_data = [{row for row in rows if row[0] == CONTENT} for rows in asked(built, who, "trust", f"{opened.arn}#Any")]
    assert of_data == [set(), {(CONTENT, "Read:data", verdict, ("First",))}, set()]


def test_an_account_and_anyone_lose_what_a_statement_gives_them() -> None:
    opened = bucket(
        "data",
        ONE,
        allow("s3:GetObject", CONTENT, Principal={"AWS": FOREIGN}, Sid="Partner"),
        allow("s3:GetObject", f"{DATA.arn}/web/*", Principal="*", Sid="Web"),
    )
    built = made_world(resources=(opened,))
    lost, still, _ = asked(built, FOREIGN, "statement", f"{opened.arn}#policy#Partner")
    assert (CONTENT, "Read:data") in {row[:2] for row in lost}
    assert (f"{DATA.arn}/web/*", "Read:data") in {row[:2] for row in still}
    lost, still, _ = asked(built, "anonymous", "statement", f"{opened.arn}#policy#Web")
    assert (lost, still) == ({(f"{DATA.arn}/web/*", "Read:data", "Allowed", ())}, set())


def test_what_a_policy_gives_on_who_has_it_stays_by_another_policy() -> None:
    """A decision about the user itself speaks of its policies as those of the resource."""
    inline = tuple(InlinePolicy(name=name, document=document(allow("iam:GetUser", ANN))) for name in ("one", "two"))
    ann = user("ann", ONE, inline=inline)
    built = made_world(users=(ann,))
    assert asked(built, ANN, "policy", "one") == (set(), {(ANN, "Read:metadata", "Allowed", ())}, set())


# -- against decisions one by one


Cost = tuple[int, int, tuple[str, ...]]


class Naive:
    """What somebody can, decided action by action and role by role over every chain."""

    def __init__(self, built: World, key: str, change: Revocation | None) -> None:
        self.world = built
        self.change = change
        self.start = subject_of(built, key)
        self.out: defaultdict[int, list[tuple[Subject, Outcome]]] = defaultdict(list)
        for source in built.subjects.deciding():
            for one in built.inventory.data.roles if source.kind in ("User", "Role") else ():
                outcome = built.decider.decide(source, assume_action(source), one.arn)
                target = built.subjects.session(one.arn, lost=loses_mfa(source))
                if outcome.can and target is not source:
                    self.out[source.index].append((target, outcome))
        for name, person in built.inventory.people.items():
            for assignment, arn in person.grants:
                because = {"layer": "assignment", "policy": assignment_id(assignment), "effect": "Allow"}
                outcome = Outcome(Verdict.ALLOWED, None, ({**because, "sid": None, "statement": None},), certain=True)
                target = built.subjects.session(arn, lost=True)
                self.out[built.subjects.by_key[name].index].append((target, outcome))
        self.chains: dict[tuple[int, bool, bool], Cost] = {}
        self._walk()

    def _walk(self) -> None:
        """The best cost of (session, whether all steps are certain, whether a step rests on the change)."""
        left: list[tuple[Cost, Subject, bool]] = [((0, 0, ()), self.start, False)]
        while left:
            cost, subject, given = left.pop()
            for target, outcome in self.out[subject.index]:
                rests = given or self._rests(outcome, subject)
                step = (max(cost[0], 0 if outcome.certain else 1), cost[1] + 1, (*cost[2], target.key))
                place = (target.index, step[0] == 0, rests)
                if place not in self.chains or step < self.chains[place]:
                    self.chains[place] = step
                    left.append((step, target, rests))

    def _rests(self, outcome: Outcome, subject: Subject) -> bool:
        return self.change is not None and self.change.gives(outcome, owner_of(subject))

    def _holders(self) -> Iterator[tuple[Subject, Cost, bool]]:
        if self.start.caller is not None:
            yield self.start, (0, 0, ()), False
        for (index, _, given), cost in self.chains.items():
            if index != self.start.index:
                yield self.world.subjects.all[index], cost, given

    def can(self, action: str, arn: str, account: str) -> tuple[Cost | None, bool, set[str]]:
        """(the best way, whether some way rests on the change, the conditions of all ways)."""
        best: Cost | None = None
        given, conditions = False, set()
        for holder, cost, rests in self._holders():
            if arn == "*" and holder.account != account:
                continue
            outcome = self.world.decider.decide(holder, action, arn)
            if outcome.can:
                given |= rests or self._rests(outcome, holder)
                found = (max(cost[0], outcome.rank), *cost[1:])
                best = found if best is None or found < best else best
                conditions.add(f"{cost} {outcome.residual}")
        return best, given, conditions


def drawn(seed: int) -> tuple[World, Subject, Revocation]:
    """A random organisation, somebody of it, and something that is taken away."""
    draw = random.Random(seed)
    built = World(Inventory(world(seed)))
    found: list[tuple[Subject, Revocation]] = []
    people = [one for one in built.subjects.all if one.kind in ("User", "Role", "Person") and not one.lost]
    for subject in people:
        found += [(subject, change) for change in _changes(built, subject)]
    kinds = sorted({change.kind for _, change in found})
    kind = draw.choice(kinds)
    return built, *draw.choice([one for one in found if one[1].kind == kind])


def _changes(built: World, subject: Subject) -> Iterator[Revocation]:
    inventory = built.inventory
    holder = inventory.users.get(subject.key) or inventory.roles.get(subject.key)
    names: list[tuple[str, str]] = []
    if holder is not None:
        names += [("policy", f"{holder.arn}#inline:{one.name}") for one in holder.inline]
        names += [("policy", arn) for arn in holder.attached]
        names += [("group", arn) for arn in getattr(holder, "groups", ())]
        names += [("statement", f"{arn}#1") for arn in holder.attached]
    if subject.kind == "Person":
        names += [("assignment", f"Ops@{item.account}") for item in inventory.data.assignments]
    names += [("trust", one.arn) for one in inventory.data.roles]
    names += [("trust", f"{one.arn}#1") for one in inventory.data.roles]
    names += [("statement", f"{one.arn}#policy#1") for one in inventory.data.resources]
    for kind, text in names:
        try:
            yield revocation(built, subject, kind, text)
        except GrantmapError:
            continue


def sampled(draw: random.Random, change: Change) -> list[str]:
    arn = change.spot.representative
    actions = sorted({*change.lost, *change.still, *change.after})
    if arn != "*":
        actions += draw.sample(catalogue().actions_for_resource(arn), 3)
    # What needs several resources at once (semantics M6) is `can`'s alone to tell.
    actions = [action for action in actions if not together(action)]
    return draw.sample(actions, min(len(actions), 6))


@pytest.mark.parametrize("seed", seeds(6, 400))
def test_every_action_is_lost_or_stays_as_decisions_before_and_after_say(seed: int, tmp_path: Path) -> None:
    built, subject, change = drawn(seed)
    questions = questions_of(built, tmp_path)
    after = World(changed_inventory(built.inventory, change))
    was, now = Naive(built, subject.key, change), Naive(after, subject.key, None)
    draw = random.Random(seed)
    wrong: list[str] = []
    seen: set[str] = set()
    for found in spots_compared(questions, subject_of(questions.world, subject.key), change):
        seen.update(found.spot.members or (found.spot.representative,))
        arn = draw.choice(found.spot.members or (found.spot.representative,))
        for action in sampled(draw, found):
            old, given, old_conditions = was.can(action, arn, found.spot.account)
            new, _, new_conditions = now.can(action, arn, found.spot.account)
            lost = old is not None and (new is None or old[0] < new[0])
            if old is not None and new is not None and old[0] == new[0] == 1 and old_conditions != new_conditions:
                lost = action in found.lost  # which conditions include which is another test's
            still = new is not None and (given or lost)
            if (action in found.lost, action in found.still) != (lost, still):
                wrong.append(f"{action} {arn}: {lost=} {still=}, {action in found.lost} {action in found.still}")
            if lost and found.lost[action].cost != old:
                wrong.append(f"{action} {arn}: lost by {old}, {found.lost[action].cost}")
            if still and found.still[action].cost != new:
                wrong.append(f"{action} {arn}: still by {new}, {found.still[action].cost}")
    wrong += [f"{arn} is in no spot" for arn in _missing(was, now, seen, draw)]
    assert wrong == [], f"{subject.key} {change}"


def _missing(was: Naive, now: Naive, seen: set[str], draw: random.Random) -> Iterator[str]:
    """Resources of which the answer says nothing although something of them changes, by a sample of actions."""
    for resource in was.world.inventory.data.resources:
        inside = f"{resource.arn}/x" if resource.type == "s3:bucket" else resource.arn
        for arn in dict.fromkeys((resource.arn, inside)):
            if not any(one == arn or (arn != resource.arn and one.startswith(f"{resource.arn}/")) for one in seen):
                for action in draw.sample(catalogue().actions_for_resource(arn), 4):
                    old, given, conditions = was.can(action, arn, resource.account)
                    new, _, others = now.can(action, arn, resource.account)
                    if given or (old, conditions) != (new, others):
                        yield f"{action} {arn}"
