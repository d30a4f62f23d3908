"""Resources with their policies: every service is read alike, as `resource_table` declares it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collectors.calls import Question, Unit
from collectors.declarations import ResourceRow
from collectors.organization import entries
from collectors.resource_table import (
    ACCOUNT_PUBLIC_BLOCK,
    BUCKET_DETAILS,
    BUCKET_LOCATION,
    LIST_BUCKETS,
    REGIONAL,
)

ROWS: Mapping[str, ResourceRow] = {row.collector: row for row in REGIONAL}


def collect(unit: Unit) -> None:
    """The resources of one service in the unit's region."""
    row = ROWS[unit.collector]
    listed = unit.ask(row.list, **{key: value.format(account=unit.account) for key, value in row.params.items()})
    unit.ask_each(Question(operation) for operation in row.also)
    if not row.details:
        return
    names = [_name(unit, row, entry) for entry in entries([listed], row.list.items[0])]
    unit.ask_each(
        Question(detail.operation, {key: _fill(value, name) for key, value in detail.params.items()}, name["arn"])
        for name in names
        for detail in row.details
    )


def collect_buckets(unit: Unit) -> None:
    """All buckets of the account, each asked in its own region."""
    unit.ask(ACCOUNT_PUBLIC_BLOCK, AccountId=unit.account)
    listed = unit.ask(LIST_BUCKETS)
    buckets = [bucket["Name"] for bucket in entries([listed], "Buckets")]
    located = unit.ask_each(
        Question(BUCKET_LOCATION, {"Bucket": bucket}, f"arn:{unit.partition}:s3:::{bucket}") for bucket in buckets
    )
    unit.ask_each(
        Question(operation, record.params, record.affects, bucket_region(record.response, unit))
        for record in located
        for operation in BUCKET_DETAILS
    )


def bucket_region(pages: list[dict[str, Any]], unit: Unit) -> str:
    """The region that GetBucketLocation names; where it was not answered S3 redirects from the home region."""
    if not pages:
        return unit.asking.sessions.home_region
    place = pages[0].get("LocationConstraint")
    # The two spellings older than regions have names.
    return {None: "us-east-1", "": "us-east-1", "EU": "eu-west-1"}.get(place, str(place))


def _name(unit: Unit, row: ResourceRow, entry: Any) -> dict[str, str]:
    """What the templates of a row may name."""
    id_ = str(entry[row.thing.id] if row.thing.id else entry)
    facts = {key: str(value) for key, value in entry.items()} if isinstance(entry, dict) else {}
    facts |= {
        "id": id_,
        "name": id_.rsplit("/", 1)[-1],
        "account": unit.account,
        "region": unit.region,
        "partition": unit.partition,
    }
    return facts | {"arn": row.thing.arn.format_map(facts)}


def _fill(template: str | list[str], name: dict[str, str]) -> str | list[str]:
    if isinstance(template, list):
        return [each.format_map(name) for each in template]
    return template.format_map(name)
