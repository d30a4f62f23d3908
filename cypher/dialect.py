"""What a library query may say so that both stores give the same rows, checked against the schema before it runs.

Each refusal stands for a difference that was tried: see ``docs/queries.md`` for the queries and ``graph/kinds.py``
for the reserved words. This is a reader of the patterns the library uses, not a parser of Cypher.
"""

from __future__ import annotations

from collections.abc import Sequence

from cypher.errors import QueryError
from graph.cyphertext import Token, check_reads, tokens
from graph.kinds import SchemaError, Type, check_name
from graph.schema import EDGE_KINDS, MAX_VARIABLE_LENGTH, NODE_KINDS
from graph.store import SNAPSHOT_PARAMETER, StoreError

#: Functions that both stores have under one name and with one meaning.
FUNCTIONS = frozenset(
    (
        *("ABS", "ALL", "ANY", "AVG", "COALESCE", "COUNT", "EXISTS", "LENGTH", "MAX", "MIN", "NODES", "NONE"),
        *("RELATIONSHIPS", "SINGLE", "SIZE", "SUM", "TOLOWER", "TOUPPER", "TRIM"),
    )
)

#: Words after which a parenthesis opens a pattern or an expression and no arguments.
_BEFORE_PARENTHESIS = frozenset(
    (
        *("AND", "AS", "BY", "CASE", "CONTAINS", "DISTINCT", "ELSE", "IN", "LIMIT", "MATCH", "NOT", "OPTIONAL", "OR"),
        *("RETURN", "SKIP", "THEN", "UNWIND", "WHEN", "WHERE", "WITH", "XOR"),
    )
)
_CLAUSES = frozenset(("MATCH", "OPTIONAL", "RETURN", "UNWIND", "WHERE", "WITH", "ORDER", "SKIP", "LIMIT"))


#: Lists are settled in an order by the key of the node they stand on.
_LISTS = frozenset(p.name for node in NODE_KINDS.values() for p in node.all_properties if p.type is Type.STRINGS)


