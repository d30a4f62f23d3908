"""Who may not decide on an item, because it is their own access or they can reach what it gives."""

from __future__ import annotations

from functools import cached_property, lru_cache

from graph.questions import Questions
from graph.subjects import Subject
from reviews.audience import Audience
from reviews.people import OWN as OWN_ACCESS
from reviews.records import Item
from reviews.words import Names


class Independence:
    """Conflicts of reviewers with items, worked out from the graph of one build."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions
        #: Where `reviews.opening` reads the tags that name owners.
        self.inventory = questions.world.inventory
        self._inventory = self.inventory
        self._subjects = questions.world.subjects
        self._audience = Audience(questions)
        self._names = Names(self._inventory)
        self._reached = lru_cache(maxsize=None)(self._sessions)

    def conflict(self, item: Item, reviewer: str) -> str:
        """Why a reviewer is not independent of an item, in words; empty when they are.

        ``reviewer`` is an address. Who is nobody in the snapshot is independent of everything in it.
        """
        who = reviewer.strip().lower()
        if who in {address.lower() for address in item.people}:
            return OWN_ACCESS
        subjects = self._named.get(who, ())
        if any(subject.key == item.principal for subject in subjects) or self._is_member(item, who):
            return OWN_ACCESS
        reached = self._reached(who)
        for role in self._roles(item):
            if role in reached:
                return f"they can reach the access under review: they can become {self._names.role_in(role)}"
        return ""

    @cached_property
    def _named(self) -> dict[str, list[Subject]]:
        """People, and the users that stand for them, by every address and name in lower case."""
        found: dict[str, list[Subject]] = {}
        for key, person in self._inventory.people.items():
            for name in {person.user.user_name.lower(), *(mail.lower() for mail in person.user.emails)}:
                found.setdefault(name, []).append(self._subjects.by_key[key])
        for user in self._inventory.data.users:
            address = self._audience.address(user)
            person_names = {address.lower()} - {""}
            for name in person_names:
                found.setdefault(name, []).append(self._subjects.by_key[user.arn])
        return found

    def _is_member(self, item: Item, who: str) -> bool:
        """Whether the reviewer is a member of the directory group that the item is about."""
        if not item.principal.startswith("group:"):
            return False
        ids = self._groups.get(item.principal, frozenset())
        users = {subject.key for subject in self._named.get(who, ())}
        return any(person.user.id in ids for key, person in self._inventory.people.items() if key in users)

    @cached_property
    def _groups(self) -> dict[str, frozenset[str]]:
        """Ids of the members by the group's name in answers."""
        found: dict[str, frozenset[str]] = {}
        for group in self._inventory.data.directory_groups:
            key = f"group:{group.name}"
            found[key] = found.get(key, frozenset()) | frozenset(group.members)
        return found

    def _sessions(self, who: str) -> frozenset[str]:
        """ARNs of the roles that a reviewer can become, by any chain."""
        found: set[str] = set()
        for subject in self._named.get(who, ()):
            chains = self._questions.steps.forward(subject)
            found.update(self._subjects.all[index].key for index in chains.shortest)
        return frozenset(found)

    def _roles(self, item: Item) -> list[str]:
        """The roles that an item opens or gives access to, the item's own first."""
        roles = [item.principal] if item.principal in self._inventory.roles else []
        roles += [step.id for step in item.path if step.kind == "role"]
        if item.fix.get("role-name"):
            arn = item.entitlement.id.partition("#trust")[0].rpartition("@")[2].partition("#inline:")[0]
            roles += [arn] if arn in self._inventory.roles else []
        return list(dict.fromkeys(roles))
