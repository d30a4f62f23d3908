"""How many decisions a second: distinct requests, parsed before the clock, no memo of results.

Usage: `python -m bench.decide [FILE] [--rounds N]`; FILE holds decision cases (plain or .gz).
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from pathlib import Path

from policy.cases import read_case
from policy.decide import decide

DEFAULT = Path(__file__).resolve().parents[2] / "shared" / "conformance" / "decisions.jsonl.gz"


def read_lines(path: Path) -> list[str]:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode().splitlines()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=DEFAULT)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    started = time.perf_counter()
    cases = [read_case(json.loads(line)) for line in read_lines(options.file)]
    print(f"{len(cases)} cases read and compiled in {time.perf_counter() - started:.2f} s")
    for number in range(options.rounds):
        started = time.perf_counter()
        for request, inputs in cases:
            decide(request, inputs)
        seconds = time.perf_counter() - started
        print(f"round {number + 1}: {len(cases) / seconds:,.0f} decisions/s")


if __name__ == "__main__":
    main()
