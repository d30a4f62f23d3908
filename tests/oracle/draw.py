"""Random policy documents: what `tests.oracle.world` hangs on the principals and resources it draws."""

import random
from typing import Any

World = dict[str, Any]
Document = dict[str, Any]

MANAGEMENT = "123456789012"
FOREIGN = "999999999999"
VERSION = "2012-10-17"
HOME = {"bucket", "queue", "topic", "key", "secret", "function", "table"}
AWS_MANAGED = ("ReadOnlyAccess", "AmazonS3ReadOnlyAccess", "AmazonSQSFullAccess", "SecurityAudit", "PowerUserAccess")
OFFICE = "203.0.113.0/24"
TEAMS = ("red", "blue", "green")

ACTIONS = {
    "bucket": ["s3:ListBucket", "s3:GetBucketPolicy", "s3:GetBucketLocation"],
    "object": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
    "queue": ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:GetQueueAttributes"],
    "topic": ["sns:Publish", "sns:Subscribe"],
    "key": ["kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"],
    "secret": ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
    "function": ["lambda:InvokeFunction", "lambda:GetFunction", "lambda:UpdateFunctionCode"],
    "table": ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DescribeTable"],
    "role": ["sts:AssumeRole", "iam:PassRole", "iam:GetRole", "iam:UpdateAssumeRolePolicy"],
    "user": ["iam:CreateAccessKey", "iam:GetUser"],
    "*": ["iam:ListUsers", "s3:ListAllMyBuckets", "ec2:DescribeInstances", "sts:GetCallerIdentity"],
}
SERVICE_OF = {"bucket": "s3", "queue": "sqs", "topic": "sns", "key": "kms", "secret": "secretsmanager"}
SERVICE_OF |= {"function": "lambda", "table": "dynamodb"}


def document(*statements: dict[str, Any]) -> Document:
    return {"Version": VERSION, "Statement": list(statements)}


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def arn_of(resource: dict[str, Any]) -> str:
    """The ARN of a resource, a role or a user, with placeholders where the cloud chooses."""
    kind, name, account = resource["type"], resource["name"], f"@{resource['account']}@"
    if kind == "bucket":
        return f"arn:aws:s3:::{name}"
    if kind in ("key", "secret"):
        return f"@{kind}:{resource['account']}:{name}@"
    if kind in ("role", "user"):
        return f"arn:aws:iam::{account}:{kind}{resource.get('path', '/')}{name}"
    tail = {"queue": name, "topic": name, "function": f"function:{name}", "table": f"table/{name}"}[kind]
    return f"arn:aws:{SERVICE_OF[kind]}:{resource['region']}:{account}:{tail}"


