"""An answer in plain English, for someone who does not know IAM."""

from __future__ import annotations

from collections.abc import Callable

from policy.expression import All, Constant, DocumentLeaf, KeyLeaf, Not, Residual, ResourceLeaf, Some, Where, leaves
from policy.inputs import Inputs
from policy.request import Principal, Request
from policy.residual import by_caller_only
from policy.verdicts import Because, Decision, Verdict

_LAYERS = {
    "identity": "the caller's own policies",
    "boundary": "the caller's permissions boundary",
    "session": "the session policy",
    "scp": "the organisation's service control policies",
    "rcp": "the organisation's resource control policies",
    "resource": "the resource's own policy",
    "vpce": "the VPC endpoint policy",
}
_RULES = {
    ("L1", "Allow"): "AWS asks for no permission for this action.",
    ("L7", "Allow"): "A KMS grant on the key allows it.",
    (
        "L7",
        "Deny",
    ): "S3 Block Public Access turns off public and cross-account access, because the bucket policy is public.",
    ("L10", "Allow"): "The root user may do everything in its own account that the organisation does not forbid.",
    ("L10", "none"): "The root user of an account cannot assume roles.",
    ("L12", "none"): "AWS lets nobody change this role or policy through IAM: AWS itself manages it.",
    ("L17", "none"): "AWS does not let another account do this, whatever the policies say.",
    ("account", "Allow"): "Some principal of that account, whose own policies allow it, is asking.",
}
#: Operator: (what is said when it holds, what is said when it does not).
_OPERATORS = {
    "stringequals": ("is", "is not"),
    "stringequalsignorecase": ("is, in any case,", "is not, in any case,"),
    "stringlike": ("matches", "does not match"),
    "arnequals": ("matches", "does not match"),
    "arnlike": ("matches", "does not match"),
    "bool": ("is", "is not"),
    "ipaddress": ("is in", "is not in"),
    "binaryequals": ("is", "is not"),
    "numericequals": ("is", "is not"),
    "numericlessthan": ("is less than", "is not less than"),
    "numericlessthanequals": ("is at most", "is not at most"),
    "numericgreaterthan": ("is more than", "is not more than"),
    "numericgreaterthanequals": ("is at least", "is not at least"),
    "dateequals": ("is", "is not"),
    "datelessthan": ("is before", "is not before"),
    "datelessthanequals": ("is at or before", "is not at or before"),
    "dategreaterthan": ("is after", "is not after"),
    "dategreaterthanequals": ("is at or after", "is not at or after"),
}
_SETS = {
    ("forallvalues", True): "every value of ",
    ("forallvalues", False): "not every value of ",
    ("foranyvalue", True): "some value of ",
    ("foranyvalue", False): "no value of ",
}
_MAX_DEPTH = 6

#: From the id of a principal, a policy or a document to what people call it.
Namer = Callable[[str], str]


def explain(
    request: Request, inputs: Inputs, decision: Decision, *, who: str | None = None, name: Namer = str
) -> list[str]:
    """Sentences: the verdict, what gave or stopped the access, and what would have to be true.

    ``who`` stands for the caller where somebody acts as it; ``name`` says how ids are called.
    """
    sentences = [_verdict(request, decision, who, name)]
    sentences += [_because(reason, decision.residual, name) for reason in decision.because]
    residual = decision.residual
    if residual is not None:
        if not any(reason.effect == "Deny" and _escape(reason, residual) == residual for reason in decision.because):
            sentences.append(f"It is allowed exactly when {in_words(residual, name)}.")
        if by_caller_only(residual):
            sentences.append("The caller can bring this about by the way it makes the call.")
    sentences += _unseen(inputs, residual, name)
    return list(dict.fromkeys(sentences))


def _verdict(request: Request, decision: Decision, who: str | None, name: Namer) -> str:
    subject = who or _who(request.principal, name)
    what = f"do {request.action} on {request.resource}"
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


def _because(reason: Because, residual: Residual | None, name: Namer) -> str:
    if reason.layer == "rule":
        return _RULES.get((reason.policy or "", reason.effect), f"A fixed rule of AWS applies ({reason.policy}).")
    if reason.effect == "none":
        if reason.layer == "resource" and reason.policy is None:
            return "The resource has no policy of its own that would allow it."
        named = f" ({name(reason.policy)})" if reason.policy else ""
        return f"No statement of {_LAYERS[reason.layer]}{named} allows it."
    said = f"{_statement(reason.sid, reason.statement)} of {name(reason.policy or '')} ({_LAYERS[reason.layer]})"
    if reason.effect == "Allow":
        return f"{said} allows it."
    escape = _escape(reason, residual)
    if escape is not None:
        return f"{said} would deny it unless {in_words(escape, name)}."
    return f"{said} denies it." if residual is None else f"{said} would deny it under conditions."


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


