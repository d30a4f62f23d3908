"""Resources and their policies, one loader a service.

Each loader reads what ``docs/snapshot.md`` lists for its service. A policy call that was not answered leaves
``policy`` ``None`` (not known): AWS's own "there is none" errors are ``empty``, everything else is a gap.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

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
            grantee=item.get("GranteePrincipal", ""),
            operations=tuple(item.get("Operations") or ()),
            constraints={
                str(k): {str(n): str(v) for n, v in c.items()} for k, c in (item.get("Constraints") or {}).items()
            },
            name=item.get("Name", ""),
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


def _instances(pages: Pages, partitions: Mapping[str, str]) -> Iterator[Resource]:
    profile_roles = {
        item["Arn"]: next((role["Arn"] for role in item.get("Roles") or ()), "")
        for _, item in pages.items("iam", "ListInstanceProfiles", "InstanceProfiles")
    }
    for record, reservation in pages.items("ec2", "DescribeInstances", "Reservations"):
        account, region = record.account, record.region
        for item in reservation.get("Instances") or ():
            if (item.get("State") or {}).get("Name") == "terminated":
                continue
            tags = tag_map(item.get("Tags"))
            partition = partitions.get(account, "aws")
            yield Resource(
                arn=f"arn:{partition}:ec2:{region}:{account}:instance/{item['InstanceId']}",
                type="ec2:instance",
                account=account,
                region=region,
                name=tags.get("Name", item["InstanceId"]),
                tags=tags,
                role=profile_roles.get((item.get("IamInstanceProfile") or {}).get("Arn", ""), ""),
            )


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
}
