"""Who can become whom, as graph rows: steps between principals, what assignments open, components.

People are many and their groups are few: an assignment of a group is one edge from the group, to which its members
come by ``MEMBER_OF``, never one from each of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from graph.deciding import Outcome, Reason, reason
from graph.federation import tenant_bound
from graph.kinds import EdgeTable
from graph.outcome_text import text_under_conditions, under_conditions, written
from graph.people import PeopleSteps, assignment_id, opened
from graph.rows import GraphRows, Pieces
from graph.steps import BY_ENTITLEMENT, WITH_SAML, Step
from graph.stored_steps import StoredOutcome
from model.access_manager import RoleEntitlement
from model.inventory import Inventory

#: (kind, key) of a node.
Node = tuple[str, str]

#: Steps whose texts are in memory at once.
_AT_ONCE = 50_000


def add_steps(pieces: Pieces, inventory: Inventory, steps: Iterable[Step]) -> set[tuple[Node, Node]]:
    """Adds the steps between principals, the best one of each pair, and answers with the pairs."""
    nodes: dict[Node, Node] = {}  # each once, however many steps it has
    best: dict[tuple[Node, Node], Step] = {}
    for step in steps:
        source, target = (step.source.kind, step.source.key), ("Role", step.target.key)
        pair = nodes.setdefault(source, source), nodes.setdefault(target, target)
        if pair not in best or step.outcome.rank < best[pair].outcome.rank:
            best[pair] = step
    by_kind: defaultdict[str, list[Step]] = defaultdict(list)
    for step in best.values():
        by_kind[step.source.kind].append(step)
    for kind, every in by_kind.items():
        for start in range(0, len(every), _AT_ONCE):
            _add_some(pieces, inventory, kind, every[start : start + _AT_ONCE])
    return set(best)


def _add_some(pieces: Pieces, inventory: Inventory, kind: str, some: Sequence[Step]) -> None:
    outcomes = [step.outcome for step in some]
    told = _Told()
    pieces.edges(
        EdgeTable("CAN_ASSUME", kind, "Role"),
        [step.source.key for step in some],
        [step.target.key for step in some],
        action=[step.action for step in some],
        verdict=[str(outcome.verdict) for outcome in outcomes],
        conditional=[told.of(outcome)[2] for outcome in outcomes],
        tenant_bound=[
            tenant_bound(inventory, step.source.key, step.outcome.residual) if kind == "Provider" else None
            for step in some
        ],
        residual=[told.of(outcome)[0] for outcome in outcomes],
        because=[told.of(outcome)[1] for outcome in outcomes],
    )


class _Told:
    """Outcomes as JSON, and whether something conditions them: many steps share one."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[str | None, str | None, bool, Outcome]] = {}

    def of(self, outcome: Outcome) -> tuple[str | None, str | None, bool]:
        found = self._known.get(id(outcome))
        if found is None:
            residual: str | None
            because: str | None
            if isinstance(outcome, StoredOutcome):  # not decoded for good: the trees of all steps would fill the memory
                residual, because = outcome.residual_text, outcome.because_text
            else:
                residual, because = written(outcome.residual), written(outcome.because)
            found = residual, because, text_under_conditions(residual), outcome
            self._known[id(outcome)] = found
        return found[:3]


def add_assigned(rows: GraphRows, inventory: Inventory, steps: PeopleSteps) -> set[tuple[Node, Node]]:
    """Adds what assignments of Identity Center open (semantics L15) and entitlements of account access manager, and
    answers with the pairs of who can become whom.

    A disabled person opens nothing: their memberships lead nowhere, and a group without any other member opens nothing
    either.
    """
    people = {person.user.id: key for key, person in inventory.people.items() if person.user.active is not False}
    members = {
        group.id: [people[member] for member in group.members if member in people]
        for group in inventory.data.directory_groups
    }

    def node(who: str) -> Node | None:
        return ("Person", people[who]) if who in people else ("DirectoryGroup", who) if members.get(who) else None

    found: defaultdict[tuple[Node, Node], list[Reason]] = defaultdict(list)
    for assignment in inventory.data.assignments:
        source = node(assignment.principal_id)
        role = inventory.permission_set_role(assignment.account, assignment.permission_set)
        if source is not None and role is not None:
            found[source, ("Role", role.arn)].append(reason("assignment", assignment_id(assignment)))
    outcomes = {pair: steps.assigned.opens(pair[1][1], because) for pair, because in found.items()}
    pairs = set(_add_opened(rows, WITH_SAML, outcomes))
    given: defaultdict[tuple[Node, Node], list[RoleEntitlement]] = defaultdict(list)
    for item in inventory.data.entitlements:
        source = node(item.principal_id)
        if source is not None and item.role in inventory.roles:
            given[source, ("Role", item.role)].append(item)
    pairs.update(
        _add_opened(rows, BY_ENTITLEMENT, {pair: opened(steps.entitled, items) for pair, items in given.items()})
    )
    opening = {source[1] for source, _ in pairs if source[0] == "DirectoryGroup"}
    belonging = {
        (("Person", person), ("DirectoryGroup", group)) for group in opening for person in dict.fromkeys(members[group])
    }
    return {*pairs, *belonging}


