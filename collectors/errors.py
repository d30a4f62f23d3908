"""The ways in which collecting and importing fail, each with a message fit for the terminal."""

from __future__ import annotations

from model.errors import GrantmapError


class CollectError(GrantmapError):
    """A collection that cannot begin or go on."""


class CredentialsError(CollectError):
    """AWS does not know the caller, or cannot be reached: missing, wrong or expired credentials, unknown profile."""


class ReadOnlyError(CollectError):
    """An operation that no collector declares; it was refused before it was sent."""


class CollectInterrupted(CollectError):  # noqa: N818 - an interruption is not an error of anything
    """The person stopped the run; what it read is kept and the message says how to go on."""


class ImportFileError(GrantmapError):
    """A file that is not what it should be: which file, where in it, why."""
