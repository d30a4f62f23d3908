"""How long a whole organisation takes: ``python -m bench.estate S|M|L`` or ``python -m bench.estate --snapshot DIR``.

Builds the snapshot, or a made-up world (``bench.world``), in ``--home`` or in a home that goes away afterwards. Prints
the seconds of each phase, those of the processors in all processes together, the peak of memory, what was built, how
many decisions it holds, and how long single questions take in an open process; nothing is asserted.
"""

from __future__ import annotations

import argparse
import random
import resource
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import msgspec

from bench.world import add_shape, shape_of, write_world
from graph import generations
from graph.builder import build
from graph.questions import Questions
from graph.reaching import reach
from graph.tables import BuildInfo, Tables
from model.errors import SnapshotError
from model.snapshot import Snapshot, open_snapshot
from model.snapshot_files import MANIFEST, snapshots_folder
from policy.actions import catalogue

_WIDTH = 44
_QUESTIONS = 20
#: Rows that a page of answers shows.
SCREEN = 100


def peak(whose: int = resource.RUSAGE_SELF) -> float:
    """MiB that this process held at most; with ``RUSAGE_CHILDREN`` the largest of those that it has waited for."""
    return resource.getrusage(whose).ru_maxrss / 1024


def say(what: str, value: str) -> None:
    sys.stdout.write(f"{what:<{_WIDTH}}{value:>16}\n")
    sys.stdout.flush()


def measure(snapshot: Snapshot, home: Path) -> None:
    """Builds a snapshot in ``home`` and asks it questions, printing as it goes."""
    info = build(snapshot, home, _Progress())
    say("all phases", f"{sum(info.seconds.values()):,.1f} s")
    say("  of processors, in all processes", f"{_processors():,.1f} s")
    say("peak memory, of the largest other process", f"{peak():,.0f}, {peak(resource.RUSAGE_CHILDREN):,.0f} MiB")
    tables = Tables(generations.folder_of(home, snapshot.id))
    _tell_size(info, tables)
    _tell_decisions(info, tables)
    begun = time.perf_counter()
    questions = Questions(Tables(generations.folder_of(home, snapshot.id)))
    data = questions.world.inventory.data
    principals = [entity.arn for entity in (*data.users, *data.roles)]
    things = _sample(questions)
    say("open", f"{time.perf_counter() - begun:,.3f} s")
    chance = random.Random(1)
    asked = [(chance.choice(principals), chance.choice(things)) for _ in range(_QUESTIONS + 1)]
    requests = [(who, chance.choice(_actions(what)), what) for who, what in asked]
    _time("can", (partial(questions.can, *each) for each in requests))
    _time("who-can", (partial(questions.who_can, action, what) for _, action, what in requests))
    _time("reach, the first hundred rows", (partial(screen, questions, who) for who, _, _ in requests))


def screen(questions: Questions, who: str) -> object:
    """What a page shows; rows are made when they are read."""
    return reach(questions, who)[:SCREEN]


def _processors() -> float:
    """Seconds of processors that this process and those that it has waited for took."""
    both = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)


def _tell_decisions(info: BuildInfo, tables: Tables) -> None:
    """How many decisions were answered: each of who may ask, about each action on each class of resources."""
    asking = len([one for one in tables.listed() if one.kind != "Person"])
    about: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], str] = {}
    for item in tables.classes:
        kind = (item.type, "contents" if item.contents else "open" if item.open else "")
        about[kind] += 1
        examples.setdefault(kind, item.representative)
    actions = {kind: len(_actions(example)) for kind, example in examples.items()}
    decisions = asking * sum([number * actions[kind] for kind, number in about.items()])
    say("who may ask", f"{asking:,}")
    say("decisions: asker, action, class", f"{decisions / 1e6:,.0f} million")
    say("  a second of resolving", f"{decisions / info.seconds['resolve'] / 1e6:,.0f} million")


def _sample(questions: Questions) -> list[str]:
    """ARNs of resources in some of the accounts: of a large organisation nobody opens all for a question."""
    inventory = questions.world.inventory
    accounts = list(inventory.resource_accounts())
    chosen = random.Random(2).sample(accounts, min(len(accounts), 50))
    arns = [item.arn for account in chosen for item in inventory.resources_of(account)]
    return [arn for arn in arns if ":iam:" not in arn and _actions(arn)]


