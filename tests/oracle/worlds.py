"""The product and the naive evaluator on random cases: `python -m tests.oracle.worlds FIRST COUNT` compares them."""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import NamedTuple

from policy.cases import run_cases
from tests.oracle.cases import world
from tests.oracle.disputed import labelled
from tests.oracle.evaluate import Case
from tests.oracle.unknown import decide

CHUNK = 5_000  # cases for one process: the product keeps every document that it has read


class Disagreement(NamedTuple):
    """One case with two answers; its text says how to have it again."""

    seed: int
    naive: str
    product: str
    case: Case

    def __str__(self) -> str:
        said = f"seed {self.seed}: the naive evaluator says {self.naive}, policy says {self.product}"
        return f"{said}\n{json.dumps(self.case)}"


class Compared(NamedTuple):
    """Verdicts by number, and the cases on which the two differ."""

    verdicts: Counter[str]
    disagreements: list[Disagreement]


def naive(case: Case) -> str:
    """The naive verdict. A role that is asked for directly chooses the name of its session."""
    if ":role/" in case["principal"]:
        return decide({**case, "unknown": ["session_name"]}, labelled)
    return labelled(case)


def product(case: Case) -> str:
    found = next(run_cases([json.dumps(case)]))
    return str(found["verdict"]) + (f": {found['error']}" if "error" in found else "")


def compare(seeds: Iterable[int]) -> Compared:
    compared = Compared(Counter(), [])
    for seed in seeds:
        case = world(seed)
        ours, theirs = naive(case), product(case)
        compared.verdicts[ours] += 1
        if ours != theirs:
            compared.disagreements.append(Disagreement(seed, ours, theirs, case))
    return compared


def compare_all(first: int, count: int) -> Compared:
    """`compare` in as many processes as there are processors."""
    chunks = [range(start, min(start + CHUNK, first + count)) for start in range(first, first + count, CHUNK)]
    total = Compared(Counter(), [])
    workers = os.cpu_count()
    with ProcessPoolExecutor(workers, get_context("spawn"), max_tasks_per_child=1) as pool:
        for part in pool.map(compare, chunks):
            total.verdicts.update(part.verdicts)
            total.disagreements.extend(part.disagreements)
    return total


if __name__ == "__main__":
    total = compare_all(int(sys.argv[1]), int(sys.argv[2]))
    print(*total.disagreements[:20], sep="\n\n")
    print(dict(total.verdicts), f"{len(total.disagreements)} disagreements")
