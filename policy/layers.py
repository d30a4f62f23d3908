"""Matching: the record of one layer, and what each layer says (semantics M1-M5, L2-L5, L9, L11).

One function matches statements for every layer. The record keeps the satisfied and the residual statements of each
effect; all other statements are false. A layer's verdict, and the whole decision, are folds over records.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from policy.conditions import Condition
from policy.context_values import ABSENT, Context, Unknown
from policy.document import Document, Statement
from policy.expression import (
    FALSE,
    TRUE,
    Constant,
    DocumentLeaf,
    Residual,
    ResourceLeaf,
    Where,
    both,
    conjunction,
    disjunction,
    negation,
)
from policy.inputs import Level, PolicyRef
from policy.patterns import filled_matches, loosened, matcher, render, resolve
from policy.principals import BY_ACCOUNT, EVERYBODY, NOBODY, Grasp
from policy.request import Request
from policy.solver import settle
from policy.verdicts import Because


class Hit(NamedTuple):
    """A statement that is satisfied or residual; `grasp` says how it reaches the principal."""

    truth: Residual
    ref: PolicyRef
    statement: Statement
    grasp: Grasp
    because: Because


#: A policy remembers its statements about so many actions, layer by layer.
_ACTIONS_KEPT = 1024


def _about(ref: PolicyRef, document: Document, about: tuple[str, str]) -> tuple[Hit, ...]:
    """The statements of a policy whose action element takes in an action (`about`: the layer, and the action in lower
    case), each as what it is when all of it holds."""
    layer, action = about
    if len(ref.about) >= _ACTIONS_KEPT:
        ref.about.clear()
    found = ref.about[about] = tuple(
        Hit(TRUE, ref, statement, EVERYBODY, Because(layer, ref.id, statement.sid, statement.index, statement.effect))
        for statement in document.statements
        if statement.acts is None or statement.acts(action)
    )
    return found


class Record:
    """One layer's matched statements, and the fold of them.

    `missing` are the ids of documents that could not be collected; `deny` is whether an explicit Deny fires, `allow`
    whether the layer allows.
    """

    __slots__ = ("allow", "allows", "denies", "deny", "layer", "missing")

    def __init__(self, layer: str, allows: list[Hit], denies: list[Hit], missing: list[str]) -> None:
        self.layer = layer
        self.allows = allows
        self.denies = denies
        self.missing = missing
        allow: Residual = FALSE
        if allows:
            allow = allows[0][0]
            if len(allows) > 1 and allow is not TRUE:
                allow = _any_truth(allows)
        self.allow = allow
        self.deny: Residual = _any_truth(denies) if denies else FALSE
        if missing:
            # U6. Documents that are missing beside an Allow could still deny, so all of them must let the request
            # through; without an Allow one of them has to bring it.
            self.allow = self.unseen() if allow is TRUE else disjunction(map(DocumentLeaf, missing))

    def unseen(self) -> Residual:
        """That every document which could not be collected lets the request through."""
        return conjunction(map(DocumentLeaf, self.missing))

    def verdict(self) -> str:
        """The layer's own word: its Deny wins, then its Allow; what hangs on the unknown is `Conditional`."""
        return layer_verdict(self.allow, self.deny)


def layer_verdict(allow: Residual, deny: Residual) -> str:
    """A layer's word from what it allows and denies."""
    if deny is FALSE:
        return "Allowed" if allow is TRUE else "ImplicitlyDenied" if allow is FALSE else "Conditional"
    return "ExplicitlyDenied" if deny is TRUE else "Conditional"


def _any_truth(hits: list[Hit]) -> Residual:
    for hit in hits:
        if hit[0] is TRUE:
            return TRUE
    return disjunction([hit[0] for hit in hits])


def scan_level(about: tuple[str, str], level: Level, request: Request, *, has_boundary: bool) -> Record:
    """The record of one level of guardrails: SCPs, or RCPs, which name principals. ``about``: the layer, the action."""
    layer, action = about
    if about not in level.settled:
        if len(level.settled) >= _ACTIONS_KEPT:
            level.settled.clear()
        level.settled[about] = _settled(about, level.policies)
    found = level.settled[about]
    if found is not None:
        return found
    if layer == "scp":
        return scan(layer, level.policies, request, action)
    return scan_resource(layer, level.policies, request, action, has_boundary=has_boundary, default=EVERYBODY)


def _settled(about: tuple[str, str], refs: Iterable[PolicyRef]) -> Record | None:
    """The record of documents that say the same of every request for an action, ``None`` where they do not."""
    hits = [hit for ref in refs if ref.document is not None for hit in _about(ref, ref.document, about)]
    for _, _, statement, _, _ in hits:
        element = statement.principal_element
        if not statement.unlimited or not (element is None or (element.everyone and not element.negated)):
            return None
    allows, denies = ([hit for hit in hits if hit.statement.allows is allowing] for allowing in (True, False))
    return Record(about[0], allows, denies, [ref.id for ref in refs if ref.document is None])


def scan(layer: str, refs: Iterable[PolicyRef], request: Request, action: str) -> Record:
    """The record of identity policies, boundaries, session policies and SCPs, which name no principal."""
    allows: list[Hit] = []
    denies: list[Hit] = []
    missing: list[str] = []
    about = (layer, action)
    for ref in refs:
        hits = ref.about.get(about)
        if hits is None:
            if ref.document is None:
                missing.append(ref.id)
                continue
            hits = _about(ref, ref.document, about)
        for hit in hits:
            statement = hit[2]
            if not statement.unlimited:
                truth = _truth(statement, layer, ref, request.resource, request.context)
                if truth is FALSE:
                    continue
                if truth is not TRUE:
                    hit = hit._replace(truth=truth)
            if statement.allows:
                allows.append(hit)
            else:
                denies.append(hit)
    return Record(layer, allows, denies, missing)


