"""Matching: the record of one layer, and what each layer says (semantics M1-M5, L2-L5, L9, L11).

One function matches statements for every layer. The record keeps the satisfied and the residual statements of each
effect; all other statements are false. A layer's verdict, and the whole decision, are folds over records.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from policy.context_values import ABSENT, Context, Unknown
from policy.document import Statement
from policy.expression import (
    FALSE,
    TRUE,
    DocumentLeaf,
    Residual,
    ResourceLeaf,
    Where,
    both,
    conjunction,
    disjunction,
    negation,
)
from policy.inputs import PolicyRef
from policy.operators import network
from policy.patterns import loosened, matcher, render, resolve
from policy.principals import BY_ACCOUNT, EVERYBODY, NOBODY, Grasp
from policy.request import Request
from policy.services import BROADEST_PREFIX, S3_NARROWING_KEYS
from policy.solver import settle


class Hit(NamedTuple):
    """A statement that is satisfied or residual; `grasp` says how it reaches the principal."""

    truth: Residual
    ref: PolicyRef
    statement: Statement
    grasp: Grasp


class Record:
    """One layer's matched statements, and the fold of them.

    `missing` are the ids of documents that could not be collected; `deny` is whether an explicit Deny fires, `allow`
    whether the layer allows.
    """

    __slots__ = ("allow", "allows", "denies", "deny", "layer", "missing")

    def __init__(self, layer: str) -> None:
        self.layer = layer
        self.allows: list[Hit] = []
        self.denies: list[Hit] = []
        self.missing: list[str] = []
        self.allow: Residual = FALSE
        self.deny: Residual = FALSE

    def close(self) -> Record:
        """Fold the statements once all are in."""
        if self.denies:
            self.deny = _any_truth(self.denies)
        if self.allows:
            self.allow = _any_truth(self.allows)
        if self.missing:
            # U6. Documents that are missing beside an Allow could still deny, so all of them must let the request
            # through; without an Allow one of them has to bring it.
            self.allow = self.unseen() if self.allow is TRUE else disjunction(map(DocumentLeaf, self.missing))
        return self

    def unseen(self) -> Residual:
        """That every document which could not be collected lets the request through."""
        return conjunction(map(DocumentLeaf, self.missing))


def _any_truth(hits: list[Hit]) -> Residual:
    for hit in hits:
        if hit.truth is TRUE:
            return TRUE
    return disjunction(hit.truth for hit in hits)


def scan(layer: str, refs: Iterable[PolicyRef], request: Request, action: str) -> Record:
    """The record of identity policies, boundaries, session policies and SCPs, which name no principal."""
    record = Record(layer)
    resource, context = request.resource, request.context
    for ref in refs:
        document = ref.document
        if document is None:
            record.missing.append(ref.id)
            continue
        for statement in document.statements:
            acts = statement.acts
            if acts is not None and not acts(action):
                continue
            truth = _truth(statement, layer, ref, resource, context)
            if truth is not FALSE:
                hit = Hit(truth, ref, statement, EVERYBODY)
                (record.allows if statement.allows else record.denies).append(hit)
    return record.close()


def scan_resource(
    layer: str, refs: Iterable[PolicyRef], request: Request, action: str, *, has_boundary: bool, default: Grasp
) -> Record:
    """The record of documents that name principals: resource policies, trust policies, RCPs, endpoint policies.

    A statement without Principal element reaches whom `default` says.
    """
    record = Record(layer)
    # A resource policy's Allows keep the ways in which they reach the principal apart (L5); elsewhere any way will do.
    grasps = layer == "resource"
    resource, context, principal = request.resource, request.context, request.principal
    for ref in refs:
        document = ref.document
        if document is None:
            record.missing.append(ref.id)
            continue
        for statement in document.statements:
            acts = statement.acts
            if acts is not None and not acts(action):
                continue
            element = statement.principal_element
            grasp = default
            if element is not None:
                where = Where(layer, ref.id, statement.sid, statement.index)
                grasp = element.grasp(principal, where, allows=statement.allows, has_boundary=has_boundary)
            if grasp is NOBODY or (grasp[0] is FALSE and grasp[1] is FALSE and grasp[2] is FALSE):
                continue
            truth = _truth(statement, layer, ref, resource, context)
            if truth is FALSE:
                continue
            if statement.allows:
                record.allows.append(Hit(truth if grasps else both(truth, disjunction(grasp)), ref, statement, grasp))
            else:
                record.denies.append(Hit(both(truth, disjunction(grasp)), ref, statement, grasp))
    return record.close()


def _truth(statement: Statement, layer: str, ref: PolicyRef, resource: str, context: Context) -> Residual:
    """Whether resource and conditions of a statement hold (its action already does)."""
    truth: Residual = TRUE
    if statement.tests_resource:
        truth = _resource_truth(statement, layer, ref, resource, context)
        if truth is FALSE:
            return FALSE
    for condition in statement.conditions:
        value = context.get(condition.key)
        if value is ABSENT:
            if condition.when_absent is FALSE:
                return FALSE
            continue
        if type(value) is tuple and condition.tests is not None:
            if not condition.holds(value, condition.tests):
                return FALSE
            continue
        part = condition.truth(context, Where(layer, ref.id, statement.sid, statement.index))
        if isinstance(value, Unknown) and (value.prefix or value.excludes):
            part = settle(part)
        if part is FALSE:
            return FALSE
        truth = part if truth is TRUE else both(truth, part)
    return truth


def _resource_truth(statement: Statement, layer: str, ref: PolicyRef, resource: str, context: Context) -> Residual:
    """M2-M4: the resource matches one of the patterns, or for NotResource provably none."""
    patterns = statement.resource_patterns
    plain = patterns.plain
    if plain is None or plain(resource):
        return FALSE if patterns.negated else TRUE
    if not patterns.variable:
        return TRUE if patterns.negated else FALSE
    matched: list[Residual] = []
    for _text, parts in patterns.variable:
        if not matcher(loosened(parts))(resource):
            continue
        filled = resolve(parts, context)
        if filled.parts is None:
            continue
        if not filled.unknown:
            if matcher(filled.parts)(resource):
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


def is_public(statement: Statement) -> bool:
    """S3's own definition of a public statement (L7): an Allow to everyone that no fixed value narrows.

    A fixed value has neither a wildcard nor a policy variable. `…IfExists` and `ForAllValues` do not narrow, nor do
    very broad blocks of addresses. Source: the page named at `S3_NARROWING_KEYS`.
    """
    if not statement.allows:
        return False
    element = statement.principal_element
    if element is None or not (element.everyone or element.negated):
        return False
    for condition in statement.conditions:
        operator = condition.operator
        if operator.negated or condition.if_exists or condition.set_operator == "all":
            continue
        if condition.key not in S3_NARROWING_KEYS or not condition.values:
            continue
        if operator.family == "ip":
            if not any(_is_broad(value) for value in condition.values):
                return False
        elif operator.family in ("string", "arn") and all(_is_fixed(value) for value in condition.values):
            return False
    return True


def _is_fixed(text: str) -> bool:
    return not any(mark in text for mark in ("*", "?", "${"))


def _is_broad(text: str) -> bool:
    block = network(text)
    return block is None or block[2] - block[1] + 1 > BROADEST_PREFIX[block[0]]
