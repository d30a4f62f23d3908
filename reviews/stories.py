"""What an item says: its sentence, and what happens if it is kept or removed."""

from __future__ import annotations

from dataclasses import dataclass

from graph.questions import Questions
from policy.document import Document
from reviews.admins import Admins
from reviews.audience import Audience
from reviews.consequences import Consequences, clause, unmet
from reviews.contributions import Contribution
from reviews.documents import Documents
from reviews.entitlements import ANONYMOUS, Held
from reviews.losses import Loss, Losses
from reviews.sentences import unreadable
from reviews.usage import Usage
from reviews.words import Names, counted, started


@dataclass(frozen=True)
class Story:
    """The sentences of an item. ``admin_of`` maps the accounts in which it gives everything to whether it does so for
    certain; ``directly``: in some of them without any further role. ``loss`` is what goes when it is removed.
    """

    sentence: str
    if_kept: str
    if_removed: str
    admin_of: dict[str, bool]
    directly: bool
    external: bool
    loss: Loss


class Stories:
    """Writes the sentences of items of one build."""

    def __init__(
        self,
        questions: Questions,
        names: Names,
        audience: Audience,
        admins: Admins,
        documents: Documents,
        losses: Losses,
    ) -> None:
        self._world = questions.world
        self._inventory = questions.world.inventory
        self._names = names
        self._audience = audience
        self._admins = admins
        self._documents = documents
        self._losses = losses
        self._consequences = Consequences(questions.world.inventory, names, documents)

    def of(self, held: Held, contribution: Contribution, usage: Usage) -> Story:
        """The sentences of one entitlement."""
        admin_of = self._admin_of(held, contribution)
        who = self.who(held, contribution)
        loss = self._losses.of(held, contribution, admin_of)
        return Story(
            self._sentence(held, contribution, admin_of, who),
            self._consequences.if_kept(held, contribution, admin_of, who, usage),
            self._consequences.if_removed(held, contribution, loss, who),
            admin_of,
            self._directly(held, contribution),
            self.external(held),
            loss,
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
            policies = [id for id, _ in self._documents.of(held)]
            for subject in contribution.subjects:
                if held.kind in ("access-key", "password") or self._admins.by_policies(subject, policies):
                    found.update(self._admins.accounts([subject]))
        return found

    def _directly(self, held: Held, contribution: Contribution) -> bool:
        """Whether full control comes with the item's own role, policy or user, not at the end of a chain."""
        opens = held.assignment is not None or bool(held.role) or held.kind == "directory-membership"
        if opens:
            return any(self._admins.of(step.target) for step in contribution.steps)
        policies = [id for id, _ in self._documents.of(held)]
        credential = held.kind in ("access-key", "password")
        return any(
            bool(self._admins.of(subject)) if credential else self._admins.by_policies(subject, policies)
            for subject in (contribution.subjects if held.holder else ())
        )

    def _sentence(self, held: Held, contribution: Contribution, admin_of: dict[str, bool], who: str) -> str:
        can = clause(self._names, contribution.shown.reaches, admin_of)
        unread = unreadable(contribution.shown.reaches) if len(contribution.shown.reaches) <= 3 or not can else ""
        if held.kind == "trust-statement":
            return self._of_trust(held, contribution, who, admin_of)
        if held.kind == "password" and held.unread and can:
            user = self._name(held.holder)
            return f"Whether user {user} has a password could not be read; with one it is possible to {can}."
        if not can:
            return " ".join(filter(None, (self._without_access(held, who), unread)))
        by = {
            "policy-attachment": f", by policy {self._names.policy(held.policy)}",
            "inline-policy": f", by its own policy {self._names.policy(held.policy)}",
            "group-membership": f", as a member of user group {held.group.rpartition('/')[2]}",
            "kms-grant": ", by a grant on the key",
        }.get(held.kind, "")
        if by:
            return f"{who.removesuffix(',')}{by}, can {can}. {unread}".strip()
        return f"{who} can {can}. {unread}".strip()

    def _of_trust(self, held: Held, contribution: Contribution, who: str, admin_of: dict[str, bool]) -> str:
        role = self._names.role_in(held.role)
        if held.unread:
            return f"Who may become {role} could not be read."
        if not contribution.steps:
            return f"{who} could become {role}; today nobody there can."
        outcome = min((step.outcome for step in contribution.steps), key=lambda outcome: outcome.rank)
        only = unmet(outcome, self._names)
        verb = "run as" if held.principal_kind == "service" else "become"
        first = f"{who} can {verb} {role}{f', only {only}' if only else ''}"
        can = clause(self._names, contribution.shown.reaches, admin_of, given=only)
        if not can:
            return f"{first}; the role itself opens nothing in the data we read."
        return f"{first}. As that role it is possible to {can}."

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
            why = ": it only forbids" if self._documents.only_forbids(held) else " in the data we read"
            return f"Policy {self._names.policy(held.policy)} gives {self._name(held.holder)} nothing{why}."
        return f"{who} gets nothing by this in the data we read."

    def _empty_membership(self, held: Held) -> str:
        name, group = self._names.person(held.person), self._names.group(held.group)
        known = self._inventory.people.get(held.person)
        if known is not None and known.user.active is False:
            return f"{name} is disabled and cannot sign in, but is still a member of group {group}."
        if known is None:
            return f"{started(name)} is still a member of group {group}."
        if held.unread:
            return f"{name} is a member of group {group}; what the group is given could not be read."
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
