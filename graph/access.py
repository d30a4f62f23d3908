"""What was decided, as graph rows: grants, resource classes, steps, components, administrators."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from graph.assume import ASSUME_ROLE
from graph.deciding import Outcome
from graph.federation import tenant_bound
from graph.patterns import minimal
from graph.resolver import Grant
from graph.rows import GraphRows
from graph.subjects import ANONYMOUS, Subject
from graph.world import World
from policy.actions import catalogue
from policy.request import Principal
from policy.verdicts import Verdict

#: Sessions of a role in which a grant holds, where its two kinds of session decide differently (semantics L14).
ASKED_DIRECTLY = "asked directly, or assumed by a user with MFA"
CHAINED = "after a second role, Identity Center, a service or a provider: without MFA"


def add_access(rows: GraphRows, world: World, grants: Sequence[Grant]) -> None:
    """Adds classes, grants, steps, components and administrators; places must be there already."""
    public = _public(world, grants)
    _classes(rows, world, public)
    _grants(rows, world, grants)
    _steps(rows, world)
    _open_trusts(rows, world)
    _components(rows, world)
    _admins(rows, world)


def levels_of(actions: Iterable[str]) -> list[str]:
    """The access levels of a set of actions, in AWS's order, Read split into metadata and data."""
    book = catalogue()
    found = {level for action in actions for level in book.levels(action)}
    return [level for level in LEVELS if level in found]


LEVELS = ("List", "Read:metadata", "Read:data", "Write", "Tagging", "Permissions management")


def _public(world: World, grants: Sequence[Grant]) -> dict[int, Verdict]:
    """The best verdict of anyone on each class that anyone reaches."""
    anyone = world.subjects.by_key[ANONYMOUS].index
    found: dict[int, Verdict] = {}
    for grant in grants:
        if grant.subject == anyone and found.get(grant.resource_class) is not Verdict.ALLOWED:
            found[grant.resource_class] = grant.outcome.verdict
    return found


def _classes(rows: GraphRows, world: World, public: dict[int, Verdict]) -> None:
    containers = {
        item.index: container.arn
        for item in world.classes
        if item.contents and (container := world.inventory.container(item.representative)) is not None
    }
    contents_public: dict[str, Verdict] = {}
    for index, arn in containers.items():
        best = _better(public.get(index), contents_public.get(arn))
        if best is not None:
            contents_public[arn] = best
    for item in world.classes:
        rows.node(
            "ResourceClass",
            item.key,
            item.pattern,
            pattern=item.pattern,
            type=item.type,
            account_id=item.account,
            region=item.region,
            size=len(item.members),
            open=item.open,
        )
        for member in item.members:
            resource = world.inventory.resources[member]
            best = _better(public.get(item.index), contents_public.get(member))
            rows.node(
                "Resource",
                member,
                resource.name,
                arn=member,
                type=resource.type,
                account_id=resource.account,
                region=resource.region,
                tags=[f"{name}={value}" for name, value in sorted((resource.tags or {}).items())],
                public="no" if best is None else "yes" if best is Verdict.ALLOWED else "unknown",
            )
            if rows.has("Account", f"account:{resource.account}"):
                rows.edge("IN_ACCOUNT", ("Resource", member), ("Account", f"account:{resource.account}"))
            rows.edge("CONTAINS", ("ResourceClass", item.key), ("Resource", member))
            if resource.role and rows.has("Role", resource.role):
                rows.edge("CARRIES", ("Resource", member), ("Role", resource.role))
    for index, arn in containers.items():
        rows.edge("INSIDE", ("ResourceClass", world.classes[index].key), ("Resource", arn))


def _better(one: Verdict | None, other: Verdict | None) -> Verdict | None:
    if Verdict.ALLOWED in (one, other):
        return Verdict.ALLOWED
    return one or other


