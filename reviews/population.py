"""The frozen population of a review: every entitlement in scope as an item, and how complete the data behind it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from graph.builds import Report, no_report
from graph.questions import Questions
from model.entities import Tags
from model.snapshot import Snapshot
from reviews.access import MOST_ROWS, Rows
from reviews.admins import Admins
from reviews.audience import Audience
from reviews.completeness import completeness
from reviews.contributions import Contributions
from reviews.documents import Documents
from reviews.effects import Effects
from reviews.entitlements import Entitlements, Held
from reviews.errors import CampaignPlanError
from reviews.losses import Losses
from reviews.recommendations import Recommendations
from reviews.records import ENTITLEMENT_KINDS, Entitlement, Item, Population
from reviews.risks import Risks
from reviews.scope import Filter, Scope, check_scope, scope_in_words
from reviews.stories import Stories
from reviews.unlisted import Unlisted
from reviews.usage import Usages
from reviews.ways import Ways
from reviews.words import Names

__all__ = ["MOST_ROWS", "check_scope", "items", "population", "scope_in_words"]


def population(
    questions: Questions,
    snapshot: Snapshot,
    scope: Mapping[str, tuple[str, ...]],
    report: Report = no_report,
) -> Population:
    """Every item in scope, ordered by (kind, principal, id), and the completeness of the snapshot behind it.

    Raises ``CampaignPlanError`` for a scope with unknown keys or values, or when the build is of another snapshot.
    """
    if questions.snapshot != snapshot.id:
        raise CampaignPlanError(
            f"the build is of snapshot `{questions.snapshot}`, not of `{snapshot.id}`: run `grantmap build`"
        )
    check_scope(scope, questions.world.inventory)
    maker = ItemMaker(questions)
    found, total = [], 0
    for item in items(maker, scope, report):
        total += 1
        if item is not None:
            found.append(item)
    order = {kind: place for place, kind in enumerate(ENTITLEMENT_KINDS)}
    found.sort(key=lambda item: (order[item.entitlement.kind], item.principal, item.id))
    excluded = maker.entitlements.excluded
    return Population(
        items=tuple(found),
        completeness=completeness(snapshot, questions.world.inventory, excluded, total - len(found)),
    )


def items(maker: ItemMaker, scope: Scope, report: Report = no_report) -> Iterator[Item | None]:
    """The item of each entitlement, ``None`` for one outside the scope."""
    chosen = Filter(scope, maker.inventory, maker.names, maker.audience)
    held = maker.entitlements.all()
    for number, each in enumerate(held):
        if number % 50 == 0:
            report("items", number, len(held))
        item = maker.item(each) if chosen.wants(each) else None
        yield item if item is not None and chosen.has(item) else None
    report("items", len(held), len(held))


class ItemMaker:
    """Makes items from entitlements of one build."""

    def __init__(self, questions: Questions) -> None:
        self.inventory = questions.world.inventory
        self.names = Names(self.inventory)
        self.entitlements = Entitlements(questions.world.assembler)
        effects = Effects(questions)
        rows = Rows(questions, effects, self.names)
        self.contributions = Contributions(questions, effects, rows)
        self.audience = Audience(questions)
        admins, documents = Admins(questions), Documents(questions)
        unlisted = Unlisted(questions, self.names, documents)
        losses = Losses(questions, effects, self.contributions, admins, unlisted)
        self._stories = Stories(questions, self.names, self.audience, admins, documents, losses)
        self._ways = Ways(questions, self.names)
        self._usages = Usages(self.inventory)
        self._risks = Risks(questions, self.names, rows, self.audience, documents)
        self._recommendations = Recommendations(questions, self.names, documents)

    def item(self, held: Held) -> Item:
        """The item of one entitlement."""
        contribution = self.contributions.of(held)
        usage = self._usages.of(held)
        story = self._stories.of(held, contribution, usage)
        assessed = self._risks.of(held, contribution, story, usage)
        return Item(
            id=held.item_id,
            principal=held.principal,
            principal_kind=held.principal_kind,
            principal_name=self._name(held),
            account=held.account,
            account_name=self.names.account(held.account),
            entitlement=Entitlement(kind=held.kind, id=held.id, in_words=self._in_words(held)),
            sentence=story.sentence,
            access=contribution.shown.access,
            path=self._ways.of(held, contribution, self._stories.who(held, contribution)),
            if_kept=story.if_kept,
            if_removed=story.if_removed,
            last_used=usage.last,
            usage=usage.in_words,
            risk=assessed.risk,
            signals=assessed.signals,
            recommendation=self._recommendations.of(held, contribution, assessed, usage, story.loss),
            owners=tuple(self._owners(held)),
            people=self.audience.people(held, contribution),
            human=self.audience.human(held),
            privileged=assessed.privileged,
            external=story.external,
            fix=held.fix,
        )

    def _name(self, held: Held) -> str:
        """The bare name of the principal, as lists show it."""
        if held.principal in self.inventory.roles:
            return self.names.role(held.principal)
        if held.holder and held.principal_kind in ("user", "group"):
            return held.holder.rpartition("/")[2]
        return self.names.principal(held.principal).removeprefix("group ").removeprefix("user ")

    def _in_words(self, held: Held) -> str:
        """The entitlement as a noun phrase: ``permission set DataAnalyst in payments-prod``."""
        names, account = self.names, self.names.account(held.account)
        if held.assignment is not None:
            known = self.inventory.permission_sets.get(held.assignment.permission_set)
            return f"permission set {known.name if known else 'of an unknown name'} in {account}"
        if held.kind == "directory-membership":
            return f"membership of group {names.group(held.group)}"
        if held.kind == "group-membership":
            return f"membership of user group {held.group.rpartition('/')[2]} in {account}"
        if held.kind == "policy-attachment":
            return f"policy {names.policy(held.policy)} in {account}"
        if held.kind == "inline-policy":
            return f"own policy {names.policy(held.policy)} in {account}"
        if held.kind == "trust-statement":
            return f"may become {names.role_in(held.role)}"
        if held.key is not None:
            return f"access key …{held.key.id[-4:]} in {account}"
        if held.kind == "password":
            return f"password in {account}"
        if held.kind == "kms-grant":
            return f"grant on {names.resource(held.resource)} in {account}"
        return f"{f'rule {held.sid}' if held.sid else 'a rule'} of {names.resource(held.resource)} in {account}"

    def _owners(self, held: Held) -> Iterator[str]:
        """Who answers for an item by label: of its account, then of its resource or role."""
        center = next((center.owner for center in self.inventory.data.centers), "")
        account = self.inventory.accounts.get(held.account or center)
        tags: list[Tags | None] = [account.tags if account is not None else None]
        resource = self.inventory.resources.get(held.resource)
        holder = self.inventory.roles.get(held.role or held.holder) or self.inventory.users.get(held.holder)
        tags += [resource.tags if resource is not None else None, holder.tags if holder is not None else None]
        for each in tags:
            found = owner(each)
            if found:
                yield found


def owner(tags: Tags | None) -> str:
    """The value of the ``Owner`` label, whatever its case; empty for none."""
    return next((value for key, value in (tags or {}).items() if key.lower() == "owner" and value), "")