def _add_opened(
    rows: GraphRows, action: str, outcomes: Mapping[tuple[Node, Node], Outcome]
) -> Iterator[tuple[Node, Node]]:
    """Adds what was given to people and groups, as far as it opens a role, and answers with the pairs that it does."""
    for (source, target), outcome in outcomes.items():
        if outcome.can:
            rows.edge(
                "CAN_ASSUME",
                source,
                target,
                action=action,
                verdict=str(outcome.verdict),
                conditional=under_conditions(outcome),
                residual=written(outcome.residual),
                because=written(outcome.because),
            )
            yield source, target


def add_components(pieces: Pieces, steps: Iterable[tuple[Node, Node]]) -> None:
    """Adds the strongly connected components of steps and their condensation, transitively reduced."""
    import rustworkx as rx  # 0.1 s to import: only builds pay it

    pairs = sorted(pair for pair in steps if pair[0] != pair[1])
    nodes = sorted({node for pair in pairs for node in pair}, key=lambda node: (node[1], node[0]))
    number = {node: place for place, node in enumerate(nodes)}
    graph: Any = rx.PyDiGraph()
    graph.add_nodes_from(range(len(nodes)))
    graph.add_edges_from_no_data([(number[source], number[target]) for source, target in pairs])
    components = [sorted(members) for members in rx.strongly_connected_components(graph)]
    of = {member: place for place, members in enumerate(components) for member in members}
    names = [f"component:{nodes[members[0]][1]}" for members in components]
    pieces.nodes(
        "Component",
        key=names,
        name=[f"{len(members)} principals" for members in components],
        size=[len(members) for members in components],
    )
    by_kind: defaultdict[str, list[int]] = defaultdict(list)
    for place, (kind, _) in enumerate(nodes):
        by_kind[kind].append(place)
    for kind, places in by_kind.items():
        pieces.edges(
            EdgeTable("IN_COMPONENT", kind, "Component"),
            [nodes[place][1] for place in places],
            [names[of[place]] for place in places],
        )
    out: defaultdict[int, set[int]] = defaultdict(set)
    for source, target in pairs:
        if of[number[source]] != of[number[target]]:
            out[of[number[source]]].add(of[number[target]])
    reduced = list(_reduced(len(components), out))
    pieces.edges(
        EdgeTable("LEADS_TO", "Component", "Component"),
        [names[source] for source, _ in reduced],
        [names[target] for _, target in reduced],
    )


def _reduced(count: int, out: Mapping[int, set[int]]) -> Iterator[tuple[int, int]]:
    """The transitive reduction of a graph without cycles: the edges that no longer way replaces.

    Nodes are taken from the ends on. What lies beyond each is a whole number, a bit for a node; the nearer a node is to
    the ends, the lower its bit, so that these numbers are short.
    """
    import rustworkx as rx

    graph: Any = rx.PyDiGraph()
    graph.add_nodes_from(range(count))
    graph.add_edges_from_no_data(sorted((source, target) for source, targets in out.items() for target in targets))
    order = list(reversed(rx.topological_sort(graph)))
    bit = {node: place for place, node in enumerate(order)}
    entered = {target for targets in out.values() for target in targets}
    beyond: dict[int, int] = {}
    for node in order:
        seen = 0
        for target in sorted(out.get(node, ()), key=lambda target: -bit[target]):
            if not seen >> bit[target] & 1:
                yield node, target
                seen |= beyond[target] | 1 << bit[target]
        if node in entered:
            beyond[node] = seen
