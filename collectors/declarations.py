"""The shapes of what `registry` and `resource_table` declare."""

from __future__ import annotations

from dataclasses import dataclass, field

_ACTION_PREFIXES = {"sso-admin": "sso", "s3control": "s3"}


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One AWS operation.

    ``service`` is boto3's name and ``name`` AWS's spelling. ``collector`` names the part it is recorded in. ``items``
    is the key of the page's list, counted (several are added up). ``each`` says in words where its parameters come
    from. ``page_size`` is given where AWS pages only when asked to. ``absent`` are the error codes that mean "there is
    none", ``gone`` those that mean "what you name is no more". ``affects`` is the area, where no ARN is given.
    ``next_page`` names the parameter and key that lead to the next page where botocore knows of no pages.
    ``action`` is the IAM action where it is not spelled like the operation. ``drops`` are keys that are removed from
    its pages, at any depth, because their values may be secrets.
    """

    service: str
    name: str
    collector: str
    affects: str
    items: tuple[str, ...] = ()
    params: tuple[str, ...] = ()
    each: str = ""
    page_size: int | None = None
    next_page: str = ""
    absent: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()
    action: str = ""
    drops: frozenset[str] = frozenset()

    @property
    def iam_action(self) -> str:
        """The action that a policy must allow for this operation."""
        return self.action or f"{_ACTION_PREFIXES.get(self.service, self.service)}:{self.name}"


@dataclass(frozen=True, kw_only=True)
class Thing:
    """How the entries of a list name what they list.

    ``id`` is the entry's key that the detail calls take, empty where the entry is itself the id. ``arn`` is a template
    over ``{id}``, ``{name}`` (the id's last path element), ``{account}``, ``{region}``, ``{partition}`` and the entry's
    own keys.
    """

    id: str
    arn: str


@dataclass(frozen=True, kw_only=True)
class Detail:
    """A call per listed thing; ``params`` are templates over ``{id}`` and ``{arn}``, a list stays a list."""

    operation: Operation
    params: dict[str, str | list[str]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ResourceRow:
    """A service's resources: one list call, then the details of each entry, then what the region has as a whole.

    ``params`` are the list's, templates over ``{account}``.
    """

    collector: str
    list: Operation
    thing: Thing
    details: tuple[Detail, ...]
    params: dict[str, str] = field(default_factory=dict)
    also: tuple[Operation, ...] = ()
