"""What an entitlement gives: the access it contributes, and what of it something else gives as well.

Access is held per resource class as two sets of actions, those that are allowed and those that can be done under some
condition (the allowed ones included). What goes with an entitlement is what has a worse verdict without it. Policies
are decided again without the policy, statement or grant, but only where ``because`` names it; what roles give is
compared by the sessions that steps lead to (``reviews.holders``). Every session's own access is read once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

from graph.access import LEVELS
from graph.closure import Chain
from graph.deciding import Outcome, outcome_of
from graph.questions import Questions
from graph.resolver import Grant
from graph.steps import Step
from graph.subjects import Subject
from policy.actions import catalogue
from policy.decide import decide
from policy.inputs import Inputs, PolicyRef

#: From the documents that apply to those that are left.
Cut = Callable[[Inputs], Inputs]

#: Role sessions whose access is kept for reuse; an administrator's is some kilobytes an account.
_KEPT = 4096


@dataclass(slots=True)
class Bits:
    """Sets of actions on one class: allowed, and possible at all."""

    allowed: int = 0
    can: int = 0

    def add(self, allowed: int, can: int) -> None:
        self.allowed |= allowed
        self.can |= can


@dataclass(frozen=True, slots=True)
class Way:
    """What one chain gives on one class; ``outcomes`` are the decisions at its end, with the actions of each."""

    chain: Chain
    allowed: int
    can: int
    outcomes: tuple[tuple[int, Outcome], ...]

    @property
    def cost(self) -> tuple[int, tuple[str, ...]]:
        return len(self.chain.steps), self.chain.via


@dataclass(slots=True)
class ClassEffect:
    """The effect on one class: what is given, what of it would go, and the ways."""

    given: Bits = field(default_factory=Bits)
    lost: int = 0
    ways: list[Way] = field(default_factory=list)


Effect = dict[int, ClassEffect]


class Actions:
    """Sets of actions as integers, one numbering a resource type."""

    def __init__(self) -> None:
        self._names: defaultdict[str, list[str]] = defaultdict(list)
        self._places: defaultdict[str, dict[str, int]] = defaultdict(dict)
        self._of_level: defaultdict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(LEVELS, 0))
        self._bits: dict[tuple[str, tuple[str, ...]], int] = {}

    def bits(self, type_name: str, actions: tuple[str, ...]) -> int:
        """The set of these actions."""
        key = (type_name, actions)
        found = self._bits.get(key)
        if found is None:
            found = 0
            for action in actions:
                found |= 1 << self._place(type_name, action)
            self._bits[key] = found
        return found

    def _place(self, type_name: str, action: str) -> int:
        places = self._places[type_name]
        if action not in places:
            places[action] = len(places)
            self._names[type_name].append(action)
            for level in catalogue().levels(action):
                self._of_level[type_name][level] |= 1 << places[action]
        return places[action]

    def names(self, type_name: str, bits: int) -> tuple[str, ...]:
        """The actions of a set, sorted."""
        listed, found = self._names[type_name], []
        while bits:
            lowest = bits & -bits
            found.append(listed[lowest.bit_length() - 1])
            bits ^= lowest
        return tuple(sorted(found))

    def levels(self, type_name: str, bits: int) -> list[str]:
        """The access levels of a set of actions, Read split into metadata and data, in AWS's order."""
        return [level for level, mask in self._of_level[type_name].items() if mask & bits]


Held = dict[int, tuple[int, int, tuple[tuple[int, Outcome], ...]]]


