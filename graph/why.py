"""Why access differs between two snapshots: the changes without which it would not.

Only changes of what an answer hangs on can explain it: the principal, the roles on the way, the resource and their
accounts. Where several changed, the answer is asked of the new snapshot with each of them undone. What puts it back, or
nearer to what it was, explains it. Where nothing alone does, because several changes each would have done, the old
snapshot is asked with each of them made.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

import msgspec

from graph.causes import Cause, cause, headlines, unknown_in
from graph.closure import Chain, Chains, joined
from graph.facts import ABSENT, Facts, Piece, merged
from graph.own_facts import Key
from graph.remade import inventory_of
from graph.sides import condition, unplaced
from graph.subjects import Subject, mentions_mfa
from graph.world import World
from model.arn import account_of
from model.entities import Resource
from model.inventory import Inventory
from policy.document import Parsed
from policy.request import Principal
from policy.verdicts import Verdict

#: Above so many changes each is not tried alone.
MOST_CHANGES = 24

#: So many answers are asked of mixtures of two snapshots for one comparison; then every change that touches stands.
MOST_ANSWERS = 20_000

#: So many answers to where somebody comes to are kept.
_MOST_REACHES = 1024


@dataclass(frozen=True)
class Asked:
    """An answer that differs: who asks what, the ways to it in both snapshots, and what it is about.

    ``container`` is the ARN of the collected resource, empty for none; ``account`` where the request is decided.
    ``stranger`` is the node kind of a principal that nobody collects, which is there whoever names it.
    """

    principal: str
    action: str
    resource: str
    container: str
    account: str
    ways: tuple[tuple[str, ...], tuple[str, ...]]
    stranger: str = ""


@dataclass(frozen=True)
class Explanation:
    """``unknown``: what was not collected explains it, so that it may be no difference at all."""

    causes: tuple[Cause, ...]
    unknown: bool


@dataclass(frozen=True, order=True)
class _Score:
    """How good access is: rank 0 Allowed, 1 Conditional, 2 none; and under which condition."""

    rank: int
    condition: str = ""


class _Reach(NamedTuple):
    """A world of mixed facts, who asks in it, and where they come to."""

    world: World
    subject: Subject
    chains: Chains


class Explainer:
    """Explains differences between two snapshots."""

    def __init__(self, old: Inventory, new: Inventory) -> None:
        self._both = (old, new)
        self._facts = Facts(old, new)
        self._texts: dict[int, tuple[Piece, str]] = {}
        self._known: dict[Asked, Explanation] = {}
        self._documents: Parsed = {}
        self._reaches: dict[Hashable, _Reach | None] = {}
        self.answers = 0
        """How many answers were asked of mixtures."""

    def explain(self, asked: Asked) -> Explanation:
        """What explains a difference; no cause: nothing that is known to decide it changed."""
        found = self._known.get(asked)
        if found is None:
            found = self._known[asked] = self._explain(asked)
        return found

    def _explain(self, asked: Asked) -> Explanation:
        pieces = self._pieces(asked)
        changes = self._changes(asked, pieces)
        whole = merged(pieces)
        gaps = {key: side for key in changes for side in (0, 1) if self._is_gap(key, whole, side)}
        if len(gaps) == len(changes) or len(changes) == 1 or len(changes) > MOST_CHANGES:
            known = [key for key in changes if key not in gaps]
            if len(changes) > 1 and not known:
                known = self._guilty(asked, whole, changes, whole.old, whole.new)
            return self._said(known or changes, whole, unknown=bool(gaps) and len(gaps) == len(changes))
        if not gaps:
            return self._said(self._guilty(asked, whole, changes, whole.old, whole.new), whole, unknown=False)
        return self._beside_gaps(asked, whole, changes, gaps)

    def _beside_gaps(self, asked: Asked, whole: Piece, changes: list[Key], gaps: dict[Key, int]) -> Explanation:
        """Where something was not collected and something else changed: what remains were both known alike."""
        old = _exchanged(whole.old, whole.new, [key for key, side in gaps.items() if side == 0])
        new = _exchanged(whole.new, whole.old, [key for key, side in gaps.items() if side == 1])
        scores = [self._score(asked, facts, whole) for facts in (whole.old, whole.new, old, new)]
        unknown = scores[2] == scores[3] or _kind(scores[0], scores[1]) != _kind(scores[2], scores[3])
        if unknown:
            return self._said(self._guilty(asked, whole, list(gaps), whole.old, whole.new), whole, unknown=True)
        known = [key for key in changes if key not in gaps]
        return self._said(self._guilty(asked, whole, known, old, new), whole, unknown=False)

    def _said(self, keys: Iterable[Key], whole: Piece, *, unknown: bool) -> Explanation:
        causes = [cause(key, whole.old.get(key, ABSENT), whole.new.get(key, ABSENT)) for key in keys]
        found = headlines(causes)
        return Explanation(tuple(replace(item, how="unread") for item in found) if unknown else found, unknown)

    def _is_gap(self, key: Key, whole: Piece, side: int) -> bool:
        facts = (whole.old, whole.new)
        return unknown_in(key, facts[side], facts[1 - side], self._both[side])

    # -- what changed of what it hangs on

    def _pieces(self, asked: Asked) -> list[Piece]:
        facts = self._facts
        roles = dict.fromkeys((*asked.ways[0], *asked.ways[1]))
        pieces = [facts.principal(key) for key in dict.fromkeys((asked.principal, *roles))]
        pieces += [facts.resource(arn) for arn in dict.fromkeys((*roles, asked.container)) if arn]
        pieces.append(facts.trust(asked.container))
        accounts = [account_of(key) for key in (asked.principal, *roles)] + [asked.account]
        pieces += [facts.account(id) for id in dict.fromkeys(accounts) if id]
        return [facts.everywhere, *pieces]

    def _changes(self, asked: Asked, pieces: list[Piece]) -> list[Key]:
        found: dict[Key, None] = {}
        for piece in pieces:
            found.update(dict.fromkeys(piece.differing))
        roles = {role for way in asked.ways for role in way}
        return [key for key in found if self._may_matter(key, pieces, roles)]

    def _may_matter(self, key: Key, pieces: list[Piece], roles: set[str]) -> bool:
        """Whether a change can matter at all: a tag that nothing reads does not, nor an assignment of another role."""
        if key[0] == "tag":
            return any(key[3].lower() in self._text(piece) for piece in pieces)
        if key[0] == "time":
            return any(word in self._text(piece) for piece in pieces for word in ("currenttime", "epochtime"))
        if key[0] == "regions":
            return False
        if key[0] == "entitlement":
            return key[2] in roles
        if key[0] == "unread-set":
            return any(self._made_from(role, key[1]) for role in roles)
        if key[0] == "assignment":
            opened = set()
            for inventory in self._both:
                permission_set, _, rest = key[1].partition("@")
                role = inventory.permission_set_role(rest.partition("#")[0], permission_set)
                opened |= {role.arn} if role is not None else set()
            return not roles.isdisjoint(opened)
        return True

    def _made_from(self, role: str, permission_set: str) -> bool:
        """Whether a role is a permission set's in one of the snapshots."""
        for inventory in self._both:
            found = inventory.roles.get(role)
            made = found and inventory.permission_set_role(found.account, permission_set)
            if made is not None and made.arn == role:
                return True
        return False

    def _text(self, piece: Piece) -> str:
        """Everything that a piece says, in lower case."""
        found = self._texts.get(id(piece))
        if found is None:
            values = [*piece.old.values(), *piece.new.values(), *piece.context.values()]
            found = self._texts[id(piece)] = (piece, msgspec.json.encode(values).decode().lower())
        return found[1]

    # -- asked of mixtures

    def _guilty(
        self, asked: Asked, whole: Piece, changes: list[Key], old: dict[Key, object], new: dict[Key, object]
    ) -> list[Key]:
        """Those of the changes that make the difference between two sets of facts."""
        if len(changes) < 2 or len(changes) > MOST_CHANGES or self.answers > MOST_ANSWERS:
            return changes
        was, now = self._score(asked, old, whole), self._score(asked, new, whole)
        if was == now:  # not seen here; but no two snapshots are of one time
            return [key for key in changes if key[0] != "time"] or changes
        found = [
            key for key in changes if _nearer(self._score(asked, _exchanged(new, old, [key]), whole), now, was)
        ] or [key for key in changes if _nearer(self._score(asked, _exchanged(old, new, [key]), whole), was, now)]
        return found or changes

    def _score(self, asked: Asked, facts: dict[Key, object], whole: Piece) -> _Score:
        """The best way to the action by what these facts say, over the principals and roles that they know."""
        if asked.container and ("resource", asked.container) not in facts:
            return _Score(2)  # what is not there nobody has
        self.answers += 1
        around = _around(asked, facts)
        found = self._come_to(asked, around, whole)
        if found is None:
            return _Score(2)
        world, subject, chains = found
        decider = world.decider if around is facts else self._made(facts, whole).decider
        best = _Score(2)
        ends = [(index, world.subjects.all[index]) for index in chains.shortest]
        if subject.caller is not None and subject.kind != "Provider":
            ends.append((subject.index, subject))
        for index, end in ends:
            if asked.resource == "*" and end.account != asked.account:
                continue  # a request that names no resource is one in the caller's account
            outcome = decider.decide_alone(end, asked.action, asked.resource)
            if not outcome.can:
                continue
            chain = Chain() if end is subject else chains.best(index, allowed=outcome.rank == 0)
            if chain.certain and outcome.verdict is Verdict.ALLOWED:
                return _Score(0)
            best = min(best, _Score(1, condition(joined(chain, unplaced(outcome.residual)))))
        return best

    def _come_to(self, asked: Asked, facts: dict[Key, object], whole: Piece) -> _Reach | None:
        """Where these facts let somebody come to; resources that say nothing of that share the answer."""
        # Facts are kept as long as this is: each has one number. What surrounds them follows from who and where.
        key = (asked.principal, asked.account, asked.ways, frozenset((one, id(fact)) for one, fact in facts.items()))
        if key not in self._reaches:
            if len(self._reaches) == _MOST_REACHES:
                self._reaches.clear()
            world = self._made(facts, whole)
            subject = world.subjects.by_key.get(asked.principal) or _stranger(world, asked)
            found = None
            if subject is not None:
                found = _Reach(world, subject, world.steps.forward(subject, world.assuming.first_steps(subject)))
            self._reaches[key] = found
        return self._reaches[key]

    def _made(self, facts: dict[Key, object], whole: Piece) -> World:
        made = inventory_of(facts, whole.context, self._both[1].data.snapshot)
        return World(made, documents=self._documents)