def _actions(arn: str) -> tuple[str, ...]:
    return catalogue().actions_for_resource(arn)


def timed(calls: Iterable[Callable[[], object]]) -> tuple[float, list[float]]:
    """Seconds of the first call, which may open tables, and of the others, sorted."""
    seconds = []
    for call in calls:
        begun = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begun)
    first, *rest = seconds
    return first, sorted(rest)


def _time(what: str, calls: Iterable[Callable[[], object]]) -> None:
    """The first call, and the median and the worst of the others."""
    first, rest = timed(calls)
    say(f"{what}: median of {len(rest)}", f"{statistics.median(rest) * 1000:,.1f} ms")
    say(f"{what}: worst, first", f"{rest[-1] * 1000:,.0f}, {first * 1000:,.0f} ms")


def _tell_size(info: BuildInfo, tables: Tables) -> None:
    nodes, edges = sum(info.nodes.values()), sum(info.edges.values())
    inventory = tables.inventory.data
    say("accounts", f"{len(inventory.accounts):,}")
    say("users and roles", f"{len(inventory.users) + len(inventory.roles):,}")
    resources = whole = contents = 0
    for item in tables.classes:
        if item.contents:
            contents += 1
        elif item.members and not item.type.startswith("iam:"):
            whole += 1
            resources += len(item.members)
    say("resources without those of IAM", f"{resources:,}")
    say("resource classes", f"{len(tables.classes):,}")
    say("  of whole resources, a resource", f"{whole:,}, {whole / max(resources, 1):.2f}")
    say("  of contents", f"{contents:,}")
    say("classes of principals", f"{info.principal_classes:,}")
    say("nodes", f"{nodes:,}")
    say("edges", f"{edges:,}")
    say("edges a node", f"{edges / max(nodes, 1):.1f}")
    for kind, count in sorted(info.edges.items(), key=lambda item: -item[1])[:8]:
        say(f"  {kind}", f"{count:,}")
    say("gaps, invalid policies", f"{len(info.gaps):,}, {len(info.invalid):,}")


def linked(folder: Path, home: Path) -> Snapshot:
    """The snapshot in a folder, whatever that is called, as one of ``home``; raises ``SnapshotError``."""
    try:
        id = str(msgspec.json.decode((folder / MANIFEST).read_bytes())["id"])
    except (OSError, msgspec.DecodeError, KeyError, TypeError) as error:
        raise SnapshotError(f"no snapshot in `{folder}`: its {MANIFEST} cannot be read: {error}") from error
    place = snapshots_folder(home) / id
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(folder.resolve(), target_is_directory=True)
    return open_snapshot(home, id)


class _Progress:
    """Says how long each phase took when it ends, and every ten seconds of a long one how far it is."""

    def __init__(self) -> None:
        self._said = time.monotonic()
        self._begun: dict[str, float] = {}

    def __call__(self, phase: str, done: int, of: int) -> None:
        now = time.monotonic()
        begun = self._begun.setdefault(phase, now)
        if done == of:
            say(f"  {phase}", f"{now - begun:,.1f} s")
        elif now - self._said > 10:
            self._said = now
            sys.stderr.write(f"{phase} {done}/{of} after {now - begun:,.0f} s\n")


def main() -> None:
    """Makes the world where no snapshot is given, builds, asks, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_shape(parser)
    parser.add_argument(
        "--snapshot", type=Path, metavar="DIR", help="the folder of a snapshot instead of a made-up world"
    )
    parser.add_argument("--home", type=Path, help="where the world and the build stay")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="estate-") as passing:
        home: Path = options.home or Path(passing)
        if options.snapshot is not None:
            try:
                snapshot = linked(options.snapshot, Path(passing) / "given")
            except SnapshotError as error:
                parser.error(str(error))
        else:
            begun = time.perf_counter()
            snapshot = open_snapshot(home, write_world(shape_of(options), home))
            say("world", f"{time.perf_counter() - begun:,.1f} s")
        measure(snapshot, home)


if __name__ == "__main__":
    main()
