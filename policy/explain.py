"""An answer in plain English, for someone who does not know IAM."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from policy.document import Statement
from policy.encrypted import rests_on_encryption
from policy.expression import TRUE, All, DocumentLeaf, KeyLeaf, Residual, Where, disjunction, leaves
from policy.glossary import glossary
from policy.inputs import Inputs, Level, PolicyRef
from policy.request import WITHOUT_IDENTITY, Principal, Request
from policy.residual import by_caller_only
from policy.s3 import acl_side
from policy.services import FEDERATED_ACTIONS, TRUST_ACTIONS, asks_for, needs_resource_policy
from policy.sparing import spared
from policy.targets import uncollected_type
from policy.together import lacking
from policy.unread import both_sides, not_asked_for
from policy.verdicts import Because, Decision, Verdict
from policy.wording import Namer, in_lines, in_words, one_line

__all__ = ["Namer", "explain", "in_words", "words_of"]

_LAYERS = {
    "identity": "the caller's own policies",
    "boundary": "the caller's permissions boundary",
    "session": "the session policy",
    "resource": "the resource's own policy",
    "vpce": "the VPC endpoint policy",
}
_RULES = {
    ("L1", "Allow"): "AWS asks for no permission for this action.",
    ("L1", "none"): "Only an IAM user and the root user can ask for this, with keys of their own.",
    ("L7", "Allow"): "A KMS grant on the key allows it.",
    ("L7", "Deny"): "S3 Block Public Access turns off public and cross-account access: the bucket policy is public.",
    ("L7", "none"): "The access point takes requests from its own VPC alone, and this one comes from elsewhere.",
    ("L9", "none"): "A federated session without a session policy has no permissions of its own.",
    ("L10", "Allow"): "The root user may do everything in its own account that the organisation does not forbid.",
    ("L10", "none"): "The root user of an account cannot assume roles.",
    ("L12", "none"): "AWS lets nobody change this role or policy through IAM: AWS itself manages it.",
    ("L13", "none"): "Nobody can do this without signing in.",
    ("L17", "none"): "AWS lets nobody outside the resource's account do this, whatever the policies say.",
    ("account", "Allow"): "Some principal of that account, whose own policies allow it, is asking.",
}


#: What ``L13`` and ``L10`` say of single calls of STS.
_OF_STS = {
    "sts:assumerolewithsaml": "Only who signs in at a SAML provider of the role's account can do this.",
    "sts:assumerolewithwebidentity": "Only who signs in at an OIDC provider of the role's account can do this, or at "
    "one that AWS knows by name.",
    "sts:assumeroot": "AWS lets users and roles of the management account and of delegated administrators do this in "
    "other accounts, never a root user.",
    "gone": "The account has no such identity provider: nobody signs in at it, whoever trusts it.",
}


class _Answer(NamedTuple):
    """What every sentence may look at."""

    request: Request
    inputs: Inputs
    decision: Decision
    name: Namer


def explain(
    request: Request, inputs: Inputs, decision: Decision, *, who: str | None = None, name: Namer = str
) -> list[str]:
    """Sentences: the verdict, what gave or stopped the access, and what would have to be true.

    A sentence with a list in it has several lines. ``who`` stands for the caller where somebody acts as it; ``name``
    says how ids are called.
    """
    answer = _Answer(request, inputs, decision, lambda id: one_line(name(id)))
    sentences = [_verdict(answer, who), *_reasons(answer)]
    if decision.verdict is Verdict.IMPLICITLY_DENIED:
        sentences += _missing(answer)
        sentences += not_asked_for(request, inputs.settings, decision.because)
    sentences += [*_condition(answer), *_unseen(answer)]
    if rests_on_encryption(request, inputs):
        sentences.append("Requests are taken to be encrypted in transit.")
    return list(dict.fromkeys(sentences))


def words_of(request: Request, inputs: Inputs, decision: Decision) -> dict[str, str]:
    """The words of ``explain`` that need explaining, with what they mean."""
    answer = _Answer(request, inputs, decision, str)
    denying = [_stated(answer, reason) for reason in decision.because if reason.effect == "Deny"]
    keys = [item.key_text for statement in denying if statement is not None for item in statement.conditions]
    return glossary(request.action, decision, keys)


def _verdict(answer: _Answer, who: str | None) -> str:
    request, decision = answer.request, answer.decision
    subject = one_line(who) if who else _who(request.principal, answer.name)
    what = one_line(f"do {request.action} on {request.resource}")
    if decision.verdict is Verdict.ALLOWED:
        return f"{subject} can {what}."
    if decision.verdict is Verdict.CONDITIONAL:
        if decision.residual is not None and by_caller_only(decision.residual):
            return f"{subject} can {what}, by choosing how it calls."
        return f"{subject} can {what}, but only under conditions."
    stopped = "explicitly denied" if decision.verdict is Verdict.EXPLICITLY_DENIED else "not allowed"
    return f"{subject} cannot {what}: it is {stopped}."


def _who(principal: Principal, name: Namer) -> str:
    if principal.kind == "anonymous":
        return "Anyone, without signing in,"
    if principal.kind == "account":
        return f"A principal of account {principal.text}"
    return _started(name(principal.text))


def _started(text: str) -> str:
    """A phrase as the start of a sentence: ids and addresses keep their letters."""
    return text[:1].upper() + text[1:] if text.partition(" ")[0].isalpha() else text


def _lines(start: str, told: list[str], end: str = ".") -> str:
    """A sentence that ends with a condition, which may have several lines."""
    return "\n".join([f"{start} {told[0]}", *told[1:]]) + end


# -- what decided


def _reasons(answer: _Answer) -> Iterator[str]:
    for reason in answer.decision.because:
        if reason.layer == "rule" and reason.policy == "M6":
            yield one_line(lacking(answer.request.action, answer.decision.because))
        elif reason.layer == "rule" and reason.policy in ("L10", "L13") and reason.effect == "none":
            yield _refused(answer.request, reason.policy)
        elif reason.layer == "rule":
            yield _RULES.get((reason.policy or "", reason.effect), f"A fixed rule of AWS applies ({reason.policy}).")
        elif reason.effect == "none":
            yield from _silent(answer, reason)
        elif reason.effect == "Allow" and reason.layer == "resource" and reason.statement is None:
            yield _beside_policies(answer, reason.policy or "")
        elif reason.effect == "Allow":
            yield f"{_source(answer, reason)} allows it."
        else:
            yield from _denial(answer, reason)


def _refused(request: Request, number: str) -> str:
    action = request.action.lower()
    if not asks_for(request.principal.kind, action):
        return "An identity provider asks for nothing itself: who signs in at it acts as a role that trusts it."
    return _OF_STS.get("gone" if request.principal.gone else action, _RULES[number, "none"])


def _silent(answer: _Answer, reason: Because) -> Iterator[str]:
    """A layer that had to allow and does not."""
    named = answer.name(reason.policy) if reason.policy else ""
    if reason.layer == "scp":
        yield f"No service control policy {_set_on([named])} allows it, and each level of the organisation has to."
    elif reason.layer == "identity":
        yield "No statement of the caller's own policies allows it."
    elif reason.layer in ("boundary", "session"):
        said = f"No statement of {_LAYERS[reason.layer]}{f' ({named})' if named else ''} allows it"
        yield f"{said}, and nothing is allowed beyond that limit."
    elif _is_point(answer, reason):
        yield from _silent_point(answer, named)
    elif reason.layer == "resource" and not named:
        if _may_carry_a_policy(answer.request):
            yield "The resource has no policy of its own that would allow it."
    else:
        yield f"No statement of {_LAYERS[reason.layer]}{f' ({named})' if named else ''} allows it."


def _silent_point(answer: _Answer, named: str) -> Iterator[str]:
    """An access point whose policy, `named`, gives no Allow; without policy it is named itself (L7)."""
    if named == _point(answer):
        yield f"The access point {named} has no policy of its own that would allow it."
    else:
        yield f"No statement of the access point's own policy ({named}) allows it."


def _beside_policies(answer: _Answer, document: str) -> str:
    """What gives access to keys and buckets beside policies: KMS grants and ACLs, which may not be certain to (L7)."""
    request, settings = answer.request, answer.inputs.settings
    if document == settings.grants_document:
        return "A KMS grant on the key may allow it: its grants were not read."
    if document not in (settings.acl_document, settings.object_acl_document):
        grant = document.rpartition("#")[2].removeprefix("grant:")
        return f"A KMS grant on the key ({one_line(grant)}) may allow it."
    found, named = acl_side(request, request.action.lower(), settings), answer.name(document)
    sure = found is not None and disjunction(found.side) is TRUE
    called = f"The access control list {named}" if named == document else _started(named)
    return f"{called} {'allows' if sure else 'may allow'} it."


def _may_carry_a_policy(request: Request) -> bool:
    """Whether this kind of resource can have a policy that gives access; foreign ones must have one."""
    parts = request.resource.split(":", 5)
    if parts[2:3] == ["iam"] and request.action.lower() not in TRUST_ACTIONS:
        return False
    return len(parts) == 6 and (_crosses(request) or bool(uncollected_type(parts)))


def _source(answer: _Answer, reason: Because) -> str:
    """Which statement of which policy, and what kind of policy that is."""
    policy = reason.policy or ""
    kind = "the access point's own policy" if _is_point(answer, reason) else _LAYERS.get(reason.layer, "")
    if reason.layer in ("scp", "rcp"):
        levels = answer.inputs.scps if reason.layer == "scp" else answer.inputs.rcps
        places = [answer.name(level.name) for level in levels if _holds(level, policy)]
        kind = f"the organisation's limit {_set_on(places)}"
    return f"{one_line(_statement(reason.sid, reason.statement))} of {answer.name(policy)} ({kind})"


def _holds(level: Level, policy: str) -> bool:
    return any(ref.id == policy for ref in level.policies)


def _set_on(places: list[str]) -> str:
    return f"on {' and '.join(places)}" if any(places) else "on the account"


def _denial(answer: _Answer, reason: Because) -> Iterator[str]:
    residual, said = answer.decision.residual, _source(answer, reason)
    escape = _escape(reason, residual)
    if escape is not None:
        yield _lines(f"{said} would deny it unless", in_lines(escape, answer.name))
    elif residual is not None:
        tests = _tests(_stated(answer, reason), reason)
        told = in_lines(tests, answer.name) if tests is not None else ["the resource is one that it is about"]
        yield _lines(f"{said} would deny it where", told)
    else:
        yield f"{said} denies it."
        yield from _exceptions(answer, _stated(answer, reason), reason)


def _exceptions(answer: _Answer, statement: Statement | None, reason: Because) -> Iterator[str]:
    """Whom or what a Deny that applies would spare: its own conditions, and the names of a NotPrincipal."""
    if statement is None:
        return
    has_boundary = bool(answer.inputs.boundary)
    yield from spared(answer.request.principal, statement, reason, answer.name, has_boundary=has_boundary)
    tests = _tests(statement, reason)
    if tests is not None:
        yield _lines("It does not apply where", in_lines(tests, answer.name, holds=False))


def _tests(statement: Statement | None, reason: Because) -> Residual | None:
    """What a statement's own conditions ask for, known or not; ``None`` for no condition."""
    where = Where(reason.layer, reason.policy or "", reason.sid, reason.statement)
    tests = tuple(
        KeyLeaf(item.key_text, item.operator_text, item.values, "environment", where)
        for item in (() if statement is None else statement.conditions)
    )
    return All(tests) if len(tests) > 1 else tests[0] if tests else None


