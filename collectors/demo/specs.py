"""What the organisation is declared with: frozen values that the writers turn into calls. Ages are days before now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from collectors.demo.documents import Document

Tags = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Person:
    """A user of Identity Center. `manager` is a user name."""

    given: str
    family: str
    title: str
    department: str
    manager: str
    status: str = "ENABLED"
    kind: str = "Employee"

    @property
    def user_name(self) -> str:
        return f"{self.given}.{self.family}".lower().replace(" ", "").replace("'", "") + "@meridian.example"


@dataclass(frozen=True, slots=True)
class PermissionSetSpec:
    name: str
    description: str
    managed: tuple[str, ...] = ()
    inline: Document | None = None
    customer_managed: tuple[str, ...] = ()
    boundary: str | None = None  # the ARN of one of AWS's managed policies
    duration: str = "PT8H"
    tags: Tags = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PolicySpec:
    """A customer managed policy."""

    name: str
    document: Document
    description: str = ""
    tags: Tags = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RoleSpec:
    name: str
    trust: Document
    managed: tuple[str, ...] = ()
    inline: Mapping[str, Document] = field(default_factory=dict)
    boundary: str | None = None
    tags: Tags = field(default_factory=dict)
    path: str = "/"
    description: str = ""
    instance_profile: bool = False
    created: int = 400
    used: int | None = None


@dataclass(frozen=True, slots=True)
class GroupSpec:
    name: str
    managed: tuple[str, ...] = ()
    inline: Mapping[str, Document] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UserSpec:
    name: str
    groups: tuple[str, ...] = ()
    managed: tuple[str, ...] = ()
    inline: Mapping[str, Document] = field(default_factory=dict)
    boundary: str | None = None
    tags: Tags = field(default_factory=dict)
    path: str = "/"
    password: bool = False
    password_used: int | None = None
    mfa: bool = False
    key: bool = False
    key_created: int = 30
    key_used: int | None = None
    created: int = 300


@dataclass(frozen=True, slots=True)
class AccountIam:
    """Everything in IAM of one account; `service_linked` are services by their short name, `oidc` provider URLs."""

    alias: str
    policies: tuple[PolicySpec, ...] = ()
    groups: tuple[GroupSpec, ...] = ()
    users: tuple[UserSpec, ...] = ()
    roles: tuple[RoleSpec, ...] = ()
    oidc: tuple[str, ...] = ()
    service_linked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Resource:
    """What every resource has: where it is, its name, its tags and its own policy."""

    account: str
    region: str
    name: str
    tags: Tags = field(default_factory=dict)
    policy: Document | None = None


@dataclass(frozen=True, slots=True)
class Instance(Resource):
    """An EC2 instance; `profile` is the instance profile it carries."""

    profile: str = ""


@dataclass(frozen=True, slots=True)
class Bucket(Resource):
    block_public_access: bool = True


@dataclass(frozen=True, slots=True)
class Key(Resource):
    """A KMS key; `name` is its alias; without a policy it has AWS's default one. `grants`: (role ARN, operations)."""

    grants: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Queue(Resource):
    pass


@dataclass(frozen=True, slots=True)
class Topic(Resource):
    pass


@dataclass(frozen=True, slots=True)
class Permission:
    """One `lambda:AddPermission`."""

    sid: str
    principal: str
    source_arn: str | None = None
    source_account: str | None = None


@dataclass(frozen=True, slots=True)
class Function(Resource):
    role: str = ""
    permissions: tuple[Permission, ...] = ()


@dataclass(frozen=True, slots=True)
class Secret(Resource):
    pass


@dataclass(frozen=True, slots=True)
class Table(Resource):
    pass
