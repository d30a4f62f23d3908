"""The resources of an account of a made-up organisation: the parts of their services, region by region."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from bench.world_plan import AccountPlan, Plan, ResourcePlan
from bench.world_policies import resource_policy, text
from bench.world_records import MOMENT, absent, called, pairs
from model.snapshot import CallRecord

#: What a part holds besides records about single resources: service, operation, key of its list.
_LISTS = {
    "key": ("kms", "ListKeys", "Keys"),
    "queue": ("sqs", "ListQueues", "QueueUrls"),
    "topic": ("sns", "ListTopics", "Topics"),
    "function": ("lambda", "ListFunctions", "Functions"),
    "secret": ("secretsmanager", "ListSecrets", "SecretList"),
    "table": ("dynamodb", "ListTables", "TableNames"),
}
#: What the organisation has none of.
_EMPTY = (
    ("ecs", "ListTaskDefinitions", "taskDefinitionArns"),
    ("codebuild", "ListProjects", "projects"),
    ("glue", "GetJobs", "Jobs"),
    ("stepfunctions", "ListStateMachines", "stateMachines"),
)
Records = Iterator[CallRecord]


class _Part:
    """One account being written; chance goes on from part to part."""

    def __init__(self, plan: Plan, account: AccountPlan) -> None:
        self.plan, self.account = plan, account
        self.chance: random.Random = plan.shape.chance("resources", account.index)

    def policy(self, thing: ResourcePlan) -> str:
        found = resource_policy(self.chance, self.plan, self.account, thing)
        return text(found) if found else ""

    def role(self, service: str) -> str:
        """A role that the service may take: the first of them carry more than the others."""
        roles = [role for role in self.account.roles if role.service == service] or list(self.account.roles)
        return roles[int(len(roles) * self.chance.random() ** 2)].arn(self.account.id)


def resource_parts(plan: Plan, account: AccountPlan) -> Iterator[tuple[str, str, list[CallRecord]]]:
    """(region, collector, records) of every part but ``iam`` and ``account``."""
    part = _Part(plan, account)
    for region in plan.shape.regions:
        by_kind: dict[str, list[ResourcePlan]] = {kind: [] for kind in (*_LISTS, "bucket", "instance")}
        for thing in account.resources:
            if thing.region == region:
                by_kind[thing.kind].append(thing)
        for kind, (service, _, _) in _LISTS.items():
            yield region, service, list(_RECORDS[kind](part, region, by_kind[kind]))
        yield region, "ec2", list(_instances(part, by_kind["instance"]))
        for service, operation, key in _EMPTY:
            yield region, service, [called(service, operation, {key: []}, key=key, affects=f"{service}:*")]
        shares = called(
            "ram",
            "GetResourceShares",
            {"resourceShares": []},
            key="resourceShares",
            affects="ram:*",
            params={"resourceOwner": "SELF"},
        )
        yield region, "ram", [shares]
        points = {"AccountId": account.id}
        page: dict[str, list[str]] = {"AccessPointList": []}
        yield region, "s3", [called("s3control", "ListAccessPoints", page, affects="s3:*", params=points)]
    yield "global", "s3", list(_buckets(part, [thing for thing in account.resources if thing.kind == "bucket"]))


def _list(kind: str, items: list[Any]) -> CallRecord:
    service, operation, key = _LISTS[kind]
    return called(service, operation, {key: items}, key=key, affects=f"{service}:{kind}")


def _keys(part: _Part, region: str, things: list[ResourcePlan]) -> Records:
    yield _list("key", [{"KeyId": thing.id, "KeyArn": thing.arn} for thing in things])
    place = f"arn:aws:kms:{region}:{part.account.id}:alias/"
    names = [(f"alias/{thing.name}", thing) for thing in things if thing.tags]
    aliases = [
        {"AliasName": name, "AliasArn": place + name.partition("/")[2], "TargetKeyId": thing.id}
        for name, thing in names
    ]
    yield called("kms", "ListAliases", {"Aliases": aliases}, key="Aliases", affects="kms:*")
    for thing in things:
        one = {"KeyId": thing.id}
        metadata = {"KeyId": thing.id, "Arn": thing.arn, "KeyManager": "CUSTOMER", "KeyState": "Enabled"}
        yield called("kms", "DescribeKey", {"KeyMetadata": metadata}, affects=thing.arn, params=one)
        policy = {"Policy": part.policy(thing), "PolicyName": "default"}
        named = {**one, "PolicyName": "default"}
        yield called("kms", "GetKeyPolicy", policy, affects=thing.arn, params=named)
        grants = []
        if part.chance.random() < 0.15:
            grant = {"KeyId": thing.arn, "GrantId": thing.id.replace("-", "") * 2, "Operations": ["Decrypt", "Encrypt"]}
            grants.append({**grant, "GranteePrincipal": part.role("lambda"), "Name": thing.app})
        yield called("kms", "ListGrants", {"Grants": grants}, key="Grants", affects=thing.arn, params=one)
        tags = {"Tags": pairs(thing.tags, "Tag")}
        yield called("kms", "ListResourceTags", tags, key="Tags", affects=thing.arn, params=one)


def _queues(part: _Part, region: str, things: list[ResourcePlan]) -> Records:
    start = f"https://sqs.{region}.amazonaws.com/{part.account.id}/"
    yield _list("queue", [start + thing.name for thing in things])
    for thing in things:
        one = {"QueueUrl": start + thing.name}
        policy = part.policy(thing)
        attributes = {"QueueArn": thing.arn, **({"Policy": policy} if policy else {})}
        more = {**one, "AttributeNames": ["All"]}
        yield called("sqs", "GetQueueAttributes", {"Attributes": attributes}, affects=thing.arn, params=more)
        yield called("sqs", "ListQueueTags", {"Tags": thing.tags}, affects=thing.arn, params=one)


def _topics(part: _Part, _region: str, things: list[ResourcePlan]) -> Records:
    yield _list("topic", [{"TopicArn": thing.arn} for thing in things])
    for thing in things:
        policy = part.policy(thing)
        page = {"Attributes": {"TopicArn": thing.arn, **({"Policy": policy} if policy else {})}}
        yield called("sns", "GetTopicAttributes", page, affects=thing.arn, params={"TopicArn": thing.arn})
        tags = {"Tags": pairs(thing.tags)}
        params = {"ResourceArn": thing.arn}
        yield called("sns", "ListTagsForResource", tags, key="Tags", affects=thing.arn, params=params)


def _functions(part: _Part, _region: str, things: list[ResourcePlan]) -> Records:
    listed: list[Any] = [
        {"FunctionName": thing.name, "FunctionArn": thing.arn, "Role": part.role("lambda"), "Runtime": "python3.12"}
        for thing in things
    ]
    yield _list("function", listed)
    for thing in things:
        policy, one = part.policy(thing), {"FunctionName": thing.name}
        if policy:
            yield called("lambda", "GetPolicy", {"Policy": policy}, affects=thing.arn, params=one)
        else:
            yield absent("lambda", "GetPolicy", "ResourceNotFoundException", affects=thing.arn, params=one)
        tags = {"Tags": thing.tags}
        yield called("lambda", "ListTags", tags, affects=thing.arn, params={"Resource": thing.arn})


def _secrets(part: _Part, _region: str, things: list[ResourcePlan]) -> Records:
    yield _list("secret", [{"ARN": thing.arn, "Name": _secret(thing), "Tags": pairs(thing.tags)} for thing in things])
    for thing in things:
        policy = part.policy(thing)
        page = {"ARN": thing.arn, "Name": _secret(thing), **({"ResourcePolicy": policy} if policy else {})}
        yield called("secretsmanager", "GetResourcePolicy", page, affects=thing.arn, params={"SecretId": thing.arn})


def _secret(thing: ResourcePlan) -> str:
    """A secret's name: its ARN ends in six characters more."""
    return thing.arn.partition(":secret:")[2][:-7]