def _stated(answer: _Answer, reason: Because) -> Statement | None:
    """The statement that a reason names."""
    inputs = answer.inputs
    for ref in _documents(inputs):
        if ref.id == reason.policy and ref.document is not None and reason.statement is not None:
            return next((each for each in ref.document.statements if each.index == reason.statement), None)
    return None


def _documents(inputs: Inputs) -> Iterator[PolicyRef]:
    yield from (*inputs.identity, *inputs.boundary, *(inputs.session or ()), *inputs.vpce)
    for level in (*inputs.scps, *inputs.rcps):
        yield from level.policies
    if inputs.resource is not None:
        yield inputs.resource
    yield from inputs.shares
    if inputs.settings.access_point is not None and inputs.settings.access_point.policy is not None:
        yield inputs.settings.access_point.policy


def _point(answer: _Answer) -> str:
    """The access point of S3 that the request goes through; empty for none."""
    point = answer.inputs.settings.access_point
    return "" if point is None else point.arn


def _is_point(answer: _Answer, reason: Because) -> bool:
    """Whether a reason is about the access point that the request goes through, not about its bucket."""
    point = answer.inputs.settings.access_point
    if point is None or reason.layer != "resource":
        return False
    return reason.policy == (point.arn if point.policy is None else point.policy.id)


