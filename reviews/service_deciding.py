"""What reviewers and owners do with items. Every act loads the item again and checks everything itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from reviews import decisions, once, views
from reviews.assignment import Independent, conflict_of
from reviews.errors import CampaignStateError, DecisionError, NotAllowedError, StaleVersionError
from reviews.people import NOT_CHECKED, OWN, give, is_own, name_of
from reviews.projection import Standing
from reviews.records import Actor, Decision, Item, ItemView
from reviews.service_base import Act
from reviews.service_reading import Reading

#: Items that one act may decide on.
MOST_AT_ONCE = 1_000


class Deciding(Reading):
    """Decisions and assignments: compare-and-set on the item's version, once for each key."""

    def decide(self, id: str, item: str, decision: Decision, actor: Actor, *, version: int, key: str) -> ItemView:
        """What a reviewer says of one item; it supersedes what was said before.

        ``version`` is the one that the reviewer saw. Raises ``StaleVersionError`` (who changed it, when, to what),
        ``NotAllowedError``, ``CampaignStateError``, ``DecisionError``, ``KeyReusedError``, ``UnknownCampaignError``.
        """
        if decision.bulk:
            raise DecisionError("a decision on one item is not `bulk`")
        return self._decide(id, [(item, version)], decision, actor, key)[0]

    def decide_many(
        self, id: str, items: Sequence[tuple[str, int]], decision: Decision, actor: Actor, *, key: str
    ) -> list[ItemView]:
        """One decision on many items, each ``(id, version)``: all of them or none.

        Only items of low risk that are unchanged since they were last attested, attest or revoke, with a reason.
        """
        if not items:
            raise DecisionError("no item was chosen")
        if len(items) > MOST_AT_ONCE:
            raise DecisionError(f"{len(items)} items are too many at once: at most {MOST_AT_ONCE}")
        if len({item for item, _ in items}) < len(items):
            raise DecisionError("an item was chosen twice")
        if decision.kind not in ("attest", "revoke"):
            raise DecisionError(f"`{decision.kind}` is decided item by item")
        return self._decide(id, items, msgspec.structs.replace(decision, bulk=True), actor, key)

    def _decide(
        self, id: str, items: Sequence[tuple[str, int]], decision: Decision, actor: Actor, key: str
    ) -> list[ItemView]:
        with self._act(id, actor) as act:
            content = {"act": "decide", "items": [list(one) for one in items], "decision": decision, "actor": act.name}
            digest = once.digest_of(content)
            loaded = [views.one_item(act.connection, id, item) for item, _ in items]
            answer = act.replay(key, digest)
            if answer is not None:
                return _views(act, loaded, msgspec.json.decode(answer, type=list[Standing]))
            decided = [
                _decide_one(act, *one, decision=decision, version=version)
                for one, (_, version) in zip(loaded, items, strict=True)
            ]
            act.remember(key, digest, decided)
            return _views(act, loaded, decided)

    def assign(
        self,
        id: str,
        item: str,
        reviewer: str,
        reason: str,
        actor: Actor,
        *,
        version: int,
        key: str,
        independence: Independent | None = None,
    ) -> ItemView:
        """Another reviewer for an item, with a reason: by the owner, or handed on by the reviewer who has it.

        The owner answers for a conflict of whom they assign, which is recorded; one that a reviewer hands on to must be
        independent, else the item waits for the owner. Without ``independence`` a conflict cannot be ruled out, and the
        record says so. Nobody is ever assigned their own access. Raises as ``decide``.
        """
        with self._act(id, actor) as act:
            content = {"act": "assign", "item": item, "reviewer": reviewer, "reason": reason, "version": version}
            digest = once.digest_of({**content, "actor": act.name})
            one = views.one_item(act.connection, id, item)
            answer = act.replay(key, digest)
            if answer is not None:
                return _views(act, [one], msgspec.json.decode(answer, type=list[Standing]))[0]
            moved = _assign_one(act, one[0], one[2], reviewer, reason, version, independence)
            act.remember(key, digest, [moved])
            return _views(act, [one], [moved])[0]


def _views(act: Act, loaded: Sequence[tuple[Item, str, Standing]], standing: Sequence[Standing]) -> list[ItemView]:
    asking = views.Asking(act.connection, act.actor)
    return [
        views.item_view(item, change, moved, act.campaign.phase, asking)
        for (item, change, _), moved in zip(loaded, standing, strict=True)
    ]


# -- one item


