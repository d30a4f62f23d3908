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
    """A ``--store`` that this version cannot open."""


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
    """Where builds are: the folder that ``--store`` names, else the home."""
    if store is None:
        return home()
    if "://" in store:
        raise StoreOptionError(
            f"store `{store.partition('://')[0]}://` is not supported by this version: give a folder"
        )
    return Path(store)


def questions(id: str | None, store: str | None = None) -> Questions:
    """The answers of a snapshot's build, which is made first where there is none."""
    from cli.progress import build_report
    from graph.builds import built_tables
    from graph.questions import Questions

    with build_report() as report:
        return Questions(built_tables(snapshot(id), graphs_home(store), report))


def store(id: str | None, store: str | None) -> Store:
    """The graph of a snapshot, built first where there is none."""
    from cli.progress import build_report
    from graph.builds import built_tables
    from graph.generations import GRAPH_FILE
    from graph.store import open_store

    with build_report() as report:
        return open_store(built_tables(snapshot(id), graphs_home(store), report).folder / GRAPH_FILE)
