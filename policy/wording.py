"""What a residual asks for, in plain English: as one phrase, or as lines where a phrase would be too long.

Conditions keep AWS's names of keys and values, which are what somebody has to change; `policy.glossary` says what they
mean.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from policy.context_values import is_multivalued
from policy.expression import All, Constant, DocumentLeaf, KeyLeaf, Not, Residual, ResourceLeaf, Some, leaves

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
#: A condition of so many parts is one phrase; a longer one is told in lines.
_SHORT = 2
_MAX_DEPTH = 6

#: From the id of a principal, a policy or a document to what people call it.
Namer = Callable[[str], str]


def one_line(text: str) -> str:
    """A text that somebody chose, which must not begin a line of its own: what is not printable as an escape."""
    return "".join(sign if sign.isprintable() else f"\\x{ord(sign):02x}" for sign in text)


def in_words(residual: Residual, name: Namer = str, depth: int = 0, *, holds: bool = True) -> str:
    """A residual as a phrase, or (``holds`` false) its denial; deep trees are cut short."""
    if isinstance(residual, Constant):
        return "nothing more is needed" if residual.value is holds else "nothing can help"
    if isinstance(residual, Not):
        return in_words(residual.item, name, depth, holds=not holds)
    if isinstance(residual, DocumentLeaf):
        return one_line(_document(residual.document, name, holds=holds))
    if isinstance(residual, ResourceLeaf):
        return one_line(f"the resource {'matches' if holds else 'does not match'} `{residual.pattern}`")
    if isinstance(residual, KeyLeaf):
        return one_line(_condition(residual, name, holds=holds))
    if depth >= _MAX_DEPTH:
        return "further conditions hold"
    assert isinstance(residual, (All, Some))
    joint = " and " if isinstance(residual, All) is holds else " or "
    phrases = joint.join(dict.fromkeys(in_words(item, name, depth + 1, holds=holds) for item in residual.items))
    return f"({phrases})" if depth else phrases


def in_lines(residual: Residual, name: Namer = str, *, holds: bool = True) -> list[str]:
    """A residual as lines: one phrase where that is short, else a heading and an indented line for each part."""
    while isinstance(residual, Not):
        residual, holds = residual.item, not holds
    if not isinstance(residual, (All, Some)) or len(leaves(residual)) <= _SHORT:
        return [in_words(residual, name, holds=holds)]
    told = ["all of these hold:" if isinstance(residual, All) is holds else "one of these holds:"]
    for item in residual.items:
        first, *more = in_lines(item, name, holds=holds)
        told += [f"  - {first}", *(f"  {line}" for line in more)]
    return list(dict.fromkeys(told))


def _document(id: str, name: Namer, *, holds: bool) -> str:
    """What a document that nobody read would have to say."""
    called = name(id)
    if id.startswith("account:"):
        return f"the policies of {called} {'' if holds else 'do not '}allow it"
    if id.startswith("arn:") and "*" in id and "#" not in id:  # some other resource that the action needs as well
        return f"the policies {'' if holds else 'do not '}allow it on {called} too"
    if id.lower().replace("-", "").endswith("publicaccessblock"):
        return f"{called}, which was not read, {'does not stop it' if holds else 'stops it'}"
    if id.startswith("canonical-id:"):
        named = f"account {id.removeprefix('canonical-id:')} {'is' if holds else 'is not'} the one"
        return f"{named} that the access control list names by its canonical user id"
    return f"{called}, which was not read, {'allows it' if holds else 'does not allow it'}"


def _condition(leaf: KeyLeaf, name: Namer, *, holds: bool) -> str:
    prefix, _, operator = leaf.operator.rpartition(":")
    base = operator.lower()
    if base == "null":
        return _presence(leaf, present=any(value.lower() == "false" for value in leaf.values) is holds)
    optional, base = base.endswith("ifexists"), base.removesuffix("ifexists")
    positive = base.replace("not", "", 1) if base not in _OPERATORS else base
    if not prefix and not leaf.session and (optional or positive != base) and is_multivalued(leaf.key):
        # A list that is compared as if it were one value matches nothing: what counts is that it is not there (C3).
        return _presence(leaf, present=not holds)
    kinds = _OPERATORS.get(positive)
    # With a set operator the word before the key says whether the whole holds, the verb what is asked of each value.
    alike = (positive == base) is (holds or bool(prefix))
    verb = kinds[0 if alike else 1] if kinds else f"{'' if holds else 'not '}{leaf.operator}"
    subject = "the session's own name" if leaf.session else _SETS.get((prefix.lower(), holds), "") + leaf.key
    chosen = " (the caller's choice)" if leaf.by == "caller" else ""
    there = ""
    if optional:  # that it is a certain value says already that it is there
        there = ", if it is there at all" if holds else "" if alike and not prefix else ", and is there"
    if positive == "bool" and optional and not holds and leaf.values in (("true",), ("false",)):
        return f"{subject}{chosen} is `{'false' if leaf.values == ('true',) else 'true'}`"
    told = [_moment(value) if positive.startswith("date") else _called(value, name) for value in leaf.values]
    return f"{subject}{chosen} {verb} {_values(told, alike=alike)}{there}"


def _presence(leaf: KeyLeaf, *, present: bool) -> str:
    return f"the request {'has' if present else 'does not have'} {leaf.key}"


def _values(told: Sequence[str], *, alike: bool) -> str:
    """Values of which one is enough, or (``alike`` false) of which it may be none."""
    if len(told) < 2:
        return "".join(told) or "nothing"
    if not alike:
        return f"any of {', '.join(told)}"
    return f"{', '.join(told[:-1])} or {told[-1]}"


def _called(value: str, name: Namer) -> str:
    """A value in quotes; the ARN of one thing, or an account, by its name where it has one."""
    one = value.startswith("arn:") or (value.isdigit() and len(value) == 12)
    called = name(value) if one and not any(sign in value for sign in "*?$") else value
    return f"`{value}`" if called == value else called


def _moment(value: str) -> str:
    """A date of a condition, ISO 8601 or seconds since 1970, as people write it."""
    try:
        if value.lstrip("-").isdigit() and len(value.lstrip("-")) > 4:
            moment = datetime.fromtimestamp(int(value), UTC)
        else:
            moment = datetime.fromisoformat(value)
    except (ValueError, OverflowError, OSError):
        return f"`{value}`"
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    day = f"{moment.day} {moment:%B %Y}"
    return day if (moment.hour, moment.minute, moment.second) == (0, 0, 0) else f"{day}, {moment:%H:%M:%S} UTC"
