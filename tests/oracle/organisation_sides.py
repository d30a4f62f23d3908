"""The resource's side of a request in a random organisation: its policy, a key's grants, what S3 looks at beside them.

What could not be read goes into the case's `alternatives`. Readings chosen: an object's own ACL is not asked about;
a bucket that was not listed is in an account whose buckets were not listed, or in none of the organisation.
"""

from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

from tests.oracle.evaluate import Case, is_public
from tests.oracle.expect import everyone
from tests.oracle.organisation_facts import GRANTABLE, Subject, buckets_unlisted, canonical_id, session_of
from tests.oracle.organisations import SERVICE_OF, Organisation

Json = dict[str, Any]
#: What the ACL of a bucket, rather than of an object, is about ("Mapping of ACL permissions and access policies").
BY_BUCKET_ACL = {"listbucket", "listbucketversions", "listbucketmultipartuploads", "putobject"}
BY_BUCKET_ACL |= {"getbucketacl", "putbucketacl"}
TYPES = {"table": "dynamodb:table/", "key": "kms:key/", "secret": "secretsmanager:secret:", "function": "lambda:func"}
TYPES |= {"queue": "sqs:", "topic": "sns:"}


def attach(
    world: Organisation,
    case: Case,
    subject: Subject,
    place: Json,
    about: Callable[[Iterable[Any]], list[Any]],
    point: Json | None = None,
) -> None:
    """What is on the resource of the case, which is the collected ``place`` or in it, where there is one, and on the
    access point through which it is asked for.
    """
    action, resource = case["action"], case["resource"]
    if place and action.split(":")[0] != SERVICE_OF[place["type"]]:
        case["resource_policy"] = None  # it says nothing about what other services do with the thing
        return
    kind = {"service": "Service"}.get(subject["kind"], "AWS")
    for_caller = {**everyone("Allow")["Statement"][0], "Principal": {kind: subject["principal"]}}
    unlisted = not place and may_be_there(world, action, resource)
    if unlisted or (place and place["policy"] is None):
        named = {"Version": "2012-10-17", "Statement": [for_caller]}
        case["alternatives"]["resource_policy"] = [None, everyone("Allow"), named, everyone("Deny")]
        if point:  # a policy that delegates to it is not public
            fixed = {"StringEquals": {"s3:DataAccessPointAccount": point["account"]}}
            delegating = {**everyone("Allow")["Statement"][0], "Condition": fixed}
            case["alternatives"]["resource_policy"].append({"Version": "2012-10-17", "Statement": [delegating]})
    policy = place.get("policy")
    case["resource_policy"] = (about([policy]) or [None])[0] if policy else None
    if place.get("type") == "key":
        names = [subject["principal"], session_of(subject)]
        anything = [{"grantee": name, "operations": [*GRANTABLE], "unread": True} for name in names]
        if place["grants"] is None and subject["kind"] != "anonymous":
            case["alternatives"]["settings"] = [{**case["settings"], "grants": g} for g in ([], anything)]
        case["settings"]["grants"] = place["grants"] or []
    if place.get("type") == "bucket":
        of_bucket(world, case, subject, place, through(point, for_caller))
    elif point:  # of the bucket behind it nothing is known but whose it is
        many = [{**case["settings"], "s3": {"accessPoint": one}} for one in through(point, for_caller)]
        case["settings"] = many[0]
        case["alternatives"] |= {"settings": many} if len(many) > 1 else {}


def may_be_there(world: Organisation, action: str, resource: str) -> bool:
    """Whether a thing that was not collected may exist: nobody's bucket, or one of an account and region whose things
    could not be listed."""
    if resource.startswith("arn:aws:s3:::"):
        return True
    parts = resource.split(":")
    if len(parts) < 6 or parts[2] != action.split(":")[0]:
        return False
    rest = ":".join([parts[2], *parts[5:]])
    return any(
        (account, region) == (parts[4], parts[3]) and rest.startswith(TYPES.get(kind, "-"))
        for account, kind, region in world["unlisted"]
    )


def of_bucket(world: Organisation, case: Case, subject: Subject, place: Json, points: list[Json]) -> None:
    """Block Public Access, the ACL and what makes it count, each as far as it was read; what the access point may be.

    Of those of an access point, its bucket and the bucket's account the strictest counts.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-bpa-settings.html
    """
    own = world["accounts"][place["account"]]
    options: dict[str, list[Any]] = {"accessPoint": points} if points else {}
    if any(is_public(point["policy"]) for point in points):
        options["blockPublicAccess"] = effective(place["bpa"], own["bpa"])
    if place["policy"] and is_public(place["policy"]):
        # What makes a policy public may be about other requests: the whole of it counts. Of a policy that was not read
        # some content is not public, and lets in whom it likes all the same.
        case["resource_policy"] = place["policy"]
        options["blockPublicAccess"] = effective(place["bpa"], own["bpa"])
    if place["ownership"] != "BucketOwnerEnforced" and case["action"].partition(":")[2].lower() in BY_BUCKET_ACL:
        ids = canonical_ids(world, subject)
        everything: list[Json] = [{"grantee": one, "permission": "FULL_CONTROL"} for one in ["AllUsers", ids[0]]]
        options["acl"] = [[], everything[:1], everything[1:]] if place["acl"] is None else [place["acl"]]
        options["ignorePublicAcls"] = effective(place["ignore"], own["ignore"], *(one["ignore"] for one in points[:1]))
        options["objectOwnership"] = [place["ownership"] or "ObjectWriter"]
        if place["ownership"] is None:
            options["objectOwnership"].append("BucketOwnerEnforced")
        # Only an id that the ACL names makes a difference.
        named = {grant["grantee"] for acl in options["acl"] for grant in acl}
        ids = [one for one in ids if one in named][:2] + [one for one in ids if one not in named][:1]
        case["principal_canonical_id"] = ids[0]
        if len(ids) > 1:
            case["alternatives"]["principal_canonical_id"] = ids
    if not options:
        return
    many = [dict(zip(options, row, strict=True)) for row in product(*options.values())]
    case["settings"]["s3"] = many[0]
    if len(many) > 1:
        case["alternatives"]["settings"] = [{**case["settings"], "s3": one} for one in many]


def through(point: Json | None, for_caller: Json) -> list[Json]:
    """What an access point may be as far as it was read: its own policy and Block Public Access."""
    if not point:
        return []
    named = {"Version": "2012-10-17", "Statement": [for_caller]}
    unread = [None, everyone("Allow"), named, everyone("Deny")]
    return [
        {**point, "policy": policy or None, "blockPublicAccess": blocked}
        for policy in (unread if point["policy"] is None else [point["policy"]])
        for blocked in effective(point["bpa"])
    ]


def effective(*flags: bool | None) -> list[bool]:
    """The values that a setting of bucket and account may have: the strictest of all counts."""
    return [True] if True in flags else [False, True] if None in flags else [False]


def canonical_ids(world: Organisation, subject: Subject) -> list[str]:
    """The canonical ids that whoever asks may have: of an account that told its buckets one, else any that is nobody
    else's."""
    account = subject["account"]
    known = {canonical_id(one) for one in world["accounts"] if not buckets_unlisted(world, one)}
    if account in world["accounts"] and not buckets_unlisted(world, account):
        return [canonical_id(account)]
    grants = [grant for one in world["resources"] for grant in one.get("acl") or []]
    return [*sorted({grant["grantee"] for grant in grants if len(grant["grantee"]) == 64} - known), "f" * 64]
