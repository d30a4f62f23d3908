"""The IAM part of an account of a made-up organisation."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
from moto.iam.aws_managed_policies import aws_managed_policies_data  # the documents that AWS publishes

from bench.world_plan import HOME_REGION, AccountPlan, Plan, RolePlan, skewed
from bench.world_policies import (
    MANAGED,
    OF_THE_ORGANISATION,
    Document,
    assume,
    conditioned,
    customer_managed,
    inline,
    permission_set,
    trust,
    workload_trust,
)
from bench.world_records import MOMENT, absent, called, pairs
from model.snapshot import CallRecord

RESERVED_PATH = f"/aws-reserved/sso.amazonaws.com/{HOME_REGION}/"


def aws_arn(name: str) -> str:
    """The ARN of an AWS managed policy, whose name may have a path before it."""
    return f"arn:aws:iam::aws:policy/{name}"


@cache
def _published() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(aws_managed_policies_data)
    return found


@cache
def _aws_managed(name: str) -> msgspec.Raw:
    """An AWS managed policy as authorization details tell it, encoded once for all accounts."""
    document = _published()[name.rpartition("/")[2]]["Document"]
    return msgspec.Raw(msgspec.json.encode(_managed(aws_arn(name), document)))


def _managed(arn: str, document: Document) -> dict[str, Any]:
    return {
        "PolicyName": arn.rpartition("/")[2],
        "PolicyId": _id("ANPA", arn),
        "Arn": arn,
        "Path": arn.partition(":policy")[2].rpartition("/")[0] + "/",
        "DefaultVersionId": "v1",
        "CreateDate": MOMENT,
        "PolicyVersionList": [
            {"VersionId": "v1", "IsDefaultVersion": True, "CreateDate": MOMENT, "Document": document}
        ],
    }


def _id(kind: str, name: str) -> str:
    return kind + hashlib.sha256(name.encode()).hexdigest()[:17].upper()


def iam_part(plan: Plan, account: AccountPlan) -> Iterator[CallRecord]:
    """The records of collector ``iam``."""
    chance = plan.shape.chance("iam", account.index)
    own = customer_managed(chance, account)
    attach = _Attaching(chance, account, list(own))
    groups = [_group(attach, number) for number in range(max(len(account.users) // 5, 1))]
    users = [_user(attach, name, groups) for name in account.users]
    roles = [_role(plan, attach, role) for role in account.roles] + [
        _reserved(account, number) for number in account.sets
    ]
    used = {item["PolicyArn"] for each in (*groups, *users, *roles) for item in each["AttachedManagedPolicies"]}
    policies: list[Any] = [_managed(attach.arn(name), document) for name, document in own.items()]
    policies += [_aws_managed(name) for name in MANAGED if aws_arn(name) in used]
    details = {"UserDetailList": users, "GroupDetailList": groups, "RoleDetailList": roles, "Policies": policies}
    everything = called("iam", "GetAccountAuthorizationDetails", details, affects="iam:*")
    yield msgspec.structs.replace(everything, items=sum(map(len, details.values())))
    aliases = {"AccountAliases": [account.name]}
    yield called("iam", "ListAccountAliases", aliases, key="AccountAliases", affects="iam:*")
    yield called("iam", "GetAccountSummary", {"SummaryMap": {"AccountMFAEnabled": 1}}, affects="iam:*")
    yield from _providers(account)
    yield called("iam", "ListInstanceProfiles", _profiles(account), key="InstanceProfiles", affects="iam:*")
    yield called("iam", "ListVirtualMFADevices", {"VirtualMFADevices": []}, affects="iam:*")
    for user in users:
        yield from _credentials(chance, user)
    for name in own:
        arn = attach.arn(name)
        tags = {"Tags": pairs({"team": account.team})}
        yield called("iam", "ListPolicyTags", tags, key="Tags", affects=arn, params={"PolicyArn": arn})


class _Attaching:
    """What principals of one account get: documents, tags, boundaries."""

    def __init__(self, chance: random.Random, account: AccountPlan, own: list[str]) -> None:
        self.chance, self.account = chance, account
        self.own = [name for name in own if name not in ("guard", "boundary")]

    def arn(self, name: str) -> str:
        return f"arn:aws:iam::{self.account.id}:policy/{name}"

    def attached(self, most: int) -> list[dict[str, str]]:
        """Some AWS managed policies and some of the account's, in a skewed choice."""
        names = skewed(self.chance, MANAGED, self.chance.randrange(most + 1))
        own = skewed(self.chance, self.own, self.chance.randrange(most + 1))
        arns = [*map(aws_arn, names), *map(self.arn, own)]
        return [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in arns]

    def documents(self, name: str, share: float, *, user: bool = False) -> dict[str, Document]:
        found = {"own": inline(self.chance, self.account)} if self.chance.random() < share else {}
        if name in self.account.conditioned:
            found["conditioned"] = conditioned(self.chance, self.account, user=user)
        return found

    def common(self, name: str) -> dict[str, Any]:
        """Tags and boundary. Of those under conditions some lack a tag that they read."""
        tags = {"team": self.account.team, "project": self.chance.choice(self.account.apps)}
        if name in self.account.conditioned and self.chance.random() < 0.3:
            del tags[self.chance.choice(("team", "project"))]
        if self.chance.random() < 0.2:
            tags["clearance"] = self.chance.choice(("high", "low"))
        found: dict[str, Any] = {"Tags": pairs(tags)}
        if name in self.account.bounded:
            boundary = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": self.arn("boundary")}
            found["PermissionsBoundary"] = boundary
        return found