def _statement(sid: str | None, index: int | None) -> str:
    if sid:
        return f"Statement `{sid}`"
    return "The policy" if index is None else f"Statement {index + 1}"


# -- what would have to be true


def _condition(answer: _Answer) -> Iterator[str]:
    residual = answer.decision.residual
    if residual is None:
        return
    if not any(reason.effect == "Allow" for reason in answer.decision.because):
        yield "Nothing that was read allows it."
    told = any(r.effect == "Deny" and _escape(r, residual) == residual for r in answer.decision.because)
    if not told:
        yield _lines("It is allowed exactly when", in_lines(residual, answer.name))
    if by_caller_only(residual):
        yield "The caller can bring this about by the way it makes the call."


def _escape(reason: Because, residual: Residual | None) -> Residual | None:
    """The part of what must hold that keeps a Deny from applying; ``None`` where it is no part of its own."""
    if residual is None:
        return None
    origin = Where(reason.layer, reason.policy or "", reason.sid, reason.statement)
    parts = residual.items if isinstance(residual, All) else (residual,)
    found = tuple(part for part in parts if _origins(part) == {origin})
    if not found:
        return None
    return residual if len(found) == len(parts) else found[0] if len(found) == 1 else All(found)


def _origins(part: Residual) -> set[Where | None]:
    """The statements that the leaves of a part come from; ``None`` for what comes from no statement."""
    return {None if isinstance(leaf, DocumentLeaf) else leaf.where for leaf in leaves(part)}


