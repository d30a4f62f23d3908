"""What a campaign needs before it opens: a plan that holds, data that is whole or answered for, a reviewer an item."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from model.entities import Tags
from model.inventory import Inventory
from model.snapshot import Snapshot
from reviews import decisions
from reviews.assignment import Independent, OwnerByTag, parse, share_out
from reviews.completeness import grouped, rfc3339
from reviews.errors import CampaignPlanError, DecisionError, GapsError
from reviews.people import day_of, moment_of, now_utc
from reviews.records import RISKS, Assigned, GapGroup, Item, Plan, Population, Record

#: How old a snapshot may be without a word about it.
FRESH_SNAPSHOT = timedelta(days=7)
LONGEST_NAME = 120
_SHOWN_GAPS = 5
_SHOWN_ACCOUNTS = 3


class Preview(Record, frozen=True, kw_only=True):
    """What a campaign would be. ``gaps`` are those that nobody accepted; ``stale`` why a reason is needed, or empty."""

    items: int
    by_risk: dict[str, int]
    reviewers: dict[str, int]
    conflicts: int
    unassigned: int
    gaps: tuple[GapGroup, ...]
    stale: str


def preview(plan: Plan, population: Population, independence: Independent, now: datetime) -> Preview:
    """Raises ``CampaignPlanError`` for a rule of reviewers that cannot be read."""
    assigned = assignments(plan, population.items, independence)
    given = [one for one in assigned if one is not None]
    return Preview(
        items=len(population.items),
        by_risk=by_risk(population.items),
        reviewers=dict(sorted(Counter(one.reviewer for one in given).items())),
        conflicts=sum(bool(one.conflict) for one in given),
        unassigned=len(assigned) - len(given),
        gaps=open_gaps(plan, population.completeness.gaps),
        stale=staleness(population.completeness.snapshot, population.completeness.taken, now),
    )


def check_plan(plan: Plan, snapshot: Snapshot) -> None:
    """Raises what ``Reviews.open_campaign`` would raise of the plan and the data alone, before a population is made."""
    parse(plan.reviewers)
    now = now_utc()
    plan = _dated(_cleaned(plan), now)
    _check_data(plan, grouped(snapshot.gaps), staleness(snapshot.id, rfc3339(snapshot.manifest.ended), now))


def checked(plan: Plan, population: Population, now: datetime) -> Plan:
    """The plan with its texts cleaned; raises ``CampaignPlanError`` or ``GapsError`` for one that cannot open."""
    plan = _dated(_cleaned(plan), now)
    if not population.items:
        raise CampaignPlanError("nothing is in this scope: a campaign needs at least one item")
    ids = Counter(item.id for item in population.items)
    if len(ids) != len(population.items):
        raise CampaignPlanError(f"the item `{ids.most_common(1)[0][0]}` is in the population twice")
    read = population.completeness
    _check_data(plan, read.gaps, staleness(read.snapshot, read.taken, now))
    return plan


def _dated(plan: Plan, now: datetime) -> Plan:
    due = day_of(plan.due)
    if due is None:
        raise CampaignPlanError(f"wrong due date `{plan.due}`: expected YYYY-MM-DD")
    if due < now.date():
        raise CampaignPlanError(f"the due date `{plan.due}` is in the past")
    return plan


def _check_data(plan: Plan, gaps: Sequence[GapGroup], stale: str) -> None:
    if unanswered := open_gaps(plan, gaps):
        raise GapsError(_gaps_in_words(unanswered))
    if stale and not plan.stale_reason:
        raise GapsError(f"{stale}: collect again, or say why it will do (stale reason)")


def assignments(plan: Plan, items: Sequence[Item], independence: Independent) -> list[Assigned | None]:
    """The reviewer of each item by the plan's rule; ``None`` where it gives nobody."""
    return share_out(parse(plan.reviewers), items, independence, _owner_by_tag(independence))


def all_assigned(plan: Plan, items: Sequence[Item], independence: Independent) -> list[Assigned]:
    """The reviewer of each item; raises ``CampaignPlanError`` when some have none."""
    assigned = assignments(plan, items, independence)
    given = [one for one in assigned if one is not None]
    if len(given) < len(items):
        raise CampaignPlanError(
            f"{len(items) - len(given)} of {len(items)} items have no reviewer by `{plan.reviewers}`: "
            "add a fallback, as in `; fallback:somebody@example.com`"
        )
    return given


