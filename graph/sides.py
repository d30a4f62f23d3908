"""Two builds laid side by side: which resources are alike in both, and who holds what on them in each.

Classes of two snapshots differ. A *joint* is what is one class in the old build and one class in the new one, so that
everything decided about it is the same for all its members, in either. This module is all that the comparison reads
of tables.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, product
from typing import NamedTuple

from graph.classes import ResourceClass, pattern_of
from graph.closure import Steps
from graph.contents import CONTENTS
from graph.deciding import Outcome, Tree
from graph.globs import cells, fresh, globs_in, narrowest, shown, tested
from graph.questions import Questions
from graph.subjects import Subject
from policy.actions import catalogue

#: A principal's session in either build: its key, and whether it is the one that lost MFA.
Identity = tuple[str, bool]

#: Pairs of an old and a new pattern of one container that are looked at for what only both together tell apart.
_PAIRS = 400


class Held(NamedTuple):
    """What a subject (index) may do on a class, with one outcome."""

    subject: int
    outcome: Outcome
    actions: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Joint:
    """Resources that are alike in both builds.

    ``old`` and ``new`` are their classes; ``None`` where the build has no class for them alone. ``there`` says whether
    the resource, or the container of a part, was collected in each. ``members`` are ARNs, of a part of a container its
    pattern alone.
    """

    account: str
    pattern: str
    representative: str
    type: str
    members: tuple[str, ...]
    old: ResourceClass | None
    new: ResourceClass | None
    there: tuple[bool, bool]
    container: str = ""
    contents: bool = False
    crossed: bool = False
    """Whether it is one for some principal alone (``graph.joints_crossed``)."""

    @property
    def rest(self) -> bool:
        """Whether this is what no pattern mentions of a container's contents."""
        return self.contents and self.pattern == f"{self.container}/*"

    def covers(self, text: str) -> bool:
        """Whether the pattern of a part of some contents matches a text."""
        return all(tested(glob)(text) for glob in globs_in(self.pattern))


class Side:
    """One of the two builds."""

    def __init__(self, questions: Questions) -> None:
        self.questions = questions
        self.world = questions.world
        self.inventory = questions.world.inventory
        self.doubled = False
        """Whether the other build has two sessions of each role where this one has one."""
        self._held: dict[str, dict[int, list[Held]]] = {}
        self._keys: dict[int, tuple[Outcome, str]] = {}

    @property
    def steps(self) -> Steps:
        return self.questions.steps

    # -- what is read of the tables

    @cached_property
    def classes(self) -> dict[str, list[ResourceClass]]:
        """The classes of each account."""
        return {partition.account: list(partition.classes) for partition in self.questions.tables.partitions}

    def held(self, resource_class: ResourceClass) -> list[Held]:
        """Everybody's direct access to a class."""
        account = resource_class.account
        if account not in self._held:
            self._held[account] = self._by_class(account)
        return self._held[account].get(resource_class.index, [])

    def _by_class(self, account: str) -> dict[int, list[Held]]:
        found: defaultdict[int, list[Held]] = defaultdict(list)
        partition = self.questions.tables.of_account(account)
        if partition is None:
            return {}
        for holders, content, chosen in zip(*(column.tolist() for column in partition.grants), strict=True):
            subjects, actions = partition.holders[holders].tolist(), partition.actions_of(content)
            for place in partition.sets[chosen].tolist():
                outcome = partition.outcome(content, place)
                found[partition.start + place] += [Held(subject, outcome, actions) for subject in subjects]
        return dict(found)

    def accounts_of(self, subject: Subject) -> set[str]:
        """The accounts in which a subject has direct access to anything."""
        return {partition.account for partition in self.questions.tables.with_grants_of(subject.index)}

    # -- names that hold on both sides

    def identities(self, subject: Subject) -> tuple[Identity, ...]:
        """The sessions that a subject stands for."""
        if self.doubled and subject.is_role:
            role = self.inventory.roles.get(subject.key)
            if role is not None and role.permission_set_name is None:
                return (subject.key, False), (subject.key, True)
        return ((subject.key, subject.lost),)

    def subject(self, identity: Identity) -> Subject | None:
        """The subject of a session, ``None`` when the build has none."""
        key, lost = identity
        if key not in self.world.subjects.by_key:
            return None
        return self.world.subjects.session(key, lost=lost)

    def said(self, outcome: Outcome) -> str:
        """An outcome without its reasons: equal where access is."""
        found = self._keys.get(id(outcome))
        if found is None:
            found = (outcome, f"{outcome.verdict}|{outcome.certain}|{condition(unplaced(outcome.residual))}")
            self._keys[id(outcome)] = found
        return found[1]


