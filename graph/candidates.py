"""Who could have access to a resource at all: the index that keeps decisions from being made for every pair."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from graph.keeping import Recent
from graph.naming import NOBODY, STRANGER, Name, Named, SubjectIndex, grantee, named_by
from graph.subjects import ANONYMOUS, Subject, Subjects
from graph.told import NO_WHERE, NOTHING, Told
from policy.assemble import Assembler
from policy.document import Document
from policy.expression import FALSE
from policy.s3 import LOG_DELIVERY, LOG_DELIVERY_GROUP, PUBLIC_GROUPS, acl_actions
from policy.targets import Place

#: So many sets of names are kept with whom they name.
_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Beyond:
    """Who beyond a resource's own account could reach it: these subjects by index; ``everyone``: every principal of
    the organisation, and anybody unsigned.

    ``names`` are those by which subjects are among them, whether somebody has them or not. ``unnamed``: others are too,
    those of accounts whose canonical id is not known.
    """

    named: Mapping[int, Subject] = field(default_factory=dict)
    everyone: bool = False
    names: frozenset[Name] = frozenset()
    unnamed: bool = False

    def __bool__(self) -> bool:
        return self.everyone or bool(self.named)


class Candidates:
    """Subjects by the resource they could reach directly."""

    def __init__(self, assembler: Assembler, subjects: Subjects) -> None:
        self._assembler = assembler
        self._subjects = subjects
        self._whom: Recent[tuple[frozenset[Name], str], Mapping[int, Subject]] = Recent(_KEPT)

    def of(self, arn: str, account: str) -> Iterator[Subject]:
        """Subjects for whom a decision on ``arn``, in ``account``, is not denied from the start.

        Another account's principals need the resource's policy (L4); services, outsiders and anonymous callers have
        nothing but it.
        """
        beyond = self.beyond(self._assembler.place(arn, "", account))
        found = {subject.index: subject for subject in self.inside(account)}
        found.update(beyond.named)
        if beyond.everyone:
            found.update((subject.index, subject) for subject in self.anybody)
        return (found[index] for index in sorted(found))

    def inside(self, account: str) -> list[Subject]:
        """The subjects of an account that ask for themselves: providers act through roles alone."""
        return self._by_account.get(account, [])

    @cached_property
    def _by_account(self) -> Mapping[str, list[Subject]]:
        found: defaultdict[str, list[Subject]] = defaultdict(list)
        for subject in self._subjects.deciding():
            if subject.account and subject.kind != "Provider":
                found[subject.account].append(subject)
        return found

    @cached_property
    def anybody(self) -> list[Subject]:
        """Whom "everybody" means: whoever is listed, and the unsigned. Providers act through roles alone."""
        return [subject for subject in self._subjects.deciding() if subject.kind != "Provider"]

    @cached_property
    def _index(self) -> SubjectIndex:
        return SubjectIndex(self._subjects.deciding())

    def beyond(self, place: Place) -> Beyond:
        """Whom the policy, the shares and the ACL of a resource could let in from elsewhere."""
        parts = [self._by_policy(place), self._by_shares(place), self._by_acl(place)]
        several = [part.named for part in parts if part.named]
        # A policy that lets in an account names thousands, as those of a hundred other resources do.
        named = several[0] if len(several) == 1 else {index: one for some in several for index, one in some.items()}
        names = frozenset().union(*(part.names for part in parts))
        return Beyond(named, any(part.everyone for part in parts), names, any(part.unnamed for part in parts))

    def _by_policy(self, place: Place) -> Beyond:
        container = place.container
        if container is None:
            return Beyond()
        if container.type == "iam:role":
            role = self._assembler.inventory.roles.get(container.arn)
            ref = self._assembler.ref(f"{container.arn}#trust", role.trust) if role else None
        else:
            ref = self._assembler.resource_policy(place, "")
        granted = NOBODY if container.grants is not None else Named(frozenset(), everyone=True)
        for principal in container.granted_to:
            granted |= grantee(principal)
        if ref is None:
            return self._named(granted, container.account)
        if ref.document is None:  # it may name anybody; whom a grant names needs no Allow of its own (L7)
            return replace(self._named(granted, container.account), everyone=True)
        whom = named_by(ref.document) | granted
        found = self._named(whom, container.account)
        if not found.everyone or granted.everyone or self.serves_members(ref.document):
            return found
        # Everybody, but for a condition that no principal of the organisation meets: others may, and the unsigned.
        others = {one.index: one for one in (*self._subjects.strangers, self._subjects.by_key[ANONYMOUS])}
        return Beyond({**found.named, **others}, names=found.names | {STRANGER})

    def serves_members(self, document: Document) -> bool:
        """Whether a document's grants to everybody may be for principals of the organisation, as far as conditions on
        the organisation itself tell."""
        organization = self._assembler.inventory.organization
        if organization is None or not organization.id:
            return True
        context = Told(NOTHING, "aws:principalorgid", (organization.id,))
        for statement in document.statements:
            if not statement.lets_in_anybody:
                continue
            conditions = [one for one in statement.conditions if one.key == "aws:principalorgid"]
            if not any(one.truth(context, NO_WHERE) is FALSE for one in conditions):
                return True
        return False

    def _by_shares(self, place: Place) -> Beyond:
        """Whom AWS RAM may let at a resource (semantics L16)."""
        shares = self._assembler.shares
        if not shares.concern(place.target):
            return Beyond()
        keys = shares.names(place.target)
        names = {("account", key.removeprefix("account:")) if key.startswith("account:") else key for key in keys}
        return self._named(Named(frozenset(names), everyone=True), place.target.account)

    def _by_acl(self, place: Place) -> Beyond:
        """Whom the ACL of a bucket could reach (semantics L7)."""
        settings = self._assembler.settings(place)
        acl = settings.acl if acl_actions(settings) else ()
        if acl == ():
            return Beyond()
        if acl is None or any(grant.grantee in PUBLIC_GROUPS for grant in acl):
            return Beyond(everyone=True)
        names: set[Name] = {("account", grant.account) for grant in acl if grant.account is not None}
        if any(grant.grantee == LOG_DELIVERY_GROUP for grant in acl):
            names.add(LOG_DELIVERY)
        found = self._named(Named(frozenset(names)), place.target.account).named
        unnamed = any(grant.account is None and grant.grantee != LOG_DELIVERY_GROUP for grant in acl)
        if unnamed:  # whose canonical id it is, only its account tells
            known = self._assembler.inventory.data.canonical_ids
            unknown = (one for one in self.anybody if one.account and one.account not in known)
            found = {**found, **{subject.index: subject for subject in unknown}}
        return Beyond(found, names=frozenset(names), unnamed=unnamed)

    def _named(self, whom: Named, owner: str) -> Beyond:
        """The subjects of other accounts than the owner's that are named; providers act through roles alone."""
        named = self._whom.of((whom.names, owner), lambda: self._having(whom.names, owner))
        return Beyond(named, whom.everyone, whom.names)

    def _having(self, names: frozenset[Name], owner: str) -> Mapping[int, Subject]:
        found = self._index.named(names)
        others = {index: one for index, one in found.items() if not owner or one.account != owner}
        return {index: one for index, one in others.items() if one.kind != "Provider"}
