"""What the tables of a build are: their files, their columns, their version.

``inventory/``         the inventory: shared entities, and the resources of each account
``accounts.arrow``     the accounts, in the order of the batches of the tables below, which policies are none (JSON,
                       with why), whether one on a resource reads the clock
``subjects.arrow``     key, kind, lost, account, the accounts with grants (places); a subject's index is its row
``actions.arrow``      sets of actions; each once
``build.json``         what was built, from which snapshot, in which version of these tables

One batch an account:

``classes.arrow``      pattern, representative, type, account, region, members, contents, open, owner
``grants.arrow``       holders, content, classes: row numbers of the account's batches of the next three
``holders.arrow``      sets of subjects
``contents.arrow``     verdict, certain, residual (JSON or null), because (JSON), related, a set of actions, levels
``sets.arrow``         sets of classes, numbered in the account
``steps.arrow``        source, target (subjects), action, verdict, certain, residual, because: who can become its roles
``lent.arrow``         what others may be let at: arn, type, names, everyone, unnamed, reached (``Lent``)

Every figure is of the one snapshot that ``build.json`` names.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from model.entities import Gap
from model.errors import GrantmapError

#: Goes up with every change of the tables or of what their figures mean; a build of another version is made anew.
TABLES_VERSION = 15

BUILD_FILE = "build.json"
INVENTORY_FOLDER = "inventory"


#: The tables with one batch an account.
BY_ACCOUNT = ("classes", "grants", "contents", "holders", "sets", "steps", "lent")


class TablesError(GrantmapError):
    """Tables of a build that are missing, damaged or of another version."""


class BuildInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a build holds; ``invalid`` maps each policy that is no valid document to the reason.

    ``maker`` is the version that made it. ``taken_over`` accounts are those of the build before it, which was of the
    snapshot ``earlier`` (empty: there was none).
    """

    version: int
    graph_version: int
    snapshot: str
    nodes: dict[str, int]
    edges: dict[str, int]
    principal_classes: int
    resource_classes: int
    seconds: dict[str, float]
    maker: str = ""
    taken_over: int = 0
    earlier: str = ""
    invalid: dict[str, str] = {}
    gaps: list[Gap] = []


def arrow() -> Any:
    """pyarrow: 0.1 s to import, which only those who read or write tables pay."""
    import pyarrow

    return pyarrow


@lru_cache(maxsize=1)
def SCHEMAS(pa: Any) -> dict[str, Any]:  # noqa: N802  # a constant, but for the library it is made of
    """The columns of each table."""
    text, flag, number = pa.string(), pa.bool_(), pa.int32()
    outcome = [("verdict", text), ("certain", flag), ("residual", text), ("because", text)]
    place = [("type", text), ("account", text), ("region", text), ("members", pa.list_(text))]
    kinds = [("contents", flag), ("open", flag), ("owner", text)]
    return {
        name: pa.schema(columns)
        for name, columns in {
            "classes": [("pattern", text), ("representative", text), *place, *kinds],
            "grants": [("holders", number), ("content", number), ("classes", number)],
            "contents": [*outcome, ("related", flag), ("actions", number), ("levels", pa.int8())],
            "holders": [("subjects", pa.list_(number))],
            "sets": [("classes", pa.list_(number))],
            "steps": [("source", number), ("target", number), ("action", text), *outcome],
            "lent": [
                ("arn", text),
                ("type", text),
                ("names", pa.list_(text)),
                ("everyone", flag),
                ("unnamed", flag),
                ("reached", pa.list_(number)),
            ],
            "subjects": [
                ("key", text),
                ("kind", text),
                ("lost", flag),
                ("account", text),
                ("where", pa.list_(number)),
            ],
            "actions": [("actions", pa.list_(text))],
            "accounts": [("account", text), ("invalid", text), ("clocked", flag)],
        }.items()
    }
