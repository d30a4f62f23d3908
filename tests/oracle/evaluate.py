"""One request with a complete context, decided as naively as the rules can be written down.

A request is a *case*: the dictionary that `../shared/conformance/README.md` describes. Nothing here is shared with the
product, nothing is cached, nothing is compiled. The rule numbers are those of the project's semantics; the rules come
from the IAM user guide ("Policy evaluation logic", "Condition operators", "Principal", "Multivalued context keys").

One field goes beyond those cases. `cross_account_limits`: apply L17; the generated cases do without.

Readings chosen where the rules leave room:

* An Allow for `*` in the caller's own account counts as naming the caller: it is not limited by the boundary, the
  session policy or the identity policies, with or without a condition on `aws:PrincipalArn`.
* `*` matches services and identity providers as well as signed and unsigned callers.
* A Principal that is a plain string other than `*` is taken for an AWS principal.
* The name of a federated-user session says nothing about the IAM user behind it.
* RestrictPublicBuckets denies explicitly what an Allow of the public policy would otherwise give.
* A role asked for without a session name can choose it: `session_name` is one more context key.
"""

import ipaddress
from typing import Any

from tests.oracle.conditions import (
    Case,
    Statement,
    conditions_hold,
    glob,
    listed,
    lookup,
    matches,
    statements,
    substituted,
)

ALLOWED, IMPLICIT, EXPLICIT = "Allowed", "ImplicitlyDenied", "ExplicitlyDenied"
RCP_SERVICES = {"s3", "sts", "kms", "sqs", "secretsmanager", "ecr", "aoss", "dynamodb"}
FIXING = (
    "aws:sourcearn aws:sourcevpc aws:sourcevpce aws:sourceowner aws:sourceaccount aws:sourceip aws:principalorgid "
    "aws:principalorgpaths aws:principalarn aws:principalaccount aws:userid s3:dataaccesspointarn "
    "s3:dataaccesspointaccount s3:x-amz-server-side-encryption-aws-kms-key-id"
)
ALWAYS_DIFFERENT = "zz-other"

# L17: what no policy can give to another account (each service's documentation on cross-account permissions).
OWN_ACCOUNT_ONLY = {
    "s3": "getbucketpolicy putbucketpolicy deletebucketpolicy putbucketpublicaccessblock",
    "sqs": "addpermission cancelmessagemovetask createqueue deletequeue listmessagemovetasks listqueues listqueuetags "
    "removepermission setqueueattributes startmessagemovetask tagqueue untagqueue",
    "kms": "schedulekeydeletion putkeypolicy disablekey enablekey cancelkeydeletion",
    "dynamodb": "createtable deletetable updatetable",
}
SNS_CROSS_ACCOUNT = (
    "addpermission deletetopic getdataprotectionpolicy gettopicattributes listsubscriptionsbytopic listtagsforresource "
    "publish putdataprotectionpolicy removepermission settopicattributes subscribe"
)
ROLE_POLICY_WRITES = (
    "putrolepolicy deleterolepolicy attachrolepolicy detachrolepolicy updateassumerolepolicy "
    "putrolepermissionsboundary deleterolepermissionsboundary"
)
ROLE_WRITES = ROLE_POLICY_WRITES + " updaterole deleterole tagrole untagrole updateroledescription"
POLICY_WRITES = "createpolicyversion setdefaultpolicyversion deletepolicyversion deletepolicy tagpolicy untagpolicy"


# --- actions and resources -------------------------------------------------------------------------------------------


def action_applies(case: Case, statement: Statement) -> bool:
    def found(patterns: Any) -> bool:
        return any(glob(pattern.lower(), case["action"].lower()) for pattern in listed(patterns))

    return not found(statement["NotAction"]) if "NotAction" in statement else found(statement.get("Action"))


def resource_matches(case: Case, pattern: str, version: str) -> bool:
    head, tail = pattern.split(":")[:5], pattern.split(":", 5)[5:]
    if tail:
        resolved = substituted(case, tail[0], version)
        if resolved is None:
            return False
        pattern = ":".join([*head, resolved])
    return matches(pattern, case["resource"])


def resource_applies(case: Case, statement: Statement) -> bool:
    """M2, M4, M5. A trust policy has no Resource element: it is about its role."""

    def found(patterns: Any) -> bool:
        return any(resource_matches(case, pattern, statement["_version"]) for pattern in listed(patterns))

    if "NotResource" in statement:
        return not found(statement["NotResource"])
    return found(statement["Resource"]) if "Resource" in statement else True


# --- principals ------------------------------------------------------------------------------------------------------


