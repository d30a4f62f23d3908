"""Who asks for what (semantics P1-P3, L10, L13, L18)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from policy.context_values import Context, Unknown
from policy.errors import PrincipalError

Kind = Literal[
    "user",
    "role",
    "session",
    "federated-user",
    "root",
    "account",
    "service",
    "origin-access-identity",
    "oidc-provider",
    "saml-provider",
    "anonymous",
]

#: Callers without policies of their own: the resource side alone decides (L13), and SCPs do not reach them (L2).
WITHOUT_IDENTITY = frozenset({"service", "origin-access-identity", "anonymous", "oidc-provider", "saml-provider"})

_ARN = re.compile(r"arn:(aws[\w-]*):(iam|sts)::(\d{12}|cloudfront):(.+)", re.DOTALL)
_SERVICE = re.compile(r"[a-z0-9._-]+\.(amazonaws\.com(\.cn)?|aws\.internal|amazon\.com|aws)")
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d")
#: What the names of service-linked roles begin with, for a session whose role's path is not known.
_SERVICE_LINKED = "AWSServiceRoleFor"
# Providers that a trust policy names without an ARN.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
PLAIN_PROVIDERS = frozenset(
    {"accounts.google.com", "cognito-identity.amazonaws.com", "graph.facebook.com", "www.amazon.com"}
)


def normal_service(name: str) -> str:
    """A service name without region: `states.eu-west-1.amazonaws.com` is `states.amazonaws.com` (P3)."""
    lowered = name.lower()
    pieces = lowered.split(".")
    if len(pieces) >= 4 and _REGION.fullmatch(pieces[1]):
        del pieces[1]
        return ".".join(pieces)
    return lowered


def is_service(text: str) -> bool:
    """Whether a text is the name of a service."""
    return text not in PLAIN_PROVIDERS and _SERVICE.fullmatch(text.lower()) is not None


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller. Kind `role` is some session of the role whose name is the caller's to choose (L18); kind `account` is
    some principal of the account whose own policies allow everything.

    `federated_by`: the ARN of the IAM user who asked for a federated user's session, where it is known (L5).
    `arn_unknown` and `id_unknown`: the request's `aws:PrincipalArn` (of a session) or `aws:userid` is not known, and
    so neither is the path of the session's role, or the id; a Principal element that hangs on it gives a leaf (U1).
    `gone`: an identity provider that is known not to exist.
    """

    kind: Kind
    text: str
    account: str | None = None
    role_arn: str | None = None
    session_name: str | None = None
    unique_id: str | None = None
    service_linked: bool = False
    canonical_id: str | None = None
    role_name: str | None = None
    arn_unknown: Unknown | None = None
    id_unknown: Unknown | None = None
    federated_by: str | None = None
    gone: bool = False

    @classmethod
    def parse(cls, text: str, *, role_arn: str | None = None, unique_id: str | None = None) -> Principal:
        """The principal of an ARN, an account id, a service or provider name, or `anonymous`.

        `role_arn` is a session's role with its path, which a session ARN does not tell. Raises `PrincipalError`.
        """
        if text == "anonymous":
            return cls("anonymous", text)
        if text in PLAIN_PROVIDERS:
            return cls("oidc-provider", text)
        if re.fullmatch(r"\d{12}", text):
            return cls("account", text, text)
        found = _ARN.fullmatch(text)
        if found is None:
            if _SERVICE.fullmatch(text.lower()):
                return cls("service", text)
            raise PrincipalError(f"`{text}` is no principal")
        return _from_arn(text, found, role_arn, unique_id)


def _from_arn(text: str, found: re.Match[str], role_arn: str | None, unique_id: str | None) -> Principal:
    service, account, path = found.group(2), found.group(3), found.group(4)
    kind, _, name = path.partition("/")
    if service == "iam" and path == "root":
        return Principal("root", text, account, unique_id=unique_id)
    if not name:
        raise PrincipalError(f"`{text}` is no principal")
    if account == "cloudfront":  # an origin access identity is CloudFront's own: nobody's policies but the bucket's
        return Principal("origin-access-identity", text)
    if service == "iam" and kind == "user":
        return Principal("user", text, account, unique_id=unique_id)
    if service == "iam" and kind == "role":
        return Principal(
            "role",
            text,
            account,
            role_arn=text,
            unique_id=unique_id,
            service_linked=name.startswith("aws-service-role/"),
            role_name=name.rpartition("/")[2],
        )
    if service == "iam" and kind == "oidc-provider":
        return Principal("oidc-provider", text, account)
    if service == "iam" and kind == "saml-provider":
        return Principal("saml-provider", text, account)
    if service == "sts" and kind == "federated-user":
        return Principal("federated-user", text, account, session_name=name)
    if service == "sts" and kind == "assumed-role":
        role, _, session = name.partition("/")
        if role and session:
            return Principal(
                "session",
                text,
                account,
                role_arn=role_arn,
                session_name=session,
                unique_id=unique_id,
                service_linked=":role/aws-service-role/" in role_arn if role_arn else role.startswith(_SERVICE_LINKED),
                role_name=role,
            )
    raise PrincipalError(f"`{text}` is no principal")


@dataclass(frozen=True, slots=True)
class Request:
    """One call: `resource` is an ARN, or `*` for an action without resource type; `resource_account` owns it."""

    principal: Principal
    action: str
    resource: str
    resource_account: str | None
    context: Context
