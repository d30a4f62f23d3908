"""Folders of built graphs and the pointer to the one that answers.

``<home>/graphs/<snapshot>/`` holds one build, ``<home>/graphs/current`` names it. A build is written beside, as
``.<snapshot>.part``, and becomes visible by a rename; who is killed on the way leaves the build before it answering.

``current`` is a file with one name a line, of which the first that exists counts. That is how a build of a snapshot
that already has one takes its place without a moment in which there is none: while the folders change names the
pointer lists both names of the new one.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from graph.store import StoreError

GRAPH_FILE = "graph.lbug"
_POINTER = "current"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,199}")


class BuildingError(StoreError):
    """Another process is building in this folder."""


def graphs_folder(home: str | Path) -> Path:
    """The folder of graphs: ``<home>/graphs``, or ``home`` itself if that is its name."""
    folder = Path(home)
    return folder if folder.name == "graphs" else folder / "graphs"


def folder_of(home: str | Path, snapshot: str) -> Path:
    """Where the build of ``snapshot`` stands; raises ``StoreError`` for an id that is no name of a folder."""
    if not _NAME.fullmatch(snapshot) or snapshot == _POINTER:
        raise StoreError(f"wrong snapshot id `{snapshot}`: letters, digits and . _ : + - only")
    return graphs_folder(home) / snapshot


def work_folder(home: str | Path, snapshot: str) -> Path:
    """Where an unfinished build of a snapshot keeps what it has done, so that the next one need not do it again."""
    return folder_of(home, snapshot).with_name(f".{snapshot}.work")


def current(home: str | Path) -> Path:
    """The folder of the build that answers; raises ``StoreError`` when there is none."""
    folder = graphs_folder(home)
    found = _pointed(folder)
    if found is None:
        raise StoreError(f"no graph in `{folder}`: run `grantmap build`")
    return found


def built(home: str | Path) -> tuple[str, ...]:
    """The snapshots that have a whole build, oldest first."""
    folder = graphs_folder(home)
    if not folder.is_dir():
        return ()
    whole = [f for f in folder.iterdir() if not f.name.startswith(".") and (f / GRAPH_FILE).is_file()]
    return tuple(f.name for f in sorted(whole, key=lambda f: ((f / GRAPH_FILE).stat().st_mtime_ns, f.name)))


@contextmanager
def building(home: str | Path, snapshot: str) -> Iterator[Path]:
    """A new empty folder to build in, published as the current one when the block ends without an error.

    One build at a time: raises ``StoreError`` while another one holds the folder. What a killed build left is removed.
    """
    final = folder_of(home, snapshot)
    with _writer(final.parent):
        part = final.with_name(f".{snapshot}.part")
        part.mkdir()
        try:
            yield part
            publish(part, final)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def await_builder(home: str | Path) -> None:
    """Returns once no other process builds in ``home``."""
    with (graphs_folder(home) / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)


def publish(part: Path, final: Path) -> None:
    """Makes the finished folder ``part`` the current build under the name of ``final``, beside it.

    Everything in it is on the disk before its name is. A folder that is there already is replaced; those who have
    its files open keep them.
    """
    if part.parent != final.parent:
        raise StoreError(f"`{part}` and `{final}` must stand in one folder")
    _sync(part)
    if final.exists():
        _point(final.parent, part.name, final.name)
        old = final.with_name(f".{final.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        final.rename(old)
    part.rename(final)
    _sync_one(final.parent)
    _point(final.parent, final.name)
    shutil.rmtree(final.with_name(f".{final.name}.old"), ignore_errors=True)


def prune(home: str | Path, keep: int, spared: Collection[str] = ()) -> tuple[str, ...]:
    """Removes all builds but the ``keep`` newest, the current one and those of the snapshots ``spared``; answers with
    the snapshots that went."""
    if keep < 1:
        raise StoreError(f"cannot keep {keep} graphs: keep 1 at least")
    folder = graphs_folder(home)
    if not folder.is_dir():
        return ()
    with _writer(folder):
        held = _pointed(folder)
        stay = {*spared, *((held.name,) if held is not None else ())}
        gone = [name for name in built(home)[:-keep] if name not in stay]
        for name in gone:
            # Under another name first, so that a build of which half is removed is never taken for a whole one.
            old = folder / f".{name}.old"
            (folder / name).rename(old)
            shutil.rmtree(old, ignore_errors=True)
    return tuple(gone)


def _pointed(folder: Path) -> Path | None:
    try:
        names = (folder / _POINTER).read_text().split("\n")
    except OSError:
        return None
    return next((folder / name for name in names if name and (folder / name).is_dir()), None)


def _point(folder: Path, *names: str) -> None:
    new = folder / f".{_POINTER}.new"
    new.write_text("\n".join(names) + "\n")
    _sync_one(new)
    new.replace(folder / _POINTER)
    _sync_one(folder)


@contextmanager
def _writer(folder: Path) -> Iterator[None]:
    """Holds the folder against other writers (the lock goes with the process) and tidies what killed ones left."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)  # who has access to what is nobody else's business on a shared machine
    with (folder / ".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise BuildingError(f"`{folder}` is being built by another process: wait for it") from error
        held = _pointed(folder)
        if held is not None and held.name.endswith(".part"):
            publish(held, folder / held.name.removeprefix(".").removesuffix(".part"))
        for left in folder.iterdir():
            if left.name.startswith(".") and left.name.endswith((".part", ".old")):
                shutil.rmtree(left, ignore_errors=True)
        yield


def _sync(folder: Path) -> None:
    for path in folder.rglob("*"):
        _sync_one(path)
    _sync_one(folder)


def _sync_one(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
