"""The policy documents of a made-up organisation, by what they are attached to."""

from __future__ import annotations

import json
import random
from typing import Any

from bench.world_plan import AccountPlan, Plan, ResourcePlan, skewed

Document = dict[str, Any]
ORGANIZATION = "o-grantmap01"
NOT_HOME = {"StringNotEquals": {"aws:RequestedRegion": ["eu-central-1", "eu-west-1", "us-east-1"]}}
#: What no region-deny can leave out: services whose requests go to us-east-1 wherever the caller is.
#: Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_examples_general.html
EVERYWHERE = ["iam:*", "organizations:*", "sts:*", "route53:*", "cloudfront:*", "support:*", "budgets:*", "health:*"]

#: AWS managed policies from the most to the least used.
MANAGED = (
    "ReadOnlyAccess",
    "service-role/AWSLambdaBasicExecutionRole",
    "AmazonSSMManagedInstanceCore",
    "AdministratorAccess",
    "AmazonS3ReadOnlyAccess",
    "CloudWatchAgentServerPolicy",
    "AmazonSQSFullAccess",
    "AmazonDynamoDBReadOnlyAccess",
    "service-role/AWSLambdaVPCAccessExecutionRole",
    "PowerUserAccess",
    "AmazonS3FullAccess",
    "AWSLambda_FullAccess",
    "SecretsManagerReadWrite",
    "SecurityAudit",
    "AmazonSNSFullAccess",
    "job-function/ViewOnlyAccess",
    "AmazonDynamoDBFullAccess",
    "service-role/AWSLambdaSQSQueueExecutionRole",
    "CloudWatchReadOnlyAccess",
    "IAMReadOnlyAccess",
    "IAMUserChangePassword",
    "AWSXRayDaemonWriteAccess",
    "AWSKeyManagementServicePowerUser",
    "AmazonEC2ReadOnlyAccess",
    "job-function/SupportUser",
    "job-function/DataScientist",
    "AWSCodeBuildDeveloperAccess",
    "AWSStepFunctionsFullAccess",
    "job-function/NetworkAdministrator",
    "job-function/DatabaseAdministrator",
    "AmazonAthenaFullAccess",
    "job-function/Billing",
)

ACTIONS = {
    "bucket": ["s3:GetObject", "s3:PutObject", "s3:ListBucket"],
    "queue": ["sqs:SendMessage", "sqs:ReceiveMessage"],
    "topic": ["sns:Publish", "sns:Subscribe"],
    "function": ["lambda:InvokeFunction"],
    "secret": ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
    "table": ["dynamodb:GetItem", "dynamodb:Query"],
    "key": ["kms:Decrypt", "kms:GenerateDataKey*", "kms:DescribeKey"],
}


def document(*statements: dict[str, Any]) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def text(document: Document) -> str:
    return json.dumps(document, separators=(",", ":"))


# -- the organisation's


