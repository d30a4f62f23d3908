"""When an entitlement was used last, and what AWS does not record about that."""

from __future__ import annotations

from dataclasses import dataclass

from model.entities import AccessKey, User
from model.inventory import Inventory
from reviews.entitlements import Held
from reviews.words import day

#: AWS keeps the last use of roles for 400 days.
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed.html
KEPT_DAYS = 400
_KEPT = f"in the {KEPT_DAYS} days that AWS keeps"

#: What the credential report calls keys, which has no ids of them but their use.
_REPORTED = frozenset({"1", "2"})
#: A user can have so many access keys: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
MOST_KEYS = 2

_NOT_WHICH = "AWS does not record here which policy was needed."


@dataclass(frozen=True)
class Usage:
    """``last``: a date, empty for never, ``None``: not known. ``since``: when what it is about was made. ``kept``: for
    how many days back AWS tells it, 0 for all.
    """

    last: str | None
    in_words: str
    since: str = ""
    kept: int = 0


class Usages:
    """Last use of the entitlements of one inventory."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    def of(self, held: Held) -> Usage:
        """The last use of an entitlement, as exactly as AWS records it."""
        if held.key is not None:
            return self._key(self._inventory.users[held.holder], held.key)
        if held.kind == "password":
            return self._password(self._inventory.users[held.holder])
        if held.kind == "resource-statement":
            return Usage(None, f"AWS does not record who used the own rules of {_service(held)}.")
        if held.kind == "kms-grant":
            return Usage(None, "AWS does not record the use of grants on a key, so it is not known.")
        if held.kind == "directory-membership":
            return Usage(None, "AWS does not record here what one member of a group used.")
        if held.role:
            return self._role(held.role, held.kind)
        return self._holder(held)

    def _key(self, user: User, key: AccessKey) -> Usage:
        told = key.id in _REPORTED or answered(self._inventory, user.account, "GetAccessKeyLastUsed")
        if not key.last_used and not told:
            return Usage(None, "When the key was last used could not be read.", key.rotated)
        return Usage(key.last_used[:10], self._said("The key", key.last_used), key.rotated)

    def _password(self, user: User) -> Usage:
        if user.password is None:
            words = "Whether there is a password, and when it was used, could not be read."
            return Usage(None, words, user.created)
        last = user.password_last_used
        if not last and not answered(self._inventory, user.account, "GetCredentialReport"):
            return Usage(None, "When the password was last used could not be read.", user.created)
        return Usage(last[:10], self._said("The password", last), user.created)

    def _said(self, what: str, last: str) -> str:
        return f"{what} was last used on {day(last)}." if last else f"{what} was never used, as far as AWS recorded."

    def _role(self, arn: str, kind: str) -> Usage:
        role = self._inventory.roles[arn]
        if not role.last_used and role.account in self._inventory.data.unread_principals:
            return Usage(None, "When the role was last used could not be read.", role.created)
        who = "by somebody: AWS does not record by whom" if kind == "assignment" else "by anybody it lets in"
        if role.last_used:
            return Usage(role.last_used[:10], f"The role was last used on {day(role.last_used)}, {who}.", role.created)
        return Usage("", f"The role was not used by anybody {_KEPT}.", role.created, KEPT_DAYS)

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
        return Usage("", f"The role was not used {_KEPT}.", role.created, KEPT_DAYS)

    def _users(self, users: list[User], who: str) -> Usage:
        last = max((user_last_used(user) for user in users), default="")
        made = min((user.created for user in users), default="")
        if not all(self._recorded(user) for user in users):
            seen = f" before that {who[:1].lower() + who[1:]} came on {day(last)}" if last else ""
            missing = "The last use of some passwords or keys could not be read"
            return Usage(None, f"{missing};{seen}." if seen else f"{missing}.", made)
        if last:
            return Usage(
                last[:10],
                f"{who} last came to AWS on {day(last)}; {_NOT_WHICH}",
                made,
            )
        return Usage("", f"{who} never came to AWS, as far as it recorded.", made)

    def _recorded(self, user: User) -> bool:
        """Whether it is known of every credential of a user when it was used."""
        if user.password is None or not keys_known(self._inventory, user):
            return False
        password = self._password(user) if user.password else None
        uses = [self._key(user, key) for key in user.keys] + ([password] if password else [])
        return all(use.last is not None for use in uses)


def answered(inventory: Inventory, account: str, operation: str) -> bool:
    """Whether IAM answered an operation wherever it was to be asked in an account."""
    return not any(
        gap.account == account
        and gap.service == "iam"
        # An import, which has nothing about credentials, says so once.
        and (gap.operation == operation or (gap.outcome == "skipped" and gap.affects == "iam:credential-report"))
        for gap in (*inventory.data.gaps, *inventory.data.skipped)
    )


def keys_known(inventory: Inventory, user: User) -> bool:
    """Whether a user's keys are all that there are: a snapshot without them leaves the list empty."""
    if len(user.keys) == MOST_KEYS:
        return True
    listed = answered(inventory, user.account, "ListAccessKeys")
    reported = answered(inventory, user.account, "GetCredentialReport")
    return (listed or reported) and (bool(user.keys) or user.password is not None)


def user_last_used(user: User) -> str:
    """The latest time that a user's password or a key was used; empty for never."""
    return max((user.password_last_used, *(key.last_used for key in user.keys)), default="")


def _service(held: Held) -> str:
    kinds = {"s3": "a bucket", "sqs": "a queue", "sns": "a topic", "kms": "a key", "lambda": "a function"}
    return kinds.get(held.resource.split(":")[2], "a resource")
