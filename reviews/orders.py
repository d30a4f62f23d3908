"""How to take away what AWS can take away: for each kind of entitlement the calls, in the words of the AWS CLI.

``Item.fix`` has the plain fields, by the CLI's own names. Every value comes from AWS and is quoted for the shell.
Sources: the AWS CLI command reference, and the import sections of the Terraform AWS provider.
"""

from __future__ import annotations

import json
import re
import shlex
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from reviews.records import Item, ItemView

_KEY_ID = re.compile(r"[A-Z0-9]{16,128}")


@dataclass(frozen=True)
class Step:
    """One line of an order: a command ready for the shell, or (``by_hand``) what a person has to do, in words."""

    line: str
    by_hand: bool = False


def one_line(text: str) -> str:
    """A text that cannot leave the line, or the comment, that it stands in."""
    return "".join(" " if unicodedata.category(char) in ("Cc", "Zl", "Zp", "Cs") else char for char in text)


def steps(view: ItemView) -> list[Step]:
    """What to do about an item that was decided ``revoke`` or ``modify``, in order."""
    item = view.item
    first = []
    if view.state == "modify" and view.decision is not None:
        first = [_say(f"first give the lower access that was decided on: {view.decision.to}")]
    kind = item.entitlement.kind
    missing = [name for name in _NEEDED.get(kind, ()) if not item.fix.get(name)]
    if kind == "access-key" and not _KEY_ID.fullmatch(item.fix.get("access-key-id", "")):
        missing = ["access-key-id"]  # the credential report numbers keys and does not name them
    if kind not in _STEPS or missing:
        lacks = f" ({', '.join(missing)} is not known)" if missing else ""
        return [*first, _say(f"take away by hand{lacks}: {item.entitlement.in_words}, {item.entitlement.id}")]
    return [*first, *_STEPS[kind](item)]


def place(item: Item) -> str:
    """The account whose credentials the calls need; empty for the one that manages Identity Center."""
    central = item.entitlement.kind in ("assignment", "directory-membership")
    return "" if central else item.account


def terraform(item: Item) -> tuple[str, str] | None:
    """(type of resource, id to import it by) in the Terraform AWS provider; ``None``: it is an edit of another one."""
    kind, fix = item.entitlement.kind, item.fix
    if any(not fix.get(name) for name in _NEEDED.get(kind, ())):
        return None
    if kind == "assignment":
        names = ("principal-id", "principal-type", "target-id", "target-type", "permission-set-arn", "instance-arn")
        return "aws_ssoadmin_account_assignment", ",".join(fix[name] for name in names)
    if kind == "group-membership":
        return "aws_iam_user_group_membership", f"{fix['user-name']}/{fix['group-name']}"
    if kind == "policy-attachment" and (holder := _holder(item)):
        return f"aws_iam_{holder}_policy_attachment", f"{fix[f'{holder}-name']}/{fix['policy-arn']}"
    if kind == "inline-policy" and (holder := _holder(item)):
        return f"aws_iam_{holder}_policy", f"{fix[f'{holder}-name']}:{fix['policy-name']}"
    if kind == "access-key" and _KEY_ID.fullmatch(fix["access-key-id"]):
        return "aws_iam_access_key", fix["access-key-id"]
    if kind == "password":
        return "aws_iam_user_login_profile", fix["user-name"]
    if kind == "kms-grant":
        return "aws_kms_grant", f"{fix['key-id']}:{fix['grant-id']}"
    return None


# -- one kind after the other


def _say(text: str) -> Step:
    return Step(one_line(text), by_hand=True)


def _call(item: Item, service: str, operation: str, *names: str, extra: tuple[str, ...] = ()) -> Step:
    """A command with the named fields as options."""
    return Step(_line(service, operation, *((name, item.fix[name]) for name in names), extra=extra))


