"""Access points of S3 in a random organisation: what is behind a name, and which accounts have none.

Reading chosen: what is asked of a bucket by its own name may come through any of its access points, so that which one
is not known there; of their accounts those that have none in the bucket's region are known not to be it.
"""

import re
from typing import Any

Json = dict[str, Any]
POINT_ACCOUNT = "s3:dataaccesspointaccount"
POINT_KEYS = {POINT_ACCOUNT, "s3:dataaccesspointarn", "s3:accesspointnetworkorigin"}


def behind(world: Any, resource: str) -> tuple[str, Json]:
    """The bucket or object that a name stands for, and the access point that it goes through, empty for none."""
    for point in world.get("points", ()):
        bucket = f"arn:aws:s3:::{point['bucket']}"
        for name, inside in ((point["arn"], "/object/"), (f"arn:aws:s3:::{point['alias']}", "/")):
            if resource == name:
                return bucket, point
            if resource.startswith(name + inside):
                return f"{bucket}/{resource.removeprefix(name + inside)}", point
    return resource, {}


def names_of(resource: str, point: Json) -> list[str]:
    """A bucket or object by its own name, and by what the policy of the access point calls it."""
    return [resource, re.sub("^[^/]*", point["arn"], resource.replace("/", "/object/", 1))] if point else [resource]


def without_points(world: Any, bucket: Json) -> set[str]:
    """The accounts that are known to have no access point of a bucket, which would have to be in its region."""
    if not bucket:
        return set()
    having = {one["account"] for one in world.get("points", ()) if one["bucket"] == bucket["name"]}
    unlisted = {account for account, region in world.get("points_unlisted", ()) if region == bucket["region"]}
    return {*world["accounts"]} - having - unlisted
