"""One subject in one account: the groups of units, and of actions on them, that no decision about it tells apart."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple

from graph.account_policies import Said, deciding_service
from graph.action_lists import ActionList
from graph.bits import members, refined, singled, split
from graph.contents import NOWHERE
from graph.felt import LIMIT, OWN, SIDE, Felt, Open, hangs_on_asker, means_everybody, part_of
from graph.ground import Ground
from graph.reading import REGION, Unsure, asks_mfa, divided_by_target, reads_of_target, surely_on
from graph.subjects import Subject
from graph.told import Remembering
from graph.units import Unit
from policy.aim import Aim
from policy.assemble import Assembler
from policy.context import OF_ACCOUNT, RequestContext
from policy.document import Statement
from policy.inputs import PolicyRef
from policy.request import WITHOUT_IDENTITY
from policy.s3 import acl_actions


class ActionGroup(NamedTuple):
    """Actions on a unit that one decision is for. ``alike``: groups with equal ones are decided alike, whoever of an
    account's askers they are for, and on whatever unit."""

    actions: int
    alike: object


class Seen(NamedTuple):
    """What decisions about an asker look at on a unit. ``alike``: where it is equal, the asker may do the same on the
    units, whoever of an account's askers it is; ``None``: every action is decided on by itself."""

    felt: list[Felt]
    shared: list[Felt]
    target: Hashable
    unread: bool
    by_acl: bool
    reads_tags: bool
    alike: Hashable | None