def _listed(documents: dict[str, Document]) -> list[dict[str, Any]]:
    return [{"PolicyName": name, "PolicyDocument": document} for name, document in documents.items()]


def _group(attach: _Attaching, number: int) -> dict[str, Any]:
    arn = f"arn:aws:iam::{attach.account.id}:group/team{number}"
    return {
        "Path": "/",
        "GroupName": f"team{number}",
        "GroupId": _id("AGPA", arn),
        "Arn": arn,
        "CreateDate": MOMENT,
        "GroupPolicyList": [],
        "AttachedManagedPolicies": attach.attached(2),
    }


def _user(attach: _Attaching, name: str, groups: list[dict[str, Any]]) -> dict[str, Any]:
    arn = f"arn:aws:iam::{attach.account.id}:user/{name}"
    return {
        "Path": "/",
        "UserName": name,
        "UserId": _id("AIDA", arn),
        "Arn": arn,
        "CreateDate": MOMENT,
        "UserPolicyList": _listed(attach.documents(name, 0.3, user=True)),
        "GroupList": [attach.chance.choice(groups)["GroupName"]],
        "AttachedManagedPolicies": attach.attached(1),
        **attach.common(name),
    }


def _role(plan: Plan, attach: _Attaching, role: RolePlan) -> dict[str, Any]:
    documents = attach.documents(role.name, 0.6 if role.kind == "workload" else 0.0)
    trusted, reached = _chain(plan, attach, role)
    if reached:
        documents["assume"] = assume(*reached)
    return {
        **_role_page(attach.account, role, trusted),
        "RolePolicyList": _listed(documents),
        "AttachedManagedPolicies": attach.attached(2 if role.kind == "workload" else 1),
        **attach.common(role.name),
    }


def _role_page(account: AccountPlan, role: RolePlan, trusted: Document) -> dict[str, Any]:
    arn = role.arn(account.id)
    return {
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": _id("AROA", arn),
        "Arn": arn,
        "CreateDate": MOMENT,
        "AssumeRolePolicyDocument": trusted,
        "InstanceProfileList": [],
        "MaxSessionDuration": 3600,
        "RoleLastUsed": {},
        "Tags": [],
    }


def _chain(plan: Plan, attach: _Attaching, role: RolePlan) -> tuple[Document, list[str]]:
    """(trust policy, roles that its own policy lets it assume)."""
    account, chance = attach.account, attach.chance
    if role.kind == "hop":  # a ring with shortcuts over all accounts: one component
        names = [plan.hop(role.number - 1), plan.hop(chance.randrange(plan.hops))]
        return trust({"AWS": sorted(set(names))}), ["arn:aws:iam::*:role/chain/*"]
    if role.kind == "pair":
        other = "pair-b" if role.name == "pair-a" else "pair-a"
        arn = f"arn:aws:iam::{account.id}:role/{other}"
        return trust({"AWS": arn}), [arn]
    if role.kind == "step":  # a line over the accounts, which leads nowhere back
        before = plan.ids[max(account.index - 1, 0)]
        behind = f"arn:aws:iam::{plan.ids[(account.index + 1) % len(plan.ids)]}:role/steps/step-{account.index + 1}"
        who = f"role/steps/step-{account.index - 1}" if account.index else "root"
        return trust({"AWS": f"arn:aws:iam::{before}:{who}"}), [behind]
    if role.kind == "deploy":  # the second account's ring deploys everywhere
        return trust({"AWS": [plan.hop(1), f"arn:aws:iam::{account.id}:root"]}), []
    if role.number < plan.shape.open:
        return trust("*", **OF_THE_ORGANISATION), []
    return workload_trust(chance, plan, account, role.service), []


