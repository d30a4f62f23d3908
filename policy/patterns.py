"""Globs and policy variables, compiled once (semantics M1-M3).

A pattern is a tuple of parts: literal text, a wildcard, or a `Variable`. Matching is a regular expression in which
every `*` but the last takes the shortest text that lets the following literal match and never gives it back: a glob
needs no backtracking, so a hostile pattern of many stars costs no more than a friendly one. Where there is one `*` at
most, nothing is compiled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache, partial

from policy.context_values import ABSENT, Context, Unknown, is_multivalued


class Wild(Enum):
    """A wildcard; the two of an ARN segment do not cross a colon (M2: ArnLike compares the six parts separately)."""

    STAR = "*"
    ONE = "?"
    SEGMENT_STAR = "[*]"
    SEGMENT_ONE = "[?]"

    # Patterns are keys of many tables, and an enumeration's own hash is slow.
    __hash__ = object.__hash__


_REGEX = {Wild.STAR: ".*", Wild.ONE: ".", Wild.SEGMENT_STAR: "[^:]*", Wild.SEGMENT_ONE: "[^:]"}
_STARS = (Wild.STAR, Wild.SEGMENT_STAR)


@dataclass(frozen=True, slots=True)
class Variable:
    """`${key}` or `${key, 'default'}`: `key` in lower case, `text` as written."""

    key: str
    text: str
    default: str | None = None


Part = str | Wild | Variable
Parts = tuple[Part, ...]
Test = Callable[[str], object]
"""A compiled matcher: its answer is read as true or false."""

_VARIABLE = re.compile(r"\$\{([^{}$]*|\$)\}")
_DEFAULTED = re.compile(r"([^,]+?)\s*,\s*'(.*)'\s*", re.DOTALL)


def parse_parts(text: str, *, variables: bool, wildcards: bool) -> Parts:
    """Cut a text into parts. Without `variables` (an older document, M3) `${…}` is plain text."""
    parts: list[Part] = []
    position = 0
    for found in _VARIABLE.finditer(text) if variables else ():
        inner = found.group(1)
        if not inner.strip():
            continue
        _add_plain(parts, text[position : found.start()], wildcards)
        position = found.end()
        if inner in ("*", "?", "$"):
            parts.append(inner)
            continue
        defaulted = _DEFAULTED.fullmatch(inner)
        key, default = (defaulted.group(1), defaulted.group(2)) if defaulted else (inner, None)
        parts.append(Variable(key.strip().lower(), key.strip(), default))
    _add_plain(parts, text[position:], wildcards)
    return _joined(parts)


def _add_plain(parts: list[Part], text: str, wildcards: bool) -> None:
    if not wildcards:
        if text:
            parts.append(text)
        return
    for piece in re.split(r"([*?])", text):
        if piece == "*":
            parts.append(Wild.STAR)
        elif piece == "?":
            parts.append(Wild.ONE)
        elif piece:
            parts.append(piece)


def _joined(parts: Iterable[Part]) -> Parts:
    """Neighbouring literals become one, so that equal patterns compile to equal parts."""
    joined: list[Part] = []
    for part in parts:
        last = joined[-1] if joined else None
        if isinstance(part, str) and isinstance(last, str):
            joined[-1] = last + part
        elif part is not last or part not in _STARS:
            joined.append(part)
    return tuple(joined)


@lru_cache(maxsize=1 << 16)
def resource_parts(text: str, *, variables: bool) -> Parts:
    """Parts of a resource pattern: variables count only after the fifth colon (M3)."""
    pieces = text.split(":", 5)
    if not variables or len(pieces) < 6:
        return parse_parts(text, variables=False, wildcards=True)
    head = parse_parts(":".join(pieces[:5]) + ":", variables=False, wildcards=True)
    return _joined(head + parse_parts(pieces[5], variables=True, wildcards=True))


def arn_parts(parts: Parts) -> Parts | None:
    """Parts of an ArnLike value: wildcards of the first five segments stay inside them. `None`: matches no ARN."""
    if parts == (Wild.STAR,):
        return parts
    colons = 0
    converted: list[Part] = []
    for part in parts:
        if isinstance(part, str):
            colons += part.count(":")
            converted.append(part)
        elif isinstance(part, Wild) and colons < 5:
            converted.append(Wild.SEGMENT_STAR if part is Wild.STAR else Wild.SEGMENT_ONE)
        else:
            converted.append(part)
    return tuple(converted) if colons >= 5 else None


@lru_cache(maxsize=65536)
def matcher(parts: Parts, ignore_case: bool = False) -> Test:
    """A matcher of the whole text for parts without variables."""
    few = None if ignore_case else _simple(parts)
    if few is not None:
        return few
    return re.compile(_expression(parts), re.DOTALL | (re.IGNORECASE if ignore_case else 0)).fullmatch


def _simple(parts: Parts) -> Test | None:
    """A test of texts for a pattern with at most one star and no other wildcard."""
    words = _words(parts)
    return None if words is None else _of_few(words)


def _words(parts: Parts) -> list[str] | None:
    """The literals between the stars of a pattern that has no other wildcards: empty ones where it begins or ends with
    a star."""
    words = [""]
    for part in parts:
        if part is Wild.STAR:
            words.append("")
        elif isinstance(part, str):
            words[-1] += part
        else:
            return None
    return words


def _of_few(words: Sequence[str]) -> Test | None:
    """A test of texts for the words between at most one star; nothing need be compiled for it."""
    if len(words) == 1:
        return words[0].__eq__
    if len(words) > 2:
        return None
    first, last = words
    if not last:
        return lambda text: text.startswith(first)
    least = len(first) + len(last)
    return lambda text: len(text) >= least and text.startswith(first) and text.endswith(last)


def _in_order(words: Sequence[str], text: str) -> bool:
    """Whether a text holds words in this order, apart, the first at its beginning and the last at its end."""
    few = _of_few(words)
    if few is not None:
        return bool(few(text))
    first, *between, last = words
    place, end = len(first), len(text) - len(last)
    if end < place or not text.startswith(first) or not text.endswith(last):
        return False
    for word in between:
        place = text.find(word, place, end)
        if place < 0:
            return False
        place += len(word)
    return True


def _expression(parts: Parts) -> str:
    last_star = max((i for i, part in enumerate(parts) if part in _STARS), default=-1)
    pieces: list[str] = []
    pending = ""
    for i, part in enumerate(parts):
        if isinstance(part, Variable):
            raise TypeError("a variable must be resolved before its pattern is compiled")
        if isinstance(part, Wild) and part in _STARS:
            pieces.append(pending + (")" if pending.startswith("(?>") else ""))
            pending = _REGEX[part] if i == last_star else f"(?>{_REGEX[part]}?"
        else:
            pending += re.escape(part) if isinstance(part, str) else _REGEX[part]
    pieces.append(pending + (")" if pending.startswith("(?>") else ""))
    return "".join(pieces)


def alternatives(patterns: Iterable[Parts], *, ignore_case: bool = False) -> Test | None:
    """One matcher for a list of patterns without variables; `None` when it matches every text."""
    literals: set[str] = set()
    starts: list[str] = []
    others: list[Parts] = []
    for parts in patterns:
        if parts == (Wild.STAR,):
            return None
        words = _words(parts)
        if words is not None and len(words) == 1:
            literals.add(words[0])
        elif words is not None and len(words) == 2 and not words[1] and not ignore_case:
            starts.append(words[0])
        else:
            others.append(parts)
    if starts:
        return _beginning(frozenset(literals), tuple(starts), others)
    if not others and not ignore_case:
        if len(literals) == 1:
            return next(iter(literals)).__eq__
        return frozenset(literals).__contains__
    return _any_of((*others, *((text,) for text in sorted(literals))), ignore_case=ignore_case)


def _any_of(patterns: Sequence[Parts], *, ignore_case: bool = False) -> Test:
    few = _simple(patterns[0]) if len(patterns) == 1 and not ignore_case else None
    if few is not None:
        return few
    flags = re.DOTALL | (re.IGNORECASE if ignore_case else 0)
    return _Late("|".join(f"(?:{_expression(parts)})" for parts in patterns), flags)


class _Late:
    """A regular expression that is compiled when it is first asked: most statements are never asked about a text."""

    __slots__ = ("_expression", "_flags", "_match")

    def __init__(self, expression: str, flags: re.RegexFlag | int) -> None:
        self._expression, self._flags = expression, flags
        self._match: Test | None = None

    def __call__(self, text: str) -> object:
        if self._match is None:
            self._match = re.compile(self._expression, self._flags).fullmatch
        return self._match(text)


def _beginning(literals: frozenset[str], starts: tuple[str, ...], others: Sequence[Parts]) -> Test:
    """A test of texts that are one of some, begin with one of others, or match a pattern."""
    if not others:
        return lambda text: text.startswith(starts) or text in literals
    other = _any_of(others)
    return lambda text: text.startswith(starts) or text in literals or other(text)


def action_matcher(patterns: Iterable[str]) -> Test | None:
    """A matcher of actions in lower case (M1: without case); `None` when it matches every action.

    A long list is dispatched by the service before the colon, so that a statement of 300 actions costs one look-up.
    """
    lowered = [pattern.lower() for pattern in patterns]
    if any(set(pattern) <= {"*", ":"} and pattern.startswith("*") for pattern in lowered):
        return None
    parsed = [parse_parts(pattern, variables=False, wildcards=True) for pattern in lowered]
    if len(parsed) <= 4:
        return alternatives(parsed)
    by_service: dict[str, list[Parts]] = {}
    anywhere: list[Parts] = []
    for pattern, parts in zip(lowered, parsed, strict=True):
        service, _, _ = pattern.partition(":")
        if "*" in service or "?" in service:
            anywhere.append(parts)
        else:
            by_service.setdefault(service, []).append(parts)
    return _dispatcher({service: alternatives(group) for service, group in by_service.items()}, anywhere)


def _dispatcher(tests: dict[str, Test | None], anywhere: list[Parts]) -> Test:
    general = alternatives(anywhere) if anywhere else None

    def matches(action: str) -> object:
        service = action.partition(":")[0]
        if service in tests:
            test = tests[service]
            if test is None or test(action):
                return True
        return general is not None and general(action)

    return matches


@dataclass(frozen=True, slots=True)
class Resolved:
    """A pattern whose known variables are filled in.

    `parts` is `None` when a variable is absent without default (M3: such a pattern matches nothing); `unknown` lists
    the variables whose keys are unknown, in order.
    """

    parts: Parts | None
    unknown: tuple[tuple[Variable, Unknown], ...] = ()


def resolve(parts: Parts, context: Context) -> Resolved:
    """Fill the variables of a pattern from the context; what they bring is literal text, never a wildcard."""
    filled: list[Part] = []
    unknown: list[tuple[Variable, Unknown]] = []
    for part in parts:
        if not isinstance(part, Variable):
            filled.append(part)
            continue
        value = context.get(part.key)
        if isinstance(value, Unknown):
            if part.default is None and is_multivalued(part.key):
                return Resolved(None)  # M3: there or not, it is no single value
            filled.append(part)
            unknown.append((part, value))
        elif value is not ABSENT and value != () and (len(value) > 1 or is_multivalued(part.key)):
            return Resolved(None)  # M3: a variable reads single-valued keys only
        elif value is not ABSENT and value:
            filled.append(value[0])
        elif part.default is not None:
            filled.append(part.default)
        else:
            return Resolved(None)
    return Resolved(_joined(filled), tuple(unknown))


def filled_matches(parts: Parts, text: str) -> bool:
    """Whether parts without variables match a text; nothing is compiled: they hold a request's own values."""
    return bool(brief_matcher(parts)(text))


def brief_matcher(parts: Parts) -> Test:
    """As ``matcher``, for few texts: to compile an expression takes as long as to look into a thousand."""
    words = _words(parts)
    return matcher(parts) if words is None else partial(_in_order, words)


def loosened(parts: Parts) -> Parts:
    """The pattern with `*` for each variable: what it does not match, no value of the variables makes it match."""
    return _joined(Wild.STAR if isinstance(part, Variable) else part for part in parts)


def render(parts: Parts, *, wildcards: bool) -> str:
    """The pattern as policy text of version 2012-10-17: parsing it again gives the same parts."""
    written: list[str] = []
    for part in parts:
        if isinstance(part, str):
            text = part.replace("${", "${$}{")
            if wildcards:
                text = re.sub(r"(?<!\$\{)([*?])", r"${\1}", text)
            written.append(text)
        elif isinstance(part, Variable):
            default = "" if part.default is None else f", '{part.default}'"
            written.append(f"${{{part.text}{default}}}")
        else:
            written.append("*" if part in _STARS else "?")
    return "".join(written)
