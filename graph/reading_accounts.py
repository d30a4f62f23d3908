"""Reading one account of a snapshot, with what its policies tell of subjects elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import msgspec

from graph.heap import uncollected
from graph.subjects import Mentioned, mentioned
from model.load_account import AccountData
from model.snapshot import Snapshot
from model.sources import read_resources, resources_path, store_account


class Read(NamedTuple):
    """What of an account goes on: its entities but resources, which lie in a file, and whom its policies name."""

    data: AccountData
    mentioned: Mentioned


encode_read = msgspec.msgpack.Encoder().encode
decode_read = msgspec.msgpack.Decoder(Read).decode


def read_account(snapshot: Snapshot, account: str, partition: str, folder: Path) -> Read:
    """Reads one account into a folder of ``model.sources``."""
    with uncollected():
        data = store_account(snapshot, account, partition, folder)
        return Read(data, mentioned(read_resources(resources_path(folder, account))))
