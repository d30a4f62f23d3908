"""The ground on which subjects are decided about: units, the policies on them, and what else tells them apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from graph.account_policies import AccountPolicies, policy_of
from graph.bits import bits_of, images, members
from graph.contents import NOWHERE
from graph.felt import Statements
from graph.reading import REGION
from graph.subjects import mentions_mfa
from graph.told import NO_WHERE, NOTHING, Told
from graph.units import Unit, Units
from model.entities import Resource
from policy.aim import Aim
from policy.assemble import Assembler
from policy.conditions import Condition
from policy.context import OF_ACCOUNT, Caller, of_account, requested_region
from policy.context_values import ContextValue, Unknown
from policy.expression import TRUE
from policy.s3 import is_public
from policy.targets import Place


class Ground:
    """Some units of one account; ``places`` are the places of its resources.

    ``lent``: they may be of several accounts that are alike (``graph.lent_ground``), for principals of others alone;
    ``assemblers`` are then those that know each account's own resources.
    """

    def __init__(
        self,
        assembler: Assembler,
        account: str,
        resources: Sequence[Resource],
        places: Mapping[str, Place],
        units: Iterable[Unit],
        *,
        assemblers: Mapping[str, Assembler] | None = None,
    ) -> None:
        self.account = account
        self.lent = assemblers is not None
        self._assembler = assembler
        self._assemblers = assemblers or {}
        self._resources = resources
        self._places = places
        self._values: dict[str, list[int]] = {}
        self._bases: dict[bool, list[int]] = {}
        self._at: dict[int, Place] = {}
        self._where: dict[Condition, int] = {}
        self.units = Units(units)
        #: The units divided by what conditions, the same whoever asks, say of a key (``graph.reading``).
        self.divided: dict[tuple[str, tuple[Condition | None, ...]], list[int]] = {}
        self._indexed: dict[str, _Values] = {}
        #: What documents say on these units.
        self.statements = Statements(self.units)
        #: Units with an action that needs no Allow.
        self.always = bits_of(place for place, unit in enumerate(self.units.all) if unit.actions.free)
        self.policies = AccountPolicies(self.assembler_of, self.units, resources)
        #: Units where anybody who may ask at all may have access, whatever the documents that were read say.
        special = self.units.grouped(lambda container: container is not None and self._special(container))
        self.anyhow = self.policies.unread | special.get(True, 0)

    @cached_property
    def shares_ask_mfa(self) -> bool:
        """Whether a permission of AWS RAM asks about MFA: its statements are looked at where they are decided about."""
        several = (share.permissions or () for share in self._assembler.inventory.data.shares)
        return any(mentions_mfa(one.template or "") for permissions in several for one in permissions)

    def assembler_of(self, resource: Resource) -> Assembler:
        """Who knows what belongs to a resource."""
        return self._assemblers.get(resource.account, self._assembler)

    def bases(self, *, inside: bool) -> list[int]:
        """Groups of units that nothing tells apart but documents, tags and region, for askers of the account or not."""
        found = self._bases.get(inside)
        if found is None:
            groups: defaultdict[Hashable, list[int]] = defaultdict(list)
            for place, unit in enumerate(self.units.all):
                kind = "*" if unit.container is None else unit.container.type
                groups[unit.actions, kind, self.settings_of(place, inside=inside)].append(place)
            found = self._bases[inside] = [bits_of(places) for places in groups.values()]
        return found

    def settings_of(self, place: int, *, inside: bool) -> Hashable:
        """What services look at beside policies, of the unit with this place: equal where nothing else is."""
        container = self.units.all[place].container
        return None if container is None else self._settings[container.arn][0 if inside else 1]

    @cached_property
    def _settings(self) -> dict[str, tuple[int, int]]:
        numbers: dict[Hashable, int] = {}
        found = {}
        for resource in self._resources:
            general = self._settings_of(resource)
            # Block Public Access keeps nobody of the account out, and its ACL says nothing new to them (semantics L7).
            others = (self._of_bucket(resource), self._public(resource), general)
            both = numbers.setdefault(general, len(numbers)), numbers.setdefault(others, len(numbers))
            found[resource.arn] = both
        return found

    def _of_bucket(self, container: Resource) -> Hashable:
        """What S3 looks at beside the policy of a bucket; the names of documents aside."""
        if container.s3 is None:
            return None
        settings = self.assembler_of(container).settings(self._places[container.arn])
        return container.s3.abac, replace(settings, bpa_document="", acl_document="")

    def _public(self, container: Resource) -> bool:
        """Whether the policy of a bucket is public as a whole, which Block Public Access goes by."""
        ref, _ = policy_of(self.assembler_of(container), container)
        document = None if ref is None or container.type != "s3:bucket" else ref.document
        return document is not None and any(map(is_public, document.statements))

    def _settings_of(self, container: Resource) -> Hashable:
        ref, _ = policy_of(self.assembler_of(container), container)
        unread = ref is not None and ref.document is None
        own = container.arn if unread or container.grants is None or self._special(container) else ""
        return container.key_manager == "AWS", self._places[container.arn].target.without_points, own

    @cached_property
    def regions(self) -> list[tuple[ContextValue, int]]:
        """The units in groups by the region that a request on them is made in, as conditions read it."""
        return list(self.units.grouped(self._region).items())

    def _region(self, container: Resource | None) -> ContextValue:
        region = requested_region(NOWHERE if container is None else self._places[container.arn].target, "")
        return Unknown("environment") if region is None else (region,)

    def _of_account(self, key: str, container: Resource | None) -> ContextValue:
        """What requests on a resource have for a key of its account (``policy.context``)."""
        value = of_account(key, NOWHERE if container is None else self._places[container.arn].target)
        return Unknown("environment") if value is None else value

    def _special(self, container: Resource) -> bool:
        """Whether shares of AWS RAM or an ACL may give access here."""
        place = self._places[container.arn]
        if self.assembler_of(container).shares.concern(place.target):
            return True
        own = container.s3
        if container.type != "s3:bucket" or own is None or own.ownership == "BucketOwnerEnforced":
            return False
        return own.acl is None or any(grant.grantee != own.owner for grant in own.acl)

    def values_of(self, key: str) -> list[tuple[ContextValue, bool, int]]:
        """As ``Units.tagged``, of the region, something of the account, or a tag by its key in requests."""
        if key == REGION:
            return [(region, True, units) for region, units in self.regions]
        if key in OF_ACCOUNT:
            groups = self.units.grouped(lambda container: self._of_account(key, container))
            return [(value, True, units) for value, units in groups.items()]
        return self.units.tagged(key.partition("/")[2])

    def values_beside(self, key: str, named: frozenset[str]) -> Iterator[tuple[ContextValue, bool, int]]:
        """As ``values_of``, for what tells these texts from one another and from all others: one text that is none of
        them stands for all others."""
        index = self._indexed.get(key)
        if index is None:
            index = self._indexed[key] = _Values(self.values_of(key))
        return index.beside(named)

    def units_where(self, condition: Condition) -> int:
        """The units whose region makes a condition on it true, whoever asks; it has no variables."""
        found = self._where.get(condition)
        if found is None:
            found = 0
            for region, units in self.regions:
                if condition.truth(Told(NOTHING, REGION, region), NO_WHERE) is TRUE:
                    found |= units
            self._where[condition] = found
        return found

    def aim(self, caller: Caller, place: int) -> Aim:
        """A caller aimed at the unit with this place."""
        unit = self.units.all[place]
        assembler = self._assembler if unit.container is None else self.assembler_of(unit.container)
        at = self._at.get(place)
        if at is None:
            at = assembler.place(unit.arn, "", caller.principal.account)
            if unit.container is not None and at.point is None:  # of others it hangs on the caller
                self._at[place] = at
        return assembler.aim_at(caller, at, unit.arn)

    def value_at(self, key: str, place: int) -> int:
        """The number of the value of a key (region, or a tag) that the unit of a place has."""
        found = self._values.get(key)
        if found is None:
            found = self._values[key] = [0] * len(self.units.all)
            for number, (_, _, units) in enumerate(self.values_of(key)):
                for one in members(units):
                    found[one] = number
        return found[place]

    def classes_in(self, bits: int, number: NDArray[np.int64]) -> int:
        """The classes of a set of units, as a set; ``number``: of each unit its class."""
        return images(bits, number)


class _Values:
    """The units by what they have of one key: (value, whether it counts, units)."""

    def __init__(self, values: Iterable[tuple[ContextValue, bool, int]]) -> None:
        self._special: list[tuple[ContextValue, bool, int]] = []
        self._texts: defaultdict[str, list[tuple[bool, int]]] = defaultdict(list)
        self._with_text: defaultdict[bool, int] = defaultdict(int)
        for value, counts, units in values:
            if isinstance(value, tuple) and len(value) == 1:
                self._texts[value[0]].append((counts, units))
                self._with_text[counts] |= units
            else:
                self._special.append((value, counts, units))

    def beside(self, named: frozenset[str]) -> Iterator[tuple[ContextValue, bool, int]]:
        """See ``Ground.values_beside``."""
        yield from self._special
        others = dict(self._with_text)
        for text in sorted(named & self._texts.keys()):  # in one order in every process
            for counts, units in self._texts[text]:
                yield (text,), counts, units
                others[counts] &= ~units
        other = "other"
        while other in named:
            other += "s"
        for counts, units in others.items():
            if units:
                yield (other,), counts, units
