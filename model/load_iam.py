"""IAM pages to entities: users, groups, roles, managed policies, providers, credentials.

Sources: ``GetAccountAuthorizationDetails`` holds all but credentials; those come from the credential report, MFA
devices, login profiles and access keys.
"""

from __future__ import annotations

import base64
import binascii
import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from model.arn import Arn
from model.entities import (
    AccessKey,
    IamGroup,
    InlinePolicy,
    ManagedPolicy,
    Provider,
    Role,
    User,
)
from model.pages import Page, Pages, first_page, policy_text, tag_map


@dataclass
class IamEntities:
    users: list[User] = field(default_factory=list)
    roles: list[Role] = field(default_factory=list)
    groups: list[IamGroup] = field(default_factory=list)
    policies: dict[str, ManagedPolicy] = field(default_factory=dict)
    providers: list[Provider] = field(default_factory=list)


def load_iam(pages: Pages) -> IamEntities:
    """The IAM entities of every account in ``pages``."""
    found = IamEntities()
    credentials = _Credentials(pages)
    instance_profiles = _instance_profiles(pages)
    details = list(pages.pages("iam", "GetAccountAuthorizationDetails"))
    found.groups = [
        _group(raw, record.account) for record, page in details for raw in page.get("GroupDetailList") or ()
    ]
    # Users name their groups without the path; a group's name is unique in its account.
    group_arns = {(group.account, group.name): group.arn for group in found.groups}
    for record, page in details:
        account = record.account
        for raw in page.get("RoleDetailList") or ():
            found.roles.append(_role(raw, account, instance_profiles))
        for raw in page.get("UserDetailList") or ():
            found.users.append(_user(raw, account, credentials, group_arns))
        for raw in page.get("Policies") or ():
            policy = _managed_policy(raw)
            if policy.arn not in found.policies:
                found.policies[policy.arn] = policy
    found.policies = _with_tags(found.policies, pages)
    found.providers = list(_providers(pages))
    return found


def _inline(raw: Page, key: str) -> tuple[InlinePolicy, ...]:
    return tuple(
        InlinePolicy(name=item["PolicyName"], document=policy_text(item.get("PolicyDocument")))
        for item in raw.get(key) or ()
    )


def _attached(raw: Page) -> tuple[str, ...]:
    return tuple(item["PolicyArn"] for item in raw.get("AttachedManagedPolicies") or ())


def _boundary(raw: Page) -> str | None:
    boundary = raw.get("PermissionsBoundary") or {}
    arn = boundary.get("PermissionsBoundaryArn")
    return str(arn) if arn else None


def _group(raw: Page, account: str) -> IamGroup:
    return IamGroup(
        arn=raw["Arn"],
        id=raw.get("GroupId", ""),
        name=raw["GroupName"],
        path=raw.get("Path", "/"),
        account=account,
        created=str(raw.get("CreateDate", "")),
        inline=_inline(raw, "GroupPolicyList"),
        attached=_attached(raw),
    )


def _role(raw: Page, account: str, profiles: Mapping[str, tuple[str, ...]]) -> Role:
    return Role(
        arn=raw["Arn"],
        id=raw.get("RoleId", ""),
        name=raw["RoleName"],
        path=raw.get("Path", "/"),
        account=account,
        created=str(raw.get("CreateDate", "")),
        inline=_inline(raw, "RolePolicyList"),
        attached=_attached(raw),
        trust=policy_text(raw.get("AssumeRolePolicyDocument")),
        tags=tag_map(raw.get("Tags")),
        boundary=_boundary(raw),
        last_used=str((raw.get("RoleLastUsed") or {}).get("LastUsedDate", "")),
        max_session=int(raw.get("MaxSessionDuration", 3600)),
        instance_profiles=tuple(
            dict.fromkeys(
                (*(item["Arn"] for item in raw.get("InstanceProfileList") or ()), *profiles.get(raw["Arn"], ()))
            )
        ),
    )


def _user(raw: Page, account: str, credentials: _Credentials, group_arns: Mapping[tuple[str, str], str]) -> User:
    arn = raw["Arn"]
    name = raw["UserName"]
    partition = Arn.parse(arn).partition
    return User(
        arn=arn,
        id=raw.get("UserId", ""),
        name=name,
        path=raw.get("Path", "/"),
        account=account,
        created=str(raw.get("CreateDate", "")),
        inline=_inline(raw, "UserPolicyList"),
        attached=_attached(raw),
        tags=tag_map(raw.get("Tags")),
        groups=tuple(
            group_arns.get((account, group), f"arn:{partition}:iam::{account}:group/{group}")
            for group in raw.get("GroupList") or ()
        ),
        boundary=_boundary(raw),
        mfa=credentials.mfa(account, name),
        password=credentials.password(account, name),
        password_last_used=str(raw.get("PasswordLastUsed", "")) or credentials.password_last_used(account, name),
        keys=credentials.keys(account, name),
    )


def _managed_policy(raw: Page) -> ManagedPolicy:
    arn = raw["Arn"]
    document: str | None = None
    version = raw.get("DefaultVersionId", "")
    for item in raw.get("PolicyVersionList") or ():
        if item.get("IsDefaultVersion") or (version and item.get("VersionId") == version):
            document = policy_text(item.get("Document")) or None
            version = item.get("VersionId", version)
    parsed = Arn.parse(arn)
    return ManagedPolicy(
        arn=arn,
        id=raw.get("PolicyId", ""),
        name=raw.get("PolicyName") or parsed.name,
        account="" if parsed.account == "aws" else parsed.account,
        document=document,
        version=version,
        created=str(raw.get("CreateDate", "")),
    )


