"""Random policies about the names of one organisation: every element that policies can have, oddly mixed."""

import random
from typing import Any

Json = dict[str, Any]
FOREIGN = "999999999999"
#: An account that only conditions name.
STRANGE = "888888888888"
SERVICES = ("lambda.amazonaws.com", "events.amazonaws.com", "states.eu-west-1.amazonaws.com")
TEAMS = ("red", "blue")
#: Paths inside buckets that patterns are drawn from: they overlap, nest and exclude each other.
TAILS: tuple[str, ...] = (
    "in/*",
    "*/x",
    "*",
    "in/deep/*",
    "in/?",
    "home/${aws:username}/*",
    "${aws:PrincipalTag/team}/*",
    "in/x",
    "*e*",
)
TAILS += ("${aws:userid}/*", "home/*/x", "?n/*", "${aws:ResourceAccount}/*")
ACTIONS = {
    "bucket": ("s3:*", "s3:Get*", "s3:GetObject", "s3:PutObject", "s3:List*", "s3:*Tagging", "s3:?etBucketPolicy"),
    "queue": ("sqs:*", "sqs:SendMessage", "SQS:receive*", "sqs:*Queue*"),
    "table": ("dynamodb:*", "dynamodb:Query", "dynamodb:*Item", "dynamodb:Scan"),
    "key": ("kms:*", "kms:Decrypt", "kms:Describe*", "kms:CreateGrant"),
    "secret": ("secretsmanager:*", "secretsmanager:GetSecretValue", "secretsmanager:Describe*"),
    "topic": ("sns:*", "sns:Publish", "sns:Get*"),
    "function": ("lambda:*", "lambda:InvokeFunction", "lambda:Get*"),
    "role": ("iam:PassRole", "iam:*", "iam:Get*", "sts:AssumeRole", "sts:*", "iam:*Role*"),
}


def allow(action: Any, resource: Any = "*", **more: Any) -> Json:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any, resource: Any = "*", **more: Any) -> Json:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def document(*statements: Json, version: str = "2012-10-17") -> Json:
    return {**({"Version": version} if version else {}), "Statement": list(statements)}


