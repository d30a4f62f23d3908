"""Random organisations of a second family: ``organisation(seed)`` of seeds from ``FIRST`` on.

To what `tests.oracle.organisations` draws it adds roles that trust a whole organisation (everybody, by a condition),
access points of S3 with policies of their own and bucket policies that delegate to them, grants of keys with
constraints, services as grantees and retiring principals, and compute that carries roles. Added fields:

    "points": [{"arn", "alias", "account", "region", "name", "bucket", "vpc", "policy", "bpa", "ignore"}],
    "points_unlisted": [[account, region]],
    "carriers": {ARN of a function, instance or task definition: {"account", "region", "role", "service"}}

and of keys ``grants`` (one entry a part that a constraint is about, with its "Condition") and ``grant_pages`` (as AWS
writes them). "samples" and "targets" are further actions, and further things to ask about.
"""

from tests.oracle.organisation_policies import ACTIONS, FOREIGN, STRANGE, TAILS, Json, allow, deny, document
from tests.oracle.organisations import REGIONS, Organisation, Organising
from tests.oracle.organisations import organisation as of_first_family

FIRST = 2000
CARRYING = {"function": "lambda.amazonaws.com", "instance": "ec2.amazonaws.com", "task": "ecs-tasks.amazonaws.com"}
#: Grant operations that carry an encryption context, and others, all on symmetric keys.
# https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantConstraints.html
WITH_CONTEXT = ("Decrypt", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo")
WITHOUT_CONTEXT = ("CreateGrant", "DescribeKey", "RetireGrant")
KEY_ACTIONS = "kms:Decrypt kms:DescribeKey kms:CreateGrant kms:Encrypt kms:RetireGrant kms:GenerateDataKey"
OBJECT_ACTIONS = "s3:GetObject s3:PutObject s3:PutObjectAcl s3:GetObjectTagging s3:DeleteObject"


#: Actions on what is shared, by service; the permissions of shares are about some of them.
SHARED = {
    "ssm": "ssm:GetParameter ssm:GetParameterHistory ssm:PutParameter",
    "codebuild": "codebuild:BatchGetProjects codebuild:StartBuild",
    "route53resolver": "route53resolver:GetResolverRule route53resolver:UpdateResolverRule",
}
TYPES = {"ssm": "ssm:Parameter", "codebuild": "codebuild:Project", "route53resolver": "route53resolver:ResolverRule"}
NAMES = {"ssm": "parameter/p", "codebuild": "project/p", "route53resolver": "resolver-rule/rslvr-rr-1"}


class Further(Organising):
    """Draws one organisation of the second family."""

    def draw(self) -> Organisation:
        self.open_trusts = self.random.choice([0.0, 0.3, 0.7])
        self.carried = self.random.choice([0.0, 0.3, 0.6])
        found = super().draw()
        found |= self.points(found) | {"shares": self.shares(), "shares_unlisted": [], "endpoints": self.endpoints()}
        if self.chance(0.2):
            found["shares_unlisted"] = [[self.random.choice(self.accounts), self.random.choice(REGIONS)]]
            lost = found["shares_unlisted"][0]
            found["shares"] = [one for one in found["shares"] if [one["account"], one["region"]] != lost]
        for one in found["resources"]:
            if one["type"] == "key" and one["grants"] is not None and self.chance(0.7):
                one["grant_pages"] = [self.grant(number) for number in range(self.number(1, 4))]
                one["grants"] = [part for page in one["grant_pages"] for part in parts_of(page)]
        found["carriers"] = self.carriers(found) if self.carried else {}
        self.about_shared(found)
        inner = [(point["arn"] + "/object/" + tail, "beyond") for point in found["points"] for tail in ("in/x", "zz")]
        inner += [(f"arn:aws:s3:::{point['alias']}/in/deep/x", "beyond") for point in found["points"][:1]]
        found["targets"] = [(point["arn"], "point") for point in found["points"]] + inner
        found["targets"] += [(arn, arn.split(":")[2]) for one in found["shares"] for arn in one["resources"]]
        found["targets"] += [
            (f"arn:aws:ssm:{region}:{account}:parameter/p", "ssm") for account, region in found["shares_unlisted"]
        ]
        found["samples"] = {"point": "s3:ListBucket", "beyond": OBJECT_ACTIONS, "key": KEY_ACTIONS, **SHARED}
        return found

    # --- roles that trust a whole organisation ---

    def trust(self, account: str) -> Json:
        if not self.chance(self.open_trusts):
            found = super().trust(account)
        else:
            found = document(*(self.open_statement() for _ in range(self.number(1, 2))))
        if self.chance(self.carried):
            found["Statement"].append(self.carrying_statement(account))
        return found

    def open_statement(self) -> Json:
        """Everybody, by conditions about the organisation; now and then what keeps everybody else away."""
        action = self.random.choice([["sts:AssumeRole"]] * 4 + [["sts:AssumeRole", "sts:TagSession"]] * 2 + [["sts:*"]])
        action = ["sts:AssumeRole*"] if self.chance(0.1) else action
        everybody = self.random.choice(["*", {"AWS": "*"}])
        denies = self.chance(0.2)
        found: Json = {"Effect": "Deny" if denies else "Allow", "Principal": everybody, "Action": action}
        condition = self.away() if denies else self.inside()
        if self.chance(0.3):
            condition = {**(self.condition() if self.chance(0.4) else self.inside()), **condition}
        return {**found, "Condition": condition}

    def places(self) -> list[str]:
        paths = ["r-ab12/*", "r-ab12/", "r-ab12/ou-ab12-prodprod/*", "r-ab12/ou-ab12-prodprod/", "*", "r-ab12/ou-*/"]
        paths += ["r-ab12/ou-ab12-prodprod/ou-ab12-deepdeep/", "r-ab12/ou-ab12-labslabs/*"]
        found = [f"{self.org}/{path}" for path in self.some(paths, 2)]
        return [*found, "o-zzother/r-zz99/*"] if self.chance(0.3) else found

    def callers(self) -> list[str]:
        return self.some([*self.accounts, *self.accounts, FOREIGN, STRANGE], 3)

    def inside(self) -> Json:
        pick, orgs = self.random.choice, self.random.choice([self.org, [self.org], [self.org, "o-zzother"]])
        account = pick(self.accounts)
        return pick(
            [
                {"StringEquals": {"aws:PrincipalOrgID": orgs}},
                {"StringEquals": {"aws:PrincipalOrgID": orgs}},
                {"StringLike": {"aws:PrincipalOrgID": pick(["o-*", self.org[:-2] + "*", "o-zz*"])}},
                {"StringEqualsIfExists": {"aws:PrincipalOrgID": orgs}},
                {"StringEqualsIgnoreCase": {"aws:principalorgid": self.org.upper()}},
                {"StringEquals": {"aws:PrincipalOrgID": "${aws:ResourceOrgID}"}},
                {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": self.places()}},
                {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": self.places()}},
                {"ForAnyValue:StringEquals": {"aws:PrincipalOrgPaths": self.places()}},
                {"ForAllValues:StringLike": {"aws:PrincipalOrgPaths": self.places()}},
                {"StringLike": {"aws:PrincipalOrgPaths": self.places()}},
                {"StringEquals": {"aws:PrincipalAccount": self.callers()}},
                {"StringEquals": {"aws:PrincipalAccount": self.callers()}},
                {"StringLike": {"aws:PrincipalAccount": [f"{account[:4]}*", "99*"]}},
                {"ArnLike": {"aws:PrincipalArn": [f"arn:aws:iam::{one}:role/*" for one in self.callers()]}},
                {"StringLike": {"aws:PrincipalArn": f"arn:aws:iam::{account}:*"}},
                {"StringEquals": {"aws:PrincipalOrgID": self.org, "aws:PrincipalAccount": self.callers()}},
                {
                    "StringEquals": {"aws:PrincipalOrgID": self.org},
                    "StringNotEquals": {"aws:PrincipalAccount": account},
                },
                {"Null": {"aws:PrincipalOrgID": pick(["true", "false"])}},
            ]
        )

    def away(self) -> Json:
        return self.random.choice(
            [
                {"StringNotEquals": {"aws:PrincipalOrgID": self.org}},
                {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": self.org}},
                {"StringNotEquals": {"aws:PrincipalAccount": self.callers()}},
                {"ForAllValues:StringNotLike": {"aws:PrincipalOrgPaths": self.places()}},
                {"ForAnyValue:StringNotLike": {"aws:PrincipalOrgPaths": self.places()}},
                {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": self.places()}},
                {"ArnNotLike": {"aws:PrincipalArn": [f"arn:aws:iam::{one}:*" for one in self.callers()]}},
                {"StringNotLike": {"aws:PrincipalOrgPaths": self.places()}},
            ]
        )

    # --- compute that carries roles ---

    def carrying_statement(self, account: str) -> Json:
        pick = self.random.choice
        found: Json = {
            "Effect": "Deny" if self.chance(0.1) else "Allow",
            "Principal": {"Service": self.some(CARRYING.values(), 2)},
            "Action": "sts:AssumeRole",
        }
        if self.chance(0.3):
            found["Condition"] = pick(
                [
                    {"StringEquals": {"aws:SourceAccount": account}},
                    {"ArnLike": {"aws:SourceArn": f"arn:aws:*:*:{account}:*"}},
                    {"StringNotEqualsIfExists": {"aws:SourceAccount": pick(self.accounts)}},
                    {"Bool": {"aws:PrincipalIsAWSService": pick(["true", "false"])}},
                    {"StringEquals": {"aws:PrincipalOrgID": self.org}},
                    {"StringEquals": {"aws:SourceOrgID": self.org}},
                ]
            )
        return found

    def carriers(self, found: Organisation) -> Json:
        """ARN: the role that it acts as, and the service that takes it."""
        carriers: Json = {}
        listed = [one["arn"] for one in found["resources"] if one["type"] == "function"]
        for account in self.accounts:
            roles = [one["arn"] for one in found["roles"] if one["account"] == account and not one["set"]]
            roles = [one for one in roles if ":role/aws-service-role/" not in one]
            names = [one for one in listed if f":{account}:" in one]
            place = f"{self.random.choice(REGIONS)}:{account}"
            names += [f"arn:aws:ec2:{place}:instance/i-0{account}", f"arn:aws:ecs:{place}:task-definition/web:1"]
            for arn in names if roles else ():
                if self.chance(0.6):
                    kind = arn.split(":")[5].partition("/")[0].partition("-")[0]
                    own = {"account": account, "region": arn.split(":")[3], "role": self.random.choice(roles)}
                    carriers[arn] = {**own, "service": CARRYING[kind]}
        for one in found["resources"]:
            if one["arn"] in carriers:
                one["role"] = carriers[one["arn"]]["role"]
        return carriers

    # --- shares and endpoints ---

    def shares(self) -> list[Json]:
        """Shares of AWS RAM, of things that no inventory holds."""
        shares: list[Json] = []
        organization = f"arn:aws:organizations::{self.accounts[0]}:"
        units = [one for one in self.units if one.startswith("ou-")]
        for number in range(self.random.choice([0, 0, 1, 2, 3])):
            account, region, service = (self.random.choice(pool) for pool in (self.accounts, REGIONS, [*SHARED]))
            principals = [
                *self.accounts,
                FOREIGN,
                self.random.choice(self.roles),
                self.random.choice(self.users),
                f"{organization}organization/{self.org}",
                f"{organization}ou/{self.org}/{self.random.choice(units)}",
                f"{organization}ou/{self.org}/{self.random.choice(units)}",
                f"arn:aws:iam::{FOREIGN}:role/partner",
                "pca-connector-ad.amazonaws.com",
            ]
            template: Json = {"Effect": "Allow", "Action": self.some(SHARED[service].split(), 2)}
            if self.chance(0.2):
                template["Condition"] = {"StringEquals": {"aws:RequestedRegion": self.random.choice(REGIONS)}}
            shares.append(
                {
                    "arn": f"arn:aws:ram:{region}:{account}:resource-share/s-{number}",
                    "account": account,
                    "region": region,
                    "principals": None if self.chance(0.06) else self.some(principals, 3),
                    "resources": [f"arn:aws:{service}:{region}:{account}:{NAMES[service]}"],
                    "type": TYPES[service],
                    "template": None if self.chance(0.06) else template,
                }
            )
        # One call of an account and region tells with whom all of its shares are.
        lost = [(one["account"], one["region"]) for one in shares if one["principals"] is None]
        for one in shares:
            if (one["account"], one["region"]) in lost:
                one["principals"] = None
        return shares

    def about_shared(self, found: Organisation) -> None:
        """Some callers' own policies about what is shared."""
        for one in [*found["users"], *found["roles"]] if found["shares"] else ():
            if self.chance(0.35) and not one.get("set"):
                arn = self.random.choice(found["shares"])["resources"][0]
                service, *cut = arn.split(":")[2], arn[:-1] + "*", arn, "*"
                make = deny if self.chance(0.15) else allow
                one["inline"]["shared"] = document(make(f"{service}:*", self.random.choice(cut)))

    def endpoints(self) -> list[Json]:
        found = []
        for number in range(self.random.choice([0, 1, 2])):
            statements = [self.at_endpoint() for _ in range(self.number(1, 2))]
            policy = document(*statements, *([{**allow("*"), "Principal": "*"}] if self.chance(0.3) else []))
            own = {"id": f"vpce-{number + 1}", "account": self.random.choice(self.accounts), "region": REGIONS[0]}
            found.append({**own, "vpc": f"vpc-0a{number + 1}", "policy": "" if self.chance(0.1) else policy})
        return found

    def at_endpoint(self) -> Json:
        found = self.statement(0.3)
        found["Principal"] = "*" if self.chance(0.6) else self.principal()
        return found

    # --- access points ---

    def points(self, found: Organisation) -> Json:
        points: list[Json] = []
        buckets = [one for one in [*found["resources"], *found["hidden"]] if one["type"] == "bucket"]
        unlisted = [[self.random.choice(self.accounts), self.random.choice(REGIONS)]] if self.chance(0.15) else []
        for number in range(self.random.choice([0, 1, 2, 3]) if buckets else 0):
            bucket = self.random.choice(buckets)
            account = bucket["account"] if self.chance(0.65) else self.random.choice(self.accounts)
            arn = f"arn:aws:s3:{bucket['region']}:{account}:accesspoint/door-{number}"
            if [account, bucket["region"]] in unlisted:
                continue
            point = {
                "arn": arn,
                "alias": f"door-{number}-{'ab' * 5}-s3alias",
                "account": account,
                "name": f"door-{number}",
            }
            point |= {"region": bucket["region"], "bucket": bucket["name"], "owner": bucket["account"]}
            point |= {"vpc": "vpc-0a1" if self.chance(0.2) else "", "policy": "", "ignore": False}
            point |= {"bpa": self.random.choice([True, False, False, False, None])}
            if self.chance(0.85):
                point["policy"] = document(*(self.at_point(arn) for _ in range(self.number(1, 3))))
            point["policy"] = None if self.chance(0.05) else point["policy"]
            points.append(point)
        for point in points:
            bucket = next(one for one in buckets if one["name"] == point["bucket"])
            if self.chance(0.7) and bucket["policy"] is not None and bucket not in found["hidden"]:
                statements = (bucket["policy"] or {"Statement": []})["Statement"]
                bucket["policy"] = document(*statements, self.delegating(bucket, point))
        if points:
            for one in [*found["users"], *found["roles"]]:
                if self.chance(0.35) and not one.get("set"):
                    one["inline"]["points"] = document(self.through(self.random.choice(points)))
        return {"points": points, "points_unlisted": unlisted}

    def at_point(self, arn: str) -> Json:
        """A statement of an access point's own policy."""
        names = [arn, f"{arn}/object/{self.random.choice(TAILS)}", f"{arn}/object/*", "*"]
        found: Json = {"Effect": "Deny" if self.chance(0.25) else "Allow", "Principal": self.principal()}
        found |= {"Action": self.some(ACTIONS["bucket"], 2), "Resource": self.some(names, 2)}
        if self.chance(0.3):
            found["Condition"] = self.condition()
        return found

    def delegating(self, bucket: Json, point: Json) -> Json:
        """A statement of a bucket's policy that hangs on which access point a request comes through."""
        pick, account, arn = self.random.choice, point["account"], point["arn"]
        other = pick([account, pick(self.accounts), FOREIGN])
        condition = pick(
            [
                {"StringEquals": {"s3:DataAccessPointAccount": [account, other]}},
                {"StringEquals": {"s3:DataAccessPointAccount": other}},
                {"StringEquals": {"s3:DataAccessPointAccount": "${aws:PrincipalAccount}"}},
                {"ArnLike": {"s3:DataAccessPointArn": f"{arn[:-1]}?"}},
                {"StringLike": {"s3:DataAccessPointArn": f"arn:aws:s3:*:{other}:accesspoint/*"}},
                {"StringEquals": {"s3:AccessPointNetworkOrigin": pick(["VPC", "Internet"])}},
            ]
        )
        whom = "*" if self.chance(0.6) else self.principal()
        where = [bucket["arn"], f"{bucket['arn']}/*"]
        if self.chance(0.2):
            away = pick(
                [
                    {"StringNotEquals": {"s3:DataAccessPointAccount": account}},
                    {"StringNotEqualsIfExists": {"s3:DataAccessPointAccount": other}},
                    {"StringNotEquals": {"s3:AccessPointNetworkOrigin": "VPC"}},
                    {"ArnNotLike": {"s3:DataAccessPointArn": f"{arn}*"}},
                    {"Null": {"s3:DataAccessPointArn": "true"}},
                ]
            )
            return deny(self.some(ACTIONS["bucket"], 2), where, Principal=whom, Condition=away)
        action = self.random.choice(["*", "s3:*", "s3:GetObject"])
        return allow(action, where, Principal=whom, Condition=condition)

    def through(self, point: Json) -> Json:
        """A statement of a caller about an access point."""
        arn, bucket = point["arn"], f"arn:aws:s3:::{point['bucket']}"
        where = self.random.choice(
            [
                [arn, f"{arn}/object/*"],
                f"{arn}/object/in/*",
                "arn:aws:s3:*:*:accesspoint/*",
                [bucket, f"{bucket}/*"],
                arn,
            ]
        )
        make = deny if self.chance(0.2) else allow
        found = make(self.random.choice(["s3:*", "s3:Get*", ["s3:GetObject", "s3:ListBucket"]]), where)
        if self.chance(0.25):
            own = {"StringEquals": {"s3:DataAccessPointAccount": point["account"]}}
            found["Condition"] = self.random.choice([own, {"StringNotEquals": own["StringEquals"]}])
        return found

    # --- grants of keys ---

    def grant(self, number: int) -> Json:
        """A grant as KMS lists it."""
        role = self.random.choice(self.roles)
        entities = [*self.users, *self.roles, *self.roles, f"arn:aws:iam::{FOREIGN}:role/partner", self.session(role)]
        entities.append(f"arn:aws:iam::{self.random.choice(self.accounts)}:root")
        service = self.random.choice(["dynamodb.us-east-1.amazonaws.com", "lambda.amazonaws.com", "s3.amazonaws.com"])
        found: Json = {"GrantId": f"g{number}", "Operations": self.some([*WITH_CONTEXT, *WITHOUT_CONTEXT], 4)}
        source = f"arn:aws:lambda:us-east-1:{self.random.choice(self.accounts)}:function:in-0"
        context: Json = self.random.choice([{"app": "x"}, {"App": "y"}, {"app": "x", "env": "prod"}])
        kinds: list[Json] = [{}, {}, {"EncryptionContextSubset": context}, {"EncryptionContextEquals": context}]
        kinds += [{"SourceArn": source}, {"SourceArn": source, "EncryptionContextSubset": context}]
        if self.chance(0.2):  # https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html
            found |= {"GranteeServicePrincipal": service, "Constraints": {"SourceArn": source}}
            found["RetiringPrincipal"] = self.random.choice(entities)
            return found
        found["GranteePrincipal"] = service if self.chance(0.1) else self.random.choice(entities)
        if constraints := self.random.choice(kinds):
            found["Constraints"] = constraints
        if self.chance(0.3):
            found["RetiringPrincipal"] = self.random.choice(entities)
        elif self.chance(0.1):
            found["RetiringServicePrincipal"] = service
        return found


def parts_of(page: Json) -> list[Json]:
    """A grant as what it gives whom, under which condition: a constraint is about some of its operations.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantConstraints.html: an encryption context is not asked
    of operations that carry none; `SourceArn` is as the condition key, and not asked of RetireGrant.
    """
    constraints = page.get("Constraints", {})
    grantee = page.get("GranteePrincipal") or page["GranteeServicePrincipal"]
    source: Json = {"ArnEquals": {"aws:SourceArn": constraints["SourceArn"]}} if "SourceArn" in constraints else {}
    exact = constraints.get("EncryptionContextEquals", {})
    pairs = {**constraints.get("EncryptionContextSubset", {}), **exact}
    context: Json = dict(source)
    if pairs:
        context["StringEquals"] = {f"kms:EncryptionContext:{name}": value for name, value in pairs.items()}
    if exact:
        context["ForAllValues:StringEqualsIgnoreCase"] = {"kms:EncryptionContextKeys": [*exact]}
    parts = []
    for operation in page["Operations"]:
        condition = {} if operation == "RetireGrant" else context if operation in WITH_CONTEXT else source
        parts.append({"grantee": grantee, "operations": [operation], "Condition": condition})
    retiring = page.get("RetiringPrincipal") or page.get("RetiringServicePrincipal")
    if retiring:
        parts.append({"grantee": retiring, "operations": ["RetireGrant"], "Condition": {}})
    return parts


def organisation(seed: int) -> Organisation:
    """The organisation of a seed, of whichever family."""
    return Further(seed).draw() if seed >= FIRST else of_first_family(seed)
