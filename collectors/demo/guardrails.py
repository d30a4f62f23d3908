"""The organisation's service control policies and its resource control policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from collectors.demo.company import MONITORING_VENDOR, PARTNER_BANK, PAYROLL_VENDOR, REGIONS
from collectors.demo.documents import Document, deny, deny_all_but, policy, role


@dataclass(frozen=True, slots=True)
class Guardrail:
    """An organisation policy; `targets` are unit paths ("" is the root) or account keys written `account:dev`."""

    name: str
    kind: str
    description: str
    document: Document
    targets: tuple[str, ...]


_BREAK_GLASS: Final = "arn:aws:iam::*:role/break-glass"
_GLOBAL_SERVICES: Final = [
    "aws-portal:*",
    "billing:*",
    "budgets:*",
    "ce:*",
    "cloudfront:*",
    "globalaccelerator:*",
    "iam:*",
    "identitystore:*",
    "kms:ListAliases",
    "organizations:*",
    "route53:*",
    "route53domains:*",
    "s3:GetAccountPublicAccessBlock",
    "s3:ListAllMyBuckets",
    "shield:*",
    "sso:*",
    "sts:*",
    "support:*",
    "tag:*",
    "waf:*",
]

GUARDRAILS: Final = (
    Guardrail(
        "approved-regions",
        "SERVICE_CONTROL_POLICY",
        "Regional services only in the approved regions",
        policy(
            deny_all_but(
                _GLOBAL_SERVICES,
                sid="DenyOutsideApprovedRegions",
                when={
                    "StringNotEquals": {"aws:RequestedRegion": list(REGIONS)},
                    "ArnNotLike": {"aws:PrincipalArn": [_BREAK_GLASS]},
                },
            )
        ),
        ("Workloads", "Sandbox"),
    ),
    Guardrail(
        "protect-audit-trail",
        "SERVICE_CONTROL_POLICY",
        "Nobody leaves the organisation or turns logging and detection off",
        policy(
            deny("organizations:LeaveOrganization", sid="DenyLeaving"),
            deny(
                [
                    "cloudtrail:DeleteTrail",
                    "cloudtrail:PutEventSelectors",
                    "cloudtrail:StopLogging",
                    "cloudtrail:UpdateTrail",
                    "config:DeleteConfigurationRecorder",
                    "config:StopConfigurationRecorder",
                    "guardduty:DeleteDetector",
                    "guardduty:DisassociateFromAdministratorAccount",
                    "guardduty:UpdateDetector",
                ],
                sid="DenyDisablingDetection",
            ),
        ),
        ("",),
    ),
    Guardrail(
        "protect-break-glass",
        "SERVICE_CONTROL_POLICY",
        "Only the organisation's own access role changes the break-glass roles",
        policy(
            deny(
                [
                    "iam:AttachRolePolicy",
                    "iam:DeleteRole",
                    "iam:DeleteRolePolicy",
                    "iam:DetachRolePolicy",
                    "iam:PutRolePolicy",
                    "iam:UpdateAssumeRolePolicy",
                ],
                _BREAK_GLASS,
                sid="DenyChangingBreakGlass",
                when={"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/OrganizationAccountAccessRole"}},
            )
        ),
        ("Security", "Workloads"),
    ),
    Guardrail(
        "no-long-lived-credentials",
        "SERVICE_CONTROL_POLICY",
        "No new IAM users, keys or passwords in production",
        policy(
            deny(
                ["iam:CreateUser", "iam:CreateAccessKey", "iam:CreateLoginProfile"],
                sid="DenyNewLongLivedCredentials",
                when={"ArnNotLike": {"aws:PrincipalArn": [_BREAK_GLASS]}},
            )
        ),
        ("Workloads/Prod",),
    ),
    Guardrail(
        "sandbox-limits",
        "SERVICE_CONTROL_POLICY",
        "The sandbox has no users of its own, no peering and nothing expensive",
        policy(
            deny(["iam:CreateUser", "iam:CreateAccessKey", "iam:CreateSAMLProvider"], sid="DenyIdentities"),
            deny(
                [
                    "aws-marketplace:Subscribe",
                    "bedrock:CreateProvisionedModelThroughput",
                    "ec2:AcceptVpcPeeringConnection",
                    "ec2:CreateTransitGateway",
                    "ec2:PurchaseReservedInstancesOffering",
                    "redshift:CreateCluster",
                    "sagemaker:CreateEndpoint",
                    "savingsplans:CreateSavingsPlan",
                ],
                sid="DenyExpensive",
            ),
            deny(
                "ec2:RunInstances",
                "arn:aws:ec2:*:*:instance/*",
                sid="DenyLargeInstances",
                when={"StringNotLike": {"ec2:InstanceType": ["t3.*", "t4g.*"]}},
            ),
        ),
        ("Sandbox",),
    ),
    Guardrail(
        "dev-no-production-data",
        "SERVICE_CONTROL_POLICY",
        "Development never reads a bucket outside its own account that is marked as a crown jewel by name",
        policy(
            deny(
                ["s3:GetObject", "s3:ListBucket"],
                ["arn:aws:s3:::meridian-card-data-prod", "arn:aws:s3:::meridian-card-data-prod/*"],
                sid="DenyCardData",
            )
        ),
        ("account:dev",),
    ),
    Guardrail(
        "organisation-perimeter",
        "RESOURCE_CONTROL_POLICY",
        "Data stays with the organisation, AWS's services and the partners named here",
        policy(
            deny(
                ["s3:*", "kms:*", "sqs:*", "secretsmanager:*"],
                to="*",
                sid="DenyOutsiders",
                when={
                    "StringNotEqualsIfExists": {
                        "aws:PrincipalOrgID": "@org@",
                        "aws:PrincipalAccount": [PARTNER_BANK],
                    },
                    "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
                },
            ),
            deny(
                "sts:AssumeRole",
                to="*",
                sid="DenyOutsidersTakingRoles",
                when={
                    "StringNotEqualsIfExists": {
                        "aws:PrincipalOrgID": "@org@",
                        "aws:PrincipalAccount": [MONITORING_VENDOR, PAYROLL_VENDOR],
                    },
                    "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
                },
            ),
        ),
        ("Workloads/Prod", "Security"),
    ),
)

# Who answers for which service in the organisation's name.
SERVICE_ACCESS: Final = (
    "cloudtrail.amazonaws.com",
    "config.amazonaws.com",
    "guardduty.amazonaws.com",
    "sso.amazonaws.com",
    "access-analyzer.amazonaws.com",
    "member.org.stacksets.cloudformation.amazonaws.com",
)
DELEGATED: Final = (("security", "guardduty.amazonaws.com"), ("security", "access-analyzer.amazonaws.com"))
BREAK_GLASS_ROLE: Final = role("prod", "break-glass")
