"""The organisation's buckets and keys."""

from __future__ import annotations

from typing import Final

from collectors.demo.company import HOME_REGION, PARTNER_BANK, UNREADABLE_BUCKET
from collectors.demo.documents import Document, allow, aws, deny, policy, role, root, service
from collectors.demo.specs import Bucket, Key

_CENTRAL: Final = "eu-central-1"
_GLOBAL: Final = "us-east-1"
_CROWN_JEWEL: Final = {"crown-jewel": "true", "data-class": "restricted", "team": "payments"}


def _inside(bucket: str, prefix: str = "") -> str:
    return f"arn:aws:s3:::{bucket}/{prefix}*"


def _whole(bucket: str) -> list[str]:
    return [f"arn:aws:s3:::{bucket}", _inside(bucket)]


def _tls_only(bucket: str) -> Document:
    return deny("s3:*", _whole(bucket), to="*", sid="TlsOnly", when={"Bool": {"aws:SecureTransport": "false"}})


# Block Public Access for the whole account.
PRIVATE_ACCOUNTS: Final = ("security", "logs")

BUCKETS: Final = (
    Bucket(
        "prod",
        HOME_REGION,
        "meridian-card-data-prod",
        _CROWN_JEWEL,
        policy(
            _tls_only("meridian-card-data-prod"),
            deny(
                "s3:GetObject",
                _inside("meridian-card-data-prod", "pan/"),
                to="*",
                sid="PrimaryAccountNumbers",
                when={
                    "ArnNotLike": {
                        "aws:PrincipalArn": [role("prod", "payments-prod-data"), role("prod", "payments-settlement")]
                    }
                },
            ),
        ),
    ),
    Bucket(
        "prod",
        HOME_REGION,
        UNREADABLE_BUCKET,
        _CROWN_JEWEL | {"owner": "marcus.lindholm@meridian.example"},
        policy(
            deny(
                ["s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"],
                f"arn:aws:s3:::{UNREADABLE_BUCKET}",
                to="*",
                sid="OnlyBreakGlassSeesThisPolicy",
                when={"ArnNotEquals": {"aws:PrincipalArn": role("prod", "break-glass")}},
            ),
            allow("s3:GetObject", _inside(UNREADABLE_BUCKET), to=aws(role("prod", "dispute-case")), sid="Disputes"),
        ),
    ),
    Bucket(
        "prod",
        HOME_REGION,
        "meridian-settlement-prod",
        {"team": "payments", "data-class": "confidential"},
        policy(
            allow(
                ["s3:GetObject"],
                _inside("meridian-settlement-prod", "outgoing/"),
                to=aws(root(PARTNER_BANK)),
                sid="PartnerBank",
            ),
            deny("s3:GetObject", _inside("meridian-settlement-prod", "sealed/"), to="*", sid="Sealed"),
        ),
    ),
    Bucket(
        "prod",
        HOME_REGION,
        "meridian-home-folders",
        {"team": "data"},
        policy(
            allow(
                ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
                "arn:aws:s3:::meridian-home-folders/${aws:username}/*",
                to=aws(root("prod")),
                sid="OwnFolder",
            )
        ),
    ),
    Bucket(
        "prod",
        _CENTRAL,
        "meridian-analytics-prod",
        {"team": "data", "data-class": "internal"},
        policy(
            allow(
                ["s3:GetObject", "s3:ListBucket"],
                _whole("meridian-analytics-prod"),
                to=aws(role("dev", "data-sampler")),
                sid="Sampler",
                when={"StringEquals": {"aws:SourceVpce": "vpce-0a1b2c3d4e5f60718"}},
            ),
            _tls_only("meridian-analytics-prod"),
        ),
    ),
    Bucket(
        "prod",
        HOME_REGION,
        "meridian-downloads-prod",
        {"team": "platform", "data-class": "public"},
        policy(allow("s3:GetObject", _inside("meridian-downloads-prod"), to="*", sid="LooksPublic")),
        block_public_access=False,
    ),
    Bucket(
        "dev",
        _GLOBAL,
        "meridian-status-page",
        {"team": "support", "data-class": "public"},
        policy(allow("s3:GetObject", _inside("meridian-status-page"), to="*", sid="Website")),
        block_public_access=False,
    ),
    Bucket("dev", HOME_REGION, "meridian-payments-dev-artifacts", {"team": "payments"}),
    Bucket(
        "dev",
        HOME_REGION,
        "meridian-payments-dev-fixtures",
        {"team": "payments", "data-class": "internal"},
        policy(
            allow(
                "s3:ListBucket",
                "arn:aws:s3:::meridian-payments-dev-fixtures",
                to=aws(root("prod")),
                when={"StringLike": {"s3:prefix": ["shared/*"]}},
            )
        ),
    ),
    Bucket(
        "logs",
        HOME_REGION,
        "meridian-org-logs",
        {"team": "security", "data-class": "confidential", "crown-jewel": "true"},
        policy(
            allow(
                "s3:GetBucketAcl",
                "arn:aws:s3:::meridian-org-logs",
                to=service("cloudtrail"),
                sid="TrailAcl",
                when={"StringEquals": {"aws:SourceAccount": "@management@"}},
            ),
            allow(
                "s3:PutObject",
                _inside("meridian-org-logs", "AWSLogs/"),
                to=service("cloudtrail"),
                sid="TrailWrite",
                when={
                    "StringEquals": {"aws:SourceAccount": "@management@", "s3:x-amz-acl": "bucket-owner-full-control"},
                    "ArnLike": {"aws:SourceArn": "arn:aws:cloudtrail:*:@management@:trail/organisation"},
                },
            ),
            allow(
                "s3:PutObject",
                _inside("meridian-org-logs", "application/"),
                to="*",
                sid="OrganisationWrite",
                when={"StringEquals": {"aws:PrincipalOrgID": "@org@"}},
            ),
            deny(
                ["s3:DeleteObject", "s3:DeleteObjectVersion"], _inside("meridian-org-logs"), to="*", sid="KeepForever"
            ),
        ),
    ),
    Bucket(
        "logs",
        HOME_REGION,
        "meridian-access-logs",
        {"team": "security"},
        policy(
            allow(
                "s3:PutObject",
                _inside("meridian-access-logs"),
                to=service("logging.s3"),
                when={"StringEquals": {"aws:SourceAccount": ["@prod@", "@dev@"]}},
            )
        ),
    ),
    Bucket("security", HOME_REGION, "meridian-security-findings", {"team": "security", "data-class": "confidential"}),
    Bucket(
        "management",
        _GLOBAL,
        "meridian-cost-reports",
        {"team": "finance"},
        policy(
            allow(
                "s3:PutObject",
                _inside("meridian-cost-reports"),
                to=service("billingreports"),
                when={"StringEquals": {"aws:SourceAccount": "@management@"}},
            )
        ),
    ),
    Bucket("sandbox", HOME_REGION, "meridian-sandbox-scratch", {"team": "platform"}, block_public_access=False),
)

