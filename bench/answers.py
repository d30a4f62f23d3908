"""How long questions take in an open process: ``python -m bench.answers --home HOME`` or ``--tables DIR``.

Asks many random questions of each kind. Prints the median, the 95th of a hundred and the worst, and the peak of memory
after each kind; the first question, which reads what all need, apart. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from bench.estate import SCREEN, peak, say, screen, timed
from graph import generations
from graph.questions import Questions
from graph.reaching import reach
from graph.subjects import Subject
from graph.tables import Tables
from graph.whatif import what_if
from graph.whatif_names import revocation
from model.errors import GrantmapError
from policy.actions import catalogue
from policy.context import Overrides


def measure(tables: Tables, count: int, seed: int) -> None:
    """Asks ``count`` questions of each kind."""
    begun = time.perf_counter()
    asked = Questions(tables)
    draw = random.Random(seed)
    data = asked.world.inventory.data
    principals = [one.arn for one in (*data.users, *data.roles)]
    things = _things(asked, draw)
    say("open", f"{time.perf_counter() - begun:,.2f} s, {peak():,.0f} MiB")
    requests = [(draw.choice(principals), draw.choice(things)) for _ in range(count)]
    told = [(who, draw.choice(catalogue().actions_for_resource(what)), what) for who, what in requests]
    _tell("can", [partial(asked.can, *each) for each in told])
    office = Overrides.of({"aws:SourceIp": ["203.0.113.7"]})
    _tell("can --context, one of an address", [partial(asked.can, *each, office) for each in told])
    _tell("who-can", [partial(asked.who_can, action, what) for _, action, what in told])
    _tell(f"reach, {SCREEN} rows", [partial(screen, asked, who) for who, _, _ in told])
    _tell("reach, every row counted", [partial(_counted, asked, who) for who, _, _ in told])
    changes: defaultdict[str, list[Callable[[], object]]] = defaultdict(list)
    for kind, call in _changes(asked, draw, count):
        changes[kind].append(call)
    for kind, calls in changes.items():
        _tell(f"what-if revoke --{kind}", calls)


def _counted(asked: Questions, who: str) -> object:
    return len(reach(asked, who))


def _things(asked: Questions, draw: random.Random) -> list[str]:
    """ARNs of resources in some of the accounts."""
    inventory = asked.world.inventory
    accounts = list(inventory.resource_accounts())
    chosen = draw.sample(accounts, min(len(accounts), 50))
    arns = [item.arn for account in chosen for item in inventory.resources_of(account)]
    return [arn for arn in arns if ":iam:" not in arn and catalogue().actions_for_resource(arn)]


def _changes(asked: Questions, draw: random.Random, count: int) -> Iterator[tuple[str, Callable[[], object]]]:
    """For random users, roles and people one change of each kind that is about them."""
    some = [one for one in asked.world.subjects.all if one.kind in ("User", "Role", "Person") and not one.lost]
    for subject in draw.sample(some, min(count, len(some))):
        by_kind: defaultdict[str, list[str]] = defaultdict(list)
        for kind, what in _revocable(asked, subject):
            by_kind[kind].append(what)
        for kind, names in by_kind.items():
            try:
                change = revocation(asked.world, subject, kind, draw.choice(names))
            except GrantmapError:
                continue
            yield kind, partial(what_if, asked, subject, change)


def _revocable(asked: Questions, subject: Subject) -> Iterator[tuple[str, str]]:
    inventory = asked.world.inventory
    holder = inventory.users.get(subject.key) or inventory.roles.get(subject.key)
    if holder is not None:
        yield from (("policy", f"{holder.arn}#inline:{one.name}") for one in holder.inline)
        yield from (("policy", arn) for arn in holder.attached)
        yield from (("statement", f"{arn}#1") for arn in holder.attached)
        yield from (("group", group) for group in getattr(holder, "groups", ()))
    person = inventory.people.get(subject.key)
    if person is not None:
        for one, _ in person.grants:
            given = f"{one.principal_type.lower()}:{one.principal_id}"
            yield "assignment", f"{one.permission_set}@{one.account}#{given}"
        yield from (("group", group.id) for group in inventory.data.directory_groups if person.user.id in group.members)
    steps = (step for step in asked.steps.out[subject.index] if step.action == "sts:AssumeRole")
    yield from (("trust", step.target.key) for step in steps)


def _tell(what: str, calls: Iterable[Callable[[], object]]) -> None:
    first, others = timed(calls)
    rest = others or [first]
    say(f"{what}: median of {len(rest)}", f"{statistics.median(rest) * 1000:,.0f} ms")
    say("  of a hundred the 95th", f"{rest[len(rest) * 95 // 100] * 1000:,.0f} ms")
    say("  worst, first", f"{rest[-1] * 1000:,.0f}, {first * 1000:,.0f} ms")
    say("  peak memory", f"{peak():,.0f} MiB")


def main() -> None:
    """Opens the build and asks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--home", type=Path, help="a home with a build, of which the current one answers")
    place.add_argument("--tables", type=Path, metavar="DIR", help="the tables of a build, finished or not")
    parser.add_argument("--count", type=int, default=100, help="questions of each kind")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.tables is not None:
        tables = Tables.unfinished(options.tables)
    else:
        tables = Tables(generations.current(options.home))
    measure(tables, options.count, options.seed)


if __name__ == "__main__":
    main()
