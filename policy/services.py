"""What differs by service: data, each table with its source and date (semantics L3, L6, L10, L12, L17)."""

from __future__ import annotations

import re

# Services whose resources an RCP limits. S3, STS, KMS, SQS and Secrets Manager since the launch (2024-11); ECR and
# OpenSearch Serverless since 2025-06; the rest as the documentation lists them in 2026-10. Read 2026-11 from
# https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html
# ("List of AWS services that support RCPs"), through the action data of the same month.
RCP_SERVICES = frozenset(
    {
        "aoss",
        "appconfig",
        "appstream",
        "autoscaling",
        "autoscaling-plans",
        "budgets",
        "clouddirectory",
        "cloudfront",
        "cloudsearch",
        "cloudtrail-data",
        "codeartifact",
        "codebuild",
        "codecommit",
        "codepipeline",
        "cognito-identity",
        "cognito-idp",
        "comprehend",
        "comprehendmedical",
        "compute-optimizer",
        "cost-optimization-hub",
        "dax",
        "dsql",
        "dynamodb",
        "ecr",
        "ecr-public",
        "events",
        "firehose",
        "fis",
        "fms",
        "gamelift",
        "health",
        "inspector-scan",
        "kendra",
        "kinesisvideo",
        "kms",
        "logs",
        "memorydb",
        "networkmonitor",
        "notifications",
        "opensearch",
        "pca-connector-ad",
        "personalize",
        "polly",
        "pricing",
        "resource-groups",
        "rolesanywhere",
        "s3",
        "secretsmanager",
        "servicediscovery",
        "signin",
        "sqs",
        "sts",
        "support",
        "swf",
        "textract",
        "timestream-influxdb",
        "transcribe",
        "transfer",
        "translate",
        "wafv2",
        "workspaces",
        "xray",
    }
)
# https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html
# ("Resources and entities not restricted by RCPs")
RCP_EXEMPT_ACTIONS = frozenset({"kms:retiregrant"})

