"""Files of `aws iam get-account-authorization-details`, made into what a collection would have recorded.

botocore's own model of the operation says what each value must be, so that a file is wrong in the same terms in which
AWS documents it. Times become UTC with ``Z``; policy documents become objects, whether the file holds them as objects
(the AWS CLI), as URL-encoded JSON (the API) or as JSON text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import botocore.session
from botocore.model import ListShape, Shape, StructureShape

from collectors.calls import utc
from collectors.errors import ImportFileError
from collectors.import_files import kind_of, read_object
from collectors.registry import AUTHORIZATION_DETAILS
from model.arn import Arn
from model.errors import ArnError

LISTS = AUTHORIZATION_DETAILS.items

# What an entry cannot be without, by list.
_NEEDED = {
    "UserDetailList": ("Arn", "UserName"),
    "GroupDetailList": ("Arn", "GroupName"),
    "RoleDetailList": ("Arn", "RoleName", "AssumeRolePolicyDocument"),
    "Policies": ("Arn", "PolicyName"),
}


@dataclass(frozen=True)
class DetailsFile:
    """One file: a page (or all pages joined, as the CLI writes them) of one account's authorization details."""

    path: Path
    account: str
    partition: str
    page: dict[str, Any]

    @property
    def cut_off(self) -> bool:
        """Whether the file says itself that more follows (``--max-items``, or a single page of the API)."""
        return bool(self.page.get("IsTruncated") or self.page.get("NextToken"))


def read_details(path: Path) -> DetailsFile:
    """Read and check one file; raises ``ImportFileError`` with a JSON pointer to what is wrong."""
    raw = read_object(path)
    if not any(key in raw for key in LISTS):
        known = ", ".join(f"`{key}`" for key in LISTS)
        raise ImportFileError(
            f"`{path}` is not the output of `aws iam get-account-authorization-details`: it has none of {known}"
        )
    page = _convert(raw, _output_shape(), path, "")
    account, partition = _account(path, page)
    return DetailsFile(path, account, partition, page)


def join(files: Sequence[DetailsFile]) -> dict[str, list[DetailsFile]]:
    """Files by account, in the order given; raises ``ImportFileError`` for an account that is cut off or told twice."""
    accounts: dict[str, list[DetailsFile]] = {}
    for file in files:
        accounts.setdefault(file.account, []).append(file)
    for account, parts in accounts.items():
        if all(file.cut_off for file in parts):
            raise ImportFileError(
                f"`{parts[-1].path}` says that more follows for account `{account}`: "
                "add the remaining pages, or write the file without `--max-items`"
            )
        seen: dict[str, Path] = {}
        for file in parts:
            for pointer, arn in _arns(file.page):
                # A policy of AWS may be on every page.
                if arn in seen and not pointer.startswith("/Policies/"):
                    raise ImportFileError(f"`{file.path}` {pointer}: `{arn}` is already in `{seen[arn]}`")
                seen[arn] = file.path
    return accounts


@cache
def _output_shape() -> Shape:
    service = botocore.session.get_session().get_service_model("iam")
    shape = service.operation_model(AUTHORIZATION_DETAILS.name).output_shape
    assert shape is not None
    return shape


def _convert(value: Any, shape: Shape, path: Path, pointer: str) -> Any:
    """``value`` as botocore would have answered it; members that the model does not know are kept as they are."""
    if shape.name == "policyDocumentType":
        return _document(value, path, pointer)
    if isinstance(shape, StructureShape):
        if not isinstance(value, dict):
            raise _wrong(path, pointer, "an object", value)
        members = shape.members
        return {
            key: _convert(each, members[key], path, f"{pointer}/{_escape(key)}")
            if key in members and each is not None
            else each
            for key, each in value.items()
        }
    if isinstance(shape, ListShape):
        if not isinstance(value, list):
            raise _wrong(path, pointer, "an array", value)
        return [_convert(each, shape.member, path, f"{pointer}/{index}") for index, each in enumerate(value)]
    if shape.type_name == "timestamp":
        return _time(value, path, pointer)
    expected: dict[str, tuple[type, str]] = {
        "string": (str, "a string"),
        "boolean": (bool, "a boolean"),
        "integer": (int, "a number"),
    }
    wanted, name = expected.get(shape.type_name, (object, ""))
    if not isinstance(value, wanted):
        raise _wrong(path, pointer, name, value)
    return value


def _document(value: Any, path: Path, pointer: str) -> Any:
    if isinstance(value, dict):
        return value
    if not isinstance(value, str):
        raise _wrong(path, pointer, "a policy document", value)
    text = value if value.lstrip().startswith("{") else unquote(value)
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise ImportFileError(f"`{path}` {pointer}: policy document is not JSON: {error.msg}") from error
    if not isinstance(document, dict):
        raise _wrong(path, pointer, "a policy document", document)
    return document


def _time(value: Any, path: Path, pointer: str) -> str:
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return utc(datetime.fromtimestamp(value, UTC))
        if isinstance(value, str):
            return utc(datetime.fromisoformat(value))
    except (ValueError, OverflowError, OSError):
        raise ImportFileError(f"`{path}` {pointer}: `{value}` is not a time in ISO 8601") from None
    raise _wrong(path, pointer, "a time", value)


def _account(path: Path, page: Mapping[str, Any]) -> tuple[str, str]:
    """(account id, partition), which only the ARNs tell."""
    first: tuple[str, str, str] | None = None
    for key in LISTS:
        for index, entry in enumerate(page.get(key) or ()):
            for needed in _NEEDED[key]:
                if not entry.get(needed):
                    raise ImportFileError(f"`{path}` /{key}/{index}: `{needed}` is missing")
    for pointer, text in _arns(page):
        try:
            arn = Arn.parse(text)
        except ArnError as error:
            raise ImportFileError(f"`{path}` {pointer}: {error}") from error
        if arn.account == "aws":
            continue
        if first is None:
            first = (arn.account, arn.partition, pointer)
        elif arn.account != first[0]:
            raise ImportFileError(
                f"`{path}` {pointer}: account `{arn.account}`, but {first[2]} is of `{first[0]}`; one file, one account"
            )
    if first is None:
        raise ImportFileError(f"`{path}` names no account: it has no user, group, role or customer managed policy")
    return first[0], first[1]


def _arns(page: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(JSON pointer, ARN) of every entry."""
    for key in LISTS:
        for index, entry in enumerate(page.get(key) or ()):
            yield f"/{key}/{index}/Arn", entry["Arn"]


def _wrong(path: Path, pointer: str, expected: str, value: Any) -> ImportFileError:
    return ImportFileError(f"`{path}` {pointer or '/'}: expected {expected}, found {kind_of(value)}")


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
