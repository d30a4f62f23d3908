"""From an effect to what a reviewer is shown: rows, the most dangerous first, and the sentence of all of them."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from graph.classes import ResourceClass
from graph.closure import joined as joined_residual
from graph.deciding import Reason, Tree
from graph.questions import Questions
from policy.actions import catalogue
from policy.verdicts import Verdict
from reviews.effects import ClassEffect, Effect, Effects, Way
from reviews.records import Access, AccessRow
from reviews.sentences import DANGER, Deeds, Reach, deeds, doing, things
from reviews.words import Names, condition

#: Rows of an item's access that are kept; the fingerprint is over all.
MOST_ROWS = 200

#: Labels that say that a resource holds what the company must protect most, and the values that mean yes.
CROWN_JEWEL_KEYS = frozenset({"crown-jewel", "crownjewel", "crown_jewel"})
_YES = frozenset({"true", "yes", "1", ""})
#: What tells rows of one level apart: data before what only describes or serves it.
_WEIGHTS = {
    "s3:bucket/*": 0.6,
    "secretsmanager:secret": 0.6,
    "dynamodb:table": 0.5,
    "kms:key": 0.3,
    "iam:user": -0.2,
    "iam:group": -0.2,
    "iam:policy": -0.2,
    "": -0.5,
}
_SENSITIVE = frozenset({"restricted", "secret", "highly-confidential"})


def crown_jewel(tags: Mapping[str, str] | None) -> bool:
    """Whether the labels of a resource mark it as a crown jewel."""
    for key, value in (tags or {}).items():
        if key.lower() in CROWN_JEWEL_KEYS and value.lower() in _YES:
            return True
        if key.lower() in ("data-class", "classification", "data-classification") and value.lower() in _SENSITIVE:
            return True
    return False


#: Of a way to a level: 0 allowed or 1 conditional, how many roles are on it, and which.
_Cost = tuple[int, int, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Draft:
    """A row before it is put into words."""

    resource_class: ResourceClass
    levels: tuple[str, ...]
    shared: tuple[str, ...]
    verdict: Verdict
    way: Way
    actions: int
    #: Of the actions those that not everybody has anyway, and the levels that it is weighed by.
    own: int
    weighed: tuple[str, ...]
    danger: float

    @property
    def via(self) -> tuple[str, ...]:
        return self.way.chain.via

    @property
    def alone(self) -> bool:
        return len(self.shared) < len(self.levels)


@dataclass(frozen=True)
class Shown:
    """The access of an item and what its sentences are made from: rows by danger, and as reaches."""

    access: Access
    drafts: tuple[Draft, ...]
    reaches: tuple[Reach, ...]
    lost: tuple[Reach, ...]

    @property
    def top(self) -> Draft | None:
        return self.drafts[0] if self.drafts else None


class Rows:
    """Makes the rows of effects in one build."""

    def __init__(self, questions: Questions, effects: Effects, names: Names) -> None:
        self._classes = questions.tables.classes
        self._inventory = questions.world.inventory
        self._effects = effects
        self._names = names
        self._assembler = questions.world.assembler
        self._deeds: dict[tuple[str, int], Deeds] = {}
        self._everybody: dict[tuple[str, int], bool] = {}
        self._jewels: dict[int, bool] = {}

    def shown(self, effect: Effect) -> Shown:
        """The access of an effect: ``Access`` with at most ``MOST_ROWS`` rows, and its parts for sentences."""
        drafts = [draft for index in sorted(effect) for draft in self._drafts(index, effect)]
        drafts.sort(key=lambda draft: (-draft.danger, draft.resource_class.pattern, draft.via, str(draft.verdict)))
        kept = drafts[:MOST_ROWS]
        exceptions = self._exceptions(effect)
        # Of all rows, also those that are not kept: what is said to go, and how much else, is never cut short.
        reaches = tuple(self.reach(draft, exceptions) for draft in drafts)
        access = Access(
            rows=tuple(self._row(draft, exceptions, reach) for draft, reach in zip(kept, reaches, strict=False)),
            more=len(drafts) - len(kept),
            alone=sum(draft.alone for draft in drafts),
            shared=sum(not draft.alone for draft in drafts),
            fingerprint=_fingerprint(drafts),
        )
        lost = tuple(reach for reach, draft in zip(reaches, drafts, strict=True) if draft.alone)
        return Shown(access, tuple(drafts), reaches, lost)

    # -- drafts

    def _drafts(self, index: int, effect: Effect) -> list[Draft]:
        """The rows of one class: one a (verdict, way), each level with its best way."""
        found, item = effect[index], self._classes[index]
        whole = self._rest.get(index)
        if whole is not None and whole != index and whole in effect and _alike(effect[whole], found):
            return []
        best: dict[str, _Cost] = {}
        ways: dict[_Cost, Way] = {}
        for way in found.ways:
            for rank, bits in ((0, way.allowed), (1, way.can & ~way.allowed)):
                if bits:
                    cost = (rank, *way.cost)
                    ways.setdefault(cost, way)
                    for level in self._effects.actions.levels(item.type, bits):
                        if level not in best or cost < best[level]:
                            best[level] = cost
        by_way: defaultdict[_Cost, list[str]] = defaultdict(list)
        for level, cost in best.items():
            by_way[cost].append(level)
        gone = set(self._effects.actions.levels(item.type, found.lost))
        return [self._draft(item, cost[0], levels, ways[cost], gone) for cost, levels in by_way.items()]

    def _draft(self, item: ResourceClass, rank: int, levels: list[str], way: Way, gone: set[str]) -> Draft:
        ordered = tuple(level for level in DANGER if level in levels)[::-1]
        verdict = Verdict.ALLOWED if rank == 0 else Verdict.CONDITIONAL
        actions = way.allowed if rank == 0 else way.can & ~way.allowed
        shared = tuple(level for level in ordered if level not in gone)
        own = self._own(way, actions)
        weighed = self._effects.actions.levels(item.type, own or actions)
        draft = Draft(item, ordered, shared, verdict, way, actions, own, tuple(weighed), 0.0)
        return replace(draft, danger=self._danger(draft))

    def _danger(self, draft: Draft) -> float:
        """What sorts rows: the worst level, more for what is precious or data, less for what hangs on conditions."""
        item, danger = draft.resource_class, float(max(DANGER[level] for level in draft.weighed))
        if danger >= DANGER["Read:data"]:
            danger += 3 if self.precious(item.index) else 0
            danger += _WEIGHTS.get(f"{item.type}/*" if item.contents else item.type, 0.0)
        if draft.verdict is Verdict.CONDITIONAL:
            danger -= 4 if self.unread(draft) else 0.5
        return danger - (0 if draft.own else 4)

    def _own(self, way: Way, actions: int) -> int:
        """Of a row's actions those that rest on more than what everybody alike may do: see ``_for_everybody``."""
        found = 0
        for bits, outcome in way.outcomes:
            allows = [item for item in outcome.because if item["effect"] == "Allow"]
            if not allows or not all(self._for_everybody(item) for item in allows):
                found |= bits
        return found & actions

    def _for_everybody(self, item: Reason) -> bool:
        """Whether a reason holds for whoever asks: a resource's rule for everybody, an action that needs no right."""
        if item["layer"] == "rule":
            return bool(item["policy"] == "L1")
        return self._lets_in_everybody(item)

    def _lets_in_everybody(self, item: Reason) -> bool:
        if item["layer"] != "resource" or item["statement"] is None:
            return False
        key = (str(item["policy"]), int(item["statement"]))
        found = self._everybody.get(key)
        if found is None:
            resource = self._inventory.resources.get(key[0].removesuffix("#policy"))
            text = resource.policy if resource is not None else None
            document = self._assembler.ref(key[0], text).document if text else None
            element = document.statements[key[1]].principal_element if document is not None else None
            found = self._everybody[key] = element is not None and (element.everyone or element.negated)
        return found

    def unread(self, draft: Draft) -> bool:
        """Whether a row hangs on a document that nobody could read."""
        return draft.verdict is Verdict.CONDITIONAL and hangs_on_unread(self.residual(draft))

    def residual(self, draft: Draft) -> Tree | None:
        """What must hold for a row that is Conditional; rather what can be satisfied than what could not be read."""
        found: Tree | None = None
        wanted = draft.own or draft.actions
        for bits, outcome in draft.way.outcomes:
            if bits & wanted and (outcome.residual is not None or not draft.way.chain.certain):
                tree = joined_residual(draft.way.chain, outcome.residual)
                if tree is not None and not hangs_on_unread(tree):
                    return tree
                found = found or tree
        return found

    def precious(self, index: int) -> bool:
        """Whether a class of this number holds a crown jewel."""
        if index not in self._jewels:
            self._jewels[index] = self._marked(self._classes[index])
        return self._jewels[index]

    def _marked(self, item: ResourceClass) -> bool:
        for arn in (item.representative, *item.members[:50]):
            container = self._inventory.container(arn) if arn != "*" else None
            if container is not None and crown_jewel(container.tags):
                return True
        return False

    # -- contents

    @cached_property
    def _rest(self) -> dict[int, int]:
        """Class of a part of a container: the class of all its contents that no narrower pattern tells apart."""
        rest: dict[str, int] = {}
        parts: list[tuple[int, str]] = []
        for item in self._classes:
            if item.contents:
                container = self._inventory.container(item.representative)
                arn = container.arn if container is not None else item.representative
                parts.append((item.index, arn))
                if item.pattern == f"{arn}/*":
                    rest[arn] = item.index
        return {index: rest[arn] for index, arn in parts if arn in rest}

    @cached_property
    def _parts(self) -> dict[int, list[int]]:
        """Class of all contents: the classes of their parts."""
        found: defaultdict[int, list[int]] = defaultdict(list)
        for index, rest in self._rest.items():
            if index != rest:
                found[rest].append(index)
        return found

    def _exceptions(self, effect: Effect) -> frozenset[int]:
        """Classes of contents of which some part has less: "every object" would be too much said."""
        found = set()
        for index in effect:
            for part in self._parts.get(index, ()):
                less = effect[part].given.can if part in effect else 0
                if effect[index].given.can & ~less:
                    found.add(index)
                    break
        return frozenset(found)

    # -- words

    def _row(self, draft: Draft, exceptions: frozenset[int], reach: Reach) -> AccessRow:
        item = draft.resource_class
        if draft.own not in (0, draft.actions):  # the sentence leaves out what everybody may do, the row does not
            reach = self.reach(draft, exceptions, own=False)
        text = f"Can {doing(reach.deeds, things([reach]))} in {self._names.account(item.account)}"
        if reach.condition:
            text += f", only {reach.condition}"
        return AccessRow(
            resource=item.pattern,
            type=item.type,
            account=item.account,
            count=len(item.members),
            levels=draft.levels,
            shared=draft.shared,
            verdict=str(draft.verdict),
            via=draft.via,
            in_words=text + ".",
        )

    def reach(self, draft: Draft, exceptions: frozenset[int], *, own: bool = True) -> Reach:
        """A row as a part of a sentence; ``own``: without what everybody may do as well."""
        item = draft.resource_class
        type_name = f"{item.type}/*" if item.contents else item.type
        actions = (draft.own or draft.actions) if own else draft.actions
        key = (type_name, actions)
        found = self._deeds.get(key)
        if found is None:
            names = self._effects.actions.names(item.type, actions)
            found = self._deeds[key] = deeds(type_name, names, catalogue().levels)
        return Reach(
            item.account,
            type_name,
            found,
            self._objects(item, exceptions),
            max(len(item.members), 1),
            draft.danger,
            self.condition(draft),
            self._within(item) if item.contents else "",
            unread=self.unread(draft),
        )

    def _objects(self, item: ResourceClass, exceptions: frozenset[int]) -> tuple[str, ...]:
        if item.contents:
            return (self._content(item, exceptions),)
        if item.open:
            return ()
        return tuple(self._names.resource_name(arn) for arn in item.members[:3])

    def _within(self, item: ResourceClass) -> str:
        container = self._inventory.container(item.representative)
        return self._names.resource(container.arn) if container is not None else "contents"

    def _content(self, item: ResourceClass, exceptions: frozenset[int]) -> str:
        container = self._inventory.container(item.representative)
        if container is None:
            return "contents"
        what = "object" if item.type == "s3:bucket" else "index"
        narrower = [part.removeprefix(container.arn).strip("/*") for part in item.pattern.split(" ∩ ")]
        inside = " and ".join(part for part in narrower if part)
        if inside:
            return f"every {what} under {inside}"
        if item.index in exceptions:
            return "most objects" if what == "object" else "most indexes"
        return f"every {what}"

    def condition(self, draft: Draft) -> str:
        """What must hold for a row, as it follows "only"; empty where it is allowed."""
        if draft.verdict is Verdict.ALLOWED:
            return ""
        return condition(self.residual(draft), self._names) or "if the way there is open"


