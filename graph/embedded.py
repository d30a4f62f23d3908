"""The embedded store: a folder of generations, each a file of LadybugDB in a folder of its own."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath

from graph import generations
from graph.kinds import EdgeTable
from graph.ladybug_store import LadybugStore
from graph.store import Counts, NodeRef, Parameters, Path, Result, Rows, StoreError

_ATTEMPTS = 3


class EmbeddedStore:
    """The graphs of a home. Opened at the first question, on the current generation or the one that is asked for."""

    def __init__(self, home: str | FilePath, generation: str | None = None) -> None:
        self.home = FilePath(home)
        self._wanted = generation
        self._open: LadybugStore | None = None
        self._closed = False
        self._opening = threading.Lock()

    def load(self, generation: str, nodes: Mapping[str, Rows], edges: Mapping[EdgeTable, Rows]) -> Counts:
        """See ``Store.load``: written beside, then published."""
        with generations.building(self.home, generation) as folder:
            store = LadybugStore.create(folder / generations.GRAPH_FILE)
            try:
                counts = store.load(generation, nodes, edges)
            finally:
                store.close()
        self.close()
        self._wanted, self._closed = None, False
        return counts

    def _store(self) -> LadybugStore:
        if self._closed:
            raise StoreError(f"graph `{self.home}` is closed")
        with self._opening:
            if self._open is None:
                self._open = self._opened()
            return self._open

    def _opened(self) -> LadybugStore:
        for attempt in range(_ATTEMPTS):
            folder = self._folder()
            try:
                return LadybugStore.open(folder / generations.GRAPH_FILE)
            except StoreError:
                # A build that replaces this snapshot renames its folder; then the pointer leads elsewhere now.
                if attempt == _ATTEMPTS - 1 or (folder / generations.GRAPH_FILE).exists():
                    raise
        raise AssertionError("unreachable")

    def _folder(self) -> FilePath:
        if self._wanted is None:
            return generations.current(self.home)
        folder = generations.folder_of(self.home, self._wanted)
        if not folder.is_dir():
            known = ", ".join(f"`{name}`" for name in generations.built(self.home)) or "none"
            raise StoreError(f"no graph of snapshot `{self._wanted}` (there are: {known}): run `grantmap build`")
        return folder

    def generation(self) -> str:
        """See ``Store.generation``."""
        return self._store().generation()

    def counts(self) -> Counts:
        """See ``Store.counts``."""
        return self._store().counts()

    def query(self, text: str, parameters: Parameters | None = None) -> Result:
        """See ``Store.query``."""
        return self._store().query(text, parameters)

    def shortest_paths(
        self,
        sources: Sequence[NodeRef],
        targets: Sequence[NodeRef],
        edge_kinds: Sequence[str],
        max_hops: int,
        limit: int,
    ) -> list[Path]:
        """See ``Store.shortest_paths``."""
        return self._store().shortest_paths(sources, targets, edge_kinds, max_hops, limit)

    def generations(self) -> tuple[str, ...]:
        """See ``Store.generations``."""
        return generations.built(self.home)

    def prune(self, keep: int) -> tuple[str, ...]:
        """See ``Store.prune``; a store that is open on a generation that went still answers from it."""
        return generations.prune(self.home, keep)

    def close(self) -> None:
        """See ``Store.close``."""
        if self._open is not None:
            self._open.close()
            self._open = None
        self._closed = True

    def __enter__(self) -> EmbeddedStore:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
