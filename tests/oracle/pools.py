"""What the random cases of `tests.oracle.cases` are drawn from."""

from typing import Any

OWN, OTHER = "111111111111", "222222222222"
CANONICAL, STRANGE_CANONICAL = "a" * 64, "b" * 64
NEW, OLD = "2012-10-17", "2008-10-17"
USER_ID, ROLE_ID = "AIDAALICE", "AROAAPP"

# Actions by what they are about; `{p}` is the partition, `{a}` the owning account.
TARGETS = {
    "arn:{p}:s3:::app-bkt": "s3:ListBucket s3:GetBucketAcl s3:PutBucketPolicy s3:GetBucketPolicy",
    "arn:{p}:s3:::app-bkt/alice/x": "s3:GetObject s3:PutObject s3:DeleteObject s3:GetObjectAcl",
    "arn:{p}:s3:::app-bkt/logs/*?": "s3:GetObject s3:PutObject",
    "arn:{p}:s3:::app-bkt/${aws:username}/x": "s3:GetObject s3:PutObject",
    "arn:{p}:sqs:us-east-1:{a}:app-queue": "sqs:SendMessage sqs:ReceiveMessage sqs:DeleteQueue sqs:SetQueueAttributes",
    "arn:{p}:sns:us-east-1:{a}:alice-topic": "sns:Publish sns:Subscribe sns:TagResource sns:ListTopics",
    "arn:{p}:kms:us-east-1:{a}:key/k-1": "kms:Decrypt kms:GenerateDataKey kms:PutKeyPolicy kms:RetireGrant kms:Sign",
    "arn:{p}:kms:us-east-1:{a}:alias/app": "kms:CreateAlias kms:DeleteAlias",
    "arn:{p}:secretsmanager:us-east-1:{a}:secret:app/alice-Ab": "secretsmanager:GetSecretValue",
    "arn:{p}:dynamodb:us-east-1:{a}:table/alice": "dynamodb:GetItem dynamodb:UpdateTable dynamodb:UpdateTimeToLive",
    "arn:{p}:lambda:us-east-1:{a}:function:app-fn": "lambda:InvokeFunction lambda:UpdateFunctionCode",
    "arn:{p}:iam::{a}:role/team/app": "sts:AssumeRole sts:TagSession sts:SetSourceIdentity iam:PassRole iam:TagRole",
    "arn:{p}:iam::{a}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_ops_1": "iam:PutRolePolicy iam:GetRole",
    "arn:{p}:iam::{a}:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX": "iam:DeleteRole iam:PassRole",
    "arn:{p}:iam::aws:policy/ReadOnlyAccess": "iam:CreatePolicyVersion iam:GetPolicy",
    "*": "iam:ListUsers s3:ListAllMyBuckets ec2:DescribeInstances kms:ListKeys iam:ListRoles "
    "sts:GetCallerIdentity sts:GetSessionToken",
}
FEDERATED = {
    "arn:{p}:iam::{a}:oidc-provider/token.actions.githubusercontent.com": "sts:AssumeRoleWithWebIdentity",
    "accounts.google.com": "sts:AssumeRoleWithWebIdentity",
    "arn:{p}:iam::{a}:saml-provider/corp": "sts:AssumeRoleWithSAML",
}
LONG = ["s3", "sqs", "sns", "iam", "sts"]
SERVICES = ["lambda.amazonaws.com", "events.amazonaws.com", "states.us-east-1.amazonaws.com"]
PRINCIPALS = {
    "user": 30,
    "role": 8,
    "session": 16,
    "session without a known role": 8,
    "service-linked": 4,
    "reserved": 4,
    "federated-user": 8,
    "root": 5,
    "service": 9,
    "provider": 4,
    "anonymous": 6,
}
# What a key may hold: the first values are those of most requests. A list is the value of a key with several.
VALUES: dict[str, list[Any]] = {
    "aws:SourceIp": ["203.0.113.10", "203.0.113.77", "2001:db8::1", "2001:0DB8:0:0::1", "10.1.2.3", "nowhere"],
    "aws:SourceVpce": ["vpce-1", "vpce-2"],
    "aws:CurrentTime": ["2026-06-01T12:00:00Z", "2026-06-01T14:00:00+02:00", "2027-01-01T00:00:00Z", "1780315200"],
    "aws:EpochTime": ["1780315200", "1800000000", "soon"],
    "aws:SecureTransport": ["true", "false", "True"],
    "aws:MultiFactorAuthPresent": ["true", "false"],
    "aws:MultiFactorAuthAge": ["300", "3600", "300.0", "old"],
    "aws:username": ["alice", "app", "bob"],
    "aws:PrincipalTag/team": ["app", "alice", "Alice", "a*e", "red"],
    "aws:PrincipalTag/dept": ["logs", "app"],
    "aws:ResourceTag/team": ["app", "alice", "red"],
    "aws:RequestTag/team": ["app", "red"],
    "aws:TagKeys": [["team"], [], ["team", "cost"], ["cost"]],
    "aws:CalledVia": [["athena.amazonaws.com"], ["athena.amazonaws.com", "glue.amazonaws.com"]],
    "aws:PrincipalOrgID": ["o-1", "o-2"],
    "aws:PrincipalOrgPaths": [["o-1/r-1/ou-1/"], ["o-1/r-1/ou-2/"]],
    "aws:PrincipalAccount": [OWN, OTHER],
    "aws:ResourceAccount": [OWN, OTHER],
    "aws:RequestedRegion": ["us-east-1", "eu-west-1"],
    "aws:SourceArn": ["arn:aws:events:us-east-1:111111111111:rule/app", "arn:aws:s3:::app-bkt", "arn:aws:sns:::a:b"],
    "aws:SourceAccount": [OWN, OTHER],
    "aws:PrincipalIsAWSService": ["false", "true"],
    "s3:prefix": ["alice/", "logs/", ""],
    "s3:DataAccessPointArn": [
        "arn:aws:s3:us-east-1:111111111111:accesspoint/app",
        "arn:aws:s3:*:111111111111:accesspoint/*",
    ],
    "s3:DataAccessPointAccount": [OWN, OTHER],
    "s3:x-amz-acl": ["private", "public-read"],
    "sts:ExternalId": ["sesame", "Sesame"],
    "sts:RoleSessionName": ["alice", "nightly"],
    "kms:ViaService": ["s3.us-east-1.amazonaws.com", "sqs.us-east-1.amazonaws.com"],
    "example:Digest": ["c2VjcmV0", "b3RoZXI=", "c2VjcmV0IQ", "%%"],
}
FAMILIES = {
    "aws:SourceIp": ["IpAddress", "NotIpAddress"],
    "aws:CurrentTime": ["DateLessThan", "DateGreaterThan", "DateEquals", "DateNotEquals", "DateGreaterThanEquals"],
    "aws:EpochTime": ["DateLessThanEquals", "DateGreaterThan", "NumericLessThan", "NumericEquals"],
    "aws:SecureTransport": ["Bool"],
    "aws:MultiFactorAuthPresent": ["Bool"],
    "aws:PrincipalIsAWSService": ["Bool"],
    "aws:MultiFactorAuthAge": [
        *("NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan"),
        *("NumericGreaterThanEquals", "NumericEquals", "NumericNotEquals"),
    ],
    "aws:SourceArn": ["ArnLike", "ArnNotLike", "ArnEquals", "ArnNotEquals", "StringLike"],
    "aws:PrincipalArn": ["ArnLike", "ArnNotLike", "ArnEquals", "ArnNotEquals", "StringEquals", "StringLike"],
    "example:Digest": ["BinaryEquals"],
}
STRINGS = [
    *("StringEquals", "StringEquals", "StringLike", "StringNotEquals", "StringNotLike"),
    *("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"),
]
PATTERNS = {
    "aws:SourceIp": ["203.0.113.0/24", "2001:db8::/32", "::/0", "203.0.113.10/32", "0.0.0.0/0", "10.0.0.0/7", "office"],
    "aws:CurrentTime": ["2026-06-01T12:00:00Z", "2026-12-31T00:00:00Z", "1780315200", "2026-05-01", "later"],
    "aws:EpochTime": ["1780315200", "1790000000", "2026-12-31T00:00:00Z"],
    "aws:MultiFactorAuthAge": ["300", "3600", "+300.0", "young"],
    "aws:SourceArn": ["arn:aws:events:*:111111111111:rule/*", "arn:aws:s3:::*", "arn:aws:sns:*", "arn:*:*:*:*:*"],
    "aws:SecureTransport": ["true", "TRUE", "false", "yes"],
}
WILD = ["a*", "*", "?pp", "${aws:username}", "${aws:PrincipalTag/team}*", "${aws:PrincipalTag/none, 'app'}", "a${*}e"]
