"""What happens if an item is kept or removed, in words: never "nothing is lost" while something may be."""

from __future__ import annotations

from collections.abc import Sequence

from graph.deciding import Outcome
from model.inventory import Inventory
from reviews.contributions import Contribution
from reviews.documents import Documents
from reviews.entitlements import Held
from reviews.losses import Loss
from reviews.sentences import Reach, joined, unreadable
from reviews.usage import Usage
from reviews.words import Names, condition, counted, listed, some

#: Kinds of principals that are several identities, each of which may hold more.
_MANY = frozenset({"group", "account", "anonymous"})


def clause(names: Names, reaches: Sequence[Reach], admin_of: dict[str, bool], most: int = 3, given: str = "") -> str:
    """The clause after "can": everything in the accounts where that is so, then what else."""
    if not admin_of:
        return joined(reaches, names.account, most, given)
    always = [names.account(id) for id, certain in sorted(admin_of.items()) if certain]
    maybe = [names.account(id) for id, certain in sorted(admin_of.items()) if not certain]
    parts = [f"do everything in {some(always, 4, 'more accounts')}"] if always else []
    if maybe:
        under = "" if given else ", only under conditions"
        parts.append(f"do everything in {some(maybe, 4, 'more accounts')}{under}")
    others = [reach for reach in reaches if reach.account not in admin_of]
    other = joined(others, names.account, 1, given)
    return "; and ".join([*parts, other] if other else parts)


def unmet(outcome: Outcome, names: Names) -> str:
    """What must hold for a step, as it follows "only"."""
    return condition(outcome.residual, names)


class Consequences:
    """Writes the consequences of decisions about items of one build."""

    def __init__(self, inventory: Inventory, names: Names, documents: Documents) -> None:
        self._inventory = inventory
        self._names = names
        self._documents = documents

    def if_kept(self, held: Held, contribution: Contribution, admin_of: dict[str, bool], who: str, usage: Usage) -> str:
        """The sentence for keeping it."""
        can = clause(self._names, contribution.shown.reaches, admin_of, most=1)
        if held.kind == "trust-statement" and contribution.steps:
            role = self._names.role_in(held.role)
            return f"{who} can still become {role}. {usage.in_words}"
        if not can and held.unread:
            return f"What this gives could not be read, so what goes on is not known. {usage.in_words}"
        if not can:
            return f"Nothing changes: today nobody gets access by it that we can see. {usage.in_words}"
        if held.kind == "password" and held.unread:
            return f"If there is a password, whoever has it can go on to {can}. {usage.in_words}"
        return f"{who} can go on to {can}. {usage.in_words}"

    def if_removed(self, held: Held, contribution: Contribution, loss: Loss, who: str) -> str:
        """The sentences for removing it."""
        parts = [self._lost(held, contribution, loss, who)]
        also = loss.beyond_lost.goes() if loss.beyond_lost.said or not contribution.shown.access.alone else ""
        parts += [also] if also else []
        if self._documents.forbids(held):
            parts.append("It also forbids things, and those limits would go.")
        return " ".join(part.strip() for part in parts)

    def _lost(self, held: Held, contribution: Contribution, loss: Loss, who: str) -> str:
        shown = contribution.shown
        if not shown.drafts and not loss.role and held.unread:
            return "What this gives could not be read, so what would be lost is not known."
        if not shown.drafts and not loss.role:
            return "Nobody loses access that we can see."
        others = self.others(held, contribution)
        still = f"still given {listed(others)}" if others else "still given by what else is held"
        if loss.nothing(contribution):
            return f"Nothing is lost: all of it is {still}."
        if not (shown.access.alone or loss.admin_of or loss.role):
            return f"All that we can see of it is {still}. {unreadable(shown.reaches) if loss.unread else ''}"
        ending = self._ending(held, contribution, still)
        if held.kind == "trust-statement":
            only = unmet(min((step.outcome for step in contribution.steps), key=lambda one: one.rank), self._names)
            lost = clause(self._names, shown.lost, loss.admin_of, most=2, given=only)
            then = f", nor {lost}" if lost else ""
            said = f"{who} can no longer become {self._names.role_in(held.role)}"
            return f"{said}{then}. {ending}" if loss.role else f"{who} can no longer {lost}. {ending}"
        lost = clause(self._names, shown.lost, loss.admin_of, most=2) or "use what could not be read"
        if held.kind == "password" and held.unread:
            return f"If there is a password, whoever has it can no longer {lost}. {ending}"
        return f"{who} can no longer {lost}. {ending}"

    def _ending(self, held: Held, contribution: Contribution, still: str) -> str:
        """What is known of other ways."""
        access = contribution.shown.access
        if contribution.unsure:
            return "Whether the same user has another credential, which would still give all of it, could not be read."
        kinds = counted(access.shared, "other kind" if access.alone else "kind")
        stays = f"{kinds} of access {'stays' if access.shared == 1 else 'stay'}, {still}." if access.shared else ""
        if held.principal_kind in _MANY and access.alone:  # judged for one of them who has nothing else
            return f"{stays} Whoever of them has another way to it keeps that.".strip()
        return stays or ("We know of no other way to it." if access.alone else "")

    def others(self, held: Held, contribution: Contribution) -> list[str]:
        """The other ways to what is shared, as they follow "given"."""
        shared = [draft for draft in contribution.shown.drafts if draft.shared][:20]
        found: dict[str, None] = {}
        if held.kind in ("access-key", "password"):
            return ["by another key or the password of the same user"]
        for also in sorted(contribution.also):
            found[f"by {self._names.policy(also)}, held another way as well"] = None
        if contribution.holder is not None:
            classes = [draft.resource_class.index for draft in shared]
            for step in contribution.holder.givers(classes, contribution.gone):
                found[self._way(held, step.outcome, step.target.key)] = None
        elif held.policy and held.holder:
            for draft in shared:
                for _, outcome in draft.way.outcomes:
                    found.update(dict.fromkeys(self._policies_besides(held, outcome)))
        if not found and held.statement >= 0:
            crowd = held.principal_kind not in ("user", "role")
            found["by another rule" if crowd else "by what the same identity holds itself"] = None
        ways = list(found)
        return ways[:2] + ([f"in {len(ways) - 2} more ways"] if len(ways) > 2 else [])

    def _way(self, held: Held, outcome: Outcome, role: str) -> str:
        for item in outcome.because:
            if item["layer"] == "assignment":
                kind, _, id = str(item["policy"]).rpartition("#")[2].partition(":")
                if held.assignment is not None and id == held.assignment.principal_id:
                    return f"through the assignment of {self._names.role_in(role)}"
                if kind == "group":
                    return f"through group {self._names.group(id)}"
                return f"through their own assignment of {self._names.role_in(role)}"
        return f"through {self._names.role_in(role)}"

    def _policies_besides(self, held: Held, outcome: Outcome) -> list[str]:
        mine, found = {id for id, _ in self._documents.of(held)}, []
        for item in outcome.because:
            if item["effect"] == "Allow" and item["policy"] not in mine:
                if item["layer"] == "identity":
                    found.append(f"by policy {self._names.policy(item['policy'])}")
                elif item["layer"] == "resource":
                    found.append("by the own rules of the resource")
        return found