def _statement(sid: str | None, index: int | None) -> str:
    if sid:
        return f"Statement `{sid}`"
    return "The policy" if index is None else f"Statement {index + 1}"


def _unseen(inputs: Inputs, residual: Residual | None, name: Namer) -> list[str]:
    """Documents that nobody read, save those that the condition names."""
    listed = [*inputs.identity, *inputs.boundary, *(inputs.session or ()), *inputs.vpce]
    listed += [ref for level in (*inputs.scps, *inputs.rcps) for ref in level.policies]
    if inputs.resource is not None:
        listed.append(inputs.resource)
    said = {leaf.document for leaf in leaves(residual) if isinstance(leaf, DocumentLeaf)} if residual else set()
    return [f"{_started(name(ref.id))} was not read." for ref in listed if ref.document is None and ref.id not in said]


def in_words(residual: Residual, name: Namer = str, depth: int = 0, *, holds: bool = True) -> str:
    """A residual as a phrase, or (``holds`` false) its denial; deep trees are cut short."""
    if isinstance(residual, Constant):
        return "nothing more is needed" if residual.value is holds else "nothing can help"
    if isinstance(residual, Not):
        return in_words(residual.item, name, depth, holds=not holds)
    if isinstance(residual, DocumentLeaf):
        return _document(residual.document, name, holds=holds)
    if isinstance(residual, ResourceLeaf):
        return f"the resource {'matches' if holds else 'does not match'} {residual.pattern}"
    if isinstance(residual, KeyLeaf):
        return _condition(residual, holds=holds)
    if depth >= _MAX_DEPTH:
        return "further conditions hold"
    assert isinstance(residual, (All, Some))
    joint = " and " if isinstance(residual, All) is holds else " or "
    phrases = joint.join(dict.fromkeys(in_words(item, name, depth + 1, holds=holds) for item in residual.items))
    return f"({phrases})" if depth else phrases


def _document(id: str, name: Namer, *, holds: bool) -> str:
    """What a document that nobody read would have to say (semantics U6)."""
    called = name(id)
    if id.startswith("account:"):
        return f"the policies of {called} {'' if holds else 'do not '}allow it"
    if id.lower().replace("-", "").endswith("publicaccessblock"):
        return f"{called}, which was not read, {'stops it' if holds else 'does not stop it'}"
    return f"{called}, which was not read, {'allows it' if holds else 'does not allow it'}"


def _condition(leaf: KeyLeaf, *, holds: bool) -> str:
    prefix, _, operator = leaf.operator.rpartition(":")
    base = operator.lower()
    if base == "null":
        present = any(value.lower() == "false" for value in leaf.values) is holds
        return f"the request {'has' if present else 'does not have'} {leaf.key}"
    optional, base = base.endswith("ifexists"), base.removesuffix("ifexists")
    positive = base.replace("not", "", 1) if base not in _OPERATORS else base
    kinds = _OPERATORS.get(positive)
    # With a set operator the word before the key says whether the whole holds, the verb what is asked of each value.
    alike = (positive == base) is (holds or bool(prefix))
    verb = kinds[0 if alike else 1] if kinds else f"{'' if holds else 'not '}{leaf.operator}"
    subject = "the session's own name" if leaf.session else _SETS.get((prefix.lower(), holds), "") + leaf.key
    chosen = " (the caller's choice)" if leaf.by == "caller" else ""
    there = ""
    if optional:  # that it is a certain value says already that it is there
        there = ", if it is there at all" if holds else "" if alike and not prefix else ", and is there"
    return f"{subject}{chosen} {verb} {_values(leaf.values, alike=alike)}{there}"


def _values(values: tuple[str, ...], *, alike: bool) -> str:
    """Values of which one is enough, or (``alike`` false) of which it may be none."""
    quoted = [f"`{value}`" for value in values]
    if len(quoted) < 2:
        return "".join(quoted) or "nothing"
    if not alike:
        return f"any of {', '.join(quoted)}"
    return f"{', '.join(quoted[:-1])} or {quoted[-1]}"