def _line(service: str, operation: str, *options: tuple[str, str], extra: tuple[str, ...] = ()) -> str:
    words = ["aws", service, operation]
    for name, value in options:
        # A value that begins with a dash would be read as an option.
        words += [f"--{name}={value}"] if value.startswith("-") else [f"--{name}", value]
    return shlex.join([*words, *extra])


def _assignment(item: Item) -> list[Step]:
    names = ("instance-arn", "target-id", "target-type", "permission-set-arn", "principal-type", "principal-id")
    return [_call(item, "sso-admin", "delete-account-assignment", *names)]


def _directory_membership(item: Item) -> list[Step]:
    fix = item.fix
    store = ("identity-store-id", fix["identity-store-id"])
    member = ("member-id", json.dumps({"UserId": fix["member-id"]}))
    only_id = ("--query", "MembershipId", "--output", "text")
    # A membership is deleted by an id of its own, which the service knows.
    find = _line(
        "identitystore", "get-group-membership-id", store, ("group-id", fix["group-id"]), member, extra=only_id
    )
    delete = _line("identitystore", "delete-group-membership", store)
    return [Step(f'MEMBERSHIP_ID="$({find})"'), Step(f'{delete} --membership-id "$MEMBERSHIP_ID"')]


def _group_membership(item: Item) -> list[Step]:
    return [_call(item, "iam", "remove-user-from-group", "group-name", "user-name")]


def _holder(item: Item) -> str:
    """``user``, ``role`` or ``group``, by whose name ``fix`` has; empty for none."""
    return next((kind for kind in ("user", "role", "group") if item.fix.get(f"{kind}-name")), "")


def _policy_attachment(item: Item) -> list[Step]:
    kind = _holder(item)
    return [_call(item, "iam", f"detach-{kind}-policy", f"{kind}-name", "policy-arn")] if kind else _unknown(item)


def _inline_policy(item: Item) -> list[Step]:
    kind = _holder(item)
    return [_call(item, "iam", f"delete-{kind}-policy", f"{kind}-name", "policy-name")] if kind else _unknown(item)


def _unknown(item: Item) -> list[Step]:
    return [_say(f"take away by hand (its holder is not known): {item.entitlement.in_words}, {item.entitlement.id}")]


def _access_key(item: Item) -> list[Step]:
    return [
        _call(item, "iam", "update-access-key", "user-name", "access-key-id", extra=("--status", "Inactive")),
        _say("delete it when nothing has failed for want of it: " + _delete_key(item)),
    ]


def _delete_key(item: Item) -> str:
    return _call(item, "iam", "delete-access-key", "user-name", "access-key-id").line


def _password(item: Item) -> list[Step]:
    return [_call(item, "iam", "delete-login-profile", "user-name")]


def _kms_grant(item: Item) -> list[Step]:
    region = ("--region", item.fix["key-id"].split(":")[3]) if item.fix["key-id"].startswith("arn:") else ()
    return [_call(item, "kms", "revoke-grant", "key-id", "grant-id", extra=region)]


def _trust_statement(item: Item) -> list[Step]:
    role = ("role-name", item.fix["role-name"])
    query = ("--query", "Role.AssumeRolePolicyDocument")
    put = _line("iam", "update-assume-role-policy", role, ("policy-document", "file://EDITED.json"))
    return _edit(item, _line("iam", "get-role", role, extra=query), put)


@dataclass(frozen=True)
class _Document:
    """How a service names a resource, reads its policy and takes another; ``name`` makes the value from the ARN."""

    option: str
    read: str
    write: str
    policy: str
    name: Callable[[list[str]], str] = lambda parts: ":".join(parts)
    service: str = ""
    reading: tuple[str, ...] = ()
    writing: tuple[str, ...] = ()


def _queue_url(parts: list[str]) -> str:
    suffix = "amazonaws.com.cn" if parts[1] == "aws-cn" else "amazonaws.com"
    return f"https://sqs.{parts[3]}.{suffix}/{parts[4]}/{parts[5]}"


