"""Requests in a random organisation: who asks, what for, with which documents and context, and the naive verdict.

Every document is reduced to the statements that can be about the request; then `tests.oracle.unknown` and
`tests.oracle.evaluate` decide it under every completion of what is not known. Readings chosen:

* A role asked for directly chooses the name of its session; so does a person's session (its name is not compared).
* The rows of `reach` are about single resources: what else an action needs (semantics M6) is asked of none here.
* Of a bucket that was not listed nobody knows which guardrails are over it, and what conditions would read of its
  account.
* A foreign account belongs to no organisation or to another one; a principal of it has unknown tags and MFA.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from tests.oracle.evaluate import (
    ALLOWED,
    ALWAYS_DIFFERENT,
    EXPLICIT,
    IMPLICIT,
    OWN_ACCOUNT_ONLY,
    Case,
    caller,
    fits,
    glob,
    listed,
)
from tests.oracle.expect import everyone, mentioned_keys
from tests.oracle.organisation_completions import PREFIXED, by_choice, outcomes
from tests.oracle.organisation_facts import (
    ABSENT,
    CALLING,
    EVERYTHING,
    NOTHING,
    UNKNOWN,
    Subject,
    buckets_unlisted,
    can_be_about,
    carries_tags,
    foreigner,
    may_carry,
    owning,
    tag,
)
from tests.oracle.organisation_points import POINT_ACCOUNT, POINT_KEYS, behind, names_of, without_points
from tests.oracle.organisation_shares import attach_shares, statement_list
from tests.oracle.organisation_sides import BY_BUCKET_ACL, attach
from tests.oracle.organisations import UNREAD_POLICY, Organisation
from tests.oracle.unknown import CONDITIONAL, conditioned, fold

Json = dict[str, Any]


class Requests:
    """Decides requests in one organisation; equal ones once."""

    def __init__(self, organisation: Organisation, now: str) -> None:
        self.world, self.now = organisation, now
        self.users: dict[str, Json] = {one["arn"]: one for one in organisation["users"]}
        self.roles: dict[str, Json] = {one["arn"]: one for one in organisation["roles"]}
        self.resources: dict[str, Json] = {one["arn"]: one for one in organisation["resources"]}
        self.tagged: dict[str, dict[str, str]] = {arn: {} for arn in organisation["policies"]}
        holders = [one for field in ("users", "roles", "groups") for one in organisation[field]]
        self.tagged |= {one["arn"]: one.get("tags", {}) for one in holders}
        self.subjects: dict[str, Subject] = {}
        self.pruned: dict[Any, Any] = {}
        self.matched: dict[Any, bool] = {}
        self.known: dict[Any, str] = {}
        self.certain: dict[Any, bool] = {}
        self.decided = self.compared = 0
        self.shares = [statement_list(one) for one in organisation.get("shares", ())]
        self.endpoint: Json = {}  # what every request comes through

    # --- who asks ---

    def subject(self, principal: str) -> Subject:
        """What a principal is: as a case names it, its account, the contents that its documents may have."""
        if principal not in self.subjects:
            self.subjects[principal] = self.made(principal)
        return self.subjects[principal]

    def made(self, principal: str) -> Subject:
        found: Subject = {"key": principal, "principal": principal, "account": "", "identities": [[]], "boundary": []}
        found |= {"tags": {}, "mfa": False, "limits": {}, "known": {}}
        account = principal.removeprefix("account:")
        if account.isdigit():
            found["principal"] = f"arn:aws:iam::{account}:user/{ALWAYS_DIFFERENT}"
        found["kind"] = caller({"principal": found["principal"], "action": "x:y"})["kind"]
        if found["kind"] in ("anonymous", "service", "provider"):
            return found
        found["account"] = found["principal"].split(":")[4]
        if found["account"] not in self.world["accounts"]:
            return foreigner(found)
        if found["kind"] == "root":
            return found | {"mfa": True}
        entity = self.users.get(principal) or self.role_of(principal)
        if entity is None and not self.world["accounts"][found["account"]]["read"]:
            return foreigner(found)
        if entity is None:
            raise KeyError(principal)
        return found | self.own(found, entity)

    def role_of(self, principal: str) -> dict[str, Any] | None:
        if principal in self.roles:
            return self.roles[principal]
        place, _, name = principal.partition(":assumed-role/")
        account = place.rpartition(":")[2]
        alike = [one for one in self.roles.values() if one["account"] == account and one["name"] == name.split("/")[0]]
        return alike[0] if alike else None

    def own(self, found: Subject, entity: dict[str, Any]) -> Subject:
        """A user or a role of the organisation."""
        account, joined = entity["account"], entity.get("groups", [])
        groups = [g for g in self.world["groups"] if g["account"] == account and g["name"] in joined]
        documents = [document for one in (entity, *groups) for document in one["inline"].values()]
        attached = [arn for one in (entity, *groups) for arn in one["attached"]]
        documents += [self.world["policies"][arn] for arn in attached if arn != UNREAD_POLICY]
        identities = [documents]
        if UNREAD_POLICY in attached:  # it may hold anything
            identities = [documents, [*documents, EVERYTHING], [*documents, NOTHING]]
        boundary = [self.world["policies"].get(entity["boundary"])] if entity["boundary"] else []
        more: Subject = {"identities": identities, "boundary": boundary, "tags": entity["tags"], "entity": entity}
        if found["kind"] == "user":
            return more | {"mfa": entity["mfa"], "known": {"aws:userid": entity["id"]}}
        more |= {"role": entity["arn"], "mfa": not entity["set"], "tags": self.session_tags(entity)}
        name = found["key"].split("/")[-1] if ":assumed-role/" in found["key"] else ""
        if name:
            return more | {"known": {"aws:userid": f"{entity['id']}:{name}"}}
        return more | {"limits": {"aws:userid": f"{entity['id']}:"}}

    def session_tags(self, role: dict[str, Any]) -> dict[str, str] | None:
        """U3: a role's own tags, unless whoever takes it may bring others."""
        if role["set"]:
            return None if self.world["abac"] else {}
        allowing = [s for s in role["trust"]["Statement"] if s["Effect"] == "Allow"]
        actions = [action.lower() for statement in allowing for action in listed(statement["Action"])]
        return None if any(glob(action)("sts:tagsession") for action in actions) else role["tags"]

    # --- what is asked for ---

    def place(self, resource: str) -> dict[str, Any]:
        """The collected resource that an ARN is, or lies in."""
        resource, _ = behind(self.world, resource)
        if resource.startswith("arn:aws:s3:::"):
            return self.resources.get(resource.split("/")[0], {})
        return self.resources.get(resource.split("/index/")[0], {})

    def owner(self, subject: Subject, resource: str) -> str:
        if resource == "*":
            return str(subject["account"])
        _, point = behind(self.world, resource)
        return str(self.place(resource).get("account") or point.get("owner") or resource.split(":")[4] or "")

    def owners(self, subject: Subject, resource: str) -> list[str]:
        """The accounts that a resource may be in: a bucket that was not collected where none were listed, or outside
        the organisation where the caller is."""
        found = self.owner(subject, resource)
        if found or not resource.startswith("arn:aws:s3:::"):
            return [found]
        outside = {str(subject["account"])} - {"", *self.world["accounts"]}
        return [found, *outside, *(one for one in self.world["accounts"] if buckets_unlisted(self.world, one))]

    def levels(self, field: str, account: str) -> list[list[Any]]:
        """The policies of each place from the root to the account; the management account has none (L2, L3)."""
        if account == self.world["management"] or account not in self.world["accounts"]:
            return []
        places = [*self.world["accounts"][account]["path"], account]
        return [[one for one in self.world[field] if place in one["targets"]] for place in places]

    def about(self, document: dict[str, Any], action: str, *names: str) -> dict[str, Any] | None:
        """A document without the statements that cannot be about the request; None where none is left."""
        place = (id(document), action, *names)
        if place not in self.pruned:
            kept = [s for s in document["Statement"] if any(can_be_about(s, action, one) for one in names)]
            self.pruned[place] = {**document, "Statement": kept} if kept else None
        found: Json | None = self.pruned[place]
        return found

    # --- the request ---

    def cases(self, subject: Subject, action: str, resource: str, mfa: bool) -> list[Case]:
        """The request, by each account that the resource may be in."""
        return [self.case(subject, action, resource, mfa, owner) for owner in self.owners(subject, resource)]

    def case(self, subject: Subject, action: str, resource: str, mfa: bool, account: str | None = None) -> Case:
        """The request; `alternatives` are the contents of what could not be read."""

        def about(documents: Iterable[Any]) -> list[Any]:
            return [kept for one in documents if (kept := self.about(one, action, *names))]

        account = self.owner(subject, resource) if account is None else account
        resource, point = behind(self.world, resource)
        names = names_of(resource, point)
        case: Case = {"principal": subject["principal"], "action": action, "resource": resource}
        case |= {"resource_account": account, "settings": {"crossAccountLimits": True}, "alternatives": {}}
        options = [about(documents) for documents in subject["identities"]]
        case["identity_policies"] = options[0]
        if len(options) > 1:
            case["alternatives"]["identity_policies"] = options
        # A boundary stays where nothing in it is about the request: it limits all the same.
        if None in subject["boundary"]:  # it was not read
            case["permission_boundaries"] = [NOTHING]
            case["alternatives"]["permission_boundaries"] = [[NOTHING], [EVERYTHING]]
        else:
            bounds = [one for d in subject["boundary"] for one in about([d]) or [{"Statement": []}]]
            case["permission_boundaries"] = bounds
        # Of an action that is about no resource AWS asks the RCPs of the caller's account, which `account` then is.
        unlisted = account and not self.owner(subject, resource)
        for field, where in (("scps", subject["account"]), ("rcps", "" if unlisted else account)):
            self.guard(case, field, self.levels(field, where), about)
        if action.startswith("sts:") and resource in self.roles:
            case["resource_policy"] = (about([self.roles[resource]["trust"]]) or [None])[0]
        else:
            attach(self.world, case, subject, self.place(resource), about, point)
        attach_shares(self.world, case, subject)
        if self.endpoint and self.endpoint["policy"]:
            case["vpc_endpoint_policies"] = about([self.endpoint["policy"]]) or [{"Statement": []}]
        self.give_context(case, subject, mfa)
        return case

    def guard(
        self, case: Case, field: str, levels: list[list[Any]], about: Callable[[Iterable[Any]], list[Any]]
    ) -> None:
        unread = any(one["document"] is None for level in levels for one in level)
        options = []
        for stand_in in [None, everyone("Allow"), everyone("Deny")] if unread else [None]:
            fill = [stand_in] if stand_in else []
            options.append(
                [
                    {"policies": [d for one in level for d in (about([one["document"]]) if one["document"] else fill)]}
                    for level in levels
                ]
            )
        case[field] = options[0]
        if unread:
            case["alternatives"][field] = options

    # --- the context ---

    def give_context(self, case: Case, subject: Subject, mfa: bool) -> None:
        fields = ["identity_policies", "permission_boundaries", "scps", "rcps", "resource_policy"]
        fields += ["shares", "vpc_endpoint_policies"]
        case |= {"context": {}, "unknown": [], "limits": {}}
        of_point = case["settings"].get("s3", {}).get("accessPoint", {}).get("policy")
        beside = [of_point, *conditioned(case)]
        mentioned = {key.lower() for key in mentioned_keys([*beside, *(case.get(field) for field in fields)])}
        for key in sorted(mentioned | {*PREFIXED}):
            value = self.derived(case, subject, key, mfa)
            if value is UNKNOWN:
                case["unknown"].append(key)
                if limit := (subject["limits"] | subject.get("known_ends", {})).get(key):
                    case["limits"][key] = limit
            elif value is not ABSENT:
                case["context"][key] = value
        if POINT_ACCOUNT in case["unknown"]:
            case["limits"][POINT_ACCOUNT] = without_points(self.world, self.place(case["resource"]))
        outside = subject["account"] and subject["account"] not in self.world["accounts"]
        if "aws:principalorgid" in case["unknown"] and outside:
            case["limits"]["aws:principalorgid"] = {self.world["id"]}

    def derived(self, case: Case, subject: Subject, key: str, mfa: bool) -> Any:
        """U3: a value, `ABSENT` or `UNKNOWN`; keys in lower case."""
        kind, account = subject["kind"], subject["account"]
        signed, own = kind in ("user", "session", "root"), account in self.world["accounts"]
        if key in subject["known"]:
            return subject["known"][key]
        if self.endpoint and key in ("aws:sourcevpce", "aws:sourcevpc"):
            return self.endpoint["id" if key.endswith("e") else "vpc"]
        if key in POINT_KEYS and case["settings"].get("s3", {}).get("accessPoint"):
            return ABSENT  # the access point says what they are
        if key in subject["limits"] or not may_carry(case["action"], key):
            return UNKNOWN
        if key.startswith("aws:principaltag/"):
            return (UNKNOWN if subject["tags"] is None else tag(subject["tags"], key)) if signed else ABSENT
        if ":resourcetag/" in key:
            return self.resource_tag(case, key)
        if key in ("aws:multifactorauthpresent", "aws:multifactorauthage"):
            return UNKNOWN if mfa and signed else ABSENT
        if key in ("aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid"):
            return UNKNOWN if kind == "service" else ABSENT
        if key in ("aws:principalorgid", "aws:principalorgpaths"):
            path = self.world["accounts"].get(account, {}).get("path", [])
            one = self.world["id"] if key.endswith("id") else ["/".join([self.world["id"], *path]) + "/"]
            return (one if own else UNKNOWN) if signed else ABSENT
        names = {"user": "User", "session": "AssumedRole", "root": "Account", "anonymous": "Anonymous"}
        stranger = subject["key"] != subject["principal"]
        username: Any = UNKNOWN if stranger else subject["principal"].split("/")[-1]
        unnamed: Any = "anonymous" if kind == "anonymous" else account if kind == "root" else UNKNOWN
        simple = {
            "aws:principalarn": self.principal_arn(case, subject) if signed else ABSENT,
            "aws:principalaccount": account if signed else ABSENT,
            "aws:principalservicename": subject["principal"] if kind == "service" else ABSENT,
            "aws:principalisawsservice": str(kind == "service").lower(),
            "aws:principaltype": UNKNOWN if stranger else names.get(kind, UNKNOWN),
            "aws:username": username if kind == "user" else ABSENT,
            "aws:userid": unnamed,
            **dict.fromkeys(CALLING, account or (UNKNOWN if kind == "service" else ABSENT)),
            "aws:requestedregion": self.region(case),
            "aws:securetransport": "true",
            "aws:currenttime": self.now,
            **owning(self.world, case["resource_account"] if self.owner(subject, case["resource"]) else ""),
            "aws:epochtime": str(int(datetime.fromisoformat(self.now).timestamp())),
        }
        return simple.get(key, UNKNOWN)

    def principal_arn(self, case: Case, subject: Subject) -> Any:
        """Of a session whose role nobody read the path is not known, which its name as a principal does without."""
        if "role" in subject or ":assumed-role/" not in subject["principal"]:
            return subject.get("role", subject["principal"])
        asked = (field for field in case.values() if "aws:principalarn" in str(field).lower())
        return UNKNOWN if any(asked) else ABSENT

    def resource_tag(self, case: Case, key: str) -> Any:
        resource, action = case["resource"], case["action"]
        place = self.place(resource)
        if action.lower() == "iam:passrole":  # "You cannot limit permissions to pass a role based on tags"
            return UNKNOWN
        if resource == "*" or (place.get("type") == "bucket" and not place["abac"]):
            return ABSENT
        if not place and resource not in self.tagged:
            return UNKNOWN
        if not carries_tags(action, key.split("/")[0]):
            return UNKNOWN
        return tag(place["tags"] if place else self.tagged[resource], key)

    def region(self, case: Case) -> Any:
        service = case["action"].split(":")[0]
        if service == "iam":
            return "us-east-1"
        if service == "sts" or case["resource"] == "*":
            return UNKNOWN
        return self.place(case["resource"]).get("region") or case["resource"].split(":")[3] or UNKNOWN

    # --- the verdict ---

    def verdict(self, principal: str, action: str, resource: str, mfa: bool | None = None) -> str:
        """The naive verdict of one request; a session that lost its MFA says `mfa` False."""
        subject = self.subject(principal)
        federating = action in ("sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity")
        unsigned = subject["kind"] == "anonymous" and resource == "*"
        if subject["kind"] == "provider" and principal not in [one["arn"] for one in self.world["providers"]]:
            return IMPLICIT  # nobody signs in at a provider that is not there
        other = "Web" if ":saml-provider/" in principal else "SAML"
        # Nor to a role of another account, nor by a call that is for others than the provider.
        parts = principal.split(":")
        never = (len(parts) > 5 and parts[4] not in resource.split(":")) or other in action
        if unsigned or federating != (subject["kind"] == "provider"):
            return IMPLICIT
        mfa = subject["mfa"] if mfa is None else mfa and subject["mfa"]
        self.compared += 1
        place = (principal, resource, mfa, self.alike(subject, action, resource), self.endpoint.get("id"))
        if place not in self.known:
            self.decided += 1
            cases = self.cases(subject, action, resource, mfa)
            self.known[place] = fold({verdict for case in cases for verdict in outcomes(case)})
        found = self.known[place]
        return IMPLICIT if subject["kind"] == "provider" and never and found != EXPLICIT else found

    def sign_in(self, role: str) -> tuple[str, bool]:
        """L15, L3: what control policies leave of the sign-in to an assigned role, whose trust is Identity Center's
        own, and whether it counts as Allowed."""
        (trusting,) = self.roles[role]["trust"]["Statement"]
        case = self.case(self.subject(trusting["Principal"]["Federated"]), trusting["Action"][0], role, False)
        case |= {"resource_policy": everyone("Allow")}
        verdict = fold(set(outcomes(case)))
        return verdict, verdict == ALLOWED or (verdict == CONDITIONAL and by_choice(case))

    def alike(self, subject: Subject, action: str, resource: str) -> Any:
        """What the verdict hangs on: the statements about the action, and what the rules read of its name."""
        service, _, name = action.lower().partition(":")
        documents = [d for option in subject["identities"] for d in option]
        documents += [d for d in subject["boundary"] if d is not None]
        account = self.owner(subject, resource)
        for field, where in (("scps", subject["account"]), ("rcps", account)):
            documents += [one["document"] for level in self.levels(field, where) for one in level if one["document"]]
        documents += [self.place(resource).get("policy") or {"Statement": []}]
        others = (self.endpoint, behind(self.world, resource)[1])
        documents += [*self.shares, *(one.get("policy") or {"Statement": []} for one in others)]
        about = [
            (number, index)
            for number, document in enumerate(documents)
            for index, statement in enumerate(document["Statement"])
            if self.matches(statement, action)
        ]
        rules = action if service in ("sts", "iam", "kms") else fits(OWN_ACCOUNT_ONLY.get(service), name)
        by_acl = service == "s3" and name in BY_BUCKET_ACL and name
        carried = carries_tags(action, "aws:resourcetag"), may_carry(action, "s3:resourceaccount")
        return service, tuple(about), rules, by_acl, carried

    def matches(self, statement: dict[str, Any], action: str) -> bool:
        place = (id(statement), action)
        if place not in self.matched:
            patterns = listed(statement.get("Action", statement.get("NotAction")))
            found = any(glob(one.lower())(action.lower()) for one in patterns)
            self.matched[place] = found != ("NotAction" in statement)
        return self.matched[place]

    def by_choice(self, principal: str, action: str, resource: str, mfa: bool) -> bool:
        """U7: whether some choice of the caller's own keys is allowed whatever the surroundings are."""
        place = (principal, action, resource, mfa)
        if place not in self.certain:
            self.certain[place] = by_choice(self.case(self.subject(principal), action, resource, mfa))
        return self.certain[place]