def hangs_on_unread(tree: Tree | None) -> bool:
    """Whether a residual cannot be satisfied whatever is chosen, unless a document that was not read allows it."""
    if tree is None:
        return False
    if "all" in tree:
        return any(hangs_on_unread(part) for part in tree["all"])
    if "any" in tree:
        return all(hangs_on_unread(part) for part in tree["any"])
    if "not" in tree:
        return hangs_on_unread(tree["not"])
    return "document" in tree and not tree["document"].startswith("account:")


def documents(tree: Tree) -> set[str]:
    """The documents that a residual hangs on."""
    if "document" in tree:
        return {str(tree["document"])}
    parts = [tree["not"]] if "not" in tree else tree.get("all") or tree.get("any") or []
    return {found for part in parts for found in documents(part)}


def _alike(whole: ClassEffect, part: ClassEffect) -> bool:
    if (whole.given.allowed, whole.given.can, whole.lost) != (part.given.allowed, part.given.can, part.lost):
        return False
    return {way.cost for way in whole.ways} == {way.cost for way in part.ways}


def _fingerprint(drafts: Sequence[Draft]) -> str:
    rows = sorted([draft.resource_class.pattern, list(draft.levels), str(draft.verdict)] for draft in drafts)
    return hashlib.sha256(json.dumps(rows, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()
