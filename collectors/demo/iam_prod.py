"""IAM of the production account."""

from __future__ import annotations

from typing import Final

from collectors.demo.company import HOME_REGION, MONITORING_VENDOR, PARTNER_BANK, PAYROLL_VENDOR
from collectors.demo.documents import allow, allow_all_but, aws, deny, managed, own, policy, role, root, service, trust
from collectors.demo.iam_core import AUDIT_ROLE
from collectors.demo.specs import AccountIam, GroupSpec, PolicySpec, RoleSpec, UserSpec

GITHUB: Final = "token.actions.githubusercontent.com"
GITHUB_PROVIDER: Final = {"Federated": f"arn:aws:iam::@self@:oidc-provider/{GITHUB}"}

_CARD_DATA: Final = ["arn:aws:s3:::meridian-card-data-prod", "arn:aws:s3:::meridian-card-data-prod/*"]
_LOGGING: Final = managed("service-role/AWSLambdaBasicExecutionRole")

# In production and in development: attached to the PaymentsDeveloper permission set by name.
DEVELOPER_GUARDRAIL: Final = PolicySpec(
    "PaymentsDeveloperGuardrail",
    policy(
        deny(["iam:*", "organizations:*", "kms:ScheduleKeyDeletion"], sid="NoIdentities"),
        deny(
            ["s3:DeleteObject", "s3:PutBucketPolicy"],
            "*",
            sid="NoDeletionByRemoteHand",
            when={"NotIpAddress": {"aws:SourceIp": ["198.51.100.0/24"]}},
        ),
    ),
    "What no payments developer does, whatever else is granted",
)

