"""The ways in which what grantmap reads can be wrong, one type a kind of failure."""


class GrantmapError(Exception):
    """Any failure whose message is fit for the person at the terminal: one line, what, where, what to do."""


class ArnError(GrantmapError, ValueError):
    """A text that should be an ARN and is not."""


class SnapshotError(GrantmapError):
    """A snapshot that is missing, incomplete, of another format or whose parts do not hash to their manifest."""


class SnapshotBusyError(SnapshotError):
    """A snapshot that another process is writing."""


class InventoryError(GrantmapError):
    """A page of a snapshot that does not have the shape its AWS operation documents."""
