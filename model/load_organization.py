"""Organizations and Identity Center pages to entities."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Literal

from model.entities import (
    Account,
    Assignment,
    CustomerPolicyReference,
    DirectoryGroup,
    DirectoryUser,
    IdentityCenter,
    Organization,
    OrganizationalUnit,
    OrganizationPolicy,
    PermissionSet,
)
from model.pages import ANSWERED, Page, Pages, first_page, policy_text, tag_map

_KINDS: dict[str, Literal["scp", "rcp"]] = {"SERVICE_CONTROL_POLICY": "scp", "RESOURCE_CONTROL_POLICY": "rcp"}


def load_organization(pages: Pages) -> Organization | None:
    """The organisation, or ``None`` when it is known that there is none or nobody asked.

    An organisation whose policies could not be read has ``scps_known``/``rcps_known`` false.
    """
    calls = pages.calls("organizations", "DescribeOrganization")
    if not calls or all(call.outcome in ("empty", "skipped") for call in calls):
        return None
    raw: Page = {}
    for _, page in pages.pages("organizations", "DescribeOrganization"):
        raw = page.get("Organization") or {}
    policies = _policies(pages)
    id, management_account = _named_by_arns(pages)
    return Organization(
        id=raw.get("Id") or id,
        management_account=raw.get("MasterAccountId") or management_account,
        units=tuple(_units(pages)),
        policies=policies,
        scps_known=_kind_known(pages, "SERVICE_CONTROL_POLICY"),
        rcps_known=_kind_known(pages, "RESOURCE_CONTROL_POLICY"),
        scps_enabled=_enabled(pages, "SERVICE_CONTROL_POLICY", policies),
        rcps_enabled=_enabled(pages, "RESOURCE_CONTROL_POLICY", policies),
        delegates=_delegates(pages),
    )


def _delegates(pages: Pages) -> tuple[tuple[str, str], ...] | None:
    """(account, service principal) of delegated administrators; the service is empty where nobody told it."""
    lists = pages.calls("organizations", "ListDelegatedAdministrators")
    if not lists or any(call.outcome not in ANSWERED for call in lists):
        return None
    listed = pages.items("organizations", "ListDelegatedAdministrators", "DelegatedAdministrators")
    calls = pages.calls("organizations", "ListDelegatedServicesForAccount")
    answered = {str(call.params["AccountId"]) for call in calls if call.outcome in ANSWERED}
    found = {(str(item["Id"]), "") for _, item in listed if item["Id"] not in answered}
    for record, item in pages.items("organizations", "ListDelegatedServicesForAccount", "DelegatedServices"):
        found.add((str(record.params["AccountId"]), str(item.get("ServicePrincipal", ""))))
    return tuple(sorted(found))


def _named_by_arns(pages: Pages) -> tuple[str, str]:
    """The organisation's id and its management account from the ARNs of what is in it, as
    ``arn:aws:organizations::MANAGEMENT:account/ORGANISATION/ACCOUNT``: where it could not be described itself, the
    management account is still not bound by its policies. Empty where nothing was listed."""
    for operation, name in (("ListRoots", "Roots"), ("ListAccounts", "Accounts"), ("ListPolicies", "Policies")):
        for _, item in pages.items("organizations", operation, name):
            account, _, rest = str(item.get("Arn", "")).partition("::")[2].partition(":")
            id = rest.split("/")[1:2]
            if account.isdigit() and id:
                return id[0], account
    return "", ""


def _units(pages: Pages) -> list[OrganizationalUnit]:
    units = [
        OrganizationalUnit(id=item["Id"], arn=item.get("Arn", ""), name=item.get("Name", ""))
        for _, item in pages.items("organizations", "ListRoots", "Roots")
    ]
    units += [
        OrganizationalUnit(
            id=item["Id"], arn=item.get("Arn", ""), name=item.get("Name", ""), parent=str(record.params["ParentId"])
        )
        for record, item in pages.items("organizations", "ListOrganizationalUnitsForParent", "OrganizationalUnits")
    ]
    return list({unit.id: unit for unit in units}.values())


def _policies(pages: Pages) -> tuple[OrganizationPolicy, ...]:
    targets: defaultdict[str, list[str]] = defaultdict(list)
    for record, item in pages.items("organizations", "ListTargetsForPolicy", "Targets"):
        targets[str(record.params["PolicyId"])].append(item["TargetId"])
    documents: dict[str, str] = {}
    for record, page in pages.pages("organizations", "DescribePolicy"):
        documents[str(record.params["PolicyId"])] = policy_text((page.get("Policy") or {}).get("Content"))
    found: dict[str, OrganizationPolicy] = {}
    for record, item in pages.items("organizations", "ListPolicies", "Policies"):
        kind = _KINDS.get(str(item.get("Type") or record.params.get("Filter")))
        if kind is None:
            continue
        found[item["Id"]] = OrganizationPolicy(
            id=item["Id"],
            arn=item.get("Arn", item["Id"]),
            name=item.get("Name", ""),
            kind=kind,
            document=documents.get(item["Id"]) or None,
            targets=tuple(sorted(set(targets[item["Id"]]))),
            aws_managed=bool(item.get("AwsManaged")),
        )
    return tuple(found.values())


def _kind_known(pages: Pages, kind: str) -> bool:
    """Whether the policies of a kind and where they are attached were all read.

    ``unsupported`` counts as known: a place without the API has no policies of that kind.
    """
    lists = [call for call in pages.calls("organizations", "ListPolicies") if call.params.get("Filter") == kind]
    if not lists or any(call.outcome not in (*ANSWERED, "unsupported") for call in lists):
        return False
    ids = {
        item["Id"]
        for record, item in pages.items("organizations", "ListPolicies", "Policies")
        if (item.get("Type") or record.params.get("Filter")) == kind
    }
    calls = [call for call in pages.calls("organizations", "ListTargetsForPolicy") if call.params["PolicyId"] in ids]
    return len({call.params["PolicyId"] for call in calls if call.outcome in ANSWERED}) == len(ids)


def _enabled(pages: Pages, kind: str, policies: tuple[OrganizationPolicy, ...]) -> bool | None:
    """Whether a policy type is on. AWS attaches no policy of a type that is off."""
    if any(not policy.aws_managed and policy.targets for policy in policies if policy.kind == _KINDS[kind]):
        return True
    roots = list(pages.items("organizations", "ListRoots", "Roots"))
    if not roots:
        return None
    return any(
        entry.get("Type") == kind and entry.get("Status") == "ENABLED"
        for _, root in roots
        for entry in root.get("PolicyTypes") or ()
    )


def load_accounts(pages: Pages, listed: dict[str, Account]) -> tuple[Account, ...]:
    """Accounts of the organisation with their place in it; ``listed`` are those of the snapshot's manifest."""
    parents: dict[str, str] = {}
    for record, item in pages.items("organizations", "ListParents", "Parents"):
        parents[str(record.params["ChildId"])] = item["Id"]
    for record, item in pages.items("organizations", "ListAccountsForParent", "Accounts"):
        parents[item["Id"]] = str(record.params["ParentId"])
    for unit in _units(pages):
        if unit.parent:
            parents[unit.id] = unit.parent
    tags = {
        str(record.params["ResourceId"]): tag_map(page.get("Tags"))
        for record, page in pages.pages("organizations", "ListTagsForResource")
    }
    aliases = {record.account: alias for record, alias in pages.items("iam", "ListAccountAliases", "AccountAliases")}
    found = dict(listed)
    details = list(pages.items("organizations", "ListAccounts", "Accounts"))
    details += pages.items("organizations", "ListAccountsForParent", "Accounts")
    for _, item in details:
        known = listed.get(item["Id"])
        found[item["Id"]] = Account(
            id=item["Id"],
            name=item.get("Name", ""),
            email=item.get("Email", ""),
            status=item.get("State") or item.get("Status", "ACTIVE"),
            path=_path(item["Id"], parents),
            tags=tags.get(item["Id"]),
            collected=known.collected if known else False,
            partition=str(item.get("Arn", "arn:aws")).split(":")[1],
            alias=aliases.get(item["Id"], ""),
        )
    return tuple(sorted(found.values(), key=lambda account: account.id))