class Drawing:
    """Chance, and policies about names that a subclass fills in before it draws any."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.org = "o-" + "abcdef0123"[seed % 7 :] + "xyz1"
        self.accounts: list[str] = []
        self.users: list[str] = []
        self.roles: list[str] = []
        self.providers: list[Json] = []
        self.resources: list[Json] = []
        self.units: dict[str, str] = {}
        self.own_policies: list[str] = []
        self.kinds: list[int] = []

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def number(self, least: int, most: int) -> int:
        return self.random.randint(least, most)

    def some(self, pool: Any, most: int) -> list[Any]:
        values = list(pool)
        return self.random.sample(values, min(len(values), self.random.randint(1, most)))

    def tags(self) -> dict[str, str]:
        found = {self.random.choice(["team", "Team"]): self.random.choice(TEAMS)} if self.chance(0.7) else {}
        return {**found, "env": "prod"} if self.chance(0.3) else found

    # --- parts of statements ---

    def condition(self) -> Json:
        """Each organisation has its own few kinds of condition, so that few keys are unknown at once."""
        sorts = self.conditions()
        if not self.kinds:
            tagged = [i for i, one in enumerate(sorts) if "aws:ResourceTag" in str(one)]
            self.kinds = [*self.random.sample(range(len(sorts)), 5), *self.random.choices(tagged, k=3)]
        found = sorts[self.random.choice(self.kinds)]
        return {**sorts[self.random.choice(self.kinds)], **found} if self.chance(0.15) else found

    def conditions(self) -> list[Json]:
        pick, account, team = self.random.choice, self.random.choice(self.accounts), self.random.choice(TEAMS)
        like = pick([f"arn:aws:iam::{account}:role/*", "arn:aws:iam::*:role/app/*", pick(self.roles), pick(self.users)])
        like = pick([like, like, pick([f"arn:aws:iam::{STRANGE}:role/far", f"arn:aws:iam::{STRANGE}:user/*"])])
        caller = pick([account, account, FOREIGN, STRANGE])
        place = f"{self.org}/r-ab12/{pick(['ou-ab12-prodprod/*', '*', 'ou-ab12-labslabs/'])}"
        return [
            {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
            {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
            {"Null": {"aws:MultiFactorAuthAge": "true"}},
            {"IpAddress": {"aws:SourceIp": pick(["203.0.113.0/24", "10.0.0.0/8"])}},
            {"StringEquals": {"aws:SourceVpce": ["vpce-1", "vpce-2"]}},
            {"StringNotEqualsIfExists": {"aws:SourceVpce": "vpce-1"}},
            {"StringEquals": {"aws:PrincipalTag/team": team}},
            {"StringNotEquals": {"aws:PrincipalTag/Team": team}},
            {"Null": {"aws:PrincipalTag/team": pick(["true", "false"])}},
            {"StringLike": {"aws:ResourceTag/team": pick(["r*", "?lue"])}},
            {"StringNotEquals": {"aws:ResourceTag/env": "prod"}},
            {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}},
            {"StringEquals": {"aws:PrincipalTag/team": "${aws:ResourceTag/team, 'red'}"}},
            {"StringEquals": {"iam:ResourceTag/env": "prod"}},
            {"StringEquals": {"aws:PrincipalOrgID": self.org}},
            {"StringNotEquals": {"aws:PrincipalOrgID": self.org}},
            {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": place}},
            {"ArnLike": {"aws:PrincipalArn": like}},
            {"StringNotLike": {"aws:PrincipalArn": like}},
            {"StringEquals": {"aws:PrincipalAccount": caller}},
            {"StringNotEquals": {"aws:PrincipalAccount": [account, caller]}},
            {pick(["StringEquals", "StringNotEquals"]): {"aws:PrincipalServiceName": "config.amazonaws.com"}},
            {"StringEquals": {"aws:ResourceAccount": account}},
            {"StringEquals": {"aws:ResourceOrgID": "${aws:PrincipalOrgID}"}},
            {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-central-1"]}},
            {"Bool": {"aws:SecureTransport": "false"}},
            {"StringLike": {"s3:prefix": "in/*"}},
            {"StringEquals": {"sts:ExternalId": "sesame"}},
            {"StringLike": {"aws:userid": "*:ann"}},
            {"StringEquals": {"aws:username": "ann"}},
            {"Bool": {"aws:PrincipalIsAWSService": pick(["true", "false"])}},
            {"StringEquals": {"aws:SourceAccount": account}},
            {"StringNotEqualsIfExists": {"aws:SourceAccount": account}},
            {"DateLessThan": {"aws:CurrentTime": pick(["2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"])}},
            {"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}},
            {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}},
            *self.odder_conditions(account, place),
        ]

    def odder_conditions(self, account: str, place: str) -> list[Json]:
        """Operators and keys that are rarer in real policies."""
        pick, role = self.random.choice, self.random.choice(self.roles)
        since, until = pick([("1577836800", "2020-01-01T00:00:00Z"), ("4070908800", "2099-01-01T00:00:00Z")])
        return [
            {"StringEqualsIgnoreCase": {"aws:PrincipalTag/team": "RED"}},
            {"StringNotEqualsIgnoreCase": {"aws:username": "ANN"}},
            {"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}},
            {"NumericGreaterThanEqualsIfExists": {"aws:MultiFactorAuthAge": "3600"}},
            {"NotIpAddress": {"aws:SourceIp": ["203.0.113.0/24", "10.0.0.0/8"]}},
            {"NotIpAddressIfExists": {"aws:SourceIp": "203.0.113.0/24"}, "Null": {"aws:SourceVpce": "true"}},
            {"DateGreaterThan": {"aws:CurrentTime": until}},
            {"NumericLessThan": {"aws:EpochTime": since}},
            {"ArnEquals": {"aws:PrincipalArn": [role, "arn:aws:iam::*:role/R?"]}},
            {"ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::{account}:role/*"}},
            {"ArnLikeIfExists": {"aws:PrincipalArn": ["arn:aws:iam::*:user/*", role]}},
            {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::${aws:ResourceAccount}:*"}},
            {"StringEquals": {"aws:PrincipalType": pick(["AssumedRole", "User", "Account"])}},
            {"StringNotEquals": {"aws:PrincipalType": ["User", "Account"]}},
            {"ForAllValues:StringLike": {"aws:PrincipalOrgPaths": place}},
            {"ForAllValues:StringNotLike": {"aws:PrincipalOrgPaths": place}},
            {"ForAnyValue:StringLike": {"aws:ResourceOrgPaths": place}},
            {"ForAllValues:StringNotLike": {"aws:ResourceOrgPaths": place}},
            {"ForAnyValue:StringEquals": {"aws:TagKeys": ["team", "env"]}},
            {"ForAllValues:StringNotEquals": {"aws:TagKeys": ["team"]}},
            {"StringNotEqualsIfExists": {"aws:ResourceTag/team": "red"}},
            {"Null": {"aws:ResourceTag/team": pick(["true", "false"])}},
            {"StringNotLike": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}},
            {"StringNotEqualsIfExists": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}},
            {"StringLike": {"aws:PrincipalTag/team": ["r*", "blue"]}},
            {"StringEquals": {"aws:ResourceTag/team": ["${aws:PrincipalTag/Team}", "blue"]}},
            {"StringEquals": {"aws:PrincipalTag/team": "red", "aws:ResourceTag/team": ["red", "blue"]}},
            {"StringEquals": {"aws:ResourceTag/team": "red"}, "StringNotEquals": {"aws:ResourceTag/env": "prod"}},
            {"StringEquals": {"s3:ExistingObjectTag/team": "${aws:PrincipalTag/team}"}},
            {"StringEquals": {"s3:x-amz-acl": ["public-read"]}},
            {"NumericLessThanEquals": {"s3:max-keys": "10"}},
            {"StringEquals": {"s3:ResourceAccount": account}},
            {"Bool": {"aws:ViaAWSService": "true"}},
            {"BoolIfExists": {"aws:ViaAWSService": "false"}},
            {"ForAnyValue:StringEquals": {"aws:CalledVia": ["athena.amazonaws.com"]}},
            {"ArnLike": {"aws:SourceArn": f"arn:aws:*:*:{account}:*"}},
            {"StringEquals": {"aws:SourceOrgID": self.org}},
            {"StringEquals": {"kms:CallerAccount": account}},
            {"StringNotEquals": {"aws:SourceOwner": account}},
            {"StringNotEquals": {"aws:TagKeys": "${aws:RequestTag/team}"}},
            {"StringEquals": {"kms:EncryptionContext:app": "x"}},
            {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["${aws:username}"]}},
            {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},
            {"StringLike": {"sts:RoleSessionName": "${aws:username}"}},
            {"StringEquals": {"AWS:principalTAG/team": "red"}},
            {"StringEquals": {"aws:PrincipalOrgID": ["${aws:ResourceOrgID}"]}},
            {"StringNotEquals": {"aws:PrincipalAccount": "${aws:ResourceAccount}"}},
            {"StringEquals": {"aws:PrincipalAccount": "${aws:ResourceAccount}"}},
            {"Null": {"aws:SourceVpce": "true"}},
            {"StringEquals": {"aws:RequestTag/team": "${aws:PrincipalTag/team}"}},
            {"StringEquals": {"secretsmanager:ResourceTag/team": "red"}},
            {"StringLike": {"aws:userid": ["AROA*", "AIDA*:ann"]}},
            {"StringNotLike": {"aws:userid": ["AROA*:ann"]}},
            {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}},
            {"StringEqualsIfExists": {"aws:PrincipalTag/env": "prod"}},
            {"Null": {"aws:username": "false"}},
            {"StringEquals": {"aws:PrincipalIsAWSService": "false"}},
        ]

    def pattern(self, kinds: list[str]) -> str:
        """A resource pattern; mostly about a thing of one of the kinds."""
        pick, account = self.random.choice, self.random.choice(self.accounts)
        # What begins with `zz` no pattern names: such things differ in their tags at most.
        near = [one for one in self.resources if one["type"] in kinds and not one["name"].startswith("zz-")]
        if "role" in kinds and (not near or self.chance(0.7)):
            every = [*self.roles, *self.users]
            return str(pick(["*", *every, f"arn:aws:iam::{account}:role/*", "arn:aws:iam::*:role/app/*", "arn:*:R?"]))
        if not near:
            return "*"
        one = pick(near)
        arn, name = one["arn"], one["name"]
        cut = arn[: -self.number(1, 3)] + "*"
        sorts = ["*", "*", arn, arn, arn, cut, arn[:-1] + "?", f"arn:*:{name}", "arn:aws:*" + name[:2] + "*"]
        if one["type"] == "bucket":
            tail = pick(TAILS)
            sorts += [f"{arn}/{tail}"] * 5 + [f"arn:aws:s3:::*/{tail}", f"arn:aws:s3:::{name[:1]}*", f"{arn}*"]
        elif one["type"] == "table":
            sorts += [arn + "/index/*", arn + "/index/by-?", arn + "*"]
        else:
            sorts += [
                f"arn:aws:*:*:{account}:*${{aws:PrincipalTag/team}}*",
                f"arn:aws:*:*:*:${{aws:username}}-{name[-1]}",
            ]
            sorts += [f"arn:aws:*:*:{account}:${{aws:PrincipalTag/team, 'red'}}-*"]
            sorts += ["arn:aws:*:*:*:${aws:ResourceTag/team}-*", "arn:aws:*:*:*:*${aws:ResourceAccount}*"]
        return str(pick(sorts))

    def statement(self, share_denied: float = 0.25) -> Json:
        kinds = self.some(ACTIONS, 2)
        actions = [self.random.choice(ACTIONS[kind]) for kind in kinds]
        actions = ["*"] if self.chance(0.1) else actions
        found: Json = {"Effect": "Deny" if self.chance(share_denied) else "Allow"}
        negated = self.chance(0.08)
        found["NotAction" if negated else "Action"] = actions if self.chance(0.8) or len(actions) > 1 else actions[0]
        place = "NotResource" if self.chance(0.12) else "Resource"
        found[place] = [self.pattern(kinds) for _ in range(self.number(1, 2))]
        if self.chance(0.35):
            found["Condition"] = self.condition()
        return found

    def identity(self, most: int) -> Json:
        statements = [self.statement() for _ in range(self.number(1, most))]
        if self.chance(0.15):
            statements.append(allow("*", "*"))
        version = self.random.choice(["2012-10-17"] * 9 + ["2008-10-17", ""])
        return document(*statements, version=version)

    def session(self, role: str) -> str:
        return (
            f"arn:aws:sts::{role.split(':')[4]}:assumed-role/{role.split('/')[-1]}/{self.random.choice(['ann', 'n'])}"
        )

    def principal(self) -> Any:
        pick, account = self.random.choice, self.random.choice(self.accounts)
        role = pick(self.roles)
        return pick(
            [
                "*",
                {"AWS": "*"},
                {"AWS": account},
                {"AWS": f"arn:aws:iam::{account}:root"},
                {"AWS": pick(self.users)},
                {"AWS": role},
                {"AWS": [role, f"arn:aws:iam::{role.split(':')[4]}:root"]},
                {"AWS": self.some([*self.roles, *self.users], 3)},
                {"AWS": self.session(role)},
                {"AWS": FOREIGN},
                {"AWS": [f"arn:aws:iam::{FOREIGN}:role/partner", account]},
                {"Service": pick(SERVICES)},
                {"Service": [pick(SERVICES)], "AWS": role},
                {"AWS": self.unique(pick([*self.roles, *self.users]))},
            ]
        )

    def unique(self, arn: str) -> str:
        return self.identifier("AIDA" if ":user/" in arn else "AROA", arn)

    def identifier(self, kind: str, arn: str) -> str:
        raise NotImplementedError

    def attached_statements(self, one: Json) -> list[Json]:
        """Statements of a resource's own policy."""
        statements = []
        for _ in range(self.number(1, 3)):
            found = self.statement(0.3)
            found.pop("NotResource", None)
            inside = [f"{one['arn']}/{self.random.choice(TAILS)}"] if one["type"] == "bucket" else []
            inside += [f"{one['arn']}/index/*"] if one["type"] == "table" else []
            kind = self.random.choice([one["type"], one["type"], *ACTIONS])
            actions = [self.random.choice(ACTIONS[kind]), self.random.choice(ACTIONS[one["type"]])]
            if "Action" in found:
                found["Action"] = actions
            found["Resource"] = self.random.choice(["*", one["arn"], [one["arn"], *inside], inside or "*"])
            negated = found["Effect"] == "Deny" and self.chance(0.35)
            found["NotPrincipal" if negated else "Principal"] = self.principal()
            if found.get("Principal") in ("*", {"AWS": "*"}) and self.chance(0.6):
                found["Condition"] = self.condition()
            statements.append(found)
        return statements

    def trust(self, account: str) -> Json:
        statements = []
        for _ in range(self.number(1, 2)):
            own = [one for one in self.providers if one["account"] == account]
            if own and self.chance(0.15):
                one = self.random.choice(own)
                saml = one["kind"] == "saml"
                action: Any = "sts:AssumeRoleWithSAML" if saml else "sts:AssumeRoleWithWebIdentity"
                found = {"Effect": "Allow", "Principal": {"Federated": one["arn"]}, "Action": action}
                if not saml and self.chance(0.7):
                    found["Condition"] = {"StringLike": {f"{one['url']}:sub": "repo:acme/*"}}
            else:
                action = ["sts:AssumeRole", *(["sts:TagSession"] if self.chance(0.25) else [])]
                effect = "Deny" if self.chance(0.1) else "Allow"
                found = {"Effect": effect, "Principal": self.principal(), "Action": action}
                if self.chance(0.35):
                    found["Condition"] = self.condition()
            statements.append(found)
        return document(*statements)

    def scp(self) -> Json:
        region = {"StringNotEquals": {"aws:RequestedRegion": ["us-east-1"]}}
        odd = self.random.choice(
            [
                {"Effect": "Deny", "NotAction": ["iam:*", "sts:*"], "Resource": "*", "Condition": region},
                deny("*", Condition=self.condition()),
                {**self.statement(), "Effect": "Deny"},
                deny(self.random.choice(["s3:*", "sts:AssumeRole", "iam:*"]), self.pattern(["bucket", "role"])),
            ]
        )
        return {**odd, "Effect": "Deny"}

    def rcp(self) -> Json:
        kind = self.random.choice(["bucket", "queue", "key", "secret", "table"])
        outside = {
            "StringNotEqualsIfExists": {"aws:PrincipalOrgID": self.org},
            "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
        }
        actions = self.random.choice(["*", ACTIONS[kind][0], "sts:AssumeRole"])
        condition = outside if self.chance(0.5) else self.condition()
        where = self.pattern([kind]) if self.chance(0.5) else "*"
        return {**deny(actions, where, Condition=condition), "Principal": "*"}