def _missing(answer: _Answer) -> Iterator[str]:
    """What would have to be added where nothing allows; nothing where AWS itself refuses."""
    silent = [reason for reason in answer.decision.because if reason.effect == "none"]
    layers = {reason.layer for reason in silent}
    needed = _granting(answer, silent)
    for reason in silent:
        if reason.layer == "scp":
            needed += [f"a service control policy {_set_on([answer.name(reason.policy or '')])}"]
    if "vpce" in layers:
        needed += ["the VPC endpoint policy"]
    if not needed:
        return
    foreign = _foreign(answer)
    if foreign and answer.request.principal.kind not in WITHOUT_IDENTITY:
        yield both_sides(foreign, answer.request)
    yield f"For this to be allowed, {' and '.join(needed)} would have to allow it."


_OWN = {
    "identity": "one of the caller's own policies",
    "boundary": "the permissions boundary",
    "session": "the session policy",
}


def _granting(answer: _Answer, silent: list[Because]) -> list[str]:
    """The policies of caller and resource that would have to allow it, those enough alone joined by "or"."""
    request = answer.request
    own = [words for layer, words in _OWN.items() if any(reason.layer == layer for reason in silent)]
    if any(reason.layer == "rule" and reason.policy == "L9" for reason in silent):
        own.append("a session policy")
    resource = " and ".join(_called(answer, reason) for reason in silent if reason.layer == "resource")
    if not resource:
        return own
    alone = request.principal.kind in WITHOUT_IDENTITY or request.action.lower() in FEDERATED_ACTIONS
    if alone or _foreign(answer) or not own:
        return [resource] if alone else [*own, resource]
    if needs_resource_policy(request.action.lower(), request.resource):
        return [f"{resource}, naming the caller itself,"]
    if _may_carry_a_policy(request):
        return [f"{' and '.join(own)} (or {resource}, naming the caller itself)"]
    return own


def _called(answer: _Answer, reason: Because) -> str:
    """The policy of the resource's side that gave no Allow."""
    if not _point(answer):
        return "the resource's own policy"
    return f"the {'access point' if _is_point(answer, reason) else 'bucket'}'s own policy"


def _foreign(answer: _Answer) -> str:
    """What of resource and access point is in another account than the caller; empty for neither."""
    if _crosses(answer.request):
        return "resource"
    point = answer.inputs.settings.access_point
    return "access point" if point is not None and point.account != answer.request.principal.account else ""


def _crosses(request: Request) -> bool:
    return request.resource_account not in (None, request.principal.account)


def _unseen(answer: _Answer) -> list[str]:
    """Documents that nobody read, save those that the condition names."""
    residual = answer.decision.residual
    said = {leaf.document for leaf in leaves(residual) if isinstance(leaf, DocumentLeaf)} if residual else set()
    unread = [ref.id for ref in _documents(answer.inputs) if ref.document is None and ref.id not in said]
    return [f"{_started(answer.name(id))} was not read." for id in unread]