def _with_tags(policies: dict[str, ManagedPolicy], pages: Pages) -> dict[str, ManagedPolicy]:
    for record, page in pages.pages("iam", "ListPolicyTags"):
        arn = record.params.get("PolicyArn")
        if isinstance(arn, str) and arn in policies and page.get("Tags"):
            policy = policies[arn]
            policies[arn] = ManagedPolicy(
                arn=policy.arn,
                id=policy.id,
                name=policy.name,
                account=policy.account,
                document=policy.document,
                version=policy.version,
                created=policy.created,
                tags={**policy.tags, **tag_map(page["Tags"])},
            )
    return policies


def _providers(pages: Pages) -> Iterable[Provider]:
    for record, item in pages.items("iam", "ListOpenIDConnectProviders", "OpenIDConnectProviderList"):
        arn = item["Arn"]
        detail = first_page(pages.asked("iam", "GetOpenIDConnectProvider", record.account, record.region, arn)) or {}
        url = str(detail.get("Url") or arn.partition(":oidc-provider/")[2])
        yield Provider(
            arn=arn,
            account=record.account,
            kind="oidc",
            url=url.removeprefix("https://"),
            client_ids=tuple(detail.get("ClientIDList") or ()),
        )
    for record, item in pages.items("iam", "ListSAMLProviders", "SAMLProviderList"):
        yield Provider(arn=item["Arn"], account=record.account, kind="saml")


def _instance_profiles(pages: Pages) -> dict[str, tuple[str, ...]]:
    by_role: defaultdict[str, list[str]] = defaultdict(list)
    for _, item in pages.items("iam", "ListInstanceProfiles", "InstanceProfiles"):
        for role in item.get("Roles") or ():
            by_role[role["Arn"]].append(item["Arn"])
    return {role: tuple(profiles) for role, profiles in by_role.items()}


class _Credentials:
    """Passwords, MFA devices and access keys: what the report and the per-user calls say together."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._report: dict[tuple[str, str], Mapping[str, str]] = {}
        for record, page in pages.pages("iam", "GetCredentialReport"):
            for row in _report_rows(page.get("Content")):
                self._report[(record.account, row.get("user", ""))] = row
        self._devices: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        self._device_calls: set[tuple[str, str]] = set()
        for record in pages.calls("iam", "ListMFADevices"):
            user = record.params.get("UserName")
            if isinstance(user, str) and record.outcome in ("ok", "empty"):
                self._device_calls.add((record.account, user))
                for page in record.response:
                    self._devices[(record.account, user)] += [
                        device["SerialNumber"] for device in page.get("MFADevices") or ()
                    ]
        self._profiles = {
            (call.account, call.params.get("UserName")): call for call in pages.calls("iam", "GetLoginProfile")
        }
        self._listed_keys: defaultdict[tuple[str, str], list[Page]] = defaultdict(list)
        for record, item in pages.items("iam", "ListAccessKeys", "AccessKeyMetadata"):
            owner = item.get("UserName", record.params.get("UserName"))
            self._listed_keys[(record.account, str(owner))].append(item)
        for record, device in pages.items("iam", "ListVirtualMFADevices", "VirtualMFADevices"):
            user = (device.get("User") or {}).get("UserName")
            if user:
                self._devices[(record.account, user)].append(device["SerialNumber"])

    def mfa(self, account: str, user: str) -> bool | None:
        if self._devices.get((account, user)):
            return True
        if (account, user) in self._device_calls:
            return False
        row = self._report.get((account, user))
        return None if row is None else row.get("mfa_active") == "true"

    def password(self, account: str, user: str) -> bool | None:
        record = self._profiles.get((account, user))
        if record is not None and record.outcome in ("ok", "empty"):
            return record.outcome == "ok"
        row = self._report.get((account, user))
        return None if row is None else row.get("password_enabled") == "true"

    def password_last_used(self, account: str, user: str) -> str:
        return _date(self._report.get((account, user), {}).get("password_last_used", ""))

    def keys(self, account: str, user: str) -> tuple[AccessKey, ...]:
        row = self._report.get((account, user), {})
        reported = [
            AccessKey(
                id=ordinal,
                active=row.get(f"access_key_{ordinal}_active") == "true",
                rotated=_date(row.get(f"access_key_{ordinal}_last_rotated", "")),
                last_used=_date(row.get(f"access_key_{ordinal}_last_used_date", "")),
            )
            for ordinal in ("1", "2")
            if _date(row.get(f"access_key_{ordinal}_last_rotated", ""))
        ]
        listed = [self._listed_key(account, item) for item in self._listed_keys.get((account, user), ())]
        return tuple(listed or reported)

    def _listed_key(self, account: str, item: Page) -> AccessKey:
        record = self._pages.asked("iam", "GetAccessKeyLastUsed", account, None, item["AccessKeyId"])
        used = ((first_page(record) or {}).get("AccessKeyLastUsed") or {}).get("LastUsedDate", "")
        return AccessKey(
            id=item["AccessKeyId"],
            active=item.get("Status") == "Active",
            rotated=str(item.get("CreateDate", "")),
            last_used=str(used),
        )


def _date(text: str) -> str:
    return "" if text in ("", "N/A", "no_information", "not_supported") else text


def _report_rows(content: object) -> Iterable[Mapping[str, str]]:
    """Rows of a credential report, which is CSV, base64 in a snapshot."""
    if not isinstance(content, str) or not content:
        return []
    try:
        text = base64.b64decode(content, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        text = content
    return list(csv.DictReader(io.StringIO(text)))
