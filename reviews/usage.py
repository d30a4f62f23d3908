"""When an entitlement was used last, and what AWS does not record about that."""

from __future__ import annotations

from dataclasses import dataclass

from model.entities import User
from model.inventory import Inventory
from reviews.entitlements import Held
from reviews.words import day

#: AWS keeps the last use of roles for 400 days.
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed.html
_KEPT = "in the 400 days that AWS keeps"

_NOT_WHICH = "AWS does not record here which policy was needed."


@dataclass(frozen=True)
class Usage:
    """``last``: a date, empty for never, ``None``: not recorded. ``since``: when what it is about was made."""

    last: str | None
    in_words: str
    since: str = ""


class Usages:
    """Last use of the entitlements of one inventory."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    def of(self, held: Held) -> Usage:
        """The last use of an entitlement, as exactly as AWS records it."""
        if held.key is not None:
            if not held.key.active:
                return Usage(held.key.last_used[:10], self._said("The key", held.key.last_used), held.key.rotated)
            return Usage(held.key.last_used[:10], self._said("The key", held.key.last_used), held.key.rotated)
        if held.kind == "password":
            user = self._inventory.users[held.holder]
            return Usage(
                user.password_last_used[:10], self._said("The password", user.password_last_used), user.created
            )
        if held.kind == "resource-statement":
            return Usage(None, f"AWS does not record who used the own rules of {_service(held)}.")
        if held.kind == "kms-grant":
            return Usage(None, "AWS does not record the use of grants on a key, so it is not known.")
        if held.kind == "directory-membership":
            return Usage(None, "AWS does not record here what one member of a group used.")
        if held.role:
            return self._role(held.role, held.kind)
        return self._holder(held)

    def _said(self, what: str, last: str) -> str:
        return f"{what} was last used on {day(last)}." if last else f"{what} was never used, as far as AWS recorded."

    def _role(self, arn: str, kind: str) -> Usage:
        role = self._inventory.roles[arn]
        who = "by somebody: AWS does not record by whom" if kind == "assignment" else "by anybody it lets in"
        if role.last_used:
            return Usage(role.last_used[:10], f"The role was last used on {day(role.last_used)}, {who}.", role.created)
        return Usage("", f"The role was not used by anybody {_KEPT}.", role.created)

    def _holder(self, held: Held) -> Usage:
        if held.principal_kind == "group":
            users = [user for user in self._inventory.data.users if held.holder in user.groups]
            return self._users(users, "Somebody in the group")
        user = self._inventory.users.get(held.holder)
        if user is not None:
            return self._users([user], "The user")
        role = self._inventory.roles.get(held.holder)
        if role is None:
            return Usage(None, "The last use could not be read.")
        if role.last_used:
            return Usage(
                role.last_used[:10],
                f"The role was last used on {day(role.last_used)}; {_NOT_WHICH}",
                role.created,
            )
        return Usage("", f"The role was not used {_KEPT}.", role.created)

    def _users(self, users: list[User], who: str) -> Usage:
        last = max((user_last_used(user) for user in users), default="")
        made = min((user.created for user in users), default="")
        if last:
            return Usage(
                last[:10],
                f"{who} last came to AWS on {day(last)}; {_NOT_WHICH}",
                made,
            )
        return Usage("", f"{who} never came to AWS, as far as it recorded.", made)


def user_last_used(user: User) -> str:
    """The latest time that a user's password or a key was used; empty for never."""
    return max((user.password_last_used, *(key.last_used for key in user.keys)), default="")


def _service(held: Held) -> str:
    kinds = {"s3": "a bucket", "sqs": "a queue", "sns": "a topic", "kms": "a key", "lambda": "a function"}
    return kinds.get(held.resource.split(":")[2], "a resource")
