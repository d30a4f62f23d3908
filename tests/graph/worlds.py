"""Small random organisations built directly as inventories: every rule that tells principals or resources apart occurs.

``world(seed)`` draws one; ``made(**fields)`` builds one by hand from the same small parts.
"""

from __future__ import annotations

import json
import os
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graph.questions import Questions
from graph.schema import GRAPH_VERSION
from graph.table_format import INVENTORY_FOLDER, TABLES_VERSION, BuildInfo
from graph.table_writer import TableWriter
from graph.tables import Tables
from graph.world import World
from model.entities import (
    Account,
    Assignment,
    DirectoryUser,
    IamGroup,
    IdentityCenter,
    InlinePolicy,
    KmsGrant,
    ManagedPolicy,
    Organization,
    OrganizationPolicy,
    PermissionSet,
    Provider,
    Resource,
    Role,
    S3Settings,
    Tags,
    User,
)
from model.inventory import Inventory, InventoryData
from model.sources import store_inventory

Json = dict[str, Any]

TAKEN = "2026-01-02T03:04:05+00:00"
ORG = "o-abc"
MANAGEMENT, ONE, TWO, THREE = "100000000000", "111111111111", "222222222222", "333333333333"
FOREIGN = "999999999999"
VERSION = "2012-10-17"


def document(*statements: Json, version: str | None = VERSION) -> str:
    return json.dumps({**({"Version": version} if version else {}), "Statement": list(statements)})


def allow(action: Any, resource: Any = "*", **more: Any) -> Json:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any, resource: Any = "*", **more: Any) -> Json:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def trust(principal: Any, action: Any = "sts:AssumeRole", effect: str = "Allow", **more: Any) -> Json:
    return {"Effect": effect, "Principal": principal, "Action": action, **more}


def user(name: str, account: str = ONE, *statements: Json, **more: Any) -> User:
    inline = (InlinePolicy(name="own", document=document(*statements)),) if statements else ()
    path = more.pop("path", "/")
    arn = f"arn:aws:iam::{account}:user{path}{name}"
    fields: Json = {"id": f"AIDA{account[:4]}{name.upper()}", "inline": inline, "mfa": False, **more}
    return User(arn=arn, name=name, path=path, account=account, **fields)


def role(name: str, account: str = ONE, *statements: Json, trusts: str | None = None, **more: Any) -> Role:
    inline = (InlinePolicy(name="own", document=document(*statements)),) if statements else ()
    path = more.pop("path", "/")
    arn = f"arn:aws:iam::{account}:role{path}{name}"
    fields: Json = {"id": f"AROA{account[:4]}{name.upper()}", "inline": inline, **more}
    text = document(trust({"AWS": account})) if trusts is None else trusts
    return Role(arn=arn, name=name, path=path, account=account, trust=text, **fields)


OPEN = S3Settings(
    block_public_acls=False,
    ignore_public_acls=False,
    block_public_policy=False,
    restrict_public_buckets=False,
    abac=False,
)


def bucket(name: str, account: str = ONE, *statements: Json, **more: Any) -> Resource:
    policy = document(*statements) if statements else ""
    fields: Json = {"policy": policy, "tags": {}, "s3": OPEN, "region": "us-east-1", **more}
    return Resource(arn=f"arn:aws:s3:::{name}", type="s3:bucket", account=account, name=name, **fields)


def queue(name: str, account: str = ONE, *statements: Json, **more: Any) -> Resource:
    policy = document(*statements) if statements else ""
    fields: Json = {"policy": policy, "tags": {}, "region": "us-east-1", **more}
    arn = f"arn:aws:sqs:{fields['region']}:{account}:{name}"
    return Resource(arn=arn, type="sqs:queue", account=account, name=name, **fields)


def key(name: str, account: str = ONE, *statements: Json, **more: Any) -> Resource:
    arn = f"arn:aws:kms:us-east-1:{account}:key/{name}"
    policy = document(*(statements or (allow("kms:*", Principal={"AWS": account}),)))
    fields: Json = {"policy": policy, "tags": {}, **more}
    return Resource(arn=arn, type="kms:key", account=account, region="us-east-1", name=name, **fields)


