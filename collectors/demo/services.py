"""The organisation's queues, topics, functions, secrets and tables."""

from __future__ import annotations

from typing import Final

from collectors.demo.company import HOME_REGION, MONITORING_VENDOR, PARTNER_BANK
from collectors.demo.documents import Document, Strings, allow, aws, deny, policy, role, root, service
from collectors.demo.specs import Function, Instance, Permission, Queue, Secret, Table, Tags, Topic

_CENTRAL: Final = "eu-central-1"
_GLOBAL: Final = "us-east-1"
_PAYMENTS: Final = {"team": "payments"}
_LEDGER: Final = {"team": "payments", "crown-jewel": "true", "data-class": "restricted"}


def _queue(account: str, name: str, *statements: Document, region: str = HOME_REGION, tags: Tags = _PAYMENTS) -> Queue:
    return Queue(account, region, name, tags, policy(*statements) if statements else None)


def _queue_arn(account: str, name: str, region: str = HOME_REGION) -> str:
    return f"arn:aws:sqs:{region}:@{account}@:{name}"


def _topic_arn(account: str, name: str, region: str = HOME_REGION) -> str:
    return f"arn:aws:sns:{region}:@{account}@:{name}"


QUEUES: Final = (
    _queue("prod", "payments-authorisations"),
    _queue(
        "prod",
        "payments-webhooks",
        allow(
            "sqs:SendMessage",
            _queue_arn("prod", "payments-webhooks"),
            to=service("sns"),
            when={"ArnEquals": {"aws:SourceArn": _topic_arn("prod", "payments-events")}},
        ),
    ),
    _queue(
        "prod",
        "payments-settlement-confirmations",
        allow(
            "sqs:SendMessage",
            _queue_arn("prod", "payments-settlement-confirmations"),
            to=aws(root(PARTNER_BANK)),
            sid="PartnerBank",
        ),
        deny(
            "sqs:*",
            _queue_arn("prod", "payments-settlement-confirmations"),
            to="*",
            sid="TlsOnly",
            when={"Bool": {"aws:SecureTransport": "false"}},
        ),
    ),
    _queue(
        "dev",
        "payments-dev-events",
        allow(
            ["sqs:SendMessage", "sqs:ReceiveMessage"],
            _queue_arn("dev", "payments-dev-events"),
            to="*",
            when={"IpAddress": {"aws:SourceIp": ["198.51.100.0/24", "2001:db8:4::/48"]}},
        ),
    ),
    _queue(
        "logs",
        "log-ingest",
        allow(
            "sqs:SendMessage",
            _queue_arn("logs", "log-ingest"),
            to=service("s3"),
            when={
                "ArnLike": {"aws:SourceArn": "arn:aws:s3:::meridian-org-logs"},
                "StringEquals": {"aws:SourceAccount": "@logs@"},
            },
        ),
        tags={"team": "security"},
    ),
    _queue("security", "finding-triage", tags={"team": "security"}),
)

TOPICS: Final = (
    Topic(
        "prod",
        HOME_REGION,
        "payments-events",
        _PAYMENTS,
        policy(
            allow(
                ["sns:Subscribe", "sns:GetTopicAttributes"],
                _topic_arn("prod", "payments-events"),
                to="*",
                sid="Organisation",
                when={"StringEquals": {"aws:PrincipalOrgID": "@org@"}},
            ),
            allow("sns:Publish", _topic_arn("prod", "payments-events"), to=aws(role("prod", "payments-settlement"))),
        ),
    ),
    Topic("prod", _GLOBAL, "payments-edge-alarms", {"team": "platform"}),
    Topic(
        "security",
        HOME_REGION,
        "security-findings",
        {"team": "security"},
        policy(
            allow(
                "sns:Publish",
                _topic_arn("security", "security-findings"),
                to=service("events"),
                when={"StringEquals": {"aws:SourceAccount": "@security@"}},
            )
        ),
    ),
    Topic(
        "dev",
        HOME_REGION,
        "payments-dev-notifications",
        _PAYMENTS,
        policy(allow("sns:Subscribe", _topic_arn("dev", "payments-dev-notifications"), to="*", sid="Anyone")),
    ),
    Topic(
        "management",
        _GLOBAL,
        "cost-alerts",
        {"team": "finance"},
        policy(allow("sns:Publish", _topic_arn("management", "cost-alerts", _GLOBAL), to=service("budgets"))),
    ),
)