def _grants(rows: GraphRows, world: World, grants: Sequence[Grant]) -> None:
    """Grants by subject and content, on all the classes they cover: subjects with one and the same share its node."""
    covered: defaultdict[tuple[str, str, str], dict[str, list[int]]] = defaultdict(dict)
    contents: dict[str, tuple[Outcome, tuple[str, ...]]] = {}
    for subject, session, held in _held(world, grants):
        for grant in held:
            content = _content(grant)
            contents[content] = (grant.outcome, grant.actions)
            place = (subject.kind, subject.key, session)
            covered[place].setdefault(content, []).append(grant.resource_class)
    for (kind, key, session), by_content in covered.items():
        for content, classes in by_content.items():
            outcome, actions = contents[content]
            name = hashlib.sha256(f"{content}|{sorted(set(classes))}".encode()).hexdigest()[:24]
            if not rows.has("Grant", name):
                _grant_node(rows, name, outcome, actions)
                for index in sorted(set(classes)):
                    rows.edge("COVERS", ("Grant", name), ("ResourceClass", world.classes[index].key))
            rows.edge("HOLDS", (kind, key), ("Grant", name), apart=session, session=session)


def _grant_node(rows: GraphRows, name: str, outcome: Outcome, actions: tuple[str, ...]) -> None:
    levels = levels_of(actions)
    rows.node(
        "Grant",
        name,
        ", ".join(levels),
        verdict=str(outcome.verdict),
        conditional=under_conditions(outcome),
        levels=levels,
        actions=list(minimal(actions)),
        residual=_json(outcome.residual),
        because=_json(outcome.because),
    )


def under_conditions(outcome: Outcome) -> bool:
    """Whether something must hold beside what a foreign account gives its own principals (semantics L18)."""
    residual = outcome.residual
    return residual is not None and not (set(residual) == {"document"} and residual["document"].startswith("account:"))


def _content(grant: Grant) -> str:
    outcome = grant.outcome
    return "|".join(
        (str(outcome.verdict), _json(outcome.residual) or "", _json(outcome.because) or "", ",".join(grant.actions))
    )


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _held(world: World, grants: Sequence[Grant]) -> Iterable[tuple[Subject, str, list[Grant]]]:
    """(subject, session, grants): a role's two kinds of session together where they have the same grant."""
    by_subject: defaultdict[int, list[Grant]] = defaultdict(list)
    for grant in grants:
        by_subject[grant.subject].append(grant)
    for subject in world.subjects.deciding():
        if subject.lost:
            continue
        mine = by_subject.get(subject.index, [])
        chained = world.subjects.session(subject.key, lost=True) if subject.is_role else subject
        if chained is subject:
            yield subject, "", mine
            continue
        theirs = {(grant.resource_class, _content(grant)): grant for grant in by_subject.get(chained.index, [])}
        own = {(grant.resource_class, _content(grant)): grant for grant in mine}
        yield subject, "", [grant for key, grant in own.items() if key in theirs]
        yield subject, ASKED_DIRECTLY, [grant for key, grant in own.items() if key not in theirs]
        yield subject, CHAINED, [grant for key, grant in theirs.items() if key not in own]


def _steps(rows: GraphRows, world: World) -> None:
    best: dict[tuple[str, str, str], tuple[int, str, Outcome]] = {}
    for step in world.steps.all:
        key = (step.source.kind, step.source.key, step.target.key)
        if key not in best or step.outcome.rank < best[key][0]:
            best[key] = (step.outcome.rank, step.action, step.outcome)
    for (kind, source, target), (_, action, outcome) in best.items():
        rows.edge(
            "CAN_ASSUME",
            (kind, source),
            ("Role", target),
            action=action,
            verdict=str(outcome.verdict),
            conditional=under_conditions(outcome),
            tenant_bound=tenant_bound(world.inventory, source, outcome.residual) if kind == "Provider" else None,
            residual=_json(outcome.residual),
            because=_json(outcome.because),
        )


#: An account that no policy names, to ask what everybody may.
_STRANGER = "000000000000"