def table(name: str, account: str = ONE, **more: Any) -> Resource:
    arn = f"arn:aws:dynamodb:us-east-1:{account}:table/{name}"
    fields: Json = {"policy": "", "tags": {}, **more}
    return Resource(arn=arn, type="dynamodb:table", account=account, region="us-east-1", name=name, **fields)


def secret(name: str, account: str = ONE, **more: Any) -> Resource:
    arn = f"arn:aws:secretsmanager:us-east-1:{account}:secret:{name}-AbCdEf"
    fields: Json = {"policy": "", "tags": {}, **more}
    return Resource(arn=arn, type="secretsmanager:secret", account=account, region="us-east-1", name=name, **fields)


def made(**fields: Any) -> InventoryData:
    """An inventory of given parts: one organisation, nothing attached; IAM entities become resources too."""
    accounts = tuple(
        Account(id=id, name=f"name-{id[0]}", path=("r-1",) if id == MANAGEMENT else ("r-1", "ou-1"))
        for id in fields.pop("account_ids", (MANAGEMENT, ONE, TWO))
    )
    defaults: Json = {
        "accounts": accounts,
        "organization": Organization(
            id=ORG, management_account=MANAGEMENT, policies=fields.pop("guardrails", ()), scps_enabled=True
        ),
        "account_public_block": {account.id: False for account in accounts},
    }
    data = InventoryData(snapshot="drawn", taken=TAKEN, **{**defaults, **fields})
    return InventoryData(
        **{name: getattr(data, name) for name in data.__struct_fields__ if name != "resources"},
        resources=(*data.resources, *_iam_resources(data)),
    )


def made_world(**fields: Any) -> World:
    return World(Inventory(made(**fields)))


def scp(name: str, *statements: Json, targets: tuple[str, ...] = ("r-1",), kind: Any = "scp") -> OrganizationPolicy:
    arn = f"arn:aws:organizations::{MANAGEMENT}:policy/{ORG}/{kind}/p-{name}"
    return OrganizationPolicy(
        id=f"p-{name}", arn=arn, name=name, kind=kind, document=document(*statements), targets=targets
    )


def rcp(name: str, *statements: Json, targets: tuple[str, ...] = ("r-1",)) -> OrganizationPolicy:
    return scp(name, *statements, targets=targets, kind="rcp")


def _iam_resources(data: InventoryData) -> list[Resource]:
    found = [
        Resource(arn=one.arn, type=f"iam:{kind}", account=one.account, region="", name=one.name, tags=one.tags)
        for kind, several in (("user", data.users), ("role", data.roles))
        for one in several
    ]
    found += [
        Resource(arn=one.arn, type="iam:policy", account=one.account, region="", name=one.name, tags={})
        for one in data.policies
        if not one.aws_managed
    ]
    return found


ACTIONS = (
    "s3:GetObject",
    "s3:*",
    "s3:Get*",
    "s3:PutObject",
    "s3:ListBucket",
    "s3:PutBucketPolicy",
    "sqs:*",
    "sqs:SendMessage",
    "kms:Decrypt",
    "kms:*",
    "secretsmanager:GetSecretValue",
    "secretsmanager:*",
    "dynamodb:GetItem",
    "dynamodb:*",
    "sts:AssumeRole",
    "sts:*",
    "iam:PassRole",
    "iam:*",
    "iam:Get*",
    "*",
)

TEAMS = ("red", "blue")

#: Paths inside containers that patterns and questions are drawn from.
TAILS = ("home/ann/*", "home/*", "secret/*", "*/secret/*", "red/*", "*.csv", "logs/2026/?", "?", "a*", "*")
CONTENTS = (
    "home/ann/x",
    "home/bob/secret/k",
    "secret/k",
    "red/a.csv",
    "blue/z",
    "logs/2026/1",
    "logs/2026/11",
    "q",
    "qq",
    "ab/secret/x.csv",
    "zzz",
)