PRODUCTION: Final = AccountIam(
    "meridian-payments-prod",
    oidc=(f"https://{GITHUB}",),
    service_linked=("ecs", "config"),
    policies=(
        DEVELOPER_GUARDRAIL,
        PolicySpec(
            "CardDataRead",
            policy(
                allow(["s3:GetObject", "s3:ListBucket"], _CARD_DATA, sid="Objects"),
                allow(
                    "kms:Decrypt",
                    f"arn:aws:kms:{HOME_REGION}:@prod@:key/*",
                    sid="ThroughS3",
                    when={"StringEquals": {"kms:ViaService": f"s3.{HOME_REGION}.amazonaws.com"}},
                ),
            ),
            "Card data, for settlement and disputes",
            tags={"data-class": "restricted"},
        ),
        PolicySpec(
            "DeployPayments",
            policy(
                allow(
                    ["lambda:Update*", "lambda:Publish*", "lambda:GetFunctionConfiguration"],
                    "arn:aws:lambda:*:@prod@:function:payments-*",
                ),
                allow(
                    "iam:PassRole",
                    [role("prod", "payments-*")],
                    when={"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},
                ),
                allow("sts:AssumeRole", role("prod", "payments-prod-data"), sid="DataMigrations"),
                allow(
                    ["cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet", "cloudformation:Describe*"]
                ),
            ),
            "Releases of the payment services",
        ),
        PolicySpec(
            "WorkloadBoundary",
            policy(
                allow_all_but(["iam:*", "organizations:*", "account:*", "sso:*"], on="*", sid="NoIdentities"),
                deny(["s3:*"], _CARD_DATA, sid="NoCardData"),
            ),
            "The most that a workload role created by a team may do",
        ),
        PolicySpec(
            "UnusedPartnerFeed",
            policy(allow("s3:GetObject", "arn:aws:s3:::meridian-partner-feed/*")),
            "Attached to nobody",
        ),
    ),
    groups=(
        GroupSpec("legacy-batch", managed=(managed("AmazonSQSReadOnlyAccess"),)),
        GroupSpec(
            "home-folders",
            inline={
                "own-prefix": policy(
                    allow(
                        "s3:ListBucket",
                        "arn:aws:s3:::meridian-home-folders",
                        when={"StringLike": {"s3:prefix": ["${aws:username}/*"]}},
                    ),
                    allow(["s3:GetObject", "s3:PutObject"], "arn:aws:s3:::meridian-home-folders/${aws:username}/*"),
                )
            },
        ),
    ),
    users=(
        UserSpec(
            "settlement-batch",
            groups=("legacy-batch",),
            managed=(own("CardDataRead"),),
            inline={"queue": policy(allow("sqs:*", f"arn:aws:sqs:{HOME_REGION}:@prod@:payments-*"))},
            boundary=own("WorkloadBoundary"),
            tags={"team": "payments", "workload": "settlement"},
            path="/service/",
            key=True,
            key_created=504,
            key_used=0,
            created=900,
        ),
        UserSpec(
            "samuel.okafor",
            groups=("home-folders",),
            tags={"email": "samuel.okafor@meridian.example", "team": "data"},
            password=True,
            password_used=41,
            mfa=True,
            key=True,
            key_created=97,
            key_used=95,
            created=450,
        ),
    ),
    roles=(
        AUDIT_ROLE,
        RoleSpec(
            "payments-prod-deploy",
            policy(trust(aws(role("security", "shared-tooling")), sid="Pipeline")),
            managed=(own("DeployPayments"),),
            tags={"team": "platform"},
            description="Releases, assumed by the shared pipeline",
            used=1,
        ),
        RoleSpec(
            "payments-prod-data",
            policy(trust(aws(role("prod", "payments-prod-deploy"), role("prod", "dispute-case")))),
            managed=(own("CardDataRead"),),
            inline={
                "ledger": policy(
                    allow(
                        ["dynamodb:Query", "dynamodb:Scan"], f"arn:aws:dynamodb:{HOME_REGION}:@prod@:table/payments-*"
                    )
                )
            },
            tags={"team": "payments", "data-class": "restricted"},
            description="Migrations of card data",
            used=1,
        ),
        RoleSpec(
            "github-deploy",
            policy(
                trust(
                    GITHUB_PROVIDER,
                    action="sts:AssumeRoleWithWebIdentity",
                    when={
                        "StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"},
                        "StringLike": {f"{GITHUB}:sub": "repo:meridian-pay/payments:ref:refs/heads/main"},
                    },
                )
            ),
            managed=(own("DeployPayments"),),
            tags={"team": "payments"},
            used=0,
        ),
        RoleSpec(
            "release-approver",
            policy(trust(aws(root("prod")), when={"StringEquals": {"aws:PrincipalTag/team": "payments"}})),
            inline={"approve": policy(allow("sts:AssumeRole", role("security", "shared-tooling")))},
            used=5,
        ),
        RoleSpec(
            "skylight-metrics",
            policy(trust(aws(root(MONITORING_VENDOR)))),
            managed=(managed("ReadOnlyAccess"),),
            tags={"vendor": "skylight-metrics"},
            description="Monitoring vendor",
            used=0,
        ),
        RoleSpec(
            "ledgerline-reconciliation",
            policy(
                trust(
                    aws(role(PAYROLL_VENDOR, "meridian-reconciliation")),
                    when={
                        "StringEquals": {"sts:ExternalId": "meridian-2c9d"},
                        "IpAddress": {"aws:SourceIp": ["192.0.2.0/24"]},
                    },
                )
            ),
            inline={
                "read": policy(
                    allow(
                        ["s3:GetObject", "s3:ListBucket"],
                        ["arn:aws:s3:::meridian-settlement-prod", "arn:aws:s3:::meridian-settlement-prod/reports/*"],
                    )
                )
            },
            tags={"vendor": "ledgerline"},
            used=11,
        ),
        RoleSpec(
            "on-call",
            policy(
                trust(
                    aws(root("prod")),
                    when={
                        "ArnLike": {
                            "aws:PrincipalArn": role("prod", "aws-reserved/sso.amazonaws.com/*/AWSReservedSSO_OnCall_*")
                        }
                    },
                )
            ),
            managed=(managed("job-function/SupportUser"),),
            inline={"escalate": policy(allow("sts:AssumeRole", role("prod", "break-glass")))},
            used=17,
        ),
        RoleSpec(
            "break-glass",
            policy(trust(aws(role("prod", "on-call"))), trust(aws("arn:aws:iam::@management@:user/break-glass"))),
            managed=(managed("AdministratorAccess"),),
            tags={"tier": "0"},
            used=212,
        ),
        RoleSpec(
            "payments-api",
            policy(trust(service("lambda"))),
            managed=(_LOGGING, managed("AWSXRayDaemonWriteAccess")),
            inline={
                "serve": policy(
                    allow(
                        ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"],
                        f"arn:aws:dynamodb:{HOME_REGION}:@prod@:table/payments-ledger",
                    ),
                    allow("sqs:SendMessage", f"arn:aws:sqs:{HOME_REGION}:@prod@:payments-authorisations"),
                    allow(
                        "secretsmanager:GetSecretValue",
                        f"arn:aws:secretsmanager:{HOME_REGION}:@prod@:secret:payments/*",
                    ),
                    allow("s3:PutObject", "arn:aws:s3:::meridian-card-data-prod/incoming/*"),
                )
            },
            boundary=own("WorkloadBoundary"),
            tags={"team": "payments"},
            used=0,
        ),
        RoleSpec(
            "payments-settlement",
            policy(trust(service("lambda"))),
            managed=(_LOGGING, own("CardDataRead")),
            inline={
                "files": policy(
                    allow(["s3:GetObject", "s3:PutObject"], "arn:aws:s3:::meridian-settlement-prod/*"),
                    allow("sns:Publish"),
                )
            },
            tags={"team": "payments"},
            used=0,
        ),
        RoleSpec(
            "payments-webhooks",
            policy(trust(service("lambda"))),
            managed=(_LOGGING,),
            inline={"receive": policy(allow("sqs:SendMessage", f"arn:aws:sqs:{HOME_REGION}:@prod@:payments-webhooks"))},
            boundary=own("WorkloadBoundary"),
            tags={"team": "payments"},
            used=0,
        ),
        RoleSpec(
            "bastion",
            policy(trust(service("ec2"))),
            managed=(managed("AmazonSSMManagedInstanceCore"),),
            inline={"reach-data": policy(allow("sts:AssumeRole", role("prod", "dispute-case")))},
            instance_profile=True,
            tags={"team": "platform"},
            used=4,
        ),
        RoleSpec(
            "dispute-case",
            policy(
                trust(aws(role("prod", "bastion")), when={"StringEquals": {"sts:ExternalId": "dispute-desk"}}),
                trust(aws(root("prod")), when={"StringEquals": {"aws:PrincipalTag/team": "disputes"}}),
            ),
            inline={"data": policy(allow("sts:AssumeRole", role("prod", "payments-prod-data")))},
            used=26,
        ),
        RoleSpec(
            "team-role-factory",
            policy(trust(aws(role("security", "shared-tooling")))),
            inline={
                "create-bounded": policy(
                    allow(
                        ["iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy"],
                        "arn:aws:iam::@prod@:role/payments-*",
                        when={"StringEquals": {"iam:PermissionsBoundary": own("WorkloadBoundary")}},
                    )
                )
            },
            used=55,
        ),
        RoleSpec(
            "northgate-settlement",
            policy(trust(aws(root(PARTNER_BANK)), when={"StringEquals": {"sts:ExternalId": "northgate-settlement"}})),
            inline={"read": policy(allow("s3:GetObject", "arn:aws:s3:::meridian-settlement-prod/outgoing/*"))},
            description="Blocked by the organisation's perimeter, which lets the bank at data but not at roles",
            tags={"vendor": "northgate"},
        ),
        RoleSpec(
            "reporting-export",
            policy(trust(service("glue")), trust(service("states"))),
            managed=(managed("service-role/AWSGlueServiceRole"),),
            inline={
                "all-but-secrets": policy(
                    allow_all_but(
                        resource=["arn:aws:s3:::meridian-card-data-prod", "arn:aws:s3:::meridian-card-data-prod/*"],
                        doing=["s3:GetObject", "s3:ListBucket"],
                        sid="NotResource",
                    )
                )
            },
            tags={"team": "data"},
            used=1,
        ),
    ),
)
