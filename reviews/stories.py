"""What an item says: its sentence, and what happens if it is kept or removed."""

from __future__ import annotations

from dataclasses import dataclass

from graph.deciding import Outcome
from graph.questions import Questions
from policy.document import Document
from reviews.access import Shown
from reviews.admins import Admins
from reviews.audience import Audience
from reviews.contributions import Contribution
from reviews.entitlements import ANONYMOUS, Held
from reviews.sentences import joined, unreadable
from reviews.usage import Usage
from reviews.words import Names, condition, counted, listed, some, started


@dataclass(frozen=True)
class Story:
    """The sentences of an item. ``admin_of`` maps the accounts in which it gives everything to whether it does so for
    certain; ``directly``: in some of them without any further role.
    """

    sentence: str
    if_kept: str
    if_removed: str
    admin_of: dict[str, bool]
    directly: bool
    external: bool


class Stories:
    """Writes the sentences of items of one build."""

    def __init__(self, questions: Questions, names: Names, audience: Audience, admins: Admins) -> None:
        self._world = questions.world
        self._inventory = questions.world.inventory
        self._names = names
        self._audience = audience
        self._admins = admins

    def of(self, held: Held, contribution: Contribution, usage: Usage) -> Story:
        """The sentences of one entitlement."""
        admin_of = self._admin_of(held, contribution)
        who = self.who(held, contribution)
        return Story(
            self._sentence(held, contribution, admin_of, who),
            self._if_kept(held, contribution, admin_of, who, usage),
            self._if_removed(held, contribution, admin_of, who),
            admin_of,
            self._directly(held, contribution),
            self.external(held),
        )

    # -- who

    def external(self, held: Held) -> bool:
        """Whether the principal is outside the organisation."""
        if held.principal == ANONYMOUS:
            return not self._only_organisation(held)
        if held.principal_kind == "account":
            return held.principal.removeprefix("account:") not in self._inventory.accounts
        if held.principal.startswith("arn:"):
            account = held.principal.split(":")[4]
            return bool(account) and account not in self._inventory.accounts
        return False

    def _only_organisation(self, held: Held) -> bool:
        """Whether a statement for everybody asks that they be of this organisation."""
        organization = self._inventory.organization
        document = self._document(held)
        if organization is None or document is None:
            return False
        return any(
            test.key in ("aws:principalorgid", "aws:principalorgpaths")
            and all(organization.id and value.startswith(organization.id) for value in test.values)
            for test in document.statements[held.statement].conditions
        )

    def _document(self, held: Held) -> Document | None:
        role, resource = self._inventory.roles.get(held.role), self._inventory.resources.get(held.resource)
        text = role.trust if role is not None else resource.policy if resource is not None else None
        return None if held.statement < 0 else self._world.assembler.ref(held.policy, text).document

    def who(self, held: Held, contribution: Contribution) -> str:
        """Who has it, as the start of a sentence."""
        if held.kind == "assignment" and held.group:
            return self._everyone(held)
        if held.kind == "directory-membership":
            return f"{self._names.person(held.person)}, as a member of group {self._names.group(held.group)},"
        if held.person:
            return self._names.person(held.person)
        if held.key is not None:
            return f"Whoever holds access key …{held.key.id[-4:]} of user {self._name(held.holder)}"
        if held.kind == "password":
            return f"User {self._name(held.holder)}, after signing in with the password,"
        if held.principal_kind == "group":
            users = len(contribution.subjects)
            return f"Everyone in user group {self._name(held.holder)} ({counted(users, 'user')})"
        if held.kind in ("policy-attachment", "inline-policy", "group-membership"):
            if held.holder in self._inventory.roles:
                return f"Whoever acts as {self._name(held.holder)}"
            return f"User {self._name(held.holder)}"
        return started(self._principal(held, contribution))

    def _everyone(self, held: Held) -> str:
        known = self._inventory.directory_groups.get(held.group)
        if known is None:
            return "A group that no longer exists"
        people = len(self._audience.members(held.group))
        if not people:
            return f"Whoever joins group {known.name}, which is empty now,"
        return f"Everyone in group {known.name} ({counted(people, 'person', 'people')})"

    def _principal(self, held: Held, contribution: Contribution) -> str:
        """Who a trust, a resource's rule or a grant is for."""
        if held.principal == ANONYMOUS:
            if self._only_organisation(held):
                return "anyone in this organisation"
            return "anyone with an AWS account" if held.role else "anyone on the internet"
        if held.principal_kind == "account" and not self.external(held):
            account = self._names.account(held.principal.removeprefix("account:"))
            many = len({subject.key for subject in contribution.subjects})
            if many:
                return f"{counted(many, 'user or role', 'users and roles')} of {account}"
            return f"whoever in {account} is given the right"
        if held.principal in self._inventory.roles:
            return f"whoever acts as {self._names.role_in(held.principal)}"
        return self._names.principal(held.principal)

    def _name(self, arn: str) -> str:
        """A user, role or group with its account."""
        return f"{arn.rpartition('/')[2]} in {self._names.account(arn.split(':')[4])}"

    # -- what

    def _admin_of(self, held: Held, contribution: Contribution) -> dict[str, bool]:
        """Accounts in which the item gives everything, with whether it does without any condition."""
        chains = [way.chain for draft in contribution.shown.drafts for way in (draft.way,)]
        sessions = {chain.steps[-1].target: False for chain in chains if chain.steps}
        for chain in chains:
            if chain.steps and chain.certain:
                sessions[chain.steps[-1].target] = True
        found: dict[str, bool] = {}
        for session, certain in sessions.items():
            for account, always in self._admins.accounts([session]).items():
                found[account] = found.get(account, False) or (certain and always)
        if held.holder and contribution.shown.drafts:
            policies = self._policies(held)
            for subject in contribution.subjects:
                if held.kind in ("access-key", "password") or self._admins.by_policies(subject, policies):
                    found.update(self._admins.accounts([subject]))
        return found

    def _directly(self, held: Held, contribution: Contribution) -> bool:
        """Whether full control comes with the item's own role, policy or user, not at the end of a chain."""
        opens = held.assignment is not None or bool(held.role) or held.kind == "directory-membership"
        if opens:
            return any(self._admins.of(step.target) for step in contribution.steps)
        policies = self._policies(held)
        credential = held.kind in ("access-key", "password")
        return any(
            bool(self._admins.of(subject)) if credential else self._admins.by_policies(subject, policies)
            for subject in (contribution.subjects if held.holder else ())
        )

    def _policies(self, held: Held) -> list[str]:
        if held.kind != "group-membership":
            return [held.policy]
        group = self._inventory.groups.get(held.group)
        if group is None:
            return []
        return [*(f"{group.arn}#inline:{inline.name}" for inline in group.inline), *group.attached]

    def _clause(self, shown: Shown, admin_of: dict[str, bool], most: int = 3, given: str = "") -> str:
        """The clause after "can": everything in the accounts where that is so, then what else."""
        if not admin_of:
            return joined(shown.reaches, self._names.account, most, given)
        always = [self._names.account(id) for id, certain in sorted(admin_of.items()) if certain]
        maybe = [self._names.account(id) for id, certain in sorted(admin_of.items()) if not certain]
        parts = [f"do everything in {some(always, 4, 'more accounts')}"] if always else []
        if maybe:
            under = "" if given else ", only under conditions"
            parts.append(f"do everything in {some(maybe, 4, 'more accounts')}{under}")
        others = [reach for reach in shown.reaches if reach.account not in admin_of]
        other = joined(others, self._names.account, 1, given)
        return "; and ".join([*parts, other] if other else parts)

    def _sentence(self, held: Held, contribution: Contribution, admin_of: dict[str, bool], who: str) -> str:
        clause = self._clause(contribution.shown, admin_of)
        unread = unreadable(contribution.shown.reaches) if len(contribution.shown.reaches) <= 3 or not clause else ""
        if held.kind == "trust-statement":
            return self._of_trust(held, contribution, who, admin_of)
        if not clause:
            return " ".join(filter(None, (self._without_access(held, who), unread)))
        by = {
            "policy-attachment": f", by policy {self._names.policy(held.policy)}",
            "inline-policy": f", by its own policy {self._names.policy(held.policy)}",
            "group-membership": f", as a member of user group {held.group.rpartition('/')[2]}",
            "kms-grant": ", by a grant on the key",
        }.get(held.kind, "")
        if by:
            return f"{who.removesuffix(',')}{by}, can {clause}. {unread}".strip()
        return f"{who} can {clause}. {unread}".strip()

    def _of_trust(self, held: Held, contribution: Contribution, who: str, admin_of: dict[str, bool]) -> str:
        role = self._names.role_in(held.role)
        if held.unread:
            return f"Who may become {role} could not be read."
        if not contribution.steps:
            return f"{who} could become {role}; today nobody there can."
        outcome = min((step.outcome for step in contribution.steps), key=lambda outcome: outcome.rank)
        only = self._only(outcome)
        verb = "run as" if held.principal_kind == "service" else "become"
        first = f"{who} can {verb} {role}{f', only {only}' if only else ''}"
        clause = self._clause(contribution.shown, admin_of, given=only)
        if not clause:
            return f"{first}; the role itself opens nothing in the data we read."
        return f"{first}. As that role it is possible to {clause}."

    def _only(self, outcome: Outcome) -> str:
        return condition(outcome.residual, self._names)

    def _without_access(self, held: Held, who: str) -> str:
        """The sentence of an item that gives nothing today, or of which nothing is known."""
        account = self._names.account(held.account)
        if held.assignment is not None:
            given = f"permission set {self._permission_set(held)} in {account}"
            user = self._inventory.directory_users.get(held.assignment.principal_id)
            if user is not None and user.active is False:
                return f"{who} is disabled and cannot sign in, but is still given {given}."
            if user is None and held.assignment.principal_id not in self._inventory.directory_groups:
                return f"{started(who)} is still given {given}."
            if held.unread:
                return f"{who} is given {given}; what it opens could not be read."
            return f"{who} is given {given}, which opens nothing in the data we read."
        if held.kind == "directory-membership":
            return self._empty_membership(held)
        if held.key is not None and not held.key.active:
            return (
                f"Access key …{held.key.id[-4:]} of user {self._name(held.holder)} is switched off and opens nothing."
            )
        if held.resource:
            return self._empty_rule(held, who)
        if held.kind == "password" and held.unread:
            return f"Whether user {self._name(held.holder)} has a password could not be read."
        if held.unread:
            what = "policy" if held.policy else "what is given to user group"
            name = self._names.policy(held.policy or held.group)
            return f"{who} has {what} {name}, which could not be read: what it gives is not known."
        if held.policy:
            why = ": it only forbids" if self.only_forbids(held) else " in the data we read"
            return f"Policy {self._names.policy(held.policy)} gives {self._name(held.holder)} nothing{why}."
        return f"{who} gets nothing by this in the data we read."

    def _empty_membership(self, held: Held) -> str:
        name, group = self._names.person(held.person), self._names.group(held.group)
        known = self._inventory.people.get(held.person)
        if known is not None and known.user.active is False:
            return f"{name} is disabled and cannot sign in, but is still a member of group {group}."
        if known is None:
            return f"{started(name)} is still a member of group {group}."
        return f"{name} is a member of group {group}, which is given no access."

    def _empty_rule(self, held: Held, who: str) -> str:
        what = self._names.resource(held.resource)
        if held.unread:
            part = "The grants on" if held.kind == "kms-grant" else "The own rules of"
            return f"{part} {what} could not be read: somebody may have access by them."
        whom = who[:1].lower() + who[1:] if who.startswith(("Anyone", "Whoever", "Outside")) else who
        return f"The own rules of {what} let in {whom}, but nobody we know of gets access by it today."

    def _permission_set(self, held: Held) -> str:
        assert held.assignment is not None
        known = self._inventory.permission_sets.get(held.assignment.permission_set)
        return known.name if known is not None else "of an unknown name"

    def only_forbids(self, held: Held) -> bool:
        """Whether a policy has no statement that allows anything."""
        document = self._policy(held)
        return document is not None and not any(statement.allows for statement in document.statements)

    def forbids(self, held: Held) -> bool:
        """Whether a policy has a statement that forbids something: removing it lifts that."""
        document = self._policy(held)
        return document is not None and any(not statement.allows for statement in document.statements)

    def _policy(self, held: Held) -> Document | None:
        if held.kind == "policy-attachment":
            known = self._inventory.policies.get(held.policy)
            return self._world.assembler.ref(held.policy, known.document if known else None).document
        if held.kind == "inline-policy":
            of_groups = self._inventory.groups.get(held.holder)
            holder = self._inventory.users.get(held.holder) or self._inventory.roles.get(held.holder) or of_groups
            for inline in holder.inline if holder is not None else ():
                if held.id == f"{held.holder}#inline:{inline.name}":
                    return self._world.assembler.ref(held.policy, inline.document).document
        return None

    # -- consequences

    def _if_kept(
        self, held: Held, contribution: Contribution, admin_of: dict[str, bool], who: str, usage: Usage
    ) -> str:
        clause = self._clause(contribution.shown, admin_of, most=1)
        if held.kind == "trust-statement" and contribution.steps:
            role = self._names.role_in(held.role)
            return f"{who} can still become {role}. {usage.in_words}"
        if not clause:
            return f"Nothing changes: today nobody gets access by it that we can see. {usage.in_words}"
        return f"{who} can go on to {clause}. {usage.in_words}"

    def _if_removed(self, held: Held, contribution: Contribution, admin_of: dict[str, bool], who: str) -> str:
        shown = contribution.shown
        lifted = " It also forbids things, and those limits would go." if self.forbids(held) else ""
        if not shown.drafts:
            return f"Nobody loses access that we can see.{lifted}"
        others = self.others(held, contribution)
        still = f"still given {listed(others)}" if others else "still given by what else is held"
        if not shown.access.alone:
            return f"Nothing is lost: all of it is {still}.{lifted}"
        goes = Shown(shown.access, shown.drafts, shown.lost, shown.lost)
        if not shown.access.shared:
            ending = "We know of no other way to it."
        else:
            kinds = counted(shown.access.shared, "other kind")
            ending = f"{kinds} of access {'stays' if shown.access.shared == 1 else 'stay'}, {still}."
        if held.kind == "trust-statement":
            only = self._only(min((step.outcome for step in contribution.steps), key=lambda outcome: outcome.rank))
            lost = self._clause(goes, admin_of, most=2, given=only)
            then = f", nor {lost}" if lost else ""
            return f"{who} can no longer become {self._names.role_in(held.role)}{then}. {ending}{lifted}"
        lost = self._clause(goes, admin_of, most=2) or "use what could not be read"
        return f"{who} can no longer {lost}. {ending}{lifted}"

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
        mine, found = set(self._policies(held)), []
        for item in outcome.because:
            if item["effect"] == "Allow" and item["policy"] not in mine:
                if item["layer"] == "identity":
                    found.append(f"by policy {self._names.policy(item['policy'])}")
                elif item["layer"] == "resource":
                    found.append("by the own rules of the resource")
        return found