def _decide_one(act: Act, item: Item, change: str, standing: Standing, *, decision: Decision, version: int) -> Standing:
    _check_open(act)
    why = decisions.why_not(item, standing, act.campaign.phase, act.name, act.roles)
    if why:
        raise NotAllowedError(f"`{act.actor.name}` may not decide on item `{item.id}`: {why}")
    _check_version(act, item.id, standing, version)
    if decision.bulk and (item.risk != "low" or change != "unchanged"):
        raise DecisionError(
            f"item `{item.id}` is {change} and of {item.risk} risk: "
            "only unchanged items of low risk are decided at once"
        )
    clean = decisions.checked(decision, item, act.name, act.now.date())
    body: dict[str, Any] = {
        "decision": clean,
        "version": standing.version + 1,
        "role": "reviewer" if "reviewer" in act.roles else "admin",
        "conflict": standing.conflict,
        "recommended": item.recommendation.verdict,
        "overridden": decisions.overrides(clean, item),
    }
    return act.on_item("decided", item.id, standing, body)


def _assign_one(
    act: Act,
    item: Item,
    standing: Standing,
    reviewer: str,
    reason: str,
    version: int,
    independence: Independent | None,
) -> Standing:
    _check_open(act)
    new = name_of(reviewer)
    rule, role = _assigning_role(act, item.id, standing)
    _check_version(act, item.id, standing, version)
    if new == standing.reviewer and not (standing.conflict and rule == decisions.BY_OWNER):
        raise DecisionError(f"item `{item.id}` is assigned to `{new}` already")
    said = decisions.text(reason, "the reason", decisions.LONGEST_REASON)
    if not said:
        raise DecisionError("a reason is required: an item goes to another reviewer")
    conflict = _conflict(item, standing, new, independence)
    if conflict.startswith(OWN):
        raise NotAllowedError(f"item `{item.id}` cannot go to `{new}`: {conflict}, and nobody decides on themselves")
    give(act.connection, [new], "reviewer", act.actor, act.at)
    body = {
        "reviewer": new,
        "rule": rule,
        "conflict": conflict,
        "reason": said,
        "before": standing.reviewer,
        "role": role,
        "version": standing.version + 1,
    }
    return act.on_item("assigned", item.id, standing, body)


def _conflict(item: Item, standing: Standing, new: str, independence: Independent | None) -> str:
    if is_own(item, new):
        return OWN
    if independence is not None:
        return conflict_of(item, new, independence)
    # What was found when the campaign opened still holds for the same person.
    return standing.conflict if new == standing.reviewer else NOT_CHECKED


def _assigning_role(act: Act, item: str, standing: Standing) -> tuple[str, str]:
    """(rule, role) by which the actor may assign the item."""
    if act.name == act.campaign.owner or "admin" in act.roles:
        return decisions.BY_OWNER, act.owner_role("assign")
    if act.name == standing.reviewer and "reviewer" in act.roles:
        return decisions.DELEGATED, "reviewer"
    raise NotAllowedError(
        f"`{act.actor.name}` may not assign item `{item}`: that is for the owner of the campaign, "
        f"`{act.campaign.owner}`, or its reviewer, `{standing.reviewer}`"
    )


def _check_open(act: Act) -> None:
    if act.campaign.phase == "closed":
        raise CampaignStateError(f"campaign `{act.id}` is closed since {act.campaign.closed}")
    if act.campaign.phase != "open":
        raise CampaignStateError(
            f"campaign `{act.id}` was signed off at {act.campaign.signed_off}: nothing changes now"
        )


def _check_version(act: Act, item: str, standing: Standing, version: int) -> None:
    """Compare and set: the actor must have seen what holds now."""
    if version == standing.version:
        return
    if version < 1:
        raise StaleVersionError(
            f"item `{item}` has no version {version}: versions begin at 1, it is at {standing.version}"
        )
    if version > standing.version:
        raise StaleVersionError(
            f"item `{item}` has no version {version} yet: it is at {standing.version}; read it again"
        )
    last = act.last_change(item)
    raise StaleVersionError(
        f"item `{item}` was changed since you read it (version {version}, now {standing.version}): "
        f"{_what_happened(last.kind, last.body)} by `{last.actor}` at {last.at}; read it again"
    )


def _what_happened(kind: str, body: dict[str, Any]) -> str:
    if kind == "decided":
        return f"decided `{body['decision']['kind']}`"
    if kind == "assigned":
        return f"assigned to `{body['reviewer']}`"
    return kind
