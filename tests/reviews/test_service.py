"""Campaigns from their opening to their end: who may do what, when, and what is refused."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import pytest

from reviews import decisions
from reviews.errors import (
    CampaignPlanError,
    CampaignStateError,
    DecisionError,
    GapsError,
    KeyReusedError,
    NotAllowedError,
    StaleVersionError,
    UnknownCampaignError,
)
from reviews.projection import Standing
from reviews.records import AcceptedGap, Actor, CampaignView, Decision, Item, Population
from reviews.service import Reviews
from tests.reviews.conftest import Clock, decide_all, opened
from tests.reviews.factories import (
    ANA,
    ATTEST,
    BEN,
    OWNER,
    REVOKE,
    STRANGER,
    Everybody,
    access,
    gap,
    item,
    plan,
    population,
    privileged,
    row,
)

OIDC_OWNER = Actor(name="owner@example.com", how="oidc", signed_in="2026-03-02T09:20:00Z")


def first(reviews: Reviews, campaign: CampaignView, actor: Actor = ANA) -> Item:
    return reviews.items(campaign.id, reviewer=actor.name, states=("open",))[0].item


def decide(reviews: Reviews, campaign: CampaignView, one: Item, decision: Decision, actor: Actor = ANA) -> Any:
    version = reviews.item(campaign.id, one.id).version
    return reviews.decide(campaign.id, one.id, decision, actor, version=version, key=f"{one.id}-{version}-{actor.name}")


# -- opening


def test_a_campaign_opens_with_everything_frozen_and_assigned(reviews: Reviews, campaign: CampaignView) -> None:
    assert (campaign.items, campaign.decided, campaign.phase, campaign.entries) == (4, 0, "open", 2)
    assert campaign.reviewers == {"ana@example.com": (2, 0), "ben@example.com": (2, 0)}
    assert campaign.risks == {"critical": 0, "high": 0, "medium": 0, "low": 4}
    assert campaign.changes["new"] == 4
    assert reviews.campaigns() == [campaign]
    assert [view.item for view in reviews.items(campaign.id)] == list(population().items)
    assert [msgspec.json.decode(data)["id"] for data in reviews.frozen(campaign.id)] == [
        each.id for each in population().items
    ]
    assert reviews.completeness(campaign.id)["calls"] == {"ok": 120, "empty": 8}
    assert reviews.plan(campaign.id)["name"] == "First quarter"


def test_opening_again_with_the_same_key_answers_with_the_same_campaign(reviews: Reviews, clock: Clock) -> None:
    first_answer = reviews.open_campaign(plan(), population(), Everybody(), OWNER, key="open")
    clock.move(days=60)
    assert reviews.open_campaign(plan(), population(), Everybody(), OWNER, key="open") == first_answer
    assert len(reviews.campaigns()) == 1
    with pytest.raises(KeyReusedError, match=r"`open` was used at 2026-03-02T09:30:00Z for something else"):
        reviews.open_campaign(plan(name="Another"), population(), Everybody(), OWNER, key="open")


def test_it_takes_a_role_to_open_a_campaign(reviews: Reviews) -> None:
    with pytest.raises(NotAllowedError, match=r"`stranger@example.com` may not open a campaign.* they have no role"):
        reviews.open_campaign(plan(), population(), Everybody(), STRANGER, key="open")
    assert reviews.campaigns() == []
    reviews.set_roles("stranger@example.com", ("owner",), OWNER)
    assert reviews.open_campaign(plan(), population(), Everybody(), STRANGER, key="open").owner == STRANGER.name


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"due": "2026-03-01"}, "the due date `2026-03-01` is in the past"),
        ({"due": "31.03.2026"}, "wrong due date `31.03.2026`: expected YYYY-MM-DD"),
        ({"name": "  "}, "needs a name of one line"),
        ({"name": "a\nb"}, "needs a name of one line"),
        ({"name": "a\x1b[2Jb"}, r"cannot be printed \(U\+001B\)"),
        ({"reviewers": "manager:ana"}, "unknown rule of reviewers `manager:ana`"),
        ({"reviewers": "account-owner"}, "4 of 4 items have no reviewer by `account-owner`: add a fallback"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(reviews: Reviews, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(CampaignPlanError, match=words):
        reviews.open_campaign(plan(**changes), population(), Everybody(), OWNER, key="open")
    assert reviews.campaigns() == []


def test_a_campaign_without_items_is_refused(reviews: Reviews) -> None:
    nothing = Population(items=(), completeness=population().completeness)
    with pytest.raises(CampaignPlanError, match=r"nothing is in this scope"):
        reviews.open_campaign(plan(), nothing, Everybody(), OWNER, key="open")


def test_an_item_that_is_there_twice_is_refused(reviews: Reviews) -> None:
    with pytest.raises(CampaignPlanError, match=r"`0000000000000001` is in the population twice"):
        reviews.open_campaign(plan(), population(item(1), item(1)), Everybody(), OWNER, key="open")


def test_a_campaign_opens_over_gaps_only_when_somebody_answers_for_all_of_them(reviews: Reviews) -> None:
    holes = population(item(), gaps=(gap(), gap(service="kms", operation="GetKeyPolicy")))
    with pytest.raises(GapsError, match=r"s3 GetBucketPolicy denied in 111122223333; kms GetKeyPolicy.*--accept-gaps"):
        reviews.open_campaign(plan(), holes, Everybody(), OWNER, key="open")
    one = AcceptedGap(group=gap(), reason="sealed on purpose", by="ciso@example.com")
    with pytest.raises(GapsError, match=r"kms GetKeyPolicy"):
        reviews.open_campaign(plan(accepted=(one,)), holes, Everybody(), OWNER, key="open")
    unsaid = AcceptedGap(group=gap(service="kms", operation="GetKeyPolicy"), reason=" ", by="ciso@example.com")
    with pytest.raises(GapsError, match=r"kms GetKeyPolicy"):
        reviews.open_campaign(plan(accepted=(one, unsaid)), holes, Everybody(), OWNER, key="open")
    both = (one, msgspec.structs.replace(unsaid, reason="its owner is on leave"))
    assert reviews.open_campaign(plan(accepted=both), holes, Everybody(), OWNER, key="open").gaps == 2


def test_an_accepted_gap_does_not_answer_for_more_accounts_than_it_names(reviews: Reviews) -> None:
    accepted = AcceptedGap(group=gap(), reason="sealed on purpose", by="ciso@example.com")
    holes = population(item(), gaps=(gap(accounts=("111122223333", "444455556666")),))
    with pytest.raises(GapsError, match=r"111122223333, 444455556666"):
        reviews.open_campaign(plan(accepted=(accepted,)), holes, Everybody(), OWNER, key="open")


def test_an_old_snapshot_needs_a_reason(reviews: Reviews) -> None:
    old = population(item(), taken="2026-02-20T08:00:00Z")
    with pytest.raises(GapsError, match=r"is 10 days old, more than 7: collect again, or say why"):
        reviews.open_campaign(plan(), old, Everybody(), OWNER, key="open")
    with pytest.raises(GapsError, match=r"is not known"):
        reviews.open_campaign(plan(), population(item(), taken="?"), Everybody(), OWNER, key="open")
    assert reviews.open_campaign(plan(stale_reason="year-end freeze"), old, Everybody(), OWNER, key="open").items == 1


def test_a_preview_says_what_stands_in_the_way(reviews: Reviews) -> None:
    people = population(
        item(1), privileged(2, owners=("ana@example.com", "")), gaps=(gap(),), taken="2026-02-01T00:00:00Z"
    )
    found = reviews.preview(plan(reviewers="account-owner"), people, Everybody({(item(2).id, "ana@example.com"): "x"}))
    assert (found.items, found.unassigned, found.conflicts) == (2, 1, 1)
    assert found.by_risk == {"critical": 1, "high": 0, "medium": 0, "low": 1}
    assert found.reviewers == {"ana@example.com": 1}
    assert found.gaps == (gap(),)
    assert "29 days old" in found.stale
    assert reviews.campaigns() == []


# -- lists


def test_lists_are_narrowed_ordered_and_paged(reviews: Reviews) -> None:
    campaign = opened(
        reviews,
        item(1, risk="low", principal_name="Zoe"),
        item(2, risk="critical", principal_name="adam"),
        item(3, risk="medium", principal_name="Mia", access=access(row("arn:aws:s3:::a_b/*"))),
        item(4, risk="low", principal_name="Bea", access=access(row("arn:aws:s3:::axb/*"))),
    )

    def ids(**asked: Any) -> list[str]:
        found = [view.item.id[-1] for view in reviews.items(campaign.id, **asked)]
        asked = {key: value for key, value in asked.items() if key not in ("order", "offset", "limit")}
        assert reviews.count(campaign.id, **asked) >= len(found)
        return found

    assert ids() == ["2", "3", "1", "4"]
    assert ids(order="person") == ["2", "4", "3", "1"]
    assert ids(order="resource") == ["3", "4", "1", "2"]
    assert ids(offset=1, limit=2) == ["3", "1"]
    assert ids(limit=0) == []
    assert ids(risks=("low", "medium")) == ["3", "1", "4"]
    assert ids(search="ZOE") == ["1"]
    assert ids(search="a_b") == ["3"], "an underscore is itself"
    assert ids(search="%") == []
    assert ids(search="s3 mia") == ["3"]
    assert ids(reviewer="ANA@example.com") == ["2", "3", "1", "4"]
    assert ids(reviewer="nobody@example.com") == []
    assert ids(states=("attest",)) == []
    assert ids(changes=("new",), states=("open",)) == ["2", "3", "1", "4"]
    assert reviews.count(campaign.id, risks=("low",)) == 2


@pytest.mark.parametrize(
    "asked", [{"order": "name"}, {"states": ("done",)}, {"risks": ("huge",)}, {"changes": ("old",)}, {"offset": -1}]
)
def test_a_filter_that_does_not_exist_is_refused(file_reviews: Reviews, asked: dict[str, Any]) -> None:
    campaign = opened(file_reviews, item())
    with pytest.raises(CampaignPlanError):
        file_reviews.items(campaign.id, **asked)


def test_what_does_not_exist_is_said_so(reviews: Reviews, campaign: CampaignView) -> None:
    with pytest.raises(UnknownCampaignError, match=r"no campaign `nope`: see `grantmap campaign list`"):
        reviews.campaign("nope")
    with pytest.raises(UnknownCampaignError, match=f"no item `nope` in campaign `{campaign.id}`"):
        reviews.item(campaign.id, "nope")
    with pytest.raises(UnknownCampaignError):
        reviews.decide(campaign.id, "nope", ATTEST, ANA, version=1, key="k")
    with pytest.raises(UnknownCampaignError):
        reviews.decide("nope", "nope", ATTEST, ANA, version=1, key="k")
    with pytest.raises(UnknownCampaignError):
        reviews.history(campaign.id, "nope")


# -- deciding


def test_a_decision_is_kept_with_who_when_and_why(reviews: Reviews, campaign: CampaignView) -> None:
    one = first(reviews, campaign)
    view = decide(reviews, campaign, one, ATTEST)
    assert (view.state, view.version, view.decided_by, view.decided_at) == (
        "attest",
        2,
        "ana@example.com",
        "2026-03-02T09:30:00Z",
    )
    assert reviews.item(campaign.id, one.id, ANA) == view
    (entry,) = reviews.history(campaign.id, one.id)
    assert (entry.kind, entry.actor, entry.how, entry.item) == ("decided", "ana@example.com", "oidc", one.id)
    assert entry.body["role"] == "reviewer"
    assert entry.body["recommended"] == "keep"
    assert reviews.campaign(campaign.id).reviewers["ana@example.com"] == (2, 1)


def test_a_decision_is_superseded_never_edited(reviews: Reviews, campaign: CampaignView) -> None:
    one = first(reviews, campaign)
    decide(reviews, campaign, one, ATTEST)
    view = decide(reviews, campaign, one, REVOKE)
    assert (view.state, view.version) == ("revoke", 3)
    said: list[Any] = [entry.body["decision"] for entry in reviews.history(campaign.id, one.id)]
    assert [decision["kind"] for decision in said] == ["attest", "revoke"]


def test_a_stale_version_is_refused_and_says_who_changed_it(reviews: Reviews, campaign: CampaignView) -> None:
    one = first(reviews, campaign)
    decide(reviews, campaign, one, REVOKE)
    words = "decided `revoke` by `ana@example.com` at 2026-03-02T09:30:00Z; read it again"
    with pytest.raises(StaleVersionError, match=words):
        reviews.decide(campaign.id, one.id, ATTEST, ANA, version=1, key="late")
    with pytest.raises(StaleVersionError, match=r"has no version 9 yet"):
        reviews.decide(campaign.id, one.id, ATTEST, ANA, version=9, key="early")
    assert reviews.item(campaign.id, one.id).state == "revoke"


def test_the_same_key_is_answered_the_same_and_done_once(reviews: Reviews, campaign: CampaignView) -> None:
    one = first(reviews, campaign)
    answer = reviews.decide(campaign.id, one.id, ATTEST, ANA, version=1, key="k")
    decide(reviews, campaign, one, REVOKE)
    assert reviews.decide(campaign.id, one.id, ATTEST, ANA, version=1, key="k") == answer
    assert len(reviews.history(campaign.id, one.id)) == 2
    for other in (
        {"decision": REVOKE, "version": 1, "actor": ANA},
        {"decision": ATTEST, "version": 3, "actor": ANA},
        {"decision": ATTEST, "version": 1, "actor": BEN},
    ):
        with pytest.raises(KeyReusedError):
            reviews.decide(campaign.id, one.id, key="k", **other)  # type: ignore[arg-type]
    with pytest.raises(KeyReusedError, match=r"wrong idempotency key"):
        reviews.decide(campaign.id, one.id, ATTEST, ANA, version=3, key=" ")


def test_only_the_reviewer_of_an_item_decides_on_it(reviews: Reviews, campaign: CampaignView) -> None:
    one = first(reviews, campaign)
    for actor in (BEN, STRANGER, OWNER, Actor(name="admin", how="local", signed_in="2026-03-02T09:29:00Z")):
        with pytest.raises(NotAllowedError, match=r"it is assigned to ana@example.com"):
            reviews.decide(campaign.id, one.id, ATTEST, actor, version=1, key=actor.name)
        assert reviews.item(campaign.id, one.id, actor).may_decide == "it is assigned to ana@example.com"
    assert reviews.item(campaign.id, one.id).may_decide == "nobody is named who would decide"
    assert reviews.item(campaign.id, one.id, ANA).may_decide == ""


def test_a_reviewer_who_lost_the_role_does_not_decide(reviews: Reviews, campaign: CampaignView) -> None:
    reviews.set_roles("ana@example.com", ("auditor",), OWNER)
    with pytest.raises(NotAllowedError, match=r"you do not have the role reviewer"):
        decide(reviews, campaign, first(reviews, campaign), ATTEST)


def test_nobody_decides_on_themselves(reviews: Reviews) -> None:
    campaign = opened(reviews, item(1, people=("ANA@example.com",)))
    view = reviews.items(campaign.id, ANA)[0]
    assert view.conflict == "it is their own access"
    for actor in (ANA, Actor(name="ana@example.com", how="command")):
        with pytest.raises(NotAllowedError, match=r"nobody decides on themselves"):
            decide(reviews, campaign, view.item, ATTEST, actor)
    with pytest.raises(NotAllowedError, match=r"cannot go to `ana@example.com`"):
        reviews.assign(campaign.id, view.item.id, "ana@example.com", "only she knows", OWNER, version=1, key="a")


@pytest.mark.parametrize("own", [item(1, people=("Ana@example.com",)), item(1, principal="person:ana@example.com")])
def test_ones_own_access_is_refused_whatever_the_assignment_says(own: Item) -> None:
    standing = Standing(1, "open", "ana@example.com", decisions.BY_OWNER, "")
    said = decisions.why_not(own, standing, "open", "ana@example.com", frozenset({"reviewer", "admin"}))
    assert said == "it is your own access: nobody decides on themselves"


def test_who_is_not_independent_waits_for_the_owner(reviews: Reviews) -> None:
    one = item(1)
    conflict = Everybody({(one.id, "ana@example.com"): "they can reach the access under review"})
    campaign = reviews.open_campaign(plan(reviewers="ana@example.com"), population(one), conflict, OWNER, key="open")
    assert campaign.items == 1
    with pytest.raises(NotAllowedError, match=r"you are not independent: they can reach"):
        decide(reviews, campaign, one, ATTEST)
    view = reviews.assign(
        campaign.id, one.id, "ana@example.com", "nobody else knows it", OWNER, version=1, key="a", independence=conflict
    )
    assert view.conflict == "they can reach the access under review"
    assert decide(reviews, campaign, one, ATTEST).state == "attest"
    entry = reviews.history(campaign.id, one.id)[-1]
    assert entry.body["conflict"] == "they can reach the access under review"


@pytest.mark.parametrize(
    ("one", "decision", "words"),
    [
        (privileged(), Decision(kind="attest"), "a reason is required: the recommendation is to remove it"),
        (item(risk="high"), Decision(kind="attest"), "the risk of this access is high"),
        (item(external=True), Decision(kind="attest"), "somebody outside the organisation"),
        (item(privileged=True), Decision(kind="attest", reason="  "), "this is privileged access"),
        (item(), Decision(kind="revoke"), "the recommendation is to keep it"),
        (item(), Decision(kind="modify", reason="x"), "`modify` needs the lower access to change it to"),
        (item(), Decision(kind="modify", to="ReadOnly"), "a reason is required"),
        (item(), Decision(kind="exception", reason="x", until="2026-04-01"), "`exception` needs the control"),
        (item(), Decision(kind="exception", reason="x", control="c"), "needs the date on which it ends"),
        (item(), Decision(kind="exception", reason="x", control="c", until="2026-03-02"), "not in the future"),
        (item(), Decision(kind="exception", reason="x", control="c", until="soon"), "wrong end date `soon`"),
        (item(), Decision(kind="exception", reason="x", control="c", until="2028-01-01"), "more than 366 days away"),
        (item(), Decision(kind="exception", control="c", until="2026-04-01"), "a reason is required"),
        (item(), Decision(kind="attest", to="ReadOnly"), "`attest` has no use for the lower access"),
        (item(), Decision(kind="abstain", hand_to="ana@example.com"), "cannot hand the item to themselves"),
        (item(), Decision(kind="attest", bulk=True, reason="x"), "is not `bulk`"),
        (item(), Decision(kind="attest", reason="x" * 4_001), "the reason is too long: 4001 characters"),
        (item(), Decision(kind="attest", reason="a\x00b"), r"cannot be printed \(U\+0000\)"),
        (item(), Decision(kind="attest", reason="a\u202eb"), r"cannot be printed \(U\+202E\)"),
        (item(), Decision(kind="maybe", reason="x"), "unknown decision `maybe`"),  # type: ignore[arg-type]
    ],
)
def test_a_decision_that_lacks_what_its_kind_needs_is_refused(
    file_reviews: Reviews, one: Item, decision: Decision, words: str
) -> None:
    campaign = opened(file_reviews, one)
    with pytest.raises(DecisionError, match=words):
        decide(file_reviews, campaign, one, decision)
    assert file_reviews.item(campaign.id, one.id).version == 1
    assert file_reviews.history(campaign.id, one.id) == []


@pytest.mark.parametrize(
    ("one", "decision"),
    [
        (item(), Decision(kind="attest")),
        (privileged(), Decision(kind="revoke")),
        (privileged(), Decision(kind="attest", reason="break-glass account")),
        (item(), Decision(kind="modify", to="ReadOnly", reason="reads only")),
        (item(), Decision(kind="exception", control="alarm on use", until="2026-04-01", reason="until the migration")),
        (item(), Decision(kind="abstain", hand_to="ben@example.com")),
        (item(), Decision(kind="attest", reason="line\r\nline\ttab")),
    ],
)
def test_a_decision_with_what_its_kind_needs_is_taken(file_reviews: Reviews, one: Item, decision: Decision) -> None:
    campaign = opened(file_reviews, one)
    view = decide(file_reviews, campaign, one, decision)
    assert view.state == decision.kind
    assert view.decision is not None
    assert view.decision.owner == ("ana@example.com" if decision.kind == "exception" else "")
    assert "\r" not in view.decision.reason


def test_why_a_reason_is_required_is_shown_before(file_reviews: Reviews) -> None:
    campaign = opened(file_reviews, item(1), privileged(2), item(3, external=True))
    assert [view.needs_reason for view in file_reviews.items(campaign.id, order="person")] == [
        "",
        "this is privileged access",
        "somebody outside the organisation has this access",
    ]


# -- many at once


def unchanged(reviews: Reviews, *items: Item) -> CampaignView:
    """A campaign whose items were attested in the one before it."""
    before = opened(reviews, *items, key="before")
    decide_all(reviews, before.id)
    reviews.sign_off(before.id, "done", OWNER, key="sign")
    return opened(reviews, *items, key="now")


def test_unchanged_items_of_low_risk_are_decided_at_once(reviews: Reviews) -> None:
    campaign = unchanged(reviews, item(1), item(2), item(3))
    assert campaign.changes["unchanged"] == 3
    chosen = [(view.item.id, view.version) for view in reviews.items(campaign.id)]
    with pytest.raises(DecisionError, match=r"a reason is required: the decision is made on many items at once"):
        reviews.decide_many(campaign.id, chosen, Decision(kind="attest"), ANA, key="many")
    views = reviews.decide_many(campaign.id, chosen, ATTEST, ANA, key="many")
    assert [(view.state, view.decision.bulk) for view in views if view.decision] == [("attest", True)] * 3
    assert reviews.decide_many(campaign.id, chosen, ATTEST, ANA, key="many") == views
    assert reviews.campaign(campaign.id).entries == campaign.entries + 3


def test_many_are_decided_all_or_none(reviews: Reviews) -> None:
    campaign = unchanged(reviews, item(1), item(2), item(3, risk="high"))
    chosen = [(view.item.id, view.version) for view in reviews.items(campaign.id, order="person")]
    with pytest.raises(DecisionError, match=r"is unchanged and of high risk: only unchanged items of low risk"):
        reviews.decide_many(campaign.id, chosen, ATTEST, ANA, key="many")
    with pytest.raises(StaleVersionError):
        reviews.decide_many(campaign.id, [chosen[0], (chosen[1][0], 7)], ATTEST, ANA, key="many")
    assert reviews.campaign(campaign.id).decided == 0
    assert reviews.campaign(campaign.id).entries == campaign.entries


@pytest.mark.parametrize("kind", ["modify", "exception", "abstain"])
def test_what_has_to_be_thought_about_is_not_decided_at_once(file_reviews: Reviews, kind: Any) -> None:
    campaign = unchanged(file_reviews, item(1))
    with pytest.raises(DecisionError, match=f"`{kind}` is decided item by item"):
        file_reviews.decide_many(campaign.id, [(item(1).id, 1)], Decision(kind=kind, reason="x"), ANA, key="many")


def test_new_items_are_not_decided_at_once(file_reviews: Reviews) -> None:
    campaign = opened(file_reviews, item(1))
    with pytest.raises(DecisionError, match=r"is new and of low risk"):
        file_reviews.decide_many(campaign.id, [(item(1).id, 1)], ATTEST, ANA, key="many")
    for wrong in ([], [(item(1).id, 1)] * 2):
        with pytest.raises(DecisionError):
            file_reviews.decide_many(campaign.id, wrong, ATTEST, ANA, key="many")


# -- compared with last time


@pytest.mark.parametrize(
    ("kind", "now", "change"),
    [
        ("attest", access(row()), "unchanged"),
        ("revoke", access(row()), "new"),
        ("attest", access(row(levels=("Read:data", "Write"))), "wider"),
        ("attest", access(row("arn:aws:s3:::*")), "wider"),
        ("attest", access(row("arn:aws:s3:::reports/2026/*")), "narrower"),
        ("attest", access(), "narrower"),
        ("attest", access(row(verdict="Conditional")), "narrower"),
        ("attest", access(row(), more=1), "wider"),
    ],
)
def test_an_item_is_compared_with_what_was_last_decided(
    file_reviews: Reviews, kind: str, now: Any, change: str
) -> None:
    before = opened(file_reviews, item(1), key="before")
    decide_all(file_reviews, before.id, kind)
    file_reviews.sign_off(before.id, "done", OWNER, key="sign")
    campaign = opened(file_reviews, item(1, access=now), item(2), key="now")
    found = {view.item.id: view.change for view in file_reviews.items(campaign.id)}
    assert found == {item(1).id: change, item(2).id: "new"}


def test_a_decision_that_was_not_signed_off_is_none_to_compare_with(file_reviews: Reviews) -> None:
    before = opened(file_reviews, item(1), key="before")
    decide_all(file_reviews, before.id)
    assert opened(file_reviews, item(1), key="now").changes["new"] == 1


# -- assigning


def test_the_owner_assigns_with_a_reason(reviews: Reviews, campaign: CampaignView) -> None:
    one = first(reviews, campaign)
    with pytest.raises(DecisionError, match=r"a reason is required"):
        reviews.assign(campaign.id, one.id, "cleo@example.com", " ", OWNER, version=1, key="a")
    view = reviews.assign(
        campaign.id, one.id, "Cleo@example.com", "on leave", OWNER, version=1, key="a", independence=Everybody()
    )
    assert (view.reviewer, view.rule, view.conflict, view.version) == (
        "cleo@example.com",
        decisions.BY_OWNER,
        "",
        2,
    )
    assert "reviewer" in reviews.members()["cleo@example.com"]
    again = reviews.assign(
        campaign.id, one.id, "Cleo@example.com", "on leave", OWNER, version=1, key="a", independence=Everybody()
    )
    assert again == view
    with pytest.raises(NotAllowedError, match=r"it is assigned to cleo@example.com"):
        decide(reviews, campaign, one, ATTEST)
    with pytest.raises(StaleVersionError, match=r"assigned to `cleo@example.com` by `owner@example.com`"):
        reviews.assign(campaign.id, one.id, "ben@example.com", "x", OWNER, version=1, key="b")
    with pytest.raises(DecisionError, match=r"is assigned to `cleo@example.com` already"):
        reviews.assign(campaign.id, one.id, "cleo@example.com", "x", OWNER, version=2, key="c")


def test_an_assignment_without_the_graph_says_that_independence_was_not_checked(
    reviews: Reviews, campaign: CampaignView
) -> None:
    one = first(reviews, campaign)
    view = reviews.assign(campaign.id, one.id, "ben@example.com", "on leave", OWNER, version=1, key="a")
    assert view.conflict == "whether they are independent was not checked"
    assert decide(reviews, campaign, one, ATTEST, BEN).state == "attest"


def test_a_reviewer_hands_on_only_to_somebody_independent(reviews: Reviews, campaign: CampaignView) -> None:
    one, two = (view.item for view in reviews.items(campaign.id, reviewer=ANA.name))
    reviews.assign(
        campaign.id, one.id, "ben@example.com", "his team", ANA, version=1, key="a", independence=Everybody()
    )
    assert decide(reviews, campaign, one, ATTEST, BEN).state == "attest"
    conflict = Everybody({(two.id, "ben@example.com"): "they can reach the access under review"})
    reviews.assign(campaign.id, two.id, "ben@example.com", "his team", ANA, version=1, key="b", independence=conflict)
    with pytest.raises(NotAllowedError, match=r"you are not independent"):
        decide(reviews, campaign, two, ATTEST, BEN)
    with pytest.raises(NotAllowedError, match=r"`ana@example.com` may not assign .* its reviewer, `ben@example.com`"):
        reviews.assign(campaign.id, two.id, "ana@example.com", "back", ANA, version=2, key="c")


def test_an_abstention_waits_for_somebody_else(reviews: Reviews) -> None:
    campaign = opened(reviews, item(1))
    decide(reviews, campaign, item(1), Decision(kind="abstain", reason="not my team"))
    with pytest.raises(NotAllowedError, match=r"you handed it over"):
        decide(reviews, campaign, item(1), ATTEST)
    with pytest.raises(CampaignStateError, match=r"1 of 1 items are not decided \(1 abstained from: assign"):
        reviews.sign_off(campaign.id, "done", OWNER, key="sign")
    view = reviews.assign(
        campaign.id, item(1).id, "ben@example.com", "his team", OWNER, version=2, key="a", independence=Everybody()
    )
    assert (view.state, view.decision, view.reviewer) == ("open", None, "ben@example.com")
    assert decide(reviews, campaign, item(1), ATTEST, BEN).state == "attest"


# -- the end


def test_sign_off_needs_every_item_decided(reviews: Reviews, campaign: CampaignView) -> None:
    decide(reviews, campaign, first(reviews, campaign), ATTEST)
    with pytest.raises(CampaignStateError, match=r"3 of 4 items are not decided \(3 are open\)"):
        reviews.sign_off(campaign.id, "done", OWNER, key="sign")
    assert reviews.campaign(campaign.id).phase == "open"


def test_after_sign_off_nothing_is_decided(reviews: Reviews, campaign: CampaignView) -> None:
    one = first(reviews, campaign)
    decide_all(reviews, campaign.id, actors=(ANA, BEN))
    with pytest.raises(DecisionError, match=r"sign-off needs the words"):
        reviews.sign_off(campaign.id, "  ", OWNER, key="sign")
    signed = reviews.sign_off(campaign.id, "I acknowledge the results", OWNER, key="sign")
    assert (signed.phase, signed.signed_off, signed.signed_off_by) == ("signed-off", "2026-03-02T09:30:00Z", OWNER.name)
    assert signed.head == list(reviews.entries(campaign.id))[-1].hash
    assert reviews.sign_off(campaign.id, "I acknowledge the results", OWNER, key="sign") == signed
    with pytest.raises(CampaignStateError, match=r"was signed off at 2026-03-02T09:30:00Z"):
        reviews.sign_off(campaign.id, "again", OWNER, key="sign-2")
    with pytest.raises(CampaignStateError, match=r"nothing changes now"):
        decide(reviews, campaign, one, REVOKE)
    with pytest.raises(CampaignStateError, match=r"nothing changes now"):
        reviews.assign(campaign.id, one.id, "cleo@example.com", "x", OWNER, version=2, key="a")
    assert reviews.item(campaign.id, one.id, ANA).may_decide == "the review is signed off"


def test_only_the_owner_signs_off(reviews: Reviews, campaign: CampaignView) -> None:
    decide_all(reviews, campaign.id, actors=(ANA, BEN))
    reviews.set_roles("ana@example.com", ("reviewer", "owner"), OWNER)
    with pytest.raises(NotAllowedError, match=r"that is for the owner of the campaign, `owner@example.com`"):
        reviews.sign_off(campaign.id, "done", ANA, key="sign")


def test_sign_off_needs_a_fresh_login(reviews: Reviews, campaign: CampaignView, clock: Clock) -> None:
    decide_all(reviews, campaign.id, actors=(ANA, BEN))
    ways: tuple[Literal["oidc", "local"], ...] = ("oidc", "local")
    for signed_in in ("2026-03-02T09:14:59Z", "", "yesterday", "2026-03-02T09:20:00", "2026-03-02T11:00:00Z"):
        for how in ways:
            actor = Actor(name=OWNER.name, how=how, signed_in=signed_in)
            with pytest.raises(NotAllowedError, match=r"signed in more than 15 minutes ago.*sign in again"):
                reviews.sign_off(campaign.id, "done", actor, key="sign")
    assert reviews.sign_off(campaign.id, "done", OIDC_OWNER, key="sign").phase == "signed-off"


def test_a_campaign_closes_after_sign_off(reviews: Reviews, campaign: CampaignView) -> None:
    with pytest.raises(CampaignStateError, match=r"is not signed off yet"):
        reviews.close_campaign(campaign.id, OWNER, key="close")
    decide_all(reviews, campaign.id, actors=(ANA, BEN))
    reviews.sign_off(campaign.id, "done", OWNER, key="sign")
    closed = reviews.close_campaign(campaign.id, OWNER, key="close")
    assert (closed.phase, closed.closed) == ("closed", "2026-03-02T09:30:00Z")
    assert reviews.close_campaign(campaign.id, OWNER, key="close") == closed
    with pytest.raises(CampaignStateError, match=r"is closed since"):
        reviews.close_campaign(campaign.id, OWNER, key="close-2")
    with pytest.raises(CampaignStateError, match=r"is closed since"):
        reviews.record(campaign.id, "ordered", "", {}, OWNER)
    assert reviews.record(campaign.id, "exported", "", {"sha256": "00"}, OWNER).kind == "exported"


def test_what_is_put_on_record_needs_a_role_and_an_item_that_exists(reviews: Reviews, campaign: CampaignView) -> None:
    with pytest.raises(NotAllowedError, match=r"put on record what was ordered"):
        reviews.record(campaign.id, "ordered", "", {}, ANA)
    with pytest.raises(CampaignStateError, match=r"nothing of kind `decided` is put on record"):
        reviews.record(campaign.id, "decided", "", {}, OWNER)
    with pytest.raises(UnknownCampaignError):
        reviews.record(campaign.id, "ordered", "nope", {}, OWNER)
    reviews.set_roles("eng@example.com", ("engineer",), OWNER)
    engineer = Actor(name="eng@example.com", how="oidc")
    assert reviews.record(campaign.id, "ordered", item(1).id, {"ticket": "OPS-1"}, engineer).body == {"ticket": "OPS-1"}
    assert reviews.item(campaign.id, item(1).id).version == 1


# -- roles


def test_roles_are_given_by_an_admin(reviews: Reviews) -> None:
    assert reviews.roles_of(STRANGER) == frozenset()
    assert reviews.roles_of(Actor(name="me", how="local")) == {"admin"}
    with pytest.raises(NotAllowedError, match=r"may not give roles"):
        reviews.set_roles("stranger@example.com", ("admin",), STRANGER)
    reviews.set_roles("Stranger@Example.com", ("auditor", "admin"), OWNER)
    assert reviews.members() == {"stranger@example.com": ("admin", "auditor")}
    reviews.set_roles("ana@example.com", ("reviewer",), STRANGER)
    reviews.set_roles("stranger@example.com", (), OWNER)
    assert reviews.members() == {"ana@example.com": ("reviewer",)}
    with pytest.raises(NotAllowedError, match=r"unknown role `root`: expected admin"):
        reviews.set_roles("ana@example.com", ("root",), OWNER)


def test_nobody_acts_without_a_name(file_reviews: Reviews) -> None:
    campaign = opened(file_reviews, item(1))
    with pytest.raises(NotAllowedError, match=r"nobody can act without a name"):
        file_reviews.decide(campaign.id, item(1).id, ATTEST, Actor(name=" ", how="command"), version=1, key="k")


def test_opening_makes_an_owner_and_reviewers(reviews: Reviews, campaign: CampaignView) -> None:
    assert reviews.members() == {
        "ana@example.com": ("reviewer",),
        "ben@example.com": ("reviewer",),
        "owner@example.com": ("owner",),
    }
