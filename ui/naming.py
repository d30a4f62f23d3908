"""What the screens call principals and resources: short name and account, never an ARN."""

from __future__ import annotations

from model.entities import Resource
from model.naming import Names

_NOUNS = {
    "s3": "bucket",
    "kms": "key",
    "secretsmanager": "secret",
    "lambda": "function",
    "dynamodb": "table",
    "sqs": "queue",
    "sns": "topic",
    "ec2": "machine",
}
_KINDS = {
    "Person": "Person",
    "User": "User with its own password or key",
    "Role": "Role",
    "RootUser": "Root user",
    "Provider": "Sign-in provider",
    "Service": "AWS service",
    "Outsider": "Outside the organisation",
    "Account": "Outside the organisation",
    "Anonymous": "Anyone",
}
_GLYPHS = {
    "Person": "person",
    "User": "user",
    "Role": "role",
    "RootUser": "user",
    "Provider": "outside",
    "Service": "service",
    "Outsider": "outside",
    "Account": "outside",
    "Anonymous": "outside",
}


class ScreenNames(Names):
    """``Names`` with nouns for resources in place of service names."""

    def resource(self, arn: str, account: str = "") -> str:
        """``bucket card-data in payments-prod``; contents as ``everything in bucket …``."""
        if arn == "*":
            place = f" in {self.account(account)}" if account else ""
            return f"whatever was not listed{place}"
        parts = arn.split(":", 5)
        if len(parts) != 6:
            return self.who(arn)
        service, own = parts[2], self._owner(arn, parts[4]) or account
        place = f" in {self.account(own)}" if own else ""
        if service in ("iam", "sts"):
            return self.thing(arn) if not arn.endswith("*") else f"every {parts[5].partition('/')[0]}{place}"
        noun = _NOUNS.get(service, service)
        name = self.alias(arn).removeprefix("alias/") or parts[5].rpartition(":")[2]
        for prefix in ("table/", "key/", "instance/"):
            name = name.removeprefix(prefix)
        if service == "s3" and name.startswith("accesspoint/"):
            point, _, path = name.removeprefix("accesspoint/").partition("/object/")
            inside = "" if not path else "every object behind " if path == "*" else f"objects {path} behind "
            return f"{inside}access point {point}{place}"
        if service == "s3":
            bucket, slash, path = parts[5].partition("/")
            if bucket == "*":
                return f"every bucket{place}"
            if slash:
                inside = "every object in" if path == "*" else f"objects {path} in"
                return f"{inside} bucket {bucket}{place}"
            return f"bucket {bucket}{place}"
        if name == "*":
            return f"every {noun}{place}"
        if name.endswith("/*"):
            return f"the contents of {noun} {name.removesuffix('/*')}{place}"
        return f"{noun} {name}{place}"

    def _owner(self, arn: str, account: str) -> str:
        found: Resource | None = self._inventory.container(arn) if not arn.endswith("*") or "/" in arn else None
        return found.account if found is not None else account


def kind_in_words(kind: str, *, member: bool = False) -> str:
    """What sort of identity a principal is; ``member``: its account is one of the organisation's."""
    if member and kind == "Outsider":
        return "Named by a policy, in an account whose identities could not be read"
    return _KINDS.get(kind, kind)


def glyph_of(kind: str) -> str:
    """Name of the picture for a principal's kind."""
    return _GLYPHS.get(kind, "thing")
