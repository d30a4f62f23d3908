"""Random organisations as plain data.

`generate(seed)` gives dictionaries and lists only. What the cloud chooses is written as a placeholder, and filled in by
`tests.oracle.build.build_in_moto`: `@prod@` (the id of the account with that name), `@org@`, `@root@`,
`@key:prod:NAME@` and `@secret:prod:NAME@` (ARNs).

    {"accounts": {name: {"ou", "bpa"}}, "ous": [name], "allow_list_ou": name,
     "scps"/"rcps": [{"name", "document", "targets"}],
     "groups", "policies", "users", "roles", "providers", "resources": [{"account", "name", …}],
     "persons", "identity_groups", "permission_sets", "assignments"}

In a world that was built, `users`, `roles` and `resources` have their `arn` (and `id`), resources the policy read back.
"""

from typing import Any

from tests.oracle.draw import (
    ACTIONS,
    AWS_MANAGED,
    FOREIGN,
    HOME,
    MANAGEMENT,
    OFFICE,
    Documents,
    World,
    allow,
    arn_of,
    deny,
    document,
)

__all__ = ["ACTIONS", "FOREIGN", "MANAGEMENT", "World", "arn_of", "generate"]


class Generator(Documents):
    """Draws one world from one seed."""

    def world(self) -> World:
        ous = ["plants", "labs"]
        places = {
            name: {"ou": self.random.choice([*ous, "root"]) if name != "mgmt" else "root"} for name in self.accounts
        }
        accounts: dict[str, Any] = {name: {**one, "bpa": self.chance(0.25)} for name, one in places.items()}
        accounts[self.accounts[1]]["ou"] = "labs"
        accounts[self.accounts[2]]["ou"] = "plants"
        resources = [self.resource(kind, name, i) for name in self.accounts for kind in sorted(HOME) for i in range(2)]
        self.resources = resources
        users = [self.user(name, i) for name in self.accounts for i in range(4)]
        self.users = users
        roles = [self.role(name, i) for name in self.accounts for i in range(6)] + [self.runs(n) for n in self.accounts]
        self.roles = roles + self.chains()
        providers = [provider for name in self.accounts[1:3] for provider in self.providers(name)]
        self.federate(providers)
        self.roles.append(self.service_linked(self.accounts[1]))
        groups = [{"account": name, "name": f"grp-{name}"} for name in self.accounts]
        policies = [
            {"account": name, "name": f"shared-{name}", "document": self.identity(name, 3)} for name in self.accounts
        ]
        for owner in [*users, *self.roles, *groups]:
            self.give(owner)
        for resource in resources:
            self.share(resource)
        world = {
            "seed": self.seed,
            "accounts": accounts,
            "ous": ous,
            "groups": groups,
            "policies": policies,
            "users": users,
            "roles": self.roles,
            "providers": providers,
            "resources": resources,
            **self.organization_policies(accounts),
            **self.people(),
        }
        self.reserved_roles(world)
        return world

    # --- things ---

    def resource(self, kind: str, account: str, index: int) -> dict[str, Any]:
        region = "eu-west-1" if self.chance(0.25) else "us-east-1"
        name = f"{kind}-{account}-{index}" + (f"-{self.seed}" if kind == "bucket" else "")
        sealed = kind == "bucket" and index == 1 and account == self.accounts[-1]
        found = {
            "account": account,
            "type": kind,
            "name": name,
            "region": region,
            "tags": self.tags(),
            "sealed": sealed,
        }
        return {**found, "policy": None, "bpa": kind == "bucket" and self.chance(0.2)}

    def user(self, account: str, index: int) -> dict[str, Any]:
        path = self.random.choice(["/", "/", "/staff/"])
        groups = [f"grp-{account}"] if self.chance(0.4) else []
        base = {"account": account, "type": "user", "name": f"user-{account}-{index}", "path": path, "groups": groups}
        return {**base, "tags": self.tags() if self.chance(0.7) else {}, "mfa": self.chance(0.5)}

    def role(self, account: str, index: int) -> dict[str, Any]:
        path = self.random.choice(["/", "/", "/apps/"])
        role: dict[str, Any] = {"account": account, "type": "role", "name": f"role-{account}-{index}", "path": path}
        role |= {"tags": self.tags(), "boundary": None, "trust": document(self.trust(account))}
        if self.chance(0.2):
            role["trust"]["Statement"].append(self.trust(account))
        if self.chance(0.25):
            role["boundary"] = document(
                allow(["s3:*", "sqs:*", "sts:*", "kms:*"]), *([deny("s3:DeleteObject")] * self.chance(0.5))
            )
        return role

    def runs(self, account: str) -> dict[str, Any]:
        """The role of the account's functions."""
        trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        role = {"account": account, "type": "role", "name": f"exec-{account}", "path": "/service-role/", "tags": {}}
        return {**role, "boundary": None, "trust": document(trust)}

    def service_linked(self, account: str) -> dict[str, Any]:
        trust = {"Effect": "Allow", "Principal": {"Service": "autoscaling.amazonaws.com"}, "Action": "sts:AssumeRole"}
        path = "/aws-service-role/autoscaling.amazonaws.com/"
        role = {"account": account, "type": "role", "name": "AWSServiceRoleForAutoScaling", "path": path, "tags": {}}
        return {**role, "boundary": None, "trust": document(trust)}

    def chains(self) -> list[dict[str, Any]]:
        """Chains of one to four roles, across accounts; the last chain bites its own tail."""
        found = []
        for length in range(1, 5):
            before = self.random.choice(self.users)
            links: list[dict[str, Any]] = []
            for step in range(length):
                account = self.random.choice(self.accounts)
                link: dict[str, Any] = {
                    "account": account,
                    "type": "role",
                    "name": f"chain-{length}-{step}",
                    "path": "/",
                    "tags": {},
                }
                trust: dict[str, Any] = {
                    "Effect": "Allow",
                    "Principal": {"AWS": arn_of(before)},
                    "Action": "sts:AssumeRole",
                }
                if step == 1 and self.chance(0.5):
                    trust["Condition"] = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
                link |= {"boundary": None, "trust": document(trust)}
                before.setdefault("next", []).append(arn_of(link))
                links.append(link)
                before = link
            if length == 4:
                links[-1]["next"] = [arn_of(links[0])]
                extra = {"Effect": "Allow", "Principal": {"AWS": arn_of(links[-1])}, "Action": "sts:AssumeRole"}
                links[0]["trust"]["Statement"].append(extra)
            found += links
        return found

    def providers(self, account: str) -> list[dict[str, Any]]:
        return [
            {"account": account, "kind": "oidc", "name": "token.actions.githubusercontent.com"},
            {"account": account, "kind": "saml", "name": f"okta-{account}"},
        ]

    def federate(self, providers: list[dict[str, Any]]) -> None:
        for provider in providers:
            account, name = provider["account"], provider["name"]
            arn = f"arn:aws:iam::@{account}@:{provider['kind']}-provider/{name}"
            saml = provider["kind"] == "saml"
            sub = {"StringLike": {f"{name}:sub": "repo:acme/*"}, "StringEquals": {f"{name}:aud": "sts.amazonaws.com"}}
            aud = {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}}
            action = "sts:AssumeRoleWithSAML" if saml else "sts:AssumeRoleWithWebIdentity"
            trust = {
                "Effect": "Allow",
                "Principal": {"Federated": arn},
                "Action": action,
                "Condition": aud if saml else sub,
            }
            role: dict[str, Any] = {
                "account": account,
                "type": "role",
                "name": f"fed-{provider['kind']}-{account}",
                "path": "/",
            }
            self.roles.append({**role, "tags": {}, "boundary": None, "trust": document(trust)})

    # --- identity policies ---

    def give(self, owner: dict[str, Any]) -> None:
        owner["inline"] = {"own": self.identity(owner["account"], 5)}
        owner["attached"] = []
        if self.chance(0.35):
            assume = self.some([arn_of(role) for role in self.roles], 1, 4) if self.chance(0.7) else ["*"]
            owner["inline"]["assume"] = document(allow("sts:AssumeRole", assume))
        if owner.get("next"):
            owner["inline"]["next"] = document(allow("sts:AssumeRole", owner["next"]))
        if self.chance(0.3):
            owner["attached"].append(f"arn:aws:iam::@{owner['account']}@:policy/shared-{owner['account']}")
        if self.chance(0.15):
            owner["attached"].append(f"arn:aws:iam::aws:policy/{self.random.choice(AWS_MANAGED)}")

    # --- resource policies ---

    def share(self, resource: dict[str, Any]) -> None:
        kind, account = resource["type"], resource["account"]
        if kind == "function":
            resource["policy"] = self.permissions(account) if self.chance(0.7) else None
            return
        own = f"arn:aws:iam::@{account}@:root"
        if kind == "key":
            found = [allow("kms:*", Principal={"AWS": own})] if self.chance(0.8) else []
            found += [self.grant(resource) for _ in range(self.random.randint(0 if found else 1, 2))]
        elif self.chance(0.65):
            found = [self.grant(resource) for _ in range(self.random.randint(1, 3))]
        else:
            return
        if kind == "key" and self.chance(0.4):
            near = [role for role in self.roles if role["account"] == account and not role["boundary"]]
            resource["grants"] = [
                {"grantee": arn_of(self.random.choice(near)), "operations": ["Decrypt", "DescribeKey"]}
            ]
        resource["policy"] = document(*found)
        for index, statement in enumerate(found):
            statement["Sid"] = f"S{index}"

    # --- the organisation and its people ---

    def organization_policies(self, accounts: dict[str, Any]) -> dict[str, Any]:
        regional = {"StringNotEquals": {"aws:RequestedRegion": ["us-east-1", "us-west-2"]}}
        global_services = ["iam:*", "sts:*", "organizations:*", "s3:*", "support:*"]
        fences = [
            document({"Effect": "Deny", "NotAction": global_services, "Resource": "*", "Condition": regional}),
            document(
                deny(
                    "secretsmanager:GetSecretValue", Condition={"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
                )
            ),
            document(
                deny("dynamodb:PutItem", Condition={"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/apps/*"}})
            ),
            document(deny("*", Condition={"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:root"}})),
            document(deny("sqs:ReceiveMessage", Condition={"StringNotEquals": {"aws:PrincipalTag/team": "red"}})),
            document(deny("lambda:InvokeFunction", Condition={"NotIpAddress": {"aws:SourceIp": OFFICE}})),
        ]
        places = ["root", "plants", "labs", *[name for name in accounts if name != "mgmt"]]
        scps = [
            {"name": f"fence-{i}", "document": fence, "targets": [self.random.choice(places)]}
            for i, fence in enumerate(self.some(fences, 2, 4))
        ]
        listed = ["s3:*", "sqs:*", "sns:*", "sts:*", "iam:*", "kms:*", "dynamodb:*", "lambda:*"]
        scps.append({"name": "allow-list", "document": document(allow(listed)), "targets": ["labs"]})
        outside = {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "@org@"}}
        outside["BoolIfExists"] = {"aws:PrincipalIsAWSService": "false"}
        perimeter = deny(["s3:*", "sqs:*", "secretsmanager:*"], Principal="*", Condition=outside)
        tls = deny("s3:*", Principal="*", Condition={"BoolIfExists": {"aws:SecureTransport": "false"}})
        partners = deny("sts:AssumeRole", Principal="*", Condition=outside)
        rcps: list[dict[str, Any]] = [{"name": "partners", "document": document(partners), "targets": ["labs"]}]
        rcps = (rcps if self.chance(0.4) else []) + [
            {"name": "perimeter", "document": document(perimeter), "targets": [self.random.choice(places)]},
            {"name": "tls", "document": document(tls), "targets": ["root"]},
        ]
        return {"scps": scps, "rcps": rcps, "allow_list_ou": "labs"}

    def people(self) -> dict[str, Any]:
        groups = ["engineers", "auditors"]
        persons = [
            {
                "name": f"person{i}",
                "email": f"person{i}@example.com",
                "groups": self.some(groups, 0, 2),
                "disabled": i == 3,
            }
            for i in range(5)
        ]
        sets: list[dict[str, Any]] = [
            {"name": name, "inline": self.identity(self.accounts[1], 3), "managed": []}
            for name in ("Admin", "Reader", "Ops")
        ]
        sets[0]["managed"] = ["arn:aws:iam::aws:policy/AdministratorAccess"]
        sets[1]["managed"] = ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"]
        roles = [arn_of(role) for role in self.roles]
        sets[2]["inline"]["Statement"].append(allow("sts:AssumeRole", self.some(roles, 3, 8)))
        assignments = [
            {"set": "Admin", "account": self.accounts[1], "kind": "USER", "name": "person0"},
            {"set": "Reader", "account": self.random.choice(self.accounts[1:]), "kind": "GROUP", "name": "auditors"},
            {"set": "Ops", "account": self.random.choice(self.accounts[1:]), "kind": "GROUP", "name": "engineers"},
            {"set": "Ops", "account": self.accounts[2], "kind": "USER", "name": "person1"},
            {"set": "Admin", "account": self.accounts[2], "kind": "USER", "name": "person3"},
        ]
        return {"identity_groups": groups, "persons": persons, "permission_sets": sets, "assignments": assignments}

    def reserved_roles(self, world: World) -> None:
        """Identity Center's own roles, which the double does not make by itself."""
        sets = {found["name"]: found for found in world["permission_sets"]}
        for name, account in sorted({(a["set"], a["account"]) for a in world["assignments"]}):
            digest = f"{self.random.getrandbits(64):016x}"
            arn = f"arn:aws:iam::@{account}@:saml-provider/AWSSSO_0a1b2c3d4e5f6071_DO_NOT_DELETE"
            trust = {
                "Effect": "Allow",
                "Principal": {"Federated": arn},
                "Action": ["sts:AssumeRoleWithSAML", "sts:TagSession"],
            }
            trust["Condition"] = {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}}
            role = {
                "account": account,
                "type": "role",
                "name": f"AWSReservedSSO_{name}_{digest}",
                "tags": {},
                "boundary": None,
            }
            role |= {"path": "/aws-reserved/sso.amazonaws.com/", "trust": document(trust), "reserved": name}
            role |= {"inline": {"AwsSSOInlinePolicy": sets[name]["inline"]}, "attached": sets[name]["managed"]}
            world["roles"].append(role)
            provider = {"account": account, "kind": "saml", "name": "AWSSSO_0a1b2c3d4e5f6071_DO_NOT_DELETE"}
            if provider not in world["providers"]:
                world["providers"].append(provider)


def generate(seed: int) -> World:
    return Generator(seed).world()
