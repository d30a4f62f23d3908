"""The Principal and NotPrincipal elements (semantics P1-P4, L5, L8, L18)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from policy.expression import (
    FALSE,
    TRUE,
    DocumentLeaf,
    KeyLeaf,
    Residual,
    Where,
    conjunction,
    disjunction,
    either,
    negation,
)
from policy.jsontext import shown
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
NAMED_AND_ACCOUNT = Grasp(TRUE, FALSE, TRUE)


class Place(Protocol):
    """The statement that an element belongs to."""

    @property
    def sid(self) -> str | None: ...
    @property
    def index(self) -> int | None: ...
    @property
    def allows(self) -> bool: ...


_ACCOUNT = re.compile(r"\d{12}")
#: AWS's own ids of users, roles and the like: `AIDA…`, `AROA…` (P2).
_UNIQUE_ID = re.compile(r"A[A-Z]{3}\w+")
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
    unique_ids: frozenset[str] = frozenset()
    role_arns: tuple[str, ...] = ()
    role_names: frozenset[tuple[str, str]] = frozenset()
    sessions: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    services: frozenset[str] = frozenset()
    federated: frozenset[str] = frozenset()
    any_federated: bool = False
    canonical: frozenset[str] = frozenset()
    listed: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(kind, names) as written; empty for a plain `*`."""

    @property
    def anybody(self) -> bool:
        """Whether it may be about whoever asks: it names everybody, or everybody but some."""
        return self.everyone or self.negated

    def to_json(self) -> Any:
        """The element as a policy writes it."""
        if self.everyone and not self.listed:
            return "*"
        return {kind: one_or_list(names) for kind, names in self.listed}

    def reach(self, principal: Principal, layer: str, policy: str, statement: Place) -> Grasp:
        """How the listed names reach a principal, the element read as a plain Principal (P1-P3)."""
        if self.everyone:
            return EVERYBODY
        kind = principal.kind
        if kind in ("role", "session"):
            session = self._names_session(principal, layer, policy, statement) if self.sessions else FALSE
            role = self._names_role(principal, layer, policy, statement)
            account = self._names_account(principal)
            if session is FALSE and (role is FALSE or (role is TRUE and not account)):
                return BY_ROLE if role is TRUE else BY_ACCOUNT if account else NOBODY
            return Grasp(session, role, TRUE if account else FALSE)
        if kind == "service":
            return EVERYBODY if normal_service(principal.text) in self.services else NOBODY
        if kind in ("oidc-provider", "saml-provider"):
            named = self.any_federated or principal.text in self.federated
            return EVERYBODY if named else NOBODY
        if kind == "anonymous":
            return NOBODY
        by_account = self._names_account(principal)
        named_by_id = self._names_id(principal, layer, policy, statement) if self.unique_ids else FALSE
        if principal.text in self.names or named_by_id is TRUE:
            return NAMED_AND_ACCOUNT if by_account else EVERYBODY
        if named_by_id is not FALSE:
            return Grasp(named_by_id, FALSE, TRUE if by_account else FALSE)
        if kind == "federated-user" and (federated := self._names_federating(principal)) is not FALSE:
            return Grasp(FALSE, federated, TRUE if by_account else FALSE)
        return BY_ACCOUNT if by_account else NOBODY

    def _names_federating(self, principal: Principal) -> Residual:
        """L5: a grant to the user who federated reaches the session within its boundary and session policy.

        Who that was is not always known: then it hangs on what the session was given (U6).
        """
        if principal.federated_by is not None:
            return TRUE if principal.federated_by in self.names else FALSE
        users = f":iam::{principal.account}:user/"
        return DocumentLeaf(f"{principal.text}#session") if any(users in name for name in self.names) else FALSE

    def _names_account(self, principal: Principal) -> bool:
        if principal.canonical_id is not None and principal.canonical_id in self.canonical:
            return True
        return principal.account in self.accounts

    def _names_id(self, principal: Principal, layer: str, policy: str, statement: Place) -> Residual:
        """P2: `AIDA…` and `AROA…` are the id of the user or role itself, which `aws:userid` begins with."""
        if principal.id_unknown is not None:
            values = tuple(text for id in sorted(self.unique_ids) for text in (id, f"{id}:*"))
            where = Where(layer, policy, statement.sid, statement.index)
            return KeyLeaf("aws:userid", "StringLike", values, "environment", where, principal.id_unknown)
        return TRUE if principal.unique_id is not None and principal.unique_id in self.unique_ids else FALSE

    def _names_role(self, principal: Principal, layer: str, policy: str, statement: Place) -> Residual:
        """A role ARN covers its sessions (P1)."""
        by_id = self._names_id(principal, layer, policy, statement) if self.unique_ids else FALSE
        if by_id is TRUE or not self.role_names:
            return by_id
        if principal.role_arn is not None:
            return TRUE if principal.role_arn in self.role_arns else by_id
        # A session ARN has no path: without the role's ARN any path will do (C6).
        any_path = (principal.account, principal.role_name) in self.role_names
        if principal.arn_unknown is None:
            return TRUE if any_path else by_id
        operator = "StringEqualsIfExists" if any_path else "StringEquals"
        where = Where(layer, policy, statement.sid, statement.index)
        named = KeyLeaf("aws:PrincipalArn", operator, self.role_arns, "environment", where, principal.arn_unknown)
        return either(named, by_id)

    def _names_session(self, principal: Principal, layer: str, policy: str, statement: Place) -> Residual:
        names = self.sessions.get((principal.account or "", principal.role_name or ""))
        if not names:
            return FALSE
        if principal.kind == "session":
            return TRUE if principal.session_name in names else FALSE
        # L18: the caller chooses the name of its session, so a grant to one name is there for the choosing.
        where = Where(layer, policy, statement.sid, statement.index)
        return KeyLeaf("sts:RoleSessionName", "StringEquals", names, "caller", where, session=True)

    def grasp(
        self, principal: Principal, layer: str, policy: str, statement: Place, *, has_boundary: bool = False
    ) -> Grasp:
        """How a statement with this element reaches a principal, NotPrincipal included (P4, L8).

        `layer` and `policy` say where the statement stands, for what the answer hangs on.
        """
        if not self.negated:
            return EVERYBODY if self.everyone else self.reach(principal, layer, policy, statement)
        listed = self.reach(principal, layer, policy, statement)
        if not statement.allows and has_boundary and principal.kind in ("user", "role", "session"):
            return EVERYBODY
        spared = disjunction(listed) if statement.allows else self._spared(principal, listed)
        return NOBODY if spared is TRUE else EVERYBODY if spared is FALSE else Grasp(negation(spared), FALSE, FALSE)

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