def _path(child: str, parents: dict[str, str]) -> tuple[str, ...]:
    """The units above an account, the root first; empty where not all of them were read.

    Only a root's id begins with ``r-``: https://docs.aws.amazon.com/organizations/latest/APIReference/API_Root.html
    """
    chain: list[str] = []
    while child in parents and parents[child] not in chain:
        child = parents[child]
        chain.append(child)
    return tuple(reversed(chain)) if chain and chain[-1].startswith("r-") else ()


def load_identity_center(
    pages: Pages,
) -> tuple[tuple[IdentityCenter, ...], tuple[PermissionSet, ...], tuple[Assignment, ...]]:
    """Instances, permission sets and assignments; a triple seen twice is one assignment."""
    centers = tuple(
        IdentityCenter(
            instance=item["InstanceArn"],
            store=item.get("IdentityStoreId", ""),
            owner=item.get("OwnerAccountId") or record.account,
            abac=_abac(pages, item["InstanceArn"]),
        )
        for record, item in pages.items("sso-admin", "ListInstances", "Instances")
    )
    sets = tuple(
        _permission_set(pages, str(record.params["PermissionSetArn"]), page.get("PermissionSet") or {})
        for record, page in pages.pages("sso-admin", "DescribePermissionSet")
    )
    assignments: dict[Assignment, None] = {}
    for operation in ("ListAccountAssignments", "ListAccountAssignmentsForPrincipal"):
        for _, item in pages.items("sso-admin", operation, "AccountAssignments"):
            assignments[
                Assignment(
                    permission_set=item["PermissionSetArn"],
                    account=item["AccountId"],
                    principal_type=item["PrincipalType"],
                    principal_id=item["PrincipalId"],
                )
            ] = None
    return tuple({item.instance: item for item in centers}.values()), sets, tuple(assignments)


