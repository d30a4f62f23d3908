"""What can be wrong with a query of the library."""

from model.errors import GrantmapError


class QueryError(GrantmapError):
    """A query file that says or does what it may not, an unknown query, a parameter that does not fit."""
