"""The rules by which AWS decides, each with its number, what it says and where AWS documents it.

Docstrings and comments cite the numbers where a rule is implemented, and named cases (`tests/cases/policy/`)
where one is proved; `docs/semantics.md` is the table of both, made by `docs/semantics_table.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

_IAM = "https://docs.aws.amazon.com/IAM/latest/UserGuide/"
_LOGIC = f"{_IAM}reference_policies_evaluation-logic.html"
_ELEMENTS = f"{_IAM}reference_policies_elements_"
_KEYS = f"{_IAM}reference_policies_condition-keys.html"
_ORGANIZATIONS = "https://docs.aws.amazon.com/organizations/latest/userguide/"


@dataclass(frozen=True, slots=True)
class Rule:
    """`tests`: named tests, `file::test`, that prove what no single decision can show."""

    number: str
    title: str
    says: str
    source: str
    tests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Decision cases on which another engine answers otherwise, the rule that decides them, and why."""

    cases: tuple[str, ...]
    rule: str
    why: str
    source: str


#: What the first letter of a number stands for.
GROUPS = {
    "M": "Matching actions and resources",
    "P": "Principals",
    "C": "Conditions",
    "L": "Layers: which policies have a say",
    "U": "What is not known",
}

MATCHING = (
    Rule(
        "M1",
        "Letter case and wildcards",
        "Actions match in any letter case, resources only in their own; `*` and `?` are wildcards in both.",
        f"{_ELEMENTS}resource.html",
    ),
    Rule(
        "M2",
        "How far a wildcard reaches",
        "`*` in a resource crosses slashes and, where AWS leaves it open, the parts of an ARN too, in Allow and Deny "
        "alike; ARN conditions compare the six parts one by one.",
        f"{_ELEMENTS}resource.html",
    ),
    Rule(
        "M3",
        "Policy variables",
        "`${key}` is filled in only in policies of version 2012-10-17, in the last part of a resource and in text "
        "and ARN conditions; a variable without a value makes its own pattern match nothing, one that is not known "
        "leaves it open.",
        f"{_IAM}reference_policies_variables.html",
    ),
    Rule(
        "M4",
        "NotAction, NotResource, NotPrincipal",
        "They cover what is proved not to be listed, and never what is not known.",
        f"{_ELEMENTS}notresource.html",
    ),
    Rule(
        "M5",
        "Actions without a resource",
        "An action that knows no kind of resource is allowed only by a statement about `*`.",
        f"{_ELEMENTS}resource.html",
    ),
    Rule(
        "M6",
        "Actions on several resources at once",
        "An action that always touches several kinds of resource needs an Allow on one of each.",
        "https://docs.aws.amazon.com/service-authorization/latest/reference/"
        "reference_policies_actions-resources-contextkeys.html",
    ),
)

PRINCIPALS = (
    Rule(
        "P1",
        "Everyone, accounts, roles",
        "`*` is everyone, an account id stands for its root, a role covers its sessions, and a wildcard inside an ARN "
        "names nobody.",
        f"{_ELEMENTS}principal.html",
    ),
    Rule(
        "P2",
        "Ids of users and roles",
        "`AIDA…` and `AROA…` name the one user or role with that id; after its deletion they name nobody.",
        f"{_ELEMENTS}principal.html",
    ),
    Rule(
        "P3",
        "Other kinds of principal",
        "Canonical user ids, CloudFront identities, services (with or without a region in their name) and identity "
        "providers are told apart.",
        f"{_ELEMENTS}principal.html",
    ),
    Rule(
        "P4",
        "Whom a NotPrincipal spares",
        "A Deny with NotPrincipal spares a user only if both the user and its account are listed, a session only if "
        "session, role and account are.",
        f"{_ELEMENTS}notprincipal.html",
    ),
)

