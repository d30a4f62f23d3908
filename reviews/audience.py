"""Who is behind an entitlement: the people who have the access by it, and whether people have it at all."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property, lru_cache

from graph.questions import Questions
from model.entities import DirectoryUser, User
from reviews.contributions import Contribution
from reviews.entitlements import ANONYMOUS, UNKNOWN, Held

#: People who are listed with an item; who has it beyond these is found by the graph.
MOST_PEOPLE = 50

_EMAIL_TAGS = ("email", "mail", "owner-email")


class Audience:
    """People of one build behind users, roles and groups."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions
        self._inventory = questions.world.inventory
        self._subjects = questions.world.subjects
        self.behind_role = lru_cache(maxsize=None)(self._behind_role)

    def people(self, held: Held, contribution: Contribution) -> tuple[str, ...]:
        """Addresses of those who have the access by this entitlement, at most ``MOST_PEOPLE``, sorted."""
        return tuple(sorted(dict.fromkeys(self._people(held, contribution)))[:MOST_PEOPLE])

    def _people(self, held: Held, contribution: Contribution) -> Iterable[str]:
        if held.kind == "assignment" and held.group:
            return [user.address for user in self.members(held.group)]
        if held.person:
            known = self._inventory.people.get(held.person)
            return [known.user.address] if known is not None else []
        if held.principal_kind == "group":
            users = [user for user in self._inventory.data.users if held.holder in user.groups]
            return [address for user in users if (address := self.address(user))]
        arns = [held.holder] if held.holder else [subject.key for subject in contribution.subjects]
        found: list[str] = []
        for arn in arns[:MOST_PEOPLE]:
            user = self._inventory.users.get(arn)
            if user is not None:
                found += [address] if (address := self.address(user)) else []
            elif arn in self._inventory.roles:
                found += self.behind_role(arn)
        return found

    def members(self, group: str) -> list[DirectoryUser]:
        """The members of a directory group who are in the directory and not disabled."""
        known = self._inventory.directory_groups.get(group)
        users = [self._inventory.directory_users.get(id) for id in dict.fromkeys(known.members if known else ())]
        return [user for user in users if user is not None and user.active is not False]

    def address(self, user: User) -> str:
        """The address of the person that an IAM user stands for, by its labels or its name; empty for none."""
        tags = {key.lower(): value for key, value in user.tags.items()}
        for key in _EMAIL_TAGS:
            if "@" in tags.get(key, ""):
                return tags[key]
        return self._by_name.get(user.name.lower(), user.name if "@" in user.name else "")

    @cached_property
    def _by_name(self) -> dict[str, str]:
        """Addresses by user name, and by what stands before the @, where that is one person's alone."""
        found: dict[str, set[str]] = {}
        for user in self._inventory.data.directory_users:
            for name in (user.user_name, *user.emails):
                for key in (name.lower(), name.partition("@")[0].lower()):
                    found.setdefault(key, set()).add(user.address)
        return {key: next(iter(addresses)) for key, addresses in found.items() if len(addresses) == 1}

    def _behind_role(self, arn: str) -> tuple[str, ...]:
        """Addresses of people who can become a role, nearest first, at most ``MOST_PEOPLE``."""
        wave = [self._subjects.by_key[arn].index, self._subjects.session(arn, lost=True).index]
        seen, found = set(wave), dict[str, None]()
        everyone = self._subjects.all
        while wave and len(found) < MOST_PEOPLE:
            after = []
            for index in wave:
                for step in self._questions.steps.into.get(index, ()):
                    source = everyone[step.source.index]
                    if source.index in seen:
                        continue
                    seen.add(source.index)
                    after.append(source.index)
                    address = ""
                    if source.kind == "Person":
                        address = self._inventory.people[source.key].user.address
                    elif source.kind == "User":
                        address = self.address(self._inventory.users[source.key])
                    if address:
                        found[address] = None
            wave = after
        return tuple(found)[:MOST_PEOPLE]

    # -- people or workloads

    @cached_property
    def _people_become(self) -> set[int]:
        """Sessions that some person, or user with a password, can get."""
        out = self._questions.steps.out
        wave = [
            subject.index
            for subject in self._subjects.all
            if subject.kind == "Person" or (subject.kind == "User" and self.is_human(subject.key))
        ]
        seen: set[int] = set()
        while wave:
            wave = [step.target.index for index in wave for step in out.get(index, ())]
            wave = [index for index in dict.fromkeys(wave) if index not in seen]
            seen.update(wave)
        return seen

    def is_human(self, arn: str) -> bool | None:
        """Whether a user is a person: one with a password or an address is, one with keys alone is not."""
        user = self._inventory.users.get(arn)
        if user is None:
            return None
        if user.password or self.address(user):
            return True
        return None if user.password is None else False

    def human(self, held: Held) -> bool | None:
        """Whether people, rather than workloads, have the entitlement; ``None``: not known."""
        if held.kind in ("assignment", "directory-membership", "password"):
            return True
        if held.principal_kind in ("service", "provider"):
            return False
        if held.principal in (ANONYMOUS, UNKNOWN) or held.principal_kind == "account":
            return None
        if held.principal_kind == "group":
            kinds = {self.is_human(user.arn) for user in self._inventory.data.users if held.holder in user.groups}
            return kinds.pop() if len(kinds) == 1 else True if True in kinds else None
        if held.principal in self._inventory.users:
            return self.is_human(held.principal)
        return self._role_is_human(held.principal)

    def _role_is_human(self, arn: str) -> bool | None:
        if arn not in self._inventory.roles:
            return None
        indexes = {self._subjects.by_key[arn].index, self._subjects.session(arn, lost=True).index}
        into = [step for index in indexes for step in self._questions.steps.into.get(index, ())]
        if any(step.source.kind in ("Service", "Provider") for step in into):
            return False
        return True if indexes & self._people_become else None
