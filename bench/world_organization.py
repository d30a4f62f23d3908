"""The parts of a made-up organisation that belong to no single account: units, control policies, Identity Center."""

from __future__ import annotations

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from bench.world_iam import aws_arn
from bench.world_plan import HOME_REGION, AccountPlan, Plan, skewed
from bench.world_policies import ORGANIZATION, control_policies, document, permission_set, text
from bench.world_records import MOMENT, absent, called, pairs
from model.snapshot import CallRecord

ROOT = "r-gm01"
INSTANCE = "arn:aws:sso:::instance/ssoins-6804aaaabbbbcccc"
STORE = "d-9367aabbcc"
#: Names of the units: three levels, the third one for every team of a second.
FIRST = ("workloads", "platform", "sandbox")
SECOND = ("prod", "other")
THIRD = ("a", "b", "c")
_TYPES = ("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY")
_FULL = {_TYPES[0]: "FullAWSAccess", _TYPES[1]: "RCPFullAWSAccess"}


class Units:
    """The tree of organisational units, and where each account is."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.children: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self.levels: dict[str, int] = {ROOT: 0}
        self._below(ROOT, (FIRST, SECOND, THIRD), 1)

    def _below(self, parent: str, names: tuple[tuple[str, ...], ...], level: int) -> None:
        for name in names[0] if names else ():
            id_ = f"ou-gm01-{hashlib.sha256(f'{parent}/{name}'.encode()).hexdigest()[:8]}"
            self.children[parent].append((id_, name))
            self.levels[id_] = level
            self._below(id_, names[1:], level + 1)

    @cached_property
    def accounts(self) -> dict[str, list[str]]:
        """Ids of accounts by unit: most in units of the third level, the management account in the root."""
        chance = self._plan.shape.chance("units")
        found: dict[str, list[str]] = {unit: [] for unit in self.levels}
        for index, account in enumerate(self._plan.ids):
            level = chance.choices((1, 2, 3), (1, 2, 7))[0]
            at = skewed(chance, [unit for unit, depth in self.levels.items() if depth == level])[0]
            found[ROOT if index == 0 else at].append(account)
        return found

    def attached(self, level: str) -> list[str]:
        """Where a control policy of a level is attached: of the deeper levels every second unit."""
        if level == "root":
            return [ROOT]
        if level == "account":
            return self._plan.ids[1::20]
        units = [unit for unit, depth in self.levels.items() if depth == int(level)]
        return units if level == "1" else units[::2]


def organization_part(plan: Plan, accounts: list[AccountPlan]) -> Iterator[CallRecord]:
    """The records of collector ``organization``."""
    units, management = Units(plan), plan.ids[0]
    base = f"arn:aws:organizations::{management}"
    described = {"Id": ORGANIZATION, "MasterAccountId": management, "FeatureSet": "ALL"}
    yield _asked("DescribeOrganization", {"Organization": {**described, "Arn": f"{base}:organization/{ORGANIZATION}"}})
    types = [{"Type": kind, "Status": "ENABLED"} for kind in _TYPES]
    root = {"Id": ROOT, "Arn": f"{base}:root/{ORGANIZATION}/{ROOT}", "Name": "Root", "PolicyTypes": types}
    yield _asked("ListRoots", {"Roots": [root]}, "Roots")
    listed = {each.id: _account(base, each) for each in accounts}
    for unit in units.levels:
        below = [
            {"Id": id_, "Arn": f"{base}:ou/{ORGANIZATION}/{id_}", "Name": name} for id_, name in units.children[unit]
        ]
        params = {"ParentId": unit}
        yield _asked("ListOrganizationalUnitsForParent", {"OrganizationalUnits": below}, "OrganizationalUnits", params)
        members = {"Accounts": [listed[id_] for id_ in units.accounts[unit]]}
        yield _asked("ListAccountsForParent", members, "Accounts", params)
    yield _asked("ListAccounts", {"Accounts": list(listed.values())}, "Accounts")
    for each in accounts:
        tags = {"Tags": pairs({"env": each.env, "team": each.team})}
        arn = listed[each.id]["Arn"]
        yield called(
            "organizations", "ListTagsForResource", tags, key="Tags", affects=arn, params={"ResourceId": each.id}
        )
    for kind in _TYPES:
        yield from _control(plan, units, base, kind)
    yield _asked("ListDelegatedAdministrators", {"DelegatedAdministrators": []})
    yield _asked("ListAWSServiceAccessForOrganization", {"EnabledServicePrincipals": []})


def _asked(operation: str, page: dict[str, Any], key: str = "", params: dict[str, Any] | None = None) -> CallRecord:
    return called("organizations", operation, page, key=key, affects="organizations:*", params=params)


def _account(base: str, each: AccountPlan) -> dict[str, Any]:
    return {
        "Id": each.id,
        "Arn": f"{base}:account/{ORGANIZATION}/{each.id}",
        "Name": each.name,
        "Email": f"aws+{each.index}@example.com",
        "Status": "ACTIVE",
        "State": "ACTIVE",
        "JoinedMethod": "CREATED",
        "JoinedTimestamp": MOMENT,
    }


def _control(plan: Plan, units: Units, base: str, kind: str) -> Iterator[CallRecord]:
    """The policies of one type: AWS's own everywhere, the organisation's where they belong."""
    word = "service_control_policy" if kind == _TYPES[0] else "resource_control_policy"
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    if kind == _TYPES[1]:
        everything["Principal"] = "*"
    full = _FULL[kind]
    found = {f"p-{full}": (full, document(everything), [*units.levels, *plan.ids])}
    for name, (type_, level, content) in control_policies().items():
        if type_ == kind:
            id_ = f"p-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
            found[id_] = (name, content, units.attached(level))
    listed: list[dict[str, Any]] = []
    for id_, (name, _, _) in found.items():
        own = name != full
        arn = f"{base}:policy/{ORGANIZATION}/{word}/{id_}" if own else f"arn:aws:organizations::aws:policy/{word}/{id_}"
        listed.append({"Id": id_, "Arn": arn, "Name": name, "Description": "", "Type": kind, "AwsManaged": not own})
    yield _asked("ListPolicies", {"Policies": listed}, "Policies", {"Filter": kind})
    for summary in listed:
        _, content, targets = found[summary["Id"]]
        params, arn = {"PolicyId": summary["Id"]}, str(summary["Arn"])
        page: dict[str, Any] = {"Policy": {"PolicySummary": summary, "Content": text(content)}}
        yield called("organizations", "DescribePolicy", page, affects=arn, params=params)
        page = {"Targets": [{"TargetId": target, "Type": _kind_of(target)} for target in targets]}
        yield called("organizations", "ListTargetsForPolicy", page, key="Targets", affects=arn, params=params)


def _kind_of(target: str) -> str:
    return "ROOT" if target == ROOT else "ORGANIZATIONAL_UNIT" if target.startswith("ou-") else "ACCOUNT"


# -- Identity Center


def _uuid(*place: object) -> str:
    return str(uuid.UUID(hashlib.sha256("/".join(map(str, place)).encode()).hexdigest()[:32]))


def set_arn(number: int) -> str:
    return f"arn:aws:sso:::permissionSet/{INSTANCE.rpartition('/')[2]}/ps-{number:016x}"


def center_part(plan: Plan, accounts: list[AccountPlan]) -> Iterator[CallRecord]:
    """The records of collector ``identity_center``."""
    for region in plan.shape.regions:
        found = [{"InstanceArn": INSTANCE, "IdentityStoreId": STORE, "OwnerAccountId": plan.ids[0]}]
        page: dict[str, Any] = {"Instances": found if region == HOME_REGION else []}
        yield called("sso-admin", "ListInstances", page, key="Instances", affects="sso-admin:*", region=region)
    attributes = [{"Key": "team", "Value": {"Source": ["${path:enterprise.department}"]}}]
    page = {"Status": "ENABLED", "InstanceAccessControlAttributeConfiguration": {"AccessControlAttributes": attributes}}
    yield _center("DescribeInstanceAccessControlAttributeConfiguration", page, INSTANCE)
    numbers = sorted({number for each in accounts for number in each.sets})
    sets = {"PermissionSets": [set_arn(number) for number in numbers]}
    yield _center("ListPermissionSets", sets, "sso-admin:*", key="PermissionSets")
    for number in numbers:
        yield from _set(number)
        provisioned = [each.id for each in accounts if number in each.sets]
        params = {"PermissionSetArn": set_arn(number)}
        page = {"AccountIds": provisioned}
        yield _center("ListAccountsForProvisionedPermissionSet", page, set_arn(number), key="AccountIds", params=params)
        for account in provisioned:
            page = {"AccountAssignments": _assignments(plan, number, account)}
            more = {**params, "AccountId": account}
            yield _center("ListAccountAssignments", page, set_arn(number), key="AccountAssignments", params=more)
    yield from _directory(plan)


def _center(
    operation: str, page: dict[str, Any], affects: str, *, key: str = "", params: dict[str, Any] | None = None
) -> CallRecord:
    given = {"InstanceArn": INSTANCE, **(params or {})}
    return called("sso-admin", operation, page, key=key, affects=affects, region=HOME_REGION, params=given)


def _set(number: int) -> Iterator[CallRecord]:
    name, managed, own, guarded, bounded = permission_set(number)
    arn = set_arn(number)
    params = {"PermissionSetArn": arn}

    def asked(operation: str, page: dict[str, Any], key: str = "") -> CallRecord:
        return _center(operation, page, arn, key=key, params=params)

    described = {"Name": name, "PermissionSetArn": arn, "CreatedDate": MOMENT, "SessionDuration": "PT8H"}
    yield asked("DescribePermissionSet", {"PermissionSet": described})
    yield asked("GetInlinePolicyForPermissionSet", {"InlinePolicy": text(own) if own else ""})
    attached = [{"Name": each.rpartition("/")[2], "Arn": aws_arn(each)} for each in managed]
    yield asked("ListManagedPoliciesInPermissionSet", {"AttachedManagedPolicies": attached}, "AttachedManagedPolicies")
    operation, key = "ListCustomerManagedPolicyReferencesInPermissionSet", "CustomerManagedPolicyReferences"
    yield asked(operation, {key: [{"Name": "guard", "Path": "/"}] if guarded else []}, key)
    operation = "GetPermissionsBoundaryForPermissionSet"
    if bounded:
        boundary = {"CustomerManagedPolicyReference": {"Name": "boundary", "Path": "/"}}
        yield asked(operation, {"PermissionsBoundary": boundary})
    else:
        given = {"InstanceArn": INSTANCE, **params}
        code = "ResourceNotFoundException"
        yield absent("sso-admin", operation, code, affects=arn, region=HOME_REGION, params=given)
    given = {"ResourceArn": arn}
    yield _center("ListTagsForResource", {"Tags": []}, arn, key="Tags", params=given)


def _assignments(plan: Plan, number: int, account: str) -> list[dict[str, str]]:
    """A set in an account is given to one or two groups, sometimes to somebody in person."""
    chance = plan.shape.chance("assignment", number, account)
    groups = skewed(chance, range(plan.directory_groups), chance.randrange(1, 3))
    found = [("GROUP", _uuid("group", group)) for group in groups]
    if chance.random() < 0.15:
        found.append(("USER", _uuid("user", chance.randrange(plan.people))))
    return [
        {"AccountId": account, "PermissionSetArn": set_arn(number), "PrincipalType": kind, "PrincipalId": id_}
        for kind, id_ in found
    ]


def _directory(plan: Plan) -> Iterator[CallRecord]:
    """Users and groups; a few users are disabled, the first groups are the largest."""
    chance = plan.shape.chance("directory")
    given = {"IdentityStoreId": STORE}
    users = [
        {
            "UserId": _uuid("user", number),
            "UserName": f"person{number}@example.com",
            "DisplayName": f"Person {number}",
            "Emails": [{"Value": f"person{number}@example.com", "Type": "work", "Primary": True}],
            "UserStatus": "DISABLED" if chance.random() < 0.03 else "ENABLED",
            "IdentityStoreId": STORE,
        }
        for number in range(plan.people)
    ]
    yield _stored("ListUsers", {"Users": users}, "Users", "identitystore:*", given)
    groups = [_uuid("group", number) for number in range(plan.directory_groups)]
    named = [
        {"GroupId": id_, "DisplayName": f"aws-{number}", "IdentityStoreId": STORE} for number, id_ in enumerate(groups)
    ]
    yield _stored("ListGroups", {"Groups": named}, "Groups", "identitystore:*", given)
    for number, id_ in enumerate(groups):
        size = min(max(plan.people // (4 * (number + 1)), 3), plan.people)
        members = [
            {"IdentityStoreId": STORE, "MembershipId": _uuid("in", id_, user), "GroupId": id_}
            | {"MemberId": {"UserId": _uuid("user", user)}}
            for user in sorted(chance.sample(range(plan.people), size))
        ]
        page, params = {"GroupMemberships": members}, {**given, "GroupId": id_}
        yield _stored("ListGroupMemberships", page, "GroupMemberships", f"identitystore:group/{id_}", params)


def _stored(operation: str, page: dict[str, Any], key: str, affects: str, params: dict[str, Any]) -> CallRecord:
    return called("identitystore", operation, page, key=key, affects=affects, region=HOME_REGION, params=params)
