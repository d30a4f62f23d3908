"""Changes as answers name them, and whether a change is one at all or only something that was not collected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from graph.facts import ABSENT
from graph.own_facts import Key
from model.arn import account_of
from model.entities import Account, Role, Share
from model.inventory import Inventory

#: ``unread``: one of the snapshots does not say it.
How = Literal["added", "removed", "changed", "unread"]

#: Kinds of causes by the sort of the fact. The contract names policy, attachment, membership, assignment, trust, scp,
#: rcp, boundary, aws-managed and tag; for what is none of these there are principal, resource, account, grant, share,
#: setting and time.
_KINDS = {
    "user": "principal",
    "role": "principal",
    "provider": "principal",
    "person": "principal",
    "inline": "policy",
    "policy": "policy",
    "attached": "attachment",
    "boundary": "boundary",
    "tag": "tag",
    "tags": "tag",
    "trust": "trust",
    "member": "membership",
    "joined": "membership",
    "assignment": "assignment",
    # AWS: "an entitlement (assignment)".
    "entitlement": "assignment",
    "resource": "resource",
    "grant": "grant",
    "grants": "grant",
    "share": "share",
    "account": "account",
    "organization": "account",
    "alone": "account",
    "time": "time",
}
KINDS = tuple(dict.fromkeys((*_KINDS.values(), "aws-managed", "scp", "rcp", "setting")))

_UNREAD_KINDS = {
    "unread_principals": "principal",
    "unread_providers": "principal",
    "unread_lists": "resource",
    "unread_shares": "share",
}


@dataclass(frozen=True)
class Cause:
    """One change: ``kind`` and ``id`` as in answers, ``of`` whom or what it is about, where the id does not say it."""

    kind: str
    id: str
    how: How
    of: str = ""

    def to_json(self) -> dict[str, str]:
        return {"kind": self.kind, "id": self.id}


def cause(key: Key, old: Any, new: Any) -> Cause:
    """How answers name a change of a fact."""
    how: How = "added" if old is ABSENT else "removed" if new is ABSENT else "changed"
    sort, id = key[0], key[1] if len(key) > 1 else ""
    either = old if new is ABSENT else new
    if sort == "boundary":
        return Cause("boundary", either, how, key[1])
    if sort == "managed":
        return Cause("aws-managed" if id.split(":", 5)[4:5] == ["aws"] else "policy", id, how)
    if sort in ("guard", "target", "state"):
        return Cause(key[-1], id, how, key[2] if sort == "target" else "")
    if sort == "resource" and either.type in ("iam:user", "iam:role"):
        return Cause("principal", id, how)
    if sort == "policy":
        how = "added" if old == "" else "removed" if new == "" else "changed"
    if sort == "account" and how == "changed":
        return Cause("account", f"account:{id}", how)
    if sort == "unread-set":
        return Cause("assignment", id, how)
    if sort in ("account", "unread"):
        kind = _UNREAD_KINDS.get(key[2], "setting") if sort == "unread" else "account"
        return Cause(kind, id if sort == "unread" else f"account:{id}", how)
    return Cause(_KINDS.get(sort, "setting"), id, how, key[2] if len(key) > 2 else "")


def headlines(causes: Iterable[Cause]) -> tuple[Cause, ...]:
    """Each cause once, without what another one brings with it: an account what is in it, an assignment its role."""
    found = list(dict.fromkeys(causes))
    whole = {item.id.removeprefix("account:") for item in found if item.kind == "account" and item.how != "changed"}
    assigned = any(item.kind == "assignment" for item in found)

    def brought(item: Cause) -> bool:
        if item.kind not in ("principal", "resource") or item.how == "changed":
            return False
        return account_of(item.id) in whole or (assigned and "/aws-reserved/sso.amazonaws.com/" in item.id)

    return tuple({(item.kind, item.id): item for item in found if not brought(item)}.values())


# -- what is not known


def unknown_in(key: Key, facts: Mapping[Key, Any], other: Mapping[Key, Any], inventory: Inventory) -> bool:
    """Whether a snapshot says a fact otherwise than the other one because something was not collected for it."""
    sort, value, told = key[0], facts.get(key, ABSENT), other.get(key, ABSENT)
    if sort in ("unread", "unread-set"):
        return value is not ABSENT
    if value is ABSENT:
        return _missing(key, told, inventory)
    if value is None:
        return True
    if sort == "s3":
        return told is not ABSENT and any(a is None and b is not None for a, b in zip(value, told, strict=True))
    if sort == "state":
        return value[0] is False or value[1] is None
    if sort == "role":
        return isinstance(value, Role) and value.assumed_from_permission_set
    if sort == "account":
        return not value.collected or (told is not ABSENT and bool(told.path) and not _placed(value, inventory))
    if sort == "organization":
        return not value.id
    if sort == "alone":
        return value is False
    if sort == "application":
        return not value.status
    if sort == "center":
        return value.abac is None
    if sort == "share":
        return isinstance(value, Share) and _in_part(value)
    return False


def _placed(account: Account, inventory: Inventory) -> bool:
    """Whether it is known where in an organisation an account is, or that it is in none."""
    return bool(account.path) or (inventory.organization is None and inventory.data.alone)


def _in_part(share: Share) -> bool:
    """Whether a part of a share was not read, of its permissions any."""
    if share.resources is None or share.principals is None or share.permissions is None:
        return True
    return any(permission.template is None for permission in share.permissions)


def _missing(key: Key, told: Any, inventory: Inventory) -> bool:
    """Whether what one snapshot has and another has not may be there and was not read."""
    data, sort = inventory.data, key[0]
    if sort in ("user", "role", "provider"):
        unread = sort == "provider" and (told.account, told.kind) in data.unread_providers
        return unread or _unread(inventory, account_of(key[1]))
    if sort == "resource":
        iam = told.type.startswith("iam:")
        lists = {(told.account, told.region, told.type), (told.account, "", told.type)}
        return _unread(inventory, told.account, iam=iam) or not lists.isdisjoint(data.unread_lists)
    if sort in ("person", "joined", "assignment", "center"):
        return _asked_in_vain(inventory, "sso-admin", "identitystore") or (
            not data.centers and not data.directory_users
        )
    if sort in ("entitlement", "application"):
        return data.unread_entitlements or _missing(("person",), told, inventory)
    if sort in ("account", "organization", "state"):
        return _unlisted(inventory)
    if sort in ("target", "guard"):
        organization = inventory.organization
        if organization is None:
            return not data.alone
        return not (organization.scps_known if key[-1] == "scp" else organization.rcps_known)
    if sort == "point":
        return any(account == told.account for account, _ in data.unread_points)
    if sort == "share":
        return any(account == told.account for account, _ in data.unread_shares)
    return False


def _unread(inventory: Inventory, account: str, *, iam: bool = True) -> bool:
    found = inventory.accounts.get(account)
    if (found is None and _unlisted(inventory)) or (found is not None and not found.collected):
        return True
    if iam and account in inventory.data.unread_principals:
        return True
    area = f"account:{account}"
    data = inventory.data
    return any(gap.account == account and gap.affects == area for gap in (*data.gaps, *data.skipped))


def _unlisted(inventory: Inventory) -> bool:
    """Whether an organisation or an account may be there that was not told."""
    data = inventory.data
    return _asked_in_vain(inventory, "organizations") or (data.organization is None and not data.alone)


def _asked_in_vain(inventory: Inventory, *services: str) -> bool:
    data = inventory.data
    return any(gap.service in services for gap in (*data.gaps, *data.skipped))
