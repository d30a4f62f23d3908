"""What people call the things that answers name by ids: accounts by name, roles by short name, policies by theirs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from model.entities import RESERVED_SSO_PREFIX

if TYPE_CHECKING:
    from model.access_manager import RoleEntitlement
    from model.inventory import Inventory

_PRINCIPALS = {"oidc-provider": "OIDC provider", "saml-provider": "SAML provider"}
_GUARDRAILS = {"scp": "SCP", "rcp": "RCP"}
_OF_ORGANIZATIONS = {
    "organizations:delegated-administrator": "the organisation's delegation of administration to the caller's account",
    "organizations:root-access": "the organisation's central access to root users of its members",
}
_KINDS = {"scp": "the service control policies", "rcp": "the resource control policies"}


class Names:
    """Short names from one snapshot; an id that it does not know is told as it is, in as few words as that allows."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    @cached_property
    def _accounts(self) -> dict[str, str]:
        """Accounts by id; a name that several have is told with the id."""
        named = {account.id: _one_line(account.name or account.alias) for account in self._inventory.accounts.values()}
        times = Counter(named.values())
        return {id: (text if times[text] == 1 else f"{text} ({id})") for id, text in named.items() if text}

    def account(self, id: str) -> str:
        """An account's name, its id where nobody gave it one."""
        return self._accounts.get(id, id)

    def collected(self, id: str) -> bool:
        """Whether an account is one of the snapshot's."""
        return id in self._inventory.accounts

    def who(self, key: str, *, place: bool = True) -> str:
        """A principal; ``place`` false leaves out its account, and the kind of what is plainly a role."""
        if key == "anonymous":
            return "anyone, without signing in"
        if key.startswith("account:"):
            id = key.removeprefix("account:")
            return f"account {self._accounts[id]}" if id in self._accounts else f"account {id}"
        parts = key.split(":", 5)
        if len(parts) != 6 or parts[2] not in ("iam", "sts"):
            return _one_line(key.removeprefix("person:"))
        if parts[5] == "root":
            return f"root user of {self.account(parts[4])}"
        kind, _, rest = parts[5].partition("/")
        name = rest if kind in _PRINCIPALS else rest.rsplit("/", 1)[-1]
        text = f"{_PRINCIPALS.get(kind, kind)} {name}"
        if kind == "role":
            reserved = _permission_set(parts[5])
            text = f"permission set {reserved}" if reserved else f"role {name}"
        elif kind == "assumed-role":
            text = f"session {name} of role {rest.partition('/')[0]}"
        return f"{text} in {self.account(parts[4])}" if place and parts[4] else text

    def way(self, via: Iterable[str]) -> str:
        """Roles on the way; an account is told once for roles of it that follow each other."""
        told, place = [], ""
        for arn in via:
            here = arn.split(":", 5)[4] if arn.count(":") >= 5 else ""
            name = self.who(arn, place=here != place).removeprefix("role ").removeprefix("permission set ")
            told.append(name)
            place = here
        return "through " + ", then ".join(told) if told else "directly"

    def thing(self, arn: str) -> str:
        """A resource, or a principal as one: buckets as ``s3://``, KMS keys by alias."""
        parts = arn.split(":", 5)
        if len(parts) != 6:
            return self.who(arn)
        account = f" in {self.account(parts[4])}" if parts[4] else ""
        if parts[2] in ("iam", "sts"):
            return f"policy {arn.rsplit('/', 1)[-1]}{account}" if parts[5].startswith("policy/") else self.who(arn)
        if parts[2] == "s3":
            return f"s3://{parts[5]}"
        return f"{parts[2]} {self.alias(arn) or parts[5]}{account}"

    def reached(self, pattern: str, account: str, count: int = 1) -> str:
        """A row of ``reach``: ARNs and patterns as they are, to be copied; KMS keys by alias, with the region.

        A pattern of several resources tells how many it stands for: others that it fits may have rows of their own.
        """
        if count > 1:
            return f"{pattern} ({count:,} resources)"
        if pattern == "*":
            return f"* in {self.account(account)} (what was not collected)"
        first, *more = pattern.split(" ∩ ")
        if more:  # a part of one container: its name once
            container = first.partition("/")[0] + "/"
            return " ∩ ".join((first, *(item.removeprefix(container) for item in more)))
        alias = self.alias(pattern)
        if not alias:
            return pattern
        parts = pattern.split(":", 5)
        return f"KMS key {alias} in {self.account(parts[4])}, {parts[3]}"

    def alias(self, arn: str) -> str:
        """The first alias of a KMS key, empty for none."""
        found = self._inventory.resources.get(arn)
        return next(iter(found.aliases), "") if found is not None else ""

    def document(self, id: str) -> str:
        """A policy, or what else an answer can hang on: inline, managed, trust, a resource's own, a guardrail."""
        owner, _, part = id.partition("#")
        if not part:
            return self._managed(id)
        kind, _, name = part.partition(":")
        if kind == "inline":
            return f"inline policy {_one_line(name)} of {self.who(owner)}"
        if kind == "trust":
            return f"the trust policy of {self.who(owner)}"
        if kind == "policies":
            return f"the policies of {self.who(owner)}"
        if kind == "session":
            return f"the session policy of {self.who(owner)}"
        if kind == "public-access-block":
            return f"S3 Block Public Access of {self.thing(owner)}"
        if kind == "acl":
            return f"the access control list of {self.thing(owner)}"
        if kind == "share":
            return f"AWS RAM share {_one_line(name)} in {self.account(owner.split(':')[4])}"
        if kind in ("grants", "grant"):
            return f"a grant of {self.thing(owner)}"
        return f"the policy of {self.thing(owner)}"

    def _managed(self, id: str) -> str:
        parts = id.split(":", 5)
        if id.startswith("ram:"):
            return f"the list of AWS RAM shares of {self.account(parts[1])}"
        if id.startswith("identitystore:group/"):
            group = self._inventory.directory_groups.get(id.partition("/")[2])
            return (
                f"the list of members of group {_one_line(group.name) if group is not None else id.partition('/')[2]}"
            )
        if id in _OF_ORGANIZATIONS:
            return _OF_ORGANIZATIONS[id]
        if len(parts) == 2 and parts[0] in _KINDS:
            return f"{_KINDS[parts[0]]} over {self.account(parts[1])}"
        if len(parts) != 6:
            return self._places.get(id) or (f"account {self._accounts[id]}" if id in self._accounts else self.who(id))
        if parts[2] == "organizations":
            found = self._guardrail_names.get(id)
            return found or f"policy {id.rsplit('/', 1)[-1]} of the organisation"
        if parts[2] == "sso":
            return self._identity_center(id)
        if parts[2] == "iam" and parts[5].startswith("policy/"):
            name = id.rsplit("/", 1)[-1]
            return f"AWS policy {name}" if parts[4] == "aws" else f"policy {name} in {self.account(parts[4])}"
        return self.thing(id)

    def _identity_center(self, id: str) -> str:
        """What was not read of Identity Center: a set, who has it (``SETARN@ACCOUNT``), which sets there are."""
        head, _, account = id.partition("@")
        if "instance/" in head:
            return "the list of permission sets of Identity Center"
        name = f"permission set {self._set_name(head)}"
        if not account:
            return f"the description of {name}"
        return f"the list of assignments of {name}" + ("" if account == "*" else f" in {self.account(account)}")

    def _set_name(self, arn: str) -> str:
        known = self._inventory.permission_sets.get(arn)
        return _one_line(known.name) if known is not None else arn.rsplit("/", 1)[-1]

    @cached_property
    def _guardrail_names(self) -> dict[str, str]:
        organization = self._inventory.organization
        policies = organization.policies if organization is not None else ()
        return {policy.arn: f"{_GUARDRAILS[policy.kind]} {_one_line(policy.name)}" for policy in policies}

    @cached_property
    def _places(self) -> dict[str, str]:
        """Where guardrails are attached: organisational units by name, the root as what is below it."""
        organization = self._inventory.organization
        units = organization.units if organization is not None else ()
        return {unit.id: f"OU {_one_line(unit.name)}" if unit.parent else "the whole organisation" for unit in units}

    def assignment(self, id: str) -> str:
        """How an assignment of Identity Center, ``SETARN@ACCOUNT#group|user:ID``, gives its permission set; or an
        entitlement of account access manager, ``APPLICATION#entitlement:ID``, its role.
        """
        head, _, holder = id.rpartition("#")
        if holder.startswith("entitlement:"):
            return self._entitlement(head, holder.partition(":")[2])
        permission_set, _, account = head.rpartition("@")
        name = self._set_name(permission_set)
        kind, _, holder_id = holder.partition(":")
        return f"assigned {name} in {self.account(account)} {self._by_group(holder_id if kind == 'group' else '')}"

    def _entitlement(self, application: str, id: str) -> str:
        found = self._entitlements.get((application, id))
        if found is None:
            return f"entitled to a role by account access manager ({id})"
        group = found.principal_id if found.principal_type == "GROUP" else ""
        return f"entitled to {self.who(found.role)} {self._by_group(group)}"

    @cached_property
    def _entitlements(self) -> dict[tuple[str, str], RoleEntitlement]:
        return {(item.application, item.id): item for item in self._inventory.data.entitlements}

    def _by_group(self, id: str) -> str:
        if not id:
            return "directly"
        group = self._inventory.directory_groups.get(id)
        return f"through group {_one_line(group.name) if group is not None else id}"


def _permission_set(resource: str) -> str:
    """Name of the permission set that a reserved role was made from; empty for other roles."""
    name = resource.rsplit("/", 1)[-1]
    if not resource.startswith("role/aws-reserved/sso.amazonaws.com/") or not name.startswith(RESERVED_SSO_PREFIX):
        return ""
    return name[len(RESERVED_SSO_PREFIX) :].rpartition("_")[0]


def _one_line(text: str) -> str:
    """A name that somebody else chose, which must not begin a line of its own."""
    return " ".join(text.split())
