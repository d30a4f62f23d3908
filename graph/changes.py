"""Effective access that changed between two snapshots: what `reach` says of each, compared action by action.

Only principals are looked at that hold, or come to somebody who holds, something else than before; of those, only
resources on which it differs. What explains a difference is ``graph.why``'s to say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from graph.closure import Chain, Chains, joined
from graph.joints_crossed import crossed_joints, may_cross
from graph.moves import Access, Move, Way, best_by_level, best_ways, moves_between
from graph.questions import Questions
from graph.sides import Held, Identity, Joint, Side, condition, decided, held_on, joints, sides, unplaced
from graph.stored import StoredPartition
from graph.subjects import STRANGERS, Subject
from policy.request import Principal
from policy.verdicts import Verdict


@dataclass(frozen=True)
class Moved:
    """What changed for one principal on one joint; ``levels`` are the best ways to each level, before and after."""

    principal: str
    joint: Joint
    moves: tuple[Move, ...]
    levels: Mapping[str, tuple[Way | None, Way | None]]


@dataclass(frozen=True)
class _Reach:
    """Where a principal comes to in one build, and the best way to each session."""

    subject: Subject | None
    chains: Chains
    #: By session: how the way to it counts. Equal where the way is as good.
    standing: Mapping[Identity, tuple[bool, str]]


class Comparison:
    """Two builds compared. ``moved`` is the answer; ``verdict`` says how what is no access was decided."""

    def __init__(self, old: Questions, new: Questions) -> None:
        self.old, self.new = sides(old, new)
        self._joints: dict[str, list[Joint]] = {}
        self._held: dict[tuple[bool, int], list[Held]] = {}
        self._reach: tuple[str, tuple[_Reach, _Reach]] | None = None
        self._contents_of: dict[str, dict[str, list[Joint]]] = {}
        self._made: list[Joint] = []

    def side(self, *, new: bool) -> Side:
        return self.new if new else self.old

    def changed_accounts(self) -> list[str]:
        """Accounts whose direct access may differ: those whose tables are not the same to the letter.

        Tables number subjects and sets of actions; where these are not the same ones, every account may differ. Sets
        of a build that took over others go on from theirs.
        """
        old, new = (side.questions.tables for side in (self.old, self.new))
        accounts = sorted({*old.accounts, *new.accounts})
        sets = [tables.action_column for tables in (old, new)]
        common = min(map(len, sets))
        if not sets[0].slice(0, common).equals(sets[1].slice(0, common)) or old.listed() != new.listed():
            return accounts
        return [account for account in accounts if not _same_tables(old.of_account(account), new.of_account(account))]

    def joints(self, account: str) -> list[Joint]:
        found = self._joints.get(account)
        if found is None:
            found = self._joints[account] = list(joints(self.old, self.new, account))
        return found

    def held(self, joint: Joint, *, new: bool) -> list[Held]:
        key = (new, id(joint))
        if key not in self._held:
            self._held[key] = held_on(self.side(new=new), joint, new=new)
        return self._held[key]

    # -- what differs directly

    @cached_property
    def grants(self) -> Mapping[Identity, list[Joint]]:
        """The joints on which a session's direct access differs."""
        found: defaultdict[Identity, list[Joint]] = defaultdict(list)
        for account in self.changed_accounts():
            for joint in self.joints(account):
                for identity in self._differing(joint):
                    found[identity].append(joint)
        return dict(found)

    def _differing(self, joint: Joint) -> Iterator[Identity]:
        before, after = self._contents(joint, new=False), self._contents(joint, new=True)
        for identity in before.keys() | after.keys():
            one, other = before.get(identity, set()), after.get(identity, set())
            if one != other and _by_action(one) != _by_action(other):
                yield identity

    def _contents(self, joint: Joint, *, new: bool) -> dict[Identity, set[tuple[tuple[str, ...], str]]]:
        side, everyone = self.side(new=new), self.side(new=new).world.subjects.all
        found: defaultdict[Identity, set[tuple[tuple[str, ...], str]]] = defaultdict(set)
        for held in self.held(joint, new=new):
            for identity in side.identities(everyone[held.subject]):
                found[identity].add((held.actions, side.said(held.outcome)))
        return found

    @cached_property
    def steps(self) -> frozenset[Identity]:
        """The sessions from which steps differ."""
        before, after = (_steps(side) for side in (self.old, self.new))
        return frozenset(pair[0] for pair in before.keys() | after.keys() if before.get(pair) != after.get(pair))

    # -- whom it concerns

    def principals(self) -> list[str]:
        """Everybody whose access may have changed, by key."""
        found: set[Identity] = {*self.grants, *self.steps, *((key, False) for key in self._listed_once())}
        for side in (self.old, self.new):
            wave = [subject for identity in found if (subject := side.subject(identity)) is not None]
            seen = {subject.index for subject in wave}
            while wave:
                subject = wave.pop()
                found.update(side.identities(subject))
                for step in side.steps.into.get(subject.index, ()):
                    if step.source.index not in seen:
                        seen.add(step.source.index)
                        wave.append(step.source)
        return sorted({key for key, _ in found})

    def _listed_once(self) -> set[str]:
        """Services and outsiders whom policies of one build alone name."""
        before, after = ({one.key for one in side.world.subjects.strangers} for side in (self.old, self.new))
        return before ^ after

    def stranger(self, principal: str) -> str:
        """The node kind of somebody from outside; empty for those whom a snapshot has or has not."""
        found = self.old.subject((principal, False)) or self.new.subject((principal, False))
        return found.kind if found is not None and found.kind in STRANGERS else ""

    @cached_property
    def _for_everybody(self) -> list[Joint]:
        """The joints on which what everybody has may differ: the tables of a build hold it for whom it lists."""
        kinds = (*STRANGERS, "RootUser", "Anonymous")  # nobody's own policies have a say about these
        found: dict[int, Joint] = {}
        for identity, several in self.grants.items():
            subject = self.old.subject(identity) or self.new.subject(identity)
            if subject is not None and subject.kind in kinds:
                found.update((id(joint), joint) for joint in several if joint.account != subject.account)
        return list(found.values())

    def _reaches(self, principal: str) -> tuple[_Reach, _Reach]:
        if self._reach is None or self._reach[0] != principal:
            there = [side.subject((principal, False)) for side in (self.old, self.new)]
            reaches = [
                _reach(side, one or _foreign(side, other))
                for side, one, other in zip((self.old, self.new), there, reversed(there), strict=True)
            ]
            self._reach = (principal, (reaches[0], reaches[1]))
        return self._reach[1]

    def _concerned(self, principal: str) -> list[Joint]:
        """The joints on which the principal's access may have changed, each once."""
        before, after = self._reaches(principal)
        once = -1 in (reach.subject.index for reach in (before, after) if reach.subject is not None)
        found = {id(joint): joint for joint in self._for_everybody} if once else {}
        for identity in before.standing.keys() | after.standing.keys():
            several: Iterable[Joint] = self.grants.get(identity, ())
            if before.standing.get(identity) != after.standing.get(identity):
                several = [*several, *self._everything(identity)]
            found.update((id(joint), joint) for joint in several)
        return sorted(found.values(), key=lambda joint: (joint.account, joint.pattern, joint.representative))

    def _everything(self, identity: Identity) -> Iterator[Joint]:
        """The joints on which a session holds anything, in either build."""
        for new in (False, True):
            side = self.side(new=new)
            subject = side.subject(identity)
            if subject is None:
                continue
            for account in side.accounts_of(subject):
                for joint in self.joints(account):
                    if any(held.subject == subject.index for held in self.held(joint, new=new)):
                        yield joint

    # -- what changed

    def moved(self, principal: str) -> Iterator[Moved]:
        """What changed for a principal, by joint; last those that it alone has."""
        before, after = self._reaches(principal)
        concerned = self._concerned(principal)
        for joint in [*concerned, *self._crossed(concerned, before, after)]:
            old = self._access(before, joint, new=False)
            new = self._access(after, joint, new=True)
            moves = sorted(moves_between(old, new), key=lambda move: move.actions)
            if moves:
                yield Moved(principal, joint, tuple(moves), best_by_level(old, new))

    def _crossed(self, concerned: Iterable[Joint], before: _Reach, after: _Reach) -> Iterator[Joint]:
        """The joints of a container that no two classes are."""
        if not (before.chains.shortest or after.chains.shortest):
            return
        for account, container in dict.fromkeys((one.account, one.container) for one in concerned if one.contents):
            parts = self._parts(account).get(container, [])
            if not may_cross(parts):
                continue
            held = [
                (new, place, one)
                for new, reach in ((False, before), (True, after))
                for place, joint in enumerate(parts)
                for one in self.held(joint, new=new)
                if reach.subject is not None
                and (one.subject == reach.subject.index or one.subject in reach.chains.shortest)
            ]
            for joint, both in crossed_joints(parts, held, self.side(new=True).said):
                self._made.append(joint)  # so that no other one gets its id
                self._held[False, id(joint)], self._held[True, id(joint)] = both
                yield joint

    def _parts(self, account: str) -> dict[str, list[Joint]]:
        """The joints of contents in an account, by container."""
        if account not in self._contents_of:
            found: defaultdict[str, list[Joint]] = defaultdict(list)
            for joint in self.joints(account):
                if joint.contents:
                    found[joint.container].append(joint)
            self._contents_of[account] = dict(found)
        return self._contents_of[account]

    def _access(self, reach: _Reach, joint: Joint, *, new: bool) -> Access:
        """The best way to each action on a joint."""
        ways: list[Way] = []
        subject, side = reach.subject, self.side(new=new)
        if subject is None:
            return []
        everyone = side.world.subjects.all
        direct = [] if subject.index >= 0 or not joint.there[new] else decided(side, joint, [subject])
        for held in (*self.held(joint, new=new), *direct):
            if held.subject == subject.index:
                chain = Chain()
            elif held.subject in reach.chains.shortest:
                chain = reach.chains.best(held.subject, allowed=held.outcome.rank == 0)
            else:
                continue
            certain = chain.certain and held.outcome.verdict is Verdict.ALLOWED
            cost = (0 if certain else 1, len(chain.steps), chain.via)
            text = "" if certain else condition(joined(chain, unplaced(held.outcome.residual)))
            holder = everyone[held.subject] if held.subject >= 0 else subject
            ways.append(Way(cost, text, (holder.key, holder.lost), held.actions))
        return best_ways(ways)

    def verdict(self, principal: str, joint: Joint, action: str, other: Way, *, new: bool) -> Verdict | None:
        """How an action that the principal may not do was decided; ``other`` is its way in the other build.

        ``None`` where the principal or the resource is not there. Else the decision about who has it at the end of
        that way, where the principal still comes to it, and about the principal itself where it does not.
        """
        side, reach = self.side(new=new), self._reaches(principal)[new]
        if reach.subject is None or not joint.there[new]:
            return None
        end = side.subject(other.end)
        asked = end if end is not None and end.index in reach.chains.shortest else reach.subject
        if asked.caller is None or asked.kind == "Provider":
            return Verdict.IMPLICITLY_DENIED
        outcome = side.world.decider.decide(asked, action, joint.representative)
        return Verdict.IMPLICITLY_DENIED if outcome.can else outcome.verdict


