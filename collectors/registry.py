"""Every operation a collector may ask, declared once.

From these rows (and those of `resource_table`) come the guard that refuses any other operation, the minimal IAM policy,
the tables of absent and gone errors, and the table in `docs/snapshot.md`. An operation that is not here cannot be
called.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from collectors.declarations import Operation
from collectors.resource_table import BUCKETS, REGIONAL

_GONE = frozenset({"ResourceNotFoundException"})
_NO_ENTITY = frozenset({"NoSuchEntity"})

_organizations = partial(
    Operation,
    service="organizations",
    collector="organization",
    absent=frozenset({"AWSOrganizationsNotInUseException"}),
)
_iam = partial(Operation, service="iam", collector="iam")
_sso = partial(Operation, service="sso-admin", collector="identity_center", gone=_GONE)

# Access to the account and its regions.
GET_CALLER = Operation(service="sts", name="GetCallerIdentity", collector="account", affects="account")
ASSUME_ROLE = Operation(
    service="sts", name="AssumeRole", collector="account", affects="account", params=("RoleArn", "RoleSessionName")
)
LIST_REGIONS = Operation(
    service="ec2", name="DescribeRegions", collector="account", affects="account", items=("Regions",)
)

# The organisation.
DESCRIBE_ORGANIZATION = _organizations(name="DescribeOrganization", affects="organizations:organization")
LIST_ROOTS = _organizations(name="ListRoots", affects="organizations:root", items=("Roots",))
LIST_UNITS = _organizations(
    name="ListOrganizationalUnitsForParent",
    affects="organizations:unit",
    gone=frozenset({"ParentNotFoundException"}),
    items=("OrganizationalUnits",),
    params=("ParentId",),
    each="roots and units, downwards",
)
LIST_CHILD_ACCOUNTS = _organizations(
    name="ListAccountsForParent",
    affects="organizations:account",
    gone=frozenset({"ParentNotFoundException"}),
    items=("Accounts",),
    params=("ParentId",),
    each="roots and units",
)
LIST_ACCOUNTS = _organizations(name="ListAccounts", affects="organizations:account", items=("Accounts",))
LIST_ACCOUNT_TAGS = _organizations(
    name="ListTagsForResource",
    affects="organizations:account",
    gone=frozenset({"TargetNotFoundException"}),
    items=("Tags",),
    params=("ResourceId",),
    each="organizations:ListAccounts",
)
LIST_POLICIES = _organizations(
    name="ListPolicies",
    affects="organizations:policy",
    items=("Policies",),
    params=("Filter",),
    each="`SERVICE_CONTROL_POLICY`, `RESOURCE_CONTROL_POLICY`",
)
DESCRIBE_POLICY = _organizations(
    name="DescribePolicy",
    affects="organizations:policy",
    gone=frozenset({"PolicyNotFoundException"}),
    params=("PolicyId",),
    each="organizations:ListPolicies",
)
LIST_TARGETS = _organizations(
    name="ListTargetsForPolicy",
    affects="organizations:policy",
    gone=frozenset({"PolicyNotFoundException"}),
    items=("Targets",),
    params=("PolicyId",),
    each="organizations:ListPolicies",
)
LIST_DELEGATED = _organizations(
    name="ListDelegatedAdministrators",
    affects="organizations:delegated-administrator",
    items=("DelegatedAdministrators",),
)
LIST_DELEGATED_SERVICES = _organizations(
    name="ListDelegatedServicesForAccount",
    affects="organizations:delegated-administrator",
    gone=frozenset({"AccountNotFoundException", "AccountNotRegisteredException"}),
    items=("DelegatedServices",),
    params=("AccountId",),
    each="organizations:ListDelegatedAdministrators",
)
EFFECTIVE_POLICY = Operation(
    service="organizations",
    name="DescribeEffectivePolicy",
    collector="organization",
    affects="s3:*",
    absent=frozenset({"AWSOrganizationsNotInUseException", "EffectivePolicyNotFoundException"}),
    gone=frozenset({"TargetNotFoundException"}),
    params=("PolicyType", "TargetId"),
    each="`S3_POLICY` × accounts, where the type is enabled",
)
LIST_SERVICE_ACCESS = _organizations(
    name="ListAWSServiceAccessForOrganization",
    affects="organizations:service-access",
    items=("EnabledServicePrincipals",),
)

# IAM of one account.
AUTHORIZATION_DETAILS = _iam(
    name="GetAccountAuthorizationDetails",
    affects="iam:*",
    items=("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"),
    page_size=1000,
)
LIST_ALIASES = _iam(name="ListAccountAliases", affects="iam:account-alias", items=("AccountAliases",))
ACCOUNT_SUMMARY = _iam(name="GetAccountSummary", affects="iam:account-summary")
GENERATE_REPORT = _iam(name="GenerateCredentialReport", affects="iam:credential-report")
GET_REPORT = _iam(name="GetCredentialReport", affects="iam:credential-report")
_USERS = "users of iam:GetAccountAuthorizationDetails"
LIST_MFA = _iam(
    name="ListMFADevices", affects="iam:user", items=("MFADevices",), params=("UserName",), each=_USERS, gone=_NO_ENTITY
)
LIST_VIRTUAL_MFA = _iam(
    name="ListVirtualMFADevices", affects="iam:mfa", items=("VirtualMFADevices",), params=("AssignmentStatus",)
)
LIST_OIDC = _iam(name="ListOpenIDConnectProviders", affects="iam:oidc-provider", items=("OpenIDConnectProviderList",))
GET_OIDC = _iam(
    name="GetOpenIDConnectProvider",
    affects="iam:oidc-provider",
    params=("OpenIDConnectProviderArn",),
    each="iam:ListOpenIDConnectProviders",
    gone=_NO_ENTITY,
)
LIST_SAML = _iam(name="ListSAMLProviders", affects="iam:saml-provider", items=("SAMLProviderList",))
LIST_INSTANCE_PROFILES = _iam(name="ListInstanceProfiles", affects="iam:instance-profile", items=("InstanceProfiles",))
LIST_KEYS = _iam(
    name="ListAccessKeys",
    affects="iam:user",
    items=("AccessKeyMetadata",),
    params=("UserName",),
    each=_USERS,
    gone=_NO_ENTITY,
)
KEY_LAST_USED = _iam(
    name="GetAccessKeyLastUsed",
    affects="iam:access-key",
    params=("AccessKeyId",),
    each="iam:ListAccessKeys",
    gone=_NO_ENTITY,
)
GET_LOGIN_PROFILE = _iam(
    name="GetLoginProfile", affects="iam:user", params=("UserName",), each=_USERS, absent=_NO_ENTITY
)
LIST_POLICY_TAGS = _iam(
    name="ListPolicyTags",
    affects="iam:policy",
    items=("Tags",),
    params=("PolicyArn",),
    each="customer managed policies of iam:GetAccountAuthorizationDetails",
    gone=_NO_ENTITY,
)

# Identity Center and its identity store.
LIST_INSTANCES = _sso(
    name="ListInstances", affects="sso:instance", items=("Instances",), each="every region", gone=frozenset()
)
LIST_SETS = _sso(
    name="ListPermissionSets", affects="sso:permission-set", items=("PermissionSets",), params=("InstanceArn",)
)
_SET = ("InstanceArn", "PermissionSetArn")
_SETS = "sso-admin:ListPermissionSets"
DESCRIBE_SET = _sso(name="DescribePermissionSet", affects="sso:permission-set", params=_SET, each=_SETS)
SET_INLINE = _sso(name="GetInlinePolicyForPermissionSet", affects="sso:permission-set", params=_SET, each=_SETS)
SET_MANAGED = _sso(
    name="ListManagedPoliciesInPermissionSet",
    affects="sso:permission-set",
    items=("AttachedManagedPolicies",),
    params=_SET,
    each=_SETS,
)
SET_CUSTOMER = _sso(
    name="ListCustomerManagedPolicyReferencesInPermissionSet",
    affects="sso:permission-set",
    items=("CustomerManagedPolicyReferences",),
    params=_SET,
    each=_SETS,
)
SET_BOUNDARY = Operation(
    service="sso-admin",
    name="GetPermissionsBoundaryForPermissionSet",
    collector="identity_center",
    affects="sso:permission-set",
    params=_SET,
    each=_SETS,
    absent=_GONE,
)
SET_TAGS = _sso(
    name="ListTagsForResource",
    affects="sso:permission-set",
    items=("Tags",),
    params=("InstanceArn", "ResourceArn"),
    each=_SETS,
)
DESCRIBE_ABAC = Operation(
    service="sso-admin",
    name="DescribeInstanceAccessControlAttributeConfiguration",
    collector="identity_center",
    affects="sso:instance",
    params=("InstanceArn",),
    each="sso-admin:ListInstances",
    absent=_GONE,
)
SET_ACCOUNTS = _sso(
    name="ListAccountsForProvisionedPermissionSet",
    affects="sso:permission-set",
    items=("AccountIds",),
    params=_SET,
    each=f"{_SETS} (large organisations)",
)
LIST_ASSIGNMENTS = _sso(
    name="ListAccountAssignments",
    affects="sso:permission-set",
    items=("AccountAssignments",),
    params=("InstanceArn", "PermissionSetArn", "AccountId"),
    each="permission sets × accounts",
)
LIST_USERS = Operation(
    service="identitystore",
    name="ListUsers",
    collector="identity_center",
    affects="identitystore:user",
    items=("Users",),
    params=("IdentityStoreId",),
    each="sso-admin:ListInstances",
    page_size=100,
)
LIST_GROUPS = Operation(
    service="identitystore",
    name="ListGroups",
    collector="identity_center",
    affects="identitystore:group",
    items=("Groups",),
    params=("IdentityStoreId",),
    each="sso-admin:ListInstances",
    page_size=100,
)
LIST_MEMBERSHIPS = Operation(
    service="identitystore",
    name="ListGroupMemberships",
    collector="identity_center",
    affects="identitystore:group",
    items=("GroupMemberships",),
    params=("IdentityStoreId", "GroupId"),
    each="identitystore:ListGroups",
    gone=_GONE,
    page_size=100,
)

# Account access manager: existing roles for users and groups of Identity Center.
_access = partial(
    Operation, service="account-access", collector="identity_center", affects="account-access:application", gone=_GONE
)
LIST_APPLICATIONS = _access(
    name="ListApplications", items=("applications",), each="regions of sso-admin:ListInstances", gone=frozenset()
)
GET_APPLICATION = _access(name="GetApplication", params=("applicationArn",), each="account-access:ListApplications")
LIST_ENTITLEMENTS = _access(
    name="ListEntitlements",
    items=("entitlements",),
    params=("applicationArn", "filter"),
    each="account-access:ListApplications, with an empty filter",
    page_size=100,
)

# AWS RAM: what accounts share with others.
_NO_SHARE = frozenset({"UnknownResourceException"})
_ram = partial(Operation, service="ram", collector="ram", affects="ram:resource-share")
GET_SHARES = _ram(name="GetResourceShares", items=("resourceShares",), params=("resourceOwner",), each="`SELF`")
SHARE_ASSOCIATIONS = _ram(
    name="GetResourceShareAssociations",
    items=("resourceShareAssociations",),
    params=("associationType",),
    each="`PRINCIPAL`, `RESOURCE`, where there are shares",
)
SHARE_PERMISSIONS = _ram(
    name="ListResourceSharePermissions",
    items=("permissions",),
    params=("resourceShareArn",),
    each="ram:GetResourceShares",
    gone=_NO_SHARE,
)
GET_PERMISSION = _ram(
    name="GetPermission",
    params=("permissionArn", "permissionVersion"),
    each="ram:ListResourceSharePermissions",
    gone=_NO_SHARE,
)


def _declared() -> Iterator[Operation]:
    for value in list(globals().values()):
        if isinstance(value, Operation):
            yield value
    yield from BUCKETS
    for row in REGIONAL:
        yield row.list
        yield from (detail.operation for detail in row.details)
        yield from row.also


def _unique() -> tuple[Operation, ...]:
    rows = {(operation.collector, operation.service, operation.name): operation for operation in _declared()}
    return tuple(rows.values())


OPERATIONS: tuple[Operation, ...] = _unique()

#: What botocore itself asks to get the caller's credentials; no collector asks it, and no policy has to allow it.
CREDENTIAL_OPERATIONS = frozenset(
    {
        ("sts", "AssumeRole"),
        ("sts", "AssumeRoleWithWebIdentity"),
        ("sso", "GetRoleCredentials"),
        ("sso-oidc", "CreateToken"),
        ("signin", "CreateOAuth2Token"),
    }
)

ALLOWED: frozenset[tuple[str, str]] = CREDENTIAL_OPERATIONS | {(each.service, each.name) for each in OPERATIONS}


def as_markdown() -> str:
    """The table of `docs/snapshot.md`."""
    lines = ["| collector | operation | params | list key | absent | per |", "|---|---|---|---|---|---|"]
    for each in OPERATIONS:
        cells = (
            f"`{each.collector}`",
            f"`{each.service}` {each.name}",
            ", ".join(each.params),
            ", ".join(each.items),
            ", ".join(sorted(each.absent)),
            each.each,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