def control_policies() -> dict[str, tuple[str, str, Document]]:
    """Name: (type, level of the organisation where it is attached, document)."""
    region = {"Effect": "Deny", "NotAction": EVERYWHERE, "Resource": "*", "Condition": NOT_HOME}
    narrow = {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1"]}, "ArnNotLike": {"aws:PrincipalARN": _EXEMPT}}
    no_key = deny(["iam:CreateUser", "iam:CreateAccessKey"], Condition={"ArnNotLike": {"aws:PrincipalARN": _EXEMPT}})
    trail = deny(["cloudtrail:StopLogging", "cloudtrail:DeleteTrail", "config:Delete*", "guardduty:Delete*"])
    tagged = deny("secretsmanager:*", Condition={"StringEquals": {"aws:ResourceTag/classification": "secret"}})
    outside = {
        "StringNotEqualsIfExists": {"aws:PrincipalOrgID": ORGANIZATION},
        "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
    }
    insecure = {"BoolIfExists": {"aws:SecureTransport": "false"}}
    perimeter = ["s3:*", "sqs:*", "kms:*", "secretsmanager:*", "sts:AssumeRole"]
    return {
        "leave": ("SERVICE_CONTROL_POLICY", "root", document(deny("organizations:LeaveOrganization"), trail)),
        "regions": ("SERVICE_CONTROL_POLICY", "1", document(region)),
        "eu-west-1": ("SERVICE_CONTROL_POLICY", "3", document({**region, "Condition": narrow})),
        "no-users": ("SERVICE_CONTROL_POLICY", "2", document(no_key)),
        "only": ("SERVICE_CONTROL_POLICY", "account", document(tagged, deny("s3:DeleteBucket"))),
        "perimeter": ("RESOURCE_CONTROL_POLICY", "root", document(deny(perimeter, Principal="*", Condition=outside))),
        "tls": ("RESOURCE_CONTROL_POLICY", "2", document(deny("s3:*", Principal="*", Condition=insecure))),
    }


_EXEMPT = ["arn:aws:iam::*:role/deploy", "arn:aws:iam::*:role/aws-reserved/sso.amazonaws.com/*AdministratorAccess*"]


# -- identity policies


def customer_managed(chance: random.Random, plan: AccountPlan) -> dict[str, Document]:
    """The account's own managed policies by name, the most used first; ``guard`` and ``boundary`` among them."""
    found = {"guard": document(deny(["iam:*User*", "kms:ScheduleKeyDeletion"]), deny("s3:*", "arn:aws:s3:::*-audit*"))}
    for app in plan.apps:
        found[f"{app}-use"] = document(
            allow(
                ["s3:GetObject", "s3:PutObject", "s3:ListBucket"], [f"arn:aws:s3:::{app}-*", f"arn:aws:s3:::{app}-*/*"]
            ),
            allow("sqs:*Message*", f"arn:aws:sqs:*:{plan.id}:{app}-*"),
            allow(["dynamodb:*Item", "dynamodb:Query"], f"arn:aws:dynamodb:*:{plan.id}:table/{app}-*"),
        )
        found[f"{app}-operate"] = document(
            allow(
                ["lambda:*", "sns:*"],
                [f"arn:aws:lambda:*:{plan.id}:function:{app}-*", f"arn:aws:sns:*:{plan.id}:{app}-*"],
            ),
            allow("secretsmanager:Get*", f"arn:aws:secretsmanager:*:{plan.id}:secret:{app}/*"),
        )
    app, region = plan.apps[-1], chance.choice(("eu-west-1", "eu-central-1"))
    found["power"] = document(
        {
            "Effect": "Allow",
            "NotAction": ["iam:*", "organizations:*", "account:*", "sts:*"],
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:RequestedRegion": [region, "us-east-1"]}},
        }
    )
    found["not-logs"] = document(
        {
            "Effect": "Allow",
            "Action": "s3:Get*",
            "NotResource": [f"arn:aws:s3:::{app}-logs-*", "arn:aws:s3:::*/private/*"],
        },
        {"Effect": "Deny", "Action": "s3:Delete*", "NotResource": f"arn:aws:s3:::{app}-exports-*/*"},
    )
    found["network"] = document(
        allow("secretsmanager:GetSecretValue", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
        allow(
            "kms:Decrypt", f"arn:aws:kms:*:{plan.id}:key/*", Condition={"StringEquals": {"aws:SourceVpce": "vpce-1"}}
        ),
        deny("iam:*", Condition={"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}),
    )
    found["boundary"] = document(
        allow(["s3:*", "sqs:*", "sns:*", "dynamodb:*", "lambda:*", "kms:*", "secretsmanager:*", "logs:*", "sts:*"]),
        deny(["s3:PutBucketPolicy", "kms:PutKeyPolicy"], f"arn:aws:*:*:{plan.id}:*"),
    )
    return found


def inline(chance: random.Random, plan: AccountPlan) -> Document:
    """What was written for one principal: a few resources by name or by prefix."""
    statements = []
    for _ in range(chance.randrange(1, 4)):
        thing = chance.choice(plan.resources)
        kind = thing.kind if thing.kind in ACTIONS else "bucket"
        arn = thing.arn if thing.kind in ACTIONS else f"arn:aws:s3:::{thing.app}-*"
        if kind == "bucket":
            path = chance.choice(("/*", "/in/*", f"/{thing.app}/*", "/exports/2*/*"))
            statements.append(allow(ACTIONS[kind], [arn, arn + path]))
        elif chance.random() < 0.3 and kind not in ("key", "secret"):
            statements.append(allow(ACTIONS[kind], f"{arn.rpartition('-')[0]}-*"))
        else:
            statements.append(allow(ACTIONS[kind], arn))
    return document(*statements)


def conditioned(chance: random.Random, plan: AccountPlan, *, user: bool) -> Document:
    """What depends on the principal's tags or name, or on what a request brings."""
    app = chance.choice(plan.apps)
    own = "${aws:username}" if user and chance.random() < 0.5 else "${aws:PrincipalTag/project}"
    same_team = {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}
    return chance.choice(
        (
            document(allow(["s3:GetObject", "s3:PutObject"], f"arn:aws:s3:::{app}-home-*/{own}/*")),
            document(allow(["sqs:*", "sns:Publish", "secretsmanager:GetSecretValue"], Condition=same_team)),
            document(allow("dynamodb:*", f"arn:aws:dynamodb:*:{plan.id}:table/{own}-*")),
            document(
                allow(
                    ["lambda:Invoke*", "dynamodb:Get*"], Condition={"StringEquals": {"aws:ResourceTag/env": plan.env}}
                ),
                deny("lambda:*", Condition={"StringNotEquals": {"aws:PrincipalTag/clearance": ["high", "middle"]}}),
            ),
            document(
                allow(
                    "kms:Decrypt", Condition={"StringEquals": {"kms:EncryptionContext:app": "${aws:PrincipalTag/team}"}}
                ),
                allow(
                    "s3:*",
                    f"arn:aws:s3:::{app}-*",
                    Condition={"StringLike": {"s3:prefix": ["${aws:PrincipalTag/team}/*"]}},
                ),
            ),
        )
    )


def assume(*roles: str) -> Document:
    return document(allow("sts:AssumeRole", list(roles)))


def permission_set(number: int) -> tuple[str, list[str], Document | None, bool, bool]:
    """(name, AWS managed policies, inline policy, whether it refers to the accounts' ``guard``, to their boundary)."""
    if number < 4:
        name = ("ReadOnlyAccess", "AdministratorAccess", "PowerUserAccess", "SecurityAudit")[number]
        return name, [name], None, number == 2, False
    chance = random.Random(number)
    team = "${aws:PrincipalTag/team}"
    own = document(
        allow(["s3:Get*", "s3:List*"], [f"arn:aws:s3:::*-data-{number}*", f"arn:aws:s3:::*-data-*/{team}/*"]),
        allow("lambda:InvokeFunction", Condition={"StringEquals": {"aws:ResourceTag/team": team}}),
        allow("sts:AssumeRole", "arn:aws:iam::*:role/chain/*"),
    )
    return f"Set{number}", skewed(chance, MANAGED[3:], chance.randrange(1, 4)), own, number % 3 == 0, number % 5 == 0


# -- trust policies


def trust(principal: Any, action: Any = "sts:AssumeRole", **condition: Any) -> Document:
    more = {"Condition": condition} if condition else {}
    return document({"Effect": "Allow", "Principal": principal, "Action": action, **more})


#: Of whom a policy for everybody is for the organisation alone.
OF_THE_ORGANISATION = {"StringEquals": {"aws:PrincipalOrgID": ORGANIZATION}}


def workload_trust(chance: random.Random, plan: Plan, account: AccountPlan, service: str) -> Document:
    """Who becomes a workload's role: its service, or somebody of this or another account."""
    if service:
        return trust({"Service": f"{service}.amazonaws.com"})
    root, other = f"arn:aws:iam::{account.id}:root", plan.other(chance, account.index)
    user = f"arn:aws:iam::{account.id}:user/{chance.choice(account.users)}"
    role = f"arn:aws:iam::{account.id}:role/deploy"
    github = f"arn:aws:iam::{account.id}:oidc-provider/token.actions.githubusercontent.com"
    repository = {"token.actions.githubusercontent.com:sub": f"repo:example/{account.apps[0]}:*"}
    return chance.choice(
        (
            trust({"AWS": root}),
            trust({"AWS": root}, StringEquals={"aws:PrincipalTag/team": account.team}),
            trust({"AWS": root}, Bool={"aws:MultiFactorAuthPresent": "true"}),
            trust({"AWS": [user, role]}),
            trust({"AWS": f"arn:aws:iam::{other}:role/deploy"}),
            trust({"AWS": f"arn:aws:iam::{other}:root"}, StringEquals={"sts:ExternalId": f"x-{account.index}"}),
            trust({"AWS": plan.hop(chance.randrange(plan.hops))}),
            trust("*", ["sts:AssumeRole"], StringEquals={"aws:PrincipalOrgID": "o-other"}),
            trust({"Federated": github}, "sts:AssumeRoleWithWebIdentity", StringLike=repository),
        )
    )


# -- resource policies


def resource_policy(chance: random.Random, plan: Plan, account: AccountPlan, thing: ResourcePlan) -> Document | None:
    """A resource's own policy; ``None``: none. A key always has one."""
    statements = []
    if thing.open:
        arns = [thing.arn, f"{thing.arn}/*"]
        return document(allow(["s3:GetObject", "s3:ListBucket"], arns, Principal="*", Condition=OF_THE_ORGANISATION))
    if thing.kind == "key":
        statements.append(allow("kms:*", Principal={"AWS": f"arn:aws:iam::{account.id}:root"}))
    if thing.named:
        statements.append(_naming(chance, plan, account, thing))
    services = {"queue": ("sns", 0.15), "function": ("events", 0.25), "topic": ("s3", 0.10)}
    service, share = services.get(thing.kind, ("", 0.0))
    if chance.random() < share:
        source = {"StringEquals": {"aws:SourceAccount": account.id}}
        who = {"Service": f"{service}.amazonaws.com"}
        statements.append(allow(ACTIONS[thing.kind][:1], thing.arn, Principal=who, Condition=source))
    if thing.kind == "bucket" and chance.random() < 0.2:
        plain = {"Bool": {"aws:SecureTransport": "false"}}
        statements.append(deny("s3:*", [thing.arn, f"{thing.arn}/*"], Principal="*", Condition=plain))
    return document(*statements) if statements else None


def _naming(chance: random.Random, plan: Plan, account: AccountPlan, thing: ResourcePlan) -> dict[str, Any]:
    """A statement that names principals of this account or others."""
    other = plan.other(chance, account.index)
    whom = chance.choice(
        (
            chance.choice(account.roles).arn(account.id),
            [
                chance.choice(account.roles).arn(account.id),
                f"arn:aws:iam::{account.id}:user/{chance.choice(account.users)}",
            ],
            [f"arn:aws:iam::{other}:role/deploy", plan.hop(chance.randrange(plan.hops))],
            f"arn:aws:iam::{other}:root",
        )
    )
    resource: Any = "*" if thing.kind in ("key", "secret") else thing.arn
    if thing.kind == "bucket":
        resource = [thing.arn, f"{thing.arn}{chance.choice(('/*', '/shared/*'))}"]
    statement = allow(ACTIONS[thing.kind], resource, Principal={"AWS": whom})
    roll = chance.random()
    if roll < 0.15:
        statement["Condition"] = {"StringEquals": {"aws:PrincipalTag/team": account.team}}
    elif roll < 0.25:
        statement["Condition"] = {"IpAddress": {"aws:SourceIp": ["192.0.2.0/24"]}}
    return statement