def unread_assignments(pages: Pages, accounts: Iterable[Account]) -> Iterator[tuple[str, str]]:
    """(permission set, account) whose assignments nobody knows: absence is believed on ``ok`` and ``empty`` alone.

    Account empty: in no account are they known; an instance in place of a set: not all its sets were listed.
    """
    listed = {
        call.params.get("InstanceArn")
        for call in pages.calls("sso-admin", "ListPermissionSets")
        if call.outcome in ANSWERED
    }
    instances = {item["InstanceArn"]: None for _, item in pages.items("sso-admin", "ListInstances", "Instances")}
    yield from ((instance, "") for instance in instances if instance not in listed)
    # AWS provisions a set in an account before an assignment of it works.
    provisioned: defaultdict[str, set[str]] = defaultdict(set)
    told = set()
    for call in pages.calls("sso-admin", "ListAccountsForProvisionedPermissionSet"):
        if call.outcome in ANSWERED:
            told.add(str(call.params["PermissionSetArn"]))
    for record, account in pages.items("sso-admin", "ListAccountsForProvisionedPermissionSet", "AccountIds"):
        provisioned[str(record.params["PermissionSetArn"])].add(account)
    known: defaultdict[str, set[str]] = defaultdict(set)
    for call in pages.calls("sso-admin", "ListAccountAssignments"):
        found = known[str(call.params["PermissionSetArn"])]
        if call.outcome in ANSWERED:
            found.add(str(call.params["AccountId"]))
    active = {account.id for account in accounts if account.status == "ACTIVE"}
    sets = dict.fromkeys(item for _, item in pages.items("sso-admin", "ListPermissionSets", "PermissionSets"))
    for each in dict.fromkeys((*sets, *known)):
        unread = (provisioned[each] if each in told else active) - known[each]
        if unread and not known[each] and each not in told:
            yield each, ""
        else:
            yield from ((each, account) for account in sorted(unread))


def unread_members(pages: Pages, assignments: Iterable[Assignment]) -> Iterator[str]:
    """Ids of groups that have assignments, or are listed, and whose members nobody knows."""
    known = {
        str(call.params["GroupId"])
        for call in pages.calls("identitystore", "ListGroupMemberships")
        if call.outcome in ANSWERED
    }
    groups = dict.fromkeys(item["GroupId"] for _, item in pages.items("identitystore", "ListGroups", "Groups"))
    if not pages.answered("identitystore", "ListGroups"):
        groups.update(dict.fromkeys(item.principal_id for item in assignments if item.principal_type == "GROUP"))
    return (group for group in groups if group not in known)