class _Reader:
    """One pass over the tokens: what each variable is, and every rule that needs no more than its neighbours."""

    def __init__(self, found: list[Token], where: str) -> None:
        self.tokens = found
        self.where = where
        #: Properties that a variable has, by its name; nothing declared is known of others.
        self.variables: dict[str, frozenset[str]] = {}
        self.in_match = False
        self.edge_kinds: set[str] = set()
        #: Of the pattern being read: whether a node of it is tied to the snapshot or was met before.
        self.anchored = True
        self.pattern_line = 0

    def error(self, line: int, text: str) -> QueryError:
        return QueryError(f"{self.where}, line {line}: {text}")

    def at(self, index: int) -> Token:
        return self.tokens[index] if 0 <= index < len(self.tokens) else Token("sign", "", 0)

    def read(self) -> None:
        depth = 0
        subqueries: list[int] = []
        index = 0
        while index < len(self.tokens):
            token, before = self.tokens[index], self.at(index - 1)
            word = token.word()
            if before.text not in (".", ":") and word in _CLAUSES:
                self.close_pattern()
                self.in_match = word == "MATCH"
                if self.in_match:
                    self.edge_kinds = set()
                    self.open_pattern(token.line)
            elif token.text == "," and self.in_match and depth == (subqueries[-1] if subqueries else 0):
                self.close_pattern()
                self.open_pattern(token.line)
            elif token.text == "{" and before.word() in ("EXISTS", "COUNT"):
                self.close_pattern()
                depth += 1
                subqueries.append(depth)
            elif token.text in ("{", "(", "["):
                depth += 1
                if token.text == "(" and self.in_match and before.word() not in FUNCTIONS:
                    self.node(index)
                elif token.text == "[":
                    self.bracket(index)
            elif token.text in ("}", ")", "]"):
                if subqueries and depth == subqueries[-1]:
                    self.close_pattern()
                    self.in_match = False
                    subqueries.pop()
                depth -= 1
            elif token.text == "-" == before.text:
                raise self.error(token.line, "an edge has no kind")
            elif token.what == "name":
                self.name(index)
            elif token.what == "parameter":
                self.check_name(token.text[1:], token.line, "parameter")
            index += 1
        self.close_pattern()

    def open_pattern(self, line: int) -> None:
        self.anchored, self.pattern_line = False, line

    def close_pattern(self) -> None:
        if not self.anchored:
            raise self.error(self.pattern_line, "no node of the pattern is tied by {snapshot: $snapshot}")
        self.anchored = True

    def kinds(self, index: int) -> tuple[list[str], int]:
        """The names after the colon at ``index``, divided by bars, and the index after them."""
        names = []
        while self.at(index).text in (":", "|"):
            names.append(self.at(index + 1).text)
            index += 2
        return names, index

    def properties(self, index: int, known: frozenset[str]) -> None:
        """Checks the map that may begin at ``index``."""
        if self.at(index).text != "{":
            return
        end = index
        while self.at(end).text not in ("}", ""):
            end += 1
        for place in range(index + 1, end):
            token = self.at(place)
            if token.what == "name" and self.at(place + 1).text == ":":
                if token.text not in known:
                    raise self.error(token.line, f"unknown property `{token.text}`")
                if token.text == "snapshot" and self.at(place + 2).text == f"${SNAPSHOT_PARAMETER}":
                    self.anchored = True

    def node(self, opening: int) -> None:
        index = opening + 1
        variable = ""
        if self.at(index).what == "name":
            variable = self.at(index).text
            self.check_name(variable, self.at(index).line, "variable")
            index += 1
        labels, index = self.kinds(index)
        for label in labels:
            if label not in NODE_KINDS:
                raise self.error(self.at(opening).line, f"unknown node kind `{label}`")
        if labels:
            known = frozenset[str]().union(*(NODE_KINDS[label].property_names() for label in labels))
        elif variable in self.variables:
            known = self.variables[variable]
            self.anchored = True
        elif variable:
            raise self.error(self.at(opening).line, f"node `{variable}` has no kind")
        else:
            known = frozenset()
        if variable:
            if labels and variable in self.variables:
                self.anchored = True
            self.variables[variable] = known
        self.properties(index, known)

    def bracket(self, opening: int) -> None:
        before = self.at(opening - 1)
        index = opening + 1
        if before.text != "-":
            if before.what in ("name", "parameter") and before.word() not in ("IN", "RETURN", "UNWIND", "WITH", "THEN"):
                raise self.error(before.line, "no subscripts: one store counts from 0, the other from 1")
            if self.at(index).what == "name" and self.at(index + 1).word() == "IN":
                raise self.error(before.line, "no list comprehension: one store has none")
            return
        variable = ""
        if self.at(index).what == "name":
            variable = self.at(index).text
            self.check_name(variable, self.at(index).line, "variable")
            index += 1
        kinds, index = self.kinds(index)
        line = self.at(opening).line
        if not kinds:
            raise self.error(line, "an edge has no kind")
        for kind in kinds:
            if kind not in EDGE_KINDS:
                raise self.error(line, f"unknown edge kind `{kind}`")
            if kind in self.edge_kinds:
                raise self.error(
                    line, f"`{kind}` twice in one MATCH: only one store wants the two to differ, use two MATCH clauses"
                )
            self.edge_kinds.add(kind)
        known = frozenset[str]().union(*(EDGE_KINDS[kind].property_names() for kind in kinds))
        if variable:
            self.variables[variable] = known
        if self.at(index).text == "*":
            self.length(index)
        self.properties(index, known)

    def length(self, star: int) -> None:
        """Refuses what may be longer than the stores answer in time: ``*``, ``*2..``, ``*1..9``."""
        texts: list[str] = []
        while self.at(star + 1 + len(texts)).text not in ("]", "{", ""):
            texts.append(self.at(star + 1 + len(texts)).text)
        last = texts[-1] if texts else ""
        if not last.isdecimal() or int(last) > MAX_VARIABLE_LENGTH:
            raise self.error(self.at(star).line, f"variable length must end at {MAX_VARIABLE_LENGTH} at most")

    def name(self, index: int) -> None:
        token, before, after = self.tokens[index], self.at(index - 1), self.at(index + 1)
        if token.text.startswith("`"):
            raise self.error(token.line, f"{token.text} is quoted: use plain names")
        if after.text == "(" and before.text not in (".", ":"):
            if token.word() not in FUNCTIONS and token.word() not in _BEFORE_PARENTHESIS:
                raise self.error(token.line, f"function `{token.text}` is not known to both stores alike")
            if token.word() == "SUM" and self.at(index - 2).word() != "COALESCE":
                raise self.error(token.line, "write `coalesce(sum(…), 0)`: of no rows one store gives null")
        elif token.word() == "UNION":
            raise self.error(token.line, "no UNION: its rows cannot be ordered on both stores")
        if before.word() == "AS":
            self.check_name(token.text, token.line, "column")
        if after.text == "." and self.at(index + 2).what == "name" and before.text != ".":
            known = self.variables.get(token.text)
            if known is None:
                raise self.error(token.line, f"`{token.text}` is no node or edge of this query")
            if self.at(index + 2).text not in known:
                raise self.error(token.line, f"`{token.text}` has no property `{self.at(index + 2).text}`")

    def check_name(self, name: str, line: int, what: str) -> None:
        try:
            check_name(name, what)
        except SchemaError as error:
            raise self.error(line, str(error)) from error


