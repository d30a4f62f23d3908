"""Small random organisations as plain data, far odder than real ones: ``organisation(seed)``.

    {"id", "management", "units": {id: parent or ""}, "accounts": {id: {"path", "bpa", "read"}},
     "scps"/"rcps": [{"id", "name", "document" or None, "targets"}],
     "users", "roles", "groups": [{"arn", "name", "account", "id", "inline", "attached", …}],
     "policies": {arn: document}, "providers": [{"arn", "account", "kind", "url"}],
     "resources": [{"arn", "type", "account", "region", "name", "policy", "tags", …}],
     "people", "teams", "sets", "assignments", "abac", "unlisted": [[account, kind, region]], "hidden": resources}

A document, tags or grants that are None could not be read. `tests.oracle.organisation_pages` writes it as a snapshot.
"""

import hashlib
from typing import Any

from tests.oracle.organisation_facts import canonical_id
from tests.oracle.organisation_policies import FOREIGN, Drawing, Json, allow, document

Organisation = dict[str, Any]
REGIONS = ("us-east-1", "eu-west-1")
KINDS = ("bucket", "queue", "table", "key", "secret", "topic", "function")
SERVICE_OF = {"bucket": "s3", "queue": "sqs", "table": "dynamodb", "key": "kms", "secret": "secretsmanager"}
SERVICE_OF |= {"topic": "sns", "function": "lambda"}
#: Of some kinds there are several that may be alike in everything; of the others one or none.
COUNTS = {"bucket": 2, "queue": 5, "secret": 2}
UNREAD_POLICY = "arn:aws:iam::aws:policy/NotReturned"


