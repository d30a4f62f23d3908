"""Shares of AWS RAM as the resource policies that RAM makes of them (semantics L16).

https://docs.aws.amazon.com/ram/latest/userguide/getting-started-terms-and-concepts.html
("Examples of AWS RAM generated resource-based policies"): a share is read as one policy, with a statement for each of
its permissions and each kind of its principals.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from model.entities import Share, SharePermission
from model.inventory import Inventory
from policy.context import Target
from policy.document import Document, parse_document
from policy.errors import PolicyError
from policy.inputs import PolicyRef
from policy.request import Principal, normal_service

_ACCOUNT = re.compile(r"\d{12}")
_ORGANIZATION = re.compile(r"arn:aws[\w-]*:organizations::\d{12}:organization/(o-\w+)")
_UNIT = re.compile(r"arn:aws[\w-]*:organizations::\d{12}:(?:ou|organization)/(o-\w+)/(ou-[\w-]+)")
_IDENTITY = re.compile(r"arn:aws[\w-]*:iam::\d{12}:.+")

#: What RAM can share, by the service and the kind in an ARN; `None`: (nearly) every kind of the service.
#: https://docs.aws.amazon.com/ram/latest/userguide/shareable.html, read 2026-11.
_SHAREABLE: Mapping[str, frozenset[str] | None] = {
    "acm-pca": None,
    "apigateway": None,
    "appmesh": frozenset({"mesh"}),
    "aws-marketplace": None,
    "backup": frozenset({"backup-vault"}),
    "bedrock": frozenset({"custom-model"}),
    "cloudhsm": frozenset({"backup"}),
    "codebuild": frozenset({"project", "report-group"}),
    "datazone": frozenset({"domain"}),
    "ec2": frozenset(
        {
            "capacity-reservation",
            "coip-pool",
            "dedicated-host",
            "ipam-pool",
            "ipam-resource-discovery",
            "local-gateway-route-table",
            "placement-group",
            "prefix-list",
            "security-group",
            "subnet",
            "traffic-mirror-target",
            "transit-gateway",
            "transit-gateway-multicast-domain",
            "verified-access-group",
        }
    ),
    "glue": frozenset({"catalog", "database", "table"}),
    "imagebuilder": None,
    "license-manager": None,
    "network-firewall": None,
    "networkmanager": frozenset({"core-network"}),
    "outposts": None,
    "rds": frozenset({"cluster"}),
    "refactor-spaces": None,
    "resource-groups": frozenset({"group"}),
    "route53profiles": None,
    "route53resolver": None,
    "s3-outposts": None,
    "sagemaker": None,
    "servicecatalog": None,
    "ssm": frozenset({"parameter"}),
    "ssm-contacts": None,
    "ssm-incidents": None,
    "vpc-lattice": None,
}
#: Types that have no resource policy: what RAM shows of a share is "a representation of the actual permissions", made
#: for other accounts. The page above, "By using AWS RAM, you can even share some resource types that don't support …".
_ONLY_SHOWN = frozenset(
    {
        "ec2:capacityreservation",
        "ec2:coippool",
        "ec2:dedicatedhost",
        "ec2:localgatewayroutetable",
        "ec2:prefixlist",
        "ec2:securitygroup",
        "ec2:subnet",
        "ec2:trafficmirrortarget",
        "ec2:transitgateway",
        "ec2:transitgatewaymulticastdomain",
        "license-manager:licenseconfiguration",
        "outposts:outpost",
        "outposts:site",
        "rds:cluster",
        "route53resolver:resolverrule",
    }
)


def shareable(arn: str) -> bool:
    """Whether AWS RAM can share what an ARN names."""
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[2] not in _SHAREABLE:
        return False
    kinds = _SHAREABLE[parts[2]]
    return kinds is None or _kind(parts[5]) in kinds


def _only_shown(arn: str) -> bool:
    parts = arn.split(":", 5)
    return len(parts) == 6 and f"{parts[2]}:{_plain(_kind(parts[5]))}" in _ONLY_SHOWN


def _kind(resource: str) -> str:
    return re.split("[/:]", resource.removeprefix("/"), maxsplit=1)[0]


class Shares:
    """The shares of one inventory, by what they share."""

    def __init__(self, inventory: Inventory) -> None:
        self._unread = frozenset(inventory.data.unread_shares)
        self._may_be_member = inventory.organization is not None or not inventory.data.alone
        self._by_resource: defaultdict[str, list[Share]] = defaultdict(list)
        self._unsaid: defaultdict[str, list[Share]] = defaultdict(list)
        self._refs: dict[str, PolicyRef] = {}
        for share in inventory.data.shares:
            for arn in share.resources or ():
                self._by_resource[arn].append(share)
            if share.resources is None:
                self._unsaid[share.account].append(share)

    def of(self, target: Target, caller: Principal, action: str) -> tuple[PolicyRef, ...]:
        """The policies that shares add for a caller and an action (lower case; empty: any of the resource's service).

        What was not read is a reference without document, for whom it may mean: services, callers of other accounts,
        and those of the sharing account where the organisation or an OU of it may be named.
        """
        if target.service not in _SHAREABLE:
            return ()
        refs = [(share, self.ref(share)) for share in self._by_resource.get(target.arn, ())]
        known = tuple(ref for _, ref in refs if ref.document is not None)
        own = caller.account == target.account and not self._may_mean_own(target)
        if own or (caller.account is None and caller.kind != "service"):  # RAM shares with nobody else
            return known
        unread = [ref for share, ref in refs if ref.document is None and _may_name(share, caller)]
        if action.partition(":")[0] in ("", target.service) and shareable(target.arn):
            near = [share for share in self._unsaid.get(target.account, ()) if share.region == target.region]
            unread += [self.ref(share) for share in near if _may_name(share, caller)]
            if {(target.account, ""), (target.account, target.region or "")} & self._unread:
                unread.append(PolicyRef(f"ram:{target.account}", None))
        return (*known, *unread)

    def _may_mean_own(self, target: Target) -> bool:
        """Whether a share may give anything to the account that shares: AWS RAM shares with others, and with an
        organisation, which in a resource policy is everybody of it."""
        return self._may_be_member and not _only_shown(target.arn)

    def concern(self, target: Target) -> bool:
        """Whether shares may let somebody from outside at a resource: some do, or they could not be read."""
        if target.arn in self._by_resource:
            return True
        unread = {(target.account, ""), (target.account, target.region or "")} & self._unread
        return bool(unread or self._unsaid.get(target.account)) and shareable(target.arn)

    def names(self, target: Target) -> frozenset[str]:
        """Whom the shares of a resource name: `account:…`, ARNs of identities, services."""
        near = [*self._by_resource.get(target.arn, ()), *self._unsaid.get(target.account, ())]
        return frozenset(name for share in near for name in shared_with(share))

    def ref(self, share: Share) -> PolicyRef:
        """The policy that a share makes, without document where a part of it is not known."""
        found = self._refs.get(share.arn)
        if found is None:
            found = self._refs[share.arn] = PolicyRef(f"{share.arn}#share:{share.name}", _document(share))
        return found


def shared_with(share: Share) -> Iterator[str]:
    """The accounts (`account:…`), identities and services that a share names, as far as they are known."""
    for principal in share.principals or ():
        if _ACCOUNT.fullmatch(principal):
            yield f"account:{principal}"
        elif ":organizations:" not in principal:
            yield principal


def _may_name(share: Share, caller: Principal) -> bool:
    """Whether a service, or principals of the caller's account, may be among those that a share names."""
    if share.principals is None:
        return True
    if caller.account is None:
        return normal_service(caller.text) in map(normal_service, share.principals)
    return any(
        principal == caller.account or f"::{caller.account}:" in principal or ":organizations:" in principal
        for principal in share.principals
    )


def _document(share: Share) -> Document | None:
    text = share_policy(share)
    try:
        return None if text is None else parse_document(text)
    except PolicyError:
        return None  # a permission that RAM accepted and we cannot read


def share_policy(share: Share) -> str | None:
    """The resource policy that RAM makes of a share, ``None`` where a part of it is not known."""
    if share.resources is None or share.principals is None or share.permissions is None:
        return None
    statements: list[dict[str, Any]] = []
    for permission in share.permissions:
        shared = _of_type(permission, share)
        if not shared:
            continue
        templates = _templates(permission.template)
        if templates is None:
            return None
        for template in templates:
            for element, conditions in _reached(share, permission):
                statements.append(
                    {
                        "Effect": "Allow",
                        "Principal": element,
                        "Action": template.get("Action", []),
                        "Resource": shared,
                        "Condition": _merged(template.get("Condition") or {}, conditions),
                    }
                )
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _of_type(permission: SharePermission, share: Share) -> list[str]:
    """The shared resources that a permission is for (``ec2:TransitGateway``: ``arn:…:ec2:…:transit-gateway/…``).

    Where none has an ARN spelled like the type, those of the service: actions that cannot act on a resource do nothing.
    """
    service, _, name = permission.type.partition(":")
    of_service = [arn for arn in share.resources or () if arn.split(":", 5)[2] == service]
    spelled = [arn for arn in of_service if _plain(_kind(arn.split(":", 5)[5])) == _plain(name)]
    return spelled or of_service


def _plain(name: str) -> str:
    return re.sub("[-_ ]", "", name).lower()


def _templates(text: str | None) -> list[dict[str, Any]] | None:
    """The statements of a permission, without principal and resource; ``None`` where they cannot be read."""
    try:
        raw = json.loads(text or "")
    except ValueError:
        return None
    listed = raw.get("Statement", raw) if isinstance(raw, dict) else raw
    found = listed if isinstance(listed, list) else [listed]
    return found if found and all(isinstance(item, dict) and item.get("Action") for item in found) else None


def _reached(share: Share, permission: SharePermission) -> Iterator[tuple[Any, dict[str, dict[str, Any]]]]:
    """(Principal element, its conditions) for each kind of principal that the share names.

    An organisation or OU is `*` under a condition, which in the sharing account gives to everybody ("Implications of
    using Principal: * in a resource-based policy"), save where the policy is only shown.
    """
    partition = share.arn.split(":", 2)[1]
    named, units, organizations, services = _sorted(share.principals or (), partition)
    others = {"StringNotEquals": {"aws:PrincipalAccount": share.account}} if _shown(permission) else {}
    if named:
        yield {"AWS": named}, {}
    if organizations:
        yield "*", {"StringEquals": {"aws:PrincipalOrgID": organizations}, **others}
    if units:
        yield "*", {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": units}, **others}
    if services:
        # "The aws:SourceAccount value is automatically populated when sharing to service principals."
        # https://docs.aws.amazon.com/ram/latest/userguide/managed-permission-considerations.html
        yield {"Service": services}, {"StringEquals": {"aws:SourceAccount": share.account}}


def _shown(permission: SharePermission) -> bool:
    service, _, name = permission.type.partition(":")
    return f"{service}:{_plain(name)}" in _ONLY_SHOWN


def _sorted(principals: Iterable[str], partition: str) -> tuple[list[str], list[str], list[str], list[str]]:
    """Accounts and identities, paths of OUs, organisations, services."""
    named: list[str] = []
    units: list[str] = []
    organizations: list[str] = []
    services: list[str] = []
    for principal in principals:
        if _ACCOUNT.fullmatch(principal):
            named.append(f"arn:{partition}:iam::{principal}:root")
        elif unit := _UNIT.fullmatch(principal):
            units.append(f"{unit.group(1)}/*/{unit.group(2)}/*")
        elif organization := _ORGANIZATION.fullmatch(principal):
            organizations.append(organization.group(1))
        elif _IDENTITY.fullmatch(principal):
            named.append(principal)
        elif principal.endswith((".amazonaws.com", ".amazonaws.com.cn")):
            services.append(principal)
    return named, units, organizations, services


def _merged(one: Mapping[str, Mapping[str, Any]], two: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Conditions that must both hold; RAM lets no permission ask about the keys that it sets itself."""
    return {operator: {**one.get(operator, {}), **two.get(operator, {})} for operator in dict.fromkeys((*one, *two))}
