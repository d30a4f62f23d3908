"""How long policies take to parse and to compile, told apart, on all AWS managed policies.

Usage: `python -m bench.compile [--rounds N]`; each round starts with nothing interned and nothing cached.
"""

from __future__ import annotations

import argparse
import json
import time

from moto.iam.aws_managed_policies import aws_managed_policies_data

from policy import conditions, document, patterns
from policy.actions import catalogue
from policy.jsontext import load_json


def forget() -> None:
    """Nothing is known: the next document is compiled as if it were the first."""
    document._INTERNED.clear()
    for cached in (patterns.matcher, conditions.condition_of):
        cached.cache_clear()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    texts = [json.dumps(item["Document"]) for item in json.loads(aws_managed_policies_data).values()]
    kilobytes = sum(map(len, texts)) / 1000
    print(f"{len(texts):,} AWS managed policies, {kilobytes:,.0f} kB of JSON")
    for number in range(options.rounds):
        forget()
        started = time.perf_counter()
        raw = [load_json(text, source="policy") for text in texts]
        parsed = time.perf_counter()
        compiled = [document.parse_document(item) for item in raw]
        done = time.perf_counter()
        for text in texts:
            document.parse_document(text)
        again = time.perf_counter()
        print(
            f"round {number + 1}: parse {parsed - started:.2f} s, compile {done - parsed:.2f} s, "
            f"parse what is interned already {again - done:.2f} s"
        )
    statements = [statement for item in compiled for statement in item.statements]
    listed = [text for statement in statements for text in statement.actions or statement.not_actions or ()]
    distinct = set(listed)
    started = time.perf_counter()
    actions = frozenset[str]().union(*map(catalogue().expand, distinct))
    print(
        f"{len(statements):,} statements with {len(listed):,} action patterns, {len(distinct):,} of them distinct, "
        f"which match {len(actions):,} actions (worked out in {time.perf_counter() - started:.2f} s)"
    )


if __name__ == "__main__":
    main()
