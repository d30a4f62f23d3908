"""The resources of a random organisation as call records, service by service (``docs/snapshot.md``)."""

import json
from collections.abc import Iterator
from typing import Any

from bench.world_records import MOMENT, absent, called, pairs
from model.snapshot import CallError, CallRecord
from tests.oracle.organisation_facts import buckets_unlisted, canonical_id
from tests.oracle.organisations import KINDS, SERVICE_OF, Organisation

LISTS = {"key": "ListKeys Keys", "queue": "ListQueues QueueUrls", "topic": "ListTopics Topics"}
LISTS |= {"function": "ListFunctions Functions", "secret": "ListSecrets SecretList", "table": "ListTables TableNames"}
Json = dict[str, Any]
Records = Iterator[CallRecord]


def denied(service: str, operation: str, affects: str, params: Json | None = None) -> CallRecord:
    """A call that AWS refused."""
    return CallRecord(
        service=service,
        operation=operation,
        params=params or {},
        outcome="denied",
        error=CallError(code="AccessDenied", message="not authorized"),
        started=MOMENT,
        ended=MOMENT,
        affects=affects,
    )


def service(kind: str, account: str, region: str, things: list[Json], *, listed: bool) -> Records:
    operation, key = LISTS[kind].split()
    if not listed:
        yield denied(SERVICE_OF[kind], operation, affects=f"{SERVICE_OF[kind]}:{kind}")
        return
    urls = {one["arn"]: f"https://sqs.{region}.amazonaws.com/{account}/{one['name']}" for one in things}
    entries: dict[str, Any] = {
        "key": [{"KeyId": one["name"], "KeyArn": one["arn"]} for one in things],
        "queue": list(urls.values()),
        "topic": [{"TopicArn": one["arn"]} for one in things],
        "function": [
            {"FunctionName": one["name"], "FunctionArn": one["arn"], "Role": one.get("role", "")} for one in things
        ],
        "secret": [{"ARN": o["arn"], "Name": o["name"][:-7], "Tags": pairs(o["tags"] or {})} for o in things],
        "table": [one["name"] for one in things],
    }
    yield called(SERVICE_OF[kind], operation, {key: entries[kind]}, key=key, affects=f"{SERVICE_OF[kind]}:{kind}")
    if kind == "key":
        yield called("kms", "ListAliases", {"Aliases": []}, affects="kms:*")
    for one in things:
        yield from DETAILS[kind](one, urls[one["arn"]])


def told(one: Json, service: str, operation: str, page: Json | None, **params: Any) -> CallRecord:
    """A page about one thing, or a refusal."""
    if page is None:
        return denied(service, operation, affects=one["arn"], params=params)
    return called(service, operation, page, affects=one["arn"], params=params)


def text(one: Json) -> str:
    return json.dumps(one["policy"]) if one["policy"] else ""


def policy(one: Json, service: str, operation: str, field: str, code: str, **params: Any) -> CallRecord:
    """The policy of a thing: there, absent, or refused."""
    if one["policy"] == "" and code:
        return absent(service, operation, code, affects=one["arn"], params=params)
    page = {field: text(one)} if one["policy"] else {}
    return told(one, service, operation, None if one["policy"] is None else page, **params)


def key(one: Json, _url: str) -> Records:
    id_ = one["name"]
    metadata = {"KeyId": id_, "Arn": one["arn"], "KeyManager": "CUSTOMER", "KeyState": "Enabled"}
    yield told(one, "kms", "DescribeKey", {"KeyMetadata": metadata}, KeyId=id_)
    yield policy(one, "kms", "GetKeyPolicy", "Policy", "", KeyId=id_, PolicyName="default")
    grants = one.get("grant_pages") or one["grants"]
    grants = grants and [
        {"GrantId": f"g{number}", "GranteePrincipal": grant["grantee"], "Operations": grant["operations"]}
        if "grantee" in grant
        else grant
        for number, grant in enumerate(grants)
    ]
    yield told(one, "kms", "ListGrants", None if grants is None else {"Grants": grants}, KeyId=id_)
    yield told(one, "kms", "ListResourceTags", {"Tags": pairs(one["tags"], "Tag")}, KeyId=id_)


def queue(one: Json, url: str) -> Records:
    attributes = {"QueueArn": one["arn"], **({"Policy": text(one)} if one["policy"] else {})}
    page = None if one["policy"] is None else {"Attributes": attributes}
    yield told(one, "sqs", "GetQueueAttributes", page, QueueUrl=url, AttributeNames=["All"])
    yield told(one, "sqs", "ListQueueTags", None if one["tags"] is None else {"Tags": one["tags"]}, QueueUrl=url)