# Actions decided by the role's trust policy, which every role has (L6), and not by the caller's policies alone (U4).
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
TRUST_ACTIONS = frozenset(
    {
        "sts:assumerole",
        "sts:assumerolewithsaml",
        "sts:assumerolewithwebidentity",
        "sts:tagsession",
        "sts:setsourceidentity",
        "sts:setcontext",
    }
)
# L13: the unsigned calls by which the users of a provider take a role, with the kind of provider whose token each
# brings; the trust policy alone decides, and the caller is the provider's user, whoever else holds the credentials.
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithSAML.html ("The ARN of the SAML provider in IAM
# that describes the IdP") and .../API_AssumeRoleWithWebIdentity.html ("does not require the use of AWS security
# credentials").
_SIGNING_IN = {"sts:assumerolewithsaml": "saml-provider", "sts:assumerolewithwebidentity": "oidc-provider"}
FEDERATED_ACTIONS = frozenset(_SIGNING_IN)
PROVIDERS = frozenset(_SIGNING_IN.values())


#: What only a user's or the root user's own keys ask for, no session of a role's. https://docs.aws.amazon.com/IAM/latest/
#: UserGuide/id_credentials_sts-comparison.html ("Who can call": "IAM user or AWS account root user").
OWN_KEYS = frozenset({"sts:getsessiontoken", "sts:getfederationtoken"})


def asks_for(kind: str, action: str) -> bool:
    """Whether a kind of principal can ask for an action (lower case) at all: nobody is an identity provider, which
    stands for who signs in at it until they have a role, and for what such a sign-in sets (L13)."""
    return kind not in PROVIDERS or (action in TRUST_ACTIONS and action != "sts:assumerole")


def signs_in(kind: str, account: str | None, action: str, owner: str | None) -> bool:
    """Whether a caller of some kind can make a call of L13 (lower case) for a role of ``owner``'s at all.

    A provider is one of the role's account, or one that AWS knows by name, which has no account. "Cross-account roles
    aren't supported. The OIDC identity provider and the IAM role must be in the same account":
    https://repost.aws/knowledge-center/iam-oidc-idp-federation
    """
    return kind == _SIGNING_IN[action] and (account is None or not owner or account == owner)


_ROLE = re.compile(r"arn:aws[\w-]*:iam::\d{12}:role/")
_KEY = re.compile(r"arn:aws[\w-]*:kms:[\w-]*:\d{12}:key/")


_WORD = re.compile(r"[A-Za-z][\w-]*")


def is_awss(account: str) -> bool:
    """Whether the account field of an ARN is a word in place of a number: `aws`, `amazon`, `third-party`. What AWS
    itself offers is in no account that could have a policy on it, so that the caller's own side alone decides (L4).

    https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html ("AWS managed policies":
    "arn:aws:iam::aws:policy/IAMReadOnlyAccess") and https://docs.aws.amazon.com/service-authorization/latest/reference/
    list_amazonec2imagebuilder.html.
    """
    return _WORD.fullmatch(account) is not None


def is_role(resource: str) -> bool:
    """Whether an ARN is a role's, whose own policy is its trust policy."""
    return _ROLE.match(resource) is not None


def needs_resource_policy(action: str, resource: str) -> bool:
    """Whether the resource's own policy must allow even inside its account: trust and key policies (L6)."""
    if action.startswith("kms:"):
        return _KEY.match(resource) is not None
    return action in TRUST_ACTIONS and _ROLE.match(resource) is not None


# Actions whose permission cannot be given to another account, whatever the policies say (L17); names in lower case.
_NEVER_ACROSS: dict[str, frozenset[str]] = {
    # "you're not using an identity that belongs to the bucket owner's account": 405 Method Not Allowed.
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html (likewise Get and Delete)
    "s3": frozenset(
        {
            "putbucketpolicy",
            "getbucketpolicy",
            "deletebucketpolicy",
            "putbucketpublicaccessblock",
            "putaccountpublicaccessblock",
        }
    ),
    # "Cross-account permissions don't apply to the following actions"
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-limitations-of-custom-policies.html
    "sqs": frozenset(
        {
            "addpermission",
            "cancelmessagemovetask",
            "createqueue",
            "deletequeue",
            "listmessagemovetasks",
            "listqueues",
            "listqueuetags",
            "removepermission",
            "setqueueattributes",
            "startmessagemovetask",
            "tagqueue",
            "untagqueue",
        }
    ),
}
# Services that list instead what can be given to another account: everything else cannot (L17).
_ONLY_ACROSS: dict[str, frozenset[str]] = {
    # "Cross-account support: Yes". Of the control plane that is DeleteTable, DescribeTable, UpdateTable and tags.
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/rbac-iam-actions.html
    "dynamodb": frozenset(
        {
            "batchgetitem",
            "batchwriteitem",
            "conditioncheckitem",
            "deleteitem",
            "deletetable",
            "describestream",
            "describetable",
            "getitem",
            "getrecords",
            "getsharditerator",
            "listtagsofresource",
            "putitem",
            "query",
            "scan",
            "tagresource",
            "untagresource",
            "updateitem",
            "updatetable",
        }
    ),
    # "Valid Amazon SNS policy actions"
    # https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html
    "sns": frozenset(
        {
            "addpermission",
            "deletetopic",
            "getdataprotectionpolicy",
            "gettopicattributes",
            "listsubscriptionsbytopic",
            "listtagsforresource",
            "publish",
            "putdataprotectionpolicy",
            "removepermission",
            "settopicattributes",
            "subscribe",
        }
    ),
    # "Cross-account use: Yes"
    # https://docs.aws.amazon.com/kms/latest/developerguide/kms-api-permissions-reference.html
    "kms": frozenset(
        {
            "creategrant",
            "decrypt",
            "derivesharedsecret",
            "describekey",
            "encrypt",
            "generatedatakey",
            "generatedatakeypair",
            "generatedatakeypairwithoutplaintext",
            "generatedatakeywithoutplaintext",
            "generatemac",
            "getkeyrotationstatus",
            "getpublickey",
            "listgrants",
            "reencryptfrom",
            "reencryptto",
            "retiregrant",
            "revokegrant",
            "sign",
            "verify",
            "verifymac",
        }
    ),
}


def never_across_accounts(action: str) -> bool:
    """Whether no policy can give the action (lower case) to another account (L17)."""
    service, _, name = action.partition(":")
    only = _ONLY_ACROSS.get(service)
    if only is not None:
        return name not in only
    return name in _NEVER_ACROSS.get(service, frozenset())


# L12. https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html
# ("you cannot edit the permissions or the trust policy"), https://docs.aws.amazon.com/singlesignon/latest/userguide/
# referencingpermissionsets.html (roles under aws-reserved are changed by Identity Center only) and
# https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html (AWS managed policies).
_CHANGES = re.compile(r"iam:(add|attach|create|delete|detach|put|remove|set|tag|untag|update)")
_LINKED_FROZEN = frozenset(
    {
        "iam:attachrolepolicy",
        "iam:detachrolepolicy",
        "iam:putrolepolicy",
        "iam:deleterolepolicy",
        "iam:updateassumerolepolicy",
        "iam:putrolepermissionsboundary",
        "iam:deleterolepermissionsboundary",
        "iam:deleterole",
        "iam:createrole",
    }
)
_RESERVED_ROLE = re.compile(r"arn:aws[\w-]*:iam::\d*:role/aws-reserved/")
_LINKED_ROLE = re.compile(r"arn:aws[\w-]*:iam::\d*:role/aws-service-role/")
_AWS_POLICY = re.compile(r"arn:aws[\w-]*:iam::aws:policy/")


def is_protected(action: str, resource: str) -> bool:
    """Whether AWS lets nobody do this to a reserved role, a service-linked role or an AWS managed policy (L12)."""
    if not action.startswith("iam:"):
        return False
    if _LINKED_ROLE.match(resource):
        return action in _LINKED_FROZEN
    if _RESERVED_ROLE.match(resource):
        return _CHANGES.match(action) is not None
    return _AWS_POLICY.match(resource) is not None and _CHANGES.match(action) is not None


# S3's own definition of "public": a grant to everyone is not public when one of these keys is held to fixed values.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
# ("The meaning of public")
S3_NARROWING_KEYS = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceip",
        "aws:sourceowner",
        "aws:sourceorgid",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:userid",
        "s3:dataaccesspointaccount",
        "s3:dataaccesspointarn",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
    }
)
# Blocks as broad as these still count as everyone ("very broad IP ranges": more than /8 of IPv4, /32 of IPv6).
BROADEST_PREFIX = {4: 2**24, 6: 2**96}