def _around(asked: Asked, facts: dict[Key, object]) -> dict[Key, object]:
    """The facts without those of the resource that is asked about, where these have no say in where anybody comes to:
    it is no identity, lists nobody and does not tell sessions with MFA from others."""
    container = asked.container
    if not container or asked.stranger or container.split(":", 3)[2] == "iam":
        return facts
    own = {key for key in facts if container in key[1:3]}
    policies = (fact.policy if isinstance(fact, Resource) else fact for key in own if (fact := facts[key]))
    if any(isinstance(policy, str) and mentions_mfa(policy) for policy in policies):
        return facts
    return {key: fact for key, fact in facts.items() if key not in own}


def _stranger(world: World, asked: Asked) -> Subject | None:
    """Somebody from outside whom none of the few things here names."""
    if not asked.stranger:
        return None
    principal = Principal.parse(asked.principal.removeprefix("account:"))
    caller = world.assembler.caller(principal)
    return Subject(-1, asked.principal, asked.stranger, caller, account=principal.account or "")


def _exchanged(facts: dict[Key, object], others: dict[Key, object], keys: Iterable[Key]) -> dict[Key, object]:
    """Facts with some of them as others say them."""
    found = dict(facts)
    for key in keys:
        if key in others:
            found[key] = others[key]
        else:
            found.pop(key, None)
    return found


def _nearer(score: _Score, at: _Score, to: _Score) -> bool:
    """Whether ``score`` lies from ``at`` in the direction of ``to``."""
    if at.rank == to.rank:
        return score != at
    return (score.rank - at.rank) * (to.rank - at.rank) > 0


def _kind(old: _Score, new: _Score) -> str:
    if old.rank == 2 or new.rank == 2:
        return "gained" if new.rank < old.rank else "lost" if old.rank < new.rank else "same"
    return "changed"
