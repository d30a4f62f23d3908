"""The questions people ask: one façade over the engine's decisions, the steps between principals and the tables.

Every answer is of one snapshot, ``Questions.snapshot``. Answers are plain data in the shapes of the commands.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

from graph.assume_again import let_in, steps_again
from graph.carriers import Carried, carried
from graph.closure import Chain, Steps, joined
from graph.deciding import Outcome, Reason, Tree
from graph.deciding_gaps import deciding, matters
from graph.direct import FEDERATED, Direct
from graph.heap import keep, uncollected
from graph.lending import Lending
from graph.names import acting_subject, action_of, resource_of
from graph.steps import WITH_SAML, Step
from graph.subjects import Subject
from graph.tables import Tables
from graph.world import World
from model.arn import account_of
from model.entities import Gap
from model.load_resources import LIST_CALLS
from policy.actions import catalogue
from policy.context import NO_OVERRIDES, Overrides
from policy.verdicts import Verdict

#: The end of a chain that is the role itself.
_ITSELF = Outcome(Verdict.ALLOWED, None, (), certain=True)

#: So many sessions are decided about before the tables are asked who of them holds an action.
_FEW = 8

#: With so many steps an organisation is large: with 17,000 a look at all its objects takes a third of a second.
_MANY = 5_000


@dataclass(frozen=True, slots=True)
class Row:
    """One way somebody can: verdict, the roles on the way, what must hold, what decided (told by ``can`` alone)."""

    verdict: Verdict
    via: tuple[str, ...]
    residual: Tree | None
    because: tuple[Reason, ...]
    steps: tuple[Step, ...] = ()
    """The roles on the way as they are taken, each with its own decision; told by ``can`` alone."""
    end: Outcome | None = None
    """What the last role may do, of a chain of ``can``."""

    @property
    def cost(self) -> tuple[int, int, tuple[str, ...]]:
        """Sorts the best first: Allowed before Conditional, then the shortest way."""
        return (0 if self.verdict is Verdict.ALLOWED else 1, len(self.via), self.via)


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of ``can``: the direct request, and the best chain to each last role.

    ``step`` is the assignment through which a person's own answer is the best there is, or how a resource comes to the
    role that it carries; ``None`` for all others.
    """

    direct: Outcome
    step: Step | None
    chains: tuple[Row, ...]
    carried: Carried | None = None
    """The role of a resource that asks as it."""

    def to_json(self) -> dict[str, Any]:
        """``{verdict, because, residual, chains}``; of a resource that carries a role, ``carried`` too."""
        more = {} if self.carried is None else {"carried": self.carried.to_json()}
        return more | {
            "verdict": str(self.direct.verdict),
            "because": list(self.direct.because),
            "residual": self.direct.residual,
            "chains": [
                {
                    "via": list(row.via),
                    "verdict": str(row.verdict),
                    "residual": row.residual,
                    "because": list(row.because),
                }
                for row in self.chains
            ],
        }