FUNCTIONS: Final = (
    Function(
        "prod",
        HOME_REGION,
        "payments-api",
        _PAYMENTS,
        role="payments-api",
        permissions=(
            Permission(
                "gateway",
                "apigateway.amazonaws.com",
                f"arn:aws:execute-api:{HOME_REGION}:@prod@:a1b2c3d4e5/*/POST/payments",
            ),
        ),
    ),
    Function(
        "prod",
        HOME_REGION,
        "payments-settlement",
        _PAYMENTS,
        role="payments-settlement",
        permissions=(Permission("files", "s3.amazonaws.com", "arn:aws:s3:::meridian-settlement-prod", "@prod@"),),
    ),
    Function(
        "prod",
        HOME_REGION,
        "payments-webhooks",
        _PAYMENTS,
        role="payments-webhooks",
        permissions=(Permission("vendor", MONITORING_VENDOR),),
    ),
    Function("dev", HOME_REGION, "payments-api", _PAYMENTS, role="payments-dev-api"),
    Function(
        "dev",
        HOME_REGION,
        "payments-release-bot",
        _PAYMENTS,
        role="payments-dev-release-bot",
        permissions=(Permission("anyone-may-call", "*"),),
    ),
    Function("dev", _CENTRAL, "data-sampler", {"team": "data"}, role="data-sampler"),
    Function(
        "security",
        HOME_REGION,
        "guardduty-responder",
        {"team": "security"},
        role="guardduty-responder",
        permissions=(
            Permission(
                "findings", "events.amazonaws.com", f"arn:aws:events:{HOME_REGION}:@security@:rule/guardduty-findings"
            ),
        ),
    ),
    Function(
        "management",
        HOME_REGION,
        "identity-centre-provisioner",
        {"team": "platform"},
        role="identity-centre-provisioner",
    ),
)

INSTANCES: Final = (
    Instance("prod", HOME_REGION, "payments-bastion", {"team": "platform"}, profile="bastion"),
    Instance("dev", HOME_REGION, "build-runner-1", {"team": "platform"}, profile="dev-runner"),
    Instance("sandbox", HOME_REGION, "gpu-experiment", {"team": "platform"}, profile="experiment"),
)

_READ_SECRET: Final = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]

SECRETS: Final = (
    Secret(
        "prod",
        HOME_REGION,
        "payments/acquirer-api-key",
        _LEDGER | {"environment": "prod"},
        policy(
            deny(
                "secretsmanager:GetSecretValue",
                to="*",
                sid="OnlyTheServices",
                when={
                    "ArnNotLike": {
                        "aws:PrincipalArn": [role("prod", "payments-api"), role("prod", "break-glass")],
                    }
                },
            )
        ),
    ),
    Secret("prod", HOME_REGION, "payments/ledger-database", _PAYMENTS | {"environment": "prod"}),
    Secret("prod", HOME_REGION, "support/crm-token", {"team": "support", "environment": "prod"}),
    Secret(
        "prod",
        _CENTRAL,
        "analytics/warehouse",
        {"team": "data", "environment": "prod"},
        policy(allow(_READ_SECRET, to=aws(role("dev", "data-sampler")), sid="Development")),
    ),
    Secret("dev", HOME_REGION, "payments/acquirer-test-key", _PAYMENTS | {"environment": "dev"}),
    Secret(
        "security",
        HOME_REGION,
        "pipeline/signing-key",
        {"team": "platform", "crown-jewel": "true"},
        policy(
            allow(
                _READ_SECRET,
                to=aws(role("prod", "payments-prod-deploy")),
                when={"StringEquals": {"secretsmanager:VersionStage": "AWSCURRENT"}},
            )
        ),
    ),
)


def _on_table(account: str, region: str, name: str, actions: Strings, to: Document, when: Document) -> Document:
    return policy(allow(actions, f"arn:aws:dynamodb:{region}:@{account}@:table/{name}", to=to, when=when))


TABLES: Final = (
    Table("prod", HOME_REGION, "payments-ledger", _LEDGER),
    Table("prod", HOME_REGION, "payments-disputes", _PAYMENTS | {"data-class": "confidential"}),
    Table(
        "prod",
        _CENTRAL,
        "analytics-features",
        {"team": "data", "data-class": "internal"},
        _on_table(
            "prod",
            _CENTRAL,
            "analytics-features",
            ["dynamodb:GetItem", "dynamodb:Query"],
            aws(role("dev", "data-sampler")),
            when={"StringEquals": {"aws:SourceVpce": "vpce-0a1b2c3d4e5f60718"}},
        ),
    ),
    Table("dev", HOME_REGION, "payments-ledger", _PAYMENTS | {"data-class": "internal"}),
    Table("dev", _CENTRAL, "analytics-features", {"team": "data"}),
    Table("security", HOME_REGION, "finding-index", {"team": "security"}),
)
