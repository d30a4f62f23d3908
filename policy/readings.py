"""Where engines read a rule differently, and what that may change in the answer to a decision case (semantics M3).

AWS documents that a policy variable may stand anywhere in a resource after the fifth colon. Other engines do not fill
it in where the name is of one part (`…:queue-${aws:username}`; buckets apart), and leave a NotResource list with an
absent variable out of account where the resource's name has several parts. A statement that hangs on either is
*disputed*. `policy.decide` follows the documentation, so that no Deny is ever skipped. Only the word for a denial gives
way: where the disputed statements are all that denies, and without them the request would be denied just the same, the
case is answered `ImplicitlyDenied`, on which the engines agree. Whether a request is allowed never hangs on this.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html ("Where you can use policy
variables")
"""

from __future__ import annotations

import re
from dataclasses import replace

from policy.context_values import Context
from policy.decide import decide
from policy.document import ResourcePatterns
from policy.inputs import Inputs, Level, PolicyRef
from policy.patterns import filled_matches, resolve
from policy.request import Request
from policy.verdicts import Decision, Verdict


def undisputed_label(request: Request, inputs: Inputs, decision: Decision) -> Decision:
    """The decision, or the implicit denial of the same request where only disputed statements deny it."""
    if decision.verdict is not Verdict.EXPLICITLY_DENIED:
        return decision
    narrowed = _without_disputed(request, inputs)
    if narrowed is None:
        return decision
    other = decide(request, narrowed)
    if other.verdict is Verdict.CONDITIONAL:
        # Under some completions it is denied without the disputed statements too, so not under all explicitly (U6).
        return Decision(Verdict.IMPLICITLY_DENIED, decision.layers, decision.because)
    if other.verdict is not Verdict.IMPLICITLY_DENIED:
        return decision
    return Decision(other.verdict, other.layers, other.because)


def is_disputed(patterns: ResourcePatterns, resource: str, context: Context) -> bool:
    """Whether the engines differ about a Resource or NotResource list in a request."""
    if not patterns.variable:
        return False
    filled = [(text, resolve(parts, context), loose) for text, parts, loose in patterns.variable]
    if patterns.negated:
        return _has_parts(resource) and any(item.parts is None or item.unknown for _, item, _ in filled)
    if patterns.plain is None or patterns.plain(resource):
        return False  # a pattern without variables matches, whatever becomes of the others
    matching = [
        text
        for text, item, loose in filled
        if item.parts is not None and (loose(resource) if item.unknown else filled_matches(item.parts, resource))
    ]
    return bool(matching) and not any(_has_parts(text) or ":s3:" in text for text in matching)


def _has_parts(arn: str) -> bool:
    """Whether what an ARN names after the fifth colon has a type or a path."""
    name = re.sub(r"\$\{[^}]*\}", "", arn.split(":", 5)[-1])
    return "/" in name or ":" in name


def _without_disputed(request: Request, inputs: Inputs) -> Inputs | None:
    """The inputs without the statements that are disputed in this request; `None`: there are none."""
    changed = False

    def narrowed(refs: tuple[PolicyRef, ...]) -> tuple[PolicyRef, ...]:
        nonlocal changed
        found = tuple(_narrowed(ref, request) for ref in refs)
        changed = changed or any(new is not old for new, old in zip(found, refs, strict=True))
        return found

    def levels(listed: tuple[Level, ...]) -> tuple[Level, ...]:
        return tuple(Level(level.name, narrowed(level.policies)) for level in listed)

    kept = replace(
        inputs,
        identity=narrowed(inputs.identity),
        boundary=narrowed(inputs.boundary),
        session=None if inputs.session is None else narrowed(inputs.session),
        scps=levels(inputs.scps),
        rcps=levels(inputs.rcps),
        resource=None if inputs.resource is None else narrowed((inputs.resource,))[0],
        shares=narrowed(inputs.shares),
        vpce=narrowed(inputs.vpce),
    )
    return kept if changed else None


def _narrowed(ref: PolicyRef, request: Request) -> PolicyRef:
    document = ref.document
    if document is None:
        return ref
    kept = [
        statement
        for statement in document.statements
        if not is_disputed(statement.resource_patterns, request.resource, request.context)
    ]
    return ref if len(kept) == len(document.statements) else PolicyRef(ref.id, document.only(kept))