CONDITIONS = (
    Rule(
        "C1",
        "Names in conditions",
        "Operators and keys match in any letter case; values match in their own unless the operator ignores it.",
        f"{_ELEMENTS}condition_operators.html",
    ),
    Rule(
        "C2",
        "Keys that are absent",
        "On an absent key a positive operator is false and a negated one true; `…IfExists` is true, `ForAllValues` "
        "true, `ForAnyValue` false.",
        f"{_ELEMENTS}condition_operators.html",
    ),
    Rule(
        "C3",
        "Keys with several values",
        "Whether a key has several values is the key's nature; compared without `ForAllValues` or `ForAnyValue` it "
        "matches nothing.",
        f"{_IAM}reference_policies_condition-single-vs-multi-valued-context-keys.html",
    ),
    Rule(
        "C4",
        "Dates, numbers, addresses, bytes",
        "Dates compare however they are written, a malformed number matches nothing, so that a negated operator holds, "
        "addresses compare as networks, bytes as base64.",
        f"{_ELEMENTS}condition_operators.html",
    ),
    Rule(
        "C5",
        "All conditions, any value",
        "Every operator and key of a statement must hold; of several values one is enough, and for negated operators "
        "none may match.",
        f"{_IAM}reference_policies_condition-logic-multiple-context-keys-or-values.html",
    ),
    Rule(
        "C6",
        "Who a session is",
        "A session's `aws:PrincipalArn` is its role's ARN with the path; the session's own ARN has none.",
        _KEYS,
    ),
)

LAYERS = (
    Rule(
        "L1",
        "A denial wins",
        "A Deny anywhere wins over every Allow; `sts:GetCallerIdentity` cannot be denied and `sts:GetSessionToken` "
        "needs no Allow, but like `sts:GetFederationToken` keys of one's own.",
        _LOGIC,
    ),
    Rule(
        "L2",
        "Service control policies",
        "Every level from the root to the account must allow; the management account, service-linked roles and "
        "services are exempt, the root user of a member account is not.",
        f"{_ORGANIZATIONS}orgs_manage_policies_scps.html",
    ),
    Rule(
        "L3",
        "Resource control policies",
        "They only deny, follow the resource's account and bind outsiders too; service-linked roles, the management "
        "account, keys of AWS and all but a list of services are exempt.",
        f"{_ORGANIZATIONS}orgs_manage_policies_rcps.html",
    ),
    Rule(
        "L4",
        "Whose policy must allow",
        "Inside one account the caller's policy or the resource's is enough, for what is AWS's own the caller's; "
        "between accounts both must allow, but for grants of keys (L7).",
        _LOGIC,
    ),
    Rule(
        "L5",
        "Grants by a resource's policy",
        "A grant to a user or session by name passes by boundary and session policy, one to a role does not, and one "
        "to an account only lets that account's own policies give it.",
        f"{_IAM}reference_policies_evaluation-logic_policy-eval-denyallow.html",
    ),
    Rule(
        "L6",
        "Trust and key policies",
        "A role's trust policy and a KMS key's policy must allow even inside their account.",
        "https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html",
    ),
    Rule(
        "L7",
        "What else keys and buckets look at",
        "KMS grants add access, in other accounts without an Allow there too; S3 adds access lists, access points and "
        "ownership, and Block Public Access takes away what a public policy or list gives.",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html",
    ),
    Rule(
        "L8",
        "How far a Deny reaches",
        "A Deny for a role covers its sessions and one for an account everybody in it; NotPrincipal with Deny always "
        "hits who has a permissions boundary.",
        f"{_ELEMENTS}notprincipal.html",
    ),
    Rule(
        "L9",
        "Session policies",
        "Several session policies count as one; a federated user's session without one may do nothing of its own.",
        "https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html",
    ),
    Rule(
        "L10",
        "The root user",
        "It may do everything in its account that no guardrail or resource policy denies, but assumes no roles and "
        "no other root user; a bucket's own policy cannot keep it from reading, changing and deleting that policy.",
        f"{_IAM}id_root-user.html",
    ),
    Rule(
        "L11",
        "VPC endpoint policies",
        "When a request comes through an endpoint, the endpoint's policy must allow it; it may name principals.",
        "https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html",
    ),
    Rule(
        "L12",
        "What AWS keeps for itself",
        "Nobody changes reserved roles through IAM, the policies and trust of service-linked roles, or AWS's own "
        "policies.",
        f"{_IAM}id_roles_create-service-linked-role.html",
    ),
    Rule(
        "L13",
        "Federated sign-in",
        "Taking a role with a SAML statement or a web identity's token is decided by the role's trust policy alone; an "
        "identity provider asks for nothing else.",
        f"{_IAM}id_roles_create_for-idp.html",
    ),
    Rule(
        "L14",
        "From role to role",
        "A session taken from another role carries no MFA.",
        f"{_IAM}id_roles.html",
        (
            "tests/policy/test_context.py::test_any_session_after_a_second_hop_has_no_mfa",
            "tests/graph/test_chains.py::test_a_second_hop_carries_no_mfa",
        ),
    ),
    Rule(
        "L15",
        "Identity Center",
        "An assignment opens the role that Identity Center made for it in the account; where that account could not be "
        "read, the permission set's documents stand in, and nothing about them is certain.",
        "https://docs.aws.amazon.com/singlesignon/latest/userguide/permissionsetsconcept.html",
        (
            "tests/model/test_loading.py::"
            "test_assignments_in_accounts_that_were_refused_still_open_a_role_that_hangs_on_what_was_not_read",
        ),
    ),
    Rule(
        "L16",
        "Shares",
        "What AWS RAM shares counts as part of the resource's policy; what decides outside IAM is named, never passed "
        "over.",
        "https://docs.aws.amazon.com/ram/latest/userguide/getting-started-terms-and-concepts.html",
    ),
    Rule(
        "L17",
        "Never for another account",
        "Some actions cannot be given to another account, whatever the policies say.",
        "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/"
        "sqs-limitations-of-custom-policies.html",
    ),
    Rule(
        "L18",
        "Names of sessions, and strangers",
        "A grant to one session of a role reaches whoever may choose that name; what a foreign account gives its own "
        "people is not known.",
        f"{_ELEMENTS}principal.html",
    ),
)

