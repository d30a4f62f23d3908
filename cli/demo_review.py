"""The demo's review: a campaign over the emulated organisation, a third of its decisions made, and its evidence."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graph.questions import Questions
    from reviews.records import CampaignView, Decision, ItemView
    from reviews.service import Reviews

#: Marks a home as the demo's, and says what the demo made there.
MARK = "demo.json"
OWNER = "eleanor.whitfield@meridian.example"
SECURITY = "marcus.lindholm@meridian.example"
#: Decides where the owner of an account would decide on access of their own: she has next to none in AWS herself.
FALLBACK = "charlotte.meier@meridian.example"
_NAME = "Quarterly access review"
_GAP = "sealed on purpose: only the break-glass role may read this policy; checked by hand in the vault's own log"


def demo_home(home: Path) -> Path:
    """The folder for the demo's state: ``home``, or one beside it where ``home`` has an organisation of its own."""
    from model.snapshot_files import snapshot_ids

    if (home / MARK).exists() or not snapshot_ids(home):
        return home
    return home.with_name(f"{home.name}-demo")


def mark(home: Path, **made: str) -> None:
    """Notes what the demo made in ``home``."""
    from model.snapshot_files import write_whole

    write_whole(home / MARK, json.dumps(made, indent=1).encode() + b"\n")


def made(home: Path) -> dict[str, str]:
    """What the demo made in ``home``, empty where it made nothing or did not come to its end."""
    try:
        found = json.loads((home / MARK).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and {"snapshot", "campaign", "unread"} <= set(found) else {}


def open_review(home: Path, asked: Questions) -> CampaignView:
    """A new campaign over everything, of which each reviewer has decided a third, and its evidence."""
    from datetime import UTC, datetime, timedelta

    from model.snapshot import open_snapshot
    from reviews.gaps import Acceptance, accepted
    from reviews.independence import Independence
    from reviews.population import population
    from reviews.records import Actor, Plan
    from reviews.service import Reviews
    from reviews.templates import template_of

    template = template_of("quarterly")
    found = population(asked, open_snapshot(home, asked.snapshot), template.scope)
    answers = [
        Acceptance(service=group.service, outcome=group.outcome, reason=_GAP, by=SECURITY)
        for group in found.completeness.gaps
    ]
    today = datetime.now(UTC).date()
    plan = Plan(
        name=_NAME,
        template=template.name,
        scope=dict(template.scope),
        reviewers=f"account-owner; fallback:{FALLBACK}",
        due=(today + timedelta(days=template.days)).isoformat(),
        accepted=accepted(found.completeness.gaps, answers, SECURITY),
    )
    reviews = Reviews.open(home)
    owner = Actor(name=OWNER, how="command")
    view = reviews.open_campaign(plan, found, Independence(asked), owner, key=f"demo {asked.snapshot}")
    _decide_a_third(reviews, view.id)
    return reviews.campaign(view.id)


def _decide_a_third(reviews: Reviews, campaign: str) -> None:
    """Every third item of each reviewer, decided as the suggestion says; without one, kept with a reason."""
    from reviews.records import Actor

    mine: defaultdict[str, list[ItemView]] = defaultdict(list)
    for view in reviews.items(campaign, order="person"):
        if view.state == "open" and view.reviewer and not view.conflict:
            mine[view.reviewer].append(view)
    total = reviews.campaign(campaign).items
    turns = [view for views in mine.values() for view in views[::3]]
    rest = [view for views in mine.values() for number, view in enumerate(views) if number % 3]
    for number, view in enumerate([*turns, *rest][: -(-total // 3)]):
        reviews.decide(
            campaign,
            view.item.id,
            _decision(view),
            Actor(name=view.reviewer, how="command"),
            version=view.version,
            key=f"demo {number}",
        )


def _decision(view: ItemView) -> Decision:
    from reviews.records import Decision

    suggested = view.item.recommendation
    why = "; ".join(reason.in_words for reason in suggested.reasons) or "needed for the work of this team"
    if suggested.verdict == "remove":
        return Decision(kind="revoke", reason=f"No longer needed: {why}")
    if suggested.verdict == "keep" and not view.needs_reason:
        return Decision(kind="attest")
    return Decision(kind="attest", reason=f"Still needed, talked over with the team: {why}")


def export_evidence(home: Path, reviews: Reviews, campaign: CampaignView) -> Path:
    """The evidence of the campaign as it stands, signed; made anew when something was decided since."""
    from reviews.evidence.keys import PRIVATE, keygen
    from reviews.evidence.pack import export

    folder = home / "evidence" / f"{campaign.id}-{campaign.entries}"
    if not folder.exists():
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = home / "keys" / PRIVATE
        if not key.exists():
            keygen(key.parent)
        export(reviews, campaign.id, folder, key)
    return folder
