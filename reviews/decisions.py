"""The rules of decisions: what each kind needs, when a reason is required, who may decide."""

from __future__ import annotations

import unicodedata
from datetime import date, timedelta

import msgspec

from reviews.errors import DecisionError
from reviews.people import OWN, day_of, is_own, name_of
from reviews.projection import Standing
from reviews.records import DECISIONS, Decision, Item

LONGEST_REASON = 4_000
LONGEST_LINE = 500
#: An exception ends; who still needs it then says so again.
LONGEST_EXCEPTION = timedelta(days=366)

#: Fields that a kind needs, and those that it may have besides ``reason``.
_NEEDS = {
    "attest": ((), ()),
    "revoke": ((), ()),
    "modify": (("to",), ()),
    "exception": (("control", "until"), ("owner",)),
    "abstain": ((), ("hand_to",)),
}
_NAMES = {
    "to": "the lower access to change it to",
    "control": "the control that compensates for it",
    "until": "the date on which it ends",
    "owner": "who answers for it",
    "hand_to": "whom to ask instead",
}
#: Codes of signals of an escalation path begin so.
_ESCALATION = "escalat"
#: Marks that change the order of the text around them: a reason must read as it was written.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


def needs_reason(item: Item) -> str:
    """Why a reason is required to keep the item, in words; empty when none is."""
    if item.privileged:
        return "this is privileged access"
    if item.external:
        return "somebody outside the organisation has this access"
    if any(signal.code.startswith(_ESCALATION) for signal in item.signals):
        return "this access is part of a way to become administrator"
    if item.risk in ("critical", "high"):
        return f"the risk of this access is {item.risk}"
    if item.recommendation.verdict == "remove":
        return "the recommendation is to remove it"
    return ""


def checked(decision: Decision, item: Item, decider: str, today: date) -> Decision:
    """The decision with its texts cleaned, or ``DecisionError`` for one that lacks what its kind needs."""
    if decision.kind not in DECISIONS:
        raise DecisionError(f"unknown decision `{decision.kind}`: expected {', '.join(DECISIONS)}")
    clean = _cleaned(decision)
    needed, allowed = _NEEDS[clean.kind]
    for name in needed:
        if not getattr(clean, name):
            raise DecisionError(f"`{clean.kind}` needs {_NAMES[name]}")
    for name in _NAMES:
        if getattr(clean, name) and name not in (*needed, *allowed):
            raise DecisionError(f"`{clean.kind}` has no use for {_NAMES[name]}: leave it out")
    if clean.kind == "exception":
        _check_until(clean.until, today)
        clean = msgspec.structs.replace(clean, owner=name_of(clean.owner) if clean.owner else decider)
    if clean.hand_to:
        clean = msgspec.structs.replace(clean, hand_to=name_of(clean.hand_to))
        if clean.hand_to == decider:
            raise DecisionError(f"`{decider}` cannot hand the item to themselves")
    why = reason_required(clean, item)
    if why and not clean.reason:
        raise DecisionError(f"a reason is required: {why}")
    return clean


def reason_required(decision: Decision, item: Item) -> str:
    """Why this decision on this item needs a reason; empty when it does not."""
    if decision.bulk:
        return "the decision is made on many items at once"
    if decision.kind in ("exception", "modify"):
        return f"the decision is `{decision.kind}`"
    if overrides(decision, item):
        return f"the recommendation is to {item.recommendation.verdict} it"
    return needs_reason(item) if decision.kind == "attest" else ""


def overrides(decision: Decision, item: Item) -> bool:
    """Whether the decision goes against the recommendation that was shown."""
    return (decision.kind, item.recommendation.verdict) in (("attest", "remove"), ("revoke", "keep"))


def why_not(item: Item, standing: Standing, phase: str, name: str, roles: frozenset[str]) -> str:
    """Why this person may not decide on the item, in words; empty when they may."""
    if phase != "open":
        return "the review is signed off" if phase == "signed-off" else "the review is closed"
    if is_own(item, name) or (standing.reviewer == name and standing.conflict.startswith(OWN)):
        return "it is your own access: nobody decides on themselves"
    if standing.reviewer != name:
        return f"it is assigned to {standing.reviewer}"
    if not roles & {"reviewer", "admin"}:
        return "you do not have the role reviewer"
    if standing.conflict and not by_hand(standing.rule):
        return f"you are not independent: {standing.conflict}; the owner of the review has to hand it to somebody"
    if standing.state == "abstain":
        return "you handed it over: the owner of the review has to name somebody else"
    return ""


#: The rules that the ledger has for an assignment that a person made.
BY_OWNER = "assigned by the owner"
DELEGATED = "handed on by the reviewer"


def by_hand(rule: str) -> bool:
    """Whether the owner assigned the item with a reason, and so answers for a conflict."""
    return rule == BY_OWNER


def text(value: str, what: str, longest: int) -> str:
    """A text that people typed: trimmed, lines ending in LF; raises ``DecisionError`` for what must not be in one."""
    clean = unicodedata.normalize("NFC", value.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if len(clean) > longest:
        raise DecisionError(f"{what} is too long: {len(clean)} characters, at most {longest}")
    for char in clean:
        if char in _TURNING or (unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t"):
            raise DecisionError(f"{what} has a character that cannot be printed (U+{ord(char):04X}): leave it out")
    return clean


def _cleaned(decision: Decision) -> Decision:
    lines = {name: text(getattr(decision, name), words, LONGEST_LINE) for name, words in _NAMES.items()}
    for name, line in lines.items():
        if "\n" in line:
            raise DecisionError(f"{_NAMES[name]} is one line")
    return msgspec.structs.replace(decision, reason=text(decision.reason, "the reason", LONGEST_REASON), **lines)


def _check_until(until: str, today: date) -> None:
    day = day_of(until)
    if day is None:
        raise DecisionError(f"wrong end date `{until}`: expected YYYY-MM-DD")
    if day <= today:
        raise DecisionError(f"the end date `{until}` is not in the future")
    if day - today > LONGEST_EXCEPTION:
        raise DecisionError(f"the end date `{until}` is more than {LONGEST_EXCEPTION.days} days away")