# Actions that an ACL can give, with the permission that gives them (or FULL_CONTROL, which is all of them).
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html ("Mapping of ACL permissions and access policy
# permissions"). DeleteObjectVersion by WRITE is the bucket owner's alone, whose principals have it from their policies.
S3_BUCKET_ACL = {
    "s3:listbucket": "READ",
    "s3:listbucketversions": "READ",
    "s3:listbucketmultipartuploads": "READ",
    "s3:putobject": "WRITE",
    "s3:getbucketacl": "READ_ACP",
    "s3:putbucketacl": "WRITE_ACP",
}
S3_OBJECT_ACL = {
    "s3:getobject": "READ",
    "s3:getobjectversion": "READ",
    "s3:getobjectacl": "READ_ACP",
    "s3:getobjectversionacl": "READ_ACP",
    "s3:putobjectacl": "WRITE_ACP",
    "s3:putobjectversionacl": "WRITE_ACP",
}


#: What a bucket's policy cannot take from the root user of the account that owns it (L10): "even if their bucket policy
#: explicitly denies the root user's access". https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
KEPT_BY_ROOT = frozenset({"s3:getbucketpolicy", "s3:putbucketpolicy", "s3:deletebucketpolicy"})


def action_facts(action: str) -> tuple[object, ...]:
    """Whatever the fixed rules read of an action (lower case): where it is equal, statements alone tell them apart."""
    service = action.partition(":")[0]
    if service in ("sts", "iam", "kms"):
        return (action,)
    return (service == "s3", service in RCP_SERVICES, never_across_accounts(action), action in KEPT_BY_ROOT)


def resource_facts(resource: str) -> tuple[bool, ...]:
    """Whatever the fixed rules read of an ARN, beside what statements match."""
    if resource != "*" and ":iam:" not in resource and ":kms:" not in resource:
        return _NO_FACTS
    return (resource == "*", *(shape.match(resource) is not None for shape in _SHAPES))


#: All of IAM or KMS: of other ARNs nothing is so.
_SHAPES = (_ROLE, _KEY, _LINKED_ROLE, _RESERVED_ROLE, _AWS_POLICY)
_NO_FACTS = (False, *(False for _ in _SHAPES))
