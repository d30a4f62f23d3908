"""The request context, key by key: known, absent or unknown (semantics U1, U3, U7, C3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Literal, Protocol

By = Literal["caller", "environment"]


class Absent(Enum):
    """The type of `ABSENT`: the key is known not to be in the request."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = Absent.ABSENT


@dataclass(frozen=True, slots=True)
class Unknown:
    """A key of which it is not known whether it is in the request, nor with what value.

    `by` says who chooses it (U7). With `prefix` the key is known to be present and its value to start with that text
    (`aws:userid` of a role is `AROA…:` and then anything); with `last`, too, it ends with a slash and that text, or is
    nothing else behind the prefix, which then ends with a slash (the ARN of a role whose path is not known).
    `excludes` are values that it is known not to have.
    """

    by: By = "environment"
    prefix: str = ""
    excludes: frozenset[str] = frozenset()
    last: str = ""

    def may_be(self, value: str) -> bool:
        """Whether the key may have a value."""
        if self.last and value.rpartition("/")[2] != self.last:
            return False
        return value.startswith(self.prefix) and value not in self.excludes


ContextValue = tuple[str, ...] | Absent | Unknown


class Context(Protocol):
    """Where the engine looks keys up.

    `get` takes a key in any case (the engine always asks in lower case) and returns its values, `ABSENT` or an
    `Unknown`. A present key with an empty list is `()`, which is not `ABSENT`.
    """

    def get(self, key: str, /) -> ContextValue: ...


def _as_values(raw: object) -> tuple[str, ...]:
    if isinstance(raw, str):
        return (raw,)
    if isinstance(raw, bool):
        return ("true" if raw else "false",)
    if isinstance(raw, (int, float)):
        return (str(raw),)
    if isinstance(raw, Iterable):
        return tuple(value for item in raw for value in _as_values(item))
    raise TypeError(f"a context value is text or a list of texts, not `{raw!r}`")


class DictContext:
    """A context written out: what is neither in `values` nor in `unknown` is absent.

    `unknown` lists keys, or maps them to an `Unknown`; a listed key gets `by`, or the owner that `key_owner` says.
    """

    __slots__ = ("get",)

    def __init__(
        self,
        values: Mapping[str, object] | None = None,
        unknown: Iterable[str] | Mapping[str, Unknown] = (),
        by: By | None = None,
    ) -> None:
        table = _Written({key.lower(): _as_values(raw) for key, raw in (values or {}).items()})
        if isinstance(unknown, Mapping):
            table.update({key.lower(): value for key, value in unknown.items()})
        else:
            table.update({key.lower(): Unknown(by or key_owner(key)) for key in unknown})
        self.get: Callable[[str], ContextValue] = table.__getitem__


class _Written(dict[str, ContextValue]):
    """Keys in lower case; asked for in any case, and absent where they are not there."""

    def __missing__(self, key: str) -> ContextValue:
        lower = key.lower()
        return ABSENT if lower == key else self[lower]


# Who chooses a key (U7). A name that ends in `*` is a prefix. What is in neither table is the environment's when it
# is global (`aws:`) or a claim of an identity provider, else a plain parameter of the call, which the caller writes.
_CALLER_KEYS = (
    "aws:requesttag/*",
    "aws:tagkeys",
    "aws:calledvia*",
    "aws:viaawsservice",
    "aws:useragent",
    "aws:referer",
    "aws:requestedregion",
    "kms:encryptioncontext*",
    "kms:requestalias",
    "kms:viaservice",
    "sts:rolesessionname",
    "sts:transitivetagkeys",
    "sts:sourceidentity",
    "sts:durationseconds",
    "iam:passedtoservice",
    "iam:associatedresourcearn",
)
# Service keys that describe the caller, the resource or the network rather than the call.
_ENVIRONMENT_KEYS = (
    "sts:externalid",
    "sts:roleauthorizedbyidp",
    "kms:calleraccount",
    "kms:resourcealiases",
    "kms:keyorigin",
    "kms:keyspec",
    "kms:keyusage",
    "kms:multiregion*",
    "kms:recipientattestation*",
    "s3:existingobjecttag/*",
    "s3:buckettag/*",
    "s3:accesspointtag/*",
    "s3:resourceaccount",
    "s3:accesspointnetworkorigin",
    "s3:dataaccesspoint*",
    "s3:tlsversion",
    "iam:resourcetag/*",
    "ec2:resourcetag/*",
    "ec2:sourceinstancearn",
    "ec2:roledelivery",
    "lambda:sourcefunctionarn",
    "secretsmanager:resourcetag/*",
    "secretsmanager:resource/*",
    "ssm:resourcetag/*",
    "rds:cluster-pg-tag/*",
    "rds:cluster-snapshot-tag/*",
    "rds:cluster-tag/*",
    "rds:db-tag/*",
    "rds:es-tag/*",
    "rds:og-tag/*",
    "rds:pg-tag/*",
    "rds:ri-tag/*",
    "rds:secgrp-tag/*",
    "rds:snapshot-tag/*",
    "rds:subgrp-tag/*",
    "glue:credentialissuingservice",
    "identitystore:userid",
)
_ENVIRONMENT_PREFIXES = frozenset({"aws", "saml", "identitystore", "codecatalyst"})


def _listed(key: str, names: tuple[str, ...]) -> bool:
    return any(key == name or (name.endswith("*") and key.startswith(name[:-1])) for name in names)


@lru_cache(maxsize=16384)
def key_owner(key: str) -> By:
    """Who chooses an unknown key: the caller or the environment (U7)."""
    name = key.lower()
    if _listed(name, _CALLER_KEYS):
        return "caller"
    service = name.partition(":")[0]
    if _listed(name, _ENVIRONMENT_KEYS) or service in _ENVIRONMENT_PREFIXES or "." in service or "/" in service:
        return "environment"
    # Keys on the tags or attributes of what exists already are the resource's, not the call's.
    if "resourcetag/" in name or name.endswith(("resourceaccount", "resourceorgid")):
        return "environment"
    return "caller"


# Global keys with several values; every other `aws:` key has one.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html ("Value type")
_MULTIVALUED_GLOBAL = frozenset(
    {
        "aws:calledvia",
        "aws:tagkeys",
        "aws:principalorgpaths",
        "aws:principalservicenameslist",
        "aws:resourceorgpaths",
        "aws:sourceorgpaths",
        "aws:vpceorgpaths",
        "sts:transitivetagkeys",
        "sts:requestcontextproviders",
    }
)


def is_multivalued(key: str) -> bool:
    """Whether a key holds a list, whatever the request sends: arity belongs to the key (C3)."""
    name = key.lower()
    service = name.partition(":")[0]
    if name in _MULTIVALUED_GLOBAL or name.endswith(":amr"):
        return True
    if service == "aws":
        return False
    # Loaded here so that importing the room stays cheap.
    from policy.actions import catalogue

    return catalogue().key_is_list(name)
