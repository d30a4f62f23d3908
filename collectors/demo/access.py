"""Identity Center: the permission sets and who has them where."""

from __future__ import annotations

from typing import Final

from collectors.demo.company import ACCOUNTS, DOMAIN, LEAVER
from collectors.demo.documents import allow, deny, managed, policy, role
from collectors.demo.specs import PermissionSetSpec

PERMISSION_SETS: Final = (
    PermissionSetSpec(
        "AdministratorAccess", "Full access", (managed("AdministratorAccess"),), duration="PT4H", tags={"tier": "0"}
    ),
    PermissionSetSpec(
        "PowerUserAccess", "Everything but identities", (managed("PowerUserAccess"),), tags={"tier": "1"}
    ),
    PermissionSetSpec("ReadOnlyAccess", "Reads everything, data included", (managed("ReadOnlyAccess"),)),
    PermissionSetSpec(
        "OnCall",
        "Looks at production, and may raise an emergency",
        (managed("job-function/ViewOnlyAccess"),),
        policy(allow("sts:AssumeRole", role("prod", "on-call"), sid="Emergency")),
        duration="PT12H",
    ),
    PermissionSetSpec("ViewOnlyAccess", "Lists and describes, no data", (managed("job-function/ViewOnlyAccess"),)),
    PermissionSetSpec("SecurityAudit", "Reads configuration", (managed("SecurityAudit"),), tags={"tier": "1"}),
    PermissionSetSpec(
        "PaymentsDeveloper",
        "Builds and runs the payment services",
        (managed("CloudWatchLogsReadOnlyAccess"),),
        policy(
            allow(
                ["lambda:Get*", "lambda:InvokeFunction", "lambda:List*", "lambda:UpdateFunctionCode"],
                "arn:aws:lambda:*:*:function:payments-*",
                sid="OwnFunctions",
            ),
            allow(
                ["sqs:*", "sns:Publish"], ["arn:aws:sqs:*:*:payments-*", "arn:aws:sns:*:*:payments-*"], sid="OwnQueues"
            ),
            allow(
                ["s3:GetObject", "s3:PutObject", "s3:ListBucket"],
                ["arn:aws:s3:::meridian-payments-dev-*", "arn:aws:s3:::meridian-payments-dev-*/*"],
                sid="DevelopmentBuckets",
            ),
            allow(
                "sts:AssumeRole", [role("dev", "payments-dev-deployer"), role("prod", "release-approver")], sid="Deploy"
            ),
            allow(
                "secretsmanager:GetSecretValue",
                "*",
                sid="SecretsOfOwnTeam",
                when={"StringEquals": {"aws:ResourceTag/team": "payments", "aws:ResourceTag/environment": "dev"}},
            ),
        ),
        customer_managed=("PaymentsDeveloperGuardrail",),
        tags={"team": "payments"},
    ),
    PermissionSetSpec(
        "DataAnalyst",
        "Queries the data that the analyst's team may see",
        (managed("AmazonAthenaFullAccess"),),
        policy(
            allow(
                ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan"],
                "*",
                sid="TablesOfOwnTeam",
                when={"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}},
            ),
            allow(
                "s3:ListBucket", "arn:aws:s3:::meridian-analytics-*", when={"StringLike": {"s3:prefix": ["curated/*"]}}
            ),
            allow("s3:GetObject", "arn:aws:s3:::meridian-analytics-*/curated/*"),
            deny(
                ["dynamodb:*", "s3:GetObject"],
                "*",
                sid="NeverRestricted",
                when={"StringEquals": {"aws:ResourceTag/data-class": "restricted"}},
            ),
        ),
        boundary=managed("PowerUserAccess"),
        tags={"team": "data"},
    ),
    PermissionSetSpec("BillingView", "Bills and budgets", (managed("AWSBillingReadOnlyAccess"),), duration="PT12H"),
    PermissionSetSpec(
        "SupportTier1",
        "Looks up a customer's payment",
        (managed("AWSSupportAccess"),),
        policy(
            allow(
                ["dynamodb:GetItem", "dynamodb:Query"],
                [
                    "arn:aws:dynamodb:eu-west-1:@prod@:table/payments-ledger",
                    "arn:aws:dynamodb:eu-west-1:@prod@:table/payments-ledger/index/*",
                ],
                sid="Ledger",
                when={"ForAllValues:StringEquals": {"dynamodb:Attributes": ["payment_id", "status", "created_at"]}},
            ),
            allow(
                "secretsmanager:GetSecretValue",
                "arn:aws:secretsmanager:eu-west-1:@prod@:secret:support/crm-token-*",
                when={"IpAddress": {"aws:SourceIp": ["203.0.113.0/24"]}},
            ),
        ),
        duration="PT12H",
    ),
    PermissionSetSpec(
        "BreakGlass", "For emergencies; every use is reviewed", (managed("AdministratorAccess"),), duration="PT1H"
    ),
    PermissionSetSpec("LegacyMigration", "Kept since the migration of 2023", (managed("AmazonS3FullAccess"),)),
)

_EVERYWHERE: Final = tuple(ACCOUNTS)

# (group, permission set, accounts)
GROUP_ASSIGNMENTS: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    ("platform-engineers", "AdministratorAccess", ("dev", "sandbox")),
    ("platform-engineers", "PowerUserAccess", ("prod", "logs")),
    ("payments-developers", "PaymentsDeveloper", ("dev",)),
    ("payments-developers", "PowerUserAccess", ("sandbox",)),
    ("payments-developers", "ViewOnlyAccess", ("prod",)),
    ("payments-release-managers", "PaymentsDeveloper", ("prod",)),
    ("data-analysts", "DataAnalyst", ("prod", "dev")),
    ("security-engineers", "SecurityAudit", _EVERYWHERE),
    ("security-engineers", "AdministratorAccess", ("security",)),
    ("auditors", "SecurityAudit", _EVERYWHERE),
    ("auditors", "ReadOnlyAccess", ("logs",)),
    ("finance", "BillingView", ("management",)),
    ("support", "SupportTier1", ("prod",)),
    ("on-call", "OnCall", ("prod",)),
    ("migration-2023", "PowerUserAccess", ("dev",)),
)

# (user name, permission set, account): given to a person beside the groups
USER_ASSIGNMENTS: Final[tuple[tuple[str, str, str], ...]] = (
    (f"priya.raman@{DOMAIN}", "AdministratorAccess", "management"),
    (f"priya.raman@{DOMAIN}", "BreakGlass", "prod"),
    (f"marcus.lindholm@{DOMAIN}", "BreakGlass", "management"),
    (f"katarina.berg@{DOMAIN}", "ReadOnlyAccess", "prod"),
    (f"hannah.fischer@{DOMAIN}", "PaymentsDeveloper", "dev"),  # she has it through payments-developers too
    (f"igor.petrenko@{DOMAIN}", "PowerUserAccess", "dev"),  # a contractor, outside every group
)
# Session tag: the directory attribute it is taken from.
SESSION_TAGS: Final = {"team": "${path:enterprise.department}", "email": "${path:emails[primary eq true].value}"}
ORPHAN_ASSIGNMENT: Final = (LEAVER.user_name, "PowerUserAccess", "prod")