def reserved_role(account: AccountPlan, number: int) -> RolePlan:
    """The role that Identity Center makes of a permission set in an account."""
    name = permission_set(number)[0]
    mark = hashlib.sha256(f"{account.id}/{name}".encode()).hexdigest()[:16]
    return RolePlan(f"AWSReservedSSO_{name}_{mark}", RESERVED_PATH, "reserved")


def _reserved(account: AccountPlan, number: int) -> dict[str, Any]:
    _, managed, own, guarded, bounded = permission_set(number)
    arns = [aws_arn(name) for name in managed] + [f"arn:aws:iam::{account.id}:policy/guard"] * guarded
    provider = f"arn:aws:iam::{account.id}:saml-provider/{_center_provider(account)}"
    audience = {"SAML:aud": "https://signin.aws.amazon.com/saml"}
    trusted = trust({"Federated": provider}, ["sts:AssumeRoleWithSAML", "sts:TagSession"], StringEquals=audience)
    boundary = {
        "PermissionsBoundaryType": "Policy",
        "PermissionsBoundaryArn": f"arn:aws:iam::{account.id}:policy/boundary",
    }
    return {
        **_role_page(account, reserved_role(account, number), trusted),
        "RolePolicyList": _listed({"AwsSSOInlinePolicy": own} if own else {}),
        "AttachedManagedPolicies": [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in arns],
        **({"PermissionsBoundary": boundary} if bounded else {}),
    }


def _center_provider(account: AccountPlan) -> str:
    return f"AWSSSO_{hashlib.sha256(account.id.encode()).hexdigest()[:16]}_DO_NOT_DELETE"


def _providers(account: AccountPlan) -> Iterator[CallRecord]:
    url = "token.actions.githubusercontent.com"
    arn = f"arn:aws:iam::{account.id}:oidc-provider/{url}"
    found = {"OpenIDConnectProviderList": [{"Arn": arn}]}
    yield called("iam", "ListOpenIDConnectProviders", found, key="OpenIDConnectProviderList", affects="iam:*")
    detail = {"Url": url, "ClientIDList": ["sts.amazonaws.com"], "ThumbprintList": [], "CreateDate": MOMENT, "Tags": []}
    params = {"OpenIDConnectProviderArn": arn}
    yield called("iam", "GetOpenIDConnectProvider", detail, affects=arn, params=params)
    saml = {"SAMLProviderList": [{"Arn": f"arn:aws:iam::{account.id}:saml-provider/{_center_provider(account)}"}]}
    yield called("iam", "ListSAMLProviders", saml, key="SAMLProviderList", affects="iam:*")


def _profiles(account: AccountPlan) -> dict[str, Any]:
    """An instance profile for every role of EC2."""
    return {
        "InstanceProfiles": [
            {
                "InstanceProfileName": role.name,
                "Arn": f"arn:aws:iam::{account.id}:instance-profile/{role.name}",
                "Roles": [{"RoleName": role.name, "Arn": role.arn(account.id)}],
            }
            for role in account.roles
            if role.service == "ec2"
        ]
    }


def _credentials(chance: random.Random, user: dict[str, Any]) -> Iterator[CallRecord]:
    name, arn = user["UserName"], user["Arn"]
    params = {"UserName": name}
    devices = [{"UserName": name, "SerialNumber": arn.replace(":user/", ":mfa/")}] if chance.random() < 0.6 else []
    yield called("iam", "ListMFADevices", {"MFADevices": devices}, key="MFADevices", affects=arn, params=params)
    keys = [
        {"UserName": name, "AccessKeyId": _id("AKIA", f"{arn}{number}"), "Status": "Active", "CreateDate": MOMENT}
        for number in range(chance.randrange(3))
    ]
    page = {"AccessKeyMetadata": keys}
    yield called("iam", "ListAccessKeys", page, key="AccessKeyMetadata", affects=arn, params=params)
    for key in keys:
        used = {"UserName": name, "AccessKeyLastUsed": {"ServiceName": "N/A", "Region": "N/A"}}
        params_ = {"AccessKeyId": key["AccessKeyId"]}
        yield called("iam", "GetAccessKeyLastUsed", used, affects=arn, params=params_)
    if chance.random() < 0.5:
        profile = {"LoginProfile": {"UserName": name, "CreateDate": MOMENT}}
        yield called("iam", "GetLoginProfile", profile, affects=arn, params=params)
    else:
        yield absent("iam", "GetLoginProfile", "NoSuchEntity", affects=arn, params=params)
