"""The remarks that a review of policies makes: their kinds, each with its rule, how serious they are, what they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from policy.document import Document, Statement

DocumentKind = Literal["identity", "boundary", "session", "scp", "rcp", "resource", "trust", "vpce"]
#: Layers whose documents name no principal: IAM and Organizations refuse the element there.
WITHOUT_PRINCIPAL: tuple[DocumentKind, ...] = ("identity", "boundary", "session", "scp")
Severity = Literal["critical", "high", "medium", "low"]
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low")


class KindOfRemark(NamedTuple):
    """`source`: the rule of `semantics.md`, or the AWS page. `idle`: what is named does nothing as it stands; otherwise
    it acts, but not as it reads. `deny`, `allow`: how serious it is in a statement of that effect: a Deny that does not
    act is a guard that is not there.
    """

    source: str
    idle: bool
    deny: Severity
    allow: Severity


_CHECKS = "access-analyzer-reference-policy-checks"
_KEYS = "reference_policies_condition-single-vs-multi-valued-context-keys"
KINDS: dict[str, KindOfRemark] = {
    "allow-in-rcp": KindOfRemark("L3", idle=True, deny="low", allow="low"),
    "action-without-resource": KindOfRemark("M5", idle=True, deny="medium", allow="low"),
    "deleted-principal": KindOfRemark("P2", idle=True, deny="medium", allow="low"),
    "empty-element": KindOfRemark(_CHECKS, idle=True, deny="high", allow="low"),
    "for-all-values-absent": KindOfRemark(f"C2, {_KEYS}", idle=False, deny="low", allow="medium"),
    "impossible-condition": KindOfRemark("C2, C5", idle=True, deny="high", allow="low"),
    "key-not-used": KindOfRemark(_CHECKS, idle=False, deny="low", allow="low"),
    "list-key": KindOfRemark("C3", idle=True, deny="high", allow="medium"),
    "mfa-absent": KindOfRemark("C2, U3", idle=False, deny="high", allow="low"),
    "not-of-trust": KindOfRemark("L6", idle=True, deny="medium", allow="low"),
    "not-principal-allow": KindOfRemark(f"M4, {_CHECKS}", idle=False, deny="low", allow="high"),
    "old-version-variable": KindOfRemark("M3", idle=False, deny="high", allow="medium"),
    "principal-misplaced": KindOfRemark(_CHECKS, idle=False, deny="low", allow="low"),
    "principal-missing": KindOfRemark(_CHECKS, idle=True, deny="high", allow="low"),
    "principal-wildcard": KindOfRemark("P1", idle=True, deny="high", allow="medium"),
    "repeated-statement": KindOfRemark(_CHECKS, idle=True, deny="low", allow="low"),
    "resource-mismatch": KindOfRemark("M2, M5", idle=True, deny="medium", allow="low"),
    "retired-service": KindOfRemark("https://aws.amazon.com/products/lifecycle/", idle=True, deny="low", allow="low"),
    "set-operator-on-single-key": KindOfRemark(_KEYS, idle=False, deny="low", allow="medium"),
    "sid-twice": KindOfRemark("reference_policies_elements_sid", idle=False, deny="low", allow="low"),
    "unknown-action": KindOfRemark(_CHECKS, idle=True, deny="medium", allow="low"),
    "unknown-principal": KindOfRemark("P1, P3", idle=True, deny="high", allow="medium"),
    "unknown-service": KindOfRemark(_CHECKS, idle=True, deny="medium", allow="low"),
    "unreadable-value": KindOfRemark("C4", idle=True, deny="medium", allow="low"),
}


@dataclass(frozen=True, slots=True)
class Remark:
    """One remark on one statement.

    `never`: it is certain that the statement acts on no request at all, whatever the request carries. `keys` are the
    condition keys that it is about.
    """

    kind: str
    statement: Statement
    sentence: str
    severity: Severity
    never: bool = False
    keys: tuple[str, ...] = ()

    @property
    def idle(self) -> bool:
        """Whether what it names does nothing as it stands."""
        return self.never or KINDS[self.kind].idle


@dataclass(frozen=True, slots=True)
class Subject:
    """A statement under review, in its document and layer."""

    document: Document
    statement: Statement
    kind: DocumentKind


def remark(subject: Subject, kind: str, sentence: str, *, never: bool = False, keys: Sequence[str] = ()) -> Remark:
    """A remark as serious as its kind is for the statement's effect."""
    rule = KINDS[kind]
    severity = rule.allow if subject.statement.allows else rule.deny
    return Remark(kind, subject.statement, sentence, severity, never, tuple(keys))


def some(texts: Sequence[str], most: int = 3) -> str:
    """The first texts in backticks, and how many there are besides."""
    listed = [f"`{text}`" for text in dict.fromkeys(texts)]
    shown, rest = listed[:most], len(listed) - most
    if rest > 0:
        return f"{', '.join(shown)} and {rest} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
