"""What decides beside the policies that were read (semantics L16): named in each answer that it could change.

Systems of permissions outside IAM, and policies on the resources of services whose policies nobody here reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from policy.actions import catalogue
from policy.inputs import PolicyRef
from policy.verdicts import Verdict

_DENIED = (Verdict.IMPLICITLY_DENIED, Verdict.EXPLICITLY_DENIED)


@dataclass(frozen=True, slots=True)
class Outside:
    """``actions``: a pattern of actions in lower case, of the whole name. ``gives``: it can give access that policies
    do not, ``limits``: it can take away what they allow; ``by``: the calls, one of which a caller must be allowed to
    get what it gives. ``page`` is AWS's own.
    """

    actions: re.Pattern[str]
    words: str
    page: str
    gives: bool = False
    limits: bool = False
    by: frozenset[str] = frozenset()

    @property
    def sentence(self) -> str:
        return f"{self.words}."


def _row(
    actions: str, words: str, page: str, *, gives: bool = False, limits: bool = False, by: Iterable[str] = ()
) -> Outside:
    return Outside(re.compile(actions), words, f"https://docs.aws.amazon.com/{page}", gives, limits, frozenset(by))


#: Read 2026-11.
OUTSIDE: tuple[Outside, ...] = (
    _row(
        r"s3:(getobject|getobjectversion|getobjectacl|putobject|deleteobject|listbucket|listmultipartuploadparts|"
        r"abortmultipartupload)",
        "S3 Access Grants and AWS Lake Formation, which are not read, can give access to data in a bucket beyond this",
        "AmazonS3/latest/userguide/access-grants.html",
        gives=True,
        by=("s3:getdataaccess", "lakeformation:getdataaccess"),
    ),
    _row(
        r"glue:\w*(catalogs?|databases?|tables?|tableversions?|partitions?|partitionindex(es)?)",
        "AWS Lake Formation, which is not read, must allow it too where it governs the database or table",
        "lake-formation/latest/dg/access-control-overview.html",
        limits=True,
    ),
    _row(
        r"lakeformation:getdataaccess",
        "To which data this leads is decided by the permissions of AWS Lake Formation, which are not read",
        "lake-formation/latest/dg/access-control-underlying-data.html",
        limits=True,
    ),
    _row(
        r"s3:getdataaccess",
        "To which data this leads is decided by the grants of S3 Access Grants, which are not read",
        "AmazonS3/latest/userguide/access-grants-credentials.html",
        limits=True,
    ),
    _row(
        r"eks:(accesskubernetesapi|describecluster)",
        "What somebody may do in the cluster is decided by its access entries and Kubernetes RBAC, which are not read",
        "eks/latest/userguide/access-entries.html",
        gives=True,
        limits=True,
    ),
    _row(
        r"aoss:(apiaccessall|dashboardsaccessall)",
        "A data access policy of OpenSearch Serverless, which is not read, must allow it too",
        "opensearch-service/latest/developerguide/serverless-data-access.html",
        limits=True,
    ),
    _row(
        r"es:eshttp\w+",
        "Fine-grained access control of the OpenSearch domain, which is not read, can limit it and can let in others",
        "opensearch-service/latest/developerguide/fgac.html",
        gives=True,
        limits=True,
    ),
    _row(
        r"rds-db:connect",
        "What somebody may do then is decided by the grants of the database user, and its other users sign in without "
        "IAM; neither is read",
        "AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html",
        gives=True,
        limits=True,
    ),
    _row(
        r"(redshift:getclustercredentials(withiam)?|redshift-serverless:getcredentials|redshift-data:(batch)?"
        r"executestatement)",
        "What somebody may do then is decided by the grants inside the Redshift database, which are not read",
        "redshift/latest/dg/r_Privileges.html",
        limits=True,
    ),
    _row(
        r"dsql:dbconnect(admin)?",
        "What somebody may do then is decided by the roles inside the database, which are not read",
        "aurora-dsql/latest/userguide/authentication-authorization.html",
        limits=True,
    ),
    _row(
        r"(elasticache|memorydb):connect",
        "What somebody may do then is decided by the access string of the cache user, which is not read",
        "AmazonElastiCache/latest/dg/Clusters.RBAC.html",
        limits=True,
    ),
    _row(
        r"execute-api:invoke",
        "A method without IAM authorisation lets in whom its authorizer lets in, or anyone; that is not read",
        "apigateway/latest/developerguide/apigateway-control-access-to-api.html",
        gives=True,
    ),
    _row(
        r"appsync:graphql",
        "An API that also takes API keys, OpenID Connect or Cognito lets in others by them; that is not read",
        "appsync/latest/devguide/security-authz.html",
        gives=True,
    ),
    _row(
        r"iot:(connect|publish|receive|subscribe|getthingshadow|updatethingshadow|deletethingshadow)",
        "Devices are let in by AWS IoT policies on their certificates, which are not read",
        "iot/latest/developerguide/iot-policies.html",
        gives=True,
    ),
)


#: Services whose resources have policies of their own that are not read, each with a call that writes one.
POLICIES_NOT_READ: Mapping[str, str] = {
    "acm-pca": "acm-pca:PutPolicy",
    "aps": "aps:PutResourcePolicy",
    "backup": "backup:PutBackupVaultAccessPolicy",
    "bedrock": "bedrock:PutResourcePolicy",
    "bedrock-agentcore": "bedrock-agentcore:PutResourcePolicy",
    "cloudtrail": "cloudtrail:PutResourcePolicy",
    "codeartifact": "codeartifact:PutDomainPermissionsPolicy",
    "codeguru-profiler": "codeguru-profiler:PutPermission",
    "comprehend": "comprehend:PutResourcePolicy",
    "dsql": "dsql:PutClusterPolicy",
    "ecr": "ecr:SetRepositoryPolicy",
    "ecr-public": "ecr-public:SetRepositoryPolicy",
    "elasticfilesystem": "elasticfilesystem:PutFileSystemPolicy",
    "es": "es:UpdateDomainConfig",
    "events": "events:PutPermission",
    "execute-api": "apigateway:UpdateRestApiPolicy",
    "glacier": "glacier:SetVaultAccessPolicy",
    "glue": "glue:PutResourcePolicy",
    "kafka": "kafka:PutClusterPolicy",
    "kafka-cluster": "kafka:PutClusterPolicy",
    "kinesis": "kinesis:PutResourcePolicy",
    "lex": "lex:CreateResourcePolicy",
    "logs": "logs:PutResourcePolicy",
    "mediapackagev2": "mediapackagev2:PutChannelPolicy",
    "mediastore": "mediastore:PutContainerPolicy",
    "oam": "oam:PutSinkPolicy",
    "organizations": "organizations:PutResourcePolicy",
    "osis": "osis:PutResourcePolicy",
    "payment-cryptography": "payment-cryptography:PutResourcePolicy",
    "rekognition": "rekognition:PutProjectPolicy",
    "rum": "rum:PutResourcePolicy",
    "s3-object-lambda": "s3:PutAccessPointPolicyForObjectLambda",
    "s3-outposts": "s3-outposts:PutBucketPolicy",
    "s3express": "s3express:PutBucketPolicy",
    "s3tables": "s3tables:PutTablePolicy",
    "s3vectors": "s3vectors:PutVectorBucketPolicy",
    "sagemaker": "sagemaker:PutModelPackageGroupPolicy",
    "schemas": "schemas:PutResourcePolicy",
    "serverlessrepo": "serverlessrepo:PutApplicationPolicy",
    "ses": "ses:PutIdentityPolicy",
    "signer": "signer:AddProfilePermission",
    "vpc-lattice": "vpc-lattice:PutResourcePolicy",
    "vpc-lattice-svcs": "vpc-lattice:PutAuthPolicy",
    "xray": "xray:PutResourcePolicy",
}

#: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html
NOT_READ = "A policy of the resource itself, which is not read for this service, can let in others and can deny it."


def outside(action: str, verdict: Verdict | None = None, caller: Iterable[PolicyRef] | None = None) -> list[str]:
    """Sentences about what was not read and could change an answer about ``action``.

    With a verdict, only what could change that one: what gives access changes no Allowed, what limits it no denial.
    ``caller`` are the policies of who asks.
    """
    lowered = action.lower()
    found = (row for row in OUTSIDE if row.actions.fullmatch(lowered))
    policies = None if caller is None else tuple(caller)
    told = [row.sentence for row in found if _limits(row, verdict) or _gives(row, verdict, policies)]
    if lowered.partition(":")[0] in POLICIES_NOT_READ and not catalogue().wildcard_only(lowered):
        told.append(NOT_READ)
    return told


def _limits(row: Outside, verdict: Verdict | None) -> bool:
    return row.limits and verdict not in _DENIED


def _gives(row: Outside, verdict: Verdict | None, caller: tuple[PolicyRef, ...] | None) -> bool:
    if not row.gives or verdict is Verdict.ALLOWED:
        return False
    return caller is None or not row.by or any(_may_call(row.by, ref) for ref in caller)


def _may_call(actions: frozenset[str], ref: PolicyRef) -> bool:
    """Whether a policy, which nobody may have read, allows one of some calls."""
    if ref.document is None:
        return True
    allowing = [statement for statement in ref.document.statements if statement.allows]
    return any(statement.acts is None or statement.acts(action) for statement in allowing for action in actions)
