"""The resources that are collected with their policies: one row a service."""

from __future__ import annotations

from functools import partial

from collectors.declarations import Detail, Operation, ResourceRow, Thing

_GONE = frozenset({"ResourceNotFoundException"})
_NO_KEY = frozenset({"NotFoundException"})
_NO_QUEUE = frozenset({"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"})

_bucket = partial(
    Operation,
    service="s3",
    collector="s3",
    affects="s3:bucket",
    params=("Bucket",),
    each="s3:ListBuckets",
    gone=frozenset({"NoSuchBucket"}),
)

# Buckets live in one region each and are listed for the whole account.
LIST_BUCKETS = Operation(
    service="s3",
    name="ListBuckets",
    collector="s3",
    affects="s3:bucket",
    items=("Buckets",),
    page_size=1000,
    action="s3:ListAllMyBuckets",
)
BUCKET_LOCATION = _bucket(name="GetBucketLocation")
BUCKET_DETAILS = (
    _bucket(name="GetBucketPolicy", absent=frozenset({"NoSuchBucketPolicy"})),
    _bucket(
        name="GetPublicAccessBlock",
        absent=frozenset({"NoSuchPublicAccessBlockConfiguration"}),
        action="s3:GetBucketPublicAccessBlock",
    ),
    _bucket(name="GetBucketAcl"),
    _bucket(name="GetBucketOwnershipControls", absent=frozenset({"OwnershipControlsNotFoundError"})),
    _bucket(name="GetBucketTagging", absent=frozenset({"NoSuchTagSet"})),
    _bucket(name="GetBucketAbac"),
)
ACCOUNT_PUBLIC_BLOCK = Operation(
    service="s3control",
    name="GetPublicAccessBlock",
    collector="s3",
    affects="s3:*",
    params=("AccountId",),
    absent=frozenset({"NoSuchPublicAccessBlockConfiguration"}),
    action="s3:GetAccountPublicAccessBlock",
)

# Of the accounts that own them, which need not be the bucket's. botocore declares none of their errors.
LIST_ACCESS_POINTS = Operation(
    service="s3control",
    name="ListAccessPoints",
    collector="s3",
    affects="s3:accesspoint",
    items=("AccessPointList",),
    params=("AccountId",),
    next_page="NextToken",
)
_access_point = partial(
    Operation,
    service="s3control",
    collector="s3",
    affects="s3:accesspoint",
    params=("AccountId", "Name"),
    each="s3control:ListAccessPoints",
    gone=frozenset({"NoSuchAccessPoint"}),
)
_POINT = {"AccountId": "{account}", "Name": "{id}"}
_ACCESS_POINTS = ResourceRow(
    collector="s3",
    list=LIST_ACCESS_POINTS,
    thing=Thing(id="Name", arn="{AccessPointArn}"),
    details=(
        Detail(operation=_access_point(name="GetAccessPoint"), params=dict(_POINT)),
        Detail(
            operation=_access_point(name="GetAccessPointPolicy", absent=frozenset({"NoSuchAccessPointPolicy"})),
            params=dict(_POINT),
        ),
    ),
    params={"AccountId": "{account}"},
)

#: Everything asked about buckets.
BUCKETS = (LIST_BUCKETS, BUCKET_LOCATION, *BUCKET_DETAILS, ACCOUNT_PUBLIC_BLOCK)


def _list(
    service: str, name: str, kind: str, items: str, page_size: int | None = None, drops: frozenset[str] = frozenset()
) -> Operation:
    return Operation(
        service=service,
        name=name,
        collector=service,
        affects=f"{service}:{kind}",
        items=(items,),
        page_size=page_size,
        drops=drops,
    )


def _detail(
    listed: Operation,
    name: str,
    params: dict[str, str | list[str]],
    *,
    items: str = "",
    absent: frozenset[str] = frozenset(),
    gone: frozenset[str] = frozenset(),
    drops: frozenset[str] = frozenset(),
) -> Detail:
    operation = Operation(
        service=listed.service,
        name=name,
        collector=listed.collector,
        affects=listed.affects,
        items=(items,) if items else (),
        params=tuple(params),
        each=f"{listed.service}:{listed.name}",
        absent=absent,
        gone=gone,
        drops=drops,
    )
    return Detail(operation=operation, params=params)


_KEYS = _list("kms", "ListKeys", "key", "Keys", 1000)
_QUEUES = _list("sqs", "ListQueues", "queue", "QueueUrls", 1000)
_TOPICS = _list("sns", "ListTopics", "topic", "Topics")
# Its pages hold every function's environment variables, where people keep passwords.
_FUNCTIONS = _list("lambda", "ListFunctions", "function", "Functions", drops=frozenset({"Environment"}))
_SECRETS = _list("secretsmanager", "ListSecrets", "secret", "SecretList", 100)
_TABLES = _list("dynamodb", "ListTables", "table", "TableNames", 100)
_TASKS = _list("ecs", "ListTaskDefinitions", "task-definition", "taskDefinitionArns", 100)
# Arguments and connections are where people keep passwords.
_JOBS = _list("glue", "GetJobs", "job", "Jobs", 1000, drops=frozenset({"DefaultArguments", "NonOverridableArguments"}))
_PROJECTS = _list("codebuild", "ListProjects", "project", "projects")
_MACHINES = Operation(
    service="stepfunctions",
    name="ListStateMachines",
    collector="stepfunctions",
    affects="states:stateMachine",
    items=("stateMachines",),
    page_size=1000,
    action="states:ListStateMachines",
)