def sides(old: Questions, new: Questions) -> tuple[Side, Side]:
    """Both builds, each knowing how far the other tells sessions apart."""
    both = Side(old), Side(new)
    splits = [side.world.subjects.splits_mfa for side in both]
    for side, own, other in zip(both, splits, reversed(splits), strict=True):
        side.doubled = other and not own
    return both


def condition(tree: Tree | None) -> str:
    """A residual as text that says what must hold and not where it is written: equal where the conditions are."""
    return "" if tree is None else json.dumps(_plain(tree), sort_keys=True)


def unplaced(tree: Tree | None) -> Tree | None:
    """A residual about a resource without its name: of one part of contents two builds may have decided on texts that
    are not the same."""
    if tree is None:
        return None
    for several in ("all", "any"):
        if several in tree:
            return {several: [unplaced(part) for part in tree[several]]}
    if "not" in tree:
        return {"not": unplaced(tree["not"])}
    return {name: value for name, value in tree.items() if name != "resource"} if "matches" in tree else tree


def _plain(tree: Tree) -> Tree:
    for several in ("all", "any"):
        if several in tree:
            parts = {json.dumps(_plain(part), sort_keys=True) for part in tree[several]}
            return {several: sorted(parts)}
    if "not" in tree:
        return {"not": _plain(tree["not"])}
    return {name: value for name, value in tree.items() if name not in ("layer", "policy", "sid", "statement")}


# -- joints


def joints(old: Side, new: Side, account: str) -> Iterator[Joint]:
    """The classes of an account in both builds, cut where either tells resources apart."""
    before, after = old.classes.get(account, []), new.classes.get(account, [])
    yield from _whole(before, after)
    yield from _contents(old, new, before, after)
    left, right = (next((item for item in several if item.open), None) for several in (before, after))
    either = right or left
    if either is not None:
        there = (left is not None, right is not None)
        yield Joint(account, either.pattern, either.representative, "", (either.pattern,), left, right, there)


def _whole(before: list[ResourceClass], after: list[ResourceClass]) -> Iterator[Joint]:
    by_members = [{item.members: item for item in several if item.members} for several in (before, after)]
    same = by_members[0].keys() & by_members[1].keys()
    for members in same:
        left, right = by_members[0][members], by_members[1][members]
        yield _joint(right, members, left, right)
    of: list[dict[str, ResourceClass]] = [
        {arn: item for members, item in several.items() if members not in same for arn in members}
        for several in by_members
    ]
    groups: defaultdict[tuple[ResourceClass | None, ResourceClass | None], list[str]] = defaultdict(list)
    for arn in dict.fromkeys((*of[0], *of[1])):
        groups[of[0].get(arn), of[1].get(arn)].append(arn)
    for (one, other), arns in groups.items():
        either = other or one
        assert either is not None
        yield _joint(either, tuple(arns), one, other)


def _joint(
    shape: ResourceClass, members: tuple[str, ...], left: ResourceClass | None, right: ResourceClass | None
) -> Joint:
    first = members[0]
    there = (left is not None, right is not None)
    return Joint(shape.account, pattern_of(members), first, shape.type, members, left, right, there, first)


