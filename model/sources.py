"""Resources on disk, a file an account, so that a question opens the one account that it is about.

A build writes them in one pass over the snapshot: ``store_account`` for each of ``Snapshot.part_accounts``, in as many
processes as there are, then ``store_shared`` with what they return, in that order.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from model.entities import Resource
from model.errors import InventoryError
from model.inventory import Inventory
from model.load_account import AccountData, decode_resources, encode_resources, load_account
from model.loading import assemble
from model.shared import Shared, settled
from model.snapshot import Snapshot
from model.snapshot_files import TEMPORARY

_SHARED = "shared.msgpack"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")

_encode_shared = msgspec.msgpack.Encoder().encode
_decode_shared = msgspec.msgpack.Decoder(Shared).decode


def write_resources(path: Path, resources: Iterable[Resource]) -> None:
    """Write the resources of one account; who is killed meanwhile leaves the file as it was. Raises ``OSError``."""
    _replace(path, encode_resources(tuple(resources)))


def read_resources(path: Path) -> tuple[Resource, ...]:
    """What ``write_resources`` wrote; raises ``InventoryError`` for a file that is missing or is not one."""
    try:
        return decode_resources(path.read_bytes())
    except (OSError, msgspec.MsgspecError) as error:
        raise InventoryError(f"stored resources `{path}` cannot be read: {error}; build again") from error


def resources_path(folder: Path, account: str) -> Path:
    """Where the resources of an account lie in a folder of them; raises ``InventoryError`` for no plain word."""
    if not _NAME.fullmatch(account):  # the manifest of somebody else's snapshot may name a file elsewhere
        raise InventoryError(f"wrong account `{account}`: letters, digits, `_` and `-` only")
    return folder / f"{account}.resources"


def store_account(snapshot: Snapshot, account: str, partition: str, folder: Path) -> AccountData:
    """Load one account and write its resources; returns what else it tells. Pure but for the file.

    The file holds what other accounts tell of it only after ``store_shared``. Raises as ``load_account``; ``OSError``.
    """
    data = load_account(snapshot, account, partition)
    write_resources(resources_path(folder, account), data.resources)
    return msgspec.structs.replace(data, resources=())


def store_shared(snapshot: Snapshot, accounts: Iterable[AccountData], folder: Path) -> Shared:
    """Put together what the stored accounts tell, and settle their files; ``accounts`` as ``assemble`` takes them.

    Raises as ``assemble``, and ``OSError``.
    """
    strays: dict[str, tuple[str, ...]] = {}

    def noted(account: AccountData) -> AccountData:
        strays[account.account] = account.strays
        return account

    shared = assemble(snapshot, map(noted, accounts))
    for account in _unsettled(shared, strays):
        path = resources_path(folder, account)
        write_resources(path, settled(account, read_resources(path), shared))
    _replace(folder / _SHARED, _encode_shared(shared))
    return shared


def _unsettled(shared: Shared, strays: dict[str, tuple[str, ...]]) -> list[str]:
    """The accounts of whose resources others tell something, a few of them all."""
    places = shared.places
    found = {account for account, arns in strays.items() if any(places[arn] != account for arn in arns)}
    for arn, place in places.items():
        named, _, name = arn.partition(":s3:::")
        if name and shared.points.get(name, (place,)) != (place,):
            found.add(place)
        found.update(named.split(":", 5)[4:5])
    return sorted(found & strays.keys())


def read_shared(folder: Path) -> Shared:
    """What ``store_shared`` wrote; raises ``InventoryError`` for a file that is missing or is not one."""
    path = folder / _SHARED
    try:
        return _decode_shared(path.read_bytes())
    except (OSError, msgspec.MsgspecError) as error:
        raise InventoryError(f"stored inventory `{path}` cannot be read: {error}; build again") from error


def shared_digest(folder: Path) -> bytes:
    """A digest of what ``store_shared`` wrote. Raises ``OSError``."""
    return hashlib.sha256((folder / _SHARED).read_bytes()).digest()


def store_inventory(inventory: Inventory, folder: Path) -> None:
    """Store an inventory that is in memory. Raises ``OSError``."""
    accounts = tuple(inventory.resource_accounts())
    places: dict[str, str] = {}
    for account in accounts:
        resources = inventory.resources_of(account)
        write_resources(resources_path(folder, account), resources)
        places.update((one.arn, account) for one in resources if one.arn.split(":", 5)[4:5] != [account])
    data = msgspec.structs.replace(inventory.data, resources=())
    _replace(folder / _SHARED, _encode_shared(Shared(data=data, accounts=accounts, points={}, places=places)))


class FolderSource:
    """The resources that ``store_account`` and ``store_shared`` wrote; a ``ResourceSource``."""

    def __init__(self, folder: Path, shared: Shared) -> None:
        self._folder = folder
        self._shared = shared
        self._known = frozenset(shared.accounts)

    def accounts(self) -> Sequence[str]:
        return self._shared.accounts

    def of(self, account: str) -> tuple[Resource, ...]:
        """The resources of an account; raises ``InventoryError`` when the file of one that was stored is not there."""
        return read_resources(resources_path(self._folder, account)) if account in self._known else ()

    def account_of(self, arn: str) -> str | None:
        return self._shared.account_of(arn)


def open_inventory(folder: Path) -> Inventory:
    """The stored inventory, whose resources are read when they are asked for."""
    shared = read_shared(folder)
    return Inventory(shared.data, FolderSource(folder, shared))


def _replace(path: Path, data: bytes) -> None:
    # Not synced: what a lost disk loses can be built again, and a thousand syncs take seconds.
    temporary = path.with_name(f"{TEMPORARY}{secrets.token_hex(4)}")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