def _last(found: list[Token], word: str) -> int:
    return max((i for i, t in enumerate(found) if t.word() == word), default=-1)


def _items(found: list[Token]) -> list[list[Token]]:
    """The tokens divided at the commas that stand in no parenthesis."""
    items: list[list[Token]] = [[]]
    depth = 0
    for token in found:
        depth += (token.text in ("(", "[", "{")) - (token.text in (")", "]", "}"))
        if token.text == "," and depth == 0:
            items.append([])
        else:
            items[-1].append(token)
    return items


def check_statement(text: str, columns: Sequence[str], parameters: Sequence[str], where: str) -> None:
    """Raises ``QueryError`` unless the statement reads only, names what the schema declares, returns exactly
    ``columns``, uses exactly ``parameters`` and ends in an ORDER BY over all of its columns."""
    found = tokens(text)
    try:
        check_reads(found)
    except StoreError as error:
        raise QueryError(f"{where}: {error}") from error
    reader = _Reader(found, where)
    reader.read()
    if both := sorted(set(columns) & set(reader.variables)):
        raise QueryError(f"{where}: column `{both[0]}` is a node's name too: ORDER BY would mean one or the other")
    used = {token.text[1:] for token in found if token.what == "parameter"} - {SNAPSHOT_PARAMETER}
    if missing := sorted(used - set(parameters)):
        raise QueryError(f"{where}: parameter `{missing[0]}` is not declared")
    if unused := sorted(set(parameters) - used):
        raise QueryError(f"{where}: parameter `{unused[0]}` is not used")
    start, order = _last(found, "RETURN"), _last(found, "ORDER")
    if sum(token.word() == "ORDER" for token in found) != 1 or order < start:
        raise QueryError(f"{where}: a query ends in one ORDER BY, and orders nothing before it")
    body = found[start + 1 : order]
    if body and body[0].word() == "DISTINCT":
        body = body[1:]
    returned = []
    for item in _items(body):
        if len(item) < 3 or item[-2].word() != "AS":
            raise QueryError(f"{where}: every returned value needs a name: `… AS name`")
        returned.append(item[-1].text)
    if returned != list(columns):
        raise QueryError(f"{where}: it returns {', '.join(returned)} and declares {', '.join(columns)}")
    end = next((i for i, t in enumerate(found) if i > order and t.word() in ("SKIP", "LIMIT")), len(found))
    ordered = [item[0].text for item in _items(found[order + 2 : end]) if item]
    settled = {item[0].text for item in _items(body) if _property(item) == "key" and item[-1].text in ordered}
    for item, column in zip(_items(body), columns, strict=True):
        if _property(item) in _LISTS:
            if column in ordered:
                raise QueryError(f"{where}: ORDER BY names the list `{column}`: one store cannot order lists")
            if item[0].text not in settled:
                raise QueryError(
                    f"{where}: ORDER BY lacks the key of `{item[0].text}`, which settles the list `{column}`"
                )
        elif column not in ordered:
            raise QueryError(f"{where}: ORDER BY lacks `{column}`: it must name every column, so that no two rows tie")


def _property(item: list[Token]) -> str:
    """The property of a returned item that is nothing else: ``key`` of ``g.key AS grant``."""
    return item[2].text if len(item) == 5 and item[1].text == "." else ""
