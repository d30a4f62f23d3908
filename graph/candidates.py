"""Who could have access to a resource at all: the index that keeps decisions from being made for every pair."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from graph.subjects import Subject, Subjects, named_in
from policy.assemble import Assembler
from policy.document import Document
from policy.request import normal_service
from policy.s3 import PUBLIC_GROUPS, acl_actions


class Candidates:
    """Subjects by the resource they could reach directly."""

    def __init__(self, assembler: Assembler, subjects: Subjects) -> None:
        self._assembler = assembler
        self._subjects = subjects

    def of(self, arn: str, account: str) -> Iterator[Subject]:
        """Subjects for whom a decision on ``arn``, in ``account``, is not denied from the start.

        Another account's principals need the resource's policy (L4); services, outsiders and anonymous callers have
        nothing but it. Services and outsiders are listed where that policy names them.
        """
        reached, lent = self._reached_by_policy(arn, account), self._reached_by_shares(arn, account)
        granted = self._reached_by_acl(arn, account)
        for subject in self._subjects.deciding():
            if subject.kind == "Provider":
                continue  # providers act through roles alone
            if subject.account == account or reached(subject) or lent(subject) or granted(subject):
                yield subject

    def outsiders(self, arn: str) -> Iterator[Subject]:
        """Services and outsiders whom a share of an ARN that nobody collected names (semantics L16)."""
        lent = self._reached_by_shares(arn, "")
        return (subject for subject in self._subjects.deciding() if _foreign(subject) and lent(subject))

    def _reached_by_shares(self, arn: str, account: str) -> Callable[[Subject], bool]:
        """A test of subjects that AWS RAM may let at a resource."""
        target, shares = self._assembler.place(arn, "", account).target, self._assembler.shares
        if not shares.concern(target):
            return lambda _: False
        names = shares.names(target)
        accounts = {key.removeprefix("account:") for key in names if key.startswith("account:")}
        return lambda subject: not _foreign(subject) or subject.key in names or subject.account in accounts

    def _reached_by_acl(self, arn: str, account: str) -> Callable[[Subject], bool]:
        """A test of subjects that the ACL of a bucket could reach (semantics L7)."""
        settings = self._assembler.settings(self._assembler.place(arn, "", account))
        acl = settings.acl if acl_actions(settings) else ()
        if acl == ():
            return lambda _: False
        if acl is None or any(grant.grantee in PUBLIC_GROUPS for grant in acl):
            return lambda subject: not _foreign(subject)
        accounts = {grant.account for grant in acl if grant.account is not None}
        known = self._assembler.inventory.data.canonical_ids
        unknown = any(grant.account is None for grant in acl)  # whose canonical id it is, only its account tells
        return lambda subject: (
            subject.account in accounts or (unknown and bool(subject.account) and subject.account not in known)
        )

    def _reached_by_policy(self, arn: str, account: str) -> Callable[[Subject], bool]:
        """A test of subjects that the resource's own policy could reach."""
        place = self._assembler.place(arn, "", account)
        container = place.container
        if container is None:
            return lambda _: False
        if container.type == "iam:role":
            role = self._assembler.inventory.roles.get(container.arn)
            ref = self._assembler.ref(f"{container.arn}#trust", role.trust) if role else None
        else:
            ref = self._assembler.resource_policy(place, "")
        grantees = {_grantee(grant.grantee) for grant in container.grants or ()}
        sessions = {pair for pair in map(_session_role, grantees) if pair is not None}
        if ref is None:
            return lambda subject: subject.key in grantees or _pair(subject) in sessions
        if ref.document is None or container.grants is None:
            return lambda subject: subject.kind not in ("Service", "Outsider")
        if any(_reaches_anyone(ref.document)):
            names = {key for key, kind in named_in(ref.document) if kind in ("Service", "Outsider")}
            named_accounts = {key.removeprefix("account:") for key in names if key.startswith("account:")}
            # Services and foreign accounts are listed where a policy names them; anyone is the anonymous subject.
            return lambda subject: (
                subject.kind not in ("Service", "Outsider") or subject.key in names or subject.account in named_accounts
            )
        document = ref.document
        named = {key for key, _ in named_in(document)} | grantees
        accounts = {key.removeprefix("account:") for key in named}
        sessions |= {pair for s in document.statements if s.principal_element for pair in s.principal_element.sessions}
        return lambda subject: (
            subject.key in named or subject.account in accounts or _by_id_or_session(subject, document, sessions)
        )


def _foreign(subject: Subject) -> bool:
    return subject.kind in ("Service", "Outsider")


def _reaches_anyone(document: Document) -> Iterator[bool]:
    for statement in document.statements:
        element = statement.principal_element
        yield element is not None and statement.allows and (element.everyone or element.negated)


def _grantee(name: str) -> str:
    """The subject's name for a KMS grantee: services without their region (P3)."""
    return name if name.startswith("arn:") else normal_service(name)


def _session_role(arn: str) -> tuple[str, str] | None:
    """(account, role name) of a session's ARN."""
    parts = arn.split(":", 5)
    if len(parts) != 6 or not parts[5].startswith("assumed-role/"):
        return None
    return parts[4], parts[5].split("/")[1]


def _pair(subject: Subject) -> tuple[str, str]:
    assert subject.caller is not None
    principal = subject.caller.principal
    return principal.account or "", principal.role_name or ""


def _by_id_or_session(subject: Subject, document: Document, sessions: set[tuple[str, str]]) -> bool:
    assert subject.caller is not None
    principal = subject.caller.principal
    if _pair(subject) in sessions:
        return True
    return any(
        principal.unique_id in statement.principal_element.names
        for statement in document.statements
        if statement.principal_element is not None and principal.unique_id
    )
