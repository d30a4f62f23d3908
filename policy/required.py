"""Actions that need an Allow on several resources at once (semantics M6).

One request of AWS touches all of them, and is allowed only if each is (`policy.together`). A question names one
resource; of the other types the caller needs *some* resource, which nobody named. "Denied" is said only where no
resource of a type can be allowed; what is not proven changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from policy.actions import catalogue
from policy.context import Caller, Overrides
from policy.decide import decide
from policy.document import Document, Statement
from policy.expression import (
    FALSE,
    TRUE,
    All,
    DocumentLeaf,
    Leaf,
    Residual,
    ResourceLeaf,
    Where,
    conjunction,
    disjunction,
    leaves,
)
from policy.fold import Fold
from policy.globs import HOLE, covers, meet, meeting, template
from policy.inputs import Inputs, PolicyRef
from policy.patterns import Part, Parts, loosened, matcher, resource_parts
from policy.request import Request
from policy.solver import possible, settle
from policy.targets import decides, uncollected_type
from policy.together import together
from policy.verdicts import Because, Decision, Verdict

if TYPE_CHECKING:
    from policy.assemble import Assembler

#: Services whose resources have policies of their own that are not collected: an Allow there is never ruled out.
_OWN_POLICIES = frozenset({"glue"})

#: Callers whose policies can be read for a proof; services and strangers have none, an account has unknown ones.
_KINDS = frozenset({"user", "role", "session", "federated-user", "root"})
_FRESH = "made-up"
_REGION = "aws:requestedregion"
_MOST_COLLECTED = 50


def decide_together(parts: Sequence[tuple[Request, Inputs]]) -> Decision:
    """One request that touches several resources: allowed only if it is on each.

    ``layers`` are the first part's; ``because`` is of the part that decides, or of all where all must hold.
    """
    decisions = [decide(request, inputs) for request, inputs in parts]
    if len(decisions) == 1:
        return decisions[0]
    layers = decisions[0].layers
    for verdict in (Verdict.EXPLICITLY_DENIED, Verdict.IMPLICITLY_DENIED):
        for decision in decisions:
            if decision.verdict is verdict:
                return Decision(verdict, layers, decision.because)
    because = tuple(dict.fromkeys(item for decision in decisions for item in decision.because))
    outcome = settle(conjunction(TRUE if each.residual is None else each.residual for each in decisions))
    if outcome is TRUE:
        return Decision(Verdict.ALLOWED, layers, because)
    if outcome is not FALSE:
        return Decision(Verdict.CONDITIONAL, layers, because, outcome)
    # Each could be allowed, but never all at once: explicitly if a Deny fires under every completion (U6).
    deny = disjunction(Fold(request, inputs, request.action.lower()).deny() for request, inputs in parts)
    stopped = Verdict.IMPLICITLY_DENIED if possible(deny)[1] else Verdict.EXPLICITLY_DENIED
    return Decision(stopped, layers, because)


def needs_others(action: str, resource: str) -> bool:
    """Whether an action touches resources of more types than the one that it is asked for (semantics M6)."""
    return bool(_others(action.lower(), resource))


@lru_cache(maxsize=65536)
def _others(action: str, resource: str) -> tuple[str, ...]:
    """Of the types that an action touches, those that ``resource`` is not of."""
    required = together(action)
    if not required:
        return ()
    service = action.partition(":")[0]
    own = {name.lower() for owner, name in catalogue().types_of(resource) if owner == service}
    return tuple(name for name in required if name.lower() not in own)


def with_required(
    assembler: Assembler, caller: Caller, request: Request, decision: Decision, overrides: Overrides
) -> Decision:
    """The answer for one resource, with what the action needs on resources of its other types.

    Costs nothing for actions that touch one resource. A denial by this rule has the reason ``rule``, ``M6``, whose
    ``sid`` is the type on which no Allow can be had, and after it what stops it where that is not the lack of one.
    """
    others = _others(request.action.lower(), request.resource)
    if not others or decision.verdict not in (Verdict.ALLOWED, Verdict.CONDITIONAL):
        return decision
    if caller.principal.kind not in _KINDS:
        return decision
    held: list[Residual] = [TRUE if decision.residual is None else decision.residual]
    because = dict.fromkeys(decision.because)
    for name in others:
        need = _Need(assembler, caller, request, name, overrides)
        found = need.met()
        if not isinstance(found, Residual):
            stopped = Verdict.EXPLICITLY_DENIED if found[0].effect == "Deny" else Verdict.IMPLICITLY_DENIED
            return Decision(stopped, decision.layers, found)
        held.append(found)
        because.update(dict.fromkeys(need.because))
    outcome = settle(conjunction(held))
    if outcome == held[0]:
        return decision
    if outcome is FALSE:
        # The conditions of the parts exclude each other; which part is to blame cannot be said.
        return Decision(Verdict.IMPLICITLY_DENIED, decision.layers, (Because("rule", "M6", None, None, "none"),))
    verdict, residual = (Verdict.ALLOWED, None) if outcome is TRUE else (Verdict.CONDITIONAL, outcome)
    return Decision(verdict, decision.layers, tuple(because), residual)


class _Need:
    """That some resource of one more type is allowed to the same caller, by the same action."""

    def __init__(self, assembler: Assembler, caller: Caller, request: Request, name: str, overrides: Overrides) -> None:
        self._assembler, self._caller = assembler, caller
        self._action = request.action
        self._lower = request.action.lower()
        self._service = self._lower.partition(":")[0]
        self._name = name
        self._pattern = catalogue().arn_pattern(self._service, name)
        head = request.resource.split(":", 5)
        self._partition = head[1] if len(head) == 6 else assembler.inventory.partition
        self._region = head[3] if len(head) == 6 else ""
        #: One request is made in one region: that of the resource that was asked about, where it has one.
        self._overrides = _of_others(overrides, self._region)
        own, asked = caller.principal.account or "", request.resource_account or ""
        #: Where the other resources may be: in the caller's account, or beside the one that was asked about.
        self._accounts = tuple(dict.fromkeys(account for account in (own, asked) if account))
        #: The statements that a condition of ``met`` comes from.
        self.because: tuple[Because, ...] = ()

    def met(self) -> Residual | tuple[Because, ...]:
        """What must hold for it, TRUE where nothing is proven; or the reasons why it cannot be."""
        if not self._pattern:
            return TRUE
        conditions: list[Residual] = []
        first: tuple[Request, Inputs] | None = None
        for arn in self._candidates():
            asked = self._assembler.request(self._caller, self._action, arn, self._overrides)
            first = first or asked
            decision = decide(*asked)
            if decision.verdict is Verdict.ALLOWED:
                return TRUE
            if decision.residual is not None:
                conditions.append(self._of_some(decision.residual, arn))
                self.because = self.because or decision.because
        if conditions:
            return disjunction(conditions)
        return (self._proof(*first) if first is not None else ()) or TRUE

    def _template(self, *, region: str = "", account: str = "") -> Parts:
        return template(self._pattern, self._partition, region, account)

    @property
    def _anywhere(self) -> Parts:
        """Every ARN of the type where the request can be: the account is left open, things can be shared."""
        return self._template(region=self._region)

    def _candidates(self) -> Iterator[str]:
        """ARNs of the type: made-up ones, one for each pattern of the caller's that allows, then collected ones."""
        regions = (self._region,) if self._region else (self._assembler.inventory.data.regions or ("us-east-1",))
        here = [self._template(region=region, account=account) for account in self._accounts for region in regions]
        found = dict.fromkeys("".join(_filled(part) for part in parts) for parts in here)
        yield from found
        for statement in _statements(self._assembler.identity(self._caller.principal)[0]):
            if not (statement.allows and self._acts(statement)):
                continue
            for text in statement.resources or ():
                pattern = loosened(_parts(text))
                arn = next((arn for parts in (*here, self._anywhere) if (arn := meeting(pattern, parts))), None)
                if arn is not None and arn not in found:
                    found[arn] = None
                    yield arn
        fits = matcher(self._anywhere)
        collected = self._assembler.inventory.of_type(f"{self._service}:{self._name}")
        yield from islice((item.arn for item in collected if fits(item.arn)), _MOST_COLLECTED)

    def _of_some(self, residual: Residual, arn: str) -> Residual:
        """A condition on a made-up resource as one on the request: what it asks of the resource itself (its tags, its
        own policy) hangs on there being such a one, which nobody read.
        """
        items = residual.items if isinstance(residual, All) else (residual,)
        kept = [item for item in items if not any(self._is_own(leaf, arn) for leaf in leaves(item))]
        if len(kept) == len(items):
            return residual
        parts = self._template(region=self._region, account=self._accounts[0])
        name = "".join(part if isinstance(part, str) else "*" for part in parts if part is not HOLE[0])
        return conjunction((*kept, DocumentLeaf(name)))

    def _is_own(self, leaf: Leaf, arn: str) -> bool:
        if isinstance(leaf, DocumentLeaf):
            return leaf.document.startswith(f"{arn}#")
        return isinstance(leaf, ResourceLeaf) or self._of_resource(leaf.key.lower())

    def _of_resource(self, key: str) -> bool:
        """Whether a key's value may differ between the resources of one request."""
        if key == _REGION:
            return not self._region
        own = ("aws:resource", "aws:requesttag/", "aws:tagkeys", f"{self._service}:")
        return key.startswith(own)

    def _proof(self, request: Request, inputs: Inputs) -> tuple[Because, ...]:
        """Why no resource of the type can be allowed: a Deny on all of them, or no Allow on any; empty: it may be."""
        limits = [("scp", level.name, level.policies) for level in inputs.scps]
        kind = uncollected_type(request.resource.split(":", 5))
        own_policy = self._service in _OWN_POLICIES or bool(kind and decides(kind, self._lower)) or bool(inputs.shares)
        if not own_policy and self._caller.principal.kind != "root":
            limits.insert(0, ("identity", "", inputs.identity))
            limits += [("boundary", refs[0].id, refs) for refs in (inputs.boundary,) if refs]
            limits += [("session", "", refs) for refs in (inputs.session,) if refs is not None]
        listed = (("identity", inputs.identity), ("boundary", inputs.boundary), ("session", inputs.session or ()))
        for layer, refs in (*listed, *(("scp", level.policies) for level in inputs.scps)):
            for ref in refs:
                for statement in _statements((ref,)):
                    if self._denies_all(statement, request):
                        said = Because(layer, ref.id, statement.sid, statement.index, "Deny")
                        return Because("rule", "M6", self._name, None, "Deny"), said
        for layer, name, refs in limits:
            if all(ref.document is not None for ref in refs) and not any(
                self._may_allow(statement, request) for statement in _statements(refs)
            ):
                lacking = Because("rule", "M6", self._name, None, "none")
                return (
                    (lacking,) if layer == "identity" else (lacking, Because(layer, name or None, None, None, "none"))
                )
        return ()

    def _acts(self, statement: Statement) -> bool:
        return statement.acts is None or bool(statement.acts(self._lower))

    def _may_allow(self, statement: Statement, request: Request) -> bool:
        """Whether an Allow can be about some resource of the type."""
        if not (statement.allows and self._acts(statement)):
            return False
        anywhere = self._anywhere
        if statement.not_resources is not None:
            touches = not any(covers(_parts(text), anywhere) for text in statement.not_resources)
        else:
            listed = statement.resources
            touches = listed is None or any(meet(loosened(_parts(text)), anywhere) for text in listed)
        return touches and FALSE not in self._conditions(statement, request)

    def _denies_all(self, statement: Statement, request: Request) -> bool:
        """Whether a Deny is about every resource of the type, whatever is not known."""
        if statement.allows or not self._acts(statement):
            return False
        anywhere = self._anywhere
        if statement.not_resources is not None:
            all_of_them = not any(meet(loosened(_parts(text)), anywhere) for text in statement.not_resources)
        else:
            listed = statement.resources
            all_of_them = listed is None or any(covers(_parts(text), anywhere) for text in listed)
        return all_of_them and all(truth is TRUE for truth in self._conditions(statement, request))

    def _conditions(self, statement: Statement, request: Request) -> list[Residual | None]:
        """The truth of each condition, ``None`` where it may differ between resources."""
        where = Where("identity", "", statement.sid, statement.index)
        return [
            None if self._of_resource(condition.key) else settle(condition.truth(request.context, where))
            for condition in statement.conditions
        ]


def _of_others(overrides: Overrides, region: str) -> Overrides:
    """What was said of a request, without what it says of the one resource that was asked about."""
    given = {key: values for key, values in overrides.given.items() if not key.startswith("aws:resource")}
    absent = frozenset(key for key in overrides.absent if not key.startswith("aws:resource"))
    if region and _REGION not in (*overrides.absent, *overrides.unknown):
        given.setdefault(_REGION, (region,))
    return Overrides(given, absent, overrides.unknown)


def _filled(part: Part) -> str:
    """A part of a template, with a made-up name for a hole, which is one character and then any."""
    if isinstance(part, str):
        return part
    return _FRESH if part is HOLE[0] else ""


def _parts(text: str) -> Parts:
    return resource_parts(text, variables=True)


def _statements(refs: Iterable[PolicyRef]) -> Iterator[Statement]:
    for ref in refs:
        document: Document | None = ref.document
        if document is not None:
            yield from document.statements