REGIONAL: tuple[ResourceRow, ...] = (
    ResourceRow(
        collector="kms",
        list=_KEYS,
        thing=Thing(id="KeyId", arn="{KeyArn}"),
        details=(
            _detail(_KEYS, "DescribeKey", {"KeyId": "{id}"}, gone=_NO_KEY),
            _detail(_KEYS, "GetKeyPolicy", {"KeyId": "{id}", "PolicyName": "default"}, gone=_NO_KEY),
            _detail(_KEYS, "ListGrants", {"KeyId": "{id}"}, items="Grants", gone=_NO_KEY),
            _detail(_KEYS, "ListResourceTags", {"KeyId": "{id}"}, items="Tags", gone=_NO_KEY),
        ),
        also=(_list("kms", "ListAliases", "key", "Aliases", 100),),
    ),
    ResourceRow(
        collector="sqs",
        list=_QUEUES,
        thing=Thing(id="", arn="arn:{partition}:sqs:{region}:{account}:{name}"),
        details=(
            _detail(_QUEUES, "GetQueueAttributes", {"QueueUrl": "{id}", "AttributeNames": ["All"]}, gone=_NO_QUEUE),
            _detail(_QUEUES, "ListQueueTags", {"QueueUrl": "{id}"}, gone=_NO_QUEUE),
        ),
    ),
    ResourceRow(
        collector="sns",
        list=_TOPICS,
        thing=Thing(id="TopicArn", arn="{id}"),
        details=(
            _detail(_TOPICS, "GetTopicAttributes", {"TopicArn": "{id}"}, gone=frozenset({"NotFound"})),
            _detail(
                _TOPICS,
                "ListTagsForResource",
                {"ResourceArn": "{id}"},
                items="Tags",
                gone=frozenset({"ResourceNotFound"}),
            ),
        ),
    ),
    ResourceRow(
        collector="lambda",
        list=_FUNCTIONS,
        thing=Thing(id="FunctionArn", arn="{id}"),
        details=(
            # One code for "no policy" and "no function": the list before it says which.
            _detail(_FUNCTIONS, "GetPolicy", {"FunctionName": "{id}"}, absent=_GONE),
            _detail(_FUNCTIONS, "ListTags", {"Resource": "{id}"}, gone=_GONE),
        ),
    ),
    ResourceRow(
        collector="secretsmanager",
        list=_SECRETS,
        thing=Thing(id="ARN", arn="{id}"),
        details=(_detail(_SECRETS, "GetResourcePolicy", {"SecretId": "{id}"}, gone=_GONE),),
    ),
    ResourceRow(
        collector="dynamodb",
        list=_TABLES,
        thing=Thing(id="", arn="arn:{partition}:dynamodb:{region}:{account}:table/{id}"),
        details=(
            _detail(_TABLES, "DescribeTable", {"TableName": "{id}"}, gone=_GONE),
            _detail(
                _TABLES,
                "GetResourcePolicy",
                {"ResourceArn": "{arn}"},
                absent=frozenset({"PolicyNotFoundException"}),
                gone=_GONE,
            ),
            _detail(_TABLES, "ListTagsOfResource", {"ResourceArn": "{arn}"}, items="Tags", gone=_GONE),
        ),
    ),
    ResourceRow(
        collector="ec2",
        list=_list("ec2", "DescribeInstances", "instance", "Reservations", 1000),
        thing=Thing(id="", arn=""),
        details=(),
        also=(_list("ec2", "DescribeVpcEndpoints", "vpc-endpoint", "VpcEndpoints", 1000),),
    ),
    # Compute that carries roles. What it runs is not read: there people keep passwords.
    ResourceRow(
        collector="ecs",
        list=_TASKS,
        thing=Thing(id="", arn="{id}"),
        details=(
            _detail(
                _TASKS,
                "DescribeTaskDefinition",
                {"taskDefinition": "{id}", "include": ["TAGS"]},
                # Its one error for what is no more is the one for anything else that is wrong.
                drops=frozenset({"containerDefinitions"}),
            ),
        ),
    ),
    ResourceRow(
        collector="codebuild",
        list=_PROJECTS,
        thing=Thing(id="", arn="arn:{partition}:codebuild:{region}:{account}:project/{id}"),
        details=(
            _detail(
                _PROJECTS,
                "BatchGetProjects",
                {"names": ["{id}"]},
                items="projects",
                drops=frozenset({"environment", "source", "secondarySources"}),
            ),
        ),
    ),
    ResourceRow(
        collector="glue",
        list=_JOBS,
        thing=Thing(id="Name", arn="arn:{partition}:glue:{region}:{account}:job/{id}"),
        details=(_detail(_JOBS, "GetTags", {"ResourceArn": "{arn}"}, gone=frozenset({"EntityNotFoundException"})),),
    ),
    ResourceRow(
        collector="stepfunctions",
        list=_MACHINES,
        thing=Thing(id="stateMachineArn", arn="{id}"),
        details=(
            Detail(
                operation=Operation(
                    service="stepfunctions",
                    name="DescribeStateMachine",
                    collector="stepfunctions",
                    affects="states:stateMachine",
                    params=("stateMachineArn",),
                    each="stepfunctions:ListStateMachines",
                    gone=frozenset({"StateMachineDoesNotExist"}),
                    action="states:DescribeStateMachine",
                    drops=frozenset({"definition", "variableReferences"}),
                ),
                params={"stateMachineArn": "{id}"},
            ),
            Detail(
                operation=Operation(
                    service="stepfunctions",
                    name="ListTagsForResource",
                    collector="stepfunctions",
                    affects="states:stateMachine",
                    items=("tags",),
                    params=("resourceArn",),
                    each="stepfunctions:ListStateMachines",
                    gone=frozenset({"ResourceNotFound"}),
                    action="states:ListTagsForResource",
                ),
                params={"resourceArn": "{id}"},
            ),
        ),
    ),
    _ACCESS_POINTS,
)
