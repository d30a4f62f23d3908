"""A Cypher text as tokens: enough to know its parameters, and that it only reads, before a database sees it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from graph.store import SNAPSHOT_PARAMETER, Parameters, StoreError

#: Clauses that write, reach files or other machines, or run what a store offers beside the language. A read-only
#: database still answers ``LOAD FROM '/etc/passwd'``, so the text is refused and not only the write.
_REFUSED = frozenset(
    (
        *("ALTER", "ATTACH", "BEGIN", "CALL", "CHECKPOINT", "COMMENT", "COMMIT", "COPY", "CREATE", "DELETE", "DETACH"),
        *("DROP", "EXPORT", "FOREACH", "IMPORT", "INSTALL", "LOAD", "MERGE", "REMOVE", "ROLLBACK", "SET", "USE"),
    )
)
_OPENING = frozenset(("MATCH", "OPTIONAL", "RETURN", "UNWIND", "WITH"))

_TOKEN = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<comment>//[^\n]*|/\*.*?\*/)
    | (?P<string>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")
    | (?P<parameter>\$[A-Za-z_][A-Za-z0-9_]*)
    | (?P<name>[^\W\d]\w*|`[^`]*`)
    | (?P<number>\d+(?:\.\d+)?)
    | (?P<sign>.)
    """,
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    """``what`` is name, parameter, string, number or sign; ``line`` counts from 1."""

    what: str
    text: str
    line: int

    def word(self) -> str:
        """The text in capitals if it is a bare name, else empty."""
        return self.text.upper() if self.what == "name" else ""


def tokens(text: str) -> list[Token]:
    """The tokens of ``text`` without space and comments. A quote that is never closed is a sign."""
    found = []
    line = 1
    for match in _TOKEN.finditer(text):
        what = match.lastgroup or ""
        if what not in ("space", "comment"):
            found.append(Token(what, match.group(), line))
        line += match.group().count("\n")
    return found


def check_reads(found: list[Token]) -> None:
    """Raises ``StoreError`` unless the tokens are one reading statement."""
    body = found[:-1] if found and found[-1].text == ";" else found
    if not body or body[0].word() not in _OPENING:
        raise StoreError("a query begins with MATCH, OPTIONAL MATCH, UNWIND, WITH or RETURN")
    for before, token in zip([None, *body], body, strict=False):
        if token.text == ";":
            raise StoreError("a query is one statement: nothing may follow `;`")
        if token.what == "sign" and token.text in "'\"":
            raise StoreError(f"line {token.line}: a quote is never closed")
        # After `.` or `:` the word is a property or a kind and not a clause.
        if token.word() in _REFUSED and (before is None or before.text not in (".", ":")):
            raise StoreError(f"line {token.line}: a query only reads, `{token.text}` is refused")


def bound(text: str, parameters: Parameters | None, snapshot: str) -> dict[str, object]:
    """The parameters to send with ``text``, ``$snapshot`` filled where used.

    Raises ``StoreError`` when the text does more than read, when a parameter is missing (Ladybug would read it as
    null), is not used, or has a value of a type that no column has, and when it asks the graph without ``$snapshot``:
    one database may hold several generations.
    """
    found = tokens(text)
    check_reads(found)
    used = {token.text[1:] for token in found if token.what == "parameter"}
    given: Mapping[str, object] = parameters or {}
    if SNAPSHOT_PARAMETER in given:
        raise StoreError(f"parameter `{SNAPSHOT_PARAMETER}` is filled by the store")
    if missing := sorted(used - set(given) - {SNAPSHOT_PARAMETER}):
        raise StoreError(f"parameter `{missing[0]}` is missing")
    if unused := sorted(set(given) - used):
        raise StoreError(f"parameter `{unused[0]}` is not used by the query")
    for name, value in given.items():
        _check_value(name, value)
    if SNAPSHOT_PARAMETER not in used and any(token.word() == "MATCH" for token in found):
        raise StoreError("query refused: tie each pattern to the generation with `{snapshot: $snapshot}`")
    filled = {SNAPSHOT_PARAMETER: snapshot} if SNAPSHOT_PARAMETER in used else {}
    return {**given, **filled}


def _check_value(name: str, value: object) -> None:
    items = value if isinstance(value, list) else [value]
    # `1 IN [2, null]` is null to Neo4j and false to Ladybug.
    if isinstance(value, list) and None in value:
        raise StoreError(f"parameter `{name}` is a list with nothing in one place")
    for item in items:
        if item is not None and not isinstance(item, bool | int | float | str):
            raise StoreError(f"parameter `{name}` is a {type(item).__name__}: give text, numbers, yes or no, or a list")
        if isinstance(item, int) and not -(2**63) <= item < 2**63:
            raise StoreError(f"parameter `{name}` is too large a number")
        if isinstance(item, str) and not item.isascii():
            try:
                item.encode()
            except UnicodeEncodeError as error:
                raise StoreError(f"parameter `{name}` is no valid text") from error