class Questions:
    """Answers from one build."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.world = World(tables.inventory, tables.listed())

    @property
    def snapshot(self) -> str:
        return self.world.inventory.data.snapshot

    @cached_property
    def steps(self) -> Steps:
        """The steps that the build stored."""
        with uncollected():
            found = Steps(self.tables.steps(self.world.subjects), self.world.people)
            self.world.people.ready()
        if found.count > _MANY:
            keep()
        return found

    @cached_property
    def direct(self) -> Direct:
        """Whoever can do something by their own request."""
        return Direct(self.world, self.tables)

    @cached_property
    def lending(self) -> Lending:
        """What the accounts let others at."""
        return Lending(self.tables)

    # -- can

    def can(self, principal: str, action: str, resource: str, overrides: Overrides = NO_OVERRIDES) -> dict[str, Any]:
        """``{verdict, because, residual, chains}``: the direct request, and the best chain to each last role."""
        return self.answer(principal, action, resource, overrides).to_json()

    @uncollected()
    def answer(self, principal: str, action: str, resource: str, overrides: Overrides = NO_OVERRIDES) -> Answer:
        """The answer of ``can`` with the steps of its chains."""
        subject = acting_subject(self.world, principal)
        action, resource = action_of(action), resource_of(self.world.inventory, resource, action)
        if subject.caller is None:
            direct, step = self._through_roles(subject, action, resource, overrides)
        else:
            direct, step = self.world.decider.decide(subject, action, resource, overrides), None
        carries = carried(self.world.inventory, self.world.decider, subject.key, overrides)
        if carries is not None and step is None:
            direct = carries.outcome
        return Answer(direct, step, tuple(self._chains(subject, action, resource, overrides, direct)), carries)

    def _through_roles(
        self, person: Subject, action: str, resource: str, overrides: Overrides
    ) -> tuple[Outcome, Step | None]:
        """A person's own answer: the best over the roles assigned to them, one step; those of the resource's account
        first. So it is of a resource, with the role that it carries."""
        outcomes: list[tuple[Outcome, Step]] = []
        for step in self._first(person, overrides):
            outcome = self.world.decider.decide(step.target, action, resource, overrides)
            outcomes.append((_through(step, outcome), step))
        if all(outcome.rank for outcome, _ in outcomes):
            outcomes += self._perhaps(person, action, resource, overrides)
        if not outcomes:
            return Outcome(Verdict.IMPLICITLY_DENIED, None, (), certain=False), None
        container = None if resource == "*" else self.world.inventory.container(resource)
        account = resource.split(":", 5)[4] if container is None and resource.count(":") >= 5 else ""
        place = account if container is None else container.account
        best, step = min(outcomes, key=lambda item: (item[0].rank, item[1].target.key.split(":", 5)[4] != place))
        if best.verdict is not Verdict.CONDITIONAL:
            return best, step
        some = [outcome.residual for outcome, _ in outcomes if outcome.verdict is Verdict.CONDITIONAL]
        return Outcome(best.verdict, any_of(some), best.because, best.certain), step

    def _perhaps(
        self, person: Subject, action: str, resource: str, overrides: Overrides
    ) -> Iterator[tuple[Outcome, Step]]:
        """What a person can if it has roles that it may have by what was not read."""
        steps = self.world.unassigned.steps(person)
        listed = [step.target.index for step in steps if step.target.index >= 0]
        worth = set(self._worth_deciding(listed, action, resource, overrides))
        for step in steps:
            if step.target.index < 0 or step.target.index in worth:
                outcome = self.world.decider.decide(step.target, action, resource, overrides)
                if outcome.can:
                    yield _through(step, outcome), step

    def _first(self, subject: Subject, overrides: Overrides) -> list[Step]:
        """The first steps of somebody who acts through roles alone."""
        if subject.index < 0:
            return self.world.assuming.steps_from(subject, overrides)
        return self.world.people.under(overrides).out(subject.index)

    def _chains(self, subject: Subject, action: str, resource: str, overrides: Overrides, own: Outcome) -> list[Row]:
        """The best way through each last role, Allowed and Conditional only; through the own one where that is better:
        a session can take its role again by another name (L18)."""
        steps = self.steps
        if overrides:
            steps = steps_again(self.world, steps, overrides)
        mine = None if subject.caller is None else subject.caller.principal.role_arn
        best: dict[str, Row] = {}
        chains = steps.forward(subject, self.first_steps(subject, steps, overrides))
        for index in self._worth_deciding(chains.shortest, action, resource, overrides):
            session = self.world.subjects.all[index]
            outcome = self.world.decider.decide(session, action, resource, overrides)
            row = _chained(chains.best(index, allowed=outcome.rank == 0), outcome)
            role = session.key
            if row is None or role == subject.key or (role == mine and row.cost[0] >= own.rank):
                continue
            best[role] = min(best.get(role, row), row, key=lambda one: one.cost)
        return sorted(best.values(), key=lambda row: row.cost)

    def first_steps(self, subject: Subject, steps: Steps, overrides: Overrides = NO_OVERRIDES) -> list[Step] | None:
        """The first steps of somebody, of a person also to roles that they may have by what was not read; ``None``:
        those among ``steps`` are all there are."""
        perhaps = [step for step in self.world.unassigned.steps(subject) if step.target.index >= 0]
        if perhaps:
            return [*steps.out.get(subject.index), *perhaps]
        return self.world.assuming.first_steps(subject, overrides)

    def _worth_deciding(
        self, sessions: Collection[int], action: str, resource: str, overrides: Overrides
    ) -> Collection[int]:
        """Of sessions those for whom a decision may be no denial: somebody can come to thousands of roles, of which
        the tables say who holds the action."""
        if len(sessions) < _FEW or action not in catalogue().actions_for_resource(resource):
            return sessions
        if overrides:
            return let_in(self.world, sessions, resource, overrides)
        may = {one.index for one in self.direct.asking(action, resource)}
        return [index for index in sessions if index in may]

    # -- who-can

    @uncollected()
    def who_can(self, action: str, resource: str) -> dict[str, Any]:
        """``{resource, collected, principals, unknown}``: everybody that can, with the best way of each."""
        action, resource = action_of(action), resource_of(self.world.inventory, resource, action)
        container = self.world.inventory.container(resource)
        direct = self.direct.outcomes(action, resource)
        everyone = self.world.subjects.all
        goals = {index: outcome.rank for index, outcome in direct.items() if everyone[index].is_role}
        chains = self.steps.backward(goals)
        rows: dict[str, Row] = {}
        for index, outcome in direct.items():
            if not everyone[index].lost:
                _keep_best(rows, everyone[index].key, Row(outcome.verdict, (), outcome.residual, ()))
        for index, chain in chains.items():
            subject = everyone[index]
            if not subject.lost and chain.end is not None:
                _keep_best(rows, subject.key, _along(chain, direct[chain.end.index]))
        if action in FEDERATED:
            for key, row in self._assigned(action, resource):
                _keep_best(rows, key, row)
        else:
            decide = partial(self.world.decider.decide, action=action, resource=resource)
            for person, chain, outcome in self.world.unassigned.chains(direct, chains, decide):
                _keep_best(rows, person.key, _along(chain, outcome))
        return {
            "resource": resource,
            "collected": container is not None,
            "principals": [
                {"principal": key, "verdict": str(row.verdict), "via": list(row.via), "residual": row.residual}
                for key, row in sorted(rows.items(), key=lambda item: (item[1].cost[:2], item[0]))
            ],
            "unknown": [gap_json(gap) for gap in self._unknown_for(resource)],
        }

    def _assigned(self, action: str, resource: str) -> Iterator[tuple[str, Row]]:
        """People under AssumeRoleWithSAML: the role itself is how they come to it."""
        if action != WITH_SAML:
            return
        for session in self.world.subjects.roles():
            if session.key == resource:
                for step in self.steps.into.get(session.index, ()):
                    if step.source.kind == "Person" and step.action == WITH_SAML:
                        yield step.source.key, _along(Chain((step,)), _ITSELF)

    # -- gaps

    def _unknown_for(self, resource: str) -> list[Gap]:
        """Gaps that could change an answer about who can do something to ``resource``."""
        container = self.world.inventory.container(resource)
        arns = {resource} | ({container.arn} if container is not None else set())
        account = container.account if container is not None else account_of(resource)
        service = resource.split(":")[2] if resource.count(":") >= 5 else ""
        return [
            gap for gap in self.deciding_gaps if matters(gap, arns, account, service, collected=container is not None)
        ]

    def not_collected(self, resource: str = "") -> list[str]:
        """In words, what nobody asked AWS for although an answer about ``resource`` (empty: any) would show it.

        A source that cannot hold something, or an endpoint without it, leaves no gap; people must still be told.
        """
        skipped = {(gap.service, gap.operation) for gap in self.world.inventory.data.skipped}
        areas = {
            ("organizations", "DescribeOrganization"): "the organisation's guardrails",
            ("sso-admin", "ListInstances"): "people of Identity Center",
        }
        found = [words for call, words in areas.items() if call in skipped]
        if ("account-access", "ListApplications") in skipped and ("sso-admin", "ListInstances") not in skipped:
            found.append("entitlements of account access manager")
        service = resource.split(":")[2] if resource.count(":") >= 5 else ""
        listed = sorted({kind.partition(":")[0] for kind, call in LIST_CALLS.items() if call in skipped})
        return found + [f"{name} resources and their policies" for name in listed if service in ("", name)]

    @property
    def deciding_gaps(self) -> list[Gap]:
        """Gaps in what decisions read."""
        return deciding(self.world.inventory.data.gaps)


def _through(step: Step, outcome: Outcome) -> Outcome:
    """What one step gives: the decision at its end, with what the step itself hangs on."""
    because = (*step.outcome.because, *outcome.because)
    if step.certain or not outcome.can:
        return replace(outcome, because=because)
    return Outcome(Verdict.CONDITIONAL, joined(Chain((step,)), outcome.residual), because, certain=False)


def _along(chain: Chain, outcome: Outcome) -> Row:
    """A chain with the decision at its end, which is no denial."""
    if chain.certain and outcome.verdict is Verdict.ALLOWED:
        return Row(Verdict.ALLOWED, chain.via, None, ())
    return Row(Verdict.CONDITIONAL, chain.via, joined(chain, outcome.residual), ())


def _chained(chain: Chain, outcome: Outcome) -> Row | None:
    """As ``_along``, with what decided; ``None`` when the end is a denial."""
    if not outcome.can:
        return None
    because = (*(item for step in chain.steps for item in step.outcome.because), *outcome.because)
    return replace(_along(chain, outcome), because=because, steps=chain.steps, end=outcome)


def _keep_best(rows: dict[str, Row], key: str, row: Row) -> None:
    if key not in rows or row.cost < rows[key].cost:
        rows[key] = row


def any_of(trees: Iterable[Tree | None]) -> Tree | None:
    """The disjunction of residuals; ``None`` among them stands for no condition, and so for the whole."""
    parts: list[Tree] = []
    for tree in trees:
        if tree is None:
            return None
        if tree not in parts:
            parts.append(tree)
    return parts[0] if len(parts) == 1 else {"any": parts}


def gap_json(gap: Gap) -> dict[str, str]:
    """A gap in the shape of the contract."""
    return {
        "account": gap.account,
        "region": gap.region,
        "service": gap.service,
        "operation": gap.operation,
        "outcome": gap.outcome,
        "affects": gap.affects,
    }
