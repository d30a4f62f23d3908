"""What a request is aimed at: the place of a resource, its type where nobody collected it, a key's grants."""

from __future__ import annotations

from collections.abc import Iterator

from model.entities import AccessPoint, KmsGrant, Resource
from policy.context import Target
from policy.inputs import Grant, PolicyRef, Settings

#: Types whose resource policy must allow: without having read it nothing can be said (semantics L6).
MANDATORY = frozenset({"kms:key", "iam:role"})

#: Resource types by the service of an ARN, for ARNs that nobody collected.
_TYPE_OF_SERVICE = {
    "s3": "s3:bucket",
    "sqs": "sqs:queue",
    "sns": "sns:topic",
    "lambda": "lambda:function",
    "secretsmanager": "secretsmanager:secret",
    "dynamodb": "dynamodb:table",
    "kms": "kms:key",
}


class Place:
    """Where a request is aimed: the target, and the collected resource that holds it (``None``: not collected).

    ``point`` is the access point of S3 that it goes through.
    """

    __slots__ = ("container", "point", "target", "type")

    def __init__(self, target: Target, container: Resource | None, type_name: str) -> None:
        self.target = target
        self.container = container
        self.type = type_name
        self.point: AccessPoint | None = None

    def through(self, point: AccessPoint) -> Place:
        """The same place, reached through an access point."""
        found = Place(self.target, self.container, self.type)
        found.point = point
        return found


def key_settings(key: Resource) -> Settings:
    """A KMS key's grants as the engine takes them; not collected ones are named by the key (L7)."""
    if key.grants is None:
        return Settings(kms_grants=None, grants_document=f"{key.arn}#grants")
    return Settings(kms_grants=tuple(one for grant in key.grants for one in _grants(key, grant)))


def _grants(key: Resource, grant: KmsGrant) -> Iterator[Grant]:
    id = f"{key.arn}#grant:{grant.id}"
    yield Grant(
        grantee=grant.grantee,
        operations=frozenset(grant.operations),
        encryption_context_equals=tuple(sorted(grant.constraints.get("EncryptionContextEquals", {}).items())),
        encryption_context_subset=tuple(sorted(grant.constraints.get("EncryptionContextSubset", {}).items())),
        id=id,
        source_arn=grant.source_arn,
    )
    if grant.retiring:
        yield Grant(grant.retiring, frozenset({"RetireGrant"}), id=id)


def uncollected_type(parts: list[str]) -> str:
    """``service:kind`` of an ARN in six parts, for the types that carry policies; empty for the others."""
    if len(parts) != 6:
        return ""
    if parts[2] == "iam":
        return "iam:role" if parts[5].startswith("role/") else ""
    if parts[2] == "kms" and not parts[5].startswith("key/"):
        return ""
    if parts[2] == "dynamodb" and not parts[5].startswith("table/"):
        return ""
    return _TYPE_OF_SERVICE.get(parts[2], "")


def unread_policy(place: Place) -> PolicyRef | None:
    """The policy that nobody reads of what may have one beside its container's: a function's version or alias, a
    layer's version, a table's stream. ``None``: it has none of its own, or is not known to exist.

    https://docs.aws.amazon.com/lambda/latest/api/API_GetPolicy.html ("Specify a version or alias to get the policy for
    that resource"): what Lambda's calls add are permissions alone.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutResourcePolicy.html ("The resources you can
    specify include tables and streams").
    """
    arn, container = place.target.arn, place.container
    if place.type == "lambda:function":
        kind, *names = arn.split(":")[5:]
        qualified = len(names) == 2 and names[1] != "$LATEST"
        if qualified and (kind == "layer" or (kind == "function" and container is not None)):
            return PolicyRef(f"{arn}#policy", None, only_allows=True)
    elif place.type == "dynamodb:table" and container is not None and arn.startswith(f"{container.arn}/stream/"):
        return PolicyRef(f"{arn}#policy", None)
    return None


def decides(type_name: str, action: str) -> bool:
    """Whether a resource's own policy is asked about an action (lower case): its service alone looks at it.

    ``ssm:SendCommand`` may name a bucket, and no bucket policy can allow it. ``action`` empty: any of its service's.
    """
    service = type_name.partition(":")[0]
    return not action or service == "iam" or action.partition(":")[0] == service
