"""Services whose resources nobody listed, and which policies give access to: never to be taken for "nothing".

A build decides about the resources that were collected. What a policy allows on others, on log groups say, is in no row
of an item; the item says so, and is never called empty for it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from graph.questions import Questions
from model.entities import Assignment, IamPrincipal
from model.load_resources import LIST_CALLS
from policy.actions import catalogue
from policy.document import Document, Statement
from reviews.entitlements import Held

#: Services whose resources are collected, and those that have none beside them.
_LISTED = frozenset({"iam", "sts", *(type_name.partition(":")[0] for type_name in LIST_CALLS)})
#: More than so many services: whoever may use these may use nearly everything.
_MANY = 12


class Unlisted:
    """The services of one build's policies that no collected resource is of."""

    def __init__(self, questions: Questions) -> None:
        self._assembler = questions.world.assembler
        self._inventory = questions.world.inventory
        self._found: dict[int, frozenset[str]] = {}

    def services(self, held: Held, also: Collection[str] = ()) -> list[str]:
        """AWS's names of the services, in order; empty for an entitlement that is about one listed resource.

        What the same identity has by another way too, a policy of ``also`` or a role of another assignment, is left
        out.
        """
        prefixes = {name for document in self._documents(held, also) for name in self._of(document)}
        return sorted({catalogue().service_name(prefix) for prefix in prefixes})

    def in_words(self, held: Held, also: Collection[str] = ()) -> str:
        """What is not in the item's rows, as a sentence; empty for nothing."""
        names = self.services(held, also)
        if not names:
            return ""
        if len(names) > _MANY:
            return f"What it allows on resources of {len(names)} further services is not shown: those were not listed."
        told = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
        return f"What it allows on resources of {told} is not shown: those were not listed."

    def _documents(self, held: Held, also: Collection[str]) -> Iterator[Document]:
        """The policies that the entitlement gives: the one that it is of, or all of the identities that it opens."""
        for holder in self._holders(held):
            texts = {f"{holder.arn}#inline:{inline.name}": inline.document for inline in holder.inline}
            for arn in holder.attached:
                policy = self._inventory.policies.get(arn)
                if policy is not None and policy.document is not None:
                    texts[arn] = policy.document
            for id, text in texts.items():
                document = self._assembler.ref(id, text).document
                if document is not None and held.policy in ("", id) and id not in also:
                    yield document

    def _holders(self, held: Held) -> Iterator[IamPrincipal]:
        """The identities whose policies apply: the one that holds the policy or the credential, the role opened."""
        if held.kind == "directory-membership":
            for each in self._inventory.data.assignments:
                if each.principal_type == "GROUP" and each.principal_id == held.group:
                    yield from self._role(each, held)
        elif held.assignment is not None:
            yield from self._role(held.assignment, held)
        elif held.kind == "group-membership":
            yield from (group for group in (self._inventory.groups.get(held.group),) if group is not None)
        elif held.kind == "trust-statement":
            yield from (role for role in (self._inventory.roles.get(held.role),) if role is not None)
        else:
            user = self._inventory.users.get(held.holder)
            if user is not None and not held.policy:  # a password or key: all that the user has
                yield from (self._inventory.groups[arn] for arn in user.groups if arn in self._inventory.groups)
            found = user or self._inventory.roles.get(held.holder) or self._inventory.groups.get(held.holder)
            if found is not None:
                yield found

    def _role(self, assignment: Assignment, held: Held) -> Iterator[IamPrincipal]:
        role = self._inventory.permission_set_role(assignment.account, assignment.permission_set)
        if role is not None and role.arn not in self._kept(held):
            yield role

    def _kept(self, held: Held) -> set[str]:
        """Roles that a person keeps without the assignment, or the membership, of the item."""
        person = self._inventory.people.get(held.person)
        if person is None:
            return set()
        return {
            role
            for assignment, role in person.grants
            if assignment != held.assignment
            and not (held.kind == "directory-membership" and assignment.principal_id == held.group)
        }

    def _of(self, document: Document) -> frozenset[str]:
        key = id(document)
        if key not in self._found:
            self._found[key] = frozenset(
                name for statement in document.statements if statement.allows for name in _services(statement)
            )
        return self._found[key]


def _services(statement: Statement) -> Iterator[str]:
    """Prefixes of services, not listed, that have an action of the statement on some resource of their own."""
    book = catalogue()
    for pattern in statement.actions if statement.actions is not None else ("*",):
        for action in book.expand(pattern):
            prefix = action.partition(":")[0]
            acts = statement.acts is None or statement.acts(action.lower())
            if prefix not in _LISTED and acts and not book.wildcard_only(action):
                yield prefix
