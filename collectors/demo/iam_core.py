"""IAM of the management, security, log-archive and sandbox accounts."""

from __future__ import annotations

from typing import Final

from collectors.demo.company import HOME_REGION, PAYROLL_VENDOR
from collectors.demo.documents import (
    allow,
    allow_all_but,
    aws,
    deny,
    managed,
    own,
    policy,
    role,
    root,
    service,
    trust,
)
from collectors.demo.specs import AccountIam, GroupSpec, PolicySpec, RoleSpec, UserSpec

# In every account: what the security account reads with.
AUDIT_ROLE: Final = RoleSpec(
    "security-audit",
    policy(trust(aws(role("security", "audit-collector")), when={"StringEquals": {"aws:PrincipalOrgID": "@org@"}})),
    managed=(managed("SecurityAudit"), managed("job-function/ViewOnlyAccess")),
    description="Read-only, for the security account's collector",
    tags={"team": "security"},
    used=1,
)

MANAGEMENT: Final = AccountIam(
    "meridian-management",
    service_linked=("cloudtrail",),
    groups=(
        GroupSpec("billing-admins", managed=(managed("job-function/Billing"),)),
        GroupSpec("emergency", managed=(managed("AdministratorAccess"),)),
    ),
    users=(
        UserSpec(
            "break-glass",
            groups=("emergency",),
            tags={"owner": "marcus.lindholm@meridian.example", "purpose": "emergency"},
            password=True,
            password_used=212,
            key=True,
            key_created=611,
            key_used=212,
            created=640,
        ),
        UserSpec(
            "charlotte.meier",
            groups=("billing-admins",),
            tags={"email": "charlotte.meier@meridian.example"},
            password=True,
            password_used=6,
            mfa=True,
            created=520,
        ),
        UserSpec(
            "invoice-export",
            inline={
                "export": policy(
                    allow(["ce:Get*", "cur:*"]), allow("s3:PutObject", "arn:aws:s3:::meridian-cost-reports/*")
                )
            },
            tags={"workload": "invoice-export", "team": "finance"},
            key=True,
            key_created=133,
            key_used=1,
            created=133,
        ),
    ),
    roles=(
        AUDIT_ROLE,
        RoleSpec(
            "organisation-bootstrap",
            policy(
                trust(aws(role("security", "shared-tooling")), when={"Bool": {"aws:MultiFactorAuthPresent": "true"}})
            ),
            inline={
                "bootstrap": policy(
                    allow(["organizations:Describe*", "organizations:List*"]),
                    allow("sts:AssumeRole", "arn:aws:iam::*:role/OrganizationAccountAccessRole"),
                )
            },
            description="New accounts; the multi-factor condition never holds for a role session",
            used=377,
        ),
        RoleSpec(
            "ledgerline-cost-reader",
            policy(trust(aws(root(PAYROLL_VENDOR)), when={"StringEquals": {"sts:ExternalId": "meridian-7f31"}})),
            managed=(managed("AWSBillingReadOnlyAccess"),),
            tags={"vendor": "ledgerline"},
            used=2,
        ),
        RoleSpec(
            "identity-centre-provisioner",
            policy(trust(service("lambda"))),
            inline={
                "provision": policy(
                    allow(["sso:CreateAccountAssignment", "sso:List*", "sso:Describe*", "identitystore:*"]),
                    deny("sso:DeleteInstance", "*"),
                )
            },
            used=1,
        ),
    ),
)