def _contents(old: Side, new: Side, before: list[ResourceClass], after: list[ResourceClass]) -> Iterator[Joint]:
    parts = _by_container(old, before), _by_container(new, after)
    for arn in dict.fromkeys((*parts[0], *parts[1])):
        left, right = parts[0].get(arn, []), parts[1].get(arn, [])
        told = [{(item.pattern, item.representative): item for item in several} for several in (left, right)]
        if told[0].keys() == told[1].keys():
            for key, item in told[1].items():
                yield _part(item, item.pattern, item.representative, arn, told[0][key], item, (True, True))
        elif not left or not right:
            there = (arn in old.inventory.resources, arn in new.inventory.resources)
            for item in left or right:
                one, other = (item, None) if left else (None, item)
                yield _part(item, item.pattern, item.representative, arn, one, other, there)
        else:
            yield from _cut(arn, left, right)


def _part(
    shape: ResourceClass,
    pattern: str,
    text: str,
    container: str,
    left: ResourceClass | None,
    right: ResourceClass | None,
    there: tuple[bool, bool],
) -> Joint:
    return Joint(
        shape.account, pattern, text, shape.type, (pattern,), left, right, there, container=container, contents=True
    )


def _by_container(side: Side, classes: list[ResourceClass]) -> dict[str, list[ResourceClass]]:
    found: defaultdict[str, list[ResourceClass]] = defaultdict(list)
    for item in classes:
        container = side.inventory.container(item.representative) if item.contents else None
        if container is not None:
            found[container.arn].append(item)
    return dict(found)


Test = Callable[[str], object]


def _cut(arn: str, left: list[ResourceClass], right: list[ResourceClass]) -> Iterator[Joint]:
    """The parts of a container's contents that the patterns of both builds tell apart together."""
    globs = [{glob for item in several for glob in _globs(item, arn)} for several in (left, right)]
    tests: dict[str, Test] = {glob: tested(glob) for glob in globs[0] | globs[1]}
    prefix, run = arn + CONTENTS[left[0].type], fresh(list(tests))
    texts = [item.representative for item in (*right, *left)]
    for pair in islice(product(sorted(globs[0] - globs[1]), sorted(globs[1] - globs[0])), _PAIRS):
        if all(glob.startswith(prefix) for glob in pair):
            texts += [prefix + text for _, text in cells(tuple(glob[len(prefix) :] for glob in pair))]

    def matched(text: str, some: set[str]) -> frozenset[str]:
        return frozenset(glob for glob in some if tests[glob](text))

    classes: list[dict[frozenset[str], ResourceClass | None]] = [{}, {}]
    for several, some, found in zip((left, right), globs, classes, strict=True):
        for item in several:
            key = matched(item.representative, some)
            found[key] = None if key in found else item  # two that the shown patterns do not tell apart: decided anew
    seen: set[tuple[frozenset[str], frozenset[str]]] = set()
    for text in texts:
        keys = matched(text, globs[0]), matched(text, globs[1])
        if keys not in seen:
            seen.add(keys)
            label = " ∩ ".join(map(shown, narrowest(sorted(keys[0] | keys[1]), run))) or f"{arn}/*"
            yield _part(left[0], label, text, arn, classes[0].get(keys[0]), classes[1].get(keys[1]), (True, True))


def _globs(item: ResourceClass, arn: str) -> list[str]:
    return [] if item.pattern == f"{arn}/*" else globs_in(item.pattern)


def held_on(side: Side, joint: Joint, *, new: bool) -> list[Held]:
    """Everybody's direct access to a joint in one build: as it was built, or decided where no class is its own."""
    if not joint.there[new]:
        return []
    resource_class = joint.new if new else joint.old
    if resource_class is not None:
        return side.held(resource_class)
    return list(decided(side, joint, side.world.candidates.of(joint.representative, joint.account)))


def decided(side: Side, joint: Joint, subjects: Iterable[Subject]) -> Iterator[Held]:
    """Direct access to a joint, decided one by one."""
    actions = catalogue().actions_for_resource(joint.representative)
    for subject in subjects:
        for action in actions if joint.representative != "*" else ():
            outcome = side.world.decider.decide_alone(subject, action, joint.representative)
            if outcome.can:
                yield Held(subject.index, outcome, (action,))
