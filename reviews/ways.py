"""How somebody gets the access of an item, step by step, down to the statement and the limits."""

from __future__ import annotations

from collections.abc import Iterator

from graph.deciding import Reason
from graph.questions import Questions
from reviews.access import Draft
from reviews.contributions import Contribution
from reviews.entitlements import Held
from reviews.records import PathStep
from reviews.words import Names, condition, some

#: Guardrails that limit nothing.
_OPEN_GUARDRAILS = frozenset({"FullAWSAccess", "RCPFullAWSAccess"})


class Ways:
    """Writes the paths of items of one build."""

    def __init__(self, questions: Questions, names: Names) -> None:
        self._inventory = questions.world.inventory
        self._assembler = questions.world.assembler
        self._names = names

    def of(self, held: Held, contribution: Contribution, who: str) -> tuple[PathStep, ...]:
        """The steps to the most dangerous thing that the item gives."""
        top = contribution.shown.top
        first = self._names.person(held.person) if held.person else who.removesuffix(",")
        steps = [PathStep(kind=held.principal_kind, id=held.principal, in_words=first)]
        steps += self._entitlement(held)
        if top is not None:
            steps += self._chain(held, top)
            steps += self._statements(held, top)
            steps += self._limits(held, top)
        return tuple(steps)

    def _entitlement(self, held: Held) -> Iterator[PathStep]:
        names, account = self._names, self._names.account(held.account)
        if held.assignment is not None:
            known = self._inventory.permission_sets.get(held.assignment.permission_set)
            name = known.name if known is not None else "of an unknown name"
            words = f"is given permission set {name} in {account}"
            yield PathStep(kind="permission-set", id=held.assignment.permission_set, in_words=words)
        elif held.kind == "directory-membership":
            words = f"is a member of group {names.group(held.group)}"
            yield PathStep(kind="group", id=f"group:{names.group(held.group)}", in_words=words)
        elif held.kind == "group-membership":
            words = f"is a member of user group {held.group.rpartition('/')[2]}"
            yield PathStep(kind="group", id=held.group, in_words=words)
        elif held.kind in ("policy-attachment", "inline-policy"):
            yield PathStep(kind="policy", id=held.policy, in_words=f"has policy {names.policy(held.policy)}")
        elif held.key is not None or held.kind == "password":
            what = "its access key" if held.key is not None else "its password"
            yield PathStep(
                kind="user", id=held.holder, in_words=f"acts as user {held.holder.rpartition('/')[2]} with {what}"
            )
        elif held.role:
            words = f"is let in by {_rule(held.sid)} of who may become {names.role_in(held.role)}"
            yield PathStep(kind="statement", id=f"{held.policy}#{held.sid or held.statement}", in_words=words)
        elif held.grant is not None:
            words = f"is given a grant on {names.resource(held.resource)}"
            yield PathStep(kind="statement", id=held.id, in_words=words)
        elif held.resource and not held.unread:
            words = f"is let in by {_rule(held.sid)} of the own rules of {names.resource(held.resource)}"
            yield PathStep(kind="statement", id=f"{held.policy}#{held.sid or held.statement}", in_words=words)

    def _chain(self, held: Held, top: Draft) -> Iterator[PathStep]:
        for number, step in enumerate(top.way.chain.steps):
            role = step.target.key
            reserved = self._inventory.roles[role].permission_set_name is not None
            words = f"which lets them act in {self._names.account(role.split(':')[4])}"
            if reserved and held.kind == "directory-membership":
                words = f"which is given permission set {self._names.role_in(role)}"
            elif not reserved or not held.person + held.group:
                words = f"{'can become' if number == 0 else 'then'} {self._names.role_in(role)}"
            only = condition(step.outcome.residual, self._names)
            yield PathStep(kind="role", id=role, in_words=words + (f", only {only}" if only else ""))

    def _statements(self, held: Held, top: Draft) -> Iterator[PathStep]:
        seen: set[str] = {held.policy}
        # Whose own policies help somebody of a crowd is another matter than the rule that lets all of them in.
        crowd = held.resource and held.principal_kind in ("account", "anonymous")
        layers = ("resource",) if crowd else ("identity", "resource")
        for reason in self._because(top):
            if reason["effect"] != "Allow" or reason["layer"] not in layers:
                continue
            policy = str(reason["policy"])
            if policy in seen and reason["layer"] == "resource":
                continue
            seen.add(policy)
            rule = _rule(reason["sid"] or "")
            where = "" if policy.endswith(("#policy", "#trust")) else "policy "
            words = f"{rule} of {where}{self._names.policy(policy)} allows it"
            mark = reason["sid"] or reason["statement"]
            yield PathStep(kind="statement", id=f"{policy}#{mark}", in_words=words)

    def _because(self, top: Draft) -> tuple[Reason, ...]:
        for bits, outcome in top.way.outcomes:
            if bits & top.actions:
                return outcome.because[:6]
        return ()

    def _limits(self, held: Held, top: Draft) -> Iterator[PathStep]:
        """The organisation's limits over whoever acts in the end, and their personal upper limit."""
        acting = top.via[-1] if top.via else held.holder or held.principal
        account = acting.split(":")[4] if acting.startswith("arn:") else ""
        holder = self._inventory.roles.get(acting) or self._inventory.users.get(acting)
        if holder is not None and holder.boundary:
            words = f"within the personal upper limit {self._names.policy(holder.boundary)}"
            yield PathStep(kind="limit", id=holder.boundary, in_words=words)
        limits = [
            (ref.id, self._names.policy(ref.id))
            for kind, where in (("scp", account), ("rcp", top.resource_class.account))
            for level in self._assembler.guardrails(kind, where)
            for ref in level.policies
        ]
        shown = {id: name for id, name in limits if name not in _OPEN_GUARDRAILS}
        if shown:
            what = "the organisation limit" if len(shown) == 1 else f"{len(shown)} organisation limits:"
            words = f"within {what} {some(list(shown.values()), 3)}"
            yield PathStep(kind="limit", id=" ".join(shown), in_words=words)


def _rule(sid: str) -> str:
    return f"rule {sid}" if sid else "a rule"
