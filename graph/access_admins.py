"""What must be asked of the engine beside grants: who is an administrator, which roles let in anybody."""

from __future__ import annotations

from functools import lru_cache

from graph.deciding import Outcome
from graph.outcome_text import written
from graph.rows import GraphRows
from graph.steps import ASSUME_ROLE
from graph.subjects import Subject
from graph.world import World
from policy.actions import catalogue
from policy.document import Document
from policy.request import Principal
from policy.verdicts import Verdict

#: An account that no policy names, to ask what everybody may.
_STRANGER = "000000000000"


def add_open_trusts(rows: GraphRows, world: World) -> None:
    """Which roles let in anybody with an AWS account: decided for a stranger whose own policies allow everything."""
    stranger = world.assembler.caller(Principal.parse(_STRANGER))
    for role in world.inventory.data.roles:
        said = "no"
        trust = world.assembler.ref(f"{role.arn}#trust", role.trust).document
        if trust is None or _may_mean_a_stranger(trust):
            verdict = world.assembler.decide(stranger, ASSUME_ROLE, role.arn).verdict
            said = {Verdict.ALLOWED: "yes", Verdict.CONDITIONAL: "conditional"}.get(verdict, "no")
        rows.extend("Role", role.arn, open_trust=said)


def _may_mean_a_stranger(trust: Document) -> bool:
    """Whether a statement that allows is about principals that it does not name. A document that names all it means
    gives a stranger nothing: across accounts the trust must allow (semantics L18)."""
    for statement in trust.statements:
        element = statement.principal_element
        if statement.allows and (
            element is None or element.negated or element.everyone or _STRANGER in element.accounts
        ):
            return True
    return False


def add_admins(rows: GraphRows, world: World) -> None:
    """Who is admin of which account of the organisation."""
    for subject, account, outcome in admins(world):
        if rows.has("Account", f"account:{account}"):
            rows.edge(
                "ADMIN_OF",
                (subject.kind, subject.key),
                ("Account", f"account:{account}"),
                conditional=outcome.verdict is Verdict.CONDITIONAL,
                because=written(outcome.because),
            )


def admins(world: World) -> list[tuple[Subject, str, Outcome]]:
    """Who is an administrator of its account: may do every permissions-management action of IAM on any role or policy.

    That is full IAM as far as it counts: whoever can attach any policy to any role can have everything. Conditional
    when some of it is. People are not listed: their roles are.
    """
    asked = _Asked(world)
    found = []
    for subject in world.subjects.collected():
        outcome = None if subject.lost or not asked.may_be(subject) else asked.outcome(subject)
        if outcome is not None:
            found.append((subject, subject.account, outcome))
    return found


class _Asked:
    """The decisions that make an administrator, asked of those alone whose own policies could pass the first."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._first = _managing("role")[0].lower()
        #: By document: whether a statement that allows is about the first action, on whatever resource.
        self._gives: dict[int, bool] = {}

    def may_be(self, subject: Subject) -> bool:
        """Whether the subject's own policies may allow the first action: nothing else can, but for a root user."""
        if subject.kind == "RootUser":
            return True
        identity, _ = self._world.assembler.identity(Principal.parse(subject.key))
        return any(ref.document is None or self._allows(ref.document) for ref in identity)

    def _allows(self, document: Document) -> bool:
        found = self._gives.get(id(document))
        if found is None:
            found = any(
                statement.allows and (statement.acts is None or statement.acts(self._first))
                for statement in document.statements
            )
            self._gives[id(document)] = found
        return found

    def outcome(self, subject: Subject) -> Outcome | None:
        """The worst of the subject's decisions, ``None`` where one is a denial."""
        worst: Outcome | None = None
        for action, resource in admin_tests(subject.account, self._world.inventory.partition):
            outcome = self._world.decider.decide(subject, action, resource)
            if not outcome.can:
                return None
            if worst is None or outcome.rank > worst.rank:
                worst = outcome
        return worst


def admin_tests(account: str, partition: str) -> list[tuple[str, str]]:
    """(action, made-up resource): IAM's permissions management on roles and policies that nobody named."""
    return [
        (action, f"arn:{partition}:iam::{account}:{kind}/~")
        for kind in ("role", "policy")
        for action in _managing(kind)
    ]


@lru_cache(maxsize=2)
def _managing(kind: str) -> tuple[str, ...]:
    """IAM's permissions management on roles, or on policies."""
    book = catalogue()
    return tuple(
        action
        for action in book.actions_for_resource(f"arn:aws:iam::123456789012:{kind}/~")
        if action.startswith("iam:") and "Permissions management" in book.levels(action)
    )