def scan_resource(
    layer: str, refs: Iterable[PolicyRef], request: Request, action: str, *, has_boundary: bool, default: Grasp
) -> Record:
    """The record of documents that name principals: resource policies, trust policies, RCPs, endpoint policies.

    A statement without Principal element reaches whom `default` says.
    """
    allows: list[Hit] = []
    denies: list[Hit] = []
    missing: list[str] = []
    about = (layer, action)
    # A resource policy's Allows keep the ways in which they reach the principal apart (L5); elsewhere any way will do.
    apart = layer == "resource"
    for ref in refs:
        hits = ref.about.get(about)
        if hits is None:
            if ref.document is None:
                missing.append(ref.id)
                continue
            hits = _about(ref, ref.document, about)
        for hit in hits:
            statement = hit[2]
            element = statement.principal_element
            grasp = default
            if element is not None:
                grasp = element.grasp(request.principal, layer, ref.id, statement, has_boundary=has_boundary)
            if grasp is NOBODY:
                continue
            truth: Residual = TRUE
            if not statement.unlimited:
                truth = _truth(statement, layer, ref, request.resource, request.context)
                if truth is FALSE:
                    continue
            if grasp is not EVERYBODY:
                if not (apart and statement.allows):
                    truth = both(truth, disjunction(grasp))
                hit = Hit(truth, ref, statement, grasp, hit[4])
            elif truth is not TRUE:
                hit = hit._replace(truth=truth)
            if statement.allows:
                allows.append(hit)
            else:
                denies.append(hit)
    return Record(layer, allows, denies, missing)


def _truth(statement: Statement, layer: str, ref: PolicyRef, resource: str, context: Context) -> Residual:
    """Whether resource and conditions of a statement hold (its action already does)."""
    truth: Residual = TRUE
    only_on = statement.only_on
    if only_on is not None:
        if not only_on(resource):
            return FALSE
    elif statement.tests_resource:
        truth = resource_truth(statement, layer, ref, resource, context)
        if truth is FALSE:
            return FALSE
    for condition in statement.conditions:
        value = context.get(condition.key)
        if value is ABSENT:
            if condition.when_absent is FALSE:
                return FALSE
            continue
        if type(value) is tuple and condition.tests is not None:
            single = condition.single
            if not (
                single(value[0]) if single is not None and len(value) == 1 else condition.holds(value, condition.tests)
            ):
                return FALSE
            continue
        where = Where(layer, ref.id, statement.sid, statement.index)
        if type(value) is Unknown and condition.tests is not None:
            part = _leaf(condition, value, where)
        else:
            part = settle(condition.truth(context, where))
        if part is FALSE:
            return FALSE
        truth = part if truth is TRUE else both(truth, part)
    return truth if isinstance(truth, Constant) else settle(truth)


@lru_cache(maxsize=1 << 16)
def _leaf(condition: Condition, unknown: Unknown, where: Where) -> Residual:
    """What a condition without variables hangs on where its key is not known: the same in any request."""
    return settle(condition.unsure(unknown, where))


def resource_truth(statement: Statement, layer: str, ref: PolicyRef, resource: str, context: Context) -> Residual:
    """M2-M4: the resource matches one of the patterns, or for NotResource provably none."""
    patterns = statement.resource_patterns
    plain = patterns.plain
    if plain is None or plain(resource):
        return FALSE if patterns.negated else TRUE
    if not patterns.variable:
        return TRUE if patterns.negated else FALSE
    matched: list[Residual] = []
    for _text, parts, loose in patterns.variable:
        if not loose(resource):
            continue
        filled = resolve(parts, context)
        if filled.parts is None:
            continue
        if not filled.unknown:
            if filled_matches(filled.parts, resource):
                matched.append(TRUE)
                break
        elif matcher(loosened(filled.parts))(resource):
            owners = {unknown.by for _, unknown in filled.unknown}
            leaf = ResourceLeaf(
                resource,
                render(filled.parts, wildcards=True),
                "caller" if owners == {"caller"} else "environment",
                Where(layer, ref.id, statement.sid, statement.index),
                tuple((variable.key, unknown) for variable, unknown in filled.unknown),
            )
            matched.append(settle(leaf))
    found = disjunction(matched)
    return negation(found) if patterns.negated else found


class ResourceSide(NamedTuple):
    """What a resource's own policy gives, by the way it names the principal (L5)."""

    direct: Residual
    role: Residual
    account: Residual


def resource_side(record: Record) -> ResourceSide:
    """The three ways in which the Allows of a resource policy reach the principal."""
    if not record.allows:
        return NO_SIDE
    if len(record.allows) == 1 and record.allows[0].truth is TRUE:
        return ResourceSide(*record.allows[0].grasp)
    sides = [disjunction([both(hit.truth, hit.grasp[i]) for hit in record.allows]) for i in range(3)]
    return ResourceSide(sides[0], sides[1], sides[2])


NO_SIDE = ResourceSide(FALSE, FALSE, FALSE)


def is_account_only(hit: Hit) -> bool:
    """Whether a statement reaches the principal through its account alone."""
    return hit.grasp is BY_ACCOUNT or hit.grasp == BY_ACCOUNT
