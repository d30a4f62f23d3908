"""The Principal and NotPrincipal elements (semantics P1-P4, L5, L8, L18)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from policy.expression import FALSE, TRUE, KeyLeaf, Residual, Where, conjunction, disjunction, negation
from policy.request import Principal, normal_service


class PrincipalShapeError(ValueError):
    """A Principal element that IAM would not accept: `path` inside the element, and the reason."""

    def __init__(self, reason: str, *path: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = path


class Grasp(NamedTuple):
    """How an element reaches a principal: each part is TRUE, FALSE or a residual.

    `direct`: by its own ARN, its session, `*`, its provider or its service: not limited by implicit denies (L5).
    `role`: by the ARN of the session's role: limited by boundary and session policy.
    `account`: by its account: only delegates.
    """

    direct: Residual
    role: Residual
    account: Residual


NOBODY = Grasp(FALSE, FALSE, FALSE)
EVERYBODY = Grasp(TRUE, FALSE, FALSE)
BY_ROLE = Grasp(FALSE, TRUE, FALSE)
BY_ACCOUNT = Grasp(FALSE, FALSE, TRUE)

_ACCOUNT = re.compile(r"\d{12}")
_ROOT = re.compile(r"arn:aws[\w-]*:iam::(\d{12}):root")
_ROLE = re.compile(r"arn:aws[\w-]*:iam::(\d{12}):role/(?:.*/)?([^/]+)")
_SESSION = re.compile(r"arn:aws[\w-]*:sts::(\d{12}):assumed-role/([^/]+)/(.+)")


@dataclass(frozen=True, slots=True)
class PrincipalElement:
    """A Principal element, sorted by what it names. `negated`: it is a NotPrincipal."""

    negated: bool
    everyone: bool = False
    accounts: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    role_names: frozenset[tuple[str, str]] = frozenset()
    sessions: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    services: frozenset[str] = frozenset()
    federated: frozenset[str] = frozenset()
    any_federated: bool = False
    canonical: frozenset[str] = frozenset()

    def reach(self, principal: Principal, where: Where) -> Grasp:
        """How the listed names reach a principal, the element read as a plain Principal (P1-P3)."""
        if self.everyone:
            return EVERYBODY
        kind = principal.kind
        if kind == "service":
            return EVERYBODY if normal_service(principal.text) in self.services else NOBODY
        if kind in ("oidc-provider", "saml-provider"):
            named = self.any_federated or principal.text in self.federated
            return EVERYBODY if named else NOBODY
        if kind == "anonymous":
            return NOBODY
        account = TRUE if self._names_account(principal) else FALSE
        if kind in ("role", "session"):
            return Grasp(self._names_session(principal, where), self._names_role(principal), account)
        if principal.text in self.names or (principal.unique_id is not None and principal.unique_id in self.names):
            return Grasp(TRUE, FALSE, account)
        return BY_ACCOUNT if account is TRUE else NOBODY

    def _names_account(self, principal: Principal) -> bool:
        if principal.canonical_id is not None and principal.canonical_id in self.canonical:
            return True
        return principal.account in self.accounts

    def _names_role(self, principal: Principal) -> Residual:
        """A role ARN covers its sessions (P1); `AROA…` is the role's own id (P2)."""
        if principal.unique_id is not None and principal.unique_id in self.names:
            return TRUE
        if principal.role_arn is not None:
            return TRUE if principal.role_arn in self.names else FALSE
        # A session ARN has no path: without the role's ARN any path will do (C6).
        return TRUE if (principal.account, principal.role_name) in self.role_names else FALSE

    def _names_session(self, principal: Principal, where: Where) -> Residual:
        names = self.sessions.get((principal.account or "", principal.role_name or ""))
        if not names:
            return FALSE
        if principal.kind == "session":
            return TRUE if principal.session_name in names else FALSE
        # L18: the caller chooses the name of its session, so a grant to one name is there for the choosing.
        return KeyLeaf("sts:RoleSessionName", "StringEquals", names, "caller", where, session=True)

    def grasp(self, principal: Principal, where: Where, *, allows: bool, has_boundary: bool) -> Grasp:
        """How a statement with this element reaches a principal, NotPrincipal included (P4, L8)."""
        listed = self.reach(principal, where)
        if not self.negated:
            return listed
        if not allows and has_boundary and principal.kind in ("user", "role", "session"):
            return EVERYBODY
        spared = disjunction(listed) if allows else self._spared(principal, listed)
        return Grasp(negation(spared), FALSE, FALSE)

    def _spared(self, principal: Principal, listed: Grasp) -> Residual:
        """P4: Deny with NotPrincipal spares a user only if it and its account are listed, a session only if session,
        role and account are."""
        if self.everyone:
            return TRUE
        if principal.kind in ("role", "session"):
            return conjunction(listed)
        if principal.kind in ("user", "federated-user"):
            return conjunction((listed.direct, listed.account))
        return disjunction(listed)


def compile_principals(raw: Any, *, negated: bool) -> PrincipalElement:
    """Sort the names of an element; raises `PrincipalShapeError`."""
    if raw == "*":
        return PrincipalElement(negated, everyone=True)
    if isinstance(raw, str) and (raw.startswith("arn:") or _ACCOUNT.fullmatch(raw)):
        # Not in IAM's grammar, but some services' own stores, and emulators of them, write a lone name so.
        raw = {"AWS": raw}
    if not isinstance(raw, Mapping):
        raise PrincipalShapeError(f"`{raw!r}` is neither `*` nor an object of principals")
    lists: dict[str, tuple[str, ...]] = {}
    for kind, value in raw.items():
        if kind not in ("AWS", "Service", "Federated", "CanonicalUser", "*"):
            raise PrincipalShapeError(f"`{kind}` is no kind of principal", str(kind))
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise PrincipalShapeError(f"`{value!r}` is neither a text nor a list of texts", kind)
        lists[kind] = tuple(items)
    return _sorted(lists, negated)


def _sorted(lists: Mapping[str, tuple[str, ...]], negated: bool) -> PrincipalElement:
    names = lists.get("AWS", ())
    accounts: set[str] = set()
    roles: set[tuple[str, str]] = set()
    sessions: dict[tuple[str, str], tuple[str, ...]] = {}
    for name in names:
        root = _ROOT.fullmatch(name)
        role = _ROLE.fullmatch(name)
        session = _SESSION.fullmatch(name)
        if _ACCOUNT.fullmatch(name):
            accounts.add(name)
        elif root:
            accounts.add(root.group(1))
        elif role:
            roles.add((role.group(1), role.group(2)))
        elif session:
            key = (session.group(1), session.group(2))
            sessions[key] = (*sessions.get(key, ()), session.group(3))
    return PrincipalElement(
        negated,
        everyone="*" in names or "*" in lists,
        accounts=frozenset(accounts),
        names=frozenset(names),
        role_names=frozenset(roles),
        sessions=sessions,
        services=frozenset(normal_service(name) for name in lists.get("Service", ())),
        federated=frozenset(lists.get("Federated", ())),
        any_federated="*" in lists.get("Federated", ()),
        canonical=frozenset(lists.get("CanonicalUser", ())),
    )