class Documents:
    """Draws statements about the accounts, users, roles and resources of one world."""

    users: list[dict[str, Any]]
    roles: list[dict[str, Any]]
    resources: list[dict[str, Any]]

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.seed = seed
        names = ["dev", "prod", "data", "audit", "edge"]
        self.accounts = ["mgmt", *names[: self.random.randint(2, 5)]]

    def some(self, values: Any, low: int, high: int) -> list[Any]:
        pool = list(values)
        return self.random.sample(pool, min(len(pool), self.random.randint(low, high)))

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def tags(self) -> dict[str, str]:
        tags = {"team": self.random.choice(TEAMS)}
        return tags | ({"env": self.random.choice(["prod", "test"])} if self.chance(0.5) else {})

    def trust(self, account: str) -> dict[str, Any]:
        """One statement of a trust policy of every sort."""
        other = self.random.choice(self.accounts)
        user = arn_of(self.random.choice(self.users))
        sorts: list[tuple[Any, Any]] = [
            ({"AWS": f"arn:aws:iam::@{account}@:root"}, None),
            ({"AWS": f"arn:aws:iam::@{account}@:root"}, {"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
            ({"AWS": f"@{other}@"}, None),
            ({"AWS": f"arn:aws:iam::@{other}@:root"}, {"StringEquals": {"sts:ExternalId": "sesame"}}),
            ({"AWS": f"arn:aws:iam::@{other}@:root"}, {"IpAddress": {"aws:SourceIp": OFFICE}}),
            ({"AWS": [user]}, None),
            ({"AWS": [user, f"arn:aws:iam::{FOREIGN}:root"]}, None),
            ({"AWS": user}, {"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}),
            ({"AWS": f"arn:aws:iam::{FOREIGN}:role/partner"}, {"StringEquals": {"sts:ExternalId": "sesame"}}),
            ("*", {"StringEquals": {"aws:PrincipalOrgID": "@org@"}}),
            ({"AWS": "*"}, {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::@{other}@:user/*"}}),
            ({"AWS": "*"}, {"StringEquals": {"aws:PrincipalOrgID": "@org@", "aws:PrincipalTag/team": "red"}}),
            ({"AWS": f"@{account}@"}, {"StringEquals": {"sts:RoleSessionName": "${aws:username}"}}),
            ({"AWS": f"@{account}@"}, {"StringEquals": {"aws:PrincipalTag/team": ["red", "blue"]}}),
            ({"Service": self.random.choice(["lambda.amazonaws.com", "ec2.amazonaws.com"])}, None),
            ({"Service": "lambda.amazonaws.com"}, {"StringEquals": {"aws:SourceAccount": f"@{account}@"}}),
            ({"Service": "ecs-tasks.amazonaws.com", "AWS": f"arn:aws:iam::@{account}@:root"}, None),
        ]
        principal, condition = self.random.choice(sorts)
        action: Any = "sts:AssumeRole" if self.chance(0.8) else ["sts:AssumeRole", "sts:TagSession"]
        statement = {"Effect": "Allow", "Principal": principal, "Action": action}
        return statement | ({"Condition": condition} if condition else {})

    def condition(self, action: str) -> dict[str, Any] | None:
        if self.chance(0.55):
            return None
        service = action.split(":")[0]
        sorts: list[dict[str, Any]] = [
            {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
            {"IpAddress": {"aws:SourceIp": OFFICE}},
            {"StringEquals": {"aws:SourceVpce": "vpce-0a1b2c3d"}},
            {"StringEquals": {"aws:RequestedRegion": "us-east-1"}},
            {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-central-1"]}},
            {"StringEquals": {"aws:PrincipalTag/team": self.random.choice(TEAMS)}},
            {"StringEqualsIgnoreCase": {"aws:principaltag/Team": self.random.choice(TEAMS).upper()}},
            {"StringEquals": {"aws:PrincipalOrgID": "@org@"}},
            {"StringEqualsIfExists": {"aws:ResourceAccount": f"@{self.random.choice(self.accounts)}@"}},
            {"DateLessThan": {"aws:CurrentTime": "2099-01-01T00:00:00Z"}},
            {"DateGreaterThan": {"aws:EpochTime": "1577836800"}},
            {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/apps/*"}},
            {"Null": {"aws:PrincipalTag/env": "true"}},
            {"ForAllValues:StringEquals": {"aws:TagKeys": ["team", "env"]}},
            {"StringEquals": {"aws:RequestTag/team": "red"}},
        ]
        if service in ("sqs", "secretsmanager", "dynamodb", "lambda", "kms", "sns"):
            sorts += [{"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}] * 2
            sorts += [{"StringEquals": {"aws:ResourceTag/team": self.random.choice(TEAMS)}}] * 2
            sorts += [{"StringNotEqualsIfExists": {"aws:ResourceTag/env": "prod"}}]
        if action == "s3:ListBucket":
            sorts += [{"StringLike": {"s3:prefix": ["home/${aws:username}/*", "public/*"]}}] * 8
        if action == "iam:PassRole":
            sorts += [{"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}] * 6
        if service == "kms":
            sorts += [{"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}] * 2
        return self.random.choice(sorts)

    def target(self, account: str) -> tuple[list[str], list[str]]:
        """Actions and the resources that a statement gives them on."""
        kind = self.random.choice([*sorted(HOME), "bucket", "role", "*"])
        if kind == "*":
            return self.some(ACTIONS["*"], 1, 3), ["*"]
        if kind == "role":
            return self.some(ACTIONS["role"], 1, 2), self.some([f"arn:aws:iam::@{account}@:role/*", "*"], 1, 1)
        near = [r for r in self.resources if r["type"] == kind and (r["account"] == account or self.chance(0.4))]
        chosen = self.random.choice(near)
        arn = arn_of(chosen)
        service = SERVICE_OF[kind]
        actions = self.some(ACTIONS[kind], 1, 2) if self.chance(0.7) else [f"{service}:*"]
        wide = arn if kind in ("key", "secret") else arn[:-1] + "?" if self.chance(0.2) else arn
        patterns = ["*"] if self.chance(0.25) else [wide]
        if kind == "bucket":
            ways = ["*", "${aws:username}/*", "${aws:PrincipalTag/team, 'none'}/*", "reports/*"]
            patterns = [wide, f"{arn}/{self.random.choice(ways)}"]
            actions = self.some(ACTIONS["bucket"] + ACTIONS["object"] * 2, 1, 4) if self.chance(0.7) else ["s3:*"]
        if kind == "queue" and self.chance(0.2):
            patterns = [arn[: -len(chosen["account"]) - 2] + "${aws:PrincipalTag/dept, 'queue'}*"]
        return sorted(set(actions)), patterns

    def identity(self, account: str, size: int) -> Document:
        found = []
        for _ in range(self.random.randint(1, size)):
            actions, patterns = self.target(account)
            statement = allow(
                actions if len(actions) > 1 else actions[0], patterns if len(patterns) > 1 else patterns[0]
            )
            if self.chance(0.06):
                del statement["Action"]
                statement["NotAction"] = ["iam:*", "sts:*", "kms:*", "organizations:*"]
            elif self.chance(0.06) and patterns != ["*"]:
                statement["NotResource"] = statement.pop("Resource")
                statement["Action"] = [action for action in actions if ":*" not in action] or actions
            elif self.chance(0.2):
                statement["Effect"] = "Deny"
            if condition := self.condition(actions[0]):
                statement["Condition"] = condition
            found.append(statement)
        return document(*found)

    def grant(self, resource: dict[str, Any]) -> dict[str, Any]:
        kind, account = resource["type"], resource["account"]
        arn = "*" if kind in ("key", "secret") else arn_of(resource)
        everything = [arn, f"{arn}/*"] if kind == "bucket" else arn
        actions = self.some(ACTIONS[kind] + (ACTIONS["object"] if kind == "bucket" else []), 1, 3)
        service = SERVICE_OF[kind]
        role, user = self.random.choice(self.roles), self.random.choice(self.users)
        session = f"arn:aws:sts::@{role['account']}@:assumed-role/{role['name']}/nightly"
        other = self.random.choice(self.accounts)
        sorts: list[tuple[Any, Any]] = [
            ({"AWS": f"arn:aws:iam::@{account}@:root"}, None),
            ({"AWS": f"arn:aws:iam::@{other}@:root"}, None),
            ({"AWS": arn_of(user)}, None),
            ({"AWS": arn_of(user)}, {"IpAddress": {"aws:SourceIp": OFFICE}}),
            ({"AWS": [arn_of(role), arn_of(user)]}, None),
            ({"AWS": arn_of(role)}, None),
            ({"AWS": session}, None),
            ({"AWS": "*"}, {"StringEquals": {"aws:PrincipalOrgID": "@org@"}}),
            ("*", {"StringEquals": {"aws:PrincipalOrgID": "@org@", "aws:SourceVpce": "vpce-0a1b2c3d"}}),
            ({"AWS": "*"}, {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::@{other}@:role/*"}}),
            ("*", {"IpAddress": {"aws:SourceIp": OFFICE}}),
            ({"AWS": f"arn:aws:iam::{FOREIGN}:root"}, None),
            ({"AWS": FOREIGN}, {"Bool": {"aws:SecureTransport": "true"}}),
            (
                {"Service": "events.amazonaws.com"},
                {"ArnLike": {"aws:SourceArn": f"arn:aws:events:*:@{account}@:rule/*"}},
            ),
            ({"Service": "cloudtrail.amazonaws.com"}, None),
        ]
        if kind in ("bucket", "queue", "topic") and self.chance(0.12):
            sorts = [("*", None)]
        if self.chance(0.25):
            spared = [arn_of(user), f"arn:aws:iam::@{user['account']}@:root"]
            spared_role = [session, arn_of(role), f"arn:aws:iam::@{role['account']}@:root"]
            denials = [
                deny(f"{service}:*", everything, Principal="*", Condition={"Bool": {"aws:SecureTransport": "false"}}),
                deny(actions, everything, NotPrincipal={"AWS": spared if self.chance(0.6) else spared_role}),
                deny(actions, everything, Principal={"AWS": arn_of(role)}),
                deny(
                    actions, everything, Principal="*", Condition={"StringNotEquals": {"aws:PrincipalOrgID": "@org@"}}
                ),
                deny(
                    actions,
                    everything,
                    Principal={"AWS": f"@{other}@"},
                    Condition={"NotIpAddress": {"aws:SourceIp": OFFICE}},
                ),
            ]
            if kind == "bucket":
                denials.append(deny("s3:GetObject", f"{arn}/secret/*", Principal="*"))
            return self.random.choice(denials)
        principal, condition = self.random.choice(sorts)
        statement = allow(actions, everything, Principal=principal)
        return statement | ({"Condition": condition} if condition else {})

    def permissions(self, account: str) -> Document:
        """A function's policy: only what `AddPermission` can say."""
        invoke = {"Effect": "Allow", "Action": "lambda:InvokeFunction"}
        role = self.random.choice(self.roles)
        sorts: list[dict[str, Any]] = [
            {"Principal": "s3.amazonaws.com", "SourceArn": self.bucket(account), "SourceAccount": f"@{account}@"},
            {"Principal": "events.amazonaws.com"},
            {"Principal": "*", "PrincipalOrgID": "@org@"},
        ]
        named = [arn_of(role), f"arn:aws:iam::@{self.random.choice(self.accounts)}@:root", FOREIGN]
        if account == "mgmt":
            sorts.append({"Principal": self.random.choice(named)})
        return document(*[invoke | sort for sort in self.some(sorts, 1, 2)])

    def bucket(self, account: str) -> str:
        return arn_of(next(r for r in self.resources if r["type"] == "bucket" and r["account"] == account))