@dataclass
class Drawer:
    """Draws policies about the names of one world."""

    random: random.Random
    accounts: tuple[str, ...]
    users: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    resources: list[Resource] = field(default_factory=list)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def some(self, pool: Any, most: int) -> list[Any]:
        values = list(pool)
        return self.random.sample(values, min(len(values), self.random.randint(1, most)))

    def tags(self) -> Tags:
        found = {"team": self.random.choice(TEAMS)} if self.chance(0.7) else {}
        return {**found, "Env": "prod"} if self.chance(0.3) else found

    def pattern(self) -> str:
        one = self.random.choice(self.resources)
        account = self.random.choice(self.accounts)
        sorts = [
            "*",
            "*",
            one.arn,
            one.arn + "/*",
            one.arn + "*",
            one.arn[: -self.random.randint(1, 3)] + "*",
            "arn:aws:s3:::*/" + self.random.choice(TAILS),
            self.random.choice(self.roles),
            self.random.choice(self.users),
            f"arn:aws:iam::{account}:role/*",
            "arn:aws:iam::*:role/app/*",
            f"arn:aws:sqs:*:{account}:q-${{aws:PrincipalTag/team}}",
            "arn:aws:sqs:*:*:q-${aws:PrincipalTag/team, 'blue'}",
            "arn:aws:s3:::b-${aws:username}",
            "arn:aws:iam::*:user/${aws:username}",
            "arn:aws:iam::*:*/${aws:PrincipalTag/nothing}*",
        ]
        buckets = [item.arn for item in self.resources if item.type in ("s3:bucket", "dynamodb:table")]
        inside = self.random.choice(buckets)
        sorts += [inside + "/" + self.random.choice(TAILS) for _ in range(4)]
        sorts += [
            inside + "/home/${aws:username}/*",
            inside + "/${aws:PrincipalTag/team}/*",
            inside + "/${aws:userid}/*",
            inside + "/index/*",
        ]
        return self.random.choice(sorts)

    def condition(self) -> Json:
        account = self.random.choice(self.accounts)
        team = self.random.choice(TEAMS)
        sorts: list[Json] = [
            {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
            {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
            {"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}},
            {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
            {"StringEquals": {"aws:PrincipalTag/team": team}},
            {"StringNotEquals": {"aws:PrincipalTag/Team": team}},
            {"StringEquals": {"aws:ResourceTag/team": team}},
            {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}},
            {"StringEquals": {"aws:PrincipalTag/team": "${aws:ResourceTag/team, 'red'}"}},
            {"StringEquals": {"iam:ResourceTag/env": "prod"}},
            {"Null": {"secretsmanager:ResourceTag/env": "true"}},
            {"StringEquals": {"aws:PrincipalOrgID": ORG}},
            {"StringNotEquals": {"aws:PrincipalOrgID": ORG}},
            {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{account}:role/*"}},
            {"ArnNotEquals": {"aws:PrincipalArn": self.random.choice(self.roles)}},
            {"StringEquals": {"aws:PrincipalAccount": account}},
            {"StringEquals": {"aws:ResourceAccount": account}},
            {"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}},
            {"Bool": {"aws:SecureTransport": "false"}},
            {"StringLike": {"s3:prefix": "home/*"}},
            {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}},
            {"StringEquals": {"sts:ExternalId": "sesame"}},
            {"StringEquals": {"sts:RoleSessionName": "${aws:username}"}},
            {"StringLike": {"aws:userid": "AROA1111*:ann"}},
            {"Bool": {"aws:PrincipalIsAWSService": "true"}},
            {"StringEquals": {"aws:SourceAccount": account}},
            {"DateLessThan": {"aws:CurrentTime": "2026-06-01T00:00:00Z"}},
        ]
        found = self.random.choice(sorts)
        return {**self.random.choice(sorts), **found} if self.chance(0.2) else found

    def statement(self, share_denied: float = 0.25) -> Json:
        found: Json = {"Effect": "Deny" if self.chance(share_denied) else "Allow"}
        found["NotAction" if self.chance(0.1) else "Action"] = self.some(ACTIONS, 3)
        found["NotResource" if self.chance(0.12) else "Resource"] = [
            self.pattern() for _ in range(self.random.randint(1, 3))
        ]
        if self.chance(0.4):
            found["Condition"] = self.condition()
        return found

    def identity(self) -> str:
        statements = [self.statement() for _ in range(self.random.randint(1, 4))]
        if self.chance(0.5):
            statements.append(allow(["sts:AssumeRole", "s3:*"]))
        return document(*statements, version=None if self.chance(0.05) else VERSION)

    def principal(self) -> Any:
        account = self.random.choice(self.accounts)
        a_role = self.random.choice(self.roles)
        session = a_role.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/").rsplit("/", 1)[-1]
        session = f"arn:aws:sts::{a_role.split(':')[4]}:assumed-role/{session}/nightly"
        return self.random.choice(
            [
                "*",
                {"AWS": "*"},
                {"AWS": account},
                {"AWS": f"arn:aws:iam::{account}:root"},
                {"AWS": f"arn:aws:iam::{account}:root"},
                {"AWS": self.random.choice(self.users)},
                {"AWS": a_role},
                {"AWS": self.some([*self.roles, *self.users], 4)},
                {"AWS": session},
                {"AWS": f"AROA{account[:4]}R1"},
                {"AWS": FOREIGN},
                {"AWS": f"arn:aws:iam::{FOREIGN}:role/partner"},
                {"Service": "lambda.amazonaws.com"},
                {"Service": "states.eu-west-1.amazonaws.com"},
            ]
        )

    def resource_policy(self, one: Resource) -> str | None:
        if self.chance(0.08):
            return None
        statements = []
        for _ in range(self.random.randint(1, 3)):
            found = self.statement(0.3)
            found.pop("NotResource", None)
            inside = [one.arn + "/" + self.random.choice(TAILS)] if one.type == "s3:bucket" else []
            found["Resource"] = [one.arn, *inside] if self.chance(0.7) else "*"
            negated = found["Effect"] == "Deny" and self.chance(0.3)
            found["NotPrincipal" if negated else "Principal"] = self.principal()
            statements.append(found)
        return document(*statements)

    def trust(self, providers: list[Provider]) -> str:
        statements = []
        for _ in range(self.random.randint(1, 2)):
            if self.chance(0.15) and providers:
                one = self.random.choice(providers)
                action = "sts:AssumeRoleWithSAML" if one.kind == "saml" else "sts:AssumeRoleWithWebIdentity"
                found = trust({"Federated": one.arn}, action)
            else:
                found = trust(self.principal(), ["sts:AssumeRole", *(["sts:TagSession"] if self.chance(0.25) else [])])
                if self.chance(0.1):
                    found["Effect"] = "Deny"
            if self.chance(0.35):
                found["Condition"] = self.condition()
            statements.append(found)
        return document(*statements)

    def guardrails(self) -> tuple[OrganizationPolicy, ...]:
        full = allow("*")
        found = [scp("full", full, targets=("r-1", "ou-1", *self.accounts))]
        for number in range(self.random.randint(0, 2)):
            targets = (self.random.choice(["r-1", "ou-1", *self.accounts]),)
            found.append(scp(f"d{number}", {**self.statement(), "Effect": "Deny"}, targets=targets))
        if self.chance(0.5):
            regions = [self.random.choice(["us-east-1", "eu-west-1"])]
            denial: Json = {"Effect": "Deny", "NotAction": ["iam:*", "s3:List*"], "Resource": "*"}
            denial["Condition"] = {"StringNotEquals": {"aws:RequestedRegion": regions}}
            if self.chance(0.5):
                denial["Condition"]["ArnNotLike"] = {"aws:PrincipalArn": self.random.choice(self.roles)}
            found.append(scp("regions", denial, targets=(self.random.choice(["r-1", *self.accounts]),)))
        if self.chance(0.3):
            narrow = allow(["s3:*", "sts:*", "kms:*", "iam:Get*"], "*")
            found.append(scp("narrow", narrow, targets=(self.random.choice(self.accounts),)))
            found[0] = scp(
                "full", full, targets=("r-1", "ou-1", *[a for a in self.accounts if a != found[-1].targets[0]])
            )
        if self.chance(0.7):
            one = {**self.statement(), "Effect": "Deny", "Principal": "*"}
            found.append(rcp("r", one, targets=(self.random.choice(["r-1", "ou-1", *self.accounts]),)))
        return tuple(found)


def world(seed: int) -> InventoryData:
    """One random organisation of two or three member accounts."""
    draw = Drawer(random.Random(seed), (ONE, TWO, THREE) if seed % 3 == 0 else (ONE, TWO))
    users = [(name, account) for account in draw.accounts for name in ("ann", "bob")]
    roles = [(f"R{n}", account, "/app/" if n == 2 else "/") for account in draw.accounts for n in range(4)]
    draw.users = [f"arn:aws:iam::{account}:user/{name}" for name, account in users]
    draw.roles = [f"arn:aws:iam::{account}:role{path}{name}" for name, account, path in roles]
    draw.resources = [
        one
        for account in draw.accounts
        for one in (
            bucket(
                f"b-{'ann' if account == ONE else account[0]}", account, region=draw.random.choice(["us-east-1", ""])
            ),
            bucket(f"data-{account[0]}-1", account, tags=draw.tags()),
            bucket(f"data-{account[0]}-2", account, tags=draw.tags()),
            queue("q-red", account, tags=draw.tags()),
            queue("q-blue", account, tags=draw.tags(), region="eu-west-1"),
            queue("q-jobs", account, tags=None if draw.chance(0.2) else draw.tags()),
            key(f"k-{account[0]}", account, tags=draw.tags()),
            secret("token", account, tags=draw.tags()),
            secret("other", account, tags=draw.tags()),
            table("orders", account, tags=draw.tags()),
        )
    ]
    providers = [
        Provider(arn=f"arn:aws:iam::{ONE}:saml-provider/okta", account=ONE, kind="saml"),
        Provider(arn=f"arn:aws:iam::{TWO}:oidc-provider/idp.example", account=TWO, kind="oidc", url="idp.example"),
    ]
    policies = [
        ManagedPolicy(
            arn=f"arn:aws:iam::{account}:policy/shared-{number}",
            id=f"ANPA{number}",
            name=f"shared-{number}",
            account=account,
            document=None if draw.chance(0.12) else draw.identity(),
        )
        for account in draw.accounts
        for number in range(3)
    ]
    groups = [_group(draw, account, policies) for account in draw.accounts]
    return made(
        account_ids=(MANAGEMENT, *draw.accounts),
        guardrails=draw.guardrails(),
        users=tuple(_user(draw, name, account, policies, groups) for name, account in users),
        roles=(
            *(_role(draw, name, account, path, policies, providers) for name, account, path in roles),
            *_reserved(draw),
            role("AWSServiceRoleForX", ONE, *_statements(draw), path="/aws-service-role/x.amazonaws.com/"),
        ),
        groups=tuple(groups),
        policies=tuple(policies),
        providers=tuple(providers),
        resources=tuple(_resource(draw, one) for one in draw.resources),
        account_public_block={account: draw.chance(0.3) for account in draw.accounts if draw.chance(0.8)},
        centers=(
            IdentityCenter(instance="i", store="d", owner=MANAGEMENT, abac=draw.random.choice([True, False, None])),
        ),
        permission_sets=(PermissionSet(arn="arn:aws:sso:::permissionSet/i/ps-1", name="Ops", instance="i"),),
        directory_users=(
            DirectoryUser(id="d-1", user_name="eve", emails=("eve@x.example",), active=True),
            DirectoryUser(id="d-2", user_name="old", active=False),
        ),
        assignments=tuple(
            Assignment(
                permission_set="arn:aws:sso:::permissionSet/i/ps-1", account=a, principal_type="USER", principal_id=p
            )
            for a in draw.accounts[:1]
            for p in ("d-1", "d-2")
        ),
    )


def _statements(draw: Drawer) -> list[Json]:
    return [draw.statement() for _ in range(2)]


def _attached(draw: Drawer, account: str, policies: list[ManagedPolicy]) -> tuple[str, ...]:
    own = [policy.arn for policy in policies if policy.account == account]
    return tuple(draw.some(own, 2)) if draw.chance(0.5) else ()


def _boundary(draw: Drawer, account: str, policies: list[ManagedPolicy]) -> str | None:
    own = [policy.arn for policy in policies if policy.account == account]
    return draw.random.choice(own) if draw.chance(0.2) else None


def _group(draw: Drawer, account: str, policies: list[ManagedPolicy]) -> IamGroup:
    inline = (InlinePolicy(name="g", document=draw.identity()),)
    arn = f"arn:aws:iam::{account}:group/staff"
    attached = _attached(draw, account, policies)
    return IamGroup(arn=arn, id="AGPA1", name="staff", path="/", account=account, inline=inline, attached=attached)


def _user(draw: Drawer, name: str, account: str, policies: list[ManagedPolicy], groups: list[IamGroup]) -> User:
    return user(
        name,
        account,
        inline=(InlinePolicy(name="own", document=draw.identity()),),
        tags=draw.tags(),
        mfa=draw.random.choice([True, False, None]),
        groups=tuple(group.arn for group in groups if group.account == account and draw.chance(0.4)),
        attached=_attached(draw, account, policies),
        boundary=_boundary(draw, account, policies),
    )


def _role(
    draw: Drawer, name: str, account: str, path: str, policies: list[ManagedPolicy], providers: list[Provider]
) -> Role:
    return role(
        name,
        account,
        trusts=draw.trust(providers),
        path=path,
        inline=(InlinePolicy(name="own", document=draw.identity()),),
        tags=draw.tags(),
        attached=_attached(draw, account, policies),
        boundary=_boundary(draw, account, policies),
    )


def _reserved(draw: Drawer) -> list[Role]:
    saml = trust({"Federated": f"arn:aws:iam::{ONE}:saml-provider/okta"}, ["sts:AssumeRoleWithSAML", "sts:TagSession"])
    path = "/aws-reserved/sso.amazonaws.com/"
    return [role("AWSReservedSSO_Ops_0123456789abcdef", ONE, *_statements(draw), trusts=document(saml), path=path)]


def _resource(draw: Drawer, one: Resource) -> Resource:
    policy: str | None = one.policy
    grants: tuple[KmsGrant, ...] | None = ()
    settings = one.s3
    if one.type == "kms:key":
        statements = [allow("kms:*", Principal={"AWS": f"arn:aws:iam::{one.account}:root"})] if draw.chance(0.7) else []
        policy = document(*statements, *json.loads(draw.resource_policy(one) or document())["Statement"])
        grantee = draw.random.choice([*draw.users, *draw.roles])
        if draw.chance(0.4):
            grants = None if draw.chance(0.3) else (KmsGrant(id="g", grantee=grantee, operations=("Decrypt", "Sign")),)
    elif draw.chance(0.45):
        policy = draw.resource_policy(one)
    if settings is not None:
        settings = S3Settings(
            restrict_public_buckets=draw.random.choice([True, False, None]),
            abac=draw.random.choice([True, False, None]),
        )
    return Resource(
        arn=one.arn,
        type=one.type,
        account=one.account,
        region=one.region,
        name=one.name,
        tags=one.tags,
        policy=policy,
        grants=grants,
        s3=settings,
    )


def questions_of(world: World, folder: Path) -> Questions:
    """The façade over the tables of a world, written to an empty ``folder`` without a graph beside them."""
    (folder / INVENTORY_FOLDER).mkdir()
    store_inventory(world.inventory, folder / INVENTORY_FOLDER)
    writer = TableWriter(folder)
    for account in world.resolver.accounts:
        partition = world.resolver.partition(account)
        writer.add(partition, list(world.resolver.steps(partition)))
    writer.finish(world.subjects.all)
    writer.write_info(
        BuildInfo(
            version=TABLES_VERSION,
            graph_version=GRAPH_VERSION,
            snapshot=world.inventory.data.snapshot,
            nodes={},
            edges={},
            principal_classes=0,
            resource_classes=len(world.classes),
            seconds={},
        )
    )
    return Questions(Tables(folder))


#: Whether this is a long run.
LONG = bool(os.environ.get("GRANTMAP_TEST_ALL"))


def seeds(few: int, many: int) -> range:
    """Seeds of a default run, or of a long one where ``GRANTMAP_TEST_ALL`` is set."""
    return range(1, (many if LONG else few) + 1)
