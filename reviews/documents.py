"""The policies behind entitlements, parsed: those that one is of, and those of the identities that it leads to."""

from __future__ import annotations

from collections.abc import Iterator

from graph.questions import Questions
from model.entities import IamPrincipal
from policy.document import Document
from reviews.entitlements import Held

#: A policy's id, as ``because`` names it, with its document; ``None``: could not be read.
Papers = tuple[tuple[str, Document | None], ...]


class Documents:
    """Documents of one build."""

    def __init__(self, questions: Questions) -> None:
        self._assembler = questions.world.assembler
        self._inventory = questions.world.inventory
        self._known: dict[str, Papers] = {}

    def held_by(self, holder: IamPrincipal) -> Papers:
        """What a user, role or IAM group holds itself."""
        found = self._known.get(holder.arn)
        if found is None:
            texts: dict[str, str | None] = {f"{holder.arn}#inline:{one.name}": one.document for one in holder.inline}
            for arn in holder.attached:
                policy = self._inventory.policies.get(arn)
                texts[arn] = policy.document if policy is not None else None
            found = tuple((id, self._assembler.ref(id, text).document) for id, text in texts.items())
            self._known[holder.arn] = found
        return found

    def holder(self, arn: str) -> IamPrincipal | None:
        """The user, role or IAM group of an ARN."""
        user = self._inventory.users.get(arn)
        return user or self._inventory.roles.get(arn) or self._inventory.groups.get(arn)

    def of_user(self, arn: str, but: str = "") -> Iterator[tuple[str, Document | None]]:
        """What applies to a user or role by itself and by its IAM groups, ``but`` one of those."""
        holder = self.holder(arn)
        if holder is not None:
            yield from self.held_by(holder)
        user = self._inventory.users.get(arn)
        for group_arn in user.groups if user is not None else ():
            group = self._inventory.groups.get(group_arn)
            if group is not None and group_arn != but:
                yield from self.held_by(group)

    def of(self, held: Held) -> Papers:
        """The policies that go with an entitlement itself; none for one that leads to roles or is of a resource."""
        if held.kind == "group-membership":
            group = self._inventory.groups.get(held.group)
            return self.held_by(group) if group is not None else ((f"{held.group}#policies", None),)
        if held.kind in ("policy-attachment", "inline-policy"):
            holder = self.holder(held.holder)
            papers = self.held_by(holder) if holder is not None else ()
            return tuple(paper for paper in papers if paper[0] == held.policy)
        if held.kind in ("access-key", "password"):
            return tuple(self.of_user(held.holder))
        return ()

    def forbids(self, held: Held) -> bool:
        """Whether something is forbidden by what goes with the entitlement: removing it lifts that."""
        return held.kind not in ("access-key", "password") and any(
            document is not None and any(not statement.allows for statement in document.statements)
            for _, document in self.of(held)
        )

    def only_forbids(self, held: Held) -> bool:
        """Whether it forbids something and allows nothing."""
        return self.forbids(held) and all(
            document is not None and not any(statement.allows for statement in document.statements)
            for _, document in self.of(held)
        )