def by_risk(items: Sequence[Item]) -> dict[str, int]:
    """How many items there are of each risk, the gravest first."""
    counted: Counter[str] = Counter(item.risk for item in items)
    return {risk: counted[risk] for risk in RISKS}


# -- what the data lacks


def open_gaps(plan: Plan, gaps: Sequence[GapGroup]) -> tuple[GapGroup, ...]:
    """Groups of gaps that nobody answers for, with a reason and a name."""
    return tuple(gap for gap in gaps if not any(_answers(one, gap) for one in plan.accepted))


def _answers(accepted: Any, gap: GapGroup) -> bool:
    group = accepted.group
    same = (group.service, group.operation, group.outcome) == (gap.service, gap.operation, gap.outcome)
    said = bool(accepted.reason.strip() and accepted.by.strip())
    return same and said and set(gap.accounts) <= set(group.accounts)


def staleness(snapshot: str, taken: str, now: datetime) -> str:
    """Why a snapshot needs a reason, in words; empty when it is fresh. ``taken``: when, as records write times."""
    moment = moment_of(taken)
    if moment is None:
        return f"when the snapshot `{snapshot}` was taken is not known (`{taken}`)"
    age = now - moment
    if age <= FRESH_SNAPSHOT:
        return ""
    return f"the snapshot `{snapshot}` is {age.days} days old, more than {FRESH_SNAPSHOT.days}"


def _gaps_in_words(gaps: Sequence[GapGroup]) -> str:
    shown = [f"{gap.service} {gap.operation} {gap.outcome} in {_accounts(gap.accounts)}" for gap in gaps[:_SHOWN_GAPS]]
    more = f" and {len(gaps) - _SHOWN_GAPS} more" if len(gaps) > _SHOWN_GAPS else ""
    return (
        f"nobody answers for what could not be read: {'; '.join(shown)}{more}. Collect it again, or accept each group "
        "(service, operation, outcome, accounts) with a reason and a name: `--accept-gaps FILE`"
    )


def _accounts(accounts: Sequence[str]) -> str:
    more = f" and {len(accounts) - _SHOWN_ACCOUNTS} more" if len(accounts) > _SHOWN_ACCOUNTS else ""
    return (", ".join(accounts[:_SHOWN_ACCOUNTS]) or "no account") + more


# -- texts and tags


def _cleaned(plan: Plan) -> Plan:
    try:
        name = decisions.text(plan.name, "the campaign's name", LONGEST_NAME)
        stale_reason = decisions.text(plan.stale_reason, "the stale reason", decisions.LONGEST_REASON)
        for accepted in plan.accepted:
            decisions.text(accepted.reason, "the reason of an accepted gap", decisions.LONGEST_REASON)
            decisions.text(accepted.by, "the name of who accepted a gap", decisions.LONGEST_LINE)
    except DecisionError as error:
        raise CampaignPlanError(str(error)) from error
    if not name or "\n" in name:
        raise CampaignPlanError("the campaign needs a name of one line")
    return msgspec.structs.replace(plan, name=name, stale_reason=stale_reason)


def _owner_by_tag(independence: Independent) -> OwnerByTag | None:
    """Reads owners off the tags of the inventory behind ``reviews.independence``, where there is one."""
    inventory = getattr(independence, "inventory", None)
    return TagOwners(inventory) if isinstance(inventory, Inventory) else None


class TagOwners:
    """Who answers for an item by tag: of its account, or of the resource, role or user that it is about."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    def __call__(self, item: Item, kind: str, key: str) -> str:
        """The value of the tag, empty for none or where tags are not known; no ``key``: ``Owner`` in any case."""
        tags = (self._account(item) if kind == "account" else self._thing(item)) or {}
        if key:
            return tags.get(key, "")
        return next((value for name, value in tags.items() if name.lower() == "owner" and value), "")

    def _account(self, item: Item) -> Tags | None:
        # What is of no account is of the one that Identity Center is administered in.
        center = next((center.owner for center in self._inventory.data.centers), "")
        account = self._inventory.accounts.get(item.account or center)
        return account.tags if account is not None else None

    def _thing(self, item: Item) -> Tags | None:
        resource = self._inventory.resources.get(item.fix.get("resource") or item.fix.get("key-id", ""))
        if resource is not None:
            return resource.tags
        role = self._inventory.role_by_session_name.get((item.account, item.fix.get("role-name", "")))
        holder = role or self._inventory.users.get(item.principal)
        return holder.tags if holder is not None else None