def caller(case: Case) -> dict[str, str]:
    """What kind of caller it is, and the names it answers to."""
    arn = case["principal"]
    if arn == "anonymous":
        return {"kind": "anonymous", "account": ""}
    parts = arn.split(":", 5)
    if len(parts) < 6:
        if case["action"].lower() in ("sts:assumerolewithwebidentity", "sts:assumerolewithsaml"):
            return {"kind": "provider", "account": "", "arn": arn}
        return {"kind": "service", "account": "", "arn": arn}
    account, name = parts[4], parts[5]
    if name == "root":
        return {"kind": "root", "account": account, "arn": arn}
    if name.startswith("user/"):
        return {"kind": "user", "account": account, "arn": arn}
    if name.startswith(("oidc-provider/", "saml-provider/")):
        return {"kind": "provider", "account": "", "arn": arn}
    if name.startswith("federated-user/"):
        return {"kind": "federated", "account": account, "arn": arn}
    who = {"kind": "session", "account": account}
    if name.startswith("role/"):
        session = lookup(case, "session_name") or ALWAYS_DIFFERENT
        return {**who, "role": arn, "arn": f"arn:aws:sts::{account}:assumed-role/{name.split('/')[-1]}/{session}"}
    role_name = name.split("/")[1]
    role = lookup(case, "aws:PrincipalArn") or f"arn:aws:iam::{account}:role/{role_name}"
    return {**who, "role": role, "arn": arn}


SPEAKS_AS = {"service": "Service", "provider": "Federated"}
STAR, NAMED, ROLE, ACCOUNT = "star", "named", "role", "account"


def named_as(case: Case, element: Any) -> set[str]:
    """In which ways a Principal element names the caller: `star`, `named`, `role`, `account` (P1, P2, P3)."""
    who = caller(case)
    if isinstance(element, str):
        element = {"AWS": element}
    found = set()
    for kind, names in element.items():
        for name in listed(names):
            if kind == "AWS" and name == "*":
                found.add(STAR)
            elif kind == "AWS" and who["account"] and name in (who["account"], f"arn:aws:iam::{who['account']}:root"):
                found.add(ACCOUNT)
            elif kind == "AWS" and who["kind"] == "session" and names_role(case, name, who["role"]):
                found.add(ROLE)
            elif kind == SPEAKS_AS.get(who["kind"], "AWS") and name in (who.get("arn"), case.get("principal_id")):
                found.add(NAMED)
    return found


def names_role(case: Case, name: str, role: str) -> bool:
    """P1, P2. A case that gives no `aws:PrincipalArn` does not say the role's path: then any path will do."""
    if name in (role, case.get("principal_id")):
        return True
    path_known = ":role/" in case["principal"] or lookup(case, "aws:PrincipalArn") is not None
    same_account = name.startswith(role.split("role/")[0] + "role/")
    return not path_known and same_account and name.split("/")[-1] == role.split("/")[-1]


def principal_ways(case: Case, statement: Statement) -> set[str]:
    if "NotPrincipal" not in statement:
        return named_as(case, statement["Principal"]) if "Principal" in statement else {STAR}
    ways = named_as(case, statement["NotPrincipal"])
    if statement["Effect"] == "Allow":
        return set() if ways else {STAR}
    if case.get("permission_boundaries"):
        return {STAR}  # L8
    who = caller(case)
    needed = {"user": {NAMED, ACCOUNT}, "federated": {NAMED, ACCOUNT}, "session": {NAMED, ROLE, ACCOUNT}}
    spared = STAR in ways or (bool(ways) and needed.get(who["kind"], ways) <= ways)
    return set() if spared else {STAR}  # P4


# --- layers ----------------------------------------------------------------------------------------------------------


def applying(case: Case, documents: list[Any], effect: str) -> list[Statement]:
    return [
        statement
        for document in documents
        for statement in statements(document)
        if statement["Effect"] == effect
        and action_applies(case, statement)
        and resource_applies(case, statement)
        and principal_ways(case, statement)
        and conditions_hold(case, statement)
    ]


def documents_of(case: Case, field: str) -> list[Any]:
    return [item.get("policy", item) if isinstance(item, dict) else item for item in case.get(field, [])]


def is_service_linked(case: Case) -> bool:
    return ":role/aws-service-role/" in (caller(case).get("role") or "")


def rcp_documents(case: Case) -> list[Any]:
    """L3: which RCPs bear on this request."""
    service = case["action"].split(":")[0].lower()
    if service not in RCP_SERVICES or case["action"].lower() == "kms:retiregrant" or is_service_linked(case):
        return []
    return [document for level in case.get("rcps", []) for document in level["policies"]]


def scp_levels(case: Case) -> list[list[Any]]:
    """L2: the SCPs of each level; exempt callers have none."""
    if caller(case)["kind"] in ("service", "anonymous", "provider") or is_service_linked(case):
        return []
    return [level["policies"] for level in case.get("scps", [])]


