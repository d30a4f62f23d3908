"""What screens and commands are shown of a campaign and its items, read from the tables."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from reviews import frozen, ledger
from reviews.decisions import needs_reason, why_not
from reviews.errors import LedgerError, UnknownCampaignError
from reviews.people import actor_name, roles_of
from reviews.projection import FIELDS, Standing, decision_of
from reviews.records import (
    CHANGES,
    RISKS,
    STATES,
    Actor,
    CampaignView,
    Completeness,
    Decision,
    Item,
    ItemView,
    Plan,
)
from reviews.schema import campaigns, items, states

#: What lists can be ordered by, and by which column; items that are equal stay in the order of the population.
ORDERS = {
    "risk": items.c.risk_rank,
    "person": items.c.person,
    "resource": items.c.resource,
    "account": items.c.account,
}
_JOINED = items.join(states, (states.c.campaign == items.c.campaign) & (states.c.item == items.c.item))


class Asking:
    """Who looks at items: decides what ``may_decide`` says."""

    def __init__(self, connection: sa.Connection, actor: Actor | None) -> None:
        self._name = actor_name(actor) if actor is not None else ""
        self._roles = roles_of(connection, actor) if actor is not None else frozenset()

    def may_decide(self, item: Item, standing: Standing, phase: str) -> str:
        if not self._name:
            return "nobody is named who would decide"
        return why_not(item, standing, phase, self._name, self._roles)


def campaign_row(connection: sa.Connection, id: str) -> Any:
    """The row of a campaign; raises ``UnknownCampaignError``."""
    row = connection.execute(sa.select(campaigns).where(campaigns.c.id == id)).first()
    if row is None:
        raise UnknownCampaignError(f"no campaign `{id}`: see `grantmap campaign list`")
    return row


def campaign_view(connection: sa.Connection, row: Any) -> CampaignView:
    """A campaign with its counts; what was frozen is counted in the entry that opened it."""
    by_state: Counter[str] = Counter()
    reviewers: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    query = sa.select(states.c.reviewer, states.c.state, sa.func.count()).where(states.c.campaign == row.id)
    for reviewer, state, n in connection.execute(query.group_by(states.c.reviewer, states.c.state)):
        by_state[state] += n
        reviewers[reviewer][0] += n
        reviewers[reviewer][1] += n if _is_decided(state) else 0
    opened = _opened(connection, row.id)
    completeness = msgspec.json.decode(row.completeness, type=Completeness)
    return CampaignView(
        id=row.id,
        name=row.name,
        template=row.template,
        scope=msgspec.json.decode(row.plan, type=Plan).scope,
        scope_in_words=row.scope_in_words,
        snapshot=row.snapshot,
        taken=row.taken,
        opened=row.opened,
        opened_by=row.opened_by,
        owner=row.owner,
        due=row.due,
        phase=row.phase,
        items=row.items,
        decided=sum(n for state, n in by_state.items() if _is_decided(state)),
        states={state: by_state[state] for state in STATES},
        risks={risk: opened["risks"].get(risk, 0) for risk in RISKS},
        changes={change: opened["changes"].get(change, 0) for change in CHANGES},
        reviewers={name: (n, decided) for name, (n, decided) in sorted(reviewers.items())},
        gaps=len(completeness.gaps),
        root=row.root,
        head=row.head,
        entries=row.entries,
        signed_off=row.signed_off,
        signed_off_by=row.signed_off_by,
        closed=row.closed,
    )


def _opened(connection: sa.Connection, id: str) -> dict[str, Any]:
    """The body of the entry that opened the campaign; raises ``LedgerError`` when it is not there."""
    first = next(ledger.read(connection, id, "", kind="opened"), None)
    if first is None:
        raise LedgerError(f"the ledger of campaign `{id}` does not begin with an opening")
    return first.body


def _is_decided(state: str) -> bool:
    """An abstention is none: somebody else still has to decide."""
    return state not in ("open", "abstain")


# -- items


def selected(
    id: str, reviewer: str | None, states_: Sequence[str], risks: Sequence[str], changes: Sequence[str], search: str
) -> sa.ColumnElement[bool]:
    """The condition that a list of items is narrowed to."""
    conditions: list[sa.ColumnElement[bool]] = [items.c.campaign == id]
    if reviewer is not None:
        conditions.append(states.c.reviewer == reviewer.strip().casefold())
    for column, values in ((states.c.state, states_), (items.c.risk, risks), (items.c.change, changes)):
        if values:
            conditions.append(column.in_(tuple(values)))
    conditions += [
        items.c.haystack.contains(word, autoescape=True) for word in search.replace("\0", "").casefold().split()
    ]
    return sa.and_(*conditions)


def count(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(_JOINED).where(condition)).scalar_one()


def item_views(
    connection: sa.Connection,
    condition: sa.ColumnElement[bool],
    phase: str,
    asking: Asking,
    *,
    order: str = "risk",
    offset: int = 0,
    limit: int | None = None,
) -> list[ItemView]:
    query = (
        sa.select(items.c.canonical, items.c.change, *(states.c[name] for name in FIELDS))
        .select_from(_JOINED)
        .where(condition)
        .order_by(ORDERS[order], items.c.position)
        .offset(offset)
        .limit(limit)
    )
    return [
        item_view(frozen.read(row.canonical), row.change, standing_of(row), phase, asking)
        for row in connection.execute(query)
    ]


def standing_of(row: Any) -> Standing:
    return Standing(**{name: getattr(row, name) for name in FIELDS})


def one_item(connection: sa.Connection, id: str, item: str) -> tuple[Item, str, Standing]:
    """(item, change, standing); raises ``UnknownCampaignError`` for an item that the campaign does not have."""
    query = (
        sa.select(items.c.canonical, items.c.change, *(states.c[name] for name in FIELDS))
        .select_from(_JOINED)
        .where(items.c.campaign == id, items.c.item == item)
    )
    row = connection.execute(query).first()
    if row is None:
        raise UnknownCampaignError(f"no item `{item}` in campaign `{id}`: see `grantmap campaign items {id}`")
    return frozen.read(row.canonical), row.change, standing_of(row)


def item_view(item: Item, change: Any, standing: Standing, phase: str, asking: Asking) -> ItemView:
    state: Any = standing.state
    return ItemView(
        item=item,
        change=change,
        state=state,
        version=standing.version,
        reviewer=standing.reviewer,
        rule=standing.rule,
        conflict=standing.conflict,
        decision=decision_of(standing.decision, Decision),
        decided_by=standing.decided_by,
        decided_at=standing.decided_at,
        may_decide=asking.may_decide(item, standing, phase),
        needs_reason=needs_reason(item),
    )


def save(connection: sa.Connection, id: str, item: str, standing: Standing) -> None:
    """The projection of one item, as an entry has just made it."""
    where = (states.c.campaign == id) & (states.c.item == item)
    connection.execute(states.update().where(where).values(**standing.row()))
