"""An answer in plain English, for someone who does not know IAM."""

from __future__ import annotations

from policy.expression import All, Constant, DocumentLeaf, KeyLeaf, Not, Residual, ResourceLeaf, Some
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
_OPERATORS = {
    "stringequals": "is",
    "stringnotequals": "is not",
    "stringequalsignorecase": "is (in any case)",
    "stringnotequalsignorecase": "is not (in any case)",
    "stringlike": "matches",
    "stringnotlike": "does not match",
    "arnequals": "matches",
    "arnlike": "matches",
    "arnnotequals": "does not match",
    "arnnotlike": "does not match",
    "bool": "is",
    "ipaddress": "is in",
    "notipaddress": "is not in",
    "binaryequals": "is",
    "numericequals": "is",
    "numericnotequals": "is not",
    "numericlessthan": "is less than",
    "numericlessthanequals": "is at most",
    "numericgreaterthan": "is more than",
    "numericgreaterthanequals": "is at least",
    "dateequals": "is",
    "datenotequals": "is not",
    "datelessthan": "is before",
    "datelessthanequals": "is at or before",
    "dategreaterthan": "is after",
    "dategreaterthanequals": "is at or after",
}
_SETS = {"forallvalues": "every value of ", "foranyvalue": "some value of "}
_MAX_DEPTH = 6


def explain(request: Request, inputs: Inputs, decision: Decision) -> list[str]:
    """Sentences: the verdict, what gave or stopped the access, and what would have to be true."""
    sentences = [_verdict(request, decision)]
    sentences += [_because(reason) for reason in decision.because]
    if decision.residual is not None:
        sentences.append(f"It is allowed exactly when {in_words(decision.residual)}.")
        if by_caller_only(decision.residual):
            sentences.append("The caller can bring this about by the way it makes the call.")
    sentences += _unseen(inputs)
    return list(dict.fromkeys(sentences))


def _verdict(request: Request, decision: Decision) -> str:
    what = f"{_who(request.principal)} {{}} {request.action} on {request.resource}"
    if decision.verdict is Verdict.ALLOWED:
        return what.format("can do") + "."
    if decision.verdict is Verdict.CONDITIONAL:
        can = decision.residual is not None and by_caller_only(decision.residual)
        return what.format("can, by choosing how it calls, do" if can else "can under conditions do") + "."
    stopped = " is explicitly denied." if decision.verdict is Verdict.EXPLICITLY_DENIED else " is not allowed."
    return what.format("cannot do") + ": it" + stopped


def _who(principal: Principal) -> str:
    if principal.kind == "anonymous":
        return "Anyone, without signing in,"
    if principal.kind == "role":
        return f"A session of {principal.text}"
    if principal.kind == "account":
        return f"A principal of account {principal.text}"
    return principal.text


def _because(reason: Because) -> str:
    if reason.layer == "rule":
        return _RULES.get((reason.policy or "", reason.effect), f"A fixed rule of AWS applies ({reason.policy}).")
    if reason.effect == "none":
        layer = _LAYERS[reason.layer]
        named = f" ({reason.policy})" if reason.policy else ""
        if reason.layer == "resource" and reason.policy is None:
            return "The resource has no policy of its own that would allow it."
        return f"{layer[0].upper()}{layer[1:]}{named} did not allow it: no statement there matches."
    verb = "allows" if reason.effect == "Allow" else "denies"
    return f"{_statement(reason.sid, reason.statement)} of {reason.policy} ({_LAYERS[reason.layer]}) {verb} it."


def _statement(sid: str | None, index: int | None) -> str:
    if sid:
        return f"Statement `{sid}`"
    return "The policy" if index is None else f"Statement {index + 1}"


def _unseen(inputs: Inputs) -> list[str]:
    listed = [*inputs.identity, *inputs.boundary, *(inputs.session or ()), *inputs.vpce]
    listed += [ref for level in (*inputs.scps, *inputs.rcps) for ref in level.policies]
    if inputs.resource is not None:
        listed.append(inputs.resource)
    return [f"The document {ref.id} could not be collected." for ref in listed if ref.document is None]


def in_words(residual: Residual, depth: int = 0) -> str:
    """A residual as a phrase; deep trees are cut short."""
    if isinstance(residual, Constant):
        return "nothing more is needed" if residual.value else "nothing can help"
    if isinstance(residual, Not):
        return f"it is not so that {in_words(residual.item, depth + 1)}"
    if isinstance(residual, DocumentLeaf):
        return f"the document {residual.document}, which could not be collected, allows it"
    if isinstance(residual, ResourceLeaf):
        return f"the resource matches {residual.pattern}"
    if isinstance(residual, KeyLeaf):
        return _condition(residual)
    if depth >= _MAX_DEPTH:
        return "further conditions hold"
    assert isinstance(residual, (All, Some))
    joint = " and " if isinstance(residual, All) else " or "
    phrases = joint.join(in_words(item, depth + 1) for item in residual.items)
    return f"({phrases})" if depth else phrases


def _condition(leaf: KeyLeaf) -> str:
    prefix, _, name = leaf.operator.rpartition(":")
    base = name.lower()
    if base == "null":
        present = any(value.lower() == "false" for value in leaf.values)
        return f"the request {'has' if present else 'does not have'} {leaf.key}"
    optional = base.endswith("ifexists")
    words = _OPERATORS.get(base.removesuffix("ifexists"), leaf.operator)
    values = " or ".join(f"`{value}`" for value in leaf.values) or "nothing"
    subject = "the session's own name" if leaf.session else _SETS.get(prefix.lower(), "") + leaf.key
    chosen = " (the caller's choice)" if leaf.by == "caller" else ""
    return f"{subject}{chosen} {words} {values}{', if it is there at all' if optional else ''}"
