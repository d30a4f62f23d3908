"""Findings about policies: statements that never act or act otherwise than they read, and documents nobody could read;
and resources that whoever has an AWS account is let at.

One finding a kind and a statement of a policy, however many principals hold the policy. Which remark is made when is
`policy.review`; here it meets an inventory.

`state` of a finding: `dormant`: what it names does nothing as it stands. `latent`: it acts, but not as it reads, on
requests that perhaps nobody sends today. `conditional`: a document is not known, and every answer that hangs on it is
Conditional. Of an open resource it is the verdict. `first_seen` is the time of the snapshot: nothing is kept from one
to the next.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, get_args

from graph.open_to_accounts import OpenTo, anybody_may, open_to_any_account
from model.entities import IamPrincipal
from model.inventory import Inventory
from policy.assemble import Assembler
from policy.document import Document
from policy.remarks import KINDS, SEVERITIES, DocumentKind, Remark
from policy.review import review
from policy.verdicts import Verdict

NOT_PARSED = "policy-not-parsed"
NOT_READ = "policy-not-read"
OPEN_TO_ACCOUNTS = "open-to-any-account"
#: Every kind of finding, sorted.
FINDING_KINDS: tuple[str, ...] = tuple(sorted({*KINDS, NOT_PARSED, NOT_READ, OPEN_TO_ACCOUNTS}))
FINDING_STATES: tuple[str, ...] = ("allowed", "conditional", "blocked", "latent", "dormant")

#: So many actions are named in a sentence.
_ACTIONS_NAMED = 3

#: The layer that answers name for a kind of document: a trust policy is the role's resource policy.
_LAYERS = {kind: "resource" if kind == "trust" else kind for kind in get_args(DocumentKind)}


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding; `sentence` says it to people, `conditions` are the condition keys that it is about.

    `principal` is the user, role or group whose own policy it is, `None` for a policy that several may hold.
    """

    id: str
    kind: str
    principal: str | None
    target: str
    state: str
    conditions: tuple[str, ...]
    severity: str
    because: dict[str, Any]
    first_seen: str
    sentence: str

    def to_json(self) -> dict[str, Any]:
        """The finding in the shape of the contract."""
        return {
            "id": self.id,
            "kind": self.kind,
            "technique": None,
            "principal": self.principal,
            "target": self.target,
            "state": self.state,
            "conditions": list(self.conditions),
            "blocked_by": [],
            "severity": self.severity,
            "because": [self.because],
            "first_seen": self.first_seen,
        }


class _Held(NamedTuple):
    """A document of the inventory: `text` `None` where nobody could read it."""

    id: str
    kind: DocumentKind
    text: str | None
    holder: str | None = None
    managed_by_aws: bool = False


def findings(assembler: Assembler) -> list[Finding]:
    """Every finding about the policies of an inventory, the most serious first."""
    found: dict[str, Finding] = {}
    known = _Ids(assembler.inventory)
    reviewed: dict[tuple[Document, DocumentKind], tuple[Remark, ...]] = {}
    for held in _documents(assembler.inventory):
        document = assembler.ref(held.id, held.text).document
        if document is None:
            item = _unknown(assembler, held)
            found[item.id] = item
            continue
        key = (document, held.kind)
        if key not in reviewed:
            reviewed[key] = review(document, held.kind, known)
        for remark in reviewed[key]:
            item = _finding(assembler.inventory, held, remark)
            found.setdefault(item.id, item)
    for opened in open_to_any_account(assembler):
        item = _open(assembler.inventory, opened)
        found[item.id] = item
    return sorted(found.values(), key=_order)


def _order(finding: Finding) -> tuple[int, str, str, int]:
    statement = finding.because["statement"]
    return (
        SEVERITIES.index(finding.severity),
        finding.kind,
        finding.target,
        -1 if statement is None else statement,
    )


class _Ids:
    """Which unique ids exist, for `review`: what nobody collected may exist all the same."""

    def __init__(self, inventory: Inventory) -> None:
        data = inventory.data
        self._ids = {entity.id for entity in (*data.users, *data.roles)}
        self._complete = not data.unread_principals and all(account.collected for account in data.accounts)

    def __call__(self, id: str) -> bool | None:
        if id in self._ids:
            return True
        return False if self._complete else None


