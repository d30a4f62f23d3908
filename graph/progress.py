"""What a build has resolved so far, on disk: a build that was interrupted goes on where it was."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from graph.engines import resources_in
from graph.subjects import Listed
from graph.versions import maker
from model.sources import shared_digest

_SUFFIX = ".resolved"


class Done:
    """Answers by account. One counts only for the same shared entities, subjects and resources, in the same version.

    ``resources`` is the folder where they lie, with the shared entities.
    """

    def __init__(self, folder: Path, listed: Sequence[Listed], resources: Path) -> None:
        self._folder = folder
        self._resources = resources
        subjects = hashlib.sha256(msgspec.msgpack.encode(listed)).digest()
        self._start = hashlib.sha256(maker().encode() + shared_digest(resources) + subjects)
        self._paths: dict[str, Path] = {}
        self._folder.mkdir(parents=True, exist_ok=True)

    def __contains__(self, account: str) -> bool:
        return self._path(account).is_file()

    def keep(self, account: str, answer: bytes) -> None:
        """Keeps an answer; who is killed meanwhile leaves none, or all of it."""
        path = self._path(account)
        new = path.with_suffix(".new")
        new.write_bytes(answer)
        new.replace(path)

    def answer(self, account: str) -> bytes:
        return self._path(account).read_bytes()

    def clear(self) -> None:
        """Forgets everything: the build is there."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _path(self, account: str) -> Path:
        found = self._paths.get(account)
        if found is None:
            key = self._start.copy()
            key.update(account.encode() + hashlib.sha256(resources_in(self._resources, account)).digest())
            found = self._paths[account] = self._folder / f"{account}-{key.hexdigest()[:24]}{_SUFFIX}"
        return found