_DOCUMENTS = {
    "s3": _Document("bucket", "get-bucket-policy", "put-bucket-policy", "policy", lambda parts: parts[5], "s3api"),
    "kms": _Document("key-id", "get-key-policy", "put-key-policy", "policy"),
    "lambda": _Document("function-name", "get-policy", "remove-permission", ""),
    "secretsmanager": _Document("secret-id", "get-resource-policy", "put-resource-policy", "resource-policy"),
    "dynamodb": _Document("resource-arn", "get-resource-policy", "put-resource-policy", "policy"),
    "sns": _Document(
        "topic-arn",
        "get-topic-attributes",
        "set-topic-attributes",
        "attribute-value",
        writing=("--attribute-name", "Policy"),
    ),
    "sqs": _Document(
        "queue-url",
        "get-queue-attributes",
        "set-queue-attributes",
        "attributes",
        _queue_url,
        reading=("--attribute-names", "Policy"),
    ),
}


def _resource_statement(item: Item) -> list[Step]:
    parts = item.fix["resource"].split(":", 5)
    document = _DOCUMENTS.get(parts[2]) if len(parts) == 6 else None
    if document is None:
        return [_say(f"edit the policy of {item.fix['resource']} by hand: {_edit_in_words(item)}")]
    service, name = document.service or parts[2], (document.option, document.name(parts))
    region = ("--region", parts[3]) if parts[3] else ()
    if parts[2] == "lambda":
        sid = item.fix.get("sid")
        if not sid:
            return [_say(f"edit the policy of {item.fix['resource']} by hand: {_edit_in_words(item)}")]
        # A function's policy is not written as a document; a statement goes as a whole.
        return [Step(_line(service, "remove-permission", name, ("statement-id", sid), extra=region))]
    read = _line(service, document.read, name, extra=(*document.reading, *region))
    edited = (document.policy, "file://EDITED.json")
    return _edit(item, read, _line(service, document.write, name, edited, extra=(*document.writing, *region)))


def _edit(item: Item, read: str, write: str) -> list[Step]:
    """A change of a document: read it, take the principal out, put it back. No line of it runs by itself."""
    return [
        _say(f"read the document: {read}"),
        _say(f"edit it and save it as EDITED.json: {_edit_in_words(item)}"),
        _say(f"put it back: {write}"),
    ]


def _edit_in_words(item: Item) -> str:
    """The edit as JSON: which principal goes out of which statement (counted from 0)."""
    where = {"Sid": item.fix.get("sid", ""), "Statement": int(item.fix.get("statement") or 0)}
    remove = {key: value for key, value in where.items() if value != ""}
    edit = json.dumps({"remove": {**remove, "Principal": item.fix.get("principal", "")}})
    return f"{edit}; a statement that then names nobody goes as a whole"


_STEPS: dict[str, Callable[[Item], list[Step]]] = {
    "assignment": _assignment,
    "directory-membership": _directory_membership,
    "group-membership": _group_membership,
    "policy-attachment": _policy_attachment,
    "inline-policy": _inline_policy,
    "trust-statement": _trust_statement,
    "access-key": _access_key,
    "password": _password,
    "resource-statement": _resource_statement,
    "kms-grant": _kms_grant,
}

#: Fields without which an order would be a guess.
_NEEDED = {
    "assignment": ("instance-arn", "target-id", "target-type", "permission-set-arn", "principal-type", "principal-id"),
    "directory-membership": ("identity-store-id", "group-id", "member-id"),
    "group-membership": ("group-name", "user-name"),
    "policy-attachment": ("policy-arn",),
    "inline-policy": ("policy-name",),
    "trust-statement": ("role-name", "principal"),
    "access-key": ("user-name", "access-key-id"),
    "password": ("user-name",),
    "resource-statement": ("resource", "principal"),
    "kms-grant": ("key-id", "grant-id"),
}
