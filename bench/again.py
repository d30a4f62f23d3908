"""How long a build takes after one policy changed: ``python -m bench.again --home DIR [--account ID]``.

DIR is a home with a snapshot; where that has no build it gets one first. Takes the snapshot again with one more
statement, about the queues of the account, in the first inline policy of a role of it (of the middle one by default),
builds that, and prints the seconds of each phase and how many accounts were taken over. Re-resolving the tables is the
phases `resolve` and `tables`. The snapshot with the change and its build are in a home that goes away afterwards.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from bench.estate import linked, say
from graph.builder import build
from graph.builds import built_tables
from graph.generations import folder_of
from graph.table_format import BuildInfo
from model.snapshot import CallRecord, PartEntry, Snapshot, SnapshotWriter, open_snapshot
from model.snapshot_format import decode_part


def taken_again(old: Snapshot, home: Path, account: str) -> str:
    """The id of a snapshot like another but for one policy of an account."""
    with SnapshotWriter(home) as writer:
        for part in old.manifest.parts:
            records = _records(old, part)
            if part.account == account and part.collector == "iam":
                records = [_changed(record) for record in records]
            writer.write_unit(part.account, part.region, part.collector, records)
        manifest = old.manifest
        writer.finish(
            source=manifest.source,
            accounts=manifest.accounts,
            regions=manifest.regions,
            caller=manifest.caller,
            partition=manifest.partition,
            organization=manifest.organization,
            management_account=manifest.management_account,
        )
        return writer.id


def _records(snapshot: Snapshot, part: PartEntry) -> list[CallRecord]:
    return decode_part((snapshot.folder / part.path).read_bytes(), part.account, part.region, part.collector)


def _changed(record: CallRecord) -> CallRecord:
    if record.operation != "GetAccountAuthorizationDetails":
        return record
    queues = f"arn:aws:sqs:*:{record.account}:*"
    pages: list[dict[str, Any]] = msgspec.json.decode(msgspec.json.encode(record.response))
    for page in pages:
        for role in page.get("RoleDetailList", []):
            for inline in role["RolePolicyList"]:
                statement = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queues}
                inline["PolicyDocument"]["Statement"].append(statement)
                say("changed", role["Arn"])
                return msgspec.structs.replace(record, response=pages)
    raise SystemExit(f"error: no role of account `{record.account}` has an inline policy")


def _tell(info: BuildInfo) -> None:
    for phase, seconds in info.seconds.items():
        say(f"  {phase}", f"{seconds:,.1f} s")
    say("resolve and tables", f"{info.seconds['resolve'] + info.seconds['tables']:,.1f} s")
    say("accounts taken over", f"{info.taken_over:,}")


def main() -> None:
    """Builds where nothing is built, changes, builds again, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--account", help="whose policy changes")
    options = parser.parse_args()
    snapshot = open_snapshot(options.home)
    info = built_tables(snapshot, options.home).info
    sys.stdout.write("before\n")
    _tell(info)
    accounts = [one.id for one in snapshot.manifest.accounts]
    with tempfile.TemporaryDirectory(prefix="again-") as passing:
        home = Path(passing)
        linked(snapshot.folder, home)
        earlier = folder_of(home, snapshot.id)
        earlier.parent.mkdir()
        earlier.symlink_to(folder_of(options.home, snapshot.id).resolve(), target_is_directory=True)
        id = taken_again(snapshot, home, options.account or accounts[len(accounts) // 2])
        sys.stdout.write("again\n")
        _tell(build(open_snapshot(home, id), home))


if __name__ == "__main__":
    main()
