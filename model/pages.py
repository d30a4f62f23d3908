"""Raw pages, found again: call records indexed by what they were asked, with their outcomes believed only as far as
the snapshot's rules allow (``docs/snapshot.md``: absence is believed on ``ok`` and ``empty`` alone).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from model.snapshot import CallRecord

#: A decoded JSON object of an AWS response; its shape is the operation's, documented by AWS.
Page = Mapping[str, Any]

ANSWERED = ("ok", "empty")

_JSON = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)


class Pages:
    """The call records of one snapshot, by (service, operation)."""

    def __init__(self, records: Iterable[CallRecord]) -> None:
        self._by_operation: defaultdict[tuple[str, str], list[CallRecord]] = defaultdict(list)
        self._by_parameter: dict[tuple[str, str], dict[tuple[str, str, str], CallRecord]] = {}
        for record in records:
            self._by_operation[(record.service, record.operation)].append(record)

    def calls(self, service: str, operation: str) -> list[CallRecord]:
        """Every record of an operation, whatever its outcome."""
        return self._by_operation.get((service, operation), [])

    def of_services(self, services: Iterable[str]) -> Iterator[CallRecord]:
        """Every record of some services, those of one operation together."""
        for (service, _), records in self._by_operation.items():
            if service in services:
                yield from records

    def pages(self, service: str, operation: str) -> Iterator[tuple[CallRecord, Page]]:
        """Every page that was answered, with its record."""
        for record in self.calls(service, operation):
            for page in record.response:
                yield record, page

    def items(self, service: str, operation: str, key: str) -> Iterator[tuple[CallRecord, Any]]:
        """Every element of list ``key`` over all answered pages."""
        for record, page in self.pages(service, operation):
            for item in page.get(key) or ():
                yield record, item

    def asked(self, service: str, operation: str, account: str, region: str | None, *values: str) -> CallRecord | None:
        """The record of the call made in (account, region) with one of ``values`` among its parameters.

        ``region`` ``None``: wherever it was made (a bucket is asked in its own region, by whichever part lists it).
        """
        index = self._by_parameter.get((service, operation))
        if index is None:
            index = {}
            for record in self.calls(service, operation):
                for value in record.params.values():
                    if isinstance(value, str):
                        index[(record.account, record.region, value)] = record
                        index[(record.account, "", value)] = record
            self._by_parameter[(service, operation)] = index
        for value in values:
            found = index.get((account, region or "", value))
            if found is not None:
                return found
        return None

    def answered(self, service: str, operation: str, account: str | None = None) -> bool:
        """Whether the operation was called (in ``account``) and every call of it was answered."""
        calls = [call for call in self.calls(service, operation) if account in (None, call.account)]
        return bool(calls) and all(call.outcome in ANSWERED for call in calls)


def first_page(record: CallRecord | None) -> Page | None:
    """The first page of an answered record; ``{}`` for ``empty``, ``None`` when the answer is not known."""
    if record is None or record.outcome not in ANSWERED:
        return None
    return record.response[0] if record.response else {}


def policy_text(value: object) -> str:
    """A policy document as JSON text, whether AWS gave it as text or botocore as an object; empty for none."""
    if value is None or value == "":
        return ""
    if isinstance(value, str):
        return value
    return _JSON.encode(value)


def tag_map(tags: Iterable[Page] | None) -> dict[str, str]:
    """AWS's list of ``{Key, Value}`` (KMS: ``{TagKey, TagValue}``) as a mapping."""
    return {
        str(tag.get("Key", tag.get("TagKey", ""))): str(tag.get("Value", tag.get("TagValue", ""))) for tag in tags or ()
    }