def _same_tables(old: StoredPartition | None, new: StoredPartition | None) -> bool:
    if old is None or new is None:
        return False
    return all(
        old.column(table, column).equals(new.column(table, column))
        for table, columns in _TABLES.items()
        for column in columns
    )


#: What direct access in an account is read from.
_TABLES = {
    "classes": ("pattern", "representative", "type", "account", "region", "members", "contents", "open"),
    "grants": ("holders", "content", "classes"),
    "contents": ("verdict", "residual", "certain", "related", "actions"),
    "holders": ("subjects",),
    "sets": ("classes",),
}


def _by_action(rows: Iterable[tuple[tuple[str, ...], str]]) -> dict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for actions, said in rows:
        for action in actions:
            found[action].add(said)
    return found


def _steps(side: Side) -> dict[tuple[Identity, Identity], set[str]]:
    found: defaultdict[tuple[Identity, Identity], set[str]] = defaultdict(set)
    for step in side.steps.all:
        said = side.said(step.outcome)
        for source in side.identities(step.source):
            for target in side.identities(step.target):
                found[source, target].add(said)
    return found


def _foreign(side: Side, known: Subject | None) -> Subject | None:
    """Somebody from outside, whom policies of the other snapshot name and those of this one do not.

    It is there all the same, and what policies give it without naming it (its account, anyone) is no news.
    """
    if known is None or known.caller is None or known.kind not in STRANGERS:
        return None
    caller = side.world.assembler.caller(Principal.parse(known.key.removeprefix("account:")))
    return Subject(-1, known.key, known.kind, caller, account=known.account)


def _reach(side: Side, subject: Subject | None) -> _Reach:
    if subject is None:
        return _Reach(None, Chains({}, {}), {})
    first = side.world.assuming.first_steps(subject)
    chains = side.steps.forward(subject, first)
    standing = dict.fromkeys(side.identities(subject), (True, ""))
    everyone = side.world.subjects.all
    for index, chain in chains.shortest.items():
        certain = index in chains.certain
        text = condition(joined(chains.certain[index] if certain else chain, None))
        for identity in side.identities(everyone[index]):
            standing.setdefault(identity, (certain, text))
    return _Reach(subject, chains, standing)