def _tables(part: _Part, _region: str, things: list[ResourcePlan]) -> Records:
    yield _list("table", [thing.name for thing in things])
    for thing in things:
        policy, one = part.policy(thing), {"ResourceArn": thing.arn}
        table = {"Table": {"TableName": thing.name, "TableArn": thing.arn, "TableStatus": "ACTIVE"}}
        yield called("dynamodb", "DescribeTable", table, affects=thing.arn, params={"TableName": thing.name})
        if policy:
            yield called("dynamodb", "GetResourcePolicy", {"Policy": policy}, affects=thing.arn, params=one)
        else:
            yield absent("dynamodb", "GetResourcePolicy", "PolicyNotFoundException", affects=thing.arn, params=one)
        tags = {"Tags": pairs(thing.tags)}
        yield called("dynamodb", "ListTagsOfResource", tags, key="Tags", affects=thing.arn, params=one)


def _instances(part: _Part, things: list[ResourcePlan]) -> Records:
    profile = part.role("ec2").replace(":role/app/", ":instance-profile/")
    reservations = [
        {
            "Instances": [
                {
                    "InstanceId": thing.arn.rpartition("/")[2],
                    "State": {"Name": "running"},
                    "IamInstanceProfile": {"Arn": profile},
                    "Tags": pairs({**thing.tags, "Name": thing.name}),
                }
            ]
        }
        for thing in things
    ]
    page = {"Reservations": reservations}
    yield called("ec2", "DescribeInstances", page, key="Reservations", affects="ec2:instance")
    yield called("ec2", "DescribeVpcEndpoints", {"VpcEndpoints": []}, key="VpcEndpoints", affects="ec2:*")