_ADMINISTER: Final = ["kms:Create*", "kms:Describe*", "kms:Get*", "kms:List*", "kms:Put*", "kms:ScheduleKeyDeletion"]
_USE: Final = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]
_WHOLE_ACCOUNT: Final = allow("kms:*", to=aws(root("self")), sid="Enable IAM User Permissions")

KEYS: Final = (
    Key(
        "prod",
        HOME_REGION,
        "card-data",
        _CROWN_JEWEL,
        policy(
            allow(_ADMINISTER, to=aws(role("prod", "break-glass")), sid="Administrators"),
            allow(
                _USE,
                to=aws(role("prod", "payments-prod-data"), role("prod", "payments-settlement")),
                sid="NamedUsersOnly",
                when={"StringEquals": {"kms:ViaService": f"s3.{HOME_REGION}.amazonaws.com"}},
            ),
        ),
        grants=((role("prod", "payments-api"), ("Encrypt", "GenerateDataKey")),),
    ),
    Key(
        "prod",
        HOME_REGION,
        "settlement",
        {"team": "payments"},
        policy(
            _WHOLE_ACCOUNT,
            allow(["kms:Decrypt", "kms:DescribeKey"], to=aws(root(PARTNER_BANK)), sid="PartnerBank"),
        ),
    ),
    Key(
        "prod",
        HOME_REGION,
        "ledger",
        {"team": "payments"},
        grants=((role("prod", "payments-settlement"), ("Decrypt",)),),
    ),
    Key(
        "prod",
        _CENTRAL,
        "analytics",
        {"team": "data"},
        policy(
            _WHOLE_ACCOUNT,
            allow(
                _USE,
                to=aws(role("dev", "data-sampler")),
                sid="Sampler",
                when={"StringEquals": {"kms:EncryptionContext:purpose": "sampling"}},
            ),
        ),
    ),
    Key("dev", HOME_REGION, "payments-dev", {"team": "payments"}),
    Key("security", HOME_REGION, "pipeline", {"team": "platform"}),
    Key(
        "logs",
        HOME_REGION,
        "org-logs",
        {"team": "security"},
        policy(
            _WHOLE_ACCOUNT,
            allow(
                "kms:GenerateDataKey*",
                to=service("cloudtrail"),
                sid="Trail",
                when={
                    "StringLike": {
                        "kms:EncryptionContext:aws:cloudtrail:arn": "arn:aws:cloudtrail:*:@management@:trail/*"
                    }
                },
            ),
            allow("kms:GenerateDataKey", to="*", sid="Writers", when={"StringEquals": {"aws:PrincipalOrgID": "@org@"}}),
        ),
    ),
)