def one_or_list(texts: tuple[str, ...]) -> Any:
    """A list of texts as policies write it: one stands alone."""
    return texts[0] if len(texts) == 1 else list(texts)


def compile_principals(raw: Any, *, negated: bool) -> PrincipalElement:
    """Sort the names of an element; raises `PrincipalShapeError`."""
    if raw == "*":
        return PrincipalElement(negated, everyone=True)
    if isinstance(raw, str) and (raw.startswith("arn:") or _ACCOUNT.fullmatch(raw)):
        # Not in IAM's grammar, but some services' own stores, and emulators of them, write a lone name so.
        raw = {"AWS": raw}
    if not isinstance(raw, Mapping):
        raise PrincipalShapeError(f"{shown(raw)} is neither `*` nor an object of principals")
    lists: dict[str, tuple[str, ...]] = {}
    for kind, value in raw.items():
        if kind not in ("AWS", "Service", "Federated", "CanonicalUser", "*"):
            raise PrincipalShapeError(f"{shown(kind)} is no kind of principal", str(kind))
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list):
            raise PrincipalShapeError(f"{shown(value)} is neither a text nor a list of texts", kind)
        for i, item in enumerate(items):
            if not isinstance(item, str):
                raise PrincipalShapeError(f"{shown(item)} is not a text", kind, str(i))
        lists[kind] = tuple(items)
    return _sorted(lists, negated)


def _sorted(lists: Mapping[str, tuple[str, ...]], negated: bool) -> PrincipalElement:
    names = lists.get("AWS", ())
    accounts: set[str] = set()
    roles: dict[str, tuple[str, str]] = {}
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
            roles[name] = (role.group(1), role.group(2))
        elif session:
            key = (session.group(1), session.group(2))
            sessions[key] = (*sessions.get(key, ()), session.group(3))
    return PrincipalElement(
        negated,
        everyone="*" in names or "*" in lists,
        accounts=frozenset(accounts),
        names=frozenset(names),
        unique_ids=frozenset(name for name in names if _UNIQUE_ID.fullmatch(name)),
        role_arns=tuple(sorted(roles)),
        role_names=frozenset(roles.values()),
        sessions=sessions,
        services=frozenset(normal_service(name) for name in lists.get("Service", ())),
        federated=frozenset(lists.get("Federated", ())),
        any_federated="*" in lists.get("Federated", ()),
        canonical=frozenset(lists.get("CanonicalUser", ())),
        listed=tuple(lists.items()),
    )