SECURITY: Final = AccountIam(
    "meridian-security",
    service_linked=("guardduty", "config"),
    policies=(
        PolicySpec(
            "ToolingChain",
            policy(
                allow(
                    "sts:AssumeRole",
                    [role("prod", "payments-prod-deploy"), role("management", "organisation-bootstrap")],
                    sid="Deploy",
                ),
                allow(["ecr:BatchGetImage", "ecr:GetAuthorizationToken", "ecr:GetDownloadUrlForLayer"], sid="Images"),
            ),
            "Where the shared pipeline may go",
        ),
    ),
    users=(
        UserSpec(
            "yara.haddad",
            groups=("responders",),
            tags={"email": "yara.haddad@meridian.example"},
            password=True,
            password_used=64,
            mfa=True,
            created=410,
        ),
    ),
    groups=(
        GroupSpec(
            "responders",
            inline={
                "take-incident-role": policy(
                    allow(
                        "sts:AssumeRole",
                        "arn:aws:iam::*:role/incident-response",
                        when={"Bool": {"aws:MultiFactorAuthPresent": "true"}},
                    )
                )
            },
        ),
    ),
    roles=(
        AUDIT_ROLE,
        RoleSpec(
            "shared-tooling",
            policy(trust(aws(role("dev", "payments-dev-deployer"), role("prod", "release-approver")))),
            managed=(own("ToolingChain"),),
            description="The shared release pipeline",
            tags={"team": "platform", "purpose": "pipeline"},
            used=1,
        ),
        RoleSpec(
            "audit-collector",
            policy(trust(aws(root("security")), when={"StringEquals": {"aws:PrincipalTag/team": "security"}})),
            inline={"collect": policy(allow("sts:AssumeRole", "arn:aws:iam::*:role/security-audit"))},
            tags={"team": "security"},
            used=1,
        ),
        RoleSpec(
            "incident-response",
            policy(
                trust(
                    aws(root("security")),
                    when={
                        "Bool": {"aws:MultiFactorAuthPresent": "true"},
                        "NumericLessThan": {"aws:MultiFactorAuthAge": "3600"},
                    },
                )
            ),
            managed=(managed("SecurityAudit"),),
            inline={
                "contain": policy(allow(["ec2:ModifyInstanceAttribute", "iam:AttachUserPolicy", "iam:UpdateAccessKey"]))
            },
            used=64,
        ),
        RoleSpec(
            "guardduty-responder",
            policy(trust(service("lambda"), when={"StringEquals": {"aws:SourceAccount": "@security@"}})),
            managed=(managed("service-role/AWSLambdaBasicExecutionRole"),),
            inline={"notify": policy(allow("sns:Publish", f"arn:aws:sns:{HOME_REGION}:@security@:security-findings"))},
            used=3,
        ),
        RoleSpec(
            "key-rotation-a",
            policy(trust(aws(role("security", "key-rotation-b")), sid="FromB"), trust(service("lambda"))),
            inline={"chain": policy(allow("sts:AssumeRole", role("security", "key-rotation-b")))},
            description="Half of a pair that trust one another",
        ),
        RoleSpec(
            "key-rotation-b",
            policy(trust(aws(role("security", "key-rotation-a")))),
            inline={
                "chain": policy(
                    allow("sts:AssumeRole", role("security", "key-rotation-a")),
                    allow(["secretsmanager:RotateSecret", "secretsmanager:DescribeSecret"]),
                )
            },
        ),
    ),
)

LOGS: Final = AccountIam(
    "meridian-log-archive",
    service_linked=("config",),
    roles=(
        AUDIT_ROLE,
        RoleSpec(
            "log-reader",
            policy(
                trust(
                    aws(root("security")),
                    when={
                        "IpAddress": {"aws:SourceIp": ["198.51.100.0/24"]},
                        "StringLike": {"sts:RoleSessionName": "investigation-*"},
                    },
                )
            ),
            inline={
                "read": policy(
                    allow(
                        ["s3:GetObject", "s3:ListBucket"],
                        ["arn:aws:s3:::meridian-org-logs", "arn:aws:s3:::meridian-org-logs/*"],
                    ),
                    allow(
                        "kms:Decrypt", "*", when={"StringEquals": {"kms:ViaService": f"s3.{HOME_REGION}.amazonaws.com"}}
                    ),
                )
            },
            used=9,
        ),
        RoleSpec(
            "log-lifecycle",
            policy(trust(service("lambda"))),
            inline={
                "everything-but-deleting": policy(
                    allow_all_but(
                        ["s3:DeleteBucket", "s3:DeleteObjectVersion", "s3:PutBucketPolicy", "iam:*"],
                        on="*",
                        sid="NotAction",
                    )
                )
            },
            tags={"team": "platform"},
            used=30,
        ),
    ),
)

SANDBOX: Final = AccountIam(
    "meridian-sandbox",
    roles=(
        AUDIT_ROLE,
        RoleSpec(
            "experiment",
            policy(trust(aws(root("sandbox"))), trust(service("ec2"))),
            managed=(managed("PowerUserAccess"),),
            inline={"pass-anything": policy(allow("iam:PassRole"))},
            instance_profile=True,
            used=120,
        ),
        RoleSpec(
            "notebook",
            policy(trust(service("sagemaker"))),
            managed=(managed("AmazonSageMakerFullAccess"),),
            used=19,
        ),
        RoleSpec(
            "old-poc-admin",
            policy(trust(aws(role("dev", "payments-dev-deployer")))),
            managed=(managed("AdministratorAccess"),),
            description="Left from a proof of concept",
            created=700,
        ),
    ),
)
