"""Who decides on which item: rules in text form, and how they share out a population.

A rule is ``named:a@x,b@y`` (shared evenly; all items of one identity go to one reviewer), ``account-owner[:TAGKEY]``
or ``resource-owner[:TAGKEY]``, each optionally followed by ``; fallback:c@x``. A bare address is ``named``. A reviewer
who is not independent is passed over for the next named one, then for the fallback; where nobody is independent the
item is assigned with ``conflict`` set, and waits for the owner to assign somebody with a reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from reviews.errors import CampaignPlanError
from reviews.people import OWN, is_own, name_of
from reviews.records import Assigned, Item

_FORMS = "named:a@x,b@y, account-owner[:TAGKEY] or resource-owner[:TAGKEY], then optionally `; fallback:c@x`"
_KINDS = ("named", "account-owner", "resource-owner")
#: What owner an item has, by kind of owner (``account`` or ``resource``) and tag key (empty: ``Owner`` in any case);
#: empty for none.
OwnerByTag = Callable[[Item, str, str], str]


class Independent(Protocol):
    """Tells why a reviewer is not independent of an item; empty when they are (``reviews.independence``)."""

    def conflict(self, item: Item, reviewer: str) -> str: ...


@dataclass(frozen=True)
class Rule:
    """A rule of reviewers, read. ``tag`` empty: the owner that the item itself names."""

    kind: str
    named: tuple[str, ...] = ()
    tag: str = ""
    fallback: tuple[str, ...] = ()


def parse(text: str) -> Rule:
    """The rule that a text means; raises ``CampaignPlanError``."""
    head, *rest = (part.strip() for part in text.split(";"))
    kind, colon, value = head.partition(":")
    # Without an @ it may be a rule with a slip of the pen.
    if not colon and kind not in _KINDS and ("@" in head or not head):
        kind, value = "named", head
    if kind not in _KINDS or len(rest) > 1:
        raise CampaignPlanError(f"unknown rule of reviewers `{text}`: expected {_FORMS}")
    fallback: tuple[str, ...] = ()
    if rest:
        word, sign, names = rest[0].partition(":")
        if word.strip() != "fallback" or not sign:
            raise CampaignPlanError(f"unknown part `{rest[0]}` of a rule of reviewers: expected `fallback:c@x`")
        fallback = _names(names, text)
    if kind == "named":
        return Rule(kind, named=_names(value, text), fallback=fallback)
    if colon and not value.strip():
        raise CampaignPlanError(f"no tag key in the rule of reviewers `{text}`: expected {_FORMS}")
    return Rule(kind, tag=value.strip(), fallback=fallback)


def _names(text: str, rule: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name_of(name) for name in text.split(",") if name.strip()))
    if not names:
        raise CampaignPlanError(f"the rule of reviewers `{rule}` names nobody: expected {_FORMS}")
    return names


def share_out(
    rule: Rule, items: Sequence[Item], independence: Independent, owner_by_tag: OwnerByTag | None = None
) -> list[Assigned | None]:
    """The reviewer of each item, in the order of ``items``; ``None`` where the rule gives nobody.

    ``owner_by_tag`` is needed for a rule with a tag key of its own; without it the item names its owners.
    """
    sharing = _Sharing(rule, independence, owner_by_tag)
    if rule.kind == "named":
        return sharing.named(items)
    return [sharing.owner(item) for item in items]


def conflict_of(item: Item, reviewer: str, independence: Independent) -> str:
    """Why ``reviewer`` is not independent of the item; empty when they are."""
    return OWN if is_own(item, reviewer) else independence.conflict(item, reviewer)


class _Sharing:
    """One population being shared out. ``load`` counts the items of each reviewer so far."""

    def __init__(self, rule: Rule, independence: Independent, owner_by_tag: OwnerByTag | None) -> None:
        self._rule = rule
        self._independence = independence
        self._owner_by_tag = owner_by_tag
        self._load: defaultdict[str, int] = defaultdict(int)
        self._place = {name: place for place, name in enumerate(rule.named)}

    def named(self, items: Sequence[Item]) -> list[Assigned | None]:
        """Shares evenly, largest identities first, so that no reviewer gets two of them while another has none."""
        groups: defaultdict[str, list[int]] = defaultdict(list)
        for index, item in enumerate(items):
            groups[item.principal].append(index)
        found: list[Assigned | None] = [None] * len(items)
        for _, indexes in sorted(groups.items(), key=lambda group: (-len(group[1]), group[0])):
            together = [items[index] for index in indexes]
            reviewer = self._for_all(together)
            for index in indexes:
                if reviewer:
                    found[index] = self._give(reviewer, "named", "")
                else:
                    found[index] = self._first(items[index], self._by_load())
        return found

    def owner(self, item: Item) -> Assigned | None:
        owner = self._owner(item)
        return self._first(item, [owner] if owner else [])

    def _for_all(self, items: Iterable[Item]) -> str:
        """The named reviewer with the least to do who is independent of all these items; empty for nobody."""
        kept = list(items)
        passed: set[str] = set()
        while left := [name for name in self._rule.named if name not in passed]:
            reviewer = min(left, key=self._busy)
            if not any(self._conflict(item, reviewer) for item in kept):
                return reviewer
            passed.add(reviewer)
        return ""

    def _by_load(self) -> list[str]:
        return sorted(self._rule.named, key=self._busy)

    def _busy(self, name: str) -> tuple[int, int]:
        return (self._load[name], self._place[name])

    def _first(self, item: Item, reviewers: Sequence[str]) -> Assigned | None:
        """The first independent one of the reviewers and the fallback, else the first with a conflict."""
        candidates = [(name, self._rule.kind) for name in reviewers]
        candidates += [(name, "fallback") for name in self._rule.fallback if name not in reviewers]
        conflicts = []
        for name, rule in candidates:
            conflict = self._conflict(item, name)
            if not conflict:
                return self._give(name, rule, "")
            conflicts.append((conflict.startswith(OWN), name, rule, conflict))
        if not conflicts:
            return None
        # Somebody for whom it is not their own access can still be allowed by the owner.
        _, name, rule, conflict = min(conflicts, key=lambda found: found[0])
        return self._give(name, rule, conflict)

    def _give(self, reviewer: str, rule: str, conflict: str) -> Assigned:
        self._load[reviewer] += 1
        return Assigned(reviewer=reviewer, rule=rule, conflict=conflict)

    def _conflict(self, item: Item, reviewer: str) -> str:
        return conflict_of(item, reviewer, self._independence)

    def _owner(self, item: Item) -> str:
        """Who the tags name; empty for nobody, also for a value that is no name of a person."""
        kind = self._rule.kind.removesuffix("-owner")
        if self._owner_by_tag is not None:
            value = self._owner_by_tag(item, kind, self._rule.tag)
        elif self._rule.tag:
            raise CampaignPlanError(f"no tags to look for `{self._rule.tag}` in: use `{self._rule.kind}`")
        else:
            at = 0 if kind == "account" else 1
            value = item.owners[at] if at < len(item.owners) else ""
        try:
            return name_of(value) if value.strip() else ""
        except CampaignPlanError:
            return ""
