"""A campaign from its opening to its end; every act is one transaction."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from reviews import decisions, frozen, ledger, merkle, once, opening, views
from reviews.assignment import Independent
from reviews.canonical import canonical, sha256_hex
from reviews.errors import CampaignStateError, DecisionError
from reviews.ledger import FIRST
from reviews.opening import Preview
from reviews.people import actor_name, check_fresh, check_role, give, roles_of, stamp
from reviews.projection import Standing, assignment_bodies
from reviews.records import Actor, Assigned, CampaignView, Entry, Plan, Population
from reviews.schema import campaigns, items, states
from reviews.service_base import Act
from reviews.service_reading import Reading

#: What may be put on record besides decisions, who may, and whether it still may after the campaign is closed.
_RECORDED = {
    "ordered": (("engineer", "owner", "admin"), False),
    "checked": (("engineer", "auditor", "owner", "admin"), True),
    "exported": (("auditor", "owner", "admin"), True),
}


class Campaigns(Reading):
    """Opening, signing off, closing, and what is put on record on the way."""

    def preview(self, plan: Plan, population: Population, independence: Independent) -> Preview:
        """What ``open_campaign`` would open, with what stands in its way; raises ``CampaignPlanError``."""
        return opening.preview(plan, population, independence, self._clock())

    def open_campaign(
        self, plan: Plan, population: Population, independence: Independent, actor: Actor, *, key: str
    ) -> CampaignView:
        """Freezes a population and assigns it. The same ``key`` again answers with the campaign as it opened.

        Raises ``NotAllowedError`` (it takes the role owner or admin), ``CampaignPlanError``, ``GapsError``,
        ``KeyReusedError``.
        """
        from reviews.scope import scope_in_words

        name = actor_name(actor)
        leaves = [frozen.leaf(item) for item in population.items]
        root = merkle.root(leaves)
        content = {"act": "open", "plan": plan, "root": root, "actor": name}
        digest = once.digest_of({**content, "completeness": population.completeness})
        if (before := self._opened_before(actor, key, digest)) is not None:
            return before
        now = self._clock()
        plan = opening.checked(plan, population, now)
        assigned = opening.all_assigned(plan, population.items, independence)
        with self._database.write() as connection:
            self._database.alone(connection)
            if (answer := once.answered(connection, "", key, digest)) is not None:
                return msgspec.json.decode(answer, type=CampaignView)
            check_role(roles_of(connection, actor), ("owner", "admin"), actor, "open a campaign")
            changes = frozen.changes(connection, population.items)
            new = _New(plan, population, leaves, root, assigned, changes, scope_in_words(plan.scope))
            id = new.write(connection, actor, now)
            view = views.campaign_view(connection, views.campaign_row(connection, id))
            once.remember(connection, "", key, digest, view, stamp(now))
            return view

    def _opened_before(self, actor: Actor, key: str, digest: str) -> CampaignView | None:
        """A repeated opening is answered before its plan is looked at again: its due date may have passed."""
        with self._database.read() as connection:
            check_role(roles_of(connection, actor), ("owner", "admin"), actor, "open a campaign")
            answer = once.answered(connection, "", key, digest)
            return msgspec.json.decode(answer, type=CampaignView) if answer is not None else None

    def sign_off(self, id: str, statement: str, actor: Actor, *, key: str) -> CampaignView:
        """The owner's acknowledgement of the whole campaign; its ``head`` pins every decision before it.

        Raises ``CampaignStateError`` with counts of what is left, ``NotAllowedError`` for others than the owner or for
        a login older than 15 minutes, ``DecisionError`` for an empty statement.
        """
        with self._act(id, actor) as act:
            digest = once.digest_of({"act": "sign-off", "statement": statement, "actor": act.name})
            if (answer := act.replay(key, digest)) is not None:
                return msgspec.json.decode(answer, type=CampaignView)
            role = act.owner_role("sign the campaign off")
            check_fresh(actor, act.now)
            if act.campaign.phase != "open":
                raise CampaignStateError(f"campaign `{id}` was signed off at {act.campaign.signed_off}")
            said = decisions.text(statement, "the acknowledgement", decisions.LONGEST_REASON)
            if not said:
                raise DecisionError("sign-off needs the words by which the results are acknowledged")
            view = views.campaign_view(act.connection, act.campaign)
            if view.decided < view.items:
                raise CampaignStateError(_left_in_words(view))
            body = {"statement": said, "role": role, "items": view.items, "states": view.states, "root": view.root}
            act.ledger.add("signed-off", "", body)
            return _ended(act, key, digest, phase="signed-off", signed_off=act.at, signed_off_by=act.name)

    def close_campaign(self, id: str, actor: Actor, *, key: str) -> CampaignView:
        """Ends a campaign that was signed off; after it only checks and exports are put on record."""
        with self._act(id, actor) as act:
            digest = once.digest_of({"act": "close", "actor": act.name})
            if (answer := act.replay(key, digest)) is not None:
                return msgspec.json.decode(answer, type=CampaignView)
            role = act.owner_role("close the campaign")
            if act.campaign.phase != "signed-off":
                why = "not signed off yet" if act.campaign.phase == "open" else f"closed since {act.campaign.closed}"
                raise CampaignStateError(f"campaign `{id}` is {why}")
            act.ledger.add("closed", "", {"role": role})
            return _ended(act, key, digest, phase="closed", closed=act.at)

    def record(self, id: str, kind: str, item: str, body: Mapping[str, object], actor: Actor) -> Entry:
        """Puts on record that a change was ``ordered`` or ``checked`` on a later snapshot, or evidence ``exported``."""
        return self.record_all(id, kind, [(item, body)], actor)[0]

    def record_all(
        self, id: str, kind: str, content: Sequence[tuple[str, Mapping[str, object]]], actor: Actor
    ) -> list[Entry]:
        """``record`` for many items in one transaction. Raises ``CampaignStateError``, ``NotAllowedError``."""
        if kind not in _RECORDED:
            raise CampaignStateError(f"nothing of kind `{kind}` is put on record: expected {', '.join(_RECORDED)}")
        allowed, after_close = _RECORDED[kind]
        with self._act(id, actor) as act:
            roles = act.roles | ({"owner"} if act.name == act.campaign.owner else set())
            check_role(roles, allowed, actor, f"put on record what was {kind}")
            if act.campaign.phase == "closed" and not after_close:
                raise CampaignStateError(f"campaign `{id}` is closed since {act.campaign.closed}")
            for item in {item for item, _ in content if item}:
                views.one_item(act.connection, id, item)
            return act.ledger.add_all(kind, content)


def _ended(act: Act, key: str, digest: str, **facts: str) -> CampaignView:
    """Writes what the campaign's row says now, and answers with it."""
    act.connection.execute(campaigns.update().where(campaigns.c.id == act.id).values(**facts))
    view = views.campaign_view(act.connection, views.campaign_row(act.connection, act.id))
    act.remember(key, digest, view)
    return view


