"""Reviews made by hand: as many items as a test needs, of whatever names it wants to see on the screen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from reviews.records import (
    Access,
    AccessRow,
    Actor,
    CampaignView,
    Completeness,
    Decision,
    Entitlement,
    Item,
    ItemView,
    PathStep,
    Plan,
    Population,
    Recommendation,
    Signal,
)
from reviews.service import Reviews

OWNER = "olga@meridian.example"
REVIEWER = "rita@meridian.example"
OTHER = "otto@meridian.example"


class Nobody:
    """Independence of people whom no graph knows: everybody is."""

    def conflict(self, item: Item, reviewer: str) -> str:
        return ""


def item(number: int, **changes: Any) -> Item:
    """Item ``number``, of low risk unless told otherwise."""
    plain = Item(
        id=f"{number:08x}" + "0" * 24,
        principal=f"person:user{number}@meridian.example",
        principal_kind="Person",
        principal_name=f"User {number}",
        account="471093822654",
        account_name="payments-prod",
        entitlement=Entitlement(
            kind="assignment", id=f"arn:aws:sso:::ps-1@471093822654#user:{number}", in_words="job role Reader"
        ),
        sentence=f"User {number} can read bucket reports in payments-prod",
        access=Access(
            rows=(
                AccessRow(
                    resource="arn:aws:s3:::reports",
                    type="s3:bucket",
                    account="471093822654",
                    count=1,
                    levels=("Read:data",),
                    shared=(),
                    verdict="Allowed",
                    via=(),
                    in_words="read bucket reports in payments-prod",
                ),
            ),
            more=0,
            alone=1,
            shared=0,
            fingerprint="0" * 64,
        ),
        path=(
            PathStep(kind="person", id=f"person:user{number}@meridian.example", in_words=f"User {number} is a person"),
            PathStep(kind="permission-set", id="arn:aws:sso:::ps-1", in_words="is given the job role Reader"),
        ),
        if_kept="Everything stays as it is.",
        if_removed="The reports can no longer be read; nothing else gives it.",
        last_used="2026-11-01",
        usage="Used on 1 Nov 2026.",
        risk="low",
        signals=(),
        recommendation=Recommendation(
            verdict="keep", reasons=(Signal(code="used", in_words="it was used lately"),), unseen=()
        ),
        owners=(),
        people=(f"user{number}@meridian.example",),
        human=True,
        privileged=False,
        external=False,
        fix={},
    )
    return msgspec.structs.replace(plain, **changes)


def population(items: list[Item], snapshot: str) -> Population:
    """A population of these items, complete, taken now."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Population(
        items=tuple(items),
        completeness=Completeness(
            snapshot=snapshot,
            taken=now,
            snapshot_sha256="0" * 64,
            collector="arn:aws:iam::123456789012:role/collector",
            accounts_listed=("471093822654",),
            accounts_read=("471093822654",),
            calls={"ok": 1},
            gaps=(),
            skipped=(),
            excluded=(),
        ),
    )


def owner() -> Actor:
    """The owner, at the machine."""
    return Actor(name=OWNER, how="command")


def opened(home: Path, items: list[Item], snapshot: str, key: str = "open", **changes: Any) -> CampaignView:
    """A campaign of these items, open, for ``REVIEWER`` to decide."""
    due = (datetime.now(UTC).date() + timedelta(days=14)).isoformat()
    plain = Plan(name="Quarterly review", template="quarterly", scope={}, reviewers=f"named:{REVIEWER}", due=due)
    plan = msgspec.structs.replace(plain, **changes)
    with Reviews.open(home) as reviews:
        return reviews.open_campaign(plan, population(items, snapshot), Nobody(), owner(), key=key)


def decide(home: Path, campaign: str, id: str, decision: Decision, by: str = REVIEWER) -> ItemView:
    """What somebody decides elsewhere, while a page is open."""
    with Reviews.open(home) as reviews:
        actor = Actor(name=by, how="command")
        version = reviews.item(campaign, id, actor).version
        return reviews.decide(campaign, id, decision, actor, version=version, key=f"{id}-{version}-{by}")


def states(home: Path, campaign: str) -> Mapping[str, int]:
    """Items by state."""
    with Reviews.open(home) as reviews:
        return reviews.campaign(campaign).states


def only_campaign(home: Path) -> CampaignView:
    """The one campaign that there is."""
    with Reviews.open(home) as reviews:
        (found,) = reviews.campaigns()
        return found