def topic(one: Json, _url: str) -> Records:
    attributes = {"TopicArn": one["arn"], **({"Policy": text(one)} if one["policy"] else {})}
    page = None if one["policy"] is None else {"Attributes": attributes}
    yield told(one, "sns", "GetTopicAttributes", page, TopicArn=one["arn"])
    tags = None if one["tags"] is None else {"Tags": pairs(one["tags"])}
    yield told(one, "sns", "ListTagsForResource", tags, ResourceArn=one["arn"])


def function(one: Json, _url: str) -> Records:
    yield policy(one, "lambda", "GetPolicy", "Policy", "ResourceNotFoundException", FunctionName=one["name"])
    yield told(one, "lambda", "ListTags", None if one["tags"] is None else {"Tags": one["tags"]}, Resource=one["arn"])


def secret(one: Json, _url: str) -> Records:
    yield policy(one, "secretsmanager", "GetResourcePolicy", "ResourcePolicy", "", SecretId=one["arn"])


def table(one: Json, _url: str) -> Records:
    described = {"TableName": one["name"], "TableArn": one["arn"], "TableStatus": "ACTIVE"}
    yield told(one, "dynamodb", "DescribeTable", {"Table": described}, TableName=one["name"])
    yield policy(one, "dynamodb", "GetResourcePolicy", "Policy", "PolicyNotFoundException", ResourceArn=one["arn"])
    tags = None if one["tags"] is None else {"Tags": pairs(one["tags"])}
    yield told(one, "dynamodb", "ListTagsOfResource", tags, ResourceArn=one["arn"])


DETAILS = {"key": key, "queue": queue, "topic": topic, "function": function, "secret": secret, "table": table}
assert {*DETAILS, "bucket"} == {*KINDS}


def s3(organisation: Organisation, account: str, things: list[Json]) -> Records:
    owner, own = {"ID": canonical_id(account)}, organisation["accounts"][account]
    if buckets_unlisted(organisation, account):
        yield denied("s3", "ListBuckets", affects="s3:bucket")
    else:
        page: Json = {"Buckets": [{"Name": one["name"]} for one in things], "Owner": owner}
        yield called("s3", "ListBuckets", page, affects="s3:bucket")
    yield blocked("s3control", own["bpa"], own["ignore"], "s3:*", {"AccountId": account})
    for one in things:
        name, params = one["name"], {"Bucket": one["name"]}
        constraint = None if one["region"] == "us-east-1" else one["region"]
        yield told(one, "s3", "GetBucketLocation", {"LocationConstraint": constraint}, Bucket=name)
        yield policy(one, "s3", "GetBucketPolicy", "Policy", "NoSuchBucketPolicy", Bucket=name)
        yield blocked("s3", one["bpa"], one["ignore"], one["arn"], params)
        grants = [{"grantee": owner["ID"], "permission": "FULL_CONTROL"}, *(one["acl"] or [])]
        entries = [{"Grantee": grantee(each["grantee"]), "Permission": each["permission"]} for each in grants]
        acl = None if one["acl"] is None else {"Owner": owner, "Grants": entries}
        yield told(one, "s3", "GetBucketAcl", acl, Bucket=name)
        rules = {"OwnershipControls": {"Rules": [{"ObjectOwnership": one["ownership"]}]}}
        yield told(one, "s3", "GetBucketOwnershipControls", rules if one["ownership"] else None, Bucket=name)
        tags = None if one["tags"] is None else {"TagSet": pairs(one["tags"])}
        yield told(one, "s3", "GetBucketTagging", tags, Bucket=name)
        status = {"AbacStatus": {"Status": "Enabled" if one["abac"] else "Disabled"}}
        yield told(one, "s3", "GetBucketAbac", status, Bucket=name)


def grantee(name: str) -> Json:
    """Whom a grant of an ACL is to, as S3 writes it."""
    if len(name) == 64:
        return {"ID": name, "Type": "CanonicalUser"}
    place = "global" if name in ("AllUsers", "AuthenticatedUsers") else "s3"
    return {"URI": f"http://acs.amazonaws.com/groups/{place}/{name}", "Type": "Group"}


def blocked(service: str, value: bool | None, ignore: bool | None, affects: str, params: Json) -> CallRecord:
    """Block Public Access, or refused: its flags about policies, and about ACLs."""
    if value is None:
        return denied(service, "GetPublicAccessBlock", affects=affects, params=params)
    if value or ignore:
        flags = {"BlockPublicAcls": ignore, "IgnorePublicAcls": ignore}
        flags |= {"BlockPublicPolicy": value, "RestrictPublicBuckets": value}
        page: Json = {"PublicAccessBlockConfiguration": flags}
        return called(service, "GetPublicAccessBlock", page, affects=affects, params=params)
    code = "NoSuchPublicAccessBlockConfiguration"
    return absent(service, "GetPublicAccessBlock", code, affects=affects, params=params)