def _abac(pages: Pages, instance: str) -> bool | None:
    operation = "DescribeInstanceAccessControlAttributeConfiguration"
    for call in pages.calls("sso-admin", operation):
        if call.params.get("InstanceArn") == instance and call.outcome in ANSWERED:
            return any(
                page.get("Status") not in (None, "CREATION_FAILED")
                and bool((page.get("InstanceAccessControlAttributeConfiguration") or {}).get("AccessControlAttributes"))
                for page in call.response
            )
    return None


def _permission_set(pages: Pages, arn: str, raw: Page) -> PermissionSet:
    def answers(operation: str, key: str) -> list[Page]:
        return [
            item
            for record, item in pages.items("sso-admin", operation, key)
            if record.params.get("PermissionSetArn") == arn
        ]

    inline: str | None = None
    for call in pages.calls("sso-admin", "GetInlinePolicyForPermissionSet"):
        if call.params.get("PermissionSetArn") == arn and call.outcome in ANSWERED:
            inline = policy_text((first_page(call) or {}).get("InlinePolicy"))
    references = answers("ListCustomerManagedPolicyReferencesInPermissionSet", "CustomerManagedPolicyReferences")
    tags: dict[str, str] = {}
    for record, page in pages.pages("sso-admin", "ListTagsForResource"):
        if record.params.get("ResourceArn") == arn:
            tags = tag_map(page.get("Tags"))
    return PermissionSet(
        arn=arn,
        name=raw.get("Name", ""),
        instance=_instance_of(pages, arn),
        description=raw.get("Description", ""),
        session_duration=str(raw.get("SessionDuration", "")),
        inline=inline,
        attached=tuple(
            item["Arn"] for item in answers("ListManagedPoliciesInPermissionSet", "AttachedManagedPolicies")
        ),
        customer_managed=tuple(
            CustomerPolicyReference(name=item["Name"], path=item.get("Path", "/")) for item in references
        ),
        boundary=_set_boundary(pages, arn),
        tags=tags,
    )


def _instance_of(pages: Pages, arn: str) -> str:
    for call in pages.calls("sso-admin", "DescribePermissionSet"):
        if call.params.get("PermissionSetArn") == arn:
            return str(call.params.get("InstanceArn", ""))
    return ""


def _set_boundary(pages: Pages, arn: str) -> str | CustomerPolicyReference | None:
    for record, page in pages.pages("sso-admin", "GetPermissionsBoundaryForPermissionSet"):
        if record.params.get("PermissionSetArn") == arn:
            raw = page.get("PermissionsBoundary") or {}
            if raw.get("ManagedPolicyArn"):
                return str(raw["ManagedPolicyArn"])
            reference = raw.get("CustomerManagedPolicyReference") or {}
            if reference:
                return CustomerPolicyReference(name=reference["Name"], path=reference.get("Path", "/"))
    return None


def load_directory(pages: Pages) -> tuple[tuple[DirectoryUser, ...], tuple[DirectoryGroup, ...]]:
    """Users and groups of the identity stores, groups with their members."""
    members: defaultdict[str, list[str]] = defaultdict(list)
    for record, item in pages.items("identitystore", "ListGroupMemberships", "GroupMemberships"):
        user = (item.get("MemberId") or {}).get("UserId")
        if user:
            members[str(item.get("GroupId") or record.params["GroupId"])].append(user)
    users = tuple(_directory_user(item) for _, item in pages.items("identitystore", "ListUsers", "Users"))
    groups = tuple(
        DirectoryGroup(
            id=item["GroupId"], name=item.get("DisplayName", ""), members=tuple(sorted(set(members[item["GroupId"]])))
        )
        for _, item in pages.items("identitystore", "ListGroups", "Groups")
    )
    return users, groups


def _directory_user(raw: Page) -> DirectoryUser:
    emails = sorted(raw.get("Emails") or (), key=lambda email: not email.get("Primary"))
    status = raw.get("UserStatus")
    active = raw.get("Active") if status is None else status == "ENABLED"
    return DirectoryUser(
        id=raw["UserId"],
        user_name=raw.get("UserName", ""),
        display_name=raw.get("DisplayName", ""),
        emails=tuple(str(email["Value"]) for email in emails if email.get("Value")),
        active=active if isinstance(active, bool) else None,
        external_ids=tuple(str(item["Id"]) for item in raw.get("ExternalIds") or () if item.get("Id")),
    )