def _documents(inventory: Inventory) -> Iterator[_Held]:
    """Every document of an inventory in the role in which it stands, each once."""
    data = inventory.data
    limits = {user.boundary for user in data.users} | {role.boundary for role in data.roles}
    boundaries = {arn for arn in limits if arn}
    holders: list[IamPrincipal] = [*data.users, *data.groups, *data.roles]
    attached = {arn for holder in holders for arn in holder.attached}
    for arn in sorted(attached | boundaries | set(inventory.policies)):
        policy = inventory.policies.get(arn)
        kind: DocumentKind = "boundary" if arn in boundaries and arn not in attached else "identity"
        text = None if policy is None else policy.document
        yield _Held(arn, kind, text, managed_by_aws=arn.split(":", 5)[4:5] == ["aws"])
    yield from _inline(holders)
    for role in data.roles:
        if not (role.service_linked or role.permission_set_name is not None):  # AWS writes those (semantics L12)
            yield _Held(f"{role.arn}#trust", "trust", role.trust, role.arn)
    for resource in inventory.all_resources():
        if resource.policy != "":
            yield _Held(f"{resource.arn}#policy", "resource", resource.policy)
    for point in data.access_points:
        if point.policy != "":
            yield _Held(f"{point.arn}#policy", "resource", point.policy)
    for endpoint in data.endpoints:
        if endpoint.policy:
            yield _Held(f"{endpoint.id}#policy", "vpce", endpoint.policy)
    organization = inventory.organization
    for guardrail in organization.policies if organization is not None else ():
        yield _Held(guardrail.arn, guardrail.kind, guardrail.document, managed_by_aws=guardrail.aws_managed)


def _inline(holders: list[IamPrincipal]) -> Iterator[_Held]:
    """Inline policies; Identity Center copies one of a permission set to every account, which is one policy."""
    copies: set[tuple[str, str, str]] = set()
    for holder in holders:
        permission_set = getattr(holder, "permission_set_name", None)
        for inline in holder.inline:
            copy = (permission_set or holder.arn, inline.name, inline.document)
            if copy not in copies:
                copies.add(copy)
                yield _Held(f"{holder.arn}#inline:{inline.name}", "identity", inline.document, holder.arn)


def _finding(inventory: Inventory, held: _Held, remark: Remark) -> Finding:
    statement = remark.statement
    return Finding(
        id=_id(remark.kind, held.id, str(statement.index)),
        kind=remark.kind,
        principal=held.holder,
        target=held.id,
        state="dormant" if remark.idle else "latent",
        conditions=remark.keys,
        # Nobody but AWS can change its own policies.
        severity="low" if held.managed_by_aws else remark.severity,
        because={
            "layer": _LAYERS[held.kind],
            "policy": held.id,
            "sid": statement.sid,
            "statement": statement.index,
            "effect": statement.effect,
        },
        first_seen=inventory.data.taken,
        sentence=remark.sentence,
    )


def _unknown(assembler: Assembler, held: _Held) -> Finding:
    """A document that nobody could read, or that is no policy (semantics U6)."""
    reason = assembler.invalid.get(held.id) if held.text else None
    kind = NOT_READ if reason is None else NOT_PARSED
    told = "it could not be read" if reason is None else f"it is no policy that can be read, at {reason}"
    return Finding(
        id=_id(kind, held.id, ""),
        kind=kind,
        principal=held.holder,
        target=held.id,
        state="conditional",
        conditions=(),
        severity="medium" if reason is None else "high",
        because={"layer": _LAYERS[held.kind], "policy": held.id, "sid": None, "statement": None, "effect": "none"},
        first_seen=assembler.inventory.data.taken,
        sentence=f"{told}; answers that hang on it are Conditional",
    )


def _open(inventory: Inventory, opened: OpenTo) -> Finding:
    """A resource that whoever has an AWS account is let at."""
    sure = opened.verdict is Verdict.ALLOWED
    more = len(opened.actions) - _ACTIONS_NAMED
    named = ", ".join(opened.actions[:_ACTIONS_NAMED]) + (f" and {more} more" if more > 0 else "")
    return Finding(
        id=_id(OPEN_TO_ACCOUNTS, opened.arn, ""),
        kind=OPEN_TO_ACCOUNTS,
        principal=None,
        target=opened.arn,
        state="allowed" if sure else "conditional",
        conditions=opened.keys,
        severity="critical" if sure else "high",
        because=opened.because.to_json(),
        first_seen=inventory.data.taken,
        sentence=f"{anybody_may(opened.verdict)} do {named}",
    )


def _id(*parts: str) -> str:
    """The same for the same kind, policy and statement, whatever the snapshot."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
