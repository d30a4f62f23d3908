"""Writes the declared resources, one function a service."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

from collectors.demo.documents import render
from collectors.demo.services import FUNCTIONS, INSTANCES, QUEUES, SECRETS, TABLES, TOPICS
from collectors.demo.specs import Bucket, Function, Instance, Key, Queue, Resource, Secret, Table, Topic
from collectors.demo.storage import BUCKETS, KEYS, PRIVATE_ACCOUNTS
from collectors.demo.write_iam import tag_list
from collectors.demo.writer import Writer

Places = Mapping[str, str]
_ALL_BLOCKED = dict.fromkeys(
    ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
)


def write_resources(writer: Writer, places_of: Callable[[str], Places]) -> dict[str, str]:
    """Create every resource; returns the ARNs of the KMS keys by `account key/alias`. `places_of` takes a key."""
    keys: dict[str, str] = {}
    for name in PRIVATE_ACCOUNTS:
        account = places_of(name)["self"]
        writer.client("s3control", account).put_public_access_block(
            AccountId=account, PublicAccessBlockConfiguration=_ALL_BLOCKED
        )

    def client(service: str, at: Resource) -> Any:
        account = places_of(at.account)["self"]
        return writer.client(service, None if at.account == "management" else account, at.region)

    for key in KEYS:
        keys[f"{key.account}/{key.name}"] = _write_key(client("kms", key), key, places_of(key.account))
    for bucket in BUCKETS:
        _write_bucket(client("s3", bucket), bucket, places_of(bucket.account))
    for queue in QUEUES:
        _write_queue(client("sqs", queue), queue, places_of(queue.account))
    for topic in TOPICS:
        _write_topic(client("sns", topic), topic, places_of(topic.account))
    for function in FUNCTIONS:
        _write_function(client("lambda", function), function, places_of(function.account))
    for instance in INSTANCES:
        _write_instance(client("ec2", instance), instance)
    for secret in SECRETS:
        _write_secret(client("secretsmanager", secret), secret, places_of(secret.account))
    for table in TABLES:
        _write_table(client("dynamodb", table), table, places_of(table.account))
    return keys


def _write_key(kms: Any, key: Key, places: Places) -> str:
    policy: dict[str, Any] = {"Policy": render(key.policy, places)} if key.policy else {}
    tags = [{"TagKey": name, "TagValue": value} for name, value in key.tags.items()]
    found = kms.create_key(Description=key.name, Tags=tags, **policy)["KeyMetadata"]
    kms.create_alias(AliasName=f"alias/{key.name}", TargetKeyId=found["KeyId"])
    for grantee, operations in key.grants:
        kms.create_grant(
            KeyId=found["KeyId"], GranteePrincipal=render(grantee, places), Operations=list(operations), Name=key.name
        )
    return str(found["Arn"])


def _write_bucket(s3: Any, bucket: Bucket, places: Places) -> None:
    # us-east-1 is what a bucket gets without a constraint; naming it is an error.
    where: dict[str, Any] = {"CreateBucketConfiguration": {"LocationConstraint": bucket.region}}
    s3.create_bucket(
        Bucket=bucket.name, ObjectOwnership="BucketOwnerEnforced", **({} if bucket.region == "us-east-1" else where)
    )
    s3.put_bucket_tagging(Bucket=bucket.name, Tagging={"TagSet": tag_list(bucket.tags)})
    if bucket.block_public_access:
        s3.put_public_access_block(Bucket=bucket.name, PublicAccessBlockConfiguration=_ALL_BLOCKED)
    if bucket.policy:
        s3.put_bucket_policy(Bucket=bucket.name, Policy=render(bucket.policy, places))


def _write_queue(sqs: Any, queue: Queue, places: Places) -> None:
    attributes = {"KmsMasterKeyId": "alias/aws/sqs"}
    if queue.policy:
        attributes["Policy"] = render(queue.policy, places)
    sqs.create_queue(QueueName=queue.name, Attributes=attributes, tags=dict(queue.tags))


def _write_topic(sns: Any, topic: Topic, places: Places) -> None:
    arn = sns.create_topic(Name=topic.name, Tags=tag_list(topic.tags))["TopicArn"]
    if topic.policy:
        sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=render(topic.policy, places))


def _write_function(lambda_: Any, function: Function, places: Places) -> None:
    lambda_.create_function(
        FunctionName=function.name,
        Runtime="python3.12",
        Role=f"arn:aws:iam::{places['self']}:role/{function.role}",
        Handler="main.handler",
        Code={"ZipFile": _empty_code()},
        Tags=dict(function.tags),
    )
    for permission in function.permissions:
        optional: dict[str, Any] = {}
        if permission.source_arn:
            optional["SourceArn"] = render(permission.source_arn, places)
        if permission.source_account:
            optional["SourceAccount"] = render(permission.source_account, places)
        lambda_.add_permission(
            FunctionName=function.name,
            StatementId=permission.sid,
            Action="lambda:InvokeFunction",
            Principal=permission.principal,
            **optional,
        )


def _write_instance(ec2: Any, instance: Instance) -> None:
    ec2.run_instances(
        ImageId="ami-12c6146b",  # one of the images the emulator knows
        MinCount=1,
        MaxCount=1,
        InstanceType="t3.micro",
        IamInstanceProfile={"Name": instance.profile},
        TagSpecifications=[
            {"ResourceType": "instance", "Tags": tag_list({"Name": instance.name, **instance.tags})},
        ],
    )


def _write_secret(secrets: Any, secret: Secret, places: Places) -> None:
    secrets.create_secret(Name=secret.name, SecretString="{}", Tags=tag_list(secret.tags))
    if secret.policy:
        secrets.put_resource_policy(SecretId=secret.name, ResourcePolicy=render(secret.policy, places))


def _write_table(dynamodb: Any, table: Table, places: Places) -> None:
    arn = dynamodb.create_table(
        TableName=table.name,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=tag_list(table.tags),
    )["TableDescription"]["TableArn"]
    if table.policy:
        dynamodb.put_resource_policy(ResourceArn=arn, Policy=render(table.policy, places))


def _empty_code() -> bytes:
    """A zip with one constant file: the same bytes at every build, so that a function's digest is too."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("main.py"), "def handler(event, context):\n    return None\n")
    return buffer.getvalue()