class Effects:
    """Effects of entitlements in one build."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions
        self._tables = questions.tables
        self._world = questions.world
        self.actions = Actions()
        self.subjects = questions.world.subjects.all
        self.direct = lru_cache(maxsize=_KEPT)(self._direct)

    # -- what somebody has

    def _direct(self, subject: int) -> Held:
        """Class: (allowed, possible, the conditional and allowed decisions) of a subject's own grants."""
        found: dict[int, tuple[int, int, tuple[tuple[int, Outcome], ...]]] = {}
        for grant in self._tables.grants_of(subject):
            bits = self._bits(grant)
            allowed, can, outcomes = found.get(grant.resource_class, (0, 0, ()))
            found[grant.resource_class] = (
                allowed | (bits if grant.outcome.rank == 0 else 0),
                can | bits,
                (*outcomes, (bits, grant.outcome)),
            )
        return found

    def _bits(self, grant: Grant) -> int:
        return self.actions.bits(self._tables.classes[grant.resource_class].type, grant.actions)

    @cached_property
    def _by_policy(self) -> dict[str, list[Grant]]:
        """Grants, of anybody, by the id of the resource policy, or of the KMS grant, that they rest on; ``L7``: a KMS
        grant gives it for certain."""
        found: defaultdict[str, list[Grant]] = defaultdict(list)
        for grant in self._tables.grants_where(lambda outcome: any(map(_on_resource, outcome.because))):
            for policy in {reason["policy"] for reason in grant.outcome.because if _on_resource(reason)}:
                found[policy].append(grant)
        return found

    def resting_on(self, policy: str, statement: int) -> list[Grant]:
        """The grants that a statement of a resource's policy gives, alone or among others."""
        return [
            grant
            for grant in self._by_policy.get(policy, ())
            if any(reason["policy"] == policy and reason["statement"] == statement for reason in grant.outcome.because)
        ]

    def by_kms_grants(self, key: str) -> list[Grant]:
        """The grants on a key that some KMS grant gives."""
        container = self._world.inventory.container
        found: dict[int, Grant] = {}
        for policy, grants in self._by_policy.items():
            # Named by the rule where it gives access for certain, else by the KMS grant's own id.
            if policy != "L7" and not policy.startswith(f"{key}#grant:"):
                continue
            for grant in grants:
                held = container(self._tables.classes[grant.resource_class].representative)
                if held is not None and held.arn == key:
                    found[id(grant)] = grant
        return list(found.values())

    # -- what is left without it

    def again(self, subject: Subject, action: str, resource: str, cut: Cut) -> Outcome:
        """The decision with documents left out."""
        assert subject.caller is not None
        request, inputs = self._world.assembler.aim(subject.caller, resource, "").request(action)
        return outcome_of(subject, decide(request, cut(inputs)))

    def cut_grants(self, subject: Subject, grants: Iterable[Grant], cut: Cut | None) -> tuple[Effect, dict[int, Bits]]:
        """What the grants give directly, and what is left of them, by class; ``cut`` ``None``: all is left."""
        effect: Effect = {}
        left: dict[int, Bits] = {}
        by_class: defaultdict[int, list[Grant]] = defaultdict(list)
        for grant in grants:
            by_class[grant.resource_class].append(grant)
        for index, several in by_class.items():
            found, remains = effect[index], left[index] = ClassEffect(), Bits()
            outcomes = []
            after = self._after(subject, index, cut)
            for grant in several:
                bits = self._bits(grant)
                found.given.add(bits if grant.outcome.rank == 0 else 0, bits)
                outcomes.append((bits, grant.outcome))
                outcome = after(grant)
                remains.add(bits if outcome.rank == 0 else 0, bits if outcome.can else 0)
            found.ways.append(Way(Chain(), found.given.allowed, found.given.can, tuple(outcomes)))
        return effect, left

    def _after(self, subject: Subject, index: int, cut: Cut | None) -> Callable[[Grant], Outcome]:
        """The decision on a grant of one class without what is cut."""
        if cut is None:
            return lambda grant: grant.outcome
        assert subject.caller is not None
        aim = self._world.assembler.aim(subject.caller, self._tables.classes[index].representative, "")

        def decided(grant: Grant) -> Outcome:
            request, inputs = aim.request(grant.actions[0])
            return outcome_of(subject, decide(request, cut(inputs)))

        return decided

    # -- ways

    def ways(self, start: Subject, step: Step) -> dict[int, list[Chain]]:
        """The best chains from ``start`` by this first step: a certain one where there is one, and the shortest.

        Chains that come back to the role that starts are left out: what it loses is lost there as well.
        """
        chains = self._questions.steps.forward(start, [step])
        found: dict[int, list[Chain]] = {}
        for index, chain in chains.shortest.items():
            certain = chains.certain.get(index)
            both = [chain] if certain is None else [certain] if certain.via == chain.via else [certain, chain]
            kept = [each for each in both if start.key not in each.via]
            if kept:
                found[index] = kept
        return found

    def through(self, effect: Effect, sessions: dict[int, list[Chain]]) -> None:
        """Adds to an effect what the sessions have."""
        for session, chains in sessions.items():
            held = self.direct(session)
            for chain in chains:
                certain = chain.certain
                for index, (allowed, can, outcomes) in held.items():
                    found = effect.get(index)
                    if found is None:
                        found = effect[index] = ClassEffect()
                    given = allowed if certain else 0
                    found.given.add(given, can)
                    found.ways.append(Way(chain, given, can, outcomes))


def _on_resource(reason: dict[str, object]) -> bool:
    if reason["effect"] != "Allow":
        return False
    return reason["layer"] == "resource" or (reason["layer"] == "rule" and reason["policy"] == "L7")


def merge(into: Effect, other: Effect) -> None:
    """Adds an effect that somebody else of the same holder has."""
    for index, more in other.items():
        found = into.setdefault(index, ClassEffect())
        found.given.add(more.given.allowed, more.given.can)
        found.lost |= more.lost
        found.ways += more.ways


def without_policies(ids: Collection[str]) -> Cut:
    """Leaves identity policies out."""
    gone = frozenset(ids)

    def cut(inputs: Inputs) -> Inputs:
        return replace(inputs, identity=tuple(ref for ref in inputs.identity if ref.id not in gone))

    return cut


def with_resource_policy(policy: PolicyRef | None) -> Cut:
    """Puts another policy in the place of the resource's own."""
    return lambda inputs: replace(inputs, resource=policy)


def without_kms_grant(id: str) -> Cut:
    """Leaves one KMS grant out."""

    def cut(inputs: Inputs) -> Inputs:
        grants = inputs.settings.kms_grants
        left = None if grants is None else tuple(grant for grant in grants if grant.id != id)
        return replace(inputs, settings=replace(inputs.settings, kms_grants=left))

    return cut