def _open_trusts(rows: GraphRows, world: World) -> None:
    """Which roles let in anybody with an AWS account: decided for a stranger whose own policies allow everything."""
    stranger = world.assembler.caller(Principal.parse(_STRANGER))
    for role in world.inventory.data.roles:
        verdict = world.assembler.decide(stranger, ASSUME_ROLE, role.arn).verdict
        said = {Verdict.ALLOWED: "yes", Verdict.CONDITIONAL: "conditional"}.get(verdict, "no")
        rows.extend("Role", role.arn, open_trust=said)


def _components(rows: GraphRows, world: World) -> None:
    """Strongly connected components of the steps and their condensation, transitively reduced."""
    import rustworkx as rx  # 0.1 s to import: only builds pay it

    subjects = {subject.key: subject for subject in world.subjects.all if not subject.lost}
    steps = {(step.source.key, step.target.key) for step in world.steps.all if step.source.key != step.target.key}
    keys = sorted({key for step in steps for key in step})
    number = {key: place for place, key in enumerate(keys)}
    graph: Any = rx.PyDiGraph()
    graph.add_nodes_from(keys)
    graph.add_edges_from_no_data([(number[source], number[target]) for source, target in sorted(steps)])
    component: dict[int, int] = {}
    for place, members in enumerate(rx.strongly_connected_components(graph)):
        name = f"component:{min(keys[member] for member in members)}"
        rows.node("Component", name, f"{len(members)} principals", size=len(members))
        for member in members:
            component[member] = place
            subject = subjects[keys[member]]
            rows.edge("IN_COMPONENT", (subject.kind, subject.key), ("Component", name))
    names: dict[int, str] = {}
    for member, place in component.items():
        names[place] = min(names.get(place, "￿"), f"component:{keys[member]}")
    condensed: Any = rx.PyDiGraph()
    condensed.add_nodes_from(range(len(names)))
    between = {(component[number[source]], component[number[target]]) for source, target in steps}
    condensed.add_edges_from_no_data(sorted((a, b) for a, b in between if a != b))
    reduced, mapping = rx.transitive_reduction(condensed)
    back = {new: old for old, new in mapping.items()}
    for source, target in reduced.edge_list():
        rows.edge("LEADS_TO", ("Component", names[back[source]]), ("Component", names[back[target]]))


def _admins(rows: GraphRows, world: World) -> None:
    for subject, account, outcome in admins(world):
        if rows.has("Account", f"account:{account}"):
            rows.edge(
                "ADMIN_OF",
                (subject.kind, subject.key),
                ("Account", f"account:{account}"),
                conditional=outcome.verdict is Verdict.CONDITIONAL,
                because=_json(outcome.because),
            )


def admins(world: World) -> list[tuple[Subject, str, Outcome]]:
    """Who is an administrator of its account: may do every permissions-management action of IAM on any role or policy.

    That is full IAM as far as it counts: whoever can attach any policy to any role can have everything. Conditional
    when some of it is. People are not listed: their roles are.
    """
    found = []
    for subject in world.subjects.deciding():
        if subject.kind not in ("User", "Role", "RootUser") or subject.lost:
            continue
        outcome = _admin_outcome(world, subject)
        if outcome is not None:
            found.append((subject, subject.account, outcome))
    return found


def _admin_outcome(world: World, subject: Subject) -> Outcome | None:
    worst: Outcome | None = None
    for action, resource in admin_tests(subject.account, world.inventory.partition):
        outcome = world.decider.decide(subject, action, resource)
        if not outcome.can:
            return None
        if worst is None or outcome.rank > worst.rank:
            worst = outcome
    return worst


def admin_tests(account: str, partition: str) -> list[tuple[str, str]]:
    """(action, made-up resource): IAM's permissions management on roles and policies that nobody named."""
    book = catalogue()
    tests: list[tuple[str, str]] = []
    for kind in ("role", "policy"):
        arn = f"arn:{partition}:iam::{account}:{kind}/~"
        tests += [
            (action, arn)
            for action in book.actions_for_resource(arn)
            if action.startswith("iam:") and "Permissions management" in book.levels(action)
        ]
    return tests
