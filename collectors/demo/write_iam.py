"""Writes the declared IAM entities of one account."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from collectors.demo.documents import Document, managed, render
from collectors.demo.specs import AccountIam, RoleSpec, Tags, UserSpec

# Services that keep a role of their own in every account of the organisation.
_EVERYWHERE = ("organizations", "sso")
_SERVICE_POLICIES = {
    "cloudtrail": "CloudTrailServiceRolePolicy",
    "config": "AWSConfigServiceRolePolicy",
    "ecs": "AmazonECSServiceRolePolicy",
    "guardduty": "AmazonGuardDutyServiceRolePolicy",
    "organizations": "AWSOrganizationsServiceTrustPolicy",
    "sso": "AWSSSOServiceRolePolicy",
}
_THUMBPRINT = "6938fd4d98bab03faadb97b34396831e3780aea1"
_SAML_METADATA = "<EntityDescriptor>" + "identity-center " * 70 + "</EntityDescriptor>"  # IAM wants 1,000 characters


def tag_list(tags: Tags) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def write_iam(iam: Any, declared: AccountIam, places: Mapping[str, str]) -> list[dict[str, Any]]:
    """Create everything of `declared`; returns the history facts (ages) that the emulator is to be told."""
    iam.create_account_alias(AccountAlias=declared.alias)
    iam.update_account_password_policy(MinimumPasswordLength=14, RequireSymbols=True, RequireNumbers=True)
    for name in (*_EVERYWHERE, *declared.service_linked):
        role_name = iam.create_service_linked_role(AWSServiceName=f"{name}.amazonaws.com")["Role"]["RoleName"]
        # AWS makes the role with its policy attached; the emulator leaves it without.
        iam.attach_role_policy(RoleName=role_name, PolicyArn=managed(f"aws-service-role/{_SERVICE_POLICIES[name]}"))
    for url in declared.oidc:
        iam.create_open_id_connect_provider(
            Url=url,
            ClientIDList=["sts.amazonaws.com"],
            ThumbprintList=[_THUMBPRINT],
            Tags=tag_list({"team": "platform"}),
        )
    for policy in declared.policies:
        iam.create_policy(
            PolicyName=policy.name,
            PolicyDocument=render(policy.document, places),
            Description=policy.description,
            Tags=tag_list(policy.tags),
        )
    for group in declared.groups:
        iam.create_group(GroupName=group.name)
        for arn in group.managed:
            iam.attach_group_policy(GroupName=group.name, PolicyArn=render(arn, places))
        for name, document in group.inline.items():
            iam.put_group_policy(GroupName=group.name, PolicyName=name, PolicyDocument=render(document, places))
    for user in declared.users:
        _write_user(iam, user, places)
    for role in declared.roles:
        write_role(iam, role, places)
    return [
        *(fact for user in declared.users for fact in _user_history(user, places["self"])),
        *(_role_history(role, places["self"]) for role in declared.roles),
    ]


def write_role(iam: Any, role: RoleSpec, places: Mapping[str, str]) -> None:
    optional: dict[str, Any] = {"PermissionsBoundary": render(role.boundary, places)} if role.boundary else {}
    iam.create_role(
        RoleName=role.name,
        Path=role.path,
        AssumeRolePolicyDocument=render(role.trust, places),
        Description=role.description,
        Tags=tag_list(role.tags),
        **optional,
    )
    for arn in role.managed:
        iam.attach_role_policy(RoleName=role.name, PolicyArn=render(arn, places))
    for name, document in role.inline.items():
        iam.put_role_policy(RoleName=role.name, PolicyName=name, PolicyDocument=render(document, places))
    if role.instance_profile:
        iam.create_instance_profile(InstanceProfileName=role.name)
        iam.add_role_to_instance_profile(InstanceProfileName=role.name, RoleName=role.name)


def write_saml_provider(iam: Any, name: str) -> None:
    iam.create_saml_provider(Name=name, SAMLMetadataDocument=_SAML_METADATA)


def _write_user(iam: Any, user: UserSpec, places: Mapping[str, str]) -> None:
    iam.create_user(UserName=user.name, Path=user.path, Tags=tag_list(user.tags))
    for group in user.groups:
        iam.add_user_to_group(GroupName=group, UserName=user.name)
    for arn in user.managed:
        iam.attach_user_policy(UserName=user.name, PolicyArn=render(arn, places))
    for name, document in user.inline.items():
        iam.put_user_policy(UserName=user.name, PolicyName=name, PolicyDocument=render(document, places))
    if user.boundary:
        iam.put_user_permissions_boundary(UserName=user.name, PermissionsBoundary=render(user.boundary, places))
    if user.password:
        iam.create_login_profile(UserName=user.name, Password="An-emulated-passw0rd", PasswordResetRequired=False)  # noqa: S106
    if user.key:
        iam.create_access_key(UserName=user.name)
    if user.mfa:
        device = iam.create_virtual_mfa_device(VirtualMFADeviceName=user.name)["VirtualMFADevice"]["SerialNumber"]
        iam.enable_mfa_device(
            UserName=user.name, SerialNumber=device, AuthenticationCode1="123456", AuthenticationCode2="654321"
        )


def _user_history(user: UserSpec, account: str) -> Iterable[dict[str, Any]]:
    about: Document = {"account": account, "kind": "user", "name": user.name, "created_days": user.created}
    yield about | ({"used_days": user.password_used} if user.password_used is not None else {})
    if user.key:
        about = {"account": account, "kind": "key", "name": user.name, "created_days": user.key_created}
        yield about | ({"used_days": user.key_used} if user.key_used is not None else {})


def _role_history(role: RoleSpec, account: str) -> dict[str, Any]:
    fact: dict[str, Any] = {"account": account, "kind": "role", "name": role.name, "created_days": role.created}
    return fact | ({"used_days": role.used} if role.used is not None else {})
