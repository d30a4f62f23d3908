"""Random decision cases, one for each seed: complete requests over every layer, principal and operator.

`world(seed)` gives the same case for the same seed. Names and values come from the small pools of `tests.oracle.pools`,
which overlap, so that most statements are about the request and its answer hangs on their details.
"""

import json
import random
from typing import Any

from tests.oracle.evaluate import Case
from tests.oracle.pools import (
    CANONICAL,
    FAMILIES,
    FEDERATED,
    LONG,
    NEW,
    OLD,
    OTHER,
    OWN,
    PATTERNS,
    PRINCIPALS,
    ROLE_ID,
    SERVICES,
    STRANGE_CANONICAL,
    STRINGS,
    TARGETS,
    USER_ID,
    VALUES,
    WILD,
)


class Draw:
    """The choices of one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.partition = self.random.choices(["aws", "aws-cn", "aws-us-gov"], [90, 5, 5])[0]
        self.kind = self.random.choices([*PRINCIPALS], [*PRINCIPALS.values()])[0]
        crosses = self.kind not in ("service", "provider", "anonymous", "reserved") and self.chance(0.3)
        self.account, self.owner = OWN, OTHER if crosses else OWN
        targets = {"arn:{p}:iam::{a}:role/team/app": "sts:AssumeRole"} if self.kind == "provider" else TARGETS
        self.resource, actions = self.random.choice([*targets.items()])
        self.resource = self.fill(self.resource, self.owner)
        self.action = self.random.choice(actions.split())
        self.context: dict[str, Any] = {}
        self.principal = self.caller()
        self.session_name = self.principal.rsplit("/", 1)[-1]

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def fill(self, text: str, account: str) -> str:
        return text.replace("{p}", self.partition).replace("{a}", account)

    def wild(self, text: str) -> str:
        """A pattern that matches a text, with `*` for one to three pieces of it and now and then a `?`."""
        for _ in range(self.random.choice([1, 1, 2, 3])):
            start = self.random.randint(0, len(text))
            end = min(len(text), start + self.random.choice([0, 1, 3, 6, 12]))
            mark = "?" if end - start == 1 and self.chance(0.5) else "*"
            text = text[:start] + mark + text[end:]
        return text

    # --- the request ---

    def caller(self) -> str:
        """The principal, and the keys of the context that follow from it."""
        iam, sts = f"arn:{self.partition}:iam::{self.account}", f"arn:{self.partition}:sts::{self.account}"
        self.role = f"{iam}:role/team/app"
        if self.kind == "service-linked":
            self.role = f"{iam}:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX"
        if self.kind == "reserved":
            self.role = f"{iam}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_ops_1"
        name = self.role.split("/")[-1]
        known = {"aws:PrincipalAccount": self.account, "aws:PrincipalOrgID": "o-1"}
        if self.kind in ("service", "anonymous"):
            return "anonymous" if self.kind == "anonymous" else self.random.choice(SERVICES)
        if self.kind == "provider":
            provider, self.action = self.random.choice([*FEDERATED.items()])
            return self.fill(provider, self.account)
        self.context |= known if self.chance(0.9) else {}
        if self.kind in ("user", "root", "federated-user"):
            tails = {"user": "user/team/alice", "root": "root", "federated-user": "federated-user/alice"}
            arn = f"{sts if self.kind == 'federated-user' else iam}:{tails[self.kind]}"
            self.context |= {"aws:PrincipalArn": arn} if self.chance(0.9) else {}
            self.context |= {"aws:username": "alice", "aws:userid": USER_ID} if self.kind == "user" else {}
            return arn
        self.context |= {"aws:userid": f"{ROLE_ID}:nightly"} if self.chance(0.8) else {}
        if self.kind != "session without a known role":
            self.context["aws:PrincipalArn"] = self.role
        return self.role if self.kind == "role" else f"{sts}:assumed-role/{name}/nightly"

    def fill_context(self) -> None:
        for key, values in VALUES.items():
            if key not in self.context and not key.startswith("s3:DataAccessPoint") and self.chance(0.45):
                value = self.random.choice(values[:2]) if self.chance(0.75) else self.random.choice(values)
                name = key.swapcase() if self.chance(0.03) else key
                self.context[name] = [value] if isinstance(value, str) and self.chance(0.03) else value

    # --- statements ---

    def value_for(self, key: str, operator: str) -> str:
        """A policy value that the request may well have."""
        given = {name.lower(): value for name, value in self.context.items()}.get(key.lower())
        own = [*given] if isinstance(given, list) else [] if given is None else [given]
        strings = operator.startswith(("String", "Arn"))
        pool = [
            one
            for value in VALUES.get(key, [self.role, self.principal])
            for one in ([value] if isinstance(value, str) else value)
        ]
        if own and self.chance(0.5):
            return str(self.random.choice(own))
        if key in PATTERNS and self.chance(0.6):
            return self.random.choice(PATTERNS[key])
        if strings and self.chance(0.3):
            return self.random.choice(WILD) if self.chance(0.6) else self.wild(str(self.random.choice(own or pool)))
        text = self.random.choice(pool)
        return text.upper() if self.chance(0.08) else text

    def condition(self, easy: bool) -> dict[str, Any]:
        """One or two lines; `easy` ones mostly hold."""
        block: dict[str, Any] = {}
        for _ in range(1 if self.chance(0.8) else 2):
            service = self.action.split(":")[0]
            keys = [
                key
                for key in [*VALUES, "aws:PrincipalArn", "aws:userid"]
                if key.split(":")[0] in ("aws", "example", service)
            ]
            present = [key for key in keys if key in self.context]
            key = self.random.choice(present if present and self.chance(0.7) else keys)
            operator = self.random.choice(FAMILIES.get(key, STRINGS))
            if easy and "Not" in operator and self.chance(0.6):
                operator = operator.replace("Not", "")
            many = isinstance(VALUES.get(key, [""])[0], list)
            values: list[Any] = [self.value_for(key, operator) for _ in range(self.random.choice([1, 1, 2, 3]))]
            if self.chance(0.9 if many else 0.06):
                operator = f"{self.random.choice(['ForAllValues', 'ForAnyValue'])}:{operator}"
            if self.chance(0.25):
                operator += "IfExists"
            if self.chance(0.06):
                operator, values = "Null", [self.random.choice(["true", "false"])]
            if self.chance(0.1) and operator.startswith(("Bool", "Numeric")):
                values = [
                    json.loads(value) if value.isdigit() or value in ("true", "false") else value for value in values
                ]
            key = key.lower() if self.chance(0.1) else key
            block.setdefault(operator, {})[key] = values if len(values) > 1 or self.chance(0.3) else values[0]
        return block

    def actions(self) -> Any:
        service, _, name = self.action.partition(":")
        near = [
            self.action,
            self.action.lower(),
            f"{service}:*",
            "*",
            f"{service}:{name[:3]}*",
            f"{service}:?{name[1:]}",
        ]
        far = [f"{service}:{name}X", "ec2:RunInstances", f"{service}:Zzz*"]
        chosen = [self.random.choice(near if self.chance(0.95) else far)]
        chosen += [self.random.choice(near + far)] if self.chance(0.2) else []
        # A long list is looked up by its services.
        chosen += [f"{name}:{self.random.choice(['Get*', '*', 'Send?'])}" for name in LONG] if self.chance(0.05) else []
        return chosen if len(chosen) > 1 or self.chance(0.3) else chosen[0]

    def resources(self) -> Any:
        arn = self.resource
        head, tail = arn.rsplit(":", 1) if ":" in arn else ("", arn)
        near = ["*", arn, arn[:-1] + "?", f"{arn[:-3]}*", self.wild(arn)]
        if ":" in arn:
            near += [
                f"{head}:*",
                f"{':'.join(arn.split(':')[:3])}:*",
                f"{head}:{tail.replace('app', '${aws:PrincipalTag/team}')}",
            ]
            near += [f"{head}:{tail.replace('alice', '${aws:username}')}", f"{head}:{tail.replace('app', '?pp')}"]
            near += [f"{head}:" + tail.replace("alice", "${aws:PrincipalTag/none, 'alice'}").replace("*?", "${*}${?}")]
        far = [arn.upper(), f"{arn}x", f"{arn}/${{aws:PrincipalTag/none}}", f"{head}:${{aws:PrincipalTag/dept}}"]
        chosen = [self.random.choice(near if self.chance(0.92) else far)]
        chosen += [self.random.choice(near + far)] if self.chance(0.3) else []
        return chosen if len(chosen) > 1 or self.chance(0.3) else chosen[0]

    def named(self) -> Any:
        """A Principal element: everybody, or one to three names by kind."""
        iam, sts = f"arn:{self.partition}:iam::{self.account}", f"arn:{self.partition}:sts::{self.account}"
        if self.chance(0.6 if self.kind == "anonymous" else 0.22):
            return self.random.choice(["*", {"AWS": "*"}, {"AWS": ["*"]}])
        if self.kind == "provider" and self.chance(0.8):
            return {"Federated": self.principal}
        if self.kind == "service" and self.chance(0.8):
            near = [
                self.principal,
                self.principal.replace("us-east-1.", ""),
                self.random.choice(SERVICES),
            ]
            return {"Service": self.random.choice([*near, near])}
        role = self.role.split("/")[-1]
        if self.chance(0.4) and self.kind != "anonymous":
            return {"AWS": self.random.choice([self.principal, self.role, f"{iam}:root", self.account])}
        names = [self.principal, self.role, f"{iam}:root", self.account, f"{sts}:assumed-role/{role}/nightly"]
        names += [f"{iam}:user/team/alice", f"{iam}:role/other/{role}", USER_ID, ROLE_ID, OTHER, f"{iam}:role/*"]
        names += [f"{iam}:root", f"{iam}:user/alice", f"{sts}:assumed-role/{role}/other", f"{sts}:federated-user/alice"]
        chosen = self.random.sample(names, self.random.choice([1, 1, 2, 3]))
        element: dict[str, Any] = {"AWS": chosen if len(chosen) > 1 else chosen[0]}
        if self.chance(0.1):
            element["Service"] = self.random.choice(SERVICES)
        if self.chance(0.1):
            element = {"CanonicalUser": self.random.choice([CANONICAL, STRANGE_CANONICAL])}
        return element

    def spared(self) -> Any:
        """A NotPrincipal element, now and then all that it takes to spare the caller (P4)."""
        if self.chance(0.4) or self.kind in ("service", "provider", "anonymous"):
            return self.named()
        names = [self.principal, f"arn:{self.partition}:iam::{self.account}:root", self.role]
        return {"AWS": names if self.chance(0.7) else names[:2]}

    def statement(self, effect: str, named: bool = False, resource: bool = True) -> dict[str, Any]:
        found: dict[str, Any] = {"Effect": effect}
        found["NotAction" if self.chance(0.08) else "Action"] = self.actions()
        if resource:
            found["NotResource" if self.chance(0.1) else "Resource"] = self.resources()
        for turned, far in (
            ("NotAction", "ec2:RunInstances"),
            ("NotResource", f"{self.resource[:-2]}/${{aws:username}}"),
        ):
            if turned in found and self.chance(0.7):
                found[turned] = self.random.choice(
                    [far, [far, "arn:aws:s3:::other/${aws:PrincipalTag/dept}"]][: 1 + ("Res" in turned)]
                )
        if named:
            negated = self.chance(0.12) if effect == "Deny" else self.chance(0.03)
            found["NotPrincipal" if negated else "Principal"] = self.spared() if negated else self.named()
        if self.chance(0.35 if effect == "Allow" else 0.6):
            found["Condition"] = self.condition(easy=effect == "Allow")
        return found

    def document(self, allow: float = 0.95, deny: float = 0.2, **how: bool) -> dict[str, Any]:
        found = [self.statement("Allow", **how)] if self.chance(allow) else []
        found += [self.statement("Allow", **how)] if self.chance(0.2) else []
        found += [self.statement("Deny", **how)] if self.chance(deny) else []
        self.random.shuffle(found)
        version = {"Version": self.random.choices([NEW, OLD], [9, 1])[0]} if self.chance(0.95) else {}
        return {**version, "Statement": found[0] if len(found) == 1 and self.chance(0.3) else found}

    # --- the layers ---

    def levels(self, allow: float, deny: float, **how: bool) -> list[dict[str, Any]]:
        names = ["root", "ou", "account"][: self.random.choice([1, 2, 3])]
        full = {"Version": NEW, "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        documents = [full if self.chance(0.5) else self.document(allow, deny, **how) for _ in names]
        return [{"level": name, "policies": [document]} for name, document in zip(names, documents, strict=True)]

    def grants(self) -> list[dict[str, Any]]:
        operation = self.action.split(":")[1]
        grantees = [self.principal, self.role, f"arn:{self.partition}:iam::{self.account}:user/bob"]
        return [
            {
                "grantee": self.random.choice(grantees),
                "operations": self.random.choice([[operation], ["Encrypt", operation], ["Encrypt"]]),
            }
            for _ in range(self.random.choice([1, 2]))
        ]

    def acl(self) -> list[dict[str, Any]]:
        grantees = [CANONICAL, CANONICAL, STRANGE_CANONICAL, "AllUsers", "AuthenticatedUsers", "LogDelivery"]
        permissions = ["READ", "READ", "WRITE", "READ_ACP", "WRITE_ACP", "FULL_CONTROL"]
        return [
            {"grantee": self.random.choice(grantees), "permission": self.random.choice(permissions)}
            for _ in range(self.random.choice([1, 2]))
        ]

    def access_point(self) -> dict[str, Any]:
        """An access point of the bucket, whose policy is drawn about its own name for the resource."""
        account = self.owner if self.chance(0.8) else OTHER
        found: dict[str, Any] = {
            "arn": f"arn:{self.partition}:s3:us-east-1:{account}:accesspoint/app",
            "account": account,
        }
        bucket, (_, slash, key) = self.resource, self.resource.partition("/")
        self.resource = found["arn"] + (f"/object/{key}" if slash else "")
        found["policy"] = self.document(0.95, 0.2, named=True) if self.chance(0.7) else None
        self.resource = bucket
        if self.chance(0.3):
            found["vpc"] = "vpc-1"
        if self.chance(0.3):
            self.context["aws:SourceVpc"] = self.random.choice(["vpc-1", "vpc-2"])
        return {**found, "blockPublicAccess": self.chance(0.4)}

    def s3(self) -> dict[str, Any]:
        found: dict[str, Any] = {"blockPublicAccess": self.chance(0.5)} if self.chance(0.6) else {}
        if self.chance(0.5):
            found["acl"] = self.acl()
            found |= {"ignorePublicAcls": self.chance(0.5)} if self.chance(0.3) else {}
            owners = ["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"]
            found |= {"objectOwnership": self.random.choice(owners)} if self.chance(0.4) else {}
        return found | ({"accessPoint": self.access_point()} if self.chance(0.3) else {})

    def settings(self) -> dict[str, Any]:
        found: dict[str, Any] = {"crossAccountLimits": True} if self.chance(0.3) else {}
        if self.action.startswith("kms:") and self.chance(0.3):
            found["grants"] = self.grants()
        if self.action.startswith("s3:") and self.resource != "*" and self.chance(0.6):
            found["s3"] = self.s3()
        return found

    def also(self) -> list[dict[str, Any]]:
        """One more resource that the action needs, with a name that most patterns match too."""
        found: dict[str, Any] = {"resource": self.resource[:-1] + "y"}
        found |= {"resource_account": self.random.choice([OWN, OTHER])} if self.chance(0.3) else {}
        return [found | ({"resource_policy": self.document(0.95, 0.2, named=True)} if self.chance(0.5) else {})]

    def case(self) -> Case:
        self.fill_context()
        case: Case = {"principal": self.principal, "action": self.action, "resource": self.resource}
        case |= {"resource_account": self.owner, "context": self.context}
        has_policies = self.kind not in ("root", "service", "provider", "anonymous")
        if has_policies or self.chance(0.1):
            case["identity_policies"] = [self.document() for _ in range(self.random.choice([1, 1, 2]))]
        if has_policies and self.kind != "service-linked" and self.chance(0.2):
            case["permission_boundaries"] = [self.document()]
        if self.chance(0.9 if self.kind == "federated-user" else 0.25 if "session" in self.kind else 0):
            case["session_policies"] = [self.document() for _ in range(self.random.choice([1, 1, 2]))]
        if self.chance(0.3):
            case["scps"] = self.levels(0.92, 0.15)
        if self.chance(0.3):
            case["rcps"] = self.levels(0, 0.4, named=True)
        if self.chance(0.12):
            case["vpc_endpoint_policies"] = [self.document(named=self.chance(0.7))]
        trust = self.action.startswith("sts:") and self.resource != "*"
        needed = self.owner != self.account or trust or ":key/" in self.resource or not has_policies
        if self.resource != "*" and self.chance(0.93 if needed else 0.45):
            case["resource_policy"] = self.document(0.95, 0.2, named=True, resource=not trust)
        if self.resource != "*" and not trust and self.chance(0.08):
            case["also"] = self.also()
        if self.resource != "*" and not self.action.startswith("s3:") and self.chance(0.06):
            case["shares"] = [self.document(0.95, 0.1, named=True, resource=not trust)]
        case["settings"] = self.settings()
        case["principal_canonical_id"] = CANONICAL
        return {name: value for name, value in case.items() if value not in ({}, None)}


def world(seed: int) -> Case:
    """The case of one seed."""
    return {"id": f"seed {seed}", **Draw(seed).case()}
