"""Which reads return content that the customer stored, and which only describe it.

AWS has one level, Read. A reviewer asks whether somebody can read *data*, so Read is split: data are the actions
whose answer carries what the customer put in (objects, items, messages, secrets, plaintext, query results, logs),
metadata are the rest (configuration, status, policies, tags, counts). The service tables below decide for the
services that hold most data; for the others the name decides: a read named after a carrier of content is data, any
other is metadata. An access level of AWS is never changed: only Read is split. Names are those of the service
authorization reference (https://docs.aws.amazon.com/service-authorization/latest/reference/).
"""

from __future__ import annotations

import re

# Per service: an expression over the whole action name. A service named here follows its expression alone.
_TABLES = {
    "appconfig": r"GetLatestConfiguration|GetConfiguration|GetHostedConfigurationVersion",
    "athena": r"GetQueryResults(Stream)?|GetQueryExecution|BatchGetQueryExecution|GetNamedQuery|GetPreparedStatement",
    "cloudtrail": r"LookupEvents|GetQueryResults",
    "cloudwatch": r"GetMetricData|GetMetricStatistics|GetMetricWidgetImage|GetInsightRuleReport",
    "codeartifact": r"GetPackageVersionAsset|GetPackageVersionReadme|ReadFromRepository|GetAuthorizationToken",
    "codecommit": r"GitPull|GetBlob|GetFile|GetFolder|GetDifferences|GetCommit|BatchGetCommits|GetObjectIdentifier"
    r"|GetReferences|GetTree|GetUploadArchiveStatus",
    "cognito-identity": r"GetCredentialsForIdentity|GetOpenIdToken.*|LookupDeveloperIdentity",
    "cognito-idp": r"AdminGetUser|GetUser|AdminListUserAuthEvents",
    "cognito-sync": r"ListRecords|QueryRecords",
    "dynamodb": r"GetItem|BatchGetItem|Query|Scan|GetRecords|PartiQLSelect|ConditionCheckItem",
    "ebs": r"GetSnapshotBlock",
    "ec2": r"GetConsoleOutput|GetConsoleScreenshot|GetPasswordData|GetLaunchTemplateData|DescribeInstanceAttribute",
    "ecr": r"BatchGetImage|GetDownloadUrlForLayer|GetAuthorizationToken",
    "ecr-public": r"GetAuthorizationToken",
    "elasticfilesystem": r"ClientMount",
    "es": r"ESHttp(Get|Head|Post)",
    "execute-api": r"Invoke",
    "glacier": r"GetJobOutput",
    "glue": r"GetDataQualityResult|GetStatement|GetConnections?|SearchTables",
    "healthlake": r"Read.*|Search.*|Get(?!.*Job).*Resource.*|StartFHIRExportJob",
    "iam": r"GetCredentialReport|GetOrganizationsAccessReport",
    "kafka-cluster": r"ReadData",
    "kinesis": r"GetRecords|SubscribeToShard",
    "kinesisvideo": r"GetMedia.*|GetClip|GetImages|GetDASHStreamingSessionURL|GetHLSStreamingSessionURL",
    "kms": r"Decrypt|GenerateDataKey.*|DeriveSharedSecret|GetPublicKey|Verify.*|ReEncryptFrom",
    "lambda": r"GetFunction|GetLayerVersion|GetLayerVersionByArn",
    "logs": r"GetLogEvents|FilterLogEvents|GetLogRecord|GetQueryResults|StartLiveTail|StartQuery|Unmask|GetLogObject"
    r"|GetLogGroupFields",
    "neptune-db": r"ReadDataViaQuery|GetGraphSummary|GetStreamRecords|GetStatisticsSummary",
    "neptune-graph": r"ReadDataViaQuery|GetQuery",
    "qldb": r"PartiQLSelect|PartiQLHistoryFunction|GetBlock|GetRevision",
    "rds": r"DownloadDBLogFilePortion|DownloadCompleteDBLogFile",
    "rds-data": r"ExecuteSql|ExecuteStatement|BatchExecuteStatement",
    "redshift": r"FetchResults|ViewQueriesFromConsole|GetClusterCredentials.*",
    "redshift-data": r"GetStatementResult.*",
    "s3": r"GetObject(Version)?(Torrent|ForReplication)?|GetObjectVersion|SelectObjectContent|GetDataAccess",
    "s3express": r"CreateSession",
    "s3-object-lambda": r"GetObject(Version)?",
    "s3-outposts": r"GetObject(Version)?",
    "s3tables": r"GetTableData",
    "s3vectors": r"GetVectors|QueryVectors|ListVectors",
    "sagemaker": r"InvokeEndpoint.*|GetRecord|BatchGetRecord",
    "sdb": r"GetAttributes|Select",
    "secretsmanager": r"GetSecretValue|BatchGetSecretValue|GetRandomPassword",
    "ses": r"GetMessage.*|GetArchiveMessage.*|GetArchiveExport|GetArchiveSearchResults",
    "sqs": r"ReceiveMessage",
    "ssm": r"GetParameters?|GetParametersByPath|GetParameterHistory|GetCommandInvocation",
    "states": r"GetExecutionHistory|DescribeExecution|GetActivityTask",
    "timestream": r"Select|SelectValues",
    "workmail": r"GetRawMessageContent",
    "workmailmessageflow": r"GetRawMessageContent",
    "xray": r"BatchGetTraces|GetRetrievedTracesGraph",
}
_COMPILED = {service: re.compile(expression) for service, expression in _TABLES.items()}
# Elsewhere: names of carriers of content. `Describe…` never returns content.
_CARRIERS = re.compile(
    r"(Read|Download|Export|Fetch|Receive|Query|Scan|Select|Search)[A-Z].*"
    r"|(BatchGet|Get|Retrieve)(\w*)(Content|Contents|Document|Documents|Item|Items|Message|Messages|Object|Objects|Record"
    r"|Records|Results?|Secret|Secrets|Transcript|Recording|File|Files|Blob|Data|Credentials|Token|Password)"
)


def reads_content(service: str, name: str) -> bool:
    """Whether a Read action of a service returns content that the customer stored."""
    table = _COMPILED.get(service)
    if table is not None:
        return table.fullmatch(name) is not None
    return _CARRIERS.fullmatch(name) is not None
