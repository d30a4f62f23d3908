"""Resources and their policies, one loader a service.

Each loader reads what ``docs/snapshot.md`` lists for its service. A policy call that was not answered leaves
``policy`` ``None`` (not known): AWS's own "there is none" errors are ``empty``, everything else is a gap.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

from model.arn import Arn
from model.entities import KmsGrant, Resource, Tags
from model.load_s3 import accounts_with_points, bucket_settings
from model.pages import ANSWERED, Page, Pages, first_page, policy_text, tag_map
from model.snapshot import CallRecord


def load_resources(pages: Pages, partitions: Mapping[str, str]) -> tuple[Resource, ...]:
    """Every resource of every account; ``partitions`` maps an account to its partition, for ARNs that AWS omits."""
    found: dict[str, Resource] = {}
    for loader in _LOADERS:
        for resource in loader(pages, partitions):
            found[resource.arn] = resource
    return tuple(found.values())


def _policy(record: CallRecord | None, *path: str) -> str | None:
    """The policy text under ``path`` of an answer; empty for none, ``None`` when the call was not answered."""
    page = first_page(record)
    if page is None:
        return None
    value: object = page
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return policy_text(value)


def _tags(record: CallRecord | None, key: str) -> Tags | None:
    """Tags of an answer, whether AWS gives a list of pairs or a mapping; ``None`` when not answered."""
    page = first_page(record)
    if page is None or record is None:
        return None
    tags: Tags = {}
    for part in record.response:
        value = part.get(key)
        tags.update({str(k): str(v) for k, v in value.items()} if isinstance(value, Mapping) else tag_map(value))
    return tags


def _buckets(pages: Pages, partitions: Mapping[str, str]) -> Iterator[Resource]:
    points = accounts_with_points(pages)
    for record, item in pages.items("s3", "ListBuckets", "Buckets"):
        name, account = item["Name"], record.account

        def ask(operation: str, account: str = account, name: str = name) -> CallRecord | None:
            return pages.asked("s3", operation, account, None, name)

        location = first_page(ask("GetBucketLocation"))
        region = item.get("BucketRegion") or _bucket_region(location)
        partition = partitions.get(account, "aws")
        yield Resource(
            arn=f"arn:{partition}:s3:::{name}",
            type="s3:bucket",
            account=account,
            region=region or "",
            name=name,
            tags=_tags(ask("GetBucketTagging"), "TagSet"),
            policy=_policy(ask("GetBucketPolicy"), "Policy"),
            s3=bucket_settings(ask, points.get(name, ())),
        )


def _bucket_region(location: Page | None) -> str | None:
    """GetBucketLocation answers null for us-east-1 and ``EU`` for eu-west-1 (S3 API reference)."""
    if location is None:
        return None
    constraint = location.get("LocationConstraint") or "us-east-1"
    return "eu-west-1" if constraint == "EU" else str(constraint)


def _keys(pages: Pages, _partitions: Mapping[str, str]) -> Iterator[Resource]:
    aliases: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    for record, item in pages.items("kms", "ListAliases", "Aliases"):
        if item.get("TargetKeyId"):
            aliases[(record.account, record.region, item["TargetKeyId"])].append(item["AliasName"])
    for record, item in pages.items("kms", "ListKeys", "Keys"):
        account, region, key, arn = record.account, record.region, item["KeyId"], item["KeyArn"]
        described = (first_page(pages.asked("kms", "DescribeKey", account, region, key, arn)) or {}).get("KeyMetadata")
        metadata: Page = described or {}
        yield Resource(
            arn=arn,
            type="kms:key",
            account=account,
            region=region,
            name=next(iter(sorted(aliases[(account, region, key)])), key),
            tags=_tags(pages.asked("kms", "ListResourceTags", account, region, key, arn), "Tags"),
            policy=_policy(pages.asked("kms", "GetKeyPolicy", account, region, key, arn), "Policy"),
            grants=_kms_grants(pages.asked("kms", "ListGrants", account, region, key, arn)),
            aliases=tuple(sorted(aliases[(account, region, key)])),
            key_manager=str(metadata.get("KeyManager", "")),
        )


def _kms_grants(record: CallRecord | None) -> tuple[KmsGrant, ...] | None:
    if record is None or record.outcome not in ANSWERED:
        return None
    return tuple(
        KmsGrant(
            id=item["GrantId"],
            grantee=item.get("GranteePrincipal") or item.get("GranteeServicePrincipal", ""),
            operations=tuple(item.get("Operations") or ()),
            constraints={
                str(kind): {str(name): str(value) for name, value in pairs.items()}
                for kind, pairs in (item.get("Constraints") or {}).items()
                if isinstance(pairs, Mapping)
            },
            name=item.get("Name", ""),
            source_arn=(item.get("Constraints") or {}).get("SourceArn", ""),
            retiring=item.get("RetiringPrincipal") or item.get("RetiringServicePrincipal", ""),
        )
        for page in record.response
        for item in page.get("Grants") or ()
    )


def _queues(pages: Pages, partitions: Mapping[str, str]) -> Iterator[Resource]:
    for record, url in pages.items("sqs", "ListQueues", "QueueUrls"):
        account, region, name = record.account, record.region, str(url).rsplit("/", 1)[-1]
        asked = pages.asked("sqs", "GetQueueAttributes", account, region, url)
        attributes = (first_page(asked) or {}).get("Attributes") or {}
        yield Resource(
            arn=attributes.get("QueueArn") or f"arn:{partitions.get(account, 'aws')}:sqs:{region}:{account}:{name}",
            type="sqs:queue",
            account=account,
            region=region,
            name=name,
            tags=_tags(pages.asked("sqs", "ListQueueTags", account, region, url), "Tags"),
            policy=_policy(asked, "Attributes", "Policy"),
        )


def _topics(pages: Pages, _partitions: Mapping[str, str]) -> Iterator[Resource]:
    for record, item in pages.items("sns", "ListTopics", "Topics"):
        account, region, arn = record.account, record.region, item["TopicArn"]
        yield Resource(
            arn=arn,
            type="sns:topic",
            account=account,
            region=region,
            name=Arn.parse(arn).resource,
            tags=_tags(pages.asked("sns", "ListTagsForResource", account, region, arn), "Tags"),
            policy=_policy(pages.asked("sns", "GetTopicAttributes", account, region, arn), "Attributes", "Policy"),
        )


def _functions(pages: Pages, _partitions: Mapping[str, str]) -> Iterator[Resource]:
    for record, item in pages.items("lambda", "ListFunctions", "Functions"):
        account, region, arn, name = record.account, record.region, item["FunctionArn"], item["FunctionName"]
        yield Resource(
            arn=arn,
            type="lambda:function",
            account=account,
            region=region,
            name=name,
            tags=_tags(pages.asked("lambda", "ListTags", account, region, arn, name), "Tags"),
            policy=_policy(pages.asked("lambda", "GetPolicy", account, region, name, arn), "Policy"),
            role=item.get("Role", ""),
        )


def _secrets(pages: Pages, _partitions: Mapping[str, str]) -> Iterator[Resource]:
    for record, item in pages.items("secretsmanager", "ListSecrets", "SecretList"):
        account, region, arn, name = record.account, record.region, item["ARN"], item["Name"]
        yield Resource(
            arn=arn,
            type="secretsmanager:secret",
            account=account,
            region=region,
            name=name,
            tags=tag_map(item.get("Tags")),
            policy=_policy(
                pages.asked("secretsmanager", "GetResourcePolicy", account, region, arn, name), "ResourcePolicy"
            ),
        )


def _tables(pages: Pages, partitions: Mapping[str, str]) -> Iterator[Resource]:
    for record, name in pages.items("dynamodb", "ListTables", "TableNames"):
        account, region = record.account, record.region
        described = (first_page(pages.asked("dynamodb", "DescribeTable", account, region, name)) or {}).get(
            "Table"
        ) or {}
        arn = (
            described.get("TableArn")
            or f"arn:{partitions.get(account, 'aws')}:dynamodb:{region}:{account}:table/{name}"
        )
        yield Resource(
            arn=arn,
            type="dynamodb:table",
            account=account,
            region=region,
            name=name,
            tags=_tags(pages.asked("dynamodb", "ListTagsOfResource", account, region, arn, name), "Tags"),
            policy=_policy(pages.asked("dynamodb", "GetResourcePolicy", account, region, arn, name), "Policy"),
        )


def _profile_roles(pages: Pages) -> dict[str, str]:
    """The role of each instance profile, empty for none; roles tell their profiles too."""
    found = {
        profile["Arn"]: str(role["Arn"])
        for _, role in pages.items("iam", "GetAccountAuthorizationDetails", "RoleDetailList")
        for profile in role.get("InstanceProfileList") or ()
    }
    for _, item in pages.items("iam", "ListInstanceProfiles", "InstanceProfiles"):
        found[item["Arn"]] = next((role["Arn"] for role in item.get("Roles") or ()), "")
    return found


def _instances(pages: Pages, partitions: Mapping[str, str]) -> Iterator[Resource]:
    profile_roles = _profile_roles(pages)
    listed = pages.answered("iam", "ListInstanceProfiles")
    for record, reservation in pages.items("ec2", "DescribeInstances", "Reservations"):
        account, region = record.account, record.region
        for item in reservation.get("Instances") or ():
            if (item.get("State") or {}).get("Name") == "terminated":
                continue
            tags = tag_map(item.get("Tags"))
            partition = partitions.get(account, "aws")
            profile = (item.get("IamInstanceProfile") or {}).get("Arn", "")
            yield Resource(
                arn=f"arn:{partition}:ec2:{region}:{account}:instance/{item['InstanceId']}",
                type="ec2:instance",
                account=account,
                region=region,
                name=tags.get("Name", item["InstanceId"]),
                tags=tags,
                role=profile_roles.get(profile, ""),
                unread_role="" if profile in profile_roles or listed else profile,
            )


def _task_definitions(pages: Pages, _partitions: Mapping[str, str]) -> Iterator[Resource]:
    """Active revisions. What runs in a task acts as the task's role; the execution role is the agents'.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
    """
    for record, arn in pages.items("ecs", "ListTaskDefinitions", "taskDefinitionArns"):
        described = pages.asked("ecs", "DescribeTaskDefinition", record.account, record.region, arn)
        page = first_page(described)
        told = page.get("taskDefinition") if page is not None else None
        yield Resource(
            arn=arn,
            type="ecs:task-definition",
            account=record.account,
            region=record.region,
            name=Arn.parse(arn).resource.partition("/")[2],
            tags=None if told is None or page is None else _lower_tags(page.get("tags")),
            role=(told or {}).get("taskRoleArn") or "",
            unread_role=arn if told is None else "",
        )


def _state_machines(pages: Pages, _partitions: Mapping[str, str]) -> Iterator[Resource]:
    for record, item in pages.items("stepfunctions", "ListStateMachines", "stateMachines"):
        account, region, arn = record.account, record.region, item["stateMachineArn"]
        page = first_page(pages.asked("stepfunctions", "DescribeStateMachine", account, region, arn))
        if page == {}:
            continue  # gone since it was listed
        tagged = first_page(pages.asked("stepfunctions", "ListTagsForResource", account, region, arn))
        yield Resource(
            arn=arn,
            type="states:stateMachine",
            account=account,
            region=region,
            name=item.get("name", ""),
            tags=None if tagged is None else _lower_tags(tagged.get("tags")),
            role=(page or {}).get("roleArn") or "",
            unread_role=arn if page is None else "",
        )


def _projects(pages: Pages, partitions: Mapping[str, str]) -> Iterator[Resource]:
    """CodeBuild projects; one that is not among the answers to its name is gone."""
    described: dict[tuple[str, str, str], Page] = {}
    answered: set[tuple[str, str, str]] = set()
    for record in pages.calls("codebuild", "BatchGetProjects"):
        names = [str(name) for name in record.params["names"]]
        if record.outcome in ANSWERED:
            answered.update((record.account, record.region, name) for name in names)
        for page in record.response:
            described.update(((record.account, record.region, one["name"]), one) for one in page.get("projects") or ())
    for record, name in pages.items("codebuild", "ListProjects", "projects"):
        key = (record.account, record.region, name)
        told = described.get(key)
        if told is None and key in answered:
            continue
        arn = f"arn:{partitions.get(record.account, 'aws')}:codebuild:{record.region}:{record.account}:project/{name}"
        yield Resource(
            arn=arn,
            type="codebuild:project",
            account=record.account,
            region=record.region,
            name=name,
            tags=None if told is None else _lower_tags(told.get("tags")),
            role=(told or {}).get("serviceRole") or "",
            unread_role=arn if told is None else "",
        )


def _jobs(pages: Pages, partitions: Mapping[str, str]) -> Iterator[Resource]:
    """Glue jobs, which give "the name or Amazon Resource Name (ARN) of the IAM role".

    https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-job.html
    """
    named = {
        (record.account, str(role["RoleName"])): str(role["Arn"])
        for record, role in pages.items("iam", "GetAccountAuthorizationDetails", "RoleDetailList")
    }
    for record, item in pages.items("glue", "GetJobs", "Jobs"):
        account, region = record.account, record.region
        arn = f"arn:{partitions.get(account, 'aws')}:glue:{region}:{account}:job/{item['Name']}"
        given = str(item.get("Role") or "")
        role = given if given.startswith("arn:") else named.get((account, given.rpartition("/")[2]), "")
        yield Resource(
            arn=arn,
            type="glue:job",
            account=account,
            region=region,
            name=item["Name"],
            tags=_tags(pages.asked("glue", "GetTags", account, region, arn), "Tags"),
            role=role,
            # A name that no role was read by: its account's roles were not told, or it is gone.
            unread_role=arn if given and not role else "",
        )


def _lower_tags(tags: Iterable[Page] | None) -> Tags:
    """Tags as ``{key, value}``."""
    return {str(tag.get("key", "")): str(tag.get("value", "")) for tag in tags or ()}


_Loader = Callable[[Pages, Mapping[str, str]], Iterator[Resource]]

_LOADERS: tuple[_Loader, ...] = (
    _buckets,
    _keys,
    _queues,
    _topics,
    _functions,
    _secrets,
    _tables,
    _instances,
    _task_definitions,
    _projects,
    _jobs,
    _state_machines,
)

#: The call that lists each type of resource: what was not listed may exist without our knowing.
LIST_CALLS: Mapping[str, tuple[str, str]] = {
    "s3:bucket": ("s3", "ListBuckets"),
    "kms:key": ("kms", "ListKeys"),
    "sqs:queue": ("sqs", "ListQueues"),
    "sns:topic": ("sns", "ListTopics"),
    "lambda:function": ("lambda", "ListFunctions"),
    "secretsmanager:secret": ("secretsmanager", "ListSecrets"),
    "dynamodb:table": ("dynamodb", "ListTables"),
    "ec2:instance": ("ec2", "DescribeInstances"),
    "ecs:task-definition": ("ecs", "ListTaskDefinitions"),
    "codebuild:project": ("codebuild", "ListProjects"),
    "glue:job": ("glue", "GetJobs"),
    "states:stateMachine": ("stepfunctions", "ListStateMachines"),
}