def _left_in_words(view: CampaignView) -> str:
    waiting, abstained = view.states["open"], view.states["abstain"]
    parts = [f"{waiting} are open"] if waiting else []
    parts += [f"{abstained} abstained from: assign somebody else"] if abstained else []
    return f"{view.items - view.decided} of {view.items} items are not decided ({', '.join(parts)})"


class _New:
    """A campaign that is about to be written."""

    def __init__(
        self,
        plan: Plan,
        population: Population,
        leaves: Sequence[bytes],
        root: str,
        assigned: Sequence[Assigned],
        changes: Mapping[str, str],
        scope: str,
    ) -> None:
        self.plan, self.population, self.leaves, self.root = plan, population, leaves, root
        self.assigned, self.changes, self.scope = assigned, changes, scope

    def write(self, connection: Any, actor: Actor, now: datetime) -> str:
        """Everything of it; answers with its id."""
        at = stamp(now)
        id = f"{now:%Y-%m-%d}-{secrets.token_hex(3)}"
        connection.execute(campaigns.insert().values(**self._row(id, actor, at)))
        self._write_items(connection, id)
        writer = ledger.Writer(connection, id, actor, at)
        writer.add("opened", "", self._opened())
        rows = [
            (item.id, one.reviewer, one.rule, one.conflict, self.changes[item.id])
            for item, one in zip(self.population.items, self.assigned, strict=True)
        ]
        writer.add_all("assigned", assignment_bodies(rows))
        give(connection, [actor_name(actor)], "owner", actor, at)
        give(connection, [one.reviewer for one in self.assigned], "reviewer", actor, at)
        return id

    def _row(self, id: str, actor: Actor, at: str) -> dict[str, Any]:
        completeness = self.population.completeness
        return {
            "id": id,
            "name": self.plan.name,
            "template": self.plan.template,
            "plan": canonical(self.plan).decode(),
            "completeness": canonical(completeness).decode(),
            "scope_in_words": self.scope,
            "snapshot": completeness.snapshot,
            "taken": completeness.taken,
            "opened": at,
            "opened_by": actor_name(actor),
            "due": self.plan.due,
            "items": len(self.population.items),
            "root": self.root,
            "phase": "open",
            "owner": actor_name(actor),
            "signed_off": "",
            "signed_off_by": "",
            "closed": "",
            "entries": 0,
            "head": FIRST,
        }

    def _write_items(self, connection: Any, id: str) -> None:
        rows, standing = [], []
        for position, (item, leaf, one) in enumerate(
            zip(self.population.items, self.leaves, self.assigned, strict=True)
        ):
            change = self.changes[item.id]
            frozen_row = {"campaign": id, "position": position, "canonical": leaf.decode(), "change": change}
            rows.append({**frozen_row, **frozen.columns(item)})
            first = Standing(1, "open", one.reviewer, one.rule, one.conflict)
            standing.append({"campaign": id, "item": item.id, **first.row()})
        connection.execute(items.insert(), rows)
        connection.execute(states.insert(), standing)

    def _opened(self) -> dict[str, object]:
        """The body of the first entry: what everything after it is about."""
        completeness = self.population.completeness
        return {
            "plan": self.plan,
            "root": self.root,
            "items": len(self.population.items),
            "risks": opening.by_risk(self.population.items),
            "changes": dict(Counter(self.changes.values())),
            "reviewers": dict(Counter(one.reviewer for one in self.assigned)),
            "conflicts": sum(bool(one.conflict) for one in self.assigned),
            "scope_in_words": self.scope,
            "snapshot": completeness.snapshot,
            "taken": completeness.taken,
            "snapshot_sha256": completeness.snapshot_sha256,
            "completeness_sha256": sha256_hex(canonical(completeness)),
        }
