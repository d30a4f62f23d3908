"""What AWS can take away from somebody, read off the inventory: one ``Held`` for each entitlement.

Nothing is decided here. ``docs/reviews-items.md`` lists the kinds and the form of each id; ids are made of what AWS
names alone, so that the same entitlement has the same id in every snapshot.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from graph.people import assignment_id
from model.arn import is_account_id
from model.entities import AccessKey, Assignment, DirectoryGroup, IamPrincipal, KmsGrant, Resource, Role
from policy.assemble import Assembler
from policy.document import Document
from policy.request import normal_service
from reviews.statements import named_principals, statement_mark

#: The principal of a policy that could not be read: whom it names is not known.
UNKNOWN = "unknown"
ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Held:
    """One entitlement. Fields that its kind does not have are empty.

    ``policy`` is the document's id as ``because`` names it; ``holder`` the ARN of the user, role or IAM group that
    holds it; ``role`` the role that it opens; ``group`` an IAM group's ARN or a directory group's id; ``statement`` the
    place of a statement and ``named`` the principal as the document writes it: ``(kind, text)``.
    """

    kind: str
    id: str
    principal: str
    principal_kind: str
    account: str
    fix: dict[str, str] = field(default_factory=dict)
    policy: str = ""
    holder: str = ""
    role: str = ""
    group: str = ""
    person: str = ""
    resource: str = ""
    sid: str = ""
    statement: int = -1
    named: tuple[str, str] = ("", "")
    assignment: Assignment | None = None
    key: AccessKey | None = None
    grant: KmsGrant | None = None
    unread: bool = False

    @property
    def item_id(self) -> str:
        """The first 16 hex digits of SHA-256 over kind, principal and id."""
        return hashlib.sha256("\0".join((self.kind, self.principal, self.id)).encode()).hexdigest()[:16]


class Entitlements:
    """All entitlements of an inventory; ``excluded`` counts, in words, what AWS made and nobody can take away."""

    def __init__(self, assembler: Assembler) -> None:
        self._assembler = assembler
        self._inventory = assembler.inventory
        self._person_of = {person.user.id: key for key, person in self._inventory.people.items()}
        self.excluded: Counter[str] = Counter()

    def all(self) -> list[Held]:
        """Every entitlement once, in the order of kinds."""
        self.excluded.clear()
        found = [
            *self._assignments(),
            *self._directory_memberships(),
            *self._group_memberships(),
            *self._attachments(),
            *self._inline(),
            *self._trusts(),
            *self._credentials(),
            *self._resource_statements(),
            *self._kms_grants(),
        ]
        ids = Counter(held.item_id for held in found)
        assert max(ids.values(), default=1) == 1, "two entitlements share an id"
        return found

    # -- people

    def _assignments(self) -> Iterator[Held]:
        groups, people = self._inventory.directory_groups, self._person_of
        for assignment in dict.fromkeys(self._inventory.data.assignments):
            if assignment.principal_type == "GROUP":
                known = groups.get(assignment.principal_id)
                principal = f"group:{known.name if known else assignment.principal_id}"
            else:
                principal = people.get(assignment.principal_id, f"person:{assignment.principal_id}")
            found = self._inventory.permission_set_role(assignment.account, assignment.permission_set)
            permission_set = self._inventory.permission_sets.get(assignment.permission_set)
            yield Held(
                kind="assignment",
                id=assignment_id(assignment),
                principal=principal,
                principal_kind="group" if assignment.principal_type == "GROUP" else "person",
                account=assignment.account,
                role=found.arn if found else "",
                group=assignment.principal_id if assignment.principal_type == "GROUP" else "",
                person=principal if assignment.principal_type == "USER" else "",
                assignment=assignment,
                unread=found is None,
                fix={
                    "instance-arn": permission_set.instance if permission_set else "",
                    "permission-set-arn": assignment.permission_set,
                    "principal-id": assignment.principal_id,
                    "principal-type": assignment.principal_type,
                    "target-id": assignment.account,
                    "target-type": "AWS_ACCOUNT",
                },
            )

    def _directory_memberships(self) -> Iterator[Held]:
        store = next((center.store for center in self._inventory.data.centers), "")
        for group in self._inventory.data.directory_groups:
            unread = self._opens_unread(group)
            for member in dict.fromkeys(group.members):
                person = self._person_of.get(member, f"person:{member}")
                yield Held(
                    kind="directory-membership",
                    id=f"group:{group.id}#user:{member}",
                    principal=person,
                    principal_kind="person",
                    account="",
                    group=group.id,
                    person=person,
                    unread=unread,
                    fix={"identity-store-id": store, "group-id": group.id, "member-id": member},
                )

    def _opens_unread(self, group: DirectoryGroup) -> bool:
        """Whether permission sets are assigned to the group, and the role of none of them was found."""
        given = [item for item in self._inventory.data.assignments if item.principal_id == group.id]
        roles = [self._inventory.permission_set_role(item.account, item.permission_set) for item in given]
        return bool(given) and not any(roles)

    # -- IAM

    def _group_memberships(self) -> Iterator[Held]:
        for user in self._inventory.data.users:
            for group in dict.fromkeys(user.groups):
                yield Held(
                    kind="group-membership",
                    id=f"{group}#{user.arn}",
                    principal=user.arn,
                    principal_kind="user",
                    account=user.account,
                    holder=user.arn,
                    group=group,
                    unread=group not in self._inventory.groups,
                    fix={"group-name": group.rpartition("/")[2], "user-name": user.name},
                )

    def _holders(self) -> Iterator[tuple[str, IamPrincipal]]:
        """(kind, holder) of everybody whose policies people can change."""
        for user in self._inventory.data.users:
            yield "user", user
        for role in self._inventory.data.roles:
            if not _made_by_aws(role):
                yield "role", role
        for group in self._inventory.data.groups:
            yield "group", group

    def _attachments(self) -> Iterator[Held]:
        for kind, holder in self._holders():
            for arn in dict.fromkeys(holder.attached):
                policy = self._inventory.policies.get(arn)
                text = policy.document if policy is not None else None
                yield Held(
                    kind="policy-attachment",
                    id=f"{arn}@{holder.arn}",
                    principal=holder.arn,
                    principal_kind=kind,
                    account=holder.account,
                    policy=arn,
                    holder=holder.arn,
                    unread=self._assembler.ref(arn, text).document is None,
                    fix={f"{kind}-name": holder.name, "policy-arn": arn},
                )

    def _inline(self) -> Iterator[Held]:
        for kind, holder in self._holders():
            for inline in holder.inline:
                id = f"{holder.arn}#inline:{inline.name}"
                yield Held(
                    kind="inline-policy",
                    id=id,
                    principal=holder.arn,
                    principal_kind=kind,
                    account=holder.account,
                    policy=id,
                    holder=holder.arn,
                    unread=self._assembler.ref(id, inline.document).document is None,
                    fix={f"{kind}-name": holder.name, "policy-name": inline.name},
                )

    def _trusts(self) -> Iterator[Held]:
        for role in self._inventory.data.roles:
            if _made_by_aws(role):
                self.excluded[f"rules of who may become roles that {_maker(role)}"] += 1
                self.excluded[f"policies of roles that {_maker(role)}"] += len(role.attached) + len(role.inline)
                continue
            id = f"{role.arn}#trust"
            document = self._assembler.ref(id, role.trust).document
            common = {"account": role.account, "policy": id, "role": role.arn}
            fix = {"role-name": role.name}
            yield from self._statements("trust-statement", id, document, common, fix)

    def _credentials(self) -> Iterator[Held]:
        for user in self._inventory.data.users:
            for key in user.keys:
                yield Held(
                    kind="access-key",
                    id=f"{user.arn}#{key.id}",
                    principal=user.arn,
                    principal_kind="user",
                    account=user.account,
                    holder=user.arn,
                    key=key,
                    fix={"user-name": user.name, "access-key-id": key.id},
                )
        for user in self._inventory.data.users:
            if user.password is not False:
                yield Held(
                    kind="password",
                    id=f"{user.arn}#password",
                    principal=user.arn,
                    principal_kind="user",
                    account=user.account,
                    holder=user.arn,
                    unread=user.password is None,
                    fix={"user-name": user.name},
                )

    # -- resources

    def _resource_statements(self) -> Iterator[Held]:
        for resource in self._inventory.all_resources():
            if resource.policy == "" or resource.type.startswith("iam:"):
                continue
            if resource.key_manager == "AWS":
                self.excluded["rules of keys that AWS manages"] += 1
                continue
            id = f"{resource.arn}#policy"
            document = self._assembler.ref(id, resource.policy).document
            common = {"account": resource.account, "policy": id, "resource": resource.arn}
            yield from self._statements("resource-statement", id, document, common, {"resource": resource.arn})

    def _statements(
        self, kind: str, id: str, document: Document | None, common: dict[str, str], fix: dict[str, str]
    ) -> Iterator[Held]:
        """One entitlement for each principal that an allowing statement names."""
        if document is None:
            yield Held(kind=kind, id=f"{id}#unread", principal=UNKNOWN, principal_kind=UNKNOWN, unread=True, **common)  # type: ignore[arg-type]
            return
        names: Counter[tuple[str, str]] = Counter()
        for statement in document.statements:
            if not statement.allows:
                self.excluded["rules that only forbid"] += 1
                continue
            mark = statement.sid or statement_mark(statement)
            for named in named_principals(statement):
                principal, principal_kind = self._who(named)
                names[(mark, principal)] += 1
                again = names[(mark, principal)]
                yield Held(
                    kind=kind,
                    id=f"{id}#{mark}#{principal}" + (f"#{again}" if again > 1 else ""),
                    principal=principal,
                    principal_kind=principal_kind,
                    sid=statement.sid or "",
                    statement=statement.index,
                    named=named,
                    fix={**fix, "sid": statement.sid or "", "statement": str(statement.index), "principal": named[1]},
                    **common,  # type: ignore[arg-type]
                )

    def _who(self, named: tuple[str, str]) -> tuple[str, str]:
        """(principal in answers, its kind) of a name in a statement."""
        kind, text = named
        if text == "*":
            return ANONYMOUS, ANONYMOUS
        if kind == "Service":
            return normal_service(text), "service"
        if kind == "Federated":
            return text, "provider"
        if kind == "CanonicalUser":
            return f"canonical:{text}", "account"
        account = text if is_account_id(text) else ""
        if text.startswith("arn:") and text.endswith(":root"):
            account = text.split(":")[4]
        if account:
            return f"account:{account}", "account"
        if text in self._inventory.users:
            return text, "user"
        if ":role/" in text or ":assumed-role/" in text:
            return text, "role"
        return text, "user" if ":user/" in text else UNKNOWN

    def _kms_grants(self) -> Iterator[Held]:
        for resource in self._inventory.of_type("kms:key"):
            if resource.key_manager == "AWS":
                self.excluded["grants on keys that AWS manages"] += len(resource.grants or ())
            elif resource.grants is None:
                yield self._unread_grants(resource)
            else:
                yield from self._grants_of(resource)

    def _grants_of(self, key: Resource) -> Iterator[Held]:
        for grant in key.grants or ():
            service = not grant.grantee.startswith("arn:")
            principal, kind = self._who(("Service" if service else "AWS", grant.grantee))
            yield Held(
                kind="kms-grant",
                id=f"{key.arn}#grant:{grant.id}",
                principal=principal,
                principal_kind=kind,
                account=key.account,
                resource=key.arn,
                named=("Service" if service else "AWS", grant.grantee),
                grant=grant,
                fix={"key-id": key.arn, "grant-id": grant.id},
            )

    @staticmethod
    def _unread_grants(key: Resource) -> Held:
        return Held(
            kind="kms-grant",
            id=f"{key.arn}#grants#unread",
            principal=UNKNOWN,
            principal_kind=UNKNOWN,
            account=key.account,
            resource=key.arn,
            unread=True,
        )


def _made_by_aws(role: Role) -> bool:
    return role.service_linked or role.permission_set_name is not None


def _maker(role: Role) -> str:
    if role.service_linked:
        return "AWS made for its services"
    return "come from permission sets: an assignment shows what its role can do"