UNKNOWN = (
    Rule(
        "U1",
        "Neither yes nor no",
        "An Allow that hangs on an unknown key makes the answer Conditional, and a Deny that hangs on one is never "
        "dropped.",
        _KEYS,
    ),
    Rule(
        "U2",
        "A definite answer stays",
        "Whatever the unknown keys turn out to be, a definite verdict holds, and the condition of a Conditional one "
        "gives the verdict of the completed request.",
        _LOGIC,
    ),
    Rule(
        "U3",
        "Keys that follow",
        "What follows from caller, resource, action and snapshot is known and not asked for.",
        _KEYS,
        (
            "tests/policy/test_context.py::test_a_key_of_the_caller_is_what_the_inventory_says",
            "tests/policy/test_context.py::test_the_requested_region_follows_from_the_resource",
            "tests/policy/test_context.py::test_tags_of_a_resource_are_known_where_the_action_data_lists_the_key",
            "tests/policy/test_context.py::test_some_actions_carry_no_resource_account",
        ),
    ),
    Rule(
        "U4",
        "Taking a role is two-sided",
        "Whether somebody can take a role is never read off their own policies, as AWS's simulator does: the trust "
        "policy decides with them.",
        f"{_IAM}access_policies_testing-policies.html",
    ),
    Rule(
        "U5",
        "Questions about many at once",
        "What is said of a whole bucket or table shows the parts in which something else holds.",
        f"{_ELEMENTS}resource.html",
        ("tests/graph/test_chains.py::test_reach_shows_where_a_narrower_deny_takes_everything_away",),
    ),
    Rule(
        "U6",
        "Documents that were not read",
        "A policy that could not be collected makes the answer hang on it: Conditional, never silently no.",
        _LOGIC,
    ),
    Rule(
        "U7",
        "Whose choice it is",
        "A condition says of each unknown key whether the caller can choose it or the surroundings decide it.",
        _KEYS,
    ),
)

RULES = {rule.number: rule for rule in (*MATCHING, *PRINCIPALS, *CONDITIONS, *LAYERS, *UNKNOWN)}

#: Generated decision cases that other engines answer otherwise; the ids are those of the cases.
DISAGREEMENTS: tuple[Disagreement, ...] = ()