def is_public(policy: Any) -> bool:
    """S3's own definition: an Allow for everyone without a condition that fixes who or where from."""

    def fixes(operator: str, key: str, values: Any) -> bool:
        name = operator.lower().removeprefix("foranyvalue:")
        if name not in ("stringequals", "stringlike", "arnequals", "arnlike", "ipaddress", "stringequalsignorecase"):
            return False
        texts = [str(value) for value in listed(values)]
        if key.lower() == "aws:sourceip":
            return all(ipaddress.ip_network(text, strict=False).prefixlen >= 8 for text in texts)
        return key.lower() in FIXING.split() and not any("*" in text or "?" in text or "${" in text for text in texts)

    for statement in statements(policy):
        principal = statement.get("Principal", {})
        everyone = principal == "*" or "*" in listed(principal.get("AWS") if isinstance(principal, dict) else None)
        lines = [(o, k, v) for o, block in statement.get("Condition", {}).items() for k, v in block.items()]
        if statement["Effect"] == "Allow" and everyone and not any(fixes(*line) for line in lines):
            return True
    return False


def forbidden_by_iam(case: Case) -> bool:
    """L12, and that the root user assumes no roles (L10)."""
    service, _, name = case["action"].lower().partition(":")
    target = case["resource"]
    if service == "sts" and name == "assumerole" and caller(case)["kind"] == "root":
        return True
    if service != "iam":
        return False
    return (
        (":role/aws-reserved/" in target and name in ROLE_WRITES.split())
        or (":role/aws-service-role/" in target and name in ROLE_POLICY_WRITES.split())
        or (target.startswith("arn:aws:iam::aws:policy/") and name in POLICY_WRITES.split())
    )


def own_account_only(action: str) -> bool:
    service, _, name = action.lower().partition(":")
    if service == "sns":
        return name not in SNS_CROSS_ACCOUNT.split()
    return name in OWN_ACCOUNT_ONLY.get(service, "").split()


def granted(case: Case, documents: list[Any]) -> bool:
    """A layer that is absent limits nothing; one that is present must allow."""
    return not documents or bool(applying(case, documents, "Allow"))


def evaluate(case: Case) -> str:
    """The verdict of a request whose context and documents are complete."""
    action = case["action"].lower()
    who = caller(case)
    if action == "sts:getcalleridentity":
        return ALLOWED  # L1
    identity = documents_of(case, "identity_policies")
    boundary = documents_of(case, "permission_boundaries")
    session = documents_of(case, "session_policies")
    endpoint = documents_of(case, "vpc_endpoint_policies")
    policy = case.get("resource_policy")
    resource = [policy] if policy else []
    levels = scp_levels(case)
    denying = identity + boundary + session + endpoint + resource + rcp_documents(case)
    denying += [document for level in levels for document in level]
    if applying(case, denying, "Deny"):
        return EXPLICIT
    own = who["account"] == case["resource_account"]
    restricted = case.get("settings", {}).get("s3", {}).get("blockPublicAccess", False)
    opened = applying(case, resource, "Allow") if action.startswith("s3:") and restricted else []
    if opened and is_public(policy) and not own and who["kind"] != "service":
        return EXPLICIT  # L7
    if forbidden_by_iam(case) or not all(applying(case, level, "Allow") for level in levels):
        return IMPLICIT
    if not granted(case, endpoint):
        return IMPLICIT
    if action == "sts:getsessiontoken":
        return ALLOWED
    ways = {way for statement in applying(case, resource, "Allow") for way in principal_ways(case, statement)}
    if any(
        grant["grantee"] in (who.get("arn"), who.get("role"), case["principal"])
        and action.removeprefix("kms:") in [operation.lower() for operation in grant["operations"]]
        for grant in case.get("settings", {}).get("grants", [])
    ):
        ways.add(ROLE)
    return ALLOWED if allows(case, who, own, ways, identity, boundary, session) else IMPLICIT


def allows(
    case: Case,
    who: dict[str, str],
    own: bool,
    ways: set[str],
    identity: list[Any],
    boundary: list[Any],
    session: list[Any],
) -> bool:
    """L4, L5, L6, L9, L10: whether the grants that are there suffice for this kind of caller."""
    action = case["action"].lower()
    if who["kind"] in ("service", "anonymous", "provider"):
        return bool(ways)
    mandatory = action.startswith("kms:") and case["resource"] != "*" and ":key/" in case["resource"]
    mandatory = mandatory or (action.startswith("sts:") and ":role/" in case["resource"])
    identity_allows = who["kind"] == "root" or bool(applying(case, identity, "Allow"))
    if who["kind"] == "federated" and not session:
        identity_allows = False
    limits = granted(case, boundary) and granted(case, session)
    if not own:
        return (
            identity_allows
            and limits
            and bool(ways)
            and not (case.get("cross_account_limits") and own_account_only(action))
        )
    if ways & {NAMED, STAR}:
        return True
    if ROLE in ways:
        return limits
    if mandatory and ACCOUNT not in ways:
        return False
    return identity_allows and limits
