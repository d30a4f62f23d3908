"""A random organisation as a snapshot in the real format (``docs/snapshot.md``)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.world_records import MOMENT, absent, called, pairs
from model.snapshot import CallRecord, SnapshotAccount, SnapshotWriter
from tests.oracle.organisation_services import LISTS, denied, s3, service
from tests.oracle.organisations import REGIONS, SERVICE_OF, Organisation

INSTANCE, STORE = "arn:aws:sso:::instance/ssoins-6804aaaabbbbcccc", "d-9367aabbcc"
TYPES = {"scps": "SERVICE_CONTROL_POLICY", "rcps": "RESOURCE_CONTROL_POLICY"}
Json = dict[str, Any]
Records = Iterator[CallRecord]


def write(organisation: Organisation, home: Path) -> str:
    """Writes the snapshot into ``home``; returns its id."""
    management = organisation["management"]
    with SnapshotWriter(home) as writer:
        for account in organisation["accounts"]:
            for region, collector, records in units(organisation, account):
                writer.write_unit(account, region, collector, list(records))
        writer.write_unit(management, "global", "organization", list(organization(organisation)))
        writer.write_unit(management, "global", "identity_center", list(center(organisation)))
        writer.finish(
            source="aws",
            accounts=[SnapshotAccount(id=one, name=f"name-{one[0]}", role="") for one in organisation["accounts"]],
            regions=list(REGIONS),
            caller=f"arn:aws:iam::{management}:user/ann",
            organization=organisation["id"],
            management_account=management,
        )
        return writer.id


def units(organisation: Organisation, account: str) -> Iterator[tuple[str, str, Records]]:
    yield "global", "account", entered(account)
    yield "global", "iam", iam(organisation, account)
    mine = [one for one in organisation["resources"] if one["account"] == account]
    for region in REGIONS:
        here = [one for one in mine if one["region"] == region]
        for kind in LISTS:
            listed = [account, kind, region] not in organisation["unlisted"]
            things = [one for one in here if one["type"] == kind]
            yield region, SERVICE_OF[kind], service(kind, account, region, things, listed=listed)
        yield region, "ec2", of_ec2(organisation, account, region)
        if "carriers" in organisation:
            yield region, "ecs", tasks(organisation, account, region)
        yield region, "ram", shares(organisation, account, region)
        yield region, "s3", access_points(organisation, account, region)
    yield "global", "s3", s3(organisation, account, [one for one in mine if one["type"] == "bucket"])


def of_ec2(organisation: Organisation, account: str, region: str) -> Records:
    instances = [
        {
            "InstanceId": arn.rpartition("/")[2],
            "IamInstanceProfile": {"Arn": profile(arn)},
            "State": {"Name": "running"},
        }
        for arn in carrying(organisation, account, region, "instance/")
    ]
    reservations = [{"Instances": instances}] if instances else []
    yield called("ec2", "DescribeInstances", {"Reservations": reservations}, affects="ec2:instance")
    endpoints = [
        {
            "VpcEndpointId": one["id"],
            "VpcId": one["vpc"],
            "PolicyDocument": json.dumps(one["policy"] or ""),
            "State": "available",
        }
        for one in organisation.get("endpoints", ())
        if (one["account"], one["region"]) == (account, region)
    ]
    for one in endpoints:
        one["PolicyDocument"] = "" if one["PolicyDocument"] == '""' else one["PolicyDocument"]
    yield called("ec2", "DescribeVpcEndpoints", {"VpcEndpoints": endpoints}, affects="ec2:*")


def shares(organisation: Organisation, account: str, region: str) -> Records:
    """Shares of AWS RAM with what is associated, and the permissions that they give."""
    params: Json = {"resourceOwner": "SELF"}
    if [account, region] in organisation.get("shares_unlisted", ()):
        yield denied("ram", "GetResourceShares", affects="ram:*", params=params)
        return
    here = [one for one in organisation.get("shares", ()) if (one["account"], one["region"]) == (account, region)]
    listed = [{"resourceShareArn": one["arn"], "name": one["arn"][-3:], "status": "ACTIVE"} for one in here]
    yield called("ram", "GetResourceShares", {"resourceShares": listed}, affects="ram:*", params=params)
    for kind in ("PRINCIPAL", "RESOURCE") if here else ():
        params = {"associationType": kind}
        field = kind.lower() + "s"
        if any(one[field] is None for one in here):
            yield denied("ram", "GetResourceShareAssociations", affects="ram:*", params=params)
            continue
        entries = [
            {"resourceShareArn": one["arn"], "associatedEntity": each, "associationType": kind, "status": "ASSOCIATED"}
            for one in here
            for each in one[field]
        ]
        page: Json = {"resourceShareAssociations": entries}
        yield called("ram", "GetResourceShareAssociations", page, affects="ram:*", params=params)
    for one in here:
        permission = f"arn:aws:ram::aws:permission/{one['arn'][-3:]}-{account}"
        page = {"permissions": [{"arn": permission, "version": "1", "resourceType": one["type"]}]}
        params = {"resourceShareArn": one["arn"]}
        yield called("ram", "ListResourceSharePermissions", page, affects=one["arn"], params=params)
        params = {"permissionArn": permission, "permissionVersion": 1}
        if one["template"] is None:
            yield denied("ram", "GetPermission", affects=permission, params=params)
        else:
            page = {"permission": {"arn": permission, "permission": json.dumps(one["template"])}}
            yield called("ram", "GetPermission", page, affects=permission, params=params)


def carrying(organisation: Organisation, account: str, region: str, kind: str) -> list[str]:
    """The carriers of a kind in a place."""
    place = f":{region}:{account}:{kind}"
    return [arn for arn in organisation.get("carriers", ()) if place in arn]


def profile(instance: str) -> str:
    return f"arn:aws:iam::{instance.split(':')[4]}:instance-profile/{instance.rpartition('/')[2]}"


def profiles(organisation: Organisation, account: str) -> list[Json]:
    instances = [arn for region in REGIONS for arn in carrying(organisation, account, region, "instance/")]
    roles = {arn: organisation["carriers"][arn]["role"] for arn in instances}
    return [
        {"Arn": profile(arn), "InstanceProfileName": arn.rpartition("/")[2], "Roles": [{"Arn": role}]}
        for arn, role in roles.items()
    ]


def tasks(organisation: Organisation, account: str, region: str) -> Records:
    found = carrying(organisation, account, region, "task-definition/")
    yield called("ecs", "ListTaskDefinitions", {"taskDefinitionArns": found}, affects="ecs:task-definition")
    for arn in found:
        told = {"taskDefinitionArn": arn, "taskRoleArn": organisation["carriers"][arn]["role"]}
        page: Json = {"taskDefinition": told, "tags": []}
        yield called("ecs", "DescribeTaskDefinition", page, affects=arn, params={"taskDefinition": arn})


def access_points(organisation: Organisation, account: str, region: str) -> Records:
    params = {"AccountId": account}
    if [account, region] in organisation.get("points_unlisted", ()):
        yield denied("s3control", "ListAccessPoints", affects="s3:*", params=params)
        return
    here = [one for one in organisation.get("points", ()) if (one["account"], one["region"]) == (account, region)]
    listed = [entry(one) for one in here]
    yield called("s3control", "ListAccessPoints", {"AccessPointList": listed}, affects="s3:*", params=params)
    for one in here:
        named, affects = {**params, "Name": one["name"]}, one["arn"]
        if one["bpa"] is None:
            yield denied("s3control", "GetAccessPoint", affects=affects, params=named)
        else:
            flags = {"BlockPublicAcls": False, "IgnorePublicAcls": one["ignore"]}
            flags |= {"BlockPublicPolicy": one["bpa"], "RestrictPublicBuckets": one["bpa"]}
            page: Json = {**entry(one), "PublicAccessBlockConfiguration": flags}
            yield called("s3control", "GetAccessPoint", page, affects=affects, params=named)
        if one["policy"] is None:
            yield denied("s3control", "GetAccessPointPolicy", affects=affects, params=named)
        elif one["policy"]:
            page = {"Policy": json.dumps(one["policy"])}
            yield called("s3control", "GetAccessPointPolicy", page, affects=affects, params=named)
        else:
            code = "NoSuchAccessPointPolicy"
            yield absent("s3control", "GetAccessPointPolicy", code, affects=affects, params=named)


def entry(point: Json) -> Json:
    """An access point as lists have it."""
    found = {"Name": point["name"], "AccessPointArn": point["arn"], "Alias": point["alias"], "Bucket": point["bucket"]}
    found |= {"BucketAccountId": point["owner"], "NetworkOrigin": "VPC" if point["vpc"] else "Internet"}
    return {**found, "VpcConfiguration": {"VpcId": point["vpc"]}} if point["vpc"] else found


def entered(account: str) -> Records:
    area = f"account:{account}"
    regions = [{"RegionName": region, "OptInStatus": "opt-in-not-required"} for region in REGIONS]
    yield called("sts", "GetCallerIdentity", {"Account": account}, affects=area)
    yield called("ec2", "DescribeRegions", {"Regions": regions}, key="Regions", affects=area)


# --- IAM ---


def iam(organisation: Organisation, account: str) -> Records:
    if not organisation["accounts"][account]["read"]:
        yield denied("iam", "GetAccountAuthorizationDetails", affects="iam:*")
        return

    def mine(field: str) -> list[Json]:
        return [one for one in organisation[field] if one["account"] == account]

    details = {
        "UserDetailList": [user(one) for one in mine("users")],
        "GroupDetailList": [holder(one, "Group") for one in mine("groups")],
        "RoleDetailList": [role(one) for one in mine("roles")],
        "Policies": [managed(a, d) for a, d in organisation["policies"].items() if a.split(":")[4] == account],
    }
    yield called("iam", "GetAccountAuthorizationDetails", details, affects="iam:*")
    providers = mine("providers")
    oidc = [one for one in providers if one["kind"] == "oidc"]
    listed = {"OpenIDConnectProviderList": [{"Arn": one["arn"]} for one in oidc]}
    yield called("iam", "ListOpenIDConnectProviders", listed, affects="iam:*")
    for one in oidc:
        page = {"Url": one["url"], "ClientIDList": ["sts.amazonaws.com"], "ThumbprintList": [], "Tags": []}
        params = {"OpenIDConnectProviderArn": one["arn"]}
        yield called("iam", "GetOpenIDConnectProvider", page, affects=one["arn"], params=params)
    saml = {"SAMLProviderList": [{"Arn": one["arn"]} for one in providers if one["kind"] == "saml"]}
    yield called("iam", "ListSAMLProviders", saml, affects="iam:*")
    listed_profiles: Json = {"InstanceProfiles": profiles(organisation, account)}
    yield called("iam", "ListInstanceProfiles", listed_profiles, affects="iam:*")
    yield called("iam", "ListVirtualMFADevices", {"VirtualMFADevices": []}, affects="iam:*")
    for one in mine("users"):
        devices = [{"UserName": one["name"], "SerialNumber": "m"}] if one["mfa"] else []
        params = {"UserName": one["name"]}
        yield called("iam", "ListMFADevices", {"MFADevices": devices}, affects=one["arn"], params=params)


def holder(one: Json, kind: str) -> Json:
    attached = [{"PolicyName": arn.split("/")[-1], "PolicyArn": arn} for arn in one["attached"]]
    policies = [{"PolicyName": name, "PolicyDocument": document} for name, document in one["inline"].items()]
    path = "/" + "".join(f"{part}/" for part in one["arn"].split(":")[5].split("/")[1:-1])
    return {
        "Path": path,
        f"{kind}Name": one["name"],
        f"{kind}Id": one["id"],
        "Arn": one["arn"],
        "CreateDate": MOMENT,
        f"{kind}PolicyList": policies,
        "AttachedManagedPolicies": attached,
    }


def bounded(one: Json) -> Json:
    found: Json = {"Tags": pairs(one["tags"])}
    if one["boundary"]:
        kind = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": one["boundary"]}
        found["PermissionsBoundary"] = kind
    return found


def user(one: Json) -> Json:
    return {**holder(one, "User"), **bounded(one), "GroupList": one["groups"]}


def role(one: Json) -> Json:
    more = {"AssumeRolePolicyDocument": one["trust"], "InstanceProfileList": [], "RoleLastUsed": {}}
    return {**holder(one, "Role"), **bounded(one), **more}


def managed(arn: str, document: Json) -> Json:
    version = {"VersionId": "v1", "IsDefaultVersion": True, "CreateDate": MOMENT, "Document": document}
    own = {"PolicyName": arn.split("/")[-1], "PolicyId": f"ANPA{arn[-4:]}", "Arn": arn, "Path": "/"}
    return {**own, "DefaultVersionId": "v1", "CreateDate": MOMENT, "PolicyVersionList": [version]}


# --- organisation and Identity Center ---


def organization(organisation: Organisation) -> Records:
    management, id_ = organisation["management"], organisation["id"]
    base = f"arn:aws:organizations::{management}"

    def asked(operation: str, page: Json, key: str = "", **params: str) -> CallRecord:
        return called("organizations", operation, page, key=key, affects="organizations:*", params=dict(params))

    described = {"Id": id_, "MasterAccountId": management, "FeatureSet": "ALL"}
    yield asked("DescribeOrganization", {"Organization": {**described, "Arn": f"{base}:organization/{id_}"}})
    types = [{"Type": kind, "Status": "ENABLED"} for kind in TYPES.values()]
    root = next(one for one, parent in organisation["units"].items() if not parent)
    yield asked(
        "ListRoots", {"Roots": [{"Id": root, "Arn": f"{base}:root/{id_}/{root}", "PolicyTypes": types}]}, "Roots"
    )
    accounts = {
        one: {"Id": one, "Arn": f"{base}:account/{id_}/{one}", "Name": f"name-{one[0]}", "Status": "ACTIVE"}
        for one in organisation["accounts"]
    }
    for unit in organisation["units"]:
        below = [one for one, parent in organisation["units"].items() if parent == unit]
        page: Json = {
            "OrganizationalUnits": [{"Id": one, "Arn": f"{base}:ou/{id_}/{one}", "Name": one} for one in below]
        }
        yield asked("ListOrganizationalUnitsForParent", page, "OrganizationalUnits", ParentId=unit)
        inside = [accounts[one] for one, each in organisation["accounts"].items() if each["path"][-1] == unit]
        yield asked("ListAccountsForParent", {"Accounts": inside}, "Accounts", ParentId=unit)
    yield asked("ListAccounts", {"Accounts": list(accounts.values())}, "Accounts")
    for field, kind in TYPES.items():
        yield from control(organisation[field], kind, f"{base}:policy/{id_}/{field[:3]}")


def control(policies: list[Json], kind: str, base: str) -> Records:
    """The control policies of one type, with where they are attached."""
    listed = [{"Id": o["id"], "Arn": f"{base}/{o['id']}", "Name": o["name"], "Type": kind} for o in policies]
    filtered = {"Filter": kind}
    yield called("organizations", "ListPolicies", {"Policies": listed}, affects="organizations:*", params=filtered)
    for one, summary in zip(policies, listed, strict=True):
        params = {"PolicyId": one["id"]}
        if one["document"] is None:
            yield denied("organizations", "DescribePolicy", affects=summary["Arn"], params=params)
        else:
            page: Json = {"Policy": {"PolicySummary": summary, "Content": json.dumps(one["document"])}}
            yield called("organizations", "DescribePolicy", page, affects=summary["Arn"], params=params)
        page = {"Targets": [{"TargetId": target} for target in one["targets"]]}
        yield called("organizations", "ListTargetsForPolicy", page, affects=summary["Arn"], params=params)


def center(organisation: Organisation) -> Records:
    home, owner = REGIONS[0], organisation["management"]
    for region in REGIONS:
        found = [{"InstanceArn": INSTANCE, "IdentityStoreId": STORE, "OwnerAccountId": owner}] if region == home else []
        yield called("sso-admin", "ListInstances", {"Instances": found}, affects="sso-admin:*", region=region)
    operation, given = "DescribeInstanceAccessControlAttributeConfiguration", {"InstanceArn": INSTANCE}
    if organisation["abac"]:
        attributes = [{"Key": "team", "Value": {"Source": ["${path:enterprise.department}"]}}]
        page: Json = {"Status": "ENABLED"}
        page["InstanceAccessControlAttributeConfiguration"] = {"AccessControlAttributes": attributes}
        yield called("sso-admin", operation, page, affects=INSTANCE, region=home, params=given)
    else:
        code = "ResourceNotFoundException"
        yield absent("sso-admin", operation, code, affects=INSTANCE, region=home, params=given)
    yield from permission_sets(organisation)
    yield from directory(organisation)


def permission_sets(organisation: Organisation) -> Records:
    home, given = REGIONS[0], {"InstanceArn": INSTANCE}
    arns = {name: f"arn:aws:sso:::permissionSet/ssoins-6804aaaabbbbcccc/ps-{name}" for name in organisation["sets"]}
    page: Json = {"PermissionSets": list(arns.values())}
    yield called("sso-admin", "ListPermissionSets", page, affects="sso-admin:*", region=home, params=given)
    for name, arn in arns.items():
        params = {**given, "PermissionSetArn": arn}
        mine = [one for one in organisation["assignments"] if one["set"] == name]
        answers: dict[str, Json] = {
            "DescribePermissionSet": {"PermissionSet": {"Name": name, "PermissionSetArn": arn}},
            "GetInlinePolicyForPermissionSet": {"InlinePolicy": json.dumps(organisation["sets"][name])},
            "ListManagedPoliciesInPermissionSet": {"AttachedManagedPolicies": []},
            "ListAccountsForProvisionedPermissionSet": {"AccountIds": sorted({one["account"] for one in mine})},
        }
        for operation, page in answers.items():
            yield called("sso-admin", operation, page, affects=arn, region=home, params=params)
        for account in answers["ListAccountsForProvisionedPermissionSet"]["AccountIds"]:
            listed = [
                {"AccountId": account, "PermissionSetArn": arn, "PrincipalType": one["kind"], "PrincipalId": one["to"]}
                for one in mine
                if one["account"] == account
            ]
            page, more = {"AccountAssignments": listed}, {**params, "AccountId": account}
            yield called("sso-admin", "ListAccountAssignments", page, affects=arn, region=home, params=more)


def directory(organisation: Organisation) -> Records:
    home, given = REGIONS[0], {"IdentityStoreId": STORE}
    users = [
        {
            "UserId": one["id"],
            "UserName": one["name"],
            "Emails": [{"Value": one["email"], "Primary": True}],
            "UserStatus": "DISABLED" if one["disabled"] else "ENABLED",
        }
        for one in organisation["people"]
    ]
    area = "identitystore:*"
    yield called("identitystore", "ListUsers", {"Users": users}, affects=area, region=home, params=given)
    groups = [{"GroupId": id_, "DisplayName": id_} for id_ in organisation["teams"]]
    yield called("identitystore", "ListGroups", {"Groups": groups}, affects=area, region=home, params=given)
    for id_, members in organisation["teams"].items():
        listed = [{"GroupId": id_, "MembershipId": f"{id_}{one}", "MemberId": {"UserId": one}} for one in members]
        page, params = {"GroupMemberships": listed}, {**given, "GroupId": id_}
        affects = f"identitystore:group/{id_}"
        yield called("identitystore", "ListGroupMemberships", page, affects=affects, region=home, params=params)
