"""What an identity or a resource says of itself, as facts: its own documents, attachments, memberships and tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from model.entities import IamPrincipal, Resource, Role, S3Settings, User

#: What a fact is about: its sort, the id that answers show, and what else tells it apart.
Key = tuple[str, ...]


def managed(holder: IamPrincipal) -> tuple[str, ...]:
    boundary = holder.boundary if isinstance(holder, User | Role) else None
    return (*holder.attached, *((boundary,) if boundary else ()))


def stands_in(holder: IamPrincipal) -> bool:
    """Whether the documents of a permission set stand in for a role that could not be read."""
    return isinstance(holder, Role) and holder.assumed_from_permission_set


def bare_holder(holder: IamPrincipal) -> IamPrincipal:
    """Who it is, without anything that is a fact of its own or decides nothing."""
    if isinstance(holder, Role):
        return Role(arn=holder.arn, id=holder.id, name=holder.name, path=holder.path, account=holder.account, trust="")
    return type(holder)(arn=holder.arn, id=holder.id, name=holder.name, path=holder.path, account=holder.account)


def own_facts(holder: IamPrincipal) -> dict[Key, Any]:
    """The facts of a user, a role or a group that is in both snapshots."""
    arn = holder.arn
    found: dict[Key, Any] = {
        ("inline", f"{arn}#inline:{inline.name}", arn, inline.name): inline.document for inline in holder.inline
    }
    found |= {("attached", policy, arn): True for policy in holder.attached}
    if isinstance(holder, Role):
        found["trust", f"{arn}#trust", arn] = holder.trust
    if isinstance(holder, User):
        found |= {("member", group, arn): True for group in holder.groups}
        found["mfa", f"{arn}#mfa", arn] = holder.mfa
    if isinstance(holder, User | Role):
        found |= tag_facts(arn, holder.tags)
        if holder.boundary:
            found["boundary", arn] = holder.boundary
    return found


def tag_facts(arn: str, tags: Mapping[str, str]) -> dict[Key, Any]:
    return {("tag", f"{arn}#tag:{name}", arn, name): value for name, value in tags.items()}


def bare_resource(resource: Resource) -> Resource:
    s3 = S3Settings() if resource.s3 is not None else None
    return replace(resource, policy="", tags={}, grants=(), s3=s3, role="", unread_role="", aliases=())