class Asker:
    """A subject with every document that decisions about it here can look at. ``units``: where it may have access."""

    def __init__(self, assembler: Assembler, ground: Ground, subject: Subject, units: int) -> None:
        assert subject.caller is not None
        self.ground = ground
        self.subject = subject
        self.caller = subject.caller
        self.principal = principal = subject.caller.principal
        self.units = units
        identity, boundary = assembler.identity(principal)
        without = principal.kind in WITHOUT_IDENTITY
        exempt = without or principal.kind == "service" or principal.service_linked
        scps = () if exempt or principal.account is None else assembler.guardrails("scp", principal.account)
        rcps = () if principal.service_linked else assembler.guardrails("rcp", ground.account)
        #: The documents of each layer.
        self._layers = (identity, boundary, *(level.policies for level in (*scps, *rcps)))
        statements = ground.statements
        self._said = said = (
            statements.of_all(0, identity),
            statements.of_all(1, boundary),
            statements.guardrails(scps, rcps),
        )
        #: Whether its own policies leave everything to others: it needs none, has none, or they were not read.
        self._has_all = without or bool(said[0].unread) or principal.kind in ("root", "account")
        self._crosses = without or ground.lent or principal.account != ground.account
        #: Keys on which each operation may have a grant of its own.
        self._granted = ground.policies.granted(subject) & units
        self._felt = [felt for ready in said for felt in ready.same if felt.units & units]
        self._heard = [one for one in ground.policies.concerning(subject) if one.units & units]
        self._kind = (
            (subject.index, subject.key) if subject.kind == "Outsider" or subject.index < 0 else None,
            principal.kind,
            principal.service_linked,
            id(ground),
            self._crosses,
            (bool(boundary), len(scps)),
            tuple([one for ready in said for one in ready.unread]),
        )
        self._alone = 0
        self._unsure = Unsure(ground.units, Remembering(RequestContext(self.caller, NOWHERE, "", assembler.now)))
        #: Denials that hold in any request of the asker, with their units: what they are about is not looked at.
        self._denials: list[tuple[int, Statement]] = []

    def before_reading(self) -> Hashable | None:
        """Askers that are equal in this have one signature; ``None``: who asks must be read for it."""
        units = self.units
        if self._granted or self.ground.anyhow & units:
            return None
        if any(one.units is None or one.units & units for ready in self._said for one in ready.open):
            return None
        heard = self._heard
        if any(one.by_name or hangs_on_asker(one.statement) for one in heard):
            return None
        said = tuple([felt.mark for felt in self._felt])
        numbers = tuple([one.number for one in heard])
        by_account = not all(means_everybody(one.statement) for one in heard)
        return self._kind, units, said, numbers, self.principal.account if by_account else None

    def read(self) -> Asker:
        """Takes in the statements of which the asker must be known: then it can be asked for all below."""
        count = len(self._felt)
        for ready in self._said:
            for one in ready.open:
                self._feel(one)
        if len(self._felt) > count:
            self._felt = self._in_order(self._felt)
        self._denials = self._sure_denials()
        for said in self._heard:
            if self._is_silent(said.statement):
                continue
            self._take(("said", said.number, self._meant(said)), said.statement, said.units, SIDE)
        return self

    def _in_order(self, several: list[Felt]) -> list[Felt]:
        """Statements as their documents follow each other, in which reasons are told: of who has them otherwise, others
        are told."""
        layers = enumerate(self._layers)
        documents = dict.fromkeys((layer, ref.id) for layer, refs in layers for ref in refs)
        order = {document: number for number, document in enumerate(documents)}
        return sorted(several, key=lambda one: (order[one.place[:2]], one.place[2]))

    def _meant(self, said: Said) -> str | None:
        """As whom a statement means the asker: it is the same of whoever has one of these."""
        if said.by_name:
            return self.subject.key
        return None if means_everybody(said.statement) else self.principal.account

    def speaks_for(self, subject: Subject, ground: Ground, units: int) -> bool:
        """Whether it has what the session without MFA of its role has, which comes next: nothing here asks about it."""
        if not subject.lost or subject.key != self.subject.key or ground is not self.ground or units != self.units:
            return False
        if self.ground.anyhow & units and self.ground.shares_ask_mfa:
            return False
        said = (one.statement for ready in self._said for one in ready.open)
        return not any(map(asks_mfa, said)) and not any(asks_mfa(one.statement) for one in self._heard)

    @property
    def signature(self) -> Hashable:
        """Askers with one signature hold the same: the same documents say the same of them, and read the same."""
        singly = (self._granted, self.subject.index) if self._granted or self.ground.anyhow & self.units else None
        return self._kind, self.units, singly, tuple([felt.mark for felt in self._felt])

    # -- units

    def groups(self) -> list[tuple[int, list[Felt]]]:
        """Groups of units that decisions about this subject cannot tell apart, where it may have access at all, each
        with the statements that are about it."""
        within = self.units & self._open_to()
        bases = self.ground.bases(inside=not self._crosses)
        groups = [(base & within, 0) for base in bases if base & within]
        # A set of units has the number 2 ** n, so that the sum of numbers tells which sets a group is in.
        places: dict[int, list[int]] = {}
        for place, one in enumerate(self._felt):
            places.setdefault(one.units, []).append(place)
        groups = refined(groups, {units: 1 << n for n, units in enumerate(places)})
        felt = [(one.statement, one.units) for one in self._felt]
        cuts = (*self._unsure.apart, *divided_by_target(self.ground, felt, self._unsure.context))
        self._alone = self._unsure.alone(felt) | self.ground.policies.alone
        for cut in (self._granted, *cuts):
            groups = split(groups, cut)
        groups = singled(groups, self._alone & within)
        of_number = list(places.values())
        about = {}
        for told in {told for _, told in groups}:
            there = sorted(place for number in members(told) for place in of_number[number])
            about[told] = [self._felt[place] for place in there]
        return [(group, about[told]) for group, told in groups]

    def _feel(self, one: Open) -> None:
        """Takes in a statement of which the asker must be known."""
        if self._is_silent(one.statement):
            return
        units = self._unsure.felt(one.statement, one.document) if one.units is None else one.units
        if units & self.units:
            self._take(one.place, one.statement, units, part_of(one.layer))

    def _is_silent(self, statement: Statement) -> bool:
        """Whether a statement is for others: it would tell apart units of which it says nothing to the asker."""
        return self.ground.statements.marks.silent(statement, self._unsure.context)

    def _sure_denials(self) -> list[tuple[int, Statement]]:
        """Of the documents without Principal: identity policies, boundary and SCPs."""
        denials = [felt for felt in self._felt if not felt.statement.allows and not felt.statement.has_principal]
        sure = ((surely_on(self.ground, one.statement, one.units, self._unsure.context), one) for one in denials)
        return [(units, one.statement) for units, one in sure if units]

    def _take(self, place: tuple[Any, ...], statement: Statement, units: int, part: str) -> None:
        context = self._unsure.context
        self._felt.append(self.ground.statements.felt(place, statement, units, part, self.subject.key, context))

    def _open_to(self) -> int:
        """The units where something may allow: own policies, the policies that may mean the subject, or the unread."""
        if self._has_all:
            return self.ground.units.everything
        found = self.ground.anyhow | self.ground.always | self._granted
        for felt in self._felt:
            if felt.part != LIMIT and felt.statement.allows:
                found |= felt.units
        return found

    # -- actions

    def seen(self, unit: Unit, place: int, felt: list[Felt], aim: Aim) -> Seen:
        """What decisions look at on a unit: the one of this place, that the statements ``felt`` are about."""
        bit = 1 << place
        # What was not read, and shares of AWS RAM, are looked up; all else that is on the unit has been heard.
        on_it = _documents_on(aim) if self.ground.anyhow & bit else []
        shared = [_felt_on(one) for ref in on_it if ref.document is not None for one in ref.document.statements]
        grants = aim.settings.kms_grants
        singly = grants is None or bool(self._granted & bit)
        unread = singly or any(ref.document is None for ref in on_it)
        by_acl = bool(acl_actions(aim.settings))
        keys = {key for one in felt for key in one.reads}
        keys.update(key for one in shared for key in one.reads)
        target = (
            self._kind,
            (unit.arn, self.subject.index, self.subject.key)
            if singly or (self._alone | self.ground.anyhow) & bit
            else "",
            self.ground.settings_of(place, inside=not self._crosses),
            tuple([(key, self.ground.value_at(key, place)) for key in sorted(keys)]) if keys else (),
            tuple(self._unsure.at(bit, felt)),
        )
        # What is shared is on units that are each decided on alone, which the target says.
        kind = "" if unit.container is None else unit.container.type
        alike = None if singly else (target, tuple([one.mark for one in felt]), id(unit.actions), kind, by_acl)
        reads_tags = any(key != REGION and key not in OF_ACCOUNT for key in keys)
        return Seen(felt, shared, target, unread, by_acl, reads_tags, alike)

    def action_groups(self, unit: Unit, place: int, aim: Aim, seen: Seen) -> list[ActionGroup]:
        """Groups of actions on a unit that decisions cannot tell apart, those that nothing could allow left out."""
        side = [one for one in seen.felt if one.part == SIDE] + seen.shared
        given = unit.actions.all if seen.unread else self._given(unit.actions, side)
        needs_none = self._has_all or bool(self._granted >> place & 1)
        allowed = self._allowed(unit, seen.felt, given, seen.by_acl, aim, needs_none=needs_none)
        allowed &= ~self._denied(unit.actions, 1 << place)
        if seen.alike is None:
            return [ActionGroup(1 << number, (seen.target, number)) for number in members(allowed)]
        statements = seen.felt + seen.shared
        divided = self._divided(unit.actions, allowed, statements, tags=seen.reads_tags, acl=seen.by_acl)
        return [ActionGroup(actions, (seen.target, told)) for actions, told in divided]

    def _divided(
        self, actions: ActionList, allowed: int, statements: list[Felt], *, tags: bool, acl: bool
    ) -> list[tuple[int, Hashable]]:
        """Actions in groups by what fixed rules read of them and by the statements about them, with both: the same for
        whoever has the same statements."""
        known = self.ground.statements.divided
        key = actions, allowed, tags, acl, tuple([felt.mark for felt in statements])
        found = known.get(key)
        if found is None:
            found = known[key] = [
                (group, (facts, matched))
                for facts, some in actions.ruled(tags=tags, acl=acl)
                if some & allowed
                for group, matched in self._matched(actions, some & allowed, statements)
            ]
        return found

    def _allowed(self, unit: Unit, mine: list[Felt], side: int, by_acl: bool, aim: Aim, *, needs_none: bool) -> int:
        """The actions that own policies, unless it needs none, and the resource's ``side`` together may allow."""
        own = unit.actions.all
        if not needs_none:
            own = self._given(unit.actions, [felt for felt in mine if felt.part == OWN])
        if by_acl:
            side |= unit.actions.by_acl
        if not self._crosses:
            return own | side | unit.actions.free
        # Elsewhere both must allow, and a policy has a say about its own service alone (L4).
        container = aim.place.container
        return own & side & unit.actions.of_service("" if container is None else deciding_service(container.type))

    def _denied(self, actions: ActionList, bit: int) -> int:
        """The actions that are denied whatever else is said; those of which the caller picks the region are left to the
        decision."""
        found = 0
        for units, statement in self._denials:
            if units & bit:
                found |= actions.about(statement)
        return found & ~actions.roaming if found else 0

    def _given(self, actions: ActionList, statements: list[Felt]) -> int:
        """The actions that statements may allow."""
        found = 0
        for felt in statements:
            if felt.statement.allows:
                found |= actions.about(felt.statement)
        return found

    def _matched(self, actions: ActionList, some: int, statements: list[Felt]) -> list[tuple[int, tuple[int, ...]]]:
        """Actions in groups by the statements that are about them, with the marks of these."""
        groups = [(some, 0)]
        matching: list[tuple[int, int]] = []
        for felt in statements:
            about = actions.about(felt.statement) & some
            if about:
                number = 1 << len(matching)
                matching.append((number, felt.mark))
                groups = split(groups, about, number)
        return [(group, tuple([mark for number, mark in matching if number & told])) for group, told in groups]


def _documents_on(aim: Aim) -> list[PolicyRef]:
    """The documents of the resource's side: its policy or trust, and shares."""
    general, trusting = aim.inputs(""), aim.inputs("sts:assumerole")
    refs = (general.resource, trusting.resource, *general.shares, *trusting.shares)
    return list({id(ref): ref for ref in refs if ref is not None}.values())


def _felt_on(statement: Statement) -> Felt:
    """A statement of what is on one unit alone."""
    return Felt(statement, 0, SIDE, -1 - id(statement), reads_of_target(statement).keys, ())
