"""A request's context, derived from what is known of its caller and its target (semantics U3, U7).

Nothing here guesses. A key that follows from the inventory is known or absent; a key that the caller of ``grantmap``
gave is what they said; everything else is unknown, and says who could choose it.

Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html (global keys),
https://docs.aws.amazon.com/service-authorization/latest/reference/ (which action carries which key).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from policy.actions import catalogue
from policy.availability import GLOBAL_SERVICES, WITHOUT_RESOURCE_ACCOUNT, WITHOUT_RESOURCE_TAGS, home_region
from policy.context_values import ABSENT, Absent, By, Unknown, key_owner
from policy.request import WITHOUT_IDENTITY, Principal

Value = tuple[str, ...] | Absent | Unknown

#: Keys that repeat a resource's tags under a service's own name.
_RESOURCE_TAG_KEYS = frozenset(
    {"aws", "iam", "secretsmanager", "ec2", "ssm", "rds", "ecs", "eks", "sagemaker", "autoscaling", "codebuild"}
)

#: What a session with MFA says of it.
MFA_KEYS = frozenset({"aws:multifactorauthpresent", "aws:multifactorauthage"})

#: The beginnings of keys that the caller of STS chooses (https://docs.aws.amazon.com/service-authorization/latest/
#: reference/list_awssecuritytokenservice.html); those of identity providers are in their tokens.
_IN_STS_CALLS = (
    "aws:",
    "sts:rolesessionname",
    "sts:transitivetagkeys",
    "sts:sourceidentity",
    "sts:durationseconds",
)

_SOURCE_KEYS = frozenset({"aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths"})


@dataclass(frozen=True)
class Caller:
    """What the inventory knows of the principal that makes a request.

    ``org_id``/``org_path``: empty text when it is known to be in no organisation; ``None``: not known.
    ``tags``: ``None``: not known (a session may bring its own tags). ``mfa``: ``None``: not known, ``False``: the
    session can have none. ``outside``: organisation ids that this caller is known not to be in.
    """

    principal: Principal
    org_id: str | None = None
    org_path: str | None = None
    tags: Mapping[str, str] | None = None
    mfa: bool | None = None
    user_id: str = ""
    outside: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Target:
    """What the inventory knows of the resource; ``region`` ``None``: not known, empty: the ARN has none.

    ``partition`` is the ARN's, or the organisation's for ``*``.
    ``foreign``: nobody knows whose it is, or what is behind it; ``account`` is the caller's where it may be that, and
    an access point's own.
    ``without_points`` are the accounts that are known to have no access point of the bucket (semantics L7).
    ``tags``: ``None``: not known. ``honours_tags`` is false for resources whose tags do not count in decisions
    (an S3 bucket without attribute-based access control), ``None``: not known.
    """

    arn: str
    account: str
    service: str
    region: str | None
    org_id: str | None = None
    org_path: str | None = None
    tags: Mapping[str, str] | None = None
    honours_tags: bool | None = True
    partition: str = "aws"
    foreign: bool = False
    without_points: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Overrides:
    """What the asker said of the context: given values, keys to take as absent, keys to take as unknown."""

    given: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls, given: Mapping[str, Iterable[str]], absent: Iterable[str] = (), unknown: Iterable[str] = ()
    ) -> Overrides:
        return cls(
            {key.lower(): tuple(values) for key, values in given.items()},
            frozenset(key.lower() for key in absent),
            frozenset(key.lower() for key in unknown),
        )

    def __bool__(self) -> bool:
        return bool(self.given or self.absent or self.unknown)


NO_OVERRIDES = Overrides()


class RequestContext:
    """The context of one request; ``get`` derives a key when a condition asks for it.

    ``now`` is the snapshot's time as (ISO 8601, epoch seconds): decisions are about the moment that was read.
    """

    __slots__ = ("_action", "_caller", "_now", "_overrides", "_target")

    def __init__(
        self, caller: Caller, target: Target, action: str, now: tuple[str, str], overrides: Overrides = NO_OVERRIDES
    ) -> None:
        self._caller = caller
        self._target = target
        self._action = action.lower()
        self._now = now
        self._overrides = overrides

    def get(self, key: str) -> Value:
        """Values of ``key`` in any case, ``ABSENT``, or ``Unknown`` with who chooses it."""
        lower = key.lower()
        if self._overrides:
            said = self._said(lower)
            if said is not None:
                return said
        derived = self._derive(lower)
        return Unknown(self._owner(lower)) if derived is None else derived

    def _owner(self, key: str) -> By:
        """Who chooses an unknown key. Calls of STS carry few: one that is not known to be theirs is nobody's choice, so
        that no role counts as reached by a condition which nothing in the call can meet."""
        owner = key_owner(key)
        if owner == "caller" and self._action.startswith("sts:") and not key.startswith(_IN_STS_CALLS):
            return "environment"
        return owner

    def _said(self, key: str) -> Value | None:
        overrides = self._overrides
        if key in overrides.given:
            return overrides.given[key]
        if key in overrides.absent:
            return ABSENT
        if key in overrides.unknown:
            return Unknown(self._owner(key))
        return None

    def _derive(self, key: str) -> Value | None:
        if key.startswith("aws:principaltag/"):
            return self._principal_tag(key.partition("/")[2])
        head, slash, tag = key.partition("/")
        if slash and head.endswith(":resourcetag") and head.partition(":")[0] in _RESOURCE_TAG_KEYS:
            return self._resource_tag(key, tag)
        if key.startswith("aws:principal") or key in ("aws:userid", "aws:username") or key in MFA_KEYS:
            return _caller_key(self._caller, key)
        if key in _SOURCE_KEYS:
            return None if self._caller.principal.kind == "service" else ABSENT
        return self._target_key(key)

    def _principal_tag(self, tag: str) -> Value | None:
        tags = self._caller.tags
        if tags is None:
            return None
        return next(((value,) for name, value in tags.items() if name.lower() == tag), ABSENT)

    def _resource_tag(self, key: str, tag: str) -> Value | None:
        """Tags of the target, where the action carries them (U3).

        AWS sends the key "only for resources that support authorization based on tags"; which those are is in the
        action data. A tag whose support is not documented stays unknown rather than absent: absence would let a
        missing line in AWS's reference turn into "no access".
        """
        if self._action in WITHOUT_RESOURCE_TAGS:
            return None
        target = self._target
        if target.honours_tags is False:
            return ABSENT
        if target.tags is None or target.honours_tags is None:
            return None
        if not _carries_resource_tags(self._action, key.partition("/")[0]):
            return None
        return next(((value,) for name, value in target.tags.items() if name.lower() == tag), ABSENT)

    def _target_key(self, key: str) -> Value | None:
        target = self._target
        if key in _OF_SERVICES and key not in carried(self._action):
            return None
        if key in OF_ACCOUNT:
            return None if self._action in WITHOUT_RESOURCE_ACCOUNT else of_account(key, target)
        if key == "aws:requestedregion":
            region = requested_region(target, self._action)
            return None if region is None else (region,)
        if key == "aws:securetransport":
            return ("true",)
        if key == "aws:currenttime":
            return (self._now[0],)
        if key == "aws:epochtime":
            return (self._now[1],)
        if key == "s3:dataaccesspointaccount" and target.without_points:
            return Unknown("environment", excludes=target.without_points)
        account = self._caller.principal.account
        if key in ("kms:calleraccount", "aws:sourceowner"):
            if account:
                return (account,)
            return None if self._caller.principal.kind == "service" else ABSENT
        return None


def is_of_request(key: str) -> bool:
    """Whether what is asked for may tell the value of a key (lower case) that is not known of who asks alone."""
    return key in _OF_REQUEST or key.partition("/")[0].endswith(":resourcetag")


def is_of_caller(key: str) -> bool:
    """Whether the value of a key (lower case) hangs on who asks alone, whatever is asked for."""
    return key.startswith("aws:principal") or key in _CALLER_KEYS


#: Keys of who asks, beside those that begin with ``aws:principal``.
_CALLER_KEYS = frozenset({"aws:userid", "aws:username", *MFA_KEYS, *_SOURCE_KEYS})

#: Keys of accounts that not all requests carry, with the services of those that do. What the others' say is not known:
#: "absent" would be a guess about actions that AWS's reference may have missed.
_OF_SERVICES = {"kms:calleraccount": "kms", "aws:sourceowner": "sns", "s3:resourceaccount": "s3"}


@lru_cache(maxsize=65536)
def carried(action: str) -> frozenset[str]:
    """Which of the keys of accounts that not all requests carry those of an action (lower case) do: as the Service
    Authorization Reference lists them; ``aws:SourceOwner``, which it does not know, those of topics (semantics U3)."""
    service = action.partition(":")[0]
    keys = {key for key, owner in _OF_SERVICES.items() if owner == service}
    return frozenset(keys & {"aws:sourceowner", *map(str.lower, catalogue().condition_keys(action))} if keys else ())


#: Keys of the account that a target is in.
OF_ACCOUNT = frozenset({"aws:resourceaccount", "s3:resourceaccount", "aws:resourceorgid", "aws:resourceorgpaths"})


def of_account(key: str, target: Target) -> Value | None:
    """What one of ``OF_ACCOUNT`` has in requests that carry it; ``None``: that is not known."""
    if key.endswith(":resourceaccount"):
        return None if target.foreign or not target.account else (target.account,)
    return _membership(target.org_id if key == "aws:resourceorgid" else target.org_path)


#: Keys of ``RequestContext`` that hang on the target, or on whether an action carries them.
_OF_REQUEST = frozenset(
    {
        *OF_ACCOUNT,
        "aws:requestedregion",
        "s3:dataaccesspointaccount",
        *_OF_SERVICES,
    }
)


def _membership(value: str | None) -> Value | None:
    if value is None:
        return None
    return (value,) if value else ABSENT


def _caller_key(caller: Caller, key: str) -> Value | None:
    principal = caller.principal
    kind = principal.kind
    if key in MFA_KEYS:
        # Session tokens of services and federated users never carry MFA; for the others the inventory says (U3).
        never = kind in WITHOUT_IDENTITY or kind == "federated-user"
        return ABSENT if never or caller.mfa is False else None
    if key == "aws:principalisawsservice":
        return ("true",) if kind == "service" else ("false",)
    if key == "aws:principalservicename":
        return (principal.text,) if kind == "service" else ABSENT
    if key == "aws:principalservicenameslist":
        return None if kind == "service" else ABSENT
    if key == "aws:principaltype":
        return _PRINCIPAL_TYPES.get(kind)
    if key in ("aws:principalorgid", "aws:principalorgpaths"):
        return _caller_organization(caller, key)
    if key in ("aws:principalarn", "aws:principalaccount"):
        return _caller_identity(principal, key)
    if key == "aws:username":
        if kind == "account":
            return None
        return (principal.text.rsplit("/", 1)[-1],) if kind == "user" else ABSENT
    if key == "aws:userid":
        return _user_id(caller)
    return None


_PRINCIPAL_TYPES: Mapping[str, tuple[str, ...]] = {
    "user": ("User",),
    "role": ("AssumedRole",),
    "session": ("AssumedRole",),
    "root": ("Account",),
    "federated-user": ("FederatedUser",),
    "anonymous": ("Anonymous",),
}


def _caller_organization(caller: Caller, key: str) -> Value | None:
    if not caller.principal.account or caller.principal.kind in WITHOUT_IDENTITY:
        return ABSENT  # services, providers and anonymous callers belong to no account
    value = caller.org_id if key == "aws:principalorgid" else caller.org_path
    if value is None and caller.outside and key == "aws:principalorgid":
        return Unknown("environment", excludes=caller.outside)
    return _membership(value)


def _caller_identity(principal: Principal, key: str) -> Value | None:
    if not principal.account or principal.kind in WITHOUT_IDENTITY:
        # A provider's user has no principal keys before it has the role: reference_sts_vpc_endpoint_policies,
        # "Important considerations". https://docs.aws.amazon.com/IAM/latest/UserGuide/
        return ABSENT
    if key == "aws:principalaccount":
        return (principal.account,)
    if principal.kind == "account":
        # Somebody of that account: a user, a role or its root.
        return Unknown("environment", prefix=f"arn:{_partition(principal)}:iam::{principal.account}:")
    # C6: a session is known by its role's ARN, with the role's path, which its own ARN does not tell.
    if principal.kind == "session" and principal.role_arn is None:
        prefix = f"arn:{_partition(principal)}:iam::{principal.account}:role/"
        return Unknown("environment", prefix=prefix, last=principal.role_name or "")
    return (principal.role_arn or principal.text,)


def _partition(principal: Principal) -> str:
    return principal.text.split(":")[1] if principal.text.startswith("arn:") else "aws"


def _user_id(caller: Caller) -> Value | None:
    principal = caller.principal
    if principal.kind == "root":
        return (principal.account or "",)
    if principal.kind == "anonymous":
        return ("anonymous",)
    if not caller.user_id:
        return None
    if principal.kind == "user":
        return (caller.user_id,)
    if principal.kind == "session":
        return (f"{caller.user_id}:{principal.session_name}",)
    if principal.kind == "role":
        return Unknown("caller", prefix=f"{caller.user_id}:")
    return None


def requested_region(target: Target, action: str) -> str | None:
    """``aws:RequestedRegion`` of a request for ``target``, ``None``: not known (U3).

    Global services are called in their partition's home region; of sts the endpoint that the caller picks decides, and
    so it does where another service's action is about what a global one has (``ssm:UpdateManagedInstanceRole``).
    ``action`` is in lower case; without one it is asked about actions of the target's own service.
    """
    service = action.partition(":")[0]
    if service and called_anywhere(service, target.service):
        return None
    if target.service in GLOBAL_SERVICES:
        return home_region(target.partition)
    return target.region or None


def called_anywhere(service: str, owner: str) -> bool:
    """Whether a service's actions about what its ``owner``, another service, has are called where the caller likes."""
    return service == "sts" or (owner in GLOBAL_SERVICES and service not in GLOBAL_SERVICES)


@lru_cache(maxsize=65536)
def _carries_resource_tags(action: str, head: str) -> bool:
    return any(key.lower().startswith(head + "/") for key in catalogue().condition_keys(action))
