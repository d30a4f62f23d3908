"""What people call the things that answers name by ids; declared in ``model.naming``, which the screens use too."""

from model.naming import Names

__all__ = ["Names"]