_RECORDS: dict[str, Callable[[_Part, str, list[ResourcePlan]], Records]] = {
    "key": _keys,
    "queue": _queues,
    "topic": _topics,
    "function": _functions,
    "secret": _secrets,
    "table": _tables,
}


def _buckets(part: _Part, things: list[ResourcePlan]) -> Records:
    account = part.account.id
    owner = {"ID": f"{int(account):x}".rjust(64, "a"), "DisplayName": "owner"}
    listed = {"Buckets": [{"Name": thing.name, "CreationDate": MOMENT} for thing in things], "Owner": owner}
    yield called("s3", "ListBuckets", listed, key="Buckets", affects="s3:bucket")
    flags = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    blocked: dict[str, Any] = {"PublicAccessBlockConfiguration": flags}
    code, params = "NoSuchPublicAccessBlockConfiguration", {"AccountId": account}
    if part.chance.random() < 0.6:
        yield called("s3control", "GetPublicAccessBlock", blocked, affects="s3:*", params=params)
    else:
        yield absent("s3control", "GetPublicAccessBlock", code, affects="s3:*", params=params)
    full: dict[str, Any] = {"Owner": owner, "Grants": [{"Grantee": {"ID": owner["ID"]}, "Permission": "FULL_CONTROL"}]}
    for thing in things:
        yield from _bucket(part, thing, full, blocked)


def _bucket(part: _Part, thing: ResourcePlan, acl: dict[str, Any], blocked: dict[str, Any]) -> Records:
    """Seven records, each in the bucket's region."""
    params = {"Bucket": thing.name}

    def asked(operation: str, page: dict[str, Any]) -> CallRecord:
        return called("s3", operation, page, affects=thing.arn, region=thing.region, params=params)

    def none(operation: str, code: str) -> CallRecord:
        return absent("s3", operation, code, affects=thing.arn, region=thing.region, params=params)

    policy = part.policy(thing)
    yield asked("GetBucketLocation", {"LocationConstraint": None if thing.region == "us-east-1" else thing.region})
    yield asked("GetBucketPolicy", {"Policy": policy}) if policy else none("GetBucketPolicy", "NoSuchBucketPolicy")
    if part.chance.random() < 0.9:
        yield asked("GetPublicAccessBlock", blocked)
    else:
        yield none("GetPublicAccessBlock", "NoSuchPublicAccessBlockConfiguration")
    yield asked("GetBucketAcl", acl)
    ownership: dict[str, Any] = {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}}
    yield asked("GetBucketOwnershipControls", ownership)
    if thing.tags:
        yield asked("GetBucketTagging", {"TagSet": pairs(thing.tags)})
    else:
        yield none("GetBucketTagging", "NoSuchTagSet")
    yield asked("GetBucketAbac", {"AbacStatus": {"Status": "Enabled" if part.chance.random() < 0.1 else "Disabled"}})
