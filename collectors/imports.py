"""Imports: files that others wrote become a snapshot like a collected one.

What a file holds is recorded under the collector and operation that would have asked AWS for it, so that the same
inventory comes out; what its format cannot hold is listed as skipped, once a service.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from collectors.errors import ImportFileError
from collectors.import_details import DetailsFile, join, read_details
from collectors.import_folder import NOTE, account_folders, read_account
from collectors.import_people import read_people
from collectors.options import CollectResult
from collectors.registry import AUTHORIZATION_DETAILS, OPERATIONS
from model.entities import Gap
from model.snapshot import GLOBAL, NO_ACCOUNT, CallRecord, SnapshotAccount, SnapshotWriter
from model.snapshot_files import now


@dataclass
class _Found:
    """What the files hold so far."""

    details: list[DetailsFile] = field(default_factory=list)
    folders: list[DetailsFile] = field(default_factory=list)
    people: list[tuple[Path, list[dict[str, str]]]] = field(default_factory=list)
    failures: list[tuple[Path, str]] = field(default_factory=list)


def import_paths(paths: Sequence[Path], home: Path, keep_going: bool = False) -> CollectResult:
    """Make a snapshot of ``.json`` (authorization details), ``.csv`` (people), folders of them or of iam-collect.

    Raises ``ImportFileError`` for the first bad file, before anything is written; with ``keep_going`` bad files are
    gaps of the snapshot instead, unless no file is good.
    """
    if not paths:
        raise ImportFileError("nothing to import: name a file or a folder")
    found = _Found()
    for path in _expand(paths):
        try:
            _read(path, found)
        except ImportFileError as error:
            if not keep_going:
                raise
            found.failures.append((path, str(error)))
    accounts = _joined(found, keep_going)
    if not accounts and not found.people:
        raise ImportFileError(found.failures[0][1])
    return _write(home, accounts, found)


def _expand(paths: Sequence[Path]) -> Iterator[Path]:
    """Files, and folders of accounts, in the order given and then by name."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        inside = account_folders(path) or sorted(
            each for each in path.iterdir() if each.suffix.lower() in {".json", ".csv"} and each.is_file()
        )
        if not inside:
            raise ImportFileError(f"nothing to import in `{path}`: no `.json`, no `.csv`, no `accounts` of iam-collect")
        yield from inside


def _read(path: Path, found: _Found) -> None:
    if path.is_dir():
        found.folders.append(read_account(path))
        return
    if not path.exists():
        raise ImportFileError(f"no file `{path}`")
    suffix = path.suffix.lower()
    if suffix == ".csv":
        if found.people:
            raise ImportFileError(f"`{path}`: people are already in `{found.people[0][0]}`")
        found.people.append((path, read_people(path)))
    elif suffix == ".json":
        found.details.append(read_details(path))
    else:
        raise ImportFileError(f"`{path}` is neither `.json` (authorization details) nor `.csv` (people)")


def _joined(found: _Found, keep_going: bool) -> dict[str, list[DetailsFile]]:
    accounts: dict[str, list[DetailsFile]] = {}
    by_account: dict[str, list[DetailsFile]] = {}
    for file in found.details:
        by_account.setdefault(file.account, []).append(file)
    for files in by_account.values():
        try:
            accounts |= join(files)
        except ImportFileError as error:
            if not keep_going:
                raise
            found.failures += [(file.path, str(error)) for file in files]
    for folder in found.folders:
        there = accounts.setdefault(folder.account, [folder])[0]
        if there is not folder:
            problem = f"`{folder.path}`: account `{folder.account}` is already in `{there.path}`"
            if not keep_going:
                raise ImportFileError(problem)
            found.failures.append((folder.path, problem))
    return accounts


def _write(home: Path, accounts: dict[str, list[DetailsFile]], found: _Found) -> CollectResult:
    folders = {id(folder) for folder in found.folders}
    with SnapshotWriter(home) as writer:
        for account, files in sorted(accounts.items()):
            record = _details_record(files, certain=id(files[0]) not in folders)
            writer.write_unit(account, GLOBAL, AUTHORIZATION_DETAILS.collector, [record])
        for path, people in found.people:
            writer.write_unit(NO_ACCOUNT, GLOBAL, "people", [_people_record(path, people)])
        manifest = writer.finish(
            source="import",
            accounts=[SnapshotAccount(id=account) for account in accounts],
            partition=next((files[0].partition for files in accounts.values()), "aws"),
            skipped=[gap for account in sorted(accounts) for gap in _not_held(account)],
            gaps=[_failure(path, why) for path, why in found.failures],
        )
    return CollectResult(
        snapshot=manifest.id,
        accounts=len(manifest.accounts),
        ok=not manifest.gaps,
        gaps=manifest.gaps,
        skipped=manifest.skipped,
    )


def _details_record(files: Sequence[DetailsFile], certain: bool) -> CallRecord:
    moment = now()
    return CallRecord(
        service=AUTHORIZATION_DETAILS.service,
        operation=AUTHORIZATION_DETAILS.name,
        params={},
        outcome="ok" if certain else "skipped",
        note="" if certain else NOTE,
        started=moment,
        ended=moment,
        pages=len(files),
        items=sum(len(file.page.get(key) or ()) for file in files for key in AUTHORIZATION_DETAILS.items),
        affects=AUTHORIZATION_DETAILS.affects,
        response=[file.page for file in files],
    )


def _people_record(path: Path, people: list[dict[str, str]]) -> CallRecord:
    moment = now()
    return CallRecord(
        service="people",
        operation="ReadPeople",
        # The name only: where it lay on somebody's disk is nobody's business.
        params={"File": path.name},
        outcome="ok",
        started=moment,
        ended=moment,
        pages=1,
        items=len(people),
        affects="people",
        response=[{"People": people}],
    )


def _not_held(account: str) -> Iterator[Gap]:
    """What no import holds, once a service: credentials, organisation, Identity Center, resources."""
    services: dict[str, str] = {}
    for operation in OPERATIONS:
        if operation.collector not in {"account", "organization"} and operation is not AUTHORIZATION_DETAILS:
            services.setdefault(operation.service, operation.name)
    for service, first in _with_organization(services.items()):
        yield Gap(
            account=account,
            region=GLOBAL,
            service=service,
            operation=first,
            outcome="skipped",
            affects="iam:credential-report" if service == "iam" else f"{service}:*",
            detail="the imported format cannot hold it",
        )


def _with_organization(services: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [("organizations", "DescribeOrganization"), *services]


def _failure(path: Path, why: str) -> Gap:
    return Gap(
        account=NO_ACCOUNT,
        region=GLOBAL,
        service="import",
        operation="ReadFile",
        outcome="error",
        affects=path.name,
        detail=why,
    )
