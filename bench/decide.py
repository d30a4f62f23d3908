"""How fast the engine decides: the conformance mix one by one, and a table of pairs for one principal.

Usage: `python -m bench.decide [FILE] [--rounds N]`; FILE holds decision cases (plain or .gz).

One by one: requests are all different, their JSON is parsed and their documents are compiled before the clock, which
are told apart; nothing remembers a result, and each record is built in full. Cold is the first round, in which each
document first meets the action that it is asked about; warm are the others. The table: one principal with AWS managed
policies and conditions on unknown keys, actions on objects in buckets of which one in ten has a policy of its own.
"""

from __future__ import annotations

import argparse
import gc
import gzip
import json
import statistics
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from policy.actions import catalogue
from policy.cases import read_case
from policy.context_values import DictContext
from policy.decide import decide
from policy.document import parse_document
from policy.inputs import Inputs, PolicyRef
from policy.many import Side, decide_many
from policy.request import Principal

DEFAULT = Path(__file__).resolve().parents[2] / "shared" / "conformance" / "decisions.jsonl.gz"
ACCOUNT = "111111111111"
MANAGED = ("PowerUserAccess", "ReadOnlyAccess", "SecurityAudit", "AmazonS3ReadOnlyAccess", "AWSLambda_FullAccess")
OWN = [
    {"Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::bucket1*", "arn:aws:s3:::${aws:username}/*"]},
    {
        "Effect": "Deny",
        "Action": "s3:Delete*",
        "Resource": "arn:aws:s3:::bucket*9/*",
        "Condition": {"StringNotEquals": {"aws:PrincipalTag/team": "storage"}},
    },
    {
        "Effect": "Deny",
        "NotAction": ["iam:*", "sts:*"],
        "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-central-1"]}},
    },
]


def read_lines(path: Path) -> list[str]:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode().splitlines()


def one_by_one(path: Path, rounds: int) -> None:
    """Prints the speed of `decide` on the cases of a file."""
    lines = read_lines(path)
    started = time.perf_counter()
    raw = [json.loads(line) for line in lines]
    parsed = time.perf_counter()
    cases = [read_case(case) for case in raw]
    compiled = time.perf_counter()
    print(f"{len(cases):,} cases: JSON parsed in {parsed - started:.2f} s, compiled in {compiled - parsed:.2f} s")
    del raw
    gc.collect()
    gc.freeze()  # what was read stays: the collector need not look at it again and again
    speeds = []
    for _ in range(rounds + 1):
        started = time.perf_counter()
        for request, inputs in cases:
            decide(request, inputs)
        speeds.append(len(cases) / (time.perf_counter() - started))
    warm = speeds[1:]
    print(f"cold: {speeds[0]:,.0f} decisions/s")
    middle = statistics.median(warm)
    print(f"warm: {middle:,.0f} decisions/s (median of {rounds} rounds, {min(warm):,.0f} to {max(warm):,.0f})")


def in_a_table(rounds: int, buckets: int = 10_000) -> None:
    """Prints the speed of `decide_many`."""
    from moto.iam.aws_managed_policies import aws_managed_policies_data  # the documents that AWS publishes

    texts: dict[str, Any] = json.loads(aws_managed_policies_data)
    identity = [PolicyRef(name, parse_document(texts[name]["Document"])) for name in MANAGED]
    identity.append(PolicyRef("own", parse_document({"Version": "2012-10-17", "Statement": OWN})))
    principal = Principal.parse(f"arn:aws:iam::{ACCOUNT}:user/alice")
    context = DictContext({"aws:username": "alice"}, ["aws:PrincipalTag/team", "aws:RequestedRegion"])
    base = Inputs(identity=tuple(identity))
    sides = [
        Side(f"arn:aws:s3:::bucket{i}/object", ACCOUNT, base if i % 10 else with_policy(base, i), context)
        for i in range(buckets)
    ]
    actions = sorted(catalogue().expand("s3:*"))[:150]
    speeds = []
    for _ in range(rounds):
        started = time.perf_counter()
        found = decide_many(principal, actions, sides)
        speeds.append(len(found) / (time.perf_counter() - started))
    print(
        f"table: {len(found):,} pairs, {len(found.distinct):,} different decisions, "
        f"{statistics.median(speeds):,.0f} decisions/s (median of {rounds} rounds)"
    )


def with_policy(base: Inputs, number: int) -> Inputs:
    """The inputs with a bucket policy that names somebody."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/user{number}"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::bucket{number}/*",
    }
    document = parse_document({"Version": "2012-10-17", "Statement": statement})
    return replace(base, resource=PolicyRef(f"arn:aws:s3:::bucket{number}#policy", document))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, default=DEFAULT)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    one_by_one(options.file, options.rounds)
    in_a_table(options.rounds)


if __name__ == "__main__":
    main()
