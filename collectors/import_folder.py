"""Folders of iam-collect, as far as their public description goes (its docs `Storage` and `AgentInstructions`).

Recognised: ``[aws/]<partition>/accounts/<id>/iam/{user,role,group,policy}/<name>/`` with

- ``metadata.json``: ``arn`` must be there; ``id``, ``created``, ``permissionBoundary`` are used where they are;
- ``trust-policy.json`` (roles) and ``policy.json`` (policies): one policy document;
- ``inline-policies.json``: an array, or ``{"policies": […]}``, of a name and a document;
- ``managed-policies.json``: an array of ARNs, or of objects with one;
- ``groups.json`` (users): an array of names or ARNs;
- ``tags.json``: an object, or AWS's array of ``Key`` and ``Value``.

Keys are matched without regard to case. The description gives neither the shape of the other services' files nor any
outcome, so only IAM is read, and the record of it is ``skipped`` and never ``ok``: what is there is believed, what is
missing is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from collectors.errors import ImportFileError
from collectors.import_details import DetailsFile
from collectors.import_files import read_json, read_object
from model.arn import PARTITIONS, Arn, is_account_id
from model.errors import ArnError

NOTE = "an iam-collect folder records no outcomes: what is missing is unknown"

# folder: (list of the page, key of the name, key of the inline policies)
_KINDS = {
    "user": ("UserDetailList", "UserName", "UserPolicyList"),
    "role": ("RoleDetailList", "RoleName", "RolePolicyList"),
    "group": ("GroupDetailList", "GroupName", "GroupPolicyList"),
    "policy": ("Policies", "PolicyName", ""),
}
_IDS = {"user": "UserId", "role": "RoleId", "group": "GroupId", "policy": "PolicyId"}


def account_folders(folder: Path) -> list[Path]:
    """The folders of accounts under ``folder``, whichever level of the tree it is; empty: not such a tree."""
    found = [
        place / "accounts"
        for place in [folder, *(folder / name for name in PARTITIONS), *(folder / "aws" / name for name in PARTITIONS)]
        if (place / "accounts").is_dir()
    ]
    return sorted(
        account for place in found for account in place.iterdir() if account.is_dir() and is_account_id(account.name)
    )


def read_account(folder: Path) -> DetailsFile:
    """One account's IAM as a page of authorization details; raises ``ImportFileError``."""
    page: dict[str, list[dict[str, Any]]] = {key: [] for key, _, _ in _KINDS.values()}
    partition = ""
    for kind, (key, _, _) in _KINDS.items():
        for place in sorted((folder / "iam" / kind).glob("*/metadata.json")):
            entry, arn = _entry(place, kind)
            if arn.account not in {folder.name, "aws"}:
                raise ImportFileError(f"`{place}`: `{arn}` is not of account `{folder.name}`")
            partition = arn.partition
            page[key].append(entry)
    if not partition:
        raise ImportFileError(f"`{folder}` has no IAM entity: expected `iam/role/<name>/metadata.json` and the like")
    return DetailsFile(folder, folder.name, partition, page)


def _entry(place: Path, kind: str) -> tuple[dict[str, Any], Arn]:
    _, name_key, inline_key = _KINDS[kind]
    metadata = _folded(read_object(place))
    try:
        arn = Arn.parse(str(metadata.get("arn", "")))
    except ArnError as error:
        raise ImportFileError(f"`{place}`: {error}") from error
    path, _, name = arn.resource.partition("/")[2].rpartition("/")
    entry: dict[str, Any] = {"Arn": str(arn), name_key: name, "Path": f"/{path}/" if path else "/"}
    for key, sources in ((_IDS[kind], ("id", _IDS[kind])), ("CreateDate", ("created", "createdate"))):
        value = next((metadata[source.lower()] for source in sources if source.lower() in metadata), None)
        if isinstance(value, str):
            entry[key] = value
    boundary = metadata.get("permissionboundary") or metadata.get("permissionsboundary")
    if isinstance(boundary, dict):
        boundary = _folded(boundary).get("permissionsboundaryarn")
    if isinstance(boundary, str):
        entry["PermissionsBoundary"] = {
            "PermissionsBoundaryType": "Policy",
            "PermissionsBoundaryArn": boundary,
        }
    entry |= dict(_beside(place.parent, kind, inline_key))
    return entry, arn


def _beside(folder: Path, kind: str, inline_key: str) -> Iterator[tuple[str, Any]]:
    """What the other files of the entity's folder say."""
    if kind == "policy":
        if (folder / "policy.json").exists():
            document = dict(read_object(folder / "policy.json"))
            version = {"Document": document, "VersionId": "v1", "IsDefaultVersion": True}
            yield from (("DefaultVersionId", "v1"), ("PolicyVersionList", [version]))
        return
    if kind == "role":
        trust = folder / "trust-policy.json"
        if not trust.exists():
            raise ImportFileError(f"`{folder}`: a role without `trust-policy.json`")
        yield "AssumeRolePolicyDocument", dict(read_object(trust))
    yield (
        inline_key,
        [
            {"PolicyName": _text(each, folder, "policyname", "name"), "PolicyDocument": _document(each, folder)}
            for each in _list(folder / "inline-policies.json", "policies")
        ],
    )
    yield (
        "AttachedManagedPolicies",
        [
            {"PolicyName": arn.rsplit("/", 1)[-1], "PolicyArn": arn}
            for arn in (_text(each, folder, "policyarn", "arn") for each in _list(folder / "managed-policies.json"))
        ],
    )
    if kind == "user":
        names = (_text(each, folder, "groupname", "arn", "name") for each in _list(folder / "groups.json"))
        yield "GroupList", [name.rsplit("/", 1)[-1] for name in names]
    if (folder / "tags.json").exists():
        yield "Tags", _tags(read_json(folder / "tags.json"))


def _list(path: Path, inside: str = "") -> list[Any]:
    if not path.exists():
        return []
    value = read_json(path)
    if isinstance(value, dict) and inside in value:
        value = value[inside]
    if not isinstance(value, list):
        raise ImportFileError(f"`{path}`: expected an array")
    return value


def _text(value: Any, folder: Path, *keys: str) -> str:
    """A text, or the first of ``keys`` in an object."""
    if isinstance(value, dict):
        folded = _folded(value)
        value = next((folded[key] for key in keys if key in folded), None)
    if not isinstance(value, str) or not value:
        raise ImportFileError(f"`{folder}`: expected a text or an object with `{keys[0]}`")
    return value


def _document(value: Any, folder: Path) -> dict[str, Any]:
    folded = _folded(value) if isinstance(value, dict) else {}
    document = next((folded[key] for key in ("policydocument", "document", "policy") if key in folded), None)
    if not isinstance(document, dict):
        raise ImportFileError(f"`{folder / 'inline-policies.json'}`: an inline policy without a document")
    return document


def _tags(value: Any) -> list[dict[str, str]]:
    if isinstance(value, dict):
        return [{"Key": str(key), "Value": str(each)} for key, each in value.items()]
    return [{"Key": str(each.get("Key", "")), "Value": str(each.get("Value", ""))} for each in value if each]


def _folded(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key.lower(): each for key, each in value.items()}