class Organising(Drawing):
    """Draws one organisation from one seed."""

    def draw(self) -> Organisation:
        self.units = {"r-ab12": "", "ou-ab12-prodprod": "r-ab12", "ou-ab12-labslabs": "r-ab12"}
        self.units["ou-ab12-deepdeep"] = "ou-ab12-prodprod"
        self.accounts = [f"{digit}{self.random.randrange(10**10, 10**11)}" for digit in range(1, self.number(3, 6))]
        self.names()
        accounts = {account: self.account(index) for index, account in enumerate(self.accounts)}
        if len(self.accounts) > 2 and self.chance(0.25):
            accounts[self.accounts[-1]]["read"] = False
        read = [account for account in self.accounts if accounts[account]["read"]]
        policies = self.managed(read)
        self.own_policies = list(policies)
        groups = [self.holder("group", "staff", account) for account in read]
        found = {
            "id": self.org,
            "management": self.accounts[0],
            "units": self.units,
            "accounts": accounts,
            "policies": policies,
            "groups": groups,
            "users": [self.user(arn) for arn in self.users if arn.split(":")[4] in read],
            # Trusts may name those that were deleted.
            "providers": [one for one in self.providers if one["account"] in read and int(one["account"][-1]) % 3],
            **self.collected([self.resource(one) for one in self.resources]),
            "abac": self.chance(0.5),
            **self.control(),
        }
        found |= self.people(read)
        roles = [self.role(arn) for arn in self.roles if arn.split(":")[4] in read]
        found["roles"] = [*roles, *self.reserved(found, read), *self.linked(read)]
        return found

    def collected(self, resources: list[Json]) -> Json:
        """What there is, and what of it nobody knows of: the list that it is in was refused."""
        unlisted = self.unlisted()
        hidden = [
            one
            for one in resources
            if any([one["account"], one["type"], region] in unlisted for region in (one["region"], "global"))
        ]
        found = [one for one in resources if one not in hidden]
        return {"unlisted": unlisted, "resources": found, "hidden": hidden}

    def names(self) -> None:
        """Everything that policies may name, before any of them is drawn."""
        self.users = [f"arn:aws:iam::{a}:user{self.path()}{n}" for a in self.accounts for n in ("ann", "bob")]
        self.roles = [
            f"arn:aws:iam::{account}:role{self.path()}R{number}"
            for account in self.accounts
            for number in range(self.number(2, 4))
        ]
        self.providers = []
        for account in self.accounts[:2]:
            self.providers.append(self.provider(account, "saml", "okta"))
            self.providers.append(self.provider(account, "oidc", "token.actions.githubusercontent.com"))
        self.resources = [
            self.named(kind, account, number)
            for account in self.accounts
            for kind in KINDS
            for number in range(COUNTS.get(kind) or self.number(0, 1))
        ]

    def provider(self, account: str, kind: str, name: str) -> Json:
        url = name if kind == "oidc" else ""
        return {"arn": f"arn:aws:iam::{account}:{kind}-provider/{name}", "account": account, "kind": kind, "url": url}

    def path(self) -> str:
        return self.random.choice(["/", "/", "/app/", "/app/in/"])

    def account(self, index: int) -> Json:
        place = self.random.choice([*self.units]) if index else "r-ab12"
        path = [place]
        while self.units[path[0]]:
            path.insert(0, self.units[path[0]])
        bpa = self.random.choice([True, False, False, None])
        ignore = bpa if bpa is None else self.chance(0.3)
        return {"path": path, "bpa": bpa, "ignore": ignore, "read": True}

    # --- IAM ---

    def identifier(self, kind: str, arn: str) -> str:
        return kind + hashlib.sha256(arn.encode()).hexdigest()[:17].upper()

    def managed(self, read: list[str]) -> dict[str, Json]:
        return {f"arn:aws:iam::{a}:policy/shared-{n}": self.identity(2) for a in read for n in range(2)}

    def attached(self, account: str) -> list[str]:
        own = [arn for arn in self.own_policies if f"::{account}:" in arn]
        found = self.random.sample(own, self.random.choice([0, 0, 1, 1, 2]))
        return [*found, *([UNREAD_POLICY] if self.chance(0.04) else [])]

    def holder(self, kind: str, name: str, account: str, arn: str = "") -> Json:
        arn = arn or f"arn:aws:iam::{account}:{kind}/{name}"
        inline = {f"own{n}": self.identity(2) for n in range(self.random.choice([0, 1, 1, 2]))}
        id_ = self.identifier({"user": "AIDA", "role": "AROA", "group": "AGPA"}[kind], arn)
        return {
            "arn": arn,
            "name": name,
            "account": account,
            "id": id_,
            "inline": inline,
            "attached": self.attached(account),
        }

    def bounded(self, arn: str) -> Json:
        own = [policy for policy in self.own_policies if policy.split(":")[4] == arn.split(":")[4]]
        boundary = self.random.choice([*own, *own, UNREAD_POLICY]) if self.chance(0.2) else None
        return {"boundary": boundary, "tags": self.tags()}

    def user(self, arn: str) -> Json:
        found = self.holder("user", arn.split("/")[-1], arn.split(":")[4], arn)
        return {**found, **self.bounded(arn), "mfa": self.chance(0.5), "groups": ["staff"] if self.chance(0.5) else []}

    def role(self, arn: str) -> Json:
        found = self.holder("role", arn.split("/")[-1], arn.split(":")[4], arn)
        account = arn.split(":")[4]
        chains = allow(["sts:AssumeRole", "sts:TagSession"], self.random.choice(["*", *self.roles]))
        if self.chance(0.6):
            found["inline"]["chain"] = document(chains)
        return {**found, **self.bounded(arn), "trust": self.trust(account), "set": ""}

    def linked(self, read: list[str]) -> list[Json]:
        """A service-linked role, which control policies do not bind."""
        if self.chance(0.5):
            return []
        arn = f"arn:aws:iam::{read[-1]}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "autoscaling.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        found = self.holder("role", arn.split("/")[-1], read[-1], arn)
        return [{**found, "attached": [], "boundary": None, "tags": {}, "trust": document(statement), "set": ""}]

    # --- Identity Center ---

    def people(self, read: list[str]) -> Json:
        people = [
            {"id": f"u-{name}", "name": name, "email": f"{name}@example.com", "disabled": name == "old"}
            for name in ("eve", "ann", "old")
        ]
        sets = {name: self.identity(3) for name in ("Ops", "View")}
        assignments = [
            {"set": name, "account": account, "kind": kind, "to": to}
            for name in sets
            for account in read
            for kind, to in (("USER", "u-eve"), ("GROUP", "g-all"), ("USER", "u-old"), ("USER", "u-gone"))
            if self.chance(0.3)
        ]
        return {"people": people, "teams": {"g-all": ["u-ann", "u-old"]}, "sets": sets, "assignments": assignments}

    def reserved(self, found: Organisation, read: list[str]) -> list[Json]:
        roles = []
        for name, account in sorted({(one["set"], one["account"]) for one in found["assignments"]}):
            mark = hashlib.sha256(f"{name}{account}".encode()).hexdigest()[:16]
            arn = f"arn:aws:iam::{account}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_{name}_{mark}"
            provider = self.provider(account, "saml", f"AWSSSO_{mark}_DO_NOT_DELETE")
            if all(one["arn"] != provider["arn"] for one in found["providers"]):
                found["providers"].append(provider)
            trust = {
                "Effect": "Allow",
                "Principal": {"Federated": provider["arn"]},
                "Action": ["sts:AssumeRoleWithSAML", "sts:TagSession"],
                "Condition": {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}},
            }
            own = {"arn": arn, "name": arn.split("/")[-1], "account": account, "id": self.identifier("AROA", arn)}
            inline = {"AwsSSOInlinePolicy": found["sets"][name]}
            more: Json = {"inline": inline, "attached": [], "boundary": None, "tags": {}, "trust": document(trust)}
            roles.append({**own, **more, "set": name})
        return roles

    # --- control policies ---

    def control(self) -> Json:
        places = [*self.units, *self.accounts]
        scps: list[Json] = [
            {"id": "p-FullAWSAccess", "name": "FullAWSAccess", "document": document(allow("*")), "targets": places}
        ]
        everyone = document({**allow("*"), "Principal": "*"})
        rcps: list[Json] = [
            {"id": "p-RCPFullAWSAccess", "name": "RCPFullAWSAccess", "document": everyone, "targets": places}
        ]
        for number in range(self.random.choice([0, 1, 1, 2])):
            content: Json | None = document(self.scp())
            content = None if self.chance(0.06) else content
            targets = self.random.sample(places, self.number(1, 2))
            scps.append({"id": f"p-scp{number}", "name": f"scp{number}", "document": content, "targets": targets})
        if self.chance(0.3):  # an allow-list in the place of AWS's own policy
            place = self.random.choice(places)
            scps[0]["targets"] = [one for one in places if one != place]
            content = document(
                allow(["s3:*", "sts:*", "sqs:*", "kms:*", "iam:*"], self.random.choice(["*", "*", "arn:aws:s3:::*"]))
            )
            scps.append({"id": "p-list", "name": "list", "document": content, "targets": [place]})
        for number in range(self.random.choice([0, 0, 1, 2])):
            content = document(self.rcp())
            targets = self.random.sample(places, self.number(1, 2))
            rcps.append({"id": f"p-rcp{number}", "name": f"rcp{number}", "document": content, "targets": targets})
        return {"scps": scps, "rcps": rcps}

    # --- resources ---

    def named(self, kind: str, account: str, number: int) -> Json:
        region = self.random.choice(REGIONS) if self.chance(0.2) else REGIONS[int(account[-1]) % 2]
        name = self.random.choice(["in", "red", "red", "data"]) + f"-{number}"
        if kind == "queue" and number > 1:  # alike in all but their tags
            name, region = f"zz-{number}", REGIONS[0]
        place = f"arn:aws:{SERVICE_OF[kind]}:{region}:{account}:"
        if kind == "bucket":
            name = f"{self.random.choice(['b', 'ba', 'data'])}-{account[0]}{number}"
            return {"arn": f"arn:aws:s3:::{name}", "type": kind, "account": account, "region": region, "name": name}
        tail = {"table": "table/", "key": "key/", "secret": "secret:", "function": "function:"}.get(kind, "")
        if kind == "key":
            name = f"{number:08d}-0000-4000-8000-{account}"
        if kind == "secret":
            name += "-AbCdEf"
        return {"arn": place + tail + name, "type": kind, "account": account, "region": region, "name": name}

    def resource(self, one: Json) -> Json:
        kind, found = one["type"], {**one, "policy": "", "tags": self.tags()}
        if kind not in ("secret", "key") and self.chance(0.06):
            found["tags"] = None
        if kind == "key":
            root = {**allow("kms:*"), "Principal": {"AWS": f"arn:aws:iam::{one['account']}:root"}}
            found["policy"] = document(*([root] if self.chance(0.6) else []), *self.attached_statements(one))
            found["grants"] = self.grants()
        elif not one["name"].startswith("zz-") and self.chance(0.25 if kind in ("queue", "secret") else 0.5):
            found["policy"] = document(*self.attached_statements(one))
        if self.chance(0.05):
            found["policy"] = None
        if kind == "bucket":
            bpa = self.random.choice([True, False, False, None])
            found |= {"bpa": bpa, "ignore": bpa if bpa is None else self.chance(0.3), "abac": self.chance(0.2)}
            found |= self.access_list()
        return found

    def access_list(self) -> Json:
        """The ACL of a bucket and whether it counts; most buckets of today have none."""
        if self.chance(0.7):
            return {"acl": [], "ownership": "BucketOwnerEnforced"}
        ownership = self.random.choice(["BucketOwnerPreferred", "ObjectWriter", "ObjectWriter", None])
        grantees = ["AllUsers", "AuthenticatedUsers", *map(canonical_id, [*self.accounts, FOREIGN])]
        permissions = ["READ", "WRITE", "READ_ACP", "WRITE_ACP", "FULL_CONTROL"]
        acl = [
            {"grantee": self.random.choice(grantees), "permission": self.random.choice(permissions)}
            for _ in range(self.number(0, 3))
        ]
        return {"acl": None if self.chance(0.1) else acl, "ownership": ownership}

    def unlisted(self) -> list[list[str]]:
        """[account, kind, region] of lists that AWS refused."""
        if self.chance(0.75):
            return []
        kind = self.random.choice(["bucket", "bucket", *KINDS])
        region = "global" if kind == "bucket" else self.random.choice(REGIONS)
        return [[self.random.choice(self.accounts), kind, region]]

    def grants(self) -> list[Json] | None:
        if self.chance(0.05):
            return None
        grantees = [
            *self.users,
            *self.roles,
            "dynamodb.us-east-1.amazonaws.com",
            f"arn:aws:iam::{FOREIGN}:role/partner",
        ]
        grantees += [role for role in self.roles if role.split(":")[4] == self.accounts[0]]
        chosen = self.random.sample(grantees, self.random.choice([0, 0, 1, 2]))
        return [{"grantee": one, "operations": self.some(["Decrypt", "Encrypt", "CreateGrant"], 2)} for one in chosen]


def organisation(seed: int) -> Organisation:
    """The organisation of a seed."""
    return Organising(seed).draw()
