"""What is resolved is the same to the byte in every process, however Python happens to order sets there."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from graph.tasks import resolved_in
from graph.world import World
from model.inventory import Inventory
from tests.graph.worlds import ONE, allow, made_world, queue, seeds, user, world

COLOURS = ("red", "blue", "green", "grey")
ACTIONS = ("sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:PurgeQueue")
ROOT = Path(__file__).parents[2]


def coloured() -> World:
    """Who may do another thing with queues of each colour."""
    statements = [
        allow(action, Condition={"StringEquals": {"aws:ResourceTag/team": colour}})
        for action, colour in zip(ACTIONS, COLOURS, strict=True)
    ]
    queues = tuple(queue(f"q{n}", tags={"team": colour}) for n, colour in enumerate((*COLOURS, "pink")))
    return made_world(users=(user("u", ONE, *statements),), resources=queues)


def digest() -> str:
    """Of all that is resolved of some worlds."""
    found = hashlib.sha256()
    for some in (coloured(), *(World(Inventory(world(seed))) for seed in seeds(3, 30))):
        for account in some.inventory.accounts:
            resources = tuple(some.inventory.resources_of(account))
            found.update(resolved_in(some.resolver, account, resources))
    return found.hexdigest()


def test_what_is_resolved_hangs_on_no_process() -> None:
    text = "from tests.graph.test_same_tables import digest; print(digest())"
    told = set()
    for seed in ("1", "2", "3"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        run = subprocess.run(
            [sys.executable, "-c", text], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        )
        told.add(run.stdout.strip())
    assert len(told) == 1 and len(told.pop()) == 64
