"""A made-up organisation as a snapshot: ``python -m bench.world S|M|L --home DIR [--seed N]``, or numbers of one's own.

It has what makes real ones hard: units with control policies (region denials among them), permission sets over many
accounts, AWS managed and own policies in a skewed choice, boundaries, resource policies that name principals,
conditions on tags and on keys nobody knows, variables, NotAction and NotResource, trusts across accounts, and chains
and cycles of them.

Accounts are planned and written one after the other; equal seeds give equal parts. Prints the snapshot's id and counts.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from bench.world_iam import iam_part
from bench.world_organization import center_part, organization_part
from bench.world_plan import REGIONS, SIZES, AccountPlan, Plan, Shape
from bench.world_policies import ORGANIZATION
from bench.world_records import called
from bench.world_resources import resource_parts
from model.snapshot import CallRecord, SnapshotAccount, SnapshotWriter

#: Parts wait for the disk beside each other; more than these in memory are not needed.
_THREADS, _WAITING = 6, 24
_ROLE = "grantmap-reader"

_Unit = tuple[str, str, list[CallRecord]]


def write_world(shape: Shape, home: Path) -> str:
    """Writes the world's snapshot into ``home``; returns its id. Raises ``ValueError`` for a shape that cannot be."""
    plan = Plan(shape)
    with SnapshotWriter(home) as writer:
        accounts = []
        with ThreadPoolExecutor(_THREADS) as pool:
            waiting: deque[Future[None]] = deque()
            for index in range(shape.accounts):
                account = plan.account(index)
                accounts.append(plan.account(index, resources=False))
                for region, collector, records in _units(plan, account):
                    waiting.append(pool.submit(writer.write_unit, account.id, region, collector, records))
                    if len(waiting) > _WAITING:
                        waiting.popleft().result()
            for future in waiting:
                future.result()
        management = plan.ids[0]
        writer.write_unit(management, "global", "organization", organization_part(plan, accounts))
        writer.write_unit(management, "global", "identity_center", center_part(plan, accounts))
        writer.finish(
            source="aws",
            accounts=[SnapshotAccount(id=each.id, name=each.name, role=_reader(each)) for each in accounts],
            regions=shape.regions,
            caller=f"arn:aws:iam::{management}:user/{accounts[0].users[0]}",
            organization=ORGANIZATION,
            management_account=management,
        )
        return writer.id


def _reader(account: AccountPlan) -> str:
    return f"arn:aws:iam::{account.id}:role/{_ROLE}" if account.index else ""


def _units(plan: Plan, account: AccountPlan) -> Iterator[_Unit]:
    area = f"account:{account.id}"
    if account.index:
        params = {"RoleArn": _reader(account), "RoleSessionName": "grantmap"}
        page = {"AssumedRoleUser": {"Arn": f"arn:aws:sts::{account.id}:assumed-role/{_ROLE}/grantmap"}}
        entered = called("sts", "AssumeRole", page, affects=area, params=params)
    else:
        entered = called("sts", "GetCallerIdentity", {"Account": account.id}, affects=area)
    regions = {
        "Regions": [{"RegionName": region, "OptInStatus": "opt-in-not-required"} for region in plan.shape.regions]
    }
    yield "global", "account", [entered, called("ec2", "DescribeRegions", regions, key="Regions", affects=area)]
    yield "global", "iam", list(iam_part(plan, account))
    yield from resource_parts(plan, account)


def add_shape(parser: argparse.ArgumentParser) -> None:
    """The options that say how large a world is."""
    parser.add_argument("size", nargs="?", choices=sorted(SIZES), default="S")
    parser.add_argument("--accounts", type=int, help="instead of the size's number")
    parser.add_argument("--principals", type=int, help="IAM users and roles")
    parser.add_argument("--resources", type=int)
    parser.add_argument("--regions", nargs="+", default=list(REGIONS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--open",
        type=int,
        default=0,
        metavar="N",
        help="buckets and workloads' roles of each account that are open to the whole organisation",
    )


def shape_of(options: argparse.Namespace) -> Shape:
    """The shape that the options ask for; ends the program for one that cannot be."""
    accounts, principals, resources = SIZES[options.size]
    shape = Shape(
        accounts=options.accounts or accounts,
        principals=options.principals or principals,
        resources=options.resources or resources,
        seed=options.seed,
        regions=tuple(options.regions),
        open=options.open,
    )
    try:
        Plan(shape)
    except ValueError as error:
        raise SystemExit(f"error: {error}") from error
    return shape


def main() -> None:
    """Writes a world, prints its id and what it holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_shape(parser)
    parser.add_argument("--home", type=Path, required=True)
    options = parser.parse_args()
    shape, begun = shape_of(options), time.perf_counter()
    snapshot = write_world(shape, options.home)
    folder = options.home / "snapshots" / snapshot
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(
        f"{snapshot}\n{shape.accounts:,} accounts, {shape.principals:,} principals, {shape.resources:,} resources, "
        f"seed {shape.seed}\n{size / 1e6:,.1f} MB in {time.perf_counter() - begun:.1f} s, peak {peak:,.0f} MiB\n"
    )


if __name__ == "__main__":
    main()
