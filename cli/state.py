"""Where state lives and how a command opens it: home, configuration, snapshot, build."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.errors import GrantmapError

if TYPE_CHECKING:
    from graph.questions import Questions
    from graph.store import Store
    from model.snapshot import Snapshot

CONFIG_FILE = "grantmap.toml"


class ConfigError(GrantmapError):
    """A ``grantmap.toml`` that cannot be read or has what it should not."""


class StoreOptionError(GrantmapError):
    """A ``--store`` that is none, or that answers from a snapshot which is not here."""


def config() -> dict[str, Any]:
    """The settings of ``grantmap.toml`` in this folder: ``home``, and a table a command (``[collect]``)."""
    path = Path(CONFIG_FILE)
    try:
        raw = tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"`{path}` cannot be read: {error}") from error
    for key, value in raw.items():
        if key != "home" and not isinstance(value, dict):
            raise ConfigError(f"`{path}`: unknown setting `{key}`: expected `home` or a table named after a command")
    return raw


def defaults() -> dict[str, Any]:
    """The tables of ``grantmap.toml`` as defaults of the commands' options."""
    tables = {name: value for name, value in config().items() if isinstance(value, dict)}
    return {name: {key.replace("-", "_"): item for key, item in table.items()} for name, table in tables.items()}


def home() -> Path:
    """The folder of state: ``GRANTMAP_HOME``, else ``home`` of ``grantmap.toml``, else ``.grantmap``."""
    return Path(os.environ.get("GRANTMAP_HOME") or config().get("home") or ".grantmap")


def snapshot(id: str | None) -> Snapshot:
    """The snapshot of that id, ``None``: the newest complete one."""
    from model.snapshot import open_snapshot

    return open_snapshot(home(), id)


def graphs_home(store: str | None) -> Path:
    """Where tables are: the folder that ``--store`` names, else the home, for servers too."""
    if store is None or server(store) is not None:
        return home()
    if "://" in store:
        raise StoreOptionError(f"unknown store `{store.partition('://')[0]}://`: give a folder, neo4j:// or bolt://")
    return Path(store)


def server(store: str | None) -> str | None:
    """``--store`` if it names a server."""
    from graph.store import is_remote

    return store if store is not None and is_remote(store) else None


def questions(id: str | None, store: str | None = None) -> Questions:
    """The answers of a snapshot's build, which is made first where there is none.

    For a server the snapshot is the one that it answers from, unless ``id`` names another that it holds.
    """
    from cli.progress import build_report
    from graph.builds import built_tables
    from graph.questions import Questions

    place = graphs_home(store)
    asked = snapshot(id) if server(store) is None else _snapshot_of_server(id, str(store))
    with build_report() as report:
        return Questions(built_tables(asked, place, report))


def _snapshot_of_server(id: str | None, url: str) -> Snapshot:
    from graph.store import open_store
    from model.errors import SnapshotError

    graph = open_store(url, id)
    try:
        generation = graph.generation()
    finally:
        graph.close()
    try:
        return snapshot(generation)
    except SnapshotError as error:
        raise StoreOptionError(
            f"store `{url}` answers from snapshot `{generation}`, which home `{home()}` does not have whole: "
            "copy it there, or name another with --snapshot"
        ) from error


def store(id: str | None, store: str | None) -> Store:
    """The graph of a snapshot, built first where there is none; a server answers from what it holds."""
    from cli.progress import build_report
    from graph.builds import built_tables
    from graph.generations import GRAPH_FILE
    from graph.store import open_store

    if server(store) is not None:
        return open_store(str(store), id)
    place = graphs_home(store)
    with build_report() as report:
        return open_store(built_tables(snapshot(id), place, report).folder / GRAPH_FILE)
