"""Two patterns against each other: whether some text matches both, whether one covers the other (semantics M2)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from policy.patterns import Part, Parts, Variable, Wild, matcher

#: What stands for a name in an ARN of a type: something, and no colon in it.
HOLE: Parts = (Wild.SEGMENT_ONE, Wild.SEGMENT_STAR)

_PLACE = re.compile(r"\$\{([^}]*)\}")
_STARS = (Wild.STAR, Wild.SEGMENT_STAR)
_WITHIN = (Wild.SEGMENT_STAR, Wild.SEGMENT_ONE)
#: A character that no policy holds: what it stands for, only a `*` can match.
_ANYTHING = "\0"


@lru_cache(maxsize=16384)
def template(pattern: str, partition: str, region: str = "", account: str = "") -> Parts:
    """Parts of an ARN pattern of the action data (`arn:${Partition}:ec2:…`), what is given filled in, others a hole."""
    known = {"Partition": partition, "Region": region, "Account": account}
    parts: list[Part] = []
    text = ""
    position = 0
    for found in _PLACE.finditer(pattern):
        text += pattern[position : found.start()]
        position = found.end()
        value = known.get(found.group(1))
        if value:
            text += value
            continue
        parts += [text, *HOLE] if text else HOLE
        text = ""
    text += pattern[position:]
    return tuple([*parts, text] if text else parts)


def covers(pattern: Parts, wide: Parts) -> bool:
    """Whether `pattern` certainly matches every text that `wide` matches."""
    if any(isinstance(part, Variable) or part in (Wild.ONE, *_WITHIN) for part in pattern):
        return False
    text = "".join(part if isinstance(part, str) else _ANYTHING for part in wide)
    return bool(matcher(pattern)(text))


@lru_cache(maxsize=16384)
def meet(left: Parts, right: Parts) -> bool:
    """Whether some text matches both patterns: `meeting` without the text, which takes far longer."""
    begun = min(len(beginning(left)), len(beginning(right)))
    if beginning(left)[:begun] != beginning(right)[:begun]:
        return False
    one, two = _tokens(left), _tokens(right)
    waiting = [(begun, begun)]
    seen = {(begun, begun)}
    while waiting:
        i, j = waiting.pop()
        if i == len(one) and j == len(two):
            return True
        for place in _following(one[i] if i < len(one) else None, two[j] if j < len(two) else None, i, j):
            if place not in seen:
                seen.add(place)
                waiting.append(place)
    return False


def _following(a: _Token | None, b: _Token | None, i: int, j: int) -> Iterator[tuple[int, int]]:
    """Where two patterns may be after what they take next together, or after a star that takes nothing."""
    if a in _STARS:
        yield i + 1, j
    if b in _STARS:
        yield i, j + 1
    if a is not None and b is not None and not (a in _STARS and b in _STARS) and _letter(a, b) is not None:
        yield i if a in _STARS else i + 1, j if b in _STARS else j + 1


@lru_cache(maxsize=16384)
def meeting(left: Parts, right: Parts) -> str | None:
    """A text that both patterns match, `None` when there is none."""
    if not beginning(left).startswith(beginning(right)) and not beginning(right).startswith(beginning(left)):
        return None
    one, two = _tokens(left), _tokens(right)
    # rests[i, j]: a text for the rest of `one` from i on and of `two` from j on, worked out from the ends.
    rests: dict[tuple[int, int], str | None] = {}
    for i in range(len(one), -1, -1):
        for j in range(len(two), -1, -1):
            rests[i, j] = _rest(one, two, i, j, rests)
    return rests[0, 0]


_Token = str | Wild


def beginning(parts: Parts) -> str:
    """The text before the first wildcard or variable."""
    return parts[0] if parts and isinstance(parts[0], str) else ""


def _tokens(parts: Parts) -> list[_Token]:
    tokens: list[_Token] = []
    for part in parts:
        if isinstance(part, str):
            tokens.extend(part)
        elif isinstance(part, Wild):
            tokens.append(part)
        else:
            raise TypeError("a variable must be loosened before patterns are compared")
    return tokens


def _rest(
    one: list[_Token], two: list[_Token], i: int, j: int, rests: Mapping[tuple[int, int], str | None]
) -> str | None:
    """A text for both rests, from what is known of shorter ones."""
    if i == len(one) and j == len(two):
        return ""
    a, b = (one[i] if i < len(one) else None), (two[j] if j < len(two) else None)
    for star, skipped in ((a in _STARS, (i + 1, j)), (b in _STARS, (i, j + 1))):
        if star and rests[skipped] is not None:
            return rests[skipped]
    if a is None or b is None:
        return None
    if a in _STARS and b in _STARS:
        return None  # one of the two was skipped above
    letter = _letter(a, b)
    after = rests[i if a in _STARS else i + 1, j if b in _STARS else j + 1]
    return None if letter is None or after is None else letter + after


def _letter(a: _Token, b: _Token) -> str | None:
    """A character that both take."""
    for mine, other in ((a, b), (b, a)):
        if isinstance(mine, str):
            if isinstance(other, str):
                return mine if mine == other else None
            return None if mine == ":" and other in _WITHIN else mine
    return "x"
